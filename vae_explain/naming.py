"""Finding out what the user's own code calls each value.

While a run is recorded, a profile function sees every Python frame begin and end. From
the frames that belong to the user (not to PyTorch, not to the recorder) it reads which
variable holds which tensor; from the `forward` frames it knows the module at work and
what that returns.

A name goes to a value once, the first time any variable holds it. A variable that held
several values in turn gives each of them its name and a number.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from types import CodeType, FrameType
from typing import Any

STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep
Lookup = Callable[[Any], int | None]


class NameWatcher:
    """Watches frames between `start` and `stop`.

    `names` fills with `{value: variable}`, `returned` with `{value: path of the innermost
    module that returned it}`; `modules` are the paths of the modules at work, inwards.

    Parameters
    ----------
    lookup
        Returns the number of the value that an object is, or None when it is not one.
    module_paths
        The path of every module, by `id` of the module.
    hidden
        Prefixes of the files whose variables are nobody's words.
    """

    def __init__(
        self, lookup: Lookup, module_paths: Mapping[int, str], hidden: Sequence[str]
    ) -> None:
        self.names: dict[int, str] = {}
        self.returned: dict[int, str] = {}
        self.modules: list[str] = []
        self._lookup = lookup
        self._module_paths = module_paths
        self._hidden = tuple(hidden)
        # By id, since a code object's hash is computed anew from all of its parts; kept
        # beside the answer, so that no id is given out twice.
        self._is_user: dict[int, tuple[CodeType, bool]] = {}
        self._entered: list[FrameType] = []
        self._base: FrameType | None = None
        self._previous: Any = None

    def start(self, base: FrameType) -> None:
        """Begin to watch the frames that `base` calls."""
        self._base = base
        self._previous = sys.getprofile()
        sys.setprofile(self._profile)

    def stop(self) -> None:
        """Put back the profile function that was there before."""
        if self._previous is None or callable(self._previous):
            sys.setprofile(self._previous)
        else:
            self._previous.enable()  # cProfile's own object is not a function
        self._entered.clear()
        self._base = None

    def look(self, frame: FrameType | None) -> None:
        """Read the variables of every user frame from here outwards.

        Called at each operation, it sees a variable before it is bound again.
        """
        while frame is not None and frame is not self._base:
            self._read(frame)
            frame = frame.f_back

    def _profile(self, frame: FrameType, event: str, returned: Any) -> None:
        if event == "return":
            self._read(frame)
            if self._entered and self._entered[-1] is frame:
                self._entered.pop()
                module = self.modules.pop()
                number = self._lookup(returned)
                if number is not None and module:
                    self.returned.setdefault(number, module)
        elif event == "call" and frame.f_code.co_name == "forward":
            path = self._module_paths.get(id(frame.f_locals.get("self")))
            if path is not None:
                self._entered.append(frame)
                self.modules.append(path)

    def _is_users(self, file: str) -> bool:
        # The standard library's own frames come in between, `isinstance` in Python's abc
        # among them; packages that are installed inside its folder are the user's.
        library = file.startswith(STANDARD_LIBRARY) and "-packages" not in file
        return not (library or file.startswith(self._hidden) or file.startswith("<frozen"))

    def _read(self, frame: FrameType) -> None:
        code = frame.f_code
        known = self._is_user.get(id(code))
        if known is None:
            known = self._is_user[id(code)] = (code, self._is_users(code.co_filename))
        if not known[1]:
            return
        names = self.names
        lookup = self._lookup
        for name, candidate in frame.f_locals.items():
            number = lookup(candidate)
            if number is not None and number not in names and name[0] not in "_.":
                names[number] = name


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
