"""The backward page: the chain rule from the loss to every parameter, or down to one.

Each section is one value: what arrives at it, worked from the gradients ahead; how that
splits into the terms of the loss; and the gradients of the parameters that made it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...engine.formulas import gradient_name
from ...engine.run import Run
from ...engine.worked_lines import Worked
from ...ops import NotExplained
from ...symbolic.expression import Index
from ...symbolic.text import index_text
from ..blocks import (
    Cell,
    Checks,
    Column,
    Formula,
    Heading,
    Lines,
    Note,
    Prose,
    Table,
    Walkthrough,
)
from .captions import NOTHING_LEARNS, counted
from .functions import Told
from .holding import Holding
from .page import MOST_DETAILED, MOST_LINES, Page, checked, passed_on
from .shares import TermShares


def backward(
    run: Run, only: Sequence[str] = (), term: str | None = None, latex: bool = False
) -> tuple[Walkthrough, Checks]:
    """Compose the backward page.

    Parameters
    ----------
    only
        Names of parameters or values to derive alone, with the chain that leads to each.
    term
        A loss term to derive alone; the whole loss when None.
    latex
        Add each line's LaTeX.
    """
    page = compose(run, only, term, latex)
    return page.finish("backward", (f"term: {term} alone",) if term else ())


def compose(
    run: Run, only: Sequence[str] = (), term: str | None = None, latex: bool = False
) -> BackwardPage:
    """Return the page before its footer, for one that is part of a document."""
    page = BackwardPage(run, [run.value(name).id for name in only], term, latex)
    page.start()
    for number in page.order:
        page.value(number)
    return page


class BackwardPage(Page):
    """The chain rule, a section for each value from the loss back to the input."""

    def __init__(self, run: Run, targets: Sequence[int], term: str | None, latex: bool) -> None:
        super().__init__(run)
        self.targets = set(targets)
        self.term = term
        self.latex = latex
        self.captions = Holding(run)
        self.gradients = run.gradients_of(term)
        self.on_the_way = self._on_the_way()
        self.shares = TermShares(self.steps, term)
        self.told = Told()
        # Of what is ready the value made first comes first: mu before logvar, the decoder together.
        named = [number for number in self.steps.named() if number in self.on_the_way]
        self.order = list(run.graph.backward_order(named))
        # A parameter that several values were made with has its gradient once all have theirs.
        self._last_made = {p: number for number in self.order for p in self._parameters_of(number)}
        sections = ([*self._section_of(n), *self._shown_behind(n)] for n in self.order)
        self.shares.follow([section for section in sections if section])

    # --- order ---

    def _on_the_way(self) -> set[int]:
        """Return what the chain to the targets passes: all that they lead to."""
        if not self.targets:
            return set(self.gradients)
        graph = self.run.graph
        return {number for number in self.gradients if graph.depends(number, self.targets)}

    # --- sections ---

    def d(self, number: int) -> str:
        return gradient_name(self.run, number, self.term)

    def open(self, title: str, detail: str = "") -> None:
        self.sections += 1
        self.add(Heading(self.sections, title, detail))

    def start(self) -> None:
        """Show the gradients that are constants: what each term enters the loss with."""
        if not self.gradients:
            self.open("No gradients")
            self.add(Prose(NOTHING_LEARNS))
            return
        lines = []
        for number in self.steps.named():
            if number in self.on_the_way and self._constant(number):
                line = self.make.gradient_line(number, self.indices(number, 1)[0], self.term)
                lines.append(line._replace(label=self.d(number)))
        self.open("Start at the loss")
        terms = self.run.trace.terms
        if terms and self.term is None:
            sum_of = " and ".join(term.name for term in terms)
            self.add(
                Prose(
                    f"The loss adds up {sum_of}, so its gradient at each of them is a constant; "
                    "from here the chain rule goes back step by step."
                )
            )
        self.add(
            Lines("", (*lines[-1:], *lines[:-1]), "", "input"),
            checked(lines, "line", "autograd's"),
        )

    def _constant(self, number: int) -> bool:
        if number not in self.gradients:
            return False
        try:
            return self.steps.constant_gradient(number, self.term) is not None
        except NotExplained:
            return False

    def value(self, number: int) -> None:
        if self._constant(number):
            self.parameters(number)  # those that the loss itself is made from
            return
        shape = list(self.run.trace.values[number].shape)
        self.open(self.d(number), f"{shape}{self._arrives_from(number)}")
        words = self.captions.backward(number) if self.term is None else ""
        if words:
            self.add(Prose(words))
        try:
            formula = self.steps.gradient(number, None, self.term)
        except NotExplained as reason:
            self._unexplained(number, reason)
        else:
            self.add(Formula(self.d(number), formula, self.told.remark(formula), accent=True))
            if self._is_gated(number):
                self.gated(number)
            else:
                self.arriving(number)
        self.parameters(number)

    def _unexplained(self, number: int, reason: NotExplained) -> None:
        self.add(
            Note(f"not explained ({reason}); these are autograd's numbers.", "warning"),
            self.gradient_block(number, self.d(number), self.gradients[number]),
        )

    def _arrives_from(self, number: int) -> str:
        parts = self.steps.contributions(number, None, self.term) if self._explained(number) else []
        through = list(dict.fromkeys(self.name(part.through) for part in parts))
        return f", arrives from {' and '.join(through)}" if through else ""

    def _explained(self, number: int) -> bool:
        try:
            self.steps.contributions(number, None, self.term)
        except NotExplained:
            return False
        return True

    def _is_gated(self, number: int) -> bool:
        after = self.activation_of(number)
        return (
            after is not None
            and self.rule_name(after) == "relu"
            and len(self.run.graph.consumers(number)) == 1
        )

    def most(self, number: int) -> int:
        return MOST_DETAILED if number in self.targets else MOST_LINES

    def worked(self, number: int, lines: Sequence[Worked], quiet: bool = False) -> Lines:
        """Return the block of the lines that work out a gradient, element by element."""
        return Lines(
            name=self.d(number),
            lines=self.fitted(lines),
            head="element",
            places="gradient",
            omitted=self.omitted(number, lines),
            latex=self.latex,
            quiet=quiet,
        )

    def arriving(self, number: int) -> None:
        """Work out each element of what arrives, and which term it came from."""
        gradient = self.gradients[number]
        shown = self.chosen(number, gradient, self.most(number), number in self.targets)
        lines = self.make.gradient_lines(number, shown, self.term)
        moved = number not in self.targets and passed_on(lines)
        if moved or self.omitted(number, lines):
            self.add(self.gradient_block(number, self.d(number), gradient))
        noun = "element" if moved else "line"
        worked = self.worked(number, lines, quiet=moved)
        self.add(worked)
        if not moved:
            self.add(*self.cut(lines, worked.lines))
        self.add(checked(lines, noun, "autograd's"))
        self.split(number, shown)

    def gated(self, number: int) -> None:
        """Show what passes a ReLU: arrives times gate, with the split beside it."""
        after = self.activation_of(number)
        assert after is not None, "only called behind _is_gated"
        upstream, values = self.gradients[after], self.run.values[number]
        # Where most arrives, so that closed gates are seen too.
        shown = self.chosen(number, upstream, self.most(number), number in self.targets)
        lines = self.make.gradient_lines(number, shown, self.term)
        if self.omitted(number, lines):
            self.add(self.gradient_block(number, self.d(number), self.gradients[number]))
        columns = [
            Column("unit", "label"),
            Column("arrives", "gradient", "gradient"),
            Column("gate", "value", "input"),
            Column("δ = arrives × gate", "gradient", "gradient", accent=True),
        ]
        shares, only_from = self.shares.sending(number)
        columns += [Column(f"from {share.word}", share.role, "gradient") for share in shares]
        open_gates = [bool(values[index] > 0) for index in shown]
        rows: list[tuple[Cell, ...]] = []
        for index, is_open in zip(shown, open_gates, strict=True):
            label = index_text(self.steps.shown_index(number, index)).strip("[]")
            shown_value = float(self.gradients[number][index])
            row: list[Cell] = [label, float(upstream[index]), float(is_open), shown_value]
            row += [float(share.array[index]) for share in shares]
            rows.append(tuple(row))
        self.add(
            Table(
                tuple(columns),
                tuple(rows),
                dimmed=tuple(not is_open for is_open in open_gates),
                reasons=tuple(
                    _reason(line, is_open) for line, is_open in zip(lines, open_gates, strict=True)
                ),
                worked=lines,
            )
        )
        omitted = self.omitted(number, lines)
        if omitted:
            self.add(Note(f"{counted(omitted, 'further row')} left out.", "plain"))
        closed = [row[0] for row, is_open in zip(rows, open_gates, strict=True) if not is_open]
        tail = ""
        if closed:
            verb = "gate is" if len(closed) == 1 else "gates are"
            tail = f"; units {', '.join(map(str, closed))} pass nothing: their {verb} closed"
            if len(closed) == 1:
                tail = f"; unit {closed[0]} passes nothing: its gate is closed"
        self.add(checked(lines, "product", "autograd's", tail))
        if only_from:
            self.add(Note(only_from))
        self.add(*self.shares.cancelling(number, shown))

    def split(self, number: int, shown: Sequence[Index]) -> None:
        """Show how much of each element each term of the loss sends."""
        self.add(*self.shares.table(number, shown))

    # --- parameters ---

    def parameters(self, number: int) -> None:
        """Show the parameters that made a value, each behind the last value that it made."""
        for parameter in self._shown_behind(number):
            self.parameter(parameter, number)

    def _shown_behind(self, number: int) -> list[int]:
        return [p for p in self._parameters_of(number) if self._last_made[p] == number]

    def _section_of(self, number: int) -> list[int]:
        """Return the value if it has a section of its own, which a constant gradient has not."""
        return [] if self._constant(number) else [number]

    def _parameters_of(self, number: int) -> list[int]:
        """Return the parameters that were used in making a value, as far as wanted."""
        values = self.run.trace.values
        inputs = self.steps.inputs(number)
        wanted = (i for i in inputs if values[i].kind == "parameter" and i in self.on_the_way)
        return list(wanted)

    def parameter(self, number: int, made: int) -> None:
        name = self.name(number)
        detailed = number in self.targets
        try:
            formula = self.steps.gradient(number, None, self.term)
        except NotExplained as reason:
            self._unexplained(number, reason)
            return
        told = self.told.remark(formula)
        remark = " · ".join(filter(None, (self._parameter_remark(number, made), told)))
        self.add(Formula(self.d(number), formula, remark, accent=True))
        gradient = self.gradients[number]
        self.add(self.gradient_block(number, f"{name}.grad", gradient))
        shown = self.chosen(number, gradient, MOST_DETAILED, detailed)
        lines = self.make.gradient_lines(number, shown, self.term)
        worked = self.worked(number, lines, quiet=not detailed)
        self.add(worked)
        if detailed:
            self.add(*self.cut(lines, worked.lines))
        self.add(checked(lines, "element", "autograd's"))
        if detailed:
            self.split(number, shown)
        else:
            self.add(*self.shares.cancelling(number, shown))

    def _parameter_remark(self, number: int, made: int) -> str:
        """Say how a linear layer's parameters get their gradient; nothing of other ops."""
        bound = self.run.graph.producer(made)
        if bound is None or bound.operation.name != "linear" or not bound.positions(number):
            return ""
        rows = math.prod(self.run.trace.values[made].shape[:-1])
        summed = "" if rows == 1 else f", summed over {rows} rows"
        if len(self.run.trace.values[number].shape) > 1:
            return f"the outer product of what arrives and what went in{summed}"
        return f"what arrives{summed}" if summed else "what arrives, as it is"


def _reason(line: Worked, is_open: bool) -> str:
    """Return the word at the end of a gate's row: what failed, or why it is zero."""
    if not line.agrees:
        return f"✗ PyTorch has {line.reference!r}"
    return "" if is_open else "gate closed"
