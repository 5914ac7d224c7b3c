"""`dead-units`: units that are off for every row of the batch, and what they cut off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..graph import BoundOperation
from ..trace import Array
from .anatomy import Anatomy
from .facts import LAYERS, MOVING
from .finding import AuditRule, Cell, Evidence, Finding, NotApplied, Seen

ID = "dead-units"
# A few units off for all rows are what any ReLU network has, trained or not. Most of a layer
# over many rows, or all of it, are more than that.
MANY_ROWS, MANY_UNITS, MOST_OF_A_LAYER = 32, 16, 0.5
MOST_SHOWN = 12
NORMS = frozenset({"batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm"})


@dataclass(frozen=True)
class _Layer:
    """A layer's gated output: which units are off, how near to on, and what that cuts off."""

    output: int
    units: int
    off: tuple[int, ...]
    nearest: tuple[float, ...]
    cut: int


def look(anatomy: Anatomy) -> Seen:
    gates = [bound for bound in anatomy.facts.graph.operations if _is_gate(anatomy, bound)]
    if not gates:
        raise NotApplied("no layer's output goes through a ReLU")
    layers = [_layer(anatomy, bound) for bound in gates]
    findings = tuple(_finding(anatomy, layer) for layer in layers if layer.off)
    return Seen(
        f"the units of {len(layers)} gated layer{'' if len(layers) == 1 else 's'}", findings
    )


def _is_gate(anatomy: Anatomy, bound: BoundOperation) -> bool:
    """Whether an operation gates what a layer gave out, on the way to the loss."""
    if bound.rule is None or bound.output not in anatomy.facts.graph.reaches_loss:
        return False
    name = bound.rule.name
    at_zero = name == "relu" or (
        name in ("clamp", "clamp_min")
        and bound.attributes.get("min") == 0
        and bound.attributes.get("max") is None
    )
    return at_zero and bool(_layer_before(anatomy, int(bound.operands[0])))


def _layer_before(anatomy: Anatomy, number: int) -> str:
    """Return the op of the layer that made a value, norms and changes of shape left out."""
    found = anatomy.facts.walk_back(number, (MOVING | {"dropout"}).__contains__)[-1]
    rule = anatomy.facts.rule(found)
    while rule in NORMS:
        found = anatomy.facts.made_from(found)[0]
        rule = anatomy.facts.rule(found)
    return rule if rule in LAYERS else ""


def _layer(anatomy: Anatomy, bound: BoundOperation) -> _Layer:
    before = np.asarray(anatomy.values[int(bound.operands[0])])
    by_unit = _by_unit(before, _layer_before(anatomy, int(bound.operands[0])))
    off = np.flatnonzero((by_unit <= 0).all(axis=1))
    nearest = tuple(float(by_unit[i].max()) for i in off)
    return _Layer(
        bound.output,
        len(by_unit),
        tuple(int(i) for i in off),
        nearest,
        _cut(anatomy, bound, len(off)),
    )


def _by_unit(array: Array, layer: str) -> Array:
    """Return a layer's output with one row a unit: a channel of a convolution."""
    axis = 1 if layer.startswith("conv") and array.ndim > 2 else array.ndim - 1
    return np.moveaxis(array, axis, 0).reshape(array.shape[axis], -1)


def _cut(anatomy: Anatomy, bound: BoundOperation, off: int) -> int:
    """Count the numbers of the layers before and behind that get no gradient from dead units."""
    found = 0
    before = anatomy.facts.graph.producer(int(bound.operands[0]))
    if before is not None and before.rule is not None and before.rule.name == "linear":
        weight = anatomy.values[int(before.operands[1])]
        found += off * (weight.shape[1] + (len(before.operands) > 2))
    for behind in anatomy.facts.graph.consumers(bound.output):
        if behind.rule is not None and behind.rule.name == "linear":
            found += off * anatomy.values[int(behind.operands[1])].shape[0]
    return found


def _finding(anatomy: Anatomy, layer: _Layer) -> Finding:
    name = anatomy.facts.name(layer.output)
    rows: list[tuple[Cell, ...]] = [
        (f"{unit}", nearest)
        for unit, nearest in list(zip(layer.off, layer.nearest, strict=True))[:MOST_SHOWN]
    ]
    whole = len(layer.off) == layer.units
    batch = f"all {anatomy.rows} rows" if anatomy.rows > 1 else "the one row"
    cut = f"; {layer.cut:,} weights and biases get no gradient through them" if layer.cut else ""
    message = f"{len(layer.off)} of {layer.units} units of {name} are off for {batch}{cut}."
    if whole:
        message = (
            f"all {layer.units} units of {name} are off for {batch}: nothing passes, forward or "
            "backward."
        )
    many = layer.units >= MANY_UNITS and anatomy.rows >= MANY_ROWS
    most = many and len(layer.off) > MOST_OF_A_LAYER * layer.units
    serious = most or (whole and anatomy.rows > 1)
    return Finding(
        ID,
        "warning" if serious else "note",
        message,
        Evidence(
            ("unit", "nearest to on"),
            tuple(rows),
            {"off": len(layer.off), "units": layer.units, "cut_off": layer.cut},
        ),
        "Lower the learning rate, or use an activation that passes something below 0, such as "
        "leaky_relu; check the biases before it."
        if serious
        else "",
    )


RULE = AuditRule(ID, "units that are off for every row", "the recorded graph", look)
