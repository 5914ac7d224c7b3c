"""`reconstruction-sign`: a reconstruction that the loss falls with when it gets worse."""

from __future__ import annotations

from .anatomy import Anatomy
from .element_weights import SWAPPED, is_rewarded
from .finding import Evidence, Finding, Seen
from .mending import Cure, times
from .rule import AuditRule
from .scales import value_of

ID = "reconstruction-sign"


def look(anatomy: Anatomy) -> Seen:
    parts = anatomy.reconstruction()
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


RULE = AuditRule(
    ID, "a reconstruction that is better the worse it is", "experiments on the replay", look
)
