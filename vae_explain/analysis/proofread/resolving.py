"""Each statement with the quantity it speaks of, by the author's own labels before all else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from .grammar import Row
from .labels import left_of, resolve, words_of
from .vocabulary import INDEX, Name, gradient_parts, index_of, of_gradient, plain
from .wording import Remnant, Statement


class Resolved(NamedTuple):
    """A statement and the quantity it speaks of, if that is known."""

    statement: Statement
    name: Name | None


def resolve_all(
    found: Iterable[Statement | Remnant], given: Mapping[str, Name]
) -> tuple[list[Resolved], list[Remnant]]:
    """Bring each statement together with its quantity; `given` are the author's own labels."""
    resolved, remnants = [], []
    for entry in found:
        if isinstance(entry, Remnant):
            remnants.append(entry)
            continue
        array = any(isinstance(side, Row) for side in entry.sides)
        name = _given(entry, given) or resolve(entry.label, entry.context, array)
        resolved.append(Resolved(entry, name))
    return resolved, remnants


def used_labels(resolved: Sequence[Resolved], given: Mapping[str, Name]) -> set[str]:
    """Return which of the author's labels stand in the document."""
    found = [label for entry in resolved for label, _ in _labels(entry.statement)]
    found += [parts[1] for label in found if (parts := gradient_parts(label))]
    return {label for label in found if label in given}


def _labels(statement: Statement) -> list[tuple[str, tuple[int, ...] | None]]:
    """Return what an author may call a statement, and the element that is left to name.

    That is its label, `h`, with an element of it, `h[0]`, or a name with a number in it,
    which in a formula is written the same, `W_1`; and where numbers stand without a label
    the paragraph before them.
    """
    words = plain(statement.label)
    left = left_of(words).strip()
    labels = [
        (words, None),
        (left, None),
        (INDEX.sub(r"_\1", words), None),
        (INDEX.sub("", words), index_of(words)),
    ]
    if not words and statement.context:
        near = statement.context[0]
        labels += [(plain(words_of((piece,))).strip(" :."), None) for piece in near]
        labels.append((plain(words_of(near)).strip(" :."), None))
    return [(label, place) for label, place in labels if label]


def _given(statement: Statement, given: Mapping[str, Name]) -> Name | None:
    for label, place in _labels(statement):
        if label in given:
            name = given[label]
            return name._replace(place=place or name.place)
        parts = gradient_parts(label)
        if parts is not None and parts[1] in given:
            slope = of_gradient(parts[0], given[parts[1]].value)
            return slope._replace(place=place) if slope is not None else None
    return None


def spellings(label: str) -> list[str]:
    """Return what an author may call a label by: `h = ReLU(a)` and `h`, `W_1` in a formula."""
    words = plain(label)
    left = left_of(words).strip()
    parts = gradient_parts(left)
    found = [words, left, INDEX.sub(r"_\1", left), INDEX.sub("", left)]
    return [*found, parts[1]] if parts is not None else found
