"""Where one statement ends and the next begins, and at which signs of equality it has its sides.

Tokens are parted into clauses at what can only stand between equations, a clause into sides
at its signs of equality. Brackets that hold an equation are those of a remark. One walk over the
tokens, so the time grows with the text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ....quick_classes import NamedTuple
from .parser import SCALES
from .tokens import MathToken

PROBABILITIES = ("P", "Pr", "p")  # which equations are put into: `P(X = 2) = 0.3`


class Clause(NamedTuple):
    """Sides as ranges of tokens, and what ends the clause."""

    sides: list[tuple[int, int]]
    ended_by: str


def clauses_of(tokens: Sequence[MathToken]) -> Iterator[Clause]:
    """Yield the clauses of a passage."""
    remarks = _remarks(tokens)
    depth = start = 0
    sides: list[tuple[int, int]] = []
    for i, token in enumerate(tokens):
        if token.kind == "open" and i not in remarks:
            depth += 1
        elif token.kind == "close" and i not in remarks and depth:
            depth -= 1
        elif depth:
            continue
        elif token.kind == "relation":
            sides.append((start, i))
            start = i + 1
        elif _ends(tokens, i, remarks):
            yield Clause([*sides, (start, i)], token.kind)
            sides, start = [], i + 1
    yield Clause([*sides, (start, len(tokens))], "end")


def _ends(tokens: Sequence[MathToken], i: int, remarks: set[int]) -> bool:
    """Whether a clause ends at a token that stands in no brackets."""
    token = tokens[i]
    if token.kind in ("stop", "comma") or i in remarks or token.kind == "close":
        return True
    if token.text == "/":
        return _parts_settings(tokens, i)
    if token.kind not in ("line", "gap"):
        return False
    before = tokens[i - 1].kind if i else "stop"
    after = tokens[i + 1] if i + 1 < len(tokens) else None
    if after is None:
        return True
    if token.kind == "gap" and after.text in SCALES:
        return False  # `$19.7$ **million**`
    if after.kind == "line" and (token.kind == "gap" or token.mode == "math"):
        return False
    if token.kind == after.kind == "gap":
        return False
    goes_on = after.kind == "relation" or before in ("relation", "operator", "gap")
    if token.kind == "line" and after.kind == "operator" and after.text in "+-*/":
        follows = tokens[i + 2] if i + 2 < len(tokens) else after
        entry = after.text == "-" and follows.kind == "name" and len(follows.text) > 1
        # `+ 0.5` on a new line goes on; `-0.5` is a number. A formula goes on by `+0.5`, too.
        added = after.text != "-" and token.mode == after.mode == "math"
        goes_on = goes_on or added or (follows.spaced and not entry)
    return not goes_on


def _parts_settings(tokens: Sequence[MathToken], i: int) -> bool:
    """Whether a stroke stands between two settings, as in `beta1=0.9/beta2=0.999`."""
    kinds = [token.kind for token in tokens[max(0, i - 2) : i + 3]]
    if kinds != ["relation", "number", "operator", "name", "relation"]:
        return False
    name = tokens[i + 1]
    return name.mode == "text" and len(name.text) > 1 and not name.spaced


def _remarks(tokens: Sequence[MathToken]) -> set[int]:
    """Return the brackets that hold equations, and those that have no partner."""
    remarks: set[int] = set()
    opened: list[list[int]] = []  # where, and how many relations stood before
    relations = 0
    for i, token in enumerate(tokens):
        if token.kind == "open":
            opened.append([i, relations])
        elif token.kind == "close":
            if not opened:
                remarks.add(i)
                continue
            start, before = opened.pop()
            if relations > before and not _is_index_or_call(tokens, start):
                remarks |= {start, i}
            elif relations > before:
                relations = before
        elif token.kind == "relation":
            relations += 1
    return remarks | {start for start, _ in opened}


def _is_index_or_call(tokens: Sequence[MathToken], start: int) -> bool:
    """Whether a bracket belongs to what stands before it: `\\sum_{i=1}`, `sum(x, dim=1)`."""
    if not start:
        return False
    before = tokens[start - 1]
    if tokens[start].text == "group":
        return before.text in ("_", "^")
    call = before.kind in ("name", "function") and not tokens[start].spaced
    return call and (tokens[start].mode == "code" or before.text in PROBABILITIES)


def listed(clauses: Sequence[Clause], position: int) -> list[tuple[int, int]]:
    """Return what may be further entries of a list without brackets: `x = 1, 2, 3`."""
    numbers = []
    while clauses[position].ended_by == "comma" and position + 1 < len(clauses):
        position += 1
        numbers.append(clauses[position].sides[0])
        if len(clauses[position].sides) > 1:
            break
    return numbers
