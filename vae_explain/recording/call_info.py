"""What a recorded call is: its plain name, what it needs, what it made."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from inspect import signature
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch._C._functorch import is_functorch_wrapped_tensor

from .decompose import OPENED
from .random_draws import DROPOUTS, NOISE
from .tensor_arrays import is_asked_to_write, writes_by_name

# Property reads that make a tensor to compute with; every other one is only a look.
TENSOR_PROPERTIES = {"T", "mT", "H", "mH", "real", "imag"}
REFLECTED = {"rsub": "sub", "rdiv": "div", "rpow": "pow", "rmatmul": "matmul"}


def results_of(result: Any) -> tuple[Tensor, ...]:
    """Return the tensors that a call made, if they are numbers to compute with.

    A comparison, a count or an index is a look at numbers, not arithmetic with them: the
    checks of torch.distributions are such. Where one is used it is a constant.
    """
    if isinstance(result, Tensor):
        if result.is_floating_point() or result.is_complex():
            # Within a vmap a tensor has no numbers; what comes out of it has.
            return () if is_functorch_wrapped_tensor(result) else (result,)
        return ()
    if not isinstance(result, (list, tuple)):
        return ()
    found = tuple([item for item in result if isinstance(item, Tensor)])
    return found if any(map(results_of, found)) else ()


def is_whole(tensor: Tensor) -> bool:
    """Whether a tensor has whole numbers, or truth values."""
    return not (tensor.is_floating_point() or tensor.is_complex())


# Calls whose whole numbers something may be taken by, as the nearest code of a codebook is.
PLACING = {"argmax", "argmin", "argsort"}
# Those whose whole numbers are not only looked at but computed with.
COUNTING = {"one_hot", *PLACING}
# Those that choose numbers by their rank and say where they found them.
RANKING = {"topk", "kthvalue", "median", "mode", "cummax", "cummin"}
# What arranges numbers anew and leaves them as they are; of whole numbers made by a call too.
ARRANGING = {
    "clone", "contiguous", "detach", "expand", "expand_as", "flatten", "getitem", "long", "movedim",
    "permute", "repeat", "reshape", "squeeze", "t", "transpose", "unflatten", "unsqueeze", "view",
    "view_as",
}  # fmt: skip
# Calls that make a constant of nothing, whose name says what it is.
TELLING = {"eye", "arange", "linspace", "logspace"}


def made_by(name: str, result: Any) -> tuple[Tensor, ...]:
    """Return the tensors that a call of a name made, if they are numbers to compute with."""
    if name in COUNTING and isinstance(result, Tensor):
        return () if is_functorch_wrapped_tensor(result) else (result,)
    return results_of(result)


def index_of(key: Any) -> Any:
    """Return what stands between brackets with lists as tensors, as which PyTorch takes them.

    In the record a list and a tuple are alike, but `h[[0, 1]]` and `h[0, 1]` are not.
    """
    if isinstance(key, tuple):
        return tuple(map(index_of, key))
    plain = isinstance(key, list) and all(isinstance(item, int | list) for item in key)
    return torch.as_tensor(key) if plain or isinstance(key, np.ndarray) else key


# Calls that write to more than what they are told to: running statistics.
UPDATING = {"batch_norm", "instance_norm"}
# Calls that hand out memory as they find it.
BLANK = {
    "empty", "empty_like", "empty_permuted", "empty_strided", "new_empty", "new_empty_strided",
}  # fmt: skip


class Plan(NamedTuple):
    """What calls of one name need: worked out once for each name."""

    name: str
    op: str  # the plain name
    reflected: bool  # whether its operands come in reverse
    writes: bool
    noisy: bool
    factory: bool  # makes a constant of its tensors' shapes
    assigns: bool  # makes nothing but changes its first argument
    indexes: bool
    blank: bool  # hands out memory with nothing written to it
    opens: bool  # may be done operation by operation instead
    careful: bool  # is to be recorded before the run goes on
    looks: bool  # reads a property that is nothing to compute with
    plain: bool  # is only to be caught, which most are


@lru_cache(maxsize=1000)  # of the user's own functions there may be many
def plan_for(func: Any) -> Plan:
    """Return what a call of a function needs."""
    name = func.__name__
    if name != "__get__":
        return plan_of(name)
    plan = plan_of(func.__self__.__name__)
    return plan if plan.name in TENSOR_PROPERTIES else plan._replace(looks=True, plain=False)


def plan_of(name: str) -> Plan:
    """Return what a call needs, by its name.

    Examples
    --------
    >>> plan_of("__rsub__")[1:4], plan_of("add_")[1:4], plan_of("log_softmax")[1:4]
    (('sub', True, False), ('add', False, True), ('log_softmax', False, False))
    """
    plain = name.strip("_")
    reflected = plain in REFLECTED and name.startswith("__")
    writes = writes_by_name(name)
    indexes = name == "__getitem__"
    careful = writes or name in DROPOUTS or name in UPDATING
    return Plan(
        name=name,
        op=REFLECTED[plain] if reflected else plain,
        reflected=reflected,
        writes=writes,
        noisy=name in NOISE,
        factory=name.startswith("new_") or name.endswith("_like"),
        assigns=name == "__setitem__",
        indexes=indexes,
        blank=name in BLANK,
        opens=name in OPENED,
        careful=careful,
        looks=False,
        plain=not (careful or indexes or name in OPENED or name in NOISE or name in BLANK),
    )


# What may stand where `inplace` does, and what may be the caller's own, who goes on with it.
RISKY = frozenset((bool, list))


def needs_care(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Whether the arguments of a call may not be the same after it.

    It may be asked to write to one, and a list may be the caller's, who goes on with it.
    """
    if not RISKY.isdisjoint(map(type, args)):
        return True
    if not kwargs:
        return False
    return is_asked_to_write((), kwargs) or list in map(type, kwargs.values())


# Calls whose name ends as that of a write does, but which leave the numbers alone or give the
# tensor another memory; and draws that are no noise to the record.
NOT_WRITING = {
    "__set__", "requires_grad_", "detach_", "set_", "resize_", "resize_as_", "squeeze_",
    "unsqueeze_", "t_", "transpose_", "swapaxes_", "swapdims_", "as_strided_", "share_memory_",
    "rename_",
}  # fmt: skip


def written_to(
    plan: Plan, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Tensor | None:
    """Return the one tensor that a call writes numbers to; None where that is not known."""
    target = kwargs.get("out")
    if target is None and (_is_in_place(func, args, kwargs) if not plan.writes else True):
        target = args[0] if args else kwargs.get("input")
    if plan.name in NOT_WRITING or not isinstance(target, Tensor):
        return None
    return target if results_of(target) else None


def _is_in_place(func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Whether one of PyTorch's functions in Python is asked to do its work in place."""
    try:
        given = signature(func).bind(*args, **kwargs).arguments
    except (TypeError, ValueError):  # one that is not written in Python has no such argument
        return False
    return bool(given.get("inplace"))
