"""What is right in lessons: drawn matrices, sizes in bytes, remainders, shapes, later values."""

from __future__ import annotations

import pytest

from vae_explain.analysis.proofread.report import report

DRAWN = """
```
A = [3  1]
    [0  2]

So AA = [3  1][3  1] = [9  5]
        [0  2][0  2]   [0  4]

P = [2  0]    Q = [1  4]    ✓
    [1  1]        [0  1]

PQ = [2  8]
     [1  5]
```
"""


def test_matrices_may_be_drawn_beside_each_other() -> None:
    assert report(DRAWN).findings == ()
    wrong = report(DRAWN.replace("[9  5]", "[9  6]")).findings
    assert [(finding.line, finding.printed, finding.expected) for finding in wrong] == [
        (6, "6", "5")
    ]
    assert not report(DRAWN.replace("[1  5]", "[1  7]")).passed


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        # A kilobyte may be 1024 bytes, and words may stand behind the unit.
        (r"$4 \times 16 \times 1024 \cdot 512 = 32\text{ MB a layer}$", r"$4 \times 16 = 65$ MB"),
        ("2 × 3 × 256 × 1024 = 1.5 MiB", "2 × 3 × 256 × 1024 = 1.6 MiB"),
        ("17 ÷ 5 = 3 remainder 2", "17 ÷ 5 = 3"),
        ("29 / 6 = 4 R 5", "29 / 6 = 4 and on"),
        # What stood before it could not be read, so that 0.31 and 0.19 are rounded.
        (r"$\frac{52M}{166M} \cdot \frac{3M}{16M} = 0.31 \cdot 0.19 = 0.0587$",
         r"Step 1: $0.31 \cdot 0.19 = 0.0587$"),
        # Each number of a list goes through the function by itself.
        (r"$[0.5, 0.9] \odot \tanh([0.23, 0.17]) = [0.5, 0.9] \odot [0.23, 0.17]$",
         r"$[0.5, 0.9] \odot \tanh([0.73, 0.17]) = [0.5, 0.9] \odot [0.73, 0.17]$"),
    ],
)  # fmt: skip
def test_what_is_right_is_not_accused_and_what_is_wrong_is_found(right: str, wrong: str) -> None:
    assert report(right).findings == ()
    assert not report(wrong).passed


@pytest.mark.parametrize(
    "code",
    [
        "Z = Z + b  # (5, 3) + (3,) = (5, 3)",
        "result = layer(x)\nif result[0] == 1:\n    pass\n\nresult = [0.5, 0.3]",
        "S = {1, 2, 3}\n|S| = 3",
    ],
)
def test_shapes_conditions_and_sets_are_no_numbers_of_an_example(code: str) -> None:
    assert report(f"We take [0.5, 0.25].\n\n```python\n{code}\n```\n").findings == ()


def test_two_marks_are_another_quantity_than_one() -> None:
    text = r"""
$\mathbf{c} = [0.6, 0.8]$, $\mathbf{c}' = [0.8, 0.6]$ and $\mathbf{c}'' = [0.6, -0.8]$

$\mathbf{c} \cdot \mathbf{c}' = 0.96$ and $\mathbf{c} \cdot \mathbf{c}'' = -0.28$
"""
    assert report(text).findings == ()
    assert not report(text.replace("0.96", "0.86")).passed


FORWARD = r"""
The input is $x = 2.5$, the weight $w = 3$ and the model $\hat{y} = w \cdot x$, so

$$\hat{y} = 3 \cdot 2.5 = 7.5$$

$$w_{\text{new}} = 3 - 0.1 \cdot 15 = 1.5$$

Once more:

$$\hat{y} = FACTOR \cdot 2.5 = RESULT$$
"""


def test_a_formula_may_be_computed_again_with_what_a_weight_became() -> None:
    assert report(FORWARD.replace("FACTOR", "1.5").replace("RESULT", "3.75")).findings == ()
    assert not report(FORWARD.replace("FACTOR", "7.1").replace("RESULT", "17.75")).passed


def test_a_setting_has_other_values_elsewhere() -> None:
    text = r"""
Common are β = 0.9 and β = 0.99.

A rule is β ≈ 1 - 1/√κ. With κ = 100 it is β = VALUE.

In practice just use β = 0.9.

The search found \( a = 1.2, c = 1.1 \).

Elsewhere \( a = c = -0.07 \).
"""
    assert report(text.replace("VALUE", "0.90")).findings == ()
    assert not report(text.replace("VALUE", "0.09")).passed


def test_one_number_of_a_list_may_be_stated_again() -> None:
    text = "x = [[0.25]] and then x = 0.25, x = 0.75\n"
    assert report(text).findings == ()


def test_a_result_off_in_its_last_digit_has_lost_no_term() -> None:
    text = r"""
$$
a_1 = \frac{\exp(0.3)}{\exp(0.3) + \exp(-0.2) + \exp(0.4)} = \frac{1.350}{1.350 + 0.819 + 1.492}
= \frac{1.350}{3.661} = 0.370
$$

The shares add up: $0.370 + 0.224 + 0.407 = 1.001$

$$
\mathbf{c} = \begin{bmatrix} 0.012 \\ 0.320 \end{bmatrix}
$$
"""
    assert [finding.printed for finding in report(text).findings] == ["0.370"]


PERCEPTRON = r"""
$$z = w_1 \cdot x_1 + w_2 \cdot x_2 + b$$

The first example is $(0, 3)$, with $w_1 = 2$, $w_2 = 4$ and $b = -1.5$:

$$z = w_1 \cdot 0 + w_2 \cdot 3 + b = 0 + 12 - 1.5 = 10.5$$

The second is $(1, 1)$:

$$z = 2 \cdot 1 + 4 \cdot 1 - 1.5 = RESULT$$

The boundary (where $z = 0$) is a line.
"""


def test_inputs_put_into_a_formula_make_no_rule_of_it() -> None:
    assert report(PERCEPTRON.replace("RESULT", "4.5")).findings == ()
    assert not report(PERCEPTRON.replace("RESULT", "5.4")).passed


SIZES = """
* With `padding='same'`, `S = 1` and `H = 28`, frameworks give `H_out = ceil(H / S)`.

```
H_out = floor((28 + 2*0 - 3) / 2) + 1 = floor(25 / 2) + 1 = 12 + 1 = 13
```
"""


def test_another_formula_may_give_another_size() -> None:
    assert report(SIZES).findings == ()
    assert not report(SIZES.replace("= 13", "= 31")).passed


AUGMENTED = """
```python
w, x, b = 0.4, 2, 0.1
y = w * x + b      # 0.9
w -= 0.1 * 0.5     # 0.35
y = w * x + b      # 0.8
w *= 2             # 0.7
y = w * x + b      # RESULT
```
"""


def test_an_augmented_assignment_gives_a_name_its_new_value() -> None:
    assert report(AUGMENTED.replace("RESULT", "1.5")).findings == ()
    assert not report(AUGMENTED.replace("RESULT", "1.6")).passed


CHANGES = r"""
The weight is $w = 0.4$, the bias $b = 0.1$, the input $x = 2$ and $y = w x + b$, so

$$y = 0.4 \cdot 2 + 0.1 = 0.9$$

"""


@pytest.mark.parametrize(
    ("change", "result"),
    [
        (r"The step gives $w = 0.4 \to 0.35$, so that $y = w x + b = VALUE$.", None),
        ("The step is $w$ ← `0.4 - 0.1 * 0.5 = 0.35`, so that $y = w x + b = VALUE$.", "0.9"),
    ],
)
def test_a_name_changes_where_an_arrow_says_so(change: str, result: str | None) -> None:
    assert report(CHANGES + change.replace("VALUE", "0.8")).findings == ()
    if result is not None:
        assert not report(CHANGES + change.replace("VALUE", result)).passed


@pytest.mark.parametrize(
    "stated",
    [
        "```python\nw, x, b = 0.4, 2, 0.1\n```",
        "$(w, x, b) = (0.4, 2, 0.1)$",
        "w, x, b = 0.4, 2, 0.1",
    ],
)
def test_several_names_may_get_their_values_at_once(stated: str) -> None:
    text = f"{stated}\n\n$y = w x + b = VALUE$\n"
    assert report(text.replace("VALUE", "0.9")).findings == ()
    assert not report(text.replace("VALUE", "0.8")).passed


def test_a_dash_with_nothing_behind_it_is_read() -> None:
    assert report("It is a + b. -\n\na = 0.2 + 0.5 = 0.7").read["A"] == 1


OUTPUT_SIZES = r"""
$$H_{out} = \lfloor (H - K + 2P) / S \rfloor + 1$$

- $(30 - 5 + 2) / 2 + 1 = 27 / 2 + 1 = SIZE + 1 = 14$
"""


def test_a_size_is_rounded_down_where_its_formula_is() -> None:
    assert report(OUTPUT_SIZES.replace("SIZE", "13")).findings == ()
    assert not report(OUTPUT_SIZES.replace("SIZE", "12")).passed


@pytest.mark.parametrize("right", ["(30 - 5) / 2 + 1 = 13 × 13", "420 / 7 = 60×60 pixels"])
def test_a_square_is_as_long_as_its_side(right: str) -> None:
    assert report(f"The output is {right}.").findings == ()
    assert not report(
        f"The output is {right}.".replace("3 × 13", "4 × 14").replace("60", "61")
    ).passed


def test_powers_of_tenths_are_those_of_ten() -> None:
    assert report("After 10 layers it is 0.1^10 = 10^-10.").findings == ()
    assert not report("After 10 layers it is 0.1^10 = 10^-9.").passed


def test_a_name_in_an_equation_may_have_one_of_its_values_again() -> None:
    text = "At x=2: z = x² = 4\n\nAt x=2.001: z = 4.004001\n\n`dz/dy = x = 2`"
    assert report(text).findings == ()


def test_a_large_factorial_is_written_out() -> None:
    assert report(r"$\frac{60!}{57!} = 205320$, and $200!/199! = 200$.").findings == ()
    assert not report(r"$\frac{60!}{57!} = 205330$").passed


def test_the_number_of_a_layer_above_its_name_is_no_exponent() -> None:
    text = "f = 5\n\nThen f<sup>[2]</sup> = 5, and s<sup>[2]</sup> = 2.\n\n$f^{[3]} = 5$"
    assert report(text).findings == ()


def test_ten_thousands_are_counted_in_chinese() -> None:
    assert report("300×200 = 6万个参数, 2500<sup>2</sup>/2 ≈ 3百万").findings == ()
    assert not report("300×200 = 7万个参数").passed


def test_an_exponent_is_no_number_that_has_lost_its_point() -> None:
    (found,) = report("$a = -(0.731059)^2 = -1.0$").findings
    assert found.printed == "-1.0"
