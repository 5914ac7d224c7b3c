"""`reconstruction-sign`: a reconstruction that the loss falls with when it gets worse."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from .anatomy import Anatomy
from .draw_weights import DrawWeights, upside_down
from .element_weights import SWAPPED, beside, is_rewarded, sides
from .finding import Evidence, Finding, Seen
from .loss_parts import Part
from .mending import Cure, times
from .reductions import value_of
from .rule import AuditRule

ID = "reconstruction-sign"
RAWS = -8.0, -4.0, 0.0, 4.0, 8.0
LEFT = float(np.exp(RAWS[0]))  # of an error by the slowest way, 1/softplus(raw)


def look(anatomy: Anatomy) -> Seen:
    parts = anatomy.reconstruction()
    weighed = upside_down(anatomy, parts)
    if weighed is not None:
        return Seen("", (_upside_down(anatomy, weighed),))
    unpaid = _unpaid_deviation(anatomy, parts)
    if unpaid is not None:
        return Seen("", (unpaid,))
    rewarded = is_rewarded(anatomy, parts)
    if rewarded is None or rewarded.unit.endswith(SWAPPED):
        return Seen("the loss falls when the prediction comes nearer to its target")
    name = anatomy.name_of(parts, "the reconstruction")
    made, target = (anatomy.lineage.name(n) for n in (rewarded.made, rewarded.target))
    return Seen(
        "",
        (
            Finding(
                ID,
                "error",
                f"{name}, the {rewarded.unit} of {made} and {target}, enters with the wrong sign: "
                "the loss falls when the prediction gets worse, and has no lower bound.",
                Evidence(
                    ("what", "weight of one element"),
                    ((name, -rewarded.weight), ("as it should be", rewarded.weight)),
                ),
                cures=(
                    Cure(
                        f"Change the sign of {name} where it is added.",
                        times(value_of(anatomy, parts), -1.0),
                    ),
                ),
            ),
        ),
    )


def _unpaid_deviation(anatomy: Anatomy, parts: Sequence[Part]) -> Finding | None:
    """Find a learned number that the error is divided by, and that the loss asks no price for.

    A log-likelihood has its log σ, which grows when the error is made small by a large σ.
    """
    found = sides(anatomy, parts)
    if found is None or anatomy.run.graph.not_explained:
        return None
    for scale in beside(anatomy, parts, found[0]):
        raw = anatomy.lineage.walk_back(scale, anatomy.lineage.is_arithmetic)[-1]
        touched = [
            p
            for p in anatomy.parts
            if raw in anatomy.lineage.ancestors(p.summand.value) and not p.summand.switched_off
        ]
        wanted = [p.summand.value for p in touched]
        if found[0] in anatomy.lineage.ancestors(raw):
            continue
        totals = []
        for number in RAWS:
            arrays = anatomy.experiment({raw: anatomy.filled(raw, number)}, wanted)
            totals.append(anatomy.total(touched, arrays))
        falling = totals if totals[0] > totals[-1] else totals[::-1]
        steady = all(a > b >= 0 for a, b in pairwise(falling))
        # A weight that is bounded, as a share, does not fall like that.
        if not (steady and np.isfinite(totals).all() and falling[-1] < falling[0] * LEFT):
            continue
        name = anatomy.lineage.name(scale)
        return Finding(
            ID,
            "error",
            f"the error is weighed by {name}, which is learned, and nothing is paid for it: the "
            "loss falls to 0 without a better prediction.",
            Evidence(
                (f"of what {name} is made", "its part of the loss"),
                tuple(zip(map(str, RAWS), totals, strict=True)),
            ),
            "Add log σ of each element, as in -log N(x; μ, σ²) = ½·(x - μ)²/σ² + log σ + ½·log 2π.",
        )
    return None


def _upside_down(anatomy: Anatomy, weighed: DrawWeights) -> Finding:
    made, target = (anatomy.lineage.name(n) for n in (weighed.made, weighed.target))
    rows = [(str(draw), float(weight)) for draw, weight in enumerate(weighed.weights[:12])]
    what = (
        f"one whose {made} moves away from {target} counts more than before, by "
        f"{100 * weighed.change:.3g}% of all"
        if weighed.change
        else f"each makes the loss smaller when its {made} moves away from {target}"
    )
    return Finding(
        ID,
        "error",
        "the importance weights are upside down: of "
        f"{len(weighed.weights)} draws of a row, {what}.",
        Evidence(("draw", "share of the weight"), tuple(rows), {"change": weighed.change}),
        "Weigh each draw by p(x, z)/q(z): its logarithm is log p(x|z) + log p(z) - log q(z), and "
        "the loss is minus the logsumexp of it.",
    )


RULE = AuditRule(
    ID, "a loss that falls when the reconstruction gets worse", "experiments on the replay", look
)
