"""Numbers chosen by their rank: `topk`, `kthvalue`, `median`, `mode`, `cummax`, `cummin`.

Where several are equal, PyTorch's choice decides where the gradient goes, and that is not to
be known beforehand. So the record has the places that the call found, and a rule takes them
as long as what stands there has the rank that it should; else, as in a replay with other
numbers, it finds its own.

`aminmax` has a gradient where PyTorch has one for it: 2.13 does, older ones, such as 2.5, refuse
to differentiate it (its issue 148808).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ...trace import Array, Found
from ..binding import REQUIRED, Bound, Ignored, binder
from ..delegate import deferring, each_output
from ..layout.sort import arranging, order, sort_sources
from ..rule import Rule
from .max_min import AMAX, AMIN, extreme

# As far apart, in proportion to the largest number of a row, may be what is equal up to the
# rounding of float32.
NEAR = 1e-6


def places_of_run(
    x: Array, own: Array, recorded: Found | None, dim: int, in_order: bool = True
) -> Array:
    """Return the places of the run in each row in which they are as good as our own.

    Parameters
    ----------
    own
        The places by our own choice, with all axes of the operand.
    recorded
        Those of the run; None where there are none.
    in_order
        Whether they stand in the order of their ranks.
    """
    if recorded is None or not x.ndim:
        return own
    theirs = recorded.array.reshape(own.shape)
    chosen, wanted = (np.take_along_axis(x, places, dim) for places in (theirs, own))
    if not in_order:
        chosen, wanted = np.sort(chosen, axis=dim), np.sort(wanted, axis=dim)
    largest = np.max(np.abs(x), axis=dim, keepdims=True)
    with np.errstate(invalid="ignore"):
        same = (chosen == wanted) | (np.abs(chosen - wanted) <= NEAR * largest)
    return np.where(np.all(same, axis=dim, keepdims=True), theirs, own)


def counted(x: Array) -> Array:
    return np.arange(x.size).reshape(x.shape)


# From the operand and the call's attributes: places along the axis, which stays.
PlacesOf = Callable[..., Array]


def ranked(
    name: str,
    *,
    bind: Callable[..., Bound],
    places: PlacesOf,
    words: str,
    in_order: Callable[..., bool] = lambda **_: True,
    **fields: Any,
) -> Rule:
    """Make the rule of an op that takes numbers along one axis by their rank."""

    def kept(x: Array, attributes: dict[str, Any]) -> Array:
        choice, dim = attributes.pop("found"), attributes["dim"]
        attributes.pop("keepdim", None)
        own = places(x, **attributes) if x.ndim else np.zeros(1, dtype=int)
        return places_of_run(x, own, choice, dim, in_order(**attributes))

    def reduced(array: Array, x: Array, attributes: Mapping[str, Any]) -> Array:
        if not x.ndim:
            return array.reshape(())
        # One that keeps its axis has no such attribute.
        gone = not attributes.get("keepdim", True)
        return np.squeeze(array, attributes["dim"]) if gone else array

    def sources(x: Array, **attributes: Any) -> Array:
        where = kept(x, dict(attributes))
        taken = np.take_along_axis(counted(x), where, attributes["dim"]) if x.ndim else where
        return reduced(taken, x, attributes)

    def positions(x: Array, **attributes: Any) -> Array:
        return reduced(kept(x, dict(attributes)), x, attributes)

    return arranging(
        name,
        bind=bind,
        sources=sources,
        positions=positions,
        words=words,
        unwritten=("found",),
        **fields,
    )


# --- the largest few, and the one of a rank ---------------------------------------------


def topk_places(x: Array, k: int, dim: int, largest: bool, sorted: bool) -> Array:
    first = [slice(None)] * x.ndim
    first[dim] = slice(k)
    return np.asarray(order(x, dim, largest)[tuple(first)])


TOPK = ranked(
    "topk",
    bind=binder("input", k=REQUIRED, dim=-1, largest=True, sorted=True, found=None),
    places=topk_places,
    words="the largest numbers, as many as k, or the smallest",
    in_order=lambda sorted, **_: sorted,
)


KTHVALUE = ranked(
    "kthvalue",
    bind=binder("input", k=REQUIRED, dim=-1, keepdim=False, found=None),
    places=lambda x, k, dim: np.take(order(x, dim, False), [k - 1], axis=dim),
    words="the number that is the k-th from below",
)

# --- the one in the middle, and the most frequent ---------------------------------------


bind_along = binder("input", dim=-1, keepdim=False, found=None)


def middle(x: Array, dim: int) -> Array:
    """Return the places of the medians, the lower one of two."""
    return np.take(order(x, dim, False), [(x.shape[dim] - 1) // 2], axis=dim)


_ALONG = ranked(
    "median",
    bind=bind_along,
    places=middle,
    words="the number in the middle, the lower one of two",
    usual={"keepdim": False},  # an axis says that it is not the median of all
)


bind_all = binder("input", dim=None, keepdim=False, found=Ignored())


def bind_median(*args: Any, **kwargs: Any) -> Bound:
    operands, attributes = bind_all(*args, **kwargs)
    return (operands, attributes) if attributes["dim"] is None else bind_along(*args, **kwargs)


def middle_of_all(x: Array, axis: Any, keepdims: bool) -> Array:
    return np.asarray(np.sort(x, axis=None)[(x.size - 1) // 2])


# Without an axis equal numbers share the gradient, as they do for `max`.
_OF_ALL = extreme("median", middle_of_all, _ALONG.words)


def _median(attributes: Mapping[str, Any]) -> tuple[Rule, dict[str, Any]]:
    if attributes["dim"] is not None:
        return _ALONG, dict(attributes)
    return _OF_ALL, {key: attributes[key] for key in ("dim", "keepdim")}


MEDIAN = deferring((_ALONG, _OF_ALL), _median, bind=bind_median)


def most_frequent(x: Array, dim: int) -> Array:
    """Return the last place of the number that is there most often, of several the smallest."""

    def last(row: Array) -> int:
        numbers, counts = np.unique(row, return_counts=True)
        return int(np.flatnonzero(row == numbers[np.argmax(counts)])[-1])

    return np.expand_dims(np.apply_along_axis(last, dim, x), dim)


MODE = ranked(
    "mode",
    bind=bind_along,
    places=most_frequent,
    words="the number that is there most often",
)

# --- the extreme so far -----------------------------------------------------------------


def running(name: str, beats: Callable[[Array, Array], Array], words: str) -> Rule:
    """Make the rule of an extreme of each number and all before it."""

    def places(x: Array, dim: int) -> Array:
        rows = np.moveaxis(x, dim, 0)
        best = np.zeros(rows.shape, dtype=int)
        for at in range(1, len(rows)):
            before = np.take_along_axis(rows, best[at - 1 : at], 0)[0]
            # Of equal ones it is the last.
            best[at] = np.where(beats(rows[at], before), at, best[at - 1])
        return np.moveaxis(best, 0, dim)

    bind = binder("input", dim=REQUIRED, found=None)
    return ranked(name, bind=bind, places=places, words=words)


CUMMAX = running("cummax", np.greater_equal, "the largest so far")
CUMMIN = running("cummin", np.less_equal, "the smallest so far")

# --- both ends at once, and all in order ------------------------------------------------


AMINMAX = each_output(
    AMIN,
    AMAX,
    name="aminmax",
    bind=binder("input", dim=None, keepdim=False),
    words="the smallest and the largest",
)

MSORT = arranging(
    "msort",
    bind=binder("input"),
    sources=lambda x: sort_sources(x, 0, False),
    words="the same numbers in order, along the first axis",
)
