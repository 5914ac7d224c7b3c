"""Short phrases that several pages and formats write."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """Write `1 row`, `1,024 rows`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


# Of what `torch.empty` gives, whose numbers would be others at each run.
BLANK = "memory that nothing has been written to yet, with zeros to stand in"
