"""The page of `check`: every parameter's gradient beside three oracles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from ...analysis.gradient_check import (
    AUTOGRAD,
    CENTRAL,
    COMPLEX_STEP,
    ORACLES,
    REWRITTEN,
    SEED,
    Check,
    ParameterCheck,
)
from ...analysis.judge import Difference
from ..blocks import Block, Column, Heading, Note, Prose, Table, Walkthrough
from ..phrases import counted
from .draft import table, verdict
from .header import heading_line, run_remarks
from .repeated import listed, pattern

WORDS = {AUTOGRAD: "autograd", COMPLEX_STEP: "complex step", CENTRAL: "central differences"}
WHAT_IS_CHECKED = (
    "The gradients by our own formulas, in float64, are compared with others. Autograd is "
    "PyTorch's own gradient of the same run."
)
OF_THE_BUILT_IN = (
    " The other two evaluate a separate implementation of the loss "
    "in NumPy. The complex step adds 1e-200·i to a parameter and divides the imaginary part of "
    "the loss by 1e-200: nothing is subtracted, so no digit is lost. Central differences move it "
    "up and down a little and subtract, which gives seven to eleven digits."
)
OF_AN_OWN_MODEL = (
    " Central differences run the model itself in float64, with the same draws, at a parameter "
    "moved up and down a little: neither the formulas nor autograd take part. What the model "
    "detaches is kept fixed. The complex step is only for the built-in VAE, of whose loss there "
    "is a separate implementation."
)
NO_PARAMETER_LEARNS = (
    "The loss depends on no parameter that is trained, so there is no gradient of one to check."
)
BUILT_IN_ONLY = "built-in only"
NOT_COMPARED = "not compared"
MOST_ROWS = 64  # of a table of all parameters


def checking(check: Check) -> Walkthrough:
    """Compose the page of a run's check."""
    remarks = run_remarks(check.run)
    return Walkthrough("check", heading_line(check.run), remarks, tuple(compose(check)))


def compose(check: Check, absolute: bool = True) -> list[Block]:
    """Return the page's blocks, for one that is part of a document.

    Parameters
    ----------
    absolute
        Whether the differences stand there as they are too, beside those relative to a size.
    """
    if not check.parameters:
        return [Heading(1, "The gradients once more"), Prose(NO_PARAMETER_LEARNS)]
    ways = {3: "Three checks of the gradients", 2: "Two checks of the gradients"}
    words = {3: OF_THE_BUILT_IN, 2: OF_AN_OWN_MODEL}
    count = len(check.oracles)
    return [
        Heading(1, ways.get(count, "The gradients once more")),
        Prose(WHAT_IS_CHECKED + words.get(count, "")),
        Heading(2, "Largest relative difference", "difference / largest summand of the gradient"),
        _table(check, "relative"),
        *(_absolute(check) if absolute else ()),
        *_summarised(check),
        *_failures(check),
        *_inconclusive(check),
        *_not_compared(check),
        *_of_differences(check),
        *_diagnosis(check),
        _verdict(check),
    ]


def _absolute(check: Check) -> tuple[Block, ...]:
    return Heading(3, "Largest absolute difference"), _table(check, "absolute")


def _table(check: Check, kind: str) -> Table:
    def by(oracle: str, parameter: ParameterCheck) -> str:
        if oracle in parameter.differences:
            return _written(parameter.differences[oracle], kind)
        return NOT_COMPARED if oracle in check.oracles else BUILT_IN_ONLY

    return table(
        _shown(check),
        (Column("parameter", "text"), lambda parameter: parameter.name),
        (Column("numbers", "value"), lambda parameter: parameter.count),
        *((Column(WORDS[each], "text"), partial(by, each)) for each in _columns(check)),
        (Column("verdict", "text"), lambda of: "agrees" if of.passed else "FAILED"),
    )


def _shown(check: Check) -> Sequence[ParameterCheck]:
    """Return the parameters that get a row: of many, those that failed and one of each kind.

    That is the one that is furthest off by most of the oracles.
    """
    if len(check.parameters) <= MOST_ROWS:
        return check.parameters
    shown: dict[object, ParameterCheck] = {}
    for each in check.parameters:
        kind = (pattern(each.name), each.shape) if each.passed else each.name
        shown[kind] = max(shown.get(kind, each), each, key=_how_far)
    return tuple(shown.values())


def _how_far(parameter: ParameterCheck) -> tuple[int, float]:
    differences = parameter.differences.values()
    return len(differences), max((each.relative for each in differences), default=0.0)


def _summarised(check: Check) -> list[Note]:
    rows = len(_shown(check))
    if rows == len(check.parameters):
        return []
    return [
        Note(
            f"{counted(len(check.parameters), 'parameter')} in {counted(rows, 'row')}: of those "
            "whose names differ in a number alone, the one that is furthest off stands there."
        )
    ]


def _columns(check: Check) -> tuple[str, ...]:
    """Return the oracles of the table: a user's model has a word in place of the complex step."""
    return check.oracles if len(check.oracles) == 1 else ORACLES


def _written(difference: Difference, kind: str) -> str:
    size = f"{getattr(difference, kind):.1e}"
    if not difference.passed:
        return f"{size} FAILED"
    if difference.in_float64:
        return f"{size} lost"
    return size if difference.conclusive else "too coarse"


def _failures(check: Check) -> list[Note]:
    return [
        Note(
            f"{name}.grad is off {WORDS[oracle]} by {difference.absolute:.1e}, "
            f"{difference.relative:.1e} of its size.",
            "failure",
        )
        for name, oracle, difference in _failed(check)
    ]


def _failed(check: Check) -> Iterator[tuple[str, str, Difference]]:
    """Yield the differences that are too large: of which parameter, and from which oracle."""
    for parameter in check.parameters:
        for oracle, difference in parameter.differences.items():
            if not difference.passed:
                yield parameter.name, oracle, difference


def _of_differences(check: Check) -> list[Note]:
    """Say which numbers central differences moved, or why they could not be taken."""
    if check.missing:
        return [Note(f"No central differences: {check.missing}.", "warning")]
    total = sum(
        parameter.count for parameter in check.parameters if parameter.not_compared != REWRITTEN
    )
    if not check.nudged or check.nudged == total:
        return []
    who = "Complex steps and central" if COMPLEX_STEP in check.oracles else "Central"
    words = f"{who} differences moved {check.nudged:,} of {counted(total, 'number')}"
    return [
        Note(
            f"{words}: of a large parameter those with the largest gradients, and others "
            f"that were drawn with seed {SEED}."
        )
    ]


# Why the word of an oracle does not count.
COARSE = {
    COMPLEX_STEP: "The complex step is too coarse for {} here: so small a gradient, times 1e-200, "
    "can't be told from 0.",
    CENTRAL: "Central differences are too coarse for {} here: the rounding of so large a loss, "
    "or a unit that switches within the step, hides what they look for.",
}
LOST = (
    "PyTorch's own gradients of {} have lost digits here, where {} cancels, underflows or ends at "
    "a limit, as a sigmoid at 1: autograd on a copy of the run in float64 agrees with the rules."
)


def _inconclusive(check: Check) -> list[Note]:
    """Say where an oracle is too coarse for its word to count."""
    notes = []
    for oracle, words in COARSE.items():
        coarse = _those(check, oracle, lambda difference: not difference.conclusive)
        if coarse:
            notes.append(Note(words.format(coarse), "warning"))
    lost = _those(check, AUTOGRAD, lambda difference: difference.in_float64)
    if lost:
        notes.append(Note(LOST.format(lost, check.run.precision.name), "warning"))
    return notes


def _those(check: Check, oracle: str, has: Callable[[Difference], bool]) -> str:
    """Return the parameters whose difference from an oracle has something, as a list."""
    differences = ((each.name, each.differences.get(oracle)) for each in check.parameters)
    return listed([name for name, difference in differences if difference and has(difference)])


def _not_compared(check: Check) -> list[Note]:
    """Say why central differences have no say, each reason with its parameters."""
    names: dict[str, list[str]] = {}
    for parameter in check.parameters:
        if parameter.not_compared:
            names.setdefault(parameter.not_compared, []).append(parameter.name)
    return [
        Note(f"Central differences are not compared at {listed(those)}: {reason}.", "warning")
        for reason, those in names.items()
    ]


def _diagnosis(check: Check) -> list[Prose]:
    """Say where to look, which follows from which oracles disagree."""
    failed = {oracle for _, oracle, _ in _failed(check)}
    if not failed:
        return []
    if len(check.oracles) < len(ORACLES):
        words = _diagnosis_of_own(failed)
    elif AUTOGRAD not in failed:
        words = (
            "Autograd agrees with the rules, the second transcription does not: the model "
            "or its loss computes something else than the formulas of a VAE."
        )
    elif failed == {AUTOGRAD}:
        words = (
            "The second transcription agrees with the rules, autograd does not: PyTorch "
            "differentiates something else than it computes, as behind a detach."
        )
    else:
        words = "Autograd and the second transcription both disagree with the rules: one is wrong."
    return [Prose(words)]


def _diagnosis_of_own(failed: set[str]) -> str:
    if failed == {CENTRAL}:
        return (
            "Autograd agrees with the rules, the differences do not: the gradient is not that "
            "of the loss, as behind a number that is taken out by item()."
        )
    if CENTRAL in failed:
        return "Autograd and the differences both disagree with the rules: one is wrong."
    return (
        "The differences agree with the rules, autograd does not: PyTorch differentiates "
        "something else than it computes."
    )


def _whom(check: Check) -> str:
    torch = f"PyTorch {check.run.trace.torch_version}"
    count = len(check.oracles)
    return f"{count} independent computations, {torch} among them" if count > 1 else torch


def _verdict(check: Check) -> Note:
    failed = [parameter for parameter in check.parameters if not parameter.passed]
    numbers = sum(parameter.count for parameter in check.parameters)
    whole = (
        f"{counted(numbers, 'gradient')} of {counted(len(check.parameters), 'parameter')} compared "
        f"with {_whom(check)}"
    )
    came_of_it = f"{counted(len(failed), 'parameter')} failed" if failed else "all agree"
    return verdict(f"{whole}: {came_of_it}.", not failed)
