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


def test_sums_that_come_by_other_units_each_have_no_common_heads(cli: CommandLine) -> None:
    x = ",".join(str(i / 10) for i in range(33))
    text = cli("backward", "--dims", "33-33-2-33-33", "--x", x, "--param", "fc_dec2.weight").out
    wide = cli("backward", "--dims", "33-33-2-33-33", "--x", x, "--param", "fc_dec1.weight").out
    assert "by unit" not in text
    section = wide[wide.index("∂loss/∂decoder_hidden   [") :]
    section = section[: section.index("∂loss/∂decoder_pre   [")]
    assert "by unit" not in section
    assert "all others" in section
