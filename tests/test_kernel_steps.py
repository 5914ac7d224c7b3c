"""A line is allowed the roundings of PyTorch's kernels, which compute in steps of their own."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_explain.engine.agreement import disagreements
from vae_explain.engine.formulas import Steps
from vae_explain.engine.run import Run
from vae_explain.engine.worked_lines import LineMaker
from vae_explain.ops.broadcasting import indices
from vae_explain.pipeline import run

from .requests import held

CHANCE = torch.Generator().manual_seed(31)


class Applied(nn.Module):
    """A function of parameters, with a loss that weighs each of its numbers."""

    def __init__(self, function: Callable[..., Tensor], operands: list[Tensor]) -> None:
        super().__init__()
        self.function = function
        self.operands = nn.ParameterList(operands)

    def forward(self, x: Tensor) -> Tensor:
        y = self.function(*self.operands)
        weights = torch.linspace(-1.7, 2.3, y.numel(), dtype=torch.float64).to(y.dtype)
        return (y * weights.reshape(y.shape)).sum() + 0 * x.sum()


def run_of(function: Callable[..., Tensor], *operands: Tensor) -> Run:
    dtype = operands[0].dtype
    return run(held(Applied(function, list(operands)), torch.zeros(1, 1, dtype=dtype), seed=0))


def not_agreeing(of: Run) -> list[str]:
    """Return the labels of the lines of values and gradients that would be marked."""
    make, found = LineMaker(of, Steps(of)), []
    for value in of.trace.values:
        if value.name is None or value.kind in ("input", "constant"):
            continue
        for index in indices(value.shape):
            lines = [] if value.kind == "parameter" else [make.value_line(value.id, index)]
            if value.id in of.gradients:
                lines.append(make.gradient_line(value.id, index))
            found += [line.label for line in lines if not line.agrees]
    return found


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=CHANCE)


def spread(low: float, high: float, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.linspace(low, high, 150, dtype=torch.float64).to(dtype)


MEANS, VARIANCES = torch.full((4,), 3.8), torch.full((4,), 12.25)
APART = torch.stack([spread(-3000, -1), spread(0.3, 0.9), spread(0.2, 0.1)], 1)
PICKED = partial(F.cross_entropy, target=torch.zeros(150, dtype=torch.long), reduction="none")
KEPT = torch.tensor([2.1e-5, 1.1e-6, 0.3, 0.97, 3e-4]).half()
FARAWAY = torch.tensor([-9.7, -0.9, -0.04, -0.8, -7.4]).half()
SLIGHT = torch.tensor([[-0.9233961701, -1.2841751575], [-0.8729233742, 0.1461227983]])
BCE = partial(F.binary_cross_entropy_with_logits, reduction="none")
LOGITS, TARGETS = spread(-15, -4), spread(-12, -3).sigmoid()
CASES: dict[str, tuple[Callable[..., Tensor], tuple[Tensor, ...]]] = {
    "softplus where its slope is nearly 1": (F.softplus, (spread(8, 21),)),
    "softplus of a small beta": (partial(F.softplus, beta=0.3, threshold=40), (spread(30, 134),)),
    "expm1, whose slope is its result and 1": (torch.expm1, (spread(-40, -3),)),
    "expm1 in float64": (torch.expm1, (spread(-60, -3, torch.float64),)),
    "sinc of whole numbers": (torch.sinc, (torch.tensor([200.0, -200, 3, 1e-4]).half(),)),
    "digamma next to its poles": (torch.digamma, (spread(-3.003, -2.997),)),
    "a normal distribution's tail": (torch.special.ndtr, (spread(-9, -2.5),)),
    "elu of a small alpha": (partial(F.elu, alpha=0.001), (spread(-20, -3),)),
    "log_softmax of large numbers": (partial(F.log_softmax, dim=1), (APART,)),
    "cross-entropy of large numbers": (PICKED, (APART,)),
    "logits far from a low target": (BCE, (LOGITS, TARGETS)),
    "logits whose ones count": (partial(BCE, pos_weight=torch.tensor(3.3)), (LOGITS, TARGETS)),
    "a batch norm by a factor and a shift": (
        lambda x, w, b: F.batch_norm(x, MEANS, VARIANCES, w, b),
        (drawn(30, 4) * 3.5 + 3.8, drawn(4), drawn(4)),
    ),
    "a product, whose slope is a quotient": (
        partial(torch.prod, dim=1),
        (spread(0.3, 13).reshape(50, 3),),
    ),
    "a corner that four numbers are blended into": (
        partial(F.interpolate, scale_factor=2, mode="bilinear"),
        (torch.full((1, 1, 2, 2), 3.6213173866271973),),
    ),
    "celu, whose 1/alpha has the digits of float32": (
        partial(F.celu, alpha=0.1),
        (spread(-5, 1, torch.float64),),
    ),
    "celu in place": (
        lambda x: F.celu(x * 1, alpha=0.1, inplace=True),
        (spread(-5, 1, torch.float64),),
    ),
    "a divergence by a target in half precision": (
        lambda x, t: F.kl_div(x, t, reduction="batchmean") * 0.02,
        (FARAWAY, KEPT),
    ),
    "an inverse with a small element": (torch.inverse, (SLIGHT,)),
    "a determinant, whose slope is by an inverse": (
        torch.det,
        (torch.tensor([[0.2787699997, -0.2069940865], [1.1801735163, 0.0147512173]]),),
    ),
    "a row that is solved with": (
        torch.linalg.solve,
        (SLIGHT, torch.tensor([1.0, 0.0])),
    ),
    "what the factor of a matrix solves, by the factor": (
        lambda b, a: torch.cholesky_solve(b, torch.linalg.cholesky(a)),
        (torch.tensor([[1.0], [-2.0]]), torch.tensor([[1.0, 0.99], [0.99, 1.0]])),
    ),
    "an RMS norm in half precision": (
        lambda a: F.rms_norm(a, (5,)),
        (torch.tensor([0.003, -0.006, -0.018, 0.02, 0.003]).half(),),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_no_line_is_marked_for_how_pytorch_computes_it(case: str) -> None:
    function, operands = CASES[case]
    assert not not_agreeing(run_of(function, *operands))


def matrix(seed: int, size: int, last: float, symmetric: bool = False) -> Tensor:
    """Return a matrix of float64 whose singular values go from 1 down to a small one."""
    chance = torch.Generator().manual_seed(seed)
    shape, dtype = (size, size), torch.float64
    normal = [torch.randn(shape, generator=chance, dtype=dtype) for _ in range(2)]
    left, right = (torch.linalg.qr(each)[0] for each in normal)
    sizes = torch.logspace(0, math.log10(last), size, dtype=dtype)
    return torch.matmul(left * sizes, left.T if symmetric else right)


RECORDED: dict[str, tuple[Callable[..., Tensor], tuple[Tensor, ...]]] = {
    "atanh": (torch.atanh, (spread(-0.9999, 0.9999),)),
    "acos": (torch.acos, (spread(-0.9999, 0.9999),)),
    "sinc": (torch.sinc, (spread(-0.01, 0.01),)),
    "erfcx": (torch.special.erfcx, (spread(-9, 9),)),
    "digamma in float64": (torch.digamma, (spread(-8.03, 8, torch.float64),)),
    **{
        f"cross-entropy by its target, {dtype}": (
            F.binary_cross_entropy,
            (spread(0.01, 0.99, dtype), spread(0.7, 0.1, dtype)),
        )
        for dtype in (torch.float32, torch.float64)
    },
    "an inverse of a condition of 1e11": (torch.inverse, (matrix(1, 4, 1e-11),)),
    "a determinant's logarithm at 0": (torch.logdet, (matrix(89, 2, 1e-14, True),)),
    "a solution of a condition of 1e12": (
        torch.linalg.solve,
        (matrix(0, 6, 1e-12), torch.arange(6, dtype=torch.float64)),
    ),
    "a factor of a nearly singular matrix": (
        torch.linalg.cholesky,
        (matrix(14, 3, 3e-8, True).float(),),
    ),
}


@pytest.mark.parametrize("case", [*CASES, *RECORDED])
def test_no_recording_disagrees_for_how_pytorch_computes_it(case: str) -> None:
    function, operands = {**CASES, **RECORDED}[case]
    assert not list(disagreements(run_of(function, *operands).graph))
