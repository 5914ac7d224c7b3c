"""Whether one changed digit in an input explains what else would be many wrong figures.

The seed vouches for parameters and noise; nothing vouches for x, and without a seed for
anything. So when several figures agree in no arithmetic, each digit of each such input that
all of them depend on is changed in turn. The one change that lets the most figures agree is
taken for what was meant, if it halves those that do not; that input is then blamed, alone.

The same is asked of a single figure that does not follow from the inputs, when everything
behind it was computed from it as it stands, and so bears it out.

Several changes may do equally well: `W·x + b` in which one of nine numbers is off does not
tell which. Any of them then serves to go on, but what is blamed is the first figure that
does not follow from the inputs as stated, with the candidates named.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ....engine.formulas import Steps
from ....ops import NotExplained
from ....symbolic.expression import Expression, references
from ....trace import Array
from ..matching.figures import Figure
from ..matching.names import Name
from ..reading.tokens import literal
from .agreement import slipped
from .figure_verdicts import Judge
from .recomputed import Arithmetic, Chain, Inputs, array_of, by_hand, chained
from .starting_point import Start

FEWEST = 2  # figures that disagree, before an input is suspected
MOST_SUSPECTS = 32  # among more, many would do equally well
# Of a number: what the steps before it may lack in digits, where itself it has many.
INHERITED = 1e-5
MOST_EXAMINED = 12  # of these, to see what they have in common


class Repair(NamedTuple):
    """Inputs that were put right, and what is to blame.

    Attributes
    ----------
    blamed
        The input figures that were changed; several when any one of them may be meant.
    first
        Where several may be, the figures that do not follow from the inputs as stated.
    """

    begun: Start
    blamed: tuple[Figure, ...] = ()
    first: tuple[Figure, ...] = ()


def repaired(judge: Judge) -> Repair | None:
    """Return the repair that explains the most; None when none is needed or found."""
    begun = judge.begun
    disagreeing = _disagreeing(judge, begun.inputs, begun.whole)
    # A figure that everything behind it bears out is not wrong itself, or not alone.
    borne_out = [f for f in disagreeing if judge.kept.get(f, -1) >= 0]
    if len(disagreeing) < FEWEST and not borne_out:
        return None
    best: list[tuple[Figure, Start]] = []
    fewest = len(disagreeing) // 2
    for figure in _suspects(judge, disagreeing):
        for value in _other_digits(figure):
            if figure.name.value == "x" and "bce" in begun.run.trace.by_name and value > 1:
                continue  # binary cross-entropy wants every x from 0 to 1
            changed = _changed(begun, figure, value)
            if not _settles(judge, changed.inputs, changed.whole, disagreeing[0]):
                continue
            left = len(_disagreeing(judge, changed.inputs, changed.whole))
            if left < fewest:
                fewest, best = left, []
            if left == fewest:
                best.append((figure, changed))
    if not best:
        return None
    blamed = tuple(dict.fromkeys(figure for figure, _ in best))
    settled = len(blamed) == 1 and (len(disagreeing) > 1 or judge.kept[disagreeing[0]] > 0)
    return Repair(best[0][1], blamed, () if settled else (disagreeing[0],))


def _disagreeing(judge: Judge, inputs: Inputs, whole: Inputs) -> list[Figure]:
    """Return the computed figures that agree in no arithmetic, in the order of the run."""
    run = judge.begun.run
    rounded = by_hand(run, inputs)
    exact = by_hand(run, whole) if whole is not inputs else rounded
    chain = chained(run, inputs, judge.by_name)

    def agrees(figure: Figure) -> bool:
        ways: list[tuple[Arithmetic, Array]] = [
            ("printed", array_of(rounded, figure.name, judge.rate)),
            (_whole(judge), array_of(exact, figure.name, judge.rate)),
            ("chain", chain.array(figure.name, judge.rate)),
        ]
        return any(judge.agrees(figure, float(array[figure.place]), way) for way, array in ways)

    found = [figure for figure in judge.computed_figures if not agrees(figure)]
    order = run.trace.by_name
    return sorted(found, key=lambda f: (f.name.gradient or f.name.updated, order[f.name.value].id))


def _settles(judge: Judge, inputs: Inputs, whole: Inputs, figure: Figure) -> bool:
    """Whether the first figure that disagreed now agrees, which is quick to see."""
    if figure.name.gradient or figure.name.updated:
        return True
    run = judge.begun.run
    chain: Chain = chained(run, inputs, judge.by_name)
    arrays: list[tuple[Arithmetic, Array]] = [
        ("chain", chain.array(figure.name, judge.rate)),
        (_whole(judge), array_of(by_hand(run, whole), figure.name, judge.rate)),
    ]
    return any(judge.agrees(figure, float(array[figure.place]), a) for a, array in arrays)


def _whole(judge: Judge) -> Arithmetic:
    """Return how exact a figure is that is computed from the whole inputs."""
    return "full" if judge.has_full else "printed"


def _suspects(judge: Judge, disagreeing: Sequence[Figure]) -> list[Figure]:
    """Return the printed inputs, vouched for by no seed, that all these figures depend on."""
    begun = judge.begun
    open_inputs = {
        (figure.name.value, figure.place): figure
        for figure in reversed(judge.figures)
        if judge.is_input(figure.name) and figure.name.value not in begun.confirmed
    }
    if not open_inputs:
        return []
    steps = Steps(judge.printed)
    common: set[tuple[str, tuple[int, ...]]] | None = None
    plainly = [f for f in disagreeing if _parts_plainly(f, _by_step(judge, f))] or disagreeing
    for figure in _spread(plainly):
        needed = set(_needed(judge, steps, figure.name, figure.place, set()))
        common = needed if common is None else common & needed
    found = [figure for key, figure in open_inputs.items() if common and key in common]
    return found if len(found) <= MOST_SUSPECTS else []


def _parts_plainly(figure: Figure, own: float) -> bool:
    """Whether a figure is further from its step than the rounding of what is printed before."""
    apart = abs(figure.printed.value - own)
    return not slipped(figure, own) and apart > INHERITED * abs(own)


def _by_step(judge: Judge, figure: Figure) -> float:
    return float(judge.as_it_stands.array(figure.name, judge.rate)[figure.place])


def _spread(figures: Sequence[Figure]) -> Sequence[Figure]:
    values = [f for f in figures if not (f.name.gradient or f.name.updated)] or list(figures)
    return values[:: max(1, len(values) // MOST_EXAMINED)]


def _needed(
    judge: Judge, steps: Steps, name: Name, index: tuple[int, ...], seen: set[Name]
) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the elements of inputs that an element is made from, past what is not printed."""
    trace = judge.printed.trace
    number = trace.by_name[name.value].id
    try:
        tree: Expression = (
            steps.gradient(number, steps.full_index(number, index), name.term)
            if name.gradient
            else steps.element(number, steps.full_index(number, index))
        )
    except NotExplained:
        return
    for ref in references(tree):
        at = ref.index or ()
        if ref.name in judge.given:
            yield ref.name, at
        elif ref.name in trace.by_name and Name(ref.name) not in judge.by_name:
            inner = Name(ref.name, place=at)
            if inner not in seen:
                seen.add(inner)
                yield from _needed(judge, steps, Name(ref.name), at, seen)


def _other_digits(figure: Figure) -> Iterator[float]:
    """Yield a figure's value with each one of its digits changed."""
    printed = figure.printed.printed
    for position, sign in enumerate(printed):
        if sign.isdigit():
            for digit in "0123456789":
                if digit != sign:
                    changed = printed[:position] + digit + printed[position + 1 :]
                    yield literal(changed, figure.printed.line).value


def _changed(begun: Start, figure: Figure, value: float) -> Start:
    name = figure.name.value
    arrays = []
    for inputs in (begun.inputs, begun.whole):
        array = np.array(inputs.array(name))
        array[(0, *figure.place) if array.ndim > len(figure.place) else figure.place] = value
        arrays.append(inputs.replaced(name, array))
    rounded, whole = arrays
    return begun._replace(inputs=rounded, whole=whole)
