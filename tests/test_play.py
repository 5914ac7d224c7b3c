"""`vae-explain play` on the command line: the file, its parts, and what is refused."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import pytest

from vae_explain.pages import build_document

from .pages import CommandLine

MOST_BYTES = 440_000


def test_it_writes_one_file_and_prints_its_path(cli: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "play.html"
    outcome = cli("play", "--no-open", "-o", str(path))
    assert outcome.code == 0
    assert outcome.out.strip() == str(path)
    text = path.read_text("utf-8")
    assert "default-src 'none'" in text
    assert "unsafe" not in text.partition("</head>")[0]
    assert len(text.encode()) < MOST_BYTES


def test_it_opens_the_browser(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def open_it(address: str) -> bool:
        opened.append(address)
        return True

    monkeypatch.setattr(webbrowser, "open", open_it)
    outcome = cli("play")
    path = Path(outcome.out.strip())
    assert opened == [path.as_uri()]
    assert path.is_file()
    path.unlink()
    path.parent.rmdir()


def test_it_says_when_there_is_no_browser(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda address: False)
    outcome = cli("play", "-o", str(tmp_path / "a.html"))
    assert outcome.code == 0
    assert "no browser could be opened" in outcome.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--format", "json"), "always HTML"),
        (("--lr", "fast"), "--lr fast"),
        (("-o", "play.txt"), "name a file that ends with .html"),
    ],
)
def test_what_cannot_be_played_is_one_line(
    cli: CommandLine, options: tuple[str, ...], words: str
) -> None:
    outcome = cli("play", "--no-open", *options)
    assert outcome.code == 2
    assert words in outcome.err
    assert outcome.err.count("\n") == 1


def test_a_large_model_says_what_stays_and_what_is_too_large(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    options = "play", "--no-open", "--dims", "3-4-2-4-3", "-o", str(tmp_path / "a.html")
    monkeypatch.setattr(build_document, "MOST_CHANGED", 50)
    outcome = cli(*options)
    assert outcome.code == 0
    assert "note: this run has 68 numbers" in outcome.err
    assert "here x and eps can be changed" in outcome.err
    monkeypatch.setattr(build_document, "MOST_FOLLOWED", 66)
    outcome = cli(*options)
    assert outcome.code == 2
    assert outcome.err.startswith("vae-explain: error: --dims 3-4-2-4-3: this run has 68 numbers")
    assert outcome.err.count("\n") == 1
