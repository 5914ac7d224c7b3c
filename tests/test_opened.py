"""Calls that are many operations: recorded one by one, to the same bits, under readable names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_explain import explain
from vae_explain.pages.blocks import Formula
from vae_explain.recording.decompositions import decomposition_of
from vae_explain.recording.recorder import record
from vae_explain.symbolic.text import to_text

from .models import FOLDER
from .pages import CommandLine

X = torch.linspace(-1, 1, 24).reshape(2, 3, 4)
NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "LSTM": lambda: nn.LSTM(4, 3),
    "LSTM, two layers, both ways": lambda: nn.LSTM(4, 3, 2, bidirectional=True, batch_first=True),
    "GRU": lambda: nn.GRU(4, 3, batch_first=True),
    "GRU, both ways, no bias": lambda: nn.GRU(4, 3, bias=False, bidirectional=True),
    "RNN": lambda: nn.RNN(4, 3, num_layers=2),
    "RNN of ReLUs": lambda: nn.RNN(4, 3, nonlinearity="relu"),
    "attention": lambda: nn.MultiheadAttention(4, 2, batch_first=True),
    "attention with a bias for keys": lambda: nn.MultiheadAttention(4, 1, add_bias_kv=True),
}
CELLS: dict[str, Callable[[], nn.Module]] = {
    "LSTM": lambda: nn.LSTMCell(4, 3),
    "GRU": lambda: nn.GRUCell(4, 3),
    "RNN": lambda: nn.RNNCell(4, 3),
    "RNN of ReLUs": lambda: nn.RNNCell(4, 3, bias=False, nonlinearity="relu"),
}
every_network = pytest.mark.parametrize("name", NETWORKS)
every_cell = pytest.mark.parametrize("name", CELLS)


def built(make: Callable[[], nn.Module]) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        return make()


def called(module: nn.Module, x: Tensor) -> Any:
    return module(x, x, x) if isinstance(module, nn.MultiheadAttention) else module(x)


def tensors(result: Any) -> list[Tensor]:
    if isinstance(result, Tensor):
        return [result]
    return [tensor for part in result for tensor in tensors(part)]


def assert_by_hand(module: nn.Module, x: Tensor) -> None:
    def objective(model: nn.Module, x: Tensor) -> Tensor:
        parts = tensors(called(model, x))
        return sum((part * part).sum() for part in parts)  # type: ignore[return-value] # not empty

    explanation = explain(module, x, objective=objective)
    assert explanation.not_explained == ()
    run = explanation.run
    assert run.gradients.keys() == run.hand_gradients.keys()
    for number, gradient in run.gradients.items():
        name = str(run.trace.values[number].name)
        np.testing.assert_allclose(run.hand_gradients[number], gradient, 1e-4, 1e-6, err_msg=name)
    for page in (explanation.forward(), explanation.backward()):
        assert page.checks.lines
        assert not page.checks.failed


@every_network
def test_a_network_is_explained_step_by_step(name: str) -> None:
    assert_by_hand(built(NETWORKS[name]), X)


@every_cell
def test_a_cell_is_explained(name: str) -> None:
    assert_by_hand(built(CELLS[name]), X[:, 0])


@pytest.mark.parametrize("name", [*NETWORKS, *CELLS])
def test_what_is_recorded_is_what_is_returned_to_the_last_bit(name: str) -> None:
    for table, x in ((NETWORKS, X.double()), (CELLS, X[:, 0].double())):
        if name not in table:
            continue
        module = built(table[name]).double()
        seen: list[Any] = []

        def objective(module: nn.Module = module, x: Tensor = x, seen: list[Any] = seen) -> Tensor:
            seen.append(called(module, x))
            return tensors(seen[0])[0].sum()

        record(objective, modules={"": module}, inputs={"x": x})
        for mine, theirs in zip(tensors(seen[0]), tensors(called(module, x)), strict=True):
            assert torch.equal(mine, theirs)


@pytest.mark.parametrize("hard", [False, True])
def test_a_gumbel_softmax_draws_what_it_draws_unseen(hard: bool) -> None:
    class Categorical(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            return F.gumbel_softmax(self.fc(x), tau=0.5, hard=hard)

    model = built(Categorical)
    x = X[:, 0]
    explanation = explain(
        model, x, objective=lambda model, x: (model(x) * torch.arange(3.0)).sum(), seed=7
    )
    assert explanation.not_explained == ()
    torch.manual_seed(7)
    name = "ret" if hard else "y_soft"
    expected = model(x).detach().numpy()
    np.testing.assert_array_equal(explanation.values[name], expected)
    assert "eps is drawn from an exponential distribution, seed 7." in str(explanation.forward())


CATEGORICAL = str(FOLDER / "categorical.py")


@pytest.mark.parametrize("command", ["forward", "backward", "check", "audit"])
def test_a_categorical_vae_is_explained(cli: CommandLine, command: str) -> None:
    own = ("--model", f"{CATEGORICAL}:CategoricalVAE", "--loss", f"{CATEGORICAL}:elbo")
    outcome = cli(command, *own, "--x", "0.1,0.9,0.5,0.2,0.7,0.4")
    assert outcome.code == 0
    assert "not explained" not in outcome.out


@pytest.mark.filterwarnings("ignore:LSTM with projections")
def test_a_packed_batch_and_projected_states_stay_one_call() -> None:
    packed = nn.utils.rnn.pack_padded_sequence(X, torch.tensor([3, 2]), batch_first=True)
    for module, given in (
        (built(lambda: nn.LSTM(4, 3, batch_first=True)), packed),
        (built(lambda: nn.LSTM(4, 3, proj_size=2)), X),
    ):

        def objective(module: nn.Module = module, given: Any = given) -> Tensor:
            _, ends = module(given)
            return tensors(ends)[0].sum()

        trace = record(objective, modules={"": module}, inputs={"x": X})
        assert "lstm" in [operation.name for operation in trace.operations]


def test_a_call_that_is_one_operation_stays_so() -> None:
    assert decomposition_of("linear", ()) is None
    assert decomposition_of("scaled_dot_product_attention", ()) is None
    assert decomposition_of("scaled_dot_product_attention", (X, X, X)) is None
    # A query that may take no key, whose softmax is PyTorch's own.
    closed = torch.zeros(3, 3, dtype=torch.bool)
    assert decomposition_of("scaled_dot_product_attention", (X, X, X, closed, 0.5)) is None
    assert (
        decomposition_of("scaled_dot_product_attention", (X, X, X), {"dropout_p": 0.5}) is not None
    )


GATES = {
    "LSTM": {
        "cell_1": "forget_gate_1·cx[0] + input_gate_1·cell_gate_1",
        "hidden_1": "output_gate_1·tanh(cell_1)",
        "input_gate_1": "sigmoid(gates_1[:, 0:2])",
    },
    "GRU": {
        "hidden_1": "(hx[0] - new_gate_1)·update_gate_1 + new_gate_1",
        "reset_gate_1": "sigmoid((from_hidden_1 + from_input[0])[:, 0:2])",
    },
}


@pytest.mark.parametrize("kind", GATES)
def test_the_gates_of_a_recurrent_layer_have_the_names_of_its_documentation(kind: str) -> None:
    torch.manual_seed(3)
    layer = getattr(nn, kind)(2, 2)
    explanation = explain(layer, torch.rand(2, 1, 2), objective=lambda m, x: m(x)[0].sum())
    blocks = explanation.forward().walkthrough.blocks
    formulas = {b.left: to_text(b.expression) for b in blocks if isinstance(b, Formula)}
    assert {name: formulas[name] for name in GATES[kind]} == GATES[kind]


# --- attention with dropout -------------------------------------------------------------

SEEN = torch.tensor([[True, False, True], [True, True, True], [False, False, True]])
ATTENTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "which keys": {"attn_mask": SEEN},
    "added": {"attn_mask": torch.linspace(-1, 1, 9).reshape(3, 3)},
    "causal": {"is_causal": True},
    "scaled": {"scale": 0.25},
}


class Attending(nn.Module):
    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.settings = settings

    def forward(self, x: Tensor) -> Tensor:
        h = self.fc(x)
        a = F.scaled_dot_product_attention(h, h, 2 * h, dropout_p=0.5, **self.settings)
        return a.square().sum()


@pytest.mark.parametrize("name", ATTENTIONS)
def test_an_attention_with_dropout_is_told_down_to_its_mask(name: str) -> None:
    model = built(lambda: Attending(ATTENTIONS[name]))
    torch.manual_seed(3)
    expected = model(X)
    explanation = explain(model, X, seed=3)
    assert explanation.not_explained == ()
    run = explanation.run
    assert float(run.trace.loss.array) == expected.item()
    assert run.gradients.keys() == run.hand_gradients.keys()
    for number, gradient in run.gradients.items():
        np.testing.assert_allclose(run.hand_gradients[number], gradient, 1e-4, 1e-5)
    assert set(np.unique(run.array("dropout_mask"))) == {0.0, 2.0}
    assert "attention_weights" in run.trace.by_name
    for page in (explanation.forward(), explanation.backward()):
        assert not page.checks.failed
    assert explanation.check().passed


@pytest.mark.parametrize("need_weights", [True, False])
def test_so_is_that_of_several_heads(need_weights: bool) -> None:
    class Heads(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.heads = nn.MultiheadAttention(4, 2, dropout=0.5, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            found, _ = self.heads(x, x, x, need_weights=need_weights)
            total: Tensor = found.square().sum()
            return total

    model = built(Heads)
    torch.manual_seed(3)
    expected = model(X)
    explanation = explain(model, X, seed=3)
    assert explanation.not_explained == ()
    assert float(explanation.run.trace.loss.array) == expected.item()
    assert not explanation.backward().checks.failed
