"""The documents that `document` writes pass `verify`, wherever their numbers come from."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from vae_explain.analysis.proofread.matching.labels import Labels
from vae_explain.analysis.proofread.reading.markdown import passages
from vae_explain.analysis.proofread.reading.reader import read
from vae_explain.analysis.proofread.reading.statement import DocumentStatement, Remnant
from vae_explain.analysis.proofread.report import report
from vae_explain.models.builtin_config import BUILT_IN

from .pages import command_line

FULL = ("--arithmetic", "full")
OF_NO_SEED = [
    ("md", ()),
    ("tex", ()),
    ("html", ("--digits", "3")),
    ("ipynb", ("--digits", "6")),
    ("md", ("--digits", "2", "--activation", "gelu")),
]
SHORT = [
    ("md", ("--digits", "3", "--activation", "elu")),
    ("tex", ("--digits", "3", "--activation", "elu")),
    ("html", ("--digits", "6", "--eps", "0.3,-1.2", "--lr", "0.1")),
    ("ipynb", ("--digits", "5", "--beta", "0.5", "--level", "expert")),
]
SET = [
    (
        "tex",
        tuple(
            part
            for change in ("fc1.weight[1,0]=0.25", "fc_dec1.bias[3]=1.00002", "eps[0,0]=-1.5")
            for part in ("--set", change)
        ),
    ),
    ("md", ("--set", "fc_dec1.bias[5]=2.00001")),
    ("tex", ("--set", "fc_mu.bias[1]=-2", "--short")),
    ("html", ("--set", "fc_mu.bias[1]=-2", "--set", "eps[0,1]=1.5", "--short", *FULL)),
]

# A row of a table, with its arithmetic and what it comes to.
ROW = re.compile(r"(?m)^\| +[\d,]+ \| [^|]*[·/][^|]*\| +\*\*(?P<result>−?\d+\.\d+)\*\* \|$")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of parameters that no seed gives."""
    path = tmp_path_factory.mktemp("weights") / "weights.safetensors"
    drawn = torch.Generator().manual_seed(3)
    parameters = {}
    for layer in BUILT_IN.layers:
        size = (layer.outputs, layer.inputs)
        parameters[f"{layer.name}.weight"] = torch.randn(size, generator=drawn) * 0.4
        parameters[f"{layer.name}.bias"] = torch.randn(layer.outputs, generator=drawn) * 0.4
    save_file(parameters, path)
    return path


def written(folder: Path, ending: str, *options: str) -> Path:
    path = folder / f"document.{ending}"
    made = command_line("document", "-o", str(path), *options)
    assert made.code == 0, made.err
    return path


def require_right(path: Path) -> None:
    found = command_line("verify", str(path))
    assert found.code == 0, found.out + found.err


@pytest.mark.parametrize(("ending", "options"), OF_NO_SEED)
def test_full_digits_of_parameters_that_no_seed_gives(
    ending: str, options: tuple[str, ...], weights: Path, tmp_path: Path
) -> None:
    require_right(written(tmp_path, ending, "--weights", str(weights), *FULL, *options))


@pytest.mark.parametrize(("ending", "options"), SHORT)
def test_a_short_document_says_to_how_many_decimals_it_is_rounded(
    ending: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    require_right(written(tmp_path, ending, "--short", *options))


@pytest.mark.parametrize(("ending", "options"), SET)
def test_an_entry_that_was_set(ending: str, options: tuple[str, ...], tmp_path: Path) -> None:
    require_right(written(tmp_path, ending, *options))


def test_a_wrong_digit_beyond_the_rounding_of_parameters_is_found(
    weights: Path, tmp_path: Path
) -> None:
    path = written(tmp_path, "md", "--weights", str(weights), *FULL)
    text = path.read_text("utf-8")
    row = re.search(r"\| +0 \| +−0\.0306\d+·1 \|.*?\| +(−0\.19616)\d+ \|", text)
    assert row is not None
    start, end = row.span(1)
    path.write_text(f"{text[:start]}−0.19646{text[end:]}", "utf-8")
    found = command_line("verify", str(path))
    assert found.code == 1
    assert "encoder_pre[0]: printed -0.19646" in found.out


def test_each_number_that_pytorch_has_otherwise_is_judged(tmp_path: Path) -> None:
    text = written(tmp_path, "md", "--short", "--digits", "3").read_text("utf-8")
    listed = re.search(r"these numbers differ, .*? (?P<number>\d\.\d{3})(?=,)", text)
    assert listed is not None
    at = listed.end() - 2
    wrong = f"{text[:at]}{(int(text[at]) + 5) % 10}{text[at + 1 :]}"
    (found,) = report(wrong, "document.md").findings
    assert (found.printed, found.expected) == (wrong[at - 3 : at + 2], listed["number"])


def test_a_number_where_rows_are_counted_leaves_the_other_rows_as_they_are() -> None:
    table = "| element | z | μ |\n|---|---|---|\n"
    table += "".join(f"| {i} | 0.{i}5 | 0.{i}5 |\n" for i in range(6))
    found = list(read(passages(table.replace("| 2 |", "| 0.25 |")), Labels({})))
    wrong = [entry.printed for entry in found if isinstance(entry, Remnant) and entry.wrong]
    assert wrong == ["0.25"]
    assert [len(entry.numbers) for entry in found if isinstance(entry, DocumentStatement)] == [5, 5]


def test_the_arithmetic_of_a_model_of_ones_own_is_held_together(tmp_path: Path) -> None:
    model = Path(__file__).parent / "models" / "tuple_output.py"
    how = ("--model", f"{model}:VAE", "--loss", f"{model}:loss_function")
    path = written(tmp_path, "md", *how, "--x", "0.1,0.9,0.3,0.4,0.6,0.2")
    text = path.read_text("utf-8")
    rows = [match for match in ROW.finditer(text) if match["result"].strip("−0.")]
    assert len(rows) > 40
    for row in random.Random(1).sample(rows, 6):
        start, end = row.span("result")
        digit = str((int(text[end - 1]) + 5) % 10)
        path.write_text(f"{text[: end - 1]}{digit}{text[end:]}", "utf-8")
        found = command_line("verify", str(path))
        line = text.count("\n", 0, start) + 1
        assert found.code == 1, row[0]
        assert f"✗ line {line}: " in found.out
        assert found.out.count("✗ line") == 1


def test_a_quantity_that_is_called_mean(tmp_path: Path) -> None:
    text = "$$mean = [0.5, -0.25]$$\n$$latent = mean + 0.5 \\cdot [1.0, 2.0] = [1.0, 0.75]$$\n"
    path = tmp_path / "mean.md"
    path.write_text(text, "utf-8")
    found = command_line("verify", str(path))
    assert (found.code, "1 pair of sides" in found.out) == (0, True), found.err
    path.write_text(text.replace("0.75]", "0.85]"), "utf-8")
    assert command_line("verify", str(path)).code == 1


def test_few_digits_among_more_in_a_column_are_rounded_as_they_are(tmp_path: Path) -> None:
    # 0.0088 is 0.00875512 and 0.0045 is 0.00449077: exactly they would give 0.00002954.
    rows = ("0.1445 | 0.2101", "0.3508 | 0.8448", "0.0088 | 0.0045", "0.1599 | 0.2710")
    kls = ("0.02755", "0.39155", "0.00002930", "0.04347")
    table = "| log σ² | μ | KL |\n|---|---|---|\n"
    table += "".join(f"| {row} | {kl} |\n" for row, kl in zip(rows, kls, strict=True))
    path = tmp_path / "columns.md"
    path.write_text(f"{table}\n", "utf-8")
    found = command_line("verify", str(path))
    assert found.code == 0, found.out


@pytest.mark.parametrize(
    ("axis", "shares"),
    [
        ("1", "-0.9741 & -0.4741 \\\\ -0.4741 & -0.9741"),
        ("-2", "-0.5544 & -0.2410 \\\\ -0.8544 & -1.5410"),
    ],
)
def test_sums_along_one_axis(axis: str, shares: str, tmp_path: Path) -> None:
    text = (
        r"$$\mathrm{score} = \begin{bmatrix} 0.5 & 1.0 \\ 0.2 & -0.3 \end{bmatrix}$$"
        "\n\n"
        r"$$\mathrm{share} = \mathrm{score} - \log\left(\sum_{\mathrm{dim}=AXIS}"
        r" \exp\left(\mathrm{score}\right)\right) = \begin{bmatrix} SHARES \end{bmatrix}$$"
    )
    path = tmp_path / "softmax.md"
    path.write_text(text.replace("AXIS", axis).replace("SHARES", shares), "utf-8")
    found = command_line("verify", str(path))
    assert (found.code, "1 pair of sides" in found.out) == (0, True), found.out + found.err
    path.write_text(
        path.read_text("utf-8").replace("-0.2410", "-0.2401").replace("-0.4741 &", "-0.4714 &"),
        "utf-8",
    )
    assert command_line("verify", str(path)).code == 1
