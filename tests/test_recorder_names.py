"""What the recorder calls the values of somebody's model: in the words of their own code."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from vae_explain import explain
from vae_explain.models.builtin_vae import VAE, vae_loss
from vae_explain.recording.recorder import record
from vae_explain.trace import Trace

X = torch.tensor([[1.0, -2.0, 0.5], [0.25, 3.0, -1.0]])


def run(model: nn.Module, loss: Callable[[Tensor], Tensor] = torch.sum) -> Trace:
    """Record a model of one input, seeded, with its loss."""
    torch.manual_seed(0)
    return record(lambda: loss(model(X)), modules={"": model}, inputs={"x": X})


def computed(trace: Trace) -> list[str | None]:
    """Return the names of what was computed, in order; None for what has none."""
    return [trace.values[out].name for op in trace.operations for out in op.outputs]


class Layers(nn.Module):
    """A model whose tests override `forward`."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 3)
        self.second = nn.Linear(3, 3)


def test_the_built_in_model_reads_as_its_code() -> None:
    torch.manual_seed(42)
    model, x = VAE(), torch.tensor([[1.0, 2.0, 3.0, 4.0]])

    def objective() -> Tensor:
        recon_x, mu, logvar = model(x)
        return vae_loss(recon_x, x, mu, logvar)

    trace = record(objective, modules={"": model}, inputs={"x": x})
    assert [name for name in computed(trace) if name] == [
        "encoder_pre", "encoder_hidden", "mu", "logvar", "variance", "std", "eps", "z",
        "decoder_pre", "decoder_hidden", "recon_x", "mse", "kl", "loss",
    ]  # fmt: skip
    assert trace.loss.name == "loss"
    assert {value.name for value in trace.values if value.kind == "parameter"} == {
        f"{layer}.{kind}"
        for layer in ("fc1", "fc_mu", "fc_logvar", "fc_dec1", "fc_dec2")
        for kind in ("weight", "bias")
    }
    assert [value.name for value in trace.values if value.kind == "input"] == ["x"]
    assert [value.name for value in trace.values if value.kind == "noise"] == ["eps"]


def test_a_variable_bound_again_numbers_what_it_held() -> None:
    class Model(Layers):
        def forward(self, x: Tensor) -> Any:
            h = self.first(x)
            h = F.relu(h)
            return self.second(h)

    assert computed(run(Model())) == ["h_1", "h_2", "second", "loss"]


def test_a_variable_bound_again_by_one_line_in_a_loop_numbers_every_turn() -> None:
    class Model(Layers):
        def forward(self, x: Tensor) -> Any:
            h = x
            for _ in range(3):
                h = torch.tanh(h)
            return h

    assert computed(run(Model())) == ["h_1", "h_2", "h_3", "loss"]


def test_a_variable_is_seen_that_is_last_bound_before_the_return() -> None:
    class Model(Layers):
        def forward(self, x: Tensor) -> Any:
            code = self.first(x) * 2
            return code

    assert computed(run(Model())) == ["first", "code", "loss"]


def test_the_first_variable_to_hold_a_value_names_it() -> None:
    class Model(Layers):
        def forward(self, x: Tensor) -> Any:
            first_name = x * 2
            doubled = first_name * 1.5
            second_name = first_name
            return second_name + doubled

    assert computed(run(Model()))[0] == "first_name"


def test_names_come_from_helper_functions_too() -> None:
    def helper(t: Tensor) -> Tensor:
        squared = t * t
        return squared + 1

    def outer(t: Tensor) -> Tensor:
        return helper(t * 3)

    # t is what the helper calls the value that nobody else named.
    assert computed(run(nn.Identity(), lambda y: outer(y).sum())) == ["t", "squared", None, "loss"]


def test_private_variables_give_no_names() -> None:
    class Model(Layers):
        def forward(self, x: Tensor) -> Any:
            _hidden = x * 2
            return _hidden + 1

    assert computed(run(Model())) == [None, None, "loss"]


def test_the_loss_is_called_as_its_variable_is() -> None:
    def loss(y: Tensor) -> Tensor:
        total = y.sum()
        return total

    assert computed(run(nn.Identity(), lambda y: loss(y * 2)))[-1] == "total"


def test_the_parts_of_a_sequential_are_called_by_their_path() -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))

        def forward(self, x: Tensor) -> Any:
            out = self.net(x)
            return out

    # The last is called as the variable that holds it, which comes first.
    assert computed(run(Model())) == ["net.0", "net.1", "out", "loss"]


def test_a_layer_used_twice_numbers_its_outputs() -> None:
    class Model(Layers):
        def forward(self, x: Tensor) -> Any:
            return self.first(self.first(x))

    assert computed(run(Model())) == ["first_1", "first_2", "loss"]


def test_a_module_gives_its_name_to_what_it_returns_and_to_nothing_else() -> None:
    class Block(Layers):
        def forward(self, x: Tensor) -> Any:
            return self.second(F.relu(self.first(x)))

    class Double(nn.Module):
        def forward(self, x: Tensor) -> Any:
            return (x + 1) * 2

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.decoder = Block()
            self.twice = Double()

        def forward(self, x: Tensor) -> Any:
            return self.twice(self.decoder(x))

    trace = run(Model())
    assert computed(trace) == ["decoder.first", None, "x_1", None, "twice", "loss"]
    assert [operation.module for operation in trace.operations] == [
        "decoder.first", "decoder", "decoder.second", "twice", "twice", "",
    ]  # fmt: skip


def test_names_of_modules_start_with_their_prefix() -> None:
    encoder, decoder = nn.Linear(3, 2), nn.Sequential(nn.Linear(2, 3))
    trace = record(
        lambda: decoder(encoder(X)).sum(),
        modules={"encoder": encoder, "decoder": decoder},
        inputs={"x": X},
    )
    assert computed(trace) == ["encoder", "decoder.0", "loss"]
    assert {value.name for value in trace.values if value.kind == "parameter"} == {
        "encoder.weight", "encoder.bias", "decoder.0.weight", "decoder.0.bias",
    }  # fmt: skip


def test_modules_that_share_a_layer_share_its_values() -> None:
    shared = nn.Linear(3, 3)
    one, other = nn.Sequential(shared), nn.Sequential(shared)
    trace = record(
        lambda: other(one(X)).sum(), modules={"one": one, "other": other}, inputs={"x": X}
    )
    assert [value.name for value in trace.values if value.kind == "parameter"] == [
        "one.0.weight", "one.0.bias",
    ]  # fmt: skip


def test_an_input_given_twice_keeps_its_first_name() -> None:
    trace = record(lambda: F.mse_loss(X * 2, X), modules={}, inputs={"x": X, "target": X})
    assert [value.name for value in trace.values if value.kind == "input"] == ["x"]


def test_a_variable_that_holds_a_parameter_does_not_rename_it() -> None:
    class Model(Layers):
        def forward(self, x: Tensor) -> Any:
            kernel = self.first.weight
            return x @ kernel

    trace = run(Model())
    assert "kernel" not in trace.by_name
    assert trace.by_name["first.weight"].kind == "parameter"


def test_a_name_that_is_taken_by_an_input_gets_a_number() -> None:
    class Model(Layers):
        def forward(self, x: Tensor) -> Any:
            x = self.first(x)
            return x

    assert computed(run(Model())) == ["x_1", "loss"]


@pytest.mark.parametrize("seed", range(3))
def test_every_name_is_given_once(seed: int) -> None:
    torch.manual_seed(seed)
    block = nn.Sequential(nn.Linear(3, 3), nn.Tanh())
    trace = run(nn.Sequential(block, block, nn.Sequential(block)))
    names = [value.name for value in trace.values if value.name is not None]
    assert len(set(names)) == len(names)
    assert len(trace.by_name) == len(names)


def test_what_a_norm_speaks_of_has_a_name_that_can_be_read() -> None:
    class Normed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = spectral_norm(nn.Linear(3, 6))
            self.turn = nn.Parameter(torch.randn(6, 3))

        def forward(self, x: Tensor) -> Tensor:
            total: Tensor = F.layer_norm(self.fc(x) @ self.turn, (3,)).square().sum()
            return total

    torch.manual_seed(0)
    explanation = explain(Normed(), X)
    text = explanation.forward().text(100)
    # The two vectors of the power iteration, and what the layer norm is of.
    names = explanation.run.trace.by_name
    assert {"mv_1", "mv_2", "vdot", "matmul"} <= names.keys()
    assert "norm(mv_1) = sqrt(" in text
    assert "mean(matmul, dim=1)" in text
    assert not re.search(r"input_[0-9a-f]{4}", text)
    assert not explanation.forward().checks.failed


def test_a_constant_without_a_variable_is_called_by_what_it_was_given_for() -> None:
    class Seen(Layers):
        def forward(self, x: Tensor) -> Tensor:
            return F.binary_cross_entropy_with_logits(
                self.first(x), torch.ones(2, 3), pos_weight=torch.tensor([2.0, 1.0, 0.5])
            )

    trace = run(Seen())
    np.testing.assert_array_equal(trace.by_name["pos_weight"].array, [2.0, 1.0, 0.5])
    assert trace.by_name["pos_weight"].kind == "constant"
