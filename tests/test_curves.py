"""Curves in a terminal, and the progress bar: what they show and when they say nothing."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest

from vae_explain.cli.waiting import section_bar
from vae_explain.engine.progress import working_on
from vae_explain.pages.blocks import Walkthrough
from vae_explain.pages.pictured import Curve, Series
from vae_explain.pages.render.terminal import terminal


def title(values: tuple[float, ...]) -> str:
    return chart(values, title=True)[0]


def chart(
    values: tuple[float, ...], width: int = 60, ascii_only: bool = False, title: bool = False
) -> list[str]:
    """Lay out a curve, its chart's top row first."""
    block = Curve("step", (Series("loss", values, "total"),))
    lines = terminal.lay_out(Walkthrough("train", "", (), (block,)), width, None, ascii_only)
    return terminal.plain(lines).splitlines()[2 if title else 3 :]


def test_a_curve_reads_from_zero_to_its_top() -> None:
    lines = chart((4.0, 2.0, 1.0))
    assert [line.split()[0] for line in (lines[0], lines[7])] == ["4", "0"]
    bars = [sum(line.ljust(60)[15 + 15 * i] == "█" for line in lines[:8]) for i in range(3)]
    assert bars == [8, 4, 2]


@pytest.mark.parametrize(
    ("values", "mark"),
    [((1.0, math.inf, 2.0), "x"), ((math.nan,), "x"), ((0.0, 0.0), "▁"), ((1e-9, 1e9), "▁")],
)
def test_a_curve_shows_every_step(values: tuple[float, ...], mark: str) -> None:
    assert mark in "".join(chart(values))


def test_a_curve_in_ascii() -> None:
    text = "\n".join(chart(tuple(np.linspace(3, 1, 500)), ascii_only=True))
    assert text.isascii()
    assert "each column is the mean" in text


def test_a_large_range_is_logarithmic() -> None:
    assert "log scale" in title((1e5, 1.0))
    assert "log scale" not in title((1e5, 0.0))


# --- progress ---------------------------------------------------------------------------


class FakeTerminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("patience", "written"), [(-1.0, True), (60.0, False)])
def test_progress_is_shown_when_it_takes_long(
    patience: float, written: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "PATIENCE", patience)
    stream = FakeTerminal()
    with terminal.progress(3, "training", stream) as report:
        for done in range(1, 4):
            report(done)
    assert ("training" in stream.getvalue()) is written


@pytest.mark.parametrize(("patience", "written"), [(-1.0, True), (60.0, False)])
def test_the_section_that_is_worked_on_is_shown_when_it_takes_long(
    patience: float, written: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "PATIENCE", patience)
    stream = FakeTerminal()
    with section_bar(stream):
        working_on("The backward pass")
        working_on("")
        shown = stream.getvalue()
        working_on("")
    assert ("The backward pass" in shown) is written
    assert stream.getvalue() == shown, "nothing follows once a page is written"


def test_no_section_is_shown_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "PATIENCE", -1.0)
    stream = io.StringIO()
    with section_bar(stream):
        working_on("The backward pass")
    assert not stream.getvalue()


def test_progress_is_silent_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "PATIENCE", -1.0)
    stream = io.StringIO()
    with terminal.progress(3, "training", stream) as report:
        report(1)
    assert not stream.getvalue()
