"""Rules where no example goes: zeros, NaN, negative bases, calls that are not covered."""

from __future__ import annotations

import platform
from typing import Any

import numpy as np
import pytest
import torch

from vae_explain.ops import RULES, Call, NotExplained
from vae_explain.symbolic.latex import to_latex
from vae_explain.symbolic.measure import evaluate
from vae_explain.symbolic.text import to_text
from vae_explain.trace import Array, Slot

from .examples import Example
from .support import NamedOperand, call_torch, tensors_of, total_gradient, upstream_for
from .test_ops import has_other_slopes


def same_bits(found: Array, expected: Array) -> bool:
    """Whether two arrays hold the same numbers, NaN for NaN and sign for sign."""
    signs_agree = (np.signbit(found) == np.signbit(expected)) | np.isnan(expected)
    return bool(np.array_equal(found, expected, equal_nan=True) and signs_agree.all())


def test_relu_at_zero_and_through_nan_is_that_of_torch() -> None:
    edges = np.array([0.0, -1e-45, 1e-45, np.nan, np.inf, -np.inf, 1.5], dtype=np.float32)
    tensor = torch.from_numpy(edges.copy()).requires_grad_()
    output = torch.relu(tensor)
    upstream = np.arange(1, 8, dtype=np.float32)
    torch.autograd.backward(output, torch.from_numpy(upstream))
    relu = RULES["relu"]
    mine = relu.forward(edges)
    assert same_bits(mine, output.detach().numpy())
    (gradient,) = relu.vjp(upstream, mine, edges)
    assert gradient is not None
    assert tensor.grad is not None
    assert same_bits(gradient, tensor.grad.numpy())
    call = Call((NamedOperand("a", edges),), NamedOperand("y", mine))
    for index in np.ndindex(*edges.shape):
        assert evaluate(relu.element(call, index)) == pytest.approx(mine[index], nan_ok=True)
    assert same_bits(total_gradient(relu, call, 0, upstream), gradient)


@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"),
    reason="which of 0.0 and -0.0 is the larger is left to the processor",
)
def test_relu_keeps_the_sign_of_zero_as_torch_does() -> None:
    zero = np.array([-0.0, 0.0], dtype=np.float32)
    assert same_bits(RULES["relu"].forward(zero), torch.relu(torch.from_numpy(zero)).numpy())


def test_a_power_has_the_slopes_of_torch_where_logarithms_and_roots_fail() -> None:
    base = torch.tensor([0.0, 0.0, 0.0, -2.0, 3.0], dtype=torch.float64, requires_grad=True)
    exponent = torch.tensor([0.0, 1.0, 2.0, 2.0, 0.0], dtype=torch.float64, requires_grad=True)
    output = torch.pow(base, exponent)
    expected = torch.autograd.grad(output.sum(), (base, exponent))
    arrays = base.detach().numpy(), exponent.detach().numpy()
    found = RULES["pow"].vjp(np.ones(5), output.detach().numpy(), *arrays)
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(np.asarray(mine), theirs.numpy(), rtol=1e-15)


@pytest.mark.parametrize(
    ("name", "args", "kwargs"),
    [
        ("div", (Slot(0), Slot(1)), {"rounding_mode": "floor"}),
        ("mse_loss", (Slot(0), Slot(1)), {"weight": Slot(2)}),
        ("mse_loss", (Slot(0), Slot(1)), {"reduce": False}),
        ("view", (Slot(0), "float32"), {}),
        ("movedim", (Slot(0), (0, 1), (1, 0)), {}),
        ("repeat_interleave", (Slot(0), 2), {}),
        ("smooth_l1_loss", (Slot(0), Slot(1)), {"beta": 0}),
        ("embedding_bag", (Slot(0), Slot(1)), {"mode": "max"}),
        ("scatter_reduce", (Slot(0), 0, Slot(1), Slot(2), "argmax"), {}),
        ("interpolate", (Slot(0),), {"size": 3, "antialias": True}),
        ("adaptive_max_pool2d", (Slot(0), (2.5, 1)), {}),
        ("unfold", (Slot(0), 0, 2, 1), {}),
    ],
)
def test_a_form_that_a_rule_does_not_cover_is_refused(
    name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    with pytest.raises(NotExplained):
        RULES[name].bind(*args, **kwargs)


def test_a_setting_is_written_only_where_it_is_not_as_a_call_leaves_it() -> None:
    x = NamedOperand("x", np.arange(16.0).reshape(1, 1, 4, 4))
    written = {}
    for padding in (0, 1):
        rule = RULES["max_pool2d"]
        _, attributes = rule.bind(Slot(0), 2, padding=padding)
        y = NamedOperand("y", rule.forward(x.array, **attributes))
        written[padding] = to_text(rule.formula(Call((x,), y, attributes)))
    assert written == {
        0: "max_pool2d(x, kernel_size=2)",
        1: "max_pool2d(x, kernel_size=2, padding=1)",
    }


# --- boundaries -------------------------------------------------------------------------

EDGES = np.array(
    [0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 6.0, 20.0, 21.0, 0.5, np.nan, np.inf, -np.inf]
)
BOUNDARIES: dict[str, tuple[str, dict[str, Any]]] = {
    "leaky_relu": ("leaky_relu", {"negative_slope": 0.01}),
    "elu": ("elu", {"alpha": 0.5}),
    "softplus": ("softplus", {"beta": 1.0, "threshold": 20.0}),
    "abs": ("abs", {}),
    "sign": ("sign", {}),
    "hardsigmoid": ("hardsigmoid", {}),
    "hardtanh": ("hardtanh", {"min_val": -1.0, "max_val": 2.0}),
    "relu6": ("relu6", {}),
    "clamp": ("clamp", {"min": -1.0, "max": 1.0}),
    "clamp, crossed": ("clamp", {"min": 1.0, "max": -1.0}),
    "clamp_min": ("clamp_min", {"min": 0.5}),
    "clamp_max": ("clamp_max", {"max": 0.5}),
}


@pytest.mark.parametrize(("name", "attributes"), BOUNDARIES.values(), ids=BOUNDARIES.keys())
def test_gradients_at_boundaries_are_those_of_torch(name: str, attributes: dict[str, Any]) -> None:
    rule = RULES[name]
    example = Example((EDGES,), attributes)
    (tensor,) = tensors_of(example)
    output = call_torch(rule, [tensor], example)
    (expected,) = torch.autograd.grad(output.sum(), tensor)
    mine = rule.forward(EDGES, **attributes)
    np.testing.assert_allclose(mine, output.detach().numpy(), rtol=1e-15)
    (gradient,) = rule.vjp(np.ones_like(EDGES), mine, EDGES, **attributes)
    assert gradient is not None
    # What becomes of a NaN, and of an infinity, PyTorch leaves to the processor.
    sure = np.isfinite(EDGES)
    np.testing.assert_allclose(gradient[sure], expected.numpy()[sure], rtol=1e-15)
    call = Call((NamedOperand("a", EDGES),), NamedOperand("y", mine), attributes)
    for index in np.argwhere(sure):
        at = tuple(int(i) for i in index)
        assert evaluate(rule.element(call, at)) == pytest.approx(mine[at], rel=1e-12)
        ((out, local),) = rule.partials(call, 0, at)
        assert out == at
        assert evaluate(local) == pytest.approx(float(expected[at]), rel=1e-12)


ENDS = np.array([0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, -1.5, 800.0, -800.0])


@pytest.mark.parametrize(
    "name",
    [
        "tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh", "erfinv", "erfc",
        "trunc", "frac", "special_entr", "special_ndtr", "sinc",
    ],
)  # fmt: skip
def test_a_function_ends_where_that_of_torch_ends(name: str) -> None:
    rule = RULES[name]
    (tensor,) = tensors_of(Example((ENDS,)))
    output = call_torch(rule, [tensor], Example((ENDS,)))
    (expected,) = torch.autograd.grad(output.sum(), tensor)
    call = Call((NamedOperand("a", ENDS),), NamedOperand("y", output.detach().numpy()), {})
    with np.errstate(all="ignore"):
        mine = rule.forward(ENDS)
        (gradient,) = rule.vjp(np.ones_like(ENDS), mine, ENDS)
    np.testing.assert_allclose(mine, output.detach().numpy(), rtol=1e-14, atol=1e-300)
    assert gradient is not None
    np.testing.assert_allclose(gradient, expected.numpy(), rtol=1e-13, atol=1e-300)
    for at in range(len(ENDS)):
        line = evaluate(rule.element(call, (at,)))
        assert line == pytest.approx(float(mine[at]), rel=1e-13, nan_ok=True), at
        for _, local in rule.partials(call, 0, (at,)):
            slope = float(gradient[at])
            assert evaluate(local) == pytest.approx(slope, rel=1e-12, nan_ok=True), at


def test_a_scaled_tail_is_that_of_torch_where_the_tail_itself_vanishes() -> None:
    numbers = np.array([-26.0, -2.0, 0.0, 1e-10, 20.3, 24.999, 25.001, 27.0, 1e8, np.inf, np.nan])
    expected = torch.special.erfcx(torch.from_numpy(numbers)).numpy()
    found = RULES["special_erfcx"].forward(numbers)
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_the_line_of_sinc_shows_pi_and_at_zero_its_limit() -> None:
    numbers = np.array([0.25, 0.0])
    sinc = RULES["sinc"]
    y = NamedOperand("y", sinc.forward(numbers))
    call = Call((NamedOperand("a", numbers),), y)
    assert to_text(sinc.element(call, (0,))) == "sin(π·a[0])/(π·a[0])"
    assert to_text(sinc.element(call, (1,))) == "1"
    assert to_text(sinc.formula(call)) == "sinc(a)"
    smooth = Call((NamedOperand("a", numbers[:1]),), NamedOperand("y", y.array[:1]))
    assert to_latex(sinc.formula(smooth)) == (r"\frac{\sin\left(\pi \cdot a\right)}{\pi \cdot a}")


def test_an_angle_is_that_of_torch_in_every_part_of_the_plane_and_on_its_axes() -> None:
    axis = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, 0.5, -2.0])
    arrays = tuple(np.array(a) for a in np.broadcast_arrays(axis[:, None], axis))
    tensors = tensors_of(Example(arrays))
    rule = RULES["atan2"]
    output = call_torch(rule, tensors, Example(arrays))
    expected = torch.autograd.grad(output.sum(), tensors)
    assert same_bits(rule.forward(*arrays), output.detach().numpy())
    with np.errstate(all="ignore"):
        found = rule.vjp(np.ones_like(arrays[0]), rule.forward(*arrays), *arrays)
    compared = (arrays[0] != 0) | (arrays[1] != 0) | (not has_other_slopes(rule))
    for mine, theirs in zip(found, expected, strict=True):
        assert mine is not None
        np.testing.assert_allclose(mine[compared], theirs.numpy()[compared], rtol=1e-15)
    operands = NamedOperand("a", arrays[0]), NamedOperand("b", arrays[1])
    call = Call(operands, NamedOperand("y", rule.forward(*arrays)), {})
    for index in np.ndindex(*arrays[0].shape):
        expectation = float(rule.forward(*arrays)[index])
        assert evaluate(rule.element(call, index)) == pytest.approx(expectation, rel=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("given", [("min",), ("max",), ("min", "max")])
def test_limits_that_are_tensors_share_the_gradient_as_torch_has_it(
    given: tuple[str, ...], dtype: Any
) -> None:
    rule = RULES["clamp"]
    # Every number between every pair of limits: on an edge, behind it, limits met and crossed.
    axis = np.array([-1.0, 0.0, 1.0, 2.0, np.nan], dtype)
    limits = {"min": axis[:, None], "max": axis[:, None, None]}
    # Spread out by hand: PyTorch's own backward pass fails where both limits are wider.
    arrays = np.broadcast_arrays(axis, *(limits[name] for name in given))
    slots = {name: Slot(position) for position, name in enumerate(given, start=1)}
    _, attributes = rule.bind(Slot(0), **slots)
    tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
    output = torch.clamp(tensors[0], **dict(zip(given, tensors[1:], strict=True)))
    upstream = upstream_for(tuple(output.shape), seed=2).astype(dtype)
    expected = torch.autograd.grad(output, tensors, torch.from_numpy(upstream))
    mine = rule.forward(*arrays, **attributes)
    assert same_bits(mine, output.detach().numpy())
    found = rule.vjp(upstream, mine, *arrays, **attributes)
    call = Call(tuple(map(NamedOperand, "abc", arrays)), NamedOperand("y", mine), attributes)
    for position, (ours, theirs) in enumerate(zip(found, expected, strict=True)):
        assert ours is not None
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-6, atol=1e-6)
        by_element = total_gradient(rule, call, position, upstream)
        np.testing.assert_allclose(by_element, ours, rtol=1e-5, atol=1e-6)
    for index in np.ndindex(*mine.shape):
        assert evaluate(rule.element(call, index)) == pytest.approx(mine[index], nan_ok=True)


@pytest.mark.parametrize(
    ("settings", "formula"),
    [
        ({"min": Slot(1), "max": Slot(2)}, "clamp(a, b, c)"),
        ({"min": Slot(1)}, "clamp_min(a, b)"),
        ({"max": Slot(1)}, "clamp_max(a, b)"),
        ({"min": 0.5, "max": None}, "clamp(a, min=0.5)"),
    ],
)
def test_a_formula_says_which_limit_a_tensor_is(settings: dict[str, Any], formula: str) -> None:
    rule = RULES["clamp"]
    operands, attributes = rule.bind(Slot(0), **settings)
    arrays = [NamedOperand(name, np.ones(2)) for name, _ in zip("abc", operands, strict=False)]
    call = Call(tuple(arrays), NamedOperand("y", np.ones(2)), attributes)
    assert to_text(rule.formula(call)) == formula


def test_a_limit_beside_one_of_another_kind_is_refused() -> None:
    with pytest.raises(NotExplained, match="a number beside"):
        RULES["clamp"].bind(Slot(0), Slot(1), 1.0)


def test_the_documented_boundary_gradients() -> None:
    zero = np.array([0.0])
    one = np.ones(1)
    gradients = {
        name: RULES[name].vjp(one, RULES[name].forward(zero, **attributes), zero, **attributes)
        for name, attributes in {
            "relu": {},
            "leaky_relu": {"negative_slope": 0.25},
            "abs": {},
            "clamp": {"min": 0.0, "max": 1.0},
        }.items()
    }
    assert {name: float(np.asarray(g).item()) for name, (g,) in gradients.items()} == {
        "relu": 0.0,
        "leaky_relu": 0.25,
        "abs": 0.0,
        "clamp": 1.0,
    }


def test_equals_share_the_gradient_of_the_larger_or_smaller() -> None:
    a = np.array([1.0, 2.0])
    for name in ("maximum", "minimum"):
        to_a, to_b = RULES[name].vjp(np.ones(2), a, a, a)
        np.testing.assert_array_equal(np.asarray(to_a), [0.5, 0.5])
        np.testing.assert_array_equal(np.asarray(to_b), [0.5, 0.5])


def test_a_sure_probability_meets_the_lowest_logarithm() -> None:
    rule = RULES["binary_cross_entropy"]
    arrays = np.array([[0.0, 1.0, 0.5]]), np.array([[1.0, 0.0, 0.25]])
    example = Example(arrays, {"reduction": "sum"}, fixed=(1,))
    tensors = tensors_of(example)
    output = call_torch(rule, tensors, example)
    (expected,) = torch.autograd.grad(output, tensors[:1])
    mine = rule.forward(*arrays, reduction="sum")
    np.testing.assert_allclose(mine, output.item(), rtol=1e-14)
    assert mine > 200
    gradient = rule.vjp(np.ones(()), mine, *arrays, reduction="sum")[0]
    assert gradient is not None
    np.testing.assert_allclose(gradient, expected.numpy(), rtol=1e-13)
    operands = NamedOperand("p", arrays[0]), NamedOperand("t", arrays[1])
    call = Call(operands, NamedOperand("y", mine), example.attributes)
    assert evaluate(rule.element(call, ())) == pytest.approx(float(mine), rel=1e-13)
    np.testing.assert_allclose(
        total_gradient(rule, call, 0, np.ones(())), expected.numpy(), rtol=1e-13
    )


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_exponentials_that_no_float_holds_are_moved_first(name: str) -> None:
    rule = RULES[name]
    x = np.array([1000.0, 998.0, -1000.0])
    mine = rule.forward(x, dim=0)
    expected = getattr(torch, name)(torch.from_numpy(x), dim=0).numpy()
    np.testing.assert_allclose(mine, expected, rtol=1e-14)
    call = Call((NamedOperand("a", x),), NamedOperand("y", mine), {"dim": 0})
    for i in range(3):
        assert evaluate(rule.element(call, (i,))) == pytest.approx(mine[i], rel=1e-12)


@pytest.mark.skipif(torch.__version__ < "2.5", reason="up to 2.4 PyTorch makes it NaN")
@pytest.mark.parametrize("added", [False, True])
def test_a_query_that_may_take_nothing_takes_nothing(added: bool) -> None:
    rule = RULES["scaled_dot_product_attention"]
    choice = np.array([[True, False, False], [False, False, False], [True, True, True]])
    mask = np.where(choice, 0.0, -np.inf) if added else choice
    q, k, v = np.random.default_rng(3).normal(size=(3, 3, 2))
    example = Example((q, k, v, mask), {"is_causal": False, "scale": None}, fixed=(3,))
    tensors = tensors_of(example)
    query, key, value, attn_mask = tensors
    theirs = torch.nn.functional.scaled_dot_product_attention(query, key, value, attn_mask)
    upstream = np.array([[1.0, -2.0], [0.5, 0.25], [3.0, 1.0]])
    theirs.backward(torch.from_numpy(upstream))  # type: ignore[no-untyped-call] # torch's own
    output = rule.forward(q, k, v, mask, **example.attributes)
    np.testing.assert_allclose(output, theirs.detach().numpy(), rtol=1e-14)
    found = rule.vjp(upstream, output, q, k, v, mask, **example.attributes)
    operands = tuple(map(NamedOperand, "qkvm", (q, k, v, mask)))
    call = Call(operands, NamedOperand("y", output), example.attributes)
    for position, tensor in enumerate(tensors[:3]):
        assert tensor.grad is not None
        mine = found[position]
        assert mine is not None
        np.testing.assert_allclose(mine, tensor.grad.numpy(), rtol=1e-13, atol=1e-15)
        by_element = total_gradient(rule, call, position, upstream)
        np.testing.assert_allclose(by_element, mine, rtol=1e-13, atol=1e-15)
    for index in np.ndindex(3, 2):
        assert evaluate(rule.element(call, index)) == pytest.approx(output[index], rel=1e-14)


@pytest.mark.parametrize("setting", [{"dropout_p": 0.1}, {"enable_gqa": True}])
def test_an_attention_of_another_kind_is_refused(setting: dict[str, Any]) -> None:
    with pytest.raises(NotExplained, match=next(iter(setting))):
        RULES["scaled_dot_product_attention"].bind(Slot(0), Slot(1), Slot(2), **setting)
