"""What one element of a term weighs in the loss, found by experiment.

The slope of a squared error at a prediction p is 2(p − t), of a cross-entropy
(p − t)/(p(1 − p)), and so on. What the loss's own gradient at p is, divided by that, is what
each element weighs, however the reductions were written: zero where a mask leaves it out. In
the same way the closed form of the KL has the slope μ at the mean.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ....quick_classes import NamedTuple
from ....trace import Array
from .anatomy import Anatomy, once
from .comparisons import of_summand
from .finding import NotApplied
from .kl import measure
from .lineage import is_elementwise
from .loss_parts import LossPart
from .posterior import Site

AGREEING = 1e-4  # of weights that the same loss gives to different elements, in float64
GUARDED = 1e-3  # the same where a small number inside of a logarithm bends the slope
FLAT = 1e-3  # of the largest slope: below it a quotient of slopes says little
LEFT_OUT = 1e-9  # of the largest slope: a mask's zero
RAW = 0.5, 1.0  # of what a deviation is made from
MODERATE = 0.35, 0.55, 0.4, 0.65, 0.6, 0.45, 0.3  # probabilities
FAR = 1e3, 1e4, 1e5  # times an error, to see what the loss is of it
POWER = {"squared error": 2.0, "absolute error": 1.0}  # of the deviation that divides an error
# What an error over a power of a deviation has beside log of the deviation: e²/2σ², and |e|/b;
# with 2σ² for the divisor, 1.
BESIDE = 0.5, 1.0
EVER_UNEVEN = frozenset({"squared error", "binary cross-entropy"})
LOCAL = frozenset({"huber_loss", "smooth_l1_loss"})  # squared near by, absolute far off


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
POSITIVE = frozenset({"binary cross-entropy", "Poisson log-likelihood"})  # of which log p is taken


class Weighed(NamedTuple):
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
        Whether the weight is that of a log-likelihood whose deviation is learned, or is taken
        from the error itself.
    range
        The least and the largest weight, where they differ: `weight` is their mean.
    local
        Whether the loss is another function of the error than its sum, and the weight its slope
        at the numbers of this run.
    prediction
        At which numbers of the prediction, where those of the run say nothing.
    """

    unit: str
    made: int
    target: int
    weight: float
    live: int
    learned_scale: bool = False
    range: tuple[float, float] | None = None
    local: bool = False
    prediction: Array | None = None


def sides(anatomy: Anatomy, parts: Sequence[LossPart]) -> tuple[int, int] | None:
    """Return the prediction and the target that all comparisons of some parts go back to.

    In x·log(p) + (1 - x)·log(1 - p) they are p and x.
    """
    compared = [each for part in parts for each in of_summand(anatomy, part.summand.value)]
    if not compared:
        return None
    made = _base(anatomy, [each.made for each in compared])
    target = _base(anatomy, [each.target for each in compared])
    return None if made is None or target is None else (made, target)


def _base(anatomy: Anatomy, sides: Sequence[int]) -> int | None:
    """Return the last value that one side of each comparison is an elementwise function of."""
    ways = [anatomy.walk_back(side, is_elementwise, anatomy.varies) for side in sides]
    return next((value_id for value_id in ways[0] if all(value_id in way for way in ways)), None)


def weigh(
    anatomy: Anatomy, parts: Sequence[LossPart], prediction: Array | None = None
) -> Weighed | None:
    """Return what the elements of a prediction weigh; None for an error of no known kind.

    Parameters
    ----------
    prediction
        What to take for the prediction; its numbers in this run when None.
    """
    compared = sides(anatomy, parts)
    if compared is None:
        return None
    made, target = compared
    if anatomy.values[made].size < anatomy.values[target].size or anatomy.graph.not_explained:
        return None
    fits = prediction is not None and prediction.shape == anatomy.values[made].shape
    replaced = {made: prediction} if fits and prediction is not None else {}
    values = anatomy.all_with(replaced) if replaced else anatomy.replayed
    straight = _fitted(anatomy, parts, made, target, replaced, values)
    if straight is None:
        # Where a probability is saturated, slopes say nothing: then as of one that is not.
        moderate = np.resize(MODERATE, anatomy.values[made].shape)
        replaced = {made: moderate}
        of_others = _fitted(anatomy, parts, made, target, replaced, anatomy.all_with(replaced))
        if of_others and of_others.unit in POSITIVE:
            straight = of_others._replace(prediction=moderate)
    for scale in beside(anatomy, parts, made):
        likelihood = _of_learned_scale(anatomy, parts, made, target, scale, values)
        if likelihood is not None:
            return likelihood
    if straight is None or straight.unit != "squared error":
        return straight
    return _of_own_scale(anatomy, parts, straight, values)


def _of_learned_scale(
    anatomy: Anatomy,
    parts: Sequence[LossPart],
    made: int,
    target: int,
    scale: int,
    values: Mapping[int, Array],
) -> Weighed | None:
    """Return what a log-likelihood weighs, by what its deviation does; None where there is none.

    With A times (error/s)^k/k + log s, the weight of the error falls by k·log s and A·log s is
    added to the loss: both are seen at two deviations, and A follows, however s is made.
    """
    raw = anatomy.walk_back(scale, anatomy.is_arithmetic)[-1]
    own = _as_wide(values[target], values[made])
    if own is None:
        return None
    touched = [p for p in anatomy.parts if raw in anatomy.ancestors(p.summand.value)]
    weights, added, divisors = [], [], []
    for number in RAW:
        replaced = {raw: anatomy.filled(raw, number)}
        arrays = anatomy.all_with(replaced)
        weighed = _fitted(anatomy, parts, made, target, replaced, arrays)
        if weighed is None or weighed.unit not in POWER or weighed.range is not None:
            return None
        weights.append(weighed)
        divisors.append(float(np.abs(arrays[scale]).mean()))
        replaced[made] = own
        added.append(anatomy.total(touched, anatomy.all_with(replaced)))
    first, second = weights
    if first.unit != second.unit or abs(second.weight / first.weight - 1) < GUARDED:
        return None
    power = POWER[first.unit]
    elements = first.live * anatomy.rows
    times = power * (added[1] - added[0]) / np.log(first.weight / second.weight) / elements
    with np.errstate(all="ignore"):
        turned = np.log(first.weight / second.weight) / np.log(divisors[1] / divisors[0])
        share = first.weight * divisors[0] ** turned / times
    if not np.isfinite(share) or all(abs(share / each - 1) > GUARDED for each in BESIDE):
        return None  # a weight that is learned, such as one of a whole term
    return Weighed(first.unit, made, target, float(times) / power, first.live, True)


def _as_wide(target: Array, prediction: Array) -> Array | None:
    """Return a target in the shape of its prediction; None where it cannot have it."""
    try:
        return np.asarray(np.broadcast_to(target, prediction.shape), np.float64)
    except ValueError:
        return None


def _of_own_scale(
    anatomy: Anatomy, parts: Sequence[LossPart], straight: Weighed, values: Mapping[int, Array]
) -> Weighed:
    """Return the same, with whether the loss is a plain sum of squares or scales itself.

    Where it goes with the logarithm of the error it is the log-likelihood whose variance is the
    mean squared error itself (Rybkin et al. 2021), whatever that is in this run.
    """
    made = straight.made
    p = np.asarray(values[made], np.float64)
    own = _as_wide(values[straight.target], p)
    if own is None:
        return straight

    def at(times: float) -> float:
        return anatomy.total_with(parts, {made: own + times * (p - own)})

    low, middle, high = (at(times) for times in FAR)
    rises = high - middle, middle - low
    if not np.isfinite(rises).all() or rises[1] <= 0:
        return straight
    if abs(rises[0] / rises[1] - 1) < GUARDED:
        weight = rises[0] / np.log(FAR[2] / FAR[1]) / (straight.live * anatomy.rows) / 2
        return straight._replace(weight=float(weight), range=None, learned_scale=True)
    squares = (FAR[2] ** 2 - FAR[1] ** 2) / (FAR[1] ** 2 - FAR[0] ** 2)
    return straight._replace(local=abs(rises[0] / rises[1] / squares - 1) > GUARDED)


def is_rewarded(anatomy: Anatomy, parts: Sequence[LossPart]) -> Weighed | None:
    """Return what the elements of an error weigh that the loss falls with; None for none such."""
    compared = sides(anatomy, parts)
    if compared is None or anatomy.graph.not_explained:
        return None
    weighed = _fitted(anatomy, parts, *compared, {}, anatomy.replayed, sign=-1.0)
    return None if weighed is None or weighed.range is not None else weighed


def _fitted(
    anatomy: Anatomy,
    parts: Sequence[LossPart],
    made: int,
    target: int,
    replaced: Mapping[int, Array],
    values: Mapping[int, Array],
    sign: float = 1.0,
) -> Weighed | None:
    """Return what the elements weigh in a run that was replayed with some numbers given."""
    p = np.asarray(values[made], np.float64)
    t = _as_wide(values[target], p)
    if t is None:
        return None
    gradient = anatomy.gradient_at(made, parts, values)
    if gradient is None or not np.isfinite(gradient).all() or not np.abs(gradient).max(initial=0):
        return None
    gradient = sign * gradient
    counted = np.abs(gradient) > LEFT_OUT * np.abs(gradient).max()
    fitted = tuple(_where(counted, array) for array in (p, t, gradient))
    if counted.sum() == 1:
        # Any error can have the slope of one element: its slopes elsewhere tell, on the way to
        # the target and to 0, where a probability stays one.
        for other in ((p + t) / 2, p / 2):
            there = anatomy.gradient_at(made, parts, anatomy.all_with({**replaced, made: other}))
            if there is None:
                return None
            here = [_where(counted, array) for array in (other, t, sign * there)]
            fitted = tuple(np.concatenate(pair) for pair in zip(fitted, here, strict=True))

    def weighed(unit: str, weights: Array, weight: float) -> Weighed:
        samples = max(p.size // max(np.asarray(values[target]).size, 1), 1)
        live = round(float(counted.sum()) / samples / max(anatomy.rows, 1))
        return Weighed(unit, made, target, weight * samples, max(live, 1))

    uneven: tuple[str, Array] | None = None
    compared = [each.op for part in parts for each in of_summand(anatomy, part.summand.value)]
    for unit, slope in SLOPES.items():
        if unit in POSITIVE and (p[counted] <= 0).any():
            continue
        with np.errstate(all="ignore"):
            each = slope(fitted[0], fitted[1])
            usable = np.abs(each) > FLAT * np.abs(each).max(initial=0)
            weights = (fitted[2] / each)[usable]
        if not weights.size or not np.isfinite(each).all() or weights.min() <= 0:
            continue
        spread = float(np.ptp(weights))
        tolerance = GUARDED if "cross" in unit else AGREEING
        if spread > tolerance * weights.max():
            steps = np.unique(np.round(weights / weights.max(), 5))
            # A few weights, each of many elements; or one a row.
            if steps.size * 4 <= weights.size and unit in EVER_UNEVEN and not LOCAL & {*compared}:
                uneven = uneven or (unit, weights)
            continue
        weight = median(weights)
        # The elements where this error is flat have to be flat in the loss as well: an
        # exponential overshadows all but one of them, and one quotient agrees with itself.
        with np.errstate(all="ignore"):
            off = np.abs(fitted[2] - weight * each).max()
        if off <= tolerance * np.abs(fitted[2]).max():
            return weighed(unit, weights, weight)
    if uneven is None:
        return None
    unit, weights = uneven
    mean = weighed(unit, weights, float(weights.mean()))
    times = mean.weight / float(weights.mean())
    return mean._replace(range=(times * float(weights.min()), times * float(weights.max())))


def _where(counted: Array, array: Array) -> Array:
    """Return the elements that count, in a row: a view where all do, for batches are large."""
    return array.ravel() if counted.all() else array[counted]


def median(numbers: Array) -> float:
    """Return the number in the middle, or the mean of the two there.

    NumPy's own would load its masked arrays, and that of `statistics` makes a list of objects,
    which takes five times the memory.
    """
    middle = [(numbers.size - 1) // 2, numbers.size // 2]
    return float(np.partition(numbers, middle, axis=None)[middle].mean())


def beside(anatomy: Anatomy, parts: Sequence[LossPart], made: int) -> list[int]:
    """Return learned values beside the prediction that the error may be divided by."""
    behind = {made}
    learned: dict[int, None] = {}
    wanted = {value_id for part in parts for value_id in anatomy.ancestors(part.summand.value)}
    for bound in anatomy.graph.operations:
        inputs = anatomy.operands(bound)
        if bound.output not in wanted or behind.isdisjoint(inputs):
            continue
        behind.add(bound.output)
        if is_elementwise(bound):
            others = (i for i in inputs if i not in behind and anatomy.learned(i))
            learned.update(dict.fromkeys(others))
    return list(learned)


@once
def latent_weights(anatomy: Anatomy, site: Site) -> Array:
    """Return what the KL of each latent and row weighs, in the shape of μ.

    The slope of the closed form at μ is (μ - m)/s² for a prior N(m, s²). Where the KL is
    estimated from the sample, draws of 1 and of -1 give its mean.
    """
    measured = measure(anatomy, site)
    if measured.fit is None:
        raise NotApplied("the KL is of no known form")
    slopes = []
    for mean in (1.0, 2.0):
        at_draws = []
        for draw in (1.0, -1.0) if measured.sampled else (1.0,):
            replaced = {site.location: anatomy.filled(site.location, mean)}
            if not site.drawn:
                replaced[site.noise] = anatomy.filled(site.noise, draw)
            values = anatomy.all_with(replaced)
            slope = anatomy.gradient_at(site.location, measured.parts, values)
            if slope is None:
                raise NotApplied("no gradient of the KL reaches μ")
            at_draws.append(slope)
        slopes.append(np.mean(at_draws, axis=0))
    squares, _, logs = measured.fit.weights
    return np.asarray((slopes[1] - slopes[0]) * (logs / squares))
