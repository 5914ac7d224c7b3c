"""The shape and the names of the built-in VAE, known without PyTorch.

A command line must judge `--param fc1.wieght` or a wrong number of inputs before anything
heavy is loaded. A test holds these names against recorded runs.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, get_args

from ..quick_classes import dataclass

ActivationName = Literal["relu", "tanh", "sigmoid", "leaky_relu", "elu", "gelu", "silu", "softplus"]
ACTIVATIONS: tuple[ActivationName, ...] = get_args(ActivationName)


@dataclass(frozen=True)
class Layer:
    """A linear layer: its name, how many numbers go in and come out, and the op behind it."""

    name: str
    inputs: int
    outputs: int
    activation: str = ""

    @property
    def count(self) -> int:
        """How many parameters it has, weights and biases."""
        return self.outputs * (self.inputs + 1)


@dataclass(frozen=True)
class Architecture:
    """The built-in VAE's widths from input to output, its activation and its loss.

    Attributes
    ----------
    dims
        An odd number of widths; the middle one is the latent's, the ends are equal.
    recon
        `mse`, squared error on a linear output, or `bce`, binary cross-entropy on a sigmoid.
    reduction
        Whether both terms are summed, or averaged over all of their elements.
    beta
        What the KL divergence is multiplied with.
    """

    dims: tuple[int, ...] = (4, 8, 2, 8, 4)
    activation: ActivationName = "relu"
    recon: Literal["mse", "bce"] = "mse"
    reduction: Literal["sum", "mean"] = "sum"
    beta: float = 1.0

    @property
    def middle(self) -> int:
        return len(self.dims) // 2

    @property
    def input_size(self) -> int:
        return self.dims[0]

    @property
    def latent_size(self) -> int:
        return self.dims[self.middle]

    @property
    def default_x(self) -> tuple[tuple[float, ...], ...]:
        """The input when none is given, one row: 1, 2, 3, …"""
        return (tuple(float(i + 1) for i in range(self.input_size)),)

    @property
    def label(self) -> str:
        return "VAE " + "→".join(map(str, self.dims))

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The linear layers in the order in which they are made."""
        before, after = self.dims[: self.middle], self.dims[self.middle :]
        hidden, end = self.activation, "sigmoid" if self.recon == "bce" else ""
        encoder = [Layer(f"fc{i}", *pair, hidden) for i, pair in enumerate(pairwise(before), 1)]
        heads = [Layer(name, before[-1], self.latent_size) for name in ("fc_mu", "fc_logvar")]
        last = len(after) - 1
        decoder = [
            Layer(f"fc_dec{i}", *pair, end if i == last else hidden)
            for i, pair in enumerate(pairwise(after), 1)
        ]
        return (*encoder, *heads, *decoder)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The parameters' names, in the order in which they are made."""
        return tuple(f"{layer.name}.{part}" for layer in self.layers for part in ("weight", "bias"))

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of every named value but x, for one row; in the order they are made."""
        by_name: dict[str, tuple[int, ...]] = {}
        by_name |= self._hidden("encoder", self.dims[1 : self.middle])
        latent = (1, self.latent_size)
        by_name |= dict.fromkeys(("mu", "logvar", "variance", "std", "eps", "z"), latent)
        by_name |= self._hidden("decoder", self.dims[self.middle + 1 : -1])
        if self.recon == "bce":
            by_name["recon_logits"] = (1, self.input_size)
        by_name["recon_x"] = (1, self.input_size)
        return by_name | {self.recon: (), "kl": (), "loss": ()}

    @staticmethod
    def _hidden(part: str, widths: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        by_name: dict[str, tuple[int, ...]] = {}
        for position, width in enumerate(widths, start=1):
            number = f"_{position}" if len(widths) > 1 else ""
            by_name[f"{part}_pre{number}"] = by_name[f"{part}_hidden{number}"] = (1, width)
        return by_name

    @property
    def steps(self) -> tuple[str, ...]:
        """The named values that a run computes or draws, in order."""
        return tuple(self.shapes)

    @property
    def numbers_a_row(self) -> int:
        """How many numbers a run has for each row of its input."""
        return self.input_size + sum(shape[1] for shape in self.shapes.values() if shape)

    @property
    def terms(self) -> tuple[str, str]:
        """The loss's terms."""
        return (self.recon, "kl")

    def shape(self, name: str, rows: int) -> tuple[int, ...]:
        """Return the shape of a named value or parameter for a batch of `rows`."""
        for layer in self.layers:
            if name == f"{layer.name}.weight":
                return (layer.outputs, layer.inputs)
            if name == f"{layer.name}.bias":
                return (layer.outputs,)
        one = (1, self.input_size) if name == "x" else self.shapes[name]
        return (rows, *one[1:]) if one else ()

    @property
    def with_gradient(self) -> tuple[str, ...]:
        """The names that have a gradient: the loss does not use the variance or train ε."""
        without = ("variance", "eps")
        return (*self.parameters, *(name for name in self.steps if name not in without))

    @property
    def without_kl(self) -> tuple[str, ...]:
        """The names that the KL divergence does not reach."""
        decoder = tuple(name for name in self.parameters if name.startswith("fc_dec"))
        from_z = self.steps[self.steps.index("z") :]
        return ("std", *decoder, *(name for name in from_z if name not in ("kl", "loss")))


BUILT_IN = Architecture()
