"""Examples of the rules that move or copy numbers."""

from __future__ import annotations

import numpy as np

from vae_explain.ops.layout.scatter_reduce import TOGETHER
from vae_explain.trace import Array, Slot

from .example import Example, Examples, called, examples, on

X = np.array([[0.25, -1.0, 3.0], [2.0, 0.5, -0.75]])
B = np.array([[1.0, 0.5], [0.125, 2.0]])
CUBE = np.stack([X, 1 - X])
STACK = np.stack([X, X * 0.5, 1 - X, X + 2])
ROW = np.array([[0.25, -1.0, 3.0]])
COLUMN = np.array([[0.25], [-1.0]])
TALL = np.array([[0.25, -1.0, 3.0, 0.5], [2.0, 0.5, -0.75, 1.5], [1.0, -2.0, 0.125, 4.0]])
ROWS, COLUMNS = np.array([2, 0]), np.array([3, 1, 3])
IMAGE = (np.arange(2 * 2 * 4 * 3) * 7 % 23 - 11.0).reshape(2, 2, 4, 3) / 16
COARSE = (np.arange(2 * 8 * 2 * 3) * 7 % 23 - 11.0).reshape(2, 8, 2, 3) / 16
PAIR = np.stack([X, X * 0.5])
RESHAPED = (
    Example((X,), {"shape": (3, 2)}),
    Example((X,), {"shape": (-1,)}),
    Example((X[:1, :1],), {"shape": ()}),
    Example((np.array(2.5),), {"shape": (1, 1)}),
)
WIDE = np.array([[0.25, -1.0, 3.0, 0.5], [2.0, 0.5, -0.75, 1.5]])
INDEX = np.array([[3, 0], [1, 1]])
SOURCE = np.array([[0.25, 1.5, 3.0], [-0.5, -0.5, 0.0]])
ALONG = np.array([[0, 0, 2], [1, 1, 3]])
ZEROS = np.array([[0.0, -1.0, 3.0, 0.0], [2.0, 0.0, -0.75, 1.5]])


def reduced(reduce: str, x: Array = WIDE, index: Array = ALONG, dim: int = 1) -> Example:
    return called((x, index, SOURCE), Slot(0), dim, Slot(1), Slot(2), reduce)


def without_self(reduce: str) -> Example:
    return called((WIDE, ALONG, SOURCE), Slot(0), 1, Slot(1), Slot(2), reduce, include_self=False)


AGAIN = np.array([2, 0, 2])
SQUARE = np.array([[0.25, -1.0, 3.0], [2.0, 0.5, -0.75], [1.5, 0.125, -2.0]])
SAME = np.array([1, 1])
TWO = np.array([-0.5, 4.0])

JOINED = examples(
    called((X, X + 1), (Slot(0), Slot(1))),
    called((X[0], B[1, :1].repeat(3), -X[1]), (Slot(0), Slot(1), Slot(2))),
    called((np.array(0.5), np.array(2.0)), (Slot(0), Slot(1))),
    called((CUBE, CUBE * 0.5), (Slot(0), Slot(1))),
)
TRIANGLE = examples(Example((X,), {"diagonal": 0}), Example((X,), {"diagonal": -1}))

LAYOUT: dict[str, Examples] = {
    "clone": examples(Example((X,))),
    "detach": examples(
        Example((X,), fixed=(0,)), not_analytic="its gradient is stopped, not found"
    ),
    "cat": examples(
        called((X, B), (Slot(0), Slot(1)), 1),
        called((X, B, X), (Slot(0), Slot(1), Slot(2)), dim=-1),
        called((X, X[:1]), (Slot(0), Slot(1))),
    ),
    "stack": examples(
        called((X, X + 1), (Slot(0), Slot(1))),
        called((X, X + 1, -X), (Slot(0), Slot(1), Slot(2)), dim=-1),
        called((np.array(0.5), np.array(2.0)), (Slot(0), Slot(1))),
    ),
    "diagonal": examples(
        Example((X,), {"offset": 0, "dim1": 0, "dim2": 1}),
        Example((STACK,), {"offset": 1, "dim1": -1, "dim2": 0}),
    ),
    "trace": examples(Example((X,)), Example((STACK[:3, 0],))),
    "diag": examples(
        Example((X,), {"diagonal": 0}),
        Example((X,), {"diagonal": 1}),
        Example((X[0],), {"diagonal": 0}),
        Example((X[0],), {"diagonal": -1}),
    ),
    "tril": TRIANGLE,
    "triu": TRIANGLE,
    "diag_embed": examples(
        on(X),
        on(X[0]),
        on(X[0], offset=-1),
        on(X, 1, dim1=2, dim2=0),
    ),
    "sort": examples(
        on(X, output=0),
        on(STACK, dim=0, descending=True, output=0),
        not_analytic="it has a corner where two are equal",
    ),
    "expand": examples(
        on(ROW, 2, -1),
        on(ROW[0], (2, 3)),
        on(COLUMN, 4, 2, 3),
        on(COLUMN, 2, 1),
    ),
    "broadcast_to": examples(on(ROW, size=(2, 3))),
    "expand_as": examples(Example((ROW, np.ones((2, 3))), fixed=(1,))),
    "broadcast_tensors": examples(
        Example((ROW, COLUMN), {"output": 0}, fixed=(1,)),
        Example((ROW, COLUMN), {"output": 1}, fixed=(0,)),
        Example((ROW, np.array(2.0)), {"output": 1}, fixed=(0,)),
    ),
    "repeat": examples(on(ROW, 2, 1), on(COLUMN, (3, 1, 2))),
    "index_add": examples(
        called((TALL, ROWS, TALL[1:] * 2), Slot(0), 0, Slot(1), Slot(2)),
        called((TALL, COLUMNS, TALL[:, 1:] - 1), Slot(0), -1, Slot(1), Slot(2)),
    ),
    "index_copy": examples(
        called((TALL, ROWS, TALL[1:] * 2), Slot(0), 0, Slot(1), Slot(2)),
        called((TALL, COLUMNS[:2], TALL[:, 1:3] - 1), Slot(0), 1, Slot(1), Slot(2)),
    ),
    "one_hot": examples(on(np.array([2, 0]), 3), on(np.array([[1, 3], [0, 1]]))),
    "copy": examples(
        called((X, X * 2), Slot(0), Slot(1)), called((X, X[:, :1] * 2), Slot(0), Slot(1))
    ),
    "fill": examples(called((X, np.array(0.5)), Slot(0), Slot(1))),
    "zero": examples(Example((X,))),
    "pad": examples(
        on(IMAGE, (1, 2)),
        on(IMAGE, (1, 0, 0, 2), "constant", 0.5),
        on(IMAGE, (-1, 1, 2, -2), value=-1.5),
        on(IMAGE, (1, 2, 2, 1), mode="reflect"),
        on(IMAGE, (1, 2, 3, 0), mode="replicate"),
        on(IMAGE, (1, 2, 3, 0), mode="circular"),
    ),
    "pixel_shuffle": examples(
        Example((COARSE,), {"upscale_factor": 2}), Example((COARSE[0],), {"upscale_factor": 2})
    ),
    "pixel_unshuffle": examples(
        Example((COARSE.reshape(2, 4, 2, 6),), {"downscale_factor": 2}),
        Example((COARSE[0].reshape(1, 6, 8),), {"downscale_factor": 2}),
    ),
    "view": examples(*RESHAPED),
    "reshape": examples(*RESHAPED),
    "view_as": examples(Example((X, np.ones((3, 2))), fixed=(1,))),
    "flatten": examples(
        Example((X,), {"start_dim": 0, "end_dim": -1}),
        Example((PAIR,), {"start_dim": 1, "end_dim": -1}),
        Example((np.array(2.5),), {"start_dim": 0, "end_dim": -1}),
    ),
    "unflatten": examples(Example((X.reshape(1, 6),), {"dim": 1, "sizes": (2, -1)})),
    "squeeze": examples(
        called((X[:1, :, None],), Slot(0)),
        called((X[:1, :, None],), Slot(0), -1),
        called((X[:1, :, None],), Slot(0), dim=(0, 1)),
    ),
    "unsqueeze": examples(Example((X,), {"dim": 0}), Example((X,), {"dim": -1})),
    "gather": examples(
        called((WIDE, INDEX), Slot(0), 1, Slot(1)),
        called((WIDE, INDEX[1:] - 1), Slot(0), 0, Slot(1)),
    ),
    "scatter": examples(
        called(
            (WIDE, np.array([[3, 0], [1, 2]]), WIDE[:, 1:3] * 2),
            Slot(0),
            1,
            Slot(1),
            Slot(2),
        ),
        called((WIDE, INDEX[:1], WIDE[:1, :2] * 3), Slot(0), 1, Slot(1), Slot(2)),
    ),
    "scatter_add": examples(called((WIDE, INDEX, WIDE[:, 1:3] * 2), Slot(0), 1, Slot(1), Slot(2))),
    "scatter_reduce": examples(
        *(reduced(reduce) for reduce in TOGETHER),
        *(without_self(reduce) for reduce in TOGETHER),
        reduced("amax", index=np.array([[1, 0, 0], [0, 0, 0]]), dim=0),
        reduced("prod", x=ZEROS),
        reduced("prod", x=ZEROS, index=np.array([[0, 0, 0], [3, 3, 3]])),
        not_analytic="it has a corner where two are equal",
    ),
    "getitem": examples(
        on(WIDE, 1),
        on(WIDE, (0, -1)),
        on(WIDE, (slice(None), slice(1, 3))),
        on(WIDE, (Ellipsis, None, slice(None, None, 2))),
        called((WIDE, AGAIN), Slot(0), (slice(None), Slot(1))),
        called((WIDE, np.array([1, 1])), Slot(0), Slot(1)),
        called((WIDE, np.array([0, 1]), AGAIN[:2]), Slot(0), (Slot(1), Slot(2))),
        called((WIDE, WIDE > 0), Slot(0), Slot(1)),
    ),
    "select": examples(Example((WIDE,), {"dim": 1, "index": -1})),
    "narrow": examples(Example((WIDE,), {"dim": -1, "start": 1, "length": 2})),
    "index_select": examples(called((WIDE, AGAIN), Slot(0), 1, Slot(1))),
    "index_put": examples(
        called((SQUARE, TWO, ROWS, SAME), Slot(0), (Slot(2), Slot(3)), Slot(1)),
        called((SQUARE, SQUARE[0] * 2, ROWS), Slot(0), (Slot(2),), Slot(1)),
        called((SQUARE, TWO[:1], SQUARE > 0), Slot(0), (Slot(2),), Slot(1)),
    ),
    "chunk": examples(
        Example((WIDE,), {"chunks": 2, "dim": -1, "output": 0}),
        Example((WIDE,), {"chunks": 2, "dim": 1, "output": 1}),
        Example((WIDE,), {"chunks": 3, "dim": 1, "output": 1}),
    ),
    "split": examples(
        on(WIDE, 3, dim=1, output=1),
        on(WIDE, (1, 2, 1), 1, output=1),
        on(WIDE, 1, output=0),
    ),
    "tensor_split": examples(
        on(WIDE, 3, dim=1, output=0),
        on(WIDE, 3, dim=-1, output=2),
        on(WIDE, (1, 3), 1, output=1),
    ),
    "unbind": examples(
        Example((WIDE,), {"dim": 0, "output": 1}), Example((WIDE,), {"dim": 1, "output": 2})
    ),
    "flip": examples(Example((WIDE,), {"dims": (0,)}), Example((WIDE,), {"dims": (-1, 0)})),
    "roll": examples(
        Example((WIDE,), {"shifts": (1,), "dims": (1,)}),
        Example((WIDE,), {"shifts": (-1, 2), "dims": (0, -1)}),
        on(WIDE, 3),
    ),
    "take": examples(
        called((WIDE, np.array([[5, 0], [1, 5]])), Slot(0), Slot(1)),
        called((WIDE, np.array([-1, 2])), Slot(0), Slot(1)),
    ),
    "masked_select": examples(
        called((WIDE, WIDE > 0.25), Slot(0), Slot(1)),
        called((WIDE[:1], WIDE > 0.25), Slot(0), Slot(1)),
        called((WIDE, WIDE[0] > 0.25), Slot(0), Slot(1)),
    ),
    "repeat_interleave": examples(Example((WIDE,), {"repeats": 2, "dim": 1})),
    "transpose": examples(
        Example((X,), {"dim0": 0, "dim1": 1}), Example((STACK,), {"dim0": 0, "dim1": -1})
    ),
    "permute": examples(Example((STACK,), {"dims": (1, 2, 0)}), on(STACK, (0, -1, 1))),
    "movedim": examples(Example((STACK,), {"source": 0, "destination": -1})),
    "t": examples(Example((X,)), Example((X[0],))),
    "T": examples(Example((X,))),
    "mT": examples(Example((X,)), Example((STACK,))),
    "hstack": JOINED,
    "vstack": JOINED,
    "dstack": JOINED,
    "column_stack": JOINED,
}
