"""What several test files share: operands with names, calls of PyTorch, random trees.

Nothing in here knows an op by its name: what an op needs to be tested stands in its rule.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from itertools import cycle
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import strategies as st
from torch import Tensor

from vae_explain.ops import Call, Operand, Rule
from vae_explain.ops.at_once import is_many
from vae_explain.symbolic.expression import (
    FUNCTIONS,
    Add,
    Apply,
    Div,
    Each,
    Expression,
    Index,
    Mul,
    Neg,
    Number,
    Pow,
    Ref,
)
from vae_explain.symbolic.measure import evaluate, measure
from vae_explain.trace import Array, Slot

from .examples import Example

# The functions of expressions over whole arrays, made of those over one number: so that a
# function which only one of the two knows is found out.
WHOLE_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    name: np.vectorize(function.value, otypes=[float]) for name, function in FUNCTIONS.items()
}


# --- choosing ---------------------------------------------------------------------------


def in_turn(firsts: Iterable[Any], seconds: Iterable[Any]) -> list[tuple[Any, Any]]:
    """Pair each first with one second, in turn.

    Examples
    --------
    >>> in_turn("abc", "xy")
    [('a', 'x'), ('b', 'y'), ('c', 'x')]
    """
    return list(zip(firsts, cycle(seconds)))


def latin(
    firsts: Iterable[Any], seconds: Iterable[Any], thirds: Sequence[Any]
) -> list[tuple[Any, Any, Any]]:
    """Pair each first with each second, and each pair with one third, in turn.

    Each third meets each first and each second, as far as these are as many: in a Latin square.

    Examples
    --------
    >>> latin("ab", "xy", [1, 2])
    [('a', 'x', 1), ('a', 'y', 2), ('b', 'x', 2), ('b', 'y', 1)]
    """
    seconds = list(seconds)
    return [
        (first, second, thirds[(i + j) % len(thirds)])
        for i, first in enumerate(firsts)
        for j, second in enumerate(seconds)
    ]


# --- ops --------------------------------------------------------------------------------


@contextmanager
def as_far_as_pytorch_differentiates() -> Iterator[None]:
    """Skip a test where an older PyTorch says itself that it has no derivative of a call.

    Then a user's run cannot have one either, and is told so in PyTorch's words. So it is where
    it says that it has a bug, as 2.4 does at the weights of an `embedding_bag` alone.
    """
    try:
        yield
    except RuntimeError as error:
        says = str(error)
        without = says.startswith("derivative for") or "report a bug to PyTorch" in says
        if torch.__version__ < "2.13" and without:
            pytest.skip(f"PyTorch {torch.__version__}: {error}")
        raise


@dataclass(frozen=True)
class NamedOperand:
    """A value that has a name, as a rule sees it."""

    name: str
    array: Array

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    def at(self, index: Index) -> Expression:
        assert len(index) == self.array.ndim, f"{self.name}{list(index)}, shape {self.shape}"
        if is_many(index):
            key = tuple(map(id, index))
            numbers = np.asarray(self.array[index], dtype=np.float64)
            return Each(self.name, value=numbers, key=key, places=index, one=self.at)
        assert all(0 <= i < size for i, size in zip(index, self.shape, strict=True))
        return Ref(self.name, index, value=float(self.array[index]))

    def whole(self) -> Expression:
        return Ref(self.name, value=self.array)


@dataclass(frozen=True)
class ConstantOperand:
    """A number that stands in the code itself, such as the 2 of `x ** 2`."""

    array: Array

    @property
    def shape(self) -> tuple[int, ...]:
        return ()

    def at(self, index: Index) -> Expression:
        assert index == ()
        return self.whole()

    def whole(self) -> Expression:
        return Number(float(self.array))


def call_of(rule: Rule, example: Example, constants: bool = False) -> Call:
    """Make the call that a trace would hold: operands a, b, c and output y.

    They are named, but for the single numbers when these are to be `constants`.
    """
    operands: tuple[Operand, ...] = tuple(
        ConstantOperand(array) if constants and array.ndim == 0 else NamedOperand(name, array)
        for name, array in zip(LETTERS, example.operands, strict=False)
    )
    output = rule.forward(*example.operands, **example.attributes)
    return Call(operands, NamedOperand("y", output), example.attributes)


LETTERS = "abcde"


def is_float(array: Array) -> bool:
    return bool(np.issubdtype(array.dtype, np.floating))


def varying(example: Example) -> list[bool]:
    """Say which operands have a gradient: an index or a condition, say, has none."""
    return [
        is_float(array) and position not in example.fixed
        for position, array in enumerate(example.operands)
    ]


def tensors_of(example: Example, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """Make the operands of an example as leaves that want a gradient, where they can."""
    return [
        torch.tensor(array, dtype=dtype if is_float(array) else None, requires_grad=varies)
        for array, varies in zip(example.operands, varying(example), strict=True)
    ]


def call_torch(rule: Rule, tensors: Sequence[Tensor], example: Example) -> Tensor:
    """Call what the rule holds itself against, as the example says or else in the plain way.

    That is: operands first, then attributes by their names, or else by position.
    """
    function: Any = reduce(getattr, rule.pytorch.split(".")[1:], torch)
    if rule.pytorch.endswith("_") and tensors[0].is_leaf:
        tensors = [tensors[0].clone(), *tensors[1:]]  # PyTorch writes to no leaf
    attributes = {key: value for key, value in example.attributes.items() if key != "output"}
    if example.args:
        args = [_filled(argument, tensors) for argument in example.args]
        kwargs = {key: _filled(value, tensors) for key, value in example.kwargs.items()}
        result = function(*args, **kwargs)
    else:
        try:
            result = function(*tensors, **attributes)
        except TypeError:
            result = function(*tensors, *attributes.values())
    if rule.several_outputs and not isinstance(result, Tensor):
        result = result[example.attributes["output"]]
    assert isinstance(result, Tensor)
    return result


def _filled(argument: Any, tensors: Sequence[Tensor]) -> Any:
    """Put the tensors in the places of their slots."""
    if isinstance(argument, Slot):
        return tensors[argument.id]
    if isinstance(argument, tuple):
        return tuple(_filled(item, tensors) for item in argument)
    return argument


def upstream_for(shape: tuple[int, ...], seed: int) -> Array:
    """Draw an upstream gradient, as an array also where it is one number."""
    return np.asarray(np.random.default_rng(seed).normal(size=shape))


def total_gradient(rule: Rule, call: Call, position: int, upstream: Array) -> Array:
    """Add up upstream·partial, as a page does, for each element of one operand."""
    shape = call.operands[position].shape
    found = np.zeros(shape)
    with np.errstate(invalid="ignore"):
        for index in np.ndindex(*shape):
            for out, partial in rule.partials(call, position, index):
                found[index] += upstream[out] * evaluate(partial)
    return found


# --- random trees -----------------------------------------------------------------------

CONSTANTS = (-3.0, -2.0, -1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 1.0, 2.0, 3.0, 1e-05, 0.1)
NAMES = "abcde"


def references_with_values() -> st.SearchStrategy[Ref]:
    """Draw references a to e, each with a value that goes with its name.

    The values neither vanish nor cancel exactly, so that a term that got lost is missed.
    """
    values = dict(zip(NAMES, (1.0117, -0.2387, 2.71, -1.93, 0.561), strict=True))
    return st.sampled_from(NAMES).map(lambda name: Ref(name, value=values[name]))


def trees() -> st.SearchStrategy[Expression]:
    """Draw trees over numbers that have a finite value: no division by 0, no log of -1."""
    leaves: st.SearchStrategy[Expression] = st.one_of(
        references_with_values(), st.sampled_from(CONSTANTS).map(Number)
    )
    return st.recursive(leaves, _grown, max_leaves=12).filter(_is_tame)


def _grown(tree: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    parts = st.lists(tree, min_size=1, max_size=4).map(tuple)
    bounded = tree.map(lambda t: Apply("tanh", (t,)))
    positive = tree.map(lambda t: Add((Pow(t, Number(2.0)), Number(0.5))))
    exponents: st.SearchStrategy[Expression] = st.one_of(
        bounded, st.sampled_from((-1.0, -0.5, 0.0, 1.0, 2.0, 3.0)).map(Number)
    )
    return st.one_of(
        parts.map(Add),
        parts.map(Mul),
        tree.map(Neg),
        st.builds(Div, tree, positive),
        st.builds(Div, tree, references_with_values()),
        st.builds(Pow, tree, st.sampled_from((2.0, 3.0)).map(Number)),
        st.builds(Pow, positive, exponents),
        st.builds(_apply, st.sampled_from(("exp",)), bounded),
        st.builds(_apply, st.sampled_from(("log", "sqrt")), positive),
        st.builds(_apply, st.sampled_from(("sigmoid", "tanh", "relu")), tree),
        st.builds(_apply, st.just("gate"), references_with_values()),
    )


def _apply(function: str, argument: Expression) -> Expression:
    return Apply(function, (argument,))


def _is_tame(tree: Expression) -> bool:
    value, magnitude = measure(tree)
    return math.isfinite(value) and magnitude < 1e9


def same_number(found: float, tree: Expression) -> bool:
    """Whether a number is that of a tree, up to the rounding that the tree allows for."""
    value, magnitude = measure(tree)
    return abs(found - value) <= 1e-12 * magnitude + 1e-14
