"""A second opinion on the built-in VAE: its loss written once more, and differentiated anew.

Nothing here knows the rules, the expressions or PyTorch. The loss is transcribed from the
formulas into plain NumPy, and its gradients come from evaluating it, never from a
derivative that somebody wrote down. When this room and the rest of the house agree, they
agree for two reasons and not for one.

**Why the complex step is exact.** For a function f that is smooth at w,

    f(w + ih) = f(w) + ih·f′(w) − h²·f″(w)/2 − …

so Im f(w + ih) / h is f′(w) with an error of order h². Unlike a difference quotient it
subtracts no two nearly equal numbers, so h may be as small as we like: with h = 1e-200
the error term lies hundreds of orders of magnitude below the last digit, and what remains
is the rounding of the evaluation itself (Squire and Trapp, "Using Complex Variables to
Estimate Derivatives of Real Functions", SIAM Review 40, 1998).

It holds as long as each function continues analytically: sums, products and exp do. ReLU
does on either side of its kink, provided that the *real* part decides which side it is;
at exactly zero it passes nothing, as in PyTorch.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .differences import best, noise_of, quotients

Array = NDArray[Any]
Index = tuple[int, ...]
Term = Literal["mse", "kl"]
Places = Mapping[str, Iterable[int]]

STEP = 1e-200
# A slope below this, times the step, is no normal number any more.
SMALLEST_SLOPE = float(np.finfo(np.float64).smallest_normal) / STEP
ROWS = 128  # whose 784 numbers each fill less than a megabyte
# As PyTorch has them: softplus is the number itself from here on; no logarithm of a cross-entropy
# is lower, and its gradient is divided by no less than this p·(1 - p), which is a float32.
THRESHOLD, LOWEST_LOG, LOWEST_PRODUCT = 20.0, -100.0, float(np.float32(1e-12))


# --- the loss ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Design:
    """What the built-in VAE computes beside its parameters; the default is the textbook's.

    Attributes
    ----------
    activation
        After every hidden layer, by the name that PyTorch's functions have.
    recon
        `mse` on a linear output, or `bce` on a sigmoid.
    reduction
        Whether each term is summed or averaged over its elements.
    beta
        What the KL enters the loss with.
    """

    activation: str = "relu"
    recon: str = "mse"
    reduction: str = "sum"
    beta: float = 1.0


TEXTBOOK = Design()


def terms(
    parameters: Mapping[str, Array], x: Array, eps: Array, design: Design = TEXTBOOK
) -> tuple[Any, Any]:
    """Return the two terms of the loss, real or complex as the parameters are.

    Parameters
    ----------
    parameters
        The weights, [out, in], and biases, [out], of the layers fc1, …, fc_mu, fc_logvar,
        fc_dec1, …, by the names that PyTorch gives them (`fc1.weight`).
    x
        The input, [batch, input_size] or [input_size].
    eps
        The noise, [batch, latent_size] or [latent_size].

    Returns
    -------
    tuple
        The error of the reconstruction, and the KL divergence from N(mu, exp(logvar)) to
        N(0, I) without its weight, each one number.

    Raises
    ------
    KeyError
        If a parameter is missing.
    """
    error: Any = 0.0
    kl: Any = 0.0
    latents = 0
    # A few rows at a time, so that what lies between them stays in the processor's cache.
    in_rows = x.ndim == eps.ndim > 1 and len(x) == len(eps)
    starts = range(0, len(x), ROWS) if in_rows else ()
    for part in [slice(first, first + ROWS) for first in starts] or [slice(None)]:
        error_of, kl_of = _elements_of_terms(parameters, x[part], eps[part], design)
        error = error + np.sum(error_of)
        kl = kl + np.sum(kl_of)
        latents += kl_of.size
    if design.reduction == "mean":
        return error / x.size, kl / latents
    return error, kl


def _elements_of_terms(
    parameters: Mapping[str, Array], x: Array, eps: Array, design: Design
) -> tuple[Array, Array]:
    """Return what the two terms are the sums or means of."""

    def layer(name: str, below: Array) -> Array:
        return below @ parameters[f"{name}.weight"].T + parameters[f"{name}.bias"]

    activation = ACTIVATIONS[design.activation]
    depth = sum(re.fullmatch(r"fc\d+\.weight", name) is not None for name in parameters)
    hidden = x
    for number in range(1, depth + 1):
        hidden = activation(layer(f"fc{number}", hidden))
    mu = layer("fc_mu", hidden)
    logvar = layer("fc_logvar", hidden)
    hidden = mu + np.exp(0.5 * logvar) * eps
    for number in range(1, depth + 1):
        hidden = activation(layer(f"fc_dec{number}", hidden))
    output = layer(f"fc_dec{depth + 1}", hidden)
    error = _cross_entropy(output, x) if design.recon == "bce" else (output - x) ** 2
    return error, -0.5 * (1 + logvar - mu**2 - np.exp(logvar))


def loss(
    parameters: Mapping[str, Array],
    x: Array,
    eps: Array,
    term: Term | None = None,
    design: Design = TEXTBOOK,
) -> Any:
    """Return the loss, one number, real or complex as the parameters are.

    With `term`, only that part of it, as it enters the loss. Otherwise as `terms`.
    """
    error, kl = terms(parameters, x, eps, design)
    if term is None:
        return error + design.beta * kl
    return design.beta * kl if term == "kl" else error


def _relu(a: Array) -> Array:
    # NumPy compares complex numbers by real part first and imaginary part second, so
    # `a <= 0` would open the gate at 0 + 1e-200i. A NaN is not below zero and stays.
    return np.where(a.real <= 0, 0.0, a)


def _sigmoid(a: Array) -> Array:
    # 1/(1 + exp(-a)) overflows for a far below zero, where exp(a)/(1 + exp(a)) does not.
    small = np.exp(np.where(a.real >= 0, -a, a))
    quotient: Array = np.where(a.real >= 0, 1, small) / (1 + small)
    return quotient


def _softplus(a: Array) -> Array:
    # NumPy's log1p adds 1 to a complex number after all, and loses what is small against it.
    real = np.asarray(a.real, np.float64)
    smooth: Array = np.maximum(real, 0) + np.log1p(np.exp(-np.abs(real)))
    if np.iscomplexobj(a):
        smooth = smooth + 1j * _sigmoid(real) * a.imag
    return np.where(a.real > THRESHOLD, a, smooth)


def _cross_entropy(a: Array, x: Array) -> Array:
    # Of the sigmoid p, like PyTorch's: its gradient is not its slope where p is 0 or 1 but for
    # 1e-12. What p leaves of 1 is a sigmoid too, which loses no digits.
    p, left = _sigmoid(a), _sigmoid(-a).real
    with np.errstate(divide="ignore"):
        logs = np.maximum(np.log(p.real), LOWEST_LOG), np.maximum(np.log(left), LOWEST_LOG)
    error: Array = -(x * logs[0] + (1 - x) * logs[1])
    if np.iscomplexobj(a):
        slope = (p.real - x) / np.maximum(p.real * left, LOWEST_PRODUCT)
        error = error + 1j * slope * p.imag
    return error


def _gelu(a: Array) -> Array:
    # The error function has no complex form in NumPy; a first-order step is all we need.
    real = np.asarray(a.real, np.float64)
    erf: Array = np.vectorize(math.erf, otypes=[float])(real / math.sqrt(2))
    if np.iscomplexobj(a):
        slope = math.sqrt(2 / math.pi) * np.exp(-(real**2) / 2)
        erf = erf + 1j * slope * a.imag
    product: Array = 0.5 * a * (1 + erf)
    return product


def _elu(a: Array) -> Array:
    return np.where(a.real > 0, a, np.expm1(np.where(a.real > 0, 0, a)))


# With PyTorch's defaults for what a function leaves open.
ACTIVATIONS: Mapping[str, Callable[[Array], Array]] = {
    "relu": _relu,
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "leaky_relu": lambda a: np.where(a.real > 0, a, 0.01 * a),
    "elu": _elu,
    "gelu": _gelu,
    "silu": lambda a: a * _sigmoid(a),
    "softplus": _softplus,
}


# --- its gradients ----------------------------------------------------------------------


def complex_step(
    parameters: Mapping[str, Array],
    x: Array,
    eps: Array,
    term: Term | None = None,
    design: Design = TEXTBOOK,
    places: Places | None = None,
) -> dict[str, Array]:
    """Return the gradient of the loss at every parameter, exact to the last few digits.

    Parameters
    ----------
    parameters, x, eps, design
        As for `terms`; real, computed in float64 whatever their own precision.
    term
        The part of the loss to differentiate; None for all of it.
    places
        The elements of each parameter to move, counted through the whole of it; None for all.

    Returns
    -------
    dict
        For each parameter an array of its shape, NaN where it was not moved. One evaluation for
        each element.
    """
    x64, eps64 = np.asarray(x, np.float64), np.asarray(eps, np.float64)
    real = {name: np.array(parameter, np.float64) for name, parameter in parameters.items()}
    gradients = {name: np.full(parameter.shape, np.nan) for name, parameter in real.items()}
    with np.errstate(all="ignore"):  # an overflow shows as the inf that it is
        for name, parameter, index in _elements(real, places):
            # Only what depends on it is complex, which takes four times as long.
            nudged = parameter.astype(np.complex128)
            nudged[index] += 1j * STEP
            moved = loss({**real, name: nudged}, x64, eps64, term, design)
            gradients[name][index] = float(np.imag(moved)) / STEP
    return gradients


def central_differences(
    parameters: Mapping[str, Array],
    x: Array,
    eps: Array,
    term: Term | None = None,
    design: Design = TEXTBOOK,
    places: Places | None = None,
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return the gradient of the loss at every parameter to some seven digits, and its error.

    (f(w + h) − f(w − h)) / 2h, what one would do with a calculator. Its error comes from what
    h leaves of the loss's bends and from the rounding of the subtraction over 2h, so no step
    gives all digits; and it is wrong where the two evaluations lie on different sides of a
    ReLU's kink. `differences.py` says how far off it may be.

    Parameters
    ----------
    parameters, x, eps, term, design, places
        As for `complex_step`.

    Returns
    -------
    tuple
        For each parameter the differences, by the best of a few steps, and how far off each
        may be.
    """
    x64, eps64 = np.asarray(x, np.float64), np.asarray(eps, np.float64)
    nudged = {name: np.array(parameter, np.float64) for name, parameter in parameters.items()}
    central, error = (
        {name: np.full(parameter.shape, np.nan) for name, parameter in nudged.items()}
        for _ in range(2)
    )

    def evaluated(numbers: Mapping[str, Array]) -> float:
        with np.errstate(all="ignore"):
            return float(loss(numbers, x64, eps64, term, design))

    def along(part: float) -> float:
        return evaluated({name: array * (1 + part) for name, array in nudged.items()})

    middle = evaluated(nudged)

    # Of n roundings all together come to at most √n times their deviation; each number of a
    # parameter is multiplied and added for each row.
    roundings = 2 * (len(eps64) if eps64.ndim > 1 else 1) * sum(p.size for p in nudged.values())
    noise = math.sqrt(roundings) * noise_of(along)
    for name, parameter, index in _elements(nudged, places):

        def at(number: float, parameter: Array = parameter, index: Index = index) -> float:
            parameter[index] = number
            return evaluated(nudged)

        estimate = best(quotients(at, float(parameter[index]), middle, noise))
        central[name][index], error[name][index] = estimate
    return central, error


def _elements(
    parameters: Mapping[str, Array], places: Places | None
) -> Iterator[tuple[str, Array, Index]]:
    """Yield where each element is that is moved, and put back what was written there."""
    for name, parameter in parameters.items():
        for place in range(parameter.size) if places is None else places[name]:
            index = tuple(map(int, np.unravel_index(place, parameter.shape)))
            kept = parameter[index]
            yield name, parameter, index
            parameter[index] = kept
