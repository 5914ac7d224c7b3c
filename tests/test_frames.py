"""What is seen of the user's frames while a model runs, and what of it is kept."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from types import CodeType, FunctionType

import pytest
import torch
from torch import Tensor, nn

from vae_explain import explain
from vae_explain.recording import frames, recorder
from vae_explain.recording.recorder import record

from .models import MODELS

X = torch.tensor([[1.0, -2.0, 0.5], [0.25, 3.0, -1.0]])


@pytest.mark.parametrize("style", MODELS)
def test_names_are_those_that_copies_of_all_variables_give(
    style: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = MODELS[style]

    def told() -> list[tuple[str | None, str]]:
        torch.manual_seed(0)
        trace = explain(own.build(), own.x(), seed=11, **own.keywords()).run.trace
        return [
            *[(value.name, value.kind) for value in trace.values],
            *[(op.name, op.module) for op in trace.operations],
        ]

    kept = told()
    monkeypatch.setattr(frames, "keeps_all", lambda code: False)
    assert told() == kept


LOST = {
    "argument": "def f(x): x = x + 1",
    "twice": "def f(x):\n  h = x\n  h = h + 1",
    "in_a_loop": "def f(x):\n  while x: h = next(x)",
    "over_a_loop": "def f(x):\n  for h in x: pass",
    "deleted": "def f(x):\n  h = x\n  del h",
    "exception": "def f(x):\n  try: h = x()\n  except ValueError as h: pass",
    "unpacked": "def f(x): a, (b, a) = x",
    "walrus": "def f(x): return (h := x) + (h := 2)",
    "shared": "def f(x):\n  h = x\n  def g():\n    nonlocal h\n    h = 1\n  g()",
    "generator": "def f(x):\n  h = x\n  yield h",
    "coroutine": "async def f(x):\n  h = x",
    "starred": "def f(*x, **y): y = 1",
}
KEPT = {
    "plain": "def f(x):\n  h = x + 1\n  return h * 2",
    "unpacked": "def f(x):\n  a, (b, *c) = x\n  return a + b",
    "branches": "def f(x):\n  if x: a = 1\n  else: b = 2\n  return x",
    "with": "def f(x):\n  with x as y: h = y\n  return h",
    "starred": "def f(*x, y=1, **z):\n  h = x\n  return h",
    "in_a_row": "def f(x):\n  a = x\n  b = a\n  c = b\n  return c",
}


def made(source: str) -> CodeType:
    names: dict[str, FunctionType] = {}
    exec(source, names)
    return names["f"].__code__


@pytest.mark.parametrize("source", LOST.values(), ids=LOST)
def test_a_variable_that_could_be_lost_is_seen(source: str) -> None:
    assert not frames.keeps_all(made(source))


@pytest.mark.parametrize("source", KEPT.values(), ids=KEPT)
def test_where_none_is_lost_nothing_is_copied(source: str) -> None:
    assert frames.keeps_all(made(source))


def test_a_model_within_a_generator_has_its_names() -> None:
    class Layered(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Linear(3, 3)
            self.second = nn.Linear(3, 3)

        def steps(self, x: Tensor) -> Iterator[Tensor]:
            below = self.first(x)
            yield below
            above = self.second(torch.tanh(below))
            yield above

        def forward(self, x: Tensor) -> Tensor:
            low, high = self.steps(x)
            return low * high

    model = Layered()
    trace = record(lambda: model(X).sum(), modules={"": model}, inputs={"x": X})
    made = [trace.values[out].name for op in trace.operations for out in op.outputs]
    assert [name for name in made if name] == ["below", "above", "loss"]


def test_an_exception_that_ends_iteration_is_the_users() -> None:
    def objective() -> Tensor:
        return torch.tensor(next(iter([])))

    with pytest.raises(StopIteration):
        record(objective, modules={}, inputs={"x": X})


def test_what_is_dropped_is_gone_at_once() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Tanh())

    def objective() -> Tensor:
        total: Tensor = model(X).sum()
        return total

    gc.collect()
    gc.disable()
    try:
        caught = weakref.ref(recorder.capture(objective, modules={"": model}, inputs={"x": X}))
        trace = weakref.ref(record(objective, modules={"": model}, inputs={"x": X}))
        assert caught() is None
        assert trace() is None
    finally:
        gc.enable()
