"""From a request to a model that is ready to run: load it, build it, seed the generator."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from ..errors import UserError
from ..symbolic.printable import printable
from .binding.loss_binding import Computed, LossOf
from .builtin_config import Architecture
from .builtin_vae import VAE, vae_loss
from .input_tensors import as_it_takes, as_numbers, taken_by
from .kept_state import generators_beside_pytorch, settings_put_back, unchanged
from .loading.user_code import CannotLoad, CannotRun, build, refuse_opaque_function, said
from .loading.user_expressions import ExpressionOfUser
from .loading.user_files import importable, load_for, where_they_went
from .loading.weight_files import load_weights
from .prepared_model import Objective, PreparedModel
from .request import Request, UserModel
from .set_entries import with_entries

if TYPE_CHECKING:
    from .request import Input


@contextmanager
def prepared(request: Request) -> Iterator[PreparedModel]:
    """Load and build what a request asks for, and leave the caller's generator alone.

    Raises
    ------
    CannotLoad
        If the model, its loss or its weights cannot be used; the message says what to change.
    """
    source = request.source
    own = source if isinstance(source, UserModel) else None
    references = (own.model, own.loss, own.objective) if own else ()
    importing = importable(references, own.root if own else None)
    with settings_put_back(), torch.random.fork_rng(devices=[]), importing:
        # Loaded before the seed is set, for a file that is imported may draw or set its own.
        build_model = _builder(source)
        objective = _objective(source)
        with unchanged([]):  # the generators of Python and NumPy
            yield from _made_ready(request, build_model, objective, references)


def _made_ready(
    request: Request,
    build_model: Callable[[], nn.Module],
    objective: Objective,
    references: Sequence[object],
) -> Iterator[PreparedModel]:
    """Build a model from its seed and yield it with its input, while its files can be imported."""
    if request.seed is not None:
        torch.manual_seed(request.seed)
        # Which a user's model may draw from as well; NumPy takes no larger seed.
        random.seed(request.seed)
        np.random.seed(request.seed % 2**32)
    elif request.generator is not None:
        torch.set_rng_state(request.generator)
    start = _generators()
    with where_they_went(references):
        model = build_model()
    made_by_seed = _generators() != start
    if request.weights is not None:
        load_weights(model, request.weights, request.strip_prefix)
        made_by_seed &= _has_tensors_of_its_own(model)
    # As exact as they were typed: a draw takes them in its own precision.
    given = () if request.eps is None else (torch.tensor(request.eps, dtype=torch.float64),)
    generator = torch.get_rng_state()
    x = taken_by(model, request.x)
    label = request.architecture.label if request.architecture else _label(model)
    label += _left_out(request.source)
    typed = as_typed(request.x) if x.dtype == torch.float32 else None
    weights_given = request.weights is not None
    made = label, request.seed, generator, made_by_seed, weights_given
    ready = PreparedModel(model, x, objective, *made, given, typed=typed)
    ready = replace(ready, most_numbers=request.most_numbers)
    if request.decimals is not None:
        ready = replace(ready, decimals=request.decimals)
    with where_they_went(references):
        if not request.architecture:
            ready = as_it_takes(ready, request.x)
        with user_code_errors(request):
            ready = with_entries(ready, request.changes)
        yield ready


def _generators() -> tuple[object, ...]:
    return torch.get_rng_state().numpy(force=True).tobytes(), *generators_beside_pytorch()


def _has_tensors_of_its_own(model: nn.Module) -> bool:
    """Whether a model has tensors that no file of weights has."""
    in_files = model.state_dict().keys()
    buffers = (name for name, _ in model.named_buffers())
    return any(name not in in_files for name in buffers) or any(
        isinstance(value, Tensor) for module in model.modules() for value in vars(module).values()
    )


@contextmanager
def user_code_errors(request: Request) -> Iterator[None]:
    """Turn whatever a user's own code raises into `CannotRun`, which is one line."""
    try:
        yield
    except (UserError, KeyboardInterrupt):
        raise
    except BaseException as error:  # whatever the user's own code raises, `SystemExit` too
        if request.architecture:
            raise
        raise CannotRun(error) from error


def _builder(source: Architecture | UserModel) -> Callable[[], nn.Module]:
    """Return what makes a model, with parameters drawn from the generator."""
    if isinstance(source, Architecture):
        return lambda: VAE(source.dims, source.activation, source.recon == "bce")
    made_by = _loaded("--model", source.model, source)
    return lambda: build(made_by, source.model_arguments)


def _objective(source: Architecture | UserModel) -> Objective:
    """Return what runs a model and its loss; `loss_binding` says how a user's loss is found."""
    if isinstance(source, Architecture):
        terms = source.recon, source.reduction, source.beta

        def objective_of_vae(model: nn.Module, x: Tensor) -> Computed:
            recon_x, mu, logvar = model(x)
            return Computed(vae_loss(recon_x, x, mu, logvar, *terms), None)

        return objective_of_vae
    model = _loaded("--model", source.model, source)
    loss = _made(_loaded("--loss", source.loss, source))
    objective = _loaded("--objective", source.objective, source)
    for function, option in ((loss, "--loss"), (objective, "--objective")):
        if function is not None:
            refuse_opaque_function(function, option)
    known = {"x": None, "torch": torch, **_names_beside(model), **_names_beside(loss)}
    if source.objective_expr is not None:
        names = {"model": None, **known, **({} if loss is None else {"loss": loss})}
        objective = ExpressionOfUser(source.objective_expr, "--objective-expr", names)
    x_as = None
    if source.x_as is not None:
        x_as = ExpressionOfUser(source.x_as, "--x-as", known)
    return LossOf(loss, objective, source.loss_arguments, source.loss_sum, x_as)


def _names_beside(namespace: Any) -> dict[str, Any]:
    """Return what the file of a model or a loss defines or imports, by name."""
    module = sys.modules.get(getattr(namespace, "__module__", None) or "")
    return {} if module is None else vars(module)


def _label(model: nn.Module) -> str:
    """Say what a model is called, and of one of several processes that the run is its share."""
    if not isinstance(model, DistributedDataParallel):
        return printable(type(model).__name__)
    rank, ranks = model.process_group.rank(), model.process_group.size()
    share = f"the share of rank {rank} of {ranks}, before gradients are averaged"
    return f"{printable(type(model.module).__name__)}, {share}"


def _left_out(source: Architecture | UserModel) -> str:
    """Name for a label the files of which only the definitions were loaded."""
    if isinstance(source, Architecture):
        return ""
    places = [
        each.rpartition(":")[0]
        for each in (source.model, source.loss, source.objective)
        if isinstance(each, str)
    ]
    files = [Path(place).name for place in dict.fromkeys(places)]
    alone = [name for name in files if source.definitions_only or name.endswith(".ipynb")]
    return f", from the definitions of {' and '.join(alone)} alone" if alone else ""


def _made(loss: Any) -> Any:
    """Return a loss, or an object of it where that is the class of a module."""
    if not (isinstance(loss, type) and issubclass(loss, nn.Module)):
        return loss
    mend = "make an object of it in the file, and name that"
    try:
        made = loss()
    except Exception as error:  # whatever the user's own code raises
        words = f"{loss.__name__} is a class, and {loss.__name__}() raised {said(error)}; {mend}"
        raise CannotLoad(words, "--loss") from error
    if any(True for _ in made.parameters()):
        words = f"{loss.__name__} is a class whose objects have parameters of their own; {mend}"
        raise CannotLoad(words, "--loss")
    return made


def _loaded(option: str, value: Any, source: UserModel) -> Any:
    """Return the object that an option refers to, or that is given in its place."""
    return load_for(option, value, source.definitions_only) if isinstance(value, str) else value


# --- what a user of the library gives ---------------------------------------------------


def as_typed(x: Input) -> Tensor | None:
    """Return an input as it was typed, in float64; None for one that is float32 itself."""
    array = x.numpy(force=True) if isinstance(x, Tensor) else np.asarray(x)
    return None if array.dtype == np.float32 else torch.from_numpy(array.astype(np.float64))


def as_rows(x: Input) -> tuple[tuple[float, ...], ...]:
    """Return an input of the built-in VAE, one row or several, as rows of plain numbers."""
    numbers: list[Any] = as_numbers(x).tolist()
    rows = numbers if isinstance(numbers[0], list) else [numbers]
    return tuple(tuple(float(number) for number in row) for row in rows)


def generator_state() -> Tensor:
    """Return the state of PyTorch's generator, for a request without a seed."""
    return torch.get_rng_state()
