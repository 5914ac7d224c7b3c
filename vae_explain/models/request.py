"""What is to be run, said once: by the command line, by `explain` and by every analysis.

Nothing in here loads PyTorch or NumPy, so that the command line can check a request first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..quick_classes import dataclass
from .builtin_config import BUILT_IN, Architecture
from .changes import Change

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..engine.run import Arithmetic
    from ..trace import Array

    Model = nn.Module
    Input = Tensor | Array | Sequence[Any] | Mapping[str, Any]
    Loss = Callable[..., Any]
    Objective = Callable[[nn.Module, Tensor], Any]


class Settings(dict[str, Any]):
    """Arguments within an argument, by key as of a dict and by name as of a namespace."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class Written(str):
    """A word as it stands on the command line, which may be code for a part: `q_z`, `x`."""


@dataclass(frozen=True)
class UserModel:
    """A user's own model with its loss.

    Model, loss and objective are each the object itself, or a reference to its code, such as
    `FILE.py:NAME`, which is loaded for each run. An object is used as it is at each run.

    Attributes
    ----------
    model
        A module; or a reference to one, to its class, or to a function that makes it.
    loss
        Takes what the model returned, and x, under its own names. None where the model
        returns its loss or has it as a method.
    objective
        Takes model and x and returns the loss; decides alone when given.
    loss_arguments, model_arguments
        What else the loss, and the class or function, are given by name.
    objective_expr, x_as
        An objective, and what the model is given in the place of x, as expressions of Python:
        `model(x)['loss']`, `{'data': x}`.
    definitions_only
        Whether what a file does at its top level is left out, as of a script that trains.
    root
        A folder to import from, beside the working folder and that of each file.
    loss_sum
        Whether the loss is the sum of the parts that are returned.
    """

    model: str | Model
    loss: str | Loss | None = None
    objective: str | Objective | None = None
    loss_arguments: Mapping[str, Any] = field(default_factory=dict)
    model_arguments: Mapping[str, Any] = field(default_factory=dict)
    loss_sum: bool = False
    root: Path | None = None
    definitions_only: bool = False
    objective_expr: str | None = None
    x_as: str | None = None


@dataclass(frozen=True)
class Request:
    """A run that is asked for.

    Attributes
    ----------
    x
        The input: rows of numbers, or an array or tensor in the shape that the model takes.
    seed
        Set before the model is made and its noise drawn; None leaves the generator as it is.
    eps
        Numbers to use in place of the first draw from the standard normal.
    source
        Which model is run: the built-in VAE of an architecture, or a user's own.
    weights, strip_prefix
        A file of parameters to load, and what to take off the names in it.
    generator
        For a request without a seed: the state of PyTorch's generator to start each run from.
    decimals
        What the arithmetic `printed` rounds parameters and noise to, as a page prints them; 4
        when None.
    changes
        Entries of parameters, x and noise that are set after all that, one by one.
    most_numbers
        How many numbers a run may have, x among them; None for as many as it has.
    """

    x: Input
    seed: int | None = 42
    eps: tuple[float, ...] | None = None
    arithmetic: Arithmetic = "printed"
    source: Architecture | UserModel = BUILT_IN
    weights: Path | None = None
    strip_prefix: str = ""
    generator: Tensor | None = None
    decimals: int | None = None
    changes: tuple[Change, ...] = ()
    most_numbers: int | None = None

    @property
    def architecture(self) -> Architecture | None:
        """That of the built-in VAE; None for a user's own model."""
        return self.source if isinstance(self.source, Architecture) else None

    @property
    def is_shared(self) -> bool:
        """Whether the model is an object of the user's, who may change it after a run."""
        return isinstance(self.source, UserModel) and not isinstance(self.source.model, str)
