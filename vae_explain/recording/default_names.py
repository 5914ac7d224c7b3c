"""Names for values that no variable of the user's holds.

A value without a name is written out wherever it is used, so most need none. These do: what a
run starts from or draws, indices and labels, and what is too long to be written out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from ..trace import Operation, Slot
from .call_info import ARRANGING
from .random_draws import MASK
from .trace_builder import TraceBuilder

# Arguments after which a constant that no variable held is named.
NAMING_KEYWORDS = {"weight", "pos_weight", "attn_mask"}
# Ops of which one element is made from many.
MIXING = {
    "linear", "matmul", "mm", "mv", "bmm", "addmm", "baddbmm", "addmv", "einsum", "dot", "vdot",
    "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
    "avg_pool1d", "avg_pool2d", "avg_pool3d", "max_pool1d", "max_pool2d", "max_pool3d",
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d",
    "adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d",
    "interpolate", "fold", "scatter_add", "cumsum", "cumprod", "prod", "sum", "mean", "var", "std",
    "norm", "linalg_norm", "linalg_vector_norm", "weight_norm", "normalize",
    "cdist", "pairwise_distance", "cosine_similarity", "scaled_dot_product_attention",
    "softmax", "softmin", "log_softmax", "logsumexp", "argmax", "argmin",
    "special_softmax", "special_log_softmax", "special_logsumexp",
    "layer_norm", "batch_norm", "group_norm", "instance_norm", "rms_norm",
    "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy",
    "binary_cross_entropy_with_logits", "cross_entropy", "nll_loss", "kl_div",
    "gaussian_nll_loss", "poisson_nll_loss",
    "logcumsumexp", "trace", "var_mean", "std_mean",
    "linalg_det", "det", "logdet", "linalg_slogdet", "slogdet", "linalg_inv", "inverse",
    "linalg_solve", "linalg_solve_triangular", "linalg_cholesky", "cholesky", "cholesky_solve",
    "nansum", "bilinear", "embedding_bag", "scatter_reduce", "soft_margin_loss",
}  # fmt: skip
# Ops of which one element is made from others of the same output, with the name of that output:
# written out in full, each would hold all the others.
SUBSTITUTING = {
    "linalg_cholesky": "cholesky_factor", "cholesky": "cholesky_factor",
    "linalg_solve_triangular": "solution", "linalg_solve": "solution",
    "linalg_inv": "inverse", "inverse": "inverse",
}  # fmt: skip
DEEPEST = 3
LONGEST = 24  # ops of any kind in a row, which nobody reads in one line
# Ops whose lines mention the mean, the length or the rows of their operands, with how many of
# these have to have a name: of one without a name they would have to write all of it.
SPEAKING = {
    "normalize": 1, "layer_norm": 1, "batch_norm": 1, "group_norm": 1, "instance_norm": 1,
    "rms_norm": 1, "weight_norm": 1, "var": 1, "std": 1, "scaled_dot_product_attention": 3,
    "var_mean": 1, "std_mean": 1, "argmax": 1, "argmin": 1,
    "linalg_cholesky": 1, "cholesky": 1, "linalg_inv": 1, "inverse": 1,
    "linalg_solve_triangular": 1, "linalg_solve": 1, "linalg_det": 1, "det": 1, "logdet": 1,
    "linalg_slogdet": 1, "slogdet": 1,
}  # fmt: skip


# What leaves numbers as they are, but for their precision.
CONVERTING = {"float", "double", "half", "to", "type", "type_as"}


def name_the_rest(
    names: dict[int, str], operations: Sequence[Operation], builder: TraceBuilder, output: int
) -> None:
    """Add names for values that have none, by what made them or what they are for.

    Parameters
    ----------
    names
        The names so far, by value id.
    output
        The id of the loss.
    """
    names.setdefault(output, "loss")
    ops = [operation.name for operation in operations]
    if "one_hot" in ops:
        name_classes(names, operations)
    name_long_chains(names, operations, ops)
    for operation in operations if builder.whole_ids else ():
        # Indices by which something is taken get a name; what an op rearranges has its own.
        for source in operation.inputs[operation.name in ARRANGING :]:
            if source in builder.whole_ids:
                names.setdefault(source, "index")
    for value_id in builder.store.of_kind("noise"):
        names.setdefault(value_id, MASK if value_id in builder.masks else "eps")
    constants = [each for each in builder.store.of_kind("constant") if each not in names]
    if constants:
        name_constants(names, constants, operations, builder)
    names.update(dict.fromkeys(builder.uninitialised_ids, "uninitialised"))


def name_constants(
    names: dict[int, str],
    constants: Sequence[int],
    operations: Sequence[Operation],
    builder: TraceBuilder,
) -> None:
    """Name constants that are used by the call that made them, or by what they are for."""
    used = {source for operation in operations for source in operation.inputs}
    keywords = {
        value.id: key
        for operation in operations
        for key, value in operation.kwargs.items()
        if key in NAMING_KEYWORDS and isinstance(value, Slot)
    }
    for value_id in filter(used.__contains__, constants):
        tensor = builder.store.tensors[value_id]
        if id(tensor) in builder.call_names:
            names[value_id] = builder.call_names[id(tensor)][1]
        elif not tensor.is_floating_point() and tensor.dim():
            names[value_id] = "mask" if tensor.dtype == torch.bool else "index"
        elif value_id in keywords:
            names[value_id] = keywords[value_id]


def name_long_chains(
    names: dict[int, str], operations: Sequence[Operation], ops: Sequence[str]
) -> None:
    """Name values by their op where too many ops that mix elements follow without a name.

    A few in a row, as the power iteration of a spectral norm has, would make a line of millions
    of numbers. Of other ops there may be more. An operand that a line mentions as a whole
    (`SPEAKING`) is named at once.

    Parameters
    ----------
    ops
        The names of the operations.
    """
    if not SUBSTITUTING.keys().isdisjoint(ops):
        for operation in operations:
            if operation.name in SUBSTITUTING:
                names.setdefault(operation.outputs[0], SUBSTITUTING[operation.name])
    is_named = names.__contains__
    unnamed = [each.name for each in operations if not all(map(is_named, each.outputs))]
    is_short = len(unnamed) < LONGEST and sum([op in MIXING for op in unnamed]) < DEEPEST
    if is_short and SPEAKING.keys().isdisjoint(ops):
        return
    depths: dict[int, int] = {}  # of values without a name: how many such ops follow each other
    lengths: dict[int, int] = {}  # how many of any kind
    makers: dict[int, str] = {}
    for op, operation in zip(ops, operations, strict=True):
        sources, outputs = operation.inputs, operation.outputs
        if op in SPEAKING:
            for source in sources[: SPEAKING[op]]:
                if depths.pop(source, 0):
                    names[source] = makers[source]
        if not names.keys().isdisjoint(outputs):
            outputs = tuple([output for output in outputs if output not in names])
            if not outputs:
                continue
        depth, length = 0, 1
        for source in sources:
            if source in lengths:
                depth = max(depth, depths.get(source, 0))
                length = max(length, lengths[source] + 1)
        depth += op in MIXING
        if depth >= DEEPEST or length >= LONGEST:
            names.update(dict.fromkeys(outputs, op))
            continue
        for output in outputs:
            depths[output], lengths[output], makers[output] = depth, length, op


def name_classes(names: dict[int, str], operations: Sequence[Operation]) -> None:
    """Name the rows of zeros and ones that stand for classes, where they end up as floats."""
    one_hot: dict[int, None] = {}
    for operation in operations:
        if operation.name == "one_hot":
            one_hot.update(dict.fromkeys(operation.outputs))
        elif operation.name in CONVERTING and operation.inputs[0] in one_hot:
            del one_hot[operation.inputs[0]]
            one_hot.update(dict.fromkeys(operation.outputs))
    for value_id in one_hot:
        names.setdefault(value_id, "one_hot")


def unique_names(names: Mapping[int, str], fixed: Mapping[int, str], output: int) -> dict[int, str]:
    """Make names unique: fixed ones stay, and the loss keeps its own, as in `loss = loss + kl`."""
    if len(set(names.values())) == len(names):
        return dict(names)
    kept = dict(fixed)
    if names[output] not in kept.values():
        kept[output] = names[output]
    others = {value_id: name for value_id, name in names.items() if value_id not in kept}
    return {**kept, **numbered(others, list(kept.values()))}


def numbered(names: Mapping[int, str], taken: Sequence[str]) -> dict[int, str]:
    """Make names unique: a base that several values share gets `_1`, `_2`, … in order.

    Examples
    --------
    >>> numbered({4: "h", 7: "z", 9: "h"}, taken=["x"])
    {4: 'h_1', 7: 'z', 9: 'h_2'}
    """
    by_base: dict[str, list[int]] = {}
    for value_id in sorted(names):
        by_base.setdefault(names[value_id], []).append(value_id)
    used = set(taken)
    unique: dict[int, str] = {}
    for base, value_ids in by_base.items():
        alone = len(value_ids) == 1 and base not in used
        count = 0
        for value_id in value_ids:
            name = base
            while not alone and (name in used or name == base):
                count += 1
                name = f"{base}_{count}"
            used.add(name)
            unique[value_id] = name
    return dict(sorted(unique.items()))
