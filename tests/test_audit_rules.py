"""The pages of the audit's rules: each id has one, and its examples are what it says."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_explain import pipeline
from vae_explain.analysis.audit.report import Report, audit
from vae_explain.analysis.audit.rules.all_rules import ALL
from vae_explain.analysis.audit.rules.ids import IDS

from .audited.base import Layers, kl_of, rows, sample
from .requests import held

PAGES = Path(__file__).parent.parent / "docs" / "rules"
BLOCK = re.compile(r"## (\w[\w ]*)\n\n```python\n(.*?)```", re.DOTALL)
TABLE = re.compile(r"(\|---\|---\|\n)(?:\|.*\n)*")


class Model(Layers):
    def __init__(self) -> None:
        super().__init__()
        self.codes = nn.Embedding(5, 3)


def examples(name: str) -> dict[str, str]:
    return dict(BLOCK.findall((PAGES / f"{name}.md").read_text("utf-8")))


def report_of(code: str) -> Report:
    names = {"torch": torch, "F": F, "nn": nn, "math": math, "sample": sample, "kl_of": kl_of}
    space: dict[str, Callable[..., Tensor]] = {}
    exec(compile(code, "example", "exec"), names, space)
    torch.manual_seed(3)
    model = Model() if "codes" in code else Layers()
    return audit(pipeline.recordings(held(model, rows(), 11, objective=space["loss"])), ALL)


def test_each_rule_has_a_page_and_no_page_is_of_none() -> None:
    assert {path.stem for path in PAGES.glob("*.md")} - {"README"} == set(IDS)


def test_the_table_has_each_rule(request: pytest.FixtureRequest) -> None:
    path = PAGES / "README.md"
    page = path.read_text("utf-8")
    rows = [f"| [{rule.id}]({rule.id}.md) | {rule.looks_for} |\n" for rule in ALL]
    table = TABLE.sub(lambda head: head[1] + "".join(rows), page)
    if request.config.getoption("--update-golden"):
        path.write_text(table, encoding="utf-8")
    assert path.read_text("utf-8") == table, "the table is not what the rules say; --update-golden"


@pytest.mark.filterwarnings("ignore:Using a target size:UserWarning")  # it is what is audited
@pytest.mark.parametrize("name", IDS)
def test_the_wrong_example_has_the_finding(name: str) -> None:
    found = examples(name)
    report = report_of(found.get("Wrong") or found["An example"])
    severities = {finding.severity for finding in report.findings if finding.id == name}
    assert severities & ({"note"} if name == "loss-scale" else {"error", "warning"})


@pytest.mark.parametrize("name", [name for name in IDS if name != "loss-scale"])
def test_the_right_example_has_nothing_but_notes(name: str) -> None:
    report = report_of(examples(name)["Right"])
    assert {f.id for f in report.findings if f.severity in ("error", "warning")} <= (
        {"no-gradient"} if name in ("discrete-kl", "codebook") else set()
    )  # the head that their model does not use
