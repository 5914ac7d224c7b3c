"""A trace as a recording holds it: entries of JSON, and tensors under their names.

`entry_of` takes a trace apart and `trace_of` makes it again from what somebody's file says,
which it does not trust: every id, shape and order is held against the others first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ...engine.graph import Graph
from ...quick_classes import NamedTuple, dataclass
from ...trace import Array, Found, Kind, Operation, Slot, Term, Trace, Value
from .checked_json import Misfit, read, written

# Keeps an array under a name, or the next that is free, and returns what it is kept under.
Keep = Callable[[str, Array], str]
# Returns the array that is kept under a key; `Misfit` where there is none.
Take = Callable[[str, str], Array]
LARGEST = 2**64  # a whole number that PyTorch takes is smaller
DEEPEST = 16  # lists within lists that an argument of PyTorch may be
IDS = "frozen", "widened", "hooked", "rewritten", "merged", "uninitialised"


class ValueEntry(NamedTuple):
    """A value: the keys of its tensor and of its gradients, in all and by the loss's terms."""

    name: str | None
    kind: Kind
    tensor: str
    gradient: str | None
    term_gradients: dict[str, str]


class OperationEntry(NamedTuple):
    """An operation, with the name of the rule that explains it, for who reads the file.

    Which rule explains it is decided anew when the file is opened.
    """

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    module: str
    in_place: bool
    drawn_from: tuple[int, ...]
    rule: str | None


class TraceEntry(NamedTuple):
    """A trace; a value's id is its position."""

    values: tuple[ValueEntry, ...]
    operations: tuple[OperationEntry, ...]
    output: int
    terms: tuple[Term, ...]
    torch_version: str
    frozen: frozenset[int]
    widened: frozenset[int]
    hooked: frozenset[int]
    rewritten: frozenset[int]
    merged: frozenset[int]
    uninitialised: frozenset[int]


@dataclass(frozen=True)
class Other:
    """An argument that no rule computes with, such as a dtype, by its name."""

    text: str

    def __repr__(self) -> str:
        return self.text


# --- into a file ------------------------------------------------------------------------


def entry_of(graph: Graph, keep: Keep) -> TraceEntry:
    """Take a trace apart; its arrays go to `keep`."""
    trace = graph.trace
    by_term = trace.term_gradients

    def value_entry(value: Value) -> ValueEntry:
        label, gradient = value.label, trace.gradients.get(value.id)
        shares = {term: by_term[term][value.id] for term in by_term if value.id in by_term[term]}
        return ValueEntry(
            value.name,
            value.kind,
            keep(label, value.array),
            None if gradient is None else keep(f"{label}.grad", gradient),
            {term: keep(f"{label}.grad of {term}", share) for term, share in shares.items()},
        )

    def operation_entry(operation: Operation) -> OperationEntry:
        bound = graph.producer(operation.outputs[-1])
        rule = bound.rule_name if bound and bound.operation is operation else ""
        named = {key: argument_entry(each, keep) for key, each in operation.kwargs.items()}
        args = argument_entry(operation.args, keep)
        fields = {**operation._asdict(), "args": args, "kwargs": named}
        return OperationEntry(**fields, rule=rule or None)

    return TraceEntry(
        tuple(map(value_entry, trace.values)),
        tuple(map(operation_entry, trace.operations)),
        trace.output,
        trace.terms,
        trace.torch_version,
        *(getattr(trace, name) for name in IDS),
    )


def argument_entry(argument: Any, keep: Keep) -> Any:
    """Return an argument of a call as JSON: what JSON has no form for, as an object of one key."""
    if argument is None or isinstance(argument, bool | int | str):
        return argument
    if isinstance(argument, float):
        plain = written(argument)
        return {"float": plain} if isinstance(plain, str) else plain
    if isinstance(argument, tuple):
        return [argument_entry(each, keep) for each in argument]
    if isinstance(argument, Slot):
        return {"value": argument.id}
    if isinstance(argument, Found):
        return {"found": keep("found", argument.array)}
    if isinstance(argument, slice):
        bounds = argument.start, argument.stop, argument.step
        return {"slice": argument_entry(bounds, keep)}
    if isinstance(argument, complex):
        return {"complex": [written(argument.real), written(argument.imag)]}
    if argument is Ellipsis:
        return {"ellipsis": True}
    return {"other": repr(argument)}


# --- out of a file ----------------------------------------------------------------------


def trace_of(entry: TraceEntry, take: Take, where: str) -> Trace:
    """Make a trace from entries that may say anything.

    Raises
    ------
    Misfit
        If an id is of no value, an operation uses what is made behind it, a gradient has
        another shape than its value, or a name stands for two values.
    """
    _require_order(entry, where)
    values: list[Value] = []
    gradients: dict[int, Array] = {}
    by_term: dict[str, dict[int, Array]] = {term.name: {} for term in entry.terms}
    for value_id, each in enumerate(entry.values):
        here = f"{where}.values[{value_id}]"
        array = take(each.tensor, f"{here}.tensor")
        values.append(Value(value_id, each.name, each.kind, array))
        if each.gradient is not None:
            gradients[value_id] = _alike(take(each.gradient, f"{here}.gradient"), array, here)
        for term, key in each.term_gradients.items():
            if term not in by_term:
                raise Misfit(f"{here}.term_gradients", term, "the name of a term of the loss")
            by_term[term][value_id] = _alike(take(key, f"{here}.term_gradients"), array, here)
    return Trace(
        values=tuple(values),
        operations=tuple(
            _operation(each, take, len(values), f"{where}.operations[{i}]")
            for i, each in enumerate(entry.operations)
        ),
        output=entry.output,
        terms=entry.terms,
        gradients=gradients,
        term_gradients=by_term,
        torch_version=entry.torch_version,
        **{name: getattr(entry, name) for name in IDS},
    )


def _require_order(entry: TraceEntry, where: str) -> None:
    """Check all ids, names and the order of the operations against each other."""
    count = len(entry.values)
    _distinct([each.name for each in entry.values if each.name is not None], f"{where}.values")
    _distinct([term.name for term in entry.terms], f"{where}.terms")
    made = [value_id for each in entry.operations for value_id in each.outputs]
    _distinct(made, f"{where}.operations")
    for words, numbers in _ids_of(entry):
        for value_id in numbers:
            if not 0 <= value_id < count:
                raise Misfit(f"{where}.{words}", value_id, f"the id of one of {count} values")
    behind = set(made)
    for i, each in enumerate(entry.operations):
        here = f"{where}.operations[{i}]"
        if not each.outputs:
            raise Misfit(f"{here}.outputs", [], "the id of what it makes")
        for source in (*each.inputs, *each.drawn_from):
            if source in behind:
                raise Misfit(f"{here}.inputs", source, "the id of what is made before it")
        behind.difference_update(each.outputs)
    if entry.output not in made:
        raise Misfit(f"{where}.output", entry.output, "the id of what an operation makes")


def _ids_of(entry: TraceEntry) -> Iterator[tuple[str, tuple[int, ...] | frozenset[int]]]:
    yield "output", (entry.output,)
    yield "terms", tuple(term.value for term in entry.terms)
    for name in IDS:
        yield name, getattr(entry, name)
    for i, each in enumerate(entry.operations):
        yield f"operations[{i}]", (*each.inputs, *each.outputs, *each.drawn_from)


def _distinct(entries: list[Any], where: str) -> None:
    seen: set[Any] = set()
    for each in entries:
        if each in seen:
            raise Misfit(where, each, "each one once")
        seen.add(each)


def _alike(gradient: Array, array: Array, where: str) -> Array:
    if gradient.shape != array.shape:
        raise Misfit(f"{where}.gradient", list(gradient.shape), f"the shape {list(array.shape)}")
    return gradient


def _operation(entry: OperationEntry, take: Take, count: int, where: str) -> Operation:
    slots: list[int] = []

    def argument(data: Any, depth: int = 0) -> Any:
        if depth > DEEPEST:
            raise Misfit(f"{where}.args", data, "a list that is less deep")
        if isinstance(data, int) and not -LARGEST <= data < LARGEST:
            raise Misfit(f"{where}.args", "a number of very many digits", "one of PyTorch's")
        if data is None or isinstance(data, bool | int | float | str):
            return data
        if isinstance(data, list):
            return tuple(argument(each, depth + 1) for each in data)
        if not isinstance(data, dict) or len(data) != 1:
            raise Misfit(f"{where}.args", data, "an argument of PyTorch")
        ((key, inner),) = data.items()
        match key:
            case "value":
                slots.append(read(int, inner, f"{where}.args"))
                return Slot(slots[-1])
            case "found":
                return Found(take(read(str, inner, f"{where}.args"), f"{where}.args"))
            case "float":
                return read(float, inner, f"{where}.args")
            case "complex":
                return complex(*_parts(read(tuple[float, ...], inner, f"{where}.args"), 2))
            case "slice":
                return slice(*_parts(argument(inner, depth + 1), 3))
            case "ellipsis":
                return ...
            case "other":
                return Other(read(str, inner, f"{where}.args"))
        raise Misfit(f"{where}.args", key, "a kind of argument")

    def _parts(parts: Any, wanted: int) -> tuple[Any, ...]:
        if not isinstance(parts, tuple) or len(parts) != wanted:
            raise Misfit(f"{where}.args", parts, f"a list of {wanted}")
        return parts

    args = tuple(map(argument, entry.args))
    kwargs: Mapping[str, Any] = {key: argument(each) for key, each in entry.kwargs.items()}
    for slot in slots:
        if slot not in entry.inputs:
            raise Misfit(f"{where}.args", slot, "the id of one of its inputs")
    fields = {name: getattr(entry, name) for name in Operation._fields}
    return Operation(**{**fields, "args": args, "kwargs": kwargs})
