"""Gradients from autograd, as `torch.autograd.grad` takes them, which touches no `.grad`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
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
        # What `grad` ends in. Looking at each source in Python, as it does first, takes a sixth
        # of the time of a small network's backward pass, and the engine looks again.
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
    """Return which of some tensors have a hook that hands on another gradient than it gets.

    A hook may only look on, as one that keeps norms for a log. Whether it does is seen from
    one more backward pass, with a look at what goes into the hooks of each tensor and at what
    comes out of them.

    Returns
    -------
    frozenset of int
        Their places among the tensors.
    """
    of_tensors = {
        id(tensor): tensor for tensor in tensors if tensor._backward_hooks and tensor.requires_grad
    }
    if not of_tensors:
        return frozenset()
    seen: dict[int, list[Tensor]] = {key: [] for key in of_tensors}
    kept = {key: dict(tensor._backward_hooks or {}) for key, tensor in of_tensors.items()}
    try:
        for key, tensor in of_tensors.items():
            hooks = tensor._backward_hooks
            assert hooks is not None, "looked at above"
            look = _looking(seen[key])
            hooks.clear()  # autograd knows this very dict, and calls in its order
            hooks.update({-1: look, **kept[key], -2: look})  # keys that no handle has
        leaves = [tensor for tensor in tensors if tensor.is_leaf and tensor.requires_grad]
        with gradients_on():
            differentiated(output, list({id(leaf): leaf for leaf in leaves}.values()))
    finally:
        for key, tensor in of_tensors.items():
            hooks = tensor._backward_hooks
            assert hooks is not None, "looked at above"
            hooks.clear()
            hooks.update(kept[key])
    changed = {
        key
        for key, gradients in seen.items()
        if any(not torch.equal(one, other) for one, other in pairwise(gradients))
    }
    return frozenset(i for i, tensor in enumerate(tensors) if id(tensor) in changed)


def _looking(seen: list[Tensor]) -> Callable[[Tensor], Tensor | None]:
    """Return a hook that keeps a copy of each gradient that it sees, and changes none."""

    def look(gradient: Tensor) -> None:
        seen.append(gradient.detach().clone())

    return look


def gradients_on() -> AbstractContextManager[object]:
    """Return a context with gradients, whatever is switched off around it."""
    if torch.is_grad_enabled() and not torch.is_inference_mode_enabled():
        return nullcontext()
    return _switched_on()


@contextmanager
def _switched_on() -> Iterator[None]:
    with torch.inference_mode(False), torch.enable_grad():
        yield
