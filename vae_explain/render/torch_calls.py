"""Ops that have no formula but their name, as PyTorch calls them, forward and backward.

A backward pass is written as what it is: autograd's own, of the call it belongs to, by the
helper `back` that the notebook brings along. Its `v` is the tensor the gradient is taken at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

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


CALLS: dict[str, Callable[[Sequence[str], Options], str]] = {
    "conv1d": _call("F.conv1d", "weight", "bias"),
    "conv2d": _call("F.conv2d", "weight", "bias"),
    "conv_transpose1d": _call("F.conv_transpose1d", "weight", "bias"),
    "conv_transpose2d": _call("F.conv_transpose2d", "weight", "bias"),
    "max_pool1d": _call("F.max_pool1d"),
    "max_pool2d": _call("F.max_pool2d"),
    "avg_pool1d": _call("F.avg_pool1d"),
    "avg_pool2d": _call("F.avg_pool2d"),
    "adaptive_avg_pool1d": _call("F.adaptive_avg_pool1d"),
    "adaptive_avg_pool2d": _call("F.adaptive_avg_pool2d"),
    "group_norm": _call("F.group_norm", "weight", "bias"),
    "interpolate": _call("F.interpolate"),
    "pad": _call("F.pad"),
    "mean": _average("mean({!r}, keepdim=True)"),
    "var": _average("var({!r}, correction=0, keepdim=True)"),
    "softmax": _call("torch.softmax"),
    "cat": _joined("torch.cat"),
    "stack": _joined("torch.stack"),
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
    "clamp": "torch.clamp",
}
BACKWARD, WEIGHT, SOME = "_backward", "_weight", "zeros_but"
AT = "v"


def upstream_of(name: str) -> int | None:
    """Return which operand of a backward pass is the gradient that arrives.

    That one may be a single number, which stands for a whole tensor; no other may.
    """
    if name.endswith(BACKWARD) or name == SOME:
        return 0
    return 1 if name.endswith(WEIGHT) else None


def call(
    name: str, arguments: Sequence[str], options: Options, shape: Callable[[], Shape]
) -> str | None:
    """Return an op's call; None when there is none here.

    Parameters
    ----------
    arguments
        The operands, as code.
    shape
        Tells that of what the op makes, for a gradient that of the tensor itself.
    """
    if not all(key.isidentifier() for key, _ in options):
        return None
    if name in CALLS:
        return CALLS[name](arguments, options)
    plain = name.removesuffix("'")
    if plain in PIECEWISE and len(arguments) == 1:
        given = [PIECEWISE[plain], *arguments] if plain != name else arguments
        return f"{'slope' if plain != name else PIECEWISE[plain]}({_listed(given, options)})"
    if name.endswith(BACKWARD) and name.removesuffix(BACKWARD) in CALLS:
        upstream, *operands = arguments
        forward = CALLS[name.removesuffix(BACKWARD)]([AT, *operands[1:]], options)
        # Where only its shape matters, the tensor itself is not among the operands.
        return _back(forward, upstream, operands[0] if operands else _zeros(shape()))
    if name.endswith(WEIGHT) and name.removesuffix(WEIGHT) in CALLS:
        large, small = arguments
        return _back(CALLS[name.removesuffix(WEIGHT)]([large, AT], options), small, _zeros(shape()))
    if name == SOME:
        (upstream,) = arguments
        return _back(f"{AT}{dict(options)['at']}", upstream, _zeros(shape()))
    return None


def _back(forward: str, upstream: str, at: str) -> str:
    return f"back(lambda {AT}: {forward}, {upstream}, {at})"


def _zeros(shape: Shape) -> str:
    return f"torch.zeros({shape!r})"


def _listed(arguments: Sequence[str], options: Options = ()) -> str:
    return ", ".join([*arguments, *(f"{key}={value!r}" for key, value in options)])
