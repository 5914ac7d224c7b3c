"""Catching sight of the user's own code at each operation, while it runs.

Reading names takes time that a run need not wait for. What does not wait is what the run
will overwrite: which frames led to an operation, and what their variables held.
`variable_names.NameReader` makes names of it afterwards.

No profile or trace function is needed, which would run at every call of every function: a
frame that is kept keeps its variables when its function returns, so what was bound after
its last operation can be read later. Of a function that binds no variable twice nothing else
is taken down. A frame also keeps those that called it, up to a generator's, which was called
by nobody as long as it waits; so the frames of a run are kept and nothing of what runs it.
"""

from __future__ import annotations

import dis
import inspect
import os
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import lru_cache
from types import CodeType, FrameType, GeneratorType
from typing import Any, cast

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
# In the place of the variables of a frame that loses none of them: those that it ended with.
FINAL: Variables = {}
# A frame that led to an operation: its number; its variables then, if it is the user's, for
# nobody looks at those of others; and the frame, if its function is called `forward`.
Place = tuple[int, Variables | None, FrameType | None]
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
        # Kept, so that no number is given out twice: the user's, by number, each with whether
        # it keeps its variables, and the others.
        self._frames: dict[int, tuple[FrameType, bool]] = {}
        self._others: list[FrameType] = []
        self._running: list[FrameType] = []  # the user's, at the last look, innermost first
        # Of these the first, if it keeps its variables, and what there is to be seen of it.
        self._last: FrameType | None = None
        self._again: Place = 0, FINAL, None
        self._base: FrameType | None = None
        self._waiting: GeneratorType[Any, None, None] | None = None

    def run(self, objective: Callable[[], Any]) -> Any:
        """Run an objective, watch the frames that it calls, and return what it returns."""
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
        """Let go of the frames, all of which have ended."""
        self._frames.clear()
        self._others.clear()
        self._waiting = None

    def final(self, number: int) -> Variables:
        """Return the last variables of one of the user's frames, or those of now while it runs."""
        return self._frames[number][0].f_locals

    def ended(self, number: int) -> Variables | None:
        """Return the variables of a frame that has ended; None if it was not the user's."""
        return self.final(number) if number in self._frames else None

    def forget(self) -> None:
        """See at the next look all that is to be seen, for the last is not to be had."""
        self._running = []
        self._last = None

    def look(self, frame: FrameType | None) -> Sight:
        """Return what is to be seen from the frame that makes the next operation."""
        users, base, frames, running = self._users, self._base, self._frames, self._running
        new: list[FrameType] = []
        sight: list[Place] = []
        while frame is not base and frame is not None:
            code = frame.f_code
            if users[code.co_filename]:
                if frame is self._last and not new:
                    return (*sight, self._again) if sight else (self._again,)
                key = id(frame)
                seen = frames.get(key)
                keeps = keeps_all(code) if seen is None else seen[1]
                variables = FINAL if keeps else dict(frame.f_locals)
                place = key, variables, frame if code.co_name == "forward" else None
                sight.append(place)
                if not new:
                    self._last, self._again = frame if keeps else None, place
                # A generator's frame may have been seen before and still not be running.
                if seen is not None and frame in running:
                    if new or frame is not running[0]:
                        self._running = new + running[running.index(frame) :]
                    return sight
                new.append(frame)
                frames[key] = frame, keeps
            elif code.co_name == "forward":
                self._others.append(frame)
                sight.append((id(frame), None, frame))
            frame = frame.f_back
        self._running = new
        return sight


def _waiting(objective: Callable[[], Any]) -> Generator[Any, None, None]:
    """Yield what an objective returns, or the one exception that does not leave a generator."""
    try:
        yield objective()
    except StopIteration as stopped:
        yield stopped


# What does not run from beginning to end, or has variables that others can bind.
SUSPENDING = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
JUMPS = frozenset((*dis.hasjrel, *dis.hasjabs))


@lru_cache(maxsize=1000)
def keeps_all(code: CodeType) -> bool:
    """Whether a function's variables hold at its end all that any of them has ever held.

    That is so if each is bound in one place, and no place is come back to. In doubt it is not.

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
    given = code.co_argcount + code.co_kwonlyargcount
    given += bool(flags & inspect.CO_VARARGS) + bool(flags & inspect.CO_VARKEYWORDS)
    bound = set(code.co_varnames[:given])
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
