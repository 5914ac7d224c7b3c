"""The runs of the built-in VAE that were asked for before, in the user's cache folder.

Such a run follows from what was asked, from the versions that run it and from the processor, so
an entry is found under a hash of all three. If the folder cannot be used, nothing is remembered,
and the model runs.
"""

from __future__ import annotations

import hashlib
import math
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from ...trace import Array
from ...version import PACKAGE_FOLDER
from ..request import Request
from ..whole_file import write_whole
from .recorded_run import BadRecording, Recording, from_bytes, to_bytes

SWITCH = "VAE_EXPLAIN_CACHE"  # in the environment: 0 turns it off, a folder is used instead
ENDING = ".run"
# Some thousand runs of a small VAE, or a few of one that takes images.
MOST_BYTES = 256 * 2**20
MOST_OF_ONE = MOST_BYTES // 4
DIGEST = hashlib.sha256().digest_size
# What stands in the environment that decides how PyTorch and NumPy compute.
OF_COMPUTING = (
    "ATEN_", "BLIS_", "DNNL_", "GOTO_", "KMP_", "MKL_", "NPY_", "OMP_", "ONEDNN_", "OPENBLAS_",
    "TORCH_", "VECLIB_",
)  # fmt: skip
# Of a request: both arithmetics are in one entry, and of these more than their words counts.
ELSEWHERE = ("arithmetic", "x", "weights", "most_numbers")
# Of a processor, what changes from one moment to the next.
UNSTEADY = ("cpu MHz", "bogomips", "BogoMIPS")


def is_on() -> bool:
    """Whether the environment lets runs be remembered."""
    return os.environ.get(SWITCH) != "0"


def folder() -> Path:
    """Return the folder of the entries, which need not be there."""
    if chosen := os.environ.get(SWITCH):
        return Path(chosen)
    import platformdirs

    return platformdirs.user_cache_path("vae-explain", appauthor=False) / "runs"


class RunCache:
    """The entries of one folder, oldest out: the one that was asked for last stays longest."""

    def __init__(self, where: Path) -> None:
        self.where = where

    def get(self, key: str) -> Recording | None:
        """Return a run that was put under a key; one that is damaged is thrown away."""
        path = self._path(key)
        try:
            data = memoryview(path.read_bytes())
            os.utime(path)
        except OSError:
            return None
        try:
            if hashlib.sha256(data[DIGEST:]).digest() == data[:DIGEST]:
                return from_bytes(data[DIGEST:], path)
        except BadRecording:
            pass  # whole, but not what this version writes
        with suppress(OSError):
            path.unlink()
        return None

    def put(self, key: str, recording: Recording) -> None:
        """Keep a run, if that is possible."""
        data = to_bytes(recording)
        if len(data) > MOST_OF_ONE:
            return
        with suppress(OSError):
            self.where.mkdir(parents=True, exist_ok=True)
            write_whole(self._path(key), hashlib.sha256(data).digest(), data)
            self._make_room()

    def clear(self) -> None:
        """Remove all entries; `OSError` where that is not allowed."""
        for entry in self.entries():
            with suppress(FileNotFoundError):  # another process was faster
                os.unlink(entry)

    def entries(self) -> list[os.DirEntry[str]]:
        """Return the files, also those that a stopped process left behind."""
        try:
            with os.scandir(self.where) as files:
                return [entry for entry in files if entry.is_file(follow_symlinks=False)]
        except FileNotFoundError:
            return []

    def _path(self, key: str) -> Path:
        return self.where / (key + ENDING)

    def _make_room(self) -> None:
        known = []
        for entry in self.entries():
            with suppress(FileNotFoundError):
                known.append((entry.stat().st_mtime_ns, entry.stat().st_size, entry.path))
        total = sum(size for _, size, _ in known)
        for _, size, path in sorted(known):
            if total <= MOST_BYTES:
                break
            with suppress(FileNotFoundError):
                os.unlink(path)
            total -= size


# --- what a run follows from ------------------------------------------------------------


def key_of(request: Request) -> str | None:
    """Return what a run of the built-in VAE is remembered under; None for one that is not.

    Not remembered are runs of other models, runs that would take too much room, and those of a
    PyTorch whose version is not known without loading it.
    """
    if request.architecture is None or request.generator is not None:
        return None
    x = np.asarray(request.x)
    x = x if x.dtype == np.float32 else x.astype(np.float64)  # as it was typed, or single numbers
    if _size(request, x) > MOST_OF_ONE:
        return None
    try:
        parts = [*_asked(request, x), *_versions(), *_processor()]
    except OSError:
        return None
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()


def _size(request: Request, x: Array) -> int:
    """Return about how many bytes a recording of a run takes."""
    assert request.architecture is not None, "of the built-in VAE"
    layers = request.architecture.layers
    # Of each layer's outputs one before the activation, and one behind it.
    values = 2 * x.shape[0] * sum(layer.outputs for layer in layers)
    numbers: int = math.prod(x.shape) + values + sum(layer.count for layer in layers)
    # In float32 and in float64, with the gradients of the loss and of both of its terms.
    return numbers * (4 + 8) * 4


def _asked(request: Request, x: Array) -> Iterator[bytes]:
    for each in fields(request):
        if each.name not in ELSEWHERE:
            yield f"{each.name}={getattr(request, each.name)!r}".encode()
    yield repr((x.shape, x.dtype)).encode()
    yield x.tobytes()
    if request.weights is not None:
        yield request.weights.suffix.encode()
        yield request.weights.expanduser().read_bytes()


def _versions() -> Iterator[bytes]:
    """Yield what differs between installations, without loading PyTorch."""
    yield sys.version.encode()
    for package in ("torch", "numpy"):
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            raise FileNotFoundError(package)
        # Written when it was built: the version, and the commit that it was built from.
        yield Path(spec.origin).with_name("version.py").read_bytes()
    # Any file of ours may be another without another version, as one that is being worked on.
    for parent, folders, files in os.walk(PACKAGE_FOLDER):
        folders.sort()
        for name in sorted(files):
            if name.endswith(".py"):
                stat = os.stat(os.path.join(parent, name))
                yield f"{parent}/{name} {stat.st_size} {stat.st_mtime_ns}".encode()


def _processor() -> Iterator[bytes]:
    """Yield what decides which code PyTorch and NumPy run, and on how many threads."""
    affinity = getattr(os, "sched_getaffinity", None)
    yield repr(len(affinity(0)) if affinity else os.cpu_count()).encode()
    if hasattr(os, "uname"):
        yield os.uname().machine.encode()
    yield os.environ.get("PROCESSOR_IDENTIFIER", "").encode()  # on Windows
    with suppress(OSError), open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        for line in file:
            if not line.strip():
                break  # the other ones are like the first
            if not line.startswith(UNSTEADY):
                yield line.encode()
    for name, value in sorted(os.environ.items()):
        if name.startswith(OF_COMPUTING):
            yield f"{name}={value}".encode()
