"""Does a trace agree with itself? Each operation is computed again from its recorded operands.

A trace that PyTorch has just recorded does. One from a file may have been changed since: then a
value is not what its operation makes of its operands, or a gradient is not what the chain rule
makes of those that arrive. Each is compared with its own neighbours, so that only what was changed
is named, and not all that depends on it. How far rounding may move a number is said for whole
arrays first; where that is too little, the number's own line says it, as on a page.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache, cached_property, partial
from typing import Any

import numpy as np

from ..quick_classes import NamedTuple
from ..symbolic.error_bound import Precision
from ..symbolic.expression import Expression, Index
from ..trace import Array, Trace
from .backward_pass import accumulate, shares
from .formulas import Steps
from .forward_pass import Arrays, InFloat64, operand_arrays
from .graph import BoundOperation, Graph
from .operation_bounds import lost, of_output, of_shares
from .run import full_run
from .worked_lines import comes_to, gives

# How many numbers of an array are judged by their lines, those that are the furthest off: fewer
# where many go into a line.
MOST_LINES, MOST_IN_LINES = 200, 2_000


class DoesNotFit(ValueError):
    """An operation that cannot have given its recorded output, whatever the numbers."""


class OnceMore(NamedTuple):
    """The array of a value, or of its gradient, computed from its neighbours' arrays.

    `allowed` is how far rounding may carry each number of it; None where that is not known.
    `short` says that each number is made of a few, one of each neighbour.
    """

    value_id: int
    array: Array
    neighbours: tuple[Array, ...]
    allowed: Callable[[], Array | None]
    short: bool


# Whether a number of a value, or of its gradient, may be what its line comes to.
MayBe = Callable[[int, Index], bool]


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
    widened = InFloat64(values)
    forward = _forward(graph, widened)
    backward = _backward(graph, widened, InFloat64(gradients), starts, sizes)
    lines = _Lines(graph)
    with np.errstate(all="ignore"):  # an overflow shows as the inf that it is
        for value_id in _apart(forward, values, lines.value_may_be):
            yield graph.trace.values[value_id].label
        for value_id in _apart(backward, gradients, lines.gradient_may_be):
            yield graph.trace.values[value_id].label + ".grad"


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


def _apart(computed: Iterator[OnceMore], held: Arrays, may_be: MayBe) -> Iterator[int]:
    """Yield the ids of arrays that differ from the recorded ones by more than rounding.

    Where no bound on that is known, it is what a few units in the last place of the neighbours
    amount to, which for most operations is as little of the result. Near a pole, or where numbers
    nearly cancel, an operation makes more of it, and so says the line of each number.
    """
    for value_id, array, neighbours, bound, short in computed:
        recorded = held[value_id]
        if array.shape != recorded.shape:
            shapes = f"has shape {list(recorded.shape)}, its operation's {list(array.shape)}"
            raise DoesNotFit(f"value {value_id} {shapes}")
        if _is_rounded(array, recorded):
            continue
        known = bound()
        allowed = _rounding(recorded, array, neighbours) if known is None else known
        beyond = _beyond(array, recorded, allowed)
        most = MOST_LINES
        if not short:
            most = min(most, MOST_IN_LINES // sum(each.size for each in neighbours) + 1)
        if not all(may_be(value_id, index) for index in _worst(beyond, most)):
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
    short = {value.id for value in trace.values}
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
                    short.discard(source)
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
            off = partial(allowed, value_id)
            yield OnceMore(value_id, total, neighbours, off, value_id in short)


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

    Those of n numbers grow as √n, since they go up as often as down. Complex numbers have no lines
    that would say more: an operation on them may lose half of the digits.
    """
    info = np.finfo(held.dtype if held.dtype.kind in "fc" else np.float64)
    count = sum(each.size for each in neighbours)
    scale = max(_largest(each) for each in (held, computed, *neighbours))
    least = info.eps**0.5 if held.dtype.kind == "c" else 0.0
    return np.asarray(max(info.eps * count**0.5, least) * scale + info.smallest_normal)


def _is_rounded(computed: Array, held: Array) -> bool:
    """Whether an array is another one, rounded to fewer digits."""
    alike = computed.dtype.kind == held.dtype.kind
    return alike and np.array_equal(computed.astype(held.dtype), held, equal_nan=True)


def _beyond(computed: Array, held: Array, allowed: Array) -> Array:
    """Return how many times further apart numbers are than allowed; 0 where they agree.

    An overflow agrees with a number that is nearly too large.
    """
    apart = np.abs(np.subtract(computed, held, dtype=np.result_type(computed, held, np.float64)))
    beyond = np.where(apart > allowed, apart / allowed, 0.0)
    finite = np.isfinite(held) & np.isfinite(computed)
    if finite.all():
        return beyond
    most = np.finfo(held.dtype).max if held.dtype.kind == "f" else np.inf
    large = ~np.isfinite(computed) | (np.abs(computed) > most / 2)
    return np.where(finite, beyond, np.where(large & ~np.isfinite(held), 0.0, np.inf))


def _worst(beyond: Array, most: int) -> Iterator[Index]:
    """Yield the indices of numbers that do not agree, from the one that is the furthest off."""
    flat = beyond.reshape(-1)
    for place in np.argsort(-flat, kind="stable")[: min(np.count_nonzero(flat), most)]:
        yield tuple(map(int, np.unravel_index(place, beyond.shape)))


def _largest(array: Array) -> float:
    """Return the size of the largest number that is finite; 0 if there is none."""
    sizes = np.abs(array.astype(np.float64) if array.dtype.kind in "biu" else array)
    return float(np.max(sizes, initial=0.0, where=np.isfinite(sizes)))


class _Lines:
    """Judges numbers one by one by their lines, as pages do, of one operation each."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    @cached_property
    def _trace(self) -> Trace:
        """The trace with a name for each value, past which no line goes back."""
        values = self._graph.trace.values
        named = tuple(value._replace(name=value.label) for value in values)
        return dataclasses.replace(self._graph.trace, values=named)

    @cached_property
    def _steps(self) -> tuple[Steps, Steps]:
        """The steps as PyTorch computes them, and as they are written."""
        run = full_run(self._trace, None, "")
        return Steps(run, as_computed=True), Steps(run)

    def value_may_be(self, value_id: int, index: Index) -> bool:
        value = self._trace.values[value_id]
        return self._give(Steps.element, (value_id, index), value.array, value.label)

    def gradient_may_be(self, value_id: int, index: Index) -> bool:
        """Whether it may be that of the loss and that of each term: their blend has no line."""
        trace = self._trace
        gradients = [(None, trace.gradients), *trace.term_gradients.items()]
        return all(
            self._give(Steps.gradient, (value_id, index, term), held[value_id])
            for term, held in gradients
            if value_id in held
        )

    def _give(
        self, line: Callable[..., Expression], of: tuple[Any, ...], held: Array, own: str = ""
    ) -> bool:
        if held.dtype.kind != "f":
            return False
        number, precision = float(held[of[1]]), Precision.of(np.finfo(held.dtype))
        for steps, judged in zip(self._steps, (comes_to, gives), strict=True):
            # A rule may fail in any way on what no call has given it.
            with suppress(Exception):
                if judged(line(steps, *of), number, precision, own):
                    return True
        return False
