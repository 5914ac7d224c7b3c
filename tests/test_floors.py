"""What pages say of the constants that PyTorch puts into a saturated cross-entropy."""

from __future__ import annotations

from pathlib import Path

import pytest

from .pages import CommandLine

SATURATED = ("--set", "fc_dec2.bias[0]=800", "--set", "fc_dec2.bias[1]=-800")
BY_A_LOGARITHM, BY_A_SLOPE = "-100 stands here for", "1e-12 stands here for"
PAGES = [
    (("forward",), BY_A_LOGARITHM),
    (("forward", "bce", "--arithmetic", "full"), BY_A_LOGARITHM),
    (("why", "bce"), BY_A_LOGARITHM),
    (("backward", "--wrt", "recon_x"), BY_A_SLOPE),
    (("why", "recon_x.grad[1]"), BY_A_SLOPE),
]


@pytest.mark.parametrize(("command", "words"), PAGES, ids=lambda part: " ".join(part))
def test_a_line_says_why_a_saturated_cross_entropy_is_what_it_is(
    cli: CommandLine, command: tuple[str, ...], words: str
) -> None:
    asked = (*command, "--x", "1,0,1,0", "--recon", "bce")
    outcome = cli(*asked, *SATURATED)
    assert outcome.code == 0, outcome.err
    assert outcome.out.count(words) == 1
    assert "stands here" not in cli(*asked).out


LOSS = """
import torch
from torch import nn

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)

    def forward(self, x):
        p = torch.sigmoid(self.layer(x))
        return (p - 100).sum()
"""


def test_a_constant_of_the_users_own_is_not_said_to_be_pytorchs(
    cli: CommandLine, tmp_path: Path
) -> None:
    path = tmp_path / "model.py"
    path.write_text(LOSS, encoding="utf-8")
    outcome = cli("forward", "--model", f"{path}:Model", "--x", "1,2")
    assert outcome.code == 0, outcome.err
    assert "stands here" not in outcome.out
