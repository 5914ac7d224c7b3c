"""What watching costs a training step that it only looks at, and what a close look takes.

The model is a VAE of widths 784-400-20-400-784 with a batch of 128 rows and Adam. Plain and
watched steps are made in turn, each of a loop of its own, and medians are compared; the same for
a loop that has the loss read by a `TorchFunctionMode`, which is what `watch` does not do.

    python benchmarks/watch.py --steps 200
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from contextlib import ExitStack
from statistics import median
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from vae_explain import watch
from vae_explain.models.builtin_vae import VAE, vae_loss

WIDTHS = (784, 400, 20, 400, 784)
ROWS, TARGET = 128, 1.1
NEVER = 10**9


class EveryCall(TorchFunctionMode):
    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        return function(*args, **(kwargs or {}))


def loss(recon_x: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return vae_loss(recon_x, x, mu, logvar, "bce", "sum", 1.0)


def loop(x: Tensor) -> tuple[VAE, torch.optim.Optimizer, Callable[[], None]]:
    """Return a model, its optimizer and one step of its loop."""
    torch.manual_seed(0)
    model = VAE(WIDTHS, "relu", True)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def step() -> None:
        optimizer.zero_grad()
        recon_x, mu, logvar = model(x)
        loss(recon_x, x, mu, logvar).backward()  # type: ignore[no-untyped-call]  # PyTorch's own
        optimizer.step()

    return model, optimizer, step


def seconds(step: Callable[[], None]) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    x = torch.rand(ROWS, WIDTHS[0], generator=torch.Generator().manual_seed(1))
    _, _, plain = loop(x)
    model, optimizer, watched = loop(x)
    _, _, moded = loop(x)
    taken: dict[str, list[float]] = {"plain": [], "watched": [], "mode": []}
    with ExitStack() as open_ones:
        open_ones.enter_context(watch(model, loss, optimizer, every=NEVER))
        close = seconds(watched)
        for _ in range(chosen.steps):
            taken["plain"].append(seconds(plain))
            taken["watched"].append(seconds(watched))
            with EveryCall():
                taken["mode"].append(seconds(moded))
        middle = {name: median(times) for name, times in taken.items()}
    for name in ("watched", "mode"):
        ratio = middle[name] / middle["plain"]
        verdict = f", at most {TARGET} wanted" if name == "watched" else ""
        print(f"a step, {name}: {ratio:.3f} × a plain one{verdict}")
    print(f"a plain step: {1000 * middle['plain']:.2f} ms")
    print(f"a step that is looked at closely: {close:.2f} s")


if __name__ == "__main__":
    main()
