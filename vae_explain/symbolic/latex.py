"""How an expression is written in LaTeX, with nothing beyond amsmath."""

from __future__ import annotations

from .expression import (
    FUNCTIONS,
    OF_SEVERAL,
    Add,
    Apply,
    Div,
    Expression,
    Index,
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
    unshaped,
)
from .text import Leaf, access, constant_text, fraction_of

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
    if name.startswith("∂") and "/∂" in name:
        above, below = name[1:].split("/∂", 1)
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
    return name.translate(_LATEX_ESCAPES)


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
        for sign, fraction in (("½", r"\tfrac{1}{2}"), ("¼", r"\tfrac{1}{4}")):
            text = text.replace(sign, fraction)
        return text
    return latex_name(leaf.name, leaf.index)


def to_latex(expression: Expression, leaf: Leaf = latex_symbol) -> str:
    """Write a tree as LaTeX that needs nothing beyond amsmath."""
    match expression:
        case Number() | Ref():
            return leaf(expression)
        case Add(terms):
            text = ""
            for term in terms:
                written = to_latex(term, leaf)
                if not text:
                    text = written
                else:
                    text += f" - {written[1:]}" if written.startswith("-") else f" + {written}"
            return text
        case Mul(factors):
            text = ""
            for position, factor in enumerate(factors):
                if position == 0 and factor == Number(-1.0) and len(factors) > 1:
                    text = "-"
                    continue
                last = position == len(factors) - 1
                loose = (Add, MatMul) if last else (Add, MatMul, SumOver)
                written = _latex_inside(factor, leaf, loose, negative=bool(text))
                text += written if text in ("", "-") else rf" \cdot {written}"
            return text
        case Neg(body):
            return "-" + _latex_inside(body, leaf, (Add, Neg))
        case Div(numerator, denominator):
            return rf"\frac{{{to_latex(numerator, leaf)}}}{{{to_latex(denominator, leaf)}}}"
        case Pow(base, exponent):
            return f"{_latex_base(base, leaf)}^{{{to_latex(exponent, leaf)}}}"
        case Apply(function, arguments) if function in OF_SEVERAL:
            compared = ", ".join(to_latex(argument, leaf) for argument in arguments)
            return rf"{latex_comparing(function)}\left({compared}\right)"
        case Apply(function, (argument,)):
            return FUNCTIONS[function].latex.format(to_latex(argument, leaf))
        case MatMul(left, right):
            parts = (_latex_inside(side, leaf, (Add, Mul, Neg)) for side in (left, right))
            return r" \, ".join(parts)
        case Transpose(body):
            return _latex_base(body, leaf) + r"^{\top}"
        case Reshape(body):
            return to_latex(body, leaf)
        case SumOver(body):
            return latex_sum(expression) + _latex_inside(body, leaf, (Add,))
        case Opaque(name, (body,)) if name.startswith((".", "[")):
            return _latex_base(body, leaf) + latex_access(name, body)
        case Opaque(name, arguments, options):
            inside = [to_latex(argument, leaf) for argument in arguments]
            inside += [
                rf"\mathrm{{{latex_escape(key)}={latex_escape(str(v))}}}" for key, v in options
            ]
            return rf"\operatorname{{{latex_escape(name)}}}\left({', '.join(inside)}\right)"
        case _:
            raise TypeError(f"no LaTeX for {type(expression).__name__}")


def latex_comparing(function: str) -> str:
    """Write one of the functions that compare numbers; LaTeX has no name for two of them."""
    return rf"\{function}" if function == "max" else rf"\operatorname{{{function}}}"


# What stands in parentheses where a superscript is hung on it.
LOOSER_THAN_A_BASE = (Add, Mul, Neg, Div, Pow, MatMul, Transpose, SumOver)


def latex_sum(total: SumOver) -> str:
    """Write the sign of a sum, and over which axes if not over all."""
    over = rf"_{{\mathrm{{dim}}={total.over}}}" if total.over else ""
    return rf"\sum{over} "


def latex_access(name: str, body: Expression) -> str:
    """Write in LaTeX what is taken of a whole, after it."""
    return rf"\mathtt{{{latex_escape(access(name, body))}}}"


def _latex_base(expression: Expression, leaf: Leaf) -> str:
    """Write what a superscript is hung on; two superscripts in a row are no LaTeX."""
    below = _latex_inside(expression, leaf, LOOSER_THAN_A_BASE)
    if not isinstance(unshaped(expression), Ref | Number):
        return below
    several_signs = "^" in below or below.startswith((r"\frac", r"\tfrac"))
    if several_signs and not below.startswith(r"\left("):
        return rf"\left({below}\right)"
    return rf"{{{below}}}" if "_" in below else below


def _latex_inside(
    expression: Expression,
    leaf: Leaf,
    loose: tuple[type[Expression], ...],
    negative: bool = True,
) -> str:
    written = to_latex(expression, leaf)
    if isinstance(unshaped(expression), loose) or (negative and written.startswith("-")):
        return rf"\left({written}\right)"
    return written
