"""`nothing-learns`: weights that no optimizer is given, or a loss that depends on none."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..evidence.anatomy import Anatomy, aligned
from ..evidence.finding import Finding, error, warning
from .rule import AuditRule

MOST_SHOWN = 12


def look(anatomy: Anatomy) -> Iterator[Finding]:
    trace, trained = anatomy.trace, anatomy.trained
    if anatomy.strays:
        yield _strays(anatomy)
    elif not trained:
        frozen = f": all {len(trace.frozen)} are frozen" if trace.frozen else ""
        yield error(
            f"the model has no parameters that are trained{frozen}.",
            ("what", "count"),
            [("trained parameters", 0)],
            "Make the layers in __init__ and keep them as attributes of the module."
            if not frozen
            else "Unfreeze what is to learn, by requires_grad_(True).",
        )
    elif not any(value.id in trace.gradients for value in trained):
        yield error(
            f"the loss has a gradient at none of the {len(trained)} trained parameters.",
            ("what", "count"),
            [("trained parameters", len(trained)), ("with a gradient", 0)],
            "Look for a detach, a no_grad or an argmax on the way to the loss.",
        )
    loss = float(anatomy.values[trace.output].sum())
    for name, value, other in anatomy.others.unmoved:
        yield warning(
            f"the loss is given {name} = {value:g} and does not depend on it: with "
            f"{name} = {other:g} it is the same to the last digit.",
            (name, "loss"),
            ((float(value), loss), (float(other), loss)),
            f"Multiply by {name} the term that it is meant to weigh, or leave it out.",
        )


def _strays(anatomy: Anatomy) -> Finding:
    strays = sorted(anatomy.strays)
    anew = _made_anew(anatomy, strays)
    only = "" if anatomy.trained else " and the model has no other parameters that are trained;"
    how, mend = (
        (
            "they are made anew in each run, inside forward",
            "Make these layers once, in __init__, as attributes of the module.",
        )
        if anew
        else (
            "they are kept where a module does not look, as in a Python list",
            "Keep these layers in an nn.ModuleList, or as attributes of the module.",
        )
    )
    return error(
        f"{len(strays)} weights get a gradient and are not among the model's parameters:{only} "
        f"{how}, so that no optimizer is given them and they never learn.",
        ("weight", "shape", "in other runs"),
        [
            (
                f"of {anatomy.name(next(iter(anatomy.users(value_id)), value_id))}",
                anatomy.values[value_id].shape,
                "another" if value_id in anew else "the same",
            )
            for value_id in strays[:MOST_SHOWN]
        ],
        mend,
        facts={"weights": len(strays)},
    )


def _made_anew(anatomy: Anatomy, strays: list[int]) -> set[int]:
    redrawn = anatomy.others.redrawn
    if redrawn is None or not aligned(anatomy.run, redrawn):
        return set()
    return {
        value_id
        for value_id in strays
        if not np.array_equal(anatomy.values[value_id], redrawn.trace.values[value_id].array)
    }


RULE = AuditRule(
    "nothing-learns",
    "weights that no optimizer gets, or a loss without any",
    "the recorded graph",
    "an optimizer gets the parameters that the loss reaches",
    look,
)
