"""What stands behind a label: one number, printed arithmetic, or an array of these."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..arithmetic.evaluation import CannotEvaluate, evaluate
from ..grammar.brackets import DEEPEST
from ..grammar.cursor import Unreadable
from ..grammar.parser import parse
from ..grammar.syntax import Row, Transposed, Tree, is_numeric, literals
from ..grammar.tokens import MathToken


def read_value(tokens: Sequence[MathToken], start: int) -> tuple[Tree, int] | None:
    """Read the longest value that begins at a token, and say where it ends; None if none does."""
    try:
        tree, end = parse(tokens, start)
    except (Unreadable, RecursionError):
        return None
    while isinstance(tree, Transposed):
        tree = tree.body
    numbers = literals(tree)
    if not numbers or not is_numeric(tree) or any(number.text.endswith("%") for number in numbers):
        return None
    return tree, end


def numbers_of(value: Tree) -> list[Tree]:
    """Return the numbers and arithmetic of a value, in order, row by row."""
    if not isinstance(value, Row):
        return [value]
    return [number for entry in value.entries for number in numbers_of(entry)]


def shape_of(value: Tree) -> tuple[int, ...] | None:
    """Return a value's shape; None when its rows differ."""
    if not isinstance(value, Row):
        return ()
    inner = {shape_of(entry) for entry in value.entries}
    if len(inner) != 1:
        return None
    (one,) = inner
    return None if one is None else (len(value.entries), *one)


def line_of(value: Tree, line: int = 0) -> int:
    """Return the line that a value begins on."""
    numbers = literals(value)
    return numbers[0].line if numbers else line


def value_of(tree: Tree) -> float:
    """Return what printed arithmetic gives, from its digits; NaN for what cannot be computed."""
    try:
        return float(evaluate(tree).middle)
    except (CannotEvaluate, TypeError):
        return float("nan")


def text_of(tokens: Sequence[MathToken], depth: int = 0) -> str:
    """Return tokens in words and plain signs on one line: `x_hat`, `∂L/∂μ`, `W[1]`."""
    return "" if depth > DEEPEST else " ".join("".join(_written(tokens, depth + 1)).split())


def _written(tokens: Sequence[MathToken], depth: int) -> Iterator[str]:
    position = 0
    while position < len(tokens):
        token = tokens[position]
        position += 1
        if token.spaced or token.kind in ("gap", "line"):
            yield " "
        if token.kind == "fraction":
            above, position = _argument(tokens, position)
            below, position = _argument(tokens, position)
            yield f"({text_of(above, depth)})/({text_of(below, depth)})"
        elif token.kind == "hat":
            inside, position = _argument(tokens, position)
            yield f"{text_of(inside, depth)}_hat"
        elif token.kind == "root":
            inside, position = _argument(tokens, position)
            yield f"sqrt({text_of(inside, depth)})"
        elif token.text in ("_", "^") and token.mode == "math":
            inside, position = _argument(tokens, position)
            raised = tokens[position : position + 1]
            if token.text == "_" and raised and raised[0].text == "^":
                above, position = _argument(tokens, position + 1)
                yield _mark("^", above, text_of(above, depth))  # `σ_0^2` is an element of σ^2
            yield _mark(token.text, inside, text_of(inside, depth))
        elif token.kind == "name" and token.mode == "math":
            base, _, index = token.text.partition("_")
            yield f"{base}[{index}]" if index.isdecimal() else token.text
        elif token.text != "group":
            yield token.text


def _mark(sign: str, inside: Sequence[MathToken], words: str) -> str:
    if sign == "_":
        counted = inside and all(token.kind in ("number", "comma") for token in inside)
        return f"[{words}]" if counted else f"_{words.replace(' ', '')}"
    if words == "T":
        return "ᵀ"
    return f"^{words}" if len(inside) == 1 else f"^({words})"


def _argument(tokens: Sequence[MathToken], start: int) -> tuple[Sequence[MathToken], int]:
    """Return what a command or mark is of: what `{…}` holds, or one token."""
    if start >= len(tokens) or tokens[start].text != "group":
        return tokens[start : start + 1], start + 1
    depth = 0
    for end in range(start, len(tokens)):
        if tokens[end].text == "group":
            depth += 1 if tokens[end].kind == "open" else -1
            if depth <= 0:
                return tokens[start + 1 : end], end + 1
    return tokens[start + 1 :], len(tokens)
