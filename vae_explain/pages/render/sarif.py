"""A proof-reading as SARIF 2.1.0, which GitHub shows beside the line."""

from __future__ import annotations

import json

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
    driver = {"name": "vae-explain", "version": version, "rules": rules}
    run = {"tool": {"driver": driver}, "results": results}
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
