"""All rules, in the order in which a report lists them.

It is apart from the package, so that a page that takes a run apart loads no rule.
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
