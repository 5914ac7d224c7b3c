"""VAEs as people write them, one style a file, for the tests of users' own models.

Each stands by itself, as a user's file does: none imports another, and none imports us.
`MODELS` lists them, with what one has to say to have each explained.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from . import (
    attention_images,
    batch_norm,
    beta_loss_key,
    conditional,
    convolutional,
    dataclass_output,
    dict_output,
    distributions,
    flows,
    full_covariance,
    graph,
    ladder,
    layer_norm,
    lightning_shaped,
    list_output,
    loss_inside,
    quantised_images,
    recurrent,
    sentences,
    signal,
    ssim,
    tuple_output,
    vector_quantised,
    with_logits,
)

FOLDER = Path(__file__).parent
How = Literal["loss", "objective"]


@dataclass(frozen=True)
class OwnModel:
    """One model of the table.

    Attributes
    ----------
    make
        The class or factory, called with `arguments`.
    how, function
        What goes with it, `loss` or `objective`, and which function of its file; None for
        a model that brings its loss along.
    shape
        That of the input it takes.
    """

    make: Callable[..., nn.Module]
    function: Callable[..., Any] | None = None
    how: How = "loss"
    arguments: Mapping[str, Any] = field(default_factory=dict)
    shape: tuple[int, ...] = (3, 6)

    @property
    def file(self) -> Path:
        """The file that the model stands in."""
        return FOLDER / f"{self.make.__module__.rpartition('.')[2]}.py"

    def build(self, seed: int = 3) -> nn.Module:
        """Make the model with the parameters that a seed gives."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self.make(**self.arguments)

    def x(self, seed: int = 5) -> Tensor:
        """Return an input in [0, 1), which every one of them takes."""
        return torch.rand(self.shape, generator=torch.Generator().manual_seed(seed))

    def keywords(self) -> dict[str, Any]:
        """What `explain(model, x, …)` is told."""
        return {} if self.function is None else {self.how: self.function}

    def options(self) -> list[str]:
        """What the command line is told, but for the input."""
        options = ["--model", f"{self.file}:{self.make.__name__}"]
        if self.function is not None:
            options += [f"--{self.how}", f"{self.file}:{self.function.__name__}"]
        for name, value in self.arguments.items():
            options += ["--model-arg", f"{name}={value}"]
        return options


MODELS: dict[str, OwnModel] = {
    "tuple": OwnModel(tuple_output.VAE, tuple_output.loss_function),
    "list, loss as a method": OwnModel(list_output.VanillaVAE),
    "dict": OwnModel(dict_output.AutoEncoder, dict_output.elbo),
    "dataclass": OwnModel(dataclass_output.GaussianVAE, dataclass_output.negative_elbo),
    "loss inside forward": OwnModel(loss_inside.SelfContained),
    "layer norm and dropout": OwnModel(layer_norm.NormVAE),
    "batch norm": OwnModel(batch_norm.BatchNormVAE, batch_norm.criterion, shape=(4, 6)),
    "convolutional": OwnModel(convolutional.ConvVAE, convolutional.loss_fn, shape=(2, 1, 8, 8)),
    "signal": OwnModel(signal.SignalVAE, signal.elbo, shape=(3, 1, 16)),
    "recurrent": OwnModel(recurrent.SequenceVAE, recurrent.elbo, shape=(2, 3, 2)),
    "conditional": OwnModel(conditional.CVAE, conditional.objective, "objective"),
    "beta, loss in a dict": OwnModel(beta_loss_key.BetaVAE, arguments={"beta": 2.0}),
    "vector-quantised": OwnModel(vector_quantised.VQVAE),
    "distributions": OwnModel(distributions.DistributionVAE),
    "full covariance": OwnModel(full_covariance.FullCovarianceVAE),
    "logits": OwnModel(with_logits.make, with_logits.bce_kl, arguments={"hidden": 4}),
    "ladder": OwnModel(
        ladder.LadderVAE,
        arguments={"channels": 2, "levels": 2, "latents": 1},
        shape=(2, 3, 8, 8),
    ),
    "structural similarity": OwnModel(
        ssim.SSIMVAE,
        arguments={"channels": 2, "latents": 2, "size": 16, "window_size": 11},
        shape=(2, 3, 16, 16),
    ),
    "images, vector-quantised": OwnModel(
        quantised_images.ImageVQVAE,
        arguments={"channels": 2, "codes": 4, "width": 2, "blocks": 1},
        shape=(2, 3, 8, 8),
    ),
    "planar flows": OwnModel(
        flows.FlowVAE, arguments={"inputs": 6, "hidden": 4, "z_size": 2, "flows": 2}
    ),
    "latent diffusion": OwnModel(
        attention_images.AutoencoderKL,
        arguments={"channels": 2, "latents": 1, "groups": 1},
        shape=(1, 3, 8, 8),
    ),
    "sentences": OwnModel(
        sentences.SentenceVAE,
        arguments={"features": 3, "hidden": 4, "latents": 2, "vocabulary": 5},
        shape=(2, 3, 3),
    ),
    "graph": OwnModel(
        graph.GraphVAE,
        arguments={"nodes": 6, "features": 3, "hidden": 3, "latents": 2},
        shape=(6, 3),
    ),
    "lightning": OwnModel(lightning_shaped.LitVAE),
}
