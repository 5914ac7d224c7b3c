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
from itertools import combinations
from typing import NamedTuple

import numpy as np

from ....engine.formulas import Steps
from ....ops import NotExplained
from ....symbolic.expression import Expression, references
from ....trace import Array
from ..equations.cursor import literal
from ..equations.damages import damages
from ..matching.figures import PrintedFigure
from ..matching.names import Name
from .agreement import slipped
from .figure_verdicts import FigureJudge
from .line_formulas import whole_index
from .recomputed import Arithmetic, Inputs, RecomputedRun, array_of, by_hand, chained, inputs_of
from .starting_point import StartingPoint

Change = tuple[
    tuple[PrintedFigure, float], ...
]  # numbers of one input, and what was meant for each
MOST_TOGETHER = 16  # numbers of an input of which any two may have been exchanged
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

    begun: StartingPoint
    blamed: tuple[PrintedFigure, ...] = ()
    first: tuple[PrintedFigure, ...] = ()


def repaired(judge: FigureJudge) -> Repair | None:
    """Return the repair that explains the most; None when none is needed or found."""
    begun = judge.begun
    disagreeing = _disagreeing(judge, begun.inputs, begun.whole)
    # A figure that everything behind it bears out is not wrong itself, or not alone.
    borne_out = [f for f in disagreeing if judge.kept.get(f, -1) >= 0]
    if len(disagreeing) < FEWEST and not borne_out:
        return None
    best: list[tuple[Change, StartingPoint]] = []
    fewest = len(disagreeing) // 2
    for change in _changes(judge, disagreeing):
        if len(change) > 1 and best and len(best[0][0]) == 1:
            break  # one number explains it
        changed = _changed(begun, change)
        if not _settles(judge, changed.inputs, changed.whole, disagreeing[0]):
            continue
        left = len(_disagreeing(judge, changed.inputs, changed.whole))
        if left < fewest:
            fewest, best = left, []
        if left == fewest:
            best.append((change, changed))
    if not best:
        return None
    changes = dict.fromkeys(tuple(figure for figure, _ in change) for change, _ in best)
    blamed = tuple(dict.fromkeys(figure for figures in changes for figure in figures))
    settled = len(changes) == 1 and (len(disagreeing) > 1 or judge.kept[disagreeing[0]] > 0)
    return Repair(best[0][1], blamed, () if settled else (disagreeing[0],))


def _changes(judge: FigureJudge, disagreeing: Sequence[PrintedFigure]) -> Iterator[Change]:
    """Yield what may have been meant: one other digit or sign, then what changes several numbers.

    These are the noise that the seed gives, and a tensor with two numbers exchanged or all of
    another sign.
    """
    limited = "bce" in judge.begun.run.trace.by_name  # cross-entropy wants every x from 0 to 1
    for figure in _suspects(judge, disagreeing):
        for value in (*_other_digits(figure), *(n.value for n in damages(figure.printed))):
            if not (limited and figure.name.value == "x" and not 0 <= value <= 1):
                yield ((figure, value),)
    for name, figures in _open_tensors(judge).items():
        if len(figures) == 1 or len(figures) > MOST_TOGETHER:
            continue
        if judge.begun.seed is not None and name == "eps":
            yield _as_drawn(judge.begun, figures)
        for one, other in combinations(figures, 2):
            yield (one, other.printed.value), (other, one.printed.value)
        if not limited or name != "x":
            yield tuple((figure, -figure.printed.value) for figure in figures)


def _open_tensors(judge: FigureJudge) -> dict[str, list[PrintedFigure]]:
    """Return the printed inputs that the seed does not give, one figure of each number."""
    by_tensor: dict[str, dict[tuple[int, ...], PrintedFigure]] = {}
    for figure in judge.figures:
        name = figure.name.value
        if figure.name.is_input and name not in judge.begun.confirmed:
            by_tensor.setdefault(name, {}).setdefault(figure.place, figure)
    return {name: list(figures.values()) for name, figures in by_tensor.items()}


def _disagreeing(judge: FigureJudge, inputs: Inputs, whole: Inputs) -> list[PrintedFigure]:
    """Return the computed figures that agree in no arithmetic, in the order of the run."""
    run = judge.begun.run
    rounded = by_hand(run, inputs)
    exact = by_hand(run, whole) if whole is not inputs else rounded
    chain = chained(run, inputs, judge.by_name)

    def agrees(figure: PrintedFigure) -> bool:
        ways: list[tuple[Arithmetic, Array]] = [
            ("printed", array_of(rounded, figure.name, judge.rate)),
            (_whole(judge), array_of(exact, figure.name, judge.rate)),
            ("chain", chain.array(figure.name, judge.rate)),
        ]
        return any(judge.agrees(figure, float(array[figure.place]), way) for way, array in ways)

    disagreeing = [figure for figure in judge.computed_figures if not agrees(figure)]
    order = run.trace.by_name
    return sorted(disagreeing, key=lambda f: (f.name.is_backward, order[f.name.value].id))


def _settles(judge: FigureJudge, inputs: Inputs, whole: Inputs, figure: PrintedFigure) -> bool:
    """Whether the first figure that disagreed now agrees, which is quick to see."""
    if figure.name.is_backward:
        return True
    run = judge.begun.run
    chain: RecomputedRun = chained(run, inputs, judge.by_name)
    arrays: list[tuple[Arithmetic, Array]] = [
        ("chain", chain.array(figure.name, judge.rate)),
        (_whole(judge), array_of(by_hand(run, whole), figure.name, judge.rate)),
    ]
    return any(judge.agrees(figure, float(array[figure.place]), a) for a, array in arrays)


def _whole(judge: FigureJudge) -> Arithmetic:
    """Return how exact a figure is that is computed from the whole inputs."""
    return "full" if judge.has_full else "printed"


def _suspects(judge: FigureJudge, disagreeing: Sequence[PrintedFigure]) -> list[PrintedFigure]:
    """Return the printed inputs, vouched for by no seed, that all these figures depend on."""
    begun = judge.begun
    open_inputs = {
        (figure.name.value, figure.place): figure
        for figure in reversed(judge.figures)
        if figure.name.is_input and figure.name.value not in begun.confirmed
    }
    if not open_inputs:
        return []
    steps = Steps(judge.printed)
    common: set[tuple[str, tuple[int, ...]]] | None = None
    plainly = [f for f in disagreeing if _parts_plainly(f, _by_step(judge, f))] or disagreeing
    for figure in _spread(plainly):
        needed = set(_needed(judge, steps, figure.name, figure.place, set()))
        common = needed if common is None else common & needed
    suspects = [figure for key, figure in open_inputs.items() if common and key in common]
    return suspects if len(suspects) <= MOST_SUSPECTS else []


def _parts_plainly(figure: PrintedFigure, own: float) -> bool:
    """Whether a figure is further from its step than the rounding of what is printed before."""
    apart = abs(figure.printed.value - own)
    return not slipped(figure, own) and apart > INHERITED * abs(own)


def _by_step(judge: FigureJudge, figure: PrintedFigure) -> float:
    return float(judge.as_it_stands.array(figure.name, judge.rate)[figure.place])


def _spread(figures: Sequence[PrintedFigure]) -> Sequence[PrintedFigure]:
    values = [f for f in figures if not f.name.is_backward] or list(figures)
    return values[:: max(1, len(values) // MOST_EXAMINED)]


def _needed(
    judge: FigureJudge, steps: Steps, name: Name, index: tuple[int, ...], seen: set[Name]
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


def _other_digits(figure: PrintedFigure) -> Iterator[float]:
    """Yield a figure's value with each one of its digits changed."""
    printed = figure.printed.text
    for position, sign in enumerate(printed):
        if sign.isdigit():
            for digit in "0123456789":
                if digit != sign:
                    changed = printed[:position] + digit + printed[position + 1 :]
                    yield literal(changed).value


def _as_drawn(begun: StartingPoint, figures: Sequence[PrintedFigure]) -> Change:
    drawn = array_of(begun.drawn, Name(figures[0].name.value))
    return tuple((f, round(float(drawn[f.place]), f.decimals)) for f in figures)


def _changed(begun: StartingPoint, change: Change) -> StartingPoint:
    arrays = []
    name = change[0][0].name.value
    if name == "eps" and begun.seed is not None:
        figures = [figure for figure, _ in change]
        if len(figures) == begun.inputs["eps"].size and change == _as_drawn(begun, figures):
            return begun._replace(
                run=begun.drawn,
                inputs={**begun.inputs, name: np.round(_drawn(begun), figures[0].decimals)},
                whole={**begun.whole, name: _drawn(begun)},
                confirmed=begun.confirmed | {name},
            )
    for inputs in (begun.inputs, begun.whole):
        array = np.array(inputs[name])
        for figure, value in change:
            array[whole_index(figure.place, array.shape)] = value
        arrays.append({**inputs, name: array})
    rounded, whole = arrays
    return begun._replace(inputs=rounded, whole=whole)


def _drawn(begun: StartingPoint) -> Array:
    return inputs_of(begun.drawn)["eps"]
