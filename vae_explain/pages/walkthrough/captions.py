"""The words of a page: titles and sentences for the field's own names, and for the rest.

A user's model whose variable is called `mu` gets the same words as the built-in one; any
other name is its own title.
"""

from __future__ import annotations

import re

TITLES = {
    "x": "Input",
    "encoder_pre": "Encode to the hidden layer",
    "mu": "Mean μ of the latent Gaussian",
    "logvar": "Log-variance log σ² of the latent Gaussian",
    "variance": "Variance σ²",
    "std": "Standard deviation σ",
    "eps": "Sample z: the reparameterization trick",
    "z": "Sample z: the reparameterization trick",
    "decoder_pre": "Decode to the hidden layer",
    "recon_x": "Reconstruct the input",
    "mse": "Reconstruction loss",
    "bce": "Reconstruction loss",
    "error": "Reconstruction loss",
    "kl": "KL divergence from the prior N(0, I)",
    "loss": "Total loss",
}

FORWARD_WORDS = {
    "x": "What the encoder gets.",
    "mu": "Where the encoder puts the middle of q(z|x).",
    "logvar": (
        "How wide q(z|x) is, as a logarithm: any real number is allowed, so the linear "
        "layer needs no constraint, and exp makes it positive."
    ),
    "eps": (
        "z must be random, yet gradients must pass through it. So the randomness is drawn "
        "apart, as ε ~ N(0, I), and z is an ordinary function of μ, σ and ε."
    ),
    "recon_x": "No activation at the end: each output is the mean of a Gaussian.",
    "mse": "The squared distance of the reconstruction from the input.",
    "bce": "How surprised the reconstruction is by the input, taken as probabilities.",
    "kl": (
        "How far q(z|x) is from the prior, in closed form for two Gaussians; zero only for "
        "μ = 0 and σ = 1."
    ),
}

BACKWARD_WORDS = {
    "recon_x": "The derivative of a square: twice the distance from the input.",
    "z": "What the decoder asks of the sample. The KL does not see z.",
    "mu": (
        "z moves with μ one to one, so what arrives at z arrives here; the KL adds its own "
        "pull towards 0."
    ),
    "std": "z moves with σ by ε, so the draw decides how strongly σ is asked to change.",
    "logvar": (
        "σ = exp(½·logvar) brings the factor ½·σ; the KL adds a pull of the variance towards 1."
    ),
}

# Where a mean divides, or a weight of the loss multiplies.
MEAN_OF_SQUARES = "The mean squared distance of the reconstruction from the input."
DIVIDED = (
    "The derivative of a square: twice the distance from the input, divided by the {} of the mean."
)
IN_PROPORTION = "The derivative of a square: in proportion to the distance from the input."

TERM_WORDS = {
    "mse": "reconstruction",
    "bce": "reconstruction",
    "error": "reconstruction",
    "recon_x": "reconstruction",
    "kl": "KL",
}

# Of what `torch.empty` gives, whose numbers would be others at each run.
BLANK = "memory that nothing has been written to yet, with zeros to stand in"

# Where there is nothing to go back for, or to hold against an oracle.
NOTHING_LEARNS = "The loss depends on nothing that is trained, so nothing has a gradient."
NO_PARAMETER_LEARNS = (
    "The loss depends on no parameter that is trained, so there is no gradient of one to check."
)

# Of what is computed under `no_grad`, taken by `detach`, or only compared.
NOTHING_COMES_BACK = "no gradient comes back from it"

LAYER_ACTIVATIONS = {"relu": "ReLU", "sigmoid": "sigmoid", "tanh": "tanh"}


ALIASES = {
    "mean": "mu",
    "z_mean": "mu",
    "mu_z": "mu",
    "log_var": "logvar",
    "z_logvar": "logvar",
    "z_log_var": "logvar",
    "var": "variance",
    "sigma": "std",
    "epsilon": "eps",
    "noise": "eps",
    "recon": "recon_x",
    "x_hat": "recon_x",
    "x_recon": "recon_x",
    "reconstruction": "recon_x",
    "recon_loss": "error",
    "recons_loss": "error",
    "recon_error": "error",
    "rec_loss": "error",
    "reconstruction_loss": "error",
    "kld": "kl",
    "kl_loss": "kl",
    "kld_loss": "kl",
    "kl_div": "kl",
    "kl_divergence": "kl",
}


def plain_name(name: str) -> str:
    """Return the field's name for a value: without its number, and for its other spellings.

    Examples
    --------
    >>> plain_name("encoder_pre_2"), plain_name("KLD"), plain_name("widgets")
    ('encoder_pre', 'kl', 'widgets')
    """
    base = re.sub(r"_\d+$", "", name)
    lower = base.lower()
    return ALIASES.get(lower, lower if lower in TERM_WORDS else base)


def title(name: str) -> str:
    """Return a section's title for the value that opens it."""
    return TITLES.get(plain_name(name), name)


def forward_words(name: str) -> str:
    """Return the sentence that goes with a value, or nothing."""
    return FORWARD_WORDS.get(plain_name(name), "")


def backward_words(name: str) -> str:
    """Return the sentence that goes with a value's gradient, or nothing."""
    return BACKWARD_WORDS.get(plain_name(name), "")


def term_words(name: str) -> str:
    """Return what readers call a loss term: reconstruction, KL, or its own name."""
    return TERM_WORDS.get(plain_name(name), name)


def counted(count: int, noun: str) -> str:
    """Write `1 row`, `8 rows`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
