"""What is audited: a run, taken apart once, for all rules to look at.

Runs of the same model under other conditions stand beside it: with every row of the input
twice, with other draws, in the other mode.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np

from ....engine.backward_pass import backward
from ....engine.forward_pass import replay, replay_part
from ....engine.run import Recordings, Run
from ....ops.binding import NotExplained
from ....trace import Array, Value
from .discrete import Categories, Codes, find_categories, find_codes
from .finding import NotApplied
from .lineage import Lineage
from .loss_parts import LossPart, Role, find_parts
from .mending import Cure, edited
from .posterior import Sampling, Site, find_sampling
from .summands import Summand, summands

Kept = TypeVar("Kept")
Given = ParamSpec("Given")


class Anatomy(Lineage):
    """A run under audit.

    Parameters
    ----------
    run
        In the arithmetic `full`; it need not be finite.
    others
        The same model's runs under other conditions.
    drawn
        The values that were drawn elsewhere than by PyTorch, where that is known already.
    """

    def __init__(
        self, run: Run, others: Recordings | None = None, drawn: frozenset[int] = frozenset()
    ) -> None:
        self.others = others or Recordings(run)
        super().__init__(run, drawn or drawn_elsewhere(run, self.others.redrawn))
        self.inputs = tuple(value.array for value in self.trace.inputs)
        self._kept: dict[object, Any] = {}

    @cached_property
    def twice(self) -> Anatomy | None:
        """The run with every row of the input twice."""
        return self._of(self.others.twice)

    @cached_property
    def switched(self) -> Anatomy | None:
        """The run in the other mode."""
        return self._of(self.others.switched)

    def _of(self, other: Run | None) -> Anatomy | None:
        """Take another run of the same model apart, in which the same values are drawn."""
        if other is None:
            return None
        drawn = self.drawn_elsewhere if aligned(self.run, other) else frozenset()
        return Anatomy(other, drawn=drawn)

    def kept(self, key: object, make: Callable[[], Kept]) -> Kept:
        """Return what was made for a key, making it the first time; or say again why not."""
        if key not in self._kept:
            try:
                self._kept[key] = make()
            except NotApplied as why:
                self._kept[key] = why
        kept: Kept | NotApplied = self._kept[key]
        if isinstance(kept, NotApplied):
            raise NotApplied(str(kept))
        return kept

    @property
    def rows(self) -> int:
        """How many rows the batch has; 1 for an input that is a single one."""
        return len(self.inputs[0]) if self.inputs and self.inputs[0].ndim > 1 else 1

    def array(self, value_id: int) -> Array:
        """Return a value's numbers in float64."""
        return np.asarray(self.values[value_id], dtype=np.float64)

    @cached_property
    def trained(self) -> tuple[Value, ...]:
        """The parameters of the model that are not frozen."""
        return tuple(v for v in self.trace.parameters if v.id not in self.trace.frozen)

    @cached_property
    def summands(self) -> tuple[Summand, ...]:
        return summands(self)

    @cached_property
    def sampling(self) -> Sampling:
        return find_sampling(self)

    @cached_property
    def categories(self) -> tuple[Categories, ...]:
        """Where categories are sampled."""
        return find_categories(self, len(self.sampling.sites))

    @cached_property
    def codes(self) -> tuple[Codes, ...]:
        """Where codes of a codebook are picked."""
        return find_codes(self)

    @cached_property
    def latents(self) -> tuple[Site, ...]:
        """All sites: of Gaussian latents, and of categories."""
        return (*self.sampling.sites, *(each.site for each in self.categories))

    @cached_property
    def parts(self) -> tuple[LossPart, ...]:
        return find_parts(self, self.summands, self.latents)

    def role(self, role: Role, of: Site | None = None) -> tuple[LossPart, ...]:
        """Return the parts of one role; those that need one site's posterior and no other's."""
        parts = (part for part in self.parts if part.role == role)
        return tuple(part for part in parts if of is None or part.posteriors == {of.index})

    def sites(self) -> tuple[Site, ...]:
        """Return where latents are sampled; `NotApplied` where that is nowhere."""
        sampling = self.sampling
        if not sampling.sites:
            why = "; ".join(sampling.reasons) or "no draw is scaled and shifted into a latent"
            if self.categories or self.codes:
                why = "the latents are discrete"
            raise NotApplied(f"no Gaussian latent was found: {why}")
        return sampling.sites

    def reconstruction(self) -> tuple[LossPart, ...]:
        """Return the parts that compare with the input; `NotApplied` where there are none."""
        parts = self.role("reconstruction")
        if not parts:
            raise NotApplied("no part of the loss compares what was made from z with the input")
        return parts

    def require_finite(self) -> None:
        if not self.run.is_finite:
            raise NotApplied("the run is not finite; see not-finite")

    def latent(self, site: Site) -> str:
        """Return what a site's sample is called."""
        return self.name(site.z)

    def name_of(self, parts: Sequence[LossPart], otherwise: str) -> str:
        """Return what the user calls some parts of the loss.

        That is the named value nearest to the loss that all of them are in.
        """
        for value_id in parts[0].summand.path:
            shared = all(value_id in part.summand.path for part in parts)
            if shared and value_id != self.trace.output and self.named(value_id):
                return self.name(value_id)
        return otherwise

    # --- experiments ---

    def cured(self, cure: Cure) -> Anatomy:
        """Return the anatomy of the run as it would be with a change, replayed by the rules."""

        def learned(run: Run) -> list[int]:
            lineage = Lineage(run)
            return [value.id for value in run.trace.values if lineage.learned(value.id)]

        def changed(run: Run, rows: int) -> Run:
            # What is drawn elsewhere is noise from here on: the values get other numbers.
            values = tuple(
                value._replace(kind="noise") if value.id in self.drawn_elsewhere else value
                for value in run.trace.values
            )
            marked = replace(run, trace=replace(run.trace, values=values))
            return edited(marked, cure.edit, rows, learned)

        twice = self.others.twice
        if twice is not None:
            twice = changed(twice, 2 * self.rows) if aligned(self.run, twice) else None
        run = changed(self.run, self.rows)
        return Anatomy(run, Recordings(run, twice))

    def experiment(self, replaced: Mapping[int, Array], wanted: Iterable[int]) -> dict[int, Array]:
        """Run what lies between again, by the rules, with other numbers for some values.

        All values that the same calls made get the same numbers.
        """
        try:
            return replay_part(self.graph, self.values, self._for_twins(replaced), wanted)
        except NotExplained as why:
            raise NotApplied(f"an operation between has no rule ({why})") from None

    def all_with(self, replaced: Mapping[int, Array]) -> dict[int, Array]:
        """Run everything again by the rules, in float64, with other numbers for some values."""
        return replay(self.graph, self._for_twins(replaced))

    @cached_property
    def replayed(self) -> dict[int, Array]:
        """All values by the rules, in float64, from the numbers of the run."""
        return self.all_with({})

    def _for_twins(self, replaced: Mapping[int, Array]) -> dict[int, Array]:
        return {
            twin: array for value_id, array in replaced.items() for twin in self.twins(value_id)
        }

    def value_with(self, value_id: int, replaced: Mapping[int, Array]) -> Array:
        """Return one value where some others have other numbers."""
        return self.experiment(replaced, [value_id])[value_id]

    def change(self, value_id: int, replaced: Mapping[int, Array]) -> Array:
        """Return by how much a value changes when some others get other numbers."""
        after = self.value_with(value_id, replaced)
        before = self.value_with(value_id, {other: self.array(other) for other in replaced})
        with np.errstate(invalid="ignore"):  # where both are infinite, which is no change
            return np.where(after == before, 0.0, after - before)

    def filled(self, value_id: int, fill: float) -> Array:
        """Return an array as large as a value, with one number at every place."""
        return np.full(self.values[value_id].shape, fill)

    def total(self, parts: Sequence[LossPart], arrays: Mapping[int, Array]) -> float:
        """Return what some parts add to the loss."""
        return float(sum(p.summand.factor * arrays[p.summand.value].sum() for p in parts))

    # --- gradients ---

    def total_with(self, parts: Sequence[LossPart], replaced: Mapping[int, Array]) -> float:
        """Return what some parts add to the loss where some values have other numbers."""
        return self.total(parts, self.experiment(replaced, [part.summand.value for part in parts]))

    def gradients(self, parts: Sequence[LossPart]) -> dict[int, Array]:
        """Return the gradient of some parts together, by hand, at every value it reaches."""

        key = ("gradients", *((part.summand.value, part.summand.factor) for part in parts))
        return self.kept(key, lambda: self.gradients_at(parts, self.values))

    def gradients_at(
        self, parts: Sequence[LossPart], values: Mapping[int, Array], towards: Collection[int] = ()
    ) -> dict[int, Array]:
        """Return the gradient of some parts together where a run has other numbers.

        Parameters
        ----------
        towards
            Values at which alone it is wanted.
        """
        total: dict[int, Array] = {}
        for part in parts:
            summand = part.summand
            graph = self.graph
            shares = backward(graph, values, summand.value, summand.factor, towards=towards)
            for value_id, share in shares.items():
                total[value_id] = total[value_id] + share if value_id in total else share
        return total

    def gradient_at(
        self, value_id: int, parts: Sequence[LossPart], values: Mapping[int, Array]
    ) -> Array | None:
        """Return the gradient of some parts at a value and its twins; None where they have none."""
        twins = self.twins(value_id)
        gradients = self.gradients_at(parts, values, twins)
        shares = [gradients[twin] for twin in twins if twin in gradients]
        return None if not shares else np.asarray(sum(shares[1:], shares[0]))


def once(
    measure: Callable[Concatenate[Anatomy, Given], Kept],
) -> Callable[Concatenate[Anatomy, Given], Kept]:
    """Let a function measure something of an anatomy once, and keep it there.

    That it does not apply is kept as well.
    """

    @wraps(measure)
    def kept(anatomy: Anatomy, /, *given: Given.args, **named: Given.kwargs) -> Kept:
        key = measure, given, tuple(named.items())
        return anatomy.kept(key, lambda: measure(anatomy, *given, **named))

    return kept


def drawn_elsewhere(run: Run, redrawn: Run | None) -> frozenset[int]:
    """Return the constants that are others in a run with other draws, as NumPy's noise is.

    A weight that is made anew in each run is none: it has a gradient.
    """
    if redrawn is None or not aligned(run, redrawn):
        return frozenset()
    return frozenset(
        value.id
        for value, other in zip(run.trace.values, redrawn.trace.values, strict=True)
        if value.kind == "constant"
        and value.id not in run.trace.gradients
        and value.array.dtype.kind == "f"
        and value.shape == other.shape
        and not np.array_equal(value.array, other.array)
    )


def aligned(run: Run, other: Run) -> bool:
    """Whether two runs made the same calls, so that their values have the same ids."""
    ours, theirs = run.trace.operations, other.trace.operations
    return len(run.trace.values) == len(other.trace.values) and [
        (operation.name, operation.outputs) for operation in ours
    ] == [(operation.name, operation.outputs) for operation in theirs]
