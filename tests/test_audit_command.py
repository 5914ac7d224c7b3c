"""`vae-explain audit`: its pages, its JSON and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vae_explain.cli.audit import IDS

from .pages import CommandLine

EXAMPLE = Path(__file__).parent.parent / "docs" / "examples" / "mistaken_vae.py"
MISTAKEN = ("--model", f"{EXAMPLE}:MistakenVAE", "--loss", f"{EXAMPLE}:loss")
X = ("--x", ".2,.9,.5,.1,.7,.3", "--x", ".6,.3,0,1,.4,.8")


def test_the_built_in_vae_passes(cli: CommandLine) -> None:
    outcome = cli("audit")
    assert (outcome.code, outcome.err) == (0, "")
    assert "0 errors, 0 warnings" in outcome.out


def test_an_error_is_exit_code_1(cli: CommandLine) -> None:
    outcome = cli("audit", *MISTAKEN, *X)
    assert (outcome.code, outcome.err) == (1, "")
    assert "In z = mu + exp(logvar)·eps, put its square root" in " ".join(outcome.out.split())


def test_what_is_ignored_is_not_counted(cli: CommandLine) -> None:
    outcome = cli("audit", *MISTAKEN, *X, "--ignore", "sampling-scale", "--ignore", "kl-form")
    assert outcome.code == 0
    assert "sampling-scale" not in outcome.out.replace("see: sampling-scale", "")


def test_only_what_is_asked_for_is_looked_at(cli: CommandLine) -> None:
    outcome = cli("audit", "--only", "kl-sign", "--only", "no-gradient")
    assert outcome.code == 0
    assert "2 of 2 rules" in outcome.out
    assert "loss-scale" not in outcome.out


@pytest.mark.parametrize("option", ["--only", "--ignore"])
def test_an_unknown_id_is_guessed(cli: CommandLine, option: str) -> None:
    outcome = cli("audit", option, "kl-sgn")
    assert (outcome.code, outcome.out) == (2, "")
    assert f"{option} kl-sgn" in outcome.err
    assert "did you mean kl-sign?" in outcome.err


def test_its_arithmetic_is_full(cli: CommandLine) -> None:
    outcome = cli("audit", "--arithmetic", "printed")
    assert outcome.code == 2
    assert "--arithmetic printed: audit works in PyTorch's own float32" in outcome.err


def test_json_has_findings_with_evidence(cli: CommandLine) -> None:
    outcome = cli("audit", *MISTAKEN, *X, "--format", "json")
    assert outcome.code == 1
    document = json.loads(outcome.out)
    assert {"schema", "command", "arithmetic", "seed", "torch"} <= document.keys()
    assert document["command"] == "audit"
    first = document["findings"][0]
    assert first.keys() == {"id", "severity", "title", "evidence", "mend", "mend_tried"}
    assert (first["id"], first["severity"]) == ("sampling-scale", "error")
    row = first["evidence"]["table"][0]
    assert row["scale in z"] == pytest.approx(row["the KL's σ"] ** 2)
    assert document["passed"] is False
    spoken_of = {entry["id"] for key in ("findings", "in_order", "not_applied")
                 for entry in document[key]}  # fmt: skip
    assert spoken_of == set(IDS)
    assert all(entry["reason"] for entry in document["not_applied"])


def test_a_run_that_overflows_is_a_finding_here(cli: CommandLine) -> None:
    outcome = cli("audit", "--x", "1e30,1,2,3", "--format", "json")
    assert outcome.code == 1
    first = json.loads(outcome.out)["findings"][0]
    assert first["id"] == "not-finite"
    assert first["evidence"]["op"] == "exp"


@pytest.mark.parametrize("columns", [40, 80, 120])
@pytest.mark.parametrize("rows", [(), X])
def test_a_page_keeps_to_its_width(cli: CommandLine, columns: int, rows: tuple[str, ...]) -> None:
    outcome = cli("audit", *(MISTAKEN if rows else ()), *rows, columns=columns)
    assert max(map(len, outcome.out.splitlines())) <= columns


def test_an_ascii_terminal_gets_words(cli: CommandLine) -> None:
    outcome = cli("audit", *MISTAKEN, *X, encoding="ascii")
    assert outcome.out.isascii()
    assert "sigma" in outcome.out


def test_errors_come_first(cli: CommandLine) -> None:
    outcome = cli("audit", *MISTAKEN, *X, "--format", "json")
    order = [finding["severity"] for finding in json.loads(outcome.out)["findings"]]
    assert order == sorted(order, key=["error", "warning", "note"].index)


def test_a_model_of_one_batch_size_is_audited_all_the_same(
    cli: CommandLine, tmp_path: Path
) -> None:
    """Where the rows cannot be doubled, the graph's own constants have to do."""
    source = EXAMPLE.read_text("utf-8").replace("exp(logvar) *", "exp(0.5 * logvar) *")
    fixed = source.replace("h = self.encoder(x)", "h = self.encoder(x.view(2, 6))")
    (tmp_path / "fixed.py").write_text(fixed)
    model = ("--model", f"{tmp_path}/fixed.py:MistakenVAE", "--loss", f"{tmp_path}/fixed.py:loss")
    outcome = cli("audit", *model, *X)
    assert (outcome.code, outcome.err) == (0, "")
    assert "not known over the batch" in outcome.out


def test_nothing_that_was_looked_at_gets_no_tick(cli: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "plain.py"
    file.write_text(
        "from torch import nn\n"
        "def model():\n    return nn.Linear(2, 2)\n"
        "def loss(model, x):\n    return ((model(x) - x) ** 2).sum()\n"
    )
    own = ("--model", f"{file}:model", "--objective", f"{file}:loss", "--x", "1,2")
    outcome = cli("audit", *own, "--only", "kl-sign")
    assert "0 of 1 rules could be applied" in outcome.out
    assert "✓" not in outcome.out
    assert "✓ 0 errors" in cli("audit", *own, "--only", "not-finite").out
