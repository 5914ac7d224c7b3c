"""What a value can be: its range when the layer before it may give out anything.

The layer's output is replaced by numbers from -10,000 to 10,000 everywhere, and what comes
after is run again. So a ReLU, a softplus, a clamp or an activation written by hand is known
by what it does. Where the elements of a row are not each by themselves, as behind a softmax,
they are drawn, in those sizes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from math import isfinite, prod

import numpy as np

from ....quick_classes import dataclass
from .anatomy import Anatomy, once
from .finding import NotApplied

SIZES = (0.01, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 1000.0, 10000.0)
GRID = (*(-size for size in reversed(SIZES)), 0.0, *SIZES)
LEAST_DRAWN = 4096
GROWING = 1.5  # how much more of a number ten times as large makes a range open


@dataclass(frozen=True)
class Reach:
    """What a value can be.

    Attributes
    ----------
    low, high
        The ends of its range; infinite where it is open.
    flat_low
        Whether it is the lower end itself over a whole range of what the layer gives out.
    way
        The values from it back to the layer's output, both among them.
    curve
        What the layer gives out, and the lowest of what the value is then.
    """

    low: float
    high: float
    flat_low: bool
    way: tuple[int, ...]
    curve: tuple[tuple[float, float], ...]

    @property
    def words(self) -> str:
        """The range as it is written: [0, ∞), (-1, 1)."""
        left = "(-∞" if np.isinf(self.low) else f"{'[' if self.flat_low else '('}{self.low:.3g}"
        return f"{left}, {'∞' if np.isinf(self.high) else f'{self.high:.3g}'})"


@once
def reach(anatomy: Anatomy, value_id: int, whole_rows: bool = False) -> Reach:
    """Return what a value can be.

    Parameters
    ----------
    whole_rows
        Whether it may be made from whole rows of a layer's output, as by a softmax.

    Raises
    ------
    NotApplied
        If it is not made from the output of one layer, in such a way.
    """
    try:
        way, drawn = way_to_layer(anatomy, value_id), False
    except NotApplied:
        if not whole_rows:
            raise
        way, drawn = way_to_layer(anatomy, value_id, whole_rows=True), True
    shape = anatomy.values[way[-1]].shape
    patterns = np.ones((1, *shape))
    if drawn:
        several = max(LEAST_DRAWN // prod(shape), 1)
        # In a row of such numbers one is often far larger than all others.
        patterns = np.random.default_rng(0).standard_normal((several, *shape)) ** 5
    ends = []
    for given in GRID:
        reached = np.stack(
            [anatomy.value_with(value_id, {way[-1]: given * pattern}) for pattern in patterns]
        )
        ends.append((float(reached.min()), float(reached.max())))
    usable = [
        (given, *pair) for given, pair in zip(GRID, ends, strict=True) if all(map(isfinite, pair))
    ]
    if not usable:
        raise NotApplied(f"{anatomy.name(value_id)} is no number for any of its layer's")
    dropped = len(usable) < len(GRID)  # beyond, it leaves the floating-point numbers
    _, lows, highs = zip(*usable, strict=True)
    low, high = _end(lows, min, dropped), _end(highs, max, dropped)
    at_low = [given for given, lowest, _ in usable if lowest == low]
    # More than the ends, where a sigmoid's numbers round to the bound.
    flat = not drawn and any(abs(given) <= 10 for given in at_low) and len(at_low) > 1
    curve = tuple((given, lowest) for given, lowest, _ in usable)
    return Reach(low, high, flat, tuple(way), curve)


def _end(
    numbers: Sequence[float], best: Callable[[Sequence[float]], float], dropped: bool
) -> float:
    """Return an end of a range; infinite where it still moves at the last steps."""
    end = best(numbers)
    at = numbers.index(end)
    if at in (0, len(numbers) - 1):
        before = numbers[1] if at == 0 else numbers[-2]
        if abs(end) > GROWING * abs(before) or (dropped and abs(end) > 1e3):
            return math.copysign(math.inf, end)
    return end


def way_to_layer(anatomy: Anatomy, value_id: int, whole_rows: bool = False) -> list[int]:
    """Return the values from one back to the layer's output that it is computed from.

    Parameters
    ----------
    whole_rows
        Whether an element may be computed from others of its row too, as by a softmax or in a
        quotient by the row's length.
    """
    way = [value_id]
    while not anatomy.from_layer(way[-1]):
        bound = anatomy.graph.producer(way[-1])
        kinds = ("elementwise", "copy", "") if whole_rows else ("elementwise", "copy")
        if bound is None or bound.rule is None or bound.kind not in kinds:
            raise NotApplied(f"what bounds {anatomy.name(value_id)} is not looked into")
        sources = [i for i in anatomy.operands(bound) if not anatomy.fixed(i)]
        if whole_rows and len(sources) == 2:
            # A value and what is made of it alone, as its norm.
            sources = [i for i, j in (sources, sources[::-1]) if i in anatomy.ancestors(j)]
        if len(sources) > 1 and bound.rule_name in ("add", "mul"):
            # A bias, or a weight, of a layer that is written by hand.
            parameters = [i for i in sources if anatomy.trace.values[i].kind == "parameter"]
            sources = [i for i in sources if i not in parameters] if parameters else sources
        if len(sources) != 1:
            raise NotApplied(f"what bounds {anatomy.name(value_id)} is not looked into")
        way.append(sources[0])
    return way
