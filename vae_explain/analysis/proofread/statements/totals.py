"""What a total loss has for its terms, beside what a document states of these.

`L = L_recon + β·0.182` has the divergence for a number, which has its own equation before it. And a
total that words name by its terms, as `squared error + KL`, has the signs of the document's own
formula for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from ..arithmetic.damages import explains
from ..arithmetic.findings import DocumentFinding
from ..grammar.syntax import Literal, Product, Sum, Symbol, key_of, literals, shown
from ..passage import Passage, plain
from .chains import Chain
from .sides import Side

ERRORS = re.compile(r"rec|mse|bce|nll|sse", re.IGNORECASE)
# What nobody chooses: a loss and its terms come out of a computation, and are printed rounded.
LOSS = re.compile(rf"{ERRORS.pattern}|loss|kl|elbo|^L\d*$", re.IGNORECASE)
TELLING = 3  # digits that a number has at least, to be taken for another that is stated
MOST_APART = 40  # characters between the two terms of a sum in words


def wrong_totals(passages: Sequence[Passage], chains: Sequence[Chain]) -> Iterator[DocumentFinding]:
    """Yield the terms of totals that are not what the document states of them."""
    divergence: Literal | None = None
    sums: dict[str, tuple[Symbol, Symbol]] = {}
    for chain in chains:
        first, last = chain.sides[0].tree, chain.sides[-1].tree
        name = "" if first is None else key_of(first) or ""
        if divergence is not None:
            yield from (wrong for side in chain.sides for wrong in _not_it(side, divergence))
        if name.upper().endswith("KL") and isinstance(last, Literal):
            divergence = last if last.significant >= TELLING else None
        for tree in chain.formulas:
            match tree:
                case Sum((Symbol() as one, Symbol() as other)):
                    sums.setdefault(name, (one, other))
    yield from (wrong for passage in passages for wrong in _in_words(passage, sums))


def is_of_loss(key: str) -> bool:
    """Whether a quantity is a loss or one of its terms, so that its number was computed."""
    return LOSS.search(key) is not None


def _not_it(side: Side, divergence: Literal) -> Iterator[DocumentFinding]:
    """Yield the number beside a reconstruction's error that was the divergence before a damage."""
    match side.tree:
        case Sum((Symbol() as error, Literal() | Product() as term)) if ERRORS.search(error.key):
            numbers = literals(term)
        case _:
            return
    if any(number.value == divergence.value for number in numbers):
        return
    for number in numbers:
        if number.significant >= TELLING and explains(number, divergence.value):
            printed, expected = number.text, divergence.text
            why = f"the divergence is {expected} in its own equation, but {printed} is printed"
            yield DocumentFinding(number.line or side.line, printed, expected, why, "B")


def _in_words(
    passage: Passage, sums: Mapping[str, tuple[Symbol, Symbol]]
) -> Iterator[DocumentFinding]:
    """Yield the sign of a total in words, `Loss: squared MSE - KL`, that its formula has not."""
    label, colon, words = plain(passage.pieces).partition(":")
    total = sums.get(label.strip()) if colon and passage.kind == "prose" else None
    if total is None:
        return
    one, other = (re.escape(term.key) for term in total)
    found = re.search(rf"\b{one}\b[^.;:()=]{{0,{MOST_APART}}}? ([-−]) {other}\b", words)
    if found is not None:
        line = passage.line + f"{label}{words[: found.start(1)]}".count("\n")
        formula, names = shown(Sum(total)), [term.key for term in total]
        why = f"{label.strip()} is {formula} in its own formula, "
        why += f"but {f' … {found[1]} '.join(names)} is printed"
        yield DocumentFinding(line, found[1], "+", why, "B")
