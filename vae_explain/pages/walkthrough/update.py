"""The update page: one step of gradient descent, and the loss before and after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...analysis.training_records import Update
from ...engine.run import Run
from ..blocks import Adds, Column, Note, Prose, Table, Tone, Walkthrough
from ..checks import Checks
from .draft import as_one_section, finished, table
from .header import full_arithmetic, heading_line, loss_words, provisos
from .optimizer import OptimizerPage, number_places, rate_text, settings_words
from .repeated import ask_for_others, left_out, same_as


def update(
    update: Update, parameters: Sequence[str], only: Sequence[str] = ()
) -> tuple[Walkthrough, Checks]:
    """Compose the update page.

    Parameters
    ----------
    parameters
        The names of all parameters, in order.
    only
        Those to work out element by element; all of them, with an example each, when empty.
    """
    run = update.step.run
    like = {} if only else like_another(run, parameters)
    page = compose(update, only or parameters, like, detailed=bool(only))
    page.add(*ask_for_others(run, like, "update"))
    title = f"{heading_line(run)} · gradient descent, lr {rate_text(update.step.lr)}"
    remarks = *loss_words(run.loss_call), full_arithmetic(run.trace.loss.array), *provisos(run)
    return finished("update", title, remarks, page.blocks, run)


def compose(
    update: Update, parameters: Sequence[str], like: Mapping[int, int], detailed: bool = False
) -> OptimizerPage:
    """Return the page before its footer, for one that is part of a document.

    Parameters
    ----------
    parameters
        The names of those to show, in order.
    like
        See `repeated.py`: those that are left out.
    detailed
        Whether to work out each element by element.
    """
    page = OptimizerPage(update.step)
    words = (
        "The gradient points to where the loss grows, so each parameter moves the other way, by "
        "lr times its gradient; "
    )
    rate = {"kind": "rate", "before": words}
    page.add(Prose(f"{words}{settings_words(update.step)}.", rate))
    run = update.step.run
    for name in parameters:
        if (value_id := run.value(name).id) not in like:
            page.moved(name, detailed)
            page.add(*same_as(run, like, value_id))
    page.blocks = [*as_one_section(page.blocks)]
    page.open("What the step did", "same x, same ε")
    if update.after is None:
        page.add(Note(STOPPED.format(update.stopped), "failure"))
    else:
        page.add(_losses(update, update.after), _verdict(update, update.after))
    if update.step.made_by == "NumPy":
        page.add(
            Note(
                "The step and the losses after it are computed by hand, by the rules: a recorded "
                "run has no model that could run again."
            )
        )
    return page


def like_another(run: Run, parameters: Sequence[str]) -> Mapping[int, int]:
    """Return which parameters of a large run move as another one that is shown."""
    return left_out(run, {run.value(name).id for name in parameters})


VERDICTS: Mapping[str, tuple[Tone, str]] = {
    "overflowed": (
        "failure",
        "The step overflows: the loss after it is no number. A smaller lr would do.",
    ),
    "rose": (
        "warning",
        "The loss rose: the step went past the lowest point in its direction. "
        "A smaller lr would lower it.",
    ),
    "fell": ("plain", "The loss fell."),
    "stayed": ("plain", "The loss stayed as it was."),
}
STOPPED = (
    "The step goes too far: with the parameters behind it the model raised {}. A smaller lr would "
    "do."
)


def _losses(update: Update, after_it: Run) -> Table:
    places = number_places(update.step.run)
    trace = update.step.run.trace
    named = [(trace.loss.name or "loss", trace.output)]
    named += [(term.name, term.value) for term in trace.terms]
    rows = [(name, *_both(update, after_it, value_id)) for name, value_id in named]
    shown = table(
        rows,
        (Column("", "text"), lambda row: row[0]),
        (Column("before", "value", places), lambda row: row[1]),
        (Column("after", "value", places, accent=True), lambda row: row[2]),
        (Column("change", "value", places), lambda row: row[2] - row[1]),
        adds=Adds(3, (2,), (1,)),
    )
    return shown._replace(recipe={"kind": "stepped"})


def _both(update: Update, after_it: Run, value_id: int) -> tuple[float, float]:
    """Return a number of the run before the step and after it."""
    # One number, or for a loss with a row of each example their sum.
    before, after = (float(run.values[value_id].sum()) for run in (update.step.run, after_it))
    return before, after


def _verdict(update: Update, after_it: Run) -> Note:
    before, after = _both(update, after_it, update.step.run.trace.output)
    which = "fell" if after < before else "rose" if after > before else "stayed"
    tone, text = VERDICTS[which if update.finite else "overflowed"]
    return Note(text, tone, recipe={"kind": "verdict", "verdicts": VERDICTS})
