"""`vae-explain ask`: one question of a run after another, without a process for each."""

from __future__ import annotations

import shlex
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ExitCode
from ..job import Job, recording_of
from ..messages import say
from ..options import Options
from ..shared_options import with_options
from ..streams import page_stream

if TYPE_CHECKING:
    from ...engine.run import Run

# The commands that a recording answers.
QUESTIONS = "why", "forward", "backward", "params", "update", "audit", "document", "diagram"
COMPARE = "compare"  # of a model it runs both anew; of a recording, another is given by --run2
LEAVING = "exit", "quit"
HELP = (
    "type what to ask for, such as z[0] or fc1.weight.grad[0,1], or a command with its options: "
    f"{', '.join(QUESTIONS)} or {COMPARE}; exit leaves"
)


OF_A_QUESTION = {
    "record": "record FILE.safetensors",
    "output_file": "output FILE.txt",
    "format": "format json",
    "json": "json",
    "digits": "digits 2",
}
REFUSED = {
    name: f"give it with a question, as in: forward --{written}"
    for name, written in OF_A_QUESTION.items()
}


@partial(with_options, refused=REFUSED)
def ask(*, options: Options) -> ExitCode:
    with tempfile.TemporaryDirectory() as folder:
        path = options.run or _recorded(options, Path(folder))
        if options.run:
            Job(options, options.style(), "full")  # which refuses what does not go with --run
        recording = recording_of(path)
        run = recording.run(recording.first)
        worst = ExitCode.OK
        is_terminal = sys.stdin is not None and sys.stdin.isatty()
        if is_terminal:
            say(f"{run.label}: {HELP}")
        with redirect_stdout(page_stream()):
            for line in _typed(run) if is_terminal else sys.stdin or ():
                words = _words(line)
                if words[:1] in ([LEAVING[0]], [LEAVING[1]]):
                    break
                if words:
                    worst = max(worst, _answer(words, path, options))
    return ExitCode.OK if is_terminal else worst


def _recorded(options: Options, folder: Path) -> Path:
    """Run the model and keep the run for as long as it is asked."""
    from ...models.recorded import recorded_run

    path = folder / "run.safetensors"
    recorded_run.save(Job(options, options.style(), "full").record(), path)
    return path


def _words(line: str) -> list[str]:
    """Split a line as a shell does, and put the command in front of a target alone."""
    try:
        words = shlex.split(line)
    except ValueError as error:
        say(f"error: {str(error).lower()}: {line.strip()}")
        return []
    if words == ["help"]:
        say(HELP)
        return []
    return words if not words or words[0] in (*QUESTIONS, COMPARE, *LEAVING) else ["why", *words]


def _answer(words: Sequence[str], path: Path, options: Options) -> ExitCode:
    from ..entry import run

    anew = words[0] == COMPARE and options.run is None
    typed = map("=".join, options.as_typed()) if anew else ["--run", str(path)]
    code = run([*words, *typed])
    sys.stdout.flush()
    return ExitCode(code) if code in list(ExitCode) else ExitCode.OK  # it was interrupted


# --- on a terminal ----------------------------------------------------------------------


def names_of(run: Run) -> list[str]:
    """Return what may be asked for: commands, values, and gradients."""
    gradients = {run.trace.values[value_id].name for value_id in run.gradients}
    values = list(run.trace.by_name)
    return [*QUESTIONS, COMPARE, *values, *(f"{name}.grad" for name in values if name in gradients)]


def _typed(run: Run) -> Iterator[str]:
    """Yield the lines that are typed at a prompt, which completes names and has a history."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import WordCompleter
    from prompt_toolkit.history import FileHistory, History, InMemoryHistory

    history: History = InMemoryHistory()
    if (file := _history_file()) is not None:
        history = FileHistory(file)
    completer = WordCompleter(names_of(run), WORD=True)
    session: PromptSession[str] = PromptSession("? ", history=history, completer=completer)
    while True:
        try:
            # A notebook has a loop running, in which another cannot be started.
            yield session.prompt(in_thread=_is_in_loop())
        except KeyboardInterrupt:
            continue  # the line is given up, and the next one begins
        except EOFError:
            return


def _is_in_loop() -> bool:
    """Return whether an event loop is running in this thread."""
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _history_file() -> str | None:
    """Return where earlier questions are kept; None where they cannot be."""
    import platformdirs

    folder = platformdirs.user_state_path("vae-explain", appauthor=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "questions").touch()
    except OSError:
        return None
    return str(folder / "questions")
