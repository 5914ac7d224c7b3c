"""A mapping whose values are made when they are first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

Made = TypeVar("Made")


class OnDemand(Mapping[str, Made]):
    """Has the given keys from the start; makes the value of each at most once.

    Examples
    --------
    >>> lengths = OnDemand(["mse", "kl"], len)
    >>> list(lengths), lengths["kl"]
    (['mse', 'kl'], 2)
    """

    def __init__(self, keys: Sequence[str], make: Callable[[str], Made]) -> None:
        self._keys = tuple(keys)
        self._make = make
        self._made: dict[str, Made] = {}

    def __getitem__(self, key: str) -> Made:
        if key not in self._keys:
            raise KeyError(key)
        if key not in self._made:
            self._made[key] = self._make(key)
        return self._made[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)
