"""Numbers that say which others are taken: where they come from, and that `why` leads there."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from vae_explain import explain
from vae_explain.engine.provenance import Provenance, Target, shortened
from vae_explain.ops import RULES, Rule
from vae_explain.pages.blocks import Formula, Lines, Matrix, Tree
from vae_explain.symbolic.expression import Apply, Ref
from vae_explain.symbolic.measure import evaluate, measure
from vae_explain.symbolic.text import to_text

from .examples import Example, examples_of
from .models.vector_quantised import VQVAE
from .support import call_of

CHOOSING = [rule for rule in RULES.values() if rule.chosen_by is not None]
WHOLE_PLACES = [
    pytest.param(rule, example, id=f"{rule.name}-{number}")
    for rule in CHOOSING
    for number, example in enumerate(examples_of(rule))
    if any(a.dtype.kind == "i" for a in example.operands)
]


@pytest.mark.parametrize(("rule", "example"), WHOLE_PLACES)
def test_what_chose_an_element_is_all_that_could_have_chosen_another(
    rule: Rule, example: Example
) -> None:
    assert rule.chosen_by is not None
    call = call_of(rule, example)
    before = np.asarray(rule.forward(*example.operands, **example.attributes))
    moved = dict.fromkeys(np.ndindex(*before.shape), False)
    for position, operand in enumerate(example.operands):
        if operand.dtype.kind != "i":
            continue
        for place in np.ndindex(*operand.shape):
            for other in range(max(int(operand.max()) + 1, 2)):
                operands = [np.array(a) for a in example.operands]
                operands[position][place] = other
                if rule.name == "embedding_bag" and position > 1:
                    offsets = operands[position]
                    if offsets[0] or (np.diff(offsets) < 0).any():
                        continue  # PyTorch refuses them
                after = np.asarray(rule.forward(*operands, **example.attributes))
                for index in moved:
                    told = (position, place) in rule.chosen_by(call, index)
                    assert told or after[index] == before[index], (index, position, place)
                    moved[index] |= bool(told and after[index] != before[index])
    # Adding a number puts it elsewhere only if there is another place on the line.
    assert all(moved.values()) or rule.name.startswith("scatter")


# --- the nearest code -------------------------------------------------------------------

X = torch.tensor([[0.2, 0.9, 0.5, 0.1]])


class Quantised(nn.Module):
    """Takes the nearest code, in one of the ways in which that is written."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way = way
        self.encoder = nn.Linear(4, 4)
        self.codebook = nn.Embedding(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        z_e = self.encoder(x).view(-1, 2)
        codes = self.codebook.weight
        squares = ((z_e.unsqueeze(1) - codes) ** 2).sum(-1)
        if self.way == "embedding":
            nearest = squares.argmin(-1)
            z_q = self.codebook(nearest)
        elif self.way == "unnamed":
            z_q = self.codebook(torch.cdist(z_e, codes).argmin(-1))
        elif self.way == "brackets":
            z_q = codes[squares.min(dim=-1)[1]]
        elif self.way == "index_select":
            _, nearest = torch.min(squares, 1)
            z_q = codes.index_select(0, nearest.view(-1))
        elif self.way == "gather":
            nearest = torch.argmin(squares, 1, True)
            z_q = codes.gather(0, nearest.repeat(1, 2))
        elif self.way == "one_hot":
            z_q = functional.one_hot(squares.argmin(1), 5).float() @ codes
        elif self.way == "scatter":
            nearest = squares.argmin(dim=1, keepdim=True)
            z_q = torch.zeros(2, 5).scatter_(1, nearest, 1) @ codes
        else:
            z_q = self.codebook(squares.argsort(1)[:, 0])
        loss: Tensor = (z_q - z_e.detach()).square().sum() + (z_e - z_q.detach()).square().sum()
        return loss


WAYS = ["embedding", "unnamed", "brackets", "index_select", "gather", "one_hot", "scatter", "sort"]


def quantised(way: str) -> Any:
    torch.manual_seed(5)
    return explain(Quantised(way), X, seed=5)


@pytest.mark.parametrize("way", WAYS)
def test_why_leads_from_a_code_to_the_distances(way: str) -> None:
    explanation = quantised(way)
    run = explanation.run
    assert explanation.not_explained == ()
    view = Provenance(run)
    root = view.derive(Target(run.value("z_q").id, (1, 0)), full=True)
    lines = [(node.name, node.line) for _, node in root.walk() if node.line is not None]
    made = [(line, line.expression) for _, line in lines]
    places = [(line, e) for line, e in made if isinstance(e, Apply) and e.function == "argmin"]
    assert places or way == "sort", "the line that finds the smallest"
    for line, place in places:
        assert line.agrees
        assert len(place.arguments) == 5
    distances = ("squares", "cdist")
    assert any(name.startswith(distances) for name, _ in lines), [name for name, _ in lines]


@pytest.mark.parametrize("way", WAYS)
def test_the_pages_agree_and_no_gradient_changes_by_it(way: str) -> None:
    explanation = quantised(way)
    run = explanation.run
    for page in (explanation.forward(), explanation.backward()):
        assert not page.checks.failed
    for number, gradient in run.gradients.items():
        np.testing.assert_allclose(run.hand_gradients[number], gradient, 1e-5, 1e-6)
    assert explanation.check().passed


def test_an_index_is_shown_with_what_it_is_the_smallest_of() -> None:
    torch.manual_seed(42)
    x = torch.tensor([[0.2, 0.9, 0.5, 0.1, 0.7, 0.3]])
    page = explain(VQVAE(), x, seed=42).forward().walkthrough
    formulas = {b.left: to_text(b.expression) for b in page.blocks if isinstance(b, Formula)}
    assert formulas["indices"] == "argmin(distances, dim=1).reshape(2, 1)"
    (block,) = [b for b in page.blocks if isinstance(b, Lines) and b.name == "indices"]
    assert [line.shown for line in block.lines] == [1.0, 1.0]
    assert block.places == "input", "a whole number has no decimals"


def test_codes_that_an_index_names_are_written_with_its_name() -> None:
    for way, written in {
        "embedding": "embedding(nearest, codebook.weight)",
        "index_select": "index_select(codebook.weight, index, dim=0)",
        "gather": "gather(codebook.weight, index, dim=0)",
    }.items():
        page = quantised(way).forward().walkthrough
        formulas = {b.left: to_text(b.expression) for b in page.blocks if isinstance(b, Formula)}
        assert formulas["z_q"] == written


def test_an_index_is_written_without_a_point() -> None:
    page = quantised("gather").forward()
    (index,) = [b for b in page.walkthrough.blocks if isinstance(b, Matrix) and b.name == "index"]
    assert index.array.dtype.kind == "i"
    assert "0.0" not in str(page).partition("index  [2, 2]")[2].partition("✓")[0]


def test_a_tree_names_the_index_under_the_code_that_it_chose() -> None:
    page = quantised("embedding").why("z_q[1,0]").walkthrough
    (tree,) = [block for block in page.blocks if isinstance(block, Tree)]
    first, second, *_ = tree.nodes
    assert first.name == "z_q[1,0]"
    assert second.name == "nearest[1]"
    assert (second.depth, second.places) == (1, "input")


# --- the place of the largest or smallest -----------------------------------------------


def compared(function: str, numbers: list[float]) -> Apply:
    return Apply(function, tuple(Ref("d", (i,), value=n) for i, n in enumerate(numbers)))


@pytest.mark.parametrize("function", ["argmax", "argmin"])
def test_a_place_is_that_of_numpy(function: str) -> None:
    for numbers in product([-1.0, 0.0, 2.5, np.inf, -np.inf, np.nan], repeat=3):
        assert evaluate(compared(function, list(numbers))) == getattr(np, function)(numbers)


def test_only_of_numbers_as_near_as_rounding_may_another_be_the_smallest() -> None:
    far, near = (measure(compared("argmin", [1.0, 1.0 + gap, 3.0])) for gap in (1e-3, 1e-8))
    precision = float(np.finfo(np.float32).eps)
    assert 1 / far.magnitude > 16 * precision, "another place is a mistake"
    assert 1 / near.magnitude < 16 * precision, "either may be it"


def test_of_many_the_nearest_are_shown_and_how_many_there_are_besides() -> None:
    numbers = [float((7 * i) % 31) for i in range(31)]
    for function, word in (("argmin", "larger"), ("argmax", "smaller")):
        short = shortened(compared(function, numbers))
        assert isinstance(short, Apply)
        *kept, rest = short.arguments
        shown = [evaluate(part) for part in kept]
        nearest = sorted(numbers, reverse=function == "argmax")[:8]
        assert sorted(shown) == sorted(nearest)
        assert shown == [n for n in numbers if n in nearest], "in their order"
        assert isinstance(rest, Ref)
        assert rest.name == f"(23 {word} numbers)"
