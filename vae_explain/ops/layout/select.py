"""Taking a part of a tensor: `getitem`, `select`, `narrow`, `index_select`.

All of them are one thing: a key, as one writes it between brackets, says which elements of
the operand stand where in the output.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...symbolic.expression import Expression, Index, Opaque, Ref
from ...trace import Array, Slot
from ..binding import OPERAND, REQUIRED, Bound, NotExplained, binder
from ..broadcasting import broadcast_index
from ..copying import FIRST, copying
from ..rule import Call, Rule

Key = tuple[Any, ...]


def written(key: Key) -> str:
    """Write a key as Python does: `[:, 0:2]`.

    Examples
    --------
    >>> written((slice(None), slice(1, 3))), written((Ellipsis, None, 0))
    ('[:, 1:3]', '[..., None, 0]')
    """
    return f"[{', '.join(map(_written_part, key))}]"


def _written_part(part: Any) -> str:
    if part is Ellipsis:
        return "..."
    if isinstance(part, slice):
        start, stop = ("" if end is None else str(end) for end in (part.start, part.stop))
        step = "" if part.step in (None, 1) else f":{part.step}"
        return f"{start}:{stop}{step}"
    return str(part.tolist()) if isinstance(part, np.ndarray) else str(part)


def taken(body: Expression, key: Key) -> Expression:
    """Return the part of a whole tensor that a key takes."""
    return Opaque(written(key), (body,), (), lambda array: np.asarray(array[key]))


def placed(array: Array, key: Key, shape: tuple[int, ...]) -> Array:
    """Put numbers back where a key took them from, adding where it took one twice."""
    result = np.zeros(shape, dtype=array.dtype)
    np.add.at(result, key, array)
    return result


# The key of a call: from the operands' shapes and the other operands' arrays.
KeyOf = Callable[..., Key]


def _key(call: Call, key: KeyOf) -> Key:
    return key(*call.arrays, **call.attributes)


def padded(call: Call) -> bool:
    """Whether a row of a table stands for nothing and learns nothing, which a formula says."""
    return call.attributes.get("padding_idx") is not None


def selecting(
    name: str,
    *,
    bind: Callable[..., Bound],
    key: KeyOf,
    words: str,
    by_name: bool = False,
    **fields: Any,
) -> Rule:
    """Make the rule of an op that takes a part of its first operand.

    Parameters
    ----------
    key
        `key(*arrays, **attributes)`, what would stand between the brackets.
    by_name
        Whether a formula shows the call of an op whose places are a value of the run, or which
        does more than take; of any other it shows the places.
    fields
        Further fields of the rule.
    """

    def forward(x: Array, *others: Array, **attributes: Any) -> Array:
        return np.asarray(x[key(x, *others, **attributes)])

    def formula(call: Call) -> Expression:
        places = call.operands[1].whole() if by_name else None
        if isinstance(places, Ref) and (places.role == "value" or padded(call)):
            return rule.named(call)
        return taken(call.operands[0].whole(), _key(call, key))

    def gradient(call: Call, position: int, upstream: Expression) -> Expression:
        shape = call.operands[0].shape
        where = _key(call, key)
        options = (("at", written(where)), ("of", shape))
        return Opaque("zeros_but", (upstream,), options, lambda g: placed(g, where, shape))

    rule = copying(
        name,
        bind=bind,
        forward=forward,
        copied=FIRST,
        formula=formula,
        gradient=gradient,
        words=words,
        **fields,
    )
    return rule


# --- between brackets -------------------------------------------------------------------


class OperandIndex(int):
    """Stands in a key for one of the operands: an index that is itself a tensor."""


def bind_getitem(input: Any, key: Any) -> Bound:
    """Take the index tensors out of a key; they are operands."""
    operands = [input]
    parts: list[Any] = []
    for part in key if isinstance(key, tuple) else (key,):
        if isinstance(part, Slot):
            parts.append(OperandIndex(len(operands)))
            operands.append(part)
        elif part is None or part is Ellipsis or isinstance(part, int | slice):
            parts.append(part)
        else:
            raise NotExplained(f"an index that is a {type(part).__name__}")
    for part in parts:
        if isinstance(part, slice):
            ends = (part.start, part.stop, part.step)
            if not all(end is None or isinstance(end, int) for end in ends):
                raise NotExplained("a slice whose ends are tensors")
    return tuple(operands), {"key": tuple(parts)}


def getitem_key(*arrays: Array, key: Key) -> Key:
    return tuple(arrays[part] if isinstance(part, OperandIndex) else part for part in key)


def getitem_chosen_by(call: Call, index: Index) -> list[tuple[int, Index]]:
    """Return the places that were asked for, where they follow each other between the brackets.

    What they make then stands in the output where they stand in the key.
    """
    key = call.attributes["key"]
    at = [i for i, part in enumerate(key) if isinstance(part, OperandIndex)]
    if not at or at[-1] - at[0] >= len(at) or any(type(part) is int for part in key):
        return []
    shapes = [call.operands[key[i]].shape for i in at]
    if any(call.operands[key[i]].array.dtype == bool for i in at):
        return []
    rank = len(np.broadcast_shapes(*shapes))
    behind = len(call.output.shape) - rank
    # Axes of the output before the places: one for each slice and each new axis.
    before = sum(part is not Ellipsis for part in key[: at[0]])
    if Ellipsis in key[: at[0]]:
        before = behind - len(key[at[-1] + 1 :])
    own = index[before : before + rank]
    return [(int(key[i]), broadcast_index(own, shape)) for i, shape in zip(at, shapes, strict=True)]


GETITEM = selecting(
    "getitem",
    bind=bind_getitem,
    key=getitem_key,
    chosen_by=getitem_chosen_by,
    words="a part of it",
    torch="torch.Tensor.__getitem__",
)


def at_axis(dim: int, rank: int, part: Any) -> Key:
    return (*(slice(None),) * (dim % rank), part)


SELECT = selecting(
    "select",
    bind=binder("input", dim=REQUIRED, index=REQUIRED),
    key=lambda x, dim, index: at_axis(dim, x.ndim, index),
    words="a part of it",
)


def narrow_key(x: Array, dim: int, start: int, length: int) -> Key:
    first = start % x.shape[dim]
    return at_axis(dim, x.ndim, slice(first, first + length))


NARROW = selecting(
    "narrow",
    bind=binder("input", dim=REQUIRED, start=REQUIRED, length=REQUIRED),
    key=narrow_key,
    words="a part of it",
)


INDEX_SELECT = selecting(
    "index_select",
    bind=binder("input", dim=REQUIRED, index=OPERAND),
    key=lambda x, index, dim: at_axis(dim, x.ndim, index),
    chosen_by=lambda call, index: [(1, (index[call.attributes["dim"]],))],
    by_name=True,
    words="the rows that an index names",
)
