"""`loss-scale-mismatch`: terms that were reduced over different things."""

from __future__ import annotations

import math

from .anatomy import Anatomy
from .finding import Finding, Seen
from .loss_scale import both_scales, effective_beta, evidence, reduction
from .rule import AuditRule
from .scales import SAME, Scale

ID = "loss-scale-mismatch"


def look(anatomy: Anatomy) -> Seen:
    reconstruction, kls = both_scales(anatomy)
    findings = []
    for kl in kls:
        message, mend = _mismatch(reconstruction, kl)
        if message:
            findings.append(Finding(ID, "warning", message, evidence(reconstruction, [kl]), mend))
    return Seen(
        "both terms are reduced over the same things, or a weight makes up for it", tuple(findings)
    )


def _mismatch(reconstruction: Scale, kl: Scale) -> tuple[str, str]:
    beta = effective_beta(reconstruction, kl)
    pixels = reconstruction.per_row
    divided = any(abs(c * pixels - 1) < SAME for c in reconstruction.constants)
    averaged = pixels > 1 and (reconstruction.averaged >= pixels or divided)
    different = {reconstruction.batch, kl.batch} == {"summed", "averaged"}
    if averaged and not kl.by_mean and not _made_up_for(kl, pixels):
        grows = (
            " (and with the batch's size, over which only the KL is summed)" if different else ""
        )
        return (
            f"{reconstruction.name} is averaged over a row's {pixels:,} elements while {kl.name} "
            f"is summed over {kl.per_row:,} latent{'' if kl.per_row == 1 else 's'}: the KL counts "
            f"{pixels:,} times as much as in the ELBO{grows}, an effective β of {beta:.4g}.",
            f"Sum {reconstruction.name} over a row's elements and average both over the batch "
            f"alone, or multiply {kl.name} by 1/{pixels:,} or another small weight on purpose.",
        )
    if different and not (set(kl.constants) | set(reconstruction.constants)) - {0.5}:
        return (
            f"{reconstruction.name} is {reduction(reconstruction, 'element')} while {kl.name} is "
            f"{reduction(kl, 'latent')}: how much the KL counts depends on the batch's size, here "
            f"an effective β of {beta:.4g}.",
            f"Reduce {reconstruction.name} and {kl.name} over the batch in the same way.",
        )
    return "", ""


def _made_up_for(kl: Scale, pixels: int) -> bool:
    """Whether the KL's own weight is nearer to 1/pixels, which makes up for it, than to 1."""
    weight = math.prod(c for c in kl.constants if c != 0.5)
    return weight <= 1 / math.sqrt(pixels) and weight < 1


RULE = AuditRule(
    ID,
    "a reconstruction averaged over a row's elements beside a KL summed over latents",
    "the recorded graph",
    look,
)
