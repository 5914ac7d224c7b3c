"""`conv1d`, `conv2d`, `conv3d` and the transposed ones: a kernel that slides over a grid.

One family: a transposed convolution, known here by its `output_padding`, writes where a
plain one reads. What either does with whole tensors stands in `kernels.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any

import numpy as np

from ...symbolic.build import summed
from ...symbolic.expression import Expression, Index, Opaque
from ...trace import Array
from ..at_once import NotAtOnce, Summands, abridged, grid, is_long, shape_of_many
from ..bias import biased
from ..binding import OPTIONAL, Read, binder
from ..broadcasting import each_of
from ..rule import Call, Family, Rule, Ways, by_default, unusual
from .kernels import correlate, spread, tie, windows
from .windows import Pairs, Windows, for_each_axis, per_axis

INPUT, WEIGHT, BIAS = range(3)
USUAL = {"stride": 1, "padding": 0, "output_padding": 0, "dilation": 1, "groups": 1}


def forward(x: Array, weight: Array, **attributes: Any) -> Array:
    by = windows(x.shape, weight.shape, attributes)
    move = spread if "output_padding" in attributes else correlate
    return move(x, weight, by, attributes["groups"])


# --- one element ------------------------------------------------------------------------


class _Ties:
    """Which elements a weight ties together; positions are [channel, *place], no batch."""

    def __init__(self, call: Call) -> None:
        x, weight = call.operands[:2]
        self.by = windows(x.shape, weight.shape, call.attributes)
        self.transposed = "output_padding" in call.attributes
        self.lead = x.shape[: -len(self.by.kernel) - 1]
        groups = call.attributes["groups"]
        self.rows, self.columns = weight.shape[0] // groups, weight.shape[1]

    def split(self, index: Index) -> tuple[Index, Index]:
        return index[: len(self.lead)], index[len(self.lead) :]

    def of_small(self, at: Index) -> tuple[Index, Index]:
        """Return the weights over one small element, and its large elements, as two indices."""
        row, *place = at
        taps, met = _both(self.by.of_small(tuple(place)), len(self.by.kernel))
        columns, tap = grid([np.arange(self.columns), np.arange(len(taps))])
        first = row // self.rows * self.columns
        return (row, columns, *taps[tap].T), (first + columns, *met[tap].T)

    def of_large(self, at: Index) -> tuple[Index, Index]:
        """Return the weights over one large element, and its small elements."""
        channel, *place = at
        group, column = divmod(channel, self.columns)
        taps, met = _both(self.by.of_large(tuple(place)), len(self.by.kernel))
        rows, tap = grid(
            [np.arange(group * self.rows, (group + 1) * self.rows), np.arange(len(taps))]
        )
        return (rows, column, *taps[tap].T), (rows, *met[tap].T)

    def of_weight(self, at: Index) -> tuple[Index, Index]:
        """Return what one weight ties together in every sample: from the input, to the output."""
        row, column, *tap = at
        channel = row // self.rows * self.columns + column
        small, large = _both(self.by.of_tap(tuple(tap)), len(self.by.kernel))
        *lead, place = grid([*map(np.arange, self.lead), np.arange(len(small))])
        own = (*lead, row, *small[place].T), (*lead, channel, *large[place].T)
        return own if self.transposed else own[::-1]


def _both(pairs: Pairs, axes: int) -> Array:
    """Return pairs of places as two arrays, a place in each row."""
    return np.array(pairs, dtype=np.intp).reshape(-1, 2, axes).swapaxes(0, 1)


def element(call: Call, index: Index) -> Expression:
    x, weight = call.operands
    ties = _Ties(call)
    lead, at = ties.split(index)
    tied, place = ties.of_large(at) if ties.transposed else ties.of_small(at)
    shape = shape_of_many((*tied, *place))
    if is_long(prod(shape)):
        try:
            return abridged([Summands(weight.at(tied) * x.at((*lead, *place)), shape)])
        except NotAtOnce:
            pass
    each = ((both[: len(tied)], both[len(tied) :]) for both in each_of((*tied, *place)))
    return summed(weight.at(own) * x.at((*lead, *met)) for own, met in each)


def families(call: Call, position: int, index: Index) -> list[Family]:
    x, weight = call.operands
    ties = _Ties(call)
    if position == WEIGHT:
        source, out = ties.of_weight(index)
        return [Family(out, x.at, source)]
    lead, at = ties.split(index)
    tied, place = ties.of_small(at) if ties.transposed else ties.of_large(at)
    return [Family((*lead, *place), weight.at, tied)]


def gradient(call: Call, position: int, upstream: Expression, name: str) -> Expression:
    x, weight = call.operands
    attributes, shape = call.attributes, call.output.shape
    by, groups = windows(x.shape, weight.shape, attributes), attributes["groups"]
    # An upstream gradient that is the same everywhere may arrive as one number.
    full = partial(np.broadcast_to, shape=shape)
    transposed = "output_padding" in attributes
    settings = {key: value for key, value in attributes.items() if key != "output_padding"}
    if position == WEIGHT:
        # The name is that of `torch.nn.grad`: which weight would have made this gradient.
        pair = (upstream, x.whole()) if transposed else (x.whole(), upstream)

        def tied(large: Any, small: Any) -> Array:
            large, small = (full(large), small) if transposed else (large, full(small))
            return tie(large, small, by, groups)

        return Opaque(f"{_plain(name)}_weight", pair, unusual(settings, USUAL), tied)
    move: Callable[..., Array] = correlate if transposed else spread
    other = _plain(name)
    if not transposed:
        other = name.replace("conv", "conv_transpose")
        settings = {**settings, **_mirrored(by, settings["padding"])}
    return Opaque(
        other,
        (upstream, weight.whole()),
        unusual(settings, USUAL),
        lambda g, w: move(full(g), w, by, groups),
    )


def _plain(name: str) -> str:
    return name.replace("_transpose", "")


def _mirrored(by: Windows, padding: Any) -> dict[str, Any]:
    """Return the padding by which PyTorch's transposed convolution comes back to the input."""
    spans = [d * (k - 1) for k, d in zip(by.kernel, by.dilation, strict=True)]
    if padding == "same" and any(span % 2 for span in spans):
        return {}  # more behind the grid than before it: PyTorch has no numbers for that
    left_over = tuple(
        size + 2 * p - (small - 1) * stride - span - 1
        for size, small, stride, span, p in zip(
            by.large, by.small, by.stride, spans, by.before, strict=True
        )
    )
    return {"padding": by.before, "output_padding": left_over}


# --- the rules --------------------------------------------------------------------------


def _padding(value: Any, axes: int) -> Any:
    return value if value == "same" else per_axis(0 if value == "valid" else value, axes, "padding")


def convolving(axes: int, transposed: bool) -> Rule:
    """Make the rule of a convolution or of its transpose, which has an `output_padding`."""
    name = f"conv_transpose{axes}d" if transposed else f"conv{axes}d"
    settings = {
        **for_each_axis(axes, stride=1, dilation=1, output_padding=0),
        "padding": Read(partial(_padding, axes=axes), 0),
        "groups": 1,
    }
    order: tuple[str, ...] = ("stride", "padding", "dilation", "groups")
    if transposed:
        order = ("stride", "padding", "output_padding", "groups", "dilation")
    bind = binder("input", "weight", bias=OPTIONAL, **{each: settings[each] for each in order})
    moving = Rule(
        name=name,
        bind=bind,
        forward=forward,
        element=element,
        partials=Ways(families),
        gradient=partial(gradient, name=name),
        kind="contraction",
        words=_WRITES if transposed else _READS,
        functional=True,
    )
    return biased(moving, BIAS, axis=-axes - 1, formula=by_default)


_READS = "a kernel slides over the input; each output is its dot product with what it covers"
_WRITES = "each input puts a copy of the kernel, times itself, on the output; copies add up"

CONV1D, CONV2D, CONV3D = (convolving(axes, transposed=False) for axes in (1, 2, 3))
CONV_TRANSPOSE1D, CONV_TRANSPOSE2D, CONV_TRANSPOSE3D = (
    convolving(axes, transposed=True) for axes in (1, 2, 3)
)
