"""The backward pass of what a document states: any chain of its own formulas, turned round.

A loss that has a formula over quantities that have formulas or values is a network, whatever it
is called and whatever its layers are. What it sends back to each of them is computed here, by the
rules of the textbook, from the values that the document prints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

import numpy as np

from ....trace import Array
from .evaluation import Leaf, Lookup, Unknown, evaluate, multiplies_matrices
from .syntax import (
    Call,
    Literal,
    Negative,
    Power,
    Product,
    Row,
    Sum,
    Total,
    Transposed,
    Tree,
    key_of,
    quantities,
)

MOST_STEPS = 200  # formulas between a loss and what it depends on


def _sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


SLOPES: Mapping[str, Callable[[Array], Array]] = {
    "exp": lambda x: np.asarray(np.exp(x)),
    "log": lambda x: 1 / x,
    "sqrt": lambda x: 0.5 / np.sqrt(x),
    "square": lambda x: 2 * x,
    "tanh": lambda x: 1 - np.tanh(x) ** 2,
    "sigmoid": lambda x: _sigmoid(x) * (1 - _sigmoid(x)),
    "softplus": _sigmoid,
    "relu": lambda x: np.where(x > 0, 1.0, 0.0),
    "sin": lambda x: np.asarray(np.cos(x)),
    "cos": lambda x: np.asarray(-np.sin(x)),
    "abs": lambda x: np.asarray(np.sign(x)),
}


class Formulas(Protocol):
    """What the document says that a quantity is made of."""

    def formula(self, name: Tree) -> tuple[Tree, int | None] | None: ...


def gradient(top: Tree, bottom: Tree, formulas: Formulas, leaf: Leaf, lookup: Lookup) -> Array:
    """Return the gradient of one quantity at another.

    Raises
    ------
    Unknown
        If no formulas lead from one to the other, or one of them cannot be turned round.
    """
    wanted = key_of(bottom)
    order = list(_in_order(top, bottom, formulas))
    if len(order) < 2:
        raise Unknown("it does not depend on it")
    sent: dict[str, Array] = {}

    def value(tree: Tree) -> Array:
        return np.asarray(evaluate(tree, leaf, lookup).middle)

    backward = _Backward(value, sent)
    sent[order[0][0]] = np.ones(value(top).shape)
    for key, formula in order:
        if key == wanted or formula is None or key not in sent:
            continue
        backward.through(formula, sent[key])
    if wanted not in sent:
        raise Unknown("it does not depend on it")
    return sent[wanted]


def _in_order(top: Tree, bottom: Tree, formulas: Formulas) -> Iterator[tuple[str, Tree | None]]:
    """Yield quantities and their formulas, each before all that it is made of."""
    found: dict[str, Tree | None] = {}
    stack: list[tuple[Tree, bool]] = [(top, False)]
    open_: set[str] = set()
    while stack:
        tree, done = stack.pop()
        key = key_of(tree)
        if key is None or len(found) > MOST_STEPS:
            raise Unknown("it is no quantity")
        said = None if key == key_of(bottom) else formulas.formula(tree)
        formula = said[0] if said is not None and said[1] is None else None
        if done:
            open_.discard(key)
            found[key] = formula
        elif key not in found and key not in open_:
            open_.add(key)
            stack.append((tree, True))
            if formula is not None:
                stack += [(part, False) for part in quantities(formula)]
    yield from reversed(found.items())


class _Backward:
    """Sends a gradient through formulas, and adds up what arrives at each quantity."""

    def __init__(self, value: Callable[[Tree], Array], sent: dict[str, Array]) -> None:
        self.value, self.sent = value, sent

    def through(self, tree: Tree, arrives: Array) -> None:
        """Send what arrives at a formula to the quantities in it."""
        key = None if isinstance(tree, Literal) else key_of(tree)
        if key is not None:
            arrives = _fitted(arrives, self.value(tree).shape)
            self.sent[key] = self.sent.get(key, 0.0) + arrives
            return
        match tree:
            case Negative(body):
                self.through(body, -arrives)
            case Transposed(body):
                self.through(body, np.transpose(arrives))
            case Sum(terms):
                for term in terms:
                    self._into(term, arrives)
            case Product(factors, signs):
                self._product(factors, signs, arrives)
            case Power(base, exponent):
                n = self.value(exponent)
                self._into(base, arrives * n * self.value(base) ** (n - 1))
            case Row(entries):
                for entry, part in zip(entries, arrives, strict=True):
                    self.through(entry, np.asarray(part))
            case Total("sum", body) | Call("sum", (body,)):
                self._into(body, arrives)
            case Call("mean", (body,)):
                self._into(body, arrives / max(self.value(body).size, 1))
            case Call(function, (body,)):
                if function not in SLOPES:
                    raise Unknown(function)
                self._into(body, arrives * SLOPES[function](self.value(body)))
            case Literal():
                return
            case _:
                raise Unknown("it cannot be turned round")

    def _into(self, tree: Tree, arrives: Array) -> None:
        if not isinstance(tree, Literal):
            self.through(tree, _fitted(np.asarray(arrives), self.value(tree).shape))

    def _product(self, factors: tuple[Tree, ...], signs: tuple[str, ...], arrives: Array) -> None:
        *before, last = factors
        if not before:
            self._into(last, arrives)
            return
        left = Product(tuple(before), signs[:-1]) if len(before) > 1 else before[0]
        a, b = self.value(left), self.value(last)
        if signs[-1] == "/":
            to_left, to_last = arrives / b, -arrives * a / b**2
        elif signs[-1] == "@" or multiplies_matrices(a.shape, b.shape, signs[-1]):
            to_left, to_last = _of_matrices(a, b, arrives)
        else:
            to_left, to_last = arrives * b, arrives * a
        self._into(left, to_left)
        self._into(last, to_last)


def _of_matrices(a: Array, b: Array, arrives: Array) -> tuple[Array, Array]:
    """Return what a matrix product sends to both of its factors."""
    if a.ndim == b.ndim == 1:
        return arrives * b, arrives * a
    if a.ndim == 1:
        return b @ arrives, np.outer(a, arrives)
    if b.ndim == 1:
        return np.outer(arrives, b), a.T @ arrives
    return arrives @ b.T, a.T @ arrives


def _fitted(array: Array, shape: tuple[int, ...]) -> Array:
    """Return what was broadcast in the shape that it came from, the shares added up."""
    if array.shape == shape:
        return array
    if array.size == int(np.prod(shape, dtype=int)):
        return array.reshape(shape)
    if not array.shape or array.size == 1:
        return np.broadcast_to(array.ravel()[0], shape)
    while array.ndim > len(shape):
        array = array.sum(0)
    if array.ndim != len(shape):
        raise Unknown("shapes that do not fit")
    axes = tuple(i for i, (n, m) in enumerate(zip(array.shape, shape, strict=True)) if n != m == 1)
    found = array.sum(axes, keepdims=True) if axes else array
    if found.shape != shape:
        raise Unknown("shapes that do not fit")
    return found
