"""Where a run samples its latents: z = location + scale · noise, found in the graph.

A draw from the standard normal is followed through what it is multiplied by to what it is
added to. The location and the scale are then expressions of what some layers gave out; the
last layer's output before the scale's own arithmetic is called its raw value here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...engine.roles import standard_draws
from .facts import INPUT, MOVING, POINTWISE, SPREADING, Facts

STRIPPED = MOVING | SPREADING
ARITHMETIC = POINTWISE | MOVING | SPREADING


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
    found: list[Site] = []
    reasons: list[str] = []
    reached = facts.graph.reaches_loss
    standard = set(standard_draws(facts.run))
    for value in facts.trace.values:
        if value.kind != "noise" or value.id not in reached:
            continue
        position = facts.trace.producer[value.id]
        operation = facts.trace.operations[position]
        if operation.name == "dropout_mask":
            continue
        if operation.drawn_from:
            location, scale = operation.drawn_from
            found.append(
                Site(
                    0, value.id, value.id, _head(facts, location), _chain(facts, scale), drawn=True
                )
            )
        elif value.id not in standard:
            reasons.append(
                f"{facts.name(value.id)} is not drawn from N(0, 1), but {_drawn(facts, value.id)}"
            )
        else:
            site = _followed(facts, value.id, value.id, [], reasons)
            found += [site] if site else []
    given = [site for site in found if _learned(facts, site)]
    if found and not given:
        reasons.append("nothing is learned in what z is sampled from, as with a frozen encoder")
    wanted = [site for site in given if _from_input(facts, site)] or given
    scaled = [site for site in wanted if site.chain]
    sites = tuple(replace(site, index=index) for index, site in enumerate(scaled or wanted))
    return Sampling(sites, tuple(dict.fromkeys(reasons)))


def _drawn(facts: Facts, number: int) -> str:
    bound = facts.graph.producer(number)
    return f"by {bound.operation.name}" if bound else "given"


def _learned(facts: Facts, site: Site) -> bool:
    return facts.learned(site.location) or (site.scale is not None and facts.learned(site.scale))


def _from_input(facts: Facts, site: Site) -> bool:
    flags = facts.flags[site.location] | (facts.flags[site.scale] if site.scale is not None else 0)
    return bool(flags & INPUT)


def _followed(
    facts: Facts, noise: int, current: int, factors: list[int], reasons: list[str]
) -> Site | None:
    for bound in facts.graph.consumers(current):
        if bound.output not in facts.graph.reaches_loss or bound.rule is None:
            continue
        name = bound.rule.name
        pairs = list(zip(bound.operands, bound.slots, strict=True))
        others = [int(o) for o, slot in pairs if slot and int(o) != current]
        if any(noise in facts.ancestors(other) for other in others):
            continue
        site = None
        if name in STRIPPED:
            site = _followed(facts, noise, bound.output, factors, reasons)
        elif name == "mul" or (name == "div" and pairs[0] == (current, True)):
            site = _followed(facts, noise, bound.output, [*factors, *others], reasons)
        elif name in ("add", "sub") and "alpha" not in bound.attributes:
            if others and not facts.fixed(others[0]):
                subtracted = name == "sub" and pairs[1] == (current, True)
                sign = -1.0 if subtracted else 1.0
                return _site(facts, noise, bound.output, others[0], factors, reasons, sign)
            site = _followed(facts, noise, bound.output, factors, reasons)
        elif name in ("matmul", "bmm", "linear"):
            reasons.append(f"{facts.name(noise)} goes into a {name}: a full covariance")
        if site is not None:
            return site
    return None


def _site(
    facts: Facts,
    noise: int,
    z: int,
    location: int,
    factors: list[int],
    reasons: list[str],
    sign: float,
) -> Site | None:
    learned = [factor for factor in factors if facts.learned(factor)]
    if len(learned) > 1:
        reasons.append(f"{facts.name(noise)} is scaled by a product of learned values")
        return None
    chain = _chain(facts, learned[0]) if learned else ()
    return Site(0, noise, z, _head(facts, location), chain, sign=sign)


def _head(facts: Facts, number: int) -> int:
    return facts.walk_back(number, STRIPPED.__contains__)[-1]


def _chain(facts: Facts, number: int) -> tuple[int, ...]:
    if not facts.learned(number):
        return ()
    return tuple(facts.walk_back(number, ARITHMETIC.__contains__))
