"""What a tensor was computed from, read off PyTorch's own graph before any backward pass."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from torch import Tensor

# What may stand between a sum and what it adds up, by the name of its node.
LINEAR = {
    "Add", "Alias", "Cat", "Clone", "Div", "Expand", "Mean", "Mul", "Neg", "Permute", "Repeat",
    "Reshape", "ReshapeAlias", "Rsub", "Select", "Slice", "Squeeze", "Stack", "Sub", "Sum", "T",
    "ToCopy", "Transpose", "UnsafeView", "Unsqueeze", "View",
}  # fmt: skip
PRODUCTS = {"Mul", "Div"}  # linear in one operand, if the other is a constant
# What makes a scale of any number, and what holds a number back on the way there.
SCALES = {"Elu", "Exp", "Exp2", "Expm1", "Sigmoid", "Softplus"}
BOUNDS = {"Clamp", "ClampMax", "ClampMin", "Hardtanh", "Tanh"}
POSITIVE = {"Exp", "Exp2", "Softplus", "Sqrt"}  # what nobody takes for a logarithm
TURNS_ROUND = {"Neg", "Rsub", "Sub"}
# What is made of a prediction and its target: an error, or the logarithm of a likelihood.
ERRORS = {
    "Abs", "BinaryCrossEntropy", "BinaryCrossEntropyWithLogits", "HuberLoss", "L1Loss", "MseLoss",
    "NllLoss", "Pow", "SmoothL1Loss",
}  # fmt: skip
LIKELIHOODS = {"Log", "LogSigmoid", "LogSoftmax"}
# What takes a bound after its first operand, and what takes a number beside a term.
TAKES_BOUNDS = {"Clamp", "ClampMax", "ClampMin"}
COMBINES = {"Add", "Div", "Maximum", "Minimum", "Mul", "Sub", "Where"}


def summands_of(tensor: Tensor) -> tuple[set[Any], set[Any]]:
    """Return the nodes that a tensor is a weighted sum of, and all on the way to them."""
    passed = set(_walk(tensor.grad_fn, lambda node: _operands(node) if _is_sum(node) else []))
    return {node for node in passed if not _is_sum(node)}, passed


def adds_up_all(tensor: Tensor, others: Sequence[Tensor]) -> bool:
    """Whether a sum has every parameter of the others behind it, and a summand has fewer.

    As the loss of a VAE does: its KL has none of the decoder's, which its error has.
    """
    behind = parameters_behind(tensor)
    has_all = all(parameters_behind(other) <= behind for other in others)
    return has_all and any(_leaves_of(node) < behind for node in summands_of(tensor)[0])


def parameters_behind(tensor: Tensor) -> set[int]:
    """Return by `id` the leaves that a tensor's graph ends in."""
    if tensor.grad_fn is None:
        return {id(tensor)} if tensor.requires_grad else set()
    return _leaves_of(tensor.grad_fn)


def _leaves_of(node: Any) -> set[int]:
    return {id(each.variable) for each in _walk(node, _operands) if hasattr(each, "variable")}


def ancestors_of(tensor: Tensor) -> set[Any]:
    """Return the nodes of all that a tensor was computed from, its own left out."""
    return set(_walk(tensor.grad_fn, _operands)) - {tensor.grad_fn}


def goes_into_a_scale(
    one: Tensor, other: Tensor, ends: Sequence[Tensor], beside: Sequence[Tensor] = ()
) -> bool:
    """Whether a multiple of one tensor, but none of the other, became a scale on the way to ends.

    Of two parts of one node, as `chunk` returns them, nothing is known. What was made on the way
    to the tensors of `beside` does not count.
    """
    first, second = one.grad_fn, other.grad_fn
    if first is None or second is None or first is second:
        return False
    made, known = (
        {node for end in each for node in _walk(end.grad_fn, _operands)} for each in (ends, beside)
    )
    within = {
        passed
        for scale in made - known
        if _kind(scale) in SCALES
        for operand in _operands(scale)
        for passed in _walk(operand, _held_back)
    }
    return first in within and second not in within


def is_a_scale(tensor: Tensor) -> bool:
    """Whether a tensor is what an exponential or the like gave, but for constants and bounds."""
    ends = list(_walk(tensor.grad_fn, _held_back))
    kinds = {_kind(node) for node in ends}
    last = {_kind(node) for node in ends if not _held_back(node)}
    return bool(last & POSITIVE) and last <= POSITIVE and not kinds & TURNS_ROUND


def falls_with_its_error(loss: Tensor) -> bool:
    """Whether each error that a sum adds up has a negative weight, as in an ELBO.

    Those have more parameters behind them than the other terms, the decoder's.
    """
    signs = _signs_of(loss.grad_fn)
    counts = {node: len(_leaves_of(node)) for node in signs}
    most = max(counts.values(), default=0)
    kinds = {node: _kind(node) for node, count in counts.items() if count == most}
    ways = {
        sign if kinds[node] in ERRORS else -sign
        for node, each in signs.items()
        for sign in each
        if node in kinds and kinds[node] in ERRORS | LIKELIHOODS
    }
    return ways == {-1}


def _signs_of(start: Any) -> dict[Any, set[int]]:
    """Return with which signs a sum adds up its terms; 0 for one that is not known."""
    found: dict[Any, set[int]] = {}
    waiting, seen = [(start, 1)], set()
    while waiting:
        node, sign = waiting.pop()
        if node is None or (node, sign) in seen:
            continue
        seen.add((node, sign))
        if not _is_sum(node):
            found.setdefault(node, set()).add(sign)
            continue
        for at, (operand, _) in enumerate(node.next_functions):
            waiting.append((operand, sign * _weight_of(node, at)))
    return found


def _weight_of(node: Any, at: int) -> int:
    """Return the sign with which a node of a sum has one of its operands; 0 where it may be any."""
    kind, constant = _kind(node), getattr(node, "_saved_other", None)
    is_turned = kind in ("Neg", "Rsub") or (kind == "Sub" and at == 1)
    sign = -1 if is_turned else 1
    if kind not in PRODUCTS or not isinstance(constant, Tensor):
        return sign
    return 1 if bool((constant >= 0).all()) else -1 if bool((constant <= 0).all()) else 0


def is_used_as_a_number(
    part: Tensor, loss: Tensor, others: Sequence[Tensor], beside: Sequence[Tensor], of_each: bool
) -> bool:
    """Whether a loss uses a tensor only to weigh or bound a term, as it does a setting.

    Parameters
    ----------
    others
        What else the loss is given; a term is one number that it makes of these.
    beside
        What was made without the loss.
    of_each
        Whether a product with many numbers, one for each of the part's, is meant as well.
    """
    known = {node for end in beside for node in _walk(end.grad_fn, _operands)}
    sources = {other.grad_fn for other in others if other.numel() > 1} - {None}
    users: dict[tuple[Any, int], list[tuple[Any, int]]] = {}
    for user in set(_walk(loss.grad_fn, _operands)) - known:
        for at, of in enumerate(user.next_functions):
            users.setdefault(of, []).append((user, at))
    waiting, is_used = [(part.grad_fn, part.output_nr)], False
    while waiting:
        for user, at in users.get(waiting.pop(), ()):
            beside_it = [of for of in user.next_functions if of[0] is not None]
            beside_it = [of for of in beside_it if of != user.next_functions[at]]
            terms = [of for of in beside_it if sources & set(_walk(of[0], _operands))]
            if _is_scaled(user):
                waiting.append((user, 0))
            elif _takes_a_number(user, at, terms, of_each):
                is_used = True
            else:
                return False
    return is_used


def _is_scaled(node: Any) -> bool:
    """Whether a node is the multiple by one constant, or the difference from one."""
    kind, constant = _kind(node), getattr(node, "_saved_other", None)
    is_single = isinstance(constant, Tensor) and constant.numel() == 1
    is_multiple = kind in PRODUCTS and len(_operands(node)) == 1 and is_single
    return is_multiple or (kind in ("Neg", "Rsub") and len(_operands(node)) == 1)


def _takes_a_number(user: Any, at: int, terms: Sequence[tuple[Any, int]], of_each: bool) -> bool:
    """Whether one of the operands of an operation is a setting for terms beside it."""
    kind = _kind(user)
    if kind == "Pow" or kind in TAKES_BOUNDS:
        return at > 0 and bool(terms)
    is_single = kind in COMBINES and any(_size(*of) == 1 for of in terms)
    return is_single or (of_each and kind in PRODUCTS and bool(terms))


def _size(node: Any, output: int) -> int:
    """Return how many numbers a tensor has that a node gave."""
    return math.prod(node._input_metadata[output].shape)


def _held_back(node: Any) -> list[Any]:
    return _operands(node) if _is_sum(node) or _kind(node) in BOUNDS else []


def _kind(node: Any) -> str:
    kind: str = node.name().partition("Backward")[0]
    return kind


def _is_sum(node: Any) -> bool:
    name = _kind(node)
    return name in LINEAR and (name not in PRODUCTS or len(_operands(node)) == 1)


def _operands(node: Any) -> list[Any]:
    return [each for each, _ in node.next_functions if each is not None]


def _walk(start: Any, onward: Callable[[Any], list[Any]]) -> Iterator[Any]:
    waiting, seen = [start], set()
    while waiting:
        node = waiting.pop()
        if node is not None and node not in seen:
            seen.add(node)
            yield node
            waiting += onward(node)
