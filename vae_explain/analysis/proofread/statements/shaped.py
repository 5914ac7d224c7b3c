"""The lists and matrices that a document states, with their shapes, and which one a name means.

What `h_1`, `h_2` and `h_3` are stated as one by one is a list too, of at least so many numbers.
"""

from __future__ import annotations

from bisect import bisect, bisect_left
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise

from ....quick_classes import NamedTuple
from ..arithmetic.evaluation import as_rounded
from ..arithmetic.intervals import all_meet
from ..grammar.quantities import without_index
from ..grammar.syntax import FunctionCall, Literal, Row, Total, Tree, is_bare, key_of, literals
from .chains import Chain
from .scope import EVERY, WEIGHTS

MATRICES = tuple("WVU")  # whose single row or column is one
LONGEST = 64  # elements that are counted
MOST_DIGITS = 3  # of an index


class Shaped(NamedTuple):
    """A list, a matrix or a number as it stands in an equation.

    Attributes
    ----------
    name
        Empty where it stands in arithmetic.
    place
        The equation and the side, which tell one from another.
    shape
        How many rows and columns, or numbers, it has; empty for a number.
    elements
        Whether it is stated one by one, so that it may have more.
    """

    name: str
    tree: Tree
    line: int
    place: tuple[int, int]
    shape: tuple[int, ...]
    elements: bool = False


class Axis(NamedTuple):
    """How long something is: all of a list, or the rows or columns of a matrix."""

    of: Shaped
    number: int

    @property
    def size(self) -> int:
        return self.of.shape[self.number]

    @property
    def key(self) -> tuple[int, int, int]:
        return *self.of.place, self.number


class Form(NamedTuple):
    """How long what a formula gives is, by each of its axes.

    Attributes
    ----------
    turned
        Whether it is a list written as a row by a `ᵀ`.
    """

    axes: tuple[Axis, ...]
    turned: bool = False


class MatrixUse(NamedTuple):
    """A list times a matrix that is stated, or a matrix times a list.

    Attributes
    ----------
    inner
        The axis of the matrix that is as long as the list, as the product stands.
    given
        What its result would be as long as.
    first
        Whether the matrix stands first.
    """

    matrix: Shaped
    vector: Axis
    inner: Axis
    given: Axis
    first: bool

    @property
    def way(self) -> tuple[bool, int]:
        """How the document writes such a product: which is first, and over which axis it goes."""
        return self.first, self.inner.number

    @property
    def tells(self) -> bool:
        """Whether it fits as it stands, and only so."""
        return self.vector.size == self.inner.size != self.given.size

    @property
    def is_turned(self) -> bool:
        """Whether only the transposed matrix fits."""
        return self.vector.size == self.given.size != self.inner.size


def form_of(stated: Shaped) -> Form:
    """Return how long something is that is stated."""
    return Form(tuple(Axis(stated, number) for number in range(len(stated.shape))))


class ShapedValues:
    """All that equations state, by name, in the order of the document.

    Attributes
    ----------
    stated
        Values in one piece, and lists of elements that are stated one by one.
    """

    def __init__(self, chains: Sequence[Chain]) -> None:
        self.stated: dict[str, list[Shaped]] = {}
        self._lists: dict[str, list[Shaped]] = {}
        self._formulas: dict[str, list[int]] = {}  # the equations that say what a name is made of
        self._next: dict[str, int] = {}  # which element of each list follows
        for number, chain in enumerate(chains):
            for one in _stated(chain, number):
                self.stated.setdefault(one.name, []).append(one)
                self._lists.setdefault(one.name, []).append(one)
            name = chain.sides[0].tree
            key = key_of(name) if name is not None else None
            if name is None or key is None:
                continue
            if chain.formulas:
                self._formulas.setdefault(key, []).append(number)
            self._count(name, number, chain)

    def _count(self, name: Tree, number: int, chain: Chain) -> None:
        """Count an element to the list that those before it begin."""
        base, index = without_index(name)
        digits, last = index.strip("[]"), chain.sides[-1]
        key = key_of(base) if base is not None else None
        is_index = digits.isdecimal() and len(digits) <= MOST_DIGITS
        if key is None or not is_index or not isinstance(last.tree, Literal):
            return
        at, stated = int(digits), self.stated.setdefault(key, [])
        begun = stated[-1] if stated and stated[-1].elements else None
        if begun is not None and at == self._next.get(key) and isinstance(begun.tree, Row):
            entries = (*begun.tree.entries, last.tree)
            stated[-1] = begun._replace(tree=Row(entries), shape=(len(entries),))
        elif at in (0, 1):
            stated.append(Shaped(key, Row((last.tree,)), last.line, (number, -1), (1,), True))
        if at < LONGEST:
            self._next[key] = at + 1

    def meant(self, name: Tree, number: int, own: bool = False) -> Shaped | None:
        """Return what a name means in an equation: what is stated last, or first behind it.

        Parameters
        ----------
        own
            Whether the equation says what it is made of, so that its value follows.
        """
        key = key_of(name) or ""
        whole = self._whole(name) or ""
        stated, lists = self.stated.get(whole, []), self._lists.get(whole, [])
        if own:
            formulas = self._formulas.get(key, [])
            behind = bisect(formulas, number)
            end = formulas[behind] if behind < len(formulas) else None
            following = stated[_before(stated, number) :][:1]
            return next((s for s in following if end is None or s.place[0] < end), None)
        if key.startswith(WEIGHTS):  # b_1 and b_2 are those of two layers
            stated = lists
        for values in (lists, stated):
            place = _before(values, number)
            if place:
                return values[place - 1]
        return next(iter(stated), None)

    def restated(self) -> Iterator[tuple[Shaped, Shaped]]:
        """Yield elements that are stated one by one, and the list that is made of them."""
        for stated in self.stated.values():
            for elements, whole in pairwise(stated):
                if elements.elements and not whole.elements and _has_all(whole, elements):
                    yield elements, whole

    def _whole(self, name: Tree) -> str | None:
        """Return the list that a name is of: its own, or that of `x_j` for any j."""
        key = key_of(name)
        if key in self.stated:
            return key
        base, _ = without_index(name)
        return key_of(base) if base is not None and every_index(name) else None


def _before(stated: Sequence[Shaped], number: int) -> int:
    """Return how many values are stated before an equation."""
    return bisect_left(stated, number, key=lambda one: one.place[0])


def _has_all(whole: Shaped, elements: Shaped) -> bool:
    """Whether the numbers of a list are those that were stated one by one, or all but one."""
    ones, numbers = literals(elements.tree), literals(whole.tree)
    if len(whole.shape) != 1 or not 0 <= len(ones) - len(numbers) <= 1:
        return False
    return any(
        all(all_meet(as_rounded(a), as_rounded(b)) for a, b in zip(some, numbers, strict=True))
        for some in combinations(ones, len(numbers))
    )


def every_index(name: Tree) -> str:
    """Return the index of a name that runs over all; empty where it has none."""
    _, index = without_index(name)
    return index if index and set(index) <= EVERY else ""


def _stated(chain: Chain, number: int) -> Iterator[Shaped]:
    """Yield what an equation ends in, by each name that it has."""
    last = chain.sides[-1]
    names = [key for s in chain.sides[:-1] if s.tree is not None and (key := key_of(s.tree))]
    first = chain.sides[0].tree
    if last.tree is None or not is_bare(last.tree) or first is None or key_of(first) is None:
        return
    for name in names:
        shape = shape_of(last.tree, name)
        if shape is not None:
            yield Shaped(name, last.tree, last.line, (number, len(chain.sides) - 1), shape)


def shape_of(tree: Tree, name: str = "") -> tuple[int, ...] | None:
    """Return how many rows and columns a value has; None for rows of different lengths."""
    if isinstance(tree, Literal):
        return ()
    if not isinstance(tree, Row):
        return None
    rows = [entry for entry in tree.entries if isinstance(entry, Row)]
    sizes = {len(row.entries) for row in rows}
    if not rows:
        count = len(tree.entries)
        return (1, count) if name.startswith(MATRICES) else (count,)
    deep = any(isinstance(entry, Row) for row in rows for entry in row.entries)
    if deep or len(sizes) != 1 or len(rows) != len(tree.entries):
        return None
    shape = len(rows), sizes.pop()
    if shape[1] == 1 and not name.startswith(MATRICES):
        return shape[:1]
    if shape[0] == 1 and name and not name.startswith(MATRICES):
        return shape[1:]
    return shape


def summed(tree: Tree) -> tuple[Tree, ...]:
    """Return what is summed over all numbers, as in `Σ x_i` or `‖x − y‖²`."""
    match tree:
        case Total("sum", body, None):
            return (body,)
        case FunctionCall("sum" | "norm", (body,)):
            return (body,)
    return ()


def are_row_and_column(one: Tree, other: Tree) -> bool:
    """Whether a list stands before a column, as a matrix of one row does."""
    if not (isinstance(one, Row) and isinstance(other, Row)):
        return False
    flat = not any(isinstance(entry, Row) for entry in one.entries)
    return flat and all(isinstance(entry, Row) for entry in other.entries)
