"""Frozen dataclasses and named tuples that are made quickly: a command makes 60 and 125 of them.

The standard library compiles six methods for each dataclass, an eighth of a command's own time.
Here all but `__init__` are made of a getter that is there already. That instances stay as they are
is left to the type checker, so one is made in a third of the time, too. For each named tuple it
compiles a constructor; here that is done for the first instance, of which most have none.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
    from typing import NamedTuple as NamedTuple
else:
    try:
        from _collections import _tuplegetter  # in a quarter of the time of a property
    except ImportError:

        def _tuplegetter(position: int, doc: str) -> property:
            return property(itemgetter(position), doc=doc)

    def dataclass(*, frozen: bool, slots: bool = False, eq: bool = True) -> Any:
        """Return what makes a frozen dataclass of a class, as `dataclasses.dataclass` does."""
        assert frozen, "what is changed is one of the standard library's"

        def made(kind: type) -> type:
            kind = dataclasses.dataclass(kind, eq=False, repr=False, slots=slots)
            fields = dataclasses.fields(kind)
            methods = {"__repr__": _repr([each.name for each in fields if each.repr])}
            if eq:
                values = attrgetter(*[each.name for each in fields if each.compare])
                methods["__eq__"], methods["__hash__"] = _equality(values)
            for name, method in methods.items():
                if vars(kind).get(name) is None:  # it may have its own
                    setattr(kind, name, method)
            return kind

        return made

    class _Fields(type):
        """Gives a class a property for each annotated field, and instances no `__dict__`."""

        def __new__(mcs, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> type:
            fields = tuple(body.get("__annotations__", ()))
            defaults = {field: body[field] for field in fields if field in body}
            body.update(_fields=fields, _field_defaults=defaults, __match_args__=fields)
            body.update((field, _tuplegetter(i, field)) for i, field in enumerate(fields))
            return super().__new__(mcs, name, bases, {**body, "__slots__": ()})

    class NamedTuple(tuple, metaclass=_Fields):
        """What `typing.NamedTuple` is."""

        def __new__(cls, *values: Any, **named: Any) -> Any:
            """Return the first instance of a class, by the constructor that all others have."""
            fields = ", ".join(cls._fields)
            made = eval(f"lambda _cls, {fields}: _new(_cls, ({fields},))", {"_new": tuple.__new__})
            made.__defaults__ = tuple(cls._field_defaults.values())
            made.__name__, made.__qualname__ = "__new__", f"{cls.__qualname__}.__new__"
            cls.__new__ = staticmethod(made)
            return made(cls, *values, **named)

        @classmethod
        def _make(cls, values: Iterable[Any]) -> Any:
            return tuple.__new__(cls, values)

        def _replace(self, **changed: Any) -> Any:
            new = self._make(map(changed.pop, self._fields, self))
            if changed:
                raise ValueError(f"got unexpected field names: {list(changed)!r}")
            return new

        def _asdict(self) -> dict[str, Any]:
            return dict(zip(self._fields, self, strict=True))

        def __repr__(self) -> str:
            return _call(type(self).__name__, self._asdict())

        def __getnewargs__(self) -> tuple[Any, ...]:
            return tuple(self)


def _equality(values: attrgetter[Any]) -> tuple[Any, Any]:
    """Return the methods that compare instances by their values."""

    def __eq__(self: Any, other: object) -> Any:
        return values(self) == values(other) if type(other) is type(self) else NotImplemented

    def __hash__(self: Any) -> int:
        return hash(values(self))

    return __eq__, __hash__


def _repr(names: list[str]) -> Any:
    """Return the method that writes an instance as the call that makes it."""

    def __repr__(self: Any) -> str:
        return _call(type(self).__qualname__, {name: getattr(self, name) for name in names})

    return __repr__


def _call(kind: str, values: dict[str, Any]) -> str:
    """Write the call that makes an instance."""
    return f"{kind}({', '.join([f'{name}={value!r}' for name, value in values.items()])})"
