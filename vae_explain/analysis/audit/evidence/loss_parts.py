"""What each summand of the loss is for, by what it still needs once the latents are given.

With every sample z, and every posterior's location and raw scale taken as given, a
reconstruction still needs the input (its target) beside z, a KL needs the posterior alone,
and an estimate of a KL from the sample needs z and no input.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Literal

from ....quick_classes import NamedTuple
from .lineage import Lineage
from .posterior import Site
from .summands import Summand

Role = Literal["reconstruction", "kl", "sampled", "learned prior", "other"]


class LossPart(NamedTuple):
    """A summand with its role, and the sites whose posterior or sample it needs.

    `mixed` says that a reconstruction needs a posterior by another way than the sample, and
    `parameter` that a parameter goes into the part beside them.
    """

    summand: Summand
    role: Role
    posteriors: frozenset[int]
    samples: frozenset[int]
    mixed: bool = False
    parameter: bool = False


class _Needs(NamedTuple):
    samples: frozenset[int]
    posteriors: frozenset[int]
    input: bool
    parameter: bool
    given: bool


def find_parts(
    lineage: Lineage, summands: Sequence[Summand], sites: Sequence[Site]
) -> tuple[LossPart, ...]:
    """Return the role of each summand of a loss."""
    needs = [_needs(lineage, summand.value, sites) for summand in summands]
    used = any(site.used for site in sites)
    # A target that was made by something we don't see, as a cast to integers, is a constant; and
    # where the decoder has no parameters, as that of a graph, the target is what shows.
    shows = next(
        (
            kind
            for kind in (attrgetter("input"), attrgetter("parameter"))
            if any(kind(need) and (need.samples if used else need.posteriors) for need in needs)
        ),
        attrgetter("given"),
    )
    parts = zip(summands, needs, strict=True)
    return tuple(_part(summand, need, shows(need), used) for summand, need in parts)


def _part(summand: Summand, need: _Needs, is_recon: bool, used: bool) -> LossPart:
    role: Role = "other"
    if need.samples or (need.posteriors and is_recon and not used):
        role = "reconstruction" if is_recon else "sampled"
    elif need.posteriors and not need.input:
        role = "learned prior" if need.parameter else "kl"
    mixed = role == "reconstruction" and bool(need.posteriors and need.samples)
    return LossPart(summand, role, need.posteriors, need.samples, mixed, need.parameter)


def _needs(lineage: Lineage, value_id: int, sites: Sequence[Site]) -> _Needs:
    samples: dict[int, int] = {}
    posteriors: dict[int, int] = {}
    for site in sites:
        samples |= dict.fromkeys(lineage.twins(site.z), site.index)
        posteriors |= dict.fromkeys(lineage.twins(site.location), site.index)
        if site.raw is not None:
            posteriors |= dict.fromkeys(lineage.twins(site.raw), site.index)

    def behind(current: int) -> list[int]:
        is_known = current in samples or current in posteriors
        return [] if is_known else lineage.made_from(current)

    def compared(current: int) -> list[int]:
        # A target is x itself: what a layer makes of it is a prior's condition, or a decoder's.
        made = lineage.from_layer(current) and lineage.learned(current)
        return [] if made else behind(current)

    reached = set(lineage.walk(value_id, behind))
    targets = set(lineage.walk(value_id, compared)) & reached
    computed = reached - samples.keys() - posteriors.keys() - lineage.trace.frozen
    kinds = {lineage.trace.values[current].kind for current in computed}
    return _Needs(
        frozenset(samples[current] for current in reached & samples.keys()),
        frozenset(posteriors[current] for current in reached & posteriors.keys() - samples.keys()),
        "input" in {lineage.trace.values[n].kind for n in targets & computed},
        "parameter" in kinds,
        any(_is_given(lineage, value_id) for value_id in computed),
    )


def _is_given(lineage: Lineage, value_id: int) -> bool:
    """Whether a value is data that the model holds, and not one number everywhere."""
    value = lineage.trace.values[value_id]
    return value.kind in ("buffer", "constant") and bool(
        (value.array != value.array.flat[:1]).any()
    )
