"""`broadcast-loss`: a reconstruction and a target of different shapes, spread in the loss."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

from ..evidence.anatomy import Anatomy
from ..evidence.comparisons import ComparisonOp, comparisons
from ..evidence.finding import Finding, NotApplied, error
from ..evidence.lineage import BY_CLASS
from .rule import AuditRule

STEP = 0.5


def look(anatomy: Anatomy) -> Iterator[Finding]:
    compared = comparisons(anatomy)
    if not compared:
        raise NotApplied("no operation of the loss compares a reconstruction with the input")
    yield from (_spread(anatomy, each) for each in compared if _spreads(anatomy, each))


def _spreads(anatomy: Anatomy, comparison: ComparisonOp) -> bool:
    # Where a whole number stands for one of a row, nothing spreads.
    if comparison.op in BY_CLASS and anatomy.values[comparison.target].dtype.kind in "iu":
        return False
    made = anatomy.values[comparison.made].shape
    target = anatomy.values[comparison.target].shape
    whole = np.broadcast_shapes(made, target)
    if _squeezed(made) == _squeezed(whole) == _squeezed(target):
        return False
    spread_made = np.prod(whole) > np.prod(made)
    spread_target = np.prod(whole) > np.prod(target)
    if comparison.op in BY_CLASS or comparison.op == "mul":
        return bool(spread_made and spread_target)
    if spread_made:
        return True
    return bool(spread_target) and not _samples_axes(anatomy, comparison, whole)


def _squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)


def _samples_axes(anatomy: Anatomy, comparison: ComparisonOp, whole: tuple[int, ...]) -> bool:
    """Whether the target is spread over draws alone: one sample of z moves one entry there."""
    target = anatomy.values[comparison.target].shape
    padded = (1,) * (len(whole) - len(target)) + target
    axes = [i for i, (own, size) in enumerate(zip(padded, whole, strict=True)) if own != size]
    made = anatomy.values[comparison.made]
    extra = len(whole) - made.ndim
    for site in anatomy.sampling.sites:
        moved = anatomy.array(site.z).copy()
        moved.reshape(-1)[0] += STEP
        changed = np.abs(anatomy.change(comparison.made, {site.z: moved})) > 0
        for axis in axes:
            others = tuple(i for i in range(made.ndim) if i != axis - extra)
            if int(changed.any(axis=others).sum()) != 1:
                return False
    return True


def _spread(anatomy: Anatomy, comparison: ComparisonOp) -> Finding:
    sides = comparison.made, comparison.target
    made, target = (anatomy.name(value_id) for value_id in sides)
    shapes = [anatomy.values[value_id].shape for value_id in sides]
    shapes.append(np.broadcast_shapes(*shapes))
    of_made, of_target, of_both = (str(list(shape)) for shape in shapes)
    what = f"reconstruction {made}", f"target {target}", f"compared by {comparison.op}"
    return error(
        f"{made} {of_made} and {target} {of_target} are compared as {of_both}: numbers meet others "
        "than their own.",
        ("what", "shape", "elements"),
        [(each, shape, prod(shape)) for each, shape in zip(what, shapes, strict=True)],
        f"Bring both to one shape before {comparison.op}: reshape {made} as {target}, or the other "
        "way round.",
    )


RULE = AuditRule(
    "broadcast-loss",
    "reconstruction and target of different shapes",
    "the recorded graph",
    "reconstruction and target have the same shape where they are compared",
    look,
)
