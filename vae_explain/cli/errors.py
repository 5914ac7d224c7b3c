"""What goes wrong on the command line: the exit codes, and how an error is written."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from enum import IntEnum
from itertools import pairwise
from pathlib import Path

from ..errors import UserError, did_you_mean

OF_A_FILE = "--x-file", "--weights", "--run"  # what is said of them begins with the file
LONGEST_VALUE = 60


class ExitCode(IntEnum):
    """0 all well; 1 a check failed; 2 the request cannot be done."""

    OK = 0
    CHECK_FAILED = 1
    BAD_REQUEST = 2


class Problem(UserError):
    """An option that cannot be used: its name, its value, and how to mend it."""

    def __init__(self, option: str, value: object, mend: str) -> None:
        super().__init__(mend, option, " ".join(value) if isinstance(value, list) else value)


def line(*words: str) -> str:
    """Write a command line as it may be typed."""
    return " ".join(("vae-explain", *(shlex.quote(word) for word in words)))


def unknown_name(option: str, value: str, kind: str, names: Sequence[str]) -> Problem:
    """Return the error for a name that does not exist, with a guess and the valid ones."""
    guess = did_you_mean(value.rpartition("=")[2], names)
    return Problem(option, value, f"no {kind} has this name; {guess}valid: {', '.join(names)}")


def line_of(error: UserError, arguments: Sequence[str]) -> str:
    """Write an error as one line: the option, its value as it was typed, and the mend."""
    option, words, value = " ".join(error.option.split()), error.command_line_words, error.value
    if not option:
        return words
    if value is True:
        return f"{option}: {words}"
    if value is None:
        value = _typed(option, arguments)
        if not value or (option in OF_A_FILE and words.startswith(value)):
            return f"{option}: {words}"
    shown = " ".join(str(value).split()) or "''"
    is_path = isinstance(value, Path) or os.sep in shown
    if len(shown) > LONGEST_VALUE and not is_path:
        shown = f"{shown[: LONGEST_VALUE - 3]}..."  # a path, or FILE.py:NAME, is only of use whole
    return f"{option} {shown}: {words}"


def _typed(option: str, arguments: Sequence[str]) -> str:
    values = [value for name, value in pairwise(arguments) if name == option and name[:1] == "-"]
    values += [text.partition("=")[2] for text in arguments if text.startswith(f"{option}=")]
    return " ".join(values)
