"""What recording costs, as a multiple of the same model's plain forward and backward pass.

Recording copies every value to NumPy and takes the gradients of the loss and of each of
its terms, so it is more work than a plain pass; this program says how much. Both are run
in turn, in one process, and medians are compared.

    python benchmarks/tracing.py --repeats 50
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median

import torch
from torch import Tensor

from vae_explain.model import VAE, vae_loss
from vae_explain.recorder import record

CASES = (
    ((4, 8, 2, 8, 4), 1),
    ((784, 400, 20, 400, 784), 1),
    ((784, 400, 20, 400, 784), 128),
)


def measure(dims: tuple[int, ...], rows: int, repeats: int) -> tuple[float, float]:
    """Return the median seconds of a plain pass and of a recording."""
    torch.manual_seed(0)
    model = VAE(dims)
    x = torch.rand(rows, dims[0])

    def objective() -> Tensor:
        recon_x, mu, logvar = model(x)
        return vae_loss(recon_x, x, mu, logvar)

    def plain() -> None:
        model.zero_grad()
        torch.autograd.backward(objective())

    def recording() -> None:
        record(objective, modules={"": model}, inputs={"x": x}, lasting=False)

    def seconds(call: Callable[[], None]) -> float:
        started = time.perf_counter()
        call()
        return time.perf_counter() - started

    pairs = [(seconds(plain), seconds(recording)) for _ in range(repeats + 1)][1:]
    return median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description="What recording costs.")
    parser.add_argument("--repeats", type=int, default=50)
    repeats = parser.parse_args().repeats
    print(f"{'widths':24}  {'rows':>4}  {'plain ms':>8}  {'record ms':>9}  {'ratio':>5}")
    for dims, rows in CASES:
        plain, recording = measure(dims, rows, repeats)
        widths = "-".join(map(str, dims))
        print(
            f"{widths:24}  {rows:4}  {1e3 * plain:8.2f}  {1e3 * recording:9.2f}  "
            f"{recording / plain:5.1f}"
        )


if __name__ == "__main__":
    main()
