"""Triangles of numbers: `linalg.cholesky`, and `linalg.solve_triangular`, which solves by one.

A distribution with a full covariance is drawn from and measured by the one and the other. An
element of either is made by substitution, each from those before it, as it is done on paper.
The gradients are those of M. Giles, "Collected matrix derivative results for forward and
reverse mode algorithmic differentiation" (2008), and of I. Murray, "Differentiation of the
Cholesky decomposition" (2016).
"""

from __future__ import annotations

import numpy as np

from ...symbolic.build import TWO, summed
from ...symbolic.expression import (
    Apply,
    Div,
    Expression,
    Index,
    MatMul,
    Mul,
    Neg,
    Number,
    Opaque,
    Ref,
    Transpose,
)
from ...symbolic.measure import evaluate
from ...trace import Array
from ..binding import REQUIRED, Refused, binder
from ..broadcasting import broadcast_targets, sum_to
from ..rule import Call, Partial, Rule, unusual
from .inverse_elements import (
    Inverse,
    Triangle,
    factored,
    inverted,
    less,
    matrix_index,
    name_of,
    transposed,
)

# Rows up to which a line has all of how an element of a Cholesky factor moves with the matrix.
WRITTEN_OUT = 3


# --- solving ----------------------------------------------------------------------------

LEFT, RIGHT = 0, 1  # the operands: the triangle, and what is solved for


@np.errstate(all="ignore")  # a zero on the diagonal shows as the infinity that it makes
def solved(a: Array, b: Array, upper: bool, left: bool, unitriangular: bool) -> Array:
    """Solve by substitution, row by row."""
    if not left:
        turned = solved(transposed(a), transposed(b), not upper, True, unitriangular)
        return np.asarray(transposed(turned))
    size = a.shape[-1]
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    solution = np.zeros((*batch, *b.shape[-2:]), dtype=np.result_type(a, b))
    for row in range(size)[:: -1 if upper else 1]:
        known = slice(row + 1, size) if upper else slice(0, row)
        products = (a[..., row, known, None] * solution[..., known, :]).sum(axis=-2)
        rest = b[..., row, :] - products
        solution[..., row, :] = rest if unitriangular else rest / a[..., row, row, None]
    return solution


def triangle_of(call: Call) -> Triangle:
    """Return the triangle, turned so that it stands on the left."""
    settings = call.attributes
    part = "upper" if settings["upper"] else "lower"
    return Triangle(
        call.operands[LEFT], part, turned=not settings["left"], unit=settings["unitriangular"]
    )


def solve_element(call: Call, index: Index) -> Expression:
    triangle, batch, b = triangle_of(call), index[:-2], call.operands[RIGHT]
    row, column = triangle.turn(*index[-2:])
    known = range(row + 1, b.shape[-2 + triangle.turned]) if backwards(triangle) else range(row)
    right = b.at(matrix_index(batch, b.shape, *index[-2:]))
    y = call.output
    return triangle.solved(
        batch, row, right, {k: y.at((*batch, *triangle.turn(k, column))) for k in known}
    )


def backwards(triangle: Triangle) -> bool:
    """Whether the equations are solved from the last one on."""
    return (triangle.part == "upper") != triangle.turned


def solve_partials(call: Call, position: int, index: Index) -> list[Partial]:
    triangle, y = triangle_of(call), call.output
    row, column = triangle.turn(*index[-2:])
    shape = call.operands[position].shape
    size, columns = triangle.turn(*y.shape[-2:])
    later = range(row + 1) if backwards(triangle) else range(row, size)
    outside = row > column if backwards(triangle) else row < column
    if position == LEFT and (outside or (triangle.unit and row == column)):
        return []
    slopes: list[Partial] = []
    for batch in broadcast_targets(index[:-2], shape[:-2], y.shape[:-2]):
        for p in later:
            inverse = triangle.inverse(batch, p, row)
            if position == RIGHT:
                slopes.append(((*batch, *triangle.turn(p, column)), inverse))
                continue
            for q in range(columns):
                x = y.at((*batch, *triangle.turn(column, q)))
                slopes.append(((*batch, *triangle.turn(p, q)), Neg(Mul((inverse, x)))))
    return slopes


def solve_gradient(call: Call, position: int, upstream: Expression) -> Expression:
    a, b = call.operands
    shape = call.output.shape
    upper, left = call.attributes["upper"], call.attributes["left"]
    turned = {**call.attributes, "upper": not upper}
    to_b = Opaque(
        "solve_triangular",
        (Transpose(a.whole()), upstream),
        unusual(turned, SOLVE_TRIANGULAR.usual),
        lambda a, b: solved(a, b, **turned),
    )
    if position == RIGHT:
        return sum_to(to_b, shape, b.shape)
    y = Transpose(call.output.whole())
    product = Neg(MatMul(to_b, y) if left else MatMul(y, to_b))
    apart = int(call.attributes["unitriangular"]) * (1 if upper else -1)
    options = (("diagonal", apart),) if apart else ()
    name, cut = ("triu", np.triu) if upper else ("tril", np.tril)
    inside = Opaque(name, (product,), options, lambda x: cut(x, apart))
    return sum_to(inside, (*shape[:-2], *a.shape[-2:]), a.shape)


SOLVE_TRIANGULAR = Rule(
    name="linalg_solve_triangular",
    bind=binder("input", "other", upper=REQUIRED, left=True, unitriangular=False),
    forward=solved,
    element=solve_element,
    partials=solve_partials,
    gradient=solve_gradient,
    words="what the triangle has to be multiplied with to give the right side",
)

# --- the Cholesky factor ----------------------------------------------------------------


def halved(matrix: Array) -> Array:
    """Return the lower triangle with half of the diagonal, the Φ of Murray."""
    inside = np.tril(matrix)
    diagonal = np.arange(matrix.shape[-1])
    inside[..., diagonal, diagonal] *= 0.5
    return inside


def cholesky_back(g: Array, y: Array) -> Array:
    """Return the gradient at a matrix from that at its factor (Murray 2016, equation 10)."""
    inverse = inverted(y)
    inner = halved(transposed(y) @ g)
    gradient = transposed(inverse) @ inner @ inverse
    return np.asarray(0.5 * (gradient + transposed(gradient)))


def cholesky_element(call: Call, index: Index) -> Expression:
    *batch, row, column = index
    if column > row:
        return Number(0.0)
    a, y = call.operands[0], call.output
    before = range(column)
    if row == column:
        squares: list[Expression] = [y.at((*batch, row, k)) ** TWO for k in before]
        return Apply("sqrt", (less(a.at(index), squares),))
    products: list[Expression] = [
        Mul((y.at((*batch, row, k)), y.at((*batch, column, k)))) for k in before
    ]
    return Div(less(a.at(index), products), y.at((*batch, column, column)))


def cholesky_partials(call: Call, position: int, index: Index) -> list[Partial]:
    *lead, i, j = index
    batch, y = tuple(lead), call.output
    inverse = Inverse(y, batch, "lower")
    slopes: list[Partial] = []

    def slope(p: int, q: int) -> list[Expression]:
        """Write dL[p,q] = Σ L[p,a]·Φ(L⁻¹·dA·L⁻ᵀ)[a,q], dA shared with its mirror image."""
        terms: list[Expression] = []
        for a in range(q, p + 1):
            # On the diagonal, where Φ takes half, both ways are one product.
            ways = {(i, j)} if a == q else {(i, j), (j, i)}
            for first, second in sorted(ways):
                if a >= first and q >= second:
                    share = 0.5 if a == q or i != j else 1.0
                    factors = [y.at((*batch, p, a)), inverse.at(a, first), inverse.at(q, second)]
                    terms.append(Mul((Number(share), *factors)) if share != 1 else Mul((*factors,)))
        return terms

    for p in range(y.shape[-1]):
        for q in range(p + 1):
            if terms := slope(p, q):
                local = summed(terms)
                if y.shape[-1] > WRITTEN_OUT:
                    places = ";".join(",".join(map(str, at)) for at in ((*batch, p, q), index))
                    local = as_one(f"slope({name_of(y)})[{places}]", local)
                slopes.append(((*batch, p, q), local))
    return slopes


def as_one(name: str, made: Expression) -> Ref:
    """Write what is too long to stand in a line as one number, which says how it is made."""
    return Ref(name, value=evaluate(made), made=lambda: made)


CHOLESKY = Rule(
    name="linalg_cholesky",
    bind=binder("input", upper=Refused(False, "the upper factor")),
    forward=factored,
    vjp=lambda g, y, a: (cholesky_back(g, y),),
    element=cholesky_element,
    partials=cholesky_partials,
    words="the lower triangle that gives the matrix when multiplied with its transpose",
)
