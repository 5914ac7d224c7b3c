"""Named tuples that are quickly made: a command makes 125, of most of them no instance.

The standard library compiles a constructor for each. Here it is compiled for the first instance.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import NamedTuple as NamedTuple
else:
    try:
        from _collections import _tuplegetter  # in a quarter of the time of a property
    except ImportError:

        def _tuplegetter(position: int, doc: str) -> property:
            return property(itemgetter(position), doc=doc)

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
            values = ", ".join([f"{name}={value!r}" for name, value in self._asdict().items()])
            return f"{type(self).__name__}({values})"

        def __getnewargs__(self) -> tuple[Any, ...]:
            return tuple(self)
