"""Bad requests: one line on standard error, exit code 2, and nothing else.

The line names the option, the value and the mend, and nothing heavy is loaded for it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.core import TyperArgument, TyperOption

from vae_explain import pipeline
from vae_explain.cli import app
from vae_explain.cli.app import COMMANDS
from vae_explain.models.builtin_config import BUILT_IN

from .pages import CommandLine, command_line

ROOT = Path(__file__).parent.parent

# Arguments, and what the line must have in it beside the option and the value.
NUMBERS: list[tuple[list[str], list[str]]] = [
    (["forward", "--x", "1,2,3"], ["3 given", "takes 4"]),
    (["forward", "--x", "1,2,3,4,5"], ["5 given", "takes 4"]),
    (["forward", "--x", "1"], ["1 given"]),
    (["forward", "--x", ""], ["no numbers"]),
    (["forward", "--x", "  "], ["no numbers"]),
    (["forward", "--x", "1,,2,3"], ["two commas"]),
    (["forward", "--x", ",1,2,3,4"], ["comma"]),
    (["forward", "--x", "1,2,3,4,"], ["comma"]),
    (["forward", "--x", "nan,1,2,3"], ["nan"]),
    (["forward", "--x", "1,-NaN,2,3"], ["-NaN is"]),
    (["forward", "--x", "inf,1,2,3"], ["inf"]),
    (["forward", "--x", "1,-Infinity,2,3"], ["-Infinity is"]),
    (["forward", "--x", "1e400,1,2,3"], ["too large", "3.4e38"]),
    (["forward", "--x", "1,2,3,-1e39"], ["too large", "-1e39"]),
    (["forward", "--x", "1e-60,1,2,3"], ["too small"]),
    (["forward", "--x", "one,2,3,4"], ["'one' is not a number"]),
    (["forward", "--x", "1_000,2,3,4"], ["'1_000' is not a number"]),
    (["forward", "--x", "0x10,2,3,4"], ["'0x10' is not a number"]),
    (["forward", "--x", "1+2j,2,3,4"], ["'1+2j' is not a number"]),
    (["forward", "--x", "--1,2,3,4"], ["'--1' is not a number"]),
    (["forward", "--x", "٣,2,3,4"], ["is not a number"]),
    (["forward", "--x", "0,5;1,2"], ["point", "repeat --x"]),
    (["forward", "--x", "[1,2,3,4"], ["'[1' is not a number"]),
    (["backward", "--x", "1,2"], ["2 given"]),
    (["params", "--x", "1,2"], ["2 given"]),
    (["forward", "--eps", "1"], ["1 given", "takes 2"]),
    (["forward", "--eps", "1,nan"], ["nan"]),
    (["forward", "--eps", "1,2", "--eps", "3,4"], ["2 given"]),
    (["forward", "--x", "1,2,3,4", "--x", "1,2,3,4", "--eps", "1,2"], ["one --eps for each --x"]),
    (["forward", "--seed", "-1"], ["0 to 18446744073709551615"]),
    (["forward", "--seed", str(2**64)], ["0 to 18446744073709551615"]),
    (["forward", "--seed", "1.5"], ["whole number"]),
    (["forward", "--seed", "1e3"], ["whole number"]),
    (["forward", "--seed", "1_0"], ["whole number"]),
    (["forward", "--seed", "seven"], ["whole number"]),
    (["forward", "--seed", ""], ["whole number"]),
    (["forward", "--digits", "18"], ["0 to 17"]),
    (["forward", "--digits", "-1"], ["0 to 17"]),
    (["forward", "--digits", "x"], ["0 to 17"]),
    (["params", "--digits", "4.0"], ["0 to 17"]),
    (["forward", "--beta", "nan"], ["one number from 0 up, such as --beta 0.5"]),
    (["forward", "--beta", "-1"], ["cannot be below 0", "--beta 0.5"]),
    (["forward", "--beta", "1,2"], ["'1,2' is not a number"]),
    (["update", "--lr", "1e300"], ["above 0 and at most 1e+30", "--lr 0.01"]),
    (["forward", "--dims", "4-0-4"], ["from 1 to 1000000", "784-400"]),
    (["forward", "--dims", "4-٣-4"], ["from 1 to 1000000"]),
]
NAMES: list[tuple[list[str], list[str]]] = [
    (["backward", "--param", "fc1.wieght"], ["did you mean fc1.weight?", "fc_dec2.bias"]),
    (["backward", "--param", "FC1.wieght"], ["did you mean fc1.weight?"]),
    (["backward", "--param", "zzzzzz"], ["valid: "]),
    (["backward", "--param", ""], ["valid: "]),
    (["backward", "--param", "eps"], ["no gradient", "std"]),
    (["backward", "--param", "x"], ["no gradient", "encoder_pre"]),
    (["backward", "--param", "variance"], ["no gradient", "logvar"]),
    (["backward", "--param", "mu", "--param", "nu"], ["did you mean mu?"]),
    (["backward", "--term", "kl", "--param", "z"], ["KL does not reach it"]),
    (["backward", "--term", "kl", "--param", "fc_dec1.bias"], ["KL does not reach it"]),
    (["backward", "--term", "mse", "--param", "kl"], ["not made from it"]),
    (["backward", "--term", "elbo"], ["mse or kl"]),
    (["forward", "--step", "encoder_per"], ["did you mean encoder_pre?"]),
    (["forward", "--step", "recon_y"], ["did you mean recon_x?"]),
    (["forward", "--step", "json"], ["no step has this name; valid: "]),
    (["forward", "--step", "z[1]"], ["vae-explain why z 1", "why 'z[1]'"]),
    (["forward", "--step", "z.grad"], ["vae-explain backward z"]),
    (["backward", "--param", "fc1.weight 0 1"], ["vae-explain why fc1.weight.grad 0 1"]),
    (["forward", "--activation", "Rely"], ["choose relu, tanh, ", ", silu or softplus"]),
    (["audit", "--only", "kl-form", "--ignore", "kl-form"], ["nothing is left to look for"]),
    (["diagram", "--digits", "3"], ["no digits", "leave it out"]),
    (["forward", "--step", "fc1.weight"], ["valid: ", "encoder_pre"]),
    (["forward", "--format", "yaml"], ["text", "json"]),
    (["forward", "--hidden", "8,x"], ["from 1 to 1000000", "16-8"]),
    (["forward", "--latent", "0"], ["from 1 to 1000000"]),
    (["forward", "--dims", "4-8-2-8-4", "--latent", "3"], ["--dims has all widths"]),
    (["verify", "--format", "yaml"], ["text", "json"]),
    (["forward", "--arithmetic", "float16"], ["printed or full"]),
    (["backward", "--arithmetic", ""], ["printed or full"]),
]


def named(arguments: list[str]) -> tuple[str, str]:
    """Return the last option of a request and its value as an error line shows it."""
    option, value = arguments[-2:]
    return option, " ".join(value.split()) or "''"


def ident(case: object) -> str:
    return " ".join(case) if isinstance(case, list) else ""


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
@pytest.mark.parametrize(("arguments", "words"), [*NUMBERS, *NAMES], ids=ident)
def test_a_bad_request_is_one_line(
    arguments: list[str], words: list[str], as_json: bool, cli: CommandLine
) -> None:
    in_json = ["--format", "json"] if as_json and "--format" not in arguments else []
    outcome = cli(arguments[0], *in_json, *arguments[1:])
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("vae-explain: error: ")
    assert outcome.err.endswith("\n")
    assert outcome.err.count("\n") == 1
    option, value = named(arguments)
    for word in (option, value, *words):
        assert word in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["forwrad"], ["forwrad", "did you mean forward? See vae-explain --help"]),
        (["forward", "extra"], ["NAME extra: no step has this name; valid: x, "]),
        (["why"], ["TARGET", "such as vae-explain why z 0"]),
        (["params", "z"], ["NAME z: no parameter has this name; valid: fc1.weight"]),
        (["forward", "--jsno"], ["did you mean --json?"]),
        (["forward", "--recom"], ["did you mean --recon?"]),
        (["forward", "--frobnicate"], ["no such option; see vae-explain forward --help"]),
        (["--seed", "7"], ["vae-explain forward --seed 7"]),
        (["why", "fc1"], ["fc1.weight and fc1.bias", "vae-explain why fc1.weight 0 0"]),
        (["forward", "--sed", "3"], ["--sed", "--seed"]),
        (["forward", "--x"], ["--x"]),
        (["verify", "--seed", "3"], ["--seed"]),
        (["--digits", "3"], ["--digits"]),
    ],
    ids=ident,
)
def test_a_request_that_is_none_is_one_line(
    arguments: list[str], words: list[str], cli: CommandLine
) -> None:
    outcome = cli(*arguments)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    for word in words:
        assert word in outcome.err


def test_a_long_value_is_shortened(cli: CommandLine) -> None:
    outcome = cli("forward", "--x", "1," * 500 + "x")
    assert outcome.code == 2
    assert len(outcome.err) < 250


def test_a_value_with_line_breaks_is_one_line(cli: CommandLine) -> None:
    outcome = cli("backward", "--param", "fc1\nwieght\r\n")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)


def test_a_line_for_a_terminal_without_the_sign(cli: CommandLine) -> None:
    outcome = cli("forward", "--x", "−1,π,3,4", encoding="ascii")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert outcome.err.isascii()


# --- what looks bad and is not ----------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["−1,2,3,4", "–1,2,3,4", "-1 2 3 4", " -1 , 2 , 3 , 4 ", "-1,2 3,4", "-1e0,.2e1,+3.,04"],
)
def test_an_unusual_way_to_write_numbers_is_read(text: str, cli: CommandLine) -> None:
    plain = json.loads(cli("forward", "--x", "-1,2,3,4", "--format", "json").out)
    outcome = cli("forward", "--x", text, "--format", "json")
    assert (outcome.code, outcome.err) == (0, "")
    assert json.loads(outcome.out) == plain
    assert plain["values"]["x"] == [[-1.0, 2.0, 3.0, 4.0]]


@pytest.mark.parametrize("seed", ["0", str(2**64 - 1), "+7", " 7 "])
def test_a_seed_at_the_edge_is_taken(seed: str, cli: CommandLine) -> None:
    outcome = cli("params", "--seed", seed, "--format", "json")
    assert (outcome.code, json.loads(outcome.out)["seed"]) == (0, int(seed))


@pytest.mark.parametrize("name", ["fc1.weight.grad", "fc_mu.bias", "z", "loss"])
def test_a_parameter_or_a_value_is_taken(name: str, cli: CommandLine) -> None:
    outcome = cli("backward", "--param", name)
    assert (outcome.code, outcome.err) == (0, "")
    assert f"∂loss/∂{name.removesuffix('.grad')} =" in outcome.out


@pytest.mark.parametrize("name", ["x", *BUILT_IN.steps])
def test_every_step_can_be_shown_alone(name: str, cli: CommandLine) -> None:
    outcome = cli("forward", "--step", name)
    assert (outcome.code, outcome.err) == (0, "")
    assert name in outcome.out


# --- overflow ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "first"),
    [
        (["forward", "--arithmetic", "full", "--x", "3.4e38,3.4e38,-3.4e38,3.4e38"], "encoder_pre"),
        (["forward", "--arithmetic", "full", "--x", "1e38,0,0,0"], "std"),
        (["forward", "--x", "1e5,0,0,0"], "std"),
        (["backward", "--x", "1e38,0,0,0", "--seed", "1"], "std"),
        (["backward", "--param", "fc1.weight", "--x", "1e38,0,0,0", "--seed", "1"], "std"),
        (["why", "mu.grad[0]", "--x", "1e38,0,0,0", "--seed", "1"], "std"),
        (["forward", "--arithmetic", "full", "--eps", "3e38,3e38"], "mse"),
    ],
    ids=ident,
)
def test_an_overflow_shows_all_up_to_it_and_says_why(
    arguments: list[str], first: str, cli: CommandLine
) -> None:
    outcome = cli(*arguments)
    assert (outcome.code, outcome.err) == (1, "")
    words = " ".join(outcome.out.split())
    assert f"{first} is the first value that is not finite" in words
    assert "To change:" in words


def test_an_overflow_is_in_the_json(cli: CommandLine) -> None:
    outcome = cli("forward", "--x", "1e5,0,0,0", "--format", "json")
    assert outcome.code == 1
    cause = json.loads(outcome.out)["not_finite"]
    assert (cause["value"], cause["op"]) == ("std", "exp")
    assert "up to 3250" in cause["why"]


def test_what_takes_a_run_further_refuses_an_overflow(cli: CommandLine) -> None:
    outcome = cli("update", "--x", "1e38,0,0,0")
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert "overflows" in outcome.err


NEGATIVE = """
import torch
from torch import nn

class Negative(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)

    def forward(self, x):
        likeness = -1 - self.layer(x).square()
        weighed = likeness ** 0.3
        return weighed.sum()
"""


def test_what_is_no_number_is_not_said_to_overflow(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "negative.py").write_text(NEGATIVE)
    outcome = cli("forward", "--model", f"{tmp_path}/negative.py:Negative", "--x", "1,2")
    assert (outcome.code, outcome.err) == (1, "")
    words = " ".join(outcome.out.split())
    assert "is the first value that is not finite, with 2 NaN, made by pow" in words
    assert "a power with a fraction of a negative number" in words


# --- what goes wrong inside -------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RuntimeError("wat"), ["internal error", "RuntimeError: wat"]),
        (ModuleNotFoundError("No module named 'torch'"), ["No module named 'torch'", "install"]),
        (OSError(28, "No space left on device"), ["No space left on device"]),
        (FileNotFoundError(2, "No such file", "figures.json"), ["figures.json", "No such file"]),
    ],
    ids=lambda case: type(case).__name__,
)
def test_an_exception_is_one_line(
    error: Exception, words: list[str], cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.delenv("VAE_EXPLAIN_TRACEBACK", raising=False)
    monkeypatch.setattr(pipeline, "run", fail)
    outcome = cli("forward")
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    for word in words:
        assert word in outcome.err


def test_an_interrupt_is_silent(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "run", interrupt)
    outcome = cli("forward")
    assert (outcome.code, outcome.out, outcome.err) == (130, "", "")


def test_an_interrupt_while_modules_are_loaded_is_silent() -> None:
    code = """
from vae_explain.cli import entry
def interrupted(words):
    raise KeyboardInterrupt
entry.run = interrupted
entry.main()
"""
    command = [sys.executable, "-c", code]
    outcome = subprocess.run(command, capture_output=True, check=False, cwd=ROOT)
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (130, b"", b"")


# --- what is loaded ---------------------------------------------------------------------

WITHOUT_TORCH = """
import json, sys
from vae_explain.cli import entry
codes = [entry.run(arguments) for arguments in json.loads(sys.argv[1])]
heavy = sorted({"torch", "numpy"} & set(sys.modules))
print(json.dumps([codes, heavy]), file=sys.stderr)
"""


def test_help_version_and_bad_requests_load_neither_torch_nor_numpy(tmp_path: Path) -> None:
    good = [["--help"], ["--version"], [], *([c, "--help"] for c in ("forward", "backward"))]
    output = [["forward", "--output", str(tmp_path)]]
    bad = [case for case, _ in [*NUMBERS, *NAMES]] + output
    completed = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, json.dumps([*good, *bad])],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
    )
    codes, heavy = json.loads(completed.stderr.splitlines()[-1])
    assert heavy == []
    assert codes == [0] * len(good) + [2] * len(bad)


def test_a_request_that_runs_does_load_them() -> None:
    # So that the test above would notice if it looked in the wrong place.
    assert command_line("params").code == 0
    assert {"torch", "numpy"} <= set(sys.modules)


LOADED = """
import sys
from vae_explain.cli.app import COMMANDS, application
application(["forward", "--seed", "1"])
print(*[name for name in COMMANDS if f"vae_explain.cli.commands.{name}" in sys.modules])
application(["--help", "forward"])
print(*[name for name in COMMANDS if f"vae_explain.cli.commands.{name}" in sys.modules])
"""


def test_a_command_is_loaded_without_the_others() -> None:
    completed = subprocess.run(
        [sys.executable, "-c", LOADED],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert completed.stderr == ""
    assert completed.stdout.splitlines() == ["forward", " ".join(COMMANDS)]


def test_typer_converts_no_value_that_was_typed(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """From Typer 0.29 on, converting one loads pydantic."""

    def convert(param: Any, _: Any, value: Any) -> Any:
        if not getattr(param, "is_flag", False):
            raise AssertionError(f"{param.name} is converted")
        return bool(value)

    for kind in (TyperOption, TyperArgument):
        monkeypatch.setattr(kind, "process_value", convert, raising=False)
    page = tmp_path / "page.txt"
    outcome = cli("forward", "z", "--x", "4,3,2,1", "--x", "1,2,3,4", "-o", str(page))
    assert (outcome.code, page.exists()) == (0, True), outcome.err
    assert "answers is converted" in cli("mark").err  # it is asked for what has to be given


def test_every_file_that_is_a_command_is_listed() -> None:
    folder = Path(app.__file__).parent / "commands"
    files = {
        path.stem for path in folder.glob("*.py") if f"def {path.stem}(" in path.read_text("utf-8")
    }
    assert files == set(COMMANDS)


def test_a_misspelt_command_is_looked_for_among_all(cli: CommandLine) -> None:
    outcome = cli("verfy")
    assert (outcome.code, "did you mean verify?" in outcome.err) == (2, True)


SPARSE = """
import torch
from torch import nn

class Sparse(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)
        self.adjacency = torch.eye(2).to_sparse()

    def forward(self, x):
        return torch.mm(self.adjacency, self.layer(x)).sum()
"""


def test_a_sparse_tensor_is_refused_with_what_to_do(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "sparse.py").write_text(SPARSE)
    model = ("--model", f"{tmp_path}/sparse.py:Sparse")
    outcome = cli("forward", *model, "--x", "1,2", "--x", "3,4")
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert "layout sparse_coo" in outcome.err
    assert "to_dense()" in outcome.err
    assert "raised" not in outcome.err
