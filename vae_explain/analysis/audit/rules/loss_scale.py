"""`loss-scale`: what each term was reduced over, and the effective β that this makes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import product

import numpy as np

from ..evidence.anatomy import Anatomy
from ..evidence.discrete import Categories
from ..evidence.element_weights import latent_weights, sides
from ..evidence.finding import Cell, Finding, NotApplied, decided, if_applied, note
from ..evidence.kl import known, measure
from ..evidence.posterior import Site
from ..evidence.reductions import ROUNDED
from ..evidence.scales import BY_ENTROPY, Scale, entropy_scale, kl_scale, reconstruction_scales
from .discrete_kl import category_scale
from .rule import AuditRule

OF_ITS_OWN = "difference", "product", "reconstruction", "function of the squared error"
ONE = 1e-4  # of a β that is 1 up to rounding


def effective_beta(reconstruction: Scale, kl: Scale) -> float:
    """Return the weight of one latent's KL for each unit of one element's error.

    Against the ELBO of one row, which sums both: 1 for a sum of errors plus the KL. A
    squared error that was written with its ½ has that half as its unit, and so has a
    Gaussian log-likelihood.
    """
    return kl.weight * reconstruction.unit / reconstruction.weight


def both_scales(anatomy: Anatomy) -> tuple[tuple[Scale, ...], list[Scale]]:
    """Return the scales of the reconstruction, and of each site's KL.

    A KL without a closed form is weighed by its entropy.

    Raises
    ------
    NotApplied
        Where one of them is not known.
    """
    anatomy.require_finite()
    sites = anatomy.sampling.sites if anatomy.categories else anatomy.sites()
    scales = reconstruction_scales(anatomy)
    if len(scales) > 1 and any(scale.measure in OF_ITS_OWN for scale in scales):
        names = ", ".join(dict.fromkeys(scale.name for scale in scales))
        raise NotApplied(f"the reconstruction has parts of several weights: {names}")
    if len({scale.name for scale in scales}) < len(scales):
        scales = tuple(scale._replace(name=f"the {scale.measure}") for scale in scales)
    kls = decided((*sites, *anatomy.categories), partial(_kl_scale, anatomy))
    scales, kls = _of_one_target(anatomy, scales, kls)
    if not all(scale.weight for scale in scales) or any(
        part.summand.switched_off for part in anatomy.reconstruction()
    ):
        raise NotApplied("the reconstruction has no weight in this run")
    return scales, kls


def _of_one_target(
    anatomy: Anatomy, scales: tuple[Scale, ...], kls: list[Scale]
) -> tuple[tuple[Scale, ...], list[Scale]]:
    """Return one error and one KL for those whose samples each predict the same target.

    As of a label that is not known: each class has a latent, and error and KL have its share,
    which is another in each row.
    """
    parts = anatomy.reconstruction()
    samples = {part.samples for part in parts}
    targets = {sides_of[1] for part in parts if (sides_of := sides(anatomy, [part]))}
    locations = {anatomy.twins(site.location)[0] for site in anatomy.sampling.sites}
    each_its_own = len(samples) == len(kls) == len(locations) > 1 and all(
        len(sample) == 1 for sample in samples
    )
    if len(scales) > 1 or len(targets) > 1 or not each_its_own:
        return scales, kls
    first, whole = kls[0], sum(kl.weight for kl in kls)
    factor = first.factor * whole / first.weight
    together = first._replace(name="the KL", weight=whole, factor=factor)
    return (scales[0]._replace(range=None),), [together]


def _kl_scale(anatomy: Anatomy, site: Site | Categories) -> Scale:
    if isinstance(site, Categories):
        return category_scale(anatomy, site)
    try:
        return kl_scale(anatomy, site)
    except NotApplied:
        scale = if_applied(entropy_scale, anatomy, site)
        if scale is None:
            raise
        measured = if_applied(measure, anatomy, site)
        is_closed = measured is not None and known(measured.fit)
        weights = if_applied(latent_weights, anatomy, site) if is_closed else None
        if weights is None:
            return scale
        # By entropy all latents weigh alike; by a closed form that is there all the same, not.
        sizes = np.abs(weights)
        return scale._replace(range=(float(sizes.min()), float(sizes.max())))


def reduction(scale: Scale, noun: str) -> str:
    """Say what was done over a term's elements and rows."""
    over_row = (
        f"averaged over {scale.averages} {noun}s"
        if scale.averaged > 1
        else f"summed over {scale.per_row:,} {noun}{'' if scale.per_row == 1 else 's'}"
    )
    if scale.batch == "not known":
        over_row += ", not known over the batch"
    elif scale.batch != "one row":
        # What was done to both is said once.
        again = "" if over_row.startswith(scale.batch) else f"{scale.batch} "
        over_row += f" and {again}over the batch"
    if abs(scale.factor - 1) > ROUNDED:
        over_row += f", times {scale.factor:.4g}"
    return over_row


def table(
    reconstructions: Sequence[Scale], kls: Sequence[Scale]
) -> tuple[tuple[str, ...], list[tuple[Cell, ...]]]:
    """Return the columns and rows that say how each term was reduced."""
    rows: list[tuple[Cell, ...]] = [
        (
            scale.name,
            f"mean of {scale.averaged:,}" if scale.averaged > 1 else f"sum of {scale.per_row:,}",
            {"summed": "sum", "averaged": "mean"}.get(scale.batch, scale.batch),
            scale.factor,
            scale.weight,
        )
        for scale in (*reconstructions, *kls)
    ]
    return ("term", "over a row", "over the batch", "times", "weight of one element"), rows


def betas_by_name(reconstructions: Sequence[Scale], kls: Sequence[Scale]) -> dict[str, Cell]:
    """Return each effective β, and the weight that would make it 1."""
    facts: dict[str, Cell] = {}
    for reconstruction, kl in product(reconstructions, kls):
        suffix = "" if len(kls) == 1 else f"_{kl.name}"
        suffix += "" if len(reconstructions) == 1 else f"_{reconstruction.name}"
        beta = effective_beta(reconstruction, kl)
        facts[f"effective_beta{suffix}"] = beta
        facts[f"weight_for_beta_1{suffix}"] = 1 / beta
    return facts


def look(anatomy: Anatomy) -> Iterator[Finding]:
    reconstructions, kls = both_scales(anatomy)
    off = any(part.summand.switched_off for part in anatomy.role("kl"))
    switched = " (it is multiplied by 0 in this run, which is left out here)" if off else ""
    terms = [f"{scale.name} is {reduction(scale, 'element')}" for scale in reconstructions]
    terms += [f"{kl.name} is {reduction(kl, 'latent')}" for kl in kls]
    betas = [effective_beta(scale, kl) for scale, kl in product(reconstructions, kls)]
    listed = ", ".join(f"{beta:.4g}" for beta in betas)
    message = (
        f"{'; '.join(terms)}: {'an effective β' if len(betas) == 1 else 'effective βs'} of "
        f"{listed} for one row{switched}"
    )
    if len(betas) == 1:
        message += _of_one(reconstructions[0], kls[0], betas[0], off)
    elif len(reconstructions) > 1:
        names = ", ".join(f"{scale.name} alone" for scale in reconstructions)
        message += f", one for each error by itself: {names}"
    elif not off:
        off_one = [(kl, beta) for kl, beta in zip(kls, betas, strict=True) if _is_off(beta)]
        weights = " and ".join(f"{kl.name} times {1 / beta:.4g}" for kl, beta in off_one)
        message += f"; {weights} would make β 1" if off_one else ""
    if any(kl.measure == BY_ENTROPY for kl in kls):
        message += (
            "; a KL without a closed form, as through a flow or from a learned prior, is weighed "
            "by its -log σ"
        )
    facts = betas_by_name(reconstructions, kls)
    yield note(f"{message}.", *table(reconstructions, kls), facts=facts)


def _is_off(beta: float) -> bool:
    return abs(beta - 1) > ONE


def _of_one(reconstruction: Scale, kl: Scale, beta: float, off: bool) -> str:
    """Say what one β of one error means."""
    ratio, message = kl.weight / reconstruction.weight, ""
    if reconstruction.range is not None:
        least, most = (effective_beta(reconstruction._replace(weight=w), kl)
                       for w in reconstruction.range[::-1])  # fmt: skip
        return (
            f", for the mean of the elements' weights: they differ, and make it {least:.4g} to "
            f"{most:.4g}"
        )
    if reconstruction.local:
        return (
            ", by the slope at the numbers of this run: the loss has the squared error inside of "
            "another function than a sum, as a root, so that β changes with the error"
        )
    if reconstruction.measure == "squared error":
        message = f", which is the ELBO of a Gaussian decoder of variance {ratio / 2:.4g}"
    if reconstruction.measure == "absolute error":
        message = f", which is the ELBO of a Laplace decoder of scale {ratio:.4g}"
    if _is_off(beta) and not off:
        message += f"; {kl.name} times {1 / beta:.4g} would make β 1"
        if reconstruction.measure in OF_ITS_OWN and abs(reconstruction.factor - 1) > ROUNDED:
            message += (
                f", unless the factor of {reconstruction.factor:.4g} belongs to the form of the "
                f"error, as in a log-likelihood: then it is {beta * reconstruction.factor:.4g}"
            )
    return message


RULE = AuditRule(
    "loss-scale",
    "each term's reduction, and the effective β",
    "experiments on the replay",
    "the reductions and weights of the loss's terms",
    look,
)
