"""`noise-detached`: no gradient of the reconstruction reaches the posterior through z."""

from __future__ import annotations

import numpy as np

from ...engine.backward_pass import backward
from ...trace import Array
from .anatomy import Anatomy
from .experiments import kl_candidates
from .finding import Cell, Evidence, Finding, NotApplied, Seen
from .posterior import Site
from .rule import AuditRule

ID = "noise-detached"


def look(anatomy: Anatomy) -> Seen:
    sites = anatomy.latents or anatomy.sites()
    reconstruction = anatomy.reconstruction()
    findings = []
    for site in sites:
        if any(site.index in part.samples for part in reconstruction):
            findings += _site(anatomy, site)
    return Seen("the reconstruction's gradient passes through z to μ and to σ", tuple(findings))


def _site(anatomy: Anatomy, site: Site) -> list[Finding]:
    parts = tuple(p for p in anatomy.reconstruction() if site.index in p.samples)
    arriving = anatomy.gradients(parts)
    if site.drawn and _by_score(anatomy, site):
        raise NotApplied("z is drawn without a gradient, and a log-probability brings it instead")
    through: dict[int, Array] = {}
    if site.z in anatomy.trace.gradients:
        through = backward(anatomy.lineage.graph, anatomy.values, site.z)
    relaxed = any(each.site == site for each in anatomy.categories)
    heads = [] if relaxed else _scale_heads(anatomy, site)
    reached_z = site.z in arriving
    cut: list[tuple[int, str]] = []
    if anatomy.lineage.learned(site.location) and not (reached_z and site.location in through):
        cut.append((site.location, "μ"))
    cut += [(h, "the log-variance") for h in heads if not (reached_z and h in through)]
    if not cut:
        return []
    rows: list[tuple[Cell, ...]] = []
    for number, _ in cut:
        total = anatomy.run.gradients.get(number)
        size = 0.0 if total is None else float(np.abs(total).max())
        rows.append((anatomy.lineage.name(number), 0.0, size))
    names = " and ".join(anatomy.lineage.name(number) for number, _ in cut)
    return [
        Finding(
            ID,
            "error",
            f"no gradient of the reconstruction reaches {names} through {anatomy.latent(site)}.",
            Evidence(("value", "gradient through z", "largest gradient of the loss"), tuple(rows)),
            _mend(anatomy, site, reached_z, {number for number, _ in cut}),
        )
    ]


def _by_score(anatomy: Anatomy, site: Site) -> bool:
    """Whether some part of the loss that needs the sample reaches the posterior besides."""
    parts = tuple(p for p in anatomy.parts if p.samples and p.posteriors)
    reached = anatomy.gradients(parts) if parts else {}
    return site.location in reached


def _scale_heads(anatomy: Anatomy, site: Site) -> list[int]:
    """Return what the posterior's scale is made from, in z or else in the KL."""
    if site.raw is not None and anatomy.lineage.learned(site.raw):
        return [site.raw]
    # z has a scale that is a constant; a KL that depends on more than μ has one that learns.
    try:
        kl_candidates(anatomy, site)
    except NotApplied:
        return []
    heads: set[int] = set()
    for part in anatomy.parts:
        if part.role in ("kl", "other", "learned prior"):
            heads |= anatomy.lineage.heads(part.summand.value, [site.location])
    shape = anatomy.values[site.location].shape
    return sorted(
        n
        for n in heads - set(anatomy.lineage.twins(site.location))
        if anatomy.values[n].shape == shape and anatomy.trace.values[n].kind == "intermediate"
    )


def _mend(anatomy: Anatomy, site: Site, reached_z: bool, cut: set[int]) -> str:
    z = anatomy.latent(site)
    if site.drawn:
        return f"Sample {z} by rsample(), or as mu + std * randn_like(std), in place of sample()."
    if any(each.site == site for each in anatomy.categories):
        return (
            f"Give the decoder hard + ({z} - {z}.detach()), as F.gumbel_softmax(hard=True) does: "
            "an argmax has no gradient."
        )
    if not reached_z:
        return f"Give the decoder {z} itself: between the two stands a detach or a no_grad."
    where = anatomy.lineage.formula(site.z)
    if site.location in cut:
        return f"In {z} = {where}, take the detach, the .data or the no_grad away from the mean."
    return (
        f"In {z} = {where}, scale the noise by the standard deviation itself, without a detach, "
        ".data or no_grad."
    )


RULE = AuditRule(
    ID,
    "no gradient through z to μ or logvar",
    "gradients split by term",
    look,
)
