"""A sheet that marks itself: it says what `mark` says, gives hints one by one, and asks nobody."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page

from vae_explain import pipeline
from vae_explain.analysis.exercise.marking import mark
from vae_explain.analysis.exercise.mistakes import SENTENCES
from vae_explain.analysis.exercise.sheets import Wish, Worksheet, worksheets
from vae_explain.models.builtin_config import Architecture
from vae_explain.models.request import Request
from vae_explain.pages.worksheet_formats import write

from ..students import MISTAKES, CannotMake, Student
from .conftest import Open
from .test_html import AXE

WIDTHS = (4, 8, 2, 8, 4)


@cache
def sheet() -> Worksheet:
    architecture = Architecture(dims=WIDTHS)
    request = Request(x=architecture.default_x, source=architecture, seed=7)
    wish = Wish(count=40, difficulty="hard")
    return next(worksheets(pipeline.run(request), request, wish))


@pytest.fixture
def page(open_page: Open, documents: dict[str, Path], tmp_path: Path) -> Page:
    documents["exercise"] = tmp_path / "exercise.html"
    documents["exercise"].write_text(str(write("html", [sheet()], "Exercises")), "utf-8")
    return open_page("exercise")


def test_a_sheet_prints_on_two_pages(
    open_page: Open, documents: dict[str, Path], tmp_path: Path
) -> None:
    architecture = Architecture(dims=WIDTHS)
    request = Request(x=architecture.default_x, source=architecture)
    usual = next(worksheets(pipeline.run(request), request, Wish()))
    documents["usual exercise"] = tmp_path / "usual.html"
    documents["usual exercise"].write_text(str(write("html", [usual], "Exercises")), "utf-8")
    printed = open_page("usual exercise").pdf()
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", printed)) <= 2


def item(page: Page, number: str) -> Locator:
    return page.locator(".questions li").nth(int(number) - 1)


def fill(page: Page, answers: dict[str, str]) -> None:
    """Type all answers at once, and leave the last field."""
    page.evaluate(
        """answers => {
             const fields = document.querySelectorAll(".questions input");
             answers.forEach((answer, at) => { fields[at].value = answer; });
             fields[0].dispatchEvent(new Event("change"));
           }""",
        list(answers.values()),
    )


def filled(mistake: str = "", at: str = "") -> dict[str, str]:
    student, numbers = Student(WIDTHS), dict(sheet().sheet.given)
    answers = {}
    for blank in sheet().sheet.blanks:
        name = blank.entry.name
        answer = student.answer(name, numbers, mistake if name == at else "")
        answers[blank.entry.id] = f"{answer:.4f}"
        numbers[name] = float(answers[blank.entry.id])
    return answers


def test_it_says_what_mark_says(page: Page) -> None:
    cases = [filled(), dict.fromkeys(filled(), "0"), dict.fromkeys(filled(), ""), filled()]
    cases[3]["1"], cases[3]["2"], cases[3]["3"] = "no number", "1/8", "−0,5"
    for mistake in MISTAKES:
        for blank in sheet().sheet.blanks:
            try:
                cases.append(filled(mistake, blank.entry.name))
            except CannotMake:
                continue
    assert len(cases) > 60
    named = set()
    for answers in cases:
        fill(page, answers)
        marked = mark(sheet().sheet, answers)
        shown = page.eval_on_selector_all(
            ".questions li",
            "items => items.map(item => [item.dataset.verdict, item.dataset.mistake])",
        )
        for (verdict, mistake), expected in zip(shown, marked.marks, strict=True):
            meant: str = expected.verdict if answers[expected.blank] else ""
            meant = "none" if answers[expected.blank] == "no number" else meant
            assert (verdict, mistake) == (meant, expected.misconception or "")
            named.add(mistake)
        points = page.locator(".points").inner_text()
        assert points == f"{marked.points} of {len(marked.marks)}"
    assert len(named) > 10


def test_hints_come_one_at_a_time(page: Page) -> None:
    blank = sheet().sheet.blanks[0].entry
    first = item(page, "1")
    hints = first.locator(".hints p")
    assert hints.count() == 0
    button = first.get_by_role("button")
    for count in (1, 2, 3):
        button.click()
        assert hints.count() == count
    assert not first.get_by_role("button").count(), "that was the last"
    assert f"{blank.expected:.4f}".replace("-", "−") in hints.nth(2).inner_text()
    assert f"{blank.expected:.4f}".replace("-", "−") not in hints.nth(0).inner_text()


def test_a_mistake_is_told_at_its_field(page: Page) -> None:
    blank = next(b.entry for b in sheet().sheet.blanks if b.entry.name == "kl")
    field = page.get_by_label("kl", exact=True)
    field.fill(f"{-blank.expected:.4f}")
    field.press("Tab")
    status = item(page, blank.id).get_by_role("status")
    assert SENTENCES["sign"] in status.inner_text()
    assert field.get_attribute("aria-invalid") == "true"
    field.fill(f"{blank.expected:.4f}")
    field.press("Enter")
    assert status.inner_text() == "✓ right"
    assert field.get_attribute("aria-invalid") is None


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_it_can_be_used_by_everybody(
    open_page: Open, documents: dict[str, Path], tmp_path: Path, scheme: str, width: int
) -> None:
    documents["exercise"] = tmp_path / "exercise.html"
    documents["exercise"].write_text(str(write("html", [sheet()], "Exercises")), "utf-8")
    page = open_page("exercise", scheme=scheme, width=width)
    fill(page, filled("sign", "kl"))
    item(page, "1").get_by_role("button").click()
    page.evaluate(AXE)
    found = page.evaluate("axe.run({resultTypes: ['violations']})")
    broken = [(rule["id"], rule["nodes"][0]["html"][:99]) for rule in found["violations"]]
    assert broken == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    small = page.eval_on_selector_all(
        ".questions :is(input, button)", "all => all.filter(e => e.offsetHeight < 24).length"
    )
    assert small == 0


def test_without_its_script_it_is_a_sheet_to_print(
    open_page: Open, documents: dict[str, Path], tmp_path: Path
) -> None:
    documents["exercise"] = tmp_path / "exercise.html"
    documents["exercise"].write_text(str(write("html", [sheet()], "Exercises")), "utf-8")
    page = open_page("exercise", script=False)
    assert page.locator(".questions input").count() == len(sheet().sheet.blanks)
    assert not page.locator(".questions button").first.is_visible()
