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
from ...symbolic.expression import Ref
from ...trace import Array
from ..blocks import Quantity, Statement

Index = tuple[int, ...]
Parts = list[str | Quantity]


def one_beside(run: Run, other: Run | None, target: Target) -> list[Statement]:
    """Say what one number is in the other arithmetic; nothing where its digits are the same."""
    numbers = _differing(run, other, target)
    if other is None or target.index not in numbers:
        return []
    return [Statement((f"{_origin(other)} it is ", _quantity(numbers[target.index]), "."))]


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
    for words, target in targets:
        if numbers := _differing(run, other, target):
            said += [f"{'; ' if said else ' '}of {words} "]
            said += _listed(steps, target, numbers, most)
    return [Statement((f"{_origin(other)} these numbers differ:", *said, "."))] if said else []


def _listed(steps: Steps, target: Target, numbers: dict[Index, float], most: int) -> Parts:
    parts: Parts = []
    for index in list(numbers)[:most]:
        label = steps.label(target.value_id, index)
        parts += [f"{', ' if parts else ''}{label} ", _quantity(numbers[index])]
    left = len(numbers) - most
    return [*parts, f" and {left} more"] if left > 0 else parts


def _differing(run: Run, other: Run | None, target: Target) -> dict[Index, float]:
    """Return the numbers that a page prints otherwise, by their places."""
    here, there = (_array(each, target) for each in (run, other))
    if other is None or here is None or there is None or here.shape != there.shape:
        return {}
    decimals = min(run.decimals, other.decimals)
    differs = np.round(here.astype(np.float64), decimals) != np.round(
        there.astype(np.float64), decimals
    )
    return {tuple(map(int, at)): float(there[tuple(at)]) for at in np.argwhere(differs)}


def _array(run: Run | None, target: Target) -> Array | None:
    if run is None:
        return None
    arrays = run.gradients_of(target.term) if target.gradient else run.values
    return np.asarray(arrays[target.value_id]) if target.value_id in arrays else None


def _origin(other: Run) -> str:
    if other.arithmetic == "printed":
        return f"With parameters and ε rounded to {other.decimals} decimals"
    return f"In PyTorch's {other.trace.loss.array.dtype}, with parameters and ε as they are,"


def _quantity(number: float) -> Quantity:
    return Quantity(Ref("number elsewhere", None, "value", number), "gradient")
