"""What all pages share: the header, the notes of what was checked, and the layout of lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from ...engine.formulas import ROLES, Steps
from ...engine.loss_call import LossCall
from ...engine.provenance import shortened
from ...engine.run import PRINTED_DECIMALS, Run
from ...engine.worked_lines import LineMaker, Worked
from ...ops.layout.random import RANDN
from ...ops.rule import indices
from ...symbolic.expression import Index, Number, Ref
from ...trace import Array, is_whole
from ..blocks import (
    After,
    Block,
    Checks,
    Lines,
    Matrix,
    Note,
    Places,
    Summary,
    Table,
    Walkthrough,
)
from .captions import LAYER_ACTIVATIONS, counted
from .tensors import MOST_LARGEST, MOST_NUMBERS, is_big, largest, tensor

MOST_LINES = 16  # of one tensor on an overview page; a page for one step shows more
MOST_DETAILED = 64
MOST_IN_HEADER = 8
MOST_SUMMANDS = 24  # of one line; of a longer sum the largest are shown, and the rest
WIDE, ROWS_OF_WIDE = 64, 3  # how many rows of a layer with so many inputs are worked out


class Page:
    """A page being written: a run, its steps, and the blocks so far."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.steps = Steps(run)
        self.make = LineMaker(run, self.steps)
        self.blocks: list[Block] = []
        self.sections = 0

    def add(self, *blocks: Block) -> None:
        self.blocks += blocks

    def name(self, number: int) -> str:
        return self.run.trace.values[number].name or f"value {number}"

    def indices(self, number: int, most: int) -> list[Index]:
        """Return the first indices of a value, in order."""
        return list(islice(indices(self.run.trace.values[number].shape), most))

    def chosen(self, number: int, array: Array, most: int, detailed: bool) -> list[Index]:
        """Return which elements of a value are worked out.

        The first ones, in order; of a big one those that its summary lists, where `array`
        is largest, and some more on a page for it alone.
        """
        if not is_big(array):
            return self.indices(number, most)
        return largest(array, min(most, MOST_LINES if detailed else MOST_LARGEST))

    def value_block(self, number: int, places: Places) -> Matrix | Summary:
        """Return a value's numbers as far as they fit the page."""
        value, name = self.run.trace.values[number], self.name(number)
        array = self.run.values[number]
        places = "input" if is_whole(array) else places
        role, drop = ROLES[value.kind], self._dropped(number)
        return tensor(name, array, role, places, ask=name, drop=drop)

    def gradient_block(self, number: int, name: str, gradient: Array) -> Matrix | Summary:
        """Return the gradient at a value as far as it fits the page."""
        return tensor(
            name,
            gradient,
            "gradient",
            "gradient",
            accent=True,
            ask=f"{self.name(number)}.grad",
            drop=self._dropped(number),
        )

    def _dropped(self, number: int) -> int:
        """Return how many leading axes an index on the page leaves out."""
        rank = len(self.run.trace.values[number].shape)
        return rank - len(self.steps.shown_index(number, (0,) * rank))

    def omitted(self, number: int, shown: Sequence[object]) -> int:
        return self.run.values[number].size - len(shown)

    def fitted(self, lines: Sequence[Worked]) -> tuple[Worked, ...]:
        """Shorten long sums to their largest terms and the rest, which still add up.

        What is checked stays the whole sum: the lines were evaluated before.
        """
        return tuple(
            line._replace(expression=shortened(line.expression, MOST_SUMMANDS)) for line in lines
        )

    def cut(self, lines: Sequence[Worked], fitted: Sequence[Worked]) -> list[Note]:
        """Say that long sums among some lines are not shown whole, if one was shortened."""
        if tuple(fitted) == tuple(lines):
            return []
        return [Note("Of each long sum the largest parts are shown; the last is all others.")]

    def most_rows(self, number: int, most: int) -> int:
        """Return how many rows of a layer are worked out: few, where each is a long sum."""
        bound = self.run.graph.producer(number)
        wide = bound is not None and any(
            self.run.trace.values[i].shape[-1:] > (WIDE,) for i in bound.operation.inputs
        )
        return min(most, ROWS_OF_WIDE) if wide else most

    def activation_of(self, number: int) -> int | None:
        """Return the named value that is an activation of this one, directly, if any."""
        for bound in self.run.graph.consumers(number):
            one_input = len(bound.operation.inputs) == 1
            named = self.run.trace.values[bound.output].name is not None
            if bound.rule and one_input and named and bound.rule.name in LAYER_ACTIVATIONS:
                return bound.output
        return None

    def after(self, number: int, shown: Sequence[Index]) -> After:
        """Return what an activation made of a layer's values, and which it gated off."""
        lines = self.make.value_lines(number, shown)
        closed = tuple(self.rule_name(number) == "relu" and line.value == 0 for line in lines)
        formula = self.steps.formula(number)
        return After(self.name(number), lines, closed, "gate closed", formula)

    def rule_name(self, number: int) -> str:
        """Return the name of the op that made a value; empty when it was given."""
        bound = self.run.graph.producer(number)
        return bound.operation.name if bound else ""

    def finish(self, command: str, remarks: Sequence[str] = ()) -> tuple[Walkthrough, Checks]:
        """Add the footer and hand over the page with its checks."""
        page = Walkthrough(command, heading_line(self.run), (*run_remarks(self.run), *remarks), ())
        checks = Checks()
        for line in lines_of(self.blocks):
            checks.add(line)
        self.add(*summary_note(self.blocks), footer(self.run, checks))
        return Walkthrough(page.command, page.title, page.remarks, tuple(self.blocks)), checks


def lines_of(blocks: Iterable[Block]) -> Iterable[Worked]:
    """Yield every line of some blocks whose result was compared with PyTorch's."""
    for block in blocks:
        lines: tuple[Worked, ...] = ()
        if isinstance(block, Lines):
            after = block.after.lines if block.after else ()
            lines = (*block.lines, *after, *((block.total,) if block.total else ()))
        elif isinstance(block, Table):
            lines = block.worked
        yield from (line for line in lines if line.reference is not None)


def passed_on(lines: Sequence[Worked]) -> bool:
    """Whether several numbers only moved, so that a grid says more than a line for each."""
    return len(lines) > 1 and all(isinstance(line.expression, Number | Ref) for line in lines)


def summary_note(blocks: Iterable[Block]) -> list[Note]:
    """Return the note of a page that summarises tensors: how to see any of their numbers."""
    asked = [block.ask for block in blocks if isinstance(block, Summary) and block.ask]
    if not asked:
        return []
    return [
        Note(
            f"Tensors of more than {MOST_NUMBERS} numbers are summarised. Any number of theirs "
            f'can be asked for, with the same options: vae-explain why "{asked[-1]}"'
        )
    ]


def heading_line(run: Run) -> str:
    """Return what is run: the model, the seed, and the input when it is short."""
    line = run.label if run.seed is None else f"{run.label} · seed {run.seed}"
    for value in run.trace.values:
        if value.kind == "input" and value.name:
            one_row = value.array.size == (value.shape[-1] if value.shape else 1)
            if one_row and value.array.size <= MOST_IN_HEADER:
                numbers = ", ".join(f"{float(number):g}" for number in value.array.ravel())
                return f"{line} · {value.name} = [{numbers}]"
            return f"{line} · {value.name} {list(value.shape)}"
    return line


def run_remarks(run: Run) -> tuple[str, ...]:
    """Return what a header says of a run: its loss, its arithmetic, the ops without a rule."""
    return *loss_words(run.loss_call), arithmetic_words(run), *without_rule(run)


def loss_words(call: LossCall | None) -> tuple[str, ...]:
    """Say how the loss of a user's model was called; nothing for the built-in VAE."""
    return () if call is None else (f"loss: {call.text}",)


def without_rule(run: Run) -> tuple[str, ...]:
    """Count and name the ops that have no rule; nothing where all have one."""
    missing = run.graph.not_explained
    if not missing:
        return ()
    words = f"not explained: {counted(len(missing), 'op')} ({', '.join(missing)})"
    return (f"{words}, whose numbers are PyTorch's",)


def arithmetic_words(run: Run) -> str:
    """Return which arithmetic a page uses and what the other one is."""
    if run.arithmetic == "printed":
        return (
            f"arithmetic: printed, parameters and ε rounded to {PRINTED_DECIMALS} decimals, "
            "float64 (--arithmetic full: PyTorch's float32)"
        )
    return (
        "arithmetic: full, PyTorch's float32 "
        f"(--arithmetic printed: parameters and ε rounded to {PRINTED_DECIMALS} decimals, float64)"
    )


def drawing_words(run: Run, number: int) -> str:
    """Say where noise came from: `drawn from N(0, 1)`, or that it was given."""
    # Noise that is given stands in for the first draw from the standard normal.
    normal = (n for n in run.trace.producer if rule_words(run, n) == RANDN.words)
    if run.eps_given and number == next(normal, None):
        return "given"
    return rule_words(run, number) or "drawn"


def rule_words(run: Run, number: int) -> str:
    """Return what the rule that made a value says of itself; nothing where there is none."""
    bound = run.graph.producer(number)
    return bound.rule.words if bound and bound.rule else ""


def checked(lines: Sequence[Worked], noun: str, whose: str = "PyTorch's", tail: str = "") -> Note:
    """Return the note under lines: how many were evaluated, and how far off the worst was."""
    failed = [line for line in lines if not line.agrees]
    largest = max((line.difference for line in lines), default=0.0)
    if failed:
        where = ", ".join(line.label or "the sum" for line in failed[:4])
        return Note(
            f"{len(failed)} of {counted(len(lines), noun)} not equal to {whose}: {where} "
            f"(largest relative difference {largest:.1e})",
            "failure",
        )
    subject = f"{counted(len(lines), noun)} evaluated"
    equal = "equal to" if len(lines) == 1 else "all equal to"
    return Note(f"{subject}, {equal} {whose} ({difference_words(largest)}){tail}", "check")


def difference_words(largest: float) -> str:
    """Return the largest relative difference in words; exact when there is none."""
    return f"largest relative difference {largest:.1e}" if largest else "no difference"


def footer(run: Run, checks: Checks) -> Note:
    """Return the last line of a page."""
    if not checks.lines:
        return Note("No arithmetic on this page.", "plain")
    whole = (
        f"{counted(checks.lines, 'line')} of arithmetic evaluated and compared with PyTorch "
        f"{run.trace.torch_version}"
    )
    if checks.failed:
        return Note(f"{whole}: {checks.failed} failed, marked above.", "failure")
    return Note(
        f"{whole}: all agree ({difference_words(checks.largest_relative_difference)}).", "check"
    )
