"""The maker of rules that work element by element, with broadcasting.

Such a rule states one element as an expression, and all else follows. Over whole arrays the
same tree gives `forward`; its derivative gives the slope at one element, the VJP and the
gradient's formula. A rule says more only where PyTorch computes in another way, where it takes
another slope at a corner, or where a textbook writes a derivative otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from functools import partial
from typing import Any

import numpy as np

from ..quick_classes import dataclass
from ..symbolic.derivative import WHERE, derivative
from ..symbolic.expression import (
    ONE,
    ZERO,
    Apply,
    Div,
    Expression,
    Index,
    Mul,
    Neg,
    Number,
    Opaque,
    Ref,
    children,
    references,
)
from ..trace import Array
from .array_functions import in_pieces, on_arrays
from .at_once import NotAtOnce, grid, is_many
from .binding import Bound, binder, usual_of
from .broadcasting import broadcast_index, sum_to, unbroadcast
from .conditions import MARKS, Looked, UnknownOperand, Values, taken_where
from .conditions import choose as choose
from .conditions import number as number
from .conditions import one_number as one_number
from .rule import Call, Family, OfMany, Options, Rule, Ways, unusual

# `slope(output, *operands, **attributes)`: how the output's element moves with one operand's.
Slope = Callable[..., Expression]


@dataclass(frozen=True)
class _Pointwise:
    """What `elementwise` is given for an op, and what follows from it."""

    name: str
    expression: Callable[..., Expression]
    derivatives: tuple[Slope | None, ...]
    computed: tuple[Slope | None, ...]
    own_forward: Callable[..., Array] | None
    own_vjp: Callable[..., tuple[Array | None, ...]] | None
    no_gradient: tuple[int, ...]
    piecewise: bool | Callable[..., bool] | None
    written: Callable[..., tuple[str, Options]] | None
    steps: Callable[..., Expression] | None
    usual: Mapping[str, Any]

    def slope(
        self,
        position: int,
        operands: tuple[Expression, ...],
        output: Callable[[], Expression],
        attributes: Mapping[str, Any],
        as_computed: bool = False,
    ) -> Expression:
        """Write how an element, or all of them, move with one of the operands."""
        stated = self.computed if as_computed else self.derivatives
        own_slope = stated[position] if position < len(stated) else None
        if own_slope is not None:
            return own_slope(output(), *operands, **attributes)
        own = copy(operands[position])  # another operand may be the same node
        before, behind = operands[:position], operands[position + 1 :]
        element = self.expression(*before, own, *behind, **attributes)
        return derivative(element, own, held=(*before, *behind))

    # --- over arrays ---

    def forward(self, *arrays: Array, **attributes: Any) -> Array:
        (whole,) = in_pieces(lambda *few: (self._forward(few, attributes),), arrays)
        return np.asarray(whole)

    def _forward(self, arrays: tuple[Array, ...], attributes: Mapping[str, Any]) -> Array:
        if self.own_forward is not None:
            return self.own_forward(*arrays, **attributes)
        values = np.asarray(on_arrays(self.expression(*_values(arrays), **attributes)))
        shape = np.broadcast_shapes(*map(np.shape, arrays))
        # What is chosen everywhere may be an operand that is smaller than the others.
        return values if values.shape == shape else np.array(np.broadcast_to(values, shape))

    def shares(
        self,
        upstream: Array,
        output: Array,
        arrays: tuple[Array, ...],
        attributes: Mapping[str, Any],
        adjust: Callable[[Array], Array] | None = None,
    ) -> tuple[Array | None, ...]:
        """Return the VJP as if all shapes were equal, adjusted by the slopes that PyTorch has."""
        if self.own_vjp is not None and adjust is None:
            return self.own_vjp(upstream, output, *arrays, **attributes)
        operands, y = _values(arrays), Values("output", value=output)
        computed = adjust is not None
        slopes = (
            self.slope(position, operands, lambda: y, attributes, computed)
            if np.issubdtype(np.asarray(array).dtype, np.inexact)
            and position not in self.no_gradient
            else None
            for position, array in enumerate(arrays)
        )
        return tuple(
            None if slope is None else _passed_back(upstream, slope, adjust) for slope in slopes
        )

    def vjp(
        self, upstream: Array, output: Array, *arrays: Array, **attributes: Any
    ) -> tuple[Array | None, ...]:
        def shares(upstream: Array, output: Array, *few: Array) -> tuple[Array | None, ...]:
            return self.shares(upstream, output, few, attributes)

        return _unspread(in_pieces(shares, (upstream, output, *arrays)), arrays)

    def vjp_computed(
        self,
        adjust: Callable[[Array], Array],
        upstream: Array,
        output: Array,
        *arrays: Array,
        **attributes: Any,
    ) -> tuple[Array | None, ...]:
        """Return the VJP by the slopes that PyTorch computes, each step of them adjusted."""
        return _unspread(self.shares(upstream, output, arrays, attributes, adjust), arrays)

    # --- one element ---

    def element(self, call: Call, index: Index) -> Expression:
        made = self.steps if call.as_computed and self.steps is not None else self.expression
        return made(*_elements(call, index), **call.attributes)

    def families(self, call: Call, position: int, index: Index) -> list[Family]:
        if position in self.no_gradient:
            return []
        shape, output = call.operands[position].shape, call.output.shape
        extra = len(output) - len(shape)
        widths = (1,) * extra + shape
        places = (0,) * extra + broadcast_index(index, shape)
        if all(width == size for width, size in zip(widths, output, strict=True)):
            out = places
        elif is_many(index):
            raise NotAtOnce
        else:
            out = grid(
                [
                    at if width == size else np.arange(size)
                    for at, width, size in zip(places, widths, output, strict=True)
                ]
            )
        return [Family(out, partial(self.slope_at, call, position))]

    def slope_at(self, call: Call, position: int, out: Index) -> Expression:
        needed = call.once(f"{self.name} {position}", lambda: self._needed(call, position))
        operands = tuple(
            operand.at(broadcast_index(out, operand.shape)) if mark in needed else mark
            for mark, operand in zip(MARKS, call.operands, strict=False)
        )
        output, computed = lambda: call.output.at(out), call.as_computed
        return self.slope(position, operands, output, call.attributes, computed)

    def _needed(self, call: Call, position: int) -> set[Ref]:
        """Return the marks of the operands that a slope speaks of; only they are written."""
        marks, output = MARKS[: len(call.operands)], UnknownOperand("output")
        try:
            form = self.slope(position, marks, lambda: output, call.attributes, call.as_computed)
        except Looked:
            return set(marks)
        return set(references(form))

    # --- whole tensors ---

    def formula(self, call: Call) -> Expression:
        wholes = call.wholes
        if not self.in_pieces(call):
            return self.expression(*wholes, **call.attributes)
        shown, options = self.title(call)
        return Opaque(shown, wholes, options, lambda *a: self.forward(*a, **call.attributes))

    def gradient(self, call: Call, position: int, upstream: Expression) -> Expression:
        wholes = call.wholes
        if self.in_pieces(call):
            shown, options = self.title(call)
            if len(wholes) > 1:
                options = (("by", position + 1), *options)

            def slopes(*arrays: Array) -> Array | None:
                output = self.forward(*arrays, **call.attributes)
                one = np.ones_like(output)
                return self.shares(one, output, arrays, call.attributes)[position]

            local: Expression = Opaque(f"{shown}'", wholes, options, slopes)
        else:
            local = self.slope(position, wholes, call.output.whole, call.attributes)
        return sum_to(upstream * local, call.output.shape, call.operands[position].shape)

    def in_pieces(self, call: Call) -> bool:
        """Whether no single formula holds for all elements."""
        if callable(self.piecewise):
            return bool(self.piecewise(*call.arrays, **call.attributes))
        if self.piecewise is not None:
            return self.piecewise
        operands, y = _values(call.arrays), Values("output", value=call.output.array)
        trees = [self.expression(*operands, **call.attributes)]
        trees += [
            self.slope(position, operands, lambda: y, call.attributes)
            for position in range(len(operands))
            if position not in self.no_gradient
        ]
        return any(map(_chooses, trees))

    def title(self, call: Call) -> tuple[str, Options]:
        if self.written is not None:
            return self.written(**call.attributes)
        return self.name, unusual(call.attributes, self.usual)


def _values(arrays: tuple[Array, ...]) -> tuple[Expression, ...]:
    # NumPy knows no -True.
    counts = (
        np.multiply(array, 1) if np.asarray(array).dtype == bool else array for array in arrays
    )
    return tuple(Values(f"operand {at}", value=array) for at, array in enumerate(counts))


def _unspread(
    gradients: tuple[Array | None, ...], arrays: tuple[Array, ...]
) -> tuple[Array | None, ...]:
    return tuple(
        None if gradient is None else unbroadcast(gradient, np.shape(array))
        for gradient, array in zip(gradients, arrays, strict=True)
    )


def _elements(call: Call, index: Index) -> tuple[Expression, ...]:
    return tuple(operand.at(broadcast_index(index, operand.shape)) for operand in call.operands)


def _chooses(tree: Expression) -> bool:
    chosen = isinstance(tree, Opaque) and tree.name == WHERE
    return chosen or any(map(_chooses, children(tree)))


def _passed_back(upstream: Array, slope: Expression, adjust: Callable[[Any], Any] | None) -> Array:
    """Return what arrives, times a slope: no zero has a sign where nothing is passed."""
    if slope == ZERO:
        return np.zeros_like(upstream)
    product = times(Values("upstream", value=upstream), slope)
    return np.asarray(on_arrays(product, adjust=adjust or (lambda value: value)))


def times(arriving: Expression, slope: Expression) -> Expression:
    """Multiply from left to right, as autograd does."""
    match slope:
        case Opaque(name="where", arguments=(condition, *pieces)):
            ways = (times(arriving, piece) for piece in pieces)
            return Opaque(WHERE, (condition, *ways), (), taken_where)
        case Apply("gate", (argument,)):
            return choose(number(argument) <= 0, ZERO, arriving)
        case Neg(body):
            return Neg(times(arriving, body))
        case Div(Number() | Neg(Number()), Apply("sqrt", _)):
            return arriving * slope  # of one over a root it takes the product
        case Div(above, below):
            return Div(times(arriving, above), below)
        case Mul(factors):
            for factor in factors:
                arriving = times(arriving, factor)
            return arriving
    return ZERO if slope == ZERO else arriving if slope == ONE else arriving * slope


def elementwise(
    name: str,
    expression: Callable[..., Expression] | None = None,
    *,
    settings: Mapping[str, Any] | None = None,
    bind: Callable[..., Bound] | None = None,
    derivatives: tuple[Slope | None, ...] = (),
    computed: tuple[Slope | None, ...] | None = None,
    forward: Callable[..., Array] | None = None,
    vjp: Callable[..., tuple[Array | None, ...]] | None = None,
    no_gradient: tuple[int, ...] = (),
    piecewise: bool | Callable[..., bool] | None = None,
    written: Callable[..., tuple[str, Options]] | None = None,
    steps: Callable[..., Expression] | None = None,
    **fields: Any,
) -> Rule:
    """Make the rule of an op that works element by element, with broadcasting.

    Parameters
    ----------
    expression
        `expression(*operands, **attributes)`, one element of the output. Left out, it is the
        function of this name in `FUNCTIONS`. What is one thing here and another there takes
        its piece by `choose`.
    settings
        The attributes, with what they usually are, that an op takes behind its one operand.
    bind
        See `Rule`; for an op that takes other operands.
    derivatives
        For each operand `derivative(output, *operands, **attributes)`, how the output's element
        moves with that operand's, where a textbook writes it otherwise than the derivative of
        `expression` comes out, or PyTorch has another slope at a corner. Else None, or nothing.
    computed
        The same as PyTorch computes it, where that rounds otherwise.
    forward, vjp
        See `Rule`; only where the expressions do not come to PyTorch's numbers. The VJP is
        written as if all shapes were equal.
    no_gradient
        The positions of operands to which PyTorch passes no gradient.
    piecewise
        Whether the formula of the whole tensor is the op's name, and its derivative the name
        with a prime, or a function of the arrays (and attributes) that says so. Left out, it
        is so where elements of more than one piece are there.
    written
        `written(**attributes)`, the name and the options that such a formula shows, where
        they are not the op's own.
    steps
        The same as `expression` in the steps in which PyTorch computes it, where that rounds
        otherwise.
    fields
        Further fields of the rule.
    """
    bind = bind or binder("input", **(settings or {}))
    made = expression or (lambda a: Apply(name, (a,)))
    as_computed = derivatives if computed is None else computed
    op = _Pointwise(
        *(
            name,
            made,
            derivatives,
            as_computed,
            forward,
            vjp,
            no_gradient,
            piecewise,
            written,
            steps,
        ),
        usual=usual_of(bind),
    )
    return Rule(
        name=name,
        bind=bind,
        forward=op.forward,
        vjp=op.vjp,
        vjp_computed=None if computed is None else op.vjp_computed,
        element=OfMany(op.element),
        partials=Ways(op.families, of_many=True),
        formula=op.formula,
        gradient=op.gradient,
        kind="elementwise",
        gradient_broadcasts=True,
        formula_broadcasts=True,
        **fields,
    )


# Makes the rule of an activation function that PyTorch has in `torch.nn.functional`.
activation = partial(elementwise, functional=True)
