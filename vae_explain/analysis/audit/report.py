"""A whole audit: every rule looks at one run."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from ...engine.run import Recordings, Run
from ...ops.rule import NotExplained
from .anatomy import Anatomy
from .finding import SEVERITIES, Finding, NotApplied, Severity
from .rule import AuditRule


@dataclass(frozen=True)
class Report:
    """What an audit found, what it looked at, and what it did not apply and why.

    Attributes
    ----------
    rules
        The rules that were asked for.
    findings
        The worst first.
    in_order
        Rules that found nothing, with what each looked at.
    not_applied
        Rules that could not decide, with the reason.
    """

    run: Run
    rules: tuple[AuditRule, ...]
    findings: tuple[Finding, ...]
    in_order: tuple[tuple[AuditRule, str], ...]
    not_applied: tuple[tuple[AuditRule, str], ...]

    @property
    def passed(self) -> bool:
        """Whether there is no error."""
        return self.count("error") == 0

    def count(self, severity: Severity) -> int:
        return sum(finding.severity == severity for finding in self.findings)


def audit(
    recordings: Recordings,
    rules: Collection[AuditRule],
    only: Collection[str] = (),
    ignore: Collection[str] = (),
) -> Report:
    """Let every rule look at a run.

    Parameters
    ----------
    recordings
        The run, in the arithmetic `full`, and the same under other conditions.
    only, ignore
        Ids of the rules that alone are wanted, or that are not.
    """
    run = recordings.run
    anatomy = Anatomy(run, recordings)
    findings: list[Finding] = []
    in_order: list[tuple[AuditRule, str]] = []
    not_applied: list[tuple[AuditRule, str]] = []
    wanted = [r for r in rules if (not only or r.id in only) and r.id not in ignore]
    for rule in wanted:
        try:
            seen = rule.look(anatomy)
        except NotApplied as why:
            not_applied.append((rule, str(why)))
            continue
        findings += [_with_mend(anatomy, rule, finding) for finding in seen.findings]
        if not seen.findings:
            in_order.append((rule, seen.words))
    findings.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    return Report(run, tuple(wanted), tuple(findings), tuple(in_order), tuple(not_applied))


def _with_mend(anatomy: Anatomy, rule: AuditRule, finding: Finding) -> Finding:
    """Return a finding with the first of its cures that takes it away."""
    for cure in finding.cures:
        try:
            after = rule.look(anatomy.cured(cure)).findings
        except (NotApplied, NotExplained, ValueError, IndexError, TypeError, KeyError):
            continue  # the changed calls do not go together
        if len([f for f in after if _same(f, finding)]) < len(
            [f for f in rule.look(anatomy).findings if _same(f, finding)]
        ):
            return replace(finding, mend=cure.words, tried=True)
    return finding


def _same(one: Finding, other: Finding) -> bool:
    return one.id == other.id and one.severity != "note"
