"""Whether one wrong input explains what would else be many wrong figures.

The seed vouches for parameters and noise; nothing vouches for x, and without a seed for
anything. So when several figures agree in no arithmetic, each such input is changed to what
these figures demand of it (`demands.py`): one number of it, or several that were exchanged or
have another sign. The one change that lets the most figures agree is taken for what was meant,
if it halves those that do not; that input is then blamed, alone.

The same is asked of a single figure that does not follow from the inputs, when everything
behind it was computed from it as it stands, and so bears it out.

Several changes may do equally well: `W·x + b` in which one of nine numbers is off does not
tell which. Any of them then serves to go on, but what is blamed is the first figure that
does not follow from the inputs as stated, with the candidates named.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from ....quick_classes import NamedTuple
from ....trace import Array
from ..arithmetic.damages import damages, one_digit_apart
from ..arithmetic.demands import demands
from ..arithmetic.intervals import Range
from ..grammar.syntax import Literal, Row, Tree, literals
from ..matching.figures import PrintedFigure
from ..matching.names import Name
from .figure_verdicts import FigureJudge
from .line_formulas import whole_index
from .recomputed import Arithmetic, Inputs, array_of, by_hand, chained, inputs_of
from .starting_point import StartingPoint

Change = tuple[
    tuple[PrintedFigure, float], ...
]  # numbers of one input, and what was meant for each
FEWEST = 2  # figures that disagree, before an input is suspected


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
    fewest, likeliest = len(disagreeing) // 2, None
    for change, rank in sorted(_changes(judge, disagreeing).items(), key=lambda item: item[1]):
        if likeliest is not None and rank > likeliest:
            break  # a likelier one explains it
        changed = _changed(begun, change)
        left = len(_disagreeing(judge, changed.inputs, changed.whole))
        if left < fewest:
            fewest, best, likeliest = left, [], rank
        if left == fewest:
            best.append((change, changed))
    if not best:
        return None
    changes = dict.fromkeys(tuple(figure for figure, _ in change) for change, _ in best)
    blamed = tuple(dict.fromkeys(figure for figures in changes for figure in figures))
    settled = len(changes) == 1 and (len(disagreeing) > 1 or judge.kept[disagreeing[0]] > 0)
    return Repair(best[0][1], blamed, () if settled else (disagreeing[0],))


def _changes(judge: FigureJudge, disagreeing: Sequence[PrintedFigure]) -> dict[Change, int]:
    """Return what may have been meant for inputs, the likeliest with the least number.

    One small thing may have happened to a number; or several are another draw, exchanged or of
    another sign; or a number is any other, where more than one figure speaks for that.
    """
    changes: dict[Change, int] = {}
    limited = "bce" in judge.begun.run.trace.by_name  # cross-entropy wants every x from 0 to 1
    wrong = [figure for figure in disagreeing if figure.name == disagreeing[0].name]
    middle = np.array([figure.printed.value for figure in wrong])
    half = np.array([figure.unit / 2 for figure in wrong])
    graph, trace = judge.begun.run.graph, judge.begun.run.trace
    first = trace.by_name[wrong[0].name.value].id
    ways: tuple[Arithmetic, ...] = ("chain", _whole(judge))
    for name, figures in _open_tensors(judge).items():
        if not (wrong[0].name.is_backward or graph.depends(first, [trace.by_name[name].id])):
            continue
        if judge.begun.seed is not None and name == "eps" and len(figures) > 1:
            changes[_as_drawn(judge.begun, figures)] = 1
        if not (limited and name == "x"):
            changes[tuple((figure, -figure.printed.value) for figure in figures)] = 1
        for way in ways:
            given = partial(_given, judge, figures, wrong, way)
            for demand in demands(_listed(figures), given, Range(middle - half, middle + half)):
                change = _change(figures, demand.value)
                if limited and name == "x" and not all(0 <= value <= 1 for _, value in change):
                    continue
                rank = 1 if len(change) > 1 else 0 if _is_slip(demand.old, demand.new) else 2
                if rank < 2 or len(disagreeing) > 1:
                    changes[change] = min(rank, changes.get(change, rank))
    return changes


def _given(
    judge: FigureJudge,
    figures: Sequence[PrintedFigure],
    wrong: Sequence[PrintedFigure],
    way: Arithmetic,
    value: Tree,
) -> Array:
    """Return what wrong figures are in one arithmetic, with other numbers of an input."""
    change = _change(figures, value)
    begun = _changed(judge.begun, change) if change else judge.begun
    if way == "chain":
        chain = chained(begun.run, begun.inputs, judge.by_name)
        return np.array([chain.array(f.name, judge.rate)[f.place] for f in wrong])
    run = by_hand(begun.run, begun.whole)
    return np.array([array_of(run, f.name, judge.rate)[f.place] for f in wrong])


def _listed(figures: Sequence[PrintedFigure]) -> Row:
    """Return a tensor as it is printed, row by row where it is a matrix."""
    rows: dict[tuple[int, ...], list[Literal]] = {}
    for figure in figures:
        rows.setdefault(figure.place[:-1], []).append(figure.printed)
    entries = [Row(tuple(row)) for row in rows.values()]
    return entries[0] if len(entries) == 1 else Row(tuple(entries))


def _change(figures: Sequence[PrintedFigure], value: Tree) -> Change:
    pairs = zip(figures, literals(value), strict=True)
    return tuple((f, number.value) for f, number in pairs if f.printed.value != number.value)


def _is_slip(old: Tree, new: Tree) -> bool:
    """Whether one small thing happened to a number."""
    if not (isinstance(old, Literal) and isinstance(new, Literal)):
        return False
    slips = (other.value for other in damages(old))
    return new.value in slips or one_digit_apart(old.text, new.text)


def _open_tensors(judge: FigureJudge) -> dict[str, list[PrintedFigure]]:
    """Return the printed inputs that the seed does not give, one figure of each number."""
    by_tensor: dict[str, dict[tuple[int, ...], PrintedFigure]] = {}
    for figure in judge.figures:
        name = figure.name.value
        if figure.name.is_input and name not in judge.begun.confirmed:
            by_tensor.setdefault(name, {}).setdefault(figure.place, figure)
    return {name: [figures[at] for at in sorted(figures)] for name, figures in by_tensor.items()}


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


def _whole(judge: FigureJudge) -> Arithmetic:
    """Return how exact a figure is that is computed from the whole inputs."""
    return "full" if judge.has_full else "printed"


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
