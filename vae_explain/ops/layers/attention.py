"""`scaled_dot_product_attention`: each query takes a mean of the values, weighed by the keys.

Vaswani et al., "Attention Is All You Need" (2017), equation 1: softmax(q kᵀ/√E) v, over the
last two axes. One element is written with its weights as numbers of their own,
`attention(q[0,1,:], k[0,2,:])`, how much query 1 takes of key 2; a weight says itself how it
is made of scores.

A query that may take no key takes nothing, as PyTorch has it from 2.5 on; up to 2.4 it made
that NaN, with which the numbers here are marked as not equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from math import sqrt
from typing import Any

import numpy as np

from ...symbolic.build import exp, root, summed
from ...symbolic.expression import (
    Add,
    Div,
    Expression,
    Index,
    MatMul,
    Number,
    Opaque,
    Ref,
    SumOver,
    Transpose,
)
from ...trace import Array
from ..binding import OPTIONAL, Refused, binder
from ..broadcasting import broadcast_index, broadcast_targets, sum_to, unbroadcast
from ..elementwise.logarithms import shift_of, shifted
from ..reduction.parts import part_of
from ..rule import Call, Operand, Partial, Rule, by_output

QUERY, KEY, VALUE, MASK = range(4)


# --- by numbers -------------------------------------------------------------------------


def scale_of(q: Array, scale: float | None) -> float:
    return 1 / sqrt(q.shape[-1]) if scale is None else scale


def is_choice(mask: tuple[Array, ...]) -> bool:
    """Whether a mask says which keys take part, and is not added to the scores."""
    return bool(mask) and mask[0].dtype == np.bool_


def shares(scores: Array, *choices: Array, is_causal: bool) -> Array:
    """Return the softmax of each query's scores over the keys that it may take part of."""
    out = np.asarray(-np.inf, scores.dtype)
    if is_causal:
        scores = np.where(np.tri(*scores.shape[-2:]) > 0, scores, out)
    for choice in choices:
        scores = np.where(choice, scores, out)
    # By its real part: a complex step has no order.
    top = scores.real.max(axis=-1, keepdims=True)
    # A query that may take nothing takes nothing, where a softmax would have no number.
    powers: Array = np.exp(scores - np.where(np.isneginf(top), np.zeros_like(top), top))
    total = powers.sum(axis=-1, keepdims=True)
    return np.asarray(powers / np.where(total == 0, np.ones_like(total), total))


def weights(q: Array, k: Array, *mask: Array, is_causal: bool, scale: float | None) -> Array:
    """Return how much each query takes of each key, [..., query, key]."""
    scores = (q @ k.swapaxes(-1, -2)) * np.asarray(scale_of(q, scale), q.real.dtype)
    if mask and not is_choice(mask):
        return shares(scores + mask[0], is_causal=is_causal)
    return shares(scores, *mask, is_causal=is_causal)


def forward(q: Array, k: Array, v: Array, *mask: Array, **settings: Any) -> Array:
    return np.asarray(weights(q, k, *mask, **settings) @ v)


def vjp(
    upstream: Array, output: Array, q: Array, k: Array, v: Array, *mask: Array, **settings: Any
) -> tuple[Array | None, ...]:
    taken = weights(q, k, *mask, **settings)
    # A weight that grows takes from the others: only what differs from the mean counts.
    beyond = upstream @ v.swapaxes(-1, -2) - (upstream * output).sum(axis=-1, keepdims=True)
    to_scores = taken * beyond
    scaled = to_scores * np.asarray(scale_of(q, settings["scale"]), to_scores.dtype)
    to_each: list[Array | None] = [
        unbroadcast(scaled @ k, q.shape),
        unbroadcast(scaled.swapaxes(-1, -2) @ q, k.shape),
        unbroadcast(taken.swapaxes(-1, -2) @ upstream, v.shape),
    ]
    if mask:
        to_each.append(None if is_choice(mask) else unbroadcast(to_scores, mask[0].shape))
    return tuple(to_each)


# --- one element ------------------------------------------------------------------------


class _Attention:
    """The weights of one call, as numbers that say themselves how they are made."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.q, self.k, self.v, *mask = call.operands
        self.mask: Operand | None = mask[0] if mask else None
        # The mask, where it is added to the scores.
        self.added = None if is_choice(call.arrays[MASK:]) else self.mask
        self._rows: dict[Index, Array] = {}
        self.keys = self.k.shape[-2]
        self.batch = call.output.shape[:-2]
        self.of_scores = (*self.batch, self.q.shape[-2], self.keys)

    def row(self, operand: Operand, batch: Index, row: int) -> Index:
        """Return where an operand has a row, its batch axes broadcast; the last axis open."""
        return (*broadcast_index(batch, operand.shape[:-2]), row)

    def takes_part(self, batch: Index, query: int, key: int) -> bool:
        if self.call.attributes["is_causal"] and key > query:
            return False
        if self.mask is None:
            return True
        entry = self.mask.array[broadcast_index((*batch, query, key), self.mask.shape)]
        return bool(entry) if self.added is None else not np.isneginf(entry)

    def taken(self, batch: Index, query: int) -> Array:
        """Return what one query takes of each key; kept, as many elements ask for it."""
        at = (*batch, query)
        if at not in self._rows:
            chosen = self.chosen(batch, query)
            scores = np.array([self.score(batch, query, key).value for key in chosen])
            row = np.zeros(self.keys)
            if chosen:
                row[chosen] = shares(scores, is_causal=False)
            self._rows[at] = row
        return self._rows[at]

    def chosen(self, batch: Index, query: int) -> list[int]:
        return [key for key in range(self.keys) if self.takes_part(batch, query, key)]

    def _pair(self, batch: Index, query: int, key: int) -> str:
        rows = ((self.q, query), (self.k, key))
        return ", ".join(
            part_of(operand, (*self.row(operand, batch, at), slice(None))) for operand, at in rows
        )

    def score(self, batch: Index, query: int, key: int) -> Ref:
        """Write how well a key answers a query."""
        q, k = self.row(self.q, batch, query), self.row(self.k, batch, key)
        added = self.added
        place = () if added is None else broadcast_index((*batch, query, key), added.shape)

        def made() -> Expression:
            width = self.q.shape[-1]
            products = [self.q.at((*q, e)) * self.k.at((*k, e)) for e in range(width)]
            score = _scaled(self.call, summed(products))
            return score if added is None else score + added.at(place)

        # Its number is worked out where it is asked for, as there are many.
        row = self.q.array[q].astype(np.float64)
        value = float(row @ self.k.array[k].astype(np.float64))
        value *= scale_of(row, self.call.attributes["scale"])
        if added is not None:
            value += float(added.array[place])
        return Ref(f"score({self._pair(batch, query, key)})", value=value, made=made)

    def weight(self, batch: Index, query: int, key: int) -> Ref:
        """Write how much a query takes of a key."""

        def made() -> Expression:
            scores = [self.score(batch, query, each) for each in self.chosen(batch, query)]
            shift = shift_of(scores)
            own = exp(shifted(self.score(batch, query, key), shift))
            return Div(own, Add(tuple(exp(shifted(score, shift)) for score in scores)))

        value = float(self.taken(batch, query)[key])
        return Ref(f"attention({self._pair(batch, query, key)})", value=value, made=made)

    def value(self, batch: Index, key: int, at: int) -> Expression:
        return self.v.at((*self.row(self.v, batch, key), at))

    def pull(self, batch: Index, query: int, key: int, at: int) -> Expression:
        """Write how an output changes with one score: weight·(value - output)."""
        out = self.call.output.at((*batch, query, at))
        return self.weight(batch, query, key) * (self.value(batch, key, at) - out)


def _attention(call: Call) -> _Attention:
    return call.once("attention", lambda: _Attention(call))


def element(call: Call, index: Index) -> Expression:
    of, batch, (query, at) = _attention(call), index[:-2], index[-2:]
    return summed(
        of.weight(batch, query, key) * of.value(batch, key, at) for key in of.chosen(batch, query)
    )


def partials(call: Call, position: int, index: Index) -> list[Partial]:
    ways = _by_mask if position == MASK else _by_row
    return by_output(ways(call, position, index))


def _by_row(call: Call, position: int, index: Index) -> Iterator[Partial]:
    of, width = _attention(call), range(call.output.shape[-1])
    row, at = index[-2:]
    for batch in broadcast_targets(index[:-2], call.operands[position].shape[:-2], of.batch):
        if position == QUERY:
            chosen = of.chosen(batch, row)
            keys = [of.k.at((*of.row(of.k, batch, key), at)) for key in chosen]
            for out in width if chosen else ():
                pulls = [of.pull(batch, row, key, out) for key in chosen]
                products = [key * pull for key, pull in zip(keys, pulls, strict=True)]
                yield (*batch, row, out), _scaled(call, summed(products))
            continue
        for query in range(of.q.shape[-2]):
            if not of.takes_part(batch, query, row):
                continue
            if position == VALUE:
                yield (*batch, query, at), of.weight(batch, query, row)
                continue
            own = of.q.at((*of.row(of.q, batch, query), at))
            for out in width:
                yield (*batch, query, out), _scaled(call, own * of.pull(batch, query, row, out))


def _by_mask(call: Call, position: int, index: Index) -> Iterator[Partial]:
    of = _attention(call)
    if of.added is None:
        return
    for *batch, query, key in broadcast_targets(index, of.added.shape, of.of_scores):
        if of.takes_part(tuple(batch), query, key):
            for out in range(call.output.shape[-1]):
                yield (*batch, query, out), of.pull(tuple(batch), query, key, out)


# --- whole tensors ----------------------------------------------------------------------


def _scaled(call: Call, body: Expression) -> Expression:
    width = call.operands[QUERY].shape[-1]
    scale = call.attributes["scale"]
    return body / root(Number(float(width))) if scale is None else Number(scale) * body


def _weights(call: Call) -> Expression:
    """Write the weights: the softmax of the scores, with what the mask does to them."""
    q, k, _, *mask = call.wholes
    scores = _scaled(call, MatMul(q, Transpose(k)))
    name = "causal_softmax" if call.attributes["is_causal"] else "softmax"
    choices = mask
    if is_choice(call.arrays[MASK:]):
        name = f"masked_{name}"
    elif mask:
        scores, choices = scores + mask[0], []
    compute = partial(shares, is_causal=call.attributes["is_causal"])
    return Opaque(name, (scores, *choices), (("dim", -1),), compute)


def formula(call: Call) -> Expression:
    return MatMul(_weights(call), call.operands[VALUE].whole())


def gradient(call: Call, position: int, upstream: Expression) -> Expression:
    q, k, v, *_ = call.wholes
    weights = _weights(call)
    *batch, queries, _ = call.output.shape
    shape = call.operands[position].shape
    mean = SumOver(upstream * call.output.whole(), (len(batch) + 1,), (*batch, queries, 1))
    to_scores = weights * (MatMul(upstream, Transpose(v)) - mean)
    if position == MASK:
        return sum_to(to_scores, (*batch, queries, call.operands[KEY].shape[-2]), shape)
    if position == VALUE:
        body: Expression = MatMul(Transpose(weights), upstream)
    elif position == QUERY:
        body = _scaled(call, MatMul(to_scores, k))
    else:
        body = _scaled(call, MatMul(Transpose(to_scores), q))
    return sum_to(body, (*batch, *shape[-2:]), shape)


ATTENTION = Rule(
    name="scaled_dot_product_attention",
    bind=binder(
        *("query", "key", "value"),
        attn_mask=OPTIONAL,
        dropout_p=Refused(0.0, "dropout_p={}, whose mask is drawn inside it"),
        is_causal=False,
        scale=None,
        enable_gqa=Refused(False, "enable_gqa=True"),
    ),
    forward=forward,
    vjp=vjp,
    element=element,
    partials=partials,
    formula=formula,
    gradient=gradient,
    words="each query takes a mean of the values, weighed by how well their keys answer it",
    functional=True,
)
