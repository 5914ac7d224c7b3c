"""The way of a request through the house, on one page: load, record, choose the arithmetic.

A newcomer starts here. What a command shows is made from the `Run` that this returns.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .architecture import BUILT_IN, Architecture
from .model import VAE, vae_loss
from .recorder import record
from .run import Arithmetic, Run, as_printed, full_run, printed_run
from .trace import Trace


@dataclass(frozen=True)
class Request:
    """What to run: the rows of x, the seed, the noise if given, and the arithmetic."""

    x: tuple[tuple[float, ...], ...]
    seed: int = 42
    eps: tuple[float, ...] | None = None
    arithmetic: Arithmetic = "printed"
    architecture: Architecture = BUILT_IN


def run(request: Request) -> Run:
    """Run the built-in VAE as asked and return its numbers.

    Raises
    ------
    NotFinite
        If the loss or a gradient overflows, naming the first value that did.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(request.seed)
        model = VAE(*request.architecture.sizes)
        x = torch.tensor(request.x, dtype=torch.float32)
        noise = [torch.tensor(request.eps)] if request.eps is not None else []
        trace = _record(model, x, noise)
        label = request.architecture.label
        given = request.eps is not None
        if request.arithmetic == "full":
            result = full_run(trace, request.seed, label, given)
        else:
            rounded = _record(*_as_printed(model, x, trace))
            result = printed_run(rounded, request.seed, label, given)
    result.require_finite()
    return result


def _record(model: VAE, x: Tensor, noise: Sequence[Tensor]) -> Trace:
    def objective() -> Tensor:
        recon_x, mu, logvar = model(x)
        return vae_loss(recon_x, x, mu, logvar)

    return record(objective, modules={"": model}, inputs={"x": x}, noise=noise)


def _as_printed(model: VAE, x: Tensor, trace: Trace) -> tuple[VAE, Tensor, list[Tensor]]:
    """Return model, input and noise in float64, parameters and noise rounded as printed."""
    rounded = copy.deepcopy(model).double()
    round_parameters(rounded)
    drawn = [value.array for value in trace.values if value.kind == "noise"]
    return rounded, x.double(), [torch.from_numpy(as_printed(array)) for array in drawn]


def round_parameters(model: nn.Module) -> None:
    """Round a model's parameters in place to the decimals that a page prints."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.from_numpy(as_printed(parameter.numpy())))
