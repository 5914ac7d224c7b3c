"""Ops that work on each element alone: arithmetic, powers, activations, choices."""

# Each file and the ops that it explains.
FILES = {
    "activations": (
        "sigmoid tanh leaky_relu elu silu softplus log_sigmoid softsign tanhshrink selu celu "
        "mish gelu"
    ),
    "arithmetic": "add sub mul div neg addcmul addcdiv lerp pow square sqrt exp log",
    "choices": "maximum minimum where masked_fill clamp clamp_min clamp_max",
    "functions": (
        "abs sign log1p expm1 reciprocal rsqrt erf erfc special_erfcx special_ndtr erfinv "
        "lgamma digamma round floor ceil trunc frac fmod remainder nan_to_num sin cos tan "
        "asin acos atan sinh cosh asinh acosh atanh sinc atan2 hypot"
    ),
    "hard_activations": (
        "relu hardtanh relu6 hardsigmoid hardswish hardshrink softshrink threshold prelu"
    ),
    "logarithms": "log2 log10 exp2 logit logaddexp logaddexp2 xlogy special_entr",
}
