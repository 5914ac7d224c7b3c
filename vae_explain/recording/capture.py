"""A run as it was captured, and the trace that is made of it.

A `Capture` is complete: it has every tensor, every gradient and every call. `Capture.trace` makes
sense of them: it gives the values their names and finds the terms of the loss.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from itertools import count
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from ..errors import UserError
from ..trace import Array, Operation, Slot, Term, Trace, Value
from .autograd import changed_by_hooks, differentiated
from .caught_calls import Caught
from .default_names import name_the_rest, unique_names
from .loss_terms import LossTerms, feed_each_other, producers_of
from .tensor_arrays import close, gradient_arrays
from .trace_builder import TraceBuilder

# Makes a value without asking for its fields one by one: of these a run has many.
value_of: Callable[[tuple[Any, ...]], Value] = partial(tuple.__new__, Value)


class NotComputed(UserError):
    """A loss that no recorded call has made."""

    option = "--model"

    def __init__(self) -> None:
        super().__init__(
            "the loss was not computed from anything that was recorded: it is a tensor of its own, "
            "as torch.tensor makes one of a number, or made out of sight"
        )


class NoGradient(UserError):
    """A loss that is no real number, so that nothing can be differentiated."""

    option = "--model"

    def __init__(self, loss: Tensor) -> None:
        kind = str(loss.dtype).removeprefix("torch.")
        super().__init__(f"the loss is a number of {kind}, which has no gradient; return a float")


class Capture:
    """What was captured of a run, with the gradient of its loss at every value.

    Parameters
    ----------
    builder
        Has recorded the run except for its last calls.
    caught
        The last calls.
    loss
        What the run returned.
    gradients
        Whether to take gradients at all.

    Raises
    ------
    NotComputed
        If the loss was not computed by any recorded call.
    """

    def __init__(
        self,
        builder: TraceBuilder,
        caught: Caught,
        loss: Tensor,
        gradients: bool,
    ) -> None:
        self._builder = builder
        self._loss = loss
        self._trace: Trace | None = None
        made = builder.defer(caught)
        if not loss.requires_grad or all(tensor is not loss for tensor in reversed(made)):
            self._id_of_loss()  # raises if no recorded call has made it
        self._differentiates = gradients and loss.requires_grad
        # Where gradients were taken, at values by id and at tensors that have no id yet, and
        # these gradients, None where there is none.
        self._sources: tuple[Sequence[int], Sequence[Tensor]] = (), ()
        self._gradients: Sequence[Tensor | None] = ()
        self._arrays: Sequence[Array | None] = ()
        if self._differentiates:
            self._differentiate(made)

    def _differentiate(self, made: Sequence[Tensor]) -> None:
        """Take the gradient at all that has an id and at some tensors that have none."""
        value_ids, leaves, edges = self._builder.differentiable()
        made = [tensor for tensor in made if tensor.requires_grad]
        self._sources = value_ids, [*leaves, *made]
        self._gradients = differentiated(self._loss, [*edges, *leaves, *made])
        self._arrays = gradient_arrays(self._gradients)

    def _id_of_loss(self) -> int:
        self._builder.catch_up()
        if self._builder.store.id_of(self._loss) is None:
            raise NotComputed
        return self._builder.id_of(self._loss)

    @cached_property
    def gradients(self) -> Mapping[int, Array]:
        """The gradient of the loss at every value that it depends on, by the value's id."""
        self._builder.catch_up()
        if self._differentiates and self._builder.has_hidden_gradients:
            self._differentiate(())
        places = [(n, at) for n, at in self._places.items() if at is not None]
        taken = {n: array for n, at in places if (array := self._arrays[at]) is not None}
        close(taken.values())
        return taken

    @cached_property
    def _places(self) -> Mapping[int, int | None]:
        """The position of each value among the sources, by its id; None if it is not there."""
        value_ids, tensors = self._sources
        places: dict[int, int | None] = dict(zip(value_ids, count(), strict=False))
        if tensors:
            # By tensor and not the other way, for a call may return once more what another has
            # made: two values, one tensor.
            of_tensors = dict(zip(map(id, tensors), count(len(value_ids)), strict=False))
            deferred_ids, deferred = self._builder.deferred_tensors()
            places.update(zip(deferred_ids, map(of_tensors.get, map(id, deferred)), strict=True))
        return places

    def trace(self, lasting: bool) -> Trace:
        """Return the trace of the run, which is made once.

        Parameters
        ----------
        lasting
            Whether the trace stays right when parameters or inputs are changed afterwards.
            Without, it reads them where they are, and takes the gradients of each term when
            they are first asked for.
        """
        if self._trace is None:
            self._trace = self._make_trace(lasting)
        return self._trace

    def _make_trace(self, lasting: bool) -> Trace:
        builder, store = self._builder, self._builder.store
        operations, variables, returned = builder.close()
        output = self._id_of_loss()
        differentiable = frozenset(store.differentiable)
        operations = self._with_hidden_calls(operations, differentiable)
        fixed = store.fixed_names
        names = {**returned, **variables, **fixed}
        name_the_rest(names, operations, builder, output)
        producers = producers_of(operations)
        arrays = store.arrays
        named = names.keys() - fixed.keys()
        summands = LossTerms(output, named, producers, arrays, differentiable).find()
        for summand in summands:
            if summand not in names:
                names[summand] = producers[summand].name
        names = unique_names(names, fixed, output)
        terms, by_term = self._terms(summands, names, operations)
        hooked: frozenset[int] = frozenset()
        if self._differentiates:
            hooked = changed_by_hooks(self._loss, store.tensors)
        gradients, rewritten = self.gradients, frozenset(builder.rewritten)
        widened, uninitialised = frozenset(store.widened), frozenset(builder.uninitialised_ids)
        if lasting:
            by_term = dict(by_term)  # which needs the graph
            del self._loss, self._sources, self._gradients, self._arrays
            store.let_go()
            for value_id, array in enumerate(arrays):  # so that no two are there of many at once
                arrays[value_id] = np.array(array)
        close(arrays)
        value_ids = range(len(arrays))
        columns = zip(value_ids, map(names.get, value_ids), store.kinds, arrays, strict=True)
        return Trace(
            values=tuple(map(value_of, columns)),
            operations=operations,
            output=output,
            terms=terms,
            gradients=gradients,
            term_gradients=by_term,
            torch_version=torch.__version__.split("+")[0],
            frozen=frozenset(
                [n for n in fixed if store.kinds[n] == "parameter" and n not in differentiable]
            ),
            widened=widened,
            hooked=hooked,
            rewritten=rewritten,
            merged=frozenset(builder.merged),
            uninitialised=uninitialised,
        )

    def _with_hidden_calls(
        self, operations: tuple[Operation, ...], differentiable: frozenset[int]
    ) -> tuple[Operation, ...]:
        """Add what the values were made from that the recorder did not see being made.

        These are the results of a user-defined `autograd.Function`, whose gradient comes from its
        own `backward` and not from the operations inside; a gradient that the model takes itself,
        which depends on all that the differentiated value depends on; and what comes out of a
        `vmap`, or from elsewhere with a history.
        """
        store = self._builder.store
        suspects = {
            *store.made_by_functions,
            *[output for each in operations if each.name == "grad" for output in each.outputs],
            *differentiable.intersection(store.of_kind("constant")),
        }
        makers = {n: maker for n in sorted(suspects) if (maker := store.hidden_maker(n))}
        if not makers:
            return operations
        completed = []
        for operation in operations:
            for source in operation.inputs:
                if store.kinds[source] == "constant" and source in makers:
                    completed.append(_opaque(*makers.pop(source), (source,), operation.module))
            if makers.keys() >= set(operation.outputs):
                name, inputs = makers[operation.outputs[0]]
                for output in operation.outputs[1:]:
                    inputs = (*inputs, *(n for n in makers[output][1] if n not in inputs))
                name = "autograd.grad" if operation.name == "grad" else name
                operation = _opaque(name, inputs, operation.outputs, operation.module)
            completed.append(operation)
        return tuple(completed)

    def _terms(
        self, summands: Sequence[int], names: Mapping[int, str], operations: Sequence[Operation]
    ) -> tuple[tuple[Term, ...], Mapping[str, Mapping[int, Array]]]:
        """Return the terms of the loss and the gradients of each; none if they do not add up."""
        store, taken = self._builder.store, self.gradients
        # A summand that no parameter reaches has no share of any gradient.
        reached = [summand for summand in summands if summand in taken]
        if len(reached) < 2 or feed_each_other(operations, reached, taken):
            return (), {}  # one piece, or terms within terms: no split that adds up
        if not all(map(store.can_split_at, reached)):
            return (), {}
        terms = tuple([Term(names[n], n, float(taken[n].flat[0])) for n in reached])
        weights = [cast(Tensor, self._gradients[cast(int, self._places[n])]) for n in reached]
        return terms, store.term_gradients(terms, weights, taken)


def _opaque(name: str, inputs: tuple[int, ...], outputs: tuple[int, ...], module: str) -> Operation:
    """Return an operation that is known by its inputs alone."""
    return Operation(name, tuple(map(Slot, inputs)), {}, inputs, outputs, module)
