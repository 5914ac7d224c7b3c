"""Draws that are not the noise of a sample: a run in float64 makes those of the run in float32.

From one state of PyTorch's generator, 16 float64 numbers or more are others than as many float32,
and leave another state behind. A permutation or a gamma drawn next would then be another, too.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vae_explain.analysis.gradient_check import CENTRAL, check_own
from vae_explain.engine.run import Arithmetic
from vae_explain.models.prepare import prepared
from vae_explain.models.request import Request, UserModel
from vae_explain.pages.walkthrough.checking import checking as page
from vae_explain.pipeline import run

from .pages import text_of
from .requests import run_and_nudge

SOURCE = """
import torch
import torch.nn.functional as F
from torch import distributions, nn

class Base(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(4, 4)
        self.decoder = nn.Linear(2, 4)

    def forward(self, x):
        mu, logvar = self.encoder(x).chunk(2, -1)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        with torch.no_grad():
            drawn = self.draw(z)
        kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
        return (self.decoder(z * drawn) - x).square().sum() + kl

class Gamma(Base):
    def draw(self, z):
        return distributions.Gamma(2.0, 1.0).sample(z.shape)

class Beta(Base):
    def draw(self, z):
        return distributions.Beta(z.exp(), torch.tensor(2.0)).sample()

class Poisson(Base):
    def draw(self, z):
        return torch.poisson(3 * z.exp())

class Permuted(Base):
    def draw(self, z):
        return z[torch.randperm(len(z))]

class Whole(Base):
    def draw(self, z):
        return torch.randint(0, 5, z.shape)

class Chosen(Base):
    def draw(self, z):
        return z[torch.multinomial(z[:, 0].softmax(0), len(z))]

class WrittenOver(Base):
    def draw(self, z):
        return torch.empty_like(z).cauchy_().tanh() + torch.empty_like(z).geometric_(0.4)

class BehindDropout(Base):
    def draw(self, z):
        return F.dropout(torch.ones_like(z), 0.3) * z[torch.randperm(len(z))]

class FromItsOwn(Base):
    def draw(self, z):
        generator = torch.Generator().manual_seed(7)
        noise = torch.randn(z.shape, generator=generator)
        return noise + z[torch.randperm(len(z), generator=generator)]

class Mapped(Base):
    def draw(self, z):
        jittered = torch.vmap(lambda row: row + torch.randn_like(row), randomness="different")
        return jittered(z) + z[torch.randperm(len(z))]

class Rejecting(Base):
    def draw(self, z):
        found = torch.zeros_like(z)
        waiting = torch.ones_like(z, dtype=torch.bool)
        while waiting.any():
            proposed = distributions.Beta(torch.tensor(0.5), torch.tensor(0.5)).sample(z.shape)
            taken = waiting & (proposed * z.abs() > torch.rand_like(z) - 0.5)
            found[taken] = proposed[taken]
            waiting = waiting & ~taken
        return found

class Learned(Base):
    def __init__(self):
        super().__init__()
        self.shape = nn.Parameter(torch.tensor([1.5, 2.5]))

    def forward(self, x):
        mu, logvar = self.encoder(x).chunk(2, -1)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        z = z * distributions.Gamma(self.shape, 1.0).rsample(z.shape[:1])
        kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
        return (self.decoder(z) - x).square().sum() + kl
"""
NAMES = (
    "Gamma", "Beta", "Poisson", "Permuted", "Whole", "Chosen", "WrittenOver", "BehindDropout",
    "FromItsOwn", "Mapped", "Rejecting",
)  # fmt: skip
ROWS = 12  # of two numbers of noise each


@pytest.fixture
def own(tmp_path: Path) -> Path:
    (tmp_path / "own.py").write_text(SOURCE)
    return tmp_path / "own.py"


def request(own: Path, name: str, arithmetic: Arithmetic = "full") -> Request:
    x = np.random.default_rng(3).normal(size=(ROWS, 4)).astype(np.float32)
    return Request(x, 1, arithmetic=arithmetic, source=UserModel(f"{own}:{name}"))


@pytest.mark.parametrize("arithmetic", ["full", "printed"])
@pytest.mark.parametrize("name", NAMES)
def test_central_differences_agree(own: Path, name: str, arithmetic: Arithmetic) -> None:
    found = check_own(*run_and_nudge(request(own, name, arithmetic)))
    assert (found.passed, found.missing) == (True, "")
    for parameter in found.parameters:
        assert parameter.not_compared == ""
        assert parameter.differences[CENTRAL].conclusive


def test_a_gamma_of_a_parameter_is_not_compared_there_and_the_rest_is(own: Path) -> None:
    found = check_own(*run_and_nudge(request(own, "Learned")))
    assert found.passed
    without = {parameter.name for parameter in found.parameters if parameter.not_compared}
    assert without == {"shape"}
    assert "standard_gamma draws by rejection" in " ".join(text_of(page(found), 80).split())


@pytest.mark.parametrize("name", NAMES)
def test_rounded_parameters_are_run_with_the_same_draws(own: Path, name: str) -> None:
    full, printed = (run(request(own, name, arithmetic)) for arithmetic in ("full", "printed"))
    # Four decimals move a loss of this size by some thousandths; another draw, by whole numbers.
    assert printed.array("loss") == pytest.approx(full.array("loss"), rel=2e-3)


@pytest.mark.parametrize("arithmetic", ["full", "printed"])
@pytest.mark.parametrize("name", NAMES)
def test_a_run_that_is_done_again_has_the_same_draws(
    own: Path, name: str, arithmetic: Arithmetic
) -> None:
    with prepared(request(own, name, arithmetic)) as subject:
        recorded = subject.run_in(arithmetic)
        again = recorded.again()
    assert again.array("loss") == recorded.run.array("loss")
