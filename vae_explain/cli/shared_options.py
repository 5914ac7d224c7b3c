"""What gives a command the options that all share, as its own parameters."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Container, Mapping
from copy import copy
from dataclasses import fields
from types import MappingProxyType
from typing import Annotated, Any, get_args, get_type_hints

import typer

from . import standard_input
from .errors import ExitCode, Problem
from .options import Options
from .parsing import flag
from .streams import message_stream, printing_apart
from .waiting import section_bar

# Of a command that runs no model.
OF_OUTPUT = "format", "json", "output_file", "color", "no_pager"
OF_ALL = {field.name for field in fields(Options)}
REFUSALS = {
    "eps": "draws its own noise; leave it out, or use forward",
    "arithmetic": "works in PyTorch's own float32; leave it out",
    "run": "needs the model itself, which a recording does not have; say which model to run",
}


def without(command: str, *names: str) -> dict[str, str]:
    """Return shared options that a command refuses, and why."""
    return {name: f"{command} {REFUSALS[name]}" for name in names}


def with_options(
    command: Callable[..., ExitCode],
    refused: Mapping[str, str] = MappingProxyType({}),
    only: Container[str] = OF_ALL,
) -> Callable[..., ExitCode]:
    """Give a command the shared options; it receives them as one `options`.

    Typer reads a signature, so the command gets one: its own parameters, then ours. One of
    its own that is called as a shared one stands in its place.

    Parameters
    ----------
    refused
        Shared options that the command has no use for, and what to do instead. They are not
        in its help.
    only
        Those that it gets.
    """
    own = [
        parameter
        for parameter in inspect.signature(command, eval_str=True).parameters.values()
        if parameter.name != "options"
    ]

    replaced = {parameter.name for parameter in own}
    ours = [
        _hidden(parameter) if parameter.name in refused else parameter
        for parameter in _shared_parameters()
        if parameter.name not in replaced and parameter.name in only
    ]

    @functools.wraps(command)
    def wrapped(context: typer.Context, **values: Any) -> ExitCode:
        shared = {parameter.name: values.pop(parameter.name) for parameter in ours}
        typed = frozenset(name for name in shared if _is_typed(context, name))
        for name, instead in refused.items():
            if name in typed:
                raise Problem(flag(name), shared[name], instead)
        both = [name for name in ("x_file", "weights") if str(shared.get(name)) == "-"]
        if len(both) > 1:
            raise Problem("--weights", "-", "--x-file reads standard input already; name a file")
        with (
            printing_apart(),
            standard_input.weights_as_file(shared.get("weights")) as shared["weights"],
            section_bar(message_stream()),
        ):
            return command(**values, options=Options(**shared, given=typed))

    named = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
    signature = inspect.Signature([CONTEXT, *named, *ours])
    wrapped.__signature__ = signature  # type: ignore[attr-defined]  # functions may have one
    wrapped.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
    return wrapped


CONTEXT = inspect.Parameter(
    "context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context
)


def _is_typed(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _hidden(parameter: inspect.Parameter) -> inspect.Parameter:
    """Return a parameter that the help leaves out."""
    kind, option = get_args(parameter.annotation)
    hidden = copy(option)
    hidden.hidden = True
    return parameter.replace(annotation=Annotated[kind, hidden])


@functools.cache
def _shared_parameters() -> tuple[inspect.Parameter, ...]:
    hints = get_type_hints(Options, include_extras=True)
    return tuple(
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=hints[field.name],
        )
        for field in fields(Options)
        if field.name != "given"
    )
