"""A model with its input and its loss, made ready: what is explained, trained and nudged.

The built-in VAE and a user's own model are alike from here on. A model may keep something of its
runs, such as a β that grows with each. A training loop runs it once a step and no more; after any
other run what it keeps is put back.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from ..engine.loss_call import LossCall
from ..engine.run import PRINTED_DECIMALS, Arithmetic, Run, by_hand, full_run
from ..errors import UserError
from ..quick_classes import dataclass
from ..recording.bounded_run import bounded
from ..recording.noise_run import draws_of_run, loss_and_gradients
from ..recording.random_draws import ModelDtypes
from ..recording.recorder import record
from ..recording.tensor_arrays import array_of
from ..symbolic.decimals import rounded, shortest_of
from ..trace import Array, Trace
from .binding.loss_binding import Computed
from .changes import Change
from .explicable import require_explicable
from .kept_state import generators_beside_pytorch, holders_of, unchanged
from .model_copies import in_float64

# Runs a model on an input and returns its loss, one number, and the call that gave it.
Objective = Callable[[nn.Module, Tensor], Computed]


@dataclass(frozen=True)
class RunWithModel:
    """A run together with the model that made it.

    Attributes
    ----------
    model
        The model as it ran: in the arithmetic `printed`, one in float64 whose parameters
        are rounded.
    again
        Runs the model once more as it is now, on the same input with the same noise, for its
        values alone. What overflows then is returned as it is.
    repeats
        Runs the model once more, and says whether it gives the same loss and gradients.
    """

    run: Run
    model: nn.Module
    again: Callable[[], Run]
    repeats: Callable[[], bool]


@dataclass(frozen=True)
class PreparedModel:
    """A model with its input and its loss.

    Attributes
    ----------
    label
        The model's name in a header.
    generator
        The state of PyTorch's generator before the run: its first draw comes next.
    made_by_seed, weights_given
        Whether the seed gave the model any of its numbers, and whether a file gave parameters.
    noise
        Numbers to use in place of the first draws from the standard normal.
    drawn_in
        For a model that was made float64: the precision that it draws in as before.
    typed
        An x of float32 as it was typed, in float64: 0.9, not 0.8999999762. None where nobody
        typed it.
    decimals
        What the arithmetic `printed` rounds parameters and noise to.
    changes
        The entries that were set by hand.
    most_numbers
        How many numbers a run may have, x among them; None for as many as it has.
    """

    model: nn.Module
    x: Tensor
    objective: Objective
    label: str
    seed: int | None
    generator: Tensor
    made_by_seed: bool = False
    weights_given: bool = False
    noise: tuple[Tensor, ...] = ()
    drawn_in: ModelDtypes | None = None
    typed: Tensor | None = None
    decimals: int = PRINTED_DECIMALS
    changes: tuple[Change, ...] = ()
    most_numbers: int | None = None

    def run(
        self, redrawn: Sequence[Tensor] = (), lasting: bool = True, gradients: bool = True
    ) -> Run:
        """Record a run in the arithmetic `full`; model and generator stay as they were.

        Parameters
        ----------
        redrawn
            The draws of an earlier run, to repeat it.
        lasting
            Whether the model may be changed while the numbers are still wanted.
        gradients
            Whether to take gradients at all.
        """
        return self.run_of(*self._record(redrawn, lasting, gradients))

    def run_of(self, trace: Trace, call: LossCall | None, drawn_beside: bool = False) -> Run:
        """Return the run of a record, with its seed if anything came from it.

        Parameters
        ----------
        drawn_beside
            Whether anything was drawn by Python or NumPy.
        """
        drawn = drawn_beside or len(trace.draws) > len(self.noise)
        return full_run(
            trace,
            self.seed if drawn or self.made_by_seed else None,
            self.label,
            bool(self.noise),
            call,
            decimals=self.decimals,
            changed=tuple(change.text for change in self.changes),
            weights_given=self.weights_given,
        )

    def run_in(
        self, arithmetic: Arithmetic, lasting: bool = True, like: Run | None = None
    ) -> RunWithModel:
        """Record a run in one arithmetic, and keep the model that made it with it.

        Parameters
        ----------
        like
            A run in the arithmetic `full`, whose draws that in `printed` rounds; without it
            the model runs once more to draw them.
        """
        if arithmetic == "full":
            run = self.run(lasting=lasting)
            again = partial(self.run, draws_of(run.trace), lasting=False, gradients=False)
            return RunWithModel(run, self.model, again, partial(self.repeats, run))
        exact = self.rounded()
        draws = self.draws() if like is None else draws_of(like.trace)
        drawn = [torch.from_numpy(rounded(array_of(draw), self.decimals)) for draw in draws]

        def redone(lasting: bool = False, gradients: bool = False) -> Run:
            with default_precision(torch.float64):
                return by_hand(exact.run(drawn, lasting, gradients))

        def repeats() -> bool:
            with default_precision(torch.float64):
                return exact.repeats(run)

        run = redone(lasting, gradients=True)
        return RunWithModel(run, exact.model, redone, repeats)

    def repeats(self, run: Run) -> bool:
        """Whether the model gives the loss and the gradients of a run again, with its draws."""
        with self.drawing(), unchanged(self.holders):
            again = loss_and_gradients(
                lambda: self.objective(self.model, self.x).loss, self.model, draws_of(run.trace)
            )
        self._put_back_x(run.trace)
        return run.agrees_with(*again)

    def draws(self) -> list[Tensor]:
        """Return what a run draws, in order; model and generator stay as they were."""

        def objective() -> Computed:
            return self.objective(self.model, self.x)

        with self.drawing(), unchanged(self.holders):
            bound = bounded(self.most_numbers, [self.x])
            return draws_of_run(objective, self.model, self.noise, bound)

    def rounded(self) -> PreparedModel:
        """Return the same in float64, parameters rounded as a page prints them, x as written."""
        exact = self.in_float64()
        if self.x.dtype == torch.float32:
            exact = dataclasses.replace(exact, x=self.written())
        with torch.no_grad():
            for parameter in exact.model.parameters():
                parameter.copy_(torch.from_numpy(rounded(array_of(parameter), self.decimals)))
        return exact

    def written(self) -> Tensor:
        """Return an x of float32 as it was typed, or by the shortest decimals of each number."""
        if self.typed is not None:
            return self.typed.clone()
        return torch.from_numpy(shortest_of(array_of(self.x)))

    def in_float64(self) -> PreparedModel:
        """Return the same with a copy of the model, in float64."""
        x = self.x.detach()
        exact = x.to(torch.float64, copy=True) if x.is_floating_point() else x
        model = in_float64(self.model)
        floating = (each.dtype for each in self.model.parameters() if each.is_floating_point())
        before = torch.get_default_dtype()
        drawn_in = self.drawn_in or ModelDtypes(before, next(floating, before))
        return dataclasses.replace(self, model=model, x=exact, drawn_in=drawn_in)

    def run_in_float64(self, like: Run) -> Run:
        """Record a run in float64, with the draws of another."""
        drawn = [draw.double() for draw in draws_of(like.trace)]
        with default_precision(torch.float64):
            return self.in_float64().run(drawn)

    def require_drawn(self, command: str) -> None:
        """Raise an error if noise was set, for a command that draws anew at each run."""
        if self.noise:
            text = self.changes[-1].text if self.changes else None
            mend = f"{command} draws its own noise; leave it out, or use forward"
            raise UserError(mend, "--set", text)

    def watched(self, gradients: bool) -> tuple[Computed, Trace]:
        """Record a run that counts, with its backward pass: what it changes stays changed.

        Returns
        -------
        tuple
            The loss, behind its backward pass, and the record, without gradients if they are
            not wanted.
        """
        buffers = list(self.model.buffers())
        left: list[tuple[Computed, Tensor, list[Tensor]]] = []

        def once() -> Computed:
            computed = self.objective(self.model, self.x)
            state = torch.get_rng_state()
            if computed.loss.requires_grad:
                # Here, before the record puts the buffers back, which the graph may still need.
                torch.autograd.backward(computed.loss, retain_graph=gradients)
            left.append((computed, state, [b.detach().clone() for b in buffers]))
            return computed

        trace, *_ = self._record((), lasting=True, gradients=gradients, objective=once)
        computed, generator, written = left[-1]
        torch.set_rng_state(generator)
        with torch.no_grad():
            for buffer, after in zip(buffers, written, strict=True):
                buffer.copy_(after)
        return computed, trace

    @property
    def holders(self) -> list[object]:
        """What may keep something of a run: the model, its loss, and the files of both."""
        return holders_of(self.model, *getattr(self.objective, "functions", ()))

    def drawing(self) -> AbstractContextManager[None]:
        """Draw in float64 what the model drew before; the recorder has to be inside of it."""
        return self.drawn_in.drawing() if self.drawn_in else nullcontext()

    def _record(
        self,
        redrawn: Sequence[Tensor],
        lasting: bool,
        gradients: bool = True,
        objective: Callable[[], Computed] | None = None,
    ) -> tuple[Trace, LossCall | None, bool]:
        calls: list[tuple[LossCall | None, bool]] = []

        def loss() -> Tensor:
            before = generators_beside_pytorch()
            computed = objective() if objective else self.objective(self.model, self.x)
            calls.append((computed.call, generators_beside_pytorch() != before))
            return computed.loss

        with self.drawing(), nullcontext() if objective else unchanged(self.holders):
            trace = record(
                loss,
                modules={"": self.model},
                inputs={"x": self.x},
                noise=() if redrawn else self.noise,
                redrawn=redrawn,
                lasting=lasting,
                gradients=gradients,
                most=self.most_numbers,
            )
        if not objective:
            self._put_back_x(trace)
        require_explicable(trace)
        return trace, *calls[-1]

    def _put_back_x(self, trace: Trace) -> None:
        """Give x the numbers that it had, where a run has written to it."""
        before, now = trace.by_name["x"].array, array_of(self.x)
        if not (np.may_share_memory(before, now) or np.array_equal(before, now)):
            with torch.no_grad():
                self.x.copy_(torch.tensor(before))


def draws_of(trace: Trace) -> list[Tensor]:
    """Return all that a run drew, in order."""
    drawn = (draw.array for draw in trace.draws)
    return [torch.from_numpy(array.copy()) for array in drawn]


def parameters_of(model: nn.Module) -> dict[str, Array]:
    """Return copies of a model's parameters, by name."""
    return {name: array_of(p).copy() for name, p in model.named_parameters()}


@contextmanager
def default_precision(dtype: torch.dtype) -> Iterator[None]:
    """Make tensors such as `torch.zeros(3)` in this precision, until the end of the block."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
