"""What is audited: a run, taken apart once, for all rules to look at.

A second run with every row of the input twice, where there is one, shows what grows with
the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from ...engine.backward_pass import backward
from ...engine.forward_pass import replay_part
from ...engine.run import Run
from ...ops.rule import NotExplained
from ...trace import Array
from .finding import NotApplied
from .lineage import Lineage
from .loss_parts import Part, find_parts
from .posterior import Sampling, Site, find_sampling
from .summands import Summand, summands

Kept = TypeVar("Kept")


class Anatomy:
    """A run under audit.

    Parameters
    ----------
    run
        In the arithmetic `full`; it need not be finite.
    twice
        The same with every row of the input twice; None where that could not be run.
    """

    def __init__(self, run: Run, twice: Run | None = None) -> None:
        self.run = run
        self.trace = run.trace
        self.values = run.values
        self.inputs = tuple(v.array for v in self.trace.values if v.kind == "input")
        self.lineage = Lineage(run)
        self.twice = None if twice is None else Anatomy(twice)
        self._kept: dict[object, Any] = {}

    def kept(self, key: object, make: Callable[[], Kept]) -> Kept:
        """Return what was made for a key, making it the first time."""
        if key not in self._kept:
            self._kept[key] = make()
        kept: Kept = self._kept[key]
        return kept

    @property
    def rows(self) -> int:
        """How many rows the batch has; 1 for an input that is a single one."""
        return len(self.inputs[0]) if self.inputs and self.inputs[0].ndim > 1 else 1

    def array(self, number: int) -> Array:
        """Return a value's numbers in float64."""
        return np.asarray(self.values[number], dtype=np.float64)

    @cached_property
    def finite(self) -> bool:
        """Whether the loss and all of its gradients are numbers."""
        arrays = (self.values[self.trace.output], *self.run.gradients.values())
        return all(bool(np.isfinite(array).all()) for array in arrays)

    @cached_property
    def summands(self) -> tuple[Summand, ...]:
        return summands(self.lineage)

    @cached_property
    def sampling(self) -> Sampling:
        return find_sampling(self.lineage)

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        return find_parts(self.lineage, self.summands, self.sampling.sites)

    def role(self, role: str) -> tuple[Part, ...]:
        """Return the parts of one role."""
        return tuple(part for part in self.parts if part.role == role)

    def sites(self) -> tuple[Site, ...]:
        """Return where latents are sampled; `NotApplied` where that is nowhere."""
        sampling = self.sampling
        if not sampling.sites:
            why = "; ".join(sampling.reasons) or "no draw is scaled and shifted into a latent"
            raise NotApplied(f"no Gaussian latent was found: {why}")
        return sampling.sites

    def reconstruction(self) -> tuple[Part, ...]:
        """Return the parts that compare with the input; `NotApplied` where there are none."""
        parts = self.role("reconstruction")
        if not parts:
            raise NotApplied("no part of the loss compares what was made from z with the input")
        return parts

    def require_finite(self) -> None:
        if not self.finite:
            raise NotApplied("the run is not finite; see not-finite")

    def latent(self, site: Site) -> str:
        """Return what a site's sample is called."""
        return self.lineage.name(site.z)

    def name_of(self, parts: Sequence[Part], otherwise: str) -> str:
        """Return what the user calls some parts of the loss.

        That is the named value nearest to the loss that all of them are in.
        """
        for number in parts[0].summand.path:
            shared = all(number in part.summand.path for part in parts)
            if shared and number != self.trace.output and self.lineage.named(number):
                return self.lineage.name(number)
        return otherwise

    # --- experiments ---

    def experiment(self, given: Mapping[int, Array], wanted: Iterable[int]) -> dict[int, Array]:
        """Run what lies between again, by the rules, with other numbers for some values.

        All values that the same calls made get the same numbers.
        """
        spread = {
            twin: array for number, array in given.items() for twin in self.lineage.twins(number)
        }
        try:
            return replay_part(self.lineage.graph, self.values, spread, wanted)
        except NotExplained as why:
            raise NotApplied(f"an operation between has no rule ({why})") from None

    def filled(self, number: int, fill: float) -> Array:
        """Return an array as large as a value, with one number at every place."""
        return np.full(self.values[number].shape, fill)

    def total(self, parts: Sequence[Part], arrays: Mapping[int, Array]) -> float:
        """Return what some parts add to the loss."""
        return float(sum(p.summand.factor * arrays[p.summand.value].sum() for p in parts))

    # --- gradients ---

    def gradients(self, parts: Sequence[Part]) -> dict[int, Array]:
        """Return the gradient of some parts together, by hand, at every value it reaches."""

        def added() -> dict[int, Array]:
            total: dict[int, Array] = {}
            for part in parts:
                summand = part.summand
                shares = backward(self.lineage.graph, self.values, summand.value, summand.factor)
                for number, share in shares.items():
                    total[number] = total[number] + share if number in total else share
            return total

        return self.kept(("gradients", *(part.summand.value for part in parts)), added)
