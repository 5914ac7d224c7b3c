"""`negative-scale`: a raw output used as a standard deviation that is, or can be, negative."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..evidence.anatomy import Anatomy
from ..evidence.experiments import actual_scale, into_z, made_by_a_layer, raw_of, sigma_at
from ..evidence.finding import Finding, NotApplied, finding
from ..evidence.mending import Cure, called_in_turn
from ..evidence.posterior import Site
from .rule import AuditRule, at_each_site

RAW_GRID = -30.0, -10.0, -3.0, -1.0, -0.3, 0.3, 1.0, 3.0, 10.0, 30.0


def look(anatomy: Anatomy, site: Site) -> Iterator[Finding]:
    raw = raw_of(site)
    if not made_by_a_layer(anatomy, raw):
        raise NotApplied(f"what bounds {anatomy.name(raw)} is not looked into")
    curve = [(value, sigma_at(anatomy, site, value)) for value in RAW_GRID]
    negative = [sigma for _, sigma in curve if sigma < 0]
    missing = [value for value, sigma in curve if np.isnan(sigma)]
    if not any(sigma > 0 for _, sigma in curve) or not (negative or missing):
        return
    if negative and not missing and not _needs_positive(anatomy, site, curve):
        return
    scale = actual_scale(anatomy, site)
    here = int((scale < 0).sum() + np.isnan(scale).sum())
    name, raw_name = anatomy.name(site.chain[0]), anatomy.name(raw)
    what = "negative" if negative else "not a number"
    if here:
        state = f"it is {what} at {here:,} of {scale.size:,} places in this batch"
    elif negative:
        state = "nothing keeps it from being negative"
    else:
        state = f"it is not a number where {raw_name} is negative, and nothing keeps it from that"
    source = (
        "is what a layer gave out, as it is"
        if raw == site.chain[0]
        else f"comes from {raw_name}, which a layer gave out as it is"
    )
    finite = scale[np.isfinite(scale)]
    rows = [(f"raw value {value:g}", sigma) for value, sigma in curve if abs(value) in (1.0, 3.0)]
    if finite.size:
        ends = ("lowest in this batch", finite.min()), ("highest in this batch", finite.max())
        rows = [*ends, *rows]
    yield finding(
        "error" if here else "warning",
        f"{name}, the standard deviation of {anatomy.latent(site)}, {source}: {state}.",
        ("where", "scale of z"),
        rows,
        cures=[
            Cure(
                f"Make {name} positive: put it through softplus, or take the layer's output "
                "for a log-variance, exp(½·logvar).",
                called_in_turn(raw, into_z(anatomy, site, raw), ("softplus",)),
            )
        ],
        facts={"negative": here},
    )


def _needs_positive(anatomy: Anatomy, site: Site, curve: list[tuple[float, float]]) -> bool:
    """Whether the loss is no number where the scale is negative.

    With σ·ε in z and log σ² in the KL it is the same as for its absolute value.
    """
    below = [raw for raw, sigma in curve if sigma < 0]
    values = anatomy.all_with({raw_of(site): anatomy.filled(raw_of(site), below[-1])})
    return not np.isfinite(values[anatomy.trace.output]).all()


RULE = AuditRule(
    "negative-scale",
    "a standard deviation that is, or can be, negative",
    "experiments on the replay",
    "the scale of z stays positive for every raw value from -30 to 30, or its sign does "
    "not matter to the loss",
    at_each_site(look),
)
