"""The signs of a page, and plain words for terminals that have none of them."""

from __future__ import annotations

WORDS = {
    "μ": "mu",
    "σ": "sigma",
    "ε": "eps",
    "δ": "delta",
    "β": "beta",
    "∂": "d",
    "Σ": "sum",
    "·": "*",
    "×": "*",
    "→": "->",
    "ᵀ": ".T",
    "²": "^2",
    "³": "^3",
    "½": "0.5",
    "¼": "0.25",
    "…": "...",
    "≈": "~",
    "–": "-",
    "✓": "ok",
    "✗": "FAILED",
    "√": "sqrt",
}
_TO_ASCII = str.maketrans(WORDS)
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
        if not self.ascii_only or text.isascii():
            return text
        # A user's own names may hold anything; what has no word is shown by its code.
        return text.translate(_TO_ASCII).encode("ascii", "backslashreplace").decode()

    def bracket(self, row: int, rows: int) -> tuple[str, str]:
        """Return the bracket pieces at the ends of a matrix row."""
        if rows == 1 or self.ascii_only:
            return BRACKETS["only"]
        place = "first" if row == 0 else "last" if row == rows - 1 else "middle"
        return BRACKETS[place]
