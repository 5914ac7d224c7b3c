"""Exercise sheets in LaTeX, as Moodle XML and as QTI: as these formats are published."""

from __future__ import annotations

import io
import re
import zipfile
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest
from moodle_xml_parser.parser import (  # type: ignore[import-untyped]  # it has no types
    parse_string,
)

from vae_explain import pipeline
from vae_explain.analysis.exercise.mistakes import MISTAKES
from vae_explain.analysis.exercise.sheets import Wish, Worksheet, worksheets
from vae_explain.models.builtin_config import BUILT_IN
from vae_explain.models.request import Request
from vae_explain.pages.worksheet_formats import write

from .test_latex_document import NEEDS_TEX, compiled, overfull

TITLE = "Exercises: VAE 4→8→2→8→4"


@cache
def sheets() -> tuple[Worksheet, ...]:
    request = Request(x=BUILT_IN.default_x, source=BUILT_IN)
    wish = Wish(variants=3, own_x=True, difficulty="hard")
    return tuple(worksheets(pipeline.run(request), request, wish))


@cache
def written(name: str) -> str | bytes:
    return write(name, sheets(), TITLE)


def text_of(name: str) -> str:
    text = written(name)
    assert isinstance(text, str)
    return text


def test_a_latex_sheet_begins_a_page() -> None:
    page = text_of("tex")
    assert page.count(r"\newpage") == len(sheets()) - 1
    assert r"\tableofcontents" not in page
    parts = page.split(r"\newpage")
    for part, sheet in zip(parts, sheets(), strict=True):
        rows = re.findall(r"^(\d+) & .* & \.{20} \\\\$", part, flags=re.M)
        assert rows == [blank.entry.id for blank in sheet.sheet.blanks]


@NEEDS_TEX
def test_a_latex_sheet_fits_two_pages(tmp_path: Path) -> None:
    for sheet in sheets():
        said = compiled(str(write("tex", [sheet], TITLE)), tmp_path)
        assert not overfull(said)
        pages = re.search(r"\((\d+) pages?,", said)
        assert pages
        assert int(pages[1]) <= 2


# --- Moodle -----------------------------------------------------------------------------

# As Moodle's question type for cloze questions has them.
NUMBER = r"-?(?:(?:[0-9]+[.,]?[0-9]*|[.,][0-9]+)(?:[eE][-+]?[0-9]+)?)"
ALTERNATIVE = re.compile(
    r"(?:(?P<right>=)|%(?P<percent>-?[0-9]+)%)?(?P<answer>.+?(?<!\\|&)(?=[~#}]|$))"
    r"(?:#(?P<feedback>.*?(?<!\\)(?=[~}]|$)))?"
)
CLOZE = re.compile(r"\{(\d+):NUMERICAL:(.*?(?<!\\))\}", re.DOTALL)


def moodle() -> ElementTree.Element:
    return ElementTree.fromstring(text_of("moodle"))


def test_moodle_gets_one_category_and_a_cloze_question_a_sheet() -> None:
    assert text_of("moodle").startswith("<?xml "), "nothing may stand before it"
    quiz = moodle()
    assert quiz.tag == "quiz"
    assert [question.get("type") for question in quiz] == ["category", *["cloze"] * 3]
    assert quiz[0].findtext("category/text") == f"$course$/{TITLE}"
    names = [question.findtext("name/text") for question in quiz[1:]]
    assert names == ["Sheet 1", "Sheet 2", "Sheet 3"]
    for question in quiz[1:]:
        text = question.find("questiontext")
        assert text is not None
        assert text.get("format") == "html"
        assert question.findtext("generalfeedback/text") == ""


def test_moodle_takes_right_answers_and_tells_of_usual_mistakes() -> None:
    sentences = {mistake.sentence for mistake in MISTAKES}
    told = 0
    for question, worksheet in zip(moodle()[1:], sheets(), strict=True):
        text = question.findtext("questiontext/text") or ""
        blocks = CLOZE.findall(text)
        assert len(blocks) == len(worksheet.sheet.blanks) == text.count("{")
        for (weight, answers), blank in zip(blocks, worksheet.sheet.blanks, strict=True):
            assert weight == "1"
            alternatives = [ALTERNATIVE.fullmatch(each) for each in re.split(r"(?<!\\)~", answers)]
            first = alternatives[0]
            assert first
            assert first["right"]
            for position, each in enumerate(alternatives):
                assert each, answers
                number = re.fullmatch(rf"({NUMBER}):({NUMBER})", each["answer"])
                assert number, each["answer"]
                off = abs(float(number[1]) - blank.entry.expected)
                within = float(number[2])
                if position == 0:
                    assert off <= blank.unit
                    assert within == pytest.approx(
                        worksheet.sheet.tolerances[blank.entry.id], abs=1e-6
                    )
                else:
                    assert each["percent"] == "0"
                    assert off > within, "a wrong answer does not take what is right"
                    assert each["feedback"] in sentences
                    told += 1
    assert told > 40


def test_a_reader_of_moodle_xml_finds_every_blank() -> None:
    found = parse_string(text_of("moodle"))["cloze"]
    assert [question.name for question in found] == ["Sheet 1", "Sheet 2", "Sheet 3"]
    for question, worksheet in zip(found, sheets(), strict=True):
        assert len(question.gaps) == len(worksheet.sheet.blanks)
        for gap, blank in zip(question.gaps, worksheet.sheet.blanks, strict=True):
            assert (gap.sub_type, gap.sub_grade) == ("NUMERICAL", 1)
            assert gap.options[0].score == 100
            number = float(gap.options[0].answer.partition(":")[0])
            assert number == pytest.approx(blank.entry.expected, abs=blank.unit)


# --- QTI --------------------------------------------------------------------------------

NAMESPACE = "{http://www.imsglobal.org/xsd/ims_qtiasiv1p2}"
# What may stand in each element that we write, and its attributes: of QTI 1.2's content models
# (ASI XML binding, version 1.2), the parts that we use, in their order.
CONTENT = {
    "questestinterop": (r"assessment", set()),
    "assessment": (r"(qtimetadata )*(section )+", {"ident", "title"}),
    "section": (r"(item )+", {"ident"}),
    "item": (r"itemmetadata presentation (resprocessing )*", {"ident", "title"}),
    "itemmetadata": (r"(qtimetadata )+", set()),
    "qtimetadata": (r"(qtimetadatafield )+", set()),
    "qtimetadatafield": (r"fieldlabel fieldentry", set()),
    "presentation": (r"(material |response_str )+", set()),
    "material": (r"mattext", set()),
    "response_str": (r"render_fib", {"ident", "rcardinality"}),
    "render_fib": (r"(response_label )+", {"fibtype"}),
    "response_label": (r"", {"ident"}),
    "resprocessing": (r"outcomes (respcondition )+", set()),
    "outcomes": (r"(decvar )+", set()),
    "decvar": (r"", {"maxvalue", "minvalue", "varname", "vartype"}),
    "respcondition": (r"conditionvar (setvar )*", {"continue"}),
    "conditionvar": (r"(varequal |vargte |varlte )+", set()),
    "setvar": (r"", {"action", "varname"}),
    "vargte": (r"", {"respident"}),
    "varlte": (r"", {"respident"}),
    "mattext": (r"", {"texttype"}),
    "fieldlabel": (r"", set()),
    "fieldentry": (r"", set()),
}
VALUES = {
    "rcardinality": {"Single"},
    "fibtype": {"Decimal"},
    "vartype": {"Decimal"},
    "action": {"Set"},
    "continue": {"No"},
    "respident": {"response1"},
}


def package() -> zipfile.ZipFile:
    content = written("qti")
    assert isinstance(content, bytes)
    return zipfile.ZipFile(io.BytesIO(content))


def test_a_package_lists_its_files() -> None:
    names = package().namelist()
    assert names == ["imsmanifest.xml", "sheet-1.xml", "sheet-2.xml", "sheet-3.xml"]
    manifest = ElementTree.fromstring(package().read("imsmanifest.xml"))
    resources = [each for each in manifest.iter() if each.tag.endswith("}resource")]
    assert [each.get("href") for each in resources] == names[1:]
    assert {each.get("type") for each in resources} == {"imsqti_xmlv1p2"}


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_quiz_has_the_structure_of_qti(number: int) -> None:
    root = ElementTree.fromstring(package().read(f"sheet-{number}.xml"))
    idents = []
    for element in root.iter():
        assert element.tag.startswith(NAMESPACE)
        content, attributes = CONTENT[element.tag.removeprefix(NAMESPACE)]
        inside = " ".join(part.tag.removeprefix(NAMESPACE) for part in element)
        assert re.fullmatch(content.strip(), inside) or re.fullmatch(content, f"{inside} ")
        assert set(element.attrib) <= attributes
        for name, value in element.attrib.items():
            assert value in VALUES.get(name, {value})
        idents += [element.get("ident")] if element.tag == f"{NAMESPACE}item" else []
    assert len(idents) == len(set(idents)) == 1 + len(sheets()[number - 1].sheet.blanks)


def test_a_numerical_question_takes_what_is_right_alone() -> None:
    for number, worksheet in enumerate(sheets(), start=1):
        root = ElementTree.fromstring(package().read(f"sheet-{number}.xml"))
        lows = [float(each.text or "") for each in root.iter(f"{NAMESPACE}vargte")]
        highs = [float(each.text or "") for each in root.iter(f"{NAMESPACE}varlte")]
        for low, high, blank in zip(lows, highs, worksheet.sheet.blanks, strict=True):
            assert low < blank.entry.expected < high
            assert high - low == pytest.approx(
                2 * worksheet.sheet.tolerances[blank.entry.id], rel=0.02
            )
