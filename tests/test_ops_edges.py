"""Rules where no example goes: zeros, NaN, negative bases, calls that are not covered."""

from __future__ import annotations

import platform
from typing import Any

import numpy as np
import pytest
import torch

from vae_explain.expression import evaluate
from vae_explain.ops import RULES, Call, NotExplained
from vae_explain.trace import Array, Slot

from .support import NamedOperand, total_gradient


def same_bits(found: Array, expected: Array) -> bool:
    """Whether two arrays hold the same numbers, NaN for NaN and sign for sign."""
    signs_agree = (np.signbit(found) == np.signbit(expected)) | np.isnan(expected)
    return bool(np.array_equal(found, expected, equal_nan=True) and signs_agree.all())


def test_relu_at_zero_and_through_nan_is_that_of_torch() -> None:
    edges = np.array([0.0, -1e-45, 1e-45, np.nan, np.inf, -np.inf, 1.5], dtype=np.float32)
    tensor = torch.from_numpy(edges.copy()).requires_grad_()
    output = torch.relu(tensor)
    upstream = np.arange(1, 8, dtype=np.float32)
    torch.autograd.backward(output, torch.from_numpy(upstream))
    relu = RULES["relu"]
    mine = relu.forward(edges)
    assert same_bits(mine, output.detach().numpy())
    (gradient,) = relu.vjp(upstream, mine, edges)
    assert gradient is not None
    assert tensor.grad is not None
    assert same_bits(gradient, tensor.grad.numpy())
    call = Call((NamedOperand("a", edges),), NamedOperand("y", mine))
    for index in np.ndindex(*edges.shape):
        assert evaluate(relu.element(call, index)) == pytest.approx(mine[index], nan_ok=True)
    assert same_bits(total_gradient(relu, call, 0, upstream), gradient)


@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"),
    reason="which of 0.0 and -0.0 is the larger is left to the processor",
)
def test_relu_keeps_the_sign_of_zero_as_torch_does() -> None:
    zero = np.array([-0.0, 0.0], dtype=np.float32)
    assert same_bits(RULES["relu"].forward(zero), torch.relu(torch.from_numpy(zero)).numpy())


def test_a_power_has_the_slopes_of_torch_where_logarithms_and_roots_fail() -> None:
    base = torch.tensor([0.0, 0.0, 0.0, -2.0, 3.0], dtype=torch.float64, requires_grad=True)
    exponent = torch.tensor([0.0, 1.0, 2.0, 2.0, 0.0], dtype=torch.float64, requires_grad=True)
    output = torch.pow(base, exponent)
    expected = torch.autograd.grad(output.sum(), (base, exponent))
    arrays = base.detach().numpy(), exponent.detach().numpy()
    found = RULES["pow"].vjp(np.ones(5), output.detach().numpy(), *arrays)
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(np.asarray(mine), theirs.numpy(), rtol=1e-15)


@pytest.mark.parametrize(
    ("name", "args", "kwargs"),
    [
        ("add", (Slot(0), Slot(1)), {"alpha": 2}),
        ("sub", (Slot(0), Slot(1)), {"alpha": 0.5}),
        ("div", (Slot(0), Slot(1)), {"rounding_mode": "floor"}),
        ("mse_loss", (Slot(0), Slot(1)), {"weight": Slot(2)}),
        ("mse_loss", (Slot(0), Slot(1)), {"reduce": False}),
        ("view", (Slot(0), "float32"), {}),
    ],
)
def test_a_form_that_a_rule_does_not_cover_is_refused(
    name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    with pytest.raises(NotExplained):
        RULES[name].bind(*args, **kwargs)
