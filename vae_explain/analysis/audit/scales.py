"""What each term weighs: how it was reduced, and what one element of it enters the loss with.

The reductions are read off the graph. What grows with the batch is seen in a second run
that has every row twice: a constant that follows the batch's size shows there too.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from .anatomy import Anatomy
from .comparisons import measure_of, of_summand
from .finding import NotApplied
from .kl import Measured, known, measure
from .loss_parts import Part
from .posterior import Site

SAME = 1e-6
ROUNDED = 1e-3  # of float32 numbers that were added up in another order


@dataclass(frozen=True)
class Scale:
    """What a term weighs.

    Attributes
    ----------
    name
        What the user calls it.
    measure
        What it measures.
    weight
        What one element of one row enters the loss with.
    per_row
        How many elements a row has.
    averaged
        Over how many of a row's elements it was averaged; 1 where they are summed.
    by_mean
        Whether it was averaged over a row's elements, of which there may be but one.
    batch
        What was done over the rows: `summed`, `averaged` or neither; `one row`, or `not known`.
    constants
        Plain factors in it, but for those that follow the batch.
    """

    name: str
    measure: str
    weight: float
    per_row: int
    averaged: int
    by_mean: bool
    batch: str
    constants: tuple[float, ...]


def reconstruction_scales(anatomy: Anatomy) -> tuple[Scale, ...]:
    """Return what the parts of the reconstruction weigh, those with equal weights as one."""
    scales = (_reconstruction(anatomy, part) for part in anatomy.reconstruction())
    return tuple(dict.fromkeys(scales))


def kl_scale(anatomy: Anatomy, site: Site) -> Scale:
    """Return what a site's KL weighs, against its closed form."""
    measured = measure(anatomy, site)
    if measured.fit is None or not (known(measured.fit) or measured.fit.kind == "sigma"):
        raise NotApplied("the KL is not known to be a closed form, so it has no weight against one")
    if anatomy.values[site.location].size % anatomy.rows:
        raise NotApplied("μ does not have a row for each row of x")
    if not measured.bent and not _weighs_all_alike(anatomy, site, measured):
        raise NotApplied("the KL does not weigh all latents and rows alike")
    if measured.fit.scale <= 0:
        raise NotApplied("the KL enters the loss with the wrong sign; see kl-sign")
    elements = anatomy.values[site.location].size
    growth = None
    constants = measured.parts[0].summand.constants
    if anatomy.twice is not None:
        other = measure(anatomy.twice, anatomy.twice.sites()[site.index])
        if other.fit is not None and other.fit.scale > 0:
            growth = other.fit.scale / measured.fit.scale / 2
            theirs = other.parts[0].summand.constants
            constants = _without_batch(constants, theirs, anatomy.rows)
    averaged, by_mean = _averages(anatomy, measured.parts[0])
    return Scale(
        measured.name,
        "KL",
        measured.fit.scale / elements,
        elements // anatomy.rows,
        averaged,
        by_mean,
        _over_batch(anatomy, growth),
        constants,
    )


def _weighs_all_alike(anatomy: Anatomy, site: Site, measured: Measured) -> bool:
    """Whether the KL's gradient at μ is μ times one number, as that of the closed form is.

    On the grid all latents and rows are equal, so there a weighted sum would not show.
    """
    assert measured.fit is not None, "asked of a known form"
    if measured.fit.kind == "another prior" or anatomy.run.graph.not_explained:
        return True  # about another mean, or mixed with what autograd alone knows
    location = site.location
    mu = anatomy.array(location)
    gradient = anatomy.gradients(measured.parts).get(location)
    if gradient is None or not np.isfinite(gradient).all():
        return True
    expected = measured.fit.scale / mu.size * mu
    return bool(np.abs(gradient - expected).max() <= ROUNDED * np.abs(expected).max(initial=1e-30))


def _without_batch(
    ours: tuple[float, ...], theirs: tuple[float, ...], rows: int
) -> tuple[float, ...]:
    """Return plain factors without what follows the batch: 1/60 for 10 rows is 1/6 without."""
    if len(ours) != len(theirs):
        return ours
    left = [
        a if abs(a - b) <= SAME * a else a * rows if abs(a - 2 * b) <= SAME * a else a / rows
        for a, b in zip(ours, theirs, strict=True)
    ]
    return tuple(factor for factor in left if abs(factor - 1) > SAME)


def _reconstruction(anatomy: Anatomy, part: Part) -> Scale:
    summand, twin = part.summand, _aligned(anatomy, part)
    compared = of_summand(anatomy, summand.value)
    words = measure_of(compared[0], anatomy) if compared else "reconstruction"
    averaged, by_mean = _averages(anatomy, part)
    constants, growth = summand.constants, None
    if twin is not None:
        constants = _without_batch(constants, twin.summand.constants, anatomy.rows)
        growth = twin.summand.weight / summand.weight
    per_row = summand.elements // anatomy.rows
    weight = abs(summand.weight)
    target = anatomy.values[compared[0].target].size // anatomy.rows if compared else 0
    if target and words != "cross-entropy" and per_row > target and per_row % target == 0:
        # Several samples a row: an average over those is no average over the pixels.
        samples = per_row // target
        averaged = averaged // samples if averaged % samples == 0 else averaged
        per_row, weight = target, weight * samples
    batch = _over_batch(anatomy, growth)
    name = anatomy.name_of([part], "the reconstruction")
    return Scale(name, words, weight, per_row, averaged, by_mean, batch, constants)


def _over_batch(anatomy: Anatomy, growth: float | None) -> str:
    """Say what was done over the rows, by how an element's weight grows with every row twice."""
    if growth is None:
        return "one row" if anatomy.rows == 1 else "not known"
    if abs(growth - 1) < SAME:
        return "summed"
    return "averaged" if abs(growth - 0.5) < SAME else "neither summed nor averaged"


def _aligned(anatomy: Anatomy, part: Part) -> Part | None:
    """Return the part of the second run that is the same as one of the first."""
    twice = anatomy.twice
    if twice is None or len(twice.parts) != len(anatomy.parts) or part not in anatomy.parts:
        return None
    other = twice.parts[anatomy.parts.index(part)]
    same = other.role == part.role and len(other.summand.averaged) == len(part.summand.averaged)
    return other if same else None


def _averages(anatomy: Anatomy, part: Part) -> tuple[int, bool]:
    """Return over how many elements of a row a part was averaged, and whether it was at all."""
    left, twin = list(part.summand.averaged), _aligned(anatomy, part)
    if twin is not None:
        pairs = zip(left, twin.summand.averaged, strict=True)
        left = [size for size, other in pairs if size == other]
    elif anatomy.rows in left:
        left.remove(anatomy.rows)
    return prod(left), bool(left)
