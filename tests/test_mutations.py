"""Six deliberate mistakes, each made where one would make it, each caught.

A mistake in the model or its loss is one that autograd faithfully differentiates, so only
the transcription that shares no code can tell. A mistake in our own rules or in the way
gradients are gathered is caught by every oracle, and by the worked lines as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.pages import command_line
from vae_explain.analysis.gradient_check import (
    AUTOGRAD,
    CENTRAL,
    COMPLEX_STEP,
    Check,
    check,
)
from vae_explain.engine.graph import BoundOperation, Graph
from vae_explain.engine.run import Arithmetic
from vae_explain.models import prepare
from vae_explain.models.builtin_vae import VAE
from vae_explain.models.request import Request
from vae_explain.ops import RULES
from vae_explain.pages.walkthrough.backward import backward as backward_page
from vae_explain.pipeline import run
from vae_explain.symbolic.expression import Number

Patch = Callable[[pytest.MonkeyPatch], None]
X = ((1.0, 2.0, 3.0, 4.0),)
ARITHMETICS: tuple[Arithmetic, ...] = ("printed", "full")


# --- mistakes in the model or its loss --------------------------------------------------


def loss_with(kl_of: Callable[[Tensor, Tensor], Tensor], scale: float = 1.0) -> Patch:
    """Make the patch of a loss with another KL term or another weight of its error."""

    def vae_loss(recon_x: Tensor, x: Tensor, mu: Tensor, logvar: Tensor, *_: Any) -> Tensor:
        mse = F.mse_loss(recon_x, x, reduction="sum") * scale
        kl = kl_of(mu, logvar)
        loss = mse + kl
        return loss

    return lambda monkeypatch: monkeypatch.setattr(prepare, "vae_loss", vae_loss)


def kl(mu: Tensor, logvar: Tensor) -> Tensor:
    return -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())


def detached_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    def reparameterize(self: VAE, mu: Tensor, logvar: Tensor) -> Tensor:
        std = torch.exp(0.5 * logvar)
        eps = torch.randn_like(std)
        z = mu + (std * eps).detach()
        return z

    monkeypatch.setattr(VAE, "reparameterize", reparameterize)


IN_THE_MODEL = {
    "the missing half": loss_with(lambda mu, logvar: 2 * kl(mu, logvar)),
    "the KL's sign": loss_with(lambda mu, logvar: -kl(mu, logvar)),
    "no KL into mu": loss_with(lambda mu, logvar: kl(mu.detach(), logvar)),
    "detached noise": detached_noise,
    "a wrong loss derivative": loss_with(kl, scale=0.5),
}
# The parameters that each mistake reaches, in the layer where it enters.
REACHED = {
    "the missing half": {"fc_mu.bias", "fc_logvar.bias"},
    "the KL's sign": {"fc_mu.bias", "fc_logvar.bias"},
    "no KL into mu": {"fc_mu.bias"},
    "detached noise": {"fc_logvar.bias"},
    "a wrong loss derivative": {"fc_dec2.bias", "fc_mu.bias"},
}


def failed(found: Check, oracle: str) -> set[str]:
    return {p.name for p in found.parameters if not p.differences[oracle].passed}


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
@pytest.mark.parametrize("mistake", IN_THE_MODEL)
def test_a_mistake_in_the_model_is_caught(
    mistake: str, arithmetic: Arithmetic, monkeypatch: pytest.MonkeyPatch
) -> None:
    IN_THE_MODEL[mistake](monkeypatch)

    found = check(run(Request(x=X, arithmetic=arithmetic)))

    assert not found.passed
    assert not failed(found, AUTOGRAD), "autograd differentiates what it is given"
    for oracle in (COMPLEX_STEP, CENTRAL):
        assert REACHED[mistake] <= failed(found, oracle), oracle
    untouched = {"fc_dec2.bias", "fc_dec1.weight"} - REACHED[mistake]
    if mistake != "a wrong loss derivative":
        assert not untouched & failed(found, COMPLEX_STEP)


@pytest.mark.parametrize("mistake", IN_THE_MODEL)
def test_the_command_says_where_to_look(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    IN_THE_MODEL[mistake](monkeypatch)

    outcome = command_line("check")

    assert outcome.code == 1
    text = " ".join(outcome.out.split())
    assert "FAILED" in text
    assert "the model or its loss computes something else" in text


# --- mistakes in our own gradients ------------------------------------------------------


def rule_with(name: str, **changes: Any) -> Patch:
    """Make the patch of a rule with other parts."""
    changed = replace(RULES[name], **changes)
    return lambda monkeypatch: monkeypatch.setitem(RULES.loaded, name, changed)


def scaled_vjp(name: str, factor: float, position: int) -> Patch:
    """Make the patch of a rule that scales what one of its operands gets, in all its parts."""
    rule = RULES[name]

    def vjp(upstream: Any, output: Any, *arrays: Any, **attributes: Any) -> Any:
        shares = rule.vjp(upstream, output, *arrays, **attributes)
        return tuple(
            share if i != position or share is None else share * factor
            for i, share in enumerate(shares)
        )

    def partials(call: Any, at: int, index: Any) -> Any:
        found = rule.partials(call, at, index)
        return [(out, Number(factor) * part if at == position else part) for out, part in found]

    def gradient(call: Any, at: int, upstream: Any) -> Any:
        found = rule.gradient(call, at, upstream)
        return Number(factor) * found if at == position else found

    return rule_with(name, vjp=vjp, partials=partials, gradient=gradient)


def kl_rules(factor: float) -> Patch:
    """Make the patch of the sum that the KL ends in: twice its gradient, or minus it."""
    return scaled_vjp("sum", factor, 0)


def dropped_fan_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the last of several operations that used an encoder's value."""
    consumers = Graph.consumers
    start = Graph.__init__

    def one_less(graph: Graph, value: int) -> tuple[BoundOperation, ...]:
        found = consumers(graph, value)
        return found[:-1] if value in forgotten(graph) else found

    def forgotten(graph: Graph) -> tuple[int, ...]:
        return (graph.trace.by_name["encoder_hidden"].id,)

    def forgetful(graph: Graph, trace: Any) -> None:
        start(graph, trace)
        last = consumers(graph, forgotten(graph)[0])[-1]
        assert last.rule is not None
        vjp = last.rule.vjp

        def without_input(*args: Any, **attributes: Any) -> Any:
            return (None, *vjp(*args, **attributes)[1:])

        blind = replace(last, rule=replace(last.rule, vjp=without_input, vjp_of=None))
        graph.operations = tuple(blind if bound is last else bound for bound in graph.operations)

    monkeypatch.setattr(Graph, "consumers", one_less)
    monkeypatch.setattr(Graph, "__init__", forgetful)


IN_THE_RULES = {
    "the missing half": kl_rules(2.0),
    "the KL's sign": kl_rules(-1.0),
    "no KL into mu": scaled_vjp("pow", 0.0, 0),
    "detached noise": scaled_vjp("mul", 0.0, 0),
    "a dropped fan-in": dropped_fan_in,
    "a wrong loss derivative": scaled_vjp("mse_loss", 0.5, 0),
}


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
@pytest.mark.parametrize("mistake", IN_THE_RULES)
def test_a_mistake_in_our_gradients_is_caught_by_every_oracle(
    mistake: str, arithmetic: Arithmetic, monkeypatch: pytest.MonkeyPatch
) -> None:
    IN_THE_RULES[mistake](monkeypatch)

    found = check(run(Request(x=X, arithmetic=arithmetic)))

    assert not found.passed
    for oracle in (AUTOGRAD, COMPLEX_STEP, CENTRAL):
        assert failed(found, oracle), oracle


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
@pytest.mark.parametrize("mistake", IN_THE_RULES)
def test_a_mistake_in_our_gradients_is_caught_by_the_worked_lines(
    mistake: str, arithmetic: Arithmetic, monkeypatch: pytest.MonkeyPatch
) -> None:
    IN_THE_RULES[mistake](monkeypatch)

    _, checks = backward_page(run(Request(x=X, arithmetic=arithmetic)))

    assert checks.failed > 0


@pytest.mark.parametrize("mistake", IN_THE_RULES)
def test_the_commands_exit_with_1(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    IN_THE_RULES[mistake](monkeypatch)
    assert command_line("check").code == 1
    assert command_line("backward").code == 1


# --- no mistake -------------------------------------------------------------------------


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_the_run_as_it_is_passes(arithmetic: Arithmetic) -> None:
    result = run(Request(x=X, arithmetic=arithmetic))
    _, checks = backward_page(result)
    assert check(result).passed
    assert checks.failed == 0


def test_the_patches_themselves_change_nothing_but_the_mistake(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loss_with(kl)(monkeypatch)
    scaled_vjp("mse_loss", 1.0, 0)(monkeypatch)
    result = run(Request(x=X, arithmetic="full"))
    assert check(result).passed
    np.testing.assert_allclose(float(result.array("loss")), 31.51043, rtol=1e-6)
