"""What is checked of a page: its lines of arithmetic, counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..engine.worked_lines import Worked
from .blocks import Block, Lines, Table, Tree


def worked_lines(block: Block) -> Iterator[Worked]:
    """Yield every line of arithmetic in a block."""
    if isinstance(block, Lines):
        yield from block.lines
        yield from block.after.lines if block.after else ()
        yield from (block.total,) if block.total else ()
    elif isinstance(block, Table):
        yield from block.worked
    elif isinstance(block, Tree):
        yield from (node.line for node in block.nodes if node.line is not None)


def compared_lines(blocks: Iterable[Block]) -> Iterator[Worked]:
    """Yield every line of some blocks whose result was compared with PyTorch's."""
    lines = (line for block in blocks for line in worked_lines(block))
    return (line for line in lines if line.reference is not None)


@dataclass
class Checks:
    """A count of evaluated lines, of those that failed, and the largest difference."""

    lines: int = 0
    failed: int = 0
    largest_relative_difference: float = 0.0

    @classmethod
    def of(cls, blocks: Iterable[Block]) -> Checks:
        """Count the lines of some blocks whose result was compared with PyTorch's."""
        checks = cls()
        for line in compared_lines(blocks):
            checks.count(line.difference, line.agrees)
        return checks

    def count(self, difference: float, agrees: bool) -> None:
        self.lines += 1
        self.failed += not agrees
        self.largest_relative_difference = max(self.largest_relative_difference, difference)
