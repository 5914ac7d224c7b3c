"""What the sentences on a run ask of it: its squared error, its gates, its noise, its terms."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from ...engine.formulas import Steps, gradient_name
from ...engine.roles import reconstruction, standard_draws
from ...engine.run import Run
from ...quick_classes import NamedTuple
from ...symbolic.expression import Index, Ref
from ...symbolic.text import index_text
from ...trace import Array, pieces
from ..blocks import Quantity
from .captions import term_words
from .shares import TermShares

RATE = 0.01  # of the step that is tried, where no other is asked for
DRAWS = 64  # other draws of the noise that are tried
# Of a run that is replayed for this, by numbers or step by step; of a larger one less is said.
MOST_NUMBERS, MOST_OPERATIONS = 200_000, 1000


class SquaredError(NamedTuple):
    """A squared error in the loss.

    Attributes
    ----------
    made, x
        The reconstruction and the input.
    times
        What the squares are multiplied by.
    arrays
        The numbers of the two.
    """

    made: int
    x: int
    times: float
    arrays: tuple[Array, Array]

    def amounts(self) -> Iterator[Array]:
        """Yield what each number of the reconstruction adds to the loss, not too many at once."""
        for apart in _apart(*self.arrays):
            yield self.times * apart * apart


def _apart(recon: Array, x: Array) -> Iterator[Array]:
    """Yield by how much a reconstruction is off, not too many numbers at once."""
    for made, given in zip(pieces(recon), pieces(x), strict=True):
        yield np.subtract(made, given, dtype=np.float64)


class Facts:
    """A run, and what several rules ask of it.

    Parameters
    ----------
    lr
        The learning rate of the step that is tried.
    """

    def __init__(self, run: Run, lr: float = RATE) -> None:
        self.run, self.lr = run, lr
        self.steps = Steps(run)
        self.terms = TermShares(self.steps, None)
        few = len(run.trace.operations) <= MOST_OPERATIONS
        self.small = few and run.trace.numbers <= MOST_NUMBERS

    def name(self, value_id: int) -> str:
        return self.run.trace.values[value_id].label

    def named(self, number: Quantity) -> Quantity:
        """Return a link to a number that is named, not written: `mu[0]`."""
        ref = number.number
        return number._replace(words=ref.name.split("/∂")[-1] + index_text(ref.index or ()))

    def place(self, value_id: int, index: Index) -> Quantity:
        """Name a place by the gradient there."""
        return self.named(self.gradient(value_id, index))

    def value(self, value_id: int, index: Index = ()) -> Quantity:
        """Return a number of the run, which a page can link to where it is made."""
        number = float(self.run.values[value_id][index].item())
        at = self.steps.shown_index(value_id, index)
        return Quantity(Ref(self.name(value_id), at, "value", number), "gradient")

    def gradient(self, value_id: int, index: Index) -> Quantity:
        number = float(self.run.gradients[value_id][index])
        at = self.steps.shown_index(value_id, index)
        name = gradient_name(self.run, value_id)
        return Quantity(Ref(name, at, "gradient", number), "gradient")

    def term(self, name: str) -> tuple[str, int, float]:
        """Return a term's word, its value's id and its weight."""
        term = self.run.trace.term(name)
        return term_words(name), term.value, term.weight

    @cached_property
    def gates(self) -> list[tuple[int, int]]:
        """The layers of gates, such as ReLUs: each with the value that goes into it."""
        counts = []
        for value_id in self.steps.named():
            bound = self.run.graph.producer(value_id)
            before = bound.sources.get(0) if bound and bound.rule and bound.rule.gate else None
            if before is not None and self.run.values[value_id].ndim:
                counts.append((value_id, before))
        return counts

    @cached_property
    def other_draws(self) -> tuple[int, Array] | None:
        """The noise of the run, and other draws of it to try; None where it has no single one."""
        draws = standard_draws(self.run)
        if len(draws) != 1 or not self.small:
            return None
        shape = DRAWS, *self.run.trace.values[draws[0]].shape
        return draws[0], np.random.default_rng(0).standard_normal(shape)

    @cached_property
    def error(self) -> SquaredError | None:
        """The squared error of the input, as the gradient of the loss tells; None without one."""
        made = reconstruction(self.run)
        if made is None or made not in self.run.gradients:
            return None
        recon, slope = self.run.values[made], self.run.gradients[made]
        steepest = max((float(np.abs(some).max()) for some in pieces(slope)), default=0.0)
        for value in self.run.trace.values:
            if value.kind != "input" or value.shape != recon.shape:
                continue
            arrays = recon, self.run.values[value.id]
            size = sum(float((some * some).sum()) for some in _apart(*arrays))
            both = zip(pieces(slope), _apart(*arrays), strict=True)
            along = sum(float((of_slope * some).sum()) for of_slope, some in both)
            twice = along / size if size else 0.0
            if twice > 0 and all(
                np.allclose(of_slope, twice * some, rtol=1e-3, atol=1e-5 * steepest)
                for of_slope, some in zip(pieces(slope), _apart(*arrays), strict=True)
            ):
                return SquaredError(made, value.id, twice / 2, arrays)
        return None

    @cached_property
    def scales(self) -> tuple[str, float, float] | None:
        """How a squared error is written, the Gaussian's variance that it assumes, and the KL's β.

        None where the loss is not one squared error and one KL.
        """
        if not self.small or self.error is None:
            return None
        from ...analysis.audit.evidence.anatomy import Anatomy
        from ...analysis.audit.evidence.finding import NotApplied
        from ...analysis.audit.rules.loss_scale import both_scales, effective_beta

        try:
            (error, *others), kls = both_scales(Anatomy(self.run.as_recorded))
        except NotApplied:
            return None
        of_one = not others and error.range is None and error.measure == "squared error"
        if not of_one or len(kls) != 1 or not kls[0].weight > 0:
            return None
        half = "with its ½" if error.halved else "without a ½"
        return half, kls[0].weight / (2 * error.weight), effective_beta(error, kls[0])
