"""Putting one number where a mask says so: `masked_fill`."""

from __future__ import annotations

from dataclasses import replace

from ..binding import binder
from .where import WHERE

MASKED_FILL = replace(
    WHERE,
    name="masked_fill",
    bind=binder("input", "mask", "value", order=("mask", "value")),
    words="a number put where a mask holds",
)
