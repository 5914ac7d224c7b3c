"""Differences, areas, quantiles, moments, and comparisons that pass over NaN."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from .composite import Composite

# --- differences ------------------------------------------------------------------------


def _dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    distance: Tensor = (input - other).norm(p)
    return distance


def _rsub(input: Tensor, other: Any, *, alpha: float = 1) -> Tensor:
    difference: Tensor = other - (input if alpha == 1 else alpha * input)
    return difference


def _diff(input: Tensor, n: int = 1, dim: int = -1) -> Tensor:
    for _ in range(n):
        size = input.shape[dim] - 1
        input = input.narrow(dim, 1, size) - input.narrow(dim, 0, size)
    return input


def _sides(y: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """Return the numbers on the left and on the right of each gap along an axis."""
    gaps = y.shape[dim] - 1
    return y.narrow(dim, 0, gaps), y.narrow(dim, 1, gaps)


def _widths(y: Tensor, x: Tensor, dim: int) -> Tensor:
    if x.dim() == 1:
        shape = [1] * y.dim()
        shape[dim] = -1
        return _diff(x).reshape(shape)
    return _diff(x, 1, dim)


def _trapezoid(y: Tensor, x: Tensor | None = None, *, dx: Any = 1, dim: int = -1) -> Tensor:
    if x is None:
        ends = y.select(dim, 0) + y.select(dim, -1)
        area: Tensor = (y.sum(dim) - ends * 0.5) * dx
        return area
    left, right = _sides(y, dim)
    return ((left + right) * _widths(y, x, dim)).sum(dim) / 2


def _cumulative_trapezoid(
    y: Tensor, x: Tensor | None = None, *, dx: Any = 1, dim: int = -1
) -> Tensor:
    left, right = _sides(y, dim)
    if x is None:
        areas: Tensor = dx / 2 * (left + right)
        return areas.cumsum(dim)
    return ((left + right) * _widths(y, x, dim)).cumsum(dim) / 2


def _has_gaps(y: Tensor, x: Tensor | None, dx: Any, dim: int) -> bool:
    fits = x is None or (x.shape == y.shape if x.dim() > 1 else len(x) == y.shape[dim])
    return y.shape[dim] > 1 and fits and not isinstance(dx, Tensor)


# --- moments ----------------------------------------------------------------------------


def _nanmean(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    count = (~input.isnan()).sum(dim, keepdim)
    return torch.nansum(input, dim, keepdim) / count


def _cov(input: Tensor, *, correction: int = 1) -> Tensor:
    rows = input if input.dim() == 2 else input.reshape(1, -1)
    apart = rows - rows.mean(1).unsqueeze(1)
    covariance: Tensor = (apart @ apart.T) / (rows.shape[1] - correction)
    return covariance if len(rows) > 1 else covariance.squeeze()


def _corrcoef(input: Tensor) -> Tensor:
    covariance = _cov(input)
    if not covariance.dim():
        return covariance / covariance
    deviations = torch.sqrt(covariance.diag())
    each = covariance / deviations.reshape(-1, 1) / deviations.reshape(1, -1)
    return each.clamp(-1, 1)


def _varies(input: Tensor, correction: int = 1) -> bool:
    return 0 < input.dim() < 3 and input.shape[-1] > max(correction, 0)


# --- quantiles --------------------------------------------------------------------------

STRAIGHT = {"linear", "midpoint"}  # between the two numbers that a quantile lies between
TO_ONE = {"lower": torch.floor, "higher": torch.ceil, "nearest": torch.round}


def _last_ranks(ordered: Tensor, shares: Tensor) -> Tensor:
    """Return the ranks of some shares; with a NaN, which ranks last, all quantiles are NaN."""
    last = ordered.shape[-1] - 1
    undefined = ordered.isnan().any(-1, True)
    return torch.where(undefined, float(last), shares * last)


def _last_numbers(ordered: Tensor, shares: Tensor) -> Tensor:
    """Return the ranks of some shares among the numbers that are not NaN."""
    ranks = shares * ((~ordered.isnan()).sum(-1, True) - 1)
    return ranks.masked_fill(ranks < 0, 0)


def _quantile(ranks: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """Return what takes quantiles, given their ranks among numbers in order."""

    def make(
        input: Tensor,
        q: float | Tensor,
        dim: int | None = None,
        keepdim: bool = False,
        *,
        interpolation: str = "linear",
    ) -> Tensor:
        if dim is None:
            ordered = input.flatten().sort()[0]
            shape = [1] * input.dim() if keepdim else []
        else:
            ordered = input.movedim(dim, -1).sort()[0]
            shape = list(ordered.shape[:-1])
            if keepdim:
                shape.insert(dim % input.dim(), 1)
        ordered = ordered.reshape(*shape, ordered.shape[-1])
        # Ranks are no arithmetic with the model's numbers, and are not recorded.
        with torch._C.DisableTorchFunction():
            shares = torch.as_tensor(q, dtype=input.dtype)
            at = ranks(ordered.detach(), shares.reshape(-1))
            if interpolation in TO_ONE:
                at = TO_ONE[interpolation](at)
            below, above = at.long(), at.ceil().long()
            between = at - below
            weights = between if interpolation == "linear" else torch.full_like(between, 0.5)
            first = weights.flatten()[0]
            # One number reads better than a tensor of it.
            weight = float(first) if bool((weights == first).all()) else weights
        quantiles = ordered.gather(-1, below)
        if interpolation in STRAIGHT:
            quantiles = torch.lerp(quantiles, ordered.gather(-1, above), weight)
        # The first axis of several quantiles says which it is.
        return quantiles.movedim(-1, 0) if shares.dim() else quantiles.squeeze(-1)

    return make


def _is_constant(input: Tensor, q: float | Tensor, interpolation: str, **_: Any) -> bool:
    shares = q if isinstance(q, Tensor) else torch.tensor(float(q))
    right = shares.dim() < 2 and bool(((shares >= 0) & (shares <= 1)).all())
    same = not isinstance(q, Tensor) or (q.dtype == input.dtype and not q.requires_grad)
    known = interpolation in STRAIGHT or interpolation in TO_ONE
    return right and same and known and input.dim() > 0 and input.numel() > 0


# --- numbers beside others --------------------------------------------------------------


def _fmax(input: Tensor, other: Tensor) -> Tensor:
    return torch.where((input >= other) | other.isnan(), input, other)


def _fmin(input: Tensor, other: Tensor) -> Tensor:
    return torch.where((input <= other) | other.isnan(), input, other)


STATISTICS: dict[str, Composite] = {
    "dist": Composite(_dist),
    "rsub": Composite(_rsub),
    "diff": Composite(_diff, lambda input, n, dim: n > 0 and input.shape[dim] > n),
    "trapezoid": Composite(_trapezoid, _has_gaps),
    "trapz": Composite(_trapezoid, _has_gaps),
    "cumulative_trapezoid": Composite(_cumulative_trapezoid, _has_gaps),
    "nanmean": Composite(_nanmean),
    "cov": Composite(_cov, _varies),
    "corrcoef": Composite(_corrcoef, _varies),
    "quantile": Composite(_quantile(_last_ranks), _is_constant),
    "nanquantile": Composite(_quantile(_last_numbers), _is_constant),
    "fmax": Composite(_fmax),
    "fmin": Composite(_fmin),
    "deg2rad": Composite(lambda input: input * (math.pi / 180)),
    "rad2deg": Composite(lambda input: input * (180 / math.pi)),
}
