"""The forward page: from x to the loss, every step worked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ...engine.index_ranges import Source
from ...engine.run import Run
from ...engine.value_formulas import if_explained
from ...ops import NotExplained
from ...symbolic.expression import Apply, Expression, Ref
from ...trace import is_whole
from ..blocks import (
    Adds,
    Block,
    Column,
    Formula,
    Note,
    Places,
    Prose,
    Walkthrough,
)
from ..checks import Checks
from ..phrases import BLANK, GATES_CLOSED, closed_gates, counted
from .captions import Captions, drawing_words
from .draft import checked, table
from .floors import floor_notes
from .functions import FunctionNotes
from .layers import ROW_OPS, LayerPage
from .not_finite import stops_at
from .page import MOST_LINES, passed_on
from .repeated import ask_for_others, left_out, same_as
from .tensors import is_big, largest

# Of what is computed under `no_grad`, taken by `detach`, or only compared.
NOTHING_COMES_BACK = "no gradient comes back from it"


def forward(run: Run, only: Sequence[str] = (), latex: bool = False) -> tuple[Walkthrough, Checks]:
    """Compose the forward page.

    Parameters
    ----------
    only
        Names of steps to show alone and in full; all in overview when empty.
    latex
        Add each line's LaTeX.
    """
    named = {run.value(name).id for name in only}
    like = {n: first for n, first in left_out(run).items() if n not in named}
    page = ForwardPage(run, only, latex, like)
    page.add(*([] if only else ask_for_others(run, like, "forward")))
    return page.finish("forward", says=not only)


class ForwardPage(LayerPage):
    """The forward pass, a section for each value that stands by itself; its footer is to come.

    Parameters
    ----------
    only, latex
        As in `forward`.
    like
        See `repeated.py`: the values that are left out.
    """

    def __init__(
        self,
        run: Run,
        only: Sequence[str] = (),
        latex: bool = False,
        like: Mapping[int, int] | None = None,
    ) -> None:
        super().__init__(run, only, latex)
        self.like = like or {}
        self.captions = Captions(run)
        self.function_notes = FunctionNotes(repeat=self.detailed)
        self._starts: list[tuple[tuple[int, ...], int]] = []
        self._said: set[str] = set()  # titles and sentences that are written once
        self._constants: set[int] = set()  # that were shown
        self.input()
        for section in self.plan():
            if shown := [value_id for value_id in section if value_id not in self.like]:
                self.section(shown)
        self.keep()

    # --- order ---

    def plan(self) -> list[list[int]]:
        """Put steps into sections: what follows from a section alone stays in it.

        What only arranges a value anew goes to the section of that, wherever it is, as the
        queries, keys and values of an attention do in turns.
        """
        sections: list[list[int]] = []
        values = self.run.trace.values
        for value_id in self._up_to_the_first_not_finite():
            inputs = [i for i in self.steps.inputs(value_id) if i != value_id]
            current = sections[-1] if sections else []
            parameters = any(values[i].kind == "parameter" for i in inputs)
            follows = bool(inputs) and set(inputs) <= set(current)
            drawn = bool(current) and values[current[0]].kind == "noise"
            uses_draw = drawn and current[0] in inputs
            if current and not parameters and (follows or uses_draw):
                current.append(value_id)
            elif self.arranges(value_id, inputs) and (
                # Of a run that is not finite, the section of what is arranged may be left out.
                homes := [section for section in sections if inputs[0] in section]
            ):
                homes[0].append(value_id)
            else:
                sections.append([value_id])
        return sections

    def _up_to_the_first_not_finite(self) -> list[int]:
        """Return the named steps; of a run that is not finite, without what comes of the first."""
        named, last = list(self.steps.named()), stops_at(self.run)
        if last is None:
            return named
        graph = self.run.graph
        behind = [n for n in named if n != last and graph.depends(n, [last])]
        return [n for n in named if n not in behind and np.isfinite(self.run.values[n]).all()] + [
            n for n in named if n == last
        ]

    def arranges(self, value_id: int, inputs: Sequence[int]) -> bool:
        """Whether a value without a title is one other of the run, in another shape or order."""
        if len(inputs) != 1 or inputs[0] not in self.run.trace.producer:
            return False
        if self.captions.title(value_id) != self.name(value_id):
            return False
        firsts = self.indices(value_id, 1)
        is_one = if_explained(
            lambda: all(isinstance(self.steps.element(value_id, first), Ref) for first in firsts)
        )
        return bool(is_one)

    def is_asked_for(self, value_ids: Sequence[int]) -> bool:
        """Whether a section is on the page: all are, unless some steps were asked for alone."""
        return not self.targets or not self.targets.isdisjoint(value_ids)

    def keep(self) -> None:
        """Drop the sections that hold none of the steps asked for."""
        kept = [blocks for value_ids, blocks in self.parts() if self.is_asked_for(value_ids)]
        self.blocks = [block for blocks in kept for block in blocks]

    def parts(self) -> list[tuple[tuple[int, ...], list[Block]]]:
        """Return each section's blocks with the ids of the values that it explains."""
        starts = [start for _, start in self._starts] + [len(self.blocks)]
        return [
            (value_ids, self.blocks[start : starts[position + 1]])
            for position, (value_ids, start) in enumerate(self._starts)
        ]

    def open_at(self, value_ids: Sequence[int], detail: str = "") -> None:
        """Begin the section of some values, titled by the first."""
        self._starts.append((tuple(value_ids), len(self.blocks)))
        title = self.captions.title(value_ids[0])
        again = title in self._said and not detail
        self.open(title, self.name(value_ids[0]) if again else detail)
        self._said.add(title)

    # --- sections ---

    def input(self) -> None:
        for value in self.run.trace.inputs:
            if value.name:
                rows = "" if len(value.shape) < 2 else f", {counted(value.shape[0], 'row')}"
                self.open_at([value.id], f"{list(value.shape)}{rows}")
                self.add(self.value_block(value.id, "input"))

    def section(self, value_ids: Sequence[int]) -> None:
        first = value_ids[0]
        activation = self.activation_of(first)
        self.open_at(value_ids, self.layer_detail(first, activation, self.captions.title(first)))
        words = self.captions.forward(first) or self.captions.weights(first)
        if words and words not in self._said:
            self.add(Prose(words, level="standard"))
            self._said.add(words)
        if not self.is_asked_for(value_ids):
            return  # only its number counts, and what it says
        beside = activation if activation and self.is_one_function(activation) else None
        for value_id in value_ids:
            if value_id == beside and self.run.graph.op_name(first) in ROW_OPS:
                continue  # shown beside the layer's rows
            self.step(value_id, beside if value_id == first else None)
            self.add(*same_as(self.run, self.like, value_id))

    def is_one_function(self, value_id: int) -> bool:
        """Whether a value is a function of another by name: an arrow says as much as its lines."""
        rule, formula = self.run.graph.rule(value_id), self.steps.formula(value_id)
        return rule is not None and isinstance(formula, Apply) and formula.function == rule.name

    def step(self, value_id: int, activation: int | None) -> None:
        name, value = self.name(value_id), self.run.trace.values[value_id]
        if value.kind == "noise":
            how = drawing_words(self.run, value_id)
            if how != "given" and self.run.seed is not None:
                how += f", seed {self.run.seed}"
            drawn = {"kind": "drawn", "of": Source(value_id), "name": name}
            self.add(Prose(f"{name} is {how}.", drawn), self.value_block(value_id, "parameter"))
            return
        try:
            formula = self.steps.formula(value_id)
        except NotExplained as reason:
            words = f"{name} is not explained ({reason}); its values are PyTorch's."
            self.add(Note(words, "warning"), self.value_block(value_id, "value"))
            return
        self.formula(value_id, formula)
        if self.run.graph.op_name(value_id) in ROW_OPS:
            self.rows(value_id, activation)
        elif value.shape == () and not self.is_plain(value_id):
            self.sum(value_id)
        else:
            self.elements(value_id)

    def formula(self, value_id: int, formula: Expression) -> None:
        """Show a step's formula, what it means, and the constants in it."""
        inputs = self.steps.inputs(value_id)
        for source in inputs:
            if source in self.run.trace.uninitialised and BLANK not in self._said:
                self._said.add(BLANK)
                self.add(Note(f"{self.name(source)} is {BLANK}."))
        remarks = (
            [self.rows_remark(value_id)] if self.run.graph.op_name(value_id) in ROW_OPS else []
        )
        remarks.append(self.function_notes.remark(formula, self.run.graph.rule(value_id)))
        constants = [i for i in inputs if self.is_new_constant(i)]
        uniform = [i for i in constants if len(np.unique(self.run.values[i])) == 1]
        remarks += [f"{self.name(i)} is {self.uniform_words(i)}" for i in uniform]
        held = self.steps.held_back(value_id)
        if held and not any(map(self.steps.held_back, inputs)):
            remarks.append(NOTHING_COMES_BACK)  # as is true of all that is made from it alone
        remark = " · ".join(filter(None, remarks))
        self.add(Formula(self.name(value_id), formula, remark, held=held))
        self.add(*(self.value_block(i, "value") for i in constants if i not in uniform))
        self._constants.update(constants)

    def is_new_constant(self, value_id: int) -> bool:
        """Whether a value has a name, was made by none of the steps, and was not shown yet."""
        value = self.run.trace.values[value_id]
        shown = value_id in self._constants and not self.detailed
        return bool(value.name) and value.kind in ("constant", "buffer") and not shown

    def uniform_words(self, value_id: int) -> str:
        """Say what a constant is whose numbers are all the same: `0 everywhere, [1, 3]`."""
        array = self.run.values[value_id]
        number_text = f"{float(array.ravel()[0]):g}"
        return number_text if array.ndim == 0 else f"{number_text} everywhere, {list(array.shape)}"

    def is_plain(self, value_id: int) -> bool:
        """Whether a scalar is made from scalars alone, as the loss is from its terms."""
        return all(self.run.values[i].size == 1 for i in self.steps.inputs(value_id))

    # --- a sum, and anything else ---

    def sum(self, value_id: int) -> None:
        """Work out a scalar by what it adds up; as one line where it is no sum."""
        summands = self.make.summands(value_id)
        if summands is None:
            self.elements(value_id)
            return
        lines, total, count = summands
        self.beside(value_id)
        omitted = len(lines) - min(len(lines), self.most)
        recipe = {"kind": "summands", "of": Source(value_id), "count": self.most}
        name = self.name(value_id)
        block = self.lines(name, lines[: self.most], "element", "exact", omitted, recipe=recipe)
        noun = f"sum of {counted(count, 'summand')}"
        notes = floor_notes(self.run, lines[: self.most])
        self.add(block._replace(total=total), *notes, checked([total], noun))

    def beside(self, value_id: int) -> None:
        """Show a reconstruction beside the input that a loss compares it with."""
        values = self.run.trace.values
        inputs = self.steps.inputs(value_id)
        targets = [i for i in inputs if values[i].kind == "input"]
        made = [i for i in inputs if values[i].kind == "intermediate"]
        if len(targets) != 1 or len(made) != 1 or values[targets[0]].shape != values[made[0]].shape:
            return
        (target,), (output,) = targets, made
        x, recon = self.run.values[target], self.run.values[output]
        shown = self.indices(output, self.most)
        if is_big(recon):  # where they are furthest apart
            shown = sorted(largest(np.subtract(recon, x, dtype=np.float64), MOST_LINES // 2))
        shown_by = self.shown_by(Source(output), shown, Source(output))
        if is_big(recon):
            shown_by |= {"less": Source(target), "sorted": True}
        cells = [Source(target), Source(output), {"less": [Source(output), Source(target)]}]
        beside = table(
            shown,
            (Column("element", "label"), lambda at: self.row_label(output, at)),
            (Column(self.name(target), "input", "input"), lambda at: float(x[at])),
            (Column(self.name(output), "value"), lambda at: float(recon[at])),
            (Column("difference", "value"), lambda at: float(recon[at]) - float(x[at])),
            adds=Adds(3, (2,), (1,)),
        )
        self.add(beside._replace(recipe={"kind": "cells", **shown_by, "cells": cells}))

    def elements(self, value_id: int) -> None:
        """Work out a value element by element."""
        shown = self.chosen(value_id, self.run.values[value_id], self.most, self.detailed)
        lines = self.make.value_lines(value_id, shown)
        value = self.run.trace.values[value_id]
        moved = not self.detailed and passed_on(lines)
        omitted = self.omitted(value_id, lines)
        if moved or omitted:
            self.add(self.value_block(value_id, "value"))
        places: Places = "exact" if value.shape == () else "value"
        if is_whole(value.array):
            places = "input"
        made = Source(value_id)
        recipe = {"kind": "lines", **self.shown_by(made, shown, made)}
        tail = ""
        if self.is_gated(value_id):
            numbers = self.run.values[value_id]
            closed = [str(list(index)) for index in shown if numbers[index] == 0]
            tail = closed_gates(GATES_CLOSED, closed, len(lines))
            recipe["gates"] = {"words": GATES_CLOSED, "of": made, "lines": dict(recipe)}
        name = self.name(value_id)
        block = self.lines(name, lines, "element", places, omitted, moved, recipe)
        self.asides(block.lines)
        self.work_out(block, lines, "element" if moved else "line", tail=tail)
        self.add(*floor_notes(self.run, lines))
