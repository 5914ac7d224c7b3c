"""How an option is declared: under which heading of the help, what it takes, and what it does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import typer


def completing(names: Iterable[str]) -> Callable[[str], list[str]]:
    """Return what completes one of some names in the shell."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in names if name.startswith(incomplete)]

    return complete


class Declare:
    """Declares the options under one heading of the help.

    Parameters
    ----------
    heading
        None for the options that only one command has.
    """

    def __init__(self, heading: str | None = None) -> None:
        self.heading = heading

    def __call__(
        self, metavar: str | None, words: str, *flags: str, choices: Sequence[str] = ()
    ) -> Any:
        """Declare an option that takes a value.

        Parameters
        ----------
        metavar
            What stands for the value in the help.
        words
            What the help says of it.
        flags
            How it is typed, where that does not follow from the parameter's name.
        choices
            What a shell completes.
        """
        completion = completing(choices) if choices else None
        return typer.Option(
            *flags,
            metavar=metavar,
            help=words,
            rich_help_panel=self.heading,
            autocompletion=completion,
        )

    def choice(self, choices: Sequence[str], words: str, *flags: str) -> Any:
        """Declare an option that takes one of a few words."""
        return self("|".join(choices), words, *flags, choices=choices)

    def switch(self, words: str, *flags: str) -> Any:
        """Declare an option that is given or not."""
        return self(None, words, *flags)


own_option = Declare()
run_option, model_option = Declare("Run"), Declare("Model")
file_option, output_option = Declare("Files"), Declare("Output")
