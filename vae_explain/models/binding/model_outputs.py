"""What a model returned: its parts, each with its name and the code that says which it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import UserError
from ...quick_classes import NamedTuple
from .code_reading import NOTHING, Named, input_name, names_returned
from .part_names import Family, family

MANY_ALIKE = 3  # parts in a row, which are counted
MOST_PARTS = 8  # of one object that its description names
DEEPEST = 50  # of parts within parts
RESERVED = ("x", "model")  # what a part may be called, but means something else in a call


class OutputPart(NamedTuple):
    """A part of what a model returned.

    Attributes
    ----------
    name
        The key or attribute that the output has it under, or the variable of the model's code;
        "" for none.
    place
        The code that says which part it is: `mu`, `stats[0]`, `model(x)[1]`.
    code
        What takes it out of the whole: `[1][0]`, `['mu']`, `.mu`.
    path
        Its index in the whole, then in that part, and so on; the whole has none.
    keyed
        Whether the output itself has the name.
    family
        The names that mean the same, as it or what it is within is called; None where that says
        nothing.
    """

    value: Any
    name: str
    place: str
    code: str
    path: tuple[int, ...]
    keyed: bool
    family: Family | None

    def shares_with(self, other: OutputPart) -> bool:
        """Whether one of the two is the other, or a part of it."""
        depth = min(len(self.path), len(other.path))
        return self.path[:depth] == other.path[:depth]


class Outputs:
    """All that a model returned, with the input that it was given.

    Attributes
    ----------
    parts
        The whole, then its parts, each followed by those within it.
    input_name
        What the model's `forward` calls its input; "" where that is not known.
    """

    def __init__(
        self,
        returned: Any,
        x: Tensor,
        model: nn.Module | None = None,
        called: str = "model(x)",
    ) -> None:
        self.whole, self.x, self.model = returned, x, model
        self.parts: list[OutputPart] = []
        named, self.input_name = NOTHING, ""
        if model is not None:
            named, self.input_name = names_returned(model), input_name(model)
        self._add(
            OutputPart(returned, named.name, called, "", (), False, _meant(named)), named.parts
        )

    def _add(self, part: OutputPart, parts: Sequence[Named]) -> None:
        """Add a part and those within it, whose names the model's code has."""
        value, path = part.value, part.path
        if len(path) > DEEPEST:
            raise UserError(
                f"the model returns parts within parts more than {DEEPEST} deep, as a list that "
                "contains itself; return them beside each other",
                "--model",
            )
        if part.name not in ("", *RESERVED) and (not part.keyed or len(path) == 1):
            part = part._replace(place=part.name)
        self.parts.append(part)
        # An object within, as a distribution, is one thing.
        is_one = not (isinstance(value, Mapping | tuple) or dataclasses.is_dataclass(value))
        keyed = {} if path and is_one else named_parts(value)
        inside = [(key if key.isidentifier() else "", part_of(value, key)) for key in keyed]
        named_inside = [(Named(name), code) for name, code in inside]
        values = list(keyed.values())
        if not keyed and isinstance(value, tuple | list):
            values = list(value)
            names = parts if len(parts) == len(values) else [NOTHING] * len(values)
            named_inside = [(name, f"[{i}]") for i, name in enumerate(names)]
        for i, (each, (named, code)) in enumerate(zip(values, named_inside, strict=True)):
            place, code_of_each = part.place + code, part.code + code
            meant = _meant(named) or (part.family if path else None)
            self._add(
                OutputPart(each, named.name, place, code_of_each, (*path, i), bool(keyed), meant),
                named.parts,
            )

    @property
    def leaves(self) -> list[OutputPart]:
        """The parts that have none within."""
        around = {part.path[:-1] for part in self.parts if part.path}
        return [part for part in self.parts if part.path not in around]

    @property
    def top(self) -> list[OutputPart]:
        """The parts of the whole; the whole where it has none."""
        return [part for part in self.parts if len(part.path) == 1] or self.parts

    def is_input(self, value: Any) -> bool:
        """Whether something returned is x, or all of x in another shape."""
        if value is self.x:
            return True
        is_plain = isinstance(value, Tensor) and value.layout is self.x.layout is torch.strided
        if not is_plain or value.dtype is not self.x.dtype or value.numel() != self.x.numel():
            return False
        try:
            return value.numel() > 0 and bool(value.data_ptr() == self.x.data_ptr())
        except RuntimeError:  # one of many that vmap computes at once has no storage, as x has
            return False

    def place_of(self, value: Any) -> str | None:
        """Return the code of an object; None for one that neither model nor x gave."""
        if value is self.x:
            return "x"
        return next((part.place for part in self.parts if part.value is value), None)


def _meant(named: Named) -> Family | None:
    return family(named.name or named.maker)


def named_parts(returned: Any) -> dict[str, Any]:
    """Return the parts of a dict, dataclass, named tuple or output object by name."""
    if isinstance(returned, Mapping):
        return {str(name): part for name, part in returned.items()}
    if dataclasses.is_dataclass(returned) and not isinstance(returned, type):
        return {f.name: getattr(returned, f.name) for f in dataclasses.fields(returned)}
    if isinstance(returned, tuple) and hasattr(returned, "_fields"):
        return dict(zip(returned._fields, returned, strict=True))
    if returned is None or isinstance(returned, Tensor | tuple | list | int | float | str):
        return {}
    attributes = getattr(returned, "__dict__", {})
    return {name: part for name, part in attributes.items() if isinstance(part, Tensor)}


def part_of(whole: Any, name: str) -> str:
    """Return the code that takes a named part of a dict, or of an object."""
    return f"[{name!r}]" if isinstance(whole, Mapping) else f".{name}"


def described(returned: Any) -> str:
    """Say what an object is made of: `(Tensor[1, 4], Tensor[1, 2])`.

    A recurrent model returns a tensor for each step: `(12 × Tensor[1, 2])`. Of many parts that
    differ only the first are described.
    """
    if isinstance(returned, Tensor):
        return f"Tensor{list(returned.shape)}"
    parts = named_parts(returned)
    if parts:
        inside = [f"{name}: {described(part)}" for name, part in parts.items()]
        return f"{{{_first(inside)}}}"
    if isinstance(returned, tuple | list):
        said: list[str] = []
        for words, run in groupby(map(described, returned)):
            alike = list(run)
            said += alike if len(alike) < MANY_ALIKE else [f"{len(alike)} × {words}"]
        return f"({_first(said)})"
    return type(returned).__name__


def _first(parts: Sequence[str]) -> str:
    left = len(parts) - MOST_PARTS
    if left <= 1:  # which takes no more room than to count it
        return ", ".join(parts)
    return f"{', '.join(parts[:MOST_PARTS])} and {left} more"
