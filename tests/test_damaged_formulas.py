"""A formula that does not fit the right numbers beside it is blamed, and they are not."""

from __future__ import annotations

import pytest

from vae_explain.analysis.proofread.report import report

LAYER = r"""
The pre-activation of a layer is $h = x W + b$.

$$x = \begin{bmatrix} 0.4 & -1.5 \end{bmatrix}, \quad
W = \begin{bmatrix} 0.2 & 0.7 \\ -0.3 & 0.1 \end{bmatrix}, \quad
b = \begin{bmatrix} 0.25 & -0.25 \end{bmatrix}$$

$h = [0.78, -0.12]$

The loss is $L = \frac{1}{2}(t - y)^2 = \frac{1}{2}(0.2 - 0.6479)^2 = 0.1003$ and

$\frac{\partial L}{\partial y} = -(t - y) = -(0.2 - 0.6479) = 0.4479$

where $y = 0.6479$. With $\eta = 0.5$ and $g = 0.128$ the weight is

$w' = w - \eta \cdot g = 0.9 - 0.5 \cdot 0.128 = 0.836$
"""
HALF_LOST = (r"\frac{1}{2}(t - y)^2 =", "(t - y)^2 =", 10)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("x W + b", "x W - b", 2),
        HALF_LOST,
        ("(t - y)^2 =", "(t + y)^2 =", 10),  # nothing else says what t is
        ("-(t - y) =", "(t - y) =", 12),
        ("-(t - y) =", "-(t + y) =", 12),
        (r"w - \eta \cdot g", r"w + \eta \cdot g", 16),
        ("0.25 & -0.25", "-0.25 & 0.25", 6),  # here the numbers are wrong, and the formula is right
    ],
)
def test_what_is_damaged_is_blamed_alone(old: str, new: str, line: int) -> None:
    assert report(LAYER).passed
    assert old in LAYER
    found = report(LAYER.replace(old, new, 1)).findings
    assert [finding.line for finding in found] == [line]


def test_what_the_formula_should_be_is_said() -> None:
    (found,) = report(LAYER.replace(*HALF_LOST[:2], 1)).findings
    assert (found.printed, found.expected) == ("(t - y)^2", "0.5·(t - y)^2")


@pytest.mark.parametrize(
    "text",
    [
        "w' = w − η·g = 0.4 + 0.5·0.2 = 0.5",  # g is -0.2
        "s = w·x + b = 0.5·2 − 0.1 = 0.9",  # b is -0.1
        "v = (1 − β)·g² = 0.1·0.25 = 0.025, with β = 0.9",  # g² is 0.25
        "e = ½(t − y)² = (0.25 − 0.5)²/2 = 0.03125",  # built another way
        "s = a·x + c·y = 0.3·2 = 0.6",  # y is 0
        "d = 1.1908·(Φ(0.9484) + 0.9484·φ(0.9484)) = 1.2740",  # φ is the normal density, and even
    ],
)
def test_what_is_put_in_may_have_signs_and_roundings_of_its_own(text: str) -> None:
    assert report(text).passed


def test_a_sum_whose_unknown_term_stands_in_the_text_has_its_signs() -> None:
    text = (
        "The squares add up to 31.1009589275.\n\n"
        "KL = 0.4095229010 and loss = MSE + KL = 31.5104818285"
    )
    assert report(text).passed
    (finding,) = report(text.replace("MSE + KL", "MSE - KL")).findings
    assert (finding.line, finding.printed, finding.expected) == (3, "MSE - KL", "MSE + KL")


def test_a_layer_adds_its_bias() -> None:
    right = "fc1(x) = fc1.weight @ x^T + fc1.bias"
    assert report(right).passed
    (found,) = report(right.replace("+", "-")).findings
    assert found.expected == "fc1.weight@xᵀ + fc1.bias"
    assert report("d = fc1.weight - fc2.bias").passed  # of another layer
    (found,) = report("$h = x W_1 - b_1$").findings
    assert (found.printed, found.expected) == ("x·W1 - b1", "x·W1 + b1")
    assert report("$h = x W_1 - b_2$, $f = W (x - b)$ and $s = w \\cdot x - b$").passed


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("KL = Σ(μ² + σ² − 1 − log σ²)", False),
        ("KL = Σ(μ² + σ² − 1 − log σ²), and the loss is L = R + ½·KL", True),
        ("`kl = (mu**2 + var - 1 - logvar).sum()` and `loss = mse + 0.5 * kl`", True),
        ("`kl = (mu**2 + var - 1 - logvar).sum()` and `loss = mse + kl`", False),
        ("σ = exp(log σ²), and the slope is s = ½·σ", False),  # that of a divergence alone
        ("It is 2·KL = Σ(μ² + σ² − 1 − log σ²).", True),
        ("D = Σ(μ² + σ² − 1 − log σ²); others say KL = Σ(μ² + σ² − 1 − log σ²).", True),
    ],
)
def test_twice_a_divergence_is_right_where_it_is_called_so(text: str, passes: bool) -> None:
    assert report(text).passed is passes


def test_a_mapping_of_derivatives_does_not_say_what_is_derived_by() -> None:
    code = """```python
x = 2.5
y = -4.0
f = x * y  # -10.0
expected = {'x': -4.0, 'y': 2.5}
g = x - y  # 6.5
```"""
    assert report(code).passed
    assert not report(code.replace("# 6.5", "# 6.6")).passed
    assert not report(code.replace("expected", "values")).passed


ROOTS = """
With alpha_bar = 0.64 we have sqrt(alpha_bar) = 0.8.

x = [0.5, -1.0], and so sqrt(alpha_bar)·x = [0.4, -0.8]

For another step sqrt(alpha_bar) = 0.6 and sqrt(1 - alpha_bar) = 0.8, and 0.6 · 0.5 = 0.3
"""


def test_a_root_of_another_example_is_no_mistake() -> None:
    assert report(ROOTS).passed
    (found,) = report(ROOTS.replace("alpha_bar) = 0.8.", "alpha_bar) = 8.0.")).findings
    assert (found.line, found.printed) == (2, "8.0")


def test_a_formula_between_dollars_may_have_spaces() -> None:
    right = "$ s = \\sigma_1 \\cdot 2 $ with $ \\sigma_1 = 0.75 $ gives $ s = 1.5 $"
    assert report(right).passed
    assert report(right).read["B"] == 1
    assert not report("It costs $ 5 = 6 $ or so, and 1 + 1 = 3").passed
    assert len(report("It costs $ 5 = 6 $ or so").findings) == 0


@pytest.mark.parametrize(
    ("formula", "meant"),
    [
        ("KL = ½Σ(μ² + σ² − log σ²)", "KL"),  # without the 1
        ("KL = −½Σ(log σ² − μ² − σ²)", "KL"),
        ("KL = ½Σ(μ + σ² − 1 − log σ²)", "0.5·sum (μ^2 + σ^2 - 1 - log(σ^2))"),
        ("KL = ½Σ(μ² + σ² − 1 − log σ)", "0.5·sum (μ^2 + σ^2 - 1 - log(σ^2))"),
        ("z = μ + σ/ε", "μ + σ·ε"),
        ("z = μ + σ²·ε", "μ + σ·ε"),
        ("σ = exp(2·log σ²)", "exp(0.5·log(σ^2))"),
    ],
)
def test_a_lost_term_power_or_stroke_is_seen_in_the_fields_own_formulas(
    formula: str, meant: str
) -> None:
    (found,) = report(formula).findings
    assert meant in (found.expected, "KL")


@pytest.mark.parametrize(
    "formula",
    [
        "KL = ½Σ(σ² − 1 − log σ²)",  # of means that are 0
        "KL = ½Σ(μ² + σ² − log σ²) + c",
        "KL = ½Σ(μ² + σ² − 1 − 2·log σ)",
        "z = ε",
    ],
)
def test_a_special_case_of_them_is_no_mistake(formula: str) -> None:
    assert report(formula).passed


STEP = """
x = [0.4, -1.5], W_1 = [[0.25, 0.75], [-0.35, 0.15]] and b_1 = [0.2051, -0.1252]

h = x·W_1 + b_1 = [0.8301, -0.0502]

With w = 0.7315 and r = 0.125, r·w = 0.0914375 and e = r·w/(1 + w²) = 0.05956

The next is sigmoid(0.425) = 0.60468
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "meant"),
    [
        ("x·W_1 + b_1 =", "x·W_1 =", 4, "x·W1 + b1"),
        ("r·w/(1 + w²)", "r·w·(1 + w²)", 6, "r·w/(1 + w^2)"),
        ("r·w/(1 + w²)", "r·w/(1 + w)", 6, "r·w/(1 + w^2)"),
        ("r·w = 0.09", "r/w = 0.09", 6, "r·w"),
        ("sigmoid(0.425)", "tanh(0.425)", 8, "sigmoid(0.425)"),
    ],
)
def test_what_a_formula_lost_is_told_by_its_numbers(
    old: str, new: str, line: int, meant: str
) -> None:
    assert report(STEP).passed
    assert old in STEP
    (found,) = report(STEP.replace(old, new, 1)).findings
    assert (found.line, found.expected) == (line, meant)


def test_a_number_stated_of_a_list_of_one_is_blamed_as_any() -> None:
    assert report("y = [0.2]*2 = 0.4").passed
    (found,) = report("y = [0.2]*2 = 0.7").findings
    assert (found.printed, found.expected) == ("0.7", "0.400")
