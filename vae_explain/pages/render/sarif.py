"""A proof-reading or an audit as SARIF 2.1.0, which GitHub shows beside the line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...analysis.audit.report import Report
    from ...analysis.proofread.report import Proofreading

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
RULES = {
    "A": ("equation", "The two sides of a printed equation differ."),
    "B": ("statement", "A number is not what the document's own formulas give."),
    "C": ("network", "A figure is not what the network gives."),
}


def dump(report: Proofreading, uri: str, version: str) -> str:
    """Return the findings as SARIF.

    Parameters
    ----------
    uri
        The document, as it was named.
    version
        This program's.
    """
    rules = [
        {"id": f"verify/{name}", "name": name, "shortDescription": {"text": words}}
        for name, words in RULES.values()
    ]
    results = [
        {
            "ruleId": f"verify/{RULES[finding.layer][0]}",
            "level": "error",
            "message": {"text": finding.reason},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": uri},
                        "region": {"startLine": finding.line},
                    }
                }
            ],
        }
        for finding in report.findings
    ]
    return _document(rules, results, version)


def dump_audit(report: Report, uri: str, version: str) -> str:
    """Return the findings of an audit as SARIF.

    Parameters
    ----------
    uri
        The file of the model, as it was named.
    version
        This program's.
    """
    rules = [
        {"id": f"audit/{rule.id}", "name": rule.id, "shortDescription": {"text": rule.looks_for}}
        for rule in report.rules
    ]
    results = [
        {
            "ruleId": f"audit/{finding.id}",
            "level": finding.severity,
            "message": {"text": f"{finding.title} {finding.mend}".strip()},
            "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri}}}],
            "partialFingerprints": {"vaeExplain/v1": finding.fingerprint},
            "baselineState": "unchanged" if report.is_known(finding) else "new",
        }
        for finding in report.findings
    ]
    return _document(rules, results, version)


def _document(
    rules: Sequence[dict[str, Any]], results: Sequence[dict[str, Any]], version: str
) -> str:
    driver = {"name": "vae-explain", "version": version, "rules": list(rules)}
    run = {"tool": {"driver": driver}, "results": list(results)}
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
