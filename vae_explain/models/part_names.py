"""What people call the parts of a VAE: its input, prediction, moments and latents."""

from __future__ import annotations

import re
from functools import lru_cache

INPUT = (
    "x", "input", "inputs", "target", "targets", "data", "original", "img", "imgs", "image",
    "images", "batch", "x_true", "y_true", "true", "x_in", "orig", "gt", "ground_truth",
)  # fmt: skip
RECON = (
    "x_hat", "xhat", "output", "decoded", "x_rec", "pred", "y_pred", "prediction", "logits", "out",
    "x_tilde",
)  # fmt: skip
MEAN = ("means", "loc", "m")
LOGVAR = ("lv", "log_sigma2")
LATENT = ("z", "sample", "latent", "latents", "z_sample")
# Of the inputs, what may be a part, and what PyTorch's own losses hold a prediction against.
TARGETS = ("target", "targets", "y", "y_true", "true", "original", "gt", "ground_truth")
WHOLE = ("out", "output", "outputs", "result", "results")  # of what may be all parts
FAMILIES = (RECON, MEAN, LOGVAR, LATENT)
# A name of several words, such as `recon_batch`, `fc_mu` or `z_log_var`, means what its first
# fitting word means; one of the decoder's moments, `x_mu`, none of these.
WORDS = (
    (None, r"loss|kld?|nll|bce|mse|x_mu|x_mean|mu_x|mean_x|x_log_?var\w*|log_?var\w*_x"),
    (RECON, r"recons?|reconstruct\w*|recx|decode[rd]?|dec|pred|predicted|generated"),
    (LOGVAR, r"log_?var|log_?variance"),
    (MEAN, r"mu|mean"),
    (LATENT, r"reparam\w*"),
)
# What is no part of what a model returns: a number or a function that somebody sets.
SETTINGS = re.compile(
    r"(^|_)(weight|beta|alpha|gamma|lambda\w*|lamb?|epochs?|steps?|iter\w*|coeff?\w*|capacity|"
    r"reduction|n|num|size|dim|device|args|config|fn|func|criterion|m_n)(_|$)"
)
DEVIATION = re.compile(r"^(?!.*log).*(^|_)(std\w*|sd|sigma\d?|scale|var|variance)(_|$)")
MODELS = ("model", "net", "network", "vae", "autoencoder")
Family = tuple[str, ...]


@lru_cache(maxsize=1024)  # a loss that is evaluated many times asks each time
def family(name: str) -> Family | None:
    """Return the names that mean the same part of a VAE as this one; None for no part of it."""
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    by_list = (names for names in FAMILIES if plain in names)
    by_word = (names for names, words in WORDS if re.search(rf"(^|_)({words})(_|$)", plain))
    return next(by_list, None) or next(by_word, None)


def is_deviation(name: str) -> bool:
    """Whether a parameter is called as a deviation or a variance is, and not as its logarithm."""
    return family(name) is None and DEVIATION.search(name.lower()) is not None


def is_setting(name: str) -> bool:
    """Whether a parameter is called as what somebody sets, and no model returns, is."""
    return SETTINGS.search(name.lower()) is not None
