"""The files that a command writes: judged before anything runs, written together at its end.

A file that nobody named is never replaced, and neither is one that the command reads. All of a
command's files appear or none does, and each is whole: they are written beside their places and
put there at once, while a signal that would end the process waits.
"""

from __future__ import annotations

import os
import shutil
import signal
import stat
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from ..errors import reason_of
from ..models.whole_file import PREFIX, staged
from ..quick_classes import dataclass
from ..symbolic.printable import printable
from .errors import Problem
from .messages import say

ENDING_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


@dataclass(frozen=True)
class OutputFile:
    """A file to be written.

    Attributes
    ----------
    option
        The option that names it.
    shown
        Its name as it was typed, for messages.
    path
        Where it is, whatever becomes of the working folder: absolute, links followed.
    """

    option: str
    shown: Path
    path: Path

    @property
    def suffix(self) -> str:
        """What its name ends with, in small letters."""
        return self.shown.suffix.lower()

    @property
    def is_special(self) -> bool:
        """Whether it is there and no plain file: a device or a pipe, which is not replaced."""
        return self.path.exists() and not self.path.is_file()


class Files:
    """The files of one command.

    Parameters
    ----------
    inputs
        The files that the command reads, by the option that names each.
    """

    def __init__(self, inputs: Mapping[str, Path]) -> None:
        self._inputs = inputs
        self._targets: list[OutputFile] = []
        self._contents: list[tuple[OutputFile, bytes]] = []

    def name(self, option: str, path: Path, endings: tuple[str, ...] = ()) -> OutputFile:
        """Check that a file can stand where it is wanted, and what its name ends with.

        Raises
        ------
        Problem
            If it cannot be written there, is read by the command, or is another of its files.
        """
        target = _target(option, path)
        if endings and not target.is_special:
            require_ending(option, path, endings)
        self._require_apart(target)
        self._targets.append(target)
        return target

    def name_beside(self, other: OutputFile, suffix: str, mark: str) -> OutputFile:
        """Check that a file which nobody named can stand beside one that was.

        Parameters
        ----------
        mark
            What a file has in it that an earlier run has written there. Any other stays.
        """
        target = _target(other.option, other.shown.with_suffix(suffix))
        if target.path == other.path:
            raise Problem(other.option, other.shown, "the picture goes there; name it another way")
        self._require_apart(target)
        if target.path.exists() and not _has(target.path, mark):
            raise Problem(
                other.option,
                other.shown,
                f"its picture goes into {target.shown}, where another file is; move that, or "
                "name the document another way",
            )
        self._targets.append(target)
        return target

    def put(self, target: OutputFile, content: str | bytes) -> None:
        """Keep what goes into a file until all of them are written."""
        data = content.encode() if isinstance(content, str) else content
        self._contents.append((target, data))

    def write(self) -> None:
        """Write all files or none, and say each on standard error."""
        contents, self._contents = self._contents, []
        plain = [(target, data) for target, data in contents if not target.is_special]
        temporaries: list[Path] = []
        with _signals_waiting():
            try:
                for target, data in plain:
                    with _told_of(target):
                        temporaries.append(
                            staged(target.path, (data,), 0o666 & ~_umask(), lasting=True)
                        )
                _put_in_place([target for target, _ in plain], temporaries)
            finally:
                for temporary in temporaries:
                    temporary.unlink(missing_ok=True)
        for target, data in contents:
            if target.is_special:
                with _told_of(target):
                    target.path.write_bytes(data)
        for target, _ in plain:
            say(f"wrote {printable(str(target.shown))}")

    def _require_apart(self, target: OutputFile) -> None:
        for option, path in self._inputs.items():
            if _is_same(target.path, path):
                what = "document itself" if option == "FILE" else f"file of {option}"
                mend = f"this is the {what}, which would be lost; name another file"
                raise Problem(target.option, target.shown, mend)
        for other in self._targets:
            if not target.is_special and _is_same(target.path, other.path):
                mend = f"{other.option} has the same file; name another"
                raise Problem(target.option, target.shown, mend)


def require_ending(option: str, path: Path, endings: tuple[str, ...]) -> None:
    """Check what the name of a file ends with."""
    if path.suffix.lower() not in endings:
        raise Problem(option, path, f"name a file that ends with {' or '.join(endings)}")


def require_file(option: str, path: Path) -> None:
    """Check that there is a file to read, and say of anything else what it is."""
    file = path.expanduser()
    if file.is_dir():
        raise Problem(option, path, "this is a folder; name a file in it")
    if not file.exists():
        raise Problem(option, path, "there is no such file")
    if not file.is_file():
        raise Problem(option, path, "this is a pipe or a device; write what it holds to a file")


def _target(option: str, path: Path) -> OutputFile:
    """Find where a file is to stand, and check that it can."""
    try:
        file = path.expanduser()
        if not file.parent.is_dir():
            nearest = next((p for p in file.parents if p.exists()), file.parent)
            if nearest.is_file():
                raise Problem(option, path, f"{nearest} is a file, not a folder; name another")
            raise Problem(option, path, f"the folder {file.parent} does not exist; create it")
        if file.is_dir():
            raise Problem(option, path, "this is a folder; name a file in it")
        resolved = file.resolve()
        if resolved.exists():
            # By its mode too: nothing is forbidden to the superuser.
            writable = resolved.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)
            if not writable or not os.access(resolved, os.W_OK):
                mend = "it is read-only; make it writable, or name another file"
                raise Problem(option, path, mend)
    except (OSError, RuntimeError, ValueError) as error:  # a name too long, a circle of links
        if isinstance(error, Problem):
            raise
        reason = getattr(error, "strerror", None) or str(error)
        raise Problem(option, path, f"cannot be written: {reason.lower()}") from None
    return OutputFile(option, path, resolved)


def _is_same(one: Path, other: Path) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:  # one of them is not there
        return one == other.expanduser().resolve()


def _has(path: Path, mark: str) -> bool:
    try:
        return path.is_file() and mark.encode() in path.read_bytes()
    except OSError:
        return False


@contextmanager
def _told_of(target: OutputFile) -> Iterator[None]:
    """Say of which option's file it is that it cannot be written."""
    try:
        yield
    except OSError as error:
        raise Problem(
            target.option, target.shown, f"cannot be written: {reason_of(error)}"
        ) from None


def _put_in_place(targets: list[OutputFile], temporaries: list[Path]) -> None:
    """Put all files in their places; where one cannot be, let all be as they were."""
    replaced: list[tuple[Path, Path | None]] = []
    kept: list[Path] = []
    try:
        for target, temporary in zip(targets, temporaries, strict=True):
            with _told_of(target):
                before = _kept(target.path) if len(targets) > 1 else None
                if before is not None:
                    kept.append(before)
                os.replace(temporary, target.path)
            replaced.append((target.path, before))
    except BaseException:
        for path, before in reversed(replaced):
            with suppress(OSError):
                path.unlink() if before is None else os.replace(before, path)
        raise
    finally:
        for each in kept:
            each.unlink(missing_ok=True)


def _kept(path: Path) -> Path | None:
    """Keep what a file holds under another name beside it; None if it is not there."""
    if not path.exists():
        return None
    import tempfile  # which loads much, and is needed by few

    kept = Path(tempfile.mktemp(dir=path.parent, prefix=PREFIX))
    try:
        os.link(path, kept)
    except OSError:  # a file system without links
        shutil.copy2(path, kept)
    return kept


@contextmanager
def _signals_waiting() -> Iterator[None]:
    """Let a signal that ends the process wait until files are whole and in their places."""
    came: list[int] = []

    def remember(number: int, frame: FrameType | None) -> None:
        came.append(number)

    if threading.current_thread() is not threading.main_thread():
        yield  # where Python does not let signals be handled
        return
    numbers = [getattr(signal, name) for name in ENDING_SIGNALS if hasattr(signal, name)]
    before = {number: signal.signal(number, remember) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        for number in came:
            signal.raise_signal(number)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
