"""How far rounding may move what one operation gives, or passes back: number by number.

Of an op that works element by element the bound is that of its lines (`symbolic/error_bound.py`),
over all elements at once. Of a sum it is relative to the size of what is added up, which the op
itself gives of its operands without their signs.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterator

import numpy as np

from ..ops.array_bounds import Bounds
from ..ops.at_once import NotAtOnce
from ..ops.rule import Call
from ..quick_classes import NamedTuple
from ..symbolic.error_bound import OF_FUNCTION, Precision
from ..symbolic.expression import Each, Expression, Index
from ..trace import Array
from .backward_pass import shares
from .forward_pass import Arrays
from .graph import BoundOperation


class _All(NamedTuple):
    """All numbers of an operand in the place of one."""

    array: Array
    shape: tuple[int, ...] = ()

    def at(self, index: Index) -> Expression:
        return Each("operand", index, value=self.array)

    def whole(self) -> Expression:
        return self.at(())


def of_output(
    bound: BoundOperation, operands: tuple[Array, ...], made: Array, held: Array
) -> Array | None:
    """Return how far each number of an output may be from what its operation gives in float64.

    None where no more is known than how large the numbers are.

    Parameters
    ----------
    made, held
        What the operation gives, and what PyTorch has recorded.
    """
    rule = bound.rule
    if rule is None or any(array.dtype.kind != "f" for array in (held, made)):
        return None
    if rule.kind == "copy":
        return lost(held, 1, made)
    if rule.adds_up == "terms":
        terms = math.prod(array.size for array in operands[:2]) / max(made.size, 1)
        size = rule.forward(*map(np.abs, operands), **bound.attributes)
        return lost(held, terms if len(operands) == 1 else math.sqrt(terms), size)
    if rule.adds_up == "positive" and len(operands) == 2:
        return lost(held, operands[0].size, made)
    if rule.kind != "elementwise":
        return None
    call = Call(tuple(map(_All, operands)), _All(made), bound.attributes)
    try:
        low, high = Bounds(Precision.of(np.finfo(held.dtype))).of(rule.element(call, ()))
    except (NotAtOnce, TypeError):  # it has another formula here and there, or no bound
        return None
    off = np.maximum(np.subtract(high, made), np.subtract(made, low))
    return np.asarray(off)


def of_shares(
    bound: BoundOperation, size: Array, values: Arrays, wanted: Container[int], held: Array
) -> Iterator[Array | None]:
    """Yield the same of all that an operation passes back, as `shares` yields that.

    Parameters
    ----------
    size
        How large the numbers are that arrive: what is added up in them, without signs.
    held
        The gradient at the output, as PyTorch has recorded it.
    """
    kind, adds_up = bound.kind, bound.rule.adds_up if bound.rule else ""
    adds = kind == "copy" or adds_up == "terms"
    known = adds or kind == "elementwise" or adds_up == "positive"
    sizes = {n: np.abs(values[n]) for n in (bound.output, *bound.sources.values())}
    given = sizes if adds else values
    of_all = list(shares(bound, size, given, wanted))
    in_steps = bound.rule is not None and bound.rule.vjp_computed is not None
    steps = shares(bound, size, given, wanted, within=np.asarray) if in_steps else of_all
    for (_, passed), (_, computed) in zip(of_all, steps, strict=True):
        if not known or passed.dtype.kind != "f":
            yield None
        elif adds:
            last = size.shape[-1] if size.ndim else 1
            several = adds_up == "terms" and size.ndim
            terms = max(last, size.size / last) if several else size.size / max(passed.size, 1)
            yield lost(held, terms, passed)
        elif adds_up == "positive":
            yield lost(held, OF_FUNCTION, passed)
        elif passed.shape == size.shape:
            # A slope may be a difference of numbers of about 1, as 1 - y², and its kernel may have
            # constants of fewer digits.
            apart = np.nan_to_num(np.abs(computed - passed), posinf=0.0)
            yield lost(held, OF_FUNCTION, np.abs(passed) + size) + apart
        else:
            yield None


def lost(held: Array, terms: float, size: Array) -> Array:
    """Return what rounding may add up to in a sum of so many terms that are of some size in all.

    As the plain sum of n roundings it is n of them, but they go up as often as down: four
    standard deviations are 4·√n.
    """
    info = np.finfo(held.dtype)
    roundings = min(terms, 4 * math.sqrt(terms)) + OF_FUNCTION
    return np.asarray(roundings * Precision.of(info).unit * np.abs(size) + info.smallest_normal)
