"""Does a trace agree with itself? Each operation is computed again from its recorded operands.

A trace that PyTorch has just recorded does. One from a file may have been changed since: then a
value is not what its operation makes of its operands, or a gradient is not what the chain rule
makes of those that arrive. Each is compared with its own neighbours, so that only what was changed
is named, and not all that depends on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial

import numpy as np

from ..quick_classes import NamedTuple
from ..trace import Array, Trace
from .backward_pass import accumulate, shares
from .forward_pass import Arrays, InFloat64, operand_arrays
from .graph import BoundOperation, Graph
from .operation_bounds import lost, of_output, of_shares

# How many of the roundings of its neighbours an operation may have, which computes by steps.
STEPS = 16


class DoesNotFit(ValueError):
    """An operation that cannot have given its recorded output, whatever the numbers."""


class OnceMore(NamedTuple):
    """The array of a value, or of its gradient, computed from its neighbours' arrays.

    `allowed` is how far rounding may carry each number of it; None where that is not known.
    `steep` says that it may be further near a pole: numbers are computed one by one there.
    """

    value_id: int
    array: Array
    neighbours: tuple[Array, ...]
    allowed: Callable[[], Array | None]
    steep: bool = False


# Computes all values, or all gradients, from given values and gradients.
Compute = Callable[[Arrays, Arrays], Iterator[OnceMore]]


def disagreements(graph: Graph) -> Iterator[str]:
    """Yield the name of each value, or gradient as `z.grad`, that its neighbours do not give.

    What has no rule is taken as it is, and so is what PyTorch had in fewer digits than its
    record has.

    Raises
    ------
    DoesNotFit
        If an operation cannot be computed from its operands, or gives another shape.
    """
    values = {value.id: value.array for value in graph.trace.values}
    starts, gradients, sizes = _blend(graph)

    def forward(values: Arrays, _: Arrays) -> Iterator[OnceMore]:
        return _forward(graph, values)

    def backward(values: Arrays, gradients: Arrays) -> Iterator[OnceMore]:
        return _backward(graph, values, gradients, starts, sizes)

    with np.errstate(all="ignore"):  # an overflow shows as the inf that it is
        for compute, held, ending in ((forward, values, ""), (backward, gradients, ".grad")):
            for value_id in _apart(compute, held, values, gradients):
                yield graph.trace.values[value_id].label + ending


def _blend(graph: Graph) -> tuple[dict[int, Array], dict[int, Array], dict[int, Array]]:
    """Return where gradients begin, and one sum of those of the loss and of each term.

    The third is how large the numbers are that were added up in each.

    The chain rule is linear in what arrives, so what holds for each holds for a sum of them
    with any weights, and hardly for any other sum.
    """
    trace = graph.trace
    starts = {trace.output: np.ones(trace.loss.shape)}
    gradients = dict(trace.gradients)
    sizes = {n: np.asarray(np.abs(array), np.float64) for n, array in gradients.items()}
    weights = np.random.default_rng(0).uniform(1, 2, size=len(trace.terms))
    for term, weight in zip(trace.terms, weights, strict=True):
        start = np.full(trace.values[term.value].shape, weight * term.weight)
        starts[term.value] = starts.get(term.value, 0.0) + start
        for value_id, share in trace.term_gradients[term.name].items():
            before = gradients.get(value_id, np.zeros(share.shape, share.dtype))
            blended = before + weight * share.astype(np.result_type(share, np.float64))
            gradients[value_id] = blended.astype(before.dtype)
            sizes[value_id] = sizes.get(value_id, 0.0) + weight * np.abs(share)
    return starts, gradients, sizes


def _apart(compute: Compute, held: Arrays, values: Arrays, gradients: Arrays) -> Iterator[int]:
    """Yield the ids of arrays that differ from the recorded ones by more than rounding.

    Where no bound on that is known, it is what a few units in the last place of the neighbours
    amount to, which for most operations is as little of the result. How much it is where an
    operation makes more of it, as near a pole, is found by moving every neighbour by one such unit:
    of an operation with a bound for each number, number by number.
    """
    off: list[tuple[int, Array, Array, Array | None, bool]] = []
    for value_id, array, neighbours, bound, steep in compute(
        InFloat64(values), InFloat64(gradients)
    ):
        if array.shape != held[value_id].shape:
            shapes = f"has shape {list(held[value_id].shape)}, its operation's {list(array.shape)}"
            raise DoesNotFit(f"value {value_id} {shapes}")
        if _is_rounded(array, held[value_id]):
            continue
        known = bound()
        allowed = _rounding(held[value_id], array, neighbours) if known is None else known
        if not _within(array, held[value_id], allowed):
            off.append((value_id, array, allowed, known, steep))
    moves: dict[int, Array] = {}
    if any(known is None or steep for *_, known, steep in off):
        moved = compute(_Moved(values), _Moved(gradients))
        moves = {value_id: array for value_id, array, *_ in moved}
    for value_id, array, allowed, known, steep in off:
        if known is not None and not steep:
            yield value_id
            continue
        # Near a pole an operation makes more of its roundings than its result is large.
        apart = np.abs(np.subtract(moves[value_id], array, dtype=np.result_type(array, np.float64)))
        sensitive = STEPS * np.nan_to_num(_largest(apart) if known is None else apart, nan=0.0)
        if not _within(array, held[value_id], allowed + sensitive):
            yield value_id


def _forward(graph: Graph, values: Arrays) -> Iterator[OnceMore]:
    widened = graph.trace.widened
    for bound in graph.operations:
        rule = bound.rule
        if rule is None or rule.source or widened & {bound.output, *bound.operation.inputs}:
            continue
        operands = operand_arrays(bound, values)
        try:
            array = np.asarray(rule.forward(*operands, **bound.attributes))
        except Exception as error:  # a rule may fail in any way on what no call has given it
            raise _cannot(bound, error) from error
        recorded = graph.trace.values[bound.output].array
        bounds = partial(of_output, bound, operands, array, recorded)
        yield OnceMore(bound.output, array, operands, bounds, rule.kind == "elementwise")


def _backward(
    graph: Graph, values: Arrays, gradients: Arrays, starts: Arrays, sizes: Arrays
) -> Iterator[OnceMore]:
    trace = graph.trace
    held = {*trace.gradients, *(n for each in trace.term_gradients.values() for n in each)}
    left_out = {*graph.taken, *trace.widened, *trace.rewritten}
    totals: dict[int, Array] = dict(starts)
    passed: dict[int, list[tuple[Callable[[], list[Array | None]], int]]] = {}
    arrived: dict[int, list[Array]] = {}
    steep = {value.id for value in trace.values}
    for bound in reversed(graph.operations):
        if bound.output not in held:
            continue
        if bound.no_way_back or bound.output in trace.merged or bound.output in trace.widened:
            left_out.update(bound.operation.inputs)
            continue
        upstream = gradients[bound.output]
        wanted = held - left_out - {bound.output}
        bounds = _once(bound, sizes[bound.output], values, wanted, trace)
        try:
            for at, (source, share) in enumerate(shares(bound, upstream, values, wanted)):
                accumulate(totals, source, share)
                passed.setdefault(source, []).append((bounds, at))
                arrived.setdefault(source, []).extend((upstream, share))
                if bound.kind != "elementwise":
                    steep.discard(source)
        except Exception as error:  # as above
            raise _cannot(bound, error) from error

    def allowed(value_id: int) -> Array | None:
        total = lost(trace.values[value_id].array, 1, sizes[value_id])
        for bounds, at in passed.get(value_id, ()):
            if (off := bounds()[at]) is None:
                return None
            total = total + off
        return total

    for value_id, total in totals.items():
        if value_id in held and value_id not in left_out:
            neighbours = tuple(arrived.get(value_id, ()))
            yield OnceMore(
                value_id, total, neighbours, partial(allowed, value_id), value_id in steep
            )


def _once(
    bound: BoundOperation, size: Array, values: Arrays, wanted: set[int], trace: Trace
) -> Callable[[], list[Array | None]]:
    """Return what gives the bounds of all that an operation passes back, and computes them once."""
    held = trace.values[bound.output].array
    return cache(lambda: list(of_shares(bound, size, values, wanted, held)))


def _cannot(bound: BoundOperation, error: Exception) -> DoesNotFit:
    words = " ".join(f"{type(error).__name__}: {error}".split())
    return DoesNotFit(f"{bound.operation.name} does not take its operands: {words[:160]}")


# --- how near is near enough ------------------------------------------------------------


def _rounding(held: Array, computed: Array, neighbours: tuple[Array, ...]) -> Array:
    """Return what the roundings may add up to, if all numbers are as large as the largest one.

    Those of n numbers grow as √n, since they go up as often as down. One operation may lose half
    of the digits, such as a norm over a few rows that are nearly alike.
    """
    info = np.finfo(held.dtype if held.dtype.kind in "fc" else np.float64)
    count = sum(each.size for each in neighbours)
    scale = max(_largest(each) for each in (held, computed, *neighbours))
    return np.asarray(max(info.eps * count**0.5, info.eps**0.5) * scale + info.smallest_normal)


def _is_rounded(computed: Array, held: Array) -> bool:
    """Whether an array is another one, rounded to fewer digits."""
    alike = computed.dtype.kind == held.dtype.kind
    return alike and np.array_equal(computed.astype(held.dtype), held, equal_nan=True)


def _within(computed: Array, held: Array, allowed: Array) -> bool:
    """Whether two arrays agree; an overflow agrees with a number that is nearly too large."""
    finite = np.isfinite(held) & np.isfinite(computed)
    if not finite.all():
        most = np.finfo(held.dtype).max if held.dtype.kind == "f" else np.inf
        large = ~np.isfinite(computed) | (np.abs(computed) > most / 2)
        if not (finite | (large & ~np.isfinite(held))).all():
            return False
    apart = np.abs(np.subtract(computed, held, dtype=np.result_type(computed, held, np.float64)))
    return not np.any((apart > allowed) & finite)


def _largest(array: Array) -> float:
    """Return the size of the largest number that is finite; 0 if there is none."""
    sizes = np.abs(array.astype(np.float64) if array.dtype.kind in "biu" else array)
    return float(np.max(sizes, initial=0.0, where=np.isfinite(sizes)))


class _Moved(InFloat64):
    """The arrays of a run in float64, each number moved by one rounding, up or down."""

    def __missing__(self, value_id: int) -> Array:
        array = super().__missing__(value_id)
        if array.dtype.kind == "f":
            eps = np.finfo(self._values[value_id].dtype).eps
            signs = np.random.default_rng(value_id).choice((-1.0, 1.0), size=array.shape)
            array = self[value_id] = array * (1 + eps * signs)
        return array
