"""The numbers of a document: how often each stands in it, in which order, and which are alike."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from ..grammar.cursor import literal
from ..grammar.syntax import Literal, Tree, literals
from .sides import SLIP

TELLING = 3  # digits that a number must have more than to be told by its last
LONG = 4  # digits of a number that no other has by chance, if it has more
MOST_SIDES = 200  # of equations, among which numbers are looked for in their order
DIGITS = 10  # by which numbers are told from each other
MOST_ALIKE = 12  # numbers of a document that are like one, of which one may have been meant


class Seen:
    """The numbers of a document, and how often each stands in it.

    Parameters
    ----------
    trees
        The sides of its equations.
    others
        The numbers of its text, of which those that stand in no equation count once.
    """

    def __init__(self, trees: Iterable[Tree], others: Iterable[Literal] = ()) -> None:
        sides = [literals(tree) for tree in trees]
        self.sides: dict[float, list[Sequence[float]]] = {}  # by each number that they have
        for side in (s for s in sides if len(s) > 1):
            values = [abs(number.value) for number in side]
            for value in set(values):
                self.sides.setdefault(value, []).append(values)
        numbers = list(chain.from_iterable(sides))
        self.counts = Counter(_rounded(number.value) for number in numbers)
        sizes = {abs(value) for value in self.counts}
        others = list(others)
        self.written = Counter(abs(_rounded(other.value)) for other in others)
        further = [other for other in others if _rounded(abs(other.value)) not in sizes]
        self.counts |= Counter({_rounded(other.value): 1 for other in further})
        numbers += further
        self.texts = Counter(number.text.lstrip("+-") for number in numbers)
        self.resembling: dict[str, set[str]] = {}
        for text in {
            n.text.lstrip("+-") for n in numbers if n.significant > 1 and n.text[-1] != "%"
        }:
            for likeness in _likenesses(text):
                self.resembling.setdefault(likeness, set()).add(text)

    def like(self, number: Literal) -> Iterator[Literal]:
        """Yield the numbers of a document that one small thing makes of another, of its sign."""
        text = number.text.lstrip("+-")
        sign = "-" if number.text.startswith("-") else ""
        found = {other for likeness in _likenesses(text) for other in self._of(likeness)}
        size = abs(number.value)
        root, unit = math.sqrt(size), number.unit
        near = (f"{abs(root + by * unit):.{max(0, number.decimals)}f}" for by in (-1, 0, 1))
        squared = (text for text in near if abs(float(text) * float(text) - size) <= unit)
        found |= {text for text in squared if self.counts[_rounded(float(text))]}
        for other in sorted(found):
            like = literal(f"{sign}{other}", number.line)
            if like.value != number.value:
                yield like

    def is_slip(self, number: Literal, meant: float) -> bool:
        """Whether a number stands in one place, and all others have another last digit."""
        meant = _rounded(round(meant, max(0, number.decimals)))
        ours, theirs = abs(_rounded(number.value)), abs(meant)
        counts = [self.counts[size] + self.counts[-size] for size in (ours, theirs)]
        near = 0 < abs(theirs - ours) <= (SLIP + 0.5) * number.unit
        return near and counts[0] == 1 <= counts[1] and number.significant > TELLING

    def _of(self, likeness: str) -> set[str]:
        others = self.resembling.get(likeness, set())
        return others if len(others) <= MOST_ALIKE else set()

    def speaks_for(self, new: float, old: Literal) -> int:
        """Return how much the rest of a document speaks for a number in place of another."""
        meant, printed = _rounded(new), _rounded(old.value)
        if meant == -printed:
            changed, kept = self.counts[meant], self.counts[printed]
        else:
            changed, kept = (self.counts[size] + self.counts[-size] for size in (meant, printed))
        # What has so few digits stands in many places by chance.
        telling = old.significant > 1 or _digits(meant) > 2 or old.decimals >= TELLING
        written = old.significant > 2 and self._written(old) > 1
        told = (changed > 0) * (telling + (_digits(meant) > LONG))
        few = meant != -printed and max(_digits(meant), _digits(printed)) < TELLING
        if few and changed < self._written(old):
            told = 0  # the other stands in more places
        return told - (kept > 1 and (written or _digits(printed) > 2))

    def _written(self, number: Literal) -> int:
        """Return in how many places a number stands with just its digits, of whichever sign."""
        return self.texts[number.text.lstrip("+-")]

    def is_rarer(self, new: float, old: Literal) -> bool:
        """Whether a number stands in one place at most, and another of some digits in many."""
        counts = [
            self.counts[size] + self.counts[-size] for size in map(_rounded, (new, old.value))
        ]
        return counts[0] <= 1 and counts[1] > 2 and old.significant > TELLING

    def bears_out(self, number: Literal) -> bool:
        """Whether a number of so many digits stands elsewhere too that it does not by chance."""
        return self.counts[_rounded(number.value)] > 1 and _digits(number.value) > 2

    def prefers(self, new: Literal, old: Literal) -> int:
        """Return whether a number stands elsewhere, and the one it may be meant for does not."""
        meant, printed = _rounded(new.value), _rounded(old.value)
        return (self.counts[meant] > 0) - (self.counts[printed] > 1)

    def bears_out_sign(self, number: Literal) -> bool:
        """Whether a number stands elsewhere with its sign, and with the other nowhere.

        Of more than two digits, the other may be a number that happens to have them.
        """
        ours, theirs = (self.counts[_rounded(by * number.value)] for by in (1, -1))
        return ours > 1 and (not theirs or number.significant > 2)

    def near(self, size: float, by: float) -> Iterator[Literal]:
        """Yield the numbers of a document, of whichever sign, that are about so large."""
        sizes = {abs(other) for other in self.counts if abs(abs(other) - size) <= by}
        yield from (literal(f"{other:.{DIGITS}g}") for other in sorted(sizes) if other)

    def has_near(self, number: float, by: float) -> bool:
        """Whether a number stands anywhere, or one that is off by less."""
        by = max(by, 10 * abs(number) * 10.0**-DIGITS)
        return any(abs(other - number) <= by for other in self.counts)

    def stands(self, number: float) -> bool:
        """Whether a document has a number, of whichever sign."""
        return self.counts[_rounded(number)] + self.counts[-_rounded(number)] > 0

    def stands_elsewhere(self, number: Literal) -> bool:
        """Whether a number stands in more than one place, of whichever sign."""
        size = abs(_rounded(number.value))
        return self.counts[size] + self.counts[-size] > 1 or self.written[size] > 1

    def has_in_order(self, numbers: Sequence[Literal]) -> bool:
        """Whether numbers stand in this order in another side of an equation."""
        values = [abs(number.value) for number in numbers]
        sides = self.sides.get(values[0], [])[:MOST_SIDES] if values else ()
        found = sum(is_within(values, others) for others in sides)
        return found > 1  # their own is one


def _likenesses(text: str) -> Iterator[str]:
    """Yield what a number has in common with those that one small thing makes of it."""
    yield text
    yield text.replace(".", "").strip("0")  # its point moved or lost
    yield from (f"{text[:i]}?{text[i + 1 :]}" for i, sign in enumerate(text) if sign.isdecimal())


def is_within(numbers: Sequence[object], others: Sequence[object]) -> bool:
    """Whether numbers stand among others, in this order."""
    left = iter(others)
    return all(number in left for number in numbers)


def _rounded(number: float) -> float:
    return float(f"{number:.{DIGITS}g}")


def _digits(number: float) -> int:
    """Return how many digits a number has without the zeros around them."""
    return len(f"{abs(number):.{DIGITS}e}".partition("e")[0].replace(".", "").strip("0"))
