"""`scaled_dot_product_attention`: each query takes a mean of the values, weighed by the keys.

Vaswani et al., "Attention Is All You Need" (2017), equation 1: softmax(q kᵀ/√E) v, over the
last two axes. One element is told with its weights as numbers of their own,
`attention(q[0,1,:], k[0,2,:])`, how much query 1 takes of key 2; a weight says itself how it
is made of scores.

A query that may take no key takes nothing, as PyTorch has it from 2.5 on; up to 2.4 it made
that NaN, with which the numbers here are marked as not equal.
"""

from __future__ import annotations

from functools import partial
from math import sqrt
from typing import Any

import numpy as np

from ...symbolic.build import exp, summed
from ...symbolic.expression import (
    Add,
    Apply,
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
from ..elementwise.exponentials import shift_of, shifted
from ..reduction.parts import part_of
from ..rule import (
    OPTIONAL,
    Call,
    Operand,
    Partial,
    Refused,
    Rule,
    binder,
    broadcast_index,
    broadcast_targets,
    sum_to,
    unbroadcast,
)

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
    found: Array = powers / np.where(total == 0, np.ones_like(total), total)
    return found


def weights(q: Array, k: Array, *mask: Array, is_causal: bool, scale: float | None) -> Array:
    """Return how much each query takes of each key, [..., query, key]."""
    scores = (q @ k.swapaxes(-1, -2)) * np.asarray(scale_of(q, scale), q.real.dtype)
    if mask and not is_choice(mask):
        return shares(scores + mask[0], is_causal=is_causal)
    return shares(scores, *mask, is_causal=is_causal)


def forward(q: Array, k: Array, v: Array, *mask: Array, **settings: Any) -> Array:
    found: Array = weights(q, k, *mask, **settings) @ v
    return found


def vjp(
    upstream: Array, output: Array, q: Array, k: Array, v: Array, *mask: Array, **settings: Any
) -> tuple[Array | None, ...]:
    taken = weights(q, k, *mask, **settings)
    # A weight that grows takes from the others: only what differs from the mean counts.
    beyond = upstream @ v.swapaxes(-1, -2) - (upstream * output).sum(axis=-1, keepdims=True)
    to_scores = taken * beyond
    scaled = to_scores * np.asarray(scale_of(q, settings["scale"]), to_scores.dtype)
    found: list[Array | None] = [
        unbroadcast(scaled @ k, q.shape),
        unbroadcast(scaled.swapaxes(-1, -2) @ q, k.shape),
        unbroadcast(taken.swapaxes(-1, -2) @ upstream, v.shape),
    ]
    if mask:
        found.append(None if is_choice(mask) else unbroadcast(to_scores, mask[0].shape))
    return tuple(found)


# --- one element ------------------------------------------------------------------------


class _Told:
    """The weights of one call, as numbers that say themselves how they are made."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.q, self.k, self.v, *rest = call.operands
        self.mask: Operand | None = rest[0] if rest else None
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
        found = self.mask.array[broadcast_index((*batch, query, key), self.mask.shape)]
        return bool(found) if is_choice((self.mask.array,)) else not np.isneginf(found)

    def taken(self, batch: Index, query: int) -> Array:
        """Return what one query takes of each key; kept, as many elements ask for it."""
        at = (*batch, query)
        if at not in self._rows:
            chosen = self.chosen(batch, query)
            scores = np.array([self.score(batch, query, key).value for key in chosen])
            found = np.zeros(self.keys)
            if chosen:
                found[chosen] = shares(scores, is_causal=False)
            self._rows[at] = found
        return self._rows[at]

    def chosen(self, batch: Index, query: int) -> list[int]:
        return [key for key in range(self.keys) if self.takes_part(batch, query, key)]

    def _pair(self, batch: Index, query: int, key: int) -> str:
        rows = ((self.q, query), (self.k, key))
        parts = [
            part_of(operand, (*self.row(operand, batch, at), slice(None))) for operand, at in rows
        ]
        return ", ".join(parts)

    def score(self, batch: Index, query: int, key: int) -> Ref:
        """Write how well a key answers a query."""

        def made() -> Expression:
            q, k = self.row(self.q, batch, query), self.row(self.k, batch, key)
            width = self.q.shape[-1]
            products = [self.q.at((*q, e)) * self.k.at((*k, e)) for e in range(width)]
            found = _scaled(self.call, summed(products))
            if self.mask is not None and not is_choice((self.mask.array,)):
                at = broadcast_index((*batch, query, key), self.mask.shape)
                found = found + self.mask.at(at)
            return found

        # Its number is worked out where it is asked for, as there are many.
        q = self.q.array[self.row(self.q, batch, query)].astype(np.float64)
        k = self.k.array[self.row(self.k, batch, key)].astype(np.float64)
        value = float(q @ k) * scale_of(q, self.call.attributes["scale"])
        if self.mask is not None and not is_choice((self.mask.array,)):
            at = broadcast_index((*batch, query, key), self.mask.shape)
            value += float(self.mask.array[at])
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


def element(call: Call, index: Index) -> Expression:
    told = _Told(call)
    *batch, query, at = index
    return summed(
        [
            told.weight(tuple(batch), query, key) * _value(told, tuple(batch), key, at)
            for key in told.chosen(tuple(batch), query)
        ]
    )


def _value(told: _Told, batch: Index, key: int, at: int) -> Expression:
    return told.v.at((*told.row(told.v, batch, key), at))


def _pull(told: _Told, batch: Index, query: int, key: int, at: int) -> Expression:
    """Write how an output changes with one score: weight·(value - output)."""
    out = told.call.output.at((*batch, query, at))
    return told.weight(batch, query, key) * (_value(told, batch, key, at) - out)


def partials(call: Call, position: int, index: Index) -> list[Partial]:
    told = _Told(call)
    width = call.output.shape[-1]
    queries = range(told.q.shape[-2])
    if position == MASK:
        return _by_mask(told, index)
    found: list[Partial] = []
    *lead, row, at = index
    for batch in broadcast_targets(tuple(lead), call.operands[position].shape[:-2], told.batch):
        if position == VALUE:
            found += [
                ((*batch, query, at), told.weight(batch, query, row))
                for query in queries
                if told.takes_part(batch, query, row)
            ]
        elif position == KEY:
            found += [
                (
                    (*batch, query, each),
                    _scaled(
                        call,
                        told.q.at((*told.row(told.q, batch, query), at))
                        * _pull(told, batch, query, row, each),
                    ),
                )
                for query in queries
                if told.takes_part(batch, query, row)
                for each in range(width)
            ]
        else:
            found += [
                ((*batch, row, each), _scaled(call, _over_keys(told, batch, row, each, at)))
                for each in range(width)
                if told.chosen(batch, row)
            ]
    return found


def _over_keys(told: _Told, batch: Index, query: int, out: int, at: int) -> Expression:
    return summed(
        [
            told.k.at((*told.row(told.k, batch, key), at)) * _pull(told, batch, query, key, out)
            for key in told.chosen(batch, query)
        ]
    )


def _by_mask(told: _Told, index: Index) -> list[Partial]:
    mask = told.call.operands[MASK]
    if is_choice((mask.array,)):
        return []
    pulls: dict[Index, list[Expression]] = {}
    for *batch, query, key in broadcast_targets(index, mask.shape, told.of_scores):
        for at in range(told.call.output.shape[-1]):
            out = (*batch, query, at)
            if told.takes_part(tuple(batch), query, key):
                pulls.setdefault(out, []).append(_pull(told, tuple(batch), query, key, at))
    return [(out, summed(terms)) for out, terms in pulls.items()]


# --- whole tensors ----------------------------------------------------------------------


def _scaled(call: Call, body: Expression) -> Expression:
    width = call.operands[QUERY].shape[-1]
    scale = call.attributes["scale"]
    return body / Apply("sqrt", (Number(float(width)),)) if scale is None else Number(scale) * body


def _weights(call: Call) -> Expression:
    """Write the weights: the softmax of the scores, with what the mask does to them."""
    q, k, _, *mask = call.operands
    scores = _scaled(call, MatMul(q.whole(), Transpose(k.whole())))
    added = [m for m in mask if not is_choice((m.array,))]
    for operand in added:
        scores = scores + operand.whole()
    choices = [operand for operand in mask if operand not in added]
    name = "causal_softmax" if call.attributes["is_causal"] else "softmax"
    if choices:
        name = f"masked_{name}"

    wholes = (scores, *(operand.whole() for operand in choices))
    compute = partial(shares, is_causal=call.attributes["is_causal"])
    return Opaque(name, wholes, (("dim", -1),), compute)


def formula(call: Call) -> Expression:
    return MatMul(_weights(call), call.operands[VALUE].whole())


def gradient(call: Call, position: int, upstream: Expression) -> Expression:
    q, k, v, *_ = call.operands
    taken = _weights(call)
    batch, shape = call.output.shape[:-2], call.operands[position].shape
    if position == VALUE:
        full = (*batch, *shape[-2:])
        return sum_to(MatMul(Transpose(taken), upstream), full, shape)
    rank = len(call.output.shape)
    mean = SumOver(upstream * call.output.whole(), (rank - 1,), (*call.output.shape[:-1], 1))
    to_scores = taken * (MatMul(upstream, Transpose(v.whole())) - mean)
    if position == MASK:
        return sum_to(to_scores, (*batch, q.shape[-2], k.shape[-2]), shape)
    if position == QUERY:
        return sum_to(_scaled(call, MatMul(to_scores, k.whole())), (*batch, *shape[-2:]), shape)
    turned = MatMul(Transpose(to_scores), q.whole())
    return sum_to(_scaled(call, turned), (*batch, *shape[-2:]), shape)


# No mean of these cancels, so that each is held to its last digits.

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
