"""How far two processors may be apart on a number: far enough for them, and no further.

Another processor is one that adds up in another order. So is this one, where the model's
units are: a network whose units have changed places computes the same numbers.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor

from vae_explain.analysis.proofread.judging.recomputed import array_of, inputs_of
from vae_explain.analysis.proofread.judging.rounding import DOUBLE, SINGLE, Roundings, off_as_drawn
from vae_explain.analysis.proofread.matching.names import Name
from vae_explain.engine.run import Run, by_hand
from vae_explain.models.builtin_config import Architecture
from vae_explain.models.builtin_vae import VAE, vae_loss
from vae_explain.models.request import Request
from vae_explain.pipeline import run
from vae_explain.trace import Array

ARCHITECTURES = {
    "the reference": Architecture(),
    "deep": Architecture(dims=(5, 7, 6, 4, 6, 7, 5), activation="tanh"),
    "wide": Architecture(dims=(60, 40, 5, 40, 60), activation="elu", reduction="mean"),
    "cross-entropy": Architecture(dims=(9, 12, 1, 12, 9), recon="bce", beta=0.5),
    "a tail of gelu": Architecture(dims=(3, 20, 2, 20, 3), activation="gelu"),
}
RATE = 0.01


@cache
def full(kind: str, seed: int, rows: int) -> Run:
    """Return a run in PyTorch's float32."""
    architecture = ARCHITECTURES[kind]
    numbers = np.random.default_rng(seed).random((rows, architecture.input_size)).round(3)
    x = tuple(tuple(map(float, row)) for row in numbers * (1 if "entropy" in kind else 4))
    return run(Request(x, seed, arithmetic="full", source=architecture))


def names(of: Run) -> list[Name]:
    """Return every quantity that a document can print."""
    values = [value for value in of.trace.values if value.name]
    found = [Name(value.name or "") for value in values]
    found += [Name(value.name or "", gradient=True) for value in values if value.id in of.gradients]
    terms = [term.name for term in of.trace.terms]
    found += [Name(name.value, True, term) for name in found if name.gradient for term in terms]
    parameters = [value.name or "" for value in values if value.kind == "parameter"]
    return found + [Name(name, updated=True) for name in parameters]


@pytest.mark.text
@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("seed", [0, 42])
@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_float32_is_within_it_of_what_is_exact(kind: str, seed: int, rows: int) -> None:
    of = full(kind, seed, rows)
    still, off = by_hand(of), Roundings(of, inputs_of(of), SINGLE, RATE)
    for name in names(of):
        mine, theirs = array_of(of, name, RATE), array_of(still, name, RATE)
        allowed = off.array(name) + np.spacing(np.abs(mine).astype(np.float32))
        assert np.all(np.abs(mine - theirs) <= allowed), name.tensor


@pytest.mark.text
@pytest.mark.parametrize("seed", [1, 7])
@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_another_order_is_within_it(kind: str, seed: int) -> None:
    of = full(kind, seed, 2)
    off = Roundings(of, inputs_of(of), SINGLE)
    for order in range(3):
        for name, array in reordered(of, ARCHITECTURES[kind], order).items():
            apart = np.abs(array_of(of, name) - array.reshape(array_of(of, name).shape))
            assert np.all(apart <= off.array(name)), name.tensor


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_it_leaves_the_digits_that_count(kind: str) -> None:
    of = full(kind, 3, 2)
    for rounding, digits in ((SINGLE, 4), (DOUBLE, 13)):
        off = Roundings(of, inputs_of(of), rounding, RATE)
        for name in names(of):
            largest = np.max(np.abs(array_of(of, name, RATE)))
            if "kl" in (name.value, name.term):
                largest = max(1.0, largest)  # of which it takes one away
            assert np.all(off.array(name) <= 0.5 * 10.0**-digits * largest), name.tensor


def test_a_closed_gate_is_exact() -> None:
    of = full("the reference", 42, 1)
    off = Roundings(of, inputs_of(of), SINGLE)
    for name in (Name("encoder_hidden"), Name("fc_dec2.weight", gradient=True)):
        closed = array_of(of, name) == 0
        assert closed.any()
        assert not off.array(name)[closed].any()
        assert off.array(name)[~closed].all()


def test_an_input_that_is_printed_rounded_leaves_open_what_follows() -> None:
    of = full("the reference", 42, 1)
    inputs, half = inputs_of(of), 5e-9
    exactly = Roundings(of, inputs, DOUBLE)
    openly = Roundings(of, inputs, DOUBLE, open_by={"x": np.full(inputs["x"].shape, half)})
    loss = Name("loss")
    assert exactly.array(loss) < 1e-12
    assert half < openly.array(loss) < 100 * half


def test_what_is_drawn_may_be_rounded_as_the_largest_draw_is() -> None:
    of = full("the reference", 42, 1)
    assert off_as_drawn(of, "fc1.weight") == 4 * SINGLE / 2  # of 4 inputs, so up to 1/2
    assert off_as_drawn(of, "fc1.bias") == 4 * SINGLE / 2
    assert off_as_drawn(of, "eps") == 0.0  # so few are drawn in float64
    assert off_as_drawn(full("deep", 0, 3), "eps") == 0.0
    assert off_as_drawn(full("deep", 0, 4), "eps") > 20 * SINGLE


# --- the same numbers in other ways -----------------------------------------------------


def reordered(of: Run, architecture: Architecture, order: int) -> dict[Name, Array]:
    """Compute a run in PyTorch with its hidden units in another order; return what has none."""
    random = np.random.default_rng(order)
    sizes = architecture.dims
    middle = architecture.middle
    places = [
        np.arange(size) if at in (0, middle, len(sizes) - 1) else random.permutation(size)
        for at, size in enumerate(sizes)
    ]
    model = VAE(sizes, architecture.activation, architecture.recon == "bce")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            before, after = layer_between(name, middle)
            array = of.array(name)[places[after]]
            array = array[:, places[before]] if array.ndim > 1 else array
            parameter.copy_(torch.from_numpy(np.ascontiguousarray(array)))
    x, eps = (torch.from_numpy(of.array(name).copy()) for name in ("x", "eps"))
    mu, logvar = model.encode(x)
    z = mu + torch.exp(0.5 * logvar) * eps
    recon = model.decode(z)
    for tensor in (mu, logvar, z):
        tensor.retain_grad()
    loss = vae_loss(
        recon, x, mu, logvar, architecture.recon, architecture.reduction, architecture.beta
    )
    torch.autograd.backward(loss)
    found = {Name("mu"): mu, Name("logvar"): logvar, Name("z"): z, Name("loss"): loss}
    slopes = {Name(n, True): t.grad for n, t in (("mu", mu), ("logvar", logvar), ("z", z))}
    last = f"fc_dec{len(sizes) - 1 - middle}.bias"
    slopes |= {
        Name(name, True): parameter.grad
        for name, parameter in model.named_parameters()
        if name in ("fc_mu.bias", "fc_logvar.bias", last)
    }
    tensors: dict[Name, Tensor | None] = {**found, **slopes}
    return {name: t.detach().numpy() for name, t in tensors.items() if t is not None}


def layer_between(name: str, middle: int) -> tuple[int, int]:
    """Return which widths a parameter's layer leads from and to, by their place in the dims."""
    layer = name.partition(".")[0]
    if layer in ("fc_mu", "fc_logvar"):
        return middle - 1, middle
    number = int(layer.removeprefix("fc_dec").removeprefix("fc"))
    after = number + middle if layer.startswith("fc_dec") else number
    return after - 1, after
