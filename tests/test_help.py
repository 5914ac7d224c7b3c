"""The help: what it says of every command, at every width, and that its examples run."""

from __future__ import annotations

import io
import re
import shlex
import sys
from pathlib import Path

import pytest

from vae_explain.analysis.audit.rules.ids import IDS
from vae_explain.cli import app, help_texts
from vae_explain.cli.app import COMMANDS, GROUPS
from vae_explain.cli.examples import EXAMPLES
from vae_explain.cli.help_texts import Described, Manual
from vae_explain.models.builtin_config import ACTIVATIONS

from .pages import CommandLine, command_line

ROOT = Path(__file__).parent.parent
WIDTHS = (40, 80, 120, 200)


@pytest.fixture(scope="module")
def manual() -> Manual:
    return app.manual()


def of(manual: Manual, name: str) -> Described:
    return next(each for group in manual.groups.values() for each in group if each.name == name)


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("name", COMMANDS)
def test_nothing_is_cut(name: str, columns: int, manual: Manual, cli: CommandLine) -> None:
    outcome = cli(name, "--help", columns=columns)
    assert (outcome.code, outcome.err) == (0, "")
    assert max(map(len, outcome.out.splitlines())) <= columns
    shown = " ".join(outcome.out.replace("\\\n", " ").split())
    command = of(manual, name)
    for entry in (entry for section in command.sections for entry in section.entries):
        assert entry.names in shown
        assert " ".join(entry.words.split()) in shown
    for example in command.examples:
        assert " ".join(example.split()) in shown


@pytest.mark.parametrize("columns", WIDTHS)
def test_the_commands_stand_in_their_groups(columns: int, cli: CommandLine) -> None:
    page = cli("--help", columns=columns).out
    assert max(map(len, page.splitlines())) <= columns
    places = [page.index(f"\n{group}\n") for group in GROUPS]
    assert places == sorted(places)
    words = " ".join(page.split())
    assert all(f"{name} {' '.join(text.split())}" in words for name, text in COMMANDS.items())


def test_six_lines_to_start_with(cli: CommandLine) -> None:
    outcome = cli()
    assert (outcome.code, outcome.err, outcome.out.count("\n")) == (0, "", 6)
    assert max(map(len, cli(columns=40).out.splitlines())) <= 40
    for command, _ in help_texts.FIRST_STEPS:
        assert command_line(*shlex.split(command)[1:]).code == 0


def test_choices_defaults_and_rules_are_listed(manual: Manual) -> None:
    words = {
        entry.names.split()[0]: entry.words
        for section in of(manual, "train").sections
        for entry in section.entries
    }
    assert words["--lr"].endswith("[default: 0.01]")
    assert words["--seed"].endswith("[default: 42]")
    assert all(name in words["--activation"] for name in ACTIVATIONS)
    only = next(
        entry
        for section in of(manual, "audit").sections
        for entry in section.entries
        if entry.names.startswith("--only")
    )
    assert all(name in only.words for name in IDS)


@pytest.mark.parametrize(
    ("option", "choices"),
    [
        ("--recon", {"mse", "bce"}),
        ("--arithmetic", {"printed", "full"}),
        ("--activation", set(ACTIVATIONS)),
        ("--reduction", {"sum", "mean"}),
        ("--color", {"always", "never", "auto"}),
        ("--format", {"text", "json"}),
    ],
)
def test_choices_are_completed(
    option: str, choices: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import typer

    root = typer.main.get_command(app.application(["forward"]))
    command = root.commands["forward"]  # type: ignore[attr-defined]  # it is a group
    context = command.make_context("forward", [], resilient_parsing=True)
    param = next(each for each in command.params if option in each.opts)
    found = {item.value for item in param.shell_complete(context, "")}
    assert found == choices


# --- examples ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the samples, and with what one command's examples write for another."""
    folder = tmp_path_factory.mktemp("samples")
    assert command_line("samples", str(folder)).code == 0
    (folder / "lesson").mkdir()
    assert command_line("record", "-o", str(folder / "run.safetensors")).code == 0
    sheet = ("exercise", "-o", str(folder / "sheet.md"), "--key", str(folder / "key.json"))
    assert command_line(*sheet).code == 0
    return folder


def test_each_command_has_three_examples() -> None:
    assert {name: len(lines) for name, lines in EXAMPLES.items()} == dict.fromkeys(COMMANDS, 3)


@pytest.mark.parametrize("example", [line for lines in EXAMPLES.values() for line in lines])
def test_an_example_runs(
    example: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAE_EXPLAIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path if example == "samples" else folder)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.setattr("webbrowser.open", lambda _: True)
    outcome = command_line(*shlex.split(example))
    assert outcome.code == 0, outcome.err
    lines = outcome.err.splitlines()
    assert all(line.startswith("vae-explain: wrote ") for line in lines), outcome.err


def test_samples_replace_nothing(
    tmp_path: Path, cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.csv").write_text("mine")
    outcome = cli("samples")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "x.csv already" in outcome.err
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]
    assert "no such folder" in cli("samples", "nowhere").err


# --- what is made of it -----------------------------------------------------------------


def test_the_manual_and_the_reference_are_what_the_help_says(
    manual: Manual, request: pytest.FixtureRequest
) -> None:
    written = {
        "docs/commands.md": help_texts.markdown(manual),
        "docs/vae-explain.1": help_texts.roff(manual),
    }
    for name, text in written.items():
        if request.config.getoption("--update-golden"):
            (ROOT / name).write_text(text, encoding="utf-8")
        kept = (ROOT / name).read_text("utf-8")
        assert kept == text, f"{name} is not what the help says; see --update-golden"


def test_an_option_that_is_excepted_is_refused(manual: Manual, cli: CommandLine) -> None:
    excepted = [
        (command, option)
        for group in manual.groups.values()
        for command in group
        for option in manual.own(command)[2]
    ]
    assert {("train", "--eps"), ("check", "--run"), ("mark", "--digits")} <= {
        (command.name, option) for command, option in excepted
    }
    for command, option in excepted:
        value = () if option == "--json" else ("1",)
        needed = [entry.names for entry in manual.own(command)[0] if entry.names.isupper()]
        outcome = cli(command.name, *needed, option, *value)
        assert outcome.code == 2, f"{command.name} {option}"
        assert f"{option} " in outcome.err or f"{option}:" in outcome.err


def test_the_manual_page_is_what_man_reads(manual: Manual) -> None:
    for line in help_texts.roff(manual).splitlines():
        # A line that begins with a dot is a request; any other dot there is hidden.
        assert not line.startswith(("'", ".")) or re.match(r"\.(TH|SH|SS|B|TP|PP|nf|fi)\b", line)
        assert not re.search(r"\\(?![-e&])", line)
