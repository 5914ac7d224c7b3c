"""Of all that follows from one damaged figure, the figure itself is blamed first."""

from __future__ import annotations

import pytest

from vae_explain.analysis.proofread.report import report

FACTORS = """
$x = [3.5, 1.4]$ and $w = [-0.4, 0.7]$

$h = (3.5)(-0.4) + (1.4)(0.7) = -1.40 + 0.98 = -0.42$ and $(3.5)(0.4) = 1.40$
"""

SCALED = """
The errors are 4.997, 3.528, 1.194 and -0.043.

$d = -\\tfrac12 [4.997, 3.528, 1.194, -0.043] = [-2.4985, -1.7640, -0.5970, 0.0215]$

$g = 2(-2.4985) + (-1.7640) + (-0.5970) + 0.0215 = -7.3365$
"""

PRODUCT = """
$p = \\begin{bmatrix} 1.0 & 0.5 \\\\ -0.5 & 1.2 \\end{bmatrix}
\\begin{bmatrix} -0.0541 \\\\ 0.2004 \\end{bmatrix}
= \\begin{bmatrix} -0.0541 + 0.1002 \\\\ 0.02705 + 0.24048 \\end{bmatrix}
= \\begin{bmatrix} 0.0461 \\\\ 0.26753 \\end{bmatrix}$
"""

DERIVED = """
$o = 0.593269992$ and $t = 0.01$

$g = o (1 - o) = 0.593269992 (1 - 0.593269992) = 0.241300709$

$e = o - t = 0.593269992 - 0.01 = 0.583269992$
"""

DEVIATION = """
$\\mu = [0.5, -0.3]$, $\\log\\sigma^2 = [-0.2, 0.1]$, $\\epsilon = [0.8, -0.5]$

$\\sigma = \\exp(\\tfrac12 \\log\\sigma^2) = [0.9048, 1.0513]$

$z = \\mu + \\sigma \\odot \\epsilon = [1.2238, -0.8257]$
"""


@pytest.mark.parametrize(
    ("text", "old", "new", "line", "printed"),
    [
        # Of two factors, the one that the document has otherwise in no other place.
        (FACTORS, "(3.5)(-0.4)", "(3.5)(0.4)", 4, "0.4"),
        # A number of a list that is multiplied, and not the one that comes of it.
        (SCALED, "3.528, 1.194, -0.043]", "35.28, 1.194, -0.043]", 4, "35.28"),
        (SCALED, "3.528, 1.194, -0.043]", "-3.528, 1.194, -0.043]", 4, "-3.528"),
        (SCALED, "1.194, -0.043]", "-0.043, 1.194]", 4, "-0.043"),
        (PRODUCT, "1.0 & 0.5", "0.5 & 1.0", 2, "0.5"),
        (PRODUCT, "0.5 \\\\ -0.5 &", "-0.5 \\\\ 0.5 &", 2, "-0.5"),
        # A formula, where what is put in gives the result.
        (DERIVED, "o (1 - o)", "o (1 + o)", 4, "o·(1 + o)"),
        (DERIVED, "= o - t", "= o + t", 6, "o + t"),
        # The variance, printed for the deviation.
        (DEVIATION, "[0.9048, 1.0513]", "[0.8187, 1.1052]", 4, "0.8187"),
        (
            DEVIATION,
            "\\exp(\\tfrac12 \\log\\sigma^2) = [0.9048, 1.0513]",
            "[0.8187, 1.1052]",
            4,
            "0.8187",
        ),
    ],
)
def test_the_damaged_figure_is_blamed_first(
    text: str, old: str, new: str, line: int, printed: str
) -> None:
    assert old in text
    assert report(text).passed
    first = report(text.replace(old, new, 1)).findings[0]
    assert (first.line, first.printed) == (line, printed)
