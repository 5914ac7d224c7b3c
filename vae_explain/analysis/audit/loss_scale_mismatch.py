"""`loss-scale-mismatch`: terms that were reduced over different things."""

from __future__ import annotations

import math
from collections import Counter
from typing import Literal

from .anatomy import Anatomy
from .finding import Finding, NotApplied, Seen
from .loss_scale import ONE, both_scales, effective_beta, evidence, reduction
from .mending import Cure, times, times_for_batch
from .reductions import DIVIDED_TWICE, ROUNDED
from .rule import AuditRule
from .scales import Scale

ID = "loss-scale-mismatch"
# Of the batch's size in a term, against one mean over it.
POWERS = {DIVIDED_TWICE: -1, "averaged": 0, "summed": 1, "multiplied by the rows": 2}
# Where reductions differ, a weight may make up for it, or leave next to nothing of the KL.
NEXT_TO_NOTHING = 0.01


def look(anatomy: Anatomy) -> Seen:
    (reconstruction, *others), kls = both_scales(anatomy)
    if others:
        names = ", ".join(scale.name for scale in (reconstruction, *others))
        raise NotApplied(f"the reconstruction has parts of several weights: {names}")
    uneven = [kl.name for kl in kls if kl.range]
    if uneven:
        raise NotApplied(f"{uneven[0]} does not weigh all latents and rows alike")
    findings = [finding for kl in kls for finding in _mismatch(anatomy, reconstruction, kl)]
    if not findings and "not known" in {reconstruction.batch, *(kl.batch for kl in kls)}:
        raise NotApplied(
            "how the terms grow with the batch is not known: that takes a second run, with every "
            "row twice"
        )
    if not findings and (reconstruction.local or reconstruction.range):
        raise NotApplied(f"{reconstruction.name} does not weigh all elements alike")
    betas = [effective_beta(reconstruction, kl) for kl in kls]
    if not findings and len(kls) == 1:
        findings += _added_again(anatomy, reconstruction, kls[0], betas[0])
    listed = " and ".join(f"{beta:.4g}" for beta in betas)
    if all(abs(beta - 1) <= ONE for beta in betas):
        words = "one latent's KL counts as much as in the ELBO: β is 1"
    else:
        words = f"β is {listed} by a weight, or by equal means, whatever the batch's size"
    return Seen(words, tuple(findings))


def _added_again(anatomy: Anatomy, reconstruction: Scale, kl: Scale, beta: float) -> list[Finding]:
    """Find one KL that the loss adds several times, as a loop over the steps of a sequence does."""
    counts = Counter(
        anatomy.lineage.twins(part.summand.value)[0] for part in anatomy.parts if part.role == "kl"
    )
    times_added = set(counts.values())
    if len(times_added) != 1 or abs(beta / max(times_added) - 1) > ONE or max(times_added) < 2:
        return []
    often = max(times_added)
    return [
        Finding(
            ID,
            "warning",
            f"one and the same KL, {kl.name}, is added to the loss {often} times, as in a loop "
            f"over steps that each have an error of their own: an effective β of {beta:.4g}.",
            evidence([reconstruction], [kl]),
            f"Add {kl.name} once, outside of the loop.",
        )
    ]


def _mismatch(anatomy: Anatomy, reconstruction: Scale, kl: Scale) -> list[Finding]:
    beta = effective_beta(reconstruction, kl)
    follows = reconstruction.batch != kl.batch and {reconstruction.batch, kl.batch} <= {*POWERS}
    weighed = kl.factor / reconstruction.factor  # what was written as a plain weight
    pixels = reconstruction.averaged
    recon_name, kl_name, averages = reconstruction.name, kl.name, reconstruction.averages
    what = (
        f"{recon_name} is {reduction(reconstruction, 'element')} while {kl_name} is "
        f"{reduction(kl, 'latent')}"
    )
    latents = f"{kl.per_row:,} latent{'' if kl.per_row == 1 else 's'}"
    if follows:
        return [
            _finding(
                "error",
                f"{what}: how much the KL counts follows the batch's size, here an effective β "
                f"of {beta:.4g}.",
                anatomy,
                reconstruction,
                kl,
            )
        ]
    if abs(beta - 1) <= ONE or reconstruction.local or reconstruction.range:
        return []
    if pixels > 1 and not kl.by_mean:
        if weighed > 1 / math.sqrt(pixels) or weighed >= 1:
            return [
                _finding(
                    "warning",
                    f"{recon_name} is averaged over a row's {averages} elements while {kl_name} is "
                    f"summed over {latents}: the KL counts {beta:,.4g} times as much as in the "
                    f"ELBO, an effective β of {beta:.4g}.",
                    anatomy,
                    reconstruction,
                    kl,
                )
            ]
        if kl.factor < 1 and beta < NEXT_TO_NOTHING:
            return [
                _finding(
                    "warning",
                    f"{recon_name} is averaged over a row's {averages} elements, for which a "
                    f"weight of {1 / pixels:.4g} on {kl_name} would make up; its weight of "
                    f"{kl.factor:.4g} leaves an effective β of {beta:.4g}: in effect a plain "
                    "autoencoder.",
                    anatomy,
                    reconstruction,
                    kl,
                )
            ]
    if kl.averaged > 1 and (pixels <= 1 or abs(weighed - 1) > ROUNDED):
        if pixels <= 1 and abs(weighed) >= math.sqrt(kl.averaged):
            return []  # a weight that makes up for the mean over latents
        return [
            _finding(
                "warning",
                f"{what}: the KL is averaged over its {kl.averages} latents, so that its weight "
                f"{'' if abs(weighed - 1) <= ROUNDED else f'of {weighed:.4g} '}makes an effective "
                f"β of {beta:.4g}.",
                anatomy,
                reconstruction,
                kl,
            )
        ]
    return []


def _finding(
    severity: Literal["error", "warning"],
    message: str,
    anatomy: Anatomy,
    reconstruction: Scale,
    kl: Scale,
) -> Finding:
    beta = effective_beta(reconstruction, kl)
    rows = anatomy.rows
    follows = severity == "error"
    cures = []
    if follows:
        # The factor of one row, and the batch's size itself, which a longer batch changes.
        power = POWERS[reconstruction.batch] - POWERS[kl.batch]
        beside = beta * float(rows) ** power
        inside = "" if abs(beside - 1) <= ONE else f" and by {beside:.4g}"
        verb = "Divide" if power < 0 else "Multiply"
        size = "the square of the batch's size" if abs(power) == 2 else "the batch's size"
        if power < 0:
            words = f"{verb} {kl.name} by {size}, len(x), here {rows}{inside}"
        else:
            words = f"Multiply {kl.name} by {size}, len(x), here {rows}"
            words += "" if abs(beside - 1) <= ONE else f", and divide it by {beside:.4g}"
        cures.append(
            Cure(
                f"{words}, which makes β 1; or reduce both terms in the same way: sums over a "
                "row, and one mean over the batch.",
                times_for_batch(kl.value, 1 / beside, power),
            )
        )
    else:
        summed = (
            f"Sum {reconstruction.name} over a row's elements in place of the mean, or multiply "
            if reconstruction.averaged > 1
            and not kl.by_mean
            and abs(kl.factor - 1) + abs(reconstruction.factor - 1) <= ROUNDED
            else "Multiply "
        )
        cures.append(
            Cure(f"{summed}{kl.name} by {1 / beta:.4g}: β is 1 then.", times(kl.value, 1 / beta))
        )
    return Finding(ID, severity, message, evidence([reconstruction], [kl]), cures=tuple(cures))


RULE = AuditRule(
    ID,
    "a β that depends on the batch size, or on reductions that differ",
    "experiments on the replay",
    look,
)
