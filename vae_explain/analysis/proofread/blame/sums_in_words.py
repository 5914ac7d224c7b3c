"""A sum that is called so in a list whose entries come to what is added: `sum / 2 = 1.02`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from ..arithmetic.damages import one_digit_apart
from ..arithmetic.evaluation import CannotEvaluate, evaluate, half
from ..arithmetic.intervals import all_meet
from ..arithmetic.known import as_text
from ..grammar.cursor import literal
from ..grammar.syntax import Literal, Product, Sum, Tree, is_bare, is_numeric
from ..passage import Passage
from ..statements.chains import Chain
from .operands import is_damaged

SUM = re.compile(r"(?:the )?(?:sum|total)(?: */ *(\d+))?", re.IGNORECASE)


class SumsInWords:
    """Goes through the entries of lists, and knows what those of the one at hand come to."""

    def __init__(self) -> None:
        self.context: object = None
        self.results: list[Literal] = []
        self.others = False  # whether it has entries that are no arithmetic

    def read(self, passage: Passage, chains: Sequence[Chain]) -> Sequence[Chain]:
        """Return an entry's equations, a sum that is called so as one of the entries before it."""
        if passage.context != self.context:
            self.context, self.results, self.others = passage.context, [], False
        chain = chains[0] if len(chains) == 1 else None
        last = chain.sides[-1].tree if chain is not None else None
        if chain is None or not isinstance(last, Literal):
            self.others = True
            return chains
        called = SUM.fullmatch(chain.sides[0].text)
        if called is None:
            first = chain.sides[0].tree
            self.others |= first is None or is_bare(first) or not is_numeric(first)
            self.results.append(last)
            return chains
        added = self._added(called[1])
        complete = len(chain.sides) == 2 and len(self.results) > 1 and not self.others
        if not complete or not _may_be(added, last):
            return chains
        return [replace(chain, sides=(chain.sides[0]._replace(tree=added), *chain.sides[1:]))]

    def _added(self, parts: str | None) -> Tree:
        total = Sum(tuple(self.results))
        return total if parts is None else Product((total, literal(parts)), ("", "/"))


def _may_be(added: Tree, number: Literal) -> bool:
    """Whether a number is a sum, or what one small thing made of it: else it is another's."""
    try:
        bounds = evaluate(added)
    except CannotEvaluate:
        return False
    meant = float(bounds.middle)
    return (
        all_meet(bounds, half(number))
        or is_damaged(number, meant)
        or one_digit_apart(number.text, as_text(meant, number))
    )
