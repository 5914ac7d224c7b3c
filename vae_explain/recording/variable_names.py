"""The names that the user's own code has for each value.

The frames noted at each operation (`frames`) tell which variable of the user's held which
tensor; the `forward` frames among them tell the active module, and what it returned.

A value is named once, by the first variable that holds it. A variable that held several values
in turn gives each of them its name and a number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import FrameType
from typing import Any

from torch import Tensor

from .frames import FINAL, FrameWatcher, SeenFrames, Variables


class _StackEntry:
    """A frame on the way to the current operation, of the user's or of a `forward`."""

    __slots__ = ("frame_id", "last_made", "module", "owns_module")

    def __init__(self, frame_id: int, module: str, owns_module: bool) -> None:
        self.frame_id = frame_id
        self.module = module  # the path of the active module
        self.owns_module = owns_module  # whether it is that module's own `forward`
        self.last_made: int | None = None  # the value that was last made in it


class NameReader:
    """Reads names from the frames of a run, in the order in which they were noted.

    `names` fills with `{value id: variable}`, `returned` with `{value id: path of the innermost
    module that returned it}`.

    Parameters
    ----------
    tensors
        The values' tensors, which grow meanwhile.
    ids
        The id of each value, by Python's `id` of its tensor.
    frames
        Knows what a frame's variables were when it ended.
    """

    def __init__(
        self, tensors: Sequence[Tensor], ids: Mapping[int, int], frames: FrameWatcher
    ) -> None:
        self.names: dict[int, str] = {}
        self.returned: dict[int, str] = {}
        self._tensors = tensors
        self.module = ""  # the path of the module active at the last operation, if one was
        self._ids = ids
        self._paths: dict[int, str] = {}  # of every module, by `id` of the module
        self._frames = frames
        self._stack: list[_StackEntry] = []
        # Of frames whose variables stay as they are, by the frame's `id`: the names of what they
        # hold by its `id`, and how many values there were when they were last read.
        self._held: dict[int, dict[int, str]] = {}
        self._read_up_to: dict[int, int] = {}

    def add_module(self, path: str, module: Any) -> None:
        """Note the path of a module; the first one, if it has two."""
        self._paths.setdefault(id(module), path)

    def see(self, seen: SeenFrames) -> None:
        """Read the frames that led to the next operation; none, when all have ended.

        Only a frame that ran since the last operation can have changed its variables: those
        that have ended, the innermost of those that go on, and the new ones.
        """
        stack = self._stack
        if len(seen) == 1 and stack and stack[-1].frame_id == seen[0][0]:
            frame_id, variables, _ = seen[0]
            self._read(frame_id, variables)  # the same frame as before, as most often
            return
        new = len(seen)
        kept = 0
        if seen:
            outermost = seen[-1][0]  # its callers go on as they were
            kept = len(stack)
            while kept and stack[kept - 1].frame_id != outermost:
                kept -= 1
            if kept:
                new -= 1
                while new and kept < len(stack) and stack[kept].frame_id == seen[new - 1][0]:
                    new -= 1
                    kept += 1
        while len(stack) > kept:
            self._pop()
        if kept:
            frame_id, variables, _ = seen[new]
            self._read(frame_id, variables)
        while new:
            new -= 1
            self._push(*seen[new])

    def made(self, value_id: int) -> None:
        """Note what the last operation has made."""
        if self._stack:
            self._stack[-1].last_made = value_id

    def module_returned(self, module: Any, result: Any) -> None:
        """Note what a module of the user's own has returned."""
        value_id = self._ids.get(id(result))
        path = self._paths.get(id(module))
        if value_id is not None and path:
            self.returned.setdefault(value_id, path)

    def _push(self, frame_id: int, seen: Variables | None, forward: FrameType | None) -> None:
        path = None if forward is None else self._paths.get(id(forward.f_locals.get("self")))
        if path is not None:
            self.module = path
        self._stack.append(_StackEntry(frame_id, self.module, path is not None))
        self._read(frame_id, seen)

    def _pop(self) -> None:
        stack = self._stack
        entry = stack.pop()
        self.module = stack[-1].module if stack else ""
        if entry.frame_id in self._held:
            self._read_final(entry.frame_id)
            return
        variables = self._frames.ended(entry.frame_id)
        if variables is not None:
            self._read_all(variables)
        elif entry.last_made is not None:
            # PyTorch's own modules return what they made last. What the user's return comes
            # by `module_returned`.
            if entry.owns_module and entry.module:
                self.returned.setdefault(entry.last_made, entry.module)
            self.made(entry.last_made)

    def _read(self, frame_id: int, seen: Variables | None) -> None:
        """Name values by the variables of a frame, which may be those that it is going to have.

        No value is named by those too early: what is not made yet has no id.
        """
        if seen is FINAL and self._frames.have_ended:
            self._read_final(frame_id)
        elif seen is not None:
            self._read_all(self._frames.final(frame_id) if seen is FINAL else seen)

    def _read_all(self, variables: Variables) -> None:
        names, ids = self.names, self._ids
        for name, held in variables.items():
            value_id = ids.get(id(held))
            if value_id is not None and value_id not in names and name[0] not in "_.":
                names[value_id] = name

    def _read_final(self, frame_id: int) -> None:
        """Read variables that stay as they are: the second time they can name new values alone."""
        tensors, ids, names = self._tensors, self._ids, self.names
        held = self._held.get(frame_id)
        if held is None:
            variables = list(self._frames.final(frame_id).items())
            variables.reverse()  # of several that hold one tensor the first counts
            held = {id(value): name for name, value in variables if name[0] not in "_."}
            self._held[frame_id] = held
            new = held.keys() & ids.keys()
        else:
            new = held.keys() & map(id, tensors[self._read_up_to[frame_id] :])
        for key in new:
            names.setdefault(ids[key], held[key])
        self._read_up_to[frame_id] = len(tensors)
