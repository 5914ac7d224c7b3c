"""Calls of PyTorch's that are a few of its others in a row: `outer`, `tensordot`, `dist`, …

Each is written out as PyTorch itself has it, so that the numbers are the same, and a reader is
shown what the call does: `outer` is a column times a row.

Their variables begin with an underscore, by which they give no value a name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


def composite(
    name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Callable[..., Any] | None:
    """Return what makes a call by others; None for one that is not written out here."""
    function = COMPOSITES.get(name)
    if function is None or kwargs.get("out") is not None:
        return None
    fits = FITTING.get(name, _anything)
    try:
        signature(function).bind(*args, **kwargs)
        right = isinstance(args[0], Tensor) and fits(*args, **kwargs)
    except (TypeError, IndexError):  # a form that is not written out, or axes that are not there
        right = False
    # What is wrong with a call it says itself.
    return function if right else None


def _anything(*_: Any, **__: Any) -> bool:
    return True


# --- products ---------------------------------------------------------------------------


def _outer(input: Tensor, vec2: Tensor) -> Tensor:
    return input.reshape(-1, 1) * vec2


def _kron(input: Tensor, other: Tensor) -> Tensor:
    _rank = max(input.dim(), other.dim())
    _left = (1,) * (_rank - input.dim()) + tuple(input.shape)
    _right = (1,) * (_rank - other.dim()) + tuple(other.shape)
    _spread = input.reshape([size for each in _left for size in (each, 1)])
    _product = _spread * other.reshape([size for each in _right for size in (1, each)])
    return _product.reshape([a * b for a, b in zip(_left, _right, strict=True)])


def _inner(input: Tensor, other: Tensor) -> Tensor:
    if not input.dim() or not other.dim():
        return input * other
    return _tensordot(input, other, ([-1], [-1]))


def _contracted(a: Tensor, b: Tensor, dims: Any) -> tuple[list[int], list[int]]:
    """Return the axes that a tensordot sums over, of the first and of the second."""
    if isinstance(dims, int):
        return list(range(a.dim() - dims, a.dim())), list(range(dims))
    left, right = ([each] if isinstance(each, int) else list(each) for each in dims)
    return [axis % a.dim() for axis in left], [axis % b.dim() for axis in right]


def _meet(a: Tensor, b: Tensor, dims: Any = 2, out: None = None) -> bool:
    left, right = _contracted(a, b, dims)
    return [a.shape[axis] for axis in left] == [b.shape[axis] for axis in right]


def _tensordot(a: Tensor, b: Tensor, dims: Any = 2, out: None = None) -> Tensor:
    _left, _right = _contracted(a, b, dims)
    _rows = [axis for axis in range(a.dim()) if axis not in _left]
    _columns = [axis for axis in range(b.dim()) if axis not in _right]
    _size = math.prod(a.shape[axis] for axis in _left)
    _shape = [*(a.shape[axis] for axis in _rows), *(b.shape[axis] for axis in _columns)]
    _first = a.permute([*_rows, *_left]).reshape(-1, _size)
    _second = b.permute([*_right, *_columns]).reshape(_size, -1)
    return (_first @ _second).reshape(_shape)


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


# --- losses by margins ------------------------------------------------------------------


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


# --- parts, and other places ------------------------------------------------------------


def _take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    if dim is None:
        return input.reshape(-1).gather(0, indices.reshape(-1))
    _axis = dim % input.dim()
    _pairs = list(zip(input.shape, indices.shape, strict=True))
    _shape = [max(pair) if min(pair) == 1 else pair[0] for pair in _pairs]
    _own = [size if axis != _axis else input.shape[axis] for axis, size in enumerate(_shape)]
    _where = [size if axis != _axis else indices.shape[axis] for axis, size in enumerate(_shape)]
    _spread = input if list(input.shape) == _own else input.expand(_own)
    return _spread.gather(_axis, indices.expand(_where))


def _tile(input: Tensor, *dims: Any) -> Tensor:
    _copies = list(dims[0] if dims and isinstance(dims[0], Sequence) else dims)
    return input.repeat([1] * (input.dim() - len(_copies)) + _copies)


def _rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    _first, _second = dims
    if k % 4 == 1:
        return input.flip(_second).transpose(_first, _second)
    if k % 4 == 2:
        return input.flip((_first, _second))
    return input.flip(_first).transpose(_first, _second) if k % 4 == 3 else input.clone()


def _hsplit(input: Tensor, indices_or_sections: Any) -> Any:
    return input.tensor_split(indices_or_sections, dim=0 if input.dim() == 1 else 1)


def _atleast_2d(input: Tensor) -> Tensor:
    if input.dim() > 1:
        return input
    return input.unsqueeze(0) if input.dim() else input.reshape(1, 1)


def _atleast_3d(input: Tensor) -> Tensor:
    _flat = _atleast_2d(input)
    return _flat if _flat.dim() > 2 else _flat.unsqueeze(-1)


def _channel_shuffle(input: Tensor, groups: int) -> Tensor:
    _each = input.shape[1] // groups
    _shape = (input.shape[0], groups, _each, *input.shape[2:])
    return input.reshape(_shape).transpose(1, 2).reshape(input.shape)


COMPOSITES: dict[str, Callable[..., Any]] = {
    "outer": _outer,
    "ger": _outer,
    "kron": _kron,
    "inner": _inner,
    "tensordot": _tensordot,
    "dist": _dist,
    "rsub": _rsub,
    "diff": _diff,
    "take_along_dim": _take_along_dim,
    "tile": _tile,
    "rot90": _rot90,
    "fliplr": lambda input: input.flip(1),
    "flipud": lambda input: input.flip(0),
    "hsplit": _hsplit,
    "vsplit": lambda input, indices_or_sections: input.tensor_split(indices_or_sections, dim=0),
    "dsplit": lambda input, indices_or_sections: input.tensor_split(indices_or_sections, dim=2),
    "atleast_2d": _atleast_2d,
    "atleast_3d": _atleast_3d,
    "channel_shuffle": _channel_shuffle,
    "margin_ranking_loss": _margin_ranking_loss,
    "triplet_margin_loss": _triplet_margin_loss,
    "hinge_embedding_loss": _hinge_embedding_loss,
    "deg2rad": lambda input: input * (math.pi / 180),
    "rad2deg": lambda input: input * (180 / math.pi),
}


def _divides(axis: int, least: int) -> Callable[[Tensor, Any], bool]:
    """Say of a split into equal parts whether there is such an axis and such parts."""

    def fits(input: Tensor, indices_or_sections: Any) -> bool:
        if input.dim() < least:
            return False
        size = input.shape[axis if input.dim() > 1 else 0]
        return not isinstance(indices_or_sections, int) or size % indices_or_sections == 0

    return fits


def _plain(*_: Any, size_average: Any = None, reduce: Any = None, **kwargs: Any) -> bool:
    """Say of a loss whether it is called without what PyTorch has given up, by its keywords."""
    known = kwargs.get("reduction", "mean") in ("none", "mean", "sum")
    return known and size_average is None and reduce is None


# Where PyTorch refuses what the calls above would take.
FITTING: dict[str, Callable[..., bool]] = {
    "outer": lambda input, vec2: input.dim() == vec2.dim() == 1,
    "ger": lambda input, vec2: input.dim() == vec2.dim() == 1,
    "inner": lambda input, other: (
        not input.dim() or not other.dim() or input.shape[-1] == other.shape[-1]
    ),
    "tensordot": _meet,
    "diff": lambda input, n=1, dim=-1: n > 0 and input.shape[dim] > n,
    "take_along_dim": lambda input, indices, dim=None: (
        dim is None or input.dim() == indices.dim() > 0
    ),
    "margin_ranking_loss": _plain,
    "triplet_margin_loss": _plain,
    "hinge_embedding_loss": _plain,
    "rot90": lambda input, k=1, dims=(0, 1): dims[0] % input.dim() != dims[1] % input.dim(),
    "hsplit": _divides(1, 1),
    "vsplit": _divides(0, 2),
    "dsplit": _divides(2, 3),
    "channel_shuffle": lambda input, groups: input.dim() > 2 and input.shape[1] % groups == 0,
}
