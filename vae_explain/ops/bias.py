"""A bias added to what another rule computes, one number for each channel."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..symbolic.build import summed
from ..symbolic.expression import ONE, ZERO, Expression, Index, Rest, SumOver, terms_of
from ..trace import Array
from .at_once import in_front
from .rule import Call, Family, OfMany, Rule, Ways, families_of


def biased(rule: Rule, bias: int, axis: int = -1, **fields: Any) -> Rule:
    """Make the rule of an op that may add a bias to what a rule computes.

    Parameters
    ----------
    bias
        The position of the bias, which the rule's own operands come before.
    axis
        The axis of the channels, counted from the last.
    fields
        Further fields of the rule that is made.
    """

    def others(rank: int) -> tuple[int, ...]:
        return tuple(at for at in range(rank) if at != rank + axis)

    def within(call: Call) -> Call:
        return call.once("within", lambda: replace(call, operands=call.operands[:bias]))

    def forward(*arrays: Array, **attributes: Any) -> Array:
        computed = rule.forward(*arrays[:bias], **attributes)
        for each in arrays[bias:]:
            computed = np.asarray(computed + each.reshape(-1, *(1,) * (-axis - 1)))
        return computed

    def element(call: Call, index: Index) -> Expression:
        body = rule.element(within(call), index)
        terms = () if body == ZERO else terms_of(body)
        added = (b.at((index[axis],)) for b in call.operands[bias:])
        if terms and isinstance(terms[-1], Rest):
            return summed([*terms[:-1], *added, terms[-1]])
        return summed([*terms, *added])

    def families(call: Call, position: int, index: Index) -> list[Family]:
        if position < bias:
            return families_of(rule, within(call), position, index)
        sizes = list(call.output.shape)
        del sizes[axis]
        places = list(in_front([np.arange(size) for size in sizes], index))
        places.insert(axis % len(call.output.shape), index[0])
        return [Family.constant(tuple(places), ONE)]

    def formula(call: Call) -> Expression:
        body = rule.formula(within(call))
        return summed([body, *(operand.whole() for operand in call.operands[bias:])])

    def gradient(call: Call, position: int, upstream: Expression) -> Expression:
        if position < bias:
            return rule.gradient(within(call), position, upstream)
        axes = others(len(call.output.shape))
        return SumOver(upstream, axes, call.operands[bias].shape) if axes else upstream

    changed = {
        "forward": forward,
        "element": OfMany(element) if rule.many_elements else element,
        "partials": Ways(families, of_many=rule.ways_of_many),
        "formula": formula,
        "gradient": gradient,
    }
    return replace(rule, **{**changed, **fields})
