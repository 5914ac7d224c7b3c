"""A training run watched: each step looked at in passing, and some of them closely."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ...errors import UserError
from ...models.prepared_model import PreparedModel
from ...models.training_loop import Loop, Optimizer, Step
from ...pipeline import recordings_of
from .look import close_look
from .records import Look, Watched

EVERY = 200
LEAP, BEFORE = 4.0, 10  # a loss of so many times the mean of so many steps is looked at
FEWEST_BETWEEN = 20  # steps between two looks for a leap


class Watcher:
    """Watches a training loop while it is entered; what it saw is in `watched`.

    Parameters
    ----------
    ready
        The model with its objective.
    optimizers
        Those that train it.
    errors
        Entered around each run of a step again; turns what the user's code raises into one line.
    every
        How many steps lie between two close looks.
    around
        Entered around each close look, to keep silent what the model would tell of it.
    refuse
        Why no step can be run again; empty where each can.
    """

    def __init__(
        self,
        ready: PreparedModel,
        optimizers: Sequence[Optimizer],
        errors: Callable[[], AbstractContextManager[None]],
        every: int = EVERY,
        around: Callable[[], AbstractContextManager[Any]] = nullcontext,
        refuse: str = "",
    ) -> None:
        self.loop = Loop(ready, optimizers, self._see, around)
        self.watched = Watched(ready.label)
        self._errors, self._every, self._refuse = errors, every, refuse

    def __enter__(self) -> Watcher:
        self.loop.__enter__()
        watched, loop = self.watched, self.loop
        watched.not_optimized = tuple(loop.not_optimized())
        watched.strangers = loop.strangers()
        watched.parameters = sum(1 for p in loop.ready.model.parameters() if p.requires_grad)
        watched.of_modes = tuple(loop.of_modes())
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.loop.__exit__()
        watched = self.watched
        watched.backwards = self.loop.backwards
        if kind is not None:
            watched.ended = kind.__name__
        if watched.not_finite_at is None and self.loop.start is not None:
            self._look(watched.steps, "the end", None)

    def _see(self, step: Step) -> None:
        watched = self.watched
        watched.losses.append(step.loss)
        watched.training.append(step.training)
        if step.kept:
            watched.kept.append(step.number)
        if step.empty:
            watched.empty.append(step.number)
        if watched.not_finite_at is not None:
            return
        if not step.finite:
            watched.not_finite_at = step.number
            self._look(step.number, "not finite", step.loss)
        elif why := self._wanted(step):
            watched.not_optimized = tuple(self.loop.not_optimized())
            self._look(step.number, why, step.loss)

    def _wanted(self, step: Step) -> str:
        """Say what a step is to be looked at for; nothing for most."""
        losses, modes = self.watched.losses, self.watched.training
        if step.number == 0:
            return "the first step"
        if step.number % self._every == 0:
            return f"every {self._every} steps"
        if modes[-2] != modes[-1]:
            return f"{'training' if modes[-1] else 'evaluation'} mode from here on"
        if len(self.watched.kept) == 1 and step.kept:
            return "gradients not reset"
        before = losses[-BEFORE - 1 : -1]
        mean = sum(map(abs, before)) / len(before)
        far = step.number - self.watched.looks[-1].step >= FEWEST_BETWEEN
        return "the loss leapt" if far and step.loss > LEAP * mean > 0 else ""

    def _look(self, number: int, why: str, loss: float | None) -> None:
        """Record and audit the step at hand. Whatever fails is said, and the training goes on."""
        start = self.loop.start
        if self._refuse:
            look = Look(number, why, loss, refused=self._refuse)
        elif start is None:
            look = Look(number, why, loss, refused="the model was not called as model(x)")
        else:
            try:
                with self.loop.again() as ready:
                    recordings = recordings_of(ready, self._errors)
                if not recordings.run.is_finite:  # before an update, or behind the last
                    self.watched.frozen, self.watched.not_finite_at = recordings.run, number
                kept = self.watched.kept[-1:] == [number]
                norms = self.loop.norms() if kept else {}
                look = close_look(recordings, number, why, loss, norms)
            except UserError as reason:
                look = Look(number, why, loss, refused=str(reason).splitlines()[0])
            except Exception as error:  # a training of hours does not end for a fault of ours
                what = f"{type(error).__name__}: {error}".splitlines()[0]
                look = Look(number, why, loss, refused=f"the audit itself failed, by {what}")
        self.watched.looks.append(look)
