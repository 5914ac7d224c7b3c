"""A bar with the name of the section that is worked on, while a page takes more than a second."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, TextIO

from ..engine.progress import told_to


@contextmanager
def section_bar(stream: TextIO) -> Iterator[None]:
    """Show it on a terminal, and nothing elsewhere; it is gone before the page is written."""
    bar: Any = None  # of Rich, which the renderer alone knows
    started = time.monotonic()

    def tell(what: str) -> None:
        from ..pages.render.terminal import terminal

        nonlocal bar
        if what and bar is None and time.monotonic() - started > terminal.PATIENCE:
            bar = terminal.bar_of("{task.description}", None, stream)
            bar.start()
        if bar is not None and what:
            bar.update(bar.task_ids[0], description=what)
        elif bar is not None:
            bar.stop()
            bar = None

    with told_to(tell) if stream.isatty() else nullcontext():
        yield
