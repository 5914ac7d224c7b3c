"""`vae-explain audit`: its pages, its JSON and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch

from vae_explain.analysis.audit.rules.ids import IDS

from .pages import CommandLine

EXAMPLE = Path(__file__).parent.parent / "docs" / "examples" / "mistaken_vae.py"
MISTAKEN = ("--model", f"{EXAMPLE}:MistakenVAE", "--loss", f"{EXAMPLE}:loss")
X = ("--x", ".2,.9,.5,.1,.7,.3", "--x", ".6,.3,0,1,.4,.8")


def test_the_built_in_vae_passes(cli: CommandLine) -> None:
    outcome = cli("audit")
    assert (outcome.code, outcome.err) == (0, "")
    assert "0 errors, 0 warnings" in outcome.out


@pytest.mark.parametrize("recon", ["mse", "bce"])
@pytest.mark.parametrize("seed", range(6))
def test_what_one_number_is_compared_by_is_told(cli: CommandLine, recon: str, seed: int) -> None:
    options = ("--dims", "1-4-2-4-1", "--activation", "softplus", "--x", f"0.{3 + seed}")
    outcome = cli("audit", *options, "--recon", recon, "--seed", str(seed), columns=200)
    assert outcome.code == 0, outcome.out
    words = " ".join(outcome.out.split())
    assert "an effective β of 1 for one row" in words
    assert ("Gaussian decoder" in words) == (recon == "mse")


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
    assert first.keys() == {
        "id",
        "severity",
        "title",
        "evidence",
        "mend",
        "mend_tried",
        "mend_effect",
        "known",
        "fingerprint",
    }
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
    outcome = cli("audit", *own, "--only", "not-finite")
    assert "✓" not in outcome.out.split("Looked at")[1].split("✓", 1)[1]  # but for the rule itself
    assert "Not complete, and so no pass: the sampling was not found" in " ".join(
        outcome.out.split()
    )
    assert outcome.code == 0
    assert cli("audit", *own, "--only", "not-finite", "--strict").code == 1


# --- in a continuous build ----------------------------------------------------------------

SHARED = """
import torch
from torch import nn


class Shared(nn.Module):
    def __init__(self):
        super().__init__()
        self.to_mu, self.to_logvar, self.decoder = nn.Linear(3, 2), nn.Linear(3, 2), nn.Linear(2, 3)

    def forward(self, x):
        mu, logvar = self.to_mu(x), self.to_logvar(x)
        z = mu + torch.exp(0.5 * logvar) * torch.randn(1, 2)
        return self.decoder(z), mu, logvar


def loss(recon, x, mu, logvar):
    return ((recon - x) ** 2).sum() - 0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
"""


@pytest.fixture
def shared(tmp_path: Path) -> tuple[str, ...]:
    """Return what audits a model with a warning and no error."""
    file = tmp_path / "shared.py"
    file.write_text(SHARED)
    rows = ("--x", ".1,.2,.3", "--x", ".6,.5,.4")
    return ("--model", f"{file}:Shared", "--loss", f"{file}:loss", *rows)


def test_strict_lets_warnings_fail(cli: CommandLine, shared: tuple[str, ...]) -> None:
    assert cli("audit", *shared).code == 0
    assert cli("audit", *shared, "--strict").code == 1
    document = json.loads(cli("audit", *shared, "--strict", "--format", "json").out)
    assert (document["strict"], document["complete"], document["passed"]) == (True, True, False)


def test_a_baseline_is_not_written_over(cli: CommandLine, tmp_path: Path) -> None:
    known = tmp_path / "known.json"
    known.write_text("{}")
    outcome = cli("audit", "--baseline", str(known), "-o", str(known))
    assert (outcome.code, outcome.out, known.read_text()) == (2, "", "{}")
    assert "this is the file of --baseline" in outcome.err


def test_a_baseline_lets_only_fail_what_is_new(
    cli: CommandLine, shared: tuple[str, ...], tmp_path: Path
) -> None:
    known = tmp_path / "known.json"
    cli("audit", *shared, "--format", "json", "-o", str(known))
    against = ("--strict", "--baseline", str(known))
    outcome = cli("audit", *shared, *against)
    assert outcome.code == 0
    assert "known before" in outcome.out
    assert cli("audit", *shared, "--seed", "5", *against).code == 0  # other numbers, no other fault
    assert cli("audit", *MISTAKEN, *X, *against).code == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no such file"),
        ("{}", "no audit"),
        ("not JSON", "no audit"),
        ('{"command": "forward"}', "the JSON of forward"),
        ("[1]", "no audit"),
    ],
)
def test_what_is_no_baseline_is_said_to_be_none(
    cli: CommandLine, tmp_path: Path, content: str | None, words: str
) -> None:
    file = tmp_path / "known.json"
    if content is not None:
        file.write_text(content)
    outcome = cli("audit", "--baseline", str(file))
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert "--baseline" in outcome.err
    assert words in outcome.err


def test_junit_has_a_case_for_each_rule(
    cli: CommandLine, shared: tuple[str, ...], tmp_path: Path
) -> None:
    target = tmp_path / "audit.xml"
    cli("audit", *shared, "--strict", "--junit", str(target))
    suite = ElementTree.parse(target).getroot()[0]
    cases = {case.get("name"): case for case in suite}
    assert cases.keys() == {*IDS, "complete"}
    failed = [name for name, case in cases.items() if case.find("failure") is not None]
    assert failed == ["noise"]
    assert suite.get("failures") == "1"


def test_sarif_has_the_findings(cli: CommandLine, shared: tuple[str, ...], tmp_path: Path) -> None:
    target = tmp_path / "audit.sarif"
    cli("audit", *shared, "--sarif", str(target))
    (run,) = json.loads(target.read_text("utf-8"))["runs"]
    assert [rule["name"] for rule in run["tool"]["driver"]["rules"]] == list(IDS)
    levels = {result["ruleId"]: result["level"] for result in run["results"]}
    assert levels["audit/noise"] == "warning"
    assert {result["baselineState"] for result in run["results"]} == {"new"}


def test_the_rules_are_listed(cli: CommandLine) -> None:
    outcome = cli("audit", "--list")
    assert outcome.code == 0
    assert all(f"{name}: " in outcome.out for name in IDS)


@pytest.mark.parametrize("inside", ["state_dict", "model_state_dict", "model", ""])
def test_a_checkpoint_gives_its_weights(
    cli: CommandLine, shared: tuple[str, ...], tmp_path: Path, inside: str
) -> None:
    weights = {
        name: torch.zeros(shape)
        for layer, wide in (("to_mu", (2, 3)), ("to_logvar", (2, 3)), ("decoder", (3, 2)))
        for name, shape in ((f"{layer}.weight", wide), (f"{layer}.bias", wide[:1]))
    }
    file = tmp_path / "last.ckpt"
    torch.save({"epoch": 3, inside: weights} if inside else weights, file)
    outcome = cli("forward", *shared, "--weights", str(file), "--step", "mu", "--format", "json")
    assert outcome.code == 0
    assert json.loads(outcome.out)["values"]["mu"] == [[0.0, 0.0], [0.0, 0.0]]


def test_the_list_of_rules_as_json(cli: CommandLine) -> None:
    outcome = cli("audit", "--list", "--json")
    document = json.loads(outcome.out)
    assert (outcome.code, document["command"]) == (0, "audit")
    assert [rule["id"] for rule in document["rules"]] == list(IDS)
    assert document["rules"][0]["page"] == "docs/rules/not-finite.md"


def test_a_file_is_no_folder(cli: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "v1.md"
    file.write_text("", "utf-8")
    outcome = cli("audit", "--junit", str(file / "x"))
    assert (outcome.code, outcome.out) == (2, "")
    assert f"{file} is a file, not a folder; name another" in outcome.err


LOSSES = """
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.heads, self.decoder = nn.Linear(3, 4), nn.Linear(2, 3)

    def forward(self, x):
        mu, logvar = self.heads(x).chunk(2, dim=1)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return self.decoder(z), mu, logvar


def raising(recon, x, mu, logvar):
    raise ValueError("no loss today")


def objective(model, x):
    return model(x)["loss"]


def weighed(recon, x, mu, logvar, beta, gain):
    kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
    return ((recon - x) ** 2).sum() + gain * kl
"""


@pytest.fixture
def losses(tmp_path: Path) -> Path:
    file = tmp_path / "losses.py"
    file.write_text(LOSSES, "utf-8")
    return file


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("--loss", "raising"), "the loss raised ValueError: no loss today"),
        (("--objective", "objective"), "the objective raised TypeError: tuple indices"),
    ],
)
def test_whose_code_raised_is_said(
    cli: CommandLine, losses: Path, given: tuple[str, str], words: str
) -> None:
    option, name = given
    asked = ("audit", "--model", f"{losses}:Model", option, f"{losses}:{name}")
    outcome = cli(*asked, "--x", "1,2,3", "--x", "0,1,0")
    assert (outcome.code, outcome.out) == (2, "")
    assert words in outcome.err


def test_a_loss_argument_that_changes_nothing(cli: CommandLine, losses: Path) -> None:
    asked = ("audit", "--model", f"{losses}:Model", "--loss", f"{losses}:weighed", "--json")
    outcome = cli(*asked, "--x", "1,2,3", "--x", "0,1,0", "--loss-arg", "beta=4",
                  "--loss-arg", "gain=1")  # fmt: skip
    found = [f for f in json.loads(outcome.out)["findings"] if f["id"] == "nothing-learns"]
    assert [f["severity"] for f in found] == ["warning"]
    assert (
        "the loss is given beta = 4 and does not depend on it: with beta = 9" in found[0]["title"]
    )
