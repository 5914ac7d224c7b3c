"""How long a command takes, as a part of what `import torch` alone takes.

The ratio is what we promise, since seconds are a machine's and not ours. Every round runs
the yardstick and all commands one after another, so that whatever slows the machine for a
while slows them alike; what is compared are the medians over the rounds: of the wall time,
and of the processor's own time, which other work on the machine moves less. A first round that
fills the file cache and keeps compiled code, as an installed package has it, is not counted.

    python benchmarks/startup.py --repeats 15
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np


@dataclass(frozen=True)
class Case:
    """A command, the ratio to stay under, and the exit code that shows it did its work.

    Attributes
    ----------
    is_first
        Whether nothing is remembered when it begins; otherwise its run is, if it has one.
    """

    arguments: tuple[str, ...]
    target: float
    exit_code: int = 0
    is_first: bool = False

    @property
    def label(self) -> str:
        return " ".join(("vae-explain", *self.arguments)) + (" (first)" if self.is_first else "")


YARDSTICK = "import torch"
RECORDING = "images.safetensors"
# A network of the size that takes MNIST's images, on a batch of them.
IMAGES = ("record", "--dims", "784-400-20-400-784", "--x-file", "images.npy", "-o", RECORDING)
CASES = (
    Case(("--help",), 0.10),
    Case(("--version",), 0.10),
    Case(("forward", "--seed", "-1"), 0.10, exit_code=2),
    Case(("forward",), 0.80, is_first=True),
    Case(("backward",), 0.80, is_first=True),
    Case(("forward",), 0.20),
    Case(("backward", "--param", "fc1.weight"), 0.20),
    Case(("why", "z[0]"), 0.20),
    Case(("forward", "--run", RECORDING), 0.35),
    Case(("backward", "--param", "fc_mu.bias", "--run", RECORDING), 0.35),
    Case(("why", "z[0,0]", "--run", RECORDING), 0.35),
)


class WrongExit(Exception):
    """A command that did not do what is measured; the message says what it did."""


class Seconds(NamedTuple):
    """What a process took: by the clock on the wall, and of processors, user's and system's."""

    wall: float
    cpu: float


def seconds(command: Sequence[str], exit_code: int, folder: Path) -> Seconds:
    """Run a command in a folder, where runs are remembered and compiled code is kept too.

    Raises
    ------
    WrongExit
        If it ends with another exit code, which would be the time of something else.
    """
    environment = {
        **os.environ,
        "VAE_EXPLAIN_CACHE": str(folder / "remembered"),
        "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    start, before = time.perf_counter(), os.times()
    finished = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
        cwd=folder,
        env=environment,
    )
    wall, after = time.perf_counter() - start, os.times()
    user = after.children_user - before.children_user
    system = after.children_system - before.children_system
    if finished.returncode != exit_code:
        said = finished.stderr.decode(errors="replace").strip()
        raise WrongExit(
            f"{' '.join(command)} ended with {finished.returncode}, not {exit_code}\n{said}"
        )
    return Seconds(wall, user + system)


def measure(script: Path, repeats: int, folder: Path) -> tuple[Seconds, dict[Case, Seconds]]:
    """Return the median seconds of the yardstick and of each case, from the same rounds."""
    np.save(folder / "images.npy", np.random.default_rng(0).random((128, 784)).astype("f4"))
    seconds((str(script), *IMAGES), 0, folder)
    yardstick: list[Seconds] = []
    cases: dict[Case, list[Seconds]] = {case: [] for case in CASES}
    for _ in range(repeats + 1):
        yardstick.append(seconds((sys.executable, "-c", YARDSTICK), 0, folder))
        for case, times in cases.items():
            if case.is_first:
                shutil.rmtree(folder / "remembered", ignore_errors=True)
            times.append(seconds((str(script), *case.arguments), case.exit_code, folder))
    return middle(yardstick[1:]), {case: middle(times[1:]) for case, times in cases.items()}


def middle(times: Sequence[Seconds]) -> Seconds:
    return Seconds(*map(median, zip(*times, strict=True)))


def report(yardstick: Seconds, cases: dict[Case, Seconds]) -> str:
    """Lay the medians out as a table, one command a line."""
    width = max(len(case.label) for case in cases)
    lines = [
        f"{'command':<{width}}  seconds  ratio  of cpu  target",
        f"{YARDSTICK:<{width}}  {yardstick.wall:7.3f}  {1:5.2f}  {1:6.2f}",
    ]
    for case, taken in cases.items():
        wall, cpu = taken.wall / yardstick.wall, taken.cpu / yardstick.cpu
        met = "met" if wall <= case.target else "NOT MET"
        numbers = f"{taken.wall:7.3f}  {wall:5.2f}  {cpu:6.2f}  {case.target:6.2f}"
        lines.append(f"{case.label:<{width}}  {numbers}  {met}")
    return "\n".join(lines)


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def main() -> int:
    """Measure and print; 1 when a command fails, never because a target is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=positive, default=15, help="rounds counted (default: 15)")
    repeats = parser.parse_args().repeats
    # Beside the interpreter as it was called: in a virtual environment it is a link.
    script = Path(sys.executable).with_name("vae-explain" + (".exe" if os.name == "nt" else ""))
    if not script.exists():
        print(f"no {script.name} beside {sys.executable}: install the project", file=sys.stderr)
        return 2
    try:
        with tempfile.TemporaryDirectory() as folder:
            print(report(*measure(script, repeats, Path(folder))))
    except WrongExit as wrong:
        print(wrong, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
