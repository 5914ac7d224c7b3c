"""`row-mixing`: one number of the whole batch that is added to, or taken from, each of its rows.

A sum without its axis makes one number of all rows. Put beside what has a row each, it counts
once for each of them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ....engine.graph import BoundOperation
from ....ops.broadcasting import normalized_axes
from ....trace import Array, Operation
from ..evidence.anatomy import Anatomy, aligned
from ..evidence.comparisons import comparisons
from ..evidence.discrete import SOFTMAXES
from ..evidence.finding import Finding, NotApplied, error, numbered, warning
from ..evidence.mending import Cure, changed, instead_of
from .rule import AuditRule

STEP = 0.5
LINEAR = ("mul", "div", "neg", "add", "sub")  # by plain numbers, for one operand is learned


def look(anatomy: Anatomy) -> Iterator[Finding]:
    if anatomy.rows < 2:
        raise NotApplied("one row has no others to mix with; give several rows of x")
    for bound in anatomy.graph.operations:
        yield from _spread(anatomy, bound)
    yield from _normalized(anatomy)
    yield from _of_other_rows(anatomy)


def _normalized(anatomy: Anatomy) -> Iterator[Finding]:
    """Find what a softmax, or the logarithm of a sum, takes over the rows of the batch."""
    values, twice = anatomy.values, anatomy.twice
    if twice is None or not aligned(anatomy.run, twice.run):
        return
    predictions = [compared.made for compared in comparisons(anatomy)]
    for bound in anatomy.graph.operations:
        if bound.rule_name == "logsumexp":
            yield from _over_rows(anatomy, bound, twice)
        if bound.rule_name not in SOFTMAXES:
            continue
        shape, dim = values[bound.output].shape, bound.attributes.get("dim")
        of_the_batch = shape[:1] == (anatomy.rows,) and twice.values[bound.output].shape[0] == (
            2 * anatomy.rows
        )
        over_rows = isinstance(dim, int) and len(shape) > 1 and dim % len(shape) == 0
        used = any(bound.output in anatomy.ancestors(n) for n in predictions)
        if not (of_the_batch and over_rows and used):
            continue
        op, array = bound.rule_name, anatomy.array(bound.output)
        shares = np.exp(array) if op == "log_softmax" else array
        yield error(
            f"{op} normalizes {anatomy.name(bound.output)} {list(shape)} over the {anatomy.rows} "
            "rows of the batch: each column sums to 1 over rows that have nothing to do with each "
            "other.",
            ("column", "sum over the rows"),
            numbered(shares.sum(axis=0).reshape(-1)),
            f"Give {op} the axis of the classes, dim=-1, in place of dim={dim}.",
        )


def _over_rows(anatomy: Anatomy, bound: BoundOperation, twice: Anatomy) -> Iterator[Finding]:
    """Find a logarithm of a sum over the one axis of the rows: draws or components have another.

    Where two axes have the rows, as of all pairs of a batch, one may be summed over.
    """
    source = bound.sources[0]
    shape, other = anatomy.values[source].shape, twice.values[source].shape
    doubled = [axis for axis, (a, b) in enumerate(zip(shape, other, strict=True)) if b == 2 * a]
    over = normalized_axes(bound.attributes["dim"], len(shape))
    in_loss = bound.output in anatomy.graph.reaches_loss and anatomy.learned(source)
    if not in_loss or len(doubled) != 1 or doubled[0] not in over:
        return
    name = anatomy.name(source)
    rest = [size for axis, size in enumerate(shape) if axis not in over]
    yield error(
        f"logsumexp adds {name} {list(shape)} up over the {anatomy.rows} rows of the batch inside "
        "of its logarithm: each row's share of the gradient falls when another row does better.",
        ("what", "shape"),
        ((name, shape), ("left over", rest)),
        f"Give logsumexp the axis of the draws or of the components, in place of dim={doubled[0]}.",
    )


def _of_other_rows(anatomy: Anatomy) -> Iterator[Finding]:
    """Find predictions that have elements made from the latents of other rows than their own.

    A batch norm or a graph has each row in each prediction, its own among them.
    """
    rows = anatomy.rows
    sites = [site for site in anatomy.sampling.sites if site.used]
    samples = [s.z for s in sites if anatomy.values[s.z].shape[:1] == (rows,)]
    if not samples or len(samples) != len(sites):
        return
    for compared in comparisons(anatomy):
        made, target = anatomy.array(compared.made), anatomy.array(compared.target)
        aligned_to_x = any(np.array_equal(target, x) for x in anatomy.inputs)
        if made.shape != target.shape or made.shape[:1] != (rows,) or not aligned_to_x:
            continue

        def moved(chosen: list[int], made: int = compared.made) -> Array:
            replaced = {value_id: anatomy.array(value_id).copy() for value_id in samples}
            for array in replaced.values():
                array[chosen] += STEP
            return np.asarray(anatomy.change(made, replaced) != 0)

        own = moved([0])[0]
        strange = moved(list(range(1, rows)))[0] & ~own
        if strange.any():
            name = anatomy.name(compared.made)
            yield error(
                f"{name} mixes the rows of the batch: {int(strange.sum())} of {own.size} "
                "elements of its row 0 are made from the latents of other rows, and not from "
                f"its own, while {anatomy.name(compared.target)} is x as it is.",
                ("element of row 0", "moves with z of row 0", "with z of other rows"),
                [(str(at), "no", "yes") for at in np.flatnonzero(strange)[:4]],
                f"A view or a reshape does not exchange axes: make {name} by transpose or "
                "permute, and keep the batch the first axis.",
            )


def _spread(anatomy: Anatomy, bound: BoundOperation) -> Iterator[Finding]:
    """Find an operation that spreads one number of the batch over its rows."""
    values, rows = anatomy.values, anatomy.rows
    if bound.kind != "elementwise" or bound.output not in anatomy.graph.reaches_loss:
        return
    if values[bound.output].shape[:1] != (rows,):
        return
    if not any(anatomy.kind(n) == "reduction" for n in _behind(anatomy, bound.output)):
        return
    for value_id in anatomy.operands(bound):
        others = [n for n in anatomy.operands(bound) if n != value_id]
        has_rows = any(values[n].shape[:1] == (rows,) for n in others)
        if values[value_id].size != 1 or not has_rows or not anatomy.learned(value_id):
            continue
        if bound.rule_name not in ("add", "sub") and any(map(anatomy.learned, others)):
            continue  # a batch's own scale, by which its rows are divided
        reduced = _reduction_behind(anatomy, value_id)
        if reduced is None or not _in_the_loss(anatomy, bound.output):
            continue
        source = anatomy.operands(reduced)[0]
        damaged = anatomy.array(source).copy()
        damaged[0] += STEP
        moved = (
            np.abs(anatomy.change(bound.output, {source: damaged})).reshape(rows, -1).max(axis=1)
        )
        if np.count_nonzero(moved) < 2:
            continue
        name, op = anatomy.name(source), reduced.rule_name
        verb = {"add": "added to", "sub": "taken from", "mul": "multiplied into"}.get(
            bound.rule_name, f"put by {bound.rule_name} beside"
        )
        yield warning(
            f"{anatomy.name(value_id)} is one number of the whole batch, a {op} over all of {name} "
            f"{list(values[source].shape)}, and is {verb} each of {rows} rows in "
            f"{anatomy.name(bound.output)}: what one row has moves them all, and it counts once "
            "for each row.",
            ("row", "moved by a step in row 0 alone"),
            numbered(moved),
            cures=[_by_row(anatomy, reduced, max(values[n].ndim for n in others))],
            facts={"rows": rows},
        )
        return


def _behind(anatomy: Anatomy, value_id: int) -> list[int]:
    """Return what a value is computed from, as far as elementwise ops and reductions go."""

    def sources(current: int) -> list[int]:
        goes_on = anatomy.kind(current) in ("elementwise", "reduction", "copy")
        return anatomy.made_from(current) if goes_on else []

    return list(anatomy.walk(value_id, sources))


def _reduction_behind(anatomy: Anatomy, value_id: int) -> BoundOperation | None:
    """Return the sum over all rows that a number comes from, plain factors left out.

    A mean counts once for all rows when it is averaged with them.
    """
    way = anatomy.walk_back(value_id, lambda b: b.kind == "copy" or b.rule_name in LINEAR)
    bound = anatomy.graph.producer(way[-1])
    if bound is None or bound.rule_name != "sum":
        return None
    sources = [i for i in anatomy.operands(bound) if anatomy.learned(i)]
    over_rows = bool(sources) and anatomy.values[sources[0]].shape[:1] == (anatomy.rows,)
    return bound if over_rows else None


def _in_the_loss(anatomy: Anatomy, value_id: int) -> bool:
    """Whether no layer is behind a value on its way to the loss: batches are normalized before."""
    reached = anatomy.walk(value_id, anatomy.users)
    return not any(anatomy.from_layer(current) for current in reached if current != value_id)


def _by_row(anatomy: Anatomy, reduced: BoundOperation, axes: int) -> Cure:
    """Return the reduction over a row alone, so that it has the axes of what it stands beside."""
    source = anatomy.operands(reduced)[0]
    before, name, op = anatomy.values[source].ndim, anatomy.name(source), reduced.rule_name
    if before <= axes:
        return Cure(
            f"Take {name} as it is, one number a row, without the {op}.",
            instead_of({reduced.output: source}),
        )
    dims = tuple(range(axes, before))
    written = f"dim={dims[0] - before}" if len(dims) == 1 else f"dim={list(dims)}"

    def over(operation: Operation) -> Operation:
        return operation._replace(args=(operation.args[0], dims), kwargs={})

    return Cure(f"Give the {op} over {name} its axes: {written}.", changed(reduced.output, over))


RULE = AuditRule(
    "row-mixing",
    "one number of the whole batch that is added to each row",
    "experiments on the replay",
    "each row's loss is its own",
    look,
)
