"""Fitting what a model returned to what its loss takes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_explain.models.binding.argument_matching import fitted
from vae_explain.models.binding.code_reading import NOTHING, Named, names_returned
from vae_explain.models.binding.loss_parameters import CannotBind
from vae_explain.models.binding.model_outputs import Outputs, described

X = torch.rand(2, 6)
RECON, MU, LOGVAR, Z = torch.rand(2, 6), torch.rand(2, 3), torch.rand(2, 3), torch.rand(2, 3)


class ReturnsFour(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        logits, z, mean, lv = RECON, Z, MU, LOGVAR
        return logits, z, mean, lv


class ReusesX(nn.Module):
    def forward(self, x: Tensor) -> Any:
        x, mu, logvar = RECON, MU, LOGVAR
        return x, (mu, logvar)


class ReturnsInTwoPlaces(nn.Module):
    def forward(self, x: Tensor) -> Any:
        if self.training:
            return x, MU
        return LOGVAR, x


class ReturnsFromWithin(nn.Module):
    def forward(self, x: Tensor) -> Any:
        def helper(a: Tensor) -> tuple[Tensor, Tensor]:
            return a, a

        mu, _ = helper(x)
        return [self.training and x, mu]


def takes(*names: str) -> Any:
    """Return a loss with these parameters."""
    namespace: dict[str, Any] = {}
    exec(f"def loss({', '.join(names)}): ...", namespace)
    return namespace["loss"]


def bound(loss: Any, returned: Any, model: nn.Module) -> dict[str, Any]:
    arguments, keywords = fitted(loss, Outputs(returned, X, model))
    assert not arguments
    return keywords


def test_names_are_read_from_the_models_return() -> None:
    def named(*names: str) -> Named:
        return Named(parts=tuple(map(Named, names)))

    assert names_returned(ReturnsFour()) == named("logits", "z", "mean", "lv")
    assert names_returned(ReusesX()).parts == (Named("x"), named("mu", "logvar"))
    assert names_returned(ReturnsInTwoPlaces()) == NOTHING
    assert names_returned(ReturnsFromWithin()) == named("", "mu")
    assert names_returned(nn.Linear(2, 2)) == Named(maker="linear")


@pytest.mark.parametrize(
    "order",
    [
        ("logits", "x", "mean", "lv", "z"),
        ("x", "recon", "mu", "logvar", "latent"),
        ("lv", "mean", "z", "logits", "x"),
    ],
)
def test_a_tuple_is_fitted_by_the_names_in_the_models_code(order: tuple[str, ...]) -> None:
    found = bound(takes(*order), (RECON, Z, MU, LOGVAR), ReturnsFour())
    meant = {"recon": RECON, "logits": RECON, "x": X, "mean": MU, "mu": MU, "lv": LOGVAR}
    meant |= {"logvar": LOGVAR, "z": Z, "latent": Z}
    for name in order:
        assert found[name] is meant[name], name


def test_a_reconstruction_called_x_is_not_the_input() -> None:
    found = bound(takes("recon", "x", "mu", "logvar"), (RECON, (MU, LOGVAR)), ReusesX())
    assert found["recon"] is RECON
    assert found["x"] is X
    assert found["mu"] is MU
    assert found["logvar"] is LOGVAR


def test_what_is_missing_is_said() -> None:
    with pytest.raises(CannotBind, match="nothing was found for weight"):
        bound(takes("recon", "x", "mu", "weight"), (RECON, MU), ReturnsInTwoPlaces())


# --- parts within parts -----------------------------------------------------------------


class ReturnsParts(nn.Module):
    def forward(self, x: Tensor) -> Any:
        recon, mu, zs = RECON, MU, [Z, LOGVAR]
        return recon, mu, zs


class ReturnsATarget(nn.Module):
    def forward(self, x: Tensor) -> Any:
        recon, target = RECON, LOGVAR
        return recon, target, MU


def test_a_list_goes_to_a_loss_that_wants_as_many_parts_with_it_as_one() -> None:
    model = ReturnsParts()
    found = bound(takes("recon", "x", "mu", "zs"), model(X), model)
    assert found["zs"][0] is Z
    assert found["zs"][1] is LOGVAR
    assert found["mu"] is MU
    assert found["recon"] is RECON


def test_a_pair_is_handed_over_as_it_is_however_many_rows_there_are() -> None:
    found = fitted(takes("recon", "x", "stats"), Outputs((RECON, (MU, LOGVAR)), X))[1]
    assert [part is each for part, each in zip(found["stats"], (MU, LOGVAR), strict=True)] == [
        True,
        True,
    ]


def test_parts_within_parts_that_fit_neither_way_are_not_guessed() -> None:
    with pytest.raises(CannotBind, match="parts within parts, and the loss takes 4 of them"):
        fitted(takes("recon", "x", "a", "b", "c"), Outputs((RECON, (MU, LOGVAR)), X))


def test_a_target_that_the_model_returns_is_the_target() -> None:
    model = ReturnsATarget()
    found = bound(takes("recon", "target", "mu"), model(X), model)
    assert found["target"] is LOGVAR
    assert found["mu"] is MU
    # One that it does not return is the input.
    assert bound(takes("recon", "x", "target"), model(X), model)["x"] is X


@pytest.mark.parametrize("name", ["out", "outputs", "d", "batch_result"])
def test_a_dict_is_handed_over_whole_to_a_loss_of_one_thing(name: str) -> None:
    returned = {"recon": RECON, "mu": MU, "logvar": LOGVAR}
    found = fitted(takes(name, "x"), Outputs(returned, X))[1]
    assert found[name] is returned
    assert found["x"] is X


def test_a_dict_gives_its_reconstruction_to_a_loss_of_that() -> None:
    returned = {"recon": RECON, "mu": MU, "logvar": LOGVAR}
    assert fitted(takes("recon_x", "x"), Outputs(returned, X))[1]["recon_x"] is RECON


class ReturnsMore(nn.Module):
    def forward(self, x: Tensor) -> Any:
        recon, mu, logvar, z = RECON, MU, LOGVAR, Z
        return recon, (mu, logvar), [z]


def test_parts_within_parts_are_found_by_the_names_in_the_models_code() -> None:
    model = ReturnsMore()
    found = bound(takes("recon", "x", "mu", "logvar"), model(X), model)
    assert found["mu"] is MU
    assert found["logvar"] is LOGVAR


# --- all of it, or a part ---------------------------------------------------------------


class ReturnsOutput(nn.Module):
    def forward(self, x: Tensor) -> Any:
        mu, logvar, output = MU, LOGVAR, RECON
        return mu, logvar, output


RETURNED = (RECON, MU, LOGVAR)


@pytest.mark.parametrize("name", ["out", "output", "results", "batch_result"])
@pytest.mark.parametrize("more", [(), ("beta=1.0",), ("how='sum'", "eps=None")])
def test_a_tuple_is_handed_over_whole_as_a_dict_is(name: str, more: tuple[str, ...]) -> None:
    found = fitted(takes(name, "x", *more), Outputs(RETURNED, X))[1]
    assert found.pop(name) is RETURNED
    assert found.pop("x") is X
    assert found == {}


def test_a_tuple_gives_its_reconstruction_to_a_loss_of_that() -> None:
    assert fitted(takes("recon_x", "x"), Outputs(RETURNED, X))[1]["recon_x"] is RECON
    assert fitted(takes("x", "x_hat"), Outputs(RETURNED, X))[1]["x_hat"] is RECON


def test_a_part_that_the_model_calls_output_is_not_the_whole() -> None:
    model = ReturnsOutput()
    assert bound(takes("output", "x"), model(X), model)["output"] is RECON


def test_two_arguments_without_meaning_get_two_parts() -> None:
    found = fitted(takes("a", "b"), Outputs(RETURNED, X))[1]
    assert found["a"] is RECON
    assert found["b"] is MU


# --- losses of other kinds --------------------------------------------------------------


@pytest.mark.parametrize("returned", [RECON, RETURNED, (MU, RECON, LOGVAR), {"recon": RECON}])
@pytest.mark.parametrize("loss", [F.mse_loss, F.smooth_l1_loss, nn.MSELoss(), nn.BCELoss()])
def test_pytorchs_own_losses_call_input_what_a_model_made(loss: Any, returned: Any) -> None:
    arguments, found = fitted(loss, Outputs(returned, X))
    assert not arguments
    assert found["input"] is RECON
    assert found["target"] is X


def test_two_that_both_want_the_input_are_not_both_given_it() -> None:
    words = "input and target can each be x; .*--loss-arg input=x --loss-arg target=x"
    with pytest.raises(CannotBind, match=words):
        fitted(takes("recon", "input", "target"), Outputs(RETURNED, X))
    # One that has a default keeps it.
    found = fitted(takes("recon", "input", "target=None"), Outputs(RETURNED, X))[1]
    assert found["input"] is X
    assert "target" not in found


def test_a_module_is_fitted_by_what_its_forward_takes() -> None:
    class Elbo(nn.Module):
        def forward(self, mu: Tensor, logvar: Tensor, x: Tensor, recon: Tensor) -> Tensor:
            return mu.sum() + logvar.sum() + x.sum() + recon.sum()

    model = ReturnsFour()
    found = bound(Elbo(), (RECON, Z, MU, LOGVAR), model)
    assert found["recon"] is RECON
    assert found["mu"] is MU
    assert found["logvar"] is LOGVAR
    assert found["x"] is X


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        ((RECON, MU, LOGVAR), "(Tensor[2, 6], Tensor[2, 3], Tensor[2, 3])"),
        ((MU.sum(), [MU] * 12, 2.0), "(Tensor[], (12 × Tensor[2, 3]), float)"),
        ({"z": [(MU, MU)] * 3}, "{z: (3 × (Tensor[2, 3], Tensor[2, 3]))}"),
        (
            [torch.zeros(size) for size in range(1, 21)],
            f"({', '.join(f'Tensor[{size}]' for size in range(1, 9))} and 12 more)",
        ),
    ],
    ids=["few parts", "a tensor for each step", "a pair for each step", "many that differ"],
)
def test_what_a_model_returned_is_said_briefly(returned: Any, words: str) -> None:
    assert described(returned) == words


class ReturnsItsInputInImages(nn.Module):
    def forward(self, x: Tensor) -> Any:
        images = x.view(-1, 3, 2)
        return RECON.view(-1, 3, 2), images, MU, LOGVAR


def test_x_in_another_shape_is_no_prediction_and_is_held_against_the_one_of_its_shape() -> None:
    images, made = X.view(-1, 3, 2), RECON.view(-1, 3, 2)
    loss, model = takes("recon", "x", "mu", "logvar"), ReturnsItsInputInImages()
    got = bound(loss, (made, images, MU, LOGVAR), model)
    assert got["recon"] is made
    assert got["x"] is images
    flat = bound(loss, (RECON, images, MU, LOGVAR), model)
    assert flat["recon"] is RECON
    assert flat["x"] is X


class ReturnsItsInput(nn.Module):
    def forward(self, x: Tensor) -> Any:
        return RECON.clone(), x, Z


def test_the_objective_that_is_shown_has_x_where_something_of_the_model_is_wanted() -> None:
    def with_its_own_word(*args: Tensor) -> Tensor:
        recons, kept, z = args
        return F.mse_loss(recons, kept) + z.sum()

    def with_a_known_word(*args: Tensor) -> Tensor:
        recons, inp, z = args
        return F.mse_loss(recons, inp) + z.sum()

    returned = Outputs((RECON, X, Z), X, ReturnsItsInput())
    with pytest.raises(CannotBind, match=r"with_its_own_word\(.*kept=x\)"):
        fitted(with_its_own_word, returned)
    assert fitted(with_a_known_word, returned)[0] == [RECON, X, Z]
