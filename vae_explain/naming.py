"""Finding out what the user's own code calls each value.

At each operation the recorder shows us the frames that led to it. From the frames that
belong to the user (not to PyTorch, not to the recorder) we read which variable holds which
tensor; from the `forward` frames we know the module at work and what it returns.

No profile or trace function is needed, which would run at every call of every function: a
frame that we keep keeps its variables when its function returns, so what was bound after
its last operation can be read later, when the next operation shows that it has ended.

A name goes to a value once, the first time any variable holds it. A variable that held
several values in turn gives each of them its name and a number.
"""

from __future__ import annotations

import os
from collections.abc import Container, Mapping, Sequence
from types import CodeType, FrameType
from typing import Any

from .trace import Operation

STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep


# What a frame is to us, by its code: nothing, the user's own, or PyTorch's `forward`.
PASSED_OVER, USERS, FORWARD = 0, 1, 2


class _Entry:
    """A frame on the way to the operation at work, of those that matter."""

    __slots__ = ("frame", "module", "owner", "users", "value")

    def __init__(self, frame: FrameType, users: bool, module: str, owner: bool) -> None:
        self.frame = frame
        self.users = users  # whether its variables are the user's words
        self.module = module  # the path of the module at work in it
        self.owner = owner  # whether it is that module's own `forward`
        self.value: int | None = None  # what was last made in it


class NameWatcher:
    """Reads names from the frames between `start` and `stop`.

    `names` fills with `{value: variable}`, `returned` with `{value: path of the innermost
    module that returned it}`.

    Parameters
    ----------
    known
        The number of each value, by `id` of the tensor, which somebody keeps alive; it may
        grow meanwhile.
    module_paths
        The path of every module, by `id` of the module.
    hidden
        Prefixes of the files whose variables are nobody's words.
    """

    def __init__(
        self, known: Mapping[int, int], module_paths: Mapping[int, str], hidden: Sequence[str]
    ) -> None:
        self.names: dict[int, str] = {}
        self.returned: dict[int, str] = {}
        self._known = known
        self._module_paths = module_paths
        self._hidden = tuple(hidden)
        # By id, since a code object's hash is computed anew from all of its parts; kept
        # beside the answer, so that no id is given out twice.
        self._codes: dict[int, tuple[CodeType, int]] = {}
        self._stack: list[_Entry] = []
        self._places: dict[int, int] = {}  # of each frame on the stack, by its id
        self._base: FrameType | None = None

    def start(self, base: FrameType) -> None:
        """Begin to watch the frames that `base` calls."""
        self._base = base

    def stop(self) -> None:
        """Read what has not been read, and let go of the frames."""
        self._end(0)
        self._base = None

    def look(self, frame: FrameType | None) -> None:
        """Read what has changed since the last operation; `frame` makes the one to come.

        Only a frame that ran since can have changed its variables: those that ended, the
        innermost of those that go on, and the new ones.
        """
        places, codes, base = self._places, self._codes, self._base
        new: list[tuple[FrameType, int]] = []
        kept = 0
        while frame is not None and frame is not base:
            place = places.get(id(frame))
            if place is not None:
                kept = place + 1
                break
            code = frame.f_code
            known = codes.get(id(code))
            sort = self._sort(code) if known is None else known[1]
            if sort:
                new.append((frame, sort))
            frame = frame.f_back
        if kept < len(self._stack):
            self._end(kept)
        if kept and self._stack[-1].users:
            self._read(self._stack[-1].frame)
        for started, sort in reversed(new):
            self._begin(started, sort)

    @property
    def module(self) -> str:
        """The path of the module at work at the last look; empty outside of all."""
        return self._stack[-1].module if self._stack else ""

    def made(self, value: int) -> None:
        """Note what the operation that was looked at last has made."""
        if self._stack:
            self._stack[-1].value = value

    def gave_back(self, module: Any, result: Any) -> None:
        """Note what a module of the user's own has returned."""
        number = self._known.get(id(result))
        path = self._module_paths.get(id(module))
        if number is not None and path:
            self.returned.setdefault(number, path)

    def _begin(self, frame: FrameType, sort: int) -> None:
        module, owner = self.module, False
        if sort == FORWARD or frame.f_code.co_name == "forward":
            path = self._module_paths.get(id(frame.f_locals.get("self")))
            if path is not None:
                module, owner = path, True
        self._places[id(frame)] = len(self._stack)
        self._stack.append(_Entry(frame, sort == USERS, module, owner))
        if sort == USERS:
            self._read(frame)

    def _end(self, kept: int) -> None:
        """Take the frames beyond the first few from the stack, the innermost first."""
        stack = self._stack
        while len(stack) > kept:
            entry = stack.pop()
            del self._places[id(entry.frame)]
            if entry.users:
                self._read(entry.frame)
            elif entry.value is not None:
                # PyTorch's own modules return what they made last. The user's may do
                # otherwise; what they return they tell by `gave_back`.
                if entry.owner and entry.module:
                    self.returned.setdefault(entry.value, entry.module)
                if stack:
                    stack[-1].value = entry.value

    def _sort(self, code: CodeType) -> int:
        """Return what frames of some code are to us, and keep the answer."""
        file = code.co_filename
        # The standard library's own frames come in between, `isinstance` in Python's abc
        # among them; packages installed inside its folder are the user's.
        library = file.startswith(STANDARD_LIBRARY) and "-packages" not in file
        if not (library or file.startswith(self._hidden) or file.startswith("<frozen")):
            sort = USERS
        else:
            sort = FORWARD if code.co_name == "forward" else PASSED_OVER
        self._codes[id(code)] = code, sort
        return sort

    def _read(self, frame: FrameType) -> None:
        names = self.names
        known = self._known
        for name, candidate in frame.f_locals.items():
            number = known.get(id(candidate))
            if number is not None and number not in names and name[0] not in "_.":
                names[number] = name


# Ops of which one element is made from many.
MIXING = {
    "linear", "matmul", "mm", "mv", "bmm", "addmm", "einsum", "dot", "conv1d", "conv2d",
    "conv_transpose1d", "conv_transpose2d", "sum", "mean", "norm", "vector_norm", "normalize",
    "softmax", "log_softmax", "logsumexp", "layer_norm", "batch_norm", "group_norm",
}  # fmt: skip
DEEPEST = 3


def name_the_deepest(
    names: dict[int, str],
    fixed: Container[int],
    operations: Sequence[Operation],
) -> None:
    """Name a value by its op where too many such ops in a row have left none with a name.

    A value without a name is written out where it is used, so that a few in a row, as the
    power iteration of a spectral norm has, would make a line of millions of numbers.

    Parameters
    ----------
    names
        The names so far, which this adds to.
    fixed
        Values that have a name of another kind.
    operations
        The operations in the order in which they ran.
    """
    if sum([operation.name in MIXING for operation in operations]) < DEEPEST:
        return
    depths: dict[int, int] = {}
    for operation in operations:
        depth = max((depths.get(number, 0) for number in operation.inputs), default=0)
        depth += operation.name in MIXING
        for output in operation.outputs:
            if output in names or output in fixed:
                continue
            if depth >= DEEPEST:
                names[output] = operation.name
            else:
                depths[output] = depth


def numbered(names: Mapping[int, str], taken: Sequence[str]) -> dict[int, str]:
    """Make names unique: a base that several values share gets `_1`, `_2`, … in order.

    Examples
    --------
    >>> numbered({4: "h", 7: "z", 9: "h"}, taken=["x"])
    {4: 'h_1', 7: 'z', 9: 'h_2'}
    """
    sharing: dict[str, list[int]] = {}
    for value in sorted(names):
        sharing.setdefault(names[value], []).append(value)
    used = set(taken)
    result: dict[int, str] = {}
    for base, values in sharing.items():
        alone = len(values) == 1 and base not in used
        count = 0
        for value in values:
            name = base
            while not alone and (name in used or name == base):
                count += 1
                name = f"{base}_{count}"
            used.add(name)
            result[value] = name
    return {value: result[value] for value in sorted(result)}
