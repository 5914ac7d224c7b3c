"""A batch as a loop has it, `(x, label)` or `{"image": x}`, with another x in place of its own."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ...recording.tensor_arrays import replaced_in, tensors_in


def first_tensor(batch: Any) -> Tensor | None:
    """Return the input in a batch, as in `(x, y)`: its first tensor; None where there is none."""
    return next(tensors_in(batch), None)


def batch_of(batch: Any, x: Tensor) -> Any:
    """Return a batch with another input in place of its own; of twice the rows, all of it twice."""
    first = first_tensor(batch)
    if first is None:
        return batch
    rows = len(first) if first.dim() else 0

    def other(value: Any) -> Any:
        if value is first:
            return x
        if isinstance(value, Tensor):
            twice = value.dim() and len(value) == rows and len(x) == 2 * rows
            return torch.cat([value, value]) if twice else value
        return value

    return replaced_in(batch, other)
