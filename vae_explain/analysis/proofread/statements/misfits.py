"""What a document's formulas say of the lengths of its lists, and which list is not as long.

`μ = [0.4]` beside a σ, an ε and a z of two numbers has lost one. A matrix that only fits turned,
where the others fit as they stand, is printed transposed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice

from ....quick_classes import NamedTuple
from ..arithmetic.evaluation import as_rounded
from ..arithmetic.findings import DocumentFinding
from ..arithmetic.intervals import all_meet
from ..grammar.syntax import Row, Tree, flattened, inside, literals, parts, shown
from .chains import Chain
from .shaped import Axis, MatrixUse, Shaped
from .sizes import Sizes

MOST = 64  # of a document, which nobody reads
LEAST = 2  # lists or matrices that say how long another should be


class ShapeMisfit(NamedTuple):
    """A list that has lost a number, a matrix that has lost a row or is transposed.

    Attributes
    ----------
    instead
        What it should be; None if that is not known.
    """

    of: Shaped
    finding: DocumentFinding
    instead: Tree | None


def misfits(chains: Sequence[Chain]) -> list[ShapeMisfit]:
    """Return the lists and matrices that are not as long as a document's formulas take them for."""
    sizes = Sizes(chains)
    groups = list(sizes.alike())
    lost = (_lost(sizes, group) for group in groups)
    found = chain(_transposed(sizes, groups), filter(None, lost), _restated(sizes))
    return list({misfit.of.place: misfit for misfit in islice(found, MOST)}.values())


def without_misfits(chains: Sequence[Chain], found: Sequence[ShapeMisfit]) -> list[Chain]:
    """Return equations with what they should state, or with nothing in its place."""
    mended = list(chains)
    for of, _, instead in found:
        number, place = of.place
        sides = list(mended[number].sides)
        if place >= len(sides):  # it stands in arithmetic
            trees = enumerate(side.tree for side in sides)
            place = next(i for i, tree in trees if tree and any(p is of.tree for p in inside(tree)))
        sides[place] = sides[place]._replace(tree=instead)
        lost = instead is None and place == len(sides) - 1
        mended[number] = replace(mended[number], sides=tuple(sides), lost=lost)
    return mended


def known_of(
    found: Sequence[ShapeMisfit], others: Sequence[DocumentFinding]
) -> list[DocumentFinding]:
    """Return what is wrong, with what others know of what a list should be."""
    better = {(other.line, other.printed): other for other in reversed(others) if other.expected}
    findings = (misfit.finding for misfit in found)
    return [f if f.expected else better.get((f.line, f.printed), f) for f in findings]


def _lost(sizes: Sizes, group: Sequence[Axis]) -> ShapeMisfit | None:
    """Return the one list of several that has a number less, or the one matrix with a row less."""
    most = max(axis.size for axis in group)
    if all(axis.size == most for axis in group):
        return None
    axes = [axis for axis in group if axis.size == most or not axis.of.elements]  # maybe not all
    short = [axis for axis in axes if axis.size != most]
    others = {axis.of.place: axis for axis in axes if axis.size == most}
    if len(short) != 1 or len(others) < LEAST:
        return None
    (axis,) = short
    if axis.size != most - 1 or axis.number or not isinstance(axis.of.tree, Row):
        return None
    if _is_another(sizes, {one.of.name for one in axes}, axis):
        return None
    what = "rows" if len(axis.of.shape) > 1 else "numbers"
    if axis.size == 1:
        what = what[:-1]
    beside = sizes.beside(axis)
    nearest = sorted(
        others.values(), key=lambda one: (one.key not in beside, *_distance(one, axis))
    )
    named = list(dict.fromkeys(other.of.name for other in nearest if other.of.name))
    name = axis.of.name or shown(flattened(axis.of.tree))
    with_more = " and ".join(named[:2]) if named else "what stands beside it"
    have = "have" if len(named) > 1 else "has"
    reason = f"{name} has {axis.size} {what}, where {with_more} {have} {most}"
    finding = DocumentFinding(axis.of.line, shown(flattened(axis.of.tree)), "", reason, "B")
    return ShapeMisfit(axis.of, finding, None)


def _distance(one: Axis, other: Axis) -> tuple[bool, int]:
    """Return how far two lists stand apart; a matrix is further than any list."""
    return len(one.of.shape) > 1, abs(one.of.place[0] - other.of.place[0])


def _restated(sizes: Sizes) -> Iterator[ShapeMisfit]:
    """Yield the lists that have all but one of the elements that were stated one by one."""
    for elements, whole in sizes.values.restated():
        ones, numbers = literals(elements.tree), literals(whole.tree)
        if len(numbers) == len(ones) or all(number.whole for number in numbers):
            continue
        pairs = zip(ones, numbers, strict=False)
        lacking = next(
            (a for a, b in pairs if not all_meet(as_rounded(a), as_rounded(b))), ones[-1]
        )
        reason = f"{whole.name} lacks {lacking.text}, which is stated before"
        printed, expected = shown(whole.tree), shown(elements.tree)
        finding = DocumentFinding(whole.line, printed, expected, reason, "B")
        yield ShapeMisfit(whole, finding, elements.tree)


def _is_another(sizes: Sizes, names: Iterable[str], short: Axis) -> bool:
    """Whether a list is as long as something of these names elsewhere, as of another example."""
    return any(
        len(stated.shape) > short.number and stated.shape[short.number] == short.size
        for name in names
        for stated in sizes.values.stated.get(name, ())
        if stated.place != short.of.place
    )


def _transposed(sizes: Sizes, groups: Sequence[Sequence[Axis]]) -> Iterator[ShapeMisfit]:
    """Yield the matrices that only fit turned, where no fewer others fit as they stand."""
    by_matrix: dict[tuple[int, int], list[MatrixUse]] = {}
    for use in sizes.uses:
        by_matrix.setdefault(use.matrix.place, []).append(use)
    turned = [uses for uses in by_matrix.values() if all(use.is_turned for use in uses)]
    lengths = {axis.key: group for group in groups for axis in group}
    for uses in turned:
        named = sizes.values.stated.get(uses[0].matrix.name, ())
        shapes = {stated.shape for stated in named}
        alike = sum(other[0].way == uses[0].way for other in turned)
        fit = {use.matrix.place for use in sizes.uses if use.way == uses[0].way and use.tells}
        borne_out = any(_are_alike(lengths.get(use.inner.key, ())) for use in uses)
        if len(shapes) == 1 and borne_out and len(fit) >= alike:
            yield _as_transposed(uses[0])


def _are_alike(group: Sequence[Axis]) -> bool:
    return len({axis.size for axis in group}) == 1 < len(group)


def _as_transposed(use: MatrixUse) -> ShapeMisfit:
    rows = (tree.entries for tree in parts(use.matrix.tree) if isinstance(tree, Row))
    turned = Row(tuple(map(Row, zip(*rows, strict=True))))
    name, line, printed = use.matrix.name, use.matrix.line, shown(use.matrix.tree)
    size, beside = "×".join(map(str, use.matrix.shape)), use.vector.of.name or "the list beside it"
    reason = f"{name} stands here transposed: it is {size}, and {beside} has {use.vector.size}"
    finding = DocumentFinding(line, printed, shown(turned), reason, "B")
    return ShapeMisfit(use.matrix, finding, turned)
