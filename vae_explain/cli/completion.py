"""What a shell completes."""

from __future__ import annotations

from collections.abc import Callable, Iterable


def completing(names: Iterable[str]) -> Callable[[str], list[str]]:
    """Return what completes one of some names in the shell."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in names if name.startswith(incomplete)]

    return complete
