"""`unused-sample`: a latent that is drawn and goes nowhere: the decoder gets the mean."""

from __future__ import annotations

from .anatomy import Anatomy
from .finding import Evidence, Finding, NotApplied, Seen
from .mending import Cure, Edit, instead_of
from .posterior import Site
from .rule import AuditRule

ID = "unused-sample"


def look(anatomy: Anatomy) -> Seen:
    sites = anatomy.sampling.sites
    if not sites and anatomy.categories:
        return Seen("the categories that are drawn go into the loss")
    if not sites:
        raise NotApplied("nothing is drawn that could be a latent")
    return Seen(
        "what is drawn goes into the loss",
        tuple(_finding(anatomy, site) for site in sites if not site.used),
    )


def _finding(anatomy: Anatomy, site: Site) -> Finding:
    z, mean = anatomy.latent(site), anatomy.lineage.name(site.location)
    rows = (
        (z, "drawn", "no"),
        (mean, "its mean", "yes"),
    )
    return Finding(
        ID,
        "error",
        f"{z} is sampled and not used: the loss is not computed from it, and "
        + (
            f"the decoder gets {mean}, its mean."
            if anatomy.role("reconstruction")
            else "no part of it compares anything with the input."
        ),
        Evidence(("value", "what it is", "in the loss"), rows),
        "" if anatomy.role("reconstruction") else "Add the reconstruction's error to the loss.",
        cures=(Cure(f"Give the decoder {z} in place of {mean}.", _sample_for_mean(anatomy, site)),),
    )


def _sample_for_mean(anatomy: Anatomy, site: Site) -> Edit:
    """Let what compares with the input be made from the sample."""
    lineage = anatomy.lineage
    compared = [part.summand.value for part in anatomy.role("reconstruction")]
    kl = {number for part in anatomy.role("kl") for number in lineage.ancestors(part.summand.value)}
    means = lineage.twins(site.location)
    users = {
        bound.output
        for mean in means
        for bound in lineage.graph.consumers(mean)
        if any(bound.output in lineage.ancestors(value) for value in compared)
        and bound.output not in kl
        and bound.output != site.z
    }
    return instead_of(dict.fromkeys(means, site.z), users)


RULE = AuditRule(ID, "a latent that is drawn and not used", "the recorded graph", look)
