"""A whole audit: every rule looks at one run."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ...engine.run import Run
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
    run: Run,
    twice: Run | None,
    rules: Collection[AuditRule],
    only: Collection[str] = (),
    ignore: Collection[str] = (),
) -> Report:
    """Let every rule look at a run.

    Parameters
    ----------
    run
        In the arithmetic `full`; it need not be finite.
    twice
        The same with every row of the input twice, where it can be run: it shows what
        grows with the batch.
    only, ignore
        Ids of the rules that alone are wanted, or that are not.
    """
    anatomy = Anatomy(run, twice)
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
        findings += seen.findings
        if not seen.findings:
            in_order.append((rule, seen.words))
    findings.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    return Report(run, tuple(wanted), tuple(findings), tuple(in_order), tuple(not_applied))
