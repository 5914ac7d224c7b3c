"""Two runs beside each other: what was given otherwise, what follows from it, and which did it.

Values are the same by name. A run differs from another in what it starts from, numbers that
are given and formulas that it follows, and all else follows from these. What differs though
nothing that it is made of does was rounded otherwise, or is of a model that varies.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property

import numpy as np

from ..engine.formulas import Steps
from ..engine.forward_pass import replay_part
from ..engine.run import Run
from ..engine.value_formulas import if_explained
from ..ops import NotExplained
from ..quick_classes import NamedTuple, dataclass
from ..symbolic.expression import Index
from ..symbolic.text import to_text
from ..trace import Array, Kind

MOST_CAUSES = 12  # that are tried one by one; more parameters than that are one cause
FORMULAS = "the formulas"  # as a cause
PARAMETERS = "the parameters"


@dataclass(frozen=True, eq=False)
class Pair:
    """The numbers of one name in both runs, of one shape."""

    name: str
    kind: Kind
    first: Array
    second: Array

    @property
    def differing(self) -> Array:
        """Where they differ."""
        same = (self.first == self.second) | (np.isnan(self.first) & np.isnan(self.second))
        return np.asarray(np.logical_not(same))

    @property
    def changed(self) -> int:
        """How many of the numbers differ."""
        return int(np.count_nonzero(self.differing))

    @property
    def change(self) -> Array:
        with np.errstate(invalid="ignore", over="ignore"):
            return self.second - self.first

    def largest(self, most: int) -> list[Index]:
        """Return where the numbers change most, in order of index; nowhere that they don't."""
        sizes = np.where(np.isnan(self.change), np.inf, np.abs(self.change)).ravel()
        places = [n for n in np.argsort(-sizes, kind="stable")[:most] if self.differing.flat[n]]
        return [tuple(map(int, np.unravel_index(n, self.first.shape))) for n in sorted(places)]


class TermChange(NamedTuple):
    """What a term of the loss adds to it in both runs, its weight included."""

    name: str
    first: float
    second: float
    weights: tuple[float, float]


@dataclass(frozen=True)
class Flip:
    """A unit whose gate opens or closes: the gated value, the unit, and what decides it."""

    name: str
    index: Index
    first: float
    second: float

    @property
    def opens(self) -> bool:
        return self.second > 0


class Alone(NamedTuple):
    """The loss of the first run with one cause taken from the second."""

    cause: str
    loss: float


@dataclass(frozen=True)
class Comparison:
    """Two runs, and in what they differ.

    Attributes
    ----------
    how
        What was asked for otherwise: each option, with what it was in both runs.
    """

    first: Run
    second: Run
    how: tuple[tuple[str, str, str], ...] = ()

    # --- the loss ---

    @cached_property
    def loss(self) -> tuple[float, float]:
        """The loss of both; where it has a number for each row, their sum."""
        first, second = (float(run.values[run.trace.output].sum()) for run in self._runs)
        return first, second

    @cached_property
    def terms(self) -> tuple[TermChange, ...]:
        """The terms of the loss that both runs have; none where one has others."""
        ours, theirs = ({term.name: term for term in run.trace.terms} for run in self._runs)
        if ours.keys() != theirs.keys():
            return ()
        changes = []
        for name, term in ours.items():
            other = theirs[name]
            one, two = (
                each.weight * float(run.values[each.value].sum()) if each.weight else 0.0
                for run, each in ((self.first, term), (self.second, other))
            )
            changes.append(TermChange(name, one, two, (term.weight, other.weight)))
        return tuple(changes)

    # --- what differs ---

    @property
    def _runs(self) -> tuple[Run, Run]:
        return self.first, self.second

    @cached_property
    def steps(self) -> tuple[Steps, Steps]:
        return Steps(self.first), Steps(self.second)

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """All values that both runs have in one shape, in the order of the second."""
        return tuple(self._pairs())

    def _pairs(self) -> Iterator[Pair]:
        for name, value in self.second.trace.by_name.items():
            other = self.first.trace.by_name.get(name)
            is_real = value.array.dtype.kind != "c"
            if other is not None and other.shape == value.shape and is_real:
                arrays = (np.asarray(run.array(name), np.float64) for run in self._runs)
                yield Pair(name, value.kind, *arrays)

    @cached_property
    def given(self) -> tuple[Pair, ...]:
        """What was given in other numbers: inputs, parameters, noise."""
        return tuple(pair for pair in self.pairs if pair.kind != "intermediate" and pair.changed)

    @cached_property
    def computed(self) -> tuple[Pair, ...]:
        """What came out in other numbers, in the order in which it is made."""
        return tuple(pair for pair in self.pairs if pair.kind == "intermediate" and pair.changed)

    @cached_property
    def same(self) -> tuple[str, ...]:
        """The names of what came out the same."""
        computed = (pair for pair in self.pairs if pair.kind == "intermediate")
        return tuple(pair.name for pair in computed if not pair.changed)

    @cached_property
    def shapes(self) -> tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]:
        """What has another shape in each run, which is not compared."""
        ours, theirs = (run.trace.by_name for run in self._runs)
        return tuple(
            (name, ours[name].shape, value.shape)
            for name, value in theirs.items()
            if name in ours and ours[name].shape != value.shape
        )

    @cached_property
    def only(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The names that only one of the runs has."""
        ours, theirs = (run.trace.by_name for run in self._runs)
        return tuple(n for n in ours if n not in theirs), tuple(n for n in theirs if n not in ours)

    @cached_property
    def differing(self) -> tuple[str, ...]:
        """The names of what came out in other numbers, or as many of them, in order."""
        other = {pair.name for pair in self.computed} | {name for name, *_ in self.shapes}
        values = self.second.trace.by_name.items()
        return tuple(n for n, value in values if value.kind == "intermediate" and n in other)

    @cached_property
    def formulas(self) -> tuple[tuple[str, str, str], ...]:
        """What is made by another formula: its name, and both."""
        differing = []
        for name in self.second.trace.by_name:
            if name in self.first.trace.by_name:
                first, second = (_made(steps, name) for steps in self.steps)
                if first != second:
                    differing.append((name, first, second))
        return tuple(differing)

    @cached_property
    def by_rounding(self) -> bool:
        """Whether values differ though neither what is given nor a formula does."""
        whole = not (self.shapes or self.only[0] or self.only[1])
        return bool(whole and self.computed and not self.given and not self.formulas)

    # --- what follows ---

    @cached_property
    def flips(self) -> tuple[Flip, ...]:
        """The gates that open or close."""
        return tuple(self._flips())

    def _flips(self) -> Iterator[Flip]:
        for pair in self.pairs:
            if pair.kind != "intermediate":
                continue
            first, second = (_decides(run, pair.name) for run in self._runs)
            if first is None or second is None or first.shape != second.shape:
                continue
            for place in map(tuple, np.argwhere((first > 0) != (second > 0))):
                index = tuple(map(int, place))
                yield Flip(pair.name, index, float(first[index]), float(second[index]))

    @cached_property
    def gradients(self) -> tuple[Pair, ...]:
        """The gradients that came out in other numbers, in the order of what they are of."""
        return tuple(pair for pair in self.with_gradient if pair.changed)

    @cached_property
    def with_gradient(self) -> tuple[Pair, ...]:
        """The gradients that both runs have in one shape."""
        pairs = []
        for name, value in self.second.trace.by_name.items():
            other = self.first.trace.by_name.get(name)
            if other is None or other.shape != value.shape:
                continue
            if other.id in self.first.gradients and value.id in self.second.gradients:
                arrays = (np.asarray(run.gradient(name), np.float64) for run in self._runs)
                pairs.append(Pair(name, value.kind, *arrays))
        return tuple(pairs)

    # --- which did it ---

    @cached_property
    def base(self) -> float:
        """The loss of the first run by hand in float64, which `alone` is to be held against."""
        return float(np.asarray(self.first.hand_values[self.first.trace.output]).sum())

    @cached_property
    def alone(self) -> tuple[Alone, ...]:
        """What each cause does by itself, where there are several; nothing where none can say."""
        causes = self._causes()
        if len(causes) + bool(self.formulas) < 2 or self.shapes:
            return ()
        try:
            missing = [
                Alone(cause, self._loss_with(self.first, numbers))
                for cause, numbers in causes.items()
            ]
            if self.formulas:
                theirs = {pair.name: pair.first for pair in self.given}
                missing.append(Alone(FORMULAS, self._loss_with(self.second, theirs)))
        except (NotExplained, ValueError):
            return ()  # an op on the way has no rule, or does not take the other's numbers
        return tuple(missing)

    def _causes(self) -> dict[str, dict[str, Array]]:
        """Return what was given otherwise, by what to call it."""
        together = len(self.given) > MOST_CAUSES
        causes: dict[str, dict[str, Array]] = {}
        for pair in self.given:
            learned = pair.kind in ("parameter", "buffer")
            cause = PARAMETERS if together and learned else pair.name
            causes.setdefault(cause, {})[pair.name] = pair.second
        return causes

    def _loss_with(self, run: Run, numbers: Mapping[str, Array]) -> float:
        """Return the loss of a run with other numbers for what it is given, by hand."""
        output = run.trace.output
        by_id = {run.value(name).id: array for name, array in numbers.items()}
        replayed = replay_part(run.graph, run.hand_values, by_id, [output])
        return float(np.asarray(replayed[output]).sum())


def _made(steps: Steps, name: str) -> str:
    """Return the formula of a value; without one, the op that made it; empty for a given one."""
    value = steps.run.value(name)
    bound = steps.run.graph.producer(value.id)
    if bound is None or value.kind != "intermediate":
        return ""
    formula = if_explained(lambda: steps.formula(value.id))
    # Constants without a name are called by their number, which says nothing of another run.
    written = f"{bound.operation.name}(…)" if formula is None else to_text(formula)
    return re.sub(r"\bconstant \d+", "a constant", written)


def _decides(run: Run, name: str) -> Array | None:
    """Return the numbers whose sign opens the gates of a value; None for one without gates."""
    bound = run.graph.producer(run.value(name).id)
    if bound is None or bound.rule is None or not bound.rule.gate or not bound.sources:
        return None
    return run.values[bound.sources[min(bound.sources)]]
