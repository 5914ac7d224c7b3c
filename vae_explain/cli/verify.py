"""`vae-explain verify`: the reference walkthrough's figures against this machine."""

from __future__ import annotations

import typer

from . import options, output
from .options import FormatOption, Output
from .problems import ExitCode


def verify(format: FormatOption = "text", output_file: Output = None) -> None:
    """Recompute the reference walkthrough and hold it against its 327 figures."""
    style = options.style(format, output_file)

    from .. import verify as verification
    from ..walkthrough import verification as page

    report = verification.verify()
    code = ExitCode.OK if report.passed else ExitCode.CHECK_FAILED
    if style.format == "json":
        from ..render import json

        output.write(json.dump_verification(report), style)
    else:
        output.show_page(page.verification(report), style)
    raise typer.Exit(code)
