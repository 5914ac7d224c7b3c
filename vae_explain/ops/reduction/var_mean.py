"""Two at once: `var_mean` and `std_mean`, the spread of numbers and their mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...trace import Slot
from ..delegate import deferring
from ..rule import Rule, called
from .sum_mean import MEAN
from .variance import STD, VAR, bind

MEAN_OUTPUT = 1


def with_mean(name: str, spread: Rule) -> Rule:
    """Make the rule of an op whose first output is a spread and whose second the mean."""

    def told(attributes: Mapping[str, Any]) -> tuple[Rule, dict[str, Any]]:
        rest = {key: value for key, value in attributes.items() if key != "output"}
        if attributes["output"] != MEAN_OUTPUT:
            return spread, rest
        return MEAN, {key: rest[key] for key in ("dim", "keepdim")}

    x = spread.examples[0].operands[0]
    return replace(
        deferring(spread, told),
        name=name,
        words=f"{spread.words}, and mean",
        torch=f"torch.{name}",
        examples=tuple(
            called(bind, (x,), Slot(0), dim=dim, correction=correction, output=output)
            for dim, correction in ((1, 0), (0, 1))
            for output in (0, MEAN_OUTPUT)
        ),
        several=True,
    )


VAR_MEAN = with_mean("var_mean", VAR)
STD_MEAN = with_mean("std_mean", STD)
