"""The header of a page: what is run, how its loss is called, and in which arithmetic."""

from __future__ import annotations

from ...engine.loss_call import LossCall
from ...engine.run import Run
from ...trace import Array
from ..phrases import counted

MOST_IN_HEADER = 8
VARIES = (
    "run again with the same seed, the model gives other numbers, as one does that goes by the "
    "clock, draws from a generator without a seed or moves its own parameters: these are of one "
    "run"
)


def heading_line(run: Run) -> str:
    """Return what is run: the model, the seed, and the input when it is short."""
    line = run.label if run.seed is None else f"{run.label} · seed {run.seed}"
    for value in run.trace.inputs:
        if value.name:
            one_row = value.array.size == (value.shape[-1] if value.shape else 1)
            return f"{line} · {written_input(value.name, value.array, one_row)}"
    return line


def written_input(name: str, array: Array, as_numbers: bool = True) -> str:
    """Write an input: its numbers if they are few and wanted, else its shape."""
    if as_numbers and array.size <= MOST_IN_HEADER:
        return f"{name} = [{', '.join(f'{float(number):g}' for number in array.ravel())}]"
    return f"{name} {list(array.shape)}"


def run_remarks(run: Run) -> tuple[str, ...]:
    """Return what a header says of a run: its loss, its arithmetic, the ops without a rule."""
    return *loss_words(run.loss_call), arithmetic_words(run), *provisos(run)


def provisos(run: Run) -> tuple[str, ...]:
    """Say what the numbers of a run depend on beside its rules and its seed."""
    return *without_rule(run), *once(run.varies)


def once(varies: bool) -> tuple[str, ...]:
    """Say that a run's numbers are its own, where the model gave others when it ran again."""
    return (VARIES,) if varies else ()


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
    rounded = f"parameters and ε rounded to {counted(run.decimals, 'decimal')}"
    if run.arithmetic == "printed":
        return f"arithmetic: printed, {rounded}, float64 (--arithmetic full: PyTorch's float32)"
    return f"{full_arithmetic(run.trace.loss.array)} (--arithmetic printed: {rounded}, float64)"


def full_arithmetic(result: Array) -> str:
    """Say that the numbers are PyTorch's own, and in which precision they come out."""
    return f"arithmetic: full, PyTorch's {result.dtype}"


def replayed_arithmetic_words(run: Run) -> str:
    """Return which numbers are replayed by hand, and what the other ones are."""
    rounded = f"rounded to {counted(run.decimals, 'decimal')}"
    if run.arithmetic == "printed":
        return f"arithmetic: printed, parameters and ε {rounded}, replayed in float64"
    return (
        "arithmetic: full, parameters and ε as PyTorch has them, replayed in float64 "
        f"(--arithmetic printed: {rounded})"
    )
