"""The tensors of a run by number: of what kind each is, and what it was called before the run."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ..trace import Kind
from .tensor_store import Tape
from .views import whole_of


class Register:
    """Gives tensors their numbers; the tape takes down what they are."""

    def __init__(self) -> None:
        self.tape = Tape()
        self.kinds: list[Kind] = []
        self.fixed_names: dict[int, str] = {}
        # By the id of the tensor, which the tape keeps, so that no id is given out twice.
        self._known: dict[int, int] = {}

    def known(self, tensor: Tensor) -> int | None:
        """Return the number of a tensor; None if it has none."""
        return self._known.get(id(tensor))

    def whole_of(self, tensor: Tensor) -> int | None:
        """Return the number of what a tensor is a view of; None for what is no view."""
        whole = whole_of(tensor)
        return None if whole is None or not self.is_unchanged(whole) else self.known(whole)

    def is_unchanged(self, tensor: Tensor) -> bool:
        """Whether a tensor has a number and still is what it was when it got it."""
        number = self._known.get(id(tensor))
        return number is not None and self.tape.is_current(number)

    def introduce_all(self, path: str, tensors: Mapping[str, Tensor | None], kind: Kind) -> None:
        """Register what a module starts from, by its names in the module."""
        prefix = f"{path}." if path else ""
        for name, tensor in tensors.items():
            if tensor is not None:
                self.introduce(prefix + name, tensor, kind)

    def introduce(self, name: str, tensor: Tensor, kind: Kind) -> None:
        """Register what the run starts from; one that is given twice keeps its first name."""
        if id(tensor) not in self._known:
            self.fixed_names[self.register(tensor, kind)] = name

    def renumber(self, tensor: Tensor, number: int) -> None:
        """Let a tensor be a value that has a number already."""
        self._known[id(tensor)] = number

    def register(self, tensor: Tensor, kind: Kind) -> int:
        """Give a tensor a number, a new one if it had one."""
        key = id(tensor)
        kinds = self.kinds
        number = self._known[key] = len(kinds)
        kinds.append(kind)
        # Running statistics and what comes from outside may be written to unseen.
        self.tape.add(tensor, copy=kind in ("buffer", "constant"))
        return number
