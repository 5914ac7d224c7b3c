"""Calls of PyTorch's that are a few of its others in a row: `outer`, `quantile`, `dist`, …

Each is written out as PyTorch itself has it, so that the numbers are the same to the last bit,
and their gradients too, and a reader is shown what the call does: `outer` is a column times a
row. One whose backward pass PyTorch has made another way has a rule in `ops` instead.

Their variables are nobody's words: the recorder takes no names from these files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any

from torch import Tensor

from .algebra import ALGEBRA
from .calls import Composite
from .losses import LOSSES
from .parts import PARTS
from .statistics import STATISTICS
from .writes import WRITES

COMPOSITES: dict[str, Composite] = {**ALGEBRA, **STATISTICS, **LOSSES, **PARTS, **WRITES}


def composite(
    name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Callable[..., Any] | None:
    """Return what makes a call by others; None for one that is not written out here."""
    found = COMPOSITES.get(name)
    if found is None or kwargs.get("out") is not None:
        return None
    if found.given and kwargs.get(found.given) is None:
        return None  # which is most calls of this name, and quickly found out
    try:
        signature(found.made).bind(*args, **kwargs)
        right = _begins_with_tensors(args[0]) and found.fits(*args, **kwargs)
    except (TypeError, IndexError):  # a form that is not written out, or axes that are not there
        right = False
    # What is wrong with a call it says itself.
    return found.made if right else None


def _begins_with_tensors(first: Any) -> bool:
    if isinstance(first, list | tuple):
        return bool(first) and all(isinstance(each, Tensor) for each in first)
    return isinstance(first, Tensor)
