"""What comparing pages lets pass, and what it does not: any text, and any digit that counts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .comparing import (
    CERTAIN,
    DOUBLE,
    GOLDEN,
    NUMBER,
    SINGLE,
    differences,
    hidden,
    not_found,
    same_operand,
)
from .comparing import same_number as same

FULL = "arithmetic: full, PyTorch's float32\n"
PAGE = """
    mu[0] = 0.5·(-0.36842951 - 1) = -2.7369

    ✓ 8 rows evaluated, all equal to PyTorch's (largest relative difference
      5.2e-17); 2 of 8 gates closed: units 6, 7

    kl = 0.40952290104490313   sum of 2
"""


def test_what_is_hidden_is_no_figure() -> None:
    page = "eps -0.2387 0.0000 6.1e-07 with PyTorch 2.13.0 (largest difference 5.2e-17)"
    assert hidden(page) == (
        "eps -0.2387 0.0000 N.Ne-NN with PyTorch N.N.N (largest difference N.Ne-NN)"
    )


PASSES = {
    "itself": ("", ""),
    "no difference, and so another break": (
        "(largest relative difference\n      5.2e-17); 2 of 8 gates closed: units 6, 7",
        "(no difference); 2 of 8 gates\n      closed: units 6, 7",
    ),
    "another difference": ("5.2e-17", "1.3e-16"),
    "the eighth digit of a float32": ("-0.36842951", "-0.36842948"),
    "the sixteenth digit, and so another width": (
        "0.40952290104490313   sum",
        "0.4095229010449033    sum",
    ),
    "an equation with a digit more, and so broken": (
        "    mu[0] = 0.5·(-0.36842951 - 1) = -2.7369",
        "    mu[0] = 0.5·(-0.368429514 - 1)\n            = -2.7369",
    ),
    "a note that a figure agrees as another processor rounds": (
        "\n    kl = ",
        "\n    ! kl: printed 0.40952290104490313, computed 0.4095229010449033 (agrees,\n"
        "      as another processor may round it)\n\n    kl = ",
    ),
}
FAILS = {
    "the fifth digit of a float32": ("-0.36842951", "-0.36843951"),
    "the fifth digit of a gradient": ("-2.7369", "-2.7368"),
    "a sign": ("-0.36842951", "0.36842951"),
    "fewer decimals": ("-2.7369", "-2.737"),
    "more decimals": ("-2.7369", "-2.73690"),
    "a digit of a constant": ("0.5·", "0.6·"),
    "a digit in a name": ("mu[0]", "mu[1]"),
    "a digit in words": ("2 of 8 gates", "3 of 8 gates"),
    "a word": ("all equal to", "all near to"),
    "a mark": ("✓", "✗"),
    "a line less": ("    kl = 0.40952290104490313   sum of 2\n", ""),
    "a line more": ("    kl = ", "\n    kl = "),
    "a break elsewhere than in a note": ("   sum of 2", "\n      sum of 2"),
    "an indent": ("    kl = ", "   kl = "),
    "a column that moved with all numbers the same": ("   sum of 2", "  sum of 2"),
    "a line that failed": (
        "8 rows evaluated, all equal",
        "1 of 8 rows not equal",
    ),
}


@pytest.mark.parametrize("change", PASSES)
def test_what_depends_on_the_processor_passes(change: str) -> None:
    before, after = PASSES[change]
    assert before in PAGE
    assert not differences(FULL + PAGE, FULL + PAGE.replace(before, after, 1))
    assert not differences(FULL + PAGE.replace(before, after, 1), FULL + PAGE)


@pytest.mark.parametrize("change", FAILS)
def test_anything_else_does_not(change: str) -> None:
    before, after = FAILS[change]
    assert before in PAGE
    assert differences(FULL + PAGE, FULL + PAGE.replace(before, after, 1))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("-0.36842951", "-0.36842948"),
        ("-0.36842951", "-0.36842952"),
        ("0.40952290104490313", "0.40952290104590313"),
    ],
)
def test_a_page_in_float64_has_twelve_digits_from_every_processor(before: str, after: str) -> None:
    assert not differences(FULL + PAGE, FULL + PAGE.replace(before, after))
    assert differences(PAGE, PAGE.replace(before, after))


def test_a_number_on_the_edge_may_be_rounded_either_way() -> None:
    moved = PAGE.replace("-2.7369", "-2.7368")
    assert not differences(FULL + PAGE, FULL + moved, lambda: [0.1, -2.73685004])
    assert differences(FULL + PAGE, FULL + moved, lambda: [0.1, -2.73688])
    further = PAGE.replace("-2.7369", "-2.7367")
    assert differences(FULL + PAGE, FULL + further, lambda: [0.1, -2.7368])


@pytest.mark.parametrize(
    ("kept", "written", "is_same"),
    [
        ("0.36842951", "0.36842948", True),
        ("0.07501537", "0.07501540", True),
        ("0.00186360", "0.00186358", True),
        ("0.00186360", "0.00186370", False),  # the fifth digit
        ("31.510433", "31.510435", True),
        ("31.510433", "31.511433", False),
        ("-11.1076".lstrip("-"), "11.1075", True),  # the sixth
        ("11.1076", "11.1074", False),
        ("1.0849", "1.0850", False),
        ("0.0757634", "0.075763345", True),  # as PyTorch prints a float32
        ("990.4149", "990.4155", True),
        ("990.4149", "990.4249", False),
        ("0.0000", "0.0001", False),
        ("0.0000", "0.00000000", False),
        ("8", "9", False),
        ("1", "1.0000000", False),
    ],
)
def test_numbers_in_float32(kept: str, written: str, is_same: bool) -> None:
    assert same(kept, written, SINGLE) == is_same
    assert same(written, kept, SINGLE) == is_same
    assert not same(kept, written, DOUBLE)


@pytest.mark.parametrize(
    ("kept", "written", "is_same"),
    [
        ("0.0808", "0.08085", True),
        ("0.0808", "0.08086", False),
        ("2.7369", "2.736859", True),
        ("2.7369", "2.73684", False),
        ("0.2025", "0.2025", False),  # asked of those that differ only
        ("0.0000", "0.00000000", False),
        ("1", "1.0000000", False),
    ],
)
def test_operands_in_float32_may_have_other_guard_digits(
    kept: str, written: str, is_same: bool
) -> None:
    assert same_operand(kept, written, SINGLE) == is_same
    assert same_operand(written, kept, SINGLE) == is_same
    assert not same_operand(kept, written, DOUBLE)
    lines = [f"{FULL}    a[0] = {number}·2 = 3.0000\n" for number in (kept, written)]
    assert (differences(lines[0], lines[1]) == []) == (is_same or kept == written)


def test_figures_are_found_by_all_digits_but_the_last_of_a_float64() -> None:
    numbers = ["0.4095229010449033", "-0.8898", "2.7369"]
    assert not not_found(["0.40952290104490313", "2.7369"], numbers)
    missing = {"0.40952290105490313", "0.8898", "2.7368"}
    assert not_found(missing, numbers) == missing


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.*")), ids=lambda path: path.name)
def test_no_other_digit_of_a_golden_file_may_change(path: Path) -> None:
    """Of each number of the files, the first five digits count, or all where there are fewer."""
    for number in sorted({*NUMBER.findall(path.read_text(encoding="utf-8"))}):
        counted = 0
        for position, sign in enumerate(number.partition("e")[0]):
            if not sign.isdigit() or counted == CERTAIN:
                continue
            counted += bool(counted) or sign != "0"
            wrong = number[:position] + ("8" if sign == "9" else chr(ord(sign) + 1))
            assert not same(number, wrong + number[position + 1 :], SINGLE), number


def test_the_first_digits_are_compared_in_their_line() -> None:
    page = (GOLDEN / "backward-80.txt").read_text(encoding="utf-8")
    for number in re.findall(r"\d\.\d{8}", page)[::10]:
        wrong = number[:5] + ("8" if number[5] == "9" else "9") + number[6:]
        assert differences(page, page.replace(number, wrong))
