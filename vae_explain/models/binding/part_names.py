"""What people call the parts of a VAE: its input, prediction, moments and latents."""

from __future__ import annotations

import re
from functools import lru_cache

# What a prediction is held against, which of a VAE is its input.
TRUTH = ("target", "targets", "original", "y_true", "true", "gt", "ground_truth")
INPUT = (
    "x", "input", "inputs", "inp", "data", "img", "imgs", "image", "images", "batch", "x_true",
    "x_in", "orig", *TRUTH,
)  # fmt: skip
RECON = (
    "x_hat", "xhat", "output", "decoded", "x_rec", "pred", "y_pred", "prediction", "logits", "out",
    "x_tilde", "y_hat", "yhat",
)  # fmt: skip
MEAN = ("means", "loc", "m")
LOGVAR = ("lv", "log_sigma2")
LATENT = ("z", "sample", "latent", "latents", "z_sample")
# What distributions are called, as objects: that of the latents, its prior, and the decoder's.
DISTRIBUTIONS = (
    ("q", "qz", "q_z", "qz_x", "q_z_x", "posterior"), ("pz", "p_z", "prior"),
    ("px", "p_x", "px_z", "p_x_z", "likelihood"),
)  # fmt: skip
# What PyTorch's own losses hold a prediction against; it may be a part, too.
TARGETS = (*TRUTH, "y", "t", "real", "actual")
WHOLE = ("out", "output", "outputs", "result", "results")  # of what may be all parts
FAMILIES = (RECON, MEAN, LOGVAR, LATENT)
MOMENTS = (MEAN, LOGVAR)
# What names of losses have in them, and of deviations and variances: each is in several below.
ERRORS = r"loss|nll|bce|mse"
DEVIATIONS = r"std\w*|sd|sigma\d?|scale"
VARIANCES = r"var|variance"
# A name of several words, such as `recon_batch`, `fc_mu` or `z_log_var`, means what its first
# fitting word means; one of the decoder's moments, `x_mu`, none of these.
WORDS = (
    (None, rf"{ERRORS}|scale|kld?|x_mu|x_mean|mu_x|mean_x|x_log_?var\w*|log_?var\w*_x"),
    (RECON, r"rec(on)?s?|reconstruct\w*|recx|decode[rd]?|dec|pred|predicted|generated"),
    (LOGVAR, r"(log|ln)_?var|(log|ln)_?variance"),
    (MEAN, r"mu|mean"),
    (LATENT, r"reparam\w*"),
)
# What is no part of what a model returns: a number or a function that somebody sets.
SETTINGS = re.compile(
    r"(^|_)(weight|beta|alpha|gamma|lambda\w*|lamb?|epochs?|steps?|iter\w*|coeff?\w*|capacity|"
    r"reduction|n|num|size|dim|device|args|config|fn|func|criterion|m_n)(_|$)"
)
DEVIATION = re.compile(rf"^(?!.*(log|ln_?var)).*(^|_)({DEVIATIONS}|{VARIANCES})(_|$)")
# What is given beside the input, and what a number is called that a model adds to its loss.
GIVEN = re.compile(
    r"(^|_)(labels?|class|classes|cond|condition\w*|c|y|t|mask\w*|noisy|clean|corrupt\w*)(_|$)"
)
TERM = re.compile(
    rf"{ERRORS}|kl|reg|div|vq|err|term|cost|commit|penal|elbo|entropy|perplex|det|ldj|log_?[pq]|"
    r"prob|mmd|like"
)
# What is maximized, and not its negative.
BOUND = re.compile(
    r"^(?!.*(neg|minus|loss))(.*_)?(elbo|vlb|iwae|(lower_?)?bound|evidence|log_?lik\w*|ll)(_|$)"
)
LOSS_FUNCTION = re.compile(rf"{ERRORS}|criterion|entropy")
# The four ways in which a spread is told, each with what its names have in them.
FORMS = (
    ("a log variance", r"(log|ln)_?var\w*|lv|log_?sigma_?(2|sq\w*)"),
    ("a log deviation", rf"log_?({DEVIATIONS})"),
    ("a variance", rf"{VARIANCES}|sigma_?(2|sq\w*)"),
    ("a deviation", DEVIATIONS),
)
LOGARITHMS = ("a log variance", "a log deviation")
MOMENT_WORDS = {*MEAN, "mu", "mean", *VARIANCES.split("|"), "logvar", "lv", "log", "ln", "fc"}
SAME_WORD = {"post": "q", "posterior": "q", "prior": "p"}
MODELS = ("model", "net", "network", "vae", "autoencoder", "module", "self")
Family = tuple[str, ...]


@lru_cache(maxsize=1024)  # a loss that is evaluated many times asks each time
def family(name: str) -> Family | None:
    """Return the names that mean the same part of a VAE as this one; None for no part of it."""
    plain = _plain(name)
    if is_setting(name):
        return None
    by_list = (names for names in FAMILIES if plain in names)
    by_word = (names for names, words in WORDS if re.search(rf"(^|_)({words})\d*(_|$)", plain))
    return next(by_list, None) or next(by_word, None)


def is_same(name: str, other: str) -> bool:
    """Whether two names are one but for underscores and capitals: `z_0`, `z0`."""
    return name.replace("_", "").lower() == other.replace("_", "").lower()


def distribution(name: str) -> Family | None:
    """Return the names that mean the same distribution as this one; None for none of these."""
    return next((names for names in DISTRIBUTIONS if _plain(name) in names), None)


def is_deviation(name: str) -> bool:
    """Whether a parameter is called as a deviation or a variance is, and not as its logarithm."""
    return family(name) is None and DEVIATION.search(name.lower()) is not None


def is_setting(name: str) -> bool:
    """Whether a parameter is called as what somebody sets, and no model returns, is."""
    return SETTINGS.search(name.lower()) is not None


def is_given_apart(name: str) -> bool:
    """Whether a parameter is called as a label, a condition or a mask is."""
    return GIVEN.search(_plain(name)) is not None


def is_term(name: str) -> bool:
    """Whether a parameter is called as a part of a loss is: `kl_div`, `vq_loss`."""
    return TERM.search(_plain(name)) is not None


def words_of_term(name: str) -> frozenset[str]:
    """Return what tells a part of a loss from others: `commitment` of `commitment_loss`."""
    words = re.findall(r"[a-z]{2,}", _plain(name))
    return frozenset(words) - {"loss", "losses", "term", "out", "extra", "aux", "other"}


def is_bound(name: str) -> bool:
    """Whether a result is called as a bound that is maximized is, such as an ELBO."""
    return BOUND.search(_plain(name)) is not None


def is_loss_function(name: str) -> bool:
    """Whether a function is called as one that holds a prediction against its target is."""
    return LOSS_FUNCTION.search(_plain(name)) is not None


def form_of(name: str) -> str:
    """Return in which way a spread of this name is told, such as "a log variance"; "" for none."""
    plain = _plain(name)
    forms = (form for form, words in FORMS if re.search(rf"(^|_)({words})(_|$)", plain))
    return next(forms, "")


def which(name: str) -> frozenset[str]:
    """Return what tells a moment from others of its kind: q of `mu_q`, `q_logvar`, `post_mean`."""
    words = re.findall(r"[a-z]+|\d+", _plain(name))
    return frozenset(SAME_WORD.get(word, word) for word in words if word not in MOMENT_WORDS)


def _plain(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
