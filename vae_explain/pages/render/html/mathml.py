"""Expressions and names as MathML, the markup that browsers typeset by themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ....quick_classes import NamedTuple
from ....symbolic import boxes
from ....symbolic.boxes import Box, LeafBox
from ....symbolic.cases import assert_never
from ....symbolic.expression import Expression, Index, Number, Ref
from ....symbolic.text import constant_text, fraction_of, gradient_parts
from ..typeset import MINUS, minus
from .escaping import escape

TRANSPOSED = "<mo>⊤</mo>"
THIN_SPACE = '<mspace width="0.17em"></mspace>'
ZERO = "<mn>0</mn>"


def math(markup: str) -> str:
    """Put MathML in its outermost element."""
    return f"<math>{markup}</math>"


def summands(box: Box) -> list[str]:
    """Write what is laid out as one piece for each summand, each with the sign before it."""
    terms = box.terms if isinstance(box, boxes.SumBox) else (box,)
    return [markup(terms[0]), *map(continued, terms[1:])]


def continued(term: Box) -> str:
    """Write a summand that is not the first, with the sign before it."""
    sign, bare = joined(term)
    return f"{infix(sign)}{markup(bare)}"


def joined(term: Box) -> tuple[str, Box]:
    """Return the sign before a later term of a sum, and the term without it."""
    sign, bare = boxes.joined(term)
    return minus(sign), bare


def markup(box: Box) -> str:
    """Write what is laid out as MathML."""
    match box:
        case LeafBox() | boxes.ProductBox() if (bare := boxes.without_minus(box)) is not None:
            return markup(boxes.NegativeBox(bare))
        case boxes.NegativeBox(body):
            return _row(f"{PREFIX_MINUS}{markup(body)}")
        case LeafBox(text=text):
            return text
        case boxes.SumBox():
            return "".join(summands(box))
        case boxes.ProductBox(factors):
            return "<mo>·</mo>".join(map(markup, factors))
        case boxes.FractionBox(above, below):
            return f"<mfrac>{_row(markup(above))}{_row(markup(below))}</mfrac>"
        case boxes.PowerBox(base, exponent):
            return f"<msup>{_base(base)}{_row(markup(exponent))}</msup>"
        case boxes.TransposedBox(body):
            return f"<msup>{_base(body)}{_row(TRANSPOSED)}</msup>"
        case boxes.MatrixProductBox(left, right):
            return f"{markup(left)}{THIN_SPACE}{markup(right)}"
        case boxes.TotalBox(body, over):
            return f"{total(over)}{markup(body)}"
        case boxes.ApplicationBox("sqrt", (argument,)):
            return f"<msqrt>{markup(argument)}</msqrt>"
        case boxes.ApplicationBox("abs", (argument,)):
            return fenced(markup(argument), "|", "|")
        case boxes.ApplicationBox("gate", (argument,)):
            return fenced(f"{markup(argument)}<mo>&gt;</mo>{ZERO}", "[", "]")
        case boxes.ApplicationBox("relu", (argument,)):
            return _applied("max", [ZERO, markup(argument)])
        case boxes.ApplicationBox(function, arguments):
            return _applied(function, map(markup, arguments))
        case boxes.CallBox(op, arguments, options):
            return _applied(op, [*map(markup, arguments), *map(code, options)])
        case boxes.AccessBox(body, taken):
            return f"{_base(body)}{code(taken)}"
        case boxes.FenceBox(inside, in_line):
            return markup(inside) if in_line else fenced(markup(inside))
        case _:
            assert_never(box)


def _base(box: Box) -> str:
    return markup(box) if isinstance(box, boxes.FenceBox) else _row(markup(box))


def _applied(function: str, arguments: Iterable[str]) -> str:
    # The sign between a function and its argument is not seen, but can be read aloud.
    return f"{word(function)}<mo>&#x2061;</mo>{fenced('<mo>,</mo>'.join(arguments))}"


def fenced(inside: str, before: str = "(", after: str = ")") -> str:
    """Write MathML between parentheses or other fences."""
    # Browsers put space around a fence that may stretch, so only around what is tall it may.
    still = "" if "<mfrac" in inside else ' stretchy="false"'
    opening, closing = f'<mo form="prefix"{still}>', f'<mo form="postfix"{still}>'
    return f"<mrow>{opening}{before}</mo>{_row(inside)}{closing}{after}</mo></mrow>"


def total(over: str) -> str:
    """Write the sign of a sum with the axes that it goes over, if they need a mention."""
    below = f"{word('dim')}<mo>=</mo><mtext>{over}</mtext>"
    return f"<msub><mo>∑</mo>{_row(below)}</msub>" if over else "<mo>∑</mo>"


def infix(sign: str) -> str:
    """Write a sign between two parts that may stand in formulas of their own."""
    return f'<mo form="infix">{sign}</mo>'


PREFIX_MINUS = f'<mo form="prefix">{MINUS}</mo>'


def word(text: str) -> str:
    """Write a name of a function."""
    return f'<mi class="name">{escape(text)}</mi>'


def code(text: str) -> str:
    """Write a piece of the model's own code."""
    return f'<mtext class="code">{escape(text)}</mtext>'


def _row(markup: str) -> str:
    return f"<mrow>{markup}</mrow>"


# --- symbols ----------------------------------------------------------------------------

_SQUARED_SIGMA = "<mi>σ</mi>", "<mn>2</mn>"
SIGNS = {
    "mu": "<mi>μ</mi>",
    "std": "<mi>σ</mi>",
    "eps": "<mi>ε</mi>",
    "recon_x": '<mover accent="true"><mi>x</mi><mo>^</mo></mover>',
    "kl": '<mi class="name">KL</mi>',
    "mse": '<mi class="name">MSE</mi>',
    "loss": "<mi>ℒ</mi>",
    "β1": "<msub><mi>β</mi><mn>1</mn></msub>",
    "β2": "<msub><mi>β</mi><mn>2</mn></msub>",
}
FRACTIONS = {"½": (1, 2), "¼": (1, 4)}


class MathmlText(NamedTuple):
    """Some MathML, and whether it needs parentheses before an exponent."""

    body: str
    compound: bool = False


def symbol(name: str, index: Index | None = None, fraction: bool = True) -> MathmlText:
    """Write a value's name with its index below it; a gradient as a fraction or in one line."""
    of, at = gradient_parts(name)
    if of:
        above = f"<mi>∂</mi>{symbol(of).body}"
        below = f"<mi>∂</mi>{symbol(at, index).body}"
        if fraction:
            return MathmlText(f"<mfrac>{_row(above)}{_row(below)}</mfrac>", compound=True)
        return MathmlText(_row(f'{above}<mo lspace="0" rspace="0">/</mo>{below}'), compound=True)
    below = _row(indices_in_signs(index)) if index else ""
    if name in ("variance", "logvar"):
        base, power = _SQUARED_SIGMA
        squared = (
            f"<msubsup>{base}{below}{power}</msubsup>" if below else f"<msup>{base}{power}</msup>"
        )
        if name == "logvar":
            squared = _row(f'<mi class="name">log</mi><mo>&#x2061;</mo>{THIN_SPACE}{squared}')
        return MathmlText(squared, compound=True)
    sign = SIGNS.get(name) or _letters(name)
    return MathmlText(f"<msub>{sign}{below}</msub>" if below else sign)


def indices_in_signs(index: Index) -> str:
    """Write an index as it stands below a name; the page's script writes it so, too."""
    return "<mo>,</mo>".join(f"<mn>{i}</mn>" for i in index)


def _letters(name: str) -> str:
    """Write a name that is no sign of the field: a letter in italics, a word upright."""
    single = len(name) == 1 and name.isalpha()
    return f"<mi>{escape(name)}</mi>" if single else f'<mi class="name">{escape(name)}</mi>'


def in_signs(node: Number | Ref) -> LeafBox:
    """Write a leaf as its symbol, coloured by what it is."""
    if isinstance(node, Number):
        return _constant(node)
    mark = symbol(node.name, node.index)
    return LeafBox(node, f'<mrow class="{node.role}">{mark.body}</mrow>', compound=mark.compound)


def _constant(node: Number) -> LeafBox:
    """Write a constant of a formula: 2, ½, 10⁻⁵."""
    text, exponential, power = constant_text(node.value).partition("e")
    minus = text.startswith("-")
    text = text.removeprefix("-")
    parts = fraction_of(node.value) or FRACTIONS.get(text)
    if parts is not None:
        above, below = parts
        fraction = f"<mfrac><mn>{above}</mn><mn>{below}</mn></mfrac>"
        return LeafBox(node, fraction, minus, compound=True)
    if not exponential:
        return LeafBox(node, f"<mn>{text}</mn>", minus)
    sign = MINUS if power.startswith("-") else ""
    ten = f"<msup><mn>10</mn><mn>{sign}{abs(int(power))}</mn></msup>"
    written = ten if text == "1" else f"<mn>{text}</mn><mo>·</mo>{ten}"
    return LeafBox(node, written, minus, compound=True)


def laid_out(expression: Expression, leaf: Callable[[Number | Ref], LeafBox] = in_signs) -> Box:
    """Lay out a tree whose leaves `leaf` writes in MathML."""
    return boxes.lay_out(expression, boxes.Notation(leaf))


def name(text: str, index: Index | None = None) -> str:
    """Write a value's name, or a number's, as a formula in one line."""
    return math(symbol(text, index, fraction=False).body)
