"""What training is asked for and what comes of it: NumPy arrays and plain numbers only.

The loop itself stands in `training.py`, which needs PyTorch; a page needs only this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from ..engine.loss_call import LossCall
from ..engine.run import Run
from ..errors import UserError
from ..models.request import Request
from ..quick_classes import NamedTuple
from ..trace import Array

if TYPE_CHECKING:
    from .watch import Watched

OptimizerName = Literal["sgd", "adam"]
Arrays = Mapping[str, Array]
BETAS, ADAM_EPS = (0.9, 0.999), 1e-8  # PyTorch's defaults for Adam


class CannotTrain(UserError):
    """A model that there is nothing to train of; the message says why."""

    option = "--model"


class Losses(NamedTuple):
    """The loss and its terms at one step, before that step's update; a term has no weight."""

    step: int
    loss: float
    terms: tuple[float, ...]


class TrainingPlan(NamedTuple):
    """What to train and how.

    `explain` is the step to record, if any; `watch` is how many steps lie between two that are
    audited, None for a training that nobody watches.
    """

    request: Request
    steps: int
    lr: float
    optimizer: OptimizerName = "sgd"
    explain: int | None = None
    watch: int | None = None


class OptimizerStep(NamedTuple):
    """One update as `torch.optim` made it, or NumPy where there is no model but its record.

    Attributes
    ----------
    run
        The run before the update, with the parameters and gradients that went into it.
    after
        The parameters that came out, by name.
    moments_before, moments_after
        Adam's running means by parameter: `m` of the gradient, `v` of its square. Empty
        for SGD.
    made_by
        Which of the two made it.
    """

    step: int
    optimizer: OptimizerName
    lr: float
    run: Run
    after: Arrays
    moments_before: Mapping[str, Arrays]
    moments_after: Mapping[str, Arrays]
    made_by: Literal["torch.optim", "NumPy"] = "torch.optim"


class Training(NamedTuple):
    """A finished training.

    Attributes
    ----------
    label, x
        What was trained, for a header, and on what.
    terms
        The names of the loss's terms; empty for a loss in one piece.
    loss_call
        How the loss was called; None for the built-in VAE, and before the first step.
    losses
        One entry a step; the last one is not finite when the run diverged.
    diverged_at
        The first step whose loss, gradient or updated parameters were not finite, or which the
        model did not get through.
    stopped
        What the model raised there; empty if it raised nothing.
    parameters, state
        As the last update left them; the state has the buffers too, as a batch norm's.
    recon_before, recon_after
        The reconstruction of x without noise, for the built-in VAE from the mean, z = mu,
        before the first update and after the last; None where that is not known.
    explained
        The step asked for; None when the run did not get there, or diverged at it.
    watched
        What was seen of it, where it was watched.
    varies
        Whether the model gives another loss or gradient each time, under one seed.
    seed
        What was seeded, where that gave anything.
    """

    plan: TrainingPlan
    label: str
    x: Array
    terms: tuple[str, ...]
    losses: tuple[Losses, ...]
    diverged_at: int | None
    parameters: Arrays
    state: Arrays
    recon_before: Array | None
    recon_after: Array | None
    explained: OptimizerStep | None
    torch_version: str
    loss_call: LossCall | None = None
    stopped: str = ""
    watched: Watched | None = None
    varies: bool = False
    seed: int | None = None


class Update(NamedTuple):
    """One step of gradient descent: the update, and the run after it with the same noise.

    `after` is None where the model does not run with the new parameters; then `stopped` is what
    it raised.
    """

    step: OptimizerStep
    after: Run | None
    stopped: str = ""

    @property
    def with_ends_alone(self) -> Update:
        """The same, with only the loss and its terms of the second run."""
        if self.after is None:
            return self
        run, after = self.step.run, self.after.values
        ends = run.trace.output, *(term.value for term in run.trace.terms)
        return self._replace(after=replace(run, values={n: after[n] for n in ends}))

    @property
    def finite(self) -> bool:
        """Whether the loss after the step is a number."""
        if self.after is None:
            return False
        return bool(np.isfinite(self.after.values[self.after.trace.output]).all())
