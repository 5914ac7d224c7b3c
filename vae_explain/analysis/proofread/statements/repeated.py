"""A list that running text has again: `the output (0.8928, -0.1222)`, beside no name of its own.

Where all its numbers but one stand in a list before it, or two of them are exchanged, it is that
list once more, and is held against it as what is stated twice is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from ..grammar.cursor import literal
from ..grammar.syntax import Literal, Row, Symbol, Tree, flattened, is_bare, key_of, literals
from ..passage import Passage
from .chains import Chain
from .sides import Side

NUMBER = r"[-−]?\d+(?:\.\d+)?"
LIST = re.compile(rf"[\[(]\s*({NUMBER}(?:\s*,\s*{NUMBER})+)\s*[\])]")
JOINS = frozenset("=≈~+-−*/·×⊙^_@→")  # behind a list, it is no words that it stands among
BEFORE = JOINS | frozenset(",:([{")  # likewise before it
CLOSES = frozenset("}])")
LONGEST = 16  # numbers of a list
MOST_ALIKE = 12  # lists that have a number at the same place

Place = tuple[int, int, float]  # how many numbers a list has, and one of them at its place


class RepeatedLists:
    """Goes through passages, and knows the lists that were stated so far."""

    def __init__(self) -> None:
        self.names: dict[Place, dict[str, Tree]] = {}
        self.elements: dict[str, dict[int, float]] = {}

    def read(self, passage: Passage, chains: Sequence[Chain]) -> Iterator[Chain]:
        """Yield the lists of a passage that are others before it, as equations of their names.

        Parameters
        ----------
        chains
            Its equations.
        """
        for chain in chains:
            self._state(chain)
        if passage.kind != "prose" or not self.names:
            return
        before = ""
        for piece in passage.pieces:
            for match in LIST.finditer(piece.text):
                ahead = before + piece.text[: match.start()]
                behind = piece.text[match.end() :].lstrip()
                if _is_called(ahead) or ahead.rstrip()[-1:] in BEFORE or behind[:1] in JOINS:
                    continue
                line = piece.line + piece.text.count("\n", 0, match.start())
                texts = match[1].replace("−", "-").split(",")
                numbers = tuple(literal(text.strip(), line) for text in texts)
                name = self._name_of(numbers)
                if name is not None:
                    yield Chain((Side(name, match[0], line), Side(Row(numbers), match[0], line)))
            before = piece.text[-1:]

    def _state(self, chain: Chain) -> None:
        name, value = chain.sides[0].tree, chain.sides[-1].tree
        if name is None or value is None or not is_bare(value) or (key := key_of(name)) is None:
            return
        value = flattened(value)
        if isinstance(value, Row) and not any(isinstance(e, Row) for e in value.entries):
            self._add(key, name, [number.value for number in literals(value)])
        elif isinstance(name, Symbol) and name.index.isdecimal() and isinstance(value, Literal):
            elements = self.elements.setdefault(name.base, {})
            elements[int(name.index)] = value.value
            if len(elements) > LONGEST:
                return
            places = sorted(elements)
            if len(places) > 1 and all(b - a == 1 for a, b in pairwise(places)):
                self._add(name.base, Symbol(name.base), [elements[place] for place in places])

    def _add(self, key: str, name: Tree, values: Sequence[float]) -> None:
        for place, value in enumerate(values if 1 < len(values) <= LONGEST else ()):
            names = self.names.setdefault((len(values), place, value), {})
            if len(names) < MOST_ALIKE:
                names[key] = name

    def _name_of(self, numbers: Sequence[Literal]) -> Tree | None:
        """Return the one list that numbers are in all but one place, or but for an exchange."""
        count = len(numbers)
        values = [number.value for number in numbers]
        agreeing: Counter[str] = Counter()
        names: dict[str, Tree] = {}
        for place, value in enumerate(values if count <= LONGEST else ()):
            found = self.names.get((count, place, value), {})
            names |= found
            agreeing.update(found.keys())
        alike = [key for key, same in agreeing.items() if same >= count - 1]
        if not alike and count == 2:  # exchanged
            found = self.names.get((2, 0, values[1]), {})
            both = found.keys() & self.names.get((2, 1, values[0]), {}).keys()
            names, alike = found, list(both)
        if len(alike) != 1 or agreeing[alike[0]] == count:
            return None
        if all(number.whole for number in numbers):
            return None  # a point of its own, as an author chooses one
        return names[alike[0]]


def _is_called(before: str) -> bool:
    """Whether a bracket belongs to what stands before it: `f(0.5, 0.2)`."""
    return before[-1:].isalnum() or before[-1:] in CLOSES
