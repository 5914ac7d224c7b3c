"""What a number is in the other arithmetic, said once where a page would print other digits.

A document has 0.5469 from rounded parameters where PyTorch has 0.5470: whoever looks for one
of them finds it beside the other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...engine.formulas import Steps
from ...engine.provenance import Target
from ...engine.run import Run
from ...symbolic.expression import Index, Ref
from ...trace import Array
from ..blocks import Quantity, Statement
from ..phrases import counted

Parts = list[str | Quantity]
Differing = dict[Index, tuple[float, float]]


def one_beside(run: Run, other: Run | None, target: Target) -> list[Statement]:
    """Say what one number is in the other arithmetic; nothing where its digits are the same."""
    numbers = _differing(run, other, target).get(target.index) if other else None
    if other is None or numbers is None:
        return []
    return [Statement((f"{_origin(other)} it is ", _quantity(numbers[1]), "."))]


def all_beside(
    run: Run, other: Run | None, targets: Sequence[tuple[str, Target]], most: int
) -> list[Statement]:
    """Say which numbers of some tensors have other digits in the other arithmetic.

    Parameters
    ----------
    targets
        What to call each tensor, and any number of it.
    most
        How many numbers of a tensor are named.
    """
    if other is None:
        return []
    steps = Steps(run)
    said: Parts = []
    most_off = 0.0
    for words, target in targets:
        if numbers := _differing(run, other, target):
            most_off = max(most_off, *(abs(there - here) for here, there in numbers.values()))
            said += [f"{'; ' if said else ' '}of {words} "]
            said += _listed(steps, target, numbers, most)
    if not said:
        return []
    lead = f"{_origin(other)} these numbers differ, by at most "
    return [Statement((lead, _quantity(most_off), ":", *said, "."))]


def _listed(steps: Steps, target: Target, numbers: Differing, most: int) -> Parts:
    parts: Parts = []
    for index in list(numbers)[:most]:
        label = steps.label(target.value_id, index)
        parts += [f"{', ' if parts else ''}{label} ", _quantity(numbers[index][1])]
    left = len(numbers) - most
    return [*parts, f" and {left} more"] if left > 0 else parts


def _differing(run: Run, other: Run, target: Target) -> Differing:
    """Return the numbers that a page prints otherwise, by their places, here and there.

    Of a model that gives other numbers each time nobody can tell what the arithmetic did.
    """
    if run.varies:
        return {}
    here, there = _array(run, target), _array(other, target)
    if here is None or there is None or here.shape != there.shape:
        return {}
    decimals = min(run.decimals, other.decimals)
    differs = np.round(here, decimals) != np.round(there, decimals)
    places = (tuple(map(int, at)) for at in np.argwhere(differs))
    return {at: (float(here[at]), float(there[at])) for at in places}


def _array(run: Run, target: Target) -> Array | None:
    arrays = run.gradients_of(target.term) if target.gradient else run.values
    if target.value_id not in arrays:
        return None
    return np.asarray(arrays[target.value_id], np.float64)


def _origin(other: Run) -> str:
    if other.arithmetic == "printed":
        return f"With parameters and ε rounded to {counted(other.decimals, 'decimal')}"
    return f"In PyTorch's {other.trace.loss.array.dtype}, with parameters and ε unrounded,"


def _quantity(number: float) -> Quantity:
    return Quantity(Ref("number elsewhere", None, "value", number), "gradient")
