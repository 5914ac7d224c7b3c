"""Ops that work on each element alone: arithmetic, powers, activations, choices."""

from . import (  # noqa: F401 # the registry takes their rules
    activations,
    arithmetic,
    clamp,
    gelu,
    hard_activations,
    logarithms,
    masked_fill,
    powers,
    prelu,
    relu,
    selu,
    shrink,
    sigmoid,
    trigonometry,
    unary,
    where,
)
