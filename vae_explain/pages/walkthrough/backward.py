"""The backward page: the chain rule from the loss to every parameter, or down to one.

Each section is one value: what arrives at it, worked from the gradients ahead; how that
splits into the terms of the loss; and the gradients of the parameters that made it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from ...engine.formulas import gradient_name
from ...engine.index_ranges import Source
from ...engine.provenance import Provenance, Target
from ...engine.run import Run
from ...engine.value_formulas import if_explained
from ...engine.worked_lines import Worked
from ...ops import NotExplained
from ...symbolic.expression import references, terms_of
from ...symbolic.text import index_text
from ..blocks import (
    Adds,
    Cell,
    Column,
    Formula,
    Lines,
    Matrix,
    Note,
    Prose,
    Statement,
    Summary,
    Table,
    Walkthrough,
)
from ..checks import Checks
from ..phrases import NOTHING_PASSES, closed_gates
from .answer import answer
from .captions import Captions
from .draft import checked
from .floors import floor_notes
from .functions import FunctionNotes
from .other_arithmetic import all_beside
from .page import MOST_DETAILED, RunPage, passed_on
from .repeated import ask_for_others, left_out, same_as
from .shares import TermShares

MOST_BESIDE = 8  # numbers of a tensor that are said in the other arithmetic
MOST_IN_ALL = 64  # as many, in a document
NOTHING_LEARNS = "The loss depends on nothing that is trained, so nothing has a gradient."


def backward(
    run: Run,
    only: Sequence[str] = (),
    term: str | None = None,
    latex: bool = False,
    other: Run | None = None,
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
    other
        The same run in the other arithmetic, whose numbers are said where their digits differ.
    """
    page = BackwardPage(run, only, term, latex)
    page.blocks[:0] = page.answers(other)
    page.add(*([] if only else ask_for_others(run, page.like, "backward")))
    return page.finish("backward", (f"term: {term} alone",) if term else (), not (only or term))


class BackwardPage(RunPage):
    """The chain rule, a section for each value from the loss back to the input; no footer yet.

    Parameters
    ----------
    only, term, latex
        As in `backward`.
    like
        See `repeated.py`: the values that are left out; found among those of the page by default.
    """

    def __init__(
        self,
        run: Run,
        only: Sequence[str] = (),
        term: str | None = None,
        latex: bool = False,
        like: Mapping[int, int] | None = None,
    ) -> None:
        super().__init__(run, only, latex)
        self.term = term
        self.captions = Captions(run)
        self.gradients = run.gradients_of(term)
        self.on_the_way = self._on_the_way()
        self.shares = TermShares(self.steps, term)
        self.function_notes = FunctionNotes()
        # Of what is ready the value made first comes first: mu before logvar, the decoder together.
        finite = {n for n in self.on_the_way if np.isfinite(self.gradients[n]).all()}
        self.on_the_way &= finite  # of a run that is not finite, what is and leads to it
        self.like = self._like() if like is None else like
        named = [value_id for value_id in self.steps.named() if value_id in self.on_the_way]
        self.order = list(run.graph.backward_order(named))
        # A parameter that several values were made with has its gradient once all have theirs.
        self._last_made = {
            p: value_id for value_id in self.order for p in self._parameters_of(value_id)
        }
        sections = ([*self._section_of(n), *self._shown_behind(n)] for n in self.order)
        self.shares.follow([section for section in sections if section])
        self.start()
        for value_id in self.order:
            self.value(value_id)

    # --- order ---

    def _on_the_way(self) -> set[int]:
        """Return what the chain to the targets passes: all that they lead to."""
        if not self.targets:
            return set(self.gradients)
        graph = self.run.graph
        return {value_id for value_id in self.gradients if graph.depends(value_id, self.targets)}

    def _like(self) -> dict[int, int]:
        """Return which values are as one that is shown; what is asked for is shown itself."""
        like = left_out(self.run, self.on_the_way)
        return {each: first for each, first in like.items() if each not in self.targets}

    def _section_of(self, value_id: int) -> list[int]:
        """Return the value if it has a section of its own, which a constant gradient has not."""
        return [] if self._is_constant(value_id) else [value_id]

    def _shown_behind(self, value_id: int) -> list[int]:
        """Return the parameters whose gradients stand behind a value: the last that they made."""
        return [p for p in self._parameters_of(value_id) if self._last_made[p] == value_id]

    def _parameters_of(self, value_id: int) -> list[int]:
        """Return the parameters that were used in making a value, as far as wanted."""
        values = self.run.trace.values
        inputs = self.steps.inputs(value_id)
        return [i for i in inputs if values[i].kind == "parameter" and i in self.on_the_way]

    def _is_constant(self, value_id: int) -> bool:
        """Whether the gradient at a value is a constant, as at a term of a sum."""
        steps, term = self.steps, self.term
        reached = value_id in self.gradients
        return reached and if_explained(lambda: steps.constant_gradient(value_id, term)) is not None

    # --- sections ---

    def d(self, value_id: int) -> str:
        return gradient_name(self.run, value_id, self.term)

    def answers(self, other: Run | None) -> list[Statement]:
        """Say of each target what its largest gradient is and where that comes from.

        Parameters
        ----------
        other
            See `backward`.
        """
        view, said = Provenance(self.run), []
        for value_id in sorted(self.targets & self.gradients.keys()):
            if not self.gradients[value_id].size:
                continue
            name = self.run.trace.values[value_id].name or ""
            target = view.target(name, True, None, self.term)
            make = partial(answer, view, target, self.shares)
            statement = if_explained(make)
            if statement is not None:
                lead = f"The largest number of {self.d(value_id)} is {self._at(target)}: "
                claims = tuple(c._replace(result=c.result + 1) for c in statement.claims)
                said.append(Statement((lead, *statement.parts), claims))
            said += all_beside(self.run, other, [(self.d(value_id), target)], MOST_BESIDE)
        return said

    def in_the_other_arithmetic(self, other: Run | None) -> list[Statement]:
        """Say all gradients of parameters that have other digits there."""
        learned = [v.id for v in self.run.trace.parameters if v.id in self.gradients]
        targets = [(self.d(n), Target(n, (), True, self.term)) for n in learned]
        return all_beside(self.run, other, targets, MOST_IN_ALL)

    def _at(self, target: Target) -> str:
        return self.steps.label(target.value_id, target.index) or "its only one"

    def start(self) -> None:
        """Show the gradients that are constants: what each term enters the loss with."""
        if not self.gradients:
            self.open("No gradients")
            self.add(Prose(NOTHING_LEARNS))
            return
        lines, of = [], []
        for value_id in self.steps.named():
            if value_id in self.on_the_way and self._is_constant(value_id):
                line = self.make.gradient_line(value_id, self.indices(value_id, 1)[0], self.term)
                lines.append(line._replace(label=self.d(value_id)))
                of.append(Source(value_id, True, self.term))
        self.open("Start at the loss")
        terms = self.run.trace.terms
        if terms and self.term is None:
            sum_of = " and ".join(term.name for term in terms)
            self.add(
                Prose(
                    f"The loss adds up {sum_of}, so its gradient at each of them is a constant; "
                    "from here the chain rule goes back step by step.",
                    level="standard",
                )
            )
        loss_first = (*lines[-1:], *lines[:-1])
        recipe = {"kind": "constants", "of": [*of[-1:], *of[:-1]], "shares": self.shares.recipe()}
        block = Lines("", loss_first, "", "input", recipe=recipe)
        self.add(block, checked(lines, "line", "autograd's"))

    def value(self, value_id: int) -> None:
        """Open the section of a value and show its gradient, and its parameters' behind it."""
        if value_id not in self.like and not self._is_constant(value_id):
            shape = list(self.run.trace.values[value_id].shape)
            self.open(self.d(value_id), f"{shape}{self._arrives_from(value_id)}")
            words = self.captions.backward(value_id) if self.term is None else ""
            if words:
                self.add(Prose(words, level="standard"))
            if self.formula(value_id):
                if self._meets_a_gate(value_id):
                    self.gated(value_id)
                else:
                    self.arriving(value_id)
            self.add(*same_as(self.run, self.like, value_id))
        for parameter in self._shown_behind(value_id):  # also of what the loss is made from
            if parameter in self.like:
                continue
            if value_id in self.like:  # which has no section of its own
                self.open(self.d(parameter))
            self.parameter(parameter, value_id)
            self.add(*same_as(self.run, self.like, parameter))

    def formula(self, value_id: int, remark: str = "") -> bool:
        """Show the formula of a gradient, or why there is none; return whether there is."""
        try:
            formula = self.steps.gradient(value_id, None, self.term)
        except NotExplained as reason:
            words = f"not explained ({reason}); these are autograd's numbers."
            self.add(Note(words, "warning"), self.gradient_matrix(value_id, self.d(value_id)))
            return False
        remarks = filter(None, (remark, self.function_notes.remark(formula)))
        self.add(Formula(self.d(value_id), formula, " · ".join(remarks), accent=True))
        return True

    def _arrives_from(self, value_id: int) -> str:
        parts = if_explained(lambda: self.steps.contributions(value_id, None, self.term)) or ()
        through = list(dict.fromkeys(self.name(part.through) for part in parts))
        return f", arrives from {' and '.join(through)}" if through else ""

    def _meets_a_gate(self, value_id: int) -> bool:
        after = self.activation_of(value_id)
        only_use = len(self.run.graph.consumers(value_id)) == 1
        return after is not None and self.is_gated(after) and only_use

    def gradient_matrix(self, value_id: int, name: str) -> Matrix | Summary:
        return self.gradient_block(value_id, name, self.gradients[value_id], self.term)

    def worked(
        self,
        value_id: int,
        lines: Sequence[Worked],
        shown_by: Mapping[str, object],
        quiet: bool = False,
    ) -> Lines:
        """Return the block of the lines that work out a gradient, element by element."""
        name, omitted = self.d(value_id), self.omitted(value_id, lines)
        recipe = {"kind": "lines", **shown_by}
        return self.lines(name, lines, "element", "gradient", omitted, quiet, recipe)

    def source(self, value_id: int) -> Source:
        return Source(value_id, True, self.term)

    def arriving(self, value_id: int) -> None:
        """Work out each element of what arrives, and which term it came from."""
        gradient, detailed = self.gradients[value_id], value_id in self.targets
        most = MOST_DETAILED if detailed else self.most_lines
        shown = self.chosen(value_id, gradient, most, detailed)
        lines = self.make.gradient_lines(value_id, shown, self.term)
        moved = not detailed and passed_on(lines)
        if moved or self.omitted(value_id, lines):
            self.add(self.gradient_matrix(value_id, self.d(value_id)))
        noun, made = "element" if moved else "line", self.source(value_id)
        by = self.shown_by(made, shown, made)
        block = self.worked(value_id, lines, by, quiet=moved)
        self.work_out(block, lines, noun, "autograd's", heads=self.heads(lines))
        self.add(*floor_notes(self.run, lines))
        self.add_parts({"table": True, **by}, *self.shares.table(value_id, shown))

    def heads(self, lines: Sequence[Worked]) -> tuple[str, ...]:
        """Return what stands above each product of some sums: by which unit it comes.

        Nothing where the sums do not come by the same units, as those of a convolution.
        """
        ways = {
            tuple(
                next((r.index or () for r in references(term) if r.role == "gradient"), None)
                for term in terms_of(line.expression)
            )
            for line in lines
        }
        if len(ways) != 1:
            return ()
        (way,) = ways
        return tuple("own" if i is None else f"by unit {index_text(i).strip('[]')}" for i in way)

    def gated(self, value_id: int) -> None:
        """Show what passes a ReLU: arrives times gate, with the split beside it."""
        after = self.activation_of(value_id)
        assert after is not None, "only called behind _meets_a_gate"
        upstream, values = self.gradients[after], self.run.values[value_id]
        detailed = value_id in self.targets
        most = MOST_DETAILED if detailed else self.most_lines
        # Where most arrives, so that closed gates are seen too.
        shown = self.chosen(value_id, upstream, most, detailed)
        lines = self.make.gradient_lines(value_id, shown, self.term)
        omitted = self.omitted(value_id, lines)
        if omitted:
            self.add(self.gradient_matrix(value_id, self.d(value_id)))
        shares, only_from = self.shares.sending(value_id)
        columns = (
            Column("unit", "label"),
            Column("arrives", "gradient", "gradient"),
            Column("gate", "value", "input"),
            Column("δ = arrives × gate", "gradient", "gradient", accent=True),
            *self.shares.columns(shares),
        )
        closed = [not values[index] > 0 for index in shown]
        rows: list[tuple[Cell, ...]] = []
        for index, is_closed in zip(shown, closed, strict=True):
            passed = self.shares.parts(float(self.gradients[value_id][index]), shares, index)
            label, gate = self.row_label(value_id, index), float(not is_closed)
            rows.append((label, float(upstream[index]), gate, *passed))
        reasons = map(_reason, lines, closed)
        by = self.shown_by(self.source(value_id), shown, self.source(after))
        arriving = {"arriving": self.source(after), "gate": Source(value_id)}
        recipe = {"kind": "gated", **by, **arriving}
        adds = Adds(3, tuple(range(4, len(columns)))) if shares else None
        table = Table(columns, tuple(rows), tuple(closed), tuple(reasons), lines, adds, recipe)
        self.add(table)
        self.left_out(omitted, "row")
        units = [str(row[0]) for row, is_closed in zip(rows, closed, strict=True) if is_closed]
        tail = closed_gates(NOTHING_PASSES, units, len(rows))
        before = Source(value_id)  # a gate is closed where it is not above 0
        gates = {"words": NOTHING_PASSES, "of": before, "above": True, "lines": by}
        self.add(checked(lines, "product", "autograd's", tail, gates))
        notes = [Note(only_from)] if only_from else []
        notes += self.shares.cancelling(value_id, shown)
        self.add_parts({"table": False, "only": True, **by}, *notes)

    # --- parameters ---

    def parameter(self, value_id: int, made: int) -> None:
        """Show a parameter's gradient, behind a value that it made."""
        if not self.formula(value_id, self._parameter_remark(value_id, made)):
            return
        gradient, detailed = self.gradients[value_id], value_id in self.targets
        self.add(self.gradient_matrix(value_id, f"{self.name(value_id)}.grad"))
        shown = self.chosen(value_id, gradient, self.most_worked, detailed)
        lines = self.make.gradient_lines(value_id, shown, self.term)
        by = self.shown_by(self.source(value_id), shown, self.source(value_id))
        block = self.worked(value_id, lines, by, quiet=not detailed)
        self.work_out(block, lines, "element", "autograd's")
        if detailed:
            self.add_parts({"table": True, **by}, *self.shares.table(value_id, shown))
        else:
            parts = {"parameter": self.source(made), **by}
            self.add_parts(parts, *self.shares.of_parameter(value_id, made))

    def _parameter_remark(self, value_id: int, made: int) -> str:
        """Say how a linear layer's parameters get their gradient; nothing of other ops."""
        bound = self.linear_layer(made)
        if bound is None or not bound.positions(value_id):
            return ""
        rows = math.prod(self.run.trace.values[made].shape[:-1])
        summed = "" if rows == 1 else f", summed over {rows} rows"
        if len(self.run.trace.values[value_id].shape) > 1:
            return f"the outer product of the output's gradient and the layer's input{summed}"
        return f"the output's gradient{summed or ', the sum over its one row'}"


def _reason(line: Worked, is_closed: bool) -> str:
    """Return the word at the end of a gate's row: what failed, or why it is zero."""
    if not line.agrees:
        return f"✗ PyTorch has {line.reference!r}"
    return "gate closed" if is_closed else ""
