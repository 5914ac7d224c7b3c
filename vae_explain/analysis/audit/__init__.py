"""What is wrong with a VAE's loss, found by rules that show numbers as evidence.

The rules, one by one. To add one, write its file and add its line here.
"""

from __future__ import annotations

from . import (
    broadcast_loss,
    dead_units,
    kl_form,
    kl_sign,
    loss_scale,
    loss_scale_mismatch,
    negative_scale,
    no_gradient,
    noise_detached,
    not_finite,
    posterior_collapse,
    sampling_scale,
    saturation,
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
