"""A run as it was caught, and the account of it that everything else reads.

A `Recording` is complete: it has every tensor and every gradient, as NumPy arrays, and every
call. `Recording.trace` says what they are: it names the values and finds the terms of the
loss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import torch
from torch import Tensor

from ..trace import Array, Operation, Slot, Term, Trace, Value
from .autograd import changed_by_hooks, differentiated
from .call_info import ARRANGING
from .loss_terms import Ancestry, loss_terms
from .random_draws import MASK
from .tensor_arrays import closed, copied, gradients_of
from .tensor_store import term_gradients
from .trace_builder import Call, Reader, Returned
from .variable_names import name_the_classes, name_the_deepest, numbered

# Arguments by whose name a constant that no variable held is known.
CALLING = {"weight", "pos_weight", "attn_mask"}


class Recording:
    """What was caught of a run, with the gradient of its loss at every value.

    Parameters
    ----------
    reader
        Has read the run but for its last calls.
    caught
        The last calls.
    loss
        What the run returned.
    gradients
        Whether to take gradients at all.

    Raises
    ------
    ValueError
        If the loss is nothing that was seen.
    """

    def __init__(
        self,
        reader: Reader,
        caught: Sequence[Call | Returned],
        loss: Tensor,
        gradients: bool,
    ) -> None:
        self._reader = reader
        self._loss = loss
        self._trace: Trace | None = None
        made = reader.put_off(caught)
        if not loss.requires_grad or all(tensor is not loss for tensor in reversed(made)):
            self._number_of_loss()  # it may be nothing that was seen
        self._differentiates = gradients and loss.requires_grad
        # The gradients, None where there is none, with where: at a value by number, or at a
        # tensor that has no number yet.
        self._at: Sequence[int | Tensor] = ()
        self._found: Sequence[Tensor | None] = ()
        self._arrays: Sequence[Array | None] = ()
        if self._differentiates:
            self._differentiate(made)

    def _differentiate(self, made: Sequence[Tensor]) -> None:
        """Take the gradient at all that has a number and at some tensors that have none."""
        learning, edges = self._reader.sources()
        made = [tensor for tensor in made if tensor.requires_grad]
        self._at = [*learning, *made]
        self._found = differentiated(self._loss, [*edges, *made])
        self._arrays = gradients_of(self._found)

    def _number_of_loss(self) -> int:
        self._reader.catch_up()
        if self._reader.known(self._loss) is None:
            raise ValueError("the loss was not computed from anything that was recorded")
        return self._reader.number(self._loss)

    @cached_property
    def _places(self) -> dict[int, int]:
        """Which of the gradients is that of a value, by the value's number."""
        reader = self._reader
        reader.catch_up()
        if self._differentiates and reader.outsiders_learn:
            self._differentiate(())
        there = [(i, self._at[i]) for i, array in enumerate(self._arrays) if array is not None]
        # By tensor and not the other way, for a call may return once more what another has
        # made: two values, one tensor.
        of_tensors = {id(at): i for i, at in there if isinstance(at, Tensor)}
        places = {at: i for i, at in there if isinstance(at, int)}
        for number, tensor in reader.late():
            if (place := of_tensors.get(id(tensor))) is not None:
                places[number] = place
        return places

    @property
    def gradients(self) -> Mapping[int, Array]:
        """The gradient of the loss at every value that it depends on, by the value's number."""
        found = [(number, self._arrays[place]) for number, place in self._places.items()]
        return {number: array for number, array in found if array is not None}

    def trace(self, lasting: bool) -> Trace:
        """Return the account of the run, which is made once.

        Parameters
        ----------
        lasting
            Whether the account stays right when parameters or inputs are changed afterwards.
            Without, it reads them where they are, and takes the gradients of each term when
            they are first asked for.
        """
        if self._trace is None:
            self._trace = self._account(lasting)
        return self._trace

    def _account(self, lasting: bool) -> Trace:
        reader = self._reader
        operations, variables, returned = reader.close()
        output = self._output = self._number_of_loss()
        learns = frozenset(reader.tape.learning)
        operations = self._completed(operations, learns)
        names = self._names(operations, variables, returned)
        ancestry = Ancestry(operations)
        arrays = reader.tape.arrays
        leaves = loss_terms(output, names, ancestry, arrays, learns)
        for leaf in leaves:
            if leaf not in reader.fixed_names:
                maker = ancestry.maker(leaf)
                assert maker is not None, "a term is computed or has a fixed name"
                names.setdefault(leaf, maker.name)
        names = self._unique(names)
        terms, by_term = self._terms(leaves, names, ancestry)
        arrays = [copied(array) if lasting else closed(array) for array in arrays]
        values = enumerate(zip(reader.kinds, arrays, strict=True))
        return Trace(
            values=tuple([Value(i, names.get(i), kind, array) for i, (kind, array) in values]),
            operations=operations,
            output=output,
            terms=terms,
            gradients={number: closed(array) for number, array in self.gradients.items()},
            term_gradients=dict(by_term) if lasting else by_term,
            torch_version=torch.__version__.split("+")[0],
            frozen=frozenset(
                number
                for number in reader.fixed_names
                if reader.kinds[number] == "parameter" and number not in learns
            ),
            widened=frozenset(
                number
                for number, tensor in enumerate(reader.tape.tensors)
                if tensor.dtype == torch.bfloat16
            ),
            hooked=changed_by_hooks(self._loss, reader.tape.tensors)
            if self._differentiates
            else frozenset(),
            rewritten=frozenset(reader.rewritten),
            merged=frozenset(reader.merged),
            blank=frozenset(self._blank),
        )

    def _completed(
        self, operations: tuple[Operation, ...], learns: frozenset[int]
    ) -> tuple[Operation, ...]:
        """Say of what was made out of sight what it was made of.

        That is: each call of somebody's `autograd.Function`, whose gradient is the one that its
        own `backward` says and not that of the operations inside; a gradient that the model
        takes itself, which depends on all that the differentiated depends on; and what comes
        out of a `vmap` or from elsewhere with a history.
        """
        tape, kinds = self._reader.tape, self._reader.kinds
        suspects = {
            *tape.made_by_functions,
            *(o for op in operations if op.name == "grad" for o in op.outputs),
            *(n for n in learns if kinds[n] == "constant"),
        }
        made = {n: unseen for n in sorted(suspects) if (unseen := tape.made_unseen(n)) is not None}
        if not made:
            return operations
        found = []
        for operation in operations:
            for number in operation.inputs:
                if kinds[number] == "constant" and number in made:
                    found.append(_whole(*made.pop(number), (number,), operation.module))
            if made.keys() >= set(operation.outputs):
                name, inputs = made[operation.outputs[0]]
                for output in operation.outputs[1:]:
                    inputs = (*inputs, *(n for n in made[output][1] if n not in inputs))
                name = "autograd.grad" if operation.name == "grad" else name
                operation = _whole(name, inputs, operation.outputs, operation.module)
            found.append(operation)
        return tuple(found)

    @property
    def _blank(self) -> list[int]:
        """The constants that are memory with nothing written to it."""
        reader = self._reader
        blank = set(map(id, reader.blank))
        pairs = enumerate(zip(reader.kinds, reader.tape.tensors, strict=True))
        return [n for n, (kind, at) in pairs if kind == "constant" and id(at) in blank]

    # --- names ---

    def _names(
        self,
        operations: Sequence[Operation],
        variables: Mapping[int, str],
        returned: Mapping[int, str],
    ) -> dict[int, str]:
        reader = self._reader
        fixed = reader.fixed_names
        names = {number: name for number, name in variables.items() if number not in fixed}
        # A value that no variable ever held is called by the module that returned it.
        for number, path in returned.items():
            if number not in fixed:
                names.setdefault(number, path)
        names.setdefault(self._output, "loss")
        name_the_classes(names, fixed, operations)
        name_the_deepest(names, fixed, operations)
        for operation in operations if reader.whole_numbers else ():
            # A place by which something is taken has a name; what only arranges has its own.
            for number in operation.inputs[operation.name in ARRANGING :]:
                if number in reader.whole_numbers and number not in fixed:
                    names.setdefault(number, "index")
        used = {number for operation in operations for number in operation.inputs}
        called = {
            value.id: key
            for operation in operations
            for key, value in operation.kwargs.items()
            if key in CALLING and isinstance(value, Slot)
        }
        for number, kind in enumerate(reader.kinds):
            if kind == "noise":
                # Where a number comes from has a name.
                names.setdefault(number, MASK if number in reader.masks else "eps")
            elif kind == "constant" and number in used and number not in names:
                made_of = reader.tape.tensors[number]
                if id(made_of) in reader.told:
                    names[number] = reader.told[id(made_of)][1]
                elif not made_of.is_floating_point() and made_of.dim():
                    names[number] = "mask" if made_of.dtype == torch.bool else "index"
                elif number in called:
                    names[number] = called[number]
        names.update(dict.fromkeys(self._blank, "uninitialised"))
        return names

    def _unique(self, names: Mapping[int, str]) -> dict[int, str]:
        """Make the names unique; the loss keeps its own, as in `loss = loss + kl`."""
        fixed = dict(self._reader.fixed_names)
        output = self._output
        if output in names and names[output] not in fixed.values():
            fixed[output] = names[output]
        others = {number: name for number, name in names.items() if number not in fixed}
        return {**fixed, **numbered(others, list(fixed.values()))}

    # --- terms ---

    def _terms(
        self, leaves: Sequence[int], names: Mapping[int, str], ancestry: Ancestry
    ) -> tuple[tuple[Term, ...], Mapping[str, Mapping[int, Array]]]:
        pairs = [(number, self._found[place]) for number, place in self._places.items()]
        total = {number: gradient for number, gradient in pairs if gradient is not None}
        # A summand that no parameter reaches has no share of any gradient.
        reached = [leaf for leaf in leaves if leaf in total]
        if len(reached) < 2 or ancestry.feed_each_other(reached, total):
            return (), {}  # one piece, or terms within terms: no split that adds up
        if not all(map(self._reader.tape.can_share, reached)):
            return (), {}
        weights = [total[leaf] for leaf in reached]
        terms = tuple(
            Term(
                names[leaf],
                leaf,
                weight.item() if weight.numel() == 1 else float(weight.flatten()[0]),
            )
            for leaf, weight in zip(reached, weights, strict=True)
        )
        return terms, term_gradients(self._reader.tape, terms, weights)


def _whole(name: str, inputs: tuple[int, ...], outputs: tuple[int, ...], module: str) -> Operation:
    """Return an operation of which nothing is known but what it is made of."""
    return Operation(name, tuple(map(Slot, inputs)), {}, inputs, outputs, module)
