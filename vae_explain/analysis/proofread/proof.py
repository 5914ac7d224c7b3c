"""The way of a document through proof-reading, on one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...errors import UserError
from ...models.vocabulary import plain
from .judging.damaged_inputs import repaired
from .judging.figure_verdicts import FigureJudge
from .judging.line_verdicts import Substitution
from .judging.starting_point import NoWalkthrough, missing, rerun, start
from .judging.verdicts import Proof
from .matching.figures import Collected, Collector
from .matching.labels import Labels, Resolved
from .matching.names import Name
from .matching.stated_run import SUSPICIOUS, StatedRun, alternatives, rows_of, set_by_hand, stated
from .passage import Passage
from .reading.markdown import passages
from .reading.reader import read

MOST_LABELS = 8  # of the document's own, in an error's line


class UnknownLabel(UserError):
    """A label given by the author that the document does not have."""

    def __init__(self, label: str, name: Name, labels: Sequence[str]) -> None:
        known = f"; it has {', '.join(labels)}" if labels else ""
        super().__init__(
            f"no numbers of the document stand under this label{known}",
            "--map",
            f"{label}={name.at(name.place or ())}",
        )


def proofread(text: str, given: Mapping[str, Name] | None = None) -> Proof:
    """Find and judge the figures of a Markdown document that is the walkthrough of a VAE."""
    return walkthrough(passages(text), given)


def walkthrough(parts: Sequence[Passage], given: Mapping[str, Name] | None = None) -> Proof:
    """Find and judge the figures of a document that is the walkthrough of a VAE.

    Parameters
    ----------
    given
        The author's own labels and what they name.

    Raises
    ------
    UnknownLabel
        If the document has no numbers under one of the labels given.
    NoWalkthrough
        If it states no figures of a VAE, or not what they were computed from.
    """
    labels = Labels(given or {})
    resolved, remnants = labels.resolve_all(read(parts, labels))
    _require_labels(given or {}, resolved, labels.used(resolved))
    said = stated(parts, resolved)
    rows = rows_of(resolved, said.architecture.input_size)
    collected = Collector(said.architecture, rows, said.learning_rate is not None).collect(
        resolved, remnants
    )
    if not any(not figure.name.is_input for figure in collected.figures):
        raise NoWalkthrough("it states no number of a VAE's forward or backward pass")
    if not said.has_widths:
        lacking = missing(said.architecture, collected.figures, said.seeds)
        widths = "it says neither how wide the layers are nor their parameters"
        raise NoWalkthrough("; ".join([widths, *lacking]))
    said = said._replace(changes=set_by_hand(parts, said.architecture, rows))
    judge = _settled(said, collected)
    judged = tuple(judge.judged())
    begun = judge.begun
    substitution = Substitution(judge, judged)
    return Proof(
        model=said.architecture.label,
        seed=begun.seed,
        wrong_seed=begun.wrong_seed,
        figures=judged,
        lines=tuple(substitution.check(line) for line in collected.lines),
        unrecognised=collected.unrecognised,
        set_aside=collected.set_aside,
        misfits=collected.misfits,
        other_seeds=tuple(s for s in said.seeds if begun.seed and s.value != begun.seed.value),
        torch_version=begun.run.trace.torch_version,
    )


def _require_labels(
    given: Mapping[str, Name], resolved: Sequence[Resolved], used: set[str]
) -> None:
    for label, name in given.items():
        if plain(label) not in used:
            open_ = (e.statement.label for e in resolved if e.name is None and e.statement.label)
            raise UnknownLabel(label, name, list(dict.fromkeys(open_))[:MOST_LABELS])


def _settled(said: StatedRun, collected: Collected) -> FigureJudge:
    """Judge the figures under the loss that is stated, or the one that they are of."""
    best = _judge(said, collected)
    fewest = most = sum(judged.blamed for judged in best.judged())
    if most < SUSPICIOUS:
        return best
    for other in alternatives(said.architecture, collected.figures):
        judge = _judge(said._replace(architecture=other), collected)
        blamed = sum(judged.blamed for judged in judge.judged())
        if blamed < fewest and 2 * blamed < most:
            best, fewest = judge, blamed
    return best


def _judge(said: StatedRun, collected: Collected) -> FigureJudge:
    """Judge the figures from the inputs as stated, or put right where a digit must be wrong."""
    figures = collected.figures
    judge = FigureJudge(start(said, figures, collected.lines), figures, said.learning_rate)
    repair = repaired(judge)
    if repair is None:
        return judge
    suspects = ", ".join(figure.element for figure in repair.blamed)
    suspected = {
        figure.element: (float(judge.as_it_stands.array(figure.name)[figure.place]), suspects)
        for figure in repair.first
    }
    several = frozenset(f.element for f in repair.blamed) if repair.first else frozenset()
    return FigureJudge(rerun(said, repair.begun), figures, said.learning_rate, suspected, several)


__all__ = ["NoWalkthrough", "UnknownLabel", "proofread", "walkthrough"]
