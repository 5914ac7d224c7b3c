"""Why a cross-entropy is 0, or its slope finite, where a probability is 0 or 1 to the last digit.

PyTorch puts two constants of its own into such lines, and a reader has to be told what for.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...engine.run import Run
from ...engine.worked_lines import Worked
from ...ops.losses.binary_cross_entropy import LOWEST_LOG, LOWEST_PRODUCT
from ...symbolic.expression import Number, nodes
from ..blocks import Note

OP = "binary_cross_entropy"
WORDS = {
    LOWEST_LOG: f"-100 stands here for the logarithm of 0: PyTorch lets no logarithm of {OP} go "
    "below it. A target of 0 or 1 that is met exactly then adds 0, for log(1) is 0 and so is "
    "0·(-100), where 0·log(0) would be NaN.",
    LOWEST_PRODUCT: f"1e-12 stands here for p·(1 - p), which is smaller: PyTorch divides the "
    f"gradient of {OP} by no less.",
}


def floor_notes(run: Run, lines: Iterable[Worked]) -> list[Note]:
    """Return what to say below lines that have one of these constants in them."""
    if all(bound.rule_name != OP for bound in run.graph.operations):
        return []
    constants = {
        node.value for line in lines for node in nodes(line.expression) if isinstance(node, Number)
    }
    return [Note(words) for floor, words in WORDS.items() if floor in constants]
