"""The noise of a run, learned without a record: the draws of the record, to the last bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_explain.models.prepare import prepared
from vae_explain.models.prepared_model import PreparedModel, default_precision, draws_of

from .models import MODELS
from .requests import held
from .test_other_draws import NAMES, SOURCE, request
from .test_own_training import request_of


def require_the_recorded_draws(subject: PreparedModel) -> int:
    """Compare the draws of both ways, twice, and return how many there are."""
    before = torch.get_rng_state()
    buffers = [buffer.clone() for buffer in subject.model.buffers()]
    recorded = draws_of(subject.run().trace)
    for draws in (subject.draws(), subject.draws()):
        assert len(draws) == len(recorded)
        for draw, expected in zip(draws, recorded, strict=True):
            assert (draw.dtype, draw.shape) == (expected.dtype, expected.shape)
            np.testing.assert_array_equal(draw.numpy(), expected.numpy())
    assert torch.equal(torch.get_rng_state(), before)
    for buffer, kept in zip(subject.model.buffers(), buffers, strict=True):
        assert torch.equal(buffer, kept)
    return len(recorded)


@pytest.mark.parametrize("style", MODELS)
def test_in_every_style(style: str) -> None:
    with prepared(request_of(MODELS[style])) as subject:
        require_the_recorded_draws(subject)


@pytest.mark.parametrize("name", NAMES)
def test_beside_other_draws(tmp_path: Path, name: str) -> None:
    (tmp_path / "own.py").write_text(SOURCE)
    asked = request(tmp_path / "own.py", name)
    for eps in (None, tuple(0.01 * i for i in range(24))):
        with prepared(replace(asked, eps=eps)) as subject:
            assert require_the_recorded_draws(subject) >= 1
            with default_precision(torch.float64):
                assert require_the_recorded_draws(subject.in_float64()) >= 1


def _mixed(x: Tensor) -> Tensor:
    noisy = x + torch.randn_like(x) * torch.rand(3, 1)
    return noisy * torch.normal(x, noisy.abs()) + torch.bernoulli(torch.sigmoid(noisy))


def _in_place(x: Tensor) -> Tensor:
    values = x.clone()
    values[:, 1].normal_()
    values[:, 2:].uniform_()
    return F.dropout(values * 2, 0.4, inplace=True) * torch.empty(3, 6).exponential_()


def _within(x: Tensor) -> Tensor:
    query = x.reshape(1, 3, 6)
    attended = F.scaled_dot_product_attention(query, query, query, dropout_p=0.5)
    return attended + F.gumbel_softmax(x, tau=0.7) + F.dropout(x, 0.5, training=False)


class Counting(nn.Module):
    """Has a normalisation that learns from its runs, a dropout, and another noise in each run."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.norm, self.drop, self.weight = nn.BatchNorm1d(6), nn.Dropout(0.3), nn.Linear(6, 6)
        self.lstm = nn.LSTM(6, 6, num_layers=2, dropout=0.5)
        self.function, self.runs = function, 0

    def forward(self, x: Tensor) -> Tensor:
        self.runs += 1
        hidden = self.function(self.drop(self.weight(self.norm(x))))
        output: Tensor = self.lstm(hidden.reshape(3, 1, 6))[0]
        return (output * torch.randn(6) * self.runs).square().sum()


@pytest.mark.parametrize("function", [_mixed, _in_place, _within])
def test_of_a_model_that_counts_its_runs(function: Callable[[Tensor], Tensor]) -> None:
    model = Counting(function)
    x = torch.linspace(-1, 1, 18).reshape(3, 6)
    with prepared(held(model, x, seed=4)) as subject:
        assert require_the_recorded_draws(subject) >= 4
    assert model.runs == 0
