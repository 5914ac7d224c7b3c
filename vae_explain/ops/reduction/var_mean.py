"""Two at once: `var_mean` and `std_mean`, the spread of numbers and their mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..delegate import deferring
from ..rule import Rule
from .sum_mean import MEAN
from .variance import STD, VAR

MEAN_OUTPUT = 1


def with_mean(name: str, spread: Rule) -> Rule:
    """Make the rule of an op whose first output is a spread and whose second the mean."""

    def told(attributes: Mapping[str, Any]) -> tuple[Rule, dict[str, Any]]:
        rest = {key: value for key, value in attributes.items() if key != "output"}
        if attributes["output"] != MEAN_OUTPUT:
            return spread, rest
        return MEAN, {key: rest[key] for key in ("dim", "keepdim")}

    return replace(
        deferring(spread, told),
        name=name,
        words=f"{spread.words}, and mean",
        torch=f"torch.{name}",
        several=True,
    )


VAR_MEAN = with_mean("var_mean", VAR)
STD_MEAN = with_mean("std_mean", STD)
