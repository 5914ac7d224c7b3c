"""Marks a filled sheet: each answer against the right one, and against the student's own numbers.

A wrong number that is carried on is not counted twice: each later step is recomputed from what
the student wrote before it. What is wrong by itself is held against what each usual mistake
would give there.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Literal

from ...quick_classes import NamedTuple, dataclass
from .key import HALF, Blank, Sheet
from .mistakes import MISTAKES, SENTENCES
from .trees import Numbers, value_of

Judgement = Literal["right", "carried", "wrong"]
A_LITTLE = 1e-9  # of a unit, so that a number that is just rounded counts as rounded
MOST_ALIKE = 3  # wrong answers that are one number, from which on they were not worked out


class Answer(NamedTuple):
    """An answer as it was written, and the number that it is; None where it is none."""

    text: str
    number: float | None


class Mark(NamedTuple):
    """What an answer is worth.

    Attributes
    ----------
    expected
        The right answer, with the digits that were asked for.
    misconception
        The id of the mistake that gives this answer; None where none does.
    sentence
        What to tell the student of it.
    """

    blank: str
    name: str
    answer: str | None
    expected: str
    verdict: Judgement
    misconception: str | None
    sentence: str


@dataclass(frozen=True)
class MarkedSheet:
    """A marked sheet of one student.

    Attributes
    ----------
    degenerate
        Whether all answers are one number where the right ones are not: they earn nothing.
    """

    student: str
    sheet: str
    marks: tuple[Mark, ...]
    degenerate: bool

    @property
    def points(self) -> int:
        """One for each answer that is right, or right but for an earlier number."""
        return 0 if self.degenerate else sum(mark.verdict != "wrong" for mark in self.marks)


def read_number(text: str) -> Answer:
    """Read an answer as a person writes it.

    Examples
    --------
    >>> read_number(" −0,25 ").number, read_number("1/8").number, read_number("?").number
    (-0.25, 0.125, None)
    """
    plain = text.strip().strip("$*_` ").replace("\N{MINUS SIGN}", "-").replace("½", "0.5")
    if "," in plain and "." not in plain:
        plain = plain.replace(",", ".")
    above, slash, below = plain.partition("/")
    try:
        number = float(above) / float(below) if slash else float(plain)
    except (ValueError, ZeroDivisionError):
        return Answer(text.strip(), None)
    return Answer(text.strip(), number if math.isfinite(number) else None)


def mark(sheet: Sheet, answers: Mapping[str, str], student: str = "") -> MarkedSheet:
    """Mark the answers to one sheet, given by the numbers of its blanks."""
    return _Marking(sheet, answers).marked(student)


class _Marking:
    def __init__(self, sheet: Sheet, answers: Mapping[str, str]) -> None:
        self.sheet = sheet
        self.answers = {
            blank.entry.id: read_number(answers[blank.entry.id])
            for blank in sheet.blanks
            if answers.get(blank.entry.id, "").strip(" _")
        }
        self.own = dict(sheet.given)  # what the student goes on with
        self.wrong: set[str] = set()  # the names of the answers that are not the right ones
        self.alike = self._alike()

    def marked(self, student: str) -> MarkedSheet:
        marks = tuple(map(self._mark, self.sheet.blanks))
        numbers = [each.number for each in self.answers.values()]
        degenerate = len(numbers) >= MOST_ALIKE and set(numbers) <= self.alike
        return MarkedSheet(student, self.sheet.entry.sheet, marks, degenerate)

    def _alike(self) -> set[float | None]:
        """Return the number that most answers are where that is not right; no other."""
        counts = Counter(each.number for each in self.answers.values())
        wrong = Counter(
            self.answers[blank.entry.id].number
            for blank in self.sheet.blanks
            if blank.entry.id in self.answers
            and not self._is_right(blank, self.answers[blank.entry.id].number)
        )
        return {
            number
            for number, count in counts.items()
            if wrong[number] >= MOST_ALIKE and count >= HALF * len(self.answers)
        }

    def _is_right(self, blank: Blank, number: float | None) -> bool:
        return number is not None and _near(
            number, blank.entry.expected, self.sheet.tolerances[blank.entry.id]
        )

    def _mark(self, blank: Blank) -> Mark:
        entry = blank.entry
        answer = self.answers.get(entry.id)
        verdict: Judgement = "wrong"
        misconception = None
        if answer is None or answer.number is None:
            # Who leaves a blank out goes on with what should stand there, if at all.
            self.own[entry.name] = entry.expected
        else:
            number = answer.number
            verdict = self._verdict(blank, number)
            if verdict == "wrong":
                misconception = self._misconception(blank, answer)
            if verdict != "right":
                self.wrong.add(entry.name)
            self.own[entry.name] = number
        return Mark(
            entry.id,
            entry.name,
            None if answer is None else answer.text,
            f"{entry.expected:.{entry.decimals}f}",
            verdict,
            misconception,
            SENTENCES.get(misconception or "", ""),
        )

    def _verdict(self, blank: Blank, number: float) -> Judgement:
        if self._is_right(blank, number):
            return "right"
        recomputed = value_of(blank.tree, self.own)
        if not _near(number, recomputed, self.sheet.tolerances[blank.entry.id]):
            return "wrong"
        if not self.wrong & set(blank.uses):
            return "right"  # but for how the numbers before it were rounded
        if number in self.alike or self._only_from_zero(blank, recomputed):
            return "wrong"
        return "carried"

    def _only_from_zero(self, blank: Blank, recomputed: float) -> bool:
        """Whether a step is 0 since an earlier answer is: that is no work of its own."""
        zeros = any(self.own[name] == 0 for name in self.wrong & set(blank.uses))
        return zeros and abs(recomputed) < HALF * blank.unit

    def _misconception(self, blank: Blank, answer: Answer) -> str | None:
        assert answer.number is not None, "only asked of a number"
        number, unit = answer.number, blank.unit
        if self.wrong & set(blank.uses) and self._only_from_zero(blank, number):
            return "zero"
        within = (HALF + A_LITTLE) * unit, self.sheet.tolerances[blank.entry.id]
        places: list[Numbers] = [self.own]
        if self.wrong & set(blank.uses):
            places.append(self.sheet.expected)
        right = [value_of(blank.tree, numbers) for numbers in places]
        candidates = [
            (mistake.id, numbers, tree, at)
            for mistake in MISTAKES
            for tree in mistake.trees(blank, self.sheet)
            for numbers, at in zip(places, right, strict=True)
        ]
        answers_of = [(name, value_of(tree, numbers), at) for name, numbers, tree, at in candidates]
        for tolerance in within:  # what is met exactly comes first
            for name, value, at in answers_of:
                if _near(number, value, tolerance) and not _near(value, at, within[1]):
                    return name
        decimals = len(answer.text.partition(".")[2])
        coarse = HALF * 10.0**-decimals * (1 + A_LITTLE)
        if decimals < blank.entry.decimals and _near(number, blank.entry.expected, coarse):
            return "digits"
        return None


def _near(number: float, other: float, tolerance: float) -> bool:
    return abs(number - other) <= tolerance * (1 + A_LITTLE) + 1e-12 * abs(other)
