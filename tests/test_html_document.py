"""The HTML document: what is in it, where its links go, and that its numbers are right.

How it looks and moves in a browser is tested in `browser/`.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from itertools import chain, pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given

from vae_explain import pipeline
from vae_explain.analysis import gradient_check, monte_carlo, training
from vae_explain.analysis.gradient_step import first_step
from vae_explain.analysis.noise_stream import draws as noise_of
from vae_explain.analysis.training_records import TrainingPlan
from vae_explain.engine.provenance import Target
from vae_explain.engine.run import Run
from vae_explain.models.builtin_config import BUILT_IN, Architecture
from vae_explain.models.request import Request
from vae_explain.ops import RULES, Rule
from vae_explain.pages.blocks import Lines, Prose, Walkthrough
from vae_explain.pages.render.diagram import picture_of
from vae_explain.pages.render.html import inline, mathml
from vae_explain.pages.render.html.document import write
from vae_explain.pages.render.html.keys import Key, anchor_of
from vae_explain.pages.render.html.mathml import math, symbol
from vae_explain.pages.walkthrough import backward, forward, parameters, update, why
from vae_explain.pages.walkthrough import checking as oracles
from vae_explain.pages.walkthrough import sampling as draws
from vae_explain.pages.walkthrough import training as trained
from vae_explain.symbolic.boxes import LeafBox
from vae_explain.symbolic.expression import Expression, Number, Ref

from .comparing import Golden
from .composed import composed, of_choices
from .conftest import DEFAULT_X
from .examples import Example, examples_of
from .hostile import HOSTILE, hostile_walkthrough
from .html_pages import (
    Element,
    by_id,
    claims,
    computed,
    data_of,
    filled,
    matrices,
    outline,
    parsed,
)
from .models import MODELS
from .pages import BY_HAND, FLOAT32, Claim, CommandLine, Outcome, wrong
from .requests import held
from .support import call_of, same_number, trees


@pytest.fixture(scope="module")
def walkthroughs(
    pages: Mapping[str, Walkthrough], printed_run: Run, full_run: Run
) -> dict[str, Walkthrough]:
    """The page of every command, and of three users' models."""
    z = Target(printed_run.value("z").id, (0, 0))
    weight = Target(full_run.value("fc1.weight").id, (0, 1), gradient=True)
    request = Request(DEFAULT_X)
    adam = TrainingPlan(Request(DEFAULT_X), steps=4, lr=0.01, optimizer="adam", explain=2)
    moved = first_step(Request(DEFAULT_X, arithmetic="full"), 0.01)
    found = dict(pages)
    found["backward by hand"] = backward.backward(printed_run)[0]
    found["backward to one"] = backward.backward(full_run, ["fc1.weight"])[0]
    found["forward to one"] = forward.forward(printed_run, ["z"], latex=True)[0]
    found["one term"] = backward.backward(printed_run, term="kl")[0]
    found["why z"] = why.why(printed_run, z, full=True)[0]
    found["why fc1.weight.grad"] = why.why(full_run, weight)[0]
    found["check"] = oracles.checking(gradient_check.check(full_run))
    noise = noise_of(request, 20)
    found["sample"] = draws.sampling(monte_carlo.sample(printed_run, noise))
    found["update"] = update.update(moved, BUILT_IN.parameters)[0]
    found["train"] = trained.training(training.train(adam))[0]
    found |= of_own_models()
    found["document"] = composed(request)
    return found


def of_own_models() -> dict[str, Walkthrough]:
    found = {}
    for name in ("convolutional", "tuple", "distributions"):
        own = MODELS[name]
        run = pipeline.run(held(own.build(), own.x(), seed=1, **own.keywords()))
        found[f"own {name}"] = forward.forward(run)[0]
        found[f"own {name} backward"] = backward.backward(run)[0]
    found["own parameters"] = parameters.parameters(run)[0]
    return found


COMMANDS = (
    "forward", "backward", "params", "verify", "backward by hand", "backward to one",
    "forward to one", "one term", "why z", "why fc1.weight.grad", "check", "sample", "update",
    "train", "own convolutional", "own convolutional backward", "own tuple",
    "own tuple backward", "own distributions", "own distributions backward", "own parameters",
    "document",
)  # fmt: skip


@pytest.fixture(params=COMMANDS)
def command(request: pytest.FixtureRequest) -> str:
    """The name of each page in turn."""
    return str(request.param)


@pytest.fixture(scope="module")
def written() -> dict[str, Element]:
    """Documents that were parsed before, by their page."""
    return {}


@pytest.fixture
def document(
    command: str, walkthroughs: Mapping[str, Walkthrough], written: dict[str, Element]
) -> Element:
    """Each page as a document."""
    if command not in written:
        page = walkthroughs[command]
        written[command] = parsed(write(page, picture_of(page)))
    return written[command]


def test_every_page_has_its_name(walkthroughs: Mapping[str, Walkthrough]) -> None:
    assert sorted(walkthroughs) == sorted(COMMANDS)


# --- the file ---------------------------------------------------------------------------


def test_the_same_page_gives_the_same_bytes(walkthroughs: Mapping[str, Walkthrough]) -> None:
    for page in (walkthroughs["forward"], walkthroughs["train"]):
        assert write(page) == write(page)


def test_the_command_writes_it(cli: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "vae.html"
    assert cli("document", "--output", str(path)) == Outcome(0, "", f"vae-explain: wrote {path}\n")
    written = path.read_bytes()
    assert cli("document", "--output", str(path)) == Outcome(0, "", f"vae-explain: wrote {path}\n")
    assert path.read_bytes() == written
    assert cli("document", "--format", "html").out.encode() == written
    assert list(tmp_path.iterdir()) == [path]


def test_steps_and_numbers_have_the_anchors_that_one_expects(
    walkthroughs: Mapping[str, Walkthrough],
) -> None:
    anchors = by_id(parsed(write(walkthroughs["document"])))
    for name in (*BUILT_IN.parameters, *BUILT_IN.steps, "x", "z-0", "fc1.weight-7-3", "z.grad-1",
                 "fc1.weight.grad", "fc1.weight.grad-7-3", "fc_mu.bias_new-1"):  # fmt: skip
        assert name in anchors


def test_decimals_can_be_asked_for(printed_run: Run) -> None:
    page, _ = forward.forward(printed_run, ["z"])
    document = parsed(write(page, digits=2))
    assert by_id(document)["z-0"].text == "0.65"
    z = by_id(document)["z-0"].attributes["data-n"]
    assert filled(data_of(document), z) == "0.89 + 1.01·(-0.24)"


def test_the_text_of_a_small_document_is_as_it_was(golden: Golden) -> None:
    small = Request(((1.0, -0.5, 2.0),), seed=5, source=Architecture(dims=(3, 2, 1, 2, 3)))
    document = parsed(write(composed(small)))
    golden.compare("document-html.txt", "\n".join(outline(document)) + "\n")


def test_every_link_goes_somewhere(document: Element) -> None:
    anchors = by_id(document)
    for link in document.all("a"):
        assert link.attributes["href"].removeprefix("#") in anchors, link
    for element in document.walk():
        labels = element.attributes.get("aria-labelledby", "")
        assert all(label in anchors for label in labels.split())


def test_nothing_is_fetched(document: Element) -> None:
    for element in document.walk():
        assert element.tag not in {"img", "link", "iframe", "object", "embed", "base", "form"}
        for name, value in element.attributes.items():
            assert name not in {"src", "style", "srcset", "action"}
            assert not name.startswith("on")
            assert name == "xmlns" or "//" not in value, f"{name}={value}"
    style = document.all("style")[0].text
    assert "url(" not in style
    assert "@import" not in style


def test_the_policy_lets_in_style_and_script_alone(document: Element) -> None:
    policy = next(
        meta.attributes["content"]
        for meta in document.all("meta")
        if "http-equiv" in meta.attributes
    )
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    script = [e for e in document.all("script") if "type" not in e.attributes]
    for directive, elements in (("style-src", document.all("style")), ("script-src", script)):
        hashes = [base64.b64encode(hashlib.sha256(e.text.encode()).digest()) for e in elements]
        assert directives[directive].split() == [f"'sha256-{h.decode()}'" for h in hashes]
    assert directives["default-src"] == "'none'"


def test_headings_are_in_order(document: Element) -> None:
    levels = [int(e.tag[1]) for e in document.walk() if re.fullmatch("h[1-6]", e.tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    for before, after in pairwise(levels):
        assert after <= before + 1


def test_landmarks_and_headers(document: Element) -> None:
    for tag in ("header", "nav", "main", "h1", "head"):
        assert len(document.all(tag)) == 1, tag
    assert len(document.all("head")[0].all("title")) == 1
    assert document.all("a")[0].attributes["href"] == "#page:main"
    for header in document.all("th"):
        assert header.attributes.get("scope") in ("row", "col")
    for picture in document.all("svg"):
        assert picture.attributes["role"] == "img"
        assert {"aria-label", "aria-labelledby"} & set(picture.attributes)


def test_the_contents_name_every_section(document: Element) -> None:
    inside = [link.attributes["href"] for link in document.all("nav")[0].all("a")]
    sections = [f"#{e.attributes['aria-labelledby']}" for e in document.all("section")]
    assert inside == sections


def test_formulas_are_mathml(document: Element) -> None:
    known = {"math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "msub", "msup", "msubsup",
             "mfrac", "msqrt", "mover"}  # fmt: skip
    for formula in document.all("math"):
        assert {element.tag for element in formula.walk()} <= known
        for fraction in formula.all("mfrac", "msub", "msup", "mover"):
            assert len(fraction.inside) == 2, fraction
        for both in formula.all("msubsup"):
            assert len(both.inside) == 3


# --- numbers ----------------------------------------------------------------------------

READINGS = {"forward": BY_HAND, "forward to one": BY_HAND}


def test_lines_of_numbers_are_right(command: str, document: Element) -> None:
    found = [claim for claim in claims(document) if "[" not in "".join(claim.summands)]
    assert wrong(found, READINGS.get(command, FLOAT32)) == []


@pytest.mark.parametrize(
    "command", ["forward", "backward", "train", "own tuple", "document"], indirect=True
)
def test_there_are_lines(document: Element) -> None:
    assert len(claims(document)) >= 20


def test_sums_are_right(printed_run: Run, walkthroughs: Mapping[str, Walkthrough]) -> None:
    document = parsed(write(walkthroughs["forward"]))
    totals = {p.text.split(" = ")[0]: p.all("a")[0].text for p in document.of_class("total")}
    assert totals == {
        "MSE": repr(float(printed_run.array("mse"))),
        "KL": repr(float(printed_run.array("kl"))),
    }
    lists = document.of_class("worked", "ol")
    summed = [
        sum(float(item.written.rpartition(" = ")[2]) for item in items.all("li"))
        for items in lists
        if items.all("li")[0].text.startswith("[0] = ") and len(items.all("li")) in (4, 2)
    ]
    for total in totals.values():
        assert any(abs(found - float(total)) < 4 * 5e-9 for found in summed)


def test_derivations_are_right(command: str, document: Element) -> None:
    data = data_of(document)
    found = []
    for position in data["lines"]:
        text = re.sub(r"\[([^\]]*)\]", r"(\1)", filled(data, position))
        value = parsed(data["numbers"][int(position)][2]).written
        found.append(Claim(data["numbers"][int(position)][0], (text,), value))
    assert len(found) >= len(document.of_class("made", "td"))
    assert wrong(found, READINGS.get(command, FLOAT32)) == []


def test_matrices_are_those_of_the_run(
    full_run: Run, printed_run: Run, walkthroughs: Mapping[str, Walkthrough]
) -> None:
    shown = matrices(parsed(write(walkthroughs["params"])))
    assert set(shown) == set(BUILT_IN.parameters)
    for name, rows in shown.items():
        expected = np.atleast_2d(np.round(printed_run.array(name), 4))
        np.testing.assert_array_equal(np.array(rows), expected)
    gradients = matrices(parsed(write(walkthroughs["backward"])))
    assert set(gradients) == {f"{name}.grad" for name in BUILT_IN.parameters}
    for name, rows in gradients.items():
        expected = np.atleast_2d(full_run.gradient(name.removesuffix(".grad")))
        np.testing.assert_allclose(np.array(rows), expected, atol=0.5001e-4)


def test_a_number_is_linked_from_wherever_it_is_used(
    walkthroughs: Mapping[str, Walkthrough], printed_run: Run
) -> None:
    document = parsed(write(walkthroughs["forward"]))
    anchors = by_id(document)
    for name in ("encoder_hidden", "mu", "std", "z", "decoder_hidden", "recon_x"):
        for unit in range(printed_run.array(name).size):
            made = anchors[f"{name}-{unit}"]
            assert made.text == _typeset(float(printed_run.array(name)[0, unit]), made.text)
            same = [a for a in document.all("a") if a.attributes["href"] == f"#{name}-{unit}"]
            assert len(same) >= 2, f"nothing uses {name}[{unit}]"
            assert len({a.attributes["data-n"] for a in same}) == 1


def _typeset(value: float, like: str) -> str:
    return f"{value:.{len(like.partition('.')[2])}f}".replace("-", "−")


def test_what_a_number_is_made_from(walkthroughs: Mapping[str, Walkthrough]) -> None:
    document = parsed(write(walkthroughs["forward"]))
    data = data_of(document)
    anchors = [number[0] for number in data["numbers"]]
    assert len(set(anchors)) == len(anchors)
    symbols, numbers = data["lines"][str(anchors.index("z-0"))]
    used = [anchors[part] for part in chain(*symbols) if isinstance(part, int)]
    assert used == ["mu-0", "std-0", "eps-0"]
    assert [part for part in numbers if isinstance(part, int)] == [
        part for part in chain(*symbols) if isinstance(part, int)
    ]


def test_what_an_index_chose_knows_the_index() -> None:
    data = data_of(parsed(of_choices()))
    names = [number[5] for number in data["numbers"]]
    chosen = {
        names[int(position)]: [names[other] for other in line[2]]
        for position, line in data["lines"].items()
        if len(line) > 2
    }
    assert chosen == {f"taken[{i}]": [f"order[{i}]"] for i in range(3)}


def test_a_number_has_one_anchor(walkthroughs: Mapping[str, Walkthrough]) -> None:
    for page, again in (("document", False), ("train", True)):
        anchors = [number[0] for number in data_of(parsed(write(walkthroughs[page])))["numbers"]]
        assert any(":" in anchor for anchor in anchors) is again, page


def test_gradients_of_parameters_have_their_derivations(
    walkthroughs: Mapping[str, Walkthrough],
) -> None:
    document = parsed(write(walkthroughs["backward"]))
    data = data_of(document)
    anchors = {number[0]: str(i) for i, number in enumerate(data["numbers"])}
    for row in range(8):
        for column in range(4):
            assert anchors[f"fc1.weight.grad-{row}-{column}"] in data["lines"]


def test_a_closed_gate_is_the_reason_of_a_zero(walkthroughs: Mapping[str, Walkthrough]) -> None:
    for page in ("forward", "backward"):
        data = data_of(parsed(write(walkthroughs[page])))
        reasons = {number[0]: number[4] for number in data["numbers"]}
        name = "encoder_hidden" if page == "forward" else "encoder_pre.grad"
        closed = {f"{name}-6", f"{name}-7"}
        assert {
            anchor for anchor in reasons if anchor.startswith(name) and reasons[anchor]
        } == closed


def test_a_line_that_fails_is_marked(walkthroughs: Mapping[str, Walkthrough]) -> None:
    page = walkthroughs["forward"]
    blocks = list(page.blocks)
    for position, block in enumerate(blocks):
        if isinstance(block, Lines) and block.name == "z":
            line = block.lines[1]._replace(agrees=False, reference=-0.5)
            blocks[position] = block._replace(lines=(block.lines[0], line))
    document = parsed(write(page._replace(blocks=tuple(blocks))))
    assert [mark.text for mark in document.of_class("failure")] == ["✗ PyTorch has −0.5"]


# --- names that are no words ------------------------------------------------------------


def test_a_name_is_text_whatever_it_is() -> None:
    written = write(hostile_walkthrough())
    document = parsed(written)
    assert not document.all("img")
    assert len(document.all("script")) == 2
    assert "<img" not in written
    assert HOSTILE in document.all("h1")[0].text
    names = [link.text for link in document.of_class("name", "a")]
    assert f"layers.{HOSTILE}.weight" in names
    for element in document.walk():
        for attribute in ("id", "href"):
            assert not set(element.attributes.get(attribute, "")) & set("<>\"' ")
    data = data_of(document)
    for number in data["numbers"]:
        assert not parsed(number[1]).all("img", "script")


def test_what_steers_a_terminal_is_shown_by_its_code() -> None:
    page = Walkthrough("forward", "a\x1b[2Jb\ud800", (), (Prose("\x00"),))
    written = write(page)
    assert written.encode()
    assert parsed(written).all("h1")[0].text == "a\\x1b[2Jb\\ud800"


def test_anchors_of_different_numbers_differ() -> None:
    names = ("z", "z-0", "z.grad", "∂loss/∂z", "∂kl/∂z", "z 0", "Z", "ζ", "<z>", "~", "")
    keys = [Key(name, index) for name in names for index in ((), (0,), (0, 1), (1,))]
    found = {anchor_of(key): key for key in keys if key.name != "z.grad"}
    assert len(found) == len(keys) - 4
    assert all(re.fullmatch(r"[\w.~-]*", anchor, re.ASCII) for anchor in found)


# --- typesetting ------------------------------------------------------------------------


def plain(node: Number | Ref) -> LeafBox:
    """Write a leaf as its number, every digit of it."""
    value = float(node.value)
    return LeafBox(node, repr(abs(value)), value < 0 or repr(value).startswith("-"))


@given(trees())
def test_lines_in_running_text_give_their_value(tree: Expression) -> None:
    boxes = inline.laid_out(tree, plain)
    text = parsed(inline.markup(boxes)).written
    assert same_number(computed(text), tree)
    assert text == parsed("".join(inline.summands(boxes))).written


@given(trees())
def test_mathml_gives_the_value_too(tree: Expression) -> None:
    written = math(mathml.markup(mathml.laid_out(tree, in_digits)))
    assert same_number(computed(read(ElementTree.fromstring(written))), tree)


def in_digits(node: Number | Ref) -> LeafBox:
    leaf = plain(node)
    return leaf._replace(text=f"<mn>{leaf.text}</mn>")


def read(node: ElementTree.Element) -> str:
    """Return MathML as text that can be computed."""
    parts = [read(child) for child in node]
    match node.tag:
        case "mfrac":
            return f"(({parts[0]})/({parts[1]}))"
        case "msup":
            return f"(({parts[0]})**({parts[1]}))"
        case "msqrt":
            return f"sqrt({''.join(parts)})"
        case _:
            text = (node.text or "").replace("−", "-").replace("\u2061", "")
            return text + "".join(parts)


def rules() -> Iterator[object]:
    for rule in RULES.values():
        for position, example in enumerate(examples_of(rule)):
            if not rule.source:
                yield pytest.param(rule, example, id=f"{rule.name}-{position}")


@pytest.mark.parametrize(("rule", "example"), list(rules()))
def test_every_rule_can_be_typeset(rule: Rule, example: Example) -> None:
    call = call_of(rule, example)
    whole = in_symbols(rule.formula(call))
    assert list(whole.iter()), "a formula has something in it"
    for index in list(np.ndindex(*call.output.shape))[:4]:
        element = rule.element(call, index)
        in_symbols(element)
        assert parsed(inline.markup(inline.laid_out(element, plain))).text


def in_symbols(expression: Expression) -> ElementTree.Element:
    return ElementTree.fromstring(math(mathml.markup(mathml.laid_out(expression))))


@pytest.mark.parametrize(
    ("name", "index", "text"),
    [
        ("mu", (0,), "μ0"),
        ("logvar", (), "log\u2061σ2"),
        ("logvar", (1,), "log\u2061σ12"),
        ("recon_x", (0, 3), "x^0,3"),
        ("fc1.weight", (0, 1), "fc1.weight0,1"),
        ("∂loss/∂z", (0,), "∂ℒ∂z0"),
    ],
)
def test_symbols(name: str, index: tuple[int, ...], text: str) -> None:
    assert "".join(ElementTree.fromstring(math(symbol(name, index).body)).itertext()) == text


# --- big models -------------------------------------------------------------------------


def test_a_big_model_makes_no_big_file() -> None:
    architecture = Architecture(dims=(200, 60, 8, 60, 200))
    x = tuple(np.linspace(0, 1, 200).tolist())
    run = pipeline.run(Request((x,), source=architecture))
    pages = [parameters.parameters(run, architecture)[0], forward.forward(run)[0]]
    pages.append(backward.backward(run)[0])
    blocks = tuple(block for page in pages for block in page.blocks)
    document = parsed(written := write(Walkthrough("document", "big", (), blocks)))
    assert len(written) < 2_000_000
    summaries = {f.all("a")[0].text for f in document.of_class("summary")}
    assert {"fc1.weight", "fc_dec2.weight", "fc1.weight.grad"} <= summaries
    assert len(document.of_class("heat")) == len(document.of_class("summary"))
