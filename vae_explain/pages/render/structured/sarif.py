"""A proof-reading or an audit as SARIF 2.1.0, which GitHub shows beside the line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ....analysis.audit.report import Report
    from ....analysis.proofread.report import Proofreading

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
    rules = [_rule(f"verify/{name}", name, words) for name, words in RULES.values()]
    results = [
        _result(f"verify/{RULES[f.layer][0]}", "error", f.reason, uri, {"startLine": f.line})
        for f in report.findings
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
    rules = [_rule(f"audit/{rule.id}", rule.id, rule.looks_for) for rule in report.rules]
    results = [
        {
            **_result(f"audit/{f.id}", f.severity, f"{f.title} {f.mend}".strip(), uri),
            "partialFingerprints": {"vaeExplain/v1": f.fingerprint},
            "baselineState": "unchanged" if report.is_known(f) else "new",
        }
        for f in report.findings
    ]
    return _document(rules, results, version)


def _rule(rule_id: str, name: str, words: str) -> dict[str, Any]:
    return {"id": rule_id, "name": name, "shortDescription": {"text": words}}


def _result(
    rule_id: str, level: str, words: str, uri: str, region: dict[str, int] | None = None
) -> dict[str, Any]:
    place = {"artifactLocation": {"uri": uri}, **({"region": region} if region else {})}
    return {
        "ruleId": rule_id,
        "level": level,
        "message": {"text": words},
        "locations": [{"physicalLocation": place}],
    }


def _document(
    rules: Sequence[dict[str, Any]], results: Sequence[dict[str, Any]], version: str
) -> str:
    driver = {"name": "vae-explain", "version": version, "rules": list(rules)}
    run = {"tool": {"driver": driver}, "results": list(results)}
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
