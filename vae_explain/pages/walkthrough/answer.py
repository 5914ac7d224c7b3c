"""The answer to "why": one number in a sentence, before its derivation.

It says what the number is the sum of: a gradient of what the terms of the loss send, and of
what comes through each answer of the encoder; a value of its largest summands. Where it is
zero, it says what makes it so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ...engine.formulas import Steps
from ...engine.gradient_paths import closed_gate
from ...engine.provenance import Provenance, Target
from ...engine.run import Run
from ...quick_classes import NamedTuple
from ...symbolic.expression import (
    Add,
    Apply,
    Expression,
    Number,
    Ref,
    references,
    terms_of,
)
from ...symbolic.measure import evaluate
from ...symbolic.text import elided, to_text
from ..blocks import Claim, Quantity, Statement
from ..phrases import counted
from .captions import term_words
from .shares import TermShares

MOST_SUMMANDS = 3  # of a value, that are named each; of a longer sum the two largest are
MOST_USED = 3  # numbers that a formula is said to be made from


class AnswerPart(NamedTuple):
    """A part of a number, and the words that say where it comes from."""

    amount: float
    words: str


class Sentence:
    """A statement being written."""

    def __init__(self) -> None:
        self.parts: list[str | Quantity] = []
        self._claims: list[tuple[Quantity, Expression]] = []
        self._names = 0

    def say(self, *parts: str | Quantity) -> None:
        self.parts += parts

    def number(self, value: float) -> Quantity:
        """Return a number that stands for itself: no place of the page is about it."""
        self._names += 1
        return Quantity(Ref(f"number {self._names}", None, "value", value), "gradient")

    def claim(self, result: Quantity, expression: Expression) -> None:
        """Say which arithmetic a number of the sentence is the result of."""
        self._claims.append((result, expression))

    def adds_up(self, result: Quantity, parts: Sequence[AnswerPart]) -> None:
        """Say a sum: each part with its words, those behind the first with their signs."""
        refs: list[Expression] = []
        for position, part in enumerate(parts):
            number = self.number(part.amount)
            if position:
                number = number._replace(form="added")
            self.say(" " if position else " = ", number, f" {part.words}")
            refs.append(number.number)
        self.claim(result, Add(tuple(refs)))

    def done(self, parts: Iterable[str | Quantity] = ()) -> Statement:
        """Return the statement, with the last of its parts."""
        self.say(*parts)
        at = {id(part): position for position, part in enumerate(self.parts)}
        claims = (Claim(at[id(result)], expression) for result, expression in self._claims)
        return Statement(tuple(self.parts), tuple(claims))


def answer(view: Provenance, target: Target, shares: TermShares | None = None) -> Statement | None:
    """Return what a number is, in a sentence or two; None where its line says as much.

    Of a number that is not finite nothing is the sum.

    Parameters
    ----------
    shares
        Those of the page that it is part of, if there is one: they are made once.
    """
    if not np.isfinite(view.array(target)[target.index]):
        return None
    if target.gradient:
        return _of_gradient(view, target, shares or TermShares(view.steps, target.term))
    return _of_value(view, target)


def _of_gradient(view: Provenance, target: Target, shares: TermShares) -> Statement | None:
    run, steps = view.run, view.steps
    value_id, index = target.value_id, target.index
    value = float(view.array(target)[index])
    said = Sentence()
    whole = Ref(view.name(target).partition("[")[0], steps.shown_index(value_id, index), "gradient")
    number = Quantity(_with(whole, value), "gradient")
    if value == 0 and (closed := closed_gate(steps, target)) is not None:
        said.say("0 because ", *_closed(run, steps, *closed), ".")
        return said.done()
    if target.term is not None:
        said.say(number, f", the share of the {term_words(target.term)} alone.")
        return said.done()
    terms = shares.by_term(value_id)
    sending = [s for s in terms if s.array[index]]
    if not sending:
        return None
    said.say(number)
    if len(sending) == 1:
        said.say(f", all of it from the {sending[0].word}.")
    else:
        _, *amounts = shares.parts(value, sending, index)
        pairs = zip(amounts, sending, strict=True)
        parts = [AnswerPart(amount, f"from the {share.word}") for amount, share in pairs]
        said.adds_up(number, sorted(parts, key=lambda part: -abs(part.amount)))
        said.say(".")
    _by_way(said, shares, number, target)
    return said.done()


def _by_way(said: Sentence, shares: TermShares, whole: Quantity, target: Target) -> None:
    """Say how much comes through each answer of the encoder, and which way brings most."""
    index = target.index
    ways = shares.by_way(target.value_id)
    if not ways:
        return
    _, *amounts = shares.parts(float(whole.number.value), ways, index)
    through: dict[str, float] = {}
    for way, amount in zip(ways, amounts, strict=True):
        through[way.through] = through.get(way.through, 0.0) + amount
    numbers = [said.number(amount) for amount in through.values()]
    for position, (name, number) in enumerate(zip(through, numbers, strict=True)):
        verb = "" if position else " comes"
        said.say(", " if position else " Of it, ", number, f"{verb} by way of {name}")
    said.claim(whole, Add(tuple(number.number for number in numbers)))
    largest = max(range(len(ways)), key=lambda at: abs(amounts[at]))
    way = ways[largest]
    said.say(
        "; the largest part is the ", way.word, f"'s by {way.through}, ",
        said.number(amounts[largest]), ".",
    )  # fmt: skip


def _of_value(view: Provenance, target: Target) -> Statement | None:
    run, steps = view.run, view.steps
    root = view.derive(target, 0)
    line = root.line
    if line is None:
        return None
    said = Sentence()
    name = run.trace.values[target.value_id].label
    ref = Ref(name, steps.shown_index(target.value_id, target.index), "value", root.value)
    number = Quantity(ref, "gradient")
    expression = line.expression
    terms = terms_of(expression)
    parts = [AnswerPart(evaluate(term), _unsigned(term)) for term in terms]
    if len(terms) == 1 and not target.index and (opened := view.make.summands(target.value_id)):
        parts = [AnswerPart(each.shown, f"element {each.label.strip('[]')}") for each in opened[0]]
    if len(parts) > 1:
        said.say(number)
        said.adds_up(number, _largest(parts))
    elif isinstance(expression, Apply) and expression.function == "relu":
        (inside,) = expression.arguments
        at = evaluate(inside)
        before = Quantity(_with(Ref("before", None), at), "gradient")
        words = to_text(elided(inside))
        if at > 0:
            said.say(number, f", as {words} is, since that is above 0")
        else:
            below = " < 0)" if at < 0 else ", which is not above 0)"
            said.say("0 because this unit is off (", words, " = ", before, below)
    else:
        used = references(expression)
        if not used or len(used) > MOST_USED or isinstance(expression, Ref | Number):
            return None
        said.say(number, f" is {to_text(elided(expression))}")
        for position, each in enumerate(used):
            words = f"{each.name}{list(each.index) if each.index else ''}".replace(" ", "")
            said.say(
                " with " if not position else " and ", words, " = ", Quantity(each, "gradient")
            )
        said.claim(number, expression)
    said.say(".")
    return said.done()


def _largest(parts: Sequence[AnswerPart]) -> list[AnswerPart]:
    """Return the summands of a value, largest first; of a long sum two, and the rest."""
    ordered = sorted(parts, key=lambda part: -abs(part.amount))
    named = ordered if len(ordered) <= MOST_SUMMANDS else ordered[:2]
    said = [part._replace(words=f"from {part.words}") for part in named]
    if len(named) < len(ordered):
        rest = ordered[len(named) :]
        words = f"from {counted(len(rest), 'other summand')}"
        said.append(AnswerPart(sum(part.amount for part in rest), words))
    return said


def _unsigned(term: Expression) -> str:
    return to_text(elided(term)).removeprefix("-")


def _closed(
    run: Run, steps: Steps, value_id: int, index: tuple[int, ...], before: Expression
) -> list[str | Quantity]:
    """Say which unit is off, and the number that closes it."""
    unit = steps.label(value_id, index).strip("[]")
    name = run.trace.values[value_id].label
    at = evaluate(before)
    ref = next(iter(references(before)), Ref("before", None))
    number = Quantity(_with(ref if before == ref else Ref("before", None), at), "gradient")
    if at == 0:
        return [f"unit {unit} of {name} is off (", number, " is not above 0)"]
    return [f"unit {unit} of {name} is off (", number, " < 0)"]


def _with(ref: Ref, value: float) -> Ref:
    return Ref(ref.name, ref.index, ref.role, value)
