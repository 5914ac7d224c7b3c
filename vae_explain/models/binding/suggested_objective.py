"""The objective that a message shows where a loss cannot be bound: it runs as it is pasted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from .model_outputs import Outputs
from .part_names import LATENT, LOGVAR, MEAN, RECON

START = """\
def objective(model, x):
    out = model(x)
    """


def objective_calling(function: str, arguments: Mapping[str, str]) -> str:
    """Write an objective that calls a loss with arguments given as code, by parameter."""
    passed = ", ".join(f"{name}={code}" for name, code in arguments.items())
    return f"{START}return {function}({passed})"


def objective_of(outputs: Outputs) -> str:
    """Write the usual loss of a VAE from what a model returned, as far as that is known."""
    tensors = [
        part
        for part in outputs.leaves
        if isinstance(part.value, Tensor) and part.value.is_floating_point()
    ]
    recon = [part for part in tensors if part.family is RECON] or [
        part for part in tensors if part.value.numel() == outputs.x.numel() and not part.family
    ]
    left = [part for part in tensors if part.family is not LATENT]
    left = [part for part in left if not recon or part.path != recon[0].path]
    mu = [part for part in left if part.family is MEAN] or left[:1]
    logvar = [part for part in left if part.family is LOGVAR] or left[1:2]
    if not tensors:
        return f"{START}return ...  # one number, made of out and x"
    if not recon:
        return f"{START}return (out{tensors[0].code} ** 2).sum()  # your loss in its place"
    r = f"out{recon[0].code}"
    x = "x" if recon[0].value.shape == outputs.x.shape else f"x.reshape({r}.shape)"
    error = f"(({r} - {x}) ** 2).sum()"
    if not (mu and logvar and mu[0].value.shape == logvar[0].value.shape):
        return f"{START}return {error}"
    m, v = f"out{mu[0].code}", f"out{logvar[0].code}"
    return (
        f"{START}mu, logvar = {m}, {v}\n"
        f"    return {error} - 0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()"
    )


def objective_of_more(inputs: Sequence[str]) -> str:
    """Write an objective for a model that takes more than x."""
    more = ", ".join(inputs)
    return (
        f"def objective(model, x):\n    out = model(x, {more})  # with {more} of yours\n"
        "    return my_loss(out, x)"
    )
