"""The numbers of a document made again, in each arithmetic that they may come from.

`full` is PyTorch's own float32 run from the stated seed. `printed` is float64 by hand from
the inputs as printed, rounded. `chain` is float64 by hand as well, but each step starts
from the numbers that the document prints for the steps before it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal, get_args

import numpy as np

from .... import pipeline
from ....engine.run import Run
from ....engine.run import by_hand as run_by_hand
from ....models.builtin_config import Architecture
from ....models.changes import Change
from ....models.request import Request
from ....trace import Array
from ..matching.figures import PrintedFigure
from ..matching.names import Name
from .agreement import agrees, as_written

Arithmetic = Literal["full", "printed", "chain"]
ARITHMETICS: tuple[Arithmetic, ...] = get_args(Arithmetic)  # the most exact first
Settled = Callable[[Name, Array], Array]
Inputs = Mapping[str, Array]  # what a run starts from, in float64: parameters, x and ε by name


def recorded(
    architecture: Architecture,
    x: Array,
    seed: int,
    eps: Array | None,
    changes: tuple[Change, ...] = (),
) -> Run:
    """Run the built-in VAE in PyTorch's float32; ε is drawn when none is given.

    Parameters
    ----------
    changes
        Entries that are set by hand after the seed has given all.

    Raises
    ------
    NotFinite
        If the loss overflows.
    """
    rows = tuple(tuple(float(number) for number in row) for row in x)
    noise = None if eps is None else tuple(float(number) for number in eps.ravel())
    return pipeline.run(Request(rows, seed, noise, "full", architecture, changes=changes))


def inputs_of(run: Run) -> Inputs:
    """Return what a run started from, every digit of it."""
    parameters = [v.name for v in run.trace.values if v.kind == "parameter" and v.name]
    given = {name: run.array(name).astype(float) for name in ("x", "eps")}
    return given | {name: run.value(name).array.astype(float) for name in parameters}


def by_hand(run: Run, inputs: Inputs, settle: Settled | None = None) -> Run:
    """Run a recorded VAE again in float64 from other inputs.

    Parameters
    ----------
    settle
        What each named value, or gradient of the loss, becomes before the steps behind it
        are computed. What it came to is passed to `settle`, and what the run that is
        returned holds is what `settle` returned.
    """
    trace = run.trace
    given = {trace.by_name[name].id: array for name, array in inputs.items()}
    if settle is None:
        return run_by_hand(run, given)

    def settled(number: int, array: Array, gradient: bool) -> Array:
        name = trace.values[number].name
        return settle(Name(name, gradient), array) if name else array

    return run_by_hand(
        run, given, partial(settled, gradient=False), partial(settled, gradient=True)
    )


def array_of(run: Run, name: Name, rate: float | None = None) -> Array:
    """Return a quantity's numbers in a run, without the axis of a single row.

    A parameter that the loss does not reach has a gradient of zeros. An updated one is what
    a step of gradient descent at this rate makes of it, in the precision of the run.
    """
    value = run.value(name.value)
    if name.updated:
        assert rate is not None, "only collected where a rate is stated"
        before, slope = array_of(run, Name(name.value)), array_of(run, Name(name.value, True))
        if run.arithmetic == "full":
            moved = np.float32(rate) * slope.astype(np.float32)
            return np.asarray(before.astype(np.float32) - moved, dtype=np.float64)
        return before - rate * slope
    if not name.gradient:
        array = run.values[value.id]
    else:
        array = run.gradients_of(name.term).get(value.id, np.zeros(value.shape))
    single = value.kind != "parameter" and array.ndim > 1 and array.shape[0] == 1
    return np.asarray(array[0] if single else array, dtype=np.float64)


# --- a chain of rounded steps --------------------------------------------------------------


@dataclasses.dataclass
class RecomputedRun:
    """A run in which each step starts from the printed figures of the steps before it.

    Attributes
    ----------
    computed
        What each quantity comes to, before its printed figures take its place.
    """

    run: Run
    computed: dict[Name, Array] = dataclasses.field(default_factory=dict)

    def array(self, name: Name, rate: float | None = None) -> Array:
        """Return what a quantity comes to."""
        computed = self.computed.get(name)
        return array_of(self.run, name, rate) if computed is None else computed


def chained(
    run: Run,
    inputs: Inputs,
    figures: Mapping[Name, Sequence[PrintedFigure]],
    corrected: Mapping[Name, Array] | None = None,
    mended: frozenset[PrintedFigure] = frozenset(),
) -> RecomputedRun:
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
                right = float(as_written(figure, float(shown[figure.place])))
            elif should is not None and not agrees(figure, float(should[figure.place])):
                right = float(as_written(figure, float(should[figure.place])))
            settled[figure.place] = right
        return settled[None] if single else settled

    result = by_hand(run, inputs, settle)
    return RecomputedRun(result, computed)
