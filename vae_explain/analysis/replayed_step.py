"""One step of gradient descent from a run alone: the model replayed by hand from what it gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ..engine.forward_pass import replay_part
from ..engine.run import Run
from ..errors import UserError
from ..ops import NotExplained
from ..trace import Array
from .training_records import CannotTrain, OptimizerStep, Update


class CannotReplay(UserError):
    """A run that cannot be done again by hand with other parameters; the message says why."""

    option = "--run"


def gradient_step(run: Run, lr: float) -> Update:
    """Take one step of gradient descent from a run and do it again by the rules.

    Raises
    ------
    CannotTrain
        If the loss does not depend on any parameter.
    CannotReplay
        If an operation without a rule stands between a parameter and the loss.
    """
    if not run.learning:
        raise CannotTrain("the loss depends on no parameter, so there is nothing to update")
    moved = {n: _moved(run.values[n], run.gradients[n], lr) for n in run.learning}
    after = {
        value.name: moved.get(value.id, run.values[value.id])
        for value in run.trace.parameters
        if value.name
    }
    step = OptimizerStep(0, "sgd", lr, run, after, {}, {}, "NumPy")
    return Update(step, _again(run, moved))


def _moved(parameter: Array, gradient: Array, lr: float) -> Array:
    """Return the new numbers, in the parameter's own precision, rounded once."""
    rate = parameter.dtype.type(lr)
    wide = np.result_type(parameter, np.float64)
    moved = parameter.astype(wide) - rate * gradient.astype(wide)
    return np.asarray(moved, parameter.dtype)


def _again(run: Run, moved: Mapping[int, Array]) -> Run:
    """Return the run with the loss and its terms as other parameters give them."""
    ends = {run.trace.output, *(term.value for term in run.trace.terms)}
    try:
        with np.errstate(over="ignore"):  # an overflow shows as the inf that it is
            replayed = replay_part(run.graph, run.values, moved, ends)
            values = {n: replayed[n].astype(run.values[n].dtype) for n in ends}
    except NotExplained as reason:
        raise CannotReplay(
            f"the loss after a step cannot be computed without the model: {reason}"
        ) from None
    return replace(run, values={**run.values, **values})
