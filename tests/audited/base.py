"""What the audited models share: layers, the usual sample, the usual KL, and the table's row.

Each model is an objective over these layers, written as a user writes it, with its mistake
or with what only looks like one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

Objective = Callable[["Layers", Tensor], Tensor]


class Layers(nn.Module):
    """Encoder, two heads and a decoder; `extra` is for what only one model has."""

    def __init__(self, width: int = 6, hidden: int = 8, latent: int = 3) -> None:
        super().__init__()
        self.width, self.latent = width, latent
        self.encoder = nn.Sequential(nn.Linear(width, hidden), nn.Tanh())
        self.to_mu = nn.Linear(hidden, latent)
        self.to_raw = nn.Linear(hidden, latent)
        self.decoder = nn.Sequential(nn.Linear(latent, hidden), nn.Tanh(), nn.Linear(hidden, width))
        self.extra = nn.ModuleDict()

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.encoder(x)
        return self.to_mu(h), self.to_raw(h)


def part(model: Layers, name: str) -> Any:
    """Return what only one model has; a `ModuleDict` does not know its kind."""
    return model.extra[name]


def sample(mu: Tensor, logvar: Tensor) -> Tensor:
    std = torch.exp(0.5 * logvar)
    return mu + std * torch.randn_like(std)


def kl_each(mu: Tensor, logvar: Tensor) -> Tensor:
    return -0.5 * (1 + logvar - mu.pow(2) - logvar.exp())


def kl_of(mu: Tensor, logvar: Tensor) -> Tensor:
    return torch.sum(kl_each(mu, logvar))


def rows(count: int = 5, width: int = 6, scale: float = 1.0) -> Tensor:
    """Return inputs between 0 and a scale, the same at every call."""
    generator = torch.Generator().manual_seed(17)
    return scale * torch.rand(count, width, generator=generator)


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
