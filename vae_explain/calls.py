"""What a recorded call is: its plain name, what it needs, what it made."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from .capture import writes_by_name
from .noise import DROPOUTS, NOISE

# Property reads that make a tensor to compute with; every other one is only a look.
TENSOR_PROPERTIES = {"T", "mT", "H", "mH", "real", "imag"}
REFLECTED = {"rsub": "sub", "rdiv": "div", "rpow": "pow", "rmatmul": "matmul"}


def results_of(result: Any) -> list[Tensor]:
    """Return the tensors that a call made, if they are numbers to compute with.

    A comparison, a count or an index is a look at numbers, not arithmetic with them: the
    checks of torch.distributions are such. Where one is used it is a constant.
    """
    if isinstance(result, Tensor):
        found = [result]
    elif isinstance(result, list | tuple):
        found = [item for item in result if isinstance(item, Tensor)]
    else:
        return []
    for tensor in found:
        if tensor.is_floating_point() or tensor.is_complex():
            return found
    return []


def index_of(key: Any) -> Any:
    """Return what stands between brackets with lists as tensors, as which PyTorch takes them.

    In the record a list and a tuple are alike, but `h[[0, 1]]` and `h[0, 1]` are not.
    """
    if isinstance(key, tuple):
        return tuple(map(index_of, key))
    plain = isinstance(key, list) and all(isinstance(item, int | list) for item in key)
    return torch.as_tensor(key) if plain or isinstance(key, np.ndarray) else key


class Plan(NamedTuple):
    """What calls of one name need: worked out once for each name."""

    op: str  # the plain name
    reflected: bool  # whether its operands come in reverse
    writes: bool
    noisy: bool
    factory: bool  # makes a constant of its tensors' shapes
    special: bool


@cache
def plan_of(name: str) -> Plan:
    """Return what a call needs, by its name.

    Examples
    --------
    >>> plan_of("__rsub__")[:3], plan_of("add_")[:3], plan_of("log_softmax")[:3]
    (('sub', True, False), ('add', False, True), ('log_softmax', False, False))
    """
    plain = name.strip("_")
    reflected = plain in REFLECTED and name.startswith("__")
    return Plan(
        op=REFLECTED[plain] if reflected else plain,
        reflected=reflected,
        writes=writes_by_name(name),
        noisy=name in NOISE,
        factory=name.startswith("new_") or name.endswith("_like"),
        special=name in DROPOUTS or name == "__getitem__",
    )
