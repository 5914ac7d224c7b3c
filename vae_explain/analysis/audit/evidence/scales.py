"""What each term weighs: how it was reduced, and what one element of it enters the loss with.

The weights come from experiments, `element_weights.py`; what grows with the batch is seen in
a second run that has every row twice. The reductions are read off the graph to say where a
weight comes from, and only said where they give that weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ....quick_classes import NamedTuple
from ....trace import Array
from .anatomy import Anatomy, once
from .comparisons import measure_of, of_summand
from .draw_weights import draw_weights
from .element_weights import LEFT_OUT, Weighed, latent_weights, median, sides, weigh
from .experiments import probe, require_reparameterized
from .finding import NotApplied
from .kl import known, measure
from .loss_parts import LossPart
from .posterior import Site
from .reductions import ROUNDED, averages, over_batch, same_part, undone, value_of

SAME = 1e-6
NARROW = -20.0, -26.0, -32.0  # raw values that make σ very small
BY_ENTROPY = "KL by its entropy"


class Scale(NamedTuple):
    """What a term weighs.

    Attributes
    ----------
    name
        What the user calls it.
    measure
        What it measures.
    weight
        What one element of one row enters the loss with.
    per_row
        How many elements a row has that count.
    averaged
        Over how many of a row's elements it was averaged; 1 where they are summed.
    by_mean
        Whether it was averaged over a row's elements, of which there may be but one.
    batch
        What was done over the rows: `summed`, `averaged`, `multiplied by the rows` or
        `divided twice by the rows`; `one row`, or `not known`.
    factor
        What the reductions leave of the weight: the plain factors in the term, except a ½
        that belongs to its form.
    halved
        Whether a squared error was written with its ½, which is then its unit.
    value
        The value that the term is made in, where a factor may be put.
    range, local
        As those of `Weighed`.
    """

    name: str
    measure: str
    weight: float
    per_row: int
    averaged: int
    by_mean: bool
    batch: str
    factor: float
    halved: bool
    value: int
    range: tuple[float, float] | None = None
    local: bool = False

    @property
    def unit(self) -> float:
        return 0.5 if self.halved else 1.0

    @property
    def averages(self) -> str:
        """Over how many of a row's elements it was averaged, in words."""
        of = "" if self.averaged == self.per_row else f" of {self.per_row:,}"
        return f"{self.averaged:,}{of}"


@once
def reconstruction_scales(anatomy: Anatomy) -> tuple[Scale, ...]:
    """Return what the parts of the reconstruction weigh, those with equal weights as one."""
    # In x·log(p) + (1 - x)·log(1 - p), two parts are one error.
    together = _by_experiment(anatomy, anatomy.reconstruction())
    if together is not None:
        return (together,)
    groups: dict[tuple[int, int] | int, list[LossPart]] = {}
    for part in anatomy.reconstruction():
        groups.setdefault(sides(anatomy, [part]) or part.summand.value, []).append(part)
    scales: list[Scale] = []
    for parts in groups.values():
        scale = _by_experiment(anatomy, parts)
        scales += (
            [scale]
            if scale
            else [_by_experiment(anatomy, [p]) or _by_graph(anatomy, p) for p in parts]
        )
    targets = {key[1] for key in groups if isinstance(key, tuple)}
    first = scales[0]
    alike = {(each.measure, each.per_row, each.batch) for each in scales}
    if len(targets) == 1 and len(groups) == len(scales) > 1 and len(alike) == 1:
        # Several predictions of one target, as of several samples, weigh together.
        whole = sum(each.weight for each in scales)
        # A ½ is then that of a mean over two samples, and not that of a squared error.
        factor = first.factor * whole / first.weight * first.unit
        return (
            first._replace(name="the reconstruction", weight=whole, factor=factor, halved=False),
        )
    if len(targets) > 1 and all(
        each._replace(value=first.value, per_row=first.per_row, name=first.name) == first
        for each in scales
    ):
        # Several targets whose errors weigh alike, as the steps of a sequence, are one sum.
        elements = sum(each.per_row for each in scales)
        return (first._replace(name="the reconstruction", per_row=elements),)
    return tuple(dict.fromkeys(scales))


@once
def kl_scale(anatomy: Anatomy, site: Site) -> Scale:
    """Return what a site's KL weighs, against its closed form."""
    measured = measure(anatomy, site)
    if measured.fit is None or not (
        known(measured.fit) or measured.fit.kind in ("sigma", "scaled")
    ):
        raise NotApplied("the KL is not known to be a closed form, so it has no weight against one")
    if anatomy.values[site.location].size % anatomy.rows:
        raise NotApplied("μ does not have a row for each row of x")
    if measured.fit.scale <= 0:
        raise NotApplied("the KL enters the loss with the wrong sign; see kl-sign")
    weight, live = _latent_weight(anatomy, site)
    growth, twice = None, _with_rows_twice(anatomy, site)
    if twice is not None:
        fit = measure(*twice).fit
        growth = None if fit is None or fit.scale <= 0 else _latent_weight(*twice)[0] / weight
    per_row = live // anatomy.rows
    return latent_scale(anatomy, measured.parts, measured.name, "KL", weight, growth, per_row)


def _with_rows_twice(anatomy: Anatomy, site: Site) -> tuple[Anatomy, Site] | None:
    """Return the run with every row twice, and the same site there."""
    twice = anatomy.twice
    if twice is None or site.index >= len(twice.sampling.sites):
        return None
    return twice, twice.sites()[site.index]


def latent_scale(
    anatomy: Anatomy,
    parts: Sequence[LossPart],
    name: str,
    measure: str,
    weight: float,
    growth: float | None,
    per_row: int,
) -> Scale:
    """Return the scale of what measures latents.

    Parameters
    ----------
    weight
        What one latent of one row weighs.
    growth
        How many times that in the run with every row twice; None where it is not known.
    """
    over = averages(anatomy, parts[0], same_part(anatomy, parts[0]))
    batch = over_batch(anatomy, growth, parts)
    return _scale(anatomy, parts, name, measure, weight, per_row, over, batch)


def _scale(
    anatomy: Anatomy,
    parts: Sequence[LossPart],
    name: str,
    measure: str,
    weight: float,
    per_row: int,
    over: tuple[int, bool],
    batch: str,
    halved: bool = False,
) -> Scale:
    """Return a scale, whose factor is what its reductions leave of the weight.

    Parameters
    ----------
    over
        Over how many elements of a row it was averaged, and whether it was at all.
    """
    averaged, by_mean = over
    factor = weight / (0.5 if halved else 1.0) * undone(anatomy, batch) * averaged
    value = value_of(anatomy, parts)
    return Scale(name, measure, weight, per_row, averaged, by_mean, batch, factor, halved, value)


@once
def entropy_scale(anatomy: Anatomy, site: Site) -> Scale:
    """Return what a site's KL weighs by its entropy, where it has no closed form.

    Whatever the prior, and whatever a flow makes of the sample, the KL has -log σ for each latent.
    Where σ is very small nothing else in it moves, so that its slope there is its weight.
    """
    require_reparameterized(site)
    # What is made of the sample stays as it is where the deviations are small, and so may be in it.
    roles = ("kl", "sampled", "learned prior")
    parts = tuple(
        p for p in anatomy.parts if (p.role in roles or p.mixed) and site.index in p.posteriors
    )
    if not parts:
        raise NotApplied("no part of the loss measures the posterior without the input")
    size = anatomy.values[site.location].size
    if size % anatomy.rows:
        raise NotApplied("μ does not have a row for each row of x")
    weight, growth = _entropy_weight(anatomy, site, parts) / size, None
    twice = _with_rows_twice(anatomy, site)
    others = tuple(twin for part in parts if (twin := same_part(anatomy, part)) is not None)
    if twice is not None and len(others) == len(parts):
        growth = _entropy_weight(*twice, others) / (2 * size) / weight
    name, per_row = anatomy.name_of(parts, "the KL"), size // anatomy.rows
    return latent_scale(anatomy, parts, name, BY_ENTROPY, weight, growth, per_row)


def _entropy_weight(anatomy: Anatomy, site: Site, parts: tuple[LossPart, ...]) -> float:
    """Return by how much some parts rise for each halving of all σ, for each log of it."""
    near = [probe(anatomy, site, parts, 0.0, raw) for raw in NARROW]
    slopes = [
        (b.kl - a.kl) / np.log(a.sigma / b.sigma)
        for a, b in pairwise(near)
        if a.sigma > b.sigma > 0
    ]
    follows = len(slopes) == len(NARROW) - 1 and np.isfinite(slopes).all() and min(slopes) > 0
    if not follows or np.ptp(slopes) > ROUNDED * max(slopes):
        raise NotApplied("the KL does not follow -log σ where σ is small")
    return float(slopes[-1])


def _latent_weight(anatomy: Anatomy, site: Site) -> tuple[float, int]:
    """Return what one latent's KL weighs, and how many latents of all rows count.

    On the grid all latents and rows are equal, so there a weighted sum would not show.
    """
    fit, size = measure(anatomy, site).fit, anatomy.values[site.location].size
    assert fit is not None, "asked of a known form"
    if fit.kind in ("sigma", "scaled") or anatomy.graph.not_explained:
        return fit.scale / size, size
    weights = np.abs(latent_weights(anatomy, site))
    counted = weights > LEFT_OUT * weights.max(initial=0)
    if not counted.any():
        raise NotApplied("the KL has no weight at the posterior")
    if weights.ndim > 1 and not counted.reshape(len(weights), -1).any(axis=1).all():
        raise NotApplied("the KL leaves rows out; see latent-without-kl")
    among = weights[counted]
    if np.ptp(among) > ROUNDED * among.max():
        raise NotApplied("the KL does not weigh all latents and rows alike")
    return median(among), int(counted.sum())


def _by_experiment(anatomy: Anatomy, parts: Sequence[LossPart]) -> Scale | None:
    weighed = _weighed(anatomy, parts)
    if weighed is None:
        return None
    growth = None
    twins = [same_part(anatomy, part) for part in parts]
    if anatomy.twice is not None and all(twins):
        # Of the same numbers twice, though the second run has other noise.
        own = weighed.prediction
        made = anatomy.array(weighed.made) if own is None else own
        both = np.concatenate([made, made]) if made.ndim else made
        other = _weighed(anatomy.twice, [twin for twin in twins if twin is not None], both)
        if other is not None and other.unit == weighed.unit:
            growth = other.weight / weighed.weight
    averaged, by_mean = averages(anatomy, parts[0], twins[0])
    samples = anatomy.values[weighed.made].size // max(anatomy.values[weighed.target].size, 1)
    # A mean over several samples of each row is no average over the row.
    averaged = averaged // samples if samples and averaged % samples == 0 else averaged
    batch = over_batch(anatomy, growth, parts)
    live = weighed.live
    whole = anatomy.values[weighed.target].size == live * anatomy.rows
    if averaged != live and not (whole and live % averaged == 0):
        averaged, by_mean = 1, False  # over something else than what counts here
    # Inside of a logarithm of a sum, as over draws, a ½ is no factor of the summand.
    inside = parts[0].mixed and abs(2 * weighed.weight * undone(anatomy, batch) - 1) < ROUNDED
    halved = weighed.unit == "squared error" and (
        weighed.learned_scale or inside or 0.5 in parts[0].summand.constants
    )
    words = weighed.unit.removesuffix(" of logits")
    if weighed.learned_scale:
        of = "Gaussian" if halved else "Laplace"
        words = f"{of} log-likelihood of a learned deviation"
    if weighed.local:
        words = f"function of the {words}"
    name, over = anatomy.name_of(parts, "the reconstruction"), (averaged, by_mean)
    scale = _scale(anatomy, parts, name, words, weighed.weight, live, over, batch, halved)
    if live > 1 and averaged == 1 and abs(scale.factor * live - 1) < ROUNDED:
        scale = scale._replace(averaged=live, by_mean=True, factor=1.0)  # divided by hand
    return scale._replace(range=weighed.range, local=weighed.local)


def _weighed(
    anatomy: Anatomy, parts: Sequence[LossPart], prediction: Array | None = None
) -> Weighed | None:
    """Return what an element weighs; in all draws of its row, where these have weights.

    As by importance: -log Σ p(x, z)/q(z) over draws has in all the weight of one.
    """
    weighed = weigh(anatomy, parts, prediction)
    if weighed is not None and weighed.range is None:
        return weighed
    draws = draw_weights(anatomy, parts)
    if draws is None or draws.total <= 0:
        return weighed
    live = anatomy.values[draws.target].size // anatomy.rows
    return Weighed(draws.unit, draws.made, draws.target, draws.total, live)


def _by_graph(anatomy: Anatomy, part: LossPart) -> Scale:
    """Return what a part weighs whose error is of no kind that an experiment knows."""
    summand, twin = part.summand, same_part(anatomy, part)
    compared = of_summand(anatomy, summand.value)
    if not summand.elements or summand.elements < anatomy.rows:
        name = anatomy.name(summand.value)
        raise NotApplied(f"what one element of {name} weighs is not known: it is no sum of errors")
    words = measure_of(compared[0], anatomy) if compared else "reconstruction"
    if words == "squared error":
        words = "function of the squared error"  # or an experiment would know it
    averaged, by_mean = averages(anatomy, part, twin)
    growth = None if twin is None else twin.summand.weight / summand.weight
    per_row = summand.elements // anatomy.rows
    weight = abs(summand.weight)
    target = anatomy.values[compared[0].target].size // anatomy.rows if compared else per_row
    if 0 < target < per_row and per_row % target == 0:
        # One target for several samples of each row: what was done over those is no average
        # over the pixels.
        samples = per_row // target
        averaged = averaged // samples if averaged % samples == 0 else averaged
        per_row, weight = target, weight * samples
    batch = over_batch(anatomy, growth, [part])
    name, over = anatomy.name_of([part], "the reconstruction"), (averaged, by_mean)
    halved = 0.5 in summand.constants
    return _scale(anatomy, [part], name, words, weight, per_row, over, batch, halved)
