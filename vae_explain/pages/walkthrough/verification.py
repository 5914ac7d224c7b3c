"""The verification page: a table by quantity, the checks of this machine, the verdict."""

from __future__ import annotations

from ...analysis.reference_figures import Verification
from ..blocks import Block, Column, Heading, Note, Table, Walkthrough
from .captions import counted


def verification(report: Verification) -> Walkthrough:
    """Compose the verification page."""
    blocks: list[Block] = [
        Heading(1, "The figures of the reference walkthrough", "by quantity"),
        Table(
            (
                Column("quantity", "text"),
                Column("figures", "value"),
                Column("agree", "value", accent=True),
                Column("largest difference", "text"),
                Column("arithmetic", "text"),
            ),
            tuple(
                (
                    quantity.name,
                    len(quantity.figures),
                    quantity.agree,
                    f"{quantity.largest_difference:.1e}",
                    quantity.arithmetic,
                )
                for quantity in report.quantities
            ),
        ),
    ]
    for quantity in report.quantities:
        for figure in quantity.figures:
            if figure.verdict != "exact":
                blocks.append(
                    Note(
                        f"{figure.name}: printed {figure.printed}, computed {figure.computed!r}"
                        + (
                            " (agrees within 4 units in the last place)"
                            if figure.verdict == "last place"
                            else ""
                        ),
                        "failure" if figure.verdict == "wrong" else "warning",
                    )
                )
    blocks += [
        Heading(2, "This machine", "two ways of computing the same numbers"),
        Table(
            (
                Column("check", "text"),
                Column("numbers", "value"),
                Column("largest difference", "text"),
                Column("allowed", "text"),
                Column("verdict", "text"),
            ),
            tuple(
                (
                    check.name,
                    check.numbers,
                    f"{check.largest_difference:.1e}",
                    f"{check.allowed:.0e}",
                    "agrees" if check.passed else "FAILED",
                )
                for check in report.machine
            ),
        ),
        _verdict(report),
    ]
    title = f"VAE 4→8→2→8→4 · seed 42 · PyTorch {report.torch_version}"
    remarks = (
        "forward and losses: parameters and ε rounded to 4 decimals, float64; "
        "gradients: PyTorch's float32",
    )
    return Walkthrough("verify", title, remarks, tuple(blocks))


def _verdict(report: Verification) -> Note:
    failed = [check.name for check in report.machine if not check.passed]
    figures = f"{report.agree} of {counted(report.total, 'figure')} agree at every printed digit"
    if report.passed:
        return Note(
            f"{figures}; {counted(len(report.machine), 'check')} of this machine pass.", "check"
        )
    also = f"; failed on this machine: {', '.join(failed)}" if failed else ""
    return Note(f"{figures}{also}.", "failure")
