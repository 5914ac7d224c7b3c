"""The training page: the losses step by step, what came of it, and one step opened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ...analysis.training_records import Losses, OptimizerStep, Training
from ...ops.rule import indices
from ..blocks import (
    Block,
    Cell,
    Checks,
    Column,
    Curve,
    Heading,
    Note,
    Prose,
    Series,
    Table,
    Walkthrough,
)
from . import backward, forward
from .captions import counted, term_words
from .optimizer import OptimizerPage, closed, rate_text, settings_words
from .page import MOST_IN_HEADER, MOST_LINES, loss_words

NAMES = {"sgd": "gradient descent (SGD)", "adam": "Adam"}


def training(
    found: Training, only: Sequence[str] = (), written: Sequence[str] = ()
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
    blocks = [*_losses(found), *_reconstruction(found)]
    if found.explained is not None:
        blocks = _numbered([*blocks, *_opened(found.explained, only or list(found.parameters))])
    elif found.request.explain is not None:
        words = f"Step {found.request.explain} cannot be opened. {_ending(found)}"
        blocks.append(Note(words, "failure"))
    blocks += [Note(words) for words in written]
    run = found.explained.run if found.explained else None
    return closed("train", _title(found), loss_words(found.loss_call), _numbered(blocks), run)


def _title(found: Training) -> str:
    request, rows = found.request, found.x
    given = f"x {list(rows.shape)}"
    if rows.size <= MOST_IN_HEADER:
        given = f"x = [{', '.join(f'{float(number):g}' for number in rows.ravel())}]"
    how = (
        f"{NAMES[request.optimizer]}, lr {rate_text(request.lr)}, {counted(request.steps, 'step')}"
    )
    return f"{found.label} · seed {request.seed} · {given} · {how}"


# --- the losses -------------------------------------------------------------------------


def _losses(found: Training) -> list[Block]:
    losses = found.losses
    steps = counted(len(losses), "step")
    blocks: list[Block] = [
        Heading(1, "The losses", f"{steps}, each before its update"),
        Prose(
            "Each step draws a new ε, so the curve is never quite smooth."
            if found.request.own is None
            else "Each step runs the model once, with draws of its own where it draws."
        ),
        Curve("step", series_of(found)),
        _table(losses, found.terms),
    ]
    if found.diverged_at is not None:
        blocks.append(Note(_ending(found), "failure"))
    return blocks


def series_of(found: Training) -> tuple[Series, ...]:
    """Return the loss and its terms as curves over the steps."""
    losses = found.losses
    series = [Series("loss", tuple(entry.loss for entry in losses), "total")]
    for position, name in enumerate(found.terms):
        words = term_words(name)
        series.append(
            Series(
                f"{words} ({name})" if words != name else name,
                tuple(entry.terms[position] for entry in losses),
                term_role(name),
            )
        )
    return tuple(series)


def _ending(found: Training) -> str:
    at = found.diverged_at
    asked = counted(found.request.steps, "step")
    if at is None:
        return f"{asked} done."
    return (
        f"The run diverged: step {at:,} of {asked} is the first with a number that is not "
        "finite. What came before is kept; a smaller lr may train."
    )


def _table(losses: Sequence[Losses], terms: Sequence[str]) -> Table:
    columns = (
        Column("step", "label"),
        Column("loss", "value", accent=True),
        *(Column(name, term_role(name)) for name in terms),
    )
    chosen = [losses[step] for step in chosen_steps(len(losses))]
    rows: list[tuple[Cell, ...]] = [(entry.step, entry.loss, *entry.terms) for entry in chosen]
    return Table(columns, tuple(rows))


def term_role(name: str) -> Literal["reconstruction", "kl"]:
    """Return which colour a term has: the KL's, or that of all others."""
    return "kl" if term_words(name) == "KL" else "reconstruction"


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


def _reconstruction(found: Training) -> list[Block]:
    x, before, after = found.x, found.recon_before, found.recon_after
    if before is None or after is None or before.shape != x.shape or after.shape != x.shape:
        words = "No loss term compares a value with x, so no reconstruction is shown."
        return [Note(words)]
    shown = list(indices(x.shape))[:MOST_LINES]
    rows: list[tuple[Cell, ...]] = []
    for at in shown:
        label = ",".join(map(str, at if x.shape[0] > 1 else at[1:]))
        then, now = float(before[at]), float(after[at])
        rows.append((label, float(x[at]), then, now, now - float(x[at])))
    columns = (
        Column("element", "label"),
        Column("x", "input", "input"),
        Column("before training", "value", "parameter"),
        Column("after", "value", "parameter", accent=True),
        Column("after - x", "value", "parameter"),
    )
    blocks: list[Block] = [
        Heading(
            2,
            "The reconstruction",
            "from the mean, z = mu, with no noise"
            if found.request.own is None
            else "with every draw from the standard normal 0",
        ),
        Table(columns, tuple(rows)),
    ]
    if x.size > len(shown):
        blocks.append(Note(f"{counted(x.size - len(shown), 'further element')} left out."))
    return blocks


# --- one step opened --------------------------------------------------------------------


def _opened(step: OptimizerStep, parameters: Sequence[str]) -> list[Block]:
    at = f"Step {step.step}"
    blocks: list[Block] = [
        Heading(0, f"{at}: the forward pass", "its parameters, its noise"),
        *forward.compose(step.run).blocks,
        Heading(0, f"{at}: the backward pass", "the gradients that its update uses"),
        *backward.compose(step.run).blocks,
        Heading(0, f"{at}: the update by {NAMES[step.optimizer]}"),
        Prose(f"{settings_words(step)}."),
    ]
    page = OptimizerPage(step)
    for name in parameters:
        page.add(Heading(0, f"Move {name}", str(list(step.after[name].shape))))
        page.moved(name, detailed=len(parameters) < len(step.after))
    return blocks + page.blocks


def _numbered(blocks: Sequence[Block]) -> list[Block]:
    """Number the sections of several pages as those of one."""
    found: list[Block] = []
    sections = 0
    for block in blocks:
        if isinstance(block, Heading):
            sections += 1
            block = block._replace(number=sections)
        found.append(block)
    return found
