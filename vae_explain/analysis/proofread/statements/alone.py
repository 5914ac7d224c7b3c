"""Formulas beside no sign of equality: `ReLU(W x + b)`, and what they are known to be anyway.

A document that names a formula in words has no equation to hold it in. Of the field's own formulas
one needs none: a layer adds its bias, an error is of a difference, and what has μ², σ² and log σ²
as its terms is the divergence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from ..arithmetic.findings import DocumentFinding
from ..grammar.syntax import Tree, key_of, quantities, shown
from ..passage import Passage
from .chains import alone
from .reader import cut
from .usual import meant, with_bias, with_difference

SIGN = re.compile(r"[\w)\]}] *[-+−] *[\w(\[{\\]")
MOST = 10_000  # pieces of text with a sign in them that are looked at
LONGEST = 10_000  # characters of one of them


def wrong_formulas_alone(passages: Sequence[Passage]) -> Iterator[DocumentFinding]:
    """Yield the formulas beside no sign of equality that are wrong by their definition."""
    pieces = (p for passage in passages if passage.kind != "code" for p in passage.all_pieces)
    with_sign = (p for p in pieces if len(p.text) <= LONGEST and SIGN.search(p.text))
    for piece in islice(with_sign, MOST):
        cut_piece = cut((piece,))
        for side in alone(cut_piece.tokens, cut_piece.source):
            if side.tree is None:
                continue
            other = _meant(side.tree)
            if other is not None:
                printed, expected = shown(side.tree), shown(other)
                reason = f"it is {expected} by its definition, but {printed} is printed"
                yield DocumentFinding(side.line, printed, expected, reason, "B")


def _meant(formula: Tree) -> Tree | None:
    """Return what a formula is by its definition, if it is known of which quantity it is."""
    other = with_bias(formula) or with_difference(formula)
    if other is None and {"μ", "σ²", "logσ²"} <= {key_of(name) for name in quantities(formula)}:
        other = meant("KL", formula)
    return other
