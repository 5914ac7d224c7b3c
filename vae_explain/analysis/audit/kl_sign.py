"""`kl-sign`: a KL term that falls when the posterior moves away from the prior."""

from __future__ import annotations

from .anatomy import Anatomy
from .element_form import element_form
from .experiments import probe
from .finding import Evidence, Finding, NotApplied, Seen
from .kl import measure
from .kl_form import is_slip
from .posterior import Site
from .rule import AuditRule, at_each_site

ID = "kl-sign"
FAR_OFF = 30.0
MOVED = 0.0, 1.0, 3.0, 100.0
RAW_GRID = tuple(i / 2 for i in range(-14, 15))
WIDEST, NARROWEST = 30.0, 0.03
ENOUGH = 1e-9


def look(anatomy: Anatomy) -> Seen:
    return at_each_site(
        anatomy, _site, "the KL grows when μ moves away from the prior, and when σ does"
    )


def _site(anatomy: Anatomy, site: Site) -> list[Finding]:
    try:
        measured = measure(anatomy, site)
    except NotApplied as why:
        return _of_learned_prior(anatomy, site, why)
    parts = measured.parts
    name = measured.name
    scales = [(raw, probe(anatomy, site, (), 0.0, raw).sigma) for raw in RAW_GRID]
    usable = [(raw, sigma) for raw, sigma in scales if NARROWEST <= sigma <= WIDEST]
    if not usable:
        raise NotApplied("no raw value gives z a scale between 0.03 and 30")
    middle = min(usable, key=lambda pair: abs(pair[1] - 1))[0]
    by_mu = [probe(anatomy, site, parts, mu, middle) for mu in MOVED]
    rows = [(f"μ = {p.mu:g}", p.sigma, p.kl) for p in by_mu]
    start = by_mu[0].kl
    directions = []
    if by_mu[-1].kl < start - ENOUGH * abs(by_mu[-1].kl):
        directions.append("μ moves away from 0")
    # Against another prior, or by another σ than that of z, a KL may fall on the way there,
    # and so may a penalty that is no KL.
    is_kl = measured.fit is not None and (
        measured.fit.kind in ("closed form", "part") or is_slip(measured.fit)
    )
    if is_kl and not measured.bent:
        for raw, words in (
            (max(usable, key=lambda pair: pair[1])[0], "σ grows"),
            (min(usable, key=lambda pair: pair[1])[0], "σ shrinks"),
        ):
            far = probe(anatomy, site, parts, 0.0, raw)
            rows.append((words, far.sigma, far.kl))
            if far.kl < start - ENOUGH * max(abs(far.kl), abs(start)):
                directions.append(words)
    if not directions:
        return []
    return [
        Finding(
            ID,
            "error",
            f"{name} falls {_listed(directions)}: minimizing the loss drives the "
            "posterior away from the prior.",
            Evidence(("posterior", "σ", "its part of the loss"), tuple(rows)),
            f"Change the sign of {name} where it is made or added: "
            "the KL is ½·Σ(μ² + σ² - 1 - log σ²), never negative, and is added to the loss."
            if "μ moves away from 0" in directions
            else f"One part of {name} has the wrong sign; the KL is ½·Σ(μ² + σ² - 1 - log σ²).",
        )
    ]


def _of_learned_prior(anatomy: Anatomy, site: Site, why: NotApplied) -> list[Finding]:
    try:
        form = element_form(anatomy, site)
    except NotApplied:
        return _of_samples(anatomy, site, why)
    if form.scale > 0:
        return []
    return [
        Finding(
            ID,
            "error",
            f"{form.name} falls when the posterior moves away from its prior: minimizing the "
            "loss drives the two apart.",
            Evidence(("what", "found", "of a KL"), (("weight of an element", form.scale, 1.0),)),
            f"Add {form.name} to the loss in place of taking it away.",
        )
    ]


def _of_samples(anatomy: Anatomy, site: Site, why: NotApplied) -> list[Finding]:
    """Judge a distance of z from samples of the prior, such as an MMD: it grows far away."""
    others = [p for p in anatomy.parts if site.index in p.samples and p.role != "reconstruction"]
    parts = [p for p in others if not (p.parameter or p.posteriors)]
    if not parts or len(parts) < len(others):
        raise why
    wanted = [part.summand.value for part in parts]
    z = anatomy.array(site.z)
    found = []
    for array in (z, z + FAR_OFF):
        found.append(anatomy.total(parts, anatomy.experiment({site.z: array}, wanted)))
    near, far = found
    if far >= near:
        return []
    name = anatomy.name_of(parts, "what measures z")
    return [
        Finding(
            ID,
            "error",
            f"{name} falls when {anatomy.latent(site)} moves {FAR_OFF:g} deviations of the prior "
            "away from it: minimizing the loss drives z away from the prior.",
            Evidence(("z", "its part of the loss"), (("of this run", near), ("far off", far))),
            f"Add {name} to the loss in place of taking it away.",
        )
    ]


def _listed(directions: list[str]) -> str:
    *first, last = [f"when {words}" for words in directions]
    return f"{', '.join(first)} and {last}" if first else last


RULE = AuditRule(
    ID,
    "a KL that falls when the posterior moves away from the prior",
    "experiments on the replay",
    look,
)
