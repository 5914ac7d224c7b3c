"""The only place that rounds: how many decimals a number gets, and how it is written."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import cache, partial

import numpy as np

from ...engine.worked_lines import Worked
from ...quick_classes import NamedTuple
from ...symbolic.decimals import apart_from_rounding, fixed_text, shortest
from ...symbolic.expression import Add, Expression, Number, Ref, references
from ...symbolic.text import Write, constant_text, symbol_text
from ...trace import Array, is_whole
from ..blocks import Adds, Cell, Matrix, Places, Quantity, Statement, Summary, Table
from ..phrases import counted
from .guard_digits import WHOLE, digits_for, lengthened

FEWEST, MOST = 4, 8
EVERY, SINGLE = -1, -2  # in place of a count of decimals: every digit, or a float32's
LARGEST_SINGLE = float(np.finfo(np.float32).max)
MOST_OF_SINGLE = 100.0  # below it few float32 are nearest to four decimals by chance
LARGE = 1e9  # from here on a number is written with an exponent
ROLE_PLACES: dict[str, Places] = {
    "parameter": "parameter",
    "noise": "parameter",
    "gradient": "gradient",
    "input": "input",
}


class LineNumbers(NamedTuple):
    """The numbers of one line of arithmetic as they are written.

    Attributes
    ----------
    leaf
        How each of its operands is written, with its guard digits.
    result
        Its result.
    computed
        The run's own number, where the line gives it with fewer digits only.
    """

    leaf: Write
    result: str
    computed: str = ""

    @property
    def remark(self) -> str:
        """What stands behind the result; mostly nothing."""
        return f"computed: {self.computed}" if self.computed else ""


class Numbers:
    """Writes numbers by what they are, or all with the same decimals when asked to.

    Parameters
    ----------
    digits
        Decimals for every number, 0 to 17; None for the defaults of each kind.
    """

    def __init__(self, digits: int | None = None) -> None:
        self.digits = digits
        # A number stands in many lines, and is written anew for each guard digit of each.
        self._usual_text = cache(self.one)
        self._whole = cache(apart_from_rounding)

    def decimals(self, values: Iterable[float] | Array, places: Places) -> int:
        """Return how many decimals a column of such numbers gets, or `EVERY` or `SINGLE`."""
        if self.digits is not None and places != "input":  # which is given, and stays as it is
            return self.digits
        if places == "exact":
            return EVERY
        if places == "single":
            return SINGLE
        if places in ("parameter", "gradient"):
            return FEWEST
        fewest = 0 if places == "input" else FEWEST
        numbers = values.ravel().tolist() if isinstance(values, np.ndarray) else values
        finite = [float(number) for number in numbers if math.isfinite(number)]
        needed = max((_needed(number, fewest) for number in finite), default=fewest)
        return max(needed, self.digits or 0)

    def column(
        self, values: Iterable[float] | Array, places: Places, signed_zeros: bool = False
    ) -> list[str]:
        """Write numbers that stand under each other, all with the same decimals."""
        numbers = [float(value) for value in np.asarray(values, dtype=np.float64).ravel()]
        decimals = self.decimals(numbers, places)
        return [fixed(number, decimals, signed_zeros) for number in numbers]

    def one(self, value: float, places: Places) -> str:
        """Write a number that stands alone."""
        return fixed(value, self.decimals([value], places))

    def entries(self, block: Matrix) -> list[str]:
        """Write the numbers of a tensor, all with the same decimals."""
        texts = self.column(block.array, block.places, block.signed_zeros)
        # Of real numbers a whole one has a point.
        if block.places == "input" and not is_whole(block.array) and self.digits is None:
            return [text if "." in text or "e" in text else text + ".0" for text in texts]
        return texts

    def summary(self, block: Summary) -> list[tuple[tuple[str, str], ...]]:
        """Say what a tensor that is too big for a page is like, each number behind its words."""
        low, high, mean, norm = (
            self.one(value, block.places)
            for value in (block.low, block.high, block.mean, block.norm)
        )
        statements: list[tuple[tuple[str, str], ...]] = [((f"{block.array.size:,} numbers", ""),)]
        if block.low == block.high:
            statements.append((("all finite " if block.not_finite else "all ", low),))
        elif block.not_finite < block.array.size:
            statements.append((("from ", low), ("to ", high)))
            statements += [(("mean ", mean),), (("norm ", norm),)]
            statements += [((counted(block.zeros, "zero"), ""),)] if block.zeros else []
        statements += [((f"{block.not_finite:,} not finite", ""),)] if block.not_finite else []
        return statements

    def cells(self, table: Table, j: int) -> list[str]:
        """Write a column of a table: its numbers with the same decimals, counts and words.

        Those that a row adds up get the digits that this takes.
        """
        values = [row[j] for row in table.rows]
        numbers = [value for value in values if not isinstance(value, str | int)]
        decimals = self.decimals(numbers, table.columns[j].places)
        texts = [
            value
            if isinstance(value, str)
            else f"{value:,}"
            if isinstance(value, int)
            else fixed(value, decimals)
            for value in values
        ]
        adds = table.adds
        if adds is None or j not in (adds.result, *adds.parts, *adds.less):
            return texts
        results = texts if j == adds.result else self._usual(table, adds.result)
        return [
            self._adding(table, row, adds, j, text, result)
            for row, text, result in zip(table.rows, texts, results, strict=True)
        ]

    def _usual(self, table: Table, j: int) -> list[str]:
        """Write a column without guard digits."""
        return self.cells(table._replace(adds=None), j)

    def _adding(
        self, table: Table, row: tuple[Cell, ...], adds: Adds, j: int, text: str, result: str
    ) -> str:
        """Write a cell of a row whose numbers add up, with the digits that this takes."""
        refs = {at: Ref(str(at), (), "value", row[at]) for at in (*adds.parts, *adds.less)}
        of_row = Add(tuple(-refs[at] if at in adds.less else refs[at] for at in refs))
        places = {refs[at]: table.columns[at].places for at in refs}
        usual = {ref: self.one(float(ref.value), places[ref]) for ref in places}

        def written(node: Number | Ref, further: int) -> str:
            assert isinstance(node, Ref), "the row is made of references alone"
            whole = apart_from_rounding(float(node.value))
            return lengthened(usual[node], whole, further) if further else usual[node]

        digits = digits_for(of_row, float(row[adds.result]), result, written)
        return digits.result if j == adds.result else written(refs[j], digits.guards)

    def lines(
        self, lines: Sequence[Worked], places: Places, leaves: Places | None = None
    ) -> list[LineNumbers]:
        """Write the numbers of lines that belong together, their results as a column.

        Every format asks here, or for a line `alone`, how many digits each operand gets:
        as many as `leaves` says, or by what it is, and the guard digits of its line.
        """
        results = self.column([line.shown for line in lines], places)
        pairs = zip(lines, results, strict=True)
        return [self.of(line, result, leaves) for line, result in pairs]

    def alone(self, line: Worked, places: Places, leaves: Places | None = None) -> LineNumbers:
        """Write the numbers of a line that stands by itself."""
        return self.of(line, self.one(line.shown, places), leaves)

    def of(self, line: Worked, result: str, leaves: Places | None = None) -> LineNumbers:
        """Write the numbers of a line whose result is usually printed as `result`."""
        if not line.agrees:  # it must look as wrong as it is
            return LineNumbers(partial(self.leaf, places=leaves), result)
        return self.line(line.expression, line.shown, result, leaves)

    def line(
        self, expression: Expression, shown: float, result: str, leaves: Places | None = None
    ) -> LineNumbers:
        """Write the numbers of arithmetic that gives `shown`, usually printed as `result`."""

        def written(node: Number | Ref, further: int) -> str:
            return self.leaf(node, leaves, further)

        digits = digits_for(expression, shown, result, written)
        leaf = partial(self.leaf, places=leaves, further=digits.guards)
        return LineNumbers(leaf, digits.result, result if digits.shorter else "")

    def statement(self, block: Statement) -> list[tuple[str, Quantity | None]]:
        """Write a statement: its words and its numbers, with the guard digits of its claims."""
        texts = [part if isinstance(part, str) else self._quantity(part) for part in block.parts]
        for claim in block.claims:
            result = block.parts[claim.result]
            if isinstance(result, str):
                raise TypeError("a claim is about a number of the sentence")
            whole, text = float(result.number.value), texts[claim.result]
            if result.form == "percent":
                hundredfold, text = Number(100.0) * claim.expression, text.removesuffix(" %")
                written = self.line(hundredfold, 100 * whole, text, "gradient")
                texts[claim.result] = f"{written.result} %"
            else:
                written = self.line(claim.expression, whole, text, result.places)
                texts[claim.result] = written.result
            used = set(references(claim.expression))
            for at, part in enumerate(block.parts):
                if isinstance(part, str) or part.words or at == claim.result:
                    continue
                if part.number in used:
                    texts[at] = _signed(written.leaf(part.number), part.form)
        return [
            (text, part if isinstance(part, Quantity) else None)
            for text, part in zip(texts, block.parts, strict=True)
        ]

    def _quantity(self, part: Quantity) -> str:
        value = float(part.number.value)
        if part.words:
            return part.words
        if part.form == "percent":
            return f"{100 * value:.{0 if self.digits is None else self.digits}f} %"
        return _signed(self.one(value, part.places), part.form)

    def leaf(self, node: Number | Ref, places: Places | None = None, further: int = 0) -> str:
        """Write a leaf of an expression as its number, by what it is or by `places`.

        One that is cut gets as many `further` decimals.
        """
        if isinstance(node, Number):
            many = further > 0 or (self.digits is not None and self.digits > MOST)
            return constant_text(node.value, many, signs=False)
        value = node.value
        if places is None:
            places = "input" if isinstance(value, int) else ROLE_PLACES.get(node.role, "value")
            if node.index == () and node.role == "value" and not isinstance(value, int):
                places = "exact"  # a loss or one of its terms
        text = self._usual_text(float(value), places)
        if text.lstrip("-").isdigit() and float(text) != value:
            further = max(further, 1)  # a whole number in a line is meant as it stands
        if not further:
            return text
        if further >= WHOLE:
            return lengthened(text, Decimal(repr(float(value))), further)
        # An input is whole as it was given, and not as a float32 nearest to that.
        whole = shortest(value) if node.role == "input" else self._whole(float(value))
        return lengthened(text, whole, further)


def _signed(text: str, form: str) -> str:
    """Write a number that is added to others with its sign before it."""
    if form != "added":
        return text
    return f"- {text.removeprefix('-')}" if text.startswith("-") else f"+ {text}"


def plain(result: str) -> LineNumbers:
    """Return the numbers of a line of which only the result is written."""
    return LineNumbers(symbol_text, result)


def on_their_points(texts: Sequence[str]) -> list[str]:
    """Fill numbers up with spaces, so that their points stand under each other at the right.

    Examples
    --------
    >>> on_their_points(["0.889769", "-0.07508313", "3"])
    ['0.889769  ', '-0.07508313', '3         ']
    """
    behind = [len(text) - len(text.partition(".")[0]) for text in texts]
    return [text + " " * (max(behind) - own) for text, own in zip(texts, behind, strict=True)]


def _needed(number: float, fewest: int) -> int:
    """Return how many decimals a number has apart from rounding errors, up to `MOST`.

    Examples
    --------
    >>> _needed(0.25, 0), _needed(float(np.float32(0.9)), 0), _needed(float(np.float32(1 / 3)), 0)
    (2, 1, 8)
    >>> _needed(3e306, 0)
    4
    """
    if abs(number) >= LARGE:
        fewest = max(fewest, FEWEST)  # of its mantissa, as it gets an exponent
    if number.is_integer():  # as all of those are that a scale could make infinite
        return fewest
    # A number computed by hand from few decimals differs from them by rounding only.
    off = 1e-14 * max(1.0, abs(number))
    single = abs(number) < MOST_OF_SINGLE and float(np.float32(number)) == number
    for decimals in range(fewest, MOST):
        scale = 10.0**decimals
        scaled = number * scale
        if abs(scaled - round(scaled)) <= off * scale:
            return decimals
        # 0.9 as a float32 is 0.89999998: still one decimal.
        if single and decimals <= FEWEST and float(np.float32(round(number, decimals))) == number:
            return decimals
    return MOST


def fixed(value: float, decimals: int, signed_zeros: bool = False) -> str:
    """Write a number with fixed decimals, or with `EVERY` digit, or those of a `SINGLE`.

    A number too large for a column, or so small that it would read as zero, is written
    with an exponent: a page must not show a zero that is none. A zero has a sign where that is
    asked for alone.
    With `SINGLE`, a number that is no float32 is rounded to the digits of the nearest one, so
    that a reader who recomputes it gets what is printed.

    Examples
    --------
    >>> fixed(1.223, 4), fixed(-0.0, 4, True), fixed(6.1e-7, 4), fixed(31.100958927489703, -1)
    ('1.2230', '-0.0000', '6.1e-07', '31.100958927489703')
    """
    if value == 0 and not signed_zeros:
        value = 0.0
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if decimals == SINGLE and abs(value) <= LARGEST_SINGLE:
        nearest = np.float32(value)
        text = str(nearest)
        if float(nearest) == value or "e" in text:
            return text
        return f"{value:.{len(text.partition('.')[2])}f}"
    if decimals < 0:
        return repr(value)
    if abs(value) >= LARGE:
        return f"{value:.{decimals}e}"
    text = fixed_text(value, decimals)
    if value != 0 and float(text) == 0:
        return f"{value:.{max(decimals - 3, 1)}e}"
    return text
