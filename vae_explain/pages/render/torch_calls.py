"""Ops that have no formula but their name, as PyTorch calls them, forward and backward.

A backward pass is written as what it is: autograd's own, of the call it belongs to, by the
helper `back` that the notebook brings along. Its `v` is the tensor the gradient is taken at.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from ...symbolic.shapes import FULL

Options = Sequence[tuple[str, Any]]
Shape = tuple[int, ...]


def _call(name: str, *further: str) -> Callable[[Sequence[str], Options], str]:
    """Write a call whose operands behind the first are given by these names."""

    def written(arguments: Sequence[str], options: Options) -> str:
        first, *rest = arguments
        given = [f"{key}={text}" for key, text in zip(further, rest, strict=False)]
        return f"{name}({_listed([first, *given], options)})"

    return written


def _joined(name: str) -> Callable[[Sequence[str], Options], str]:
    def written(arguments: Sequence[str], options: Options) -> str:
        return f"{name}({_listed([f'({_listed(arguments)},)'], options)})"

    return written


def _average(ending: str) -> Callable[[Sequence[str], Options], str]:
    """Write a mean or a variance over some axes, which stay as axes of length 1."""

    def written(arguments: Sequence[str], options: Options) -> str:
        (body,) = arguments
        return f"({body}).{ending.format(dict(options)['dim'])}"

    return written


def _of_several(name: str, *more: tuple[str, Any]) -> Callable[[Sequence[str], Options], str]:
    def written(arguments: Sequence[str], options: Options) -> str:
        return f"{name}({_listed(arguments, [*options, *more])})"

    return written


def _of_each(name: str) -> Callable[[Sequence[str], Options], str]:
    return _of_several(name, ("reduction", "none"))


def _found(name: str, output: str) -> Callable[[Sequence[str], Options], str]:
    """Write a call along an axis, which has several outputs; without one it has one."""

    def written(arguments: Sequence[str], options: Options) -> str:
        called = f"{name}({_listed(arguments, options)})"
        one = name in ("torch.max", "torch.min", "torch.median") and not options
        return called if one else f"{called}.{output}"

    return written


def _output_of(name: str, output: str) -> Callable[[Sequence[str], Options], str]:
    """Write one of the outputs of a call."""

    def written(arguments: Sequence[str], options: Options) -> str:
        return f"{name}({_listed(arguments, options)}).{output}"

    return written


def _at_places(name: str) -> Callable[[Sequence[str], Options], str]:
    """Write a call that has places along an axis as its second operand."""

    def written(arguments: Sequence[str], options: Options) -> str:
        body, places, *source = arguments
        axis = repr(dict(options)["dim"])
        return f"{name}({_listed([body, axis, f'({places}).long()', *source])})"

    return written


def _looked_up(arguments: Sequence[str], options: Options) -> str:
    """Write the rows of a table that some places name."""
    places, table = arguments
    return f"F.embedding({_listed([f'({places}).long()', table], options)})"


def _brought_together(arguments: Sequence[str], options: Options) -> str:
    body, index, source = arguments
    found = dict(options)
    axis = repr(found.pop("dim"))
    given = [body, axis, f"({index}).long()", source]
    return f"torch.scatter_reduce({_listed(given, list(found.items()))})"


def _in_bags(arguments: Sequence[str], options: Options) -> str:
    """Write rows of a table that are brought together bag by bag."""
    places, table, *weights = arguments
    given = [f"({places}).long()", table, *(f"per_sample_weights={text}" for text in weights)]
    found = [(key, value) for key, value in options if key != "offsets"]
    starts = dict(options).get("offsets")
    if starts is not None:
        given.append(f"offsets=torch.tensor({list(starts)!r})")
    return f"F.embedding_bag({_listed(given, found)})"


def _taken(arguments: Sequence[str], options: Options) -> str:
    """Write elements taken by places that are counted through all axes."""
    body, places = arguments
    return f"torch.take({body}, ({places}).long())"


def _encoded(arguments: Sequence[str], options: Options) -> str:
    """Write classes as rows of zeros and ones, as numbers to compute with."""
    (body,) = arguments
    count = dict(options)["classes"]
    return f"F.one_hot(({body}).long(), {count}).to(torch.get_default_dtype())"


def _classified(name: str) -> Callable[[Sequence[str], Options], str]:
    """Write a loss over classes, whose targets may be their numbers."""

    def written(arguments: Sequence[str], options: Options) -> str:
        body, target, *weight = arguments
        given = [body, f"classes({body}, {target})", *(f"weight={text}" for text in weight)]
        return f"{name}({_listed(given, options)})"

    return written


def _full(arguments: Sequence[str], options: Options) -> str:
    (number,) = arguments
    return filled(dict(options)["shape"], number)


def filled(shape: Shape, number: str) -> str:
    """Write a tensor that has one number everywhere."""
    # Of a whole number PyTorch would make a tensor of whole numbers.
    point = ".0" if number.removeprefix("-").isdigit() else ""
    return f"torch.full({shape!r}, {number}{point})"


def _direction(arguments: Sequence[str], options: Options) -> str:
    body, length = arguments
    return f"torch.where({length} == 0, 0.0, ({body}) / {length})"


def _numbers(arguments: Sequence[str], options: Options) -> str:
    (body,) = arguments
    return f"torch.where(({body}).isnan(), 0.0, {body})"


def _is_number(arguments: Sequence[str], options: Options) -> str:
    (body,) = arguments
    return f"torch.where(({body}).isnan(), 0.0, 1.0)"


def _largest(arguments: Sequence[str], options: Options) -> str:
    """Write which numbers are the largest along an axis, each of several that are."""
    (sizes,) = arguments
    axis = dict(options)["dim"]
    return f"(({sizes}) == ({sizes}).amax({axis!r}, keepdim=True)) * 1.0"


def _chosen(arguments: Sequence[str], options: Options) -> str:
    condition, *pair = arguments
    return f"torch.where({_listed([f'({condition}) != 0', *pair])})"


def _from_behind(arguments: Sequence[str], options: Options) -> str:
    (body,) = arguments
    axis = dict(options)["dim"]
    return f"({body}).flip({axis}).cumsum({axis}).flip({axis})"


def _put(arguments: Sequence[str], options: Options) -> str:
    """Write numbers, or zero, into a part of a tensor, which stays as it was."""
    body, *new = arguments
    part = taken(dict(options)["at"])
    # What is turned round has no place that could be written to.
    return f"{PUT}({body}, place{part}, {new[0] if new else '0.0'})" if part[0] == "[" else ""


def _summed(arguments: Sequence[str], options: Options) -> str:
    """Write what arrives at a part of a tensor, summed where one number was written to many."""
    (body,) = arguments
    found = dict(options)
    return f"({body}){taken(found['at'])}.sum_to_size({found['shape']!r})"


CALLS: dict[str, Callable[[Sequence[str], Options], str]] = {
    FULL: _full,
    "conv1d": _call("F.conv1d", "weight", "bias"),
    "conv2d": _call("F.conv2d", "weight", "bias"),
    "conv3d": _call("F.conv3d", "weight", "bias"),
    "conv_transpose1d": _call("F.conv_transpose1d", "weight", "bias"),
    "conv_transpose2d": _call("F.conv_transpose2d", "weight", "bias"),
    "conv_transpose3d": _call("F.conv_transpose3d", "weight", "bias"),
    "max_pool1d": _call("F.max_pool1d"),
    "max_pool2d": _call("F.max_pool2d"),
    "max_pool3d": _call("F.max_pool3d"),
    "avg_pool1d": _call("F.avg_pool1d"),
    "avg_pool2d": _call("F.avg_pool2d"),
    "avg_pool3d": _call("F.avg_pool3d"),
    "adaptive_avg_pool1d": _call("F.adaptive_avg_pool1d"),
    "adaptive_avg_pool2d": _call("F.adaptive_avg_pool2d"),
    "adaptive_avg_pool3d": _call("F.adaptive_avg_pool3d"),
    "adaptive_max_pool1d": _call("F.adaptive_max_pool1d"),
    "adaptive_max_pool2d": _call("F.adaptive_max_pool2d"),
    "adaptive_max_pool3d": _call("F.adaptive_max_pool3d"),
    "group_norm": _call("F.group_norm", "weight", "bias"),
    "interpolate": _call("F.interpolate"),
    "pad": _call("F.pad"),
    "unfold": _call("F.unfold"),
    "fold": _call("F.fold"),
    "pixel_shuffle": _call("F.pixel_shuffle"),
    "pixel_unshuffle": _call("F.pixel_unshuffle"),
    "mean": _average("mean({!r}, keepdim=True)"),
    "var": _average("var({!r}, correction=0, keepdim=True)"),
    "softmax": _call("torch.softmax"),
    "normalize": _call("F.normalize"),
    "cosine_similarity": _of_several("F.cosine_similarity"),
    "direction": _direction,
    "quotient": _direction,
    "is_largest": _largest,
    "is_number": _is_number,
    "without_nan": _numbers,
    "glu": _call("F.glu"),
    "cumsum": _call("torch.cumsum"),
    "cumsum_from_behind": _from_behind,
    "cumprod": _call("torch.cumprod"),
    "logcumsumexp": _call("torch.logcumsumexp"),
    "trace": _call("torch.trace"),
    "prod": _call("torch.prod"),
    "max": _found("torch.max", "values"),
    "min": _found("torch.min", "values"),
    "amax": _call("torch.amax"),
    "amin": _call("torch.amin"),
    "argmax": _call("torch.argmax"),
    "argmin": _call("torch.argmin"),
    "sort": _found("torch.sort", "values"),
    "msort": _call("torch.msort"),
    "topk": _found("torch.topk", "values"),
    "kthvalue": _found("torch.kthvalue", "values"),
    "median": _found("torch.median", "values"),
    "mode": _found("torch.mode", "values"),
    "cummax": _found("torch.cummax", "values"),
    "cummin": _found("torch.cummin", "values"),
    "argsort": _call("torch.argsort"),
    "inv": _call("torch.linalg.inv"),
    "solve": _of_several("torch.linalg.solve"),
    "solve_triangular": _of_several("torch.linalg.solve_triangular"),
    "cholesky": _call("torch.linalg.cholesky"),
    "cholesky_solve": _of_several("torch.cholesky_solve"),
    "det": _call("torch.linalg.det"),
    "logdet": _call("torch.logdet"),
    "logabsdet": _output_of("torch.linalg.slogdet", "logabsdet"),
    "sign_of_det": _output_of("torch.linalg.slogdet", "sign"),
    "tril": _call("torch.tril"),
    "triu": _call("torch.triu"),
    "diag": _call("torch.diag"),
    "diag_embed": _call("torch.diag_embed"),
    "diagonal": _call("torch.diagonal"),
    "embedding": _looked_up,
    "embedding_bag": _in_bags,
    "index_select": _at_places("torch.index_select"),
    "take": _taken,
    "gather": _at_places("torch.gather"),
    "scatter": _at_places("torch.scatter"),
    "scatter_add": _at_places("torch.scatter_add"),
    "scatter_reduce": _brought_together,
    "one_hot": _encoded,
    "cross_entropy": _classified("F.cross_entropy"),
    "nll_loss": _classified("F.nll_loss"),
    "put": _put,
    "put_zero": _put,
    "sum_to": _summed,
    "cat": _joined("torch.cat"),
    "stack": _joined("torch.stack"),
    "hstack": _joined("torch.hstack"),
    "vstack": _joined("torch.vstack"),
    "dstack": _joined("torch.dstack"),
    "column_stack": _joined("torch.column_stack"),
}
# Elementwise functions in pieces; `name'` is the slope of one, as the notebook finds it.
PIECEWISE = {
    "leaky_relu": "F.leaky_relu",
    "elu": "F.elu",
    "celu": "F.celu",
    "selu": "F.selu",
    "relu6": "F.relu6",
    "hardtanh": "F.hardtanh",
    "hardsigmoid": "F.hardsigmoid",
    "hardswish": "F.hardswish",
    "hardshrink": "F.hardshrink",
    "softshrink": "F.softshrink",
    "softplus": "F.softplus",
    "threshold": "F.threshold",
    "logit": "torch.logit",
    "special_entr": "torch.special.entr",
    "nan_to_num": "torch.nan_to_num",
    "clamp": "torch.clamp",
    "clamp_min": "torch.clamp_min",
    "clamp_max": "torch.clamp_max",
}
# Elementwise ones of several operands, any of which may be a single number. A loss is there
# with what it is for each element, before they are summed.
TOGETHER: dict[str, Callable[[Sequence[str], Options], str]] = {
    "clamp": _of_several("torch.clamp"),
    "clamp_min": _of_several("torch.clamp_min"),
    "clamp_max": _of_several("torch.clamp_max"),
    "maximum": _of_several("torch.maximum"),
    "minimum": _of_several("torch.minimum"),
    "logaddexp": _of_several("torch.logaddexp"),
    "logaddexp2": _of_several("torch.logaddexp2"),
    "atan2": _of_several("torch.atan2"),
    "where": _chosen,
    "prelu": _of_several("F.prelu"),
    "smooth_l1_loss": _of_each("F.smooth_l1_loss"),
    "huber_loss": _of_each("F.huber_loss"),
    "kl_div": _of_each("F.kl_div"),
    "gaussian_nll_loss": _of_each("F.gaussian_nll_loss"),
}
# What brings many numbers together, by what its slope at each of them is called: the product of
# the others, or which of them was chosen.
SLOPES = {
    "prod_of_others": "prod",
    "max'": "max",
    "min'": "min",
    "amax'": "amax",
    "amin'": "amin",
    "median'": "median",
}
BACKWARD, WEIGHT, SOME = "_backward", "_weight", "zeros_but"
EINSUM = "einsum["
AT = "v"
# The names of the helpers that a notebook brings along.
SLOPE, BACK, CLASSES, PUT = "slope", "back", "classes", "put"


def helpers_of(name: str, operands: int) -> tuple[str, ...]:
    """Return which helpers the code of an op uses."""
    if name in ("put", "put_zero"):
        return (PUT,)
    plain = name.removesuffix(BACKWARD)
    found = (CLASSES,) if CALLS.get(plain) in (CALLS["cross_entropy"], CALLS["nll_loss"]) else ()
    if name.endswith("'") and name not in SLOPES and operands == 1:
        return (SLOPE,)
    if name.endswith("'") or name in SLOPES or upstream_of(name) is not None:
        return (BACK, *found)
    return found


def takes_numbers(name: str) -> bool:
    """Whether a single number may stand for any operand of an op."""
    return name.removesuffix("'") in TOGETHER


def filling(name: str) -> int | None:
    """Return which operand may be one number in the place of many; None where none may."""
    return {FULL: 0, "scatter": 2, "put": 1}.get(name, upstream_of(name))


def upstream_of(name: str) -> int | None:
    """Return which operand of a backward pass is the gradient that arrives."""
    if name.endswith(BACKWARD) or name == SOME:
        return 0
    return 1 if name.endswith(WEIGHT) else None


def taken(text: str) -> str:
    """Write what stands between brackets, in NumPy's way, as PyTorch takes it.

    Examples
    --------
    >>> taken("[:, 1]"), taken("[::-1, :]"), taken("[[[0, 2]]]")
    ('[:, 1]', '.flip((0,))', '[torch.tensor([[0, 2]])]')
    """
    inside = text.removeprefix("[").removesuffix("]")
    parts = inside.split(", ")
    if set(parts) <= {":", "::-1"} and "::-1" in parts:
        return f".flip({tuple(axis for axis, part in enumerate(parts) if part != ':')!r})"
    # A list alone is no index for PyTorch, as several of them are.
    alone = inside.startswith("[[") and len(ast.literal_eval(f"({inside},)")) == 1
    return f"[torch.tensor({inside})]" if alone else text


def call(
    name: str,
    arguments: Sequence[str],
    options: Options,
    shape: Callable[[], Shape],
    shapes: Sequence[Shape],
) -> str | None:
    """Return an op's call; None when there is none here.

    Parameters
    ----------
    arguments
        The operands, as code.
    shape
        Tells that of what the op makes, for a gradient that of the tensor itself.
    shapes
        Those of the operands.
    """
    if not all(key.isidentifier() for key, _ in options):
        return None
    if name.startswith(EINSUM):
        return _einsum(name.removeprefix(EINSUM).removesuffix("]"), arguments)
    plain = name.removesuffix("'")
    if name in SLOPES:
        return _back(CALLS[SLOPES[name]]([AT], options), "1", arguments[0])
    if plain in PIECEWISE and len(arguments) == 1:
        if plain == name:
            return f"{PIECEWISE[plain]}({_listed(arguments, options)})"
        return f"{SLOPE}({_listed([PIECEWISE[plain], *arguments], options)})"
    forward = TOGETHER.get(name) or CALLS.get(name)
    if forward is not None:
        return forward(arguments, options) or None

    # The operand that the gradient is taken at, and what is left of the options beside it.
    position = dict(options).get("by", 1) - 1
    settings = [each for each in options if each[0] != "by"]
    if plain in TOGETHER:
        return _back_at(TOGETHER[plain], arguments, settings, position, "1", shape(), shapes)
    before = CALLS.get(name.removesuffix(BACKWARD))
    if before is not None:
        upstream, *operands = arguments
        if not operands:  # only its shape matters
            return _back(before([AT], settings), upstream, _zeros(shape()))
        return _back_at(before, operands, settings, position, upstream, shape(), shapes[1:])
    before = CALLS.get(name.removesuffix(WEIGHT))
    if before is not None:
        large, small = arguments
        return _back(before([large, AT], options), small, _zeros(shape()))
    if name == SOME:
        return _back(f"{AT}{taken(dict(options)['at'])}", arguments[0], _zeros(shape()))
    return None


def _back_at(
    forward: Callable[[Sequence[str], Options], str],
    operands: Sequence[str],
    options: Options,
    position: int,
    upstream: str,
    shape: Shape,
    shapes: Sequence[Shape],
) -> str:
    """Write the gradient at one operand, in the shape that it has after broadcasting."""
    at = operands[position]
    if shapes[position] != shape:
        at = f"torch.broadcast_to({at}, {shape!r})"
    others = [AT if place == position else text for place, text in enumerate(operands)]
    return _back(forward(others, options), upstream, at)


def _einsum(equation: str, arguments: Sequence[str]) -> str | None:
    given, made = equation.split("->")
    if not set(made) <= set(given):
        return None  # numbers are repeated, for which it has no letter
    return f"torch.einsum({_listed([repr(equation), *arguments])})"


def _back(forward: str, upstream: str, at: str) -> str:
    return f"{BACK}(lambda {AT}: {forward}, {upstream}, {at})"


def _zeros(shape: Shape) -> str:
    return f"torch.zeros({shape!r})"


def _listed(arguments: Sequence[str], options: Options = ()) -> str:
    return ", ".join([*arguments, *(f"{key}={value!r}" for key, value in options)])
