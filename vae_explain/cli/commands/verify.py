"""`vae-explain verify`: the reference figures, or any document with numbers, proof-read."""

from __future__ import annotations

import contextlib
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ... import __version__
from ...errors import reason_of
from .. import output, standard_input
from ..declared import own_option
from ..errors import ExitCode, Problem, unknown_name
from ..files import OutputFile
from ..options import Options
from ..shared_options import OF_OUTPUT, with_options
from ..style import Style

if TYPE_CHECKING:
    from ...analysis.proofread.matching.names import Name
    from ...analysis.proofread.report import Proofreading

LARGEST = 16 * 2**20  # bytes; a walkthrough of thousands of figures has a fiftieth of that
File = Annotated[
    Path | None,
    typer.Argument(
        metavar="[FILE]",
        help="A document to proofread: Markdown, HTML, LaTeX, plain text or a notebook. Without "
        "one, the figures of the reference walkthrough are recomputed.",
    ),
]
Labels = Annotated[
    list[str] | None,
    own_option(
        "LABEL=NAME",
        'What a label of the document means, such as "h=encoder_hidden"; may be repeated.',
        "--map",
    ),
]
Junit = Annotated[Path | None, own_option("FILE.xml", "Also write the verdicts as JUnit XML.")]


Sarif = Annotated[Path | None, own_option("FILE.sarif", "Also write the findings as SARIF 2.1.0.")]
Annotate = Annotated[
    Path | None, own_option("FILE", "Write a copy of the document with the findings as comments.")
]


@partial(with_options, only=OF_OUTPUT)
def verify(
    file: File = None,
    map: Labels = None,
    junit: Junit = None,
    sarif: Sarif = None,
    annotate: Annotate = None,
    *,
    options: Options,
) -> ExitCode:
    is_file = file is not None and not standard_input.is_meant(file)
    style = options.style(reads={"FILE": file if is_file else None})
    written = {"--junit": junit, "--sarif": sarif, "--annotate": annotate}
    if file is None:
        for option, value in (("--map", map), *written.items()):
            if value:
                raise Problem(option, value, "it is for a document; name its file too")
        return _reference(style)
    labels = [_parted(text) for text in map or ()]
    targets = {o: style.files.name(o, path) for o, path in written.items() if path is not None}
    return _proofread(file, _read(file), labels, targets, style)


def _reference(style: Style) -> ExitCode:
    from ...analysis import reference_figures as verification
    from ...pages.walkthrough import verification as page

    report = verification.verify()
    if style.format == "json":
        from ...pages.render.structured import reports

        return output.write(reports.dump_verification(report), style, report.passed)
    return output.show(page.verification(report), style, report.passed)


def _proofread(
    file: Path,
    text: str,
    labels: list[tuple[str, str]],
    targets: dict[str, OutputFile],
    style: Style,
) -> ExitCode:
    from ...analysis.proofread.reading.notebook import NotANotebook
    from ...analysis.proofread.report import report
    from ...pages.walkthrough import proofreading as page

    given = {label: _name(label, name) for label, name in labels}
    try:
        proofreading = report(text, file.name, given)
    except NotANotebook as error:
        raise Problem("FILE", file, f"this is not a Jupyter notebook: {error}") from None
    if not proofreading.judged:
        raise Problem("FILE", file, page.nothing_judged(proofreading))
    for option, target in targets.items():
        style.files.put(target, _rendered(option, proofreading, file, text))
    if style.format == "json":
        from ...pages.render.structured import reports

        return output.write(reports.dump_proof(proofreading), style, proofreading.passed)
    return output.show(page.proofreading(proofreading, file.name), style, proofreading.passed)


def _rendered(option: str, proofreading: Proofreading, file: Path, text: str) -> str:
    """Return what one of the options writes."""
    from ...pages.render import annotated
    from ...pages.render.structured import junit, sarif

    if option == "--junit":
        return junit.dump(proofreading, file.name)
    if option == "--sarif":
        return sarif.dump(proofreading, file.as_posix(), __version__)
    if proofreading.document.format == "notebook":
        raise Problem(option, file, "a notebook cannot hold comments; use --sarif or --format json")
    return annotated.dump(proofreading, text)


def _parted(text: str) -> tuple[str, str]:
    label, equals, name = text.rpartition("=")
    if not (equals and label.strip() and name.strip()):
        raise Problem("--map", text, 'write a label and a name, such as "h=encoder_hidden"')
    return label.strip(), name.strip()


def _name(label: str, text: str) -> Name:
    """Read the name behind a label; which architecture it must be of, the document says."""
    from ...analysis.proofread.matching.names import KNOWN, named

    name = named(text)
    if name is None:
        raise unknown_name("--map", f"{label}={text}", "quantity", KNOWN)
    return name


def _read(path: Path) -> str:
    """Read a document, strictly: a misread one would be judged for what it does not say."""
    place = path.expanduser()
    is_input = standard_input.is_meant(path)
    try:
        if not is_input and place.is_dir():
            raise Problem("FILE", path, "this is a folder; name a file in it")
        if not is_input and not place.exists():
            raise Problem("FILE", path, "there is no such file")
        with contextlib.nullcontext(sys.stdin.buffer) if is_input else place.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except OSError as error:
        raise Problem("FILE", path, f"it cannot be read: {reason_of(error)}") from None
    if len(data) > LARGEST:
        raise Problem("FILE", path, f"it is larger than {LARGEST // 2**20} MiB; split it")
    if not data.strip():
        raise Problem("FILE", path, "it is empty")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        mend = f"it is not UTF-8 (byte {error.start}); save it as UTF-8"
        raise Problem("FILE", path, mend) from None
