"""Calls that are a few others in a row: shown as these, to the same bits."""

from __future__ import annotations

import math
from collections.abc import Callable
from inspect import signature
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_explain.engine.run import full_run
from vae_explain.recording.recorder import record

from .support import as_far_as_pytorch_differentiates

X = torch.linspace(-1, 1, 24).reshape(2, 3, 4)
A, B = X[0].double(), X[1].double() * 0.5 + 0.25
LIMIT: Any = torch.tensor([0.5])[0]  # beside a number, PyTorch takes it, against its types
PLACES = torch.tensor([[3, 0], [1, 1], [2, 0]])
BAGS = torch.tensor([[0, 1], [2, 2]])
SHARES = torch.tensor([0.1, 0.5, 0.85, 1.0]).double()
WEIGHTS = torch.linspace(0, 2, 12).reshape(3, 4).double()
GAPS = torch.zeros(3, 4).double()
GAPS[0, 1] = GAPS[2] = torch.nan
GAPS[2, 3] = 0.0
COMPOSED: dict[str, Callable[[Tensor, Tensor], Any]] = {
    "outer": lambda a, b: torch.outer(a[0], b[1]) + a[1].ger(b[0]),
    "kron": lambda a, b: torch.kron(a, b[:2]) * torch.kron(a[0], b).sum(),
    "inner": lambda a, b: torch.inner(a, b) * torch.inner(a[0], b[0]) + a[:, :3].inner(b.mean()),
    "tensordot": lambda a, b: (
        torch.tensordot(a, b, dims=([1], [1])) * torch.tensordot(a, b, 2)
        + torch.tensordot(a, b.T, 1)
    ),
    "dist": lambda a, b: torch.dist(a, b) * a.dist(b, 1),
    "rsub": lambda a, b: torch.rsub(a, 1.0) * torch.rsub(a, b, alpha=2),
    "diff": lambda a, b: torch.diff(a) * b.diff(n=1, dim=1) + a.diff(2, 0).sum(),
    "take_along_dim": lambda a, b: (
        torch.take_along_dim(a, PLACES, 1) * b.take_along_dim(PLACES[1:2, :1], dim=0)[:, :2]
        + torch.take_along_dim(a, PLACES).sum()
    ),
    "tile": lambda a, b: a.tile(2) + torch.tile(b, (1, 2)),
    "rot90": lambda a, b: torch.rot90(a) + b.rot90(3) + torch.rot90(a, 2, (1, 0)).T + a.rot90(4).T,
    "flips": lambda a, b: torch.fliplr(a) * torch.flipud(b),
    "splits": lambda a, b: torch.hsplit(a, 2)[1] * b.hsplit([1, 3])[1] + a.vsplit(3)[0][:, :2],
    "more axes": lambda a, b: (
        torch.atleast_3d(a)[..., 0] * torch.atleast_2d(b[0])  # type: ignore[no-untyped-call] # torch's own
    ),
    "shuffled": lambda a, b: torch.channel_shuffle(a.T[None], 2)[0].T * b,
    "ranking": lambda a, b: F.margin_ranking_loss(a, b, torch.sign(a.detach() + 0.1), 0.5),
    "triplets": lambda a, b: (
        F.triplet_margin_loss(a[:1], a[1:2], b[2:], swap=True)
        + nn.TripletMarginLoss(margin=2.0, reduction="sum")(a, b, b.flip(0))
    ),
    "hinges": lambda a, b: F.hinge_embedding_loss(a * b, torch.sign(a.detach()), reduction="none"),
    "vecdot": lambda a, b: torch.linalg.vecdot(a, b) * torch.linalg.vecdot(a, b, dim=0).sum(),
    "several matrices": lambda a, b: torch.linalg.multi_dot([a[0], b.T, a[:, :2], b[:2], b[2]]),
    "a chain of matrices": lambda a, b: torch.chain_matmul(a, b.T, a[:, :2], b[:2]),  # type: ignore[no-untyped-call] # torch's own
    "powers": lambda a, b: sum(torch.linalg.matrix_power(a @ b.T / 4, n) for n in range(2, 8)),
    "matrix norms": lambda a, b: (
        torch.linalg.matrix_norm(a)
        + torch.linalg.matrix_norm(a, 1, keepdim=True)
        + torch.linalg.matrix_norm(b, -1, (1, 0))
        + torch.linalg.norm(a, math.inf) * torch.linalg.norm(b, -math.inf, dim=(0, 1))
        + torch.linalg.norm(a[0], 3) * torch.linalg.norm(b, "fro", keepdim=True)
    ),
    "limits of both kinds": lambda a, b: torch.clamp(a * b, 0, LIMIT) + b.clip(-LIMIT, max=0.75),
    "normalized": lambda a, b: F.normalize(a, 3.0) * F.normalize(b, p=1, dim=0),
    "areas": lambda a, b: torch.trapezoid(a, dx=0.5) * torch.trapz(b, dim=1),
    "areas over places": lambda a, b: torch.trapz(b, a),
    "areas over places of all": lambda a, b: torch.trapezoid(a, b[0]),
    "areas so far": lambda a, b: torch.cumulative_trapezoid(a, dx=0.25) + b[:, 1:],
    "areas over places so far": lambda a, b: torch.cumulative_trapezoid(b, a, dim=0),
    "covariances": lambda a, b: (
        torch.cov(a) + torch.cov(b[0], correction=0) + torch.corrcoef(a * b) + torch.corrcoef(b[0])
    ),
    "quantiles": lambda a, b: (
        torch.quantile(a, 0.3)
        + torch.quantile(b, SHARES, dim=1).sum()
        + a.quantile(SHARES, 0, keepdim=True)
    ),
    "quantiles between": lambda a, b: sum(
        torch.quantile(a * b, SHARES, dim=0, interpolation=each)
        + torch.quantile(b, 0.4, interpolation=each)
        for each in ("lower", "higher", "nearest", "midpoint")
    ),
    "quantiles with gaps": lambda a, b: (
        torch.nanquantile(GAPS + a, 0.3) + torch.nanquantile(GAPS + b, SHARES, dim=1, keepdim=True)
    ),
    "means with gaps": lambda a, b: (GAPS + a).nanmean() + (GAPS * b).nanmean(1, keepdim=True),
    "numbers beside NaN": lambda a, b: torch.fmax(a, b) * torch.fmin(b.round(), a.round()),
    "angles between": lambda a, b: (
        F.cosine_embedding_loss(a, b, torch.tensor([1, -1, -1]), 0.1, reduction="none")
        + F.cosine_embedding_loss(a[0], b[0], torch.tensor(-1), margin=-1.0)
    ),
    "labels": lambda a, b: (
        F.multilabel_soft_margin_loss(a, (b.detach() > 0.3).double(), reduction="none")
        + F.multilabel_soft_margin_loss(b, (a.detach() > 0).double(), weight=b.detach() ** 2)
    ),
    "triplets by a distance": lambda a, b: (
        F.triplet_margin_with_distance_loss(a, a.flip(0), b, swap=True, margin=2.0)
        + F.triplet_margin_with_distance_loss(
            a, a.flip(1), b, distance_function=lambda x, y: (x - y).abs().sum(-1), reduction="none"
        )
    ),
    "a variance for each row": lambda a, b: F.gaussian_nll_loss(
        a, b, b.square().sum(1) + 0.5, reduction="none", full=True
    ),
    "counts with their factorials": lambda a, b: F.poisson_nll_loss(
        a * b, torch.arange(12.0).reshape(3, 4).double(), full=True
    ),
    "rates of counts": lambda a, b: (
        F.poisson_nll_loss(
            b.exp(), 3 * a.detach().exp(), log_input=False, full=True, reduction="none"
        )
        + a
    ),
    "summed to a size": lambda a, b: a.sum_to_size(1, 4) + b.sum_to_size(4) * a.sum_to_size(3, 1),
    "blocks": lambda a, b: torch.block_diag(a, b[0], b[:2], a[0, 0]),  # type: ignore[no-untyped-call] # torch's own
    "grids": lambda a, b: (
        torch.meshgrid(a[0], b[0], indexing="ij")[0] * torch.meshgrid(b[0], a[0], indexing="ij")[1]
        + torch.meshgrid([a[0], b[0]], indexing="xy")[1].T
    ),
    "products of sets": lambda a, b: torch.cartesian_prod(a[0], b[0], a[1, :2]),
    "combinations": lambda a, b: (
        torch.combinations(a[0]).sum() + torch.combinations(b[0], 3, with_replacement=True)
    ),
    "diagonals": lambda a, b: torch.diagflat(a, 1) * torch.diagflat(b, offset=1),
    "largest of bags": lambda a, b: (
        F.embedding_bag(BAGS, a, mode="max")
        * F.embedding_bag(
            BAGS.reshape(-1), b, torch.tensor([0, 3, 4]), mode="max", include_last_offset=True
        )
    ),
    "rows filled": lambda a, b: (
        a.index_fill(1, torch.tensor([0, 2]), 1.5) * b.index_fill(0, torch.tensor([2]), a.sum())
    ),
    "rows brought together": lambda a, b: sum(
        a.index_reduce(0, torch.tensor([1, 1, 0]), b, each, include_self=kept)
        for each in ("mean", "amax", "amin", "prod")
        for kept in (True, False)
    ),
    "masks filled": lambda a, b: a.masked_scatter(a > 0, b * 2),
    "places put": lambda a, b: (
        a.put(torch.tensor([1, -3]), b[0, :2]) * b.put(PLACES, a[:, :2], accumulate=True)
    ),
    "parts put": lambda a, b: (
        a.select_scatter(b[0], 0, 1)
        * torch.slice_scatter(b, a[:2] * 2, 0, 1)
        * a.slice_scatter(b[:, ::2], dim=1, step=2)
        + b.diagonal_scatter(a[:, 0])
    ),
    "angles": lambda a, b: torch.deg2rad(a) + torch.rad2deg(b),
}


@pytest.mark.filterwarnings("ignore:index_reduce.. is in beta")
@pytest.mark.filterwarnings("ignore:torch.chain_matmul is deprecated")
@pytest.mark.parametrize("name", COMPOSED)
def test_a_call_that_is_a_few_others_is_shown_as_these_to_the_same_bits(name: str) -> None:
    plain = [tensor.clone().requires_grad_() for tensor in (A, B)]
    expected = COMPOSED[name](*plain)
    with as_far_as_pytorch_differentiates():
        gradients = torch.autograd.grad((expected * expected).sum(), plain)
    given = [tensor.clone().requires_grad_() for tensor in (A, B)]
    seen: list[Tensor] = []

    def objective() -> Tensor:
        seen.append(COMPOSED[name](*given))
        return (seen[0] * seen[0]).sum()

    trace = record(objective, modules={}, inputs={"a": given[0], "b": given[1]})
    assert torch.equal(seen[0], expected)
    run = full_run(trace, seed=0, label="test")
    assert run.graph.not_explained == ()
    for number, gradient in enumerate(gradients):
        np.testing.assert_array_equal(trace.gradients[number], gradient.numpy())
        np.testing.assert_allclose(run.hand_gradients[number], gradient.numpy(), 1e-12, 1e-13)


def weighted(a: Tensor, b: Tensor) -> Tensor:
    losses: Any = F  # whose stubs do not have the weights
    square = losses.mse_loss(a, b, weight=WEIGHTS)
    total = losses.mse_loss(a, b, weight=WEIGHTS, reduction="sum")
    bent = losses.huber_loss(a, b, weight=WEIGHTS, delta=0.5)
    each = losses.mse_loss(a, b, weight=WEIGHTS, reduction="none")
    for reduction in ("mean", "sum", "none"):
        each = each * losses.l1_loss(a, b, weight=WEIGHTS, reduction=reduction)
    found: Tensor = square * total + bent + each
    return found


@pytest.mark.skipif(
    not all("weight" in signature(f).parameters for f in (F.mse_loss, F.l1_loss, F.huber_loss)),
    reason=f"in PyTorch {torch.__version__} these losses have no weights",
)
def test_so_are_losses_that_are_weighted() -> None:
    expected = weighted(A, B)
    given = [tensor.clone().requires_grad_() for tensor in (A, B)]
    trace = record(
        lambda: weighted(*given).sum(), modules={}, inputs={"a": given[0], "b": given[1]}
    )
    run = full_run(trace, seed=0, label="test")
    assert run.graph.not_explained == ()
    np.testing.assert_allclose(trace.loss.array, expected.sum().numpy(), 1e-14)
    for number in range(2):
        np.testing.assert_allclose(run.hand_gradients[number], trace.gradients[number], 1e-12)


WRONG: dict[str, Callable[[Tensor], Any]] = {
    "outer": lambda x: torch.outer(x, x),
    "outer of one": lambda x: torch.outer(x[0]),  # type: ignore[call-arg] # wrong on purpose
    "inner": lambda x: torch.inner(x, x.T),
    "tensordot": lambda x: torch.tensordot(x, x, dims=([0, 1], [1, 0])),
    "vsplit": lambda x: x[0].vsplit(3)[0],
    "hsplit": lambda x: x.hsplit(2)[0],
    "rot90": lambda x: x.rot90(1, (0, -2)),
    "diff": lambda x: x.diff(-1),
    "channel_shuffle": lambda x: torch.channel_shuffle(x[None], 4),
    "multi_dot": lambda x: torch.linalg.multi_dot([x, x, x]),
    "matrix_power": lambda x: torch.linalg.matrix_power(x, 3),
    "quantile": lambda x: torch.quantile(x, 1.5),
    "meshgrid": lambda x: torch.meshgrid([x, x], indexing="ij")[0],
    "cosine_embedding_loss": lambda x: F.cosine_embedding_loss(x, x, torch.ones(2, 2)),
    "select_scatter": lambda x: x.select_scatter(x, 0, 1),
    "sum_to_size": lambda x: x.sum_to_size(4),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_call_that_is_wrong_says_so_itself(name: str) -> None:
    x = torch.ones(2, 3, requires_grad=True)
    with pytest.raises((RuntimeError, TypeError)) as plain:
        WRONG[name](x)
    with pytest.raises(type(plain.value)) as watched:
        record(lambda: WRONG[name](x).sum(), modules={}, inputs={"x": x})
    assert str(watched.value) == str(plain.value)
