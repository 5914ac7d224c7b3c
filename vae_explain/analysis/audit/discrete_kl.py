"""`discrete-kl`: the KL of categories from equal shares: its sign, its log K, its absence.

KL(q | 1/K) = Σ q·log q + log K for each variable of K categories (Jang et al. 2017). On a grid
of logits, the loss's part is fitted by a·Σ q·log q + b.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from ...trace import Array
from .anatomy import Anatomy
from .discrete import Categories
from .finding import Evidence, Finding, NotApplied, Seen, decided
from .loss_parts import Part
from .mending import Cure, times
from .reductions import value_of
from .rule import AuditRule
from .scales import Scale, latent_scale

ID = "discrete-kl"
SPREADS = (0.0, 0.25, 0.5, 1.0, 2.0, 3.0, 4.0)  # of the logits on the grid
EXACT = 1e-5


def look(anatomy: Anatomy) -> Seen:
    if not anatomy.categories:
        if not anatomy.sampling.sites:
            raise NotApplied("no categories are sampled")
        return Seen("no categories are sampled beside the Gaussian latents")
    seen = decided(anatomy.categories, partial(_categories, anatomy))
    return Seen(
        "; ".join(each.words for each in seen),
        tuple(finding for each in seen for finding in each.findings),
    )


def _categories(anatomy: Anatomy, found: Categories) -> Seen:
    anatomy.require_finite()
    index, parts = found.site.index, _kl_of(anatomy, found)
    z = anatomy.lineage.name(found.site.z)
    if not parts:
        if any(index in part.posteriors for part in anatomy.parts) or anatomy.role("sampled"):
            raise NotApplied("the KL of the categories is no part of the loss by itself")
        return Seen("", (_none(anatomy, found, z),))
    categories = anatomy.values[found.logits].shape[found.axis]
    scale, constant = _fit(anatomy, found, parts)
    right = np.log(categories)
    name = anatomy.name_of(parts, "the KL")
    value = value_of(anatomy, parts)
    evidence = Evidence(
        ("part, for each variable", "found", "of the KL"),
        (("Σ q·log q", scale, abs(scale)), ("constant", constant, abs(scale) * right)),
        {"categories": categories, "weight": scale},
    )
    if scale < 0:
        return Seen(
            "",
            (
                Finding(
                    ID,
                    "error",
                    f"{name}, the KL of {z}'s {categories} categories, enters with the wrong sign: "
                    "it falls when the categories move away from equal shares, and minimizing the "
                    "loss drives them there.",
                    evidence,
                    cures=(
                        Cure(
                            f"Add {name} to the loss in place of taking it away.",
                            times(value, -1.0),
                        ),
                    ),
                ),
            ),
        )
    off = constant - scale * right
    if abs(constant) > EXACT * scale and abs(off) > EXACT * scale * right:
        return Seen("", (_constant(name, constant / scale, categories, evidence),))
    left_out = abs(off) > EXACT * scale * right
    return Seen(f"the KL of the categories is Σ q·log q{'' if left_out else ' + log K'}")


def _kl_of(anatomy: Anatomy, found: Categories) -> tuple[Part, ...]:
    return tuple(p for p in anatomy.role("kl") if p.posteriors == {found.site.index})


def category_scale(anatomy: Anatomy, found: Categories) -> Scale:
    """Return what the KL of one variable weighs."""
    parts = _kl_of(anatomy, found)
    if not parts:
        raise NotApplied("no part of the loss measures the categories by themselves")
    weight, _ = _fit(anatomy, found, parts)
    if weight < 0:
        raise NotApplied("the KL of the categories enters with the wrong sign; see discrete-kl")
    growth, twice = None, anatomy.twice
    if twice is not None and len(twice.categories) == len(anatomy.categories):
        other = twice.categories[anatomy.categories.index(found)]
        if doubled := _kl_of(twice, other):
            growth = _fit(twice, other, doubled)[0] / weight
    logits = anatomy.values[found.logits]
    per_row = logits.size // logits.shape[found.axis] // anatomy.rows
    name = anatomy.name_of(parts, "the KL")
    return latent_scale(anatomy, parts, name, "KL", weight, growth, per_row)


def _fit(anatomy: Anatomy, found: Categories, parts: tuple[Part, ...]) -> tuple[float, float]:
    """Return the weight of Σ q·log q, and the constant beside it for each variable."""
    head = found.site.location
    shape = anatomy.values[head].shape
    draws = np.random.default_rng(0).standard_normal(shape)
    entropies, totals = [], []
    variables = 1
    for spread in SPREADS:
        given = {head: spread * draws}
        wanted = [part.summand.value for part in parts]
        arrays = anatomy.experiment(given, [found.logits, *wanted])
        shares = _softmax(arrays[found.logits], found.axis)
        variables = shares.size // shares.shape[found.axis]
        with np.errstate(divide="ignore", invalid="ignore"):
            entropies.append(float(np.where(shares > 0, shares * np.log(shares), 0.0).sum()))
        totals.append(anatomy.total(parts, arrays))
    columns = np.stack([entropies, np.ones(len(entropies))], axis=1)
    (scale, constant), *_ = np.linalg.lstsq(columns, np.array(totals), rcond=None)
    off = np.abs(columns @ (scale, constant) - totals).max()
    if off > EXACT * max(np.ptp(totals), 1e-30) or not scale:
        raise NotApplied("the KL of the categories is of no known form")
    return float(scale), float(constant / variables)


def _softmax(logits: Array, axis: int) -> Array:
    powers = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return np.asarray(powers / powers.sum(axis=axis, keepdims=True))


def _constant(name: str, constant: float, categories: int, evidence: Evidence) -> Finding:
    instead = next(
        (
            words
            for words, number in (
                (f"1/K = {1 / categories:.4g}", 1 / categories),
                (f"K = {categories}", float(categories)),
            )
            if abs(abs(constant) - number) < EXACT
        ),
        f"{abs(constant):.4g}",
    )
    sign = "taken away" if constant < 0 else "added"
    right = np.log(categories)
    return Finding(
        ID,
        "error",
        f"{name} is not the KL from equal shares: where log K = {right:.4g} belongs for each "
        f"variable of {categories} categories, {instead} is {sign}; at equal shares it is "
        f"{constant - right:.4g} and not 0.",
        evidence,
        f"Write log(1/K) in place of 1/K: {name} = Σ q·(log q - log(1/K)), with K = {categories}.",
    )


def _none(anatomy: Anatomy, found: Categories, z: str) -> Finding:
    logits = anatomy.lineage.name(found.site.location)
    shape = str(list(anatomy.values[found.logits].shape))
    return Finding(
        ID,
        "warning",
        f"nothing in the loss measures the categories of {z}: there is no KL of {logits} from "
        "equal shares, so that they may all become one.",
        Evidence(("value", "shape"), ((logits, shape),)),
        "Add Σ q·(log q + log K), with q = softmax of the logits.",
    )


RULE = AuditRule(
    ID,
    "the KL of categories: its sign, its log K, its absence",
    "experiments on the replay",
    look,
)
