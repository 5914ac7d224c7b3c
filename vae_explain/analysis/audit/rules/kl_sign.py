"""`kl-sign`: a KL term that falls when the posterior moves away from the prior."""

from __future__ import annotations

from collections.abc import Iterator

from ....symbolic.printable import listed
from ..evidence.anatomy import Anatomy
from ..evidence.closed_form import CLOSED_FORM
from ..evidence.element_form import element_form
from ..evidence.experiments import probe, sigma_at
from ..evidence.finding import Finding, NotApplied, error, if_applied
from ..evidence.kl import measure
from ..evidence.posterior import Site
from .kl_form import is_slip
from .rule import AuditRule, at_each_site

FAR_OFF = 30.0
MOVED = 0.0, 1.0, 3.0, 100.0
RAW_GRID = tuple(i / 2 for i in range(-14, 15))
WIDEST, NARROWEST = 30.0, 0.03
ENOUGH = 1e-9


def look(anatomy: Anatomy, site: Site) -> Iterator[Finding]:
    try:
        measured = measure(anatomy, site)
    except NotApplied as why:
        form = if_applied(element_form, anatomy, site)
        if form is None:
            yield from _of_samples(anatomy, site, why)
        elif form.scale <= 0:
            yield error(
                f"{form.name} falls when the posterior moves away from its prior: minimizing the "
                "loss drives the two apart.",
                ("what", "found", "of a KL"),
                [("weight of an element", form.scale, 1.0)],
                f"Add {form.name} to the loss in place of taking it away.",
            )
        return
    scales = [(raw, sigma_at(anatomy, site, raw)) for raw in RAW_GRID]
    usable = [(raw, sigma) for raw, sigma in scales if NARROWEST <= sigma <= WIDEST]
    if not usable:
        raise NotApplied("no raw value gives z a scale between 0.03 and 30")
    name, parts = measured.name, measured.parts
    middle = min(usable, key=lambda pair: abs(pair[1] - 1))[0]
    by_mu = [probe(anatomy, site, parts, mu, middle) for mu in MOVED]
    rows = [(f"μ = {p.mu:g}", p.sigma, p.kl) for p in by_mu]
    start = by_mu[0].kl
    directions = []
    if by_mu[-1].kl < start - ENOUGH * abs(by_mu[-1].kl):
        directions.append("when μ moves away from 0")
    # Against another prior, or by another σ than that of z, a KL may fall on the way there,
    # and so may a penalty that is no KL.
    is_kl = measured.fit is not None and (
        measured.fit.kind in ("closed form", "part") or is_slip(measured.fit)
    )
    if is_kl and not measured.bent:
        for end, words in ((max, "σ grows"), (min, "σ shrinks")):
            far = probe(anatomy, site, parts, 0.0, end(usable, key=lambda pair: pair[1])[0])
            rows.append((words, far.sigma, far.kl))
            if far.kl < start - ENOUGH * max(abs(far.kl), abs(start)):
                directions.append(f"when {words}")
    if directions:
        yield error(
            f"{name} falls {listed(directions)}: minimizing the loss drives the "
            "posterior away from the prior.",
            ("posterior", "σ", "its part of the loss"),
            rows,
            f"Change the sign of {name} where it is made or added: the KL is {CLOSED_FORM}, never "
            "negative, and is added to the loss."
            if "when μ moves away from 0" in directions
            else f"One part of {name} has the wrong sign; the KL is {CLOSED_FORM}.",
        )


def _of_samples(anatomy: Anatomy, site: Site, why: NotApplied) -> Iterator[Finding]:
    """Judge a distance of z from samples of the prior, such as an MMD: it grows far away."""
    others = [p for p in anatomy.parts if site.index in p.samples and p.role != "reconstruction"]
    parts = [p for p in others if not (p.parameter or p.posteriors)]
    if not parts or len(parts) < len(others):
        raise why
    z = anatomy.array(site.z)
    near, far = (anatomy.total_with(parts, {site.z: array}) for array in (z, z + FAR_OFF))
    if far < near:
        name = anatomy.name_of(parts, "what measures z")
        yield error(
            f"{name} falls when {anatomy.latent(site)} moves {FAR_OFF:g} deviations of the prior "
            "away from it: minimizing the loss drives z away from the prior.",
            ("z", "its part of the loss"),
            (("of this run", near), ("far off", far)),
            f"Add {name} to the loss in place of taking it away.",
        )


RULE = AuditRule(
    "kl-sign",
    "a KL that falls when the posterior moves away from the prior",
    "experiments on the replay",
    "the KL grows when μ moves away from the prior, and when σ does",
    at_each_site(look),
)
