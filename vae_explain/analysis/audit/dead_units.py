"""`dead-units`: units that are off for every row of the batch, and what they cut off.

A layer that is used several times, as at each step of a recurrent network, has its units once:
one that is on at any step learns.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...engine.graph import BoundOperation
from ...trace import Array
from .anatomy import Anatomy
from .facts import LAYERS, MOVING
from .finding import Cell, Evidence, Finding, NotApplied, Seen
from .rule import AuditRule

ID = "dead-units"
# A few units off for all rows are what any ReLU network has, trained or not. Most of a layer
# over many rows, or all of it, are more than that.
MANY_ROWS, MANY_UNITS, MOST_OF_A_LAYER = 32, 16, 0.5
MOST_SHOWN = 12
NORMS = frozenset({"batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm"})


@dataclass(frozen=True)
class _Layer:
    """A layer's gated outputs: which units are off, how near to on, and what that cuts off."""

    outputs: tuple[int, ...]  # one for each time that the layer is used
    rows: int  # each time, which of a sequence taken apart are not those of its input
    units: int
    off: tuple[int, ...]
    nearest: tuple[float, ...]
    cut: int


def look(anatomy: Anatomy) -> Seen:
    gates = [bound for bound in anatomy.facts.graph.operations if _is_gate(anatomy, bound)]
    if not gates:
        raise NotApplied("no layer's output goes through a ReLU")
    used: dict[tuple[int, int], list[BoundOperation]] = {}
    for bound in gates:
        layer = _layer_before(anatomy, int(bound.operands[0]))
        assert layer is not None, "or it would be no gate"
        used.setdefault((int(layer.operands[1]), len(_before(anatomy, bound))), []).append(bound)
    layers = [_layer(anatomy, times) for times in used.values()]
    findings = tuple(_finding(anatomy, layer) for layer in layers if layer.off)
    return Seen(
        f"the units of {len(layers)} gated layer{'' if len(layers) == 1 else 's'}", findings
    )


def _is_gate(anatomy: Anatomy, bound: BoundOperation) -> bool:
    """Whether an operation gates what a layer gave out, on the way to the loss."""
    at_zero = bound.rule_name == "relu" or (
        bound.rule_name in ("clamp", "clamp_min")
        and bound.attributes.get("min") == 0
        and bound.attributes.get("max") is None
    )
    reaches_loss = bound.output in anatomy.facts.graph.reaches_loss
    return at_zero and reaches_loss and _layer_before(anatomy, int(bound.operands[0])) is not None


def _layer_before(anatomy: Anatomy, number: int) -> BoundOperation | None:
    """Return the layer that made a value, norms and changes of shape left out."""
    found = anatomy.facts.walk_back(number, lambda bound: bound.rule_name in MOVING)[-1]
    rule = anatomy.facts.rule(found)
    while rule in NORMS:
        found = anatomy.facts.made_from(found)[0]
        rule = anatomy.facts.rule(found)
    return anatomy.facts.graph.producer(found) if rule in LAYERS else None


def _layer(anatomy: Anatomy, gates: Sequence[BoundOperation]) -> _Layer:
    by_unit = np.concatenate([_before(anatomy, bound) for bound in gates], axis=1)
    off = np.flatnonzero((by_unit <= 0).all(axis=1))
    return _Layer(
        tuple(bound.output for bound in gates),
        _rows(anatomy.values[gates[0].output]),
        len(by_unit),
        tuple(int(i) for i in off),
        tuple(float(by_unit[i].max()) for i in off),
        _cut(anatomy, gates, len(off)),
    )


def _rows(array: Array) -> int:
    return array.shape[0] if array.ndim > 1 else 1


def _before(anatomy: Anatomy, bound: BoundOperation) -> Array:
    """Return what a gate was given, with one row a unit."""
    number = int(bound.operands[0])
    layer = _layer_before(anatomy, number)
    name = layer.rule_name if layer is not None else ""
    return _by_unit(np.asarray(anatomy.values[number]), name)


def _by_unit(array: Array, layer: str) -> Array:
    """Return a layer's output with one row a unit: a channel of a convolution."""
    axis = 1 if layer.startswith("conv") and array.ndim > 2 else array.ndim - 1
    return np.moveaxis(array, axis, 0).reshape(array.shape[axis], -1)


def _cut(anatomy: Anatomy, gates: Sequence[BoundOperation], off: int) -> int:
    """Count the numbers of the layers before and behind that get no gradient from dead units.

    Those of a layer that is used several times count once.
    """
    graph = anatomy.facts.graph
    found: dict[int, int] = {}
    for bound in gates:
        before = graph.producer(int(bound.operands[0]))
        if before is not None and before.rule_name == "linear":
            number = int(before.operands[1])
            width = anatomy.values[number].shape[1]
            found[number] = off * (width + (len(before.operands) > 2))
        for behind in graph.consumers(bound.output):
            if behind.rule_name == "linear":
                number = int(behind.operands[1])
                found[number] = off * anatomy.values[number].shape[0]
    return sum(found.values())


def _called(anatomy: Anatomy, outputs: Sequence[int]) -> str:
    """Return what a layer's gated outputs are called, once where only a number tells them apart."""
    names = [anatomy.facts.name(output) for output in outputs]
    if len(names) > 1:
        stems = {re.sub(r"_\d+$", "", name) for name in names}
        names = [stems.pop() if len(stems) == 1 else names[0]]
    return names[0]


def _finding(anatomy: Anatomy, layer: _Layer) -> Finding:
    name = _called(anatomy, layer.outputs)
    rows: list[tuple[Cell, ...]] = [
        (f"{unit}", nearest)
        for unit, nearest in list(zip(layer.off, layer.nearest, strict=True))[:MOST_SHOWN]
    ]
    whole = len(layer.off) == layer.units
    batch = f"all {layer.rows} rows" if layer.rows > 1 else "the one row"
    if (times := len(layer.outputs)) > 1:
        batch += f" at each of the {times} times that the layer is used"
    cut = f"; {layer.cut:,} weights and biases get no gradient through them" if layer.cut else ""
    message = f"{len(layer.off)} of {layer.units} units of {name} are off for {batch}{cut}."
    if whole:
        message = (
            f"all {layer.units} units of {name} are off for {batch}: nothing passes, forward or "
            "backward."
        )
    many = layer.units >= MANY_UNITS and layer.rows >= MANY_ROWS
    most = many and len(layer.off) > MOST_OF_A_LAYER * layer.units
    serious = most or (whole and layer.rows > 1)
    return Finding(
        ID,
        "warning" if serious else "note",
        message,
        Evidence(
            ("unit", "nearest to on"),
            tuple(rows),
            {
                "off": len(layer.off),
                "units": layer.units,
                "cut_off": layer.cut,
                "times": len(layer.outputs),
            },
        ),
        "Lower the learning rate, or use an activation that passes something below 0, such as "
        "leaky_relu; check the biases before it."
        if serious
        else "",
    )


RULE = AuditRule(ID, "units that are off for every row", "the recorded graph", look)
