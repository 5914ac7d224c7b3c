"""All rules, each from the file that its id names.

It is apart from the package, so that a page that takes a run apart loads no rule.
"""

from __future__ import annotations

from importlib import import_module

from .ids import IDS
from .rule import AuditRule


def _rule(id: str) -> AuditRule:
    rule: AuditRule = import_module(f".{id.replace('-', '_')}", __package__).RULE
    return rule


ALL: tuple[AuditRule, ...] = tuple(map(_rule, IDS))
