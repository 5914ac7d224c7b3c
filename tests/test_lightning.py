"""The callback for Lightning, with the real package: a training that it watches is the same."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from .audited.base import Layers, kl_of, sample

pytest.importorskip("lightning", reason="Lightning is not installed")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of packages that it loads
    from lightning.pytorch import LightningModule, Trainer

    from vae_explain.lightning import WatchCallback

pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning has its advice, on workers and such


class Lit(LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.layers = Layers()
        self.logged: list[str] = []

    def training_step(self, batch: Any, index: int) -> Tensor:
        x, label = batch
        mu, logvar = self.layers.encode(x + 0 * label[:, None])
        recon = self.layers.decoder(sample(mu, logvar))
        mse = F.mse_loss(recon, x, reduction="sum")
        kl = kl_of(mu, logvar)
        self.log("train/kl", kl)
        return mse + kl

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=0.01)


class OfTheDecoder(Lit):
    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.layers.decoder.parameters(), lr=0.01)


class ByHand(Lit):
    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False

    def training_step(self, batch: Any, index: int) -> Tensor:
        loss = super().training_step(batch, index)
        optimizer: Any = self.optimizers()
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()
        return loss


def loader() -> DataLoader[Any]:
    generator = torch.Generator().manual_seed(5)
    x = torch.rand(48, 6, generator=generator)
    return DataLoader(TensorDataset(x, torch.arange(48) % 2), batch_size=8)


def fitted(module: Lit, callbacks: list[Any], folder: Path) -> Trainer:
    torch.manual_seed(11)
    trainer = Trainer(
        max_epochs=2, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, callbacks=callbacks,
        default_root_dir=folder,
    )  # fmt: skip
    trainer.fit(module, loader())
    return trainer


def made(kind: type[Lit] = Lit) -> Lit:
    torch.manual_seed(3)
    return kind()


def test_a_fit_that_is_watched_is_the_same(tmp_path: Path) -> None:
    page = tmp_path / "run.html"
    watched, plain = made(), made()
    callback = WatchCallback(every=5, page=page)
    ours, theirs = fitted(watched, [callback], tmp_path), None
    state = torch.get_rng_state()
    theirs = fitted(plain, [], tmp_path)
    assert torch.equal(state, torch.get_rng_state())
    for name, tensor in plain.state_dict().items():
        assert torch.equal(watched.state_dict()[name], tensor), name
    assert {k: float(v) for k, v in ours.callback_metrics.items()} == {
        k: float(v) for k, v in theirs.callback_metrics.items()
    }
    assert "log" not in vars(watched)
    found = callback.page()
    assert found.passed
    assert [f.id for f in found.findings if f.severity != "note"] == []
    assert "another-loss" not in {f.id for f in found.findings}
    assert "12 steps watched" in str(found)
    assert "could not be audited" not in str(found)
    assert "<svg" in page.read_text("utf-8")


def test_a_fit_that_leaves_the_encoder_out(tmp_path: Path) -> None:
    callback = WatchCallback()
    fitted(made(OfTheDecoder), [callback], tmp_path)
    found = callback.page()
    assert [f.id for f in found.findings if f.severity == "error"] == ["not-optimized"]


def test_what_optimizes_by_hand_is_seen_in_passing(tmp_path: Path) -> None:
    callback = WatchCallback()
    watched, plain = made(ByHand), made(ByHand)
    fitted(watched, [callback], tmp_path)
    fitted(plain, [], tmp_path)
    for name, tensor in plain.state_dict().items():
        assert torch.equal(watched.state_dict()[name], tensor), name
    assert callback.watching is not None
    assert len(callback.watching.losses) == 12
    assert "optimizes by hand" in str(callback.page())
