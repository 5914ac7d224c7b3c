"""`sampling-scale`: z uses another σ than the one that the KL measures."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import numpy as np

from ...ops.broadcasting import indices
from ...symbolic.text import index_text
from ...trace import Array
from .anatomy import Anatomy
from .closed_form import SIGMA_OF_KL, SIGMA_OF_RAW, Fit
from .experiments import actual_scale, into_z, require_reparameterized, shift
from .finding import Evidence, Finding, NotApplied, Seen
from .kl import known, measure
from .lineage import is_elementwise
from .mending import Cure, called_in_turn
from .posterior import Site
from .rule import AuditRule, at_each_site

ID = "sampling-scale"
# What z has in place of σ, by the σ that the KL measures; what belongs there, in words that
# take the name of what stands there now; and the calls that make it.
INSTEAD: dict[str, tuple[str, str, tuple[tuple[object, ...], ...]]] = {
    "s is the KL's log-variance": (
        "the log-variance log σ²", "exp(½·{})", (("mul", 0.5), ("exp",)),
    ),
    "s is the KL's log-deviation": ("log σ", "exp({})", (("exp",),)),
    "s is a power of 2": (
        "2 to the power of log σ", "the same power of e", (("pow", float(1 / np.log(2))),),
    ),
}  # fmt: skip
POWERS_OF_SIGMA = {  # by the power of the noise's scale that the KL's σ² is
    1.0: ("the variance σ²", "its square root"),
    0.5: ("σ⁴, the variance's square", "its fourth root"),
    4.0: ("√σ", "its square"),
    -1.0: ("1/σ²", "the root of its reciprocal"),
    -2.0: ("1/σ", "its reciprocal"),
}
MOST_SHOWN = 6
RAW = np.linspace(-3.0, 3.0, 7)
ONE_BIT = np.log(2.0)


def look(anatomy: Anatomy) -> Seen:
    return at_each_site(anatomy, _site, "the σ of z is the one that the KL measures")


def _site(anatomy: Anatomy, site: Site) -> list[Finding]:
    require_reparameterized(site)
    off = shift(anatomy, site)
    if off is not None and (np.abs(off) > 1e-6 * np.abs(actual_scale(anatomy, site))).any():
        raise NotApplied("z is not its mean where the noise is 0; see noise")
    measured = measure(anatomy, site)
    form = measured.fit
    if form is None or not (known(form) or form.kind in ("sigma", "scaled", "raw")):
        raise NotApplied("the KL's numbers do not say which σ it means")
    if known(form) or (form.kind == "sigma" and form.detail not in INSTEAD):
        return []  # or the KL has mixed them up, not z: kl-form
    assert site.scale is not None, "a KL was measured at its raw values"
    scale = actual_scale(anatomy, site)
    name = anatomy.lineage.name(site.scale)
    if form.kind == "raw":
        return [_of_raw(anatomy, site, form)]
    if form.kind == "sigma":
        used, right, calls = INSTEAD[form.detail]
        return [_error(anatomy, site, SIGMA_OF_KL[form.detail], used, right.format(name), calls)]
    share = float(np.median(scale / anatomy.array(site.scale)))  # of plain factors beside it
    # In digits that the measuring does not lose.
    factor = float(f"{form.factor**0.5 * share ** (form.power / 2 - 1):.10g}")
    calls = (("pow", form.power / 2), *((("mul", factor),) if factor != 1 else ()))
    meant = _sigma_of(form)
    if form.power == 2:
        # More than a bit, and it is no mere temperature.
        if abs(np.log(form.factor)) / 2 <= ONE_BIT:
            return []
        return [_constant_factor(anatomy, site, form, meant, calls[1:])]
    used, right = POWERS_OF_SIGMA[form.power]
    times = form.factor ** (-1 / form.power)
    if abs(times - 1) > 1e-6:
        used, right = f"{times:.4g} times {used}", f"{right}, of {1 / times:.4g} times it,"
    return [_error(anatomy, site, meant, used, right, calls)]


def _sigma_of(form: Fit) -> Callable[[Array], Array]:
    return lambda s: np.asarray(np.sqrt(form.factor * np.abs(s) ** form.power))


def _error(
    anatomy: Anatomy,
    site: Site,
    meant: Callable[[Array], Array],
    used: str,
    right: str,
    calls: tuple[tuple[object, ...], ...],
) -> Finding:
    assert site.scale is not None, "a KL was measured at its raw values"
    z, name = anatomy.latent(site), anatomy.lineage.name(site.scale)
    return Finding(
        ID,
        "error",
        f"{z} scales the noise by {name}, which is {used} of the posterior that the KL measures, "
        "and not its σ.",
        _evidence(anatomy, site, meant),
        cures=(
            Cure(
                f"In {z} = {anatomy.lineage.formula(site.z)}, put "
                f"{right}{_root_of_power(anatomy, site)} in place of {name}.",
                called_in_turn(site.scale, into_z(anatomy, site, site.scale), *calls),
            ),
        ),
    )


def _of_raw(anatomy: Anatomy, site: Site, form: Fit) -> Finding:
    """Tell of a deviation that z and the KL make by different functions of one number."""
    assert site.scale is not None, "a KL was measured at its raw values"
    assert site.raw is not None, "as above"
    z, scale, raw = (anatomy.lineage.name(n) for n in (site.z, site.scale, site.raw))
    meant = "exp(½·{})" if form.detail == "log-variance" else "exp({})"
    sigma = np.asarray(SIGMA_OF_RAW[form.detail](anatomy.array(site.raw)))
    found = actual_scale(anatomy, site)
    right = np.broadcast_to(sigma, found.shape) if sigma.size != found.size else sigma
    return Finding(
        ID,
        "error",
        f"{z} scales the noise by {scale}, while the KL takes {raw} for its {form.detail}, whose "
        f"σ is {meant.format(raw)}: two posteriors of one number.",
        _evidence(anatomy, site, lambda _: right.reshape(found.shape)),
        f"Make both of one σ: put {meant.format(raw)} in place of {scale} in {z}, or write the KL "
        f"for {scale}.",
    )


def _constant_factor(
    anatomy: Anatomy,
    site: Site,
    form: Fit,
    meant: Callable[[Array], Array],
    calls: tuple[tuple[object, ...], ...],
) -> Finding:
    """Tell of noise that is a factor too small or too large.

    The decoder then gets -log of the factor more nats of each latent than are paid for.
    """
    assert site.scale is not None, "a KL was measured at its raw values"
    factor = form.factor**-0.5
    return Finding(
        ID,
        "warning",
        f"{anatomy.latent(site)} scales the noise by {factor:.4g} times the σ that the KL "
        "measures: the decoder sees another posterior than the one that is paid for, and the "
        "loss is no bound.",
        _evidence(anatomy, site, meant),
        cures=(
            Cure(
                f"Take the factor of {factor:.4g} out of {anatomy.latent(site)}.",
                called_in_turn(site.scale, into_z(anatomy, site, site.scale), *calls),
            ),
        ),
    )


def _evidence(anatomy: Anatomy, site: Site, meant: Callable[[Array], Array]) -> Evidence:
    scale = actual_scale(anatomy, site)
    with np.errstate(all="ignore"):
        right = np.asarray(meant(scale))
    rows = tuple(
        (index_text(index), float(scale[index]), float(right[index]))
        for index in islice(indices(scale.shape), MOST_SHOWN)
    )
    return Evidence(("element", "scale in z", "the KL's σ"), rows, {"elements": int(scale.size)})


def _root_of_power(anatomy: Anatomy, site: Site) -> str:
    """Say that the root of exp(a) is exp(½·a), where the scale is a power by a named value."""
    assert site.scale is not None, "a KL was measured at its raw values"
    bound = anatomy.lineage.graph.producer(site.scale)
    if bound is None or bound.rule is None or not is_elementwise(bound) or len(bound.operands) > 1:
        return ""
    (inside,) = bound.sources.values()
    whole, half = (bound.rule.forward(RAW / part, **bound.attributes) for part in (1, 2))
    if not anatomy.lineage.named(inside) or not np.allclose(half**2, whole):
        return ""
    return f", {bound.rule_name}(½·{anatomy.lineage.name(inside)}),"


RULE = AuditRule(
    ID, "z with exp(logvar), or logvar itself, for σ", "experiments on the replay", look
)
