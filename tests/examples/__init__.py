"""What the rules are tested on: for each op of the registry, by its name, some calls of it.

A family of `vae_explain/ops/` has its file here. Examples are chosen so that they can fail: a
zero for ReLU, whose gradient there is a decision; a broadcast operand; a negative axis; an
argument that overflows a careless sigmoid.
"""

from __future__ import annotations

from vae_explain.ops import Rule

from .elementwise import ELEMENTWISE
from .example import Example
from .layers import LAYERS
from .layout import LAYOUT
from .linear import LINEAR
from .losses import LOSSES
from .reduction import REDUCTION

FAMILIES = (ELEMENTWISE, LINEAR, REDUCTION, LAYOUT, LAYERS, LOSSES)
EXAMPLES = {name: examples for family in FAMILIES for name, examples in family.items()}


def examples_of(rule: Rule) -> tuple[Example, ...]:
    """Return a rule's examples with all their attributes; none for a rule that has none."""
    if rule.name not in EXAMPLES:
        return ()
    return tuple(example.bound(rule) for example in EXAMPLES[rule.name].examples)


def not_analytic(rule: Rule) -> str:
    """Say why a rule's forward takes no complex step; empty for one that does."""
    return EXAMPLES[rule.name].not_analytic if rule.name in EXAMPLES else ""


__all__ = ["EXAMPLES", "FAMILIES", "Example", "examples_of", "not_analytic"]
