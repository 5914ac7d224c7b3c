"""A batch that code takes apart, as `x, label = batch`: the rows of x are no such batch."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_explain import explain
from vae_explain.models.binding.loss_parameters import CannotBind

from .pages import CommandLine

X = torch.tensor([[0.2, 0.9, 0.5], [0.7, 0.1, 0.4]])
ROWS = ("--x", ".2,.9,.5", "--x", ".7,.1,.4")


def moved(part: Any) -> Any:
    return part if part is None else part.float()


class TakesItWhole(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.Linear(3, 4), nn.Linear(2, 3)

    def forward(self, x: Any) -> Any:
        mu, logvar = self.encoder(x).chunk(2, dim=1)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return self.decoder(z), mu, logvar


class Unpacks(TakesItWhole):
    def forward(self, batch: Any) -> Any:
        x, _ = batch
        return super().forward(x.view(-1, 3))


class RenamesIt(TakesItWhole):
    def forward(self, batch: Any) -> Any:
        both = batch
        x, _ = both
        return super().forward(x.view(-1, 3))


class MovesEach(TakesItWhole):
    def forward(self, batch: Any) -> Any:
        batch = [moved(part) for part in batch]
        x, _ = batch
        return super().forward(x.view(-1, 3))


class TakesTheFirst(TakesItWhole):
    def forward(self, data: Any) -> Any:
        data = data[0].view(-1, 3)
        return super().forward(data)


class PassesItOn(TakesItWhole):
    def forward(self, batch: Any) -> Any:
        return self._shared(batch)

    def _shared(self, both: Any) -> Any:
        x, _ = both
        return super().forward(x.view(-1, 3))


class Wraps(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = PassesItOn()

    def forward(self, batch: Any) -> Any:
        return self.inner(batch)


class AsksItsBase(Unpacks):
    def forward(self, batch: Any) -> Any:
        return super().forward(batch)


class Spreads(TakesItWhole):
    def forward(self, batch: Any) -> Any:
        return self.of_two(*batch)

    def of_two(self, x: Tensor, label: Any, scale: float = 1.0) -> Any:
        return super().forward(x.view(-1, 3) * scale)


class LooksAtItFirst(TakesItWhole):
    """One helper has no use for what it gets, and the other uses all of it."""

    def forward(self, x: Any) -> Any:
        self.ignores(x)
        return self.scaled(x)

    def ignores(self, x: Any) -> None: ...

    def scaled(self, x: Tensor) -> Any:
        return super().forward(x / x[0].numel() * 3)


class RenamesAllOfIt(TakesItWhole):
    """What is taken apart has another name for it, and something else under that name later."""

    def forward(self, x: Any) -> Any:
        flat = x
        out = super().forward(flat)
        flat = out[0], flat
        recon, _ = flat
        return recon, *out[1:]


class KeepsItsRows(TakesItWhole):
    """A list of all rows is used as a whole, and so is x by its own name after that."""

    def forward(self, x: Any) -> Any:
        rows = [row / 2 for row in x]
        (x, _), *_ = (torch.stack(rows), 0), 1
        return super().forward(x)


class TakesItAsSet(TakesItWhole):
    in_pairs = False

    def forward(self, batch: Any) -> Any:
        if not self.in_pairs:
            x = batch
        else:
            x, _ = batch
        return super().forward(x)


class TakesEither(TakesItWhole):
    def forward(self, data: Any) -> Any:
        return super().forward(data[0] if isinstance(data, tuple) else data)


def elbo(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return F.mse_loss(recon, x, reduction="sum") - 0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()


def of_batch(out: Any, batch: Any) -> Tensor:
    x, _ = batch
    return elbo(out[0], x, *out[1:])


def of_renamed_batch(out: Any, batch: Any) -> Tensor:
    both = batch
    x = both[0]
    return elbo(out[0], x, *out[1:])


def of_list(out: Any, batch: Any) -> Tensor:
    parts = list(batch); x = parts[0]  # fmt: skip # noqa: E702
    return elbo(out[0], x, *out[1:])


def of_map(out: Any, batch: Any) -> Tensor:
    x, _ = map(moved, batch)
    return elbo(out[0], x, *out[1:])


def of_next(out: Any, batch: Any) -> Tensor:
    x = next(iter(batch))
    return elbo(out[0], x, *out[1:])


def of_nested(out: Any, batch: Any) -> Tensor:
    ((x, _), *_) = (batch,)
    return elbo(out[0], x, *out[1:])


def of_loop(out: Any, batch: Any) -> Tensor:
    return sum((elbo(out[0], x, *out[1:]) for x, _ in [batch]), torch.zeros(()))


def inputs_of(batch: Any) -> Any:
    return batch[0]


def of_inputs(recon: Tensor, data: Any, mu: Tensor, logvar: Tensor) -> Tensor:
    return elbo(recon, inputs_of(batch=data), mu, logvar)


def of_first(recon: Tensor, data: Any, mu: Tensor, logvar: Tensor) -> Tensor:
    return elbo(recon, data[0], mu, logvar)


def of_shape(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return elbo(recon, x, mu, logvar) / x[0].numel() + 0 * x.sum()


OF_BATCH = "--objective-expr", "loss(out=model(x), batch=(x, None))"


@pytest.mark.parametrize(
    ("model", "loss", "apart", "mend"),
    [
        (Unpacks, elbo, "x, _ = batch", ("--x-as", "(x, None)")),
        (TakesTheFirst, elbo, "data[0]", ("--x-as", "(x, None)")),
        (RenamesIt, elbo, "x, _ = both", ("--x-as", "(x, None)")),
        (MovesEach, elbo, "x, _ = batch", ("--x-as", "(x, None)")),
        (PassesItOn, elbo, "x, _ = both in PassesItOn._shared", ("--x-as", "(x, None)")),
        (Wraps, elbo, "x, _ = both in PassesItOn._shared", ("--x-as", "(x, None)")),
        (AsksItsBase, elbo, "x, _ = batch in Unpacks.forward", ("--x-as", "(x, None)")),
        (Spreads, elbo, "self.of_two(*batch)", ("--x-as", "(x, None)")),
        (
            TakesItWhole,
            of_inputs,
            "batch[0] in inputs_of",
            (
                "--objective-expr",
                "loss(recon=model(x)[0], data=(x, None), mu=model(x)[1], logvar=model(x)[2])",
            ),
        ),
        (TakesItWhole, of_batch, "x, _ = batch", OF_BATCH),
        (TakesItWhole, of_renamed_batch, "both[0]", OF_BATCH),
        (TakesItWhole, of_list, "parts[0]", OF_BATCH),
        (TakesItWhole, of_map, "x, _ = batch", OF_BATCH),
        (TakesItWhole, of_next, "next(iter(batch))", OF_BATCH),
        (TakesItWhole, of_nested, "x, _ = batch", OF_BATCH),
        (TakesItWhole, of_loop, "x, _ = batch", OF_BATCH),
        (
            TakesItWhole,
            of_first,
            "data[0]",
            (
                "--objective-expr",
                "loss(recon=model(x)[0], data=(x, None), mu=model(x)[1], logvar=model(x)[2])",
            ),
        ),
    ],
)
def test_rows_of_x_are_not_given_as_the_parts_of_a_batch(
    cli: CommandLine, model: type[TakesItWhole], loss: Any, apart: str, mend: tuple[str, str]
) -> None:
    torch.manual_seed(42)
    right = elbo(*(lambda recon, mu, logvar: (recon, X, mu, logvar))(*TakesItWhole()(X))).item()
    own = "--model", f"{__name__}:{model.__name__}", "--loss", f"{__name__}:{loss.__name__}", *ROWS
    outcome = cli("forward", "loss", *own)
    assert outcome.code == 2
    assert f"takes its batch apart, as in {apart}, and x is one tensor" in outcome.err
    assert f'{mend[0]} "{mend[1]}"' in outcome.err
    mended = cli("forward", "--json", *own, *mend)
    assert json.loads(mended.out)["values"]["loss"] == pytest.approx(right, rel=1e-6)


@pytest.mark.parametrize(
    ("model", "loss", "x"),
    [
        (TakesEither, elbo, X),
        (LooksAtItFirst, elbo, X),
        (RenamesAllOfIt, elbo, X),
        (TakesItAsSet, elbo, X),
        (KeepsItsRows, elbo, X),
        (TakesItWhole, of_shape, X),
        (TakesTheFirst, elbo, X[:1]),
    ],
)
def test_what_uses_x_as_a_whole_gets_it(model: type[TakesItWhole], loss: Any, x: Tensor) -> None:
    assert explain(model(), x, loss, seed=1).run.trace.loss is not None


def test_rows_that_are_meant_are_given_as_x(cli: CommandLine) -> None:
    own = "--model", f"{__name__}:Unpacks", "--objective-expr", "model(x)[0].sum()", *ROWS
    assert cli("forward", "loss", *own).code == 0


class StepsByKey(TakesItWhole):
    def training_step(self, batch: Any, index: int) -> Tensor:
        return self._step(batch)

    def _step(self, batch: Any) -> Tensor:
        x = batch["image"]
        recon, mu, logvar = self(x)
        return elbo(recon, x, mu, logvar)


def test_a_training_step_gets_what_its_helper_takes() -> None:
    assert explain(StepsByKey(), X, seed=1).run.trace.loss is not None


# --- a loss that uses nothing of what the model returned ----------------------------------


class HasStep(TakesItWhole):
    def forward(self, x: Tensor) -> Tensor:
        recon: Tensor = super().forward(x)[0]
        return recon

    def shared_step(self, x: Tensor, index: int) -> Tensor:
        return elbo(*(lambda recon, mu, logvar: (recon, x, mu, logvar))(*super().forward(x)))

    def by_rest(self, *args: Tensor) -> Tensor:
        recon, x = args
        return F.mse_loss(recon, x)


def test_a_loss_that_uses_nothing_of_the_model_runs_it_itself() -> None:
    with pytest.raises(CannotBind, match=r"as index, which its code does not use; .*\.shared_step"):
        explain(HasStep(), X, HasStep.shared_step, seed=1)
    assert explain(HasStep(), X, HasStep.by_rest, seed=1).run.trace.loss is not None
