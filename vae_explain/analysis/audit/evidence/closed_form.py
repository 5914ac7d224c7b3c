"""Which closed form a KL's numbers are those of.

The KL of N(μ, σ²) from N(0, 1) is ½·(μ² + σ² − 1 − log σ²), one number for each latent and
row (Kingma and Welling, "Auto-Encoding Variational Bayes", appendix B). A least-squares fit
of the probed numbers to the four parts says how much of each there is; where no such fit is
exact, the KL's σ is tried as a function of the one that z uses, and one part at a time as
another expression.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ....quick_classes import NamedTuple
from ....trace import Array
from .experiments import Probe

CLOSED_FORM = "½·Σ(μ² + σ² - 1 - log σ²)"
PARTS = "μ²", "σ²", "(-log σ²)"
SWAPPED = "μ and log σ² in each other's place"
EXACT = 1e-6  # of the largest number; float64 gives about 1e-13
FEWEST_PROBES = 12
POWERS = 2.0, 1.0, 0.5, 4.0, -2.0, -1.0  # of what scales the noise, in the KL's σ²
Function = Callable[[Array], Array]

# How the KL's σ may come from the one that scales the noise, s, in a model that mixes up
# standard deviation, variance and their logarithms.
SQUARED = "log-variance as log-deviation"
SIGMA_OF_KL: Mapping[str, Function] = {
    "s is the KL's log-variance": lambda s: np.exp(s / 2),
    "s is the KL's log-deviation": np.exp,
    "s is a power of 2": lambda s: np.exp(np.log2(s)),
    SQUARED: np.square,
    "log-variance as variance": lambda s: np.sqrt(2 * np.log(s)),
    "log-variance as deviation": lambda s: 2 * np.log(s),
    "log-deviation as deviation": np.log,
}
# The same where z makes its σ of the raw value by another function than the KL does.
SIGMA_OF_RAW: Mapping[str, Function] = {
    "log-variance": lambda raw: np.exp(raw / 2),
    "log-deviation": np.exp,
}
# What may stand in place of a part of the closed form by mistake.
STAND_INS: Mapping[str, tuple[tuple[str, Function], ...]] = {
    "σ²": (
        ("σ", lambda s: s),
        ("σ⁴", lambda s: s**4),
        ("(log σ²)²", lambda s: (2 * np.log(s)) ** 2),
        ("log σ²", lambda s: 2 * np.log(s)),
    ),
    "μ²": (("μ", lambda m: m), ("|μ|", np.abs)),
}


class Fit(NamedTuple):
    """What a KL's numbers are made of.

    Attributes
    ----------
    kind
        `closed form`, `another prior`, `weights` (the parts do not stand as 1 : 1 : −1),
        `sigma` (the closed form of another σ), `raw` (of one made of the raw value),
        `scaled` (of a factor times a power of σ) or `part` (another expression for a part).
    scale
        How often the closed form is in it, summed over all latents and rows.
    weights
        Of μ², σ² and −log σ², each as a multiple of ½.
    detail
        Which σ, which stand-in, or which prior.
    factor, power
        Of a `scaled` form: the KL's σ² is the factor times s to the power, where s is what
        scales the noise.
    """

    kind: str
    scale: float
    weights: tuple[float, float, float]
    detail: str = ""
    factor: float = 1.0
    power: float = 2.0


def fit(probes: Sequence[Probe]) -> Fit | None:
    """Return which form the probed numbers are; None for one that we do not know."""
    if len(probes) < FEWEST_PROBES:
        return None
    mu, sigma, kl = (np.array([getattr(p, key) for p in probes]) for key in ("mu", "sigma", "kl"))
    if not np.ptp(kl) or not np.ptp(sigma):
        return None
    with np.errstate(all="ignore"):
        fitted = _own_sigma(mu, sigma, kl)
        if fitted is not None and fitted.kind != "weights":
            return fitted
        scaled = _scaled(mu, sigma, kl)
        if scaled is not None:
            return scaled
        if fitted is not None:
            return fitted
        for words, function in SIGMA_OF_KL.items():
            other = function(sigma)
            good = np.isfinite(other) & (other > 0)
            if good.sum() < FEWEST_PROBES or not np.ptp(other[good]):
                continue
            fitted = _own_sigma(mu[good], other[good], kl[good])
            if fitted is not None and fitted.kind == "closed form":
                return Fit("sigma", fitted.scale, fitted.weights, words)
        raw = np.array([p.raw for p in probes])
        for words, function in SIGMA_OF_RAW.items():
            fitted = _own_sigma(mu, function(raw), kl)
            if fitted is not None and fitted.kind == "closed form":
                return Fit("raw", fitted.scale, fitted.weights, words)
        return _stand_in(mu, sigma, kl) or _swapped(mu, sigma, kl)


def _own_sigma(mu: Array, sigma: Array, kl: Array) -> Fit | None:
    good = sigma != 0
    mu, sigma, kl = mu[good], sigma[good], kl[good]
    ones = np.ones_like(mu)
    coefficients = _solve((mu**2, sigma**2, -np.log(sigma**2), mu, ones), kl)
    if coefficients is None:
        return None
    squares, variances, logs, linear, constant = coefficients
    weights = 2 * squares, 2 * variances, 2 * logs
    largest = max(map(abs, weights))
    equal = all(_close(weights[0], weight, largest) for weight in weights)
    if equal and abs(linear) < EXACT * largest:
        return Fit("closed form", weights[0], weights)
    prior = _prior(weights, linear, constant)
    if prior:
        return Fit("another prior", weights[2], weights, prior)
    return Fit("weights", weights[2], weights, "linear" if abs(linear) > EXACT * largest else "")


def _scaled(mu: Array, sigma: Array, kl: Array) -> Fit | None:
    """Return the closed form of a σ² that is a·sᵇ, by its constant too: -½·(1 + log a)."""
    good = sigma > 0
    mu, sigma, kl = mu[good], sigma[good], kl[good]
    for power in POWERS:
        columns = (mu**2, sigma**power, -np.log(sigma**2), mu, np.ones_like(mu))
        coefficients = _solve(columns, kl)
        if coefficients is None:
            continue
        squares, variances, logs, linear, constant = coefficients
        if squares == 0 or variances / squares <= 0 or abs(linear) > EXACT * abs(squares):
            continue
        factor = variances / squares
        expected = [-squares * (np.log(factor) + one) for one in (0, 1)]
        # With σ² itself, a variance that counts more by a slip has no such constant.
        right = power != 2 or any(_close(constant, each, abs(squares)) for each in expected)
        if right and _close(logs, squares * power / 2, abs(squares)):
            weights = 2 * squares, 2 * variances, 2 * logs
            if power == 4 and _close(factor, 1.0, 1.0):
                return Fit("sigma", 2 * squares, weights, SQUARED)
            return Fit("scaled", 2 * squares, weights, "", factor, power)
    return None


def _prior(weights: tuple[float, float, float], linear: float, constant: float) -> str:
    """Return the fixed normal prior that fits the weights, the constant too; empty for none.

    KL(N(μ, σ²) | N(m, s²)) = ½·((μ − m)²/s² + σ²/s² − 1 − log σ² + log s²).
    """
    squares, variances, logs = weights
    if logs == 0 or variances / logs <= 0 or not _close(squares, variances, abs(squares)):
        return ""
    variance = logs / variances
    mean = -linear / squares
    expected = logs / 2 * (mean**2 / variance + np.log(variance))
    # The -1 is nothing that is learned from, and may have been left out.
    if not any(_close(constant, expected - one * logs / 2, abs(logs)) for one in (0, 1)):
        return ""
    return f"N({0.0 if abs(mean) < EXACT else mean:.4g}, {variance:.4g})"


def nearest(probes: Sequence[Probe]) -> str:
    """Return the weighted sum of μ², σ² and -log σ² that is nearest to probed numbers, in words."""
    mu, sigma, kl = (np.array([getattr(p, key) for p in probes]) for key in ("mu", "sigma", "kl"))
    good = (sigma != 0) & np.isfinite(sigma) & np.isfinite(kl)
    mu, sigma, kl = mu[good], sigma[good], kl[good]
    columns = np.stack([mu**2, sigma**2, -np.log(sigma**2), np.ones_like(mu)], axis=1)
    solution, *_ = np.linalg.lstsq(columns, kl, rcond=None)
    largest = np.abs(solution[:3]).max()
    shares = [
        f"{weight / largest:.2g}·{part}" for weight, part in zip(solution, PARTS, strict=False)
    ]
    return " + ".join(shares)


def _swapped(mu: Array, sigma: Array, kl: Array) -> Fit | None:
    """Return the closed form with μ and log σ² in each other's place."""
    good = sigma > 0
    logs, mu = 2 * np.log(sigma[good]), mu[good]
    return _of_parts((logs**2, np.exp(mu), -mu), kl[good], SWAPPED)


def _stand_in(mu: Array, sigma: Array, kl: Array) -> Fit | None:
    columns = {"μ²": mu**2, "σ²": sigma**2, "−log σ²": -np.log(sigma**2)}
    for part, options in STAND_INS.items():
        for words, function in options:
            changed = {**columns, part: function(mu if part == "μ²" else sigma)}
            fitted = _of_parts(tuple(changed.values()), kl, f"{words} for {part}")
            if fitted is not None:
                return fitted
    return None


def _of_parts(columns: tuple[Array, ...], kl: Array, detail: str) -> Fit | None:
    """Return the fit by three parts that stand as 1 : 1 : 1; None for any other."""
    coefficients = _solve((*columns, np.ones_like(kl)), kl)
    if coefficients is None:
        return None
    first, second, third = (2 * weight for weight in coefficients[:3])
    if _close(first, third, third) and _close(second, third, third):
        return Fit("part", third, (first, second, third), detail)
    return None


def _solve(columns: Sequence[Array], target: Array) -> list[float] | None:
    """Return the coefficients of an exact fit; None when there is none."""
    good = np.isfinite(columns).all(axis=0) & np.isfinite(target)
    if good.sum() < FEWEST_PROBES:
        return None
    solution = exact_fit([column[good] for column in columns], target[good])
    return None if solution is None else [float(number) for number in solution]


def exact_fit(columns: Sequence[Array], targets: Array) -> Array | None:
    """Return what to multiply columns by to add up to a target, or to each of several.

    Returns
    -------
    array or None
        A row for each column; None where no such sum is exact.
    """
    matrix = np.stack(columns, axis=1)
    sizes = np.abs(matrix).max(axis=0)
    sizes[sizes == 0] = 1.0
    solution, _, rank, _ = np.linalg.lstsq(matrix / sizes, targets, rcond=1e-10)
    off = np.abs(matrix / sizes @ solution - targets).max()
    if rank < matrix.shape[1] or off > EXACT * np.abs(targets).max():
        return None
    return np.asarray((solution.T / sizes).T)


def _close(a: float, b: float, scale: float) -> bool:
    return abs(a - b) <= EXACT * abs(scale)
