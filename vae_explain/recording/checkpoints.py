"""Reentrant checkpoints, `torch.utils.checkpoint` with `use_reentrant=True`, run as they are.

Such a part of a model runs without gradients, and again with them in the backward pass, which
saves memory. It refuses to be differentiated at a value, as pages need it. What it computes and
what its gradients are does not depend on when it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import CheckpointFunction


@contextmanager
def unfolded() -> Iterator[None]:
    """Run the inside of each reentrant checkpoint once, with its gradients.

    One without an input that has gradients passes none on, to its parameters neither: PyTorch
    warns of it, and it stays as it is.
    """
    as_it_is: Callable[..., Any] = CheckpointFunction.apply

    def apply(function: Callable[..., Any], preserve: bool, *inputs: Any) -> Any:
        has_gradients = any(isinstance(each, Tensor) and each.requires_grad for each in inputs)
        if has_gradients and torch.is_grad_enabled():
            return function(*inputs)
        return as_it_is(function, preserve, *inputs)

    CheckpointFunction.apply = apply  # type: ignore[method-assign]  # inherited, so ours alone
    try:
        yield
    finally:
        del CheckpointFunction.apply
