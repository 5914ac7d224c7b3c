"""Runs that call PyTorch in threads of their own, where nothing can be recorded.

A mode sees the calls of one thread. Results that another thread has made could be shown, but not
what it has written to, nor in which order.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch.overrides import TorchFunctionMode

from ..errors import UserError


class InAnotherThread(UserError):
    """A run that computes in threads of its own."""

    option = "--model"

    def __init__(self) -> None:
        super().__init__(
            "it computes in a thread of its own, where no operation can be recorded; call what "
            "the thread computes in forward itself"
        )


@contextmanager
def none_in_other_threads() -> Iterator[None]:
    """Raise `InAnotherThread` after a run that called PyTorch in a thread that it started."""
    calls: list[object] = []
    start = threading.Thread.start

    def started(thread: threading.Thread) -> None:
        run = thread.run

        def watched() -> None:
            with _Listener(calls):
                run()

        vars(thread)["run"] = watched
        start(thread)

    threading.Thread.start = started  # type: ignore[assignment, method-assign]  # put back below
    try:
        yield
    finally:
        threading.Thread.start = start  # type: ignore[method-assign]
    if calls:
        raise InAnotherThread


class _Listener(TorchFunctionMode):
    """Notes that there was a call."""

    def __init__(self, calls: list[object]) -> None:
        super().__init__()
        self._calls = calls

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        self._calls.append(func)
        return func(*args, **(kwargs or {}))
