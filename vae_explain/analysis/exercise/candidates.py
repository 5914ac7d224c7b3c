"""The numbers of a run that may be asked for, each with the tree that it is made by."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import field, replace
from functools import cached_property, partial

import numpy as np

from ...engine.formulas import Steps, gradient_name
from ...engine.provenance import Provenance, Target
from ...engine.roles import reconstruction, section_of
from ...engine.run import Run
from ...engine.value_formulas import if_explained
from ...ops import NotExplained
from ...quick_classes import dataclass
from ...symbolic.expression import (
    Add,
    Apply,
    Expression,
    Index,
    Mul,
    Number,
    Ref,
    nodes,
    references,
    terms_of,
)
from ...symbolic.measure import evaluate
from ...symbolic.simplify import simplify
from ...symbolic.text import symbol_text
from .key import Topic

MOST_TRIED = 8  # elements of one tensor
LARGEST = 1e5
SURE = 0.01  # how far a gate's input is from 0 at least
RATE = "lr"
COMPUTED = ("value", "gradient")


@dataclass(frozen=True)
class Candidate:
    """A number that may be asked for.

    Attributes
    ----------
    order
        Where it stands among the blanks of a sheet.
    tensor
        What it is an element of, with the gradient's own name.
    parts, kl
        Of a gradient, see `BlankEntry`.
    """

    name: str
    tensor: str
    topic: Topic
    order: tuple[int, ...]
    tree: Expression = field(repr=False)
    value: float
    parts: tuple[str, ...] = ()
    kl: tuple[int, ...] = ()

    @cached_property
    def uses(self) -> tuple[Ref, ...]:
        """What it is made of."""
        return tuple(references(self.tree))

    @cached_property
    def names(self) -> frozenset[str]:
        """What it is made of, by name."""
        return frozenset(map(symbol_text, self.uses))


class Candidates:
    """The numbers of a run that may be asked for, with their trees."""

    def __init__(self, run: Run, rng: random.Random, rate: float) -> None:
        self.run, self.rng, self.rate = run, rng, rate
        self.provenance = Provenance(run)
        self.steps: Steps = self.provenance.steps
        self._made_of: dict[str, frozenset[str]] = {}
        self._telling: dict[str, tuple[tuple[str, str], ...]] = {}

    @cached_property
    def kl_terms(self) -> tuple[str, ...]:
        """The terms of the loss that the reconstruction has no part in."""
        rebuilt = reconstruction(self.run)
        if rebuilt is None or len(self.run.trace.terms) < 2:
            return ()
        depends = self.run.graph.depends
        return tuple(
            term.name for term in self.run.trace.terms if not depends(term.value, [rebuilt])
        )

    @cached_property
    def kl_values(self) -> frozenset[int]:
        """The ids of the named values that lead to the loss through the KL alone."""
        trace, depends = self.run.trace, self.run.graph.depends
        kl = [trace.term(name).value for name in self.kl_terms]
        others = [t.value for t in trace.terms if t.name not in self.kl_terms]
        return frozenset(
            value.id
            for value in trace.values
            if value.name
            and value.kind == "intermediate"
            and (value.id in kl or any(depends(end, [value.id]) for end in kl))
            and not (value.id in others or any(depends(end, [value.id]) for end in others))
        )

    @cached_property
    def deviations(self) -> tuple[str, ...]:
        """The names of the values that noise is multiplied with."""
        names: dict[str, None] = {}
        for value_id in self.steps.named():
            for index in self._indices(value_id, self.run.values[value_id].shape, 1):
                tree = self._explained(partial(self.steps.element, value_id, index))
                for product in (node for node in nodes(tree) if isinstance(node, Mul)):
                    refs = [part for part in product.factors if isinstance(part, Ref)]
                    if any(ref.role == "noise" for ref in refs):
                        names.update({ref.name: None for ref in refs if ref.role == "value"})
        return tuple(names)

    @cached_property
    def counts(self) -> dict[str, int]:
        """Over how many numbers the sums of the loss go."""
        by_topic = {}
        rebuilt = reconstruction(self.run)
        if rebuilt is not None:
            by_topic["reconstruction"] = self.run.values[rebuilt].size
        noise = self.run.trace.draws
        if noise:
            by_topic["latent"] = noise[0].array.size
            by_topic["batch"] = noise[0].shape[0] if noise[0].shape else 1
        return by_topic

    def of_topics(self, topics: Sequence[Topic]) -> dict[Topic, list[Candidate]]:
        """Return the candidates of each topic, in a random order."""
        pools: dict[Topic, list[Candidate]] = {topic: [] for topic in topics}
        for candidate in self._all():
            if candidate.topic in pools:
                pools[candidate.topic].append(candidate)
        for each in pools.values():
            self.rng.shuffle(each)
        return pools

    def telling(self, candidate: Candidate) -> tuple[tuple[str, str], ...]:
        """Return what a candidate uses that is made of one number alone, each with that number.

        A ReLU's output tells its input: where the one is shown, the other is given away.
        """
        if candidate.name not in self._telling:
            self._telling[candidate.name] = tuple(
                (name, blank)
                for ref in candidate.uses
                if len(behind := self._behind(ref, name := symbol_text(ref))) == 1
                for blank in behind
            )
        return self._telling[candidate.name]

    def _behind(self, ref: Ref, name: str) -> frozenset[str]:
        """Return the computed numbers that a shown one is made of; none for one that was given."""
        if name not in self._made_of:
            target = self.provenance.locate(ref)
            made: Expression = Number(0.0)
            if target is not None and ref.role in COMPUTED:
                value_id, index = target.value_id, target.index
                made = self._explained(
                    (lambda: self.steps.gradient(value_id, index, target.term))
                    if target.gradient
                    else (lambda: self.steps.element(value_id, index))
                )
            uses = (use for use in references(made) if use.role in COMPUTED)
            self._made_of[name] = frozenset(map(symbol_text, uses))
        return self._made_of[name]

    def _all(self) -> Iterator[Candidate]:
        for value_id in self.steps.named():
            value = self.run.trace.values[value_id]
            if value.kind == "intermediate":
                yield from self._each(value_id, self._value)
        reached = sorted(self.run.gradients, reverse=True)
        for value_id in reached:
            if self.run.trace.values[value_id].name:
                yield from self._each(value_id, self._gradient)
        for name in self.kl_terms:
            for value_id in sorted(self.run.term_gradients[name], reverse=True):
                if self.run.trace.values[value_id].name:
                    yield from self._each(value_id, self._gradient, name)
        for value_id in self.run.learning:
            if self.run.trace.values[value_id].name:
                yield from self._each(value_id, self._update)

    def _each(
        self,
        value_id: int,
        make: Callable[[Target], Candidate | None],
        term: str | None = None,
    ) -> Iterator[Candidate]:
        for index in self._indices(value_id, self.run.values[value_id].shape, MOST_TRIED):
            candidate = make(Target(value_id, index, term is not None, term))
            if candidate is not None:
                yield candidate

    def _indices(self, value_id: int, shape: tuple[int, ...], most: int) -> list[Index]:
        size = math.prod(shape)
        flat = range(size) if size <= most else sorted(self.rng.sample(range(size), most))
        return [tuple(int(i) for i in np.unravel_index(at, shape)) for at in flat]

    def _explained(self, make: Callable[[], Expression]) -> Expression:
        return if_explained(make) or Number(math.nan)

    def _value(self, target: Target) -> Candidate | None:
        tree = self._explained(lambda: self.steps.element(target.value_id, target.index))
        name = self.run.trace.values[target.value_id].name or ""
        where = self.steps.label(target.value_id, target.index)
        return self._candidate(
            name, where, (0, target.value_id, *target.index), tree, self._topic(target.value_id)
        )

    def _topic(self, value_id: int) -> Topic:
        if value_id in self.kl_values:
            return "kl"
        if section_of(self.run, value_id) == "loss":
            return "loss"
        rule = self.run.graph.rule(value_id)
        return "gates" if rule and rule.gate else "forward"

    def _gradient(self, target: Target) -> Candidate | None:
        value_id, index, term = target.value_id, target.index, target.term
        try:
            contributions = self.steps.contributions(value_id, index, term)
        except NotExplained:
            return None
        groups: dict[int, list[Expression]] = {}
        for each in contributions:
            groups.setdefault(each.through, []).append(each.expression)
        sums = {
            through: folded
            for through, group in groups.items()
            if (folded := simplify(Add(tuple(group)))) != Number(0.0)
        }
        terms: list[Expression] = []
        ways: list[int] = []
        for through, folded in sums.items():
            parts = terms_of(folded)
            terms += parts
            ways += [through] * len(parts)
        if not terms:
            return None
        tree = Add(tuple(terms)) if len(terms) > 1 else terms[0]
        values = self.run.trace.values
        candidate = self._candidate(
            gradient_name(self.run, value_id, term),
            self.steps.label(value_id, index),
            (1 if term is None else 2, -value_id, *index),
            tree,
            "kl" if term else self._topic_of_gradient(tree),
        )
        if candidate is None or (term and any(map(_is_gradient, candidate.uses))):
            return None
        return replace(
            candidate,
            parts=tuple(values[way].label for way in ways),
            kl=tuple(at for at, way in enumerate(ways) if way in self.kl_values),
        )

    def _topic_of_gradient(self, tree: Expression) -> Topic:
        if any(isinstance(node, Apply) and node.function == "gate" for node in nodes(tree)):
            return "gates"
        return "chain" if any(map(_is_gradient, references(tree))) else "loss"

    def _update(self, target: Target) -> Candidate | None:
        value_id, index = target.value_id, target.index
        if not self.run.gradients[value_id][index]:
            return None
        before = self.steps.reference(value_id, index)
        gradient = self.steps.gradient_reference(value_id, index)
        rate = Ref(RATE, None, "constant", self.rate)
        name = f"{self.run.trace.values[value_id].name}_new"
        where = self.steps.label(value_id, index)
        tree = before - Mul((rate, gradient))
        return self._candidate(name, where, (3, value_id, *index), tree, "update")

    def _candidate(
        self, tensor: str, where: str, order: tuple[int, ...], tree: Expression, topic: Topic
    ) -> Candidate | None:
        """Return a candidate that can be asked for; None for a copy, or what is not explained."""
        if isinstance(tree, Ref | Number) or not all(map(_is_single, references(tree))):
            return None
        try:
            value = evaluate(tree)
        except TypeError:  # of a whole tensor
            return None
        if not math.isfinite(value) or abs(value) > LARGEST or not _gates_are_sure(tree):
            return None
        return Candidate(tensor + where, tensor, topic, order, tree, value + 0.0)


def _is_gradient(ref: Ref) -> bool:
    return ref.role == "gradient"


def _is_single(ref: Ref) -> bool:
    return type(ref) is Ref and (ref.index is not None or np.ndim(ref.value) == 0)


def _gates_are_sure(tree: Expression) -> bool:
    """Whether rounding cannot open a gate that is closed."""
    return all(
        abs(evaluate(node.arguments[0])) >= SURE
        for node in nodes(tree)
        if isinstance(node, Apply) and node.function in ("relu", "gate")
    )
