"""The model as a picture shows it: which values are drawn, and what joins them.

Drawn from the recorded run, so that a user's own model has a picture too. A layer and the
activation behind it are one node, and so are numbers before and after they are only put into
another shape or order; what belongs to the loss alone is named under the picture, since it is
a number and no layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from ...engine.formulas import Steps
from ...engine.roles import section_of
from ...engine.run import Run
from ...engine.value_formulas import if_explained
from ...symbolic.expression import Expression, Opaque, Ref, Reshape, Transpose, references
from ...symbolic.text import to_text
from ...trace import Array, Kind
from ..pictured import Diagram, Edge, LossTerm, Network, Node
from .captions import drawing_words, term_role

LONGEST_WORDS = 24  # of a formula beside a node; a longer one stands in the text alone


def diagram(run: Run, stages: Sequence[tuple[str, str]] = (), caption: str = "") -> Diagram:
    """Return the picture of a run; `stages` are its words, taken from the nodes if empty."""
    drawn = network(run)
    words = stages or [(node.name, str(list(node.array.shape))) for node in drawn.nodes]
    return Diagram(tuple(words), drawn, caption)


def loss_terms(run: Run) -> list[LossTerm]:
    """Return the loss and its terms, each with what it is made from."""
    return _Drawing(run).losses()


def network(run: Run) -> Network:
    """Return the nodes of a run's picture with what joins them."""
    drawing = _Drawing(run)
    nodes = [value_id for value_id in drawing.values if value_id not in drawing.inner]
    place = {value_id: position for position, value_id in enumerate(nodes)}
    return Network(
        tuple(drawing.node(value_id) for value_id in nodes),
        tuple(edge for value_id in nodes for edge in drawing.edges(value_id, place)),
        tuple(drawing.losses()),
    )


class _Drawing:
    def __init__(self, run: Run) -> None:
        self.run = run
        self.steps = Steps(run)
        self.values = self._drawable()
        self.inner = self._inside_nodes()

    def _drawable(self) -> list[int]:
        """Return what may be drawn: named tensors on the way to the loss, before its terms."""
        trace, wanted = self.run.trace, self.run.graph.reaches_loss
        return [
            value.id
            for value in trace.values
            if value.name is not None
            and value.id in wanted
            and value.shape != ()
            and (value.kind == "input" or value.id in trace.producer)
            and (value.kind == "input" or section_of(self.run, value.id) != "loss")
        ]

    def sources(self, value_id: int) -> list[int]:
        """Return the named tensors that a value is made from, parameters left out."""
        return self._made_from_kinds(value_id, "input", "intermediate", "noise")

    def parameters(self, value_id: int) -> list[int]:
        """Return the parameters that a value is made from."""
        return self._made_from_kinds(value_id, "parameter")

    def _made_from_kinds(self, value_id: int, *kinds: Kind) -> list[int]:
        values = self.run.trace.values
        made_from = self.steps.inputs(value_id) if value_id in self.run.trace.producer else []
        return [i for i in made_from if values[i].kind in kinds and i != value_id]

    def _inside_nodes(self) -> dict[int, int]:
        """Return the values that have no node of their own, with what was made of them.

        They are looked at once: a layer's value by its activation, or any value where its
        numbers are put into another shape or order.
        """
        users: dict[int, list[int]] = {}
        for value_id in self.values:
            for source in self.sources(value_id):
                users.setdefault(source, []).append(value_id)
        inside = {}
        for value_id, used_by in users.items():
            if len(used_by) != 1 or self._in_loss(value_id):
                continue
            (after,) = used_by
            alone = self.sources(after) == [value_id] and not self.parameters(after)
            same_shape = self.run.values[after].shape == self.run.values[value_id].shape
            activated = same_shape and bool(self.parameters(value_id))
            drawn = self.run.trace.values[value_id].kind == "intermediate"
            if alone and (activated or (drawn and self._only_moved(after))):
                inside[value_id] = after
        return inside

    def _only_moved(self, value_id: int) -> bool:
        """Whether a value has the numbers of another in another shape or order."""
        formula = self._formula(value_id)
        return formula is not None and _moved(formula)

    def _in_loss(self, value_id: int) -> bool:
        """Whether the loss looks at a value itself, as it does at logvar."""
        return value_id in self._of_loss

    @cached_property
    def _of_loss(self) -> set[int]:
        loss = (i for i in self.steps.named() if section_of(self.run, i) == "loss")
        return {value_id for i in loss for value_id in self.steps.inputs(i)}

    def node(self, value_id: int) -> Node:
        value = self.run.trace.values[value_id]
        kind = value.kind if value.kind in ("input", "noise") else "value"
        return Node(value.name or "", kind, self.run.values[value_id], self._words(value_id))

    def _words(self, value_id: int) -> str:
        """Write how a value is made, when that is short and no layer, or where noise is from."""
        kind = self.run.trace.values[value_id].kind
        if kind == "noise":
            return drawing_words(self.run, value_id)
        if kind != "intermediate" or value_id in self.inner.values() or self.parameters(value_id):
            return ""
        formula = self._formula(value_id)
        text = "" if formula is None else to_text(formula)
        return text if len(text) <= LONGEST_WORDS else ""

    def edges(self, value_id: int, place: dict[int, int]) -> list[Edge]:
        """Return the edges that end in a node, from outside its own layer."""
        before = value_id
        while before in self.inner.values():
            before = next(pre for pre, after in self.inner.items() if after == before)
        layer = self._layer(before)
        return [
            Edge(place[source], place[value_id], *layer)
            for source in self.sources(before)
            if source in place
        ]

    def _layer(self, value_id: int) -> tuple[str, tuple[int, ...], Array | None]:
        """Return the name of the layer that made a value, its weight's shape, and its weight."""
        parameters = self.parameters(value_id)
        if not parameters:
            return "", (), None
        largest = max(parameters, key=lambda i: self.run.values[i].size)
        name, weight = self.run.trace.values[largest].name or "", self.run.values[largest]
        return name.rpartition(".")[0] or name, weight.shape, weight

    def losses(self) -> list[LossTerm]:
        trace = self.run.trace
        losses: list[LossTerm] = []
        for value_id in dict.fromkeys((*(term.value for term in trace.terms), trace.output)):
            name, array = trace.values[value_id].name, self.run.values[value_id]
            if name is not None and array.size == 1:
                role = "total" if value_id == trace.output else term_role(name)
                losses.append(LossTerm(name, float(array.item()), self._refers_to(value_id), role))
        return losses

    def _refers_to(self, value_id: int) -> tuple[str, ...]:
        formula = self._formula(value_id)
        refs = () if formula is None else references(formula)
        return tuple(dict.fromkeys(ref.name for ref in refs))

    def _formula(self, value_id: int) -> Expression | None:
        return if_explained(lambda: self.steps.formula(value_id))


def _moved(formula: Expression) -> bool:
    """Whether a formula is one value, reshaped or with its axes in another order."""
    match formula:
        case Ref():
            return True
        case Reshape(body) | Transpose(body):
            return _moved(body)
        case Opaque(name, (body,)):
            return name.startswith(".permute(") and _moved(body)
        case _:
            return False
