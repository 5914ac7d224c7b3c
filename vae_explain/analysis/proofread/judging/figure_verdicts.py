"""Each figure's verdict, and the rule by which one is blamed.

A figure may agree in several arithmetics, and a changed digit may turn what is right in one
into what would be right in another. So a figure is held against the arithmetic of what
stands around it. The document's values have one arithmetic and its gradients one: that in
which most of them agree. An array departs from it only as a whole, when all of it agrees in
another arithmetic and one changed digit cannot be why: two figures or more say so, or two
digits of one.

In a chain of rounded steps (`recomputed.py`) the figures that are blamed are put right first.
So a damaged figure is blamed alone, in every arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from ....trace import Array
from ..matching.figures import PrintedFigure, Shape
from ..matching.names import Name
from .agreement import agrees, as_written, digits_apart, slipped
from .line_formulas import whole_index
from .recomputed import Arithmetic, RecomputedRun, array_of, by_hand, chained, inputs_of
from .rounding import DOUBLE, SINGLE, Roundings
from .starting_point import StartingPoint, is_drawn
from .verdicts import Judged, Verdict

MOST_MENDED = 24  # figures that are tried; a document with more wrong ones has other troubles
ORDER: tuple[Arithmetic, ...] = ("full", "printed", "chain")
WORDS: Mapping[Arithmetic, str] = {
    "full": "PyTorch's float32",
    "printed": "the inputs as printed",
    "chain": "the steps as printed",
}


class FigureJudge:
    """Judges the figures of one document.

    Parameters
    ----------
    rate
        The learning rate, where one is stated.
    suspected
        Elements that do not follow from the inputs as stated, though everything else goes
        with them: what each should be by the inputs, and which inputs may be meant.
    unsettled_inputs
        These inputs, none of which is blamed.
    """

    def __init__(
        self,
        begun: StartingPoint,
        figures: Sequence[PrintedFigure],
        rate: float | None = None,
        suspected: Mapping[str, tuple[float, str]] | None = None,
        unsettled_inputs: frozenset[str] = frozenset(),
    ) -> None:
        self.begun, self.rate = begun, rate
        self.unsettled_inputs = unsettled_inputs
        self.suspected = suspected or {}
        self.given = begun.inputs.keys()
        self.figures = figures
        # What is said to be of another arithmetic says nothing of the document's own.
        self.computed_figures = [f for f in figures if not f.name.is_input and f.arithmetic is None]
        self.by_name: dict[Name, list[PrintedFigure]] = {}
        for figure in self.computed_figures:
            self.by_name.setdefault(figure.name, []).append(figure)
        self.printed = by_hand(begun.run, begun.inputs)
        # Parameters with more digits than are printed come from a run of PyTorch's.
        exact = begun.open_by.keys() <= {"x"}
        by_hand_off = Roundings(
            begun.run, begun.inputs, DOUBLE if exact else SINGLE, rate, begun.open_by
        )
        self.roundings: Mapping[Arithmetic, Roundings] = {
            "full": Roundings(begun.run, inputs_of(begun.run), SINGLE, rate, begun.open_by),
            "printed": by_hand_off,
            "chain": by_hand_off,
        }
        self.as_it_stands = chained(begun.run, begun.inputs, self.by_name)
        self.has_full = begun.seed is not None and not begun.foreign
        # As a chain first, with what is wrong in one put right: else one wrong figure, and
        # all that was computed from it, would speak against the document being a chain.
        self.chosen: dict[bool, Arithmetic] = {False: "chain", True: "chain"}
        self.chain, self.kept = self._mended_chain()
        self.chosen = self._choose()
        if set(self.chosen.values()) != {"chain"}:
            self.chain, self.kept = self._mended_chain()
            self.chosen = self._choose()
        self.groups = self._departures()

    # --- numbers ---

    def arithmetics(self) -> tuple[Arithmetic, ...]:
        """Return the arithmetics that the figures may come from, the most exact first."""
        return ORDER if self.has_full else ORDER[1:]

    def array(self, name: Name, arithmetic: Arithmetic) -> Array:
        """Return a quantity's numbers in an arithmetic."""
        if arithmetic == "full":
            return array_of(self.begun.run, name, self.rate)
        if arithmetic == "printed":
            return array_of(self.printed, name, self.rate)
        return self.chain.array(name, self.rate)

    def number(self, figure: PrintedFigure, arithmetic: Arithmetic) -> float:
        return float(self.array(figure.name, arithmetic)[figure.place])

    def off(self, name: Name, place: Shape, arithmetic: Arithmetic) -> float:
        """Return how far another processor may be off at a number in an arithmetic."""
        return float(self.roundings[arithmetic].array(name)[place])

    def agrees(self, figure: PrintedFigure, computed: float, arithmetic: Arithmetic) -> bool:
        """Whether a figure is a number in an arithmetic, on this processor or another."""
        # What it may be off by takes longer to find out, and is seldom asked for.
        return agrees(figure, computed) or agrees(
            figure, computed, self.off(figure.name, figure.place, arithmetic)
        )

    def agreeing(self, figure: PrintedFigure) -> tuple[Arithmetic, ...]:
        """Return the arithmetics in which a figure agrees."""
        every = self.arithmetics()
        return tuple(a for a in every if self.agrees(figure, self.number(figure, a), a))

    # --- which arithmetic ---

    def _choose(self) -> dict[bool, Arithmetic]:
        """Return the arithmetic of the values, under False, and of the gradients, under True."""
        chosen: dict[bool, Arithmetic] = {}
        for gradient in (False, True):
            figures = [f for f in self.computed_figures if f.name.is_backward == gradient]
            agreeing = [self.agreeing(figure) for figure in figures]
            chosen[gradient] = max(
                self.arithmetics(), key=lambda a: sum(a in agreed for agreed in agreeing)
            )
        return chosen

    def _mended_chain(self) -> tuple[RecomputedRun, dict[PrintedFigure, int]]:
        """Return the chain in which the fewest figures disagree.

        Where a quantity has another arithmetic, that says what a wrong figure should be. In
        a chain a figure that does not follow from the step before it may be wrong itself,
        or right where an input is wrong; so each is put right in turn, and stays so if then
        fewer figures behind it disagree. Those that do not stay so are returned too, with
        how many more figures would disagree if they did.
        """
        kept: dict[PrintedFigure, int] = {}
        corrected = {
            name: self.array(name, self.chosen[name.is_backward])
            for name in self.by_name
            if self.chosen[name.is_backward] != "chain"
        }
        mended: frozenset[PrintedFigure] = frozenset()
        best = self._chain(corrected, mended)
        wrong = self._against(best)
        while len(kept) + len(mended) < MOST_MENDED:
            undecided = (f for f in wrong if f not in kept and f.name not in corrected)
            figure = next(undecided, None)
            if figure is None:
                break
            trial = self._chain(corrected, mended | {figure})
            then = self._against(trial)
            if len(then) < len(wrong):
                mended, best, wrong = mended | {figure}, trial, then
            else:
                kept[figure] = len(then) - len(wrong)
        return best, kept

    def _chain(
        self, corrected: Mapping[Name, Array], mended: frozenset[PrintedFigure]
    ) -> RecomputedRun:
        return chained(self.begun.run, self.begun.inputs, self.by_name, corrected, mended)

    def _against(self, chain: RecomputedRun) -> list[PrintedFigure]:
        """Return the figures that do not agree where their part is computed so, in order."""
        figures = []
        for figure in self.computed_figures:
            usual = self.chosen[figure.name.is_backward]
            array = chain.array(figure.name, self.rate) if usual == "chain" else None
            own = self.number(figure, usual) if array is None else float(array[figure.place])
            if not self.agrees(figure, own, usual):
                figures.append(figure)
        order = self.begun.run.trace.by_name
        return sorted(figures, key=lambda f: _step(f.name, order[f.name.value].id))

    def _departures(self) -> dict[int, Arithmetic]:
        """Return the arithmetic of each array that does not have that of its part."""
        departures: dict[int, Arithmetic] = {}
        for group, members in groupby(self.computed_figures, key=lambda figure: figure.group):
            figures = list(members)
            usual = self.chosen[figures[0].name.is_backward]
            agreed = [self.agreeing(figure) for figure in figures]
            against = [f for f, a in zip(figures, agreed, strict=True) if usual not in a]
            for other in self.arithmetics():
                whole = against and all(other in a for a in agreed)
                plain = len(against) > 1 or any(
                    digits_apart(f, self.number(f, usual)) > 1 for f in against
                )
                if whole and plain:
                    departures[group] = other
                    break
        return departures

    def arithmetic_of(self, figure: PrintedFigure) -> Arithmetic:
        """Return the arithmetic that a figure is held against."""
        if figure.arithmetic is not None:
            return figure.arithmetic
        return self.groups.get(figure.group, self.chosen[figure.name.is_backward])

    # --- verdicts ---

    def judged(self) -> Iterator[Judged]:
        """Yield every figure's verdict, in order."""
        verdicts = [self._judge(figure) for figure in self.figures if self._is_judged(figure)]
        wrong = {judged.figure.element for judged in verdicts if judged.blamed}
        for judged in verdicts:
            yield self._traced(judged, wrong) if judged.blamed else judged

    def _is_judged(self, figure: PrintedFigure) -> bool:
        """Whether a figure's arithmetic can be made again, if it is said to be of one."""
        return figure.arithmetic in (None, *self.arithmetics())

    def _judge(self, figure: PrintedFigure) -> Judged:
        if figure.element in self.suspected:
            return self._judge_unsettled(figure)
        if figure.name.is_input:
            return self._judge_input(figure)
        agreed = self.agreeing(figure)
        held = self.arithmetic_of(figure)
        computed = self.number(figure, held)
        if held in agreed:
            verdict = self._agreed(agreed)
            best, unrounded = (self.number(figure, a) for a in (agreed[0], self.arithmetics()[0]))
            elsewhere, why = not agrees(figure, best), _note(verdict)
            if elsewhere:
                why = f"this processor rounds it to {as_written(figure, best)}"
            return Judged(figure, best, verdict, agreed, "", why, unrounded, elsewhere)
        verdict = "off in the last digit" if slipped(figure, computed) else "wrong"
        others = " and ".join(WORDS[a] for a in agreed)
        why = f"it should be {as_written(figure, computed)}, from {WORDS[held]}"
        if others:
            why += f"; it is what {others} give, but nothing around it is computed so"
        return Judged(figure, computed, verdict, agreed, figure.element, why)

    def _judge_unsettled(self, figure: PrintedFigure) -> Judged:
        computed, inputs = self.suspected[figure.element]
        why = f"the inputs as stated give {as_written(figure, computed)}"
        why += f"; or one of them is off by a digit: {inputs}" if inputs else ""
        verdict: Verdict = "off in the last digit" if slipped(figure, computed) else "wrong"
        return Judged(figure, computed, verdict, (), figure.element, why)

    def _agreed(self, agreed: tuple[Arithmetic, ...]) -> Verdict:
        if "full" in agreed or not (self.has_full or "printed" not in agreed):
            return "exact"
        return "rounded inputs" if "printed" in agreed else "rounded chain"

    def _judge_input(self, figure: PrintedFigure) -> Judged:
        """Hold a parameter against the seed, or a repaired input against the repair."""
        name = figure.name
        source = self.begun.whole[name.value]
        if name.value in self.begun.foreign:
            drawn = float(array_of(self.begun.run, name)[figure.place])
            if not is_drawn(figure, self.begun.run):
                why = f"seed {self._seed()} gives {as_written(figure, drawn)}"
                return Judged(figure, drawn, "wrong", (), figure.element, why)
        computed = float(source[whole_index(figure.place, source.shape)])
        unsettled = figure.element in self.unsettled_inputs
        seeds = name.value in self.begun.confirmed and is_drawn(figure, self.begun.run)
        if unsettled or seeds or agrees(figure, computed):
            value = figure.printed.value if unsettled else computed
            return Judged(figure, value, "exact", self.arithmetics())
        why = f"seed {self._seed()} gives {as_written(figure, computed)}"
        if name.value not in self.begun.confirmed:
            why = f"everything computed from it needs {as_written(figure, computed)}"
        slip = slipped(figure, computed) and name.value in self.begun.confirmed
        verdict: Verdict = "off in the last digit" if slip else "wrong"
        return Judged(figure, computed, verdict, (), figure.element, why)

    def _seed(self) -> int:
        return self.begun.seed.value if self.begun.seed else 0

    def _traced(self, judged: Judged, wrong: set[str]) -> Judged:
        """Say where a blamed figure parts: at its own step, or at a figure it follows from."""
        figure = judged.figure
        if figure.name.is_input:
            return judged
        own = float(self.as_it_stands.array(figure.name, self.rate)[figure.place])
        if not agrees(figure, own):
            return judged
        before = self._blamed_before(figure, wrong)
        if not before:
            return judged
        why = f"{judged.why}; it follows from {before}, which is wrong"
        return judged._replace(parts_at=before, why=why)

    def _blamed_before(self, figure: PrintedFigure, wrong: set[str]) -> str:
        """Return the first blamed figure that a figure was computed from."""
        graph, trace = self.begun.run.graph, self.begun.run.trace
        number = trace.by_name[figure.name.value].id
        for other in sorted(
            (f for f in self.figures if f.element in wrong and not f.name.gradient),
            key=lambda f: trace.by_name[f.name.value].id,
        ):
            source = trace.by_name[other.name.value].id
            reached = trace.output if figure.name.gradient else number
            if other.element != figure.element and graph.depends(reached, [source]):
                return other.element
        return ""


def _step(name: Name, number: int) -> tuple[bool, int]:
    """Return where a quantity stands in the order of computing: values, then gradients back."""
    return name.is_backward, -number if name.gradient else number


def _note(verdict: Verdict) -> str:
    return {
        "rounded inputs": "only from the printed, rounded inputs",
        "rounded chain": "only from the printed, rounded steps before it",
    }.get(verdict, "")
