"""Importing the files that a user's model and loss stand in, each of them once.

Loading a file runs it, as the help says. What it does to `sys.argv` it does to a copy.
While it is loaded, and while what it holds runs, it can import its neighbours, what is in the
working folder, and what is under its package's root. A file is one module, by whatever name and
however often it is asked for, so that its classes are equal and its state is shared.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import importlib.util
import linecache
import os
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import SOURCE_SUFFIXES, ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from torch import nn

from ...quick_classes import NamedTuple
from .definitions import definitions_of
from .user_code import CannotLoad, failed

FILES = (".py", ".ipynb")


class _Loaded(NamedTuple):
    """A file that is loaded.

    Attributes
    ----------
    written
        When the file was written, how long it was, and whether its definitions alone are loaded:
        another file is loaded anew.
    folder
        The working folder that the file has chosen; None where it has left that alone.
    """

    module: ModuleType
    written: tuple[int, int, bool]
    folder: str | None = None


_LOADED: dict[Path, _Loaded] = {}


class _OneModuleAFile(MetaPathFinder):
    """Finds a file that is loaded already as the module that it is, under any further name."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not _LOADED:
            return None
        spec = PathFinder.find_spec(name, path)
        origin = spec.origin if spec is not None and spec.has_location else None
        loaded = _LOADED.get(Path(origin).resolve()) if origin else None
        if loaded is None:
            return None
        return ModuleSpec(name, _AsItIs(loaded.module), origin=origin)


class _AsItIs(Loader):
    """Gives a module that exists already, instead of making one."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def exec_module(self, module: ModuleType) -> None:
        sys.modules[module.__name__] = self._module


class _FromSource(SourceFileLoader):
    """Compiles a file anew, and writes nothing beside it.

    Python tells the code that it keeps from a newer file by its second and its size alone: a
    model that was changed at once would run as it was before.
    """

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


class _DefinitionsAlone(Loader):
    """Runs the definitions of a script or a notebook, and nothing else of it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def exec_module(self, module: ModuleType) -> None:
        tree, text = definitions_of(self._path)
        name = str(self._path)
        # What reads the source of a function finds the cells of a notebook as one text.
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
        exec(compile(tree, name, "exec"), vars(module))


@contextlib.contextmanager
def importable(references: Sequence[object], root: Path | None = None) -> Iterator[None]:
    """Let the code of some references import what is about it for as long as it runs.

    What the code does to `sys.argv` and the working folder is put back.
    """
    arguments, before, finder = sys.argv, os.getcwd(), _OneModuleAFile()
    sys.argv = arguments[:1] or [""]
    files = [str(each).rpartition(":")[0] for each in references if isinstance(each, str)]
    added = [str(folder) for file in files for folder in _around(file, root)]
    sys.path += added  # behind all else: what others import now is not to be found here
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for folder in added:
            with contextlib.suppress(ValueError):  # the code may have taken it out itself
                sys.path.remove(folder)
        sys.argv = arguments
        os.chdir(before)


@contextlib.contextmanager
def where_they_went(references: Sequence[object]) -> Iterator[None]:
    """Run something in the working folder that the code of some references has chosen, if any."""
    before = os.getcwd()
    files = {str(each).rpartition(":")[0] for each in references if isinstance(each, str)}
    for path in {Path(file).resolve() for file in files} & _LOADED.keys():
        os.chdir(_LOADED[path].folder or before)
    try:
        yield
    finally:
        os.chdir(before)


def _around(place: str, root: Path | None) -> list[Path]:
    """Return the folders that a file, or a module, imports from."""
    folders = [Path.cwd()] if root is None else [root.resolve(), Path.cwd()]
    if Path(place).suffix in FILES:
        file = Path(place).resolve()
        folders = [file.parent, *folders, _package_root(file)]
    return folders


def _package_root(file: Path) -> Path:
    """Return the folder above the packages that a file is in."""
    folder = file.parent
    while (folder / "__init__.py").is_file() and folder != folder.parent:
        folder = folder.parent
    return folder


def load_for(option: str, reference: str, definitions_only: bool = False) -> Any:
    """Return what an option's value names, as `load_object` does."""
    try:
        return load_object(reference, definitions_only)
    except CannotLoad as error:
        raise CannotLoad(str(error), option) from None


def load_object(reference: str, definitions_only: bool = False) -> Any:
    """Return what `FILE.py:NAME`, `FILE.ipynb:NAME` or `package.module:NAME` names.

    Parameters
    ----------
    definitions_only
        Whether what a file does at its top level is left out; of a notebook it always is.

    Raises
    ------
    CannotLoad
        If the file or the name is missing, or running the file fails.
    """
    place, colon, name = reference.rpartition(":")
    if not colon and Path(reference).suffix in FILES and Path(reference).is_file():
        # Which of them is meant is for the user to say, even where there is one.
        names = _own_names(_load_file(Path(reference), definitions_only))
        raise CannotLoad(f"write {reference}:NAME; it has {names}")
    if not colon or not place or not name:
        raise CannotLoad("write FILE.py:NAME or package.module:NAME")
    is_file = Path(place).suffix in FILES
    module = _load_file(Path(place), definitions_only) if is_file else _load_module(place)
    loaded: Any = module
    for part in name.split("."):
        if not hasattr(loaded, part):
            raise CannotLoad(f"{place} has no {name}; it has {_own_names(module)}")
        loaded = getattr(loaded, part)
    return loaded


def _own_names(module: ModuleType) -> str:
    """List what a file defines itself, its modules first; of a package, what it offers."""
    public = [(name, value) for name, value in vars(module).items() if not name.startswith("_")]
    defined = [
        (name, value)
        for name, value in public
        if getattr(value, "__module__", "") == module.__name__
    ]
    if not defined or hasattr(module, "__path__"):
        defined = public
    defined.sort(
        key=lambda pair: not (isinstance(pair[1], type) and issubclass(pair[1], nn.Module))
    )
    return ", ".join(name for name, _ in defined[:12]) or "nothing"


def _load_file(path: Path, definitions_only: bool = False) -> ModuleType:
    if not path.is_file():
        raise CannotLoad(f"there is no file {path}")
    file, stat = path.resolve(), path.stat()
    alone = definitions_only or path.suffix == ".ipynb"
    written = stat.st_mtime_ns, stat.st_size, alone
    known = _LOADED.get(file)
    if known is not None and known.written == written:
        return known.module
    module = _imported(file) if known is None and not alone else None
    if module is None and not alone and (levels := _levels_of_relative_imports(path)):
        module = _load_within_its_package(path, levels)
    if module is not None:
        _LOADED[file] = _Loaded(module, written)
        return module
    name = f"vae_explain_user_{len(_LOADED)}_{path.stem}"
    loader: Loader | None = _DefinitionsAlone(path) if alone else None
    if loader is None and path.suffix in SOURCE_SUFFIXES:
        loader = _FromSource(name, str(path))
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    if spec is None or spec.loader is None:
        raise CannotLoad(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    # Before it runs: dataclasses in it look their module up, and what it imports may import it.
    sys.modules[name] = module
    _LOADED[file] = _Loaded(module, written)
    before = os.getcwd()
    try:
        with _at_home(path.parent, f"importing {path}", path):
            spec.loader.exec_module(module)
        if os.getcwd() != before:
            _LOADED[file] = _Loaded(module, written, os.getcwd())
    except BaseException:
        del sys.modules[name], _LOADED[file]
        raise
    finally:
        os.chdir(before)
    return module


def _imported(file: Path) -> ModuleType | None:
    """Return the module of a file that another file of the user's has imported."""
    for name, module in list(sys.modules.items()):
        place = getattr(module, "__file__", None) or ""
        alike = os.path.basename(place) == file.name
        if alike and name != "__main__" and Path(place).resolve() == file:
            return module
    return None


def _levels_of_relative_imports(path: Path) -> int:
    """Count the dots of the farthest relative import in a file, as two in `from ..base import x`.

    If the file cannot be read, importing it says why.
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
    with _at_home(folder or Path.cwd(), f"importing {' '.join(name.split())}"):
        return importlib.import_module(name)


@contextlib.contextmanager
def _at_home(folder: Path, doing: str, path: Path | None = None) -> Iterator[None]:
    """Let code import its neighbours first, and say in one line what it raises."""
    sys.path.insert(0, str(folder.resolve()))
    try:
        yield
    except SystemExit:
        mend = ""
        if path is not None:
            mend = (
                ", as a script that reads its command line does; put that part under "
                "if __name__ == '__main__', or leave it out with --definitions-only"
            )
        what = doing.removeprefix("importing ")
        raise CannotLoad(f"{what} ends the program when it is imported{mend}") from None
    except (CannotLoad, KeyboardInterrupt):
        raise
    except BaseException as error:
        mend = ""
        # What the file needs is also missing for its definitions; what it does is not needed.
        if path is not None and not isinstance(error, ImportError | SyntaxError):
            mend = "; --definitions-only leaves out what the file does when it is imported"
        raise CannotLoad(failed(doing, error) + _where_it_is(error, path) + mend) from None
    finally:
        with contextlib.suppress(ValueError):  # the file may have taken it out itself
            sys.path.remove(str(folder.resolve()))


def _where_it_is(error: BaseException, path: Path | None) -> str:
    """Say from which folder a module that was not found can be imported."""
    if path is None or not isinstance(error, ModuleNotFoundError) or not error.name:
        return ""
    wanted = error.name.partition(".")[0]
    for folder in path.resolve().parents:
        if (folder / wanted).is_dir() or (folder / f"{wanted}.py").is_file():
            name = ".".join(path.resolve().relative_to(folder).with_suffix("").parts)
            return f"; {wanted} is in {folder}: add --root {folder}, or name {name}:NAME from there"
    return ""
