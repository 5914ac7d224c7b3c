"""Where a run samples its latents: z = location + scale · noise, found in the graph.

A draw from the standard normal is followed through what it is multiplied by to what it is
added to. The location and the scale are then expressions of what some layers gave out; the
last layer's output before the scale's own arithmetic is called its raw value here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...engine.roles import standard_draws
from .facts import Facts, copies, is_arithmetic, is_elementwise
from .linearity import effect


@dataclass(frozen=True)
class Site:
    """One place where latents are sampled.

    Attributes
    ----------
    index
        Its position among the sites of its run.
    noise, z
        The draw, and the sample made from it.
    location
        The value that the posterior's mean comes from, before changes of shape.
    chain
        The values from the scale back to the raw one that it is computed from, both
        among them; empty when the scale is a constant.
    drawn
        Whether PyTorch drew the sample itself, as `.sample()` does, so that no gradient
        can pass.
    sign
        -1 where the noise is subtracted, which is as good as adding it.
    """

    index: int
    noise: int
    z: int
    location: int
    chain: tuple[int, ...]
    drawn: bool = False
    sign: float = 1.0

    @property
    def raw(self) -> int | None:
        return self.chain[-1] if self.chain else None

    @property
    def scale(self) -> int | None:
        return self.chain[0] if self.chain else None

    @property
    def moments(self) -> tuple[int, ...]:
        """The location, and the scale where it is no constant."""
        return (self.location, *self.chain[:1])


@dataclass(frozen=True)
class Sampling:
    """The sites of a run, and of the draws that are none, why they are not."""

    sites: tuple[Site, ...]
    reasons: tuple[str, ...]


def find_sampling(facts: Facts) -> Sampling:
    """Return where a run samples its latents.

    Only samples that the loss is computed from count, and only those whose posterior has
    something learned in it and comes from the input: noise that is added to the input, a
    prior's own sample and the weights of a Bayesian layer are none.
    """
    sites: list[Site] = []
    reasons: list[str] = []
    reached = facts.graph.reaches_loss
    standard = set(standard_draws(facts.run))
    for value in facts.trace.values:
        if value.kind != "noise" or value.id not in reached:
            continue
        operation = facts.trace.operations[facts.trace.producer[value.id]]
        if operation.name == "dropout_mask":
            continue
        if operation.drawn_from:
            location, scale = operation.drawn_from
            head, chain = _head(facts, location), _chain(facts, scale)
            sites.append(Site(0, value.id, value.id, head, chain, drawn=True))
        elif value.id not in standard:
            reasons.append(
                f"{facts.name(value.id)} is not drawn from N(0, 1), but {_drawn(facts, value.id)}"
            )
        else:
            site = _followed(facts, value.id, value.id, reasons)
            sites += [site] if site else []
    learned = [site for site in sites if any(map(facts.learned, site.moments))]
    if sites and not learned:
        reasons.append("nothing is learned in what z is sampled from, as with a frozen encoder")
    of_input = [s for s in learned if any(map(facts.from_input, s.moments))] or learned
    scaled = [site for site in of_input if site.chain] or of_input
    numbered = tuple(replace(site, index=index) for index, site in enumerate(scaled))
    return Sampling(numbered, tuple(dict.fromkeys(reasons)))


def _drawn(facts: Facts, number: int) -> str:
    bound = facts.graph.producer(number)
    return f"by {bound.operation.name}" if bound else "given"


def _followed(
    facts: Facts,
    noise: int,
    current: int,
    reasons: list[str],
    factors: tuple[int, ...] = (),
    sign: float = 1.0,
) -> Site | None:
    """Follow a draw through what scales it to where something computed is added to it."""
    for bound in facts.graph.consumers(current):
        others = set(bound.sources.values()) - {current}
        if bound.output not in facts.graph.reaches_loss or bound.rule is None:
            continue
        if any(noise in facts.ancestors(other) for other in others):
            continue
        site = None
        if copies(bound):
            site = _followed(facts, noise, bound.output, reasons, factors, sign)
        elif is_elementwise(bound) and (entered := effect(bound, current)) is not None:
            scaled_by = (*factors, *entered.factors)
            turned = sign * entered.sign
            shifts = [number for number in entered.summands if not facts.fixed(number)]
            if len(shifts) == 1:
                return _site(facts, noise, bound.output, shifts[0], scaled_by, turned, reasons)
            if not shifts:
                site = _followed(facts, noise, bound.output, reasons, scaled_by, turned)
        elif bound.rule_name in ("matmul", "bmm", "linear"):
            reasons.append(f"{facts.name(noise)} goes into a {bound.rule_name}: a full covariance")
        if site is not None:
            return site
    return None


def _site(
    facts: Facts,
    noise: int,
    z: int,
    location: int,
    factors: Sequence[int],
    sign: float,
    reasons: list[str],
) -> Site | None:
    learned = [factor for factor in factors if facts.learned(factor)]
    if len(learned) > 1:
        reasons.append(f"{facts.name(noise)} is scaled by a product of learned values")
        return None
    chain = _chain(facts, learned[0]) if learned else ()
    return Site(0, noise, z, _head(facts, location), chain, sign=sign)


def _head(facts: Facts, number: int) -> int:
    return facts.walk_back(number, copies)[-1]


def _chain(facts: Facts, number: int) -> tuple[int, ...]:
    return tuple(facts.walk_back(number, is_arithmetic)) if facts.learned(number) else ()
