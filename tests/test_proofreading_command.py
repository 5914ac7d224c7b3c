"""`verify FILE.md`: its page, its JSON, its JUnit XML, its exit codes and its errors."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vae_explain.analysis.proofread.proof import NoWalkthrough, proofread
from vae_explain.engine.run import NotFinite

from .pages import CommandLine
from .processors import SETTINGS, environment
from .support import in_turn
from .test_proofreading import BLOCKS, LABELS, TABLES

MAPS = [part for label, name in LABELS.items() for part in ("--map", f"{label}={name}")]


@pytest.fixture
def post(tmp_path: Path) -> Path:
    """A walkthrough with a wrong gradient, a wrong operand and a label that means nothing."""
    text = BLOCKS.text.replace("-0.4705", "-0.4750").replace("1.13738165*", "1.13738156*")
    path = tmp_path / "post.md"
    path.write_text(f"{text}\nThe score of it all: 0.125\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_the_page_counts_then_blames_then_lists(columns: int, post: Path, cli: CommandLine) -> None:
    outcome = cli("verify", str(post), columns=columns)
    assert (outcome.code, outcome.err) == (1, "")
    words = outcome.out.split()
    order = [outcome.out.index(part) for part in ("Verdicts", "What is wrong", "Not recognised")]
    assert order == sorted(order)
    for whole in ("fc1.weight.grad[1,1]:", "-0.4750,", "-0.4705,", "1.13738156", "1.13738165"):
        assert whole in words, whole
    lines = post.read_text("utf-8").splitlines()
    line = 1 + next(i for i, text in enumerate(lines) if "4750" in text)
    assert f"line {line}, fc1.weight.grad[1,1]: printed" in " ".join(words)
    assert all(len(line) <= columns for line in outcome.out.splitlines())
    verdicts = "exact|wrong|rounded inputs|not recognised"
    counts = dict(re.findall(rf"(?m)^ +({verdicts}) +(\d+)$", outcome.out))
    assert counts == {
        "exact": "141",
        "rounded inputs": "31",
        "wrong": "1",
        "not recognised": "1",
    }
    for number in re.findall(r"\d\.\d{8}\b", BLOCKS.text.partition("## Forward")[2]):
        assert number in words or f"-{number}" in words or number in outcome.out


def test_a_clean_document_passes(tmp_path: Path, cli: CommandLine) -> None:
    path = tmp_path / "tables.md"
    path.write_text(TABLES.text, encoding="utf-8-sig")  # with a byte order mark
    outcome = cli("verify", str(path), *MAPS)
    assert (outcome.code, outcome.err) == (0, "")
    assert "67 of 67 figures agree" in outcome.out
    assert "Right from the rounded steps alone" in outcome.out


def test_json(post: Path, cli: CommandLine) -> None:
    outcome = cli("verify", str(post), "--format", "json")
    document = json.loads(outcome.out)
    assert (outcome.code, document["passed"]) == (1, False)
    figures = document["figures"]
    assert {"label", "name", "printed", "computed", "verdict", "line"} <= set(figures[0])
    assert sum(document["counts"].values()) == len(figures) + len(document["not_recognised"])
    assert list(document["counts"]) == [
        *("exact", "rounded inputs", "rounded chain"),
        *("off in the last digit", "wrong", "not recognised"),
    ]
    (wrong,) = [figure for figure in figures if figure["verdict"] == "wrong"]
    assert wrong["label"] == "fc1.weight.grad"
    assert wrong["name"] == wrong["parts_at"] == "fc1.weight.grad[1,1]"
    assert wrong["printed"] == "-0.4750"
    assert wrong["computed"] == pytest.approx(-0.4705, abs=5e-5)
    lines = post.read_text("utf-8").splitlines()
    for figure in figures:
        assert figure["printed"].lstrip("-") in lines[figure["line"] - 1]
    failed = [line for line in document["arithmetic"] if not line["passed"]]
    assert [line["wrong_operands"][0]["element"] for line in failed] == ["std[0]"]
    assert document["seed"] == {"value": 11, "line": 9, "holds": True}
    assert [remnant["printed"] for remnant in document["not_recognised"]] == [
        "The score of it all = 0.125"
    ]


def test_junit(post: Path, tmp_path: Path, cli: CommandLine) -> None:
    target = tmp_path / "proof.xml"
    outcome = cli("verify", str(post), "--junit", str(target))
    assert outcome.code == 1
    first = target.read_bytes()
    suite = ElementTree.fromstring(first).find("testsuite")
    assert suite is not None
    cases = suite.findall("testcase")
    failed = [case for case in cases if case.find("failure") is not None]
    skipped = [case for case in cases if case.find("skipped") is not None]
    assert suite.attrib == {
        "name": "post.md",
        "tests": str(len(cases)),
        "failures": "2",
        "errors": "0",
        "skipped": "1",
    }
    assert (len(cases), len(failed), len(skipped)) == (1 + 173 + 4 + 1 + 2, 2, 1)
    assert [case.get("classname") for case in failed] == [
        "post.md.fc1.weight.grad",
        "post.md.arithmetic",
    ]
    cli("verify", str(post), "--junit", str(target))
    assert target.read_bytes() == first


def test_a_seed_that_gives_other_parameters_is_the_one_thing_blamed(
    tmp_path: Path, cli: CommandLine
) -> None:
    path = tmp_path / "post.md"
    path.write_text(BLOCKS.text.replace("manual_seed(11)", "manual_seed(12)"), encoding="utf-8")
    outcome = cli("verify", str(path), "--format", "json")
    document = json.loads(outcome.out)
    assert outcome.code == 1
    assert document["seed"] == {"value": 12, "line": 9, "holds": False}
    forward = [f for f in document["figures"] if ".grad" not in f["name"]]
    assert {figure["verdict"] for figure in forward} == {"exact"}


NOT_READ = {
    "empty": (b"", "empty"),
    "blank": (b" \n\n", "empty"),
    "Latin-1": ("μ = 0,5 für x".encode("latin-1", "replace") + b"\xfc", "UTF-8"),
    "binary": (bytes(range(256)) * 4, "UTF-8"),
    "prose": (b"# A day in the hills\n\nIt rained for 3 hours.\n", "no equation"),
    "no input": (b"seed 42\n\nKL = 0.4095\n", "no input"),
    "no parameters": (b"x = [1.0, 2.0]\n\nKL = 0.4095\n", "fc1.weight"),
    "outside": (b"seed 1, 2-3-1-3-2\n\nx = [0.5, 1.5]\n\nBCE = 0.7\n", "from 0 to 1"),
    "huge": (b"0.5 " * 5_000_000, "16 MiB"),
}


@pytest.mark.parametrize("kind", NOT_READ)
def test_what_cannot_be_read_is_one_line(kind: str, tmp_path: Path, cli: CommandLine) -> None:
    data, words = NOT_READ[kind]
    path = tmp_path / "post.md"
    path.write_bytes(data)
    report = tmp_path / "proof.xml"
    outcome = cli("verify", str(path), "--junit", str(report))
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert words in outcome.err
    assert str(path) in outcome.err
    assert not report.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.md"], "no such file"),
        (["."], "a folder"),
        (["post.md", "--map", "h"], "a label and a name"),
        (["post.md", "--map", "h=encoder_hiden"], "did you mean encoder_hidden?"),
        (["post.md", "--map", "no such label=mu"], "under this label"),
        (["post.md", "--junit", "post.md"], "the document itself, which would be lost"),
        (["post.md", "--output", "./post.md"], "the document itself, which would be lost"),
        (["post.md", "--junit", "nowhere/proof.xml"], "does not exist"),
        (["--map", "h=mu"], "name its file too"),
        (["--junit", "proof.xml"], "name its file too"),
    ],
)
def test_a_request_that_cannot_be_done_is_one_line(
    arguments: list[str],
    words: str,
    post: Path,
    cli: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = post.read_bytes()
    monkeypatch.chdir(post.parent)
    outcome = cli("verify", *arguments)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert words in outcome.err
    assert post.read_bytes() == before
    assert [path.name for path in post.parent.iterdir()] == ["post.md"]


# --- the documents that this package writes ---------------------------------------------

RUNS = {
    "the reference": [],
    "another shape": ["--seed", "7", "--dims", "6-5-3-5-6"],
    "deep, averaged": ["--dims", "4-5-3-2-3-5-4", "--reduction", "mean"],
    "a batch": ["--x", "1,2,3,4", "--x", "0,1,0,1", "--beta", "0.5"],
    "cross-entropy": ["--dims", "3-4-2-4-3", "--recon", "bce", "--x", "0,1,0.5"],
    "tanh": ["--seed", "3", "--dims", "3-4-2-4-3", "--activation", "tanh", "--eps", "0.5,-1"],
    "one dimension in the middle": ["--seed", "11", "--dims", "3-5-1-5-3"],
    "rows of two": ["--seed", "5", "--dims", "2-6-2-6-2", "--x", "1,2", "--x", "3,-1"],
    "rows of two in a batch of two": ["--dims", "2-5-1-3-2", "--x", "2,2", "--x", "1,0"],
    "too wide for a page": ["--seed", "9", "--dims", "14-6-2-6-14", "--activation", "gelu"],
    "many rows": [
        *("--seed", "2", "--dims", "5-7-6-4-6-7-5", "--activation", "elu"),
        *(f"--x={i / 4},{-i},{i * i / 9:.4f},0,-0.5" for i in range(4)),
    ],
    "x of many digits": [
        *("--dims", "3-2-1-2-3", "--recon", "bce", "--seed", "1"),
        *("--x", "0.00392156862745098,0.3333333333333,0.12345678"),
    ],
    "saturated": ["--activation", "sigmoid", "--x", "100,200,300,400"],
    "large numbers": [
        *("--seed", "8", "--dims", "3-5-2-5-3", "--x", "-97.5,63.25,4"),
        *("--lr", "1e-30"),  # a step that does not overflow
    ],
}


OTHER = {"printed": "full", "full": "printed"}


@pytest.mark.text
@pytest.mark.parametrize(("kind", "arithmetic"), in_turn(RUNS, ("printed", "full")))
def test_a_document_of_our_own_proof_reads_clean(
    kind: str, arithmetic: str, tmp_path: Path, cli: CommandLine
) -> None:
    """In one arithmetic each: which it is, is found out from the numbers, whatever the model."""
    path = tmp_path / "walkthrough.md"
    assert cli("document", *RUNS[kind], "--arithmetic", arithmetic, "-o", str(path)).code == 0
    outcome = cli("verify", str(path), "--format", "json")
    document = json.loads(outcome.out)
    counts = document["counts"]
    assert (outcome.code, counts["wrong"], counts["off in the last digit"]) == (0, 0, 0)
    assert counts["exact"] + counts["rounded inputs"] + counts["rounded chain"] > 150
    lines = path.read_text("utf-8").splitlines()
    for figure in document["figures"]:
        elsewhere = "these numbers differ" in lines[figure["line"] - 1]  # in the other arithmetic
        assert (OTHER[arithmetic] if elsewhere else arithmetic) in figure["arithmetics"]
    assert len(document["arithmetic"]) > 40
    assert document["seed"]["holds"]


@pytest.mark.text
@pytest.mark.parametrize(
    ("ending", "arithmetic", "digits"),
    [
        *(("md", "printed", 0), ("md", "full", 2)),
        *(("html", "printed", 1), ("html", "full", 17)),
        *(("tex", "printed", 1), ("tex", "full", 6)),
        *(("ipynb", "full", 0), ("ipynb", "printed", 12)),
    ],
)
def test_a_document_of_any_format_and_digits_proof_reads_clean(
    ending: str, arithmetic: str, digits: int, tmp_path: Path, cli: CommandLine
) -> None:
    path = tmp_path / f"walkthrough.{ending}"
    run = ["--dims", "3-4-2-4-3", "--seed", "7", "--arithmetic", arithmetic]
    assert cli("document", *run, "--digits", str(digits), "-o", str(path)).code == 0
    outcome = cli("verify", str(path), "--format", "json")
    document = json.loads(outcome.out)
    assert (outcome.code, document["findings"]) == (0, [])
    assert document["read"]["C"] > 150  # the whole network, in every format


@pytest.mark.text
@pytest.mark.parametrize(
    "words",
    [["--digits", "6", "--arithmetic", "printed"], ["--reduction", "mean", "--eps", "0.5,-1"]],
    ids=" ".join,
)
def test_a_latex_document_of_the_reference_proof_reads_clean(
    words: list[str], tmp_path: Path, cli: CommandLine
) -> None:
    path = tmp_path / "walkthrough.tex"
    assert cli("document", *words, "-o", str(path)).code == 0
    outcome = cli("verify", str(path), "--format", "json")
    document = json.loads(outcome.out)
    assert (outcome.code, document["findings"]) == (0, [])
    assert len(document["figures"]) > 500
    # The numbers of a drawing are places on the page, and no figures.
    assert len(document["not_recognised"]) < 300


def test_a_damaged_document_of_our_own_is_caught(tmp_path: Path, cli: CommandLine) -> None:
    path = tmp_path / "walkthrough.md"
    assert cli("document", "-o", str(path)).code == 0
    text = path.read_text("utf-8")
    for right, wrong, element in (
        ("**0.88977581", "**0.88977571", "mu[0]"),
        ("bias_new[0] = −0.3507", "bias_new[0] = −0.3607", ""),  # a line that it goes into
        ("-0.7465", "-0.7466", "fc_dec2.weight.grad[0,1]"),
        ("31.510481828534605", "31.510481828544605", "loss"),
        ("1.01163815·(−0.2387)", "1.01163815·(−0.2397)", ""),
    ):
        assert right in text
        path.write_text(text.replace(right, wrong, 1), encoding="utf-8")
        document = json.loads(cli("verify", str(path), "--format", "json").out)
        assert not document["passed"], wrong
        bad = ("wrong", "off in the last digit")
        blamed = {f["name"] for f in document["figures"] if f["verdict"] in bad}
        assert blamed == ({element} if element else set()), wrong


# On another processor a float32 differs by a few units in its last place, at most by some ten.
FLOAT32 = re.compile(r"(?<![\d.])\d\.\d{8}(?![\d.])")
KINDS = {"another shape": "full", "a batch": "full", "too wide for a page": "printed"}


@pytest.mark.text
def test_the_start_page_of_the_docs_proof_reads_clean(cli: CommandLine) -> None:
    path = Path(__file__).parent.parent / "docs" / "README.md"
    assert cli("verify", str(path)).code == 0


@pytest.mark.text
@pytest.mark.parametrize("processor", list(SETTINGS)[1:])
def test_a_document_from_another_processor_proof_reads_clean(
    processor: str, tmp_path: Path, cli: CommandLine
) -> None:
    paths = {kind: tmp_path / f"{kind}.md" for kind in KINDS}
    jobs = [
        ["document", *RUNS[kind], "--arithmetic", arithmetic, "-o", str(paths[kind])]
        for kind, arithmetic in KINDS.items()
    ]
    written = subprocess.run(
        [sys.executable, "-c", WRITE, json.dumps(jobs)],
        env=environment(processor),
        capture_output=True,
    )
    said = written.stderr.decode().splitlines()
    assert (written.returncode, written.stdout) == (0, b"")
    assert all(line.startswith("vae-explain: wrote ") for line in said)
    for kind, path in paths.items():
        outcome = cli("verify", str(path))
        assert outcome.code == 0, f"{kind}:\n{outcome.out}"


WRITE = """
import json, sys
from vae_explain.cli import entry
sys.exit(max(entry.run(job) for job in json.loads(sys.argv[1])))
"""


@pytest.mark.parametrize("kind", ["another shape", "a batch"])
def test_a_digit_that_counts_is_a_fault_in_float32(
    kind: str, tmp_path: Path, cli: CommandLine
) -> None:
    """Of a float32 the sixth digit still does."""
    path = tmp_path / "walkthrough.md"
    assert cli("document", *RUNS[kind], "--arithmetic", "full", "-o", str(path)).code == 0
    text = path.read_text("utf-8")
    figures = json.loads(cli("verify", str(path), "--format", "json").out)["figures"]
    printed = [f for f in figures if re.fullmatch(r"-?[1-9]\.\d{8}", f["printed"])]
    lines = text.split("\n")
    for figure in printed[:: max(1, len(printed) // 3)]:
        number = figure["printed"].lstrip("-")
        wrong = f"{number[:6]}{(int(number[6]) + 5) % 10}{number[7:]}"
        at = figure["line"] - 1
        line, remark, behind = lines[at].partition("computed: ")
        line = wrong.join(line.rsplit(number, 1))
        damaged = [*lines[:at], line + remark + behind, *lines[at + 1 :]]
        path.write_text("\n".join(damaged), encoding="utf-8")
        document = json.loads(cli("verify", str(path), "--format", "json").out)
        assert not document["passed"], figure


# --- anything at all --------------------------------------------------------------------

FRAGMENTS = [
    "seed 42",
    "x = [1.0, 2.0, 3.0, 4.0]",
    "μ = [0.8898, -0.0751]",
    "KL ≈ 0.4095 ± 0.001",
    "| mu | logvar |\n|---|---|\n| 0.88 | 0.02 |",
    "$\\frac{1}{2} \\cdot 0.5 = 0.25$",
    "```\n[[1, 2], [3, 4]\n```",
    "$$\n\\begin{bmatrix} 1 & 2 \\\\ 3 & \\end{bmatrix}",
    "z[0] = 0.8898 + 1.0116*(-0.2387) ≈ 0.6483",
    "> - 1. `loss`: 1e400, 1e-400, .5., 0x1f, 1,2,,3",
    "∂L/∂μ = (1, 2, (3)",
    "**fc1.weight**: " + "[" * 60,
    "\\[ \\mu_{",
    "exp(1e9) = 1 = 2 = 3",
    "a = " + "-" * 200 + "1",
    "<table><tr><td>0.5</td></tr></table>",
]


@settings(max_examples=60, derandomize=True)
@given(
    st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=30)), min_size=1, max_size=8),
    st.sampled_from(["\n\n", "\n", " "]),
)
def test_any_text_is_read_or_refused(parts: list[str], between: str) -> None:
    try:
        proof = proofread(between.join(parts))
    except (NoWalkthrough, NotFinite):
        return
    assert sum(proof.counts.values()) >= len(proof.figures)
