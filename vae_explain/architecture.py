"""The shape and the names of the built-in VAE, known without PyTorch.

A command line must judge `--param fc1.wieght` or a wrong number of inputs before anything
heavy is loaded. A test holds these names against a recorded run.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Layer:
    """A linear layer: its name, how many numbers go in and come out, what follows it."""

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
    """Input, hidden and latent width; the decoder mirrors the encoder."""

    input_size: int = 4
    hidden_size: int = 8
    latent_size: int = 2

    @property
    def sizes(self) -> tuple[int, int, int]:
        return self.input_size, self.hidden_size, self.latent_size

    @property
    def dims(self) -> tuple[int, ...]:
        """The widths from input to output: `(4, 8, 2, 8, 4)`."""
        return (
            self.input_size,
            self.hidden_size,
            self.latent_size,
            self.hidden_size,
            self.input_size,
        )

    @property
    def label(self) -> str:
        return "VAE " + "→".join(map(str, self.dims))

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The linear layers in the order in which they are made."""
        return (
            Layer("fc1", self.input_size, self.hidden_size, "ReLU"),
            Layer("fc_mu", self.hidden_size, self.latent_size),
            Layer("fc_logvar", self.hidden_size, self.latent_size),
            Layer("fc_dec1", self.latent_size, self.hidden_size, "ReLU"),
            Layer("fc_dec2", self.hidden_size, self.input_size),
        )

    @property
    def parameters(self) -> tuple[str, ...]:
        """The parameters' names, in the order in which they are made."""
        return tuple(f"{layer.name}.{part}" for layer in self.layers for part in ("weight", "bias"))

    @property
    def steps(self) -> tuple[str, ...]:
        """The named values that a run computes or draws, in order."""
        return (
            "encoder_pre",
            "encoder_hidden",
            "mu",
            "logvar",
            "variance",
            "std",
            "eps",
            "z",
            "decoder_pre",
            "decoder_hidden",
            "recon_x",
            "mse",
            "kl",
            "loss",
        )

    def shape(self, name: str, rows: int) -> tuple[int, ...]:
        """Return the shape of a named value or parameter for a batch of `rows`."""
        for layer in self.layers:
            if name == f"{layer.name}.weight":
                return (layer.outputs, layer.inputs)
            if name == f"{layer.name}.bias":
                return (layer.outputs,)
        if name in ("mse", "kl", "loss"):
            return ()
        if name in ("x", "recon_x"):
            return (rows, self.input_size)
        if name.startswith(("encoder_", "decoder_")):
            return (rows, self.hidden_size)
        return (rows, self.latent_size)

    @property
    def with_gradient(self) -> tuple[str, ...]:
        """The names that have a gradient: the loss does not use the variance or train ε."""
        without = ("variance", "eps")
        return (*self.parameters, *(name for name in self.steps if name not in without))


BUILT_IN = Architecture()
