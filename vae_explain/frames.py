"""Catching sight of the user's own code at each operation, while it runs.

Reading names takes time that a run need not wait for. What does not wait is what the run
will overwrite: which frames led to an operation, and what their variables held.
`naming.NameReader` makes names of it afterwards.

No profile or trace function is needed, which would run at every call of every function: a
frame that is kept keeps its variables when its function returns, so what was bound after
its last operation can be read at the next one. Then it is let go, for a frame holds on to
those that called it, and these to the record.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import Any

STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep

Variables = Mapping[str, Any]
# A frame that was not there at the sight before: its variables, if it is the user's, for
# nobody looks at those of others; and the `self` of a function called `forward`.
Begun = tuple[Variables | None, Any]
# What is to be seen at an operation, as compared with the operation before. Three parts:
# the variables, if they are the user's, of each frame that has ended, the innermost first,
# as they were at its end; what those of the innermost frame that goes on hold, if it is the
# user's; the frames that are new, the outermost first. Plain tuples, since one is made at
# every call.
Sight = tuple[Sequence[Variables | None], Variables | None, Sequence[Begun]]


class FrameWatcher:
    """Sees which frames matter to an operation, and copies what they are about to lose.

    Parameters
    ----------
    hidden
        Prefixes of the files whose variables are nobody's words.
    """

    def __init__(self, hidden: Sequence[str]) -> None:
        self._hidden = tuple(hidden)
        self._users: dict[str, bool] = {}  # whether a file is the user's
        self._stack: list[tuple[FrameType, bool]] = []  # and whether it is the user's
        self._places: dict[int, int] = {}  # of each frame on the stack, from 1, by its id
        self._innermost: FrameType | None = None  # if it is the user's
        self._base: FrameType | None = None

    def start(self, base: FrameType) -> None:
        """Begin to watch the frames that `base` calls."""
        self._base = base

    def stop(self) -> Sight:
        """Let go of the frames, all of which have ended, and return what is left to see."""
        ended = self._end(0)
        self._base = self._innermost = None
        return ended, None, ()

    def look(self, frame: FrameType | None) -> Sight:
        """Return what is to be seen from the frame that makes the next operation.

        Only a frame that ran since the last operation can have changed its variables: those
        that ended, the innermost of those that go on, and the new ones.
        """
        if frame is not None and frame is self._innermost:
            return (), dict(frame.f_locals), ()
        places, users, stack, base = self._places, self._users, self._stack, self._base
        new = []
        kept = 0
        while frame is not base and frame is not None:
            key = id(frame)
            if key in places:
                kept = places[key]
                break
            code = frame.f_code
            file = code.co_filename
            is_users = users[file] if file in users else self._is_users(file)
            if is_users or code.co_name == "forward":
                new.append((frame, is_users))
            frame = frame.f_back
        ended = self._end(kept) if len(stack) > kept else ()
        held = None
        self._innermost = None
        if kept:
            frame, is_users = stack[-1]
            if is_users:
                held = dict(frame.f_locals)
                self._innermost = frame
        if not new:
            return ended, held, ()
        begun = []
        for entry in reversed(new):
            frame, is_users = entry
            stack.append(entry)
            places[id(frame)] = len(stack)
            variables = frame.f_locals
            forward_of = variables.get("self") if frame.f_code.co_name == "forward" else None
            begun.append((dict(variables) if is_users else None, forward_of))
        self._innermost = frame if is_users else None
        return ended, held, begun

    def _end(self, kept: int) -> list[Variables | None]:
        """Let go of the frames beyond the first few, the innermost first."""
        stack, places = self._stack, self._places
        ended: list[Variables | None] = []
        while len(stack) > kept:
            frame, is_users = stack.pop()
            del places[id(frame)]
            ended.append(dict(frame.f_locals) if is_users else None)
        return ended

    def _is_users(self, file: str) -> bool:
        """Say whether a file holds the user's own words, and keep the answer."""
        # The standard library's own frames come in between, `isinstance` in Python's abc
        # among them; packages installed inside its folder are the user's.
        library = file.startswith(STANDARD_LIBRARY) and "-packages" not in file
        is_users = not (library or file.startswith(self._hidden) or file.startswith("<frozen"))
        self._users[file] = is_users
        return is_users
