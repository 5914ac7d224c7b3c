"""A page for one reader: how much is said, and how exactly; and a document in short.

A page is composed once, as a reader with one lecture behind them wants it. Here what an expert
knows is left out, what a first reading needs is said again, and the few lines are kept that
two printed pages hold.
"""

from __future__ import annotations

from collections.abc import Iterable

from .blocks import (
    Block,
    Formula,
    Heading,
    Level,
    Lines,
    Matrix,
    Note,
    Prose,
    Statement,
    Table,
    Walkthrough,
)
from .pictured import Diagram
from .walkthrough import glossary, run_says
from .walkthrough.draft import once_a_section
from .walkthrough.glossary import has_gate

LEVELS: tuple[Level, ...] = ("intro", "standard", "expert")
# Of the chapters of a document, those that its short form has.
SHORT = (run_says.TITLE, "The model", "The forward pass", "The loss", "The backward pass",
         "One step of learning")  # fmt: skip


def for_reader(page: Walkthrough, level: Level = "standard", verbose: bool = False) -> Walkthrough:
    """Return a page as a reader wants it.

    Parameters
    ----------
    level
        `intro` explains each word of the field in every section that uses it, and lists them;
        `expert` leaves out what the field knows.
    verbose
        Whether it is said how far off the worst number was, of those that were checked.
    """
    blocks = once_a_section(page.blocks)
    if verbose:
        blocks = [_exactly(block) if isinstance(block, Note) else block for block in blocks]
    if level == "expert":
        blocks = _for_an_expert(blocks)
    if level == "intro":
        blocks = _for_a_first_reading(blocks)
    return page._replace(blocks=tuple(blocks))


def _exactly(note: Note) -> Note:
    if not note.exactly:
        return note
    end = "." if note.text.endswith(".") else ""
    return note._replace(text=f"{note.text.removesuffix('.')} ({note.exactly}){end}")


def _for_an_expert(blocks: Iterable[Block]) -> list[Block]:
    kept: list[Block] = []
    for block in blocks:
        if isinstance(block, Prose) and block.level != "expert":
            continue
        if isinstance(block, Table) and block.marked:  # the products of a sum
            continue
        kept.append(block._replace(remark="") if isinstance(block, Formula) else block)
    return _renumbered(_without(kept, (glossary.TITLE,)))


def _for_a_first_reading(blocks: list[Block]) -> list[Block]:
    section: list[Block] = []
    done: list[Block] = []
    for block in [*blocks, Heading(0, "")]:
        if isinstance(block, Heading):
            own = [each for each in section if each not in _introductions(section)]
            done += glossary.introduced(own)
            section = []
        section.append(block)
    if any(isinstance(block, Heading) and block.title == glossary.TITLE for block in done):
        return done
    count = sum(isinstance(block, Heading) and not block.chapter for block in done)
    words = glossary.listed(done, in_a_table=False)
    footer = done[-1:] if done and isinstance(done[-1], Note) else []
    body = done[: len(done) - len(footer)]
    return [*body, *([Heading(count + 1, glossary.TITLE), *words] if words else []), *footer]


def _introductions(section: Iterable[Block]) -> list[Block]:
    sentences = [word.sentence for word in glossary.WORDS if word.sentence]
    return [
        block
        for block in section
        if isinstance(block, Prose) and any(map(block.text.startswith, sentences))
    ]


def _without(blocks: Iterable[Block], titles: tuple[str, ...]) -> list[Block]:
    """Return a page without some chapters, and without those that have nothing in them."""
    groups: list[list[Block]] = [[]]
    for block in blocks:
        if isinstance(block, Heading) and not block.chapter:
            groups.append([])
        groups[-1].append(block)
    last = groups[-1][-1] if isinstance(groups[-1][-1], Note) else None  # the page's footer
    if last is not None:
        groups[-1].pop()
    kept = list(groups[0])
    for group in groups[1:]:
        title = group[0].title if isinstance(group[0], Heading) else ""
        kept += group if title not in titles and len(group) > 1 else []
    return [*kept, last] if last is not None else kept


def _renumbered(blocks: Iterable[Block]) -> list[Block]:
    done: list[Block] = []
    chapter = section = 0
    for block in blocks:
        if isinstance(block, Heading) and not block.chapter:
            chapter, section = chapter + 1, 0
            block = block._replace(number=chapter)
        elif isinstance(block, Heading):
            section += 1
            block = block._replace(number=section, chapter=chapter)
        done.append(block)
    return done


# --- in short ---------------------------------------------------------------------------


def in_short(page: Walkthrough) -> Walkthrough:
    """Return a document on two pages: what the run says, and of each step one line.

    Of a chapter's sections the formulas stay, each with the line that stands for all of its
    numbers; of the step of learning, what it did.
    """
    kept: list[Block] = []
    chapter = ""
    for block in page.blocks:
        if isinstance(block, Heading):
            chapter = chapter if block.chapter else block.title
            if not block.chapter and chapter in SHORT:
                kept.append(block)
        elif chapter in SHORT:
            kept += _briefly(block, chapter)
    # A bias has the gradient of its output, unchanged; what says so has no line of its own.
    behind = [*kept[1:], page.blocks[-1]]
    kept = [
        block
        for block, after in zip(kept, behind, strict=True)
        if not isinstance(block, Formula) or isinstance(after, Lines) or has_gate(block.expression)
    ]
    blocks = (*_renumbered(kept), *page.blocks[-1:])
    return page._replace(command=f"{page.command} --short", blocks=blocks)


def _briefly(block: Block, chapter: str) -> list[Block]:
    last = chapter == "One step of learning"
    match block:
        case Statement():
            return [block]
        case Diagram():
            return [block._replace(network=None, caption="")]
        case Formula():
            return [] if last else [block._replace(remark="")]
        case Lines() if block.total is not None:
            lines = Lines(block.name, (block.total,), "", "value")
            return [lines]
        case Lines():
            one = block._replace(quiet=True, after=None, columns=())
            return [] if last or one.example is None else [one]
        case Table() if last:
            return [block]
        case Matrix():
            return [block] if block.array.size <= 8 and block.role in ("input", "noise") else []
        case _:
            return []
