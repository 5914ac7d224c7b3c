"""What commands cost on models of the kinds that people train, beside running them plainly.

Each command is run as a whole, in a process of its own, on a batch of 3 images of 3×64×64, on
rows of 784 numbers, on 40 steps of a sequence or on a graph of 200 nodes. What is shown is the
processor time beyond that of a program which loads PyTorch and runs the same model forward and
backward, and the largest memory. The models are those of `tests/models/`, at their full size.

    python benchmarks/real_models.py
    python benchmarks/real_models.py --models ladder,lstm --commands backward,why
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

MODELS = Path(__file__).parent.parent / "tests" / "models"
IMAGES, ROWS, SEQUENCES, NODES = (3, 3, 64, 64), (3, 784), (3, 40, 16), (200, 64)


class Model(NamedTuple):
    """A model's file and class, the shape of its input, and the parameter that is asked for."""

    where: str
    shape: tuple[int, ...]
    parameter: str


CASES = {
    "ladder": Model("ladder.py:LadderVAE", IMAGES, "down.0.conv.weight"),
    "ssim": Model("ssim.py:SSIMVAE", IMAGES, "encoder.0.0.weight"),
    "vq": Model("quantised_images.py:ImageVQVAE", IMAGES, "encoder.0.weight"),
    "flows": Model("flows.py:FlowVAE", ROWS, "encoder.0.weight"),
    "attention": Model("attention_images.py:AutoencoderKL", IMAGES, "encoder.0.weight"),
    "lstm": Model("sentences.py:SentenceVAE", SEQUENCES, "embedding.weight"),
    "graph": Model("graph.py:GraphVAE", NODES, "gc1.weight"),
}
COMMANDS: dict[str, tuple[tuple[str, ...], float]] = {
    "forward": (("forward",), 2.0),
    "backward": (("backward",), 3.0),
    "why": (("why", "PARAMETER.grad"), 0.5),
    "json": (("backward", "--format", "json"), 3.0),
    "audit": (("audit",), 4.0),
    "check": (("check",), 10.0),
    "document": (("document", "-o", "document.html"), 12.0),
}
PLAIN = """
import importlib.util, sys, numpy, torch
spec = importlib.util.spec_from_file_location("model", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
torch.manual_seed(42)
model, x = getattr(module, sys.argv[2])(), torch.from_numpy(numpy.load(sys.argv[3]))
output = model(x)
losses = output if isinstance(output, dict) else model.loss_function(*output)
losses["loss"].backward()
"""


def cost(command: Sequence[str], folder: Path) -> tuple[float, float, int]:
    """Run a command; return its processor seconds, its largest memory in MB, its exit code."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env=environment,
    )
    _, status, used = os.wait4(process.pid, 0)
    code = os.waitstatus_to_exitcode(status)
    process.returncode = code
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, code


def main() -> None:
    """Measure and print, a line as each is known."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", default=",".join(CASES))
    parser.add_argument("--commands", default=",".join(COMMANDS))
    arguments = parser.parse_args()
    print(f"{'model':10}  {'command':9}  {'seconds':>7}  {'target':>6}  {'':7}  {'MB':>6}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for label in arguments.models.split(","):
            model = CASES[label]
            file, _, made = model.where.partition(":")
            numbers = np.random.default_rng(0).random(model.shape).astype(np.float32)
            np.save(folder / "x.npy", numbers)
            plainly = [sys.executable, "-c", PLAIN, str(MODELS / file), made, "x.npy"]
            plain, memory, _ = min(cost(plainly, folder) for _ in range(2))
            print(f"{label:10}  {'(plain)':9}  {plain:7.2f}  {'':6}  {'':7}  {memory:6.0f}")
            for command in arguments.commands.split(","):
                words, target = COMMANDS[command]
                own = [word.replace("PARAMETER", model.parameter) for word in words]
                whole = [sys.executable, "-m", "vae_explain", *own]
                whole += ["--model", str(MODELS / model.where), "--x-file", "x.npy"]
                seconds, memory, code = cost(whole, folder)
                met = "met" if seconds - plain <= target else "NOT MET"
                met = met if code in (0, 1) else f"exit {code}"
                print(
                    f"{label:10}  {command:9}  {seconds - plain:7.2f}  {target:6.1f}  {met:7}  "
                    f"{memory:6.0f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
