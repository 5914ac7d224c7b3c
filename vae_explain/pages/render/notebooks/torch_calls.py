"""Ops that have no formula but their name, as PyTorch calls them, forward and backward.

A backward pass is written as what it is: autograd's own, of the call it belongs to, by the
helper `back` that the notebook brings along. Its `v` is the tensor the gradient is taken at.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from ....ops import RULES, rule_shown_as
from ....symbolic.shapes import FULL

Options = Sequence[tuple[str, Any]]
Shape = tuple[int, ...]


Writer = Callable[[Sequence[str], Options], str]


def _pattern(pattern: str) -> Writer:
    """Write a call by a pattern for `format`.

    It has the operands as `{0}`, `{1}`, …, an option by its name, all options behind what stands
    before them as `{options}`, those but the axis as `{others}`, and as `{all}` what stands
    between the parentheses of a plain call.
    """

    def written(arguments: Sequence[str], options: Options) -> str:
        others = [(key, value) for key, value in options if key != "dim"]
        return pattern.format(
            *arguments,
            all=_listed(arguments, options),
            options=_listed([""], options) if options else "",
            others=_listed([""], others) if others else "",
            **dict(options),
        )

    return written


def _call(name: str, *further: str) -> Writer:
    """Write a call whose operands behind the first are given by these names."""

    def written(arguments: Sequence[str], options: Options) -> str:
        first, *rest = arguments
        given = [f"{key}={text}" for key, text in zip(further, rest, strict=False)]
        return f"{name}({_listed([first, *given], options)})"

    return written


def _joined(name: str) -> Writer:
    def written(arguments: Sequence[str], options: Options) -> str:
        return f"{name}({_listed([f'({_listed(arguments)},)'], options)})"

    return written


def _of_each(name: str) -> Writer:
    return lambda arguments, options: (
        f"{name}({_listed(arguments, [*options, ('reduction', 'none')])})"
    )


def _along(name: str) -> Writer:
    """Write a call along an axis, which has several outputs; without one it has one."""
    several = _pattern(f"{name}({{all}}).values")
    return lambda arguments, options: (
        several(arguments, options) if options else f"{name}({_listed(arguments)})"
    )


def _in_bags(arguments: Sequence[str], options: Options) -> str:
    """Write rows of a table that are brought together bag by bag."""
    places, table, *weights = arguments
    given = [f"({places}).long()", table, *(f"per_sample_weights={text}" for text in weights)]
    kept = [(key, value) for key, value in options if key != "offsets"]
    starts = dict(options).get("offsets")
    if starts is not None:
        given.append(f"offsets=torch.tensor({list(starts)!r})")
    return f"F.embedding_bag({_listed(given, kept)})"


def _classified(name: str) -> Writer:
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


def _put(arguments: Sequence[str], options: Options) -> str:
    """Write numbers, or zero, into a part of a tensor, which stays as it was."""
    body, *new = arguments
    part = taken(dict(options)["at"])
    # What is turned round has no place that could be written to.
    return f"{PUT}({body}, place{part}, {new[0] if new else '0.0'})" if part[0] == "[" else ""


def _summed(arguments: Sequence[str], options: Options) -> str:
    """Write what arrives at a part of a tensor, summed where one number was written to many."""
    (body,) = arguments
    settings = dict(options)
    return f"({body}){taken(settings['at'])}.sum_to_size({settings['shape']!r})"


# What is written otherwise than as an op's own call with its operands, then its options by name.
PATTERNS = {
    # A mean or a variance over some axes, which stay as axes of length 1.
    "mean": "({0}).mean({dim!r}, keepdim=True)",
    "var": "({0}).var({dim!r}, correction=0, keepdim=True)",
    "direction": "torch.where({1} == 0, 0.0, ({0}) / {1})",
    "quotient": "torch.where({1} == 0, 0.0, ({0}) / {1})",
    # Which numbers are the largest along an axis, each of several that are.
    "is_largest": "(({0}) == ({0}).amax({dim!r}, keepdim=True)) * 1.0",
    "is_number": "torch.where(({0}).isnan(), 0.0, 1.0)",
    "without_nan": "torch.where(({0}).isnan(), 0.0, {0})",
    "cumsum_from_behind": "({0}).flip({dim}).cumsum({dim}).flip({dim})",
    **dict.fromkeys(
        ("sort", "topk", "kthvalue", "mode", "cummax", "cummin"), "torch.{op}({all}).values"
    ),
    "logabsdet": "torch.linalg.slogdet({all}).logabsdet",
    "sign_of_det": "torch.linalg.slogdet({all}).sign",
    "where": "torch.where(({0}) != 0, {1}, {2})",
    "embedding": "F.embedding(({0}).long(), {1}{options})",
    # Places along an axis are the second operand.
    **dict.fromkeys(("index_select", "gather"), "torch.{op}({0}, {dim!r}, ({1}).long())"),
    **dict.fromkeys(("scatter", "scatter_add"), "torch.{op}({0}, {dim!r}, ({1}).long(), {2})"),
    "scatter_reduce": "torch.scatter_reduce({0}, {dim!r}, ({1}).long(), {2}{others})",
    "take": "torch.take({0}, ({1}).long())",
    # As numbers to compute with.
    "one_hot": "F.one_hot(({0}).long(), {classes}).to(torch.get_default_dtype())",
}
CALLS: dict[str, Writer] = {
    **{name: _pattern(pattern.replace("{op}", name)) for name, pattern in PATTERNS.items()},
    FULL: _full,
    **{
        name: _call(f"F.{name}", "weight", "bias")
        for name in (
            "conv1d", "conv2d", "conv3d",
            "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
            "group_norm",
        )
    },
    **{name: _along(f"torch.{name}") for name in ("max", "min", "median")},
    "embedding_bag": _in_bags,
    "cross_entropy": _classified("F.cross_entropy"),
    "nll_loss": _classified("F.nll_loss"),
    "put": _put,
    "put_zero": _put,
    "sum_to": _summed,
    **{
        name: _joined(f"torch.{name}")
        for name in ("cat", "stack", "hstack", "vstack", "dstack", "column_stack")
    },
}  # fmt: skip
# Ops whose operands may be one number each, though they don't go element by element alone.
TAKING_NUMBERS = ("where", "prelu")
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


def torch_name(op: str) -> str | None:
    """Return what a notebook calls an op, `F.conv2d`; None for what is no op."""
    rule = rule_shown_as(op)
    return rule.pytorch.replace("torch.nn.functional.", "F.") if rule else None


def _forward(name: str) -> Writer | None:
    """Return how the call of an op is written; None for what is no op."""
    called = torch_name(name)
    if name in CALLS or called is None:
        return CALLS.get(name)
    return _of_each(called) if _is_loss(name) else _pattern(f"{called}({{all}})")


def _is_loss(name: str) -> bool:
    """Whether a name is that of a loss that sums or averages what it is for each element."""
    rule = rule_shown_as(name)
    return name not in CALLS and rule is not None and rule.kind == "loss"


def helpers_of(name: str, operands: int) -> tuple[str, ...]:
    """Return which helpers the code of an op uses."""
    if name in ("put", "put_zero"):
        return (PUT,)
    plain = name.removesuffix(BACKWARD)
    helpers = (CLASSES,) if CALLS.get(plain) in (CALLS["cross_entropy"], CALLS["nll_loss"]) else ()
    if name.endswith("'") and name not in SLOPES and operands == 1:
        return (SLOPE,)
    if name.endswith("'") or name in SLOPES or upstream_of(name) is not None:
        return (BACK, *helpers)
    return helpers


def takes_numbers(name: str) -> bool:
    """Whether a single number may stand for any operand of an op, or of its slope `name'`."""
    op = name.removesuffix("'")
    return op in RULES and (RULES[op].formula_broadcasts or _is_loss(op) or op in TAKING_NUMBERS)


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
        chosen = _forward(SLOPES[name])
        return _back(chosen([AT], options), "1", arguments[0]) if chosen else None
    numbers = takes_numbers(name)
    if numbers and plain != name and len(arguments) == 1:
        return f"{SLOPE}({_listed([str(torch_name(plain)), *arguments], options)})"
    forward = _forward(name)
    if forward is not None:
        return forward(arguments, options) or None

    # The operand that the gradient is taken at, and what is left of the options beside it.
    position = dict(options).get("by", 1) - 1
    settings = [each for each in options if each[0] != "by"]
    if numbers and (before := _forward(plain)):
        return _back_at(before, arguments, settings, position, "1", shape(), shapes)
    before = _forward(name.removesuffix(BACKWARD))
    if before is not None:
        upstream, *operands = arguments
        if not operands:  # only its shape matters
            return _back(before([AT], settings), upstream, _zeros(shape()))
        return _back_at(before, operands, settings, position, upstream, shape(), shapes[1:])
    before = _forward(name.removesuffix(WEIGHT))
    if before is not None:
        large, small = arguments
        return _back(before([large, AT], options), small, _zeros(shape()))
    if name == SOME:
        return _back(f"{AT}{taken(dict(options)['at'])}", arguments[0], _zeros(shape()))
    return None


def _back_at(
    forward: Writer,
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
    operands, made = equation.split("->")
    if not set(made) <= set(operands):
        return None  # numbers are repeated, for which it has no letter
    return f"torch.einsum({_listed([repr(equation), *arguments])})"


def _back(forward: str, upstream: str, at: str) -> str:
    return f"{BACK}(lambda {AT}: {forward}, {upstream}, {at})"


def _zeros(shape: Shape) -> str:
    return f"torch.zeros({shape!r})"


def _listed(arguments: Sequence[str], options: Options = ()) -> str:
    return ", ".join([*arguments, *(f"{key}={value!r}" for key, value in options)])
