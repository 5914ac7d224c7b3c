"""`exercise` writes sheets and a key, `mark` reads them back: formats, files, and errors."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import nbformat
import pytest

from vae_explain.analysis.exercise import key as keys
from vae_explain.analysis.exercise.answers import read_answers
from vae_explain.analysis.exercise.key import TOPICS, Sheet, read_key
from vae_explain.analysis.exercise.marking import read_number
from vae_explain.analysis.exercise.selection import DIFFICULTIES
from vae_explain.analysis.exercise.trees import value_of
from vae_explain.cli import choices
from vae_explain.cli.commands import exercise as command

from .key_schema import schema
from .pages import CommandLine, Outcome

Answers = dict[str, str]


def made(cli: CommandLine, folder: Path, name: str, *arguments: str) -> dict[str, Sheet]:
    """Write sheets into a file, and return them as their key has them."""
    target, key = folder / name, folder / "key.json"
    outcome = cli("exercise", *arguments, "-o", str(target), "--key", str(key))
    assert outcome.code == 0, outcome.err
    return read_key(key).sheets


def right(sheet: Sheet) -> Answers:
    return {b.entry.id: f"{b.entry.expected:.{b.entry.decimals}f}" for b in sheet.blanks}


def marked(cli: CommandLine, folder: Path, name: str, *more: str) -> dict[str, Any]:
    outcome = cli(
        "mark", str(folder / name), "--key", str(folder / "key.json"), "--format", "json", *more
    )
    assert outcome.code == 0, outcome.err
    found: dict[str, Any] = json.loads(outcome.out)
    return found


def fill_markdown(text: str, answers: Answers) -> str:
    """Put answers in the place of the dots, row by row, as a student does in an editor."""
    for number, answer in answers.items():
        text, count = re.subn(
            rf"^(\| +{number} \| .*\| )\.+( +\|)$", rf"\g<1>{answer}\2", text, count=1, flags=re.M
        )
        assert count == 1, number
    return text


# --- what is on a sheet -----------------------------------------------------------------


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
@pytest.mark.parametrize(
    "model",
    [
        (),
        ("--nice",),
        ("--activation", "gelu", "--reduction", "mean", "--beta", "4"),
        ("--recon", "bce", "--x", "0.1,0.2,0.3,0.4", "--x", "0.5,0.6,0.7,0.8"),
        ("--dims", "6-5-4-3-4-5-6", "--activation", "tanh"),
        ("--dims", "784-40-20-40-784"),
        ("--arithmetic", "full"),
    ],
)
def test_every_blank_follows_from_what_is_printed(
    cli: CommandLine, tmp_path: Path, model: tuple[str, ...], difficulty: str
) -> None:
    (sheet,) = made(cli, tmp_path, "s.md", *model, "--difficulty", difficulty).values()
    page = (tmp_path / "s.md").read_text("utf-8")
    values = dict(sheet.given)
    for blank in sheet.blanks:
        assert set(blank.uses) <= values.keys(), "made of what stands on the sheet"
        assert value_of(blank.tree, values) == pytest.approx(blank.entry.expected)
        values[blank.entry.name] = blank.entry.expected
        if difficulty == "easy":
            assert not set(blank.uses) & {each.entry.name for each in sheet.blanks}
    for given in sheet.entry.given.values():
        assert given.text in page.replace("−", "-")
    rows = re.findall(r"^\| +\d+ \| (\S+) +\| \.+ \|$", page, flags=re.M)
    assert rows == [blank.entry.name for blank in sheet.blanks]


def test_no_shown_number_gives_a_blank_away(cli: CommandLine, tmp_path: Path) -> None:
    for sheet in made(cli, tmp_path, "s.md", "--variants", "6", "--count", "30").values():
        blanks = {blank.entry.name for blank in sheet.blanks}
        assert not blanks & sheet.entry.given.keys()
        for name in blanks:
            if name.endswith("_pre[0]") or ("_pre[" in name and not name.startswith("∂")):
                assert name.replace("_pre", "_hidden") not in sheet.entry.given


@pytest.mark.parametrize("topic", TOPICS)
def test_a_sheet_keeps_to_its_topics(cli: CommandLine, tmp_path: Path, topic: str) -> None:
    (sheet,) = made(cli, tmp_path, "s.md", "--topic", topic, "--count", "4").values()
    assert {blank.entry.topic for blank in sheet.blanks} == {topic}


def test_variants_have_numbers_of_their_own_and_one_key(cli: CommandLine, tmp_path: Path) -> None:
    sheets = made(cli, tmp_path, "s-{}.md", "--variants", "12", "--seed", "5", "--nice")
    assert [sheet.entry.seed for sheet in sheets.values()] == list(range(5, 17))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["key.json", *(f"s-{n:02}.md" for n in range(1, 13))]
    given = [frozenset(sheet.entry.given.items()) for sheet in sheets.values()]
    assert len(set(given)) == 12
    for sheet in sheets.values():
        for each in sheet.entry.given.values():
            if each.role in ("parameter", "input", "noise"):
                assert float(each.text) * 2 == int(float(each.text) * 2), "a half"


def test_the_same_request_gives_the_same_sheets(cli: CommandLine, tmp_path: Path) -> None:
    texts = []
    for _ in range(2):
        made(cli, tmp_path, "s.md", "--variants", "2")
        texts.append((tmp_path / "s.md").read_text("utf-8"))
    assert texts[0] == texts[1]


def test_a_hard_sheet_leaves_the_backward_formulas_out(cli: CommandLine, tmp_path: Path) -> None:
    made(cli, tmp_path, "s.md", "--topic", "chain", "--difficulty", "hard")
    assert r"\frac{\partial" not in (tmp_path / "s.md").read_text("utf-8").split("Formulas")[1]
    made(cli, tmp_path, "s.md", "--topic", "chain", "--difficulty", "medium")
    assert r"\frac{\partial" in (tmp_path / "s.md").read_text("utf-8").split("Formulas")[1]


# --- there and back ---------------------------------------------------------------------


def write_csv(folder: Path, sheets: dict[str, Sheet]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(["student", "sheet", "blank", "answer"])
    for number, sheet in sheets.items():
        writer.writerows(["Ada", number, *pair] for pair in right(sheet).items())
    (folder / "answers.csv").write_text(stream.getvalue(), "utf-8")
    return "answers.csv"


def write_wide_csv(folder: Path, sheets: dict[str, Sheet]) -> str:
    answers = {number: right(sheet) for number, sheet in sheets.items()}
    most = max(answers.values(), key=len)
    lines = [";".join(["Student", "Sheet", *most])]
    lines += [";".join(["Ada", number, *own.values()]) for number, own in answers.items()]
    (folder / "answers.csv").write_text("\n".join(lines).replace(".", ","), "utf-8-sig")
    return "answers.csv"


def write_markdown(folder: Path, sheets: dict[str, Sheet]) -> str:
    text = (folder / "s.md").read_text("utf-8")
    parts = re.split(r"(?=^## \d+ Exercise sheet)", text, flags=re.M)
    filled = [parts[0]]
    filled += [
        fill_markdown(part, right(sheet))
        for part, sheet in zip(parts[1:], sheets.values(), strict=True)
    ]
    (folder / "filled.md").write_text("".join(filled), "utf-8")
    return "filled.md"


def write_notebook(folder: Path, sheets: dict[str, Sheet]) -> str:
    notebook = nbformat.reads((folder / "s.ipynb").read_text("utf-8"), as_version=4)  # type: ignore[no-untyped-call]  # it has no types
    nbformat.validate(notebook)
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell, sheet in zip(codes, sheets.values(), strict=True):
        answers = right(sheet)
        for number, answer in answers.items():
            cell.source = re.sub(rf"\b{number}: None", f"{number}: {answer}", cell.source)
        cell.source = cell.source.replace(f"1: {answers['1']}", f"1: 2*{answers['1']}/2 + 0")
    text = nbformat.writes(notebook)  # type: ignore[no-untyped-call]  # likewise
    (folder / "filled.ipynb").write_text(text, "utf-8")
    return "filled.ipynb"


@pytest.mark.parametrize(
    ("name", "fill"),
    [
        ("s.md", write_markdown),
        ("s.md", write_csv),
        ("s.md", write_wide_csv),
        ("s.ipynb", write_notebook),
    ],
)
def test_a_filled_sheet_is_read_back(
    cli: CommandLine,
    tmp_path: Path,
    name: str,
    fill: Callable[[Path, dict[str, Sheet]], str],
) -> None:
    sheets = made(cli, tmp_path, name, "--variants", "3")
    found = marked(cli, tmp_path, fill(tmp_path, sheets))
    assert [each["points"] for each in found["sheets"]] == [
        len(sheet.blanks) for sheet in sheets.values()
    ]
    assert {blank["verdict"] for blank in found["blanks"]} == {"right"}
    first = found["blanks"][0]
    assert first.keys() >= {"answer", "expected", "verdict", "misconception"}


def test_a_folder_is_a_class(cli: CommandLine, tmp_path: Path) -> None:
    made(cli, tmp_path, "s-{}.md", "--variants", "3", "--topic", "kl")
    sheets = read_key(tmp_path / "key.json").sheets
    (tmp_path / "class").mkdir()
    (tmp_path / "pages").mkdir()
    for number, sheet in sheets.items():
        answers = right(sheet)
        if number == "2":
            kl = next(b.entry for b in sheet.blanks if b.entry.name == "kl")
            answers[kl.id] = f"{2 * kl.expected:.4f}"
        if number == "3":
            answers = dict.fromkeys(answers, "0")
        text = fill_markdown((tmp_path / f"s-{number}.md").read_text("utf-8"), answers)
        (tmp_path / "class" / f"student {number}.md").write_text(text, "utf-8")
    table = tmp_path / "class.csv"
    found = marked(cli, tmp_path, "class", "--csv", str(table), "--pages", str(tmp_path / "pages"))
    blanks = len(sheets["1"].blanks)
    assert [each["points"] for each in found["sheets"]] == [blanks, blanks - 1, 0]
    assert found["sheets"][2]["degenerate"]
    rows = list(csv.DictReader(table.read_text("utf-8").splitlines()))
    assert [row["student"] for row in rows] == ["student 1", "student 2", "student 3"]
    assert "half" in rows[1]["mistakes"]
    pages = sorted(path.name for path in (tmp_path / "pages").iterdir())
    assert pages == ["student-1.html", "student-2.html", "student-3.html"]
    assert "A factor ½ was forgotten" in (tmp_path / "pages" / pages[1]).read_text("utf-8")


def test_the_page_names_the_mistake(cli: CommandLine, tmp_path: Path) -> None:
    (sheet,) = made(cli, tmp_path, "s.md", "--topic", "loss,kl").values()
    answers = right(sheet)
    blank = next(b.entry for b in sheet.blanks if b.entry.name == "kl")
    answers[blank.id] = f"{-blank.expected:.4f}"
    text = fill_markdown((tmp_path / "s.md").read_text("utf-8"), answers)
    (tmp_path / "filled.md").write_text(text, "utf-8")
    outcome = cli("mark", str(tmp_path / "filled.md"), "--key", str(tmp_path / "key.json"))
    assert f"{len(sheet.blanks) - 1} of {len(sheet.blanks)} points" in outcome.out
    assert "a sign is the wrong way round" in " ".join(outcome.out.split())


@pytest.mark.parametrize(
    "answer", [".5", "0.5......", "**0.5**", "1/2", "½", " 0,50", "+0.5", "5e-1"]
)
def test_an_answer_is_read_as_it_is_written(cli: CommandLine, tmp_path: Path, answer: str) -> None:
    made(cli, tmp_path, "s.md")
    page = fill_markdown((tmp_path / "s.md").read_text("utf-8"), {"1": answer})
    (tmp_path / "filled.md").write_text(page, "utf-8")
    path = tmp_path / "filled.md"
    (filled,) = read_answers(path, read_key(tmp_path / "key.json"))
    assert read_number(filled.answers["1"]).number == 0.5


def test_small_slips_are_told_apart(cli: CommandLine, tmp_path: Path) -> None:
    (sheet,) = made(cli, tmp_path, "s.md", "--topic", "forward,loss").values()
    mse = next(b.entry for b in sheet.blanks if b.entry.name == "mse")
    for answer, verdict, mistake in (
        (f"{mse.expected:.1f}", "wrong", "digits"),
        (f"{mse.expected:.6f}", "right", None),
        (f"{mse.expected + 0.00005:.4f}", "right", None),
        (f"{mse.expected + 0.1234:.4f}", "wrong", None),
        ("about 3", "wrong", None),
        ("nan", "wrong", None),
        ("", "wrong", None),
    ):
        (tmp_path / "a.csv").write_text(f"blank,answer\n{mse.id},{answer}\n", "utf-8")
        found = marked(cli, tmp_path, "a.csv")["blanks"]
        mark = next(each for each in found if each["blank"] == mse.id)
        assert (mark["verdict"], mark["misconception"]) == (verdict, mistake), answer


def test_equal_answers_earn_nothing(cli: CommandLine, tmp_path: Path) -> None:
    (sheet,) = made(cli, tmp_path, "s.md", "--difficulty", "hard").values()
    page = (tmp_path / "s.md").read_text("utf-8")
    for number in ("0", "0.0000", "1", "-0.5"):
        text = fill_markdown(page, dict.fromkeys(right(sheet), number))
        (tmp_path / "filled.md").write_text(text, "utf-8")
        found = marked(cli, tmp_path, "filled.md")
        assert found["sheets"][0]["points"] == 0
        assert "carried" not in {blank["verdict"] for blank in found["blanks"]}


def test_marking_loads_neither_torch_nor_numpy_to_decide(tmp_path: Path, cli: CommandLine) -> None:
    sheets = made(cli, tmp_path, "s.md", "--variants", "30")
    name = write_markdown(tmp_path, sheets)
    program = (
        "import sys; from vae_explain.cli.entry import run\n"
        f"code = run(['mark', {str(tmp_path / name)!r}, '--key', "
        f"{str(tmp_path / 'key.json')!r}, '--json'])\n"
        "assert 'torch' not in sys.modules; sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["sheets"]) == 30
    alone = (
        "import sys; import vae_explain.analysis.exercise.marking\n"
        "import vae_explain.analysis.exercise.answers\n"
        "assert not {'torch', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", alone], check=True)


# --- the key ----------------------------------------------------------------------------


def test_a_key_is_of_its_schema(cli: CommandLine, tmp_path: Path) -> None:
    made(cli, tmp_path, "s.md", "--variants", "2", "--activation", "gelu")
    shipped = Path(keys.__file__).with_name("key.schema.json")
    assert json.loads(shipped.read_text("utf-8")) == schema(), "python -m tests.key_schema"
    content = json.loads((tmp_path / "key.json").read_text("utf-8"))
    jsonschema.validate(content, schema())
    content["sheets"][0]["blanks"][0]["tree"] = {"run": "os.system"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, schema())


def broken(content: dict[str, Any], where: str, value: object) -> dict[str, Any]:
    *path, last = where.split(".")
    at: Any = content
    for part in path:
        at = at[int(part)] if part.isdigit() else at[part]
    at[last] = value
    return content


DEEP: list[Any] = ["neg", 1]
for _ in range(200):
    DEEP = ["neg", DEEP]


@pytest.mark.parametrize(
    ("where", "value", "words"),
    [
        ("version", 99, "version"),
        ("sheets", [], "sheets"),
        ("sheets.0.blanks.0.tree", ["__import__", "os"], "a number of the sheet"),
        ("sheets.0.blanks.0.tree", ["eval", 1], "a known operation"),
        ("sheets.0.blanks.0.tree", "os.system", "a number of the sheet"),
        ("sheets.0.blanks.0.tree", {"a": 1}, "an operation"),
        ("sheets.0.blanks.0.tree", DEEP, "the arithmetic of one number"),
        ("sheets.0.blanks.0.tree", ["+"] + [1] * 5000, "the arithmetic of one number"),
        ("sheets.0.blanks.0.decimals", 10**9, "a number of digits"),
        ("sheets.0.blanks.0.expected", "1", "a number"),
        ("sheets.0.given.x[0]", {"role": "input", "text": "1e999", "exact": True}, "a number"),
        ("sheets.0.given.x[0]", {"role": "root", "text": "1", "exact": True}, "one of"),
        ("sheets.0.counts.latent", 10**400, "a count"),
        ("sheets.0.extra", 1, "nothing but"),
    ],
)
def test_a_hostile_key_is_one_line(
    cli: CommandLine, tmp_path: Path, where: str, value: object, words: str
) -> None:
    made(cli, tmp_path, "s.md")
    key = tmp_path / "key.json"
    content = broken(json.loads(key.read_text("utf-8")), where, value)
    key.write_text(json.dumps(content), "utf-8")
    outcome = cli("mark", str(tmp_path / "s.md"), "--key", str(key))
    assert_one_line(outcome, "--key", words)


def test_a_key_with_odd_entries_marks_all_the_same(cli: CommandLine, tmp_path: Path) -> None:
    (sheet,) = made(cli, tmp_path, "s.md").values()
    key = tmp_path / "key.json"
    content = json.loads(key.read_text("utf-8"))
    weight = next(name for name in content["sheets"][0]["given"] if ".weight[" in name)
    odd = {"role": "parameter", "text": "1", "exact": True}
    for name in (weight.partition("[")[0], weight.replace("]", ",0]"), weight.split(",")[0] + "]"):
        content["sheets"][0]["given"][name] = odd
    for blank in content["sheets"][0]["blanks"]:
        blank["kl"], blank["parts"], blank["expected"] = [99, -1], ["a"] * 40 + ["b"], "NaN"
    key.write_text(json.dumps(content), "utf-8")
    lines = [f"{blank.entry.id},{blank.entry.expected + 1}" for blank in sheet.blanks]
    (tmp_path / "a.csv").write_text("\n".join(["blank,answer", *lines]), "utf-8")
    assert {each["verdict"] for each in marked(cli, tmp_path, "a.csv")["blanks"]} <= {
        "wrong",
        "carried",
    }


@pytest.mark.parametrize(
    "text", ["", "no json", "[" * 100_000, '{"version": 1}', "[]", '{"a": NaN}']
)
def test_what_is_no_key_is_one_line(cli: CommandLine, tmp_path: Path, text: str) -> None:
    (tmp_path / "key.json").write_text(text, "utf-8")
    (tmp_path / "s.md").write_text("| blank | answer |", "utf-8")
    outcome = cli("mark", str(tmp_path / "s.md"), "--key", str(tmp_path / "key.json"))
    assert_one_line(outcome, "--key")


def assert_one_line(outcome: Outcome, *words: str) -> None:
    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err.count("\n") == 1
    for each in words:
        assert each in outcome.err


# --- errors -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--topic", "forwards"), "--topic forwards: choose forward"),
        (("--topic", ""), "--topic ''"),
        (("--difficulty", "5"), "--difficulty 5: choose easy"),
        (("--count", "0"), "--count 0"),
        (("--variants", "1000"), "--variants 1000"),
        (("--format", "pdf"), "--format pdf: choose md"),
        (("--json",), "--json"),
        (("--topic", "gates", "--activation", "tanh"), "--topic"),
        (("--lr", "0"), "--lr 0"),
        (("--nice", "--dims", "784-40-20-40-784"), "--nice: halves as parameters"),
        (("--format", "qti"), "name it with -o FILE.zip"),
    ],
)
def test_what_cannot_be_asked_is_one_line(
    cli: CommandLine, arguments: tuple[str, ...], words: str
) -> None:
    outcome = cli("exercise", *arguments)
    assert_one_line(outcome, words)


def test_a_recorded_run_has_its_own_numbers(cli: CommandLine, tmp_path: Path) -> None:
    run = str(tmp_path / "run.safetensors")
    assert cli("record", "-o", run).code == 0
    sheets = made(cli, tmp_path, "s.md", "--run", run, "--variants", "2")
    assert [sheet.entry.seed for sheet in sheets.values()] == [42, 42]
    names = [[blank.entry.name for blank in sheet.blanks] for sheet in sheets.values()]
    assert names[0] != names[1]
    assert_one_line(cli("exercise", "--run", run, "--nice"), "--run", "leave --nice out")


def test_a_sheet_of_a_model_of_ones_own_speaks_its_names(cli: CommandLine, tmp_path: Path) -> None:
    place = Path(__file__).parents[1] / "docs" / "examples" / "small_vae.py"
    model = ("--model", f"{place}:SmallVAE", "--loss", f"{place}:loss", "--x", "0.2,0.9,0.5")
    for more in ((), ("--nice", "--variants", "2")):
        for sheet in made(cli, tmp_path, "s.md", *model, *more).values():
            assert {"bce", "kld"} & {blank.entry.name for blank in sheet.blanks}
            assert sheet.entry.kl == ("kld",)
            for blank in sheet.blanks:
                assert value_of(blank.tree, sheet.expected) == pytest.approx(blank.entry.expected)


def test_a_sheet_of_another_key_is_refused(cli: CommandLine, tmp_path: Path) -> None:
    made(cli, tmp_path, "a.md", "--seed", "1")
    made(cli, tmp_path, "b.md", "--seed", "2")
    outcome = cli("mark", str(tmp_path / "a.md"), "--key", str(tmp_path / "key.json"))
    assert_one_line(outcome, "another key")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.md", "# nothing here", "no table of answers"),
        ("a.md", "## 7 Exercise sheet\n\n| blank | answer |\n|--|--|\n| 1 | 2 |", "no sheet 7"),
        ("a.csv", "one,two\n1,2\n", "no table of answers"),
        ("a.csv", "", "no table of answers"),
        ("a.ipynb", "{}", "not a Jupyter notebook"),
        ("a.ipynb", '{"cells": [{"cell_type": "code", "source": "(" }]}', "no table"),
        ("a.docx", "x", "ends with .md"),
    ],
)
def test_answers_that_cannot_be_read_are_one_line(
    cli: CommandLine, tmp_path: Path, name: str, text: str, words: str
) -> None:
    made(cli, tmp_path, "s.md")
    (tmp_path / name).write_text(text, "utf-8")
    outcome = cli("mark", str(tmp_path / name), "--key", str(tmp_path / "key.json"))
    assert_one_line(outcome, words)


def test_the_command_knows_topics_and_difficulties_without_loading_them() -> None:
    assert tuple(TOPICS) == command.TOPICS
    assert tuple(DIFFICULTIES) == choices.DIFFICULTIES
