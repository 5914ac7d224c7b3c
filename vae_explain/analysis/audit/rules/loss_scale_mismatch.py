"""`loss-scale-mismatch`: terms that were reduced over different things."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from ..evidence.anatomy import Anatomy
from ..evidence.finding import Finding, NotApplied, Severity, finding, warning
from ..evidence.mending import Cure, times, times_for_batch
from ..evidence.reductions import DIVIDED_TWICE, ROUNDED
from ..evidence.scales import Scale
from .loss_scale import ONE, betas_by_name, both_scales, effective_beta, reduction, table
from .rule import AuditRule, Told

# Of the batch's size in a term, against one mean over it.
POWERS = {DIVIDED_TWICE: -1, "averaged": 0, "summed": 1, "multiplied by the rows": 2}
# Where reductions differ, a weight may make up for it, or leave next to nothing of the KL.
NEXT_TO_NOTHING = 0.01


def look(anatomy: Anatomy) -> Iterator[Told]:
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
        findings = list(_added_again(anatomy, reconstruction, kls[0], betas[0]))
    yield from findings
    if any(abs(beta - 1) > ONE for beta in betas):
        listed = " and ".join(f"{beta:.4g}" for beta in betas)
        yield f"β is {listed} by a weight, or by equal means, whatever the batch's size"


def _added_again(
    anatomy: Anatomy, reconstruction: Scale, kl: Scale, beta: float
) -> Iterator[Finding]:
    """Find one KL that the loss adds several times, as a loop over the steps of a sequence does."""
    counts = Counter(anatomy.twins(part.summand.value)[0] for part in anatomy.role("kl"))
    often = max(counts.values(), default=0)
    if often > 1 and set(counts.values()) == {often} and abs(beta / often - 1) <= ONE:
        yield warning(
            f"one and the same KL, {kl.name}, is added to the loss {often} times, as in a loop "
            f"over steps that each have an error of their own: an effective β of {beta:.4g}.",
            *table([reconstruction], [kl]),
            f"Add {kl.name} once, outside of the loop.",
            facts=betas_by_name([reconstruction], [kl]),
        )


def _mismatch(anatomy: Anatomy, reconstruction: Scale, kl: Scale) -> Iterator[Finding]:
    beta = effective_beta(reconstruction, kl)
    weighed = kl.factor / reconstruction.factor  # what was written as a plain weight
    pixels = reconstruction.averaged
    recon_name, kl_name, averages = reconstruction.name, kl.name, reconstruction.averages
    what = (
        f"{recon_name} is {reduction(reconstruction, 'element')} while {kl_name} is "
        f"{reduction(kl, 'latent')}"
    )
    latents = f"{kl.per_row:,} latent{'' if kl.per_row == 1 else 's'}"
    severity: Severity = "warning"
    message, cure = "", None
    if reconstruction.batch != kl.batch and {reconstruction.batch, kl.batch} <= {*POWERS}:
        severity, cure = "error", _with_the_batch(anatomy, reconstruction, kl)
        message = (
            f"{what}: how much the KL counts follows the batch's size, here an effective β "
            f"of {beta:.4g}."
        )
    elif abs(beta - 1) <= ONE or reconstruction.local or reconstruction.range:
        return
    elif pixels > 1 and not kl.by_mean and (weighed > 1 / math.sqrt(pixels) or weighed >= 1):
        message = (
            f"{recon_name} is averaged over a row's {averages} elements while {kl_name} is "
            f"summed over {latents}: the KL counts {beta:,.4g} times as much as in the "
            f"ELBO, an effective β of {beta:.4g}."
        )
    elif pixels > 1 and not kl.by_mean and kl.factor < 1 and beta < NEXT_TO_NOTHING:
        message = (
            f"{recon_name} is averaged over a row's {averages} elements, for which a "
            f"weight of {1 / pixels:.4g} on {kl_name} would make up; its weight of "
            f"{kl.factor:.4g} leaves an effective β of {beta:.4g}: in effect a plain "
            "autoencoder."
        )
    elif kl.averaged > 1 and (pixels <= 1 or abs(weighed - 1) > ROUNDED):
        if pixels <= 1 and abs(weighed) >= math.sqrt(kl.averaged):
            return  # a weight that makes up for the mean over latents
        message = (
            f"{what}: the KL is averaged over its {kl.averages} latents, so that its weight "
            f"{'' if abs(weighed - 1) <= ROUNDED else f'of {weighed:.4g} '}makes an effective "
            f"β of {beta:.4g}."
        )
    if message:
        rows, facts = table([reconstruction], [kl]), betas_by_name([reconstruction], [kl])
        cures = [cure or _multiplied(reconstruction, kl)]
        yield finding(severity, message, *rows, cures=cures, facts=facts)


def _with_the_batch(anatomy: Anatomy, reconstruction: Scale, kl: Scale) -> Cure:
    """Return the factor of one row, and the batch's size itself, which a longer batch changes."""
    power = POWERS[reconstruction.batch] - POWERS[kl.batch]
    beside = effective_beta(reconstruction, kl) * float(anatomy.rows) ** power
    size = "the square of the batch's size" if abs(power) == 2 else "the batch's size"
    verb = "Divide" if power < 0 else "Multiply"
    words = f"{verb} {kl.name} by {size}, len(x), here {anatomy.rows}"
    if abs(beside - 1) > ONE:
        words += f" and by {beside:.4g}" if power < 0 else f", and divide it by {beside:.4g}"
    return Cure(
        f"{words}, which makes β 1; or reduce both terms in the same way: sums over a "
        "row, and one mean over the batch.",
        times_for_batch(kl.value, 1 / beside, power),
    )


def _multiplied(reconstruction: Scale, kl: Scale) -> Cure:
    beta = effective_beta(reconstruction, kl)
    plain = abs(kl.factor - 1) + abs(reconstruction.factor - 1) <= ROUNDED
    verb = (
        f"Sum {reconstruction.name} over a row's elements in place of the mean, or multiply"
        if reconstruction.averaged > 1 and not kl.by_mean and plain
        else "Multiply"
    )
    return Cure(f"{verb} {kl.name} by {1 / beta:.4g}: β is 1 then.", times(kl.value, 1 / beta))


RULE = AuditRule(
    "loss-scale-mismatch",
    "a β that depends on the batch size, or on reductions that differ",
    "experiments on the replay",
    "one latent's KL counts as much as in the ELBO: β is 1",
    look,
)
