"""Requests by chance have no false verdict and no error of ours; `tests/fuzz.py` makes more."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .fuzz import fault, fault_of_reading, request
from .fuzz_files import damaged_request, model_request, pristine
from .pages import command_line


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with one whole file of each kind."""
    made = tmp_path_factory.mktemp("whole")
    pristine(made)
    return made


@given(st.randoms(use_true_random=False))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_no_request_by_chance_is_answered_wrongly(chance: random.Random) -> None:
    words = request(chance)
    outcome = command_line(*words)
    assert fault(outcome) == "", " ".join(words)


@given(st.randoms(use_true_random=False))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_no_damaged_file_is_an_error_of_ours(folder: Path, chance: random.Random) -> None:
    words = damaged_request(chance, folder)
    outcome = command_line(*words)
    assert fault_of_reading(outcome) == "", " ".join(words)


@given(st.randoms(use_true_random=False))
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
def test_no_model_put_together_is_answered_wrongly(folder: Path, chance: random.Random) -> None:
    words = model_request(chance, folder)
    outcome = command_line(*words)
    assert outcome.code != 2 or "--x" in outcome.err, outcome.err
    assert fault(outcome) == "", " ".join(words)
