"""`discrete-kl`: the KL of categories from equal shares: its sign, its log K, its absence.

KL(q | 1/K) = Σ q·log q + log K for each variable of K categories (Jang et al. 2017). On a grid
of logits, the loss's part is fitted by a·Σ q·log q + b.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from ....trace import Array
from ..evidence.anatomy import Anatomy
from ..evidence.discrete import Categories
from ..evidence.finding import Cell, NotApplied, error, warning
from ..evidence.loss_parts import LossPart
from ..evidence.mending import Cure, times
from ..evidence.reductions import value_of
from ..evidence.scales import Scale, latent_scale
from .rule import AuditRule, Told, at_each

SPREADS = (0.0, 0.25, 0.5, 1.0, 2.0, 3.0, 4.0)  # of the logits on the grid
EXACT = 1e-5


def look(anatomy: Anatomy) -> Iterator[Told]:
    if anatomy.categories:
        yield from of_each_site(anatomy)
    elif anatomy.sampling.sites:
        yield "no categories are sampled besides the Gaussian latents"
    else:
        raise NotApplied("no categories are sampled")


@partial(at_each, lambda anatomy: anatomy.categories)
def of_each_site(anatomy: Anatomy, sampled: Categories) -> Iterator[Told]:
    anatomy.require_finite()
    index, parts = sampled.site.index, anatomy.role("kl", sampled.site)
    z, logits = anatomy.name(sampled.site.z), anatomy.values[sampled.logits]
    if not parts:
        if any(index in part.posteriors for part in anatomy.parts) or anatomy.role("sampled"):
            raise NotApplied("the KL of the categories is no part of the loss by itself")
        name = anatomy.name(sampled.site.location)
        yield warning(
            f"nothing in the loss measures the categories of {z}: there is no KL of {name} from "
            "equal shares, so that they may all become one.",
            ("value", "shape"),
            [(name, logits.shape)],
            "Add Σ q·(log q + log K), with q = softmax of the logits.",
        )
        return
    categories = logits.shape[sampled.axis]
    scale, constant = _fit(anatomy, sampled, parts)
    right = np.log(categories)
    name = anatomy.name_of(parts, "the KL")
    table = (
        ("part, for each variable", "found", "of the KL"),
        (("Σ q·log q", scale, abs(scale)), ("constant", constant, abs(scale) * right)),
    )
    facts: dict[str, Cell] = {"categories": categories, "weight": scale}
    off = constant - scale * right
    if scale < 0:
        yield error(
            f"{name}, the KL of {z}'s {categories} categories, enters with the wrong sign: "
            "it falls when the categories move away from equal shares, and minimizing the "
            "loss drives them there.",
            *table,
            cures=[
                Cure(
                    f"Add {name} to the loss in place of taking it away.",
                    times(value_of(anatomy, parts), -1.0),
                )
            ],
            facts=facts,
        )
    elif abs(off) <= EXACT * scale * right:
        yield "the KL of the categories is Σ q·log q + log K"
    elif abs(constant) <= EXACT * scale:
        yield "the KL of the categories is Σ q·log q"
    else:
        by = constant / scale
        sign = "taken away" if by < 0 else "added"
        yield error(
            f"{name} is not the KL from equal shares: where log K = {right:.4g} belongs for each "
            f"variable of {categories} categories, {_in_its_place(abs(by), categories)} is {sign}; "
            f"at equal shares it is {by - right:.4g} and not 0.",
            *table,
            f"Write log(1/K) in place of 1/K: {name} = Σ q·(log q - log(1/K)), with "
            f"K = {categories}.",
            facts=facts,
        )


def _in_its_place(constant: float, categories: int) -> str:
    """Return what stands where log K belongs, in words."""
    if abs(constant - 1 / categories) < EXACT:
        return f"1/K = {1 / categories:.4g}"
    return f"K = {categories}" if abs(constant - categories) < EXACT else f"{constant:.4g}"


def category_scale(anatomy: Anatomy, sampled: Categories) -> Scale:
    """Return what the KL of one variable weighs."""
    parts = anatomy.role("kl", sampled.site)
    if not parts:
        raise NotApplied("no part of the loss measures the categories by themselves")
    weight, _ = _fit(anatomy, sampled, parts)
    if weight < 0:
        raise NotApplied("the KL of the categories enters with the wrong sign; see discrete-kl")
    growth, twice = None, anatomy.twice
    if twice is not None and len(twice.categories) == len(anatomy.categories):
        other = twice.categories[anatomy.categories.index(sampled)]
        if doubled := twice.role("kl", other.site):
            growth = _fit(twice, other, doubled)[0] / weight
    logits = anatomy.values[sampled.logits]
    per_row = logits.size // logits.shape[sampled.axis] // anatomy.rows
    name = anatomy.name_of(parts, "the KL")
    return latent_scale(anatomy, parts, name, "KL", weight, growth, per_row)


def _fit(anatomy: Anatomy, sampled: Categories, parts: tuple[LossPart, ...]) -> tuple[float, float]:
    """Return the weight of Σ q·log q, and the constant beside it for each variable."""
    head = sampled.site.location
    shape = anatomy.values[head].shape
    draws = np.random.default_rng(0).standard_normal(shape)
    entropies, totals = [], []
    variables = 1
    for spread in SPREADS:
        replaced = {head: spread * draws}
        wanted = [part.summand.value for part in parts]
        arrays = anatomy.experiment(replaced, [sampled.logits, *wanted])
        shares = _softmax(arrays[sampled.logits], sampled.axis)
        variables = shares.size // shares.shape[sampled.axis]
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


RULE = AuditRule(
    "discrete-kl",
    "the KL of categories: its sign, its log K, its absence",
    "experiments on the replay",
    "the KL of the categories is that from equal shares",
    look,
)
