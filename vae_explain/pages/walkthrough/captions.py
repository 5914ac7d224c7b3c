"""Captions for the field's own names: what a VAE's value of that name is.

A value that a user's model calls `mu` gets the words of the built-in VAE's, if they hold: in
somebody's model it may be something else, a divergence of other distributions, a mean over
rows. So each caption is asked of the run first, and none is written that its numbers belie.
Any other name is its own title.
"""

from __future__ import annotations

import re
from typing import Literal

import numpy as np

from ...engine.graph import BoundOperation
from ...engine.roles import standard_draws
from ...engine.run import Run
from ...ops.layout.random import NORMAL, RANDN
from ...quick_classes import NamedTuple
from ...trace import Array, pieces
from ..phrases import counted


class Caption(NamedTuple):
    """What is said of a value of one name: its title, and a sentence for each direction.

    `term` is what readers call it as a term of the loss.
    """

    title: str = ""
    forward: str = ""
    backward: str = ""
    term: str = ""


SAMPLE = "Sample z: the reparameterization trick"
RECONSTRUCTION_LOSS = Caption("Reconstruction loss", term="reconstruction")

CAPTIONS = {
    "x": Caption("Input", "What the encoder gets."),
    "encoder_pre": Caption("Encode to the hidden layer"),
    "mu": Caption(
        "Mean μ of the latent Gaussian",
        "The mean of q(z|x).",
        "z moves with μ one to one, so the gradient at z arrives here unchanged; the KL contains "
        "μ², whose derivative pulls μ towards 0.",
    ),
    "logvar": Caption(
        "Log-variance log σ² of the latent Gaussian",
        "The logarithm of the variance of q(z|x): any real number is allowed, so the linear "
        "layer needs no constraint, and exp turns it into a positive variance.",
        "σ = exp(½·logvar) gives the factor ½·σ; the KL contains exp(logvar) - logvar, whose "
        "derivative pulls the variance towards 1.",
    ),
    "variance": Caption("Variance σ²"),
    "std": Caption(
        "Standard deviation σ",
        backward="∂z/∂σ = ε, so the gradient at z is multiplied by the draw.",
    ),
    "eps": Caption(
        SAMPLE,
        "z must be random, yet gradients must pass through it. So the randomness is drawn "
        "separately, as ε ~ N(0, I), and z is an ordinary function of μ, σ and ε.",
    ),
    "z": Caption(
        SAMPLE,
        backward="How fast the reconstruction loss grows with z. The KL's formula has no z in it.",
    ),
    "decoder_pre": Caption("Decode to the hidden layer"),
    "recon_x": Caption(
        "Reconstruct the input",
        "No activation at the end: each output is the mean of a Gaussian, which may be any number.",
        "The derivative of a square: twice the difference from the input.",
        "reconstruction",
    ),
    "mse": RECONSTRUCTION_LOSS._replace(
        forward="The squared distance of the reconstruction from the input."
    ),
    "bce": RECONSTRUCTION_LOSS._replace(
        forward="How surprised the reconstruction is by the input, taken as probabilities."
    ),
    "error": RECONSTRUCTION_LOSS,
    "kl": Caption(
        "KL divergence from the prior N(0, I)",
        "How far q(z|x) is from the prior, in closed form for two Gaussians; zero only for "
        "μ = 0 and σ = 1.",
        term="KL",
    ),
    "loss": Caption("Total loss"),
}

# Where a mean divides, or a weight of the loss multiplies.
MEAN_OF_SQUARES = "The mean squared distance of the reconstruction from the input."
SUM_OF_SQUARES = (
    "The squared distance of the reconstruction from the input: a sum, not a mean. No ½ stands "
    "before the square, as for a Gaussian p(x|z) of variance ½: dividing by twice the variance is "
    "dividing by 1."
)
DIVIDED = (
    "The derivative of a square: twice the difference from the input, divided by the {} of the "
    "mean."
)
IN_PROPORTION = "The derivative of a square: in proportion to the difference from the input."

# Other spellings, in lower case.
ALIASES = {
    other: name
    for name, others in {
        "mu": "mean z_mean mu_z",
        "logvar": "log_var z_logvar z_log_var",
        "variance": "var",
        "std": "sigma",
        "eps": "epsilon noise",
        "recon_x": "recon x_hat x_recon reconstruction",
        "error": "recon_loss recons_loss recon_error rec_loss reconstruction_loss",
        "kl": "kld kl_loss kld_loss kl_div kl_divergence",
    }.items()
    for other in others.split()
}

BINARY = ("binary_cross_entropy", "binary_cross_entropy_with_logits")
LATENT = ("mu", "logvar", "variance", "std", "z")


def plain_name(name: str) -> str:
    """Return the field's name for a value: without its number, and for its other spellings.

    Examples
    --------
    >>> plain_name("encoder_pre_2"), plain_name("KLD"), plain_name("widgets")
    ('encoder_pre', 'kl', 'widgets')
    """
    base = re.sub(r"_\d+$", "", name)
    lower = base.lower()
    is_term = lower in CAPTIONS and CAPTIONS[lower].term
    return ALIASES.get(lower, lower if is_term else base)


def caption(name: str) -> Caption:
    """Return what is said of a value of some name; nothing of one that the field does not know."""
    return CAPTIONS.get(plain_name(name), Caption())


def term_words(name: str) -> str:
    """Return what readers call a loss term: reconstruction, KL, or its own name."""
    return caption(name).term or name


def term_role(name: str) -> Literal["reconstruction", "kl"]:
    """Return which colour a term has: the KL's, or that of all others."""
    return "kl" if term_words(name) == "KL" else "reconstruction"


def drawing_words(run: Run, value_id: int) -> str:
    """Say where noise came from: `drawn from N(0, 1)`, or that it was given."""
    # Noise that is given stands in for the first draw from the standard normal.
    if run.eps_given and standard_draws(run)[:1] == (value_id,):
        return "given"
    return rule_words(run, value_id) or "drawn"


def rule_words(run: Run, value_id: int) -> str:
    """Return what the rule that made a value says of itself; nothing where there is none."""
    rule = run.graph.rule(value_id)
    return rule.words if rule else ""


class Captions:
    """The captions that hold for one run."""

    def __init__(self, run: Run) -> None:
        self.run = run
        normal = (RANDN.words, NORMAL.words)
        self._noise = [n for n in run.trace.producer if rule_words(run, n) in normal]

    # --- what is said ---

    def title(self, value_id: int) -> str:
        """Return a section's title for the value that opens it."""
        name = self.run.trace.values[value_id].label
        return caption(name).title or name if self._has_title(value_id, plain_name(name)) else name

    def forward(self, value_id: int) -> str:
        """Return the sentence that goes with a value, or nothing."""
        name = plain_name(self.run.trace.values[value_id].label)
        if not self._holds_forward(value_id, name):
            return ""
        reduced = {"mean": MEAN_OF_SQUARES, "sum": SUM_OF_SQUARES} if name == "mse" else {}
        reduction = _reduction(self.run.graph.producer(value_id))
        return reduced.get(reduction, caption(name).forward)

    def backward(self, value_id: int) -> str:
        """Return the sentence that goes with a value's gradient, or nothing."""
        name = plain_name(self.run.trace.values[value_id].label)
        if not self._holds_backward(value_id, name):
            return ""
        return self._slope_of_squares(value_id) if name == "recon_x" else caption(name).backward

    def weights(self, value_id: int) -> str:
        """Say how the loss weighs its terms; nothing of another value."""
        terms = self.run.trace.terms
        if value_id != self.run.trace.output or not terms:
            return ""
        if all(term.weight == 1 for term in terms):
            return f"{'Both' if len(terms) == 2 else 'All'} terms have weight 1."
        weights = ", ".join(f"{term.name} with weight {term.weight:g}" for term in terms)
        return f"The weighted sum of its terms: {weights}."

    # --- whether it holds ---

    def _has_title(self, value_id: int, name: str) -> bool:
        value = self.run.trace.values[value_id]
        if name == "x":
            return value.kind == "input"
        if name in LATENT:
            return self._is_latent(value_id)
        if name == "eps":
            return value_id in self._noise
        if name == "recon_x":
            sizes = [each.array.size for each in self.run.trace.inputs]
            return value.kind == "intermediate" and value.array.size in sizes
        if name == "kl":
            return self._is_closed_form(value_id)
        return name != "loss" or value_id == self.run.trace.output

    def _holds_forward(self, value_id: int, name: str) -> bool:
        made_by = self.run.graph.op_name(value_id)
        if name in ("x", "kl"):
            return self._has_title(value_id, name)
        if name in ("mu", "logvar"):
            return self._is_latent(value_id) and made_by == "linear"
        if name == "eps":
            return value_id in self._noise and self._only("mu") is not None
        if name == "recon_x":
            return made_by == "linear" and "mse_loss" in self._used_by(value_id)
        if name == "mse":
            return made_by == "mse_loss"
        return name != "bce" or made_by in BINARY

    def _holds_backward(self, value_id: int, name: str) -> bool:
        if name == "recon_x":
            return self._used_by(value_id) == ["mse_loss"] and value_id in self.run.gradients
        if name not in LATENT:
            return True
        kl, z, logvar = (self._only(wanted) for wanted in ("kl", "z", "logvar"))
        terms = {term.value: term.name for term in self.run.trace.terms}
        if kl not in terms or z is None or logvar is None or not self._is_closed_form(kl or 0):
            return False
        share, whole = self.run.term_gradients[terms[kl]], self.run.gradients
        if z in share or z not in whole or value_id not in whole:
            return False
        values = self._array(value_id)
        if name == "mu":
            moved = value_id in share and _near(whole[value_id] - share[value_id], whole[z])
            return moved and _multiple(share[value_id], values)
        if name == "std":
            return any(
                self.run.values[eps].shape == whole[z].shape
                and _near(whole[value_id], whole[z] * self.run.values[eps])
                for eps in self._noise
            )
        if name == "logvar":
            std = self._only("std")
            variance = np.exp(values)
            pulled = value_id in share and _multiple(share[value_id], variance - 1)
            return pulled and std is not None and _near(self._array(std) ** 2, variance)
        return True

    def _slope_of_squares(self, value_id: int) -> str:
        """Say what the gradient of a reconstruction is, by the numbers that it has."""
        (bound,) = self._consumers(value_id)
        other = 1 - bound.positions(value_id)[0]
        target = int(bound.operands[other])
        if not bound.slots[other] or not self._is_input(target):
            return ""
        here, there = self.run.values[value_id], self.run.values[target]
        if here.shape != there.shape or not here.shape:
            return ""
        slope = self.run.gradients[value_id]
        distance = np.subtract(here, there, dtype=np.float64)
        if _near(slope, distance, 2):
            return CAPTIONS["recon_x"].backward
        if _reduction(bound) == "mean" and _near(slope, distance, 2 / here.size):
            return DIVIDED.format(counted(here.size, "number"))
        return IN_PROPORTION if _multiple(slope, distance) else ""

    def _is_input(self, value_id: int) -> bool:
        """Whether a value is an input, or has its numbers in another shape."""
        numbers = self.run.values[value_id].ravel()
        inputs = [self.run.values[value.id] for value in self.run.trace.inputs]
        return any(np.array_equal(numbers, input_numbers.ravel()) for input_numbers in inputs)

    def _is_latent(self, value_id: int) -> bool:
        """Whether a value has the shape of a draw, as what a sample is made from has."""
        shape = self.run.trace.values[value_id].shape
        return any(self.run.trace.values[eps].shape == shape for eps in self._noise)

    def _is_closed_form(self, value_id: int) -> bool:
        """Whether a value is the KL of N(mu, exp(logvar)) from N(0, I): summed, or a mean."""
        mu, logvar = self._only("mu"), self._only("logvar")
        if mu is None or logvar is None:
            return False
        mean, log = self._array(mu), self._array(logvar)
        if mean.shape != log.shape or not mean.shape:
            return False
        with np.errstate(all="ignore"):  # an overflow shows as the inf that it is
            each = 0.5 * (np.exp(log) + mean**2 - 1 - log)
            held = self._array(value_id)
            if held.shape == each.shape:
                return _near(held, each)
            if held.shape == each.shape[:1] and each.ndim == 2:
                return _near(held, each.sum(axis=1)) or _near(held, each.mean(axis=1))
            counts = {1, each.size, each.shape[0], each.size // each.shape[0]}
            return held.size == 1 and any(_near(held.ravel()[0], each.sum() / n) for n in counts)

    # --- looking around ---

    def _array(self, value_id: int) -> Array:
        return np.asarray(self.run.values[value_id], float)

    def _only(self, name: str) -> int | None:
        """Return the one computed value of a plain name; None if there are more or none."""
        ids = [
            value.id
            for value in self.run.trace.values
            if value.kind == "intermediate" and value.name and plain_name(value.name) == name
        ]
        return ids[0] if len(ids) == 1 else None

    def _used_by(self, value_id: int) -> list[str]:
        """Return the ops on the way to the loss that take a value."""
        return [bound.operation.name for bound in self._consumers(value_id)]

    def _consumers(self, value_id: int) -> list[BoundOperation]:
        reached = self.run.graph.reaches_loss
        return [bound for bound in self.run.graph.consumers(value_id) if bound.output in reached]


def _reduction(bound: BoundOperation | None) -> str:
    return str(bound.attributes.get("reduction", "")) if bound is not None else ""


def _near(numbers: Array | float, wanted: Array | float, times: float = 1.0) -> bool:
    """Whether numbers are nearly others times one."""
    numbers, wanted = np.asarray(numbers), np.asarray(wanted)
    if numbers.shape != wanted.shape:
        return False
    scale = times * max((float(np.abs(some).max()) for some in pieces(wanted)), default=0.0)
    return all(
        np.allclose(some, times * others, rtol=1e-3, atol=1e-5 * scale)
        for some, others in zip(pieces(numbers), pieces(wanted), strict=True)
    )


def _multiple(numbers: Array, wanted: Array) -> bool:
    """Whether numbers are others times one positive number."""
    largest = np.abs(wanted).max(initial=0.0)
    if not largest:
        return False
    along = wanted / largest  # whose squares don't overflow
    factor = float((numbers * along).sum()) / float((along * along).sum())
    return factor > 0 and _near(numbers, along, factor)
