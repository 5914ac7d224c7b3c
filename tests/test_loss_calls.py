"""What a header says that a loss was given, held against what the loss was really given.

The header's line is a line of Python. So it is run as one: with the objects that the model had
in hand, it must pass the loss the very objects that it got in the run, and give the same loss.
"""

from __future__ import annotations

import functools
import html
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_explain import Explanation, explain
from vae_explain.engine.loss_call import LossCall
from vae_explain.models.binding.model_outputs import named_parts

from .pages import CommandLine

X = torch.tensor([[0.2, 0.9, 0.5], [0.7, 0.1, 0.4]])
RECEIVED: list[dict[str, Any]] = []
LAST_RUN: dict[str, Any] = {}


def saw(variables: Mapping[str, Any]) -> None:
    """Write down what a loss was given, called at its start with its variables."""
    RECEIVED.append({k: v for k, v in variables.items() if k not in ("self", "cls", "__class__")})


# --- models -----------------------------------------------------------------------------


class Base(nn.Module):
    """A VAE; each model below returns its parts in another way."""

    def __init__(self) -> None:
        super().__init__()
        self.to_mu, self.to_logvar, self.decoder = nn.Linear(3, 2), nn.Linear(3, 2), nn.Linear(2, 3)

    def parts(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        mu, logvar = self.to_mu(x), self.to_logvar(x)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return self.decoder(z), mu, logvar, z

    def keep(self, variables: Mapping[str, Any], returned: Any) -> None:
        LAST_RUN.update(had=dict(variables), returned=returned)  # what a model keeps is put back

    @property
    def had(self) -> dict[str, Any]:
        """The variables of the last run."""
        return LAST_RUN["had"]  # type: ignore[no-any-return]  # see `keep`

    @property
    def returned(self) -> Any:
        return LAST_RUN["returned"]


class Usual(Base):
    def forward(self, x: Tensor) -> Any:
        recon, mu, logvar, _ = self.parts(x)
        self.keep(locals(), (recon, mu, logvar))
        return recon, mu, logvar


class Unnamed(Base):
    def forward(self, x: Tensor) -> Any:
        self.keep({}, self.parts(x)[:3])
        return self.returned[0], self.returned[1], self.returned[2]


class Swapped(Base):
    def forward(self, x: Tensor) -> Any:
        recon, mu, logvar, _ = self.parts(x)
        self.keep(locals(), (logvar, mu, recon))
        return logvar, mu, recon


class More(Base):
    def forward(self, x: Tensor) -> Any:
        recon, mu, logvar, z = self.parts(x)
        aux = None
        self.keep(locals(), (recon, aux, mu, logvar, z))
        return recon, aux, mu, logvar, z


class Nested(Base):
    def forward(self, x: Tensor) -> Any:
        recon, mu, logvar, z = self.parts(x)
        self.keep(locals(), (recon, (mu, logvar), [z]))
        return recon, (mu, logvar), [z]


class Latents(Base):
    def forward(self, x: Tensor) -> Any:
        recon, mu, logvar, z = self.parts(x)
        zs = [z, 2 * z]
        self.keep(locals(), (recon, mu, logvar, zs))
        return recon, mu, logvar, zs


class Pair(Base):
    def forward(self, x: Tensor) -> Any:
        recon, mu, logvar, _ = self.parts(x)
        stats = (mu, logvar)
        self.keep(locals(), (recon, stats))
        return recon, stats


class CallsItX(Base):
    def forward(self, x: Tensor) -> Any:
        x, mu, logvar, _ = self.parts(x)
        self.keep({"mu": mu, "logvar": logvar}, (x, mu, logvar))
        return x, mu, logvar


class GivesTarget(Base):
    def forward(self, x: Tensor) -> Any:
        recon, mu, logvar, _ = self.parts(x)
        target = x.round()
        self.keep(locals(), (recon, target, mu, logvar))
        return recon, target, mu, logvar


class GivesInput(Base):
    def forward(self, x: Tensor) -> Any:
        recon, mu, logvar, _ = self.parts(x)
        self.keep(locals(), (recon, x, mu, logvar))
        return recon, x, mu, logvar


class One(Base):
    def forward(self, x: Tensor) -> Any:
        recon = self.parts(x)[0]
        self.keep(locals(), recon)
        return recon


class OneUnnamed(Base):
    def forward(self, x: Tensor) -> Any:
        self.keep({}, self.parts(x)[0])
        return self.returned


class InDict(Base):
    def forward(self, x: Tensor) -> Any:
        recon, mean, lv, z = self.parts(x)
        self.keep({}, {"x_hat": recon, "mu": mean, "log_var": lv, "z": z, "step": 3})
        return self.returned


class OddKeys(Base):
    def forward(self, x: Tensor) -> Any:
        recon, mean, lv, _ = self.parts(x)
        self.keep({}, {"x": recon, "mu/q": mean, "logvar/q": lv})
        return self.returned


@dataclass
class Output:
    reconstruction: Tensor
    mu: Tensor
    logvar: Tensor
    hidden: Tensor | None = None


class AsDataclass(Base):
    def forward(self, x: Tensor) -> Any:
        recon, mean, lv, _ = self.parts(x)
        self.keep({}, Output(recon, mean, lv))
        return self.returned


class Triple(NamedTuple):
    logvar: Tensor
    mu: Tensor
    recon_x: Tensor


class AsNamedTuple(Base):
    def forward(self, x: Tensor) -> Any:
        recon, mean, lv, _ = self.parts(x)
        self.keep({}, Triple(lv, mean, recon))
        return self.returned


class AsObject(Base):
    def forward(self, x: Tensor) -> Any:
        recon, mean, lv, _ = self.parts(x)
        self.keep({}, SimpleNamespace(recon=recon, mean=mean, logvar=lv))
        return self.returned


# --- losses -----------------------------------------------------------------------------


def elbo(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    saw(locals())
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return F.mse_loss(recon, x, reduction="sum") + kld


def in_other_order(mu: Tensor, logvar: Tensor, x: Tensor, x_hat: Tensor) -> Tensor:
    saw(locals())
    return (x_hat - x).pow(2).sum() + mu.pow(2).sum() + logvar.exp().sum()


def without_names(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    saw(locals())
    return a.pow(2).sum() + 2 * b.pow(2).sum() + 3 * c.pow(2).sum()


def with_defaults(
    recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor, beta: float = 0.5, how: str = "sum"
) -> Tensor:
    saw(locals())
    return F.mse_loss(recon, x, reduction=how) + beta * mu.pow(2).sum() + logvar.exp().sum()


def keyword_only(recon: Tensor, *, x: Tensor, mu: Tensor, beta: float = 2.0) -> Tensor:
    saw(locals())
    return F.mse_loss(recon, x) + beta * mu.pow(2).sum()


def wants_beta(recon: Tensor, x: Tensor, *, beta: float, weights: Tensor) -> Tensor:
    saw(locals())
    return beta * (weights * (recon - x).pow(2)).sum()


def of_any(*args: Tensor) -> Tensor:
    saw(locals())
    return sum(((i + 1) * a.pow(2).sum() for i, a in enumerate(args)), torch.zeros(()))


def of_first_and_rest(recon: Tensor, *rest: Tensor, scale: float = 3.0, **kwargs: float) -> Tensor:
    saw(locals())
    return scale * recon.pow(2).sum() + kwargs.get("M_N", 1.0) * rest[0].exp().sum()


def of_options(recon: Tensor, x: Tensor, **kwargs: float) -> Tensor:
    saw(locals())
    return kwargs.get("beta", 1.0) * F.mse_loss(recon, x)


def of_latents(
    recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor, zs: Sequence[Tensor]
) -> Tensor:
    saw(locals())
    return F.mse_loss(recon, x) + mu.pow(2).sum() + logvar.exp().sum() + zs[1].pow(2).sum()


def of_pair(recon: Tensor, x: Tensor, stats: tuple[Tensor, Tensor]) -> Tensor:
    saw(locals())
    return F.mse_loss(recon, x) + stats[0].pow(2).sum() + stats[1].exp().sum()


def of_whole(out: Any, x: Tensor) -> Tensor:
    saw(locals())
    parts = list(named_parts(out).values()) or out
    return sum((p.pow(2).sum() for p in parts if isinstance(p, Tensor)), x.sum())


def whole_and_default(out: Any, x: Tensor, beta: float = 1.0) -> Tensor:
    saw(locals())
    return beta * sum((part.pow(2).sum() for part in out), x.sum())


def of_target(recon: Tensor, target: Tensor, mu: Tensor) -> Tensor:
    saw(locals())
    return F.mse_loss(recon, target) + mu.pow(2).sum()


def of_one(y_pred: Tensor, y_true: Tensor) -> Tensor:
    saw(locals())
    return F.mse_loss(y_pred, y_true)


def with_extra(recon: Tensor, x: Tensor, aux: Tensor | None, mu: Tensor, logvar: Tensor) -> Tensor:
    saw(locals())
    return F.mse_loss(recon, x) + mu.pow(2).sum() + logvar.exp().sum() + (0 if aux is None else 1)


def in_a_dict(recon: Tensor, x: Tensor) -> dict[str, Tensor]:
    saw(locals())
    return {"mse": F.mse_loss(recon, x).detach(), "loss": F.mse_loss(recon, x)}


def in_a_tuple(recon: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    saw(locals())
    return F.mse_loss(recon, x), recon


def weighted(weight: float, recon: Tensor, x: Tensor, beta: float = 1.0) -> Tensor:
    saw(locals())
    return weight * beta * F.mse_loss(recon, x)


def by_place(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor, /) -> Tensor:
    saw(locals())
    return F.mse_loss(recon, x) + mu.pow(2).sum() + logvar.exp().sum()


def by_place_and_name(
    mu: Tensor,
    beta: float = 0.5,
    recon: Any = None,
    /,
    *,
    x: Tensor,
    scale: Tensor = torch.tensor(0.1),  # noqa: B008 # as people have it
    shape: Tensor = torch.tensor([[2.0]]),  # noqa: B008
) -> Tensor:
    saw(locals())
    return scale * F.mse_loss(recon, x) + beta * mu.pow(2).sum() + shape.sum()


def logged(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    @functools.wraps(function)
    def inner(*args: Any, **kwargs: Any) -> Tensor:
        return 1.0 * function(*args, **kwargs)

    return inner


class Criterion:
    """A loss that is an object, with its settings."""

    def __call__(self, recon: Tensor, x: Tensor, mu: Tensor, log_var: Tensor) -> Tensor:
        saw(locals())
        return F.mse_loss(recon, x) + mu.pow(2).sum() + log_var.exp().sum()

    def method(self, recon: Tensor, x: Tensor) -> Tensor:
        saw(locals())
        return F.mse_loss(recon, x)

    @staticmethod
    def static(x: Tensor, recon: Tensor, mu: Tensor) -> Tensor:
        saw(locals())
        return F.mse_loss(recon, x) + mu.pow(2).sum()

    @classmethod
    def of_class(cls, recon: Tensor, x: Tensor) -> Tensor:
        saw(locals())
        return F.mse_loss(recon, x)


class ModuleLoss(nn.Module):
    """A loss that is a module."""

    def forward(self, mu: Tensor, logvar: Tensor, recon: Tensor, x: Tensor) -> Tensor:
        saw(locals())
        return F.mse_loss(recon, x) + mu.pow(2).sum() + logvar.exp().sum()


# --- what is held against the header ----------------------------------------------------


class Case(NamedTuple):
    """A model with its loss, and what its header says of it."""

    model: type[Base]
    loss: Callable[..., Any] | None
    says: str
    more: Mapping[str, Any] = {}


WEIGHTS = torch.tensor([1.0, 2.0, 3.0])
KEPT = "mu=mu, logvar=logvar"
CASES: dict[str, Case] = {
    "usual": Case(Usual, elbo, f"elbo(recon=recon, x=x, {KEPT})"),
    "parts without names": Case(
        Unnamed, elbo, "elbo(recon=model(x)[0], x=x, mu=model(x)[1], logvar=model(x)[2])"
    ),
    "swapped, by names": Case(Swapped, elbo, f"elbo(recon=recon, x=x, {KEPT})"),
    "swapped in the loss": Case(Usual, in_other_order, f"in_other_order({KEPT}, x=x, x_hat=recon)"),
    "nothing but order": Case(Usual, without_names, "without_names(a=recon, b=mu, c=logvar)"),
    "defaults": Case(
        Usual,
        with_defaults,
        f"with_defaults(recon=recon, x=x, {KEPT}), beta=0.5, how='sum' by default",
    ),
    "a default that is given": Case(
        Usual,
        with_defaults,
        f"with_defaults(recon=recon, x=x, {KEPT}, beta=4), how='sum' by default",
        {"beta": 4},
    ),
    "by place alone": Case(Usual, by_place, "by_place(recon, x, mu, logvar)"),
    "by place, a default between, and tensors as defaults": Case(
        Usual,
        by_place_and_name,
        "by_place_and_name(mu, 0.5, recon, x=x), scale=torch.tensor(0.1), "
        "shape=torch.tensor([[2.0]]) by default",
    ),
    "by place and given": Case(
        Usual,
        by_place_and_name,
        "by_place_and_name(mu, 2.0, recon, x=x), scale=torch.tensor(0.1), "
        "shape=torch.tensor([[2.0]]) by default",
        {"beta": 2.0},
    ),
    "keyword-only": Case(
        Usual, keyword_only, "keyword_only(recon=recon, x=x, mu=mu), beta=2.0 by default"
    ),
    "keyword-only and given": Case(
        One,
        wants_beta,
        "wants_beta(recon=recon, x=x, beta=0.25, weights=Tensor[3])",
        {"weights": WEIGHTS, "beta": 0.25},
    ),
    "*args": Case(Usual, of_any, "of_any(recon, mu, logvar)"),
    "*args without names": Case(Unnamed, of_any, "of_any(model(x)[0], model(x)[1], model(x)[2])"),
    "*args of one": Case(One, of_any, "of_any(recon)"),
    "*args of a dict": Case(
        AsDataclass, lambda *all_of: of_whole(all_of[0], X), "lambda(model(x))"
    ),
    "*args and **kwargs": Case(
        Usual,
        of_first_and_rest,
        "of_first_and_rest(recon, mu, logvar, M_N=0.1), scale=3.0 by default",
        {"M_N": 0.1},
    ),
    "**kwargs": Case(One, of_options, "of_options(recon=recon, x=x, beta=0.5)", {"beta": 0.5}),
    "partial by name": Case(
        One,
        functools.partial(weighted, weight=3.0, beta=0.5),
        "weighted(recon=recon, x=x), weight=3.0, beta=0.5 by default",
    ),
    "partial by place": Case(
        One,
        functools.partial(weighted, 3.0),
        "weighted(recon=recon, x=x), beta=1.0 by default",
    ),
    "an object": Case(Usual, Criterion(), "Criterion(recon=recon, x=x, mu=mu, log_var=logvar)"),
    "a method": Case(One, Criterion().method, "Criterion.method(recon=recon, x=x)"),
    "a static method": Case(Usual, Criterion.static, "Criterion.static(x=x, recon=recon, mu=mu)"),
    "a class method": Case(One, Criterion.of_class, "Criterion.of_class(recon=recon, x=x)"),
    "a module": Case(Usual, ModuleLoss(), f"ModuleLoss({KEPT}, recon=recon, x=x)"),
    "a lambda": Case(One, lambda recon, x: of_one(recon, x), "lambda(recon=recon, x=x)"),
    "decorated": Case(Usual, logged(elbo), f"elbo(recon=recon, x=x, {KEPT})"),
    "dict": Case(InDict, in_other_order, "in_other_order(mu=mu, logvar=log_var, x=x, x_hat=x_hat)"),
    "dict with odd keys": Case(OddKeys, of_whole, "of_whole(out=model(x), x=x)"),
    "dict taken whole": Case(InDict, of_whole, "of_whole(out=model(x), x=x)"),
    "dataclass": Case(AsDataclass, elbo, f"elbo(recon=reconstruction, x=x, {KEPT})"),
    "named tuple": Case(AsNamedTuple, elbo, f"elbo(recon=recon_x, x=x, {KEPT})"),
    "object": Case(AsObject, elbo, "elbo(recon=recon, x=x, mu=mean, logvar=logvar)"),
    "tuple taken whole": Case(Usual, of_whole, "of_whole(out=model(x), x=x)"),
    "None and more than wanted": Case(More, elbo, f"elbo(recon=recon, x=x, {KEPT})"),
    "None that is wanted": Case(More, with_extra, f"with_extra(recon=recon, x=x, aux=aux, {KEPT})"),
    "parts within parts": Case(Nested, elbo, f"elbo(recon=recon, x=x, {KEPT})"),
    "a list": Case(Latents, of_latents, f"of_latents(recon=recon, x=x, {KEPT}, zs=zs)"),
    "the first of many": Case(Usual, in_a_tuple, "in_a_tuple(recon=recon, x=x)[0]"),
    "the first of many, one of them a list": Case(
        Latents, in_a_dict, "in_a_dict(recon=recon, x=x)['loss']"
    ),
    "a tuple taken whole beside a default": Case(
        Usual, whole_and_default, "whole_and_default(out=model(x), x=x), beta=1.0 by default"
    ),
    "a pair": Case(Pair, of_pair, "of_pair(recon=recon, x=x, stats=stats)"),
    "parts of a pair": Case(Pair, elbo, "elbo(recon=recon, x=x, mu=stats[0], logvar=stats[1])"),
    "a reconstruction called x": Case(CallsItX, elbo, f"elbo(recon=model(x)[0], x=x, {KEPT})"),
    "a target of the model's": Case(
        GivesTarget, of_target, "of_target(recon=recon, target=target, mu=mu)"
    ),
    "the input given back": Case(GivesInput, elbo, f"elbo(recon=recon, x=x, {KEPT})"),
    "one tensor": Case(One, of_one, "of_one(y_pred=recon, y_true=x)"),
    "one tensor without a name": Case(OneUnnamed, of_one, "of_one(y_pred=model(x), y_true=x)"),
    "a loss in a dict": Case(One, in_a_dict, "in_a_dict(recon=recon, x=x)['loss']"),
    "a loss in a tuple": Case(One, in_a_tuple, "in_a_tuple(recon=recon, x=x)[0]"),
}


def explained(case: Case) -> tuple[Base, Explanation]:
    RECEIVED.clear()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = case.model()
    return model, explain(model, X, case.loss, loss_arguments=case.more, seed=1)


def passed(call: LossCall, model: Base, more: Mapping[str, Any], loss: Any) -> Any:
    """Run the call that a header shows as the line of Python that it is."""
    names = {**model.had, **named_parts(model.returned), "x": X, "model": lambda x: model.returned}
    arguments = ", ".join(
        f"{each.parameter}=more[{each.parameter!r}]" if each.parameter in more else each.text
        for each in call.arguments
        if not each.default
    )
    line = f"loss({arguments}){call.taken}"
    return eval(line, {"loss": loss, "more": more, **names})


every_case = pytest.mark.parametrize("name", CASES)


@every_case
def test_the_header_says_it(name: str) -> None:
    case = CASES[name]
    _, explanation = explained(case)
    assert explanation.run.loss_call is not None
    assert explanation.run.loss_call.text == case.says
    header = str(explanation.forward()).split("\n\n")[0]
    assert f"loss: {case.says}" in " ".join(header.split())


@every_case
def test_what_it_says_is_what_the_loss_was_given(name: str) -> None:
    case = CASES[name]
    model, explanation = explained(case)
    call, (in_the_run, *_) = explanation.run.loss_call, RECEIVED
    assert call is not None
    again = passed(call, model, case.more, case.loss)
    in_the_line = RECEIVED[-1]
    assert len(RECEIVED) == 2
    assert same(in_the_line, in_the_run)
    assert float(again.detach()) == float(explanation.run.trace.loss.array)


def same(one: Any, other: Any) -> bool:
    """Whether two arguments are the same object; of tuples and dicts, their parts."""
    if isinstance(one, dict) and isinstance(other, dict):
        pairs = ((one[key], other.get(key)) for key in one)
        return one.keys() == other.keys() and all(same(*pair) for pair in pairs)
    if type(one) is tuple and type(other) is tuple:
        return len(one) == len(other) and all(map(same, one, other))
    return one is other or (isinstance(one, float | str) and one == other)


@every_case
def test_the_defaults_are_those_that_the_loss_has_kept(name: str) -> None:
    _, explanation = explained(CASES[name])
    call = explanation.run.loss_call
    assert call is not None
    for each in call.arguments:
        if each.default:
            kept = RECEIVED[0][each.parameter]
            if isinstance(kept, Tensor):
                assert torch.equal(kept, eval(each.source))
            else:
                assert repr(kept) == each.source


def test_a_wrong_claim_would_be_found() -> None:
    model, explanation = explained(CASES["usual"])
    call = explanation.run.loss_call
    assert call is not None
    recon, x, mu, logvar = call.arguments
    swapped = mu._replace(source="logvar"), logvar._replace(source="mu")
    passed(call._replace(arguments=(recon, x, *swapped)), model, {}, elbo)
    assert not same(RECEIVED[-1], RECEIVED[0])


# --- losses of PyTorch's own ------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "says"),
    [
        (F.mse_loss, "mse_loss(input=recon, target=x)"),
        (nn.MSELoss(reduction="sum"), "MSELoss(input=recon, target=x)"),
        (nn.SmoothL1Loss(), "SmoothL1Loss(input=recon, target=x)"),
    ],
)
@pytest.mark.parametrize("model", [One, Usual])
def test_pytorchs_own_losses_get_the_reconstruction_as_their_input(
    model: type[Base], loss: Callable[..., Any], says: str
) -> None:
    made, explanation = explained(Case(model, loss, says))
    assert explanation.run.loss_call is not None
    assert explanation.run.loss_call.text.startswith(says)
    expected = loss(made.had["recon"], X)
    assert float(explanation.run.trace.loss.array) == float(expected.detach())


# --- a loss that is found elsewhere -----------------------------------------------------


class WithMethod(Usual):
    def loss_function(self, recon: Tensor, x: Tensor, mu: Tensor, **kwargs: float) -> Any:
        error = F.mse_loss(recon, x) + kwargs.get("beta", 1.0) * mu.pow(2).sum()
        return {"loss": error, "beta": 1.0}


class WithKey(Usual):
    def forward(self, x: Tensor) -> Any:
        return {"recon": x, "total_loss": self.to_mu(x).pow(2).sum()}


class AsOutput(NamedTuple):
    loss: Tensor
    recon: Tensor


class WithAttribute(Usual):
    def forward(self, x: Tensor) -> Any:
        return AsOutput(self.to_mu(x).pow(2).sum(), x)


class ReturnsLoss(Usual):
    def forward(self, x: Tensor) -> Any:
        return self.to_mu(x).pow(2).sum()


class LossAmongParts(Usual):
    def forward(self, x: Tensor) -> Any:
        return x, (self.to_mu(x), self.to_mu(x).pow(2).sum())


class Lightning(Usual):
    def training_step(self, batch: Tensor, batch_idx: int) -> Any:
        return {"loss": self.to_mu(batch).pow(2).sum()}


class LightningWithLabels(Usual):
    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        x, _ = batch
        error: Tensor = self.to_mu(x).pow(2).sum()
        return error


class LightningWithKeys(Usual):
    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        error: Tensor = self.to_mu(batch["image"]).pow(2).sum() - batch["image"].sum()
        return error


def by_hand(model: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    mu: Tensor = model.to_mu(x)
    return mu.pow(2).sum(), mu


@pytest.mark.parametrize(
    ("model", "how", "says"),
    [
        (WithMethod, {}, "WithMethod.loss_function(recon=recon, x=x, mu=mu)['loss']"),
        (
            WithMethod,
            {"loss_arguments": {"beta": 0.5}},
            "WithMethod.loss_function(recon=recon, x=x, mu=mu, beta=0.5)['loss']",
        ),
        (WithKey, {}, "model(x)['total_loss']"),
        (WithAttribute, {}, "model(x).loss"),
        (ReturnsLoss, {}, "model(x)"),
        (LossAmongParts, {}, "model(x)[1][1]"),
        (Lightning, {}, "Lightning.training_step(x, 0)['loss']"),
        (LightningWithLabels, {}, "LightningWithLabels.training_step([x, zeros], 0)"),
        (LightningWithKeys, {}, "LightningWithKeys.training_step({'image': x}, 0)"),
        (Usual, {"objective": by_hand}, "by_hand(model, x)[0]"),
        (Usual, {"objective": lambda model, x: by_hand(model, x)[0]}, "lambda(model, x)"),
    ],
)
def test_a_loss_of_the_models_own_is_said_in_the_same_place(
    model: type[Base], how: dict[str, Any], says: str
) -> None:
    explanation = explain(model(), X[:1], seed=1, **how)
    header = str(explanation.forward()).split("\n\n")[0]
    assert f"loss: {says} arithmetic:" in " ".join(header.split())


# --- everywhere -------------------------------------------------------------------------

OWN = ["--model", f"{__name__}:Usual", "--loss", f"{__name__}:with_defaults", "--x", "1,0,.5"]
OWN += ["--loss-arg", "beta=4"]
SAID = f"with_defaults(recon=recon, x=x, {KEPT}, beta=4), how='sum' by default"
COMMANDS = ["forward", "backward", "why loss", "params", "check", "sample", "update", "audit"]
COMMANDS += ["train --steps 2", "train --steps 2 --explain-step 1"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_page_says_it(cli: CommandLine, command: str) -> None:
    outcome = cli(*command.split(), *OWN)
    assert outcome.err == ""
    assert f"loss: {SAID} arithmetic:" in " ".join(outcome.out.split("\n\n")[0].split())
    document = json.loads(cli(*command.split(), *OWN, "--format", "json").out)
    call = document["loss_call"]
    assert (call["text"], call["function"], call["taken"]) == (SAID, "with_defaults", "")
    assert call["arguments"][0] == {"parameter": "recon", "source": "recon", "default": False}
    assert call["arguments"][-1] == {"parameter": "how", "source": "'sum'", "default": True}


@pytest.mark.parametrize("format", ["markdown", "html", "latex", "notebook"])
def test_every_format_says_it(cli: CommandLine, format: str) -> None:
    outcome = cli("document", *OWN, "--format", format)
    assert outcome.err == ""
    text = outcome.out
    if format == "notebook":
        text = "".join(line for cell in json.loads(text)["cells"] for line in cell["source"])
    words = re.sub(r"\\(?=_)", "", html.unescape(text))
    assert f"loss: {SAID}" in words


@pytest.mark.parametrize("command", COMMANDS)
def test_the_built_in_vae_says_nothing_of_the_kind(cli: CommandLine, command: str) -> None:
    header = cli(*command.split()).out.split("\n\n")[0]
    assert "loss:" not in header
    assert "loss_call" not in json.loads(cli(*command.split(), "--format", "json").out)


def a_loss_whose_name_is_longer_than_a_narrow_page(
    reconstruction: Tensor, x: Tensor, weight_of_the_divergence_beside_the_rest: float = 0.123456789
) -> Tensor:
    return weight_of_the_divergence_beside_the_rest * F.mse_loss(reconstruction, x)


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_long_call_holds_in_a_narrow_page(width: int) -> None:
    page = explain(One(), X, a_loss_whose_name_is_longer_than_a_narrow_page).forward()
    header = page.text(width).split("\n\n")[0].splitlines()
    assert max(map(len, header)) <= width
    assert "0.123456789 by default" in " ".join(header)
    if width == 40:
        assert "a_loss_whose_name_is_longer_than_a_" in header  # broken at a joint
