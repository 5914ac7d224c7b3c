"""Numbers taken apart, joined, repeated, and put in other places."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from .calls import Composite


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


def _sum_to_size(input: Tensor, *size: Any) -> Tensor:
    _wanted = list(size[0] if size and isinstance(size[0], Sequence) else size)
    _extra = input.dim() - len(_wanted)
    _padded = [1] * _extra + _wanted
    _axes = [axis for axis, width in enumerate(_padded) if width != input.shape[axis]]
    _axes = sorted({*range(_extra), *_axes})
    _summed = input.sum(_axes, keepdim=True) if _axes else input
    return _summed.reshape(_wanted) if _extra else _summed


def _can_be_summed(input: Tensor, *size: Any) -> bool:
    wanted = list(size[0] if size and isinstance(size[0], Sequence) else size)
    own = input.shape[input.dim() - len(wanted) :]
    pairs = list(zip(own, wanted, strict=True))
    return all(width in (1, have) for have, width in pairs) and list(input.shape) != wanted


# --- joined -----------------------------------------------------------------------------


def _block_diag(*tensors: Tensor) -> Tensor:
    _blocks = [each if each.dim() == 2 else each.reshape(1, -1) for each in tensors]
    _width, _before = sum(each.shape[1] for each in _blocks), 0
    _rows = []
    for _block in _blocks:
        _behind = _width - _before - _block.shape[1]
        _rows.append(functional.pad(_block, (_before, _behind)))
        _before += _block.shape[1]
    return torch.cat(_rows)


def _meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    _given = list(tensors[0]) if not isinstance(tensors[0], Tensor) else list(tensors)
    if indexing == "xy":
        _given[:2] = _given[1::-1]
    _shape = [each.numel() for each in _given]
    _grids = []
    for axis, _each in enumerate(_given):
        _own = [size if at == axis else 1 for at, size in enumerate(_shape)]
        _grids.append(_each.reshape(_own).expand(_shape))
    if indexing == "xy":
        _grids[:2] = _grids[1::-1]
    return tuple(_grids)


def _cartesian_prod(*tensors: Tensor) -> Tensor:
    return torch.stack([each.flatten() for each in _meshgrid(*tensors)], 1)


def _are_lines(*tensors: Any, indexing: str | None = None) -> bool:
    given = tensors[0] if not isinstance(tensors[0], Tensor) else tensors
    return len(given) > 1 and all(each.dim() == 1 for each in given)


def _combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    with torch._C.DisableTorchFunction():
        _places = torch.meshgrid([torch.arange(len(input))] * r, indexing="ij")
        _rising = torch.ones_like(_places[0], dtype=torch.bool)
        for before, behind in pairwise(_places):
            _rising &= before <= behind if with_replacement else before < behind
    _grids = _meshgrid(*[input] * r)
    return torch.stack([_grid.masked_select(_rising) for _grid in _grids], 1)


# --- rows of a table --------------------------------------------------------------------


def _embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: None = None,
) -> Tensor:
    """Take the largest of each column of a bag's rows; of a sum and a mean there is a rule."""
    _rows = functional.embedding(input, weight)
    if offsets is None:
        return _rows.max(1)[0]
    _ends = [*offsets.tolist(), *([] if include_last_offset else [len(input)])]
    return torch.stack([_rows[start:end].max(0)[0] for start, end in pairwise(_ends)])


def _is_the_largest_of_each(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> bool:
    others = (max_norm, padding_idx, per_sample_weights)
    if mode != "max" or scale_grad_by_freq or sparse or any(each is not None for each in others):
        return False
    if weight.dim() != 2 or not weight.is_floating_point():
        return False
    rows = len(weight)
    if not input.numel() or not bool(((input >= 0) & (input < rows)).all()):
        return False
    if offsets is None:
        return input.dim() == 2
    ends = [*offsets.tolist(), *([] if include_last_offset else [len(input)])]
    filled = all(start < end for start, end in pairwise(ends))
    return input.dim() == offsets.dim() == 1 and filled and ends[0] == 0


def _divides(axis: int, least: int) -> Callable[[Tensor, Any], bool]:
    """Say of a split into equal parts whether there is such an axis and such parts."""

    def fits(input: Tensor, indices_or_sections: Any) -> bool:
        if input.dim() < least:
            return False
        size = input.shape[axis if input.dim() > 1 else 0]
        return not isinstance(indices_or_sections, int) or size % indices_or_sections == 0

    return fits


PARTS: dict[str, Composite] = {
    "take_along_dim": Composite(
        _take_along_dim,
        lambda input, indices, dim=None: dim is None or input.dim() == indices.dim() > 0,
    ),
    "tile": Composite(_tile),
    "rot90": Composite(
        _rot90, lambda input, k=1, dims=(0, 1): dims[0] % input.dim() != dims[1] % input.dim()
    ),
    "fliplr": Composite(lambda input: input.flip(1)),
    "flipud": Composite(lambda input: input.flip(0)),
    "hsplit": Composite(_hsplit, _divides(1, 1)),
    "vsplit": Composite(
        lambda input, indices_or_sections: input.tensor_split(indices_or_sections, dim=0),
        _divides(0, 2),
    ),
    "dsplit": Composite(
        lambda input, indices_or_sections: input.tensor_split(indices_or_sections, dim=2),
        _divides(2, 3),
    ),
    "atleast_2d": Composite(_atleast_2d),
    "atleast_3d": Composite(_atleast_3d),
    "channel_shuffle": Composite(
        _channel_shuffle,
        lambda input, groups: input.dim() > 2 and input.shape[1] % groups == 0,
    ),
    "sum_to_size": Composite(_sum_to_size, _can_be_summed),
    "block_diag": Composite(
        _block_diag, lambda *tensors: all(each.dim() < 3 and each.numel() for each in tensors)
    ),
    "meshgrid": Composite(_meshgrid, _are_lines),
    "cartesian_prod": Composite(_cartesian_prod, _are_lines),
    "combinations": Composite(
        _combinations, lambda input, r=2, with_replacement=False: r > 1 and len(input) >= r
    ),
    "diagflat": Composite(lambda input, offset=0: torch.diag_embed(input.reshape(-1), offset)),
    "embedding_bag": Composite(_embedding_bag, _is_the_largest_of_each),
}
