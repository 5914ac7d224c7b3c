"""Where a figure has other digits in the other arithmetic, the page says it beside."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from vae_explain import pipeline
from vae_explain.models.builtin_config import Architecture
from vae_explain.models.request import Request

from .pages import CommandLine

DEFAULT = Request(source=Architecture(), x=((1.0, 2.0, 3.0, 4.0),))


def one_line(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(
    ("target", "arithmetic", "own", "beside"),
    [
        ("fc1.weight.grad[0,1]", "full", "0.5470", "rounded to 4 decimals it is 0.5469."),
        ("fc1.weight.grad[0,1]", "printed", "0.5469", "PyTorch's float32, with parameters and ε "),
        ("loss", "printed", "31.5105", "parameters and ε unrounded, it is 31.5104."),
    ],
)
def test_one_number(
    cli: CommandLine, target: str, arithmetic: str, own: str, beside: str, tmp_path: Path
) -> None:
    command = ("why", target, "--arithmetic", arithmetic)
    outcome = cli(*command)
    assert own in outcome.out
    assert beside in one_line(outcome.out)
    assert cli(*command, "--no-cache").out == outcome.out
    kept = tmp_path / "run.safetensors"
    assert cli("record", "-o", str(kept)).code == 0
    of_recording = one_line(cli("why", target, "--arithmetic", arithmetic, "--run", str(kept)).out)
    assert beside in of_recording


def test_the_same_digits_are_said_once(cli: CommandLine) -> None:
    runs = [pipeline.run(DEFAULT), pipeline.run(Request(**{**vars(DEFAULT), "arithmetic": "full"}))]
    kl = {f"{run.array('kl'):.4f}" for run in runs}
    assert kl == {"0.4095"}
    assert "decimals it is" not in one_line(cli("why", "kl", "--arithmetic", "full").out)


def test_each_gradient_of_pytorch_is_found_in_a_document_of_rounded_parameters(
    cli: CommandLine,
) -> None:
    run = pipeline.run(Request(**{**vars(DEFAULT), "arithmetic": "full"}))
    text = cli("document").out.replace("−", "-")
    for value in run.trace.values:
        if value.kind == "parameter":
            for number in np.ravel(run.gradients[value.id]):
                assert f"{number:.4f}".replace("-0.0000", "0.0000") in text


def test_a_whole_parameter_names_a_few(cli: CommandLine) -> None:
    text = one_line(cli("backward", "--param", "fc1.weight").out)
    assert re.search(
        r"these numbers differ, by at most [\d.]+: of ∂loss/∂fc1.weight \[0,1\] 0.5469, ", text
    )
    assert " and 13 more." in text


OWN = """\
import torch
from torch import nn

RUNS = []


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc, self.dec = nn.Linear(4, 4), nn.Linear(2, 4)

    def forward(self, x):
        mu, logvar = self.enc(x).chunk(2, -1)
        std = torch.exp(0.5 * logvar)
        z = mu + std * torch.randn_like(std)
        loss = ((self.dec(z) - x) ** 2).sum()
        return loss - 0.5 * torch.sum(1 + logvar - mu**2 - logvar.exp())


class Single(Model):
    def forward(self, x):
        if x.dtype != torch.float32:
            raise TypeError("float32 alone")
        return super().forward(x)


class Varies(Model):
    def forward(self, x):
        RUNS.append(1)
        return super().forward(x) * (1 + len(RUNS))
"""


def own(folder: Path, name: str) -> list[str]:
    file = folder / "own.py"
    file.write_text(OWN)
    return ["--model", f"{file}:{name}", "--x", "1,2,3,4"]


def test_a_model_of_ones_own_has_both_arithmetics(cli: CommandLine, tmp_path: Path) -> None:
    options = own(tmp_path, "Model")
    numbers = {}
    for arithmetic in ("full", "printed"):
        out = cli("why", "enc.weight.grad", *options, "--arithmetic", arithmetic).out
        found = re.search(r"enc\.weight\.grad\[\d,\d\] +(-?[\d.]+)|= (-?[\d.]+)", out)
        assert found
        beside = re.search(r"it is (-?\d+\.\d{4})\.", one_line(out))
        assert beside
        numbers[arithmetic] = beside[1]
    assert numbers["full"] != numbers["printed"]
    document = cli("document", *options).out.replace("−", "-")
    assert numbers["printed"] in document  # which is full: the one a document has beside
    assert numbers["full"] in document
    alone = one_line(cli("backward", "--param", "enc.weight", *options).out)
    assert "rounded to 4 decimals these numbers differ, by at most" in alone


@pytest.mark.parametrize("name", ["Single", "Varies"])
@pytest.mark.parametrize("command", [["why", "loss"], ["backward", "--param", "enc.weight"]])
def test_what_the_arithmetic_did_is_not_said_where_it_cannot_be_told(
    cli: CommandLine, tmp_path: Path, command: list[str], name: str
) -> None:
    outcome = cli(*command, *own(tmp_path, name))
    assert (outcome.code, outcome.err) == (0, "")
    assert "decimals it is" not in one_line(outcome.out)
    assert "these numbers differ" not in one_line(outcome.out)


def test_sums_that_come_by_other_units_each_have_no_common_heads(cli: CommandLine) -> None:
    x = ",".join(str(i / 10) for i in range(33))
    text = cli("backward", "--dims", "33-33-2-33-33", "--x", x, "--param", "fc_dec2.weight").out
    wide = cli("backward", "--dims", "33-33-2-33-33", "--x", x, "--param", "fc_dec1.weight").out
    assert "by unit" not in text
    section = wide[wide.index("∂loss/∂decoder_hidden   [") :]
    section = section[: section.index("∂loss/∂decoder_pre   [")]
    assert "by unit" not in section
    assert "all others" in section
