"""The ids of all rules, in the order in which a report lists them.

Without NumPy, so that the command line knows them before anything is loaded.
"""

IDS = (
    "not-finite",
    "loss-scale",
    "loss-scale-mismatch",
    "kl-sign",
    "kl-form",
    "sampling-scale",
    "noise-detached",
    "negative-scale",
    "broadcast-loss",
    "posterior-collapse",
    "dead-units",
    "saturation",
    "no-gradient",
    "nothing-learns",
    "unused-sample",
    "latent-without-kl",
    "noise",
    "head-range",
    "output-range",
    "row-mixing",
    "discrete-kl",
    "codebook",
    "mode",
    "kl-at-prior",
    "reconstruction-sign",
    "target",
)
