"""An example: the operands and attributes of one call that a rule is tested on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from vae_explain.ops import Rule
from vae_explain.trace import Array, Slot


@dataclass(frozen=True)
class Example:
    """Operand arrays and attributes of one call.

    PyTorch is called with the operands first and the attributes by their names after them;
    where it does not take them so, `args` and `kwargs` are the call as it does, see `called`.
    To the operands in `fixed` it passes no gradient.
    """

    operands: tuple[Array, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    fixed: tuple[int, ...] = ()

    def bound(self, rule: Rule) -> Example:
        """Add the attributes that the rule's `bind` makes of the call as PyTorch takes it."""
        if not self.args:
            return self
        slots, attributes = rule.bind(*self.args, **self.kwargs)
        assert [slot.id for slot in slots] == list(range(len(self.operands))), "operands in order"
        return replace(self, attributes={**attributes, **self.attributes})


def called(
    operands: tuple[Array, ...],
    *args: Any,
    output: int | None = None,
    fixed: tuple[int, ...] = (),
    **kwargs: Any,
) -> Example:
    """Make an example of a call as PyTorch takes it, `Slot(i)` standing for operand i."""
    attributes = {} if output is None else {"output": output}
    return Example(operands, attributes, args, kwargs, fixed)


def on(x: Array, *args: Any, **settings: Any) -> Example:
    """Make an example of a call with one tensor, which is its first argument."""
    return called((x,), Slot(0), *args, **settings)


@dataclass(frozen=True)
class Examples:
    """What one rule is tested on.

    `not_analytic` says why the forward takes no complex step, which the tests differentiate
    it by; it is empty for one that does.
    """

    examples: tuple[Example, ...]
    not_analytic: str = ""


def examples(*each: Example, not_analytic: str = "") -> Examples:
    """Collect the examples of one rule."""
    return Examples(each, not_analytic)
