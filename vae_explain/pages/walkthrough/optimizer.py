"""An optimizer's own arithmetic: how one parameter moved, held against its own result."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...analysis.training_records import ADAM_EPS, BETAS, OptimizerStep
from ...engine.formulas import gradient_name
from ...engine.index_ranges import Source
from ...engine.run import Run
from ...engine.worked_lines import Worked, worked
from ...quick_classes import NamedTuple
from ...symbolic.expression import (
    ONE,
    Add,
    Apply,
    Div,
    Expression,
    Index,
    Mul,
    Number,
    Pow,
    Ref,
    Role,
)
from ...symbolic.text import index_text
from ...trace import Array
from ..blocks import Formula, Lines, Note, Places
from .draft import checked
from .page import MOST_DETAILED, RunPage
from .tensors import is_big, tensor


class Leaves(NamedTuple):
    """The leaves of one element's line; for None, those of the formula over whole tensors."""

    at: Index | None

    def part(self, name: str, array: Array, role: Role = "value") -> Expression:
        """Return the element of a tensor."""
        return Ref(name, self.at, role, array if self.at is None else float(array[self.at]))

    def setting(self, name: str, value: float) -> Expression:
        """Return a setting of the optimizer: its name in a formula, its number in a line."""
        return Ref(name, None, "constant", value) if self.at is None else Number(value)


Composed = Callable[[Leaves], Expression]


class OptimizerPage(RunPage):
    """A page that shows how parameters moved in one update."""

    def __init__(self, step: OptimizerStep) -> None:
        super().__init__(step.run)
        self.step = step
        # Of the parameter that is worked out: which elements, and whether each has a line.
        self.elements: list[Index] = []
        self.example_at = 0  # which of them stands for all: one that moves
        self.detailed = False
        self._said_how = False

    def moved(self, name: str, detailed: bool) -> None:
        """Work out a parameter's new numbers; `detailed` shows a line for every element."""
        self.open(f"Move {name}")
        value_id = self.run.value(name).id
        if value_id not in self.run.gradients:
            self.add(Note(f"The loss does not reach {name}: it has no gradient and stays."))
            return
        if not self.run.array(name).size:
            self.add(Note(f"{name} has no numbers, and none to move."))
            return
        after = np.asarray(self.step.after[name])
        moved = after - self.run.array(name)
        # Of a big one those that move most, the same ones in every formula. By SGD these are the
        # steepest, and what moves by as much is not told apart by how it is rounded.
        steep = self.run.gradient(name) if self.step.optimizer == "sgd" else moved
        self.elements = self.chosen(value_id, steep, MOST_DETAILED, detailed)
        # The largest: where one has all but gone, float32's rounding shows in its last digits.
        sizes = [abs(after[at]) if moved[at] else 0.0 for at in self.elements]
        self.example_at = int(np.argmax(sizes))
        self.detailed = detailed
        symbol, gradient = gradient_name(self.run, value_id), self.run.gradient(name)
        if self.step.optimizer == "sgd":
            self._new_parameter(name, lambda of: of.part(symbol, gradient, "gradient"))
        elif all(np.isfinite(array).all() for array in self.step.moments_after[name].values()):
            self.add(Formula("g", Ref(symbol, None, "gradient", gradient)))
            self._adam(name, lambda of: of.part("g", gradient, "gradient"))
        else:  # the squares may overflow before the loss does
            words = (
                f"g² is too large for float32, so PyTorch's v is infinite and {name} does not "
                "move there; no arithmetic is shown."
            )
            self.add(Note(words, "warning"))

    def _adam(self, name: str, g: Composed) -> None:
        before, after = self.step.moments_before[name], self.step.moments_after[name]
        updates = self.step.step + 1

        def average(letter: str, symbol: str, beta: float, new: Composed) -> Composed:
            def composed(of: Leaves) -> Expression:
                kept = of.setting(symbol, beta)
                return Mul((kept, of.part(letter, before[letter]))) + Mul((ONE - kept, new(of)))

            return composed

        def corrected(letter: str, symbol: str, beta: float) -> Composed:
            def composed(of: Leaves) -> Expression:
                power = Pow(of.setting(symbol, beta), of.setting("t", float(updates)))
                return Div(of.part(f"{letter}_new", after[letter]), ONE - power)

            return composed

        mean, square = ("m", "β1", BETAS[0]), ("v", "β2", BETAS[1])
        self._quantity("m_new", average(*mean, g), after["m"], after["m"])
        squared = average(*square, lambda of: Pow(g(of), Number(2.0)))
        self._quantity("v_new", squared, after["v"], after["v"])
        # In float64 by hand: PyTorch never holds these two, it folds them into the step.
        m_hat, v_hat = (
            after[letter].astype(np.float64) / (1 - beta**updates)
            for letter, _, beta in (mean, square)
        )
        self._quantity("m_hat", corrected(*mean), m_hat, None)
        self._quantity("v_hat", corrected(*square), v_hat, None)

        def direction(of: Leaves) -> Expression:
            root = Apply("sqrt", (of.part("v_hat", v_hat),))
            return Div(of.part("m_hat", m_hat), Add((root, of.setting("adam_eps", ADAM_EPS))))

        self._new_parameter(name, direction)

    def _new_parameter(self, name: str, direction: Composed) -> None:
        """Show how a parameter moves against a direction, and the whole tensor that comes out."""
        before, after = self.run.array(name), np.asarray(self.step.after[name])

        def moved(of: Leaves) -> Expression:
            step = Mul((of.setting("lr", self.step.lr), direction(of)))
            return of.part(name, before, "parameter") - step

        is_sgd = self.step.optimizer == "sgd"
        source = Source(self.run.value(name).id, moved=True) if is_sgd else None
        self._quantity(f"{name}_new", moved, after, after, result=True, source=source)

    def _quantity(
        self,
        name: str,
        composed: Composed,
        shown: Array,
        reference: Array | None,
        result: bool = False,
        source: Source | None = None,
    ) -> None:
        """Show one formula with its lines, and the whole tensor when it is the result.

        Parameters
        ----------
        source
            Which array of the run it is, for a page whose numbers can be changed.
        """
        again = result and self._said_how  # of each parameter the same
        self.add(Formula(name, composed(Leaves(None)), accent=result, again=again))
        self._said_how |= result and not self.detailed
        if result and (is_big(shown) or not self.detailed):
            self.add(tensor(name, shown, "parameter", "parameter", accent=True, source=source))
        lines = tuple(self._line(composed, at, shown, reference) for at in self.elements)
        places = number_places(self.run)
        recipe = None
        if source is not None:
            before, slope = (
                source._replace(moved=False),
                source._replace(moved=False, gradient=True),
            )
            recipe = {"kind": "lines", **self.shown_by(before, lines, slope)}
            recipe |= {"of": source, "before": before}
        self.add(
            Lines(
                name,
                lines,
                "element",
                places,
                omitted=shown.size - len(lines) if self.detailed else 0,
                quiet=not self.detailed,
                example_at=self.example_at,
                leaves=places,
                recipe=recipe,
            )
        )
        if reference is not None:
            self.add(checked(lines, "number", f"{self.step.made_by}'s"))

    def _line(self, composed: Composed, at: Index, shown: Array, reference: Array | None) -> Worked:
        held = None if reference is None else float(reference[at])
        return worked(index_text(at), composed(Leaves(at)), held, self.run, float(shown[at]))


def number_places(run: Run) -> Places:
    """Return how a run's numbers are written where a step may be smaller than 4 decimals show."""
    return "single" if run.arithmetic == "full" else "value"


def rate_text(lr: float) -> str:
    """Write a learning rate with all of its digits."""
    return repr(lr).removesuffix(".0")


def settings_words(step: OptimizerStep) -> str:
    """Return the optimizer's settings at a step, in words."""
    if step.optimizer == "sgd":
        return f"lr = {rate_text(step.lr)}"
    updates = step.step + 1
    return (
        f"lr = {rate_text(step.lr)}, β1 = {BETAS[0]:g}, β2 = {BETAS[1]:g}, "
        f"adam_eps = {ADAM_EPS:g}, and t = {updates}: this is Adam's {_ordinal(updates)} update"
    )


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number % 100 not in (11, 12, 13) else 0)
    return f"{number:,}{ending or 'th'}"
