"""The KL of one site, measured once: its parts of the loss, its probed numbers, its form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ....quick_classes import NamedTuple
from .anatomy import Anatomy, once
from .closed_form import Fit, exact_fit, fit
from .experiments import Probe, kl_candidates, probe, probes, raw_of
from .lineage import CLAMPS
from .loss_parts import LossPart
from .posterior import Site
from .summands import within

# What may stand around a KL and keeps or bends its value: free bits, a capacity, a ceiling.
BENDING = CLAMPS | {"maximum", "minimum", "relu", "abs"}


class MeasuredKl(NamedTuple):
    """A site's KL.

    Attributes
    ----------
    name
        What the user calls it.
    parts
        What the loss has of it.
    probes
        Its numbers on the grid.
    fit
        Their form; None for one that we do not know.
    bent
        The op around it that bends its value, which was looked through; empty for none.
    """

    name: str
    parts: tuple[LossPart, ...]
    probes: list[Probe]
    fit: Fit | None
    bent: str = ""

    @property
    def sampled(self) -> bool:
        """Whether it is estimated from the sample, as by Monte Carlo."""
        return any(part.samples for part in self.parts)


@once
def measure(anatomy: Anatomy, site: Site) -> MeasuredKl:
    """Measure the KL of a site, looking through what bends it where that gives a known form.

    Beside a KL there may be other terms that need the posterior alone, such as a penalty
    on its mean: where the whole has no known form, the loss's own terms are tried one by
    one.
    """
    raw_of(site)
    tried = [_of_parts(anatomy, site, parts) for parts in kl_candidates(anatomy, site)]
    of_known_form = [measured for measured in tried if known(measured.fit)]
    of_some_form = [measured for measured in tried if measured.fit is not None]
    return (of_known_form + of_some_form + tried)[0]


def _of_parts(anatomy: Anatomy, site: Site, parts: tuple[LossPart, ...]) -> MeasuredKl:
    # First inside: on the grid alone, a bent KL may look like one that is not, or is negative.
    inside, around = _looked_through(anatomy, parts)
    if inside:
        measured = _with_fit(anatomy, site, inside)
        if around == "abs" and measured.fit is not None and measured.fit.scale < 0:
            measured = _with_fit(anatomy, site, _turned(inside))  # |C - KL| is |KL - C|
        if known(measured.fit):
            return measured._replace(bent=around)
    whole = _with_fit(anatomy, site, parts)
    if known(whole.fit):
        return whole._replace(bent=around)
    for group in _by_term(anatomy, parts):
        measured = _with_fit(anatomy, site, group)
        if known(measured.fit):
            return measured
    return whole._replace(bent=around)


def _turned(parts: tuple[LossPart, ...]) -> tuple[LossPart, ...]:
    return tuple(
        part._replace(summand=part.summand._replace(factor=-part.summand.factor)) for part in parts
    )


def known(form: Fit | None) -> bool:
    """Whether a form is the closed form, or that of another prior."""
    return form is not None and form.kind in ("closed form", "another prior")


def _with_fit(anatomy: Anatomy, site: Site, parts: tuple[LossPart, ...]) -> MeasuredKl:
    numbers = probes(anatomy, site, parts)
    form = fit(numbers)
    if form is not None and form.kind == "weights":
        # Of a prior that is wide the weights are those of a slip too: its log s² tells them apart.
        for constant in _constants_beside(anatomy, site, parts, numbers):
            other = fit([each._replace(kl=each.kl + constant) for each in numbers])
            form = other if known(other) else form
    return MeasuredKl(anatomy.name_of(parts, "the KL"), parts, numbers, form)


def _constants_beside(
    anatomy: Anatomy, site: Site, parts: tuple[LossPart, ...], numbers: Sequence[Probe]
) -> Iterator[float]:
    """Yield what stands beside some parts in each value that has nothing else that is learned.

    The loss taken apart has none of it, as nothing is learned from a constant.
    """
    mine = {part.summand.value for part in parts}
    shared = set.intersection(*(set(part.summand.path) for part in parts))
    for other in anatomy.summands:
        shared -= set() if other.value in mine else set(other.path)
    compared = numbers[0], numbers[len(numbers) // 2], numbers[-1]
    for value_id in shared:
        whole = parts[0].summand._replace(value=value_id, factor=1.0)
        samples = frozenset[int]().union(*(part.samples for part in parts))
        one = (parts[0]._replace(summand=whole, samples=samples),)
        sums = np.array([probe(anatomy, site, one, each.mu, each.raw).kl for each in compared])
        columns = sums, np.ones_like(sums)
        solved = exact_fit(columns, np.array([each.kl for each in compared]))
        if solved is not None:
            yield -float(solved[1])


def _by_term(anatomy: Anatomy, parts: tuple[LossPart, ...]) -> list[tuple[LossPart, ...]]:
    terms = {term.value for term in anatomy.trace.terms}
    groups: dict[int, list[LossPart]] = {}
    for part in parts:
        on_way = [value_id for value_id in part.summand.path if value_id in terms]
        groups.setdefault(on_way[0] if on_way else part.summand.value, []).append(part)
    return [tuple(group) for group in groups.values()] if len(groups) > 1 else []


def _looked_through(
    anatomy: Anatomy, parts: tuple[LossPart, ...]
) -> tuple[tuple[LossPart, ...], str]:
    """Return the parts with what stands inside of a bending op in its place."""
    around = ""
    replaced: list[LossPart] = []
    for part in parts:
        *bent, inner = anatomy.walk_back(part.summand.value, lambda b: b.rule_name in BENDING)
        if bent:
            around = anatomy.rule(bent[-1])
            inside = within(anatomy, inner, part.summand)
            replaced += [part._replace(summand=summand) for summand in inside]
        else:
            replaced.append(part)
    return (tuple(replaced), around) if around else ((), "")
