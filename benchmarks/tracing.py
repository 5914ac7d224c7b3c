"""What recording costs, as a multiple of the same model's plain forward and backward pass.

Recording takes the gradient at every value and has all of it in NumPy, so it is more work
than a plain pass; this program says how much. All are run in turn, in one process, and
medians are compared: a plain pass; a recording; a recording and the account of it, in which
values have names and operations their place, which reads parameters where they are, as the
commands take it; one that lasts when the model changes, as `explain` takes it, which also
copies every value and takes the gradients of each term. Where TorchLens is installed, it
runs with all its gradients beside a plain pass in a process of its own, since it wraps all of
PyTorch once it is loaded; its overhead is given as a multiple of a recording's and of an
account's. Memory, too, is the peak of a process of its own for each.

    python benchmarks/tracing.py --repeats 50
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, cast

import torch
from torch import Tensor, nn

from vae_explain.models.builtin_vae import VAE, vae_loss
from vae_explain.recording.capture import Capture
from vae_explain.recording.recorder import capture
from vae_explain.trace import Trace


@dataclass(frozen=True)
class Case:
    """A size, how many rows, and the ratio to stay under."""

    dims: tuple[int, ...]
    rows: int
    target: float

    @property
    def label(self) -> str:
        return "-".join(map(str, self.dims))


CASES = (
    Case((4, 8, 2, 8, 4), 1, 1.5),
    Case((784, 400, 20, 400, 784), 1, 1.35),
    Case((784, 400, 20, 400, 784), 128, 1.1),
)
HAS_TORCHLENS = importlib.util.find_spec("torchlens") is not None
TORCHLENS_REPEATS = 10  # each takes a tenth of a second


class Whole(nn.Module):
    """The built-in VAE and its loss as one module, which is what TorchLens traces."""

    def __init__(self, dims: tuple[int, ...]) -> None:
        super().__init__()
        self.vae = VAE(dims)

    def forward(self, x: Tensor) -> Tensor:
        recon_x, mu, logvar = self.vae(x)
        return vae_loss(recon_x, x, mu, logvar)


class Passes:
    """The passes that are compared, over one model and one input."""

    def __init__(self, case: Case) -> None:
        torch.manual_seed(0)
        self.model = Whole(case.dims)
        self.x = torch.rand(case.rows, case.dims[0])

    def plain(self) -> None:
        self.model.zero_grad()
        torch.autograd.backward(self.model(self.x))

    def record(self) -> Capture:
        return capture(self._objective, modules={"": self.model.vae}, inputs={"x": self.x})

    def account(self) -> Trace:
        return self.record().trace(lasting=False)

    def lasting(self) -> Trace:
        return self.record().trace(lasting=True)

    def _objective(self) -> Tensor:
        loss: Tensor = self.model(self.x)
        return loss

    def torchlens(self) -> Any:
        torchlens: Any = importlib.import_module("torchlens")
        self.model.zero_grad()
        options = torchlens.options.CaptureOptions(save_grads=True)
        log = torchlens.trace(self.model, self.x.clone().requires_grad_(), capture=options)
        log.log_backward(log[log.output_layers[0]].out)
        return log


def measure(passes: Sequence[Callable[[], object]], repeats: int) -> dict[str, float]:
    """Return the median milliseconds of each of some passes, run in turn, on one thread.

    They are the processor's own, which other work on the machine moves less than the clock's.
    """
    torch.set_num_threads(1)
    taken: dict[str, list[float]] = {call.__name__: [] for call in passes}
    for _ in range(repeats + 1):
        for call in passes:
            started = time.process_time()
            result = call()
            taken[call.__name__].append(1e3 * (time.process_time() - started))
            del result
    return {name: median(times[1:]) for name, times in taken.items()}


def torchlens_of(case: Case) -> dict[str, float]:
    """Return the same for TorchLens and a plain pass, measured in another process."""
    return cast(dict[str, float], json.loads(in_another_process("--torchlens", case)))


def in_another_process(option: str, case: Case) -> str:
    """Run this program for one number of its report and return what it prints."""
    command = (sys.executable, __file__, option, "--case", str(CASES.index(case)))
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def peak(case: Case, kind: str) -> float:
    """Return by how many MiB one pass raises the peak memory of a process of its own."""
    return float(in_another_process(f"--peak={kind}", case))


def own_peak(case: Case, kind: str) -> None:
    """Print the same for this process, which is fresh but for one small pass.

    What PyTorch and NumPy load at their first use is not the pass's own.
    """
    Passes(CASES[0]).account()
    passes = Passes(case)
    Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten
    before = highest_memory()
    kept = getattr(passes, kind)()
    print(highest_memory() - before)
    del kept


def highest_memory() -> float:
    """Return the process's peak of resident memory, in MiB."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def report(case: Case, repeats: int) -> str:
    """Measure one size and lay the medians out as a line."""
    passes = Passes(case)
    taken = measure((passes.plain, passes.record, passes.account, passes.lasting), repeats)
    plain, recording, account, lasting = taken.values()
    ratio = recording / plain
    met = "met" if ratio <= case.target else "NOT MET"
    line = (
        f"{case.label:20}  {case.rows:4}  {plain:8.2f}  {recording:9.2f}  {ratio:5.2f}  "
        f"{case.target:6.2f}  {met:7}  {account / plain:7.2f}  {lasting / plain:7.2f}"
    )
    if not HAS_TORCHLENS:
        return line
    other = torchlens_of(case)
    overhead = other["torchlens"] - other["plain"]
    over_recording, over_account = overhead / (recording - plain), overhead / (account - plain)
    return f"{line}  {other['torchlens']:12.1f}  {over_recording:9.0f}  {over_account:10.0f}"


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description="What recording costs.")
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("--peak", choices=("plain", "account"), help=argparse.SUPPRESS)
    parser.add_argument("--torchlens", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--case", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    case = CASES[arguments.case]
    if arguments.peak:
        own_peak(case, arguments.peak)
        return
    if arguments.torchlens:
        passes = Passes(case)
        print(json.dumps(measure((passes.plain, passes.torchlens), TORCHLENS_REPEATS)))
        return
    lens = f"  {'TorchLens ms':>12}  {'/ record':>9}  {'/ account':>10}" if HAS_TORCHLENS else ""
    print(
        f"{'widths':20}  {'rows':>4}  {'plain ms':>8}  {'record ms':>9}  {'ratio':>5}  "
        f"{'target':>6}  {'':7}  {'account':>7}  {'lasting':>7}{lens}"
    )
    for case in CASES:
        print(report(case, arguments.repeats))
    if not HAS_TORCHLENS:
        print("TorchLens is not installed: pip install 'vae-explain[benchmarks]'")
    if sys.platform != "linux":
        print("\nPeak memory is measured on Linux alone.")
        return
    print(f"\n{'peak memory':20}  {'rows':>4}  {'plain MiB':>9}  {'record MiB':>10}  {'ratio':>5}")
    for case in CASES[1:]:
        plain, recording = peak(case, "plain"), peak(case, "account")
        print(
            f"{case.label:20}  {case.rows:4}  {plain:9.1f}  {recording:10.1f}  "
            f"{recording / plain:5.2f}"
        )


if __name__ == "__main__":
    main()
