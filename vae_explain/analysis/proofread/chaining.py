"""A run in which each step starts from the rounded figures that are printed before it.

So computes an author who writes each result down, rounded, and goes on from what is
written. A figure that is wrong can be put right on the way, so that what was rightly made
from it does not look wrong as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ...engine.run import Run
from ...trace import Array
from .agreeing import agrees, as_printed
from .collecting import Figure
from .recomputing import Inputs, array_of, by_hand
from .vocabulary import Name


@dataclass
class Chain:
    """A run in which each step starts from the printed figures of the steps before it.

    Attributes
    ----------
    computed
        What each quantity comes to, before its printed figures take its place.
    """

    run: Run
    computed: dict[Name, Array] = field(default_factory=dict)

    def array(self, name: Name, rate: float | None = None) -> Array:
        """Return what a quantity comes to."""
        found = self.computed.get(name)
        return array_of(self.run, name, rate) if found is None else found


def chained(
    run: Run,
    inputs: Inputs,
    figures: Mapping[Name, Sequence[Figure]],
    corrected: Mapping[Name, Array] | None = None,
    mended: frozenset[Figure] = frozenset(),
) -> Chain:
    """Compute a chain of steps, from the figures as they are or with some put right.

    Parameters
    ----------
    corrected
        What quantities should be, where another arithmetic says so: a figure of these that
        does not agree is replaced.
    mended
        Figures that are replaced by what their own step comes to.
    """
    computed: dict[Name, Array] = {}

    def settle(name: Name, array: Array) -> Array:
        single = array.ndim > 1 and array.shape[0] == 1
        shown = array[0] if single else array
        computed[name] = np.asarray(shown, np.float64)
        settled = np.array(shown, np.float64)
        should = (corrected or {}).get(name)
        for figure in reversed(figures.get(name, ())):
            right = figure.printed.value
            if figure in mended:
                right = float(as_printed(figure, float(shown[figure.place])))
            elif should is not None and not agrees(figure, float(should[figure.place])):
                right = float(as_printed(figure, float(should[figure.place])))
            settled[figure.place] = right
        return settled[None] if single else settled

    result = by_hand(run, inputs, settle)
    return Chain(result, computed)
