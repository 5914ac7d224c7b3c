"""The Typer application and its commands."""

from __future__ import annotations

from typing import Annotated

import typer

from .. import __version__
from . import (
    audit,
    backward,
    check,
    diagram,
    document,
    forward,
    params,
    sample,
    train,
    update,
    verify,
    why,
)

app = typer.Typer(
    name="vae-explain",
    help="Show every number of a Variational Autoencoder being made, forward and backward.",
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"vae-explain {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Show every number of a Variational Autoencoder being made, forward and backward."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


app.command("forward")(forward.forward)
app.command("backward")(backward.backward)
app.command("why")(why.why)
app.command("update")(update.update)
app.command("train")(train.train)
app.command("sample")(sample.sample)
app.command("check")(check.check)
app.command("audit")(audit.audit)
app.command("document")(document.document)
app.command("diagram")(diagram.diagram)
app.command("params")(params.params)
app.command("verify")(verify.verify)
