"""A run's gradients against three oracles that each get them in another way.

The gradients that are judged are the rules' own: the chain rule by hand, in float64, from
the parameters, input and noise of the run. Autograd is PyTorch's word on the same run. The
other two differentiate a loss that was written down a second time, in `numpy_oracle.py`, which
knows neither the rules nor PyTorch; so a mistake in the model or its loss, which autograd
would faithfully differentiate, is found as well as one in a rule.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ..engine.graph import IMPLICIT
from ..engine.run import Run
from ..models.builtin_config import BUILT_IN, Architecture
from ..ops.losses.binary_cross_entropy import LOWEST_PRODUCT
from ..quick_classes import dataclass
from ..trace import Array
from . import numpy_oracle
from .judge import Again, Difference, GradientJudge, gradient_scale, largest, no_run

AUTOGRAD, COMPLEX_STEP, CENTRAL = ORACLES = ("autograd", "complex_step", "central_differences")
REWRITTEN = (
    "the model itself writes there as it runs, with gradients off or by way of data, so that "
    "moving a number up or down is undone or changed"
)
LEFT_OUT = (
    "the model is so large that only some of its parameters are moved, from all over it; the "
    "checks by autograd are of all"
)
FLOORED = (
    "binary_cross_entropy divides its gradient by p·(1 - p) and by no less than 1e-12, and no "
    "logarithm of its own goes below -100, so that where p is nearly 0 or 1 its gradient is not "
    "the slope of the loss"
)
SEED = 0  # of the numbers of a large parameter that are drawn to be moved
# What an evaluation of the loss takes, in nanoseconds: by itself, and for each number of a run.
OF_AN_EVALUATION, OF_A_NUMBER = 30_000, 8
EVALUATIONS = 5  # of each number that is moved, or so
# What all may take before fewer numbers are moved; and before a document has none moved.
MOST_WORK, MOST_IN_A_MOMENT = 15_000_000_000, 3_000_000_000


@dataclass(frozen=True)
class ParameterCheck:
    """One parameter's gradient beside every oracle's, by the oracle's name.

    `not_compared` says why central differences have no say here, though they may have of other
    parameters; empty if they have.
    """

    name: str
    shape: tuple[int, ...]
    differences: Mapping[str, Difference]
    not_compared: str = ""

    @property
    def count(self) -> int:
        """How many numbers it has."""
        return math.prod(self.shape)

    @property
    def passed(self) -> bool:
        return all(difference.passed for difference in self.differences.values())


@dataclass(frozen=True)
class Nudged:
    """Central differences of a loss by some numbers of a parameter.

    Attributes
    ----------
    places
        Which numbers, counted through the whole tensor.
    central, error
        The differences there, and how far off each may be in itself.
    """

    places: Array
    central: Array
    error: Array


@dataclass(frozen=True)
class Check:
    """What `check` found.

    Attributes
    ----------
    oracles
        Those that were asked.
    nudged
        How many numbers the central differences moved, where these were not all.
    missing
        Why central differences of a user's model could not be taken; empty if they were.
    """

    run: Run
    parameters: tuple[ParameterCheck, ...]
    oracles: tuple[str, ...] = ORACLES
    nudged: int = 0
    missing: str = ""

    @property
    def passed(self) -> bool:
        return all(parameter.passed for parameter in self.parameters)


def check(run: Run, architecture: Architecture = BUILT_IN, again: Again = no_run) -> Check:
    """Hold the gradient of every parameter of the built-in VAE against the oracles."""
    numbers = {value.name: value.id for value in run.trace.parameters}
    inputs, judge = oracle_inputs(run), GradientJudge(run, again)
    design = numpy_oracle.Design(
        architecture.activation, architecture.recon, architecture.reduction, architecture.beta
    )
    # Some of each, where all would take too long.
    most = max(MOST_WORK // _work_of_one(run) // len(numbers), 1)
    gradients = {
        name: run.hand_gradients.get(numbers[name], np.zeros(array.shape))  # none comes to it
        for name, array in inputs[0].items()
    }
    places = {name: chosen(array, most) for name, array in gradients.items()}
    by_step = numpy_oracle.complex_step(*inputs, design=design, places=places)
    central, error = numpy_oracle.central_differences(*inputs, design=design, places=places)
    checks = []
    for name, array in gradients.items():
        value_id, at = numbers[name], places[name]
        mine, steps, differ, off = (
            each.reshape(-1)[at] for each in (array, by_step[name], central[name], error[name])
        )
        scale = max(largest(steps), gradient_scale(run, value_id))
        differences = {
            AUTOGRAD: judge.autograd(value_id, scale),
            COMPLEX_STEP: judge.oracle(
                value_id, mine, steps, scale, numpy_oracle.SMALLEST_SLOPE, at
            ),
        }
        by_central = judge.oracle(value_id, mine, differ, scale, off, at)
        reason = "" if by_central.passed else _other_gradient(run, value_id)
        if not reason:
            differences[CENTRAL] = by_central
        checks.append(ParameterCheck(name, array.shape, differences, reason))
    return Check(run, tuple(checks), nudged=sum(map(len, places.values())))


def chosen(gradient: Array, most: int) -> Array:
    """Return the places of all numbers, or of the largest and some that are drawn."""
    if gradient.size <= most:
        return np.arange(gradient.size)
    largest = np.argsort(-np.abs(gradient.ravel()), kind="stable")[: most // 2]
    drawn = np.random.default_rng(SEED).choice(gradient.size, most - len(largest), replace=False)
    return np.unique(np.concatenate([largest, drawn]))


def _work_of_one(run: Run) -> int:
    """Return about how many nanoseconds it takes to move one number of a parameter."""
    return EVALUATIONS * (OF_AN_EVALUATION + OF_A_NUMBER * run.trace.numbers)


def check_in_reach(run: Run, architecture: Architecture | None, again: Again = no_run) -> Check:
    """Hold a run's gradients against every oracle that can speak of it in a moment.

    The second transcription knows the built-in VAE alone (no `architecture` means another
    model), and evaluates the loss anew for each parameter.
    """
    numbers = sum(value.array.size for value in run.trace.parameters)
    if architecture is None or numbers * _work_of_one(run) > MOST_IN_A_MOMENT:
        return check_autograd(run, again)
    return check(run, architecture, again)


def check_autograd(run: Run, again: Again = no_run) -> Check:
    """Hold the gradients of any model against autograd's alone."""
    return _check_own(run, {}, (AUTOGRAD,), again)


def check_own(run: Run, nudged: Mapping[str, Nudged] | str, again: Again = no_run) -> Check:
    """Hold the gradients of a user's model against autograd and central differences.

    Parameters
    ----------
    nudged
        The differences, by the parameter's name, or why there are none.
    again
        See `GradientJudge`.
    """
    if isinstance(nudged, str):
        return replace(check_autograd(run, again), missing=nudged)
    moved = sum(len(each.places) for each in nudged.values())
    return replace(_check_own(run, nudged, (AUTOGRAD, CENTRAL), again), nudged=moved)


def _check_own(
    run: Run, nudged: Mapping[str, Nudged], oracles: tuple[str, ...], again: Again
) -> Check:
    checks, judge = [], GradientJudge(run, again)
    for value in run.trace.values:
        if value.kind != "parameter" or value.name is None or value.id not in run.gradients:
            continue
        mine = run.hand_gradients.get(value.id, np.zeros(value.shape))
        scale = gradient_scale(run, value.id)
        differences = {AUTOGRAD: judge.autograd(value.id, scale)}
        reason = ""
        if CENTRAL in oracles:
            reason = REWRITTEN
            if (each := nudged.get(value.name)) is not None:
                reason = LEFT_OUT
                if len(each.places):
                    chosen = mine.ravel()[each.places]
                    central = judge.oracle(
                        value.id, chosen, each.central, scale, each.error, each.places
                    )
                    reason = "" if central.passed else _other_gradient(run, value.id)
                if not reason:
                    differences[CENTRAL] = central
        checks.append(ParameterCheck(value.name, value.shape, differences, reason))
    return Check(run, tuple(checks), oracles)


def _other_gradient(run: Run, value_id: int) -> str:
    """Say why a gradient is meant to be another than the slope of the loss; "" if it is not."""
    if value_id in run.graph.behind_hooks:
        return "a hook changes the gradient on its way there"
    function = run.graph.behind_functions().get(value_id)
    if function is None:
        return FLOORED if _is_floored(run, value_id) else ""
    if function in IMPLICIT:
        return (
            f"{function} draws by rejection, and its gradient is that of implicit "
            "reparameterization, which is not the slope of the draw itself"
        )
    if function.startswith("BackwardHookFunction"):
        return "a module's backward hook has a part in the gradient"
    return (
        f"{function} has a backward pass of its own, and the gradient that it hands on is not "
        "the slope of its forward pass"
    )


def _is_floored(run: Run, value_id: int) -> bool:
    """Whether a cross-entropy behind a parameter has a probability too close to 0 or 1."""
    for bound in run.graph.operations:
        if bound.rule_name == "binary_cross_entropy" and run.graph.depends(
            bound.output, [value_id]
        ):
            p = run.hand_values[bound.sources[0]]
            if np.any(p * (1 - p) < LOWEST_PRODUCT):
                return True
    return False


def oracle_inputs(run: Run) -> tuple[dict[str, Array], Array, Array]:
    """Return what the oracle starts from: the parameters by name, the input and the noise."""
    parameters = {v.name: run.values[v.id] for v in run.trace.parameters if v.name}
    return parameters, run.array("x"), run.array("eps")
