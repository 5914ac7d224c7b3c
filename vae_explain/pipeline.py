"""The way of a request through the house, on one page: load, record, choose the arithmetic.

A newcomer starts here. What a command shows is made from the `Run` that this returns.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from .architecture import BUILT_IN, Architecture
from .binding import CannotBind, objective_of
from .loading import CannotLoad, CannotRun, build, load_for, load_weights
from .model import VAE, vae_loss
from .noise import NoiseMismatch
from .recorder import record
from .run import Arithmetic, NotFinite, Run, as_printed, full_run, printed_run
from .trace import Array, Trace

Model = TypeVar("Model", bound=nn.Module)


@dataclass(frozen=True)
class Request:
    """What to run: the rows of x, the seed, the noise if given, and the arithmetic."""

    x: tuple[tuple[float, ...], ...]
    seed: int = 42
    eps: tuple[float, ...] | None = None
    arithmetic: Arithmetic = "printed"
    architecture: Architecture = BUILT_IN
    weights: Path | None = None


@dataclass(frozen=True)
class OwnRequest:
    """A user's own model to run: where it is, what it takes, and on what input."""

    model: str
    x: Array
    arguments: Mapping[str, Any] = field(default_factory=dict)
    loss: str | None = None
    objective: str | None = None
    seed: int = 42
    eps: tuple[float, ...] | None = None
    arithmetic: Arithmetic = "full"
    weights: Path | None = None


@dataclass(frozen=True)
class Recorded:
    """A run together with the model that made it.

    Attributes
    ----------
    model
        The model as it ran: in the arithmetic `printed`, one in float64 whose parameters
        are rounded.
    again
        Runs the model once more as it is now, on the same input with the same noise. What
        overflows then is returned as it is.
    """

    run: Run
    model: nn.Module
    again: Callable[[], Run]


def run_own(request: OwnRequest) -> Run:
    """Load a user's model, set the seed, build it, and run it as asked.

    Raises
    ------
    CannotLoad, CannotBind, NotFinite
        Each says in its message what to change.
    """
    # Nobody changes the model afterwards, which nobody else has.
    return recorded_own(request, lasting=False).run


def recorded_own(request: OwnRequest, lasting: bool = True) -> Recorded:
    """As `run_own`, with the model; see `recorded`."""
    found = load_for("--model", request.model)
    loss = load_for("--loss", request.loss) if request.loss else None
    objective = load_for("--objective", request.objective) if request.objective else None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(request.seed)
        model = build(found, request.arguments)
        if request.weights is not None:
            load_weights(model, request.weights)
        try:
            return _recorded(
                model,
                torch.from_numpy(request.x),
                partial(record_model, loss=loss, objective=objective),
                seed=request.seed,
                label=type(model).__name__,
                eps=request.eps,
                arithmetic=request.arithmetic,
                lasting=lasting,
            )
        except (CannotBind, CannotLoad, NoiseMismatch, NotFinite):
            raise
        except Exception as error:  # whatever the user's own code raises
            raise CannotRun(error) from error


def run(request: Request) -> Run:
    """Run the built-in VAE as asked and return its numbers.

    Raises
    ------
    NotFinite
        If the loss or a gradient overflows, naming the first value that did.
    """
    return recorded(request, lasting=False).run


def recorded(request: Request, lasting: bool = True) -> Recorded:
    """As `run`, with the model, which may be changed afterwards if the run is `lasting`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(request.seed)
        model = built_in_model(request.architecture)
        if request.weights is not None:
            load_weights(model, request.weights)
        return _recorded(
            model,
            torch.tensor(request.x, dtype=torch.float32),
            partial(record_vae, architecture=request.architecture),
            seed=request.seed,
            label=request.architecture.label,
            eps=request.eps,
            arithmetic=request.arithmetic,
            lasting=lasting,
        )


def _recorded(
    model: Model,
    x: Tensor,
    recording: Callable[..., Trace],
    *,
    seed: int | None,
    label: str,
    eps: Sequence[float] | None,
    arithmetic: Arithmetic,
    lasting: bool,
) -> Recorded:
    """Run a model in one arithmetic; `recording` runs model, x and noise and records it."""
    noise = [torch.tensor(eps)] if eps is not None else []
    full = arithmetic == "full"
    make = full_run if full else printed_run
    precision = torch.get_default_dtype() if full else torch.float64
    trace = recording(model, x, noise=noise, lasting=lasting and full, gradients=full)
    if not full:
        model, x, drawn = _as_printed(model, x, trace)
        with default_precision(precision):
            trace = recording(model, x, redrawn=drawn, lasting=lasting)
    given = eps is not None

    def again() -> Run:
        drawn = [torch.from_numpy(v.array.copy()) for v in trace.values if v.kind == "noise"]
        with default_precision(precision):
            return make(recording(model, x, redrawn=drawn), seed, label, given)

    result = make(trace, seed, label, given)
    result.require_finite()
    return Recorded(result, model, again)


def draws(request: Request, count: int) -> Iterator[Array]:
    """Yield noise for the built-in VAE, as a loop over its forward pass would draw it.

    The first draw is the noise of `run(request)`. Nothing is drawn from the global
    generator. In the arithmetic `printed` each draw is rounded as a page prints it.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(request.seed)
        built_in_model(request.architecture)  # draws the parameters, which come first
        generator = torch.Generator()
        generator.set_state(torch.get_rng_state())
    shape = len(request.x), request.architecture.latent_size
    for _ in range(count):
        drawn = torch.randn(shape, generator=generator).numpy()
        yield as_printed(drawn) if request.arithmetic == "printed" else drawn.astype(float)


def run_model(
    model: nn.Module,
    x: Tensor,
    *,
    loss: Callable[..., Any] | None = None,
    objective: Callable[[nn.Module, Tensor], Any] | None = None,
    seed: int | None = None,
    eps: Sequence[float] | None = None,
    arithmetic: Arithmetic = "full",
    lasting: bool = True,
) -> Run:
    """Run a user's model and loss on x and return the numbers.

    Parameters
    ----------
    seed
        Set before the run, so before its noise is drawn; None leaves the generator as it is.
    eps
        Numbers to use in place of the first draw from the standard normal.
    lasting
        Whether the model may be changed while the numbers are still wanted.
    """
    with torch.random.fork_rng(devices=[]):
        if seed is not None:
            torch.manual_seed(seed)
        return _recorded(
            model,
            x,
            partial(record_model, loss=loss, objective=objective),
            seed=seed,
            label=type(model).__name__,
            eps=eps,
            arithmetic=arithmetic,
            lasting=lasting,
        ).run


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


def record_model(
    model: nn.Module,
    x: Tensor,
    loss: Callable[..., Any] | None = None,
    objective: Callable[[nn.Module, Tensor], Any] | None = None,
    noise: Sequence[Tensor] = (),
    redrawn: Sequence[Tensor] = (),
    lasting: bool = True,
    gradients: bool = True,
) -> Trace:
    """Record one run of a user's model; see `binding` for how its loss is found."""
    return record(
        objective_of(model, x, loss, objective),
        modules={"": model},
        inputs={"x": x},
        noise=noise,
        redrawn=redrawn,
        lasting=lasting,
        gradients=gradients,
    )


def built_in_model(architecture: Architecture) -> VAE:
    """Return the built-in VAE of an architecture, its parameters drawn from the generator."""
    squashed = architecture.recon == "bce"
    return VAE(architecture.dims, architecture.activation, squashed)


def record_vae(
    model: VAE,
    x: Tensor,
    noise: Sequence[Tensor] = (),
    architecture: Architecture = BUILT_IN,
    redrawn: Sequence[Tensor] = (),
    lasting: bool = True,
    gradients: bool = True,
) -> Trace:
    """Record one run of the built-in VAE; `noise` stands in for what it would draw."""

    def objective() -> Tensor:
        recon_x, mu, logvar = model(x)
        return vae_loss(
            recon_x, x, mu, logvar, architecture.recon, architecture.reduction, architecture.beta
        )

    return record(
        objective,
        modules={"": model},
        inputs={"x": x},
        noise=noise,
        redrawn=redrawn,
        lasting=lasting,
        gradients=gradients,
    )


def _as_printed(model: Model, x: Tensor, trace: Trace) -> tuple[Model, Tensor, list[Tensor]]:
    """Return model, input and noise in float64, parameters and noise rounded as printed."""
    rounded = copy.deepcopy(model).double()
    round_parameters(rounded)
    drawn = [
        torch.from_numpy(as_printed(value.array)) for value in trace.values if value.kind == "noise"
    ]
    return rounded, x.detach().to(torch.float64, copy=True), drawn


@contextmanager
def default_precision(dtype: torch.dtype) -> Iterator[None]:
    """Let what a model makes of nothing, as `torch.zeros(3)`, be of this precision for once."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def round_parameters(model: nn.Module) -> None:
    """Round a model's parameters in place to the decimals that a page prints."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.from_numpy(as_printed(parameter.numpy())))
