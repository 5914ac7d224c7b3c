"""Comparing pages as text, but for what another processor makes otherwise.

A processor adds up in its own order, and one with fused instructions rounds a product and a
sum at once. So the last digits differ, and what is said of them: how far a line is from
PyTorch, how many guard digits make it hold, and where it therefore breaks. All text and all
digits that every processor gives must be the same. This is the one place that says which those
are; golden files and transcripts are compared here and nowhere else.

A golden file holds a page as it is, the two things hidden that differ from run to run
(`hidden`), so that a person can read it.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"
HIDDEN = {r"PyTorch \d+\.\d+\.\d+": "PyTorch N.N.N", r"\b\d\.\de[+-]\d\d\b": "N.Ne-NN"}
# Whether anything is between two results depends on the processor, and how much.
ROUNDING = "(largest relative difference N.Ne-NN)", "(no difference)"
MARKS = ("✓ ", "✗ ", "! ")  # which open the notes that say it
ELSEWHERE = re.compile(r"\n +! \S+: printed \S+, computed \S+ \(agrees, as another .*\)\n")

REMARK = re.compile(r",? +computed: [-−]?[\d.]+(?:e[-−+]\d+)?")  # where a result lost digits
LABEL = re.compile(r"^( *)\S*(?=\[#(?:,#)*\] = )")  # its name is left out where lines break

NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]\d+)?")
IN_FLOAT32 = re.compile(r"arithmetic: full|PyTorch's own, in float32")
# Of a number of size one: some ten units in the last place, which is what a run of a few
# layers may lose.
SINGLE, DOUBLE = 2.0**-20, 2.0**-44
CERTAIN = 5  # significant digits of a float32, which every processor gives

Numbers = Callable[[], Iterable[float]]


def hidden(page: str) -> str:
    """Replace what a page owes to the machine and the installation."""
    for pattern, shown in HIDDEN.items():
        page = re.sub(pattern, shown, page)
    return page


class Golden:
    """Compares pages with the files of `golden/`, or writes these anew.

    The fixture `golden` is the way to it, which marks a test as one that compares text.
    """

    def __init__(self, is_updated: bool) -> None:
        self.is_updated = is_updated

    def compare(self, name: str, page: str, numbers: Numbers = tuple) -> None:
        """Fail where a page departs from its file; `numbers` are its own, unrounded."""
        path = GOLDEN / name
        if self.is_updated:
            path.write_text(hidden(page), encoding="utf-8")
        difference = differences(path.read_text(encoding="utf-8"), page, numbers)
        if difference:
            pytest.fail("\n".join([f"{name} is not what is written now", *difference]), False)


GUIDES = str.maketrans("│├└", "   ")  # of a tree, which stand in the place of an indent


def lines_of(page: str) -> list[str]:
    """Return the lines that every processor gives, unwrapped, but for last digits."""
    page = page.translate(GUIDES)
    page = "\n".join(unwrapped(hidden(page).splitlines())) + "\n"
    return ELSEWHERE.sub("", REMARK.sub("", page.replace(*ROUNDING))).splitlines()


def unwrapped(lines: Iterable[str]) -> list[str]:
    """Put notes and equations that were broken on one line again.

    What follows in a note stands two signs further in, and in an equation begins with a sign.
    """
    found: list[str] = []
    for line in lines:
        before = found[-1] if found else ""
        indent = " " * (len(before) - len(before.lstrip()))
        note = before.lstrip().startswith(MARKS) and re.match(rf"{indent}  \S", line)
        if note or (" = " in before and re.match(rf"{indent} +(?:[-=+·] |computed: )", line)):
            found[-1] = f"{before} {line.strip()}"
        else:
            found.append(line)
    return found


def differences(kept: str, page: str, numbers: Numbers = tuple) -> list[str]:
    """Return where a page departs from the one that was kept; empty where it does not.

    Parameters
    ----------
    numbers
        Gives the page's numbers unrounded, by which one that is rounded the other way, as
        it lies between two, is told from a wrong digit.
    """
    rounding = rounding_of(page)
    before, after = lines_of(kept), lines_of(page)
    # A number with a digit less moves what stands beside it, and above it.
    pairs = zip(*(NUMBER.findall("\n".join(lines)) for lines in (before, after)), strict=False)
    moves = any(len(a) != len(b) for a, b in pairs)
    if len(before) == len(after) and all(
        alike(a, b, rounding, numbers, moves) for a, b in zip(before, after, strict=True)
    ):
        return []
    return list(difflib.unified_diff(before, after, "kept", "now", lineterm=""))


def rounding_of(page: str) -> float:
    """Return how far apart two processors may be on a page, by the arithmetic that it names."""
    return SINGLE if IN_FLOAT32.search(page) else DOUBLE


def alike(kept: str, line: str, rounding: float, numbers: Numbers, moves: bool) -> bool:
    """Whether two lines are the same, but for digits that a processor rounds otherwise.

    Parameters
    ----------
    moves
        Whether columns may stand elsewhere.
    """
    if kept == line:
        return True
    texts = [NUMBER.sub("#", text) for text in (kept, line)]
    if moves:
        texts = [LABEL.sub(r"\1", text) for text in texts]
        texts = [re.sub("  +|(?<=-)--+", "  ", text).strip() for text in texts]
    return texts[0] == texts[1] and all(
        same_number(a[0], b[0], rounding)
        or on_the_edge(a[0], b[0], rounding, numbers)
        or (a.start() < kept.rfind(" = ") and same_operand(a[0], b[0], rounding))
        for a, b in zip(NUMBER.finditer(kept), NUMBER.finditer(line), strict=True)
    )


def same_number(kept: str, written: str, rounding: float) -> bool:
    """Whether two numbers differ only in digits that a processor rounds otherwise.

    In float32 these are never the first five, and the last may be rounded the other way.
    """
    if kept == written:
        return True
    larger = max(float(kept), float(written))
    last = max(last_place(kept), last_place(written))
    if last >= larger * 10.0**-CERTAIN:
        return False
    allowed = rounding * max(larger, 1.0)
    if rounding == SINGLE:
        fifth = 10.0 ** (math.floor(math.log10(larger)) - CERTAIN + 1)
        allowed = max(min(allowed, fifth / 2), last)
    return abs(float(kept) - float(written)) <= allowed * (1 + 1e-9)


def same_operand(kept: str, written: str, rounding: float) -> bool:
    """Whether two numbers are one that was cut, with more guard digits or fewer."""
    finer, coarser = sorted(map(last_place, (kept, written)))
    larger = max(float(kept), float(written))
    if rounding != SINGLE or not finer < coarser < min(larger, 1.0):
        return False
    half = coarser / 2 + rounding * max(larger, 1.0)
    return abs(float(kept) - float(written)) <= half * (1 + 1e-9)


def on_the_edge(kept: str, written: str, rounding: float, numbers: Numbers) -> bool:
    """Whether two numbers are one that lies between them, rounded down and up."""
    last, middle = last_place(kept), (float(kept) + float(written)) / 2
    if last != last_place(written) or abs(float(kept) - float(written)) > 1.01 * last:
        return False
    return any(abs(abs(n) - middle) <= rounding * max(middle, 1.0) for n in numbers())


def last_place(number: str) -> float:
    """Return one unit in the last place that a number is written to."""
    mantissa, _, exponent = number.partition("e")
    return float(10.0 ** (int(exponent or "0") - len(mantissa.partition(".")[2])))


def numbers_of(json_page: str) -> list[float]:
    """Return all numbers of a page in JSON, which are unrounded."""
    found: list[float] = []

    def keep(text: str) -> None:
        found.append(float(text))

    json.loads(json_page, parse_float=keep)
    return found


def not_found(figures: Iterable[str], numbers: Iterable[str]) -> set[str]:
    """Return the figures that are none of the numbers, but for a float64's last digits."""
    found = set(numbers)
    return {
        figure
        for figure in figures
        if figure not in found and not any(same_figure(figure, number) for number in found)
    }


def same_figure(figure: str, number: str) -> bool:
    signs = [text.startswith("-") for text in (figure, number)]
    return signs[0] == signs[1] and same_number(figure.lstrip("-"), number.lstrip("-"), DOUBLE)
