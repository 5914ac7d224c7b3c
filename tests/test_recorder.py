"""What the recorder writes down of a run, and that it leaves the run as it found it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext
from types import FrameType
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode, _get_current_function_mode_stack

from vae_explain.engine.forward_pass import replay
from vae_explain.engine.graph import Graph
from vae_explain.models.builtin_vae import VAE, vae_loss
from vae_explain.ops import RULES
from vae_explain.recording.recorder import record
from vae_explain.trace import Slot, Trace

X = torch.tensor([[1.0, 2.0, 3.0, 4.0], [-0.5, 0.25, 1.5, -2.0]])


def record_of(function: Callable[[Tensor], Tensor]) -> Trace:
    """Record a function of one input that wants a gradient; its sum is the loss."""
    x = X.clone().requires_grad_()
    return record(lambda: function(x).sum(), modules={}, inputs={"x": x})


def objective_of(model: nn.Module) -> Callable[[], Tensor]:
    def objective() -> Tensor:
        recon_x, mu, logvar = model(X)
        return vae_loss(recon_x, X, mu, logvar)

    return objective


def replayed(trace: Trace) -> None:
    """Compute each operation again by its rule, from the recorded operands."""
    for operation in trace.operations:
        rule = RULES[operation.name]
        if rule.source:
            continue
        operands, attributes = rule.bind(*operation.args, **operation.kwargs)
        arrays = [trace.values[o.id].array if isinstance(o, Slot) else o for o in operands]
        (output,) = operation.outputs
        np.testing.assert_allclose(
            rule.forward(*arrays, **attributes), trace.values[output].array,
            rtol=1e-5, atol=1e-6, err_msg=operation.name,
        )  # fmt: skip


# --- values and operations --------------------------------------------------------------


def test_the_run_is_that_of_plain_pytorch() -> None:
    torch.manual_seed(42)
    model = VAE()
    state = torch.get_rng_state()
    trace = record(objective_of(model), modules={"": model}, inputs={"x": X})
    torch.set_rng_state(state)
    expected = objective_of(model)()
    assert float(trace.loss.array) == expected.item()
    torch.set_rng_state(state)
    np.testing.assert_array_equal(trace.by_name["eps"].array, torch.randn(2, 2).numpy())
    replayed(trace)


def test_values_are_numbered_and_operations_refer_to_them_in_order() -> None:
    trace = record_of(lambda x: torch.exp(x * 2) + x)
    assert [value.id for value in trace.values] == list(range(len(trace.values)))
    seen = {value.id for value in trace.values if value.kind != "intermediate"}
    for operation in trace.operations:
        assert set(operation.inputs) <= seen
        seen.update(operation.outputs)
    assert seen == set(range(len(trace.values)))
    assert trace.loss.id == trace.output == trace.operations[-1].outputs[0]
    assert [op.name for op in trace.operations] == ["mul", "exp", "add", "sum"]
    assert trace.producer[trace.operations[1].outputs[0]] == 1
    assert trace.consumers[0] == (0, 2)


def test_arrays_are_copies() -> None:
    weight = torch.ones(4)
    trace = record(lambda: (weight * X).sum(), modules={}, inputs={"w": weight})
    weight.zero_()
    np.testing.assert_array_equal(trace.by_name["w"].array, np.ones(4))


def test_constants_are_values_without_a_history() -> None:
    beta = torch.tensor(0.5)

    def function(x: Tensor) -> Tensor:
        ones = torch.ones_like(x)
        return (ones + x) * beta

    trace = record_of(function)
    assert {value.name: value.kind for value in trace.values if value.kind == "constant"} == {
        "ones": "constant",
        "beta": "constant",
    }
    assert [op.name for op in trace.operations] == ["add", "mul", "sum"]


def test_looking_at_a_tensor_is_no_operation() -> None:
    def function(x: Tensor) -> Tensor:
        assert (x.shape, x.dtype, x.dim(), len(x)) == ((2, 4), torch.float32, 2, 2)
        assert all(same is x for same in (x.contiguous(), x.float(), x.requires_grad_()))
        assert x.data.dim() == 2
        x.sum().item()
        return x * x.size(0)

    assert [op.name for op in record_of(function).operations] == ["sum", "mul", "sum"]


@pytest.mark.parametrize(
    ("function", "name", "args"),
    [
        pytest.param(lambda x: 1 - x, "sub", (1, Slot(0)), id="1 - x"),
        pytest.param(lambda x: 1 / x, "div", (1, Slot(0)), id="1 / x"),
        pytest.param(lambda x: 2**x, "pow", (2, Slot(0)), id="2 ** x"),
        pytest.param(lambda x: x - 1, "sub", (Slot(0), 1), id="x - 1"),
        pytest.param(lambda x: x**2, "pow", (Slot(0), 2), id="x ** 2"),
        pytest.param(lambda x: -x, "neg", (Slot(0),), id="-x"),
        pytest.param(lambda x: x @ x.T, "matmul", (Slot(0), Slot(1)), id="x @ x.T"),
    ],
)
def test_operators_are_the_operations_they_stand_for(
    function: Callable[[Tensor], Tensor], name: str, args: tuple[Any, ...]
) -> None:
    trace = record_of(function)
    operation = next(op for op in trace.operations if op.name == name)
    assert operation.args == args
    rule = RULES[name]
    operands, attributes = rule.bind(*operation.args, **operation.kwargs)
    arrays = [trace.values[o.id].array if isinstance(o, Slot) else o for o in operands]
    np.testing.assert_allclose(rule.forward(*arrays, **attributes), function(X).numpy(), rtol=1e-6)


@pytest.mark.parametrize("left", [1, 2.5])
@pytest.mark.parametrize("name", ["add", "mul"])
def test_sums_and_products_with_a_number_in_front(name: str, left: float) -> None:
    trace = record_of(lambda x: left + x if name == "add" else left * x)
    operation = trace.operations[0]
    assert operation.name == name
    assert set(operation.args) == {left, Slot(0)}


def test_lists_of_tensors_and_several_outputs_are_seen() -> None:
    def function(x: Tensor) -> Tensor:
        first, second = x.chunk(2, dim=-1)
        return torch.cat([second, first])

    chunk, cat, _ = record_of(function).operations
    assert (chunk.name, cat.name) == ("chunk", "cat")
    assert len(chunk.outputs) == 2
    assert cat.inputs == chunk.outputs[::-1]
    assert cat.args == (tuple(Slot(number) for number in cat.inputs),)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        pytest.param(lambda h: F.relu(h, inplace=True), "relu", id="F.relu"),
        pytest.param(lambda h: h.relu_(), "relu", id="relu_"),
        pytest.param(lambda h: h.mul_(3), "mul", id="mul_"),
        pytest.param(lambda h: h.__iadd__(1), "add", id="+="),
        pytest.param(lambda h: h.__setitem__((slice(None), 0), 5.0), "setitem", id="h[:, 0] ="),
    ],
)
def test_an_operation_in_place_keeps_the_value_before(
    change: Callable[[Tensor], Any], name: str
) -> None:
    def function(x: Tensor) -> Tensor:
        h = x * 2
        change(h)
        return h * h

    trace = record_of(function)
    double, changed, square, _ = trace.operations
    expected = X * 2
    np.testing.assert_array_equal(trace.values[double.outputs[0]].array, expected.numpy())
    change(expected)
    np.testing.assert_array_equal(trace.values[changed.outputs[0]].array, expected.numpy())
    assert (changed.name, changed.in_place, changed.inputs) == (name, True, double.outputs)
    assert square.inputs == changed.outputs * 2
    assert not double.in_place
    assert not square.in_place


def test_a_value_written_to_through_a_view_is_not_taken_for_what_it_was() -> None:
    def function(x: Tensor) -> Tensor:
        h = x * 2
        h.view(-1).add_(1)
        return h * 3

    trace = record_of(function)
    product = trace.operations[-2]
    held = trace.values[product.inputs[0]]
    np.testing.assert_array_equal(held.array, (X * 2 + 1).numpy())


# --- nothing left behind ----------------------------------------------------------------


class Bystander(TorchFunctionMode):
    """A mode of the user's own, to be found in place afterwards."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        return func(*args, **(kwargs or {}))


def profiler(frame: FrameType, event: str, argument: Any) -> None:
    """A profile function of the user's own."""


@pytest.mark.parametrize("failing", [False, True], ids=["well", "raising"])
def test_nothing_is_left_behind(failing: bool) -> None:
    class Failing(VAE):
        def decode(self, z: Tensor) -> Tensor:
            if failing:
                raise RuntimeError("in the model")
            return super().decode(z)

    torch.manual_seed(1)
    model = Failing()
    frozen = model.fc_mu.bias.requires_grad_(False)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    state, grad_enabled = torch.get_rng_state(), torch.is_grad_enabled()
    sys.setprofile(profiler)
    try:
        with Bystander() as mode:
            with pytest.raises(RuntimeError, match="in the model") if failing else nullcontext():
                record(objective_of(model), modules={"": model}, inputs={"x": X})
            stack = _get_current_function_mode_stack()  # type: ignore[no-untyped-call] # torch's
            assert stack == [mode]
        assert sys.getprofile() is profiler
    finally:
        sys.setprofile(None)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.is_grad_enabled() == grad_enabled
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not X.requires_grad
    assert X.grad is None
    assert [name for name, p in model.named_parameters() if not p.requires_grad] == ["fc_mu.bias"]
    assert not frozen.requires_grad
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, before[name])
        assert not parameter._backward_hooks
    for module in model.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
        assert "forward" not in vars(module)


def test_gradients_that_were_there_stay() -> None:
    torch.manual_seed(1)
    model = VAE()
    torch.autograd.backward(objective_of(model)())
    kept = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    record(objective_of(model), modules={"": model}, inputs={"x": X})
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None
        assert torch.equal(parameter.grad, kept[name])


# --- what is refused --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        (lambda: X * 2, r"must be one number, not \[2, 4\]"),
        (lambda: 3.0, "must be one number, not float"),
        (lambda: None, "must be one number, not NoneType"),
        (lambda: torch.tensor(1.0), "not computed from anything"),
    ],
)
def test_what_is_no_loss_is_refused(objective: Callable[[], Tensor], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        record(objective, modules={}, inputs={"x": X})


def test_numbers_of_numpys_are_taken_as_pythons() -> None:
    x = torch.rand(2, 2, 3)
    size: Any = np.prod(x.shape[1:])
    half: Any = np.int64(3)
    axis: Any = np.int64(1)
    scale: Any = np.float32(0.5)

    def loss() -> Tensor:
        flat = x.reshape(-1, size)
        low, high = flat[:, :half], flat[:, half:]
        total: Tensor = (torch.cat([low, high], axis) * scale).sum(axis).sum()
        return total

    graph = Graph(record(loss, modules={}, inputs={"x": x}))
    assert not graph.not_explained
    flat, low = (graph.trace.by_name[name] for name in ("flat", "low"))
    assert (flat.shape, low.shape) == ((2, 6), (2, 3))
    replayed = replay(graph, {graph.trace.by_name["x"].id: 2 * x.numpy().astype(float)})
    assert replayed[graph.trace.output] == pytest.approx(x.sum().item())
