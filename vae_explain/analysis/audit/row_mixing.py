"""`row-mixing`: one number of the whole batch that is added to, or taken from, each of its rows.

A sum without its axis makes one number of all rows. Put beside what has a row each, it counts
once for each of them.
"""

from __future__ import annotations

import numpy as np

from ...engine.graph import BoundOperation
from ...ops.broadcasting import normalized_axes
from ...trace import Array, Operation
from .anatomy import Anatomy, aligned
from .comparisons import comparisons
from .finding import Evidence, Finding, NotApplied, Seen
from .mending import Cure, Edit, changed, instead_of
from .rule import AuditRule

ID = "row-mixing"
STEP = 0.5
LINEAR = ("mul", "div", "neg", "add", "sub")  # by plain numbers, for one operand is learned


def look(anatomy: Anatomy) -> Seen:
    if anatomy.rows < 2:
        raise NotApplied("one row has no others to mix with; give several rows of x")
    findings = [
        finding
        for bound in anatomy.lineage.graph.operations
        if (finding := _spread(anatomy, bound)) is not None
    ]
    findings += _normalized(anatomy)
    findings += _of_other_rows(anatomy)
    return Seen("each row's loss is its own", tuple(findings))


def _normalized(anatomy: Anatomy) -> list[Finding]:
    """Find what a softmax, or the logarithm of a sum, takes over the rows of the batch."""
    lineage, values, twice = anatomy.lineage, anatomy.values, anatomy.twice
    if twice is None or not aligned(anatomy.run, twice.run):
        return []
    predictions = [compared.made for compared in comparisons(anatomy)]
    found = []
    for bound in lineage.graph.operations:
        if bound.rule_name == "logsumexp" and (over := _over_rows(anatomy, bound)) is not None:
            found.append(over)
        if bound.rule_name not in ("softmax", "log_softmax"):
            continue
        shape, dim = values[bound.output].shape, bound.attributes.get("dim")
        of_the_batch = shape[:1] == (anatomy.rows,) and twice.values[bound.output].shape[0] == (
            2 * anatomy.rows
        )
        over_rows = isinstance(dim, int) and len(shape) > 1 and dim % len(shape) == 0
        used = any(n == bound.output or bound.output in lineage.ancestors(n) for n in predictions)
        if not (of_the_batch and over_rows and used):
            continue
        name, op = lineage.name(bound.output), bound.rule_name
        sums = np.exp(anatomy.array(bound.output)) if op == "log_softmax" else None
        shares = anatomy.array(bound.output) if sums is None else sums
        rows = tuple(
            (str(column), float(total))
            for column, total in enumerate(shares.sum(axis=0).reshape(-1)[:4])
        )
        found.append(
            Finding(
                ID,
                "error",
                f"{op} normalizes {name} {list(shape)} over the {anatomy.rows} rows of the batch: "
                "each column sums to 1 over rows that have nothing to do with each other.",
                Evidence(("column", "sum over the rows"), rows),
                f"Give {op} the axis of the classes, dim=-1, in place of dim={dim}.",
            )
        )
    return found


def _over_rows(anatomy: Anatomy, bound: BoundOperation) -> Finding | None:
    """Find a logarithm of a sum over the one axis of the rows: draws or components have another.

    Where two axes have the rows, as of all pairs of a batch, one may be summed over.
    """
    twice, lineage, source = anatomy.twice, anatomy.lineage, bound.sources[0]
    assert twice is not None, "asked where there is one"
    shape, other = anatomy.values[source].shape, twice.values[source].shape
    doubled = [axis for axis, (a, b) in enumerate(zip(shape, other, strict=True)) if b == 2 * a]
    over = normalized_axes(bound.attributes["dim"], len(shape))
    in_loss = bound.output in lineage.graph.reaches_loss and lineage.learned(source)
    if not in_loss or len(doubled) != 1 or doubled[0] not in over:
        return None
    name = lineage.name(source)
    rest = [size for axis, size in enumerate(shape) if axis not in over]
    return Finding(
        ID,
        "error",
        f"logsumexp adds {name} {list(shape)} up over the {anatomy.rows} rows of the batch inside "
        "of its logarithm: each row's share of the gradient falls when another row does better.",
        Evidence(("what", "shape"), ((name, str(list(shape))), ("left over", str(rest)))),
        f"Give logsumexp the axis of the draws or of the components, in place of dim={doubled[0]}.",
    )


def _of_other_rows(anatomy: Anatomy) -> list[Finding]:
    """Find predictions that have elements made from the latents of other rows than their own.

    A batch norm or a graph has each row in each prediction, its own among them.
    """
    lineage, rows = anatomy.lineage, anatomy.rows
    sites = [site for site in anatomy.sampling.sites if site.used]
    samples = [s.z for s in sites if anatomy.values[s.z].shape[:1] == (rows,)]
    if not samples or len(samples) != len(sites):
        return []
    found = []
    for compared in comparisons(anatomy):
        made, target = anatomy.array(compared.made), anatomy.array(compared.target)
        aligned_to_x = any(np.array_equal(target, x) for x in anatomy.inputs)
        if made.shape != target.shape or made.shape[:1] != (rows,) or not aligned_to_x:
            continue

        def moved(chosen: list[int], made: int = compared.made) -> Array:
            arrays = []
            for step in (0.0, STEP):
                given = {number: anatomy.array(number).copy() for number in samples}
                for array in given.values():
                    array[chosen] += step
                arrays.append(anatomy.experiment(given, [made])[made])
            return np.asarray(arrays[0] != arrays[1])

        own = moved([0])[0]
        others = moved(list(range(1, rows)))[0]
        strange = others & ~own
        if strange.any():
            name = lineage.name(compared.made)
            found.append(
                Finding(
                    ID,
                    "error",
                    f"{name} mixes the rows of the batch: {int(strange.sum())} of {own.size} "
                    "elements of its row 0 are made from the latents of other rows, and not from "
                    f"its own, while {lineage.name(compared.target)} is x as it is.",
                    Evidence(
                        ("element of row 0", "moves with z of row 0", "with z of other rows"),
                        tuple((str(int(at)), "no", "yes") for at in np.flatnonzero(strange)[:4]),
                    ),
                    f"A view or a reshape does not exchange axes: make {name} by transpose or "
                    "permute, and keep the batch the first axis.",
                )
            )
    return found


def _spread(anatomy: Anatomy, bound: BoundOperation) -> Finding | None:
    """Find an operation that spreads one number of the batch over its rows."""
    lineage, values = anatomy.lineage, anatomy.values
    if bound.kind != "elementwise" or bound.output not in lineage.graph.reaches_loss:
        return None
    shape = values[bound.output].shape
    if not shape or shape[0] != anatomy.rows:
        return None
    if not any(lineage.kind(n) == "reduction" for n in _behind(anatomy, bound.output)):
        return None
    for number in lineage.inputs(bound):
        whole = values[number]
        others = [n for n in lineage.inputs(bound) if n != number]
        has_rows = any(values[n].shape[:1] == (anatomy.rows,) for n in others)
        if whole.size != 1 or not has_rows or not lineage.learned(number):
            continue
        if bound.rule_name not in ("add", "sub") and any(map(lineage.learned, others)):
            continue  # a batch's own scale, by which its rows are divided
        reduced = _reduction_behind(anatomy, number)
        if reduced is None or not _in_the_loss(anatomy, bound.output):
            continue
        source = lineage.inputs(reduced)[0]
        moved = anatomy.array(source).copy()
        moved[0] += STEP
        wanted = anatomy.experiment({source: moved}, [bound.output])[bound.output]
        before = anatomy.experiment({source: anatomy.array(source)}, [bound.output])[bound.output]
        changed = (wanted != before).reshape(anatomy.rows, -1).any(axis=1)
        if changed.sum() < 2:
            continue
        return _finding(anatomy, bound, number, reduced, source, np.asarray(wanted - before))
    return None


def _behind(anatomy: Anatomy, number: int) -> list[int]:
    """Return what a value is computed from, as far as elementwise ops and reductions go."""

    def sources(current: int) -> list[int]:
        kind = anatomy.lineage.kind(current)
        return (
            anatomy.lineage.made_from(current)
            if kind in ("elementwise", "reduction", "copy")
            else []
        )

    return list(anatomy.lineage.walk(number, sources))


def _reduction_behind(anatomy: Anatomy, number: int) -> BoundOperation | None:
    """Return the sum over all rows that a number comes from, plain factors left out.

    A mean counts once for all rows when it is averaged with them.
    """
    current = number
    while (bound := anatomy.lineage.graph.producer(current)) is not None:
        sources = [i for i in anatomy.lineage.inputs(bound) if anatomy.lineage.learned(i)]
        if bound.kind == "reduction":
            rows = anatomy.values[sources[0]].shape[:1] == (anatomy.rows,) if sources else False
            return bound if rows and bound.rule_name == "sum" else None
        if len(sources) != 1 or not (bound.kind == "copy" or bound.rule_name in LINEAR):
            return None
        current = sources[0]
    return None


def _in_the_loss(anatomy: Anatomy, number: int) -> bool:
    """Whether no layer is behind a value on its way to the loss: batches are normalized before."""

    def users(current: int) -> list[int]:
        return [b.output for b in anatomy.lineage.graph.consumers(current)]

    reached = anatomy.lineage.walk(number, users)
    return not any(anatomy.lineage.from_layer(current) for current in reached if current != number)


def _finding(
    anatomy: Anatomy,
    bound: BoundOperation,
    number: int,
    reduced: BoundOperation,
    source: int,
    moved: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> Finding:
    lineage, rows = anatomy.lineage, anatomy.rows
    source_shape = list(anatomy.values[source].shape)
    whole, spread = lineage.name(number), lineage.name(bound.output)
    verb = {"add": "added to", "sub": "taken from", "mul": "multiplied into"}.get(
        bound.rule_name, f"put by {bound.rule_name} beside"
    )
    op = reduced.rule_name
    per_row = np.abs(moved).reshape(rows, -1).max(axis=1)
    cures = tuple(_by_row(anatomy, bound, number, reduced, source))
    return Finding(
        ID,
        "warning",
        f"{whole} is one number of the whole batch, a {op} over all of {lineage.name(source)} "
        f"{source_shape}, and is {verb} each of {rows} rows in {spread}: what one row has moves "
        "them all, and it counts once for each row.",
        Evidence(
            ("row", "moved by a step in row 0 alone"),
            tuple((str(row), float(per_row[row])) for row in range(min(rows, 4))),
            {"rows": rows},
        ),
        cures=cures,
    )


def _by_row(
    anatomy: Anatomy, bound: BoundOperation, number: int, reduced: BoundOperation, source: int
) -> list[Cure]:
    """Return the reduction over a row alone, so that it has the axes of what it stands beside."""
    others = [n for n in anatomy.lineage.inputs(bound) if n != number]
    axes = max(anatomy.values[n].ndim for n in others)
    before = anatomy.values[source].ndim
    name = anatomy.lineage.name(source)
    if before <= axes:
        return [
            Cure(
                f"Take {name} as it is, one number a row, without the {reduced.rule_name}.",
                instead_of({reduced.output: source}),
            )
        ]
    dims = tuple(range(axes, before))
    written = f"dim={dims[0] - before}" if len(dims) == 1 else f"dim={list(dims)}"
    return [
        Cure(
            f"Give the {reduced.rule_name} over {name} its axes: {written}.",
            _with_axes(reduced.output, dims),
        )
    ]


def _with_axes(output: int, dims: tuple[int, ...]) -> Edit:
    def over(operation: Operation) -> Operation:
        return operation._replace(args=(operation.args[0], dims), kwargs={})

    return changed(output, over)


RULE = AuditRule(
    ID, "one number of the whole batch that is added to each row", "experiments on the replay", look
)
