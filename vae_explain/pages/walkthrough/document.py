"""The whole document: every page of a run as chapters of one text.

Nothing is explained here a second time. The chapters are the sections of the pages that
stand beside this file, numbered anew, with a few words before each on what it is for; so a
document says what the commands say, and is checked where they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...analysis.gradient_check import Check
from ...analysis.training_records import Update
from ...engine.roles import section_of
from ...engine.run import Run
from ...models.builtin_config import Architecture
from ..blocks import Block, Prose, Walkthrough
from ..checks import Checks
from . import backward, checking, forward, glossary, introductions, parameters, update
from .draft import Draft, finished, numbered, summary_note
from .facts import RATE
from .header import heading_line, loss_words, provisos
from .model_map import model_map
from .network import diagram
from .page import is_large
from .repeated import repeated
from .run_says import TITLE
from .run_says_anew import said_of


def document(
    run: Run,
    check: Check,
    moved: Update | str = "",
    architecture: Architecture | None = None,
    other: Run | None = None,
) -> tuple[Walkthrough, Checks]:
    """Compose the document of a run.

    Parameters
    ----------
    check
        The run's gradients beside the oracles.
    moved
        One step of gradient descent from the run, or why there is none; without a word that
        chapter is left out.
    architecture
        The built-in VAE's; None for a user's own model, whose layers are read from the run.
    other
        The same run in the other arithmetic, whose gradients are said where their digits differ.
    """
    page = Draft()

    def chapter(
        title: str, text: Sequence[str], blocks: Iterable[Block] = (), recorded: bool = False
    ) -> None:
        page.open(title, recorded=recorded)
        page.add(*(Prose(each, level="standard") for each in text))
        page.add(*numbered(blocks, page.sections))

    like, large = repeated(run), is_large(run)
    if large:
        chapter("The map of the model", introductions.MAP, model_map(run))
    said = said_of(run, moved.step.lr if isinstance(moved, Update) else RATE)
    if said:
        chapter(TITLE, introductions.SAYS, said)
    idea = introductions.idea(run)
    if idea:
        chapter("What a VAE is", idea)
    if not large:  # whose map stands first
        chapter("The model", introductions.model(run), _model(run, architecture))
    tensors = parameters.matrices(run, architecture, like)
    chapter("The parameters", introductions.parameters(run), tensors)
    first: list[Block] = []
    last: list[Block] = []
    for value_ids, blocks in forward.ForwardPage(run, like=like).parts():
        half = last if section_of(run, value_ids[0]) == "loss" else first
        half += blocks
    chapter("The forward pass", introductions.forward(run), first)
    chapter("The loss", introductions.loss(run), last)
    back = backward.BackwardPage(run, like=like)
    chapter("The backward pass", introductions.backward(run), back.blocks)
    page.add(*back.in_the_other_arithmetic(other))
    if isinstance(moved, Update):
        names = list(moved.step.after)
        step = update.compose(moved, names, update.like_another(moved.step.run, names))
        chapter("One step of learning", introductions.update(run), step.blocks)
    elif moved:
        chapter("One step of learning", [f"The step cannot be shown. {moved}"])
    ways = checking.compose(check, absolute=False)
    chapter("How this was checked", introductions.checks(run), ways, recorded=True)
    page.add(*summary_note(page.blocks))
    words = glossary.listed(page.blocks)
    page.blocks = glossary.introduced(page.blocks)
    chapter(glossary.TITLE, introductions.WORDS, words)
    loss, arithmetic = loss_words(run.loss_call), introductions.arithmetic(run)
    remarks = (heading_line(run), *loss, arithmetic, *provisos(run))
    return finished("document", introductions.what_is_shown(run), remarks, page.blocks, run)


def _model(run: Run, architecture: Architecture | None) -> list[Block]:
    """Return the picture of the model and, of the built-in one, the table of its layers."""
    caption = introductions.picture(run)
    if architecture is None:
        return [diagram(run, caption=caption)]
    return [diagram(run, parameters.stages(architecture), caption), parameters.layers(architecture)]
