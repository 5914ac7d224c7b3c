"""`cholesky_solve`: A·X = B solved by the Cholesky factor of A, forwards and then backwards.

What the first of the two substitutions comes to, the run itself never shows: a line writes it
as one number, `solve_triangular(L, B)[0,1]`, which says how it is made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial

import numpy as np

from ...symbolic.build import summed
from ...symbolic.expression import Add, Expression, Index, Mul, Neg, Ref
from ...trace import Array
from ..binding import binder
from ..broadcasting import broadcast_targets, sum_to, unbroadcast
from ..rule import Call, Partial, Rule
from .cholesky import as_one, solved
from .inverse_elements import Inverse, Triangle, matrix_index, name_of, read, transposed

RIGHT, FACTOR = 0, 1


def lower(factor: Array, upper: bool) -> Array:
    """Return the lower triangle of the two that give the matrix."""
    return transposed(read(factor, "upper")) if upper else read(factor, "lower")


def halfway(b: Array, factor: Array, upper: bool) -> Array:
    return solved(lower(factor, upper), b, upper=False, left=True, unitriangular=False)


def forward(b: Array, factor: Array, upper: bool) -> Array:
    turned = transposed(lower(factor, upper))
    return solved(turned, halfway(b, factor, upper), upper=True, left=True, unitriangular=False)


def vjp(g: Array, y: Array, b: Array, factor: Array, upper: bool) -> tuple[Array, Array]:
    to_b = forward(g, factor, upper)
    product = to_b @ transposed(y)
    # On both sides of the diagonal, as PyTorch has it: the other is cut off where it was made.
    to_lower = -(product + transposed(product)) @ lower(factor, upper)
    to_factor = transposed(to_lower) if upper else to_lower
    return unbroadcast(to_b, b.shape), unbroadcast(to_factor, factor.shape)


class _Solution:
    """The elements that a line speaks of, for a factor that is turned to be a lower triangle."""

    def __init__(self, call: Call) -> None:
        self.b, self.factor = call.operands
        self.x = call.output
        self.as_computed = call.as_computed
        upper = call.attributes["upper"]
        self.triangle = Triangle(self.factor, "upper" if upper else "lower", turned=upper)
        self.size = self.factor.shape[-1]
        self.numbers = halfway(self.b.array, self.factor.array, upper).astype(np.float64)

    def half(self, batch: Index, row: int, column: int) -> Expression:
        """One element of what the first substitution comes to."""

        def made() -> Expression:
            right = self.b.at(matrix_index(batch, self.b.shape, row, column))
            known = {k: self.half(batch, k, column) for k in range(row)}
            return self.triangle.solved(batch, row, right, known)

        at = (*batch, row, column)
        name = f"solve_triangular({name_of(self.factor)}, {name_of(self.b)})"
        return Ref(f"{name}[{','.join(map(str, at))}]", value=float(self.numbers[at]), made=made)

    def element(self, index: Index) -> Expression:
        *lead, row, column = index
        batch, later = tuple(lead), range(row + 1, self.size)
        transpose = replace(self.triangle, turned=not self.triangle.turned)
        known = {k: self.x.at((*batch, k, column)) for k in later}
        return transpose.solved(batch, row, self.half(batch, row, column), known)

    def whole_inverse(self, batch: Index, row: int, column: int) -> Expression:
        """Write an element of the inverse of the matrix itself, by that of its factor."""
        inverse = self.triangle_inverse(batch)
        both = range(max(row, column), self.size)
        return summed(Mul((inverse(k, row), inverse(k, column))) for k in both)

    @cache  # noqa: B019 # of an object that is made for one element
    def triangle_inverse(self, batch: Index) -> Callable[[int, int], Expression]:
        inverse = Inverse(self.factor, batch, self.triangle.part)
        return lambda row, column: inverse.at(*self.triangle.turn(row, column))

    @cache  # noqa: B019 # as above
    def known_inverse(self, batch: Index, row: int, column: int) -> Expression:
        made = self.whole_inverse(batch, row, column)
        return as_one(f"inv({name_of(self.factor)})[{batch},{row},{column}]", made)

    def in_steps(self, batch: Index, row: int, column: int, p: int, q: int) -> Expression:
        """Write a slope by the factor as PyTorch has it, which cancels more: -(C + Cᵀ)·L."""
        inverse, x = partial(self.known_inverse, batch), self.x
        return Neg(
            summed(
                Mul((Add((first, second)), self.triangle.at(batch, k, column)))
                for k in range(column, self.size)
                for first in [Mul((inverse(row, p), x.at((*batch, k, q))))]
                for second in [Mul((x.at((*batch, row, q)), inverse(k, p)))]
            )
        )

    def partials(self, position: int, index: Index) -> list[Partial]:
        shape, output = (self.b, self.factor)[position].shape, self.x.shape
        slopes: list[Partial] = []
        for batch in broadcast_targets(index[:-2], shape[:-2], output[:-2]):
            if position == RIGHT:
                row, column = index[-2:]
                slopes += [
                    ((*batch, p, column), self.whole_inverse(batch, p, row))
                    for p in range(self.size)
                ]
                continue
            row, column = self.triangle.turn(*index[-2:])
            for p in range(self.size):
                for q in range(output[-1]):
                    if self.as_computed:
                        slopes.append(((*batch, p, q), self.in_steps(batch, row, column, p, q)))
                        continue
                    ways = [Mul((self.whole_inverse(batch, row, p), self.half(batch, column, q)))]
                    if p <= column:  # above the diagonal an inverse triangle is 0
                        x = self.x.at((*batch, row, q))
                        ways.append(Mul((x, self.triangle.inverse(batch, column, p))))
                    slopes.append(((*batch, p, q), Neg(Add(tuple(ways)))))
        return slopes


def gradient(call: Call, position: int, upstream: Expression) -> Expression:
    if position == FACTOR:
        return CHOLESKY_SOLVE.named_backward(call, position, upstream)
    b, factor = call.operands
    named = CHOLESKY_SOLVE.named(call)
    return sum_to(replace(named, arguments=(upstream, factor.whole())), call.output.shape, b.shape)


CHOLESKY_SOLVE = Rule(
    name="cholesky_solve",
    bind=binder("input", "input2", upper=False),
    forward=forward,
    vjp=vjp,
    element=lambda call, index: _Solution(call).element(index),
    partials=lambda call, position, index: _Solution(call).partials(position, index),
    gradient=gradient,
    words="what the matrix of this Cholesky factor has to be multiplied with to give the left side",
)
