"""What is wrong with a VAE's loss, found by rules that show numbers as evidence.

`report.py` lets each rule below look at one `Anatomy`, a run taken apart once for all:

1. `lineage.py`: what was each value made from?
2. `posterior.py`: where are latents sampled, with which location and scale? `linearity.py`
   says what an operation multiplies its operands by.
3. `summands.py`: what does the loss add up? `loss_parts.py`: what is each of it for? That is
   asked by way of the sites, which must be known first.
4. `experiments.py` runs a site again with other numbers, `closed_form.py` says which formula
   such numbers are those of, and `kl.py` keeps what was found of each site.
5. `comparisons.py` finds where the loss compares with the input, `scales.py` what each term
   weighs.

No step goes by a variable's name, and none changes the run. What cannot be decided is
`NotApplied`, with the reason, and never a finding.

To add a rule, write its file and add its line here.
"""

from __future__ import annotations

from . import (
    broadcast_loss,
    codebook,
    dead_units,
    discrete_kl,
    head_range,
    kl_at_prior,
    kl_form,
    kl_sign,
    loss_scale,
    loss_scale_mismatch,
    mode,
    negative_scale,
    no_gradient,
    no_kl,
    noise,
    noise_detached,
    not_finite,
    nothing_learns,
    output_range,
    posterior_collapse,
    reconstruction_sign,
    row_mixing,
    sampling_scale,
    saturation,
    target,
    unused_sample,
)
from .finding import Evidence, Finding, NotApplied, Seen, Severity
from .report import Report, audit
from .rule import AuditRule

ALL: tuple[AuditRule, ...] = (
    not_finite.RULE,
    loss_scale.RULE,
    loss_scale_mismatch.RULE,
    kl_sign.RULE,
    kl_form.RULE,
    sampling_scale.RULE,
    noise_detached.RULE,
    negative_scale.RULE,
    broadcast_loss.RULE,
    posterior_collapse.RULE,
    dead_units.RULE,
    saturation.RULE,
    no_gradient.RULE,
    nothing_learns.RULE,
    unused_sample.RULE,
    no_kl.RULE,
    noise.RULE,
    head_range.RULE,
    output_range.RULE,
    row_mixing.RULE,
    discrete_kl.RULE,
    codebook.RULE,
    mode.RULE,
    kl_at_prior.RULE,
    reconstruction_sign.RULE,
    target.RULE,
)

__all__ = [
    "ALL",
    "AuditRule",
    "Evidence",
    "Finding",
    "NotApplied",
    "Report",
    "Seen",
    "Severity",
    "audit",
]
