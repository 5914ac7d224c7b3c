"""One call of an op, and the ways from its operands to its output, one by one or many at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from math import prod
from typing import Any, Protocol, TypeVar

import numpy as np

from ..quick_classes import NamedTuple, dataclass
from ..symbolic.expression import Expression, Index, Ref
from ..trace import Array
from .at_once import NotAtOnce, is_long, is_many, shape_of_many
from .broadcasting import each_of

Memoized = TypeVar("Memoized")


class Operand(Protocol):
    """A value as a rule sees it: numbers to compute with, and names to write."""

    @property
    def array(self) -> Array: ...

    @property
    def shape(self) -> tuple[int, ...]: ...

    def at(self, index: Index) -> Expression:
        """One element, as a reference if the value is named, else as its own arithmetic."""
        ...

    def whole(self) -> Expression:
        """The whole tensor, likewise."""
        ...


class ArrayOperand:
    """An operand that has no name: the numbers of a whole tensor."""

    def __init__(self, array: Any) -> None:
        self.array: Array = np.asarray(array)
        self.shape = self.array.shape

    def at(self, index: Index) -> Expression:
        return Ref("operand", index, value=self.array[index])

    def whole(self) -> Expression:
        return Ref("operand", value=self.array)


@dataclass(frozen=True)
class Call:
    """One recorded use of an op: its operands, its output and its attributes.

    `as_computed` asks for its derivatives as PyTorch computes them, where a textbook writes them
    otherwise: the same numbers, with other roundings.
    """

    operands: tuple[Operand, ...]
    output: Operand
    attributes: Mapping[str, Any] = field(default_factory=dict)
    as_computed: bool = False
    _memo: dict[str, Any] = field(init=False, default_factory=dict, repr=False, compare=False)

    def once(self, key: str, compute: Callable[[], Memoized]) -> Memoized:
        """Compute what all elements of this call share, and keep it."""
        if key not in self._memo:
            self._memo[key] = compute()
        value: Memoized = self._memo[key]
        return value

    @property
    def arrays(self) -> tuple[Array, ...]:
        return tuple(operand.array for operand in self.operands)

    @property
    def wholes(self) -> tuple[Expression, ...]:
        return tuple(operand.whole() for operand in self.operands)


Partial = tuple[Index, Expression]


@dataclass(frozen=True)
class OfMany:
    """A rule's `element` that also takes an index of arrays, for many elements at once."""

    element: Callable[[Call, Index], Expression]

    def __call__(self, call: Call, index: Index) -> Expression:
        return self.element(call, index)


class Family(NamedTuple):
    """Elements of an output that depend on one of an operand, all in one way.

    Attributes
    ----------
    out
        Their index, of arrays where they are many.
    slope
        `slope(index)`, the local derivative at one of them, or the formula of it at all.
    by
        What `slope` takes for each of them, where that is another index.
    """

    out: Index
    slope: Callable[[Index], Expression]
    by: Index | None = None

    @classmethod
    def constant(cls, out: Index, local: Expression) -> Family:
        return cls(out, lambda _: local)

    def one_by_one(self) -> Iterator[Partial]:
        if self.by is None:
            yield from ((out, self.slope(out)) for out in each_of(self.out))
            return
        for both in each_of((*self.out, *self.by)):
            yield both[: len(self.out)], self.slope(both[len(self.out) :])

    def at_once(self) -> Partial:
        return self.out, self.slope(self.out if self.by is None else self.by)


@dataclass(frozen=True)
class Ways:
    """A rule's `partials` by families, each of which is one formula where they are many.

    Attributes
    ----------
    families
        `families(call, position, index)`, together what `partials` has, in its order.
    of_many
        Whether it also takes an index of arrays.
    """

    families: Callable[[Call, int, Index], list[Family]]
    of_many: bool = False

    def __call__(self, call: Call, position: int, index: Index) -> list[Partial]:
        families = self.families(call, position, index)
        return [way for family in families for way in family.one_by_one()]

    def at_once(self, call: Call, position: int, index: Index) -> list[Partial]:
        """Return the ways as one for each family where they are many; see `at_once.py`."""
        many = is_many(index)
        if many and not self.of_many:
            raise NotAtOnce
        families = self.families(call, position, index)
        if many or is_long(sum(prod(shape_of_many(family.out)) for family in families)):
            try:
                return [family.at_once() for family in families]
            except NotAtOnce:
                if many:
                    raise
        return [way for family in families for way in family.one_by_one()]
