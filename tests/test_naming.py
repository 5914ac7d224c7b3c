"""Making names unique."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vae_explain.naming import numbered


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
