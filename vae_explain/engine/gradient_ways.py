"""The ways of a gradient: from which term of the loss, and through which answer of the encoder.

The encoder answers with a few values, as a mean and a log-variance. All that the loss asks of
the encoder comes through one of them, so that a gradient in the encoder is a sum with one part
for each term and each answer. Which values these are is read from the graph: they have the
shape of a draw, do not depend on it, and a layer or a cut from something larger made them.

The parts are computed by hand, in float64, and belong to whole tensors. A single number's
chains of named values are in `gradient_paths.py`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..ops import NotExplained
from ..quick_classes import NamedTuple
from ..trace import Array
from .backward_pass import backward
from .forward_pass import InFloat64
from .roles import standard_draws
from .run import Run

MOST_WAYS = 6  # in one table
MOST_NUMBERS = 2_000_000  # of a run, whose gradients are made once for each way
SAME = 1e-4  # of the largest part: how far a sum of ways may be from PyTorch's gradient


class TermWay(NamedTuple):
    """What one term sends through one of the encoder's answers, to each value that it reaches."""

    term: str
    through: int
    gradients: Mapping[int, Array]


def answers(run: Run) -> tuple[int, ...]:
    """Return the values that the encoder ends in, in the order in which they were made."""
    graph, values = run.graph, run.trace.values
    draws = set(standard_draws(run))
    shapes = {values[draw].shape for draw in draws}
    named = [v.id for v in values if v.name and v.kind == "intermediate" and v.id in run.gradients]
    apart = {n for n in named if values[n].shape in shapes and not graph.depends(n, draws)}
    terms = {term.value for term in run.trace.terms} | {run.trace.output}
    ends = [n for n in named if n not in apart and (n in terms or graph.depends(n, draws))]
    stack = [source for end in ends for source in graph.step_inputs(end) if source in apart]
    ids: set[int] = set()
    seen: set[int] = set()
    while stack:
        value_id = stack.pop()
        if value_id in seen:
            continue
        seen.add(value_id)
        inputs = graph.step_inputs(value_id)
        before = [source for source in inputs if source in apart]
        if not before or any(values[source].kind == "parameter" for source in inputs):
            ids.add(value_id)
        else:
            stack += before
    return tuple(sorted(ids))


def ways(run: Run) -> tuple[TermWay, ...]:
    """Return the ways of a run's gradients; none where the encoder has fewer than two answers.

    Nor are there any where the run is too big, or where a gradient is not made by the rules alone,
    since its parts are not known then.
    """
    through, terms, graph = answers(run), run.trace.terms, run.graph
    parts = max(len(terms), 1) * len(through)
    unclear = graph.taken or graph.behind_hooks or graph.not_explained
    if len(through) < 2 or parts > MOST_WAYS or unclear or run.trace.numbers * parts > MOST_NUMBERS:
        return ()
    values = InFloat64(run.values)
    all_ways: list[TermWay] = []
    for name in [term.name for term in terms] or [run.trace.loss.name or "loss"]:
        whole = run.term_gradients[name] if terms else run.gradients
        behind: list[TermWay] = []  # of the answers made later
        for value_id in reversed(through):
            if value_id not in whole:
                continue
            # What arrives there from elsewhere than an answer that was made of it.
            own = np.asarray(whole[value_id], np.float64)
            for other in behind:
                own = own - other.gradients.get(value_id, 0.0)
            try:
                gradients = backward(graph, values, value_id, own)
            except NotExplained:
                return ()
            behind.append(TermWay(name, value_id, gradients))
        all_ways += reversed(behind)
    return tuple(all_ways)


def parts_at(
    run: Run, known_ways: tuple[TermWay, ...], value_id: int
) -> tuple[tuple[TermWay, Array], ...]:
    """Return what each way brings to a value; nothing where that is not all of its gradient.

    So it is where a way leads around the answers, as in a model with a second latent, or where
    the run overflows.
    """
    reaching = [(way, way.gradients[value_id]) for way in known_ways if value_id in way.gradients]
    if len({way.through for way, _ in reaching}) < 2:
        return ()
    if not all(np.isfinite(array).all() for _, array in reaching):
        return ()
    total = sum((array for _, array in reaching), np.zeros(()))
    size = max(float(np.abs(array).max(initial=0.0)) for _, array in reaching)
    apart = np.abs(total - np.asarray(run.gradients[value_id], np.float64)).max(initial=0.0)
    return tuple(reaching) if apart <= SAME * size else ()
