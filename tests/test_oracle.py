"""The oracle against PyTorch's autograd in float64, and against the reference figures."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from vae_explain.analysis import differences, numpy_oracle
from vae_explain.analysis.numpy_oracle import Array, Term
from vae_explain.models.builtin_vae import VAE, vae_loss

from .support import in_turn, latin

ROOT = Path(__file__).parent.parent
TERMS: tuple[Term | None, ...] = (None, "mse", "kl")
SIZES = (4, 8, 2), (3, 5, 3), (1, 1, 1)


class AutogradRun:
    """One float64 run of the built-in model: its numbers, its terms and their gradients."""

    def __init__(self, seed: int, sizes: tuple[int, int, int], batch: int) -> None:
        torch.manual_seed(seed)
        model = VAE((*sizes, *sizes[1::-1])).double()
        x = torch.randn(batch, sizes[0], dtype=torch.float64)
        torch.manual_seed(seed + 1)
        recon_x, mu, logvar = model(x)
        torch.manual_seed(seed + 1)  # draw again what the model drew
        eps = torch.randn_like(mu)
        self.x, self.eps = x.numpy(), eps.detach().numpy()
        self.parameters = {
            name: parameter.detach().numpy() for name, parameter in model.named_parameters()
        }
        loss = vae_loss(recon_x, x, mu, logvar)
        kl = vae_loss(x, x, mu, logvar)  # nothing to reconstruct: what remains is the KL
        self.values = {None: loss.item(), "kl": kl.item(), "mse": (loss - kl).item()}
        self.gradients = {
            None: self._gradients(model, loss),
            "kl": self._gradients(model, kl),
            "mse": self._gradients(model, torch.sum((recon_x - x) ** 2)),
        }

    @staticmethod
    def _gradients(model: VAE, loss: torch.Tensor) -> dict[str, Array]:
        parameters = dict(model.named_parameters())
        found = torch.autograd.grad(
            loss, list(parameters.values()), retain_graph=True, allow_unused=True
        )
        return {
            name: np.zeros(parameter.shape) if gradient is None else gradient.numpy()
            for (name, parameter), gradient in zip(parameters.items(), found, strict=True)
        }


def largest_relative_difference(found: dict[str, Array], expected: dict[str, Array]) -> float:
    """Compare parameter by parameter, relative to the largest element of each."""
    assert list(found) == list(expected)
    differences = []
    for name, gradient in expected.items():
        assert found[name].shape == gradient.shape, name
        scale = float(np.abs(gradient).max()) or 1.0
        differences.append(float(np.abs(found[name] - gradient).max()) / scale)
    return max(differences)


@pytest.mark.parametrize(("sizes", "batch", "seed"), latin(SIZES, (1, 3), (0, 7, 42, 1234)))
def test_complex_step_is_autograd(sizes: tuple[int, int, int], batch: int, seed: int) -> None:
    run = AutogradRun(seed, sizes, batch)
    for term in TERMS:
        value = numpy_oracle.loss(run.parameters, run.x, run.eps, term)
        gradients = numpy_oracle.complex_step(run.parameters, run.x, run.eps, term)

        assert value == pytest.approx(run.values[term], rel=1e-12)
        assert largest_relative_difference(gradients, run.gradients[term]) < 1e-12


@pytest.mark.parametrize(("term", "seed"), in_turn(TERMS, (0, 7, 42)))
def test_central_differences_reach_seven_digits(term: Term | None, seed: int) -> None:
    run = AutogradRun(seed, (4, 8, 2), batch=2)

    gradients, _ = numpy_oracle.central_differences(run.parameters, run.x, run.eps, term)

    assert largest_relative_difference(gradients, run.gradients[term]) < 1e-7


@pytest.mark.parametrize("name", numpy_oracle.ACTIVATIONS)
def test_an_activation_loses_no_digit_to_the_complex_step(name: str) -> None:
    activation = numpy_oracle.ACTIVATIONS[name]
    a = np.array([-745.0, -40.0, -27.0, -1.0, -1e-9, 0.3, 19.0, 27.0, 300.0])
    stepped = activation(a + 1e-200j)
    np.testing.assert_allclose(stepped.real, activation(a), rtol=4e-16, atol=0)
    x = torch.tensor(a, requires_grad=True)
    getattr(F, name)(x).sum().backward()
    assert x.grad is not None
    # PyTorch subtracts from 1 where it has the value at hand.
    np.testing.assert_allclose(stepped.imag / 1e-200, x.grad, rtol=0, atol=1e-14)


def test_the_terms_add_up() -> None:
    run = AutogradRun(42, (4, 8, 2), batch=2)

    whole = numpy_oracle.complex_step(run.parameters, run.x, run.eps)
    mse = numpy_oracle.complex_step(run.parameters, run.x, run.eps, "mse")
    kl = numpy_oracle.complex_step(run.parameters, run.x, run.eps, "kl")

    added = {name: mse[name] + kl[name] for name in whole}
    assert largest_relative_difference(added, whole) < 1e-12
    assert not kl["fc_dec1.weight"].any()


def test_a_sample_without_a_batch_axis_is_a_batch_of_one() -> None:
    run = AutogradRun(42, (4, 8, 2), batch=1)

    gradients = numpy_oracle.complex_step(run.parameters, run.x[0], run.eps[0])

    assert largest_relative_difference(gradients, run.gradients[None]) < 1e-12


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_a_few_rows_at_a_time_are_all_rows(reduction: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run = AutogradRun(42, (4, 8, 2), batch=7)
    design = numpy_oracle.Design(reduction=reduction)
    at_once = numpy_oracle.terms(run.parameters, run.x, run.eps, design)

    monkeypatch.setattr(numpy_oracle, "ROWS", 3)

    np.testing.assert_allclose(
        numpy_oracle.terms(run.parameters, run.x, run.eps, design), at_once, rtol=1e-14
    )


def test_a_relu_at_exactly_zero_passes_nothing() -> None:
    run = AutogradRun(42, (4, 8, 2), batch=1)
    run.parameters["fc1.weight"] = np.zeros((8, 4))
    run.parameters["fc1.bias"] = np.zeros(8)

    gradients = numpy_oracle.complex_step(run.parameters, run.x, run.eps)

    assert not gradients["fc1.bias"].any()
    assert gradients["fc_mu.bias"].all()


def test_what_is_given_is_left_as_it_was() -> None:
    run = AutogradRun(42, (4, 8, 2), batch=1)
    before = {name: parameter.copy() for name, parameter in run.parameters.items()}

    numpy_oracle.complex_step(run.parameters, run.x, run.eps)
    numpy_oracle.central_differences(run.parameters, run.x, run.eps)

    for name, parameter in run.parameters.items():
        assert np.array_equal(parameter, before[name]), name


def test_float32_numbers_are_computed_in_float64() -> None:
    run = AutogradRun(42, (4, 8, 2), batch=1)
    single = {name: p.astype(np.float32) for name, p in run.parameters.items()}
    double = {name: p.astype(np.float64) for name, p in single.items()}
    x = run.x.astype(np.float32)

    gradients = numpy_oracle.complex_step(single, x, run.eps)

    expected = numpy_oracle.complex_step(double, x.astype(np.float64), run.eps)
    assert largest_relative_difference(gradients, expected) == 0


def test_the_printed_parameters_give_the_printed_losses() -> None:
    figures = json.loads((ROOT / "fixtures" / "walkthrough-figures.json").read_text("utf-8"))
    numbers = {
        name: np.array(figure, np.float64)
        for name, figure in figures.items()
        if name in ("x", "eps") or name.endswith((".weight", ".bias"))
    }

    mse, kl = numpy_oracle.terms(numbers, numbers["x"], numbers["eps"])

    # Another processor's BLAS may move the last place, so we allow four of them.
    for found, name in ((mse, "mse"), (kl, "kl"), (mse + kl, "loss")):
        printed = float(figures[name])
        assert abs(found - printed) <= 4 * np.spacing(printed), name


def test_the_oracle_shares_no_code_with_what_it_judges() -> None:
    imported = set()
    for file in (numpy_oracle.__file__, differences.__file__):
        for node in ast.walk(ast.parse(Path(file).read_text("utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert not node.level or node.module == "differences"
                imported.add((node.module or "").split(".")[0])
    plain = {
        "__future__",
        "collections",
        "dataclasses",
        "itertools",
        "math",
        "re",
        "typing",
        "numpy",
    }
    assert imported <= {*plain, "differences"}
