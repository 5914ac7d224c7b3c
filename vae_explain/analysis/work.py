"""About how long it takes to run a model once more, from what it computes: no clock is read."""

from __future__ import annotations

import math
from functools import partial
from itertools import islice

from ..engine.graph import BoundOperation
from ..engine.run import Run

# In nanoseconds, as one processor needs them.
OF_AN_OP, OF_A_NUMBER, OF_A_PRODUCT = 20_000, 20, 0.15


def work_of(run: Run) -> int:
    """Return about how many nanoseconds a forward pass takes."""
    products = sum(map(partial(_products, run), run.graph.operations))
    of_all = OF_AN_OP * len(run.trace.operations) + OF_A_NUMBER * run.trace.numbers
    return of_all + int(OF_A_PRODUCT * products)


def _products(run: Run, bound: BoundOperation) -> float:
    """Return about how many products a contraction adds up.

    Of an (m, k) and a (k, n) matrix that is mkn, the root of the product of the three sizes; of
    a convolution it is of that order.
    """
    if bound.kind != "contraction":
        return 0.0
    values = *islice(bound.sources.values(), 2), bound.output
    return math.sqrt(math.prod(run.trace.values[n].array.size for n in values))
