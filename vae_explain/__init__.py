"""Explain every number of a Variational Autoencoder, forward and backward.

`explain` is the library's front door; it is loaded when it is first asked for, so that
the version costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .version import __version__

if TYPE_CHECKING:
    from .api.explain import Explanation, compare, explain, load
    from .api.watching import watch

__all__ = ["Explanation", "__version__", "compare", "explain", "load", "watch"]


def __getattr__(name: str) -> Any:
    if name in ("Explanation", "compare", "explain", "load"):
        return getattr(import_module(".api.explain", __name__), name)
    if name == "watch":
        return import_module(".api.watching", __name__).watch
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
