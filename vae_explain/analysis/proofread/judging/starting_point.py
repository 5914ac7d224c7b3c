"""What a document's run started from: the inputs it prints, held against the seed it states.

The rule. A tensor of parameters is the seed's when at least half of its figures are, or
when none of its figures is more than one digit away; its other figures are then wrong, and
everything else is computed from what the seed gives, so that one wrong digit is blamed
alone. When most tensors are not the seed's, the seed is what is wrong. Noise and input that
no seed vouches for are taken as they stand, until `damaged_inputs.py` finds that one changed
digit in them explains what else would be many wrong figures.

Where a document says that its numbers are printed rounded, what no seed vouches for is taken
with the most digits that stand anywhere, in a line of arithmetic too. By the half of the last
one it stays open, and so does what is computed from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ....engine.run import PRINTED_DECIMALS, Run
from ....errors import UserError
from ....models.builtin_config import Architecture
from ....quick_classes import NamedTuple
from ....symbolic.decimals import rounded as rounded_to
from ....trace import Array
from ..matching.figures import Line, PrintedFigure
from ..matching.names import Name
from ..matching.stated_run import Seed, StatedRun
from .agreement import agrees, digits_apart
from .line_formulas import operands_of, whole_index
from .recomputed import Inputs, array_of, inputs_of, recorded
from .rounding import off_as_drawn

MOST_DECIMALS = 8  # with so many, a number of x may be rounded; with fewer it is as it stands


class NoWalkthrough(UserError):
    """A document that is no worked example; the message says what is missing."""


class StartingPoint(NamedTuple):
    """A document's inputs, and what is known of them.

    Attributes
    ----------
    run
        PyTorch's run in float32 from the seed, which also holds the operations.
    drawn
        The same with the noise that the seed gives, whatever noise is printed.
    inputs
        The inputs as printed, rounded; a figure that the seed proves wrong is put right.
    whole
        The same inputs with every digit that the seed gives.
    seed
        The seed that holds, None when none is stated or the stated one gives other parameters.
    confirmed
        The names of the tensors that the seed vouches for.
    foreign
        The names of parameters that are not what the seed gives, though others are.
    open_by
        How far each number of x, and of what is printed rounded and no seed gives, may be
        from the one that it was printed for, by name.
    """

    run: Run
    drawn: Run
    inputs: Inputs
    whole: Inputs
    seed: Seed | None
    wrong_seed: Seed | None
    confirmed: frozenset[str]
    foreign: frozenset[str]
    open_by: Mapping[str, Array]


def input_names(architecture: Architecture) -> tuple[str, ...]:
    """Return the names of what a run starts from."""
    return ("x", "eps", *architecture.parameters)


def _by_name(
    architecture: Architecture, figures: Sequence[PrintedFigure]
) -> dict[str, list[PrintedFigure]]:
    by_name: dict[str, list[PrintedFigure]] = {name: [] for name in input_names(architecture)}
    for figure in figures:
        if figure.name.value in by_name and not (figure.name.gradient or figure.name.updated):
            by_name[figure.name.value].append(figure)
    return by_name


def missing(
    architecture: Architecture, figures: Sequence[PrintedFigure], seeds: Sequence[Seed]
) -> list[str]:
    """Return what a document lacks for its run to be made again."""
    by_name = _by_name(architecture, figures)
    names = []
    if not by_name["x"]:
        names.append(
            "it states no input to compute from; write it as x = [1.0, 2.0], or name its label "
            'by --map "label=x"'
        )
    weights = [name for name in architecture.parameters if not by_name[name]]
    if weights and not seeds:
        names.append(
            "it states no seed, and not all the weights that a run needs; a label of its own for "
            f'one of them is named by --map "label={weights[0]}"'
        )
    return names


def start(
    said: StatedRun, figures: Sequence[PrintedFigure], lines: Sequence[Line]
) -> StartingPoint:
    """Find what the run started from.

    Raises
    ------
    NoWalkthrough
        If the input is missing, or the parameters or the noise without a seed for them.
    """
    architecture = said.architecture
    lacking = missing(architecture, figures, said.seeds)
    if lacking:
        raise NoWalkthrough("; ".join(lacking))
    by_name = _by_name(architecture, figures)
    x_size = architecture.input_size
    rows = 1 + max((f.place[0] for f in by_name["x"] if len(f.place) > 1), default=0)
    x = _stated(by_name["x"], (rows, x_size))
    if np.isnan(x).any():
        raise NoWalkthrough(f"its input x has not all of its {rows * x_size} numbers")
    outside = x[(x < 0) | (x > 1)]
    if architecture.recon == "bce" and outside.size:
        raise NoWalkthrough(
            f"its input x has {outside[0]:g}, but binary cross-entropy wants every x from 0 to 1"
        )
    run, seed, wrong_seed = _seeded(said, x, by_name)
    return _joined(said, run, x, by_name, lines, seed, wrong_seed)


def _seeded(
    said: StatedRun, x: Array, by_name: dict[str, list[PrintedFigure]]
) -> tuple[Run, Seed | None, Seed | None]:
    """Return the run of the seed that fits best, that seed, and one that does not hold."""
    parameters = [name for name in by_name if name not in ("x", "eps") and by_name[name]]
    best: tuple[int, Run, Seed] | None = None
    for seed in said.seeds:
        run = recorded(said.architecture, x, seed.value, None, said.changes)
        holding = sum(_holds(run, name, by_name[name]) for name in parameters)
        if best is None or holding > best[0]:
            best = holding, run, seed
        if holding == len(parameters):
            break
    if best is None:
        return recorded(said.architecture, x, 0, None), None, None
    holding, run, seed = best
    if 2 * holding >= len(parameters):
        return run, seed, None
    noise_holds = bool(by_name["eps"]) and _holds(run, "eps", by_name["eps"])
    # A seed may stand for the noise alone, beside parameters from elsewhere.
    return run, None, None if noise_holds else seed


def _holds(run: Run, name: str, figures: Sequence[PrintedFigure]) -> bool:
    """Whether a tensor's figures are the seed's, as far as a damaged one can tell."""
    given = array_of(run, Name(name))
    wrong = [f for f in figures if not is_drawn(f, run)]
    few = 2 * len(wrong) <= len(figures)
    return few or all(digits_apart(f, float(given[f.place])) <= 1 for f in wrong)


def is_drawn(figure: PrintedFigure, run: Run) -> bool:
    """Whether an input's figure is what the seed of a run gives, on this processor or another."""
    name = figure.name.value
    drawn = float(array_of(run, Name(name))[figure.place])
    return agrees(figure, drawn, off_as_drawn(run, name))


def _joined(
    said: StatedRun,
    run: Run,
    x: Array,
    by_name: dict[str, list[PrintedFigure]],
    lines: Sequence[Line],
    seed: Seed | None,
    wrong_seed: Seed | None,
) -> StartingPoint:
    architecture = said.architecture
    usual = Counter(f.decimals for n in architecture.parameters for f in by_name[n])
    decimals = usual.most_common(1)[0][0] if usual else (said.decimals or PRINTED_DECIMALS)
    given = inputs_of(run)
    inputs = whole = {**given, "x": x}
    drawable = [] if seed is None else ["eps", *architecture.parameters]
    confirmed = {n for n in drawable if not by_name[n] or _holds(run, n, by_name[n])}
    open_names = {"eps", *architecture.parameters} - confirmed if said.is_rounded else set()
    in_lines = list(operands_of(run, lines, {name: by_name[name] for name in open_names}))
    foreign = set()
    open_by = {"x": np.zeros(x.shape)}
    for name in ("eps", *architecture.parameters):
        figures = by_name[name]
        drawn = given[name]
        if name in confirmed:
            kept = [f for f in figures if is_drawn(f, run)]
            rounded = _merged(figures, kept, rounded_to(drawn, decimals), drawn)
            inputs = {**inputs, name: rounded}
            continue
        finest = _finest(figures)
        if said.is_rounded:
            in_its_lines = (f for f in in_lines if f.name.value == name)
            finest = _finest([*figures, *in_its_lines], agrees)
        stated = _placed(finest, drawn.shape)
        if np.isnan(stated).any():
            raise NoWalkthrough(_missing(name, seed is not None or wrong_seed is not None))
        if seed is not None and name != "eps":
            foreign.add(name)
        inputs, whole = {**inputs, name: stated}, {**whole, name: stated}
        shown = {figure.place: figure for figure in reversed(figures)}
        finer = any(figure.decimals > shown[figure.place].decimals for figure in finest)
        if said.is_rounded and (finer or seed is None):
            open_by[name] = _halves(finest, drawn.shape)
    with_its_noise = run
    if "eps" not in confirmed:
        run = _with_noise(said, x, seed, inputs["eps"])
    with_many = [f for f in _finest(by_name["x"]) if f.decimals >= MOST_DECIMALS]
    open_by["x"] = _halves(with_many, x.shape)
    return StartingPoint(
        run,
        with_its_noise,
        inputs,
        whole,
        seed,
        wrong_seed,
        frozenset(confirmed),
        frozenset(foreign),
        open_by,
    )


def _with_noise(said: StatedRun, x: Array, seed: Seed | None, eps: Array) -> Run:
    """Return the run from noise that is printed, with what of it was set."""
    changes = tuple(c for c in said.changes if seed and not c.target.startswith("eps"))
    return recorded(said.architecture, x, seed.value if seed else 0, eps, changes)


def rerun(said: StatedRun, begun: StartingPoint) -> StartingPoint:
    """Return the same start with PyTorch's run from its inputs, after they were put right."""
    if begun.seed is None:
        return begun
    x, eps = begun.inputs["x"], begun.inputs["eps"]
    if "eps" not in begun.confirmed:
        return begun._replace(run=_with_noise(said, x, begun.seed, eps))
    run = recorded(said.architecture, x, begun.seed.value, None, said.changes)
    return begun._replace(run=run)


def _missing(name: str, seeded: bool) -> str:
    what = "noise ε" if name == "eps" else name
    why = "and its seed does not give the parameters it prints" if seeded else "and no seed"
    return f"it states no whole {what} {why}"


def _stated(figures: Sequence[PrintedFigure], shape: tuple[int, ...]) -> Array:
    """Return a tensor as printed, NaN where nothing is."""
    return _placed(_finest(figures), shape)


def _placed(figures: Sequence[PrintedFigure], shape: tuple[int, ...]) -> Array:
    array = np.full(shape, np.nan)
    for figure in figures:
        array[whole_index(figure.place, shape)] = figure.printed.value
    return array


def _halves(figures: Sequence[PrintedFigure], shape: tuple[int, ...]) -> Array:
    """Return by how much each number may be rounded, zero where nothing is printed."""
    array = np.zeros(shape)
    for figure in figures:
        array[whole_index(figure.place, shape)] = figure.unit / 2
    return array


def _same_to_six(figure: PrintedFigure, value: float) -> bool:
    """Whether a number is a figure's to 6 digits: more has one that stands in a title."""
    return f"{figure.printed.value:.6g}" == f"{value:.6g}"


def _finest(
    figures: Sequence[PrintedFigure], same: Callable[[PrintedFigure, float], bool] = _same_to_six
) -> list[PrintedFigure]:
    """Return one figure of each element: the first, or one that has the same with more digits."""
    finest: dict[tuple[int, ...], PrintedFigure] = {}
    for figure in figures:
        first = finest.setdefault(figure.place, figure)
        if figure.decimals > first.decimals and same(first, figure.printed.value):
            finest[figure.place] = figure
    return list(finest.values())


def _merged(
    figures: Sequence[PrintedFigure], kept: Sequence[PrintedFigure], rounded: Array, drawn: Array
) -> Array:
    """Return a tensor as printed where the seed agrees, and as the seed rounds it elsewhere."""
    merged = rounded.copy()
    for figure in figures:
        index = whole_index(figure.place, merged.shape)
        merged[index] = rounded_to(drawn[index], max(figure.decimals, 0))
    for figure in reversed(kept):
        merged[whole_index(figure.place, merged.shape)] = figure.printed.value
    return merged
