"""LaTeX: whole in itself, right when computed again, and compiled where there is a TeX."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from vae_explain import explain
from vae_explain.engine.worked_lines import Worked
from vae_explain.pages.blocks import (
    Column,
    Formula,
    Heading,
    Lines,
    Matrix,
    Note,
    Prose,
    Table,
    Walkthrough,
)
from vae_explain.pages.render.latex import document as latex_document
from vae_explain.pages.render.latex.lines import FIRST, LINE
from vae_explain.pages.render.latex.width import width
from vae_explain.symbolic.expression import Div, Number, Ref

from .documents import RUNS, document
from .models import MODELS, OwnModel, categorical, tuple_output
from .pages import BY_HAND, FLOAT32, ROUNDED, Claim, wrong
from .test_markdown import HOSTILE

ITEM = re.compile(r"^\\item \$(.*(?: \\\\\n.*)*)\$$", re.MULTILINE)
# Where a line goes on: the indent, and what makes TeX take its sign for one between two numbers.
GOES_ON = re.compile(r"\$ \\\\\n  \$(?:\\hspace\*\{\d+em\})*(?:\\displaystyle )?(?:\{\})?")
WORDS = {
    r"(\d) \\cdot 10\^\{(-?\d+)\}": r"\1e\2",
    r"\\mathbf\{([^{}]*)\}": r"\1",
    r"\\left\(": "(",
    r"\\right\)": ")",
    r"\\left\|": "abs(",
    r"\\right\|": ")",
    r"\\left\[": "(",
    r"\\right\]": ")",
    r"\\operatorname\{(\w+)\}": r"\1",
    r"\\(exp|log|tanh|max)": r"\1",
    r"\\Phi": "Φ",
    r"\\varphi": "φ",
    r"\\bigl\(": "(",
    r"\\bigr\)": ")",
    r"\^\{1/2\}": "**0.5",
    r" ?\\cdot ": "·",
    r"\^\{(\d)\}": r"**\1",
}


def computable(latex: str) -> str:
    """Write a line of arithmetic in LaTeX so that it can be computed."""
    for pattern, replacement in WORDS.items():
        latex = re.sub(pattern, replacement, latex)
    while r"\frac{" in latex or r"\sqrt{" in latex:
        shorter = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"((\1)/(\2))", latex)
        shorter = re.sub(r"\\sqrt\{([^{}]*)\}", r"sqrt(\1)", shorter)
        assert shorter != latex, latex
        latex = shorter
    return latex


def items(page: str) -> list[str]:
    """Return every formula and every line of arithmetic in one piece each."""
    return [GOES_ON.sub(" ", item).replace("  ", " ") for item in ITEM.findall(page)]


def claims(page: str) -> list[Claim]:
    """Return every line of arithmetic of a document whose parts are numbers."""
    found = []
    for item in items(page):
        line = re.split(r", ?\\quad |, (?=\\mathrm|\\hat|h_)", item)[0]
        label, *middle, end = line.split(" = ")
        end = re.split(r" *\\(?:quad|text)", end)[0]
        if not middle or r"\mathrm" in " ".join(middle) or r"\displaystyle" in label:
            continue
        failure = "PyTorch has" if "PyTorch has" in item else ""
        found.append(Claim(label, (computable(" = ".join(middle)),), computable(end), failure))
    return found


@pytest.mark.parametrize("run", RUNS)
def test_every_line_of_arithmetic_gives_what_stands_behind_it(run: str) -> None:
    found = claims(document("latex", *RUNS[run]))
    assert len(found) > 40
    if "full" in RUNS[run]:
        assert wrong(found, FLOAT32) == []
        return
    values = [claim for claim in found if r"\partial" not in claim.label]
    gradients = [claim for claim in found if r"\partial" in claim.label]
    assert wrong(values, BY_HAND) + wrong(gradients, ROUNDED) == []


def test_a_wrong_number_would_be_found() -> None:
    page = document("latex")
    assert r"= \mathbf{0.88977581}" in page
    altered = page.replace(r"= \mathbf{0.88977581}", r"= \mathbf{0.88977583}")
    values = [claim for claim in claims(altered) if r"\partial" not in claim.label]
    assert wrong(values, BY_HAND)


# --- structure --------------------------------------------------------------------------


def require_sound(page: str) -> None:
    """Hold a document to what TeX wants: braces, dollars and environments in pairs."""
    code = re.sub(r"(?m)(?<!\\)%.*$", "", page)
    assert re.findall(r"\\usepackage(?:\[\w+\])?\{(\w+)\}", code) == ["inputenc", "amsmath"]
    for forbidden in (r"\input", r"\include", r"\write", r"\immediate", r"\catcode", r"\def"):
        assert not re.search(re.escape(forbidden) + r"(?![A-Za-z])", code)
    plain = re.sub(r"\\[\\{}$%&#_]", "", code)
    depth = 0
    for sign in re.findall(r"[{}]", plain):
        depth += 1 if sign == "{" else -1
        assert depth >= 0
    assert depth == 0
    assert plain.count("$") % 2 == 0
    assert not re.search(r"(?<![^\s{])\$\$", plain), "an empty formula, or a display"
    assert plain.count(r"\left") == plain.count(r"\right")
    body = code.partition(r"\begin{document}")[2]
    for name, count in Counter(re.findall(r"\\begin\{(\w+)\}", body)).items():
        assert body.count(rf"\end{{{name}}}") == count, name
    stray = {sign for sign in page if not sign.isascii() and not "À" <= sign <= "ÿ"}
    assert not stray, stray


@pytest.mark.parametrize("run", RUNS)
def test_a_document_is_sound(run: str) -> None:
    require_sound(document("latex", *RUNS[run]))


@pytest.mark.parametrize("run", RUNS)
def test_every_sign_of_ours_has_its_command(run: str) -> None:
    assert r"\texttt{U+" not in document("latex", *RUNS[run])


def page_of(name: str) -> str:
    array = np.array([[1.0, -2.0], [3.0, 4e12]])
    table = Table((Column(name, "text"), Column(name, "value")), ((name, 1.5),))
    blocks = (
        Heading(1, name, name),
        Prose(name),
        Note(name, "failure"),
        Formula(name, Ref(name) + Number(-1e-7), name),
        Formula(f"∂{name}/∂{name}", Ref(name)),
        Matrix(name, array, "value", "value"),
        table,
    )
    return latex_document.write(Walkthrough("document", name, (name,), blocks))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_users_name_is_text(name: str) -> None:
    require_sound(page_of(name))


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_any_name_leaves_a_document_sound(name: str) -> None:
    require_sound(page_of(name))


# --- compiled ---------------------------------------------------------------------------

NEEDS_TEX = pytest.mark.skipif(not shutil.which("pdflatex"), reason="no pdflatex is installed")
# A rule or a letter in the margin is seen from here on.
WIDEST_OVERFULL = 5.0


def compiled(page: str, folder: Path) -> str:
    """Compile a document, as it is, and return what TeX said."""
    (folder / "document.tex").write_text(page, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "document.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=120, check=False)
    said = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 0, said[-2000:]
    assert (folder / "document.pdf").stat().st_size > 10_000
    return said


def overfull(said: str) -> list[str]:
    """Return how far lines stand out of the text, of those where it can be seen."""
    found = re.findall(r"Overfull \\hbox \(([\d.]+)pt", said)
    return [points for points in found if float(points) > WIDEST_OVERFULL]


# --- long lines -------------------------------------------------------------------------


class SpectralVAE(nn.Module):
    """Its weight is divided by the norm of a product that has no name."""

    def __init__(self) -> None:
        super().__init__()
        self.encode = spectral_norm(nn.Linear(6, 4))
        self.moments = nn.Linear(4, 4)
        self.decode = nn.Linear(2, 6)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mu, logvar = self.moments(torch.relu(self.encode(x))).chunk(2, dim=1)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
        return torch.sigmoid(self.decode(z)), mu, logvar


LONG_LINES = {
    "signal": MODELS["signal"],
    "recurrent": MODELS["recurrent"],
    "layer norm": MODELS["layer norm and dropout"],
    "batch norm": MODELS["batch norm"],
    "mean of a KL": MODELS["beta, loss in a dict"],
    "choices": OwnModel(categorical.CategoricalVAE, categorical.elbo),
    "spectral norm": OwnModel(SpectralVAE, tuple_output.loss_function),
}
with_long_lines = pytest.mark.parametrize("model", LONG_LINES)
FORMULA = re.compile(r"\$((?:\\\$|[^$])*)\$")


@cache
def document_of(model: str) -> str:
    own = LONG_LINES[model]
    return explain(own.build(), own.x(), seed=11, **own.keywords()).document().to_latex()


@with_long_lines
def test_no_line_is_estimated_to_be_wider_than_the_page(model: str) -> None:
    page = document_of(model)
    require_sound(page)
    lines = page.partition(r"\begin{document}")[2].splitlines()
    lines = [line for line in lines if line.startswith((r"\item $", "  $"))]
    assert any(line.startswith("  $") for line in lines), "no line of it is long"
    for line in lines:
        (formula,) = FORMULA.findall(line)
        assert width(formula, r"\displaystyle" not in formula) <= LINE + FIRST + 1, (
            line
        )  # each piece is rounded


@with_long_lines
def test_a_line_that_was_broken_gives_what_stands_behind_it(model: str) -> None:
    found = claims(document_of(model))
    assert len(found) > 40
    assert wrong(found, FLOAT32) == []


@NEEDS_TEX
@with_long_lines
def test_no_long_line_stands_out_of_the_page(model: str, tmp_path: Path) -> None:
    assert overfull(compiled(document_of(model), tmp_path)) == []


# --- runs -------------------------------------------------------------------------------


@NEEDS_TEX
@pytest.mark.parametrize("run", RUNS)
def test_it_compiles_and_nothing_stands_out_of_its_line(run: str, tmp_path: Path) -> None:
    assert overfull(compiled(document("latex", *RUNS[run]), tmp_path)) == []


@NEEDS_TEX
def test_a_large_model_compiles(tmp_path: Path) -> None:
    compiled(document("latex", "--dims", "60-40-5-40-60"), tmp_path)


@NEEDS_TEX
def test_hostile_names_compile(tmp_path: Path) -> None:
    names = [*HOSTILE, "μ", "σ_größe", "变量", "a^b~c", "x‖y", "½", "∂", '"quoted"', "ϑ"]
    pages = [page_of(name).partition(r"\begin{document}") for name in names]
    once = re.compile(r"\\(end\{document\}|tableofcontents)")  # a document has one of each
    bodies = [once.sub("", body) for _, _, body in pages]
    preamble, begin, _ = pages[0]
    compiled(preamble + begin + "".join(bodies) + r"\end{document}" + "\n", tmp_path)


def test_the_fractions_of_worked_lines_are_of_full_size() -> None:
    part = Div(Ref("a", (0,), "value", 1.0), Number(3.0))
    whole = Ref("a", (0,), "value", 1.0) * Number(3.0)
    for tree, value, tall in ((part, 1 / 3, True), (whole, 3.0, False)):
        line = Worked("[0]", tree, value, value, value, 0.0, True)
        page = Walkthrough("document", "", (), (Lines("h", (line,), "element", "value"),))
        (item,) = re.findall(r"^\\item (.*)$", latex_document.write(page), re.MULTILINE)
        assert item.startswith(r"$\displaystyle ") is tall
