"""One step of a training run looked at closely: its audit, its latents, and its terms."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import combinations, pairwise

import numpy as np

from ...engine.run import Recordings
from ...trace import Array
from ..audit.evidence.anatomy import Anatomy
from ..audit.evidence.finding import if_applied
from ..audit.report import audit
from ..audit.rules.all_rules import ALL
from ..audit.rules.posterior_collapse import latents
from .records import Angle, Fall, LatentsSeen, Look, TermSeen

# How far along its gradient a loss is followed, as multiples of the norm of the parameters.
FARTHEST = tuple(10.0**power for power in np.arange(-2, 6.5, 0.5))
FALLING = 6  # of these, the last ones at which it has to fall still
FAR_BELOW = 1e3  # times what it was


def close_look(
    recordings: Recordings,
    step: int,
    why: str,
    loss: float | None,
    kept: Mapping[str, float] | None = None,
) -> Look:
    """Audit a step, and measure what a report has of every step that is looked at.

    Parameters
    ----------
    loss
        That the loop took back.
    kept
        The norms of the parameters' gradients as the optimizer gets them, where they were not
        reset.
    """
    run = recordings.run
    anatomy = Anatomy(run, recordings)
    report = audit(recordings, ALL)
    again = float(run.values[run.trace.output].reshape(()))
    if not run.is_finite:
        return Look(step, why, loss, again, report.findings)
    return Look(
        step,
        why,
        loss,
        again,
        report.findings,
        _latents(anatomy),
        _terms(anatomy),
        _angles(anatomy),
        _fall(anatomy),
        norms={
            name: (norm, _norm([run.gradient(name)]))
            for name, norm in (kept or {}).items()
            if name in anatomy.trace.by_name and run.value(name).id in run.gradients
        },
    )


def _latents(anatomy: Anatomy) -> tuple[LatentsSeen, ...]:
    seen = []
    for site in anatomy.sampling.sites:
        judged = if_applied(latents, anatomy, site)
        if judged is None:
            continue  # the audit's own rule says why
        kl, collapsed = judged.kl.tolist(), judged.collapsed.tolist()
        seen.append(LatentsSeen(anatomy.latent(site), tuple(kl), tuple(collapsed)))
    return tuple(seen)


def _gradients(anatomy: Anatomy, term: str) -> dict[int, Array]:
    gradients = anatomy.run.gradients_of(term)
    return {n: gradients[n] for n in anatomy.run.learning if n in gradients}


def _terms(anatomy: Anatomy) -> tuple[TermSeen, ...]:
    seen = []
    for term in anatomy.trace.terms:
        value = term.weight * float(anatomy.array(term.value).sum())
        seen.append(TermSeen(term.name, value, _norm(_gradients(anatomy, term.name).values())))
    return tuple(seen)


def _norm(arrays: Iterable[Array]) -> float:
    return math.sqrt(sum(float(np.square(a, dtype=np.float64).sum()) for a in arrays))


def _angles(anatomy: Anatomy) -> tuple[Angle, ...]:
    """Return the angles between the gradients of each two terms, where neither is zero."""
    angles = []
    for first, second in combinations([term.name for term in anatomy.trace.terms], 2):
        ours, theirs = _gradients(anatomy, first), _gradients(anatomy, second)
        shared = [n for n in ours if n in theirs]
        lengths = [_norm(gradients[n] for n in shared) for gradients in (ours, theirs)]
        if not all(lengths):
            continue
        product = sum(
            float(np.vdot(ours[n].astype(np.float64), theirs[n].astype(np.float64))) for n in shared
        )
        cosine = min(max(product / (lengths[0] * lengths[1]), -1.0), 1.0)
        degrees = math.degrees(math.acos(cosine))
        angles.append(Angle(first, second, degrees, lengths[0] / lengths[1], len(shared)))
    return tuple(angles)


def _fall(anatomy: Anatomy) -> Fall | None:
    """Follow a loss below zero along its gradient; return its way if it falls without end.

    A squared error, a cross-entropy and a KL have a lower bound, so that a sum of them turns
    upward sooner or later on any straight way. What does not, up to a hundred thousand times the
    size of the parameters, has none that a training would meet.
    """
    run = anatomy.run
    start = float(anatomy.array(run.trace.output).sum())
    if start >= 0 or run.graph.not_explained or not run.learning:
        return None
    gradients = {n: run.gradients[n].astype(np.float64) for n in run.learning}
    length = _norm(gradients.values())
    if not length:
        return None
    unit = max(_norm(anatomy.array(n) for n in run.learning), 1e-3) / length
    rows: list[tuple[float, float]] = [(0.0, start)]
    after: dict[int, Array] = {}
    for far in FARTHEST:
        moved = {n: anatomy.array(n) - far * unit * g for n, g in gradients.items()}
        with np.errstate(all="ignore"):
            after = anatomy.all_with(moved)
        loss = float(after[run.trace.output].sum())
        rows.append((far, loss))
        if math.isnan(loss) or loss == math.inf:
            return None
        if loss == -math.inf:
            break
    last = [loss for _, loss in rows[-FALLING:]]
    falls = all(later < earlier for earlier, later in pairwise(last))
    if not falls or last[-1] > start - FAR_BELOW * max(abs(start), 1.0):
        return None
    return Fall(tuple(rows), _falls_most(anatomy, after))


def _falls_most(anatomy: Anatomy, after: dict[int, Array]) -> str:
    drops = {
        term.name: term.weight * float(after[term.value].sum() - anatomy.array(term.value).sum())
        for term in anatomy.trace.terms
    }
    return min(drops, key=lambda name: drops[name]) if drops else anatomy.trace.loss.label
