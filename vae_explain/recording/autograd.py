"""Gradients from autograd, as `torch.autograd.grad` takes them, which touches no `.grad`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge, _engine_run_backward


def differentiated(
    output: Tensor | GradientEdge,
    sources: Sequence[Tensor | GradientEdge],
    upstream: Tensor | None = None,
) -> Sequence[Tensor | None]:
    """Return the gradient of an output at each of some values; None where it has none."""
    if upstream is None and isinstance(output, Tensor) and _is_one_number(output):
        # What `grad` calls. It first checks each source in Python, which takes a sixth of the
        # time of a small network's backward pass, and which the engine does again.
        one = (torch.ones_like(output),)
        return _engine_run_backward(
            (output,), one, True, False, tuple(sources), True, accumulate_grad=False
        )
    return torch.autograd.grad(
        output,
        sources,  # type: ignore[arg-type] # takes both
        grad_outputs=upstream,
        retain_graph=True,
        allow_unused=True,
    )


def _is_one_number(tensor: Tensor) -> bool:
    return tensor.numel() == 1 and tensor.is_floating_point()


def changed_by_hooks(output: Tensor, tensors: Sequence[Tensor]) -> frozenset[int]:
    """Return which of some tensors have a hook that passes on another gradient than it gets.

    A hook may only look on, as one that keeps norms for a log. So one more backward pass compares
    what goes into the hooks of each tensor with what comes out of them.

    Returns
    -------
    frozenset of int
        The positions of these tensors.
    """
    # Autograd knows these very dicts, and calls their hooks in order.
    hooks = {id(t): t._backward_hooks for t in tensors if t._backward_hooks and t.requires_grad}
    if not hooks:
        return frozenset()
    before = {key: dict(own) for key, own in hooks.items()}
    seen: dict[int, list[Tensor]] = {key: [] for key in hooks}

    def keep(key: int, gradient: Tensor) -> None:
        seen[key].append(gradient.detach().clone())

    try:
        for key, own in hooks.items():
            look = partial(keep, key)
            own.clear()
            own.update({-1: look, **before[key], -2: look})  # keys that no handle has
        leaves = {id(t): t for t in tensors if t.is_leaf and t.requires_grad}
        with gradients_on():
            differentiated(output, list(leaves.values()))
    finally:
        for key, own in hooks.items():
            own.clear()
            own.update(before[key])
    changed = {
        key
        for key, gradients in seen.items()
        if any(not torch.equal(one, other) for one, other in pairwise(gradients))
    }
    return frozenset(i for i, tensor in enumerate(tensors) if id(tensor) in changed)


def gradients_on() -> AbstractContextManager[object]:
    """Return a context with gradients, whatever is switched off around it."""
    if torch.is_grad_enabled() and not torch.is_inference_mode_enabled():
        return nullcontext()
    return _switched_on()


@contextmanager
def _switched_on() -> Iterator[None]:
    with torch.inference_mode(False), torch.enable_grad():
        yield
