"""`vae-explain train`: its page, its JSON, its files, and the requests that it refuses."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from vae_explain.cli.commands import train as command
from vae_explain.models.builtin_vae import VAE
from vae_explain.pages.walkthrough import training as page

from .pages import CommandLine
from .test_training import X, plain_loop

# --- the page ---------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [40, 80, 120])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_pages_fit(cli: CommandLine, columns: int, encoding: str) -> None:
    outcome = cli("train", "--steps", "300", "--x", "1e3,-2,3e-3,4", "--optimizer", "adam",
                  columns=columns, encoding=encoding)  # fmt: skip
    assert outcome.code == 0
    assert max(map(len, outcome.out.splitlines())) <= columns


@pytest.mark.parametrize(("count", "last"), [(1, [0]), (2, [0, 1]), (11, [0, 1, 2, 5, 10])])
def test_chosen_steps(count: int, last: list[int]) -> None:
    assert page.chosen_steps(count) == last


# --- JSON and files ---------------------------------------------------------------------


def test_json(cli: CommandLine) -> None:
    outcome = cli("train", "--steps", "3", "--optimizer", "adam", "--seed", "9", "--lr", "1e-3",
                  "--explain-step", "2", "--format", "json")  # fmt: skip
    assert outcome.code == 0
    document = json.loads(outcome.out)
    plain = plain_loop("adam", 9, 3, 1e-3, X)
    head = {key: document[key] for key in ("schema", "command", "optimizer", "lr", "seed")}
    assert head == {"schema": 1, "command": "train", "optimizer": "adam", "lr": 1e-3, "seed": 9}
    assert document["torch"] == torch.__version__.split("+")[0]
    assert [entry["loss"] for entry in document["steps"]] == plain.losses
    assert all(list(entry) == ["step", "loss", "mse", "kl"] for entry in document["steps"])
    assert document["diverged_at"] is None
    expected = {key: p.tolist() for key, p in plain.model.named_parameters()}
    assert document["values"] == expected
    explained = document["explained"]
    assert explained["step"] == 2
    assert explained["updated"] == expected
    assert explained["values"]["loss"] == plain.losses[2]
    assert explained["checks"]["failed"] == 0


def test_saved_weights_load_into_the_model(cli: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    assert cli("train", "--steps", "5", "--save", str(path)).code == 0
    plain = plain_loop("sgd", 42, 5, 0.01, X)
    model = VAE()
    model.load_state_dict(load_file(path))
    for key, parameter in model.named_parameters():
        assert torch.equal(parameter, dict(plain.model.named_parameters())[key]), key


def test_weights_are_written_whole_or_not_at_all(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"as it was")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    outcome = cli("train", "--steps", "1", "--save", str(path))
    assert outcome.code == 2
    assert outcome.err.startswith("vae-explain: error: --save ")
    assert "no space left" in outcome.err
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"as it was"


@pytest.mark.skipif(find_spec("matplotlib") is None, reason="the extra `plot` is not installed")
@pytest.mark.parametrize(
    ("name", "start"), [("loss.svg", b"<?xml"), ("loss.png", b"\x89PNG"), ("loss.PNG", b"\x89PNG")]
)
def test_plot(cli: CommandLine, tmp_path: Path, name: str, start: bytes) -> None:
    path = tmp_path / name
    assert cli("train", "--steps", "4", "--plot", str(path)).code == 0
    first = path.read_bytes()
    assert first.startswith(start)
    assert cli("train", "--steps", "4", "--plot", str(path)).code == 0
    assert path.read_bytes() == first, "the same run gives the same picture"


def test_plot_without_matplotlib(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "find_spec", lambda _: None)
    outcome = cli("train", "--plot", str(tmp_path / "loss.svg"))
    assert outcome.code == 2
    assert outcome.err.count("\n") == 1
    assert "pip install 'vae-explain[plot]'" in outcome.err


# --- requests that cannot be done -------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ("--lr", "0"),
        ("--lr", "-1"),
        ("--lr", "nan"),
        ("--lr", "inf"),
        ("--lr", "1,2"),
        ("--lr", ""),
        ("--lr", "1e-50"),
        ("--lr", "1e31"),
        ("--steps", "0"),
        ("--steps", "1.5"),
        ("--steps", "1000001"),
        ("--optimizer", "lbfgs"),
        ("--explain-step", "200"),
        ("--explain-step", "-1"),
        ("--param", "fc1.weight"),
        ("--explain-step", "0", "--param", "fc1.wieght"),
        ("--explain-step", "0", "--param", "mu"),
        ("--plot", "loss.jpg"),
        ("--plot", "no/such/folder/loss.svg"),
        ("--save", "weights.bin"),
        ("--x", "1,2,3"),
        ("--format", "yaml"),
    ],
    ids=" ".join,
)
def test_a_bad_request_is_one_line(cli: CommandLine, arguments: tuple[str, ...]) -> None:
    outcome = cli("train", *arguments)
    assert outcome.code == 2
    assert not outcome.out
    assert outcome.err.startswith(f"vae-explain: error: {arguments[-2]} ")
    assert outcome.err.count("\n") == 1


def test_files_must_differ(cli: CommandLine, tmp_path: Path) -> None:
    path = str(tmp_path / "one.svg")
    outcome = cli("train", "--plot", path, "--output", path)
    assert outcome.code == 2
    assert not list(tmp_path.iterdir())


# --- a training that is watched ---------------------------------------------------------


def test_watch_on_the_command_line(cli: CommandLine, tmp_path: Path) -> None:
    lines, frozen = tmp_path / "run.jsonl", tmp_path / "frozen.safetensors"
    outcome = cli("train", "--steps", "12", "--watch", "--watch-every", "5",
                  "--watch-page", str(lines), "--freeze", str(frozen))  # fmt: skip
    assert outcome.code == 0
    assert "12 steps watched: 0 errors, 0 warnings" in outcome.out
    assert "was not written." in " ".join(outcome.out.split())
    assert not frozen.exists()
    entries = [json.loads(line) for line in lines.read_text("utf-8").splitlines()]
    plain = plain_loop("sgd", 42, 12, 0.01, X)
    assert [e["loss"] for e in entries if e["kind"] == "step"] == plain.losses
    assert [e["step"] for e in entries if e["kind"] == "look"] == [0, 5, 10, 12]


def test_a_training_that_diverges_keeps_its_last_step(cli: CommandLine, tmp_path: Path) -> None:
    frozen = tmp_path / "frozen.safetensors"
    asked = ("train", "--steps", "9", "--lr", "5", "--watch", "--freeze", str(frozen))
    outcome = cli(*asked, "--format", "json")
    assert outcome.code == 1
    watched = json.loads(outcome.out)["watched"]
    assert watched["not_finite_at"] == json.loads(outcome.out)["diverged_at"]
    assert [finding["id"] for finding in watched["findings"]] == ["not-finite"]
    why = cli("why", "loss", "--run", str(frozen))
    assert why.code == 1
    assert "is the first value that is not finite" in " ".join(why.out.split())


@pytest.mark.parametrize(
    "given", [("--watch-every", "5"), ("--watch-page", "a.html"), ("--freeze", "a.safetensors")]
)
def test_options_of_watch_want_watch(cli: CommandLine, given: tuple[str, str]) -> None:
    outcome = cli("train", *given)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == (
        f"vae-explain: error: {given[0]} {given[1]}: it is for a watched training; "
        "give --watch too\n"
    )


def test_adam_counts_its_updates_from_1(cli: CommandLine) -> None:
    how = ("--optimizer", "adam", "--steps", "4", "--explain-step", "2", "--param", "fc_mu.bias")
    assert "and t = 3: this is Adam's 3rd update" in " ".join(cli("train", *how).out.split())
