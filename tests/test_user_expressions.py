"""What is typed in the place of code: an objective, an input, arguments within arguments."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .pages import CommandLine

ROWS = ("--x", ".2,.9,.5", "--x", ".7,.1,.4")
X = torch.tensor([[0.2, 0.9, 0.5], [0.7, 0.1, 0.4]])


class Configured(nn.Module):
    """Its settings come as a namespace, and as a dict within it; its batch comes in a dict."""

    def __init__(self, args: Any) -> None:
        super().__init__()
        self.mu, self.logvar = nn.Linear(3, args.latent), nn.Linear(3, args["latent"])
        self.dec = nn.Linear(args.latent, 3)
        self.beta = args.loss["beta"]

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        x = batch["data"]
        mu, logvar = self.mu(x), self.logvar(x)
        recon = self.dec(mu + torch.randn_like(mu) * torch.exp(0.5 * logvar))
        error, divergence = F.mse_loss(recon, x, reduction="sum"), kl(mu, logvar)
        return {"error": error, "objective": error + self.beta * divergence, "kl": divergence}


class Plain(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mu, self.logvar, self.dec = nn.Linear(3, 2), nn.Linear(3, 2), nn.Linear(2, 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mu, logvar = self.mu(x), self.logvar(x)
        return self.dec(mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)), mu, logvar


def kl(mu: Tensor, logvar: Tensor) -> Tensor:
    return -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())


def parts(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> tuple[Tensor, Tensor]:
    return ((recon - x) ** 2).sum(), kl(mu, logvar)


OF_PLAIN = ("--model", f"{__name__}:Plain", *ROWS)
OF_CONFIGURED = ("--model", f"{__name__}:Configured", *ROWS, "--x-as", "{'data': x}")
SETTINGS = ("--model-arg", "args.latent=2", "--model-arg", "args.loss.beta=0.5")


def loss_of(cli: CommandLine, *options: str) -> tuple[float, str]:
    outcome = cli("forward", *options, "--format", "json")
    assert outcome.code == 0, outcome.err
    found = json.loads(outcome.out)
    return found["values"]["loss"], found["loss_call"]["text"]


@pytest.mark.parametrize(
    "text",
    [
        "F.mse_loss(model(x)[0], x, reduction='sum') + 0.25 * kl(*model(x)[1:])",
        "((model(x)[0] - x) ** 2).sum() + kl(mu=model(x)[1], logvar=model(x)[-1]) / 4",
        "parts(model(x)[0], x, *model(x)[1:3])[0] - -0.25 * kl(**{'mu': model(x)[1], "
        "'logvar': model(x)[2]})",
    ],
)
def test_an_objective_that_is_typed(cli: CommandLine, text: str) -> None:
    found, said = loss_of(cli, *OF_PLAIN, "--objective-expr", text)
    torch.manual_seed(42)
    model = Plain()
    recon, mu, logvar = model(X)  # once: a second run would draw other noise
    expected = float((((recon - X) ** 2).sum() + 0.25 * kl(mu, logvar)).detach())
    assert found == pytest.approx(expected, rel=1e-6)
    assert said == text
    for command in ("backward", "check", "audit", "train --steps 2"):
        assert cli(*command.split(), *OF_PLAIN, "--objective-expr", text).code == 0


def test_the_loss_of_an_option_is_known_by_its_name(cli: CommandLine) -> None:
    text = "loss(model(x)[0], x, model(x)[1], model(x)[2])"
    own = (*OF_PLAIN, "--loss", f"{__name__}:parts", "--objective-expr")
    summed, said = loss_of(cli, *own, text, "--loss-sum")
    weighed, _ = loss_of(cli, *own, f"{text}[0] + {text}[1]")
    assert summed == pytest.approx(weighed, rel=1e-6)
    assert said == f"(parts := {text})[0] + parts[1]"


def test_settings_within_settings_and_an_input_of_another_form(cli: CommandLine) -> None:
    found, said = loss_of(
        cli, *OF_CONFIGURED, *SETTINGS, "--objective-expr", "model({'data': x})['objective']"
    )
    same, also = loss_of(cli, *OF_CONFIGURED, *SETTINGS)
    assert found == same
    assert said == "model({'data': x})['objective']"
    assert also == "model({'data': x})['objective']"


def batch_of(inputs: Tensor) -> dict[str, Tensor]:
    return {"data": inputs}


@pytest.mark.parametrize("text", ["batch_of(x)", "{'data': torch.clone(x)}"])
def test_an_input_of_another_form_is_made_by_what_a_file_has(cli: CommandLine, text: str) -> None:
    found, said = loss_of(cli, *OF_CONFIGURED[:-1], text, *SETTINGS)
    assert found == loss_of(cli, *OF_CONFIGURED, *SETTINGS)[0]
    assert said == f"model({text})['objective']"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ("--objective-expr", "[y for y in model(x)]"),
            "cannot stand in it; use only names, calls",
        ),
        (("--objective-expr", "model.__class__"), "model.__class__ cannot stand in it"),
        (("--objective-expr", "model(x"), "it is not a Python expression"),
        (("--objective-expr", "modell(x)"), "there is no modell"),
        (("--objective-expr", "model(x)", "--loss-arg", "beta=1"), "it is the whole loss"),
        (("--x-as", "{'data': y}"), "there is no y; it may have x"),
        (("--model-arg", "args.=2"), "write name=value"),
        (("--model-arg", "a=2", "--model-arg", "a.b=1"), "a already has a value"),
    ],
)
def test_what_cannot_be_read_is_said(
    cli: CommandLine, options: tuple[str, ...], words: str
) -> None:
    outcome = cli("forward", *OF_PLAIN, *options)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert words in outcome.err
