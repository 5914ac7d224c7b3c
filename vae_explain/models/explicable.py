"""Whether a run can be explained at all: in real numbers, of enough digits, all of them written."""

from __future__ import annotations

import numpy as np

from ..engine.forward_pass import replay_part
from ..engine.graph import Graph
from ..errors import UserError
from ..ops import NotExplained
from ..recording.tensor_arrays import NotReal
from ..trace import Trace


class TooCoarse(UserError):
    """A run in numbers of so few digits that no line of it could be checked."""

    option = "--model"


class NeverWritten(UserError):
    """A run whose loss depends on memory that nothing was written to, and so differs each time."""

    option = "--model"


def require_explicable(trace: Trace) -> None:
    """Raise an error for a run whose pages would be wrong, or could not be checked.

    Raises
    ------
    NotReal
        If it has complex numbers.
    TooCoarse
        If its gradients come by way of bfloat16.
    NeverWritten
        If the loss would be another with other numbers in empty memory.
    """
    _require_real(trace)
    _require_digits(trace)
    _require_written(trace)


def _require_real(trace: Trace) -> None:
    """Raise `NotReal` for a run with complex numbers."""
    for value in trace.values:
        if value.array.dtype.kind == "c":
            makers = [each.name for each in trace.operations if value.id in each.outputs]
            made_by = " and ".join(makers)
            raise NotReal(value.name or f"what {made_by or 'it reads'} gives", made_by)


def _require_digits(trace: Trace) -> None:
    """Raise `TooCoarse` if the gradients come by way of bfloat16."""
    for operation in trace.operations:
        for value_id in operation.outputs:
            if value_id in trace.widened and value_id in trace.gradients:
                where = trace.values[value_id].name or f"what {operation.name} gives"
                raise TooCoarse(
                    f"{where} is in bfloat16, whose 2 to 3 digits cannot tell a line that is "
                    "right from one that is wrong: run the model in float32, without autocast "
                    "or .bfloat16()"
                )


def _require_written(trace: Trace) -> None:
    """Raise `NeverWritten` if the loss would be another with other numbers in empty memory."""
    if not trace.uninitialised:
        return
    graph = Graph(trace)
    values = {value.id: value.array for value in trace.values}
    for value_id in trace.uninitialised:
        array = values[value_id]
        others = np.random.default_rng(value_id).normal(size=array.shape)
        try:
            as_it_is, otherwise = (
                replay_part(graph, values, {value_id: written}, {trace.output})[trace.output]
                for written in (array, others)
            )
        except NotExplained:
            continue  # what has no rule is not said to be right either
        if not np.array_equal(as_it_is, otherwise, equal_nan=True):
            first = graph.consumers(value_id)[0].output
            name = trace.values[first].name
            where = f"{name} is made of" if name else "it computes with"
            raise NeverWritten(
                f"{where} numbers that were never written: torch.empty holds what happens to be "
                "in memory, and the loss depends on it; write to all of it, or use torch.zeros"
            )
