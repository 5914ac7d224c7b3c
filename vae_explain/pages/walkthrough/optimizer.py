"""An optimizer's own arithmetic: how one parameter moved, held against `torch.optim`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...analysis.training_records import ADAM_EPS, BETAS, OptimizerStep
from ...engine.formulas import gradient_name
from ...engine.run import Run
from ...engine.worked_lines import Worked, worked
from ...symbolic.expression import (
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

ONE = Number(1.0)
# One element of what a line computes, or for None the formula with every constant's name.
Composed = Callable[[Index | None], Expression]


class OptimizerPage(RunPage):
    """A page that shows how parameters moved in one update."""

    def __init__(self, step: OptimizerStep) -> None:
        super().__init__(step.run)
        self.step = step
        self.elements: list[Index] = []  # that are worked out
        self.telling = 0  # which of them stands for all: one that moves

    def moved(self, name: str, detailed: bool) -> None:
        """Work out a parameter's new numbers; `detailed` shows a line for every element."""
        self.open(f"Move {name}", str(list(self.step.after[name].shape)))
        number = self.run.value(name).id
        if number not in self.run.gradients:
            self.add(Note(f"The loss does not reach {name}: it has no gradient and stays."))
            return
        after = np.asarray(self.step.after[name])
        moved = after - self.run.array(name)
        # Of a big one those that move most, the same ones in every formula.
        self.elements = self.chosen(number, moved, MOST_DETAILED, detailed)
        # The largest: where one has all but gone, float32's rounding shows in its last digits.
        sizes = [abs(after[at]) if moved[at] else 0.0 for at in self.elements]
        self.telling = int(np.argmax(sizes))
        if self.step.optimizer == "adam":
            if not self._moments_fit(name):
                return
            self._adam(name, after, detailed)
        else:
            self._sgd(name, after, detailed)

    # --- gradient descent ---

    def _sgd(self, name: str, after: Array, detailed: bool) -> None:
        number = self.run.value(name).id
        symbol, gradient = gradient_name(self.run, number), self.run.gradient(name)

        def moved(at: Index | None) -> Expression:
            step = Mul((self._lr(at), _part(symbol, at, gradient, "gradient")))
            return self._parameter(name, at) - step

        self._quantity(f"{name}_new", moved, after, after, detailed, result=True)

    # --- Adam ---

    def _adam(self, name: str, after: Array, detailed: bool) -> None:
        before, then = self.step.moments_before[name], self.step.moments_after[name]
        gradient = self.run.gradient(name)
        updates = self.step.step + 1
        # In float64 by hand: PyTorch never holds these two, it folds them into the step.
        m_hat = then["m"].astype(np.float64) / (1 - BETAS[0] ** updates)
        v_hat = then["v"].astype(np.float64) / (1 - BETAS[1] ** updates)

        def g(at: Index | None) -> Expression:
            return _part("g", at, gradient, "gradient")

        def mean(at: Index | None) -> Expression:
            beta = _constant("β1", BETAS[0], at)
            return Mul((beta, _part("m", at, before["m"]))) + Mul((ONE - beta, g(at)))

        def square(at: Index | None) -> Expression:
            beta = _constant("β2", BETAS[1], at)
            squared = Pow(g(at), Number(2.0))
            return Mul((beta, _part("v", at, before["v"]))) + Mul((ONE - beta, squared))

        def corrected(letter: str, symbol: str, beta: float) -> Composed:
            def quotient(at: Index | None) -> Expression:
                power = Pow(_constant(symbol, beta, at), _constant("t", float(updates), at))
                return Div(_part(f"{letter}_new", at, then[letter]), ONE - power)

            return quotient

        def moved(at: Index | None) -> Expression:
            root = Apply("sqrt", (_part("v_hat", at, v_hat),))
            below = Add((root, _constant("adam_eps", ADAM_EPS, at)))
            step = Mul((self._lr(at), Div(_part("m_hat", at, m_hat), below)))
            return self._parameter(name, at) - step

        number = self.run.value(name).id
        self.add(Formula("g", Ref(gradient_name(self.run, number), None, "gradient", gradient)))
        self._quantity("m_new", mean, then["m"], then["m"], detailed)
        self._quantity("v_new", square, then["v"], then["v"], detailed)
        self._quantity("m_hat", corrected("m", "β1", BETAS[0]), m_hat, None, detailed)
        self._quantity("v_hat", corrected("v", "β2", BETAS[1]), v_hat, None, detailed)
        self._quantity(f"{name}_new", moved, after, after, detailed, result=True)

    def _moments_fit(self, name: str) -> bool:
        """Whether Adam's means are numbers; their squares may overflow before the loss does."""
        if all(np.isfinite(array).all() for array in self.step.moments_after[name].values()):
            return True
        words = (
            f"g² is too large for float32, so PyTorch's v is infinite and {name} does not "
            "move there; no arithmetic is shown."
        )
        self.add(Note(words, "warning"))
        return False

    # --- parts ---

    def _quantity(
        self,
        name: str,
        composed: Composed,
        shown: Array,
        reference: Array | None,
        detailed: bool,
        result: bool = False,
    ) -> None:
        """Show one formula with its lines, and the whole tensor when it is the result."""
        self.add(Formula(name, composed(None), accent=result))
        if result and (is_big(shown) or not detailed):
            self.add(tensor(name, shown, "parameter", "parameter", accent=True))
        lines = tuple(self._line(composed, at, shown, reference) for at in self.elements)
        self.add(
            Lines(
                name=name,
                lines=lines,
                head="element",
                places=number_places(self.run),
                omitted=shown.size - len(lines) if detailed else 0,
                quiet=not detailed,
                telling=self.telling,
                leaves=number_places(self.run),
            )
        )
        if reference is not None:
            self.add(checked(lines, "element", "torch.optim's"))

    def _line(self, composed: Composed, at: Index, shown: Array, reference: Array | None) -> Worked:
        held = None if reference is None else float(reference[at])
        return worked(index_text(at), composed(at), held, self.run, float(shown[at]))

    def _parameter(self, name: str, at: Index | None) -> Expression:
        return _part(name, at, self.run.array(name), "parameter")

    def _lr(self, at: Index | None) -> Expression:
        return _constant("lr", self.step.lr, at)


def _part(name: str, at: Index | None, array: Array, role: Role = "value") -> Expression:
    return Ref(name, at, role, array if at is None else float(array[at]))


def _constant(name: str, value: float, at: Index | None) -> Expression:
    """Return a setting of the optimizer: its name in a formula, its number in a line."""
    return Ref(name, None, "constant", value) if at is None else Number(value)


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
