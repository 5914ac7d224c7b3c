"""`output-range`: a prediction that cannot be what its target is, or a target that no error takes.

What the last activation can give out is found by experiment, `reach.py`, and held against the
targets of this batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np

from ....engine.graph import BoundOperation
from ....trace import Operation, Slot
from ..evidence.anatomy import Anatomy
from ..evidence.comparisons import ComparisonOp, comparisons, of_summand
from ..evidence.element_weights import SWAPPED, Weighed, sides, weigh
from ..evidence.finding import Finding, NotApplied, error, finding, if_applied, warning
from ..evidence.mending import Cure, called, changed, instead_of
from ..evidence.reach import Reach, reach
from .head_range import without
from .rule import AuditRule

RANGES = "what", "lowest", "highest"
IMAGE_AXES = 3  # of what holds pixels: channels, height and width, or a batch of planes
ROUNDING = 1e-6
GUARD = 0.01  # of the targets' range: a guard of a logarithm keeps a prediction off by less
SUMS_TO_ONE = 1e-3
OF_LOGITS = "of logits"


def look(anatomy: Anatomy) -> Iterator[Finding]:
    compared = comparisons(anatomy)
    reconstruction = (
        anatomy.reconstruction()
        if anatomy.latents
        else [part for part in anatomy.parts if of_summand(anatomy, part.summand.value)]
    )
    for find in (_of_shares, _swapped):
        wrong = [seen for each in compared if (seen := find(anatomy, each)) is not None]
        if wrong:
            yield from wrong
            return
    pair = sides(anatomy, reconstruction)
    if pair is None:
        raise NotApplied("no one value is compared with no one target")
    made, target = pair
    weighed = if_applied(weigh, anatomy, reconstruction)
    if weighed is not None and weighed.range is not None:
        weighed = None
    if weighed is not None and weighed.unit.endswith(SWAPPED):
        yield _swapped_by_hand(anatomy, weighed)
        return
    unit = weighed.unit if weighed else _unit_of_ops(anatomy, made, target)
    if unit is None and all(each.op == "mul" for each in compared):
        raise NotApplied("the input is multiplied by a prediction, and compared with none")
    outside = _outside_of_probabilities(anatomy, unit, target)
    if outside is not None:
        yield outside
        return
    try:
        yield from _against_range(anatomy, unit, target, made, reach(anatomy, made))
    except NotApplied:
        if unit is None:
            raise


def _unit_of_ops(anatomy: Anatomy, made: int, target: int) -> str | None:
    """Return which cross-entropy compares two values; None for another error."""
    ops = {each.op for each in comparisons(anatomy) if (each.made, each.target) == (made, target)}
    if "binary_cross_entropy_with_logits" in ops:
        return "binary cross-entropy of logits"
    return "binary cross-entropy" if "binary_cross_entropy" in ops else None


# --- arguments in the wrong order ---------------------------------------------------------


def _is_swapped(anatomy: Anatomy, bound: BoundOperation) -> bool:
    """Whether an error takes as its target what is made from z, and is another the other way."""
    if bound.kind != "loss" or bound.rule is None or not {0, 1} <= bound.sources.keys():
        return False
    first, second = bound.sources[0], bound.sources[1]
    samples = {site.decoded for site in anatomy.latents}
    made = [bool(samples & anatomy.ancestors(value_id)) for value_id in (first, second)]
    if made != [False, True]:
        return False
    a, b = anatomy.array(first), anatomy.array(second)
    with np.errstate(all="ignore"):
        try:
            as_it_is = bound.rule.forward(a, b, **bound.attributes)
            turned = bound.rule.forward(b, a, **bound.attributes)
        except (ValueError, IndexError, TypeError):
            return True  # they do not go together the other way
    return not np.allclose(as_it_is, turned, equal_nan=True)


def _swapped(anatomy: Anatomy, comparison: ComparisonOp) -> Finding | None:
    bound = comparison.bound
    if not _is_swapped(anatomy, bound):
        return None
    made, target = (anatomy.name(n) for n in (comparison.made, comparison.target))
    op = bound.operation.name
    words = f"Write {op}({made}, {target}): the prediction comes first."
    return error(
        f"{op} has its arguments swapped: {made}, which depends on z, is given as the target, and "
        f"{target} as the prediction.",
        ("argument", "value", "made from z"),
        (("input", target, "no"), ("target", made, "yes")),
        cures=[Cure(words, changed(bound.output, _turned))],
    )


def _turned(operation: Operation) -> Operation:
    arguments = {**dict(zip(("input", "target"), operation.args, strict=False)), **operation.kwargs}
    first, second = arguments["target"], arguments["input"]
    kwargs = {k: v for k, v in operation.kwargs.items() if k not in ("input", "target")}
    return operation._replace(args=(first, second, *operation.args[2:]), kwargs=kwargs)


def _swapped_by_hand(anatomy: Anatomy, weighed: Weighed) -> Finding:
    made, target = anatomy.name(weighed.made), anatomy.name(weighed.target)
    return error(
        f"the cross-entropy has prediction and target swapped: {made}, which depends on z, stands "
        f"where the target belongs, and {target} inside of the logarithm.",
        ("place", "value"),
        (("target", made), ("inside of the logarithm", target)),
        f"Write -({target}·log({made}) + (1 - {target})·log(1 - {made})).",
    )


# --- what a softmax gives out ---------------------------------------------------------------


def _of_shares(anatomy: Anatomy, compared: ComparisonOp) -> Finding | None:
    """Find a softmax where logits belong, or its logarithm, or targets that add up to no 1."""
    way = anatomy.walk_back(compared.made, anatomy.copies)
    bound = anatomy.graph.producer(way[-1])
    if bound is None or bound.rule_name != "softmax":
        return None
    shares, source, dim = bound.output, bound.sources[0], bound.attributes["dim"]
    made, target = anatomy.name(compared.made), anatomy.array(compared.target)
    if compared.op == "nll_loss":
        belongs, cure = "the logarithm of it", called(shares, "log")
        mend = f"Take log_softmax in place of the softmax that makes {made}."
        title = f"nll_loss takes logarithms of shares, and {made} is the softmax itself"
    elif compared.op == "cross_entropy":
        belongs, cure = "logits", instead_of({shares: source})
        mend = f"Give cross_entropy {anatomy.name(source)}, before the softmax."
        title = (
            f"cross_entropy takes logits, and {made} is a softmax already: of the shares another "
            "softmax is taken, which can give the right class no more than "
            f"{_most(anatomy.values[shares].shape[dim]):.3g}"
        )
    elif (
        target.shape == anatomy.values[compared.made].shape == anatomy.values[shares].shape
        and compared.op == "binary_cross_entropy"
        and dim % target.ndim  # over the rows: see row-mixing
    ):
        sums = target.sum(axis=dim)
        if np.allclose(sums, 1.0, atol=SUMS_TO_ONE):
            return None
        belongs, cure = "numbers of their own", changed(shares, _sigmoid_of(source))
        mend = f"Put a sigmoid in the place of the softmax that makes {made}."
        title = (
            f"{made} comes of a softmax, whose elements add up to 1, and the targets add up to "
            f"{sums.min():.4g} to {sums.max():.4g}"
        )
    else:
        return None
    array = anatomy.array(compared.made)
    rows = ((made, array.min(), array.max()), ("what belongs there", belongs, ""))
    return error(f"{title}.", RANGES, rows, cures=[Cure(mend, cure)])


def _most(classes: int) -> float:
    return float(np.e / (np.e + classes - 1))


# --- targets and ranges -------------------------------------------------------------------


def _outside_of_probabilities(anatomy: Anatomy, unit: str | None, target: int) -> Finding | None:
    """Find targets of a binary cross-entropy outside of 0 to 1."""
    targets = anatomy.array(target)
    outside = (targets < -ROUNDING) | (targets > 1 + ROUNDING)
    if unit is None or "cross-entropy" not in unit or not outside.any():
        return None
    low, high = float(targets.min()), float(targets.max())
    return error(
        f"{int(outside.sum()):,} of {outside.size:,} targets in {anatomy.name(target)} lie outside "
        f"of 0 to 1, from {low:.4g} to {high:.4g}: a binary cross-entropy of them has no lower "
        "bound.",
        RANGES,
        (("targets", low, high), ("what it takes", 0.0, 1.0)),
        cures=[_scaled(anatomy, target, low, high)],
    )


def _scaled(anatomy: Anatomy, target: int, low: float, high: float) -> Cure:
    name = anatomy.name(target)
    if low < 0:
        return Cure(
            f"Bring {name} to 0 to 1, as by (x - min)/(max - min), or compare by a squared error.",
            called(target, "sigmoid"),
        )
    # Bytes, where nothing is larger than they can be.
    top = 255.0 if high <= 255 else high
    return Cure(f"Divide {name} by {top:g}.", called(target, "div", top))


def _against_range(
    anatomy: Anatomy, unit: str | None, target: int, made: int, reached: Reach
) -> Iterator[Finding]:
    targets = anatomy.array(target)
    logits = unit is not None and unit.endswith(OF_LOGITS)
    squashed = (
        replace(reached, low=_sigmoid(reached.low), high=_sigmoid(reached.high))
        if logits
        else reached
    )
    low, high = squashed.low, squashed.high
    name = anatomy.name(made)
    lowest, highest = float(targets.min()), float(targets.max())
    rows = (("prediction can be", low, high), ("targets", lowest, highest))
    bounded = np.isfinite(reached.low) or np.isfinite(reached.high)
    slack = ROUNDING * max(abs(lowest), abs(highest), 1.0)
    missed = (targets < low - slack) | (targets > high + slack)
    nearly = max(GUARD * (highest - lowest or abs(highest) or 1.0), slack)
    in_unit = lowest >= 0 and highest <= 1
    if bounded and max(low - lowest, highest - high) > nearly:
        why = (
            f"{name} is bounded to {reached.words} and then taken for logits, so that the "
            f"probability can only lie in ({low:.3g}, {high:.3g})"
            if logits
            else f"{name} can only lie in {squashed.words}"
        )
        other_scale = [] if lowest < 0 else [_scaled(anatomy, target, lowest, highest)]
        yield error(
            f"{why}, and {int(missed.sum()):,} of {missed.size:,} targets lie outside, from "
            f"{lowest:.4g} to {highest:.4g}.",
            RANGES,
            rows,
            cures=[*other_scale, *without(anatomy, reached.way)],
        )
    elif unit == "binary cross-entropy" and (low < -slack or high > 1 + slack):
        yield error(
            f"{name} is taken for a probability and can be anything in {squashed.words}: the "
            "logarithm in the cross-entropy is no number outside of 0 to 1.",
            RANGES,
            rows,
            cures=[Cure(f"Put a sigmoid behind {name}.", called(made, "sigmoid"))],
        )
    elif reached.flat_low and np.isfinite(low) and not np.isfinite(high) and not logits:
        yield warning(
            f"{name} is cut off at {low:g}, in {squashed.words}: where the layer before it "
            "gives less, the output gets no gradient and stays where it is.",
            RANGES,
            rows,
            cures=_other_activation(anatomy, reached, in_unit),
        )
    elif in_unit and np.isfinite(low) and np.isfinite(high) and low < -ROUNDING:
        image = anatomy.values[made].ndim > IMAGE_AXES
        yield finding(
            "warning" if image else "note",
            f"{name} ranges over {squashed.words}, and the targets over [0, 1]: "
            f"{-low / (high - low):.0%} of the range is never right.",
            RANGES,
            rows,
            cures=_other_activation(anatomy, reached, in_unit) if image else (),
        )


def _sigmoid(number: float) -> float:
    return float(0.5 * (1 + np.tanh(0.5 * number)))


def _other_activation(anatomy: Anatomy, reached: Reach, in_unit: bool) -> list[Cure]:
    """Return a sigmoid in the place of the last activation, or none there."""
    cures = []
    for behind, before in pairwise(reached.way if in_unit else ()):
        bound = anatomy.graph.producer(behind)
        if bound is not None and bound.kind == "elementwise":
            cures.append(
                Cure(
                    f"Put a sigmoid in the place of the {bound.rule_name} that makes "
                    f"{anatomy.name(behind)}: its range is that of the targets.",
                    changed(behind, _sigmoid_of(before)),
                )
            )
    return cures + without(anatomy, reached.way)


def _sigmoid_of(source: int) -> Callable[[Operation], Operation]:
    return lambda operation: operation._replace(name="sigmoid", args=(Slot(source),), kwargs={})


RULE = AuditRule(
    "output-range",
    "a prediction that cannot match its target, or swapped arguments",
    "experiments on the replay",
    "the prediction can match its targets",
    look,
)
