"""Updates: `w ← w − 0.1·0.5` gives a name another value, as `w = …` does.

An arrow to the left may as well be that of a graph, `x ← z ← y`, or of a remark beside a result,
`= 0.35 ← the new weight`. It is that of an update where a name stands before it and what is no
other name alone stands behind it.
"""

from __future__ import annotations

from collections.abc import Sequence

from .syntax import Tree, quantities
from .tokens import UPDATE, MathToken

ENDS = {"relation", "stop", "comma", "line", "gap"}
INDEX = {"name", "number", "operator", "open", "close"}  # what an index is made of


def with_updates(tokens: Sequence[MathToken]) -> list[MathToken]:
    """Return tokens, the arrows of updates as signs of equality, and `w -= 2` as `w = w - (2)`."""
    tokens = _written_out(tokens)
    changed = list(tokens)
    for i, token in enumerate(tokens):
        # The name, or what it gets, may be a formula or code of its own in a paragraph.
        end, start = i - _is_gap(tokens, i - 1), i + 1 + _is_gap(tokens, i + 1)
        if token.text == UPDATE and _is_name(tokens, end) and _is_value(tokens, start):
            changed[i] = token._replace(kind="relation", text="=")
    return changed


def _written_out(tokens: Sequence[MathToken]) -> Sequence[MathToken]:
    """Return tokens with the name that `-=` changes written on both sides."""
    made: list[MathToken] = []
    taken = 0
    for i in range(1, len(tokens) - 2):
        name, sign, equals = tokens[i - 1 : i + 2]
        changes = sign.text in ("+", "-", "*", "/") and equals.text == "="
        if not changes or sign.end != equals.start or name.kind != "name":
            continue
        end = _end(tokens, i + 2)
        if not _is_name(tokens, i) or end == i + 2:
            continue
        opened = sign._replace(kind="open", text="(", spaced=False)
        closed = sign._replace(kind="close", text=")", spaced=False)
        closed = closed._replace(start=tokens[end - 1].end, end=tokens[end - 1].end)
        made += [*tokens[taken:i], equals, name, sign, opened, *tokens[i + 2 : end], closed]
        taken = end
    return [*made, *tokens[taken:]] if made else tokens


def _end(tokens: Sequence[MathToken], start: int) -> int:
    """Return where the side ends that begins at a place."""
    while start < len(tokens) and tokens[start].kind not in ENDS:
        start += 1
    return start


def _is_gap(tokens: Sequence[MathToken], i: int) -> bool:
    return 0 <= i < len(tokens) and tokens[i].kind == "gap"


def _is_name(tokens: Sequence[MathToken], end: int) -> bool:
    """Whether a name that nothing is done with stands before a place."""
    start = end - 1
    while start >= 0 and tokens[start].kind in INDEX:
        if tokens[start].kind == "name" and not _is_index(tokens, start):
            break
        start -= 1
    if start < 0 or tokens[start].kind not in ("name", "vector"):
        return False
    inner = tokens[start + 1 : end]
    indexed = not inner or inner[0].text == "_" or (inner[0].text == "[" and not inner[0].spaced)
    before = tokens[start - 1] if start else None
    free = before is None or (
        before.kind not in ("relation", "operator", "number") and before.text != UPDATE
    )
    return indexed and free


def _is_index(tokens: Sequence[MathToken], i: int) -> bool:
    """Whether a name stands in an index: behind its sign, or in brackets."""
    before = tokens[i - 1] if i else None
    return before is not None and (before.text == "_" or before.kind in ("open", "operator"))


def _is_value(tokens: Sequence[MathToken], start: int) -> bool:
    """Whether what begins at a place is a number, a list or arithmetic, and no other name."""
    end = _end(tokens, start)
    if end < len(tokens) and tokens[end].text == UPDATE:
        return False
    side = tokens[start:end]
    made = [t for t in side if t.kind != "name" and t.text not in ("_", "group")]
    if not side or side[0].kind in ("words", "close"):
        return False
    return side[0].kind in ("number", "open", "fraction") or any(t.kind == "operator" for t in made)


def is_step(name: Tree, formulas: Sequence[Tree]) -> bool:
    """Whether a quantity changes by a number, as in `w ← w − 0.1·0.5`; a rule is of any step."""
    return any(set(quantities(formula)) == {name} for formula in formulas)
