"""Experiments on one site: its sample and its KL at chosen means and raw scales.

The posterior's location and raw value are replaced by one number everywhere, the noise by
ones, and what comes after is run again by hand. So σ and the KL become plain functions of
two numbers, whatever the model's code looks like.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from ....quick_classes import NamedTuple
from ....trace import Array
from .anatomy import Anatomy
from .finding import NotApplied
from .lineage import CLAMPS
from .loss_parts import LossPart
from .posterior import Site

LOCATIONS = (0.0, -1.5, 0.7, 2.0)
RAW_VALUES = (-3.0, -2.0, -1.2, -0.6, -0.2, 0.3, 0.8, 1.5, 2.5)
UNIFORM_ENOUGH = 1e-9


class Probe(NamedTuple):
    """What one pair of numbers gave: the scale of the noise in z, and the KL's part of the loss."""

    mu: float
    raw: float
    sigma: float
    kl: float


def raw_of(site: Site) -> int:
    """Return a site's raw value; `NotApplied` where the scale is a constant."""
    if site.raw is None:
        raise NotApplied("the scale of z is a constant")
    if site.of_one_number:
        raise NotApplied(
            "the mean and the scale of z are made from the same number; see head-range"
        )
    return site.raw


def require_reparameterized(site: Site) -> None:
    if site.drawn:
        raise NotApplied("z was drawn by PyTorch itself, so its arithmetic is not there to see")


def probe(
    anatomy: Anatomy, site: Site, parts: tuple[LossPart, ...], mu: float, raw: float
) -> Probe:
    """Run z and some parts of the loss again at one mean and one raw value.

    What is estimated from the sample is averaged over draws of 1 and of -1, which for a
    polynomial of degree 3 in the draw is its mean over all draws.
    """
    sampled = any(part.samples for part in parts)
    tried = [
        at(anatomy, site, parts, mu, raw, draw) for draw in ((1.0, -1.0) if sampled else (1.0,))
    ]
    kl = np.mean([anatomy.total(parts, arrays) for _, arrays in tried])
    return Probe(mu, raw, tried[0][0], float(kl))


def at(
    anatomy: Anatomy, site: Site, parts: tuple[LossPart, ...], mu: float, raw: float, draw: float
) -> tuple[float, dict[int, Array]]:
    """Run z and some parts again at one mean, raw value and draw; return σ, and the arrays."""
    raw_value = raw_of(site)
    replaced = {
        site.location: anatomy.filled(site.location, mu),
        raw_value: anatomy.filled(raw_value, raw),
        site.noise: anatomy.filled(site.noise, draw),
    }
    wanted = [part.summand.value for part in parts]
    targets = [site.scale, *wanted] if site.drawn else [site.z, *wanted]
    arrays = anatomy.experiment(replaced, [t for t in targets if t is not None])
    sigma = (
        arrays[site.scale]
        if site.drawn and site.scale is not None
        else site.sign * (arrays[site.z] - mu) / draw
    )
    return _one(sigma), arrays


def _one(sigma: Array) -> float:
    if not sigma.size:
        raise NotApplied("z has no numbers")
    low, high = float(sigma.min()), float(sigma.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        return float("nan")
    if high - low > UNIFORM_ENOUGH * max(abs(low), abs(high)):
        raise NotApplied("the scale of z is another function at every place")
    return (low + high) / 2


def probes(anatomy: Anatomy, site: Site, parts: tuple[LossPart, ...]) -> list[Probe]:
    """Return what a grid of means and raw values gives, where all of it is finite."""
    usable = [raw for raw in RAW_VALUES if not _clamped(anatomy, site, raw)]
    probed = [probe(anatomy, site, parts, mu, raw) for mu, raw in product(LOCATIONS, usable)]
    return [p for p in probed if np.isfinite(p.sigma) and np.isfinite(p.kl)]


def _clamped(anatomy: Anatomy, site: Site, raw: float) -> bool:
    """Whether a clamp between a raw value and the scale holds it back: the KL may have another."""
    clamps = [
        (anatomy.made_from(value_id)[0], value_id)
        for value_id in site.chain
        if anatomy.rule(value_id) in CLAMPS
    ]
    if not clamps:
        return False
    wanted = {value_id for pair in clamps for value_id in pair}
    arrays = anatomy.experiment({raw_of(site): anatomy.filled(raw_of(site), raw)}, wanted)
    return any(bool((arrays[before] != arrays[behind]).any()) for before, behind in clamps)


def actual_scale(anatomy: Anatomy, site: Site) -> Array:
    """Return what the noise is multiplied by in this run, in the shape of z."""
    if site.drawn:
        assert site.scale is not None, "a draw with moments has a scale"
        return anatomy.array(site.scale)
    zeros, ones = (anatomy.filled(site.noise, fill) for fill in (0.0, 1.0))
    without = anatomy.experiment({site.noise: zeros}, [site.z])[site.z]
    return site.sign * (anatomy.experiment({site.noise: ones}, [site.z])[site.z] - without)


def shift(anatomy: Anatomy, site: Site) -> Array | None:
    """Return what z is beside its mean where the noise is 0; None where the shapes do not say."""
    if site.drawn or anatomy.values[site.z].shape != anatomy.values[site.location].shape:
        return None
    zeros = anatomy.filled(site.noise, 0.0)
    return anatomy.experiment({site.noise: zeros}, [site.z])[site.z] - anatomy.array(site.location)


def sigma_at(anatomy: Anatomy, site: Site, raw: float) -> float:
    """Return the scale of z at one raw value; NaN where there is none."""
    return probe(anatomy, site, (), 0.0, raw).sigma


def into_z(anatomy: Anatomy, site: Site, value_id: int) -> set[int]:
    """Return the outputs of the operations that use a value on its way into z."""
    way = anatomy.ancestors(site.z)
    consumers = anatomy.graph.consumers(value_id)
    return {bound.output for bound in consumers if bound.output in way}


def kl_candidates(anatomy: Anatomy, site: Site) -> list[tuple[LossPart, ...]]:
    """Return the parts of the loss that may be one site's KL, the likeliest first.

    In closed form it needs the posterior alone. An estimate from the sample needs both, and
    what of it needs the posterior alone may be a term of its own.

    Raises
    ------
    NotApplied
        Where there are none, saying what stands in their place.
    """
    index = site.index
    mine = anatomy.role("kl", site)
    sampled = [
        p for p in anatomy.role("sampled") if p.samples <= {index} and p.posteriors <= {index}
    ]
    plain = tuple(p for p in sampled if not p.parameter)
    estimated = any(p.posteriors for p in sampled)
    if estimated and len(plain) < len(sampled):
        raise NotApplied(
            "the KL is estimated from the sample (Monte Carlo), with parameters of its own: a "
            "flow, or a learned prior"
        )
    if (estimated or plain) and not site.drawn:
        both = (*mine, *plain)
        if estimated or mine:
            return [both] if estimated else [mine, both]
    elif estimated:
        raise NotApplied("the KL is estimated from a sample that PyTorch drew itself")
    if mine:
        return [mine]
    raise NotApplied(_no_kl(anatomy, site))


def _no_kl(anatomy: Anatomy, site: Site) -> str:
    """Say what the loss has in place of a KL of a site."""
    index = site.index
    learned = [p for p in anatomy.role("learned prior") if index in p.posteriors]
    if learned:
        return (
            f"{anatomy.name(learned[0].summand.value)} has parameters of its own beside "
            "the posterior: a learned prior, or a learned weight"
        )
    if any(p.role == "kl" and index in p.posteriors for p in anatomy.parts):
        return "one number measures several posteriors at once"
    if any(p.mixed for p in anatomy.parts):
        return "the loss is no sum of a reconstruction and a KL: one part has both"
    if anatomy.role("sampled"):
        return "what holds the posterior is estimated from the sample, as by Monte Carlo"
    whole = _taken_from(anatomy, site.location)
    others = (p.summand.value for p in anatomy.parts if p.role == "other")
    if whole is not None and any(whole in anatomy.ancestors(value) for value in others):
        return (
            f"z is put together from parts of {anatomy.name(whole)}, and what the loss "
            "has of the whole is not looked into"
        )
    return "no part of the loss depends on the posterior alone"


def _taken_from(anatomy: Anatomy, value_id: int) -> int | None:
    """Return what a value is a part of, such as a column; None for one that stands by itself."""
    bound = anatomy.graph.producer(value_id)
    is_part = bound is not None and anatomy.copied(bound) == "in part"
    return anatomy.made_from(value_id)[0] if is_part else None


def made_by_a_layer(anatomy: Anatomy, value_id: int) -> bool:
    """Whether nothing bounds a value: a layer gave it out, or it is a parameter."""
    current = value_id
    while anatomy.trace.values[current].kind != "parameter":
        bound = anatomy.graph.producer(current)
        if bound is None or anatomy.from_layer(current):
            return bound is not None
        sources = anatomy.made_from(current)
        if bound.rule_name in ("add", "mul"):  # a layer written by hand, or a parameter beside
            sources = [i for i in sources if anatomy.trace.values[i].kind != "parameter"]
        elif not anatomy.copied(bound):
            return False
        if len(sources) != 1:
            return False
        current = sources[0]
    return True
