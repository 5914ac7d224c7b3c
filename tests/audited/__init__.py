"""VAEs with one mistake each, and VAEs that only look as if they had one."""

from __future__ import annotations

from . import deviations, discrete, learning, numbers, ranges, right, sampling, terms
from .base import Audited

MODELS: tuple[Audited, ...] = (
    *terms.TABLE.models,
    *sampling.TABLE.models,
    *deviations.TABLE.models,
    *numbers.TABLE.models,
    *ranges.TABLE.models,
    *discrete.TABLE.models,
    *learning.TABLE.models,
    *right.TABLE.models,
)

__all__ = ["MODELS", "Audited"]
