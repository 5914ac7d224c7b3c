"""Difference quotients of a function that rounds, each with what it may be off by.

Two errors work against each other: what a step leaves of the function's bends grows with the step,
what the rounding of its two values leaves grows as the step shrinks. Neither is known beforehand.
How a function rounds is seen in its own values at arguments so close that nothing else can move
them (Moré and Wild, "Estimating Computational Noise", SIAM J. Sci. Comput. 33, 2011), and what
bends leave is seen by taking a second step. Nothing here knows what is differentiated.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np

EPSILON = float(np.finfo(np.float64).eps)
# A difference of third order, f₃ - 3f₂ + 3f₁ - f₀, has nothing left in it of a smooth function;
# of independent errors it has the root of 1 + 9 + 9 + 1 times one.
ORDER, OF_ONE = 3, math.sqrt(20)
AT = 16  # arguments, of which 13 such differences come
CLOSE, FAR, FURTHER = EPSILON**0.75, EPSILON**0.25, 10.0
STEPS = 4  # each a tenth of the one before
SMALLER = 10.0
# What the first step leaves open, relative to the slope, of a function without a scale of its own.
FINE = math.cbrt(EPSILON)


def noise_of(along: Callable[[float], float]) -> float:
    """Return how far a function's value is from what it would be exactly, as a deviation.

    Parameters
    ----------
    along
        The function at its arguments moved by so much of themselves, `along(0)` the value itself.

    Notes
    -----
    Where its values are in fewer digits than float64 has, as those of a float32 within, they stay
    the same over many close arguments. So these move apart until no more than half do. A function
    that happens to be exact at all of them is rounded elsewhere, its result at the least.
    """
    least = EPSILON * abs(along(0.0)) / math.sqrt(12)  # anywhere within half a last digit
    part = CLOSE
    while part < FAR:
        values = [along(part * count) for count in range(AT)]
        if len(set(values)) > AT / 2:
            return max(_deviation(values), least)
        part *= FURTHER
    # A function that does not move, or one whose values are exact.
    return EPSILON * abs(along(0.0))


def _deviation(values: Sequence[float]) -> float:
    if not np.isfinite(values).all():
        return math.inf
    size = max(map(abs, values)) or 1.0  # of which the squares don't overflow
    thirds = np.diff(np.asarray(values) / size, n=ORDER)
    return size * float(np.sqrt(np.mean(thirds**2))) / OF_ONE


def quotients(
    at: Callable[[float], float], start: float, middle: float, noise: float, slope: float = 0.0
) -> Iterator[tuple[float, float]]:
    """Yield central differences by ever smaller steps, each with how far off it may be.

    Parameters
    ----------
    at
        The function of one number.
    start, middle
        Where it is differentiated, and what it is there.
    noise
        How far off any of its values may be.
    slope
        The size that its slope has, where it is known.

    Notes
    -----
    The first step is the cube root of the relative noise, where the two errors are of one size
    for a smooth function that has no scale of its own. A function with thousands of corners, as a
    network of ReLUs, has some within that. Where the size of the slope is known, the step is the
    one for which the bound below is smallest if the slope changes by itself over a distance of 1.
    Half the distance between the two one-sided quotients covers a corner within the step, where
    the slope is one of them, and a bend, where it lies between; what is left of a third
    derivative falls with the square of the step, and is known from the quotient before.
    """
    if math.isinf(noise):
        yield 0.0, noise
        return
    before = math.nan
    for count in range(STEPS):
        step = step_of(start, middle, noise, count, slope)
        above, below = start + step, start - step
        upper, lower = at(above), at(below)
        central = (upper - lower) / (above - below)  # by the distance that was really gone
        error = (abs(upper - 2 * middle + lower) / 2 + noise) / step
        if not math.isfinite(central) or not math.isfinite(error):  # it overflows on one side
            yield 0.0, math.inf
            return
        if not math.isnan(before):
            error += abs(before - central) / (SMALLER**2 - 1)
        yield central, error
        before = central


def step_of(start: float, middle: float, noise: float, count: int, slope: float = 0.0) -> float:
    """Return how far to go from `start`, after so many steps that were larger; see `quotients`."""
    relative = max(noise / abs(middle) if middle else 0.0, EPSILON)
    size = max(1.0, abs(start))
    step = math.cbrt(relative) * size
    if slope:
        step = min(step, max(math.sqrt(2 * noise * size / slope), math.sqrt(EPSILON) * size))
    for _ in range(count):
        step /= SMALLER
    return step


def farthest(roundings: int, values: int) -> float:
    """Return how many deviations the farthest of some values may be off by.

    Of n roundings all together come to at most √n deviations. That all of them add up is
    beyond belief where they are many: each is anywhere in a range of ±√3 of its deviations, and
    by Hoeffding's inequality a sum of such is further off than this in one of 1 / EPSILON cases.
    """
    return math.sqrt(min(roundings, 6 * math.log(2 * values / EPSILON)))


def best(estimates: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """Return the quotient with the smallest error, of those up to one that is fine enough.

    What a step leaves of a third derivative shows in the next one, which leaves a hundredth of it.
    """
    chosen = 0.0, math.inf
    for (central, error), (finer, _) in pairwise(estimates):
        error += abs(central - finer) / (1 - SMALLER**-2)
        if error < chosen[1]:
            chosen = central, error
        if error <= FINE * abs(central):
            break
    return chosen
