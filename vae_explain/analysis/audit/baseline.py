"""The findings of an earlier audit, so that only what is new fails."""

from __future__ import annotations

import json

from ...errors import UserError


class NotABaseline(UserError):
    """A file that holds no audit."""

    option = "--baseline"


def fingerprints(text: str) -> frozenset[str]:
    """Return the fingerprints of the findings in an audit's JSON.

    Raises
    ------
    NotABaseline
        If it is none.
    """
    try:
        document = json.loads(text)
        command = document["command"]
        findings = document["findings"] if command == "audit" else ()
        fingerprints = frozenset(finding["fingerprint"] for finding in findings)
    except (ValueError, KeyError, TypeError):
        raise NotABaseline(
            "the file is no audit; write one by audit --format json -o FILE"
        ) from None
    if command != "audit":
        raise NotABaseline(f"the file is the JSON of {command}; write one by audit --format json")
    return fingerprints
