"""How an expression is written as text, in pieces to colour."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence

from ..quick_classes import NamedTuple
from . import boxes
from .boxes import Box, LeafBox
from .cases import assert_never
from .expression import Add, Expression, Index, Number, Ref, Role


class Token(NamedTuple):
    """A piece of a written expression and what it stands for, so that it can be coloured."""

    text: str
    role: Role


Write = Callable[[Number | Ref], str]  # how a leaf is written
SUPERSCRIPTS = {2.0: "²", 3.0: "³"}
MOST_SYMBOLS = 4  # summands of a formula that are written before it is elided
# Constants that have a sign of their own.
SIGNS = {0.5: "½", 0.25: "¼", math.pi: "π"}


MOST_SHARES = 10**6  # the largest denominator that a mean is written with
LONG = 8  # signs from which on a fraction is easier to read than its decimals
MOST_DIGITS, ROUNDED_TO = 10, 8  # a constant of more digits is rounded

_INDEXED = re.compile(r"(.*)\[(\d+(?:,\d+)*)\]", re.DOTALL)


def constant_text(value: float, whole: bool = False, signs: bool = True) -> str:
    """Write a constant of a formula: `2`, `½`, `π`, `(1/18)`, `1e-05`.

    One of more digits than a page has for other numbers is rounded, if not wanted `whole`.
    Without `signs` it is written in digits: `0.5`, `3.1415927`.

    Examples
    --------
    >>> constant_text(0.7071067811865476), constant_text(0.0010000000000000009)
    ('0.70710678', '0.001')
    """
    if signs and abs(value) in SIGNS:
        return f"{'-' if value < 0 else ''}{SIGNS[abs(value)]}"
    parts = fraction_of(value)
    if parts is not None:
        return f"{'-' if value < 0 else ''}({parts[0]}/{parts[1]})"
    if abs(value) < 1e15 and value == int(value):
        return str(int(value))
    written = repr(value)
    digits = written.partition("e")[0].lstrip("-0.").replace(".", "")
    if whole or len(digits) <= MOST_DIGITS:
        return written
    rounded = f"{value:.{ROUNDED_TO}g}"
    return rounded if float(rounded) != round(value) else written  # 0.99999999999 is not 1


def number_text(value: float) -> str:
    """Write a number with every digit that tells it from another, and no more: 1, 0.5, -2e-05."""
    return repr(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def fraction_of(value: float) -> tuple[int, int] | None:
    """Return the fraction that a mean over so many numbers brings in: 1/n, or a square's 2/n.

    Examples
    --------
    >>> fraction_of(1 / 18), fraction_of(2 / 15), fraction_of(0.125), fraction_of(0.3)
    ((1, 18), (2, 15), None, None)
    """
    size = abs(value)
    if not 1 / MOST_SHARES <= size < 1 or len(repr(size)) <= LONG:
        return None
    for above in (1, 2):
        below = round(above / size)
        if above / below == size:
            return above, below
    return None


def index_text(index: Iterable[int]) -> str:
    """Write an index as Python does: `[0,1]`; nothing for a number without one."""
    inside = ",".join(map(str, index))
    return f"[{inside}]" if inside else ""


def split_index(text: str) -> tuple[str, Index]:
    """Split a name from the index after it, which `index_text` wrote.

    Examples
    --------
    >>> split_index("h[0].weight[0,12]"), split_index("mse"), split_index("[3]")
    (('h[0].weight', (0, 12)), ('mse', ()), ('', (3,)))
    """
    match = _INDEXED.fullmatch(text)
    return (match[1], tuple(map(int, match[2].split(",")))) if match else (text, ())


def gradient_parts(name: str) -> tuple[str, str]:
    """Return what a gradient is of, and what it is at; for another name the first is empty.

    Examples
    --------
    >>> gradient_parts("∂loss/∂mu"), gradient_parts("mu")
    (('loss', 'mu'), ('', 'mu'))
    """
    above, slash, below = name.partition("/∂")
    return (above[1:], below) if slash and name.startswith("∂") else ("", name)


def symbol_text(leaf: Number | Ref) -> str:
    """Write a leaf as its name, which is the leaf writer of formulas."""
    if isinstance(leaf, Number):
        return constant_text(leaf.value)
    return leaf.name if leaf.index is None else leaf.name + index_text(leaf.index)


def to_text(expression: Expression, leaf: Write = symbol_text) -> str:
    """Write a tree on one line, its leaves by `leaf`."""
    return "".join(token.text for token in to_tokens(expression, leaf))


def to_tokens(expression: Expression, leaf: Write = symbol_text) -> list[Token]:
    """Write a tree as coloured pieces, its leaves by `leaf`."""

    def laid(node: Number | Ref) -> LeafBox:
        text = leaf(node)
        return LeafBox(node, text[1:], minus=True) if text.startswith("-") else LeafBox(node, text)

    tokens: list[Token] = []
    _write(boxes.lay_out(expression, boxes.Notation(laid, shapes=True)), tokens)
    return tokens


def _write(box: Box, tokens: list[Token]) -> None:
    """Add the pieces of a box."""
    match box:
        case LeafBox(node, text, minus):
            role: Role = "constant" if isinstance(node, Number) else node.role
            tokens.append(Token(f"-{text}" if minus else text, role))
        case boxes.ProductBox(factors):
            _list(factors, "·", tokens)
        case boxes.SumBox(terms):
            _write(terms[0], tokens)
            for term in terms[1:]:
                sign, bare = boxes.joined(term)
                tokens.append(Token(f" {sign} ", "operator"))
                _write(bare, tokens)
        case boxes.NegativeBox(body):
            _wrap("-", (body,), "", tokens)
        case boxes.FenceBox((boxes.TotalBox() | boxes.TransposedBox()) as closed):
            _write(closed, tokens)  # it has parentheses of its own, or is one sign longer
        case boxes.FenceBox(inside):
            _wrap("(", (inside,), ")", tokens)
        case boxes.FractionBox(above, below):
            _list((above, below), "/", tokens)
        case boxes.PowerBox(base, LeafBox(Number(value))) if value in SUPERSCRIPTS:
            _wrap("", (base,), SUPERSCRIPTS[value], tokens)
        case boxes.PowerBox(base, exponent):
            _list((base, exponent), "^", tokens)
        case boxes.TransposedBox(body):
            _wrap("", (body,), "ᵀ", tokens)
        case boxes.MatrixProductBox(left, right):
            _list((left, right), " @ ", tokens)
        case boxes.TotalBox(body, over):
            body = body.inside if isinstance(body, boxes.FenceBox) else body
            _wrap("Σ(", (body,), f", dim={over})" if over else ")", tokens)
        case boxes.ApplicationBox("gate", arguments):
            _wrap("[", arguments, " > 0]", tokens)
        case boxes.ApplicationBox(function, arguments):
            _wrap(f"{function}(", arguments, ")", tokens)
        case boxes.CallBox(op, arguments, options):
            _wrap(f"{op}(", arguments, "", tokens)
            for position, option in enumerate(options, start=len(arguments)):
                _wrap(", " if position else "", (), option, tokens)
            tokens.append(Token(")", "operator"))
        case boxes.AccessBox(body, code):
            _wrap("", (body,), code, tokens)
        case _:
            assert_never(box)


def _list(listed: Sequence[Box], between: str, tokens: list[Token]) -> None:
    for position, box in enumerate(listed):
        if position:
            tokens.append(Token(between, "operator"))
        _write(box, tokens)


def _wrap(before: str, inside: Sequence[Box], after: str, tokens: list[Token]) -> None:
    if before:
        tokens.append(Token(before, "operator"))
    _list(inside, ", ", tokens)
    if after:
        tokens.append(Token(after, "operator"))


def elided(expression: Expression, most: int = MOST_SYMBOLS) -> Expression:
    """Shorten the symbols of a long sum to its ends; its numbers stand under them in full."""
    if isinstance(expression, Add) and len(expression.terms) > most:
        first, *_, before, last = expression.terms
        return Add((first, Ref("…", None, "constant"), before, last))
    return expression
