"""Examples of the rules of linear algebra."""

from __future__ import annotations

from typing import Any

import numpy as np

from vae_explain.ops.linear.solve import SIZE
from vae_explain.trace import Array, Slot

from .example import Example, Examples, called, examples, on

A = np.array([[1.0, -2.0, 0.5], [0.25, 3.0, -1.0]])
B = np.array([[0.5, -0.25], [1.0, 1.5], [0.75, -0.5]])
X = np.array([[0.25, -1.0, 3.0], [2.0, 0.5, -0.75]])
Y = np.array([[1.0, 0.5], [-0.5, 2.0]])
W = np.array([[[1.0, -2.0], [0.5, 0.25], [3.0, -1.0]], [[0.5, 1.5], [-0.75, 2.0], [-0.25, 1.0]]])
BIAS = np.array([0.125, -0.5])
SLOTS = Slot(0), Slot(2), Slot(1)
TRIANGLES = np.array([[2.0, 0.75, -1.0], [0.25, -0.5, 0.5], [-1.5, 1.0, 4.0]])
RIGHT = np.array([[1.0, -2.0], [0.5, 3.0], [2.0, 0.25]])


def solve_example(a: Array, b: Array, **settings: Any) -> Example:
    return called((a, b), Slot(0), Slot(1), **settings)


SQUARE = np.array([[4.0, 1.0, -0.5], [1.0, 2.5, 0.75], [-0.5, 0.75, 3.0]])
LARGER = np.eye(4) + np.outer([1.0, -0.5, 2.0, 0.25], [1.0, -0.5, 2.0, 0.25])
L = np.array([[2.0, 0.0, 0.0], [0.25, 1.5, 0.0], [-0.5, 0.75, 1.25]])
ROWS = np.array([[0.5, 1.5, -0.75], [2.0, -0.25, 1.0]])
WEIGHT = np.array([[0.5, -0.25, 1.0], [1.5, 0.75, -0.5]])
MATRIX = np.array([[2.0, 0.5, -1.0], [0.25, 1.5, 0.5], [-0.5, 1.0, 4.0]])
PAIR = np.array([[0.5, 2.0], [-1.5, 0.25]])
LARGE = np.array(
    [[0.5, 2.0, 0.0, 1.0], [4.0, 1.0, -1.0, 0.5], [1.0, -2.0, 8.0, 0.25], [0.5, 0.0, 1.0, -2.0]]
)
BATCH = np.stack([PAIR, PAIR.T + 2 * np.eye(2)])
SIDES = np.array([[1.0, -2.0], [1.75, 3.0], [2.0, 0.25]])

LINEAR: dict[str, Examples] = {
    "addmm": examples(
        Example((np.array([0.125, -1.0]), A, B), {"beta": 1, "alpha": 1}),
        Example((np.array([[0.125], [-1.0]]), A, B), {"beta": 0.5, "alpha": 2}),
    ),
    "baddbmm": examples(
        Example(
            (np.array([[0.125, -1.0]]), np.stack([A, 1 - A]), np.stack([B, B * 0.5])),
            {"beta": 0.5, "alpha": 2},
        )
    ),
    "addmv": examples(
        Example((np.array([0.125, -1.0]), A, B[:, 0]), {"beta": 1, "alpha": 1}),
        Example((np.array([0.25]), A, B[:, 1]), {"beta": 0.5, "alpha": 2}),
    ),
    "bilinear": examples(
        called((X, W, Y, BIAS), *SLOTS, Slot(3)),
        called((X, W, Y), *SLOTS),
        called((X[0], W, Y[0], BIAS), *SLOTS, Slot(3)),
        called((np.stack([X, -X]), W, np.stack([Y, Y[::-1]]), BIAS), *SLOTS, bias=Slot(3)),
    ),
    "linalg_solve_triangular": examples(
        solve_example(TRIANGLES, RIGHT, upper=False),
        solve_example(TRIANGLES, RIGHT, upper=True),
        solve_example(TRIANGLES, RIGHT.T, upper=True, left=False),
        solve_example(TRIANGLES, RIGHT.T, upper=False, left=False, unitriangular=True),
        solve_example(np.stack([TRIANGLES, TRIANGLES + 1.0]), RIGHT, upper=False),
        solve_example(TRIANGLES, np.stack([RIGHT, 1 - RIGHT]), upper=True, unitriangular=True),
    ),
    "linalg_cholesky": examples(
        Example((SQUARE,)),
        Example((SQUARE[:1, :1],)),
        Example((LARGER,)),
        Example((np.stack([SQUARE[:2, :2], SQUARE[1:, 1:]]),)),
        not_analytic="an element and its mirror image, which is not read, share the gradient",
    ),
    "cholesky_solve": examples(
        called((RIGHT, L), Slot(0), Slot(1)),
        called((RIGHT, L.T), Slot(0), Slot(1), upper=True),
        called((np.stack([RIGHT, 1 - RIGHT]), np.stack([L, L + np.eye(3)])), Slot(0), Slot(1)),
        not_analytic="above its diagonal a factor is not read, and has a gradient",
    ),
    "einsum": examples(
        called((A, B), "ij,jk->ik", Slot(0), Slot(1)),
        called((A, ROWS), "ij, ij -> i", Slot(0), Slot(1)),
        called((A, ROWS), "ij,kj", Slot(0), Slot(1)),
        called((A,), "ij->j", Slot(0)),
        called((A, ROWS), "ij,kl->k", Slot(0), Slot(1)),
        called((A, B, ROWS), "ij,jk,il->kl", Slot(0), Slot(1), Slot(2)),
    ),
    "linear": examples(
        Example((A, WEIGHT, np.array([0.125, -1.0]))),
        Example((A, WEIGHT)),
        Example((A[0], WEIGHT, np.array([0.125, -1.0]))),
        Example((np.stack([A, A[::-1] * 0.5]), WEIGHT, np.array([0.125, -1.0]))),
    ),
    "matmul": examples(
        Example((A, B)),
        Example((A, B[:, 0])),
        Example((A[0], B)),
        Example((A[0], B[:, 1])),
        Example((np.stack([A, A[::-1] * 0.5]), np.stack([B, B[::-1] + 0.25]))),
        Example((np.stack([A, A[::-1] * 0.5]), B)),
        Example((A[0], np.stack([B, B[::-1] + 0.25]))),
    ),
    "bmm": examples(Example((np.stack([A, A[::-1] * 0.5]), np.stack([B, B[::-1] + 0.25])))),
    "linalg_inv": examples(
        Example((PAIR,)), Example((MATRIX,)), Example((LARGE,)), Example((BATCH,))
    ),
    "linalg_det": examples(
        Example((PAIR,)), Example((MATRIX,)), Example((LARGE,)), Example((BATCH,))
    ),
    "logdet": examples(Example((MATRIX,)), Example((LARGE,)), Example((BATCH + np.eye(2),))),
    "linalg_slogdet": examples(
        *tuple(on(matrix, output=SIZE) for matrix in (PAIR, MATRIX, LARGE, BATCH - np.eye(2))),
        not_analytic="it takes a size",
    ),
    "linalg_solve": examples(
        Example((MATRIX, SIDES)),
        Example((MATRIX, SIDES[:, 0])),
        Example((LARGE, LARGE[:, :1] + 1)),
        Example((BATCH, SIDES[:2])),
        Example((BATCH, SIDES[:2, ::-1] + 0.5)),
    ),
}
