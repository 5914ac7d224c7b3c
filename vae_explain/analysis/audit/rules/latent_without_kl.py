"""`latent-without-kl`: a sample with a learned deviation that nothing in the loss measures.

Its noise only costs reconstruction, so that training drives the deviation to 0.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..evidence.anatomy import Anatomy
from ..evidence.element_form import posterior_parts
from ..evidence.element_weights import LEFT_OUT, latent_weights
from ..evidence.experiments import kl_candidates
from ..evidence.finding import Finding, NotApplied, error, if_applied, warning
from ..evidence.kl import known, measure
from ..evidence.mending import Cure, instead_of
from ..evidence.posterior import Site
from .rule import AuditRule

SAME = 1e-4  # of slopes of z², in float32


def look(anatomy: Anatomy) -> Iterator[Finding]:
    if not any(site.chain or _is_measured(anatomy, site) for site in anatomy.sites()):
        raise NotApplied("no part of the loss measures z, whose scale is a constant")
    for find in (_unmeasured, _cut_off, _left_out, _held, _without_entropy):
        for site in anatomy.sites():
            yield from find(anatomy, site)


def _unmeasured(anatomy: Anatomy, site: Site) -> Iterator[Finding]:
    """Find a sample with a learned deviation that no part of the loss measures."""
    if not site.chain or _is_measured(anatomy, site):
        return
    z, mean, deviation = (anatomy.name(n) for n in (site.z, site.location, site.chain[0]))
    earlier = [
        anatomy.latent(other)
        for other in anatomy.sampling.sites
        if other.index != site.index and other.z in anatomy.ancestors(site.location)
    ]
    again = (
        f"is sampled again, a second time, from what is made of {earlier[0]}, and"
        if earlier
        else "is sampled with a learned deviation, and"
    )
    otherwise = "" if earlier else ", or add a KL of it to the loss"
    yield warning(
        f"{z} {again} no part of the loss measures its posterior: the noise only costs "
        f"reconstruction, and training drives {deviation} to 0.",
        ("value", "what it is"),
        ((mean, "its mean"), (deviation, "its deviation")),
        cures=[
            Cure(
                f"Take the mean {mean} in place of the sample {z}{otherwise}.",
                instead_of({site.z: site.location}),
            )
        ],
    )


def _cut_off(anatomy: Anatomy, site: Site) -> Iterator[Finding]:
    """Find a KL in the loss's value from which no gradient comes back."""
    measured = if_applied(measure, anatomy, site)
    if measured is None:
        parts = posterior_parts(anatomy, site)
        parts = parts if any(part.role == "learned prior" for part in parts) else ()
    else:
        parts = measured.parts if measured.fit is not None else ()
    off = any(part.summand.switched_off for part in parts)
    if off or not parts or anatomy.graph.not_explained:
        return
    moments = {*anatomy.twins(site.location), *site.chain}
    if not anatomy.gradients(parts).keys().isdisjoint(moments):
        return
    name = measured.name if measured is not None else anatomy.name_of(parts, "the KL")
    total = anatomy.total(parts, anatomy.values)
    yield error(
        f"{name} is in the loss's value and gives {anatomy.latent(site)}'s posterior no gradient: "
        "a detach or no_grad stands behind it, so that nothing is paid for what z tells.",
        ("what", "value"),
        ((f"{name} in the loss", total), ("its gradient at μ", 0.0)),
        f"Add {name} itself to the loss, without a detach.",
    )


def _left_out(anatomy: Anatomy, site: Site) -> Iterator[Finding]:
    """Find latents, or rows, that the KL of the others leaves out."""
    measured = if_applied(measure, anatomy, site)
    if measured is None or not known(measured.fit) or measured.bent or anatomy.graph.not_explained:
        return
    weights = if_applied(latent_weights, anatomy, site)
    if weights is None or weights.ndim < 2 or len(weights) != anatomy.rows or not weights.any():
        return
    weights = np.abs(weights)
    pull = anatomy.gradient_at(site.z, anatomy.role("reconstruction"), anatomy.values)
    if pull is None or pull.shape != weights.shape:
        return
    # What a mask leaves out of both terms is as it should be.
    unpaid = (weights <= LEFT_OUT * weights.max()) & (pull != 0)
    off = unpaid.reshape(len(weights), -1)
    rows, latents = np.flatnonzero(off.all(axis=1)), np.flatnonzero(off.all(axis=0))
    noun, gone, of = (
        ("rows", rows, off.shape[0]) if rows.size else ("latents", latents, off.shape[1])
    )
    if not gone.size:
        return
    listed = ", ".join(map(str, gone[:6])) + (", …" if gone.size > 6 else "")
    name, z = measured.name, anatomy.latent(site)
    yield warning(
        f"{name} measures {of - gone.size} of {of} {noun} of {z}: nothing is paid for what {noun} "
        f"{listed} tell, so that training drives their deviation to 0.",
        (noun[:-1], "weight of its KL"),
        [(str(at), 0.0) for at in gone[:6]],
        f"Sum {name} over all {noun}.",
    )


def _held(anatomy: Anatomy, site: Site) -> Iterator[Finding]:
    """Find a floor under the KL that is larger than all that a reconstruction can win.

    Free bits leave a KL without a gradient as long as it is small. An error cannot fall below 0,
    so that no KL of more than the whole error is ever worth its price.
    """
    measured, errors = if_applied(measure, anatomy, site), anatomy.role("reconstruction")
    if measured is None or not measured.bent or not errors or anatomy.graph.not_explained:
        return
    parts, values = kl_candidates(anatomy, site)[0], anatomy.values
    moments = (site.location, *site.chain)
    slopes = (anatomy.gradient_at(value_id, parts, values) for value_id in moments)
    if any(slope is not None and slope.any() for slope in slopes):
        return
    floor, inside, whole = (anatomy.total(each, values) for each in (parts, measured.parts, errors))
    if floor > inside and floor >= whole >= 0:
        name = measured.name
        yield warning(
            f"{name} has no gradient: a floor of {floor:.4g} stands under it, and the whole "
            f"reconstruction is {whole:.4g}: no z is worth a KL that reaches the floor, so that "
            "nothing draws the posterior to the prior.",
            ("what", "in the loss"),
            ((f"{name} without its floor", inside), ("its floor", floor), ("the error", whole)),
            f"Put the floor under {name} as it is summed over a row's latents, before it is scaled "
            "or averaged, or under each latent's own.",
        )


def _without_entropy(anatomy: Anatomy, site: Site) -> Iterator[Finding]:
    """Find a learned posterior that is measured at its sample alone, by the prior's ½·z²."""
    if not site.chain or anatomy.graph.not_explained:
        return
    if any(site.index in p.posteriors or p.mixed for p in anatomy.parts):
        return
    parts = [p for p in anatomy.role("sampled") if p.samples == {site.index}]
    if not parts or any(p.parameter for p in parts):
        return
    slope, z = anatomy.gradient_at(site.z, parts, anatomy.values), anatomy.array(site.z)
    if slope is None or slope.shape != z.shape or not z.all():
        return
    quotient = np.asarray(slope, dtype=np.float64) / z
    if quotient.min() > 0 and np.ptp(quotient) < SAME * quotient.max():
        name, deviation = anatomy.latent(site), anatomy.name(site.chain[0])
        total = anatomy.total(parts, anatomy.values)
        yield warning(
            f"the loss has -log p({name}), which grows with {name}², and no -log σ beside it: "
            "without the posterior's own part the KL is not whole, and training drives "
            f"{deviation} to 0.",
            ("what", "value"),
            ((f"of {name}² in the loss", total), ("of log σ", 0.0)),
            "Add log q(z|x) of the same sample, or take the closed form of the KL.",
        )


def _is_measured(anatomy: Anatomy, site: Site) -> bool:
    """Whether a part of the loss has a posterior, or a sample without comparing it with x."""
    # Several samples of one posterior are measured by its one KL.
    same = anatomy.twins(site.location)
    indices = {other.index for other in anatomy.sampling.sites if other.location in same}
    if any(indices & part.posteriors for part in anatomy.parts):
        return True
    heads = set(anatomy.twins(site.location)) | set(site.chain)
    return any(
        (site.index in part.samples and part.role == "sampled")
        or (part.role == "other" and heads & anatomy.ancestors(part.summand.value))
        or _by_part(anatomy, site, part.summand.value)
        for part in anatomy.parts
    )


def _by_part(anatomy: Anatomy, site: Site, value: int) -> bool:
    """Whether a term has what the site's mean was made of.

    That is a column of a layer's output, or what is added to the prior's mean, as in a residual
    posterior.
    """

    def inside(current: int) -> list[int]:
        apart = anatomy.kind(current) in ("copy", "elementwise") and not anatomy.from_layer(current)
        return [n for n in anatomy.made_from(current) if anatomy.learned(n)] if apart else []

    ways = anatomy.ancestors(value)
    into = anatomy.ancestors(site.z)
    return site.z not in ways and any(
        user in ways and user not in into
        for whole in anatomy.walk(site.location, inside)
        if whole != site.location
        for user in anatomy.users(whole)
    )


RULE = AuditRule(
    "latent-without-kl",
    "a sample that no part of the loss measures",
    "the recorded graph",
    "the loss measures the posterior of each sample",
    look,
)
