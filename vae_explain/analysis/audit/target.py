"""`target`: a prediction that is compared with itself, another row's target, or one for all rows.

What the loss takes for the target is followed back: one that is made from z has nothing to do
with x. And one row of x is moved, to see which row of the target moves with it.
"""

from __future__ import annotations

import numpy as np

from ...trace import Array
from .anatomy import Anatomy
from .comparisons import Comparison, comparisons
from .finding import Cell, Evidence, Finding, NotApplied, Seen
from .mending import Cure, instead_of
from .rule import AuditRule

ID = "target"
STEP = 0.37


def look(anatomy: Anatomy) -> Seen:
    anatomy.require_finite()
    findings = []
    compared = comparisons(anatomy)
    alone = _with_itself(anatomy)
    if alone is not None:
        return Seen("", (alone,))
    if not compared:
        raise NotApplied("no part of the loss compares what was made from z with the input")
    for each in compared:
        found = _of_all_rows(anatomy, each) or _of_another_row(anatomy, each)
        if found is not None:
            findings.append(found)
    return Seen("what each prediction is compared with is its own row of x", tuple(findings))


def _with_itself(anatomy: Anatomy) -> Finding | None:
    """Find a loss that has a prediction on both sides, and x on neither."""
    lineage = anatomy.lineage
    samples = {site.decoded for site in anatomy.latents if site.used}
    x = {value.id for value in anatomy.trace.values if value.kind == "input"}
    if not samples or not x:
        return None
    for bound in lineage.graph.operations:
        operands = list(bound.sources.values())[:2]
        # By hand as p·log(p), the cross-entropy of a prediction with itself.
        by_hand = bound.rule_name == "mul" and any(lineage.rule(n) == "log" for n in operands)
        compares = bound.kind == "loss" or by_hand
        if not compares or len(operands) != 2 or bound.output not in lineage.graph.reaches_loss:
            continue
        bases = [_base(anatomy, number) for number in operands]
        made = bases[0]
        if made != bases[1] or not samples & lineage.ancestors(made) or made in samples:
            continue
        others = [p for p in anatomy.parts if p.role == "reconstruction"]
        if bound.kind != "loss" and any(_has_own_target(anatomy, p.summand.value) for p in others):
            continue
        name = lineage.name(made)
        array = anatomy.array(made)
        rows: tuple[tuple[Cell, ...], ...] = (
            (name, float(array.min()), float(array.max())),
            ("x", float(anatomy.inputs[0].min()), float(anatomy.inputs[0].max())),
        )
        return Finding(
            ID,
            "error",
            f"{bound.rule_name} compares {name} with itself: both of its sides are made from the "
            "sample, and no part of the loss compares it with x.",
            Evidence(("value", "lowest", "highest"), rows),
            f"Compare {name} with x.",
        )
    return None


def _base(anatomy: Anatomy, number: int) -> int:
    """Follow a value back through elementwise ops of one operand, and through detached copies."""
    lineage = anatomy.lineage
    while (bound := lineage.graph.producer(number)) is not None:
        sources = [n for n in lineage.made_from(number) if not lineage.fixed(n)]
        by_one = len(sources) == 1 and bound.kind in ("elementwise", "copy")
        if not by_one or bound.rule_name == "sigmoid":
            break
        number = sources[0]
    return number


def _has_own_target(anatomy: Anatomy, value: int) -> bool:
    return any(
        anatomy.lineage.from_input(compared.target) and not anatomy.lineage.learned(compared.target)
        for compared in comparisons(anatomy)
        if compared.bound.output in anatomy.lineage.ancestors(value)
        or compared.bound.output == value
    )


def _of_all_rows(anatomy: Anatomy, compared: Comparison) -> Finding | None:
    """Find a target that is made of x, whose rows differ, and is the same for each of them."""
    rows, x = anatomy.rows, anatomy.inputs[0]
    target, made = anatomy.array(compared.target), anatomy.values[compared.made]
    if rows < 2 or not anatomy.lineage.from_input(compared.target):
        return None
    if (
        made.shape[:1] != (rows,)
        or made.ndim < 2
        or target.shape not in (made.shape, made.shape[1:])
    ):
        return None
    spread = np.broadcast_to(target, made.shape)
    if np.ptp(spread, axis=0).any() or not np.ptp(x.reshape(rows, -1), axis=0).any():
        return None
    if not np.ptp(spread[0]):
        return None  # a label, or a mask
    lineage = anatomy.lineage
    name = lineage.name(compared.target)
    first = np.ravel(spread[0])[:4]
    return Finding(
        ID,
        "error",
        f"{lineage.name(compared.made)} is compared with one and the same target in all {rows} "
        f"rows, {name}, while the rows of x differ: the decoder learns that one whatever z is.",
        Evidence(
            ("element", f"{name}, in each row", "x, row 0", "x, row 1"),
            tuple(
                (str(at), float(number), *(float(np.ravel(x[row])[at]) for row in (0, 1)))
                for at, number in enumerate(first[: x[0].size])
            ),
        ),
        "Compare each row with its own row of x.",
        cures=(
            Cure(
                "Compare each row with its own row of x.",
                instead_of({compared.target: _first_input(anatomy)}),
            ),
        )
        if made.shape == x.shape
        else (),
    )


def _first_input(anatomy: Anatomy) -> int:
    return next(value.id for value in anatomy.trace.values if value.kind == "input")


def _of_another_row(anatomy: Anatomy, compared: Comparison) -> Finding | None:
    """Find a target whose row does not follow its own row of x, but another's."""
    lineage, rows, x_id = anatomy.lineage, anatomy.rows, _first_input(anatomy)
    target, x = anatomy.values[compared.target], anatomy.inputs[0]
    has_rows = target.shape[:1] == (rows,) and x.shape[:1] == (rows,) and x.dtype.kind == "f"
    if rows < 2 or not has_rows or x_id not in lineage.ancestors(compared.target):
        return None
    if compared.target == x_id or anatomy.values[compared.made].shape[:1] != (rows,):
        return None

    def moved_rows(row: int, number: int) -> Array:
        """Return by how much each row of a value moves with one row of x."""
        moved = anatomy.array(x_id).copy()
        moved[row] += STEP * (1 + np.abs(moved[row]))
        arrays = [
            anatomy.experiment({x_id: array}, [number])[number].reshape(rows, -1)
            for array in (anatomy.array(x_id), moved)
        ]
        return np.asarray(np.abs(arrays[1] - arrays[0]).max(axis=1))

    pairs: list[tuple[int, int, int]] = []
    for row in range(min(rows, 4)):
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
    made, name = lineage.name(compared.made), lineage.name(compared.target)
    first, mine, other = pairs[0]
    return Finding(
        ID,
        "error",
        f"{made} is compared with other rows of x: row {first} of x makes row {mine} of {made} "
        f"and is row {other} of {name}; so it is with {len(pairs)} of the {min(rows, 4)} rows that "
        "were tried.",
        Evidence(
            ("row of x", f"row of {made}", f"row of {name}"),
            tuple((str(row), str(one), str(two)) for row, one, two in pairs),
        ),
        "Keep x and what is made of it in one order: shuffle before the model, not between.",
        cures=(Cure("Compare with x as the model got it.", instead_of({compared.target: x_id})),)
        if target.shape == x.shape
        else (),
    )


RULE = AuditRule(
    ID,
    "a prediction compared with itself, another row, or one row for all",
    "experiments on the replay",
    look,
)
