"""Ops that move elements without computing with them: shapes, axes, parts, joins."""

from . import (  # noqa: F401 # the registry takes their rules
    clone,
    concatenate,
    diagonal,
    expand,
    index_add,
    one_hot,
    overwrite,
    pad,
    pixel_shuffle,
    random,
    reshape,
    scatter,
    scatter_reduce,
    select,
    setitem,
    sort,
    split,
    take,
    transpose,
)
