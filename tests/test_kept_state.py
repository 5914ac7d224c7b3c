"""What a model keeps of a run is put back behind it, and stays where a loop trains it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from vae_explain import explain

from .pages import CommandLine

X = torch.tensor([[0.2, 0.9, 0.5], [0.7, 0.1, 0.4]])
ROWS = ("--x", ".2,.9,.5", "--x", ".7,.1,.4")
CALLS = 0


class Annealer:
    """Raises a weight at each step."""

    def __init__(self) -> None:
        self.steps, self.log = 0, {"weights": [0.0]}

    def weight(self) -> float:
        self.steps += 1
        self.log["weights"].append(0.25 * self.steps)
        return self.log["weights"][-1]


class Keeping(nn.Module):
    """A VAE that keeps things in every way that a later run can tell.

    `runs` and `beta` are numbers that were None; `terms` grows, `parts` gets keys, `mean` is
    written to and `spread` replaced, `spare` is taken away.
    """

    mean: Tensor
    spread: Tensor
    unset: Tensor | None

    def __init__(self) -> None:
        super().__init__()
        self.to_mu, self.to_logvar, self.decoder = (nn.Linear(3, 3) for _ in range(3))
        self.runs: int | None = None
        self.terms: list[Tensor] = []
        self.parts: dict[str, list[int]] = {"lengths": []}
        self.last: Tensor | None = None
        self.annealer = Annealer()
        self.spare: int | None = 3
        self.seen = torch.zeros(3)
        self.register_buffer("mean", torch.zeros(3))
        self.register_buffer("spread", torch.ones(3))
        self.register_buffer("unset", None)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        self.runs = (self.runs or 0) + 1
        mu, logvar = self.to_mu(x), self.to_logvar(x)
        self.last = mu.detach().mean() + (0.0 if self.last is None else self.last)
        self.seen += 1
        with torch.no_grad():
            self.mean.mul_(0.9).add_(0.1 * mu.mean(0))
        self.spread = 0.5 * self.spread
        self.unset = self.spread + (1 if self.unset is None else self.unset)
        if hasattr(self, "spare"):
            del self.spare
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        self.terms.append(-0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp()))
        self.parts["lengths"].append(len(self.terms))
        return self.decoder(z), mu, logvar

    def weight(self) -> Tensor:
        """Return a number that every kept thing goes into."""
        assert self.last is not None
        assert self.unset is not None
        numbers = [self.runs or 0, self.annealer.weight(), self.parts["lengths"][-1]]
        tensors = [self.last, self.seen.sum(), self.mean.sum(), self.spread.sum(), self.unset.sum()]
        return torch.stack(tensors).sum() + sum(numbers) + hasattr(self, "spare")


def loss(model: Any, x: Tensor) -> Any:
    global CALLS
    CALLS += 1
    recon, _, _ = model(x)
    error = ((recon - x) ** 2).sum()
    *earlier, last = model.terms
    return error + CALLS * model.weight() * (last + sum(float(term.detach()) for term in earlier))


class Criterion(nn.Module):
    """A loss that counts its own runs."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: int | None = None

    def forward(self, recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
        self.calls = (self.calls or 0) + 1
        kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        return ((recon - x) ** 2).sum() + self.calls * kl


criterion = Criterion()


def start_counting() -> None:
    global CALLS
    CALLS = 0


@pytest.fixture(autouse=True)
def _first_call() -> None:
    start_counting()


def state_of(model: Keeping) -> dict[str, Any]:
    kept = {name: value for name, value in vars(model).items() if not name.startswith("_")}
    kept |= {name: None if b is None else b.tolist() for name, b in model._buffers.items()}
    kept["annealer"] = {**vars(model.annealer)}
    kept["seen"] = model.seen.tolist()
    return kept | {"calls": CALLS, "criterion": criterion.calls}


def by_objective(model: Keeping) -> Any:
    return explain(model, X, objective=loss, seed=3)


def by_criterion(model: Keeping) -> Any:
    return explain(model, X, criterion, seed=3)


def printed(model: Keeping) -> Any:
    return explain(model, X, objective=loss, seed=3, arithmetic="printed")


@pytest.mark.parametrize("asked", [by_objective, by_criterion, printed])
def test_a_model_is_left_as_it_was(asked: Callable[[Keeping], Any]) -> None:
    torch.manual_seed(0)
    model = Keeping()
    before = repr(state_of(model))
    first = asked(model)
    assert repr(state_of(model)) == before
    again = asked(model)
    assert np.array_equal(first.run.trace.loss.array, again.run.trace.loss.array)
    assert repr(state_of(model)) == before


def test_the_run_that_is_shown_is_the_first_of_a_plain_loop() -> None:
    torch.manual_seed(0)
    model = Keeping()
    explanation = by_objective(model)
    torch.manual_seed(3)
    plain = loss(model, X)
    torch.autograd.backward(plain)
    assert float(explanation.run.trace.loss.array) == float(plain.detach())
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None
        assert np.array_equal(explanation.gradients[name], parameter.grad.numpy()), name


@pytest.mark.parametrize("how", ["--objective loss", "--loss criterion"])
@pytest.mark.parametrize(
    "command", ["check", "update", "sample", "train --steps 3", "document", "audit", "forward"]
)
def test_every_command_runs_such_a_model(cli: CommandLine, command: str, how: str) -> None:
    option, name = how.split()
    own = ("--model", f"{__name__}:Keeping", option, f"{__name__}:{name}", *ROWS)
    outcome = cli(*command.split(), *own)
    assert outcome.code == 0, outcome.err
    assert "internal error" not in outcome.err


def test_what_training_keeps_stays(cli: CommandLine) -> None:
    """The second step of a plain loop has what the first has kept."""
    own = ("--model", f"{__name__}:Keeping", "--objective", f"{__name__}:loss", *ROWS)
    outcome = cli("train", "--steps", "3", "--lr", "0.001", "--format", "json", *own)
    assert outcome.code == 0, outcome.err

    shown = [step["loss"] for step in json.loads(outcome.out)["steps"]]
    start_counting()
    torch.manual_seed(42)
    model = Keeping()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.001)
    plain = []
    for _ in range(3):
        optimizer.zero_grad()
        computed = loss(model, X)
        torch.autograd.backward(computed)
        optimizer.step()
        plain.append(float(computed.detach()))
    assert shown[:3] == plain


def with_negative_edges(model: Any, x: Tensor) -> Any:
    """Draw twice, in the model and in the loss, there by Python, NumPy and PyTorch."""
    z, _, _ = model(x)
    drawn = [random.randrange(2), int(np.random.randint(2)), int(torch.randint(2, (1,)))]
    edges = torch.tensor([*drawn, *reversed(drawn)]).view(2, 3)
    weights = torch.rand(3) + torch.tensor([random.random(), float(np.random.rand()), 0.0])
    return (weights * (z[edges[0]] * z[edges[1]]).sum(1)).sum()


@pytest.mark.parametrize("arithmetic", ["full", "printed"])
def test_a_second_draw_is_that_of_a_plain_run(arithmetic: Any) -> None:
    torch.manual_seed(0)
    model = Keeping()
    explanation = explain(model, X, objective=with_negative_edges, seed=5, arithmetic=arithmetic)
    explanation.audit()
    assert explanation.check().passed
    random.seed(5)
    np.random.seed(5)
    torch.manual_seed(5)
    plain = with_negative_edges(model, X)
    torch.autograd.backward(plain)
    rounding = 1e-3 if arithmetic == "printed" else 0
    found = float(explanation.run.trace.loss.array)
    np.testing.assert_allclose(found, float(plain.detach()), rtol=rounding)
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            np.testing.assert_allclose(
                explanation.gradients[name], parameter.grad.numpy(), rtol=rounding, atol=rounding
            )


# --- settings that a model leaves changed -------------------------------------------------


class Passing(TorchFunctionMode):
    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **(kwargs or {}))


class PassingBelow(TorchDispatchMode):  # type: ignore[no-untyped-call]  # PyTorch has none
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **(kwargs or {}))


class Leaving(nn.Module):
    """Enters or switches something as it runs, and leaves it so."""

    def __init__(self, leave: str) -> None:
        super().__init__()
        self.layer, self.leave = nn.Linear(2, 2), leave
        if leave == "from the start":
            Passing().__enter__()  # type: ignore[no-untyped-call]  # PyTorch has none

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.layer(x)
        leave: dict[str, Callable[[], object]] = {
            "a mode": Passing().__enter__,
            "a mode below": PassingBelow().__enter__,  # type: ignore[no-untyped-call]
            "a device": partial(torch.set_default_device, "meta"),
            "a type": partial(torch.set_default_dtype, torch.float64),
            "no gradients": partial(torch.set_grad_enabled, False),
            "fewer digits": torch.autocast("cpu", dtype=torch.bfloat16).__enter__,
        }
        loss = (made + torch.randn(2) - x).square().sum()
        if self.leave in leave:
            leave[self.leave]()
        return loss


@pytest.mark.parametrize(
    "leave",
    [
        "from the start",
        "a mode",
        "a mode below",
        "a device",
        "a type",
        "no gradients",
        "fewer digits",
    ],
)
def test_what_a_model_leaves_switched_does_not_reach_the_next_run(
    cli: CommandLine, leave: str
) -> None:
    def asked(command: str, leave: str) -> tuple[int, str]:
        own = ["--model", f"{__name__}:Leaving", "--model-arg", f"leave={leave}"]
        outcome = cli(command, *own, "--x", "1,2", "--x", "3,4")
        return outcome.code, outcome.out.replace(leave, "")

    plain = asked("forward", "nothing")
    assert plain[0] == 0
    for command in ("forward", "check", "train"):
        assert asked(command, leave)[0] == 0
        assert asked("forward", "nothing") == plain
    assert asked("forward", leave) == plain
