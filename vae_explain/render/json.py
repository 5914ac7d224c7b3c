"""The JSON contract: one object, unrounded numbers, true shapes, strict JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..blocks import Checks
from ..expression import Number, Ref
from ..ops import NotExplained
from ..provenance import Derivation, Provenance, Target
from ..run import Run
from ..sections import section_of
from ..steps import Steps
from ..trace import Array
from ..writing import to_latex, to_text

if TYPE_CHECKING:
    from ..audit import Report
    from ..checking import Check
    from ..optimization import Training, Update
    from ..proofread.verdicts import Proof
    from ..proofread.wording import Remnant
    from ..sampling import Sample
    from ..verify import Verification

SCHEMA = 1


def dump(run: Run, command: str, checks: Checks, only: Sequence[str] = ()) -> str:
    """Return a run as one JSON object; `only` narrows the steps to those named."""
    return _text(
        {
            "schema": SCHEMA,
            "command": command,
            "arithmetic": run.arithmetic,
            "seed": run.seed,
            "torch": run.trace.torch_version,
            "values": {
                value.name: plain(run.values[value.id])
                for value in run.trace.values
                if value.name is not None
            },
            "gradients": _named(run, run.gradients),
            "gradients_by_term": {
                term: _named(run, gradients) for term, gradients in run.term_gradients.items()
            },
            "steps": steps(run, only),
            "not_explained": list(run.graph.not_explained),
            "checks": _checks(checks),
        }
    )


def steps(run: Run, only: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return each named value with its formula over other named values."""
    view = Steps(run)
    found = []
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
        found.append(entry)
    return found


def dump_verification(report: Verification) -> str:
    """Return a verification as one JSON object."""
    return _text(
        {
            "schema": SCHEMA,
            "command": "verify",
            "torch": report.torch_version,
            "passed": report.passed,
            "agree": report.agree,
            "total": report.total,
            "quantities": [
                {
                    "name": quantity.name,
                    "figures": len(quantity.figures),
                    "agree": quantity.agree,
                    "arithmetic": quantity.arithmetic,
                    "largest_difference": plain(quantity.largest_difference),
                }
                for quantity in report.quantities
            ],
            "figures": [
                {
                    "name": figure.name,
                    "printed": figure.printed,
                    "computed": plain(figure.computed),
                    "verdict": figure.verdict,
                }
                for quantity in report.quantities
                for figure in quantity.figures
            ],
            "machine": [
                {
                    "name": check.name,
                    "numbers": check.numbers,
                    "largest_difference": plain(check.largest_difference),
                    "allowed": check.allowed,
                    "passed": check.passed,
                }
                for check in report.machine
            ],
        }
    )


def dump_proof(proof: Proof) -> str:
    """Return the proof-reading of a document as one JSON object."""
    return _text(
        {
            "schema": SCHEMA,
            "command": "verify",
            "torch": proof.torch_version,
            "model": proof.model,
            "passed": proof.passed,
            "seed": _seed(proof),
            "figures": [
                {
                    "label": judged.figure.label,
                    "name": judged.figure.element,
                    "printed": judged.figure.printed.printed,
                    "computed": plain(judged.computed),
                    "verdict": judged.verdict,
                    "line": judged.figure.printed.line,
                    "arithmetics": list(judged.arithmetics),
                    "parts_at": judged.parts_at or None,
                    "why": judged.why,
                }
                for judged in proof.figures
            ],
            "counts": dict(proof.counts),
            "agreeing": dict(proof.agreeing),
            "arithmetic": [
                {
                    "name": judged.line.element or None,
                    "printed": judged.line.sum.text,
                    "result": judged.line.result.printed if judged.line.result else None,
                    "gives": plain(judged.value),
                    "passed": not judged.blamed,
                    "wrong_operands": [operand._asdict() for operand in judged.wrong_operands],
                    "line": judged.line.sum.line,
                    "why": judged.why,
                }
                for judged in proof.lines
            ],
            "not_recognised": [_remnant(remnant) for remnant in proof.unrecognised],
            "set_aside": [_remnant(remnant) for remnant in proof.set_aside],
        }
    )


def _seed(proof: Proof) -> dict[str, Any] | None:
    seed = proof.wrong_seed or proof.seed
    if seed is None:
        return None
    return {"value": seed.value, "line": seed.line, "holds": proof.wrong_seed is None}


def _remnant(remnant: Remnant) -> dict[str, Any]:
    return {"printed": remnant.printed, "line": remnant.line, "why": remnant.why}


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
        "schema": SCHEMA,
        "command": "why",
        "arithmetic": run.arithmetic,
        "seed": run.seed,
        "torch": run.trace.torch_version,
        "target": view.name(target),
        "value": plain(root.value),
        "derivation": _derivation(root),
        "paths": [],
        "checks": _checks(checks),
    }
    if target.gradient:
        try:
            paths, left_out = view.paths(target)
        except NotExplained as reason:
            return _text({**document, "paths": None, "not_explained": str(reason)})
        document["paths"] = [
            {"through": list(path.through), "amount": plain(path.amount)}
            | ({"blocked_by": path.blocked_by} if path.blocked_by else {})
            for path in paths
        ]
        if left_out:
            document["paths"].append({"through": [], "amount": plain(left_out)})
    return _text(document)


def dump_training(training: Training, checks: Checks) -> str:
    """Return a training as one JSON object: each step's losses and the final parameters."""
    request = training.request
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "command": "train",
        "optimizer": request.optimizer,
        "lr": request.lr,
        "seed": request.seed,
        "torch": training.torch_version,
        "steps": [
            {
                "step": entry.step,
                "loss": plain(entry.loss),
                **dict(zip(training.terms, map(plain, entry.terms), strict=True)),
            }
            for entry in training.losses
        ],
        "diverged_at": training.diverged_at,
        "values": {name: plain(array) for name, array in training.parameters.items()},
    }
    step = training.explained
    if step is not None:
        document["explained"] = {
            "step": step.step,
            "values": _named(step.run, step.run.values),
            "gradients": _named(step.run, step.run.gradients),
            "moments": {
                name: {letter: plain(array) for letter, array in arrays.items()}
                for name, arrays in step.moments_after.items()
            },
            "updated": {name: plain(array) for name, array in step.after.items()},
            "checks": _checks(checks),
        }
    return _text(document)


def dump_update(update: Update, checks: Checks) -> str:
    """Return one step of gradient descent as one JSON object."""
    step = update.step
    return _text(
        {
            "schema": SCHEMA,
            "command": "update",
            "lr": step.lr,
            "seed": step.run.seed,
            "torch": step.run.trace.torch_version,
            "loss_before": plain(step.run.trace.loss.array),
            "loss_after": plain(update.after.trace.loss.array),
            "values": {name: plain(array) for name, array in step.after.items()},
            "checks": _checks(checks),
        }
    )


def dump_sample(sample: Sample) -> str:
    """Return what a run does over many draws of its noise as one JSON object."""
    return _text(
        {
            "schema": SCHEMA,
            "command": "sample",
            "draws": sample.draws,
            "arithmetic": sample.run.arithmetic,
            "seed": sample.run.seed,
            "torch": sample.run.trace.torch_version,
            **_divergence(sample),
            "values": {
                name: {"mean": plain(spread.mean), "std": plain(spread.std)}
                for name, spread in sample.values.items()
            },
            "gradients": {
                name: {
                    "mean": plain(spread.mean),
                    "std": plain(spread.std),
                    "sign_changes": spread.sign_changes,
                }
                for name, spread in sample.gradients.items()
            },
        }
    )


def _divergence(sample: Sample) -> dict[str, Any]:
    found = sample.divergence
    if found is None:
        return {}
    return {
        "kl_closed_form": plain(found.closed_form),
        "kl_monte_carlo": plain(found.monte_carlo),
        "kl_standard_error": plain(found.standard_error),
    }


def dump_check(check: Check) -> str:
    """Return a run's gradients beside the oracles' as one JSON object."""
    return _text(
        {
            "schema": SCHEMA,
            "command": "check",
            "arithmetic": check.run.arithmetic,
            "seed": check.run.seed,
            "torch": check.run.trace.torch_version,
            "parameters": [
                {
                    "name": parameter.name,
                    **{
                        oracle: {
                            "absolute": plain(difference.absolute),
                            "relative": plain(difference.relative),
                            "passed": difference.passed,
                            "conclusive": difference.conclusive,
                        }
                        for oracle, difference in parameter.differences.items()
                    },
                    "passed": parameter.passed,
                }
                for parameter in check.parameters
            ],
            "passed": check.passed,
            **({"missing": check.missing} if check.missing else {}),
        }
    )


def dump_audit(report: Report) -> str:
    """Return an audit as one JSON object: its findings, and what was not applied and why."""
    run = report.run
    return _text(
        {
            "schema": SCHEMA,
            "command": "audit",
            "arithmetic": run.arithmetic,
            "seed": run.seed,
            "torch": run.trace.torch_version,
            "findings": [
                {
                    "id": finding.id,
                    "severity": finding.severity,
                    "message": finding.message,
                    "evidence": {
                        **{key: _cell(cell) for key, cell in finding.evidence.facts.items()},
                        "table": [
                            dict(zip(finding.evidence.columns, map(_cell, row), strict=True))
                            for row in finding.evidence.rows
                        ],
                    },
                    "change": finding.mend,
                }
                for finding in report.findings
            ],
            "in_order": [{"id": rule.id, "looked_at": words} for rule, words in report.in_order],
            "not_applied": [
                {"id": rule.id, "reason": reason} for rule, reason in report.not_applied
            ],
            "passed": report.passed,
        }
    )


def _cell(cell: float | int | str) -> Any:
    return cell if isinstance(cell, str) else plain(cell)


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


def _checks(checks: Checks) -> dict[str, Any]:
    return {
        "lines": checks.lines,
        "failed": checks.failed,
        "largest_relative_difference": plain(checks.largest_relative_difference),
    }


def _named(run: Run, gradients: Mapping[int, Array]) -> dict[str, Any]:
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


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=True, allow_nan=False) + "\n"
