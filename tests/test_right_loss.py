"""The right loss, or none: as people call it, whatever it is called, or one line that asks.

A wrong loss would be shown with every line under it ticked. So each way in which public code
hands a model's parts to its loss is held against the call that its own training loop makes.
"""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_explain import explain
from vae_explain.models.binding.loss_parameters import CannotBind
from vae_explain.models.loading.user_code import CannotLoad

from .pages import CommandLine

X = torch.tensor([[0.2, 0.9, 0.5], [0.7, 0.1, 0.4]])
ROWS = ("--x", ".2,.9,.5", "--x", ".7,.1,.4")


# --- models -----------------------------------------------------------------------------


class Base(nn.Module):
    """A VAE whose latents are as many as its inputs, so that no shape tells the parts apart."""

    def __init__(self) -> None:
        super().__init__()
        self.to_mu, self.to_logvar, self.decoder = (nn.Linear(3, 3) for _ in range(3))

    def parts(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mu, logvar = self.to_mu(x), self.to_logvar(x)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return torch.sigmoid(self.decoder(z)), mu, logvar

    def decode(self, z: Tensor) -> Tensor:
        return torch.sigmoid(self.decoder(z))


class Usual(Base):
    def forward(self, x: Tensor) -> Any:
        recon, mu, logvar = self.parts(x)
        return recon, mu, logvar


class OddNames(Base):
    def forward(self, x: Tensor) -> Any:
        q_z, mu, logvar = self.parts(x)
        z = mu + 0
        return q_z, logvar, mu, z


class MadeInPlace(Base):
    """Its parts have no names but what is called to make them, and come mean first."""

    def forward(self, x: Tensor) -> Any:
        mu, logvar = self.to_mu(x), self.to_logvar(x)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return self.to_mu(x), self.to_logvar(x), self.decode(z)


class NoNames(Base):
    def forward(self, x: Tensor) -> Any:
        return self.parts(x)


class Alone(Base):
    def forward(self, x: Tensor) -> Any:
        return self.parts(x)[0]


class LongNames(Base):
    def forward(self, x: Tensor) -> Any:
        x_pred, z_mean_vector, z_log_variance = self.parts(x)
        return z_log_variance, z_mean_vector, x_pred


class WithInput(Base):
    def forward(self, input: Tensor) -> list[Tensor]:
        recon, mu, log_var = self.parts(input)
        return [recon, input, mu, log_var]


class InDict(Base):
    def forward(self, x: Tensor) -> dict[str, Tensor]:
        recon, mu, logvar = self.parts(x)
        return {"samples": recon, "mean": mu, "logvar": logvar}


class Deep(Base):
    def forward(self, x: Tensor) -> Any:
        recon, mu, logvar = self.parts(x)
        kld_loss, nll_loss = kl_of(mu, logvar), F.mse_loss(recon, x, reduction="sum")
        all_mu, all_logvar = [mu, mu + 0], [logvar, logvar + 0]
        return kld_loss, nll_loss, (all_mu, all_logvar)


class TwoParts(Base):
    def forward(self, x: Tensor) -> Any:
        recon, mu, logvar = self.parts(x)
        return recon, torch.cat([mu, logvar], dim=1)


class Nested(Base):
    def forward(self, x: Tensor) -> Any:
        recon, mu, logvar = self.parts(x)
        return recon, (mu, logvar)


def kl_of(mu: Tensor, logvar: Tensor) -> Tensor:
    return -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())


def of_statistics(recon: Tensor, x: Tensor, statistics: tuple[Tensor, Tensor]) -> Tensor:
    mu, logvar = statistics
    return elbo(recon, x, mu, logvar)


def elbo(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return F.binary_cross_entropy(recon, x, reduction="sum") + kl_of(mu, logvar)


# --- losses -----------------------------------------------------------------------------


def inputs_and_targets(inputs: Tensor, targets: Tensor, logvar: Tensor, mu: Tensor) -> Tensor:
    return F.binary_cross_entropy(inputs, targets, reduction="sum") + kl_of(mu, logvar)


def told_by_use(batch: Tensor, data: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    error = F.binary_cross_entropy(data.view(-1, 3), batch.view(-1, 3), reduction="sum")
    return error + kl_of(mu, logvar)


def not_told(batch: Tensor, data: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return ((batch - 2 * data) ** 2).sum() + kl_of(mu, logvar)


def pictures(images: Tensor, re_images: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return elbo(re_images, images, mu, logvar)


def other_order(x: Tensor, x_pred: Tensor, logvar: Tensor, mu: Tensor) -> Tensor:
    return elbo(x_pred, x, mu, logvar)


def taken_apart(y_pred: Any, y_true: Tensor) -> Tensor:
    recon, mu, logvar = y_pred
    return elbo(recon, y_true, mu, logvar)


def indexed(out: Any, x: Tensor) -> Tensor:
    mu, logvar = out[1].chunk(2, dim=1)
    return elbo(out[0], x, mu, logvar)


def keyed(pred: Any, x: Tensor, kld_weight: float) -> Tensor:
    return elbo(pred["samples"], x, pred["mean"], kld_weight * pred["logvar"])


def pythae_like(*args: Tensor, **kwargs: float) -> Tensor:
    recon, x, mu, log_var = args
    return kwargs["M_N"] * elbo(recon, x, mu, log_var)


def rest(recon: Tensor, x: Tensor, *stats: Tensor) -> Tensor:
    return elbo(recon, x, *stats)


def from_samples(samples: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return elbo(samples, x, mu, logvar)


def of_sums(kld_loss: Tensor, nll_loss: Tensor) -> Tensor:
    return kld_loss + nll_loss


def by_epoch(recon: Tensor, x: Tensor, mu: Tensor, epoch: int) -> Tensor:
    return F.mse_loss(recon, x) + 0.1 * epoch * mu.pow(2).sum()


def kl_alone(x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return kl_of(mu, logvar) + 0 * x.sum()


def of_model(model: nn.Module, x: Tensor) -> Tensor:
    return elbo(model(x)[0], x, *model(x)[1:])


def of_model_last(x: Tensor, model: nn.Module) -> Tensor:
    return of_model(model, x)


def of_own_model(x: Tensor, vae: Any, beta: float = 0.5) -> Tensor:
    flat = x.flatten(1)
    mu, logvar = vae.to_mu(flat), vae.to_logvar(x)
    z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
    return F.mse_loss(vae.decode(z), x, reduction="sum") + beta * kl_of(mu, logvar)


def of_model_once(net: nn.Module, data: Tensor) -> dict[str, Tensor]:
    recon, mu, logvar = net(data.view(len(data), -1))
    return {"loss": elbo(recon, data, mu, logvar), "kl": kl_of(mu, logvar)}


def of_a_batch(model: nn.Module, batch: Tensor) -> Tensor:
    x, _ = batch
    return of_model(model, x) + F.mse_loss(model(batch)[0], batch)


def of_rows(model: nn.Module, batch: Tensor) -> Tensor:
    return elbo(*model(*batch), *batch)


def of_weighted_rows(model: nn.Module, beta: float, x: Tensor, how: str = "mean") -> Tensor:
    return beta * F.mse_loss(model(x)[0], x, reduction=how)


def of_outputs(net: Any, x: Tensor) -> Tensor:
    return F.mse_loss(net.sub(x), x)


def of_weights(model: nn.Module, x: Tensor) -> Tensor:
    return F.mse_loss(x, x) + sum(p.square().sum() for p in model.parameters())


def of_model_and_more(model: nn.Module, x: Tensor, labels: Tensor) -> Tensor:
    return of_model(model, x) + labels.sum()


def of_each_row(recon: Tensor, x: Tensor) -> Tensor:
    return F.mse_loss(recon, x, reduction="none").sum(dim=1)


class Bound(NamedTuple):
    """A model and a loss, and the loss as a training loop computes it from both."""

    model: type[Base]
    loss: Callable[..., Any]
    as_called: Callable[[Any, Tensor], Tensor]
    more: Mapping[str, Any] = {}


BOUND = {
    "inputs are the prediction": Bound(
        OddNames, inputs_and_targets, lambda out, x: inputs_and_targets(out[0], x, out[1], out[2])
    ),
    "told by which is held against which": Bound(
        Usual, told_by_use, lambda out, x: told_by_use(x, *out)
    ),
    "pictures": Bound(Usual, pictures, lambda out, x: pictures(x, *out)),
    "told by what is called": Bound(
        MadeInPlace, elbo, lambda out, x: elbo(out[2], x, out[0], out[1])
    ),
    "another order": Bound(
        Usual, other_order, lambda out, x: other_order(x, out[0], out[2], out[1])
    ),
    "names of several words": Bound(
        LongNames, other_order, lambda out, x: other_order(x, out[2], out[0], out[1])
    ),
    "a prediction that is taken apart": Bound(Usual, taken_apart, taken_apart),
    "two parts that are indexed": Bound(TwoParts, indexed, indexed),
    "a dict that is taken apart": Bound(
        InDict, keyed, lambda out, x: keyed(out, x, 0.5), {"kld_weight": 0.5}
    ),
    "any number, with the input": Bound(
        WithInput, pythae_like, lambda out, x: pythae_like(*out, M_N=0.25), {"M_N": 0.25}
    ),
    "x before the rest": Bound(Usual, rest, lambda out, x: rest(out[0], x, *out[1:])),
    "a dict's own word": Bound(
        InDict,
        from_samples,
        lambda out, x: from_samples(out["samples"], x, out["mean"], out["logvar"]),
    ),
    "a pair among the parts": Bound(
        Nested, of_statistics, lambda out, x: of_statistics(out[0], x, out[1])
    ),
    "parts within parts": Bound(Deep, of_sums, lambda out, x: of_sums(out[0], out[1])),
    "an epoch": Bound(Usual, by_epoch, lambda out, x: by_epoch(out[0], x, out[1], 3), {"epoch": 3}),
}


def plain(model: nn.Module, loss: Callable[[Any, Tensor], Tensor]) -> dict[str, np.ndarray]:
    """Return the gradients of a plain run, and its loss under the name `loss`."""
    model.zero_grad()
    torch.manual_seed(7)
    computed = loss(model(X), X)
    torch.autograd.backward(computed)
    found = {n: p.grad.numpy() for n, p in model.named_parameters() if p.grad is not None}
    return {**found, "loss": computed.detach().numpy()}


def assert_as_plain(model: nn.Module, explanation: Any, expected: dict[str, np.ndarray]) -> None:
    assert np.array_equal(explanation.run.trace.loss.array, expected.pop("loss"))
    for name, gradient in expected.items():
        assert np.array_equal(explanation.gradients[name], gradient), name


@pytest.mark.parametrize("name", BOUND)
def test_the_loss_is_the_one_of_the_training_loop(name: str) -> None:
    case = BOUND[name]
    torch.manual_seed(0)
    model = case.model()
    expected = plain(model, case.as_called)
    explanation = explain(model, X, case.loss, loss_arguments=case.more, seed=7)
    assert_as_plain(model, explanation, expected)


@pytest.mark.parametrize(
    ("loss", "total", "more", "call"),
    [
        (of_model, of_model, {}, "of_model(model=model, x=x)"),
        (
            of_own_model,
            lambda m, x: of_own_model(x, m),
            {},
            "of_own_model(x=x, vae=model), beta=0.5 by default",
        ),
        (
            of_own_model,
            lambda m, x: of_own_model(x, m, 2.0),
            {"beta": 2.0},
            "of_own_model(x=x, vae=model, beta=2.0)",
        ),
        (
            of_model_once,
            lambda m, x: of_model_once(m, x)["loss"],
            {},
            "of_model_once(net=model, data=x)['loss']",
        ),
    ],
)
def test_a_loss_may_run_the_model_itself(
    loss: Callable[..., Any],
    total: Callable[[Any, Tensor], Tensor],
    more: Mapping[str, Any],
    call: str,
) -> None:
    torch.manual_seed(0)
    model = Usual()
    model.zero_grad()
    torch.manual_seed(7)
    computed = total(model, X)
    torch.autograd.backward(computed)
    expected = {name: p.grad.numpy() for name, p in model.named_parameters()}  # type: ignore[union-attr]
    explanation = explain(model, X, loss, loss_arguments=more, seed=7)
    assert_as_plain(model, explanation, {**expected, "loss": computed.detach().numpy()})
    assert explanation.run.loss_call is not None
    assert explanation.run.loss_call.text == call
    assert explanation.check().passed


@pytest.mark.parametrize(
    ("model", "loss", "words"),
    [
        (Usual, not_told, "batch and data can each be x; .* --loss-arg batch=recon"),
        (Usual, kl_alone, "no parameter gets recon"),
        (NoNames, other_order, r"which of .* is the mean is not said"),
        (Alone, other_order, "nothing was found for"),
        # X has two rows, which could be unpacked as well.
        (Usual, of_statistics, r"unpacks statistics into 2.*statistics=\(out\[1\], out\[2\]\)"),
        (Usual, by_epoch, "nothing was found for epoch"),
        (InDict, keyed, "nothing was found for kld_weight"),
        *(
            (Usual, loss, r'the model itself; add --objective-expr "loss\(model, x\)"')
            for loss in (of_a_batch, of_rows, of_outputs, of_weights)
        ),
        (Usual, of_model_last, r'the model itself; add --objective-expr "loss\(x, model\)"'),
        (Usual, of_model_and_more, "the model itself; give it with --objective"),
        (
            Usual,
            of_each_row,
            r'how one is made of it, as by --objective-expr "loss\(recon=.*, x=x\)\.mean\(\)"',
        ),
    ],
)
def test_what_is_not_told_is_asked(model: type[Base], loss: Callable[..., Any], words: str) -> None:
    with pytest.raises(CannotBind, match=f"(?s){words}"):
        explain(model(), X, loss)


def test_the_expression_in_place_of_arguments_has_them(cli: CommandLine) -> None:
    own = ("--model", f"{__name__}:Usual", "--loss", f"{__name__}:of_weighted_rows", *ROWS)
    asked = cli("forward", *own, "--loss-arg", "beta=2", "--loss-arg", "how=sum")
    (expression,) = re.findall(r'give --objective-expr "(.*)" in place of --loss-arg', asked.err)
    assert (asked.code, expression) == (2, "loss(model=model, x=x, beta=2, how='sum')")
    told = cli("forward", *own, "--objective-expr", expression)
    assert told.code == 0


def test_the_option_that_is_named_settles_it(cli: CommandLine) -> None:
    own = ("--model", f"{__name__}:Usual", "--loss", f"{__name__}:not_told", *ROWS)
    asked = cli("forward", *own)
    assert (asked.code, asked.out, asked.err.count("\n")) == (2, "", 1)
    named = re.findall(r"--loss-arg (\S+)", asked.err)
    assert named == ["batch=recon", "data=x"]
    options = [word for each in named for word in ("--loss-arg", each)]
    told = cli("forward", *own, *options)
    assert told.code == 0
    header = " ".join(told.out.split("\n\n")[0].split())
    assert "loss: not_told(batch=recon, data=x, mu=mu, logvar=logvar)" in header
    swapped = cli("forward", *own, "--loss-arg", "data=model(x)[0]", "--loss-arg", "batch=x")
    assert "data=recon" in " ".join(swapped.out.split("\n\n")[0].split())


def of_a_word(recon: Tensor, x: Tensor, how: str = "sum", mean: Any = None) -> Tensor:
    return F.mse_loss(recon, x, reduction=how)


@pytest.mark.parametrize("value", ["mean", "'mean'"])
def test_a_word_that_is_meant_as_one_stays_one(cli: CommandLine, value: str) -> None:
    own = ("--model", f"{__name__}:InDict", "--loss", f"{__name__}:of_a_word", *ROWS)
    outcome = cli("forward", *own, "--loss-arg", f"how={value}")
    assert outcome.code == 0
    assert "how='mean'" in outcome.out


# --- what a loss returns ----------------------------------------------------------------


def total_first(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Any:
    error, kl = F.mse_loss(recon, x), kl_of(mu, logvar)
    return error + 0.5 * kl, error, kl


def total_last(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Any:
    error, kl = F.mse_loss(recon, x), kl_of(mu, logvar)
    return error, kl, error + kl


def total_and_one(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Any:
    error, kl = F.mse_loss(recon, x, reduction="none").sum(1), kl_of(mu, logvar)
    return (error + kl).mean(), error.mean()


def total_anew(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Any:
    """Its parts are computed once more, so that no graph tells."""
    error, kl = F.mse_loss(recon, x), kl_of(mu, logvar)
    return F.mse_loss(recon, x) + 0.25 * kl_of(mu, logvar).abs(), error, kl


def total_for_the_log(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Any:
    error, kl = F.mse_loss(recon, x), kl_of(mu, logvar)
    return {"total": error + kl, "log": {"mse": error.item(), "kl": kl.detach()}}


def two_parts(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Any:
    return F.mse_loss(recon, x, reduction="sum"), kl_of(mu, logvar)


def named_parts(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Any:
    error, kl = F.mse_loss(recon, x, reduction="sum"), kl_of(mu, logvar)
    return OrderedDict(mse=error, kl=kl)


def perplexity(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Any:
    nll = elbo(recon, x, mu, logvar)
    return nll, kl_of(mu, logvar), nll.exp()


TAKEN = [
    (total_first, lambda found: found[0], "[0]"),
    (total_last, lambda found: found[2], "[2]"),
    (total_and_one, lambda found: found[0], "[0]"),
    (total_anew, lambda found: found[0], "[0]"),
    (total_for_the_log, lambda found: found["total"], "['total']"),
]
SUMMED = [
    (two_parts, lambda found: found[0] + found[1], "[0] + parts[1]"),
    (named_parts, lambda found: found["mse"] + found["kl"], "['mse'] + parts['kl']"),
]


@pytest.mark.parametrize(("loss", "take", "code"), TAKEN)
def test_the_part_that_is_the_others_sum_is_the_loss(
    loss: Callable[..., Any], take: Callable[[Any], Tensor], code: str
) -> None:
    torch.manual_seed(0)
    model = Usual()
    expected = plain(model, lambda out, x: take(loss(out[0], x, out[1], out[2])))
    explanation = explain(model, X, loss, seed=7)
    assert_as_plain(model, explanation, expected)
    assert explanation.run.loss_call is not None
    assert explanation.run.loss_call.text.endswith(code)
    with pytest.raises(CannotBind, match=r"is the (sum|loss) already"):
        explain(model, X, loss, loss_sum=True)


@pytest.mark.parametrize(("loss", "take", "code"), SUMMED)
def test_parts_that_a_loop_adds_are_offered_as_their_sum(
    loss: Callable[..., Any], take: Callable[[Any], Tensor], code: str
) -> None:
    torch.manual_seed(0)
    model = Usual()
    with pytest.raises(CannotBind, match="none of them is the sum of the others; --loss-sum"):
        explain(model, X, loss)
    expected = plain(model, lambda out, x: take(loss(out[0], x, out[1], out[2])))
    explanation = explain(model, X, loss, loss_sum=True, seed=7)
    assert_as_plain(model, explanation, expected)
    assert len(explanation.run.trace.terms) == 2
    call = explanation.run.loss_call
    assert call is not None
    assert call.text.endswith(code)
    assert f"loss: {call.text}" in " ".join(str(explanation.forward()).split())
    # The header's line is a line of Python.
    torch.manual_seed(7)
    names = dict(zip(("recon", "mu", "logvar"), model(X), strict=True))
    assert float(eval(call.text, {"x": X, call.function: loss, **names}).detach()) == float(
        explanation.run.trace.loss.array
    )


def test_a_number_that_no_other_is_part_of_is_not_taken() -> None:
    """A perplexity is computed from the loss, and is not its sum with anything."""
    torch.manual_seed(0)
    assert explain(Usual(), X, perplexity, seed=7).run.loss_call.text.endswith("[0]")  # type: ignore[union-attr]  # it has one


def error_and_root(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Any:
    error = F.mse_loss(recon, x, reduction="sum")
    return error, kl_of(mu, logvar), (error / x.numel()).sqrt()


def kl_and_its_mean(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Any:
    kl = kl_of(mu, logvar)
    return {"kl": kl, "kl_each": kl / mu.numel(), "mse": F.mse_loss(recon, x)}


def error_twice(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Any:
    return F.mse_loss(recon, x), F.mse_loss(recon, x, reduction="sum"), kl_of(mu, logvar)


@pytest.mark.parametrize("loss", [error_and_root, kl_and_its_mean, error_twice])
def test_a_term_is_no_total_for_its_multiple_beside_it(loss: Callable[..., Any]) -> None:
    """With a weight of 0 for the others it would be their sum, and they would be dropped."""
    torch.manual_seed(0)
    with pytest.raises(CannotBind, match="none of them is the sum of the others"):
        explain(Usual(), X, loss)


class ChangesItsInput(Base):
    def forward(self, x: Tensor) -> Any:
        x = 0.5 * x
        recon, mu, logvar = self.parts(x)
        return recon, x, mu, logvar


class CopiesItsInput(Base):
    def forward(self, x: Tensor) -> Any:
        x = x.clone()
        recon, mu, logvar = self.parts(x)
        return recon, x, mu, logvar


def assert_asked(
    cli: CommandLine, own: tuple[str, ...], why: str, argument: str, right: float
) -> None:
    """Require that a loss is refused for a reason, and is right with the argument."""
    refused = cli("forward", "loss", *own)
    assert refused.code == 2
    assert why in refused.err
    mended = cli("forward", "--json", *own, "--loss-arg", argument)
    assert json.loads(mended.out)["values"]["loss"] == pytest.approx(right, rel=1e-6)


def test_an_input_that_the_model_changed_is_asked_for(cli: CommandLine) -> None:
    torch.manual_seed(42)
    right = elbo(*ChangesItsInput()(X)).item()
    own = "--model", f"{__name__}:ChangesItsInput", "--loss", f"{__name__}:elbo", *ROWS
    why = "x may be x, or model(x)[1], which the model made of it"
    assert_asked(cli, own, why, "x=model(x)[1]", right)
    model = CopiesItsInput()
    assert_as_plain(model, explain(model, X, elbo, seed=7), plain(model, lambda out, x: elbo(*out)))


class CallsItsLatentB(Base):
    def forward(self, x: Tensor) -> Any:
        mu, logvar = self.to_mu(x), self.to_logvar(x)
        b = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return self.decode(b), mu, logvar, b


def weighted_by_b(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor, b: float = 0.5) -> Tensor:
    return (F.mse_loss(recon, x) + b * kl_of(mu, logvar)).mean()


def test_a_number_by_default_is_no_variable_of_its_name(cli: CommandLine) -> None:
    torch.manual_seed(42)
    recon, mu, logvar, _ = CallsItsLatentB()(X)
    right = weighted_by_b(recon, X, mu, logvar).item()
    own = "--model", f"{__name__}:CallsItsLatentB", "--loss", f"{__name__}:weighted_by_b", *ROWS
    why = "b is 0.5 by default, and the model has a variable of that name"
    assert_asked(cli, own, why, "b=0.5", right)


class OwnParts(Base):
    """Its number is but the KL; the loop adds the error."""

    def forward(self, x: Tensor) -> Any:
        recon, mu, logvar = self.parts(x)
        return recon, kl_of(mu, logvar)


class OwnLoss(Base):
    def forward(self, x: Tensor) -> Any:
        recon, mu, logvar = self.parts(x)
        return recon.view(1, -1), elbo(recon, x, mu, logvar)


def test_a_models_one_number_is_its_loss_if_all_of_it_goes_into_that() -> None:
    torch.manual_seed(0)
    model = OwnLoss()
    assert_as_plain(model, explain(model, X, seed=7), plain(model, lambda out, x: out[1]))
    with pytest.raises(CannotBind, match="recon has parameters that do not go into it"):
        explain(OwnParts(), X)
    with pytest.raises(CannotBind, match="kld_loss and nll_loss, and none of them is the sum"):
        explain(Deep(), X)


# --- the objective that a message shows ---


@pytest.mark.parametrize("model", [Usual, OddNames, NoNames, InDict, TwoParts, MadeInPlace])
def test_the_objective_that_is_suggested_runs_as_it_is_pasted(model: type[Base]) -> None:
    made = model()
    with pytest.raises(CannotBind) as caught:
        explain(made, X)
    namespace: dict[str, Any] = {}
    exec(str(caught.value).partition(":\n")[2], namespace)
    assert namespace["objective"](made, X).numel() == 1
    explain(made, X, objective=namespace["objective"])


def of_three(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor, gain: float) -> Tensor:
    return gain * elbo(recon, x, mu, logvar)


def test_the_objective_that_is_suggested_calls_the_loss_at_hand() -> None:
    with pytest.raises(CannotBind) as caught:
        explain(Usual(), X, of_three)
    namespace: dict[str, Any] = {"of_three": of_three}
    exec(str(caught.value).partition(":\n")[2], namespace)
    assert namespace["objective"](Usual(), X).numel() == 1


# --- a loss that is the class of a module -----------------------------------------------


class SquaredAndKL(nn.Module):
    def forward(self, recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
        return F.mse_loss(recon, x, reduction="sum") - 0.5 * torch.sum(
            1 + logvar - mu**2 - logvar.exp()
        )


class Weighted(SquaredAndKL):
    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = weight


class Learned(SquaredAndKL):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 2)


class InParts(Base):
    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return self.parts(x)


def test_an_object_is_made_of_a_loss_that_is_a_class() -> None:
    model = InParts()
    by_class = explain(model, X, loss=SquaredAndKL, seed=0)
    by_object = explain(model, X, loss=SquaredAndKL(), seed=0)
    assert by_class.run.trace.loss.array == by_object.run.trace.loss.array


@pytest.mark.parametrize(
    ("loss", "words"),
    [(Weighted, r"Weighted\(\) raised TypeError"), (Learned, "have parameters of their own")],
)
def test_a_class_of_which_none_can_be_made_asks_for_an_object(loss: type, words: str) -> None:
    with pytest.raises(CannotLoad, match=f"{words}.*make an object of it"):
        explain(InParts(), X, loss=loss, seed=0)
