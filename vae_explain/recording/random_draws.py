"""Random draws in a run, and how given noise takes their place."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from ..errors import UserError
from ..quick_classes import dataclass
from .lost_kwargs import with_lost
from .tensor_arrays import replaced_in

NOISE = {
    "randn", "randn_like", "normal", "normal_", "rand", "rand_like", "uniform_", "bernoulli",
    "bernoulli_", "exponential_", "kaiming_uniform_",
}  # fmt: skip
# Of those, the draws from a normal distribution. Where it is the standard normal, given noise
# may take their place.
NORMAL = {"randn", "randn_like", "normal", "normal_"}
# Draws whose parameters are tensors, and of whole numbers: to the record they are no noise.
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


class OtherDraws(UserError):
    """A model that draws other noise when it runs again, so that the same cannot be put in."""

    option = "--model"

    def __init__(self, before: int, now: int) -> None:
        super().__init__(
            f"the model changes its way of sampling from run to run: it draws {now} numbers "
            f"where it drew {before} before, so that two of its runs cannot be compared"
        )


def input_of(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Return the first argument of a call of PyTorch; None if it has none."""
    return args[0] if args else kwargs.get("input")


def moments_of(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return the mean and the standard deviation that a normal draw is asked for."""
    moments = dict(zip(("mean", "std"), args[1:] if name == "normal_" else args, strict=False))
    moments.update(kwargs)
    return moments.get("mean", 0), moments.get("std", 1)


def is_standard_normal(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Whether a draw has mean 0 and deviation 1, as numbers or throughout as tensors."""
    if name not in NORMAL:
        return False
    if name.startswith("randn"):
        return True
    mean, std = moments_of(name, args, kwargs)
    return bool(torch.as_tensor(mean == 0).all() and torch.as_tensor(std == 1).all())


class GivenDraws:
    """Numbers that replace what a model draws, in order, as long as there are any left.

    Parameters
    ----------
    noise
        For draws from the standard normal alone.
    redrawn
        For all draws, dropout masks among them.
    """

    def __init__(self, noise: Sequence[Tensor] = (), redrawn: Sequence[Tensor] = ()) -> None:
        self._noise, self._redrawn = list(noise), list(redrawn)

    def replace(
        self, drawn: Tensor, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> bool:
        """Write the next numbers over what a call has drawn, and return whether there were any.

        Raises
        ------
        NoiseMismatch
            If they are more or fewer.
        OtherDraws
            If the numbers of an earlier run are.
        """
        if self._redrawn:
            draw = self._redrawn.pop(0)
            if draw.numel() != drawn.numel():
                raise OtherDraws(draw.numel(), drawn.numel())
        elif self._noise and is_standard_normal(name, args, kwargs):
            draw = self._noise.pop(0)
        else:
            return False
        if draw.numel() != drawn.numel():
            raise NoiseMismatch(tuple(draw.shape), tuple(drawn.shape))
        with torch.no_grad():
            drawn.copy_(draw.reshape(drawn.shape))
        return True

    def dropout(
        self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[Tensor, Tensor | None]:
        """Do a dropout, with the next mask if there is one.

        Returns
        -------
        tuple
            The output and the mask; None for the mask of a dropout that does nothing, as when
            a model is not training.
        """
        names = ("input", "p", "training", "inplace")
        settings = {**dict(zip(names, args, strict=False)), **kwargs}
        x = settings.pop("input")
        in_place = settings.pop("inplace", False)
        ones = torch.ones_like(x, requires_grad=False)
        if self._redrawn:
            # It draws all the same, so that later draws are what they were.
            if func(ones, **settings) is ones:
                return x, None
            draw = self._redrawn.pop(0)
            if draw.numel() != x.numel():
                raise OtherDraws(draw.numel(), x.numel())
            mask = draw.to(x.dtype).reshape(x.shape)
            return (x.mul_(mask) if in_place else x * mask), mask
        version, before = x._version, torch.get_rng_state()
        result = func(*args, **kwargs)
        if result is x and x._version == version:
            return result, None
        # The mask is what the same call, from the same state of the generator, makes of ones.
        after = torch.get_rng_state()
        torch.set_rng_state(before)
        with torch.no_grad():
            mask = func(ones, **settings)
        torch.set_rng_state(after)
        return result, mask


@dataclass(frozen=True)
class ModelDtypes:
    """The dtypes of a model before it was made float64.

    Attributes
    ----------
    default
        PyTorch's default then, that of a draw such as `torch.rand(3)`.
    own
        That of the model, and of its draws such as `torch.randn_like(std)`.
    """

    default: torch.dtype
    own: torch.dtype

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """Let a model in float64 draw the numbers that it drew in these dtypes."""
        with _DrawnAsBefore(self):
            yield


class _DrawnAsBefore(TorchFunctionMode):
    """Makes each draw in the earlier dtype, then copies its numbers and the generator's state.

    From one state of the generator a float64 is another number than a float32, and leaves
    another state behind, so that all later draws would be others as well.
    """

    def __init__(self, precision: ModelDtypes) -> None:
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
        kwargs = with_lost(name, kwargs or {}, sys._getframe(1))
        if name not in NOISE and name not in OTHER_DRAWS and name not in DROPOUTS:
            return func(*args, **kwargs)
        generator = kwargs.get("generator") or torch.default_generator
        start = generator.get_state()
        now = torch.get_default_dtype()
        torch.set_default_dtype(self._precision.default)
        try:
            with torch.no_grad():
                arguments, keywords = replaced_in((args, kwargs), self._as_before)
                before = func(*arguments, **keywords)
        finally:
            torch.set_default_dtype(now)
        after = generator.get_state()
        generator.set_state(start)
        result = func(*args, **kwargs)
        generator.set_state(after)
        if name not in DROPOUTS:
            # By way of data, since a gamma's backward pass needs the version that was drawn.
            with torch.no_grad():
                (result.data if result.requires_grad else result).copy_(before)
        return result

    def _as_before(self, value: Any) -> Any:
        """Return an argument in the earlier dtype, a tensor as a copy."""
        if isinstance(value, Tensor):
            copied = value.detach().clone()
            return copied.to(self._precision.own) if value.dtype == torch.float64 else copied
        return self._precision.own if value is torch.float64 else value
