"""What a model keeps beside its parameters, put back after a run that is not to count.

A model may count its runs, to raise its β with each, append its terms to a list, or keep its last
KL. After each run it is another model. Code that runs it several times to look at one run puts this
back in between.
"""

from __future__ import annotations

import operator
import random
import sys
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

CONTAINERS = (dict, OrderedDict, defaultdict, list, set, deque)
PLAIN = (int, float, complex, str, bytes, type(None))
NOT_THE_USERS = {
    *sys.stdlib_module_names, "torch", "numpy", "lightning", __name__.partition(".")[0]
}  # fmt: skip


class KeptState:
    """What some objects held when this was made, within lists and objects too.

    Which parameters and buffers there are is put back, but not their numbers.
    """

    def __init__(self, holders: Iterable[object]) -> None:
        self._seen: dict[int, object] = {}  # kept alive, so that Python reuses no `id`
        # What a loss draws from Python or NumPy, as negative edges of a graph, has no seed of ours.
        self._undo: list[Callable[[], None]] = [
            partial(random.setstate, random.getstate()),
            partial(np.random.set_state, np.random.get_state()),
            partial(torch.set_default_dtype, torch.get_default_dtype()),
        ]
        for holder in holders:
            self._keep(holder)

    def put_back(self) -> None:
        """Give the objects back what they held; what was added since is taken out."""
        for undo in self._undo:
            undo()

    def _keep(self, value: Any) -> None:
        if isinstance(value, (*PLAIN, type, FunctionType)) or id(value) in self._seen:
            return
        self._seen[id(value)] = value
        if isinstance(value, ModuleType):
            plain = {name: each for name, each in vars(value).items() if isinstance(each, PLAIN)}
            self._undo.append(lambda: vars(value).update(plain))
        elif isinstance(value, nn.Module):
            own = vars(value)
            for registered in (own, value._parameters, value._buffers, value._modules):
                self._keep_contents(registered)
            self._keep_all(own[name] for name in own.keys() - {"_parameters", "_buffers"})
        elif isinstance(value, Tensor):
            self._keep_numbers(value)
        elif type(value) in CONTAINERS:
            self._keep_contents(value)
            self._keep_all(value.values() if isinstance(value, dict) else value)
        elif isinstance(value, tuple):
            self._keep_all(value)
        elif isinstance(value, MethodType):
            self._keep(value.__self__)
        elif hasattr(value, "__dict__") and _is_users(type(value).__module__):
            self._keep_contents(vars(value))
            self._keep_all(vars(value).values())

    def _keep_all(self, values: Iterable[Any]) -> None:
        for value in values:
            self._keep(value)

    def _keep_contents(self, container: Any) -> None:
        before = container.copy()

        def undo() -> None:
            if isinstance(container, dict):
                # Never emptied, not even for a moment: it may be what a module's names are in.
                for name in container.keys() - before.keys():
                    del container[name]
                container.update(before)
                if list(container) != list(before):  # one that was taken away stands at the end
                    for name, value in before.items():
                        del container[name]
                        container[name] = value
            elif len(container) != len(before) or any(map(operator.is_not, container, before)):
                container.clear()
                (container.update if isinstance(container, set) else container.extend)(before)

        self._undo.append(undo)

    def _keep_numbers(self, tensor: Tensor) -> None:
        # A parameter is trained; what has a history is made anew; the last is never written to.
        if isinstance(tensor, nn.Parameter) or not tensor.is_leaf or tensor.is_inference():
            return
        before, version = tensor.detach().clone(), tensor._version

        def undo() -> None:
            if tensor._version != version:
                with torch.no_grad():
                    tensor.copy_(before)

        self._undo.append(undo)


def generators_beside_pytorch() -> tuple[object, ...]:
    """Return where the generators of Python and of NumPy are, which can be compared."""
    state = (np.asarray(part).tobytes() for part in np.random.get_state())
    return random.getstate(), *state


@contextmanager
def unchanged(holders: Iterable[object]) -> Iterator[None]:
    """Put back what some objects held, after a run that is not to count."""
    state = KeptState(holders)
    try:
        yield
    finally:
        state.put_back()


def holders_of(model: nn.Module, *functions: object) -> list[object]:
    """Return what may hold the state of a model and its loss: they, and the files of both."""
    parts = [model, *functions]
    owners = [*(type(module) for module in model.modules()), *functions]
    names = {getattr(owner, "__module__", None) or "" for owner in owners}
    modules = [sys.modules[name] for name in sorted(names) if name in sys.modules]
    return [*parts, *(module for module in modules if _is_users(module.__name__))]


def _is_users(module: str) -> bool:
    return module.partition(".")[0] not in NOT_THE_USERS


@contextmanager
def settings_put_back() -> Iterator[None]:
    """Put PyTorch's settings back that code may leave changed: modes, device, types, gradients.

    A mode that is left entered would stand above ours, which would leave it in place of itself.
    """
    modes = torch._C._len_torch_function_stack(), torch._C._len_torch_dispatch_stack()
    device, dtype = _device_context(), torch.get_default_dtype()
    grad, autocast = torch.is_grad_enabled(), torch.is_autocast_enabled("cpu")
    try:
        yield
    finally:
        if _device_context() is not device:  # it lies below all modes
            torch.set_default_device(None if device is None else device.device)
        while torch._C._len_torch_function_stack() > modes[0]:
            torch._C._pop_torch_function_stack()
        while torch._C._len_torch_dispatch_stack() > modes[1]:
            torch._C._pop_torch_dispatch_stack(None)
        torch.set_default_dtype(dtype)
        torch.set_grad_enabled(grad)
        torch.set_autocast_enabled("cpu", autocast)


def _device_context() -> Any:
    return getattr(torch._GLOBAL_DEVICE_CONTEXT, "device_context", None)
