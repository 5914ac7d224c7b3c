"""Loading a user's own model, loss or objective from a file or a module.

Loading a file runs it: that is said in the help. What it does to `sys.argv` it does to a copy.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import torch
from torch import nn

from ..errors import UserError


class CannotLoad(UserError):
    """A model, loss or file that cannot be used; the message says why and how to mend it."""

    option = "--model"


class CannotRun(UserError):
    """A user's model or loss that raised while it ran; the message says what and where."""

    def __init__(self, error: Exception) -> None:
        text = " ".join(str(error).split())
        frames = traceback.extract_tb(error.__traceback__)
        torch_files = str(Path(torch.__file__).parent)
        ours = str(Path(__file__).parent.parent)
        theirs = [f for f in frames if not f.filename.startswith((torch_files, ours))]
        where = f" ({theirs[-1].filename}:{theirs[-1].lineno})" if theirs else ""
        super().__init__(f"{type(error).__name__}: {text}{where}")

    @property
    def command_line_words(self) -> str:
        return f"the model raised {self}"


def load_for(option: str, reference: str) -> Any:
    """Return what an option's value names, as `load_object` does."""
    try:
        return load_object(reference)
    except CannotLoad as error:
        raise CannotLoad(str(error), option) from None


def load_object(reference: str) -> Any:
    """Return what `FILE.py:NAME` or `package.module:NAME` names.

    Raises
    ------
    CannotLoad
        If the file or the name is missing, or running the file fails.
    """
    place, colon, name = reference.rpartition(":")
    if not colon and Path(reference).suffix == ".py" and Path(reference).is_file():
        # Which of them is meant is for the user to say, even where there is one.
        raise CannotLoad(
            f"write {reference}:NAME; it has {_own_names(_load_file(Path(reference)))}"
        )
    if not colon or not place or not name:
        raise CannotLoad("write FILE.py:NAME or package.module:NAME")
    module = _load_file(Path(place)) if place.endswith(".py") else _load_module(place)
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            raise CannotLoad(f"{place} has no {name}; it has {_own_names(module)}")
        found = getattr(found, part)
    return found


def _own_names(module: ModuleType) -> str:
    """List what a file defines itself, its modules first; of a package, what it offers."""
    public = [(name, found) for name, found in vars(module).items() if not name.startswith("_")]
    defined = [
        (name, found)
        for name, found in public
        if getattr(found, "__module__", "") == module.__name__
    ]
    if not defined or hasattr(module, "__path__"):
        defined = public
    defined.sort(
        key=lambda pair: not (isinstance(pair[1], type) and issubclass(pair[1], nn.Module))
    )
    return ", ".join(name for name, _ in defined[:12]) or "nothing"


def _load_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise CannotLoad(f"there is no file {path}")
    if levels := _levels_of_relative_imports(path):
        return _load_within_its_package(path, levels)
    name = f"vae_explain_user_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise CannotLoad(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses in the file look their module up here
    with _on_its_own(path.parent):
        try:
            spec.loader.exec_module(module)
        except SystemExit:
            raise CannotLoad(
                f"{path} ends the program when it is imported, as a script that reads its "
                "command line does; put that part under if __name__ == '__main__'"
            ) from None
        except Exception as error:
            raise CannotLoad(_failed(f"importing {path}", error)) from None
    return module


def _levels_of_relative_imports(path: Path) -> int:
    """Count the dots of the farthest relative import in a file, as two in `from ..base import x`.

    What the file cannot be read for is said when it is imported.
    """
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return 0
    return max(
        (node.level for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)), default=0
    )


def _load_within_its_package(path: Path, levels: int) -> ModuleType:
    """Import a file by its name in the package that its relative imports are relative to.

    Alone it could not be: it has no package then. Its package is the folders around it as far
    up as they say that they are one, and at least as far as it imports from.
    """
    folders = path.resolve().parents
    depth = min(levels, len(folders) - 1)
    while depth < len(folders) - 1 and (folders[depth] / "__init__.py").is_file():
        depth += 1
    parts = [folder.name for folder in reversed(folders[:depth])]
    outermost = folders[depth - 1]
    taken = sys.modules.get(parts[0])
    if taken is not None and str(outermost) not in getattr(taken, "__path__", ()):
        raise CannotLoad(
            f"{path} imports from its package, the folder {outermost}, and another "
            f"{parts[0]} is loaded already; give the folder another name"
        )
    if path.name != "__init__.py":
        parts.append(path.stem)
    return _load_module(".".join(parts), folders[depth])


def _load_module(name: str, folder: Path | None = None) -> ModuleType:
    with _on_its_own(folder or Path.cwd()):
        try:
            return importlib.import_module(name)
        except SystemExit:
            raise CannotLoad(f"{name} ends the program when it is imported") from None
        except Exception as error:
            raise CannotLoad(_failed(f"importing {name}", error)) from None


@contextlib.contextmanager
def _on_its_own(folder: Path) -> Iterator[None]:
    """Let a file import its neighbours, and keep our command line from it."""
    arguments = sys.argv
    sys.argv = [arguments[0]] if arguments else [""]
    sys.path.insert(0, str(folder.resolve()))
    try:
        yield
    finally:
        sys.argv = arguments
        with contextlib.suppress(ValueError):  # the file may have taken it out itself
            sys.path.remove(str(folder.resolve()))


def _failed(doing: str, error: BaseException) -> str:
    text = " ".join(str(error).split())
    network = isinstance(error, OSError) and not isinstance(error, FileNotFoundError)
    hint = "; files that download at import cannot be used here" if network else ""
    return f"{doing} failed: {type(error).__name__}: {text}{hint}"


def build(found: Any, arguments: Mapping[str, Any]) -> nn.Module:
    """Return the model that a class or factory makes, or a module as it is.

    Raises
    ------
    CannotLoad
        If it does not make a module, or wants arguments that were not given; for
        compiled, scripted and quantised modules, whose operations cannot be seen.
    """
    if isinstance(found, nn.Module):
        model: Any = found
    elif callable(found):
        model = _called(found, arguments)
    else:
        raise CannotLoad(f"it is {_a_kind_of(found)}, not a model class or factory")
    if not isinstance(model, nn.Module):
        raise CannotLoad(f"it made {_a_kind_of(model)}, not a torch.nn.Module")
    refuse_opaque(model)
    return model


def _a_kind_of(found: object) -> str:
    name = type(found).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def _called(found: Any, arguments: Mapping[str, Any]) -> Any:
    try:
        inspect.signature(found).bind(**arguments)
    except TypeError as error:
        raise CannotLoad(f"{error}; give arguments by --model-arg name=value") from None
    except ValueError:
        pass  # a callable without a readable signature: calling it will tell
    try:
        return found(**arguments)
    except Exception as error:
        raise CannotLoad(_failed("making the model", error)) from None


def refuse_opaque(model: nn.Module) -> None:
    """Raise `CannotLoad` for a module whose operations PyTorch hides."""
    for path, part in model.named_modules():
        where = f" (at {path})" if path else ""
        if isinstance(part, torch.jit.ScriptModule):
            raise CannotLoad(f"a scripted module{where} hides its operations; give the plain one")
        compiled = getattr(part, "_compiled_call_impl", None) is not None  # by its `compile()`
        if compiled or type(part).__name__ == "OptimizedModule":
            raise CannotLoad(f"a compiled module{where} hides its operations; give the plain one")
        if not type(part).__module__.startswith("torch."):
            for method in vars(type(part)).values():
                _refuse_hidden(method)
        lazy = torch.nn.parameter.is_lazy
        if any(lazy(tensor) for tensor in (*part._parameters.values(), *part._buffers.values())):
            raise CannotLoad(f"a lazy module{where} has no sizes yet; call the model once before")
        if type(part).__module__.startswith(("torch.ao.nn.quantized", "torch.nn.quantized")):
            raise CannotLoad(f"a quantised module{where} has no gradients; give the plain one")


def refuse_opaque_function(function: Callable[..., Any], option: str) -> None:
    """Raise `CannotLoad` for a loss or an objective whose operations PyTorch hides.

    Parameters
    ----------
    option
        That gives it.
    """
    while isinstance(function, functools.partial):
        function = function.func
    try:
        if isinstance(function, nn.Module):
            refuse_opaque(function)
        else:
            _refuse_hidden(function)
    except CannotLoad as error:
        raise CannotLoad(str(error), option) from None


def _refuse_hidden(function: Any) -> None:
    """Refuse a function that is compiled or scripted, or whose code names one that is."""
    _refuse_by_kind(function)
    plain = inspect.unwrap(getattr(function, "__func__", function))
    if isinstance(plain, FunctionType):
        for name in plain.__code__.co_names:
            _refuse_by_kind(plain.__globals__.get(name), name)


def _refuse_by_kind(function: Any, name: str = "") -> None:
    kind = "scripted" if isinstance(function, torch.jit.ScriptFunction) else ""
    if hasattr(function, "_torchdynamo_orig_callable"):
        kind = "compiled"
    if kind:
        told = f"the {kind} function {name}" if name else f"a {kind} function"
        raise CannotLoad(f"{told} hides its operations; give the plain one")
