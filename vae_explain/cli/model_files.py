"""What can be said of `FILE.py:NAME` without running the file: whether it is there and has NAME.

So what is wrong with a file comes before anything else is asked for.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from .errors import Problem


def require_defined(option: str, reference: str) -> None:
    """Check that a file is there, is Python, and has a name."""
    place, colon, name = reference.rpartition(":")
    place = place if colon else reference
    if Path(place).suffix != ".py":
        return  # a package's module or a notebook, which only loading it tells
    path = Path(place).expanduser()
    if not path.is_file():
        words = "is a folder" if path.is_dir() else "there is no such file"
        raise Problem(option, reference, f"{place}: {words}; write FILE.py:NAME")
    try:
        tree = ast.parse(path.read_bytes(), place)
    except SyntaxError as error:
        words = f"line {error.lineno} of {place} is not Python: {error.msg}"
        raise Problem(option, reference, words) from None
    except (ValueError, OSError) as error:
        raise Problem(option, reference, f"{place} cannot be read: {error}") from None
    if not name or not colon:
        raise Problem(
            option, reference, f"say which class or function of it is meant{_such_as(place, tree)}"
        )
    bound = set(_bound(tree))
    if "*" not in bound and name.split(".")[0] not in bound:
        raise Problem(option, reference, f"{place} has no {name}{_such_as(place, tree)}")


def _such_as(place: str, tree: ast.Module) -> str:
    """Return what may be written: the models of a file, or else all that it defines."""
    kinds = (ast.ClassDef, ast.FunctionDef)
    defined = [node for node in tree.body if isinstance(node, kinds)]
    models = [
        node.name
        for node in defined
        if isinstance(node, ast.ClassDef)
        and any("Module" in ast.unparse(base) for base in node.bases)
    ]
    names = models or [node.name for node in defined]
    return f"; write {', or '.join(f'{place}:{name}' for name in names[:4])}" if names else ""


def _bound(tree: ast.Module) -> Iterator[str]:
    """Yield every name that the file may give to something, anywhere, and `*` for any."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.ClassDef(name=name):
                yield name
            case ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.alias(name=name, asname=other):
                yield other or name.split(".")[0]
            case ast.Call(func=ast.Name(id="globals" | "setattr" | "exec" | "locals")):
                yield "*"
            case ast.FunctionDef(name="__getattr__"):
                yield "*"
