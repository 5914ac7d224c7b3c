"""The KL of a posterior that a flow makes of a Gaussian sample.

With z₀ from N(μ, σ²) and zₖ what the flow makes of it, the KL by the sample is log q(z₀) -
log |det ∂zₖ/∂z₀| - log p(zₖ) (Rezende and Mohamed 2015, equation 15). The determinant is taken by
differences on the replay, and the loss's part is fitted by it, by zₖ² and by z₀².
"""

from __future__ import annotations

from math import ceil

import numpy as np

from ....quick_classes import dataclass
from ....trace import Array
from .anatomy import Anatomy
from .comparisons import comparisons
from .element_form import estimated_parts
from .experiments import raw_of, require_reparameterized
from .finding import NotApplied
from .loss_parts import LossPart
from .posterior import Site

STEP = 1e-5
POINTS = 16  # random means, each a row's own: more than twice what is fitted
RAW = 0.3, -0.4
EXACT = 1e-5  # of the range of what is fitted; a guard inside of the logarithm is less


@dataclass(frozen=True)
class FlowForm:
    """What a KL through a flow is made of.

    Attributes
    ----------
    name
        What the user calls it.
    before, after
        What the flow is given, and what it gives out.
    determinant, at_after, at_before
        How often -log |det|, ½·zₖ² and ½·z₀² are in it, for each log σ that is taken away.
    """

    name: str
    before: int
    after: int
    determinant: float
    at_after: float
    at_before: float


def flow_form(anatomy: Anatomy, site: Site) -> FlowForm:
    """Return the form of a site's KL through a flow.

    Raises
    ------
    NotApplied
        Where there is no flow, or the prior is another than N(0, 1).
    """
    require_reparameterized(site)
    raw_of(site)
    shape = anatomy.values[site.z].shape
    if len(shape) != 2 or shape != anatomy.values[site.location].shape:
        raise NotApplied("z does not have one mean for each row and latent")
    parts = estimated_parts(anatomy, site)
    if not parts or any(anatomy.values[p.summand.value].shape[:1] != shape[:1] for p in parts):
        raise NotApplied("the KL does not have a row for each row of z")
    for after in _flowed(anatomy, site):
        form = _fitted(anatomy, site, parts, after)
        if form is not None:
            return FlowForm(anatomy.name_of(parts, "the KL"), site.z, after, *form)
    raise NotApplied("no flow of z whose prior is N(0, 1) gives the KL's numbers")


def _flowed(anatomy: Anatomy, site: Site) -> list[int]:
    """Return the values in the shape of z that all ways from it to the predictions go through."""
    made = {compared.made for compared in comparisons(anatomy)}
    made = {each for each in made if site.z in anatomy.ancestors(each)}
    if not made:
        return []  # no prediction is made from this sample

    def is_between(value_id: int) -> bool:
        def behind(current: int) -> list[int]:
            return [] if current == value_id else anatomy.made_from(current)

        return not any(site.z in set(anatomy.walk(end, behind)) for end in made)

    return [
        value.id
        for value in anatomy.trace.values
        if value.shape == anatomy.values[site.z].shape
        and value.id != site.z
        and site.z in anatomy.ancestors(value.id)
        and is_between(value.id)
    ]


def _fitted(
    anatomy: Anatomy, site: Site, parts: tuple[LossPart, ...], after: int
) -> tuple[float, float, float] | None:
    rows, latents = anatomy.values[site.z].shape
    draws, raw = np.random.default_rng(0), anatomy.filled(raw_of(site), RAW[0])
    columns: list[Array] = []
    targets: list[Array] = []
    for _ in range(ceil(POINTS / rows)):
        means = draws.standard_normal((rows, latents))
        replaced = {site.location: means, site.noise: anatomy.filled(site.noise, 0.0)}
        z, kl, sigma = _at(anatomy, site, parts, after, replaced, RAW[0])
        _, other, narrower = _at(anatomy, site, parts, after, replaced, RAW[1])
        unit = (other - kl) / (latents * np.log(sigma / narrower))
        slopes = np.empty((rows, latents, latents))
        for latent in range(latents):
            step = np.zeros((rows, latents))
            step[:, latent] = STEP
            ends = [
                anatomy.experiment(
                    {**replaced, raw_of(site): raw, site.location: means + by}, [after]
                )[after]
                for by in (step, -step)
            ]
            slopes[:, :, latent] = (ends[0] - ends[1]) / (2 * STEP)
        widths = np.linalg.svd(slopes, compute_uv=False)
        if not (widths[:, -1] > STEP * widths[:, 0]).all():
            return None  # no flow: it cannot be undone, as a softmax, whose shares add up to 1
        if not (unit > 0).all() or not np.isfinite(unit).all():
            return None
        log_det = np.log(widths).sum(axis=1)
        squares = (0.5 * (array**2).sum(axis=1) for array in (z, means))
        columns.append(np.stack([-log_det, *squares, np.ones(rows)], axis=1))
        targets.append(kl / unit)
    matrix, target = np.concatenate(columns), np.concatenate(targets)
    if np.ptp(matrix[:, 0]) < EXACT:
        return None  # a flow that keeps all volumes, or none
    solution, _, rank, _ = np.linalg.lstsq(matrix, target, rcond=1e-10)
    off = np.abs(matrix @ solution - target).max()
    if rank < matrix.shape[1] or off > EXACT * np.ptp(target):
        return None
    determinant, at_after, at_before, _ = (float(number) for number in solution)
    return determinant, at_after, at_before


def _at(
    anatomy: Anatomy,
    site: Site,
    parts: tuple[LossPart, ...],
    after: int,
    replaced: dict[int, Array],
    raw: float,
) -> tuple[Array, Array, float]:
    """Return what the flow gives out, the KL's part of each row, and σ."""
    raw_value, scale = raw_of(site), site.chain[0]
    replaced = {**replaced, raw_value: anatomy.filled(raw_value, raw)}
    arrays = anatomy.experiment(replaced, [after, scale, *(p.summand.value for p in parts)])
    rows = len(arrays[after])
    kl = np.zeros(rows)
    for part in parts:
        kl = kl + part.summand.factor * arrays[part.summand.value].reshape(rows, -1).sum(axis=1)
    return np.asarray(arrays[after], np.float64), kl, float(arrays[scale].flat[0])
