"""A file that appears whole or not at all, by way of another one beside it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

PREFIX = ".vae-explain-"


def write_whole(path: Path, *parts: bytes) -> None:
    """Write a file's parts one behind the other; `OSError` leaves what was there before."""
    number, name = tempfile.mkstemp(dir=path.parent, prefix=PREFIX)
    temporary = Path(name)
    try:
        with open(number, "wb") as file:
            file.writelines(parts)
        temporary.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        os.replace(temporary, path)
    except BaseException:  # an interrupt too must leave nothing behind
        temporary.unlink(missing_ok=True)
        raise
