"""What reading a document gives: statements, and numbers that are part of none."""

from __future__ import annotations

import re
from typing import Literal as Words
from typing import Protocol

from ....quick_classes import NamedTuple
from ..grammar.syntax import Literal, Row, Tree, shown
from ..passage import Fragment
from .values import numbers_of

# A comparison with another computation is no figure of the run.
DIFFERENCE = re.compile(r"\bdifferences?\b", re.IGNORECASE)
Arithmetic = Words["full"]  # PyTorch's own numbers, from inputs that are not rounded
Context = tuple[tuple[Fragment, ...], ...]


class DocumentStatement(NamedTuple):
    """What a document says: a label, and the values that it is said to have.

    Attributes
    ----------
    label
        The words before the numbers, `μ`, `∂loss/∂z[0]`, `Total loss`; empty when the
        numbers stand alone under their context.
    sides
        The values in order, as in `0.8898 + 1.0116*(-0.2387) ≈ 0.6483`.
    stated
        Whether an equals sign, a colon or a table's frame says so, and not mere words.
    indices
        Which elements the numbers of an array are, where a table counts its rows.
    is_case
        Whether it is said of a case, as in `zero only for μ = 0 and σ = 1`.
    arithmetic
        Which arithmetic its numbers are said to be of, where that is said.
    """

    label: str
    sides: tuple[Tree, ...]
    context: Context
    line: int
    stated: bool = True
    indices: tuple[tuple[int, ...], ...] = ()
    is_case: bool = False
    arithmetic: Arithmetic | None = None

    @property
    def numbers(self) -> list[Tree]:
        """All numbers and sums of its sides, in order."""
        return [number for side in self.sides for number in numbers_of(side)]

    @property
    def has_array(self) -> bool:
        return any(isinstance(side, Row) for side in self.sides)

    @property
    def all_whole(self) -> bool:
        """Whether all of its numbers are written without a point."""
        return all(isinstance(n, Literal) and n.text.lstrip("-").isdecimal() for n in self.numbers)

    @property
    def text(self) -> str:
        """Its numbers, as a list where there are several."""
        texts = [shown(n) for n in self.numbers]
        return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


class Remnant(NamedTuple):
    """Numbers that stand in no statement: where, what, and why they are no figure."""

    printed: str
    line: int
    why: str
    figure: bool = True  # whether it may be one all the same, or certainly is none
    wrong: bool = False  # whether no number can stand there


Found = DocumentStatement | Remnant


class Headings(Protocol):
    """What reading a table has to know of the words in its cells."""

    def is_named(self, text: str) -> bool:
        """Whether some words name a quantity."""
        ...

    def is_open(self, text: str) -> bool:
        """Whether some words leave what they name to what stands around: `result`."""
        ...

    def is_share(self, text: str) -> bool:
        """Whether some words name a part of the quantity before: `from KL`."""
        ...
