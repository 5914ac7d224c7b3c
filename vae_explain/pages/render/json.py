"""The JSON contract: one object, unrounded numbers, true shapes, strict JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...engine.first_not_finite import first_not_finite
from ...engine.formulas import Steps
from ...engine.gradient_paths import Paths
from ...engine.loss_call import LossCall
from ...engine.not_finite_reasons import called as value_name
from ...engine.provenance import Derivation, Provenance, Target
from ...engine.roles import section_of
from ...engine.run import Run
from ...ops import NotExplained
from ...symbolic.expression import Number, Ref
from ...symbolic.latex import to_latex
from ...symbolic.text import to_text
from ...trace import Array
from ..blocks import Checks

SCHEMA = 1


def dump(run: Run, command: str, checks: Checks, only: Sequence[str] = ()) -> str:
    """Return a run as one JSON object; `only` narrows the steps to those named."""
    return text(
        command,
        **origin(run),
        values={
            value.name: plain(run.values[value.id])
            for value in run.trace.values
            if value.name is not None
        },
        gradients=named(run, run.gradients),
        gradients_by_term={
            term: named(run, _with_zeros(run, gradients))
            for term, gradients in run.term_gradients.items()
        },
        steps=steps(run, only),
        not_explained=list(run.graph.not_explained),
        checks=checked(checks),
        **not_finite(run),
    )


def _with_zeros(run: Run, gradients: Mapping[int, Array]) -> dict[int, Array]:
    """Give a term of the loss the gradient 0 that it has at what it does not reach."""
    return {n: np.zeros_like(whole) for n, whole in run.gradients.items()} | dict(gradients)


def not_finite(run: Run) -> dict[str, Any]:
    """Return why a run is not finite; nothing for one that is."""
    cause = first_not_finite(run)
    if cause is None:
        return {}
    name = value_name(run, cause.value) + (".grad" if cause.of_gradient else "")
    op = cause.operation.operation.name if cause.operation else None
    return {"not_finite": {"value": name, "op": op, "why": cause.why, "mend": cause.mend}}


def steps(run: Run, only: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return each named value with its formula over other named values."""
    view = Steps(run)
    entries = []
    for number in view.named():
        value = run.trace.values[number]
        if only and value.name not in only:
            continue
        entry: dict[str, Any] = {"name": value.name, "section": section_of(run, number)}
        try:
            formula = view.formula(number)
            entry |= {"formula": to_text(formula), "latex": to_latex(formula)}
        except NotExplained as reason:
            entry |= {"formula": None, "latex": None, "not_explained": str(reason)}
        inputs = [i for i in view.inputs(number) if i != number]
        entry["inputs"] = [run.trace.values[i].name for i in inputs]
        entries.append(entry)
    return entries


def dump_derivation(
    run: Run,
    view: Provenance,
    target: Target,
    checks: Checks,
    depth: int | None = None,
    full: bool = False,
) -> str:
    """Return one number's derivation, and for a gradient its paths, as one JSON object.

    The paths are null where one of them passes an op without a rule.
    """
    root = view.derive(target, depth, full)
    document: dict[str, Any] = {
        **origin(run),
        "target": view.name(target),
        "value": plain(root.value),
        "derivation": _derivation(root),
        "paths": [],
        "checks": checked(checks),
    }
    if target.gradient:
        try:
            paths, left_out = Paths(run, view.steps).of(target)
        except NotExplained as reason:
            document |= {"paths": None, "not_explained": str(reason)}
            return text("why", **document)
        document["paths"] = [
            {"through": list(path.through), "amount": plain(path.amount)}
            | ({"blocked_by": path.blocked_by} if path.blocked_by else {})
            for path in paths
        ]
        if left_out:
            document["paths"].append({"through": [], "amount": plain(left_out)})
    return text("why", **document)


def _derivation(node: Derivation) -> dict[str, Any]:
    expression = node.line.expression if node.line else None
    return {
        "name": node.name,
        "value": plain(node.value),
        "status": node.status,
        "formula": to_text(expression) if expression else None,
        "latex": to_latex(expression) if expression else None,
        "substituted": to_text(expression, _every_digit) if expression else None,
        "children": [_derivation(child) for child in node.children],
    }


def _every_digit(leaf: Number | Ref) -> str:
    return repr(float(leaf.value))


def origin(run: Run) -> dict[str, Any]:
    """Return what a run's numbers come from: arithmetic, seed, PyTorch, how the loss was called."""
    return {
        "arithmetic": run.arithmetic,
        "seed": run.seed,
        **set_by_hand(run.changed),
        "torch": run.trace.torch_version,
        **called(run.loss_call),
    }


def set_by_hand(changed: Sequence[str]) -> dict[str, Any]:
    """Return the entries that were set by hand, as the option takes them; nothing for none."""
    return {"set": list(changed)} if changed else {}


def called(call: LossCall | None) -> dict[str, Any]:
    """Return how the loss of a user's model was called; nothing for the built-in VAE."""
    if call is None:
        return {}
    arguments = [each._asdict() for each in call.arguments]
    return {"loss_call": {"text": call.text, **call._asdict(), "arguments": arguments}}


def checked(checks: Checks) -> dict[str, Any]:
    return {
        "lines": checks.lines,
        "failed": checks.failed,
        "largest_relative_difference": plain(checks.largest_relative_difference),
    }


def named(run: Run, gradients: Mapping[int, Array]) -> dict[str, Any]:
    pairs = ((run.trace.values[number].name, array) for number, array in sorted(gradients.items()))
    return {name: plain(array) for name, array in pairs if name is not None}


def plain(number: Any) -> Any:
    """Return an array or number as lists and floats, what is not finite as a string."""
    array = np.asarray(number)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return _spelled(array.tolist())
    return array.tolist()


def _spelled(entry: Any) -> Any:
    if isinstance(entry, list):
        return [_spelled(inner) for inner in entry]
    if math.isnan(entry):
        return "NaN"
    return entry if math.isfinite(entry) else ("Infinity" if entry > 0 else "-Infinity")


def text(command: str, **document: Any) -> str:
    """Write what a command found as one JSON object."""
    whole = {"schema": SCHEMA, "command": command, **document}
    return json.dumps(whole, ensure_ascii=True, allow_nan=False) + "\n"
