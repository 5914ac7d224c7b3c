"""Whether two gradients of one run differ by rounding alone, and how far rounding may go there."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property

import numpy as np

from ..engine.backward_pass import shares
from ..engine.formulas import Steps
from ..engine.run import Run
from ..engine.sensitivity import Kind, Sensitivity
from ..ops.array_bounds import sized
from ..ops.at_once import shape_of_many
from ..ops.reduction.normalize import NORMALIZE
from ..quick_classes import dataclass
from ..symbolic.error_bound import Precision
from ..trace import Array

# Where an op takes what it adds to every row, such as a bias: its gradient is a sum. So is that
# of a weight norm's length, of what arrives times parts of a direction of length 1. Of other
# contractions it is the third operand.
BIAS_AT = (2,)  # of a layer: its input, its weight, its bias
ADDED_AT: Mapping[str, tuple[int, ...]] = {
    "add": (0, 1),
    "weight_norm": (1,),
    "addmm": (0,),
    "baddbmm": (0,),
    "addmv": (0,),
    "bilinear": (3,),
    "einsum": (),
}
# Central differences that may be this far off in themselves say nothing.
SAYS_NOTHING = 1e-2


@dataclass(frozen=True)
class Difference:
    """How far one gradient is from an oracle's at most, and whether that is near enough.

    Attributes
    ----------
    absolute
        The largest difference of two elements.
    relative
        The same as a part of the gradient's scale, see `gradient_scale`.
    conclusive
        Whether the oracle is exact enough here for its word to count.
    in_float64
        Whether float32 lost too much on the way, and it is autograd on a copy of the run in
        float64 that agrees.
    """

    absolute: float
    relative: float
    passed: bool
    conclusive: bool = True
    in_float64: bool = False


Again = Callable[[], Run | None]  # makes a run once more in float64, None if it can't be made


def no_run() -> None:
    """Make no run in float64."""


class GradientJudge:
    """Says whether a gradient by hand and an oracle's differ by rounding alone.

    Parameters
    ----------
    run
        Whose gradients are judged.
    again
        Makes the run once more in float64, asked only where float32 seems to have lost digits.
    """

    def __init__(self, run: Run, again: Again = no_run) -> None:
        self.run, self._again = run, again
        self.double = Precision.of(np.finfo(np.float64))
        # An op without a rule has its numbers from PyTorch, in PyTorch's precision.
        taken = run.graph.not_explained or _has_rounded_constants(run)
        by_rules = run.arithmetic == "printed" or not taken
        self.by_hand = Sensitivity(run, self.double if by_rules else run.precision)
        self.by_torch = Sensitivity(run, run.precision)

    @cached_property
    def in_float64(self) -> Run | None:
        """The run made once more in float64."""
        return None if self.run.precision == self.double else self._again()

    def autograd(self, value_id: int, scale: float, mine: Array | None = None) -> Difference:
        """Compare a gradient by hand, the run's own if none is given, with autograd's.

        Where the run makes more of PyTorch's roundings than usual, autograd on a copy of it in
        float64 has the last word, if there is one.
        """
        run = self.run
        none = np.zeros(run.trace.values[value_id].shape)  # what no gradient at all amounts to
        mine = run.hand_gradients.get(value_id, none) if mine is None else mine
        theirs = run.trace.gradients.get(value_id, none)
        return self._compared("gradients", value_id, mine, theirs, scale)

    def value(self, value_id: int, mine: Array) -> Difference:
        """Compare a value by hand with PyTorch's, likewise."""
        theirs = self.run.trace.values[value_id].array
        return self._compared("values", value_id, mine, theirs, largest(theirs))

    def _compared(
        self, kind: Kind, value_id: int, mine: Array, theirs: Array, scale: float
    ) -> Difference:
        gap = difference(mine, theirs, self.by_torch.usual(scale), scale)
        if gap.passed or not np.isfinite(_apart(mine, theirs)).all():
            return gap
        if (exact := self._exact(kind, value_id, mine.shape)) is not None:
            off = self._allowed(self.by_hand, kind, value_id, scale)
            settled = bool(np.all(_apart(mine, exact) <= off))
            return replace(gap, passed=settled, in_float64=settled)
        off = self._allowed(self.by_torch, kind, value_id, scale) + self.run.precision.smallest
        return replace(gap, passed=bool(np.all(_apart(mine, theirs) <= off)))

    def oracle(
        self,
        value_id: int,
        mine: Array,
        theirs: Array,
        scale: float,
        error: Array | float = 0.0,
        places: Array | slice = slice(None),
    ) -> Difference:
        """Compare a gradient by hand, or some places of it, with an oracle's in float64.

        Parameters
        ----------
        error
            What `theirs` may be off by in itself, element by element.
        """
        usual = self.by_hand.usual(scale) + error
        gap = difference(mine, theirs, usual, scale, error)
        if gap.passed or not np.isfinite(_apart(mine, theirs)).all():
            return gap
        off = self._allowed(self.by_hand, "gradients", value_id, scale)
        off = off.reshape(-1)[places].reshape(mine.shape)
        return difference(mine, theirs, off + error, scale, error)

    def _allowed(self, by: Sensitivity, kind: Kind, value_id: int, scale: float) -> Array:
        """Return how far off roundings may carry each element, in this run."""
        lost = self._lost(value_id) if kind == "gradients" else 1.0
        return by.usual(scale * lost) + by.of(kind, value_id)

    def _lost(self, value_id: int) -> float:
        """Return that of the worst of the norms that a value goes through."""
        depends = self.run.graph.depends
        through = (lost for source, lost in self._norms.items() if depends(source, [value_id]))
        return max(through, default=1.0)

    @cached_property
    def _norms(self) -> Mapping[int, float]:
        return lost_in_norms(self.run)

    def _exact(self, kind: Kind, value_id: int, shape: tuple[int, ...]) -> Array | None:
        """Return what PyTorch has in float64; None if there is nothing of its kind."""
        name, other = self.run.trace.values[value_id].name, self.in_float64
        if other is None or name not in other.trace.by_name:
            return None
        arrays = other.gradients if kind == "gradients" else other.values
        array = arrays.get(other.value(name).id)
        return None if array is None or array.shape != shape else array


def _has_rounded_constants(run: Run) -> bool:
    """Whether the loss takes numbers that no recorded call made and that float64 has otherwise.

    What half precision has as well, as 0.5 or 2, is the same in all of them.
    """
    with np.errstate(over="ignore"):
        return any(
            value.kind == "constant"
            and value.array.dtype.kind == "f"
            and value.id in run.graph.reaches_loss
            and not np.array_equal(value.array.astype(np.float16), value.array, equal_nan=True)
            for value in run.trace.values
        )


def gradient_scale(run: Run, value_id: int) -> float:
    """Return the size of what adds up to a gradient, whose rounding the sum carries.

    That is its largest element, or the largest that one loss term alone sends, since two that
    cancel leave their rounding behind; for a bias also what arrives where it is added. Ahead of
    a batch norm that sums to zero over the rows, and nothing but rounding is left: of n numbers
    of one size about √n times that of one, so it is the root of the sum of their squares.
    """
    arrived = run.trace.gradients
    sizes = [largest(arrived[value_id])] if value_id in arrived else [0.0]
    sizes += [largest(term[value_id]) for term in run.term_gradients.values() if value_id in term]
    for bound in run.graph.consumers(value_id):
        places = ADDED_AT.get(bound.rule_name, BIAS_AT if bound.kind == "contraction" else ())
        if bound.output in arrived and set(places) & set(bound.positions(value_id)):
            arriving = arrived[bound.output].astype(np.float64)
            sizes.append(size := largest(arriving))
            if size and not bound.no_way_back:
                # The sum of squares, as each is passed back where it is added as it is.
                squares = shares(bound, (arriving / size) ** 2, run.values, {value_id})
                sizes += [size * math.sqrt(largest(share)) for _, share in squares]
    return max(sizes)


def lost_in_norms(run: Run) -> Mapping[int, float]:
    """Return how many times what a norm's gradient adds up is larger than what is left of it.

    A norm over two numbers gives 1 and -1 whatever they are. So next to nothing goes back
    through it, as the difference of large parts, and the rounding of those stays behind.

    Returns
    -------
    Mapping
        By the id of what each norm is taken of.
    """
    arrived, steps = run.trace.gradients, Steps(run)
    lost: dict[int, float] = {}
    for bound in run.graph.operations:
        is_norm = bound.kind == "normalization" or bound.rule is NORMALIZE
        if bound.rule is None or not is_norm or bound.output not in arrived:
            continue
        source = bound.sources[0]
        if source not in arrived:
            continue
        largest_at = np.unravel_index(np.argmax(np.abs(arrived[source])), arrived[source].shape)
        place = tuple(map(int, largest_at))
        added = 0.0
        for out, slope in bound.rule.ways(steps.call(bound), 0, place):
            passed = np.abs(arrived[bound.output][out].astype(np.float64)) * sized(slope)[1]
            added += float(np.sum(np.broadcast_to(passed, shape_of_many(out))))
        left = abs(float(arrived[source][place]))
        lost[source] = max(lost.get(source, 1.0), added / left if left else 1.0)
    return lost


def difference(
    mine: Array,
    theirs: Array,
    allowed: Array | float,
    scale: float | None = None,
    error: Array | float = 0.0,
) -> Difference:
    """Compare two tensors of one shape.

    Parameters
    ----------
    allowed
        The largest difference that passes, one for all elements or one for each.
    scale
        What a difference is relative to; the largest number of `theirs` if not given.
    error
        What `theirs` may be off by in itself, element by element.
    """
    apart = _apart(mine, theirs)
    scale = (largest(theirs) if scale is None else scale) or 1.0
    absolute = largest(apart)
    return Difference(
        absolute=absolute,
        relative=absolute / scale,
        passed=bool(np.all(apart <= allowed)),
        conclusive=largest(np.asarray(error)) <= SAYS_NOTHING * scale,
    )


def _apart(mine: Array, theirs: Array) -> Array:
    with np.errstate(invalid="ignore"):
        return np.abs(np.asarray(mine, np.float64) - theirs)


def largest(array: Array) -> float:
    """Return the size of the largest number of a tensor; 0 when it is empty."""
    return float(np.max(np.abs(array), initial=0.0))
