"""The live page's evaluator against Python: every value and gradient of the same run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.live.node import answer, needs_node
from vae_explain import pipeline
from vae_explain.engine.formulas import gradient_name
from vae_explain.engine.index_ranges import IndexRanges, Source, contract
from vae_explain.engine.loops import Many
from vae_explain.engine.run import Run, by_hand
from vae_explain.models.builtin_config import Architecture
from vae_explain.models.request import Request
from vae_explain.ops.at_once import NotAtOnce
from vae_explain.trace import Array

ARCHITECTURES = (
    Architecture(),
    Architecture(activation="leaky_relu", beta=0.5),
    Architecture((4, 5, 2, 6, 4), activation="softplus", recon="bce"),
    Architecture((6, 7, 3, 7, 6), activation="gelu", reduction="mean", beta=0.0),
    Architecture((4, 6, 2, 6, 4), activation="elu", recon="bce", beta=2.0),
    Architecture((5, 8, 4, 2, 4, 8, 5), activation="silu"),
)


def run_of(architecture: Architecture, rows: int = 1) -> Run:
    x = np.random.default_rng(rows).uniform(0, 1, (rows, architecture.input_size))
    typed = tuple(tuple(map(float, row)) for row in x.round(3))
    return pipeline.run(Request(source=architecture, x=typed))


def settings(run: Run, count: int) -> list[dict[int, Array]]:
    """Return other numbers for what is given: with small ones, and exact zeros among them."""
    random = np.random.default_rng(7)
    given = [value for value in run.trace.values if value.kind in ("input", "parameter", "noise")]
    changed = []
    for _ in range(count):
        arrays = {}
        for value in given:
            numbers = random.normal(0, 0.7, value.shape).round(4)
            if value.kind == "input":
                numbers = random.uniform(0, 1, value.shape).round(3)
            arrays[value.id] = numbers
        changed.append(arrays)
    return changed


def expected(run: Run, arrays: dict[int, Array]) -> dict[str, Array]:
    other = by_hand(run, arrays)
    named = {value.name: other.values[value.id] for value in run.trace.values if value.name}
    for term in (None, *(term.name for term in run.trace.terms)):
        for value_id, gradient in other.gradients_of(term).items():
            if run.trace.values[value_id].name:
                named[gradient_name(run, value_id, term)] = gradient
    return named


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize(
    "architecture", ARCHITECTURES, ids=lambda each: f"{each.label} {each.activation}"
)
def test_one_formula_is_that_of_each_element(
    architecture: Architecture, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_of(architecture, rows)
    written = []
    at_once = IndexRanges._all_elements

    def noted(self: IndexRanges, source: Source, many: Many) -> Any:
        written.append(at_once(self, source, many))
        return written[-1]

    monkeypatch.setattr(IndexRanges, "_all_elements", noted)
    together = contract(run)
    assert len(written) > len(architecture.parameters), "most have one formula for all elements"

    def one_by_one(self: IndexRanges, source: Source, many: Many) -> Any:
        raise NotAtOnce

    monkeypatch.setattr(IndexRanges, "_all_elements", one_by_one)
    assert together == contract(run)


@needs_node
@pytest.mark.parametrize(
    "architecture", ARCHITECTURES, ids=lambda each: f"{each.label} {each.activation}"
)
@pytest.mark.parametrize("rows", [1, 3])
def test_every_number_is_python_s(architecture: Architecture, rows: int) -> None:
    run = run_of(architecture, rows)
    changes = settings(run, 5)
    names = {value.id: value.name for value in run.trace.values}
    question: list[dict[str, Any]] = [
        {
            "contract": contract(run),
            "settings": [
                {str(names[n]): numbers.ravel().tolist() for n, numbers in arrays.items()}
                for arrays in changes
            ],
        }
    ]
    (found,) = answer("evaluate.mjs", question)
    for arrays, numbers in zip(changes, found, strict=True):
        wanted = expected(run, arrays)
        assert set(wanted) <= set(numbers)
        for name, array in wanted.items():
            scale = float(np.abs(array).max(initial=0.0)) or 1.0
            np.testing.assert_allclose(
                np.array(numbers[name]),
                array.ravel(),
                rtol=1e-12,
                atol=1e-12 * scale,
                err_msg=f"{name} of {architecture.label} {architecture.activation}",
            )
