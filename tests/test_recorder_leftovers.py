"""What the recorder puts off, and that neither the run nor what comes after it can change it."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_explain import explain
from vae_explain.models.builtin_vae import VAE, vae_loss
from vae_explain.recording.recorder import capture, record

from .pages import CommandLine

X = torch.tensor([[1.0, 2.0, 3.0, 4.0]])


def objective_of(model: nn.Module) -> Callable[[], Tensor]:
    def objective() -> Tensor:
        recon_x, mu, logvar = model(X)
        return vae_loss(recon_x, X, mu, logvar)

    return objective


# --- putting off ------------------------------------------------------------------------


def test_a_recording_has_every_gradient_before_it_is_accounted_for() -> None:
    torch.manual_seed(0)
    model = VAE()
    recording = capture(objective_of(model), modules={"": model}, inputs={"x": X})
    early = dict(recording.gradients)
    trace = recording.trace(lasting=True)
    assert early.keys() == trace.gradients.keys()
    for number, gradient in early.items():
        np.testing.assert_array_equal(gradient, trace.gradients[number])
    assert recording.trace(lasting=True) is trace


def test_a_list_that_the_caller_goes_on_with_is_recorded_as_it_was() -> None:
    def objective() -> Tensor:
        parts = [X * 2, X * 3]
        joined = torch.cat(parts)
        stacked = torch.stack(tensors=parts)
        parts.clear()
        return (joined * stacked.reshape(2, 4)).sum()

    trace = record(objective, modules={}, inputs={"x": X})
    cat, stack = (
        next(op for op in trace.operations if op.name == name) for name in ("cat", "stack")
    )
    assert cat.inputs == stack.inputs
    assert len(cat.inputs) == 2


def test_a_variable_that_is_bound_again_names_each_of_its_values() -> None:
    x = X.clone().requires_grad_()

    def objective() -> Tensor:
        h = x * 2
        h = h + 1
        h.relu_()
        h = h * h
        return h.sum()

    trace = record(objective, modules={}, inputs={"x": x})
    made = [trace.values[op.outputs[0]].name for op in trace.operations]
    assert made == ["h_1", "h_2", "h_3", "h_4", "loss"]


# --- leaving nothing --------------------------------------------------------------------


class Witness:
    """Something in the user's function, to see whether anybody holds on to it."""


@pytest.mark.parametrize("accounted", [False, True], ids=["caught", "accounted for"])
def test_no_frame_and_no_array_outlives_the_record(accounted: bool) -> None:
    model = VAE()
    seen: list[weakref.ref[object]] = []

    def objective() -> Tensor:
        witness = Witness()
        loss = objective_of(model)()
        seen.extend([weakref.ref(witness), weakref.ref(loss)])
        return loss

    gc.collect()
    gc.disable()
    try:
        recording = capture(objective, modules={"": model}, inputs={"x": X})
        if accounted:
            trace = recording.trace(lasting=False)
            assert trace.terms
            assert seen[0]() is None  # the account needs no variable of the user's
            del trace
        del recording
        assert [reference() for reference in seen] == [None, None]
        assert gc.collect() == 0
    finally:
        gc.enable()


# --- what autograd does not see ---------------------------------------------------------


class Clipped(nn.Module):
    """Writes to its own weight before it uses it, in one of the ways that people do."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 2)
        self.how = how

    def forward(self, x: Tensor) -> Tensor:
        weight = self.fc.weight
        if self.how == "data":
            weight.data.mul_(0.5)
        elif self.how == "new data":
            weight.data = weight.data * 0.5
        else:
            with torch.no_grad():
                weight.mul_(0.5)
        h: Tensor = self.fc(x)
        return h.pow(2).sum()


@pytest.mark.parametrize("how", ["data", "new data", "no gradients"])
def test_a_parameter_written_to_before_its_use_is_what_it_has_become(how: str) -> None:
    torch.manual_seed(0)
    model = Clipped(how)
    before = model.fc.weight.detach().clone()
    trace = record(lambda: model(X), modules={"": model}, inputs={"x": X})
    weight = trace.by_name["fc.weight"]
    np.testing.assert_array_equal(weight.array, (before * 0.5).numpy())
    linear = next(op for op in trace.operations if op.name == "linear")
    assert weight.id in linear.inputs
    h = trace.by_name["h"].array
    np.testing.assert_allclose(trace.gradients[weight.id], 2 * h.T @ X.numpy(), rtol=1e-6)


def test_a_parameter_written_to_after_its_use_is_what_it_was_then() -> None:
    torch.manual_seed(0)
    model = nn.Linear(4, 2)
    before = model.weight.detach().clone()

    def objective() -> Tensor:
        h = model(X)
        model.weight.data.mul_(0.5)
        return F.mse_loss(h, X[:, :2])

    trace = record(objective, modules={"": model}, inputs={"x": X})
    np.testing.assert_array_equal(trace.by_name["weight"].array, before.numpy())


class Averaging(nn.Module):
    """Keeps a running average as vector-quantised VAEs do, and computes with it."""

    size: Tensor
    seen: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 3)
        self.register_buffer("size", torch.ones(3))
        self.register_buffer("seen", torch.zeros(3))

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = self.fc(x)
        self.size.data.mul_(0.9).add_(h.detach().sum(0), alpha=0.1)
        self.seen.data[:1].add_(2.0)
        scale = self.size.sum()
        shifted = h + self.seen
        return (shifted * scale).sum()


def test_a_buffer_that_is_written_to_by_its_data_is_what_was_made_of_it() -> None:
    torch.manual_seed(0)
    model = Averaging()
    with torch.no_grad():
        h = model.fc(X)
        size = torch.ones(3).mul_(0.9).add_(h.sum(0), alpha=0.1)
    trace = record(lambda: model(X), modules={"": model}, inputs={"x": X})
    np.testing.assert_array_equal(trace.by_name["size"].array, np.ones(3))
    (averaged,) = trace.operations[trace.producer[trace.by_name["scale"].id]].inputs
    np.testing.assert_array_equal(trace.values[averaged].array, size.numpy())
    assert trace.operations[trace.producer[averaged]].kwargs == {"alpha": 0.1}
    # A part of the other is written to, and it is what it was with that put in its place.
    seen = trace.operations[trace.producer[trace.by_name["shifted"].id]].inputs[1]
    assert trace.operations[trace.producer[seen]].name == "setitem"
    np.testing.assert_array_equal(trace.values[seen].array, [2.0, 0.0, 0.0])
    assert model.size.tolist() == [1.0, 1.0, 1.0]


# --- too few digits ---------------------------------------------------------------------

MIXED = """
import torch
from torch import nn
class Mixed(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 2)
    def forward(self, x):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            mu = self.fc(x)
        return mu.float().pow(2).sum()
"""


@pytest.mark.parametrize("command", ["forward", "backward", "check", "audit"])
def test_a_run_in_bfloat16_gets_one_line(cli: CommandLine, tmp_path: Path, command: str) -> None:
    file = tmp_path / "mixed.py"
    file.write_text(MIXED)
    result = cli(command, "--model", f"{file}:Mixed", "--x", "1,2,3,4")
    assert result.code == 2
    assert result.out == ""
    assert f"--model {file}:Mixed: mu is in bfloat16" in result.err
    assert result.err.count("\n") == 1


# --- what the mode does not see ---------------------------------------------------------


def test_what_comes_out_of_a_vmap_is_made_of_what_autograd_says() -> None:
    layer = nn.Linear(4, 3)

    def objective() -> Tensor:
        h = torch.vmap(lambda row: torch.tanh(layer(row)))(X)
        return h.square().sum()

    trace = record(objective, modules={"": layer}, inputs={"x": X})
    h = trace.by_name["h"]
    made = trace.operations[trace.producer[h.id]]
    assert made.name == "TanhBackward0"
    assert [trace.values[number].name for number in made.inputs] == ["weight", "bias"]
    np.testing.assert_allclose(h.array, torch.tanh(layer(X)).detach().numpy(), rtol=1e-6)


def test_a_gradient_that_the_model_takes_depends_on_its_parameters() -> None:
    layer = nn.Linear(4, 1)
    x = X.clone().requires_grad_()

    def objective() -> Tensor:
        y = torch.tanh(layer(x)).sum()
        (slope,) = torch.autograd.grad(y, x, create_graph=True)
        return y + slope.square().sum()

    trace = record(objective, modules={"": layer}, inputs={"x": x})
    slope = trace.by_name["slope"]
    made = trace.operations[trace.producer[slope.id]]
    assert made.name == "autograd.grad"
    assert trace.by_name["weight"].id in made.inputs


def test_a_call_that_raises_where_the_model_expects_it_is_no_operation() -> None:
    layer = nn.Linear(4, 3)

    def objective() -> Tensor:
        try:
            h = layer(X[:, :3])
        except RuntimeError:
            h = layer(X)
        total: Tensor = h.square().sum()
        return total

    trace = record(objective, modules={"": layer}, inputs={"x": X})
    np.testing.assert_array_equal(trace.by_name["h"].array, layer(X).detach().numpy())
    assert [op.name for op in trace.operations] == ["getitem", "linear", "square", "sum"]


def test_names_go_on_after_a_call_that_raised_further_in() -> None:
    layer = nn.Linear(4, 3)

    def attempt(part: Tensor) -> Tensor:
        doubled = part * 2
        out: Tensor = layer(doubled)
        return out

    def objective() -> Tensor:
        narrow = X[:, :3]
        try:
            h = attempt(narrow)
        except RuntimeError:
            h = attempt(X)
        h = h.square()
        total: Tensor = h.sum()
        return total

    trace = record(objective, modules={"": layer}, inputs={"x": X})
    assert {"narrow", "doubled_1", "doubled_2", "out", "h", "total"} <= trace.by_name.keys()


def test_a_buffer_that_is_replaced_in_the_run_keeps_its_name() -> None:
    class Averaged(nn.Module):
        average: Tensor

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("average", torch.ones(4))
            self.weight = nn.Parameter(torch.ones(4))

        def forward(self, x: Tensor) -> Tensor:
            self.average = 0.9 * self.average + 0.1 * x.mean(0)
            return (x * self.weight - self.average).square().sum()

    model = Averaged()
    before = model.average
    trace = record(lambda: model(X), modules={"": model}, inputs={"x": X})
    assert trace.by_name["average"].kind == "buffer"
    np.testing.assert_array_equal(trace.by_name["average"].array, before.numpy())


def test_a_run_without_modules_or_with_gradients_from_outside() -> None:
    outside = torch.full((4,), 2.0, requires_grad=True)
    scale = torch.full((4,), 3.0, requires_grad=True)
    trace = record(lambda: (scale * outside * X).sum(), modules={}, inputs={"scale": scale})
    assert trace.by_name["scale"].kind == "input"
    (constant,) = [
        value
        for value in trace.values
        if value.kind == "constant" and np.array_equal(value.array, [2, 2, 2, 2])
    ]
    np.testing.assert_allclose(trace.gradients[constant.id], 3 * X.numpy().sum(0))
    np.testing.assert_allclose(trace.gradients[trace.by_name["scale"].id], 2 * X.numpy().sum(0))


def test_a_tensor_that_a_call_returns_again_has_its_gradient_under_both_numbers() -> None:
    layer = nn.Linear(4, 3)

    def objective() -> Tensor:
        h = layer(X)
        spread, _ = torch.broadcast_tensors(h, torch.tensor(0.1))  # type: ignore[no-untyped-call]
        assert spread is h or spread._base is not None
        total: Tensor = spread.square().sum()
        return total

    trace = record(objective, modules={"": layer}, inputs={"x": X})
    linear, spreading = trace.operations[:2]
    assert [linear.name, spreading.name] == ["linear", "broadcast_tensors"]
    (made,), (returned, _) = linear.outputs, spreading.outputs
    assert made != returned
    np.testing.assert_array_equal(trace.gradients[made], trace.gradients[returned])


class UnitLength(nn.Module):
    """Divides its weight by a norm of it before it uses it."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        weight = self.fc.weight
        with torch.no_grad():
            weight.div_(weight.norm(dim=1, keepdim=True))
        total: Tensor = self.fc(x).square().sum()
        return total


def test_a_weight_that_is_divided_by_its_norm_is_what_it_has_become() -> None:
    torch.manual_seed(0)
    model = UnitLength()
    before = model.fc.weight.detach().numpy().copy()
    run = explain(model, X).run
    weight = run.value("fc.weight")
    np.testing.assert_allclose(np.linalg.norm(weight.array, axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(
        run.hand_gradients[weight.id], run.trace.gradients[weight.id], rtol=1e-5
    )
    (norm,) = [operation for operation in run.trace.operations if operation.name == "norm"]
    np.testing.assert_array_equal(run.trace.values[norm.inputs[0]].array, before)
    np.testing.assert_allclose(
        run.hand_values[norm.outputs[0]], np.linalg.norm(before, axis=1, keepdims=True), rtol=1e-6
    )


# --- writes that autograd does not see --------------------------------------------------


class Behind(nn.Module):
    """Writes to what it has computed in one of the ways that autograd takes no notice of."""

    def __init__(self, how: str, twice: bool) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 3)
        self.how = how
        self.twice = twice

    def forward(self, x: Tensor) -> Tensor:
        h = self.fc(x) * 1.0
        early = torch.tanh(h).sum() if self.twice else 0.0
        if self.how == "detach":
            h.detach().clamp_(max=1.0)
        elif self.how == "part of data":
            h.data[:, 0] = 2.0
        elif self.how == "new data":
            h.data = torch.full((1, 3), 0.25)
        else:
            with torch.no_grad():
                h.mul_(3.0)
        total: Tensor = (h * self.fc.bias).square().sum() + early
        return total


@pytest.mark.parametrize("twice", [False, True], ids=["used after", "used before and after"])
@pytest.mark.parametrize("how", ["detach", "part of data", "new data", "no grad"])
def test_a_value_that_is_written_to_behind_autograds_back_is_not_explained(
    how: str, twice: bool
) -> None:
    torch.manual_seed(0)
    model = Behind(how, twice)
    run = explain(model, X).run
    (name,) = run.graph.not_explained
    assert name.endswith(" unseen by autograd")
    h_1, h_2 = run.array("h_1"), run.array("h_2")
    before = (model.fc(X) * 1.0).detach()
    np.testing.assert_array_equal(h_1, before.numpy())
    after = {
        "detach": before.clamp(max=1.0),
        "part of data": torch.cat([torch.full((1, 1), 2.0), before[:, 1:]], dim=1),
        "new data": torch.full((1, 3), 0.25),
        "no grad": before * 3,
    }
    np.testing.assert_array_equal(h_2, after[how].numpy())
    for number, gradient in run.hand_gradients.items():
        np.testing.assert_allclose(gradient, run.trace.gradients[number], rtol=1e-5)
    explanation = explain(model, X)
    for page in (explanation.forward(), explanation.backward()):
        assert page.checks.lines
        assert page.checks.failed == 0
    merged = "has one gradient for both" in " ".join(explanation.backward().text(100).split())
    assert merged == twice
    check = explanation.check()
    assert check.passed
    assert "writes to a value where autograd does not see it" in " ".join(check.text(100).split())
