"""`latent-without-kl`: a sample with a learned deviation that nothing in the loss measures.

Its noise only costs reconstruction, so that training drives the deviation to 0.
"""

from __future__ import annotations

from .anatomy import Anatomy
from .finding import Evidence, Finding, NotApplied, Seen
from .kl import measure
from .mending import Cure, instead_of
from .posterior import Site
from .rule import AuditRule

ID = "latent-without-kl"


def look(anatomy: Anatomy) -> Seen:
    sites = anatomy.sites()
    findings = [
        _finding(anatomy, site) for site in sites if site.chain and not _measured(anatomy, site)
    ]
    findings += [_cut_off(anatomy, site) for site in sites if _has_no_gradient(anatomy, site)]
    return Seen("each sample's posterior is measured by the loss", tuple(findings))


def _has_no_gradient(anatomy: Anatomy, site: Site) -> bool:
    """Whether a KL is found in the loss's value from which no gradient comes back."""
    try:
        measured = measure(anatomy, site)
    except NotApplied:
        return False
    off = any(part.summand.switched_off for part in measured.parts)
    if off or measured.fit is None or anatomy.run.graph.not_explained:
        return False
    return (
        anatomy.gradients(measured.parts)
        .keys()
        .isdisjoint({*anatomy.lineage.twins(site.location), *site.chain})
    )


def _cut_off(anatomy: Anatomy, site: Site) -> Finding:
    measured = measure(anatomy, site)
    name, total = measured.name, anatomy.total(measured.parts, anatomy.values)
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
    """Whether a term has what the site's mean was taken from, as a column of a layer's output."""
    bound = anatomy.lineage.graph.producer(site.location)
    if bound is None or bound.kind != "copy":
        return False
    whole = anatomy.lineage.made_from(site.location)[0]
    ways = anatomy.lineage.ancestors(value)
    if site.z in ways:
        return False
    return any(
        user.output in ways
        for user in anatomy.lineage.graph.consumers(whole)
        if user.output != site.location and site.location not in anatomy.lineage.twins(user.output)
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
