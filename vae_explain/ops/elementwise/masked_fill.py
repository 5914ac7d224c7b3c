"""Putting one number where a mask says so: `masked_fill`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..rule import Bound
from .where import WHERE


def bind_masked_fill(input: Any, mask: Any, value: Any) -> Bound:
    return (mask, value, input), {}


MASKED_FILL = replace(
    WHERE,
    name="masked_fill",
    bind=bind_masked_fill,
    words="a number put where a mask holds",
    torch="torch.masked_fill",
)
