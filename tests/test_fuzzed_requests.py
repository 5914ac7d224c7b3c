"""Requests by chance have no false verdict and no error of ours; `tests/fuzz.py` makes more."""

from __future__ import annotations

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .fuzz import fault, request
from .pages import command_line


@given(st.randoms(use_true_random=False))
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
def test_no_request_by_chance_is_answered_wrongly(chance: random.Random) -> None:
    words = request(chance)
    outcome = command_line(*words)
    assert fault(outcome) == "", " ".join(words)
