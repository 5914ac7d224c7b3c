"""Streams as they are outside: pipes, terminals, full disks, narrow and poor terminals."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import resource
import shlex
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from vae_explain import __main__ as module
from vae_explain.cli import entry, output

from .pages import ANSI, CommandLine

pty = pytest.importorskip("pty", reason="a terminal to stand in is a POSIX thing")

ROOT = Path(__file__).parent.parent
MODULE = [sys.executable, "-m", "vae_explain"]
needs_full = pytest.mark.skipif(
    not os.path.exists("/dev/full"), reason="there is no device that is always full"
)


def environment(**changes: str) -> dict[str, str]:
    """Return the environment without what would steer the output, and with some changes."""
    unset = {"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TERM", "COLORTERM", "PAGER"}
    unset |= {"PYTHONIOENCODING", "PYTHONUNBUFFERED"}
    kept = {name: value for name, value in os.environ.items() if name not in unset}
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "PYTHONUTF8": "1",
        "TERM": "xterm-256color",
        "PAGER": "cat",
    } | changes


def ran(
    *arguments: str, out: int | None = None, **changes: str
) -> subprocess.CompletedProcess[bytes]:
    """Run the command in a process of its own, its output into a pipe or where it is told."""
    return subprocess.run(
        [*MODULE, *arguments],
        stdout=subprocess.PIPE if out is None else out,
        stderr=subprocess.PIPE,
        env=environment(**changes),
    )


def ran_in_terminal(*arguments: str, **changes: str) -> str:
    """Run the command in a terminal and return what it wrote there."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*MODULE, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.PIPE,
        env=environment(**changes),
    ) as process:
        os.close(theirs)
        written = b""
        with contextlib.suppress(OSError):  # Linux says so when the other end has closed
            while part := os.read(ours, 65536):
                written += part
        os.close(ours)
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == 0
    return written.decode().replace("\r\n", "\n")


# --- colours ----------------------------------------------------------------------------


def test_a_terminal_gets_colours_and_a_pipe_does_not(cli: CommandLine) -> None:
    coloured = ran_in_terminal("forward", COLUMNS="80")
    assert len(ANSI.findall(coloured)) > 100
    piped = ran("forward")
    assert (piped.returncode, piped.stderr) == (0, b"")
    assert b"\x1b" not in piped.stdout
    # Twice the same, and the same as in this process, at the width that a pipe has.
    assert [line.rstrip() for line in ANSI.sub("", coloured).splitlines()] == (
        piped.stdout.decode().splitlines()
    )
    assert piped.stdout.decode() == cli("forward", columns=80).out


@pytest.mark.parametrize(
    ("is_terminal", "changes", "wanted"),
    [
        (False, {"FORCE_COLOR": "1"}, True),
        (True, {"FORCE_COLOR": "0"}, False),
        (False, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (True, {}, True),
        (False, {}, False),
        (True, {"TERM": "dumb"}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
    ],
)
def test_who_wants_colours(
    is_terminal: bool, changes: dict[str, str], wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(**changes).items():
        monkeypatch.setenv(name, value)
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: is_terminal)
    assert output.wants_colors(stream) is wanted
    assert output.wants_colors(stream, "always")
    assert not output.wants_colors(stream, "never")


def test_colours_are_as_they_are_asked_for(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    plain = cli("forward")
    coloured = cli("forward", "--color", "always")
    assert len(ANSI.findall(coloured.out)) > 100
    assert [line.rstrip() for line in ANSI.sub("", coloured.out).splitlines()] == (
        plain.out.splitlines()
    )
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b" in cli("params").out
    assert "\x1b" not in cli("params", "--color", "never").out
    page = tmp_path / "page.txt"
    assert cli("forward", "--color", "always", "-o", str(page)).code == 0
    assert page.read_text("utf-8") == coloured.out
    outcome = cli("forward", "--color", "sometimes")
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert "choose always, never or auto" in outcome.err


# --- a pager ----------------------------------------------------------------------------

PAGER = f"{sys.executable} -c 'import sys; print(\"paged\", len(sys.stdin.readlines()))'"


def test_a_page_that_is_longer_than_the_terminal_gets_a_pager() -> None:
    shown = ran_in_terminal("params", "--no-pager", PAGER=PAGER, COLUMNS="80", NO_COLOR="1")
    assert "\x1b" not in shown
    lines = shown.count("\n")
    assert lines > 24
    assert ran_in_terminal("params", PAGER=PAGER, COLUMNS="80") == f"paged {lines}\n"


@pytest.mark.parametrize(
    ("is_terminal", "changes", "wanted"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"LINES": "26"}, False),  # it fits
        (True, {"LINES": "25"}, True),
        (True, {"PAGER": ""}, False),
        (True, {"PAGER": "no-such-pager"}, False),
        (True, {"PAGER": "cat"}, False),
        (True, {"TERM": "dumb"}, False),
    ],
)
def test_what_gets_a_pager(
    is_terminal: bool, changes: dict[str, str], wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(**{"PAGER": PAGER} | changes).items():
        monkeypatch.setenv(name, value)
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: is_terminal)
    assert output.pager_for("a line\n" * 25, stream) == (shlex.split(PAGER) if wanted else [])


def test_a_pager_that_is_left_is_no_failure() -> None:
    assert ran_in_terminal("backward", PAGER=f"{sys.executable} -c 'print(1)'") == "1\n"


# --- what the model prints --------------------------------------------------------------

PRINTING = """\
import os
import sys

import torch
from torch import nn

print("at import")
KEPT = sys.__stdout__


class Late:
    def __del__(self):
        print("late")


class Printing(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.late = nn.Linear(4, 4), Late()
        print("made")

    def forward(self, x):
        print("in forward")
        sys.stdout.write("written")
        KEPT.write("kept")
        KEPT.flush()
        os.write(1, b"from C")
        return ((self.layer(x) - x) ** 2).sum()


def loss(out):
    print("in the loss")
    sys.stdout.close()
    sys.stdout = None
    return out
"""


@pytest.mark.parametrize("command", ["check", "train"])
def test_what_a_model_prints_goes_to_standard_error(tmp_path: Path, command: str) -> None:
    file = tmp_path / "printing.py"
    file.write_text(PRINTING)
    how = ["--steps", "2"] if command == "train" else []
    own = ["--model", f"{file}:Printing", "--x", "1,2,3,4", "--json"]
    completed = ran(command, *how, *own)
    assert completed.returncode == 0
    assert json.loads(completed.stdout)["schema"] == 1
    for said in (b"at import", b"made", b"in forward", b"written", b"kept", b"from C"):
        assert said in completed.stderr


def test_a_loss_that_closes_standard_output_closes_none_of_ours(tmp_path: Path) -> None:
    file = tmp_path / "printing.py"
    file.write_text(PRINTING)
    own = ["--model", f"{file}:Printing", "--loss", f"{file}:loss", "--x", "1,2,3,4", "--json"]
    completed = ran("forward", *own)
    assert completed.returncode == 0
    assert json.loads(completed.stdout)["command"] == "forward"
    assert b"in the loss" in completed.stderr


# --- widths and encodings ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "width"), [("abc", 80), ("", 80), ("-5", 80), ("40", 40), ("7", 40), ("120", 120)]
)
def test_the_width_is_that_of_columns(columns: str, width: int, cli: CommandLine) -> None:
    outcome = cli("backward", columns=columns)
    assert (outcome.code, outcome.err) == (0, "")
    longest = max(map(len, outcome.out.splitlines()))
    assert 0.8 * width < longest <= width


def test_a_poor_encoding_gets_ascii() -> None:
    # A short page too: it is written when the process ends, and not before.
    completed = ran("forward", "--step", "z", PYTHONIOENCODING="cp1252", PYTHONUTF8="0")
    assert (completed.returncode, completed.stderr) == (0, b"")
    text = completed.stdout.decode("ascii")
    assert "z = mu + std*eps" in text
    assert text.endswith(".\n")


def test_a_bad_request_in_a_poor_encoding_is_one_line() -> None:
    completed = ran("forward", "--x", "π", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (completed.returncode, completed.stdout) == (2, b"")
    assert completed.stderr.decode("ascii").count("\n") == 1


# --- readers that leave, and disks that are full ----------------------------------------


def test_a_reader_that_has_gone_is_no_failure() -> None:
    """Nor are columns that are no number."""
    reading, writing = os.pipe()
    os.close(reading)  # before anything is written, so that it does not depend on timing
    try:
        completed = ran("--help", out=writing, COLUMNS="abc")
    finally:
        os.close(writing)
    assert (completed.returncode, completed.stderr) == (0, b"")


def test_a_reader_that_takes_one_line_is_no_failure(cli: CommandLine) -> None:
    much = ["--format", "json", *["--x", "1,2,3,4"] * 25]  # more than a pipe holds
    with subprocess.Popen(
        [*MODULE, "backward", *much],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(10) == b'{"schema":'
        assert len(cli("backward", *much).out) > 2**16
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


@needs_full
@pytest.mark.parametrize(
    "arguments", [["backward"], ["forward", "--step", "z"], ["--version"]], ids=str
)
def test_a_full_disk_is_one_line(arguments: list[str]) -> None:
    with open("/dev/full", "wb") as full:
        completed = ran(*arguments, out=full.fileno())
    assert completed.returncode == 2
    assert completed.stderr.count(b"\n") == 1
    assert b"No space left on device" in completed.stderr


@pytest.mark.parametrize(
    ("closed", "arguments", "code"), [(">&-", "params", 2), ("2>&-", "xyz", 2)]
)
def test_a_closed_stream_is_no_traceback(closed: str, arguments: str, code: int) -> None:
    completed = subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" -m vae_explain {arguments} {closed}', sys.executable],
        capture_output=True,
        env=environment(),
    )
    assert completed.returncode == code
    assert completed.stdout == b""
    assert completed.stderr.count(b"\n") == (1 if closed == ">&-" else 0)


# --- files ------------------------------------------------------------------------------


def test_a_file_gets_the_page_as_a_pipe_does(cli: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "page.txt"
    # Not the terminal's width, signs or colours: a file is read elsewhere.
    outcome = cli("forward", "-o", str(path), columns=40, encoding="ascii")
    assert outcome == type(outcome)(0, "", f"vae-explain: wrote {path}\n")
    assert path.read_text("utf-8") == cli("forward", columns=80).out
    assert os.listdir(tmp_path) == ["page.txt"]


def test_a_file_gets_json(cli: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    outcome = cli("backward", "--format", "json", "--output", str(path))
    assert (outcome.code, outcome.out, outcome.err) == (0, "", f"vae-explain: wrote {path}\n")
    assert path.read_text("utf-8") == cli("backward", "--format", "json").out


def test_a_file_keeps_its_permissions_and_a_new_one_gets_the_usual(
    cli: CommandLine, tmp_path: Path
) -> None:
    kept, new = tmp_path / "kept.txt", tmp_path / "new.txt"
    kept.write_text("before")
    kept.chmod(0o604)
    before = os.umask(0o027)
    try:
        assert cli("params", "-o", str(kept)).code == cli("params", "-o", str(new)).code == 0
    finally:
        os.umask(before)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o604
    assert stat.S_IMODE(new.stat().st_mode) == 0o640
    assert kept.read_text("utf-8") == new.read_text("utf-8")


def test_a_link_stays_a_link(cli: CommandLine, tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link.txt"
    target.write_text("before")
    link.symlink_to(target)
    assert cli("params", "-o", str(link)).code == 0
    assert link.is_symlink()
    assert "fc1.weight" in target.read_text("utf-8")


def test_the_home_folder_may_be_a_tilde(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cli("params", "-o", "~/page.txt").code == 0
    assert (tmp_path / "page.txt").is_file()


@pytest.mark.parametrize(
    ("name", "words"), [("", "is a folder"), ("missing/page.txt", "does not exist")]
)
def test_a_file_that_cannot_be_is_refused(
    name: str, words: str, cli: CommandLine, tmp_path: Path
) -> None:
    outcome = cli("forward", "--output", str(tmp_path / name))
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert words in outcome.err
    assert "--output" in outcome.err
    assert os.listdir(tmp_path) == []


@needs_full
def test_a_device_is_written_to_and_not_replaced(cli: CommandLine) -> None:
    outcome = cli("params", "--output", "/dev/full")
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert "no space left" in outcome.err
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)


@pytest.mark.parametrize("existing", [True, False])
def test_a_file_is_written_whole_or_not_at_all(
    existing: bool, cli: CommandLine, tmp_path: Path
) -> None:
    path = tmp_path / "page.txt"
    if existing:
        path.write_text("before")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))  # as if the disk were full
    try:
        outcome = cli("forward", "--output", str(path))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert "--output" in outcome.err
    assert "cannot be written" in outcome.err
    assert os.listdir(tmp_path) == (["page.txt"] if existing else [])
    assert not existing or path.read_text() == "before"


# --- ways to call it --------------------------------------------------------------------


def test_the_module_and_the_console_script_are_one() -> None:
    assert vars(module)["main"] is entry.main
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    (script,) = re.findall(r'^vae-explain = "(.*)"$', project, re.MULTILINE)
    assert script == f"{entry.__name__}:{entry.main.__name__}"


def test_help_has_every_command_and_its_options(cli: CommandLine) -> None:
    page = cli("--help", columns=120).out
    assert cli("help", columns=120).out == page
    for command in ("forward", "backward", "params", "verify"):
        assert command in page
        assert "--format" in cli(command, "-h", columns=120).out
    assert cli("--version").out.startswith("vae-explain ")


def test_repeated_runs_write_the_same(cli: CommandLine) -> None:
    for arguments in (["forward"], ["backward", "--format", "json"], ["verify"]):
        assert cli(*arguments) == cli(*arguments)


# --- warnings ---------------------------------------------------------------------------

WARNING = """\
import warnings

import torch
from torch import nn


class Warning(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)

    def forward(self, x):
        z = self.layer(x)
        scale = torch.tensor(z.detach())  # PyTorch warns in C++, of the line that called it
        warnings.warn("the model's own")
        loss = nn.functional.mse_loss(z * scale, x[:, :1])  # PyTorch warns in Python
        return loss
"""


@pytest.mark.parametrize(
    "command", [("forward", "--arithmetic", "printed"), ("check",)], ids=" ".join
)
def test_a_warning_has_the_line_of_the_model_and_is_said_once(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    file = tmp_path / "warning.py"
    file.write_text(WARNING)
    result = ran(*command, "--model", f"{file}:Warning", "--x", "1,2")
    assert result.returncode == 0
    lines = result.stderr.decode().splitlines()
    source = WARNING.splitlines()
    for line, code in zip(lines, ("torch.tensor(", "warnings.warn(", "mse_loss("), strict=True):
        assert line.startswith("vae-explain: warning: ")
        found = re.search(rf"\({re.escape(str(file))}:(\d+)\)$", line)
        assert found is not None, line
        assert code in source[int(found[1]) - 1]


@needs_full
def test_a_warning_that_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "warning.py"
    file.write_text(WARNING)
    arguments = ("forward", "--model", f"{file}:Warning", "--x", "1,2")
    with open("/dev/full", "w") as full:
        code = subprocess.run(
            [*MODULE, *arguments], stdout=subprocess.PIPE, stderr=full, env=environment()
        )
    assert (code.returncode, code.stdout) == (0, ran(*arguments).stdout)
