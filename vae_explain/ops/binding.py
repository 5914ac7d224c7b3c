"""How a rule takes the arguments of a call: what is an operand, and what a setting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..errors import UserError
from ..quick_classes import dataclass


class NotExplained(UserError):
    """The rule does not cover this call; the message says which part of it."""

    @property
    def command_line_words(self) -> str:
        return f"an operation has no rule: {self}; forward and backward show what they can"


Bound = tuple[tuple[Any, ...], dict[str, Any]]


# What may stand in `binder` for a default: that of a setting that has none, and the marks of an
# operand that comes after settings, and of one that may be left out.
REQUIRED, OPERAND, OPTIONAL = object(), object(), object()


@dataclass(frozen=True)
class Ignored:
    """Stands in `binder` for a setting that is taken and left out, with its default."""

    default: Any = None


@dataclass(frozen=True)
class Refused:
    """Stands in `binder` for a setting that no rule covers unless it has its default.

    `reason` is what `NotExplained` then says, with the value for `{}`; by default the name.
    """

    default: Any = None
    reason: str = ""


@dataclass(frozen=True)
class Read:
    """Stands in `binder` for a setting that a function turns into what the rule speaks of.

    The function may raise `NotExplained`.
    """

    function: Callable[[Any], Any]
    default: Any = REQUIRED


@dataclass(frozen=True)
class Binder:
    """A `bind`, and what the attributes are that a formula need not mention: the defaults."""

    bind: Callable[..., Bound]
    usual: Mapping[str, Any]

    def __call__(self, *args: Any, **kwargs: Any) -> Bound:
        return self.bind(*args, **kwargs)

    def then(self, changed: Callable[[dict[str, Any]], dict[str, Any]]) -> Binder:
        """Return one whose attributes are those that a function makes of these."""

        def bind(*args: Any, **kwargs: Any) -> Bound:
            operands, attributes = self(*args, **kwargs)
            return operands, changed(attributes)

        return Binder(bind, self.usual)


# Other names of the same arguments, in NumPy's style and those of `torch.linalg`.
SYNONYMS = {"axis": "dim", "A": "input", "B": "other", "L": "input2", "value": "src"}


def binder(
    *operands: str, order: tuple[str, ...] = (), tensors: bool = False, **settings: Any
) -> Binder:
    """Return a `bind` for operands of these names and, behind them, settings with defaults.

    It takes `inplace` as well, which changes nothing of what is computed. For arguments that are
    none of these it raises a `TypeError`, as a function with this signature does.

    Parameters
    ----------
    order
        The operands that come first in the rule, where it has another order than the call.
    tensors
        Whether an attribute of this name says which of the optional operands are there.
    """
    marks: dict[str, Any] = {**dict.fromkeys(operands, OPERAND), **settings, "inplace": Ignored()}
    own = {name: getattr(mark, "default", mark) for name, mark in marks.items()}
    needed = (REQUIRED, OPERAND)
    defaults = {name: default for name, default in own.items() if default not in needed}
    optional = [name for name, mark in marks.items() if mark is OPTIONAL]
    defaults.update(dict.fromkeys(optional))
    refused = {name: mark for name, mark in marks.items() if isinstance(mark, Refused)}
    reads = {name: mark.function for name, mark in marks.items() if isinstance(mark, Read)}
    names = [name for name, mark in marks.items() if mark is OPERAND or mark is OPTIONAL]
    names.sort(key=lambda name: order.index(name) if name in order else len(order))
    left_out = {*names, *refused, *(n for n, mark in marks.items() if isinstance(mark, Ignored))}
    kept = [name for name in marks if name not in left_out]

    def bind(*args: Any, **kwargs: Any) -> Bound:
        if len(args) > len(marks):
            raise TypeError("too many positional arguments")
        named = {
            SYNONYMS[name] if name not in marks and SYNONYMS.get(name) in marks else name: value
            for name, value in kwargs.items()
        }
        values = {**defaults, **dict(zip(marks, args, strict=False)), **named}
        if values.keys() != marks.keys():
            unknown = [name for name in values if name not in marks]
            missing = [name for name in marks if name not in values]
            what = "got an unexpected keyword" if unknown else "missing a required"
            raise TypeError(f"{what} argument {(unknown or missing)[0]!r}")
        unusual = [name for name, mark in refused.items() if values[name] != mark.default]
        if unusual:
            reasons = (refused[name].reason.format(values[name]) or name for name in unusual)
            raise NotExplained(" and ".join(dict.fromkeys(reasons)))
        there = [name for name in names if values[name] is not None or name not in optional]
        attributes = {name: values[name] for name in kept}
        for name, function in reads.items():
            attributes[name] = function(attributes[name])
        if tensors:
            attributes["tensors"] = tuple(name for name in there if name in optional)
        return tuple(values[name] for name in there), attributes

    return Binder(bind, {name: defaults[name] for name in kept if name in defaults})


def usual_of(bind: Callable[..., Bound]) -> Mapping[str, Any]:
    """Return the attributes that a call may leave out, as far as its `bind` says them."""
    return bind.usual if isinstance(bind, Binder) else {}


def whole_numbers(name: str, positional: tuple[Any, ...], by_name: Any = None) -> tuple[int, ...]:
    """Read `f(2, 3)`, `f((2, 3))` and `f(size=(2, 3))`, where `name` is "size"."""
    values = positional or (by_name,)
    numbers = tuple(values[0]) if isinstance(values[0], list | tuple) else values
    if not all(isinstance(number, int) for number in numbers):
        raise NotExplained(f"{name} {numbers!r}")
    return numbers
