"""How a formula is laid out, in every notation: what stands in parentheses, where a minus goes.

`lay_out` is the one walk from an expression to boxes, TeX's word for the laid out parts of a
formula. Text, LaTeX and MathML each write the boxes; none of them decides a sign or a pair of
parentheses. How a leaf is written is asked of the caller, so rounding stays with the renderers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from ..quick_classes import NamedTuple
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
    SumOver,
    Transpose,
)


class LeafBox(NamedTuple):
    """A number or a name, as its notation writes it, with its minus kept apart.

    `compound` marks what consists of several signs, as σ² does: it gets parentheses before
    an exponent.
    """

    node: Number | Ref
    text: str
    minus: bool = False
    compound: bool = False


class NegativeBox(NamedTuple):
    """A minus before a box."""

    body: Box


class SumBox(NamedTuple):
    """Terms side by side; the minus of a later one stands in place of its plus."""

    terms: tuple[Box, ...]


class ProductBox(NamedTuple):
    """Factors with a dot between them."""

    factors: tuple[Box, ...]


class FractionBox(NamedTuple):
    """One box above another, or before it with a slash between them."""

    above: Box
    below: Box


class PowerBox(NamedTuple):
    """A base with an exponent."""

    base: Box
    exponent: Box


class TransposedBox(NamedTuple):
    """A matrix with the sign of a transpose."""

    body: Box


class MatrixProductBox(NamedTuple):
    """Two matrices side by side."""

    left: Box
    right: Box


class TotalBox(NamedTuple):
    """The sign of a sum before its summand; `over` names its axes where they need a mention."""

    body: Box
    over: str


class ApplicationBox(NamedTuple):
    """A function of numbers, and its arguments."""

    function: str
    arguments: tuple[Box, ...]


class CallBox(NamedTuple):
    """An op that is written as its call, with its options as code: `conv2d(x, w, stride=2)`."""

    op: str
    arguments: tuple[Box, ...]
    options: tuple[str, ...]


class AccessBox(NamedTuple):
    """What is taken of a whole, as code behind it: `h[:, :2]`."""

    body: Box
    code: str


class FenceBox(NamedTuple):
    """A box in parentheses; some are needed only where all is written on one line."""

    inside: Box
    in_line: bool = False


Box: TypeAlias = (
    LeafBox
    | NegativeBox
    | SumBox
    | ProductBox
    | FractionBox
    | PowerBox
    | TransposedBox
    | MatrixProductBox
    | TotalBox
    | ApplicationBox
    | CallBox
    | AccessBox
    | FenceBox
)
_Loose: TypeAlias = tuple[type[Box], ...]


class Notation(NamedTuple):
    """What a notation decides.

    Attributes
    ----------
    leaf
        How a leaf is written.
    shapes
        Whether changes of shape are written.
    minus_first
        Whether the minus of a numerator stands before the whole fraction.
    """

    leaf: Callable[[Number | Ref], LeafBox]
    shapes: bool = False
    minus_first: bool = False


# What gets parentheses, by the place where it stands; what opens with a minus does anyway.
FACTOR: _Loose = (SumBox, MatrixProductBox, TotalBox)
LAST_FACTOR: _Loose = (SumBox, MatrixProductBox)
SUMMAND: _Loose = (SumBox,)
SIDE: _Loose = (SumBox, ProductBox)
NUMERATOR: _Loose = (SumBox, TotalBox)
DENOMINATOR: _Loose = (SumBox, ProductBox, FractionBox, MatrixProductBox, TotalBox)
EXPONENT: _Loose = (SumBox, ProductBox, FractionBox, PowerBox)
BASE: _Loose = (*EXPONENT, TransposedBox, MatrixProductBox, TotalBox)


def lay_out(expression: Expression, style: Notation) -> Box:
    """Lay out an expression.

    Raises
    ------
    TypeError
        If the tree holds an unknown kind of node.
    """
    match expression:
        case Number() | Ref():
            return style.leaf(expression)
        case Mul(factors):
            return _product(factors, style)
        case Add(terms):
            return SumBox(tuple([lay_out(term, style) for term in terms]))
        case Neg(body):
            return NegativeBox(_fenced(lay_out(body, style), SUMMAND))
        case Div(numerator, denominator):
            above = lay_out(numerator, style)
            below = _fenced(lay_out(denominator, style), DENOMINATOR, in_line=True)
            bare = without_minus(above) if style.minus_first else None
            if bare is not None and not isinstance(above, SumBox):
                return NegativeBox(FractionBox(bare, below))
            return FractionBox(_fenced(above, NUMERATOR, in_line=True), below)
        case Pow(base, exponent):
            raised = _fenced(lay_out(exponent, style), EXPONENT, in_line=True)
            return PowerBox(_base(base, style), raised)
        case Apply(function, arguments):
            return ApplicationBox(function, tuple([lay_out(each, style) for each in arguments]))
        case MatMul(left, right):
            after = _fenced(lay_out(right, style), SIDE)
            after = _fenced(after, (FractionBox,), in_line=True)
            return MatrixProductBox(_fenced(lay_out(left, style), SIDE), after)
        case Transpose(body):
            return TransposedBox(_base(body, style))
        case Reshape(body, shape) if style.shapes:
            return AccessBox(_base(body, style), reshape(shape))
        case Reshape(body):
            return lay_out(body, style)
        case SumOver(body):
            return TotalBox(_fenced(lay_out(body, style), SUMMAND), expression.over)
        case Opaque(name, (body,)) if name.startswith((".", "[")):
            if isinstance(body, Reshape) and not style.shapes:
                name = reshape(body.shape) + name  # it speaks of the axes that this makes
            return AccessBox(_base(body, style), name)
        case Opaque(name, arguments, options):
            inside = tuple([lay_out(each, style) for each in arguments])
            return CallBox(name, inside, tuple(f"{key}={value}" for key, value in options))
        case _:
            raise TypeError(f"no way to write {type(expression).__name__}")


def reshape(shape: tuple[int, ...]) -> str:
    """Write a change of shape as PyTorch's call."""
    return f".reshape({', '.join(map(str, shape))})"


def _product(factors: tuple[Expression, ...], style: Notation) -> Box:
    minus = len(factors) > 1 and factors[0] == Number(-1.0)
    if minus:
        factors = factors[1:]
    last = len(factors) - 1
    boxes: list[Box] = []
    for position, factor in enumerate(factors):
        box = lay_out(factor, style)
        loose = LAST_FACTOR if position == last else FACTOR
        boxes.append(_fenced(box, loose, may_open=position == 0 and not minus))
    product = ProductBox(tuple(boxes))
    return NegativeBox(product) if minus else product


def _base(expression: Expression, style: Notation) -> Box:
    """Lay out what gets an exponent, or the like."""
    box = lay_out(expression, style)
    return FenceBox(box) if isinstance(box, LeafBox) and box.compound else _fenced(box, BASE)


def _fenced(box: Box, loose: _Loose, in_line: bool = False, may_open: bool = False) -> Box:
    """Put a box in parentheses where it binds more loosely than what stands around it.

    `may_open` says that a minus may stand before it, since nothing else does.
    """
    if isinstance(box, loose) or (not may_open and opens_with_minus(box)):
        return FenceBox(box, in_line)
    return box


def opens_with_minus(box: Box) -> bool:
    """Return whether a box starts with a minus."""
    while isinstance(box, ProductBox | SumBox):
        box = box[0][0]
    return isinstance(box, NegativeBox) or (isinstance(box, LeafBox) and box.minus)


def without_minus(box: Box) -> Box | None:
    """Return a box without the minus that it starts with; None if there is none."""
    if not opens_with_minus(box):
        return None
    match box:
        case NegativeBox(body):
            return body
        case LeafBox(node, text, compound=compound):
            return LeafBox(node, text, compound=compound)
        case ProductBox((first, *others)) | SumBox((first, *others)):
            bare = without_minus(first)
            return None if bare is None else type(box)((bare, *others))
        case _:
            return None


def joined(term: Box) -> tuple[str, Box]:
    """Return the sign before a later term of a sum, and the term without it."""
    bare = without_minus(term)
    return ("+", term) if bare is None else ("-", bare)
