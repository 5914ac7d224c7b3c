"""The workbook: LibreOffice recomputes it, and what it gives is what PyTorch gives."""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest

from vae_explain import pipeline
from vae_explain.engine.cell_formulas import FormulasOfRun, value_of
from vae_explain.models.builtin_config import Architecture
from vae_explain.models.changes import Change
from vae_explain.models.request import Request, UserModel
from vae_explain.pages.render import workbook
from vae_explain.symbolic.expression import FUNCTIONS as ALL_FUNCTIONS
from vae_explain.symbolic.expression import (
    Add,
    Apply,
    Expression,
    Mul,
    Neg,
    Number,
    Opaque,
    Pow,
    Ref,
)
from vae_explain.symbolic.spreadsheet import FUNCTIONS, LONGEST, FormulaWriter, NoFormula
from vae_explain.trace import Array

from .pages import CommandLine

X = ((1.0, 2.0, 3.0, 4.0),)
OFFICE = shutil.which("soffice")
needs_office = pytest.mark.skipif(
    OFFICE is None and not os.environ.get("VAE_EXPLAIN_NEEDS_OFFICE"),
    reason="needs LibreOffice (Debian: libreoffice-calc-nogui), which recomputes the workbook",
)
BLOCK = re.compile(r"(.*)  \[(.*)\]", re.DOTALL)
Recompute = Callable[[Path, Mapping[tuple[str, str], float]], Any]


@pytest.fixture(scope="module")
def recompute(tmp_path_factory: pytest.TempPathFactory) -> Recompute:
    """Return what opens a workbook, changes some of its cells and computes it anew."""
    folder = tmp_path_factory.mktemp("office")

    def recomputed(path: Path, changes: Mapping[tuple[str, str], float] | None = None) -> Any:
        book = openpyxl.load_workbook(path)  # and forgets what formulas came to
        for (sheet, cell), number in (changes or {}).items():
            book[sheet][cell] = number
        book.save(folder / "changed.xlsx")
        assert OFFICE is not None, "VAE_EXPLAIN_NEEDS_OFFICE is set, and there is no soffice"
        command = [
            OFFICE, "--headless", f"-env:UserInstallation=file://{folder}/profile",
            "--convert-to", "xlsx", "--outdir", str(folder / "out"), str(folder / "changed.xlsx"),
        ]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True, timeout=300)
        return openpyxl.load_workbook(folder / "out" / "changed.xlsx", data_only=True)

    return recomputed


def blocks(sheet: Any) -> Iterator[tuple[str, tuple[int, ...], int]]:
    """Yield the tensors of a sheet: name, shape, and the row of the first number."""
    for row in range(1, sheet.max_row + 1):
        match = BLOCK.fullmatch(str(sheet.cell(row, 1).value or ""))
        if match:
            shape = tuple(int(size) for size in match[2].split(",") if size.strip())
            yield match[1], shape, row + 2


def tensors(book: Any, *sheets: str) -> dict[str, Array]:
    """Return the numbers of some sheets as they are computed there, by name."""
    found = {}
    for sheet in sheets:
        page = book[sheet]
        for name, shape, row in blocks(page):
            rows, columns = math.prod(shape[:-1]), shape[-1] if shape else 1
            numbers = [page.cell(row + i, 2 + j).value for i in range(rows) for j in range(columns)]
            found[name] = np.array(numbers, dtype=object).reshape(shape)
    return found


def cell_of(path: Path, sheet: str, name: str, index: tuple[int, ...]) -> tuple[str, str]:
    """Return where a number is."""
    page = openpyxl.load_workbook(path)[sheet]
    for found, shape, row in blocks(page):
        if found == name:
            at = int(np.ravel_multi_index(index[:-1], shape[:-1])) if len(shape) > 1 else 0
            return sheet, page.cell(row + at, 2 + index[-1]).coordinate
    raise KeyError(name)


def near(found: Array, wanted: Array) -> bool:
    numbers = np.array(found, dtype=float)
    scale = float(np.abs(wanted).max(initial=1e-300))
    return numbers.shape == wanted.shape and bool(
        np.allclose(numbers, wanted, rtol=1e-9, atol=1e-9 * scale)
    )


def formulas_in(path: Path, sheet: str) -> list[str]:
    page = openpyxl.load_workbook(path)[sheet]
    cells = (cell for row in page.iter_rows() for cell in row)
    # What is a text in the file is one, though it may begin as a formula does.
    return [cell.value for cell in cells if cell.data_type == "f" and "= " not in cell.value[:2]]


# --- one formula ------------------------------------------------------------------------

ARGUMENTS = (-30.0, -2.5, -0.75, 0.0, 0.5, 1.5, 3.0, 40.0)
A, B, C = (Ref(name, (), value=value) for name, value in (("a", -3.0), ("b", 0.5), ("c", 4.0)))
UP, DOWN = Opaque(">", (A, B)), Opaque("<=", (A, B))
TREES: dict[str, Expression] = {
    "a power of what is negative": Pow(A, Number(2.0)),
    "the negative of a power": Neg(Pow(A, Number(2.0))),
    "a power of a negative": Pow(Neg(A), Number(3.0)),
    "a negative constant to a power": Pow(Number(-2.0), Number(2.0)),
    "less a sum": A - (B + C),
    "less a negative": A - Neg(B),
    "times a negative": Mul((A, Neg(B), Number(-2.0))),
    "over a product": A / Mul((B, C)),
    "over a quotient": A / (B / C),
    "a power of a power": Pow(Pow(C, B), Number(3.0)),
    "less a product of a sum": Mul((Number(-1.0), A + B, C)),
    "a small constant": Mul((A, Number(1e-12))),
    "a large constant": A + Number(1e15) - Number(1e15),
    "a sum of a thousand": Add(tuple(Mul((A, B, Number(float(i)))) for i in range(1000))),
    "the largest": Apply("max", (A, B, C)),
    "one of two by both": Opaque(
        "where",
        (
            Opaque("&", (Opaque("<", (A, B)), Opaque("|", (UP, DOWN)))),
            B,
            C,
        ),
    ),
    "one of two": Opaque("where", (Opaque(">", (A, Number(-3.0))), B, C)),
    "the other of two": Opaque("where", (Opaque(">=", (A, Number(-3.0))), B, Neg(C))),
    "twice a long one": Apply("sigmoid", (Add(tuple(Mul((A, B)) for _ in range(30))),)),
    "a function of a negative": Apply("sigmoid", (Neg(C),)),
    "nothing": Add(()),
}


@needs_office
def test_each_function_and_each_tree_comes_to_its_number(
    recompute: Recompute, tmp_path: Path
) -> None:
    book = openpyxl.Workbook()
    page, parts = book.active, book.create_sheet("Parts")
    for column, ref in enumerate((A, B, C), start=1):
        page.cell(1, column, ref.value)
    cells = {"a": "Sheet!A1", "b": "Sheet!B1", "c": "Sheet!C1"}

    def further(_: Expression, text: str) -> str:
        parts.cell(parts.max_row + 1, 1, f"={text}")
        return f"Parts!A{parts.max_row}"

    wanted: list[tuple[str, float]] = []
    writer = FormulaWriter(lambda ref: cells[ref.name], further)
    trees = dict(TREES)
    for name in FUNCTIONS:
        for argument in ARGUMENTS:
            number = ALL_FUNCTIONS[name].value(argument)
            is_outside = name == "lgamma" and argument <= 0
            if math.isfinite(number) and not is_outside:
                trees[f"{name}({argument})"] = Apply(name, (Number(argument),))
    for name, tree in trees.items():
        text = writer.formula(tree)
        assert len(text) <= LONGEST
        wanted.append((name, value_of(tree, lambda ref: float(ref.value))))
        page.cell(1 + len(wanted), 1, f"={text}")
    book["Sheet"].title = "Sheet"
    book.save(tmp_path / "functions.xlsx")
    found = recompute(tmp_path / "functions.xlsx", {})["Sheet"]
    for row, (name, number) in enumerate(wanted, start=2):
        value = found.cell(row, 1).value
        assert isinstance(value, int | float), (name, value)
        assert np.isclose(value, number, rtol=1e-12, atol=1e-15), (name, value, number)


def test_what_a_spreadsheet_has_not_is_said() -> None:
    writer = FormulaWriter(lambda ref: ref.name, lambda _, text: text)
    for tree in (Apply("erfinv", (A,)), Number(math.inf), Opaque("conv2d", (A,))):
        with pytest.raises(NoFormula):
            writer.formula(tree)
    assert set(FUNCTIONS) <= set(ALL_FUNCTIONS)


# --- whole workbooks --------------------------------------------------------------------

OWN = """
import torch
from torch import nn
import torch.nn.functional as F

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = nn.Linear(4, 6)
        self.norm = nn.LayerNorm(6)
        self.heads = nn.Linear(6, 4)
        self.dec = nn.Linear(2, 4)

    def forward(self, x):
        hidden = F.leaky_relu(self.norm(self.enc(x)), 0.2)
        mu, logvar = self.heads(hidden).chunk(2, dim=1)
        kept = logvar.clamp(-1.0, 0.5)
        z = mu + torch.exp(0.5 * kept) * torch.randn_like(mu)
        recon = F.elu(self.dec(z))
        return recon, mu, kept

def loss(recon, x, mu, kept):
    mse = F.smooth_l1_loss(recon, x, reduction="sum")
    kl = -0.5 * torch.sum(1 + kept - mu.pow(2) - kept.exp())
    return mse + 0.5 * kl
"""
BATCH = ((0.1, 0.9, 0.5), (0.7, 0.2, 0.4))
SETTINGS: dict[str, Request] = {
    "the default": Request(X, arithmetic="printed"),
    "deep, in batches, with cross-entropy": Request(
        BATCH,
        seed=3,
        arithmetic="full",
        source=Architecture((3, 5, 4, 2, 4, 5, 3), "gelu", "bce", "mean", 2.0),
    ),
    "softplus": Request(X, seed=5, source=Architecture(activation="softplus", beta=0.0)),
    "a model of one's own": Request(X, seed=1, arithmetic="full"),
}


def request_of(name: str, folder: Path) -> Request:
    request = SETTINGS[name]
    if "own" not in name:
        return request
    path = folder / "own.py"
    path.write_text(OWN)
    return replace(request, source=UserModel(f"{path}:Model", f"{path}:loss"))


@needs_office
@pytest.mark.parametrize("name", SETTINGS)
def test_what_a_changed_number_gives_is_what_pytorch_gives(
    recompute: Recompute, tmp_path: Path, name: str
) -> None:
    request = request_of(name, tmp_path)
    run = pipeline.run(request)
    path = tmp_path / "run.xlsx"
    path.write_bytes(workbook.write(run))
    weight = next(v for v in run.trace.values if v.kind == "parameter" and len(v.shape) == 2)
    noise = next(v for v in run.trace.values if v.kind == "noise")
    moved = (
        ("Input", "x", (0, 1), 0.25),
        ("Input", noise.name or "", (0, 0), -1.5),
        ("Parameters", weight.name or "", (1, 0), -0.75),
    )
    changes = tuple(Change(f"{n}[{','.join(map(str, at))}]", value) for _, n, at, value in moved)
    other = pipeline.run(replace(request, changes=changes))
    # In float64, as a spreadsheet computes.
    cells = {cell_of(path, sheet, n, at): value for sheet, n, at, value in moved}
    for wanted, changed in ((run, {}), (other, cells)):
        found = recompute(path, changed)
        values = tensors(found, "Forward", "Loss")
        gradients = tensors(found, "Backward")
        hand = wanted.hand_values
        assert set(values) == {
            v.name for v in wanted.trace.values if v.name and v.kind == "intermediate"
        }
        for each, numbers in values.items():
            assert near(numbers, np.asarray(hand[wanted.value(each).id])), each
        for number in wanted.gradients:
            if label := wanted.trace.values[number].name:
                of = wanted.trace.loss.name or "loss"
                assert near(gradients[f"∂{of}/∂{label}"], wanted.hand_gradients[number]), label
        assert found["Start"]["B4"].value == bool(changed)
        loss = found["Start"]["B6"].value
        assert np.isclose(loss, float(np.asarray(hand[wanted.trace.output]).sum()), rtol=1e-9)


def test_every_number_that_is_computed_is_a_formula(tmp_path: Path) -> None:
    run = pipeline.run(Request(X))
    path = tmp_path / "run.xlsx"
    path.write_bytes(workbook.write(run))
    made = sum(v.array.size for v in run.trace.values if v.name and v.kind == "intermediate")
    back = sum(g.size for n, g in run.gradients.items() if run.trace.values[n].name)
    # And for each of them one for the difference.
    assert len(formulas_in(path, "Forward")) + len(formulas_in(path, "Loss")) == 2 * made
    assert len(formulas_in(path, "Backward")) == 2 * back
    (first, *_) = formulas_in(path, "Forward")
    assert first == (
        "=Parameters!B5*Input!B5+Parameters!C5*Input!C5+Parameters!D5*Input!D5"
        "+Parameters!E5*Input!E5+Parameters!B17"
    )


def test_a_program_that_does_not_compute_shows_the_numbers(tmp_path: Path) -> None:
    run = pipeline.run(Request(X))
    path = tmp_path / "run.xlsx"
    path.write_bytes(workbook.write(run))
    book = openpyxl.load_workbook(path, data_only=True)
    for name, numbers in tensors(book, "Forward", "Loss").items():
        assert near(numbers, run.array(name)), name
    assert book["Start"]["B4"].value == 0


def test_the_same_run_makes_the_same_file() -> None:
    run = pipeline.run(Request(X))
    assert workbook.write(run) == workbook.write(run)


POOLED = """
import torch
from torch import nn

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = nn.Linear(4, 4)

    def forward(self, x):
        h = self.enc(x)
        pooled = nn.functional.max_pool1d(h, 2)
        return pooled.pow(2).sum()
"""


@needs_office
def test_what_goes_by_the_numbers_of_the_run_is_not_shown_for_others(
    recompute: Recompute, tmp_path: Path
) -> None:
    (tmp_path / "pooled.py").write_text(POOLED)
    source = UserModel(f"{tmp_path / 'pooled.py'}:Model")
    run = pipeline.run(Request(X, seed=1, arithmetic="full", source=source))
    path = tmp_path / "run.xlsx"
    path.write_bytes(workbook.write(run))
    fixed = {
        run.trace.values[each.value_id].name for each in FormulasOfRun(run).gradients if each.reason
    }
    as_it_is = tensors(recompute(path, {}), "Forward", "Loss", "Backward")
    assert all(isinstance(n, int | float) for array in as_it_is.values() for n in array.flat)
    changed = recompute(path, {cell_of(path, "Input", "x", (0, 0)): 9.0})
    assert fixed, "the window's largest is another one, so its gradient goes elsewhere"
    other = pipeline.run(Request(((9.0, 2.0, 3.0, 4.0),), seed=1, arithmetic="full", source=source))
    for name, numbers in tensors(changed, "Forward", "Loss").items():
        for found, wanted in zip(
            numbers.flat, np.ravel(other.hand_values[other.value(name).id]), strict=True
        ):
            assert found == "#N/A" or np.isclose(found, wanted), name
    for name, numbers in tensors(changed, "Backward").items():
        gradient = other.hand_gradients[other.value(name.partition("/∂")[2]).id]
        for found, wanted in zip(numbers.flat, np.ravel(gradient), strict=True):
            assert found == "#N/A" or np.isclose(found, wanted), name


# --- what may be in a model -------------------------------------------------------------

HOSTILE = """
import torch
from torch import nn

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        for name in ("=cmd()", "+1+1", "@SUM(1)", "a'b!c", "\\x1b[31m", "x" * 300):
            self.register_parameter(name, nn.Parameter(torch.ones(2)))

    def forward(self, x):
        total = x.sum()
        for parameter in self.parameters():
            total = total + (parameter * x).pow(2).sum()
        return total
"""


def test_a_name_is_a_text_whatever_it_says(tmp_path: Path) -> None:
    (tmp_path / "hostile.py").write_text(HOSTILE)
    source = UserModel(f"{tmp_path / 'hostile.py'}:Model")
    run = pipeline.run(Request(((1.0, 2.0),), arithmetic="full", source=source))
    path = tmp_path / "run.xlsx"
    path.write_bytes(workbook.write(run))
    page = openpyxl.load_workbook(path)["Parameters"]
    names = [page.cell(row - 2, 1) for _, _, row in blocks(page)]
    assert [name.value.split("  ")[0] for name in names[:4]] == [
        "=cmd()", "+1+1", "@SUM(1)", "a'b!c"
    ]  # fmt: skip
    # Which openpyxl, as it reads, takes for a formula by its first sign; the file says text.
    assert not [f for f in formulas_in(path, "Parameters") if "cmd" in f and f != names[0].value]
    with zipfile.ZipFile(path) as file:
        sheets = [n for n in file.namelist() if n.startswith("xl/worksheets/sheet")]
        text = "".join(file.read(name).decode() for name in sheets)
    assert "cmd" not in text  # which stands among the texts that cells refer to
    assert openpyxl.load_workbook(path).sheetnames == [
        "Start", "Input", "Parameters", "Forward", "Loss", "Backward", "Parts"
    ]  # fmt: skip


def test_a_long_sum_is_parted(tmp_path: Path) -> None:
    run = pipeline.run(
        Request((tuple(0.01 * i for i in range(600)),), source=Architecture((600, 2, 1, 2, 600)))
    )
    path = tmp_path / "run.xlsx"
    path.write_bytes(workbook.write(run))
    longest = max(
        len(f)
        for sheet in ("Forward", "Loss", "Backward", "Parts")
        for f in formulas_in(path, sheet)
    )
    assert longest <= LONGEST
    assert formulas_in(path, "Parts")


# --- the command ------------------------------------------------------------------------


def test_document_writes_a_workbook(cli: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "walkthrough.xlsx"
    outcome = cli("document", "--x", "1,0,2,-1", "--set", "eps[0]=1", "-o", str(path))
    assert outcome.code == 0, outcome
    book = openpyxl.load_workbook(path, data_only=True)
    assert "eps[0,0] set to 1" in book["Start"]["A1"].value
    assert "Step" in book.sheetnames
    assert tensors(book, "Input")["eps"][0, 0] == 1


def test_a_recording_makes_a_workbook(cli: CommandLine, tmp_path: Path) -> None:
    file, path = str(tmp_path / "run.safetensors"), tmp_path / "run.xlsx"
    cli("record", "-o", file)
    assert cli("document", "--run", file, "-o", str(path)).code == 0
    assert "Forward" in openpyxl.load_workbook(path).sheetnames


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--format", "xlsx"], "--format xlsx: it is not text; name a file for it, such as -o"),
        (["-o", "no.xlsx", "--dims", "100-80-20-80-100"], "--format xlsx: the run has"),
    ],
    ids=str,
)
def test_a_workbook_that_cannot_be_is_said_in_one_line(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = cli("document", *words)
    assert outcome.code == 2
    assert outcome.err.splitlines()[-1].startswith(f"vae-explain: error: {said}")
    assert list(tmp_path.iterdir()) == []


def test_without_its_library_a_workbook_says_what_to_install(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vae_explain.cli.commands.document.find_spec", lambda name: None)
    outcome = cli("document", "-o", str(tmp_path / "run.xlsx"))
    assert outcome.code == 2
    assert "install it with: pip install 'vae-explain[xlsx]'" in outcome.err
