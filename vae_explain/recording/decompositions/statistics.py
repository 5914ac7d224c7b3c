"""Differences, areas, and what is known of many numbers by a few: quantiles, covariances."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from .calls import Composite

# --- differences ------------------------------------------------------------------------


def _dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    found: Tensor = (input - other).norm(p)
    return found


def _rsub(input: Tensor, other: Any, *, alpha: float = 1) -> Tensor:
    found: Tensor = other - (input if alpha == 1 else alpha * input)
    return found


def _diff(input: Tensor, n: int = 1, dim: int = -1) -> Tensor:
    for _ in range(n):
        _size = input.shape[dim] - 1
        input = input.narrow(dim, 1, _size) - input.narrow(dim, 0, _size)
    return input


def _sides(_y: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """Return the numbers on the left and on the right of each gap along an axis."""
    _gaps = _y.shape[dim] - 1
    return _y.narrow(dim, 0, _gaps), _y.narrow(dim, 1, _gaps)


def _widths(_y: Tensor, _x: Tensor, dim: int) -> Tensor:
    if _x.dim() == 1:
        _shape = [1] * _y.dim()
        _shape[dim] = -1
        return _diff(_x).reshape(_shape)
    return _diff(_x, 1, dim)


def _trapezoid(y: Tensor, x: Tensor | None = None, *, dx: Any = 1, dim: int = -1) -> Tensor:
    if x is None:
        _ends = y.select(dim, 0) + y.select(dim, -1)
        _area: Tensor = (y.sum(dim) - _ends * 0.5) * dx
        return _area
    _left, _right = _sides(y, dim)
    return ((_left + _right) * _widths(y, x, dim)).sum(dim) / 2


def _cumulative_trapezoid(
    y: Tensor, x: Tensor | None = None, *, dx: Any = 1, dim: int = -1
) -> Tensor:
    _left, _right = _sides(y, dim)
    if x is None:
        _areas: Tensor = dx / 2 * (_left + _right)
        return _areas.cumsum(dim)
    return ((_left + _right) * _widths(y, x, dim)).cumsum(dim) / 2


def _has_gaps(y: Tensor, x: Tensor | None = None, *, dx: Any = 1, dim: int = -1) -> bool:
    fits = x is None or (x.shape == y.shape if x.dim() > 1 else len(x) == y.shape[dim])
    return y.shape[dim] > 1 and fits and not isinstance(dx, Tensor)


# --- moments ----------------------------------------------------------------------------


def _nanmean(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    _count = (~input.isnan()).sum(dim, keepdim)
    return torch.nansum(input, dim, keepdim) / _count


def _cov(input: Tensor, *, correction: int = 1) -> Tensor:
    _rows = input if input.dim() == 2 else input.reshape(1, -1)
    _apart = _rows - _rows.mean(1).unsqueeze(1)
    _covariance: Tensor = (_apart @ _apart.T) / (_rows.shape[1] - correction)
    return _covariance if len(_rows) > 1 else _covariance.squeeze()


def _corrcoef(input: Tensor) -> Tensor:
    _covariance = _cov(input)
    if not _covariance.dim():
        return _covariance / _covariance
    _deviations = torch.sqrt(_covariance.diag())
    _each = _covariance / _deviations.reshape(-1, 1) / _deviations.reshape(1, -1)
    return _each.clamp(-1, 1)


def _varies(input: Tensor, *, correction: int = 1) -> bool:
    return 0 < input.dim() < 3 and input.shape[-1] > max(correction, 0)


# --- quantiles --------------------------------------------------------------------------

STRAIGHT = {"linear", "midpoint"}  # between the two numbers that a quantile lies between
TO_ONE = {"lower": torch.floor, "higher": torch.ceil, "nearest": torch.round}


def _quantile(
    input: Tensor,
    q: float | Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    return _of_ordered(input, q, dim, keepdim, interpolation, _last_ranks)


def _nanquantile(
    input: Tensor,
    q: float | Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    return _of_ordered(input, q, dim, keepdim, interpolation, _last_numbers)


def _last_ranks(_ordered: Tensor, _shares: Tensor) -> Tensor:
    """Return the ranks of some shares; a NaN among the numbers, which is the last, takes all."""
    _last = _ordered.shape[-1] - 1
    _undefined = _ordered.isnan().any(-1, True)
    return torch.where(_undefined, float(_last), _shares * _last)


def _last_numbers(_ordered: Tensor, _shares: Tensor) -> Tensor:
    """Return the ranks of some shares among what is a number."""
    _ranks = _shares * ((~_ordered.isnan()).sum(-1, True) - 1)
    return _ranks.masked_fill(_ranks < 0, 0)


def _of_ordered(
    _x: Tensor, q: float | Tensor, dim: int | None, keepdim: bool, interpolation: str, ranks: Any
) -> Tensor:
    if dim is None:
        _ordered = _x.flatten().sort()[0]
        _shape = [1] * _x.dim() if keepdim else []
    else:
        _ordered = _x.movedim(dim, -1).sort()[0]
        _shape = list(_ordered.shape[:-1])
        if keepdim:
            _shape.insert(dim % _x.dim(), 1)
    _ordered = _ordered.reshape(*_shape, _ordered.shape[-1])
    # Where they stand is no arithmetic with the model's numbers, and is left unwatched.
    with torch._C.DisableTorchFunction():
        _shares = torch.as_tensor(q, dtype=_x.dtype)
        _ranks = ranks(_ordered.detach(), _shares.reshape(-1))
        if interpolation in TO_ONE:
            _ranks = TO_ONE[interpolation](_ranks)
        _below, _above = _ranks.long(), _ranks.ceil().long()
        _between = _ranks - _below
        _weight = _between if interpolation == "linear" else torch.full_like(_between, 0.5)
        if bool((_weight == _weight.flatten()[0]).all()):
            _weight = float(_weight.flatten()[0])  # reads better than a tensor of one number
    _found = _ordered.gather(-1, _below)
    if interpolation in STRAIGHT:
        _found = torch.lerp(_found, _ordered.gather(-1, _above), _weight)
    # Of several quantiles the first axis says which it is.
    return _found.movedim(-1, 0) if _shares.dim() else _found.squeeze(-1)


def _is_constant(
    input: Tensor,
    q: float | Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> bool:
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
    "diff": Composite(_diff, lambda input, n=1, dim=-1: n > 0 and input.shape[dim] > n),
    "trapezoid": Composite(_trapezoid, _has_gaps),
    "trapz": Composite(_trapezoid, _has_gaps),
    "cumulative_trapezoid": Composite(_cumulative_trapezoid, _has_gaps),
    "nanmean": Composite(_nanmean),
    "cov": Composite(_cov, _varies),
    "corrcoef": Composite(_corrcoef, _varies),
    "quantile": Composite(_quantile, _is_constant),
    "nanquantile": Composite(_nanquantile, _is_constant),
    "fmax": Composite(_fmax),
    "fmin": Composite(_fmin),
    "deg2rad": Composite(lambda input: input * (math.pi / 180)),
    "rad2deg": Composite(lambda input: input * (180 / math.pi)),
}
