"""The page of `audit`: findings, the worst first; then what was in order or not applied."""

from __future__ import annotations

from ...analysis.audit import Evidence, Finding, Report
from ..blocks import Block, Column, Heading, Note, Prose, Table, Walkthrough
from .captions import counted
from .page import heading_line, loss_words

ARITHMETIC = "arithmetic: full, PyTorch's float32; experiments replay the run by hand in float64"


def auditing(report: Report) -> Walkthrough:
    """Compose the page of an audit."""
    how = {rule.id: rule.how for rule in report.rules}
    blocks: list[Block] = []
    for number, finding in enumerate(report.findings, start=1):
        blocks += [
            Heading(number, finding.id, f"{finding.severity}, from {how[finding.id]}"),
            _said(finding),
            _table(finding.evidence),
        ]
        if finding.mend:
            blocks.append(Prose(f"To change: {finding.mend}"))
    number = len(report.findings)
    if report.in_order:
        number += 1
        blocks.append(Heading(number, "Looked at and in order"))
        blocks += [Note(f"{rule.id}: {words}.", "check") for rule, words in report.in_order]
    if report.not_applied:
        number += 1
        blocks.append(Heading(number, "Not applied, and why"))
        by_reason: dict[str, list[str]] = {}
        for rule, reason in report.not_applied:
            by_reason.setdefault(reason, []).append(rule.id)
        blocks += [Prose(f"{', '.join(ids)}: {reason}.") for reason, ids in by_reason.items()]
    blocks.append(_verdict(report))
    remarks = (*loss_words(report.run.loss_call), ARITHMETIC)
    return Walkthrough("audit", heading_line(report.run), remarks, tuple(blocks))


def _said(finding: Finding) -> Block:
    if finding.severity == "note":
        return Prose(finding.message)
    return Note(finding.message, "failure" if finding.severity == "error" else "warning")


def _table(evidence: Evidence) -> Table:
    columns = tuple(
        Column(header, "text" if isinstance(evidence.rows[0][i], str) else "value")
        for i, header in enumerate(evidence.columns)
    )
    return Table(columns, evidence.rows)


def _verdict(report: Report) -> Note:
    found = ", ".join(
        counted(report.count(severity), severity) for severity in ("error", "warning", "note")
    )
    applied = len(report.rules) - len(report.not_applied)
    whole = f"{found}. {applied} of {len(report.rules)} rules could be applied."
    if not report.passed:
        return Note(whole, "failure")
    return Note(whole, "check" if applied else "plain")  # nothing looked at is nothing in order
