"""A proof-reading or an audit as JUnit XML, which continuous integration shows test by test."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from ....analysis.audit.report import Report
from ....analysis.proofread.judging.verdicts import Proof
from ....analysis.proofread.report import Proofreading
from ....symbolic.printable import printable

WHITE = re.compile("([\t\n\r])")  # which stays as it is


def dump(report: Proofreading, document: str) -> str:
    """Return a proof-reading as JUnit XML: a test case for each figure and each line of arithmetic.

    A blamed figure has failed; one that was not recognised was skipped. It holds no time and
    no name of a machine, so the same document gives the same bytes.
    """
    name = _text(document)
    suite = ElementTree.Element("testsuite", name=name)
    if report.walkthrough is not None:
        _walkthrough(suite, report.walkthrough, name)
    for layer in ("A", "B"):
        wrong = [finding for finding in report.findings if finding.layer == layer]
        for finding in wrong:
            case = _case(suite, name, "equations", f"line {finding.line}: {finding.printed}")
            _failure(case, "wrong", finding.reason)
        if report.read[layer] and not wrong:
            _case(suite, name, "equations", f"layer {layer}: {report.read[layer]} compared")
    return _written(suite)


def dump_audit(report: Report, model: str) -> str:
    """Return an audit as JUnit XML: a test case for each rule.

    One with an error that is new has failed, and if strict one with a warning; a rule that was
    not applied was skipped. What was not found is a case of its own.
    """
    name = _text(model)
    suite = ElementTree.Element("testsuite", name=name)
    skipped = {rule.id: reason for rule, reason in report.not_applied}
    for rule in report.rules:
        case = _case(suite, name, "audit", rule.id)
        wrong = [finding for finding in report.failures if finding.id == rule.id]
        for finding in wrong[:1]:
            words = " ".join(f"{each.title} {each.mend}" for each in wrong)
            _failure(case, finding.severity, words.strip())
        if rule.id in skipped:
            _skipped(case, skipped[rule.id])
    complete = _case(suite, name, "audit", "complete")
    if report.missing and report.strict:
        _failure(complete, "error", "; ".join(report.missing))
    elif report.missing:
        _skipped(complete, "; ".join(report.missing))
    return _written(suite)


def _written(suite: ElementTree.Element) -> str:
    counted = {kind: sum(1 for _ in suite.iter(kind)) for kind in ("failure", "skipped")}
    suite.attrib |= {
        "tests": str(len(suite)),
        "failures": str(counted["failure"]),
        "errors": "0",
        "skipped": str(counted["skipped"]),
    }
    suites = ElementTree.Element("testsuites")
    suites.append(suite)
    ElementTree.indent(suites)
    body = ElementTree.tostring(suites, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{body}\n'


def _walkthrough(suite: ElementTree.Element, proof: Proof, document: str) -> None:
    stated = proof.wrong_seed or proof.seed
    if stated is not None:
        case = _case(suite, document, "seed", f"line {stated.line}: seed {stated.value}")
        if proof.wrong_seed is not None:
            _failure(case, "wrong", "the parameters are not those that this seed gives")
    for judged in proof.figures:
        figure = judged.figure
        name = f"line {figure.printed.line}: {figure.element} = {figure.printed.text}"
        case = _case(suite, document, figure.name.tensor, name)
        if judged.blamed:
            _failure(case, judged.verdict, judged.why)
    for of_line in proof.lines:
        line = of_line.line
        result = f" = {line.result.text}" if line.result else ""
        case = _case(suite, document, "arithmetic", f"line {line.line}: {line.text}{result}")
        if of_line.blamed:
            _failure(case, "wrong", of_line.why)
    for remnant in proof.unrecognised:
        name = f"line {remnant.line}: {remnant.printed}"
        _skipped(_case(suite, document, "not recognised", name), remnant.why)


def _case(suite: ElementTree.Element, document: str, kind: str, name: str) -> ElementTree.Element:
    group = f"{document}.{_text(kind)}"
    return ElementTree.SubElement(suite, "testcase", classname=group, name=_text(name))


def _failure(case: ElementTree.Element, kind: str, why: str) -> None:
    failure = ElementTree.SubElement(case, "failure", type=kind, message=_text(why))
    failure.text = _text(f"{case.get('name')}: {why}")


def _skipped(case: ElementTree.Element, why: str) -> None:
    ElementTree.SubElement(case, "skipped", message=_text(why))


def _text(words: str) -> str:
    return "".join(each if each in "\t\n\r" else printable(each) for each in WHITE.split(words))
