"""The map of a large model: its blocks, and where the terms of its loss come from.

A block is a module as the model names it, down to the first number in its path: `encoder.1` has
all of `encoder.1.conv1` in it. Blocks that do the same one after another share a row.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod

from ...engine.formulas import Steps
from ...engine.roles import section_of
from ...engine.run import Run
from ..blocks import Block, Column, Heading
from .draft import table
from .network import loss_terms
from .repeated import listed, pattern

ITSELF = "between them"  # what the model does outside of its modules
MOST_OPS = 5  # that are named of a block


@dataclass
class _Part:
    """A block of the model, or several that do the same."""

    name: str
    section: str
    ops: list[str] = field(default_factory=list)
    shapes: list[tuple[int, ...]] = field(default_factory=list)  # of what each of them makes
    steps: int = 0
    parameters: int = 0
    names: list[str] = field(default_factory=list)

    @property
    def does(self) -> str:
        unique = list(dict.fromkeys(self.ops))
        more = f", {len(unique) - MOST_OPS} more" if len(unique) > MOST_OPS else ""
        return ", ".join(unique[:MOST_OPS]) + more

    @property
    def makes(self) -> str:
        ends = dict.fromkeys(str(list(shape)) for shape in (self.shapes[0], self.shapes[-1]))
        return " to ".join(ends)


def model_map(run: Run) -> list[Block]:
    """Return the tables of a run's blocks and of its loss."""
    weights = {term.name: f"{term.weight:g}" for term in run.trace.terms}
    return [
        table(
            _parts(run),
            (Column("block", "text"), lambda part: listed(part.names)),
            (Column("part", "text"), lambda part: part.section),
            (Column("does", "text"), lambda part: part.does),
            (Column("makes", "text"), lambda part: part.makes),
            (Column("steps", "value"), lambda part: part.steps),
            (Column("parameters", "value"), lambda part: part.parameters),
        ),
        Heading(0, "Where the loss comes from"),
        table(
            loss_terms(run),
            (Column("term", "text"), lambda term: term.name),
            (Column("weight", "text"), lambda term: weights.get(term.name, "")),
            (Column("comes to", "value"), lambda term: term.value),
            (Column("made of", "text"), lambda term: listed(term.inputs)),
        ),
    ]


def _parts(run: Run) -> list[_Part]:
    """Return the blocks in the order in which they ran first, those that do the same as one."""
    parts: dict[tuple[str, str], _Part] = {}
    values = run.trace.values
    for value_id in Steps(run).named():
        bound = run.graph.producer(value_id)
        section = section_of(run, value_id)
        if bound is None or section == "loss":
            continue
        name = _block(bound.operation.module) or ITSELF
        part = parts.setdefault((name, section), _Part(name, section, names=[name]))
        part.ops.append((bound.rule and bound.rule.title) or bound.operation.name)
        part.shapes = [values[value_id].shape]
        part.steps += 1
    first_of = {part.name: part for part in reversed(parts.values())}  # where it is used first
    for value in run.trace.parameters:
        part_of = first_of.get(_block(value.name or ""))
        if part_of is not None:
            part_of.parameters += prod(value.shape)
    alike: dict[object, _Part] = {}
    for part in parts.values():
        first = alike.setdefault((pattern(part.name), part.section, tuple(part.ops)), part)
        if first is not part:
            first.names += part.names
            first.shapes += part.shapes
            first.steps += part.steps
            first.parameters += part.parameters
    return list(alike.values())


def _block(path: str) -> str:
    """Return the part of a module's path down to the first number, or its first name."""
    names = path.split(".")
    numbered = [at for at, name in enumerate(names) if name.isdigit()]
    return ".".join(names[: numbered[0] + 1]) if numbered else names[0]
