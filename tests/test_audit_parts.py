"""What the rules of an audit stand on: summands, replays of a part, and closed forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Normal

from vae_explain import pipeline
from vae_explain.analysis.audit.evidence.anatomy import Anatomy
from vae_explain.analysis.audit.evidence.closed_form import fit
from vae_explain.analysis.audit.evidence.comparisons import WORDS
from vae_explain.analysis.audit.evidence.experiments import Probe
from vae_explain.engine.backward_pass import backward
from vae_explain.engine.forward_pass import replay, replay_part
from vae_explain.engine.run import Run
from vae_explain.engine.run import full_run as as_full_run
from vae_explain.ops import RULES, NotExplained
from vae_explain.recording.recorder import record
from vae_explain.trace import Array

from .audited import MODELS, Audited
from .models import MODELS as OWN
from .requests import held

Function = Callable[[Array, Array], Array]


# These use an op without a rule, behind which gradients are autograd's, which are not split.
WITHOUT_A_RULE = {
    "full_covariance",
    "relaxed_categories",
    "several_normal_variables",
    "recurrent_encoder",
}


def test_what_every_loss_measures_has_a_word() -> None:
    assert {rule.name for rule in RULES.values() if rule.kind == "loss"} == set(WORDS)


# --- the loss taken apart -----------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:Using a target size:UserWarning")
@pytest.mark.parametrize(
    "case",
    [case for case in MODELS if case.about != "not-finite" and case.name not in WITHOUT_A_RULE],
    ids=lambda case: case.name,
)
def test_the_summands_add_up_to_the_gradient(case: Audited) -> None:
    torch.manual_seed(3)
    model, x = case.make(), case.x()
    _adds_up(pipeline.run(held(model, x, None, objective=case.objective)))


@pytest.mark.parametrize("style", OWN)
def test_the_summands_of_users_models_add_up_too(style: str) -> None:
    own = OWN[style]
    _adds_up(pipeline.run(held(own.build(), own.x(), **own.keywords(), seed=11)))


def _adds_up(run: Run) -> None:
    total: dict[int, Any] = {}
    for summand in Anatomy(run).summands:
        if summand.switched_off:
            continue
        found = backward(run.graph, run.values, summand.value, summand.factor)
        for number, gradient in found.items():
            total[number] = total.get(number, 0.0) + gradient
    largest = max(float(np.abs(gradient).max()) for gradient in run.gradients.values())
    for value in run.trace.values:
        if value.kind == "parameter" and value.id in run.gradients:
            found = total.get(value.id, np.zeros(value.shape))
            # What cancels to nothing, as before a batch norm, is as exact as what cancelled:
            # 4e-6 of the largest gradient is some 30 roundings of float32.
            scale = max(float(np.abs(run.gradients[value.id]).max()), 2e-2 * largest)
            np.testing.assert_allclose(
                found, run.gradients[value.id], atol=2e-4 * scale, rtol=0, err_msg=value.name or ""
            )


# --- a part replayed ----------------------------------------------------------------------


def test_a_part_is_replayed_as_the_whole_is(full_run: Run) -> None:
    graph = full_run.graph
    values = replay(graph)
    mu, loss, z = (full_run.value(name).id for name in ("mu", "loss", "z"))
    given = {mu: values[mu] + 0.75}
    whole = replay(graph, given)
    part = replay_part(graph, values, given, [loss, z])
    assert part.keys() == {loss, z}
    assert part[loss] == whole[loss] != values[loss]
    assert np.array_equal(part[z], whole[z])


def test_what_does_not_depend_on_it_stays(full_run: Run) -> None:
    std = full_run.value("std").id
    mu = full_run.value("mu").id
    found = replay_part(full_run.graph, full_run.values, {mu: np.zeros((1, 2))}, [std])
    assert np.array_equal(found[std], full_run.array("std").astype(np.float64))


def test_a_part_with_an_op_without_a_rule_is_not_replayed() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    h = nn.Parameter(torch.tensor([0.5, 0.25]))
    module = nn.ParameterList([h])
    trace = record(lambda: torch.special.i0(h * x).sum(), modules={"m": module}, inputs={"x": x})
    run = as_full_run(trace, None, "model")
    with pytest.raises(NotExplained, match="i0"):
        replay_part(run.graph, run.values, {0: np.zeros(2)}, [trace.output])


# --- closed forms -------------------------------------------------------------------------


def closed(m: Array, s: Array) -> Array:
    return np.asarray(0.5 * (m**2 + s**2 - 1 - 2 * np.log(s)))


def probes_of(function: Function) -> list[Probe]:
    found = []
    for raw in (-3.0, -2.0, -1.2, -0.6, -0.2, 0.3, 0.8, 1.5, 2.5):
        for mu in (0.0, -1.5, 0.7, 2.0):
            sigma = float(np.exp(raw / 2))
            with np.errstate(invalid="ignore", divide="ignore"):
                kl = float(function(np.array(mu), np.array(sigma)))
            if np.isfinite(kl):
                found.append(Probe(mu, raw, sigma, kl))
    return found


KNOWN: dict[str, tuple[Function, str, str]] = {
    "itself": (closed, "closed form", ""),
    "times three": (lambda m, s: 3 * closed(m, s), "closed form", ""),
    "negative": (lambda m, s: -closed(m, s), "closed form", ""),
    "without its constant": (lambda m, s: closed(m, s) + 0.5, "closed form", ""),
    "from N(0, 4)": (
        lambda m, s: closed(m / 2, s / 2), "another prior", "N(0, 4)",
    ),
    "from N(1, 0.25)": (
        lambda m, s: closed((m - 1) * 2, s * 2), "another prior", "N(1, 0.25)",
    ),
    "variance in z": (lambda m, s: closed(m, np.sqrt(s)), "scaled", ""),
    "half the variance in z": (lambda m, s: closed(m, np.sqrt(2 * s)), "scaled", ""),
    "a hundredth of the noise in z": (lambda m, s: closed(m, 100 * s), "scaled", ""),
    "logvar in z": (lambda m, s: closed(m, np.exp(s / 2)), "sigma", "s is the KL's log-variance"),
    "logvar as log σ": (lambda m, s: closed(m, s**2), "sigma", "log-variance as log-deviation"),
    "μ twice": (lambda m, s: closed(m, s) + 0.5 * m**2, "weights", ""),
    "no log": (lambda m, s: 0.5 * (m**2 + s**2), "weights", ""),
    "σ for σ²": (lambda m, s: 0.5 * (m**2 + s - 1 - 2 * np.log(s)), "part", "σ for σ²"),
    "|μ| for μ²": (
        lambda m, s: 0.5 * (np.abs(m) + s**2 - 1 - 2 * np.log(s)), "part", "|μ| for μ²",
    ),
}  # fmt: skip

UNKNOWN: dict[str, Function] = {
    "squared Hellinger": lambda m, s: (
        1 - np.sqrt(2 * s / (1 + s**2)) * np.exp(-0.25 * m**2 / (1 + s**2))
    ),
    "the other way round": lambda m, s: np.log(s) + (1 + m**2) / (2 * s**2) - 0.5,
    "Wasserstein": lambda m, s: m**2 + (s - 1) ** 2,
    "with a floor of 0.3 inside": lambda m, s: closed(m, np.maximum(s, 0.3)),
    "with a product": lambda m, s: closed(m, s) + 0.1 * m * s,
}


@pytest.mark.parametrize("name", KNOWN)
def test_a_form_is_told_from_its_numbers(name: str) -> None:
    function, kind, detail = KNOWN[name]
    found = fit(probes_of(function))
    assert found is not None
    assert (found.kind, found.detail) == (kind, detail)


@pytest.mark.parametrize("name", UNKNOWN)
def test_no_form_is_told_that_we_do_not_know(name: str) -> None:
    assert fit(probes_of(UNKNOWN[name])) is None


def test_how_often_it_is_in_there() -> None:
    found = fit(probes_of(lambda m, s: 7.5 * closed(m, s)))
    assert found is not None
    assert found.scale == pytest.approx(7.5)


# --- what the record has for it -----------------------------------------------------------


class Sampler(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mean = nn.Linear(2, 2)
        self.fixed = nn.Linear(2, 2).requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        mean = self.mean(x)
        deviation = torch.exp(self.fixed(x))
        z: Tensor = Normal(mean, deviation).sample()  # type: ignore[no-untyped-call]
        product: Tensor = z * mean
        return product.sum()


def test_a_record_has_what_a_sample_was_drawn_from() -> None:
    torch.manual_seed(0)
    model, x = Sampler(), torch.tensor([[0.5, -1.0]])
    trace = record(lambda: model(x), modules={"": model}, inputs={"x": x})
    draw = next(operation for operation in trace.operations if operation.name == "normal")
    assert draw.inputs == ()
    mean, deviation = (trace.values[number].array for number in draw.drawn_from)
    assert np.array_equal(mean, trace.by_name["mean"].array)
    assert np.array_equal(deviation, trace.by_name["deviation"].array)


def test_a_record_knows_what_is_frozen() -> None:
    torch.manual_seed(0)
    model, x = Sampler(), torch.tensor([[0.5, -1.0]])
    trace = record(lambda: model(x), modules={"": model}, inputs={"x": x})
    assert {trace.values[number].name for number in trace.frozen} == {"fixed.weight", "fixed.bias"}
