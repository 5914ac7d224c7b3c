"""A page being written: its numbered sections, and the notes under what was checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from ...engine.progress import working_on
from ...engine.run import Run
from ...engine.worked_lines import Worked
from ..blocks import (
    PART,
    Adds,
    Block,
    Cell,
    Checked,
    Column,
    Heading,
    Note,
    Recipe,
    Summary,
    Table,
    Walkthrough,
)
from ..checks import Checks
from ..phrases import counted
from .tensors import MOST_NUMBERS

Item = TypeVar("Item")


class Draft:
    """The blocks of a page so far, and how many sections it has."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.sections = 0

    def add(self, *blocks: Block) -> None:
        self.blocks += blocks

    def add_parts(self, then: Mapping[str, object], *blocks: Note | Table) -> None:
        """Add what may follow a block, or not, as the numbers are; `then` says by which of them."""
        last = self.blocks[-1]
        assert isinstance(last, Note), "which says what was checked"
        self.blocks[-1] = last._replace(recipe={**(last.recipe or {}), "then": then})
        self.add(*(block._replace(recipe=PART) for block in blocks))

    def open(self, title: str, detail: str = "", recorded: bool = False) -> None:
        """Begin a section."""
        self.sections += 1
        working_on(title)
        self.add(Heading(self.sections, title, detail, recorded=recorded))

    def left_out(self, count: int, noun: str) -> None:
        """Say how many rows of a table are not shown, if any."""
        if count > 0:
            self.add(Note(f"{counted(count, f'further {noun}')} left out."))


def numbered(blocks: Iterable[Block], chapter: int = 0) -> list[Block]:
    """Number the sections of several pages as those of one, or of one chapter."""
    draft = Draft()
    for block in blocks:
        if isinstance(block, Heading):
            draft.sections += 1
            block = block._replace(number=draft.sections, chapter=chapter)
        draft.add(block)
    return draft.blocks


def finished(
    command: str, title: str, remarks: Sequence[str], blocks: Sequence[Block], run: Run | None
) -> tuple[Walkthrough, Checks]:
    """Return a page with its header and, if its lines are of a run, its footer; and its checks."""
    checks = Checks.of(blocks)
    end = () if run is None else (footer(run, checks),)
    return Walkthrough(command, title, tuple(remarks), (*blocks, *end)), checks


def summary_note(blocks: Iterable[Block]) -> list[Note]:
    """Say how to see any number of the tensors that a page summarises, if there are any."""
    asked = [block.ask for block in blocks if isinstance(block, Summary) and block.ask]
    if not asked:
        return []
    return [
        Note(
            f"Tensors of more than {MOST_NUMBERS} numbers are summarised. Any number of theirs "
            f'can be asked for, with the same options: vae-explain why "{asked[-1]}"'
        )
    ]


def table(
    items: Iterable[Item],
    *columns: tuple[Column, Callable[[Item], Cell]],
    adds: Adds | None = None,
) -> Table:
    """Return a table with a row for each item: every column with what its cells hold."""
    rows = tuple(tuple(cell(item) for _, cell in columns) for item in items)
    return Table(tuple(column for column, _ in columns), rows, adds=adds)


def verdict(words: str, passed: bool) -> Note:
    """Return the note that says what came of a check."""
    return Note(words, "check" if passed else "failure")


def checked(
    lines: Sequence[Worked],
    noun: str,
    whose: str = "PyTorch's",
    tail: str = "",
    gates: object = None,
) -> Note:
    """Return the note under lines: how many were evaluated, and how far off the worst was.

    Parameters
    ----------
    tail
        What it says besides.
    gates
        What that follows from, where it speaks of gates: in the words of `Recipe`.
    """
    note = _compared(lines, noun, whose, tail)
    return note._replace(recipe=_recipe(len(lines), noun, gates))


def _recipe(count: int, noun: str, gates: object = None) -> Recipe:
    return {"kind": "checked", "count": counted(count, noun), "gates": gates}


def _compared(lines: Sequence[Worked], noun: str, whose: str, tail: str) -> Note:
    failed = [line for line in lines if not line.agrees]
    largest = max((line.difference for line in lines), default=0.0)
    if failed:
        count = counted(len(lines), noun)
        where = ", ".join(line.label or "the sum" for line in failed[:4])
        words = f"{len(failed)} of {count} not equal to {whose}: {where} "
        return verdict(f"{words}(largest relative difference {largest:.1e})", passed=False)
    return _passed(Checked(len(lines), noun, whose.removesuffix("'s"), tail, largest))


def _passed(what: Checked) -> Note:
    return Note(what.text, "check", exactly=difference_words(what.difference), checked=what)


def as_one_section(blocks: Iterable[Block]) -> list[Block]:
    """Put what was checked in several sections that say the same into one note at their end."""
    whole = list(blocks)
    notes = [b for b in whole if isinstance(b, Note) and b.checked is not None]
    others = [b for b in whole if not (isinstance(b, Note) and b.checked is not None)]
    return [*others, *once_a_section(notes)]


def once_a_section(blocks: Iterable[Block]) -> list[Block]:
    """Put what was checked in a section into one note, at the last place where it was said."""
    done: list[Block] = []
    section: list[tuple[int, Checked]] = []  # of the notes in it, with their places

    def close() -> None:
        if len(section) > 1:
            parts = [each for _, each in section]
            nouns, whose = {each.noun for each in parts}, {each.whose: None for each in parts}
            tails = dict.fromkeys(each.tail for each in parts)
            whole = Checked(
                sum(each.lines for each in parts),
                nouns.pop() if len(nouns) == 1 else "number",
                " and ".join(whose),
                "".join(tails),
                max(each.difference for each in parts),
            )
            recipe = None if whole.tail else _recipe(whole.lines, whole.noun)
            done[section[-1][0]] = _passed(whole)._replace(recipe=recipe)
            for place, _ in reversed(section[:-1]):
                del done[place]
        section.clear()

    for block in blocks:
        if isinstance(block, Heading):
            close()
        elif isinstance(block, Note) and block.checked is not None:
            section.append((len(done), block.checked))
        done.append(block)
    close()
    return done


def difference_words(largest: float) -> str:
    """Return the largest relative difference in words; exact when there is none."""
    return f"largest relative difference {largest:.1e}" if largest else "no difference"


def footer(run: Run, checks: Checks) -> Note:
    """Return the last line of a page."""
    if not checks.lines:
        return Note("No arithmetic on this page.")
    version = run.trace.torch_version
    whole = f"{counted(checks.lines, 'line')} of arithmetic checked against PyTorch {version}"
    if checks.failed:
        return verdict(f"{whole}: {checks.failed} failed, marked above.", passed=False)
    how = difference_words(checks.largest_relative_difference)
    return Note(f"{whole}: all agree.", "check", exactly=how)
