"""Whether an audit has seen what a VAE has: where it samples, and its KL."""

from __future__ import annotations

from .anatomy import Anatomy
from .discrete import code_terms
from .finding import NotApplied
from .kl import measure


def not_found(anatomy: Anatomy) -> tuple[str, ...]:
    """Return what was not found, each in a sentence without its stop."""
    missing = []
    try:
        sites = anatomy.sites()
    except NotApplied as why:
        sites = ()
        if not (anatomy.categories or anatomy.codes):
            missing.append(f"the sampling was not found: {why}")
    reasons = []
    for site in sites:
        try:
            measured = measure(anatomy, site)
        except NotApplied as why:
            reasons.append(str(why))
        else:
            if measured.fit is None:
                reasons.append("its numbers are those of no form that we know")
    found_discrete = any(
        part.role == "kl" and part.posteriors & {each.site.index for each in anatomy.categories}
        for part in anatomy.parts
    ) or any(list(code_terms(anatomy.lineage, anatomy.summands, codes)) for codes in anatomy.codes)
    if (sites and len(reasons) == len(sites)) or not (sites or found_discrete):
        reason = f": {reasons[0]}" if reasons else ""
        missing.append(f"the KL was not found{reason}")
    return tuple(missing)
