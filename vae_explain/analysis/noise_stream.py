"""Noise for many runs of one model, as a loop over its forward pass would draw it.

`monte_carlo.py` replays a run with it. That is only right where the record of one run holds
for other noise, so a user's model is first asked to make one of the other draws itself.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import partial

import numpy as np
import torch

from .. import pipeline
from ..engine.forward_pass import replay
from ..engine.roles import standard_draws
from ..engine.run import Run
from ..errors import UserError
from ..models.prepare import prepared, user_code_errors
from ..models.prepared_model import PreparedModel, default_precision
from ..models.request import Request
from ..symbolic.decimals import rounded
from ..trace import Array
from .judge import GradientJudge
from .monte_carlo import Sample, sample
from .work import OF_A_NUMBER, work_of

# How many draws there are where none are asked for: as many as do not take longer than that, by
# `work_of` and what is added up of each draw.
USUAL_DRAWS, MOST_WORK = (100, 50, 20, 10), 18_000_000_000


class CannotRedraw(UserError):
    """A run whose record does not hold for other noise; the message says why."""

    @property
    def command_line_words(self) -> str:
        return f"sample: {self}; forward and why show one draw"


def sampled(
    request: Request, count: int | None, report: Callable[[int], None] = lambda done: None
) -> Sample:
    """Run a model, and replay the run under draws as a loop over the model would make them.

    See `run_and_draws` for `count`.
    """
    run, noise = run_and_draws(request, count)
    built_in = request.architecture
    return sample(
        run,
        noise,
        report,
        averaged=built_in is not None and built_in.reduction == "mean",
        divergence=built_in is not None,
        again=partial(pipeline.run_in_float64, request, run),
    )


def draws(request: Request, count: int) -> Iterator[Array]:
    """Yield noise for the built-in VAE, as a loop over its forward pass would draw it.

    The first draw is the noise of `run(request)`. Nothing is drawn from the global
    generator. In the arithmetic `printed` each draw is rounded as a page prints it.
    """
    assert request.architecture, "only asked of the built-in VAE"
    with prepared(request) as ready:
        ready.require_drawn("sample")
        generator = torch.Generator()
        generator.set_state(ready.generator)  # behind the draws of the parameters
    shape = len(ready.x), request.architecture.latent_size
    for _ in range(count):
        drawn = torch.randn(shape, generator=generator).numpy()
        exact = request.arithmetic == "full"
        yield drawn.astype(float) if exact else rounded(drawn, ready.decimals)


def usual_draws(run: Run) -> int:
    """Return how many draws of a run there are where none are asked for."""
    parameters = sum(value.array.size for value in run.trace.parameters)
    most = MOST_WORK // (work_of(run) + OF_A_NUMBER * parameters)
    return next((count for count in USUAL_DRAWS if count <= most), USUAL_DRAWS[-1])


def run_and_draws(
    request: Request, count: int | None
) -> tuple[Run, Iterator[Array] | Iterator[tuple[Array, ...]]]:
    """Run a model, and give noise for it as a loop over the model would draw it.

    Parameters
    ----------
    count
        How many draws; None for `usual_draws`.

    Returns
    -------
    tuple
        The run, and for each draw, two at least, one array for each draw from
        the standard normal; the first is the run's own. What else a model draws, as a
        dropout's mask, is not drawn anew.

    Raises
    ------
    CannotReplay
        If the model draws nothing, or goes another way where it draws something else, so
        that its record does not hold for other noise.
    """
    if request.architecture:
        result = pipeline.run(request)
        return result, draws(request, count or usual_draws(result))
    with prepared(request) as ready:
        ready.require_drawn("sample")
        with user_code_errors(request):
            result = ready.run_in(request.arithmetic).run
        result.require_finite()
        chosen = standard_draws(result)
        if not chosen:
            raise CannotRedraw("the model draws nothing from the standard normal")
        generator = torch.Generator()
        generator.set_state(ready.generator)
        noise, probe = itertools.tee(
            _drawn(result, chosen, generator, count or usual_draws(result))
        )
        if not result.graph.not_explained:
            other = next(itertools.islice(probe, 1, None))
            with user_code_errors(request):
                printed = request.arithmetic == "printed"
                way = partial(_same_way, request, ready.rounded() if printed else ready, result)
                with default_precision(torch.float64) if printed else nullcontext():
                    same = way(dict(zip(chosen, other, strict=True)))
                    changes = not same and not way({})
            if changes:
                raise CannotRedraw(
                    "the model's loss changes from run to run, with the same numbers and the "
                    "same draws, so that no draw can be told from another"
                )
            if not same:
                raise CannotRedraw(
                    "with other noise the model takes another code path, as by a comparison or a "
                    "nearest code, and the record of one way does not tell of the other"
                )
    return result, noise


def _drawn(
    run: Run, chosen: Sequence[int], generator: torch.Generator, count: int
) -> Iterator[tuple[Array, ...]]:
    shapes = [run.trace.values[value_id].shape for value_id in chosen]
    for draw in range(count):
        drawn = tuple(torch.randn(shape, generator=generator).numpy() for shape in shapes)
        if draw == 0:
            drawn = tuple(run.values[value_id] for value_id in chosen)
        printed = run.arithmetic == "printed"
        yield tuple(rounded(each, run.decimals) for each in drawn) if printed else drawn


def _same_way(request: Request, ready: PreparedModel, run: Run, drawn: Mapping[int, Array]) -> bool:
    """Whether replaying a run with one other draw gives what the model itself gives."""
    noise = {draw.id: draw.array for draw in run.trace.draws}
    redrawn = [torch.from_numpy(np.array(array)) for array in {**noise, **drawn}.values()]
    theirs = ready.run(redrawn=redrawn, lasting=False)
    if len(theirs.trace.values) != len(run.trace.values):
        return False
    mine = replay(run.graph, drawn)

    def again() -> Run | None:
        try:
            with user_code_errors(request):
                return ready.run_in_float64(theirs)
        except UserError:  # it does not run in float64
            return None

    judge = GradientJudge(theirs, again)
    ends = (run.trace.output, *(term.value for term in run.trace.terms))
    return all(judge.value(end, mine[end]).passed for end in ends)
