"""The way of a request through the house, on one page: load, record, choose the arithmetic.

A newcomer starts here. What a command shows is made from the `Run` that this returns.
"""

from __future__ import annotations

from contextlib import nullcontext

from .engine.run import Run
from .models.argument_matching import CannotBind
from .models.prepare import prepared, user_code_errors
from .models.prepared_model import RunWithModel
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


def run_and_doubled(request: Request) -> tuple[Run, Run | None]:
    """Run as asked, and once more with every row of the input twice; neither need be finite.

    How the two differ shows what a loss does over the batch. The second is None where the
    model does not take such an input, as one that knows the number of its rows.
    """
    with prepared(request) as model:
        with user_code_errors(request):
            first = model.run(lasting=request.is_shared)
        try:
            with user_code_errors(request):
                return first, model.doubled().run(lasting=request.is_shared)
        except (CannotBind, CannotRun, NoiseMismatch):
            return first, None


def weights_of(request: Request) -> dict[str, Array]:
    """Return a model's state dict as it is before the run, unrounded, its buffers with it."""
    with prepared(request) as model:
        return state_of(model.model)
