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
from ..blocks import Block, Checks, Heading, Prose, Walkthrough
from . import backward, checking, forward, parameters, update, words
from .network import diagram
from .page import footer, heading_line, lines_of, loss_words, summary_note, without_rule


def document(
    run: Run,
    check: Check,
    moved: Update | None = None,
    architecture: Architecture | None = None,
) -> tuple[Walkthrough, Checks]:
    """Compose the document of a run.

    Parameters
    ----------
    check
        The run's gradients beside the oracles.
    moved
        One step of gradient descent from the run; without it that chapter is left out.
    architecture
        The built-in VAE's; None for a user's own model, whose layers are told from the run.
    """
    text = _Document()
    idea = words.idea(run)
    if idea:
        text.chapter("What a VAE is", idea)
    text.chapter("The model", words.model(run), _model(run, architecture))
    text.chapter("The parameters", words.parameters(run), parameters.matrices(run, architecture))
    sections = forward.compose(run).parts()
    ends = [section_of(run, numbers[0]) == "loss" for numbers, _ in sections]
    first = [blocks for (_, blocks), end in zip(sections, ends, strict=True) if not end]
    last = [blocks for (_, blocks), end in zip(sections, ends, strict=True) if end]
    text.chapter("The forward pass", words.forward(run), _joined(first))
    text.chapter("The loss", words.loss(run), _joined(last))
    text.chapter("The backward pass", words.backward(run), backward.compose(run).blocks)
    if moved is not None:
        names = list(moved.step.after)
        text.chapter("One step of learning", words.update(run), update.compose(moved, names).blocks)
    text.chapter("How this was checked", words.checks(run), checking.compose(check))
    checks = Checks()
    for line in lines_of(text.blocks):
        checks.add(line)
    text.add(*summary_note(text.blocks), footer(run, checks))
    run_on = (heading_line(run), *loss_words(run.loss_call))
    remarks = (*run_on, words.arithmetic(run), *without_rule(run))
    return Walkthrough("document", words.what_is_shown(run), remarks, tuple(text.blocks)), checks


class _Document:
    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.chapters = 0

    def add(self, *blocks: Block) -> None:
        self.blocks += blocks

    def chapter(self, title: str, text: Sequence[str], blocks: Iterable[Block] = ()) -> None:
        """Add a chapter: its heading, its words, and the sections of a page."""
        self.chapters += 1
        self.add(Heading(self.chapters, title), *map(Prose, text))
        sections = 0
        for block in blocks:
            if isinstance(block, Heading):
                sections += 1
                block = block._replace(number=sections, chapter=self.chapters)
            self.add(block)


def _joined(sections: Iterable[Sequence[Block]]) -> list[Block]:
    return [block for blocks in sections for block in blocks]


def _model(run: Run, architecture: Architecture | None) -> list[Block]:
    """Return the picture of the model and, of the built-in one, the table of its layers."""
    caption = words.picture(run)
    if architecture is None:
        return [diagram(run, caption=caption)]
    return [
        diagram(run, parameters.stages(architecture), caption),
        parameters.layers(architecture),
    ]
