"""Whether one value that is stated wrong explains more than many wrong results.

Each value that does not lead to what follows from it is changed in turn: to the number that was
put into a formula for it, or to what a result demands of it (`demands.py`). The document is read
again with it, and the one change that leaves the fewest findings, itself counted, is taken; it
is blamed, alone. Where it explains a single result, the more likely of the two is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ....quick_classes import NamedTuple
from ..arithmetic.damages import damages, one_digit_apart
from ..arithmetic.demands import Demand, rearranged
from ..arithmetic.findings import FORMULA, DocumentFinding, Doubt
from ..arithmetic.seen import is_within
from ..arithmetic.sides import EquationMistake
from ..blame.claims import ColumnClaim
from ..blame.operands import is_damaged, of_result
from ..grammar.cursor import Unreadable, literal
from ..grammar.syntax import (
    Literal,
    Row,
    Tree,
    flattened,
    is_bare,
    literals,
    negated,
    replaced,
    shown,
)
from ..statements.chains import Chain
from ..statements.scope import is_matrix
from .run import EquationReader

ONE_DIGIT = 0.5  # how much likelier a number is that has one other digit
MOST_TRIES = 60  # readings of a document
MOST_CHAINS = 2000  # in a document that is read so often
MOST_READ = 20_000  # equations in all those readings
TELLING = (1.0, 2.0)  # powers of ten by which a result speaks for what it demands
LEAST = 0.5  # the same, of what is looked at
POSITIVE = ("η", "σ")  # the letters of what is positive
LIKELY = 2  # of a hypothesis that explains a formula that was given up, or blamed


class _Change(NamedTuple):
    """A value that may have been meant for the one that is stated.

    Attributes
    ----------
    used
        Whether the document itself uses what it is changed to.
    evidence
        By how many powers of ten it is no chance that it explains a result.
    """

    doubt: Doubt
    value: Tree
    old: Tree
    new: Tree
    used: bool
    evidence: float

    @property
    def line(self) -> int:
        """Where the number stands that is changed."""
        first = next(iter(literals(self.old)), None)
        return (first.line if first else 0) or self.doubt.line

    @property
    def blamed(self) -> DocumentFinding:
        printed, expected = shown(self.old), shown(self.new)
        why = f"what follows from {self.doubt.name} needs {expected}, but {printed} is printed"
        return DocumentFinding(self.line, printed, expected, why, "B")


class _Reading(NamedTuple):
    """What is wrong in a document if a value of it is another."""

    run: EquationReader
    findings: list[DocumentFinding]
    wrong: int


def with_fewest_findings(
    run: EquationReader, chains: Sequence[Chain], claims: Sequence[ColumnClaim]
) -> list[DocumentFinding]:
    """Return what is wrong in a document, by the hypothesis that explains the most."""
    if not run.blame.doubts or len(chains) > MOST_CHAINS:
        return run.findings

    def supposing(change: _Change) -> _Reading:
        place = change.doubt.line, change.doubt.key
        known = dict(run.blame.put_in.known)
        other = EquationReader({place: change.value}, known, run.others, run.known.rounded)
        other.read(chains, claims)
        line, printed = change.blamed.line, change.blamed.printed
        itself = any((f.line, f.printed) == (line, printed) for f in other.findings)
        findings = other.findings if itself else [change.blamed, *other.findings]
        # What could not be judged before speaks neither for the change nor against it.
        judged = {line, *run.blame.judged, *(f.line for f in run.findings)}
        wrong = _count([f for f in findings if f.line in judged]) + other.blame.given_up
        return _Reading(other, sorted(findings, key=lambda f: f.line), wrong)

    best, most = _Reading(run, run.findings, _count(run.findings) + run.blame.given_up), (0, 0.0)
    mended = _with_result_mended(run, chains, claims)
    with_result = 0 if mended is None else mended.wrong
    taken: _Change | None = None
    changes: dict[tuple[int, str, Tree], _Change] = {}
    for change in filter(_may_be_meant, _changes(run)):
        changes.setdefault((change.doubt.line, change.doubt.key, change.value), change)
    written = [_sizes(s.tree) for c in chains for s in c.sides if s.tree and not is_bare(s.tree)]
    tries = min(MOST_TRIES, MOST_READ // max(1, len(chains)))
    likeliest = sorted(changes.values(), key=lambda change: -_likelihood(change, run))
    for change in likeliest[:tries]:
        other = supposing(change)
        if other.run.blame.unjudged > run.blame.unjudged:
            continue  # what can no longer be judged is not explained
        # All that another author's formulas were given up for, it now explains to the last digit.
        given_up = other.run.blame.given_up == 0 < run.blame.given_up
        borne_out = _in_order(change.value, written) - _in_order(change.doubt.value, written)
        order = (borne_out, _likelihood(change, run))
        alike, fewest = order > most, best.wrong
        if change.doubt.again is not None:  # one of the two is wrong, and what follows tells
            fewest = supposing(_as_first(change)).wrong
            alike = False
        elif best.run is run:
            likely = change.doubt.unknown or order[1] >= LIKELY
            certain = change.used or (given_up and likely)
            alike = certain or _is_likelier(change, run, other.run)
            fewest -= _exchanged(run.findings) * (not is_matrix(change.doubt.value))
            if not {line for line, _, _ in run.blame.results} & {f.line for f in other.findings}:
                fewest = max(fewest, with_result)
        if other.wrong < fewest or (other.wrong == fewest and alike):
            best, most, taken = other, order, change
    if mended is None or best.wrong <= mended.wrong:
        return best.findings
    both = None if taken is None else _with_result_mended(run, chains, claims, taken)
    return both.findings if both is not None and both.wrong < mended.wrong else mended.findings


def _may_be_meant(change: _Change) -> bool:
    """Whether a value may be what a change makes of it: no learning rate or σ is negative."""
    return change.doubt.key[:1] not in POSITIVE or all(n.value >= 0 for n in literals(change.new))


def _with_result_mended(
    run: EquationReader,
    chains: Sequence[Chain],
    claims: Sequence[ColumnClaim],
    besides: _Change | None = None,
) -> _Reading | None:
    """Return what is wrong if the one wrong result is: then nothing right follows from it.

    Parameters
    ----------
    besides
        Another value that is wrong.
    """
    if len(run.blame.results) != 1:
        return None
    right = {(line, key): value for line, key, value in run.blame.results}
    lines = {line for line, _, _ in run.blame.results}
    lines |= {number.line for _, _, value in run.blame.results for number in literals(value)}
    known = dict(run.blame.put_in.known)
    own = [finding for finding in run.findings if finding.line in lines]
    if not own:
        return None
    others = []
    if besides is not None:
        right[besides.doubt.line, besides.doubt.key] = besides.value
        others.append(besides.blamed)
    mended = EquationReader(right, known, run.others, run.known.rounded)
    mended.read(chains, claims)
    findings = sorted(dict.fromkeys([*own, *others, *mended.findings]), key=lambda f: f.line)
    wrong = 1 + len(others) + _count(mended.findings) + mended.blame.given_up
    return _Reading(mended, findings, wrong)


def _as_first(change: _Change) -> _Change:
    """Return the change by which a value that is stated again is what stood first."""
    doubt = change.doubt._replace(line=change.doubt.again or 0, value=change.value)
    return _Change(doubt, change.doubt.value, change.new, change.old, True, 0.0)


def _count(findings: Sequence[DocumentFinding]) -> int:
    """Return how many numbers are wrong, each counted once for all that says so."""
    return len({(finding.line, finding.printed) for finding in findings})


def _exchanged(findings: Sequence[DocumentFinding]) -> int:
    """Return how many pairs of wrong numbers are each other's, in one result."""
    wrong = {(f.line, f.printed, f.expected) for f in findings if f.printed != f.expected}
    return sum((line, other, one) in wrong for line, one, other in wrong) // 2


def _likelihood(change: _Change, run: EquationReader) -> float:
    """Return how likely a stated number is another, on the scale of a wrong result."""
    told = sum(change.evidence >= power for power in TELLING) + 3 * change.used
    if not (isinstance(change.old, Literal) and isinstance(change.new, Literal)):
        return told
    seen = run.blame.seen
    told += seen.speaks_for(change.new.value, change.old)
    told -= 2 * seen.is_rarer(change.new.value, change.old)
    if is_damaged(change.old, change.new.value):
        return told + 2
    # No one leaves a digit out by mistake.
    longer = 0 < abs(change.new.value - change.old.value) < change.old.unit
    return told + ONE_DIGIT * one_digit_apart(change.old.text, change.new.text) - longer


def _is_likelier(change: _Change, run: EquationReader, other: EquationReader) -> bool:
    """Whether a stated number is more likely wrong than the one thing that it explains."""
    gone = set(run.findings) - set(other.findings)
    mistakes = [mistake for finding in gone if (mistake := _mistake(finding)) is not None]
    if len(mistakes) < max(1, len(gone)):  # a formula, or one that was given up
        return _likelihood(change, run) >= LIKELY
    return _likelihood(change, run) > of_result(mistakes, run.blame.seen)


def _mistake(finding: DocumentFinding) -> EquationMistake | None:
    try:
        return EquationMistake.of(literal(finding.printed), literal(finding.expected).value)
    except (Unreadable, ValueError):
        return None  # no number alone


def _sizes(tree: Tree) -> list[float]:
    return [abs(number.value) for number in literals(tree)]


def _in_order(value: Tree, written: Sequence[Sequence[float]]) -> int:
    """Return how often arithmetic has the numbers of a list, or of a column, in their order."""
    value = flattened(value)
    if not isinstance(value, Row):
        return 0
    rows = [_sizes(entry) for entry in value.entries]
    lists = [list(column) for column in zip(*rows, strict=False)]
    return sum(is_within(numbers, others) for numbers in lists for others in written)


def _changes(run: EquationReader) -> Iterator[_Change]:
    doubts = list(dict.fromkeys(run.blame.doubts))
    for doubt in doubts:
        if doubt.instead is not None and doubt.place is not None:
            yield from _replaced(doubt, doubt.instead, doubt.place)
        elif doubt.instead is not None and isinstance(doubt.value, Literal):
            yield _used(doubt, doubt.instead, doubt.value, doubt.instead)
        for other in run.stated.get(doubt.key, {}):
            pairs = _differing(literals(doubt.value), literals(other))
            if len(pairs) == 1:
                yield _used(doubt, other, *pairs[0])
        for place, number in enumerate(literals(doubt.value)):
            for mistake in doubt.mistakes:
                if mistake.is_for(number):
                    put_in = literal(mistake.printed)
                    if run.blame.seen.is_rarer(put_in.value, number):
                        continue
                    if mistake.value * number.value < 0:
                        put_in = negated(put_in)
                    yield _used(doubt, replaced(doubt.value, place, put_in), number, put_in)
    for doubt in doubts:
        formula = doubt.key.startswith(FORMULA)
        for demand in doubt.demands:
            yield from (_demanded(doubt, other) for other in _seen_for(demand, run))
            # Another number of a formula makes another formula of it.
            of_number = isinstance(demand.old, Literal)
            if _is_slip(demand) or (demand.evidence >= LEAST and not (formula and of_number)):
                yield _demanded(doubt, demand)
    for doubt in {(d.line, d.key): d for d in doubts if d.unknown}.values():
        yield from (_demanded(doubt, demand) for demand in rearranged(doubt.value))


def _seen_for(demand: Demand, run: EquationReader) -> Iterator[Demand]:
    """Yield numbers of the document that are what a result demands, to its last digit."""
    old, new = demand.old, demand.new
    if isinstance(old, Literal) and isinstance(new, Literal):
        for like in run.blame.seen.like(old):
            if abs(like.value - new.value) <= new.unit and like.value != new.value:
                place = literals(demand.value).index(new)
                yield demand._replace(value=replaced(demand.value, place, like), new=like)


def _is_slip(demand: Demand) -> bool:
    """Whether one small thing happened to a number."""
    new = demand.new
    if not (isinstance(demand.old, Literal) and isinstance(new, Literal)):
        return False
    return any(math.isclose(other.value, new.value) for other in damages(demand.old))


def _differing(
    numbers: Sequence[Literal], others: Sequence[Literal]
) -> list[tuple[Literal, Literal]]:
    """Return the numbers of two lists that are not the same."""
    if not len(numbers) == len(others) > 1:
        return []
    return [(a, b) for a, b in zip(numbers, others, strict=True) if a.value != b.value]


def _replaced(doubt: Doubt, instead: Literal, place: int) -> Iterator[_Change]:
    value = flattened(doubt.value)
    if isinstance(value, Row) and place < len(value.entries):
        entry = value.entries[place]
        if is_bare(entry) and not isinstance(entry, Row):
            entries = (*value.entries[:place], instead, *value.entries[place + 1 :])
            yield _used(doubt, Row(entries), entry, instead)


def _used(doubt: Doubt, value: Tree, old: Tree, new: Tree) -> _Change:
    return _Change(doubt, value, old, new, True, 0.0)


def _demanded(doubt: Doubt, demand: Demand) -> _Change:
    return _Change(doubt, demand.value, demand.old, demand.new, False, demand.evidence)
