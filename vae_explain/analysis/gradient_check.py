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
from dataclasses import dataclass, replace

import numpy as np

from ..engine.backward_pass import shares
from ..engine.formulas import Steps
from ..engine.graph import IMPLICIT
from ..engine.run import Arithmetic, Run
from ..models.builtin_config import BUILT_IN, Architecture
from ..ops.reduction.normalize import NORMALIZE
from ..symbolic.expression import measure
from ..trace import Array
from . import numpy_oracle

AUTOGRAD, COMPLEX_STEP, CENTRAL = ORACLES = ("autograd", "complex_step", "central_differences")
# Relative to the gradient's scale. Of a float32's seven digits, exp of a large log-variance
# loses two more than the rest of the model does.
AUTOGRAD_ALLOWED: Mapping[Arithmetic, float] = {"printed": 1e-12, "full": 1e-4}
# Below its smallest normal number a float32 has not all of its digits, and may be made zero.
UNDERFLOW: Mapping[Arithmetic, float] = {
    "printed": 0.0,
    "full": float(np.finfo(np.float32).tiny),
}
COMPLEX_STEP_ALLOWED = 1e-12
CENTRAL_ALLOWED = 1e-6
REWRITTEN = (
    "the model itself writes there as it runs, with gradients off or by way of data, so that "
    "moving a number up or down is undone or changed"
)
MOST_EVALUATED = 5000  # parameters, each with three evaluations of the loss: a second or two
# Where an op takes what it adds to every row, such as a bias: its gradient is a sum. So is that
# of a weight norm's length, of what arrives times parts of a direction of length 1. Of other
# contractions it is the third operand.
BIAS_AT = (2,)  # of a layer: its input, its weight, its bias
ADDED_AT: Mapping[str, tuple[int, ...]] = {
    "add": (0, 1),
    "weight_norm": (1,),
    "addmm": (0,),
    "baddbmm": (0,),
    "addmv": (0,),
    "bilinear": (3,),
    "einsum": (),
}
# Central differences that may be this far off in themselves say nothing.
SAYS_NOTHING = 1e-2


@dataclass(frozen=True)
class Difference:
    """How far one gradient is from an oracle's at most, and whether that is near enough.

    Attributes
    ----------
    absolute
        The largest difference of two elements.
    relative
        The same as a part of the gradient's scale, see `gradient_scale`.
    conclusive
        Whether the oracle is exact enough here for its word to count.
    """

    absolute: float
    relative: float
    passed: bool
    conclusive: bool = True


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


def check(run: Run, architecture: Architecture = BUILT_IN) -> Check:
    """Hold the gradient of every parameter of the built-in VAE against the oracles."""
    numbers = {value.name: value.id for value in run.trace.values if value.kind == "parameter"}
    inputs = oracle_inputs(run)
    design = numpy_oracle.Design(
        architecture.activation, architecture.recon, architecture.reduction, architecture.beta
    )
    by_step = numpy_oracle.complex_step(*inputs, design=design)
    central, error = numpy_oracle.central_differences(*inputs, design=design)
    step_allowed, central_allowed = _allowed(run, COMPLEX_STEP_ALLOWED), _allowed(run)
    checks = []
    for name, array in inputs[0].items():
        none = np.zeros(array.shape)  # what no gradient at all amounts to
        number = numbers[name]
        mine = run.hand_gradients.get(number, none)
        autograd = run.trace.gradients.get(number, none)
        scale = max(largest(by_step[name]), gradient_scale(run, number))
        differences = {
            AUTOGRAD: by_autograd(mine, autograd, run.arithmetic, scale),
            COMPLEX_STEP: difference(mine, by_step[name], step_allowed, scale),
            CENTRAL: difference(mine, central[name], central_allowed, scale, error[name]),
        }
        checks.append(ParameterCheck(name, array.shape, differences))
    return Check(run, tuple(checks))


def check_in_reach(run: Run, architecture: Architecture | None) -> Check:
    """Hold a run's gradients against every oracle that can speak of it in a moment.

    The second transcription knows the built-in VAE alone (no `architecture` means another
    model), and evaluates the loss anew for each parameter.
    """
    numbers = sum(value.array.size for value in run.trace.values if value.kind == "parameter")
    if architecture is None or numbers > MOST_EVALUATED:
        return check_autograd(run)
    return check(run, architecture)


def check_autograd(run: Run) -> Check:
    """Hold the gradients of any model against autograd's alone."""
    return _check_own(run, {}, (AUTOGRAD,))


def check_own(run: Run, nudged: Mapping[str, Nudged] | str) -> Check:
    """Hold the gradients of a user's model against autograd and central differences.

    Parameters
    ----------
    nudged
        The differences, by the parameter's name, or why there are none.
    """
    if isinstance(nudged, str):
        return replace(check_autograd(run), missing=nudged)
    moved = sum(len(each.places) for each in nudged.values())
    return replace(_check_own(run, nudged, (AUTOGRAD, CENTRAL)), nudged=moved)


def _check_own(run: Run, nudged: Mapping[str, Nudged], oracles: tuple[str, ...]) -> Check:
    checks = []
    for value in run.trace.values:
        if value.kind != "parameter" or value.name is None or value.id not in run.gradients:
            continue
        autograd = run.trace.gradients[value.id]
        mine = run.hand_gradients.get(value.id, np.zeros(value.shape))
        scale = gradient_scale(run, value.id)
        differences = {AUTOGRAD: by_autograd(mine, autograd, run.arithmetic, scale)}
        if not differences[AUTOGRAD].passed and (lost := lost_in_norms(run, value.id)) > 1:
            scale *= lost
            differences = {AUTOGRAD: by_autograd(mine, autograd, run.arithmetic, scale)}
        reason = ""
        if CENTRAL in oracles:
            reason = REWRITTEN
            if (each := nudged.get(value.name)) is not None:
                central = difference(
                    mine.ravel()[each.places], each.central, _allowed(run), scale, each.error
                )
                reason = "" if central.passed else _other_gradient(run, value.id)
                if not reason:
                    differences[CENTRAL] = central
        checks.append(ParameterCheck(value.name, value.shape, differences, reason))
    return Check(run, tuple(checks), oracles)


def _allowed(run: Run, usual: float = CENTRAL_ALLOWED) -> float:
    """Return how far a gradient may be off an oracle that evaluates the loss.

    In the arithmetic `full` an op without a rule has its numbers from PyTorch, in PyTorch's
    precision.
    """
    by_rules = run.arithmetic == "printed" or not run.graph.not_explained
    return usual if by_rules else max(usual, AUTOGRAD_ALLOWED["full"])


def _other_gradient(run: Run, number: int) -> str:
    """Say why a gradient is meant to be another than the slope of the loss; "" if it is not."""
    if number in run.graph.behind_hooks:
        return "a hook changes the gradient on its way there"
    function = run.graph.behind_functions().get(number)
    if function is None:
        return ""
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


def gradient_scale(run: Run, number: int) -> float:
    """Return the size of what adds up to a gradient, whose rounding the sum carries.

    That is its largest element, or the largest that one loss term alone sends, since two that
    cancel leave their rounding behind; for a bias also what arrives where it is added. Ahead of
    a batch norm that sums to zero over the rows, and nothing but rounding is left: of n numbers
    of one size about √n times that of one, so it is the root of the sum of their squares.
    """
    arrived = run.trace.gradients
    sizes = [largest(arrived[number])] if number in arrived else [0.0]
    sizes += [largest(term[number]) for term in run.term_gradients.values() if number in term]
    for bound in run.graph.consumers(number):
        places = ADDED_AT.get(bound.rule_name, BIAS_AT if bound.kind == "contraction" else ())
        if bound.output in arrived and set(places) & set(bound.positions(number)):
            arriving = arrived[bound.output].astype(np.float64)
            sizes.append(largest(arriving))
            if not bound.no_way_back:
                # The sum of squares, as each is passed back where it is added as it is.
                squares = shares(bound, arriving**2, run.values, {number})
                sizes += [math.sqrt(largest(share)) for _, share in squares]
    return max(sizes)


def lost_in_norms(run: Run, number: int) -> float:
    """Return how many times what a norm's gradient adds up is larger than what is left of it.

    A norm over two numbers gives 1 and -1 whatever they are. So next to nothing goes back
    through it, as the difference of large parts, and the rounding of those stays behind. Of
    several norms on the way it is that of the worst.
    """
    graph, arrived, steps = run.graph, run.trace.gradients, Steps(run)
    most = 1.0
    for bound in graph.operations:
        is_norm = bound.kind == "normalization" or bound.rule is NORMALIZE
        if bound.rule is None or not is_norm or bound.output not in arrived:
            continue
        source = bound.sources[0]
        if source not in arrived or not graph.depends(source, [number]):
            continue
        largest_at = np.unravel_index(np.argmax(np.abs(arrived[source])), arrived[source].shape)
        place = tuple(map(int, largest_at))
        parts = bound.rule.partials(steps.call(bound), 0, place)
        upstream = arrived[bound.output]
        added = sum(abs(float(upstream[out])) * measure(part).magnitude for out, part in parts)
        left = abs(float(arrived[source][place]))
        most = max(most, added / left if left else 1.0)
    return most


def by_autograd(mine: Array, theirs: Array, arithmetic: Arithmetic, scale: float) -> Difference:
    """Compare a gradient with autograd's, which has the precision of the run."""
    return difference(mine, theirs, AUTOGRAD_ALLOWED[arithmetic], scale, UNDERFLOW[arithmetic])


def difference(
    mine: Array,
    theirs: Array,
    allowed: float,
    scale: float | None = None,
    error: Array | float = 0.0,
) -> Difference:
    """Compare two tensors of one shape.

    Parameters
    ----------
    allowed
        The largest difference that passes, as a part of the scale.
    scale
        What a difference is relative to; the largest number of `theirs` if not given.
    error
        What `theirs` may be off by in itself, element by element.
    """
    apart = np.abs(np.asarray(mine, np.float64) - theirs)
    scale = (largest(theirs) if scale is None else scale) or 1.0
    absolute = largest(apart)
    return Difference(
        absolute=absolute,
        relative=absolute / scale,
        passed=bool(np.all(apart <= allowed * scale + error)),
        conclusive=largest(np.asarray(error)) <= SAYS_NOTHING * scale,
    )


def largest(array: Array) -> float:
    """Return the size of the largest number of a tensor; 0 when it is empty."""
    return float(np.max(np.abs(array), initial=0.0))


def oracle_inputs(run: Run) -> tuple[dict[str, Array], Array, Array]:
    """Return what the oracle starts from: the parameters by name, the input and the noise."""
    parameters = {
        value.name: run.values[value.id]
        for value in run.trace.values
        if value.kind == "parameter" and value.name
    }
    return parameters, run.array("x"), run.array("eps")
