"""Which part of a gradient each term of the loss sends and by which way.

And where two parts all but cancel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from typing import Literal

import numpy as np

from ...engine.formulas import Steps, gradient_name
from ...engine.gradient_ways import TermWay, parts_at, ways
from ...engine.index_ranges import Source
from ...quick_classes import NamedTuple
from ...symbolic.expression import Index
from ...trace import Array
from ..blocks import Adds, Cell, Column, Note, Table
from .captions import term_role, term_words
from .tensors import MOST_LARGEST, largest

# Two terms all but cancel when less than this share of their sizes is left of them.
NEARLY_NOTHING = 0.05
MOST_PARTS = 32  # numbers of a parameter that are taken apart each
# The live page fills these, too. Of one section, of all to the end, and of some in a row.
ALL_FROM = {
    "one": "All of it comes from the {word} term.",
    "all": "All of it comes from the {word} term, and so do all gradients that follow.",
    "down to": "All of it comes from the {word} term, and so do all gradients that follow, down to "
    "{last}.",
}
CANCEL = "At {where}, {forces} all but cancel."
ALL_ZERO = "All other numbers are 0."
THE_LARGEST = "Of {all} numbers the {count} largest."


class TermShare(NamedTuple):
    """What one term sends to a value: the term in a word, its colour, and the numbers.

    `through` is the answer of the encoder that it comes through, if that is known.
    """

    word: str
    role: Literal["reconstruction", "kl"]
    array: Array
    through: str = ""

    @property
    def header(self) -> str:
        """What stands above its column."""
        return f"{self.word} by {self.through}" if self.through else f"from {self.word}"


class TermShares:
    """The shares of the terms of a run's loss; none where one term is explained alone."""

    def __init__(self, steps: Steps, term: str | None) -> None:
        self.steps = steps
        self.run = steps.run
        self.term = term
        self._only_from: dict[int, str] = {}  # of what a page shows, the sentence where it is
        self._ways: tuple[TermWay, ...] | None = None
        self._sections: Sequence[Sequence[int]] = ()

    def follow(self, sections: Sequence[Sequence[int]]) -> None:
        """Take the gradients that a page shows in order, each section's in a row.

        What is true of many sections in a row is said where it begins to be, once.
        """
        self._sections = sections
        for word, group in groupby(sections, self._of_all):
            row = list(group)
            if not word:  # a parameter may be shown behind a value that gets less than it
                self._only_from.update((n, _all_from(self._alone(n))) for s in row for n in s)
                continue
            self._only_from.update(dict.fromkeys((n for s in row for n in s), ""))
            words = "one" if len(row) == 1 else "all" if row[-1] is sections[-1] else "down to"
            last = self._gradient_name(row[-1][0])
            self._only_from[row[0][0]] = ALL_FROM[words].format(word=word, last=last)

    def recipe(self) -> dict[str, object]:
        """Return what a page needs to say anew which term sends what."""
        terms = self.run.trace.terms if self.term is None else ()
        sections = [
            [
                {
                    "of": Source(value_id, True),
                    "behind hook": value_id in self.run.graph.behind_hooks,
                    "terms": [
                        Source(value_id, True, term.name)
                        if value_id in self.run.term_gradients[term.name]
                        else None
                        for term in terms
                    ],
                    "ways": [
                        {"header": share.header, "role": share.role, "of": source}
                        for share, source in self._way_sources(value_id)
                    ],
                }
                for value_id in section
            ]
            for section in self._sections
        ]
        words = [{"word": term_words(each.name), "role": term_role(each.name)} for each in terms]
        said = {**ALL_FROM, "cancel": CANCEL, "zero": ALL_ZERO, "largest": THE_LARGEST}
        most = {"parts": MOST_PARTS, "largest": MOST_LARGEST, "nothing": NEARLY_NOTHING}
        return {"sections": sections, "terms": words, "words": said, "most": most}

    def sending(self, value_id: int, by_way: bool = False) -> tuple[list[TermShare], str]:
        """Return the terms' shares, or, when one term alone sends anything, a word of it.

        With `by_way` they are split by the answer of the encoder that they come through.

        The word is empty where it has been said of a row of sections before.
        """
        alone = self._alone(value_id)
        if alone:
            return [], self._only_from.get(value_id, _all_from(alone))
        shares = (self.by_way(value_id) if by_way else []) or self.by_term(value_id)
        return shares if any(share.array.any() for share in shares) else [], ""

    def by_way(self, value_id: int) -> list[TermShare]:
        """Return the shares of each term through each answer of the encoder, if there are some."""
        if self.term is not None:
            return []
        if self._ways is None:
            self._ways = ways(self.run)
        names = self.run.trace.values
        return [
            TermShare(term_words(way.term), term_role(way.term), array, names[way.through].label)
            for way, array in parts_at(self.run, self._ways, value_id)
        ]

    def _way_sources(self, value_id: int) -> list[tuple[TermShare, Source]]:
        """Return the shares by way, each with where its numbers are from."""
        shares = self.by_way(value_id)
        reaching = parts_at(self.run, self._ways or (), value_id) if shares else ()
        several = bool(self.run.trace.terms)
        sources = [
            Source(value_id, True, way.term if several else None, way.through)
            for way, _ in reaching
        ]
        return list(zip(shares, sources, strict=True))

    def _of_all(self, numbers: Sequence[int]) -> str:
        """Return the one term that several gradients all come from; empty where there is none."""
        words = {self._alone(value_id) for value_id in numbers}
        return words.pop() if len(words) == 1 else ""

    def _alone(self, value_id: int) -> str:
        """Return the one term that sends anything; where none does, the one that could."""
        shares = self.by_term(value_id)
        by_term = self.run.term_gradients
        sending = [share.word for share in shares if share.array.any()] or [
            share.word
            for share, term in zip(shares, self.run.trace.terms, strict=False)
            if value_id in by_term[term.name]
        ]
        return sending[0] if len(sending) == 1 else ""

    def table(self, value_id: int, shown: Sequence[Index]) -> list[Note | Table]:
        """Return how much of each element each term sends, and by which way."""
        shares, only_from = self.sending(value_id, by_way=True)
        blocks: list[Note | Table] = [Note(only_from)] if only_from else []
        if not shares:
            return blocks
        columns = (
            Column("element", "label"),
            Column(self._gradient_name(value_id), "gradient", "gradient", accent=True),
            *self.columns(shares),
        )
        rows: tuple[tuple[Cell, ...], ...] = tuple(
            (
                self.steps.label(value_id, index).strip("[]"),
                *self.parts(float(self.run.gradients[value_id][index]), shares, index),
            )
            for index in shown
        )
        adds = Adds(1, tuple(range(2, len(columns))))
        return [*blocks, Table(columns, rows, adds=adds), *self.cancelling(value_id, shown)]

    def of_parameter(self, value_id: int, made: int) -> list[Note | Table]:
        """Return how much of each number of a parameter's gradient comes by which way.

        Of a parameter with many the largest stand for all. Nothing is said where the numbers
        are those that arrive at the value that it `made`, as a bias has them.
        """
        shares, _ = self.sending(value_id, by_way=True)
        gradient, arriving = (self.run.gradients[each] for each in (value_id, made))
        if not shares or np.array_equal(gradient.ravel(), arriving.ravel()):
            return list(self.cancelling(value_id))
        shown = places(np.logical_or.reduce([gradient != 0, *(s.array != 0 for s in shares)]))
        left = gradient.size - len(shown)
        note = ALL_ZERO if left else ""
        if len(shown) > MOST_PARTS:
            shown = sorted(largest(gradient, MOST_LARGEST))
            note = THE_LARGEST.format(all=f"{gradient.size:,}", count=len(shown))
        table, *others = self.table(value_id, shown)
        return [table, *([Note(note)] if note else []), *others]

    def columns(self, shares: Sequence[TermShare]) -> list[Column]:
        """Return a column for each share."""
        return [Column(share.header, share.role, "gradient") for share in shares]

    def parts(self, total: float, shares: Sequence[TermShare], index: Index) -> list[float]:
        """Return an element of a gradient, and the shares that it is the sum of.

        They are summed in another order than the gradient is, or in another precision; the
        largest of them takes the rounding that this makes.
        """
        amounts = [float(share.array[index]) for share in shares]
        if amounts and math.isfinite(total):
            largest = max(range(len(amounts)), key=lambda at: abs(amounts[at]))
            if amounts[largest]:
                others = amounts[:largest] + amounts[largest + 1 :]
                amounts[largest] = total - math.fsum(others)
        return [total, *amounts]

    def cancelling(self, value_id: int, shown: Sequence[Index] | None = None) -> list[Note]:
        """Return where two large forces hide behind a small total, of all numbers or of some."""
        shares = self.by_term(value_id)
        if len(shares) < 2:
            return []
        amounts = np.stack([share.array.astype(np.float64) for share in shares])
        with np.errstate(invalid="ignore"):
            size, total = np.abs(amounts).sum(axis=0), np.abs(amounts.sum(axis=0))
            nearly = (size != 0) & (total < NEARLY_NOTHING * size)
        notes = []
        for index in places(nearly) if shown is None else (at for at in shown if nearly[at]):
            where = f"{self._gradient_name(value_id)}{self.steps.label(value_id, index)}"
            forces = " and ".join(
                f"{share.word} {_signed(float(share.array[index]))}" for share in shares
            )
            notes.append(Note(CANCEL.format(where=where, forces=forces), "warning"))
        return notes

    def by_term(self, value_id: int) -> list[TermShare]:
        """Return each term's share, when any term reaches the value.

        Behind a hook, which may clip, what the terms send one by one need not add up.
        """
        if self.term is not None or value_id in self.run.graph.behind_hooks:
            return []
        by_term = self.run.term_gradients
        if not any(value_id in by_term[term.name] for term in self.run.trace.terms):
            return []
        zero = np.zeros_like(self.run.gradients[value_id])
        return [
            TermShare(term_words(name), term_role(name), by_term[name].get(value_id, zero))
            for name in (term.name for term in self.run.trace.terms)
        ]

    def _gradient_name(self, value_id: int) -> str:
        return gradient_name(self.run, value_id, self.term)


def places(chosen: Array) -> list[Index]:
    """Return where an array of truths has one, the last axis fastest."""
    return [tuple(at) for at in np.argwhere(chosen).tolist()]


def _all_from(word: str) -> str:
    return ALL_FROM["one"].format(word=word) if word else ""


def _signed(amount: float) -> str:
    """Write an amount with its sign, as the table beside it does; never a zero that is none."""
    text = f"{amount:+.4f}"
    return text if float(text) or not amount else f"{amount:+.1e}"
