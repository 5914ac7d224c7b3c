"""The formulas of a run that hold for other numbers too, element by element.

A formula is written for one run, and some are only right for its numbers, as which of a window
is the largest. So each is held against a replay: with the numbers of the run, and with others
in the place of all that was given. What does not follow has no formula here, but a reason.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from functools import cached_property

import numpy as np

from ..ops import NotExplained
from ..ops.at_once import NotAtOnce, writing_up_to
from ..ops.conditions import COMPARED, undecided
from ..quick_classes import dataclass
from ..symbolic.expression import (
    FUNCTIONS,
    Add,
    Apply,
    Div,
    Expression,
    Index,
    Mul,
    Neg,
    Number,
    Opaque,
    Pow,
    Ref,
)
from ..symbolic.measure import power
from ..trace import Array
from .backward_pass import backward
from .formulas import Steps, gradient_name
from .forward_pass import replay
from .run import Run

TRIALS = 2  # of other numbers
NEAR = 1e-8  # relative to the largest number of a tensor, which a sum's rounding is far below
# What a rule may raise when its formula depends on a number that is not given.
UNDECIDED = (NotExplained, NotAtOnce, TypeError, AttributeError, ValueError)


@dataclass(frozen=True)
class CellFormulas:
    """How each element of a value, or of the gradient at it, is made; or why that is not known."""

    value_id: int
    gradient: bool
    elements: Mapping[Index, Expression]
    reason: str = ""


class FormulasOfRun:
    """The formulas of the named values of a run and of their gradients."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.steps = Steps(run)
        values = run.trace.values
        # Of each name that a formula may speak of, where its numbers are.
        self.places = {v.name or f"constant {v.id}": (v.id, False) for v in values}
        for value_id in run.gradients:
            if values[value_id].name is not None:
                self.places[gradient_name(run, value_id)] = (value_id, True)

    @cached_property
    def values(self) -> tuple[CellFormulas, ...]:
        """Those of all computed values that have a name, in order."""
        kinds = self.run.trace.values
        made = (n for n in self.steps.named() if kinds[n].kind == "intermediate")
        return tuple(self._of(value_id, gradient=False) for value_id in made)

    @cached_property
    def gradients(self) -> tuple[CellFormulas, ...]:
        """Those of all gradients at what has a name, the loss's first, the parameters' last."""
        run = self.run
        named = [n for n in run.gradients if run.trace.values[n].name is not None]
        computed = [n for n in named if n in run.trace.producer]
        leaves = [n for n in named if n not in run.trace.producer]
        order = [*run.graph.backward_order(computed), *sorted(leaves)]
        return tuple(self._of(value_id, gradient=True) for value_id in order)

    def _of(self, value_id: int, gradient: bool) -> CellFormulas:
        try:
            with undecided(), writing_up_to(sys.maxsize):
                elements = {
                    index: self.steps.gradient(value_id, index)
                    if gradient
                    else self.steps.element(value_id, index)
                    for index in np.ndindex(self.run.values[value_id].shape)
                }
            holds = all(self._holds(value_id, gradient, elements, trial) for trial in self._trials)
        except UNDECIDED as reason:
            words = str(reason) if isinstance(reason, NotExplained) else NO_FORMULA
            return CellFormulas(value_id, gradient, {}, words)
        if not holds:
            return CellFormulas(value_id, gradient, {}, NO_FORMULA)
        return CellFormulas(value_id, gradient, elements)

    # --- whether they hold for other numbers ---

    @cached_property
    def _trials(self) -> tuple[tuple[Mapping[int, Array], Mapping[int, Array]], ...]:
        """The values and gradients of replays, the first one with the numbers of the run."""
        return tuple(self._trial(seed) for seed in range(TRIALS + 1))

    def _trial(self, seed: int) -> tuple[Mapping[int, Array], Mapping[int, Array]]:
        graph, random = self.run.graph, np.random.default_rng(seed)
        moved: dict[int, Array] = {}
        for value in self.run.trace.values if seed else ():
            array = self.run.values[value.id]
            if is_given(self.run, value.id) and array.dtype.kind == "f":
                spread = 0.5 * np.maximum(np.abs(array), 0.5)
                moved[value.id] = array + spread * random.standard_normal(array.shape)
                if array.size and array.min() >= 0 and array.max() <= 1:  # probabilities, perhaps
                    moved[value.id] = np.clip(moved[value.id], 0.05, 0.95)
        values = replay(graph, moved)
        return values, backward(graph, values, self.run.trace.output)

    def _holds(
        self,
        value_id: int,
        gradient: bool,
        elements: Mapping[Index, Expression],
        trial: tuple[Mapping[int, Array], Mapping[int, Array]],
    ) -> bool:
        arrays = trial[int(gradient)]
        if value_id not in arrays:
            return False
        wanted = np.asarray(arrays[value_id], np.float64)

        def look(ref: Ref) -> float:
            if ref.made is not None:
                return value_of(ref.made(), look)
            if ref.index is None or ref.name not in self.places:
                raise TypeError(ref.name)
            value_id, of_gradient = self.places[ref.name]
            array = trial[int(of_gradient)][value_id]
            return float(array[self.steps.full_index(value_id, ref.index)])

        with np.errstate(all="ignore"):
            values = [value_of(each, look) for each in elements.values()]
        expected = wanted.ravel()
        finite = expected[np.isfinite(expected)]
        scale = float(np.abs(finite).max(initial=1e-300))
        return bool(np.allclose(values, expected, rtol=NEAR, atol=NEAR * scale, equal_nan=True))


NO_FORMULA = "it goes by the numbers of this run in a way that no formula of a cell has"


def is_given(run: Run, value_id: int) -> bool:
    """Whether a run starts from a value: an input, a parameter, a buffer or noise."""
    return run.trace.values[value_id].kind in ("input", "parameter", "buffer", "noise")


def value_of(node: Expression, look: Callable[[Ref], float]) -> float:
    """Return what an expression comes to with other numbers for its references."""

    def of(part: Expression) -> float:
        return value_of(part, look)

    match node:
        case Number(value):
            return value
        case Ref():
            return look(node)
        case Add(terms):
            return sum(map(of, terms))
        case Mul(factors):
            return math.prod(map(of, factors))
        case Neg(body):
            return -of(body)
        case Div(above, below):
            return float(np.divide(of(above), of(below)))
        case Pow(base, exponent):
            return power(of(base), of(exponent))
        case Apply("max", arguments):
            return max(map(of, arguments))
        case Apply(function, (argument,)) if function in FUNCTIONS:
            return FUNCTIONS[function].value(of(argument))
        case Opaque("where", (condition, then, otherwise)):
            return of(then if _is_so(condition, of) else otherwise)
        case _:
            raise TypeError(f"{type(node).__name__} is no number")


def _is_so(condition: Expression, of: Callable[[Expression], float]) -> bool:
    match condition:
        case Opaque(sign, (left, limit)) if sign in COMPARED:
            return COMPARED[sign](of(left), of(limit))
        case Opaque("|", (one, other)):
            return _is_so(one, of) or _is_so(other, of)
        case Opaque("&", (one, other)):
            return _is_so(one, of) and _is_so(other, of)
        case _:
            raise TypeError(f"{type(condition).__name__} is no condition")
