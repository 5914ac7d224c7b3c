"""What people type at first, tests/guesses.txt: it does what they mean, or says the line that does.

A guess is understood where it gives what the line that is meant gives, or where its one line of
error has that line in it.
"""

from __future__ import annotations

import io
import re
import shlex
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from vae_explain.models.builtin_vae import VAE

from .pages import Outcome, command_line

ROOT = Path(__file__).parent.parent
GUESSES = ROOT / "tests" / "guesses.txt"
MOST_MISSED = 8  # one in forty


class Guess(NamedTuple):
    """What was typed, and what was meant: a line, or words that come where it is quoted."""

    typed: str
    meant: str

    @property
    def words(self) -> str | None:
        """The words that have to come; None where a line is meant."""
        quoted = re.fullmatch(r'"([^"]*)"', self.meant)
        return quoted[1] if quoted else None


def guesses() -> list[Guess]:
    lines = GUESSES.read_text(encoding="utf-8").splitlines()
    pairs = (line.split(" => ") for line in lines if not line.startswith("#") and " => " in line)
    return [Guess(typed.strip(), meant.strip()) for typed, meant in pairs]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Enter a folder with the files that the guesses name."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "docs" / "examples" / "small_vae.py", "vae.py")
    shutil.copy(ROOT / "tests" / "walkthroughs" / "blocks.md", "post.md")
    Path("x.csv").write_text("4,3,2,1\n")
    torch.manual_seed(3)
    torch.save(VAE().state_dict(), "w.pt")
    assert command_line("record", "-o", "run.safetensors").code == 0
    return tmp_path


def run(line: str, monkeypatch: pytest.MonkeyPatch) -> Outcome:
    typed, _, file = line.partition(" < ")
    data = Path(file).read_bytes() if file else b""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    return command_line(*shlex.split(typed))


def is_understood(
    guess: Guess, meanings: dict[str, Outcome], monkeypatch: pytest.MonkeyPatch
) -> bool:
    found = run(guess.typed, monkeypatch)
    assert "internal error" not in found.err, found.err
    if guess.words is not None:
        return guess.words in found.out + found.err
    if found.code == 2:
        return f"vae-explain {guess.meant}".replace('"', "") in found.err.replace("'", "")
    if guess.meant not in meanings:  # which many share
        meanings[guess.meant] = run(guess.meant, monkeypatch)
    meant = meanings[guess.meant]
    return (found.out, found.code) == (meant.out, meant.code)


def test_the_guesses_are_understood(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    all_of_them = guesses()
    meanings: dict[str, Outcome] = {}
    missed = [guess for guess in all_of_them if not is_understood(guess, meanings, monkeypatch)]
    shown = "\n".join(f"{guess.typed}  =>  {guess.meant}" for guess in missed)
    print(f"{len(all_of_them) - len(missed)} of {len(all_of_them)} guesses are understood")
    assert len(all_of_them) >= 160
    assert len(missed) <= MOST_MISSED, f"{len(missed)} of {len(all_of_them)} missed:\n{shown}"
