"""Names given on the command line, judged before anything heavy is loaded."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from ..models.builtin_config import BUILT_IN, Architecture
from ..models.changes import full_index
from . import parsing
from .errors import Problem, unknown_name

if TYPE_CHECKING:
    from ..engine.run import Run


Target = tuple[str, bool, tuple[int, ...] | None]


def step_names(names: list[str] | None, architecture: Architecture | None) -> list[str]:
    """Check the names of steps; without an architecture only a run can judge."""
    valid = ("x", *architecture.steps) if architecture else names or ()
    for name in names or ():
        if name not in valid:
            raise unknown_name("--step", name, "step", valid)
    return list(names or ())


def parameter_names(names: list[str] | None, architecture: Architecture | None) -> list[str]:
    """Check the names of parameters; without an architecture only a run can judge."""
    if architecture:
        require_parameters(names or (), architecture.parameters)
    return list(dict.fromkeys(names or ()))


def require_parameters(names: Iterable[str], valid: Sequence[str]) -> None:
    """Check names against the parameters that a model has."""
    for name in names:
        if name not in valid:
            raise unknown_name("--param", name, "parameter", valid)


def require_reached(term: str, names: list[str], architecture: Architecture) -> None:
    """Check that a loss term has a gradient at each name."""
    error = architecture.recon
    for name in names:
        if term == "kl" and name in architecture.without_kl:
            mend = (
                "the KL does not reach it, so --term kl has no gradient there; ask for "
                f"--term {error}, or for a value of the encoder"
            )
            raise Problem("--param", name, mend)
        if name in ("loss", *architecture.terms) and name != term:
            raise Problem("--param", name, f"the {term} term is not made from it; leave --term out")


def gradient_names(
    names: list[str] | None, term: str | None, architecture: Architecture | None
) -> list[str]:
    """Check `--param`, whose names may end with `.grad`, and `--term` together.

    Without an architecture only a run can judge.
    """
    bare = [name.removesuffix(".grad") for name in names or ()]
    if architecture is None:
        return bare
    for name, typed in zip(bare, names or (), strict=True):
        if name in WITHOUT_GRADIENT:
            raise Problem("--param", typed, f"it has no gradient: {WITHOUT_GRADIENT[name]}")
        if name not in architecture.with_gradient:
            raise unknown_name("--param", typed, "parameter or value", architecture.with_gradient)
    if term is not None:
        parsing.choice("--term", term, architecture.terms)
        require_reached(term, bare, architecture)
    return bare


def known(
    option: str, given: list[str], run: Run, gradient: bool = False, term: str | None = None
) -> None:
    """Check names against a run, for a model that is known only now."""
    values = run.trace.by_name
    if term is not None:
        if not run.trace.terms:
            raise Problem("--term", term, "this loss is in one piece, without terms; leave it out")
        parsing.choice("--term", term, tuple(entry.name for entry in run.trace.terms))
    reached = run.gradients_of(term)
    names = [name for name, value in values.items() if not gradient or value.id in reached]
    for name in given:
        if name not in names:
            if name in values:
                raise Problem(option, name, "it has no gradient here: the loss does not reach it")
            raise unknown_name(option, name, "value", names)


def require_target(text: str, term: str | None, rows: int, architecture: Architecture) -> None:
    """Check `TARGET` and `--term` for the built-in VAE, on an input of so many rows."""
    match = re.fullmatch(r"([^\[\]]+?)(\.grad)?(?:\[([^\[\]]*)\])?", text.strip())
    if match is None:
        raise Problem("TARGET", text, "write a name and an index, such as z[0] or mu.grad[1]")
    name, gradient, inside = match[1], bool(match[2]), match[3]
    names = ("x", *architecture.parameters, *architecture.steps)
    if name not in names:
        raise unknown_name("TARGET", name, "value", names)
    if gradient and name in WITHOUT_GRADIENT:
        raise Problem("TARGET", text, f"{name} has no gradient: {WITHOUT_GRADIENT[name]}")
    if inside is not None:
        _index(text, name, inside, architecture.shape(name, rows))
    if term is not None:
        parsing.choice("--term", term, architecture.terms)
        _require_gradient(name, gradient, term)
        require_reached(term, [name], architecture)


def known_target(text: str, term: str | None, run: Run) -> Target:
    """Read `TARGET`, such as `z[0]` or `fc1.weight.grad[0,1]`, and check it against a run.

    Returns
    -------
    tuple
        The value's name, whether its gradient is meant, and the full index, None for none.
    """
    plain, bracket, inside = text.strip().removesuffix("]").partition("[")
    gradient = plain.endswith(".grad")
    name = run.known_as(plain.removesuffix(".grad"))
    known("TARGET", [name], run, gradient, term)
    _require_gradient(name, gradient, term)
    shape = run.value(name).shape
    if 0 in shape:
        raise Problem("TARGET", text, f"it has no numbers: its shape is {list(shape)}")
    return name, gradient, _index(text, name, inside, shape) if bracket else None


def _require_gradient(name: str, gradient: bool, term: str | None) -> None:
    if term is not None and not gradient:
        raise Problem("--term", term, f"only a gradient has terms; ask for {name}.grad")


def _index(text: str, name: str, inside: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    parts = [part.strip() for part in inside.split(",")] if inside.strip() else []
    known = f"{name} has shape {list(shape)}"
    if not all(re.fullmatch(r"[+-]?[0-9]+", part) for part in parts):
        raise Problem("TARGET", text, f"an index is whole numbers separated by commas; {known}")
    return full_index(tuple(map(int, parts)), name, shape, "TARGET", text)


WITHOUT_GRADIENT = {
    "x": "the input is given, not trained; ask for encoder_pre, the first value made from it",
    "eps": "the noise is drawn, not computed; ask for std or z, which it goes into",
    "variance": "the loss does not use it; ask for logvar, which it is made from",
}


# What the shell completes, which knows no model but the built-in VAE.
PARAMETERS = BUILT_IN.parameters
STEPS = "x", *BUILT_IN.steps
GRADIENTS = BUILT_IN.with_gradient
TARGETS = "x", *PARAMETERS, *BUILT_IN.steps, *(f"{name}.grad" for name in GRADIENTS)


def completing(names: Iterable[str]) -> Callable[[str], list[str]]:
    """Return what completes one of some names in the shell."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in names if name.startswith(incomplete)]

    return complete
