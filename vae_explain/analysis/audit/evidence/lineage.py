"""What the recorded graph says by itself: what each value was made from, and which are one.

No variable's name decides anything here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

import numpy as np

from ....engine.formulas import Steps
from ....engine.forward_pass import operand_arrays
from ....engine.graph import BoundOperation, Graph
from ....engine.run import Run
from ....ops.binding import NotExplained
from ....symbolic.text import to_text
from ....trace import Slot

BY_CLASS = frozenset({"cross_entropy", "nll_loss"})  # a whole number stands for one of a row
CLAMPS = frozenset({"clamp", "clamp_min", "clamp_max"})
LONGEST_FORMULA = 34  # so that it fits into a page of 40 columns

LEARNED, INPUT, DRAWN, CONSTANT = 1, 2, 4, 8


Copied = Literal["once", "repeated", "in part", ""]
FIRST_PLACE = 2.0**40  # beyond any number that an operation may put between those it copies


def is_elementwise(bound: BoundOperation) -> bool:
    """Whether each element of the output is computed from one element of each operand."""
    return bound.kind == "elementwise"


class Lineage:
    """A run's graph with, for each value, what kinds of things it was made from."""

    def __init__(self, run: Run, drawn_elsewhere: frozenset[int] = frozenset()) -> None:
        self.run = run
        self.drawn_elsewhere = drawn_elsewhere
        self.graph: Graph = run.graph
        self.trace = run.trace
        self.values = run.values
        self.strays = self._strays()
        self.flags = self._flags()
        self._ancestors: dict[int, frozenset[int]] = {}
        self._copied: dict[int, Copied] = {}
        self._twins = self._same()
        self._steps = Steps(run)

    def rule(self, value_id: int) -> str:
        """Return the name of the rule of the op that made a value; empty for none."""
        bound = self.graph.producer(value_id)
        return bound.rule_name if bound else ""

    def rule_of_draw(self, value_id: int) -> str:
        """Return the name of the op that drew a value; empty for what is none."""
        drawn = self.trace.values[value_id].kind == "noise" and value_id in self.trace.producer
        return self.trace.operations[self.trace.producer[value_id]].name if drawn else ""

    def kind(self, value_id: int) -> str:
        """Return the kind of op that made a value; empty for none."""
        bound = self.graph.producer(value_id)
        return bound.kind if bound else ""

    def from_layer(self, value_id: int) -> bool:
        """Whether a value is what a layer gives out, so that nothing bounds it."""
        layered = self.kind(value_id) in ("contraction", "normalization")
        return layered or self.rule(value_id) == "embedding"

    def copied(self, bound: BoundOperation) -> Copied:
        """Say how an operation copies its one operand; empty where it does anything else."""
        if bound.output not in self._copied:
            self._copied[bound.output] = self._copied_by(bound) if bound.kind == "copy" else ""
        return self._copied[bound.output]

    def copies(self, bound: BoundOperation) -> bool:
        """Whether an operation gives every element of its operand another place, or several."""
        return self.copied(bound) in ("once", "repeated")

    def is_arithmetic(self, bound: BoundOperation) -> bool:
        """Whether an operation computes element by element, once shapes are left out."""
        return is_elementwise(bound) or self.copies(bound)

    def walk(self, start: int, behind: Callable[[int], Iterable[int]]) -> Iterator[int]:
        """Yield a value and those that `behind` leads to from it, each once."""
        seen: set[int] = set()
        stack = [start]
        while stack:
            current = stack.pop()
            if current not in seen:
                seen.add(current)
                yield current
                stack += behind(current)

    def ancestors(self, value_id: int) -> frozenset[int]:
        """Return a value and all that it was made from, the moments of its draws too."""
        if value_id not in self._ancestors:
            self._ancestors[value_id] = frozenset(self.walk(value_id, self.made_from))
        return self._ancestors[value_id]

    def learned(self, value_id: int) -> bool:
        """Whether a parameter that is trained goes into a value."""
        return bool(self.flags[value_id] & LEARNED)

    def from_input(self, value_id: int) -> bool:
        """Whether an input goes into a value."""
        return bool(self.flags[value_id] & INPUT)

    def is_draw(self, value_id: int) -> bool:
        """Whether a value was drawn, by PyTorch or elsewhere."""
        return self.trace.values[value_id].kind == "noise" or value_id in self.drawn_elsewhere

    def fixed(self, value_id: int) -> bool:
        """Whether a value is a constant, or made from such alone."""
        return not self.flags[value_id] & ~CONSTANT

    def varies(self, value_id: int) -> bool:
        """Whether anything but constants goes into a value."""
        return not self.fixed(value_id)

    def twins(self, value_id: int) -> tuple[int, ...]:
        """Return all values that the same calls made from the same values."""
        return self._twins.get(value_id, (value_id,))

    def made_from(self, value_id: int) -> list[int]:
        """Return the values that one was computed from, or the moments that it was drawn from."""
        bound = self.graph.producer(value_id)
        return [] if bound is None else [*self.operands(bound), *bound.operation.drawn_from]

    def operands(self, bound: BoundOperation) -> list[int]:
        """Return the values that an operation computes with, each once."""
        if bound.rule is None:
            return list(dict.fromkeys(bound.operation.inputs))
        if bound.rule_name == "broadcast_tensors":
            return [bound.sources[bound.attributes["output"]]]  # each for itself
        if bound.rule_name in ("expand_as", "view_as"):
            return [bound.sources[0]]  # of the other, only the shape
        return list(dict.fromkeys(bound.sources.values()))

    def users(self, value_id: int) -> list[int]:
        """Return what operations made of a value."""
        return [bound.output for bound in self.graph.consumers(value_id)]

    def named(self, value_id: int) -> bool:
        """Whether a value has a name of the user's: a term that has none goes by its op."""
        name = self.trace.values[value_id].name
        own_name = self.graph.op_name(value_id)
        return name is not None and (not own_name or re.sub(r"_\d+$", "", name) != own_name)

    def name(self, value_id: int) -> str:
        """Return what a value is called: by its name, by its formula, or by its op."""
        if self.named(value_id):
            return self.trace.values[value_id].name or ""
        written = self.formula(value_id)
        return written if len(written) <= LONGEST_FORMULA else f"a {self.rule(value_id)}"

    def formula(self, value_id: int) -> str:
        """Return how a value is made over named ones, as text; its op where that is unknown."""
        bound = self.graph.producer(value_id)
        if bound is None:
            return self.trace.values[value_id].name or "a constant"
        try:
            return to_text(self._steps.formula(value_id))
        except NotExplained:
            return f"a {bound.operation.name}"

    def walk_back(
        self,
        value_id: int,
        through: Callable[[BoundOperation], bool],
        along: Callable[[int], bool] | None = None,
    ) -> list[int]:
        """Follow one operand back as long as the ops are of a kind.

        Parameters
        ----------
        along
            What the operand has to be, as the only one of its op; learned when None.

        Returns
        -------
        list of int
            The values on the way, the given one first; the last is made by another kind
            of op, or from several such operands.
        """
        way, followed = [value_id], along or self.learned
        while True:
            bound = self.graph.producer(way[-1])
            if bound is None or not through(bound):
                return way
            sources = [i for i in self.operands(bound) if followed(i)]
            if len(sources) != 1:
                return way
            way.append(sources[0])

    def heads(self, value_id: int, stops: Iterable[int] = ()) -> frozenset[int]:
        """Return the learned values made by layers that a value is an expression of."""
        ends = set(stops)

        def is_head(current: int) -> bool:
            bound = self.graph.producer(current)
            inside = bound and (self.is_arithmetic(bound) or bound.kind == "reduction")
            return current in ends or not inside

        def behind(current: int) -> list[int]:
            inside = [] if is_head(current) else self.made_from(current)
            return [source for source in inside if self.learned(source)]

        reached = self.walk(value_id, behind) if self.learned(value_id) else ()
        return frozenset(self.twins(current)[0] for current in reached if is_head(current))

    def _copied_by(self, bound: BoundOperation) -> Copied:
        """Run a copying operation on the places of its operand's elements."""
        assert bound.rule is not None, "an op of a kind has a rule"
        real = [n for n in self.operands(bound) if np.issubdtype(self.values[n].dtype, np.floating)]
        if not real:
            return ""
        first = self.values[real[0]]
        arrays = {value_id: self.values[value_id] for value_id in bound.sources.values()}
        arrays |= {value_id: np.zeros(self.values[value_id].shape) for value_id in real}
        arrays[real[0]] = FIRST_PLACE + np.arange(first.size).reshape(first.shape)
        places = np.asarray(bound.rule.forward(*operand_arrays(bound, arrays), **bound.attributes))
        if not (places >= FIRST_PLACE).all():
            return ""
        if np.unique(places).size < first.size:
            return "in part"
        return "once" if places.size == first.size else "repeated"

    def _strays(self) -> frozenset[int]:
        """Return what gets a gradient, is no parameter of the model, and starts a way to the loss.

        These are weights of layers that the model does not know of.
        """
        strays: set[int] = set()
        fed: set[int] = set()  # what an input goes into
        for value in self.trace.values:
            sources = self.made_from(value.id)
            if value.kind == "input" or not fed.isdisjoint(sources):
                fed.add(value.id)
            elif value.kind != "parameter" and value.id in self.trace.gradients:
                strays.update({value.id} if self.trace.gradients.keys().isdisjoint(sources) else ())
        return frozenset(strays)

    def _flags(self) -> dict[int, int]:
        flags: dict[int, int] = {}
        inputs = {value.shape for value in self.trace.inputs}
        # Given numbers first: what a parameter was before a write is known behind its use.
        given_first = sorted(self.trace.values, key=lambda v: self.graph.producer(v.id) is not None)
        for value in given_first:
            if value.id in self.strays:
                flags[value.id] = LEARNED
            elif value.id in self.drawn_elsewhere:
                flags[value.id] = DRAWN
            elif self.graph.producer(value.id) is not None:
                flags[value.id] = DRAWN if value.kind == "noise" else 0
                # Pixels as the shares of ones: a binarized input, whose moments are not kept.
                if self.rule_of_draw(value.id) == "bernoulli" and value.shape in inputs:
                    flags[value.id] |= INPUT
                for value_id in self.made_from(value.id):
                    flags[value.id] |= flags[value_id]
            elif value.kind == "parameter":
                flags[value.id] = CONSTANT if value.id in self.trace.frozen else LEARNED
            elif value.kind in ("input", "noise"):
                flags[value.id] = INPUT if value.kind == "input" else DRAWN
            else:
                flags[value.id] = CONSTANT
        return flags

    def _same(self) -> dict[int, tuple[int, ...]]:
        first: dict[int, int] = {}
        by_call: dict[str, tuple[int, ...]] = {}
        groups: dict[int, list[int]] = {}
        for operation in self.trace.operations:
            if not operation.inputs or operation.drawn_from:
                continue
            call = f"{operation.name} {_written(operation.args, first)} " + " ".join(
                f"{key}={_written(value, first)}" for key, value in operation.kwargs.items()
            )
            originals = by_call.setdefault(call, operation.outputs)
            for original, value_id in zip(originals, operation.outputs, strict=False):
                first[value_id] = original
                groups.setdefault(original, []).append(value_id)
        return {n: tuple(group) for group in groups.values() if len(group) > 1 for n in group}


def _written(argument: object, first: dict[int, int]) -> str:
    """Write an argument so that the same ones read the same."""
    if isinstance(argument, Slot):
        return f"#{first.get(argument.id, argument.id)}"
    if isinstance(argument, tuple | list):
        return f"({','.join(_written(part, first) for part in argument)})"
    return repr(argument)
