"""The training page: the losses step by step, what came of it, and one step opened."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from ...analysis.training_records import Losses, OptimizerStep, Training
from ...ops.broadcasting import indices
from ..blocks import Block, Column, Heading, Note, Prose, Table, Walkthrough
from ..checks import Checks
from ..phrases import counted
from ..pictured import Curve, Series
from . import backward, forward
from .captions import term_role, term_words
from .draft import Draft, finished, numbered, table
from .header import full_arithmetic, loss_words, once, written_input
from .optimizer import OptimizerPage, rate_text, settings_words
from .page import MOST_LINES
from .watching import add_watched

NAMES = {"sgd": "gradient descent (SGD)", "adam": "Adam"}


def training(
    training: Training, only: Sequence[str] = (), written: Sequence[str] = ()
) -> tuple[Walkthrough, Checks]:
    """Compose the training page.

    Parameters
    ----------
    only
        The parameters whose update at the explained step is worked out element by element;
        all of them, with an example each, when empty.
    written
        What was written to files, in words.
    """
    page = Draft()
    _losses(page, training)
    _reconstruction(page, training)
    if training.watched is not None:
        add_watched(page, training.watched)
    opened = training.explained
    if opened is not None:
        page.blocks = numbered([*page.blocks, *_opened(opened, only or list(training.parameters))])
    elif training.plan.explain is not None:
        words = f"Step {training.plan.explain} cannot be opened. {_ending(training)}"
        page.add(Note(words, "failure"))
    page.add(*map(Note, written))
    learnt = next(iter(training.parameters.values()))
    remarks = *loss_words(training.loss_call), full_arithmetic(learnt), *once(training.varies)
    return finished("train", _title(training), remarks, page.blocks, opened.run if opened else None)


def _title(training: Training) -> str:
    plan, x = training.plan, written_input("x", training.x)
    how = f"{NAMES[plan.optimizer]}, lr {rate_text(plan.lr)}, {counted(plan.steps, 'step')}"
    seed = () if training.seed is None else (f"seed {training.seed}",)
    return " · ".join((training.label, *seed, x, how))


# --- the losses -------------------------------------------------------------------------


def _losses(page: Draft, training: Training) -> None:
    steps = counted(len(training.losses), "step")
    page.open("The losses", f"{steps}, each before its update")
    words = "Each step runs the model once, with draws of its own where it draws."
    if training.plan.request.architecture:
        words = "Each step draws a new ε, so the curve is never quite smooth."
    page.add(Prose(words), Curve("step", series_of(training)))
    page.add(_table(training.losses, training.terms))
    if training.diverged_at is not None:
        page.add(Note(_ending(training), "failure"))


def series_of(training: Training) -> tuple[Series, ...]:
    """Return the loss and its terms as curves over the steps."""
    losses = training.losses
    series = [Series("loss", tuple(entry.loss for entry in losses), "total")]
    for position, name in enumerate(training.terms):
        words = term_words(name)
        title = f"{words} ({name})" if words != name else name
        values = tuple(entry.terms[position] for entry in losses)
        series.append(Series(title, values, term_role(name)))
    return tuple(series)


def _ending(training: Training) -> str:
    at = training.diverged_at
    asked = counted(training.plan.steps, "step")
    if at is None:
        return f"{asked} done."
    if training.stopped:
        return (
            f"The run ended at step {at:,} of {asked}, at which the model raised "
            f"{training.stopped}. What came before is kept; a smaller lr may train."
        )
    return (
        f"The run diverged: step {at:,} of {asked} is the first with a number that is not "
        "finite. What came before is kept; a smaller lr may train."
    )


def _table(losses: Sequence[Losses], terms: Sequence[str]) -> Table:
    return table(
        [losses[step] for step in chosen_steps(len(losses))],
        (Column("step", "label"), lambda entry: entry.step),
        (Column("loss", "value", accent=True), lambda entry: entry.loss),
        *((Column(n, term_role(n)), lambda e, at=at: e.terms[at]) for at, n in enumerate(terms)),
    )


def chosen_steps(count: int) -> list[int]:
    """Return the first step, the last, and between them 1, 2, 5 and so on by decades.

    Examples
    --------
    >>> chosen_steps(200), chosen_steps(1)
    ([0, 1, 2, 5, 10, 20, 50, 100, 199], [0])
    """
    chosen = {0, count - 1}
    decade = 1
    while decade < count:
        chosen |= {decade * factor for factor in (1, 2, 5) if decade * factor < count}
        decade *= 10
    return sorted(chosen)


# --- what came of it --------------------------------------------------------------------


def _reconstruction(page: Draft, training: Training) -> None:
    x, before, after = training.x, training.recon_before, training.recon_after
    if after is None and training.stopped:
        return
    if before is None or after is None or before.shape != x.shape or after.shape != x.shape:
        words = "No loss term compares a value with x, so no reconstruction is shown."
        page.add(Note(words))
        return
    is_batch = x.shape[0] > 1
    shown = table(
        islice(indices(x.shape), MOST_LINES),
        (Column("element", "label"), lambda at: ",".join(map(str, at if is_batch else at[1:]))),
        (Column("x", "input", "input"), lambda at: float(x[at])),
        (Column("before training", "value", "parameter"), lambda at: float(before[at])),
        (Column("after", "value", "parameter", accent=True), lambda at: float(after[at])),
        (Column("after - x", "value", "parameter"), lambda at: float(after[at]) - float(x[at])),
    )
    how = "with every draw from the standard normal 0"
    if training.plan.request.architecture:
        how = "from the mean, z = mu, with no noise"
    page.open("The reconstruction", how)
    page.add(shown)
    page.left_out(x.size - len(shown.rows), "element")


# --- one step opened --------------------------------------------------------------------


def _opened(step: OptimizerStep, parameters: Sequence[str]) -> list[Block]:
    """Return the pages of one step, whose sections are numbered later as those of one."""
    update = OptimizerPage(step)
    for name in parameters:
        update.moved(name, detailed=len(parameters) < len(step.after))
    at = f"Step {step.step}"
    return [
        Heading(0, f"{at}: the forward pass", "its parameters, its noise"),
        *forward.ForwardPage(step.run).blocks,
        Heading(0, f"{at}: the backward pass", "the gradients that its update uses"),
        *backward.BackwardPage(step.run).blocks,
        Heading(0, f"{at}: the update by {NAMES[step.optimizer]}"),
        Prose(f"{settings_words(step)}."),
        *update.blocks,
    ]
