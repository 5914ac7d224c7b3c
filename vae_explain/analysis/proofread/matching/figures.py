"""Each figure with its place: which element of which quantity it is said to be.

What a statement's label cannot settle, the shape does not guess: an array that does not fit
its quantity is not recognised, and why is said.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ....models.builtin_config import Architecture
from ....quick_classes import NamedTuple
from ..grammar.counts import count_of
from ..grammar.syntax import Literal, Row, Tree, shown
from ..reading.statement import Arithmetic, DocumentStatement, Remnant
from ..reading.values import line_of, numbers_of, shape_of
from .labels import Resolved, is_rate, is_setting, words_of
from .names import Name

Shape = tuple[int, ...]
SHAPE = re.compile(r"(?:shape|size)\W{0,3}[\[(](\d+) ?[,×x] ?(\d+)[\])]")


class PrintedFigure(NamedTuple):
    """A printed number and the element that it is said to be.

    Attributes
    ----------
    name
        The quantity, without an index.
    place
        Its index there, the batch axis of a single row left out.
    decimals
        To how many decimals it speaks: its own, or those of its array for an exact `0.`
    group
        The number of the array it was printed in.
    arithmetic
        The arithmetic that it is said to be of, where that is said.
    """

    name: Name
    place: Shape
    printed: Literal
    decimals: int
    label: str
    group: int
    arithmetic: Arithmetic | None = None

    @property
    def element(self) -> str:
        """What it is: `mu[0]`."""
        return self.name.at(self.place)

    @property
    def unit(self) -> float:
        """One in the last place that it speaks of."""
        return 10.0**-self.decimals


class Line(NamedTuple):
    """Printed arithmetic, the element it is said to make, and the result printed behind it."""

    name: Name
    place: Shape
    sum: Tree
    result: Literal | None
    label: str

    @property
    def element(self) -> str:
        return self.name.at(self.place)

    @property
    def text(self) -> str:
        return shown(self.sum)

    @property
    def line(self) -> int:
        return line_of(self.sum)


class Collected(NamedTuple):
    """All that was found in a document."""

    figures: tuple[PrintedFigure, ...]
    lines: tuple[Line, ...]
    unrecognised: tuple[Remnant, ...]
    set_aside: tuple[Remnant, ...]
    misfits: tuple[Remnant, ...]


class Collector:
    """Puts figures into the tensors of one architecture."""

    def __init__(self, architecture: Architecture, rows: int, has_rate: bool) -> None:
        self.architecture, self.rows, self.has_rate = architecture, rows, has_rate
        self.figures: list[PrintedFigure] = []
        self.lines: list[Line] = []
        self.unrecognised: list[Remnant] = []
        self.set_aside: list[Remnant] = []
        self.misfits: list[Remnant] = []  # tensors that are not of the shape they should have
        self.groups = 0
        self.counted_from_one: set[str] = set()

    def collect(self, resolved: Sequence[Resolved], remnants: Iterable[Remnant]) -> Collected:
        """Return every figure of a document in its place."""
        for remnant in remnants:
            plain = self.unrecognised if remnant.figure else self.set_aside
            (self.misfits if remnant.wrong else plain).append(remnant)
        self.counted_from_one = self._counted_from_one(resolved)
        for statement, name in resolved:
            self._statement(statement, name)
        self.unrecognised.sort(key=lambda remnant: remnant.line)
        parts = (self.figures, self.lines, self.unrecognised, self.set_aside, self.misfits)
        return Collected(*map(tuple, parts))  # type: ignore[arg-type]  # each of its own kind

    def known(self, name: Name) -> Name | None:
        """Return a name as this architecture has it; None when it has no such quantity."""
        value = name.value
        if value == "error":
            value = self.architecture.recon
        term = self.architecture.recon if name.term == "error" else name.term
        depth = self.architecture.middle - 1
        side, _, number = value.rpartition("_")
        if (
            number.isdecimal()
            and side in ("encoder_pre", "decoder_pre")
            and count_of(number) > depth
        ):
            logits = "recon_logits" if self.architecture.recon == "bce" else "recon_x"
            value = logits if side == "decoder_pre" else value
        elif number.isdecimal() and depth == 1 and number == "1":
            value = side
        names = ("x", *self.architecture.parameters, *self.architecture.steps)
        if value not in names or (term is not None and term not in self.architecture.terms):
            return None
        if name.gradient and value not in self.architecture.with_gradient:
            return None
        if name.updated and (value not in self.architecture.parameters or not self.has_rate):
            return None
        return name._replace(value=value, term=term)

    def shape(self, name: Name) -> Shape:
        """Return a quantity's shape as a page shows it, without the axis of a single row."""
        shape = self.architecture.shape(name.value, self.rows)
        parameter = name.value in self.architecture.parameters
        return shape[1:] if shape and shape[0] == 1 and not parameter and self.rows == 1 else shape

    def _counted_from_one(self, resolved: Sequence[Resolved]) -> set[str]:
        """Return the tensors whose elements the document counts from 1: `z_2` of two."""
        bases = set()
        for _, name in resolved:
            known = self.known(name) if name is not None else None
            if known is not None and known.place:
                shape = self.shape(known)
                if any(i == size for i, size in zip(known.place, shape, strict=False)):
                    bases.add(known.tensor)
        return bases

    def _statement(self, statement: DocumentStatement, name: Name | None) -> None:
        if name is None or _is_of_setting(statement):
            self._unknown(statement)
            return
        known = self.known(name)
        if known is None:
            why = f"the {self.architecture.label} has no {name.tensor}"
            self._not_recognised(statement, why)
            return
        index, known = known.place, known._replace(place=None)
        if index and known.tensor in self.counted_from_one:
            index = tuple(i - 1 for i in index)
        shape = self.shape(known)
        if statement.is_case and (_is_whole_number(statement) or not statement.stated):
            self._case(statement)
            return
        if not statement.stated and _is_shape(statement, shape):
            self.set_aside.append(Remnant(statement.text, statement.line, "a shape", figure=False))
            return
        placed = []
        self._hold_shape(statement, known, shape)
        for side in statement.sides:
            places = _counted(side, statement.indices, shape) or _places(side, shape, index)
            if isinstance(places, str):
                if index is None and _is_damaged(side, shape):
                    self._damaged(statement, known, places)
                else:
                    self._misfit(statement, f"{known.tensor}: {places}")
                return
            placed.append(places)
        self._place(statement, known, placed)

    def _hold_shape(self, statement: DocumentStatement, name: Name, shape: Shape) -> None:
        """Hold the shape that a tensor is said to have against the one that it has."""
        words = " ".join([statement.label, *(map(words_of, statement.context[:1]))])
        said = SHAPE.search(words)
        if said is None or len(shape) != 2 or not statement.has_array:
            return
        stated = (count_of(said[1]), count_of(said[2]))
        printed = next(shape_of(side) for side in statement.sides if isinstance(side, Row))
        if stated == shape[::-1] != shape or (stated == shape and printed == shape[::-1] != shape):
            why = f"{name.tensor}: it is said to have shape {list(stated)}"
            why += f", and is printed with {list(printed or ())}; it has {list(shape)}"
            self.misfits.append(Remnant(said[0], _line_of_shape(statement, said[0]), why))

    def _damaged(self, statement: DocumentStatement, name: Name, why: str) -> None:
        said = f"{_shown_label(statement)} = {statement.text[:40]}…"
        self.misfits.append(Remnant(said, statement.line, f"{name.tensor}: {why}"))

    def _misfit(self, statement: DocumentStatement, why: str) -> None:
        """Take the parts of a sum for arithmetic alone, and anything else for unrecognised."""
        sides = [numbers_of(side) for side in statement.sides]
        if len(sides) == 2 and not any(isinstance(n, Literal) for n in sides[0]):
            label = _shown_label(statement)
            for sum_, result in zip(*sides, strict=False):
                if isinstance(result, Literal):
                    self.lines.append(Line(Name(""), (), sum_, result, label))
        elif _is_whole_number(statement):
            self._case(statement)
        else:
            self._not_recognised(statement, why)

    def _case(self, statement: DocumentStatement) -> None:
        """Set aside a case that is spoken of, and no result: `zero only for μ = 0`."""
        said = f"{statement.label} = {statement.text}"
        self.set_aside.append(Remnant(said, statement.line, "a whole number", figure=False))

    def _place(
        self, statement: DocumentStatement, name: Name, sides: Sequence[Mapping[Shape, Tree]]
    ) -> None:
        label = _shown_label(statement)
        for position, side in enumerate(sides):
            self.groups += 1
            printed = [number for number in side.values() if isinstance(number, Literal)]
            most = max((number.decimals for number in printed), default=0)
            # Rounded to whole numbers, those that would read as zero have an exponent.
            rounded = all(number.whole or "e" in number.text.lower() for number in printed)
            # As code prints what it has rounded to whole numbers: `[-0.0, 1.0]`.
            listed = name.value != "x" and isinstance(statement.sides[position], Row)
            cut = listed and all(number.text.endswith(".0") for number in printed)
            most = 0 if cut else most
            after = sides[position + 1] if position + 1 < len(sides) else {}
            for index, number in side.items():
                if not isinstance(number, Literal):
                    result = after.get(index)
                    behind = result if isinstance(result, Literal) else None
                    self.lines.append(Line(name, index, number, behind, label))
                else:
                    exact = cut or (number.whole and not (rounded and number.value))
                    decimals = most if exact else number.decimals
                    self.figures.append(
                        PrintedFigure(
                            *(name, index, number, decimals, label, self.groups),
                            statement.arithmetic,
                        )
                    )

    def _unknown(self, statement: DocumentStatement) -> None:
        first, *further = statement.sides
        arithmetic = not isinstance(first, Literal | Row)
        if arithmetic and further and isinstance(further[0], Literal):
            # Arithmetic of nothing that is known is arithmetic all the same.
            label = _shown_label(statement)
            self.lines.append(Line(Name(""), (), first, further[0], label))
            return
        whole = statement.all_whole
        array = statement.has_array
        if whole and array and not statement.stated:
            self.set_aside.append(Remnant(statement.text, statement.line, "a shape", figure=False))
        elif is_rate(statement.label):
            said = f"{statement.label} = {statement.text}"
            self.set_aside.append(Remnant(said, statement.line, "a setting", figure=False))
        elif not whole or (array and not is_setting(statement.label)):
            self._not_recognised(statement, "no quantity of the run has this name")

    def _not_recognised(self, statement: DocumentStatement, why: str) -> None:
        label = _shown_label(statement)
        for side in statement.sides:
            for number in numbers_of(side):
                text = f"{label} = {shown(number)}" if label else shown(number)
                self.unrecognised.append(Remnant(text, line_of(number, statement.line), why))


def _line_of_shape(statement: DocumentStatement, said: str) -> int:
    """Return the line on which a shape is said, in the label or in what stands before it."""
    for pieces in () if SHAPE.search(statement.label) else statement.context[:1]:
        for piece in pieces:
            before, shape, _ = piece.text.partition(said)
            if shape:
                return piece.line + before.count("\n")
    return statement.line


def _is_damaged(value: Tree, shape: Shape) -> bool:
    """Whether an array is a tensor that lacks a row, a column or a number, or has one too many."""
    if not isinstance(value, Row):
        return False
    rows = [entry for entry in value.entries if isinstance(entry, Row)]
    if len(shape) == 2 and len(rows) == len(value.entries):
        widths = {len(row.entries) for row in rows}
        return shape[1] in widths or (len(rows) == shape[0] and abs(max(widths) - shape[1]) == 1)
    return not rows and len(shape) == 1 and shape[0] > 2 and abs(len(value.entries) - shape[0]) == 1


def _is_of_setting(statement: DocumentStatement) -> bool:
    """Whether whole numbers are said of a size or a seed: `Latent dimension: 2`."""
    return statement.all_whole and is_setting(statement.label)


def _is_whole_number(statement: DocumentStatement) -> bool:
    """Whether a statement has one number alone, and that is whole."""
    return len(statement.numbers) == 1 and statement.all_whole


def _is_shape(statement: DocumentStatement, shape: Shape) -> bool:
    """Whether whole numbers behind a name are its shape, as in `fc1.weight [8, 4]`."""
    if not statement.all_whole:
        return False
    if statement.has_array and shape == ():  # one number has no brackets
        return True
    counts = [count_of(n.text) for n in statement.numbers if isinstance(n, Literal)]
    return [n for n in counts if n != 1] == [n for n in shape if n != 1] or len(
        counts
    ) != math.prod(shape)


def _counted(value: Tree, indices: Sequence[Shape], shape: Shape) -> dict[Shape, Tree] | None:
    """Return the places that a table's first column counts, if that is what it counts."""
    numbers = numbers_of(value)
    if len(indices) != len(numbers) or len(set(indices)) != len(indices):
        return None
    if any(len(index) != len(shape) for index in indices):
        return None
    lowest = 0 if any(0 in index for index in indices) else 1
    reached = any(i == n for index in indices for i, n in zip(index, shape, strict=True))
    shift = lowest if reached else 0
    places = [tuple(i - shift for i in index) for index in indices]
    if any(not 0 <= i < n for place in places for i, n in zip(place, shape, strict=True)):
        return None
    return dict(zip(places, numbers, strict=True))


def _places(value: Tree, shape: Shape, index: Shape | None) -> dict[Shape, Tree] | str:
    """Return where each number of a value belongs, or why it does not fit."""
    if index is not None:
        if len(index) > len(shape) or any(
            i >= n or i < 0 for i, n in zip(index, shape, strict=False)
        ):
            return f"it has shape {list(shape)}, and no element {list(index)}"
        inner = _places(value, shape[len(index) :], None)
        return inner if isinstance(inner, str) else {(*index, *i): n for i, n in inner.items()}
    numbers = numbers_of(value)
    dims = shape_of(value)
    if dims is None:
        return "its rows have different lengths"
    mine, theirs = [n for n in dims if n != 1], [n for n in shape if n != 1]
    if mine == theirs:
        places = list(np.ndindex(*shape))
    elif mine == theirs[::-1] and len(mine) == 2:
        places = [(j, i) for i, j in np.ndindex(*dims[-2:])]
    else:
        count = math.prod(shape)
        return f"{len(numbers)} numbers where it has {count}"
    return dict(zip(places, numbers, strict=True))


def _shown_label(statement: DocumentStatement) -> str:
    if statement.label or not statement.context:
        return statement.label
    words = " ".join(words_of(statement.context[0]).split())
    return words.split(":")[0].split(" (")[0].strip()[:60]
