"""The signs of a page, and plain words for terminals that have none of them."""

from __future__ import annotations

from ...symbolic.printable import printable

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
    """Writes text with the field's signs, or in ASCII."""

    def __init__(self, ascii_only: bool = False) -> None:
        self.ascii_only = ascii_only
        self.check = self("✓")
        self.cross = self("✗")
        self.warning = "!"

    def __call__(self, text: str) -> str:
        # A user's own names may hold anything; what has no word is shown by its code.
        text = printable(text)
        if not self.ascii_only or text.isascii():
            return text
        return text.translate(_TO_ASCII).encode("ascii", "backslashreplace").decode()

    @property
    def bars(self) -> str:
        """The fillings of a cell of a chart, from empty to full."""
        return ASCII_BARS if self.ascii_only else BARS

    @property
    def shades(self) -> str:
        """The shades of a cell of a heat map, from empty to full."""
        return ASCII_SHADES if self.ascii_only else SHADES

    @property
    def guides(self) -> tuple[str, str, str]:
        """The guides of a tree: past a node, to it, and to the last one of its level."""
        return ASCII_GUIDES if self.ascii_only else GUIDES

    @property
    def axes(self) -> tuple[str, str, str]:
        """The upright axis, the corner, and the level axis of a chart."""
        return ASCII_AXES if self.ascii_only else AXES

    def bracket(self, row: int, rows: int) -> tuple[str, str]:
        """Return the bracket pieces at the ends of a matrix row."""
        if rows == 1 or self.ascii_only:
            return BRACKETS["only"]
        place = "first" if row == 0 else "last" if row == rows - 1 else "middle"
        return BRACKETS[place]
