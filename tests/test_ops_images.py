"""What images need, in the forms that people call it in, against PyTorch.

Shapes are drawn at random, edges are sought out: uneven padding, ties and NaN in a pool,
places where the nearest input is a matter of rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from vae_explain.engine.graph import BoundOperation, Graph
from vae_explain.ops import RULES, Call, NotExplained
from vae_explain.recording.recorder import record
from vae_explain.symbolic.expression import ZERO
from vae_explain.symbolic.measure import evaluate
from vae_explain.symbolic.text import to_text
from vae_explain.trace import Array, Slot

from .support import NamedOperand, total_gradient, upstream_for

INPUT = (np.arange(2 * 4 * 6 * 6) * 7 % 23 - 11.0).reshape(2, 4, 6, 6) / 16


def hold_against_torch(function: Callable[[Tensor], Tensor], array: Array) -> BoundOperation:
    """Record one op on an array, and hold its rule against the recorded numbers."""
    x = torch.tensor(array, dtype=torch.float64, requires_grad=True)
    upstream: list[Array] = []

    def objective() -> Tensor:
        y = function(x)
        upstream.append(upstream_for(tuple(y.shape), seed=5))
        return (y * torch.from_numpy(upstream[0])).sum()

    modules = {"m": function.double()} if isinstance(function, nn.Module) else {}
    trace = record(objective, modules=modules, inputs={"x": x})
    bound = Graph(trace).operations[0]
    assert bound.rule is not None, bound.reason
    arrays = tuple(trace.values[int(number)].array for number in bound.operands)
    output = bound.rule.forward(*arrays, **bound.attributes)
    np.testing.assert_allclose(output, trace.values[bound.output].array, rtol=1e-13, atol=1e-14)
    found = bound.rule.vjp(upstream[0], output, *arrays, **bound.attributes)
    for number, mine in zip(bound.operands, found, strict=True):
        assert mine is not None
        theirs = trace.gradients[int(number)]
        assert mine.shape == theirs.shape
        np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-13)
    return bound


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("conv2d", nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2)),
        ("conv2d", nn.Conv2d(4, 3, 5, padding="same", bias=False)),
        ("conv2d", nn.Conv2d(4, 4, 3, padding="valid", dilation=2, groups=4)),
        ("conv_transpose2d", nn.ConvTranspose2d(4, 2, 4, stride=2, padding=1)),
        ("conv_transpose2d", nn.ConvTranspose2d(4, 2, 3, 2, 1, output_padding=1, groups=2)),
        ("max_pool2d", nn.MaxPool2d(2)),
        ("max_pool2d", nn.MaxPool2d(3, stride=2, padding=1)),
        ("max_pool2d", lambda x: torch.max_pool2d(x, 3, (), (1, 0))),
        ("avg_pool2d", nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False)),
        ("adaptive_avg_pool2d", nn.AdaptiveAvgPool2d((4, None))),
        ("adaptive_max_pool2d", nn.AdaptiveMaxPool2d((4, None))),
        ("interpolate", nn.Upsample(scale_factor=2)),
        ("interpolate", nn.UpsamplingNearest2d(size=(5, 9))),
        ("interpolate", nn.UpsamplingBilinear2d(scale_factor=2)),
        ("interpolate", nn.Upsample(size=(9, 4), mode="bilinear")),
        ("interpolate", nn.Upsample(scale_factor=1.5, mode="bicubic")),
        ("pad", nn.ZeroPad2d((1, 0, 2, 1))),
        ("pad", nn.ReflectionPad2d(2)),
        ("pad", lambda x: functional.pad(x, (1, 1), value=2)),
        ("unfold", nn.Unfold(3, padding=1, stride=2)),
        ("unfold", lambda x: functional.unfold(x, 2, 1, 1, 2)),
        ("group_norm", nn.GroupNorm(2, 4)),
        ("group_norm", nn.GroupNorm(4, 4, affine=False)),
    ],
)  # fmt: skip
def test_a_call_as_people_write_it(name: str, function: Callable[[Tensor], Tensor]) -> None:
    assert hold_against_torch(function, INPUT).operation.name == name


VOLUME = INPUT.reshape(1, 4, 2, 6, 6)


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("conv3d", nn.Conv3d(4, 6, (1, 3, 3), stride=(1, 2, 1), padding=1, groups=2)),
        ("conv3d", nn.Conv3d(4, 3, 3, padding="same", bias=False)),
        ("conv_transpose3d", nn.ConvTranspose3d(4, 2, 3, 2, 1, output_padding=1, groups=2)),
        ("max_pool3d", nn.MaxPool3d((1, 3, 2), stride=2, padding=(0, 1, 1))),
        ("avg_pool3d", nn.AvgPool3d(2, 3, 1, ceil_mode=True, count_include_pad=False)),
        ("adaptive_avg_pool3d", nn.AdaptiveAvgPool3d((1, 4, None))),
        ("adaptive_max_pool3d", nn.AdaptiveMaxPool3d((2, 4, 1))),
        ("interpolate", nn.Upsample(scale_factor=2, mode="trilinear")),
    ],
)
def test_a_call_on_a_volume(name: str, function: Callable[[Tensor], Tensor]) -> None:
    assert hold_against_torch(function, VOLUME).operation.name == name


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_adaptive_pool_chooses_among_equals_and_nan_as_torch_does(dtype: Any) -> None:
    numbers = np.random.default_rng(0).integers(0, 3, size=(2, 3, 5, 7)).astype(dtype)
    numbers[0, 1, 2, 2] = numbers[0, 1, 3, 1] = numbers[0, 1, 0, 0] = np.nan
    numbers[0, 2] = -np.inf
    x = torch.tensor(numbers, requires_grad=True)
    output = functional.adaptive_max_pool2d(x, (3, 4))
    upstream = upstream_for(tuple(output.shape), seed=1).astype(dtype)
    (expected,) = torch.autograd.grad(output, x, torch.from_numpy(upstream))
    rule = RULES["adaptive_max_pool2d"]
    _, attributes = rule.bind(Slot(0), (3, 4))
    mine = rule.forward(numbers, **attributes)
    np.testing.assert_array_equal(mine, output.detach().numpy())
    (found,) = rule.vjp(upstream, mine, numbers, **attributes)
    assert found is not None
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-6, atol=1e-6)
    call = Call((NamedOperand("x", numbers),), NamedOperand("y", mine), attributes)
    np.testing.assert_allclose(total_gradient(rule, call, 0, upstream), found, atol=1e-6)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
def test_uneven_padding_stands_behind_the_image() -> None:
    bound = hold_against_torch(nn.Conv2d(4, 2, (2, 4), padding="same"), INPUT)
    assert bound.attributes["padding"] == "same"
    assert bound.rule is not None
    arrays = tuple(NamedOperand(n, a) for n, a in (("x", INPUT), ("w", np.ones((2, 4, 2, 4)))))
    call = Call(arrays, NamedOperand("y", np.ones((2, 2, 6, 6))), bound.attributes)
    formula = bound.rule.gradient(call, 0, NamedOperand("g", np.ones((2, 2, 6, 6))).whole())
    assert to_text(formula) == "conv_transpose2d(g, w, padding=same)"


@settings(max_examples=60)
@given(st.data())
def test_a_convolution_of_any_shape_and_its_transpose(data: st.DataObject) -> None:
    draw = data.draw
    pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
    kernel, stride, dilation = draw(pairs), draw(pairs), draw(pairs)
    groups, rows, columns = draw(pairs)[0], draw(pairs)[0], draw(pairs)[0]
    reach = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    padding = draw(st.integers(0, reach[0])), draw(st.integers(0, reach[1]))
    span = [r + 1 for r in reach]
    size = [draw(st.integers(max(s - 2 * p, 1), 8)) for s, p in zip(span, padding, strict=True)]
    seed = draw(st.integers(0, 1000))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        plain = nn.Conv2d(
            groups * columns, groups * rows, kernel, stride, padding, dilation, groups
        )
        image = np.random.default_rng(seed).normal(size=(2, groups * columns, *size))
        hold_against_torch(plain, image)
        most = [max(s, d) - 1 for s, d in zip(stride, dilation, strict=True)]
        extra = draw(st.integers(0, most[0])), draw(st.integers(0, most[1]))
        transposed = nn.ConvTranspose2d(
            groups * rows, groups * columns, kernel, stride, padding, extra, groups,
            draw(st.booleans()), dilation,
        )  # fmt: skip
        size = [
            max(n, -(-(2 * p - s - e + 1) // step) + 1)
            for n, p, s, e, step in zip(size, padding, span, extra, stride, strict=True)
        ]
        image = np.random.default_rng(seed).normal(size=(2, groups * rows, *size))
        hold_against_torch(transposed, image)


@pytest.mark.parametrize("padding", [0, 1])
def test_a_pool_chooses_among_equals_and_nan_as_torch_does(padding: int) -> None:
    numbers = np.random.default_rng(0).integers(0, 3, size=(1, 3, 5, 5)).astype(float)
    numbers[0, 1, 2, 2] = numbers[0, 1, 3, 1] = np.nan
    numbers[0, 2] = -np.inf
    x = torch.tensor(numbers, requires_grad=True)
    output = functional.max_pool2d(x, 3, 1, padding)
    upstream = upstream_for(tuple(output.shape), seed=1)
    (expected,) = torch.autograd.grad(output, x, torch.from_numpy(upstream))
    rule = RULES["max_pool2d"]
    _, attributes = rule.bind(Slot(0), 3, 1, padding)
    mine = rule.forward(numbers, **attributes)
    np.testing.assert_array_equal(mine, output.detach().numpy())
    (found,) = rule.vjp(upstream, mine, numbers, **attributes)
    assert found is not None
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-14, atol=1e-15)
    call = Call((NamedOperand("x", numbers),), NamedOperand("y", mine), attributes)
    np.testing.assert_allclose(total_gradient(rule, call, 0, upstream), found, atol=1e-15)
    for index in np.ndindex(*mine.shape):
        assert evaluate(rule.element(call, index)) == pytest.approx(mine[index], nan_ok=True)


def test_the_nearest_input_is_that_of_torch_however_it_rounds() -> None:
    rule = RULES["interpolate"]
    for size in range(1, 12):
        image = np.arange(float(size))[None, None]
        calls: list[dict[str, Any]] = [{"size": out} for out in range(1, 30)]
        factors = (0.3, 0.5, 0.7, 1.1, 1.3, 1.5, 1.9, 2, 2.2, 2.5, 3, 3.3, 4.7)
        calls += [{"scale_factor": f} for f in factors if int(size * f)]
        calls += [{**call, "recompute_scale_factor": True} for call in calls if "size" not in call]
        for mode in ("nearest", "nearest-exact"):
            for call in calls:
                theirs = functional.interpolate(torch.from_numpy(image), mode=mode, **call)
                _, attributes = rule.bind(Slot(0), mode=mode, **call)
                mine = rule.forward(image, **attributes)
                np.testing.assert_array_equal(mine, theirs.numpy(), err_msg=f"{size} {mode} {call}")


@pytest.mark.parametrize("align_corners", [False, True])
def test_a_linear_blend_is_that_of_torch_in_either_precision(align_corners: bool) -> None:
    rule = RULES["interpolate"]
    for size in range(1, 8):
        calls: list[dict[str, Any]] = [{"size": out} for out in range(1, 20)]
        factors = (0.3, 0.5, 0.7, 1.1, 1.3, 1.5, 2, 2.5, 3, 4.7)
        calls += [{"scale_factor": f} for f in factors if int(size * f)]
        calls += [{**call, "recompute_scale_factor": True} for call in calls if "size" not in call]
        for call in calls:
            settings = {**call, "mode": "linear", "align_corners": align_corners}
            _, attributes = rule.bind(Slot(0), **settings)
            for dtype, near in ((np.float64, 1e-15), (np.float32, 1e-6)):
                # The image of each input place alone: all the shares there are.
                places = np.eye(size, dtype=dtype)[None]
                theirs = functional.interpolate(torch.from_numpy(places), **settings).numpy()
                mine = rule.forward(places, **attributes)
                assert mine.dtype == dtype
                np.testing.assert_allclose(mine, theirs, rtol=0, atol=near, err_msg=f"{call}")


@pytest.mark.parametrize("align_corners", [False, True])
def test_a_cubic_blend_is_that_of_torch_in_either_precision(align_corners: bool) -> None:
    rule = RULES["interpolate"]
    for size in range(1, 7):
        calls: list[dict[str, Any]] = [{"size": (out, 1)} for out in range(1, 16)]
        calls += [{"scale_factor": (f, 1.0)} for f in (0.3, 0.7, 1.1, 1.5, 2, 4.7) if int(size * f)]
        for call in calls:
            settings = {**call, "mode": "bicubic", "align_corners": align_corners}
            _, attributes = rule.bind(Slot(0), **settings)
            for dtype, near in ((np.float64, 1e-14), (np.float32, 3e-6)):
                places = np.eye(size, dtype=dtype)[None, :, :, None]
                theirs = functional.interpolate(torch.from_numpy(places), **settings).numpy()
                mine = rule.forward(places, **attributes)
                assert mine.dtype == dtype
                np.testing.assert_allclose(mine, theirs, rtol=0, atol=near, err_msg=f"{call}")


def test_a_place_that_no_kernel_reaches_is_zero_and_says_so() -> None:
    rule = RULES["conv_transpose2d"]
    x, weight = np.ones((1, 1, 1, 1)), np.ones((1, 1, 1, 1))
    _, attributes = rule.bind(Slot(0), Slot(1), stride=2, output_padding=1)
    output = NamedOperand("y", rule.forward(x, weight, **attributes))
    call = Call((NamedOperand("x", x), NamedOperand("w", weight)), output, attributes)
    assert rule.element(call, (0, 0, 1, 1)) == ZERO
    assert to_text(rule.element(call, (0, 0, 0, 0))) == "w[0,0,0,0]·x[0,0,0,0]"


@pytest.mark.parametrize(
    ("name", "operands", "settings", "formula", "gradients"),
    [
        (
            "conv2d", [(2, 4, 6, 6), (4, 2, 3, 3), (4,)], {"stride": 2, "padding": 1, "groups": 2},
            "conv2d(a, b, c, stride=2, padding=1, groups=2)",
            [
                "conv_transpose2d(g, b, stride=2, padding=1, groups=2, output_padding=1)",
                "conv2d_weight(a, g, stride=2, padding=1, groups=2)",
                "Σ(g, dim=(0, 2, 3))",
            ],
        ),
        (
            "conv2d", [(2, 4, 6, 6), (4, 4, 3, 3)], {"padding": "same"},
            "conv2d(a, b, padding=same)",
            ["conv_transpose2d(g, b, padding=1)", "conv2d_weight(a, g, padding=same)"],
        ),
        (
            "conv_transpose2d", [(2, 4, 3, 3), (4, 2, 2, 2)], {"stride": (2, 1)},
            "conv_transpose2d(a, b, stride=(2, 1))",
            ["conv2d(g, b, stride=(2, 1))", "conv2d_weight(g, a, stride=(2, 1))"],
        ),
        (
            "max_pool2d", [(2, 4, 6, 6)], {"kernel_size": 2},
            "max_pool2d(a, kernel_size=2)", ["max_pool2d_backward(g, a, kernel_size=2)"],
        ),
        (
            "pad", [(2, 4, 6, 6)], {"pad": (1, 0)}, "pad(a, pad=(1, 0))",
            ["pad_backward(g, pad=(1, 0))"],
        ),
        (
            "interpolate", [(2, 4, 6, 6)], {"scale_factor": 2}, "interpolate(a, scale_factor=2)",
            ["interpolate_backward(g, scale_factor=2)"],
        ),
        (
            "group_norm", [(2, 4, 6, 6)], {"num_groups": 2}, "group_norm(a, num_groups=2)",
            ["group_norm_backward(g, a, num_groups=2)"],
        ),
    ],
)  # fmt: skip
def test_formulas_read_as_calls(
    name: str,
    operands: list[tuple[int, ...]],
    settings: dict[str, Any],
    formula: str,
    gradients: list[str],
) -> None:
    rule = RULES[name]
    arrays = [np.ones(shape) for shape in operands]
    _, attributes = rule.bind(*map(Slot, range(len(arrays))), **settings)
    output = NamedOperand("y", rule.forward(*arrays, **attributes))
    named = tuple(NamedOperand(n, array) for n, array in zip("abc", arrays, strict=False))
    call = Call(named, output, attributes)
    assert to_text(rule.formula(call)) == formula
    upstream = NamedOperand("g", output.array).whole()
    written = [to_text(rule.gradient(call, i, upstream)) for i in range(len(arrays))]
    assert written == gradients


def test_one_element_of_a_norm_is_told_by_the_mean_and_variance_of_its_group() -> None:
    rule = RULES["group_norm"]
    _, attributes = rule.bind(Slot(0), 2)
    output = NamedOperand("y", rule.forward(INPUT, **attributes))
    call = Call((NamedOperand("h", INPUT),), output, attributes)
    assert to_text(rule.element(call, (1, 2, 0, 5))) == (
        "(h[1,2,0,5] - mean(h[1,2:4]))/sqrt(var(h[1,2:4]) + 1e-05)"
    )


@pytest.mark.parametrize(
    ("name", "operands", "settings", "outputs"),
    [
        # For each operand, how many outputs its element [0, 0, …] goes into.
        ("conv2d", [(16, 3, 64, 64), (8, 3, 3, 3)], {"padding": 1}, [32, 16 * 63 * 63]),
        ("conv_transpose2d", [(16, 3, 32, 32), (3, 8, 4, 4)], {"stride": 2}, [128, 16 * 32 * 32]),
        ("max_pool2d", [(16, 3, 64, 64)], {"kernel_size": 2}, [1]),
        ("avg_pool2d", [(16, 3, 64, 64)], {"kernel_size": 3, "stride": 1}, [1]),
        ("pad", [(16, 3, 64, 64)], {"pad": (1, 1)}, [1]),
        ("interpolate", [(16, 3, 64, 64)], {"scale_factor": 3}, [9]),
        ("matmul", [(16, 400, 784), (784, 300)], {}, [300, 16 * 400]),
        ("bmm", [(16, 40, 784), (16, 784, 30)], {}, [30, 40]),
    ],
)
def test_partials_name_the_outputs_that_depend_on_an_element_and_no_others(
    name: str, operands: list[tuple[int, ...]], settings: dict[str, Any], outputs: list[int]
) -> None:
    rule = RULES[name]
    arrays = [np.ones(shape) for shape in operands]
    _, attributes = rule.bind(*map(Slot, range(len(arrays))), **settings)
    output = NamedOperand("y", rule.forward(*arrays, **attributes))
    named = tuple(NamedOperand(n, array) for n, array in zip("abc", arrays, strict=False))
    call = Call(named, output, attributes)
    found = [len(rule.partials(call, i, (0,) * array.ndim)) for i, array in enumerate(arrays)]
    assert found == outputs


@pytest.mark.parametrize(
    ("name", "arguments", "settings", "reason"),
    [
        ("conv2d", (), {"stride": 1.5}, "stride=1.5"),
        ("conv2d", (), {"padding": (1, 2, 3)}, "for 2 axes"),
        ("group_norm", (2,), {"bias": Slot(1)}, "a bias without a weight"),
        ("max_pool2d", (2,), {"return_indices": True}, "return_indices"),
        ("adaptive_avg_pool2d", ((2, Slot(1)),), {}, "output_size"),
        ("unfold", (2, 3, 1), {}, "one axis"),
        ("pad", ((1, 1),), {"mode": "other"}, "mode='other'"),
        ("pad", ((-1, 1),), {"mode": "reflect"}, "with mode='reflect'"),
        ("pad", ((1, Slot(1)),), {}, "pad="),
        ("interpolate", (4,), {"mode": "area"}, "mode='area'"),
        ("interpolate", (4,), {"mode": "bilinear", "antialias": True}, "antialias=True"),
    ],
)
def test_a_form_that_is_not_covered_is_refused_with_its_reason(
    name: str, arguments: tuple[Any, ...], settings: dict[str, Any], reason: str
) -> None:
    slots = (Slot(0), Slot(1)) if name.startswith("conv") else (Slot(0),)
    with pytest.raises(NotExplained, match=reason):
        RULES[name].bind(*slots, *arguments, **settings)
