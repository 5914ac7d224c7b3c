"""The layers that normalize: batch, instance, layer, group and RMS norm."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...symbolic.expression import Expression, SumOver
from ..binding import Bound, NotExplained
from ..rule import Call, by_default
from .normalization import Normalization, axes_of

CENTRED = Normalization()
INPUT, WEIGHT, BIAS = range(3)


def with_weight(
    operands: tuple[Any, ...], weight: Any, bias: Any, why: str = ""
) -> tuple[Any, ...]:
    if weight is None and bias is not None:
        raise NotExplained(f"a bias without a weight{why}")
    return (*operands, *(operand for operand in (weight, bias) if operand is not None))


def features_of(normalized_shape: Any) -> int:
    return 1 if isinstance(normalized_shape, int) else len(normalized_shape)


# --- by the batch, or by what was collected in training ---------------------------------


def bind_batch_norm(
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float | None = 0.1,
    eps: float = 1e-05,
) -> Bound:
    # The means and variances that were collected are buffers, and pass no gradient on.
    taken = (input,) if training else (input, running_mean, running_var)
    return with_weight(taken, weight, bias), {"training": training, "eps": eps}


def bind_instance_norm(
    input: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-05,
) -> Bound:
    operands, attributes = bind_batch_norm(
        input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps
    )
    return operands, {"by_sample": True, **attributes}


BATCH_NORM = CENTRED.rule(
    "batch_norm",
    bind_batch_norm,
    "each feature shifted to mean 0 and scaled to variance 1 over the batch",
)
INSTANCE_NORM = CENTRED.rule(
    "instance_norm",
    bind_instance_norm,
    "each channel of a sample shifted to mean 0 and scaled to variance 1",
)

# --- by the sample ----------------------------------------------------------------------


def bind_layer_norm(
    input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: Any = 1e-05
) -> Bound:
    attributes = {"features": features_of(normalized_shape), "eps": eps}
    return with_weight((input,), weight, bias), attributes


LAYER_NORM = CENTRED.rule(
    "layer_norm", bind_layer_norm, "each sample shifted to mean 0 and scaled to variance 1"
)


def bind_rms_norm(
    input: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None
) -> Bound:
    return bind_layer_norm(input, normalized_shape, weight, None, eps)


# Zhang and Sennrich, "Root Mean Square Layer Normalization" (2019), equation 4.
RMS_NORM = Normalization(centred=False).rule(
    "rms_norm",
    bind_rms_norm,
    "each sample divided by the root of its mean square",
    title="RMS norm",
)

# --- by groups of channels --------------------------------------------------------------


def bind_group_norm(
    input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-05
) -> Bound:
    why = ", for which PyTorch has no gradient either"
    return with_weight((input,), weight, bias, why), {"num_groups": num_groups, "eps": eps}


def group_norm_gradient(call: Call, position: int, upstream: Expression) -> Expression:
    free = axes_of(len(call.output.shape), call.attributes).free(len(call.output.shape))
    shape = call.operands[position].shape
    if position == BIAS:
        return SumOver(upstream, free, shape)
    if position == WEIGHT:
        plain = GROUP_NORM.named(replace(call, operands=call.operands[:WEIGHT]))
        return SumOver(upstream * plain, free, shape)
    # The bias has no part in it.
    named = GROUP_NORM.named_backward(replace(call, operands=call.operands[:BIAS]), INPUT, upstream)
    return replace(named, options=GROUP_NORM.options(call))


GROUP_NORM = CENTRED.rule(
    "group_norm",
    bind_group_norm,
    "each group of channels shifted to mean 0 and scaled to variance 1",
    usual={"eps": 1e-05},
    formula=by_default,
    gradient=group_norm_gradient,
)
