"""Reading a page of plain text back: its numbers, its matrices, its lines of arithmetic.

What stands here knows how a page looks, not how it was made: it never asks the package
what a number is. A line of arithmetic is computed again from its printed digits, and how
far it may be off follows from those digits alone.
"""

from __future__ import annotations

import contextlib
import io
import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol
from unittest import mock

from vae_explain.cli import entry
from vae_explain.pages.blocks import Walkthrough
from vae_explain.pages.render.terminal import terminal

from .comparing import GUIDES

INDENT = 4  # of every block; what continues an equation stands further in
ANSI = re.compile(r"\x1b\[[0-9;]*m")
LITERAL_IN_CODE = re.compile(r"(?<![\w.])(?<!\*\*)\d+(?:\.\d+)?(?:e[+-]\d+)?(?![\w.])")
SIGNED = re.compile(r"(?<![\w.\-])-?\d+(?:\.\d+)?(?:e[+-]\d+)?(?![\w.])")
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]\d+)?")
SIGNS = {"·": "*", "²": "**2", "³": "**3", "^": "**", "½": "0.5", "√": "sqrt"}
FUNCTIONS: dict[str, Callable[..., float]] = {
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "tanh": math.tanh,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "softplus": lambda x: math.log1p(math.exp(x)),
    "abs": abs,
    "max": max,
    "argmax": lambda *numbers: numbers.index(max(numbers)),
    "argmin": lambda *numbers: numbers.index(min(numbers)),
    "Φ": lambda x: math.erfc(-x / math.sqrt(2)) / 2,
    "φ": lambda x: math.exp(-x * x / 2) / math.sqrt(2 * math.pi),
}
FEWEST_ROUNDED = 4  # decimals; a number that is written with fewer is meant as it stands
MOST_ROUNDED = 12  # decimals; a number that is written with more has all its digits


# --- the command line -------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    code: int
    out: str
    err: str


class CommandLine(Protocol):
    """Runs a command in this process."""

    def __call__(
        self, *arguments: str, columns: int | str = 80, encoding: str = "utf-8"
    ) -> Outcome: ...


def command_line(*arguments: str, columns: int | str = 80, encoding: str = "utf-8") -> Outcome:
    """Run a command with streams of an encoding and a terminal of a width."""
    raw_out, raw_err = io.BytesIO(), io.BytesIO()
    out = io.TextIOWrapper(raw_out, encoding=encoding, newline="\n")
    err = io.TextIOWrapper(raw_err, encoding=encoding, newline="\n")
    environment = {"COLUMNS": str(columns)}
    with (
        mock.patch.dict(os.environ, environment),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = entry.run(list(arguments))
        out.flush()
        err.flush()
    return Outcome(code, raw_out.getvalue().decode(encoding), raw_err.getvalue().decode(encoding))


def text_of(
    page: Walkthrough, width: int, digits: int | None = None, ascii_only: bool = False
) -> str:
    """Write a page as plain text; one that was written so before is not laid out again."""
    key = (id(page), width, digits, ascii_only)
    if key not in _WRITTEN:
        lines = terminal.lay_out(page, width, digits, ascii_only)
        _WRITTEN[key] = (page, terminal.plain(lines))  # kept, so that its id stays its own
    return _WRITTEN[key][1]


_WRITTEN: dict[tuple[int, int, int | None, bool], tuple[Walkthrough, str]] = {}


# --- numbers ----------------------------------------------------------------------------


def shortest(number: str) -> str:
    """Drop what a wider column adds: `1.2230` and `1.223` are one figure, as are `0.` and `0`.

    Examples
    --------
    >>> shortest("1.2230"), shortest("-0.0000"), shortest("0."), shortest("10")
    ('1.223', '-0', '0', '10')
    """
    return number.rstrip("0").rstrip(".") if "." in number and "e" not in number else number


def numbers_in(text: str) -> set[str]:
    """Return the numbers that stand by themselves in a text, without padding zeros.

    A sign counts when it touches its number: `a - 0.5` subtracts 0.5.
    """
    return {shortest(number) for number in SIGNED.findall(text)}


Rounding = Callable[[str], float]


def half_unit(literal: str) -> float:
    """Return half a unit in the last printed place of a number."""
    mantissa, _, exponent = literal.partition("e")
    return float(0.5 * 10.0 ** (int(exponent or "0") - _decimals(mantissa)))


def default_rounding(literal: str) -> float:
    """Return how far a printed number may be from the one that was rounded to it.

    One that is written with few decimals is a constant, and one with very many is whole.
    """
    rounded = "e" in literal or FEWEST_ROUNDED <= _decimals(literal) <= MOST_ROUNDED
    return half_unit(literal) if rounded else 0.0


def printed_rounding(literal: str) -> float:
    """As `default_rounding`, for values by hand: fewer than 8 decimals are all there are."""
    return default_rounding(literal) if "e" in literal or _decimals(literal) >= 8 else 0.0


def _decimals(literal: str) -> int:
    return len(literal.partition("e")[0].partition(".")[2])


class Reading(NamedTuple):
    """What the printed numbers of a page may hide: their rounding, and the arithmetic's."""

    rounding: Rounding
    precision: float = 1e-14


BY_HAND = Reading(printed_rounding)
ROUNDED = Reading(default_rounding)
FLOAT32 = Reading(default_rounding, 5e-7)


# --- sections and matrices --------------------------------------------------------------


def sections(text: str) -> list[str]:
    """Cut a page at its numbered headings; what stands before the first is left out."""
    return re.split(r"(?m)^ (?=\d+  \S)", text)[1:]


def section_with(text: str, start: str) -> str:
    """Return the only section with a line that starts like this."""
    found = [
        section
        for section in sections(text)
        if any(line.strip().startswith(start) for line in section.splitlines())
    ]
    assert len(found) == 1, f"{len(found)} sections have a line that starts {start!r}"
    return found[0]


def matrix(text: str, name: str) -> list[list[str]]:
    """Return the numbers of a matrix as printed, row by row."""
    lines = text.splitlines()
    heads = [i for i, line in enumerate(lines) if re.match(rf"\s*{re.escape(name)}  \[", line)]
    assert len(heads) == 1, f"{len(heads)} matrices are called {name}"
    rows: list[list[str]] = []
    for line in lines[heads[0] + 1 :]:
        if not line.strip():
            break
        if re.fullmatch(rf"\s*{re.escape(name)}\[\d+(,\d+)*\].*", line):
            continue  # which matrix of several it is
        numbers = SIGNED.findall(line)
        if line.strip()[0] in "⎡⎢⎣[" or not rows:
            rows.append(numbers)
        else:
            rows[-1] += numbers  # a single row that did not fit
    return rows


# --- arithmetic -------------------------------------------------------------------------


@dataclass(frozen=True)
class Claim:
    """A line of arithmetic as it stands on a page: `label = expression = value`.

    `summands` has the expression in one piece, or in the cells of a row whose sum it is;
    it is empty for a line that only states a value.
    """

    label: str
    summands: tuple[str, ...]
    value: str
    remark: str = ""

    def __str__(self) -> str:
        return f"{self.label} = {' | '.join(self.summands)} = {self.value}"


ROW = re.compile(rf"\s+(?P<label>\d+(?:,\d+)*)  +(?P<cells>.*?)  =  +(?P<rest>{NUMBER.pattern}.*)")
NAME = re.compile(r"[^\W\d][\w./∂]*(?:\[\d+(?:,\d+)*\])?")
# A number of a derivation, below the one that is made from it.
DERIVED = re.compile(rf" +(?!computed){NAME.pattern}(?:, \[[\d,]+\])*(?: = |: | =$)")
ENDING = re.compile(rf"(?P<value>{NUMBER.pattern})(?P<remark>(?: +[^\d\s.].*)?)")


def claims(text: str) -> list[Claim]:
    """Return every line of arithmetic of a page, in order.

    A line that has an equals sign and a number behind it, but cannot be read, is not
    passed over: it comes back as it is and fails when it is computed.
    """
    found: list[Claim] = []
    for line in _joined(text.translate(GUIDES)):
        row = ROW.match(line)
        if row:
            value, remark = _ending(row["rest"])
            cells = tuple(re.split(r"  +", row["cells"].strip()))
            found.append(Claim(f"[{row['label']}]", cells, value, remark))
            continue
        parts = re.sub(r"^\s*for example\s+", "", line).strip().split(" = ")
        if len(parts) == 1:
            continue  # wrapped words
        label, *middle, end = parts
        ending = ENDING.fullmatch(end)
        if ending and " " not in label:  # else words stand before it: `zero only for μ = 0`
            # In a derivation the symbols stand first, and a number may be passed on as it is.
            expression = () if not middle or NAME.fullmatch(middle[-1]) else (middle[-1],)
            found.append(Claim(label, expression, ending["value"], ending["remark"].strip()))
    return found


def _joined(text: str) -> list[str]:
    """Put equations that were broken on one line again, and leave tables as they are."""
    lines: list[str] = []
    is_open = False
    for line in text.splitlines():
        further_in = line.startswith(" " * (INDENT + 1))
        if is_open and further_in and not (ROW.match(line) or DERIVED.match(line)):
            lines[-1] += " " + line.strip()
            continue
        if line.strip() == "for example":
            line, is_open = line + " ", True
        else:
            is_open = " = " in line or line.endswith(" =")
        lines.append(line)
    return [line for line in lines if " = " in line or ROW.match(line)]


def _ending(rest: str) -> tuple[str, str]:
    ending = ENDING.fullmatch(rest)
    assert ending, f"no number ends {rest!r}"
    return ending["value"], ending["remark"].strip()


def recompute(claim: Claim, reading: Reading = ROUNDED) -> tuple[float, float]:
    """Return what a line gives from its printed numbers, and how far off it may be.

    Every printed number may be off by its rounding, which is carried through by computing
    the line again with that number moved.
    """
    literals: list[str] = []

    def placeholder(found: re.Match[str]) -> str:
        literals.append(found[0])
        return f"v[{len(literals) - 1}]"

    written = " + ".join(f"({cell})" for cell in claim.summands)
    for sign, operator in SIGNS.items():
        written = written.replace(sign, operator)
    code = compile(re.sub(LITERAL_IN_CODE, placeholder, written), str(claim), "eval")

    def value(numbers: list[float]) -> float:
        return float(eval(code, {"__builtins__": {}, "v": numbers, **FUNCTIONS}))

    rounding, precision = reading
    if len(claim.summands) > 1 and all(NUMBER.fullmatch(cell) for cell in claim.summands):
        rounding = half_unit  # products, rounded each
    numbers = [float(literal) for literal in literals]
    result = value(numbers)
    allowed = rounding(claim.value) + precision * (1 + abs(result))
    for position, literal in enumerate(literals):
        moved = list(numbers)
        moved[position] += rounding(literal) + precision * numbers[position]
        allowed += abs(value(moved) - result)
    return result, allowed


def wrong(found: list[Claim], reading: Reading = ROUNDED) -> list[str]:
    """Return the lines that do not give what stands behind their equals sign."""
    failures = []
    for claim in found:
        if not claim.summands:
            continue
        result, allowed = recompute(claim, reading)
        if not abs(result - float(claim.value)) <= allowed:
            failures.append(f"{claim}: computed {result!r}, allowed {allowed:.1e}")
    return failures
