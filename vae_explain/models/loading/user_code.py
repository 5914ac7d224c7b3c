"""Building a user's own model, and refusing what cannot be looked into."""

from __future__ import annotations

import functools
import inspect
import os
import sysconfig
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FunctionType
from typing import Any

import torch
from torch import nn

from ...errors import UserError
from ...version import PACKAGE_FOLDER

LONGEST = 500  # letters of what a user's code raised that a message has
PYTORCH = str(Path(torch.__file__).parent) + os.sep
INSTALLED = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "purelib", "platlib"))


class CannotLoad(UserError):
    """A model, loss or file that cannot be used; the message says why and how to mend it."""

    option = "--model"


class CannotRun(UserError):
    """A user's model or loss that raised while it ran; the message says what and where.

    Attributes
    ----------
    what
        What it raised, without the place in a file of this machine.
    whose
        Whose code raised, in words: `the model`, `the loss` or `the objective`.
    """

    def __init__(self, error: BaseException) -> None:
        frames = traceback.extract_tb(error.__traceback__)
        theirs = [f for f in frames if not f.filename.startswith((PYTORCH, PACKAGE_FOLDER))]
        where = f" ({theirs[-1].filename}:{theirs[-1].lineno})" if theirs else ""
        self.what, self.whose = said(error), _raised_by(frames)
        super().__init__(f"{self.what}{where}")

    @property
    def command_line_words(self) -> str:
        return f"{self.whose} raised {self}"


def is_users(error: BaseException) -> bool:
    """Whether code of the user's raised an error, or what it called did, with none of ours between.

    A method of a model may be called at any time, by a command or by PyTorch: `state_dict`.
    """
    last = ""
    for frame in traceback.extract_tb(error.__traceback__):
        ours = frame.filename.startswith(PACKAGE_FOLDER)
        if ours or not frame.filename.startswith((*INSTALLED, "<frozen")):
            last = "" if ours else frame.filename
    return bool(last)


def _raised_by(frames: Sequence[traceback.FrameSummary]) -> str:
    """Say which code of the user's raised: the loss that we called, the objective, or the model."""
    called = [f.name for f in frames if Path(f.filename).name == "loss_binding.py"]
    if called[-1:] == ["_called"]:
        return "the loss"
    by_torch = any(f.name == "_call_impl" for f in frames)  # as any module is called
    return "the objective" if called[-1:] == ["_computed"] and not by_torch else "the model"


def said(error: BaseException) -> str:
    """Write what a user's code raised in one line, even if its message raises an error itself."""
    try:
        text = " ".join(str(error).split())
    except BaseException as again:  # `__str__` is the user's code, too
        text = f"(its message cannot be read: it raised {type(again).__name__})"
    if isinstance(error, SystemExit):
        # As by `sys.exit`; what the process ends with says nothing to who asked for a page.
        text = "it ends the program"
    text = text.partition(" Hint: ")[0]  # PyTorch's, of a mode that a page is not made in
    if len(text) > LONGEST:
        text = f"{text[: LONGEST - 3]}..."
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def failed(doing: str, error: BaseException) -> str:
    """Say what failed when a user's code ran, and why."""
    return f"{doing} failed: {said(error)}"


def build(given: Any, arguments: Mapping[str, Any]) -> nn.Module:
    """Return the model that a class or factory makes, or a module as it is.

    Raises
    ------
    CannotLoad
        If it does not make a module, or wants arguments that were not given; for
        compiled, scripted and quantised modules, whose operations cannot be seen.
    """
    if isinstance(given, nn.Module):
        model: Any = given
    elif callable(given):
        model = _called(given, arguments)
    else:
        raise CannotLoad(f"it is {_a_kind_of(given)}, not a model class or factory")
    if not isinstance(model, nn.Module):
        raise CannotLoad(f"it made {_a_kind_of(model)}, not a torch.nn.Module")
    refuse_opaque(model)
    return model


def _a_kind_of(thing: object) -> str:
    name = type(thing).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def _called(factory: Any, arguments: Mapping[str, Any]) -> Any:
    try:
        inspect.signature(factory).bind(**arguments)
    except TypeError as error:
        words = f"{error}; give arguments by --model-arg name=value or --config FILE.yaml"
        raise CannotLoad(f"{words}, or {_factory(factory)}") from None
    except ValueError:
        pass  # a callable without a readable signature: calling it will tell
    try:
        return factory(**arguments)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if "before Module.__init__()" in str(error):  # PyTorch's words
            raise CannotLoad(
                "an __init__ gives its module parts ahead of super().__init__(); call that first"
            ) from None
        words = failed("making the model", error)
        is_of_arguments = isinstance(error, AttributeError | KeyError | TypeError)
        more = f"; if it takes an object, {_factory(factory)}" if is_of_arguments else ""
        raise CannotLoad(words + more) from None


def _factory(thing: Any) -> str:
    """Say how to write what makes a model with arguments that no option can give."""
    name = getattr(thing, "__name__", "Model")
    return f"add to its file: def made(): return {name}(...), and give FILE.py:made"


def refuse_opaque(model: nn.Module) -> None:
    """Raise `CannotLoad` for a module whose operations PyTorch hides, or that is none yet."""
    _require_made(model, around=(model,))
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


def _require_made(model: nn.Module, path: str = "", around: tuple[nn.Module, ...] = ()) -> None:
    """Raise `CannotLoad` for a module without what PyTorch has in each, or within itself."""
    where = f" (at {path})" if path else ""
    if type(model).__hash__ is None:
        raise CannotLoad(
            f"{type(model).__name__} has __eq__ without __hash__{where}, so that PyTorch cannot "
            "list its parameters; add __hash__ = nn.Module.__hash__"
        )
    if "_parameters" not in vars(model):
        name = type(model).__name__
        raise CannotLoad(
            f"{name}.__init__ does not call super().__init__(){where}; let it do so first"
        )
    for name, parameter in model._parameters.items():
        if parameter is not None and parameter.is_complex():
            raise CannotLoad(
                f"the parameter {name}{where} is complex, and pages show only real numbers; "
                "keep its real and its imaginary part as two"
            )
    for name, part in model._modules.items():
        inside = f"{path}.{name}" if path else name
        if any(part is each for each in around):
            raise CannotLoad(
                f"a module contains itself (at {inside}), so that its parts have no end; keep it "
                "in a list instead"
            )
        if part is not None:
            _require_made(part, inside, (*around, part))


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
        described = f"the {kind} function {name}" if name else f"a {kind} function"
        raise CannotLoad(f"{described} hides its operations; give the plain one")
