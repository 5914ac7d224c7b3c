"""`dead-units`: units that are off for every row of the batch, and what they cut off.

A layer that is used several times, as at each step of a recurrent network, has its units once:
one that is on at any step learns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from ....engine.graph import BoundOperation
from ....quick_classes import NamedTuple
from ....trace import Array
from ..evidence.anatomy import Anatomy
from ..evidence.finding import Finding, finding, note
from .rule import AuditRule, Told

# A few units off for all rows are what any ReLU network has, trained or not. Most of a layer
# over many rows, or all of it, are more than that.
MANY_ROWS, MANY_UNITS, MOST_OF_A_LAYER = 32, 16, 0.5
MOST_SHOWN = 12


class _Gate(NamedTuple):
    """A ReLU behind a layer."""

    layer: BoundOperation
    source: int
    output: int
    before: Array  # with one row a unit


def look(anatomy: Anatomy) -> Iterator[Told]:
    layers: dict[tuple[int, int], list[_Gate]] = {}
    for gate in _gates(anatomy):
        weight = gate.layer.sources.get(1, gate.source)  # an einsum may have one operand alone
        layers.setdefault((weight, len(gate.before)), []).append(gate)
    if layers:
        yield f"the units of {len(layers)} gated layer{'' if len(layers) == 1 else 's'}"
    yield from _together([each for gates in layers.values() for each in _layer(anatomy, gates)])


def _together(findings: list[Finding]) -> Iterator[Finding]:
    """Put notes on several layers into one: each by itself is what any ReLU network has."""
    notes = [each for each in findings if each.severity == "note"]
    if len(notes) < 2:
        yield from findings
        return
    yield from (each for each in findings if each.severity != "note")
    facts = [each.evidence.facts for each in notes]
    off, units, cut = (sum(int(each[key]) for each in facts) for key in ("off", "units", "cut_off"))
    yield note(
        f"{off} of {units} units of {len(notes)} layers are off for all rows, as some always are "
        f"in a ReLU network; {cut:,} weights and biases get no gradient through them.",
        ("layer", "off", "units"),
        [
            (each.title.split(" are off")[0].split(" of ")[-1], of_it["off"], of_it["units"])
            for each, of_it in zip(notes, facts, strict=True)
        ],
        facts={"off": off, "units": units, "cut_off": cut},
    )


def _gates(anatomy: Anatomy) -> Iterator[_Gate]:
    """Yield what gates a layer's output on the way to the loss."""
    for bound in anatomy.graph.operations:
        at_zero = bound.rule_name == "relu" or (
            bound.rule_name in ("clamp", "clamp_min")
            and bound.attributes.get("min") == 0
            and bound.attributes.get("max") is None
        )
        if at_zero and bound.output in anatomy.graph.reaches_loss:
            source = int(bound.operands[0])
            layer = _layer_before(anatomy, source)
            if layer is not None:
                before = _by_unit(np.asarray(anatomy.values[source]), layer.rule_name)
                yield _Gate(layer, source, bound.output, before)


def _layer_before(anatomy: Anatomy, value_id: int) -> BoundOperation | None:
    """Return the layer that made a value, norms and changes of shape left out."""
    made = anatomy.walk_back(value_id, lambda bound: anatomy.copied(bound) == "once")[-1]
    while anatomy.kind(made) == "normalization":
        made = anatomy.made_from(made)[0]
    return anatomy.graph.producer(made) if anatomy.from_layer(made) else None


def _by_unit(array: Array, layer: str) -> Array:
    """Return a layer's output with one row a unit: a channel of a convolution."""
    axis = 1 if layer.startswith("conv") and array.ndim > 2 else array.ndim - 1
    return np.moveaxis(array, axis, 0).reshape(array.shape[axis], -1)


def _cut(anatomy: Anatomy, gates: Sequence[_Gate], off: int) -> int:
    """Count the numbers of the layers before and behind that get no gradient from dead units.

    Those of a layer that is used several times count once.
    """
    graph = anatomy.graph
    cut: dict[int, int] = {}
    for gate in gates:
        before = graph.producer(gate.source)
        if before is not None and before.rule_name == "linear":
            value_id = before.sources[1]
            cut[value_id] = off * (anatomy.values[value_id].shape[1] + (len(before.operands) > 2))
        for behind in graph.consumers(gate.output):
            if behind.rule_name == "linear":
                value_id = behind.sources[1]
                cut[value_id] = off * anatomy.values[value_id].shape[0]
    return sum(cut.values())


def _name(anatomy: Anatomy, gates: Sequence[_Gate]) -> str:
    """Return what a layer's gated outputs are called, once where only a number tells them apart."""
    names = [anatomy.name(gate.output) for gate in gates]
    stems = {re.sub(r"_\d+$", "", name) for name in names}
    return stems.pop() if len(names) > 1 and len(stems) == 1 else names[0]


def _layer(anatomy: Anatomy, gates: Sequence[_Gate]) -> Iterator[Finding]:
    """Find the units that are off each time that a layer is used."""
    by_unit = np.concatenate([gate.before for gate in gates], axis=1)
    off = np.flatnonzero((by_unit <= 0).all(axis=1))
    if not off.size:
        return
    name, units, times = _name(anatomy, gates), len(by_unit), len(gates)
    # Each time: of a sequence taken apart, they are not those of the input.
    output = anatomy.values[gates[0].output]
    rows = len(output) if output.ndim > 1 else 1
    batch = f"all {rows} rows" if rows > 1 else "the one row"
    if times > 1:
        batch += f" at each of the {times} times that the layer is used"
    cut = _cut(anatomy, gates, off.size)
    whole = off.size == units
    most = units >= MANY_UNITS and rows >= MANY_ROWS and off.size > MOST_OF_A_LAYER * units
    serious = most or (whole and rows > 1)
    through = f"; {cut:,} weights and biases get no gradient through them" if cut else ""
    yield finding(
        "warning" if serious else "note",
        f"all {units} units of {name} are off for {batch}: nothing passes, forward or backward."
        if whole
        else f"{off.size} of {units} units of {name} are off for {batch}{through}.",
        ("unit", "nearest to on"),
        [(str(unit), float(by_unit[unit].max())) for unit in off[:MOST_SHOWN]],
        "Lower the learning rate, or use an activation that passes something below 0, such as "
        "leaky_relu; check the biases before it."
        if serious
        else "",
        facts={"off": off.size, "units": units, "cut_off": cut, "times": times},
    )


RULE = AuditRule(
    "dead-units",
    "units that are off for every row",
    "the recorded graph",
    "no layer's output goes through a ReLU",
    look,
)
