"""The page of a watched training run: what was found and since when, and how it went."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...analysis.audit.evidence.finding import SEVERITIES
from ...analysis.watch import Look, Told, Watched, findings, is_sound
from ...engine.provenance import Target
from ...engine.run import Run
from ...ops.broadcasting import indices
from ..blocks import Cell, Column, Note, Table, Tree, Walkthrough
from ..phrases import counted
from ..pictured import Curve, Series
from . import why
from .auditing import add_finding
from .captions import term_role
from .draft import Draft
from .not_finite import stops_at

MOST_LATENTS, MOST_LOOKS = 8, 24
HOW = "each step is seen in passing; a look records and audits one, from its own draws"


def watching(watched: Watched, written: Sequence[str] = ()) -> Walkthrough:
    """Compose the page of a watched run.

    Parameters
    ----------
    written
        What was written to files, in words.
    """
    page = Draft()
    watch_findings = findings(watched)
    _found(page, watched, watch_findings)
    _course(page, watched)
    _looks(page, watched)
    page.add(*map(Note, written), _verdict(watched, watch_findings))
    steps = counted(watched.steps, "step")
    title = f"{watched.label} · {steps}, {counted(len(watched.looks), 'look')}"
    return Walkthrough("watch", title, (HOW,), tuple(page.blocks))


def add_watched(page: Draft, watched: Watched) -> None:
    """Add what was seen of a training to its page."""
    watch_findings = findings(watched)
    _found(page, watched, watch_findings)
    _looks(page, watched)
    page.add(_verdict(watched, watch_findings))


def _found(page: Draft, watched: Watched, watch_findings: Sequence[Told]) -> None:
    for each in watch_findings:
        add_finding(page, each.finding, each.when)
    _frozen(page, watched)


def _frozen(page: Draft, watched: Watched) -> None:
    run = watched.frozen
    if run is None:
        return
    derived = _derived(run)
    if derived:
        at = watched.not_finite_at
        page.open(f"Step {at:,}, as it stood", "the first number that is not finite")
        page.add(*derived)


def _derived(run: Run) -> list[Tree]:
    """Derive the first number that is not finite, where it is a value's."""
    value_id = stops_at(run)
    if value_id is None:
        return []
    array = run.values[value_id]
    index = next(i for i in indices(array.shape) if not math.isfinite(array[i]))
    blocks = why.why(run, Target(value_id, index), depth=1)[0].blocks
    return [block for block in blocks if isinstance(block, Tree)]


def _course(page: Draft, watched: Watched) -> None:
    if not watched.steps:
        return
    page.open("The loss", f"{counted(watched.steps, 'step')}, each before its update")
    page.add(Curve("step", (Series("loss", tuple(watched.losses), "total"),)))


def _looks(page: Draft, watched: Watched) -> None:
    if not watched.looks:
        return
    page.open("The looks", f"{counted(len(watched.looks), 'step')} recorded and audited")
    shown = [look for look in watched.looks if not look.refused]
    names = list(dict.fromkeys(term.name for look in shown for term in look.terms))
    columns = (
        Column("step", "label"),
        Column("looked at for", "text"),
        Column("loss", "value", "parameter", accent=True),
        *(Column(name, term_role(name), "parameter") for name in names),
        Column("collapsed", "text"),
    )
    rows: list[tuple[Cell, ...]] = []
    for look in shown[:MOST_LOOKS]:
        values = {term.name: term.value for term in look.terms}
        loss = look.again if look.loss is None else look.loss
        terms = (values.get(name, math.nan) for name in names)
        rows.append((look.step, look.why, math.nan if loss is None else loss, *terms, _gone(look)))
    if rows:
        page.add(Table(columns, tuple(rows)))
        page.left_out(len(shown) - len(rows), "look")
    refused = {look.refused: look.step for look in reversed(watched.looks) if look.refused}
    for reason, step in refused.items():
        page.add(Note(f"Step {step:,} could not be audited: {reason}.", "warning"))
    _latents(page, shown)


def _gone(look: Look) -> str:
    total = sum(len(each.collapsed) for each in look.latents)
    return f"{sum(sum(each.collapsed) for each in look.latents)} of {total}" if total else "-"


def _latents(page: Draft, looks: Sequence[Look]) -> None:
    """Draw the KL of each latent over the looks, those with the least at last before others."""
    with_latents = [look for look in looks if look.latents]
    if len(with_latents) < 3:
        return
    series = []
    for site, last in enumerate(with_latents[-1].latents):
        seen = [look.latents[site].kl for look in with_latents if len(look.latents) > site]
        if any(len(kl) != len(last.kl) for kl in seen):
            continue
        order = sorted(range(len(last.kl)), key=lambda latent: last.kl[latent])
        series += [
            Series(f"KL of {last.name}[{latent}]", tuple(kl[latent] for kl in seen), "kl")
            for latent in sorted(order[:MOST_LATENTS])
        ]
    page.open("The latents", "each one's mean KL, look by look")
    page.add(Curve("look", tuple(series[:MOST_LATENTS])))


def _verdict(watched: Watched, watch_findings: Sequence[Told]) -> Note:
    counts = ", ".join(
        counted(sum(each.finding.severity == severity for each in watch_findings), severity)
        for severity in SEVERITIES
    )
    words = f"{counted(watched.steps, 'step')} watched: {counts}."
    if watched.ended:
        words += f" The loop was left by {watched.ended}."
    refused = all(look.refused for look in watched.looks)
    if is_sound(watch_findings):
        return Note(words, "plain" if refused else "check")
    return Note(words, "failure")
