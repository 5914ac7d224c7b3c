"""What one element of a term weighs in the loss, found by experiment.

The slope of a squared error at a prediction p is 2(p − t), of a cross-entropy
(p − t)/(p(1 − p)), and so on. What the loss's own gradient at p is, divided by that, is what
each element weighs, however the reductions were written: zero where a mask leaves it out. In
the same way the closed form of the KL has the slope μ at the mean.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median  # NumPy's would load its masked arrays

import numpy as np

from ...trace import Array
from .anatomy import Anatomy
from .comparisons import Comparison, of_summand
from .finding import NotApplied
from .kl import Measured
from .lineage import is_elementwise
from .loss_parts import Part
from .posterior import Site

AGREEING = 1e-4  # of weights that the same loss gives to different elements, in float64
GUARDED = 1e-3  # the same where a small number inside of a logarithm bends the slope
FLAT = 1e-3  # of the largest slope: below it a quotient of slopes says little
LEFT_OUT = 1e-9  # of the largest slope: a mask's zero


def _sigmoid(a: Array) -> Array:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * a)))


Slope = Callable[[Array, Array], Array]
# The slope of each error at the prediction; targets are given second.
SLOPES: Mapping[str, Slope] = {
    "squared error": lambda p, t: 2 * (p - t),
    "binary cross-entropy": lambda p, t: (p - t) / (p * (1 - p)),
    "binary cross-entropy of logits": lambda p, t: _sigmoid(p) - t,
    "absolute error": lambda p, t: np.sign(p - t),
    "Poisson log-likelihood of a log-rate": lambda p, t: np.exp(p) - t,
    "Poisson log-likelihood": lambda p, t: 1 - t / p,
    "binary cross-entropy, swapped": lambda p, t: np.log((1 - t) / t),
}
SWAPPED = ", swapped"


@dataclass(frozen=True)
class Weighed:
    """What the elements of a prediction weigh.

    Attributes
    ----------
    unit
        The error whose elements are weighed.
    made, target
        The prediction and what it is compared with.
    weight
        Of each element that counts, for each element of the target.
    live
        How many of a row's elements count.
    learned_scale
        Whether the weight is that of a log-likelihood whose deviation is learned.
    """

    unit: str
    made: int
    target: int
    weight: float
    live: int
    learned_scale: bool = False


def sides(anatomy: Anatomy, parts: Sequence[Part]) -> tuple[int, int] | None:
    """Return the prediction and the target that all comparisons of some parts go back to.

    In x·log(p) + (1 - x)·log(1 - p) they are p and x.
    """
    found = [each for part in parts for each in of_summand(anatomy, part.summand.value)]
    if not found:
        return None
    made = _base(anatomy, found, lambda each: each.made)
    target = _base(anatomy, found, lambda each: each.target)
    return None if made is None or target is None else (made, target)


def _base(
    anatomy: Anatomy, found: Sequence[Comparison], side: Callable[[Comparison], int]
) -> int | None:
    """Return the last value that one side of each comparison is an elementwise function of."""
    ways = [_pointwise_way(anatomy, side(each)) for each in found]
    return next((number for number in ways[0] if all(number in way for way in ways)), None)


def _pointwise_way(anatomy: Anatomy, number: int) -> list[int]:
    """Follow a value back through elementwise ops, along the operand that is no constant."""
    way = [number]
    while (bound := anatomy.lineage.graph.producer(way[-1])) and is_elementwise(bound):
        sources = [i for i in anatomy.lineage.inputs(bound) if not anatomy.lineage.fixed(i)]
        if len(sources) != 1:
            break
        way.append(sources[0])
    return way


def weigh(anatomy: Anatomy, parts: Sequence[Part]) -> Weighed | None:
    """Return what the elements of a prediction weigh; None for an error of no known kind.

    Raises
    ------
    NotApplied
        If elements that count weigh differently.
    """
    found = sides(anatomy, parts)
    if found is None:
        return None
    made, target = found
    if anatomy.values[made].size < anatomy.values[target].size or anatomy.run.graph.not_explained:
        return None
    values = anatomy.kept("replayed", lambda: anatomy.all_with({}))
    straight = _fitted(anatomy, parts, made, target, values)
    for scale in _scales(anatomy, parts, made):
        # With a learned deviation of 1 the weight is that of the log-likelihood itself.
        ones = anatomy.all_with({scale: anatomy.filled(scale, 1.0)})
        of_one = _fitted(anatomy, parts, made, target, ones)
        if (
            of_one is not None
            and of_one.unit == "squared error"
            and (straight is None or abs(straight.weight / of_one.weight - 1) > GUARDED)
        ):
            return Weighed("squared error", made, target, of_one.weight, of_one.live, True)
    return straight


def is_rewarded(anatomy: Anatomy, parts: Sequence[Part]) -> Weighed | None:
    """Return what the elements of an error weigh that the loss falls with; None for none such."""
    found = sides(anatomy, parts)
    if found is None or anatomy.run.graph.not_explained:
        return None
    values = anatomy.kept("replayed", lambda: anatomy.all_with({}))
    return _fitted(anatomy, parts, *found, values, sign=-1.0)


def _fitted(
    anatomy: Anatomy,
    parts: Sequence[Part],
    made: int,
    target: int,
    values: Mapping[int, Array],
    sign: float = 1.0,
) -> Weighed | None:
    p, t = (np.asarray(values[number], np.float64) for number in (made, target))
    try:
        t = np.broadcast_to(t, p.shape)
    except ValueError:
        return None
    gradient = anatomy.gradient_at(made, parts, values)
    if gradient is None or not np.isfinite(gradient).all() or not np.abs(gradient).max(initial=0):
        return None
    gradient = sign * gradient
    counted = np.abs(gradient) > LEFT_OUT * np.abs(gradient).max()
    uneven = None
    for unit, slope in SLOPES.items():
        with np.errstate(all="ignore"):
            each = slope(p, t)
            usable = counted & (np.abs(each) > FLAT * np.abs(each[counted]).max(initial=0))
            weights = (gradient / each)[usable]
        if not weights.size or not np.isfinite(each[counted]).all() or weights.min() <= 0:
            continue
        spread = float(np.ptp(weights))
        if spread > (GUARDED if "cross" in unit else AGREEING) * weights.max():
            steps = np.unique(np.round(weights / weights.max(), 5))
            if steps.size * 4 <= weights.size:  # a few weights, each of many elements
                uneven = unit
            continue
        samples = max(p.size // max(np.asarray(values[target]).size, 1), 1)
        rows = max(anatomy.rows, 1)
        live = round(float(counted.sum()) / samples / rows)
        return Weighed(unit, made, target, median(weights.tolist()) * samples, max(live, 1))
    if uneven:
        raise NotApplied(f"the {uneven} does not weigh all elements alike")
    return None


def _scales(anatomy: Anatomy, parts: Sequence[Part], made: int) -> list[int]:
    """Return learned values beside the prediction that the error may be divided by."""
    lineage = anatomy.lineage
    behind = {made}
    found: dict[int, None] = {}
    wanted = {number for part in parts for number in lineage.ancestors(part.summand.value)}
    for bound in lineage.graph.operations:
        inputs = lineage.inputs(bound)
        if bound.output not in wanted or behind.isdisjoint(inputs):
            continue
        behind.add(bound.output)
        if is_elementwise(bound):
            found.update(dict.fromkeys(i for i in inputs if i not in behind and lineage.learned(i)))
    return list(found)


def latent_weights(anatomy: Anatomy, site: Site, measured: Measured) -> Array:
    """Return what the KL of each latent and row weighs, in the shape of μ.

    The slope of the closed form at μ is (μ - m)/s² for a prior N(m, s²). Where the KL is
    estimated from the sample, draws of 1 and of -1 give its mean.
    """
    assert measured.fit is not None, "asked of a known form"
    slopes = []
    for mean in (1.0, 2.0):
        at_draws = []
        for draw in (1.0, -1.0) if measured.sampled else (1.0,):
            given = {site.location: anatomy.filled(site.location, mean)}
            if not site.drawn:
                given[site.noise] = anatomy.filled(site.noise, draw)
            values = anatomy.all_with(given)
            slope = anatomy.gradient_at(site.location, measured.parts, values)
            if slope is None:
                raise NotApplied("no gradient of the KL reaches μ")
            at_draws.append(slope)
        slopes.append(np.mean(at_draws, axis=0))
    squares, _, logs = measured.fit.weights
    return np.asarray((slopes[1] - slopes[0]) * (logs / squares))
