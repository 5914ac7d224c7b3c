"""The terms of a total and the factors of a chain rule, beside what a document states of them."""

from __future__ import annotations

import pytest

from vae_explain.analysis.proofread.report import report

TOTAL = """KL = ½·[(0.36 + 0.741 + 0.3 - 1) + (0.04 + 1.221 - 0.2 - 1)] = 0.231

Then L = L_rec + 2.0 × 0.231, and the rest is as before.
"""
IN_WORDS = """- **Loss**: summed MSE of the pixels + KL to the prior

MSE = 0.25 + 0.5 = 0.75 and KL = 0.1 + 0.2 = 0.3

Loss = MSE + KL = 0.75 + 0.3 = 1.05
"""
FACTORS = """∂L/∂z = 3.0

- ∂z/∂μ = 1 → ∂L/∂μ = 3.0 × 1 = 3.0
- ∂z/∂σ = ε = 0.7 → ∂L/∂σ = 3.0 × 0.7 = 2.1
"""


@pytest.mark.parametrize(
    ("text", "old", "new", "line", "printed"),
    [
        (TOTAL, "× 0.231", "× 0.213", 3, "0.213"),
        (TOTAL, "× 0.231", "× 2.31", 3, "2.31"),
        (TOTAL, "× 0.231", "× 231", 3, "231"),
        (TOTAL, "× 0.231", "× 0.281", 3, "0.281"),
        (IN_WORDS, "pixels +", "pixels -", 1, "-"),
        (FACTORS, "∂L/∂z = 3.0", "∂L/∂z = -3.0", 1, "-3.0"),
        (FACTORS, "∂L/∂z = 3.0", "∂L/∂z = 30", 1, "30"),
        (FACTORS, "∂L/∂z = 3.0", "∂L/∂z = 8.0", 1, "8.0"),
    ],
)
def test_a_number_or_sign_that_is_stated_otherwise_is_blamed(
    text: str, old: str, new: str, line: int, printed: str
) -> None:
    assert report(text).findings == ()
    (finding,) = report(text.replace(old, new, 1)).findings
    assert (finding.line, finding.printed) == (line, printed)


@pytest.mark.parametrize(
    "text",
    [
        # Another example's divergence, and a term that is none.
        TOTAL.replace("× 0.231", "× 1.874"),
        TOTAL.replace("L_rec + 2.0 × 0.231", "L_aux + 2.0 × 0.213"),
        # Words of something else, and of a formula that the document has itself.
        IN_WORDS.replace("**Loss**", "**Plots**").replace("pixels +", "pixels -"),
        IN_WORDS.replace("pixels +", "pixels -").replace("MSE + KL = 0.75 + ", "MSE - KL = 0.75 - ")
        .replace("1.05", "0.45"),
        # A second step, with another derivative.
        FACTORS + "\nIn the next step ∂L/∂z = 1.5 and ∂L/∂μ = 1.5 × 1 = 1.5.\n",
        FACTORS.replace("∂L/∂z = 3.0", "∂L/∂z = 1.25"),
    ],
)  # fmt: skip
def test_what_goes_together_is_not_accused(text: str) -> None:
    assert report(text).findings == ()
