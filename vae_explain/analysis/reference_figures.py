"""Holding a run against the reference walkthrough's figures and against independent oracles."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..engine.run import Arithmetic, Run
from ..models.request import Request
from ..pipeline import run
from ..quick_classes import dataclass
from ..trace import Array
from . import numpy_oracle
from .gradient_check import oracle_inputs
from .judge import difference
from .proofread.judging.recomputed import array_of, inputs_of
from .proofread.judging.rounding import DOUBLE, SINGLE, Roundings
from .proofread.matching.names import Name

Verdict = Literal["exact", "last place", "wrong"]
RENAMED = {"encoder_pre_relu": "encoder_pre", "decoder_pre_relu": "decoder_pre"}
FIGURES = "walkthrough-figures.json"


@dataclass(frozen=True)
class Figure:
    """One printed figure and what this machine computes for it."""

    name: str
    printed: str
    computed: float
    verdict: Verdict


@dataclass(frozen=True)
class TensorFigures:
    """All figures of one tensor."""

    name: str
    arithmetic: Arithmetic
    figures: tuple[Figure, ...]

    @property
    def agree(self) -> int:
        return sum(figure.verdict != "wrong" for figure in self.figures)

    @property
    def largest_difference(self) -> float:
        return max(abs(float(figure.printed) - figure.computed) for figure in self.figures)


@dataclass(frozen=True)
class MachineCheck:
    """Two ways of computing the same numbers on this machine."""

    name: str
    numbers: int
    largest_difference: float
    allowed: float

    @property
    def passed(self) -> bool:
        return self.largest_difference <= self.allowed


@dataclass(frozen=True)
class Verification:
    """What `verify` found."""

    quantities: tuple[TensorFigures, ...]
    machine: tuple[MachineCheck, ...]
    torch_version: str

    @property
    def agree(self) -> int:
        return sum(quantity.agree for quantity in self.quantities)

    @property
    def total(self) -> int:
        return sum(len(quantity.figures) for quantity in self.quantities)

    @property
    def passed(self) -> bool:
        return self.agree == self.total and all(check.passed for check in self.machine)


def verify() -> Verification:
    """Recompute the reference walkthrough in both arithmetics and compare."""
    x = ((1.0, 2.0, 3.0, 4.0),)
    printed = run(Request(x=x, arithmetic="printed"))
    full = run(Request(x=x, arithmetic="full"))
    off = {
        source.arithmetic: Roundings(source, inputs_of(source), rounding)
        for source, rounding in ((printed, DOUBLE), (full, SINGLE))
    }
    quantities = tuple(
        _quantity(name, figures, source, off[source.arithmetic])
        for name, figures in load_figures().items()
        for source in (full if name.endswith(".grad") else printed,)
    )
    return Verification(quantities, tuple(_machine(printed, full)), full.trace.torch_version)


def load_figures() -> dict[str, Any]:
    """Read the figures, which ship inside the package; in a checkout they stand beside it."""
    here = Path(__file__).parent.parent
    for folder in (here / "fixtures", here.parent / "fixtures"):
        if (folder / FIGURES).is_file():
            figures: dict[str, Any] = json.loads((folder / FIGURES).read_text(encoding="utf-8"))
            return figures
    raise FileNotFoundError(
        errno.ENOENT, "missing from this installation; install vae-explain again", FIGURES
    )


def _quantity(name: str, figures: Any, source: Run, roundings: Roundings) -> TensorFigures:
    quantity = Name(RENAMED.get(name, name).removesuffix(".grad"), name.endswith(".grad"))
    printed = np.array(figures, dtype=object)
    computed = array_of(source, quantity).reshape(printed.shape)
    off = roundings.array(quantity).reshape(printed.shape)
    compared = []
    for index in np.ndindex(*printed.shape):
        label = f"{name}[{','.join(map(str, index))}]" if index else name
        figure, number = str(printed[index]), float(computed[index])
        verdict = judge(figure, number, float(off[index]))
        compared.append(Figure(label, figure, number, verdict))
    return TensorFigures(name, source.arithmetic, tuple(compared))


def judge(printed: str, computed: float, off: float = 0.0) -> Verdict:
    """Compare a printed figure with a number, at the digits that are printed.

    A figure of 15 or more decimals was printed whole.

    Parameters
    ----------
    off
        How far another processor's number may be off, which may be why the last place is.
    """
    decimals = len(printed.partition(".")[2])
    if decimals >= 15:
        apart = abs(float(printed) - computed)
        return "exact" if repr(computed) == printed else "last place" if apart <= off else "wrong"
    if decimals == 0:  # `0.`, as NumPy prints an exact zero
        return "exact" if computed == float(printed) else "wrong"
    if f"{computed:.{decimals}f}" == printed:  # with the sign of a zero
        return "exact"
    elsewhere = (f"{computed + moved:.{decimals}f}" for moved in (-off, off) if moved)
    return "last place" if printed in elsewhere else "wrong"


def _machine(printed: Run, full: Run) -> Iterator[MachineCheck]:
    for source, allowed in ((printed, 1e-13), (full, 1e-5)):
        trace = source.trace
        pairs = [(source.hand_values[value.id], value.array) for value in trace.values]
        name = f"forward by hand against PyTorch, {source.arithmetic}"
        yield _compared(name, pairs, allowed)
        hand = source.hand_gradients
        pairs = [(hand[value_id], array) for value_id, array in trace.gradients.items()]
        name = f"gradients by hand against autograd, {source.arithmetic}"
        yield _compared(name, pairs, allowed)
    steps = numpy_oracle.complex_step(*oracle_inputs(printed))
    pairs = [
        (array, printed.trace.gradients[printed.value(name).id]) for name, array in steps.items()
    ]
    yield _compared("complex-step gradients against autograd, printed", pairs, 1e-12)


def _compared(name: str, pairs: list[tuple[Array, Array]], allowed: float) -> MachineCheck:
    """Compare pairs of tensors, each difference relative to its tensor's largest number."""
    off = (difference(mine, theirs, allowed).relative for mine, theirs in pairs)
    numbers = sum(theirs.size for _, theirs in pairs)
    return MachineCheck(name, numbers, max(off, default=0.0), allowed)
