"""The way of a request through the house, on one page: load, record, choose the arithmetic.

A newcomer starts here. What a command shows is made from the `Run` that this returns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial

from .engine.run import Arithmetic, Recordings, Run
from .errors import UserError
from .models.binding.loss_parameters import CannotBind
from .models.loading.user_code import CannotRun
from .models.loading.weight_files import put_state, state_of
from .models.other_conditions import (
    doubled,
    in_other_mode,
    other_draws,
    with_other_arguments,
    with_own_noise,
)
from .models.prepare import prepared, user_code_errors
from .models.prepared_model import PreparedModel, RunWithModel
from .models.recorded.recorded_run import Recording
from .models.request import Request
from .recording.random_draws import NoiseMismatch
from .trace import Array


def run(request: Request, finite: bool = True) -> Run:
    """Build the model, run it as asked and return its numbers.

    What the code of a module at hand raises is raised as it is; of a model that was loaded
    it becomes `CannotRun`.

    Parameters
    ----------
    finite
        Whether the loss and its gradients have to be finite.

    Raises
    ------
    UserError
        If the model, its loss or the noise cannot be used, or (`NotFinite`) if the loss or a
        gradient overflows; each says what to change.
    """
    errors = nullcontext() if request.is_shared else user_code_errors(request)
    with prepared(request) as model, errors:
        # Of what is not run again no numbers need a copy.
        result = model.run_in(request.arithmetic, lasting=request.architecture is None)
        if finite:
            result.run.require_finite()
        return _compared(result, request).run


def run_with_model(request: Request) -> RunWithModel:
    """As `run`, with the model, which may be changed afterwards; its errors become `CannotRun`."""
    with prepared(request) as model, user_code_errors(request):
        result = model.run_in(request.arithmetic)
        result.run.require_finite()
        result = _compared(result, request)

    def again() -> Run:
        with user_code_errors(request):
            return result.again()

    return replace(result, again=again)


def run_in_float64(request: Request, like: Run) -> Run | None:
    """Make a run once more on a copy of the model in float64; None where it can't be made.

    Parameters
    ----------
    like
        The run, whose draws are used again.
    """
    try:
        with prepared(request) as model, user_code_errors(request):
            return model.run_in_float64(like)
    except UserError:
        return None


def in_the_other_arithmetic(request: Request) -> Run | None:
    """Make the same run in the arithmetic that is not asked for; it need not be finite.

    None where a user's model does not run in that, as one whose layers are float32 by name does
    not in float64.
    """
    other: Arithmetic = "full" if request.arithmetic == "printed" else "printed"
    asked = replace(request, arithmetic=other)
    if request.architecture:
        return run(asked, finite=False)
    try:
        with prepared(asked) as model, user_code_errors(asked):
            return model.run_in(other, lasting=False).run
    except UserError:
        return None


def _compared(result: RunWithModel, request: Request) -> RunWithModel:
    """Run a user's model once more, to know whether what it gives depends on nothing else.

    One that draws from NumPy or goes by the clock gives other numbers each time. A module at
    hand, which its user may run as often as they like, is not run again.
    """
    if request.architecture or request.is_shared:
        return result
    try:
        with user_code_errors(request):
            varies = not result.repeats()
    except UserError:  # what it says of a second run is none of the first's
        varies = True
    return replace(result, run=replace(result.run, varies=varies))


def record_both(request: Request, state: Mapping[str, Array] | None = None) -> Recording:
    """Run in both arithmetics, to keep both; neither run need be finite.

    What does not run on rounded numbers in float64 is recorded in PyTorch's own arithmetic
    alone, unless `printed` is what was asked for.

    Parameters
    ----------
    state
        What to put in the place of the model's own parameters and buffers, by name; of what
        was set by hand only x is left then.
    """
    if state is not None:
        of_x = tuple(each for each in request.changes if each.target.startswith("x["))
        request = replace(request, changes=of_x)
    with prepared(request) as model:
        if state is not None:
            put_state(model.model, state)
        with user_code_errors(request):
            runs = {"full": model.run()}
        why = None
        try:
            with user_code_errors(request):
                runs["printed"] = model.run_in("printed", like=runs["full"]).run
        except UserError as reason:
            if request.arithmetic == "printed":
                raise
            why = str(reason)
    return Recording(runs, request.architecture, why)


def recordings(request: Request) -> Recordings:
    """Run as asked, and once more under each of some other conditions."""
    with prepared(request) as model:
        errors = partial(user_code_errors, request)
        return recordings_of(model, errors, not request.architecture, request.is_shared)


def recordings_of(
    model: PreparedModel,
    errors: Callable[[], AbstractContextManager[None]],
    compare: bool = True,
    lasting: bool = True,
) -> Recordings:
    """Run a model as it is, and once more under each of some other conditions.

    Parameters
    ----------
    errors
        Entered around each run; turns what the model's own code raises into `CannotRun`.
    compare
        Whether to run it twice, to know whether its numbers depend on nothing else.
    lasting
        Whether it may be changed while the numbers are still wanted.
    """
    with errors():
        first = model.run(lasting=lasting)

    def again(
        other: PreparedModel,
        around: AbstractContextManager[None] | None = None,
        gradients: bool = True,
    ) -> Run | None:
        try:
            with errors(), around or nullcontext():
                return other.run(lasting=lasting, gradients=gradients)
        except (CannotBind, CannotRun, NoiseMismatch):
            return None

    if compare:
        try:
            with errors():
                first = replace(first, varies=not model.repeats(first))
        except (CannotBind, CannotRun, NoiseMismatch):
            first = replace(first, varies=True)
    twice = again(doubled(model))
    with in_other_mode(model.model) as switches:
        switched = again(model, gradients=False) if switches else None
    redrawn = again(with_own_noise(model), other_draws(), gradients=False)
    unmoved = []
    for name, value, other, changed in with_other_arguments(model):
        run = again(changed, gradients=False)
        if run is not None and run.loss_is(first):
            unmoved.append((name, value, other))
    return Recordings(first, twice, redrawn, switched, model.model.training, tuple(unmoved))


def weights_of(request: Request) -> dict[str, Array]:
    """Return a model's state dict as it is before the run, unrounded, its buffers with it."""
    with prepared(request) as model:
        return state_of(model.model)
