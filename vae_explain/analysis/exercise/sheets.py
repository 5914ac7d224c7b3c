"""Makes exercise sheets: the run of each, its blanks, and the numbers as they are printed."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import field, replace
from typing import Any

import numpy as np

from ... import pipeline
from ...engine.run import Run, by_hand
from ...errors import UserError
from ...models.request import Request
from ...quick_classes import dataclass
from ...symbolic.expression import Ref, Role, references
from ...symbolic.text import symbol_text
from ...trace import Array
from .candidates import Candidate, Candidates
from .key import HALF, TOPICS, BlankEntry, Given, Sheet, SheetEntry, Topic, moved, sheet_of
from .selection import Difficulty, choose
from .trees import from_json, to_json, value_of

WHOLE = 64  # numbers of a parameter that stands on the sheet whole
A_TIE = 1e-6  # of the last digit
MOST_FURTHER = 4  # decimals of a shown number, beyond those of the answers
TO_THE_DIGIT = 1e-9  # what float64 may be off where a decimal is whole
MOST_RUNS, MOST_DRAWN = 400, 2_000_000  # tried for nice numbers, in NumPy: runs, numbers
NICE_WEIGHTS = (-1.0, -0.5, 0.5, 1.0, 0.0)
NICE_NOISE = (-1.5, -1.0, -0.5, 0.5, 1.0, 1.5)
NICE_INPUTS = (1.0, 2.0, 3.0, 4.0, 0.5, 0.0)
PROBABILITIES = (0.0, 0.5, 1.0)
LARGEST_EXPONENT, LARGEST_NICE = 2.0, 40.0
ONE_SIDED = 10.0  # how bad a layer is whose gates are all open, or all closed


class NoBlanks(UserError):
    """A run of which nothing can be asked for in the topics that are wanted."""

    option = "--topic"


@dataclass(frozen=True)
class Wish:
    """What the sheets are to be like; see `vae-explain exercise --help`."""

    topics: tuple[Topic, ...] = tuple(TOPICS)
    count: int = 12
    difficulty: Difficulty = "medium"
    variants: int = 1
    nice: bool = False
    rate: float = 0.1
    decimals: int = 4
    own_x: bool = False


@dataclass(frozen=True)
class Worksheet:
    """A sheet: what goes into the key, and the run that it is of.

    Attributes
    ----------
    shown
        The indices of each tensor's elements on the sheet, by name, in the order of the run; a
        gradient's under `∂loss/∂mu`.
    """

    run: Run = field(repr=False)
    sheet: Sheet
    blanks: tuple[Candidate, ...]
    shown: dict[str, tuple[Ref, ...]]
    wish: Wish

    @property
    def entry(self) -> SheetEntry:
        return self.sheet.entry

    def cell(self, name: str) -> str:
        """Return what stands in the place of a number: its digits, or the number of its blank."""
        if name in self.entry.given:
            return self.entry.given[name].text
        return next(
            (f"({each.entry.id})" for each in self.sheet.blanks if each.entry.name == name), ""
        )


def worksheets(first: Run, request: Request | None, wish: Wish) -> Iterator[Worksheet]:
    """Yield the sheets, the first of a run at hand if nothing is to be changed in it.

    Parameters
    ----------
    request
        What to run for sheets with numbers of their own; None of a recorded run, which is asked
        for other blanks.
    """
    seed = (request.seed if request else first.seed) or 0
    for number in range(wish.variants):
        rng = random.Random(f"{seed} {number}")
        run = first
        if request is not None and (number or wish.nice or wish.own_x):
            run = _varied(replace(request, seed=seed + number), wish, rng)
        yield worksheet(run, str(number + 1), wish, rng)


def worksheet(run: Run, number: str, wish: Wish, rng: random.Random) -> Worksheet:
    """Make one sheet of a run."""
    candidates = Candidates(run, rng, wish.rate)
    blanks = choose(candidates, wish.topics, wish.count, wish.difficulty, wish.decimals)
    if not blanks:
        raise NoBlanks(
            f"no number of {run.label} can be asked for in {', '.join(wish.topics)}; name another "
            f"topic, of {', '.join(TOPICS)}, or a smaller model"
        )
    while True:
        made = _Numbers(run, wish, candidates, blanks).sheet(number)
        # What rounding took from a shown number may show in an answer: rather not asked then.
        lost = [
            each for each, entry in zip(blanks, made.entry.blanks, strict=True)
            if abs(entry.expected - each.value) > made.sheet.tolerances[entry.id]
        ]  # fmt: skip
        if not lost or len(lost) == len(blanks):
            return made
        blanks = [each for each in blanks if each not in lost]


class _Numbers:
    """The numbers of one sheet, with as many digits as its answers need."""

    def __init__(
        self, run: Run, wish: Wish, candidates: Candidates, blanks: Sequence[Candidate]
    ) -> None:
        self.run, self.wish, self.candidates, self.blanks = run, wish, candidates, blanks
        self.shown = self._shown()

    def sheet(self, number: str) -> Worksheet:
        """Return the sheet, whose shown values get further decimals as far as answers need them."""
        further: Counter[str] = Counter()
        while True:
            read = sheet_of(self._entry(number, further), f"sheet {number}")
            names = {name for name in self._too_short(read) if further[name] < MOST_FURTHER}
            if not names:
                return Worksheet(self.run, read, tuple(self.blanks), self.shown, self.wish)
            further.update(names)

    def _shown(self) -> dict[str, tuple[Ref, ...]]:
        """Return what the answers are made of, and the whole of a small parameter."""
        by_step: dict[str, dict[str, Ref]] = {}
        for blank in self.blanks:
            tree = from_uses(blank)
            for ref in tree:
                by_step.setdefault(ref.name, {})[symbol_text(ref)] = ref
        values = self.run.trace.by_name
        for name in by_step:
            value = values.get(name)
            whole = value is not None and value.kind == "parameter" and value.array.size <= WHOLE
            if whole and value is not None:
                steps = self.candidates.steps
                every = [steps.reference(value.id, at) for at in np.ndindex(value.array.shape)]
                by_step[name] = {symbol_text(ref): ref for ref in every if isinstance(ref, Ref)}
        return {name: tuple(refs.values()) for name, refs in by_step.items()}

    def _entry(self, number: str, further: Counter[str]) -> SheetEntry:
        names = {blank.name for blank in self.blanks}
        stated = {
            symbol_text(ref): self._given(ref, self.wish.decimals + further[symbol_text(ref)])
            for refs in self.shown.values()
            for ref in refs
            if symbol_text(ref) not in names
        }
        roles: dict[str, Role] = {name: each.role for name, each in stated.items()}
        numbers = {name: float(each.text) for name, each in stated.items()}
        blanks = []
        for position, blank in enumerate(self.blanks, start=1):
            written = to_json(blank.tree)
            expected = value_of(from_json(written, blank.name, roles), numbers) + 0.0
            numbers[blank.name] = expected
            roles[blank.name] = "value"
            blanks.append(
                BlankEntry(
                    str(position), blank.name, blank.topic, self.wish.decimals, expected, written,
                    blank.parts, blank.kl,
                )
            )  # fmt: skip
        values = self.run.trace.values
        return SheetEntry(
            number,
            self.run.seed,
            stated,
            tuple(blanks),
            self.candidates.deviations,
            tuple(values[each].name or "" for each in sorted(self.candidates.kl_values)),
            self.candidates.counts,
        )

    def _given(self, ref: Ref, places: int) -> Given:
        value = float(ref.value) + 0.0
        role: Any = ref.role
        short = f"{value:.{places}f}"
        while places > self.wish.decimals and float(short[:-1]) == float(short):
            short, places = short[:-1], places - 1
        exact = math.isclose(float(short), value, rel_tol=TO_THE_DIGIT, abs_tol=TO_THE_DIGIT)
        if ref.role in ("input", "constant") or (self.wish.nice and exact):
            short = repr(float(short) if exact else value).removesuffix(".0")
            exact = True
        short = short.removeprefix("-") if float(short) == 0 else short
        return Given(role, short, exact)

    def _too_short(self, sheet: Sheet) -> Iterator[str]:
        """Yield the shown numbers whose rounding moves an answer by more than its last digit.

        Or makes one that lies in the middle between two, of which nobody could say which is meant.
        """
        for blank in sheet.blanks:
            stated = {name: sheet.entry.given[name] for name in blank.uses if name in sheet.given}
            rounded = {
                name: HALF * 10.0 ** -len(each.text.partition(".")[2])
                for name, each in stated.items()
                if not each.exact and each.role != "parameter"  # whose decimals are the page's
            }
            off = (moved(blank.tree, sheet.expected, name, by) for name, by in rounded.items())
            between = abs(sheet.expected[blank.entry.name] / blank.unit) % 1
            if sum(off) > blank.unit or abs(between - HALF) < A_TIE:
                yield from rounded


def from_uses(blank: Candidate) -> list[Ref]:
    """Return the numbers that a blank's line names; one that only it speaks of by its own."""
    refs: list[Ref] = []
    for ref in references(blank.tree):
        refs += references(ref.made()) if ref.made is not None else [ref]
    return refs


# --- runs with numbers of their own -----------------------------------------------------


def _varied(request: Request, wish: Wish, rng: random.Random) -> Run:
    """Run with another seed, with another x if that is free, and with nice numbers if wanted."""
    architecture = request.architecture
    if architecture is not None and wish.own_x:
        choices = PROBABILITIES if architecture.recon == "bce" else NICE_INPUTS
        rows = tuple(tuple(rng.choice(choices) for _ in row) for row in request.x)
        request = replace(request, x=rows)
    if not wish.nice:
        return pipeline.run(request)
    state, eps = _nice(pipeline.run(request, finite=False), rng, request.eps is None)
    weights = pipeline.weights_of(request) | state
    made = pipeline.record_both(replace(request, eps=eps or request.eps), weights)
    run = made.run(request.arithmetic)
    run.require_finite()
    return run


def _nice(
    run: Run, rng: random.Random, draws: bool
) -> tuple[dict[str, Array], tuple[float, ...] | None]:
    """Draw small halves for the parameters, and the noise, until the run is one to ask about."""
    generator = np.random.default_rng(rng.randrange(2**32))
    real = [value for value in run.trace.values if value.array.dtype.kind == "f"]
    parameters = [value for value in real if value.kind == "parameter"]
    noise = [value for value in real if value.kind == "noise" and draws][:1]
    size = sum(value.array.size for value in parameters)
    best: tuple[float, dict[int, Array]] | None = None
    for _ in range(max(1, min(MOST_RUNS, MOST_DRAWN // max(size, 1)))):
        drawn = {v.id: generator.choice(NICE_WEIGHTS, v.array.shape) for v in parameters}
        drawn |= {v.id: generator.choice(NICE_NOISE, v.array.shape) for v in noise}
        badness = _badness(by_hand(run, drawn))
        if best is None or badness < best[0]:
            best = badness, drawn
        if not badness:
            break
    assert best is not None, "at least one was drawn"
    if not np.isfinite(best[0]):
        raise UserError(f"--nice: halves as parameters of {run.label} overflow; leave it out")
    state = {value.name or "": best[1][value.id] for value in parameters}
    return state, tuple(float(n) for v in noise for n in best[1][v.id].ravel()) or None


def _badness(run: Run) -> float:
    """Return how far a run is from one that can be worked out by hand; 0 where it can."""
    bad = 0.0
    with np.errstate(all="ignore"):
        for bound in run.graph.operations:
            output = run.values[bound.output]
            if bound.rule_name == "exp":
                bad += max(0.0, float(np.abs(np.log(output)).max()) - LARGEST_EXPONENT)
            elif bound.rule is not None and bound.rule.gate:
                bad += ONE_SIDED * (bool((output > 0).all()) or bool((output <= 0).all()))
            if output.size and bound.output != run.trace.output:
                bad += max(0.0, float(np.abs(output).max()) - LARGEST_NICE)
    return bad if np.isfinite(bad) else float("inf")
