"""A list that has lost a number, and a matrix that is printed transposed, are blamed first.

How long a list should be, its document's formulas say; of two examples that differ, each is right.
"""

from __future__ import annotations

import pytest

from vae_explain.analysis.proofread.report import report

DRAWN = """
$\\mu = [0.7, -0.2]$ and $\\log\\sigma^2 = [-0.6, 0.4]$

$\\sigma = \\exp(0.5\\log\\sigma^2) = [\\exp(-0.3), \\exp(0.2)] = [0.7408, 1.2214]$

$\\epsilon = [1.5, -0.5]$

$z = \\mu + \\sigma \\odot \\epsilon = [1.8112, -0.8107]$
"""

DRAWS = """
$\\mu = [0.7, -0.2]$ and $\\sigma = [0.5, 0.8]$

$\\epsilon^{(1)} = [1.0, 0.5]$ and $\\epsilon^{(2)} = [0, 0]$

$z_1 = 0.7 + (0.5)(1.0) = 1.2$, $z_2 = -0.2 + (0.8)(0.5) = 0.2$

$z^{(1)} = [1.2, 0.2]$ and $z^{(2)} = [0.7, -0.2]$
"""

NETWORK = """
$x = [0.6, -1.2, 0.9]$

$W_1 = \\begin{bmatrix} 0.3 & -0.1 \\\\ 0.2 & 0.4 \\\\ -0.5 & 0.7 \\end{bmatrix}$
and $b_1 = [0.1, -0.2]$

$h = x W_1 + b_1$

$h_1 = 0.18 - 0.24 - 0.45 + 0.1 = -0.41$

$h_2 = -0.06 - 0.48 + 0.63 - 0.2 = -0.11$

$h = [-0.41, -0.11]$

$W_2 = \\begin{bmatrix} 0.8 & 0.2 & -0.6 \\\\ -0.4 & 0.5 & 0.1 \\end{bmatrix}$

$y = h W_2 = [-0.284, -0.137, 0.235]$
"""

ENTROPY = """
$t = [1, 0, 1]$ and $y = [0.7, 0.2, 0.6]$

$L = -\\sum_{j=1}^{3}[t_j \\log y_j + (1-t_j)\\log(1-y_j)]$

$e = y - t$, $\\|y - t\\|^2 = 0.3^2 + 0.2^2 + 0.4^2 = 0.29$
"""

PRODUCT = """
$\\delta = \\begin{bmatrix} 0.3 \\\\ -0.2 \\end{bmatrix}$

$g = W \\delta = \\begin{bmatrix} 0.6 & 0.5 \\\\ -0.7 & 0.9 \\end{bmatrix}
\\begin{bmatrix} 0.3 \\\\ -0.2 \\end{bmatrix}
= \\begin{bmatrix} 0.18 - 0.10 \\\\ -0.21 - 0.18 \\end{bmatrix}
= \\begin{bmatrix} 0.08 \\\\ -0.39 \\end{bmatrix}$
"""

WRITTEN_OUT = """
$v = [0.25, -1.4, 0.6]$ and
$M = \\begin{bmatrix} 0.7 & -0.3 \\\\ 0.2 & 0.8 \\\\ -0.9 & 0.4 \\end{bmatrix}$

$p = v M$

$p_1 = (0.25)(0.7) + (-1.4)(0.2) + (0.6)(-0.9) = -0.645$

$p_2 = -0.075 - 1.12 + 0.24 = -0.955$
"""

W_1 = "0.3 & -0.1 \\\\ 0.2 & 0.4 \\\\ -0.5 & 0.7"
W_1_TURNED = "0.3 & 0.2 & -0.5 \\\\ -0.1 & 0.4 & 0.7"
W_2 = "0.8 & 0.2 & -0.6 \\\\ -0.4 & 0.5 & 0.1"
W_2_TURNED = "0.8 & -0.4 \\\\ 0.2 & 0.5 \\\\ -0.6 & 0.1"


@pytest.mark.parametrize(
    ("text", "old", "new", "line", "printed", "expected"),
    [
        # Of one distribution, with or without what the document computes of it.
        (DRAWN, "[0.7, -0.2]", "[0.7]", 2, "[0.7]", ""),
        (DRAWN, "[-0.6, 0.4]", "[0.4]", 2, "[0.4]", ""),
        (DRAWN, "[1.5, -0.5]", "[-0.5]", 6, "[-0.5]", ""),
        (DRAWN, "[0.7408, 1.2214]", "[1.2214]", 4, "[1.2214]", ""),
        (DRAWN, "[1.8112, -0.8107]", "[1.8112]", 8, "[1.8112]", ""),
        (DRAWS, "[1.0, 0.5]", "[0.5]", 4, "[0.5]", ""),
        (DRAWS, "[0, 0]", "[0]", 4, "[0]", ""),
        (DRAWS, "[0.7, -0.2]$\n", "[0.7]$\n", 8, "[0.7]", ""),
        # What is stated one by one before.
        (NETWORK, "[-0.41, -0.11]", "[-0.11]", 13, "[-0.11]", "[-0.41, -0.11]"),
        # A bias, and a row of a matrix or of what is put in for one.
        (NETWORK, "[0.1, -0.2]", "[-0.2]", 5, "[-0.2]", "[0.1, -0.2]"),
        (NETWORK, " \\\\ -0.4 & 0.5 & 0.1", "", 15, "[0.8, 0.2, -0.6]", ""),
        (PRODUCT, " \\\\ -0.7 & 0.9", "", 4, "[0.6, 0.5]", ""),
        (PRODUCT, "0.18 - 0.10 \\\\ ", "", 6, "[-0.21 - 0.18]", ""),
        # A list that is multiplied out as long as it stands.
        (WRITTEN_OUT, "0.2 & 0.8 \\\\ ", "", 3, "[[0.7, -0.3], [-0.9, 0.4]]", ""),
        # What a sum is taken over, as it says or writes out.
        (ENTROPY, "[1, 0, 1]", "[1, 0]", 2, "[1, 0]", ""),
        (ENTROPY, "[0.7, 0.2, 0.6]", "[0.7, 0.6]", 2, "[0.7, 0.6]", ""),
        # A matrix that fits as it stands where another does only turned.
        (
            NETWORK,
            W_1,
            W_1_TURNED,
            4,
            "[[0.3, 0.2, -0.5], [-0.1, 0.4, 0.7]]",
            "[[0.3, -0.1], [0.2, 0.4], [-0.5, 0.7]]",
        ),
        (
            NETWORK,
            W_2,
            W_2_TURNED,
            15,
            "[[0.8, -0.4], [0.2, 0.5], [-0.6, 0.1]]",
            "[[0.8, 0.2, -0.6], [-0.4, 0.5, 0.1]]",
        ),
    ],
)
def test_what_is_not_as_long_as_it_should_be_is_blamed_alone(
    text: str, old: str, new: str, line: int, printed: str, expected: str
) -> None:
    assert text.count(old)
    assert report(text).passed
    before, _, after = text.rpartition(old)
    (wrong,) = report(f"{before}{new}{after}").findings
    assert (wrong.line, wrong.printed, wrong.expected) == (line, printed, expected)


def test_a_transposed_matrix_is_called_so() -> None:
    (wrong,) = report(NETWORK.replace(W_1, W_1_TURNED)).findings
    assert wrong.reason == "W1 stands here transposed: it is 2×3, and x has 3"


@pytest.mark.parametrize(
    "text",
    [
        # Another example, of another size.
        "$x = [0.4, 0.1, 0.5]$, $v = [1, 0, 2]$, $u = x + v = [1.4, 0.1, 2.5]$\n\n"
        "$x = [0.4, 0.1]$, $v = [1, 0]$, $u = x + v = [1.4, 0.1]$",
        "$\\mu = [0.5]$, $\\log\\sigma^2 = [0.0]$, $\\epsilon = [1.0]$\n\n"
        "$\\mu = [0.5, 0.2]$, $\\log\\sigma^2 = [0.0, 0.0]$, $\\epsilon = [1.0, -1.0]$",
        # Every matrix is written as PyTorch has it.
        NETWORK.replace(W_1, W_1_TURNED).replace(W_2, W_2_TURNED),
        # Some elements are worked out, and the others alike.
        "$h_1 = 0.5 \\cdot 2 = 1.0$ and $h_2 = 0.5 \\cdot 3 = 1.5$; the third likewise\n\n"
        "$h = [1.0, 1.5, 0.2]$, $v = [0.3, 0.1, 0.4]$, $s = h + v = [1.3, 1.6, 0.6]$",
        # A sum leaves out what is zero.
        "$a = [0.3, 0, 0.4]$, $b = [0, 0, 0]$, $\\|a - b\\|^2 = 0.3^2 + 0.4^2 = 0.25$",
        # Points and centres have indices of their own.
        "$x = [1.0, 2.0, 9.0]$, $y = [0.1, 0.2, 0.3]$, $c = [1.5, 9.0]$\n\n"
        "$J = \\sum_n (x_n + y_n)^2$ and $K = \\sum_n \\sum_k (x_n - c_k)^2$",
        # A bias that is a weight of its own.
        "$p = [0.5, 1.0]$, $q = [1, p_1, p_2] = [1, 0.5, 1.0]$, $w = [0.1, 0.2, 0.3]$\n\n"
        "$y = w \\cdot q = 0.1 + 0.1 + 0.3 = 0.5$",
        # Each number with each.
        "$\\delta = [0.2, -0.1]$, $x = [1, 2, 3]$, $G = \\delta x^\\top = "
        "\\begin{bmatrix} 0.2 & 0.4 & 0.6 \\\\ -0.1 & -0.2 & -0.3 \\end{bmatrix}$",
        # Errors of layers, which are no noise.
        "$\\epsilon^{(1)} = [0.2, 0.1, 0.4]$, $\\epsilon^{(2)} = [0.3, 0.1, 0.2]$, "
        "$\\epsilon^{(3)} = [0.5, 0.6]$, $1 + 1 = 2$",
    ],
)
def test_lists_of_other_lengths_are_not_accused(text: str) -> None:
    assert report(text).passed
