"""The page of `compare`: two runs beside each other, and only what differs in them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ...analysis.comparison import FORMULAS, PARAMETERS, Comparison, Pair
from ...engine.run import Run
from ...symbolic.expression import Add, Expression, Index, Ref
from ...symbolic.printable import listed
from ...symbolic.text import index_text
from ..blocks import (
    Adds,
    Block,
    Claim,
    Column,
    Note,
    Places,
    Prose,
    Quantity,
    Statement,
    Table,
    Walkthrough,
)
from ..phrases import counted
from .captions import term_words
from .draft import Draft
from .header import heading_line, run_remarks
from .tensors import MOST_NUMBERS

MOST_OF_ONE = 4  # numbers of one value, those that change most
MOST_OF_GRADIENT = 2
MOST_NAMED = 12
Label = Callable[[str, Index], str]
Row = tuple[Any, ...]  # words, and last the two numbers


def comparing(comparison: Comparison, only: Sequence[str] = ()) -> Walkthrough:
    """Compose the page.

    Parameters
    ----------
    only
        Values, or gradients as `z.grad`, that are shown with all numbers that differ, alone.
    """
    page = Draft()
    first, second = heading_line(comparison.first), heading_line(comparison.second)
    labels = comparison.first.label, comparison.second.label
    title = first if first == second else labels[0] if labels[0] == labels[1] else "two runs"
    remarks = [] if first == second else [f"first: {first}", f"second: {second}"]
    remarks += [f"{option}: first {one}, second {other}" for option, one, other in comparison.how]
    remarks += _arithmetic(comparison)
    page.add(lead(comparison))
    for name in only:
        _all_of(page, comparison, name)
    if not only and not _is_same(comparison):
        for section in (_loss, _given, _first, _gates, _values, _gradients):
            section(page, comparison)
    return Walkthrough("compare", title, tuple(remarks), tuple(page.blocks))


def _arithmetic(comparison: Comparison) -> list[str]:
    ours, theirs = run_remarks(comparison.first), run_remarks(comparison.second)
    if ours == theirs:
        return list(ours)
    return [f"first: {each}" for each in ours] + [f"second: {each}" for each in theirs]


# --- the sentence that leads ------------------------------------------------------------


def lead(comparison: Comparison) -> Statement:
    """Say in one sentence how the loss differs, and by which terms."""
    first, second = (
        _amount(*each) for each in zip(("first", "second"), comparison.loss, strict=True)
    )
    one, other = comparison.loss
    if one == other:
        if _is_same(comparison):
            return Statement(("Both runs are the same in every number.",))
        return Statement(("The loss is the same, ", first, ", and other numbers are not."))
    if not (math.isfinite(one) and math.isfinite(other)):
        return Statement(("The loss goes from ", first, " to ", second, "."))
    rises = other > one
    change = _amount("change", abs(other - one))
    ahead, behind = (second, first) if rises else (first, second)
    parts: list[str | Quantity] = [
        "The loss ",
        "rises" if rises else "falls",
        " from ",
        first,
        " to ",
        second,
    ]
    parts += [", by ", change]
    claims = [Claim(len(parts) - 1, ahead.number - behind.number)]
    moved = [
        (term_words(t.name), t.second - t.first) for t in comparison.terms if t.second != t.first
    ]
    stay = [term_words(term.name) for term in comparison.terms if term.second == term.first]
    if len(moved) == 1:
        verb = "is" if len(stay) == 1 else "are"
        rest = f"; the {listed(stay)} {verb} the same" if stay else ""
        parts.append(f", all of it from the {moved[0][0]}{rest}.")
        return Statement(tuple(parts), tuple(claims))
    signed: list[Expression] = []
    for at, (word, amount) in enumerate(moved):
        parts.append(": " if at == 0 else " and " if at == len(moved) - 1 else ", ")
        size = _amount(word, abs(amount))
        parts += [size, f" {'more' if amount > 0 else 'less'} from the {word}"]
        signed.append(size.number if (amount > 0) == rises else -size.number)
    if signed:
        claims.append(Claim(claims[0].result, Add(tuple(signed))))
    return Statement((*parts, "."), tuple(claims))


def effect(comparison: Comparison) -> list[Block]:
    """Say what a mend that was tried changes: formulas, and the loss on a replay with it."""
    blocks: list[Block] = [
        Prose(f"With it {name} = {second}, where the run has {first}")
        for name, first, second in comparison.formulas
        if first and second
    ]
    first, second = (
        _amount(*each) for each in zip(("first", "second"), comparison.loss, strict=True)
    )
    words = "On a replay with it the loss is ", second, " in place of ", first, "."
    return [*blocks, Statement(words)]


def _amount(name: str, value: float) -> Quantity:
    return Quantity(Ref(name, None, "value", value), "gradient")


def _is_same(comparison: Comparison) -> bool:
    differs = (
        comparison.given,
        comparison.computed,
        comparison.gradients,
        comparison.formulas,
        comparison.shapes,
    )
    return not any(differs) and not any(comparison.only)


# --- its sections -----------------------------------------------------------------------


def _loss(page: Draft, comparison: Comparison) -> None:
    first, second = comparison.loss
    if first == second and not any(term.first != term.second for term in comparison.terms):
        return
    rows: list[Row] = [("loss", first, second)]
    for term in comparison.terms:
        one, other = (f"{weight:g}" for weight in term.weights)
        weight = f", weight {one}" if one == other else f", weight {one}, then {other}"
        weight = "" if (one, other) == ("1", "1") else weight
        name = f"of it {term.name}{weight}"
        rows.append((name, term.first, term.second))
    page.open("The loss", "what each term adds to it" if comparison.terms else "")
    page.add(_table("", rows))


def _given(page: Draft, comparison: Comparison) -> None:
    if comparison.given or comparison.formulas:
        page.open("What was changed", "numbers that were given, and formulas")
    for name, first, second in comparison.formulas:
        if first and second:
            page.add(Prose(f"{name} = {second}, where the first run has {first}"))
        else:
            page.add(Prose(f"{name} is given in one run and computed in the other."))
    label = _label(comparison)
    rows: list[Row] = []
    counts = []
    for pair in comparison.given:
        rows += _rows(pair, label, MOST_OF_ONE)
        if pair.changed > MOST_OF_ONE:
            counts.append(f"{pair.name} in {pair.changed:,} of {pair.first.size:,}")
    if rows:
        page.add(_table("", rows, places="input" if _is_short(comparison.given) else "gradient"))
    if counts:
        page.add(Note(f"The numbers that change most; they differ in {listed(counts)}."))
    if comparison.alone:
        alone = [(each.cause, comparison.base, each.loss) for each in comparison.alone]
        page.open("Each change alone", "the first run with this one taken from the second")
        page.add(_table("change", alone, headers=("loss", "loss with it", "change")))
        page.add(Prose(_together(comparison)))


def _together(comparison: Comparison) -> str:
    largest = max(comparison.alone, key=lambda each: abs(each.loss - comparison.base))
    is_many = largest.cause in (FORMULAS, PARAMETERS)
    most = f"{largest.cause} {'move' if is_many else 'moves'} the loss most by "
    most += "themselves." if is_many else "itself."
    return f"By hand, {most} Changes act on each other, so these need not add up to the whole."


def _first(page: Draft, comparison: Comparison) -> None:
    differ = comparison.differing
    follow = [name for name in differ if name not in _terms_and_loss(comparison)]
    page.open("What follows", "in the order of the run")
    if comparison.by_rounding:
        page.add(
            Note(
                "Nothing that was given differs and no formula does: the numbers below differ by "
                "rounding, as on another machine or with another PyTorch, or the model varies.",
                "warning",
            )
        )
    if not differ:
        page.add(Prose("Nothing that is computed differs."))
    else:
        start = f"{differ[0]} is the first computed value that differs"
        then = f"; then {_words(follow[1:])}" if len(follow) > 1 else ""
        page.add(Prose(f"{start}{then}."))
    if comparison.same and differ:
        page.add(Prose(f"The same in both: {_words(comparison.same)}."))
    if comparison.shapes:
        headers = "shape of", "first", "second"
        rows = tuple((name, str(list(a)), str(list(b))) for name, a, b in comparison.shapes)
        page.add(Table(tuple(Column(name, "text") for name in headers), rows))
        page.add(Note("What has another shape is not compared number by number."))
    for names, which in zip(comparison.only, ("first", "second"), strict=True):
        if names:
            page.add(Prose(f"Only the {which} run has {_words(names)}."))


def _gates(page: Draft, comparison: Comparison) -> None:
    if not comparison.flips:
        return
    label = _label(comparison)
    opened = sum(flip.opens for flip in comparison.flips)
    closed = len(comparison.flips) - opened
    words = [f"{counted(opened, 'gate')} opened"] if opened else []
    words += [f"{counted(closed, 'gate')} closed"] if closed else []
    page.open("Gates", f"{' and '.join(words)}: the number that decides is above 0, or is not")
    shown = comparison.flips[: MOST_OF_ONE * MOST_NAMED]
    rows = [
        (
            f"{flip.name}{label(flip.name, flip.index)}",
            "opens" if flip.opens else "closes",
            flip.first,
            flip.second,
        )
        for flip in shown
    ]
    page.add(_table("unit", rows, extra="gate"))
    page.left_out(len(comparison.flips) - len(shown), "gate")


def _values(page: Draft, comparison: Comparison) -> None:
    ends = _terms_and_loss(comparison)
    pairs = [pair for pair in comparison.computed if pair.name not in ends]
    if pairs:
        page.open("Values", "of each the numbers that change most; --only NAME has all")
        page.add(_most_changed(pairs, _label(comparison), MOST_OF_ONE))


def _gradients(page: Draft, comparison: Comparison) -> None:
    if not comparison.gradients:
        return
    parameters = [pair for pair in comparison.gradients if pair.kind == "parameter"]
    if parameters:
        page.open("Gradients of the parameters", "size is the root of the sum of the squares")
        rows: list[Row] = []
        for pair in parameters:
            turned = int(np.count_nonzero(pair.first * pair.second < 0))
            first, second = float(np.linalg.norm(pair.first)), float(np.linalg.norm(pair.second))
            rows.append((pair.name, f"{turned:,} of {pair.first.size:,}", first, second))
        page.add(
            _table("", rows, extra="signs turned", headers=("size, first", "second", "change"))
        )
    page.open("Gradients", "of each the numbers that change most; --only NAME.grad has all")
    page.add(_most_changed(comparison.gradients, _label(comparison), MOST_OF_GRADIENT, ".grad"))


def _all_of(page: Draft, comparison: Comparison, name: str) -> None:
    """Show all numbers of one name that differ; of very many those that change most."""
    plain = name.removesuffix(".grad")
    pairs = comparison.gradients if plain != name else comparison.pairs
    pair = next((each for each in pairs if each.name == plain), None)
    page.open(name)
    if pair is None or not pair.changed:
        page.add(Prose("It is the same in both runs."))
        return
    page.add(Prose(f"{pair.changed:,} of {counted(pair.first.size, 'number')} differ."))
    page.add(_table("", _rows(pair, _label(comparison), MOST_NUMBERS, name[len(plain) :])))
    page.left_out(pair.changed - MOST_NUMBERS, "number")


# --- tables -----------------------------------------------------------------------------


def _most_changed(pairs: Iterable[Pair], label: Label, most: int, ending: str = "") -> Table:
    rows: list[Row] = []
    for pair in pairs:
        differ = f"{pair.changed:,} of {pair.first.size:,}"
        for name, *numbers in _rows(pair, label, most, ending):
            rows.append((name, differ, *numbers))
            differ = ""
    return _table("", rows, extra="differ")


def _rows(pair: Pair, label: Label, most: int, ending: str = "") -> list[Row]:
    rows: list[Row] = []
    for index in pair.largest(most):
        first, second = float(pair.first[index]), float(pair.second[index])
        where = label(pair.name, index)
        rows.append((f"{pair.name}{ending}{where}", first, second))
    return rows


def _table(
    head: str,
    rows: Iterable[Row],
    extra: str = "",
    headers: tuple[str, str, str] = ("first", "second", "change"),
    places: Places = "gradient",
) -> Table:
    """Return a table of pairs of numbers, and of what the second is more than the first."""
    words = [Column(head, "text")] + ([Column(extra, "label")] if extra else [])
    one, other, change = headers
    numbers = [
        Column(one, "value", places),
        Column(other, "value", places),
        Column(change, "value", places, accent=True),
    ]
    at = len(words)
    whole = tuple((*row, row[-1] - row[-2]) for row in rows)
    return Table((*words, *numbers), whole, adds=Adds(at + 2, (at + 1,), (at,)))


# --- words ------------------------------------------------------------------------------


def _label(comparison: Comparison) -> Label:
    steps = comparison.steps[1]

    def label(name: str, index: Index) -> str:
        return index_text(steps.shown_index(comparison.second.value(name).id, index))

    return label


def _is_short(pairs: Sequence[Pair]) -> bool:
    """Whether given numbers are as somebody types them, so that none needs to be cut."""
    numbers = (number for pair in pairs for number in (*pair.first.flat, *pair.second.flat))
    return all(number == round(number, 4) for number in numbers) and all(
        pair.kind == "input" for pair in pairs
    )


def _terms_and_loss(comparison: Comparison) -> set[str]:
    def ends(run: Run) -> set[str]:
        values = run.trace.values
        return {values[n].label for n in (run.trace.output, *(t.value for t in run.trace.terms))}

    return ends(comparison.first) | ends(comparison.second)


def _words(names: Sequence[str]) -> str:
    shown = list(names[:MOST_NAMED])
    more = len(names) - MOST_NAMED
    return listed([*shown, *([f"{more:,} more"] if more > 0 else [])])
