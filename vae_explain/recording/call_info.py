"""What the recorder knows of a call of PyTorch: from its name, its arguments and its result.

Every table of PyTorch's names that decides how a call is recorded is here, except those of
draws (`random_draws`) and of calls that are made of others (`decompositions`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from inspect import signature
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch._C._functorch import is_functorch_wrapped_tensor

from ..quick_classes import NamedTuple
from .decompositions import COMPOSITES
from .random_draws import DROPOUTS, NOISE, input_of

# Property reads that make a tensor to compute with; every other one only looks at a tensor.
TENSOR_PROPERTIES = {"T", "mT", "H", "mH", "real", "imag"}
REFLECTED = {"rsub": "sub", "rdiv": "div", "rpow": "pow", "rmatmul": "matmul"}
IN_PLACE_OPERATORS = {
    "__iadd__", "__isub__", "__imul__", "__itruediv__", "__ifloordiv__", "__imod__", "__ipow__",
    "__iand__", "__ior__", "__ixor__", "__ilshift__", "__irshift__", "__imatmul__",
    "__setitem__", "__set__",
}  # fmt: skip
# Calls whose name ends as that of a write does, but which leave the numbers alone or give the
# tensor another memory.
NOT_WRITING = {
    "__set__", "requires_grad_", "detach_", "set_", "resize_", "resize_as_", "squeeze_",
    "unsqueeze_", "t_", "transpose_", "swapaxes_", "swapdims_", "as_strided_", "share_memory_",
    "rename_",
}  # fmt: skip
# Calls that update running statistics, which are not among the tensors that they return.
UPDATING = {"batch_norm", "instance_norm"}
# Calls that return memory as they find it.
UNINITIALISED = {
    "empty", "empty_like", "empty_permuted", "empty_strided", "new_empty", "new_empty_strided",
}  # fmt: skip
# Calls that return indices, as that of the nearest code of a codebook.
INDEXING = {"argmax", "argmin", "argsort"}
# Calls whose whole numbers are computed with and not only looked at.
COUNTING = {"one_hot", *INDEXING}
# Calls that choose numbers by their rank and return their indices with them.
RANKING = {"topk", "kthvalue", "median", "mode", "cummax", "cummin"}
# Calls that rearrange numbers, of any dtype, and leave them as they are.
ARRANGING = {
    "clone", "contiguous", "detach", "expand", "expand_as", "flatten", "getitem", "long", "movedim",
    "permute", "repeat", "reshape", "squeeze", "t", "transpose", "unflatten", "unsqueeze", "view",
    "view_as",
}  # fmt: skip
# Calls that make a constant which is best known by their name.
NAMING = {"eye", "arange", "linspace", "logspace"}


class Plan(NamedTuple):
    """How calls of one name are recorded: worked out once for each name."""

    name: str
    op: str  # the name without the marks of in-place, dunder and reflected forms
    reflected: bool  # whether its operands come in reverse
    writes: bool  # whether it writes to its first argument
    draws: bool
    drops: bool  # whether it is a dropout
    from_shapes: bool  # whether it makes a constant of its tensors' shapes
    assigns: bool  # whether it only changes its first argument
    counts: bool  # whether whole numbers are results of it
    indexes: bool  # whether it returns indices
    takes_key: bool  # whether its second argument stands between brackets
    uninitialised: bool
    decomposed: bool  # whether it may be made by other calls instead
    at_once: bool  # whether it has to be recorded before the run goes on
    looks: bool  # whether it reads a property that is nothing to compute with
    simple: bool  # whether it is none of these: its recording can wait until the run has ended


@lru_cache(maxsize=1000)  # of the user's own functions there may be many
def plan_for(func: Any) -> Plan:
    """Return how calls of a function are recorded."""
    name = func.__name__
    if name != "__get__":
        return plan_of(name)
    plan = plan_of(func.__self__.__name__)
    return plan if plan.name in TENSOR_PROPERTIES else plan._replace(looks=True, simple=False)


def plan_of(name: str) -> Plan:
    """Return how calls of a name are recorded.

    Examples
    --------
    >>> plan_of("__rsub__")[1:4], plan_of("add_")[1:4], plan_of("log_softmax")[1:4]
    (('sub', True, False), ('add', False, True), ('log_softmax', False, False))
    """
    bare = name.strip("_")
    reflected = bare in REFLECTED and name.startswith("__")
    writes = writes_by_name(name)
    takes_key = name == "__getitem__"
    at_once = writes or name in DROPOUTS or name in UPDATING
    apart = takes_key or name in COMPOSITES or name in NOISE or name in UNINITIALISED
    return Plan(
        name=name,
        op=REFLECTED[bare] if reflected else bare,
        reflected=reflected,
        writes=writes,
        draws=name in NOISE,
        drops=name in DROPOUTS,
        from_shapes=name.startswith("new_") or name.endswith("_like"),
        assigns=name == "__setitem__",
        counts=name in COUNTING,
        indexes=name in INDEXING,
        takes_key=takes_key,
        uninitialised=name in UNINITIALISED,
        decomposed=name in COMPOSITES,
        at_once=at_once,
        looks=False,
        simple=not (at_once or apart),
    )


# --- arguments --------------------------------------------------------------------------

# Types of arguments by which a call that is `simple` by its name may have to be recorded at
# once: a positional True may stand for `inplace`, and the caller may change a list.
UNSAFE = frozenset((bool, list))


class PendingCall(NamedTuple):
    """A call that is not simple, before it is made."""

    plan: Plan
    func: Any
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]

    def make(self) -> Any:
        return self.func(*self.args, **self.kwargs)

    @property
    def is_safe(self) -> bool:
        """Whether none of its arguments can be another when the run has ended."""
        if not UNSAFE.isdisjoint(map(type, self.args)):
            return False
        kwargs = self.kwargs
        return not kwargs or not (_asks_to_write(kwargs) or list in map(type, kwargs.values()))

    @property
    def writes(self) -> bool:
        """Whether it may write to one of its arguments, by its name or as they ask it to."""
        if self.plan.writes or any(argument is True for argument in self.args):
            return True
        return _asks_to_write(self.kwargs)

    @property
    def target(self) -> Tensor | None:
        """The one tensor that it writes numbers to; None where that is not known."""
        target = self.kwargs.get("out")
        if target is None and (self.plan.writes or self._is_in_place()):
            target = input_of(self.args, self.kwargs)
        if self.plan.name in NOT_WRITING or not isinstance(target, Tensor):
            return None
        return target if results_of(target) else None

    def _is_in_place(self) -> bool:
        """Whether one of PyTorch's functions in Python is asked to work in place."""
        try:
            arguments = signature(self.func).bind(*self.args, **self.kwargs).arguments
        except (TypeError, ValueError):  # one that is not written in Python has no such argument
            return False
        return bool(arguments.get("inplace"))

    @property
    def returns_new_memory(self) -> bool:
        """Whether it returns memory with nothing written to it."""
        return self.plan.uninitialised and self.kwargs.get("out") is None

    def on(self, old: Tensor, new: Tensor) -> PendingCall:
        """Return the same call with another tensor in the place of one."""
        args = tuple(new if each is old else each for each in self.args)
        kwargs = {name: new if each is old else each for name, each in self.kwargs.items()}
        return self._replace(args=args, kwargs=kwargs)


def _asks_to_write(kwargs: Mapping[str, Any]) -> bool:
    return bool(kwargs.get("inplace")) or kwargs.get("out") is not None


def writes_by_name(name: str) -> bool:
    """Whether calls of a name write to their first argument.

    Examples
    --------
    >>> writes_by_name("relu_"), writes_by_name("__iadd__"), writes_by_name("__add__")
    (True, True, False)
    """
    return name in IN_PLACE_OPERATORS or (name.endswith("_") and not name.endswith("__"))


def index_of(key: Any) -> Any:
    """Return an index with its lists as tensors, as PyTorch takes them.

    In the record a list and a tuple are alike, but `h[[0, 1]]` and `h[0, 1]` are not.
    """
    if isinstance(key, tuple):
        return tuple(map(index_of, key))
    plain = isinstance(key, list) and all(isinstance(item, int | list) for item in key)
    return torch.as_tensor(key) if plain or isinstance(key, np.ndarray) else key


# --- results ----------------------------------------------------------------------------


def results_of(result: Any, counts: bool = False) -> tuple[Tensor, ...]:
    """Return the tensors that a call made, if they are numbers to compute with.

    A comparison, a count or an index is a look at numbers, not arithmetic with them: the
    checks of torch.distributions are such. Where one is used it is a constant.

    Parameters
    ----------
    counts
        Whether whole numbers are to compute with as well.
    """
    if isinstance(result, Tensor):
        if counts or result.is_floating_point() or not is_whole(result):
            # Within a vmap a tensor has no numbers; what comes out of it has.
            return () if is_functorch_wrapped_tensor(result) else (result,)
        return ()
    if not isinstance(result, (list, tuple)):
        return ()
    tensors = tuple([item for item in result if isinstance(item, Tensor)])
    return tensors if any(map(results_of, tensors)) else ()


def is_whole(tensor: Tensor) -> bool:
    """Whether a tensor has whole numbers, or truth values."""
    return not (tensor.is_floating_point() or tensor.is_complex())
