"""Ops as models use them: recorded, bound, run by hand and written, all in one go.

The tests of single rules start from an example. These start from PyTorch code, in the
shapes in which people write it, and end with every line evaluated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import (
    Bernoulli,
    Independent,
    MultivariateNormal,
    Normal,
    kl_divergence,
)

from vae_explain.engine.formulas import Steps
from vae_explain.engine.graph import Graph
from vae_explain.engine.run import Run, full_run
from vae_explain.recording.recorder import record
from vae_explain.symbolic.expression import Expression, references
from vae_explain.symbolic.latex import to_latex
from vae_explain.symbolic.measure import measure
from vae_explain.symbolic.text import to_text
from vae_explain.trace import Trace

from .support import as_far_as_pytorch_differentiates

X = torch.tensor(
    [[0.5, -1.25, 2.0, 0.75], [-0.5, 0.25, 1.5, -2.0], [1.0, -0.75, 0.25, 3.0]],
    dtype=torch.float64,
)
EYE = torch.eye(4, dtype=torch.float64)
LABELS = torch.tensor([1, 0, 3])
ROWS = torch.tensor([[0, 1, 2, 0], [2, 2, 0, 1], [1, 0, 0, 2]])


def record_of(function: Callable[[Any], Any], module: nn.Module | None = None) -> Trace:
    """Record a function of one input that wants a gradient; its weighted sum is the loss."""
    x = X.clone().requires_grad_()
    modules = {} if module is None else {"": module.double()}
    torch.manual_seed(0)

    def objective() -> Any:
        result = function(x)
        return (result * result).sum()

    return record(objective, modules=modules, inputs={"x": x})


def explained(trace: Trace) -> Run:
    """Hold everything that is known of a run against PyTorch: numbers and lines."""
    graph = Graph(trace)
    assert not [(b.operation.name, b.reason) for b in graph.operations if b.rule is None]
    assert graph.not_explained == ()
    run = full_run(trace, seed=0, label="test")
    for number, array in run.hand_values.items():
        np.testing.assert_allclose(array, trace.values[number].array, rtol=1e-12, atol=1e-13)
    assert run.hand_gradients.keys() == trace.gradients.keys()
    for number, gradient in trace.gradients.items():
        np.testing.assert_allclose(run.hand_gradients[number], gradient, rtol=1e-11, atol=1e-12)
    steps = Steps(run)
    for value in trace.values:
        if value.name is None:
            continue
        for index in np.ndindex(*value.shape):
            same(steps.element(value.id, index), float(value.array[index]))
            if value.id in trace.gradients:
                arriving = float(trace.gradients[value.id][index])
                same(steps.gradient(value.id, index), arriving)
        assert to_text(steps.formula(value.id))
        assert to_latex(steps.formula(value.id))
        if value.id in trace.gradients:
            assert to_text(steps.gradient(value.id, None))
    return run


def same(expression: Expression, expected: float) -> None:
    value, magnitude = measure(expression)
    assert abs(value - expected) <= 1e-11 * magnitude + 1e-13


def names(trace: Trace) -> list[str]:
    return [operation.name for operation in trace.operations]


# --- ops in the forms in which they are called ------------------------------------------

FORMS: dict[str, Callable[[Any], Any]] = {
    "leaky_relu": lambda x: F.leaky_relu(x, 0.2),
    "elu": lambda x: F.elu(x, alpha=0.5),
    "gelu": lambda x: F.gelu(x) + F.gelu(x, approximate="tanh"),
    "softplus": lambda x: F.softplus(x * 15) + F.softplus(x, beta=2),
    "modules": lambda x: nn.SiLU()(nn.LeakyReLU()(nn.ELU()(nn.GELU()(nn.Softplus()(x))))),
    "logsigmoid": lambda x: nn.LogSigmoid()(x) + F.softsign(x),
    "clamp": lambda x: x.clamp(-1, 1) + x.clamp(min=0) + torch.clip(x, max=0.5) + x.clamp_min(0.25),
    "limits that move": lambda x: (
        torch.clamp(x, -(x[0] ** 2), x[1].abs())
        + x.clamp(min=x.mean())
        + x.clip(max=0.5 * x[:, :1])
    ),
    "maximum": lambda x: torch.maximum(x, -x) + torch.max(x, x * 0.5) + torch.minimum(x, x * x),
    "where": lambda x: torch.where(x > 0, x, 0.1 * x) + torch.where(x < 1, x, 0.0),
    "chunk": lambda x: torch.mul(*x.chunk(2, dim=-1)),
    "chunk, one part": lambda x: x.chunk(2, dim=-1)[0] * 2,
    "split": lambda x: torch.cat(x.split([1, 3], dim=1)[::-1], dim=1) + sum(x.split(2)[0]),
    "unpacking": lambda x: x.new_zeros(4) + next(a * b + c for a, b, c in [tuple(x)]),
    "unbind": lambda x: torch.stack(x.unbind(1)[:2], dim=1),
    "cat": lambda x: torch.cat([x, x * 2, x], dim=-1) + torch.concat((x,) * 3, dim=1),
    "stack": lambda x: torch.stack([x, x * 2], -1),
    "hstack and vstack": lambda x: torch.vstack((torch.hstack([x, 2 * x]), torch.ones(8).double())),
    "row_stack": lambda x: torch.row_stack((x, x[0])) + torch.hstack((x[0, :2], x[1, 2:])),
    "column_stack": lambda x: torch.column_stack((x, x[:, 0], torch.dstack((x, x))[:, 0, :1])),
    "slices": lambda x: x[:, :2] * x[:, -2:] + x[0, 1] + x[..., 0][:, None] + x[:, ::2],
    "index tensors": lambda x: x[LABELS[:2]] + x[torch.arange(3), LABELS][:2, None],
    "index lists": lambda x: x[[0, 2]] * x[:, [1, 3]][0, 1] + x[[1, 1]],
    "masks": lambda x: x[x > 0] * 2,
    "gather by rows": lambda x: x.index_select(1, LABELS) + F.embedding(LABELS % 3, x)[:, :3],
    "squeeze": lambda x: x.unsqueeze(1).squeeze(1) + x[None].squeeze() + x.unsqueeze(-1)[..., 0],
    "axes": lambda x: x.T @ x + x.t() @ x + x.mT.transpose(0, 1).permute(1, 0) @ x,
    "more axes": lambda x: x.swapaxes(0, 1) + x[None].movedim(0, -1)[..., 0].permute((1, 0)),
    "flatten": lambda x: x.flatten() + x.reshape(-1) + x[None].flatten(1)[0] + x.view(12),
    "unflatten": lambda x: x.unflatten(1, (2, 2)).view_as(x.reshape(3, 2, 2)),
    "expand": lambda x: x[:1].expand(3, -1) * x[0].expand_as(x) + x[:, :1].broadcast_to(3, 4),
    "repeat": lambda x: x.repeat(2, 1) + x[:1].repeat(6, 1),
    "var": lambda x: x.var() + x.std(1).sum() + torch.var(x, 0, unbiased=False) + x.var(False),
    "logarithms": lambda x: torch.log1p(x.abs()) + torch.expm1(x) + (x * x + 1).rsqrt(),
    "sine": lambda x: x.sin() * x.cos() + (x * x + 1).reciprocal(),
    "angles": lambda x: (
        x.tan() + (0.9 * x.tanh()).asin() * torch.arccos(x.tanh() * 0.5) + torch.atan2(x, x.flip(0))
    ),
    "hyperbolic functions": lambda x: (
        x.sinh() - x.cosh() * torch.arctanh(0.9 * torch.tanh(x)) + x.asinh() + (x * x + 1.5).acosh()
    ),
    "a triangle": lambda x: torch.hypot(x, x.flip(1)) * torch.atan(x),
    "remainders": lambda x: x % 0.7 + torch.fmod(x, x * x + 0.5) + x.frac() * x.trunc(),
    "quantiles": lambda x: torch.erfinv(0.9 * x.tanh()) + torch.special.ndtr(x) * torch.erfc(x),
    "entropies": lambda x: torch.special.entr(x.softmax(1)) + torch.logaddexp2(x, -x),
    "softmax": lambda x: x.softmax(-1) + F.log_softmax(x, dim=0) + F.softmax(x, dim=1),
    "softmax, far out": lambda x: (x * 1000).softmax(-1) + (x * 1000).log_softmax(-1),
    "logsumexp": lambda x: x.logsumexp(1) + torch.logsumexp(x * 2, (0, 1)),
    "log cosh": lambda x: torch.log(torch.exp(x) + torch.exp(-x)) - np.log(2),
    "layer_norm": lambda x: F.layer_norm(x, (4,)) + F.layer_norm(x, [4], x[0], x[1]),
    "batch_norm": lambda x: F.batch_norm(x, None, None, x[0], x[1], training=True),
    "instance_norm": lambda x: (
        F.instance_norm(x[None])[0] + F.instance_norm(x[None, :, :2])[0, 0, 0]
    ),
    "rms_norm": lambda x: F.rms_norm(x, (4,)) + F.rms_norm(x, [3, 4], x, 1e-3),
    "weight_norm": lambda x: torch._weight_norm(x, x[:, :1], 0) + torch._weight_norm(x, x[:1], 1),
    "real conjugates": lambda x: x.H @ x + torch.vdot(x[0], x[1]) + x.mH @ x,
    "detach": lambda x: x * x.detach() + x.detach().exp(),
    "copies": lambda x: x.clone() + x.T.contiguous().T + (x > 0).double() * x + x.to(x.dtype),
    "aliases": lambda x: torch.multiply(x, x).subtract(x).true_divide(2).negative() + x.mm(x.T @ x),
    "products": lambda x: x.mv(x[0])[:, None] + x[0].dot(x[1]) + torch.addmm(x[0], x, x.T @ x),
    "cross_entropy": lambda x: F.cross_entropy(x, LABELS) + F.cross_entropy(x, x.softmax(1)),
    "nll_loss": lambda x: F.nll_loss(x.log_softmax(1), LABELS),
    "bce": lambda x: F.binary_cross_entropy(torch.sigmoid(x), torch.full_like(x, 0.25)),
    "bce, sure": lambda x: F.binary_cross_entropy(x.clamp(0, 1), (x > 0.5).double()),
    "bce with logits": lambda x: F.binary_cross_entropy_with_logits(
        x, torch.sigmoid(2 * x), reduction="sum"
    ),
    "bce, weighted": lambda x: (
        F.binary_cross_entropy(x.sigmoid(), x.detach().cos() ** 2, weight=X[:1] ** 2)
        + nn.BCEWithLogitsLoss(weight=X[0] ** 2, pos_weight=X[1].abs())(x, (x > 0).double())
        + F.binary_cross_entropy_with_logits(x, x.sigmoid(), pos_weight=2 * X[0].abs())
    ),
    "l1": lambda x: F.l1_loss(x, 2 * x.flip(0).detach()) + nn.SmoothL1Loss(beta=0.5)(x, x * x),
    "huber": lambda x: F.huber_loss(x, 0 * x, delta=0.75) + nn.MSELoss()(x, x * 0.5),
    "gather and scatter": lambda x: x.gather(1, ROWS).scatter(
        1, torch.tensor([[0, 1], [1, 0], [2, 3]]), x[:, :2]
    ),
    "scatter a number": lambda x: (
        x * x.scatter(1, LABELS[:, None], 2.0) + x.scatter_add(0, ROWS, x)
    ),
    "one-hot codes": lambda x: torch.zeros(3, 4).double().scatter_(1, LABELS[:, None], 1) * x,
    "norms": lambda x: x.norm() + x.norm(dim=1, keepdim=True) * torch.linalg.norm(x, dim=0),
    "norm of sizes": lambda x: x.norm(p=1, dim=0) + torch.linalg.vector_norm(x, ord=1),
    "directions": lambda x: F.normalize(x, dim=-1) + F.cosine_similarity(x, x.flip(0))[:, None],
    "extremes": lambda x: x.max() + x.min(dim=1).values[:, None] * x.max(0)[0] + x.amax((0, 1)),
    "of two": lambda x: torch.max(x, 0.5 * x) + x.min(other=x * x) + x.amin(dim=1, keepdim=True),
    "the largest few": lambda x: (
        x.topk(2, dim=1)[0] @ x.topk(2, 0, largest=False).values + x.topk(4, 1, sorted=False)[0]
    ),
    "ranks": lambda x: x.kthvalue(2).values + x.median() * torch.median(x, 0).values[:3],
    "the largest so far": lambda x: x.cummax(1)[0] * torch.cummin(x, dim=0).values + x.msort(),
    "both ends": lambda x: torch.sub(*torch.aminmax(x)[::-1]) + x.aminmax(dim=1).max,
    "taken by rank": lambda x: x * torch.zeros_like(x).scatter(1, x.topk(2, 1).indices, 1.0),
    "ties": lambda x: (
        x.round().topk(2, 1)[0].sum(1)
        + (x * 0).topk(3, 1).values @ x[0, :3]
        + torch.tensor([1.0, 2.0, 3.0]).double() @ (0.5 * x).round().kthvalue(2, 0).values[:3]
        + x.round().median(1).values
        + (x * 0.25).round().mode(1).values * x[:, 0]
        + x.round().cummax(0).values[:, 1]
        + (x * 0).median()
        + torch.cat(x.round().aminmax(dim=1)).reshape(2, 3).sum(0)
    ),
    "einsum": lambda x: torch.einsum("ij,kj->ik", x, x) @ x + torch.einsum("ij->j", x),
    "attention": lambda x: F.scaled_dot_product_attention(x[None], x[None] * 2, x[None], x[:, :3]),
    "attention, causal": lambda x: F.scaled_dot_product_attention(x, x, x + 1, is_causal=True),
    "normal likelihood": lambda x: F.gaussian_nll_loss(x, 2 * x, x.exp(), full=True),
    "normal likelihood, one variance": lambda x: nn.GaussianNLLLoss(reduction="sum")(
        x, 2 * x.detach(), x.exp().mean(1, keepdim=True)
    ),
    "poisson": lambda x: F.poisson_nll_loss(x, x.detach().exp().round()),
    "bent lines": lambda x: (
        F.relu6(x)
        + F.hardtanh(x)
        # Beside its corner at 3, where PyTorch had another slope up to 2.6.
        + F.hardswish(x - 0.125) * F.hardsigmoid(x)
        + F.prelu(x, x[0, :1])
    ),
    "kin of ELU": lambda x: F.selu(x) + F.celu(x, 0.5) + F.mish(x),
    "shrinking": lambda x: nn.Softshrink()(x) + F.hardshrink(x) + F.tanhshrink(x) + F.softmin(x, 1),
    "gates": lambda x: nn.GLU()(x) + nn.Threshold(0.25, 3.0)(x)[:, :2],
    "other bases": lambda x: x.exp2().log2() + torch.log10(x * x + 1) + x.sigmoid().logit(eps=0.3),
    "of two logarithms": lambda x: torch.logaddexp(x, -x) + torch.xlogy(x, x * x + 1),
    "pixels": lambda x: F.pixel_unshuffle(F.pixel_shuffle(x.reshape(4, 3, 1), 2), 2).ravel(),
    "running sums": lambda x: x.cumsum(1) + x.prod(dim=1, keepdim=True) + x.prod(),
    "running products": lambda x: x.cumprod(1) + torch.cumprod(x, dim=0),
    "distances": lambda x: (
        torch.cdist(x, x[:2])
        + F.pairwise_distance(x, x.flip(0))[:, None]
        + torch.cdist(x, x, p=1)[0, 1]
    ),
    "patches": lambda x: F.fold(F.unfold(x[None, None], 2, padding=1), (3, 4), 2, padding=1) * x,
    "volumes": lambda x: F.max_pool3d(
        F.conv3d(x.view(1, 1, 3, 2, 2), x.view(1, 1, 3, 2, 2), padding=1), 2
    ),
    "triangles": lambda x: x.tril() + x.triu(1) + x.masked_fill(x > 0, 0.5),
    "rings": lambda x: x.roll(1, 0) + x.roll((1, 2), (0, 1)) + x[:, :2].repeat_interleave(2, 1),
    "three in one": lambda x: torch.addcmul(x, x, x, value=0.5) + torch.lerp(x, x * x, 0.25),
    "quotient in one": lambda x: x.addcdiv(x, x * x + 1),
    "normal tail": lambda x: 0.5 * (1 + torch.erf(x / 2**0.5)),
    "straight through": lambda x: x + (x.round() - x).detach() + x.floor() * x - x.ceil(),
    "taken": lambda x: x.take(ROWS[:, :2]) * x.masked_select(X[0] > 0.6)[:2] + x.roll(5)[:, :2],
    "sums of exponentials": lambda x: torch.logcumsumexp(x, 1) + (100 * x).logcumsumexp(0),
    "moments": lambda x: (
        torch.sub(*torch.var_mean(x, 1)) * torch.std_mean(x, 0, correction=0)[1][:3]
    ),
    "products added": lambda x: (
        torch.baddbmm(x[None], x[None], (x.T @ x)[None], alpha=0.5)[0]
        + torch.addmv(x[:, 0], x, x[1], beta=2)[:, None]
    ),
    "a trace": lambda x: torch.trace(x @ x.T) * x.nan_to_num(nan=1.0),
    "sizes": lambda x: torch.mul(*x.split_with_sizes([2, 2], dim=1)),
    "rows by an index": lambda x: (
        x.index_add(0, LABELS[:2], x[1:]) * x.index_copy(1, LABELS, x[:, 1:] ** 2)
    ),
    "an inverse": lambda x: torch.linalg.inv(x @ x.T + EYE[0, 0]) @ x @ (x.T @ x + EYE).inverse(),
    "determinants": lambda x: (
        torch.logdet(x.T @ x + EYE) * torch.linalg.det(x[:, :3]) + torch.slogdet(x[:, 1:])[1]
    ),
    "equations": lambda x: (
        torch.linalg.solve(x.T @ x + EYE, x.T) @ torch.linalg.solve(x[:, :3], x[:, 3])
    ),
    "triangles, solved": lambda x: torch.linalg.solve_triangular(
        torch.linalg.cholesky(x @ x.T + torch.eye(3)).mT, x, upper=True
    ),
    "kl_div": lambda x: F.kl_div(x.log_softmax(1), (-x).softmax(1), reduction="batchmean"),
}


@pytest.mark.parametrize("function", FORMS.values(), ids=FORMS.keys())
@pytest.mark.filterwarnings("ignore:Using a target size")
def test_a_form_of_an_op_is_explained(function: Callable[[Any], Any]) -> None:
    with as_far_as_pytorch_differentiates():
        trace = record_of(function)
    explained(trace)


# --- several outputs --------------------------------------------------------------------


def test_a_part_that_is_not_used_has_no_gradient() -> None:
    def function(x: Any) -> Any:
        mu = x.chunk(2, dim=1)[0]
        return mu * 2

    run = explained(record_of(function))
    chunk = run.trace.operations[0]
    mu, logvar = chunk.outputs
    assert [bound.output for bound in run.graph.operations[:2]] == [mu, logvar]
    assert [bound.attributes["output"] for bound in run.graph.operations[:2]] == [0, 1]
    assert logvar not in run.trace.gradients
    assert run.graph.producer(logvar) is run.graph.operations[1]
    assert run.graph.consumers(0) == run.graph.operations[:2]
    assert to_text(Steps(run).formula(logvar)) == "x[:, 2:4]"


def test_an_op_with_several_outputs_and_no_rule_is_named_once() -> None:
    def function(x: Any) -> Any:
        sign, _ = torch.frexp(x)
        q, r = torch.linalg.qr(x.T @ x)
        return q @ r * sign[0]

    trace = record_of(function)
    graph = Graph(trace)
    assert graph.not_explained == ("frexp", "linalg_qr")
    run = full_run(trace, 0, "test")
    for number, gradient in run.hand_gradients.items():
        np.testing.assert_allclose(gradient, trace.gradients[number], rtol=1e-10, atol=1e-10)


# --- in place ---------------------------------------------------------------------------

IN_PLACE: dict[str, Callable[[Any], Any]] = {
    "relu": lambda h: F.relu(h, inplace=True),
    "relu_": lambda h: h.relu_(),
    "nn.ReLU": lambda h: nn.ReLU(inplace=True)(h),
    "leaky_relu": lambda h: F.leaky_relu(h, 0.2, True),
    "leaky_relu_": lambda h: F.leaky_relu_(h, 0.2),
    "elu": lambda h: F.elu(h, inplace=True),
    "silu": lambda h: nn.SiLU(inplace=True)(h),
    "dropout": lambda h: F.dropout(h, 0.5, True, True),
    "add_": lambda h: h.add_(1),
    "mul_": lambda h: h.mul_(h.detach() + 2),
    "sub_": lambda h: h.sub_(X),
    "div_": lambda h: h.div_(2),
    "clamp_": lambda h: h.clamp_(-1, 1),
    "exp_": lambda h: h.exp_(),
    "sigmoid_": lambda h: h.sigmoid_(),
    "squeeze_": lambda h: h.unsqueeze_(0),
}


@pytest.mark.parametrize("change", IN_PLACE.values(), ids=IN_PLACE.keys())
def test_a_form_in_place_is_explained(change: Callable[[Any], Any]) -> None:
    def function(x: Any) -> Any:
        h = x * 3
        changed = change(h)
        assert changed is h
        return h * 2

    run = explained(record_of(function))
    before, after = (run.trace.by_name[name] for name in ("h_1", "h_2"))
    np.testing.assert_allclose(before.array, X * 3)
    changed = run.graph.producer(after.id)
    assert changed is not None
    assert changed.operation.in_place
    assert before.id in changed.operation.inputs


# --- noise ------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(3, 4), (2, 6, 2), (1, 3, 2, 2)])
@pytest.mark.parametrize("kind", [nn.Dropout, nn.Dropout1d, nn.Dropout2d])
@pytest.mark.filterwarnings("ignore:dropout")
def test_a_dropout_is_a_drawn_mask_and_a_product(kind: type[nn.Module], size: tuple[int]) -> None:
    if (kind is nn.Dropout2d and len(size) == 3) or (kind is nn.Dropout1d and len(size) != 3):
        pytest.skip("not a shape for it")
    layer = kind(0.25)

    def function(x: Any) -> Any:
        h = x.reshape(-1)[: int(np.prod(size))].repeat(2)[: int(np.prod(size))].reshape(size)
        dropped = layer(h)
        return dropped

    trace = record_of(function)
    mask = trace.by_name["dropout_mask"]
    assert mask.kind == "noise"
    assert set(np.unique(mask.array)) <= {0.0, 4 / 3}
    assert {"dropout_mask", "mul"} <= set(names(trace))
    explained(trace)
    # The generator has moved on by one dropout, not by two.
    torch.manual_seed(0)
    h = trace.by_name["h"].array
    np.testing.assert_array_equal(layer(torch.tensor(h)).numpy(), trace.by_name["dropped"].array)


def test_a_dropout_that_is_not_training_is_nothing() -> None:
    assert names(record_of(lambda x: nn.Dropout(0.5).eval()(x) * 2)) == ["mul", "mul", "sum"]


def test_noise_that_no_variable_holds_is_named() -> None:
    run = explained(record_of(lambda x: x + torch.randn_like(x) * torch.rand(4).double()))
    kinds = {value.name: value.kind for value in run.trace.values if value.kind == "noise"}
    assert kinds == {"eps_1": "noise", "eps_2": "noise"}


# --- distributions ----------------------------------------------------------------------


def test_a_normal_distribution_is_its_arithmetic() -> None:
    def function(x: Any) -> Any:
        mu, logvar = x.chunk(2, dim=-1)
        std = torch.exp(0.5 * logvar)
        q = Normal(mu, std)
        z = q.rsample()
        kl = kl_divergence(q, Normal(torch.zeros_like(mu), torch.ones_like(std))).sum()
        return (z * z).sum() + kl

    run = explained(record_of(function))
    assert set(names(run.trace)) == {
        "chunk", "mul", "exp", "normal", "add", "div", "pow", "sub", "log",
        "sum",
    }  # fmt: skip
    steps = Steps(run)
    z, kl = run.trace.by_name["z"].id, run.trace.by_name["kl"].id
    assert to_text(steps.element(z, (1, 0))) == "mu[1,0] + eps[1,0]·std[1,0]"
    assert to_text(steps.formula(kl)) == ("Σ(½·((std/1)² + ((mu - 0)/1)² - 1 - log((std/1)²)))")


@pytest.mark.parametrize(
    "prior",
    [
        pytest.param(lambda mu: Normal(0.0, 1.0), id="numbers"),
        pytest.param(lambda mu: Normal(torch.zeros(4).double(), 1.0), id="mixed"),
        pytest.param(lambda mu: Normal(mu.detach() * 0.5, torch.full_like(mu, 2.0)), id="tensors"),
    ],
)
def test_priors_as_people_give_them(prior: Callable[[Tensor], Normal]) -> None:
    def function(x: Any) -> Any:
        q = Normal(x, F.softplus(x) + 0.1)
        z = q.rsample()
        return kl_divergence(q, prior(x)).sum(-1) + z.sum()

    explained(record_of(function))


def test_log_probabilities_entropies_and_independent_ones() -> None:
    def function(x: Any) -> Any:
        q: Any = Independent(Normal(x, (x * x + 1).sqrt()), 1)
        z = q.rsample()
        p: Any = Independent(Normal(torch.zeros_like(x), torch.ones_like(x)), 1)
        decoder: Any = Bernoulli(logits=z)
        seen = decoder.log_prob((x > 0).double())
        return kl_divergence(q, p) + q.log_prob(z) - p.log_prob(z) + q.entropy() + seen.sum()

    explained(record_of(function))


def triangle_of(x: Tensor) -> Tensor:
    """Return a lower triangle with a positive diagonal, as a scale has it."""
    return x.tril(-1) + torch.diag_embed(F.softplus(x.diagonal(dim1=-2, dim2=-1)))


COVARIANCES: dict[str, Callable[[Tensor], dict[str, Tensor]]] = {
    "by its triangle": lambda x: {"scale_tril": triangle_of(x[:, :3])},
    "itself": lambda x: {"covariance_matrix": x @ x.T + EYE[:3, :3]},
    "by its inverse": lambda x: {"precision_matrix": x @ x.T + EYE[:3, :3]},
    "for each row": lambda x: {"scale_tril": triangle_of(torch.stack([x[:, :3], x[:, 1:]]))},
}


@pytest.mark.parametrize("covariance", COVARIANCES.values(), ids=COVARIANCES.keys())
def test_a_distribution_with_a_full_covariance(
    covariance: Callable[[Tensor], dict[str, Tensor]],
) -> None:
    def function(x: Any) -> Any:
        given = covariance(x)
        q: Any = MultivariateNormal(x[:, 3], **given, validate_args=False)
        p: Any = MultivariateNormal(x[0, :3] * 0, triangle_of(EYE[:3, :3]), validate_args=False)
        z = q.rsample()
        kl = kl_divergence(q, p)
        return kl + q.log_prob(z) - p.log_prob(z) + q.entropy()

    run = explained(record_of(function))
    assert {"linalg_solve_triangular", "normal", "log"} <= set(names(run.trace))


def test_what_substitution_makes_one_from_another_has_a_name() -> None:
    def function(x: Any) -> Any:
        scale = triangle_of(x[:, :3])
        return torch.linalg.solve_triangular(scale, x, upper=False) * 2

    run = explained(record_of(function))
    steps, solution = Steps(run), run.trace.by_name["solution"].id
    line = to_text(steps.element(solution, (1, 2)))
    assert line == "(x[1,2] - scale[1,0]·solution[0,2])/scale[1,1]"
    scale = run.trace.by_name["scale"].id
    gradient = steps.gradient(scale, (0, 0))
    # What the run never made is known by its name, the place in it included.
    (below,) = (ref for ref in references(gradient) if ref.name == "inv(scale)[2,0]")
    assert below.made is not None
    assert to_text(below.made()) == (
        "(-scale[2,0]·inv(scale)[0,0] - scale[2,1]·inv(scale)[1,0])/scale[2,2]"
    )


def test_a_comparison_is_no_operation() -> None:
    def function(x: Any) -> Any:
        assert not torch.isnan(x).any()
        keep = (x > 0) & (x < 2)
        best = x.argmax(dim=1)
        return x * keep + x[:, best[:1]]

    run = explained(record_of(function))
    assert names(run.trace) == ["argmax", "mul", "getitem", "getitem", "add", "mul", "sum"]
    kinds = {v.name: v.kind for v in run.trace.values if v.name in ("keep", "best", "index")}
    assert kinds == {"keep": "constant", "best": "intermediate", "index": "intermediate"}


# --- layers -----------------------------------------------------------------------------


class Block(nn.Module):
    """Layers as an encoder stacks them."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(4, 5), nn.LayerNorm(5), nn.GELU(), nn.Linear(5, 6), nn.BatchNorm1d(6),
            nn.ReLU(inplace=True), nn.Dropout(0.25), nn.Linear(6, 4),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.layers(x)
        return result


@pytest.mark.parametrize("training", [True, False])
def test_layers_as_an_encoder_stacks_them(training: bool) -> None:
    torch.manual_seed(3)
    block = Block().train(training)
    for parameter in block.parameters():
        nn.init.normal_(parameter)
    run = explained(record_of(block, block))
    expected = {"linear", "layer_norm", "gelu", "batch_norm", "relu", "mul", "sum"}
    assert set(names(run.trace)) == expected | ({"dropout_mask"} if training else set())


# --- what is refused --------------------------------------------------------------------

REFUSED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "scale_grad_by_freq": (
        lambda x: F.embedding(LABELS % 3, x, scale_grad_by_freq=True),
        "max_norm, scale_grad_by_freq and sparse",
    ),
    "movedim": (lambda x: x.movedim((0, 1), (1, 0)), "several axes moved at once"),
    "beta=0": (lambda x: F.smooth_l1_loss(x, 0 * x, beta=0.0), "beta=0"),
    "index tensors": (
        lambda x: x.select(0, LABELS[0]),
        "a tensor where it takes a plain number",
    ),
}


@pytest.mark.parametrize(("function", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_a_form_that_is_not_covered_says_so(function: Callable[[Any], Any], reason: str) -> None:
    trace = record_of(function)
    graph = Graph(trace)
    assert [bound.reason for bound in graph.operations if bound.rule is None] == [reason]
    assert len(graph.not_explained) == 1
    run = full_run(trace, 0, "test")
    for number, gradient in run.hand_gradients.items():
        np.testing.assert_allclose(gradient, trace.gradients[number], rtol=1e-10, atol=1e-12)
