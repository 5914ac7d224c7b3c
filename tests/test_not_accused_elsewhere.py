"""What is right in notes on other subjects: units, cases, binomials, inverse matrices."""

from __future__ import annotations

import pytest

from vae_explain.analysis.proofread.report import report

ATTENTION = r"""
$$
Q = \begin{bmatrix} 1 & 0 & 1 \\ 0 & 1 & 1 \\ 1 & 1 & 0 \\ 0 & 0 & 1 \end{bmatrix},
K = \begin{bmatrix} 1 & 0 & 0 \\ 0 & 1 & 0 \\ 0 & 0 & 1 \\ 1 & 1 & 0 \end{bmatrix},
V = \begin{bmatrix} 1 & 0 & 0 \\ 0 & 1 & 0 \\ 0 & 0 & 1 \\ 1 & 1 & 0 \end{bmatrix}
$$

$$
QK^\top =
\begin{bmatrix}
1 & 0 & 1 & 1 \\
0 & 1 & 1 & 1 \\
1 & 1 & 0 & 1 \\
0 & 0 & 1 & 0 \\
\end{bmatrix}
$$
"""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        # The unit has a prefix.
        ("A sample takes $1/16000=0.0625$ ms.", "A sample takes $1/16000=0.0652$ ms."),
        (r"$250 \cdot 16 = 4$ kB", r"$250 \cdot 16 = 5$ kB"),
        # The terms have it, too.
        ("$0.25 + 0.5 = 0.75$ ms", "$0.25 + 0.5 = 0.80$ ms"),
        (r"$\binom{5}{2}=10$", r"$\binom{5}{2}=12$"),
        (r"$\dbinom{4}{3} \cdot 0.5^4 = 0.25$", r"$\dbinom{4}{2} \cdot 0.5^4 = 0.25$"),
    ],
)
def test_what_is_right_is_not_accused_and_what_is_wrong_is_found(right: str, wrong: str) -> None:
    assert report(right).findings == ()
    assert not report(wrong).passed


def test_a_case_may_go_on_in_the_next_lines() -> None:
    text = r"""
Test the $\lambda=4$ bound: $1/\lambda=0.25$.

What is it when $\lambda=16$?

$$\frac1{\lambda}=\frac1{16}=VALUE$$
"""
    assert report(text.replace("VALUE", "0.0625")).findings == ()
    assert not report(text.replace("VALUE", "0.0652")).passed


def test_a_power_of_a_matrix_is_none_of_each_number() -> None:
    text = r"""
For $\mathbf C=[[3,1],[1,3]]$ and $\mathbf a=[1,-1]^T$:

$$\mathbf C^{-1}\mathbf a=VALUE,\qquad \mathbf a^T\mathbf C^{-1}\mathbf a=1$$

$$\mathbf C^2=[[10,6],[6,10]]$$
"""
    assert report(text.replace("VALUE", "[0.5,-0.5]^T")).findings == ()
    assert not report(text.replace("VALUE", "[0.5,0.7]^T")).passed


def test_one_wrong_entry_of_a_product_is_no_other_matrix() -> None:
    (finding,) = report(ATTENTION).findings
    assert (finding.line, finding.printed, finding.expected) == (13, "1", "2")
