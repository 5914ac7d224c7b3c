"""Training and updating a user's own model: as the plain loop does it, bit for bit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from vae_explain.analysis import training
from vae_explain.analysis.gradient_step import first_step
from vae_explain.analysis.training_records import OptimizerName, TrainingPlan
from vae_explain.models.binding.loss_binding import LossOf
from vae_explain.models.loading.weight_files import load_weights
from vae_explain.models.request import Request, UserModel
from vae_explain.pages.walkthrough import training as training_page
from vae_explain.pages.walkthrough import update as update_page
from vae_explain.pages.walkthrough.optimizer import OptimizerPage
from vae_explain.pages.walkthrough.page import MOST_DETAILED
from vae_explain.pages.walkthrough.tensors import MOST_LARGEST, is_big

from .models import FOLDER, MODELS, OwnModel
from .pages import CommandLine
from .support import in_turn

STEPS, LR, SEED = 3, 0.01, 7
OPTIMIZERS: tuple[OptimizerName, ...] = ("sgd", "adam")
# oneDNN's LSTM, which a plain loop runs, rounds in another order than a step written out by
# PyTorch's own operations, which is what is recorded; without oneDNN the bits are the same.
WITHOUT_ONEDNN = {"sentences"}
every_style = pytest.mark.parametrize("style", MODELS)


def request_of(own: OwnModel) -> Request:
    how: dict[str, Any] = {own.how: f"{own.file}:{own.function.__name__}"} if own.function else {}
    source = UserModel(f"{own.file}:{own.make.__name__}", model_arguments=own.arguments, **how)
    return Request(own.x().numpy(), SEED, arithmetic="full", source=source)


def plain_loop(own: OwnModel, name: str, steps: int) -> tuple[list[float], nn.Module]:
    """Train as a textbook does."""
    torch.manual_seed(SEED)
    model, x = own.make(**own.arguments), own.x()
    kinds = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}
    optimizer = kinds[name](model.parameters(), lr=LR)
    losses = []
    for _ in range(steps):
        loss = LossOf(**own.keywords())(model, x).loss
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(loss.item())
    return losses, model


@contextmanager
def without_onednn(style: str) -> Iterator[None]:
    """Have PyTorch's own kernels, for the styles that need them."""
    set_flags: Callable[..., tuple[bool, ...]] = torch.backends.mkldnn.set_flags
    before, *_ = set_flags(False if style in WITHOUT_ONEDNN else None)
    try:
        yield
    finally:
        set_flags(before)


@pytest.mark.parametrize(("style", "name"), in_turn(MODELS, OPTIMIZERS))
def test_training_equals_a_plain_loop_bit_for_bit(style: str, name: OptimizerName) -> None:
    """By one optimizer each: none knows of what model its gradients are."""
    own = MODELS[style]
    with without_onednn(style):
        losses, model = plain_loop(own, name, STEPS)
    request = TrainingPlan(request_of(own), STEPS, LR, name, explain=1)
    found = training.train(request)
    assert [entry.loss for entry in found.losses] == losses
    for key, tensor in model.state_dict().items():
        assert found.state[key].tobytes() == tensor.numpy().tobytes(), key
    _, checks = training_page.training(found)
    assert checks.lines > 0
    assert checks.failed == 0
    assert found.explained is not None
    assert float(found.explained.run.trace.loss.array) == losses[1]
    weights = [term.weight for term in found.explained.run.trace.terms]
    assert len(found.terms) == len(weights) >= 2
    for entry in found.losses:
        # What no parameter reaches, as a constant of the likelihood, has no term.
        total = sum(w * part for w, part in zip(weights, entry.terms, strict=True))
        assert total == pytest.approx(entry.loss, rel=1e-5)


@every_style
def test_an_update_is_that_of_torch_optim(style: str) -> None:
    own = MODELS[style]
    with without_onednn(style):
        _, model = plain_loop(own, "sgd", 1)
    found = first_step(request_of(own), LR)
    for key, parameter in model.named_parameters():
        assert found.step.after[key].tobytes() == parameter.detach().numpy().tobytes(), key
    _, checks = update_page.update(found, list(found.step.after))
    assert checks.failed == 0
    # Each number of a parameter, but of a large one only some; every bit is compared above.
    most = OptimizerPage(found.step).most_numbers
    assert checks.lines == sum(
        min(array.size, MOST_LARGEST if is_big(array, most) else MOST_DETAILED)
        for array in found.step.after.values()
    )
    assert found.after is not None
    for before, after in zip(found.step.run.trace.values, found.after.trace.values, strict=True):
        if before.kind == "noise":
            assert np.array_equal(before.array, after.array), before.name


COUNTING = '''
import torch
from torch import nn

class Warming(nn.Module):
    """Raises its β with every run, and has a parameter that nothing uses."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)
        self.unused = nn.Parameter(torch.ones(2))
        self.out = nn.Linear(2, 3)
        self.runs = 0

    def forward(self, x):
        self.runs += 1
        mu = self.layer(x)
        z = mu + torch.randn_like(mu)
        error = ((self.out(z) - x) ** 2).sum()
        kl = 0.5 * (mu ** 2).sum()
        return error + 0.1 * self.runs * kl

class Constant(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def forward(self, x):
        return (x * 2).sum()
'''


@pytest.fixture
def counting(tmp_path: Path) -> Path:
    (tmp_path / "counting.py").write_text(COUNTING)
    return tmp_path / "counting.py"


def test_a_model_that_counts_its_runs_is_run_once_a_step(counting: Path) -> None:
    source = UserModel(f"{counting}:Warming")
    own = Request(np.ones((1, 3), np.float32), 1, arithmetic="full", source=source)
    found = training.train(TrainingPlan(own, 4, 0.001, explain=3))
    for entry in found.losses:
        error, kl = entry.terms
        beta = 0.1 * (entry.step + 1)
        assert entry.loss == pytest.approx(error + beta * kl, rel=1e-6)
    assert found.explained is not None
    assert np.array_equal(found.parameters["unused"], np.ones(2))
    text = training_page.training(found)[0]
    notes = [getattr(block, "text", "") for block in text.blocks]
    assert "The loss does not reach unused: it has no gradient and stays." in notes


@pytest.mark.parametrize("command", ["train", "update"])
def test_a_loss_that_depends_on_nothing_is_one_line(
    cli: CommandLine, counting: Path, command: str
) -> None:
    outcome = cli(command, "--model", f"{counting}:Constant", "--x", "1,2,3")
    assert (outcome.code, outcome.out) == (2, "")
    assert "depends on no parameter" in outcome.err
    assert outcome.err.count("\n") == 1


def test_on_the_command_line(cli: CommandLine, tmp_path: Path) -> None:
    own = MODELS["batch norm"]
    rows = [
        option for row in own.x().tolist() for option in ("--x", ",".join(f"{v:.4f}" for v in row))
    ]
    saved = tmp_path / "w.safetensors"
    trained = cli(
        "train", *own.options(), *rows, "--steps", "3", "--save", str(saved), "--format", "json"
    )
    assert (trained.code, trained.err) == (0, f"vae-explain: wrote {saved}\n")
    document = json.loads(trained.out)
    assert set(document["steps"][0]) == {"step", "loss", "mse", "KLD"}
    model = own.build(seed=9)
    load_weights(model, saved)  # with its running statistics
    for name, array in document["values"].items():
        np.testing.assert_array_equal(dict(model.named_parameters())[name].detach(), array)
    page = cli("train", *own.options(), *rows, "--steps", "3", "--explain-step", "1")
    assert page.code == 0
    assert "reconstruction (mse)" in page.out
    assert "with every draw from the standard normal 0" in page.out
    updated = cli("update", *own.options(), *rows, "--param", "fc_mu.bias")
    assert updated.code == 0
    assert "Move fc_mu.bias" in updated.out


def test_a_user_s_error_in_training_is_one_line(cli: CommandLine) -> None:
    options = MODELS["tuple"].options()
    outcome = cli("train", *options, "--x", "1,2", "--steps", "2")
    assert (outcome.code, outcome.out) == (2, "")
    assert "the model raised RuntimeError" in outcome.err
    assert str(FOLDER) in outcome.err


def test_training_that_diverges_says_so(cli: CommandLine) -> None:
    options: tuple[Any, ...] = (*MODELS["lightning"].options(), "--x", ".2,.9,.5,.1,.7,.3")
    outcome = cli("train", *options, "--lr", "1e20", "--steps", "5")
    assert outcome.code == 1
    assert "The run diverged" in outcome.out


KEEPING = """
from dataclasses import dataclass
import torch
from torch import nn

@dataclass
class Stats:
    mu: torch.Tensor

class Keeping(nn.Module):
    '''Keeps its terms for a log, as many models do.'''

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 3)
        self.kept = {}

    def forward(self, x):
        out = self.layer(x)
        self.kept = {"out": out, "means": [out.mean()], "stats": Stats(out)}
        return ((out - x) ** 2).sum()
"""


@pytest.mark.parametrize("command", ["train", "update", "check"])
def test_a_model_may_keep_what_it_made_in_a_dict(
    cli: CommandLine, tmp_path: Path, command: str
) -> None:
    (tmp_path / "keeping.py").write_text(KEEPING)
    outcome = cli(command, "--model", f"{tmp_path}/keeping.py:Keeping", "--x", "1,2,3")
    assert (outcome.code, outcome.err) == (0, "")


WRITING = """
import torch
from torch import nn


class Triangle(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def forward(self, x):
        raw = self.layer(x)
        rows, columns = torch.tril_indices(2, 2)
        lower = torch.zeros(len(x), 2, 2)
        lower[:, rows, columns] = raw
        loss = (lower @ lower.mT - torch.eye(2)).square().sum()
        return loss
"""


def test_steps_that_are_not_opened_take_no_gradients_of_what_is_written_to(tmp_path: Path) -> None:
    (tmp_path / "triangle.py").write_text(WRITING)
    x = np.array([[0.5, -1.0, 2.0]], dtype=np.float32)
    source = UserModel(f"{tmp_path}/triangle.py:Triangle")
    own = Request(x, 7, arithmetic="full", source=source)
    found = training.train(TrainingPlan(own, 4, 0.01, explain=1))
    assert len(found.losses) == 4
    assert found.losses[-1].loss < found.losses[0].loss
    _, checks = training_page.training(found)
    assert checks.lines > 0
    assert checks.failed == 0


UNCOPIED = """\
import threading

from torch import nn


class Locked(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.lock = nn.Linear(3, 3), threading.Lock()

    def forward(self, x):
        with self.lock:
            return (self.layer(x) - x).square().sum()


class Single(Locked):
    def __deepcopy__(self, memo):
        raise RuntimeError("there is one alone")
"""


@pytest.mark.parametrize("name", ["Locked", "Single"])
def test_a_model_that_cannot_be_copied_trains(cli: CommandLine, tmp_path: Path, name: str) -> None:
    (tmp_path / "uncopied.py").write_text(UNCOPIED)
    own = f"{tmp_path}/uncopied.py:{name}"
    outcome = cli("train", "--model", own, "--x", "1,2,3", "--steps", "3", "--lr", "0.01")
    assert (outcome.code, outcome.err) == (0, "")
    assert "internal error" not in outcome.err


class Scaled(nn.Module):
    """A layer of one's own, whose numbers lie in memory as they are made."""

    def __init__(self, scale: nn.Parameter, *others: nn.Parameter) -> None:
        super().__init__()
        self.scale, self.others = scale, nn.ParameterList(others)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        error: torch.Tensor = (x * self.scale - 1).square().sum()
        for other in self.others:
            error = error + other.sum()
        return error


def expanded() -> Scaled:
    return Scaled(nn.Parameter(torch.ones(1).expand(3)))


def unfolded() -> Scaled:
    return Scaled(nn.Parameter(torch.ones(3)), nn.Parameter(torch.arange(4.0).unfold(0, 2, 1)))


def sharing() -> Scaled:
    whole = nn.Parameter(torch.ones(3))
    return Scaled(whole, nn.Parameter(whole.data[1:]))


def apart() -> Scaled:
    numbers = torch.arange(12.0)
    every_other = nn.Parameter(numbers.view(2, 6)[:, ::2].t())
    return Scaled(nn.Parameter(torch.ones(3)), every_other)


def own(name: str) -> list[str]:
    return ["--model", f"{__name__}:{name}", "--x", "1,2,3"]


@pytest.mark.parametrize("command", [["train", "--steps", "2"], ["update"]])
@pytest.mark.parametrize(("name", "parameter"), [("expanded", "scale"), ("unfolded", "others.0")])
def test_numbers_that_are_one_in_memory_are_not_trained(
    cli: CommandLine, command: list[str], name: str, parameter: str
) -> None:
    outcome = cli(*command, *own(name))
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert f"several numbers of {parameter} are one in memory" in outcome.err


def test_parameters_that_share_memory_are_trained_and_not_explained(cli: CommandLine) -> None:
    for command in (["train", "--steps", "2", "--explain-step", "0"], ["update"]):
        outcome = cli(*command, *own("sharing"))
        assert (outcome.code, outcome.out) == (2, "")
        assert "scale and others.0 share memory" in outcome.err
    assert cli("train", "--steps", "2", *own("sharing")).code == 0
    for command in (["train", "--steps", "2", "--explain-step", "0"], ["update"]):
        assert cli(*command, *own("apart")).code == 0


def test_a_seed_that_gave_nothing_is_not_named(cli: CommandLine) -> None:
    train = ["train", "--steps", "2"]
    assert "seed" not in cli(*train, *own("apart")).out.split("1  The losses")[0]
    assert json.loads(cli(*train, *own("apart"), "--json").out)["seed"] is None
    assert "seed 42" in cli(*train).out.split("1  The losses")[0]
