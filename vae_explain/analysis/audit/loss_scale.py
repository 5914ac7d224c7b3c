"""`loss-scale`: what each term was reduced over, and the effective β that this makes."""

from __future__ import annotations

from functools import partial

from .anatomy import Anatomy
from .finding import Evidence, Finding, NotApplied, Seen, decided
from .rule import AuditRule
from .scales import Scale, kl_scale, reconstruction_scales

ID = "loss-scale"
HALF = 0.5


def effective_beta(reconstruction: Scale, kl: Scale) -> float:
    """Return the weight of one latent's KL for each unit of one element's error.

    Against the ELBO of one row, which sums both: 1 for a sum of errors plus the KL. A
    squared error that was written with its ½ has that half as its unit.
    """
    unit = HALF if HALF in reconstruction.constants else 1.0
    return kl.weight * unit / reconstruction.weight


def both_scales(anatomy: Anatomy) -> tuple[Scale, list[Scale]]:
    """Return the scale of the reconstruction and of each site's KL.

    Raises
    ------
    NotApplied
        Where one of them is not known, or the reconstruction has parts of several weights.
    """
    anatomy.require_finite()
    sites = anatomy.sites()
    first, *others = reconstruction_scales(anatomy)
    if others:
        names = ", ".join(dict.fromkeys(scale.name for scale in (first, *others)))
        raise NotApplied(f"the reconstruction has parts of several weights: {names}")
    kls = decided(sites, partial(kl_scale, anatomy))
    if first.weight == 0 or any(part.summand.switched_off for part in anatomy.reconstruction()):
        raise NotApplied("the reconstruction has no weight in this run")
    return first, kls


def reduction(scale: Scale, noun: str) -> str:
    """Say what was done over a term's elements and rows."""
    over_row = (
        f"averaged over {scale.averaged:,} {noun}s"
        if scale.averaged > 1
        else f"summed over {scale.per_row:,} {noun}{'' if scale.per_row == 1 else 's'}"
    )
    if scale.batch == "one row":
        return over_row
    if scale.batch == "not known":
        return f"{over_row}, not known over the batch"
    # What was done to both is said once.
    again = "" if over_row.startswith(scale.batch) else f"{scale.batch} "
    return f"{over_row} and {again}over the batch"


def evidence(reconstruction: Scale, kls: list[Scale]) -> Evidence:
    rows = tuple(
        (
            scale.name,
            f"mean of {scale.averaged:,}" if scale.averaged > 1 else f"sum of {scale.per_row:,}",
            {"summed": "sum", "averaged": "mean"}.get(scale.batch, scale.batch),
            scale.weight,
        )
        for scale in (reconstruction, *kls)
    )
    betas = {
        "effective_beta" if len(kls) == 1 else f"effective_beta_{kl.name}": effective_beta(
            reconstruction, kl
        )
        for kl in kls
    }
    columns = "term", "over a row", "over the batch", "weight of one element"
    return Evidence(columns, rows, betas)


def look(anatomy: Anatomy) -> Seen:
    reconstruction, kls = both_scales(anatomy)
    off = any(part.summand.switched_off for part in anatomy.role("kl"))
    findings = []
    for kl in kls:
        beta = effective_beta(reconstruction, kl)
        switched = " (it is multiplied by 0 in this run, which is left out here)" if off else ""
        message = (
            f"{reconstruction.name} is {reduction(reconstruction, 'element')}; {kl.name} is "
            f"{reduction(kl, 'latent')}: an effective β of {beta:.4g} for one "
            f"row{switched}"
        )
        if reconstruction.measure == "squared error":
            variance = kl.weight / (2 * reconstruction.weight)
            message += f", which is the ELBO of a Gaussian decoder of variance {variance:.4g}"
        findings.append(Finding(ID, "note", message + ".", evidence(reconstruction, kls)))
    return Seen("the reductions and weights of the loss's terms", tuple(findings))


RULE = AuditRule(ID, "each term's reduction, and the effective β", "the recorded graph", look)
