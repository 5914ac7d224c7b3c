"""A file that appears whole or not at all, by way of another one beside it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

# Short, for a name may be as long as the file system takes.
PREFIX = ".vae-explain-"


def staged(path: Path, parts: Sequence[bytes], mode: int, lasting: bool = False) -> Path:
    """Write what a file is to hold beside its place, and return where.

    Parameters
    ----------
    mode
        The permissions of a file that is new; one that is there keeps its own.
    lasting
        Whether it has to be on the disk, whatever happens to the machine.
    """
    import tempfile  # which loads much, and is needed only here

    number, name = tempfile.mkstemp(dir=path.parent, prefix=PREFIX)
    temporary = Path(name)
    try:
        with open(number, "wb") as file:
            file.writelines(parts)
            if lasting:
                file.flush()
                os.fsync(file.fileno())
        temporary.chmod(path.stat().st_mode & 0o777 if path.exists() else mode)
    except BaseException:  # an interrupt too must leave nothing behind
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def write_whole(path: Path, *parts: bytes) -> None:
    """Write a file's parts one behind the other; `OSError` leaves what was there before."""
    temporary = staged(path, parts, 0o644)
    try:
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
