"""What a watched training run shows: plain numbers, and the one run that is not finite."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from ...engine.run import Run
from ...quick_classes import NamedTuple, dataclass
from ..audit.evidence.finding import Finding


class LatentsSeen(NamedTuple):
    """The latents of one site at one step: their mean KL, and which of them tell nothing."""

    name: str
    kl: tuple[float, ...]
    collapsed: tuple[bool, ...]


class TermSeen(NamedTuple):
    """A term of the loss at one step, its weight included: its value and its gradient's norm."""

    name: str
    value: float
    norm: float


class Angle(NamedTuple):
    """The angle between two terms' gradients, over the parameters that both of them reach."""

    first: str
    second: str
    degrees: float
    ratio: float
    parameters: int


class Fall(NamedTuple):
    """A loss that falls on and on along its own gradient.

    `rows` has how far the parameters went, as a multiple of their own norm, and the loss there;
    `term` is the term that falls most.
    """

    rows: tuple[tuple[float, float], ...]
    term: str


@dataclass(frozen=True)
class Look:
    """One step looked at closely: recorded, and audited.

    Attributes
    ----------
    why
        What this step was looked at for.
    loss
        That the loop took back; None behind its last step.
    again
        That the model and its loss, as they were given, make of the same step; None if refused.
    findings
        Of the audit.
    refused
        Why the step could not be recorded; empty if it was.
    norms
        Of a parameter whose gradient was not reset: as the optimizer gets it, and of this step
        alone.
    """

    step: int
    why: str
    loss: float | None
    again: float | None = None
    findings: tuple[Finding, ...] = ()
    latents: tuple[LatentsSeen, ...] = ()
    terms: tuple[TermSeen, ...] = ()
    angles: tuple[Angle, ...] = ()
    fall: Fall | None = None
    refused: str = ""
    norms: Mapping[str, tuple[float, float]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Watched:
    """What was seen of a training run so far.

    Attributes
    ----------
    losses, training
        Of each step: the loss before its update, and whether the model was in training mode.
    looks
        The steps that were looked at closely.
    kept, empty
        The steps whose gradients had those of the step before in them, and those that had none.
    not_optimized
        The trained parameters that no optimizer has, by name.
    strangers
        How many parameters the optimizers have that are not the model's.
    of_modes
        The kinds of the model's modules that are others in evaluation mode.
    backwards
        How often gradients were taken.
    frozen
        The first step that is not finite, recorded as it was; None where there is none.
    """

    label: str
    losses: list[float] = dataclasses.field(default_factory=list)
    training: list[bool] = dataclasses.field(default_factory=list)
    looks: list[Look] = dataclasses.field(default_factory=list)
    kept: list[int] = dataclasses.field(default_factory=list)
    empty: list[int] = dataclasses.field(default_factory=list)
    not_optimized: tuple[str, ...] = ()
    parameters: int = 0
    strangers: int = 0
    of_modes: tuple[str, ...] = ()
    backwards: int = 0
    not_finite_at: int | None = None
    frozen: Run | None = None
    ended: str = ""

    @property
    def steps(self) -> int:
        return len(self.losses)
