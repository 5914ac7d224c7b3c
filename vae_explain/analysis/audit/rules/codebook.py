"""`codebook`: a codebook that gets no gradient, or a β on the wrong one of its two terms.

van den Oord et al. 2017: the codebook term ‖sg[z] - e‖² moves the codes, the commitment term
β‖z - sg[e]‖² the encoder, and the reconstruction's gradient passes the codes straight through.
Where its gradient arrives shows which term is which.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from ....engine.backward_pass import backward
from ....trace import Trace
from ..evidence.anatomy import Anatomy
from ..evidence.discrete import Codes, CodeTerm, code_terms
from ..evidence.finding import Finding, NotApplied, error, finding, warning
from ..evidence.mending import Cure, Edit, instead_of, times
from .rule import AuditRule, Told, at_each

NEAR = 1e-5  # of the spread of distances, in float32


def look(anatomy: Anatomy) -> Iterator[Told]:
    if anatomy.codes:
        yield from of_each_codebook(anatomy)
    elif anatomy.latents:
        yield "no codebook is used besides the sampled latents"
    else:
        raise NotApplied("no codebook is used")


@partial(at_each, lambda anatomy: anatomy.codes)
def of_each_codebook(anatomy: Anatomy, codes: Codes) -> Iterator[Finding]:
    trace = anatomy.trace
    terms = list(code_terms(anatomy, anatomy.summands, codes))
    reached = [(term, *_reach(anatomy, term, codes)) for term in terms]
    rows = [
        (
            _name(anatomy, term),
            "yes" if to_encoder else "no",
            "yes" if to_codes else "no",
            term.summand.weight,
        )
        for term, to_encoder, to_codes in reached
    ]
    table = (
        ("term", "reaches the encoder", "reaches the codebook", "weight of one element"),
        rows or [("none", "no", "no", 0.0)],
    )
    trained = (
        trace.values[codes.codebook].kind == "parameter" and codes.codebook not in trace.frozen
    )
    book = anatomy.name(codes.codebook)
    if trained and codes.codebook not in trace.gradients:
        why, cures = _why_no_gradient(anatomy, codes, reached)
        mend = f"Add the term that moves the codes, ‖z.detach() - {anatomy.name(codes.picked)}‖²."
        title = f"the codebook {book} gets no gradient and never moves: {why}."
        yield error(title, *table, "" if cures else mend, cures)
        return
    not_nearest = _not_nearest(anatomy, codes, terms[0]) if terms else None
    lost = [_name(anatomy, term) for term, *reaches in reached if not any(reaches)]
    if not_nearest is not None:
        yield not_nearest
    elif lost:
        yield error(
            f"{' and '.join(lost)} reaches no parameter: both sides of it are detached, so that it "
            "changes the loss's value and nothing learns from it.",
            *table,
            "Detach one side alone: the codes in the commitment term, what is encoded in the "
            "other.",
        )
    elif reached and not _passes_through(anatomy, terms):
        picked, encoded = anatomy.name(codes.picked), anatomy.name(terms[0].encoded)
        yield error(
            f"no gradient of the reconstruction reaches the encoder: the decoder gets {picked}, "
            "whose choice has none, and not a copy that passes it straight through to "
            f"{encoded}.",
            *table,
            f"Give the decoder {encoded} + ({picked} - {encoded}).detach().",
        )
    else:
        commitments = [t for t, to_encoder, to_codes in reached if to_encoder and not to_codes]
        movers = [t for t, to_encoder, to_codes in reached if to_codes and not to_encoder]
        if len(commitments) == len(movers) == 1:
            commitment, mover = commitments[0], movers[0]
            share = mover.summand.weight / commitment.summand.weight
            if share < 1 - 1e-6:
                of_encoder, of_codes = _name(anatomy, commitment), _name(anatomy, mover)
                yield warning(
                    f"the weight β = {share:.4g} is on the codebook term and not on the commitment "
                    f"term: {of_codes}, which reaches {book}, weighs {share:.4g} times as much as "
                    f"{of_encoder}, which reaches the encoder.",
                    *table,
                    cures=[
                        Cure(
                            f"Put the weight on the commitment term: {of_codes} + "
                            f"{share:.4g}·{of_encoder}.",
                            _exchanged(commitment, mover, share),
                        )
                    ],
                )


def _not_nearest(anatomy: Anatomy, codes: Codes, term: CodeTerm) -> Finding | None:
    """Find codes that were picked and are nearest by no measure that codes are picked by."""
    book = anatomy.array(codes.codebook)
    encoded, picked = anatomy.array(term.encoded), anatomy.array(codes.picked)
    drawn = any(anatomy.is_draw(value_id) for value_id in anatomy.ancestors(codes.index))
    width = book.shape[-1]
    if drawn or encoded.shape != picked.shape or encoded.shape[-1] != width:
        return None
    z, code = encoded.reshape(-1, width), picked.reshape(-1, width)
    lengths = np.linalg.norm(z, axis=1, keepdims=True) * np.linalg.norm(book, axis=1)
    with np.errstate(all="ignore"):
        measures = -np.linalg.norm(z[:, None] - book, axis=2), z @ book.T, z @ book.T / lengths
    at = np.abs(code[:, None] - book).sum(axis=2).argmin(axis=1)
    one = np.arange(len(z))
    best = [each.max(axis=1) - each[one, at] <= NEAR * np.ptp(each, axis=1) for each in measures]
    if any(each.all() for each in best):
        return None
    far = measures[0][one, at] - measures[0].min(axis=1) <= NEAR * np.ptp(measures[0], axis=1)
    name, of = anatomy.name(codes.picked), anatomy.name(term.encoded)
    which = "the farthest" if far.all() else "not the nearest"
    count = len(z) if far.all() else int((~best[0]).sum())
    return finding(
        "error" if far.all() else "warning",
        f"{name} is {which} code for {count:,} of {len(z):,} vectors of {of}: they are picked by "
        "a rank that is no distance.",
        ("vector", "distance of its code", "least distance"),
        [
            (str(i), -measures[0][i, at[i]], -measures[0][i].max())
            for i in np.flatnonzero(~best[0])[:4]
        ],
        f"Pick the code that is nearest: torch.cdist({of}, {anatomy.name(codes.codebook)})"
        ".argmin(1).",
    )


def _passes_through(anatomy: Anatomy, terms: list[CodeTerm]) -> bool:
    """Whether a gradient of the rest of the loss reaches the encoder."""
    mine = {term.summand.value for term in terms}
    rest = [part for part in anatomy.parts if part.summand.value not in mine]
    return not rest or anatomy.gradient_at(terms[0].encoded, rest, anatomy.values) is not None


def _reach(anatomy: Anatomy, term: CodeTerm, codes: Codes) -> tuple[bool, bool]:
    gradients = backward(anatomy.graph, anatomy.values, term.summand.value, term.summand.factor)
    return term.encoded in gradients, codes.codebook in gradients


def _name(anatomy: Anatomy, term: CodeTerm) -> str:
    named = [n for n in term.summand.path[1:] if anatomy.named(n)]
    return anatomy.name(named[-1] if named else term.summand.value)


def _exchanged(commitment: CodeTerm, mover: CodeTerm, share: float) -> Edit:
    def edit(trace: Trace, rows: int) -> Trace:
        trace = times(commitment.summand.value, share)(trace, rows)
        return times(mover.summand.value, 1 / share)(trace, rows)

    return edit


def _why_no_gradient(
    anatomy: Anatomy, codes: Codes, reached: list[tuple[CodeTerm, bool, bool]]
) -> tuple[str, list[Cure]]:
    """Say why no gradient reaches a codebook, and what may change it."""
    picked = anatomy.name(codes.picked)
    why, cures = "no term compares what is encoded with its code", []
    for term, to_encoder, _ in reached:
        if not to_encoder or anatomy.rule(term.side) == "detach":
            continue  # the commitment term, which is as it should be
        name, side = _name(anatomy, term), anatomy.name(term.side)
        why = (
            f"{name} compares with {side}, the straight-through copy, whose gradient goes to the "
            "encoder"
        )
        cures.append(
            Cure(
                f"Compare with {picked} itself in {name}, and not with its straight-through copy.",
                instead_of({term.side: codes.picked}, {term.comparison}),
            )
        )
    return why, cures


RULE = AuditRule(
    "codebook",
    "a codebook without a gradient, or β on the wrong term",
    "gradients split by term",
    "the codebook, the encoder and the decoder each get their gradient",
    look,
)
