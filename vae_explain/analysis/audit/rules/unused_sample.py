"""`unused-sample`: a latent that is drawn and goes nowhere: the decoder gets the mean."""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence.anatomy import Anatomy
from ..evidence.finding import Finding, NotApplied, error
from ..evidence.mending import Cure, Edit, instead_of
from ..evidence.posterior import Site
from .rule import AuditRule, Told


def look(anatomy: Anatomy) -> Iterator[Told]:
    sites = anatomy.sampling.sites
    if not sites and anatomy.categories:
        yield "the categories that are drawn go into the loss"
    elif not sites:
        raise NotApplied("nothing is drawn that could be a latent")
    yield from (_unused(anatomy, site) for site in sites if not site.used)


def _unused(anatomy: Anatomy, site: Site) -> Finding:
    z, mean = anatomy.latent(site), anatomy.name(site.location)
    compared = anatomy.role("reconstruction")
    instead = (
        f"the decoder gets {mean}, its mean."
        if compared
        else "no part of it compares anything with the input."
    )
    return error(
        f"{z} is sampled and not used: the loss is not computed from it, and {instead}",
        ("value", "what it is", "in the loss"),
        ((z, "drawn", "no"), (mean, "its mean", "yes")),
        "" if compared else "Add the reconstruction's error to the loss.",
        [Cure(f"Give the decoder {z} in place of {mean}.", _sample_for_mean(anatomy, site))],
    )


def _sample_for_mean(anatomy: Anatomy, site: Site) -> Edit:
    """Let what compares with the input be made from the sample."""
    compared = [part.summand.value for part in anatomy.role("reconstruction")]
    kl = {
        value_id
        for part in anatomy.role("kl")
        for value_id in anatomy.ancestors(part.summand.value)
    }
    means = anatomy.twins(site.location)
    users = {
        bound.output
        for mean in means
        for bound in anatomy.graph.consumers(mean)
        if any(bound.output in anatomy.ancestors(value) for value in compared)
        and bound.output not in kl
        and bound.output != site.z
    }
    return instead_of(dict.fromkeys(means, site.z), users)


RULE = AuditRule(
    "unused-sample",
    "a latent that is drawn and not used",
    "the recorded graph",
    "what is drawn goes into the loss",
    look,
)
