"""What PyTorch's graph says against the places that parts got in a loss by their order.

Names and order say what a part is meant to be; the graph says what it was made from. A moment
is not made from the reconstruction, and a mean is not what goes into an exponential to give the
scale: where a call would say so, it is not made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from inspect import Parameter
from typing import Any

from torch import Tensor

from ...quick_classes import NamedTuple
from ...symbolic.printable import listed
from .autograd_graph import ancestors_of, goes_into_a_scale, is_a_scale, parameters_behind
from .model_outputs import OutputPart, Outputs
from .part_names import (
    LATENT,
    LOGARITHMS,
    LOGVAR,
    MEAN,
    MOMENTS,
    RECON,
    distribution,
    family,
    form_of,
    is_deviation,
    is_given_apart,
    is_same,
    is_term,
    which,
    words_of_term,
)


class Contradiction(NamedTuple):
    """Why a call cannot be meant, and what may be, as code by parameter."""

    why: str
    meant: dict[str, str]


def contradiction(
    given: Mapping[str, OutputPart], outputs: Outputs, gets_x: bool
) -> Contradiction | None:
    """Return what speaks against a call; None where nothing does.

    What has the same name on both sides is not doubted: its author has said what it is.

    Parameters
    ----------
    given
        The part that each parameter of the loss would get.
    gets_x
        Whether the loss gets the input, too.
    """
    tensors = {name: part for name, part in given.items() if isinstance(part.value, Tensor)}
    contradictions = [
        *_made_from_the_prediction(tensors, outputs.x),
        *_made_from_what_is_left(tensors, outputs),
        *_swapped(tensors, outputs),
        *_behind_no_prediction(tensors, outputs),
        *_of_another_form(tensors, outputs),
    ]
    if not gets_x:
        contradictions += _in_the_place_of_x(tensors, outputs.x)
    return next(iter(contradictions), None)


def doubt_of_order(
    parameter: Parameter, part: OutputPart, alike: Sequence[OutputPart], beside_prediction: bool
) -> str:
    """Return why a part that a parameter would get by order alone is not given; "" for no reason.

    Parameters
    ----------
    alike
        The parts that are left and mean the same as this one, it among them.
    beside_prediction
        Whether input and prediction have their places already.
    """
    name, place = parameter.name, part.place
    if name == part.name:
        return ""
    if is_given_apart(name) and beside_prediction:
        return f"{place} is left for {name}, which is called as something given beside x is"
    if is_number(part) and not is_term(name):
        return f"{place} is one number, and {name} is not called as a part of a loss is"
    if is_term(name) and family(name) is None and part.family in MOMENTS:
        return f"{place} is left for {name}, which is called as a part of a loss is"
    kinds = distribution(name), distribution(part.name)
    if is_object(part) and None not in kinds and kinds[0] is not kinds[1]:
        return f"{place} is left for {name}, and is called as something else"
    is_moment = part.family in MOMENTS and part.family is family(name) and len(alike) > 1
    if is_moment and part.name and which(name) != which(part.name):
        return f"{listed([each.place for each in alike])} can each be {name}"
    if family(name) is LATENT is not part.family and parameter.default is not parameter.empty:
        return f"{place} may be {name}, which has a default"
    return ""


def doubt_of_terms(
    parameter: Parameter, part: OutputPart, numbers: Sequence[OutputPart], terms: Sequence[str]
) -> str:
    """Return why one of several numbers is not given by order; "" where nothing speaks against it.

    Parameters
    ----------
    numbers
        The single numbers that are left, this one among them.
    terms
        The parameters that are left, this one among them.
    """
    ours, theirs = words_of_term(parameter.name), words_of_term(part.name)
    if len(numbers) < 2 or not is_number(part) or not ours:
        return ""
    # Of those that the model does not name the order is not known, if names tell the others apart.
    told = {words_of_term(name) for name in terms}
    is_told = not theirs and len(told) > 1 and frozenset() not in told
    # `rec` is `recon`, and `kl` may be `kld`.
    alike = any(a.startswith(b) or b.startswith(a) for a in ours for b in theirs)
    places = listed([each.place for each in numbers])
    return "" if alike or not (theirs or is_told) else f"{places} can each be {parameter.name}"


def is_number(part: OutputPart) -> bool:
    """Whether a part is a single number, as a term of a loss is."""
    return bool(part.path) and isinstance(part.value, Tensor) and part.value.dim() == 0


def is_object(part: OutputPart) -> bool:
    """Whether a part is an object such as a distribution."""
    return not isinstance(part.value, Tensor | tuple | list | int | float | str | None)


def is_said(name: str, part: OutputPart) -> bool:
    """Whether a part has a parameter's name, or one that means the same."""
    meant = family(name)
    return is_same(name, part.name) or (meant is not None and part.family is meant)


def _made_from_the_prediction(given: Mapping[str, OutputPart], x: Any) -> Iterator[Contradiction]:
    predicted = [name for name in given if family(name) is RECON]
    moments = [name for name in given if family(name) in MOMENTS]
    if predicted:  # of a name that says nothing, what may be the prediction itself
        moments += [n for n in given if family(n) is None and given[n].value.shape == x.shape]
    predicted = predicted or [name for name in given if family(name) is None]
    for moment in moments:
        before = ancestors_of(given[moment].value)
        for name in predicted:
            node = given[name].value.grad_fn
            both_said = is_said(name, given[name]) and is_said(moment, given[moment])
            late, early = given[moment].place, given[name].place
            if both_said:
                continue
            if node is not None and node in before:
                how = f"is computed from {early}, which would be {name}"
            elif family(moment) in MOMENTS and _is_deeper(given[moment], given[name]):
                how = f"has more parameters behind it than {early}, which would be {name}"
            else:
                continue
            yield Contradiction(f"{late} is left for {moment}, and {how}", {name: late})


def _made_from_what_is_left(
    given: Mapping[str, OutputPart], outputs: Outputs
) -> Iterator[Contradiction]:
    """Find what was computed from a part of its own shape that no parameter gets, as z is."""
    left = [part for part in outputs.leaves if isinstance(part.value, Tensor)]
    left = [part for part in left if not any(map(part.shares_with, given.values()))]
    has_prediction = any(family(name) is RECON for name in given)
    for name, part in given.items():
        no_moment = family(name) is RECON or (family(name) is None and not has_prediction)
        may_be_predicted = no_moment and part.value.shape == outputs.x.shape
        if may_be_predicted or is_said(name, part):
            continue
        before = ancestors_of(part.value)
        for other in left:
            if other.value.shape == part.value.shape and other.value.grad_fn in before:
                yield Contradiction(
                    f"{part.place} is left for {name}, and is computed from {other.place}, which "
                    "no parameter gets",
                    {name: other.place},
                )


def _is_deeper(one: OutputPart, other: OutputPart) -> bool:
    """Whether all parameters that one part is computed from are behind another, and more."""
    behind = parameters_behind(other.value)
    return bool(behind) and behind < parameters_behind(one.value)


def _swapped(given: Mapping[str, OutputPart], outputs: Outputs) -> Iterator[Contradiction]:
    means = [name for name in given if family(name) is MEAN]
    scales = [name for name in given if family(name) is LOGVAR]
    if len(means) != 1 or len(scales) != 1:
        return
    (mean,), (scale,) = means, scales
    if any(is_said(name, given[name]) for name in (mean, scale)):
        return
    ends = [part.value for part in outputs.leaves if isinstance(part.value, Tensor)]
    if goes_into_a_scale(given[mean].value, given[scale].value, ends):
        yield Contradiction(
            f"{given[mean].place} is left for {mean}, and goes into an exponential as a log "
            "variance does",
            {mean: given[scale].place, scale: given[mean].place},
        )


def _behind_no_prediction(
    given: Mapping[str, OutputPart], outputs: Outputs
) -> Iterator[Contradiction]:
    """Find a posterior's moment that no prediction is computed from, but from another's.

    What a prediction is decoded from was drawn from the posterior, and not from the prior.
    """
    predicted = [part.value for name, part in given.items() if family(name) is RECON]
    behind = {node for value in predicted for node in ancestors_of(value)}
    left = [part for part in outputs.leaves if isinstance(part.value, Tensor)]
    left = [part for part in left if not any(map(part.shares_with, given.values()))]
    nodes = {part.value.grad_fn for part in given.values()}  # what is drawn from one is no rival
    left = [part for part in left if nodes.isdisjoint(ancestors_of(part.value))]
    priors = [(n, part) for n, part in given.items() if _is_doubted(n, part, "p")]
    meant: dict[str, str] = {}
    for name, part in given.items():
        is_said_else = "p" in which(name) or family(name) not in MOMENTS
        is_doubted = _is_doubted(name, part, "q") or not is_said(name, part)
        if is_said_else or not is_doubted or part.value.grad_fn in behind:
            continue
        rivals = [(n, other) for n, other in priors if n != name and family(n) is family(name)]
        for n, other in rivals + [("", other) for other in left]:
            is_alike = other.value.shape == part.value.shape and other.value.grad_fn in behind
            if is_alike and other.place not in meant.values():
                meant |= {name: other.place, n: part.place}
                break
    meant.pop("", None)
    for name, place in meant.items():
        yield Contradiction(
            f"{given[name].place} is left for {name}, and the prediction is computed from {place} "
            "and not from it",
            meant,
        )


def _is_doubted(name: str, part: OutputPart, distribution_of: str) -> bool:
    """Whether a parameter is called as one of two distributions is, and its part not so."""
    is_named = distribution_of in which(part.name) or is_same(name, part.name)
    return distribution_of in which(name) and not is_named


def _of_another_form(given: Mapping[str, OutputPart], outputs: Outputs) -> Iterator[Contradiction]:
    """Find a deviation in the place of a mean or of a logarithm, and the other way round.

    What is called a variance may be its logarithm, as `fc_var` is: what is made of it says so.
    """
    means = [name for name in given if family(name) is MEAN]
    ends = [part.value for part in outputs.leaves if isinstance(part.value, Tensor)]
    for name, part in given.items():
        seen = ""
        if is_said(name, part):
            continue
        if family(name) in MOMENTS and is_a_scale(part.value):
            seen = "is what an exponential or the like gave, as a deviation is"
        wanted, form = form_of(name), form_of(part.name)
        is_logarithm = any(goes_into_a_scale(part.value, given[mean].value, ends) for mean in means)
        if is_deviation(name) and is_logarithm:
            seen = "goes into an exponential, as the logarithm of a deviation does"
        is_as_made = is_logarithm and wanted in LOGARITHMS and form not in LOGARITHMS
        if not seen and "" not in (wanted, form) and form != wanted and not is_as_made:
            seen = f"is called as {form} is, not {wanted}"
        if seen:
            yield Contradiction(f"{part.place} is left for {name}, and {seen}", {name: part.place})


def _in_the_place_of_x(given: Mapping[str, OutputPart], x: Any) -> Iterator[Contradiction]:
    if not any(family(name) is RECON for name in given):
        return
    for name, part in given.items():
        is_moment = family(name) in (RECON, *MOMENTS)
        if not is_moment and name != part.name and part.value.shape == x.shape:
            yield Contradiction(
                f"no parameter gets x, and {name} may be it or {part.place}", {name: "x"}
            )
