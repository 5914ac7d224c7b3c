"""Tables of quantities: each column is held against what its quantity is made of, row by row."""

from __future__ import annotations

import pytest

from vae_explain.analysis.proofread.report import report

LATENTS = """The encoder gives mu = [0.5, -0.3] and log_var = [-0.2, 0.4].

| i | mu | logvar | sigma | eps | z |
|---|----|--------|-------|-----|---|
| 1 | 0.5 | -0.2 | 0.9048 | 1.2 | 1.5858 |
| 2 | -0.3 | 0.4 | 1.2214 | -0.7 | -1.1550 |

| i | 1 + logvar | mu² | exp(logvar) | KL |
|---|---|---|---|---|
| 1 | 0.8 | 0.25 | 0.8187 | 0.1344 |
| 2 | 1.4 | 0.09 | 1.4918 | 0.0909 |

Sum: KL = 0.1344 + 0.0909 = 0.2253.
"""
NEURONS = """A neuron gives $y = w_1 x_1 + w_2 x_2 + b$ with $w_1 = 0.3$, $w_2 = -0.8$, $b = 0.1$.

| $x_1$ | $x_2$ | $y$ |
|---|---|---|
| 1.5 | 0.5 | 0.15 |
| 2.0 | 1.5 | -0.5 |
| 0.5 | 2.5 | -1.75 |
"""


# A row of the matrix is put in for each unit, and gives a list, where a row has one number.
MATRIX = """The first layer gives

| unit | h |
|---|---|
| 0 | 0.40 |
| 1 | 0.93 |

The second has the weight and the bias

$$W = \\begin{bmatrix} -0.19 & 0.50 \\\\ 0.50 & 0.07 \\end{bmatrix}, \\quad b = [-0.30, -0.42]$$

and gives $m = h W^{\\top} + b$:

| unit | m |
|---|---|
| 0 | 0.09 |
| 1 | -0.15 |
"""


@pytest.mark.parametrize("text", [LATENTS, NEURONS, MATRIX])
def test_a_table_of_quantities_is_right(text: str) -> None:
    found = report(text)
    assert found.findings == ()


@pytest.mark.parametrize(
    ("text", "right", "wrong", "line"),
    [
        (LATENTS, "1.2214", "1.2241", 6),
        (LATENTS, "-1.1550", "-1.0550", 6),
        (LATENTS, "| 0.0909", "| 0.1909", 11),
        (LATENTS, "1.4918", "1.4981", 11),
        (LATENTS, "| 2 | -0.3", "| 2 | -0.2", 6),
        (NEURONS, "-0.5 |", "0.5 |", 6),
    ],
)
def test_the_damaged_number_of_a_table_is_blamed_alone(
    text: str, right: str, wrong: str, line: int
) -> None:
    found = report(text.replace(right, wrong, 1))
    (finding,) = found.findings
    printed, expected = (
        part.rsplit(" ", 1)[-1] for part in (wrong.rstrip(" |"), right.rstrip(" |"))
    )
    assert (finding.line, finding.printed) == (line, printed)
    assert float(finding.expected) == pytest.approx(float(expected), rel=1e-3)
