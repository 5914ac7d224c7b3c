"""What the recognisers hand over: statements, and numbers that are part of none."""

from __future__ import annotations

import re
from typing import NamedTuple

from .grammar import Value
from .markdown import Piece

# A comparison with another computation is no figure of the run.
DIFFERENCE = re.compile(r"\bdifferences?\b", re.IGNORECASE)
Context = tuple[tuple[Piece, ...], ...]


class Statement(NamedTuple):
    """What a document says: a label, and the values that it is said to have.

    Attributes
    ----------
    label
        The words before the numbers, `μ`, `∂loss/∂z[0]`, `Total loss`; empty when the
        numbers stand alone under their context.
    sides
        The values in order, as in `0.8898 + 1.0116*(-0.2387) ≈ 0.6483`.
    stated
        Whether an equals sign, a colon or a table's frame says so, and not mere words.
    indices
        Which elements the numbers of an array are, where a table counts its rows.
    """

    label: str
    sides: tuple[Value, ...]
    context: Context
    line: int
    stated: bool = True
    indices: tuple[tuple[int, ...], ...] = ()


class Remnant(NamedTuple):
    """Numbers that stand in no statement: where, what, and why they are no figure."""

    printed: str
    line: int
    why: str
    figure: bool = True  # whether it may be one all the same, or certainly is none
