"""`target`: a prediction that is compared with itself, another row's target, or one for all rows.

What the loss takes for the target is followed back: one that is made from z has nothing to do
with x. And one row of x is moved, to see which row of the target moves with it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ....engine.graph import BoundOperation
from ....trace import Array
from ..evidence.anatomy import Anatomy
from ..evidence.comparisons import ComparisonOp, comparisons
from ..evidence.finding import Finding, NotApplied, error, numbered
from ..evidence.mending import Cure, instead_of
from .rule import AuditRule

STEP = 0.37


def look(anatomy: Anatomy) -> Iterator[Finding]:
    anatomy.require_finite()
    compared = comparisons(anatomy)
    alone = _with_itself(anatomy)
    if alone is not None:
        yield alone
        return
    if not compared:
        raise NotApplied("no part of the loss compares what was made from z with the input")
    for each in compared:
        if _pushes_apart(anatomy, each):
            continue
        seen = _of_all_rows(anatomy, each) or _of_another_row(anatomy, each)
        if seen is not None:
            yield seen


def _pushes_apart(anatomy: Anatomy, compared: ComparisonOp) -> bool:
    """Whether the loss falls where the two sides go apart, or not at all, as a hinge on a pair."""
    op = compared.bound.output
    if compared.bound.kind != "loss" and compared.op not in ("sub", "pairwise_distance"):
        return False
    gradient = anatomy.trace.gradients.get(op)
    return gradient is not None and float(np.sum(gradient * anatomy.values[op])) <= 0


def _with_itself(anatomy: Anatomy) -> Finding | None:
    """Find a loss that has a prediction on both sides, and x on neither."""
    samples = {site.decoded for site in anatomy.latents if site.used}
    if not samples or not anatomy.inputs:
        return None
    for bound in anatomy.graph.operations:
        operands = list(bound.sources.values())[:2]
        # By hand as p·log(p), the cross-entropy of a prediction with itself.
        by_hand = bound.rule_name == "mul" and any(anatomy.rule(n) == "log" for n in operands)
        compares = bound.kind == "loss" or by_hand
        if not compares or len(operands) != 2 or bound.output not in anatomy.graph.reaches_loss:
            continue
        made, other = (_base(anatomy, value_id) for value_id in operands)
        if made != other or not samples & anatomy.ancestors(made) or made in samples:
            continue
        others = [p.summand.value for p in anatomy.role("reconstruction")]
        if bound.kind != "loss" and any(_has_own_target(anatomy, value) for value in others):
            continue
        name, array, x = anatomy.name(made), anatomy.array(made), anatomy.inputs[0]
        return error(
            f"{bound.rule_name} compares {name} with itself: both of its sides are made from the "
            "sample, and no part of the loss compares it with x.",
            ("value", "lowest", "highest"),
            [
                (what, float(numbers.min()), float(numbers.max()))
                for what, numbers in ((name, array), ("x", x))
            ],
            f"Compare {name} with x.",
        )
    return None


def _base(anatomy: Anatomy, value_id: int) -> int:
    """Follow a value back through elementwise ops of one operand, and through detached copies."""

    def through(bound: BoundOperation) -> bool:
        return bound.kind in ("elementwise", "copy") and bound.rule_name != "sigmoid"

    return anatomy.walk_back(value_id, through, anatomy.varies)[-1]


def _has_own_target(anatomy: Anatomy, value: int) -> bool:
    return any(
        anatomy.from_input(compared.target) and not anatomy.learned(compared.target)
        for compared in comparisons(anatomy)
        if compared.bound.output in anatomy.ancestors(value)
    )


def _of_all_rows(anatomy: Anatomy, compared: ComparisonOp) -> Finding | None:
    """Find a target that is made of x, whose rows differ, and is the same for each of them."""
    rows, x = anatomy.rows, anatomy.inputs[0]
    target, made = anatomy.array(compared.target), anatomy.values[compared.made]
    if rows < 2 or not anatomy.from_input(compared.target):
        return None
    if made.shape[:1] != (rows,) or made.ndim < 2:
        return None
    if target.shape not in (made.shape, made.shape[1:]):
        return None
    spread = np.broadcast_to(target, made.shape)
    if np.ptp(spread, axis=0).any() or not np.ptp(x.reshape(rows, -1), axis=0).any():
        return None
    if not np.ptp(spread[0]):
        return None  # a label, or a mask
    name, mend = anatomy.name(compared.target), "Compare each row with its own row of x."
    instead = instead_of({compared.target: anatomy.trace.inputs[0].id})
    first, *of_x = (np.ravel(each)[: x[0].size].astype(float) for each in (spread[0], x[0], x[1]))
    return error(
        f"{anatomy.name(compared.made)} is compared with one and the same target in all {rows} "
        f"rows, {name}, while the rows of x differ: the decoder learns that one whatever z is.",
        ("element", f"{name}, in each row", "x, row 0", "x, row 1"),
        numbered(first, *of_x),
        mend,
        [Cure(mend, instead)] if made.shape == x.shape else (),
    )


def _of_another_row(anatomy: Anatomy, compared: ComparisonOp) -> Finding | None:
    """Find a target whose row does not follow its own row of x, but another's."""
    rows, x_id = anatomy.rows, anatomy.trace.inputs[0].id
    target, x = anatomy.values[compared.target], anatomy.inputs[0]
    has_rows = target.shape[:1] == (rows,) and x.shape[:1] == (rows,) and x.dtype.kind == "f"
    if rows < 2 or not has_rows or x_id not in anatomy.ancestors(compared.target):
        return None
    if compared.target == x_id or anatomy.values[compared.made].shape[:1] != (rows,):
        return None

    def moved_rows(row: int, number: int) -> Array:
        """Return by how much each row of a value moves with one row of x."""
        moved = anatomy.array(x_id).copy()
        moved[row] += STEP * (1 + np.abs(moved[row]))
        by = anatomy.change(number, {x_id: moved}).reshape(rows, -1)
        return np.asarray(np.abs(by).max(axis=1))

    pairs: list[tuple[int, int, int]] = []
    tried = min(rows, 4)
    for row in range(tried):
        of_target = moved_rows(row, compared.target)
        other = int(of_target.argmax())
        if np.count_nonzero(of_target) != 1 or other == row:
            continue
        of_made = moved_rows(row, compared.made)
        # Where rows mix, as in a batch norm, each prediction follows each row.
        if np.count_nonzero(of_made) == 1 and not of_made[other]:
            pairs.append((row, int(of_made.argmax()), other))
    if not pairs:
        return None
    made, name = anatomy.name(compared.made), anatomy.name(compared.target)
    first, mine, other = pairs[0]
    as_given = Cure("Compare with x as the model got it.", instead_of({compared.target: x_id}))
    return error(
        f"{made} is compared with other rows of x: row {first} of x makes row {mine} of {made} "
        f"and is row {other} of {name}; so it is with {len(pairs)} of the {tried} rows that "
        "were tried.",
        ("row of x", f"row of {made}", f"row of {name}"),
        [tuple(map(str, each)) for each in pairs],
        "Keep x and what is made of it in one order: shuffle before the model, not between.",
        [as_given] if target.shape == x.shape else (),
    )


RULE = AuditRule(
    "target",
    "a prediction compared with itself, another row, or one row for all",
    "experiments on the replay",
    "what each prediction is compared with is its own row of x",
    look,
)
