"""Names that are longer than the page, and long arithmetic: what is broken, and where."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

from vae_explain import explain
from vae_explain.pages.render.columns import broken_names, columns, joints
from vae_explain.pages.render.terminal import terminal


class Attending(nn.Module):
    """x [1, 2, 4]: names from inside PyTorch, of which nobody chose the length."""

    def __init__(self) -> None:
        super().__init__()
        self.attention_of_encoder = nn.MultiheadAttention(4, 2, batch_first=True)
        self.to_mu = weight_norm(nn.Linear(4, 2))
        self.to_logvar = nn.Linear(4, 2)
        self.out = nn.Linear(2, 4)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        attended, _ = self.attention_of_encoder(x, x, x)
        mu, logvar = self.to_mu(attended), self.to_logvar(attended)
        z = mu + torch.randn_like(mu) * (0.5 * logvar).exp()
        return self.out(z), mu, logvar


def elbo(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    mse = F.mse_loss(recon, x)
    kld = -0.5 * torch.mean(1 + logvar - mu**2 - logvar.exp())
    return mse + kld


@pytest.fixture(scope="module")
def pages() -> dict[str, list[str]]:
    torch.manual_seed(3)
    x = torch.tensor([[[0.5, 0.25, 1.0, 0.0], [0.75, 0.5, 0.0, 0.125]]])
    explained = explain(Attending(), x, loss=elbo)
    return {
        f"{name} {width}": terminal.plain(terminal.lay_out(page, width)).splitlines()
        for name, page in (
            ("forward", explained.forward().walkthrough),
            ("backward", explained.backward().walkthrough),
        )
        for width in (40, 60, 80, 120)
    }


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("command", ["forward", "backward"])
def test_a_name_longer_than_the_page_makes_no_line_longer(
    command: str, width: int, pages: dict[str, list[str]]
) -> None:
    assert not [line for line in pages[f"{command} {width}"] if columns(line) > width]


@pytest.mark.parametrize("command", ["forward", "backward"])
def test_no_number_is_lost_where_names_are_broken(
    command: str, pages: dict[str, list[str]]
) -> None:
    def decimals(width: int) -> set[str]:
        return set(re.findall(r"-?\d+\.\d{4,8}\b", "\n".join(pages[f"{command} {width}"])))

    results = {
        line.rpartition(" = ")[2] for line in pages[f"{command} 120"] if " = " in line
    } & decimals(120)
    assert len(results) > 40
    assert not results - decimals(40)


def test_a_layer_of_many_rows_says_that_its_gradient_sums_them(
    pages: dict[str, list[str]],
) -> None:
    text = "\n".join(pages["backward 120"])
    assert "the output's gradient, summed over 2 rows" in text
    assert "what arrives, as it is" not in text


def test_a_value_that_is_passed_on_is_not_said_to_equal_itself(
    pages: dict[str, list[str]],
) -> None:
    for line in pages["forward 120"]:
        parts = line.split(" = ")
        if len(parts) == 3:
            with_letters = re.search(r"[^\d.-]", parts[1])
            assert with_letters or float(parts[1]) != float(parts[2].split()[0]), line


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ("encoder.to_mu.weight", True),
        ("0.70710678118654752440", False),
        ("1.5e-08+0.000000000012", False),
        ("layers.0", False),
    ],
)
def test_names_have_joints_and_numbers_have_none(text: str, has: bool) -> None:
    assert bool(joints(text)) == has
    assert "".join(broken_names(text, 8)) == text


@pytest.mark.parametrize("width", [6, 10, 16])
def test_a_name_is_broken_before_a_dot_or_behind_an_underscore(width: int) -> None:
    text = "encoder.hidden_layers.0.to_logvar.weight"
    parts = broken_names(text, width)
    assert "".join(parts) == text
    for before, behind in pairwise(parts):
        assert before.endswith("_") or behind.startswith(".")
