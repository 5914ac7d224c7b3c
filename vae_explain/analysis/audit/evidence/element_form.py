"""Which form a KL has element by element, where its prior is learned and so another at each.

For N(μ, σ²) from N(m, s²) it is ½·((μ - m)²/s² + σ²/s² - 1 - log σ² + log s²). At given numbers of
the prior this is a sum of μ², σ², log σ², μ and a constant; what the prior's variance is follows
from the first two, and the constant has to be that of the same variance.
"""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import Literal

import numpy as np

from ....quick_classes import dataclass
from ....trace import Array
from .anatomy import Anatomy, once
from .closed_form import exact_fit
from .experiments import LOCATIONS, RAW_VALUES, at, raw_of
from .finding import NotApplied, decided
from .loss_parts import LossPart
from .posterior import Site

ROUNDED = 1e-4  # of coefficients whose own errors a division by small variances makes larger


@dataclass(frozen=True)
class ElementForm:
    """The form of a KL from a prior that is another for each element.

    Attributes
    ----------
    name
        What the user calls it.
    parts
        What the loss has of it.
    kind
        `closed form`, `reversed` (of the prior from the posterior) or `undivided` (σ² is not
        divided by the prior's variance).
    scale
        How often it is in the loss, for one element.
    variance
        The prior's, by what μ² is divided by, least and largest.
    logs
        How often log s² stands beside it; None where all variances are one.
    """

    name: str
    parts: tuple[LossPart, ...]
    kind: Literal["closed form", "reversed", "undivided"]
    scale: float
    variance: tuple[float, float] = (1.0, 1.0)
    logs: float | None = None


@once
def element_form(anatomy: Anatomy, site: Site) -> ElementForm:
    """Return the form of a site's KL, element by element.

    Raises
    ------
    NotApplied
        Where it is none that we know, or is no sum over the elements of μ.
    """
    raw_of(site)
    tried = posterior_parts(anatomy, site), estimated_parts(anatomy, site)
    first, *_ = decided(tried, partial(_of_parts, anatomy, site))
    return first


def posterior_parts(anatomy: Anatomy, site: Site) -> tuple[LossPart, ...]:
    """Return what the loss has of a site's posterior beside the reconstruction."""
    return tuple(
        p
        for p in anatomy.parts
        if p.role not in ("reconstruction", "other") and p.posteriors == {site.index}
    )


def estimated_parts(anatomy: Anatomy, site: Site) -> tuple[LossPart, ...]:
    """Return the same with what is estimated from the site's sample alone."""
    sampled = (p for p in anatomy.role("sampled") if p.samples == {site.index})
    return tuple(dict.fromkeys((*posterior_parts(anatomy, site), *sampled)))


def _of_parts(anatomy: Anatomy, site: Site, mine: tuple[LossPart, ...]) -> ElementForm:
    heads = {head for part in mine for head in anatomy.heads(part.summand.value)}
    # What is the prior's alone, as its log s².
    beside = tuple(
        p
        for p in anatomy.parts
        if p.role in ("other", "sampled")
        and p not in mine
        and not p.posteriors
        and (own := anatomy.heads(p.summand.value, heads))
        and own <= heads
    )
    parts, shape = (*mine, *beside), anatomy.values[site.location].shape
    if not mine or any(not _fits(anatomy.values[p.summand.value], shape) for p in parts):
        raise NotApplied("the KL is no sum over the elements of μ")
    mus, sigmas, rows = [], [], []
    for mu, raw in product(LOCATIONS, RAW_VALUES):
        sigma, total = _elements(anatomy, site, parts, mu, raw)
        if np.isfinite(sigma) and sigma > 0 and np.isfinite(total).all():
            mus.append(mu)
            sigmas.append(sigma)
            rows.append(total.ravel())
    if not rows:
        raise NotApplied("the KL has no numbers on the grid")
    form = _form(np.array(mus), np.array(sigmas), np.stack(rows))
    if form is None:
        raise NotApplied(
            "its numbers are those of no KL from one Gaussian for each element: a flow, a mixture, "
            "or another divergence"
        )
    return ElementForm(anatomy.name_of(mine, "the KL"), parts, *form)


def _fits(array: Array, shape: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(array.shape, shape) == shape
    except ValueError:
        return False


def _elements(
    anatomy: Anatomy, site: Site, parts: tuple[LossPart, ...], mu: float, raw: float
) -> tuple[float, Array]:
    """Return σ at one mean and raw value, and what each element of μ adds to the loss."""
    shape = anatomy.values[site.location].shape
    draws = (1.0, -1.0) if any(site.index in p.samples for p in parts) else (1.0,)
    total, sigma = np.zeros(shape), np.nan
    for draw in draws:
        sigma, arrays = at(anatomy, site, parts, mu, raw, draw)
        for part in parts:
            array = np.asarray(arrays[part.summand.value], np.float64)
            spread = array.size / max(total.size, 1)  # of what is broadcast to the elements
            total = total + part.summand.factor * spread * array / len(draws)
    return sigma, total


Found = tuple[
    Literal["closed form", "reversed", "undivided"], float, tuple[float, float], float | None
]


def _form(mu: Array, sigma: Array, kl: Array) -> Found | None:
    ones, variance = np.ones_like(mu), sigma**2
    solved = exact_fit((mu**2, variance, -np.log(variance), mu, ones), kl)
    if solved is not None:
        return _of_prior(*solved)
    solved = exact_fit((mu**2 / variance, mu / variance, 1 / variance, np.log(variance), ones), kl)
    if solved is None:
        return None
    squares, _, _, logs, _ = solved
    scale = float(squares.mean())
    if scale <= 0 or not (_alike(squares, scale) and _alike(logs, scale)):
        return None
    return "reversed", 2 * scale, (1.0, 1.0), None


def _of_prior(
    squares: Array, variances: Array, logs: Array, linear: Array, constant: Array
) -> Found | None:
    scale = float(logs.mean())
    if not scale or not _alike(logs, scale) or (squares / scale <= 0).any():
        return None
    prior = scale / squares
    mean = -linear / (2 * squares)
    span = float(prior.min()), float(prior.max())
    if not np.allclose(squares, variances, rtol=ROUNDED, atol=0):
        # Of a prior that is N(m, 1) nothing is to be divided.
        undivided = _alike(variances, scale) and not np.allclose(prior, 1.0, rtol=ROUNDED)
        return ("undivided", 2 * scale, span, None) if undivided else None
    # The -1 is nothing that is learned from; that of the constant which is log s² is.
    left = constant / scale - mean**2 / prior
    log_prior = np.log(prior)
    if np.ptp(log_prior) < ROUNDED:
        return "closed form", 2 * scale, span, None
    columns = np.stack([log_prior, np.ones_like(log_prior)], axis=1)
    (share, _), *_ = fit = np.linalg.lstsq(columns, left, rcond=None)
    off = np.abs(columns @ fit[0] - left).max()
    if off > ROUNDED * max(np.abs(left).max(), 1.0) or abs(share) < ROUNDED:
        return None  # of a prior whose variance is not learned, no log is needed
    return "closed form", 2 * scale, span, float(share)


def _alike(numbers: Array, number: float) -> bool:
    return bool(np.allclose(numbers, number, rtol=ROUNDED, atol=0))
