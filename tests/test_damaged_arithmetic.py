"""Arithmetic that has lost a sign, a factor or a term is blamed, and not its right result."""

from __future__ import annotations

import pytest

from vae_explain.analysis.proofread.report import report

NETWORK = """
The weights are 0.62, 0.37 and 0.55, the inputs 0.24 and 0.18, the bias is 0.31.

n = 0.37 * 0.24 + 0.55 * 0.18 + 0.31 = 0.4978

out = 1 / (1 + exp(-0.4978)) = 0.62194218

E = 0.5 * (0.05 - 0.62194218)^2 = 0.16355893

g = (0.62194218 - 0.05) * 0.62194218 * (1 - 0.62194218) = 0.13448082

w = 0.62 - 0.5 * 0.13448082 = 0.55275959

The output is 0.62194218, its gradient 0.13448082, the loss 0.16355893, and then w is 0.55275959.
"""


@pytest.mark.parametrize(
    ("old", "new", "printed", "expected"),
    [
        (
            "= 0.62 - 0.5",
            "= 0.62 + 0.5",
            "0.62 + 0.5·0.13448082",
            "0.62 - 0.5·0.13448082",
        ),
        (
            "(1 + exp",
            "(1 - exp",
            "1/(1 - exp(-0.4978))",
            "1/(1 + exp(-0.4978))",
        ),
        (
            "0.5 * (0.05 - 0.62194218)",
            "(0.05 - 0.62194218)",
            "(0.05 - 0.62194218)^2",
            "0.5·(0.05 - 0.62194218)^2",
        ),
        (
            "(0.05 - 0.62194218)",
            "(0.05)",
            "0.5·0.05^2",
            "0.5·(0.05 - 0.62194218)^2",
        ),
        (
            "0.5 * 0.13448082 = 0.55",
            "0.5 * 0.06724041 = 0.55",  # half of it
            "0.06724041",
            "0.13448082",
        ),
        (
            " * (1 - 0.62194218)",
            " * (1)",
            "(0.62194218 - 0.05)·0.62194218·1",
            "(0.62194218 - 0.05)·0.62194218·(1 - 0.62194218)",
        ),
        (
            " + 0.31 =",
            " =",
            "0.37·0.24 + 0.55·0.18",
            "0.37·0.24 + 0.55·0.18 + 0.31",
        ),
    ],
)
def test_what_its_result_does_not_follow_from_is_blamed(
    old: str, new: str, printed: str, expected: str
) -> None:
    assert report(NETWORK).passed
    assert old in NETWORK
    (found,) = report(NETWORK.replace(old, new, 1)).findings
    assert (found.printed, found.expected) == (printed, expected)


def test_what_comes_to_a_number_of_one_digit_exactly_is_no_chance() -> None:
    right = "m = 0.7·0 + 0.3·0.4 = 0.12, so c = 0.12/(1 - 0.7) = 0.12/0.3 = 0.4"
    assert report(right).passed
    (found,) = report(right.replace("0 + 0.3", "0 - 0.3")).findings
    assert (found.printed, found.expected) == ("0.7·0 - 0.3·0.4", "0.7·0 + 0.3·0.4")
    (found,) = report(right.replace("1 - 0.7", "1 + 0.7")).findings
    assert (found.printed, found.expected) == ("1 + 0.7", "1 - 0.7")
    (found,) = report("m = 0.7·0 - 0.3·0.4 = 0.12").findings
    assert (found.printed, found.expected) == ("0.12", "-0.120")


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("w = 0.62 - 0.5·0.1344 = 0.6872", "0.6872"),  # the author has added by mistake
        ("a = 0.8 and b = 0.35 + 0.2 = 0.95, so c = 0.95", "0.95"),  # a number of few digits
        # Not 0.25 more, though that stands here: the bias was another.
        (
            "h = 0.597, c = 0.25, n = 0.4·0.597 + 0.35 = 0.83880, o = sigmoid(0.83880) = 0.69821",
            "0.35",
        ),
    ],
)
def test_what_as_well_explains_a_result_is_blamed_before(text: str, printed: str) -> None:
    (found,) = report(text).findings
    assert found.printed == printed


PRODUCTS = "v = 0.7(0.3) + (-0.5)(-1.2) + 0.6(1.5) - 0.31 = 0.21 + 0.60 + 0.90 - 0.31 = 1.40"
SQUARES = "s = 1 + 0.2 - 0.4^2 - 1.3 = 1 + 0.2 - 0.16 - 1.3 = -0.26"
GROUPS = "d = (1 - 0.3 - 0.49 - 0.7408) + (1 + 0.2 - 0.04 - 1.2214) = -0.5308 + (-0.0614) = -0.5922"


@pytest.mark.parametrize(
    ("right", "old", "new", "printed", "expected"),
    [
        (
            PRODUCTS,
            " + 0.6(1.5)",
            "",
            "0.7·0.3 + -0.5·-1.2 - 0.31",
            "0.7·0.3 + -0.5·-1.2 - 0.31 + 0.90",
        ),
        (PRODUCTS, " + 0.60", "", "0.21 + 0.90 - 0.31", "0.21 + 0.90 - 0.31 + -0.5·-1.2"),
        (PRODUCTS, "0.90", "0.70", "0.70", "0.900"),  # here the number is wrong
        (SQUARES, "- 0.4^2", "+ 0.4^2", "1 + 0.2 + 0.4^2 - 1.3", "1 + 0.2 - 0.4^2 - 1.3"),
        (GROUPS, " - 0.49", "", "1 - 0.3 - 0.7408", "-0.5308"),
        (GROUPS, "-0.5308", "-0.5380", "-0.5380", "-0.5308"),
    ],
)
def test_of_three_sides_the_one_that_the_others_do_not_agree_with_is_blamed(
    right: str, old: str, new: str, printed: str, expected: str
) -> None:
    assert report(right).passed
    assert old in right
    (found,) = report(right.replace(old, new, 1)).findings
    assert (found.printed, found.expected) == (printed, expected)


SHARES = """
$-(1 \\log 0.83 + 0 \\log 0.17) = 0.1863$

$-(0 \\log 0.62 + 1 \\log 0.38) = 0.9676$

$-(1 \\log 0.71 + 0 \\log 0.29) = {}$ {}
"""


def test_a_logarithm_of_like_arithmetic_has_the_same_base() -> None:
    assert report(SHARES.format("0.3425", "")).passed
    (found,) = report(SHARES.format("0.1487", "")).findings  # by the key of a calculator
    assert (found.line, found.printed, found.expected) == (6, "0.1487", "0.3425")
    assert report(SHARES.format("0.4941", "bits")).passed
    assert report("$-\\log 0.83 = 0.1863$, $10 \\log 0.71 = -1.487$").passed  # of another kind


SAMPLE = """
$\\mu = 0.62$, $\\sigma = 0.91$ and $\\epsilon = -0.4$

$z = \\mu + \\sigma \\epsilon = 0.62 + (0.91)(-0.4) = 0.62 - 0.364 = 0.256$

$y = 0.6225$ and $s = y(1 - y) = 0.6225(1 - 0.6225) = 0.2350$
"""


@pytest.mark.parametrize(
    ("old", "new", "printed", "expected"),
    [
        (" + \\sigma \\epsilon", "", "μ", "μ + 0.91·-0.4"),
        ("(1 - 0.6225)", "(1)", "0.6225·1", "0.6225·(1 - 0.6225)"),
    ],
)
def test_a_term_that_a_formula_has_and_its_numbers_have_not_is_lost(
    old: str, new: str, printed: str, expected: str
) -> None:
    assert report(SAMPLE).passed
    assert old in SAMPLE
    (found,) = report(SAMPLE.replace(old, new, 1)).findings
    assert (found.printed, found.expected) == (printed, expected)


def test_a_quantity_may_have_another_value_after_a_step() -> None:
    assert report("w = 0.9, and the step is w = w = 0.9 - 0.2 · 0.35 = 0.83").passed
