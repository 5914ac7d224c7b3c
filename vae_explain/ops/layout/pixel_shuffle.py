"""`pixel_shuffle` and `pixel_unshuffle`: channels laid out as a finer image, and back.

Shi et al., "Real-Time Single Image and Video Super-Resolution" (2016), equation 4: with a
factor r, channel c·r² + i·r + j of a place becomes the place (r·row + i, r·column + j) of
channel c.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...symbolic.expression import Expression, Opaque
from ...trace import Array
from ..binding import Bound
from ..copying import copying
from ..rule import Call, Rule


def shuffled(x: Array, factor: int) -> Array:
    *lead, channels, rows, columns = x.shape
    fine = x.reshape(*lead, channels // factor**2, factor, factor, rows, columns)
    # [channel, i, j, row, column] becomes [channel, row, i, column, j].
    order = (*range(len(lead) + 1), *(len(lead) + k for k in (3, 1, 4, 2)))
    return fine.transpose(order).reshape(
        *lead, channels // factor**2, rows * factor, columns * factor
    )


def unshuffled(x: Array, factor: int) -> Array:
    *lead, channels, rows, columns = x.shape
    coarse = x.reshape(*lead, channels, rows // factor, factor, columns // factor, factor)
    # [channel, row, i, column, j] becomes [channel, i, j, row, column].
    order = (*range(len(lead) + 1), *(len(lead) + k for k in (2, 4, 1, 3)))
    return coarse.transpose(order).reshape(
        *lead, channels * factor**2, rows // factor, columns // factor
    )


def _shuffling(name: str, fine: bool, option: str, words: str) -> Rule:
    """Make the rule of the way to the finer image, or of the way back."""
    there, back = (shuffled, unshuffled) if fine else (unshuffled, shuffled)
    other = "pixel_unshuffle" if fine else "pixel_shuffle"

    def bind(input: Any, *factors: int, **named: int) -> Bound:
        (factor,) = (*factors, *named.values())
        return (input,), {option: factor}

    def gradient(call: Call, position: int, upstream: Expression) -> Expression:
        factor, shape = call.attributes[option], call.output.shape
        named = "upscale_factor" if option == "downscale_factor" else "downscale_factor"
        return Opaque(
            other,
            (upstream,),
            ((named, factor),),
            lambda g: back(np.broadcast_to(g, shape), factor),
        )

    return copying(
        name,
        bind=bind,
        forward=lambda x, **attributes: there(x, attributes[option]),
        gradient=gradient,
        words=words,
        functional=True,
    )


PIXEL_SHUFFLE = _shuffling(
    "pixel_shuffle", True, "upscale_factor", "channels laid out as a finer image"
)

PIXEL_UNSHUFFLE = _shuffling(
    "pixel_unshuffle", False, "downscale_factor", "a fine image laid out as channels"
)
