"""Models that are not one process on one processor: a rank of several, and another device.

Without another device at hand a fake stands for one: tensors that NumPy reads as copies alone,
and only when it is told to, as it reads those of a GPU.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from vae_explain import explain

from .models import MODELS

RANK = """
import json, sys, torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel
from vae_explain import explain

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 4)

    def forward(self, x):
        mu, logvar = self.fc(x).chunk(2, dim=1)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return (z - x[:, :2]).pow(2).sum() - 0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum()

rank, store = int(sys.argv[1]), sys.argv[2]
distributed.init_process_group("gloo", init_method="file://" + store, rank=rank, world_size=2)
torch.manual_seed(0)
model, x = Model(), torch.arange(12.0).reshape(4, 3)[rank::2] / 10
whole, own = (explain(each, x, seed=1) for each in (DistributedDataParallel(model), model))
same = all(
    bool((whole.gradients["module." + name] == own.gradients[name]).all())
    for name in ("fc.weight", "fc.bias")
)
print(json.dumps([whole.run.label, x.tolist(), whole.values["x"].tolist(), same]))
distributed.barrier()
distributed.destroy_process_group()
"""


def test_each_rank_records_its_own_share_and_says_so(tmp_path: Path) -> None:
    words = [sys.executable, "-c", RANK]
    ranks = [
        subprocess.Popen([*words, str(rank), str(tmp_path / "store")], stdout=subprocess.PIPE)
        for rank in range(2)
    ]
    told = [json.loads(rank.communicate()[0] or "[]") for rank in ranks]
    assert [rank.returncode for rank in ranks] == [0, 0]
    for rank, (label, given, recorded, same) in enumerate(told):
        assert f"Model, the share of rank {rank} of 2, before gradients are averaged" in label
        assert given == recorded
        assert same
    assert told[0][1] != told[1][1]


DEVICES = [
    *["cuda"][: torch.cuda.is_available()],
    *["mps"][: torch.backends.mps.is_available()],
]


def read_as_of_a_device(tensor: Tensor, *, force: bool = False) -> Any:
    """Read a tensor as NumPy reads that of a GPU."""
    if not force:
        raise TypeError("can't convert device type tensor to numpy; use Tensor.cpu() first")
    return np.array(tensor.detach().tolist(), read.__get__(tensor.detach()[..., None])().dtype)


read = Tensor.numpy


@pytest.mark.parametrize("style", ["tuple", "dict", "batch norm"])
@pytest.mark.parametrize("device", DEVICES or ["a fake"])
def test_a_model_on_another_device_is_recorded_through_copies(
    style: str, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = MODELS[style]
    here = explain(own.build(), own.x(), seed=3, **own.keywords())
    model: nn.Module = own.build()
    x = own.x()
    if device in DEVICES:
        model, x = model.to(device), x.to(device)
    else:
        monkeypatch.setattr(Tensor, "numpy", read_as_of_a_device)
    there = explain(model, x, seed=3, eps=None, **own.keywords())
    for mine, theirs in ((here.values, there.values), (here.gradients, there.gradients)):
        assert mine.keys() == theirs.keys()
        if device not in DEVICES:  # whose generator draws other numbers
            for name in mine:
                np.testing.assert_array_equal(mine[name], theirs[name], err_msg=name)
    assert not [line for line in there.forward().text().splitlines() if "✗" in line]
