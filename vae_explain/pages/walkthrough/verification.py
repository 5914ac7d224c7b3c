"""The verification page: a table by quantity, the checks of this machine, the verdict."""

from __future__ import annotations

from ...analysis.reference_figures import Figure, Verification
from ..blocks import Column, Note, Walkthrough
from ..phrases import counted
from .draft import Draft, table, verdict


def verification(report: Verification) -> Walkthrough:
    """Compose the verification page."""
    page = Draft()
    page.open("The figures of the reference walkthrough", "by quantity")
    page.add(
        table(
            report.quantities,
            (Column("quantity", "text"), lambda quantity: quantity.name),
            (Column("figures", "value"), lambda quantity: len(quantity.figures)),
            (Column("agree", "value", accent=True), lambda quantity: quantity.agree),
            (Column("largest difference", "text"), lambda of: f"{of.largest_difference:.1e}"),
            (Column("arithmetic", "text"), lambda quantity: quantity.arithmetic),
        )
    )
    figures = (figure for quantity in report.quantities for figure in quantity.figures)
    page.add(*(_difference(figure) for figure in figures if figure.verdict != "exact"))
    page.open("This machine", "two ways of computing the same numbers")
    page.add(
        table(
            report.machine,
            (Column("check", "text"), lambda check: check.name),
            (Column("numbers", "value"), lambda check: check.numbers),
            (Column("largest difference", "text"), lambda of: f"{of.largest_difference:.1e}"),
            (Column("allowed", "text"), lambda check: f"{check.allowed:.0e}"),
            (Column("verdict", "text"), lambda check: "agrees" if check.passed else "FAILED"),
        ),
        _verdict(report),
    )
    title = f"VAE 4→8→2→8→4 · seed 42 · PyTorch {report.torch_version}"
    remarks = (
        "forward and losses: parameters and ε rounded to 4 decimals, float64; "
        "gradients: PyTorch's float32",
    )
    return Walkthrough("verify", title, remarks, tuple(page.blocks))


def _difference(figure: Figure) -> Note:
    """Say how a figure that is not printed exactly differs."""
    words = f"{figure.name}: printed {figure.printed}, computed {figure.computed!r}"
    if figure.verdict == "last place":
        words += " (agrees, as another processor may round it)"
    return Note(words, "failure" if figure.verdict == "wrong" else "warning")


def _verdict(report: Verification) -> Note:
    failed = [check.name for check in report.machine if not check.passed]
    figures = f"{report.agree} of {counted(report.total, 'figure')} agree"
    also = f"; failed on this machine: {', '.join(failed)}" if failed else ""
    if report.passed:
        also = f"; {counted(len(report.machine), 'check')} of this machine pass"
    return verdict(f"{figures}{also}.", report.passed)
