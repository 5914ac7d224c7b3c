"""The first number of a run that is not finite, and why it is not.

From the loss back, or from the first gradient that is not finite, to the operation that made
an inf or NaN of finite numbers; then what of its operands cannot go through it. Where the same
arithmetic in float64 gives a number, float32 has rounded a small constant away, and that
constant is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ..ops import NotExplained
from ..symbolic.text import to_text
from ..trace import Array
from .backward_pass import shares
from .formulas import Steps
from .forward_pass import replay
from .graph import BoundOperation
from .run import Run

LARGEST_EXPONENT = 1000
KEPT = 1e-6  # a number that float32 keeps beside 1


@dataclass(frozen=True)
class Cause:
    """Why a run is not finite.

    Attributes
    ----------
    value
        The id of the first value that is not, or of which the gradient is not.
    of_gradient
        Whether it is the gradient.
    operation
        That made it; None for what the run started from.
    why
        In words that follow "is the first operation that is not finite": what went in.
    mend
        What to change, in a sentence.
    operand
        The id of what went in and cannot.
    """

    value: int
    of_gradient: bool
    operation: BoundOperation | None
    why: str
    mend: str
    operand: int | None = None


def first_not_finite(run: Run) -> Cause | None:
    """Return why a run is not finite; None for one that is."""
    if run.is_finite:
        return None
    return _backward(run) if _finite(run.values[run.trace.output]) else _forward(run)


def _finite(array: Array) -> bool:
    return bool(np.isfinite(array).all())


def _sources(run: Run, number: int) -> list[int]:
    bound = run.graph.producer(number)
    return [] if bound is None else list(dict.fromkeys(bound.operation.inputs))


def _forward(run: Run) -> Cause:
    """Follow what is not finite from the loss back to what made it from finite numbers.

    An inf that something behind it took away again, as a softmax does with a mask, is not on
    that way.
    """
    current = run.trace.output
    while sources := [i for i in _sources(run, current) if not _finite(run.values[i])]:
        current = min(sources)
    bound = run.graph.producer(current)
    if bound is None:
        name, kind = called(run, current), run.trace.values[current].kind
        return Cause(
            current,
            False,
            None,
            f"{name} ({kind}) is so from the start",
            f"Give {name} finite numbers.",
        )
    return _explained(run, bound)


def _explained(run: Run, bound: BoundOperation) -> Cause:
    output = np.asarray(run.values[bound.output])
    name = bound.rule_name
    operands = [
        (source, np.asarray(run.values[source], np.float64)) for source in bound.sources.values()
    ]
    for test in (_of_logarithm, _of_root, _of_quotient, _of_power):
        found = test(run, bound, name, operands)
        if found is not None:
            return found
    kind = run.values[bound.output].dtype
    precision = np.finfo(kind if kind.kind == "f" else np.float64)
    limit = _limit(bound, float(precision.max))
    if limit is not None and np.isinf(output).any() and operands:
        source, array = operands[0]
        into = called(run, source)
        return Cause(
            bound.output,
            False,
            bound,
            f"{into} goes up to {array.max():.4g}, and {name} leaves {precision.dtype} above "
            f"{limit:.0f}",
            f"Keep what goes into {name} below about {limit:.0f}: clamp {into}, or lower the "
            "learning rate.",
            source,
        )
    if np.isinf(output).any() and not np.isnan(output).any():
        largest = max((float(np.abs(array).max(initial=0)) for _, array in operands), default=0.0)
        into = called(run, operands[0][0]) if operands else called(run, bound.output)
        return Cause(
            bound.output, False, bound,
            f"its result is larger than {precision.dtype}'s largest number, "
            f"{precision.max:.2g}, of operands up to {largest:.4g}",
            f"Bring {into} nearer to 1, as by a smaller x, weights or learning rate.",
        )  # fmt: skip
    return Cause(
        bound.output, False, bound,
        "its operands are finite and it has no value there",
        f"Look at what goes into {called(run, bound.output)}.",
    )  # fmt: skip


Operands = list[tuple[int, Array]]


def _of_logarithm(run: Run, bound: BoundOperation, name: str, operands: Operands) -> Cause | None:
    if not name.startswith("log") or len(operands) != 1:
        return None
    source, array = operands[0]
    # log1p(a) is log(1 + a): where it is undefined is asked of the rule.
    edge = -1.0 if name == "log1p" else 0.0
    if name not in ("log", "log2", "log10", "log1p"):
        return None
    into = called(run, source)
    if array.min() < edge:
        below = int((array < edge).sum())
        origin = _range_of_maker(run, source)
        return Cause(
            bound.output, False, bound,
            f"a logarithm of a negative number: {into} goes down to {array.min():.4g}, and "
            f"{below:,} of {array.size:,} of its numbers lie below {edge:g}{origin}",
            f"Keep what goes into {name} above {edge:g}, as by a sigmoid or softplus that makes "
            f"{into}, or use the loss that takes logits.",
            source,
        )  # fmt: skip
    zeros = int((array == edge).sum())
    why = f"log(0): {zeros:,} of {array.size:,} numbers in {into} are exactly {edge:g}"
    lost = _rounded_away(run, source, edge)
    if lost is not None:
        constant, kept = lost
        return Cause(
            bound.output, False, bound,
            f"{why}, for {constant!r} is {kept:g} in float32, whose numbers next to 1 lie 6e-08 "
            "apart: what was to keep the logarithm from 0 is rounded away",
            f"Use a number that float32 keeps beside 1, such as {KEPT:g}, in place of "
            f"{abs(constant - kept):.0e}; or the loss that takes logits.",
            source,
        )  # fmt: skip
    return Cause(
        bound.output, False, bound, why,
        f"Keep what goes into {name} above {edge:g}, by a small number added inside that float32 "
        f"keeps beside it ({KEPT:g}), or use the loss that takes logits.",
        source,
    )  # fmt: skip


def _of_root(run: Run, bound: BoundOperation, name: str, operands: Operands) -> Cause | None:
    if name not in ("sqrt", "rsqrt") or not operands:
        return None
    source, array = operands[0]
    into = called(run, source)
    what = "a negative number" if array.min() < 0 else "0, in a quotient"
    return Cause(
        bound.output, False, bound,
        f"a root of {what}: {into} goes down to {array.min():.4g}",
        f"Keep {into} above 0.",
        source,
    )  # fmt: skip


def _of_quotient(run: Run, bound: BoundOperation, name: str, operands: Operands) -> Cause | None:
    if name not in ("div", "reciprocal") or not operands:
        return None
    source, array = operands[-1]
    if array.all():
        return None
    into = called(run, source)
    zeros = int((array == 0).sum())
    return Cause(
        bound.output, False, bound,
        f"a division by 0: {zeros:,} of {array.size:,} numbers in {into} are 0",
        f"Keep {into} away from 0.",
        source,
    )  # fmt: skip


def _of_power(run: Run, bound: BoundOperation, name: str, operands: Operands) -> Cause | None:
    if name != "pow" or not operands:
        return None
    source, array = operands[0]
    into = called(run, source)
    if np.isnan(run.values[bound.output]).any():
        return Cause(
            bound.output, False, bound,
            f"a power with a fraction of a negative number: {into} goes down to {array.min():.4g}",
            f"Keep {into}, which is raised, at 0 or above: a negative number has no power with a "
            "fraction.",
            source,
        )  # fmt: skip
    return Cause(
        bound.output, False, bound,
        f"a power that leaves float32: {into} goes up to {np.abs(array).max():.4g}",
        f"Use smaller numbers for {into}: a power of them leaves float32.",
        source,
    )  # fmt: skip


def _range_of_maker(run: Run, number: int) -> str:
    """Say which activation a value is the output of, where it gives negative numbers too."""
    current = number
    while (bound := run.graph.producer(current)) is not None and bound.kind == "copy":
        current = next(iter(bound.sources.values()))
    bound = run.graph.producer(current)
    if bound is None or bound.kind != "elementwise" or len(bound.sources) != 1:
        return ""
    return f"; it is made by {bound.rule_name}"


def _rounded_away(run: Run, number: int, edge: float) -> tuple[float, float] | None:
    """Return a constant, and what float32 makes of it, that in float64 keeps a value from an edge.

    That is tried: the run is replayed in float64 with the numbers as they were written.
    """
    if run.values[number].dtype != np.float32:
        return None
    try:
        exact = replay(run.graph)[number]
    except NotExplained:
        return None
    at = np.asarray(run.values[number]) == edge
    if not (np.asarray(exact)[at] > edge).any():
        return None
    for constant in _constants(run, number):
        kept = float(np.float32(constant))
        nearest = round(constant)
        small = abs(constant - nearest)
        if 0 < small < 0.5 and abs(kept - constant) > 0.5 * small:
            return constant, kept
    for bound in _pointwise(run, number):
        # A small number that is added as it is, beside 1.
        small_ones = [o for o, slot in zip(bound.operands, bound.slots, strict=True) if not slot]
        for operand in small_ones:
            if operand and float(np.float32(1) + np.float32(operand)) == 1.0:
                return 1 + float(operand), 1.0
    return None


def _pointwise(run: Run, number: int) -> Iterator[BoundOperation]:
    current = number
    while (bound := run.graph.producer(current)) is not None and bound.kind in (
        "elementwise",
        "copy",
    ):
        yield bound
        sources = list(bound.sources.values())
        if not sources:
            return
        current = sources[0]


def _constants(run: Run, number: int) -> Iterator[float]:
    """Yield the plain numbers in the elementwise operations that a value was made by."""
    for bound in _pointwise(run, number):
        plain = [o for o, slot in zip(bound.operands, bound.slots, strict=True) if not slot]
        for given in (*plain, *bound.attributes.values()):
            if isinstance(given, float):
                yield given


def _limit(bound: BoundOperation, largest: float) -> float | None:
    """Return the last whole number that a function keeps within a precision; None for a large one.

    So an exponential is known from what grows more slowly, whatever its name.
    """
    if bound.rule is None or bound.kind != "elementwise" or len(bound.operands) != 1:
        return None
    asked = np.arange(1.0, LARGEST_EXPONENT)
    with np.errstate(all="ignore"):
        sizes = np.abs(bound.rule.forward(asked, **bound.attributes))
    gone = np.flatnonzero(sizes > largest)
    return float(gone[0]) if gone.size else None


def _backward(run: Run) -> Cause:
    """Find the first operation, from the loss back, whose gradient was finite and made one not."""
    gradients = run.gradients
    for bound in reversed(run.graph.operations):
        upstream = gradients.get(bound.output)
        if upstream is None or not _finite(upstream):
            continue
        for number in dict.fromkeys(bound.operation.inputs):
            if number in gradients and _spoils(run, bound, number):
                name, op = called(run, number), bound.operation.name
                array = run.values[number]
                return Cause(
                    number, True, bound,
                    f"the loss is finite, but {op} has no slope at some of {name}, from "
                    f"{array.min():.4g} to {array.max():.4g}",
                    f"Keep {name} away from where {op} has no slope, as by a small number added "
                    "inside.",
                    number,
                )  # fmt: skip
    number = max(n for n, gradient in gradients.items() if not _finite(gradient))
    name = called(run, number)
    return Cause(
        number, True, None, f"the loss is finite, but the gradient at {name} is not",
        f"Look at what {name} goes into.",
    )  # fmt: skip


def _spoils(run: Run, bound: BoundOperation, number: int) -> bool:
    """Whether an operation passes a gradient that is not finite to one of its inputs.

    The gradient there adds up what all that used the value pass back, so it alone would not
    tell which of them it was.
    """
    gradients = run.gradients
    if _finite(gradients[number]):
        return False
    users = [user for user in run.graph.consumers(number) if user.output in gradients]
    if any(not _finite(gradients[user.output]) for user in users):
        return False
    if bound.rule is None or len(users) == 1:
        return True
    with np.errstate(all="ignore"):
        mine = shares(bound, gradients[bound.output], run.values, {number})
        return any(not _finite(share) for _, share in mine)


def called(run: Run, number: int) -> str:
    """Return what a value is called: its name, or its formula over named values."""
    value = run.trace.values[number]
    if value.name:
        return value.name
    try:
        return to_text(Steps(run).formula(number))
    except NotExplained:
        bound = run.graph.producer(number)
        return f"a {bound.operation.name}" if bound else f"a {value.kind}"


def kinds_of(array: Array) -> str:
    """Return how many numbers of an array are NaN, and how many inf."""
    counts: dict[str, Callable[[Array], Array]] = {"NaN": np.isnan, "inf": np.isinf}
    found = {word: int(of(array).sum()) for word, of in counts.items()}
    return " and ".join(f"{count:,} {word}" for word, count in found.items() if count)
