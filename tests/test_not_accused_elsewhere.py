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


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        # Nothing parts a number from the words behind it.
        ("她有 85 个苹果。总数 = $5 + 85 = 90$", "她有 85 个苹果。总数 = $5 + 85 = 91$"),
        # A mean of shares.
        ("It wins 49% = (50+48)/2 of its games.", "It wins 49% = (50+46)/2 of its games."),
        ("It wins (50+48)/2 = 49% of its games.", "It wins (50+48)/2 = 47% of its games."),
        (r"$\frac{1}{4}:\frac{4}{1}=1:16$, $2 \cdot 8 = 16$", r"$2 \cdot 8 = 18$"),
        # An equation within another's name.
        (
            r"- $P(X = \text{Red}) = 0.4$"
            "\n\nAnother urn:\n\n"
            r"- $P(X = \text{Red}) = 0.9$"
            "\n\n$0.9 + 0.1 = 1.0$",
            "$0.9 + 0.1 = 1.1$",
        ),
        # What several calls print.
        (
            "```\nprint(ids(a))\nprint(ids(b))\n# [204196, 208657]\n# [204976, 208657]\n```",
            "```\nx = 3 / 8\n# 0.357\n```",
        ),
    ],
)
def test_notes_are_not_accused_of_what_they_do_not_say(right: str, wrong: str) -> None:
    assert report(right).findings == ()
    assert not report(wrong).passed


def test_a_number_too_large_to_be_squared_is_judged() -> None:
    (finding,) = report(f"$1{'0' * 170} + 2 = 3$").findings
    assert finding.printed == "3"


def test_a_sum_goes_on_behind_its_aligning_sign() -> None:
    text = r"""$$
\begin{aligned}
g=&(-2)+0.5\times (-1)\\
&+0.25\times (-2)+0.125\times (-4)\\
=&-3.5
\end{aligned}
$$
$3 + 4 = 7$"""
    assert report(text).findings == ()


def test_a_softmax_is_of_each_row_of_several_matrices() -> None:
    text = r"""$$\text{softmax}(\begin{bmatrix}
\begin{bmatrix} 0.1 & 0.4 \\ 0.6 & 0.2 \end{bmatrix}\\
\begin{bmatrix} 0.3 & 0.3 \\ 0.9 & 0.8 \end{bmatrix}
\end{bmatrix}) = \begin{bmatrix}
\begin{bmatrix} 0.4256 & 0.5744 \\ 0.5987 & 0.4013 \end{bmatrix}\\
\begin{bmatrix} 0.5000 & 0.5000 \\ 0.5250 & 0.4750 \end{bmatrix}
\end{bmatrix}$$"""
    assert report(text).findings == ()
    assert not report(text.replace("0.5987", "0.5978")).passed


def test_rows_below_each_other_are_a_matrix() -> None:
    text = """
```
a = [0.0417, 0.0583]
    [0.0417, 0.0583]

W1 = [0.3, 0.1]
     [0.1, 0.2]

H[0][0] = 0.0417 × 0.3 + 0.0583 × 0.1 = 0.01251 + 0.00583 = 0.01834
H[1][1] = 0.0417 × 0.1 + 0.0583 × 0.2 = 0.01583

H = [0.01834, 0.01583]
    [0.01834, 0.01583]
```

**H = a × W1**
"""
    assert report(text).findings == ()
    assert not report(text.replace("= 0.01583\n\n", "= 0.01853\n\n")).passed


def test_a_formula_may_have_lines_of_its_own_between_single_dollars() -> None:
    text = "- The weights are\n  $\n  \\frac{1}{4}:\\frac{4}{1}=1:16\n  $\n\n- $3 + 4 = {}$\n"
    assert report(text.replace("{}", "7")).findings == ()
    assert not report(text.replace("$3 + 4 = {}$", "\n  $\n  3 + 4 = 8\n  $")).passed


def test_a_bold_sign_with_an_index_counts_no_elements() -> None:
    text = r"""
Let $\mathbf{w} = [0.3, 0.8]$ and $\mathbf{x} = [2, 5]$.

- $w_1 \cdot x_1 = 0.3 \cdot 2 = 0.6$
- $w_2 \cdot x_2 = 0.8 \cdot 5 = 4.0$

The class 0 has a vector of its own: $\mathbf{w}_0 \cdot [0.1, 0.5] = 0.3$.
"""
    assert report(text).findings == ()
    assert not report(text.replace("0.8 \\cdot 5", "0.9 \\cdot 5")).passed


@pytest.mark.parametrize("kind", ["float", "Int"])
def test_a_type_in_code_is_no_quantity(kind: str) -> None:
    text = f"```\nfirst: {kind} = 9\nsecond: {kind} = 2\nboth: ({kind}, {kind}) = (45, 9)\n```"
    assert report(text).findings == ()
