"""`loss-scale`: what each term was reduced over, and the effective β that this makes."""

from __future__ import annotations

from functools import partial

from .anatomy import Anatomy
from .finding import Evidence, Finding, NotApplied, Seen, decided
from .posterior import Site
from .rule import AuditRule
from .scales import ROUNDED, Scale, entropy_scale, kl_scale, reconstruction_scales

ID = "loss-scale"
ONE = 1e-4  # of a β that is 1 but for rounding


def effective_beta(reconstruction: Scale, kl: Scale) -> float:
    """Return the weight of one latent's KL for each unit of one element's error.

    Against the ELBO of one row, which sums both: 1 for a sum of errors plus the KL. A
    squared error that was written with its ½ has that half as its unit, and so has a
    Gaussian log-likelihood.
    """
    return kl.weight * reconstruction.unit / reconstruction.weight


def both_scales(anatomy: Anatomy, by_entropy: bool = False) -> tuple[Scale, list[Scale]]:
    """Return the scale of the reconstruction and of each site's KL.

    Parameters
    ----------
    by_entropy
        Whether a KL without a closed form is weighed by its entropy.

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
    kls = decided(sites, partial(_kl_scale, anatomy, by_entropy=by_entropy))
    if first.weight == 0 or any(part.summand.switched_off for part in anatomy.reconstruction()):
        raise NotApplied("the reconstruction has no weight in this run")
    return first, kls


def _kl_scale(anatomy: Anatomy, site: Site, by_entropy: bool) -> Scale:
    try:
        return kl_scale(anatomy, site)
    except NotApplied:
        if not by_entropy:
            raise
        return entropy_scale(anatomy, site)


def reduction(scale: Scale, noun: str) -> str:
    """Say what was done over a term's elements and rows."""
    over_row = (
        f"averaged over {scale.averaged:,} {noun}s"
        if scale.averaged > 1
        else f"summed over {scale.per_row:,} {noun}{'' if scale.per_row == 1 else 's'}"
    )
    if scale.batch == "not known":
        over_row += ", not known over the batch"
    elif scale.batch != "one row":
        # What was done to both is said once.
        again = "" if over_row.startswith(scale.batch) else f"{scale.batch} "
        over_row += f" and {again}over the batch"
    if abs(scale.factor - 1) > ROUNDED:
        over_row += f", times {scale.factor:.4g}"
    return over_row


def evidence(reconstruction: Scale, kls: list[Scale]) -> Evidence:
    rows = tuple(
        (
            scale.name,
            f"mean of {scale.averaged:,}" if scale.averaged > 1 else f"sum of {scale.per_row:,}",
            {"summed": "sum", "averaged": "mean"}.get(scale.batch, scale.batch),
            scale.factor,
            scale.weight,
        )
        for scale in (reconstruction, *kls)
    )
    facts: dict[str, float] = {}
    for kl in kls:
        suffix = "" if len(kls) == 1 else f"_{kl.name}"
        beta = effective_beta(reconstruction, kl)
        facts[f"effective_beta{suffix}"] = beta
        facts[f"weight_for_beta_1{suffix}"] = 1 / beta
    columns = "term", "over a row", "over the batch", "times", "weight of one element"
    return Evidence(columns, rows, facts)


def look(anatomy: Anatomy) -> Seen:
    reconstruction, kls = both_scales(anatomy, by_entropy=True)
    off = any(part.summand.switched_off for part in anatomy.role("kl"))
    switched = " (it is multiplied by 0 in this run, which is left out here)" if off else ""
    terms = "; ".join(f"{kl.name} is {reduction(kl, 'latent')}" for kl in kls)
    betas = [effective_beta(reconstruction, kl) for kl in kls]
    listed = ", ".join(f"{beta:.4g}" for beta in betas)
    message = (
        f"{reconstruction.name} is {reduction(reconstruction, 'element')}; {terms}: "
        f"{'an effective β' if len(kls) == 1 else 'effective βs'} of {listed} for one row{switched}"
    )
    if reconstruction.measure == "squared error" and len(kls) == 1:
        variance = kls[0].weight / (2 * reconstruction.weight)
        message += f", which is the ELBO of a Gaussian decoder of variance {variance:.4g}"
    off_one = [(kl, beta) for kl, beta in zip(kls, betas, strict=True) if abs(beta - 1) > ONE]
    if off_one and not off:
        weights = " and ".join(f"{kl.name} times {1 / beta:.4g}" for kl, beta in off_one)
        message += f"; {weights} would make β 1"
    if any(kl.measure != "KL" for kl in kls):
        message += (
            "; a KL without a closed form, as through a flow or from a learned prior, is weighed "
            "by its -log σ"
        )
    return Seen(
        "the reductions and weights of the loss's terms",
        (Finding(ID, "note", message + ".", evidence(reconstruction, kls)),),
    )


RULE = AuditRule(
    ID, "each term's reduction, and the effective β", "experiments on the replay", look
)
