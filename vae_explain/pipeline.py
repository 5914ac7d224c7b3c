"""The way of a request through the house, on one page: load, record, choose the arithmetic.

A newcomer starts here. What a command shows is made from the `Run` that this returns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .engine.run import Arithmetic, Run
from .errors import UserError
from .models.argument_matching import CannotBind
from .models.builtin_config import BUILT_IN, Architecture
from .models.builtin_vae import VAE, vae_loss
from .models.loss_binding import Computed, objective_of
from .models.prepared_model import Recorded, Subject
from .models.user_code import (
    CannotRun,
    build,
    load_for,
    refuse_opaque,
    refuse_opaque_function,
)
from .models.weight_files import load_weights, to_torch_file
from .recording.random_draws import NoiseMismatch
from .trace import Array

Objective = Callable[[nn.Module, Tensor], Computed]


@dataclass(frozen=True)
class Request:
    """What to run: the rows of x, the seed, the noise if given, and the arithmetic."""

    x: tuple[tuple[float, ...], ...]
    seed: int = 42
    eps: tuple[float, ...] | None = None
    arithmetic: Arithmetic = "printed"
    architecture: Architecture = BUILT_IN
    weights: Path | None = None
    strip_prefix: str = ""  # from the names in the file of weights


@dataclass(frozen=True)
class OwnRequest:
    """A user's own model to run: where it is, what it takes, and on what input."""

    model: str
    x: Array
    arguments: Mapping[str, Any] = field(default_factory=dict)
    loss: str | None = None
    objective: str | None = None
    loss_arguments: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 42
    eps: tuple[float, ...] | None = None
    arithmetic: Arithmetic = "full"
    weights: Path | None = None
    strip_prefix: str = ""  # from the names in the file of weights


@dataclass(frozen=True)
class HeldRequest:
    """A model at hand to run, as a user of the library has it; each run finds it as it is then.

    Attributes
    ----------
    generator
        The state of PyTorch's generator before the first run, so that all draw the same.
    """

    model: nn.Module
    x: Tensor
    objective: Objective
    generator: Tensor
    seed: int | None = None
    eps: tuple[float, ...] | None = None
    arithmetic: Arithmetic = "full"


AnyRequest = Request | OwnRequest | HeldRequest


def run(request: Request | OwnRequest) -> Run:
    """Build the model, run it as asked and return its numbers.

    Raises
    ------
    NotFinite
        If the loss or a gradient overflows, naming the first value that did.
    CannotLoad, CannotBind, CannotRun, NoiseMismatch, TooCoarse, NeverWritten
        If a user's model or loss cannot be used; each says what to change.
    """
    # Nobody changes the model afterwards, which nobody else has.
    return recorded(request, lasting=False).run


def recorded(request: AnyRequest, lasting: bool = True) -> Recorded:
    """As `run`, with the model, which may be changed afterwards if the run is `lasting`."""
    with prepared(request) as subject, users_errors(request):
        result = subject.recorded(request.arithmetic, lasting)
    result.run.require_finite()
    return result


def run_and_doubled(request: AnyRequest) -> tuple[Run, Run | None]:
    """Run as asked, and once more with every row of the input twice; neither need be finite.

    How the two differ shows what a loss does over the batch. The second is None where the
    model does not take such an input, as one that knows the number of its rows.
    """
    lasting = isinstance(request, HeldRequest)
    with prepared(request) as subject:
        with users_errors(request):
            first = subject.run(lasting=lasting)
        try:
            with users_errors(request):
                return first, subject.doubled().run(lasting=lasting)
        except (CannotBind, CannotRun, NoiseMismatch):
            return first, None


@contextmanager
def prepared(request: AnyRequest) -> Iterator[Subject]:
    """Load and build what a request asks for, and leave the caller's generator alone."""
    loaded = _loaded(request) if isinstance(request, OwnRequest) else None
    with torch.random.fork_rng(devices=[]):
        if isinstance(request, HeldRequest):
            torch.set_rng_state(request.generator)
            model, objective, x = request.model, request.objective, request.x
            label = type(model).__name__
        elif loaded is not None and isinstance(request, OwnRequest):
            torch.manual_seed(request.seed)
            found, objective = loaded
            model = build(found, request.arguments)
            x, label = torch.from_numpy(request.x), type(model).__name__
        else:
            assert isinstance(request, Request), "the only other kind"
            torch.manual_seed(request.seed)
            model, objective = built_in_model(request.architecture), built_in_loss(request)
            x, label = torch.tensor(request.x, dtype=torch.float32), request.architecture.label
        if not isinstance(request, HeldRequest) and request.weights is not None:
            load_weights(model, request.weights, request.strip_prefix)
        noise = () if request.eps is None else (torch.tensor(request.eps),)
        state = torch.get_rng_state()
        yield Subject(model, x, objective, label, request.seed, state, noise)


def weights_of(request: Request | OwnRequest) -> dict[str, Array]:
    """Return a model's state dict as it is before the run, unrounded, its buffers with it."""
    with prepared(request) as subject:
        found = subject.model.state_dict()
    return {name: _as_array(value) for name, value in found.items() if isinstance(value, Tensor)}


def _as_array(tensor: Tensor) -> Array:
    # NumPy has no bfloat16; every number of it is one of float32 too.
    found: Array = (tensor.float() if tensor.dtype is torch.bfloat16 else tensor).cpu().numpy()
    return found


def weight_file(tensors: Mapping[str, Array], suffix: str) -> bytes:
    """Return the bytes of a file of weights of the kind that a suffix names."""
    if suffix.lower() == ".safetensors":
        from .models.weight_files import to_safetensors  # loads a library that no page needs

        return to_safetensors(tensors)
    return to_torch_file(tensors)


def _loaded(request: OwnRequest) -> tuple[Any, Objective]:
    """Return the class or factory that a request names, and what runs model and loss."""
    found = load_for("--model", request.model)
    loss = load_for("--loss", request.loss) if request.loss else None
    objective = load_for("--objective", request.objective) if request.objective else None
    _require_open(loss, objective)
    return found, own_loss(loss, objective, request.loss_arguments)


def _require_open(
    loss: Callable[..., Any] | None, objective: Callable[[nn.Module, Tensor], Any] | None
) -> None:
    """Raise `CannotLoad` for a loss or an objective whose operations cannot be seen."""
    for function, option in ((loss, "--loss"), (objective, "--objective")):
        if function is not None:
            refuse_opaque_function(function, option)


def own_loss(
    loss: Callable[..., Any] | None,
    objective: Callable[[nn.Module, Tensor], Any] | None,
    loss_arguments: Mapping[str, Any] | None = None,
) -> Objective:
    """Return what runs a user's model and loss; see `loss_binding` for how its loss is found."""
    return lambda model, x: objective_of(model, x, loss, objective, loss_arguments)()


@contextmanager
def users_errors(request: AnyRequest) -> Iterator[None]:
    """Turn whatever a user's own code raises into `CannotRun`, which is one line."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # whatever the user's own code raises
        if isinstance(request, Request):
            raise
        raise CannotRun(error) from error


# --- the built-in VAE -------------------------------------------------------------------


def built_in_model(architecture: Architecture) -> VAE:
    """Return the built-in VAE of an architecture, its parameters drawn from the generator."""
    squashed = architecture.recon == "bce"
    return VAE(architecture.dims, architecture.activation, squashed)


def built_in_loss(request: Request) -> Objective:
    """Return what runs the built-in VAE and its loss."""
    architecture = request.architecture
    terms = architecture.recon, architecture.reduction, architecture.beta

    def objective(model: nn.Module, x: Tensor) -> Computed:
        recon_x, mu, logvar = model(x)
        return Computed(vae_loss(recon_x, x, mu, logvar, *terms), None)

    return objective


# --- a user's own -----------------------------------------------------------------------


def held(
    model: nn.Module,
    x: Tensor,
    *,
    loss: Callable[..., Any] | None = None,
    objective: Callable[[nn.Module, Tensor], Any] | None = None,
    loss_arguments: Mapping[str, Any] | None = None,
    seed: int | None = None,
    eps: Sequence[float] | None = None,
    arithmetic: Arithmetic = "full",
) -> HeldRequest:
    """Return a request for a user's model and loss on x.

    Parameters
    ----------
    seed
        Set before the run, so before its noise is drawn; None leaves the generator as it is.
    eps
        Numbers to use in place of the first draw from the standard normal.
    """
    refuse_opaque(model)
    _require_open(loss, objective)
    with torch.random.fork_rng(devices=[]):
        if seed is not None:
            torch.manual_seed(seed)
        state = torch.get_rng_state()
    computed = own_loss(loss, objective, loss_arguments)
    noise = None if eps is None else tuple(eps)
    return HeldRequest(model, x, computed, state, seed, noise, arithmetic)


def run_held(request: HeldRequest) -> Run:
    """Run a user's model; what its own code raises is raised as it is."""
    with prepared(request) as subject:
        result = subject.recorded(request.arithmetic).run
    result.require_finite()
    return result


def built_in_request(
    x: Tensor | Sequence[Any] | None,
    seed: int | None,
    eps: Sequence[float] | None,
    arithmetic: Arithmetic,
) -> Request:
    """Return a request for the built-in VAE from what a library user gives."""
    width = BUILT_IN.input_size
    given = [[float(i + 1) for i in range(width)]] if x is None else as_input(x).tolist()
    rows: list[Any] = given if isinstance(given[0], list) else [given]
    return Request(
        x=tuple(tuple(float(number) for number in row) for row in rows),
        seed=42 if seed is None else seed,
        eps=None if eps is None else tuple(eps),
        arithmetic=arithmetic,
    )


def as_input(x: Tensor | Sequence[Any] | None) -> Tensor:
    """Return an input as a float tensor; a tensor stays as it is."""
    if x is None:
        raise ValueError("x is missing: give the model's input")
    return x if isinstance(x, Tensor) else torch.as_tensor(x, dtype=torch.float32)
