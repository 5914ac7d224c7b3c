"""`check` on a user's own model: its gradients against autograd and central differences."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_explain import explain, pipeline
from vae_explain.analysis import finite_differences, moved_loss
from vae_explain.analysis.gradient_check import (
    AUTOGRAD,
    CENTRAL,
    check_autograd,
    check_own,
)
from vae_explain.engine.run import Arithmetic
from vae_explain.models.request import Request, UserModel
from vae_explain.pages.walkthrough.checking import checking as page

from .models import MODELS
from .pages import CommandLine, text_of
from .requests import held, run_and_nudge
from .test_own_training import request_of

# Where a gradient is small or the loss bends much, what central differences in float64 are off
# by is no small part of the gradient's scale. How far that is they say themselves, as a bound of
# some 17 deviations of the loss; of a few hundred losses hardly one is off by more than 4.
PART_OF_BOUND = 0.25


@pytest.mark.parametrize("style", MODELS)
def test_every_style_passes(style: str) -> None:
    torch.manual_seed(5)
    generator, threads = torch.get_rng_state(), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        run, nudged = run_and_nudge(request_of(MODELS[style]))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    found = check_own(run, nudged)
    assert found.passed
    assert found.missing == ""
    assert not isinstance(nudged, str)
    for parameter in found.parameters:
        assert tuple(parameter.differences) == (AUTOGRAD, CENTRAL)
        central = parameter.differences[CENTRAL]
        assert central.conclusive, parameter.name
        bound = float(nudged[parameter.name].error.max())
        assert central.relative < 1e-7 or central.absolute < PART_OF_BOUND * bound, parameter.name
    assert torch.equal(generator, torch.get_rng_state())
    assert torch.get_default_dtype() == torch.float32


@pytest.mark.parametrize("style", ["tuple", "layer norm and dropout"])
def test_one_pass_for_many_numbers_is_as_one_for_each(
    style: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = request_of(MODELS[style])
    passes: list[int] = []
    one_pass = moved_loss.MovedLoss._in_one_pass

    def counted(*arguments: Any) -> list[float] | None:
        losses = one_pass(*arguments)
        passes.append(0 if losses is None else len(losses))
        return losses

    monkeypatch.setattr(moved_loss.MovedLoss, "_in_one_pass", counted)
    _, many = run_and_nudge(request)
    assert passes
    assert all(passes), "vmap moves every parameter of these models"
    monkeypatch.setattr(moved_loss, "MOST_AT_ONCE", 1)
    _, each = run_and_nudge(request)
    assert not isinstance(many, str)
    assert not isinstance(each, str)
    for name, one in each.items():
        assert np.array_equal(one.places, many[name].places)
        apart = np.abs(one.central - many[name].central)
        assert (apart <= one.error + many[name].error).all(), name


class Branching(nn.Module):
    """A model that goes by a number of its own, which vmap cannot."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([0.31, -1.07, 2.03]))

    def forward(self, x: Tensor) -> Tensor:
        return (x * self.weight).sum() if self.weight.sum().item() > 0 else x.sum()


def test_a_model_that_branches_runs_once_for_each() -> None:
    run, nudged = run_and_nudge(held(Branching(), torch.tensor([[1.13, 2.37, 3.71]]), seed=0))
    assert not isinstance(nudged, str)
    assert nudged["weight"].central == pytest.approx([1.13, 2.37, 3.71], rel=1e-6)
    assert check_own(run, nudged).passed


class OneInAList(nn.Module):
    """A model whose loss is a tensor of one number, as a mean that keeps its axis gives it."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([0.31, -1.07, 2.03]))

    def forward(self, x: Tensor) -> Tensor:
        return (x * self.weight).sum(1).mean(0, keepdim=True)


def test_a_loss_of_one_number_in_a_list_is_moved_as_any() -> None:
    # The weight that is moved first changes nothing, so that one pass for many is taken as it is.
    run, nudged = run_and_nudge(held(OneInAList(), torch.tensor([[0.0, 2.37, 3.71]]), seed=0))
    assert not isinstance(nudged, str)
    assert nudged["weight"].central == pytest.approx([0.0, 2.37, 3.71], rel=1e-6, abs=1e-7)
    assert check_own(run, nudged).passed


@pytest.mark.parametrize("style", ["tuple", "layer norm and dropout", "vector-quantised"])
def test_rounded_numbers_pass_too(style: str) -> None:
    request = replace(request_of(MODELS[style]), arithmetic="printed")
    assert check_own(*run_and_nudge(request)).passed


SOURCE = """
import torch
from torch import nn

class Other(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 3 * g * x

class Same(Other):
    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 2 * g * x

class Base(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)
        self.runs = 0

class OtherBackward(Base):
    def forward(self, x):
        return Other.apply(self.layer(x)).sum()

class SameBackward(Base):
    def forward(self, x):
        return Same.apply(self.layer(x)).sum()

class Through(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return torch.round(x)

    @staticmethod
    def backward(ctx, g):
        return g

class Straight(Base):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(2, 3)

    def forward(self, x):
        return (self.out(Through.apply(3 * self.layer(x))) - x).square().sum()

class Reversed(Straight):
    def forward(self, x):
        h = self.layer(x)
        h.register_hook(lambda g: -g)
        return (self.out(h) - x).square().sum()

class Unit(Straight):
    def forward(self, x):
        weight = self.layer.weight
        weight.data = weight.data / weight.data.norm(dim=1, keepdim=True)
        return (self.out(self.layer(x)) - x).square().sum()

class UnitInPlace(Straight):
    def forward(self, x):
        with torch.no_grad():
            self.layer.weight.div_(self.layer.weight.norm(dim=1, keepdim=True))
        return (self.out(self.layer(x)) - x).square().sum()

class Halved(Straight):
    def forward(self, x):
        self.layer.weight.data.mul_(0.5)
        return (self.out(self.layer(x)) - x).square().sum()

class Drawn(Straight):
    def forward(self, x):
        concentration = nn.functional.softplus(self.layer(x)) + 0.5
        z = torch.distributions.Gamma(concentration, 1 / concentration).rsample()
        return (self.out(z) - x).square().sum()

class TakenOutBehindHook(Base):
    def forward(self, x):
        scale = torch.ones(1, requires_grad=True)
        scale.register_hook(lambda g: -g)
        h = self.layer(x)
        return (h * h.sum().item() * scale).sum()

class TakenOut(Base):
    def forward(self, x):
        h = self.layer(x)
        return (h * h.sum().item()).sum()

class Warming(Base):
    def forward(self, x):
        self.runs += 1
        return self.runs * self.layer(x).square().sum()

class WarmingByItsClass(Base):
    runs = 0

    def __init__(self):
        super().__init__()
        del self.runs

    def forward(self, x):
        self.runs += 1
        return self.runs * self.layer(x).square().sum()

class Single(Base):
    def forward(self, x):
        return (self.layer(x).float() @ torch.ones(2, 1, dtype=torch.float32)).square().sum()

COUNT = []

class Counting(Base):
    def forward(self, x):
        COUNT.append(1)
        return len(COUNT) * self.layer(x).square().sum()

class BiasAheadOfNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 4)
        self.norm = nn.BatchNorm1d(4)

    def forward(self, x):
        return (self.norm(self.layer(x)) ** 3).sum() * 5

class Wide(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(40, 50)

    def forward(self, x):
        h = torch.relu(self.layer(x) + torch.randn(50))
        with torch.no_grad():
            scale = h.abs().max()
        return (h / scale).square().sum() + h.detach().sum() * h.mean()

class Picked(Wide):
    def forward(self, x):
        h = torch.sigmoid(self.layer(x))
        with torch.no_grad():
            weights = h[:, :25]
            others = 2 - h
        return (h[:, 25:] * weights).sum() + (h * others).sum()
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    (tmp_path / "own.py").write_text(SOURCE)
    return tmp_path / "own.py"


def request(own: Path, name: str, width: int = 3) -> Request:
    x = np.linspace(0.5, 1.5, width, dtype=np.float32)[None]
    return Request(x, 1, arithmetic="full", source=UserModel(f"{own}:{name}"))


@pytest.mark.parametrize(
    ("name", "wrong", "words"),
    [
        ("TakenOut", CENTRAL, "Autograd agrees with the rules, the differences do not"),
        ("TakenOutBehindHook", CENTRAL, "Autograd agrees with the rules, the differences do not"),
    ],
)
def test_a_gradient_that_is_not_the_losss_is_found(
    own: Path, name: str, wrong: str, words: str
) -> None:
    found = check_own(*run_and_nudge(request(own, name)))
    assert not found.passed
    for parameter in found.parameters:
        failed = [name for name, each in parameter.differences.items() if not each.passed]
        assert failed == [wrong]
    assert words in " ".join(text_of(page(found), 80).split())


@pytest.mark.parametrize("arithmetic", ["full", "printed"])
@pytest.mark.parametrize(
    ("name", "left_out", "words"),
    [
        ("OtherBackward", {"layer.weight", "layer.bias"}, "Other.apply has a backward pass of"),
        ("SameBackward", set(), ""),
        ("Straight", {"layer.weight", "layer.bias"}, "Through.apply has a backward pass of"),
        ("Drawn", {"layer.weight", "layer.bias"}, "that of implicit reparameterization"),
        ("Reversed", {"layer.weight", "layer.bias"}, "a hook changes the gradient"),
        ("Unit", {"layer.weight"}, "the model itself writes there"),
        ("UnitInPlace", {"layer.weight"}, "the model itself writes there"),
        ("Halved", {"layer.weight"}, "the model itself writes there"),
    ],
)
def test_where_a_gradient_is_another_than_the_losss_by_design_the_rest_is_compared(
    own: Path, name: str, left_out: set[str], words: str, arithmetic: Arithmetic
) -> None:
    found = check_own(*run_and_nudge(replace(request(own, name), arithmetic=arithmetic)))
    assert found.passed
    assert found.missing == ""
    assert {parameter.name for parameter in found.parameters if parameter.not_compared} == left_out
    for parameter in found.parameters:
        assert (CENTRAL in parameter.differences) == (parameter.name not in left_out)
        assert AUTOGRAD in parameter.differences
    text = " ".join(text_of(page(found), 80).split())
    assert words in text
    assert ("are not compared at layer.weight" in text) == bool(left_out)


@pytest.mark.parametrize("arithmetic", ["full", "printed"])
def test_a_bias_that_a_batch_norm_takes_out_again_has_the_rounding_of_what_cancels(
    own: Path, arithmetic: Arithmetic
) -> None:
    x = np.random.default_rng(4).normal(size=(5, 3)).astype(np.float32)
    asked = Request(x, 1, arithmetic=arithmetic, source=UserModel(f"{own}:BiasAheadOfNorm"))
    run, nudged = run_and_nudge(asked)
    assert np.abs(run.gradient("layer.bias")).max() < 1e-5 * run.gradient("layer.weight").max()
    found = check_own(run, nudged)
    assert found.passed
    # A gradient that is really off is still found.
    number = run.value("layer.bias").id
    off = {**run.trace.gradients, number: run.trace.gradients[number] + np.float32(0.1)}
    wrong = replace(run, trace=replace(run.trace, gradients=off))
    assert not check_own(wrong, nudged).passed


def test_what_a_gradient_takes_as_given_is_held_still(own: Path) -> None:
    run, nudged = run_and_nudge(request(own, "Wide", 40))
    found = check_own(run, nudged)
    assert found.passed
    assert not isinstance(nudged, str)
    assert 60 <= len(nudged["layer.weight"].places) <= 64
    assert len(nudged["layer.bias"].places) == 50
    text = " ".join(text_of(page(found), 100).split())
    assert "numbers: of a large parameter those with the largest gradients" in text
    assert "built-in only" in text


def test_an_operator_without_gradients_is_held_still_too(own: Path) -> None:
    found = check_own(*run_and_nudge(request(own, "Picked", 40)))
    assert (found.passed, found.missing) == (True, "")
    assert all(CENTRAL in parameter.differences for parameter in found.parameters)


@pytest.mark.parametrize("name", ["Warming", "WarmingByItsClass"])
@pytest.mark.parametrize("arithmetic", ["full", "printed"])
def test_a_count_of_runs_is_put_back(own: Path, name: str, arithmetic: Arithmetic) -> None:
    found = check_own(*run_and_nudge(replace(request(own, name), arithmetic=arithmetic)))
    assert (found.passed, found.missing) == (True, "")
    assert CENTRAL in found.parameters[0].differences


@pytest.mark.parametrize(
    ("name", "words"),
    [("Single", "does not run in float64"), ("Counting", "changes from run to run")],
)
def test_why_there_are_no_differences_is_said(own: Path, name: str, words: str) -> None:
    found = check_own(*run_and_nudge(request(own, name)))
    assert words in found.missing
    assert found.passed
    assert found.oracles == (AUTOGRAD,)
    assert words in " ".join(text_of(page(found), 80).split())


def test_on_the_command_line(cli: CommandLine, own: Path) -> None:
    options = (*MODELS["dict"].options(), "--x", ".2,.9,.5,.1,.7,.3")
    outcome = cli("check", *options)
    assert (outcome.code, outcome.err) == (0, "")
    assert "Two checks of the gradients" in outcome.out
    document = json.loads(cli("check", *options, "--format", "json").out)
    assert document["passed"]
    assert set(document["parameters"][0]) == {"name", AUTOGRAD, CENTRAL, "passed"}
    other = cli("check", "--model", f"{own}:OtherBackward", "--x", "1,2,3", "--format", "json")
    (weight, *_) = json.loads(other.out)["parameters"]
    assert other.code == 0
    assert set(weight) == {"name", AUTOGRAD, "passed", "not_compared"}
    wrong = cli("check", "--model", f"{own}:TakenOut", "--x", "1,2,3")
    assert wrong.code == 1
    assert "FAILED" in wrong.out


class WeightNormed(nn.Module):
    """Leaves a weight with a history behind, as the older `weight_norm` does."""

    def __init__(self) -> None:
        super().__init__()
        self.direction = nn.Parameter(torch.tensor([[0.5, -1.0, 0.25, 2.0]]))
        self.length = nn.Parameter(torch.tensor(1.5))

    def forward(self, x: Tensor) -> Tensor:
        self.weight = self.direction * self.length / self.direction.norm()
        return F.linear(x, self.weight).square().sum()


def test_a_model_that_keeps_a_tensor_with_a_history_is_checked() -> None:
    explanation = explain(WeightNormed(), torch.tensor([[1.0, 2.0, 3.0, 4.0]]))
    assert explanation.check().passed


# --- norms that leave next to nothing ---------------------------------------------------


class OverTwo(nn.Module):
    """A norm over two numbers gives 1 and -1, and passes the rest of a difference back."""

    def __init__(self, norm: nn.Module, rank: int) -> None:
        super().__init__()
        self.enc, self.norm, self.dec = nn.Linear(4, 6), norm, nn.Linear(6, 4)
        self.rank = rank

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        h = self.enc(x)
        h = self.norm(h.view(-1, 3, 2)).flatten(1) if self.rank == 3 else self.norm(h)
        recon = self.dec(torch.relu(h))
        return {"loss": ((recon - x) ** 2).sum()}


OVER_TWO: dict[str, Callable[[], nn.Module]] = {
    "layer": lambda: OverTwo(nn.LayerNorm(2), 3),
    "group": lambda: OverTwo(nn.GroupNorm(3, 6), 2),
    "batch": lambda: OverTwo(nn.BatchNorm1d(6), 2),
}
TWO_ROWS = torch.tensor([[0.2, 0.9, 0.5, 0.1], [0.3, 0.1, 0.4, 0.8]])


@pytest.mark.parametrize("arithmetic", ["printed", "full"])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", OVER_TWO)
def test_what_a_norm_over_two_numbers_leaves_is_no_mistake(
    kind: str, seed: int, arithmetic: Arithmetic
) -> None:
    torch.manual_seed(seed)
    explanation = explain(OVER_TWO[kind](), TWO_ROWS, seed=seed, arithmetic=arithmetic)
    assert explanation.check().passed


@pytest.mark.parametrize("kind", OVER_TWO)
def test_a_wrong_gradient_behind_such_a_norm_is_one_all_the_same(kind: str) -> None:
    torch.manual_seed(3)
    run = explain(OVER_TWO[kind](), TWO_ROWS, seed=3, arithmetic="printed").run
    assert check_autograd(run).passed
    number = run.value("enc.weight").id
    run.hand_gradients[number] = run.hand_gradients[number] * 1.001
    (failed,) = [each.name for each in check_autograd(run).parameters if not each.passed]
    assert failed == "enc.weight"


class NormedUp(nn.Module):
    """A bias ahead of a batch norm, which is added at 65,536 places and learns nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(2, 3, 3, stride=2, padding=1, output_padding=1)
        self.norm = nn.BatchNorm2d(3)
        self.out = nn.Conv2d(3, 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        made = self.out(torch.relu(self.norm(self.up(x.view(-1, 2, 16, 16)))))
        errors = (made.flatten(1) - 0.5).square().mean(1)
        loss: Tensor = (errors.softmax(0) * errors).sum()
        return loss


@pytest.mark.parametrize("seed", [0, 2, 3])  # each failed while one summand was the scale
def test_a_bias_ahead_of_a_norm_has_the_rounding_of_all_its_summands(seed: int) -> None:
    torch.manual_seed(seed)
    NormedUp()
    x = torch.rand(64, 512)
    torch.manual_seed(seed)
    run = pipeline.run(held(NormedUp(), x, seed=0))
    (bias,) = (each for each in check_autograd(run).parameters if each.name == "up.bias")
    assert bias.differences[AUTOGRAD].passed


def test_a_bias_that_is_off_by_one_summand_of_many_is_still_found() -> None:
    torch.manual_seed(0)
    run = pipeline.run(held(NormedUp(), torch.rand(64, 512), seed=0))
    number = run.value("up.bias").id
    one = np.abs(run.trace.gradients[run.value("up").id]).max()
    off = {**run.trace.gradients, number: run.trace.gradients[number] + np.array([0, one, 0])}
    run = replace(run, trace=replace(run.trace, gradients=off))
    (bias,) = (each for each in check_autograd(run).parameters if each.name == "up.bias")
    assert not bias.passed


# --- many units on the edge of a gate ---------------------------------------------------


class ManyGates(nn.Module):
    """One weight, of which a step of 1e-6 turns units on when up, and as many off when down."""

    def __init__(self) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(1))
        self.edges = torch.tensor([e for e in torch.linspace(-8e-7, 8e-7, 40) if abs(e) > 2e-7])

    def forward(self, x: Tensor) -> Tensor:
        edges = self.edges.to(x.dtype)
        signs = torch.where(edges > 0, 1.0, -1.0)
        loss: Tensor = x.sum() * (3 * self.shift + torch.relu(self.shift + edges) * signs).sum()
        return loss


def test_bends_that_cancel_are_no_mistake() -> None:
    run, nudged = run_and_nudge(held(ManyGates(), torch.ones(1, 1), seed=0))
    (shift,) = check_own(run, nudged).parameters
    assert shift.differences[CENTRAL].passed
    assert shift.differences[CENTRAL].conclusive
    run.hand_gradients[run.value("shift").id] *= 1.00001
    (shift,) = check_own(run, nudged).parameters
    assert not shift.differences[CENTRAL].passed


class TwoGates(nn.Module):
    """A weight with one gate a little above it and one as far below, of opposite signs."""

    def __init__(self, near: float, bend: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.near, self.bend = near, bend

    def forward(self, x: Tensor) -> Tensor:
        moved = self.weight - 1
        gates = torch.relu(moved - self.near) - torch.relu(-self.near - moved)
        loss: Tensor = (x * (self.weight + self.bend * gates)).sum()
        return loss


@pytest.mark.parametrize("bend", [4e-8, 1e-6, 1e-2, 1.0])
@pytest.mark.parametrize("near", [1e-9, 3e-9, 1e-8])
def test_bends_that_cancel_in_one_quotient_are_held_against_another(
    near: float, bend: float
) -> None:
    # A smaller step rounds too much to be better, but does not reach the gates.
    run, nudged = run_and_nudge(held(TwoGates(near, bend), torch.ones(1, 1), seed=0))
    (weight,) = check_own(run, nudged).parameters
    assert weight.differences[CENTRAL].passed
    assert weight.differences[CENTRAL].conclusive
    run.hand_gradients[run.value("weight").id] *= 1.0001
    (weight,) = check_own(run, nudged).parameters
    assert not weight.differences[CENTRAL].passed


# --- what stays in float32 ----------------------------------------------------------------


class KeepsItsPrior(nn.Module):
    """A prior that PyTorch does not move with the model; its log_prob goes by its precision."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 2)
        self.prior = torch.distributions.MultivariateNormal(torch.zeros(2), 2 * torch.eye(2))

    def forward(self, x: Tensor) -> Tensor:
        z = self.layer(x)
        loss: Tensor = z.square().sum() - self.prior.log_prob(z).sum()  # type: ignore[no-untyped-call]  # PyTorch's own
        return loss


class GoesDown(KeepsItsPrior):
    def forward(self, x: Tensor) -> Tensor:
        loss: Tensor = self.layer(x).to(torch.float32).square().sum().to(x.dtype)
        return loss


def test_what_a_model_keeps_to_itself_is_made_float64_with_it() -> None:
    model = KeepsItsPrior()
    run, nudged = run_and_nudge(held(model, torch.tensor([[0.2, 0.9, 0.5]]), seed=0))
    found = check_own(run, nudged)
    assert (found.passed, found.missing) == (True, "")
    for each in found.parameters:
        assert each.differences[CENTRAL].conclusive
        assert each.differences[CENTRAL].relative < 1e-7
    assert model.prior.loc.dtype == torch.float32


def test_differences_of_what_goes_down_to_float32_are_not_taken() -> None:
    found = check_own(*run_and_nudge(held(GoesDown(), torch.tensor([[0.2, 0.9, 0.5]]), seed=0)))
    assert found.passed
    assert "does not run in float64: to gives float32" in found.missing


def test_a_mistake_of_ours_is_not_called_the_models(monkeypatch: pytest.MonkeyPatch) -> None:
    def mistaken(*_: object) -> None:
        raise KeyError("ours")

    monkeypatch.setattr(finite_differences, "_nudged", mistaken)
    with pytest.raises(KeyError, match="ours"):
        run_and_nudge(held(KeepsItsPrior(), torch.tensor([[0.2, 0.9, 0.5]]), seed=0))


# --- a gradient within the forward pass ---------------------------------------------------


class StepsByGradient(nn.Module):
    """A latent that is moved against a gradient, as by the leapfrog of a Hamiltonian VAE."""

    def __init__(self, create_graph: bool) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 2)
        self.back = nn.Linear(2, 3)
        self.create_graph = create_graph

    def forward(self, x: Tensor) -> Tensor:
        z = self.layer(x)
        energy = (self.back(z).sin() - x).square().sum()
        (slope,) = torch.autograd.grad(energy, z, create_graph=self.create_graph, retain_graph=True)
        moved = z - 0.1 * slope
        loss: Tensor = (self.back(moved).sin() - x).square().sum()
        return loss


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_gradient_that_the_model_takes_as_given_is_held_still(create_graph: bool) -> None:
    model = StepsByGradient(create_graph)
    run, nudged = run_and_nudge(held(model, torch.tensor([[0.2, 0.9, 0.5]]), seed=0))
    assert not isinstance(nudged, str)
    for name, each in nudged.items():
        autograd = run.trace.gradients[run.value(name).id].ravel()[each.places]
        np.testing.assert_allclose(each.central, autograd, atol=1e-6)


# --- a loss whose weights PyTorch does not hand over ----------------------------------------


class WeighsItsError(nn.Module):
    """Weights each number's error, behind draws enough for float64 to draw otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(20, 20)

    def forward(self, x: Tensor) -> Tensor:
        error: Callable[..., Tensor] = F.l1_loss  # whose stub does not have the weight
        recon = self.layer(x + 0.1 * torch.randn_like(x))
        return error(recon, x, reduction="sum", weight=torch.arange(20.0).reshape(1, 20).to(x))


@pytest.mark.skipif(
    "weight" not in signature(F.l1_loss).parameters,
    reason=f"in PyTorch {torch.__version__} this loss has no weights",
)
def test_a_weighted_error_is_weighted_when_it_is_run_again() -> None:
    x = torch.linspace(-1, 1, 20).reshape(1, 20)
    run, nudged = run_and_nudge(held(WeighsItsError(), x, seed=0))
    found = check_own(run, nudged)
    assert found.passed
    assert all(parameter.differences[CENTRAL].conclusive for parameter in found.parameters)


class SmallNorm(nn.Module):
    """An RMS norm of numbers so small that its eps, PyTorch's of the precision, counts."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.norm = nn.Linear(3, 4), nn.RMSNorm(4)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.norm(self.layer(x) * 1e-3)
        return y.sum()


def test_an_rms_norm_has_the_eps_of_its_own_precision_in_float64() -> None:
    torch.manual_seed(0)
    checked = check_own(*run_and_nudge(held(SmallNorm(), torch.tensor([[0.1, 0.2, 0.3]]), seed=0)))
    for parameter in checked.parameters:
        autograd, central = parameter.differences[AUTOGRAD], parameter.differences[CENTRAL]
        assert autograd.passed
        assert central.passed
        assert autograd.relative < 1e-5
