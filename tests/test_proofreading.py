"""Proof-reading whole documents: what is found, what is judged right, what damage is named.

Each document is damaged, one digit of one figure at a time. Then that figure must be
blamed, and no other.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vae_explain.analysis.proofread.judging.verdicts import Judged, Proof
from vae_explain.analysis.proofread.matching.names import Name, named
from vae_explain.analysis.proofread.proof import proofread
from vae_explain.analysis.reference_figures import load_figures
from vae_explain.models.request import Request
from vae_explain.pipeline import run

HERE = Path(__file__).parent / "walkthroughs"
REFERENCE = Path(__file__).parents[2] / "shared" / "walkthrough.md"
NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
LABELS = {
    "W_1": "fc1.weight",
    "b_1": "fc1.bias",
    "W_s": "fc_logvar.weight",
    "b_s": "fc_logvar.bias",
    "V_1": "fc_dec1.weight",
    "c_1": "fc_dec1.bias",
    "V_2": "fc_dec2.weight",
    "c_2": "fc_dec2.bias",
    "a": "encoder_pre",
    "h": "encoder_hidden",
    "s": "logvar",
    "u": "decoder_pre",
    "g": "decoder_hidden",
    "D_KL": "kl",
}
LAST = 2.0**-42  # of a number: the digits of a float64 that no processor owes us
# Weights of a unit that its ReLU closes: no figure depends on them, and no seed is stated.
UNSEEN = {"fc_mu.weight[0,1]", "fc_logvar.weight[0,1]"}


class Document(NamedTuple):
    """A document, and what its author has to say of its labels."""

    name: str
    text: str
    labels: dict[str, Name]

    def proof(self) -> Proof:
        return proofread(self.text, self.labels)


class Place(NamedTuple):
    """Where a figure is printed: its line, counted from 0, and the columns of its digits."""

    judged: Judged
    line: int
    columns: tuple[int, ...]


def names(labels: dict[str, str]) -> dict[str, Name]:
    """Return what labels name."""
    found = {label: named(name) for label, name in labels.items()}
    return {label: name for label, name in found.items() if name is not None}


BLOCKS = Document("blocks", (HERE / "blocks.md").read_text("utf-8"), {})
TABLES = Document("tables", (HERE / "tables.md").read_text("utf-8"), names(LABELS))


@cache
def reference() -> Document:
    """Return the reference walkthrough; a test that asks for it is skipped without it."""
    if not REFERENCE.is_file():
        pytest.skip(f"{REFERENCE.name} is not beside this checkout")
    return Document("reference", REFERENCE.read_text("utf-8"), {})


@cache
def clean(name: str) -> Proof:
    """Return the proof of an undamaged document."""
    document = {"blocks": BLOCKS, "tables": TABLES}.get(name)
    return (document or reference()).proof()


# --- whole ------------------------------------------------------------------------------


def test_the_reference_gives_its_327_figures_and_no_wrong_one() -> None:
    document = reference()
    proof = clean(document.name)
    assert proof.counts == {
        "exact": 289,
        "rounded inputs": 38,
        "rounded chain": 0,
        "off in the last digit": 0,
        "wrong": 0,
        "not recognised": 0,
    }
    assert proof.agreeing["full"] == 289  # what PyTorch's float32 does not give is rounded
    assert {j.figure.name.tensor for j in proof.figures if "full" not in j.arithmetics} == {
        *("encoder_pre", "encoder_hidden", "mu", "logvar", "variance", "std", "z"),
        *("decoder_pre", "decoder_hidden", "recon_x", "mse", "kl", "loss"),
    }
    assert [line.blamed for line in proof.lines] == [False, False]
    assert proof.seed is not None
    assert (proof.seed.value, proof.passed) == (42, True)


def test_the_figures_of_the_reference_are_those_of_the_fixture() -> None:
    proof = clean(reference().name)
    renamed = {"encoder_pre_relu": "encoder_pre", "decoder_pre_relu": "decoder_pre"}
    expected = {renamed.get(name, name): flat(figures) for name, figures in load_figures().items()}
    found: dict[str, list[str]] = {}
    for judged in proof.figures:
        found.setdefault(judged.figure.name.tensor, []).append(judged.figure.printed.text)
    assert found == expected


def flat(figures: object) -> list[str]:
    if isinstance(figures, str):
        return [figures]
    assert isinstance(figures, list)
    return [inner for entry in figures for inner in flat(entry)]


def test_a_document_of_code_blocks_lists_and_quotes() -> None:
    proof = clean("blocks")
    assert proof.passed
    assert proof.counts["exact"] == 142  # parameters, gradients, and what they agree in
    assert proof.counts["rounded inputs"] == 31
    assert proof.counts["not recognised"] == 0
    tensors = Counter(judged.figure.name.tensor for judged in proof.figures)
    assert tensors["fc1.weight"] == tensors["fc1.weight.grad"] == 12
    assert tensors["decoder_pre"] == tensors["decoder_hidden"] == 4
    assert tensors["recon_x.grad"] == 3
    assert tensors["logvar.grad"] == tensors["z.grad"] == tensors["mu.grad"] == 2
    assert [line.line.element for line in proof.lines] == ["z[0]", "z[1]", "loss", "loss"]


def test_a_document_of_tables_and_inline_formulas_under_labels_of_its_own() -> None:
    proof = clean("tables")
    assert proof.passed
    assert proof.seed is None
    assert {verdict: n for verdict, n in proof.counts.items() if n} == {
        "exact": 59,
        "rounded chain": 8,
    }
    chained = {j.figure.element for j in proof.figures if j.verdict == "rounded chain"}
    assert {"std[0]", "decoder_pre[0]", "z.grad[0]"} <= chained
    assert [line.line.element for line in proof.lines] == [
        *("mu[0]", "variance[0]", "std[0]", "z[0]", "loss"),
    ]


@pytest.mark.parametrize("left_out", ["h", "W_s", "D_KL"])
def test_a_label_that_nobody_explains_is_listed(left_out: str) -> None:
    labels = {label: name for label, name in TABLES.labels.items() if label != left_out}
    text = TABLES.text
    if left_out == "W_s":  # without it there is nothing to compute from
        from vae_explain.analysis.proofread.proof import NoWalkthrough

        with pytest.raises(NoWalkthrough, match=r"fc_logvar\.weight"):
            proofread(text, labels)
        return
    proof = proofread(text, labels)
    if left_out == "h":
        assert {remnant.printed for remnant in proof.unrecognised} == {"0.429", "0.732"}
    assert proof.passed


@pytest.mark.parametrize(
    ("subject", "blamed"),
    [
        ("the KL's effective β", 0),
        ("the KL’s coefficient", 0),
        ("the KL", 1),
        ("the KL's value", 1),
        ("the β-weighted KL", 1),
    ],
)
def test_what_a_term_is_weighted_by_is_not_taken_for_the_term(subject: str, blamed: int) -> None:
    proof = proofread(f"{BLOCKS.text}\n\nSo {subject} is 0.4837.\n", BLOCKS.labels)
    assert len(proof.blamed) == blamed
    assert proof.counts["not recognised"] == 1 - blamed


@pytest.mark.parametrize(
    ("subject", "blamed"),
    [("64 other draws of ε give", 0), ("Ten other seeds give", 0), ("This draw of ε gives", 1)],
)
def test_what_other_draws_give_is_not_taken_for_this_run(subject: str, blamed: int) -> None:
    proof = proofread(f"{BLOCKS.text}\n\n{subject} a loss of 9.4837 ± 0.0210.\n", BLOCKS.labels)
    assert len(proof.blamed) == blamed
    assert len(proof.figures) == len(BLOCKS.proof().figures) + blamed


@pytest.mark.parametrize("document", [BLOCKS, TABLES], ids=lambda document: document.name)
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: text.replace("\n", "\r\n"), id="CRLF"),
        pytest.param(lambda text: text.replace("-0", "−0"), id="real minus"),
        pytest.param(lambda text: re.sub(r"(?m)^     (?=\S)", "\t ", text), id="tabs"),
        pytest.param(lambda text: re.sub(r"(?m)^", "> ", text), id="quoted"),
        pytest.param(lambda text: f"<!-- 0.5 -->\n\n{text}", id="comment"),
        pytest.param(lambda text: text.replace("≈", "="), id="equals"),
    ],
)
def test_the_same_document_written_otherwise(document: Document, change: object) -> None:
    assert callable(change)
    text = change(document.text)
    assert text != document.text or "≈" not in document.text
    proof = proofread(text, document.labels)
    expected = clean(document.name).counts
    found = dict(proof.counts)
    found["not recognised"] -= text.startswith("<!--")
    assert found == expected


@pytest.mark.parametrize(
    ("arithmetic", "widths"),
    [("printed", "4→8→2→8→4"), ("full", r"4 $\to$ 8 $\to$ 2 $\to$ 8 $\to$ 4")],
)
def test_the_numbers_of_a_run_in_scientific_notation(arithmetic: str, widths: str) -> None:
    source = run(Request(((1.0, 2.0, 3.0, 4.0),), arithmetic=arithmetic))  # type: ignore[arg-type]  # one of the two
    lines = [f"seed 42, {widths}", "x = 1, 2, 3, 4"]
    for name in ("mu", "logvar", "z", "recon_x"):
        numbers = ", ".join(f"{number:.5e}" for number in source.array(name)[0])
        lines.append(f"{name} = [{numbers}]")
    lines.append(f"loss ≈ {float(source.array('loss')):.3f} ± 0.001")
    proof = proofread("\n\n".join(lines))
    assert (proof.passed, len(proof.figures)) == (True, 4 + 2 + 2 + 2 + 4 + 1)
    assert not proof.unrecognised


# --- damaged ----------------------------------------------------------------------------


@cache
def places(name: str) -> list[Place]:
    """Return where each figure of a document is printed."""
    document = {"blocks": BLOCKS, "tables": TABLES}.get(name) or reference()
    lines = document.text.replace("−", "-").split("\n")
    taken: Counter[tuple[int, str]] = Counter()
    found = []
    for judged in clean(name).figures:
        printed = judged.figure.printed
        digits = printed.text.lstrip("-")
        line = printed.line - 1
        here = [m for m in NUMBER.finditer(lines[line]) if m[0].lstrip("-") == digits]
        match = here[taken[line, digits]]
        taken[line, digits] += 1
        columns = range(match.start(), match.end())
        spots = tuple(i for i in columns if lines[line][i].isdigit())
        found.append(Place(judged, line, spots))
    return found


def damaged(text: str, place: Place, column: int, digit: str) -> str:
    """Return a document with one digit changed."""
    lines = text.split("\n")
    line = lines[place.line]
    assert line[column] != digit
    lines[place.line] = line[:column] + digit + line[column + 1 :]
    return "\n".join(lines)


def choices(name: str) -> Iterator[tuple[Place, int, str]]:
    """Yield every figure with every digit that one of its places can be changed to.

    What another processor may print is left out: the last digits of a float64, and a number
    that lies between two rounded the other way.
    """
    document = {"blocks": BLOCKS, "tables": TABLES}.get(name) or reference()
    lines = document.text.split("\n")
    for place in places(name):
        figure, line = place.judged.figure, lines[place.line]
        for column in place.columns:
            for digit in "0123456789":
                changed = line[place.columns[0] : column] + digit
                changed += line[column + 1 : place.columns[-1] + 1]
                off = abs(float(changed) - abs(place.judged.computed))
                last = max(0.7 * figure.unit, LAST * abs(place.judged.computed))
                if digit != line[column] and (figure.printed.whole or off > last):
                    yield place, column, digit


def assert_blamed_alone(document: Document, place: Place, column: int, digit: str) -> None:
    """Hold a damaged document to the rule: this figure is named, and no other."""
    proof = proofread(damaged(document.text, place, column, digit), document.labels)
    element = place.judged.figure.element
    assert not proof.passed
    assert {judged.figure.element for judged in proof.blamed} == {element}
    assert {line.line.element for line in proof.blamed_lines} <= {element}
    (judged,) = (judged for judged in proof.blamed)
    assert judged.figure.printed.line == place.line + 1
    assert judged.why


SLOW = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], derandomize=True)


@SLOW
@given(data=st.data())
def test_any_changed_digit_of_the_reference_is_blamed_alone(data: st.DataObject) -> None:
    document = reference()
    place, column, digit = data.draw(st.sampled_from(list(choices(document.name))))
    assert_blamed_alone(document, place, column, digit)


@SLOW
@given(data=st.data())
def test_any_changed_digit_of_a_document_with_a_seed_is_blamed_alone(data: st.DataObject) -> None:
    place, column, digit = data.draw(st.sampled_from(list(choices("blocks"))))
    assert_blamed_alone(BLOCKS, place, column, digit)


@SLOW
@given(data=st.data())
def test_any_changed_digit_of_a_document_without_a_seed_is_found(data: st.DataObject) -> None:
    place, column, digit = data.draw(st.sampled_from(list(choices("tables"))))
    element = place.judged.figure.element
    proof = proofread(damaged(TABLES.text, place, column, digit), TABLES.labels)
    if element in UNSEEN:
        assert proof.passed
        return
    assert not proof.passed
    blamed = {judged.figure.element for judged in proof.blamed}
    if blamed != {element}:
        # Nothing vouches for an input; then the first figure that does not follow from it
        # is blamed, and it is named as what may be meant.
        assert place.judged.figure.name.value in ("x", "eps") or "fc" in element
        assert len(blamed) == 1
        assert element in proof.blamed[0].why


def test_every_figure_of_the_document_with_a_seed_is_blamed_once() -> None:
    first: dict[str, tuple[Place, int, str]] = {}
    for place, column, digit in choices("blocks"):
        if column >= place.columns[-4 if len(place.columns) > 12 else -1]:
            first.setdefault(f"{place.judged.figure.element}{place.line}", (place, column, digit))
    for place, column, digit in list(first.values())[::4]:
        assert_blamed_alone(BLOCKS, place, column, digit)
