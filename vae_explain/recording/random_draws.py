"""Draws of random numbers in a run, and putting given noise in their place."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from ..errors import UserError
from .lost_kwargs import handed_over

NOISE = {
    "randn", "randn_like", "normal", "normal_", "rand", "rand_like", "uniform_", "bernoulli",
    "bernoulli_", "exponential_",
}  # fmt: skip
# Of those, the draws from the standard normal, which given noise may stand in for.
STANDARD_NORMAL = {"randn", "randn_like", "normal", "normal_"}
# Draws by numbers of the run's own, and of whole numbers, which the record does not keep apart.
OTHER_DRAWS = {
    "_sample_dirichlet", "_standard_gamma", "binomial", "cauchy_", "geometric_", "log_normal_",
    "multinomial", "poisson", "randint", "randint_like", "random_", "randperm",
}  # fmt: skip
# Calls that draw a mask and multiply by it, and are recorded as these two.
DROPOUTS = {"dropout", "dropout1d", "dropout2d", "dropout3d", "feature_dropout"}
MASK = "dropout_mask"


class NoiseMismatch(UserError):
    """The noise that was given does not have the shape that the model draws."""

    option = "--eps"

    def __init__(self, given: tuple[int, ...], drawn: tuple[int, ...]) -> None:
        super().__init__(f"noise of shape {list(given)} given, {list(drawn)} drawn")
        self.given, self.drawn = given, drawn

    @property
    def command_line_words(self) -> str:
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
    # Drawn all the same: what the model draws behind it is to be what it was.
    if func(ones, **named) is ones:
        return None
    mask = masks.pop(0).to(x.dtype).reshape(x.shape)
    return (x.mul_(mask) if in_place else x * mask), mask


@dataclass(frozen=True)
class Precision:
    """What numbers a model computed with before it was made float64.

    Attributes
    ----------
    default
        PyTorch's default then, in which it draws what follows no tensor, as `torch.rand(3)`.
    own
        That of the model, and of what it draws after a tensor, as `torch.randn_like(std)`.
    """

    default: torch.dtype
    own: torch.dtype

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """Let what runs in float64 draw what it drew in this precision."""
        with _DrawnAsBefore(self):
            yield


class _DrawnAsBefore(TorchFunctionMode):
    """Makes each draw in another precision first, for its numbers and for what comes next.

    From one state of the generator a float64 is another number than a float32, and leaves
    another state behind, so that all later draws would be others as well.
    """

    def __init__(self, precision: Precision) -> None:
        super().__init__()
        self._precision = precision

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        name = func.__name__
        kwargs = handed_over(name, kwargs or {}, sys._getframe(1))
        if name not in NOISE and name not in OTHER_DRAWS and name not in DROPOUTS:
            return func(*args, **kwargs)
        generator = kwargs.get("generator") or torch.default_generator
        start = generator.get_state()
        now = torch.get_default_dtype()
        torch.set_default_dtype(self._precision.default)
        try:
            with torch.no_grad():
                before = func(*self._as_before(args), **self._as_before(kwargs))
        finally:
            torch.set_default_dtype(now)
        after = generator.get_state()
        generator.set_state(start)
        result = func(*args, **kwargs)
        generator.set_state(after)
        if name not in DROPOUTS:
            # A gamma's backward pass needs what was drawn, and would miss it but by way of data.
            with torch.no_grad():
                (result.data if result.requires_grad else result).copy_(before)
        return result

    def _as_before(self, value: Any) -> Any:
        """Return arguments in the earlier precision, tensors as copies."""
        if isinstance(value, Tensor):
            copied = value.detach().clone()
            return copied.to(self._precision.own) if value.dtype == torch.float64 else copied
        if value is torch.float64:
            return self._precision.own
        if isinstance(value, list | tuple):
            return type(value)(map(self._as_before, value))
        if isinstance(value, Mapping):
            return {name: self._as_before(each) for name, each in value.items()}
        return value
