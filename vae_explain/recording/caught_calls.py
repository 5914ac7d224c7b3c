"""What the recorder catches while the model runs, to be recorded when the run has ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from ..quick_classes import NamedTuple
from .call_info import Plan, results_of
from .frames import SeenFrames

# A caught call: its plan, its arguments, its result, and the frames that led to it. A plain
# tuple, of which the recorder makes one at every call.
CaughtCall = tuple[Plan, tuple[Any, ...], Mapping[str, Any], Any, SeenFrames]


class ModuleReturn(NamedTuple):
    """What a module of the user's own has returned."""

    module: nn.Module
    result: Any


Caught = Sequence[CaughtCall | ModuleReturn]


class ModuleState(NamedTuple):
    """A module and its tensors before the run, which may replace some under the same name."""

    path: str
    module: nn.Module
    parameters: Mapping[str, Tensor | None]
    buffers: Mapping[str, Tensor | None]


def made_by(caught: Caught) -> list[tuple[Tensor, ...]]:
    """Return for each call the tensors that it made, if those are numbers to compute with."""
    return [
        () if isinstance(call, ModuleReturn) else results_of(call[3], call[0].counts)
        for call in caught
    ]
