"""`reconstruction-sign`: a reconstruction that the loss falls with when it gets worse."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from ..evidence.anatomy import Anatomy
from ..evidence.draw_weights import DrawWeights, upside_down
from ..evidence.element_weights import SWAPPED, beside, is_rewarded, sides
from ..evidence.finding import Finding, error, numbered
from ..evidence.loss_parts import LossPart
from ..evidence.mending import Cure, times
from ..evidence.reductions import value_of
from .rule import AuditRule

RAWS = -8.0, -4.0, 0.0, 4.0, 8.0
LEFT = float(np.exp(RAWS[0]))  # of an error by the slowest way, 1/softplus(raw)


def look(anatomy: Anatomy) -> Iterator[Finding]:
    parts = anatomy.reconstruction()
    weighed = upside_down(anatomy, parts)
    if weighed is not None:
        yield _upside_down(anatomy, weighed)
        return
    unpaid = _unpaid_deviation(anatomy, parts)
    if unpaid is not None:
        yield unpaid
        return
    rewarded = is_rewarded(anatomy, parts)
    if rewarded is None or rewarded.unit.endswith(SWAPPED):
        return
    name = anatomy.name_of(parts, "the reconstruction")
    made, target = (anatomy.name(n) for n in (rewarded.made, rewarded.target))
    yield error(
        f"{name}, the {rewarded.unit} of {made} and {target}, enters with the wrong sign: "
        "the loss falls when the prediction gets worse, and has no lower bound.",
        ("what", "weight of one element"),
        ((name, -rewarded.weight), ("as it should be", rewarded.weight)),
        cures=[
            Cure(
                f"Change the sign of {name} where it is added.",
                times(value_of(anatomy, parts), -1.0),
            )
        ],
    )


def _unpaid_deviation(anatomy: Anatomy, parts: Sequence[LossPart]) -> Finding | None:
    """Find a learned number that the error is divided by, and that the loss asks no price for.

    A log-likelihood has its log σ, which grows when the error is made small by a large σ.
    """
    compared = sides(anatomy, parts)
    if compared is None or anatomy.graph.not_explained:
        return None
    for scale in beside(anatomy, parts, compared[0]):
        raw = anatomy.walk_back(scale, anatomy.is_arithmetic)[-1]
        if compared[0] in anatomy.ancestors(raw):
            continue
        touched = [
            p
            for p in anatomy.parts
            if raw in anatomy.ancestors(p.summand.value) and not p.summand.switched_off
        ]
        totals = [
            anatomy.total_with(touched, {raw: anatomy.filled(raw, number)}) for number in RAWS
        ]
        falling = totals if totals[0] > totals[-1] else totals[::-1]
        steady = all(a > b >= 0 for a, b in pairwise(falling))
        # A weight that is bounded, as a share, does not fall like that.
        if steady and np.isfinite(totals).all() and falling[-1] < falling[0] * LEFT:
            name = anatomy.name(scale)
            return error(
                f"the error is weighed by {name}, which is learned, and nothing is paid for it: "
                "the loss falls to 0 without a better prediction.",
                (f"of what {name} is made", "its part of the loss"),
                zip(map(str, RAWS), totals, strict=True),
                "Add log σ of each element, as in -log N(x; μ, σ²) = ½·(x - μ)²/σ² + log σ + "
                "½·log 2π.",
            )
    return None


def _upside_down(anatomy: Anatomy, weighed: DrawWeights) -> Finding:
    made, target = (anatomy.name(n) for n in (weighed.made, weighed.target))
    what = (
        f"one whose {made} moves away from {target} counts more than before, by "
        f"{100 * weighed.change:.3g}% of all"
        if weighed.change
        else f"each makes the loss smaller when its {made} moves away from {target}"
    )
    return error(
        "the importance weights are upside down: of "
        f"{len(weighed.weights)} draws of a row, {what}.",
        ("draw", "share of the weight"),
        numbered(weighed.weights, most=12),
        "Weigh each draw by p(x, z)/q(z): its logarithm is log p(x|z) + log p(z) - log q(z), and "
        "the loss is minus the logsumexp of it.",
        facts={"change": weighed.change},
    )


RULE = AuditRule(
    "reconstruction-sign",
    "a loss that falls when the reconstruction gets worse",
    "experiments on the replay",
    "the loss falls when the prediction comes nearer to its target",
    look,
)
