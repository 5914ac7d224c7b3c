"""What is said of a watched training run: what no single batch shows, and when it began."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ...quick_classes import dataclass
from ..audit.evidence.finding import SEVERITIES, Cell, Finding, Severity, finding
from ..audit.rules.posterior_collapse import MEND
from .records import Look, Watched

# What a look of its own says better than the audit of one batch.
OF_ONE_BATCH = frozenset({"posterior-collapse"})
APART = 120.0  # degrees between two gradients
SAME_LOSS = 1e-5
MOST_SHOWN = 12


@dataclass(frozen=True)
class Told:
    """A finding, and the steps at which it was so: all, some, or those of some looks."""

    finding: Finding
    when: str


def findings(watched: Watched) -> tuple[Told, ...]:
    """Return what is to be said, the worst first."""
    all_findings = [*_of_the_loop(watched), *_of_the_looks(watched)]
    all_findings.sort(key=lambda each: SEVERITIES.index(each.finding.severity))
    return tuple(all_findings)


def is_sound(watch_findings: Sequence[Told]) -> bool:
    """Whether none of what was found is an error."""
    return not any(each.finding.severity == "error" for each in watch_findings)


def _said(
    id: str,
    severity: Severity,
    title: str,
    columns: tuple[str, ...],
    rows: Sequence[tuple[Cell, ...]],
    mend: str = "",
) -> Finding:
    return replace(finding(severity, title, columns, rows, mend), id=id)


# --- what the loop does -----------------------------------------------------------------


def _of_the_loop(watched: Watched) -> Iterator[Told]:
    if watched.strangers and len(watched.not_optimized) == watched.parameters:
        yield Told(_other_model(watched), "from the start")
    elif watched.not_optimized:
        yield Told(_not_optimized(watched), "from the start")
    if watched.backwards and not watched.steps:
        yield Told(
            _said(
                "no-step", "error",
                "gradients were taken, and no optimizer that is watched ever made a step.",
                ("what", "how often"), [("backward", watched.backwards), ("step", 0)],
                "Call optimizer.step() behind backward(), or give watch the optimizer that steps.",
            ),
            "throughout",
        )  # fmt: skip
    if watched.kept:
        yield Told(_kept(watched), _steps(watched.kept, watched.steps))
    if watched.empty:
        yield Told(
            _said(
                "no-gradient", "error",
                f"the optimizer steps without a gradient at {len(watched.empty):,} of "
                f"{watched.steps:,} steps: each of its parameters has none, or zeros alone.",
                ("step", "loss"), [(n, watched.losses[n]) for n in watched.empty[:MOST_SHOWN]],
                "Call zero_grad() before backward() and not between it and step(); and look for a "
                "detach on the way to the loss.",
            ),
            _steps(watched.empty, watched.steps),
        )  # fmt: skip
    evaluating = [n for n, training in enumerate(watched.training) if not training]
    if evaluating and (watched.of_modes or len(evaluating) < watched.steps):
        yield Told(_evaluating(watched, evaluating), _steps(evaluating, watched.steps))


def _other_model(watched: Watched) -> Finding:
    return _said(
        "not-optimized",
        "error",
        f"the optimizer has {watched.strangers} parameters and none of this model's "
        f"{watched.parameters}: it was made of another model, or before this one's were replaced.",
        ("parameters", "count"),
        [("of the optimizer", watched.strangers), ("of the model", watched.parameters)],
        "Make the optimizer behind the model, of this model's parameters().",
    )


def _not_optimized(watched: Watched) -> Finding:
    names = watched.not_optimized
    return _said(
        "not-optimized",
        "error",
        f"{len(names)} of {watched.parameters} trained parameters are in no optimizer, and stay "
        f"what they are: {_listed(names)}.",
        ("parameter",),
        [(name,) for name in names[:MOST_SHOWN]],
        "Give the optimizer all of model.parameters(), or freeze these by requires_grad_(False); "
        "where another optimizer has them, give watch both.",
    )


def _kept(watched: Watched) -> Finding:
    rows: list[tuple[Cell, ...]] = []
    for look in watched.looks:
        worst = max(look.norms, key=lambda n: _ratio(look.norms[n]), default=None)
        if worst is not None:
            rows.append((look.step, f"{worst}.grad", *look.norms[worst]))
    columns: tuple[str, ...] = (
        "step", "gradient", "norm that the optimizer gets", "norm of this step's own"
    )  # fmt: skip
    if not rows:
        columns, rows = ("step",), [(n,) for n in watched.kept[:MOST_SHOWN]]
    return _said(
        "gradients-kept",
        "error",
        f"gradients are not reset between steps: at {len(watched.kept):,} of {watched.steps:,} "
        "steps those of earlier steps were still in .grad, and the new ones were added to them.",
        columns,
        rows[:MOST_SHOWN],
        "Call optimizer.zero_grad() in each step, before backward().",
    )


def _ratio(norms: tuple[float, float]) -> float:
    return norms[0] / norms[1] if norms[1] else math.inf


def _evaluating(watched: Watched, steps: Sequence[int]) -> Finding:
    kinds = f", of which this model has {_listed(watched.of_modes)}" if watched.of_modes else ""
    return _said(
        "evaluation-mode",
        "warning" if watched.of_modes else "note",
        f"{len(steps):,} of {watched.steps:,} steps trained the model in evaluation mode, where "
        f"dropout is off and batch norm goes by its running statistics{kinds}.",
        ("mode", "steps"),
        [("training", watched.steps - len(steps)), ("evaluation", len(steps))],
        "Call model.train() before the steps, again behind each validation that called "
        "model.eval().",
    )


# --- what the looks saw -----------------------------------------------------------------


def _of_the_looks(watched: Watched) -> Iterator[Told]:
    looks = [look for look in watched.looks if not look.refused]
    if not looks:
        return
    yield from _audited(looks)
    yield from _collapsed(looks)
    yield from _apart(looks)
    yield from _without_floor(looks)
    yield from _not_as_given(looks)


def _audited(looks: Sequence[Look]) -> Iterator[Told]:
    """Each finding of the audits once, as it was last, with the looks that had it."""
    last: dict[str, Finding] = {}
    when: dict[str, list[Look]] = {}
    for look in looks:
        for each in look.findings:
            if each.severity != "note" and each.id not in OF_ONE_BATCH:
                last[each.fingerprint] = each
                when.setdefault(each.fingerprint, []).append(look)
    for key, each in last.items():
        yield Told(each, _at(when[key], looks))


def _collapsed(looks: Sequence[Look]) -> Iterator[Told]:
    """For each site the latents that tell nothing at the last look, and since when."""
    for name in dict.fromkeys(latents.name for look in looks for latents in look.latents):
        seen = [(look, each) for look in looks for each in look.latents if each.name == name]
        _, last = seen[-1]
        rows: list[tuple[Cell, ...]] = []
        for latent in [i for i, gone in enumerate(last.collapsed) if gone]:
            first = len(seen) - 1
            while first and latent < len(seen[first - 1][1].collapsed) and (
                seen[first - 1][1].collapsed[latent]
            ):  # fmt: skip
                first -= 1
            before = f"between steps {seen[first - 1][0].step:,} and {seen[first][0].step:,}"
            since = before if first else f"by step {seen[0][0].step:,}"
            highest = max(each.kl[latent] for _, each in seen)
            rows.append((str(latent), since, highest, last.kl[latent]))
        if not rows:
            continue
        total, gone = len(last.collapsed), len(rows)
        yield Told(
            _said(
                "posterior-collapse",
                "error" if gone == total else "warning",
                f"{gone:,} of {total:,} latents of {name} collapsed: they carry nothing about x "
                "any more.",
                ("latent", "collapsed", "highest KL", "KL at last"),
                rows[:MOST_SHOWN],
                MEND,
            ),
            str(rows[0][1]),
        )


def _apart(looks: Sequence[Look]) -> Iterator[Told]:
    for angle in looks[-1].angles:
        if angle.degrees < APART:
            continue
        rows: list[tuple[Cell, ...]] = []
        for look in looks:
            for each in look.angles:
                if (each.first, each.second) == (angle.first, angle.second):
                    rows.append((look.step, each.degrees, each.ratio))
        yield Told(
            _said(
                "terms-in-conflict",
                "note",
                f"the gradients of {angle.first} and {angle.second} point apart at the last look, "
                f"by {angle.degrees:.0f}° over the {angle.parameters} parameters that both reach, "
                f"with norms of {angle.ratio:.3g} to 1: what one gains there the other loses. "
                "Where both balance, that is so; far from there, one of them is in the way.",
                ("step", "degrees", f"norm of {angle.first} for 1 of {angle.second}"),
                rows[-MOST_SHOWN:],
            ),
            _at([look for look in looks if _has_apart(look, angle.first, angle.second)], looks),
        )


def _has_apart(look: Look, first: str, second: str) -> bool:
    return any((a.first, a.second) == (first, second) and a.degrees >= APART for a in look.angles)


def _without_floor(looks: Sequence[Look]) -> Iterator[Told]:
    falling = [look for look in looks if look.fall is not None]
    if not falling or falling[-1].fall is None:
        return
    fall = falling[-1].fall
    yield Told(
        _said(
            "no-lower-bound",
            "error",
            f"the loss has no lower bound: along its own gradient it falls on and on, from "
            f"{fall.rows[0][1]:.4g} to {fall.rows[-1][1]:.4g}, and {fall.term} falls most. "
            "Training will follow it until a number leaves its range.",
            ("moved by times the parameters' norm", "loss"),
            fall.rows[:1] + fall.rows[-5:],
            f"Look at the sign of {fall.term}, and at what is learned that multiplies it, such as "
            "a weight or a deviation without a bound.",
        ),
        _at(falling, looks),
    )


def _not_as_given(looks: Sequence[Look]) -> Iterator[Told]:
    other = [look for look in looks if not _as_given(look)]
    if not other:
        return
    rows: list[tuple[Cell, ...]] = [
        (look.step, look.loss or 0.0, look.again or 0.0) for look in other
    ]
    ratios = {f"{look.loss / look.again:.4g}" for look in other if look.loss and look.again}
    times = f", {next(iter(ratios))} times as much" if len(ratios) == 1 else ""
    yield Told(
        _said(
            "another-loss",
            "note",
            "the loop takes back another number than the model and the loss that were given make "
            f"of the same step{times}: what was audited is the given loss. A loss that is divided "
            "for several batches a step, an input that is changed before the model gets it, or "
            "draws before the model is called, are such reasons.",
            ("step", "of the loop", "as given"),
            rows[:MOST_SHOWN],
        ),
        _at(other, looks),
    )


def _as_given(look: Look) -> bool:
    if look.loss is None or look.again is None or not math.isfinite(look.loss):
        return True
    return abs(look.loss - look.again) <= SAME_LOSS * max(abs(look.loss), abs(look.again))


# --- words ------------------------------------------------------------------------------


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return ", ".join(names[:4]) + more


def _steps(steps: Sequence[int], of: int) -> str:
    if len(steps) == of:
        return "at every step"
    return f"first at step {steps[0]:,}, last at step {steps[-1]:,}"


def _at(looks: Sequence[Look], of: Sequence[Look]) -> str:
    if len(looks) == len(of):
        return f"at each of {len(of)} looks" if len(of) > 1 else f"at step {of[0].step:,}"
    first, last = looks[0].step, looks[-1].step
    where = f"at step {first:,}" if first == last else f"from step {first:,} to step {last:,}"
    return f"{where}, at {len(looks)} of {len(of)} looks"
