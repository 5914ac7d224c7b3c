"""The formula that a line of arithmetic is held against, and what its numbers say of inputs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ....engine.formulas import Steps
from ....engine.run import Run
from ....ops import NotExplained
from ....symbolic.expression import Expression, Number, Ref, children
from ..grammar.syntax import Literal, literals
from ..matching.figures import Line, PrintedFigure
from .agreement import agrees


def formula_of(steps: Steps, line: Line) -> Expression | None:
    """Return the package's own expression of a line's element; None where it has none."""
    if line.name.updated:
        return None
    number = steps.run.trace.by_name[line.name.value].id
    index = steps.full_index(number, line.place)
    try:
        if line.name.gradient:
            return steps.gradient(number, index, line.name.term)
        return steps.element(number, index)
    except NotExplained:
        return None


def leaves(tree: Expression) -> Iterator[Number | Ref]:
    """Yield the numbers of an expression from left to right."""
    if isinstance(tree, Number | Ref):
        yield tree
    for child in children(tree):
        yield from leaves(child)


def operands_of(
    run: Run, lines: Sequence[Line], by_name: Mapping[str, Sequence[PrintedFigure]]
) -> Iterator[PrintedFigure]:
    """Yield the operands of lines that are printed numbers of these tensors with more digits."""
    shapes = {name: run.value(name).shape for name in by_name}
    printed = {
        (name, whole_index(figure.place, shapes[name])): figure
        for name, figures in by_name.items()
        for figure in reversed(figures)
    }
    steps = Steps(run)
    for line in lines if printed else ():
        tree = formula_of(steps, line) if line.name.value else None
        operands = literals(line.sum)
        parts = [] if tree is None else list(leaves(tree))
        for at, leaf in enumerate(parts):
            if not isinstance(leaf, Ref) or leaf.name not in shapes:
                continue
            figure = printed.get((leaf.name, whole_index(leaf.index or (), shapes[leaf.name])))
            if figure is None:
                continue
            # In its own place, or else where no other number of the line may be meant.
            places = operands[at : at + 1] if len(operands) == len(parts) else ()
            finer = _finer(figure, places) or _finer(figure, operands)
            if len({each.printed.value for each in finer}) == 1:
                yield finer[0]


def _finer(figure: PrintedFigure, operands: Sequence[Literal]) -> list[PrintedFigure]:
    """Return the operands that are rounded to a figure, with its sign: theirs may be apart."""
    better = []
    for operand in operands:
        value = math.copysign(operand.value, figure.printed.value)
        if operand.decimals > figure.decimals and agrees(figure, value):
            finer = replace(operand, value=value)
            better.append(figure._replace(printed=finer, decimals=operand.decimals))
    return better


def whole_index(index: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return an index with that of the row, which a single row is written without."""
    return (0, *index) if len(index) == len(shape) - 1 else index
