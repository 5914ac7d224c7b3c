"""`head-range`: a mean or a deviation of z that cannot be what the posterior has to be.

An activation behind the layer of a head bounds it. For z to be distributed as the prior
N(0, 1), Var(μ) + σ² is 1 in each latent, so that one whose σ is at least s tells at most -log s
about x: less than a bit where s is above ½. And a mean that lies on one side of 0, or within
one of the prior's deviations, leaves most of the prior's latents to the noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import numpy as np

from .anatomy import Anatomy
from .experiments import made_by_a_layer, sigma_at
from .finding import Cell, Evidence, Finding, NotApplied, Seen, decided
from .kl import measure
from .mending import Cure, left_out
from .posterior import Site
from .reach import GRID, reach
from .rule import AuditRule

ID = "head-range"
ONE_BIT = 0.5  # a posterior's σ, of a prior's of 1, that tells one bit
DEVIATION = 1.0  # the prior's
SHOWN = (-100.0, -3.0, -1.0, 0.0, 1.0, 3.0, 100.0)


def look(anatomy: Anatomy) -> Seen:
    seen = decided(anatomy.sites(), partial(_site, anatomy))
    return Seen("what μ and σ of z can be", tuple(finding for found in seen for finding in found))


def _site(anatomy: Anatomy, site: Site) -> list[Finding]:
    if site.of_one_number:
        return [_one_tensor(anatomy, site)]
    measured = measure(anatomy, site)
    if measured.fit is not None and measured.fit.kind == "another prior":
        raise NotApplied("the prior is not N(0, 1)")
    findings = []
    reasons = []
    for look_at in (_mean, _deviation):
        try:
            findings += look_at(anatomy, site)
        except NotApplied as why:
            reasons.append(why)
    if len(reasons) == 2:
        raise reasons[0]
    return findings


def _mean(anatomy: Anatomy, site: Site) -> list[Finding]:
    found = reach(anatomy, site.location, whole_rows=True)
    if found.low < -DEVIATION and found.high > DEVIATION:
        return []
    name = anatomy.lineage.name(site.location)
    side = (
        "never below 0" if found.low >= 0 else "never above 0" if found.high <= 0
        else "within one deviation of the prior"
    )  # fmt: skip
    return [
        _finding(
            anatomy,
            f"{name}, the mean of {anatomy.latent(site)}, can only lie in {found.words}, {side}: "
            "the prior's N(0, 1) goes beyond that on both sides.",
            [(f"layer gives {given:g}", value) for given, value in found.curve if given in SHOWN],
            found.way,
        )
    ]


def _deviation(anatomy: Anatomy, site: Site) -> list[Finding]:
    if site.raw is None:
        raise NotApplied("the scale of z is a constant")
    raws: Sequence[float] = GRID
    way = site.chain
    if not made_by_a_layer(anatomy, site.raw):
        found = reach(anatomy, site.raw, whole_rows=True)
        low, high = max(found.low, GRID[0]), min(found.high, GRID[-1])
        raws = [low, *(raw for raw in GRID if low < raw < high), high]
        way += found.way[1:]
    curve = [(raw, sigma_at(anatomy, site, raw)) for raw in raws]
    sizes = [abs(sigma) for _, sigma in curve if np.isfinite(sigma)]
    lowest, highest = min(sizes), max(sizes)
    if lowest <= ONE_BIT:
        return []
    few = len(curve) < len(SHOWN)
    name, head = anatomy.lineage.name(site.chain[0]), anatomy.lineage.name(site.chain[-1])
    ends = f"σ ≥ {lowest:.3g}" if highest > GRID[-1] / 10 else f"{lowest:.3g} ≤ σ ≤ {highest:.3g}"
    tells = (
        f"a latent that keeps to the prior tells at most {-np.log2(lowest):.2g} bits about x"
        if lowest < 1
        else "no latent is ever narrower than the prior, as one that tells of x has to be"
    )
    return [
        _finding(
            anatomy,
            f"whatever {head} is, {ends} always, for {name}, the deviation of "
            f"{anatomy.latent(site)}: {tells}.",
            [(f"{head} = {raw:.3g}", sigma) for raw, sigma in curve if raw in SHOWN or few],
            way,
        )
    ]


def _finding(
    anatomy: Anatomy, title: str, rows: Sequence[tuple[Cell, ...]], way: Sequence[int]
) -> Finding:
    return Finding(
        ID,
        "warning",
        title,
        Evidence(("where", "value"), tuple(rows)),
        cures=tuple(without(anatomy, way)),
    )


def without(anatomy: Anatomy, way: Sequence[int]) -> list[Cure]:
    """Return, for each activation on a way, that it be taken off."""
    cures = []
    for behind, before in pairwise(way):
        bound = anatomy.lineage.graph.producer(behind)
        if bound is None or anatomy.values[behind].shape != anatomy.values[before].shape:
            continue
        before_name = anatomy.lineage.name(before)
        words = (
            f"Take the {bound.rule_name} off {before_name}"
            if len(bound.sources) == 1
            else f"Use {before_name} in place of {anatomy.lineage.formula(behind)}"
        )
        cures.append(Cure(f"{words}: a head is a plain layer.", left_out(behind, before)))
    return cures[::-1]


def _one_tensor(anatomy: Anatomy, site: Site) -> Finding:
    location, scale = anatomy.lineage.name(site.location), anatomy.lineage.name(site.chain[0])
    shape = anatomy.values[site.location].shape
    unused = [
        value.name or ""
        for value in anatomy.trace.values
        if value.kind == "parameter"
        and value.id not in anatomy.trace.gradients
        and value.id not in anatomy.trace.frozen
        and not anatomy.trace.consumers.get(value.id)
    ]
    verb = "gets" if len(unused) == 1 else "get"
    beside = f"; {' and '.join(unused)} {verb} no gradient" if unused else ""
    return Finding(
        ID,
        "warning",
        f"μ and log σ² of {anatomy.latent(site)} are one and the same tensor: {location} is the "
        f"mean, and {scale} is made from it too{beside}.",
        Evidence(
            ("what", "shape"),
            ((location, str(list(shape))), *((name, "not used") for name in unused)),
        ),
        "Give the log-variance a layer of its own"
        + (f", as {unused[0].rsplit('.', 1)[0]}." if unused else "."),
    )


RULE = AuditRule(
    ID, "a mean or deviation of z that an activation bounds", "experiments on the replay", look
)
