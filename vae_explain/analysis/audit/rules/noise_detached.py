"""`noise-detached`: no gradient of the reconstruction reaches the posterior through z."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ....engine.backward_pass import backward
from ....trace import Array
from ..evidence.anatomy import Anatomy
from ..evidence.experiments import kl_candidates
from ..evidence.finding import Finding, NotApplied, error, if_applied
from ..evidence.loss_parts import LossPart
from ..evidence.posterior import Site
from .rule import AuditRule


def look(anatomy: Anatomy) -> Iterator[Finding]:
    sites = anatomy.latents or anatomy.sites()
    reconstruction = anatomy.reconstruction()
    for site in sites:
        parts = tuple(part for part in reconstruction if site.index in part.samples)
        if parts:
            yield from _site(anatomy, site, parts)


def _site(anatomy: Anatomy, site: Site, parts: tuple[LossPart, ...]) -> Iterator[Finding]:
    arriving = anatomy.gradients(parts)
    if site.drawn and _by_score(anatomy, site):
        raise NotApplied("z is drawn without a gradient, and a log-probability brings it instead")
    through: dict[int, Array] = {}
    if site.z in anatomy.trace.gradients:
        through = backward(anatomy.graph, anatomy.values, site.z)
    heads = [] if _is_relaxed(anatomy, site) else _scale_heads(anatomy, site)
    reached_z = site.z in arriving
    cut: list[int] = []
    if anatomy.learned(site.location) and not (reached_z and site.location in through):
        cut.append(site.location)
    cut += [head for head in heads if not (reached_z and head in through)]
    if cut:
        gradients = anatomy.run.gradients
        sizes = [float(np.abs(gradients[n]).max()) if n in gradients else 0.0 for n in cut]
        names = [anatomy.name(value_id) for value_id in cut]
        yield error(
            f"no gradient of the reconstruction reaches {' and '.join(names)} through "
            f"{anatomy.latent(site)}.",
            ("value", "gradient through z", "largest gradient of the loss"),
            [(name, 0.0, size) for name, size in zip(names, sizes, strict=True)],
            _mend(anatomy, site, reached_z, cut),
        )


def _is_relaxed(anatomy: Anatomy, site: Site) -> bool:
    return any(each.site == site for each in anatomy.categories)


def _by_score(anatomy: Anatomy, site: Site) -> bool:
    """Whether some part of the loss that needs the sample reaches the posterior besides."""
    parts = tuple(p for p in anatomy.parts if p.samples and p.posteriors)
    reached = anatomy.gradients(parts) if parts else {}
    return site.location in reached


def _scale_heads(anatomy: Anatomy, site: Site) -> list[int]:
    """Return what the posterior's scale is made from, in z or else in the KL."""
    if site.raw is not None and anatomy.learned(site.raw):
        return [site.raw]
    # z has a scale that is a constant; a KL that depends on more than μ has one that learns.
    if if_applied(kl_candidates, anatomy, site) is None:
        return []
    heads: set[int] = set()
    for part in anatomy.parts:
        if part.role in ("kl", "other", "learned prior"):
            heads |= anatomy.heads(part.summand.value, [site.location])
    shape = anatomy.values[site.location].shape
    return sorted(
        n
        for n in heads - set(anatomy.twins(site.location))
        if anatomy.values[n].shape == shape and anatomy.trace.values[n].kind == "intermediate"
    )


def _mend(anatomy: Anatomy, site: Site, reached_z: bool, cut: list[int]) -> str:
    z = anatomy.latent(site)
    if site.drawn:
        return f"Sample {z} by rsample(), or as mu + std * randn_like(std), in place of sample()."
    if _is_relaxed(anatomy, site):
        return (
            f"Give the decoder hard + ({z} - {z}.detach()), as F.gumbel_softmax(hard=True) does: "
            "an argmax has no gradient."
        )
    if not reached_z:
        return f"Give the decoder {z} itself: between the two stands a detach or a no_grad."
    where = anatomy.formula(site.z)
    if site.location in cut:
        return f"In {z} = {where}, take the detach, the .data or the no_grad away from the mean."
    return (
        f"In {z} = {where}, scale the noise by the standard deviation itself, without a detach, "
        ".data or no_grad."
    )


RULE = AuditRule(
    "noise-detached",
    "no gradient through z to μ or logvar",
    "gradients split by term",
    "the reconstruction's gradient passes through z to μ and to σ",
    look,
)
