"""How an expression is written in LaTeX, with nothing beyond amsmath."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from operator import attrgetter

from . import boxes
from .boxes import Box, LeafBox
from .cases import assert_never
from .expression import FUNCTIONS, Expression, Index, Number, Ref
from .printable import printable
from .text import Write, constant_text, fraction_of, gradient_parts

LATEX_NAMES = {
    "mu": r"\mu",
    "logvar": r"\log\sigma^2",
    "variance": r"\sigma^2",
    "std": r"\sigma",
    "eps": r"\varepsilon",
    "recon_x": r"\hat{x}",
    "kl": r"\mathrm{KL}",
    "mse": r"\mathrm{MSE}",
    "loss": r"\mathcal{L}",
    "β1": r"\beta_1",
    "β2": r"\beta_2",
}
# A superscript of its own, or more than one sign: parenthesised before an index is hung on it.
_COMPOUND_LATEX = {"logvar", "variance"}
_LATEX_ESCAPES = str.maketrans(
    {c: "\\" + c for c in "_#$%&{}"}
    | {"\\": r"\backslash{}", "^": r"\hat{}", "~": r"\sim{}", "∂": r"\partial "}
)


def latex_name(name: str, index: Index | None = None) -> str:
    """Write a value's name in LaTeX, with its index as a subscript."""
    above, below = gradient_parts(name)
    if above:
        return rf"\frac{{\partial {latex_name(above)}}}{{\partial {latex_name(below, index)}}}"
    plain = LATEX_NAMES.get(name)
    if plain is None:
        plain = name if len(name) == 1 and name.isalpha() else rf"\mathrm{{{latex_escape(name)}}}"
    if not index:
        return plain
    body = rf"\left({plain}\right)" if name in _COMPOUND_LATEX else plain
    return f"{body}_{{{','.join(map(str, index))}}}"


def latex_escape(name: str) -> str:
    """Write a name in the letters of a formula, which takes some signs for its own."""
    return printable(name).translate(_LATEX_ESCAPES)


def latex_symbol(leaf: Number | Ref) -> str:
    """Write a leaf as its LaTeX name, which is the leaf writer of typeset formulas."""
    if isinstance(leaf, Number):
        parts = fraction_of(leaf.value)
        if parts is not None:
            return rf"{'-' if leaf.value < 0 else ''}\tfrac{{{parts[0]}}}{{{parts[1]}}}"
        text, exponential, power = constant_text(leaf.value).partition("e")
        if exponential:
            one = text.removesuffix("1") if text in ("1", "-1") else text + r" \cdot "
            return f"{one}10^{{{int(power)}}}"
        for sign, written in (("½", r"\tfrac{1}{2}"), ("¼", r"\tfrac{1}{4}"), ("π", r"\pi")):
            text = text.replace(sign, written)
        return text
    return latex_name(leaf.name, leaf.index)


def to_latex(expression: Expression, leaf: Write = latex_symbol) -> str:
    """Write a tree as LaTeX that needs nothing beyond amsmath."""
    return latex_of(latex_boxes(expression, leaf))


def latex_boxes(expression: Expression, leaf: Write = latex_symbol) -> Box:
    """Lay out a tree whose leaves `leaf` writes in LaTeX."""

    def laid(node: Number | Ref) -> LeafBox:
        text = leaf(node)
        bare = text.removeprefix("-")
        several_signs = "^" in bare or bare.startswith((r"\frac", r"\tfrac"))
        fenced = bare.startswith(r"\left(")
        return LeafBox(node, bare, minus=bare != text, compound=several_signs and not fenced)

    return boxes.lay_out(expression, boxes.Notation(laid))


def latex_of(box: Box, leaf: Callable[[LeafBox], str] = attrgetter("text")) -> str:
    """Write what is laid out as LaTeX; `leaf` writes the leaves of another notation."""
    written = partial(latex_of, leaf=leaf)
    match box:
        case LeafBox(minus=minus):
            return f"-{leaf(box)}" if minus else leaf(box)
        case boxes.ProductBox(factors):
            return r" \cdot ".join(map(written, factors))
        case boxes.SumBox(terms):
            text = written(terms[0])
            for term in terms[1:]:
                sign, bare = boxes.joined(term)
                text += f" {sign} {written(bare)}"
            return text
        case boxes.NegativeBox(body):
            return f"-{written(body)}"
        case boxes.FenceBox(inside, in_line):
            return written(inside) if in_line else rf"\left({written(inside)}\right)"
        case boxes.FractionBox(above, below):
            return rf"\frac{{{written(above)}}}{{{written(below)}}}"
        case boxes.PowerBox(base, exponent):
            return f"{_base(base, written(base))}^{{{written(exponent)}}}"
        case boxes.TransposedBox(body):
            return _base(body, written(body)) + r"^{\top}"
        case boxes.MatrixProductBox(left, right):
            return rf"{written(left)} \, {written(right)}"
        case boxes.TotalBox(body, over):
            return latex_total(over) + written(body)
        case boxes.ApplicationBox(function, arguments):
            opening, closing = latex_function(function)
            return opening + ", ".join(map(written, arguments)) + closing
        case boxes.CallBox(op, arguments, options):
            listed = ", ".join([*map(written, arguments), *map(latex_option, options)])
            return rf"\operatorname{{{latex_escape(op)}}}\left({listed}\right)"
        case boxes.AccessBox(body, code):
            return _base(body, written(body)) + latex_code(code)
        case _:
            assert_never(box)


def _base(box: Box, written: str) -> str:
    """Put braces around an index before an exponent is hung on it."""
    return f"{{{written}}}" if isinstance(box, LeafBox) and "_" in written else written


def latex_function(function: str) -> tuple[str, str]:
    """Return what stands before and behind the arguments of a function."""
    if function in FUNCTIONS:
        pattern = FUNCTIONS[function].latex
    elif function == "max":
        pattern = r"\max\left({}\right)"
    else:  # LaTeX has no name for it
        pattern = rf"\operatorname{{{{{function}}}}}\left({{}}\right)"
    opening, closing = pattern.format("\0").split("\0")
    return opening, closing


def latex_option(option: str) -> str:
    """Write an option of a call."""
    return rf"\mathrm{{{latex_escape(option)}}}"


def latex_total(over: str) -> str:
    """Write the sign of a sum, and over which axes if not over all."""
    below = rf"_{{\mathrm{{dim}}={over}}}" if over else ""
    return rf"\sum{below} "


def latex_code(code: str) -> str:
    """Write what is taken of a whole, as the code for it."""
    return rf"\mathtt{{{latex_escape(code)}}}"
