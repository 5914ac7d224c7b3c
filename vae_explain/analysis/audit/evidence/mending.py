"""Mends that are tried before they are suggested: a change of the recorded calls, and a replay.

An edit makes of a trace another one, as if the user's code had been written differently. The
edited trace is replayed by the rules, forward and backward, and the rule that found the fault
looks at the result: only a mend that takes the finding away is printed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ....engine.backward_pass import backward
from ....engine.forward_pass import replay
from ....engine.graph import Graph
from ....engine.run import Run
from ....quick_classes import NamedTuple
from ....trace import Operation, Slot, Trace, Value

# Takes a trace and how many rows its batch has.
Edit = Callable[[Trace, int], Trace]


class Cure(NamedTuple):
    """What a user may change, in words, and the same done to the trace."""

    words: str
    edit: Edit


def called(value: int, name: str, *more: Any, users: Collection[int] | None = None) -> Edit:
    """Let operations use what a call makes of a value; all of them, or those with some outputs.

    Parameters
    ----------
    name, more
        The call, and what it is given besides.
    """

    def edit(trace: Trace, rows: int) -> Trace:
        made = len(trace.values)
        args = (Slot(value), *more)
        inputs = tuple(arg.id for arg in args if isinstance(arg, Slot))
        # As large as it comes out; the numbers are those of the replay.
        array = np.asarray(trace.values[value].array, np.float64)
        latest = max((trace.producer.get(value_id, -1) for value_id in inputs), default=-1)
        operations = list(_redirected(trace, {value: made}, users))
        operations.insert(latest + 1, Operation(name, args, {}, inputs, (made,), ""))
        return replace(
            trace,
            values=(*trace.values, Value(made, None, "intermediate", array)),
            operations=tuple(operations),
            output=made if trace.output == value else trace.output,
            terms=(),
        )

    return edit


def times(value: int, factor: float) -> Edit:
    """Multiply a value, for all that use it."""
    return called(value, "mul", factor)


def times_for_batch(value: int, factor: float, power: int) -> Edit:
    """Multiply a value by a factor and by a power of the batch's size."""
    return lambda trace, rows: times(value, factor * float(rows) ** power)(trace, rows)


def called_in_turn(value: int, users: Collection[int], *calls: tuple[Any, ...]) -> Edit:
    """Let some operations use what one call after the other makes of a value.

    Parameters
    ----------
    calls
        The name of each, and what it is given besides.
    """

    def edit(trace: Trace, rows: int) -> Trace:
        current = value
        for name, *more in calls:
            made = len(trace.values)
            trace = called(current, name, *more, users=users)(trace, rows)
            current = made
        return trace

    return edit


def instead_of(values: Mapping[int, int], users: Collection[int] | None = None) -> Edit:
    """Let operations use other values than they did; all of them, or those with some outputs."""
    return lambda trace, rows: replace(
        trace, operations=_redirected(trace, values, users), terms=()
    )


def changed(output: int, change: Callable[[Operation], Operation]) -> Edit:
    """Change the operation that made a value."""
    return lambda trace, rows: replace(
        trace,
        operations=tuple(
            change(operation) if output in operation.outputs else operation
            for operation in trace.operations
        ),
        terms=(),
    )


def drawn_anew(noise: int, like: int) -> Edit:
    """Put draws from N(0, 1), in the shape of a value, in the place of the noise."""

    def edit(trace: Trace, rows: int) -> Trace:
        array = np.random.default_rng(0).standard_normal(trace.values[like].shape)
        values = list(trace.values)
        values[noise] = values[noise]._replace(array=array)
        return replace(trace, values=tuple(values))

    return edit


def _redirected(
    trace: Trace, instead: Mapping[int, int], users: Collection[int] | None
) -> tuple[Operation, ...]:
    return tuple(
        _using(operation, instead)
        if users is None or any(output in users for output in operation.outputs)
        else operation
        for operation in trace.operations
    )


def _in_order(trace: Trace) -> Trace:
    """Number the values anew in the order in which they are made, leaves first."""
    made = [output for operation in trace.operations for output in operation.outputs]
    leaves = [value.id for value in trace.values if value.id not in set(made)]
    new = {old: position for position, old in enumerate([*leaves, *made])}
    values = [trace.values[old]._replace(id=position) for old, position in new.items()]

    def renumbered(numbers: frozenset[int]) -> frozenset[int]:
        return frozenset(new[value_id] for value_id in numbers)

    operations = tuple(
        _using(operation, new)._replace(
            outputs=tuple(new[output] for output in operation.outputs),
            drawn_from=tuple(new[value_id] for value_id in operation.drawn_from),
        )
        for operation in trace.operations
    )
    return replace(
        trace,
        values=tuple(values),
        operations=operations,
        output=new[trace.output],
        gradients={new[value_id]: array for value_id, array in trace.gradients.items()},
        frozen=renumbered(trace.frozen),
        widened=renumbered(trace.widened),
        hooked=renumbered(trace.hooked),
        rewritten=renumbered(trace.rewritten),
        merged=renumbered(trace.merged),
        uninitialised=renumbered(trace.uninitialised),
    )


def _using(operation: Operation, instead: Mapping[int, int]) -> Operation:
    if not any(value_id in instead for value_id in operation.inputs):
        return operation
    inputs = tuple(dict.fromkeys(instead.get(value_id, value_id) for value_id in operation.inputs))
    return operation._replace(
        args=tuple(_replaced(argument, instead) for argument in operation.args),
        kwargs={key: _replaced(value, instead) for key, value in operation.kwargs.items()},
        inputs=inputs,
    )


def _replaced(argument: Any, instead: Mapping[int, int]) -> Any:
    if isinstance(argument, Slot):
        return Slot(instead.get(argument.id, argument.id))
    if isinstance(argument, tuple | list):
        return tuple(_replaced(part, instead) for part in argument)
    return argument


def edited(run: Run, edit: Edit, rows: int, learned: Callable[[Run], Collection[int]]) -> Run:
    """Return a run of an edited trace, by the rules, in float64.

    Parameters
    ----------
    learned
        Of the edited run, the values that something trained goes into: the backward pass
        reaches no others.
    """
    trace = _in_order(edit(run.trace, rows))
    # The backward pass goes where there is a gradient; any that is learned may have one now.
    bare = replace(
        run, trace=trace, graph=Graph(trace), values={v.id: v.array for v in trace.values}
    )
    reachable = {
        **dict.fromkeys(learned(bare), np.zeros(())),
        **dict.fromkeys(trace.gradients, np.zeros(())),
    }
    graph = Graph(replace(trace, gradients=reachable))
    values = replay(graph)
    gradients = backward(graph, values, trace.output)
    whole = replace(
        trace,
        values=tuple(value._replace(array=values[value.id]) for value in trace.values),
        gradients=gradients,
        term_gradients={},
    )
    return replace(
        bare, trace=whole, graph=Graph(whole), values=values, gradients=gradients, term_gradients={}
    )
