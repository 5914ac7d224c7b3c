"""The built-in Variational Autoencoder and its loss, as a textbook would write them.

Nothing in here knows that it is being explained: the recorder watches it from outside,
exactly as it would watch anybody's model. `NAMES_VALUES` lets it take the names of values from
the variables in here, which it does in no other module of ours that runs a model.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

NAMES_VALUES = True


class VAE(nn.Module):
    """A VAE of linear layers.

    Parameters
    ----------
    dims
        Widths from input to output, an odd number of them; the middle one is the latent's.
        The layers are made in the order fc1, …, fc_mu, fc_logvar, fc_dec1, …, which fixes
        what a seed gives them.
    activation
        The name of a function of `torch.nn.functional`, after every hidden layer.
    sigmoid_output
        Whether the reconstruction is squashed to between 0 and 1.
    """

    def __init__(
        self,
        dims: Sequence[int] = (4, 8, 2, 8, 4),
        activation: str = "relu",
        sigmoid_output: bool = False,
    ) -> None:
        super().__init__()
        middle = len(dims) // 2
        self.activation = getattr(F, activation)
        self.sigmoid_output = sigmoid_output
        self.encoder = self._layers("fc", dims[:middle])
        self.fc_mu = nn.Linear(dims[middle - 1], dims[middle])
        self.fc_logvar = nn.Linear(dims[middle - 1], dims[middle])
        self.decoder = self._layers("fc_dec", dims[middle:])

    def _layers(self, name: str, dims: Sequence[int]) -> list[nn.Linear]:
        """Make the layers between some widths, as `fc1`, `fc2`, … of this module."""
        layers = [nn.Linear(*widths) for widths in pairwise(dims)]
        for number, layer in enumerate(layers, start=1):
            self.add_module(f"{name}{number}", layer)
        return layers

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance of q(z|x), each [batch, latent]."""
        encoder_hidden = x
        for layer in self.encoder:
            encoder_pre = layer(encoder_hidden)
            encoder_hidden = self.activation(encoder_pre)
        mu = self.fc_mu(encoder_hidden)
        logvar = self.fc_logvar(encoder_hidden)
        return mu, logvar

    def reparameterize(self, mu: Tensor, logvar: Tensor) -> Tensor:
        """Draw z ~ N(mu, variance) so that gradients reach mu and logvar."""
        variance = torch.exp(logvar)  # noqa: F841 - for the reader; sampling needs only std
        std = torch.exp(0.5 * logvar)
        eps = torch.randn_like(std)
        z = mu + std * eps
        return z

    def decode(self, z: Tensor) -> Tensor:
        """Return the reconstruction, [batch, input]."""
        decoder_hidden = z
        for layer in self.decoder[:-1]:
            decoder_pre = layer(decoder_hidden)
            decoder_hidden = self.activation(decoder_pre)
        if self.sigmoid_output:
            recon_logits = self.decoder[-1](decoder_hidden)
            return torch.sigmoid(recon_logits)
        recon_x: Tensor = self.decoder[-1](decoder_hidden)
        return recon_x

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Encode, sample, decode."""
        mu, logvar = self.encode(x)
        z = self.reparameterize(mu, logvar)
        recon_x = self.decode(z)
        return recon_x, mu, logvar


def vae_loss(
    recon_x: Tensor,
    x: Tensor,
    mu: Tensor,
    logvar: Tensor,
    recon: str = "mse",
    reduction: str = "sum",
    beta: float = 1.0,
) -> Tensor:
    """Reconstruction error plus the KL divergence from N(mu, exp(logvar)) to N(0, I)."""
    error, kl = vae_loss_terms(recon_x, x, mu, logvar, recon, reduction)
    loss = error + kl if beta == 1 else error + beta * kl
    return loss


def vae_loss_terms(
    recon_x: Tensor,
    x: Tensor,
    mu: Tensor,
    logvar: Tensor,
    recon: str = "mse",
    reduction: str = "sum",
) -> tuple[Tensor, Tensor]:
    """Return the two terms of the loss, the KL divergence without its weight.

    The closed form is that of Kingma and Welling, "Auto-Encoding Variational Bayes",
    appendix B: -1/2 sum(1 + log var - mu^2 - var).
    """
    error = reconstruction_error(recon_x, x, recon, reduction)
    total = torch.sum if reduction == "sum" else torch.mean
    kl = -0.5 * total(1 + logvar - mu.pow(2) - logvar.exp())
    return error, kl


def reconstruction_error(recon_x: Tensor, x: Tensor, recon: str, reduction: str) -> Tensor:
    """Return squared error (`mse`) or binary cross-entropy (`bce`), one number."""
    if recon == "bce":
        bce = F.binary_cross_entropy(recon_x, x, reduction=reduction)
        return bce
    mse = F.mse_loss(recon_x, x, reduction=reduction)
    return mse
