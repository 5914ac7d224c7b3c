"""`sampling-scale`: z uses another σ than the one that the KL measures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from math import prod

import numpy as np

from ....ops.broadcasting import indices
from ....symbolic.text import index_text
from ....trace import Array
from ..evidence.anatomy import Anatomy
from ..evidence.closed_form import SIGMA_OF_KL, SIGMA_OF_RAW, Fit
from ..evidence.element_weights import median
from ..evidence.experiments import actual_scale, into_z, require_reparameterized, shift
from ..evidence.finding import Cell, Finding, NotApplied, error, warning
from ..evidence.kl import known, measure
from ..evidence.lineage import is_elementwise
from ..evidence.mending import Cure, Edit, called_in_turn
from ..evidence.posterior import Site
from .rule import AuditRule, at_each_site

Calls = tuple[tuple[object, ...], ...]
Meant = Callable[[Array], Array]
# What z has in place of σ, by the σ that the KL measures; what belongs there, in words that
# take the name of what stands there now; and the calls that make it.
INSTEAD: dict[str, tuple[str, str, Calls]] = {
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


def look(anatomy: Anatomy, site: Site) -> Iterator[Finding]:
    require_reparameterized(site)
    off = shift(anatomy, site)
    if off is not None and (np.abs(off) > 1e-6 * np.abs(actual_scale(anatomy, site))).any():
        raise NotApplied("z is not its mean where the noise is 0; see noise")
    form = measure(anatomy, site).fit
    if form is None or not (known(form) or form.kind in ("sigma", "scaled", "raw")):
        raise NotApplied("the KL's numbers do not say which σ it means")
    if known(form) or (form.kind == "sigma" and form.detail not in INSTEAD):
        return  # or the KL has mixed them up, not z: kl-form
    if form.kind == "raw":
        yield _of_raw(anatomy, site, form)
        return
    name = anatomy.name(_scale_of(site))
    if form.kind == "sigma":
        used, right, calls = INSTEAD[form.detail]
        meant = SIGMA_OF_KL[form.detail]
        yield _another_power(anatomy, site, meant, used, right.format(name), calls)
        return
    # Of plain factors beside it.
    share = median(actual_scale(anatomy, site) / anatomy.array(_scale_of(site)))
    # In digits that the measuring does not lose.
    factor = float(f"{form.factor**0.5 * share ** (form.power / 2 - 1):.10g}")
    calls = (("pow", form.power / 2), *((("mul", factor),) if factor != 1 else ()))
    meant = _sigma_of(form)
    if form.power == 2:
        # More than a bit, and it is no mere temperature.
        if abs(np.log(form.factor)) / 2 > ONE_BIT:
            yield _constant_factor(anatomy, site, form, meant, calls[1:])
        return
    used, right = POWERS_OF_SIGMA[form.power]
    times = form.factor ** (-1 / form.power)
    if abs(times - 1) > 1e-6:
        used, right = f"{times:.4g} times {used}", f"{right}, of {1 / times:.4g} times it,"
    yield _another_power(anatomy, site, meant, used, right, calls)


def _scale_of(site: Site) -> int:
    assert site.scale is not None, "a KL was measured at its raw values"
    return site.scale


def _sigma_of(form: Fit) -> Meant:
    return lambda s: np.asarray(np.sqrt(form.factor * np.abs(s) ** form.power))


def _another_power(
    anatomy: Anatomy, site: Site, meant: Meant, used: str, right: str, calls: Calls
) -> Finding:
    z, name = anatomy.latent(site), anatomy.name(_scale_of(site))
    root = _root_of_power(anatomy, site)
    return error(
        f"{z} scales the noise by {name}, which is {used} of the posterior that the KL measures, "
        "and not its σ.",
        *_scales(anatomy, site, meant),
        cures=[
            Cure(
                f"In {z} = {anatomy.formula(site.z)}, put {right}{root} in place of {name}.",
                _put_behind(anatomy, site, calls),
            )
        ],
        facts=_counted(anatomy, site),
    )


def _of_raw(anatomy: Anatomy, site: Site, form: Fit) -> Finding:
    """Tell of a deviation that z and the KL make by different functions of one number."""
    assert site.raw is not None, "a KL was measured at its raw values"
    z, scale, raw = (anatomy.name(n) for n in (site.z, _scale_of(site), site.raw))
    meant = ("exp(½·{})" if form.detail == "log-variance" else "exp({})").format(raw)
    sigma = np.asarray(SIGMA_OF_RAW[form.detail](anatomy.array(site.raw)))
    shape = actual_scale(anatomy, site).shape
    right = np.broadcast_to(sigma, shape) if sigma.size != prod(shape) else sigma.reshape(shape)
    return error(
        f"{z} scales the noise by {scale}, while the KL takes {raw} for its {form.detail}, whose "
        f"σ is {meant}: two posteriors of one number.",
        *_scales(anatomy, site, lambda _: right),
        f"Make both of one σ: put {meant} in place of {scale} in {z}, or write the KL for {scale}.",
        facts=_counted(anatomy, site),
    )


def _constant_factor(
    anatomy: Anatomy, site: Site, form: Fit, meant: Meant, calls: Calls
) -> Finding:
    """Tell of noise that is a factor too small or too large.

    The decoder then gets -log of the factor more nats of each latent than are paid for.
    """
    factor, z = form.factor**-0.5, anatomy.latent(site)
    words = f"Take the factor of {factor:.4g} out of {z}."
    return warning(
        f"{z} scales the noise by {factor:.4g} times the σ that the KL measures: the decoder sees "
        "another posterior than the one that is paid for, and the loss is no bound.",
        *_scales(anatomy, site, meant),
        cures=[Cure(words, _put_behind(anatomy, site, calls))],
        facts=_counted(anatomy, site),
    )


def _put_behind(anatomy: Anatomy, site: Site, calls: Calls) -> Edit:
    """Put calls behind the scale on its way into z."""
    scale = _scale_of(site)
    return called_in_turn(scale, into_z(anatomy, site, scale), *calls)


def _scales(
    anatomy: Anatomy, site: Site, meant: Meant
) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """Return the table of the scale in z and of the σ that is meant: its columns and rows."""
    scale = actual_scale(anatomy, site)
    with np.errstate(all="ignore"):
        right = np.asarray(meant(scale))
    shown = islice(indices(scale.shape), MOST_SHOWN)
    rows: list[tuple[object, ...]] = [(index_text(at), scale[at], right[at]) for at in shown]
    return ("element", "scale in z", "the KL's σ"), rows


def _counted(anatomy: Anatomy, site: Site) -> dict[str, Cell]:
    return {"elements": int(actual_scale(anatomy, site).size)}


def _root_of_power(anatomy: Anatomy, site: Site) -> str:
    """Say that the root of exp(a) is exp(½·a), where the scale is a power by a named value."""
    bound = anatomy.graph.producer(_scale_of(site))
    if bound is None or bound.rule is None or not is_elementwise(bound) or len(bound.operands) > 1:
        return ""
    (inside,) = bound.sources.values()
    whole, half = (bound.rule.forward(RAW / part, **bound.attributes) for part in (1, 2))
    if not anatomy.named(inside) or not np.allclose(half**2, whole):
        return ""
    return f", {bound.rule_name}(½·{anatomy.name(inside)}),"


RULE = AuditRule(
    "sampling-scale",
    "z with exp(logvar), or logvar itself, for σ",
    "experiments on the replay",
    "the σ of z is the one that the KL measures",
    at_each_site(look),
)
