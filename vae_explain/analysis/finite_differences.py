"""A user's own model once more, in float64, with one parameter moved up and down.

An oracle that knows neither the rules nor autograd: it runs the model and nothing else. What
a gradient takes as given is held still, as it was in the first run: the draws, and whatever
the model detaches or computes without gradients, as a straight-through estimator does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from ..engine.progress import working_on
from ..engine.run import Run
from ..models.loading.user_code import CannotRun
from ..models.prepare import prepared, user_code_errors
from ..models.prepared_model import default_precision, draws_of
from ..models.request import Request
from ..trace import UNSEEN, Array
from .differences import AT, FINE, STEPS, farthest, noise_of, quotients, step_of
from .gradient_check import Nudged, chosen
from .judge import GradientJudge, gradient_scale
from .moved_loss import MovedLoss, NotInFloat64
from .work import work_of

MOST_NUMBERS = 1500  # that are moved, of all parameters together
MOST_OF_ONE, LEAST_OF_ONE = 64, 2
# What all evaluations may take, in nanoseconds, before fewer numbers are moved; and before a
# document leaves them to `check`.
MOST_WORK, MOST_IN_A_MOMENT = 6_000_000_000, 2_000_000_000
IN_ONE_PASS = 2  # times as fast, at the least
TO_TRY_ONE_PASS = 3  # evaluations for each parameter
LEFT_TO_CHECK = "they take long for this model; vae-explain check takes them"


def nudge(request: Request, run: Run, in_a_moment: bool = False) -> Mapping[str, Nudged] | str:
    """Take central differences of the loss of a user's model in float64.

    Parameters
    ----------
    run
        The run of the request.
    in_a_moment
        Whether they are left out where they take longer than that.

    Returns
    -------
    Mapping or str
        By parameter's name the differences, at every number of a small
        parameter, at some of a large one, and at none of a parameter that there is no time for;
        or a sentence on why there are none at all.
    """
    try:
        return _differences(request, run, in_a_moment)
    except NotInFloat64 as reason:
        return f"the model does not run in float64: {reason}"
    except CannotRun as reason:  # in float64, since the run itself is there
        return f"the model does not run in float64: it raised {reason.what}"


def _differences(request: Request, run: Run, in_a_moment: bool) -> Mapping[str, Nudged] | str:
    # Around what the user's code does and no more: else a mistake of ours would be called theirs.
    errors = partial(user_code_errors, request)
    with prepared(request) as ready:
        with errors():
            exact = ready.rounded() if request.arithmetic == "printed" else ready.in_float64()
        if any(name.endswith(UNSEEN) for name in run.graph.not_explained):
            return "the model writes to a value where autograd does not see it"
        evaluations = AT + 2 * LEAST_OF_ONE * len(_moved(exact.model, run))
        if in_a_moment and work_of(run) * evaluations > MOST_IN_A_MOMENT:
            return LEFT_TO_CHECK
        drawn = [draw.double() for draw in draws_of(run.trace)]
        with default_precision(torch.float64), torch.random.fork_rng(devices=[]), _one_thread():
            rewritten = {
                name for name, _ in exact.model.named_parameters() if _is_rewritten(run, name)
            }
            evaluation = MovedLoss(exact, drawn, rewritten, run.trace.numbers, errors)
            first, again = evaluation.loss(), evaluation.loss()
            if first != again:
                return "the model's loss changes from run to run, with the same numbers"
            room = MOST_IN_A_MOMENT if in_a_moment else MOST_WORK
            return _nudged(exact.model, evaluation, run, first, room)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let PyTorch use one thread: many small runs in a row lose time by waiting for others."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _nudged(
    model: nn.Module, evaluation: MovedLoss, run: Run, middle: float, room: int
) -> dict[str, Nudged]:
    every = _moved(model, run)
    nudged = {name: Nudged(np.empty(0, int), np.empty(0), np.empty(0)) for name, _ in every}
    # From all over the model, where there is no time for each.
    least = (TO_TRY_ONE_PASS + 2 * LEAST_OF_ONE) * work_of(run)
    parameters = every[:: math.ceil(len(every) * least / max(room, least)) or 1]
    room *= IN_ONE_PASS if evaluation.width > 1 else 1
    in_all = min(MOST_NUMBERS, room // (2 * work_of(run)))
    most = max(LEAST_OF_ONE, min(MOST_OF_ONE, in_all // max(len(parameters), 1)))
    judge = GradientJudge(run)
    # An evaluation of each of the numbers, up and down, by every step.
    values = 2 * STEPS * MOST_NUMBERS
    noise = farthest(judge.by_hand.roundings, values) * noise_of(partial(_along, model, evaluation))
    for name, parameter in parameters:
        working_on(f"central differences of {name}")
        places = chosen(run.gradient(name), most)
        starts = parameter.data.view(-1)[places].tolist()
        # The losses with each number moved, by the number that it was moved to.
        known: list[dict[float, float]] = [{} for _ in places]
        search = _Search(run, judge, name, places)
        results = [
            quotients(losses.__getitem__, start, middle, noise, search.scale)
            for losses, start in zip(known, starts, strict=True)
        ]
        going_on = list(range(len(places)))
        for step in range(STEPS):
            steps = {n: step_of(starts[n], middle, noise, step, search.scale) for n in going_on}
            # By a step of which the rounding alone leaves more open, nothing would be won, but
            # for a second quotient beside one that speaks against the gradient.
            steps = {
                n: s for n, s in steps.items() if noise / s <= search.open[n] or search.differs[n]
            }
            moves = [(n, starts[n] + sign * s) for n, s in steps.items() for sign in (1, -1)]
            if moves and math.isfinite(noise):
                which, numbers = np.array([n for n, _ in moves]), np.array([to for _, to in moves])
                losses = evaluation.losses(parameter, places[which], numbers, middle, noise)
                for (n, to), loss in zip(moves, losses, strict=True):
                    known[n][to] = loss
            going_on = [n for n in steps if search.goes_on(n, next(results[n], None))]
        nudged[name] = Nudged(places, search.central, search.error)
    return nudged


def _moved(model: nn.Module, run: Run) -> list[tuple[str, Tensor]]:
    """Return the parameters of which numbers are moved, with their names."""
    return [
        (name, parameter)
        for name, parameter in model.named_parameters()
        # A parameter that is made while the model runs is none of the record's.
        if name in run.trace.by_name
        and run.value(name).id in run.gradients
        and not _is_rewritten(run, name)
    ]


class _Search:
    """The best quotient so far of each number of a parameter, by ever smaller steps."""

    def __init__(self, run: Run, judge: GradientJudge, name: str, chosen: Array) -> None:
        value_id = run.value(name).id
        self.judge, self.number, self.chosen = judge, value_id, chosen
        self.expected = run.hand_gradients.get(value_id, run.gradient(name)).ravel()[chosen]
        self.scale = gradient_scale(run, value_id)
        self.central, self.error = np.empty(len(chosen)), np.full(len(chosen), math.inf)
        # What a further step has to leave less open than: what the one before did, or what that
        # found to be wrong. A gradient that is wrong is so by any step.
        self.open = np.full(len(chosen), math.inf)
        self.differs = np.zeros(len(chosen), bool)  # from the gradient, by the last quotient

    def goes_on(self, n: int, quotient: tuple[float, float] | None) -> bool:
        """Take the quotient of a further step; return whether the next one may be better."""
        if quotient is None:
            return False
        slope, within = quotient
        if within > self.open[n]:
            if self.differs[n]:
                # Corners on both sides of the middle may cancel in the bound of one quotient, and
                # a smaller step meets fewer: twice, as what they leave may fall slowly with it.
                self.error[n] += 2 * abs(slope - self.central[n])
            return False
        self.central[n], self.error[n] = slope, within
        self.open[n] = max(within, abs(slope - self.expected[n]))
        here = slice(n, n + 1)
        agrees = self.judge.oracle(
            self.number, self.expected[here], self.central[here], self.scale, self.error[here],
            self.chosen[here],
        ).passed  # fmt: skip
        self.differs[n] = not agrees
        return not (agrees and within <= FINE * self.scale)  # else there may be corners within


def _along(model: nn.Module, evaluation: MovedLoss, part: float) -> float:
    """Return the loss with every parameter moved by a part of itself, and move them back."""
    kept = [(parameter, parameter.detach().clone()) for parameter in model.parameters()]
    for parameter, before in kept:
        if parameter.is_floating_point():
            parameter.data.copy_(before * (1 + part))
    loss = evaluation.loss()
    for parameter, before in kept:
        parameter.data.copy_(before)
    return loss


def _is_rewritten(run: Run, name: str) -> bool:
    """Whether the model writes to a parameter, which is then not to be moved."""
    return run.value(name).id in run.trace.rewritten
