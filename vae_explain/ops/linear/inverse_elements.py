"""The elements of an inverse matrix and of a determinant, as numbers that lines speak of.

A gradient through a matrix that was solved with has elements of its inverse, which the run
itself never made. Each is written as one number, `inv(a)[0,1]`, that says when it is asked how
it comes about: by substitution where the matrix is a triangle, by cofactors up to three rows,
and else by elimination, row by row as it is done on paper.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from itertools import permutations
from typing import Any

import numpy as np

from ...quick_classes import dataclass
from ...symbolic.build import summed
from ...symbolic.expression import ONE, ZERO, Div, Expression, Index, Mul, Neg, Opaque, Ref, Reshape
from ...symbolic.text import to_text
from ...trace import Array
from ..reduction.parts import shortened
from ..rule import Operand
from .elimination_bound import eliminated, of_determinant, of_inverse

BY_COFACTORS = 3  # rows, up to which a determinant is written out


def matrix_index(batch: Index, shape: tuple[int, ...], *at: int) -> Index:
    """Return the index in an operand of the matrix that stands at a place of the batch."""
    own = shape[:-2]
    tail = batch[len(batch) - len(own) :] if own else ()
    return (*(0 if size == 1 else i for i, size in zip(tail, own, strict=True)), *at)


def name_of(operand: Operand) -> str:
    """Return what a matrix is called, whatever axes it got in front."""
    whole = operand.whole()
    while isinstance(whole, Reshape) or (
        isinstance(whole, Opaque) and whole.name.startswith(".expand(")
    ):
        whole = whole.body if isinstance(whole, Reshape) else whole.arguments[0]
    if isinstance(whole, Ref) and np.shape(whole.value)[-2:] == operand.shape[-2:]:
        return whole.name
    return shortened(to_text(operand.whole()))


def less(first: Expression, products: Sequence[Expression]) -> Expression:
    """Return a number less some products; the zero of an identity is left out."""
    rest: list[Expression] = [Neg(product) for product in products]
    if first == ZERO and rest:
        return summed(rest)
    return summed([first, *rest])


@dataclass(frozen=True)
class Inverse:
    """The inverse of the matrix at one place of a batch.

    Attributes
    ----------
    triangle
        "lower" or "upper" where only that part of the matrix is read, else empty.
    unit
        Whether its diagonal is taken to be 1.
    as_computed
        Whether its elements come with what the elimination of LAPACK may lose; see `Call`.
    """

    operand: Operand
    batch: Index
    triangle: str = ""
    unit: bool = False
    as_computed: bool = False

    @cached_property
    def matrix(self) -> Array:
        array = self.operand.array[matrix_index(self.batch, self.operand.shape)]
        return read(np.asarray(array, dtype=np.float64), self.triangle, self.unit)

    @property
    def size(self) -> int:
        return self.operand.shape[-1]

    @cached_property
    def numbers(self) -> Array:
        return inverted(self.matrix)

    def entry(self, row: int, column: int) -> Expression:
        """One element of the matrix itself."""
        if self.unit and row == column:
            return ONE
        return self.operand.at(matrix_index(self.batch, self.operand.shape, row, column))

    def at(self, row: int, column: int) -> Expression:
        """One element of the inverse."""
        if (row < column and self.triangle == "lower") or (
            row > column and self.triangle == "upper"
        ):
            return ZERO
        if self.unit and row == column:
            return ONE
        if self.as_computed and not self.triangle:
            return of_inverse(name_of(self.operand), self.matrix, self.numbers, row, column)
        made: Callable[[], Expression] = lambda: self.made(row, column)  # noqa: E731 # passed on
        return self._ref(f"inv({name_of(self.operand)})", (row, column), self.numbers, made)

    def _ref(
        self, name: str, at: tuple[int, int], numbers: Array, made: Callable[[], Expression]
    ) -> Ref:
        full = matrix_index(self.batch, self.operand.shape, *at)
        index = at if self.operand.array[..., 0, 0].size == 1 else full
        # A number that only a line speaks of is known by its name alone.
        label = f"{name}[{','.join(map(str, index))}]"
        return Ref(label, value=float(numbers[at]), made=made)

    def made(self, row: int, column: int) -> Expression:
        """Write how one element of the inverse is made."""
        if self.triangle:
            inside = range(column, row) if self.triangle == "lower" else range(row + 1, column + 1)
            triangle = Triangle(self.operand, self.triangle, unit=self.unit)
            right = ONE if row == column else ZERO
            return triangle.solved(self.batch, row, right, {k: self.at(k, column) for k in inside})
        if self.size <= BY_COFACTORS:
            return self.by_cofactors(row, column)
        later = range(row + 1, self.size)
        return self.by_elimination(row, column, [self.at(k, column) for k in later])

    def by_cofactors(self, row: int, column: int) -> Expression:
        """Write an element as a minor over the determinant."""
        everything = range(self.size)
        rows = [i for i in everything if i != column]
        columns = [j for j in everything if j != row]
        minor = self.minor(rows, columns) if rows else ONE
        return Div(minor if (row + column) % 2 == 0 else Neg(minor), self.determinant())

    def by_elimination(self, row: int, column: int, later: list[Expression]) -> Expression:
        """Write an element by those below it in its column, once the matrix is a triangle."""
        products = [
            Mul((self.upper(row, k), below))
            for k, below in zip(range(row + 1, self.size), later, strict=True)
        ]
        return Div(less(self.started(row, column), products), self.upper(row, row))

    def minor(self, rows: list[int], columns: list[int]) -> Expression:
        """Write the determinant of a part of the matrix, a product for each permutation."""
        terms: list[Expression] = []
        for chosen in permutations(range(len(columns))):
            factors = [self.entry(row, columns[at]) for row, at in zip(rows, chosen, strict=True)]
            product = factors[0] if len(factors) == 1 else Mul(tuple(factors))
            terms.append(Neg(product) if odd(chosen) else product)
        return summed(terms)

    def determinant(self) -> Expression:
        """Write the determinant, of a larger matrix as the product of its pivots."""
        if self.as_computed:
            return of_determinant(name_of(self.operand), self.matrix, self.numbers)
        everything = list(range(self.size))
        if self.size <= BY_COFACTORS:
            return self.minor(everything, everything)
        pivots = Mul(tuple(self.upper(k, k) for k in everything))
        return Neg(pivots) if odd(tuple(self.eliminated[0].tolist())) else pivots

    # --- elimination ---

    @cached_property
    def eliminated(self) -> tuple[Array, Array, Array, Array]:
        """The order of the rows, the factors taken of them, what is left, and the start of each."""
        order, lower, upper = eliminated(self.matrix)
        start = np.linalg.solve(lower, np.eye(self.size)[order])
        return order, lower, upper, start

    def lower(self, row: int, column: int) -> Expression:
        order, numbers, _, _ = self.eliminated

        def made() -> Expression:
            products = [Mul((self.lower(row, k), self.upper(k, column))) for k in range(column)]
            taken = less(self.entry(int(order[row]), column), products)
            return Div(taken, self.upper(column, column))

        return self._ref(f"lower({name_of(self.operand)})", (row, column), numbers, made)

    def upper(self, row: int, column: int) -> Expression:
        order, _, numbers, _ = self.eliminated

        def made() -> Expression:
            products = [Mul((self.lower(row, k), self.upper(k, column))) for k in range(row)]
            return less(self.entry(int(order[row]), column), products)

        return self._ref(f"upper({name_of(self.operand)})", (row, column), numbers, made)

    def started(self, row: int, column: int) -> Expression:
        """A column of the identity after the same steps: the inverse of the lower triangle."""
        order, _, _, numbers = self.eliminated

        def made() -> Expression:
            products = [Mul((self.lower(row, k), self.started(k, column))) for k in range(row)]
            return less(ONE if order[row] == column else ZERO, products)

        name = f"inv(lower({name_of(self.operand)}))"
        return self._ref(name, (row, column), numbers, made)


@dataclass(frozen=True)
class Triangle:
    """A triangle that equations are solved by, transposed or as it is.

    Attributes
    ----------
    part
        "lower" or "upper", which part of the operand it is.
    turned
        Whether rows stand for columns.
    unit
        Whether its diagonal is taken to be 1.
    """

    operand: Operand
    part: str
    turned: bool = False
    unit: bool = False

    def turn(self, row: int, column: int) -> tuple[int, int]:
        return (column, row) if self.turned else (row, column)

    def at(self, batch: Index, row: int, column: int) -> Expression:
        return self.operand.at(matrix_index(batch, self.operand.shape, *self.turn(row, column)))

    def inverse(self, batch: Index, row: int, column: int) -> Expression:
        return Inverse(self.operand, batch, self.part, self.unit).at(*self.turn(row, column))

    def solved(
        self, batch: Index, row: int, right: Expression, known: Mapping[int, Expression]
    ) -> Expression:
        """Write an unknown by the right side of its equation and the unknowns that are known."""
        products = [Mul((self.at(batch, row, k), x)) for k, x in known.items()]
        rest = less(right, products)
        return rest if self.unit else Div(rest, self.at(batch, row, row))


def odd(order: tuple[int, ...]) -> bool:
    """Whether a permutation takes an odd number of exchanges."""
    crossings = sum(a > b for i, a in enumerate(order) for b in order[i + 1 :])
    return crossings % 2 == 1


def read(matrix: Array, triangle: str, unit: bool = False) -> Array:
    """Return the part of matrices that is read."""
    if not triangle:
        return matrix
    if unit:
        inside = np.tril(matrix, -1) if triangle == "lower" else np.triu(matrix, 1)
        return np.asarray(inside + np.eye(matrix.shape[-1], dtype=matrix.dtype))
    return np.tril(matrix) if triangle == "lower" else np.triu(matrix)


def transposed(a: Array) -> Array:
    """Return the transposes of matrices."""
    return np.swapaxes(a, -1, -2)


def inverted(a: Array) -> Array:
    """Return inverses, with NaN where there is none."""
    return _or_nan(np.linalg.inv, a)


def _or_nan(function: Callable[[Any], Any], a: Array) -> Array:
    try:
        return np.asarray(function(a))
    except np.linalg.LinAlgError:
        # One of a batch fails them all: each is tried by itself.
        if a.ndim == 2:
            return np.full_like(a, np.nan)
        return np.stack([_or_nan(function, matrix) for matrix in a])


def factored(a: Array) -> Array:
    """Return the Cholesky factors, with NaN where a matrix is not positive definite."""
    return _or_nan(np.linalg.cholesky, a)
