"""`output-range`: a prediction that cannot be what its target is, or a target that no error takes.

What the last activation can give out is found by experiment, `reach.py`, and held against the
targets of this batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np

from ...trace import Array, Operation, Slot
from .anatomy import Anatomy
from .comparisons import Comparison, comparisons, of_summand
from .element_weights import SWAPPED, Weighed, sides, weigh
from .finding import Cell, Evidence, Finding, NotApplied, Seen, Severity
from .head_range import without
from .mending import Cure, Edit, called, changed, left_out
from .reach import Reach, reach
from .rule import AuditRule

ID = "output-range"
IMAGE_AXES = 3  # of what holds pixels: channels, height and width, or a batch of planes
ROUNDING = 1e-6
SUMS_TO_ONE = 1e-3
OF_LOGITS = "of logits"


def look(anatomy: Anatomy) -> Seen:
    reconstruction = (
        anatomy.reconstruction()
        if anatomy.latents
        else [part for part in anatomy.parts if of_summand(anatomy, part.summand.value)]
    )
    shares = [found for each in comparisons(anatomy) if (found := _of_shares(anatomy, each))]
    if shares:
        return Seen("", tuple(shares))
    swapped = [
        _swapped(anatomy, each) for each in comparisons(anatomy) if _is_swapped(anatomy, each)
    ]
    if swapped:
        return Seen("", tuple(swapped))
    pair = sides(anatomy, reconstruction)
    if pair is None:
        raise NotApplied("no one value is compared with no one target")
    made, target = pair
    try:
        weighed = weigh(anatomy, reconstruction)
    except NotApplied:
        weighed = None
    if weighed is not None and weighed.range is not None:
        weighed = None
    if weighed is not None and weighed.unit.endswith(SWAPPED):
        return Seen("", (_swapped_by_hand(anatomy, weighed),))
    unit = weighed.unit if weighed else _unit_of_ops(anatomy, made, target)
    if unit is None and all(each.op == "mul" for each in comparisons(anatomy)):
        raise NotApplied("the input is multiplied by a prediction, and compared with none")
    targets = anatomy.array(target)
    findings = _outside_of_probabilities(anatomy, unit, target, targets)
    if not findings:
        try:
            findings = _against_range(anatomy, unit, made, target, reach(anatomy, made))
        except NotApplied:
            if unit is None:
                raise
    return Seen("the prediction can be what its targets are", tuple(findings))


def _unit_of_ops(anatomy: Anatomy, made: int, target: int) -> str | None:
    """Return which cross-entropy compares two values; None for another error."""
    ops = {each.op for each in comparisons(anatomy) if (each.made, each.target) == (made, target)}
    if "binary_cross_entropy_with_logits" in ops:
        return "binary cross-entropy of logits"
    return "binary cross-entropy" if "binary_cross_entropy" in ops else None


# --- arguments in the wrong order ---------------------------------------------------------


def _is_swapped(anatomy: Anatomy, comparison: Comparison) -> bool:
    """Whether an error takes as its target what is made from z, and is another the other way."""
    bound = comparison.bound
    if (
        bound.kind != "loss"
        or bound.rule is None
        or 0 not in bound.sources
        or 1 not in bound.sources
    ):
        return False
    first, second = bound.sources[0], bound.sources[1]
    samples = {site.decoded for site in anatomy.latents}
    learned = [bool(samples & anatomy.lineage.ancestors(number)) for number in (first, second)]
    if learned != [False, True]:
        return False
    a, b = anatomy.array(first), anatomy.array(second)
    with np.errstate(all="ignore"):
        try:
            as_it_is = bound.rule.forward(a, b, **bound.attributes)
            turned = bound.rule.forward(b, a, **bound.attributes)
        except (ValueError, IndexError, TypeError):
            return True  # they do not go together the other way
    return not np.allclose(as_it_is, turned, equal_nan=True)


def _swapped(anatomy: Anatomy, comparison: Comparison) -> Finding:
    bound = comparison.bound
    made, target = (anatomy.lineage.name(n) for n in (comparison.made, comparison.target))
    op = bound.operation.name
    return Finding(
        ID,
        "error",
        f"{op} has its arguments swapped: {made}, which depends on z, is given as the target, and "
        f"{target} as the prediction.",
        Evidence(
            ("argument", "value", "made from z"),
            (("input", target, "no"), ("target", made, "yes")),
        ),
        cures=(
            Cure(
                f"Write {op}({made}, {target}): the prediction comes first.", _turned(bound.output)
            ),
        ),
    )


def _turned(output: int) -> Edit:
    def turned(operation: Operation) -> Operation:
        given = {**dict(zip(("input", "target"), operation.args, strict=False)), **operation.kwargs}
        first, second = given["target"], given["input"]
        kwargs = {k: v for k, v in operation.kwargs.items() if k not in ("input", "target")}
        return operation._replace(args=(first, second, *operation.args[2:]), kwargs=kwargs)

    return changed(output, turned)


def _swapped_by_hand(anatomy: Anatomy, weighed: Weighed) -> Finding:
    made, target = anatomy.lineage.name(weighed.made), anatomy.lineage.name(weighed.target)
    return Finding(
        ID,
        "error",
        f"the cross-entropy has prediction and target swapped: {made}, which depends on z, stands "
        f"where the target belongs, and {target} inside of the logarithm.",
        Evidence(("place", "value"), (("target", made), ("inside of the logarithm", target))),
        f"Write -({target}·log({made}) + (1 - {target})·log(1 - {made})).",
    )


# --- what a softmax gives out ---------------------------------------------------------------


def _of_shares(anatomy: Anatomy, compared: Comparison) -> Finding | None:
    """Find a softmax where logits belong, or its logarithm, or targets that add up to no 1."""
    lineage = anatomy.lineage
    way = lineage.walk_back(compared.made, lineage.copies)
    bound = lineage.graph.producer(way[-1])
    made, target = lineage.name(compared.made), anatomy.array(compared.target)
    if compared.op == "nll_loss" and bound is not None and bound.rule_name == "softmax":
        words, cure = "the logarithm of it", called(way[-1], "log")
        mend = f"Take log_softmax in place of the softmax that makes {made}."
        title = f"nll_loss takes logarithms of shares, and {made} is the softmax itself"
    elif bound is None or bound.rule_name != "softmax":
        return None
    elif compared.op == "cross_entropy":
        words, cure = "logits", left_out(way[-1], bound.sources[0])
        mend = f"Give cross_entropy {lineage.name(bound.sources[0])}, before the softmax."
        title = (
            f"cross_entropy takes logits, and {made} is a softmax already: of the shares another "
            "softmax is taken, which can give the right class no more than "
            f"{_most(anatomy.values[way[-1]].shape[bound.attributes['dim']]):.3g}"
        )
    elif (
        target.shape == anatomy.values[compared.made].shape == anatomy.values[way[-1]].shape
        and compared.op == "binary_cross_entropy"
        and bound.attributes["dim"] % target.ndim  # over the rows: see row-mixing
    ):
        sums = target.sum(axis=bound.attributes["dim"])
        if np.allclose(sums, 1.0, atol=SUMS_TO_ONE):
            return None
        words, cure = "numbers of their own", changed(way[-1], _sigmoid_of(bound.sources[0]))
        mend = f"Put a sigmoid in the place of the softmax that makes {made}."
        title = (
            f"{made} comes of a softmax, whose elements add up to 1, and the targets add up to "
            f"{sums.min():.4g} to {sums.max():.4g}"
        )
    else:
        return None
    array = anatomy.array(compared.made)
    rows = ((made, float(array.min()), float(array.max())), ("what belongs there", words, ""))
    return _finding("error", f"{title}.", rows, (Cure(mend, cure),))


def _most(classes: int) -> float:
    return float(np.e / (np.e + classes - 1))


# --- targets and ranges -------------------------------------------------------------------


def _outside_of_probabilities(
    anatomy: Anatomy, unit: str | None, target: int, targets: Array
) -> list[Finding]:
    """Find targets of a binary cross-entropy outside of 0 to 1."""
    if unit is None or "cross-entropy" not in unit:
        return []
    outside = (targets < -ROUNDING) | (targets > 1 + ROUNDING)
    if not outside.any():
        return []
    low, high = float(targets.min()), float(targets.max())
    name = anatomy.lineage.name(target)
    return [
        Finding(
            ID,
            "error",
            f"{int(outside.sum()):,} of {outside.size:,} targets in {name} lie outside of 0 to 1, "
            f"from {low:.4g} to {high:.4g}: a binary cross-entropy of them has no lower bound.",
            _ranges((("targets", low, high), ("what it takes", 0.0, 1.0))),
            cures=(_scaled(anatomy, target, low, high),),
        )
    ]


def _scaled(anatomy: Anatomy, target: int, low: float, high: float) -> Cure:
    name = anatomy.lineage.name(target)
    if low < 0:
        return Cure(
            f"Bring {name} to 0 to 1, as by (x - min)/(max - min), or compare by a squared error.",
            called(target, "sigmoid"),
        )
    # Bytes, where nothing is larger than they can be.
    top = 255.0 if high <= 255 else high
    return Cure(f"Divide {name} by {top:g}.", called(target, "div", top))


def _against_range(
    anatomy: Anatomy, unit: str | None, made: int, target: int, found: Reach
) -> list[Finding]:
    targets = anatomy.array(target)
    logits = unit is not None and unit.endswith(OF_LOGITS)
    squashed = (
        replace(found, low=_sigmoid(found.low), high=_sigmoid(found.high)) if logits else found
    )
    low, high = squashed.low, squashed.high
    name = anatomy.lineage.name(made)
    lowest, highest = float(targets.min()), float(targets.max())
    rows = (("prediction can be", low, high), ("targets", lowest, highest))
    bounded = np.isfinite(found.low) or np.isfinite(found.high)
    slack = ROUNDING * max(abs(lowest), abs(highest), 1.0)
    missed = (targets < low - slack) | (targets > high + slack)
    if bounded and missed.any():
        why = (
            f"{name} is bounded to {found.words} and then taken for logits, so that the "
            f"probability can only lie in ({low:.3g}, {high:.3g})"
            if logits
            else f"{name} can only lie in {squashed.words}"
        )
        return [
            _finding(
                "error",
                f"{why}, and {int(missed.sum()):,} of {missed.size:,} targets lie outside, from "
                f"{lowest:.4g} to {highest:.4g}.",
                rows,
                (*_other_scale(anatomy, target, targets), *without(anatomy, found.way)),
            )
        ]
    if unit == "binary cross-entropy" and (low < -slack or high > 1 + slack):
        return [
            _finding(
                "error",
                f"{name} is taken for a probability and can be anything in {squashed.words}: the "
                "logarithm in the cross-entropy is no number outside of 0 to 1.",
                rows,
                (Cure(f"Put a sigmoid behind {name}.", called(made, "sigmoid")),),
            )
        ]
    if found.flat_low and np.isfinite(low) and not np.isfinite(high) and not logits:
        return [
            _finding(
                "warning",
                f"{name} is cut off at {low:g}, in {squashed.words}: where the layer before it "
                "gives less, the output gets no gradient and stays where it is.",
                rows,
                tuple(_activations(anatomy, found, targets)),
            )
        ]
    within_unit = lowest >= 0 and highest <= 1
    if within_unit and np.isfinite(low) and np.isfinite(high) and low < -ROUNDING:
        image = anatomy.values[made].ndim > IMAGE_AXES
        return [
            _finding(
                "warning" if image else "note",
                f"{name} ranges over {squashed.words}, and the targets over [0, 1]: "
                f"{-low / (high - low):.0%} of the range is never right.",
                rows,
                tuple(_activations(anatomy, found, targets)) if image else (),
            )
        ]
    return []


def _sigmoid(number: float) -> float:
    return float(0.5 * (1 + np.tanh(0.5 * number)))


def _other_scale(anatomy: Anatomy, target: int, targets: Array) -> list[Cure]:
    if targets.min() < 0:
        return []
    return [_scaled(anatomy, target, float(targets.min()), float(targets.max()))]


def _activations(anatomy: Anatomy, found: Reach, targets: Array) -> list[Cure]:
    """Return a sigmoid in the place of the last activation, or none there."""
    lineage = anatomy.lineage
    cures = []
    unit_targets = targets.min() >= 0 and targets.max() <= 1
    for behind, before in pairwise(found.way):
        bound = lineage.graph.producer(behind)
        if unit_targets and bound is not None and bound.kind == "elementwise":
            cures.append(
                Cure(
                    f"Put a sigmoid in the place of the {bound.rule_name} that makes "
                    f"{lineage.name(behind)}: its range is that of the targets.",
                    changed(behind, _sigmoid_of(before)),
                )
            )
    return cures + without(anatomy, found.way)


def _sigmoid_of(source: int) -> Callable[[Operation], Operation]:
    return lambda operation: operation._replace(name="sigmoid", args=(Slot(source),), kwargs={})


def _ranges(rows: tuple[tuple[Cell, ...], ...]) -> Evidence:
    return Evidence(("what", "lowest", "highest"), rows)


def _finding(
    severity: Severity, title: str, rows: tuple[tuple[Cell, ...], ...], cures: tuple[Cure, ...]
) -> Finding:
    return Finding(ID, severity, title, _ranges(rows), cures=cures)


RULE = AuditRule(
    ID,
    "a prediction that cannot match its target, or swapped arguments",
    "experiments on the replay",
    look,
)
