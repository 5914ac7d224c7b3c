"""Words, names and numbers in the marks of LaTeX: what is escaped, and what has a sign of TeX.

What TeX cannot write is written by its code point.
"""

from __future__ import annotations

import unicodedata

from ....symbolic.expression import Index
from ....symbolic.latex import latex_name
from ....symbolic.printable import printable
from ....symbolic.text import gradient_parts, split_index
from ..typeset import MINUS

ESCAPES = {
    "\\": r"\textbackslash{}",
    "~": r"$\sim$",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "`": r"\textasciigrave{}",
    "…": r"\dots{}",
    "–": "--",
    "’": "'",
    **{sign: "\\" + sign for sign in "#$%&_{}"},
}
GREEK = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma "
GREEK += "tau upsilon phi chi psi omega"
# Each sign, and the command behind it.
_PAIRS = rf"""
    Γ \Gamma  Δ \Delta  Θ \Theta  Λ \Lambda  Σ \Sigma  Φ \Phi  Ψ \Psi  Ω \Omega  ∂ \partial
    · \cdot  × \times  ± \pm  ∇ \nabla  → \to  ← \leftarrow  ≈ \approx  ≤ \le  ≥ \ge
    √ \surd  ✓ \surd  ✗ \times  ² {{}}^2  ³ {{}}^3  ᵀ {{}}^{{\top}}
    ½ \tfrac{{1}}{{2}}  ¼ \tfrac{{1}}{{4}}
    ‖ \|
    {MINUS} -
""".split()
# Letters and signs that are formulas in TeX.
FORMULAS = {
    unicodedata.lookup(f"GREEK SMALL LETTER {'LAMDA' if name == 'lambda' else name.upper()}"): (
        rf"\{'varepsilon' if name == 'epsilon' else name}"
    )
    for name in GREEK.split()
} | dict(zip(_PAIRS[::2], _PAIRS[1::2], strict=True))


def text(words: str) -> str:
    """Return words as LaTeX that shows exactly them.

    Examples
    --------
    >>> print(text("a_b $x$ \\\\input{} 50 % of μ² 名"))
    a\\_b \\$x\\$ \\textbackslash{}input\\{\\} 50 \\% of $\\mu$${}^2$ \\texttt{U+540D}
    """
    return "".join(map(_sign, printable(" ".join(words.split()))))


def _sign(sign: str) -> str:
    if sign in ESCAPES:
        return ESCAPES[sign]
    if sign in FORMULAS:
        return f"${FORMULAS[sign]}$"
    if sign.isascii() or _is_accented(sign):
        return sign
    return rf"\texttt{{U+{ord(sign):04X}}}"


def _is_accented(sign: str) -> bool:
    """Whether a letter is one of western Europe's, which every TeX has."""
    return 0xC0 <= ord(sign) <= 0xFF and unicodedata.normalize("NFD", sign)[0].isascii()


def number_text(number: str) -> str:
    """Write a number that stands in a table, with its minus."""
    return number.replace(MINUS, "-").replace("-", "$-$")


def letters(latex: str) -> str:
    """Write what a name brought into a formula in signs that TeX knows."""
    return "".join(
        sign
        if sign.isascii()
        else f"{FORMULAS[sign]} "
        if sign in FORMULAS
        else rf"\text{{{_sign(sign)}}}"
        for sign in latex
    )


def scientific(number: str) -> str:
    """Write a number in a formula: its exponent as a power of ten."""
    mantissa, exponential, power = number.partition("e")
    return rf"{mantissa} \cdot 10^{{{int(power)}}}" if exponential else number


def inline(name: str, index: Index | None = None) -> str:
    """Write a name on a line of its own height: a gradient with a slash, not as a fraction."""
    above, below = gradient_parts(name)
    if above:
        return rf"\partial {latex_name(above)}/\partial {latex_name(below, index)}"
    return latex_name(name, index)


def marked_name(name: str) -> str:
    """Write the name of a number of a derivation, `z[0]`."""
    return inline(*split_index(name))
