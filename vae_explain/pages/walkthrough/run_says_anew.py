"""What of a run its sentences speak of, for a page that says them anew when a number changes.

The rules stand in `run_says.py`, and once more in the live page's `says.mjs`; here is what they
ask of the recorded graph, which no change of a number changes.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

import numpy as np

from ...engine.gradient_ways import answers
from ...engine.index_ranges import Source
from ...engine.roles import standard_draws
from ...engine.run import Run
from ..blocks import PART, Statement
from .captions import term_words
from .run_says import DRAWS, GAUSSIAN, RATE, Facts, comes_back, told


def said_of(run: Run, lr: float = RATE) -> tuple[Statement, ...]:
    """Return what a run says, and how it is said anew."""
    facts = Facts(run, lr)
    said = told(facts)
    if not said:
        return ()
    recipe = {"kind": "says", **_facts(facts)}
    return said[0]._replace(recipe=recipe), *(each._replace(recipe=PART) for each in said[1:])


def _facts(facts: Facts) -> Mapping[str, object]:
    run, found = facts.run, answers(facts.run)
    draws = standard_draws(run)
    gates = []
    for value_id in facts.steps.named():
        bound = run.graph.producer(value_id)
        if bound is not None and bound.rule is not None and bound.rule.gate and 0 in bound.sources:
            ends = comes_back(facts, bound.sources[0])
            gates.append({"of": Source(value_id), "ends": ends})
    return {
        "words": [term_words(term.name) for term in run.trace.terms],
        "error": _error(facts),
        "answers": [[Source(each), Source(each, True)] for each in found],
        "gates": gates,
        "draw": _draws(run, draws[0]) if len(draws) == 1 and facts.small else None,
        "moves": facts.small
        and [[Source(n), Source(n, True), Source(n, moved=True)] for n in run.learning],
        "scales": _scales(facts),
    }


def _error(facts: Facts) -> Mapping[str, object] | None:
    """Return which two arrays a squared error is between, and its factor."""
    if facts.error is None:
        return None
    run, (made, amounts) = facts.run, facts.error
    shape = run.values[made].shape
    x = next(v.id for v in run.trace.values if v.kind == "input" and v.shape == shape)
    apart = np.subtract(run.values[made], run.values[x], dtype=np.float64)
    times = float(amounts.sum() / np.square(apart).sum())
    return {"made": Source(made), "x": Source(x), "times": times}


def _draws(run: Run, draw: int) -> Mapping[str, object]:
    """Return the other draws that `luck` tries, with all of their digits."""
    chance = np.random.default_rng(0)
    tried = chance.standard_normal((DRAWS, *run.trace.values[draw].shape)).astype("<f8")
    numbers = base64.b64encode(tried.tobytes()).decode()
    return {"of": Source(draw), "slope": Source(draw, True), "count": DRAWS, "numbers": numbers}


def _scales(facts: Facts) -> Mapping[str, object] | None:
    """Return the sentence of `gaussian`, with its numbers for a KL of weight one."""
    if facts.scales is None:
        return None
    half, variance, beta = facts.scales
    weights = [t.weight for t in facts.run.trace.terms if term_words(t.name) == "KL"]
    weight = weights[0] if len(weights) == 1 and weights[0] else 1.0  # 0 is left out there too
    text = GAUSSIAN.replace("{half}", half)
    return {"text": text, "variance": variance / weight, "beta": beta / weight}
