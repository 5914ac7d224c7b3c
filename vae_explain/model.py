"""The built-in Variational Autoencoder and its loss, as a textbook would write them.

Nothing in here knows that it is being explained: the recorder watches it from outside,
exactly as it would watch anybody's model.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class VAE(nn.Module):
    """A VAE with one hidden layer on each side, ReLU inside and a linear output.

    Parameters
    ----------
    input_size, hidden_size, latent_size
        The widths; the decoder mirrors the encoder. The layers are made in the order
        fc1, fc_mu, fc_logvar, fc_dec1, fc_dec2, which fixes what a seed gives them.
    """

    def __init__(self, input_size: int = 4, hidden_size: int = 8, latent_size: int = 2) -> None:
        super().__init__()
        self.fc1 = nn.Linear(input_size, hidden_size)
        self.fc_mu = nn.Linear(hidden_size, latent_size)
        self.fc_logvar = nn.Linear(hidden_size, latent_size)
        self.fc_dec1 = nn.Linear(latent_size, hidden_size)
        self.fc_dec2 = nn.Linear(hidden_size, input_size)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance of q(z|x), each [batch, latent_size]."""
        encoder_pre = self.fc1(x)
        encoder_hidden = F.relu(encoder_pre)
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
        """Return the reconstruction, [batch, input_size]."""
        decoder_pre = self.fc_dec1(z)
        decoder_hidden = F.relu(decoder_pre)
        recon_x: Tensor = self.fc_dec2(decoder_hidden)
        return recon_x

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Encode, sample, decode."""
        mu, logvar = self.encode(x)
        z = self.reparameterize(mu, logvar)
        return self.decode(z), mu, logvar


def vae_loss(recon_x: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """Summed squared error plus the KL divergence from N(mu, exp(logvar)) to N(0, I)."""
    mse, kl = vae_loss_terms(recon_x, x, mu, logvar)
    loss = mse + kl
    return loss


def vae_loss_terms(recon_x: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> tuple[Tensor, Tensor]:
    """Return the two terms of the loss, squared error and KL divergence, each summed.

    The closed form is that of Kingma and Welling, "Auto-Encoding Variational Bayes",
    appendix B: -1/2 sum(1 + log var - mu^2 - var).
    """
    mse = F.mse_loss(recon_x, x, reduction="sum")
    kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return mse, kl
