"""A linear layer worked out row by row: each product under its column, the activation beside it."""

from __future__ import annotations

from collections.abc import Sequence

from ...engine.index_ranges import Source
from ...engine.run import Run
from ...ops.linear.linear import LINEAR
from ...ops.linear.matmul import MATMUL
from ...symbolic.expression import Index
from ..blocks import After
from ..phrases import UNITS_CLOSED, closed_gates
from .page import MOST_DETAILED, RunPage

ROW_OPS = (LINEAR.name, MATMUL.name)  # not `mv` or `dot`, whose second operand has no rows
WIDE, ROWS_OF_WIDE = 64, 3  # how many rows of a layer with so many inputs are worked out
LONG_ROWS = "Of each sum the largest products are shown; the last number is all others."


class LayerPage(RunPage):
    """A page that works out layers.

    Attributes
    ----------
    detailed
        Whether it is about some values alone, each with all of its lines.
    most
        How many lines of a value are worked out.
    """

    def __init__(self, run: Run, only: Sequence[str] = (), latex: bool = False) -> None:
        super().__init__(run, only, latex)
        self.detailed = bool(only)
        self.most = MOST_DETAILED if only else self.most_lines

    def rows_remark(self, value_id: int) -> str:
        """Say which rows are dotted with what."""
        bound = self.linear_layer(value_id)
        if bound is None:
            return "each row dotted with each column"
        source, weight, *bias = bound.operation.inputs
        letter = self.input_letter(source)
        layer_input = letter if letter == self.name(source) else f"{letter} = {self.name(source)}"
        if self.run.trace.values[source].name is None:
            layer_input = f"the layer's input {letter}"
        plus = ", plus its bias" if bias else ""
        return f"each row of W = {self.name(weight)} dotted with {layer_input}{plus}"

    def columns(self, value_id: int) -> tuple[str, ...]:
        """Return the headers of the products in a linear layer's rows."""
        bound = self.linear_layer(value_id)
        if bound is None:
            return ()
        source, weight, *bias = bound.operation.inputs
        letter = self.input_letter(source)
        width = self.run.trace.values[weight].shape[1]
        products = tuple(f"W[i,{j}]·{letter}[{j}]" for j in range(width))
        return (*products, "+ bias") if bias else products

    def input_letter(self, value_id: int) -> str:
        """Return the letter that stands for a layer's input in a column header."""
        name = self.name(value_id)
        return name if len(name) == 1 else "h"

    def rows(self, value_id: int, activation: int | None) -> None:
        """Work out a layer's values beside what an activation makes of them."""
        most = self.most_rows(value_id)
        shown = self.chosen(value_id, self.run.values[value_id], most, self.detailed)
        lines = self.make.value_lines(value_id, shown)
        after = self.after(activation, shown) if activation else None
        self.whole(value_id, lines)
        omitted = self.omitted(value_id, lines)
        made = Source(value_id)
        recipe = {"kind": "lines", **self.shown_by(made, shown, made)}
        tail = ""
        if after and activation:
            recipe |= {"after": Source(activation), "gate": self.is_gated(activation)}
            closed = [line.label for line, off in zip(lines, after.closed, strict=True) if off]
            tail = closed_gates(UNITS_CLOSED, [each.strip("[]") for each in closed], len(lines))
            if self.is_gated(activation):
                gates = {"words": UNITS_CLOSED, "of": Source(activation), "lines": dict(recipe)}
                recipe["gates"] = gates
        block = self.lines(self.name(value_id), lines, "unit", "value", omitted, recipe=recipe)
        columns = () if self.detailed else self.columns(value_id)
        block = block._replace(columns=columns, after=after)
        heads = self.columns(value_id)
        self.work_out(block, lines, "row", tail=tail, long=LONG_ROWS, heads=heads)
        if activation is not None:
            self.whole(activation, lines)

    def most_rows(self, value_id: int) -> int:
        """Return how many rows of a layer are worked out: few, where each is a long sum."""
        bound = self.run.graph.producer(value_id)
        wide = bound is not None and any(
            self.run.trace.values[i].shape[-1:] > (WIDE,) for i in bound.operation.inputs
        )
        return min(self.most, ROWS_OF_WIDE) if wide else self.most

    def after(self, value_id: int, shown: Sequence[Index]) -> After:
        """Return what an activation made of a layer's values, and which it gated off."""
        lines = self.make.value_lines(value_id, shown)
        closed = tuple(self.is_gated(value_id) and line.value == 0 for line in lines)
        formula = self.steps.formula(value_id)
        return After(self.name(value_id), lines, closed, "gate closed", formula)

    def whole(self, value_id: int, shown: Sequence[object]) -> None:
        """Show all numbers of a value of which only some are worked out."""
        if self.omitted(value_id, shown):
            self.add(self.value_block(value_id, "value"))
