"""The tensors of a recorded run: their numbers, and where autograd delivers their gradients.

All gradients, of the loss and of each of its terms, come from the one forward pass that was
recorded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import BackwardCFunction
from torch.autograd.graph import GradientEdge

from ..trace import Array, OnDemand, Term
from .autograd import differentiated, gradients_on
from .tensor_arrays import array_of, arrays_of, closed, copied, keep_from_writes

OUTDATED = -1  # a version that no tensor has
# Whether autograd takes gradients from where a tensor was that has been written over.
FROM_EDGES = tuple(map(int, torch.__version__.split(".")[:2])) >= (2, 5)


class Tape:
    """The tensors of a run: their numbers, and where autograd delivers their gradients.

    A tensor that is changed in place is a new value afterwards: its memory holds other
    numbers, and its `grad_fn` leads to another place. What it was is taken down before that
    happens, for all tensors in a row, which takes half the time that one by one would.
    """

    def __init__(self) -> None:
        self.tensors: list[Tensor] = []  # kept, so that no id is given out twice
        self._given = 0  # how many were there before the run
        self._arrays: list[Array] = []
        self._expected: dict[int, Array] = {}  # of tensors that are still to be added, by id
        # Single numbers as they were before a write, such as a loss that another is added to.
        self._before: dict[int, Tensor] = {}
        # Of the tensors that were there when something was last about to be written to.
        self._nodes: list[Any] = []
        self._outputs: list[int] = []
        self._versions: list[int] = []
        self._learning: list[int] = []

    def add(self, tensor: Tensor, copy: bool = False) -> None:
        """Take down one more tensor.

        Parameters
        ----------
        copy
            Whether it may be written to other than by calls that `settle` is told of.
        """
        self.tensors.append(tensor)
        if copy:
            self.settle()
            self._arrays[-1] = copied(self._arrays[-1])

    def begin(self) -> None:
        """Note that what is added from now on is made by the run."""
        self._given = len(self.tensors)

    def settle(self) -> None:
        """Take down what the tensors are now that were added since the last time."""
        self._read()
        done = len(self._versions)
        for number, tensor in enumerate(self.tensors[done:], done):
            self._versions.append(tensor._version)
            node = _history(tensor)
            self._nodes.append(node)
            self._outputs.append(0 if node is None else tensor.output_nr)
            if tensor.requires_grad and (node is not None or not _is_held_back(tensor)):
                self._learning.append(number)

    def expect(self, tensors: Sequence[Tensor]) -> None:
        """Take down the numbers of tensors that the run has made and that are added later.

        Nothing is to be written to them in between.
        """
        self._expected = dict(zip(map(id, tensors), arrays_of(tensors), strict=True))

    def _read(self) -> None:
        """Take down the numbers of what was added since the last time."""
        for tensor in self.tensors[len(self._arrays) :]:
            array = self._expected.get(id(tensor))
            self._arrays.append(array_of(tensor) if array is None else array)

    def expect_writes(self, arguments: Any) -> list[int]:
        """Save what shares memory with a tensor that a call may be about to write to.

        Returns
        -------
        list of int
            The numbers of the tensors that may change.
        """
        self.settle()
        written = keep_from_writes(self._arrays, arguments)
        for number in written:
            tensor = self.tensors[number]
            if tensor.numel() == 1 and self._nodes[number] is not None and torch.is_grad_enabled():
                self._before[number] = tensor.clone()
        return written

    def renew(self, number: int) -> None:
        """Take down anew a tensor that was written to and has the history that it had."""
        tensor = self.tensors[number]
        self._arrays[number] = array_of(tensor)
        self._versions[number] = tensor._version

    @property
    def given(self) -> list[Tensor]:
        """The tensors that were there before the run."""
        return self.tensors[: self._given]

    def outdate(self, number: int) -> None:
        """Note that a tensor is no longer what it was, though autograd does not know."""
        self.settle()
        self._versions[number] = OUTDATED

    @property
    def arrays(self) -> list[Array]:
        """The numbers of each tensor, as they were."""
        self._read()
        return self._arrays

    def is_unseen(self, number: int) -> bool:
        """Whether a tensor has just been written to and autograd knows nothing of it."""
        tensor = self.tensors[number]
        node = self._nodes[number]
        if not tensor.requires_grad or node is None or tensor.grad_fn is not node:
            return False
        return not self._has_its_numbers(number)

    def is_spared(self, number: int) -> bool:
        """Whether a write has left a tensor its numbers and its history."""
        return _history(self.tensors[number]) is self._nodes[number] and self._has_its_numbers(
            number
        )

    def _has_its_numbers(self, number: int) -> bool:
        before, now = self._arrays[number], array_of(self.tensors[number])
        return before.shape == now.shape and np.array_equal(before, now, equal_nan=True)

    def array(self, number: int) -> Array:
        """Return the numbers of one tensor, as they were."""
        self._read()
        return self._arrays[number]

    def is_current(self, number: int) -> bool:
        """Whether a tensor still is what it was when it was added.

        It is not after a change in place, which may come by way of a view.
        """
        if number >= len(self._versions):
            return True
        return self._versions[number] == self.tensors[number]._version

    @property
    def made_by_functions(self) -> list[int]:
        """The values that came out of somebody's `autograd.Function`."""
        done = len(self._nodes)
        nodes = [*self._nodes, *[_history(tensor) for tensor in self.tensors[done:]]]
        return [n for n, node in enumerate(nodes) if isinstance(node, BackwardCFunction)]

    def made_unseen(self, number: int) -> tuple[str, tuple[int, ...]] | None:
        """Say what made a value whose own operations were not to be seen, and of what.

        Returns
        -------
        tuple
            The name of somebody's `autograd.Function`, or of autograd's own last step, and the
            values that autograd reaches first from there; None for a value without a history.
        """
        self.settle()
        node = self._nodes[number]
        if node is None:
            return None
        makers = {id(made): n for n, made in enumerate(self._nodes) if made is not None}
        leaves = {id(tensor): n for n, tensor in enumerate(self.tensors) if tensor.is_leaf}
        found: dict[int, None] = {}
        stack = [node]
        while stack:
            for before, _ in stack.pop().next_functions:
                variable = getattr(before, "variable", None)
                source = makers.get(id(before), leaves.get(id(variable)))
                if source is not None:
                    found.setdefault(source)
                elif before is not None:
                    stack.append(before)
        name = node.name()
        if name.endswith("Backward"):
            name = f"{name.removesuffix('Backward')}.apply"
        return name, tuple(sorted(found))

    @property
    def learning(self) -> tuple[int, ...]:
        """The values that autograd has a gradient for."""
        done = len(self._versions)
        tensors = enumerate(self.tensors[done:], done)
        return (*self._learning, *[n for n, tensor in tensors if tensor.requires_grad])

    def gradients(
        self, output: Tensor | GradientEdge, upstream: Tensor | None = None
    ) -> dict[int, Tensor]:
        """Return the gradient of an output at each value that it depends on, by number."""
        learning = self.learning
        found = differentiated(output, self.edges(learning), upstream)
        pairs = zip(learning, found, strict=True)
        return {number: gradient for number, gradient in pairs if gradient is not None}

    def share(self, number: int, weight: Tensor) -> dict[int, Tensor]:
        """Return the gradients of one term, weighted as it enters the loss."""
        term = self._before.get(number, self.tensors[number])
        if number not in self._before and not self.is_current(number):
            # What stood here has been written over; its edge leads to what it was.
            return self.gradients(self._edge(number), weight)
        # Not as grad_outputs: checking their shape makes PyTorch import SymPy, which takes
        # a quarter of the time that PyTorch itself takes.
        one = term.numel() == 1 and bool(weight == 1)
        return self.gradients(term if one else (term * weight).sum())

    def can_share(self, number: int) -> bool:
        """Whether gradients of a value that is a term can be taken with this PyTorch."""
        return FROM_EDGES or number in self._before or self.is_current(number)

    def edges(self, numbers: Sequence[int]) -> list[Tensor | GradientEdge]:
        """Return where autograd delivers the gradients of some values."""
        if not self._nodes:  # nothing was written to
            return [self.tensors[number] for number in numbers]
        return [self._edge(number) for number in numbers]

    def _edge(self, number: int) -> Tensor | GradientEdge:
        tensor = self.tensors[number]
        node = self._nodes[number] if number < len(self._nodes) else None
        if node is None or tensor.grad_fn is node:
            return tensor
        return GradientEdge(node, self._outputs[number])


def _history(tensor: Tensor) -> Any:
    """Return the step of autograd's that a tensor comes from; None where it has none.

    A view that was made with gradients off is not to be asked any more when what it is a view
    of has been written to.
    """
    try:
        return tensor.grad_fn
    except RuntimeError:
        return None


def _is_held_back(tensor: Tensor) -> bool:
    """Whether a tensor without a history is a view, made with gradients off, of one that learns.

    PyTorch says that it wants a gradient, and there is none.
    """
    whole = tensor._base
    return whole is not None and whole.requires_grad


def term_gradients(
    tape: Tape, terms: Sequence[Term], weights: Sequence[Tensor]
) -> Mapping[str, Mapping[int, Array]]:
    """Return the gradients of each term by the term's name, taken when first asked for.

    Parameters
    ----------
    tape
        The tensors of the run, whose memory nobody may have written to in between.
    terms
        The terms of the loss.
    weights
        The gradient of the loss at each term.
    """
    wanted = {term.name: (term.value, weight) for term, weight in zip(terms, weights, strict=True)}

    def take(name: str) -> Mapping[int, Array]:
        with gradients_on():
            share = tape.share(*wanted[name])
        return {number: closed(array_of(gradient)) for number, gradient in share.items()}

    return OnDemand(tuple(wanted), take)
