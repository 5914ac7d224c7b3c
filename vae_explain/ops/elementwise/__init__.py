"""Ops that work on each element alone: arithmetic, powers, activations, choices."""

# Each file and the ops that it explains.
FILES = {
    "activations": "leaky_relu elu silu softplus log_sigmoid softsign tanhshrink",
    "arithmetic": "add sub mul div neg addcmul addcdiv lerp",
    "clamp": "clamp clamp_min clamp_max",
    "gelu": "gelu",
    "hard_activations": "hardtanh relu6 hardsigmoid hardswish",
    "logarithms": "log2 log10 exp2 logit logaddexp logaddexp2 xlogy special_entr",
    "masked_fill": "masked_fill",
    "powers": "pow square sqrt exp log",
    "prelu": "prelu",
    "relu": "relu",
    "selu": "selu celu mish",
    "shrink": "hardshrink softshrink threshold",
    "sigmoid": "sigmoid tanh",
    "trigonometry": "sin cos tan asin acos atan sinh cosh asinh acosh atanh sinc atan2 hypot",
    "unary": (
        "abs sign log1p expm1 reciprocal rsqrt erf erfc special_erfcx special_ndtr erfinv "
        "lgamma digamma round floor ceil trunc frac fmod remainder nan_to_num"
    ),
    "where": "maximum minimum where",
}
