"""Under which other conditions a model is run, for what a run alone does not show."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import signature

import numpy as np
import torch
from torch import nn

from .kept_state import unchanged
from .prepared_model import PreparedModel


def doubled(model: PreparedModel) -> PreparedModel:
    """Return the same with every row of the input twice, one batch behind the other."""
    noise = tuple(torch.cat([draw, draw]) for draw in model.noise)
    typed = None if model.typed is None else torch.cat([model.typed, model.typed])
    most = None if model.most_numbers is None else 2 * model.most_numbers
    x = torch.cat([model.x, model.x])
    return dataclasses.replace(model, x=x, typed=typed, noise=noise, most_numbers=most)


def with_own_noise(model: PreparedModel) -> PreparedModel:
    """Return the same with all noise drawn, and none given."""
    return dataclasses.replace(model, noise=())


def with_other_arguments(model: PreparedModel) -> Iterator[tuple[str, float, float, PreparedModel]]:
    """Yield each number that the loss is given by name, another one, and the same with that."""
    given = getattr(model.objective, "arguments", {})
    for name, value in given.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            other = 2 * value + 1
            objective = dataclasses.replace(
                model.objective,  # type: ignore[type-var]  # a loss with arguments
                arguments={**given, name: other},
            )
            yield name, value, other, dataclasses.replace(model, objective=objective)


@contextmanager
def in_other_mode(model: nn.Module) -> Iterator[bool]:
    """Switch a model from training to evaluation, or back, until the end of the block.

    Yields
    ------
    bool
        Whether it can be: all of its modules are in one mode.
    """
    modules = list(model.modules())
    before = model.training
    of_one_mode = all(module.training == before for module in modules)
    if of_one_mode and "mode" in signature(model.train).parameters:
        model.train(not before)
    elif of_one_mode:  # its `train` is another, as one that takes data
        for module in modules:
            module.training = not before
    try:
        yield of_one_mode
    finally:
        if of_one_mode:
            for module in modules:
                module.training = before


@contextmanager
def other_draws() -> Iterator[None]:
    """Start PyTorch's generator, NumPy's and Python's elsewhere, until the end of the block."""
    with torch.random.fork_rng(devices=[]), unchanged([]):
        seed = int(torch.randint(2**31, ()))  # depends on where the generator was
        torch.manual_seed(seed)
        np.random.seed(seed)
        random.seed(seed)
        yield
