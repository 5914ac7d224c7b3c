"""The document of a large model: its map first, and of what comes again one of each kind."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from torch import Tensor, nn

from vae_explain import pipeline
from vae_explain.analysis.gradient_check import check_autograd
from vae_explain.engine.run import Run
from vae_explain.pages.blocks import Formula, Heading, Note, Table, Walkthrough
from vae_explain.pages.walkthrough import forward
from vae_explain.pages.walkthrough.document import document
from vae_explain.pages.walkthrough.repeated import listed, repeated

from .requests import held

BLOCKS = 40


class Deep(nn.Module):
    """Many blocks that do the same, and a layer that comes once."""

    def __init__(self, blocks: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(nn.Linear(3, 3) for _ in range(blocks))
        self.last = nn.Linear(3, 2)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        hidden = x
        for block in self.blocks:
            hidden = torch.tanh(block(hidden))
        y = self.last(hidden)
        size, rest = y.square().sum(), hidden.abs().sum()
        return {"loss": size + 0.5 * rest, "size": size, "rest": rest}


@cache
def run_of(blocks: int) -> Run:
    torch.manual_seed(3)
    return pipeline.run(held(Deep(blocks), torch.rand(2, 3), seed=0))


@cache
def page_of(blocks: int) -> Walkthrough:
    run = run_of(blocks)
    page, checks = document(run, check_autograd(run))
    assert checks.failed == 0
    return page


def headings(page: Walkthrough) -> list[str]:
    return [block.title for block in page.blocks if isinstance(block, Heading)]


def formulas(page: Walkthrough) -> list[str]:
    return [block.left for block in page.blocks if isinstance(block, Formula)]


def test_the_map_leads() -> None:
    page = page_of(BLOCKS)
    first, second = [block for block in page.blocks if isinstance(block, Table)][:2]
    assert headings(page)[0] == "The map of the model"
    rows = {row[0]: row for row in first.rows}
    assert rows[f"blocks.0 to blocks.{BLOCKS - 1}"][-1] == 12 * BLOCKS
    assert rows["last"][-1] == 8
    assert [row[:2] for row in second.rows] == [("size", "1"), ("rest", "0.5"), ("loss", "")]


def test_one_of_each_kind_is_worked_out() -> None:
    page = page_of(BLOCKS)
    said = [block.text for block in page.blocks if isinstance(block, Note)]
    names = formulas(page)
    assert f"Of the same kind: blocks.1.weight to blocks.{BLOCKS - 1}.weight." in said
    assert {"y", "size", "rest", "loss", "∂loss/∂last.weight"} <= set(names)
    assert len(names) == len(set(names))
    assert len([name for name in names if name.startswith("∂loss/∂blocks.")]) <= 4


def test_what_is_left_out_is_named() -> None:
    run, page = run_of(BLOCKS), page_of(BLOCKS)
    like = repeated(run)
    said = " ".join(block.text for block in page.blocks if isinstance(block, Note))
    assert like
    for number in like:
        label = run.trace.values[number].label
        of_kind = run.trace.values[like[number]].label
        assert label in said or of_kind in " ".join(formulas(page)) or of_kind in said


def test_the_forward_page_has_all() -> None:
    run = run_of(BLOCKS)
    names = formulas(forward.forward(run)[0])
    made = [v.name for v in run.trace.values if v.name and v.kind == "intermediate"]
    assert set(names) >= {name for name in made if name.startswith("blocks.")}


def test_a_small_model_has_no_map() -> None:
    page = page_of(2)
    assert "The map of the model" not in headings(page)
    assert repeated(run_of(2)) == {}


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["a.1.w", "a.2.w", "a.3.w"], "a.1.w to a.3.w"),
        (["h_2", "h_3"], "h_2 and h_3"),
        (["h_2"], "h_2"),
        (["b.1", "b.3", "b.5"], "b.1, b.3 and b.5"),
        (["b.1", "b.3", "b.4", "b.7", "b.9"], "b.1, b.3, b.4, b.7 and 1 more"),
        (["x", "y_1", "mu"], "x, y_1 and mu"),
        (["a.1.1", "a.2.2", "a.3.3"], "a.1.1, a.2.2 and a.3.3"),
    ],
)
def test_names_are_listed_shortly(names: list[str], words: str) -> None:
    assert listed(names) == words
