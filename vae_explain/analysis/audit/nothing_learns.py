"""`nothing-learns`: weights that no optimizer is given, or a loss that depends on none."""

from __future__ import annotations

import numpy as np

from .anatomy import Anatomy, aligned
from .finding import Cell, Evidence, Finding, Seen
from .rule import AuditRule

ID = "nothing-learns"
MOST_SHOWN = 12


def look(anatomy: Anatomy) -> Seen:
    trace, strays = anatomy.trace, sorted(anatomy.lineage.strays)
    trained = [v for v in trace.values if v.kind == "parameter" and v.id not in trace.frozen]
    findings = []
    if strays:
        findings.append(_strays(anatomy, strays, len(trained)))
    elif not trained:
        frozen = f": all {len(trace.frozen)} are frozen" if trace.frozen else ""
        findings.append(
            _error(
                f"the model has no parameters that are trained{frozen}.",
                [("trained parameters", 0)],
                "Make the layers in __init__ and keep them as attributes of the module"
                if not frozen
                else "Unfreeze what is to learn, by requires_grad_(True)",
            )
        )
    elif not any(value.id in trace.gradients for value in trained):
        findings.append(
            _error(
                f"the loss has a gradient at none of the {len(trained)} trained parameters.",
                [("trained parameters", len(trained)), ("with a gradient", 0)],
                "Look for a detach, a no_grad or an argmax on the way to the loss",
            )
        )
    findings += [_unmoved(anatomy, *each) for each in anatomy.others.unmoved]
    return Seen("the loss reaches parameters that an optimizer is given", tuple(findings))


def _unmoved(anatomy: Anatomy, name: str, value: float, other: float) -> Finding:
    loss = float(anatomy.values[anatomy.trace.output].reshape(()))
    return Finding(
        ID,
        "warning",
        f"the loss is given {name} = {value:g} and does not depend on it: with {name} = {other:g} "
        "it is the same to the last digit.",
        Evidence((name, "loss"), ((float(value), loss), (float(other), loss))),
        f"Multiply by {name} the term that it is meant to weigh, or leave it out.",
    )


def _strays(anatomy: Anatomy, strays: list[int], trained: int) -> Finding:
    anew = _made_anew(anatomy, strays)
    users = {
        number: next((u.output for u in anatomy.lineage.graph.consumers(number)), number)
        for number in strays
    }
    rows: list[tuple[Cell, ...]] = [
        (
            f"of {anatomy.lineage.name(users[number])}",
            str(list(anatomy.values[number].shape)),
            "another" if number in anew else "the same",
        )
        for number in strays[:MOST_SHOWN]
    ]
    only = "" if trained else " and the model has no other parameters that are trained;"
    how = (
        "they are made anew in each run, inside forward"
        if anew
        else "they are kept where a module does not look, as in a Python list"
    )
    return Finding(
        ID,
        "error",
        f"{len(strays)} weights get a gradient and are not among the model's parameters:{only} "
        f"{how}, so that no optimizer is given them and they never learn.",
        Evidence(("weight", "shape", "in other runs"), tuple(rows), {"weights": len(strays)}),
        "Make these layers once, in __init__, as attributes of the module."
        if anew
        else "Keep these layers in an nn.ModuleList, or as attributes of the module.",
    )


def _made_anew(anatomy: Anatomy, strays: list[int]) -> set[int]:
    redrawn = anatomy.others.redrawn
    if redrawn is None or not aligned(anatomy.run, redrawn):
        return set()
    return {
        number
        for number in strays
        if not np.array_equal(anatomy.values[number], redrawn.trace.values[number].array)
    }


def _error(title: str, rows: list[tuple[Cell, ...]], mend: str) -> Finding:
    return Finding(ID, "error", title, Evidence(("what", "count"), tuple(rows)), f"{mend}.")


RULE = AuditRule(
    ID, "weights that no optimizer gets, or a loss without any", "the recorded graph", look
)
