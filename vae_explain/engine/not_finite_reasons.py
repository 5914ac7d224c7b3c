"""Why an operation made an inf or NaN of finite numbers: which of its operands it cannot take.

Where the same arithmetic in float64 gives a number, float32 has rounded a small constant away,
and that constant is named.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..ops import NotExplained
from ..quick_classes import NamedTuple
from ..symbolic.text import to_text
from ..trace import Array
from .formulas import Steps
from .forward_pass import replay
from .graph import BoundOperation
from .run import Run

LARGEST_EXPONENT = 1000
KEPT = 1e-6  # a number that float32 keeps beside 1
# The lower edge of what a logarithm takes: log1p(a) is log(1 + a).
LOGARITHMS = {"log": 0.0, "log2": 0.0, "log10": 0.0, "log1p": -1.0}


class Reason(NamedTuple):
    """Why and mend as in a `Cause`, and the id of the operand that cannot go in, if it is one."""

    why: str
    mend: str
    operand: int | None = None


def reason_of(run: Run, bound: BoundOperation) -> Reason:
    """Return why an operation made what is not finite of operands that are."""
    sources = list(bound.sources.values())
    op = bound.rule_name
    reason = None
    if op in LOGARITHMS and len(sources) == 1:
        reason = _of_logarithm(run, op, sources[0])
    elif op in ("sqrt", "rsqrt") and sources:
        reason = _of_root(run, sources[0])
    elif op in ("div", "reciprocal") and sources:
        reason = _of_quotient(run, sources[-1])
    elif op == "pow" and sources:
        reason = _of_power(run, sources[0], np.asarray(run.values[bound.output]))
    return (
        reason
        or _of_size(run, bound, sources)
        or Reason(
            "its operands are finite and it has no value there",
            f"Look at what goes into {called(run, bound.output)}.",
        )
    )


def _of_logarithm(run: Run, op: str, source: int) -> Reason:
    edge, into = LOGARITHMS[op], called(run, source)
    array = np.asarray(run.values[source], np.float64)
    if array.min() < edge:
        return Reason(
            f"a logarithm of a negative number: {into} goes down to {array.min():.4g}, and "
            f"{(array < edge).sum():,} of {array.size:,} of its numbers lie below {edge:g}"
            f"{_range_of_maker(run, source)}",
            f"Keep what goes into {op} above {edge:g}, as by a sigmoid or softplus that makes "
            f"{into}, or use the loss that takes logits.",
            source,
        )
    zeros = (array == edge).sum()
    why = f"log(0): {zeros:,} of {array.size:,} numbers in {into} are exactly {edge:g}"
    lost = _rounded_away(run, source, edge)
    if lost is None:
        return Reason(
            why,
            f"Keep what goes into {op} above {edge:g}, by a small number added inside that "
            f"float32 keeps beside it ({KEPT:g}), or use the loss that takes logits.",
            source,
        )
    constant, kept = lost
    return Reason(
        f"{why}, for {constant!r} is {kept:g} in float32, whose numbers next to 1 lie 6e-08 "
        "apart: what was to keep the logarithm from 0 is rounded away",
        f"Use a number that float32 keeps beside 1, such as {KEPT:g}, in place of "
        f"{abs(constant - kept):.0e}; or the loss that takes logits.",
        source,
    )


def _of_root(run: Run, source: int) -> Reason:
    into, lowest = called(run, source), np.min(run.values[source])
    what = "a negative number" if lowest < 0 else "0, in a quotient"
    return Reason(
        f"a root of {what}: {into} goes down to {lowest:.4g}", f"Keep {into} above 0.", source
    )


def _of_quotient(run: Run, source: int) -> Reason | None:
    into, array = called(run, source), np.asarray(run.values[source])
    zeros = (array == 0).sum()
    if not zeros:
        return None
    return Reason(
        f"a division by 0: {zeros:,} of {array.size:,} numbers in {into} are 0",
        f"Keep {into} away from 0.",
        source,
    )


def _of_power(run: Run, source: int, output: Array) -> Reason:
    into, array = called(run, source), np.asarray(run.values[source])
    if np.isnan(output).any():
        return Reason(
            f"a power with a fraction of a negative number: {into} goes down to {array.min():.4g}",
            f"Keep {into}, which is raised, at 0 or above: a negative number has no power with a "
            "fraction.",
            source,
        )
    return Reason(
        f"a power that leaves float32: {into} goes up to {np.abs(array).max():.4g}",
        f"Use smaller numbers for {into}: a power of them leaves float32.",
        source,
    )


def _of_size(run: Run, bound: BoundOperation, sources: list[int]) -> Reason | None:
    """Return the reason of a result that is too large for its precision."""
    output = np.asarray(run.values[bound.output])
    if not np.isinf(output).any():
        return None
    arrays = [np.asarray(run.values[source], np.float64) for source in sources]
    into = called(run, sources[0] if sources else bound.output)
    precision = np.finfo(output.dtype if output.dtype.kind == "f" else np.float64)
    limit = _limit(bound, float(precision.max))
    if limit is not None and sources:
        op = bound.rule_name
        return Reason(
            f"{into} goes up to {arrays[0].max():.4g}, and {op} leaves {precision.dtype} above "
            f"{limit:.0f}",
            f"Keep what goes into {op} below about {limit:.0f}: clamp {into}, or lower the "
            "learning rate.",
            sources[0],
        )
    if np.isnan(output).any():
        return None
    largest = max((float(np.abs(array).max(initial=0)) for array in arrays), default=0.0)
    return Reason(
        f"its result is larger than {precision.dtype}'s largest number, {precision.max:.2g}, of "
        f"operands up to {largest:.4g}",
        f"Bring {into} nearer to 1, as by a smaller x, weights or learning rate.",
    )


def _range_of_maker(run: Run, value_id: int) -> str:
    """Say which activation a value is the output of, where it gives negative numbers too."""
    current = value_id
    while (bound := run.graph.producer(current)) is not None and bound.kind == "copy":
        current = next(iter(bound.sources.values()))
    bound = run.graph.producer(current)
    if bound is None or bound.kind != "elementwise" or len(bound.sources) != 1:
        return ""
    return f"; it is made by {bound.rule_name}"


def _rounded_away(run: Run, value_id: int, edge: float) -> tuple[float, float] | None:
    """Return a constant, and what float32 makes of it, that in float64 keeps a value from an edge.

    That is tried: the run is replayed in float64 with the numbers as they were written.
    """
    if run.values[value_id].dtype != np.float32:
        return None
    try:
        exact = replay(run.graph)[value_id]
    except NotExplained:
        return None
    at = np.asarray(run.values[value_id]) == edge
    if not (np.asarray(exact)[at] > edge).any():
        return None
    for constant in _constants(run, value_id):
        kept = float(np.float32(constant))
        nearest = round(constant)
        small = abs(constant - nearest)
        if 0 < small < 0.5 and abs(kept - constant) > 0.5 * small:
            return constant, kept
    for bound in _pointwise(run, value_id):
        # A small number that is added as it is, beside 1.
        small_ones = [o for o, slot in zip(bound.operands, bound.slots, strict=True) if not slot]
        for operand in small_ones:
            if operand and float(np.float32(1) + np.float32(operand)) == 1.0:
                return 1 + float(operand), 1.0
    return None


def _pointwise(run: Run, value_id: int) -> Iterator[BoundOperation]:
    current = value_id
    while (bound := run.graph.producer(current)) is not None and bound.kind in (
        "elementwise",
        "copy",
    ):
        yield bound
        sources = list(bound.sources.values())
        if not sources:
            return
        current = sources[0]


def _constants(run: Run, value_id: int) -> Iterator[float]:
    """Yield the plain numbers in the elementwise operations that a value was made by."""
    for bound in _pointwise(run, value_id):
        plain = [o for o, slot in zip(bound.operands, bound.slots, strict=True) if not slot]
        for given in (*plain, *bound.attributes.values()):
            if isinstance(given, float):
                yield given


def _limit(bound: BoundOperation, largest: float) -> float | None:
    """Return the last whole number whose function value a precision holds; None if it is large.

    So an exponential is known from what grows more slowly, whatever its name.
    """
    if bound.rule is None or bound.kind != "elementwise" or len(bound.operands) != 1:
        return None
    asked = np.arange(1.0, LARGEST_EXPONENT)
    with np.errstate(all="ignore"):
        sizes = np.abs(bound.rule.forward(asked, **bound.attributes))
    gone = np.flatnonzero(sizes > largest)
    return float(gone[0]) if gone.size else None


def called(run: Run, value_id: int) -> str:
    """Return what a value is called: its name, or its formula over named values."""
    value = run.trace.values[value_id]
    if value.name:
        return value.name
    try:
        return to_text(Steps(run).formula(value_id))
    except NotExplained:
        return f"a {run.graph.op_name(value_id) or value.kind}"
