"""A document with what proof-reading found in it, as comments of its own format."""

from __future__ import annotations

from collections.abc import Iterator

from ...analysis.proofread.report import Proofreading

COMMENTS = {"markdown": "<!-- {} -->", "html": "<!-- {} -->", "latex": "% {}", "text": "[{}]"}
BLOCKS = {"$$": "$$", "```": "```", "~~~": "~~~", "\\[": "\\]", "<!--": "-->", "<pre": "</pre"}


def dump(report: Proofreading, text: str) -> str:
    """Return the document, with a comment behind each passage that something is wrong in.

    A comment stands where the document may have one: behind the paragraph, block of code or
    formula that its line is in.
    """
    comment = COMMENTS[report.document.format]
    lines = text.splitlines(keepends=True)
    places = dict(_places(lines))
    behind: dict[int, list[str]] = {}
    for finding in report.findings:
        words = f"verify, line {finding.line}: {finding.reason}".replace("--", "- -")
        at = places.get(finding.line, len(lines))
        behind.setdefault(at, []).append(comment.format(" ".join(words.split())))
    written: list[str] = []
    for number, line in enumerate(lines, 1):
        written.append(line if line.endswith("\n") or number not in behind else f"{line}\n")
        for words in behind.get(number, ()):
            written += ["\n", f"{words}\n"]
    return "".join(written)


def _places(lines: list[str]) -> Iterator[tuple[int, int]]:
    """Yield for each line the one behind which its passage ends."""
    waiting: list[int] = []
    closing = ""
    for number, line in enumerate(lines, 1):
        shown = line.strip()
        waiting.append(number)
        if closing:
            closing = "" if closing in shown else closing
            continue
        opening = next((o for o in BLOCKS if shown.startswith(o)), None)
        if opening is not None and BLOCKS[opening] not in shown[len(opening) :]:
            closing = BLOCKS[opening]
        elif not shown:
            yield from ((entry, number - 1) for entry in waiting)
            waiting = []
    yield from ((entry, len(lines)) for entry in waiting)
