"""What the source of a user's model or loss says: the names of what it returns, and their use."""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from torch import nn

from ...quick_classes import NamedTuple
from .part_names import is_loss_function


class Named(NamedTuple):
    """What `forward` calls one thing that it returns.

    Attributes
    ----------
    name
        The variable; "" for what is made in the statement itself.
    maker
        What is called to make it there, as `decode` in `return self.decode(z), mu`.
    parts
        Those of a tuple or list that is written out.
    """

    name: str = ""
    maker: str = ""
    parts: tuple[Named, ...] = ()


NOTHING = Named()
BY_PLACE = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def names_returned(model: nn.Module) -> Named:
    """Return what a model's `forward` calls what it returns, parts within parts as it has them.

    `NOTHING` when it returns in several places under different names, or has no source to read.
    """
    return _names_returned(type(model).forward)


def names_returned_by(function: Callable[..., Any]) -> Named:
    """Return what a function calls what it returns, as `names_returned` does of a model."""
    return _names_returned(plain_function(function))


@lru_cache(maxsize=32)  # likewise
def _names_returned(forward: Callable[..., Any]) -> Named:
    function = tree_of(forward)
    if function is None:
        return NOTHING
    inner = {
        id(node)
        for nested in ast.walk(function)
        if isinstance(nested, ast.FunctionDef | ast.Lambda) and nested is not function
        for node in ast.walk(nested)
    }
    names = {
        _named(node.value)
        for node in ast.walk(function)
        if isinstance(node, ast.Return) and node.value is not None and id(node) not in inner
    }
    return names.pop() if len(names) == 1 else NOTHING


def input_name(model: nn.Module) -> str:
    """Return what a model's `forward` calls its first argument; "" where it has none."""
    return _input_name(type(model).forward)


@lru_cache(maxsize=32)  # likewise
def _input_name(forward: Callable[..., Any]) -> str:
    try:
        parameters = list(inspect.signature(forward).parameters.values())[1:]
    except (TypeError, ValueError):
        return ""
    return parameters[0].name if parameters and parameters[0].kind in BY_PLACE else ""


def _named(node: ast.expr) -> Named:
    if isinstance(node, ast.Tuple | ast.List):
        return Named(parts=tuple(map(_named, node.elts)))
    if isinstance(node, ast.Name):
        return Named(node.id)
    return Named(maker=_called(node) if isinstance(node, ast.Call) else "")


def _called(node: ast.Call) -> str:
    """Return the last name of what is called: `mse_loss` of `F.mse_loss(a, b)`."""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def name_of(function: Callable[..., Any]) -> str:
    """Return what a function is called; an object that can be called has its class's name."""
    while isinstance(function, functools.partial):
        function = function.func
    owner = getattr(function, "__self__", None)
    name = getattr(function, "__qualname__", "")
    if not name:
        return type(function).__name__
    if owner is not None and inspect.ismethod(function) and not isinstance(owner, type):
        return f"{type(owner).__name__}.{function.__name__}"
    return str(name).rpartition("<locals>.")[2].strip("<>")


def returns_a_value(function: Callable[..., Any]) -> bool:
    """Whether the code of a function has a line that returns something."""
    nodes = _nodes(plain_function(function))
    return any(isinstance(node, ast.Return) and node.value is not None for node in nodes)


def compared(function: Callable[..., Any], names: set[str]) -> tuple[str, str] | None:
    """Return which of a loss's parameters it holds against which, prediction first.

    Read off its calls of PyTorch's losses, as `F.binary_cross_entropy(output, target)`. None
    where it makes no such call with two of the names, or makes them both ways round.
    """
    pairs = set()
    for node in _nodes(plain_function(function)):
        if isinstance(node, ast.Call) and is_loss_function(_called(node)):
            by_name = {word.arg: word.value for word in node.keywords}
            first, second = (
                node.args[at] if at < len(node.args) else by_name.get(word)
                for at, word in enumerate(("input", "target"))
            )
            for prediction in _names_in(first) & names:
                for held_against in _names_in(second) & names - {prediction}:
                    pairs.add((prediction, held_against))
    return pairs.pop() if len(pairs) == 1 else None


def calls_of_with(function: Callable[..., Any], name: str, first: str) -> frozenset[str]:
    """Return which methods of one parameter a function calls with another as what comes first.

    Of `model.encode(x)` that is `encode`, of `model(x.flatten(1))` it is "".
    """
    called = set()
    for node in _nodes(plain_function(function)):
        if isinstance(node, ast.Call) and node.args and not isinstance(node.args[0], ast.Starred):
            is_method = isinstance(node.func, ast.Attribute)
            owner = node.func.value if isinstance(node.func, ast.Attribute) else node.func
            if is_name(owner, name) and first in _names_in(node.args[0]):
                called.add(_called(node) if is_method else "")
    return frozenset(called)


def _names_in(node: ast.expr | None) -> set[str]:
    inside = () if node is None else ast.walk(node)
    return {each.id for each in inside if isinstance(each, ast.Name)}


def is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _nodes(function: Callable[..., Any]) -> Iterator[ast.AST]:
    tree = tree_of(function)
    return iter(()) if tree is None else ast.walk(tree)


def plain_function(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function that a method, a module, an object or a decorator's runs."""
    while isinstance(function, functools.partial):
        function = function.func
    if isinstance(function, nn.Module):
        function = function.forward
    elif not inspect.isroutine(function):
        function = type(function).__call__
    plain: Callable[..., Any] = inspect.unwrap(getattr(function, "__func__", function))
    return plain


@lru_cache(maxsize=128)  # a loss that is evaluated many times asks each time
def tree_of(function: Callable[..., Any]) -> ast.stmt | None:
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, TypeError, SyntaxError):
        return None
