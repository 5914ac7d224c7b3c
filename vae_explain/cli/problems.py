"""What goes wrong on the command line, and the exit code that it means."""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path


class ExitCode(IntEnum):
    """0 all well; 1 a check failed; 2 the request cannot be done."""

    OK = 0
    CHECK_FAILED = 1
    BAD_REQUEST = 2


class Problem(Exception):
    """A request that cannot be done: the option, the value, and how to mend it."""

    def __init__(self, option: str, value: object, mend: str) -> None:
        shown = " ".join(str(value).split()) or "''"
        path = isinstance(value, Path) or os.sep in shown
        if len(shown) > 60 and not path:
            shown = shown[:57] + "..."  # but a path, or FILE.py:NAME, is only of use whole
        super().__init__(f"{option} {shown}: {mend}")


def unknown_name(option: str, value: str, kind: str, names: Sequence[str]) -> Problem:
    """Return the problem of a name that does not exist, with a guess and the valid ones."""
    plain = {name.lower(): name for name in reversed(names)}
    close = difflib.get_close_matches(value.lower(), plain, n=1, cutoff=0.5)
    guess = f"did you mean {plain[close[0]]}? " if close else ""
    return Problem(option, value, f"no {kind} has this name; {guess}valid: {', '.join(names)}")
