"""Loss functions, each element by element with a reduction around it."""

from . import (  # noqa: F401 # the registry takes their rules
    binary_cross_entropy,
    cross_entropy,
    elementwise_loss,
    kl_div,
    likelihoods,
    mse_loss,
    soft_margin,
)
