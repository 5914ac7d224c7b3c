"""A training run that is watched: the same to the last bit, and what is found in it."""

from __future__ import annotations

import copy
import io
import json
import random
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_explain import load, watch
from vae_explain.api.watching import Watching, WatchPage

from .audited.base import Layers, kl_of, sample

# --- models and loops ---------------------------------------------------------------------


class Usual(Layers):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mu, logvar = self.encode(x)
        return self.decoder(sample(mu, logvar)), mu, logvar


class Unsteady(Usual):
    """Dropout, batch norm, a buffer and a counter of its own, and noise from NumPy too."""

    seen: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2))
        self.register_buffer("seen", torch.zeros(()))
        self.runs = 0

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        self.runs += 1
        self.seen += len(x)
        return super().forward(x + 0.01 * float(np.random.standard_normal()))


def elbo(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    mse = F.mse_loss(recon, x, reduction="sum")
    kl = kl_of(mu, logvar)
    return mse + kl


def seeded(make: Callable[[], Usual] = Usual) -> Usual:
    torch.manual_seed(3)
    np.random.seed(3)
    random.seed(3)
    return make()


def adam(model: nn.Module, lr: float = 0.01) -> torch.optim.Optimizer:
    return torch.optim.Adam(model.parameters(), lr=lr)


def back(loss: Tensor) -> None:
    loss.backward()  # type: ignore[no-untyped-call]  # PyTorch's own


def trained(
    model: Usual,
    optimizer: torch.optim.Optimizer,
    around: AbstractContextManager[Any],
    steps: int = 12,
    loss: Callable[..., Tensor] = elbo,
) -> None:
    with around:
        for _ in range(steps):
            x = torch.rand(16, 6)
            optimizer.zero_grad()
            recon, mu, logvar = model(x)
            back(loss(recon, x, mu, logvar))
            optimizer.step()


def ids(watching: Watching | WatchPage, *severities: str) -> list[str]:
    return [f.id for f in watching.findings if f.severity in (severities or ("error", "warning"))]


def when(watching: Watching, name: str) -> str:
    page = watching.page()
    return next(w for f, w in zip(page.findings, page.when, strict=True) if f.id == name)


def run(
    step: Callable[[Usual, torch.optim.Optimizer, Tensor], None],
    steps: int = 6,
    make: Callable[[], Usual] = Usual,
    **how: Any,
) -> Watching:
    """Watch a loop of some steps of its own."""
    model = seeded(make)
    optimizer = how.pop("optimizer", adam)(model)
    with watch(model, how.pop("loss", elbo), optimizer, **how) as watching:
        for _ in range(steps):
            step(model, optimizer, torch.rand(16, 6))
    return watching


# --- nothing is changed -------------------------------------------------------------------


@pytest.mark.parametrize("make", [Usual, Unsteady])
@pytest.mark.parametrize("every", [1, 4])
def test_no_bit_of_a_run_is_changed(make: Callable[[], Usual], every: int) -> None:
    found = []
    for watched in (True, False):
        model = seeded(make)
        optimizer = adam(model)
        around = watch(model, elbo, optimizer, every=every) if watched else nullcontext()
        trained(model, optimizer, around, 6)
        found.append(
            (
                {name: tensor.clone() for name, tensor in model.state_dict().items()},
                [tuple(state.values()) for state in optimizer.state.values()],
                torch.get_rng_state(),
                np.random.standard_normal(),
                random.random(),
                [p.grad for p in model.parameters()],
                getattr(model, "runs", None),
                model.training,
                len(model._forward_pre_hooks),
            )
        )
    ours, plain = found
    assert ours[3:5] == plain[3:5]
    assert ours[6:] == plain[6:]
    assert torch.equal(ours[2], plain[2])
    for name, tensor in plain[0].items():
        assert torch.equal(ours[0][name], tensor), name
    for ours_of, plain_of in ((ours[1], plain[1]), ([ours[5]], [plain[5]])):
        for mine, theirs in zip(ours_of, plain_of, strict=True):
            assert all(map(torch.equal, mine, theirs))


def test_a_model_under_watch_is_copied_and_saved_as_it_is() -> None:
    model = seeded()
    optimizer = adam(model)
    with watch(model, elbo, optimizer) as watching:
        trained(model, optimizer, nullcontext(), 2)
        copied = copy.deepcopy(model)
        copied(torch.rand(3, 6))
        torch.save(model, io.BytesIO())
    assert watching.losses[0] > 0
    assert copied(torch.rand(2, 6))[0].shape == (2, 6)


def test_it_leaves_nothing_behind_when_the_loop_raises() -> None:
    plain, model = torch.autograd.backward, seeded()
    optimizer = adam(model)
    watching = watch(model, elbo, optimizer)
    with pytest.raises(ZeroDivisionError), watching:
        trained(model, optimizer, nullcontext(), 1 // 0)
    assert torch.autograd.backward is plain
    assert not model._forward_pre_hooks
    assert "left by ZeroDivisionError" in str(watching.page())


# --- right loops --------------------------------------------------------------------------


def plain_step(model: Usual, optimizer: torch.optim.Optimizer, x: Tensor) -> None:
    optimizer.zero_grad()
    recon, mu, logvar = model(x)
    back(elbo(recon, x, mu, logvar))
    optimizer.step()


def zeros_kept(model: Usual, optimizer: torch.optim.Optimizer, x: Tensor) -> None:
    optimizer.zero_grad(set_to_none=False)
    recon, mu, logvar = model(x)
    back(elbo(recon, x, mu, logvar))
    optimizer.step()


def two_batches_a_step(model: Usual, optimizer: torch.optim.Optimizer, x: Tensor) -> None:
    optimizer.zero_grad()
    for half in x.chunk(2):
        recon, mu, logvar = model(half)
        back(elbo(recon, half, mu, logvar))
    optimizer.step()


def reset_behind(model: Usual, optimizer: torch.optim.Optimizer, x: Tensor) -> None:
    recon, mu, logvar = model(x)
    back(elbo(recon, x, mu, logvar))
    optimizer.step()
    model.zero_grad()


def by_closure(model: Usual, optimizer: torch.optim.Optimizer, x: Tensor) -> None:
    def closure() -> float:
        optimizer.zero_grad()
        recon, mu, logvar = model(x)
        loss = elbo(recon, x, mu, logvar)
        back(loss)
        return float(loss.detach())

    optimizer.step(closure)


def with_a_look_between(model: Usual, optimizer: torch.optim.Optimizer, x: Tensor) -> None:
    plain_step(model, optimizer, x)
    model.eval()
    with torch.no_grad():
        model(2 * x)
    model.train()


RIGHT = [plain_step, zeros_kept, two_batches_a_step, reset_behind, by_closure, with_a_look_between]


@pytest.mark.parametrize("step", RIGHT)
def test_a_right_loop_gives_no_alarm(
    step: Callable[[Usual, torch.optim.Optimizer, Tensor], None],
) -> None:
    watching = run(step, 7)
    assert ids(watching, "error", "warning") == []
    assert "another-loss" not in ids(watching, "note")
    assert len(watching.losses) == 7
    page = watching.page()
    assert page.passed
    assert "could not be audited" not in str(page)


def test_two_optimizers_make_one_step() -> None:
    model = seeded()
    both = [
        torch.optim.SGD(part.parameters(), lr=0.01)
        for part in model.children()
        if len([*part.parameters()])
    ]
    with watch(model, elbo, both) as watching:
        for _ in range(4):
            for optimizer in both:
                optimizer.zero_grad()
            x = torch.rand(16, 6)
            recon, mu, logvar = model(x)
            back(elbo(recon, x, mu, logvar))
            for optimizer in both:
                optimizer.step()
    assert len(watching.losses) == 4
    assert ids(watching) == []


# --- what a loop does wrong ---------------------------------------------------------------


def never_reset(model: Usual, optimizer: torch.optim.Optimizer, x: Tensor) -> None:
    recon, mu, logvar = model(x)
    back(elbo(recon, x, mu, logvar))
    optimizer.step()


def test_gradients_that_are_not_reset() -> None:
    watching = run(never_reset)
    assert ids(watching) == ["gradients-kept"]
    (finding,) = [f for f in watching.findings if f.severity == "error"]
    assert "at 5 of 6 steps" in finding.title
    step, _, kept, own = finding.evidence.rows[0]
    assert step == 1
    assert kept != pytest.approx(own, rel=1e-3)
    assert when(watching, "gradients-kept") == "first at step 1, last at step 5"


def reset_too_late(model: Usual, optimizer: torch.optim.Optimizer, x: Tensor) -> None:
    recon, mu, logvar = model(x)
    back(elbo(recon, x, mu, logvar))
    optimizer.zero_grad()
    optimizer.step()


def test_gradients_that_are_reset_before_the_step() -> None:
    watching = run(reset_too_late)
    assert ids(watching) == ["no-gradient"]
    assert when(watching, "no-gradient") == "at every step"


def never_updated(model: Usual, optimizer: torch.optim.Optimizer, x: Tensor) -> None:
    optimizer.zero_grad()
    recon, mu, logvar = model(x)
    back(elbo(recon, x, mu, logvar))


def test_an_optimizer_that_never_steps() -> None:
    assert ids(run(never_updated)) == ["no-step"]


def test_parameters_that_no_optimizer_has() -> None:
    watching = run(
        plain_step, optimizer=lambda model: torch.optim.SGD(model.decoder.parameters(), lr=0.01)
    )
    assert ids(watching) == ["not-optimized"]
    assert "6 of 10 trained parameters" in watching.findings[0].title
    assert "to_mu.weight" in watching.findings[0].title


def test_an_optimizer_of_another_model() -> None:
    watching = run(plain_step, optimizer=lambda _: torch.optim.SGD(Usual().parameters(), lr=0.01))
    assert ids(watching) == ["not-optimized", "no-gradient"]
    assert "none of this model's 10" in watching.findings[0].title


def test_a_model_that_is_trained_in_evaluation_mode() -> None:
    def step(model: Usual, optimizer: torch.optim.Optimizer, x: Tensor) -> None:
        plain_step(model, optimizer, x)
        model.eval()  # and never back

    watching = run(step, make=Unsteady, every=100)
    assert "evaluation-mode" in ids(watching, "warning")
    assert when(watching, "evaluation-mode") == "first at step 1, last at step 5"
    assert "evaluation mode from here on" in str(watching.page())


# --- what becomes of a model --------------------------------------------------------------


def heavy(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return F.mse_loss(recon, x, reduction="sum") + 200 * kl_of(mu, logvar)


def test_latents_that_collapse_and_when() -> None:
    model = seeded()
    optimizer = adam(model, 0.02)
    with watch(model, heavy, optimizer, every=50) as watching:
        for _ in range(300):
            x = torch.rand(64, 6)
            optimizer.zero_grad()
            recon, mu, logvar = model(x)
            back(heavy(recon, x, mu, logvar))
            optimizer.step()
    assert "posterior-collapse" in ids(watching, "error")
    (finding,) = [f for f in watching.findings if f.id == "posterior-collapse"]
    assert "3 of 3 latents of mu + std·eps" in finding.title
    for _, since, highest, last in finding.evidence.rows:
        assert str(since).startswith("between steps")
        assert isinstance(last, float)
        assert last < 0.01 < float(highest)


def rewarded(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    mse = F.mse_loss(recon, x, reduction="sum")
    kl = kl_of(mu, logvar)
    return mse - kl


class Weighing(Usual):
    """Learns the weight of its KL as well, with nothing that holds it."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))


def weighed(model: Weighing, x: Tensor) -> Tensor:
    recon, mu, logvar = model(x)
    mse = F.mse_loss(recon, x, reduction="sum")
    kl = kl_of(mu, logvar)
    weighted: Tensor = mse + model.weight * kl
    return weighted


class Deviating(Usual):
    """A decoder with a learned deviation: a density, which may well be above one."""

    def __init__(self) -> None:
        super().__init__()
        self.log_sigma = nn.Parameter(torch.full((), -3.0))


def dense(model: Deviating, x: Tensor) -> Tensor:
    recon, mu, logvar = model(x)
    error = (0.5 * ((x - recon) / model.log_sigma.exp()) ** 2 + model.log_sigma).sum()
    loss: Tensor = error + kl_of(mu, logvar)
    return loss


def objective_run(make: Callable[[], Any], objective: Callable[..., Tensor], steps: int) -> Any:
    model = seeded(make)
    optimizer = adam(model, 0.05)
    with watch(model, objective=objective, optimizer=optimizer, every=100) as watching:
        for _ in range(steps):
            optimizer.zero_grad()
            back(objective(model, torch.rand(16, 6)))
            optimizer.step()
    return watching


def test_a_loss_without_a_lower_bound() -> None:
    model = seeded()
    trained_one = watch(model, rewarded, adam(model, 0.05), every=20)
    trained(model, trained_one._watcher.loop.optimizers[0], trained_one, 60, rewarded)
    assert {"no-lower-bound", "kl-sign"} <= set(ids(trained_one, "error"))
    (finding,) = [f for f in trained_one.findings if f.id == "no-lower-bound"]
    assert "kl falls most" in finding.title
    falls = [float(loss) for _, loss in finding.evidence.rows]
    assert falls == sorted(falls, reverse=True)


def test_a_learned_weight_has_no_floor() -> None:
    watching = objective_run(Weighing, weighed, 200)
    assert "no-lower-bound" in ids(watching, "error")


def test_a_density_above_one_has_a_floor() -> None:
    constant = lambda model, x: dense(model, 0.001 * x)  # noqa: E731  # one line, one use
    watching = objective_run(Deviating, constant, 120)
    assert min(watching.losses) < 0
    assert "no-lower-bound" not in ids(watching)


def test_the_first_step_that_is_not_finite_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "frozen.safetensors"

    def step(model: Usual, optimizer: torch.optim.Optimizer, x: Tensor) -> None:
        if len(optimizer.state) and float(next(iter(optimizer.state.values()))["step"]) == 3:
            with torch.no_grad():
                model.to_raw.bias[0] = 300.0
        plain_step(model, optimizer, x)

    watching = run(step, record=file, every=100)
    assert ids(watching, "error") == ["not-finite"]
    assert when(watching, "not-finite") == "at step 3, at 1 of 2 looks"
    assert "exp is the first operation that is not finite" in watching.findings[0].title
    text = str(watching.page())
    assert "Step 3, as it stood" in text
    assert "- exp(300." in text
    assert "= inf" in text
    kept = load(file)
    std = kept.values["std"]
    assert np.isinf(std[:, 0]).all()
    assert np.isfinite(std[:, 1:]).all()


def test_a_loss_that_the_loop_scales_is_told() -> None:
    def step(model: Usual, optimizer: torch.optim.Optimizer, x: Tensor) -> None:
        optimizer.zero_grad()
        recon, mu, logvar = model(x)
        back(elbo(recon, x, mu, logvar) / 4)
        optimizer.step()

    watching = run(step)
    (finding,) = [f for f in watching.findings if f.id == "another-loss"]
    assert finding.severity == "note"
    assert "0.25 times as much" in finding.title


class OfTwo(Usual):
    def forward(self, x: Tensor, label: Tensor) -> tuple[Tensor, Tensor, Tensor]:  # type: ignore[override]  # on purpose
        return super().forward(x + 0 * label)


def of_two(model: Any, optimizer: torch.optim.Optimizer, x: Tensor) -> None:
    optimizer.zero_grad()
    recon, mu, logvar = model(x, torch.zeros(16, 1))
    back(elbo(recon, x, mu, logvar))
    optimizer.step()


def test_a_model_that_is_called_with_more_than_x() -> None:
    watching = run(of_two, make=OfTwo)
    assert ids(watching) == []
    assert "another-loss" not in ids(watching, "note")
    assert "could not be audited" not in str(watching.page())


def test_what_cannot_be_audited_says_so() -> None:
    def step(model: Any, optimizer: torch.optim.Optimizer, x: Tensor) -> None:
        optimizer.zero_grad()
        mu, logvar = model.encode(x)
        back(elbo(model.decoder(sample(mu, logvar)), x, mu, logvar))
        optimizer.step()

    watching = run(step)
    assert ids(watching) == []
    assert "the model was not called as model(x)" in str(watching.page())


# --- pages --------------------------------------------------------------------------------


def test_pages_in_each_format(tmp_path: Path) -> None:
    files = [tmp_path / f"run.{ending}" for ending in ("txt", "html", "jsonl")]
    watching = run(never_reset, page=files)
    text, html, lines = (file.read_text("utf-8") for file in files)
    assert "gradients-kept" in text
    assert "<svg" in html
    assert "gradients are not reset" in html
    entries = [json.loads(line) for line in lines.splitlines()]
    assert {entry["command"] for entry in entries} == {"watch"}
    steps = [entry for entry in entries if entry["kind"] == "step"]
    assert [entry["loss"] for entry in steps] == list(watching.losses)
    assert [entry["step"] for entry in entries if entry["kind"] == "look"] == [0, 1, 6]
    assert entries[-1]["findings"][0]["id"] == "gradients-kept"
    assert entries[-1]["passed"] is False


def test_pages_fit() -> None:
    page = run(never_reset, 30).page()
    for width in (40, 80, 120):
        assert max(map(len, page.text(width).splitlines())) <= width


def test_a_wrong_request_is_one_line() -> None:
    model = seeded()
    with pytest.raises(ValueError, match="every is 0"):
        watch(model, elbo, adam(model), every=0)
    with pytest.raises(ValueError, match=r"a page's name ends in .txt"):
        watch(model, elbo, adam(model), page="run.pdf")


def test_no_page_without_a_step() -> None:
    model = seeded()
    with watch(model, elbo, adam(model)) as watching:
        pass
    assert "0 steps watched" in str(watching.page())
