"""`ask`: questions of one run, from a pipe and at a prompt."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent, WordCompleter
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from vae_explain import explain
from vae_explain.cli.commands import ask

from .pages import CommandLine, Outcome

Asking = Callable[..., Outcome]


@pytest.fixture
def asking(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Asking:
    """Ask some lines of a run, as from a pipe."""

    def ask_lines(*lines: str, options: tuple[str, ...] = ()) -> Outcome:
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        return cli("ask", *options)

    return ask_lines


def test_each_question_has_the_page_that_its_command_has(cli: CommandLine, asking: Asking) -> None:
    outcome = asking(
        "z[0]", "", "why mu.grad[1]", "backward --param fc1.weight --term kl", "params"
    )
    expected = [
        cli("why", "z[0]"),
        cli("why", "mu.grad[1]"),
        cli("backward", "--param", "fc1.weight", "--term", "kl"),
        cli("params"),
    ]
    assert outcome.code == 0
    assert outcome.out == "".join(each.out for each in expected)


def test_a_run_is_compared_with_another(cli: CommandLine, asking: Asking) -> None:
    options = "--x", "4,3,2,1", "--eps=-0.5,1"
    outcome = asking("compare --seed2 7", options=options)
    assert outcome.out == cli("compare", *options, "--seed2", "7").out
    assert outcome.code == 0


def test_a_mistake_is_told_and_the_next_question_answered(cli: CommandLine, asking: Asking) -> None:
    outcome = asking("zz[0]", "why 'z", "check", "forward --x 1,2,3,4", "z[0]", "exit", "mu[0]")
    assert outcome.code == 2
    assert outcome.out == cli("why", "z[0]").out
    errors = [line for line in outcome.err.splitlines() if "error:" in line]
    assert len(errors) == 4
    assert "did you mean z?" in errors[0]


def test_a_model_of_ones_own_runs_before_the_first_question(asking: Asking, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    (tmp_path / "own.py").write_text(
        "import torch\n"
        "class Model(torch.nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.fc = torch.nn.Linear(2, 2)\n"
        "    def forward(self, x):\n"
        f"        with open({str(ran)!r}, 'a') as file:\n"
        "            file.write('once ')\n"
        "        h = self.fc(x)\n"
        "        return ((h - x) ** 2).sum()\n",
        encoding="utf-8",
    )
    own = "--model", f"{tmp_path / 'own.py'}:Model", "--x", "0.5,-1"
    outcome = asking("forward --step h", "params", "backward", "h", options=own)
    assert outcome.code == 0, outcome.err
    several = ran.read_text()
    assert asking("params", options=own).code == 0
    assert ran.read_text() == 2 * several


def test_options_of_a_page_go_with_its_question(asking: Asking) -> None:
    outcome = asking("z", options=("--digits", "3"))
    assert (outcome.code, outcome.out) == (2, "")
    assert "give it with a question" in outcome.err
    page = asking("z[0] --digits 2")
    assert "= 0.65" in page.out


def test_the_prompt_completes_names_and_remembers_questions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ask, "_history_file", lambda: str(tmp_path / "questions"))
    run = explain(seed=42).run
    assert {"forward", "z", "fc1.weight", "fc1.weight.grad"} <= set(ask.names_of(run))
    assert "x.grad" not in ask.names_of(run)
    with create_pipe_input() as typed, create_app_session(input=typed, output=DummyOutput()):
        # A line, one that Ctrl-C gives up, another, and the end.
        typed.send_text("z[0]\rmu\x03kl\r\x04")
        assert list(ask._typed(run)) == ["z[0]", "kl"]
    kept = (tmp_path / "questions").read_text()
    assert "+z[0]" in kept
    assert "+kl" in kept


def test_the_prompt_asks_where_an_event_loop_is_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ask, "_history_file", lambda: str(tmp_path / "questions"))
    run = explain(seed=42).run

    async def lines() -> list[str]:
        return list(ask._typed(run))

    def within_a_loop() -> list[str]:
        with create_pipe_input() as typed, create_app_session(input=typed, output=DummyOutput()):
            typed.send_text("z[0]\rmu\x03kl\r\x04")
            return asyncio.run(lines())

    # In a thread of its own, as Playwright leaves a loop running in that of the tests.
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(within_a_loop).result() == ["z[0]", "kl"]


def test_a_name_with_dots_is_completed_as_one_word() -> None:
    completer = WordCompleter(["fc1.weight", "fc1.weight.grad", "z"], WORD=True)
    found = completer.get_completions(Document("why fc1.w"), CompleteEvent())
    assert [each.text for each in found] == ["fc1.weight", "fc1.weight.grad"]
