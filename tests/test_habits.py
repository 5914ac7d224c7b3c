"""What the models of other people taught us: habits of code that pages must speak of rightly."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_explain import Explanation, explain
from vae_explain.models import builtin_config
from vae_explain.models.loading.user_code import CannotLoad, refuse_opaque
from vae_explain.ops import RULES, Rule
from vae_explain.pages.blocks import Formula, Heading, Matrix
from vae_explain.pages.display import Page
from vae_explain.pages.walkthrough.captions import Captions
from vae_explain.symbolic.expression import references

from .pages import CommandLine

X = torch.tensor([[0.2, 0.9, 0.5], [0.7, 0.1, 0.4]])


class Layer(nn.Module):
    """One linear layer; its loss is given as an objective."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x)  # type: ignore[no-any-return]  # as everybody writes it


def built() -> Layer:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Layer()


# --- names ---


def test_a_loss_that_is_added_to_keeps_its_name() -> None:
    def objective(model: nn.Module, x: Tensor) -> Tensor:
        recon: Tensor = model(x)
        loss = F.mse_loss(recon, x)
        loss = loss + 0.1 * recon.pow(2).sum()
        return loss

    explanation = explain(built(), X, objective=objective)
    assert explanation.run.trace.loss.name == "loss"
    assert {"loss", "loss_1"} <= set(explanation.values)


def test_the_loss_can_be_asked_for_whatever_it_is_called() -> None:
    def objective(model: nn.Module, x: Tensor) -> Tensor:
        total = F.mse_loss(model(x), x)
        return total

    explanation = explain(built(), X, objective=objective)
    assert "loss" not in explanation.values
    assert "total" in str(explanation.why("loss"))


def test_a_mask_is_called_one_where_it_is_used() -> None:
    def objective(model: nn.Module, x: Tensor) -> Tensor:
        recon = model(x)
        chosen = torch.where((recon > 0) | (x > 0.5), recon, 2 * recon)
        return chosen.sum()

    explanation = explain(built(), X, objective=objective)
    assert explanation.values["mask"].dtype == bool
    assert "chosen = where(mask, recon, 2·recon)" in str(explanation.forward())
    assert [name for name in explanation.values if name.startswith("mask")] == ["mask"]


# --- pages ---


def test_the_ways_of_a_gradient_past_an_op_without_a_rule_are_left_out() -> None:
    def objective(model: nn.Module, x: Tensor) -> Tensor:
        scaled: Tensor = torch.special.i0e(model(x))
        return scaled.sum()

    explanation = explain(built(), X, objective=objective)
    assert explanation.not_explained
    page = explanation.why("fc.bias.grad[0]")
    assert "They are not followed, since one passes an op without a rule" in page.text(200)
    assert page.checks.failed == 0


def test_a_long_call_is_broken_behind_a_comma() -> None:
    def objective(model: nn.Module, x: Tensor) -> Tensor:
        reconstruction = model(x)
        narrow = torch.clamp(reconstruction, min=-0.123456789, max=0.123456789)
        return F.huber_loss(narrow, x)

    explanation = explain(built(), X, objective=objective)
    for page in (explanation.forward(), explanation.backward()):
        assert max(map(len, page.text(40).splitlines())) <= 40


def test_a_long_chain_of_calls_is_broken_before_a_call() -> None:
    def objective(model: nn.Module, x: Tensor) -> Tensor:
        turned = model(x).reshape(1, 2, 3).permute(2, 0, 1).reshape(3, 2, 1).permute(1, 0, 2)
        return F.mse_loss(turned, torch.zeros(2, 3, 1))

    explanation = explain(built(), X, objective=objective)
    for page in (explanation.forward(), explanation.backward()):
        assert max(map(len, page.text(50).splitlines())) <= 50


def test_two_inputs_without_a_name_do_not_share_their_length() -> None:
    def objective(model: nn.Module, x: Tensor) -> Tensor:
        reconstruction = model(x)
        powers = reconstruction.exp()
        both = F.normalize(
            reconstruction * 1.5 + powers * 0.125 + reconstruction * powers
        ) - F.normalize(reconstruction * 3.5 - powers * 0.375 + reconstruction * powers)
        return torch.sum(both)

    explanation = explain(built(), X, objective=objective)
    page = str(explanation.forward())
    assert explanation.forward().checks.failed == 0
    of_one_row = [line for line in page.splitlines() if re.match(r" *norm\(.*\[0,:\]\)", line)]
    assert len(of_one_row) == 2


def test_noise_is_said_to_come_from_where_it_was_drawn() -> None:
    def objective(model: nn.Module, x: Tensor) -> Tensor:
        u = torch.rand_like(x)
        return F.mse_loss(model(x) + u, x)

    explanation = explain(built(), X, objective=objective, seed=1)
    assert "u is drawn from U(0, 1), seed 1." in str(explanation.forward())
    assert "u[0,0] is noise, drawn from U(0, 1), not computed" in str(explanation.why("u[0,0]"))
    given = explain(built(), X, objective=noisy, seed=1, eps=[0.5] * 6)
    assert "eps is given." in str(given.forward())
    assert "u is drawn from U(0, 1), seed 1." in str(given.forward())


def test_given_noise_is_said_to_be_given_however_it_is_drawn() -> None:
    def objective(model: nn.Module, x: Tensor) -> Tensor:
        wide = torch.normal(0.0, 2.0, x.shape)
        eps = torch.empty_like(x).normal_()
        return F.mse_loss(model(x) + wide + eps, x)

    page = str(explain(built(), X, objective=objective, seed=1, eps=[0.5] * 6).forward())
    assert "eps is given." in page
    assert "wide is drawn from a normal distribution, seed 1." in page


def noisy(model: nn.Module, x: Tensor) -> Tensor:
    eps = torch.randn_like(x)
    u = torch.rand_like(x)
    return F.mse_loss(model(x) + u + eps, x)


# --- tensors that are filled bit by bit ---


def test_a_tensor_filled_step_by_step_has_gradients_by_hand() -> None:
    def objective(model: nn.Module, x: Tensor) -> Tensor:
        h: Tensor = model(x)
        out = torch.zeros(2, 4)
        for step in range(3):
            out[:, step] = h[:, step] * (step + 1)
        out[0, 3] = h.sum()
        out[1, :2] = h[0, :2].unsqueeze(0)
        return out.pow(2).sum()

    explanation = explain(built(), X, objective=objective)
    assert_by_hand(explanation)
    forward = str(explanation.forward())
    assert "out_2 = put(out_1, 2·h[:, 1], at=[:, 1])" in forward


def assert_by_hand(explanation: Explanation) -> None:
    """Check that all is explained, and that every page and the pass by hand agree."""
    assert explanation.not_explained == ()
    run = explanation.run
    assert run.gradients.keys() == run.hand_gradients.keys()
    for number, gradient in run.gradients.items():
        name = str(run.trace.values[number].name)
        np.testing.assert_allclose(run.hand_gradients[number], gradient, 1e-4, 1e-6, err_msg=name)
    pages = [explanation.forward(), explanation.backward(), explanation.why("fc.weight.grad")]
    for page in pages:
        assert page.checks.lines
        assert not page.checks.failed


# --- older ways ---


@pytest.mark.filterwarnings("ignore:Implicit dimension choice")
@pytest.mark.parametrize("function", [F.softmax, F.log_softmax], ids=lambda f: f.__name__)
@pytest.mark.parametrize("shape", [(6,), (2, 3), (1, 2, 3), (1, 1, 2, 3)], ids=str)
def test_a_softmax_without_an_axis(
    function: Callable[[Tensor], Tensor], shape: tuple[int, ...]
) -> None:
    def objective(model: nn.Module, x: Tensor) -> Tensor:
        h: Tensor = model(x)
        shares = function(h.reshape(shape))
        return shares.pow(2).sum()

    assert_by_hand(explain(built(), X, objective=objective))


# --- what a loss is given ---


class WithMethod(Layer):
    """Its loss takes all that was returned in order, and wants a weight by name."""

    def loss_function(self, *args: Tensor, **kwargs: float) -> dict[str, Tensor]:
        recon = args[0]
        return {"loss": recon.pow(2).sum() * kwargs["kld_weight"]}


class Conditional(Layer):
    """It wants more than one input."""

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:  # type: ignore[override]  # more of them
        return self.fc(x) + labels  # type: ignore[no-any-return]  # as everybody writes it


def weighted(recon: Tensor, x: Tensor, beta: float) -> Tensor:
    return beta * F.mse_loss(recon, x)


def test_a_loss_gets_arguments_by_name() -> None:
    explanation = explain(WithMethod(), X, loss_arguments={"kld_weight": 0.25})
    assert_by_hand(explanation)
    twice, four = (explain(built(), X, weighted, loss_arguments={"beta": b}) for b in (2, 4))
    assert twice.run.trace.loss.array * 2 == four.run.trace.loss.array


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--model", "WithMethod"), "give it as --loss-arg kld_weight=VALUE"),
        (("--model", "built", "--loss", "weighted"), "nothing was found for beta"),
        (("--model", "built", "--loss", "weighted", "--loss-arg", "b=1"), "and no b"),
        (
            ("--model", "built", "--loss", "weighted", "--loss-arg", "b"),
            "--loss-arg b: write name=",
        ),
        (("--model", "Conditional", "--loss", "weighted"), "the model takes (x, labels)"),
        (("--model", "Conditional"), "model(x, labels)  # with labels of yours"),
    ],
)
def test_what_a_loss_or_model_lacks_is_named(
    cli: CommandLine, options: tuple[str, ...], words: str
) -> None:
    named = [f"{__name__}:{o}" if o.isidentifier() and o != "b" else o for o in options]
    outcome = cli("forward", *named, "--x", "1,2,3")
    assert (outcome.code, outcome.out) == (2, "")
    assert words in outcome.err


def test_a_loss_argument_on_the_command_line(cli: CommandLine) -> None:
    model = ("--model", f"{__name__}:WithMethod", "--x", "1,2,3")
    outcome = cli("why", "loss", *model, "--loss-arg", "kld_weight=0.5")
    assert (outcome.code, outcome.err) == (0, "")
    assert "½·" in outcome.out


def test_a_parameter_behind_an_op_without_a_rule_shows_autograds_numbers() -> None:
    class Scaled(Layer):
        def forward(self, x: Tensor) -> Tensor:
            weight = torch.special.i0e(self.fc.weight)
            return F.linear(x, weight, self.fc.bias)

    explanation = explain(Scaled(), X, objective=lambda model, x: model(x).pow(2).sum())
    assert explanation.not_explained
    page = explanation.backward()
    assert "these are autograd's numbers" in page.text(200)
    assert "fc.bias.grad" in page.text(200)
    assert page.checks.failed == 0


def test_a_page_says_once_where_no_gradient_comes_back() -> None:
    class Held(Layer):
        def forward(self, x: Tensor) -> Tensor:
            h: Tensor = self.fc(x)
            with torch.no_grad():
                first = h.sum(0)
                second = first.norm()
            scaled: Tensor = h / second
            return scaled

    explanation = explain(Held(), X, objective=lambda model, x: model(x).pow(2).sum())
    formulas = [b for b in explanation.forward().walkthrough.blocks if isinstance(b, Formula)]
    said = [b.left for b in formulas if "no gradient comes back from it" in b.remark]
    assert said == ["first"]
    assert [b.left for b in formulas if b.held] == ["first", "second"]


def test_a_part_of_a_batch_of_one_is_written_as_that_of_a_batch() -> None:
    class Written(Layer):
        def forward(self, x: Tensor) -> Tensor:
            h: Tensor = self.fc(x)
            h[:, 0] += x[:, 1]
            return h

    one = X[:1]
    explanation = explain(Written(), one, objective=lambda model, x: model(x).pow(2).sum())
    text = explanation.backward().text(120)
    assert "∂loss/∂h_2[:, 0]" in text or "at=[:, 0]" in text
    assert ":1]" not in text
    assert "sum_to" not in text, "nothing is summed where as many are put as there are places"


class Attending(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.MultiheadAttention(4, 2, batch_first=True, dropout=0.5)
        self.out = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.out(x).unsqueeze(0)
        found, _ = self.heads(tokens, tokens, tokens, need_weights=False)
        last = tokens[:, -1]
        total: Tensor = found.square().sum() + last.sum()
        return total


def test_what_only_arranges_a_value_anew_stands_in_its_section() -> None:
    x = torch.linspace(-1, 1, 12).reshape(3, 4)
    page = explain(Attending(), x).forward().walkthrough
    sections: list[list[str]] = []
    shown: set[str] = {"x"}
    for block in page.blocks:
        if isinstance(block, Heading):
            sections.append([])
        elif isinstance(block, Formula):
            sections[-1].append(block.left)
            used = {ref.name for ref in references(block.expression) if ref.role == "value"}
            assert used <= shown, f"{block.left} is made from what stands further down"
            shown.add(block.left)
        elif isinstance(block, Matrix):
            shown.add(block.name)
    for letter in "qkv":
        (section,) = [s for s in sections if f"{letter}_1" in s]
        assert [name for name in section if name.startswith(f"{letter}_")] == section
        assert len(section) > 1
    (section,) = [s for s in sections if "tokens" in s]
    assert "last" in section


# --- headings ---

ACTIVATIONS = [rule for rule in RULES.values() if rule.activation]
THRESHOLD = (0.1, 0.0)  # which alone has arguments that it needs


@pytest.mark.parametrize("rule", ACTIVATIONS, ids=lambda rule: rule.name)
def test_a_layers_heading_says_its_activation(rule: Rule) -> None:
    function: Any = reduce(getattr, rule.pytorch.split(".")[1:], torch)
    settings = THRESHOLD if rule.name == "threshold" else ()

    def objective(model: nn.Module, x: Tensor) -> Tensor:
        h = model(x)
        y = function(h, *settings)
        return F.mse_loss(y, x)

    page = explain(built(), X, objective=objective).forward()
    details = [block.detail for block in page.walkthrough.blocks if isinstance(block, Heading)]
    assert f"fc: Linear 3→3, then {rule.title}" in details
    assert page.checks.failed == 0


def test_what_the_built_in_vae_may_have_is_an_activation() -> None:
    assert {RULES[name] for name in builtin_config.ACTIVATIONS} <= set(ACTIVATIONS)


@pytest.mark.parametrize("activation", ["gelu", "tanh"])
def test_a_layer_shows_how_its_activation_is_computed(cli: CommandLine, activation: str) -> None:
    page = cli("forward", "--activation", activation).out
    title = RULES[activation].title
    assert (
        page.count(f": Linear 4→8, then {title}") == page.count(f": Linear 2→8, then {title}") == 1
    )
    assert ("encoder_pre·Φ(encoder_pre)" in page) == (activation == "gelu")
    assert f"fc1, {title}" in cli("params", "--activation", activation).out


# --- captions ---


class Small(nn.Module):
    """A VAE of which each test says what its terms are."""

    def __init__(self) -> None:
        super().__init__()
        self.fc_mu, self.fc_logvar, self.out = nn.Linear(3, 2), nn.Linear(3, 2), nn.Linear(2, 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mu, logvar = self.fc_mu(x), self.fc_logvar(x)
        std = torch.exp(0.5 * logvar)
        eps = torch.randn_like(std)
        z = mu + std * eps
        return self.out(z), mu, logvar


OF_SQUARES = "The derivative of a square"
OF_MU = "whose derivative pulls μ towards 0"
OF_KL = "How far q(z|x) is from the prior"


def test_captions_stand_where_they_hold() -> None:
    def loss(recon_x: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
        mse = F.mse_loss(recon_x, x, reduction="sum")
        kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        return mse + kl

    explanation = explain(Small(), X, loss, seed=1)
    forward, backward = (" ".join(str(page).split()) for page in pages_of(explanation))
    assert OF_KL in forward
    assert "KL divergence from the prior N(0, I)" in forward
    assert OF_SQUARES in backward
    assert OF_MU in backward


TWICE = "The derivative of a square: twice the difference from the input"
SLOPES: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], str]] = {
    "sum": (lambda a, b: F.mse_loss(a, b, reduction="sum"), f"{TWICE}."),
    "mean": (F.mse_loss, f"{TWICE}, divided by the 6 numbers of the mean."),
    "sum over rows": (
        lambda a, b: F.mse_loss(a, b, reduction="sum") / len(b),
        "The derivative of a square: in proportion to the difference from the input.",
    ),
    "half": (
        lambda a, b: 0.5 * F.mse_loss(a, b, reduction="sum"),
        "The derivative of a square: in proportion to the difference from the input.",
    ),
    "another target": (lambda a, b: F.mse_loss(a, b + 1), ""),
    "one row for all": (lambda a, b: F.mse_loss(a, b[:1].expand(2, -1)), ""),
}


@pytest.mark.parametrize("name", SLOPES)
def test_the_slope_of_squares_is_said_as_the_numbers_have_it(name: str) -> None:
    measure, words = SLOPES[name]

    def loss(recon_x: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
        mse = measure(recon_x, x)
        kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        return mse + kl

    page = " ".join(str(explain(Small(), X, loss, seed=1).backward("recon_x")).split())
    assert words in page
    assert (OF_SQUARES in page) == bool(words)


def test_a_mean_of_squares_is_said_to_be_one(cli: CommandLine) -> None:
    mean = "The mean squared distance of the reconstruction from the input."
    assert mean in cli("forward", "--step", "mse", "--reduction", "mean").out
    assert mean not in cli("forward", "--step", "mse").out
    assert "divided by the 4 numbers of the mean" in " ".join(
        cli("backward", "--param", "recon_x", "--reduction", "mean").out.split()
    )


def test_captions_are_left_out_where_they_do_not_hold() -> None:
    def loss(recon_x: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
        bce = F.binary_cross_entropy_with_logits(recon_x, x)
        kl = (mu - 1).pow(2).sum() + logvar.abs().sum()  # of some other kind
        return bce + kl

    explanation = explain(Small(), X, loss, seed=1)
    forward, backward = (" ".join(str(page).split()) for page in pages_of(explanation))
    assert OF_KL not in forward
    assert "KL divergence from the prior" not in forward
    assert "No activation at the end" not in forward
    assert OF_SQUARES not in backward
    assert OF_MU not in backward


def test_a_mean_over_rows_is_no_mean_of_a_latent() -> None:
    def loss(recon_x: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
        mean = recon_x.mean(0)
        return (mean - x.mean(0)).pow(2).sum()

    explanation = explain(Small(), X, loss, seed=1)
    captions, run = Captions(explanation.run), explanation.run
    assert captions.title(run.value("mean").id) == "mean"
    assert captions.title(run.value("mu").id) == "Mean μ of the latent Gaussian"


def pages_of(explanation: Explanation) -> tuple[Page, Page]:
    return explanation.forward(), explanation.backward()


# --- gradients of somebody's own ---


class StraightThrough(torch.autograd.Function):
    """Rounds, and passes the gradient on as if it had not."""

    @staticmethod
    def forward(ctx: Any, h: Tensor) -> Tensor:
        return torch.round(h * 4) / 4

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return 2 * gradient


def test_a_function_with_a_backward_of_its_own_is_not_taken_apart() -> None:
    def objective(model: nn.Module, x: Tensor) -> Tensor:
        h = model(x)
        rounded = StraightThrough.apply(h)  # type: ignore[no-untyped-call]  # PyTorch's
        return F.mse_loss(rounded, x)

    explanation = explain(built(), X, objective=objective)
    assert explanation.not_explained == ("StraightThrough.apply",)
    run = explanation.run
    assert run.gradients.keys() == run.hand_gradients.keys()
    for number, gradient in run.gradients.items():
        np.testing.assert_allclose(run.hand_gradients[number], gradient, rtol=1e-5)
    for page in (*pages_of(explanation), explanation.why("fc.weight.grad[0,0]")):
        assert page.checks.failed == 0
    assert "StraightThrough.apply" in str(explanation.backward())


# --- precision ---


def test_a_model_of_two_precisions_is_held_to_the_coarser() -> None:
    def objective(model: nn.Module, x: Tensor) -> Tensor:
        h = model(x.float()).double()
        root: Tensor = (h.exp().pow(2).sum() + h.sum()).sqrt()
        return root

    explanation = explain(built(), X, objective=objective)
    assert explanation.values["fc.weight"].dtype == np.float32
    assert explanation.run.trace.loss.array.dtype == np.float64
    assert_by_hand(explanation)


def test_a_lazy_module_is_told_of() -> None:
    lazy = nn.Sequential(nn.LazyLinear(3))
    with pytest.raises(CannotLoad, match=r"lazy module \(at 0\) has no sizes yet"):
        refuse_opaque(lazy)
    lazy(X)
    refuse_opaque(lazy)


def test_long_rows_of_products_without_names_stay_short() -> None:
    def objective(model: nn.Module, x: Tensor) -> Tensor:
        square = torch.full((9, 9), 0.25)
        h = F.pad(model(x), (0, 6))
        out = h @ square @ square @ square @ square @ square @ square @ square
        return out.sum()

    explanation = explain(built(), X, objective=objective)
    assert {"matmul_1", "matmul_2"} <= set(explanation.values)
    assert_by_hand(explanation)
