"""`saturation`: sigmoids, deviations and clamps so far out that the gradient is gone."""

from __future__ import annotations

import numpy as np

from ...engine.graph import BoundOperation
from ...trace import Array
from .anatomy import Anatomy
from .comparing import Comparison, comparisons
from .experiments import actual_scale
from .facts import CLAMPS, LAYERS, is_elementwise
from .finding import Evidence, Finding, NotApplied, Seen
from .posterior import Site
from .rule import AuditRule

ID = "saturation"
FLAT = 1e-4  # of a sigmoid's or tanh's slope at 0
SMALLEST_SCALE, LARGEST_SCALE = 1e-4, 1e4
WRONG = 0.1  # how far an output may be off its target and count as right


def look(anatomy: Anatomy) -> Seen:
    anatomy.require_finite()
    findings: list[Finding] = []
    compared: tuple[Comparison, ...] = ()
    try:
        compared = comparisons(anatomy)
        for site in anatomy.sites():
            findings += _scale(anatomy, site)
            findings += _clamped_chain(anatomy, site)
    except NotApplied:
        pass  # without a latent there still are activations to look at
    outputs = {
        number: comparison
        for comparison in compared
        for number in anatomy.facts.walk_back(comparison.made, is_elementwise)
    }
    for bound in anatomy.facts.graph.operations:
        if bound.output not in anatomy.facts.graph.reaches_loss:
            continue
        if bound.rule_name in ("sigmoid", "tanh"):
            findings += _squashed(anatomy, bound, outputs.get(bound.output))
        elif bound.rule_name in CLAMPS and bound.output in outputs:
            findings += _clamped_output(anatomy, bound, outputs[bound.output])
    return Seen(
        "no sigmoid, tanh, clamp or deviation of z is so far out that it is flat", tuple(findings)
    )


def _scale(anatomy: Anatomy, site: Site) -> list[Finding]:
    if not site.chain:
        return []
    scale = np.abs(actual_scale(anatomy, site))
    out = (scale < SMALLEST_SCALE) | (scale > LARGEST_SCALE)
    if not out.any():
        return []
    name = anatomy.facts.name(site.chain[0])
    small = bool((scale < SMALLEST_SCALE).any())
    return [
        Finding(
            ID,
            "warning",
            f"{name}, the deviation of {anatomy.latent(site)}, lies outside {SMALLEST_SCALE:g} to "
            f"{LARGEST_SCALE:g} at {int(out.sum()):,} of {scale.size:,} places"
            + (": there the noise is gone from z, and with it its gradient." if small else "."),
            Evidence(
                ("where", "value"),
                (
                    ("smallest deviation", float(scale.min())),
                    ("largest deviation", float(scale.max())),
                ),
                {"places": int(out.sum())},
            ),
            f"Keep {anatomy.facts.name(site.chain[-1])} within a range, as by a clamp of the "
            "log-variance, or lower the learning rate.",
        )
    ]


def _clamped_chain(anatomy: Anatomy, site: Site) -> list[Finding]:
    """Find clamps between a posterior's raw values and its scale that hold something back."""
    found = []
    for number in site.chain:
        bound = anatomy.facts.graph.producer(number)
        if bound is not None and bound.rule_name in CLAMPS:
            before = np.asarray(anatomy.values[int(bound.operands[0])])
            held = before != np.asarray(anatomy.values[number])
            found += _held(anatomy, bound, held)
    return found


def _clamped_output(
    anatomy: Anatomy, bound: BoundOperation, comparison: Comparison
) -> list[Finding]:
    """Find clamps of an output that hold back elements which are wrong, so would have to move."""
    before = np.asarray(anatomy.values[int(bound.operands[0])])
    held = before != np.asarray(anatomy.values[bound.output])
    wrong = _off_target(anatomy, bound.output, comparison)
    return [] if wrong is None else _held(anatomy, bound, held & wrong)


def _held(anatomy: Anatomy, bound: BoundOperation, held: Array) -> list[Finding]:
    if not held.any():
        return []
    before = np.asarray(anatomy.values[int(bound.operands[0])])
    name = anatomy.facts.name(bound.output)
    return [
        Finding(
            ID,
            "warning",
            f"the clamp that makes {name} holds back {int(held.sum()):,} of {held.size:,} "
            "elements, whose gradient is 0.",
            Evidence(
                ("where", "value"),
                (
                    ("lowest before the clamp", float(before.min())),
                    ("highest before the clamp", float(before.max())),
                    ("lowest behind it", float(anatomy.values[bound.output].min())),
                    ("highest behind it", float(anatomy.values[bound.output].max())),
                ),
                {"held": int(held.sum())},
            ),
            f"Widen the clamp at {name}, or bring what goes in nearer to its range: what is held "
            "back cannot learn its way out.",
        )
    ]


def _squashed(
    anatomy: Anatomy, bound: BoundOperation, comparison: Comparison | None
) -> list[Finding]:
    """Find units that are flat for every row, or outputs that are flat and wrong."""
    before = anatomy.array(int(bound.operands[0]))
    after = anatomy.array(bound.output)
    sigmoid = bound.rule_name == "sigmoid"
    slope = 4 * after * (1 - after) if sigmoid else 1 - after**2
    flat = slope < FLAT
    if comparison is not None:
        wrong = _off_target(anatomy, bound.output, comparison)
        gradient = anatomy.run.gradients.get(int(bound.operands[0]))
        if wrong is None or gradient is None or not flat.any():
            return []
        # Behind a sigmoid, a cross-entropy brings back the slope that the sigmoid has lost.
        moving = np.abs(gradient) > FLAT * np.abs(gradient).max(initial=0.0)
        gone = flat & wrong & ~(moving & (np.abs(gradient) > 0))
        return _flat(anatomy, bound, gone, before, "though they are far from their target")
    rule = anatomy.facts.rule(int(bound.operands[0]))
    if rule not in LAYERS or before.ndim < 2:
        return []
    everywhere = np.broadcast_to(flat.all(axis=0, keepdims=True), flat.shape)
    return _flat(anatomy, bound, everywhere, before, "in units that are so for every row")


def _flat(
    anatomy: Anatomy, bound: BoundOperation, gone: Array, before: Array, which: str
) -> list[Finding]:
    if not gone.any():
        return []
    name = anatomy.facts.name(bound.output)
    return [
        Finding(
            ID,
            "warning",
            f"{int(gone.sum()):,} of {gone.size:,} elements of {name} are so far out that their "
            f"gradient is gone, {which}.",
            Evidence(
                ("where", "value"),
                (
                    ("lowest going in", float(before[gone].min())),
                    ("highest going in", float(before[gone].max())),
                ),
                {"flat": int(gone.sum())},
            ),
            f"Bring what goes into {name} nearer to 0: scale x down, or its layer's weights; for "
            "an output, use the loss that takes logits.",
        )
    ]


def _off_target(anatomy: Anatomy, number: int, comparison: Comparison) -> Array | None:
    """Return where an output is far from its target; None where the shapes do not say."""
    made = anatomy.array(number)
    target = anatomy.array(comparison.target)
    if made.shape != target.shape:
        return None
    return np.asarray(np.abs(made - target) > WRONG)


RULE = AuditRule(
    ID,
    "sigmoids, deviations and clamps whose gradient is gone",
    "gradients split by term",
    look,
)
