"""VAEs with one mistake each, and VAEs that only look as if they had one."""

from __future__ import annotations

from . import deviations, numbers, right, sampling, terms
from .base import Audited

MODELS: tuple[Audited, ...] = (
    *terms.TABLE.models,
    *sampling.TABLE.models,
    *deviations.TABLE.models,
    *numbers.TABLE.models,
    *right.TABLE.models,
)

__all__ = ["MODELS", "Audited"]
