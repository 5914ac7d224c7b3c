"""Losses by margins, by angles and by labels, and those that are weighted."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from .calls import Composite


def _plain(*_: Any, size_average: Any = None, reduce: Any = None, **kwargs: Any) -> bool:
    """Say of a loss whether it is called without what PyTorch has given up, by its keywords."""
    known = kwargs.get("reduction", "mean") in ("none", "mean", "sum")
    return known and size_average is None and reduce is None


def _reduced(_losses: Tensor, reduction: str) -> Tensor:
    if reduction == "none":
        return _losses
    return _losses.mean() if reduction == "mean" else _losses.sum()


def _margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
) -> Tensor:
    return _reduced((-target * (input1 - input2) + margin).clamp_min(0), reduction)


def _triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
) -> Tensor:
    _near = functional.pairwise_distance(anchor, positive, p, eps)
    _far = functional.pairwise_distance(anchor, negative, p, eps)
    if swap:
        _far = torch.min(_far, functional.pairwise_distance(positive, negative, p, eps))
    return _reduced((margin + _near - _far).clamp_min(0), reduction)


def _hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
) -> Tensor:
    _apart = torch.where(target != 1, (margin - input).clamp_min(0), 0.0)
    _alike = torch.where(target != -1, input, 0.0)
    return _reduced(_apart + _alike, reduction)


def _triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    measured = functional.pairwise_distance if distance_function is None else distance_function
    _near = measured(anchor, positive)
    _far = measured(anchor, negative)
    if swap:
        _far = torch.minimum(_far, measured(positive, negative))
    return _reduced((margin + _near - _far).clamp_min(0), reduction)


def _has_a_margin(anchor: Tensor, positive: Tensor, negative: Tensor, **settings: Any) -> bool:
    same = anchor.dim() == positive.dim() == negative.dim()
    return same and settings.get("margin", 1.0) > 0 and _plain(**settings)


# --- losses by angles and by labels -----------------------------------------------------

SMALLEST_SQUARE = 1e-12


def _cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
) -> Tensor:
    _axis = target.dim()
    _product = (input1 * input2).sum(_axis)
    _first = (input1 * input1).sum(_axis) + SMALLEST_SQUARE
    _second = (input2 * input2).sum(_axis) + SMALLEST_SQUARE
    _cosine = _product / torch.sqrt(_first * _second)
    _alike = torch.where(target == 1, 1 - _cosine, 0.0)
    _apart = torch.where(target == -1, (_cosine - margin).clamp_min(0), 0.0)
    return _reduced(_alike + _apart, reduction)


def _are_vectors(input1: Tensor, input2: Tensor, target: Tensor, *_: Any, **settings: Any) -> bool:
    rank = target.dim()
    fits = rank < 2 and input1.dim() == input2.dim() == rank + 1 and input1.shape == input2.shape
    return fits and _plain(**settings)


def _multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
) -> Tensor:
    _here, _not_here = functional.logsigmoid(input), functional.logsigmoid(-input)
    _losses = -(target * _here + (1 - target) * _not_here)
    if weight is not None:
        _losses = _losses * weight
    return _reduced(_losses.sum(dim=-1) / input.shape[-1], reduction)


# --- losses that are weighted -----------------------------------------------------------


def _mse_loss(
    input: Tensor,
    target: Tensor,
    *,
    weight: Tensor,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
) -> Tensor:
    return _shared_out((input - target) ** 2 * weight, weight, reduction)


def _l1_loss(
    input: Tensor,
    target: Tensor,
    *,
    weight: Tensor,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
) -> Tensor:
    return _shared_out((input - target).abs() * weight, weight, reduction)


def _shared_out(_weighted: Tensor, weight: Tensor, reduction: str) -> Tensor:
    if reduction == "none":
        return _weighted
    _total = _weighted.sum()
    return _total / weight.sum() if reduction == "mean" else _total


def _huber_loss(
    input: Tensor,
    target: Tensor,
    *,
    weight: Tensor,
    delta: float = 1.0,
    reduction: str = "mean",
) -> Tensor:
    _losses = functional.huber_loss(input, target, reduction="none", delta=delta)
    return _reduced(_losses * weight, reduction)


def _is_weighted(input: Tensor, target: Tensor, **settings: Any) -> bool:
    weight = settings["weight"]
    fits = isinstance(weight, Tensor) and input.shape == target.shape == weight.shape
    return fits and _plain(**settings)


# --- likelihoods ------------------------------------------------------------------------


def _gaussian_nll_loss(input: Tensor, target: Tensor, var: Tensor, **settings: Any) -> Tensor:
    """Give a variance for each row an axis of its own, of which there is a rule."""
    return functional.gaussian_nll_loss(input, target, var.unsqueeze(-1), **settings)


def _varies_by_row(input: Tensor, target: Tensor, var: Any, **_: Any) -> bool:
    return isinstance(var, Tensor) and input.dim() > 0 and input.shape[:-1] == var.shape


def _poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = True,
    size_average: None = None,
    eps: float = 1e-8,
    reduce: None = None,
    reduction: str = "mean",
) -> Tensor:
    """Add the logarithm of the target's factorial, by Stirling's formula."""
    _losses = functional.poisson_nll_loss(
        input, target, log_input=log_input, eps=eps, reduction="none"
    )
    _factorial = target * torch.log(target) - target + 0.5 * torch.log(2 * math.pi * target)
    return _reduced(_losses + _factorial.masked_fill(target <= 1, 0), reduction)


def _is_full(input: Tensor, target: Tensor, *_: Any, **settings: Any) -> bool:
    return bool(settings.get("full", False)) and _plain(**settings)


LOSSES: dict[str, Composite] = {
    "margin_ranking_loss": Composite(_margin_ranking_loss, _plain),
    "triplet_margin_loss": Composite(_triplet_margin_loss, _plain),
    "triplet_margin_with_distance_loss": Composite(
        _triplet_margin_with_distance_loss, _has_a_margin
    ),
    "hinge_embedding_loss": Composite(_hinge_embedding_loss, _plain),
    "cosine_embedding_loss": Composite(_cosine_embedding_loss, _are_vectors),
    "multilabel_soft_margin_loss": Composite(_multilabel_soft_margin_loss, _plain),
    "gaussian_nll_loss": Composite(_gaussian_nll_loss, _varies_by_row),
    "poisson_nll_loss": Composite(_poisson_nll_loss, _is_full, given="full"),
    "l1_loss": Composite(_l1_loss, _is_weighted, given="weight"),
    "mse_loss": Composite(_mse_loss, _is_weighted, given="weight"),
    "huber_loss": Composite(_huber_loss, _is_weighted, given="weight"),
}
