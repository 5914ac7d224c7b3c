"""The words of the options that take one of a few."""

from __future__ import annotations

from typing import Literal, get_args

Arithmetic = Literal["printed", "full"]
Color = Literal["always", "never", "auto"]
Difficulty = Literal["easy", "medium", "hard"]
Level = Literal["intro", "standard", "expert"]
Optimizer = Literal["sgd", "adam"]
Recon = Literal["mse", "bce"]
Reduction = Literal["sum", "mean"]

ARITHMETICS: tuple[Arithmetic, ...] = get_args(Arithmetic)
COLORS: tuple[Color, ...] = get_args(Color)
DIFFICULTIES: tuple[Difficulty, ...] = get_args(Difficulty)
LEVELS: tuple[Level, ...] = get_args(Level)
OPTIMIZERS: tuple[Optimizer, ...] = get_args(Optimizer)
RECONS: tuple[Recon, ...] = get_args(Recon)
REDUCTIONS: tuple[Reduction, ...] = get_args(Reduction)
