"""What PyTorch leaves out when a function hands itself over to a mode, found again.

Without it a loss would be worked out with no weights, and nothing would say so. Each of our
modes asks for it, for each stands before another.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import FrameType
from typing import Any

from torch.nn import functional

LOSING = {"l1_loss": "weight"}  # the only one of torch.nn.functional in PyTorch 2.13


def handed_over(name: str, kwargs: Mapping[str, Any], frame: FrameType | None) -> Mapping[str, Any]:
    """Return the keywords of a call with what its hand-over has left out.

    It is found where the function that handed over still waits for the result.

    Parameters
    ----------
    frame
        The frame that called the mode.
    """
    lost = LOSING.get(name)
    if lost is None or lost in kwargs:
        return kwargs
    code = getattr(functional, name).__code__
    while frame is not None and frame.f_code is not code:
        frame = frame.f_back
    value = None if frame is None else frame.f_locals.get(lost)
    return kwargs if value is None else {**kwargs, lost: value}
