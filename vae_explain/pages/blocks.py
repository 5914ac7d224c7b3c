"""The closed set of things a walkthrough is made of. No formatting, no rounding.

A renderer matches exhaustively over `Block`; a new format is one new file in `render/`.
They are named tuples: a page needs a score of kinds, and frozen dataclasses take six times
as long to define, which every command would pay for at its start.
Numbers stay numbers here, arithmetic stays expressions, and names stay names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ..engine.worked_lines import Worked
from ..quick_classes import NamedTuple
from ..symbolic.expression import Expression, Number, Ref, Role, terms_of
from ..trace import Array
from .phrases import counted
from .pictured import Curve, Diagram

# How many decimals a number is given: as a page prints parameters and gradients (4), a
# value of the run (as many as it needs, up to 8), an input, every digit, or the fewest
# digits that tell a float32 from its neighbours.
Places = Literal["parameter", "gradient", "value", "input", "exact", "single"]
TO_FILL_IN = "." * 20
Tone = Literal["plain", "check", "failure", "warning"]
# How much is said, from what is for a first reading to what an expert needs.
Level = Literal["intro", "standard", "expert"]
Cell = float | int | str

# How the live page writes a block again from the arrays of a run: a `kind`, and what that needs,
# with a `Source` for each array. None for a block without numbers of the run, and for one whose
# numbers only PyTorch could give.
Recipe = Mapping[str, object] | None
PART: Recipe = {"kind": "part"}  # of a block that is written with the one before it, by its recipe


class Heading(NamedTuple):
    """Opens a numbered section: its title and, dimmed beside it, what it is about.

    `chapter` is the number of the chapter that the section belongs to; a page that has no
    chapters, and a chapter itself, has 0. One that is `recorded` speaks of the run as PyTorch
    made it, so that nothing in it could follow a change.
    """

    number: int
    title: str
    detail: str = ""
    chapter: int = 0
    recorded: bool = False

    @property
    def label(self) -> str:
        """Its number as it is written: `3`, or `3.2` inside a chapter."""
        return f"{self.chapter}.{self.number}" if self.chapter else str(self.number)


class Prose(NamedTuple):
    """A sentence or two, which readers of a `level` and those before it get."""

    text: str
    recipe: Recipe = None
    level: Level = "expert"


class Quantity(NamedTuple):
    """A number in a sentence: what it is, and how it is written there.

    One without an index, as a share has none, is no number of the run and leads nowhere. One
    that is `added` has its sign before it, as the further summands of a sum have. With `words`
    these are written in its place, and lead to it.
    """

    number: Ref
    places: Places = "value"
    form: Literal["number", "added", "percent"] = "number"
    words: str = ""


class Claim(NamedTuple):
    """Arithmetic that a sentence implies: what its numbers give, by their places in it."""

    result: int
    expression: Expression


class Statement(NamedTuple):
    """Sentences with numbers of the run in them, whose arithmetic holds as it is printed."""

    parts: tuple[str | Quantity, ...]
    claims: tuple[Claim, ...] = ()
    recipe: Recipe = None


class Formula(NamedTuple):
    """A whole-tensor formula, `left = expression`, with a remark beside it.

    One that is `held` passes no gradient back, as what is computed under `no_grad`. One that
    reads like another before it comes `again`: typeset pages leave it out.
    """

    left: str
    expression: Expression
    remark: str = ""
    accent: bool = False
    held: bool = False
    again: bool = False


class After(NamedTuple):
    """What an activation made of each line's value, and a word for the closed ones.

    `expression` is its formula over whole tensors, which a page may leave to the arrow.
    """

    name: str
    lines: tuple[Worked, ...]
    closed: tuple[bool, ...]
    word: str
    expression: Expression


class Lines(NamedTuple):
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
    example_at
        The position of the line that stands for all; that of the largest number when None.
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
    example_at: int | None = None
    recipe: Recipe = None

    @property
    def share_columns(self) -> bool:
        """Whether every line is a sum of as many terms as there are column headers."""
        count = len(self.columns)
        return count > 0 and all(len(terms_of(line.expression)) == count for line in self.lines)

    @property
    def result_places(self) -> Places:
        """How many decimals the lines' results get; `places` has those of their total."""
        # The summands of a loss need no more than other values.
        return "value" if self.total else self.places

    @property
    def example(self) -> Worked | None:
        """The line that stands for all where one is enough.

        None where there are no lines, or where that number is passed on as it is.
        """
        best = max(self.lines, key=lambda line: abs(line.shown), default=None)
        if self.example_at is not None:
            best = self.lines[self.example_at]
        return None if best is None or isinstance(best.expression, Number | Ref) else best


class Matrix(NamedTuple):
    """A tensor with its name and shape.

    `drop` says how many leading axes an index leaves out, as that of a batch of one. Zeros have
    their signs, as PyTorch has them, only where `signed_zeros` says so.
    """

    name: str
    array: Array
    role: Role
    places: Places
    accent: bool = False
    drop: int = 0
    recipe: Recipe = None
    signed_zeros: bool = False


class Entry(NamedTuple):
    """One number of a tensor, with its index as a page writes it: `[13,204]`."""

    label: str
    value: float


class Summary(NamedTuple):
    """A tensor that is too big for a page: what it is like, and its largest numbers.

    Attributes
    ----------
    array
        The whole tensor; a renderer draws it small, as a heat map.
    low, high, mean, norm
        Of its finite numbers; the norm is the root of the sum of their squares.
    zeros, not_finite
        How many of its numbers are zero, and how many are no finite numbers.
    largest
        Its largest numbers by size, the largest first.
    ask
        What `why` calls the largest of them, as in `fc1.weight.grad[0,1]`; empty for a
        tensor whose numbers it cannot be asked for.
    """

    name: str
    array: Array
    role: Role
    places: Places
    low: float
    high: float
    mean: float
    norm: float
    zeros: int
    not_finite: int
    largest: tuple[Entry, ...]
    ask: str = ""
    accent: bool = False
    recipe: Recipe = None

    @property
    def constant(self) -> bool:
        """Whether all its numbers are alike."""
        return self.low == self.high and not self.not_finite


class Column(NamedTuple):
    """A table column: its header, what its cells are, and whether it is the result."""

    header: str
    role: Role | Literal["label", "text", "reconstruction", "kl"]
    places: Places = "value"
    accent: bool = False

    @property
    def left(self) -> bool:
        """Whether its cells are words, which start at the left."""
        return self.role == "text"


class Adds(NamedTuple):
    """Which column of a table is the sum of which others, less some; columns by position."""

    result: int
    parts: tuple[int, ...]
    less: tuple[int, ...] = ()


class Table(NamedTuple):
    """Rows of numbers and words under headers; `dimmed` rows are given a reason.

    What the columns imply, that some add up to another, holds for the numbers as they are
    printed. `marked` has for each row the column whose cell stands out.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    dimmed: tuple[bool, ...] = ()
    reasons: tuple[str, ...] = ()
    worked: tuple[Worked, ...] = ()
    adds: Adds | None = None
    recipe: Recipe = None
    marked: tuple[int, ...] = ()

    def is_marked(self, row: int, column: int) -> bool:
        """Whether a cell stands out in its row, as the largest of its numbers does."""
        return bool(self.marked) and self.marked[row] == column


class TreeNode(NamedTuple):
    """A number of a derivation: its depth, its line if it is derived here, or a word why not."""

    depth: int
    name: str
    value: float
    line: Worked | None
    word: str
    places: Places


class Tree(NamedTuple):
    """A derivation: each number above the numbers that its line used."""

    nodes: tuple[TreeNode, ...]


class Share(NamedTuple):
    """A part of a number: its amount, its share of all amounts, what it is, and a remark."""

    amount: float
    share: float
    text: str
    remark: str


class Shares(NamedTuple):
    """The parts that a number is the sum of, largest first."""

    shares: tuple[Share, ...]


class SheetQuestions(NamedTuple):
    """The blanks of an exercise sheet: what each asks for, by its number.

    A format without fields to fill in shows `table`.
    """

    sheet: str
    names: dict[str, str]

    @property
    def table(self) -> Table:
        """The blanks as a table with a column for the answers."""
        columns = (Column("blank", "label"), Column("find", "text"), Column("answer", "text"))
        rows = tuple((number, name, TO_FILL_IN) for number, name in self.names.items())
        return Table(columns, rows)


class Checked(NamedTuple):
    """What a note says was checked: how many of what, against whom, and what else it tells."""

    lines: int
    noun: str
    whose: str
    tail: str
    difference: float

    @property
    def text(self) -> str:
        """The note in words that a student reads."""
        return f"{counted(self.lines, self.noun)} checked against {self.whose}{self.tail}"


class Note(NamedTuple):
    """A remark under a block: what was checked, what failed, what to know.

    Attributes
    ----------
    exactly
        How far off the worst number was, which is shown on request.
    checked
        Of what it says that it was checked; a section says it once.
    """

    text: str
    tone: Tone = "plain"
    recipe: Recipe = None
    exactly: str = ""
    checked: Checked | None = None


OfWords = Heading | Prose | Statement | Formula | Note
OfNumbers = Lines | Matrix | Summary | Table | Curve | Tree | Shares
Block = OfWords | OfNumbers | Diagram | SheetQuestions


class Walkthrough(NamedTuple):
    """An explanation: what was run, and its blocks in order.

    One without `contents` is of single sheets, each of which begins a page.
    """

    command: str
    title: str
    remarks: tuple[str, ...]
    blocks: tuple[Block, ...]
    contents: bool = True
