"""Short phrases that several pages and formats write."""

from __future__ import annotations

from collections.abc import Sequence


def counted(count: int, noun: str) -> str:
    """Write `1 row`, `1,024 rows`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


# Of one closed gate, and of several; the live page fills these, too.
ClosedGates = tuple[str, str]
NOTHING_PASSES: ClosedGates = (
    "; unit {units} passes no gradient: its gate is closed",
    "; units {units} pass no gradient: their gates are closed",
)
UNITS_CLOSED: ClosedGates = (
    "; {count} of {all} gates closed: unit {units}",
    "; {count} of {all} gates closed: units {units}",
)
GATES_CLOSED: ClosedGates = ("; {count} of {all} gates closed", "; {count} of {all} gates closed")


def closed_gates(words: ClosedGates, units: Sequence[str], of: int) -> str:
    """Say which of some gates are closed; nothing where none is."""
    count = len(units)
    return words[count > 1].format(units=", ".join(units), count=count, all=of) if units else ""


# Of what `torch.empty` gives, whose numbers would be others at each run.
BLANK = "memory that nothing has been written to yet, with zeros to stand in"
