"""Losses by margins, by angles and by labels, and those that are weighted."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from .composite import Composite, always


def _reduced(losses: Tensor, reduction: str, **_: Any) -> Tensor:
    if reduction == "none":
        return losses
    return losses.mean() if reduction == "mean" else losses.sum()


def _weighted_mean(losses: Tensor, reduction: str, weight: Tensor, **_: Any) -> Tensor:
    """Reduce losses that are multiplied by their weights: the mean is over the sum of these."""
    if reduction == "none":
        return losses
    total = losses.sum()
    return total / weight.sum() if reduction == "mean" else total


# --- losses by margins ------------------------------------------------------------------


def _margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0
) -> Tensor:
    return (-target * (input1 - input2) + margin).clamp_min(0)


def _triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
) -> Tensor:
    near = functional.pairwise_distance(anchor, positive, p, eps)
    far = functional.pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = torch.min(far, functional.pairwise_distance(positive, negative, p, eps))
    return (margin + near - far).clamp_min(0)


def _hinge_embedding_loss(input: Tensor, target: Tensor, margin: float = 1.0) -> Tensor:
    apart = torch.where(target != 1, (margin - input).clamp_min(0), 0.0)
    alike = torch.where(target != -1, input, 0.0)
    return apart + alike


def _triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
) -> Tensor:
    distance = functional.pairwise_distance if distance_function is None else distance_function
    near = distance(anchor, positive)
    far = distance(anchor, negative)
    if swap:
        far = torch.minimum(far, distance(positive, negative))
    return (margin + near - far).clamp_min(0)


def _has_a_margin(
    anchor: Tensor, positive: Tensor, negative: Tensor, margin: float, **_: Any
) -> bool:
    return anchor.dim() == positive.dim() == negative.dim() and margin > 0


# --- losses by angles and by labels -----------------------------------------------------

SMALLEST_SQUARE = 1e-12


def _cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0
) -> Tensor:
    axis = target.dim()
    product = (input1 * input2).sum(axis)
    first = (input1 * input1).sum(axis) + SMALLEST_SQUARE
    second = (input2 * input2).sum(axis) + SMALLEST_SQUARE
    cosine = product / torch.sqrt(first * second)
    alike = torch.where(target == 1, 1 - cosine, 0.0)
    apart = torch.where(target == -1, (cosine - margin).clamp_min(0), 0.0)
    return alike + apart


def _are_vectors(input1: Tensor, input2: Tensor, target: Tensor, **_: Any) -> bool:
    rank = target.dim()
    return rank < 2 and input1.dim() == input2.dim() == rank + 1 and input1.shape == input2.shape


def _multilabel_soft_margin_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None
) -> Tensor:
    present, absent = functional.logsigmoid(input), functional.logsigmoid(-input)
    losses = -(target * present + (1 - target) * absent)
    if weight is not None:
        losses = losses * weight
    return losses.sum(dim=-1) / input.shape[-1]


# --- losses that are weighted -----------------------------------------------------------


def _mse_loss(input: Tensor, target: Tensor, *, weight: Tensor) -> Tensor:
    losses: Tensor = (input - target) ** 2 * weight
    return losses


def _l1_loss(input: Tensor, target: Tensor, *, weight: Tensor) -> Tensor:
    return (input - target).abs() * weight


def _huber_loss(input: Tensor, target: Tensor, *, weight: Tensor, delta: float = 1.0) -> Tensor:
    return functional.huber_loss(input, target, reduction="none", delta=delta) * weight


def _is_weighted(input: Tensor, target: Tensor, weight: Any, **_: Any) -> bool:
    return isinstance(weight, Tensor) and input.shape == target.shape == weight.shape


# --- likelihoods ------------------------------------------------------------------------


def _gaussian_nll_loss(input: Tensor, target: Tensor, var: Tensor, **settings: Any) -> Tensor:
    """Give a variance for each row an axis of its own, of which there is a rule."""
    return functional.gaussian_nll_loss(input, target, var.unsqueeze(-1), **settings)


def _varies_by_row(input: Tensor, var: Any, **_: Any) -> bool:
    return isinstance(var, Tensor) and input.dim() > 0 and input.shape[:-1] == var.shape


def _poisson_nll_loss(
    input: Tensor, target: Tensor, log_input: bool = True, full: bool = True, eps: float = 1e-8
) -> Tensor:
    """Add the logarithm of the target's factorial, by Stirling's formula."""
    losses = functional.poisson_nll_loss(
        input, target, log_input=log_input, eps=eps, reduction="none"
    )
    factorial = target * torch.log(target) - target + 0.5 * torch.log(2 * math.pi * target)
    return losses + factorial.masked_fill(target <= 1, 0)


def _loss(
    make: Callable[..., Any],
    fits: Callable[..., bool] = always,
    keyword: str = "",
    reduce: Callable[..., Tensor] = _reduced,
) -> Composite:
    return Composite(make, fits, keyword, reduce)


LOSSES: dict[str, Composite] = {
    "margin_ranking_loss": _loss(_margin_ranking_loss),
    "triplet_margin_loss": _loss(_triplet_margin_loss),
    "triplet_margin_with_distance_loss": _loss(_triplet_margin_with_distance_loss, _has_a_margin),
    "hinge_embedding_loss": _loss(_hinge_embedding_loss),
    "cosine_embedding_loss": _loss(_cosine_embedding_loss, _are_vectors),
    "multilabel_soft_margin_loss": _loss(_multilabel_soft_margin_loss),
    "gaussian_nll_loss": Composite(_gaussian_nll_loss, _varies_by_row),
    "poisson_nll_loss": _loss(_poisson_nll_loss, lambda full, **_: bool(full), "full"),
    "l1_loss": _loss(_l1_loss, _is_weighted, "weight", _weighted_mean),
    "mse_loss": _loss(_mse_loss, _is_weighted, "weight", _weighted_mean),
    "huber_loss": _loss(_huber_loss, _is_weighted, "weight"),
}
