"""The record of one run, in NumPy arrays only: what the recorder returns.

Everything else (rules, replay, gradients, pages) works from a `Trace` and never needs
PyTorch. A value's id is its position in the order of appearance. Values and operations, of
which a run has many, are named tuples, which are made in a third of the time of a frozen
dataclass.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from functools import cached_property
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from .quick_classes import NamedTuple, dataclass

Array = NDArray[Any]


def rows_of(array: Array) -> Array:
    """Return an array as the rows along its last axis, also one that has no numbers."""
    return array.reshape(math.prod(array.shape[:-1]), array.shape[-1])


IN_A_PIECE = 2**20


def pieces(array: Array) -> Iterator[Array]:
    """Yield an array's numbers in order, not too many at once: what is made of them is as small."""
    flat = array.reshape(-1)
    for start in range(0, flat.size, IN_A_PIECE):
        yield flat[start : start + IN_A_PIECE]


SMALL = 2**16  # numbers of an array whose memory is not worth a look at all of them


def shared(array: Array, other: Array | None) -> Array:
    """Return the other array in place of a large one, if the two are the same to the bit."""
    if other is None or array.size <= SMALL or array.dtype != other.dtype:
        return array
    if array.shape != other.shape:
        return array
    both = zip(pieces(array), pieces(other), strict=True)
    return other if all(one.tobytes() == same.tobytes() for one, same in both) else array


Kind = Literal["input", "parameter", "buffer", "noise", "constant", "intermediate"]
Made = TypeVar("Made")
# At the end of the name of an operation that wrote where autograd does not look.
UNSEEN = " unseen by autograd"


def is_whole(array: Array) -> bool:
    """Whether a tensor has whole numbers, or truth values, which are written without decimals."""
    return array.dtype.kind in "biu"


class OnDemand(Mapping[str, Made]):
    """Has the given keys from the start; makes the value of each at most once.

    Examples
    --------
    >>> lengths = OnDemand(["mse", "kl"], len)
    >>> list(lengths), lengths["kl"]
    (['mse', 'kl'], 2)
    """

    def __init__(self, keys: Sequence[str], make: Callable[[str], Made]) -> None:
        self._keys = tuple(keys)
        self._make = make
        self._made: dict[str, Made] = {}

    def __getitem__(self, key: str) -> Made:
        if key not in self._keys:
            raise KeyError(key)
        if key not in self._made:
            self._made[key] = self._make(key)
        return self._made[key]

    def __contains__(self, key: object) -> bool:
        return key in self._keys  # which makes nothing

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


@dataclass(frozen=True, slots=True)
class Slot:
    """Stands in a recorded argument list where a tensor stood."""

    id: int


class Found:
    """Where a call found what it chose by its rank: among equals this is its own choice.

    The rule gets it with the call's arguments, as `found`.
    """

    def __init__(self, array: Array) -> None:
        self.array = array

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Found) and bool(np.array_equal(self.array, other.array))

    __hash__ = None  # type: ignore[assignment]  # as an array's, its numbers may be many

    def __repr__(self) -> str:
        return "Found"  # the same arguments have the same ones


class Value(NamedTuple):
    """A tensor of the run: its id, its name if it has one, and its elements."""

    id: int
    name: str | None
    kind: Kind
    array: Array

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def label(self) -> str:
        """Its name; its number for a value without one."""
        return self.name or f"value {self.id}"


class Operation(NamedTuple):
    """One PyTorch call: `args` and `kwargs` as it got them, tensors replaced by slots.

    A draw has no inputs, since its numbers are not computed. Where its mean and its deviation
    were tensors, `drawn_from` has the ids of these values.
    """

    name: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    module: str
    in_place: bool = False
    drawn_from: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Term:
    """A summand of the loss: its value and the constant that it enters the loss with."""

    name: str
    value: int
    weight: float


@dataclass(frozen=True)
class Trace:
    """The ordered operations of one run with all their values and PyTorch's gradients.

    Attributes
    ----------
    values
        Every tensor seen, `values[i].id == i`.
    operations
        The calls in the order in which they ran.
    output
        The id of the loss.
    terms
        The summands of the loss, when it is a sum; empty when it is one piece.
    gradients
        Autograd's gradient of the loss at each value that has one, by id.
    term_gradients
        The same for each term alone, its weight included, so that terms add up to the loss.
    torch_version
        The PyTorch that ran it.
    frozen
        The ids of the parameters that are not trained.
    widened
        The ids of the values that PyTorch had in bfloat16, which NumPy lacks: here in float32.
    hooked
        The ids of the values whose gradient a hook changes. A computed value has here the
        gradient that arrives, and passes on the hook's; any other has the hook's.
    rewritten
        The ids of the parameters that the run wrote to where autograd does not see it.
    merged
        The ids of values that the run wrote to like that between two uses, of computed ones
        before and after: the gradient here is that of both together.
    uninitialised
        The ids of memory with nothing written to it: zeros here.
    """

    values: tuple[Value, ...]
    operations: tuple[Operation, ...]
    output: int
    terms: tuple[Term, ...] = ()
    gradients: Mapping[int, Array] = field(default_factory=dict)
    term_gradients: Mapping[str, Mapping[int, Array]] = field(default_factory=dict)
    torch_version: str = ""
    frozen: frozenset[int] = frozenset()
    widened: frozenset[int] = frozenset()
    hooked: frozenset[int] = frozenset()
    rewritten: frozenset[int] = frozenset()
    merged: frozenset[int] = frozenset()
    uninitialised: frozenset[int] = frozenset()

    @cached_property
    def by_name(self) -> dict[str, Value]:
        """The named values."""
        return {value.name: value for value in self.values if value.name is not None}

    @cached_property
    def numbers(self) -> int:
        """How many numbers all values have."""
        return sum(value.array.size for value in self.values)

    @cached_property
    def inputs(self) -> tuple[Value, ...]:
        """The values that were given."""
        return tuple(value for value in self.values if value.kind == "input")

    @cached_property
    def parameters(self) -> tuple[Value, ...]:
        """The parameters of the model."""
        return tuple(value for value in self.values if value.kind == "parameter")

    @cached_property
    def draws(self) -> tuple[Value, ...]:
        """The values that were drawn."""
        return tuple(value for value in self.values if value.kind == "noise")

    @cached_property
    def producer(self) -> dict[int, int]:
        """For each computed value, the position of the operation that made it."""
        return {out: i for i, op in enumerate(self.operations) for out in op.outputs}

    @cached_property
    def consumers(self) -> dict[int, tuple[int, ...]]:
        """For each value, the positions of the operations that used it, in order."""
        consumers: dict[int, list[int]] = {}
        for position, operation in enumerate(self.operations):
            for source in dict.fromkeys(operation.inputs):
                consumers.setdefault(source, []).append(position)
        return {source: tuple(positions) for source, positions in consumers.items()}

    @property
    def loss(self) -> Value:
        return self.values[self.output]

    def term(self, name: str | None) -> Term:
        """Return a term of the loss by its name; for None the loss itself, of weight 1."""
        return self._terms_by_name[name]

    @cached_property
    def _terms_by_name(self) -> dict[str | None, Term]:
        whole = Term(self.loss.name or "loss", self.output, 1.0)
        return {None: whole, **{term.name: term for term in self.terms}}
