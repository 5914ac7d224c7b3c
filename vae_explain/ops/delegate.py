"""Rules that leave what they say of a call to other rules, and rules put one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..quick_classes import dataclass
from ..symbolic.expression import Expression, Index
from ..trace import Array
from .rule import Call, Family, OfMany, Operand, Rule, Ways, families_of


@dataclass(frozen=True)
class Intermediate:
    """What a rule computes, as an operand of another: it has no name of its own in the run."""

    rule: Rule
    operands: tuple[Operand, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    as_computed: bool = False

    @cached_property
    def call(self) -> Call:
        return Call(self.operands, self, self.attributes, self.as_computed)

    @property
    def array(self) -> Array:
        return self.rule.forward(*self.call.arrays, **self.attributes)

    @property
    def shape(self) -> tuple[int, ...]:
        if self.rule.kind == "elementwise":
            return np.broadcast_shapes(*(operand.shape for operand in self.operands))
        return np.shape(self.array)

    def at(self, index: Index) -> Expression:
        return self.rule.element(self.call, index)

    def whole(self) -> Expression:
        return self.rule.formula(self.call)


# From a call's attributes: the rule that it is left to, and the attributes which that takes.
RuleOf = Callable[[Mapping[str, Any]], tuple[Rule, dict[str, Any]]]


def delegated(to: Callable[[Call], tuple[Rule, Call]]) -> dict[str, Any]:
    """Return the fields of a rule that says of a call what another says of another call."""

    def passed(name: str) -> Callable[..., Any]:
        def say(call: Call, *rest: Any) -> Any:
            rule, inner = to(call)
            return getattr(rule, name)(inner, *rest)

        return say

    return {name: passed(name) for name in ("element", "partials", "formula", "gradient")}


def deferring(rules: Sequence[Rule], rule_of: RuleOf, **fields: Any) -> Rule:
    """Return the first of some rules, but that each call is left to the one of them it needs."""

    def to(call: Call) -> tuple[Rule, Call]:
        rule, attributes = rule_of(call.attributes)
        return rule, call.once("left to another", lambda: replace(call, attributes=attributes))

    def forward(*arrays: Array, **attributes: Any) -> Array:
        rule, rest = rule_of(attributes)
        return rule.forward(*arrays, **rest)

    def vjp(
        upstream: Array, y: Array, /, *arrays: Array, **attributes: Any
    ) -> tuple[Array | None, ...]:
        rule, rest = rule_of(attributes)
        return rule.vjp(upstream, y, *arrays, **rest)

    def chosen_by(call: Call, index: Index) -> list[tuple[int, Index]]:
        rule, inner = to(call)
        return [] if rule.chosen_by is None else rule.chosen_by(inner, index)

    def families(call: Call, position: int, index: Index) -> list[Family]:
        return families_of(*to(call), position, index)

    changed: dict[str, Any] = {"forward": forward, "vjp": vjp, **delegated(to)}
    of_many = all(rule.ways_of_many for rule in rules)
    changed["partials"] = Ways(families, of_many=of_many) if of_many else changed["partials"]
    if all(rule.many_elements for rule in rules):
        changed["element"] = OfMany(changed["element"])
    by_places = any(rule.chosen_by for rule in rules)
    changed["chosen_by"] = chosen_by if by_places else None
    return replace(rules[0], **{**changed, **fields})


def each_output(*rules: Rule, **fields: Any) -> Rule:
    """Return a rule of several outputs, each of which has a rule of its own."""

    def rule_of(attributes: Mapping[str, Any]) -> tuple[Rule, dict[str, Any]]:
        rest = {key: value for key, value in attributes.items() if key != "output"}
        return rules[attributes["output"]], rest

    return deferring(rules, rule_of, several_outputs=True, **fields)
