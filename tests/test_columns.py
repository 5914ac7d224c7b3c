"""Wide characters in a user's names: they count as the columns that a terminal gives them."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from vae_explain.pages.render.columns import columns, left, right, wrap
from vae_explain.pages.render.terminal import terminal

from .test_page_failures import page_of

NAMES = ["潜在変数", "잠재", "ｗｉｄｅ", "e\u0301tat", "μ_δ", "plain", "混ぜ_mixed_名"]


@pytest.mark.parametrize("text", [*NAMES, "∂loss/∂z ½·σ² → ✓ ⎡ ░▒▓█ ▁▂│"])
def test_a_text_takes_as_many_columns_as_a_terminal_gives_it(text: str) -> None:
    assert columns(text) == cell_len(text)
    assert cell_len(left(text, 40)) == cell_len(right(text, 40)) == 40


@pytest.mark.parametrize("width", [5, 8, 20])
def test_words_are_broken_by_columns(width: int) -> None:
    text = "a " + " and ".join(NAMES) + " 長い名前のとても長い名前"
    lines = wrap(text, width)
    assert all(cell_len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    whole = wrap(text, width, break_long_words=False)
    assert " ".join(whole) == text


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_page_of_wide_names_keeps_its_width_and_its_columns(name: str, width: int) -> None:
    text = terminal.plain(terminal.lay_out(page_of(name), width))
    assert all(cell_len(line) <= width for line in text.splitlines())
    # In a table of that header the numbers end where it does.
    lines = text.splitlines()
    head = next(i for i, line in enumerate(lines) if line.split() == [name, name])
    assert cell_len(lines[head]) == cell_len(lines[head + 1].removesuffix(name).rstrip())
