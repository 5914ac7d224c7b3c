"""The proof-reading page: what was read, what is wrong, what is not exact or not recognised."""

from __future__ import annotations

from collections.abc import Iterator

from ...analysis.proofread.arithmetic.findings import Layer
from ...analysis.proofread.judging.verdicts import Judged, JudgedLine, Proof, Verdict
from ...analysis.proofread.matching.stated_run import Seed
from ...analysis.proofread.report import Proofreading
from ..blocks import Block, Column, Note, Prose, Table, Walkthrough
from ..phrases import counted
from .draft import Draft, table, verdict

# What a figure is right in, and what it is beside: verdict, title, what stands there.
ROUNDED: tuple[tuple[Verdict, str, str], ...] = (
    ("rounded inputs", "Right from the rounded inputs alone", "from the seed"),
    ("rounded chain", "Right from the rounded steps alone", "unrounded"),
)


LONG = 13  # signs of a figure


# How deep a document was read, and what was held against what.
LAYERS: tuple[tuple[Layer, str, str], ...] = (
    ("A", "the two sides of an equation", "pair"),
    ("B", "a number and the document's own formula for it", "pair"),
    ("C", "a figure and the whole network", "figure"),
)
MOST_NAMES = 6  # of the document's own, in an error's line


def proofreading(report: Proofreading, document: str) -> Walkthrough:
    """Compose the page of one document."""
    page = Draft()
    proof = report.walkthrough
    for title, detail, body in _sections(report):
        page.open(title, detail)
        page.add(*body)
    page.add(_verdict(report))
    title = proof.model if proof is not None else "its numbers"
    remarks = _remarks(proof) if proof is not None else ()
    return Walkthrough(f"verify {document}", title, remarks, tuple(page.blocks))


def nothing_judged(report: Proofreading) -> str:
    """Say what was seen in a document in which nothing could be judged, and what would help."""
    reading, images = report.reading, report.document.images
    seen = [counted(reading.equations, "equation")] if reading.equations else []
    seen += [counted(images, "image")] if images else []
    deep = reading.too_deep
    nested = f" ({deep:,} with brackets nested too deep)" if deep else ""
    names = ", ".join(reading.names[:MOST_NAMES])
    help_ = "write out how a number is made, as in 0.5 + 0.9·0.8 = 1.22"
    if names:
        help_ += f", or give the numbers and the formulas of {names}"
    said = f"; {report.missing}" if report.missing and reading.equations else ""
    if reading.left_out:
        seen.append(f"{counted(reading.left_out, 'passage')} too long to read")
    what = f"it has {' and '.join(seen)}{nested}" if seen else "it has no equation"
    return f"nothing in it can be checked: {what}, and no two sides to compare{said}; {help_}"


def _remarks(proof: Proof) -> tuple[str, ...]:
    where = f"PyTorch {proof.torch_version}"
    if proof.wrong_seed is not None:
        return (f"computed from the parameters as printed; {where}",)
    if proof.seed is None:
        return (f"no seed holds for the parameters: computed from them as printed; {where}",)
    return (f"computed from seed {proof.seed.value}, stated in line {proof.seed.line}; {where}",)


def _sections(report: Proofreading) -> Iterator[tuple[str, str, list[Block]]]:
    proof = report.walkthrough
    if proof is None:
        yield "What was read", "and held together", _read(report)
    else:
        yield "Verdicts", counted(len(proof.figures), "figure"), _counts(proof)
    wrong = _wrong(report)
    if wrong:
        yield "What is wrong", "by line", wrong
    if proof is None:
        return
    for kind, title, beside in ROUNDED:
        rounded = [judged for judged in proof.figures if judged.verdict == kind]
        if rounded:
            yield title, counted(len(rounded), "figure"), list(_tables(rounded, beside))
    if proof.lines:
        yield "Printed arithmetic", "what was put in, and what came out", _lines(proof)
    if report.read["A"] + report.read["B"]:
        yield "Equations", "each side held against the next", _read(report)
    if proof.unrecognised:
        yield "Not recognised", "nothing here was checked", _unrecognised(proof)


def _read(report: Proofreading) -> list[Block]:
    """Say how deep a document was read."""
    rows = [(what, report.read[layer]) for layer, what, _ in LAYERS if report.read[layer]]
    blocks: list[Block] = [
        table(
            rows,
            (Column("what was held together", "text"), lambda row: row[0]),
            (Column("times", "value", accent=True), lambda row: row[1]),
        )
    ]
    images, deep = report.document.images, report.reading.too_deep
    if report.reading.left_out:
        passages = counted(report.reading.left_out, "passage")
        blocks.append(Note(f"{passages} not read: too long, or behind as many as are read."))
    if report.reading.unread:
        blocks.append(Note(f"{counted(report.reading.unread, 'equation')} could not be read."))
    if images:
        blocks.append(Note(f"{counted(images, 'image')} cannot be read."))
    if deep:
        blocks.append(Note(f"{counted(deep, 'equation')} with brackets nested too deep, not read."))
    return blocks


def _counts(proof: Proof) -> list[Block]:
    counts = Table(
        (Column("verdict", "text"), Column("figures", "value", accent=True)),
        tuple((verdict, count) for verdict, count in proof.counts.items()),
        dimmed=tuple(count == 0 for count in proof.counts.values()),
        reasons=("",) * len(proof.counts),
    )
    full, printed, chain = proof.agreeing.values()
    words = f"{printed:,} from the inputs as printed, {chain:,} from the steps as printed."
    if proof.seed is not None:
        words = f"{full:,} from the seed in PyTorch's float32, {words}"
    elsewhere = sum(judged.elsewhere for judged in proof.figures)
    if elsewhere:
        words += f" {elsewhere:,} of them only as another processor may round."
    return [counts, Note(f"Agreeing at every printed digit: {words}"), *_seed(proof)]


def _seed(proof: Proof) -> Iterator[Block]:
    if proof.wrong_seed is not None:
        seed = proof.wrong_seed
        yield Note(
            f"line {seed.line}: seed {seed.value} does not give the parameters that are printed, "
            "with this model and this PyTorch",
            "failure",
        )


def _wrong(report: Proofreading) -> list[Block]:
    proof = report.walkthrough
    findings = (finding for finding in report.findings if finding.layer != "C")
    entries = [(finding.line, f"line {finding.line}: {finding.reason}") for finding in findings]
    if proof is not None:
        entries += [(judged.figure.printed.line, _sentence(judged)) for judged in proof.blamed]
        entries += [(line.line.line, _line_sentence(line)) for line in proof.blamed_lines]
        entries += [(seed.line, _other_seed(seed, proof)) for seed in proof.other_seeds]
        entries += [(m.line, f"line {m.line}, {m.why}") for m in proof.misfits]
    return [Note(text, "failure") for _, text in sorted(entries, key=lambda entry: entry[0])]


def _other_seed(seed: Seed, proof: Proof) -> str:
    holds = proof.seed.value if proof.seed is not None else ""
    return f"line {seed.line}: seed {seed.value} is not that of these numbers, which is {holds}"


def _sentence(judged: Judged) -> str:
    figure = judged.figure
    head = f"line {figure.printed.line}, {figure.element}: printed {figure.printed.text}"
    where = "; it parts at this step" if judged.parts_at == figure.element else ""
    return f"{head}, {judged.why} ({judged.verdict}{where})"


def _line_sentence(judged: JudgedLine) -> str:
    line = judged.line
    result = f" = {line.result.text}" if line.result else ""
    name = f"{line.element}: " if line.name.value else ""
    return f"line {line.line}, {name}{line.text}{result}: {judged.why}"


def _tables(rounded: list[Judged], beside: str) -> Iterator[Table]:
    """Yield the figures, those with all their digits apart, so that the others stay narrow."""
    for whole in (False, True):
        alike = [j for j in rounded if (len(j.figure.printed.text) > LONG) == whole]
        if alike:
            yield _table(alike, beside)


def _table(rounded: list[Judged], beside: str) -> Table:
    """Show printed figures beside what they would be had nothing been rounded before."""
    return table(
        rounded,
        (Column("figure", "text"), lambda judged: judged.figure.element),
        (Column("line", "label"), lambda judged: str(judged.figure.printed.line)),
        (Column("printed", "label"), lambda judged: judged.figure.printed.text),
        (Column(beside, "value", "single"), lambda judged: judged.unrounded),
    )


def _lines(proof: Proof) -> list[Block]:
    right = len(proof.lines) - len(proof.blamed_lines)
    whole = counted(len(proof.lines), "line")
    words = f"{right:,} of {whole} put in what the formula takes and come to what is printed."
    return [verdict(words, right == len(proof.lines))]


def _unrecognised(proof: Proof) -> list[Block]:
    return [
        Prose(
            'A label that means a quantity of the run is named by --map "label=name"; '
            "everything else is for you to check."
        ),
        table(
            proof.unrecognised,
            (Column("printed, and why", "text"), lambda entry: f"{entry.printed}: {entry.why}"),
            (Column("line", "label"), lambda entry: str(entry.line)),
        ),
    ]


def _verdict(report: Proofreading) -> Note:
    proof = report.walkthrough
    if proof is None:
        held = report.read["A"] + report.read["B"]
        wrong = len(report.findings)
        words = f"{counted(held, 'pair')} of sides held together, {wrong:,} found wrong"
        return verdict(f"{words}.", report.passed)
    agree = len(proof.figures) - len(proof.blamed)
    words = f"{agree:,} of {counted(len(proof.figures), 'figure')} agree"
    if proof.lines:
        right = len(proof.lines) - len(proof.blamed_lines)
        words += f", and {right:,} of {counted(len(proof.lines), 'line')} of arithmetic"
    left = len(proof.unrecognised)
    if left:
        words += f"; {left:,} {'number was' if left == 1 else 'numbers were'} not recognised"
    if proof.wrong_seed is not None:
        words += f"; seed {proof.wrong_seed.value} does not hold"
    return verdict(f"{words}.", report.passed)
