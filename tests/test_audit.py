"""What an audit finds, on models with one mistake each, and on models that only look so."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from museum.cases import cases
from vae_explain import pipeline
from vae_explain.analysis.audit.evidence.finding import Finding
from vae_explain.analysis.audit.report import Report, audit
from vae_explain.analysis.audit.rules.all_rules import ALL
from vae_explain.analysis.audit.rules.ids import IDS
from vae_explain.models.builtin_config import Architecture
from vae_explain.models.request import Request
from vae_explain.pages.walkthrough.auditing import auditing

from .audited import MODELS, Audited
from .audited.base import Layers, kl_of, part, rows, sample, with_
from .models import MODELS as OWN
from .pages import text_of
from .requests import held
from .support import in_turn, latin

# Notes that say what is so; all else that a rule has to say is that something is wrong.
ALWAYS_NOTES = {"loss-scale"}


def report_of(
    model: nn.Module,
    x: Tensor,
    objective: Callable[..., Tensor] | None = None,
    loss: Callable[..., Tensor] | None = None,
) -> Report:
    """Audit a model as the command does: once, and once with every row twice."""
    request = held(model, x, 11, loss=loss, objective=objective)
    return audit(pipeline.recordings(request), ALL)


def audited(case: Audited, seed: int = 3) -> Report:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = case.make()
    return report_of(model, case.x(), case.objective)


def ids(report: Report, *severities: str) -> set[str]:
    return {finding.id for finding in report.findings if finding.severity in severities}


def one(report: Report, name: str) -> Finding:
    found = [finding for finding in report.findings if finding.id == name]
    assert len(found) == 1
    return found[0]


def case_of(name: str) -> Audited:
    """Return a model of the table, or of the museum."""
    found = [case for case in MODELS if case.name == name]
    if found:
        return found[0]
    (case,) = cases((name,))
    return Audited(case.faulty, case.expected, case.also, case.make, case.x)


# --- the table ----------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:Using a target size:UserWarning")  # it is what is audited
@pytest.mark.parametrize(
    ("case", "seed"), [pytest.param(*each, id=each[0].name) for each in in_turn(MODELS, (3, 8))]
)
def test_a_model_gives_its_findings_and_no_others(
    case: Audited, seed: int, record_property: Callable[[str, object], None]
) -> None:
    report = audited(case, seed)
    record_property("audit", (case.about, sorted(case.fires), sorted(_fired(report))))
    assert ids(report, "error", "warning") == case.fires - ALWAYS_NOTES
    page = auditing(report)
    for width in (40, 100):
        assert max(map(len, text_of(page, width).splitlines())) <= width
    if case.about in ALWAYS_NOTES:
        # Said of every loss, right or wrong; or why not.
        without = {rule.id for rule, _ in report.not_applied}
        assert case.about in ids(report, "note") or (case.about in without and not case.fires)
    elif case.about:
        assert (case.about in ids(report, "error", "warning", "note")) == bool(case.fires)


def _fired(report: Report) -> set[str]:
    return ids(report, "error", "warning") | (ids(report, "note") & ALWAYS_NOTES)


@pytest.mark.parametrize("name", IDS)
def test_each_id_has_models_that_fire_and_look_alikes(name: str) -> None:
    """In the table, or in the museum, where each fault has its right twin."""
    mine = [case for case in MODELS if case.about == name]
    of_the_museum = len(list(cases((name,))))
    assert sum(bool(case.fires) for case in mine) + of_the_museum >= 2
    assert sum(not case.fires for case in mine) + of_the_museum >= 2


def test_each_rule_has_the_id_that_names_its_file() -> None:
    assert tuple(rule.id for rule in ALL) == IDS


# --- models that are as they should be ----------------------------------------------------

ARCHITECTURES = {
    "built in": Architecture(),
    "deep": Architecture(dims=(6, 5, 4, 3, 4, 5, 6), activation="tanh", beta=0.5),
    "cross-entropy": Architecture(dims=(5, 8, 2, 8, 5), recon="bce"),
    "means": Architecture(reduction="mean"),
    "means of one latent": Architecture(dims=(3, 8, 1, 8, 3), recon="bce", reduction="mean"),
    "no weight yet": Architecture(beta=0.0),
    "large weight": Architecture(activation="gelu", beta=20.0),
    "wide": Architecture(dims=(60, 40, 10, 40, 60), activation="silu"),
}


@pytest.mark.parametrize(("name", "seed", "count"), latin(ARCHITECTURES, (42, 1, 2), (1, 5)))
def test_the_built_in_vae_gives_notes_alone(name: str, seed: int, count: int) -> None:
    architecture = ARCHITECTURES[name]
    x = rows(count, architecture.input_size).tolist()
    request = Request(x=tuple(map(tuple, x)), seed=seed, arithmetic="full", source=architecture)
    report = audit(pipeline.recordings(request), ALL)
    assert ids(report, "error", "warning") == set()
    assert "loss-scale" in ids(report, "note")
    applied = set(IDS) - {rule.id for rule, _ in report.not_applied}
    assert {"kl-sign", "kl-form", "sampling-scale", "noise-detached"} <= applied


# This one does average over a row's elements and sum the KL over rows and latents.
MISMATCHED = {"batch norm"}


@pytest.mark.parametrize("style", OWN)
@pytest.mark.parametrize("seed", [3, 4])
def test_users_models_give_no_false_alarm(style: str, seed: int) -> None:
    own = OWN[style]
    x = own.x()
    model = own.build(seed)
    report = report_of(model, x, **own.keywords())
    expected = {"loss-scale-mismatch"} if style in MISMATCHED else set()
    found = ids(report, "error", "warning")
    if "dead-units" in found:
        # A hidden layer of few units that is off for all rows is no false alarm: nothing passes.
        found -= {"dead-units", "posterior-collapse"}
    assert found == expected


# --- the numbers --------------------------------------------------------------------------


def test_the_effective_beta_is_that_of_the_reductions() -> None:
    found = one(audited(case_of("mean_beside_sum")), "loss-scale-mismatch")
    # 5 rows of 6 elements are averaged, the KL is summed over rows and latents.
    assert found.evidence.facts["effective_beta"] == pytest.approx(30.0)
    assert "an effective β of 30." in found.title


@pytest.mark.parametrize(
    ("reduction", "beta", "dims", "expected"),
    [
        ("sum", 1.0, (4, 8, 2, 8, 4), 1.0),
        ("mean", 1.0, (4, 8, 2, 8, 4), 2.0),
        ("mean", 1.0, (12, 8, 3, 8, 12), 4.0),
        ("sum", 0.25, (4, 8, 2, 8, 4), 0.25),
        ("mean", 0.5, (4, 8, 2, 8, 4), 1.0),
    ],
)
def test_the_built_in_vaes_effective_beta(
    reduction: str, beta: float, dims: tuple[int, ...], expected: float
) -> None:
    architecture = Architecture(dims=dims, reduction=reduction, beta=beta)  # type: ignore[arg-type]
    request = Request(
        x=(tuple(float(i) for i in range(dims[0])),), arithmetic="full", source=architecture
    )
    report = audit(pipeline.recordings(request), ALL)
    found = one(report, "loss-scale").evidence.facts["effective_beta"]
    assert found == pytest.approx(expected, rel=1e-6)


def test_the_evidence_of_a_missing_half_is_the_kl_of_the_run() -> None:
    case = case_of("half_of_the_kl_missing")
    torch.manual_seed(3)
    model, x = case.make(), case.x()
    found = one(report_of(model, x, case.objective), "kl-form")
    mu, logvar = model.encode(x)
    closed = float(kl_of(mu, logvar).detach())
    assert found.evidence.facts["closed_form"] == pytest.approx(closed, rel=1e-5)
    assert found.evidence.facts["kl"] == pytest.approx(2 * closed, rel=1e-5)


def test_the_evidence_of_a_wrong_sign_is_the_kl_of_the_run() -> None:
    case = case_of("one_sign_of_the_kl")
    torch.manual_seed(3)
    model, x = case.make(), case.x()
    found = one(report_of(model, x, case.objective), "kl-form")
    mu, logvar = model.encode(x)
    wrong = -0.5 * torch.sum(logvar - mu.pow(2) + logvar.exp())
    assert found.evidence.facts["kl"] == pytest.approx(float(wrong.detach()), rel=1e-5)
    assert "½·σ² has the wrong sign" in found.title


def test_the_evidence_of_a_wrong_scale_are_both_deviations() -> None:
    case = case_of("variance_as_deviation")
    torch.manual_seed(3)
    model, x = case.make(), case.x()
    found = one(report_of(model, x, case.objective), "sampling-scale")
    _, logvar = model.encode(x)
    shown = np.array([row[1:] for row in found.evidence.rows], dtype=np.float64)
    variance = logvar.detach().numpy().ravel()[: len(shown)]
    np.testing.assert_allclose(shown[:, 0], np.exp(variance), rtol=1e-5)
    np.testing.assert_allclose(shown[:, 1], np.exp(variance / 2), rtol=1e-5)


def test_the_first_operation_is_named_with_what_went_into_it() -> None:
    found = one(audited(case_of("exp_overflows")), "not-finite")
    assert found.evidence.facts["op"] == "exp"
    assert found.evidence.rows[0][2] > 190  # type: ignore[operator]  # a number in this row
    assert "below about 88" in found.mend
    other = one(audited(case_of("exp2_overflows")), "not-finite")
    assert "into exp2 below about 127" in other.mend
    for name in ("log_of_zero", "log_of_a_negative"):
        assert "into log above 0" in one(audited(case_of(name)), "not-finite").mend
    power = one(audited(case_of("power_of_a_negative")), "not-finite")
    assert "a negative number has no power" in power.mend
    backward = one(audited(case_of("gradient_of_a_root_at_zero")), "not-finite")
    assert backward.evidence.facts["op"] == "sqrt"


# --- by experiment, not by name -----------------------------------------------------------


def misleading_names(model: Layers, x: Tensor) -> Tensor:
    """All is right, and every name is wrong."""
    logvar, mu = model.encode(x)
    kl = torch.exp(0.5 * mu)
    eps = logvar + kl * torch.randn_like(kl)
    sigma = model.decoder(eps)
    recon = -0.5 * torch.sum(1 + mu - logvar**2 - mu.exp())
    return nn.functional.mse_loss(sigma, x, reduction="sum") + recon


def test_names_do_not_decide() -> None:
    torch.manual_seed(3)
    report = report_of(Layers(), rows(), misleading_names)
    assert ids(report, "error", "warning") == set()
    assert "kl-form" not in {rule.id for rule, _ in report.not_applied}


@pytest.mark.parametrize("weight", [1e-6, 0.37, 1.0, 250.0])
@pytest.mark.parametrize(("width", "latent"), [(2, 1), (9, 4), (31, 7)])
def test_a_kl_is_known_in_any_weight_and_shape(weight: float, width: int, latent: int) -> None:
    def objective(model: Layers, x: Tensor) -> Tensor:
        mu, logvar = model.encode(x)
        recon = model.decoder(sample(mu, logvar))
        return nn.functional.mse_loss(recon, x, reduction="sum") + weight * kl_of(mu, logvar)

    torch.manual_seed(0)
    report = report_of(Layers(width, 8, latent), rows(4, width), objective)
    assert ids(report, "error", "warning") == set()
    beta = one(report, "loss-scale").evidence.facts["effective_beta"]
    assert beta == pytest.approx(weight, rel=1e-5)


def test_what_has_no_gaussian_latent_is_not_applied_and_says_why() -> None:
    own = OWN["vector-quantised"]
    report = report_of(own.build(), own.x(), **own.keywords())
    reasons = {rule.id: reason for rule, reason in report.not_applied}
    assert "no Gaussian latent" in reasons["kl-form"]
    assert "no Gaussian latent" in reasons["sampling-scale"]


class ColumnByColumn(nn.Module):
    """Makes z one latent at a time, while its loss has mu and logvar as wholes."""

    def __init__(self) -> None:
        super().__init__()
        self.mu, self.logvar, self.decoder = nn.Linear(4, 2), nn.Linear(4, 2), nn.Linear(2, 4)

    def forward(self, x: Tensor) -> Tensor:
        mu, logvar = self.mu(x), self.logvar(x)
        std = torch.exp(0.5 * logvar)
        columns = [mu[:, i] + std[:, i] * torch.randn(len(x)) for i in range(2)]
        recon = self.decoder(torch.stack(columns, dim=1))
        kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        loss: Tensor = ((recon - x) ** 2).sum() + kl
        return loss


def test_a_sample_put_together_from_columns_is_said_to_be_one() -> None:
    report = report_of(ColumnByColumn(), torch.rand(3, 4))
    reasons = {rule.id: reason for rule, reason in report.not_applied}
    assert "put together from parts of mu" in reasons["kl-form"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("full_covariance", "goes into a matmul: a full covariance"),
        ("full_covariance_by_einsum", "goes into an einsum: a full covariance"),
        ("importance_weighted", "one part has both"),
        ("relaxed_categories", "no Gaussian latent"),
    ],
)
def test_an_undecidable_kl_is_not_judged(name: str, words: str) -> None:
    report = audited(case_of(name))
    reasons = {rule.id: reason for rule, reason in report.not_applied}
    assert words in reasons["kl-form"]
    assert words in reasons["kl-sign"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("latent_flow", "and of the flow that makes"),
        ("learned_prior", "against a prior for each element"),
    ],
)
def test_a_kl_behind_a_flow_or_from_a_learned_prior_is_judged(name: str, words: str) -> None:
    report = audited(case_of(name))
    in_order = {rule.id: looked_at for rule, looked_at in report.in_order}
    assert words in in_order["kl-form"]
    assert report.complete


class Stepwise(nn.Module):
    """A layer used at each of three steps of a batch of five; units 0 and 1 are never on."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = Layers()
        self.hidden = nn.Linear(6, 4)
        with torch.no_grad():
            self.hidden.weight.copy_(torch.tensor([1.0, 1.0, 1.0, -1.0])[:, None].expand(4, 6))
            self.hidden.bias.copy_(torch.tensor([-90.0, -80.0, -9.0, 9.0]))

    def forward(self, x: Tensor) -> Tensor:
        loss = torch.zeros(())
        for step in range(3):
            hidden = torch.relu(self.hidden(x[step]))
            mu, logvar = self.layers.encode(torch.cat([hidden, hidden[:, :2]], 1))
            error = self.layers.decoder(sample(mu, logvar)) - x[step]
            loss = loss + error.square().sum() + kl_of(mu, logvar)
        return loss


def test_a_layer_used_at_each_step_has_its_dead_units_told_once() -> None:
    finding = one(
        report_of(Stepwise(), rows(15).reshape(3, 5, 6) + torch.arange(3.0)[:, None, None]),
        "dead-units",
    )
    assert finding.title == (
        "2 of 4 units of hidden are off for all 5 rows at each of the 3 times that the layer is "
        "used; 14 weights and biases get no gradient through them."
    )
    assert [row[0] for row in finding.evidence.rows] == ["0", "1"]


# --- a KL without a closed form -----------------------------------------------------------


def through_a_flow(model: Layers, x: Tensor, beta: float) -> Tensor:
    mu, logvar = model.encode(x)
    z0 = sample(mu, logvar)
    w, u = part(model, "extra_weights").weight
    inner = torch.tanh(z0 @ w)
    z = z0 + u * inner.unsqueeze(1)
    log_det = torch.log((1 + (1 - inner**2) * (u @ w)).abs() + 1e-8)
    log_q = (-0.5 * ((z0 - mu) ** 2 / logvar.exp() + logvar)).sum(1) - log_det
    error = ((model.decoder(z) - x) ** 2).sum(1)
    loss: Tensor = (error + beta * (log_q + 0.5 * (z**2).sum(1))).mean()
    return loss


def from_a_learned_prior(model: Layers, x: Tensor, beta: float) -> Tensor:
    mu, logvar = model.encode(x)
    mean, raw = part(model, "extra_weights").weight
    variance = nn.functional.softplus(raw)
    kl = 0.5 * ((logvar.exp() + (mu - mean) ** 2) / variance - 1 - logvar + variance.log())
    recon = model.decoder(sample(mu, logvar))
    loss: Tensor = nn.functional.mse_loss(recon, x, reduction="sum") + beta * kl.sum()
    return loss


@pytest.mark.parametrize("beta", [1.0, 0.25, 6.0])
@pytest.mark.parametrize("objective", [through_a_flow, from_a_learned_prior])
def test_beta_is_stated_without_a_closed_form(
    objective: Callable[[Layers, Tensor, float], Tensor], beta: float
) -> None:
    torch.manual_seed(3)
    model = with_(extra_weights=(3, 2))
    report = report_of(model, rows(), lambda model, x: objective(model, x, beta))
    found = one(report, "loss-scale")
    assert found.evidence.facts["effective_beta"] == pytest.approx(beta, rel=1e-4)
    assert "is weighed by its -log σ" in found.title
