"""The signs of a page, and plain words for terminals that have none of them."""

from __future__ import annotations

from ....symbolic.printable import printable

# Each sign, and the words behind it.
_SIGNS = """
    μ mu  σ sigma  ε eps  δ delta  β beta  ∂ d  Σ sum  π pi  Φ Phi  φ phi  · *  × *  → ->
    ᵀ .T  ² ^2  ³ ^3  ½ 0.5  ¼ 0.25  … ...  ≈ ~  – -  ± +-  ‖ |  ∇ grad  ✓ ok  ✗ FAILED
    √ sqrt
"""
_PAIRS = _SIGNS.split()
WORDS = dict(zip(_PAIRS[::2], _PAIRS[1::2], strict=True))
_TO_ASCII = str.maketrans(WORDS)
# How full a cell of a chart is, from empty to full, and the chart's axes.
BARS, ASCII_BARS = " ▁▂▃▄▅▆▇█", " .:#"
# How large the numbers of a cell of a heat map are, from none to the largest.
SHADES, ASCII_SHADES = " ░▒▓█", " .:+#"
AXES, ASCII_AXES = ("│", "└", "─"), ("|", "+", "-")
# Beside a tree: a branch that goes on, one that turns off, and the last one.
GUIDES, ASCII_GUIDES = ("│ ", "├ ", "└ "), ("| ", "+ ", "+ ")
BRACKETS = {
    "first": ("⎡", "  ⎤"),
    "middle": ("⎢", "  ⎥"),
    "last": ("⎣", "  ⎦"),
    "only": ("[", "  ]"),
}


class Symbols:
    """Writes text with the field's signs, or in ASCII.

    Attributes
    ----------
    bars, shades
        The fillings of a cell of a chart, and of one of a heat map, from empty to full.
    guides
        The guides of a tree: past a node, to it, and to the last one of its level.
    axes
        The upright axis, the corner, and the level axis of a chart.
    """

    def __init__(self, ascii_only: bool = False) -> None:
        self.ascii_only = ascii_only
        self.bars = ASCII_BARS if ascii_only else BARS
        self.shades = ASCII_SHADES if ascii_only else SHADES
        self.guides = ASCII_GUIDES if ascii_only else GUIDES
        self.axes = ASCII_AXES if ascii_only else AXES
        self.check = self("✓")
        self.cross = self("✗")
        self.warning = "!"

    def __call__(self, text: str) -> str:
        # A user's own names may hold anything; what has no word is shown by its code.
        text = printable(text)
        if not self.ascii_only or text.isascii():
            return text
        return text.translate(_TO_ASCII).encode("ascii", "backslashreplace").decode()

    def bracket(self, row: int, rows: int) -> tuple[str, str]:
        """Return the bracket pieces at the ends of a matrix row."""
        if rows == 1 or self.ascii_only:
            return BRACKETS["only"]
        place = "first" if row == 0 else "last" if row == rows - 1 else "middle"
        return BRACKETS[place]
