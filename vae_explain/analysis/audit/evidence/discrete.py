"""Where a run has discrete latents: categories that are relaxed, and codes of a codebook.

Categories are found where noise goes into the logits of a softmax, codes where rows of a
parameter are picked by a number that the encoder's output was ranked by.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ....engine.graph import BoundOperation
from ....quick_classes import NamedTuple, dataclass
from ....trace import Array
from .lineage import Lineage
from .posterior import Site
from .summands import Summand

SOFTMAXES = ("softmax", "log_softmax")


class Categories(NamedTuple):
    """One place where categories are sampled.

    Attributes
    ----------
    site
        With the logits as its location.
    logits
        The logits in the shape that the softmax takes, before noise goes in.
    axis
        The axis of the categories.
    """

    site: Site
    logits: int
    axis: int


@dataclass(frozen=True)
class Codes:
    """One codebook in use.

    Attributes
    ----------
    codebook
        The parameter or buffer that has a row for each code.
    picked
        The rows that were picked.
    index
        By which they were.
    """

    codebook: int
    picked: int
    index: int


def find_categories(lineage: Lineage, first: int) -> tuple[Categories, ...]:
    """Return where a run samples categories; sites are numbered from `first` on."""
    categories: list[Categories] = []
    for bound in lineage.graph.operations:
        if bound.rule_name not in SOFTMAXES or bound.output not in lineage.graph.reaches_loss:
            continue
        source = bound.sources[0]
        if not (lineage.learned(source) and lineage.from_input(source)):
            continue
        before = _before_noise(lineage, source)
        if before is None:
            continue
        noise, logits = before
        head = _head(lineage, logits)
        if any(each.site.location == head for each in categories):
            continue
        site = Site(first + len(categories), noise, bound.output, head, ())
        axis = int(bound.attributes.get("dim", -1) or -1) % lineage.values[source].ndim
        categories.append(Categories(site, logits, axis - lineage.values[source].ndim))
    return tuple(categories)


def _before_noise(lineage: Lineage, value_id: int) -> tuple[int, int] | None:
    """Return the draw that goes into a softmax's input, and the logits that it is added to."""
    current = value_id
    while (bound := lineage.graph.producer(current)) is not None:
        if not lineage.is_arithmetic(bound):
            return None
        learned = [i for i in lineage.operands(bound) if lineage.learned(i)]
        if len(learned) != 1:
            return None
        for other in lineage.operands(bound):
            if other != learned[0]:
                draws = [i for i in sorted(lineage.ancestors(other)) if lineage.is_draw(i)]
                if draws:
                    return draws[0], learned[0]
        current = learned[0]
    return None


def _head(lineage: Lineage, value_id: int) -> int:
    def passes(bound: BoundOperation) -> bool:
        return lineage.is_arithmetic(bound) or bound.rule_name in SOFTMAXES

    return lineage.walk_back(value_id, passes)[-1]


def find_codes(lineage: Lineage) -> tuple[Codes, ...]:
    """Return where a run picks rows of a codebook."""
    codes: list[Codes] = []
    for bound in lineage.graph.operations:
        if bound.output not in lineage.graph.reaches_loss or bound.rule is None:
            continue
        inputs = lineage.operands(bound)
        books = [i for i in inputs if _is_book(lineage, i)]
        for book in books:
            picks = [i for i in inputs if i != book and _picks(lineage, i)]
            if picks:
                base = lineage.walk_back(book, lineage.copies)[-1]
                codes.append(Codes(base, bound.output, picks[0]))
    return tuple(dict.fromkeys(codes))


def _is_book(lineage: Lineage, value_id: int) -> bool:
    base = lineage.walk_back(value_id, lineage.copies)[-1]
    return lineage.trace.values[base].kind in ("parameter", "buffer") and (
        lineage.values[base].ndim == 2
    )


def _picks(lineage: Lineage, value_id: int) -> bool:
    """Whether a value is a number, or a 1 among 0s, that what is encoded was ranked by."""
    array = lineage.values[value_id]
    if not lineage.from_input(value_id) or value_id in lineage.trace.gradients:
        return False
    if array.dtype.kind in "iu":
        return lineage.learned(value_id)
    one_hot = (
        array.ndim >= 2
        and bool(np.isin(array, (0, 1)).all())
        and bool((array.sum(axis=-1) == 1).all())
    )
    return one_hot and lineage.learned(value_id)


class CodeTerm(NamedTuple):
    """A term of the loss that compares what is encoded with its code.

    Attributes
    ----------
    encoded
        What is encoded, before copies.
    side
        What it is compared with, as the comparison has it.
    comparison
        The output of the operation that compares.
    """

    summand: Summand
    encoded: int
    side: int
    comparison: int


def code_terms(lineage: Lineage, summands: Sequence[Summand], codes: Codes) -> Iterator[CodeTerm]:
    """Yield the terms of a loss that compare what is encoded with its code."""
    behind_index = lineage.ancestors(codes.index)
    code = lineage.values[codes.picked]

    def base(value_id: int) -> int:
        # Through a detach too, whose copy is one of the value all the same.
        current = value_id
        while (bound := lineage.graph.producer(current)) is not None and lineage.copies(bound):
            current = lineage.operands(bound)[0]
        return current

    for summand in summands:
        inside = lineage.walk(
            summand.value,
            lambda n: (
                lineage.made_from(n)
                if lineage.kind(n) in ("elementwise", "reduction", "loss")
                else ()
            ),
        )
        for value_id in inside:
            bound = lineage.graph.producer(value_id)
            if bound is None or len(bound.sources) < 2:
                continue
            if bound.kind != "loss" and bound.rule_name != "sub":
                continue
            sides = list(bound.sources.values())[:2]
            for encoded, side in (sides, sides[::-1]):
                # A straight-through copy has the code's numbers, whatever its gradient is.
                same = _same_numbers(lineage.values[side], code)
                apart = base(encoded) != base(side) and not _same_numbers(
                    lineage.values[encoded], code
                )
                if base(encoded) in behind_index and same and apart:
                    yield CodeTerm(summand, base(encoded), side, value_id)


def _same_numbers(one: Array, other: Array) -> bool:
    if one.size != other.size or one.dtype.kind != "f":
        return False
    return bool(np.allclose(np.sort(one, axis=None), np.sort(other, axis=None), atol=1e-5))
