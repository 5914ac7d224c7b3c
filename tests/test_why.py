"""`why`: any number's tree evaluates to it, and a gradient's paths add up to it."""

from __future__ import annotations

import json
from functools import lru_cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from vae_explain.engine.formulas import Steps
from vae_explain.engine.gradient_paths import Path, Paths
from vae_explain.engine.provenance import Derivation, Provenance, Target, shortened
from vae_explain.engine.run import Arithmetic, Run
from vae_explain.models.request import Request
from vae_explain.pages.walkthrough.why import why
from vae_explain.pipeline import run
from vae_explain.symbolic.expression import (
    Add,
    Number,
    Ref,
    references,
)
from vae_explain.symbolic.measure import evaluate

from .pages import CommandLine
from .requests import held

RUNS = 20


@lru_cache(maxsize=2 * RUNS)
def random_run(seed: int, arithmetic: Arithmetic) -> Run:
    generator = np.random.default_rng(seed)
    rows = int(generator.integers(1, 4))
    x = tuple(tuple(map(float, row)) for row in generator.normal(0, 2, (rows, 4)).round(3))
    return run(Request(x=x, seed=seed, arithmetic=arithmetic))


def chosen(seed: int, arithmetic: Arithmetic, gradient: bool, pick: int) -> tuple[Run, Target]:
    """Return a run and, by one large number, any element of any of its values or gradients."""
    source = random_run(seed, arithmetic)
    named = [value for value in source.trace.values if value.name]
    if gradient:
        named = [value for value in named if value.id in source.gradients]
    pick, at = divmod(pick, len(named))
    value = named[at]
    index = []
    for size in value.shape:
        pick, at = divmod(pick, size)
        index.append(at)
    term = None
    if gradient:
        shares = source.term_gradients
        reaching = [None, *(name for name, found in shares.items() if value.id in found)]
        term = reaching[pick % len(reaching)]
    return source, Target(value.id, tuple(index), gradient, term)


@given(
    st.integers(0, RUNS - 1),
    st.sampled_from(("printed", "full")),
    st.booleans(),
    st.integers(0, 10**9),
)
@settings(max_examples=500)
def test_any_number_is_derived(
    seed: int, arithmetic: Arithmetic, gradient: bool, pick: int
) -> None:
    source, target = chosen(seed, arithmetic, gradient, pick)
    view = Provenance(source)
    root = view.derive(target)
    _, checks = why(source, target)
    assert checks.failed == 0
    table = source.values if not target.gradient else source.gradients
    if target.term is not None:
        table = source.term_gradients[target.term]
    value = float(table[target.value_id][target.index])
    assert root.value == value
    for _, node in root.walk():
        if node.line is not None:
            assert node.line.agrees, node.name
            assert node.line.shown == node.value
    if target.gradient:
        paths, left_out = Paths(source, view.steps).of(target)
        total = sum(path.amount for path in paths) + left_out
        # Autograd's float32 rounds whole tensors on the way, which a small element carries.
        largest = float(np.abs(table[target.value_id]).max())
        size = max(largest, sum(abs(path.amount) for path in paths))
        assert abs(total - value) <= (1e-12 if arithmetic == "printed" else 1e-5) * size


def test_the_paths_of_the_documents_first_question() -> None:
    source = run(Request(x=((1.0, 2.0, 3.0, 4.0),), arithmetic="full"))
    view = Provenance(source)
    target = Target(source.value("fc1.weight").id, (0, 1), gradient=True)
    paths, left_out = Paths(source, view.steps).of(target)
    assert left_out == 0
    assert [path.through[1] for path in paths] == ["mse", "mse", "kl", "kl"]
    assert paths[0].through[-4:] == ("mu", "encoder_hidden", "encoder_pre", "fc1.weight[0,1]")
    assert sum(path.amount for path in paths) == pytest.approx(0.5470, abs=5e-5)
    assert paths[0].closed["decoder_hidden"] == (0, 2, 6, 7)


def test_a_closed_gate_is_named() -> None:
    source = run(Request(x=((1.0, 2.0, 3.0, 4.0),), arithmetic="full"))
    view = Provenance(source)
    paths, _ = Paths(source, view.steps).of(
        Target(source.value("fc1.weight").id, (6, 0), gradient=True)
    )
    assert {path.blocked_by for path in paths} == {"0 because unit 6 of encoder_hidden is off"}


def test_depth_cuts_and_full_does_not() -> None:
    source = run(Request(x=((1.0, 2.0, 3.0, 4.0),)))
    view = Provenance(source)
    target = Target(source.value("recon_x").id, (0, 2))

    def statuses(root: Derivation) -> list[str]:
        return [node.status for _, node in root.walk()]

    assert "cut" in statuses(view.derive(target))
    shallow = view.derive(target, depth=1)
    assert max(level for level, _ in shallow.walk()) <= 2
    full = statuses(view.derive(target, full=True))
    assert "cut" not in full
    assert "again" in full  # z[0] feeds all eight units and is derived once


def test_a_long_sum_keeps_its_largest_terms_and_its_value() -> None:
    terms = tuple(
        Number(float(i % 7)) * Ref("h", (i,), "value", (-1.0) ** i * i) for i in range(300)
    )
    whole = Add(terms)
    short = shortened(whole)
    assert isinstance(short, Add)
    assert len(short.terms) == 9
    assert evaluate(short) == pytest.approx(evaluate(whole), rel=1e-12)
    kept = [abs(evaluate(term)) for term in short.terms[:-1]]
    assert min(kept) >= sorted(abs(evaluate(term)) for term in terms)[-8]


def test_a_long_sum_within_a_line_is_shortened_too() -> None:
    parts = tuple(Ref("e", (i,), "value", 1.0 + i) for i in range(100))
    for whole in (parts[0] / Add(parts), (parts[3] * Add(parts)) ** Number(2.0), -Add(parts)):
        short = shortened(whole)
        assert len(list(references(short))) < 14 < len(list(references(whole)))
        assert evaluate(short) == pytest.approx(evaluate(whole), rel=1e-12)


def test_json_contract(cli: CommandLine) -> None:
    outcome = cli("why", "mu.grad[1]", "--format", "json")
    assert outcome.code == 0
    document = json.loads(outcome.out)
    assert document["target"] == "∂loss/∂mu[1]"
    assert set(document["derivation"]) >= {"name", "value", "formula", "substituted", "children"}
    assert document["derivation"]["value"] == document["value"]
    total = sum(path["amount"] for path in document["paths"])
    assert total == pytest.approx(document["value"], rel=1e-5)
    assert document["paths"][0]["through"][0] == "loss"


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("zz", "did you mean z?"),
        ("z[5]", "shape [1, 2]"),
        ("z[0,0,0]", "shape [1, 2]"),
        ("mu.grad[a]", "whole numbers"),
        ("eps.grad", "no gradient"),
        ("x.grad[0]", "no gradient"),
        ("z[", "its index needs 2 numbers"),
    ],
)
def test_a_bad_target_gets_one_line(cli: CommandLine, target: str, words: str) -> None:
    outcome = cli("why", target)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.count("\n") == 1
    assert words in outcome.err


@pytest.mark.parametrize("target", ["x[1]", "fc1.bias[0]", "eps[0]", "z", "loss", "kl.grad"])
def test_every_kind_of_target_has_a_page(cli: CommandLine, target: str) -> None:
    outcome = cli("why", target)
    assert (outcome.code, outcome.err) == (0, "")
    assert "where it comes from" in outcome.out


def test_arithmetic_follows_the_kind_of_target(cli: CommandLine) -> None:
    assert "arithmetic: printed" in cli("why", "z[0]").out
    assert "arithmetic: full" in cli("why", "z.grad[0]").out
    assert "0.64829778" in cli("why", "z[0]").out
    assert "0.5470" in cli("why", "fc1.weight.grad[0,1]").out


# --- many ways ---------------------------------------------------------------------------


class Residual(nn.Module):
    """Blocks with a way around each: twice as many paths with every one."""

    def __init__(self, blocks: int) -> None:
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.blocks = nn.ModuleList(nn.Linear(4, 4) for _ in range(blocks))

    def forward(self, x: Tensor) -> Tensor:
        h = self.first(x)
        for block in self.blocks:
            h = h + torch.tanh(block(h))
        loss: Tensor = h.square().sum()
        return loss


def residual(blocks: int) -> tuple[list[Path], float, float]:
    """Return the paths of one weight, the amount of those not told apart, and its gradient."""
    torch.manual_seed(4)
    found = run(held(Residual(blocks), torch.tensor([[0.5, -0.25, 1.0]]), seed=0))
    target = Target(found.value("first.weight").id, (1, 2), gradient=True)
    paths, further = Paths(found, Steps(found)).of(target)
    return paths, further, float(found.trace.gradients[target.value_id][1, 2])


@pytest.mark.parametrize("blocks", [2, 4, 5, 7])
def test_the_largest_of_many_paths_are_told_apart(
    blocks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths, further, gradient = residual(blocks)
    assert sum(path.amount for path in paths) + further == pytest.approx(gradient, rel=1e-5)
    monkeypatch.setattr("vae_explain.engine.gradient_paths.MOST_AT_ONE", 10**6)
    monkeypatch.setattr("vae_explain.engine.gradient_paths.MOST_PATHS", 10**6)
    every, none, _ = residual(blocks)
    assert (len(every), none) == (2**blocks, 0.0)
    assert len(paths) == min(2**blocks, 16)
    amounts = {path.through: path.amount for path in every}
    assert all(amounts[path.through] == pytest.approx(path.amount) for path in paths)
    assert [path.through for path in paths[:4]] == [path.through for path in every[:4]]


def test_paths_beyond_counting_are_added_up() -> None:
    paths, further, gradient = residual(40)  # a million million of them
    assert len(paths) == 16
    assert sum(path.amount for path in paths) + further == pytest.approx(gradient, rel=1e-4)
