"""Where a run samples its latents: z = location + scale · noise, found in the graph.

A draw from the standard normal is followed through what it is multiplied by to what it is
added to. The location and the scale are then expressions of what some layers gave out; the
last layer's output before the scale's own arithmetic is called its raw value here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ....engine.roles import standard_draws
from ....quick_classes import NamedTuple, dataclass
from .lineage import Lineage, is_elementwise
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
    of_one_number
        Whether the mean and the scale are made from the same value.
    used
        Whether the loss is computed from the sample.
    """

    index: int
    noise: int
    z: int
    location: int
    chain: tuple[int, ...]
    drawn: bool = False
    sign: float = 1.0
    of_one_number: bool = False
    used: bool = True

    @property
    def raw(self) -> int | None:
        return self.chain[-1] if self.chain else None

    @property
    def scale(self) -> int | None:
        return self.chain[0] if self.chain else None

    @property
    def decoded(self) -> int:
        """What the decoder is given of it: the mean, where the sample is not used."""
        return self.z if self.used else self.location

    @property
    def moments(self) -> tuple[int, ...]:
        """The location, and the scale where it is no constant."""
        return (self.location, *self.chain[:1])


class Sampling(NamedTuple):
    """The sites of a run, and of the draws that are none, why they are not."""

    sites: tuple[Site, ...]
    reasons: tuple[str, ...]


def find_sampling(lineage: Lineage) -> Sampling:
    """Return where a run samples its latents.

    Only those whose posterior has something learned in it and comes from the input: noise
    that is added to the input, a prior's own sample and the weights of a Bayesian layer are
    none. A sample that the loss is not computed from counts where there is no other.
    """
    reasons: list[str] = []
    for used in (True, False):
        search = _Search(lineage, used)
        sites = search.sites()
        reasons += search.reasons if used else []
        learned = [site for site in sites if any(map(lineage.learned, site.moments))]
        if sites and not learned and used:
            reasons.append("nothing is learned in what z is sampled from, as with a frozen encoder")
        of_input = [s for s in learned if any(map(lineage.from_input, s.moments))] or learned
        scaled = [site for site in of_input if site.chain] or of_input
        if scaled:
            break
    numbered = tuple(replace(site, index=index) for index, site in enumerate(scaled))
    return Sampling(numbered, tuple(dict.fromkeys(reasons)))


class _Search:
    """Looks for sites, and gathers why a draw makes none."""

    def __init__(self, lineage: Lineage, used: bool) -> None:
        self.lineage = lineage
        self.used = used
        self.reasons: list[str] = []

    def sites(self) -> list[Site]:
        lineage, trace = self.lineage, self.lineage.trace
        standard = set(standard_draws(lineage.run)) | lineage.drawn_elsewhere
        sites: list[Site] = []
        for draw in (value.id for value in trace.values if lineage.is_draw(value.id)):
            if (draw in lineage.graph.reaches_loss) != self.used or draw in lineage.strays:
                continue
            moments: tuple[int, ...] = ()
            if draw in trace.producer:
                operation = trace.operations[trace.producer[draw]]
                moments = operation.drawn_from
                if operation.name == "dropout_mask":
                    continue
            if any(not lineage.fixed(moment) for moment in moments):
                location, scale = moments
                head, chain = self._head(location), self._chain(scale)
                sites.append(self._made(draw, draw, head, chain, drawn=True))
                continue
            site = self._followed(draw, draw)
            sites += [site] if site else []
            if site is None and draw not in standard:
                drawn_by = lineage.graph.op_name(draw)
                how = f"by {drawn_by}" if drawn_by else "given"
                self.reasons.append(f"{lineage.name(draw)} is not drawn from N(0, 1), but {how}")
        # A draw that is multiplied by noise from N(0, 1) is a scale, and no noise by itself.
        by_noise = {site.z for site in sites if site.noise in standard}
        return [site for site in sites if site.noise in standard or site.z not in by_noise]

    def _followed(
        self, noise: int, current: int, factors: tuple[int, ...] = (), sign: float = 1.0
    ) -> Site | None:
        """Follow a draw through what scales it to where something computed is added to it."""
        lineage = self.lineage
        for bound in lineage.graph.consumers(current):
            others = set(bound.sources.values()) - {current}
            reaches = bound.output in lineage.graph.reaches_loss
            if (self.used and not reaches) or bound.rule is None:
                continue
            if any(noise in lineage.ancestors(other) for other in others):
                continue
            site = None
            if lineage.copies(bound):
                site = self._followed(noise, bound.output, factors, sign)
            elif is_elementwise(bound) and (entered := effect(bound, current)) is not None:
                scaled_by, turned = (*factors, *entered.factors), sign * entered.sign
                shifts = [value_id for value_id in entered.summands if not lineage.fixed(value_id)]
                if len(shifts) == 1:
                    return self._site(noise, bound.output, shifts[0], scaled_by, turned)
                if not shifts:
                    site = self._followed(noise, bound.output, scaled_by, turned)
            elif bound.kind == "contraction":
                name, op = lineage.name(noise), bound.rule_name
                article = "an" if op[0] in "aeiou" else "a"
                self.reasons.append(f"{name} goes into {article} {op}: a full covariance")
            if site is not None:
                return site
        return None

    def _site(
        self, noise: int, z: int, location: int, factors: Sequence[int], sign: float
    ) -> Site | None:
        learned = [factor for factor in factors if self.lineage.learned(factor)]
        if len(learned) > 1:
            name = self.lineage.name(noise)
            self.reasons.append(f"{name} is scaled by a product of learned values")
            return None
        values, head = self.lineage.values, self._head(location)
        if not learned and values[z].size not in (values[noise].size, values[head].size):
            return None  # all pairs of two sets, as a distance of z from the prior's own sample
        chain = self._chain(learned[0]) if learned else ()
        return self._made(noise, z, head, chain, sign=sign)

    def _made(
        self,
        noise: int,
        z: int,
        location: int,
        chain: tuple[int, ...],
        drawn: bool = False,
        sign: float = 1.0,
    ) -> Site:
        same = self.lineage.twins(location)
        shared = any(value_id in same for value_id in chain) and bool(chain)
        return Site(0, noise, z, location, chain, drawn, sign, shared, self.used)

    def _head(self, value_id: int) -> int:
        return self.lineage.walk_back(value_id, self.lineage.copies)[-1]

    def _chain(self, value_id: int) -> tuple[int, ...]:
        learned = self.lineage.learned(value_id)
        way = self.lineage.walk_back(value_id, self.lineage.is_arithmetic) if learned else ()
        return tuple(way)
