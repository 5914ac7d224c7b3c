"""What a document's run started from: the inputs it prints, held against the seed it states.

The rule. A tensor of parameters is the seed's when at least half of its figures are, or
when none of its figures is more than one digit away; its other figures are then wrong, and
everything else is computed from what the seed gives, so that one wrong digit is blamed
alone. When no tensor is the seed's, the seed is what is wrong. Noise and input that no seed
vouches for are taken as they stand, until `damaged_inputs.py` finds that one changed digit in
them explains what else would be many wrong figures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ....engine.run import PRINTED_DECIMALS, Run
from ....errors import UserError
from ....models.builtin_config import Architecture
from ....models.changes import Change
from ....symbolic.decimals import rounded as rounded_to
from ....trace import Array
from ..matching.figures import Figure
from ..matching.names import Name
from ..matching.stated_run import Seed
from .agreement import agrees, digits_apart
from .recomputed import Inputs, array_of, inputs_of, recorded
from .rounding import off_as_drawn

MOST_DECIMALS = 8  # with so many, a number of x may be rounded; with fewer it is as it stands


class NoWalkthrough(UserError):
    """A document that is no worked example; the message says what is missing."""


class Start(NamedTuple):
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
        How far each number of x may be from the one that it was printed for.
    changes
        The entries that the document says it set by hand after the seed gave them.
    """

    run: Run
    drawn: Run
    inputs: Inputs
    whole: Inputs
    seed: Seed | None
    wrong_seed: Seed | None
    confirmed: frozenset[str]
    foreign: frozenset[str]
    open_by: Array
    changes: tuple[Change, ...]


def input_names(architecture: Architecture) -> tuple[str, ...]:
    """Return the names of what a run starts from."""
    return ("x", "eps", *architecture.parameters)


def _by_name(architecture: Architecture, figures: Sequence[Figure]) -> dict[str, list[Figure]]:
    by_name: dict[str, list[Figure]] = {name: [] for name in input_names(architecture)}
    for figure in figures:
        if figure.name.value in by_name and not (figure.name.gradient or figure.name.updated):
            by_name[figure.name.value].append(figure)
    return by_name


def missing(
    architecture: Architecture, figures: Sequence[Figure], seeds: Sequence[Seed]
) -> list[str]:
    """Return what a document lacks for its run to be made again."""
    by_name = _by_name(architecture, figures)
    found = []
    if not by_name["x"]:
        found.append(
            "it states no input to compute from; write it as x = [1.0, 2.0], or name its label "
            'by --map "label=x"'
        )
    weights = [name for name in architecture.parameters if not by_name[name]]
    if weights and not seeds:
        found.append(
            "it states no seed, and not all the weights that a run needs; a label of its own for "
            f'one of them is named by --map "label={weights[0]}"'
        )
    return found


def start(
    architecture: Architecture,
    figures: Sequence[Figure],
    seeds: Sequence[Seed],
    changes: tuple[Change, ...] = (),
) -> Start:
    """Find what the run started from.

    Raises
    ------
    NoWalkthrough
        If the input is missing, or the parameters or the noise without a seed for them.
    """
    lacking = missing(architecture, figures, seeds)
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
    run, seed, wrong_seed = _seeded(architecture, x, by_name, seeds, changes)
    return _joined(architecture, run, x, by_name, seed, wrong_seed, changes)


def _seeded(
    architecture: Architecture,
    x: Array,
    by_name: dict[str, list[Figure]],
    seeds: Sequence[Seed],
    changes: tuple[Change, ...],
) -> tuple[Run, Seed | None, Seed | None]:
    """Return the run of the seed that fits best, that seed, and one that does not hold."""
    parameters = [name for name in by_name if name not in ("x", "eps") and by_name[name]]
    best: tuple[int, Run, Seed] | None = None
    for seed in seeds:
        run = recorded(architecture, x, seed.value, None, changes)
        holding = sum(_holds(run, name, by_name[name]) for name in parameters)
        if best is None or holding > best[0]:
            best = holding, run, seed
        if holding == len(parameters):
            break
    if best is None:
        return recorded(architecture, x, 0, None), None, None
    holding, run, seed = best
    if holding or not parameters:
        return run, seed, None
    noise_holds = bool(by_name["eps"]) and _holds(run, "eps", by_name["eps"])
    # A seed may stand for the noise alone, beside parameters from elsewhere.
    return run, None, None if noise_holds else seed


def _holds(run: Run, name: str, figures: Sequence[Figure]) -> bool:
    """Whether a tensor's figures are the seed's, as far as a damaged one can tell."""
    given = array_of(run, Name(name))
    wrong = [f for f in figures if not is_drawn(f, run)]
    few = 2 * len(wrong) <= len(figures)
    return few or all(digits_apart(f, float(given[f.place])) <= 1 for f in wrong)


def is_drawn(figure: Figure, run: Run) -> bool:
    """Whether an input's figure is what the seed of a run gives, on this processor or another."""
    name = figure.name.value
    drawn = float(array_of(run, Name(name))[figure.place])
    return agrees(figure, drawn, off_as_drawn(run, name))


def _joined(
    architecture: Architecture,
    run: Run,
    x: Array,
    by_name: dict[str, list[Figure]],
    seed: Seed | None,
    wrong_seed: Seed | None,
    changes: tuple[Change, ...],
) -> Start:
    usual = Counter(f.decimals for n in architecture.parameters for f in by_name[n])
    decimals = usual.most_common(1)[0][0] if usual else PRINTED_DECIMALS
    given = inputs_of(run)
    inputs = whole = {**given, "x": x}
    confirmed, foreign = set(), set()
    for name in ("eps", *architecture.parameters):
        figures = by_name[name]
        drawn = given[name]
        held = seed is not None and (not figures or _holds(run, name, figures))
        if held:
            confirmed.add(name)
            kept = [f for f in figures if is_drawn(f, run)]
            rounded = _merged(figures, kept, rounded_to(drawn, decimals), drawn)
            inputs = {**inputs, name: rounded}
            continue
        stated = _stated(figures, drawn.shape)
        if np.isnan(stated).any():
            raise NoWalkthrough(_missing(name, seed is not None or wrong_seed is not None))
        if seed is not None and name != "eps":
            foreign.add(name)
        inputs, whole = {**inputs, name: stated}, {**whole, name: stated}
    with_its_noise = run
    if "eps" not in confirmed:
        run = recorded(architecture, x, seed.value if seed else 0, inputs["eps"], changes)
    open_by = np.zeros(x.shape)
    for figure in _finest(by_name["x"]):
        if figure.decimals >= MOST_DECIMALS:
            open_by[whole_index(figure.place, x.shape)] = figure.unit / 2
    return Start(
        run,
        with_its_noise,
        inputs,
        whole,
        seed,
        wrong_seed,
        frozenset(confirmed),
        frozenset(foreign),
        open_by,
        changes,
    )


def rerun(architecture: Architecture, begun: Start) -> Start:
    """Return the same start with PyTorch's run from its inputs, after they were put right."""
    if begun.seed is None:
        return begun
    eps = None if "eps" in begun.confirmed else begun.inputs["eps"]
    x, changes = begun.inputs["x"], begun.changes
    return begun._replace(run=recorded(architecture, x, begun.seed.value, eps, changes))


def _missing(name: str, seeded: bool) -> str:
    what = "noise ε" if name == "eps" else name
    why = "and its seed does not give the parameters it prints" if seeded else "and no seed"
    return f"it states no whole {what} {why}"


def _stated(figures: Sequence[Figure], shape: tuple[int, ...]) -> Array:
    """Return a tensor as printed, NaN where nothing is."""
    found = np.full(shape, np.nan)
    for figure in _finest(figures):
        found[whole_index(figure.place, shape)] = figure.printed.value
    return found


def _finest(figures: Sequence[Figure]) -> list[Figure]:
    """Return one figure of each element: the first, or one that has it with more than 6 digits.

    So many has a number that stands in a title.
    """
    found: dict[tuple[int, ...], Figure] = {}
    for figure in figures:
        first = found.setdefault(figure.place, figure)
        if figure.decimals > first.decimals and _to_six(figure) == _to_six(first):
            found[figure.place] = figure
    return list(found.values())


def _to_six(figure: Figure) -> str:
    return f"{figure.printed.value:.6g}"


def _merged(
    figures: Sequence[Figure], kept: Sequence[Figure], rounded: Array, drawn: Array
) -> Array:
    """Return a tensor as printed where the seed agrees, and as the seed rounds it elsewhere."""
    found = rounded.copy()
    for figure in figures:
        index = whole_index(figure.place, found.shape)
        found[index] = rounded_to(drawn[index], max(figure.decimals, 0))
    for figure in reversed(kept):
        found[whole_index(figure.place, found.shape)] = figure.printed.value
    return found


def whole_index(index: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return an index with that of the row, which a single row is written without."""
    return (0, *index) if len(index) == len(shape) - 1 else index
