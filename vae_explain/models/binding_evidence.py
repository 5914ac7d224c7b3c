"""What PyTorch's graph says against the places that parts got in a loss by their order.

Names and order say what a part is meant to be; the graph says what it was made from. A moment
is not made from the reconstruction, and a mean is not what goes into an exponential to give the
scale: where a call would say so, it is not made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

from ..quick_classes import NamedTuple
from .autograd_graph import ancestors_of, goes_into_a_scale, is_a_scale
from .model_outputs import OutputPart, Outputs
from .part_names import LOGVAR, MEAN, RECON, family, is_deviation

MOMENTS = (MEAN, LOGVAR)


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
        *_swapped(tensors, outputs),
        *_of_another_form(tensors, outputs),
    ]
    if not gets_x:
        contradictions += _in_the_place_of_x(tensors, outputs.x)
    return next(iter(contradictions), None)


def _is_said(name: str, part: OutputPart) -> bool:
    meant = family(name)
    return name == part.name or (meant is not None and part.family is meant)


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
            both_said = _is_said(name, given[name]) and _is_said(moment, given[moment])
            if node is not None and node in before and not both_said:
                late, early = given[moment].place, given[name].place
                yield Contradiction(
                    f"{late} is left for {moment}, and is computed from {early}, which would be "
                    f"{name}",
                    {name: late},
                )


def _swapped(given: Mapping[str, OutputPart], outputs: Outputs) -> Iterator[Contradiction]:
    means = [name for name in given if family(name) is MEAN]
    scales = [name for name in given if family(name) is LOGVAR]
    if len(means) != 1 or len(scales) != 1:
        return
    (mean,), (scale,) = means, scales
    if any(_is_said(name, given[name]) for name in (mean, scale)):
        return
    ends = [part.value for part in outputs.leaves if isinstance(part.value, Tensor)]
    if goes_into_a_scale(given[mean].value, given[scale].value, ends):
        yield Contradiction(
            f"{given[mean].place} is left for {mean}, and goes into an exponential as a log "
            "variance does",
            {mean: given[scale].place, scale: given[mean].place},
        )


def _of_another_form(given: Mapping[str, OutputPart], outputs: Outputs) -> Iterator[Contradiction]:
    """Find a deviation in the place of a mean or of a logarithm, and the other way round."""
    means = [name for name in given if family(name) is MEAN]
    ends = [part.value for part in outputs.leaves if isinstance(part.value, Tensor)]
    for name, part in given.items():
        seen = ""
        if name == part.name or (family(name) is not None and _is_said(name, part)):
            continue
        if family(name) in MOMENTS and is_a_scale(part.value):
            seen = "is what an exponential or the like gave, as a deviation is"
        if is_deviation(name) and any(
            goes_into_a_scale(part.value, given[mean].value, ends) for mean in means
        ):
            seen = "goes into an exponential, as the logarithm of a deviation does"
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
