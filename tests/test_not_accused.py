"""What other authors write rightly, in habits and notations of their own, is not accused.

Beside each that passes stands the same with a mistake in it, which does not.
"""

from __future__ import annotations

import random

import pytest

from vae_explain.analysis.proofread.report import report


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("1/0.97 ≈ 1", "1/0.97 ≈ 2"),
        ("e^10 ≈ 22,000", "e^10 ≈ 24,000"),
        ("0.25^10 ≈ 10^-6", "0.25^10 ≈ 10^-7"),
        ("640 × 480 × 9000 ≈ 3 billion", "640 × 480 × 9000 ≈ 5 billion"),
        ("the cube root is 90^(1/3) = 4.481...", "the cube root is 90^(1/3) = 4.491..."),
        (r"$\cosh(0) = \frac{e^0 + e^{-0}}{2} = 1$", r"$\cosh(0) = \frac{e^0 + e^{-0}}{2} = 2$"),
        (r"$\sinh(1) \approx 1.1752$", r"$\sinh(1) \approx 1.1572$"),
        (r"$\arccos(0.5) = 1.0472$, 1 + 1 = 2", r"$\arccos(0.5) = 1.0472$, 1 + 1 = 3"),
        (r"$\lfloor (9 - 4)/2 \rfloor + 1 = 3$", r"$\lfloor (9 - 4)/2 \rfloor + 1 = 4$"),
        ("⌈7/2⌉ = 4", "⌈7/2⌉ = 3"),
        ("2x² + 3x at x = 2 = 8 + 6 = 14", "2x² + 3x at x = 2 = 8 + 6 = 15"),
        ("reshape(-1, 4): -1 = 20/4 = 5 rows", "reshape(-1, 4): -1 = 20/4 = 6 rows"),
        ("3 + 3 = 7 (incorrect!)", "3 + 3 = 7 (of course)"),
        ("Step 2: 31 × 6 = 196 ← ERROR, it is 186", "Step 2: 31 × 6 = 196 ← it goes on"),
        ("cos(60) = 0.5", "cos(60) = 0.6"),
        ("N = 4 rows × 5 columns = 20, so N − 1 = 19", "N = 4 rows × 5 columns = 21"),
        ("Σ = 1² + 2² + ... + 8² + 9² = 285", "Σ = 1² + 2² + 8² + 9² = 285"),
        ("步长为2*3=6为正", "步长为2*3=7为正"),
        ("`W(A⁻) = 2`, and 1 + 1 = 2", "`W(A⁻) = 2`, and 1 + 1 = 3"),
        (
            "$$\\begin{aligned} e^0 &= 1 & e^{1.4} &= 4.055 \\\\ a &= 2 & b &= 3 \\end{aligned}$$",
            "$$\\begin{aligned} e^0 &= 1 & e^{1.4} &= 4.555 \\\\ a &= 2 & b &= 3 \\end{aligned}$$",
        ),
        (
            "\\begin{align}\n\\text{KL} &= -\\tfrac12 [-0.27 - 0.16] \\\\\n&= 0.215\n\\end{align}",
            "\\begin{align}\n\\text{KL} &= -\\tfrac12 [-0.27 - 0.16] \\\\\n&= 0.251\n\\end{align}",
        ),
        (
            "0.7099·2 − 0.7043·0.5 = 1.4199 − 0.3521 = 1.0677",
            "0.7099·2 − 0.7043·0.5 = 1.4189 − 0.3521 = 1.0667",
        ),
        (
            "Let μ = 0.4 and σ = 0.8.\n\nz = μ + 0.5σ = 0.8",
            "Let μ = 0.4 and σ = 0.8.\n\nz = μ + 0.5σ = 0.9",
        ),
        (
            "μ = 0.4, σ = 0.8\n\nQ = ½(μ² + σ² − 1 − ln σ²) = ½(0.16 + 0.64 − 1 + 0.4463) = 0.1231",
            "μ = 0.4, σ = 0.8\n\nQ = ½(μ² + σ² − 1 − ln σ²) = ½(0.16 + 0.64 − 1 + 0.4463) = 0.1321",
        ),
        (
            "a = 0.75136507\n\nE = ½(0.01 − 0.75136507)² = 0.274811083",
            "a = 0.75136507\n\nE = ½(0.01 − 0.75136507)² = 0.274811073",
        ),
        ("hits: 997/1000 = 0.997 = 99.7%", "hits: 997/1000 = 99.7"),
        ("$6 = 3 \\times 2 = 3!$", "$6 = 3 \\times 3 = 3!$"),
        (
            r"$2 \cdot 10^9 \cdot 16 \cdot 32 = 10^{12}$",
            r"$2 \cdot 10^9 \cdot 16 \cdot 32 = 10^{11}$",
        ),
        (
            r"$256^{784} \approx 10^{1888}$ and 1 + 1 = 2",
            r"$256^{784} \approx 10^{1888}$ and 1 + 1 = 3",
        ),
        (r"$\ln{0.6}^{2} = -1.0217$", r"$\ln{0.6}^{2} = -1.0271$"),
        (r"$\ln{(0.6)}^{2} = 0.2609$", r"$\ln{(0.6)}^{2} = 0.2690$"),
        ("E = 1/2 (0.9 - 0.5137)^2 = 0.0746", "E = 1/2 (0.9 - 0.5137)^2 = 0.0764"),
        ("d = 0.5 (1 + 0.2) (3 - 1) = 1.2", "d = 0.5 (1 + 0.2) (3 - 1) = 1.4"),
        ("the gap is g = 0.34 (0.9 - 0.56) = 0.34", "the gap is g = 0.34 (0.9 - 0.56) = 0.43"),
        ("r = 63/75 = 84.0%", "r = 63/75 = 87.0%"),
        ("θ = 5 − 0.1 · 10/√100 = 4.9", "θ = 5 − 0.1 · 10/√100 = 5.1"),
        ("C = −ln(1 − 0.418122…) = 0.541494…", "C = −ln(1 − 0.418122…) = -0.541494…"),
        ("H = −(0.7 ln 0.7 + 0.3 ln 0.3) = 0.6109", "H = −(0.7 ln 0.7 + 0.3 ln 0.3) = 0.6190"),
        ("it has 64 × 2 + 2 = 130 weights, 2,114 in all", "it has 64 × 2 + 2 = 132 weights, 2,114"),
        (
            "W = [[1, 2], [3, 4]]\n\nx = [0.5, 1]\n\nb = [0.1, -0.2]\n\nz = W x + b = [2.6, 5.3]",
            "W = [[1, 2], [3, 4]]\n\nx = [0.5, 1]\n\nb = [0.1, -0.2]\n\nz = W x + b = [2.6, 5.4]",
        ),
        (
            "```python\nv = np.array([-1.0, 0.4])\ns = np.exp(v / 2)\nprint(s)\n```\n\nOutput:\n\n"
            "```\narray([0.6065, 1.2214], dtype=float32)\n```",
            "```python\nv = np.array([-1.0, 0.4])\ns = np.exp(v / 2)\nprint(s)\n```\n\nOutput:\n\n"
            "```\narray([0.3679, 1.2214], dtype=float32)\n```",
        ),
        (
            "```python\na = 0.6\nb = 2*a\nc = 3*a\nprint(b)\nprint(c)\n```\n\n```\n1.2\n1.8\n```",
            "```python\na = 0.6\nb = 2*a\nc = 3*a\nprint(b)\nprint(c)\n```\n\n```\n1.8\n1.2\n```",
        ),
        ("the loss is −ln(0.0731) = 2.6163", "the loss is −ln(0.0731) = 2.6263"),
        (
            "```\nn = 0.4(-1.0) + (-0.2)(0.35) = -0.47\n```",
            "```\nn = 0.4(-1.0) + (-0.2)(0.35) = -0.74\n```",
        ),
        (
            "```\nmax(2,0,1,5) = 5    max(1,8,3,4) = 8\n```",
            "```\nmax(2,0,1,5) = 5    max(1,8,3,4) = 4\n```",
        ),
        ("it sees 7×7 / 56×56 = 1.56% of all", "it sees 7×7 / 56×56 = 1.65% of all"),
        (
            r"$$\begin{bmatrix} 2 & 1 \\ 0 & 3 \end{bmatrix} \times"
            r" \begin{bmatrix} 1 & 4 \\ 5 & 2 \end{bmatrix} ="
            r" \begin{bmatrix} 2·1+1·5 & 2·4+1·2 \\ 3·5 & 3·2 \end{bmatrix}$$",
            r"$$\begin{bmatrix} 2 & 1 \\ 0 & 3 \end{bmatrix} \times"
            r" \begin{bmatrix} 1 & 4 \\ 5 & 2 \end{bmatrix} ="
            r" \begin{bmatrix} 2·1+1·5 & 2·4+1·2 \\ 3·5 & 3·4 \end{bmatrix}$$",
        ),
        (
            r"$784 \times 6{,}400 \approx 5.0$ **million**",
            r"$784 \times 6{,}400 \approx 6.0$ **million**",
        ),
        (
            "$e = 0.6 - 1 = -0.4$, $L = e^2 = (-0.4)^2 = 0.16$, $dL/de = 2e = -0.8$",
            "$e = 0.6 - 1 = -0.4$, $L = e^2 = (-0.4)^2 = 0.16$, $dL/de = 2e = -0.9$",
        ),
        (
            "| step | how | value |\n|---|---|---|\n| 1 | $z = 0.5 \\cdot 3$ | $1.5$ |\n"
            "| 2 | $y = 1.5 - 0.7$ | $\\approx 0.8$ |\n| 3 | $L = 0.8^2$ | $\\approx 0.64$ |",
            "| step | how | value |\n|---|---|---|\n| 1 | $z = 0.5 \\cdot 3$ | $1.5$ |\n"
            "| 2 | $y = 1.5 - 0.7$ | $\\approx 0.8$ |\n| 3 | $L = 0.8^2$ | $\\approx 0.46$ |",
        ),
        (
            "## Step 2: 0.5 × 3 + 0.2 = 1.7\n\nIt goes on.",
            "## Step 2: 0.5 × 3 + 0.2 = 1.9\n\nIt goes on.",
        ),
        ("it has 64,512 × 2,000 = 130 million", "it has 64,512 × 2,000 = 150 million"),
    ],
)
def test_a_notation_of_its_own_is_read(right: str, wrong: str) -> None:
    assert report(right).passed
    assert not report(wrong).passed


@pytest.mark.parametrize(
    "text",
    [
        "f(x) = x² and f'(x) = 2x = 0 at x = 0. Before, x = 3 gave f(3) = 9.",
        "x = 4\n\nf'(x) = 2x = 0, so the least is at x = 0",
        "F = 5, P = (F − 1)/2 = 2\n\nIn the next net F = 7, S = 2 and P = 0.",
        "K = 64\n\nHere N = M = K = 0.",
        "W = 5, P = 1, F = 3, S = 2\n\nWhen W = 10, P = 0 and F = 3: (W − F + 2P)/S + 1 = 4.5",
        "MSE = 12/4 = 3.0 and SSE = 4·MSE = 12.0\n\nGiven: MSE = 28.5, SSE = 4·MSE = 114.0",
        "MS Error = 24 / 6 = 4\n\ndf Error = 9 − 3 = 6",
        "- A = [3, 7, 13]\n- B = [2, 4]\n\n```\n- A = [5, 7, 13]\n - A = [3, 7, 31]\n```",
        "s = a·0.8 + b·0.2\n\ns = 1·0.8 + 1·0.2 = 1.0\n\ns = 1·0.8 + 0·0.2 = 0.8",
        "s = a·0.8 + b·0.2\n\ns = 1·0.8 + 1·0.2 = 1.0\n\nOf another: s = 1·0.4 + 0·0.7 = 0.4",
        "$A = W D$, $W = [[1, 0], [0, 2]]$, $D = [[3, 1], [0, 1]]$.\n\nOf $A = [[3, 1], [1, 2]]$?",
        r"$| \begin{bmatrix} 5 & 6 \\ 8 & 0 \end{bmatrix} | = 5 \cdot 0 - 6 \cdot 8 = -48$",
        r"$a = 0.0001$ and $\underset{a \to 0}\lim{\frac{e^a - 1}{a}} = 1$",
        "```python\nf(x)  # == 3 / (1 + 3)\n```\n\n```python\ng(x)  # == 3 / (2 + 3)\n```",
        "a = [14, 23], b = [5, 4]\n\na % b = [4, 3]\n\na + b = [19, 27]",
        "```python\nr = (0, 480, 320)\nr = (0, 480, 320)\nr = (0, 320, 480)\n```\n1 + 1 = 2",
        "A ≈ [0.1989, 0.1989, 0.4034, 0.1989] and v = [1, 1, 2, 1], so A·v = 1.4034",
        "```python\nx = 3\ny = 2 * x\nfor k in range(2):\n    x = x + 1\ny = 2 * x\n"
        "print(y)\n```\n\n```\n10\n```",
        "```python\nx = 2.0\ny = 3 * x\nx = 5.0\nprint(y)\n```\n\n```\n6.0\n```",
        "```python\nx = 2.0\n```\n\n```python\nx = 5*x\nz = 2*x\nprint(z)\n```\n\n```\n20.0\n```",
        "so m = A and x = a b = 3 and A = 2",
        "The errors e add up: ∂L/∂b = (2/4)·Σ e = 0.5·(-12.0) = -6.0",
        "```python\nv = 0.8\na = 0.6\ns = v * a  # 0.48\n```\n\n"
        "```python\n∂s/∂v = a  # Since s = v × a\n      = 0.6\n```",
        "m = β·a + b\n\na = 0.4, b = 0.7, β = 0.9\n\n"
        "Of squares, m = 0.99×0.0065 + 0.01×0.04 = 0.006435 + 0.0004 = 0.006835.",
        "P = e^h\n\nh = 0\n\nOf the other, P = exp(0.42) = e^0.42 ≈ 1.522.",
        "$\\hat n = n/(1 - b^2)$ with $b = 0.5$ and $n_0 = 0$, $n_1 = 0.3$.\n\n"
        "So $\\hat n_1 = 0.3/(1 - 0.5^2) = 0.4$.",
        "dw = 2w − 4 for w = 2.\n\nAt w = 3 of the next, dw = −2/3·(−1 − 2 − 6) = −2/3·(−9) = 6.0.",
        "| a | b | and |\n|---|---|---|\n| 0 | 0 | 0 |\n| 0 | 1 | 0 |\n| 1 | 0 | 0 |\n"
        "| 1 | 1 | 1 |\n\nThe line that parts them is b = −1.5·a + 2.5.",
        "| case | a + b | of both |\n|---|---|---|\n| (0,0) | 0 | 0 |\n| (0,1) | 1 | 0 |\n"
        "| (1,0) | 1 | 0 |\n| (1,1) | 2 | 1 |\n\nHere a = 0 and b = 1.",
        "w = [w_1, w_2] and w_1 = 3, w_2 = 2.\n\n| gate | weights |\n|---|---|\n"
        "| OR | w_1 = 1, w_2 = 1 |\n| NOT | w_1 = −1 |",
        "| k | p | y | p − y |\n|---|---|---|---|\n| 1 | 0.8768 | 1 | -0.1232 |\n"
        "| 2 | 0.1232 | 0 | 0.1232 |\n\nOf the other it is −ln(0.1232) = 2.0942.",
    ],
)
def test_another_example_is_no_mistake(text: str) -> None:
    assert report(text).findings == ()


def test_thousands_are_parted_by_commas_in_code_too() -> None:
    code = "```\n- W_Q: 768 × 768 = 589,824\n- norms: 768 × 2 = 1,536 (gain and shift)\n```"
    assert report(code).passed
    assert not report(code.replace("1,536", "1,563")).passed
    assert report("```python\nx = sum([100,200])  # 300\n```").passed


def test_a_line_of_an_aligned_formula_may_be_followed_by_an_empty_one() -> None:
    formula = r"""$$\begin{align}
s &= 0.25 \cdot 3 + 1.5 \\ \\
&= 0.75 + 1.5 \\ \\
&= 2.25
\end{align}$$"""
    assert report(formula).read["A"] == 2
    assert not report(formula.replace("2.25", "2.52")).passed


def test_a_minus_that_is_lost_where_a_number_is_put_in_is_no_fault_of_the_formula() -> None:
    text = r"$n = 0.7$ and $y = \frac{1}{1+e^{-n}} = \frac{1}{1+e^{0.7}} = 0.6682$"
    assert {f.printed for f in report(text).findings} <= {"0.7", "0.6682"}
    assert not report(text).passed


def test_what_is_called_log_variance_may_be_that_of_the_deviation_throughout() -> None:
    sampled = "z = μ + ε·exp(log σ²)"
    assert not report(f"{sampled}\n\nKL = −0.5·Σ(1 + log σ² − μ² − exp(log σ²))").passed
    assert report(f"{sampled}\n\nD = −0.5·Σ(1 + 2·log σ² − μ² − exp(log σ²)²)").findings == ()


def test_a_number_may_be_put_in_with_more_digits_than_it_is_stated_with() -> None:
    text = """bce = **4.155743**, kl = **0.063051** and l2 = 0.1²·0.52506026 = **0.005251**

```python
loss = (bce + 1 * kl) + l2
```

loss = 4.1557426 + 1·{} + 0.0052506 = 4.224044"""
    assert report(text.format("0.0630507")).findings == ()
    assert not report(text.format("0.063052")).passed
    assert not report(text.format("0.0630701")).passed


def test_a_scale_behind_a_result_may_be_that_of_its_terms_too() -> None:
    assert report("That is 6 + 3 = 9 million.").passed
    assert report("That is 6,000,000 + 3,000,000 = 9 million.").passed
    assert report("That is 6 million + 3 million = 9 million.").passed
    assert not report("That is 6 + 3 = 8 million.").passed
    assert not report("That is 6,000,000 + 3,000,000 = 8 million.").passed


def test_an_array_under_its_name_may_be_another_than_one_of_its_shape() -> None:
    assert report("**x** [2]\n\n[0.5, 0.9]\n\n2x = [1.0, 1.8]").passed
    assert report("**x** [2]\n\n**y:** [0.5, 0.9]\n\nx + y = [3.5, 1.8]").passed


def test_a_sum_of_other_things_is_none_of_the_entries_before_it() -> None:
    entries = "- a: 0.25 + 0.5 = 0.75\n- b: 0.5 + 0.75 = 1.25\n"
    assert report(f"{entries}- sum = 2.00").passed
    assert not report(f"{entries}- sum = 2.50").passed
    assert report(f"{entries}- sum = 7.31").passed
    assert report(f"{entries}- c = 4.5\n- sum = 2.50").passed


@pytest.mark.parametrize(
    "text",
    [
        "t = [[1, 2], [3]]\n\nf = 3·t_1 = 3·2 = 6",
        "t = [[1, 2], [3]]\n\nt[1] = 3",
        "λ = (2.6 ± √6)/2 and 1 + 1 = 2",
        "w = 0.5, x = 2.125\n\ny = w·x + 1 = 3·2.3 = [3.1257, 2.5125]",
        "s = 0.25\n\nThe mean is 0.5 ± 2·s = 0.5 ± 2·0.125 = [0.2512, 0.7512]",
    ],
)
def test_what_does_not_fit_is_read_on(text: str) -> None:
    assert report(f"{text}\n\n2 + 2 = 5").findings[-1].printed == "5"


@pytest.mark.parametrize(
    "text",
    [
        # Which part of x it is stands in code.
        "$r = [0.5, -1.5]$ and $x = [0.25, 0.5]$. "
        "$e = \\sum \\left(r - x\\mathtt{[[1, 0]]}\\right)^2$\n\n$e = 3.0625$",
        "$a = [0.5, -1.5]$ and $y = (a + 1)\\mathtt{.roll(1, 0)}$\n\n$y = [-0.5, 1.5]$",
        # x_1 is no element of x: each number of it goes with each of y_2.
        "$$x_1 = \\begin{bmatrix} 0.5 & 1.5 \\\\ 2.5 & 0.25 \\end{bmatrix}$$ and "
        "$$y_2 = \\begin{bmatrix} 0.5 & 1.0 \\\\ 1.5 & 2.0 \\end{bmatrix}$$\n\n$d = x_1 - y_2$\n\n"
        "$$d_0 = \\begin{bmatrix} 0.0 & 0.5 \\\\ -1.0 & -0.5 \\end{bmatrix}$$",
    ],
)
def test_a_part_of_an_array_is_not_held_against_all_of_it(text: str) -> None:
    assert report(text).findings == ()


def test_bars_in_a_sum_are_of_each_term() -> None:
    text = r"$r = [0.5, -1.5]$ and $x = [0.25, 0.5]$. $e = \sum \left|r - x\right|$"
    assert report(f"{text}\n\n$e = 2.25$").read["B"] == 1
    assert report(f"{text}\n\n$e = 2.25$").findings == ()
    assert not report(f"{text}\n\n$e = 2.52$").passed
    of_vectors = text.replace(r"\left|", r"\|").replace(r"\right|", r"\|")
    assert report(f"{of_vectors}\n\n$e = 2.0156$").findings == ()


@pytest.mark.parametrize("name", ["sum", "norm", "square"])
def test_a_quantity_may_be_called_as_a_function_is(name: str) -> None:
    text = rf"""$\mathrm{{{name}}} = 2.456642$, $\mathrm{{dip}} = 11.095564$

$$L = \mathrm{{{name}}} - \mathrm{{dip}}$$

```python
L = {name} - dip
```

$$L = -8.638922$$"""
    assert report(text).findings == ()
    assert report(text).read["B"] == 1
    assert not report(text.replace("-8.638922", "-8.638292")).passed


def test_a_row_of_few_digits_may_be_like_what_is_put_in_by_chance() -> None:
    rows = r"-0.0004 & 0.0002 & 0.0001 \\ 0.0004 & 0.0003 & -0.0005"
    text = rf"""$m = [-1.2119, -0.6892, -0.5664]$

$$G = \begin{{bmatrix}} {rows} \end{{bmatrix}}$$

$y = -0.0004 \cdot (-1.2119) + 0.0004 \cdot (-0.6892) + 0.0001 \cdot (-0.5664) = 0.0002$"""
    assert report(text).findings == ()


def test_what_stands_behind_a_minus_may_be_put_in_with_more_digits() -> None:
    text = r"$d = -0.1135$ and $c = 1.0350$. $L = c - d = 1.03496 - \left({}\right) = 1.1485$"
    assert report(text.replace("{}", "-0.11352")).findings == ()
    assert not report(text.replace("{}", "-0.11252")).passed


@pytest.mark.parametrize(
    "says",
    [
        "All numbers are PyTorch's own, in float32; they are printed rounded.",
        "Everything else is computed from these rounded numbers, in double precision.",
    ],
)
def test_a_document_that_says_so_goes_on_with_more_digits_than_it_prints(says: str) -> None:
    # 0.337·(0.12, -0.84) and what log σ² of -0.03 gives, each from more digits.
    arrays = "$a = 0.337$ and $b = [0.124, -0.845]$.\n\n$y = a \\cdot b$\n\n$y = [{}, -0.284]$"
    table = "| log σ² |\n|---|\n| -0.04 |\n| -0.03 |\n| -0.05 |\n\n| σ |\n|---|\n"
    table += "| 0.98 |\n| {} |\n| 0.98 |\n"
    for text, right, wrong in ((arrays, "0.042", "0.051"), (table, "0.98", "0.89")):
        assert report(f"{says}\n\n{text.format(right)}").findings == ()
        assert not report(f"{says}\n\n{text.format(wrong)}").passed
    assert not report(table.format("0.98")).passed  # an author's own -0.03 is nothing else


def test_a_column_of_all_others_is_no_sum_of_those_before_it() -> None:
    head = "| unit | W·h[0] | W·h[1] | + bias | all others | mu |\n|---|---|---|---|---|---|\n"
    rows = [(0, 5, -4, -4, -1, -4), (1, 2, -3, 6, 5, 10), (2, -4, -2, 9, 4, 7), (3, 1, 2, 3, 4, 10)]
    text = head + "".join(
        f"| {i} | {' | '.join(f'{n / 100:.2f}' for n in row)} |\n" for i, *row in rows
    )
    assert report(text).findings == ()
    assert [f.printed for f in report(text.replace("0.07 |", "0.70 |")).findings] == ["0.70"]


def test_the_slope_of_a_function_at_a_place_is_one_quantity() -> None:
    text = r"""$\sigma(0.4172) = 0.6028$ and $z^{(2)} = 0.4172$.

$$\delta^{(2)} = g \cdot \sigma'(z^{(2)})$$

$g = -0.7944$ and $\sigma'(z) = 0.6028 \times 0.3972 = 0.2394$

$\delta^{(2)} = -0.7944 \times 0.2394 = -0.1902$

We go on with $\delta^{(2)} = -0.1902$, and $\sigma'(0.4172) = 0.2394$"""
    assert report(text).findings == ()
    assert [f.printed for f in report(f"{text[:-7]} 0.2934$").findings] == ["0.2934"]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        # what is softmax's of one score needs the others
        (
            r"$s_2 = 20$ and $\alpha_i = \text{softmax}(s_i)$; $\alpha_2 = 7.52/7.54 = 0.99735$",
            r"$s_2 = 20$ and $\alpha_i = \text{softmax}(s_i)$; $\alpha_2 = 7.52/7.54 = 0.99375$",
        ),
        # another weight than before, and no factor left out
        (
            "$w x = 10 \\cdot 1 = 10$ at $x = 1$.\n\nAt $x = 0.5$:\n\n$w x = 20 \\cdot 1 = 20$",
            "$w x = 10 \\cdot 1 = 10$ at $x = 1$.\n\nAt $x = 0.5$:\n\n$w x = 20 \\cdot 1 = 30$",
        ),
        # a point of its own
        (
            "$w = (115, 340) + (10, 10) = (125, 350)$.\n\nThe point (350, 125) is its mirror.",
            "$w = (115, 340) + (10, 10) = (125, 360)$.\n\nThe point (350, 125) is its mirror.",
        ),
        # the root of 2 itself
        (
            "$\\sigma_2^2 = 2$, $\\sigma_2 = 1.414$, so $\\log(1.414) = 0.3466$",
            "$\\sigma_2^2 = 2$, $\\sigma_2 = 1.414$, so $\\log(1.414) = 0.3646$",
        ),
        # a number with a letter behind it is not read, and is another all the same
        (
            "```\nVar(z) = 512 = 512.0 → std ≈ 22.63\nVar(z) = 512 × 512 = 262K\nstd ≈ 512\n```",
            "```\nVar(z) = 512 = 512.0 → std ≈ 26.23\nVar(z) = 512 × 512 = 262144\nstd ≈ 513\n```",
        ),
    ],
)
def test_what_is_another_quantity_or_value_is_not_held(right: str, wrong: str) -> None:
    assert report(right).findings == ()
    assert not report(wrong).passed


def test_headings_have_decimal_commas_too() -> None:
    text = "# Schritt mit η = 0,5\n\nd = −0,25\nw = 1,5 − 0,5 · (−0,25) = 1,625\n\nz = w · 2 = 3,25"
    assert report(text).findings == ()
    assert [f.printed for f in report(text.replace("1,625", "1,652")).findings] == ["1,652"]
    listed = f"# Schritt\n\n{text.partition(chr(10))[2]}\n\n- x: 0,5 · 3 = 1,5\n- y: 0,5 · 5 = 2,5"
    assert report(listed).findings == ()


def test_a_function_of_several_numbers_is_a_name_beside_one_of_them() -> None:
    text = "running mean 1 = 0.9 · 0.1 + 0.1 · 0.7 = 0.16\n\nrow max 2 = 0.5 · 3 = 1.5"
    assert report(text).findings == ()
    assert [f.printed for f in report(text.replace("0.16", "0.61")).findings] == ["0.61"]


SUMMED = """m = 3

| i | $a$ | $a - m$ | $(a - m)^2$ |
|---|---|---|---|
| 1 | 4.5 | 1.5 | 2.25 |
| 2 | 1.0 | -2.0 | 4.00 |
| 3 | 3.5 | 0.5 | 0.25 |
| sum | 9.0 | 0.0 | 6.50 |
"""


@pytest.mark.parametrize(
    ("text", "wrong", "printed"),
    [
        (SUMMED, ("6.50", "6.05"), "6.05"),
        (SUMMED, ("9.0 | 0.0", "9.5 | 0.0"), "9.5"),
        (
            SUMMED.replace("sum | 9.0 | 0.0 | 6.50", "mean | 3.0 | 0.0 | 2.17"),
            ("2.17", "6.50"),
            "6.50",
        ),
    ],
)
def test_a_last_row_is_of_the_columns_above_it(
    text: str, wrong: tuple[str, str], printed: str
) -> None:
    assert report(text).findings == ()
    assert [f.printed for f in report(text.replace(*wrong)).findings] == [printed]


def test_a_last_row_may_be_called_a_sum_and_be_another() -> None:
    text = SUMMED.replace("sum | 9.0 | 0.0 | 6.50", "total | 9.0 | 1.7 | 2.9")
    assert report(text).findings == ()


def test_what_another_column_is_multiplied_by_is_none_of_its_terms() -> None:
    rows = [(0.5, 0.3, 0.55), (1, 0.6, 0.85), (2, 1.2, 1.45), (4, 2.4, 2.65)]
    text = "| $\\beta$ | rec | $\\beta \\cdot D$ | total |\n|---|---|---|---|\n" + "".join(
        f"| {beta} | 0.25 | {share:.2f} | {total:.2f} |\n" for beta, share, total in rows
    )
    assert report(text).findings == ()
    assert [f.printed for f in report(text.replace("1.45", "1.54")).findings] == ["1.54"]


def test_a_column_of_which_no_number_is_so_is_another() -> None:
    rows = [(0.5, 0.25, 0.85), (0.3, 0.25, 0.65), (0.1, 0.25, 0.45)]
    text = "| KL | rec | total |\n|---|---|---|\n" + "".join(
        f"| {kl} | {rec} | {total} |\n" for kl, rec, total in rows
    )
    assert report(text).findings == ()


ATTENTION = r"""$X = \begin{pmatrix} 1 & 0.5 \\ -0.5 & 2 \end{pmatrix}$,
$W^Q = \begin{pmatrix} 0.4 & 0.2 \\ 0.1 & -0.3 \end{pmatrix}$,
$K = \begin{pmatrix} 0.6 & 0.1 \\ -0.2 & 0.5 \end{pmatrix}$

$$Q = XW^Q = \begin{pmatrix} 0.45 & 0.05 \\ 0.00 & -0.70 \end{pmatrix}$$

$$\frac{QK^\top}{\sqrt 2} = \begin{pmatrix} 0.194 & -0.046 \\ -0.049 & -0.247 \end{pmatrix}$$

$$A = \operatorname{softmax}\left(\frac{QK^\top}{\sqrt 2}\right)
= \begin{pmatrix} 0.560 & 0.440 \\ 0.549 & 0.451 \end{pmatrix}$$"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("-0.70", "-0.07"),
        ("0.194 & -0.046", "-0.046 & 0.194"),
        ("0.549 & 0.451", "0.459 & 0.541"),
    ],
)
def test_names_in_one_piece_are_a_product_of_matrices(old: str, new: str) -> None:
    assert report(ATTENTION).findings == ()
    assert not report(ATTENTION.replace(old, new)).passed


def test_names_in_one_piece_may_be_what_lies_between_two_points() -> None:
    points = "$A = (1, 2)$, $B = (4, 6)$ and $AB = (3, 4)$"
    assert report(points).findings == ()
    assert not report(rf"{points}, $|AB|^2 = 3^2 + 4^2 = 52$").passed


def test_a_list_with_a_transposing_sign_is_a_column() -> None:
    text = r"""$W = \begin{pmatrix} 0.5 & -1 \\ 2 & 0.25 \end{pmatrix}$, $x = (0.6, -0.4)^\top$

$$y = W x = (0.7, 1.1)^\top$$"""
    assert report(text).findings == ()
    (finding,) = report(text.replace("1.1)", "1.9)")).findings
    assert (finding.printed, finding.expected) == ("1.9", "1.10")
    assert report(r"$(1, 2)(3, 4)^\top = 11$").findings == ()


def test_what_a_part_of_a_formula_came_to_may_be_put_in_rounded() -> None:
    text = r"$w = (0.351, 0.273)$, $x = (0.412, 0.536)$, $w \cdot x = {}$ and $9 (w \cdot x) = {}$"
    assert report(text.format("0.291", "2.619")).findings == ()  # 9 · 0.291
    assert report(text.format("0.291", "2.618")).findings == ()
    assert not report(text.format("0.291", "2.691")).passed
    assert not report(text.format("0.293", "2.619")).passed


@pytest.mark.parametrize("number", ["0.42", "p_1"])
def test_a_natural_logarithm_has_one_base_and_another_may_have_several(number: str) -> None:
    text = rf"$p_1 = 0.42$ and $H = -\log {number} = {{}}$"
    assert all(report(text.format(value)).passed for value in ("0.8675", "1.2515", "0.3768"))
    natural = text.replace("\\log", "\\ln")
    assert report(natural.format("0.8675")).findings == ()
    (finding,) = report(natural.format("1.2515")).findings
    assert finding.printed == "1.2515"


def test_the_floor_of_a_whole_number_may_be_that_number() -> None:
    text = (
        r"$a = 0.5 \cdot 0.1278 = 0.0639$, $s = \frac{(1/256) \cdot \left\lfloor"
        r" \frac{1.0000}{(1/256)} \right\rfloor - 0.06391}{0.36788} = 2.5446$"
    )
    assert report(text).findings == ()
    assert not report(text.replace("2.5446", "2.5646")).passed


def test_a_logarithm_of_a_small_difference_is_right_as_printed() -> None:
    # With the few digits of u the difference may be anything, also below 0.
    sigmoids = r"\operatorname{sigmoid}(1.20 + \frac{(1/256)}{0.37}) - \operatorname{sigmoid}(1.20)"
    text = rf"""$u = 0.34 \cdot 0.58 = 0.20$

$$s = \frac{{(1/256) \cdot \lfloor \frac{{0.20}}{{(1/256)}} \rfloor + 0.243}}{{0.368}} = 1.20$$

$$p = \log\left({sigmoids} + 1 \cdot 10^{{-7}}\right) = -6.28$$"""
    assert report(text).findings == ()
    assert not report(text.replace("0.243", "0.423")).passed


@pytest.mark.parametrize("sign", ["{} =", "=", r"\approx", "{} + 0 ="])
def test_an_equation_in_latex_may_go_on_in_the_next_line(sign: str) -> None:
    text = "\\begin{document}\n$s_3 = 2 + 6$ \\\\\n  $%s %s$\n\\end{document}"
    assert report(text % (sign, "8"), "post.tex").findings == ()
    (finding,) = report(text % (sign, "9"), "post.tex").findings
    assert (finding.line, finding.printed) == (3, "9")


def test_a_list_is_not_known_as_long_as_one_of_its_entries_is_not() -> None:
    text = r"""$a_0 = 2 + 3 = 5$, $a_1 = 2 + 4 = 6$ and {}

$b_0 = 1 + 3 = 4$, $b_1 = 1 + 4 = 5$ and {}

$$t = \frac{{\sum (a - b)}}{{3}}$$

$t = 18.5$"""
    assert report(text.format("$a_2 = 2 w + 5$", "$b_2 = w + 5$")).findings == ()
    assert not report(text.format("$a_2 = 7$", "$b_2 = 5$")).passed


@pytest.mark.parametrize("seed", [1, 4, 6])
def test_among_many_matrices_some_column_is_like_what_is_put_in_by_chance(seed: int) -> None:
    generator = random.Random(seed)

    def numbers(count: int, decimals: int) -> list[str]:
        return [f"{generator.uniform(0.01, 0.3):.{decimals}f}" for _ in range(count)]

    lines = []
    for layer in range(150):
        rows = r" \\ ".join(" & ".join(numbers(4, 2)) for _ in range(4))
        lines.append(rf"$$V_{{{layer}}} = \begin{{bmatrix}} {rows} \end{{bmatrix}}$$")
    for unit in range(12):
        weights, inputs = numbers(4, 2), numbers(4, 3)
        total = sum(float(w) * float(x) for w, x in zip(weights, inputs, strict=True))
        lines.append(f"$x_{{{unit}}} = [{', '.join(inputs)}]$")
        products = " + ".join(rf"{w} \cdot {x}" for w, x in zip(weights, inputs, strict=True))
        lines.append(f"$h_{{{unit}}} = {products} = {total:.4f}$")
    assert report("\n\n".join(lines)).findings == ()
    lines[-1] = lines[-1].replace(f"{total:.4f}", f"{total + 0.01:.4f}")
    assert not report("\n\n".join(lines)).passed


@pytest.mark.parametrize(
    ("formula", "wrong"),
    [
        ("sigma = exp(.5*logvar)", "sigma = exp(-.5*logvar)"),
        ("sigma = exp(logvar/2.)", "sigma = exp(logvar/4.)"),
        ("std = var**.5", "std = var**2."),
        ("z = mu + exp(.5 * logvar) * eps", "z = mu - exp(.5 * logvar) * eps"),
        (
            "KL = .5 * sum(exp(logvar) + mu^2 - 1. - logvar)",
            "KL = .5 * sum(exp(logvar) - mu^2 - 1. - logvar)",
        ),
    ],
)
def test_a_usual_formula_may_have_its_numbers_without_a_nought(formula: str, wrong: str) -> None:
    assert report(f"```\n{formula}\n```").findings == ()
    assert not report(f"```\n{wrong}\n```").passed


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("a = 3 (1 + 2) = 9", "a = 3 (1 + 2) = 8"),
        ("b = 1/2 (1 - 0.4) = 0.3", "b = 1/2 (1 - 0.4) = 0.2"),
        ("c = 0.5 (0.7 - 0.4)^2 = 0.045", "c = 0.5 (0.7 - 0.4)^2 = 0.054"),
        (
            "c = 0.5 (0.36 + 1.49 - 0.4 - 1) = 0.225",
            "c = 0.5 (0.36 + 1.49 - 0.4 - 1) = 0.252",
        ),
        (
            "w = 0.5, x = 3, b = 1: y = w x + b = 2.5",
            "w = 0.5, x = 3, b = 1: y = w x + b = 2.6",
        ),
    ],
)
@pytest.mark.parametrize("text", ["{}", "```\n{}\n```"])
def test_a_factor_may_stand_before_a_space(right: str, wrong: str, text: str) -> None:
    assert report(text.format(right)).findings == ()
    assert not report(text.format(wrong)).passed


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("s<sup>2</sup> = 0.6<sup>2</sup> + 1 = 1.36", "s<sup>2</sup> = 0.6<sup>2</sup> + 1 = 3"),
        ("e<sup>-0.5</sup> + 1 = 1.6065", "e<sup>-0.5</sup> + 1 = 1.6605"),
        ("<p>y = 0.5 &middot; 2 + 1 = 2</p>", "<p>y = 0.5 &middot; 2 + 1 = 3</p>"),
    ],
)
def test_markdown_may_have_html_in_it(right: str, wrong: str) -> None:
    assert report(right).findings == ()
    assert not report(wrong).passed


@pytest.mark.parametrize("marker", ["-", "+", "–", "•"])
def test_entries_of_a_list_in_plain_text_are_parted(marker: str) -> None:
    text = f"{marker} 2 + 3 = 5\n{marker} 2 * 4 = {{}}\n"
    assert report(text.format("8"), "post.txt").findings == ()
    (finding,) = report(text.format("9"), "post.txt").findings
    assert (finding.line, finding.printed) == (2, "9")


@pytest.mark.parametrize("names", ["A, B", "A, B, C"])
def test_several_names_may_be_given_at_once(names: str) -> None:
    values = ", ".join(["x * 1.1", "x * w", "x - w"][: names.count(",") + 1])
    text = f"```\nx = 1.5; w = 0.5\n{names} = {values}\nB = {{}}\n```"
    assert report(text.format("0.75")).findings == ()
    assert not report(text.replace("B = ", "B = x * w = ").format("0.57")).passed


@pytest.mark.parametrize("name", ["var", "logvar", r"$\log\sigma_1^2$"])
def test_a_square_in_a_name_is_no_number_of_it(name: str) -> None:
    text = f"h = [0.4, 0.5], {name} = 0.4*0.4 + 0.2*0.5 = {{}}"
    assert report(text.format("0.26")).findings == ()
    assert not report(text.format("0.62")).passed
