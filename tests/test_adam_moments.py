"""Adam's moments, held against their usual formulas where a document has none of its own."""

from __future__ import annotations

import pytest

from vae_explain.analysis.proofread.report import report

ADAM = r"""We start at $m_0 = 0$ and $v_0 = 0$, with $\beta_1 = 0.9$ and $\beta_2 = 0.999$.

The first gradient is $g_1 = 2.0$.

$$m_1 = 0.9 \cdot 0 + 0.1 \cdot 2.0 = 0.2$$
$$v_1 = 0.999 \cdot 0 + 0.001 \cdot 2.0^2 = 0.004$$
$$\hat{m}_1 = \frac{0.2}{1 - 0.9} = 2.0, \qquad \hat{v}_1 = \frac{0.004}{1 - 0.999} = 4.0$$

The second is $g_2 = 1.8$.

$$m_2 = 0.9 \cdot 0.2 + 0.1 \cdot 1.8 = 0.36$$
$$v_2 = 0.999 \cdot 0.004 + 0.001 \cdot 1.8^2 = 0.007236$$
$$\hat{m}_2 = \frac{0.36}{1 - 0.9^2} = 1.8947$$
$$\hat{v}_2 = \frac{0.007236}{1 - 0.999^2} = 3.6198$$
"""
# What is usual elsewhere is not so here: the document says it, or puts a function in.
OTHERS = (
    "β₁ = 0.9, β₂ = 0.999, g₁ = 2.0, v₀ = 0.006\n\nv₁ = 0.999·0.006 + 0.001·4 = 0.009994\n\n"
    "v̂₁ = max(0.006, 0.009994) = 0.009994",
    "β₂ = 0.9, v_0 = 0, g_1 = 2\n\n$v_t = \\beta_2 v_{t-1} + g_t^2$\n\n"
    "$v_1 = 0.9 \\cdot 0 + 2^2 = 4$",
    "β = 0.9, v_0 = 0, g_1 = 2\n\nv_1 = 0.9·0 + 2 = 2",
)


@pytest.mark.parametrize("text", [ADAM, *OTHERS])
def test_moments_that_are_right_are_not_accused(text: str) -> None:
    assert report(text).findings == ()


def test_moments_are_held_against_what_the_document_states() -> None:
    assert report(ADAM).read["B"] >= 8


@pytest.mark.parametrize(
    ("right", "wrong", "line", "expected"),
    [
        (r"\beta_2 = 0.999", r"\beta_2 = 0.993", 1, "0.999"),
        (r"\beta_1 = 0.9", r"\beta_1 = -0.9", 1, "0.9"),
        ("g_2 = 1.8", "g_2 = 8.1", 9, "1.8"),
        (r"0.007236}{1 - 0.999^2}", r"0.007236}{1 - 0.909^2}", 14, "0.999"),
    ],
)
def test_what_a_moment_is_put_in_wrong_for_is_blamed_first(
    right: str, wrong: str, line: int, expected: str
) -> None:
    first, *_ = report(ADAM.replace(right, wrong, 1)).findings
    assert (first.line, float(first.expected)) == (line, float(expected))
