"""The gradients that the recorder takes, for the loss and for each of its terms."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_explain.models.builtin_vae import VAE, vae_loss
from vae_explain.recording.recorder import record
from vae_explain.trace import Array, Trace

X = torch.tensor([[1.0, 2.0, 3.0, 4.0], [-0.5, 0.25, 1.5, -2.0]])


def run(loss: Callable[[Tensor, Tensor, Tensor], Tensor], model: VAE | None = None) -> Trace:
    """Record the built-in model with a loss of reconstruction, mean and log-variance."""
    torch.manual_seed(42)
    model = VAE() if model is None else model
    return record(lambda: loss(*model(X)), modules={"": model}, inputs={"x": X})


def textbook(recon_x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return vae_loss(recon_x, X, mu, logvar)


def named(trace: Trace) -> dict[str, Array]:
    return {
        value.name: trace.gradients[value.id]
        for value in trace.values
        if value.name and value.id in trace.gradients
    }


def by_retained_grad(model: VAE) -> dict[str, Array]:
    """Run the built-in model by hand and let plain PyTorch fill in every `.grad`."""
    values: dict[str, Tensor] = {}
    torch.manual_seed(42)
    VAE()  # the draws that `run` makes before its noise
    values["encoder_pre"] = model.encoder[0](X)
    values["encoder_hidden"] = torch.relu(values["encoder_pre"])
    values["mu"] = model.fc_mu(values["encoder_hidden"])
    values["logvar"] = model.fc_logvar(values["encoder_hidden"])
    values["std"] = torch.exp(0.5 * values["logvar"])
    values["z"] = values["mu"] + values["std"] * torch.randn(2, 2)
    values["decoder_pre"] = model.decoder[0](values["z"])
    values["decoder_hidden"] = torch.relu(values["decoder_pre"])
    values["recon_x"] = model.decoder[1](values["decoder_hidden"])
    mu, logvar = values["mu"], values["logvar"]
    values["mse"] = ((values["recon_x"] - X) ** 2).sum()
    values["kl"] = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
    values["loss"] = values["mse"] + values["kl"]
    for value in values.values():
        value.retain_grad()
    torch.autograd.backward(values["loss"])
    tensors = {**values, **dict(model.named_parameters())}
    return {name: t.grad.numpy() for name, t in tensors.items() if t.grad is not None}


def same(found: dict[str, Array], expected: dict[str, Array]) -> None:
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        np.testing.assert_allclose(found[name], gradient, rtol=1e-5, atol=1e-6, err_msg=name)


def test_gradients_are_those_that_plain_pytorch_retains() -> None:
    torch.manual_seed(7)
    model = VAE()
    torch.manual_seed(42)
    VAE()
    trace = record(lambda: textbook(*model(X)), modules={"": model}, inputs={"x": X})
    # Nothing reaches the loss through `variance`, which is made for the reader alone.
    same(named(trace), by_retained_grad(model))


def test_a_value_used_twice_has_the_whole_gradient() -> None:
    x = torch.tensor([2.0, 3.0], requires_grad=True)

    def objective() -> Tensor:
        h = x * 3
        return (h * h + h).sum()

    trace = record(objective, modules={}, inputs={"x": x})
    np.testing.assert_allclose(named(trace)["h"], [13.0, 19.0])
    np.testing.assert_allclose(named(trace)["x"], [39.0, 57.0])


def test_both_versions_of_a_value_changed_in_place_have_their_gradients() -> None:
    x = torch.tensor([2.0, -3.0], requires_grad=True)

    def objective() -> Tensor:
        h = x * 3
        h.relu_()
        return (h * 5).sum()

    trace = record(objective, modules={}, inputs={"x": x})
    before, after = (trace.by_name[name].id for name in ("h_1", "h_2"))
    np.testing.assert_array_equal(trace.values[before].array, [6.0, -9.0])
    np.testing.assert_array_equal(trace.values[after].array, [6.0, 0.0])
    np.testing.assert_array_equal(trace.gradients[before], [5.0, 0.0])
    np.testing.assert_array_equal(trace.gradients[after], [5.0, 5.0])
    np.testing.assert_array_equal(trace.gradients[0], [15.0, 0.0])


def test_frozen_parameters_and_plain_inputs_have_no_gradient() -> None:
    torch.manual_seed(42)
    model = VAE()
    model.encoder[0].requires_grad_(False)
    trace = run(textbook, model)
    gradients = named(trace)
    assert not {"x", "fc1.weight", "fc1.bias", "encoder_pre", "encoder_hidden", "eps"} & set(
        gradients
    )
    assert {"fc_mu.weight", "mu", "fc_dec2.bias"} <= set(gradients)


def test_a_loss_that_nothing_learns_from_has_values_and_no_gradients() -> None:
    model = VAE().requires_grad_(False)
    trace = run(textbook, model)
    assert not trace.gradients
    assert not trace.terms
    assert np.isfinite(trace.loss.array)


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_gradients_are_taken_whatever_is_switched_off_around_the_call(
    context: Callable[[], torch.no_grad],
) -> None:
    expected = named(run(textbook))
    torch.manual_seed(42)
    model = VAE()
    with context():
        trace = record(lambda: textbook(*model(X)), modules={"": model}, inputs={"x": X})
    same(named(trace), expected)


def test_what_the_model_itself_computes_without_gradients_has_none() -> None:
    def loss(recon_x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
        with torch.no_grad():
            scale = mu.abs().sum()
        mse = F.mse_loss(recon_x, X)
        return mse * scale

    gradients = named(run(loss))
    assert "mse" in gradients
    assert "scale" not in gradients


def test_half_precision_of_the_kind_that_numpy_lacks() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(4, 3).bfloat16()
    x = X.bfloat16()
    trace = record(lambda: layer(x).sum(), modules={"layer": layer}, inputs={"x": x})
    for value in trace.values:
        assert value.array.dtype == np.float32
    weight = trace.by_name["layer.weight"]
    np.testing.assert_array_equal(weight.array, layer.weight.detach().float().numpy())
    np.testing.assert_array_equal(
        trace.gradients[weight.id], np.tile(x.float().sum(0).numpy(), (3, 1))
    )


def test_a_model_inside_another_is_recorded_alike() -> None:
    class Wrapper(nn.Module):
        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, x: Tensor) -> tuple[Tensor, ...]:
            return tuple(self.inner(x))

    torch.manual_seed(42)
    inner = VAE()
    outer = Wrapper(Wrapper(inner))
    trace = record(lambda: textbook(*outer(X)), modules={"": outer}, inputs={"x": X})
    gradients = named(trace)
    expected = named(run(textbook))
    for name, gradient in expected.items():
        inside = f"inner.inner.{name}" if name.startswith("fc") else name
        np.testing.assert_array_equal(gradients[inside], gradient, err_msg=name)
    assert trace.operations[0].module == "inner.inner.fc1"
