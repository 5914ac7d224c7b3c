"""Draws of random numbers in a run, and putting given noise in their place."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

NOISE = {
    "randn", "randn_like", "normal", "normal_", "rand", "rand_like", "uniform_", "bernoulli",
    "bernoulli_", "exponential_",
}  # fmt: skip
# Of those, the draws from the standard normal, which given noise may stand in for.
STANDARD_NORMAL = {"randn", "randn_like", "normal", "normal_"}
# Calls that draw a mask and multiply by it, and are recorded as these two.
DROPOUTS = {"dropout", "dropout1d", "dropout2d", "dropout3d", "feature_dropout"}
MASK = "dropout_mask"


class NoiseMismatch(ValueError):
    """The noise that was given does not have the shape that the model draws."""

    def __init__(self, given: tuple[int, ...], drawn: tuple[int, ...]) -> None:
        super().__init__(f"noise of shape {list(given)} given, {list(drawn)} drawn")
        self.given, self.drawn = given, drawn

    @property
    def count_words(self) -> str:
        """What is wrong, for a person who gave numbers one by one."""
        return f"{math.prod(self.given)} given, but the model draws {math.prod(self.drawn)}"


def replace(drawn: Tensor, given: Tensor) -> None:
    """Write given numbers, in order, over what was drawn.

    Raises
    ------
    NoiseMismatch
        If they are more or fewer.
    """
    if given.numel() != drawn.numel():
        raise NoiseMismatch(tuple(given.shape), tuple(drawn.shape))
    with torch.no_grad():
        drawn.copy_(given.reshape(drawn.shape))


def is_standard_normal(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Whether a draw has mean 0 and deviation 1, as numbers or throughout as tensors."""
    if name not in STANDARD_NORMAL:
        return False
    if name.startswith("randn"):
        return True
    given = dict(zip(("mean", "std"), args[1:] if name == "normal_" else args, strict=False))
    mean, std = ({**given, **kwargs}.get(key, value) for key, value in (("mean", 0), ("std", 1)))
    return bool(torch.as_tensor(mean == 0).all() and torch.as_tensor(std == 1).all())


def redropped(
    func: Any,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    ones: Tensor,
    masks: list[Tensor],
) -> tuple[Tensor, Tensor] | None:
    """Do a dropout again with the next of some masks, which it takes from the list.

    Returns
    -------
    tuple or None
        What comes out, and the mask; None for a dropout that does nothing, as when a model
        is not training.
    """
    named = {**dict(zip(("input", "p", "training", "inplace"), args, strict=False)), **kwargs}
    x = named.pop("input")
    in_place = named.pop("inplace", False)
    state = torch.get_rng_state()
    active = func(ones, **named) is not ones
    torch.set_rng_state(state)
    if not active:
        return None
    mask = masks.pop(0).to(x.dtype).reshape(x.shape)
    return (x.mul_(mask) if in_place else x * mask), mask
