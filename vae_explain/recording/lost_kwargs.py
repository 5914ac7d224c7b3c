"""Keywords that PyTorch loses when it dispatches a function to a mode.

`torch.nn.functional.l1_loss` calls `handle_torch_function` without its `weight`, so a mode sees
a call without weights and would compute another loss. The value is still in the frame of the
function that dispatched. Each of our modes looks for it, since each may come first.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import FrameType
from typing import Any

from torch.nn import functional

LOST = {"l1_loss": "weight"}  # the only one of torch.nn.functional in PyTorch 2.13


def with_lost(name: str, kwargs: Mapping[str, Any], frame: FrameType | None) -> Mapping[str, Any]:
    """Return the keywords of a call together with those that its dispatch has lost.

    Parameters
    ----------
    frame
        The frame that called the mode.
    """
    lost = LOST.get(name)
    if lost is None or lost in kwargs:
        return kwargs
    code = getattr(functional, name).__code__
    while frame is not None and frame.f_code is not code:
        frame = frame.f_back
    value = None if frame is None else frame.f_locals.get(lost)
    return kwargs if value is None else {**kwargs, lost: value}
