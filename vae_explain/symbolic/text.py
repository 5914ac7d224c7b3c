"""How an expression is written: as pieces to colour, and as text; as LaTeX in `latex`.

One walk over the tree serves symbols and substituted numbers alike: how a leaf is
written is asked of the caller, so rounding stays with the renderers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from .expression import (
    Add,
    Apply,
    Div,
    Expression,
    MatMul,
    Mul,
    Neg,
    Number,
    Opaque,
    Pow,
    Ref,
    Reshape,
    Role,
    SumOver,
    Transpose,
)


class Token(NamedTuple):
    """A piece of a written expression and what it stands for, so that it can be coloured."""

    text: str
    role: Role


Leaf = Callable[[Number | Ref], str]
SUPERSCRIPTS = {2.0: "²", 3.0: "³"}
MOST_SYMBOLS = 4  # summands of a formula that are written before it is elided
HALVES = {0.5: "½", -0.5: "-½", 0.25: "¼", -0.25: "-¼"}


MOST_SHARES = 10**6  # the largest denominator that a mean is written with
LONG = 8  # signs from which on a fraction is easier to read than its decimals
MOST_DIGITS, ROUNDED_TO = 10, 8  # a constant of more digits is rounded


def constant_text(value: float, whole: bool = False) -> str:
    """Write a constant of a formula: `2`, `½`, `(1/18)`, `1e-05`.

    One of more digits than a page has for other numbers is rounded, if not wanted `whole`.

    Examples
    --------
    >>> constant_text(0.7071067811865476), constant_text(0.0010000000000000009)
    ('0.70710678', '0.001')
    """
    if value in HALVES:
        return HALVES[value]
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


def symbol_text(leaf: Number | Ref) -> str:
    """Write a leaf as its name, which is the leaf writer of formulas."""
    if isinstance(leaf, Number):
        return constant_text(leaf.value)
    return leaf.name if leaf.index is None else leaf.name + index_text(leaf.index)


def to_text(expression: Expression, leaf: Leaf = symbol_text) -> str:
    """Write a tree on one line, its leaves by `leaf`."""
    return "".join(token.text for token in to_tokens(expression, leaf))


def to_tokens(expression: Expression, leaf: Leaf = symbol_text) -> list[Token]:
    """Write a tree as coloured pieces.

    A minus sign at the start of a term moves into the operator before it
    (`a - b`, never `a + -b`), and one inside a product gets parentheses.
    """
    match expression:
        case Number():
            return [Token(leaf(expression), "constant")]
        case Ref(role=role):
            return [Token(leaf(expression), role)]
        case Add(terms):
            return _join_sum([to_tokens(term, leaf) for term in terms])
        case Mul(factors):
            return _product_tokens(factors, leaf)
        case Neg(body):
            return [Token("-", "operator"), *_inside(body, leaf, (Add, Neg))]
        case Div(numerator, denominator):
            return [
                *_inside(numerator, leaf, (Add,)),
                Token("/", "operator"),
                *_inside(denominator, leaf, (Add, Mul, Div, Neg, MatMul)),
            ]
        case Pow(base, exponent):
            below = _inside(base, leaf, (Add, Mul, Neg, Div, Pow))
            if isinstance(exponent, Number) and exponent.value in SUPERSCRIPTS:
                return [*below, Token(SUPERSCRIPTS[exponent.value], "operator")]
            above = _inside(exponent, leaf, (Add, Mul, Neg, Div, Pow))
            return [*below, Token("^", "operator"), *above]
        case Apply("gate", (argument,)):
            return _wrap("[", to_tokens(argument, leaf), " > 0]")
        case Apply(function, arguments):
            return _wrap(f"{function}(", _listed(arguments, leaf), ")")
        case MatMul(left, right):
            return [
                *_inside(left, leaf, (Add, Mul, Neg)),
                Token(" @ ", "operator"),
                *_inside(right, leaf, (Add, Mul, Neg, Div)),
            ]
        case Transpose(body):
            return [*_inside(body, leaf, (Add, Mul, Neg, Div, MatMul)), Token("ᵀ", "operator")]
        case Reshape(body, shape):
            size = ", ".join(map(str, shape))
            written = _inside(body, leaf, (Add, Mul, Neg, Div, MatMul))
            return [*written, Token(f".reshape({size})", "operator")]
        case SumOver(body):
            over = f", dim={expression.over}" if expression.over else ""
            return _wrap("Σ(", to_tokens(body, leaf), f"{over})")
        case Opaque(name, (body,)) if name.startswith((".", "[")):
            written = _inside(body, leaf, (Add, Mul, Neg, Div, MatMul, Pow))
            return [*written, Token(name, "operator")]
        case Opaque(name, arguments, options):
            inside = _listed(arguments, leaf)
            for key, value in options:
                inside += [Token(", ", "operator"), Token(f"{key}={value}", "operator")]
            return _wrap(f"{name}(", inside, ")")
        case _:
            raise TypeError(f"no way to write {type(expression).__name__}")


def _listed(arguments: tuple[Expression, ...], leaf: Leaf) -> list[Token]:
    tokens: list[Token] = []
    for argument in arguments:
        tokens += [Token(", ", "operator")] if tokens else []
        tokens += to_tokens(argument, leaf)
    return tokens


def _wrap(before: str, inside: list[Token], after: str) -> list[Token]:
    return [Token(before, "operator"), *inside, Token(after, "operator")]


def _inside(expression: Expression, leaf: Leaf, loose: tuple[type[Expression], ...]) -> list[Token]:
    """Write a part, in parentheses when it binds more loosely than what stands around it."""
    tokens = to_tokens(expression, leaf)
    if isinstance(expression, loose) or tokens[0].text.startswith("-"):
        return _wrap("(", tokens, ")")
    return tokens


def _product_tokens(factors: tuple[Expression, ...], leaf: Leaf) -> list[Token]:
    tokens: list[Token] = []
    for position, factor in enumerate(factors):
        if position == 0 and factor == Number(-1.0) and len(factors) > 1:
            tokens.append(Token("-", "operator"))
            continue
        written = to_tokens(factor, leaf)
        starts_negative = written[0].text.startswith("-")
        if isinstance(factor, Add | MatMul) or (starts_negative and tokens):
            written = _wrap("(", written, ")")
        if tokens and tokens[-1].text != "-":
            tokens.append(Token("·", "operator"))
        tokens += written
    return tokens


def _join_sum(written: list[list[Token]]) -> list[Token]:
    tokens: list[Token] = []
    for term in written:
        if tokens and term[0].text.startswith("-"):
            tokens.append(Token(" - ", "operator"))
            rest = term[0].text[1:]
            tokens += [Token(rest, term[0].role)] if rest else []
            tokens += term[1:]
        else:
            tokens += [Token(" + ", "operator")] if tokens else []
            tokens += term
    return tokens


def elided(expression: Expression) -> Expression:
    """Shorten the symbols of a long sum to its ends; its numbers stand under them in full."""
    if isinstance(expression, Add) and len(expression.terms) > MOST_SYMBOLS:
        first, *_, before, last = expression.terms
        return Add((first, Ref("…", None, "constant"), before, last))
    return expression


def access(name: str, body: Expression) -> str:
    """Write what is taken of a whole where its own reshaping is not written."""
    if isinstance(body, Reshape):  # what follows speaks of the axes that it makes
        return f".reshape({', '.join(map(str, body.shape))}){name}"
    return name
