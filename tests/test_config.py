"""`--config`: arguments of a model of one's own from a file."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from .pages import CommandLine

MODEL = """\
import torch
from torch import nn


class Nested(nn.Module):
    def __init__(self, latent, encoder, scale=1.0):
        super().__init__()
        self.layer = nn.Linear(encoder.width, latent)
        self.scale = scale * encoder["depths"][0]

    def forward(self, x):
        z = self.layer(x) * self.scale
        loss = (z ** 2).sum()
        return loss
"""
NESTED = {"latent": 2, "encoder": {"width": 3, "depths": [4, 5]}}
TOML = "latent = 2\n[encoder]\nwidth = 3\ndepths = [4, 5]\n"
YAML = "latent: 2\nencoder:\n  width: 3\n  depths: [4, 5]\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("nested.py").write_text(MODEL)
    Path("c.json").write_text(json.dumps(NESTED))
    Path("c.toml").write_text(TOML)
    Path("c.yaml").write_text(YAML)
    return tmp_path


ASKED = ("forward", "--model", "nested.py:Nested", "--x", "1,2,3", "--json")


def test_every_format_gives_the_same_model(folder: Path, cli: CommandLine) -> None:
    plain = cli(*ASKED, "--model-arg", "latent=2", "--model-arg", "encoder.width=3",
                "--model-arg", "encoder.depths=[4, 5]")  # fmt: skip
    assert (plain.code, plain.err) == (0, "")
    kinds = ["c.json", *(["c.toml"] if sys.version_info >= (3, 11) else [])]
    for name in kinds:
        assert cli(*ASKED, "--config", name) == plain


def test_yaml_is_read(folder: Path, cli: CommandLine) -> None:
    pytest.importorskip("yaml", reason="PyYAML is an extra")
    assert cli(*ASKED, "--config", "c.yaml") == cli(*ASKED, "--config", "c.json")
    Path("bad.yaml").write_text("latent: [2\n")
    outcome = cli(*ASKED, "--config", "bad.yaml")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "--config bad.yaml: it cannot be read as YAML" in outcome.err


def test_yaml_without_a_reader_says_what_to_install(
    folder: Path, cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vae_explain.cli.config_files.find_spec", lambda name: None)
    assert "pip install 'vae-explain[yaml]'" in cli(*ASKED, "--config", "c.yaml").err


def test_an_argument_goes_before_the_file(folder: Path, cli: CommandLine) -> None:
    outcome = cli(*ASKED, "--config", "c.json", "--model-arg", "encoder.depths=[0]")
    assert (outcome.code, json.loads(outcome.out)["values"]["loss"]) == (0, 0.0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--config", "none.json"], "there is no such file"),
        (["--config", "c.ini"], ".json"),
        (["--config", "list.json"], "it has no named settings"),
        (["--config", "bad.json"], "it cannot be read as JSON"),
        (["--model-arg", "latent=2"], "def made(): return Nested(...), and give FILE.py:made"),
        (["--model-arg", "latent=2", "--model-arg", "encoder=3"], "if it takes an object, add"),
    ],
    ids=" ".join,
)
def test_a_bad_configuration_is_one_line(
    arguments: list[str], words: str, folder: Path, cli: CommandLine
) -> None:
    Path("list.json").write_text("[1, 2]")
    Path("bad.json").write_text("{")
    outcome = cli(*ASKED, *arguments)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert words in outcome.err


def test_it_goes_with_a_model_of_ones_own(folder: Path, cli: CommandLine) -> None:
    outcome = cli("forward", "--config", "c.json")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "give --model too" in outcome.err


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("none.py:Nested", "none.py: there is no such file"),
        ("nested.py", "write nested.py:Nested"),
        ("nested.py:Other", "nested.py has no Other; write nested.py:Nested"),
        ("broken.py:Nested", "line 1 of broken.py is not Python"),
    ],
)
def test_what_is_wrong_with_a_file_comes_before_x_is_asked_for(
    reference: str, words: str, folder: Path, cli: CommandLine
) -> None:
    Path("broken.py").write_text("class Nested(\n")
    outcome = cli("forward", "--model", reference)
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert words in outcome.err
