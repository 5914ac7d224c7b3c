"""What a proof-reading finds: a verdict for each figure and for each line of arithmetic."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Literal, get_args

from ....quick_classes import NamedTuple, dataclass
from ..matching.figures import Line, PrintedFigure
from ..matching.stated_run import Seed
from ..reading.statement import Remnant
from .recomputed import ARITHMETICS, Arithmetic

Verdict = Literal[
    "exact", "rounded inputs", "rounded chain", "off in the last digit", "wrong", "not recognised"
]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
BLAMED: frozenset[Verdict] = frozenset({"off in the last digit", "wrong"})


class Judged(NamedTuple):
    """A figure, what it should be, and its verdict.

    Attributes
    ----------
    arithmetics
        Those in which it agrees.
    computed
        What it should be, in the arithmetic of what stands around it.
    parts_at
        For a blamed figure the first step at which it parts from the run: its own, or the
        blamed figure that it was computed from.
    why
        What is to be mended, or only from what it is right; empty when it is exact.
    unrounded
        What it would be if nothing had been rounded on the way.
    elsewhere
        Whether it agrees only as another processor rounds it.
    """

    figure: PrintedFigure
    computed: float
    verdict: Verdict
    arithmetics: tuple[Arithmetic, ...]
    parts_at: str = ""
    why: str = ""
    unrounded: float = math.nan
    elsewhere: bool = False

    @property
    def blamed(self) -> bool:
        return self.verdict in BLAMED


class LineOperand(NamedTuple):
    """A number that was put into a line of arithmetic, and what should stand there."""

    printed: str
    element: str
    expected: str


class JudgedLine(NamedTuple):
    """A line of printed arithmetic: what it gives, and whether it is right.

    Attributes
    ----------
    value
        What the printed numbers give.
    computed
        What the line's element is.
    wrong_operands
        The numbers that are not what the formula takes there.
    result_agrees
        Whether what is printed behind it follows from the line.
    """

    line: Line
    value: float
    computed: float
    wrong_operands: tuple[LineOperand, ...]
    result_agrees: bool
    why: str = ""

    @property
    def blamed(self) -> bool:
        return bool(self.wrong_operands) or not self.result_agrees


@dataclass(frozen=True)
class Proof:
    """What proof-reading one document found.

    Attributes
    ----------
    misfits
        Tensors that have not the shape that they should have, or are said to have.
    other_seeds
        Seeds that are stated beside the one that holds, and are another.
    """

    model: str
    seed: Seed | None
    wrong_seed: Seed | None
    figures: tuple[Judged, ...]
    lines: tuple[JudgedLine, ...]
    unrecognised: tuple[Remnant, ...]
    set_aside: tuple[Remnant, ...]
    misfits: tuple[Remnant, ...]
    other_seeds: tuple[Seed, ...]
    torch_version: str

    @property
    def counts(self) -> Mapping[Verdict, int]:
        """How many figures got each verdict, all six of them."""
        counted = Counter(judged.verdict for judged in self.figures)
        counted["not recognised"] = len(self.unrecognised)
        return {verdict: counted[verdict] for verdict in VERDICTS}

    @property
    def agreeing(self) -> Mapping[Arithmetic, int]:
        """How many figures agree in each arithmetic."""
        counted = Counter(a for judged in self.figures for a in judged.arithmetics)
        return {arithmetic: counted[arithmetic] for arithmetic in ARITHMETICS}

    @property
    def blamed(self) -> tuple[Judged, ...]:
        return tuple(judged for judged in self.figures if judged.blamed)

    @property
    def blamed_lines(self) -> tuple[JudgedLine, ...]:
        return tuple(line for line in self.lines if line.blamed)

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong; what was not recognised does not count."""
        wrong = self.blamed or self.blamed_lines or self.misfits
        return not (wrong or self.wrong_seed or self.other_seeds)
