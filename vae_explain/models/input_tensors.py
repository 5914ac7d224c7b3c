"""What a model is given: an input as a tensor of the type that the model takes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from .prepared_model import PreparedModel

if TYPE_CHECKING:
    from .request import Input

LOOK_UP = nn.Embedding, nn.EmbeddingBag


def as_numbers(x: Input, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return an input as a tensor of real numbers; a tensor stays as it is."""
    return x if isinstance(x, Tensor) else torch.as_tensor(x, dtype=dtype)


def of_batch(x: Input) -> Input:
    """Return the input of a batch of a `DataLoader`, `(x, y)` or `{"image": x}`, or the input."""
    if isinstance(x, Mapping):
        tensors = [value for value in x.values() if isinstance(value, Tensor)]
        floating = [tensor for tensor in tensors if tensor.is_floating_point()]
        return next(iter((*floating, *tensors)), x)
    is_batch = isinstance(x, list | tuple) and len(x) > 0 and isinstance(x[0], Tensor)
    first: Input = x[0] if is_batch else x
    return first


def taken_by(model: nn.Module, x: Input) -> Tensor:
    """Return an input in the precision of a model's parameters; a tensor stays as it is."""
    floating = (each.dtype for each in model.parameters() if each.is_floating_point())
    return as_numbers(x, next(floating, torch.get_default_dtype()))


def as_it_takes(ready: PreparedModel, x: Input) -> PreparedModel:
    """Give a user's model whole numbers as tokens, or as real numbers, whichever it runs on.

    An array of integers is tried as it is first. Numbers that were typed are real numbers first,
    and tokens only where the model looks something up by its input.
    """
    is_integer = isinstance(x, np.ndarray) and np.issubdtype(x.dtype, np.integer)
    if isinstance(x, Tensor) or not (is_integer or _looks_up(ready.model, x)):
        return ready
    # The type of indices that everything in PyTorch takes.
    tokens = torch.as_tensor(np.asarray(x, dtype=np.int64))
    as_tokens = dataclasses.replace(ready, x=tokens)
    first, second = (as_tokens, ready) if is_integer else (ready, as_tokens)
    return second if not _runs(first) and _runs(second) else first


def _looks_up(model: nn.Module, x: Any) -> bool:
    has_table = any(isinstance(module, LOOK_UP) for module in model.modules())
    return has_table and bool(np.all(np.mod(np.asarray(x, dtype=np.float64), 1) == 0))


def _runs(ready: PreparedModel) -> bool:
    """Whether a model runs; its errors are reported when it is run again."""
    try:
        ready.draws()
    except KeyboardInterrupt:
        raise
    except BaseException:
        return False
    return True
