"""The page of `audit`: findings, the worst first; then what was in order or not applied."""

from __future__ import annotations

from collections.abc import Sequence

from ...analysis.audit.evidence.finding import Evidence, Finding
from ...analysis.audit.report import Report
from ...analysis.audit.rules.rule import AuditRule
from ..blocks import Column, Note, Prose, Table, Tone, Walkthrough
from ..phrases import counted
from .comparing import effect
from .draft import Draft
from .header import full_arithmetic, heading_line, loss_words, once

REPLAYED = "experiments replay the run by hand in float64"


def auditing(report: Report) -> Walkthrough:
    """Compose the page of an audit."""
    how = {rule.id: rule.how for rule in report.rules}
    page = Draft()
    for finding in report.findings:
        add_finding(page, finding, f"from {how[finding.id]}")
        if finding.comparison is not None:
            page.add(*effect(finding.comparison))
    if report.in_order:
        page.open("Looked at and in order")
        page.add(*(Note(f"{rule.id}: {words}.", "check") for rule, words in report.in_order))
    if report.not_applied:
        page.open("Not applied, and why")
        by_reason: dict[str, list[str]] = {}
        for rule, reason in report.not_applied:
            by_reason.setdefault(reason, []).append(rule.id)
        page.add(*(Prose(f"{', '.join(ids)}: {reason}.") for reason, ids in by_reason.items()))
    page.add(_verdict(report))
    arithmetic = full_arithmetic(report.run.trace.loss.array)
    remarks = (
        *loss_words(report.run.loss_call),
        f"{arithmetic}; {REPLAYED}",
        *once(report.run.varies),
    )
    return Walkthrough("audit", heading_line(report.run), remarks, tuple(page.blocks))


def listing(rules: Sequence[AuditRule]) -> Walkthrough:
    """Compose the page that lists what an audit looks for."""
    page = Draft()
    page.add(*(Prose(f"{rule.id}: {rule.looks_for}.") for rule in rules))
    page.add(Prose("Each has a page: docs/rules/ID.md, with a wrong and a right example."))
    return Walkthrough("audit --list", f"{len(rules)} rules", (), tuple(page.blocks))


def add_finding(page: Draft, finding: Finding, where: str) -> None:
    """Add the section of a finding: what it is, its evidence, and what to change."""
    page.open(finding.id, f"{finding.severity}, {where}")
    tone: Tone = "failure" if finding.severity == "error" else "warning"
    title = finding.title
    page.add(Prose(title) if finding.severity == "note" else Note(title, tone))
    page.add(_table(finding.evidence))
    if finding.mend:
        page.add(Prose(f"To change: {finding.mend}"))


def _table(evidence: Evidence) -> Table:
    columns = tuple(
        Column(header, "text" if isinstance(evidence.rows[0][i], str) else "value")
        for i, header in enumerate(evidence.columns)
    )
    return Table(columns, evidence.rows)


def _verdict(report: Report) -> Note:
    counts = ", ".join(
        counted(report.count(severity), severity) for severity in ("error", "warning", "note")
    )
    applied = len(report.rules) - len(report.not_applied)
    known = sum(map(report.is_known, report.findings))
    before = f" {counted(known, 'finding')} known before." if known else ""
    whole = f"{counts}.{before} {applied} of {len(report.rules)} rules could be applied."
    if report.missing:
        whole += f" Not complete, and so no pass: {'; '.join(report.missing)}."
    if not report.passed:
        return Note(whole, "failure")
    in_order = applied and report.complete  # nothing looked at is nothing in order
    return Note(whole, "check" if in_order else "warning" if report.missing else "plain")
