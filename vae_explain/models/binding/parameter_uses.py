"""What code does with one of its parameters, in a function and in those that it is passed on to."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from torch import Tensor

from ...quick_classes import NamedTuple
from .assignments import Around, in_a_list, place_of, targets_of
from .callees import SUPER, Callee, callee_of, owner_of
from .code_reading import BY_PLACE, is_name, name_of, plain_function, tree_of


class Passed(NamedTuple):
    """A call that is given a parameter: the names of what is called, and where it is given it.

    Attributes
    ----------
    at
        The place or the name of the argument; "**" where its keys are the names.
    beside
        The places and names of the other arguments.
    """

    names: tuple[str, ...]
    at: int | str
    starred: bool
    beside: frozenset[int | str | None] = frozenset()


class ParameterUse(NamedTuple):
    """One use of a parameter.

    Attributes
    ----------
    apart
        The code that takes it apart by place; "" where it is used in another way.
    parts
        Which parts are taken of it, by index, key or attribute.
    names
        What those taken by index are called then, where they are.
    passed
        The call that gets it, whose own code says how it is used.
    replaced
        Whether an earlier line gives the name something else, as a list of the same parts.
    """

    apart: str = ""
    parts: frozenset[int | str] = frozenset()
    names: tuple[tuple[int, str], ...] = ()
    passed: Passed | None = None
    replaced: bool = False


AS_A_WHOLE = ParameterUse()
WORDS = "**"


def parts_taken(function: Callable[..., Any], name: str) -> frozenset[int | str]:
    """Return which parts a function takes of one of its parameters, by index, key or attribute.

    Of `recon, mu = out` that is 0 and 1, of `out["mu"]` and `out.mu` it is `mu`; what every
    tensor has is left out, as `out.mean`.
    """
    return frozenset().union(*(use.parts for use in _followed(function, name)))


def taken_apart(function: Callable[..., Any], name: str) -> str:
    """Return how a function takes a parameter apart by place in each use of it; "" for another use.

    `x, label = batch` and `batch[0]` take the rows of a tensor, where a batch of several things
    was meant.
    """
    codes = [use.apart for use in _followed(function, name) if not use.replaced]
    return codes[0] if codes and all(codes) else ""


def is_used(function: Callable[..., Any], name: str) -> bool:
    """Whether the code of a function uses one of its parameters, or cannot be read."""
    plain = plain_function(function)
    return tree_of(plain) is None or not all(use.replaced for use in _uses(plain, name))


def names_of_rest(function: Callable[..., Any], name: str) -> tuple[str, ...]:
    """Return what a function calls each of its `*args`; none where it does not name them all.

    Read off `recon, x = args`, `recon = args[0]` and, of a decorator's, off what `inner(*args)`
    runs.
    """
    names: dict[int, str] = {}
    plain = plain_function(function)
    for use in _uses(plain, name):
        names = dict(use.names) | names
        if use.passed is not None and use.passed.starred and use.passed.at == 0:
            callee = callee_of(plain, owner_of(function), use.passed.names)
            wanted = [] if callee is None else callee.parameters
            places = [p.name for p in wanted if p.kind in BY_PLACE and p.default is p.empty]
            names = dict(enumerate(places)) | names
    in_order = tuple(names[i] for i in sorted(names))
    is_whole = sorted(names) == list(range(len(names))) and len(set(in_order)) == len(names)
    return in_order if is_whole else ()


# --- each use in the code of one function -------------------------------------------------


@lru_cache(maxsize=128)  # a loss that is evaluated many times asks each time
def _uses(function: Callable[..., Any], name: str) -> tuple[ParameterUse, ...]:
    """Return each use of a parameter, and of what its name is set to later."""
    tree = tree_of(function)
    if tree is None:
        return ()
    around = {id(part): node for node in ast.walk(tree) for part in ast.iter_child_nodes(node)}
    return tuple(_uses_in(tree, around, name))


def _uses_in(
    tree: ast.AST, around: Around, name: str, after: tuple[int, int] = (0, 0)
) -> Iterator[ParameterUse]:
    """Yield each use of a name after a statement; of `b = batch` those of its other name."""
    named = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == name]
    places = {node: place_of(node, around) for node in named}
    named = [node for node in named if places[node] > after]
    set_in = min((places[n] for n in named if isinstance(n.ctx, ast.Store)), default=None)
    for node in (node for node in named if isinstance(node.ctx, ast.Load)):
        replaced = set_in is not None and places[node] > set_in
        other = "" if replaced else _other_name(node, around)
        uses = list(_uses_in(tree, around, other, places[node])) if other else []
        if all(use.replaced for use in uses):  # as of `if plain: x = batch` before its `else`
            uses = [_use(node, around)._replace(replaced=replaced)]
        yield from uses


def _other_name(node: ast.Name, around: Around) -> str:
    """Return what `b = batch` and `b = list(batch)` call it as well; "" for other code."""
    targets = targets_of(in_a_list(node, around), around)
    return targets[0].id if len(targets) == 1 and isinstance(targets[0], ast.Name) else ""


def _use(node: ast.Name, around: Around) -> ParameterUse:
    value = in_a_list(node, around)
    outer = around.get(id(value))
    beyond = around.get(id(outer))
    targets = targets_of(value, around)
    if targets:
        return _unpacked(targets, node)
    if isinstance(outer, ast.Attribute):
        return _attribute(outer, beyond)
    if isinstance(outer, ast.Subscript) and outer.value is value:
        return _item(outer, around)
    if isinstance(outer, ast.Call) and is_name(outer.func, "next") and outer.args[0] is value:
        return _taken(outer, 0, around)
    if isinstance(outer, ast.Call) and value in outer.args:
        return _passed(outer, outer.args.index(value))
    if isinstance(outer, ast.keyword) and isinstance(beyond, ast.Call):
        return _passed(beyond, outer.arg or WORDS)
    if isinstance(outer, ast.Starred) and isinstance(beyond, ast.Call) and outer in beyond.args:
        return _passed(beyond, beyond.args.index(outer), starred=True)
    return AS_A_WHOLE


def _unpacked(targets: Sequence[ast.expr], node: ast.Name) -> ParameterUse:
    """Return what `recon, mu = out` takes."""
    tuples = [each for each in targets if isinstance(each, ast.Tuple | ast.List)]
    if not tuples:
        return AS_A_WHOLE
    left = max((each.elts for each in tuples), key=len)
    names = tuple((i, each.id) for i, each in enumerate(left) if isinstance(each, ast.Name))
    code = f"{', '.join(map(ast.unparse, left))} = {node.id}"
    return ParameterUse(code if len(targets) == 1 else "", frozenset(range(len(left))), names)


def _attribute(outer: ast.Attribute, call: ast.AST | None) -> ParameterUse:
    """Return what `out.mu`, `out.get("mu")` and `out.pop("mu")` take."""
    if (
        outer.attr in ("get", "pop")
        and isinstance(call, ast.Call)
        and call.func is outer
        and call.args
    ):
        word = call.args[0].value if isinstance(call.args[0], ast.Constant) else None
        return ParameterUse(parts=frozenset({word} if isinstance(word, str) else ()))
    return ParameterUse(parts=frozenset(() if hasattr(Tensor, outer.attr) else (outer.attr,)))


def _item(outer: ast.Subscript, around: Around) -> ParameterUse:
    """Return what `out[0]` and `out["mu"]` take."""
    key = outer.slice.value if isinstance(outer.slice, ast.Constant) else None
    if isinstance(key, str):
        return ParameterUse(parts=frozenset({key}))
    if not isinstance(key, int):
        return AS_A_WHOLE
    return _taken(outer, key, around)


def _taken(outer: ast.expr, at: int, around: Around) -> ParameterUse:
    """Return the use of one part by place, as in `out[0]` and `next(iter(out))`."""
    target = next(iter(targets_of(outer, around)), None)
    names = ((at, target.id),) if isinstance(target, ast.Name) else ()
    return ParameterUse(ast.unparse(outer), frozenset({at}), names)


def _passed(call: ast.Call, at: int | str, starred: bool = False) -> ParameterUse:
    """Return the use by a call; of `step(*batch)` the call takes it apart itself."""
    names = tuple(_names_of(call.func))
    before = call.args[:at] if isinstance(at, int) else call.args if at == WORDS else []
    if not names or any(map(_is_starred, before)):
        return AS_A_WHOLE
    beside = frozenset([*range(len(call.args)), *(word.arg for word in call.keywords)])
    passed = Passed(names, at, starred, beside)
    return ParameterUse(ast.unparse(call) if starred else "", passed=passed)


def _is_starred(node: ast.expr) -> bool:
    return isinstance(node, ast.Starred)


def _names_of(node: ast.expr) -> Iterator[str]:
    """Yield the names of `self.net.encode`, one after the other; none for other code."""
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Call) and is_name(node.func, "super") and not node.args:
        yield SUPER
    elif isinstance(node, ast.Attribute) and (before := tuple(_names_of(node.value))):
        yield from (*before, node.attr)


# --- the calls that get a parameter -------------------------------------------------------


def _followed(
    function: Callable[..., Any],
    name: str,
    owner: Any = None,
    where: str = "",
    seen: frozenset[tuple[Callable[..., Any], str]] = frozenset(),
) -> Iterator[ParameterUse]:
    """Yield each use of a parameter, those by the code of a call that gets it in its place."""
    plain = plain_function(function)
    owner = owner_of(function) if owner is None else owner
    for use in _uses(plain, name):
        if use.passed is None or use.replaced:
            yield use._replace(apart=use.apart and use.apart + where)
            continue
        callee = callee_of(plain, owner, use.passed.names)
        taker = None if callee is None else _taker(callee, use.passed)
        if callee is not None and use.passed.at == WORDS:
            yield ParameterUse(parts=_words(callee, use.passed))
        if callee is None or taker is None:
            yield AS_A_WHOLE
        elif use.passed.starred:
            yield _spread(callee, use, use.apart + where)
        elif (callee.function, taker) not in seen:
            within = seen | {(callee.function, taker)}
            there = f" in {name_of(callee.function)}"
            yield from _followed(callee.function, taker, callee.owner, there, within)


def _taker(callee: Callee, passed: Passed) -> str | None:
    """Return the parameter that a call gives an argument to; None where it is none of its own."""
    if passed.at == WORDS:
        return next((p.name for p in callee.parameters if p.kind is p.VAR_KEYWORD), None)
    if isinstance(passed.at, str):
        return next((p.name for p in callee.parameters if p.name == passed.at), None)
    placed = [p.name for p in callee.parameters if p.kind in BY_PLACE]
    return placed[passed.at] if passed.at < len(placed) else None


def _words(callee: Callee, passed: Passed) -> frozenset[int | str]:
    """Return which keys `inner(x, **words)` takes: those of parameters that get nothing else."""
    placed = [p.name for p in callee.parameters if p.kind in BY_PLACE]
    given = {name for at, name in enumerate(placed) if at in passed.beside} | passed.beside
    wanted = [p for p in callee.parameters if p.kind in (*BY_PLACE, p.KEYWORD_ONLY)]
    return frozenset(p.name for p in wanted if p.default is p.empty and p.name not in given)


def _spread(callee: Callee, use: ParameterUse, code: str) -> ParameterUse:
    """Return what `step(*batch)` takes: a part for each argument that has to be given."""
    wanted = [p for p in callee.parameters if p.kind in BY_PLACE and p.default is p.empty]
    before = use.passed.at if use.passed and isinstance(use.passed.at, int) else 0
    takes_any = any(p.kind is p.VAR_POSITIONAL for p in callee.parameters)
    parts = range(0 if takes_any else len(wanted) - before)
    return ParameterUse(code, frozenset(parts)) if len(parts) > 1 else AS_A_WHOLE
