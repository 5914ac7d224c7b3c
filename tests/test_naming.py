"""Making names unique, and which ops make one number of many."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vae_explain.ops import ALIASES, RULES, Rule
from vae_explain.recording.default_names import MIXING, numbered
from vae_explain.symbolic.expression import Index, references

from .examples import examples_of
from .support import call_of


@pytest.mark.parametrize(
    ("names", "taken", "result"),
    [
        pytest.param({1: "h", 2: "z"}, [], {1: "h", 2: "z"}, id="nothing-shared"),
        pytest.param({4: "h", 7: "z", 9: "h"}, [], {4: "h_1", 7: "z", 9: "h_2"}, id="shared"),
        pytest.param({9: "h", 4: "h"}, [], {4: "h_1", 9: "h_2"}, id="in-order-of-values"),
        pytest.param({1: "x"}, ["x"], {1: "x_1"}, id="taken"),
        pytest.param({1: "x", 2: "x"}, ["x"], {1: "x_1", 2: "x_2"}, id="shared-and-taken"),
        pytest.param({1: "x"}, ["x", "x_1"], {1: "x_2"}, id="number-taken"),
        pytest.param(
            {1: "h_1", 2: "h", 3: "h"}, [], {1: "h_1", 2: "h_2", 3: "h_3"}, id="number-in-use"
        ),
        pytest.param(
            {1: "h", 2: "h", 3: "h_1"}, [], {1: "h_1", 2: "h_2", 3: "h_1_1"}, id="number-wanted"
        ),
        pytest.param({}, ["x"], {}, id="nothing"),
    ],
)
def test_numbered(names: dict[int, str], taken: list[str], result: dict[int, str]) -> None:
    found = numbered(names, taken)
    assert found == result
    assert list(found) == sorted(found)


NAMES = st.sampled_from(["h", "h_1", "h_2", "h_1_1", "x", "x_1"])


@given(st.dictionaries(st.integers(0, 20), NAMES), st.lists(NAMES, unique=True))
def test_numbered_names_are_unique_and_keep_their_base(
    names: dict[int, str], taken: list[str]
) -> None:
    found = numbered(names, taken)
    assert found.keys() == names.keys()
    assert len({*found.values(), *taken}) == len(found) + len(taken)
    for value, name in found.items():
        extra = name.removeprefix(names[value])
        assert extra == "" or extra[1:].isdigit()


# --- which ops make one number of many ---------------------------------------------------


def reads(rule: Rule) -> int:
    """Return of how many numbers of one operand an element of the output may be made."""
    most = 0
    for example in examples_of(rule):
        call = call_of(rule, example)
        for index in np.ndindex(*np.shape(call.output.array)):
            read: set[tuple[str, Index]] = set()
            waiting = list(references(rule.element(call, index)))
            while waiting:
                reference = waiting.pop()
                if reference.made is not None:
                    waiting += references(reference.made())
                elif reference.index is not None:
                    read.add((reference.name, reference.index))
            most = max(most, *Counter(name for name, _ in read).values(), 0)
    return most


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES.values() if not rule.source], ids=lambda r: r.name
)
def test_an_op_that_makes_one_number_of_many_is_known_as_such(rule: Rule) -> None:
    if rule.name in {"scatter_add", "nll_loss"}:
        assert rule.name in MIXING  # of as many as there are, two in the examples
        return
    assert (rule.name in MIXING) == (reads(rule) > 2)
    aliases = {alias for alias, name in ALIASES.items() if name == rule.name}
    assert all((alias in MIXING) == (rule.name in MIXING) for alias in aliases)
