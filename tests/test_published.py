"""Proof-reading worked examples of other authors' kinds: read, and nothing right blamed.

The documents of `published/` are right, each in a style of its own. One of their numbers is then
made wrong; it must be blamed, and no other.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from vae_explain.analysis.proofread.equations import run
from vae_explain.analysis.proofread.reading import markdown
from vae_explain.analysis.proofread.report import Proofreading, report

from .pages import CommandLine
from .support import in_turn

HERE = Path(__file__).parent / "published"
# How many comparisons each document gives at least, by itself and with what it states.
READ = {
    "attention.tex": (5, 1),
    "card.txt": (3, 1),
    "cell.md": (5, 7),
    "classes.ipynb": (7, 1),
    "code.md": (2, 1),
    "columns.md": (8, 1),
    "delta.md": (0, 8),
    "draws.md": (5, 2),
    "filter.md": (10, 0),
    "first-step.md": (10, 0),
    "gates.txt": (6, 2),
    "gaussians.md": (5, 0),
    "komma.md": (2, 0),
    "latent.tex": (9, 1),
    "lines.md": (11, 1),
    "momentum.md": (10, 0),
    "network.md": (0, 1),
    "neuron.md": (5, 3),
    "noise.md": (3, 5),
    "normalised.md": (10, 8),
    "notebook.ipynb": (3, 2),
    "notes.md": (20, 3),
    "quiz.md": (5, 2),
    "rows.md": (3, 3),
    "scores.html": (14, 0),
    "softmax.html": (9, 0),
    "table.md": (8, 0),
}


def proofread(name: str, old: str = "", new: str = "") -> Proofreading:
    """Proof-read a document, after one thing in it was changed."""
    text = (HERE / name).read_text("utf-8")
    assert old in text
    return report(text.replace(old, new, 1) if old else text, name)


def test_every_document_is_listed() -> None:
    assert {path.name for path in HERE.iterdir()} == set(READ)


@pytest.mark.parametrize("name", READ)
def test_a_right_document_is_read_and_nothing_is_blamed(name: str) -> None:
    found = proofread(name)
    assert found.findings == ()
    assert (found.read["A"], found.read["B"]) >= READ[name]
    assert found.read["A"] >= READ[name][0]
    assert found.read["B"] >= READ[name][1]


DAMAGES = [
    # the document, what it says, what it is made to say, what must be blamed and its right value
    ("neuron.md", "= 0.13$$", "= 0.31$$", "0.31", "0.130"),
    ("neuron.md", "e^{-0.13}} = 0.532454", "e^{-0.13}} = 0.532455", "0.532455", "0.532454"),
    ("momentum.md", "\\mathbf{3.918}", "\\mathbf{3.928}", "3.928", "3.918"),
    ("momentum.md", "0.24 + 0.28 = 0.52", "0.24 + 0.28 = 0.54", "0.54", "0.520"),
    ("momentum.md", "0.19} = 0.2632", "0.19} = 0.2631", "0.2631", "0.2632"),
    ("softmax.html", "\\approx 4.4817,", "\\approx 4.4187,", "4.4187", "4.4817"),
    ("softmax.html", "<mn>0.625</mn>", "<mn>0.615</mn>", "0.615", "0.625"),
    ("softmax.html", "+ 1 = 9", "+ 1 = 7", "7", "9"),
    ("attention.tex", "0.1428 = 0.304", "0.1428 = 0.314", "0.314", "0.304"),
    ("card.txt", "0.7408, 1.1052]", "0.7408, 1.1025]", "1.1025", "1.1052"),
    ("rows.md", "+ 0.20 = 0.23", "+ 0.20 = 0.22", "0.22", "0.230"),
    (
        "columns.md",
        "(-0.5) = \\mathbf{-0.1094}",
        "(-0.5) = \\mathbf{-0.1049}",
        "-0.1049",
        "-0.1094",
    ),
    ("columns.md", "\\mathbf{1.0500}", "\\mathbf{1.5000}", "1.5000", "1.0500"),
    ("table.md", "| 0.1600 |", "| 0.1700 |", "0.1700", "0.1600"),
    ("table.md", "| 0.5 | 0.75 |", "| 0.5 | 0.85 |", "0.85", "0.750"),
    ("code.md", "\n1.75", "\n1.85", "1.85", "1.75"),
    ("code.md", "\n0.6065", "\n0.6056", "0.6056", "0.6065"),
    ("code.md", "KL = 0.6", "KL = 0.5", "", ""),
    ("notebook.ipynb", "0.30 - 0.28 = 0.02", "0.30 - 0.28 = 0.03", "0.03", "0.0200"),
    ("notebook.ipynb", "\\approx 1.1503", "\\approx 1.1530", "1.1530", "1.1503"),
    ("komma.md", "0,7109", "0,7019", "0,7019", "0,7109"),
    ("komma.md", "- 0,3 = 0,9", "- 0,3 = 1,9", "1,9", "0,900"),
    ("quiz.md", "KL = 2.0", "KL = 1.0", "1.0", "2.00"),
    ("quiz.md", "= 0.83", "= 0.38", "0.38", "0.830"),
    ("draws.md", "= 0.4$, $z_2", "= 0.5$, $z_2", "0.5", "0.400"),
    ("draws.md", "[1.0, 0.6065]", "[1.0, 0.6606]", "0.6606", "0.6065"),
    ("lines.md", "(1 + 0.78297)", "(1 + 0.78279)", "0.78279", "0.78297"),
    ("first-step.md", "=-0.17$", "=0.17$", "0.17", "-0.170"),
    ("filter.md", "= -1.5$", "= 1.5$", "1.5", "-1.50"),
    ("gaussians.md", "0.64 + 0.16", "0.64 + 0.61", "", ""),
    ("network.md", "0.0962", "0.0926", "0.0926", "0.0962"),
    ("network.md", "[0.6345,", "[0.6354,", "0.6354", "0.6345"),
]


@pytest.mark.parametrize(("name", "old", "new", "printed", "expected"), DAMAGES)
def test_what_is_made_wrong_is_blamed_alone(
    name: str, old: str, new: str, printed: str, expected: str
) -> None:
    found = proofread(name, old, new)
    text = (HERE / name).read_text("utf-8").replace(old, new, 1)
    line = 1 + text[: text.index(new) + len(new) - 1].count("\n")
    assert {finding.line for finding in found.findings} == {line}
    if printed:
        (finding,) = found.findings
        assert (finding.printed, finding.expected) == (printed, expected)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("0.5 + 0.25 = 0.75", 0),
        ("0.5 + 0.25 = 0.80", 1),
        ("2.0 + 0.25 = 2.30", 1),
        ("1/3 ≈ 0.333", 0),
        ("1/3 ≈ 0.334", 1),
        ("2/3 = 0.66", 1),
        ("e^-1.5 = 0.2231 ≈ 0.223", 0),
        ("e^-1.5 = 0.2231 ≈ 0.224", 1),
        ("0.8898 + 1.0116·(-0.2387) = 0.6483 (computed: 0.64829778)", 0),
        ("0.40, 60 = 1.105", 0),
        ("[0.5, 1.5] + [1, 2] = [1.5, 3.5]", 0),
        ("[0.5, 1.5] + [1, 2] = [1.5, 3.6]", 1),
        ("log10(100) = 2, log(100) = 2", 0),  # to whichever base
        ("log(100) = 3", 1),
        ("12% of 50 is 6; 0.125 = 12.5%", 0),
        ("2 + 2 = 4 = 5", 1),
        ("x = 2 + 2 = 4 = 4.0", 0),
        ("1,000 + 1 = 1,001 and 12,345.5 + 1 = 12,346.5", 0),
        ("1,000 + 1 = 1,002", 1),
        ("[100,200] + [1,1] = [101,201]", 0),
        ("[100,200] + [1,1] = [101,202]", 1),
        ("0,7 + 0,125 = 0,825; 0,5 + 0,5 = 1,1", 1),
        ("beta2 = 0.999, so the defaults are lr=0.001/beta1=0.9/beta2=0.999", 0),
        # What was rounded to two digits was more before.
        ("0.33² + 0.67² = 0.11 + 0.45 = 0.56; 0.33² + 0.33² = 0.22; 0.56 + 0.56 + 0.22 = 1.33", 0),
        ("0.33² + 0.67² = 0.11 + 0.45 = 0.56; 0.33² + 0.33² = 0.22; 0.56 + 0.56 + 0.22 = 1.32", 1),
        # With b = -0.1 at its second place nothing would be left of x to judge by.
        ("x = 2, b = 0.1\n\nx = 2, b = 0.1\n\nh = x + b = 0.5·2 + 0.1 = 1.1", 0),
    ],
)
def test_one_equation(text: str, wrong: int) -> None:
    found = report(text)
    assert len(found.findings) == wrong


@pytest.mark.parametrize(
    ("text", "unread"),
    [
        ("0.5 + 0.25 = 0.75", 0),
        ("0.5 + 0.25 = 0.75 @@ 3", 1),
        ("1/0 = 3", 1),
        ("x = what it was", 0),
    ],
)
def test_an_equation_that_cannot_be_read_is_counted(text: str, unread: int) -> None:
    assert report(text).reading.unread == unread


def test_the_backward_pass_of_any_network_is_computed() -> None:
    assert proofread("network.md").read["C"] == 4
    wrong = proofread("network.md", "b_2} = -0.6428", "b_2} = 0.6428").findings
    assert [(f.printed, f.expected, f.layer) for f in wrong] == [("0.6428", "-0.6428", "C")]


AT_A_CORNER = r"""
$$x = \begin{bmatrix} 1 \\ 2 \end{bmatrix}$$
$$v = \begin{bmatrix} 1 & 1 \end{bmatrix}, \quad y = 3$$
$$W = \begin{bmatrix} 1 & -0.5 \\ 0.5 & 0.25 \end{bmatrix}$$
$$a = W x = \begin{bmatrix} 0 \\ 1 \end{bmatrix}$$
$$h = \text{ReLU}(a) = \begin{bmatrix} 0 \\ 1 \end{bmatrix}$$
$$\hat{y} = v h = 1$$
$$L = (\hat{y} - y)^2 = 4$$
$$\frac{\partial L}{\partial \hat{y}} = -4$$
$$\frac{\partial L}{\partial h} = \begin{bmatrix} -4 \\ -4 \end{bmatrix}$$
$$\frac{\partial L}{\partial x} = \begin{bmatrix} -2 \\ -1 \end{bmatrix}$$
"""


def test_a_relu_at_0_passes_nothing_back() -> None:
    assert report(AT_A_CORNER).read["C"] == 3
    assert not report(AT_A_CORNER).findings
    wrong = report(AT_A_CORNER.replace(r"-2 \\ -1", r"-6 \\ 1")).findings
    assert wrong
    assert {finding.layer for finding in wrong} == {"C"}


def test_a_number_in_a_tensor_takes_the_place_of_an_older_one() -> None:
    code = """```python
x = -3.0
y = x ** 2  # dy/dx = 2x = -6
a = 4.0
b = a * x  # db/da = x = -3
x = torch.tensor(2.0, requires_grad=True)
y = x ** 2  # dy/dx = 2x = 4
```"""
    assert report(code).passed
    assert report(code).read["C"] == 3


def test_arithmetic_is_that_of_decimals() -> None:
    assert report("3.53·0.9999999999999987·(1 − 0.9999999999999987) = 4.589e-15").passed
    assert not report("3.53·0.9999999999999987·(1 − 0.9999999999999987) = 5.103e-15").passed


def test_what_goes_on_in_a_chain_may_be_cut_and_what_ends_it_may_not() -> None:
    assert report("1 - 0.1/√0.03 · 0.5 = 1 - (0.5773 × 0.5) = 0.711").passed
    assert not report("0.1/√0.03 = 0.5773").passed


def test_a_result_may_follow_from_what_was_rounded_before() -> None:
    assert report("e^0.2 = 1.2214; 1.2214² = 1.4918").passed  # and e^0.4 is
    assert not report("1.2214² = 1.4927").passed


STATED = """
μ = [0.5, -0.3], log σ² = [-0.2, 0.1], ε = [0.8, -0.5]

σ = [exp(-0.1), exp(0.05)] = [0.905, 1.051]

z = μ + σ⊙ε = [0.5 + 0.905×0.8, -0.3 + 1.051×(-0.5)] = [1.224, -0.826]

KL = ½·[(0.25+0.819+0.2-1)+(0.09+1.105-0.1-1)] = 0.182
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "printed", "expected"),
    [
        ("μ = [0.5,", "μ = [0.6,", 2, "0.6", "0.5"),  # what follows used 0.5
        ("ε = [0.8, -0.5]", "ε = [-0.5, 0.8]", 2, "[-0.5, 0.8]", "[0.8, -0.5]"),
        ("0.905×0.8", "0.819×0.8", 6, "0.819", "0.905"),  # the variance for σ
        ("+1.105-", "+1.104-", 8, "1.104", "1.105"),
        ("-0.826", "-0.862", 6, "-0.862", "-0.826"),
        ("½·", "⅓·", 0, "", ""),
    ],
)
def test_what_a_document_states_is_held_against_what_follows(
    old: str, new: str, line: int, printed: str, expected: str
) -> None:
    assert report(STATED).passed
    found = report(STATED.replace(old, new, 1)).findings
    if not line:
        assert found == ()  # `⅓` is no sign that is read, so nothing is said of it
        return
    assert {finding.line for finding in found} == {line}
    assert (found[0].printed, found[0].expected) == (printed, expected)


FORMULAS = """
The divergence is $D_{KL} = -\\frac{1}{2} \\sum_j (1 + \\log \\sigma_j^2 - \\mu_j^2 - \\sigma_j^2)$.

With $\\mu = [1.5, -0.5]$ and $\\log\\sigma^2 = [0.4, -0.6]$, so that
$\\sigma^2 = [1.492, 0.549]$, we have $D_{KL} = 1.171 + 0.200 = 1.371$.

$$x = \\begin{pmatrix} 1.0 \\\\ -0.5 \\end{pmatrix}, \\quad
W_{\\text{enc}} = \\begin{pmatrix} 0.2 & -0.1 \\\\ 0.3 & 0.4 \\end{pmatrix}, \\quad
b_{\\text{enc}} = \\begin{pmatrix} 0.1 \\\\ -0.1 \\end{pmatrix}$$

$h = x \\cdot W_{\\text{enc}} + b_{\\text{enc}}$

$h[0] = 1.0(0.2) + (-0.5)(0.3) + 0.1 = 0.15$

$h[1] = 1.0(-0.1) + (-0.5)(0.4) - 0.1 = -0.40$
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "printed"),
    [
        ("- \\mu_j^2", "+ \\mu_j^2", 2, "μj^2"),  # its numbers are right
        ("-\\frac{1}{2} \\sum", "-\\sum", 2, "sum"),
        ("1.0 \\\\ -0.5", "-0.5 \\\\ 1.0", 7, "[-0.5, 1.0]"),  # exchanged
        ("= -0.40", "= 0.40", 15, "0.40"),
        ("[1.5, -0.5]", "[1.5, 0.5, 0.1]", 0, ""),
    ],
)
def test_formulas_are_held_against_the_numbers_that_stand_for_them(
    old: str, new: str, line: int, printed: str
) -> None:
    assert report(FORMULAS).read["B"] >= 4
    assert report(FORMULAS).passed
    assert old in FORMULAS
    found = report(FORMULAS.replace(old, new, 1)).findings
    if not line:
        return  # of lists that do not fit nothing is said; they raise nothing
    assert [finding.line for finding in found] == [line]
    assert printed in found[0].printed


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (r"$KL = -\frac{1}{2} \sum_j (1 + \log\sigma_j^2 - \mu_j^2 - \sigma_j^2)$", ""),
        (
            r"$KL = -\frac{1}{2} \sum_j (1 - \log\sigma_j^2 - \mu_j^2 - \sigma_j^2)$",
            "1 + log(σj^2)",
        ),
        (r"$D_{KL} = \sum_j (\mu_j^2 + \sigma_j^2 - \log\sigma_j^2 - 1)$", "0.5·"),
        ("`kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())`", ""),
        ("`kl = -0.5 * torch.sum(1 + logvar + mu.pow(2) - logvar.exp())`", "- μ^2"),
        ("σ = √(σ²) = exp(½·log σ²) and z = μ + σ⊙ε", ""),
        ("σ = √(σ²) = exp(log σ²) and z = μ + σ⊙ε", "exp(0.5·log(σ^2))"),
        ("z = μ(x) - σ(x)·ε", "μ + σ·ε"),
        ("KL = ½·(μ² + σ²/τ² - 1 - log σ²)", ""),  # to another prior
        ("z = w·x - b and σ = 1/(1 + e^-z)", ""),  # other quantities of these names
        # Beside no sign of equality.
        (r"KL · $\frac{1}{2} \sum (\sigma^2 + \mu^2 - 1 - \log \sigma^2)$", ""),
        (r"KL · $\frac{1}{2} \sum (\sigma^2 - \mu^2 - 1 - \log \sigma^2)$", "σ^2 + μ^2"),
        ("- Decoder: ReLU( fc_dec1.weight @ z^T + fc_dec1.bias ).", ""),
        ("- Decoder: ReLU( fc_dec1.weight @ z^T - fc_dec1.bias ).", "+ fcdec1.bias"),
        ("The error is (x + x̂)².", "(x - x^)^2"),
        ("The interval is (μ - σ, μ + σ), and of other draws μ - σ·ε.", ""),
    ],
)
def test_a_formula_of_the_field_is_what_it_is_everywhere(text: str, meant: str) -> None:
    found = report(text).findings
    assert len(found) == bool(meant)
    assert all(meant in finding.expected for finding in found)


def test_an_input_is_wrong_where_the_document_goes_on_with_what_follows_from_it() -> None:
    text = """$z = [2.0, 1.0, 0.1]$ gives

$e^z = [7.3891, 2.7183, 1.1052]$ and $7.3891 + 2.7183 + 1.1052 = 11.2126$.
"""
    assert report(text).passed
    (lost,) = report(text.replace("0.1]", "1]")).findings
    assert (lost.line, lost.printed, lost.expected) == (1, "1", "0.1")


SENT_BACK = r"""
$$\sigma = [1.2214, 0.6065], \quad \frac{\partial L}{\partial \sigma} = [0.3, -0.2]$$

$\frac{\partial L}{\partial \log\sigma^2} = \tfrac12 \frac{\partial L}{\partial \sigma} \sigma$

$\partial L/\partial (\log\sigma^2)_{0} = 0.5 \cdot 0.3 \cdot 1.2214 = 0.18321$

$\partial L/\partial (\log\sigma^2)_{1} = 0.5 \cdot (-0.2) \cdot 0.6065 = -0.06065$
"""


@pytest.mark.parametrize("first", [0, 1])
def test_an_element_of_a_derivative_is_counted_as_its_document_counts(first: int) -> None:
    text = SENT_BACK
    for place in (1, 0):
        text = text.replace(f"_{{{place}}}", f"_{{{place + first}}}")
    found = report(text)
    assert (found.findings, found.read["B"]) == ((), 4)
    assert {f.line for f in report(text.replace(r"\tfrac12", r"-\tfrac12")).findings} == {4}


LISTS = """
$q = [0.22, 0.64, 0.73]$ and $k = [0.54, 0.36, 0.74]$, so that

$s = q \\cdot k = (0.22)(0.54) + (0.64)(0.36) + (0.73)(0.74) = 0.1188 + 0.2304 + 0.5402 = 0.889$

$\\log\\sigma^2[0] = 0.30 - 0.48 = -0.18$ and $\\log\\sigma^2[1] = 0.16 - 0.50 = -0.34$

$\\sigma = \\exp(0.5 \\cdot \\log\\sigma^2)$

$\\sigma[0] = \\exp(-0.09) = 0.9139$ and $\\sigma[1] = \\exp(-0.17) = 0.8437$

$W = \\begin{pmatrix} 0.5 & 0.2 \\\\ -0.3 & 0.4 \\end{pmatrix}$ and $x = [1.5, 0.5]$ give
$y = x W = [0.60, 0.50]$
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "printed", "expected"),
    [
        ("(0.22)(0.54)", "(0.22)(0.45)", 4, "0.45", "0.540"),  # a factor, and not its product
        ("[0.54, 0.36", "[0.45, 0.36", 2, "0.45", "0.54"),  # what follows used 0.54
        ("= 0.1188", "= 0.1881", 4, "0.1881", "0.1188"),  # the sum is right with what was meant
        ("\\exp(0.5 ", "\\exp(-0.5 ", 8, "exp(-0.5·log(σ^2))", "exp(-(-0.5·log(σ^2)))"),
        ("\\exp(-0.09)", "\\exp(0.09)", 10, "0.09", "-0.0900"),
        (
            *("0.5 & 0.2 \\\\ -0.3 & 0.4", "0.5 & -0.3 \\\\ 0.2 & 0.4", 12),
            *("[[0.5, -0.3], [0.2, 0.4]]", "[[0.5, 0.2], [-0.3, 0.4]]"),
        ),
    ],
)
def test_the_one_thing_that_explains_the_others_is_blamed(
    old: str, new: str, line: int, printed: str, expected: str
) -> None:
    assert report(LISTS).passed
    assert old in LISTS
    found = report(LISTS.replace(old, new, 1)).findings
    assert {finding.line for finding in found} == {line}
    assert (found[0].printed, found[0].expected) == (printed, expected)


@pytest.mark.parametrize(
    ("text", "printed", "expected"),
    [
        # An operand is wrong where one small thing in it explains the result.
        ("1 / (1 + e^{0.42}) = 0.60348325", "0.42", "-0.42"),
        ("0.2 * 0.593269992 + 0.13 = 0.718653998", "0.13", "0.60"),
        ("0.31 * 0.25 + 25 = 0.3275", "25", "0.25"),
        ("0.6% + 0.1 * 4.8 = 1.08", "0.6%", "0.6"),
        ("(0.31)(0.52) + (0.84)(17) = 0.1612 + 0.1428 = 0.304", "17", "0.17"),
        ("ln(-0.7082) = -0.3450", "-0.7082", "0.7082"),
        # The result is wrong where that explains it as well.
        ("0.31 * 0.25 + 0.2 = 2775", "2775", "0.2775"),
        ("1.5 * 0.25 = -0.375", "-0.375", "0.375"),
        ("e^-1.5 = 0.2213", "0.2213", "0.2231"),
    ],
)
def test_what_explains_an_equation_with_one_small_change_is_blamed(
    text: str, printed: str, expected: str
) -> None:
    (found,) = report(text).findings
    assert (found.printed, found.expected) == (printed, expected)


TWICE = """
$a = [0.4, -0.75]$, $s = [0.905, 1.051]$, $e = [0.8, -0.5]$

$z_1 = 0.4 + 0.905 \\cdot 0.8 = 1.124$ and $z_2 = -0.75 + 1.051 \\cdot (-0.5) = -1.2755$

So $z = [1.124, -1.2755]$, and with $a_1 = 0.4$ and $a_2 = -0.75$ the story ends.

```json
{"z": [1.124, -1.2755], "a": [0.4, -0.75]}
```
"""


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("z = [1.124, -1.2755]", "z = [-1.2755, 1.124]", 6),
        ("a_2 = -0.75$", "a_2 = 0.75$", 6),
        ("a_2 = -0.75$", "a_2 = -750.0$", 6),
        ('"z": [1.124', '"z": [1.142', 9),
    ],
)
def test_what_is_stated_twice_is_stated_alike(old: str, new: str, line: int) -> None:
    assert old in TWICE
    assert report(TWICE).passed
    assert {finding.line for finding in report(TWICE.replace(old, new, 1)).findings} == {line}


def test_another_example_may_have_other_values() -> None:
    assert report("x = [1, 0] and h = [0.4, 0.6]\n\nNow x = [0, 1] and h = [0.5, 0.1]").passed
    first = "w = [0.2, 0.5]\n\nx = [1.5, -0.75]\n\nw·x = -0.075"
    assert report(f"{first}\n\nNow x = [1.5, 0.75]\n\nw·x = 0.675").passed
    assert not report(f"{first}\n\nNow x = [1.5, 0.75]").passed


@pytest.mark.parametrize(
    ("name", "old", "new", "line"),
    [
        ("attention.tex", "[0.31, 0.84]", "[0.84, 0.31]", 5),
        ("attention.tex", "[0.31, 0.84]", "[0.31, -0.84]", 5),
        ("columns.md", "0.8 & -0.3 \\\\ 0.1 & 0.9", "0.1 & 0.9 \\\\ 0.8 & -0.3", 8),
        (  # and not x, of which two numbers might as well be exchanged
            "rows.md",
            "0.2 & 0.6 \\\\ -0.5 & 0.4",
            "-0.5 & 0.4 \\\\ 0.2 & 0.6",
            4,
        ),
        ("network.md", "b_1 = [0.1, -0.2]", "b_1 = [-0.2, 0.1]", 5),
    ],
)
def test_a_value_that_is_stated_wrong_is_blamed_for_all_that_follows(
    name: str, old: str, new: str, line: int
) -> None:
    assert [finding.line for finding in proofread(name, old, new).findings] == [line]


@pytest.mark.parametrize(
    ("text", "printed", "expected"),
    [
        ("a = (0.12 - 0.4312) · 0.60 = 0.46128", "0.12", "1.2"),  # of another unit
        ("a = (1.2 - 0.4712) · 0.60 = 0.46128", "0.4712", "0.4312"),
        ("g = 0.0461 + 0.5900 = 0.5461", "0.5900", "0.5000"),
        ("KL = ½·(1 + 0.636) = -0.818", "-0.818", "0.818"),  # and no factor's sign
        ("s = ln(1 + e^1.2) = ln(4.32012) = 1.46333", "1.46333", "1.46328"),
        (
            "a = 0.25·0.328668164 = 0.082167041\n\nv = w-η·a = 0.40 - 0.5·0.082165041 = 0.35891648",
            "0.082165041",
            "0.082167041",
        ),
        (
            "μ = [1.1, -0.3, 0.7, 2.2]; σ = [0.4, 1.2, 0.6, 0.3]; ε = [0.5, 0.1, -1.0, 1.5]\n\n"
            "z = μ + σ·ε = [1.7, -1.5, 0.76, 2.35]",
            "[0.5, 0.1, -1.0, 1.5]",
            "[1.5, -1.0, 0.1, 0.5]",
        ),
        # An operand that the document has otherwise elsewhere is wrong.
        ("e^1.5 = 4.4817 and 4.4417/6.2809 = 0.7135", "4.4417", "4.4817"),
        ("The share is 2.56.\n\n(0.04 + 0.36 + 0.56 + 4)/4 = 1.74", "0.56", "2.56"),
        ("v = 0.00099936\n\nu = 99936/0.001999 = 0.49993", "99936", "0.00099936"),
        (
            "1 - 0.504 = 0.496, √0.054·1.5 - √0.496·0.4 = 1.06489 - 0.28171 = 0.78318",
            "0.054",
            "0.504",
        ),
        (
            "J = A + B = 0.3219, A = 0.2748 and B = 0.0471\n\nJ = A + B = -0.3219",
            "-0.3219",
            "0.3219",
        ),
        ("S = 0.1859 + 0.2172 = 0.4030\n\nL = 0.0307 + 0.4031 = 0.4338", "0.4030", "0.4031"),
        ("[e^-0.4, e^0.15] = [1.1618, 0.6703]", "1.1618", "0.6703"),  # exchanged
    ],
)
def test_of_an_operand_and_a_result_the_likelier_is_blamed(
    text: str, printed: str, expected: str
) -> None:
    found = report(text).findings[:1]
    assert [(finding.printed, finding.expected) for finding in found] == [(printed, expected)]


def test_a_sigma_before_a_bracket_is_a_sigmoid_where_the_document_bears_it_out() -> None:
    text = "σ(0.39) = 0.5963, σ(-0.4) = 0.4013 and σ(0.31) = 0.5769"
    assert report(text).passed
    assert report(text).read["A"] == 3
    assert [f.printed for f in report(text.replace("0.31", "0.13")).findings] == ["0.13"]
    assert report("With σ = 0.5 and μ = 2: μ + σ(0.4) = 2.2, a sigmoid follows").read["B"] == 1


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("[0.5, -0.3]", "[0.4, -0.3]", 1),
        ("[0.8, 1.1]", "[1.1, 0.8]", 1),
        ("1.1·0.4", "1.2·0.4", 7),
    ],
)
def test_a_formula_of_every_element_is_one_of_each(old: str, new: str, line: int) -> None:
    text = """μ = [0.5, -0.3], σ = [0.8, 1.1], ε = [0.2, 0.4]

For every i: $z_i = \\mu_i + \\sigma_i \\epsilon_i$

z_1 = 0.5 + 0.8·0.2 = 0.66

z_2 = -0.3 + 1.1·0.4 = 0.14
"""
    assert report(text).passed
    found = report(text.replace(old, new)).findings
    assert {finding.line for finding in found} == {line}


PUT_IN = """
K = [[0.5, -1.25], [1.5, 0.25]], v = [1.2, 0.4, -0.6, 3.0], x = [0.9, 0.2], y = [0.7654, 0.3120]

The mean is (1.2 + 0.4 - 0.6 + 3.0)/4 = 1.0.

a = 1·0.5 + 2·(-1.25) + 0·1.5 + 1·0.25 = -1.75

b = 2·0.5 + 0·(-1.25) + 1·1.5 + 3·0.25 = 3.25

c = (0.9 - 0.7654)^2 + (0.2 - 0.3120)^2 = 0.0181 + 0.0125 = 0.0306
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "printed", "expected"),
    [
        ("[[0.5, -1.25]", "[[0.5, 1.25]", 2, "1.25", "-1.25"),
        ("[[0.5, -1.25]", "[[-1.25, 0.5]", 2, "-1.25", "0.5"),
        ("[1.2, 0.4", "[12, 0.4", 2, "12", "1.2"),
        ("[0.7654, 0.3120]", "[0.3120, 0.7654]", 2, "0.3120", "0.7654"),
        ("0·(-1.25)", "0·(-1.75)", 8, "-1.75", "-1.25"),  # of which the sum says nothing
    ],
)
def test_a_list_is_what_arithmetic_has_of_it(
    old: str, new: str, line: int, printed: str, expected: str
) -> None:
    assert report(PUT_IN).passed
    assert old in PUT_IN
    (found,) = report(PUT_IN.replace(old, new, 1)).findings
    assert (found.line, found.printed, found.expected) == (line, printed, expected)


def test_another_list_may_have_one_number_otherwise() -> None:
    assert report(PUT_IN + "\nw = [1.2, 0.4, -0.6, 3.1], u = [0.5, 1.25, 1.5, 0.25]").passed


def test_a_value_of_another_sign_may_be_demanded() -> None:
    text = (
        "$KL = -0.5 (1 + \\log\\sigma^2 - \\mu^2 - \\sigma^2)$\n\n- mu=1, logvar=0: KL = 1\n\nμ = 1"
    )
    assert [finding.printed for finding in report(text).findings] == ["1"]


def test_a_wrong_result_elsewhere_speaks_against_no_other_value() -> None:
    text = (
        "J = ½·(0.75 - 0.01)² = 0.2978\n\na = 0.25·0.328668164 = 0.082167041\n\n"
        "v = w-η·a = 0.40 - 0.5·0.082165041 = 0.35891648\n\nL = J + 0.1 = 0.3978"
    )
    assert [finding.printed for finding in report(text).findings] == ["0.2978", "0.082165041"]


def test_a_value_with_thousands_may_have_been_damaged() -> None:
    (found,) = report("a = 1,234.5\n\nb = 2·a\n\nb = 2649").findings
    assert found.printed == "2649"


def test_a_logarithm_that_has_lost_its_point_gives_no_deviation() -> None:
    assert report("log σ² = [0.02, 20015677]\n\nσ = [1.01, 1.105]").read["A"] == 0


def test_formulas_that_go_round_in_a_circle_end() -> None:
    text = "a = b + b + c\n\nb = a + a + c\n\nc = a b + b a\n\n∂a/∂c = 0.5\n\nc = 0.3\n\n"
    assert report(text * 3).read["C"] == 0


def test_a_result_that_is_far_from_what_gives_it_is_blamed() -> None:
    text = (
        "mse = 31.100958927489703   sum of 4\nkl = 0.40952290104490313   sum of 2\n"
        "loss = mse + kl\nloss = 0.000000000000000 + 0.10000000000000000 = 0.000000000000000\n"
    )
    assert [finding.line for finding in report(text, "page.txt").findings] == [4]


WALKTHROUGH = Path(__file__).parent / "walkthroughs" / "blocks.md"


@pytest.mark.parametrize(
    ("old", "new", "lines", "words"),
    [
        ("[0.4186, 0.9453]`", "[0.9453, 0.4186]`", {113}, "eps"),
        ("[0.4186, 0.9453]`", "[-0.4186, -0.9453]`", {113}, "eps"),
        ("x = [0.5, -1.0, 2.0]", "x = [2.0, -1.0, 0.5]", {18}, "x["),  # in the opposite order
        ("x = [0.5, -1.0, 2.0]", "x = [0.5, -1.0, 20.0]", {18}, "x["),
        ("x = [0.5, -1.0, 2.0]", "x = [0.5, 2.0, -1.0]", {18}, "x["),
        ("x = [0.5, -1.0, 2.0]", "x = [0.5, 1.0, 2.0]", {18}, "x[1]"),
        ("x = [0.5, -1.0, 2.0]", "x = [5, -1.0, 2.0]", {18}, "x[0]"),
        ("         [0.0959, -0.4290, 0.0833],\n", "", {27}, "9 numbers where it has 12"),
        ("shape [4, 3]", "shape [3, 4]", {23}, "shape"),
        ("torch.manual_seed(11)", "torch.manual_seed(11)  # not seed 12", {9}, "12"),
    ],
)
def test_one_value_of_a_walkthrough_is_blamed_for_all_that_follows(
    old: str, new: str, lines: set[int], words: str
) -> None:
    text = WALKTHROUGH.read_text("utf-8")
    assert old in text
    found = report(text.replace(old, new, 1), "post.md").findings
    assert {finding.line for finding in found} == lines
    assert all(words in finding.reason for finding in found)


OWN = Path(__file__).parents[1] / "docs" / "README.md"


@pytest.mark.parametrize(
    ("header", "old", "new", "element"),
    [
        ("| products |", "1.8372", "1.8472", "fc1.weight[0,3]·x[3]"),
        ("| KL by logvar |", "0.2569", "0.2659", "mse by mu"),
    ],
)
def test_what_the_tables_of_our_own_documents_add_up_is_read(
    header: str, old: str, new: str, element: str
) -> None:
    text = OWN.read_text("utf-8")
    assert header in text
    before, _, behind = text.partition(header)
    found = report(text, "own.md")
    assert found.passed
    assert found.walkthrough is not None
    # Of what the run says, and of the other arithmetic, in sentences.
    assert len(found.walkthrough.unrecognised) <= 64
    wrong = report(before + header + behind.replace(old, new, 1), "own.md").findings
    assert (wrong[0].printed, wrong[0].expected) == (new, old)
    assert element in wrong[0].reason


TABLES = {
    "arithmetic": """\
| unit | arithmetic             |   pre |
| ---: | ---------------------- | ----: |
|    0 | 0.25·1.5 − 0.5·0.8     | −0.03 |
|    1 | 0.4·1.5 + 0.3·0.8      |  0.84 |
|    2 | log(1 + exp(0.2)) + 1  |  1.80 |
""",
    "plus": """\
| unit |   w0·x0 |   w1·x1 | + bias |    pre |
| ---: | ------: | ------: | -----: | -----: |
|    0 | 0.2·1.5 | 0.3·0.8 |   0.11 |   0.65 |
|    1 | 0.6·1.5 | 0.1·0.8 |  −0.25 |   0.73 |
""",
    "rest": """\
| element | gradient | from the error | from the KL |
| ------: | -------: | -------------: | ----------: |
|     0,0 |  −0.2031 |         0.1146 |     −0.3177 |
|     0,1 |   0.5870 |         0.2250 |      0.3620 |
|     1,0 |   0.1004 |         0.0004 |      0.1000 |
|     1,1 |   0.7731 |         0.9218 |     −0.1487 |
""",
}


@pytest.mark.parametrize(
    ("kind", "old", "new", "says"),
    [
        ("arithmetic", "0.84", "0.89", "the column arithmetic gives 0.840"),
        ("arithmetic", "1.80", "1.30", "the column arithmetic gives 1.80"),
        ("plus", "0.73", "0.78", "the sum of w0·x0 … + bias gives 0.730"),
        ("rest", "0.5870", "0.5780", "the sum of from the error … from the KL gives 0.5870"),
    ],
)
def test_a_table_says_by_its_arithmetic_how_a_column_is_made(
    kind: str, old: str, new: str, says: str
) -> None:
    text = TABLES[kind]
    assert report(text, "table.md").findings == ()
    (finding,) = report(text.replace(old, new, 1), "table.md").findings
    assert finding.reason == f"{says}, but {new} is printed"


@pytest.mark.parametrize(
    ("equation", "says"),
    [
        (
            r"\begin{bmatrix} 0.5 + 0.25 & 0.6(1 - 0.6) \\ -0.6(0.5) & 2 \end{bmatrix}"
            r" = \begin{bmatrix} 0.75 & 0.26 \\ -0.3 & 2 \end{bmatrix}",
            "0.6·(1 - 0.6) gives 0.240",
        ),
        ("[0.5, 0.3] - [0.4, 0.75] = [0.1, 0.45]", "0.3 - 0.75 gives -0.450"),
        ("[0.5, 0.3] · 3 = [1.5, 0.8]", "[0.5, 0.3] · 3 gives 0.900"),
    ],
)
def test_of_a_list_the_arithmetic_of_the_wrong_entry_is_quoted(equation: str, says: str) -> None:
    (finding,) = report(f"$${equation}$$", "post.md").findings
    assert finding.reason == f"{says}, but {finding.printed} is printed"


@pytest.mark.parametrize(
    "text",
    [
        # The first column says where a function is evaluated, and is no sum of the rest.
        "| x | f(x) = 2x + 1 | f |\n|--|--|--|\n| -1 | 2(-1) + 1 = -1 | -1 |\n"
        "| 0 | 2(0) + 1 = 1 | 1 |\n| 2 | 2(2) + 1 = 5 | 5 |",
        # Numbers that add up in a row or two by chance, and in whole numbers in more.
        "| a | b | c |\n|--|--|--|\n| 1.5 | 2.0 | 3.5 |\n| 0.5 | 0.2 | 0.7 |\n| 4.1 | 2.0 | 8.2 |",
        "| n | a | b |\n|--|--|--|\n| 3 | 1 | 2 |\n| 5 | 2 | 3 |\n| 8 | 3 | 5 |\n| 9 | 5 | 8 |",
        "| SS | df | MS |\n|--|--|--|\n| 7,006.56 | 1 | 7,006.56 |\n| 1,500.00 | 4 | 375.00 |",
    ],
)
def test_columns_that_say_nothing_of_each_other_are_let_be(text: str) -> None:
    assert report(f"{text}\n\nAnd 0.5 + 0.25 = 0.75.", "table.md").findings == ()


# --- reports --------------------------------------------------------------------------------


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """A document with one wrong number, on its fifth line."""
    path = tmp_path / "post.md"
    path.write_text("# A sum\n\nIt begins.\n\n$0.2 + 0.5 = 0.8$\n\nIt ends.\n", encoding="utf-8")
    return path


def test_json(wrong: Path, cli: CommandLine) -> None:
    outcome = cli("verify", str(wrong), "--format", "json")
    document = json.loads(outcome.out)
    assert (outcome.code, document["passed"]) == (1, False)
    assert document["read"] == {"A": 1, "B": 0, "C": 0}
    (finding,) = document["findings"]
    assert (finding["line"], finding["printed"], finding["expected"], finding["layer"]) == (
        *(5, "0.8", "0.700", "A"),
    )
    assert "0.2 + 0.5" in finding["reason"]


def test_sarif(wrong: Path, tmp_path: Path, cli: CommandLine) -> None:
    target = tmp_path / "proof.sarif"
    assert cli("verify", str(wrong), "--sarif", str(target)).code == 1
    document = json.loads(target.read_text("utf-8"))
    assert document["version"] == "2.1.0"
    (run,) = document["runs"]
    (result,) = run["results"]
    location = result["locations"][0]["physicalLocation"]
    assert location["region"] == {"startLine": 5}
    assert location["artifactLocation"]["uri"] == wrong.as_posix()
    assert result["ruleId"] in {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert "0.700" in result["message"]["text"]


@pytest.mark.parametrize(
    ("name", "text", "behind"),
    [
        ("a.md", "one\n\n$$\n0.2 + 0.5 = 0.8\n$$\n\ntwo\n", "$$\n\n<!-- verify, line 4:"),
        ("a.html", "<p>0.2 + 0.5 = 0.8</p>\n", "</p>\n\n<!-- verify, line 1:"),
        ("a.tex", "So $0.2 + 0.5 = 0.8$.\n\nEnd.\n", "$.\n\n% verify, line 1:"),
        ("a.txt", "So 0.2 + 0.5 = 0.8", "0.8\n\n[verify, line 1:"),
    ],
)
def test_annotate(name: str, text: str, behind: str, tmp_path: Path, cli: CommandLine) -> None:
    source, target = tmp_path / name, tmp_path / f"out-{name}"
    source.write_text(text, encoding="utf-8")
    assert cli("verify", str(source), "--annotate", str(target)).code == 1
    written = target.read_text("utf-8")
    assert behind in written
    assert source.read_text("utf-8") == text
    kept = "\n".join(line for line in written.split("\n") if "verify, line" not in line)
    assert kept.split() == text.split()


def test_the_page_says_what_was_read_and_what_is_wrong(wrong: Path, cli: CommandLine) -> None:
    outcome = cli("verify", str(wrong), columns=100)
    assert (outcome.code, outcome.err) == (1, "")
    words = " ".join(outcome.out.split())
    assert "line 5: 0.2 + 0.5 gives 0.700, but 0.8 is printed" in words


NOTHING = {
    "words": ("It rained for three days.", "no equation"),
    "names": ("$z = \\mu + \\sigma$", "the formulas of z"),
    "images": ("![the numbers](numbers.png)\n\nz = w", "1 image"),
    "nested": ("a = " + "(" * 300 + "1" + ")" * 300, "nested too deep"),
    "notebook": ("{}", "not a Jupyter notebook"),
}


@pytest.mark.parametrize("kind", NOTHING)
def test_where_nothing_can_be_judged_it_says_what_was_seen(
    kind: str, tmp_path: Path, cli: CommandLine
) -> None:
    text, words = NOTHING[kind]
    path = tmp_path / ("post.ipynb" if kind == "notebook" else "post.md")
    path.write_text(text, encoding="utf-8")
    outcome = cli("verify", str(path))
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert words in outcome.err
    assert "fc1" not in outcome.err


# --- anything at all ------------------------------------------------------------------------

HOSTILE = {
    "digits": "1" * 300_000,
    "a number of 4,301 digits": "x = " + "1" * 4301,
    "a number beyond all": "x = 1e309 = 2e99999",
    "a number with 400 decimals": "loss = 3.5 + 0.2·0.5 = 3.5 + 0." + "15" * 200 + " = 3.6",
    "a list where a number belongs": (
        "    [2] = 0.44·1 - 0.36·26·3 = 1.22[6] = -0.39·1 - 0.23·2 = -2.4\n       2    1.22    1.22"
    ),
    "equations that are all wrong": "\n\n".join(
        f"softmax([{n / 997:.2f}, {n % 7 / 3:.2f}, -{n % 5 / 7:.2f}]) = [0.12, 0.55, 0.33]"
        for n in range(3000)
    ),
    "brackets": "x = " + "[(" * 25_000,
    "lines of brackets": ("[" * 1000 + "\n") * 100,
    "fractions": "$x = " + "\\frac{1}{" * 244 + "2" + "}" * 244 + "$",
    "products": "x = " + " + ".join(["0.5*0.25"] * 1500) + " = 3",
    "words": "word " * 8_000 + "= 3",
    "an array": "x = [" + "0.5, " * 2000 + "1]",
    "prose": "the mean is about what it was. " * 5_000,
    "table cells": "| a | b |\n|---|---|\n" + "| 0.5 | 0.25 |\n" * 5_000,
    "opened formulas": "\\(" * 25_000,
    "signs of equality": "a = " * 10_000,
    "minus signs": "x = " + "-" * 25_000 + "1",
    "names": "x y " * 10_000 + "= 1",
    "subscripts": "x_" * 10_000 + " = 1",
    "commas": "1," * 10_000,
    "no elements": "<" * 250_000 + ">",
    "paragraphs": "<p><" * 350_000,
    "elements": "<math>" + "<mfrac>" * 25_000,
}


# Where a whole number counts something.
COUNTED = (
    "| | z |\n|--:|--:|\n| {n} | 2 |\n| 1 | 3 |\n",
    "VAE {n}→3→{n} · seed {n}\n\nfc1.weight [{n}, 2] = [[1, 2], [3, 4]]\n",
    "x[{n}] = 3\n\nmanual_seed({n})\n\nencoder_pre{n} = 2\n\nfc1.weight ({n} x 4): [[1, 2]]",
)


@pytest.mark.parametrize("number", ["1e999", "1" * 5000, "0" * 5000, "9" * 400, "1e-9"])
@pytest.mark.parametrize("text", COUNTED)
def test_a_number_that_counts_nothing_is_no_trouble(
    cli: CommandLine, tmp_path: Path, text: str, number: str
) -> None:
    path = tmp_path / "post.md"
    path.write_text(text.format(n=number), encoding="utf-8")
    outcome = cli("verify", str(path))
    assert "internal error" not in outcome.err


@pytest.mark.parametrize(("kind", "plain"), in_turn(HOSTILE, ("tex", "txt")))
def test_hostile_text_is_read_in_time_that_grows_with_it(kind: str, plain: str) -> None:
    """As Markdown, as HTML, and as one of the formats that read the text as it stands."""
    for ending in ("md", "html", plain):
        started = time.process_time()
        report(HOSTILE[kind], f"post.{ending}")
        assert time.process_time() - started < 20  # seconds; a quadratic reader needs minutes


def test_behind_very_many_findings_no_equation_is_judged(
    monkeypatch: pytest.MonkeyPatch, cli: CommandLine, tmp_path: Path
) -> None:
    monkeypatch.setattr(run, "MOST_FINDINGS", 2)
    path = tmp_path / "post.md"
    path.write_text("\n\n".join(["0.2 + 0.5 = 0.8"] * 5), encoding="utf-8")
    outcome = cli("verify", str(path))
    assert outcome.code == 1
    assert "3 passages not read" in outcome.out
    assert "2 found wrong" in outcome.out


def test_a_notebook_of_very_much_text_is_read_line_by_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As a text file of that size is, since a parser of Markdown takes minutes for it."""
    text = "0.2 + 0.5 = 0.8\n" + "It rained for three days.\n" * 50_000
    cell = {"cell_type": "markdown", "metadata": {}, "source": text.splitlines(keepends=True)}
    document = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    monkeypatch.delattr(markdown, "passages")
    (finding,) = report(json.dumps(document, indent=1), "post.ipynb").findings
    assert (finding.line, finding.printed) == (7, "0.8")
