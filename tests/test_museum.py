"""The museum: each fault is named, each right twin and each right model left in peace."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from museum.__main__ import main
from museum.cases import Case, cases
from vae_explain.analysis.audit.rules.all_rules import ALL

CASES = tuple(cases())
OF_LOOPS = {
    "gradients-kept", "no-gradient", "no-step", "not-optimized", "evaluation-mode",
    "no-lower-bound",
}  # fmt: skip


def named(case: Case) -> str:
    return f"{case.kind}-{case.name}"


@pytest.mark.parametrize("case", [c for c in CASES if c.kind != "right"], ids=named)
def test_a_fault_is_named(case: Case, record_property: Callable[[str, object], None]) -> None:
    found, expected = case.found("faulty"), {case.expected, *case.also}
    record_property("audit", (case.expected, sorted(expected), sorted(found)))
    assert found == expected


@pytest.mark.parametrize("case", CASES, ids=named)
def test_what_is_right_is_left_in_peace(
    case: Case, record_property: Callable[[str, object], None]
) -> None:
    found = case.found("right")
    record_property("audit", (case.expected, [], sorted(found)))
    assert found == frozenset()


def test_the_collection_is_whole() -> None:
    faults = [case for case in CASES if case.kind != "right"]
    assert len(faults) >= 45
    assert len(CASES) - len(faults) >= 30
    assert {case.expected for case in faults} <= {rule.id for rule in ALL} | OF_LOOPS
    assert all(case.complaint.endswith(".") for case in CASES)
    assert all(case.cause.endswith(".") for case in faults)
    assert len({case.name for case in CASES}) == len(CASES)


def test_the_command_prints_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(("one_head_for_both", "gradients_not_reset", "one_row")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[:3]] == [
        ["one_head_for_both", "head-range", "named", "quiet"],
        ["gradients_not_reset", "gradients-kept", "named", "quiet"],
        ["one_row", "-", "right", "quiet"],
    ]
    assert lines[-1] == (
        "2 faults: 2 named, 0 related, 0 silent; 0 false alarms among 2 right twins and 1 further "
        "right models"
    )


def test_a_name_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(("nothing",)) == 2
    assert "no fault and no finding is called nothing" in capsys.readouterr().err


def test_a_fault_that_is_not_named_fails(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (case,) = cases(("one_head_for_both",))
    monkeypatch.setattr(case, "faulty", case.right)
    assert main(("one_head_for_both",)) == 1
    assert "0 named, 0 related, 1 silent" in capsys.readouterr().out
    monkeypatch.undo()
    monkeypatch.setattr(case, "right", case.faulty)
    assert main(("one_head_for_both",)) == 1
    assert "FALSE ALARM: head-range" in capsys.readouterr().out
