"""One run in one arithmetic: the numbers that are shown, and PyTorch's to check them against.

`printed` starts from the parameters and the noise as a page prints them, rounded to 4 decimals
or to as many as are asked for, and computes by hand in float64. `full` shows PyTorch's own
float32 numbers. Either way every shown number stands beside one that PyTorch computed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import field, replace
from functools import cached_property
from typing import Literal

import numpy as np

from ..errors import UserError
from ..quick_classes import NamedTuple, dataclass
from ..symbolic.error_bound import Precision
from ..trace import Array, OnDemand, Trace, Value, pieces, shared
from .backward_pass import backward
from .forward_pass import Adjust, Arrays, replay
from .graph import Graph
from .loss_call import LossCall

Arithmetic = Literal["printed", "full"]
PRINTED_DECIMALS = 4


class NotFinite(UserError):
    """A run whose loss overflowed, or is no number at all.

    Attributes
    ----------
    first
        The name of the first value that was not finite.
    undefined
        Whether that is NaN, as the logarithm of a negative number, and no infinity.
    """

    def __init__(self, first: str, undefined: bool = False) -> None:
        super().__init__(f"{first} is {'NaN' if undefined else 'not finite'}")
        self.first, self.undefined = first, undefined

    @property
    def command_line_words(self) -> str:
        if self.undefined:
            return (
                f"the run gives no number: {self.first} is the first value that holds NaN, as of "
                "the logarithm or a root of a negative number; audit shows what went into it"
            )
        return (
            f"the run overflows: {self.first} is the first value that is not finite; "
            "try smaller numbers for --x or --eps"
        )


@dataclass(frozen=True)
class Run:
    """The numbers of one run.

    Attributes
    ----------
    trace
        PyTorch's record, in the precision of this arithmetic.
    values
        Every value as shown, by id.
    gradients
        The gradient of the loss at each value, as shown, by id.
    term_gradients
        The same for each term of the loss, by the term's name.
    seed
        The seed, if any parameter or draw came from it.
    label
        What was run, for a header: `VAE 4→8→2→8→4`.
    eps_given, weights_given
        Whether the first draw, and the parameters, were given instead of made from the seed.
    loss_call
        How the loss of a user's model was called, for a header too; None for the built-in VAE.
    varies
        Whether the model gave another loss or gradient when it ran again, with the same draws.
    decimals
        What the arithmetic `printed` rounds parameters and noise to.
    changed
        Entries that were set by hand, as `fc1.weight[0,1]=0.5`.
    """

    trace: Trace = field(repr=False)
    arithmetic: Arithmetic
    seed: int | None
    label: str
    values: Arrays = field(repr=False)
    gradients: Arrays = field(repr=False)
    term_gradients: Mapping[str, Arrays] = field(repr=False)
    graph: Graph = field(repr=False)
    eps_given: bool = False
    loss_call: LossCall | None = None
    varies: bool = False
    decimals: int = PRINTED_DECIMALS
    changed: tuple[str, ...] = ()
    weights_given: bool = False

    @cached_property
    def hand_values(self) -> dict[int, Array]:
        """The forward pass by the rules, in float64, from the shown inputs."""
        return dict(self.values) if self.arithmetic == "printed" else replay(self.graph)

    @cached_property
    def hand_gradients(self) -> dict[int, Array]:
        """The backward pass by the rules, in float64."""
        return backward(self.graph, self.hand_values, self.trace.output)

    def value(self, name: str) -> Value:
        """Return a named value's record; `KeyError` when no value has that name."""
        return self.trace.by_name[name]

    def known_as(self, name: str) -> str:
        """Return a value's name in this run: `loss` is the loss, whatever the code calls it."""
        own = self.trace.loss.name
        return own if own and name == "loss" and name not in self.trace.by_name else name

    def array(self, name: str) -> Array:
        """Return a named value's numbers as shown."""
        return self.values[self.value(name).id]

    def gradient(self, name: str) -> Array:
        """Return the gradient at a named value as shown."""
        return self.gradients[self.value(name).id]

    def gradients_of(self, term: str | None) -> Arrays:
        """Return the gradients of one term of the loss as shown; of the whole loss for None."""
        return self.gradients if term is None else self.term_gradients[term]

    @cached_property
    def learning(self) -> tuple[int, ...]:
        """The ids of the parameters that the loss has a gradient at."""
        values = self.trace.values
        return tuple(n for n in sorted(self.gradients) if values[n].kind == "parameter")

    @cached_property
    def precision(self) -> Precision:
        """The arithmetic of the numbers that this run's lines are compared with.

        It is the one with the fewest digits on the way to the loss: a model in float64 may well
        return a float32, or the other way round.
        """
        values, reached = self.trace.values, self.graph.reaches_loss
        dtypes = {values[n].array.dtype for n in reached if values[n].kind == "intermediate"}
        dtypes = dtypes or {self.trace.loss.array.dtype}  # of a loss that nothing computes
        real = [np.finfo(dtype) for dtype in dtypes if np.issubdtype(dtype, np.inexact)]
        return Precision.of(max(real, key=lambda info: float(info.eps)))

    @cached_property
    def as_recorded(self) -> Run:
        """The same run with PyTorch's own numbers, each line of which stands by itself."""
        return self if self.arithmetic == "full" else full_run(self.trace, self.seed, self.label)

    def agrees_with(self, loss: Array, gradients: Mapping[str, Array]) -> bool:
        """Whether another run gave PyTorch the same loss and gradients, in half the digits.

        Parameters
        ----------
        gradients
            At the parameters, by name.
        """
        recorded = self.trace.loss.array
        near = math.sqrt(float(np.finfo(recorded.dtype).eps))
        learns = {self.trace.values[n].label: self.trace.gradients[n] for n in self.learning}
        pairs = [(recorded.reshape(()), loss.reshape(()))]
        pairs += [(array, gradients[name]) for name, array in learns.items() if name in gradients]
        return all(
            mine.shape == theirs.shape and _is_near(mine, theirs, near * _largest(mine))
            for mine, theirs in pairs
        )

    def loss_is(self, other: Run) -> bool:
        """Whether another run has the same loss, to the last digit."""
        ours, theirs = (run.values[run.trace.output] for run in (self, other))
        return bool(np.array_equal(ours, theirs, equal_nan=True))

    @cached_property
    def is_finite(self) -> bool:
        """Whether the loss and all of its gradients are numbers."""
        arrays = (self.values[self.trace.output], *self.gradients.values())
        return all(bool(np.isfinite(array).all()) for array in arrays)

    def require_finite(self) -> None:
        """Raise `NotFinite` when the loss, or a gradient of it, overflowed."""
        if self.is_finite:
            return
        for value in self.trace.values:
            array = self.values[value.id]
            if value.name and not np.isfinite(array).all():
                raise NotFinite(value.name, not np.isinf(array).any())
        for value_id, gradient in sorted(self.gradients.items(), reverse=True):
            name = self.trace.values[value_id].name
            if name and not np.isfinite(gradient).all():
                raise NotFinite(f"{name}.grad", not np.isinf(gradient).any())
        raise NotFinite("loss")


class Recordings(NamedTuple):
    """A run, and the same under other conditions: how they differ shows what one run cannot.

    None of them needs to be finite. A run that the model cannot make is None, such as one of twice
    the rows by a model whose batch size is fixed.

    Attributes
    ----------
    run
        As asked.
    twice
        With every row of the input twice: what a loss does over the batch.
    redrawn
        With other draws, from PyTorch's generator and NumPy's: what is drawn.
    switched
        In the other mode, evaluation for training: what depends on it.
    training
        Whether the model is in the mode for training in `run`.
    unmoved
        The arguments that leave the loss as it is, to the last digit: the name, the value that
        was given and the one that was tried.
    """

    run: Run
    twice: Run | None = None
    redrawn: Run | None = None
    switched: Run | None = None
    training: bool = True
    unmoved: tuple[tuple[str, float, float], ...] = ()


def _largest(array: Array) -> float:
    """Return the size of the largest number that is finite; 0 where none is."""
    return max(
        (float(np.abs(some[np.isfinite(some)]).max(initial=0.0)) for some in pieces(array)),
        default=0.0,
    )


def _is_near(array: Array, other: Array, within: float) -> bool:
    return all(
        np.allclose(ours, theirs, rtol=0, atol=within, equal_nan=True)
        for ours, theirs in zip(pieces(array), pieces(other), strict=True)
    )


def full_run(
    trace: Trace,
    seed: int | None,
    label: str,
    eps_given: bool = False,
    loss_call: LossCall | None = None,
    graph: Graph | None = None,
    decimals: int = PRINTED_DECIMALS,
    changed: tuple[str, ...] = (),
    weights_given: bool = False,
) -> Run:
    """Show PyTorch's own numbers; the graph is that of the trace where there is one already."""
    return Run(
        trace=trace,
        arithmetic="full",
        seed=seed,
        label=label,
        values={value.id: value.array for value in trace.values},
        gradients=trace.gradients,
        term_gradients=trace.term_gradients,
        graph=graph or Graph(trace),
        eps_given=eps_given,
        loss_call=loss_call,
        decimals=decimals,
        changed=changed,
        weights_given=weights_given,
    )


def by_hand(
    run: Run,
    replacements: Arrays | None = None,
    adjust_value: Adjust | None = None,
    adjust_gradient: Adjust | None = None,
) -> Run:
    """Show the numbers made by hand, in float64, from the values that a run starts from.

    Parameters
    ----------
    replacements
        Arrays to use in place of the recorded ones, by value id.
    adjust_value, adjust_gradient
        Called with each computed value, or whole gradient of the loss, before anything is
        computed from it.
    """
    graph, trace = run.graph, run.trace
    values = replay(graph, replacements, adjust_value)
    gradients = backward(graph, values, trace.output, adjust=adjust_gradient)

    def of_term(name: str) -> Arrays:
        term = trace.term(name)
        own = backward(graph, values, term.value, term.weight)
        return {n: shared(array, gradients.get(n)) for n, array in own.items()}

    return replace(
        run,
        arithmetic="printed",
        values=values,
        gradients=gradients,
        term_gradients=OnDemand([term.name for term in trace.terms], of_term),
    )
