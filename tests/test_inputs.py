"""Input from a file: every mistake in one line that says where, and a bar while it takes long."""

from __future__ import annotations

import io
import os
import struct
import tracemalloc
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from vae_explain.cli import job
from vae_explain.cli.job import _read
from vae_explain.models.builtin_config import BUILT_IN
from vae_explain.models.loading import input_files
from vae_explain.models.loading.input_files import CannotRead
from vae_explain.pages.render.terminal import terminal
from vae_explain.recording.bounded_run import TooMany, bounded

from .pages import CommandLine


def test_a_header_is_noticed_and_lines_are_counted_with_it(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("\ufeffa,b\r\n\r\n1,2\r\n 3 , -4e-1\r\n", "utf-8")
    assert input_files.read(path).tolist() == [[1.0, 2.0], [3.0, pytest.approx(-0.4)]]
    path.write_text("a,b\n\n1,2\n3,four\n", "utf-8")
    with pytest.raises(CannotRead, match="'four' in line 4 is not a number"):
        input_files.read(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1,2\n3\n", "line 2 has 1 numbers, but line 1 has 2"),
        ("a,b\n1,2\n1,2,3\n", "line 3 has 3 numbers, but line 2 has 2"),
        ("1;2\n", "'1;2' in line 1 is not a number; separate numbers by commas"),
        ("a,b\n", "'a' in line 1 is not a number"),
        ("1,2\n3,\n", "'' in line 2 is not a number"),
        ("1,2\n1_0,4\n", "'1_0' in line 2 is not a number"),
        ("h,i\n1,2\n\n3,nan\n", "nan in line 4 is not finite"),
        ("1,2\n-inf,3\n", "-inf in line 2 is not finite"),
        ("1,2\n1e39,3\n", "1e+39 in line 2 is not finite in float32"),
        ("", "it is empty"),
        ("\n \n", "it is empty"),
    ],
)
def test_a_mistake_is_said_with_its_line(
    cli: CommandLine, tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text, "utf-8")
    outcome = cli("forward", "--dims", "2-3-1-3-2", "--x-file", str(path))
    assert outcome.code == 2
    assert outcome.err.count("\n") == 1
    assert said in outcome.err


def test_an_array_keeps_its_shape(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    images = np.arange(24, dtype=np.int16).reshape(2, 1, 3, 4)
    np.save(path, images)
    found = input_files.read(path)
    assert found.dtype == np.int16
    np.testing.assert_array_equal(found, images)
    found[0] = 7  # it is no view of the file
    np.testing.assert_array_equal(input_files.read(path), images)


def test_an_array_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    ran = tmp_path / "ran"
    for array, said in (
        (np.array([[1.0, np.nan]]), r"nan at \[0, 1\] is not finite"),
        (np.zeros((0, 4)), r"no numbers: its shape is \[0, 4\]"),
        (np.array([["a"]]), "not real numbers"),
        (np.array([1j]), "not real numbers"),
        (np.array([Opened(ran)], dtype=object), "holds object, not real numbers"),
        (np.array([True]), "holds bool, not real numbers"),
        (np.array([3], "m8[s]"), "holds timedelta64"),
    ):
        np.save(path, array, allow_pickle=True)
        with pytest.raises(CannotRead, match=said):
            input_files.read(path)
    assert not ran.exists(), "nothing in the file was run"
    np.save(path, np.zeros((30, 30)))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CannotRead, match=r"is cut short: it promises 900 numbers of 8 bytes"):
        input_files.read(path)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("{'descr': '<f4', 'fortran_order': 3, 'shape': (4,)}", "header cannot be read"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (9" + "0" * 19 + ",)}", "GiB"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", "GiB"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (True, 4)}", "[True, 4] is no shape"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (-4,)}", "[-4] is no shape"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': '(4,)'}", "header cannot be read"),
        (f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({'1,' * 70})}}", "it has 70 axes"),
        ("{'descr': [('a', '<f4'), ('b', [('c', '<i4')])], 'fortran_order': False, 'shape': (4,)}",
         "not real numbers"),
        ("{'descr': ('<f4', (2, 2)), 'fortran_order': False, 'shape': (1,)}", "not real numbers"),
        ("{'descr': '\x1b[31m', 'fortran_order': False, 'shape': (4,)}", "header cannot be read"),
        ("(" * 9000, "header cannot be read"),
        ("-" * 9000 + "1", "header cannot be read"),
        ("1" + "+1" * 4000, "header cannot be read"),
        ("{[]: 3}", "header cannot be read"),
        ("{'descr': '<f4'\0}", "header cannot be read"),
        ("[1, 2]" + " " * 20000, "header cannot be read"),
    ],
)  # fmt: skip
def test_a_broken_header_is_one_line(
    cli: CommandLine, tmp_path: Path, header: str, said: str
) -> None:
    path = tmp_path / "x.npy"
    path.write_bytes(
        b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode("latin1")
    )
    outcome = cli("forward", "--x-file", str(path))
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert said in outcome.err
    assert "\x1b" not in outcome.err


@pytest.mark.parametrize("start", [b"PK\x03\x04....", b"\x93NUMPY", b"\x93NUMPY\x09\x09", b""])
def test_what_is_no_array_is_one_line(cli: CommandLine, tmp_path: Path, start: bytes) -> None:
    path = tmp_path / "x.npy"
    path.write_bytes(start)
    outcome = cli("forward", "--x-file", str(path))
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert "write it by np.save" in outcome.err


@pytest.mark.parametrize(
    "kind", ["<f4", ">f4", "<f8", "<f2", "<f16", "|i1", "|u1", "<u2", ">i4", "<i8", "<u8"]
)
@pytest.mark.parametrize("by_columns", [False, True])
def test_every_kind_of_real_number_is_read(tmp_path: Path, kind: str, by_columns: bool) -> None:
    path = tmp_path / "x.npy"
    numbers = np.arange(12).reshape(3, 4).astype(kind)
    np.save(path, np.asfortranarray(numbers) if by_columns else numbers)
    found = input_files.read(path)
    np.testing.assert_array_equal(found, numbers)
    assert found.dtype.isnative
    assert found.dtype.kind == numbers.dtype.kind


def test_memory_stays_within_a_few_times_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("1,2,3,4\n" * 100_000)  # as many numbers a byte as there can be
    tracemalloc.start()
    try:
        input_files.read(path)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 7 * path.stat().st_size
    path.write_text("0.125,0.25,0.375,0.5\n" * 40_000)
    tracemalloc.start()
    try:
        input_files.read(path)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 4 * path.stat().st_size


def test_more_rows_than_a_run_has_memory_for(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "MOST_BYTES", job.BYTES_A_NUMBER * BUILT_IN.numbers_a_row * 10)
    path = tmp_path / "x.csv"
    path.write_text("1,2,3,4\n" * 11)
    outcome = cli("forward", "--x-file", str(path))
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert "give at most 10 rows" in outcome.err
    path.write_text("1,2,3,4\n" * 10)
    assert cli("params", "--x-file", str(path)).code == 0


@pytest.mark.parametrize("option", ["--x-file", "--weights", "--config"])
def test_what_is_no_file_is_said(cli: CommandLine, tmp_path: Path, option: str) -> None:
    ending = {"--x-file": "csv", "--weights": "pt", "--config": "json"}[option]
    folder, pipe = tmp_path / f"folder.{ending}", tmp_path / f"pipe.{ending}"
    folder.mkdir()
    (tmp_path / "own.py").write_text(OWN)
    more = ["--model", f"{tmp_path}/own.py:Own", "--x", "1"] if option == "--config" else []
    outcome = cli("forward", option, str(folder), *more)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert f"error: {option} {folder}: this is a folder; name a file in it" in outcome.err
    if hasattr(os, "mkfifo"):
        os.mkfifo(pipe)
        assert f"{pipe}: this is a pipe or a device" in cli("forward", option, str(pipe), *more).err


OWN = """
import torch
class Own(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(8, 8)
    def forward(self, x):
        return self.layer(torch.relu(x))
def loss(recon, x):
    return (recon - x).square().sum()
"""


@pytest.mark.parametrize("command", ["forward", "audit", "train"])
def test_more_numbers_than_a_run_of_a_users_model_has_memory_for(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    rows = 2**13
    np.save(tmp_path / "x.npy", np.ones((rows, 8), np.float32))
    (tmp_path / "own.py").write_text(OWN)
    own = ["--model", f"{tmp_path}/own.py:Own", "--loss", f"{tmp_path}/own.py:loss"]
    bytes_of_one = job.IN_TWO_RUNS if command == "audit" else job.BYTES_A_NUMBER
    # x, what comes of it in two layers, the difference and its square.
    numbers = 5 * rows * 8 + 1
    monkeypatch.setattr(job, "MOST_BYTES", bytes_of_one * (numbers - 1))
    outcome = cli(command, *own, "--x-file", str(tmp_path / "x.npy"))
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert f"has more than {numbers - 1:,} numbers" in outcome.err
    assert "give fewer rows" in outcome.err
    monkeypatch.setattr(job, "MOST_BYTES", bytes_of_one * numbers)
    assert cli("params", *own, "--x-file", str(tmp_path / "x.npy")).code == 0


GROWS = """
import torch
class Own(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(3, 3)
    def forward(self, x):
        h = self.layer(x)
        z = h + torch.randn_like(h)
        return z * torch.ones(40, 1, 1).repeat(1, 20, 1).mean()
def loss(recon, x):
    return (recon - x).square().sum()
"""


@pytest.mark.parametrize("arithmetic", ["full", "printed"])
@pytest.mark.parametrize(
    "command", ["forward", "check", "audit", "sample --draws 2", "train --steps 1", "document"]
)
def test_a_small_input_of_which_much_is_made(
    cli: CommandLine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    arithmetic: str,
) -> None:
    (tmp_path / "own.py").write_text(GROWS)
    own = ["--model", f"{tmp_path}/own.py:Own", "--loss", f"{tmp_path}/own.py:loss"]
    own += ["--x", "1,2,3", "--x", "3,2,1"]
    if command.startswith(("forward", "check", "sample", "document")):
        own += ["--arithmetic", arithmetic]
    bytes_of_one = job.IN_TWO_RUNS if command == "audit" else job.BYTES_A_NUMBER
    # Seven values of the size of x, the 40, the 800 and their mean, and the loss.
    numbers = 7 * 6 + 40 + 800 + 1 + 1
    monkeypatch.setattr(job, "MOST_BYTES", bytes_of_one * (numbers - 1))
    outcome = cli(*command.split(), *own)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert f"own.py:Own: its run has more than {numbers - 1} numbers" in outcome.err
    # A little more, for the noise that is put in place and for where a backward pass begins.
    monkeypatch.setattr(job, "MOST_BYTES", bytes_of_one * (numbers + 20))
    outcome = cli(*command.split(), *own)
    assert (outcome.code in {0, 1}, outcome.err) == (True, "")


class Reached(TorchFunctionMode):
    """Writes down which calls were made."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.append(func.__name__)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    "call",
    [
        lambda a: torch.outer(a, a),
        lambda a: a[:, None] * a,
        lambda a: a[:, None] @ a[None],
        lambda a: F.linear(a[:, None], a[:, None]),
        lambda a: torch.einsum("i,j->ij", a, a),
        lambda a: torch.cdist(a[:, None], a[:, None]),
        lambda a: a.repeat(60, 1),
        lambda a: a.new_ones(60, 60, device=a.device),
        lambda a: torch.randn(60, 60),
        lambda a: torch.eye(60),
        lambda a: torch.diag(a),
        lambda a: torch.kron(a, a),
        lambda a: torch.tensordot(a, a, dims=0),
        lambda a: torch.stack([a] * 60),
        lambda a: torch.arange(0.0, 0.9, 0.00025),
        lambda a: F.interpolate(a[None, None], scale_factor=60.0),
        lambda a: F.interpolate(a[None, None, None], scale_factor=(60.0, 1.0)),
        lambda a: F.pad(a[None, None, None], (0, 0, 0, 59)),
    ],
)
def test_a_call_that_makes_too_much_is_not_made(call: Callable[[Tensor], Tensor]) -> None:
    a = torch.ones(60, requires_grad=True)
    for most, is_made in ((3659, False), (3660, True)):
        reached, bound = Reached(), bounded(most, [a])
        with nullcontext() if is_made else pytest.raises(TooMany), reached, bound:
            call(a)
        made = [name for name in reached.names if not name.startswith("__get")]  # no view of `a`
        assert bool(made) is is_made


def test_what_is_read_is_not_copied_before_it_is_run(cli: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    np.save(path, np.random.default_rng(0).random((100_000, 4), np.float32))
    tracemalloc.start()
    try:
        assert (
            cli("params", "--recon", "bce", "--arithmetic", "full", "--x-file", str(path)).code == 0
        )
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 24 * path.stat().st_size


@pytest.mark.parametrize("form", ["csv", "npy"])
def test_standard_input_may_be_the_file(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    path = tmp_path / f"x.{form}"
    if form == "csv":
        path.write_text("4,3,2,1\n")
    else:
        np.save(path, np.array([[4.0, 3.0, 2.0, 1.0]]))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes())))
    assert cli("forward", "--x-file", "-") == cli("forward", "--x", "4,3,2,1")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"1,2,three\n")))
    outcome = cli("forward", "--x-file", "-")
    assert (outcome.code, outcome.out) == (2, "")
    assert "standard input: 'three' in line 1 is not a number" in outcome.err


@pytest.mark.parametrize("content", [b"", b"no weights", b"\x08" + b"\0" * 7 + b"{damaged"])
def test_what_is_wrong_with_weights_that_come_in_is_said_of_standard_input(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    outcome = cli("forward", "--weights", "-")
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert "standard input cannot be read as weights" in outcome.err
    assert "weights." not in outcome.err.replace("weights.pt or", "")


class Opened:
    """Pickled, it would make a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_memory_is_estimated_before_anything_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    with path.open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (10**6, 1000)}
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + 4 * 10**9)  # a hole, which takes no room
    with pytest.raises(CannotRead, match=r"would take 3\.7 GiB of memory, and 1 is the most"):
        input_files.read(path)
    path = tmp_path / "x.csv"
    with path.open("wb") as file:
        file.write(b"1.25,2.5\n" * 10_000)
        file.truncate(3 * 10**9)
    with pytest.raises(CannotRead, match=r"would take 2\.\d GiB of memory"):
        input_files.read(path)


def test_what_is_read_is_reported_in_bytes(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("1,2,3\n" * 5000, "utf-8")
    reported: list[int] = []
    assert input_files.read(path, reported.append).shape == (5000, 3)
    assert len(reported) > 5
    assert reported == sorted(reported)
    assert reported[-1] == os.stat(path).st_size


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_bar_is_for_a_terminal_alone(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    is_terminal: bool,
) -> None:
    import sys

    path = tmp_path / "x.csv"
    path.write_text("1,2,3\n" * 5000, "utf-8")
    monkeypatch.setattr(terminal, "PATIENCE", -1.0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
    monkeypatch.setenv("TERM", "xterm")
    assert _read(path).shape == (5000, 3)
    said = capsys.readouterr()
    assert said.out == ""
    assert ("reading x.csv" in said.err) == is_terminal
