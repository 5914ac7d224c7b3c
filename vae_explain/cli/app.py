"""The Typer application and its commands.

A command is loaded when it is the one that is asked for: reading the options of all of
them takes as long as a whole run of the built-in VAE.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer

from .. import __version__
from .typed import ForgivingCommand

# Each is a file of this folder, with a function of the same name; in the order of the help,
# which says this of it.
COMMANDS = {
    "forward": "Show the whole forward pass, from x to the loss.",
    "backward": "Show the backward pass: every gradient by the chain rule.",
    "why": "Show where one number comes from, down to inputs, parameters and noise.",
    "update": "Take one step of gradient descent and show what it does.",
    "train": "Train on x with PyTorch, and show the losses and any one step.",
    "sample": "Show what the numbers and gradients do over many draws of the noise.",
    "compare": "Show two runs side by side: only what differs, and what made it differ.",
    "check": "Hold every gradient against autograd, complex steps and central differences.",
    "audit": "Find what is wrong with a VAE's loss, with numbers as evidence.",
    "document": "Write the whole walkthrough as a document.",
    "play": "Open it in the browser, where any number can be changed and every number follows.",
    "diagram": "Draw the layers of the model as an SVG, with the numbers of this run as shades.",
    "exercise": "Write worksheets of a run, with blanks to work out and a key.",
    "mark": "Mark filled worksheets by their key, and name each usual mistake.",
    "params": "Show the architecture, and all weights and biases.",
    "record": "Run the model once and keep the run in a file, to ask by --run.",
    "ask": "Ask one run question after question, at a prompt that completes its names.",
    "cache": "Show which runs are remembered, so that the next page comes at once; or forget them.",
    "verify": "Proof-read a document's numbers, or recompute the reference's 327 figures.",
}


# In the environment when a shell completes a line, which may be any command's.
COMPLETING = "_VAE_EXPLAIN_COMPLETE"


def application(arguments: Sequence[str]) -> typer.Typer:
    """Return the application with the command that the arguments begin with.

    Where they begin with none it has all of them: for the help, and for a name that is misspelt,
    by name alone.
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
    may_be_called = not COMMANDS.keys().isdisjoint(arguments) or COMPLETING in os.environ
    for name in asked or COMMANDS:
        command = getattr(import_module(f".{name}", __package__), name) if may_be_called else _none
        app.command(name, help=COMMANDS[name], cls=ForgivingCommand)(command)
    return app


def _none() -> None:
    """Stand for a command that is listed and not called."""


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
