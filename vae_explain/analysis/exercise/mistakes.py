"""The usual mistakes, each as what it makes of a blank's expression tree.

A mistake gets the tree that is right and yields the trees of those who make it: a factor is
left out, a summand has the other sign, an index is the other way round. So what each mistake
gives is computed for any model, from its own numbers, and from the student's earlier answers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace

from ...quick_classes import dataclass
from ...symbolic.expression import (
    ONE,
    ZERO,
    Add,
    Apply,
    Div,
    Expression,
    Mul,
    Neg,
    Number,
    Pow,
    Ref,
    rebuilt,
    references,
    terms_of,
)
from ...symbolic.text import split_index, symbol_text
from .changes import Change, Trees, at, everywhere, places, with_part
from .key import Blank, Sheet

TWO = Number(2.0)


@dataclass(frozen=True)
class Mistake:
    """A usual mistake: its id, what to tell the student, and what it makes of a tree."""

    id: str
    sentence: str
    trees: Callable[[Blank, Sheet], Iterable[Expression]]


def _in_tree(change: Change) -> Callable[[Blank, Sheet], Trees]:
    return lambda blank, sheet: everywhere(blank.tree, change)


def _without(parts: tuple[Expression, ...], left_out: set[int]) -> Expression:
    kept = tuple(part for at, part in enumerate(parts) if at not in left_out)
    return kept[0] if len(kept) == 1 else Add(kept) if kept else ZERO


# --- factors ----------------------------------------------------------------------------


def _open_gate(node: Expression) -> Trees:
    match node:
        case Apply("relu", (body,)):
            yield body
        case Apply("gate", _):
            yield ONE


def _no_half(node: Expression) -> Trees:
    match node:
        case Number(value) if abs(value) == 0.5:
            yield Number(2 * value)
        case Div(body, Number(2.0)):
            yield body


def _no_factor(node: Expression) -> Trees:
    """Leave a constant factor out, or what a sum is divided by."""
    if isinstance(node, Mul):
        for position, factor in enumerate(node.factors):
            if isinstance(factor, Number) and abs(factor.value) not in (0.5, 1.0):
                sign = Number(-1.0 if factor.value < 0 else 1.0)
                yield with_part(node, position, sign)


def _no_rate(node: Expression) -> Trees:
    if isinstance(node, Ref) and node.role == "constant":
        yield ONE


def _no_square(node: Expression) -> Trees:
    match node:
        case Pow(base, Number(2.0)):
            yield base
            yield Mul((TWO, base))


def _passed_on(node: Expression) -> Trees:
    """Pass the gradient on as it arrives, without the local derivative."""
    if isinstance(node, Mul):
        upstream = [part for part in node.factors if _is_gradient(part)]
        weights = any(isinstance(part, Ref) and part.role == "parameter" for part in node.factors)
        local = [part for part in node.factors if not _is_gradient(part)]
        if len(upstream) == 1 and not weights and any(map(references, local)):
            yield upstream[0]


def _is_gradient(part: Expression) -> bool:
    return isinstance(part, Ref) and part.role == "gradient"


# --- the variance -----------------------------------------------------------------------


def _squared_deviation(blank: Blank, sheet: Sheet) -> Trees:
    """Put σ² where σ stands: what noise is multiplied with, or a value that is known to be σ."""

    def change(node: Expression) -> Trees:
        if isinstance(node, Ref) and node.name in sheet.entry.deviations:
            yield Pow(node, TWO)
        if isinstance(node, Mul) and any(_is_noise(part) for part in node.factors):
            for position, part in enumerate(node.factors):
                if isinstance(part, Apply):
                    yield with_part(node, position, Pow(part, TWO))

    yield from everywhere(blank.tree, change)


def _is_noise(part: Expression) -> bool:
    return isinstance(part, Ref) and part.role == "noise"


def _no_exp(node: Expression) -> Trees:
    """Take a logarithm for the number itself: log σ² for σ², or for σ with its ½ or root."""
    match node:
        case Apply("exp", (body,)):
            yield body
            match body:
                case Mul((Number(value), inner)) if value == 0.5:
                    yield inner
                    yield Apply("sqrt", (inner,))


def _no_noise(node: Expression) -> Trees:
    match node:
        case Add(terms):
            noisy = {at for at, term in enumerate(terms) if any(map(_is_noise, references(term)))}
            if noisy:
                yield _without(terms, noisy)
        case Mul(factors) if any(_is_noise(part) for part in factors):
            yield Mul(tuple(ONE if _is_noise(part) else part for part in factors))


# --- signs and indices ------------------------------------------------------------------


def _other_sign(node: Expression) -> Trees:
    """Take the whole with the other sign, a summand, or a constant that has one."""
    match node:
        case Add(terms):
            for position, term in enumerate(terms):
                yield with_part(node, position, Neg(term))
        case Number(value) if value < 0:
            yield Number(-value)
        case Neg(body):
            yield body


def _signs(blank: Blank, sheet: Sheet) -> Trees:
    yield Neg(blank.tree)
    for _, changed in places(blank.tree, _other_sign):
        yield changed


def _transposed(blank: Blank, sheet: Sheet) -> Trees:
    """Take each weight from the other side of the diagonal."""
    names = sheet.expected

    def change(node: Expression) -> Trees:
        if isinstance(node, Ref) and node.index is not None and len(node.index) == 2:
            other = replace(node, index=node.index[::-1])
            if node.role == "parameter" and other != node and symbol_text(other) in names:
                yield other

    weights = [ref for ref in references(blank.tree) if ref.role == "parameter"]
    turned: set[str] = set()
    for name in dict.fromkeys(ref.name for ref in weights):
        of_name = [ref for ref in weights if ref.name == name]
        able = sum(any(change(ref)) for ref in of_name)
        # All of a row, but for what lies on the diagonal.
        if len(of_name) > 1 and able >= max(1, len(of_name) - 1):
            turned.add(name)
    for names_turned in [turned, *({name} for name in sorted(turned) if len(turned) > 1)]:
        if names_turned:

            def of_some(node: Expression, some: set[str] = names_turned) -> Trees:
                yield from change(node) if isinstance(node, Ref) and node.name in some else ()

            paths = {path for path, _ in places(blank.tree, of_some)}
            yield at(blank.tree, paths, of_some)


def _neighbour(blank: Blank, sheet: Sheet) -> Trees:
    """Take a row or column of a weight, or a bias, from another unit; or both from one."""
    places: dict[tuple[str, int], set[int]] = {}
    for ref in references(blank.tree):
        for axis, place in enumerate(ref.index or () if ref.role == "parameter" else ()):
            places.setdefault((ref.name, axis), set()).add(place)
    shared = {where: next(iter(indices)) for where, indices in places.items() if len(indices) == 1}
    for own in sorted(set(shared.values())):
        alike = [where for where, place in shared.items() if place == own]
        together = [[where for where in alike if where[1] == axis] for axis in (0, 1)]
        for moving in [*together, *([where] for where in alike)]:
            for place in _places_of(moving, sheet) - {own}:
                yield _moved(blank.tree, moving, place)


def _places_of(moving: list[tuple[str, int]], sheet: Sheet) -> set[int]:
    """Return the indices that all of some tensors have along an axis."""
    of_each = [
        {
            index[axis]
            for other, index in map(split_index, sheet.given)
            if other == name and len(index) > axis
        }
        for name, axis in moving
    ]
    return set.intersection(*of_each) if of_each else set()


def _moved(tree: Expression, moving: list[tuple[str, int]], place: int) -> Expression:
    def moved(node: Expression) -> Expression:
        if isinstance(node, Ref) and node.index is not None:
            for name, axis in moving:
                if node.name == name:
                    index = (*node.index[:axis], place, *node.index[axis + 1 :])
                    return replace(node, index=index)
        return rebuilt(node, moved)

    return moved(tree)


# --- summands ---------------------------------------------------------------------------


def _without_kl(blank: Blank, sheet: Sheet) -> Trees:
    """Leave out what comes from the KL: a summand of the loss, or a way of its gradient."""
    terms, names = terms_of(blank.tree), set(sheet.entry.kl)
    of_kl = {
        position
        for position, term in enumerate(terms)
        if {ref.name for ref in references(term)} & names
    }
    for left_out in (set(blank.entry.kl), of_kl):
        if 0 < len(left_out) < len(terms):
            yield _without(terms, left_out)


def _without_a_way(blank: Blank, sheet: Sheet) -> Trees:
    """Leave out all that comes to a gradient through one of the values that used it."""
    ways = list(dict.fromkeys(blank.entry.parts))
    if len(ways) < 2 or not isinstance(blank.tree, Add):
        return
    for way in ways:
        yield _without(
            blank.tree.terms, {at for at, by in enumerate(blank.entry.parts) if by == way}
        )


def _no_bias(node: Expression) -> Trees:
    if isinstance(node, Add):
        alone = [
            at
            for at, term in enumerate(node.terms)
            if isinstance(term, Ref) and term.role == "parameter"
        ]
        if len(alone) == 1 and len(node.terms) > 1:
            yield _without(node.terms, set(alone))


def _one_less(node: Expression) -> Trees:
    if isinstance(node, Add) and len(node.terms) > 1:
        for position in range(len(node.terms)):
            yield _without(node.terms, {position})


# What the sums of each topic go over.
SUMS = {"loss": ("reconstruction", "batch"), "kl": ("latent", "batch")}


def _mean_for_sum(blank: Blank, sheet: Sheet) -> Trees:
    """Mix up a sum and a mean, or divide by n - 1."""
    over = SUMS.get(blank.entry.topic, ())
    for count in sorted({sheet.entry.counts.get(name, 1) for name in over} - {0, 1}):
        yield from everywhere(blank.tree, _divided_by(count))
        yield from (Div(blank.tree, Number(float(by))) for by in (count, count - 1) if by > 1)


def _divided_by(count: int) -> Change:
    def change(node: Expression) -> Trees:
        match node:
            case Div(body, Number(value)) if value == count:
                yield body
                if count > 1:
                    yield Div(body, Number(count - 1.0))
            case Mul((Number(value), *others)) if _is_share(value, count):
                yield Mul((Number(value * count), *others))
                if count > 1:
                    yield Mul((Number(value * count / (count - 1)), *others))

    return change


def _is_share(value: float, count: int) -> bool:
    """Whether a factor may come from a mean over so many: 1/n, or a square's 2/n."""
    whole = round(value * count)
    return 0 < abs(value) < 1 and whole != 0 and math.isclose(value * count, whole)


# The more special ones come first: one that leaves the KL out has left a way out too.
MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        "gate",
        "The ReLU's gate was left out: where its input is negative it lets nothing through, "
        "neither a value nor a gradient.",
        _in_tree(_open_gate),
    ),
    Mistake(
        "kl",
        "The KL was left out: the loss has two terms, and its gradient has a part from each.",
        _without_kl,
    ),
    Mistake(
        "variance",
        "This has the variance σ² where the standard deviation σ belongs.",
        _squared_deviation,
    ),
    Mistake(
        "noise",
        "The noise ε was left out.",
        _in_tree(_no_noise),
    ),
    Mistake(
        "log",
        "The log-variance was taken for the variance: σ² is exp of it, and σ is exp of half of it.",
        _in_tree(_no_exp),
    ),
    Mistake("half", "A factor ½ was forgotten.", _in_tree(_no_half)),
    Mistake("rate", "The gradient was not multiplied by the learning rate.", _in_tree(_no_rate)),
    Mistake("sign", "The size is right, but a sign is the wrong way round.", _signs),
    Mistake(
        "transposed",
        "The weight was used the other way round: rows and columns are swapped.",
        _transposed,
    ),
    Mistake(
        "path",
        "One way was forgotten: a gradient is the sum over all values that used the number.",
        _without_a_way,
    ),
    Mistake("factor", "A constant factor was forgotten.", _in_tree(_no_factor)),
    Mistake(
        "mean",
        "A sum and a mean were mixed up: look again at what is divided, and by how many.",
        _mean_for_sum,
    ),
    Mistake("bias", "The bias was forgotten.", _in_tree(_no_bias)),
    Mistake("square", "A square was forgotten, or doubled in its place.", _in_tree(_no_square)),
    Mistake(
        "local",
        "The gradient was passed on as it arrived: it has to be multiplied by the local "
        "derivative.",
        _in_tree(_passed_on),
    ),
    Mistake("unit", "These are the weights or the bias of another unit.", _neighbour),
    Mistake("summand", "A summand was left out.", _in_tree(_one_less)),
)
SENTENCES = {mistake.id: mistake.sentence for mistake in MISTAKES} | {
    "digits": "It is right as far as it goes, but was rounded to fewer digits than asked for.",
    "zero": "It follows from a 0 written earlier, and a 0 that is passed on earns nothing.",
}
