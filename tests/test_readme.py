"""The README and the guides, held against the program: transcripts by line, commands by running.

A transcript that begins with `$ vae-explain …` says itself which command it is of; one that
shows a part of a page has the command in a comment before it, which no renderer shows. It may
leave lines out, so each of its lines must be one of the page's, in the page's order.
"""

from __future__ import annotations

import io
import re
import shlex
import sys
import tempfile
import webbrowser
from pathlib import Path
from typing import NamedTuple

import pytest

from .comparing import alike, lines_of, numbers_of, rounding_of
from .pages import INDENT, command_line

ROOT = Path(__file__).parent.parent
GUIDES = (
    "README.md",
    *(f"docs/{name}.md" for name in ("first-look", "student", "teacher", "engineer", "python",
                                     "checked", "json", "exercises", "watching")),
)  # fmt: skip
README = "\n".join((ROOT / name).read_text(encoding="utf-8") for name in GUIDES)
BLOCK = re.compile(
    r"^(?:<!-- (?P<comment>[^\n]*) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
SLIP = "+ 1.01163815·", "+ 1.01163851·"  # the two digits that docs/teacher.md swaps in post.md


class Transcript(NamedTuple):
    """A command, and what the README shows of its page."""

    command: str
    lines: list[str]


def transcripts() -> list[Transcript]:
    """Return the blocks that show output; each must say of which command it is."""
    found = []
    for block in BLOCK.finditer(README):
        if block["language"]:
            continue
        text, command = block["text"].replace("\\\n", " "), block["comment"]
        if text.startswith("$ "):
            first, _, text = text.partition("\n")
            command = first[2:]
        assert command is not None, f"of which command is this a part?\n{block['text']}"
        lines = [line for line in lines_of(text) if line.strip() not in ("", "…")]
        found.append(Transcript(" ".join(command.split()), lines))
    return found


def commands() -> list[str]:
    """Return every command of the README's shell blocks."""
    shells = (block["text"] for block in BLOCK.finditer(README) if block["language"] == "sh")
    lines = (line for text in shells for line in text.splitlines())
    return list(dict.fromkeys(line for line in lines if line.startswith("vae-explain ")))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Enter a folder with every file that a command of the README reads."""
    assert command_line("samples", str(tmp_path)).code == 0
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO())  # a command that asks for more gets none
    return tmp_path


@pytest.mark.text
@pytest.mark.parametrize("transcript", transcripts(), ids=lambda transcript: transcript.command)
def test_a_transcript_is_what_the_command_prints(transcript: Transcript, folder: Path) -> None:
    post = (folder / "post.md").read_text(encoding="utf-8")
    assert SLIP[0] in post
    (folder / "post.md").write_text(post.replace(*SLIP), encoding="utf-8")
    arguments = shlex.split(transcript.command)[1:]
    page = command_line(*arguments).out
    rounding = rounding_of(page)
    shown = (candidates(line) for line in lines_of(page))

    def numbers() -> list[float]:
        return numbers_of(command_line(*arguments, "--format", "json").out)

    for line in transcript.lines:
        found = any(alike(line, each, rounding, numbers, True) for at in shown for each in at)
        assert found, f"not on the page, or not here:\n{line}"


def candidates(line: str) -> tuple[str, str]:
    """Return a line of a page as it stands, and without the indent of every block."""
    return line, line.removeprefix(" " * INDENT)


@pytest.mark.parametrize("command", commands())
def test_a_command_of_the_readme_runs(
    command: str,
    folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda address: True)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    if "--weights" in command:
        kept = folder / re.findall(r"--weights (\S+)", command)[0]
        dims = re.findall(r"--dims (\S+)", command)[0]
        assert command_line("params", "--dims", dims, "--save", str(kept)).code == 0
    if "--run" in command:
        kept = folder / re.findall(r"--run (\S+)", command)[0]
        assert command_line("record", "-o", str(kept)).code == 0
    if command.startswith("vae-explain mark"):
        sheet, key = re.findall(r"mark (\S+) --key (\S+)", command)[0]
        assert command_line("exercise", "-o", sheet, "--key", key).code == 0
    if command.startswith("vae-explain samples"):
        monkeypatch.chdir(tmp_path_factory.mktemp("empty"))
    command, fails, _ = command.partition(" || true")
    arguments = shlex.split(command, comments=True)[1:]
    if "--baseline" in arguments:
        model = arguments[: arguments.index("--baseline")]
        kept = folder / arguments[arguments.index("--baseline") + 1]
        assert command_line(*model, "-o", str(kept)).code == 1
    outcome = command_line(*arguments)
    assert outcome.code == (1 if fails else 0)
    assert all(line.startswith("vae-explain: wrote ") for line in outcome.err.splitlines())
