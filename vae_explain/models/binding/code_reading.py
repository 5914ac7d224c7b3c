"""What the source of a user's model or loss says: the names of what it returns, and their use."""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from torch import Tensor, nn

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


@lru_cache(maxsize=32)  # likewise
def _names_returned(forward: Callable[..., Any]) -> Named:
    function = _tree(forward)
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


def parts_taken(function: Callable[..., Any], name: str) -> frozenset[int | str]:
    """Return which parts a function takes of one of its parameters, by index, key or attribute.

    Of `recon, mu = out` that is 0 and 1, of `out["mu"]` and `out.mu` it is `mu`; what every
    tensor has is left out, as `out.mean`.
    """
    return _parts_taken(_plain(function), name)


@lru_cache(maxsize=128)  # a loss that is evaluated many times asks each time
def _parts_taken(function: Callable[..., Any], name: str) -> frozenset[int | str]:
    taken: set[int | str] = set()
    for node in _nodes(function):
        if isinstance(node, ast.Assign) and _is(node.value, name):
            for target in node.targets:
                if isinstance(target, ast.Tuple | ast.List):
                    taken |= set(range(len(target.elts)))
        elif isinstance(node, ast.Attribute) and _is(node.value, name):
            taken |= set() if hasattr(Tensor, node.attr) else {node.attr}
        elif isinstance(node, ast.Subscript) and _is(node.value, name):
            key = node.slice.value if isinstance(node.slice, ast.Constant) else None
            taken |= {key} if isinstance(key, int | str) else set()
        elif isinstance(node, ast.Call) and node.args and _called(node) == "get":
            owner, word = getattr(node.func, "value", None), node.args[0]
            if owner is not None and _is(owner, name) and isinstance(word, ast.Constant):
                taken |= {word.value} if isinstance(word.value, str) else set()
    return frozenset(taken)


def taken_apart(function: Callable[..., Any], name: str) -> str:
    """Return how a function takes a parameter apart by place in each use of it; "" for another use.

    `x, label = batch` and `batch[0]` take the rows of a tensor, where a batch of several things
    was meant.
    """
    return _taken_apart(_plain(function), name)


@lru_cache(maxsize=128)  # likewise
def _taken_apart(function: Callable[..., Any], name: str) -> str:
    apart: dict[int, str] = {}  # by the use of the name
    for node in _nodes(function):
        if isinstance(node, ast.Assign) and _is(node.value, name):
            if len(node.targets) == 1 and isinstance(node.targets[0], ast.Tuple | ast.List):
                left = node.targets[0].elts
                apart[id(node.value)] = f"{', '.join(map(ast.unparse, left))} = {name}"
        elif isinstance(node, ast.Subscript) and _is(node.value, name):
            key = node.slice.value if isinstance(node.slice, ast.Constant) else None
            apart |= {id(node.value): ast.unparse(node)} if isinstance(key, int) else {}
    is_whole = any(id(use) not in apart for use in _uses(function, name))
    return "" if is_whole else next(iter(apart.values()), "")


def returns_a_value(function: Callable[..., Any]) -> bool:
    """Whether the code of a function has a line that returns something."""
    nodes = _nodes(_plain(function))
    return any(isinstance(node, ast.Return) and node.value is not None for node in nodes)


def is_used(function: Callable[..., Any], name: str) -> bool:
    """Whether the code of a function uses one of its parameters, or cannot be read."""
    plain = _plain(function)
    return _tree(plain) is None or any(_uses(plain, name))


def names_of_rest(function: Callable[..., Any], name: str) -> tuple[str, ...]:
    """Return what a function calls each of its `*args`; none where it does not name them all.

    Read off `recon, x = args` and `recon = args[0]`.
    """
    names: dict[int, str] = {}
    for node in _nodes(_plain(function)):
        if not isinstance(node, ast.Assign):
            continue
        (target, *_), value = node.targets, node.value
        targets = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
        values = value.elts if isinstance(value, ast.Tuple | ast.List) else [value]
        if _is(value, name) and len(targets) > 1:
            values = [ast.Subscript(value, ast.Constant(i)) for i in range(len(targets))]
        for each, taken in zip(targets, values, strict=False):
            if isinstance(each, ast.Name) and isinstance(taken, ast.Subscript):
                place = taken.slice.value if isinstance(taken.slice, ast.Constant) else None
                if _is(taken.value, name) and isinstance(place, int):
                    names.setdefault(place, each.id)
    in_order = tuple(names[i] for i in sorted(names))
    is_whole = sorted(names) == list(range(len(names))) and len(set(in_order)) == len(names)
    return in_order if is_whole else ()


def compared(function: Callable[..., Any], names: set[str]) -> tuple[str, str] | None:
    """Return which of a loss's parameters it holds against which, prediction first.

    Read off its calls of PyTorch's losses, as `F.binary_cross_entropy(output, target)`. None
    where it makes no such call with two of the names, or makes them both ways round.
    """
    pairs = set()
    for node in _nodes(_plain(function)):
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
    for node in _nodes(_plain(function)):
        if isinstance(node, ast.Call) and node.args and not isinstance(node.args[0], ast.Starred):
            is_method = isinstance(node.func, ast.Attribute)
            owner = node.func.value if isinstance(node.func, ast.Attribute) else node.func
            if _is(owner, name) and first in _names_in(node.args[0]):
                called.add(_called(node) if is_method else "")
    return frozenset(called)


def _names_in(node: ast.expr | None) -> set[str]:
    inside = () if node is None else ast.walk(node)
    return {each.id for each in inside if isinstance(each, ast.Name)}


def _is(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _uses(function: Callable[..., Any], name: str) -> list[ast.Name]:
    """Return where a parameter is read, up to the line in which it is set to something else."""
    all_of_it = [n for n in _nodes(function) if isinstance(n, ast.Name) and n.id == name]
    set_in = min((n.lineno for n in all_of_it if isinstance(n.ctx, ast.Store)), default=None)
    read = [n for n in all_of_it if isinstance(n.ctx, ast.Load)]
    return [n for n in read if set_in is None or n.lineno <= set_in]


def _nodes(function: Callable[..., Any]) -> Iterator[ast.AST]:
    tree = _tree(function)
    return iter(()) if tree is None else ast.walk(tree)


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function that a method, a module, an object or a decorator's runs."""
    while isinstance(function, functools.partial):
        function = function.func
    if isinstance(function, nn.Module):
        function = function.forward
    elif not inspect.isroutine(function):
        function = type(function).__call__
    plain: Callable[..., Any] = inspect.unwrap(getattr(function, "__func__", function))
    return plain


@lru_cache(maxsize=32)  # a loss that is evaluated many times asks each time
def _tree(function: Callable[..., Any]) -> ast.stmt | None:
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, TypeError, SyntaxError):
        return None
