"""What an op's file fills in: one frozen value that holds all we know of the op.

A rule works on NumPy arrays (forward and VJP) and on expressions (how one element of the
output, or of a gradient, is made). It never sees PyTorch. Two makers cover most ops:
`elementwise`, for ops whose output element depends on one element of each operand, and
`Rule` itself, for ops with a shape of their own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Literal, Protocol, TypeVar

import numpy as np

from ..errors import UserError
from ..symbolic.expression import (
    Expression,
    Index,
    Opaque,
    SumOver,
    evaluate,
    references,
)
from ..symbolic.shapes import expanded
from ..trace import Array


class NotExplained(UserError):
    """The rule does not cover this call; the message says which part of it."""

    @property
    def command_line_words(self) -> str:
        return f"an operation has no rule: {self}; forward and backward show what they can"


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


@dataclass(frozen=True)
class Call:
    """One recorded use of an op: its operands, its output and its attributes."""

    operands: tuple[Operand, ...]
    output: Operand
    attributes: Mapping[str, Any] = field(default_factory=dict)
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


Bound = tuple[tuple[Any, ...], dict[str, Any]]
Kind = Literal["elementwise", ""]
Partial = tuple[Index, Expression]
Options = tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Rule:
    """All we know of one op.

    Attributes
    ----------
    name
        The op's name as PyTorch gives it, without the marks of in-place or dunder forms.
    bind
        Takes the call's arguments as PyTorch takes them and returns the operands and
        attributes that the other fields speak of. Raises `NotExplained` for a form of
        the call that they do not cover.
    forward
        `forward(*arrays, **attributes)`, the output in NumPy.
    vjp
        `vjp(upstream, output, *arrays, **attributes)`, for each operand the
        vector-Jacobian product, in the operand's shape; None for an operand that has none.
    element
        `element(call, index)`, how one element of the output is made.
    partials
        `partials(call, position, index)`: for one element of one operand, every output
        index that depends on it, with the local derivative there.
    formula
        `formula(call)`, the whole output at once.
    gradient
        `gradient(call, position, upstream)`, the whole VJP at once.
    words
        What the op does, in a few words for a reader.
    torch
        The dotted PyTorch name that the tests hold the rule against.
    kind
        `elementwise` for an op that computes each element of its output from one element of
        each operand; empty for every other op.
    source
        True for an op that takes nothing from its operands: noise.
    several
        True for an op with several outputs: the attribute `output` then says which of
        them is spoken of, as if each were made by a call of its own.
    vjp_of
        `vjp_of(position, upstream, output, *arrays, **attributes)`, what `vjp` has at one
        position, for an op where the others cost much; None where they do not.
    broadcasts
        True for an op whose `gradient` takes an upstream that is smaller than what it stands
        for and leaves the rest to broadcasting, as one number does that is everywhere.
    spreads
        True for an op whose formula takes operands that are smaller than their shape says, as
        one number for a constant that is the same everywhere. The others get all of them.
    chosen_by
        `chosen_by(call, index)`, for an op that takes or puts numbers by their places: the
        elements of its operands that say which, for one element of the output, each as the
        operand's position and the index in it. None for every other op.
    """

    name: str
    bind: Callable[..., Bound]
    forward: Callable[..., Array]
    vjp: Callable[..., tuple[Array | None, ...]]
    element: Callable[[Call, Index], Expression]
    partials: Callable[[Call, int, Index], list[Partial]]
    formula: Callable[[Call], Expression]
    gradient: Callable[[Call, int, Expression], Expression]
    words: str
    torch: str
    kind: Kind = ""
    source: bool = False
    several: bool = False
    vjp_of: Callable[..., Array] | None = None
    broadcasts: bool = False
    spreads: bool = False
    chosen_by: Callable[[Call, Index], list[tuple[int, Index]]] | None = None

    def backward(self, call: Call, position: int, upstream: Expression) -> Expression:
        """Return `gradient` for whatever arrives, in the shape that the op needs."""
        if not self.broadcasts:
            upstream = expanded(upstream, call.output.shape)
        return self.gradient(call, position, upstream)


def elementwise(
    name: str,
    *,
    bind: Callable[..., Bound],
    forward: Callable[..., Array],
    vjp: Callable[..., tuple[Array | None, ...]],
    expression: Callable[..., Expression],
    derivatives: tuple[Callable[..., Expression], ...],
    words: str,
    torch: str,
    piecewise: bool | Callable[..., bool] = False,
    usual: Mapping[str, Any] | None = None,
    written: Callable[..., tuple[str, Options]] | None = None,
) -> Rule:
    """Make the rule of an op that works element by element, with broadcasting.

    Parameters
    ----------
    vjp
        Written as if all shapes were equal; the sum over broadcast axes is added here.
    expression
        `expression(*operands, **attributes)`, one output element.
    derivatives
        One function for each operand, `derivative(output, *operands, **attributes)`: the
        derivative of the output element by that operand's element.
    piecewise
        True where `expression` and `derivatives` look at the numbers and write the piece
        that holds for them: the formula of the whole tensor is then the op's name, and its
        derivative the name with a prime. Or a function of the arrays (and attributes) that
        says whether there is more than one piece to them; `number` helps to see which.
    usual
        What the attributes of such a formula are when they need not be mentioned.
    written
        `written(**attributes)`, the name and the options that such a formula shows, where
        they are not the op's own.
    """

    def vjp_in_operand_shapes(
        upstream: Array, output: Array, *arrays: Array, **attributes: Any
    ) -> tuple[Array | None, ...]:
        gradients = vjp(upstream, output, *arrays, **attributes)
        return tuple(
            None if gradient is None else unbroadcast(gradient, np.shape(array))
            for gradient, array in zip(gradients, arrays, strict=True)
        )

    def element(call: Call, index: Index) -> Expression:
        return expression(*_elements(call, index), **call.attributes)

    def partials(call: Call, position: int, index: Index) -> list[Partial]:
        derivative = derivatives[position]
        return [
            (out, derivative(call.output.at(out), *_elements(call, out), **call.attributes))
            for out in broadcast_targets(index, call.operands[position].shape, call.output.shape)
        ]

    def in_pieces(call: Call) -> bool:
        if callable(piecewise):
            return bool(piecewise(*call.arrays, **call.attributes))
        return piecewise

    def title(call: Call) -> tuple[str, Options]:
        if written is not None:
            return written(**call.attributes)
        return name, unusual(call.attributes, usual)

    def formula(call: Call) -> Expression:
        wholes = tuple(operand.whole() for operand in call.operands)
        if in_pieces(call):
            shown, options = title(call)
            return Opaque(shown, wholes, options, lambda *a: forward(*a, **call.attributes))
        return expression(*wholes, **call.attributes)

    def gradient(call: Call, position: int, upstream: Expression) -> Expression:
        wholes = tuple(operand.whole() for operand in call.operands)
        if in_pieces(call):
            shown, options = title(call)
            if len(wholes) > 1:
                options = (("by", position + 1), *options)

            def slope(*arrays: Array) -> Array | None:
                output = forward(*arrays, **call.attributes)
                return vjp(np.ones_like(output), output, *arrays, **call.attributes)[position]

            local: Expression = Opaque(f"{shown}'", wholes, options, slope)
        else:
            local = derivatives[position](call.output.whole(), *wholes, **call.attributes)
        return sum_to(upstream * local, call.output.shape, call.operands[position].shape)

    return Rule(
        name=name,
        bind=bind,
        forward=forward,
        vjp=vjp_in_operand_shapes,
        element=element,
        partials=partials,
        formula=formula,
        gradient=gradient,
        words=words,
        torch=torch,
        kind="elementwise",
        broadcasts=True,
        spreads=True,
    )


def number(expression: Expression) -> float:
    """Return the number of an element's expression; NaN for a whole tensor, which is none."""
    if any(np.ndim(reference.value) for reference in references(expression)):
        return math.nan
    return evaluate(expression)


def unusual(
    attributes: Mapping[str, Any], usual: Mapping[str, Any] | None = None
) -> tuple[tuple[str, Any], ...]:
    """Return the attributes that a formula has to mention."""
    left_out = dict(usual or {})
    return tuple(
        (key, value)
        for key, value in attributes.items()
        if value is not None and left_out.get(key) != value
    )


def _elements(call: Call, index: Index) -> tuple[Expression, ...]:
    return tuple(operand.at(broadcast_index(index, operand.shape)) for operand in call.operands)


# --- shapes -----------------------------------------------------------------------------


def indices(shape: Iterable[int]) -> Iterator[Index]:
    """Yield every index of a shape, last axis fastest."""
    return product(*(range(size) for size in shape))


def broadcast_index(index: Index, shape: tuple[int, ...]) -> Index:
    """Return the index in an operand of `shape` that output `index` was made from."""
    own = index[len(index) - len(shape) :] if shape else ()
    return tuple(0 if size == 1 else at for at, size in zip(own, shape, strict=True))


def broadcast_targets(
    index: Index, shape: tuple[int, ...], output: tuple[int, ...]
) -> Iterator[Index]:
    """Yield the output indices that one operand element was spread to."""
    extra = len(output) - len(shape)
    padded = (1,) * extra + shape
    own = (0,) * extra + index
    return product(
        *(
            range(size) if width == 1 else (at,)
            for at, width, size in zip(own, padded, output, strict=True)
        )
    )


def broadcast_axes(shape: tuple[int, ...], output: tuple[int, ...]) -> tuple[int, ...]:
    """Return the axes of the output along which an operand of `shape` was spread."""
    extra = len(output) - len(shape)
    padded = (1,) * extra + shape
    return tuple(
        axis for axis, (width, size) in enumerate(zip(padded, output, strict=True)) if width != size
    ) + tuple(axis for axis in range(extra) if output[axis] == 1)


def unbroadcast(gradient: Array, shape: tuple[int, ...]) -> Array:
    """Sum a gradient over the axes along which its operand was spread."""
    gradient = np.asarray(gradient)
    axes = broadcast_axes(shape, gradient.shape)
    return gradient.sum(axis=axes).reshape(shape) if axes else gradient


def sum_to(body: Expression, output: tuple[int, ...], shape: tuple[int, ...]) -> Expression:
    """Wrap a whole-tensor gradient in the sum that `unbroadcast` takes, if it takes one."""
    axes = broadcast_axes(shape, output)
    return SumOver(expanded(body, output), axes, shape) if axes else body


def normalized_axes(dim: int | Iterable[int] | None, rank: int) -> tuple[int, ...]:
    """Return a reduction's `dim` as sorted axes from 0; all of them for None."""
    if dim is None:
        return tuple(range(rank))
    chosen = (dim,) if isinstance(dim, int) else tuple(dim)
    return tuple(sorted(axis % rank for axis in chosen)) if chosen and rank else tuple(range(rank))
