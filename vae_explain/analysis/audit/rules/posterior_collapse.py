"""`posterior-collapse`: latents whose KL and Var(μ) are both about zero over the batch."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

from ....engine.backward_pass import backward
from ....quick_classes import dataclass
from ....trace import Array
from ..evidence.anatomy import Anatomy
from ..evidence.comparisons import comparisons
from ..evidence.finding import Finding, NotApplied, finding
from ..evidence.kl import known, measure
from ..evidence.posterior import Site
from .kl_form import closed_form
from .rule import AuditRule, Told, at_each_site

# The variance of n rows is known up to √(2/(n - 1)) of itself: less than itself from 4 rows on.
FEWEST_ROWS = 4
# A latent's KL is the most that it can tell about x, in nats. Below the first it tells nothing;
# up to the second pair (Burda et al. 2016 take a variance of 0.01 for an active unit) it is
# collapsed when the decoder does not answer to it either.
SURE_KL = 1e-4
LOW_KL, LOW_VARIANCE = 1e-2, 1e-2
# What the decoder does for a step of 1, of the spread of x, and of what it does for others.
DEAF, DEAFER = 1e-2, 1e-1
PROBES = 4
SAME_ROWS = 1e-3
MOST_SHOWN = 12
MEND = (
    "Give the KL less weight at first (a β that grows from 0), or free bits; or fewer latents, if "
    "these are not needed."
)


def look(anatomy: Anatomy) -> Iterator[Told]:
    anatomy.require_finite()
    anatomy.sites()
    if anatomy.rows < FEWEST_ROWS:
        raise NotApplied(
            f"too few rows to know a variance over the batch; give {FEWEST_ROWS} or more rows of x"
        )
    rows = np.asarray(anatomy.inputs[0], dtype=np.float64).reshape(anatomy.rows, -1)
    if rows.std(axis=0).max() < SAME_ROWS * max(np.abs(rows).max(), 1e-30):
        raise NotApplied("all rows of x are about the same, so μ does not vary for good reason")
    yield from of_each_site(anatomy)


@dataclass(frozen=True)
class Latents:
    """What each latent of a site tells about x, on average over the batch.

    Attributes
    ----------
    kl
        Of each, in nats: the most that it can tell.
    variance
        Of its mean, over the rows.
    collapsed
        Whether it tells nothing.
    """

    kl: Array
    variance: Array
    collapsed: Array


def latents(anatomy: Anatomy, site: Site) -> Latents:
    """Judge each latent of a site; `NotApplied` where that cannot be done."""
    measured = measure(anatomy, site)
    if not known(measured.fit) or measured.fit is None or measured.fit.kind != "closed form":
        raise NotApplied("the prior is not known to be N(0, 1)")
    mu = anatomy.array(site.location)
    if mu.ndim < 2 or mu.shape[0] != anatomy.rows:
        raise NotApplied("μ does not have a row for each row of x")
    kl = closed_form(anatomy, site).reshape(len(mu), -1).mean(axis=0)
    variance = mu.reshape(len(mu), -1).var(axis=0)
    sure = kl < SURE_KL
    low = (kl < LOW_KL) & (variance < LOW_VARIANCE)
    deaf = _deaf(anatomy, site, bool(low.all())) if low.any() else low
    return Latents(kl, variance, sure | (low & deaf))


@at_each_site
def of_each_site(anatomy: Anatomy, site: Site) -> Iterator[Finding]:
    judged = latents(anatomy, site)
    kl, variance = judged.kl, judged.variance
    collapsed = np.flatnonzero(judged.collapsed)
    if not collapsed.size:
        return
    mu = anatomy.array(site.location)
    columns = ["latent", "KL", "Var(μ)"]
    numbers = [kl, variance]
    if not anatomy.graph.not_explained:  # else autograd's own, which are not split, come in
        columns += ["pull of the reconstruction", "pull of the KL"]
        numbers += [
            _pull(anatomy.gradients(parts), site.location, mu.shape)
            for parts in (anatomy.role("reconstruction"), measure(anatomy, site).parts)
        ]
    shown = collapsed[:MOST_SHOWN]
    listed = ", ".join(map(str, shown)) + (", …" if len(collapsed) > MOST_SHOWN else "")
    one = len(collapsed) == 1
    yield finding(
        "error" if len(collapsed) == kl.size else "warning",
        f"{len(collapsed)} of {kl.size:,} latents of {anatomy.latent(site)} carr"
        f"{'ies' if one else 'y'} nothing about x: KL and Var(μ) are about zero over "
        f"{len(mu)} rows (latent{'' if one else 's'} {listed}).",
        columns,
        [(str(i), *(float(column[i]) for column in numbers)) for i in shown],
        MEND,
        facts={"collapsed": len(collapsed), "latents": kl.size},
    )


def _pull(gradients: dict[int, Array], value_id: int, shape: tuple[int, ...]) -> Array:
    gradient = gradients.get(value_id, np.zeros(shape))
    sizes = np.abs(np.asarray(gradient, dtype=np.float64)).reshape(shape[0], -1)
    return np.asarray(sizes.mean(axis=0))


def _deaf(anatomy: Anatomy, site: Site, all_low: bool) -> Array:
    """Return for which latents a step of the prior's deviation leaves the reconstruction as it is.

    Measured against the spread of x, and against the other latents unless all are low: a
    decoder whose output is saturated answers to none. How much an output answers to a
    latent is taken from its gradient with random signs for the elements of the output,
    whose square is on average the sum of all squared slopes (Hutchinson's estimate).
    """
    shape = anatomy.values[site.location].shape
    latents = anatomy.values[site.location][0].size
    wanted = [comparison.made for comparison in comparisons(anatomy)]
    if anatomy.values[site.z].shape != shape or not wanted or anatomy.graph.not_explained:
        return np.zeros(latents, dtype=bool)
    signs = np.random.default_rng(0)
    answers = np.zeros(latents)
    for made in wanted:
        size = anatomy.values[made].shape
        squares = np.zeros(latents)
        for _ in range(PROBES):
            arriving = signs.choice((-1.0, 1.0), size)
            gradients = backward(anatomy.graph, anatomy.values, made, arriving, towards=(site.z,))
            slopes = gradients.get(site.z, np.zeros(shape)).reshape(shape[0], -1)
            squares += (slopes**2).mean(axis=0) / (PROBES * max(prod(size) / shape[0], 1))
        answers = np.maximum(answers, np.sqrt(squares))
    deaf = answers < DEAF * float(np.asarray(anatomy.inputs[0], dtype=np.float64).std())
    return np.asarray(deaf if all_low else deaf & (answers < DEAFER * answers.max()))


RULE = AuditRule(
    "posterior-collapse",
    "latents that carry no information, and how each term pulls on them",
    "gradients split by term",
    "each latent's KL, its mean's variance, and the decoder's answer",
    look,
)
