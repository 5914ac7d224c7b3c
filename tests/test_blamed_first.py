"""Of all that follows from one damaged figure, the figure itself is blamed first."""

from __future__ import annotations

import json

import pytest

from vae_explain.analysis.proofread.report import report

COPIED = """
$w = 0.9 - 0.04 \\cdot \\frac{0.3}{0.6} = 0.9 - 0.04 \\cdot 0.5 = 0.9 - 0.02 = 0.88$

$q = \\left[2 - \\frac{0.3}{0.6}(0.7)\\right] = 2 - 0.5 \\times 0.7 = 1.65$
"""

OF_LOG = """
$\\log\\sigma^2 = [0.3, -0.8]$ and $\\sigma^2 = [e^{0.3}, e^{-0.8}] = [1.350, 0.449]$
"""

TWO_WRONG = """
$u = [3.0, 1.5, 0.6]$

$M = \\begin{pmatrix} 0.7431 \\cdot 0.2 & 0.6127 \\cdot 0.3 & 0.3391 \\cdot 0.7 \\\\
0.5283 \\cdot 0.4 & 0.4159 \\cdot 0.2 & 0.8267 \\cdot 0.9 \\end{pmatrix} = \\begin{pmatrix}
0.14872 & 0.18391 & 0.23747 \\\\ 0.21142 & 0.08328 & 0.74413 \\end{pmatrix}$

$R = 0.3$, $u/R = (10, 5, 2)$; $R = 3$, $u/R = (1, 0.5, 0.2)$
"""

FACTORS = """
$x = [3.5, 1.4]$ and $w = [-0.4, 0.7]$

$h = (3.5)(-0.4) + (1.4)(0.7) = -1.40 + 0.98 = -0.42$ and $(3.5)(0.4) = 1.40$
"""

SCALED = """
The errors are 4.997, 3.528, 1.194 and -0.043.

$d = -\\tfrac12 [4.997, 3.528, 1.194, -0.043] = [-2.4985, -1.7640, -0.5970, 0.0215]$

$g = 2(-2.4985) + (-1.7640) + (-0.5970) + 0.0215 = -7.3365$
"""

PRODUCT = """
$p = \\begin{bmatrix} 1.0 & 0.5 \\\\ -0.5 & 1.2 \\end{bmatrix}
\\begin{bmatrix} -0.0541 \\\\ 0.2004 \\end{bmatrix}
= \\begin{bmatrix} -0.0541 + 0.1002 \\\\ 0.02705 + 0.24048 \\end{bmatrix}
= \\begin{bmatrix} 0.0461 \\\\ 0.26753 \\end{bmatrix}$
"""

DERIVED = """
$o = 0.593269992$ and $t = 0.01$

$g = o (1 - o) = 0.593269992 (1 - 0.593269992) = 0.241300709$

$e = o - t = 0.593269992 - 0.01 = 0.583269992$
"""

DEVIATION = """
$\\mu = [0.5, -0.3]$, $\\log\\sigma^2 = [-0.2, 0.1]$, $\\epsilon = [0.8, -0.5]$

$\\sigma = \\exp(\\tfrac12 \\log\\sigma^2) = [0.9048, 1.0513]$

$z = \\mu + \\sigma \\odot \\epsilon = [1.2238, -0.8257]$
"""

CELLS = """
| j | $\\mu_j^2$ | $\\sigma_j^2$ | $-1 - \\log\\sigma_j^2$ | sum |
|---|---|---|---|---|
| 1 | 1 | 1 | $-1 - 0 = -1$ | 1 |
| 2 | 0 | 0.25 | $-1 + 1.386 = 0.386$ | 0.636 |
"""

HEADINGS = """
| i | $\\mu_i$ | $\\sigma_i$ | $\\epsilon_i$ | $z_i = \\mu_i + \\sigma_i \\epsilon_i$ |
|---|---|---|---|---|
| 1 | -0.481 | 1.0328 | 1.412 | 0.9773 |
| 2 | 0.795 | 0.9279 | -0.635 | 0.2058 |
| 3 | 0.149 | 0.8711 | 0.273 | 0.3868 |
"""

LAYER = """
$x = [0.8, -0.4, 0.6]$ and $W = \\begin{bmatrix} 0.35 & -0.2 & 0.1 \\\\ 0.15 & 0.45 & -0.3
\\\\ 0.25 & -0.55 & 0.65 \\end{bmatrix}$ give

$a = W x = [0.42, -0.24, 0.81]$

$\\mu = [0.5, -0.3]$, $\\sigma = [0.905, 1.051]$ and $\\epsilon = [0.8, -0.5]$ give

$z = \\mu + \\sigma \\odot \\epsilon = [1.224, -0.8255]$
"""

WRITTEN_OUT = """
$x = [5.1, 3.5, 1.4, 0.2]$ and $W = \\begin{bmatrix} 0.1 & -0.2 \\\\ 0.4 & 0.5 \\\\ -0.7 & 0.8
\\\\ 0.2 & -0.1 \\end{bmatrix}$

$h_1 = (5.1)(0.1) + (3.5)(0.4) + (1.4)(-0.7) + (0.2)(0.2) + 0.1 = 1.07$

$h_2 = (5.1)(-0.2) + (3.5)(0.5) + (1.4)(0.8) + (0.2)(-0.1) + 0.1 = 1.93$
"""

MATHML_ROWS = [
    f"<mtr><mtd><mn>{a}</mn></mtd><mtd><mn>{b}</mn></mtd></mtr>"
    f"<mtr><mtd><mn>{c}</mn></mtd><mtd><mn>{d}</mn></mtd></mtr>"
    for a, b, c, d in ((0.41, 0.27, 0.18, 0.56), (0.18, 0.56, 0.41, 0.27))
]
MATHML = f"""<!doctype html><p><math><mi>x</mi><mo>=</mo>
<mo>[</mo><mn>0.62</mn><mo>,</mo><mn>0.35</mn><mo>]</mo></math>
and <math><mi>W</mi><mo>=</mo>
<mrow><mo>[</mo><mtable>{MATHML_ROWS[0]}</mtable><mo>]</mo></mrow></math>
give <math><mi>a</mi><mo>=</mo><mi>W</mi><mi>x</mi><mo>=</mo><mo>[</mo><mn>0.3487</mn><mo>,</mo>
<mn>0.3076</mn><mo>]</mo></math></p>"""

CARD = """
μ = [0.5, -0.3], log σ² = [-0.2, 0.1]

σ = [0.905, 1.051]

ε = [0.8, -0.5]

z = μ + σ⊙ε = [1.224, -0.826]
"""

DEFINED = "μ = 2.0, σ = 0.5, ε = 1.2\n\nz = μ + σε = 2.0 + 0.5(1.2) = 2.6"

KEYS = """
```python
q = [0.8, -0.3]
K = [[0.5, 0.2], [-0.4, 0.9], [0.1, 0.7]]
s1 = 0.8*0.5 + (-0.3)*0.2   # 0.34
s2 = 0.8*(-0.4) + (-0.3)*0.9   # -0.59
s3 = 0.8*0.1 + (-0.3)*0.7   # -0.13
```
"""

LOGISTIC = """
The sigmoid is

$y = \\sigma(-0.4036) = \\frac{1}{1 + e^{0.4036}} = \\frac{1}{1 + 1.4972} = 0.4004$

$g = (0.2275)(0.5(0.7071)(-0.5)) + \\frac12(0.5 - 1.0) = 0.2275(-0.1768) - 0.2500 = -0.2902$

$v = 0.9(0.05) + 0.1(0.5) = 0.045 + 0.05 = 0.095$
"""

EXPONENT = "Log-variance: $\\ln \\sigma^2 = -1.0000$, so $\\sigma = e^{-0.5} = 0.606531$"

LABELLED = """
**W1:** [[0.4, -0.3], [0.2, 0.7]]

**x** [2]

$$[0.5, 0.9]$$

`fc2.weight`:

    tensor([[0.6, -0.4], [0.3, 0.1]])

$h = W_1 x = [-0.07, 0.73]$

fc2.weight @ h = [-0.334, 0.052]
"""

OUTER = """
$G = \\begin{bmatrix} -0.6755 \\\\ -0.2830 \\end{bmatrix} \\begin{bmatrix} 0.815 & 0 & 0.27
\\end{bmatrix} = \\begin{bmatrix} -0.5505 & 0 & -0.1824 \\\\ -0.2306 & 0 & -0.0764 \\end{bmatrix}$

The shares are softmax(0.2404, -0.4172) = (0.6587, 0.3413).
"""

CLASSES = """
The shares are $\\mathbf y = (0.6590, 0.2424, 0.0986)$, and $0.6590 + 0.2424 = 0.9014$,
$0.2424 \\cdot 0.5 = 0.1212$, $0.0986 \\cdot 0.5 = 0.0493$.

The true class is $t = 1$ (one-hot $(1, 0, 0)$):

$g = \\mathbf y - \\mathbf t = (-0.3410, 0.2424, 0.0986)$
"""

INACCURATE = """
$y = (0.659001, 0.242433)$

$J = (0.659001 (0.242433), 0.242433 (1 - 0.242433)) = (0.159773, 0.183656)$

$0.659001 + 0.242433 = 0.901434$ and $0.659001 - 0.242433 = 0.416568$
"""

SUMMED = """
- $\\frac12 \\sum (\\sigma^2 + \\mu^2 - 1 - \\log \\sigma^2)$ has the terms
  - $z_1$: $0.25 + 0.16 - 1 + 1.4 = 0.81$
  - $z_2$: $0.137 + 0.09 - 1 + 2.0 = 1.23$
  - sum / 2 = **1.02**
- Total loss = 0.005 + 1.02 = **1.025**
"""


STEP = """
With η = 0.1 and the slopes g = 2 · (-0.094) = -0.188 and h = 0.7 · (-0.094) = -0.0658:
a share of 0.750 · 0.250 = 0.188 goes on.

w = 0.8 − 0.1 · (-0.188) = 0.8188

b = -0.5 − 0.1 · (-0.0655) = -0.49345 and c = 0.3 − 0.1 · (-0.0655) = 0.30655

u = (4 - 6)/3.391 = -0.590 and v = (2 - 6)/3.391 = -1.180
"""

UPDATE = """
$w_5 = 0.4$, $h = 0.593269992$, $b_2 = 0.6$, $\\eta = 0.1$ and $g = 2 \\cdot 0.4020 = 0.8040$

$n = w_5 \\cdot h + b_2 * 1 = 0.837307997$

$v = w_5 - \\eta g = 0.3196$
"""

ROUND = """
$g = -0.3000$ gives $p = g \\cdot q = (-0.3000)(1.0) = -0.3000$ and
$r = g \\cdot s = (-0.3000)(0.7000) = -0.2100$.

$D = 1.171 + 0.200 = 1.371$, $k = -0.6 - 0.6 = -1.2$ and $0.4 / 2 = 0.200$
"""

ERRORS = """
$E = \\sum \\frac{1}{2} (target - out)^2$

Over all dimensions $(x - \\hat{x})^2 \\approx 31.1$

$E_1 = 0.274811083$ and $E_2 = 0.023560026$, so

$E_{total} = E_1 + E_2 = 0.274811083 + 0.023560026 = 0.298371109$

$u = 0.5470(0.1) + (-1.0450)(-0.3) - 0.1 = 0.0547 + 0.3135 - 0.1 = 0.2682$
"""

RATES = """
$v = 0.00064642 / (1 - 0.999) = 0.64642$

$w' = 0.6 - 0.01 \\cdot (-0.8040) / (\\sqrt{0.64642} + 10^{-8}) = 0.6100$
"""

DECODED = """
$W_1 = [[0.1, -0.2, 0.3], [0.2, -0.1, 0.4], [0.3, 0.8, 0.9]]$

$a = [-2.4985, -1.7640, -0.5970, 0.0215]$ and

$W_3 = [[0.2, -0.1, 0.3, 0.4], [0.1, 0.2, -0.2, 0.1]]$

$d_1 = (0.2)(-2.4985) + (-0.1)(-1.7640) + (0.3)(-0.5970) + (0.4)(0.0215) = -0.4938$
"""

ENCODED = """
$x = [0.8, -0.4, 0.6]$, $b = [-0.3, -0.2]$

$W = [[-0.25, 0.3, 0.4], [0.2, -0.15, 0.5]]$

$\\log\\sigma^2 = W x + b = [-0.3800, 0.3200]$

$\\sigma = \\exp(\\frac12 \\log\\sigma^2) = [0.8270, 1.1735]$

$\\mu = [0.4700, -0.3400]$

$\\mathrm{KL} = -\\frac12 \\sum_j (1 + \\log\\sigma_j^2 - \\mu_j^2 - \\sigma_j^2) = 0.2287$
"""

SHARES = """
The shares are softmax(0.2404, -0.4172) = (0.6587, 0.3413).

out = 0.6587*1.2 + 0.3413*0.3 = 0.8928
"""

CODE = """
```python
b = [0.08, -0.12]
lr = 0.1
c = b - lr * np.array([-0.6755, -0.2830])
print(c)
```

```
[0.14755, -0.09170]
```
"""

SAMPLED = """
logvar = [-2.04, -3.0]

std = exp(0.5 * logvar) = [0.36, 0.22]

mu = [2.1, 4.2]

epsilon = [0.5, 1.5]

z = mu + std * epsilon

z = [2.28, 4.53]
"""

UNITS = """
$x = [1.0, -0.5, 0.3]$, $W = [[0.2, -0.1], [0.3, 0.4], [-0.2, 0.1]]$, $b = [0.1, -0.1]$

$h = x W + b$

$h_2 = -0.100 - 0.200 + 0.030 - 0.100 = -0.370$
"""

TERMS = """
$z = [0.5470, -1.0450]$, $W = [[0.3, -0.2], [0.2, 0.4]]$, $b = [0.0, 0.1]$

$y = z W + b$

$y_2 = 0.5470(-0.2) + (-1.0450)(0.4) + 0.1 = -0.1094 - 0.4180 + 0.1 = -0.4274$
"""

SIGNED = """
$d = [[0.7459 - 0.8000], [0.4004 - 0.2000]] = [[-0.0541], [0.2004]]$, $-0.0541 + 0.1002 = 0.0461$

$g = (0.2275)(\\frac{1}{2}(-0.3536)) + \\frac{1}{2}(0.5 - 1.0) = 0.2275(-0.1768) - 0.2500 = -0.2902$
"""

GRADIENTS = """
$\\mu = 2.0$, $\\epsilon = 1.2$ and $d = 4.0$

$p = 4.0 \\cdot 1 = 4.0$ and $q = 4.0 \\cdot 1.2 = 4.8$
"""

DRAWN = """
$\\mu = [0.5, -0.3]$, $\\sigma = [0.905, 1.051]$, $\\epsilon = [0.8, -0.5]$

$z = \\mu + \\sigma \\odot \\epsilon = [1.224, -0.826]$
"""

NORMAL = """
$\\mu_\\phi(x) = (1, 0)$, $\\sigma_\\phi(x) = (1, 0.5)$

$q_\\phi(z \\mid x) = \\mathcal{N}\\big((1, 0),\\; \\mathrm{diag}(1, 0.25)\\big)$ and $1 + 1 = 2$
"""

SLOPES = """
$\\frac{\\partial L}{\\partial z} = -0.3000$

$\\frac{\\partial L}{\\partial \\mu} = \\frac{\\partial L}{\\partial z} \\cdot
\\frac{\\partial z}{\\partial \\mu} = (-0.3000)(1.0) = -0.3000$

$\\frac{\\partial L}{\\partial \\sigma} = \\frac{\\partial L}{\\partial z} \\cdot
\\frac{\\partial z}{\\partial \\sigma} = (-0.3000)(0.7000) = -0.2100$
"""

AGAIN = """
$x = [1.5, -0.7, 0.4]$ and $w = [0.2, 0.5, -0.3]$

$a = w \\cdot x = -0.170$

```python
x = np.array([1.5, -0.7, 0.4])
```
"""

MOMENTS = """
$v_1 = 0.999 \\cdot 0 + 0.001 \\cdot 0.1^2 = 0.001 \\cdot 0.01 = 0.00001$

$\\hat v_1 = \\frac{0.00001}{1 - 0.999} = 0.01$
"""

TOTAL = """
$E = 0.05^2 + 0.05^2 = 0.005$ and $D = 2.04 / 2 = 1.02$

$L = 0.005 + 1.02 = 1.025$
"""

REPEATED = """
$o_1 = 0.6587 \\cdot 1.2 + 0.3413 \\cdot 0.3 = 0.8928$

$o_2 = 0.6587 \\cdot (-0.6) + 0.3413 \\cdot 0.8 = -0.1222$

So the output is the pair (0.8928, -0.1222), and f(0.8928, 0.1222) is another.
"""

CROSSED = """
$J = \\begin{pmatrix} 0.6(0.715) & 0.35(0.482) \\\\ 0.2(0.931) & 0.8(0.564) \\end{pmatrix}
= \\begin{pmatrix} 0.4290 & 0.1687 \\\\ 0.1862 & 0.4512 \\end{pmatrix}$
"""


@pytest.mark.parametrize(
    ("text", "old", "new", "line", "printed"),
    [
        # Numbers of arithmetic at each other's place, rather than the results of both.
        (CROSSED, "0.6(0.715) & 0.35(0.482)", "0.6(0.482) & 0.35(0.715)", 2, "0.482"),
        (
            CROSSED,
            "715) & 0.35(0.482) \\\\ 0.2(0.931)",
            "931) & 0.35(0.482) \\\\ 0.2(0.715)",
            2,
            "0.931",
        ),
        # Two results that are each other's.
        (CROSSED, "0.4290 & 0.1687", "0.1687 & 0.4290", 3, "0.1687"),
        # A list that running text has again.
        (REPEATED, "pair (0.8928, -0.1222)", "pair (0.8928, 0.1222)", 6, "0.1222"),
        (REPEATED, "pair (0.8928", "pair (0.8982", 6, "0.8982"),
        (REPEATED, "pair (0.8928, -0.1222)", "pair (-0.1222, 0.8928)", 6, "-0.1222"),
        # The weight of a moment that is 0, which leaves 0.001 to the gradient.
        (MOMENTS, "0.999 \\cdot 0", "-0.999 \\cdot 0", 2, "-0.999"),
        (MOMENTS, "0.999 \\cdot 0", "0.199 \\cdot 0", 2, "0.199"),
        # What a sum comes to without its zeros.
        (MOMENTS, "= 0.001", "= 0.000", 2, "0.000"),
        # A term of a total of which all others stand elsewhere.
        (TOTAL, "0.005 +", "0.004 +", 4, "0.004"),
        # What is put in for a quantity, of another factor that is stated nowhere.
        (SLOPES, "z} = -0.3000$", "z} = 0.3000$", 2, "0.3000"),
        (SLOPES, "z} = -0.3000$", "z} = -3000$", 2, "-3000"),
        (SLOPES, "z} = -0.3000$", "z} = -0.2999$", 2, "-0.2999"),
        # A list that is stated again, of which results follow where it stood first.
        (AGAIN, "0.4])", "-0.4])", 7, "-0.4"),
        # The variance of a distribution, of which the deviation is stated.
        (NORMAL, "0.25", "-0.25", 4, "-0.25"),
        (NORMAL, "0.25", "25", 4, "25"),
        # A digit that is another, rather than one that is left out.
        (DRAWN, "-0.826", "-0.836", 4, "-0.836"),
        # Of numbers of few digits, the one that stands in fewer places.
        (GRADIENTS, "= 4.0 \\cdot 1 =", "= 40 \\cdot 1 =", 4, "40"),
        (GRADIENTS, "= 4.0 \\cdot 1.2", "= -4.0 \\cdot 1.2", 4, "-4.0"),
        # What the rest of a document bears out has its sign, and what it is made of has not.
        (SIGNED, "0.7459 - 0.8000", "0.8000 - 0.7459", 2, "0.8000"),
        (
            SIGNED,
            "+ \\frac{1}{2}(0.5",
            "- \\frac{1}{2}(0.5",
            4,
            "0.2275·((1/2)·-0.3536) - (1/2)·(0.5 - 1.0)",
        ),
        # A term that is another, rather than one that is as near as its few digits allow.
        (TERMS, "0.5470(-0.2)", "0.5470(0.2)", 6, "0.2"),
        # A term of one unit of a layer, which its weights tell.
        (UNITS, "-0.100 - 0.200", "-0.101 - 0.200", 6, "-0.101"),
        # Of two factors, the one that the document has otherwise in no other place.
        (FACTORS, "(3.5)(-0.4)", "(3.5)(0.4)", 4, "0.4"),
        # A number of a list that is multiplied, and not the one that comes of it.
        (SCALED, "3.528, 1.194, -0.043]", "35.28, 1.194, -0.043]", 4, "35.28"),
        (SCALED, "3.528, 1.194, -0.043]", "-3.528, 1.194, -0.043]", 4, "-3.528"),
        (SCALED, "1.194, -0.043]", "-0.043, 1.194]", 4, "-0.043"),
        (PRODUCT, "1.0 & 0.5", "0.5 & 1.0", 2, "0.5"),
        (PRODUCT, "0.5 \\\\ -0.5 &", "-0.5 \\\\ 0.5 &", 2, "-0.5"),
        # A formula, where what is put in gives the result.
        (DERIVED, "o (1 - o)", "o (1 + o)", 4, "o·(1 + o)"),
        (DERIVED, "= o - t", "= o + t", 6, "o + t"),
        # The variance, printed for the deviation.
        (DEVIATION, "[0.9048, 1.0513]", "[0.8187, 1.1052]", 4, "0.8187"),
        (
            DEVIATION,
            "\\exp(\\tfrac12 \\log\\sigma^2) = [0.9048, 1.0513]",
            "[0.8187, 1.1052]",
            4,
            "0.8187",
        ),
        # A cell's arithmetic, of which the table bears out the result, or what it should be.
        (CELLS, "1.386", "1.356", 5, "1.356"),
        (CELLS, "= 0.386", "= 0.836", 5, "0.836"),
        # A column whose heading is an equation, and the heading.
        (HEADINGS, "0.795", "0.759", 5, "0.759"),
        (HEADINGS, "0.2058", "0.2508", 5, "0.2508"),
        (HEADINGS, "\\mu_i + \\sigma_i", "\\mu_i - \\sigma_i", 2, "μi - σi·εi"),
        # A row or an entry that is lost, of an operand or of the result.
        (LAYER, "\\\\ 0.25 & -0.55 & 0.65", "", 2, "[[0.35, -0.2, 0.1], [0.15, 0.45, -0.3]]"),
        (LAYER, "[0.8, -0.4, 0.6]", "[0.8, 0.6]", 2, "[0.8, 0.6]"),
        (LAYER, "[0.42, -0.24, 0.81]", "[0.42, 0.81]", 5, "0.81"),
        (LAYER, "[0.8, -0.5]", "[0.8]", 7, "[0.8]"),
        (WRITTEN_OUT, "\\\\ -0.7 & 0.8", "", 2, "0.1, 0.4, 0.2"),
        (WRITTEN_OUT, "-0.7 & 0.8", "0.8 & -0.7", 2, "0.8"),
        # A matrix between brackets of its own, on the line on which it stands.
        (MATHML, MATHML_ROWS[0], MATHML_ROWS[1], 4, "[[0.18, 0.56], [0.41, 0.27]]"),
        # A result beside values that bear each other out.
        (CARD, "-0.826", "-0.886", 8, "-0.886"),
        # A product of a column and a row, and a softmax of several numbers.
        (OUTER, "-0.2306 &", "-0.2036 &", 3, "-0.2036"),
        (OUTER, "-0.2830", "-0.2380", 2, "-0.2380"),
        (OUTER, "0.6587", "0.6578", 5, "0.6578"),
        # The rows of a matrix that is nowhere multiplied by its name.
        (KEYS, "[0.5, 0.2], [-0.4, 0.9]", "[-0.4, 0.9], [0.5, 0.2]", 4, "-0.4"),
        (KEYS, "[-0.4, 0.9], ", "", 4, "[[0.5, 0.2], [0.1, 0.7]]"),
        (KEYS, "0.2], [-0.4", "-0.4], [0.2", 4, "-0.4"),
        # Arrays under their names, or behind them.
        (
            LABELLED,
            "[0.4, -0.3], [0.2, 0.7]",
            "[0.2, 0.7], [0.4, -0.3]",
            2,
            "[[0.2, 0.7], [0.4, -0.3]]",
        ),
        (LABELLED, "[0.5, 0.9]", "[0.5, 9.0]", 6, "9.0"),
        (LABELLED, "[0.6, -0.4]", "[-0.4, 0.6]", 10, "[[-0.4, 0.6], [0.3, 0.1]]"),
        # What stands otherwise in the next side, which alone gives the result.
        (COPIED, "0.04", "0.84", 2, "0.84"),
        (COPIED, "(0.7)", "(0.9)", 4, "0.9"),
        (COPIED, "0.5 = ", "0.6 = ", 2, "0.6"),
        # A logarithm beside a variance that is made from its numbers.
        (OF_LOG, "[0.3, -0.8]", "[-0.8, 0.3]", 2, "[-0.8, 0.3]"),
        # A row that arithmetic has lost, before what it comes to or behind what it is made of.
        (PRODUCT, "\\\\ 0.02705 + 0.24048", "", 4, "[-0.0541 + 0.1002]"),
        # What is wrong in arithmetic between two sides that agree: a number, or a sign.
        (LOGISTIC, "\\sigma(-0.4036)", "\\sigma(-0.5036)", 4, "-0.5036"),
        (LOGISTIC, "1 + e^{0.4036}", "1 - e^{0.4036}", 4, "1/(1 - exp(0.4036))"),
        (LOGISTIC, "(0.5 - 1.0)", "(-0.5 - 1.0)", 6, "-0.5"),
        # What an exact product cannot be cut to.
        (LOGISTIC, "0.045", "0.044", 8, "0.044"),
        # A value of which another one is stated, that follows from what was meant.
        (EXPONENT, "-1.0000", "-1.0070", 1, "-1.0070"),
        # The one-hot list of a class, which nobody doubts.
        (CLASSES, "0.3410, 0.2424", "0.3410, 0.7424", 7, "0.7424"),
        (CLASSES, "0.3410, 0.2424, 0.0986", "0.3410, 0.0986, 0.2424", 7, "0.0986"),
        (CLASSES, "y - ", "y + ", 7, "y + t"),
        # A step that was added, where the rate and the slope stand elsewhere with their signs.
        (STEP, "0.8188", "0.7812", 5, "0.7812"),
        (STEP, "-0.49345", "-0.50655", 7, "-0.50655"),
        # A whole number that the author has chosen.
        (STEP, "-0.590", "-1.180", 9, "-1.180"),
        # What a list calls its sum, and what is added in it.
        (SUMMED, "**1.02**", "**6.02**", 5, "6.02"),
        (SUMMED, "**1.02**", "**102**", 5, "102"),
        (SUMMED, "= 1.23", "= 1230.0", 4, "1230.0"),
        (SUMMED, "0.137", "3.137", 4, "3.137"),
        (SUMMED, "0.005 + 1.02", "0.005 + 0.02", 6, "0.02"),
        # No bias is taken off, and no learning rate is negative.
        (UPDATE, "+ b_2", "- b_2", 4, "w5·h - b2·1"),
        (UPDATE, "- \\eta", "+ \\eta", 6, "w5 + η·g"),
        # What is written so elsewhere, which 0.600 is not where -0.6 is.
        (ROUND, "(-0.3000)(1.0)", "(-3.0000)(1.0)", 2, "-3.0000"),
        (ROUND, "171 + 0.200", "171 + 0.600", 5, "0.600"),
        # An error that squares a sum, and a sum of what is put in.
        (ERRORS, "target -", "target +", 2, "sum ((1/2)·(target + out)^2)"),
        (ERRORS, "x - ", "x + ", 4, "(x + x^)^2"),
        (ERRORS, "E_1 + E_2", "E_1 - E_2", 8, "E1 - E2"),
        # Arithmetic that comes to what the equation ends in.
        (ERRORS, "= 0.0547", "= 0.547", 10, "0.547"),
        # What stands elsewhere with so many digits.
        (RATES, "sqrt{0.64642}", "sqrt{64642}", 4, "64642"),
        # A number of a list, rather than a number that another list has lost.
        (DECODED, "0.3, 0.4]", "-0.3, 0.4]", 6, "-0.3"),
        (DECODED, "-0.1, 0.3, 0.4]", "0.3, -0.1, 0.4]", 6, "0.3"),
        # A list that is a result, of which several others are made.
        (ENCODED, "-0.3800", "-3.0800", 6, "-3.0800"),
        # A number for which no slope leads to the one that was meant.
        (EXPONENT, "-1.0000", "-10000", 1, "-10000"),
        (SAMPLED, "1.5]", "0.15]", 8, "0.15"),
        # Numbers that have changed places in a list without a name.
        (SHARES, "0.2404, -0.4172", "-0.4172, 0.2404", 2, "-0.4172"),
        (CODE, "[-0.6755, -0.2830]", "[-0.2830, -0.6755]", 5, "-0.2830"),
        # A number in code whose other operands have names, which stands elsewhere as it was.
        (f"d = [-0.6755, -0.2830]\n{CODE}", "0.2830])", "0.2630])", 6, "-0.2630"),
        # A formula of the field's, for which no value is doubted.
        (DEFINED, "+ σε", "- σε", 3, "μ - σ·ε"),
    ],
)
def test_the_damaged_figure_is_blamed_first(
    text: str, old: str, new: str, line: int, printed: str
) -> None:
    assert old in text
    assert report(text).passed
    first = report(text.replace(old, new, 1)).findings[0]
    assert (first.line, first.printed) == (line, printed)


def test_a_number_of_which_all_others_are_another_explains_a_result_of_few_right_digits() -> None:
    first, *others = report(INACCURATE.replace("J = (0.659001", "J = (0.658001")).findings
    assert (first.line, first.printed, first.expected) == (4, "0.658001", "0.659001")
    assert [other.printed for other in others] == ["0.183656"]


def test_a_number_that_explains_nearly_all_of_a_result_is_blamed() -> None:
    text = "$w = 0.40 = 0.15 + 0.25$ and $v = {} - 0.5 * 0.0821671041 = 0.35891648$"
    (miscalculated,) = report(text.format("0.40")).findings
    assert miscalculated.printed == "0.35891648"
    assert report(text.format("40")).findings[0].printed == "40"


@pytest.mark.parametrize(
    ("code", "printed", "wrong"),
    [
        (
            "b = [0.08, -0.12]\nc = b - 0.1 * g\nprint(c)",
            "[0.14755 -0.09170]",
            "[0.14455 -0.09170]",
        ),
        ("b = 0.08\nc = 2 * b\nprint(b)\nprint(c)", "0.08\n0.16", "0.08\n0.61"),
    ],
)
def test_what_a_cell_prints_is_what_its_name_says(code: str, printed: str, wrong: str) -> None:
    def passed(code: str, printed: str) -> bool:
        outputs = [{"output_type": "stream", "name": "stdout", "text": printed}]
        cell = {
            "cell_type": "code",
            "source": f"g = [-0.6755, -0.2830]\n{code}",
            "outputs": outputs,
        }
        return report(json.dumps({"cells": [cell]}), "x.ipynb").passed

    assert passed(code, printed)
    assert not passed(code, wrong)
    # What changes on the way is not what the lines say.
    assert passed(f"for i in range(3):\n    g = g\n{code}", wrong)
    assert passed(code.replace("print(c)", "c = c + a\nprint(c)"), wrong)


def test_a_row_of_a_latex_table_is_found_on_its_own_line() -> None:
    table = r"""\begin{tabular}{ccc}
\toprule
$i$ & $a$ & $a^2$ \\
\midrule
1 & 0.5 & 0.25 \\

\hline
2 & 1.5 & 2.25 \\ 3 & 2.5 & 6.25 \\
\end{tabular}"""
    assert report(table, "a.tex").read["A"] == 3
    for number, line in (("0.25", 5), ("2.25", 8), ("6.25", 8)):
        (finding,) = report(table.replace(number, f"9{number[1:]}"), "a.tex").findings
        assert finding.line == line


def test_a_zero_that_has_lost_its_digit_is_blamed() -> None:
    matrix = r"$W = \begin{bmatrix} 0.8 & -0.1 \\ 0.2 & -0.0 \end{bmatrix}$ and $z = (0.3, 0.7)$"
    (finding,) = report(f"{matrix}\n\n$d = W z = (0.17, -0.43)$").findings
    assert (finding.printed, finding.expected) == ("-0.0", "-0.7")


SUMMARY = """$w_0 = 2$ and $g_t = 0.5 \\hat w_t$.

$\\hat w_1 = 2 - 0.375 = 1.625$, $g_1 = 0.5 \\cdot 1.625 = 0.8125$

$\\hat w_2 = 1.625 - 0.8125 = 0.8125$, $g_2 = 0.5 \\cdot 0.8125 = 0.40625$

| t | ŵ | g |
|---|---|---|
| 1 | 1.625 | 0.8125 |
| 2 | 0.8125 | 0.4063 |
"""


@pytest.mark.parametrize(
    ("old", "new", "printed"),
    [
        ("0.4063", "0.4036", "0.4036"),
        ("| 1 | 1.625", "| 1 | 1.265", "1.265"),
        # What the text's own arithmetic does not come to.
        ("\\cdot 0.8125 = 0.40625", "\\cdot 0.8125 = 0.40265", "0.40265"),
    ],
)
def test_a_table_that_sums_up_is_held_against_the_text(old: str, new: str, printed: str) -> None:
    assert old in SUMMARY
    assert report(SUMMARY).findings == ()
    assert report(SUMMARY.replace(old, new)).findings[0].printed == printed


def test_a_table_of_another_example_sums_up_nothing() -> None:
    other = SUMMARY.replace("| 1 | 1.625 | 0.8125", "| 1 | 1.75 | 0.875").replace(
        "| 2 | 0.8125 | 0.4063", "| 2 | 0.875 | 0.4375"
    )
    assert report(other).findings == ()


def test_what_a_list_has_again_in_a_table_is_held_against_it() -> None:
    text = "$y = [0.31, 0.42, 0.27, 0.55]$\n\n| i | $y_i$ | share |\n|---|---|---|\n" + "".join(
        f"| {i} | {y} | {share} |\n"
        for i, (y, share) in enumerate([(0.31, 0.2), (0.42, 0.27), (0.27, 0.17), (0.55, 0.35)], 1)
    )
    assert report(text).findings == ()
    (finding,) = report(text.replace("| 0.42", "| 0.24")).findings
    assert (finding.line, finding.printed, finding.expected) == (6, "0.24", "0.420")


@pytest.mark.parametrize("before", ["", "$\\sigma_1 = e^{-0.402/2} = 0.818$\n\n"])
def test_a_list_shows_what_a_sigma_before_its_name_is(before: str) -> None:
    text = (
        before + r"$$u = \begin{pmatrix} 0.167 & -0.344 \\ 0.412 & 0.056 \end{pmatrix}, \qquad "
        r"h = \sigma(u) = \begin{pmatrix} 0.542 & 0.415 \\ 0.602 & 0.514 \end{pmatrix}$$"
    )
    assert report(text).findings == ()
    (finding,) = report(text.replace("0.602", "0.620")).findings
    assert (finding.printed, finding.expected) == ("0.620", "0.602")
    product = "$u = [0.2, -0.4]$, $\\sigma = 0.5$ and $v = \\sigma(u) = [0.1, -0.2]$"
    assert report(product).findings == ()


def test_a_damaged_list_is_blamed_beside_a_result_that_is_wrong_too() -> None:
    own = report(TWO_WRONG).findings
    wrong = report(TWO_WRONG.replace("3.0, 1.5", "1.5, 3.0")).findings
    (new,) = [finding for finding in wrong if finding not in own]
    assert (new.line, new.printed, new.expected) == (2, "[1.5, 3.0, 0.6]", "[3.0, 1.5, 0.6]")
