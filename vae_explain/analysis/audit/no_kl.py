"""`latent-without-kl`: a sample with a learned deviation that nothing in the loss measures.

Its noise only costs reconstruction, so that training drives the deviation to 0.
"""

from __future__ import annotations

import numpy as np

from .anatomy import Anatomy
from .element_form import posterior_parts
from .element_weights import LEFT_OUT, latent_weights
from .experiments import kl_candidates
from .finding import Evidence, Finding, NotApplied, Seen
from .kl import known, measure
from .loss_parts import Part
from .mending import Cure, instead_of
from .posterior import Site
from .rule import AuditRule

ID = "latent-without-kl"
SAME = 1e-4  # of slopes of z², in float32


def look(anatomy: Anatomy) -> Seen:
    sites = anatomy.sites()
    findings = [
        _finding(anatomy, site) for site in sites if site.chain and not _measured(anatomy, site)
    ]
    findings += [_cut_off(anatomy, site) for site in sites if _has_no_gradient(anatomy, site)]
    findings += [f for site in sites if (f := _left_out(anatomy, site)) is not None]
    findings += [f for site in sites if (f := _held(anatomy, site)) is not None]
    findings += [_without_entropy(anatomy, site) for site in sites if _prior_alone(anatomy, site)]
    return Seen("each sample's posterior is measured by the loss", tuple(findings))


def _has_no_gradient(anatomy: Anatomy, site: Site) -> bool:
    """Whether a KL is found in the loss's value from which no gradient comes back."""
    parts = _kl_of(anatomy, site)[1]
    off = any(part.summand.switched_off for part in parts)
    if off or not parts or anatomy.run.graph.not_explained:
        return False
    return (
        anatomy.gradients(parts)
        .keys()
        .isdisjoint({*anatomy.lineage.twins(site.location), *site.chain})
    )


def _kl_of(anatomy: Anatomy, site: Site) -> tuple[str, tuple[Part, ...]]:
    """Return the name and the parts of a KL of known form; no parts where there is none."""
    try:
        measured = measure(anatomy, site)
        return measured.name, measured.parts if measured.fit is not None else ()
    except NotApplied:
        parts = posterior_parts(anatomy, site)
        learned = any(part.role == "learned prior" for part in parts)
        return anatomy.name_of(parts, "the KL") if parts else "", parts if learned else ()


def _left_out(anatomy: Anatomy, site: Site) -> Finding | None:
    """Find latents, or rows, that the KL of the others leaves out."""
    try:
        measured = measure(anatomy, site)
        if not known(measured.fit) or measured.bent or anatomy.run.graph.not_explained:
            return None
        weights = np.abs(latent_weights(anatomy, site, measured))
    except NotApplied:
        return None
    if weights.ndim < 2 or len(weights) != anatomy.rows or not weights.any():
        return None
    pull = anatomy.gradient_at(site.z, anatomy.role("reconstruction"), anatomy.values)
    if pull is None or pull.shape != weights.shape:
        return None
    # What a mask leaves out of both terms is as it should be.
    unpaid = (weights <= LEFT_OUT * weights.max()) & (pull != 0)
    off = unpaid.reshape(len(weights), -1)
    rows, latents = np.flatnonzero(off.all(axis=1)), np.flatnonzero(off.all(axis=0))
    if not rows.size and not latents.size:
        return None
    noun, gone, of = (
        ("rows", rows, off.shape[0]) if rows.size else ("latents", latents, off.shape[1])
    )
    listed = ", ".join(map(str, gone[:6])) + (", …" if gone.size > 6 else "")
    name, z = measured.name, anatomy.latent(site)
    return Finding(
        ID,
        "warning",
        f"{name} measures {of - gone.size} of {of} {noun} of {z}: nothing is paid for what {noun} "
        f"{listed} tell, so that training drives their deviation to 0.",
        Evidence((noun[:-1], "weight of its KL"),
                 tuple((str(int(at)), 0.0) for at in gone[:6])),
        f"Sum {name} over all {noun}.",
    )  # fmt: skip


def _held(anatomy: Anatomy, site: Site) -> Finding | None:
    """Find a floor under the KL that is larger than all that a reconstruction can win.

    Free bits leave a KL without a gradient as long as it is small. An error cannot fall below 0,
    so that no KL of more than the whole error is ever worth its price.
    """
    if anatomy.run.graph.not_explained:
        return None
    try:
        measured, parts = measure(anatomy, site), kl_candidates(anatomy, site)[0]
        errors = anatomy.reconstruction()
    except NotApplied:
        return None
    slopes = (
        anatomy.gradient_at(number, parts, anatomy.values)
        for number in (site.location, *site.chain)
    )
    if not measured.bent or any(slope is not None and slope.any() for slope in slopes):
        return None
    floor, inside = (anatomy.total(each, anatomy.values) for each in (parts, measured.parts))
    error = anatomy.total(errors, anatomy.values)
    if not (floor > inside and floor >= error >= 0):
        return None
    name = measured.name
    return Finding(
        ID,
        "warning",
        f"{name} has no gradient: a floor of {floor:.4g} stands under it, and the whole "
        f"reconstruction is {error:.4g}: no z is worth a KL that reaches the floor, so that "
        "nothing draws the posterior to the prior.",
        Evidence(
            ("what", "in the loss"),
            ((f"{name} without its floor", inside), ("its floor", floor), ("the error", error)),
        ),
        f"Put the floor under {name} as it is summed over a row's latents, before it is scaled or "
        "averaged, or under each latent's own.",
    )


def _prior_alone(anatomy: Anatomy, site: Site) -> bool:
    """Whether all that measures a learned posterior is ½·z², the prior's part, at the sample."""
    if not site.chain or anatomy.run.graph.not_explained:
        return False
    if any(site.index in p.posteriors and not p.mixed for p in anatomy.parts) or any(
        p.mixed for p in anatomy.parts
    ):
        return False
    parts = [p for p in anatomy.parts if p.role == "sampled" and p.samples == {site.index}]
    if not parts or any(p.parameter for p in parts):
        return False
    slope = anatomy.gradient_at(site.z, parts, anatomy.values)
    z = anatomy.array(site.z)
    if slope is None or slope.shape != z.shape or not z.all():
        return False
    quotient = np.asarray(slope, dtype=np.float64) / z
    return bool(quotient.min() > 0 and np.ptp(quotient) < SAME * quotient.max())


def _without_entropy(anatomy: Anatomy, site: Site) -> Finding:
    z, deviation = anatomy.latent(site), anatomy.lineage.name(site.chain[0])
    parts = [p for p in anatomy.parts if p.role == "sampled" and p.samples == {site.index}]
    total = anatomy.total(parts, anatomy.values)
    return Finding(
        ID,
        "warning",
        f"the loss has -log p({z}), which grows with {z}², and no -log σ beside it: without the "
        f"posterior's own part the KL is not whole, and training drives {deviation} to 0.",
        Evidence(("what", "value"), ((f"of {z}² in the loss", total), ("of log σ", 0.0))),
        "Add log q(z|x) of the same sample, or take the closed form of the KL.",
    )


def _cut_off(anatomy: Anatomy, site: Site) -> Finding:
    name, parts = _kl_of(anatomy, site)
    total = anatomy.total(parts, anatomy.values)
    return Finding(
        ID,
        "error",
        f"{name} is in the loss's value and gives {anatomy.latent(site)}'s posterior no gradient: "
        "a detach or no_grad stands behind it, so that nothing is paid for what z tells.",
        Evidence(("what", "value"), ((f"{name} in the loss", total), ("its gradient at μ", 0.0))),
        f"Add {name} itself to the loss, without a detach.",
    )


def _measured(anatomy: Anatomy, site: Site) -> bool:
    """Whether a part of the loss has a posterior, or a sample without comparing it with x."""
    # Several samples of one posterior are measured by its one KL.
    same = anatomy.lineage.twins(site.location)
    indices = {other.index for other in anatomy.sampling.sites if other.location in same}
    if any(indices & part.posteriors for part in anatomy.parts):
        return True
    heads = set(anatomy.lineage.twins(site.location)) | set(site.chain)
    return any(
        (site.index in part.samples and part.role == "sampled")
        or (part.role == "other" and heads & anatomy.lineage.ancestors(part.summand.value))
        or _by_part(anatomy, site, part.summand.value)
        for part in anatomy.parts
    )


def _by_part(anatomy: Anatomy, site: Site, value: int) -> bool:
    """Whether a term has what the site's mean was made of.

    That is a column of a layer's output, or what is added to the prior's mean, as in a residual
    posterior.
    """
    lineage = anatomy.lineage

    def inside(current: int) -> list[int]:
        apart = lineage.kind(current) in ("copy", "elementwise") and not lineage.from_layer(current)
        return [n for n in lineage.made_from(current) if lineage.learned(n)] if apart else []

    ways = lineage.ancestors(value)
    into = lineage.ancestors(site.z)
    return site.z not in ways and any(
        user.output in ways and user.output not in into
        for whole in lineage.walk(site.location, inside)
        if whole != site.location
        for user in lineage.graph.consumers(whole)
    )


def _finding(anatomy: Anatomy, site: Site) -> Finding:
    z = anatomy.latent(site)
    earlier = [
        other
        for other in anatomy.sampling.sites
        if other.index != site.index and other.z in anatomy.lineage.ancestors(site.location)
    ]
    again = (
        f"is sampled again, a second time, from what is made of {anatomy.latent(earlier[0])}, and"
        if earlier
        else "is sampled with a learned deviation, and"
    )
    mean = anatomy.lineage.name(site.location)
    deviation = anatomy.lineage.name(site.chain[0])
    return Finding(
        ID,
        "warning",
        f"{z} {again} no part of the loss measures its posterior: the noise only costs "
        f"reconstruction, and training drives {deviation} to 0.",
        Evidence(("value", "what it is"), ((mean, "its mean"), (deviation, "its deviation"))),
        cures=(
            Cure(
                f"Take the mean {mean} in place of the sample {z}"
                + ("." if earlier else ", or add a KL of it to the loss."),
                instead_of({site.z: site.location}),
            ),
        ),
    )


RULE = AuditRule(ID, "a sample that no part of the loss measures", "the recorded graph", look)
