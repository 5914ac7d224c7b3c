"""Examples of the rules that reduce."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from vae_explain.trace import Array, Found, Slot

from .example import Example, Examples, called, examples, on

X_ARG = np.array([[0.25, 3.0, -1.0], [-1.5, 0.5, 2.0]])
X = np.array([[0.25, -1.0, 3.0], [2.0, 0.5, -0.75]])
Y = np.array([[1.0, 0.5, -0.5], [2.0, 0.5, -0.75]])
MANY = np.array([[0.5, -1.0, 0.25], [2.0, 0.5, -0.75], [0.25, -1.0, 3.5], [1.0, 0.0, 0.125]])
LEVEL = np.array([[1.25, 0.0, 2.0], [0.0, 0.5, -0.75]])
SLOTS = Slot(0), Slot(1)
GAPS = np.array([[0.25, np.nan, 3.0], [np.nan, np.nan, np.nan], [2.0, 0.5, -0.75]])
OTHER = np.array([[1.0, 0.5, -0.5], [0.125, 2.0, -0.5]])
SIZES = np.array([[0.25, -3.0, 3.0], [2.0, 0.5, -0.5]])
ZERO_ROW = np.array([[0.25, -1.0, 3.0], [0.0, 0.0, 0.0]])


def ranked(x: Array, *args: Any, places: Any, **kwargs: Any) -> Example:
    """Make an example of a call that finds these places, which PyTorch is not told."""
    attributes = {"output": 0, "found": Found(np.array(places))}
    return Example((x,), attributes, (Slot(0), *args), kwargs)


RANKS = np.array([[0.25, -1.0, 3.0, 0.5], [2.0, 0.5, -0.75, 1.5], [-2.0, 1.0, 0.75, -0.5]])
TIED = np.array([[0.25, 3.0, 3.0], [-1.0, 0.5, -1.0]])
ALONG = (
    Example((X,), {"dim": 1}),
    Example((X,), {"dim": -2}),
    Example((X[0],), {"dim": 0}),
)
SUMMED = (
    Example((X,), {"dim": None, "keepdim": False}),
    Example((X,), {"dim": 1, "keepdim": False}),
    Example((X,), {"dim": -2, "keepdim": True}),
    Example((X,), {"dim": (0, 1), "keepdim": False}),
)
SPREAD = (
    Example((X,), {"dim": None, "correction": 1, "keepdim": False}),
    Example((X,), {"dim": 1, "correction": 0, "keepdim": False}),
    Example((X,), {"dim": (0, -1), "correction": 1, "keepdim": True}),
    Example((X,), {"dim": 0, "correction": 0.5, "keepdim": True}),
    Example((np.linspace(-1.0, 2.5, 15) ** 2,), {"dim": 0, "correction": 1, "keepdim": False}),
)


def lengths(order: str) -> Examples:
    """Return examples of a length; `order` is what it calls its p."""

    def of(x: Array, p: float, **settings: Any) -> Example:
        return on(x, **{order: p}, **settings)

    return examples(
        on(X),
        of(X, 2, dim=1),
        of(X, 1, dim=-2, keepdim=True),
        of(ZERO_ROW, 2, dim=1, keepdim=True),
        *(of(ZERO_ROW, p, dim=1) for p in (3, 1.5, 0.5)),
        of(SIZES, 4, dim=0, keepdim=True),
        of(X, -1, dim=-1),
        of(SIZES, math.inf, dim=1, keepdim=True),
        of(SIZES, -math.inf, dim=1),
        not_analytic="a length takes sizes",
    )


CORNER = "it has a corner where two are equal"
EXTREME = examples(
    on(TIED, output=0),
    called((X, X[::-1] * 0.5), Slot(0), Slot(1), output=0),
    on(TIED, 1, output=0),
    on(X, dim=-2, keepdim=True, output=0),
    not_analytic=CORNER,
)
EXTREME_ALONG = examples(
    on(X, dim=1),
    on(TIED, dim=(0, 1), keepdim=True),
    on(TIED, -1, True),
    not_analytic=CORNER,
)
POSITION = examples(
    on(X_ARG, 1, fixed=(0,)), on(X_ARG, dim=-2, keepdim=True, fixed=(0,)), on(X_ARG, fixed=(0,))
)
WITH_MEAN = examples(
    *(
        on(X, dim=dim, correction=correction, output=output)
        for dim, correction in ((1, 0), (0, 1))
        for output in (0, 1)
    )
)

REDUCTION: dict[str, Examples] = {
    "argsort": examples(
        on(X_ARG, fixed=(0,)),
        on(X_ARG, dim=0, descending=True, fixed=(0,)),
    ),
    "cumsum": examples(
        Example((X,), {"dim": 1}), Example((X,), {"dim": -2}), Example((np.array(0.5),), {"dim": 0})
    ),
    "cumprod": examples(
        Example((X,), {"dim": 1}),
        Example((np.array([[0.25, 2.0], [0.0, 0.5], [3.0, -0.75], [0.0, 0.5]]),), {"dim": -2}),
        Example((np.array(0.5),), {"dim": 0}),
    ),
    "prod": examples(
        Example((X,), {"dim": 1, "keepdim": False}),
        Example((np.array([[0.25, 0.0, 3.0], [2.0, 0.5, -0.75]]),), {"dim": -1, "keepdim": True}),
    ),
    "logcumsumexp": examples(
        Example((X,), {"dim": 1}),
        Example((X * 300,), {"dim": -2}),
        Example((np.array(0.5),), {"dim": 0}),
    ),
    "pairwise_distance": examples(
        called((X, Y), *SLOTS),
        called((X, Y), *SLOTS, eps=0.0),
        called((X, Y[:1, :1]), *SLOTS, keepdim=True),
        called((X[0], Y), *SLOTS, 1.0),
        called((X, Y), *SLOTS, 3.0, eps=0.0),
        called((X, Y), *SLOTS, p=float("inf"), eps=0.0),
        not_analytic="a length takes sizes",
    ),
    "cdist": examples(
        called((X, MANY), *SLOTS),
        called((np.stack([X, Y]), MANY), *SLOTS),
        called((X, MANY), *SLOTS, p=1.0),
        called((X, MANY), *SLOTS, p=3.0),
        called((X, MANY), *SLOTS, p=1.5),
        called((X, LEVEL), *SLOTS, p=float("inf")),
        not_analytic="a length takes sizes",
    ),
    "nansum": examples(
        on(X),
        on(GAPS),
        on(GAPS, dim=1, keepdim=True),
        on(GAPS, dim=(0, -1)),
        not_analytic="a NaN is no number to go on from",
    ),
    "normalize": examples(on(X), on(X, dim=0), on(X, 2.0, -1, 2.5)),
    "cosine_similarity": examples(
        called((X, OTHER), Slot(0), Slot(1)),
        called((X, OTHER[:1]), Slot(0), Slot(1), dim=-1),
        called((X, OTHER), Slot(0), Slot(1), 0),
    ),
    "topk": examples(
        ranked(RANKS, 2, places=[[2, 3], [0, 3], [1, 2]]),
        ranked(RANKS, 1, dim=0, largest=False, places=[[2, 0, 1, 2]]),
        not_analytic=CORNER,
    ),
    "kthvalue": examples(
        ranked(RANKS, 2, places=[0, 1, 3]),
        ranked(RANKS, 1, 0, True, places=[[2, 0, 1, 2]]),
        not_analytic=CORNER,
    ),
    "median": examples(
        ranked(RANKS, 1, places=[0, 1, 3]),
        ranked(RANKS, 0, keepdim=True, places=[[0, 1, 2, 0]]),
        on(RANKS, output=0),
        on(np.array([0.5, 2.0, 0.5, -1.0, 0.5]), output=0),
        not_analytic=CORNER,
    ),
    "mode": examples(
        ranked(np.round(RANKS), places=[3, 3, 2]),
        ranked(RANKS, 0, True, places=[[2, 0, 1, 2]]),
        not_analytic=CORNER,
    ),
    "aminmax": examples(
        on(TIED, output=0),
        on(TIED, dim=1, output=0),
        on(TIED, dim=0, keepdim=True, output=0),
        not_analytic=CORNER,
    ),
    "msort": examples(Example((RANKS,)), Example((RANKS[0],)), not_analytic=CORNER),
    "softmax": examples(*ALONG),
    "log_softmax": examples(*ALONG),
    "logsumexp": examples(
        Example((X,), {"dim": 1, "keepdim": False}), Example((X,), {"dim": (0, 1), "keepdim": True})
    ),
    "sum": examples(*SUMMED),
    "mean": examples(*SUMMED),
    "var": examples(*SPREAD),
    "std": examples(*SPREAD),
    "norm": lengths("p"),
    "linalg_vector_norm": lengths("ord"),
    "linalg_norm": lengths("ord"),
    "max": EXTREME,
    "min": EXTREME,
    "amax": EXTREME_ALONG,
    "amin": EXTREME_ALONG,
    "cummax": examples(
        ranked(RANKS, 1, places=[[0, 0, 2, 2], [0, 0, 0, 0], [0, 1, 1, 1]]),
        ranked(RANKS, dim=-2, places=[[0, 0, 0, 0], [1, 1, 0, 1], [1, 2, 0, 1]]),
        not_analytic=CORNER,
    ),
    "cummin": examples(
        ranked(RANKS, 1, places=[[0, 1, 1, 1], [0, 1, 2, 2], [0, 0, 0, 0]]),
        ranked(RANKS, dim=-2, places=[[0, 0, 0, 0], [0, 0, 1, 0], [2, 0, 1, 2]]),
        not_analytic=CORNER,
    ),
    "argmax": POSITION,
    "argmin": POSITION,
    "var_mean": WITH_MEAN,
    "std_mean": WITH_MEAN,
    "softmin": examples(*ALONG),
}
