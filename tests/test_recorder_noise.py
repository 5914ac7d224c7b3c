"""Noise that is given to a run in place of what its model draws."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from vae_explain.recording.random_draws import NoiseMismatch
from vae_explain.recording.recorder import record
from vae_explain.trace import Trace

X = torch.tensor([[1.0, 2.0, 3.0, 4.0], [-0.5, 0.25, 1.5, -2.0]])


def record_of(function: Callable[[Tensor], Tensor], noise: tuple[Tensor, ...] = ()) -> Trace:
    """Record a function of one input that wants a gradient; its sum is the loss."""
    torch.manual_seed(0)
    x = X.clone().requires_grad_()
    return record(lambda: function(x).sum(), modules={}, inputs={"x": x}, noise=noise)


def draws(x: Tensor) -> Tensor:
    first = torch.randn_like(x)
    second = torch.randn(2)
    third = torch.empty(3).normal_()
    fourth = torch.normal(torch.zeros(2), torch.ones(2))
    return x * first.sum() + second.sum() + third.sum() + fourth.sum()


def test_given_noise_stands_in_for_the_draws_in_order() -> None:
    given = (torch.full((2, 4), 0.5), torch.tensor([1.0, -1.0]))
    trace = record_of(draws, given)
    first, second, third, fourth = (v for v in trace.values if v.kind == "noise")
    np.testing.assert_array_equal(first.array, np.full((2, 4), 0.5))
    np.testing.assert_array_equal(second.array, [1.0, -1.0])
    # Where none is left, the generator's own draws stand, as if it had drawn all.
    drawn = [v.array for v in record_of(draws).values if v.kind == "noise"]
    np.testing.assert_array_equal(third.array, drawn[2])
    np.testing.assert_array_equal(fourth.array, drawn[3])
    assert not np.array_equal(drawn[0], first.array)
    assert [op.inputs for op in trace.operations if op.outputs[0] == third.id] == [()]


def test_given_noise_reaches_every_way_of_drawing() -> None:
    given = tuple(torch.full(size, 0.25) for size in ((2, 4), (2,), (3,), (2,)))
    trace = record_of(draws, given)
    for value in trace.values:
        if value.kind == "noise":
            np.testing.assert_array_equal(value.array, np.full(value.shape, 0.25))
    expected = X * 2 + 0.5 + 0.75 + 0.5
    assert float(trace.loss.array) == pytest.approx(expected.sum().item())


def test_given_noise_reaches_a_distribution() -> None:
    def function(x: Tensor) -> Tensor:
        return torch.distributions.Normal(x, 2.0).rsample()

    trace = record_of(function, (torch.full((2, 4), 0.5),))
    assert float(trace.loss.array) == pytest.approx((X + 1).sum().item())


@pytest.mark.parametrize(
    "draw",
    [
        pytest.param(lambda x: torch.rand(2, 4), id="uniform"),
        pytest.param(lambda x: torch.normal(x.detach(), 1.0), id="mean-not-zero"),
        pytest.param(lambda x: torch.normal(0.0, 2.0, (2, 4)), id="deviation-not-one"),
        pytest.param(lambda x: torch.empty(2, 4).normal_(std=0.5), id="in-place-deviation"),
        pytest.param(lambda x: torch.bernoulli(torch.full((2, 4), 0.5)), id="bernoulli"),
    ],
)
def test_given_noise_does_not_stand_in_for_other_draws(draw: Callable[[Tensor], Tensor]) -> None:
    def function(x: Tensor) -> Tensor:
        return draw(x) * torch.randn(2, 4)

    trace = record_of(function, (torch.full((2, 4), 99.0),))
    other, standard = (value.array for value in trace.values if value.kind == "noise")
    assert not np.any(other == 99.0)
    np.testing.assert_array_equal(standard, np.full((2, 4), 99.0))


def test_noise_of_another_size_is_refused() -> None:
    message = r"noise of shape \[3\] given, \[2, 4\] drawn"
    with pytest.raises(NoiseMismatch, match=message) as caught:
        record_of(draws, (torch.zeros(3),))
    assert (caught.value.given, caught.value.drawn) == ((3,), (2, 4))
