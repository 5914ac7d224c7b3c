"""Expressions and names as MathML, the markup that browsers typeset by themselves."""

from __future__ import annotations

from collections.abc import Sequence

from ....symbolic.expression import Expression, Index, Number, Ref
from ....symbolic.text import constant_text, fraction_of
from ..typeset import MINUS
from .notation import Mark, Notation, escape

_THIN_SPACE = '<mspace width="0.17em"></mspace>'


def math(markup: str) -> str:
    """Put MathML in its outermost element."""
    return f"<math>{markup}</math>"


class MathML(Notation):
    """Writes expressions as MathML."""

    def signed(self, mark: Mark) -> str:
        return signed(mark)

    def continued(self, mark: Mark) -> str:
        return f'<mo form="infix">{MINUS if mark.minus else "+"}</mo>{mark.body}'

    def fenced(self, inside: str, before: str = "(", after: str = ")") -> str:
        # Browsers put space around a fence that may stretch, so only around what is tall it may.
        still = "" if "<mfrac" in inside else ' stretchy="false"'
        opening, closing = f'<mo form="prefix"{still}>', f'<mo form="postfix"{still}>'
        return f"<mrow>{opening}{before}</mo>{_row(inside)}{closing}{after}</mo></mrow>"

    def row(self, markup: str) -> str:
        return _row(markup)

    def sign(self, text: str) -> str:
        return f"<mo>{text}</mo>"

    def word(self, text: str, code: bool = False) -> str:
        if code:
            return f'<mtext class="code">{escape(text)}</mtext>'
        return f'<mi class="name">{escape(text)}</mi>'

    def call(self, name: str, arguments: Sequence[str]) -> str:
        # The sign between a function and its argument is not seen, but can be read aloud.
        return f"{self.word(name)}<mo>&#x2061;</mo>{self.fenced('<mo>,</mo>'.join(arguments))}"

    def product(self, left: str, right: str) -> str:
        return f"{left}{_THIN_SPACE}{right}"

    def fraction(self, numerator: Expression, denominator: Expression) -> Mark:
        above, below = (_row(self.whole(part)) for part in (numerator, denominator))
        return Mark(f"<mfrac>{above}{below}</mfrac>", compound=True)

    def power(self, base: str, exponent: str) -> str:
        return f"<msup>{base}{_row(exponent)}</msup>"

    def root(self, inside: str) -> str:
        return f"<msqrt>{inside}</msqrt>"

    def total(self, over: str) -> str:
        below = f"{self.word('dim')}<mo>=</mo><mtext>{over}</mtext>"
        return f"<msub>{self.sign('∑')}{_row(below)}</msub>" if over else self.sign("∑")


def _row(markup: str) -> str:
    return f"<mrow>{markup}</mrow>"


def signed(mark: Mark) -> str:
    """Write some MathML with its minus, if it has one."""
    if not mark.minus:
        return mark.body
    return f'<mrow><mo form="prefix">{MINUS}</mo>{mark.body}</mrow>'


# --- symbols ----------------------------------------------------------------------------

_THIN_SPACE = '<mspace width="0.17em"></mspace>'
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


def symbol(name: str, index: Index | None = None, fraction: bool = True) -> Mark:
    """Write a value's name with its index below it; a gradient as a fraction or in one line."""
    if name.startswith("∂") and "/∂" in name:
        above, below = (
            f"<mi>∂</mi>{symbol(part, where).body}"
            for part, where in zip(name[1:].split("/∂", 1), (None, index), strict=True)
        )
        if fraction:
            return Mark(f"<mfrac>{_row(above)}{_row(below)}</mfrac>", compound=True)
        return Mark(_row(f'{above}<mo lspace="0" rspace="0">/</mo>{below}'), compound=True)
    below = _row(indices_in_signs(index)) if index else ""
    if name in ("variance", "logvar"):
        base, power = _SQUARED_SIGMA
        squared = (
            f"<msubsup>{base}{below}{power}</msubsup>" if below else f"<msup>{base}{power}</msup>"
        )
        if name == "logvar":
            squared = _row(f'<mi class="name">log</mi><mo>&#x2061;</mo>{_THIN_SPACE}{squared}')
        return Mark(squared, compound=True)
    sign = SIGNS.get(name) or _letters(name)
    return Mark(f"<msub>{sign}{below}</msub>" if below else sign)


def indices_in_signs(index: Index) -> str:
    """Write an index as it stands below a name; the page's script writes it so, too."""
    return "<mo>,</mo>".join(f"<mn>{i}</mn>" for i in index)


def _letters(name: str) -> str:
    """Write a name that is no sign of the field: a letter in italics, a word upright."""
    single = len(name) == 1 and name.isalpha()
    return f"<mi>{escape(name)}</mi>" if single else f'<mi class="name">{escape(name)}</mi>'


def constant(value: float) -> Mark:
    """Write a constant of a formula: 2, ½, 10⁻⁵."""
    text, exponential, power = constant_text(value).partition("e")
    minus = text.startswith("-")
    text = text.removeprefix("-")
    parts = fraction_of(value) or FRACTIONS.get(text)
    if parts is not None:
        above, below = parts
        return Mark(f"<mfrac><mn>{above}</mn><mn>{below}</mn></mfrac>", minus, compound=True)
    if not exponential:
        return Mark(f"<mn>{text}</mn>", minus)
    sign = MINUS if power.startswith("-") else ""
    ten = f"<msup><mn>10</mn><mn>{sign}{abs(int(power))}</mn></msup>"
    written = ten if text == "1" else f"<mn>{text}</mn><mo>·</mo>{ten}"
    return Mark(written, minus, compound=True)


def in_signs(node: Number | Ref) -> Mark:
    """Write a leaf as its symbol, coloured by what it is."""
    if isinstance(node, Number):
        return constant(node.value)
    mark = symbol(node.name, node.index)
    return mark._replace(body=f'<mrow class="{node.role}">{mark.body}</mrow>')


IN_SIGNS = MathML(in_signs)


def name(text: str, index: Index | None = None) -> str:
    """Write a value's name, or a number's, as a formula in one line."""
    return math(symbol(text, index, fraction=False).body)
