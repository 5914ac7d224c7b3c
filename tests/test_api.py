"""The library's front door, and the pages that show themselves."""

from __future__ import annotations

import io
import json
import re
import shlex
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console
from torch import Tensor, nn

import vae_explain
from vae_explain import Explanation, explain, pipeline
from vae_explain.pages.blocks import Walkthrough
from vae_explain.pages.render.terminal.terminal import coloured, lay_out, svg

from .pages import command_line


@pytest.fixture(scope="module")
def explanation() -> Explanation:
    return explain(seed=42, arithmetic="printed")


def test_the_built_in_vae_is_what_is_explained_by_default(explanation: Explanation) -> None:
    assert explanation.values["z"].round(8).tolist() == [[0.64829778, -0.63323819]]
    assert explanation.gradients["fc1.weight"].shape == (8, 4)
    assert explanation.not_explained == ()
    assert repr(explanation) == "<Explanation of VAE 4→8→2→8→4: loss 31.5105, 25 values>"


def test_rows_and_noise_may_be_given() -> None:
    given = explain(x=[[1, 2, 3, 4], [0, 1, 0, 1]], seed=7, eps=[0.5, -1, 0, 0.25])
    assert given.values["x"].shape == (2, 4)
    assert given.values["eps"].tolist() == [[0.5, -1.0], [0.0, 0.25]]
    single = explain(x=[1, 2, 3, 4], seed=7)
    assert single.values["x"].shape == (1, 4)


def test_the_generator_is_put_back() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    explain(seed=1)
    assert torch.equal(before, torch.get_rng_state())


def test_pages(explanation: Explanation) -> None:
    assert "Encode to the hidden layer" in str(explanation)
    assert "0.64829778" in explanation.forward("z").text(60)
    assert "Encode" not in str(explanation.forward("z"))
    assert "∂loss/∂fc1.weight" in str(explanation.backward("fc1.weight.grad"))
    assert "term: mse alone" in str(explanation.backward("z", term="mse"))
    assert "∂loss/∂mu[1]" in str(explanation.why("mu.grad[1]"))
    assert "largest element" in str(explanation.why("z"))
    assert max(map(len, explanation.forward().text(40).splitlines())) <= 40


def test_a_page_shows_itself_in_a_notebook(explanation: Explanation) -> None:
    bundle = explanation._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    assert bundle["text/html"].startswith("<pre")
    assert "0.64829778" in bundle["text/html"]
    assert "<script" not in bundle["text/html"]
    stripped = re.sub(r"<[^>]*>", "", bundle["text/html"])
    assert stripped.split()[:2] == ["vae-explain", "forward"]


def test_a_page_shows_itself_in_a_rich_console(explanation: Explanation) -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=60, force_terminal=True, color_system="truecolor")
    console.print(explanation.why("z[0]"))
    console.print(explanation)
    text = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue())
    assert "\x1b[" in stream.getvalue()
    assert "0.64829778" in text
    assert max(map(len, text.splitlines())) <= 60


def test_json_is_the_whole_run(explanation: Explanation) -> None:
    document = json.loads(explanation.to_json())
    assert document["values"]["loss"] == 31.510481828534605
    assert np.array(document["gradients"]["fc1.weight"]).shape == (8, 4)


@pytest.mark.parametrize(
    ("target", "error", "words"),
    [
        ("zz", KeyError, "did you mean z"),
        ("eps.grad", KeyError, "has no gradient"),
        ("z[7]", IndexError, r"shape \[1, 2\]"),
        ("z[0,0,0]", IndexError, r"shape \[1, 2\]"),
    ],
)
def test_a_wrong_target_is_named(
    explanation: Explanation, target: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        explanation.why(target)


def test_a_name_may_be_spelt_as_people_write_it(explanation: Explanation) -> None:
    assert str(explanation.why("z 0")) == str(explanation.why("z[0]"))
    assert str(explanation.why("∂KL/∂μ[1]")) == str(explanation.why("mu.grad[1]", term="kl"))
    assert str(explanation.forward("x_hat")) == str(explanation.forward("recon_x"))
    assert str(explanation.backward("FC1.weight", term="KLD")) == str(
        explanation.backward("fc1.weight", term="kl")
    )


def test_the_built_in_vae_has_the_shape_that_is_asked_for() -> None:
    shaped = explain(dims=[6, 5, 3, 5, 6], activation="tanh", recon="bce", x=[0.5] * 6, beta=0)
    assert shaped.values["z"].shape == (1, 3)
    assert {"bce", "recon_logits"} <= set(shaped.values)
    with pytest.raises(ValueError, match="dims shape the built-in VAE, not a model of your own"):
        explain(nn.Linear(2, 2), [[1.0, 2.0]], dims=(4, 2, 4))


def test_every_page_says_what_it_is(explanation: Explanation) -> None:
    full = explain(seed=42)
    assert repr(full.sample(20)) == "<SamplePage: 20 draws, checks passed>"
    assert repr(full.update("FC_mu.bias")).startswith("<UpdatePage: lr 0.01, loss 31.5104 → ")
    assert repr(full.train(3)).startswith("<TrainingPage: 3 steps, loss 31.5104 → ")
    assert full.diagram()._repr_svg_().startswith("<svg")
    assert repr(full.check()) == "<CheckPage: 3 oracles, checks passed>"
    assert repr(full.audit()).startswith("<AuditPage: ")
    assert repr(explanation.forward("z")).endswith("2 lines evaluated>")
    with pytest.raises(KeyError, match=r"fc9.bias is not a parameter; did you mean fc1.bias"):
        full.update("fc9.bias")


def test_training_from_python_leaves_a_model_as_it_was() -> None:
    model = nn.Linear(2, 2)
    before = model.weight.clone()

    def objective(model: nn.Module, x: Tensor) -> Tensor:
        loss: Tensor = ((model(x) - x) ** 2).sum()
        return loss

    page = explain(model, [[0.5, 1.0]], objective=objective).train(5, lr=0.1)
    losses = [each.loss for each in page.training.losses]
    assert losses == sorted(losses, reverse=True)
    assert torch.equal(model.weight, before)


@pytest.mark.parametrize("batch", [{"label": 1, "image": 0}, (0, 1)], ids=["dict", "pair"])
def test_a_batch_of_a_data_loader_is_taken(batch: object) -> None:
    x, y = torch.rand(3, 2), torch.tensor([0, 1, 2])
    given = {"label": y, "image": x} if isinstance(batch, dict) else (x, y)

    def objective(model: nn.Module, x: Tensor) -> Tensor:
        found: Tensor = ((model(x) - x) ** 2).sum()
        return found

    found = explain(nn.Linear(2, 2), given, objective=objective)
    assert found.values["x"].shape == (3, 2)


def test_the_package_lists_what_a_user_needs() -> None:
    assert dir(vae_explain) == ["Explanation", "__version__", "compare", "explain", "load", "watch"]


def test_two_runs_are_compared() -> None:
    first, second = explain(), explain(beta=4)
    page = vae_explain.compare(first, second)
    assert page.comparison.differing == ("loss",)
    assert "all of it from the KL" in page.text(200)
    assert page.to_html().startswith("<!doctype html>")
    assert " 1  loss" in vae_explain.compare(first, second, "loss").text()
    with pytest.raises(KeyError, match="nothing is not in both runs"):
        vae_explain.compare(first, second, "nothing")


def test_entries_are_set_and_pages_say_as_much_as_wanted() -> None:
    changed = explain(set={"fc1.weight[0,1]": 0.5})
    assert changed.values["fc1.weight"][0, 1] == 0.5
    assert "set to 0.5" in repr(changed)
    intro, expert = (explain(level=level).forward().text() for level in ("intro", "expert"))
    assert "Glossary" in intro
    assert "Where the encoder puts" not in expert


def test_a_model_needs_its_input() -> None:
    with pytest.raises(ValueError, match="x is missing"):
        explain(torch.nn.Linear(2, 2))


def test_the_package_has_no_other_names() -> None:
    assert vae_explain.explain is explain
    with pytest.raises(AttributeError, match="no attribute 'explian'"):
        _ = vae_explain.explian


def test_a_picture_asks_no_host(pages: dict[str, Walkthrough]) -> None:
    lines = lay_out(pages["forward"], 80)
    for light in (False, True):
        picture = svg(lines, 80, "vae-explain", light)
        hosts = set(re.findall(r"https?://[^\"' )]+", picture))
        assert hosts <= {"http://www.w3.org/2000/svg"}
        assert "3.0842" in picture


def test_colours_change_no_character(pages: dict[str, Walkthrough]) -> None:
    lines = lay_out(pages["backward"], 100)
    text = re.sub(r"\x1b\[[0-9;]*m", "", coloured(lines, "truecolor"))
    assert text.splitlines() == ["".join(piece.text for piece in line) for line in lines]


def test_a_long_sum_is_shortened_and_still_adds_up() -> None:
    model = torch.nn.Linear(200, 3)

    def objective(model: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
        h = model(x)
        loss: torch.Tensor = h.square().sum()
        return loss

    page = explain(model, torch.rand(1, 200), objective=objective, seed=1).forward("h")
    assert page.checks.failed == 0
    assert "the last number is all others" in " ".join(page.text(100).split())
    line = next(line for line in page.text(1000).splitlines() if line.strip().startswith("h[0] ="))
    summed, result = line.split("=")[1:]
    terms = summed.replace(" - ", " + -").split(" + ")
    values = [np.prod([float(f.strip("() ")) for f in term.split("·")]) for term in terms]
    assert len(values) == 10  # the eight largest products, the bias and the rest
    # Behind the result stands PyTorch's own, where float32 rounded on the way.
    assert sum(values) == pytest.approx(float(result.partition(" computed: ")[0]), abs=5e-7)


@pytest.mark.parametrize("ask", ["backward", "why"])
def test_a_term_that_the_loss_has_not_is_named(ask: str) -> None:
    explanation = explain(seed=1)
    with pytest.raises(KeyError, match=r"elbo is not a term of this loss \(known: mse, kl\)"):
        getattr(explanation, ask)("mu.grad", term="elbo")


# --- what runs the model again ----------------------------------------------------------


def unrooted(model: nn.Module, x: Tensor) -> Tensor:
    """A VAE's loss in one function, which takes the variance for the standard deviation."""
    mu, logvar = model(x).chunk(2, dim=1)
    eps = torch.randn_like(mu)
    z = mu + torch.exp(logvar) * eps
    kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    loss: Tensor = (z - x).pow(2).sum() + kl
    return loss


X = [[0.2, 0.9], [0.7, 0.4], [0.3, 0.1]]


@pytest.fixture
def own() -> Explanation:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = nn.Linear(2, 4)
    return explain(model, X, objective=unrooted, seed=1)


def test_an_audit_finds_what_the_command_finds(own: Explanation) -> None:
    page = own.audit()
    found = {finding.id: finding for finding in page.findings}
    assert (found["sampling-scale"].severity, page.passed) == ("error", False)
    assert "sampling-scale" in page.text(60)
    assert own.audit(ignore=["sampling-scale"]).passed
    assert [finding.id for finding in own.audit(only=["sampling-scale"]).findings] == [
        "sampling-scale"
    ]
    with pytest.raises(
        KeyError, match="sampling-scal is not a finding; did you mean sampling-scale"
    ):
        own.audit(only=["sampling-scal"])


def test_an_audit_draws_what_the_run_drew(own: Explanation) -> None:
    # The evidence of a finding has numbers of the run, for which it has to be the same run.
    torch.manual_seed(99)
    before = torch.get_rng_state()
    first = str(own.audit())
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(98)
    assert str(own.audit()) == first


def test_an_audit_without_a_seed_draws_what_the_run_drew() -> None:
    torch.manual_seed(7)
    explanation = explain(nn.Linear(2, 4), X, objective=unrooted)
    torch.rand(5)
    again = pipeline.recordings(explanation._request).run
    assert again.array("eps").tolist() == explanation.values["eps"].tolist()


def test_the_built_in_vae_passes_its_audit_and_its_check(explanation: Explanation) -> None:
    assert explanation.audit().passed
    assert explanation.check().passed
    assert "complex step" in str(explanation.check())


def test_a_gradient_that_is_wrong_fails_the_check() -> None:
    def objective(model: nn.Module, x: Tensor) -> Tensor:
        h: Tensor = model(x)
        return (h * h.sum().item()).sum()

    page = explain(nn.Linear(2, 2), X, objective=objective, seed=1).check()
    assert not page.passed
    assert "central" in str(page)


def test_a_document_is_had_in_every_format_and_leaves_the_model_as_it_is() -> None:
    model = nn.Linear(2, 4)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    page = explain(model, X, objective=unrooted, seed=1).document(lr=0.5)
    assert page.passed
    assert page.to_markdown().startswith("# ")
    assert "<svg" in page.to_html()
    assert "\\end{document}" in page.to_latex()
    assert json.loads(page.to_notebook())["nbformat"] == 4
    assert "One step of learning" in page.text(80)
    assert all(map(torch.equal, before, model.parameters()))
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_page_of_each_kind_shows_itself(explanation: Explanation) -> None:
    for page in (explanation.audit(), explanation.check(), explanation.document()):
        bundle = page._repr_mimebundle_()
        assert bundle["text/plain"] == str(page)
        assert max(map(len, page.text(40).splitlines())) <= 40


class Counting(nn.Module):
    """A model whose loss depends on how often it ran."""

    runs = 0

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        self.runs += 1
        loss: Tensor = self.runs * self.layer(x).square().sum()
        return loss


def test_a_count_of_a_models_runs_stays_as_it_was() -> None:
    model = Counting()
    x = torch.ones(2, 3)
    explanation = explain(model, x)
    once = 1 * model.layer(x).square().sum().item()
    assert explanation.values["loss"].item() == pytest.approx(once, rel=1e-6)
    explanation.audit()
    explanation.check()
    assert (model.runs, "runs" in vars(model)) == (0, False)


@pytest.mark.parametrize(
    "made",
    [
        {},
        {"seed": 0, "beta": 0.5, "eps": (0.25, -1.0), "x": [[0.5, -1.0, 2.0, 3.25]]},
        {
            "dims": (3, 5, 2, 5, 3), "x": [[0.5, 0.25, 1.0]],
            "activation": "tanh", "recon": "bce", "reduction": "mean",
            "set": {"fc1.weight[0,1]": 0.5},
        },
    ],
)  # fmt: skip
def test_the_page_to_play_with_gives_the_command_of_its_run(
    made: dict[str, Any], tmp_path: Path
) -> None:
    explanation = explain(arithmetic="printed", **{"seed": 42, **made})
    data = data_of(explanation.play(tmp_path / "play.html", show=False))
    words = [data["command"], *chain.from_iterable(data["typed"].values())]
    words += ["--beta", str(data["beta"])]
    command = shlex.split(" ".join(words))[2:]
    written = json.loads(command_line("forward", "--json", *command).out)
    assert written["values"]["loss"] == float(explanation.values["loss"])


def test_the_page_of_a_model_that_is_an_object_has_no_command(tmp_path: Path) -> None:
    explanation = explain(
        torch.nn.Linear(2, 2), [[0.5, 1.0]], lambda out, x: ((out - x) ** 2).sum()
    )
    assert data_of(explanation.play(tmp_path / "play.html", show=False))["command"] == ""


def data_of(page: Path) -> dict[str, Any]:
    found = re.search(r'id="page:data">(.*?)</script>', page.read_text("utf-8"), re.DOTALL)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data
