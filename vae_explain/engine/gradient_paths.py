"""The paths of a gradient: every chain of named values from the loss to it, with its amount.

A gradient is the sum over the chains that lead from the loss to it. A chain's amount is
what the vector-Jacobian products along it, and only along it, deliver.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..ops import NotExplained
from ..ops.array_bounds import sized
from ..ops.at_once import is_many
from ..quick_classes import NamedTuple
from ..symbolic.expression import Expression, Index
from ..symbolic.measure import evaluate
from ..trace import Array, rows_of
from .backward_pass import accumulate, shares
from .formulas import Steps
from .forward_pass import InFloat64
from .graph import BoundOperation
from .provenance import Target
from .run import Run

MOST_PATHS = 64
# Chains that are followed apart behind a value where they meet: each block of a residual network
# doubles how many there are. In a large run fewer are, since each has to be taken all the way.
MOST_AT_ONE, LEAST_AT_ONE = 16, 2
MOST_WORK = 100_000_000  # in products, of all chains together: some tenths of a second
OF_AN_OP, OF_A_NUMBER = 20_000, 4  # what takes a chain back through it


class Path(NamedTuple):
    """A chain of named values from the loss to the target, and what it delivers.

    `closed` names, for each ReLU on the way, the units that let nothing through.
    """

    through: tuple[str, ...]
    amount: float
    closed: Mapping[str, tuple[int, ...]]
    blocked_by: str = ""


class _Arriving(NamedTuple):
    """The gradient that arrives by one chain, or, with an empty chain, by all the others."""

    chain: tuple[int, ...]
    share: Array


def _largest(arriving: list[_Arriving], most: int) -> list[_Arriving]:
    """Return the largest amounts that arrive by single chains, and the sum of all others."""
    if len(arriving) <= most:
        return arriving
    arriving = sorted(arriving, key=lambda one: (not one.chain, -float(np.abs(one.share).sum())))
    kept = [one for one in arriving[:most] if one.chain]
    rest = arriving[len(kept) :]
    return [*kept, _Arriving((), sum((one.share for one in rest), np.zeros(())))]


def closed_gate(steps: Steps, target: Target) -> tuple[int, Index, Expression] | None:
    """Return the gate that lets nothing back to a gradient's number, if one alone decides.

    Returns
    -------
    tuple
        The value that the gate made, the element of it, and what the gate was given; None where
        no gate is closed on the way, or where there are several ways.
    """
    run, value_id, index = steps.run, target.value_id, target.index
    reached = run.gradients_of(target.term)
    while True:
        consumers = [b for b in run.graph.consumers(value_id) if b.output in reached]
        if len(consumers) != 1 or consumers[0].rule is None or consumers[0].no_way_back:
            return None
        (bound,) = consumers
        positions = bound.positions(value_id)
        if len(positions) != 1:
            return None
        call = steps.call(bound)
        partials = consumers[0].rule.ways(call, positions[0], index)
        if len(partials) != 1 or is_many(partials[0][0]):
            return None
        before = call.operands[positions[0]].at(index) if bound.rule and bound.rule.gate else None
        value_id, (index, local) = bound.output, partials[0]
        if before is not None and evaluate(local) == 0:
            return value_id, index, before


class Paths:
    """Finds the ways of one run's gradients to the loss."""

    def __init__(self, run: Run, steps: Steps) -> None:
        self.run, self.steps = run, steps
        # So that the paths differ from autograd's sum by its rounding alone.
        self._arrays = InFloat64(run.values)

    def of(self, target: Target) -> tuple[list[Path], float]:
        """Return every chain of named values from the loss to a gradient's value.

        Returns
        -------
        tuple
            The paths, largest amount first, at most `MOST_PATHS`, and of many that meet those
            that bring most there; and the amount of all further ones together.
        """
        trace = self.run.trace
        if (reason := self.run.graph.taken.get(target.value_id)) is not None:
            raise NotExplained(reason)
        start, weight = trace.term(target.term).value, trace.term(target.term).weight
        if start == target.value_id:
            return [self._path((start,), weight, target)], 0.0
        # The values with a gradient that were computed from the target.
        target_id, depends = target.value_id, self.run.graph.depends
        between = {n for n in self.run.gradients if n != target_id and depends(n, [target_id])}
        work = sum(OF_AN_OP + OF_A_NUMBER * self.run.values[each].size for each in between)
        most = max(LEAST_AT_ONE, min(MOST_AT_ONE, MOST_WORK // max(work, 1)))
        # The latest value first: by then all that arrives there is known.
        arriving = {start: [_Arriving((start,), np.full(self.run.values[start].shape, weight))]}
        chains: list[tuple[tuple[int, ...], float]] = []
        left_out = 0.0
        while arriving:
            value_id = max(arriving)
            for each in _largest(arriving.pop(value_id), most):
                amount, passed_on = self._passed_on(value_id, each.share, target, between)
                if amount is not None and each.chain:
                    chains.append(((*each.chain, target.value_id), amount))
                elif amount is not None:
                    left_out += amount
                for source, share in passed_on.items():
                    chain = (*each.chain, source) if each.chain else ()
                    arriving.setdefault(source, []).append(_Arriving(chain, share))
        chains.sort(key=lambda chain: -abs(chain[1]))
        left_out += sum(amount for _, amount in chains[MOST_PATHS:])
        return [self._path(*chain, target) for chain in chains[:MOST_PATHS]], left_out

    def _passed_on(
        self, value_id: int, arriving: Array, target: Target, between: set[int]
    ) -> tuple[float | None, dict[int, Array]]:
        """Return what a named value passes back towards the target.

        Returns
        -------
        tuple
            What gets to the target's element through unnamed values alone, None if nothing
            does; and what each named value in between gets.
        """
        trace = self.run.trace
        pending: dict[int, Array] = {value_id: arriving}  # at unnamed values
        delivered: dict[int, Array] = {}  # at named ones
        amount: float | None = None
        while pending:
            # The one made last first: by then all that arrives there is known.
            latest = max(pending, key=lambda each: (trace.producer.get(each, -1), -each))
            upstream, bound = pending.pop(latest), self.run.graph.producer(latest)
            if bound is None:
                continue
            for position in bound.positions(target.value_id):
                amount = (amount or 0.0) + self._at_element(bound, position, upstream, target)
            with np.errstate(all="ignore"):
                for source, share in shares(bound, upstream, self._arrays, between):
                    unnamed = trace.values[source].name is None
                    accumulate(pending if unnamed else delivered, source, share)
        return amount, delivered

    def _at_element(
        self, bound: BoundOperation, position: int, upstream: Array, target: Target
    ) -> float:
        """Return what an operation passes back to the target's element alone."""
        if bound.rule is None or bound.no_way_back:
            raise NotExplained(bound.no_way_back)
        ways = bound.rule.ways(self.steps.call(bound), position, target.index)
        return sum(
            float((upstream[out] * (sized(local)[0] if is_many(out) else evaluate(local))).sum())
            for out, local in ways
        )

    def _path(self, chain: tuple[int, ...], amount: float, target: Target) -> Path:
        values = self.run.trace.values
        names = [values[value_id].name or "" for value_id in chain]
        names[-1] += self.steps.label(target.value_id, target.index)
        blocked, single = self._followed(chain, target)
        closed: dict[str, tuple[int, ...]] = {}
        for value_id in chain:
            bound = self.run.graph.producer(value_id)
            if bound is None or bound.rule is None or not bound.rule.gate or value_id in single:
                continue
            array = self.run.values[value_id]
            rows = rows_of(array) if array.ndim else array.reshape(1, 1)
            off = np.flatnonzero((rows <= 0).all(axis=0))
            if off.size:
                closed[values[value_id].name or ""] = tuple(int(unit) for unit in off)
        return Path(tuple(names), amount, closed, "" if amount else blocked)

    def _followed(self, chain: tuple[int, ...], target: Target) -> tuple[str, set[int]]:
        """Follow the target ahead while it goes through one element alone.

        Returns the word for a gate that is closed there, and the values passed so far.
        """
        passed: set[int] = set()
        index = target.index
        for value_id, ahead in zip(chain[::-1], chain[-2::-1], strict=False):
            bound = self.run.graph.producer(ahead)
            positions = bound.positions(value_id) if bound is not None else ()
            if bound is None or bound.rule is None or len(positions) != 1:
                break
            ways = bound.rule.ways(self.steps.call(bound), positions[0], index)
            if len(ways) != 1 or is_many(ways[0][0]):
                break
            index, local = ways[0]
            passed.add(ahead)
            if bound.rule.gate and evaluate(local) == 0:
                unit = self.steps.label(ahead, index).strip("[]")
                name = self.run.trace.values[ahead].name
                return f"0 because unit {unit} of {name} is off", passed
        return "", passed
