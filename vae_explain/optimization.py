"""What training is asked for and what comes of it: NumPy arrays and plain numbers only.

The loop itself stands in `training.py`, which needs PyTorch; a page needs only this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from .architecture import BUILT_IN, Architecture
from .run import Run
from .trace import Array

OptimizerName = Literal["sgd", "adam"]
Arrays = Mapping[str, Array]
BETAS, ADAM_EPS = (0.9, 0.999), 1e-8  # PyTorch's defaults for Adam


class Losses(NamedTuple):
    """The loss and its two terms at one step, before that step's update."""

    step: int
    loss: float
    recon: float
    kl: float


@dataclass(frozen=True)
class TrainingRequest:
    """What to train on and how; `explain` is the step to record, if any."""

    x: tuple[tuple[float, ...], ...]
    steps: int
    lr: float
    optimizer: OptimizerName = "sgd"
    seed: int = 42
    explain: int | None = None
    architecture: Architecture = BUILT_IN
    weights: Path | None = None


@dataclass(frozen=True)
class OptimizerStep:
    """One update as `torch.optim` made it.

    Attributes
    ----------
    run
        The run before the update, with the parameters and gradients that went into it.
    after
        The parameters that came out, by name.
    moments_before, moments_after
        Adam's running means by parameter: `m` of the gradient, `v` of its square. Empty
        for SGD.
    """

    step: int
    optimizer: OptimizerName
    lr: float
    run: Run
    after: Arrays
    moments_before: Mapping[str, Arrays]
    moments_after: Mapping[str, Arrays]


@dataclass(frozen=True)
class Training:
    """A finished training.

    Attributes
    ----------
    losses
        One entry a step; the last one is not finite when the run diverged.
    diverged_at
        The first step whose loss, gradient or updated parameters were not finite.
    parameters
        As the last update left them.
    recon_before, recon_after
        The reconstruction of x from the mean, z = mu, without noise, before the first
        update and after the last.
    explained
        The step asked for; None when the run did not get there, or diverged at it.
    """

    request: TrainingRequest
    losses: tuple[Losses, ...]
    diverged_at: int | None
    parameters: Arrays
    recon_before: Array
    recon_after: Array
    explained: OptimizerStep | None
    torch_version: str


@dataclass(frozen=True)
class Update:
    """One step of gradient descent: the update, and the run after it with the same noise."""

    step: OptimizerStep
    after: Run

    @property
    def finite(self) -> bool:
        """Whether the loss after the step is a number."""
        return bool(np.isfinite(self.after.values[self.after.trace.output]).all())
