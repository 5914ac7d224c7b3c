"""All that proof-reading finds in a document, as deep as it can be read.

A. each equation by itself; B. each against what the document states elsewhere; C. every figure
against the whole network, made again from its seed or its weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...engine.run import NotFinite
from ...quick_classes import NamedTuple
from .arithmetic.findings import DocumentFinding, Layer, Reading
from .equations.document import read_equations
from .grammar.syntax import literals
from .judging.verdicts import Judged, JudgedLine, Proof
from .matching.names import Name
from .proof import NoWalkthrough, walkthrough
from .reading.formats import Document, document

DEEP = 2**20  # characters up to which a document may be a walkthrough; a long one has a twentieth


class Proofreading(NamedTuple):
    """What was read of a document, and what is wrong in it.

    Attributes
    ----------
    walkthrough
        The figures of a VAE's run, if that is what it is.
    missing
        Else what it lacks for that.
    """

    document: Document
    reading: Reading
    findings: tuple[DocumentFinding, ...]
    read: Mapping[Layer, int]
    walkthrough: Proof | None
    missing: str

    @property
    def judged(self) -> bool:
        """Whether anything could be judged."""
        return any(self.read.values())

    @property
    def passed(self) -> bool:
        return not self.findings


def report(text: str, name: str = "", given: Mapping[str, Name] | None = None) -> Proofreading:
    """Read a document and judge what can be judged.

    Raises
    ------
    UnknownLabel
        If the document has no numbers under one of the labels given.
    NotANotebook
        If it should be a notebook, and is none.
    """
    read = document(text, name)
    reading = read_equations(read.passages)
    proof, missing = None, ""
    if len(text) <= DEEP:
        try:
            proof = walkthrough(read.passages, given)
        except NoWalkthrough as lacking:
            missing = str(lacking)
        except NotFinite as overflow:
            missing = f"the run that it states overflows: {overflow}"
    if proof is not None and 2 * len(proof.blamed) > len(proof.figures):
        # That it is no such walkthrough explains more than that most of it is wrong.
        proof, missing = None, "most of its figures are not those of the VAE that it names"
    findings = list(reading.findings)
    counts = dict(reading.read)
    if proof is not None:
        covered = set(_lines(proof))
        # There the network judges the numbers; a formula's text only its numbers can.
        findings = [f for f in findings if f.line not in covered or _is_formula(f)]
        findings += _of_walkthrough(proof)
        counts["C"] += len(proof.figures) + len(proof.lines)
    ordered = tuple(sorted(findings, key=lambda found: found.line))
    return Proofreading(read, reading, ordered, counts, proof, missing)


def _is_formula(finding: DocumentFinding) -> bool:
    return finding.layer == "B" and any(sign.isalpha() for sign in finding.printed if sign != "e")


def _lines(proof: Proof) -> Iterator[int]:
    """Yield the lines on which the walkthrough judged a number."""
    for judged in proof.figures:
        yield judged.figure.printed.line
    for line in proof.lines:
        yield from (number.line for number in literals(line.line.sum))
        if line.line.result is not None:
            yield line.line.result.line


def _of_walkthrough(proof: Proof) -> Iterator[DocumentFinding]:
    if proof.wrong_seed is not None:
        seed = proof.wrong_seed
        why = f"seed {seed.value} does not give the parameters that are printed"
        yield DocumentFinding(seed.line, str(seed.value), "", why, "C")
    for seed in proof.other_seeds:
        holds = proof.seed.value if proof.seed is not None else ""
        why = f"seed {seed.value} is not the one of these numbers, which is {holds}"
        yield DocumentFinding(seed.line, str(seed.value), str(holds), why, "C")
    for misfit in proof.misfits:
        yield DocumentFinding(misfit.line, misfit.printed, "", misfit.why, "C")
    for judged in proof.blamed:
        yield _figure(judged)
    figures = {(j.figure.printed.line, j.figure.printed.text) for j in proof.blamed}
    for blamed in map(_line, proof.blamed_lines):
        if (blamed.line, blamed.printed) not in figures:
            yield blamed


def _figure(judged: Judged) -> DocumentFinding:
    figure = judged.figure
    expected = f"{judged.computed:.{max(0, figure.decimals)}f}"
    reason = f"{figure.element}: {judged.why} ({judged.verdict})"
    return DocumentFinding(figure.printed.line, figure.printed.text, expected, reason, "C")


def _line(judged: JudgedLine) -> DocumentFinding:
    line = judged.line
    if judged.wrong_operands:
        operand = judged.wrong_operands[0]
        printed, expected = operand.printed, operand.expected
    else:
        printed = line.result.text if line.result else line.text
        expected = f"{judged.value:.8g}"
    return DocumentFinding(line.line, printed, expected, judged.why, "C")
