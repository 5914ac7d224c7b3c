"""Markdown: what a reader of it sees, by a CommonMark parser, is what was meant."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vae_explain.pages.blocks import (
    Column,
    Formula,
    Heading,
    Matrix,
    Note,
    Prose,
    Table,
    Walkthrough,
)
from vae_explain.pages.render import markdown
from vae_explain.symbolic.expression import Ref
from vae_explain.symbolic.printable import printable

from .documents import RUNS, claims, document, paragraphs, plain, shown, tables, tokens
from .pages import BY_HAND, FLOAT32, ROUNDED, SIGNED, Claim, wrong

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "a_b",
    "_a_ *b* __c__",
    "$x$",
    "a|b",
    "`code`",
    "[link](http://example.org)",
    "[x]: http://example.org",
    "# heading",
    "- item",
    "1. item",
    "1) item",
    "---",
    "- - -",
    "===",
    "+ item",
    "## two",
    "-1.5 and 0.5",
    "> quote",
    "&amp; \\ ~~gone~~",
    "http://example.org",
    "![image](x)",
    "\\input{secret}",
    "```",
)


def seen(page: str) -> list[str]:
    """Return all text that a reader sees outside of formulas, and nothing but text."""
    allowed = {"paragraph", "heading", "table", "thead", "tbody", "tr", "th", "td", "inline"}
    found = []
    for token in tokens(page):
        kind = token.type.removesuffix("_open").removesuffix("_close")
        assert kind in allowed | {"fence"}, f"{kind} in {page!r}"
        if token.type == "inline":
            inner = {child.type for child in token.children or ()}
            assert inner <= {"text", "em_open", "em_close", "strong_open", "strong_close"} | {
                "html_inline"
            }
            found.append(shown(token))
    return found


@pytest.mark.parametrize("run", RUNS)
def test_every_line_of_arithmetic_gives_what_stands_behind_it(run: str) -> None:
    found = claims(document("markdown", *RUNS[run]))
    assert len(found) > 40
    assert failures(found, by_hand="full" not in RUNS[run]) == []


def failures(found: list[Claim], by_hand: bool) -> list[str]:
    """Return the wrong lines: those of values by hand have all the digits that there are."""
    if not by_hand:
        return wrong(found, FLOAT32)
    values = [claim for claim in found if "∂" not in claim.label]
    gradients = [claim for claim in found if "∂" in claim.label]
    return wrong(values, BY_HAND) + wrong(gradients, ROUNDED)


def test_a_wrong_number_would_be_found() -> None:
    page = document("markdown")
    assert "**0.88977581**" in page
    assert failures(claims(page), by_hand=True) == []
    assert failures(claims(page.replace("**0.88977581**", "**0.88977583**")), by_hand=True)


@pytest.mark.parametrize("run", RUNS)
def test_the_losses_add_up_from_the_table_above_them(run: str) -> None:
    page = document("markdown", *RUNS[run])
    totals = [text for text in paragraphs(page) if ", the sum of " in text]
    assert totals
    for text in totals:
        name, value, count = re.fullmatch(r"(\S+) = (\S+), the sum of (\d+)", plain(text)).groups()  # type: ignore[union-attr]  # it matches, by the line above
        (rows,) = [
            cells.rows
            for cells in tables(page)
            if cells.header[:2] == ["element", "arithmetic"] and cells.header[2] == name
        ]
        assert len(rows) == int(count)
        total = sum(float(plain(row[2])) for row in rows)
        assert total == pytest.approx(float(value), abs=len(rows) * 5e-9 * max(1, total) + 1e-6)


def test_the_matrices_are_those_of_the_run() -> None:
    page = document("markdown")
    weight = page.partition("**fc1.weight** [8, 4]")[2].partition("```math")[2].partition("```")[0]
    rows = [SIGNED.findall(line) for line in weight.splitlines() if "." in line]
    assert [len(row) for row in rows] == [4] * 8
    assert rows[0] == ["0.3823", "0.4150", "-0.1171", "0.4593"]


@pytest.mark.parametrize("run", RUNS)
def test_headings_are_numbered_and_in_order(run: str) -> None:
    found = [
        (int(token.tag[1]), shown(inline).split()[0])
        for token, inline in pairwise(tokens(document("markdown", *RUNS[run])))
        if token.type == "heading_open"
    ]
    assert found[0][0] == 1
    chapter = section = 0
    for level, label in found[1:]:
        if level == 2:
            chapter, section = chapter + 1, 0
            assert label == str(chapter)
        else:
            section += 1
            assert (level, label) == (3, f"{chapter}.{section}")
    assert chapter == 10


def page_of(*blocks: object, title: str = "title") -> str:
    return markdown.write(Walkthrough("document", title, (), tuple(blocks)))  # type: ignore[arg-type]  # blocks of any kind


@pytest.mark.parametrize("name", HOSTILE)
def test_a_users_name_is_text_wherever_it_stands(name: str) -> None:
    array = np.array([[1.0, 2.0]])
    table = Table((Column(name, "text"), Column("n", "value")), ((name, 1.5),))
    page = page_of(
        Heading(1, name, name),
        Prose(name),
        Note(name),
        Matrix(name, array, "value", "value"),
        table,
    )
    texts = seen(page)
    expected = " ".join(name.split())
    assert texts[1] == f"1 {expected}"
    assert texts[2:5] == [expected] * 3
    assert texts[5] == f"{expected} [1, 2]"
    assert texts[6:] == [expected, "n", expected, "1.5000"]


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
def test_any_text_comes_back_from_a_parser(words: str) -> None:
    expected = printable(" ".join(words.split()))
    if expected:
        assert seen(page_of(Prose(words))) == ["title", expected]
        (found,) = tables(page_of(Table((Column(words, "text"),), ((words,),))))
        assert found == ([expected], [[expected]])


@pytest.mark.parametrize("name", ["a\n\nb", "```", "}\\end{x}", "$$"])
def test_a_name_does_not_end_its_formula(name: str) -> None:
    page = page_of(Formula(name, Ref(name)), Prose("after"))
    fences = [token for token in tokens(page) if token.type == "fence"]
    assert [fence.info for fence in fences] == ["math"]
    assert seen(page)[-1] == "after"


def test_a_number_needs_no_backslash() -> None:
    assert markdown.text("0.1052·3 + 1") == "0.1052·3 + 1"
    assert markdown.text("-1.5") == "-1.5"


def test_dollars_of_a_name_are_no_formula() -> None:
    """GitHub takes what stands between two dollars for LaTeX, unless each is in a span."""
    assert "<span>$</span>x<span>$</span>" in page_of(Prose("$x$"))
