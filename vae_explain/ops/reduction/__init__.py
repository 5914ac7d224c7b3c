"""Ops that bring many elements together: sums, means, norms, extremes, softmax."""

from . import (  # noqa: F401 # the registry takes their rules
    argmax,
    cumulative,
    distances,
    max_min,
    nansum,
    normalize,
    norms,
    ranking,
    softmax,
    sum_mean,
    variance,
)
