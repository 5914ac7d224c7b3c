"""The way of a request through the house, on one page: load, record, choose the arithmetic.

A newcomer starts here. What a command shows is made from the `Run` that this returns.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from .engine.run import Run
from .models.argument_matching import CannotBind
from .models.prepare import prepared, user_code_errors
from .models.prepared_model import PreparedModel, RunWithModel, other_draws
from .models.request import Request
from .models.user_code import CannotRun
from .models.weight_files import state_of
from .recording.random_draws import NoiseMismatch
from .trace import Array


def run(request: Request) -> Run:
    """Build the model, run it as asked and return its numbers.

    What the code of a module at hand raises is raised as it is; of a model that was loaded
    it becomes `CannotRun`.

    Raises
    ------
    UserError
        If the model, its loss or the noise cannot be used, or (`NotFinite`) if the loss or a
        gradient overflows; each says what to change.
    """
    errors = nullcontext() if request.is_shared else user_code_errors(request)
    with prepared(request) as model, errors:
        result = model.run_in(request.arithmetic, lasting=request.is_shared).run
    result.require_finite()
    return result


def run_with_model(request: Request) -> RunWithModel:
    """As `run`, with the model, which may be changed afterwards; its errors become `CannotRun`."""
    with prepared(request) as model, user_code_errors(request):
        result = model.run_in(request.arithmetic)
    result.run.require_finite()
    return result


@dataclass(frozen=True)
class Recordings:
    """A run, and the same under other conditions: how they differ shows what a run alone cannot.

    None of them need be finite. One that the model does not take is None, as twice the rows
    are to a model that knows their number.

    Attributes
    ----------
    run
        As asked.
    twice
        With every row of the input twice: what a loss does over the batch.
    redrawn
        With other draws, from PyTorch's generator and NumPy's: what is drawn.
    switched
        In the other mode, evaluation for training: what depends on it.
    training
        Whether the model is in the mode for training in `run`.
    """

    run: Run
    twice: Run | None = None
    redrawn: Run | None = None
    switched: Run | None = None
    training: bool = True


def recordings(request: Request) -> Recordings:
    """Run as asked, and once more under each of some other conditions."""
    with prepared(request) as model:
        with user_code_errors(request):
            first = model.run(lasting=request.is_shared)

        def again(
            other: PreparedModel, around: AbstractContextManager[None] | None = None
        ) -> Run | None:
            try:
                with user_code_errors(request), around or nullcontext():
                    return other.run(lasting=request.is_shared)
            except (CannotBind, CannotRun, NoiseMismatch):
                return None

        twice = again(model.doubled())
        with model.in_other_mode() as switches:
            switched = again(model) if switches else None
        redrawn = again(model.with_own_noise(), other_draws())
        return Recordings(first, twice, redrawn, switched, model.model.training)


def weights_of(request: Request) -> dict[str, Array]:
    """Return a model's state dict as it is before the run, unrounded, its buffers with it."""
    with prepared(request) as model:
        return state_of(model.model)
