"""Windows that slide over the last axes of a tensor: what convolutions and pools share.

A window relates a large grid to a small one: position `p` of the small grid and tap `t` of
the kernel meet the large grid at `p·stride + t·dilation - padding`. A convolution and a pool
read from the large grid into the small one, a transposed convolution the other way round.

Numbers are moved tap by tap: a kernel has few taps, and for each of them one strided slice
holds what it meets in every window at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import product
from typing import Any

import numpy as np

from ...quick_classes import dataclass
from ...symbolic.expression import Index
from ...trace import Array
from ..binding import NotExplained, Read
from ..broadcasting import indices

Pairs = list[tuple[Index, Index]]


@dataclass(frozen=True)
class Windows:
    """How two grids meet under a kernel; one entry per sliding axis in every field.

    Attributes
    ----------
    before
        How far the first window reaches out over the edge of the large grid.
    """

    large: tuple[int, ...]
    small: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    before: tuple[int, ...]

    # --- whole tensors ---

    def taps(self) -> Iterator[Index]:
        return indices(self.kernel)

    def frame(self, lead: tuple[int, ...], fill: Any, dtype: Any) -> Array:
        """Make a large grid with its padding, as far as any window or the grid reaches."""
        reach = (
            max((small - 1) * stride + (kernel - 1) * dilation + 1, before + large)
            for small, stride, kernel, dilation, before, large in zip(
                self.small, self.stride, self.kernel, self.dilation, self.before, self.large,
                strict=True,
            )
        )  # fmt: skip
        return np.full((*lead, *reach), fill, dtype)

    def pad(self, large: Array, fill: Any = 0) -> Array:
        """Return a large grid with its padding around it."""
        framed = self.frame(large.shape[: large.ndim - len(self.large)], fill, large.dtype)
        self.crop(framed)[...] = large
        return framed

    def crop(self, framed: Array) -> Array:
        """Return the grid without its padding, as a view."""
        inner = [slice(b, b + size) for b, size in zip(self.before, self.large, strict=True)]
        return framed[_behind_the_lead(inner)]

    def met_by(self, tap: Index, framed: Array) -> Array:
        """Return what one tap meets in every window, as a view of the small grid's shape."""
        slices = [
            slice(t * dilation, t * dilation + (small - 1) * stride + 1, stride)
            for t, dilation, small, stride in zip(
                tap, self.dilation, self.small, self.stride, strict=True
            )
        ]
        return framed[_behind_the_lead(slices)]

    def gathered(self, lead: tuple[int, ...], dtype: Any, parts: Iterable[Array]) -> Array:
        """Add up on the large grid what each tap gives back from every window."""
        framed = self.frame(lead, 0, dtype)
        for tap, part in zip(self.taps(), parts, strict=False):
            met = self.met_by(tap, framed)
            met += part
        return self.crop(framed)

    # --- one element ---

    def of_small(self, at: Index) -> Pairs:
        """Return the taps of one window, each with the large position that it meets."""
        return self._pairs(
            [(t, self._met(axis, p, t)) for t in range(self.kernel[axis])]
            for axis, p in enumerate(at)
        )

    def of_large(self, at: Index) -> Pairs:
        """Return the taps that meet one large position, each with the window it is of."""
        return self._pairs(
            [(t, self._start(axis, q, t)) for t in range(self.kernel[axis])]
            for axis, q in enumerate(at)
        )

    def of_tap(self, tap: Index) -> Pairs:
        """Return the windows in which a tap meets the grid, each with the large position."""
        return self._pairs(
            [(p, self._met(axis, p, t)) for p in range(self.small[axis])]
            for axis, t in enumerate(tap)
        )

    def _met(self, axis: int, p: int, t: int) -> int | None:
        q = p * self.stride[axis] + t * self.dilation[axis] - self.before[axis]
        return q if 0 <= q < self.large[axis] else None

    def _start(self, axis: int, q: int, t: int) -> int | None:
        p, rest = divmod(q + self.before[axis] - t * self.dilation[axis], self.stride[axis])
        return p if rest == 0 and 0 <= p < self.small[axis] else None

    @staticmethod
    def _pairs(axes: Iterable[list[tuple[int, int | None]]]) -> Pairs:
        inside = ([(a, b) for a, b in axis if b is not None] for axis in axes)
        return [
            (tuple(a for a, _ in chosen), tuple(b for _, b in chosen))
            for chosen in product(*inside)
        ]


def _behind_the_lead(slices: list[slice]) -> tuple[slice, ...]:
    # NumPy's annotations know no tuple of an ellipsis and as many slices as there are.
    return (..., *slices)  # type: ignore[arg-type]


# --- what the ops that slide have in common ---------------------------------------------


def per_axis(value: Any, axes: int, name: str) -> tuple[int, ...]:
    """Give every sliding axis its own number: `2` and `(2,)` are `(2, 2)`."""
    numbers = (value,) if isinstance(value, int) else value
    if not isinstance(numbers, list | tuple) or not all(isinstance(n, int) for n in numbers):
        raise NotExplained(f"{name}={value!r}")
    if len(numbers) not in (1, axes):
        raise NotExplained(f"{name}={value!r} for {axes} axes")
    return tuple(numbers) * (axes if len(numbers) == 1 else 1)


def for_each_axis(axes: int, **defaults: Any) -> dict[str, Any]:
    """Return settings with these defaults for a `binder`, each of which has a number per axis."""

    def reads(name: str) -> Callable[[Any], tuple[int, ...]]:
        return lambda value: per_axis(value, axes, name)

    return {name: Read(reads(name), default) for name, default in defaults.items()}
