"""What a model returned: its parts, and what the model's own code calls them."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Any

from torch import Tensor, nn

MANY_ALIKE = 3  # parts in a row, which are counted
MOST_PARTS = 8  # that are said of one object


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
    found = getattr(returned, "__dict__", {})
    return {name: part for name, part in found.items() if isinstance(part, Tensor)}


def flat(returned: Any) -> list[Any]:
    """Return the parts of a tuple or list, those within its parts one by one."""
    if isinstance(returned, tuple | list):
        return [part for entry in returned for part in flat(entry)]
    return [returned]


def described(returned: Any) -> str:
    """Say what an object is made of: `(Tensor[1, 4], Tensor[1, 2])`.

    A recurrent model returns a tensor for each step: `(12 × Tensor[1, 2])`. Of many parts that
    differ only the first are said.
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


# --- names, from the source of `forward` ---

# What a model's `forward` calls what it returns: a name, "" where there is none, or those of the
# parts of a tuple.
Names = str | tuple["Names", ...]


def names_returned(model: nn.Module) -> tuple[str, ...]:
    """Return what a model's `forward` calls the parts of the tuple that it returns, one by one.

    Empty when it returns something else, returns in several places under different names, or
    has no source to read.
    """
    names = tree_returned(model)
    return () if names is None else tuple(_leaves(names))


def _leaves(names: Names) -> Iterator[str]:
    if isinstance(names, str):
        yield names
    else:
        for part in names:
            yield from _leaves(part)


def tree_returned(model: nn.Module) -> Names | None:
    """Return what a model's `forward` calls what it returns, parts within parts as it has them.

    None when it returns in several places under different names, or has no source to read.
    """
    return _tree_returned(type(model).forward)


@lru_cache(maxsize=32)  # a loss that is evaluated many times asks each time
def _tree_returned(forward: Callable[..., Any]) -> Names | None:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(forward)))
    except (OSError, TypeError, SyntaxError):
        return None

    def names(node: ast.expr) -> Names:
        if isinstance(node, ast.Tuple | ast.List):
            return tuple(map(names, node.elts))
        return node.id if isinstance(node, ast.Name) else ""

    function = tree.body[0]
    inner = {
        id(node)
        for nested in ast.walk(function)
        if isinstance(nested, ast.FunctionDef | ast.Lambda) and nested is not function
        for node in ast.walk(nested)
    }
    found = {
        names(node.value)
        for node in ast.walk(function)
        if isinstance(node, ast.Return) and node.value is not None and id(node) not in inner
    }
    return found.pop() if len(found) == 1 else None
