"""Whole numbers that count something: a size, a place, a seed."""

from __future__ import annotations

LONGEST = 30  # digits; a longer one counts nothing, and Python reads none of some thousands


def count_of(text: str) -> int:
    """Read a whole number; one of very many digits is as large as none that counts.

    Examples
    --------
    >>> count_of("42"), count_of("-3"), count_of("9" * 5000) == 10**30
    (42, -3, True)
    """
    return int(text) if len(text) <= LONGEST else 10**LONGEST
