"""Where the loss compares a reconstruction with its target, found in the graph.

The last operation before the loss that takes something made from z on one side and
something that is not on the other, with no layer behind it. Without a latent, something
learned and something that is not.
"""

from __future__ import annotations

from functools import partial

from ....engine.graph import BoundOperation
from ....quick_classes import NamedTuple
from .anatomy import Anatomy, once

WORDS = {
    "mse_loss": "squared error",
    "l1_loss": "absolute error",
    "smooth_l1_loss": "smooth absolute error",
    "huber_loss": "Huber error",
    "binary_cross_entropy": "binary cross-entropy",
    "binary_cross_entropy_with_logits": "binary cross-entropy",
    "gaussian_nll_loss": "Gaussian log-likelihood",
    "poisson_nll_loss": "Poisson log-likelihood",
    "cross_entropy": "cross-entropy",
    "nll_loss": "cross-entropy",
    "kl_div": "Kullback-Leibler divergence",
    "soft_margin_loss": "logistic error",
}
DISTANCES = {"pairwise_distance": "distance", "cosine_similarity": "cosine similarity"}


class ComparisonOp(NamedTuple):
    """An operation that compares: its two sides, before they were broadcast."""

    bound: BoundOperation
    made: int
    target: int

    @property
    def op(self) -> str:
        return self.bound.rule_name


@once
def comparisons(anatomy: Anatomy) -> tuple[ComparisonOp, ...]:
    """Return where a run's reconstruction is compared, each place once."""
    by_output = {
        comparison.bound.output: comparison
        for part in (anatomy.reconstruction() if anatomy.latents else anatomy.parts)
        for comparison in of_summand(anatomy, part.summand.value)
    }
    return tuple(by_output.values())


def of_summand(anatomy: Anatomy, value: int) -> tuple[ComparisonOp, ...]:
    """Return where the comparisons of one summand are."""
    samples = {site.decoded for site in anatomy.latents}
    compared = partial(_comparison, anatomy, samples)

    def behind(value_id: int) -> list[int]:
        bound = anatomy.graph.producer(value_id)
        passed = bound and (
            anatomy.is_arithmetic(bound)
            or bound.kind in ("reduction", "loss")
            or bound.rule_name in ("log_softmax", "logsumexp", *DISTANCES)
            or (bound.kind == "contraction" and not _of_a_layer(anatomy, bound))
        )
        return anatomy.made_from(value_id) if passed and not compared(value_id) else []

    seen = (compared(value_id) for value_id in anatomy.walk(value, behind))
    return tuple(comparison for comparison in seen if comparison is not None)


def measure_of(comparison: ComparisonOp, anatomy: Anatomy) -> str:
    """Return what a comparison measures: a squared error where a difference is squared."""
    words = {**WORDS, **DISTANCES}.get(comparison.op)
    if words is not None:
        return words
    for bound in anatomy.graph.consumers(comparison.bound.output):
        rule = bound.rule_name
        squared = rule == "square" or (rule == "pow" and bound.operands[1:] == (2,))
        if squared or (rule == "mul" and bound.operands[0] == bound.operands[1]):
            return "squared error"
        if rule == "abs":
            return "absolute error"
    return "difference" if comparison.op == "sub" else "product"


def _comparison(anatomy: Anatomy, samples: set[int], value_id: int) -> ComparisonOp | None:
    bound = anatomy.graph.producer(value_id)
    if bound is None or not (bound.kind == "loss" or bound.rule_name in ("sub", "mul", *DISTANCES)):
        return None
    operands = list(bound.sources.values())[:2]
    if len(operands) != 2:
        return None
    from_z = [
        bool(samples & anatomy.ancestors(value_id)) if samples else anatomy.learned(value_id)
        for value_id in operands
    ]
    if from_z not in ([True, False], [False, True]):
        return None
    made, target = operands if from_z[0] else operands[::-1]
    # A sample's own likelihood compares it with its mean, which is learned.
    if bound.kind != "loss" and (not anatomy.from_input(target) or anatomy.learned(target)):
        return None
    return ComparisonOp(bound, _before_broadcast(anatomy, made), _before_broadcast(anatomy, target))


def _of_a_layer(anatomy: Anatomy, bound: BoundOperation) -> bool:
    return any(anatomy.trace.values[n].kind == "parameter" for n in anatomy.operands(bound))


def _before_broadcast(anatomy: Anatomy, value_id: int) -> int:
    while anatomy.rule(value_id) == "broadcast_tensors":
        value_id = anatomy.made_from(value_id)[0]
    return value_id
