"""Filled sheets are marked as a careful teacher would: simulated students, right and wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import islice

import pytest

from vae_explain import pipeline
from vae_explain.analysis.exercise.key import Sheet
from vae_explain.analysis.exercise.marking import MarkedSheet, mark
from vae_explain.analysis.exercise.mistakes import SENTENCES
from vae_explain.analysis.exercise.selection import Difficulty
from vae_explain.analysis.exercise.sheets import Wish, worksheets
from vae_explain.models.builtin_config import Architecture
from vae_explain.models.request import Request

from .students import MISTAKES, CannotMake, Student

WANTED, NAMED = 50, 48
CLASSES: tuple[tuple[tuple[int, ...], Difficulty], ...] = (
    ((4, 8, 2, 8, 4), "medium"),
    ((4, 8, 2, 8, 4), "hard"),
    ((3, 3, 3, 3, 3), "hard"),
)


@cache
def sheets() -> tuple[tuple[Student, Sheet], ...]:
    """Return the sheets of three classes, with students who know the model."""
    found = []
    for widths, difficulty in CLASSES:
        architecture = Architecture(dims=widths)
        request = Request(x=architecture.default_x, source=architecture, seed=100)
        wish = Wish(variants=10, own_x=True, difficulty=difficulty, count=60)
        made = worksheets(pipeline.run(request), request, wish)
        found += [(Student(widths), each.sheet) for each in made]
    return tuple(found)


def filled(student: Student, sheet: Sheet, mistake: str = "", at: str = "") -> dict[str, str]:
    """Return a sheet's answers, each from those before it, with one mistake at one blank."""
    numbers = dict(sheet.given)
    answers = {}
    for blank in sheet.blanks:
        name = blank.entry.name
        answer = student.answer(name, numbers, mistake if name == at else "")
        answers[blank.entry.id] = f"{answer:.{blank.entry.decimals}f}"
        numbers[name] = float(answers[blank.entry.id])
    return answers


def wrong_answers(mistake: str) -> Iterator[tuple[str, MarkedSheet]]:
    """Yield marked sheets with one mistake at one blank, where it makes a difference."""
    for student, sheet in sheets():
        right = filled(student, sheet)
        for blank in sheet.blanks:
            try:
                answers = filled(student, sheet, mistake, blank.entry.name)
            except CannotMake:
                continue
            given, meant = float(answers[blank.entry.id]), float(right[blank.entry.id])
            if abs(given - meant) > 3 * sheet.tolerances[blank.entry.id]:
                yield blank.entry.id, mark(sheet, answers)


def test_right_answers_are_never_marked_wrong() -> None:
    for student, sheet in sheets():
        for answers in (
            filled(student, sheet),
            {each.entry.id: f"{each.entry.expected:.4f}" for each in sheet.blanks},
            {each.entry.id: repr(each.entry.expected) for each in sheet.blanks},
        ):
            marked = mark(sheet, answers)
            assert {each.verdict for each in marked.marks} == {"right"}, sheet.entry.seed
            assert marked.points == len(sheet.blanks)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_right_misconception_is_named(mistake: str) -> None:
    named: Counter[str | None] = Counter()
    for blank, marked in wrong_answers(mistake):
        found = next(each for each in marked.marks if each.blank == blank)
        assert found.verdict == "wrong", found
        named[found.misconception] += 1
        if named.total() == WANTED:
            break
    assert named.total() == WANTED, f"only {named.total()} answers with this mistake"
    assert named[mistake] >= NAMED, named
    assert SENTENCES[mistake].endswith(".")


def test_what_follows_from_a_wrong_number_is_not_counted_again() -> None:
    carried = 0
    for mistake in MISTAKES:
        for blank, marked in islice(wrong_answers(mistake), 12):
            others = [each for each in marked.marks if each.blank != blank]
            follows_zero = [each for each in others if each.misconception == "zero"]
            wrong = [
                each for each in others if each.verdict == "wrong" and each not in follows_zero
            ]
            assert not wrong, (mistake, blank, wrong, marked)
            carried += sum(each.verdict == "carried" for each in others)
            assert all(each.misconception is None for each in others if each not in follows_zero)
    assert carried > WANTED


def test_rounded_numbers_leave_no_answer_between_two() -> None:
    """Half a last digit goes up or down by what the sheet does not show: it shows more then."""
    request = Request(((1.0, 2.0, 3.0, 4.0),), 42, source=Architecture())
    wish = Wish(difficulty="easy", nice=True)
    (made,) = worksheets(pipeline.run(request), request, wish)
    given, blanks = made.sheet.entry.given, made.sheet.blanks
    for blank in blanks:
        rounded = [name for name in blank.uses if name in given and not given[name].exact]
        between = abs(blank.entry.expected / blank.unit) % 1
        assert not rounded or abs(between - 0.5) > 1e-6, blank.entry.name
    assert given["∂loss/∂fc_logvar.weight[0,0]"].text == "-2.36547"
