"""A callback for Lightning that watches a training run, without changes to `training_step`.

trainer = Trainer(callbacks=[WatchCallback(page="run.html")])
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from lightning.pytorch import Callback, LightningModule, Trainer

from .api.watching import Watching, watch
from .models.binding.batches import batch_of, first_tensor

if TYPE_CHECKING:
    from .api.watching import WatchPage
    from .models.request import Objective

BY_HAND = (
    "the module optimizes by hand (automatic_optimization is False), so that its training_step "
    "cannot be run again without a further step"
)


class WatchCallback(Callback):
    """Watches the training of one `fit`; see `vae_explain.watch`.

    A close look runs the module's `training_step` again on the current batch, with `self.log`
    silent; anything else that it does, such as writing a picture, happens again.

    Parameters
    ----------
    every, page, record
        As for `watch`.
    objective
        A function of the module and x that returns the loss, instead of `training_step`.

    Attributes
    ----------
    watching
        What is watched; None before the training starts.

    Examples
    --------
    >>> from vae_explain.lightning import WatchCallback
    >>> WatchCallback(every=100).watching is None
    True
    """

    def __init__(
        self,
        every: int = 200,
        page: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] = (),
        record: str | os.PathLike[str] | None = None,
        objective: Objective | None = None,
    ) -> None:
        self.watching: Watching | None = None
        self._how: Mapping[str, Any] = {"every": every, "page": page, "record": record}
        self._objective = objective
        self._batch: tuple[Any, int] = None, 0

    def page(self) -> WatchPage:
        """Return a page of what was seen so far."""
        if self.watching is None:
            raise ValueError("no training has started")
        return self.watching.page()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.watching = watch(
            pl_module,
            objective=self._objective or self._step,
            optimizer=trainer.optimizers,
            around=partial(_silent, pl_module),
            refuse="" if pl_module.automatic_optimization or self._objective else BY_HAND,
            **self._how,
        )
        self.watching.__enter__()

    def _step(self, module: Any, x: Any) -> Any:
        batch, index = self._batch
        return module.training_step(batch_of(batch, x), index)

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        self._batch = batch, batch_idx
        x = first_tensor(batch)
        if self.watching is not None and x is not None:
            self.watching.starts(x)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._close(None)

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        self._close(type(exception))

    def _close(self, kind: type[BaseException] | None) -> None:
        if self.watching is not None and self.watching.is_open:
            self.watching.__exit__(kind)


@contextmanager
def _silent(module: LightningModule) -> Iterator[None]:
    """Let a module log nothing for once."""
    names = ("log", "log_dict")
    for name in names:
        object.__setattr__(module, name, lambda *_, **__: None)
    try:
        yield
    finally:
        for name in names:
            object.__delattr__(module, name)
