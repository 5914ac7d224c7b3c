"""`saturation`: sigmoids, deviations and clamps so far out that the gradient is gone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ....engine.graph import BoundOperation
from ....trace import Array
from ..evidence.anatomy import Anatomy
from ..evidence.comparisons import ComparisonOp, comparisons
from ..evidence.experiments import actual_scale
from ..evidence.finding import Finding, NotApplied, Severity, finding, warning
from ..evidence.lineage import CLAMPS, is_elementwise
from ..evidence.posterior import Site
from .rule import AuditRule

COLUMNS = "where", "value"
FLAT = 1e-4  # of a sigmoid's or tanh's slope at 0
SMALLEST_SCALE, LARGEST_SCALE = 1e-4, 1e4
WRONG = 0.1  # how far an output may be off its target and count as right


def look(anatomy: Anatomy) -> Iterator[Finding]:
    anatomy.require_finite()
    compared: tuple[ComparisonOp, ...] = ()
    try:
        compared = comparisons(anatomy)
        for site in anatomy.sites():
            yield from _scale(anatomy, site)
            for value_id in site.chain:
                if anatomy.rule(value_id) in CLAMPS:
                    yield from _clamped(anatomy, value_id)
    except NotApplied:
        pass  # without a latent there still are activations to look at
    outputs = {
        value_id: comparison
        for comparison in compared
        for value_id in anatomy.walk_back(comparison.made, is_elementwise)
    }
    for bound in anatomy.graph.operations:
        value_id = bound.output
        if value_id not in anatomy.graph.reaches_loss:
            continue
        if bound.rule_name in ("sigmoid", "tanh"):
            yield from _squashed(anatomy, bound, outputs.get(value_id))
        elif bound.rule_name in CLAMPS and value_id in outputs:
            wrong = _off_target(anatomy, value_id, outputs[value_id])
            yield from () if wrong is None else _clamped(anatomy, value_id, wrong)


def _range(where: str, array: Array) -> tuple[tuple[str, float], tuple[str, float]]:
    return (f"lowest {where}", float(array.min())), (f"highest {where}", float(array.max()))


def _scale(anatomy: Anatomy, site: Site) -> Iterator[Finding]:
    if not site.chain:
        return
    scale = np.abs(actual_scale(anatomy, site))
    small = scale < SMALLEST_SCALE
    out = small | (scale > LARGEST_SCALE)
    if not out.any():
        return
    gone = ": there the noise is gone from z, and with it its gradient." if small.any() else "."
    yield warning(
        f"{anatomy.name(site.chain[0])}, the deviation of {anatomy.latent(site)}, lies "
        f"outside {SMALLEST_SCALE:g} to {LARGEST_SCALE:g} at {int(out.sum()):,} of "
        f"{scale.size:,} places{gone}",
        COLUMNS,
        (("smallest deviation", scale.min()), ("largest deviation", scale.max())),
        f"Keep {anatomy.name(site.chain[-1])} within a range, as by a clamp, or lower "
        "the learning rate.",
        facts={"places": int(out.sum())},
    )


def _clamped(anatomy: Anatomy, value_id: int, wrong: Array | None = None) -> Iterator[Finding]:
    """Find a clamp that holds elements back: any, or those that are wrong and have to move."""
    before = np.asarray(anatomy.values[anatomy.made_from(value_id)[0]])
    after = np.asarray(anatomy.values[value_id])
    held = before != after if wrong is None else (before != after) & wrong
    if not held.any():
        return
    name = anatomy.name(value_id)
    yield warning(
        f"the clamp that makes {name} holds back {int(held.sum()):,} of {held.size:,} "
        "elements, whose gradient is 0.",
        COLUMNS,
        (*_range("before the clamp", before), *_range("behind it", after)),
        f"Widen the clamp at {name}, or bring what goes in nearer to its range: what is held "
        "back cannot learn its way out.",
        facts={"held": int(held.sum())},
    )


def _squashed(
    anatomy: Anatomy, bound: BoundOperation, comparison: ComparisonOp | None
) -> Iterator[Finding]:
    """Find units that are flat for every row, or outputs that are flat and wrong."""
    source = bound.sources[0]
    before, after = anatomy.array(source), anatomy.array(bound.output)
    slope = 4 * after * (1 - after) if bound.rule_name == "sigmoid" else 1 - after**2
    flat = slope < FLAT
    severity: Severity = "warning"
    where = ""
    if comparison is None:
        if not anatomy.from_layer(source) or before.ndim < 2:
            return
        gone = np.broadcast_to(flat.all(axis=0, keepdims=True), flat.shape)
        which = "in units that are so for every row"
    else:
        wrong = _off_target(anatomy, bound.output, comparison)
        if wrong is None or not (flat & wrong).any():
            return
        gradient = anatomy.run.gradients.get(source)
        gone = flat & wrong & ~_moving(anatomy, source)
        if not gone.any() and gradient is not None:
            gone = flat & wrong & (np.asarray(gradient) == 0)
            severity, where = "note", " in float32, which rounds the output to its bound"
        if before.ndim > 1:  # an element that is so for one row learns from the others
            gone = np.broadcast_to(gone.all(axis=0, keepdims=True), gone.shape)
        which = "though they are far from their target"
    if not gone.any():
        return
    name = anatomy.name(bound.output)
    yield finding(
        severity,
        f"{int(gone.sum()):,} of {gone.size:,} elements of {name} are so far out that their "
        f"gradient is gone{where}, {which}.",
        COLUMNS,
        _range("going in", before[gone]),
        f"Bring what goes into {name} nearer to 0: scale x down, or its layer's weights; for "
        "an output, use the loss that takes logits.",
        facts={"flat": int(gone.sum())},
    )


def _moving(anatomy: Anatomy, value_id: int) -> Array:
    """Return where the loss still moves what goes into an activation.

    Against what it would at 0: behind a sigmoid, a cross-entropy brings back the slope that the
    sigmoid has lost.
    """
    at_zero = anatomy.all_with({value_id: anatomy.filled(value_id, 0)})
    parts = anatomy.reconstruction() if anatomy.latents else anatomy.parts
    gradient, usual = (anatomy.gradient_at(value_id, parts, v) for v in (anatomy.replayed, at_zero))
    if gradient is None or usual is None:
        return np.ones(anatomy.values[value_id].shape, dtype=bool)
    return np.asarray(np.abs(gradient) > FLAT * np.abs(usual).max(initial=0.0))


def _off_target(anatomy: Anatomy, value_id: int, comparison: ComparisonOp) -> Array | None:
    """Return where an output is far from its target; None where the shapes do not say."""
    made, target = anatomy.array(value_id), anatomy.array(comparison.target)
    return np.abs(made - target) > WRONG if made.shape == target.shape else None


RULE = AuditRule(
    "saturation",
    "sigmoids, deviations and clamps whose gradient has vanished",
    "gradients split by term",
    "no sigmoid, tanh, clamp or deviation of z is so far out that its gradient vanishes",
    look,
)
