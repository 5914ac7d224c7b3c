"""The same model and input under many draws of ε: what one draw says, and what it does not.

A run uses one ε, and everything after z depends on it. Here the run is replayed by its
rules, in float64, once for each draw; what lies before the draw is computed once. Only
sums are kept, so a million draws take no more memory than a hundred.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from itertools import islice

import numpy as np

from ..engine.backward_pass import backward
from ..engine.forward_pass import replay
from ..engine.roles import latents, other_draws, reconstruction, standard_draws
from ..engine.run import Run
from ..ops import NotExplained
from ..quick_classes import dataclass
from ..trace import Array
from .judge import Again, Difference, GradientJudge, gradient_scale, no_run

AT_ONCE = 256  # draws that are added up together
MOST_AT_ONCE = 4_000_000  # numbers in them
PIECE = 32_768  # numbers of them that are added up in one go: as many as a processor keeps near
LATENT = "z"


@dataclass(frozen=True)
class Spread:
    """What a tensor did over the draws, element by element.

    Attributes
    ----------
    mean, std
        Mean, and standard deviation with n − 1.
    positive, negative
        In how many draws an element was above and below zero.
    """

    mean: Array
    std: Array
    positive: Array
    negative: Array

    @property
    def rarer(self) -> Array:
        """In how many draws an element had the rarer of its two signs."""
        return np.minimum(self.positive, self.negative)

    @property
    def sign_changes(self) -> int:
        """How many elements were above zero in some draws and below in others.

        A zero, as behind a closed gate, has no sign and changes none.
        """
        return int(np.count_nonzero(self.rarer))


@dataclass(frozen=True)
class Divergence:
    """The KL term in two ways.

    Attributes
    ----------
    closed_form
        As the loss has it.
    log_ratio
        Of log q(z|x) − log p(z), whose mean is the Monte Carlo estimate of the KL.
    """

    closed_form: float
    log_ratio: Spread
    draws: int

    @property
    def monte_carlo(self) -> float:
        return float(self.log_ratio.mean)

    @property
    def standard_error(self) -> float:
        """The standard deviation of the estimate, from that of one draw."""
        return float(self.log_ratio.std) / math.sqrt(self.draws)


@dataclass(frozen=True)
class Sample:
    """A run under many draws.

    Attributes
    ----------
    latents, reconstruction
        The names of what is drawn, z in the built-in VAE, and of what is compared with x; the
        latter empty if nothing is.
    values
        Of the latents, of the reconstruction, of each term of the loss and of the loss, by
        name.
    gradients
        Of the gradient at each parameter, by the parameter's name.
    divergence
        The KL by its formula and by the draws, of the built-in VAE; None for other models.
    still
        The names of what was drawn from no standard normal and stayed as it was.
    first
        How far the replay of the first draw is from PyTorch's run of it.
    """

    run: Run
    draws: int
    latents: tuple[str, ...]
    reconstruction: str
    values: Mapping[str, Spread]
    gradients: Mapping[str, Spread]
    divergence: Divergence | None
    still: tuple[str, ...]
    first: Difference


def sample(
    run: Run,
    noise: Iterable[Array | tuple[Array, ...]],
    report: Callable[[int], None] = lambda done: None,
    averaged: bool = False,
    divergence: bool = True,
    again: Again = no_run,
) -> Sample:
    """Replay a run under each draw of its noise.

    Parameters
    ----------
    noise
        For each draw one array for each draw from the standard normal, in their order and of
        their shapes; the first is the run's own. At least two.
    report
        Called now and then with how many draws are done.
    averaged
        Whether the loss averages the KL over its elements, where it usually sums them.
    divergence
        Whether to estimate the KL too, which speaks of the built-in VAE's mu, logvar and z.
    again
        See `GradientJudge`.

    Raises
    ------
    NotExplained
        If an op has no rule, so that it cannot be replayed with other numbers.
    """
    if run.graph.not_explained:
        raise NotExplained(f"no rule for {', '.join(run.graph.not_explained)}")
    replays = _Replays(run, averaged, divergence)
    moments = Moments()
    rows = (replays.row(draw) for draw in noise)
    at_once = max(1, min(AT_ONCE, MOST_AT_ONCE // max(replays.width, 1)))
    with np.errstate(all="ignore"):  # an overflow shows as the inf that it is
        while block := list(islice(rows, at_once)):
            moments.add(np.array(block))
            report(moments.count)
    spreads = replays.spreads(moments)
    result = None
    if divergence:
        closed_form = float(run.hand_values[run.value("kl").id])
        result = Divergence(closed_form, spreads.pop(""), moments.count)
    values = {name: spreads.pop(name) for name in replays.values}
    return Sample(
        run=run,
        draws=moments.count,
        latents=replays.latents,
        reconstruction=replays.reconstruction,
        values=values,
        gradients=spreads,
        divergence=result,
        still=other_draws(run),
        first=replays.first(moments, again),
    )


class _Replays:
    """Replays one run under other noise, each draw's numbers laid out in one long row."""

    def __init__(self, run: Run, averaged: bool, divergence: bool) -> None:
        self.run, self.averaged, self.divergence = run, averaged, divergence
        named = run.trace.values
        self.latents = tuple(named[value_id].name or "" for value_id in latents(run))
        made = reconstruction(run)
        self.reconstruction = "" if made is None else named[made].name or ""
        ends = (*(term.value for term in run.trace.terms), run.trace.output)
        shown = (*latents(run), *(() if made is None else (made,)), *ends)
        self.values = {
            named[value_id].name or "loss": value_id for value_id in dict.fromkeys(shown)
        }
        self.parameters = {
            value.name: value.id
            for value in run.trace.parameters
            if value.name and value.id in run.gradients
        }
        self.noise = standard_draws(run)
        graph = run.graph
        self.fixed = {
            value_id: array
            for value_id, array in run.hand_values.items()
            if not graph.depends(value_id, self.noise)
        }
        numbers = {**self.values, **self.parameters}
        self.shapes = {name: named[value_id].shape for name, value_id in numbers.items()}
        if divergence:
            self.shapes[""] = ()
        self.width = sum(math.prod(shape) for shape in self.shapes.values())

    def row(self, draw: Array | tuple[Array, ...]) -> Array:
        """Return values, gradients and log ratio of one draw, one after the other."""
        graph = self.run.graph
        draws = draw if isinstance(draw, tuple) else (draw,)
        noise = dict(zip(self.noise, draws, strict=True))
        values = replay(graph, {**self.fixed, **noise})
        gradients = backward(graph, values, self.run.trace.output)
        parts = [values[value_id] for value_id in self.values.values()]
        parts += [gradients[value_id] for value_id in self.parameters.values()]
        if self.divergence:
            parts.append(self._log_ratio(values))
        return np.concatenate([part.ravel() for part in parts])

    def _log_ratio(self, values: Mapping[int, Array]) -> Array:
        """Return log q(z|x) − log p(z) of one draw, for all rows and dimensions."""
        mu, logvar, z = (values[self.run.value(name).id] for name in ("mu", "logvar", LATENT))
        # The constant log 2π stands in both densities and cancels.
        log_q = -0.5 * (logvar + (z - mu) ** 2 / np.exp(logvar))
        log_p = -0.5 * z**2
        ratio = log_q - log_p
        return np.asarray(ratio.mean() if self.averaged else ratio.sum())

    def parts(self, row: Array) -> dict[str, Array]:
        """Give each name its part of a row back, in its own shape."""
        parts, start = {}, 0
        for name, shape in self.shapes.items():
            end = start + math.prod(shape)
            parts[name] = row[start:end].reshape(shape)
            start = end
        return parts

    def spreads(self, moments: Moments) -> dict[str, Spread]:
        """Return what each name's part did over the draws."""
        mean, std, positive, negative = map(self.parts, moments.rows())
        return {
            name: Spread(mean[name], std[name], positive[name], negative[name])
            for name in self.shapes
        }

    def first(self, moments: Moments, again: Again) -> Difference:
        """Hold the first draw's numbers against PyTorch's of the run."""
        judge, mine = GradientJudge(self.run, again), self.parts(moments.origin)
        differences = [judge.value(value_id, mine[name]) for name, value_id in self.values.items()]
        differences += [
            judge.autograd(value_id, gradient_scale(self.run, value_id), mine[name])
            for name, value_id in self.parameters.items()
        ]
        return max(differences, key=lambda each: (not each.passed, each.relative))


class Moments:
    """Running sums of rows, relative to the first, so that what never moves has no spread."""

    def __init__(self) -> None:
        self.count = 0
        self.origin: Array = np.zeros(0)

    def add(self, block: Array) -> None:
        """Add rows, in pieces, so that what is made on the way stays small beside them."""
        width = block.shape[1]
        if not self.count:
            self.origin = block[0].copy()
            self._mean, self._squares = np.zeros((2, width))
            self._positive, self._negative = np.zeros((2, width), np.int32)
        total = self.count + len(block)
        piece = max(1, PIECE // len(block))
        for start in range(0, width, piece):
            self._add(block, slice(start, start + piece), total)
        self.count = total

    def _add(self, block: Array, piece: slice, total: int) -> None:
        """Add a piece of each row; sums of squares join as in Chan, Golub and LeVeque (1983)."""
        rows, size = block[:, piece], len(block)
        shifted = rows - self.origin[piece]
        mean = shifted.mean(axis=0)
        apart = mean - self._mean[piece]
        self._squares[piece] += ((shifted - mean) ** 2).sum(axis=0)
        self._squares[piece] += apart**2 * (self.count * size / total)
        self._mean[piece] += apart * (size / total)
        self._positive[piece] += np.count_nonzero(rows > 0, axis=0)
        self._negative[piece] += np.count_nonzero(rows < 0, axis=0)

    def rows(self) -> tuple[Array, Array, Array, Array]:
        """Return the means, the standard deviations and how often each was above and below 0."""
        return (
            self.origin + self._mean,
            np.sqrt(self._squares / (self.count - 1)),
            self._positive,
            self._negative,
        )
