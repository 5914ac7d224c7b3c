"""The closed set of things a walkthrough is made of. No formatting, no rounding.

A renderer matches exhaustively over `Block`; a new format is one new file in `render/`.
Numbers stay numbers here, arithmetic stays expressions, and names stay names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .expression import Expression, Role
from .trace import Array

# How many decimals a number is given: as a page prints parameters and gradients (4), a
# value of the run (as many as it needs, up to 8), an input, every digit, or the fewest
# digits that tell a float32 from its neighbours.
Places = Literal["parameter", "gradient", "value", "input", "exact", "single"]
Tone = Literal["plain", "check", "failure", "warning"]


@dataclass(frozen=True)
class Heading:
    """Opens a numbered section: its title and, dimmed beside it, what it is about."""

    number: int
    title: str
    detail: str = ""


@dataclass(frozen=True)
class Prose:
    """A sentence or two."""

    text: str


@dataclass(frozen=True)
class Formula:
    """A whole-tensor formula, `left = expression`, with a remark beside it."""

    left: str
    expression: Expression
    remark: str = ""
    accent: bool = False


@dataclass(frozen=True)
class Worked:
    """One line of arithmetic, evaluated: what it gives and what PyTorch has.

    `value` is what the expression evaluates to, `shown` the number of the run that stands
    behind the equals sign; they agree to rounding, else `agrees` is false.
    `reference` is None for a line whose result is only part of one that is checked.
    """

    label: str
    expression: Expression
    value: float
    shown: float
    reference: float | None
    difference: float
    agrees: bool


@dataclass(frozen=True)
class After:
    """What an activation made of each line's value, and a word for the closed ones."""

    name: str
    lines: tuple[Worked, ...]
    closed: tuple[bool, ...]
    word: str


@dataclass(frozen=True)
class Lines:
    """Worked lines that belong together.

    Attributes
    ----------
    name
        What the lines make: `encoder_pre`.
    lines
        The lines; a renderer that has too little room may show the first and the values.
    head
        What a line's label counts: `unit`, `dimension`, `element`.
    columns
        Headers for the summands when all lines have the same ones; empty otherwise.
    after
        The activation that follows, if it is shown beside.
    total
        The sum that the lines add up to, for a loss.
    omitted
        How many further lines there are that are not in `lines`.
    latex
        Whether each line is wanted in LaTeX too.
    quiet
        Whether the numbers stand elsewhere already, so that the first line is enough.
    leaves
        How many decimals the numbers in the lines get; each by what it is when None.
    """

    name: str
    lines: tuple[Worked, ...]
    head: str
    places: Places
    columns: tuple[str, ...] = ()
    after: After | None = None
    total: Worked | None = None
    omitted: int = 0
    latex: bool = False
    quiet: bool = False
    leaves: Places | None = None


@dataclass(frozen=True)
class Matrix:
    """A tensor with its name and shape."""

    name: str
    array: Array
    role: Role
    places: Places
    accent: bool = False


@dataclass(frozen=True)
class Column:
    """A table column: its header, what its cells are, and whether it is the result."""

    header: str
    role: Role | Literal["label", "text", "reconstruction", "kl"]
    places: Places = "value"
    accent: bool = False

    @property
    def left(self) -> bool:
        """Whether its cells are words, which start at the left."""
        return self.role == "text"


Cell = float | int | str


@dataclass(frozen=True)
class Table:
    """Rows of numbers and words under headers; `dimmed` rows are given a reason."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    dimmed: tuple[bool, ...] = ()
    reasons: tuple[str, ...] = ()
    worked: tuple[Worked, ...] = ()


@dataclass(frozen=True)
class Diagram:
    """The layers from input to loss: what stands in each place, and its width."""

    stages: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Series:
    """One number at every step: its name, its values, and what it is."""

    name: str
    values: tuple[float, ...]
    role: Literal["total", "reconstruction", "kl"]


@dataclass(frozen=True)
class Curve:
    """Numbers over an axis that counts from 0: `axis` says what it counts."""

    axis: str
    series: tuple[Series, ...]


@dataclass(frozen=True)
class TreeNode:
    """A number of a derivation: its depth, its line if it is derived here, or a word why not."""

    depth: int
    name: str
    value: float
    line: Worked | None
    word: str
    places: Places


@dataclass(frozen=True)
class Tree:
    """A derivation: each number above the numbers that its line used."""

    nodes: tuple[TreeNode, ...]


@dataclass(frozen=True)
class Share:
    """A part of a number: its amount, its share of all amounts, what it is, and a remark."""

    amount: float
    share: float
    text: str
    remark: str


@dataclass(frozen=True)
class Shares:
    """The parts that a number is the sum of, largest first."""

    shares: tuple[Share, ...]


@dataclass(frozen=True)
class Note:
    """A remark under a block: what was checked, what failed, what to know."""

    text: str
    tone: Tone = "plain"


Block = Heading | Prose | Formula | Lines | Matrix | Table | Diagram | Curve | Tree | Shares | Note


@dataclass(frozen=True)
class Walkthrough:
    """An explanation: what was run, and its blocks in order."""

    command: str
    title: str
    remarks: tuple[str, ...]
    blocks: tuple[Block, ...]


@dataclass
class Checks:
    """A count of evaluated lines, of those that failed, and the largest difference."""

    lines: int = 0
    failed: int = 0
    largest_relative_difference: float = 0.0

    def add(self, line: Worked) -> None:
        self.count(line.difference, line.agrees)

    def count(self, difference: float, agrees: bool) -> None:
        self.lines += 1
        self.failed += not agrees
        self.largest_relative_difference = max(self.largest_relative_difference, difference)
