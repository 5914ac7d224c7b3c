"""The numbers of a run by name and index, and the addresses that they have in a document."""

from __future__ import annotations

from collections.abc import Iterable

from ....quick_classes import dataclass
from ....symbolic.expression import Index, Ref, references
from ....symbolic.text import gradient_parts, split_index
from ...blocks import Block, Lines
from ...checks import worked_lines


@dataclass(frozen=True, slots=True)
class Key:
    """A number of the run: whose element it is, and which; `()` for a scalar."""

    name: str
    index: Index

    @classmethod
    def parse(cls, text: str) -> Key:
        """Read what `index_text` wrote: `z[0]`, `mse`."""
        return cls(*split_index(text))

    @classmethod
    def labelled(cls, name: str, label: str) -> Key:
        """Return the number of a tensor that a line's label names: `[0]`."""
        return cls(name, split_index(label)[1])


def key_of(ref: Ref) -> Key | None:
    """Return the number that a reference stands for; None for a rest of a sum or a tensor."""
    return None if ref.index is None else Key(ref.name, ref.index)


def anchor_of(key: Key) -> str:
    """Return a number's anchor: `z-0`, `fc1.weight-0-1`, `fc1.weight.grad-0-1`.

    Different numbers have different anchors whatever they are called: what is no letter,
    digit, dot or underscore is written by its code.

    Examples
    --------
    >>> anchor_of(Key("z", (0,))), anchor_of(Key("∂loss/∂z", (0,))), anchor_of(Key("<b>", ()))
    ('z-0', 'z.grad-0', '~3c~b~3e~')
    """
    of, name = gradient_parts(key.name)
    grad = ".grad" if of == "loss" else f".grad.of.{_plain(of)}" if of else ""
    return _plain(name) + grad + _indices(key.index)


def _plain(name: str) -> str:
    return "".join(
        c if c.isascii() and (c.isalnum() or c in "._") else f"~{ord(c):x}~" for c in name
    )


def _indices(index: Index) -> str:
    return "".join(f"-{i}" for i in index)


def ranks(blocks: Iterable[Block]) -> dict[str, int]:
    """Return how many indices the lines give to each value: a batch of one row has no row."""
    counts: dict[str, int] = {}
    for block in blocks:
        for line in worked_lines(block):
            for ref in references(line.expression):
                if ref.index is not None:
                    counts.setdefault(ref.name, len(ref.index))
        if isinstance(block, Lines) and not block.total:
            for line in block.lines[:1]:
                counts.setdefault(block.name, len(split_index(line.label)[1]))
    return counts
