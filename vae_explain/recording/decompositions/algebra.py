"""Products of tensors and of matrices, and the sizes of these."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from .composite import Composite

# --- products ---------------------------------------------------------------------------


def _outer(input: Tensor, vec2: Tensor) -> Tensor:
    return input.reshape(-1, 1) * vec2


def _kron(input: Tensor, other: Tensor) -> Tensor:
    rank = max(input.dim(), other.dim())
    left = (1,) * (rank - input.dim()) + tuple(input.shape)
    right = (1,) * (rank - other.dim()) + tuple(other.shape)
    spread = input.reshape([size for each in left for size in (each, 1)])
    product = spread * other.reshape([size for each in right for size in (1, each)])
    return product.reshape([a * b for a, b in zip(left, right, strict=True)])


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


def _meet(a: Tensor, b: Tensor, dims: Any, **_: Any) -> bool:
    left, right = _contracted(a, b, dims)
    return [a.shape[axis] for axis in left] == [b.shape[axis] for axis in right]


def _tensordot(a: Tensor, b: Tensor, dims: Any = 2, out: None = None) -> Tensor:
    left, right = _contracted(a, b, dims)
    rows = [axis for axis in range(a.dim()) if axis not in left]
    columns = [axis for axis in range(b.dim()) if axis not in right]
    size = math.prod(a.shape[axis] for axis in left)
    shape = [*(a.shape[axis] for axis in rows), *(b.shape[axis] for axis in columns)]
    first = a.permute([*rows, *left]).reshape(-1, size)
    second = b.permute([*right, *columns]).reshape(size, -1)
    return (first @ second).reshape(shape)


def _vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    return (x * y).sum(dim)


# --- several matrices -------------------------------------------------------------------


def _multi_dot(tensors: Sequence[Tensor]) -> Tensor:
    """Multiply matrices in the order that takes the fewest products of numbers."""
    matrices = list(tensors)
    row, column = matrices[0].dim() == 1, matrices[-1].dim() == 1
    if row:
        matrices[0] = matrices[0].unsqueeze(0)
    if column:
        matrices[-1] = matrices[-1].unsqueeze(-1)
    sizes = (*(each.shape[0] for each in matrices), matrices[-1].shape[1])
    product = _in_order(matrices, sizes, 0, len(matrices) - 1)
    if row:
        product = product.squeeze(0)
    return product.squeeze(-1) if column else product


@lru_cache(maxsize=1000)
def _best_split(sizes: tuple[int, ...], first: int, last: int) -> tuple[int, int]:
    """Return how many products of numbers a chain of matrices takes, and its last split.

    The split is given by the matrix ahead of it (Cormen et al., ch. 14.2).
    """
    if first == last:
        return 0, first
    return min(
        (
            _best_split(sizes, first, split)[0]
            + _best_split(sizes, split + 1, last)[0]
            + sizes[first] * sizes[split + 1] * sizes[last + 1],
            split,
        )
        for split in range(first, last)
    )


def _in_order(matrices: list[Tensor], sizes: tuple[int, ...], first: int, last: int) -> Tensor:
    if first == last:
        return matrices[first]
    _, split = _best_split(sizes, first, last)
    left = _in_order(matrices, sizes, first, split)
    return left @ _in_order(matrices, sizes, split + 1, last)


def _are_matrices(tensors: Sequence[Tensor]) -> bool:
    if not isinstance(tensors, list | tuple) or len(tensors) < 3:
        return False
    ranks = [each.dim() for each in tensors]
    inner = all(rank == 2 for rank in ranks[1:-1])
    sizes = [(a.shape[-1], b.shape[0]) for a, b in pairwise(tensors)]
    return inner and set(ranks) <= {1, 2} and all(left == right for left, right in sizes)


def _chain_matmul(*matrices: Tensor) -> Tensor:
    return _multi_dot(matrices)


def _are_all_matrices(matrices: Sequence[Tensor]) -> bool:
    return _are_matrices(matrices) and all(each.dim() == 2 for each in matrices)


def _matrix_power(A: Tensor, n: int) -> Tensor:
    """Multiply a matrix by itself, by squares where that takes fewer products."""
    if n == 3:
        return (A @ A) @ A
    square, power = A, A if n % 2 else None
    while n > 1:
        n //= 2
        square = square @ square
        if n % 2:
            power = square if power is None else power @ square
    assert power is not None, "the highest digit of a number is never 0"
    return power


def _is_square(A: Tensor, n: int) -> bool:
    return n > 1 and A.dim() > 1 and A.shape[-1] == A.shape[-2]


# --- sizes ------------------------------------------------------------------------------


def _matrix_norm(A: Tensor, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False) -> Tensor:
    """Take the root of all squares, or the largest or smallest sum of a row or a column."""
    if ord == "fro":
        length: Tensor = torch.linalg.vector_norm(A, 2, dim, keepdim)
        return length
    rows, columns = (axis % A.dim() for axis in dim)
    summed, compared = (columns, rows) if math.isinf(ord) else (rows, columns)
    sums: Tensor = torch.linalg.vector_norm(A, 1, summed, True)
    norm = sums.amax(compared, True) if ord > 0 else sums.amin(compared, True)
    for axis in sorted((rows, columns), reverse=True) if not keepdim else ():
        norm = norm.squeeze(axis)
    return norm


def _is_by_sums(A: Tensor, ord: Any, dim: Any, **_: Any) -> bool:
    if len(dim) != 2 or len({axis % A.dim() for axis in dim}) != 2:
        return False
    return ord in ("fro", 1, -1, math.inf, -math.inf)


def _linalg_norm(A: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False) -> Tensor:
    if _is_vector(A, dim):
        length: Tensor = torch.linalg.vector_norm(A, ord, dim, keepdim)
        return length
    return _matrix_norm(A, ord, (-2, -1) if dim is None else dim, keepdim)


def _is_vector(A: Tensor, dim: Any) -> bool:
    return isinstance(dim, int) or (A.dim() == 1 if dim is None else len(dim) == 1)


def _has_an_order(A: Tensor, ord: Any, dim: Any, **_: Any) -> bool:
    if ord is None or isinstance(dim, int):
        return False  # of which there is a rule
    if _is_vector(A, dim):
        return not isinstance(ord, str)
    return (A.dim() == 2 or dim is not None) and _is_by_sums(A, ord, dim or (-2, -1))


def _normalize(
    input: Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: None = None
) -> Tensor:
    length: Tensor = input.norm(p, dim, keepdim=True).clamp_min(eps).expand_as(input)
    return input / length


def _is_not_euclidean(p: float, dim: Any, **_: Any) -> bool:
    return p != 2 or not isinstance(dim, int)  # of the others there is a rule


def _clamp(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """Hold between two numbers: beside a number, PyTorch takes a limit that is a tensor as one."""
    limits = (limit.item() if isinstance(limit, Tensor) else limit for limit in (min, max))
    return input.clamp(*limits)


def _mixes_limits(min: Any, max: Any, **_: Any) -> bool:
    return None not in (min, max) and isinstance(min, Tensor) != isinstance(max, Tensor)


ALGEBRA: dict[str, Composite] = {
    "clamp": Composite(_clamp, _mixes_limits),
    "clip": Composite(_clamp, _mixes_limits),
    "outer": Composite(_outer, lambda input, vec2: input.dim() == vec2.dim() == 1),
    "ger": Composite(_outer, lambda input, vec2: input.dim() == vec2.dim() == 1),
    "kron": Composite(_kron),
    "inner": Composite(
        _inner,
        lambda input, other: (
            not input.dim() or not other.dim() or input.shape[-1] == other.shape[-1]
        ),
    ),
    "tensordot": Composite(_tensordot, _meet),
    "linalg_vecdot": Composite(_vecdot),
    "linalg_multi_dot": Composite(_multi_dot, _are_matrices),
    "chain_matmul": Composite(_chain_matmul, _are_all_matrices),
    "linalg_matrix_power": Composite(_matrix_power, _is_square),
    "matrix_power": Composite(_matrix_power, _is_square),
    "linalg_matrix_norm": Composite(_matrix_norm, _is_by_sums),
    "linalg_norm": Composite(_linalg_norm, _has_an_order),
    "normalize": Composite(_normalize, _is_not_euclidean),
}
