"""`unfold`, which lays out the windows of an image as columns, and `fold`, which adds them up.

A column holds what one window meets: channel by channel, tap by tap. Elements are only
copied, and come back where they were taken; so each of the two is the other's gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any

import numpy as np

from ...symbolic.build import summed
from ...symbolic.expression import ONE, Expression, Index, Opaque
from ...trace import Array
from ..binding import REQUIRED, Bound, NotExplained, binder
from ..copying import Sources, copying, numbered
from ..rule import Call, Partial, Rule, unusual
from .kernels import reading_windows
from .windows import Windows, for_each_axis

AXES = 2
USUAL = {"dilation": 1, "padding": 0, "stride": 1}


_SETTINGS = {
    **for_each_axis(AXES, kernel_size=REQUIRED),
    **for_each_axis(AXES, **USUAL),
}
_bind_unfold = binder("input", **_SETTINGS)


def bind_unfold(*args: Any, **settings: Any) -> Bound:
    # PyTorch hands its function over with names; the method of a tensor has other arguments.
    if len(args) > 2 or "dilation" not in settings or not settings.keys() <= _SETTINGS.keys():
        raise NotExplained("the windows of one axis, as a tensor's own method takes them")
    return _bind_unfold(*args, **settings)


def windows(image: tuple[int, ...], kernel_size: Any, **settings: Any) -> Windows:
    return reading_windows(image[-AXES:], kernel_size, **settings)


# --- whole tensors ----------------------------------------------------------------------


def columns(x: Array, **settings: Any) -> Array:
    by = windows(x.shape, **settings)
    framed = by.pad(x)
    taps = [by.met_by(tap, framed) for tap in by.taps()]
    stacked = np.stack(taps, axis=-AXES - 1)  # [*lead, channel, tap, *window]
    *lead, channels = x.shape[:-AXES]
    return stacked.reshape(*lead, channels * len(taps), prod(by.small))


def image(x: Array, output_size: tuple[int, ...], **settings: Any) -> Array:
    by = windows(output_size, **settings)
    taps = prod(by.kernel)
    *lead, rows, _ = x.shape
    parts = x.reshape(*lead, rows // taps, taps, *by.small)
    by_tap = (parts[..., at, :, :] for at in range(taps))
    return by.gathered((*lead, rows // taps), x.dtype, by_tap)


# --- one element ------------------------------------------------------------------------


def fold_sources(call: Call) -> Sources:
    """Return where each number of some columns goes, as where `unfold` would take it from."""

    def compute() -> Sources:
        settings = dict(call.attributes)
        del settings["output_size"]
        shape = call.output.shape
        (image_of,) = numbered([shape])
        return Sources(columns(image_of, **settings), [shape])

    return call.once("sources", compute)


def fold_element(call: Call, index: Index) -> Expression:
    return summed([call.operands[0].at(at) for at in fold_sources(call).targets(0, index)])


def fold_partials(call: Call, position: int, index: Index) -> list[Partial]:
    source = fold_sources(call).of(index)
    return [] if source is None else [(source[1], ONE)]


def unfold_gradient(call: Call, position: int, upstream: Expression) -> Expression:
    settings = {"output_size": call.operands[0].shape[-AXES:], **call.attributes}
    return _back("fold", partial(image, **settings), settings, call, upstream)


def fold_gradient(call: Call, position: int, upstream: Expression) -> Expression:
    settings = {name: value for name, value in call.attributes.items() if name != "output_size"}
    return _back("unfold", partial(columns, **settings), settings, call, upstream)


def _back(
    name: str,
    compute: Callable[[Array], Array],
    settings: dict[str, Any],
    call: Call,
    upstream: Expression,
) -> Expression:
    """Write the gradient of one of the two as the other, of what arrives."""
    full = partial(np.broadcast_to, shape=call.output.shape)
    return Opaque(name, (upstream,), unusual(settings, USUAL), lambda g: compute(full(g)))


# --- the rules --------------------------------------------------------------------------


UNFOLD = copying(
    "unfold",
    bind=bind_unfold,
    forward=columns,
    usual=USUAL,
    gradient=unfold_gradient,
    words="what each window covers, as a column",
    functional=True,
)
FOLD = Rule(
    name="fold",
    bind=binder("input", **for_each_axis(AXES, output_size=REQUIRED), **_SETTINGS),
    forward=image,
    element=fold_element,
    partials=fold_partials,
    gradient=fold_gradient,
    words="columns put back as windows; where these overlap they add up",
    functional=True,
)
