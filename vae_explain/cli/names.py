"""Names given on the command line, judged before anything heavy is loaded.

How a name may be spelt is in `models/spelled_names.py`; here is decided whether it is one that
the command can show, and if not, which line does. Without an architecture only a run can judge.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..models.builtin_config import BUILT_IN, Architecture
from ..models.changes import full_index
from ..models.spelled_names import Spelled, members, read_target, read_term
from ..quick_classes import NamedTuple
from . import parsing
from .declared import completing
from .errors import Problem, line, unknown_name

if TYPE_CHECKING:
    from ..engine.run import Run


class Typed(NamedTuple):
    """A name as it was typed, and the option that it was given by."""

    option: str
    text: str


class Place(NamedTuple):
    """A value or gradient, or one number of it where it has an element.

    Attributes
    ----------
    term
        The term of the loss that a gradient is of; None for the whole loss.
    """

    name: str
    gradient: bool
    term: str | None
    element: tuple[int, ...] | None


def typed(words: list[str] | None, option: str, values: list[str] | None) -> list[Typed]:
    """Bring names that stand by themselves together with those of an option.

    A number is a part of the name before it, `z 0`.
    """
    texts: list[str] = []
    for word in words or ():
        if texts and re.fullmatch(r"[+-]?\d+(,[+-]?\d+)*", word):
            texts[-1] += f" {word}"
        elif "[" in word or "(" in word:
            texts.append(word)
        else:
            texts += [part.strip() for part in word.split(",")]
    return [*(Typed("NAME", text) for text in texts), *(Typed(option, v) for v in values or ())]


# --- names of whole values --------------------------------------------------------------


def step_names(typed_names: Sequence[Typed], known: Architecture | Run) -> list[str]:
    """Return the values that are to be shown, each once."""
    all_names, valid = _all_of(known), _steps_of(known)
    steps: list[str] = []
    for each in typed_names:
        for place in _read(each, all_names, "step", valid):
            if place.gradient or place.inside is not None:
                _elsewhere(each, place)
            if place.name not in valid:
                raise unknown_name(each.option, each.text, "step", valid)
            steps.append(place.name)
    return list(dict.fromkeys(steps))


def parameter_names(typed_names: Sequence[Typed], valid: Sequence[str]) -> list[str]:
    """Return the parameters that are meant, each once."""
    parameters: list[str] = []
    for each in typed_names:
        for place in _read(each, valid, "parameter", valid):
            if place.inside is not None:
                _elsewhere(each, place)
            parameters.append(place.name)
    return list(dict.fromkeys(parameters))


def gradient_names(
    typed_names: Sequence[Typed], term: str | None, known: Architecture | Run
) -> tuple[list[str], str | None]:
    """Return the values whose gradients are meant, each once, and the term that they are of.

    A name may end with `.grad`, or say the term: `∂kl/∂mu`.
    """
    terms = _terms_of(known)
    all_names, valid = _all_of(known), _with_gradient(known)
    places: list[tuple[Typed, Spelled]] = []
    for each in typed_names:
        for place in _read(each, all_names, "parameter or value", valid, terms):
            if place.inside is not None:
                _elsewhere(each, place._replace(gradient=True))
            places.append((each, place))
    term = _one_term(term, [place.term for _, place in places], terms)
    for each, place in places:
        _require_gradient(each, place.name, term, known)
    return list(dict.fromkeys(place.name for _, place in places)), term


def _read(
    each: Typed, names: Sequence[str], kind: str, valid: Sequence[str], terms: Sequence[str] = ()
) -> list[Spelled]:
    """Return what a text names: one value, or all parameters of a layer.

    Parameters
    ----------
    names, valid
        Those that there are, and those of them that the command shows.
    """
    place = read_target(each.text, names, terms)
    if place is not None:
        return [place]
    bare = each.text.strip().removesuffix(".grad")
    within = members(bare, names) if bare else []
    # encoder is all that the encoder computes: encoder_pre and encoder_hidden.
    within = within or [name for name in valid if bare and name.startswith(f"{bare.casefold()}_")]
    if not within:
        raise unknown_name(each.option, each.text, kind, valid)
    return [Spelled(name) for name in within]


def _elsewhere(each: Typed, place: Spelled) -> None:
    """Refuse what another command shows, with the line that does."""
    if place.inside is not None:
        words = f"one number is shown by {line('why', *place.written().split())}"
        if re.search(r"[\[(]", each.text):
            words = f"{words}, or {line('why', place.bracketed())}"
    else:
        words = f"a gradient is shown by {line('backward', place.name)}"
    raise Problem(each.option, each.text, words)


# --- one number -------------------------------------------------------------------------


def target_of(
    text: str, term: str | None, known: Architecture | Run, shape: Callable[[str], tuple[int, ...]]
) -> Place:
    """Read `TARGET`, such as `z 0` or `fc1.weight.grad[0,1]`.

    Parameters
    ----------
    shape
        Gives the shape of a named value.
    """
    all_names, terms = _all_of(known), _terms_of(known)
    if text.strip().casefold() == "elbo":
        mend = f"the loss is the negative ELBO: {line('why', 'loss')}"
        raise Problem("TARGET", text, mend)
    place = read_target(text, all_names, terms) or read_target(f"{text}]", all_names, terms)
    if place is None and text.count("[") != text.count("]"):
        mend = f"write a name and an index, such as {line('why', 'mu.grad', '1')}"
        raise Problem("TARGET", text, mend)
    if place is None:
        _one_of_several(text, all_names)
        name = re.split(r"[\[ ]", text.strip())[0]
        within = members(name, all_names)
        if within:
            mend = f"it has {' and '.join(within)}; ask for a number of one"
            raise Problem("TARGET", text, f"{mend}: {line('why', within[0], '0', '0')}")
        raise unknown_name("TARGET", name, "value", all_names)
    term = _one_term(term, [place.term], terms)
    if term is not None and not place.gradient:
        raise Problem("--term", term, f"only a gradient has terms; ask for {place.name}.grad")
    if place.gradient:
        _require_gradient(Typed("TARGET", text), place.name, term, known)
    sizes = shape(place.name)
    if 0 in sizes:
        raise Problem("TARGET", text, f"it has no numbers: its shape is {list(sizes)}")
    inside = place.inside
    index = None if inside is None else _index(text, place.name, inside, sizes)
    return Place(place.name, place.gradient, term, index)


def _one_of_several(text: str, names: Sequence[str]) -> None:
    """Refuse two names at once, with the line that asks for the first."""
    words = text.split()
    for position in range(1, len(words)):
        first = read_target(" ".join(words[:position]), names)
        if first is not None and read_target(words[position], names) is not None:
            mend = f"ask for one at a time: {line('why', *first.written().split())}"
            raise Problem("TARGET", text, mend)


def _index(text: str, name: str, inside: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    parts = [part.strip() for part in inside.split(",")] if inside.strip() else []
    known = f"{name} has shape {list(shape)}"
    if not all(re.fullmatch(r"[+-]?[0-9]+", part) for part in parts):
        raise Problem("TARGET", text, f"an index is whole numbers separated by commas; {known}")
    return full_index(tuple(map(int, parts)), name, shape, "TARGET", text)


# --- what there is ----------------------------------------------------------------------


def _all_of(known: Architecture | Run) -> Sequence[str]:
    if isinstance(known, Architecture):
        return ("x", *known.parameters, *known.steps)
    names = list(known.trace.by_name)
    return names if "loss" in names or known.trace.loss.name is None else [*names, "loss"]


def _steps_of(known: Architecture | Run) -> Sequence[str]:
    return ("x", *known.steps) if isinstance(known, Architecture) else list(known.trace.by_name)


def _with_gradient(known: Architecture | Run) -> Sequence[str]:
    if isinstance(known, Architecture):
        return known.with_gradient
    return [name for name, value in known.trace.by_name.items() if value.id in known.gradients]


def _terms_of(known: Architecture | Run) -> tuple[str, ...]:
    if isinstance(known, Architecture):
        return known.terms
    return tuple(entry.name for entry in known.trace.terms)


def _one_term(
    typed_term: str | None, named: Sequence[str | None], terms: tuple[str, ...]
) -> str | None:
    """Return the term of `--term` or of `∂kl/∂mu`, which must not be two."""
    asked = {term for term in (typed_term, *named) if term is not None}
    if not asked:
        return None
    if not terms:
        mend = "this loss has no terms; leave it out"
        raise Problem("--term", asked.pop(), mend)
    known_terms = {
        read_term(term, terms) or parsing.choice("--term", term, terms) for term in asked
    }
    if len(known_terms) > 1:
        raise Problem("--term", ", ".join(sorted(known_terms)), "name one term of the loss")
    return known_terms.pop()


def _require_gradient(each: Typed, name: str, term: str | None, known: Architecture | Run) -> None:
    """Check that the loss, or one term of it, has a gradient at a value."""
    if not isinstance(known, Architecture):
        value = known.trace.by_name.get(known.known_as(name))
        if value is not None and value.id not in known.gradients_of(term):
            mend = "it has no gradient here: the loss does not reach it"
            raise Problem(each.option, each.text, mend)
        return
    if name in WITHOUT_GRADIENT:
        words = f"it has no gradient: {WITHOUT_GRADIENT[name]}"
        raise Problem(each.option, each.text, words)
    if term == "kl" and name in known.without_kl:
        mend = (
            "the KL does not reach it, so --term kl has no gradient there; ask for "
            f"--term {known.recon}, or for a value of the encoder"
        )
        raise Problem(each.option, each.text, mend)
    if term is not None and name in ("loss", *known.terms) and name != term:
        mend = f"the {term} term is not made from it; leave --term out"
        raise Problem(each.option, each.text, mend)


WITHOUT_GRADIENT = {
    "x": "the input is given, not trained; ask for encoder_pre, the first value made from it",
    "eps": "the noise is drawn, not computed; ask for std or z, which it goes into",
    "variance": "the loss does not use it; ask for logvar, which it is made from",
}


# --- what a shell completes -------------------------------------------------------------

# It knows no model but the built-in VAE.
PARAMETERS = BUILT_IN.parameters
STEPS = "x", *BUILT_IN.steps
GRADIENTS = BUILT_IN.with_gradient
TARGETS = "x", *PARAMETERS, *BUILT_IN.steps, *(f"{name}.grad" for name in GRADIENTS)


def _argument(help_text: str, valid: Sequence[str]) -> Any:
    return typer.Argument(metavar="[NAME]...", help=help_text, autocompletion=completing(valid))


Steps = Annotated[
    list[str] | None,
    _argument("Show only these values, such as z, mu or loss, with every line in full.", STEPS),
]
Gradients = Annotated[
    list[str] | None,
    _argument("Derive only these parameters or values, such as fc1.weight or z.", GRADIENTS),
]
ParameterNames = Annotated[
    list[str] | None,
    _argument(
        "Show only these parameters, such as fc1.weight, or fc1 for a whole layer.", PARAMETERS
    ),
]
