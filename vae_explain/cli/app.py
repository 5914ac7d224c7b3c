"""The Typer application and its commands.

A command is loaded when it is the one that is asked for: reading the options of all of
them takes as long as a whole run of the built-in VAE.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from .. import __version__
from . import help_texts
from .output import wants_colors, width
from .streams import page_stream
from .typed import ForgivingCommand, Unconverted

SUMMARY = "Explain every number of a Variational Autoencoder, forward and backward."
# What they are for, and in each group a line for each command: a file of this folder, with a
# function of the same name.
GROUPS = {
    "See": {
        "forward": "Show the whole forward pass, from x to the loss.",
        "backward": "Show the backward pass: every gradient by the chain rule.",
        "params": "Show the architecture, and all weights and biases.",
        "sample": "Show how values and gradients vary over many draws of the noise.",
        "compare": "Show two runs side by side: only what differs, and why.",
    },
    "Ask": {
        "why": "Show where one number comes from, down to inputs, parameters and noise.",
        "ask": "Ask about one run at a prompt, question after question; names are completed.",
        "record": "Run the model once and save the run to a file, for --run.",
        "cache": "Show how many runs are cached for later commands, or clear the cache.",
    },
    "Check": {
        "check": "Compare every gradient with autograd, complex steps and central differences.",
        "audit": "Find what is wrong with a VAE's loss, and show the evidence in numbers.",
        "verify": "Check the numbers of a document, or the 327 figures of the reference.",
    },
    "Learn": {
        "play": "Open the run in the browser: change any number, and the rest is recomputed.",
        "update": "Take one step of gradient descent and show what it does.",
        "train": "Train on x with PyTorch; show the losses, and any single step in detail.",
        "exercise": "Write worksheets from a run, with blanks to fill in and an answer key.",
        "mark": "Mark filled-in worksheets with their key, and name common mistakes.",
        "samples": "Write the sample files that the help and the docs use.",
    },
    "Publish": {
        "document": "Write the whole walkthrough as a document.",
        "diagram": "Draw the layers of the model, with the numbers of this run as shades.",
    },
}
COMMANDS = {name: words for group in GROUPS.values() for name, words in group.items()}

# In the environment when a shell completes a line, which may be any command's.
COMPLETING = "_VAE_EXPLAIN_COMPLETE"


class Command(ForgivingCommand):
    """A command whose help has its examples, and in which nothing is cut."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        command = help_texts.described(self, ctx)
        formatter.write(help_texts.page(command, width(to_file=False), _look()))


class Group(Unconverted, TyperGroup):
    """All commands, by what they are for."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        sections = help_texts.described(self, ctx).sections
        shown = help_texts.overview(SUMMARY, GROUPS, sections, width(to_file=False), _look())
        formatter.write(shown)


def _look() -> help_texts.HelpStyle:
    return help_texts.COLOURED if wants_colors(page_stream()) else help_texts.PLAIN


def application(arguments: Sequence[str]) -> typer.Typer:
    """Return the application with the command that the arguments begin with.

    Where they begin with none it has all of them: for the help, and for a name that is misspelt,
    by name alone.
    """
    app = typer.Typer(
        name="vae-explain",
        help=SUMMARY,
        cls=Group,
        no_args_is_help=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(main)
    asked = [name for name in COMMANDS if name in arguments[:1]]
    may_be_called = not COMMANDS.keys().isdisjoint(arguments) or COMPLETING in os.environ
    for name in asked or COMMANDS:
        command = function_of(name) if may_be_called else _none
        app.command(name, help=COMMANDS[name], cls=Command)(command)
    return app


def function_of(name: str) -> Any:
    """Load a command."""
    return getattr(import_module(f".commands.{name}", __package__), name)


def manual() -> help_texts.Manual:
    """Describe all commands, for a manual page and the docs."""
    root: Any = typer.main.get_command(application([*COMMANDS]))
    context = root.make_context("vae-explain", [], resilient_parsing=True)
    groups: dict[str, list[help_texts.Described]] = {}
    for group, commands in GROUPS.items():
        groups[group] = []
        for name in commands:
            single: Any = typer.main.get_command(application([name]))
            command = single.commands[name]
            within = command.make_context(name, [], parent=context, resilient_parsing=True)
            groups[group].append(help_texts.described(command, within))
    return help_texts.Manual(__version__, SUMMARY, groups)


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
    """Explain every number of a Variational Autoencoder, forward and backward."""
    if context.invoked_subcommand is None:
        page_stream().write(help_texts.first_steps(SUMMARY, width(to_file=False)))
