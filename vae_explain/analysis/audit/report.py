"""A whole audit: every rule looks at one run."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from ...engine.run import Recordings, Run
from ...ops.binding import NotExplained
from ...quick_classes import dataclass
from ..comparison import Comparison
from .completeness import not_found
from .evidence.anatomy import Anatomy
from .evidence.finding import SEVERITIES, Finding, NotApplied, Severity
from .rules.rule import AuditRule


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
    missing
        What was not found without which most rules say nothing: the sampling, or the KL.
    known
        The fingerprints of findings that were there before.
    strict
        Whether warnings, and what was not found, count as errors do.
    """

    run: Run
    rules: tuple[AuditRule, ...]
    findings: tuple[Finding, ...]
    in_order: tuple[tuple[AuditRule, str], ...]
    not_applied: tuple[tuple[AuditRule, str], ...]
    missing: tuple[str, ...] = ()
    known: frozenset[str] = frozenset()
    strict: bool = False

    @property
    def complete(self) -> bool:
        """Whether the sampling and the KL were found."""
        return not self.missing

    @property
    def passed(self) -> bool:
        """Whether there is no new error; if strict, no new warning either, and all was found."""
        return not self.failures and not (self.strict and self.missing)

    @property
    def failures(self) -> list[Finding]:
        """The new errors, and if strict the new warnings."""
        fails = ("error", "warning") if self.strict else ("error",)
        return [
            each for each in self.findings if each.severity in fails and not self.is_known(each)
        ]

    def is_known(self, finding: Finding) -> bool:
        """Whether a finding was there before."""
        return finding.fingerprint in self.known

    def count(self, severity: Severity) -> int:
        return sum(finding.severity == severity for finding in self.findings)


def audit(
    recordings: Recordings,
    rules: Collection[AuditRule],
    only: Collection[str] = (),
    ignore: Collection[str] = (),
    known: frozenset[str] = frozenset(),
    strict: bool = False,
) -> Report:
    """Apply every rule to a run.

    Parameters
    ----------
    recordings
        The run, in the arithmetic `full`, and the same under other conditions.
    only, ignore
        Ids of the rules that alone are wanted, or that are not.
    known
        The fingerprints of findings that are no news.
    strict
        Whether warnings, and what was not found, count as errors do.
    """
    run = recordings.run
    anatomy = Anatomy(run, recordings)
    findings: list[Finding] = []
    in_order: list[tuple[AuditRule, str]] = []
    not_applied: list[tuple[AuditRule, str]] = []
    wanted = [r for r in rules if (not only or r.id in only) and r.id not in ignore]
    for rule in wanted:
        try:
            seen, words = rule.seen(anatomy)
        except NotApplied as why:
            not_applied.append((rule, str(why)))
            continue
        findings += [_with_mend(anatomy, rule, finding, seen) for finding in seen]
        if not seen:
            in_order.append((rule, words))
    findings.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    return Report(
        run,
        tuple(wanted),
        tuple(findings),
        tuple(in_order),
        tuple(not_applied),
        not_found(anatomy),
        known,
        strict,
    )


def _with_mend(
    anatomy: Anatomy, rule: AuditRule, finding: Finding, before: Sequence[Finding]
) -> Finding:
    """Return a finding with the first of its cures that takes it away."""
    for cure in finding.cures:
        try:
            cured = anatomy.cured(cure)
            after, _ = rule.seen(cured)
        except (NotApplied, NotExplained, ValueError, IndexError, TypeError, KeyError):
            continue  # the changed calls do not go together
        if _alarms(after) < _alarms(before):
            comparison = Comparison(anatomy.run, cured.run)
            return replace(finding, mend=cure.words, tried=True, comparison=comparison)
    return finding


def _alarms(findings: Sequence[Finding]) -> int:
    return sum(finding.severity != "note" for finding in findings)
