"""What was found out about a run, as JSON: trained, sampled, checked, audited, proof-read.

The object of the run itself, and how a number is written in JSON, is `json.py`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ...checks import Checks
from .json import called, cell, checked, fields, named, origin, plain, set_by_hand, text

if TYPE_CHECKING:
    from ....analysis.audit.evidence.finding import Finding
    from ....analysis.audit.report import Report
    from ....analysis.audit.rules.rule import AuditRule
    from ....analysis.comparison import Comparison, Pair
    from ....analysis.gradient_check import Check
    from ....analysis.monte_carlo import Sample
    from ....analysis.proofread.judging.verdicts import Proof
    from ....analysis.proofread.report import Proofreading
    from ....analysis.reference_figures import Verification
    from ....analysis.training_records import Training, Update
    from ....analysis.watch import Watched


def dump_verification(report: Verification) -> str:
    """Return a verification as one JSON object."""
    return text(
        "verify",
        torch=report.torch_version,
        **fields(report, "passed agree total"),
        quantities=[
            {"name": each.name, "figures": len(each.figures)}
            | fields(each, "agree arithmetic largest_difference")
            for each in report.quantities
        ],
        figures=[
            fields(figure, "name printed computed verdict")
            for quantity in report.quantities
            for figure in quantity.figures
        ],
        machine=[
            fields(check, "name numbers largest_difference allowed passed")
            for check in report.machine
        ],
    )


def dump_proof(report: Proofreading) -> str:
    """Return the proof-reading of a document as one JSON object."""
    return text(
        "verify",
        passed=report.passed,
        read=dict(report.read),
        findings=[finding._asdict() for finding in report.findings],
        not_read={
            "images": report.document.images,
            "equations": report.reading.unread,
            "too_deep": report.reading.too_deep,
            "too_long": report.reading.left_out,
        },
        **(_walkthrough(report.walkthrough) if report.walkthrough is not None else {}),
    )


def _walkthrough(proof: Proof) -> dict[str, Any]:
    """Return the figures of a VAE's run, each with its verdict."""
    return {
        "torch": proof.torch_version,
        "model": proof.model,
        "seed": _seed(proof),
        "figures": [
            {
                "label": judged.figure.label,
                "name": judged.figure.element,
                "printed": judged.figure.printed.text,
                **fields(judged, "computed verdict"),
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
                "printed": judged.line.text,
                "result": judged.line.result.text if judged.line.result else None,
                "gives": plain(judged.value),
                "passed": not judged.blamed,
                "wrong_operands": [operand._asdict() for operand in judged.wrong_operands],
                "line": judged.line.line,
                "why": judged.why,
            }
            for judged in proof.lines
        ],
        "not_recognised": [fields(each, "printed line why") for each in proof.unrecognised],
        "set_aside": [fields(each, "printed line why") for each in proof.set_aside],
    }


def _seed(proof: Proof) -> dict[str, Any] | None:
    seed = proof.wrong_seed or proof.seed
    if seed is None:
        return None
    return {**fields(seed, "value line"), "holds": proof.wrong_seed is None}


def dump_training(training: Training, checks: Checks) -> str:
    """Return a training as one JSON object: each step's losses and the final parameters."""
    plan = training.plan
    document: dict[str, Any] = {
        **fields(plan, "optimizer lr"),
        "seed": training.seed,
        **set_by_hand([change.text for change in plan.request.changes]),
        "torch": training.torch_version,
        **called(training.loss_call),
        "steps": [
            {
                "step": entry.step,
                "loss": plain(entry.loss),
                **dict(zip(training.terms, map(plain, entry.terms), strict=True)),
            }
            for entry in training.losses
        ],
        "diverged_at": training.diverged_at,
        "stopped": training.stopped or None,
        "values": {name: plain(array) for name, array in training.parameters.items()},
    }
    if training.watched is not None:
        document["watched"] = whole_of(training.watched)
    step = training.explained
    if step is not None:
        document["explained"] = {
            "step": step.step,
            "values": named(step.run, step.run.values),
            "gradients": named(step.run, step.run.gradients),
            "moments": {
                name: {letter: plain(array) for letter, array in arrays.items()}
                for name, arrays in step.moments_after.items()
            },
            "updated": {name: plain(array) for name, array in step.after.items()},
            "checks": checked(checks),
        }
    return text("train", **document)


def dump_comparison(comparison: Comparison, only: Sequence[str] = ()) -> str:
    """Return two runs as one JSON object: only what differs, in values, gradients and gates."""

    def both(pairs: Iterable[Pair], ending: str = "") -> dict[str, Any]:
        return {
            pair.name: {"first": plain(pair.first), "second": plain(pair.second)}
            for pair in pairs
            if not only or pair.name + ending in only
        }

    return text(
        "compare",
        first={"label": comparison.first.label, **origin(comparison.first)},
        second={"label": comparison.second.label, **origin(comparison.second)},
        options={option: {"first": one, "second": other} for option, one, other in comparison.how},
        loss=dict(zip(("first", "second"), map(plain, comparison.loss), strict=True)),
        terms=[fields(term, "name first second weights") for term in comparison.terms],
        given=[pair.name for pair in comparison.given],
        formulas=_formulas(comparison),
        alone=[fields(each, "cause loss") for each in comparison.alone],
        first_differing=next(iter(comparison.differing), None),
        by_rounding=comparison.by_rounding,
        same=list(comparison.same),
        gates=[fields(flip, "name index first second opens") for flip in comparison.flips],
        values=both((*comparison.given, *comparison.computed)),
        gradients=both(comparison.gradients, ".grad"),
        shapes=[
            {"name": name, "first": list(first), "second": list(second)}
            for name, first, second in comparison.shapes
        ],
        only_first=list(comparison.only[0]),
        only_second=list(comparison.only[1]),
    )


def dump_update(update: Update, checks: Checks) -> str:
    """Return one step of gradient descent as one JSON object."""
    step = update.step
    return text(
        "update",
        lr=step.lr,
        seed=step.run.seed,
        **set_by_hand(step.run.changed),
        torch=step.run.trace.torch_version,
        **called(step.run.loss_call),
        loss_before=plain(step.run.trace.loss.array),
        loss_after=None if update.after is None else plain(update.after.trace.loss.array),
        stopped=update.stopped or None,
        values={name: plain(array) for name, array in step.after.items()},
        checks=checked(checks),
    )


def dump_sample(sample: Sample) -> str:
    """Return what a run does over many draws of its noise as one JSON object."""
    return text(
        "sample",
        draws=sample.draws,
        **origin(sample.run),
        **_divergence(sample),
        values={name: fields(spread, "mean std") for name, spread in sample.values.items()},
        gradients={
            name: fields(spread, "mean std sign_changes")
            for name, spread in sample.gradients.items()
        },
    )


def _divergence(sample: Sample) -> dict[str, Any]:
    if sample.divergence is None:
        return {}
    fields_of = fields(sample.divergence, "closed_form monte_carlo standard_error")
    return {f"kl_{name}": number for name, number in fields_of.items()}


def dump_check(check: Check) -> str:
    """Return a run's gradients beside the oracles' as one JSON object."""
    return text(
        "check",
        **origin(check.run),
        parameters=[
            {
                "name": parameter.name,
                **{
                    oracle: fields(difference, "absolute relative passed conclusive")
                    for oracle, difference in parameter.differences.items()
                },
                "passed": parameter.passed,
                **({"not_compared": reason} if (reason := parameter.not_compared) else {}),
            }
            for parameter in check.parameters
        ],
        passed=check.passed,
        **({"missing": check.missing} if check.missing else {}),
    )


def _effect(comparison: Comparison | None) -> dict[str, Any] | None:
    """Return what a mend that was tried changes; None where none was."""
    if comparison is None:
        return None
    return {
        "loss": dict(zip(("first", "second"), map(plain, comparison.loss), strict=True)),
        "formulas": _formulas(comparison),
    }


def _formulas(comparison: Comparison) -> list[dict[str, Any]]:
    return [
        {"name": name, "first": first or None, "second": second or None}
        for name, first, second in comparison.formulas
    ]


def dump_audit(report: Report) -> str:
    """Return an audit as one JSON object: its findings, and what was not applied and why."""
    return text(
        "audit",
        **origin(report.run),
        findings=[
            {
                **finding_of(finding),
                "mend_tried": finding.tried,
                "mend_effect": _effect(finding.comparison),
                "known": report.is_known(finding),
                "fingerprint": finding.fingerprint,
            }
            for finding in report.findings
        ],
        in_order=[{"id": rule.id, "looked_at": words} for rule, words in report.in_order],
        not_applied=[{"id": rule.id, "reason": reason} for rule, reason in report.not_applied],
        **fields(report, "complete missing strict passed"),
    )


def dump_rules(rules: Sequence[AuditRule]) -> str:
    """Return what an audit looks for as one JSON object."""
    listed = [fields(r, "id looks_for how") | {"page": f"docs/rules/{r.id}.md"} for r in rules]
    return text("audit", rules=listed)


def whole_of(watched: Watched) -> dict[str, Any]:
    """Return what came of a watched training."""
    from ....analysis.watch import findings, is_sound

    watch_findings = findings(watched)
    return {
        **fields(watched, "label steps"),
        "looks": len(watched.looks),
        **fields(watched, "not_finite_at ended"),
        "findings": [{**finding_of(each.finding), "when": each.when} for each in watch_findings],
        "passed": is_sound(watch_findings),
    }


def finding_of(finding: Finding) -> dict[str, Any]:
    """Return what an audit or a watched training found: its table, and its facts by name."""
    return {
        **fields(finding, "id severity title"),
        "evidence": {
            **{key: cell(fact) for key, fact in finding.evidence.facts.items()},
            "table": [
                dict(zip(finding.evidence.columns, map(cell, row), strict=True))
                for row in finding.evidence.rows
            ],
        },
        "mend": finding.mend,
    }
