"""A tensor's numbers as a line of PyTorch: nested lists, or packed where there are many."""

from __future__ import annotations

import base64
from typing import Literal

import numpy as np

from ....trace import Array
from ...blocks import Places
from ..numbers import Numbers

MOST_WRITTEN = 256  # numbers of a tensor that are written out; a larger one is packed
LARGE = 1e6
DIVISOR = 10_000  # of numbers with 4 decimals, which are packed as integers
NO_NUMBER = {"nan": "math.nan", "inf": "math.inf", "-inf": "-math.inf"}
# The code that reads packed numbers.
UNPACK = '''\
def unpack(text, dtype, shape):
    """Read a tensor that is too large to be written out."""
    return torch.frombuffer(bytearray(base64.b64decode(text)), dtype=dtype).reshape(shape)'''


def tensor(array: Array, single: bool) -> str:
    """Write an input, a parameter or noise, with every digit.

    Parameters
    ----------
    single
        Whether the numbers are those of a float32.
    """
    if array.size <= MOST_WRITTEN:
        return f"torch.tensor({numbers(array, 'source', single)})"
    text, dtype, divisor = _packed(array)
    whole = f'unpack("{text}", torch.{dtype}, {tuple(array.shape)!r})'
    cast = f"{whole}.to(torch.get_default_dtype())"
    return f"({cast} / {divisor})" if divisor != 1 else f"({cast})"


def numbers(array: Array, what: Literal["source", "value"], single: bool) -> str:
    """Write an array as nested lists: every digit of a source, the page's digits of a value."""
    places: Places = "single" if single else "exact" if what == "source" else "value"
    large = float(np.max(np.abs(array), initial=0.0)) >= LARGE
    if what == "value" and not single and (array.ndim == 0 or large):
        places = "exact"  # a loss or one of its terms, or too large for decimals to say much
    texts = [NO_NUMBER.get(text, text) for text in Numbers().column(array, places)]
    return _nested(texts, array.shape)


def _nested(texts: list[str], shape: tuple[int, ...], indent: int = 1) -> str:
    if not shape:
        return texts[0]
    if len(shape) == 1:
        return f"[{', '.join(texts)}]"
    size = len(texts) // shape[0] if shape[0] else 0
    parts = [
        _nested(texts[i * size : (i + 1) * size], shape[1:], indent + 1) for i in range(shape[0])
    ]
    if len(parts) == 1:
        return f"[{parts[0]}]"
    inside = ",\n".join("    " * indent + part for part in parts)
    return f"[\n{inside},\n{'    ' * (indent - 1)}]"


def _packed(array: Array) -> tuple[str, str, int]:
    """Return an array in the shortest base64 with every digit, its dtype and its divisor."""
    numbers = np.ascontiguousarray(array, dtype=np.float64)
    whole = np.rint(numbers * DIVISOR)
    divisor = DIVISOR if np.array_equal(whole / DIVISOR, numbers) else 1
    dtype = "float64"
    if divisor != 1 and np.abs(whole).max() < 2**31:
        dtype = "int16" if np.abs(whole).max() < 2**15 else "int32"
        numbers = whole
    elif np.array_equal(numbers.astype(np.float32), numbers):
        divisor, dtype = 1, "float32"
    kind = np.dtype(dtype).newbyteorder("<")
    return base64.b64encode(numbers.astype(kind).tobytes()).decode(), dtype, divisor
