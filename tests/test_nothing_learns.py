"""Models of which nothing is trained: every page says so, and shows the rest."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from vae_explain import explain
from vae_explain.api.explain import Explanation

from .pages import CommandLine

X = torch.tensor([[0.2, 0.9, 0.5, 0.1]])
SOURCE = """
import torch
from torch import nn


class Plain(nn.Module):
    def forward(self, x):
        mu = x[:, :2] * 0.5
        z = mu + torch.randn_like(mu)
        recon = torch.cat([z, z], dim=1)
        mse = ((recon - x) ** 2).sum()
        kl = 0.5 * (mu ** 2).sum()
        return {"loss": mse + kl}
"""


class Plain(nn.Module):
    def forward(self, x: Tensor) -> dict[str, Tensor]:
        mu = x[:, :2] * 0.5
        z = mu + torch.randn_like(mu)
        recon = torch.cat([z, z], dim=1)
        return {"loss": ((recon - x) ** 2).sum() + 0.5 * (mu**2).sum()}


class Frozen(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4).requires_grad_(False)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        recon = self.fc(x)
        return {"loss": ((recon - x) ** 2).sum()}


MODELS = {"no parameters": Plain, "frozen": Frozen}


@pytest.fixture(params=MODELS)
def explanation(request: pytest.FixtureRequest) -> Explanation:
    torch.manual_seed(1)
    return explain(MODELS[request.param](), X, seed=1, arithmetic="printed")


def test_its_document_has_no_gradients_and_no_step(explanation: Explanation) -> None:
    document = explanation.document()
    text = document.to_markdown()
    chapters = [line.split(" ", 2)[2] for line in text.splitlines() if line.startswith("## ")]
    assert chapters[-3:-1] == ["The backward pass", "How this was checked"]
    assert "nothing has a gradient" in text
    assert "∂" not in text
    assert "once back" not in text
    for written in (document.to_html(), document.to_latex(), document.to_notebook()):
        assert "nothing has a gradient" in written


def test_only_a_model_that_has_none_is_said_to_have_no_parameters(
    explanation: Explanation,
) -> None:
    has = any(value.kind == "parameter" for value in explanation.run.trace.values)
    text = explanation.document().to_markdown()
    assert ("This model has none: all of its numbers follow from the input" in text) is not has


def test_no_page_speaks_of_checks_that_there_were_none_of(explanation: Explanation) -> None:
    backward = str(explanation.backward())
    assert "nothing that is trained" in backward
    assert "0 lines" not in backward
    assert "0 gradients" not in str(explanation.check())


@pytest.mark.parametrize("ending", ["md", "html", "tex", "ipynb", "json"])
def test_the_command_writes_it(cli: CommandLine, tmp_path: Path, ending: str) -> None:
    (tmp_path / "plain.py").write_text(SOURCE, "utf-8")
    model = ("--model", f"{tmp_path}/plain.py:Plain", "--x", "0.2,0.9,0.5,0.1")
    outcome = cli("document", *model, "--output", f"{tmp_path}/out.{ending}")
    assert (outcome.code, outcome.out) == (0, "")
    assert f"wrote {tmp_path}/out.{ending}\n" in outcome.err
    assert (tmp_path / f"out.{ending}").stat().st_size


def test_sampling_it_shows_what_is_drawn(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "plain.py").write_text(SOURCE, "utf-8")
    model = ("--model", f"{tmp_path}/plain.py:Plain", "--x", "0.2,0.9,0.5,0.1")
    outcome = cli("sample", "--draws", "4", *model)
    assert outcome.code == 0, outcome.err
    assert "What is drawn: z" in outcome.out
    assert "gradients" not in outcome.out
