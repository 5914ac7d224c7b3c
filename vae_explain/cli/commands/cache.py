"""`vae-explain cache`: the cached runs of the built-in VAE."""

from __future__ import annotations

from textwrap import wrap
from typing import Annotated

import typer

from ...errors import reason_of
from .. import output
from ..declared import own_option
from ..errors import ExitCode, Problem


def cache(
    clear: Annotated[bool, own_option.switch("Delete all cached runs.", "--clear")] = False,
    path: Annotated[bool, own_option.switch("Print only the folder.", "--path")] = False,
) -> ExitCode:
    from ...models.recorded import run_cache

    where = run_cache.folder()
    if path:
        typer.echo(where)
        return ExitCode.OK
    stored_runs = run_cache.RunCache(where)
    try:
        if clear:
            stored_runs.clear()
        sizes = [entry.stat().st_size for entry in stored_runs.entries()]
    except OSError as error:
        raise Problem(
            "--clear" if clear else "cache", where, f"cannot be used: {reason_of(error)}"
        ) from None
    runs = "1 run is" if len(sizes) == 1 else f"{len(sizes)} runs are"
    off = "" if run_cache.is_on() else f"; {run_cache.SWITCH}=0 turns it off"
    words = f"{runs} cached in {where}, {sum(sizes) / 1e6:.1f} MB{off}."
    lines = wrap(words, output.width(False), break_long_words=False, break_on_hyphens=False)
    typer.echo("\n".join(lines))
    return ExitCode.OK
