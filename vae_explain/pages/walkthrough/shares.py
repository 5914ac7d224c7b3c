"""Which part of a gradient each term of the loss sends, and where two parts all but cancel."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Literal, NamedTuple

import numpy as np

from ...engine.formulas import Steps, gradient_name
from ...symbolic.expression import Index
from ...trace import Array
from ..blocks import Block, Cell, Column, Note, Table
from .captions import term_role, term_words

# Two terms all but cancel when less than this share of their sizes is left of them.
NEARLY_NOTHING = 0.05


class TermShare(NamedTuple):
    """What one term sends to a value: the term in a word, its colour, and the numbers."""

    word: str
    role: Literal["reconstruction", "kl"]
    array: Array


class TermShares:
    """The shares of the terms of a run's loss; none where one term is explained alone."""

    def __init__(self, steps: Steps, term: str | None) -> None:
        self.steps = steps
        self.run = steps.run
        self.term = term
        self._only_from: dict[int, str] = {}  # of what a page shows, the sentence where it is

    def follow(self, sections: Sequence[Sequence[int]]) -> None:
        """Take the gradients that a page shows in order, each section's in a row.

        What is true of many sections in a row is said where it begins to be, once.
        """
        for word, group in groupby(sections, self._of_all):
            row = list(group)
            if not word:  # a parameter may be shown behind a value that gets less than it
                self._only_from.update((n, _all_from(self._alone(n))) for s in row for n in s)
                continue
            self._only_from.update(dict.fromkeys((n for s in row for n in s), ""))
            end = "."
            if len(row) > 1:
                to_the_end = row[-1] is sections[-1]
                last = self._gradient_name(row[-1][0])
                end = ", and so do all gradients that follow"
                end += "." if to_the_end else f", down to {last}."
            self._only_from[row[0][0]] = f"All of it comes from the {word} term{end}"

    def sending(self, value_id: int) -> tuple[list[TermShare], str]:
        """Return the terms' shares, or, when one term alone sends anything, a word of it.

        The word is empty where it has been said of a row of sections before.
        """
        alone = self._alone(value_id)
        if alone:
            return [], self._only_from.get(value_id, _all_from(alone))
        shares = self._of(value_id)
        return shares if any(share.array.any() for share in shares) else [], ""

    def _of_all(self, numbers: Sequence[int]) -> str:
        """Return the one term that several gradients all come from; empty where there is none."""
        words = {self._alone(value_id) for value_id in numbers}
        return words.pop() if len(words) == 1 else ""

    def _alone(self, value_id: int) -> str:
        """Return the one term that sends anything; where none does, the one that could."""
        shares = self._of(value_id)
        by_term = self.run.term_gradients
        sending = [share.word for share in shares if share.array.any()] or [
            share.word
            for share, term in zip(shares, self.run.trace.terms, strict=False)
            if value_id in by_term[term.name]
        ]
        return sending[0] if len(sending) == 1 else ""

    def table(self, value_id: int, shown: Sequence[Index]) -> list[Block]:
        """Return how much of each element each term sends."""
        shares, only_from = self.sending(value_id)
        blocks: list[Block] = [Note(only_from)] if only_from else []
        if not shares:
            return blocks
        columns = (
            Column("element", "label"),
            Column(self._gradient_name(value_id), "gradient", "gradient", accent=True),
            *(Column(f"from {share.word}", share.role, "gradient") for share in shares),
        )
        rows: tuple[tuple[Cell, ...], ...] = tuple(
            (
                self.steps.label(value_id, index).strip("[]"),
                float(self.run.gradients[value_id][index]),
                *(float(share.array[index]) for share in shares),
            )
            for index in shown
        )
        return [*blocks, Table(columns, rows), *self.cancelling(value_id, shown)]

    def cancelling(self, value_id: int, shown: Sequence[Index]) -> list[Note]:
        """Return where two large forces hide behind a small total."""
        shares = self._of(value_id)
        if len(shares) < 2:
            return []
        notes = []
        for index in shown:
            amounts = [(share.word, float(share.array[index])) for share in shares]
            size = sum(abs(amount) for _, amount in amounts)
            total = sum(amount for _, amount in amounts)
            if size and abs(total) < NEARLY_NOTHING * size:
                where = f"{self._gradient_name(value_id)}{self.steps.label(value_id, index)}"
                forces = " and ".join(f"{word} {_signed(amount)}" for word, amount in amounts)
                notes.append(Note(f"At {where}, {forces} all but cancel.", "warning"))
        return notes

    def _of(self, value_id: int) -> list[TermShare]:
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


def _all_from(word: str) -> str:
    return f"All of it comes from the {word} term." if word else ""


def _signed(amount: float) -> str:
    """Write an amount with its sign, as the table beside it does; never a zero that is none."""
    text = f"{amount:+.4f}"
    return text if float(text) or not amount else f"{amount:+.1e}"
