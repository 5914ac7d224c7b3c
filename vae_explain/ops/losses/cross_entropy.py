"""`cross_entropy` and `nll_loss`: how surprising the right classes are.

The right class is an index, or for `cross_entropy` also a probability for every class. An
index that is to be ignored takes no part, in the loss nor in the number it is divided by. A
class may have a weight; over indices the mean is then one by the weights of the right classes.
Labels that are smoothed give each class its part of the probability, `cross_entropy` alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...quick_classes import NamedTuple
from ...symbolic.build import exp, multiplied, summed
from ...symbolic.expression import ONE, ZERO, Add, Div, Expression, Index, Number
from ...trace import Array
from ..binding import OPTIONAL, binder
from ..broadcasting import indices
from ..elementwise.logarithms import log_share, log_total, shift_of, shifted
from ..reduction.softmax import log_softmax
from ..rule import Call, Partial, Rule
from .elementwise_loss import OLD

INPUT, TARGET, WEIGHT = range(3)
IGNORED = -100


def _in_order(attributes: dict[str, Any]) -> dict[str, Any]:
    if not attributes["label_smoothing"]:
        del attributes["label_smoothing"]
    return {"reduction": attributes["reduction"], **attributes}  # it is written first


bind = binder(
    *("input", "target"),
    weight=OPTIONAL,
    size_average=OLD["size_average"],
    ignore_index=IGNORED,
    reduce=OLD["reduce"],
    reduction="mean",
    label_smoothing=0.0,
).then(_in_order)


# --- by numbers -------------------------------------------------------------------------


def class_axis(rank: int) -> int:
    return 1 if rank > 1 else 0


def is_index(target: Array) -> bool:
    return bool(np.issubdtype(target.dtype, np.integer))


def along(weight: Array, rank: int) -> Array:
    """Return the weights of the classes along the axis of the classes."""
    return weight.reshape(-1, *(1,) * (rank - 1 - class_axis(rank)))


def wanted(
    x: Array,
    target: Array,
    weight: tuple[Array, ...],
    ignore_index: int,
    label_smoothing: float = 0.0,
) -> Array:
    """Return how much each class counts: for an index, 1 at that class, times its weight."""
    axis = class_axis(x.ndim)
    count = x.shape[axis]
    shares: Array = target
    kept: Any = 1
    if is_index(target):
        classes = np.arange(count).reshape(-1, *(1,) * (x.ndim - 1 - axis))
        labels = np.expand_dims(target, axis)
        kept = labels != ignore_index
        shares = ((classes == labels) & kept).astype(np.real(x).dtype)
    if label_smoothing:
        smooth = shares * (1 - label_smoothing) + kept * (label_smoothing / count)
        shares = np.asarray(smooth).astype(shares.dtype)
    return shares * along(weight[0], x.ndim) if weight else shares


def counted(x: Array, target: Array, weight: tuple[Array, ...], ignore_index: int) -> float:
    """Return what a mean is divided by: the rows, or the weights of their right classes."""
    if not is_index(target):
        return float(x.size // x.shape[class_axis(x.ndim)])
    if weight:
        return float(np.real(wanted(x, target, weight, ignore_index)).sum())
    return float((target != ignore_index).sum())


class _Form(NamedTuple):
    """Where the two ops differ: whether the input still has to become log-probabilities."""

    logits: bool

    def forward(
        self, x: Array, target: Array, *weight: Array, reduction: str, **settings: Any
    ) -> Array:
        axis = class_axis(x.ndim)
        surprise = -(log_softmax(x, axis) if self.logits else x)
        shares = wanted(x, target, weight, **settings)
        rows = (shares * surprise).sum(axis=axis)
        if reduction == "none":
            return np.asarray(rows)
        total = rows.sum()
        if reduction == "mean":
            total = total / counted(x, target, weight, settings["ignore_index"])
        return np.asarray(total)

    def vjp(
        self, g: Array, y: Array, x: Array, target: Array, *weight: Array, **attributes: Any
    ) -> tuple[Array | None, ...]:
        reduction, axis = attributes.pop("reduction"), class_axis(x.ndim)
        shares = wanted(x, target, weight, **attributes)
        arriving = np.expand_dims(g, axis) if reduction == "none" else g
        if reduction == "mean":
            arriving = arriving / counted(x, target, weight, attributes["ignore_index"])
        logs = log_softmax(x, axis) if self.logits else x
        pull = np.exp(logs) * shares.sum(axis=axis, keepdims=True) if self.logits else 0
        to_target = None
        if not is_index(target):
            to_target = -arriving * logs * (1 - attributes.get("label_smoothing", 0.0))
            to_target = to_target * along(weight[0], x.ndim) if weight else to_target
        # PyTorch has no gradient at the weight of an index.
        return arriving * (pull - shares), to_target, *(None for _ in weight)

    # --- as expressions ---

    def surprise(self, call: Call, row: Index, label: int) -> Expression:
        """Write how surprising one class of a row is."""
        x = call.operands[INPUT]
        own = x.at(_full(call, row, label))
        if not self.logits:
            return -own
        classes = _classes(call, row)
        return -log_share(call, own, classes) if call.as_computed else log_total(classes) - own

    def row_loss(self, call: Call, row: Index) -> Expression:
        terms = []
        for label in range(_width(call)):
            share = _share(call, row, label)
            if share != ZERO:
                surprise = self.surprise(call, row, label)
                terms.append(surprise if share == ONE else share * surprise)
        return summed(terms)

    def element(self, call: Call, index: Index) -> Expression:
        if call.attributes["reduction"] == "none":
            return self.row_loss(call, index)
        return _shared(call, Add(tuple(self.row_loss(call, row) for row in _rows(call))))

    def partials(self, call: Call, position: int, index: Index) -> list[Partial]:
        target = call.operands[TARGET]
        axis = class_axis(len(call.operands[INPUT].shape))
        if position == WEIGHT or (is_index(target.array) and position == TARGET):
            return []
        row, label = (*index[:axis], *index[axis + 1 :]), index[axis]
        if position == TARGET:
            local = self.surprise(call, row, label)
            smoothing = call.attributes.get("label_smoothing", 0.0)
            local = _weighted(call, label, Number(1 - smoothing) if smoothing else ONE, local)
        else:
            local = self.pull(call, row, label)
        if call.attributes["reduction"] == "none":
            return [(row, local)]
        return [((), _shared(call, local))]

    def pull(self, call: Call, row: Index, label: int) -> Expression:
        """Write how the loss of a row moves with the input for one class."""
        aim = _share(call, row, label)
        shares = [_share(call, row, each) for each in range(_width(call))]
        parts = [share for share in shares if share != ZERO]
        if not parts:
            return ZERO
        total = summed(parts)
        if is_index(call.operands[TARGET].array) and len(call.operands) <= WEIGHT:
            total = ONE  # of smoothed labels as well
        if not self.logits:
            return -aim
        terms = _classes(call, row)
        shift = shift_of(terms)
        powers = [exp(shifted(term, shift)) for term in terms]
        share = Div(powers[label], Add(tuple(powers)))
        drawn = share if total == ONE else total * share
        return drawn if aim == ZERO else drawn - aim


def _full(call: Call, row: Index, label: int) -> Index:
    axis = class_axis(len(call.operands[INPUT].shape))
    return (*row[:axis], label, *row[axis:])


def _width(call: Call) -> int:
    shape = call.operands[INPUT].shape
    return shape[class_axis(len(shape))]


def _classes(call: Call, row: Index) -> list[Expression]:
    x = call.operands[INPUT]
    return [x.at(_full(call, row, label)) for label in range(_width(call))]


def _rows(call: Call) -> Iterator[Index]:
    shape = call.operands[INPUT].shape
    axis = class_axis(len(shape))
    return indices((*shape[:axis], *shape[axis + 1 :]))


def _share(call: Call, row: Index, label: int) -> Expression:
    """Write how much a class counts in a row."""
    target, smoothing = call.operands[TARGET], call.attributes.get("label_smoothing", 0.0)
    part = smoothing / _width(call)
    if is_index(target.array):
        right = int(target.array[row])
        if right == call.attributes["ignore_index"]:
            return ZERO
        number = (1 - smoothing) * (right == label) + part
        return _weighted(call, label, ONE if number == 1 else Number(number), ONE)
    share = target.at(_full(call, row, label))
    if smoothing:
        share = Number(1 - smoothing) * share + Number(part)
    return _weighted(call, label, ONE, share)


def _weighted(call: Call, label: int, factor: Expression, body: Expression) -> Expression:
    """Write a number times a factor and the weight of a class, of which 1 is left out."""
    if factor == ZERO:
        return ZERO
    factors = [factor, body]
    if len(call.operands) > WEIGHT:
        factors.insert(0, call.operands[WEIGHT].at((label,)))
    return multiplied(each for each in factors if each != ONE)


def _shared(call: Call, body: Expression) -> Expression:
    if call.attributes["reduction"] == "sum":
        return body
    x, target, *weight = call.arrays
    ignored = call.attributes["ignore_index"]
    if weight and is_index(target):
        right = [int(label) for label in target.reshape(-1) if label != ignored]
        return Div(body, summed(call.operands[WEIGHT].at((label,)) for label in right))
    return Div(body, Number(counted(x, target, tuple(weight), ignored)))


def surprising(name: str, logits: bool, words: str) -> Rule:
    """Make the rule of a loss over classes. Its whole formula is its name."""
    form = _Form(logits)
    return Rule(
        name=name,
        bind=bind,
        forward=form.forward,
        vjp=form.vjp,
        element=form.element,
        partials=form.partials,
        words=words,
        functional=True,
        kind="loss",
    )


CROSS_ENTROPY = surprising(
    "cross_entropy", True, "how surprising the right classes are under these logits"
)

NLL_LOSS = surprising(
    "nll_loss", False, "how surprising the right classes are under these log-probabilities"
)
