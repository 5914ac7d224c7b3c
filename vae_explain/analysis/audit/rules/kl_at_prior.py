"""`kl-at-prior`: a KL of no known form that is lower elsewhere than at the prior.

Whatever its form, a divergence from the prior is least where the posterior is the prior, at
μ = 0 and σ = 1. Its numbers on the grid say whether it is.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..evidence.anatomy import Anatomy
from ..evidence.closed_form import CLOSED_FORM, nearest
from ..evidence.element_form import element_form
from ..evidence.experiments import probe, sigma_at
from ..evidence.finding import Finding, NotApplied, if_applied, warning
from ..evidence.kl import measure
from ..evidence.posterior import Site
from .rule import AuditRule, at_each_site

STEPS = 60  # of halving, down to the last bits of a float64
FAR = 30.0  # the raw values that are asked
LOWER = 1e-6  # of the KL's range on the grid


def look(anatomy: Anatomy, site: Site) -> Iterator[Finding]:
    try:
        measured = measure(anatomy, site)
    except NotApplied:
        if if_applied(element_form, anatomy, site) is None:
            raise
        return  # least at its learned prior, by a form that kl-form speaks of
    if measured.fit is not None:
        return  # of a form that kl-form speaks of
    if measured.sampled:
        raise NotApplied("the prior that the sample is measured by is not known to be N(0, 1)")
    if not measured.probes:
        raise NotApplied("the KL has no numbers on the grid, as where a clamp holds all of it")
    at_prior = probe(anatomy, site, measured.parts, 0.0, _raw_of_one(anatomy, site))
    lowest = min(measured.probes, key=lambda each: each.kl)
    reach = float(np.ptp([each.kl for each in measured.probes]))
    if not np.isfinite(at_prior.kl) or at_prior.kl - lowest.kl <= LOWER * reach:
        return
    name, there = measured.name, f"μ = {lowest.mu:g}"
    yield warning(
        f"{name} is of no form of a KL that we know, and is lower at {there}, σ = "
        f"{lowest.sigma:.3g} than where the posterior is the prior: minimizing it drives z "
        f"away from N(0, 1). The nearest form is {nearest(measured.probes)}.",
        ("posterior", "σ", "its part of the loss"),
        (
            ("the prior, μ = 0", at_prior.sigma, at_prior.kl),
            (there, lowest.sigma, lowest.kl),
        ),
        f"Write {name} as the closed form, {CLOSED_FORM}, which is 0 at the prior.",
    )


def _raw_of_one(anatomy: Anatomy, site: Site) -> float:
    """Return the raw value at which σ is 1; `NotApplied` where there is none."""

    def above(raw: float) -> float:
        return sigma_at(anatomy, site, raw) - 1.0

    low, high = -FAR, FAR
    if not above(low) * above(high) < 0:
        raise NotApplied("no raw value gives z the prior's deviation")
    rising = above(high) > 0
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if (above(middle) > 0) == rising else (middle, high)
    return (low + high) / 2


RULE = AuditRule(
    "kl-at-prior",
    "a KL of unknown form whose minimum is not at the prior",
    "experiments on the replay",
    "the KL is smallest where the posterior equals the prior",
    at_each_site(look),
)
