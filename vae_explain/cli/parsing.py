"""Reading the values of options: strict, because a misread number is a wrong page."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import Any

from ..models.changes import Change
from ..models.request import Written
from . import other_words
from .errors import Problem
from .other_words import Choice

LARGEST_FLOAT32 = 3.4028234663852886e38
SMALLEST_FLOAT32 = 1.401298464324817e-45
LARGEST_SEED = 2**64 - 1
# Adam divides by 1 - β1 = 0.1 at its first step, which float32 must hold.
LARGEST_RATE = 1e30
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
WRAPPED = re.compile(r"(?:\[([^\[\]]*)\]|\(([^()]*)\))\s*,?")  # as a list or a tuple is written
MINUS_SIGNS = str.maketrans({"−": "-", "–": "-", "﹣": "-", "－": "-"})


def flag(name: str) -> str:
    """Return the option that a name of Python stands for: `--x-file` of `x_file`."""
    return "--output" if name == "output_file" else "--" + name.replace("_", "-")


def numbers(option: str, text: str) -> tuple[float, ...]:
    """Read numbers separated by commas or spaces.

    Raises
    ------
    Problem
        For anything but finite numbers that a float32 holds, each written plainly.
    """
    example = f"give numbers separated by commas, such as {option} 1,-0.5,2e-3"
    plain = text.translate(MINUS_SIGNS).strip()
    if wrapped := WRAPPED.fullmatch(plain):
        plain = (wrapped[1] or wrapped[2] or "").strip().removesuffix(",")
    if not plain:
        raise Problem(option, "''", f"no numbers given; {example}")
    parts = [part.strip() for part in plain.split(",")] if "," in plain else plain.split()
    if any(not part for part in parts):
        raise Problem(
            option,
            text,
            "two commas with no number between, or one at an end; put a number at each place",
        )
    if "," in plain:
        parts = [piece for part in parts for piece in part.split()]
    return tuple(_number(option, text, part, example) for part in parts)


TOO_LARGE = "{} is too large for float32; use numbers of at most 3.4e38"


def _number(option: str, text: str, part: str, example: str, too_large: str = TOO_LARGE) -> float:
    if part.lower().strip("+-") in ("nan", "inf", "infinity"):
        raise Problem(option, text, f"{part} is not a number to compute with; {example}")
    if ";" in part:
        raise Problem(
            option,
            text,
            f"decimals take a point and numbers are separated by commas; "
            f"{example}; for a batch repeat {option}",
        )
    if not NUMBER.fullmatch(part) or not part.isascii():
        raise Problem(option, text, f"{part!r} is not a number; {example}")
    value = float(part)
    if abs(value) > LARGEST_FLOAT32:
        raise Problem(option, text, too_large.format(part))
    mantissa = re.split("[eE]", part)[0]
    if abs(value) < SMALLEST_FLOAT32 / 2 and re.search("[1-9]", mantissa):
        raise Problem(option, text, f"{part} is too small for float32; write 0 if it is meant")
    return value


def rows(option: str, texts: Sequence[str], width: int) -> tuple[tuple[float, ...], ...]:
    """Read one row of numbers from each use of an option, all of the model's width."""
    parsed = tuple(numbers(option, text) for text in texts)
    for text, row in zip(texts, parsed, strict=True):
        if len(row) != width:
            example = ",".join(str(i + 1) for i in range(min(width, 8)))
            raise Problem(
                option,
                text,
                f"{len(row)} given, but the model takes {width}; "
                f"give {width}, such as {option} {example}",
            )
    return parsed


def whole(option: str, text: str, lowest: int, highest: int, what: str) -> int:
    """Read a whole number between two bounds."""
    plain = text.strip()
    if not re.fullmatch(r"[+-]?\d+", plain) or not plain.isascii():
        raise Problem(option, text, f"{what} is a whole number from {lowest} to {highest}")
    if not lowest <= int(plain) <= highest:
        raise Problem(option, text, f"{what} is a whole number from {lowest} to {highest}")
    return int(plain)


def widths(
    option: str, text: str, highest: int, example: str = "write widths such as 16-8"
) -> tuple[int, ...]:
    """Read the widths of layers, with a dash, a comma, a space, an x or an arrow between."""
    plain = text.strip().removeprefix("[").removesuffix("]").removeprefix("(").removesuffix(")")
    parts = re.split(r"\s*(?:->|[-–,x×→>])\s*|\s+", plain.strip().removesuffix(","))
    sizes = [int(part) if part.isascii() and part.isdigit() else 0 for part in parts]
    if not all(1 <= width <= highest for width in sizes):
        mend = f"a width is a whole number from 1 to {highest}; {example}"
        raise Problem(option, text, mend)
    return tuple(sizes)


def positive(option: str, text: str, highest: float, what: str) -> float:
    """Read one number above zero and up to a bound."""
    example = f"give one number above 0, such as {option} 0.01"
    plain = text.translate(MINUS_SIGNS).strip()
    bounds = f"{what} is above 0 and at most {highest:g}; {example}"
    value = _number(option, text, plain, example, bounds)
    if not 0 < value <= highest:
        raise Problem(option, text, bounds)
    return value


def learning_rate(text: str) -> float:
    """Read the size of a step."""
    return positive("--lr", text, LARGEST_RATE, "a learning rate")


def from_zero(option: str, text: str, what: str) -> float:
    """Read one number that is not below zero."""
    example = f"give one number from 0 up, such as {option} 0.5"
    value = _number(option, text, text.translate(MINUS_SIGNS).strip(), example)
    if value < 0:
        raise Problem(option, text, f"{what} cannot be below 0; {example}")
    return value


def choice(option: str, text: str, choices: Sequence[Choice]) -> Choice:
    """Read one of a few words, in any case and by other names that it has."""
    meant = other_words.choice_of(text, choices)
    if meant is None:
        *others, last = choices
        raise Problem(option, text, f"choose {', '.join(others)} or {last}")
    return meant


def argument(option: str, text: str) -> tuple[str, Any]:
    """Read `name=value`, the value as a Python literal where it is one."""
    name, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not all(part.isidentifier() for part in name.split(".")):
        raise Problem(option, text, "write name=value, such as latent=2 or args.latent=2")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, Written(value)


def change(option: str, text: str) -> Change:
    """Read `NAME[i,j]=VALUE`; which entry that is, is judged where the names are known."""
    target, equals, value = (part.strip() for part in text.rpartition("="))
    example = f'write NAME[i,j]=VALUE in quotes, such as {option} "fc1.weight[0,1]=0.5"'
    if not equals or not target or not value:
        raise Problem(option, text, example)
    return Change(target, _number(option, text, value.translate(MINUS_SIGNS), example))
