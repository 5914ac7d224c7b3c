"""Catching sight of the user's own code at each operation, while it runs.

Reading names takes time that a run need not wait for. What does not wait is what the run
will overwrite: which frames led to an operation, and what their variables held.
`naming.NameReader` makes names of it afterwards.

No profile or trace function is needed, which would run at every call of every function: a
frame that is kept keeps its variables when its function returns, so what was bound after
its last operation can be read later. When the run has ended the frames are let go, for a
frame holds on to those that called it, and these to the record.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import Any

STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep


class _Files(dict[str, bool]):
    """Whether a file holds the user's own words, which is found out at the first look.

    Parameters
    ----------
    hidden
        Prefixes of the files that do not.
    """

    def __init__(self, hidden: tuple[str, ...]) -> None:
        self._hidden = hidden

    def __missing__(self, file: str) -> bool:
        # The standard library's own frames come in between, `isinstance` in Python's abc
        # among them; packages installed inside its folder are the user's.
        library = file.startswith(STANDARD_LIBRARY) and "-packages" not in file
        is_users = not (library or file.startswith(self._hidden) or file.startswith("<frozen"))
        self[file] = is_users
        return is_users


# For all runs, by what is hidden.
FILES: dict[tuple[str, ...], _Files] = {}

Variables = Mapping[str, Any]
# A frame that led to an operation: its number; its variables then, if it is the user's, for
# nobody looks at those of others; and the `self` of a function called `forward`.
Place = tuple[int, Variables | None, Any]
# The frames that led to an operation, the innermost first, up to the first of the user's that
# led to the operation before as well: those that called it have not run in between. Plain
# tuples, since they are made at every call.
Sight = Sequence[Place]
NOTHING: Sight = ()


class FrameWatcher:
    """Sees which frames lead to an operation, and copies what they are about to lose.

    Parameters
    ----------
    hidden
        Prefixes of the files whose variables are nobody's words.
    """

    def __init__(self, hidden: Sequence[str]) -> None:
        prefixes = tuple(hidden)
        if prefixes not in FILES:
            FILES[prefixes] = _Files(prefixes)
        self._users = FILES[prefixes]
        # Kept, so that no number is given out twice: the user's, by number, and the others.
        self._frames: dict[int, FrameType] = {}
        self._others: list[FrameType] = []
        self._ended: dict[int, Variables] = {}
        self._running: list[FrameType] = []  # the user's, at the last look, innermost first
        self._base: FrameType | None = None

    def start(self, base: FrameType) -> None:
        """Begin to watch the frames that `base` calls."""
        self._base = base

    def stop(self) -> None:
        """Let go of the frames, all of which have ended, but not of their variables."""
        self._ended = {key: variables_of(frame) for key, frame in self._frames.items()}
        self._base = None
        self.forget()
        self._frames.clear()
        self._others.clear()

    def ended(self, number: int) -> Variables | None:
        """Hand over the variables of a frame that has ended; None if it was not the user's."""
        frame = self._frames.pop(number, None)
        return self._ended.pop(number, None) if frame is None else variables_of(frame)

    def forget(self) -> None:
        """See at the next look all that is to be seen, for the last is not to be had."""
        self._running = []

    def look(self, frame: FrameType | None) -> Sight:
        """Return what is to be seen from the frame that makes the next operation."""
        users, base, frames = self._users, self._base, self._frames
        new: list[FrameType] = []
        sight: list[Place] = []
        while frame is not base and frame is not None:
            code = frame.f_code
            if users[code.co_filename]:
                key = id(frame)
                variables = frame.f_locals
                forward_of = variables.get("self") if code.co_name == "forward" else None
                sight.append((key, dict(variables), forward_of))
                # A generator's frame may have been seen before and still not be running.
                if key in frames and frame in self._running:
                    running = self._running
                    if new or frame is not running[0]:
                        self._running = new + running[running.index(frame) :]
                    return sight
                new.append(frame)
                frames[key] = frame
            elif code.co_name == "forward":
                self._others.append(frame)
                sight.append((id(frame), None, frame.f_locals.get("self")))
            frame = frame.f_back
        self._running = new
        return sight


def variables_of(frame: FrameType) -> Variables:
    """Return the variables of a frame that is about to be let go."""
    variables = frame.f_locals
    # Those of a module go on, and from Python 3.13 on others are a view that keeps the frame.
    own = type(variables) is dict and variables is not frame.f_globals
    return variables if own else dict(variables)
