"""The document as a whole: its chapters, what it shares with the pages, and its files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from vae_explain import pipeline
from vae_explain.analysis import gradient_check
from vae_explain.analysis.gradient_step import gradient_step
from vae_explain.engine.run import Run
from vae_explain.engine.sensitivity import Sensitivity
from vae_explain.models.builtin_config import BUILT_IN
from vae_explain.models.request import Request
from vae_explain.pages.blocks import Block, Heading, Matrix, Note, Prose, Summary, Walkthrough
from vae_explain.pages.document_formats import FORMATS
from vae_explain.pages.walkthrough import backward, forward
from vae_explain.pages.walkthrough.document import document as compose
from vae_explain.pages.walkthrough.glossary import WORDS

from .conftest import DEFAULT_X
from .documents import OWN, RUNS, document
from .pages import CommandLine

CHAPTERS = [
    "What this run says",
    "What a VAE is",
    "The model",
    "The parameters",
    "The forward pass",
    "The loss",
    "The backward pass",
    "One step of learning",
    "How this was checked",
    "Glossary",
]


@pytest.fixture(scope="module")
def page(printed_run: Run) -> Walkthrough:
    """The document of the default run."""
    recorded = pipeline.run_with_model(Request(x=DEFAULT_X, arithmetic="printed"))
    check = gradient_check.check(recorded.run, BUILT_IN)
    moved = gradient_step(recorded, 0.01)
    walkthrough, checks = compose(recorded.run, check, moved, BUILT_IN)
    assert checks.failed == 0
    return walkthrough


def chapters(page: Walkthrough) -> dict[str, list[Block]]:
    found: dict[str, list[Block]] = {}
    for block in page.blocks:
        if isinstance(block, Heading) and not block.chapter:
            found[block.title] = []
        else:
            found[list(found)[-1]].append(block)
    return found


def sections(blocks: list[Block]) -> list[Block]:
    """Return the blocks from the first section on, their headings without numbers."""
    first = next(i for i, block in enumerate(blocks) if isinstance(block, Heading))
    return [
        block._replace(number=0, chapter=0) if isinstance(block, Heading) else block
        for block in blocks[first:]
    ]


# --- composition ------------------------------------------------------------------------


def test_the_chapters_are_in_order(page: Walkthrough) -> None:
    assert list(chapters(page)) == CHAPTERS


def test_every_chapter_says_what_it_is_for(page: Walkthrough) -> None:
    for title, blocks in chapters(page).items():
        assert isinstance(blocks[0], Prose), title


def test_its_sections_are_those_of_the_pages(page: Walkthrough, printed_run: Run) -> None:
    found = chapters(page)
    forward_page = forward.ForwardPage(printed_run).blocks
    both = [*sections(found["The forward pass"]), *sections(found["The loss"])]
    assert described(both) == described(sections(list(forward_page)))
    backward_page = backward.BackwardPage(printed_run).blocks
    assert described(sections(found["The backward pass"])) == described(
        sections(list(backward_page))
    )


def described(blocks: list[Block]) -> list[str]:
    """Return blocks as text, without introductions; arrays have no equality of their own."""
    sentences = tuple(word.sentence for word in WORDS if word.sentence)
    said = (b for b in blocks if not (isinstance(b, Prose) and b.text.startswith(sentences)))
    return [repr(block) for block in said]


def test_every_parameter_and_gradient_is_in_it(page: Walkthrough) -> None:
    names = {block.name for block in page.blocks if isinstance(block, Matrix)}
    for name in BUILT_IN.parameters:
        assert {name, f"{name}.grad", f"{name}_new"} <= names


def test_the_footer_counts_every_line(page: Walkthrough) -> None:
    last = page.blocks[-1]
    assert isinstance(last, Note)
    assert last.tone == "check"
    assert last.text.startswith("368 lines of arithmetic checked")


def test_a_failed_line_is_told_and_fails_the_command(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sensitivity, "most", -1.0)
    outcome = cli("document")
    assert outcome.code == 1
    assert "**✗ " in outcome.out


# --- a user's own model -----------------------------------------------------------------


def test_a_users_model_has_all_chapters_in_its_own_words() -> None:
    text = document("markdown", *OWN)
    for chapter in CHAPTERS:
        assert f" {chapter}\n" in text
    for name in ("to_logvar.weight", "decoder.0.bias", "bce", "kld"):
        assert name in text
    assert "Parameters and ε are rounded to 4 decimals" in text
    assert "Every number of SmallVAE" in text


def test_a_model_that_draws_nothing_is_not_called_a_vae(cli: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "plain.py"
    file.write_text(
        "import torch\n"
        "class Plain(torch.nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.only = torch.nn.Linear(3, 3)\n"
        "    def forward(self, x):\n"
        "        y = self.only(x)\n"
        "        loss = ((y - x) ** 2).sum()\n"
        "        return loss\n"
    )
    outcome = cli("document", "--model", f"{file}:Plain", "--x", "1,2,3")
    assert (outcome.code, outcome.err) == (0, "")
    assert "What a VAE is" not in outcome.out
    assert "Every number of Plain" in outcome.out
    assert "random" not in outcome.out.partition("## 2 ")[0]


def test_a_model_that_needs_float32_falls_back_and_says_so(
    cli: CommandLine, tmp_path: Path
) -> None:
    file = tmp_path / "single.py"
    file.write_text(
        "import torch\n"
        "class Single(torch.nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.only = torch.nn.Linear(3, 3)\n"
        "    def forward(self, x):\n"
        "        assert x.dtype == torch.float32, 'float32 only'\n"
        "        y = self.only(x)\n"
        "        loss = ((y - x) ** 2).sum()\n"
        "        return loss\n"
    )
    outcome = cli("document", "--model", f"{file}:Single", "--x", "1,2,3")
    assert outcome.code == 0
    assert outcome.err.startswith("vae-explain: note: the model does not run on rounded numbers")
    assert len(outcome.err.splitlines()) == 1
    assert "PyTorch's own, in float32" in outcome.out
    asked = cli("document", "--model", f"{file}:Single", "--x", "1,2,3", "--arithmetic", "printed")
    assert asked.code == 2
    assert "float32 only" in asked.err


def test_the_models_own_parameters_are_left_as_they_were() -> None:
    recorded = pipeline.run_with_model(Request(x=DEFAULT_X, arithmetic="printed"))
    before = {name: p.detach().clone() for name, p in recorded.model.named_parameters()}
    moved = gradient_step(recorded, 0.1)
    for name, parameter in recorded.model.named_parameters():
        assert torch.equal(parameter, before[name])
        assert parameter.grad is None
        gradient = recorded.run.gradient(name)
        expected = before[name].numpy() - 0.1 * gradient
        np.testing.assert_allclose(moved.step.after[name], expected, rtol=1e-14, atol=1e-15)
    assert moved.after is not None
    eps = (recorded.run.array("eps"), moved.after.array("eps"))
    assert np.array_equal(*eps)


@pytest.mark.parametrize("arithmetic", ["printed", "full"])
def test_the_step_lowers_the_loss_as_the_gradient_says(arithmetic: str) -> None:
    """A small step changes the loss by lr times the squared length of the gradient."""
    request = Request(x=DEFAULT_X, arithmetic=arithmetic)  # type: ignore[arg-type]  # one of the two
    recorded = pipeline.run_with_model(request)
    rate = 1e-4
    moved = gradient_step(recorded, rate)
    names = [name for name, _ in recorded.model.named_parameters()]
    squared = sum(float((recorded.run.gradient(name) ** 2).sum()) for name in names)
    assert moved.after is not None
    change = float(moved.after.array("loss")) - float(recorded.run.array("loss"))
    assert change == pytest.approx(-rate * squared, rel=0.02)


# --- a large model ----------------------------------------------------------------------


def test_a_large_model_is_summarised_and_stays_readable(cli: CommandLine) -> None:
    outcome = cli("document", "--dims", "784-400-20-400-784", "--x", ",".join(["0.5"] * 784))
    assert outcome.code == 0
    assert "**fc1.weight** [400, 784]: 313,600 numbers" in outcome.out
    assert len(outcome.out) < 120_000
    longest = max(len(line) for line in outcome.out.splitlines() if line.startswith("|"))
    assert longest < 1100  # a sum of two dozen products


def test_a_summary_is_a_block_of_the_document() -> None:
    request = Request(
        x=(tuple([0.5] * 20),),
        source=BUILT_IN.__class__(dims=(20, 20, 2, 20, 20)),
    )
    recorded = pipeline.run_with_model(request)
    check = gradient_check.check_in_reach(recorded.run, request.architecture)
    blocks = compose(recorded.run, check, "", request.architecture)[0].blocks
    assert any(isinstance(block, Summary) for block in blocks)
    assert "One step of learning" not in [b.title for b in blocks if isinstance(b, Heading)]


# --- files ------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".md", ".tex", ".ipynb", ".json"])
def test_the_format_follows_the_name_of_the_file(
    suffix: str, cli: CommandLine, tmp_path: Path
) -> None:
    path = tmp_path / f"walk through{suffix}"
    outcome = cli("document", "-o", str(path))
    assert (outcome.code, outcome.out) == (0, "")
    assert f"wrote {path}\n" in outcome.err
    name = next((n for n, how in FORMATS.items() if suffix in how.suffixes), "json")
    if suffix == ".md":
        assert sorted(each.name for each in tmp_path.iterdir()) == [path.name, "walk through.svg"]
        assert "](<walk through.svg>)" in path.read_text("utf-8")
    else:
        assert [each.name for each in tmp_path.iterdir()] == [path.name]
        assert path.read_text("utf-8") == document(name)


def test_the_json_is_the_contract(cli: CommandLine) -> None:
    found = json.loads(document("json"))
    assert found["command"] == "document"
    assert (found["schema"], found["arithmetic"], found["seed"]) == (1, "printed", 42)
    assert found["values"]["loss"] == 31.510481828534605
    backward_page = json.loads(cli("backward", "--arithmetic", "printed", "--format", "json").out)
    for key in ("values", "gradients", "gradients_by_term", "steps", "not_explained"):
        assert found[key] == backward_page[key]
    assert found["checks"]["failed"] == 0
    assert found["checks"]["lines"] > backward_page["checks"]["lines"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-o", "x.doc"), ("--output x.doc", ".md", ".ipynb", ".pdf", "--format")),
        (("--format", "doc"), ("--format doc", "markdown", "notebook", "pdf")),
        (("--format", "pdf"), ("--format pdf", "-o walkthrough.pdf")),
        (("--lr", "fast"), ("--lr fast",)),
        (("--format", "markdown", "-o", "x.svg"), ("--output x.svg", "picture")),
        (("-o", "nowhere/x.md"), ("--output nowhere/x.md", "does not exist")),
        (("--dims", "4-2"), ("--dims 4-2",)),
    ],
)
def test_a_request_that_cannot_be_done_is_one_line(
    arguments: tuple[str, ...], words: tuple[str, ...], cli: CommandLine, tmp_path: Path
) -> None:
    outcome = cli("document", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert len(outcome.err.splitlines()) == 1
    for word in words:
        assert word in outcome.err
    assert not Path("x.md").exists()


WRITE = """
import sys
from vae_explain.cli import entry
for form in sys.argv[1:]:
    assert entry.run(["document", "--format", form, "-o", f"document.{form}"]) == 0
"""


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    """In two processes of their own, with other hashes, places and clocks."""
    found = []
    for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo")):
        folder = tmp_path / seed
        folder.mkdir()
        environment = {
            **os.environ,
            "PYTHONHASHSEED": seed,
            "TZ": zone,
            "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),
        }
        done = subprocess.run(
            [sys.executable, "-c", WRITE, *FORMATS, "json"],
            cwd=folder,
            env=environment,
            capture_output=True,
            check=True,
        )
        files = sorted(each.name for each in folder.iterdir())
        assert sorted(done.stderr.decode().splitlines()) == [
            f"vae-explain: wrote {n}" for n in files
        ]
        assert len(files) >= len(FORMATS) + 1
        found.append({each.name: each.read_bytes() for each in folder.iterdir()})
    assert found[0] == found[1]


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("form", [*FORMATS, "json"])
def test_no_document_names_this_machine(form: str, run: str) -> None:
    text = document(form, *RUNS[run])
    assert os.getcwd() not in text
    assert str(Path.home()) not in text.replace("/rooted", "")
