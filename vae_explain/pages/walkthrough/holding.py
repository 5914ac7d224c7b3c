"""Which of the captions hold for a run: none is written that its numbers belie.

A caption goes with a name, such as `kl`, and says what a VAE's value of that name is. In
somebody's model it may be something else: a divergence of other distributions, a mean
over rows. So each is asked of the run first.
"""

from __future__ import annotations

import numpy as np

from ...engine.graph import BoundOperation
from ...engine.run import Run
from ...ops.layout.random import NORMAL, RANDN
from ...trace import Array
from .captions import (
    DIVIDED,
    IN_PROPORTION,
    MEAN_OF_SQUARES,
    backward_words,
    counted,
    forward_words,
    plain_name,
    title,
)
from .page import rule_words

BINARY = ("binary_cross_entropy", "binary_cross_entropy_with_logits")
LATENT = ("mu", "logvar", "variance", "std", "z")


class Holding:
    """The captions of one run."""

    def __init__(self, run: Run) -> None:
        self.run = run
        drawn = (RANDN.words, NORMAL.words)
        self._noise = [n for n in run.trace.producer if rule_words(run, n) in drawn]

    # --- what is said ---

    def title(self, number: int) -> str:
        """Return a section's title for the value that opens it."""
        name = self._name(number)
        return title(name) if self._titled(number, plain_name(name)) else name

    def forward(self, number: int) -> str:
        """Return the sentence that goes with a value, or nothing."""
        name = self._name(number)
        if not self._forward(number, plain_name(name)):
            return ""
        if plain_name(name) == "mse" and self._is_mean(number):
            return MEAN_OF_SQUARES
        return forward_words(name)

    def backward(self, number: int) -> str:
        """Return the sentence that goes with a value's gradient, or nothing."""
        name = self._name(number)
        if not self._backward(number, plain_name(name)):
            return ""
        if plain_name(name) == "recon_x":
            return self._slope_of_squares(number)
        return backward_words(name)

    # --- whether it holds ---

    def _titled(self, number: int, name: str) -> bool:
        value = self.run.trace.values[number]
        if name == "x":
            return value.kind == "input"
        if name in LATENT:
            return self._is_latent(number)
        if name == "eps":
            return number in self._noise
        if name == "recon_x":
            sizes = [v.array.size for v in self.run.trace.values if v.kind == "input"]
            return value.kind == "intermediate" and value.array.size in sizes
        if name == "kl":
            return self._is_closed_form(number)
        return name != "loss" or number == self.run.trace.output

    def _forward(self, number: int, name: str) -> bool:
        made_by = self._made_by(number)
        if name in ("x", "kl"):
            return self._titled(number, name)
        if name in ("mu", "logvar"):
            return self._is_latent(number) and made_by == "linear"
        if name == "eps":
            return number in self._noise and self._only("mu") is not None
        if name == "recon_x":
            return made_by == "linear" and "mse_loss" in self._used_by(number)
        if name == "mse":
            return made_by == "mse_loss"
        return name != "bce" or made_by in BINARY

    def _backward(self, number: int, name: str) -> bool:
        if name == "recon_x":
            return self._used_by(number) == ["mse_loss"] and number in self.run.gradients
        if name not in LATENT:
            return True
        kl, z, logvar = (self._only(wanted) for wanted in ("kl", "z", "logvar"))
        terms = {term.value: term.name for term in self.run.trace.terms}
        if kl not in terms or z is None or logvar is None or not self._is_closed_form(kl or 0):
            return False
        share, whole = self.run.term_gradients[terms[kl]], self.run.gradients
        if z in share or z not in whole or number not in whole:
            return False
        values = {key: np.asarray(self.run.values[key], float) for key in (number, logvar)}
        if name == "mu":
            moved = number in share and _near(whole[number] - share[number], whole[z])
            return moved and _multiple(share[number], values[number])
        if name == "std":
            return any(
                self.run.values[eps].shape == whole[z].shape
                and _near(whole[number], whole[z] * self.run.values[eps])
                for eps in self._noise
            )
        if name == "logvar":
            std = self._only("std")
            squared = None if std is None else np.asarray(self.run.values[std], float) ** 2
            pulled = number in share and _multiple(share[number], np.exp(values[number]) - 1)
            return pulled and squared is not None and _near(squared, np.exp(values[number]))
        return True

    def _is_mean(self, number: int) -> bool:
        bound = self.run.graph.producer(number)
        return bound is not None and bound.attributes.get("reduction") == "mean"

    def _slope_of_squares(self, number: int) -> str:
        """Say what the gradient of a reconstruction is, by the numbers that it has."""
        (bound,) = self._consumers(number)
        other = 1 - bound.positions(number)[0]
        target = int(bound.operands[other])
        if not bound.slots[other] or not self._is_input(target):
            return ""
        here, there = (np.asarray(self.run.values[each], float) for each in (number, target))
        if here.shape != there.shape or not here.shape:
            return ""
        found, distance = self.run.gradients[number], here - there
        if _near(found, 2 * distance):
            return backward_words("recon_x")
        averaged = bound.attributes.get("reduction") == "mean"
        if averaged and _near(found, 2 * distance / here.size):
            return DIVIDED.format(counted(here.size, "number"))
        return IN_PROPORTION if _multiple(found, distance) else ""

    def _is_input(self, number: int) -> bool:
        """Whether a value is an input, or has its numbers in another shape."""
        held = np.asarray(self.run.values[number]).ravel()
        inputs = [value.id for value in self.run.trace.values if value.kind == "input"]
        return any(np.array_equal(held, np.ravel(self.run.values[given])) for given in inputs)

    def _is_latent(self, number: int) -> bool:
        """Whether a value has the shape of a draw, as what a sample is made from has."""
        shape = self.run.trace.values[number].shape
        return any(self.run.trace.values[eps].shape == shape for eps in self._noise)

    def _is_closed_form(self, number: int) -> bool:
        """Whether a value is the KL of N(mu, exp(logvar)) from N(0, I): summed, or a mean."""
        mu, logvar = self._only("mu"), self._only("logvar")
        if mu is None or logvar is None:
            return False
        mean, log = (np.asarray(self.run.values[n], float) for n in (mu, logvar))
        if mean.shape != log.shape or not mean.shape:
            return False
        each = 0.5 * (np.exp(log) + mean**2 - 1 - log)
        held = np.asarray(self.run.values[number], float)
        if held.shape == each.shape:
            return _near(held, each)
        if held.shape == each.shape[:1] and each.ndim == 2:
            return _near(held, each.sum(axis=1)) or _near(held, each.mean(axis=1))
        counts = {1, each.size, each.shape[0], each.size // each.shape[0]}
        return held.size == 1 and any(_near(held.ravel()[0], each.sum() / n) for n in counts)

    # --- looking around ---

    def _name(self, number: int) -> str:
        return self.run.trace.values[number].name or f"value {number}"

    def _only(self, name: str) -> int | None:
        """Return the one computed value of a plain name; None if there are more or none."""
        found = [
            value.id
            for value in self.run.trace.values
            if value.kind == "intermediate" and value.name and plain_name(value.name) == name
        ]
        return found[0] if len(found) == 1 else None

    def _made_by(self, number: int) -> str:
        bound = self.run.graph.producer(number)
        return bound.operation.name if bound else ""

    def _used_by(self, number: int) -> list[str]:
        """Return the ops on the way to the loss that take a value."""
        return [bound.operation.name for bound in self._consumers(number)]

    def _consumers(self, number: int) -> list[BoundOperation]:
        reached = self.run.graph.reaches_loss
        return [bound for bound in self.run.graph.consumers(number) if bound.output in reached]


def _near(found: Array | float, wanted: Array | float) -> bool:
    scale = float(np.abs(wanted).max()) if np.size(wanted) else 0.0
    same = np.shape(found) == np.shape(wanted)
    return same and bool(np.allclose(found, wanted, rtol=1e-3, atol=1e-5 * scale))


def _multiple(found: Array, wanted: Array) -> bool:
    """Whether numbers are others times one positive number."""
    size = float((wanted * wanted).sum())
    factor = float((found * wanted).sum()) / size if size else 0.0
    return factor > 0 and _near(found, factor * wanted)
