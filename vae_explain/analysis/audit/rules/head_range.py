"""`head-range`: a mean or a deviation of z that cannot be what the posterior has to be.

An activation behind the layer of a head bounds it. For z to be distributed as the prior
N(0, 1), Var(μ) + σ² is 1 in each latent, so that one whose σ is at least s tells at most -log s
about x: less than a bit where s is above ½. And a mean that lies on one side of 0, or within
one of the prior's deviations, leaves most of the prior's latents to the noise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, pairwise

import numpy as np

from ..evidence.anatomy import Anatomy
from ..evidence.experiments import made_by_a_layer, sigma_at
from ..evidence.finding import Finding, NotApplied, decided, warning
from ..evidence.kl import measure
from ..evidence.mending import Cure, instead_of
from ..evidence.posterior import Site
from ..evidence.reach import GRID, reach
from .rule import AuditRule, at_each_site

ONE_BIT = 0.5  # a posterior's σ, of a prior's of 1, that tells one bit
DEVIATION = 1.0  # the prior's
SHOWN = (-100.0, -3.0, -1.0, 0.0, 1.0, 3.0, 100.0)


def look(anatomy: Anatomy, site: Site) -> Iterator[Finding]:
    if site.of_one_number:
        yield _one_tensor(anatomy, site)
        return
    measured = measure(anatomy, site)
    if measured.fit is not None and measured.fit.kind == "another prior":
        raise NotApplied("the prior is not N(0, 1)")
    yield from chain(*decided((_mean, _deviation), lambda look_at: look_at(anatomy, site)))


def _mean(anatomy: Anatomy, site: Site) -> list[Finding]:
    reached = reach(anatomy, site.location, whole_rows=True)
    if reached.low < -DEVIATION and reached.high > DEVIATION:
        return []
    name = anatomy.name(site.location)
    side = (
        "never below 0" if reached.low >= 0 else "never above 0" if reached.high <= 0
        else "within one deviation of the prior"
    )  # fmt: skip
    return [
        warning(
            f"{name}, the mean of {anatomy.latent(site)}, can only lie in {reached.words}, {side}: "
            "the prior's N(0, 1) goes beyond that on both sides.",
            ("where", "value"),
            [
                (f"layer gives {answer:g}", value)
                for answer, value in reached.curve
                if answer in SHOWN
            ],
            cures=without(anatomy, reached.way),
        )
    ]


def _deviation(anatomy: Anatomy, site: Site) -> list[Finding]:
    if site.raw is None:
        raise NotApplied("the scale of z is a constant")
    raws: Sequence[float] = GRID
    way = site.chain
    if not made_by_a_layer(anatomy, site.raw):
        reached = reach(anatomy, site.raw, whole_rows=True)
        low, high = max(reached.low, GRID[0]), min(reached.high, GRID[-1])
        raws = [low, *(raw for raw in GRID if low < raw < high), high]
        way += reached.way[1:]
    curve = [(raw, sigma_at(anatomy, site, raw)) for raw in raws]
    sizes = [abs(sigma) for _, sigma in curve if np.isfinite(sigma)]
    lowest, highest = min(sizes), max(sizes)
    if lowest <= ONE_BIT:
        return []
    few = len(curve) < len(SHOWN)
    name, head = anatomy.name(site.chain[0]), anatomy.name(site.chain[-1])
    ends = f"σ ≥ {lowest:.3g}" if highest > GRID[-1] / 10 else f"{lowest:.3g} ≤ σ ≤ {highest:.3g}"
    tells = (
        f"a latent that keeps to the prior tells at most {-np.log2(lowest):.2g} bits about x"
        if lowest < 1
        else "no latent is ever narrower than the prior, as one that tells of x has to be"
    )
    return [
        warning(
            f"whatever {head} is, {ends} always, for {name}, the deviation of "
            f"{anatomy.latent(site)}: {tells}.",
            ("where", "value"),
            [(f"{head} = {raw:.3g}", sigma) for raw, sigma in curve if raw in SHOWN or few],
            cures=without(anatomy, way),
        )
    ]


def without(anatomy: Anatomy, way: Sequence[int]) -> list[Cure]:
    """Return, for each activation on a way, that it be taken off."""
    cures = []
    for behind, before in pairwise(way):
        bound = anatomy.graph.producer(behind)
        if bound is None or anatomy.values[behind].shape != anatomy.values[before].shape:
            continue
        before_name = anatomy.name(before)
        words = (
            f"Take the {bound.rule_name} off {before_name}"
            if len(bound.sources) == 1
            else f"Use {before_name} in place of {anatomy.formula(behind)}"
        )
        cures.append(Cure(f"{words}: a head is a plain layer.", instead_of({behind: before})))
    return cures[::-1]


def _one_tensor(anatomy: Anatomy, site: Site) -> Finding:
    location, scale = anatomy.name(site.location), anatomy.name(site.chain[0])
    trace = anatomy.trace
    unused = [
        value.name or ""
        for value in anatomy.trained
        if value.id not in trace.gradients and not trace.consumers.get(value.id)
    ]
    verb = "gets" if len(unused) == 1 else "get"
    beside = f"; {' and '.join(unused)} {verb} no gradient" if unused else ""
    of_its_own = f", as {unused[0].rsplit('.', 1)[0]}" if unused else ""
    return warning(
        f"μ and log σ² of {anatomy.latent(site)} are one and the same tensor: {location} is the "
        f"mean, and {scale} is made from it too{beside}.",
        ("what", "shape"),
        [
            (location, anatomy.values[site.location].shape),
            *((name, "not used") for name in unused),
        ],
        f"Give the log-variance a layer of its own{of_its_own}.",
    )


RULE = AuditRule(
    "head-range",
    "a mean or deviation of z that an activation bounds",
    "experiments on the replay",
    "μ and σ of z can take the values that they need",
    at_each_site(look),
)
