"""A row of the table of audited models, and what collects them; their layers are the museum's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from museum.base import Layers, Objective, kl_each, kl_of, part, rows, sample, with_

__all__ = [
    "Audited", "Layers", "Objective", "Table", "kl_each", "kl_of", "part", "rows", "sample",
    "with_",
]  # fmt: skip


@dataclass(frozen=True)
class Audited:
    """One row of the table: a model, the id that it is about, and what it must give.

    `about` is the id that fires, or that must not though it looks like it; `fires` are all
    ids with an error or a warning, no more and no less. `twin` is, for a right model, the name
    of the wrong one that it is the mend of.
    """

    objective: Objective
    about: str
    fires: frozenset[str]
    make: Callable[[], Layers] = Layers
    x: Callable[[], Tensor] = rows
    twin: str = ""

    @property
    def name(self) -> str:
        return getattr(self.objective, "__name__", "model")


class Table:
    """Collects the models of a file: `wrong` for those that fire, `right` for look-alikes."""

    def __init__(self) -> None:
        self.models: list[Audited] = []

    def wrong(
        self,
        about: str,
        *also: str,
        make: Callable[[], Layers] = Layers,
        x: Callable[[], Tensor] = rows,
    ) -> Callable[[Objective], Objective]:
        return self._add(about, frozenset({about, *also}), make, x)

    def right(
        self,
        about: str,
        make: Callable[[], Layers] = Layers,
        x: Callable[[], Tensor] = rows,
        twin: str = "",
    ) -> Callable[[Objective], Objective]:
        return self._add(about, frozenset(), make, x, twin)

    def _add(
        self,
        about: str,
        fires: frozenset[str],
        make: Callable[[], Layers],
        x: Callable[[], Tensor],
        twin: str = "",
    ) -> Callable[[Objective], Objective]:
        def add(objective: Objective) -> Objective:
            self.models.append(Audited(objective, about, fires, make, x, twin))
            return objective

        return add
