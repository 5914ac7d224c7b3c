"""Gradient hooks: where autograd's gradient is another than the chain rule's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from vae_explain import explain
from vae_explain.engine.run import Arithmetic
from vae_explain.trace import Array

X = torch.tensor([[1.0, 2.0, 3.0, 4.0], [0.5, -1.0, 2.0, 0.25]])
Hook = Callable[[Tensor], Tensor | None]


class Hooked(nn.Module):
    """Has a hook on what its first layer has made, and one on a parameter."""

    def __init__(self, computed: Hook | None, given: Hook | None) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 3)
        self.out = nn.Linear(3, 4)
        self.computed = computed
        if given is not None:
            self.fc.weight.register_hook(given)  # type: ignore[no-untyped-call] # PyTorch's

    def forward(self, x: Tensor) -> Tensor:
        h = torch.tanh(self.fc(x))
        if self.computed is not None:
            h.register_hook(self.computed)  # type: ignore[no-untyped-call] # PyTorch's
        r = self.out(h)
        recon = (r - x).square().sum()
        size = h.square().sum()
        loss: Tensor = recon + size
        return loss


def reversal(gradient: Tensor) -> Tensor:
    return -gradient


def clipping(gradient: Tensor) -> Tensor:
    return gradient.clamp(-0.25, 0.25)


def gradients_of(model: nn.Module) -> dict[str, Array]:
    model.zero_grad()
    model(X).backward()
    return {name: p.grad.numpy() for name, p in model.named_parameters() if p.grad is not None}


HOOKS: dict[str, tuple[Hook | None, Hook | None]] = {
    "on a computed value": (reversal, None),
    "on a parameter": (None, clipping),
    "on both": (reversal, clipping),
}


@pytest.mark.parametrize("arithmetic", ["full", "printed"])
@pytest.mark.parametrize("where", HOOKS)
def test_what_a_hook_changes_is_not_explained_and_the_rest_agrees(
    where: str, arithmetic: Arithmetic
) -> None:
    torch.manual_seed(0)
    model = Hooked(*HOOKS[where])
    explanation = explain(model, X, arithmetic=arithmetic)
    assert explanation.not_explained == ("register_hook",)
    page = explanation.backward()
    assert page.checks.lines > 20
    assert page.checks.failed == 0
    text = " ".join(page.text(width=100).split())
    assert "not explained (register_hook: a hook changes this gradient)" in text
    allowed = 1e-5 if arithmetic == "full" else 1e-3
    for name, gradient in gradients_of(model).items():
        shown = explanation.gradients[name]
        np.testing.assert_allclose(shown, gradient, rtol=allowed, atol=allowed, err_msg=name)


@pytest.mark.parametrize("where", HOOKS)
def test_the_hand_made_gradients_go_on_from_what_the_hook_has_left(where: str) -> None:
    torch.manual_seed(0)
    run = explain(Hooked(*HOOKS[where]), X).run
    assert run.hand_gradients.keys() == run.trace.gradients.keys()
    for number, gradient in run.hand_gradients.items():
        np.testing.assert_allclose(gradient, run.trace.gradients[number], rtol=1e-5, atol=1e-5)


def test_what_the_terms_send_is_not_told_behind_a_hook() -> None:
    text = explain(Hooked(clipping, None), X).backward("fc.weight").text(width=100)
    ahead, behind = text.split("∂loss/∂fc ", maxsplit=1)
    assert "from reconstruction" in ahead
    assert "from reconstruction" not in behind
    assert (
        "from reconstruction"
        in explain(Hooked(None, None), X)
        .backward("fc.weight")
        .text(width=100)
        .split("∂loss/∂fc ", maxsplit=1)[1]
    )


def test_a_number_behind_a_hook_is_not_derived() -> None:
    explanation = explain(Hooked(None, clipping), X)
    text = " ".join(explanation.why("fc.weight.grad[0,0]").text(width=100).split())
    assert "not explained; PyTorch's number" in text
    assert "register_hook: a hook changes this gradient" in text
    assert explanation.why("fc.bias.grad[0]").checks.lines


def test_a_hook_that_only_looks_on_hides_nothing() -> None:
    seen: list[float] = []

    def look(gradient: Tensor) -> None:
        seen.append(gradient.norm().item())

    model = Hooked(look, look)
    hooks = dict(model.fc.weight._backward_hooks or {})
    explanation = explain(model, X)
    assert seen
    assert explanation.not_explained == ()
    assert explanation.backward().checks.failed == 0
    assert model.fc.weight._backward_hooks == hooks  # in their place, and no more


def test_a_value_that_keeps_its_gradient_has_no_hook() -> None:
    layer = nn.Linear(4, 3)
    layer.weight.register_post_accumulate_grad_hook(lambda parameter: None)  # type: ignore[no-untyped-call] # PyTorch's

    class Keeping(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = layer

        def forward(self, x: Tensor) -> Tensor:
            h = self.layer(x)
            h.retain_grad()
            total: Tensor = h.square().sum()
            return total

    explanation = explain(Keeping(), X)
    assert explanation.not_explained == ()
    assert explanation.backward().checks.failed == 0


def test_a_modules_backward_hook_is_not_explained() -> None:
    model = Hooked(None, None)
    model.out.register_full_backward_hook(
        lambda module, into, out: (5 * torch.stack(tuple(into))[0],)
    )
    explanation = explain(model, X)
    assert explanation.not_explained == ("BackwardHookFunction.apply",)
    page = explanation.backward()
    assert page.checks.lines
    assert page.checks.failed == 0
