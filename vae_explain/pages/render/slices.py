"""A tensor of three axes or more as the matrices that it is a stack of, each with its index."""

from __future__ import annotations

import numpy as np

from ...symbolic.expression import Index
from ..blocks import Matrix


def matrices(block: Matrix) -> list[tuple[Index, range]]:
    """Split a tensor's rows into its matrices.

    A tensor that is one matrix stays whole, and so does one whose matrices have a row each:
    these read well as the rows of one matrix.

    Returns
    -------
    list of (Index, range)
        The index of each matrix as the page's lines have it, `()` for the whole tensor, and
        its rows among all rows of the tensor.

    Examples
    --------
    >>> matrices(Matrix("h", np.zeros((1, 2, 3, 4)), "value", "value", drop=1))
    [((0,), range(0, 3)), ((1,), range(3, 6))]
    """
    shape = np.shape(block.array)
    rows = int(np.prod(shape[:-1])) if len(shape) > 1 else 1
    if len(shape) < 3 or shape[-2] < 2 or rows == shape[-2]:
        return [((), range(rows))]
    starts = range(0, rows, shape[-2])
    return [
        (index[block.drop :], range(start, start + shape[-2]))
        for index, start in zip(np.ndindex(shape[:-2]), starts, strict=True)
    ]
