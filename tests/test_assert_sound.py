"""`assert_sound`, for the tests of a model of one's own, and the fixture of the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from vae_explain.testing import assert_sound

from .audited.base import Layers, kl_of, rows, sample

pytest_plugins = ("pytester",)


def right(model: Any, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    return F.mse_loss(model.decoder(sample(mu, logvar)), x, reduction="sum") + kl_of(mu, logvar)


def wrong(model: Any, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    z = mu + torch.exp(logvar) * torch.randn_like(mu)
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl_of(mu, logvar)


def without_kl(model: Any, x: Tensor) -> Tensor:
    mu, _ = model.encode(x)
    return F.mse_loss(model.decoder(mu), x)


def test_what_is_sound_passes() -> None:
    report = assert_sound(Layers(), rows(), objective=right)
    assert report.complete


def test_what_is_not_says_why_and_what_to_change() -> None:
    with pytest.raises(AssertionError, match="error, sampling-scale: z scales") as failure:
        assert_sound(Layers(), rows(), objective=wrong)
    assert "put its square root" in str(failure.value)
    assert_sound(Layers(), rows(), objective=wrong, ignore=["sampling-scale"])


def test_strictness_is_about_warnings_and_what_was_not_found() -> None:
    with pytest.raises(AssertionError, match="not complete: the sampling was not found"):
        assert_sound(Layers(), rows(), objective=without_kl, ignore=["no-gradient"])
    assert_sound(Layers(), rows(), objective=without_kl, strict=False)


def test_an_unknown_id_is_an_error() -> None:
    with pytest.raises(KeyError, match="kl-sgn"):
        assert_sound(Layers(), rows(), objective=right, ignore=["kl-sgn"])


def test_a_batch_of_a_loader_is_taken_with_its_labels() -> None:
    loader = DataLoader(TensorDataset(rows(8), torch.arange(8)), batch_size=4)
    assert_sound(Layers(), next(iter(loader)), objective=right)


def test_a_baseline_is_no_news(tmp_path: Path) -> None:
    from vae_explain import pipeline
    from vae_explain.analysis.audit.report import audit
    from vae_explain.analysis.audit.rules.all_rules import ALL
    from vae_explain.pages.render.structured.reports import dump_audit

    from .requests import held

    known = tmp_path / "known.json"
    report = audit(pipeline.recordings(held(Layers(), rows(), 1, objective=wrong)), ALL)
    known.write_text(dump_audit(report))
    assert_sound(Layers(), rows(), objective=wrong, baseline=known)


def test_the_fixture_is_the_function(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where vae-explain is installed, pytest has the plugin already, and refuses it a second time
    # under another name.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(
        """
        from vae_explain.testing import assert_sound

        def test_it(assert_sound_vae):
            assert assert_sound_vae is assert_sound
        """
    )
    inner = pytester.runpytest_subprocess(
        "-p", "vae_explain.pytest_plugin", "-p", "no:cacheprovider"
    )
    inner.assert_outcomes(passed=1)
