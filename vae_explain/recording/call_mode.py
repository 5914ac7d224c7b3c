"""A mode that sees every call of PyTorch's, those inside of a decomposed call too."""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from torch.overrides import TorchFunctionMode

from .call_info import PendingCall, plan_for
from .decompositions import decomposition_of
from .lost_kwargs import with_lost


class CallMode(TorchFunctionMode):
    """Makes decomposed calls from others, and leaves all other calls to `handle`."""

    @abstractmethod
    def handle(self, call: PendingCall) -> Any:
        """Make a call and return its result."""

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        plan, kwargs = plan_for(func), kwargs or {}
        if plan.decomposed:
            kwargs = with_lost(plan.name, kwargs, sys._getframe(1))
            decomposition = decomposition_of(plan.name, args, kwargs)
            if decomposition is not None:
                with self:  # PyTorch switches a mode off while it handles a call
                    return decomposition()
        return self.handle(PendingCall(plan, func, args, kwargs))
