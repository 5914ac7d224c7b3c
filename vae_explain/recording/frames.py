"""The frames of the user's code that lead to each operation, noted while the code runs.

Reading names takes time, and most of it can wait until the run has ended. What cannot wait is
what the run will overwrite: which frames called an operation, and what their variables held.
`variable_names.NameReader` makes names of it afterwards.

This takes no profile or trace function, which would run at every call of every function. A
frame object that is kept alive keeps its variables when its function returns, so what was bound
after its last operation can be read later; of a function that binds no variable twice nothing
is copied. A frame also keeps its callers alive, up to a suspended generator's, which has none.
So the objective runs in a generator: its frames are kept, and nothing of what called `run`.
"""

from __future__ import annotations

import dis
import inspect
import os
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import lru_cache
from types import CodeType, FrameType, GeneratorType
from typing import Any, cast

import torch

from ..version import PACKAGE_FOLDER

STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep
PYTORCH = os.path.dirname(torch.__file__)
# A module of ours sets this to true if its variables name values, as the user's do.
MARKER = "NAMES_VALUES"

Variables = Mapping[str, Any]
# Stands for the variables of a frame that overwrites none of them: those that it ended with.
FINAL: Variables = {}
# A frame that led to an operation: its `id`; its variables then, if it is the user's; and the
# frame itself, if its function is called `forward`.
SeenFrame = tuple[int, Variables | None, FrameType | None]
# The frames that led to an operation, the innermost first, up to the first of the user's that
# led to the operation before as well: its callers have not run in between. Plain tuples, since
# they are made at every call.
SeenFrames = Sequence[SeenFrame]
NO_FRAMES: SeenFrames = ()

# Whether a file's variables name values, for all runs.
NAMING_FILES: dict[str, bool] = {}


def names_values(frame: FrameType) -> bool:
    """Whether a frame's variables name values: those of user code and marked modules do."""
    file = frame.f_code.co_filename
    if file.startswith(PACKAGE_FOLDER):
        return bool(frame.f_globals.get(MARKER))
    # The standard library's own frames come in between, `isinstance` in Python's abc
    # among them; packages installed inside its folder are the user's.
    library = file.startswith(STANDARD_LIBRARY) and "-packages" not in file
    return not (library or file.startswith((PYTORCH, "<frozen")))


class FrameWatcher:
    """Notes which frames lead to an operation, and copies the variables that they may overwrite."""

    def __init__(self) -> None:
        # Kept alive, so that Python reuses no `id`: the user's frames, each with whether it
        # overwrites no variable, and the others.
        self._frames: dict[int, tuple[FrameType, bool]] = {}
        self._others: list[FrameType] = []
        self._running: list[FrameType] = []  # the user's, at the last look, innermost first
        # Of these the first, if it overwrites no variable, and how it is noted by itself.
        self._last: FrameType | None = None
        self._last_seen: tuple[SeenFrame, ...] = ()
        self._base: FrameType | None = None
        self._waiting: GeneratorType[Any, None, None] | None = None

    def run(self, objective: Callable[[], Any]) -> Any:
        """Run an objective whose frames `look` is to note, and return what it returns."""
        waiting = cast("GeneratorType[Any, None, None]", _waiting(objective))
        self._waiting = waiting
        self._base = waiting.gi_frame
        try:
            result = next(waiting)
        finally:
            self._base = None
            self.forget()
        if isinstance(result, StopIteration):
            raise result
        return result

    def let_go(self) -> None:
        """Release the frames, all of which have ended."""
        self._frames.clear()
        self._others.clear()
        self._waiting = None

    @property
    def have_ended(self) -> bool:
        """Whether no frame runs any more."""
        return self._base is None

    def final(self, frame_id: int) -> Variables:
        """Return the last variables of one of the user's frames, or those of now while it runs."""
        return self._frames[frame_id][0].f_locals

    def ended(self, frame_id: int) -> Variables | None:
        """Return the variables of a frame that has ended; None if it was not the user's."""
        return self.final(frame_id) if frame_id in self._frames else None

    def forget(self) -> None:
        """Forget the last look, since no call was recorded for it."""
        self._running = []
        self._last = None

    def look(self, frame: FrameType | None) -> SeenFrames:
        """Return the frames that lead to the next operation, from the one that calls it."""
        if frame is self._last:
            return self._last_seen  # as most often
        base, frames, running = self._base, self._frames, self._running
        new: list[FrameType] = []
        seen: list[SeenFrame] = []
        while frame is not base and frame is not None:
            code = frame.f_code
            try:
                names = NAMING_FILES[code.co_filename]
            except KeyError:
                names = NAMING_FILES[code.co_filename] = names_values(frame)
            if names:
                if frame is self._last and not new:
                    return (*seen, *self._last_seen)
                key = id(frame)
                known = frames.get(key)
                keeps = keeps_all(code) if known is None else known[1]
                variables = FINAL if keeps else dict(frame.f_locals)
                entry = key, variables, frame if code.co_name == "forward" else None
                seen.append(entry)
                if not new:
                    self._last, self._last_seen = frame if keeps else None, (entry,)
                # A generator's frame may have been seen before and still not be running.
                if known is not None and frame in running:
                    if new or frame is not running[0]:
                        self._running = new + running[running.index(frame) :]
                    return seen
                new.append(frame)
                frames[key] = frame, keeps
            elif code.co_name == "forward":
                self._others.append(frame)
                seen.append((id(frame), None, frame))
            frame = frame.f_back
        self._running = new
        return seen


def _waiting(objective: Callable[[], Any]) -> Generator[Any, None, None]:
    """Yield what an objective returns, or the one exception that does not leave a generator."""
    try:
        yield objective()
    except StopIteration as stopped:
        yield stopped


# Functions that do not run from beginning to end.
SUSPENDING = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
JUMPS = frozenset((*dis.hasjrel, *dis.hasjabs))


@lru_cache(maxsize=1000)
def keeps_all(code: CodeType) -> bool:
    """Whether a function overwrites none of its variables.

    That is so if each is bound by one instruction, and no instruction runs twice. In doubt the
    answer is no.

    Examples
    --------
    >>> def once(x):
    ...     h = x + 1
    ...     return 2 * h
    >>> def twice(x):
    ...     h = x + 1
    ...     h = 2 * h
    ...     return h
    >>> keeps_all(once.__code__), keeps_all(twice.__code__)
    (True, False)
    """
    flags = code.co_flags
    shared = code.co_cellvars or code.co_freevars
    if shared or flags & SUSPENDING or not flags & inspect.CO_OPTIMIZED:
        return False
    arguments = code.co_argcount + code.co_kwonlyargcount
    arguments += bool(flags & inspect.CO_VARARGS) + bool(flags & inspect.CO_VARKEYWORDS)
    bound = set(code.co_varnames[:arguments])
    for instruction in dis.get_instructions(code):
        if instruction.opcode in JUMPS and instruction.argval <= instruction.offset:
            return False
        for name in _bound_by(instruction):
            if name in bound:
                return False
            bound.add(name)
    return True


def _bound_by(instruction: dis.Instruction) -> Sequence[str]:
    """Return the variables that an instruction binds or deletes."""
    name = instruction.opname
    value: str | tuple[str, ...] = instruction.argval
    if not name.startswith(("STORE_FAST", "DELETE_FAST")):
        return ()
    if isinstance(value, str):
        return (value,)
    return value[:1] if "LOAD" in name else value  # two instructions in one, from 3.13 on
