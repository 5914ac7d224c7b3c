"""The colours of a page can be read in terminals of few colours and of many."""

from __future__ import annotations

import re

import pytest

from vae_explain.pages.render.terminal.pieces import Piece
from vae_explain.pages.render.terminal.terminal import OF_16, STYLES, STYLES_OF_16, coloured

RGB = tuple[int, int, int]
# The 16 colours as two widespread terminals have them: xterm, and the console of Windows.
XTERM = (
    *((0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0)),
    *((0, 0, 238), (205, 0, 205), (0, 205, 205), (229, 229, 229)),
    *((127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0)),
    *((92, 92, 255), (255, 0, 255), (0, 255, 255), (255, 255, 255)),
)
WINDOWS = (
    *((12, 12, 12), (197, 15, 31), (19, 161, 14), (193, 156, 0)),
    *((0, 55, 218), (136, 23, 152), (58, 150, 221), (204, 204, 204)),
    *((118, 118, 118), (231, 72, 86), (22, 198, 12), (249, 241, 165)),
    *((59, 120, 255), (180, 0, 158), (97, 214, 214), (242, 242, 242)),
)
BLACK, WHITE = (0, 0, 0), (255, 255, 255)
LEAST = 3.0


def luminance(colour: RGB) -> float:
    """As WCAG 2 defines it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _unit(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _unit(colour: RGB) -> list[float]:
    return [channel / 255 for channel in colour]


def contrast(one: RGB, other: RGB) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def codes(style: str, system: str) -> list[int]:
    """Return the numbers that switch a style on."""
    found = re.search(r"\x1b\[([\d;]+)m", coloured([[Piece("7", style)]], system))
    return [int(code) for code in found.group(1).split(";")] if found else []


@pytest.mark.parametrize("system", OF_16)
@pytest.mark.parametrize("palette", [XTERM, WINDOWS], ids=["xterm", "Windows"])
def test_of_16_colours_only_those_that_stand_out_on_both_grounds(
    palette: tuple[RGB, ...], system: str
) -> None:
    for style in STYLES:
        for code in codes(style, system):
            bright, number = divmod(code, 10)
            if bright in (3, 9):  # a colour of the text
                colour = palette[number + (8 if bright == 9 else 0)]
                worst = min(contrast(colour, BLACK), contrast(colour, WHITE))
                assert worst >= LEAST, (style, number, worst)
            else:
                assert code in (1, 2, 7), (style, code)  # bold, dim, reversed


def test_what_stands_back_is_dimmed_and_not_grey_where_colours_are_few() -> None:
    assert codes("dim", "standard") == codes("label", "standard") == [2]
    assert codes("dim", "truecolor")[:2] == [38, 2]


def test_of_many_colours_each_stands_out_on_both_grounds() -> None:
    for style, words in STYLES.items():
        for text in re.findall(r"(?<!on )#(\w{6})", words):
            colour = (int(text[:2], 16), int(text[2:4], 16), int(text[4:], 16))
            if style != "badge":  # it has a ground of its own
                assert min(contrast(colour, BLACK), contrast(colour, WHITE)) >= LEAST, style


def test_a_style_of_many_colours_is_one_of_few_too() -> None:
    assert STYLES_OF_16.keys() == STYLES.keys()
