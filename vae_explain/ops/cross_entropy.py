"""`cross_entropy` and `nll_loss`: how surprising the right classes are.

The right class is an index, or for `cross_entropy` also a probability for every class. An
index that is to be ignored takes no part, in the loss nor in the number it is divided by.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ..expression import ONE, ZERO, Add, Div, Expression, Index, Number, Opaque
from ..trace import Array
from .losses import plain
from .rule import Bound, Call, Example, NotExplained, Partial, Rule, indices, unusual
from .softmax import exp, log_softmax, log_total, shift_of, shifted

INPUT, TARGET = range(2)
IGNORED = -100


def bind(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    ignore_index: int = IGNORED,
    reduce: Any = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Bound:
    plain(weight=weight, size_average=size_average, reduce=reduce)
    if label_smoothing:
        raise NotExplained("label_smoothing")
    return (input, target), {"reduction": reduction, "ignore_index": ignore_index}


# --- by numbers -------------------------------------------------------------------------


def class_axis(rank: int) -> int:
    return 1 if rank > 1 else 0


def is_index(target: Array) -> bool:
    return bool(np.issubdtype(target.dtype, np.integer))


def wanted(x: Array, target: Array, ignore_index: int) -> Array:
    """Return the probability that each class should have: for an index, 1 at that class."""
    if not is_index(target):
        return target
    axis = class_axis(x.ndim)
    classes = np.arange(x.shape[axis]).reshape(-1, *(1,) * (x.ndim - 1 - axis))
    given = np.expand_dims(target, axis)
    right: Array = (classes == given) & (given != ignore_index)
    return right.astype(np.real(x).dtype)


def counted(x: Array, target: Array, ignore_index: int) -> int:
    """Return how many rows a mean is over."""
    if is_index(target):
        return int((target != ignore_index).sum())
    return int(x.size // x.shape[class_axis(x.ndim)])


class _Form(NamedTuple):
    """Where the two ops differ: whether the input still has to become log-probabilities."""

    logits: bool

    def forward(self, x: Array, target: Array, reduction: str, ignore_index: int) -> Array:
        axis = class_axis(x.ndim)
        surprise = -(log_softmax(x, axis) if self.logits else x)
        rows = (wanted(x, target, ignore_index) * surprise).sum(axis=axis)
        if reduction == "none":
            return np.asarray(rows)
        total = rows.sum()
        return np.asarray(total if reduction == "sum" else total / counted(x, target, ignore_index))

    def vjp(
        self, g: Array, y: Array, x: Array, target: Array, reduction: str, ignore_index: int
    ) -> tuple[Array | None, ...]:
        axis = class_axis(x.ndim)
        shares = wanted(x, target, ignore_index)
        arriving = np.expand_dims(g, axis) if reduction == "none" else g
        if reduction == "mean":
            arriving = arriving / counted(x, target, ignore_index)
        logs = log_softmax(x, axis) if self.logits else x
        pull = np.exp(logs) * shares.sum(axis=axis, keepdims=True) if self.logits else 0
        return arriving * (pull - shares), None if is_index(target) else -arriving * logs

    # --- as expressions ---

    def surprise(self, call: Call, row: Index, label: int) -> Expression:
        """Write how surprising one class of a row is."""
        x = call.operands[INPUT]
        own = x.at(_full(call, row, label))
        return log_total(_classes(call, row)) - own if self.logits else -own

    def row_loss(self, call: Call, row: Index) -> Expression:
        target = call.operands[TARGET]
        if is_index(target.array):
            label = int(target.array[row])
            ignored = label == call.attributes["ignore_index"]
            return ZERO if ignored else self.surprise(call, row, label)
        return Add(
            tuple(
                target.at(_full(call, row, label)) * self.surprise(call, row, label)
                for label in range(_width(call))
            )
        )

    def element(self, call: Call, index: Index) -> Expression:
        if call.attributes["reduction"] == "none":
            return self.row_loss(call, index)
        return _shared(call, Add(tuple(self.row_loss(call, row) for row in _rows(call))))

    def partials(self, call: Call, position: int, index: Index) -> list[Partial]:
        target = call.operands[TARGET]
        axis = class_axis(len(call.operands[INPUT].shape))
        if is_index(target.array) and position == TARGET:
            return []
        row, label = (*index[:axis], *index[axis + 1 :]), index[axis]
        if position == TARGET:
            local = self.surprise(call, row, label)
        else:
            local = self.pull(call, row, label)
        if call.attributes["reduction"] == "none":
            return [(row, local)]
        return [((), _shared(call, local))]

    def pull(self, call: Call, row: Index, label: int) -> Expression:
        """Write how the loss of a row moves with the input for one class."""
        target = call.operands[TARGET]
        if is_index(target.array):
            right = int(target.array[row])
            if right == call.attributes["ignore_index"]:
                return ZERO
            aim: Expression = ONE if right == label else ZERO
            total: Expression = ONE
        else:
            aim = target.at(_full(call, row, label))
            total = Add(tuple(target.at(_full(call, row, c)) for c in range(_width(call))))
        if not self.logits:
            return -aim
        terms = _classes(call, row)
        shift = shift_of(terms)
        powers = [exp(shifted(term, shift)) for term in terms]
        share = Div(powers[label], Add(tuple(powers)))
        if aim == ZERO:
            return share
        return (share if total == ONE else total * share) - aim


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


def _shared(call: Call, body: Expression) -> Expression:
    if call.attributes["reduction"] == "sum":
        return body
    x, target = call.arrays
    return Div(body, Number(float(counted(x, target, call.attributes["ignore_index"]))))


def surprising(name: str, logits: bool, words: str, *examples: Example) -> Rule:
    """Make the rule of a loss over classes. Its whole formula is its name."""
    form = _Form(logits)
    usual = {"reduction": "mean", "ignore_index": IGNORED}

    def formula(call: Call) -> Expression:
        wholes = tuple(operand.whole() for operand in call.operands)
        options = unusual(call.attributes, usual)
        target = call.operands[TARGET].array

        def compute(x: Array, _: Any) -> Array:
            return form.forward(x, target, **call.attributes)

        return Opaque(name, wholes, options, compute)

    def gradient(call: Call, position: int, upstream: Expression) -> Expression:
        wholes = tuple(operand.whole() for operand in call.operands)
        options = (("by", position + 1), *unusual(call.attributes, usual))

        target = call.operands[TARGET].array

        def back(g: Any, x: Array, _: Any) -> Array | None:
            output = call.output.array
            return form.vjp(np.asarray(g), output, x, target, **call.attributes)[position]

        return Opaque(f"{name}_backward", (upstream, *wholes), options, back)

    return Rule(
        name=name,
        bind=bind,
        forward=form.forward,
        vjp=form.vjp,
        element=form.element,
        partials=form.partials,
        formula=formula,
        gradient=gradient,
        words=words,
        torch=f"torch.nn.functional.{name}",
        examples=examples,
    )


_X = np.array([[0.25, -1.0, 3.0], [2.0, 0.5, -0.75]])
_SHARES = np.array([[0.25, 0.5, 0.25], [0.0, 0.75, 0.5]])
_LABELS, _SOME = np.array([2, 1]), np.array([IGNORED, 1])
_IMAGES = np.stack([_X, 1 - _X]).transpose(0, 2, 1)


def _as(reduction: str, ignore_index: int = IGNORED) -> dict[str, Any]:
    return {"reduction": reduction, "ignore_index": ignore_index}


CROSS_ENTROPY = surprising(
    "cross_entropy",
    True,
    "how surprising the right classes are under these logits",
    Example((_X, _LABELS), _as("mean")),
    Example((_X, _LABELS), _as("none")),
    Example((_X, _SOME), _as("mean")),
    Example((_X[0], np.array(1)), _as("sum")),
    Example((_IMAGES, np.array([[2, 1], [0, 1]])), _as("sum", ignore_index=1)),
    Example((_X, _SHARES), _as("mean")),
)

NLL_LOSS = surprising(
    "nll_loss",
    False,
    "how surprising the right classes are under these log-probabilities",
    Example((_X, _LABELS), _as("mean")),
    Example((_X, _SOME), _as("sum")),
)
