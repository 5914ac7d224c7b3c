"""The plain numbers that a model keeps, such as a count of its runs that its loss depends on.

One that raises its β by and by is another model after each run. What runs it several times to
look at one run puts them back in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn


class Counts:
    """The plain numbers of a model's modules as they were when this was made."""

    def __init__(self, modules: Iterable[object]) -> None:
        self._before = [(vars(module), _numbers(vars(module))) for module in modules]

    def put_back(self) -> None:
        """Give the model its numbers back.

        A number that came since is taken out: `self.runs += 1` makes one of the object where
        the first is its class's, `runs = 0`.
        """
        for attributes, before in self._before:
            for name in _numbers(attributes).keys() - before.keys():
                del attributes[name]
            attributes.update(before)


@contextmanager
def uncounted(model: nn.Module) -> Iterator[None]:
    """Give a model its numbers back behind a run that is not to count."""
    counts = Counts(model.modules())
    try:
        yield
    finally:
        counts.put_back()


def _numbers(attributes: dict[str, Any]) -> dict[str, int | float]:
    return {name: value for name, value in attributes.items() if isinstance(value, int | float)}
