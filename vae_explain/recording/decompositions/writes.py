"""Calls that return a tensor with other numbers in some of its places."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from .composite import Composite


def _index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    with torch._C.DisableTorchFunction():
        shape = [1] * input.dim()
        shape[dim] = -1
        here = torch.zeros(input.shape[dim], dtype=torch.bool)
        here = here.index_fill(0, index, True).reshape(shape).expand(input.shape)
    return input.masked_fill(here, value)


def _names_places(input: Tensor, dim: int, index: Tensor, value: Any) -> bool:
    size = input.shape[dim]
    right = index.dim() == 1 and bool(((index >= 0) & (index < size)).all())
    return input.dim() > 0 and right and (not isinstance(value, Tensor) or not value.dim())


def _masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    written = input.clone()
    written[mask] = source.reshape(-1)[: int(mask.sum())]
    return written


def _is_enough(input: Tensor, mask: Tensor, source: Tensor) -> bool:
    right = mask.dtype == torch.bool and input.dtype == source.dtype
    return right and mask.shape == input.shape and source.numel() >= int(mask.sum())


def _put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    line = input.reshape(-1)
    places = index.reshape(-1) % len(line)
    numbers = source.reshape(-1)
    put = line.scatter_add if accumulate else line.scatter
    return put(0, places, numbers).reshape(input.shape)


def _slice(
    input: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor:
    key = [slice(None)] * input.dim()
    key[dim] = slice(start, end, step)
    return input[tuple(key)]


def _scatter(part_of: Callable[..., Tensor]) -> Composite:
    """Return how a call is made that writes to a part of a copy of its input."""

    def make(input: Tensor, src: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        written = input.clone()
        part_of(written, *args, **kwargs).copy_(src)
        return written

    def fits(input: Tensor, src: Tensor, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        return src.shape == part_of(input, *args, **kwargs).shape

    return Composite(make, fits)


def _index_reduce(
    input: Tensor,
    dim: int,
    index: Tensor,
    source: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
) -> Tensor:
    shape = [1] * input.dim()
    shape[dim] = -1
    places = index.reshape(shape).expand(source.shape)
    return input.scatter_reduce(dim, places, source, reduce, include_self=include_self)


def _are_rows(
    input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, **_: Any
) -> bool:
    rows = list(input.shape)
    rows[dim] = len(index)
    right = bool(((index >= 0) & (index < input.shape[dim])).all())
    known = reduce in ("mean", "amax", "amin", "prod")
    return right and known and list(source.shape) == rows and source.dtype == input.dtype


WRITES: dict[str, Composite] = {
    "index_fill": Composite(_index_fill, _names_places),
    "index_reduce": Composite(_index_reduce, _are_rows),
    "masked_scatter": Composite(_masked_scatter, _is_enough),
    "put": Composite(_put, lambda index, source, **_: index.numel() == source.numel()),
    "select_scatter": _scatter(Tensor.select),
    "slice_scatter": _scatter(_slice),
    "diagonal_scatter": _scatter(Tensor.diagonal),
}
