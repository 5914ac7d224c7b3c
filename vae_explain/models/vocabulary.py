"""What the quantities of a VAE are called, in words, in signs and in code."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# What each quantity is called, in words and in code, a longer name before a shorter one.
VOCABULARY: tuple[tuple[str, str], ...] = (
    (r"w_mu", "fc_mu.weight"),
    (r"b_mu", "fc_mu.bias"),
    (r"w_logvar", "fc_logvar.weight"),
    (r"b_logvar", "fc_logvar.bias"),
    (r"recon_logits|logits", "recon_logits"),
    (r"(?:z_)?log[ _-]?(?:\( ?(?:variance|var) ?\)|variance|var)|z_log_var", "logvar"),
    (r"recon(?:struct(?:ion|ed))?[ _-]?(?:loss|error|term)", "error"),
    (r"binary cross[ -]?entropy|bce", "bce"),
    (r"(?:mean |summed |sum of )?squared (?:error|difference)s?|mse|sse", "mse"),
    (r"kl(?:[ _-]?div(?:ergence)?)?(?:[ _](?:loss|term))?|kld(?:_loss)?|[dl]_kld?", "kl"),
    (r"l_rec(?:on)?", "error"),
    (r"l_mse", "mse"),
    (r"total[ _]loss|loss|l", "loss"),
    (r"standard deviation|std(?:_?dev)?", "std"),
    (r"variance|var", "variance"),
    (r"mean|mu|z_mean|mu_z", "mu"),
    (r"epsilon|eps|noise", "eps"),
    (r"recon(?:struction|structed)?(?:[ _](?:x|output))?|x_(?:hat|recon)", "recon_x"),
    (r"latent (?:sample|vector|code)|z", "z"),
    (r"input(?: vector| x)?|x", "x"),
)
SIGNS = (
    ("σ²", " variance "), ("σ^2", " variance "), ("σ^(2)", " variance "), ("x̂", " x_hat "),
    ("μ", "mu"), ("µ", "mu"), ("σ", "std"), ("ε", "eps"), ("ϵ", "eps"), ("sigma^2", "variance"),
    ("sigma²", "variance"), ("sigma", "std"), ("\\_", "_"), ("`", ""), ("fc_dec_", "fc_dec"),
)  # fmt: skip


LOGARITHM = re.compile(r"(?<=∂)( ?)(?:\( ?log ?variance ?\)|log ?variance)")


@lru_cache(maxsize=8192)
def plain(text: str) -> str:
    """Return a label in lower case, with words for its signs.

    Examples
    --------
    >>> plain("Log-variance (log σ²)"), plain("∂Loss/∂μ")
    ('log-variance (log variance )', '∂loss/∂mu')
    """
    text = unicodedata.normalize("NFC", text).casefold().replace("ς", "σ")
    text = re.sub(r" ?\^ ?", "^", text)
    for sign, word in SIGNS:
        text = text.replace(sign, word)
    return LOGARITHM.sub(r"\1logvar", " ".join(text.split()))
