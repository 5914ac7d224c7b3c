"""Faults that `output-range` names."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, error_of, kl_of, rows, sample
from ..cases import fault


@fault("output-range", x=rows(scale=255.0).round)
def bytes_against_a_sigmoid(model: Layers, x: Tensor) -> Tensor:
    """The loss stays at tens of thousands.

    The target still has 0 to 255, the output 0 to 1.
    """
    mu, logvar = model.encode(x / 255)
    recon = torch.sigmoid(model.decoder(sample(mu, logvar)))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


@bytes_against_a_sigmoid.twin
def _(model: Layers, x: Tensor) -> Tensor:
    target = x / 255
    mu, logvar = model.encode(target)
    recon = torch.sigmoid(model.decoder(sample(mu, logvar)))
    return F.mse_loss(recon, target, reduction="sum") + kl_of(mu, logvar)


@fault("output-range")
def cross_entropy_swapped(model: Layers, x: Tensor) -> Tensor:
    """The loss does not go down, and at times is infinite.

    Target and prediction of the cross-entropy stand in each other's place.
    """
    mu, logvar = model.encode(x)
    recon = torch.sigmoid(model.decoder(sample(mu, logvar)))
    return F.binary_cross_entropy(x, recon, reduction="sum") + kl_of(mu, logvar)


@cross_entropy_swapped.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = torch.sigmoid(model.decoder(sample(mu, logvar)))
    return F.binary_cross_entropy(recon, x, reduction="sum") + kl_of(mu, logvar)


@fault("output-range")
def relu_on_the_output(model: Layers, x: Tensor) -> Tensor:
    """Some pixels stay black whatever happens.

    The decoder ends in a ReLU, which passes nothing back where it is off.
    """
    mu, logvar = model.encode(x)
    recon = torch.relu(model.decoder(sample(mu, logvar)))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


@relu_on_the_output.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = F.softplus(model.decoder(sample(mu, logvar)))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


@fault("output-range")
def sigmoid_before_logits(model: Layers, x: Tensor) -> Tensor:
    """Reconstructions are grey and never get black or white.

    A sigmoid stands before a loss that applies its own.
    """
    mu, logvar = model.encode(x)
    recon = torch.sigmoid(model.decoder(sample(mu, logvar)))
    bce = F.binary_cross_entropy_with_logits(recon, x, reduction="sum")
    return bce + kl_of(mu, logvar)


@sigmoid_before_logits.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    logits = model.decoder(sample(mu, logvar))
    bce = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    return bce + kl_of(mu, logvar)


def elbo(model: Layers, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return error_of(model, sample(mu, logvar), x) + kl_of(mu, logvar)


def signed() -> Tensor:
    return 4 * rows() - 2


@fault("output-range", x=signed)
def sigmoid_for_signed_targets(model: Layers, x: Tensor) -> Tensor:
    """Dark regions are never learned: the output stops at zero.

    The data is standardized and has negative numbers; the decoder ends in a sigmoid.
    """
    mu, logvar = model.encode(x)
    recon = torch.sigmoid(model.decoder(sample(mu, logvar)))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


@sigmoid_for_signed_targets.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    return elbo(model, x, mu, logvar)


def image() -> Tensor:
    return rows(5, 36).view(5, 1, 6, 6)


def of_images() -> Layers:
    return Layers(width=36)


@fault("output-range", make=of_images, x=image, x_right=lambda: 2 * image() - 1)
def tanh_for_pixels(model: Layers, x: Tensor) -> Tensor:
    """Half of the output's range is never used.

    The output goes from -1 to 1, the images from 0 to 1.
    """
    mu, logvar = model.encode(x.flatten(1))
    recon = torch.tanh(model.decoder(sample(mu, logvar))).view_as(x)
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


@fault("output-range")
def softmax_for_pixels(model: Layers, x: Tensor) -> Tensor:
    """The images are almost black, with one bright pixel.

    A softmax makes the pixels, which then add up to 1, and the targets do not.
    """
    mu, logvar = model.encode(x)
    recon = torch.softmax(model.decoder(sample(mu, logvar)), dim=1)
    return F.binary_cross_entropy(recon, x, reduction="sum") + kl_of(mu, logvar)


@softmax_for_pixels.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = torch.sigmoid(model.decoder(sample(mu, logvar)))
    return F.binary_cross_entropy(recon, x, reduction="sum") + kl_of(mu, logvar)


def words_of(model: Layers, z: Tensor) -> Tensor:
    return model.decoder(z).view(-1, 2)


def chosen_words(x: Tensor) -> Tensor:
    return (x[:, :3] > 0.5).long().view(-1)


@fault("output-range")
def softmax_before_cross_entropy(model: Layers, x: Tensor) -> Tensor:
    """The cross-entropy stops far above zero, and the words stay unsure.

    A softmax is taken before a loss that takes another.
    """
    mu, logvar = model.encode(x)
    words = torch.softmax(words_of(model, sample(mu, logvar)), dim=-1)
    return F.cross_entropy(words, chosen_words(x), reduction="sum") + kl_of(mu, logvar)


@softmax_before_cross_entropy.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    words = words_of(model, sample(mu, logvar))
    return F.cross_entropy(words, chosen_words(x), reduction="sum") + kl_of(mu, logvar)


@fault("output-range")
def likelihood_of_shares_without_a_logarithm(model: Layers, x: Tensor) -> Tensor:
    """The loss is negative from the start and stops at minus the number of words.

    nll_loss is given a softmax in place of its logarithm.
    """
    mu, logvar = model.encode(x)
    words = torch.softmax(words_of(model, sample(mu, logvar)), dim=-1)
    return F.nll_loss(words, chosen_words(x), reduction="sum") + kl_of(mu, logvar)


@likelihood_of_shares_without_a_logarithm.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    words = torch.log_softmax(words_of(model, sample(mu, logvar)), dim=-1)
    return F.nll_loss(words, chosen_words(x), reduction="sum") + kl_of(mu, logvar)
