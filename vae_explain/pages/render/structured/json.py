"""The JSON contract: one object, unrounded numbers, true shapes, strict JSON."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ....engine.first_not_finite import first_not_finite
from ....engine.formulas import Steps
from ....engine.gradient_paths import Paths
from ....engine.loss_call import LossCall
from ....engine.not_finite_reasons import called as value_name
from ....engine.provenance import Derivation, Provenance, Target
from ....engine.roles import section_of
from ....engine.run import Run
from ....ops import NotExplained
from ....symbolic.expression import Number, Ref
from ....symbolic.latex import to_latex
from ....symbolic.text import to_text
from ....trace import Array
from ...checks import Checks

SCHEMA = 1


def dump(run: Run, command: str, checks: Checks, only: Sequence[str] = ()) -> Iterator[str]:
    """Yield a run as one JSON object, tensor by tensor; `only` narrows the steps to those named."""
    return _pieces(
        command,
        **origin(run),
        values={v.name: run.values[v.id] for v in run.trace.values if v.name is not None},
        gradients=named(run, run.gradients),
        gradients_by_term={
            term: named(run, _of_term(run, gradients))
            for term, gradients in run.term_gradients.items()
        },
        steps=steps(run, only),
        not_explained=list(run.graph.not_explained),
        checks=checked(checks),
        **not_finite(run),
    )


def _of_term(run: Run, gradients: Mapping[int, Array]) -> dict[int, Array]:
    """Return the gradients of a term of the loss, 0 where it does not reach.

    Where all of a gradient comes from it, that is the array of the whole gradient itself.
    """
    whole = run.gradients
    own = {n: np.zeros_like(array) for n, array in whole.items()} | dict(gradients)
    return {n: whole[n] if n in whole and _same(a, whole[n]) else a for n, a in own.items()}


def _same(one: Array, other: Array) -> bool:
    alike = one.dtype == other.dtype and one.shape == other.shape
    return alike and one.tobytes() == other.tobytes()  # a zero has its sign


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
    for value_id in view.named():
        value = run.trace.values[value_id]
        if only and value.name not in only:
            continue
        entry: dict[str, Any] = {"name": value.name, "section": section_of(run, value_id)}
        try:
            formula = view.formula(value_id)
            entry |= {"formula": to_text(formula), "latex": to_latex(formula)}
        except NotExplained as reason:
            entry |= {"formula": None, "latex": None, "not_explained": str(reason)}
        inputs = [i for i in view.inputs(value_id) if i != value_id]
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
    return fields(checks, "lines failed largest_relative_difference")


def named(run: Run, gradients: Mapping[int, Array]) -> dict[str, Array]:
    pairs = ((run.trace.values[n].name, gradients[n]) for n in sorted(gradients))
    return {name: array for name, array in pairs if name is not None}


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


def fields(of: object, names: str) -> dict[str, Any]:
    """Return attributes of an object by their names, which spaces part."""
    return {name: cell(getattr(of, name)) for name in names.split()}


def cell(entry: Any) -> Any:
    """Return what is a text as it is, and anything else as `plain` has it."""
    return entry if isinstance(entry, str) else plain(entry)


def text(command: str, **document: Any) -> str:
    """Write what a command found as one JSON object."""
    return "".join(_pieces(command, **document))


def _pieces(command: str, **document: Any) -> Iterator[str]:
    whole = {"schema": SCHEMA, "command": command, **document}
    times = Counter(map(id, _tensors(whole)))
    known: dict[int, str] = {}  # of a tensor that occurs again

    def written(entry: Any) -> Iterator[str]:
        if isinstance(entry, dict):
            for position, (key, inner) in enumerate(entry.items()):
                yield f"{', ' if position else '{'}{json.dumps(key)}: "
                yield from written(inner)
            yield "}" if entry else "{}"
        elif isinstance(entry, np.ndarray):
            words = known.get(id(entry)) or _tensor(entry)
            if times[id(entry)] > 1:
                known[id(entry)] = words
            yield words
        else:
            yield _words(entry)

    yield from written(whole)
    yield "\n"


def _tensors(entry: Any) -> Iterator[Array]:
    if isinstance(entry, dict):
        for inner in entry.values():
            yield from _tensors(inner)
    elif isinstance(entry, np.ndarray):
        yield entry


def _tensor(array: Array) -> str:
    """Write a tensor; one that has the same number everywhere, as a gradient of 0, in a moment."""
    first = array.reshape(-1)[:1]
    if not array.size or array.tobytes() != first.tobytes() * array.size:
        if array.dtype.kind == "f" and np.isfinite(array).all():
            return str(array.tolist())  # Python's own words are JSON's, and written faster
        return _words(array)
    words = _words(plain(first[0]))
    for size in reversed(array.shape):
        words = f"[{', '.join([words] * size)}]"
    return words


def _words(entry: Any) -> str:
    return json.dumps(entry, ensure_ascii=True, allow_nan=False, default=plain)
