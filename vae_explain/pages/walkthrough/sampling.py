"""The page of `sample`: what z, the loss and the gradients do over many draws of ε."""

from __future__ import annotations

import math
from itertools import islice

import numpy as np

from ...analysis.monte_carlo import LATENT, Divergence, Sample, Spread
from ...engine.formulas import Steps
from ...ops.broadcasting import indices
from ...quick_classes import NamedTuple
from ...symbolic.expression import Index
from ...symbolic.text import index_text
from ...trace import Array
from ..blocks import Adds, Cell, Column, Note, Prose, Table, Walkthrough
from ..phrases import counted
from .captions import term_words
from .draft import Draft, difference_words, table, verdict
from .header import heading_line, loss_words, replayed_arithmetic_words
from .page import MOST_LINES
from .tensors import tensor

NEAR = 3.0  # standard errors: an honest estimate lies further off once in 370 times


def sampling(sample: Sample) -> Walkthrough:
    """Compose the page of a run under many draws."""
    page = _SamplingPage(sample)
    page.latent()
    page.reconstruction()
    page.terms()
    if sample.divergence is not None:
        page.divergence(sample.divergence)
    if sample.gradients:
        page.gradients()
        page.signs()
    page.footer()
    run, still = sample.run, sample.still
    remarks = (
        *loss_words(run.loss_call),
        replayed_arithmetic_words(run),
        _draws_words(sample),
        *((f"{', '.join(still)}: not drawn anew, as this run drew it",) if still else ()),
    )
    return Walkthrough("sample", heading_line(run), remarks, tuple(page.blocks))


class _Element(NamedTuple):
    """One element of a gradient, over the draws."""

    name: str
    at: Index
    spread: Spread

    def number(self, array: Array) -> float:
        return float(array[self.at])


class _SamplingPage(Draft):
    def __init__(self, sample: Sample) -> None:
        super().__init__()
        self.sample, self.run = sample, sample.run
        self.steps = Steps(sample.run)

    def hand(self, name: str) -> Array:
        """Return a value's numbers in this run, replayed by hand."""
        return self.run.hand_values[self.run.value(name).id]

    # --- values ---

    def latent(self) -> None:
        if self.sample.divergence is None:
            self.latents()
            return
        self.open("The sample z", "over the draws, beside what it is drawn from")
        self.add(
            Prose(
                "z = μ + σ·ε with ε ~ N(0, I): over many draws its mean comes to μ and its "
                "standard deviation to σ."
            )
        )
        self.table(LATENT, (("μ", self.hand("mu")), ("σ", self.hand("std"))))

    def latents(self) -> None:
        """Show what a user's model draws, whatever it calls it."""
        for name in self.sample.latents:
            self.open(f"What is drawn: {name}", "over the draws")
            self.table(name, (("this run's", self.hand(name)),))

    def reconstruction(self) -> None:
        name = self.sample.reconstruction
        if not name:
            return
        self.open("The reconstruction", "over the draws, beside the input")
        x = next(value.name for value in self.run.trace.inputs if value.name)
        self.table(name, ((x, self.hand(x)),), before=True)

    def table(self, name: str, beside: tuple[tuple[str, Array], ...], before: bool = False) -> None:
        """Show mean and spread of a value's elements, with other tensors beside them."""
        spread = self.sample.values[name]
        others = tuple(Column(header, "input" if before else "value") for header, _ in beside)
        own = (Column("mean", "value", accent=True), Column("std", "value"))
        columns = (Column(name, "label"), *((*others, *own) if before else (*own, *others)))
        value_id = self.run.value(name).id
        rows: list[tuple[Cell, ...]] = []
        for index in islice(indices(spread.mean.shape), MOST_LINES):
            mine = float(spread.mean[index]), float(spread.std[index])
            theirs = tuple(float(array[index]) for _, array in beside)
            label = self.steps.label(value_id, index)
            rows.append((label, *(theirs + mine if before else mine + theirs)))
        self.add(Table(columns, tuple(rows)))
        self.left_out(spread.mean.size - len(rows), "element")

    def terms(self) -> None:
        self.open("The loss", "over the draws")
        shown = (*self.sample.latents, self.sample.reconstruction)
        names = [name for name in self.sample.values if name not in shown]
        loss = self.run.trace.loss.name
        rows = []
        for name in names:
            spread = self.sample.values[name]
            words = "" if name == loss or term_words(name) == name else term_words(name)
            own, per_row = float(self.hand(name).sum()), spread.mean.size > 1
            if per_row:  # a term with a number a row
                words = f"{words}, mean of rows".lstrip(", ")
                own = float(self.hand(name).mean())
            mean, std = float(spread.mean.mean()), float(spread.std.mean())
            rows.append((name, own, mean, std, words))
        columns = (
            Column("term", "text"),
            Column("this run's", "value"),
            Column("mean", "value", accent=True),
            Column("std", "value"),
            Column("", "text"),
        )
        self.add(Table(columns, tuple(rows)))
        if self.sample.divergence is not None and not self.sample.values["kl"].std:
            self.add(Note("The KL is made from μ and σ alone, so no draw changes it."))

    def divergence(self, kl: Divergence) -> None:
        self.open("The KL, by its formula and by its draws")
        self.add(
            Prose(
                "The KL is the mean of log q(z|x) - log p(z) under q. The loss has it in closed "
                "form; the mean over the draws estimates the same number."
            )
        )
        columns = (
            Column("", "text"),
            Column("Monte Carlo", "value"),
            Column("closed form", "value"),
            Column("difference", "value", accent=True),
            Column("standard error", "value"),
        )
        off = kl.monte_carlo - kl.closed_form
        row = ("KL", kl.monte_carlo, kl.closed_form, off, kl.standard_error)
        self.add(Table(columns, (row,), adds=Adds(3, (1,), (2,))))
        self.add(kl_note(kl))

    # --- gradients ---

    def gradients(self) -> None:
        self.open("The gradients", "mean over the draws, and standard deviation")
        self.add(
            Prose(
                "Training sees one draw at a time. Where the standard deviation is larger than "
                "the mean, one draw says little about which way a parameter should go."
            )
        )
        for name, spread in self.sample.gradients.items():
            self.add(tensor(f"{name}.grad mean", spread.mean, "gradient", "gradient", accent=True))
            self.add(tensor(f"{name}.grad std", spread.std, "gradient", "gradient"))

    def signs(self) -> None:
        gradients, draws = self.sample.gradients, self.sample.draws
        self.open("Which gradients change sign", "from draw to draw")
        self.add(
            table(
                gradients.items(),
                (Column("parameter", "text"), lambda item: item[0]),
                (Column("elements", "value"), lambda item: item[1].mean.size),
                (Column("change sign", "value", accent=True), lambda item: item[1].sign_changes),
                (Column("rarer sign", "value"), lambda item: int(item[1].rarer.max(initial=0))),
            )
        )
        changing = sum(spread.sign_changes for spread in gradients.values())
        total = sum(spread.mean.size for spread in gradients.values())
        if not changing:
            self.add(Note(f"None of the {counted(total, 'gradient')} changes sign."))
            return
        self.add(
            Note(
                f"{changing:,} of {counted(total, 'gradient')} {'is' if changing == 1 else 'are'} "
                "above zero in some draws and below in others; the last column counts, of "
                f"{draws:,} draws, those with the rarer sign, at the element where they are most. "
                "A zero, behind a closed gate, counts as neither."
            )
        )
        self.most_even(changing)

    def most_even(self, changing: int) -> None:
        """Show the elements whose sign is most nearly a matter of chance."""
        shown = self.by_chance(MOST_LINES)
        mean = Column("mean", "gradient", "gradient", accent=True)
        self.add(
            table(
                shown,
                (Column("gradient", "text"), lambda each: f"{each.name}{index_text(each.at)}"),
                (mean, lambda each: each.number(each.spread.mean)),
                (Column("std", "gradient", "gradient"), lambda each: each.number(each.spread.std)),
                (Column("positive", "value"), lambda each: int(each.number(each.spread.positive))),
                (Column("negative", "value"), lambda each: int(each.number(each.spread.negative))),
            )
        )
        self.left_out(changing - len(shown), "gradient")

    def by_chance(self, count: int) -> list[_Element]:
        """Return the elements of gradients that change sign, the most even of them first."""
        found = []
        for name, spread in self.sample.gradients.items():
            rarer = spread.rarer
            for place in np.argsort(-rarer, axis=None, kind="stable")[:count]:
                at = tuple(map(int, np.unravel_index(place, rarer.shape)))
                if rarer[at]:
                    found.append((int(rarer[at]), _Element(name, at, spread)))
        found.sort(key=lambda each: -each[0])
        return [element for _, element in found[:count]]

    def footer(self) -> None:
        first = self.sample.first
        how = difference_words(first.relative)
        whole = f"{counted(self.sample.draws, 'draw')} replayed; the first is this run's"
        agrees = "and agrees" if first.passed else "but does not agree"
        words = f"{whole}, {agrees} with PyTorch's ({how})."
        if first.in_float64:
            words = (
                f"{whole}, and agrees with PyTorch's on a copy of the run in float64. In "
                f"{self.sample.run.precision.name} a gradient that cancels or underflows is off by "
                f"{first.relative:.1e} of its own size, which is rounding."
            )
        self.add(verdict(words, first.passed))


def kl_note(kl: Divergence) -> Note:
    """Say in words whether the estimate is where its standard error lets it be."""
    off = abs(kl.monte_carlo - kl.closed_form)
    error = kl.standard_error
    if not (math.isfinite(off) and math.isfinite(error)) or not error:
        return Note("The estimate cannot be judged: its standard error is no number.", "warning")
    where = f"The estimate lies {off / error:.2f} standard errors from the closed form"
    if off <= NEAR * error:
        return Note(f"{where}: within {NEAR:.0f}, so the two agree.", "check")
    return Note(
        f"{where}: not within {NEAR:.0f}, which chance does about once in 370 times; "
        "try more --draws.",
        "warning",
    )


def _draws_words(sample: Sample) -> str:
    return (
        f"{counted(sample.draws, 'draw')} of ε in the order in which PyTorch's generator, "
        f"seed {sample.run.seed}, gives them; the first is the one of forward and backward"
    )
