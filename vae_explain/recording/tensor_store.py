"""The tensors of a run: the id and the kind of each, its array, and its place in autograd's graph.

A tensor that is changed in place becomes a new value: its memory holds other numbers, and its
`grad_fn` leads elsewhere. So arrays and histories are noted before anything is written to, for
all new tensors in a row, which takes half the time that one by one would. All gradients, of the
loss and of each of its terms, come from the one forward pass that was recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import compress, count
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import BackwardCFunction
from torch.autograd.graph import GradientEdge

from ..trace import Array, Kind, OnDemand, Term, shared
from .autograd import differentiated, gradients_on
from .tensor_arrays import array_of, arrays_of, closed, copied, keep_from_writes
from .views import base_of

# Kinds that may be written to by calls that the recorder does not see.
WRITTEN_UNSEEN = {"buffer", "constant"}
OUTDATED = -1  # a version that no tensor has
# Whether autograd takes gradients at a tensor as it was before it was written over.
FROM_EDGES = tuple(map(int, torch.__version__.split(".")[:2])) >= (2, 5)


class TensorStore:
    """Gives each tensor of a run its id, and keeps what it was at that time."""

    def __init__(self) -> None:
        self.tensors: list[Tensor] = []  # kept alive, so that Python reuses no `id`
        self.kinds: list[Kind] = []
        self.fixed_names: dict[int, str] = {}  # of what the run started from
        self.ids: dict[int, int] = {}  # the value's id, by Python's `id` of the tensor
        self._initial = 0  # how many tensors there were before the run
        self.synced = 0  # how many of the tensors may have been written to
        self._arrays: list[Array] = []
        self._read_ahead: dict[int, Array] = {}  # arrays of tensors to come, by `id` of the tensor
        # Single numbers as they were before a write, such as a loss that another is added to.
        self._before_write: dict[int, Tensor] = {}
        # Of the tensors that were there at the last `sync`.
        self._nodes: list[Any] = []
        self._outputs: list[int] = []
        self._versions: list[int] = []
        self._differentiable: list[int] = []

    def let_go(self) -> None:
        """Forget the tensors and their history; only their arrays are needed from now on."""
        self._read_ahead = {}
        for each in (self.tensors, self._nodes, self._before_write, self.ids):
            each.clear()

    # --- ids ---

    def add(self, tensor: Tensor, kind: Kind) -> int:
        """Give a tensor an id, a new one if it had one."""
        tensors = self.tensors
        value_id = self.ids[id(tensor)] = len(tensors)
        tensors.append(tensor)
        self.kinds.append(kind)
        if kind in WRITTEN_UNSEEN:
            self.sync()
            self._arrays[-1] = copied(self._arrays[-1])
        return value_id

    def add_initial(self, named: Iterable[tuple[str, Tensor | None]], kind: Kind) -> None:
        """Add what the run starts from, by name; a tensor that comes twice keeps its first name."""
        for name, tensor in named:
            if tensor is not None and id(tensor) not in self.ids:
                self.fixed_names[self.add(tensor, kind)] = name
        self._initial = len(self.tensors)

    @property
    def initial(self) -> list[Tensor]:
        """The tensors that were there before the run."""
        return self.tensors[: self._initial]

    def id_of(self, tensor: Tensor) -> int | None:
        """Return the id of a tensor; None if it has none."""
        return self.ids.get(id(tensor))

    def of_kind(self, kind: Kind) -> list[int]:
        """Return the values of a kind, in order."""
        if kind not in self.kinds:
            return []
        return list(compress(count(), map(kind.__eq__, self.kinds)))

    def id_of_base(self, tensor: Tensor) -> int | None:
        """Return the id of what a tensor is a view of; None for what is no view."""
        base = base_of(tensor)
        return None if base is None or not self.is_unchanged(base) else self.id_of(base)

    def id_of_same_memory(self, tensor: Tensor) -> int | None:
        """Return the id of the value that has all of its numbers where a tensor has them."""
        place = None if tensor.requires_grad or not tensor.numel() else _place(tensor)
        if place is None:
            return None
        for value_id in range(len(self.tensors) - 1, -1, -1):
            other = self.tensors[value_id]
            same_kind = other.shape == tensor.shape and other.dtype == tensor.dtype
            if same_kind and self.is_current(value_id) and _place(other) == place:
                return value_id
        return None

    def is_unchanged(self, tensor: Tensor) -> bool:
        """Whether a tensor has an id and still is what it was when it got it."""
        value_id = self.ids.get(id(tensor))
        return value_id is not None and self.is_current(value_id)

    def is_current(self, value_id: int) -> bool:
        """Whether a value's tensor still is that value.

        After a change in place it is not, even if the change was made through a view.
        """
        versions = self._versions
        return value_id >= len(versions) or versions[value_id] == self.tensors[value_id]._version

    # --- arrays ---

    def read_ahead(self, tensors: Sequence[Tensor]) -> None:
        """Read the arrays of tensors that are added later and are not written to until then."""
        self._read_ahead = dict(zip(map(id, tensors), arrays_of(tensors), strict=True))

    @property
    def arrays(self) -> list[Array]:
        """The array of each tensor, as it was."""
        ahead = self._read_ahead
        new = self.tensors[len(self._arrays) :]
        pairs = zip(new, map(ahead.get, map(id, new)), strict=True)
        self._arrays += [array_of(tensor) if array is None else array for tensor, array in pairs]
        return self._arrays

    def sync(self) -> None:
        """Note the array, the version and the history of each tensor that is new since then."""
        arrays = self.arrays
        for value_id in range(len(self._versions), len(arrays)):
            tensor = self.tensors[value_id]
            self._versions.append(tensor._version)
            node = _history(tensor)
            self._nodes.append(node)
            self._outputs.append(0 if node is None else tensor.output_nr)
            if tensor.requires_grad and (node is not None or not _is_cut_off(tensor)):
                self._differentiable.append(value_id)
        self.synced = len(self._versions)

    @property
    def widened(self) -> list[int]:
        """The values that are in bfloat16, whose arrays are in float32."""
        if torch.bfloat16 not in {tensor.dtype for tensor in self.tensors}:
            return []
        return [n for n, tensor in enumerate(self.tensors) if tensor.dtype == torch.bfloat16]

    # --- writes ---

    def before_write(self, arguments: Any) -> list[int]:
        """Save what shares memory with a tensor that a call may be about to write to.

        Returns
        -------
        list of int
            The ids of the values whose tensors may change.
        """
        self.sync()
        sharing = keep_from_writes(self._arrays, arguments)
        for value_id in sharing:
            tensor, node = self.tensors[value_id], self._nodes[value_id]
            if tensor.numel() == 1 and node is not None and torch.is_grad_enabled():
                self._before_write[value_id] = tensor.clone()
        return sharing

    def refresh(self, value_id: int) -> None:
        """Take a value as its tensor is now, with the history that it had."""
        tensor = self.tensors[value_id]
        self._arrays[value_id] = array_of(tensor)
        self._versions[value_id] = tensor._version

    def outdate(self, value_id: int) -> None:
        """Note that a tensor no longer is that value, though autograd does not know."""
        self.sync()
        self._versions[value_id] = OUTDATED

    def is_changed_unseen(self, value_id: int) -> bool:
        """Whether a value's tensor has just been written to without autograd knowing of it."""
        tensor, node = self.tensors[value_id], self._nodes[value_id]
        if not tensor.requires_grad or node is None or tensor.grad_fn is not node:
            return False
        return not self._has_same_numbers(value_id)

    def is_unaffected(self, value_id: int) -> bool:
        """Whether a write has left a value's tensor its numbers and its history."""
        same_history = _history(self.tensors[value_id]) is self._nodes[value_id]
        return same_history and self._has_same_numbers(value_id)

    def _has_same_numbers(self, value_id: int) -> bool:
        before, now = self._arrays[value_id], array_of(self.tensors[value_id])
        return before.shape == now.shape and np.array_equal(before, now, equal_nan=True)

    # --- autograd's graph ---

    @property
    def differentiable(self) -> tuple[int, ...]:
        """The values that autograd has a gradient for."""
        synced = len(self._versions)
        tensors = enumerate(self.tensors[synced:], synced)
        return (*self._differentiable, *[n for n, tensor in tensors if tensor.requires_grad])

    @property
    def made_by_functions(self) -> list[int]:
        """The values that came out of a user-defined `autograd.Function`."""
        nodes = (*self._nodes, *map(_history, self.tensors[len(self._nodes) :]))
        return [n for n, node in enumerate(nodes) if isinstance(node, BackwardCFunction)]

    def hidden_maker(self, value_id: int) -> tuple[str, tuple[int, ...]] | None:
        """Return what made a value by operations that the recorder could not see.

        Returns
        -------
        tuple
            The name of the `autograd.Function`, or of autograd's own last node, and the ids of
            the values that autograd reaches first from there; None for a value without a history.
        """
        self.sync()
        node = self._nodes[value_id]
        if node is None:
            return None
        makers = {id(made): n for n, made in enumerate(self._nodes) if made is not None}
        leaves = {id(tensor): n for n, tensor in enumerate(self.tensors) if tensor.is_leaf}
        sources: set[int] = set()
        stack = [node]
        while stack:
            for before, _ in stack.pop().next_functions:
                variable = getattr(before, "variable", None)
                source = makers.get(id(before), leaves.get(id(variable)))
                if source is not None:
                    sources.add(source)
                elif before is not None:
                    stack.append(before)
        name = node.name()
        if name.endswith("Backward"):
            name = f"{name.removesuffix('Backward')}.apply"
        return name, tuple(sorted(sources))

    def edges(self, value_ids: Sequence[int]) -> list[Tensor | GradientEdge]:
        """Return where autograd delivers the gradients of some values."""
        if not self._nodes:  # nothing was written to
            return [self.tensors[value_id] for value_id in value_ids]
        return [self._edge(value_id) for value_id in value_ids]

    def _edge(self, value_id: int) -> Tensor | GradientEdge:
        tensor = self.tensors[value_id]
        node = self._nodes[value_id] if value_id < len(self._nodes) else None
        if node is None or tensor.grad_fn is node:
            return tensor
        return GradientEdge(node, self._outputs[value_id])

    # --- gradients of the terms of a loss ---

    def can_split_at(self, value_id: int) -> bool:
        """Whether gradients of a value alone can be taken with this PyTorch."""
        return FROM_EDGES or value_id in self._before_write or self.is_current(value_id)

    def term_gradients(
        self, terms: Sequence[Term], weights: Sequence[Tensor], whole: Mapping[int, Array]
    ) -> Mapping[str, Mapping[int, Array]]:
        """Return the gradients of each term by the term's name, taken when first asked for.

        Until then nobody may write to the memory of the run's tensors.

        Parameters
        ----------
        terms
            The terms of the loss.
        weights
            The gradient of the loss at each term.
        whole
            The gradients of the loss, which a term that alone reaches a large value shares.
        """
        starts = {
            term.name: (term.value, weight) for term, weight in zip(terms, weights, strict=True)
        }

        def gradients(name: str) -> Mapping[int, Array]:
            with gradients_on():
                own = self._gradients_from(*starts[name])
            return {n: shared(array, whole.get(n)) for n, array in own.items()}

        return OnDemand(tuple(starts), gradients)

    def _gradients_from(self, value_id: int, weight: Tensor) -> dict[int, Array]:
        """Return the gradients of one term, weighted as it enters the loss."""
        output: Tensor | GradientEdge
        if value_id not in self._before_write and not self.is_current(value_id):
            # It has been written over; its edge leads to what it was.
            output, upstream = self._edge(value_id), weight
        else:
            term = self._before_write.get(value_id, self.tensors[value_id])
            # Not as grad_outputs: checking their shape makes PyTorch import SymPy, which takes
            # a quarter of the time that PyTorch itself takes.
            one = term.numel() == 1 and bool(weight == 1)
            output, upstream = (term if one else (term * weight).sum()), None
        value_ids = self.differentiable
        gradients = differentiated(output, self.edges(value_ids), upstream)
        pairs = zip(value_ids, gradients, strict=True)
        return {n: closed(array_of(gradient)) for n, gradient in pairs if gradient is not None}


def _place(tensor: Tensor) -> tuple[int, tuple[int, ...]] | None:
    """Return where a tensor's numbers are; None for one that has no memory of its own."""
    try:
        return tensor.data_ptr(), tensor.stride()
    except RuntimeError:  # a sparse one, or one inside of a `vmap`
        return None


def _history(tensor: Tensor) -> Any:
    """Return the node of autograd's graph that made a tensor; None where there is none.

    A view that was made with gradients off cannot be asked any more when its base has been
    written to.
    """
    try:
        return tensor.grad_fn
    except RuntimeError:
        return None


def _is_cut_off(tensor: Tensor) -> bool:
    """Whether a tensor without a history is a view, made with gradients off, of one with one.

    PyTorch says that it requires a gradient, and there is none.
    """
    base = tensor._base
    return base is not None and base.requires_grad
