"""Exercise sheets as QTI 1.2 in a content package, as Canvas imports it: a quiz for each sheet.

Each quiz begins with what is given, as a text; each blank is a numerical question.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

from ....analysis.exercise.key import Blank
from ....analysis.exercise.sheets import Worksheet
from ...blocks import Walkthrough
from ...walkthrough.worksheet import blocks_of
from .plain_html import fragment, shown

QTI = "http://www.imsglobal.org/xsd/ims_qtiasiv1p2"
PACKAGE = "http://www.imsglobal.org/xsd/imscp_v1p1"
RESOURCE = "imsqti_xmlv1p2"
WHEN = (1980, 1, 1, 0, 0, 0)  # the earliest of a zip: the same sheets give the same bytes


def write(walkthrough: Walkthrough, sheets: Sequence[Worksheet]) -> bytes:
    """Return sheets as a zip file."""
    files = {
        f"sheet-{sheet.entry.sheet}.xml": _assessment(walkthrough.title, sheet) for sheet in sheets
    }
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as package:
        for name, text in {"imsmanifest.xml": _manifest(list(files)), **files}.items():
            package.writestr(zipfile.ZipInfo(name, WHEN), text)
    return stream.getvalue()


def _xml(root: Element) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _manifest(names: Sequence[str]) -> str:
    root = Element("manifest", xmlns=PACKAGE, identifier="vae-explain-exercises")
    metadata = SubElement(root, "metadata")
    SubElement(metadata, "schema").text = "IMS Content"
    SubElement(metadata, "schemaversion").text = "1.1.3"
    SubElement(root, "organizations")
    resources = SubElement(root, "resources")
    for name in names:
        stem = name.removesuffix(".xml")
        resource = SubElement(resources, "resource", identifier=stem, type=RESOURCE, href=name)
        SubElement(resource, "file", href=name)
    return _xml(root)


def _assessment(title: str, worksheet: Worksheet) -> str:
    number = worksheet.entry.sheet
    root = Element("questestinterop", xmlns=QTI)
    assessment = SubElement(
        root, "assessment", ident=f"sheet-{number}", title=f"{title}, sheet {number}"
    )
    section = SubElement(assessment, "section", ident="root_section")
    given = _item(section, f"sheet-{number}-given", "Given", "text_only_question", 0)
    _material(given, fragment(blocks_of(worksheet)))
    for blank in worksheet.sheet.blanks:
        _numerical(section, f"sheet-{number}", blank, worksheet)
    return _xml(root)


def _item(section: Element, ident: str, title: str, kind: str, points: int) -> Element:
    """Add an item with Canvas's own fields; return its presentation."""
    item = SubElement(section, "item", ident=ident, title=title)
    fields = SubElement(SubElement(item, "itemmetadata"), "qtimetadata")
    for label, entry in (("question_type", kind), ("points_possible", str(points))):
        field = SubElement(fields, "qtimetadatafield")
        SubElement(field, "fieldlabel").text = label
        SubElement(field, "fieldentry").text = entry
    return SubElement(item, "presentation")


def _material(parent: Element, html: str) -> None:
    SubElement(SubElement(parent, "material"), "mattext", texttype="text/html").text = html


def _numerical(section: Element, sheet: str, blank: Blank, worksheet: Worksheet) -> None:
    entry = blank.entry
    ident = f"{sheet}-blank-{entry.id}"
    kind = "numerical_question"
    presentation = _item(section, ident, f"Blank {entry.id}", kind, 1)
    _material(presentation, f"<p>({entry.id}) {shown(entry.name)} =</p>")
    response = SubElement(presentation, "response_str", ident="response1", rcardinality="Single")
    fib = SubElement(response, "render_fib", fibtype="Decimal")
    SubElement(fib, "response_label", ident="answer1")
    processing = SubElement(section[-1], "resprocessing")
    outcomes = SubElement(processing, "outcomes")
    SubElement(outcomes, "decvar", maxvalue="100", minvalue="0", varname="SCORE", vartype="Decimal")
    condition = SubElement(processing, "respcondition")
    condition.set("continue", "No")
    variables = SubElement(condition, "conditionvar")
    tolerance = worksheet.sheet.tolerances[entry.id]
    digits = entry.decimals + 2
    for bound, value in (("vargte", -tolerance), ("varlte", tolerance)):
        limit = SubElement(variables, bound, respident="response1")
        limit.text = f"{entry.expected + value:.{digits}f}"
    SubElement(condition, "setvar", action="Set", varname="SCORE").text = "100"
