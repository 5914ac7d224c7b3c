"""`sampling-scale`: z uses another σ than the one that the KL measures."""

from __future__ import annotations

from itertools import islice

import numpy as np

from ...ops.rule import indices
from ...symbolic.text import index_text
from .anatomy import Anatomy
from .closed_form import SIGMA_OF_KL
from .experiments import actual_scale, require_reparameterized
from .finding import Evidence, Finding, NotApplied, Seen
from .kl import known, measure
from .lineage import is_elementwise
from .posterior import Site
from .rule import AuditRule, at_each_site

ID = "sampling-scale"
# What z has in place of σ, by the σ that the KL measures; and what belongs there, in words
# that take the name of what stands there now.
INSTEAD = {
    "s is the KL's variance": ("the variance σ²", "its square root"),
    "s is the KL's log-variance": ("the log-variance log σ²", "exp(½·{})"),
    "s is the KL's log-deviation": ("log σ", "exp({})"),
    "s is the fourth power": ("σ⁴, the variance's square", "its fourth root"),
    "s is a power of 2": ("2 to the power of log σ", "the same power of e"),
}
MOST_SHOWN = 6
POWERS = np.linspace(-3.0, 3.0, 7)


def look(anatomy: Anatomy) -> Seen:
    return at_each_site(anatomy, _site, "the σ of z is the one that the KL measures")


def _site(anatomy: Anatomy, site: Site) -> list[Finding]:
    require_reparameterized(site)
    measured = measure(anatomy, site)
    if known(measured.fit):
        return []
    if measured.fit is None or measured.fit.kind != "sigma":
        raise NotApplied("the KL's numbers do not say which σ it means")
    if measured.fit.detail not in INSTEAD:
        return []  # the KL has mixed them up, not z: kl-form
    used, right = INSTEAD[measured.fit.detail]
    scale = actual_scale(anatomy, site)
    with np.errstate(all="ignore"):
        meant = np.asarray(SIGMA_OF_KL[measured.fit.detail](scale))
    assert site.scale is not None, "a KL was measured at its raw values"
    name = anatomy.lineage.name(site.scale)
    rows = tuple(
        (index_text(index), float(scale[index]), float(meant[index]))
        for index in islice(indices(scale.shape), MOST_SHOWN)
    )
    return [
        Finding(
            ID,
            "error",
            f"{anatomy.latent(site)} scales the noise by {name}, which is {used} of the posterior "
            "that the KL measures, and not its σ.",
            Evidence(("element", "scale in z", "the KL's σ"), rows, {"elements": int(scale.size)}),
            f"In {anatomy.latent(site)} = {anatomy.lineage.formula(site.z)}, put "
            f"{right.format(name)}{_root_of_power(anatomy, site)} in place of {name}.",
        )
    ]


def _root_of_power(anatomy: Anatomy, site: Site) -> str:
    """Say that the root of exp(a) is exp(½·a), where the scale is a power by a named value."""
    assert site.scale is not None, "a KL was measured at its raw values"
    bound = anatomy.lineage.graph.producer(site.scale)
    if bound is None or bound.rule is None or not is_elementwise(bound) or len(bound.operands) > 1:
        return ""
    (inside,) = bound.sources.values()
    whole, half = (bound.rule.forward(POWERS / part, **bound.attributes) for part in (1, 2))
    if not anatomy.lineage.named(inside) or not np.allclose(half**2, whole):
        return ""
    return f", {bound.rule_name}(½·{anatomy.lineage.name(inside)}),"


RULE = AuditRule(
    ID, "z with exp(logvar), or logvar itself, for σ", "experiments on the replay", look
)
