"""`reconstruction-sign`: a reconstruction that the loss falls with when it gets worse."""

from __future__ import annotations

from .anatomy import Anatomy
from .draw_weights import DrawWeights, upside_down
from .element_weights import SWAPPED, is_rewarded
from .finding import Evidence, Finding, Seen
from .mending import Cure, times
from .reductions import value_of
from .rule import AuditRule

ID = "reconstruction-sign"


def look(anatomy: Anatomy) -> Seen:
    parts = anatomy.reconstruction()
    weighed = upside_down(anatomy, parts)
    if weighed is not None:
        return Seen("", (_upside_down(anatomy, weighed),))
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
