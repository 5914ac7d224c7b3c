"""The forward page: from x to the loss, every step worked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...engine.run import Run
from ...engine.worked_lines import Worked
from ...ops import NotExplained
from ...symbolic.expression import Apply, Expression, Ref, references
from ...symbolic.text import index_text
from ...trace import is_whole
from ..blocks import (
    Block,
    Checks,
    Column,
    Formula,
    Heading,
    Lines,
    Note,
    Places,
    Prose,
    Table,
    Walkthrough,
)
from .captions import BLANK, LAYER_ACTIVATIONS, NOTHING_COMES_BACK, counted
from .functions import Told
from .holding import Holding
from .page import MOST_DETAILED, MOST_LINES, Page, checked, drawing_words, passed_on
from .tensors import is_big, largest

ROW_OPS = ("linear", "matmul")


def forward(run: Run, only: Sequence[str] = (), latex: bool = False) -> tuple[Walkthrough, Checks]:
    """Compose the forward page.

    Parameters
    ----------
    only
        Names of steps to show alone and in full; all in overview when empty.
    latex
        Add each line's LaTeX.
    """
    page = compose(run, only, latex)
    return page.finish("forward")


def compose(run: Run, only: Sequence[str] = (), latex: bool = False) -> ForwardPage:
    """Return the page before its footer, for one that is part of a document."""
    page = ForwardPage(run, [run.value(name).id for name in only], latex)
    page.input()
    for section in page.plan():
        page.section(section)
    page.keep()
    return page


class ForwardPage(Page):
    """The forward pass, a section for each value that stands by itself."""

    def __init__(self, run: Run, targets: Sequence[int], latex: bool) -> None:
        super().__init__(run)
        self.targets = set(targets)
        self.detailed = detailed = bool(targets)
        self.most = MOST_DETAILED if detailed else MOST_LINES
        self.latex = latex
        self.captions = Holding(run)
        self._starts: list[tuple[tuple[int, ...], int]] = []
        self.told = Told(anew=detailed)
        self._said: set[str] = set()
        self._given: set[int] = set()

    # --- order ---

    def plan(self) -> list[list[int]]:
        """Put steps into sections: what follows from a section alone stays in it.

        What only arranges a value anew goes to the section of that, wherever it is, as the
        queries, keys and values of an attention do in turns.
        """
        sections: list[list[int]] = []
        values = self.run.trace.values
        for number in self.steps.named():
            inputs = [i for i in self.steps.inputs(number) if i != number]
            current = sections[-1] if sections else []
            parameters = any(values[i].kind == "parameter" for i in inputs)
            follows = bool(inputs) and set(inputs) <= set(current)
            drawn = bool(current) and values[current[0]].kind == "noise"
            uses_draw = drawn and current[0] in inputs
            if current and not parameters and (follows or uses_draw):
                current.append(number)
            elif self.arranges(number, inputs):
                next(s for s in sections if inputs[0] in s).append(number)
            else:
                sections.append([number])
        return sections

    def arranges(self, number: int, inputs: Sequence[int]) -> bool:
        """Whether a value without a title is one other of the run, in another shape or order."""
        if len(inputs) != 1 or inputs[0] not in self.run.trace.producer:
            return False
        if self.captions.title(number) != self.name(number):
            return False
        try:
            return all(
                isinstance(self.steps.element(number, index), Ref)
                for index in self.indices(number, 1)
            )
        except NotExplained:
            return False

    def is_asked_for(self, numbers: Sequence[int]) -> bool:
        """Whether a section is on the page: all are, unless some steps were asked for alone."""
        return not self.targets or not self.targets.isdisjoint(numbers)

    def keep(self) -> None:
        """Drop the sections that hold none of the steps asked for."""
        kept = [blocks for numbers, blocks in self.parts() if self.is_asked_for(numbers)]
        self.blocks = [block for blocks in kept for block in blocks]

    def parts(self) -> list[tuple[tuple[int, ...], list[Block]]]:
        """Return each section's blocks with the numbers of the values that it explains."""
        starts = [start for _, start in self._starts] + [len(self.blocks)]
        return [
            (numbers, self.blocks[start : starts[position + 1]])
            for position, (numbers, start) in enumerate(self._starts)
        ]

    def open(self, numbers: Sequence[int], detail: str = "") -> None:
        self.sections += 1
        self._starts.append((tuple(numbers), len(self.blocks)))
        title = self.captions.title(numbers[0])
        again = title in self._said and not detail
        self.add(Heading(self.sections, title, self.name(numbers[0]) if again else detail))
        self._said.add(title)

    # --- sections ---

    def input(self) -> None:
        for value in self.run.trace.values:
            if value.kind == "input" and value.name:
                rows = "" if len(value.shape) < 2 else f", {counted(value.shape[0], 'row')}"
                self.open([value.id], f"{list(value.shape)}{rows}")
                self.add(self.value_block(value.id, "input"))

    def section(self, numbers: Sequence[int]) -> None:
        first = numbers[0]
        activation = self.activation_of(first)
        self.open(numbers, self.layer_detail(first, activation))
        words = self.captions.forward(first) or self.loss_words(first)
        if words and words not in self._said:
            self.add(Prose(words))
            self._said.add(words)
        if not self.is_asked_for(numbers):
            return  # only its number counts, and what it says
        for number in numbers:
            if number == activation and self.rule_name(first) in ROW_OPS:
                continue  # shown beside the layer's rows
            self.step(number, activation if number == first else None)

    def loss_words(self, number: int) -> str:
        """Say how the loss weighs its terms."""
        terms = self.run.trace.terms
        if number != self.run.trace.output or not terms:
            return ""
        if all(term.weight == 1 for term in terms):
            both = "Both terms" if len(terms) == 2 else "All terms"
            return f"{both} with weight one."
        weights = ", ".join(f"{term.name} with weight {term.weight:g}" for term in terms)
        return f"The weighted sum of its terms: {weights}."

    def layer_detail(self, number: int, activation: int | None) -> str:
        """Say which layer made a value: `fc1: Linear 4→8, then ReLU`; its name once."""
        bound = self.run.graph.producer(number)
        if bound is None or bound.operation.name != "linear" or not bound.operation.module:
            return ""
        values = self.run.trace.values
        weight = values[bound.operation.inputs[1]].shape
        then = f", then {LAYER_ACTIVATIONS[self.rule_name(activation)]}" if activation else ""
        # The module that called it need not be whose weight it is, as in an attention.
        of_weight, dot, _ = (values[bound.operation.inputs[1]].name or "").rpartition(".weight")
        layer = of_weight if dot and values[bound.operation.inputs[1]].kind == "parameter" else ""
        layer = layer or bound.operation.module
        named = "" if self.captions.title(number) == layer else f"{layer}: "
        return f"{named}Linear {weight[1]}→{weight[0]}{then}"

    def step(self, number: int, activation: int | None) -> None:
        name = self.name(number)
        value = self.run.trace.values[number]
        if value.kind == "noise":
            how = drawing_words(self.run, number)
            if how != "given" and self.run.seed is not None:
                how += f", seed {self.run.seed}"
            self.add(Prose(f"{name} is {how}."))
            self.add(self.value_block(number, "parameter"))
            return
        try:
            formula = self.steps.formula(number)
        except NotExplained as reason:
            self.add(
                Note(f"{name} is not explained ({reason}); its values are PyTorch's.", "warning")
            )
            self.add(self.value_block(number, "value"))
            return
        self.blank(number)
        rows = self.rule_name(number) in ROW_OPS
        told = self.told.remark(formula, self.rule_name(number))
        given = [i for i in self.steps.inputs(number) if self.is_new_constant(i)]
        alike = [i for i in given if len(np.unique(self.run.values[i])) == 1]
        same = [f"{self.name(i)} is {self.all_alike(i)}" for i in alike]
        held = self.steps.held_back(number)
        if held and not any(map(self.steps.held_back, self.steps.inputs(number))):
            same.append(NOTHING_COMES_BACK)  # as is true of all that is made from it alone
        remark = " · ".join(filter(None, (self.remark(number) if rows else "", told, *same)))
        self.add(Formula(name, formula, remark, held=held))
        self.add(*(self.value_block(i, "value") for i in given if i not in alike))
        self._given.update(given)
        if rows:
            self.rows(number, activation)
        elif value.shape == () and not self.is_plain(number):
            self.sum(number)
        else:
            self.elements(number)

    def blank(self, number: int) -> None:
        """Say of memory that nothing has been written to what it is, once."""
        for source in self.steps.inputs(number):
            if source in self.run.trace.blank and BLANK not in self._said:
                self._said.add(BLANK)
                self.add(Note(f"{self.name(source)} is {BLANK}."))

    def is_new_constant(self, number: int) -> bool:
        """Whether a value was made by none of the steps, has a name, and was not spoken of."""
        value = self.run.trace.values[number]
        known = value.kind not in ("constant", "buffer") or (
            number in self._given and not self.detailed
        )
        return bool(value.name) and not known

    def all_alike(self, number: int) -> str:
        """Say what a constant is whose numbers are all the same: `0 everywhere, [1, 3]`."""
        array = self.run.values[number]
        number_text = f"{float(array.ravel()[0]):g}"
        return number_text if array.ndim == 0 else f"{number_text} everywhere, {list(array.shape)}"

    def is_plain(self, number: int) -> bool:
        """Whether a scalar is made from scalars alone, as the loss is from its terms."""
        inputs = self.steps.inputs(number)
        return all(self.run.values[i].size == 1 for i in inputs)

    def remark(self, number: int) -> str:
        bound = self.run.graph.producer(number)
        if bound is None or bound.rule is None or bound.operation.name != "linear":
            return "each row dotted with each column"
        source, weight, *bias = (self.name(i) for i in bound.operation.inputs)
        letter = short(source)
        named = self.run.trace.values[bound.operation.inputs[0]].name is not None
        if not named:
            given = f"the layer's input {letter}"
        else:
            given = letter if letter == source else f"{letter} = {source}"
        plus = ", plus its bias" if bias else ""
        return f"each row of W = {weight} dotted with {given}{plus}"

    def rows(self, number: int, activation: int | None) -> None:
        most = self.most_rows(number, self.most)
        shown = self.chosen(number, self.run.values[number], most, self.detailed)
        lines = self.make.value_lines(number, shown)
        after = self.after(activation, shown) if activation else None
        self.whole(number, lines)
        self.add(
            Lines(
                name=self.name(number),
                lines=self.fitted(lines),
                head="unit",
                places="value",
                columns=() if self.detailed else self.columns(number),
                after=after,
                omitted=self.omitted(number, lines),
                latex=self.latex,
            )
        )
        tail = ""
        if after and any(after.closed):
            labels = [line.label for line, off in zip(lines, after.closed, strict=True) if off]
            units = ", ".join(label.strip("[]") for label in labels)
            one = "unit" if len(labels) == 1 else "units"
            tail = f"; {len(labels)} of {len(lines)} gates closed: {one} {units}"
        if self.fitted(lines[:1]) != lines[:1]:
            words = "Of each sum the largest products are shown; the last number is all others."
            self.add(Note(words))
        self.add(checked(lines, "row", tail=tail))
        if activation is not None:
            self.whole(activation, lines)

    def whole(self, number: int, shown: Sequence[object]) -> None:
        """Show all numbers of a value of which only some are worked out."""
        if self.omitted(number, shown):
            self.add(self.value_block(number, "value"))

    def columns(self, number: int) -> tuple[str, ...]:
        bound = self.run.graph.producer(number)
        if bound is None or bound.operation.name != "linear":
            return ()
        source, weight, *bias = bound.operation.inputs
        letter = short(self.name(source))
        width = self.run.trace.values[weight].shape[1]
        products = tuple(f"W[i,{j}]·{letter}[{j}]" for j in range(width))
        return (*products, "+ bias") if bias else products

    def sum(self, number: int) -> None:
        found = self.make.summands(number)
        if found is None:
            self.elements(number)
            return
        lines, total, count = found
        self.beside(number)
        self.add(
            Lines(
                name=self.name(number),
                lines=self.fitted(lines[: self.most]),
                head="element",
                places="exact",
                total=total,
                omitted=len(lines) - min(len(lines), self.most),
                latex=self.latex,
            )
        )
        self.add(checked([total], f"sum of {counted(count, 'summand')}"))

    def beside(self, number: int) -> None:
        """Show a reconstruction beside the input that a loss compares it with."""
        values = self.run.trace.values
        inputs = self.steps.inputs(number)
        targets = [i for i in inputs if values[i].kind == "input"]
        made = [i for i in inputs if values[i].kind == "intermediate"]
        if len(targets) != 1 or len(made) != 1 or values[targets[0]].shape != values[made[0]].shape:
            return
        x, recon = self.run.values[targets[0]], self.run.values[made[0]]
        shown = self.indices(made[0], self.most)
        if is_big(recon):  # where they are furthest apart
            shown = sorted(largest(recon.astype(np.float64) - x, MOST_LINES // 2))
        self.add(
            Table(
                (
                    Column("element", "label"),
                    Column(self.name(targets[0]), "input", "input"),
                    Column(self.name(made[0]), "value"),
                    Column("difference", "value"),
                ),
                tuple(
                    (
                        index_text(self.steps.shown_index(made[0], index)).strip("[]"),
                        float(x[index]),
                        float(recon[index]),
                        float(recon[index]) - float(x[index]),
                    )
                    for index in shown
                ),
            )
        )

    def elements(self, number: int) -> None:
        shown = self.chosen(number, self.run.values[number], self.most, self.detailed)
        lines = self.make.value_lines(number, shown)
        value = self.run.trace.values[number]
        moved = not self.detailed and passed_on(lines)
        if moved and not self.omitted(number, lines):
            self.add(self.value_block(number, "value"))
        self.whole(number, lines)
        after_words = ""
        if isinstance(self.steps.formula(number), Apply) and self.rule_name(number) == "relu":
            off = [i for i in shown if self.run.values[number][i] == 0]
            after_words = f"; {len(off)} of {len(lines)} gates closed" if off else ""
        fitted = self.fitted(lines)
        self.asides(fitted)
        places: Places = "exact" if value.shape == () else "value"
        if is_whole(value.array):
            places = "input"
        self.add(
            Lines(
                name=self.name(number),
                lines=fitted,
                head="element",
                places=places,
                omitted=self.omitted(number, lines),
                latex=self.latex,
                quiet=moved,
            )
        )
        if not moved:
            self.add(*self.cut(lines, fitted))
        self.add(checked(lines, "element" if moved else "line", tail=after_words))

    def asides(self, lines: Sequence[Worked]) -> None:
        """Work out the numbers that only some lines speak of, as the means of a norm.

        Of a long sum these are the numbers of the parts that are shown.

        Parameters
        ----------
        lines
            As they are shown.
        """
        spoken: dict[Ref, Worked] = {}
        for line in lines:
            self._speak_of(line.expression, spoken)
        made = list(spoken.values())
        if made:
            fitted = self.fitted(made)
            self.add(Lines("", fitted, "", "value", latex=self.latex), *self.cut(made, fitted))

    def _speak_of(self, expression: Expression, spoken: dict[Ref, Worked]) -> None:
        """Work out what a line speaks of, and before it what that speaks of in turn."""
        for ref in references(expression):
            if ref.made is not None and ref not in spoken:
                aside = self.make.aside(ref)
                self._speak_of(self.fitted([aside])[0].expression, spoken)
                spoken[ref] = aside


def short(name: str) -> str:
    """Return the letter that stands for a layer's input in a column header."""
    return name if len(name) == 1 else "h"
