"""Whether an audit has seen what a VAE has: where it samples, and its KL."""

from __future__ import annotations

from .evidence.anatomy import Anatomy
from .evidence.discrete import code_terms
from .evidence.element_form import element_form
from .evidence.finding import NotApplied, if_applied
from .evidence.flow_form import flow_form
from .evidence.kl import measure
from .evidence.scales import entropy_scale


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
            if measured.fit is not None:
                continue
            reason = "its numbers are those of no form that we know"
        except NotApplied as why:
            reason = str(why)
        # One that is no closed form from N(0, 1), as behind a flow, may be found all the same.
        if all(
            if_applied(find, anatomy, site) is None
            for find in (entropy_scale, element_form, flow_form)
        ):
            reasons.append(reason)
    found_discrete = any(
        part.role == "kl" and part.posteriors & {each.site.index for each in anatomy.categories}
        for part in anatomy.parts
    ) or any(list(code_terms(anatomy, anatomy.summands, codes)) for codes in anatomy.codes)
    if (sites and len(reasons) == len(sites)) or not (sites or found_discrete):
        reason = f": {reasons[0]}" if reasons else ""
        missing.append(f"the KL was not found{reason}")
    return tuple(missing)
