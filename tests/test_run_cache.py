"""Runs of the built-in VAE are remembered: the page is the same, and PyTorch is not loaded."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from vae_explain import pipeline
from vae_explain.cli import torch_library
from vae_explain.models.builtin_config import BUILT_IN, Architecture
from vae_explain.models.recorded import run_cache
from vae_explain.models.recorded.recorded_run import Recording, to_bytes
from vae_explain.models.recorded.run_cache import RunCache, key_of
from vae_explain.models.request import Request, UserModel

from .pages import CommandLine

X = ((1.0, 2.0, 3.0, 4.0),)
COMMANDS = [
    ["forward"],
    ["forward", "--arithmetic", "full", "--format", "json"],
    ["forward", "--x", "1,2,3,4", "--x", "0,-1,2,5", "--step", "z", "--latex"],
    ["forward", "--digits", "1"],
    ["why", "loss", "--digits", "2", "--arithmetic", "full"],
    ["forward", "--dims", "6-5-3-2-3-5-6", "--activation", "gelu", "--reduction", "mean"],
    ["backward", "--param", "fc1.weight"],
    ["backward", "--term", "kl", "--arithmetic", "printed", "--eps", "0.5,-1"],
    ["why", "mu.grad[0]", "--beta", "0"],
    ["why", "recon_x", "--recon", "bce", "--x", "0,0.5,1,0.25"],
    ["params", "--seed", "7"],
    ["diagram"],
    ["check"],
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Remember runs in a folder of the test's own."""
    folder = tmp_path / "remembered"
    monkeypatch.setenv(run_cache.SWITCH, str(folder))
    return folder


def entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.exists() else []


def test_single_numbers_are_another_input_than_the_same_ones_as_typed() -> None:
    single = np.array([[0.1, 0.2, 0.3, 0.4]], np.float32)
    assert key_of(Request(single)) != key_of(Request(single.astype(np.float64)))


@pytest.fixture(scope="module")
def recording() -> Recording:
    return pipeline.record_both(Request(X))


def test_the_model_runs_once_for_each_arithmetic(monkeypatch: pytest.MonkeyPatch) -> None:
    from vae_explain.models.builtin_vae import VAE

    run, dtypes = VAE.forward, []

    def counted(self: VAE, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        dtypes.append(x.dtype)
        return run(self, x)

    monkeypatch.setattr(VAE, "forward", counted)
    pipeline.record_both(Request(X))
    assert dtypes == [torch.float32, torch.float64]


@pytest.mark.parametrize("command", ["forward", "backward", "params"])
def test_a_library_is_loaded_ahead_only_where_a_model_is_run(
    command: str, cli: CommandLine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[bool] = []
    monkeypatch.setattr(torch_library, "load_ahead", lambda: loads.append(True))
    cli(command)
    cli(command)
    assert loads == [True]
    cli(command, "--no-cache")
    assert loads == [True, True]


def test_a_pytorch_without_that_library_is_left_to_its_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torch.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "torch")
    threads = threading.active_count()
    torch_library.load_ahead()
    assert threading.active_count() == threads


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_page_is_the_same_whether_its_run_is_remembered(
    cli: CommandLine, folder: Path, words: list[str]
) -> None:
    plain = cli(*words, "--no-cache")
    assert entries(folder) == []
    first = cli(*words)
    (entry,) = entries(folder)
    written = entry.read_bytes()
    again = cli(*words)
    assert plain == first == again
    assert entry.read_bytes() == written


def test_what_is_remembered_is_rounded_as_the_page_is(cli: CommandLine, folder: Path) -> None:
    for digits in ("2", "1", "2"):
        page = cli("forward", "--digits", digits, columns=120).out
        assert f"parameters and ε rounded to {digits} decimal" in page
    assert len(entries(folder)) == 2


def test_another_question_of_the_same_run_loads_no_pytorch(folder: Path) -> None:
    code = """
import sys
from vae_explain.cli import entry
for words in (["forward"], ["why", "z[0]"], ["backward", "--param", "fc1.weight"], ["diagram"]):
    assert entry.run(words) == 0
print("torch" in sys.modules, file=sys.stderr)
"""

    def loads() -> str:
        command = [sys.executable, "-c", code]
        return subprocess.run(command, capture_output=True, text=True, check=True).stderr

    assert [loads(), loads()] == ["True\n", "False\n"]


def test_what_decides_a_run_decides_its_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = tmp_path / "w.pt"
    weights.write_bytes(b"one")
    requests = [
        Request(X),
        Request(((1.0, 2.0, 3.0, 4.5),)),
        Request(X * 2),
        Request(((1.0, 2.0, 3.0, 4.000000001),)),
        Request(X, decimals=2),
        Request(X, seed=7),
        Request(X, eps=(0.0, 0.0)),
        Request(X, source=Architecture(beta=2.0)),
        Request(X, source=Architecture(activation="tanh")),
        Request(X, weights=weights),
        Request(X, weights=weights, strip_prefix="module."),
    ]
    keys = [key_of(request) for request in requests]
    assert None not in keys
    assert len(set(keys)) == len(keys)
    # Both arithmetics are in one entry.
    assert key_of(Request(X, arithmetic="full")) == keys[0]
    assert key_of(Request(np.array(X))) == keys[0]
    weights.write_bytes(b"two")
    assert key_of(requests[-2]) != keys[-2]
    monkeypatch.setenv("OMP_NUM_THREADS", "17")
    assert key_of(requests[0]) != keys[0]
    monkeypatch.undo()
    assert key_of(requests[0]) == keys[0]
    monkeypatch.setattr(run_cache, "_versions", lambda: iter([b"another PyTorch"]))
    assert key_of(requests[0]) != keys[0]


def test_only_a_run_that_is_determined_and_has_room_is_remembered() -> None:
    own = UserModel("own.py:Model")
    assert key_of(Request(X, source=own)) is None
    assert key_of(Request(X, weights=Path("not there.pt"))) is None
    wide = Architecture(dims=(2000, 2000, 2, 2000, 2000))
    assert key_of(Request(np.zeros((1, 2000)), source=wide)) is None
    images = Architecture(dims=(784, 400, 20, 400, 784))
    assert key_of(Request(np.zeros((128, 784)), source=images)) is not None
    assert key_of(Request(np.zeros((60_000, 784)), source=images)) is None


@pytest.mark.parametrize("architecture", [BUILT_IN, Architecture(dims=(64, 32, 4, 32, 64))])
def test_the_room_that_a_run_takes_is_known_beforehand(architecture: Architecture) -> None:
    x = np.ones((16, architecture.input_size), np.float32)
    request = Request(x, source=architecture)
    taken = len(to_bytes(pipeline.record_both(request)))
    names = 500 * 100  # bytes of JSON, for values and operations of so small a model
    assert 0.5 * taken - names < run_cache._size(request, x) < 2 * taken


@pytest.mark.parametrize(
    "damaged",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data + b"\0",
        lambda data: data[:2000] + bytes([data[2000] ^ 1]) + data[2001:],
        lambda data: data[: len(data) // 2] + bytes(len(data) - len(data) // 2),
        lambda data: b"\0" * 100,
    ],
    ids=["empty", "cut", "longer", "one bit", "half", "zeros"],
)
def test_a_damaged_entry_is_made_anew_in_silence(
    cli: CommandLine, folder: Path, damaged: object
) -> None:
    assert callable(damaged)
    plain = cli("forward")
    (entry,) = entries(folder)
    whole = entry.read_bytes()
    entry.write_bytes(damaged(whole))
    assert cli("forward") == plain
    assert [each.read_bytes() for each in entries(folder)] == [whole]


def test_an_entry_that_is_whole_but_no_recording_is_made_anew(
    cli: CommandLine, folder: Path, recording: Recording
) -> None:
    plain = cli("forward", "--no-cache")
    cache, key = RunCache(folder), key_of(Request(X))
    assert key is not None
    cache.put(key, recording)
    (entry,) = entries(folder)
    other = b"no recording at all"
    entry.write_bytes(hashlib.sha256(other).digest() + other)
    assert cli("forward") == plain
    assert entries(folder)[0].stat().st_size > 1000


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_disk_that_takes_nothing_is_no_trouble(
    cli: CommandLine, folder: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def full(path: Path, *parts: bytes) -> None:
        raise OSError(code, os.strerror(code))

    plain = cli("forward", "--no-cache")
    monkeypatch.setattr(run_cache, "write_whole", full)
    assert cli("forward") == plain
    assert entries(folder) == []


def test_a_folder_that_cannot_be_is_no_trouble(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    plain = cli("forward", "--no-cache")
    for place in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/nowhere")):
        monkeypatch.setenv(run_cache.SWITCH, str(place))
        assert cli("forward") == plain


def test_processes_at_once_do_not_disturb_each_other(folder: Path) -> None:
    command = [sys.executable, "-m", "vae_explain", "why", "z[0]"]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)
    ]
    written = [process.communicate() for process in running]
    assert {process.returncode for process in running} == {0}
    assert len(set(written)) == 1
    assert len(entries(folder)) == 1


def test_the_oldest_make_room(
    folder: Path, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, size = RunCache(folder), len(to_bytes(recording)) + run_cache.DIGEST
    monkeypatch.setattr(run_cache, "MOST_BYTES", 3 * size)
    for age, key in enumerate("abc"):
        cache.put(key, recording)
        os.utime(folder / f"{key}.run", ns=(age, age))
    assert cache.get("a") is not None  # which makes it the youngest
    cache.put("d", recording)
    assert [entry.stem for entry in entries(folder)] == ["a", "c", "d"]
    # What a process that was stopped has left behind goes too.
    (folder / ".vae-explain-left").write_bytes(bytes(size))
    os.utime(folder / ".vae-explain-left", ns=(0, 0))
    cache.put("e", recording)
    assert [entry.stem for entry in entries(folder)] == ["a", "d", "e"]
    monkeypatch.setattr(run_cache, "MOST_OF_ONE", size - 100)
    cache.put("f", recording)
    assert [entry.stem for entry in entries(folder)] == ["a", "d", "e"]


def test_remembering_is_turned_off(
    cli: CommandLine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(run_cache.SWITCH, "0")
    monkeypatch.setattr(run_cache, "folder", lambda: folder)
    cli("forward")
    assert entries(folder) == []
    monkeypatch.setenv(run_cache.SWITCH, str(folder))
    cli("forward", "--no-cache")
    assert entries(folder) == []


def test_the_command_shows_the_folder_and_empties_it(cli: CommandLine, folder: Path) -> None:
    assert cli("cache", "--path").out == f"{folder}\n"
    none = f"0 runs are cached in {folder}, 0.0 MB."
    assert " ".join(cli("cache").out.split()) == none
    cli("forward")
    one = " ".join(cli("cache").out.split())
    assert one.startswith(f"1 run is cached in {folder}, 0.")
    cleared = cli("cache", "--clear")
    assert (cleared.code, entries(folder)) == (0, [])
    assert " ".join(cleared.out.split()) == none


def test_the_folder_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(run_cache.SWITCH)
    assert run_cache.folder().name == "runs"
    assert "vae-explain" in run_cache.folder().parts
