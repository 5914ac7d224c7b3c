"""Single numbers of a run that are set by hand: an entry of a parameter, of x or of the noise.

Nothing in here loads PyTorch or NumPy, so that the command line can check a change first.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from ..errors import UserError, did_you_mean
from ..quick_classes import NamedTuple, dataclass
from ..symbolic.text import index_text, number_text
from .spelled_names import read_target, without_index

OPTION = "--set"


class Change(NamedTuple):
    """An entry that is given another number.

    Attributes
    ----------
    target
        Its name and index: as somebody typed them, or as `located` wrote them.
    """

    target: str
    value: float

    @property
    def text(self) -> str:
        """As the option takes it: `fc1.weight[0,1]=0.5`."""
        return f"{self.target}={number_text(self.value)}"


@dataclass(frozen=True)
class EntryPlace:
    """Where an entry is: the name of its tensor, and its whole index."""

    name: str
    index: tuple[int, ...]

    @property
    def target(self) -> str:
        return self.name + index_text(self.index)


def words(changes: Sequence[Change]) -> str:
    """Say for a label what was set; nothing where nothing was."""
    return "".join(f", {target} set to {number_text(value)}" for target, value in changes)


def located(
    change: Change, shapes: Mapping[str, tuple[int, ...]], computed: Collection[str] = ()
) -> EntryPlace:
    """Find the entry that a change means.

    Parameters
    ----------
    shapes
        What can be set, by name.
    computed
        The names of what cannot be: values that follow from others.

    Raises
    ------
    UserError
        If there is no such entry, or more than one.
    """
    target = change.target
    place = read_target(target, shapes)
    if place is not None and not place.gradient:
        index = _numbers(target, place.inside or "")
        return EntryPlace(place.name, _whole_index(target, place.name, index, shapes[place.name]))
    name = without_index(target)
    if name.removesuffix(".grad") in computed:
        gradient = "a gradient" if name.endswith(".grad") else name
        mend = f"{gradient} follows from the numbers that a run starts from; set one of those"
        raise UserError(f"{mend}: {_listed(shapes)}", OPTION, target)
    guess = did_you_mean(name, shapes)
    raise UserError(
        f"no parameter, input or noise has this name; {guess}valid: {_listed(shapes)}",
        OPTION,
        target,
    )


def require_once(places: Sequence[EntryPlace]) -> None:
    """Raise an error if an entry is set twice."""
    for at, place in enumerate(places):
        if place in places[:at]:
            raise UserError("it is set twice; leave one out", OPTION, place.target)


def full_index(
    index: tuple[int, ...], name: str, shape: tuple[int, ...], option: str, typed: str
) -> tuple[int, ...]:
    """Return an index counted from the front, with the row 0 of a batch of one filled in.

    Raises
    ------
    UserError
        If it has too many numbers or too few, or is outside.
    """
    known = f"{name} has shape {list(shape)}"
    if len(index) == len(shape) - 1 and shape[0] == 1 and len(shape) > 1:
        index = (0, *index)
    if len(index) != len(shape):
        numbers = "1 number" if len(shape) == 1 else f"{len(shape)} numbers"
        mend = f"its index needs {numbers}" if shape else "it is one number and has no index"
        raise UserError(f"{mend}; {known}", option, typed)
    for at, size in zip(index, shape, strict=True):
        if not -size <= at < size:
            raise UserError(f"index {at} is outside; {known}", option, typed)
    return tuple(at % size for at, size in zip(index, shape, strict=True))


def _numbers(target: str, inside: str) -> tuple[int, ...]:
    parts = [part.strip() for part in inside.split(",")] if inside.strip() else []
    if not all(re.fullmatch(r"[+-]?[0-9]+", part) for part in parts):
        raise UserError("an index is whole numbers separated by commas", OPTION, target)
    return tuple(map(int, parts))


def _whole_index(
    target: str, name: str, index: tuple[int, ...], shape: tuple[int, ...]
) -> tuple[int, ...]:
    if 0 in shape:
        raise UserError(f"it has no numbers: its shape is {list(shape)}", OPTION, target)
    if not index and shape:
        if all(size == 1 for size in shape):
            return (0,) * len(shape)
        first = index_text(0 for _ in shape)
        words = f"{name} has shape {list(shape)}; say which entry, such as {name}{first}"
        raise UserError(words, OPTION, target)
    return full_index(index, name, shape, OPTION, target)


def _listed(names: Collection[str]) -> str:
    return ", ".join(name if name.isprintable() else repr(name) for name in names)
