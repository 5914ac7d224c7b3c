"""`noise`: noise of z that is not from N(0, 1), is shared by rows, or is not PyTorch's."""

from __future__ import annotations

import numpy as np

from ...engine.roles import standard_draws
from ...trace import Array
from .anatomy import Anatomy
from .experiments import actual_scale, shift
from .finding import Evidence, Finding, Seen
from .mending import Cure, Edit, with_numbers
from .posterior import Site
from .rule import AuditRule, at_each_site

ID = "noise"
STEP = 1.0
KEPT = "constant", "buffer"
CERTAIN = 5.0  # of their standard errors that a mean and a deviation may be off by chance


def look(anatomy: Anatomy) -> Seen:
    kept = _kept(anatomy)
    if kept is not None:
        return Seen("", (kept,))
    return at_each_site(
        anatomy, _site, "the noise of z is drawn from N(0, 1) by PyTorch, for each row its own"
    )


def _site(anatomy: Anatomy, site: Site) -> list[Finding]:
    if site.drawn:
        return []
    findings = [find(anatomy, site) for find in (_elsewhere, _other, _shifted, _shared)]
    return [finding for finding in findings if finding is not None]


def _kept(anatomy: Anatomy) -> Finding | None:
    """Find what looks like a sample whose noise was drawn once, before any run."""
    lineage, values = anatomy.lineage, anatomy.values
    if anatomy.latents or anatomy.codes:
        return None
    for bound in lineage.graph.operations:
        if bound.rule_name != "mul" or len(lineage.inputs(bound)) != 2:
            continue
        constants = [n for n in lineage.inputs(bound) if not lineage.learned(n)]
        if len(constants) != 1 or anatomy.trace.values[constants[0]].kind not in KEPT:
            continue
        number = constants[0]
        array = anatomy.array(number)
        (scale,) = (n for n in lineage.inputs(bound) if n != number)
        shifted = [
            user.output
            for user in lineage.graph.consumers(bound.output)
            if user.rule_name in ("add", "sub")
            and any(lineage.learned(n) for n in lineage.inputs(user) if n != bound.output)
            and any(lineage.from_layer(n) for n in _further(anatomy, user.output))
        ]
        # As many different numbers as it has, of either sign: no mask and no weight.
        is_noise = array.size > 3 and len(np.unique(array)) == array.size and array.min() < 0
        if not (shifted and is_noise and array.max() > 0 and values[scale].shape == array.shape):
            continue
        name = lineage.name(number)
        return Finding(
            ID,
            "error",
            f"the noise of {lineage.name(shifted[0])}, {name}, is the same in every run: "
            f"{array.size} numbers that were drawn once and kept, so that the decoder can learn "
            "them.",
            Evidence(
                ("of the noise", "in this run"),
                (("numbers", array.size), ("mean", float(array.mean())),
                 ("deviation", float(array.std()))),
            ),
            "Draw it in each run, by torch.randn_like of the deviation.",
        )  # fmt: skip
    return None


def _further(anatomy: Anatomy, number: int) -> list[int]:
    return [user.output for user in anatomy.lineage.graph.consumers(number)]


def _elsewhere(anatomy: Anatomy, site: Site) -> Finding | None:
    if site.noise not in anatomy.lineage.drawn_elsewhere:
        return None
    redrawn = anatomy.others.redrawn
    assert redrawn is not None, "what is drawn elsewhere was seen in it"
    name = anatomy.lineage.name(site.noise)
    pairs = zip(
        np.ravel(anatomy.values[site.noise])[:4],
        np.ravel(redrawn.trace.values[site.noise].array)[:4],
        strict=True,
    )
    return Finding(
        ID,
        "note",  # the gradients are right; only nobody can repeat the run
        f"the noise of {anatomy.latent(site)}, {name}, does not come from PyTorch: it is a "
        "constant in the graph, another in each run, and torch.manual_seed does not repeat it.",
        Evidence(
            ("element", "in this run", "in another"),
            tuple((str(at), float(a), float(b)) for at, (a, b) in enumerate(pairs)),
        ),
        "Draw it by torch.randn_like of the standard deviation.",
    )


def _other(anatomy: Anatomy, site: Site) -> Finding | None:
    if site.noise in standard_draws(anatomy.run):
        return None
    drawn = anatomy.array(site.noise)
    mean, deviation, count = float(drawn.mean()), float(drawn.std()), drawn.size
    off = abs(mean) * count**0.5 > CERTAIN * max(deviation, 1e-12)
    # The logarithm of a deviation has an error of 1/√(2n), small deviations too.
    narrow = abs(np.log(max(deviation, 1e-12))) * (2 * count) ** 0.5 > CERTAIN
    if count < 2 or not (off or narrow):
        return None
    bound = anatomy.lineage.graph.producer(site.noise)
    how = f", drawn by {bound.operation.name}," if bound else ""
    return Finding(
        ID,
        "error",
        f"the noise of {anatomy.latent(site)}, {anatomy.lineage.name(site.noise)}{how} is not from "
        f"N(0, 1): its mean is {mean:.3g} and its deviation {deviation:.3g}.",
        Evidence(
            ("of the noise", "in this run", "of N(0, 1)"),
            (
                ("mean", mean, 0.0),
                ("deviation", deviation, 1.0),
                ("lowest", float(drawn.min()), ""),
            ),
        ),
        cures=(Cure("Draw it by torch.randn_like of the standard deviation.", _drawn(site)),),
    )


def _shifted(anatomy: Anatomy, site: Site) -> Finding | None:
    """Find a z that is not its mean where the noise is 0, as where a number is added to the noise.

    A learned shift would be a part of the mean, so that it goes with σ.
    """
    if not site.chain:
        return None
    off = shift(anatomy, site)
    if off is None or not off.any():
        return None
    share = off / actual_scale(anatomy, site)
    if not np.isfinite(share).all() or np.ptp(share) > 1e-6 * np.abs(share).max():
        return None
    by, z, mean = float(share.mean()), anatomy.latent(site), anatomy.lineage.name(site.location)
    return Finding(
        ID,
        "error",
        f"the noise of {z} is not centred: where {anatomy.lineage.name(site.noise)} is 0, {z} is "
        f"{mean} {'plus' if by > 0 else 'minus'} {abs(by):.4g}σ, and its mean with it.",
        Evidence(("element", f"{z} without noise, less {mean}"),
                 tuple((str(at), float(number)) for at, number in enumerate(off.ravel()[:4]))),
        f"Write {z} = {mean} + σ·ε with ε from N(0, 1), without a number added to ε.",
    )  # fmt: skip


def _shared(anatomy: Anatomy, site: Site) -> Finding | None:
    """Find one draw that moves the latents of several rows."""
    rows = anatomy.values[site.z].shape[0] if anatomy.values[site.z].ndim > 1 else 1
    if rows < 2 or rows != anatomy.rows:
        return None
    moved = anatomy.array(site.noise).copy()
    if not moved.size:
        return None
    moved.reshape(-1)[0] += STEP
    after = anatomy.experiment({site.noise: moved}, [site.z])[site.z]
    before = anatomy.experiment({site.noise: anatomy.array(site.noise)}, [site.z])[site.z]
    if not (np.isfinite(after).all() and np.isfinite(before).all()):
        return None
    moved_by = (after != before).reshape(rows, -1)
    changed = moved_by.any(axis=1)
    if changed.sum() < 2:
        return _of_all_latents(anatomy, site, int(moved_by.sum()))
    shape, of_z = (list(anatomy.values[number].shape) for number in (site.noise, site.z))
    name, z = anatomy.lineage.name(site.noise), anatomy.latent(site)
    return Finding(
        ID,
        "warning",
        f"one noise for several rows: {name} {shape} is spread over {z} {of_z}, and one of its "
        f"numbers moves {int(changed.sum())} of {rows} rows.",
        Evidence(
            ("row", "moved by a step of 1 in one number of the noise"),
            tuple(
                (str(row), float(np.abs(after - before)[row].max())) for row in range(min(rows, 4))
            ),
        ),
        cures=(_in_the_shape_of_z(anatomy, site),),
    )


def _of_all_latents(anatomy: Anatomy, site: Site, latents: int) -> Finding | None:
    """Say that one number is the noise of several latents of a row, if it is."""
    if latents < 2 or anatomy.values[site.noise].size == anatomy.values[site.z].size:
        return None
    shape, of_z = (list(anatomy.values[number].shape) for number in (site.noise, site.z))
    name, z = anatomy.lineage.name(site.noise), anatomy.latent(site)
    return Finding(
        ID,
        "warning",
        f"one noise for several latents: {name} {shape} is spread over {z} {of_z}, and one of its "
        f"numbers moves {latents} latents of a row together.",
        Evidence(("what", "numbers"), ((name, anatomy.values[site.noise].size),
                                       (z, anatomy.values[site.z].size))),
        cures=(_in_the_shape_of_z(anatomy, site),),
    )  # fmt: skip


def _in_the_shape_of_z(anatomy: Anatomy, site: Site) -> Cure:
    name, z = anatomy.lineage.name(site.noise), anatomy.latent(site)
    shape = list(anatomy.values[site.z].shape)
    words = f"Draw {name} in the shape of {z}, {shape}: torch.randn_like of the deviation."
    return Cure(words, _drawn(site))


def _drawn(site: Site) -> Edit:
    """Put draws from N(0, 1), in the shape of z, in the place of the noise."""

    def numbers(shape: tuple[int, ...]) -> Array:
        return np.random.default_rng(0).standard_normal(shape)

    return lambda trace, rows: with_numbers(
        trace, {site.noise: numbers(trace.values[site.z].shape)}
    )


RULE = AuditRule(
    ID,
    "noise that is not from N(0, 1), that rows share, or that is not PyTorch's own",
    "experiments on the replay",
    look,
)
