"""Each formula of a run once, with the ranges of its indices, to be evaluated elsewhere.

`Steps` writes a formula for one element. Here those of a whole value become one, over loops: a
leaf is an array, the place of its first number, and how far each loop moves it. The terms of a
sum become a loop of their own. The formula of all elements at once (`ops/at_once.py`) has for each
leaf the places of its numbers, which are one loop's where they keep the same distance; where a rule
has none, the elements are written one by one and compared. What comes out is plain data, which
needs no rule to evaluate:

    number                              a constant
    ["r", array, place, step, …]        a number of an array, with a step for each loop around it
    ["+", term, …] ["*", factor, …] ["-", body] ["/", above, below] ["^", base, exponent]
    ["M", count, term]                  so many terms of the sum around it, with one step more
    ["f", function, argument, …]        one of `FUNCTIONS`
    ["?", sign, left, limit, then, otherwise]  one of two, by how a number compares to a limit
    ["e", axis, element, …]             one for each turn of the loop over an axis
    ["G", summand, …]                   a gradient: what comes by each way, constants not folded
    ["l"]                               the learning rate
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from ..errors import UserError
from ..ops import NotExplained
from ..ops.at_once import NotAtOnce, Summands, grid, writing_up_to
from ..ops.conditions import undecided
from ..quick_classes import NamedTuple
from ..symbolic.expression import (
    Add,
    Apply,
    Div,
    Each,
    Expression,
    Index,
    Mul,
    Neg,
    Number,
    Opaque,
    Pow,
    Ref,
)
from .formulas import Steps, gradient_name
from .gradient_ways import TermWay, ways
from .leaves import ROLES
from .loops import Data, Many, over, summed
from .roles import standard_draws
from .run import Run
from .value_formulas import if_explained

MOST_ONE_BY_ONE = 5000  # elements of a value that are written one by one


class NotLive(UserError):
    """A run whose numbers cannot be computed from formulas alone; the message says why."""

    option = "--model"


class Source(NamedTuple):
    """An array of a run: a value's numbers, or the gradient at it, of one term or of all."""

    value_id: int
    gradient: bool = False
    term: str | None = None
    through: int | None = None  # of a gradient, the answer of the encoder that it comes by
    moved: bool = False  # a parameter's numbers behind one step of gradient descent


@dataclass
class IndexRanges:
    """The formulas of one run as data, and the arrays that they speak of, by position."""

    steps: Steps
    sources: list[Source] = field(default_factory=list)
    positions: dict[str, int] = field(default_factory=dict)  # by the name of a leaf
    way: TermWay | None = None  # while its parts of gradients are written
    many: Many | None = None  # while a formula of all elements at once is written

    def __post_init__(self) -> None:
        run = self.steps.run
        for value in run.trace.values:
            self._add(Source(value.id), value.name or f"constant {value.id}")
        for term in (None, *(term.name for term in run.trace.terms)):
            for value_id in run.gradients_of(term):
                if run.trace.values[value_id].name is not None:
                    self._add(Source(value_id, True, term), gradient_name(run, value_id, term))

        self.ways = ways(run)
        for way in self.ways:
            for value_id in way.gradients:
                if run.trace.values[value_id].name is not None:
                    self.sources.append(self.part(value_id, way))
        self.sources += [Source(draw, True) for draw in standard_draws(run)]
        self.sources += [Source(value_id, moved=True) for value_id in run.learning]

    def part(self, value_id: int, way: TermWay) -> Source:
        """Return what comes to a value by one way."""
        term = way.term if self.steps.run.trace.terms else None
        return Source(value_id, True, term, way.through)

    def of_way(self, value_id: int, way: TermWay, behind: Sequence[TermWay]) -> Data:
        """Return the formula of what comes to a value by one way.

        Parameters
        ----------
        behind
            The ways of the same term through the answers that were made later.
        """
        source = self.part(value_id, way)
        if value_id != way.through:
            self.way = way
            try:
                return self.of(source)
            finally:
                self.way = None
        # What arrives there from elsewhere than an answer that was made of it.
        others = [self.part(value_id, each) for each in behind if value_id in each.gradients]
        own = self.own(source._replace(through=None))
        return ["+", own, *(["-", self.own(each)] for each in others)]

    def own(self, source: Source) -> Data:
        """Return the element of an array at the place that is computed."""
        shape = self.steps.run.values[source.value_id].shape
        index = grid([np.arange(length) for length in shape])
        return ["r", self.position(source), *Many(shape).loop(index, shape)]

    def _add(self, source: Source, name: str) -> None:
        self.positions.setdefault(name, len(self.sources))
        self.sources.append(source)

    def position(self, source: Source) -> int:
        """Return where an array stands among all."""
        return self.sources.index(source)

    # --- formulas ---

    def of(self, source: Source) -> Data:
        """Return how all elements of a value, or of a gradient, are made.

        Raises
        ------
        NotExplained
            If an operation on the way has no rule.
        NotLive
            If the formula of an element depends on its numbers otherwise than by a limit.
        """

        if source.moved:
            before, slope = map(self.own, (Source(source.value_id), Source(source.value_id, True)))
            return ["+", before, ["-", ["*", ["l"], slope]]]
        shape = self.steps.run.values[source.value_id].shape
        size = math.prod(shape)
        with undecided(), writing_up_to(sys.maxsize):
            if size > 1:
                try:
                    return self._all_elements(source, Many(shape))
                except (NotAtOnce, NotLive):
                    if size > MOST_ONE_BY_ONE:
                        raise NotLive(
                            f"{self.steps.run.trace.values[source.value_id].name} has {size:,} "
                            "numbers without one formula for all of them"
                        ) from None
            return over(shape, (), lambda index: self._element(source, index))

    def _element(self, source: Source, index: Index) -> Data:
        """Return how one element is made."""
        value_id, _, term, *_ = source
        if not source.gradient:
            return self.data(self.steps.element(value_id, index))
        through: dict[int, list[Data]] = {}
        if self.is_start(source):
            return self.steps.run.trace.term(term).weight
        for each in self.steps.contributions(value_id, index, term):
            if self.way is None or each.through in self.way.gradients:
                through.setdefault(each.through, []).append(self.data(each.expression))
        return gradient(through)

    def _all_elements(self, source: Source, many: Many) -> Data:
        """Return how all elements of a value, or of a gradient, are made, by one formula."""
        value_id, _, term, *_ = source
        index = grid([np.arange(length) for length in many.shape])
        self.many = many
        try:
            if not source.gradient:
                return self.data(self.steps.element(value_id, index))
            if self.is_start(source):
                return self.steps.run.trace.term(term).weight
            through: dict[int, list[Data]] = {}
            for way in self.steps.ways_back(value_id, index, term):
                if self.way is None or way.through in self.way.gradients:
                    through.setdefault(way.through, []).extend(self._summands(way.summands))
            return gradient(through, len(many.shape))
        finally:
            self.many = None

    def _summands(self, summands: Summands) -> Iterator[Data]:
        """Write each summand of all elements, in the order of `Summands.written`."""
        assert self.many is not None, "one formula stands for all elements"
        axes = summands.shape[:-1]
        for at in range(math.prod(axes)):
            place = tuple(map(int, np.unravel_index(at, axes[::-1])[::-1])) if axes else ()
            self.many = self.many._replace(summands=axes, at=place)
            yield self.data(summands.formula)

    def is_start(self, source: Source) -> bool:
        """Whether an array is the gradient that the backward pass starts with."""
        return source.value_id == self.steps.run.trace.term(source.term).value

    def data(self, node: Expression) -> Data:
        """Write one element's formula as data, its leaves without steps."""
        match node:
            case Number(value):
                return float(value)
            case Ref():
                return self._leaf(node)
            case Add(terms):
                depth = len(self.many.shape) if self.many else 0
                return summed([self.data(term) for term in terms], depth)
            case Mul(factors):
                return ["*", *map(self.data, factors)]
            case Neg(body):
                return ["-", self.data(body)]
            case Div(above, below):
                return ["/", self.data(above), self.data(below)]
            case Pow(base, exponent):
                return ["^", self.data(base), self.data(exponent)]
            case Apply(function, arguments):
                return ["f", function, *map(self.data, arguments)]
            case Opaque(name="where", arguments=(Opaque(sign, (left, limit)), then, otherwise)):
                return ["?", sign, *map(self.data, (left, limit, then, otherwise))]
            case _:
                raise NotLive(f"{type(node).__name__} has no number that a live page can compute")

    def _leaf(self, ref: Ref) -> Data:
        whole = ref.index is None and not isinstance(ref, Each)
        if ref.made is not None or whole or ref.name not in self.positions:
            raise NotLive(f"{ref.name} is a number that a live page cannot compute anew")
        at = self.positions[ref.name]
        if self.way is not None and self.sources[at].gradient:
            at = self.position(self.part(self.sources[at].value_id, self.way))
        value = self.steps.run.trace.values[self.sources[at].value_id]
        if isinstance(ref, Each):
            assert self.many is not None, "such a leaf is of a formula of many elements"
            return ["r", at, *self.many.loop(ref.places, value.shape)]
        index = self.steps.full_index(value.id, ref.index or ())
        place = int(np.ravel_multi_index(index, value.shape)) if index else 0
        return ["r", at, place, *(0 for _ in (self.many.shape if self.many else ()))]


def gradient(through: Mapping[int, list[Data]], depth: int = 0) -> Data:
    """Write what comes back by each way, as `Steps.gradient` folds it."""
    return ["G", *(summed(terms, depth) for terms in through.values())]


def contract(run: Run) -> dict[str, Any]:
    """Return a run as data: its arrays, with the numbers of those that are given, and formulas.

    Raises
    ------
    NotLive
        If some number of the run cannot be computed from formulas alone.
    """
    try:
        return _contract(run)
    except NotExplained as reason:
        raise NotLive(f"a live page needs a rule for every operation: {reason}") from None


def _contract(run: Run) -> dict[str, Any]:
    ranges = IndexRanges(Steps(run))
    trace = run.trace
    made: dict[int, Data] = {}
    for value_id in ranges.steps.named():
        if trace.values[value_id].kind != "noise":
            made[ranges.position(Source(value_id))] = ranges.of(Source(value_id))
    order = list(made)
    for term in (None, *(term.name for term in trace.terms)):
        reached = [v for v in run.gradients_of(term) if trace.values[v].name is not None]
        for value_id in _last_first(run, reached):
            at = ranges.position(Source(value_id, True, term))
            made[at] = ranges.of(Source(value_id, True, term))
            order.append(at)
    for way in reversed(ranges.ways):
        named = [v for v in way.gradients if trace.values[v].name is not None]
        behind = [w for w in ranges.ways if w.term == way.term and w.through > way.through]
        for value_id in _last_first(run, named):
            at = ranges.position(ranges.part(value_id, way))
            made[at] = ranges.of_way(value_id, way, behind)
            order.append(at)
    # Further ones, which no formula needs: the slopes at the noise, and where a step leads.
    for source in ranges.sources:
        at = ranges.position(source)
        if at in made or not (source.moved or trace.values[source.value_id].kind == "noise"):
            continue
        if source.moved or (source.gradient and trace.values[source.value_id].name):
            formula = if_explained(partial(ranges.of, source))
            if formula is not None:
                made[at] = formula
                order.append(at)
    used = {leaf for formula in made.values() for leaf in _arrays(formula)} | made.keys()
    shown = sorted(used | {ranges.position(Source(v.id)) for v in trace.values if v.name})
    place = {at: i for i, at in enumerate(shown)}
    return {
        "arrays": [_array(run, ranges, at, at in made) for at in shown],
        "formulas": [[place[at], _renumbered(made[at], place)] for at in order],
        "terms": [[term.name, place[term.value], term.weight] for term in trace.terms],
        "loss": place[trace.output],
    }


def _last_first(run: Run, value_ids: Iterable[int]) -> list[int]:
    """Order gradients so that each stands behind those that its formula uses."""
    computed = [v for v in value_ids if v in run.trace.producer]
    leaves = [v for v in value_ids if v not in run.trace.producer]
    return [*run.graph.backward_order(computed), *leaves]


def _array(run: Run, ranges: IndexRanges, at: int, is_made: bool) -> dict[str, Any]:
    source = ranges.sources[at]
    value = run.trace.values[source.value_id]
    name = gradient_name(run, value.id, source.term) if source.gradient else value.name
    whole = (0,) * len(value.shape)
    array: dict[str, Any] = {
        "name": name or f"constant {value.id}",
        "role": "gradient" if source.gradient else ROLES[value.kind],
        "shape": list(value.shape),
        "hidden": len(whole) - len(ranges.steps.shown_index(value.id, whole)),
    }
    if source.gradient:
        array["at"], array["term"] = value.name, source.term
        if source.through is not None:
            array["through"] = run.trace.values[source.through].label
            array["name"] += f" by {array['through']}"
    if source.moved:
        array |= {"name": f"{name}_new", "role": "value", "moved": name}
    if value.array.dtype.kind in "biu" and not source.gradient:
        array["whole"] = True
    if not is_made:
        array["kind"] = value.kind
        array["numbers"] = np.asarray(run.values[value.id], np.float64).ravel().tolist()
    return array


def _arrays(formula: Data) -> Iterable[int]:
    if isinstance(formula, list):
        if formula[0] == "r":
            yield formula[1]
        else:
            for part in formula[1:]:
                yield from _arrays(part)


def _renumbered(formula: Data, place: dict[int, int]) -> Data:
    if not isinstance(formula, list):
        return formula
    if formula[0] == "r":
        return ["r", place[formula[1]], *formula[2:]]
    return [formula[0], *(_renumbered(part, place) for part in formula[1:])]
