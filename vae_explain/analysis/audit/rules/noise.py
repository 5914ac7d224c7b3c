"""`noise`: noise of z that is not from N(0, 1), is shared by rows, or is not PyTorch's."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

from ....engine.roles import standard_draws
from ..evidence.anatomy import Anatomy
from ..evidence.experiments import actual_scale, shift
from ..evidence.finding import Finding, error, note, numbered, warning
from ..evidence.mending import Cure, drawn_anew
from ..evidence.posterior import Site
from .rule import AuditRule, Told, at_each_site

STEP = 1.0
KEPT = "constant", "buffer"
CERTAIN = 5.0  # of their standard errors that a mean and a deviation may be off by chance


def look(anatomy: Anatomy) -> Iterator[Told]:
    kept = _kept(anatomy)
    if kept is None:
        yield from of_each_site(anatomy)
    else:
        yield kept


@at_each_site
def of_each_site(anatomy: Anatomy, site: Site) -> Iterator[Finding]:
    for find in () if site.drawn else (_elsewhere, _other, _shifted, _shared):
        seen = find(anatomy, site)
        if seen is not None:
            yield seen


def _kept(anatomy: Anatomy) -> Finding | None:
    """Find what looks like a sample whose noise was drawn once, before any run."""
    values = anatomy.values
    if anatomy.latents or anatomy.codes:
        return None
    for bound in anatomy.graph.operations:
        if bound.rule_name != "mul" or len(anatomy.operands(bound)) != 2:
            continue
        constants = [n for n in anatomy.operands(bound) if not anatomy.learned(n)]
        if len(constants) != 1 or anatomy.trace.values[constants[0]].kind not in KEPT:
            continue
        value_id = constants[0]
        array = anatomy.array(value_id)
        (scale,) = (n for n in anatomy.operands(bound) if n != value_id)
        shifted = [
            user.output
            for user in anatomy.graph.consumers(bound.output)
            if user.rule_name in ("add", "sub")
            and any(anatomy.learned(n) for n in anatomy.operands(user) if n != bound.output)
            and any(map(anatomy.from_layer, anatomy.users(user.output)))
        ]
        # As many different numbers as it has, of either sign: no mask and no weight.
        is_noise = array.size > 3 and len(np.unique(array)) == array.size and array.min() < 0
        if shifted and is_noise and array.max() > 0 and values[scale].shape == array.shape:
            return error(
                f"the noise of {anatomy.name(shifted[0])}, {anatomy.name(value_id)}, is the same "
                f"in every run: {array.size} numbers that were drawn once and kept, so that the "
                "decoder can learn them.",
                ("of the noise", "in this run"),
                (("numbers", array.size), ("mean", array.mean()), ("deviation", array.std())),
                "Draw it in each run, by torch.randn_like of the deviation.",
            )
    return None


def _elsewhere(anatomy: Anatomy, site: Site) -> Finding | None:
    if site.noise not in anatomy.drawn_elsewhere:
        return None
    redrawn = anatomy.others.redrawn
    assert redrawn is not None, "what is drawn elsewhere was seen in it"
    return note(  # the gradients are right; only nobody can repeat the run
        f"the noise of {anatomy.latent(site)}, {anatomy.name(site.noise)}, does not come from "
        "PyTorch: it is a constant in the graph, another in each run, and torch.manual_seed does "
        "not repeat it.",
        ("element", "in this run", "in another"),
        numbered(
            np.ravel(anatomy.values[site.noise]), np.ravel(redrawn.trace.values[site.noise].array)
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
    words = "Draw it by torch.randn_like of the standard deviation."
    drawn_by = anatomy.graph.op_name(site.noise)
    how = f", drawn by {drawn_by}," if drawn_by else ""
    return error(
        f"the noise of {anatomy.latent(site)}, {anatomy.name(site.noise)}{how} is not from "
        f"N(0, 1): its mean is {mean:.3g} and its deviation {deviation:.3g}.",
        ("of the noise", "in this run", "of N(0, 1)"),
        (("mean", mean, 0.0), ("deviation", deviation, 1.0), ("lowest", drawn.min(), "")),
        cures=[Cure(words, drawn_anew(site.noise, site.z))],
    )


def _shifted(anatomy: Anatomy, site: Site) -> Finding | None:
    """Find a z that is not its mean where the noise is 0, as where a number is added to the noise.

    A learned shift would be a part of the mean, so that it goes with σ.
    """
    off = shift(anatomy, site) if site.chain else None
    if off is None or not off.any():
        return None
    share = off / actual_scale(anatomy, site)
    if not np.isfinite(share).all() or np.ptp(share) > 1e-6 * np.abs(share).max():
        return None
    by, z, mean = float(share.mean()), anatomy.latent(site), anatomy.name(site.location)
    return error(
        f"the noise of {z} is not centred: where {anatomy.name(site.noise)} is 0, {z} is "
        f"{mean} {'plus' if by > 0 else 'minus'} {abs(by):.4g}σ, and its mean with it.",
        ("element", f"{z} without noise, less {mean}"),
        numbered(off.ravel()),
        f"Write {z} = {mean} + σ·ε with ε from N(0, 1), without a number added to ε.",
    )


def _shared(anatomy: Anatomy, site: Site) -> Finding | None:
    """Find one draw that moves the latents of several rows, or several latents of one."""
    rows = anatomy.values[site.z].shape[0] if anatomy.values[site.z].ndim > 1 else 1
    moved = anatomy.array(site.noise).copy()
    if rows < 2 or rows != anatomy.rows or not moved.size:
        return None
    moved.reshape(-1)[0] += STEP
    by = anatomy.change(site.z, {site.noise: moved}).reshape(rows, -1)
    if not np.isfinite(by).all():
        return None
    shape, of_z = (list(anatomy.values[value_id].shape) for value_id in (site.noise, site.z))
    name, z = anatomy.name(site.noise), anatomy.latent(site)
    spread = f"{name} {shape} is spread over {z} {of_z}, and one of its numbers moves"
    words = f"Draw {name} in the shape of {z}, {of_z}: torch.randn_like of the deviation."
    cures = [Cure(words, drawn_anew(site.noise, site.z))]
    several, latents = int(by.any(axis=1).sum()), int((by != 0).sum())
    if several > 1:
        return warning(
            f"one noise for several rows: {spread} {several} of {rows} rows.",
            ("row", "moved by a step of 1 in one number of the noise"),
            numbered(np.abs(by).max(axis=1)),
            cures=cures,
        )
    if latents < 2 or prod(shape) == prod(of_z):
        return None
    return warning(
        f"one noise for several latents: {spread} {latents} latents of a row together.",
        ("what", "numbers"),
        ((name, prod(shape)), (z, prod(of_z))),
        cures=cures,
    )


RULE = AuditRule(
    "noise",
    "noise that is not from N(0, 1), that rows share, or that is not PyTorch's own",
    "experiments on the replay",
    "the noise of z is drawn from N(0, 1) by PyTorch, anew for each row",
    look,
)
