"""Calls of PyTorch that consist of other calls: `outer`, `quantile`, a whole LSTM, …

A mode sees each of them as one call. Here they are made from the calls that they consist of, so
that each of these is recorded and a reader sees what the call does. The order is PyTorch's own, so
that the numbers and their gradients are the same to the last bit. A call whose backward pass
PyTorch has in another form has a rule in `ops` instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .algebra import ALGEBRA
from .composite import Composite
from .losses import LOSSES
from .networks import NETWORKS
from .parts import PARTS
from .statistics import STATISTICS
from .writes import WRITES

COMPOSITES: dict[str, Composite] = {
    **ALGEBRA, **STATISTICS, **LOSSES, **NETWORKS, **PARTS, **WRITES,
}  # fmt: skip


def decomposition_of(
    name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any] | None = None
) -> Callable[[], Any] | None:
    """Return what makes a call by other calls; None for a call that is recorded as one."""
    composite = COMPOSITES.get(name)
    return None if composite is None else composite.of_call(args, kwargs or {})
