"""Where one number comes from: its derivation as a tree.

A derivation is a worked line and the derivations of the numbers that it used, down to
inputs, parameters and noise. A gradient is also a sum over its paths from the loss; those are
in `gradient_paths.py`.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterator
from typing import Literal

import numpy as np

from ..quick_classes import dataclass
from ..symbolic.expression import (
    PLACES,
    Add,
    Apply,
    Expression,
    Index,
    Pow,
    Ref,
    Rest,
    rebuilt,
    references,
)
from ..symbolic.measure import evaluate
from ..trace import Array
from .formulas import Steps, gradient_name
from .run import Run
from .value_formulas import if_explained
from .worked_lines import LineMaker, Worked

Status = Literal["derived", "given", "again", "cut", "not explained"]

MOST_TERMS = 12  # of a sum; of a longer one the largest are shown, and the rest as one
SHOWN_TERMS = 8
A_SCREEN = 9  # derivations, of two to five lines each
MOST_DERIVATIONS = 2_000  # even when all of them are asked for


@dataclass(frozen=True)
class Target:
    """A number to explain: a value's element, or the gradient at it, of one term or all."""

    value_id: int
    index: Index
    gradient: bool = False
    term: str | None = None


@dataclasses.dataclass
class Derivation:
    """A number with its line and the derivations of what the line used.

    `status` says why there are no children: it was given, it was derived before, the
    tree was cut there, or an operation on the way has no rule. The target is a number of
    the run, or a reference to one that only its line speaks of, as the mean of a norm.
    """

    target: Target | Ref
    name: str
    value: float
    line: Worked | None
    status: Status
    children: list[Derivation] = dataclasses.field(default_factory=list)

    def walk(self, depth: int = 0) -> Iterator[tuple[int, Derivation]]:
        """Yield the tree from the top, each with its depth."""
        yield depth, self
        for child in self.children:
            yield from child.walk(depth + 1)


class Provenance:
    """Derives numbers of one run."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.steps = Steps(run)
        self.make = LineMaker(run, self.steps)

    def derive(self, target: Target, depth: int | None = None, full: bool = False) -> Derivation:
        """Return the derivation of a number.

        Parameters
        ----------
        depth
            How many levels below the number itself; None for as many as fit a screen.
        full
            Down to what was given, whatever the size.
        """
        most = MOST_DERIVATIONS if full or depth is not None else A_SCREEN
        root = self._node(target)
        seen: set[Target | Ref] = {target}
        queue = deque([(root, 0)])
        derived = 1
        while queue:
            node, level = queue.popleft()
            if node.line is None or (depth is not None and level >= depth and not full):
                node.status = "cut" if node.line is not None and self._uses(node) else node.status
                continue
            for used in self._uses(node):
                again = used in seen
                if not again and derived >= most:
                    node.children.append(self._node(used, "cut"))
                    continue
                child = self._node(used, "again" if again else "derived")
                node.children.append(child)
                if not again:
                    seen.add(used)
                    derived += child.line is not None
                    queue.append((child, level + 1))
        return root

    def _node(self, target: Target | Ref, status: Status = "derived") -> Derivation:
        if isinstance(target, Ref):
            return self._aside(target, status)
        name = self.name(target)
        value = float(self.array(target)[target.index])
        if not target.gradient and target.value_id not in self.run.trace.producer:
            return Derivation(target, name, value, None, "given")
        if self.run.trace.values[target.value_id].kind == "noise" and not target.gradient:
            return Derivation(target, name, value, None, "given")
        if status in ("again", "cut"):
            return Derivation(target, name, value, None, status)
        line = if_explained(lambda: self._line(target))
        return Derivation(target, name, value, line, "not explained" if line is None else status)

    def _aside(self, ref: Ref, status: Status) -> Derivation:
        """Return the derivation of a number that the run has no value for."""
        line = None if status in ("again", "cut") else self.make.aside(ref)
        return Derivation(ref, ref.name, float(ref.value), line, status)

    def _line(self, target: Target) -> Worked:
        if target.gradient:
            return self.make.gradient_line(target.value_id, target.index, target.term)
        return self.make.value_line(target.value_id, target.index)

    def _uses(self, node: Derivation) -> list[Target | Ref]:
        """Return what a line used, of a long sum what its largest terms used."""
        assert node.line is not None, "only asked of derived numbers"
        term = node.target.term if isinstance(node.target, Target) else None
        used: list[Target | Ref] = []
        for ref in references(shortened(node.line.expression)):
            target = ref if ref.made is not None else self.locate(ref, term)
            if target is not None:
                used.append(target)
        places = (self.locate(ref) for ref in node.line.chosen_by)
        used += [place for place in places if place is not None and place not in used]
        return used

    def locate(self, ref: Ref, term: str | None = None) -> Target | None:
        """Return the number that a reference stands for; None for a rest of a sum."""
        name = ref.name.split("/∂", 1)[1] if ref.role == "gradient" else ref.name
        value = self.run.trace.by_name.get(name)
        if value is None or ref.index is None:
            return None
        index = self.steps.full_index(value.id, ref.index)
        gradient = ref.role == "gradient"
        return Target(value.id, index, gradient, term if gradient else None)

    def name(self, target: Target) -> str:
        """Write a target as a page does: `z[0]`, `∂loss/∂fc1.weight[0,1]`."""
        where = self.steps.label(target.value_id, target.index)
        if not target.gradient:
            return f"{self.run.trace.values[target.value_id].name}{where}"
        return f"{gradient_name(self.run, target.value_id, target.term)}{where}"

    def array(self, target: Target) -> Array:
        """Return the tensor that a target is an element of."""
        arrays = self.run.gradients_of(target.term) if target.gradient else self.run.values
        return arrays[target.value_id]

    def target(
        self, name: str, gradient: bool, index: Index | None, term: str | None = None
    ) -> Target:
        """Return the number that a name and an index stand for; without an index, the largest."""
        value_id = self.run.value(name).id
        if index is None:
            array = self.array(Target(value_id, (), gradient, term))
            flat = int(np.argmax(np.abs(array)))
            index = tuple(int(i) for i in np.unravel_index(flat, array.shape))
        return Target(value_id, index, gradient, term)


def shortened(expression: Expression, most: int = MOST_TERMS) -> Expression:
    """Replace the small terms of each long sum by one reference that holds their sum.

    The largest terms stay, in their order, so that the line still adds up.
    """
    match expression:
        case Add(terms) if len(terms) > most:
            values = [evaluate(term) for term in terms]
            largest = sorted(range(len(terms)), key=lambda i: -abs(values[i]))[:SHOWN_TERMS]
            kept = tuple(shortened(terms[i], most) for i in sorted(largest))
            rest = sum(value for i, value in enumerate(values) if i not in set(largest))
            words = f"({len(terms) - SHOWN_TERMS:,} smaller terms)"
            return Add((*kept, Rest(words, value=rest, count=len(terms) - SHOWN_TERMS)))
        case Apply(function, numbers) if function in PLACES and len(numbers) > most:
            sign = 1.0 if function == "argmin" else -1.0
            values = [sign * evaluate(each) for each in numbers]
            nearest = sorted(range(len(numbers)), key=lambda i: values[i])[:SHOWN_TERMS]
            kept = tuple(numbers[i] for i in sorted(nearest))
            beyond = "larger" if function == "argmin" else "smaller"
            left = len(numbers) - SHOWN_TERMS
            return Apply(function, (*kept, Rest(f"({left:,} {beyond} numbers)", count=left)))
        case Pow(base, exponent):
            return Pow(shortened(base, most), exponent)
        case _:
            return rebuilt(expression, lambda part: shortened(part, most))
