"""The Typer application and its commands.

A command is loaded when it is the one that is asked for: reading the options of all of
them takes as long as a whole run of the built-in VAE.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer

from .. import __version__

# Each is a file of this folder, with a function of the same name; in the order of the help.
COMMANDS = (
    "forward",
    "backward",
    "why",
    "update",
    "train",
    "sample",
    "check",
    "audit",
    "document",
    "diagram",
    "params",
    "record",
    "cache",
    "verify",
)


def application(arguments: Sequence[str]) -> typer.Typer:
    """Return the application with the command that the arguments begin with.

    Where they begin with none, as for the help, for a name that is misspelt and for a
    shell that completes a line, it has all of them.
    """
    app = typer.Typer(
        name="vae-explain",
        help="Show every number of a Variational Autoencoder being made, forward and backward.",
        no_args_is_help=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(main)
    asked = [name for name in COMMANDS if name in arguments[:1]]
    for name in asked or COMMANDS:
        app.command(name)(getattr(import_module(f".{name}", __package__), name))
    return app


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"vae-explain {__version__}")
        raise typer.Exit


def main(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Show every number of a Variational Autoencoder being made, forward and backward."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
