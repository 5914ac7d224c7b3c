"""What the products of long sums come to, one by one: a table under the lines."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ...engine.worked_lines import Worked
from ...symbolic.expression import Expression, Rest, terms_of
from ...symbolic.measure import evaluate
from ...symbolic.text import to_text
from ..blocks import Adds, Cell, Column, Table

FEWEST_PRODUCTS, MOST_PRODUCTS = 4, 10  # of one line, that are shown one by one under it
FEW_PRODUCTS = 5  # of a longer one, that fit on paper beside all others and the result


def products(name: str, lines: Sequence[Worked], heads: Sequence[str]) -> list[Table]:
    """Show what each product of long sums comes to, the largest of each marked.

    Of very long ones the largest stand each in a column, and all others in one.

    Parameters
    ----------
    heads
        What stands above each product; nothing is shown where the lines have other ones.
    """
    sums = [terms_of(line.expression) for line in lines]
    if any(isinstance(term, Rest) for terms in sums for term in terms):
        # Each has its own largest parts.
        return [_largest_products(name, lines[0], sums[0])]
    if not lines or len(heads) <= FEWEST_PRODUCTS or any(len(s) != len(heads) for s in sums):
        return []
    amounts = np.array([[evaluate(term) for term in terms] for terms in sums])
    shown = np.arange(len(heads))
    if len(heads) > MOST_PRODUCTS:
        sizes = np.nan_to_num(np.abs(amounts).max(axis=0), nan=np.inf)
        shown = np.sort(np.argsort(-sizes, kind="stable")[:FEW_PRODUCTS])
    named = [heads[int(at)] for at in shown] + ["all others"] * (len(shown) < len(heads))
    columns = (
        Column("products", "label"),
        *(Column(head, "value", "gradient") for head in named),
        Column(name, "value", "gradient", accent=True),
    )
    rows: list[tuple[Cell, ...]] = []
    for line, each in zip(lines, amounts, strict=True):
        others = [math.fsum(np.delete(each, shown))] if len(shown) < len(heads) else []
        rows.append((line.label.strip("[]"), *each[shown].tolist(), *others, line.shown))
    marked = 1 + np.argmax(np.abs(amounts[:, shown]), axis=1)
    adds = Adds(len(named) + 1, tuple(range(1, len(named) + 1)))
    return [Table(columns, tuple(rows), adds=adds, marked=tuple(marked.tolist()))]


def _largest_products(name: str, line: Worked, terms: Sequence[Expression]) -> Table:
    """Show what each written part of one long sum comes to, the largest first."""
    parts = [
        (
            "all others" if isinstance(term, Rest) else to_text(term).removeprefix("-"),
            evaluate(term),
        )
        for term in terms
    ]
    parts.sort(key=lambda part: (part[0] == "all others", -abs(part[1])))
    rows = (*parts, (f"{name}{line.label}", line.shown))
    columns = Column("products", "text"), Column("", "value", "gradient", accent=True)
    return Table(columns, rows)
