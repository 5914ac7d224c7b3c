"""`interpolate`: a signal or an image with more or fewer places, to the nearest or smoothly.

Along each axis an output place is a blend of neighbouring input places: of one, the nearest;
of two, by how near each is; or of four on a cubic. Several axes are blended one after the
other, so that bilinear is linear twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from itertools import product
from math import floor, prod
from typing import Any

import numpy as np

from ...quick_classes import NamedTuple
from ...symbolic.build import scaled, summed
from ...symbolic.expression import Expression, Index, Number
from ...trace import Array
from ..binding import NotExplained, Read, Refused, binder
from ..layout.pad import gathered
from ..rule import Call, Partial, Rule
from .windows import per_axis

NEAREST = ("nearest", "nearest-exact")
LINEAR = {"linear": 1, "bilinear": 2, "trilinear": 3}
CUBIC = "bicubic"


def known(mode: str) -> str:
    if mode not in (*NEAREST, *LINEAR, CUBIC):
        raise NotExplained(f"mode={mode!r}")
    return mode


# --- which places are blended -----------------------------------------------------------


class Blend(NamedTuple):
    """For each output place of one axis: the input places it is blended of, and their shares.

    Both are [tap, output place]: one tap to the nearest, two for a line, four for a cubic. At
    an edge several taps may meet the same place.
    """

    places: Array
    shares: Array

    def taps(self) -> Iterator[tuple[Array, Array | None]]:
        """Yield the taps that have any share; None for one that has all of it."""
        for places, shares in zip(self.places, self.shares, strict=True):
            if shares.any():  # nothing times zero: infinity times zero is no number
                yield places, None if (shares == 1).all() else shares

    def of_output(self, at: int, as_computed: bool = False) -> list[tuple[int, float]]:
        """Return the input places that one output place is made of, each with its share.

        A place that several taps meet comes once, or `as_computed` for each of them.
        """
        taps = list(zip(self.places[:, at].tolist(), self.shares[:, at].tolist(), strict=True))
        if as_computed:
            return [(place, share) for place, share in taps if share]
        shares: dict[int, float] = {}
        for place, share in taps:
            shares[place] = shares.get(place, 0.0) + share
        if len(shares) == 1:  # the shares make 1, but for their rounding
            return [(place, 1.0) for place in shares]
        return [(place, share) for place, share in shares.items() if share]

    def of_input(self, at: int) -> list[tuple[int, float]]:
        """Return the output places that one input place goes into, each with its share."""
        places = np.flatnonzero((self.places == at).any(axis=0))
        return [
            (int(place), share)
            for place in places
            for source, share in self.of_output(int(place))
            if source == at
        ]


def blends(
    shape: tuple[int, ...],
    dtype: Any,
    size: int | tuple[int, ...] | None,
    scale_factor: float | tuple[float, ...] | None,
    mode: str,
    align_corners: bool,
    recompute_scale_factor: bool | None,
) -> list[Blend]:
    """Return the blend of each axis of an input, behind those of batch and channel."""
    inputs = shape[2:]
    factors: tuple[float | None, ...] = (None,) * len(inputs)
    if scale_factor is None:
        assert size is not None, "PyTorch wants one of the two"
        outputs = per_axis(size, len(inputs), "size")
    else:
        several = isinstance(scale_factor, tuple)
        scales: Any = scale_factor if several else (scale_factor,) * len(inputs)
        outputs = tuple(floor(n * factor) for n, factor in zip(inputs, scales, strict=True))
        if not recompute_scale_factor:
            factors = scales
    return [
        _nearest(n, out, factor, mode)
        if mode in NEAREST
        else _cubic(n, *_where(n, out, factor, align_corners, dtype))
        if mode == CUBIC
        else _linear(n, *_where(n, out, None if n == out else factor, align_corners, dtype))
        for n, out, factor in zip(inputs, outputs, factors, strict=True)
    ]


def _nearest(size: int, out: int, factor: float | None, mode: str) -> Blend:
    # In single precision and by the inverse of the factor, since where an output falls
    # right between two inputs PyTorch's rounding decides.
    step = np.float32(size) / np.float32(out) if factor is None else np.float32(1.0 / factor)
    half = np.float32(0.5 if mode == "nearest-exact" else 0.0)
    row: Array = np.floor((np.arange(out, dtype=np.float32) + half) * step).astype(int)
    row = row.clip(max=size - 1)
    return Blend(row[None], np.ones((1, out)))


def _where(
    size: int, out: int, factor: float | None, align_corners: bool, dtype: Any
) -> tuple[Array, Any]:
    """Return where between the inputs each output falls, and in which precision."""
    # In the precision of the numbers, as PyTorch has it; a complex step has that of its parts.
    # Product and sum are rounded once, for PyTorch takes them in one instruction.
    single = dtype == np.float32
    real: Any
    wide: Any
    real, wide = (np.float32, np.float64) if single else (np.float64, np.longdouble)
    places = np.arange(out, dtype=real)
    if align_corners:
        # The first place and the last stay where they are.
        return places * real((size - 1) / (out - 1) if out > 1 else 0), real
    # A place is the middle of its stretch.
    step = real(size / out if factor is None else 1.0 / factor)
    middle = (places + real(0.5)).astype(wide)
    return (middle * wide(step) - wide(0.5)).astype(real), real


def _linear(size: int, where: Array, real: Any) -> Blend:
    inside = np.maximum(where, 0)
    low = np.floor(inside).astype(int).clip(max=size - 1)
    high = (low + 1).clip(max=size - 1)
    share = (inside - low).clip(0, 1).astype(real)
    return Blend(np.stack([low, high]), np.stack([1 - share, share]))


def _cubic(size: int, where: Array, real: Any) -> Blend:
    """Blend four places by the cubic convolution of Keys (1981), with his a = -3/4."""
    low = np.floor(where).astype(int).clip(max=size - 1)
    share = (where - low).clip(0, 1).astype(real)
    a = real(-0.75)

    def near(x: Array) -> Array:  # up to one place away
        inner: Array = ((a + 2) * x - (a + 3)) * x * x + 1
        return inner

    def far(x: Array) -> Array:  # between one place and two
        outer: Array = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
        return outer

    shares = [far(share + 1), near(share), near(1 - share), far(2 - share)]
    places = [(low + tap).clip(0, size - 1) for tap in (-1, 0, 1, 2)]
    return Blend(np.stack(places), np.stack(shares).astype(real))


# --- whole tensors ----------------------------------------------------------------------


def _along(share: Array, axis: int, rank: int) -> Array:
    return share.reshape(-1, *(1,) * (rank - axis - 1))


def forward(x: Array, **settings: Any) -> Array:
    blended = x
    for axis, by in enumerate(blends(x.shape, x.dtype, **settings), start=2):
        parts = [
            np.take(blended, places, axis) * (1 if shares is None else _along(shares, axis, x.ndim))
            for places, shares in by.taps()
        ]
        blended = reduce(np.add, parts)
    return blended


def vjp(upstream: Array, output: Array, x: Array, **settings: Any) -> tuple[Array]:
    arriving: Any = upstream
    for axis, by in enumerate(blends(x.shape, x.dtype, **settings), start=2):
        arriving = sum(
            _returned(
                arriving * (1 if shares is None else _along(shares, axis, x.ndim)),
                places,
                axis,
                x.shape[axis],
            )
            for places, shares in by.taps()
        )
    return (arriving.astype(upstream.dtype),)


def _returned(part: Array, row: Array, axis: int, size: int) -> Any:
    """Add up, along one axis, what comes back to each input place."""
    last = np.moveaxis(part, axis, -1)
    return np.moveaxis(gathered(last, [row], (*last.shape[:-1], size)), -1, axis)


# --- one element ------------------------------------------------------------------------


def _blends(call: Call) -> list[Blend]:
    x = call.operands[0]
    return blends(x.shape, x.array.dtype, **call.attributes)


def _weighted(chosen: list[list[tuple[int, float]]]) -> list[tuple[Index, float]]:
    return [
        (tuple(place for place, _ in pairs), prod(share for _, share in pairs))
        for pairs in product(*chosen)
    ]


def element(call: Call, index: Index) -> Expression:
    (x,) = call.operands
    blended = zip(_blends(call), index[2:], strict=True)
    chosen = [by.of_output(at, call.as_computed) for by, at in blended]
    sources = [((*index[:2], *place), share) for place, share in _weighted(chosen)]
    return summed([scaled(share, x.at(at)) for at, share in sources])


def partials(call: Call, position: int, index: Index) -> list[Partial]:
    chosen = [by.of_input(at) for by, at in zip(_blends(call), index[2:], strict=True)]
    return [((*index[:2], *place), Number(share)) for place, share in _weighted(chosen)]


INTERPOLATE = Rule(
    name="interpolate",
    bind=binder(
        "input",
        size=None,
        scale_factor=None,
        mode=Read(known, "nearest"),
        align_corners=Read(bool, False),
        recompute_scale_factor=None,
        antialias=Refused(False, "antialias={}"),
    ),
    forward=forward,
    vjp=vjp,
    element=element,
    partials=partials,
    linear=True,
    words="each output copies the nearest input, or blends those beside it",
    functional=True,
)
