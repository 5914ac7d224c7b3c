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

NO_FRAME = 0  # is no frame's `id`


class _StackEntry:
    """A frame on the way to the current operation, of the user's or of a `forward`."""

    __slots__ = ("frame_id", "held", "last_made", "module", "owns_module", "read_up_to", "stays")

    def __init__(self, frame_id: int, module: str, owns_module: bool) -> None:
        self.frame_id = frame_id
        self.module = module  # the path of the active module
        self.owns_module = owns_module  # whether it is that module's own `forward`
        self.last_made: int | None = None  # the value that was last made in it
        self.stays = False  # whether its variables are as they will be when it ends
        # Of such a one, once they were read: the names of what they hold by its `id`, and how
        # many values there were when they were last read.
        self.held: dict[int, str] | None = None
        self.read_up_to = 0


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
        self._ids = ids
        self._paths: dict[int, str] = {}  # of every module, by `id` of the module
        self._frames = frames
        self._stack = [_StackEntry(NO_FRAME, "", False)]  # first what is outside of all frames
        self.innermost = self._stack[-1]  # that of the current operation
        # What was seen last, if it is one frame whose variables stay as they are: until another
        # is seen it need not be seen again, for it is read once more then.
        self.staying: SeenFrames | None = None

    def add_module(self, path: str, module: Any) -> None:
        """Note the path of a module; the first one, if it has two."""
        self._paths.setdefault(id(module), path)

    def see(self, seen: SeenFrames) -> None:
        """Read the frames that led to the next operation; none, when all have ended.

        Only a frame that ran since the last operation can have changed its variables: those
        that have ended, the innermost of those that go on, and the new ones.
        """
        self.staying = None
        stack = self._stack
        new = len(seen)
        kept = 1
        if seen:
            outermost = seen[-1][0]  # its callers go on as they were
            kept = len(stack)
            while kept > 1 and stack[kept - 1].frame_id != outermost:
                kept -= 1
            if kept > 1:
                new -= 1
                while new and kept < len(stack) and stack[kept].frame_id == seen[new - 1][0]:
                    new -= 1
                    kept += 1
        while len(stack) > kept:
            self._pop()
        if kept > 1:
            self._read(self.innermost, seen[new][1])
            if self.innermost.stays and len(seen) == 1:
                self.staying = seen
        while new:
            new -= 1
            self._push(*seen[new])

    def module_returned(self, module: Any, result: Any) -> None:
        """Note what a module of the user's own has returned."""
        value_id = self._ids.get(id(result))
        path = self._paths.get(id(module))
        if value_id is not None and path:
            self.returned.setdefault(value_id, path)

    def _push(self, frame_id: int, seen: Variables | None, forward: FrameType | None) -> None:
        if self.innermost.stays:
            self._read_final(self.innermost)
        path = None if forward is None else self._paths.get(id(forward.f_locals.get("self")))
        module = self.innermost.module if path is None else path
        entry = self.innermost = _StackEntry(frame_id, module, path is not None)
        self._stack.append(entry)
        self._read(entry, seen)

    def _pop(self) -> None:
        entry = self._stack.pop()
        self.innermost = self._stack[-1]
        if entry.stays:
            self._read_final(entry)
            return
        variables = self._frames.ended(entry.frame_id)
        if variables is not None:
            self._read_all(variables)
        elif entry.last_made is not None:
            # PyTorch's own modules return what they made last. What the user's return comes
            # by `module_returned`.
            if entry.owns_module and entry.module:
                self.returned.setdefault(entry.last_made, entry.module)
            self.innermost.last_made = entry.last_made

    def _read(self, entry: _StackEntry, seen: Variables | None) -> None:
        """Name values by the variables of a frame, unless they can be read later.

        Once the run has ended, those that stay as they are are read when their frame goes on to
        another or ends: until then no other frame can name a value. Earlier they may be those
        that the frame is going to have, and what is not made yet has no id.
        """
        if seen is not FINAL:
            self._read_all(seen or {})
        elif self._frames.have_ended:
            entry.stays = True
        else:
            self._read_all(self._frames.final(entry.frame_id))

    def _read_all(self, variables: Variables) -> None:
        names, ids = self.names, self._ids
        for name, held in variables.items():
            value_id = ids.get(id(held))
            if value_id is not None and value_id not in names and name[0] not in "_.":
                names[value_id] = name

    def _read_final(self, entry: _StackEntry) -> None:
        """Read variables that stay as they are: the second time they can name new values alone."""
        tensors, ids, names = self._tensors, self._ids, self.names
        held = entry.held
        if held is None:
            variables = list(self._frames.final(entry.frame_id).items())
            variables.reverse()  # of several that hold one tensor the first counts
            held = {id(value): name for name, value in variables if name[0] not in "_."}
            entry.held = held
            new = held.keys() & ids.keys()
        else:
            new = held.keys() & map(id, tensors[entry.read_up_to :])
        entry.read_up_to = len(tensors)
        for key in new:
            names.setdefault(ids[key], held[key])
