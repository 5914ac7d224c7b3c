"""Calls that take apart, join, repeat or rearrange numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from .composite import Composite


def _take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    if dim is None:
        return input.reshape(-1).gather(0, indices.reshape(-1))
    axis = dim % input.dim()
    pairs = list(zip(input.shape, indices.shape, strict=True))
    shape = [max(pair) if min(pair) == 1 else pair[0] for pair in pairs]
    own, wanted = shape.copy(), shape.copy()
    own[axis], wanted[axis] = input.shape[axis], indices.shape[axis]
    expanded = input if list(input.shape) == own else input.expand(own)
    return expanded.gather(axis, indices.expand(wanted))


def _unpacked(arguments: Sequence[Any]) -> Sequence[Any]:
    """Return what a call took one by one, or all in one sequence."""
    packed = arguments and isinstance(arguments[0], Sequence)
    return arguments[0] if packed else arguments


def _tile(input: Tensor, *dims: Any) -> Tensor:
    copies = list(_unpacked(dims))
    return input.repeat([1] * (input.dim() - len(copies)) + copies)


def _rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    first, second = dims
    if k % 4 == 1:
        return input.flip(second).transpose(first, second)
    if k % 4 == 2:
        return input.flip((first, second))
    return input.flip(first).transpose(first, second) if k % 4 == 3 else input.clone()


def _hsplit(input: Tensor, indices_or_sections: Any) -> Any:
    return input.tensor_split(indices_or_sections, dim=0 if input.dim() == 1 else 1)


def _atleast_2d(input: Tensor) -> Tensor:
    if input.dim() > 1:
        return input
    return input.unsqueeze(0) if input.dim() else input.reshape(1, 1)


def _atleast_3d(input: Tensor) -> Tensor:
    flat = _atleast_2d(input)
    return flat if flat.dim() > 2 else flat.unsqueeze(-1)


def _channel_shuffle(input: Tensor, groups: int) -> Tensor:
    each = input.shape[1] // groups
    shape = (input.shape[0], groups, each, *input.shape[2:])
    return input.reshape(shape).transpose(1, 2).reshape(input.shape)


def _sum_to_size(input: Tensor, *size: Any) -> Tensor:
    wanted = list(_unpacked(size))
    extra = input.dim() - len(wanted)
    padded = [1] * extra + wanted
    axes = [axis for axis, width in enumerate(padded) if width != input.shape[axis]]
    axes = sorted({*range(extra), *axes})
    summed = input.sum(axes, keepdim=True) if axes else input
    return summed.reshape(wanted) if extra else summed


def _can_be_summed(input: Tensor, size: Sequence[Any]) -> bool:
    wanted = list(_unpacked(size))
    own = input.shape[input.dim() - len(wanted) :]
    pairs = list(zip(own, wanted, strict=True))
    return all(width in (1, have) for have, width in pairs) and list(input.shape) != wanted


# --- joined -----------------------------------------------------------------------------


def _block_diag(*tensors: Tensor) -> Tensor:
    blocks = [each if each.dim() == 2 else each.reshape(1, -1) for each in tensors]
    width, before = sum(each.shape[1] for each in blocks), 0
    rows = []
    for block in blocks:
        behind = width - before - block.shape[1]
        rows.append(functional.pad(block, (before, behind)))
        before += block.shape[1]
    return torch.cat(rows)


def _meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    lines = list(_unpacked(tensors))
    if indexing == "xy":
        lines[:2] = lines[1::-1]
    shape = [each.numel() for each in lines]
    grids = []
    for axis, each in enumerate(lines):
        own = [size if at == axis else 1 for at, size in enumerate(shape)]
        grids.append(each.reshape(own).expand(shape))
    if indexing == "xy":
        grids[:2] = grids[1::-1]
    return tuple(grids)


def _cartesian_prod(*tensors: Tensor) -> Tensor:
    return torch.stack([each.flatten() for each in _meshgrid(*tensors)], 1)


def _are_lines(tensors: Sequence[Any], **_: Any) -> bool:
    lines = _unpacked(tensors)
    return len(lines) > 1 and all(each.dim() == 1 for each in lines)


def _combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    with torch._C.DisableTorchFunction():
        places = torch.meshgrid([torch.arange(len(input))] * r, indexing="ij")
        rising = torch.ones_like(places[0], dtype=torch.bool)
        for before, behind in pairwise(places):
            rising &= before <= behind if with_replacement else before < behind
    grids = _meshgrid(*[input] * r)
    return torch.stack([grid.masked_select(rising) for grid in grids], 1)


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
    rows = functional.embedding(input, weight)
    if offsets is None:
        return rows.max(1)[0]
    ends = [*offsets.tolist(), *([] if include_last_offset else [len(input)])]
    return torch.stack([rows[start:end].max(0)[0] for start, end in pairwise(ends)])


def _is_the_largest_of_each(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None,
    mode: str,
    include_last_offset: bool,
    **settings: Any,
) -> bool:
    others = [settings[name] for name in ("max_norm", "padding_idx", "per_sample_weights")]
    if mode != "max" or settings["scale_grad_by_freq"] or settings["sparse"]:
        return False
    if any(each is not None for each in others):
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
        lambda input, indices, dim: dim is None or input.dim() == indices.dim() > 0,
    ),
    "tile": Composite(_tile),
    "rot90": Composite(
        _rot90, lambda input, k, dims: dims[0] % input.dim() != dims[1] % input.dim()
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
        _block_diag, lambda tensors: all(each.dim() < 3 and each.numel() for each in tensors)
    ),
    "meshgrid": Composite(_meshgrid, _are_lines),
    "cartesian_prod": Composite(_cartesian_prod, _are_lines),
    "combinations": Composite(_combinations, lambda input, r, **_: r > 1 and len(input) >= r),
    "diagflat": Composite(lambda input, offset=0: torch.diag_embed(input.reshape(-1), offset)),
    "embedding_bag": Composite(_embedding_bag, _is_the_largest_of_each),
}
