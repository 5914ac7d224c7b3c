"""What an op's file fills in: one frozen value that holds all we know of the op.

A rule works on NumPy arrays (forward and VJP) and on expressions (how one element of the
output, or of a gradient, is made). It never sees PyTorch. Two makers cover most ops:
`elementwise`, for ops whose output element depends on one element of each operand, and
`Rule` itself, for ops with a shape of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from ..quick_classes import dataclass
from ..symbolic.build import summed
from ..symbolic.expression import ZERO, Expression, Index, Opaque, Ref
from ..symbolic.shapes import expanded
from ..trace import Array
from .array_functions import on_arrays
from .binding import Bound, usual_of

# What the file of a rule needs beside it is there with it.
from .call import ArrayOperand
from .call import Call as Call
from .call import Family as Family
from .call import OfMany as OfMany
from .call import Operand as Operand
from .call import Partial as Partial
from .call import Ways as Ways

Kind = Literal[
    "elementwise", "copy", "reduction", "contraction", "normalization", "loss", "draw", ""
]
Options = tuple[tuple[str, Any], ...]


def by_default(*_: Any) -> Any:
    """Stand in a rule for what follows from its other fields."""
    raise NotImplementedError


def every_operand(call: Call) -> Sequence[int]:
    return range(len(call.operands))


def nothing(call: Call) -> Sequence[int]:
    return ()


def families_of(rule: Rule, call: Call, position: int, index: Index) -> list[Family]:
    """Return the families of any rule: of one that has none, one for each way."""
    if isinstance(rule.partials, Ways):
        return rule.partials.families(call, position, index)
    ways = rule.partials(call, position, index)
    return [Family.constant(out, local) for out, local in ways]


@dataclass(frozen=True, eq=False)
class Rule:
    """All we know of one op.

    Attributes
    ----------
    name
        The op's name as PyTorch gives it, without the marks of in-place or dunder forms.
    bind
        Takes the call's arguments as PyTorch does and returns the operands and attributes
        that the other functions take. Raises `NotExplained` for a form of the call that
        they do not cover.
    forward
        `forward(*arrays, **attributes)`, the output in NumPy.
    vjp
        `vjp(upstream, output, *arrays, **attributes)`, for each operand the
        vector-Jacobian product, in the operand's shape; None for an operand that has none. By
        default it is what `gradient` comes to over whole arrays.
    element
        `element(call, index)`, how one element of the output is made.
    partials
        `partials(call, position, index)`: for one element of one operand, every output
        index that depends on it, with the local derivative there.
    words
        What the op does, in a few words for a reader.
    formula
        `formula(call)`, the whole output at once; by default the op's name and its operands.
    gradient
        `gradient(call, position, upstream)`, the whole VJP at once; by default the op's name
        with `_backward`, what arrives and the operands.
    shows
        `shows(call)`, the positions of the operands that the default formula and gradient
        show, in order; by default all.
    shown
        The name that the default formula and gradient show, where it is not the op's own
        without `linalg_`.
    usual
        The attributes that they leave out, by their usual values; by default those that the
        call may leave out.
    options
        `options(call)`, the options that they show; by default the attributes whose values
        are not the usual ones.
    linear
        True for an op whose VJP needs only the shape of its operand: the default gradient is
        then written without the operand.
    torch
        The dotted name of the PyTorch function, where it does not follow from the op's; see
        `pytorch`.
    functional
        Whether PyTorch has the function in `torch.nn.functional`.
    kind
        What kind of op it is; empty for one of no kind.

        - `elementwise`: each element of the output is computed from one of each operand.
        - `copy`: each element is one of an operand's, or a constant.
        - `reduction`: the numbers along an axis come to one.
        - `contraction`: products of two operands are summed along an axis.
        - `normalization`: a layer that scales numbers by the size that they have together.
        - `loss`: it compares, and may sum or average what it computes.
        - `draw`: random numbers, made from no operand.
    title
        What a reader calls the op, where that is a name of the field: `layer norm`, `GELU`. An
        elementwise op of one operand that has one is an activation.
    gate
        True for an op that lets an element through unchanged or stops it, forward and backward.
    several_outputs
        True for an op with several outputs: the attribute `output` then says which one is
        meant, as if each were made by a call of its own.
    vjp_of
        `vjp_of(position, upstream, output, *arrays, **attributes)`, the part of `vjp` at one
        position; None where it cannot be computed alone.
    held
        `held(call)`, the positions of operands that get no gradient.
    vjp_computed
        `vjp_computed(adjust, upstream, output, *arrays, **attributes)`, the VJP in the steps in
        which PyTorch computes it: `adjust` is called with each array on the way. None for an op
        that PyTorch computes as `vjp` does.
    gradient_broadcasts
        True for an op whose `gradient` takes an upstream formula that is smaller than the
        output, such as one number for all of it, and leaves the rest to broadcasting. For any
        other op it is expanded first.
    formula_broadcasts
        True for an op whose `formula` takes operands that are smaller than their shape, such as
        one number for a constant that is the same everywhere. For any other op they are
        expanded first.
    adds_up
        What an output is the sum of, for an op of which that bounds the rounding: `terms` of
        either sign, as products, or `positive` ones. Empty for every other op, also for a
        convolution, which PyTorch may compute by transforms that lose more digits.
    chosen_by
        `chosen_by(call, index)`, for an op that takes or puts numbers by an index: the elements
        of its operands that chose the numbers of one output element, each as the operand's
        position and the index in it. None for every other op.
    """

    name: str
    bind: Callable[..., Bound]
    forward: Callable[..., Array]
    element: Callable[[Call, Index], Expression]
    partials: Callable[[Call, int, Index], list[Partial]]
    words: str
    vjp: Callable[..., tuple[Array | None, ...]] = by_default
    formula: Callable[[Call], Expression] = by_default
    gradient: Callable[[Call, int, Expression], Expression] = by_default
    shows: Callable[[Call], Sequence[int]] = every_operand
    shown: str = ""
    usual: Mapping[str, Any] | None = None
    options: Callable[[Call], Options] = by_default
    linear: bool = False
    torch: str = ""
    functional: bool = False
    kind: Kind = ""
    title: str = ""
    gate: bool = False
    several_outputs: bool = False
    vjp_of: Callable[..., Array | None] | None = None
    held: Callable[[Call], Collection[int]] = nothing
    vjp_computed: Callable[..., tuple[Array | None, ...]] | None = None
    gradient_broadcasts: bool = False
    formula_broadcasts: bool = False
    adds_up: Literal["terms", "positive", ""] = ""
    chosen_by: Callable[[Call, Index], list[tuple[int, Index]]] | None = None

    def __post_init__(self) -> None:
        if self.usual is None:
            object.__setattr__(self, "usual", usual_of(self.bind))
        defaults = {
            "formula": self.named,
            "gradient": self.named_backward,
            "vjp": self.passed_back,
            "options": self._unusual,
        }
        for key, default in defaults.items():
            stated = getattr(self, key)
            # One that `replace` hands over from another rule speaks of that other.
            if stated is by_default or isinstance(_owner(stated), Rule):
                object.__setattr__(self, key, default)
        if self.vjp == self.passed_back:
            object.__setattr__(self, "vjp_of", self.passed_back_at)
        elif isinstance(_owner(self.vjp_of), Rule):
            object.__setattr__(self, "vjp_of", None)

    @property
    def source(self) -> bool:
        """Whether the op draws noise, and computes nothing from operands."""
        return self.kind == "draw"

    @property
    def activation(self) -> bool:
        """Whether the op is an activation function."""
        return self.kind == "elementwise" and bool(self.title)

    @property
    def written(self) -> str:
        """The name in the default formula and gradient."""
        return self.shown or self.name.removeprefix("linalg_")

    @property
    def pytorch(self) -> str:
        """The dotted name of the PyTorch function that the tests compare the rule with."""
        module, _, own = self.name.partition("_")
        if module in ("linalg", "special"):
            return f"torch.{module}.{own}"
        home = "torch.nn.functional" if self.functional else "torch"
        return self.torch or f"{home}.{self.name}"

    def backward(self, call: Call, position: int, upstream: Expression) -> Expression:
        """Return `gradient`, with the upstream expanded if the op needs all of it."""
        if not self.gradient_broadcasts:
            upstream = expanded(upstream, call.output.shape)
        return self.gradient(call, position, upstream)

    def ways(self, call: Call, position: int, index: Index) -> list[Partial]:
        """Return `partials`, as one where they are many and the rule has a formula for all."""
        ways = self.partials
        return (
            ways.at_once(call, position, index)
            if isinstance(ways, Ways)
            else ways(call, position, index)
        )

    @property
    def many_elements(self) -> bool:
        """Whether `element` also takes an index of arrays, which stands for many."""
        return isinstance(self.element, OfMany)

    @property
    def ways_of_many(self) -> bool:
        """Whether `ways` takes one."""
        return isinstance(self.partials, Ways) and self.partials.of_many

    def _unusual(self, call: Call) -> Options:
        return unusual(call.attributes, self.usual)

    def passed_back(
        self, upstream: Array, output: Array, /, *arrays: Array, **attributes: Any
    ) -> tuple[Array | None, ...]:
        """Return the VJP that `gradient` writes."""
        call = Call(tuple(map(ArrayOperand, arrays)), ArrayOperand(output), attributes)
        return tuple(self._share(call, each, upstream) for each in range(len(arrays)))

    def passed_back_at(
        self, position: int, upstream: Array, output: Array, /, *arrays: Array, **attributes: Any
    ) -> Array | None:
        """Return what it has at one position."""
        call = Call(tuple(map(ArrayOperand, arrays)), ArrayOperand(output), attributes)
        return self._share(call, position, upstream)

    def _share(self, call: Call, position: int, upstream: Array) -> Array | None:
        array, arriving = call.operands[position].array, np.asarray(upstream)
        if array.dtype.kind not in "fc" or position in self.held(call):
            return None
        formula = self.gradient(call, position, Ref("upstream", value=arriving))
        share = np.asarray(on_arrays(formula), arriving.dtype)
        return share if share.shape == array.shape else np.broadcast_to(share, array.shape)

    def named(self, call: Call) -> Opaque:
        """Write the whole output as the op's call."""
        positions = self.shows(call)
        wholes = tuple(call.operands[position].whole() for position in positions)

        def compute(*arrays: Array) -> Array:
            return self.forward(*_operands(call, positions, arrays), **call.attributes)

        return Opaque(self.written, wholes, self.options(call), compute)

    def named_backward(self, call: Call, position: int, upstream: Expression) -> Opaque:
        """Write the whole VJP as the call of the op's backward pass."""
        positions = () if self.linear else self.shows(call)
        wholes = (call.operands[each].whole() for each in positions)
        options = self.options(call)
        if len(call.operands) > 1:
            options = (("by", tuple(self.shows(call)).index(position) + 1), *options)

        def compute(arriving: Array, *arrays: Array) -> Array | None:
            operands = _operands(call, positions, arrays)
            output = self.forward(*operands, **call.attributes)
            full = np.broadcast_to(arriving, np.shape(output))
            return self.vjp(full, output, *operands, **call.attributes)[position]

        return Opaque(f"{self.written}_backward", (upstream, *wholes), options, compute)


def _no_vjp(g: Array, y: Array, /, *arrays: Array, **_: Any) -> tuple[None, ...]:
    return (None,) * len(arrays)


# The fields of a rule through which nothing passes back.
NOTHING_BACK: dict[str, Any] = {
    "vjp": _no_vjp,
    "partials": lambda call, position, index: [],
    "gradient": lambda call, position, upstream: ZERO,
    "gradient_broadcasts": True,
}


def _owner(function: Any) -> Any:
    return getattr(function, "__self__", None)


def _operands(call: Call, positions: Sequence[int], arrays: tuple[Array, ...]) -> list[Array]:
    """Return the operands of a formula: what is evaluated of them, and the others as recorded.

    A formula may be evaluated in float64, and no place is found by that: places are as recorded.
    """
    operands = list(call.arrays)
    for position, array in zip(positions, arrays, strict=True):
        if np.issubdtype(operands[position].dtype, np.inexact):
            operands[position] = array
    return operands


# The settings of which PyTorch takes one number for all axes.
FOR_EACH_AXIS = {
    "kernel_size", "stride", "padding", "dilation", "output_padding", "output_size", "size",
    "scale_factor",
}  # fmt: skip


def unusual(
    attributes: Mapping[str, Any], usual: Mapping[str, Any] | None = None
) -> tuple[tuple[str, Any], ...]:
    """Return the attributes that a formula has to mention: a stride of `2` for `(2, 2)`."""
    left_out = dict(usual or {})
    short = {
        key: value[0]
        if key in FOR_EACH_AXIS and isinstance(value, tuple) and len(set(value)) == 1
        else value
        for key, value in attributes.items()
    }
    return tuple(
        (key, short[key])
        for key, value in attributes.items()
        if value is not None and left_out.get(key) not in (value, short[key])
    )


def by_output(ways: Iterable[Partial]) -> list[Partial]:
    """Add up the ways from an element to each output."""
    ways_to: dict[Index, list[Expression]] = {}
    for out, local in ways:
        ways_to.setdefault(out, []).append(local)
    return [(out, summed(locals)) for out, locals in ways_to.items()]
