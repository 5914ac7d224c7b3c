"""What the live page needs to word the sentences on a run again when a number changes.

The rules stand in `run_says.py`, and once more in the live page's `says.mjs`; here is what they
ask of the recorded graph, which no change of a number changes, and how they word what they find.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

from ...engine.gradient_ways import answers
from ...engine.index_ranges import Source
from ...engine.run import Run
from ...trace import Array
from ..blocks import PART, Statement
from .captions import term_words
from .facts import RATE, Facts, SquaredError
from .run_says import comes_back, statements
from .run_wording import CARRIED, MOST_LISTED, MOST_NAMED, TEMPLATES


def said_of(run: Run, lr: float = RATE) -> tuple[Statement, ...]:
    """Return the sentences on a run, with the recipe by which the live page words them again."""
    facts = Facts(run, lr)
    said = statements(facts)
    if not said:
        return ()
    most = {"named": MOST_NAMED, "listed": MOST_LISTED, "carried": CARRIED}
    recipe = {"kind": "says", "templates": TEMPLATES, "most": most, **_facts(facts)}
    return said[0]._replace(recipe=recipe), *(each._replace(recipe=PART) for each in said[1:])


def _facts(facts: Facts) -> Mapping[str, object]:
    run = facts.run
    return {
        "words": [term_words(term.name) for term in run.trace.terms],
        "error": _error(facts.error),
        "answers": [[Source(each), Source(each, True)] for each in answers(run)],
        "gates": [
            {"of": Source(value_id), "ends": comes_back(facts, before)}
            for value_id, before in facts.gates
        ],
        "draw": facts.other_draws and _draws(*facts.other_draws),
        "moves": facts.small
        and [[Source(n), Source(n, True), Source(n, moved=True)] for n in run.learning],
        "scales": _scales(facts),
    }


def _error(error: SquaredError | None) -> Mapping[str, object] | None:
    """Return which two arrays a squared error is between, and its factor."""
    return error and {"made": Source(error.made), "x": Source(error.x), "times": error.times}


def _draws(draw: int, others: Array) -> Mapping[str, object]:
    """Return the other draws that `luck` tries, with all of their digits."""
    numbers = base64.b64encode(others.astype("<f8").tobytes()).decode()
    count = len(others)
    return {"of": Source(draw), "slope": Source(draw, True), "count": count, "numbers": numbers}


def _scales(facts: Facts) -> Mapping[str, object] | None:
    """Return what `gaussian` says, with its numbers for a KL of weight one."""
    if facts.scales is None:
        return None
    half, variance, beta = facts.scales
    weights = [t.weight for t in facts.run.trace.terms if term_words(t.name) == "KL"]
    weight = weights[0] if len(weights) == 1 and weights[0] else 1.0  # 0 is left out there too
    return {"half": half, "variance": variance / weight, "beta": beta / weight}
