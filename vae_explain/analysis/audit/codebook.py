"""`codebook`: a codebook that gets no gradient, or a β on the wrong one of its two terms.

van den Oord et al. 2017: the codebook term ‖sg[z] - e‖² moves the codes, the commitment term
β‖z - sg[e]‖² the encoder, and the reconstruction's gradient passes the codes straight through.
Which term is which is told by where its gradient arrives.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from ...engine.backward_pass import backward
from ...trace import Trace
from .anatomy import Anatomy
from .discrete import Codes, CodeTerm, code_terms
from .finding import Cell, Evidence, Finding, NotApplied, Seen, decided
from .mending import Cure, Edit, instead_of, times
from .rule import AuditRule

ID = "codebook"
NEAR = 1e-5  # of the spread of distances, in float32


def look(anatomy: Anatomy) -> Seen:
    if not anatomy.codes:
        if not anatomy.latents:
            raise NotApplied("no codes of a codebook are picked")
        return Seen("no codes of a codebook are picked beside the sampled latents")
    seen = decided(anatomy.codes, partial(_codes, anatomy))
    return Seen(
        "the codebook, the encoder and the decoder each get their gradient",
        tuple(finding for findings in seen for finding in findings),
    )


def _codes(anatomy: Anatomy, codes: Codes) -> list[Finding]:
    lineage, trace = anatomy.lineage, anatomy.trace
    terms = list(code_terms(lineage, anatomy.summands, codes))
    reached = [(term, *_reach(anatomy, term, codes)) for term in terms]
    rows: list[tuple[Cell, ...]] = [
        (
            _name(anatomy, term),
            "yes" if to_encoder else "no",
            "yes" if to_codes else "no",
            term.summand.weight,
        )
        for term, to_encoder, to_codes in reached
    ]
    evidence = Evidence(
        ("term", "reaches the encoder", "reaches the codebook", "weight of one element"),
        tuple(rows or [("none", "no", "no", 0.0)]),
    )
    trained = (
        trace.values[codes.codebook].kind == "parameter" and codes.codebook not in trace.frozen
    )
    book = lineage.name(codes.codebook)
    if trained and codes.codebook not in trace.gradients:
        return [_no_gradient(anatomy, codes, reached, book, evidence)]
    not_nearest = _not_nearest(anatomy, codes, terms[0]) if terms else None
    if not_nearest is not None:
        return [not_nearest]
    lost = [term for term, to_encoder, to_codes in reached if not (to_encoder or to_codes)]
    if lost:
        return [_lost(anatomy, lost, evidence)]
    if reached and not _passes_through(anatomy, terms):
        return [_not_passed(anatomy, codes, terms[0], evidence)]
    commitments = [t for t, to_encoder, to_codes in reached if to_encoder and not to_codes]
    movers = [t for t, to_encoder, to_codes in reached if to_codes and not to_encoder]
    if len(commitments) == len(movers) == 1:
        commitment, mover = commitments[0], movers[0]
        weights = commitment.summand.weight, mover.summand.weight
        if weights[1] < weights[0] * (1 - 1e-6):
            share = weights[1] / weights[0]
            both = _name(anatomy, commitment), _name(anatomy, mover)
            return [
                Finding(
                    ID,
                    "warning",
                    f"the weight β = {share:.4g} is on the codebook term and not on the commitment "
                    f"term: {both[1]}, which reaches {book}, weighs {share:.4g} times as much as "
                    f"{both[0]}, which reaches the encoder.",
                    evidence,
                    cures=(
                        Cure(
                            f"Put the weight on the commitment term: {both[1]} + "
                            f"{share:.4g}·{both[0]}.",
                            _exchanged(commitment, mover, share),
                        ),
                    ),
                )
            ]
    return []


def _not_nearest(anatomy: Anatomy, codes: Codes, term: CodeTerm) -> Finding | None:
    """Find codes that were picked and are nearest by no measure that codes are picked by."""
    lineage, book = anatomy.lineage, anatomy.array(codes.codebook)
    encoded, picked = anatomy.array(term.encoded), anatomy.array(codes.picked)
    drawn = any(lineage.is_draw(number) for number in lineage.ancestors(codes.index))
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
    name, of = lineage.name(codes.picked), lineage.name(term.encoded)
    which = "the farthest" if far.all() else "not the nearest"
    count = len(z) if far.all() else int((~best[0]).sum())
    return Finding(
        ID,
        "error" if far.all() else "warning",
        f"{name} is {which} code for {count:,} of {len(z):,} vectors of {of}: they are picked by "
        "a rank that is no distance.",
        Evidence(
            ("vector", "distance of its code", "least distance"),
            tuple((str(i), float(-measures[0][i, at[i]]), float(-measures[0][i].max()))
                  for i in np.flatnonzero(~best[0])[:4]),
        ),
        f"Pick the code that is nearest: torch.cdist({of}, {lineage.name(codes.codebook)})"
        ".argmin(1).",
    )  # fmt: skip


def _passes_through(anatomy: Anatomy, terms: list[CodeTerm]) -> bool:
    """Whether a gradient of the rest of the loss reaches the encoder."""
    mine = {term.summand.value for term in terms}
    rest = [part for part in anatomy.parts if part.summand.value not in mine]
    return not rest or anatomy.gradient_at(terms[0].encoded, rest, anatomy.values) is not None


def _not_passed(anatomy: Anatomy, codes: Codes, term: CodeTerm, evidence: Evidence) -> Finding:
    picked, encoded = anatomy.lineage.name(codes.picked), anatomy.lineage.name(term.encoded)
    return Finding(
        ID,
        "error",
        f"no gradient of the reconstruction reaches the encoder: the decoder gets {picked}, whose "
        f"choice has none, and not a copy that passes it straight through to {encoded}.",
        evidence,
        f"Give the decoder {encoded} + ({picked} - {encoded}).detach().",
    )


def _lost(anatomy: Anatomy, lost: list[CodeTerm], evidence: Evidence) -> Finding:
    names = " and ".join(_name(anatomy, term) for term in lost)
    return Finding(
        ID,
        "error",
        f"{names} reaches no parameter: both sides of it are detached, so that it changes the "
        "loss's value and nothing learns from it.",
        evidence,
        "Detach one side alone: the codes in the commitment term, what is encoded in the other.",
    )


def _reach(anatomy: Anatomy, term: CodeTerm, codes: Codes) -> tuple[bool, bool]:
    gradients = backward(
        anatomy.lineage.graph, anatomy.values, term.summand.value, term.summand.factor
    )
    return term.encoded in gradients, codes.codebook in gradients


def _name(anatomy: Anatomy, term: CodeTerm) -> str:
    named = [n for n in term.summand.path[1:] if anatomy.lineage.named(n)]
    return anatomy.lineage.name(named[-1] if named else term.summand.value)


def _exchanged(commitment: CodeTerm, mover: CodeTerm, share: float) -> Edit:
    def edit(trace: Trace, rows: int) -> Trace:
        trace = times(commitment.summand.value, share)(trace, rows)
        return times(mover.summand.value, 1 / share)(trace, rows)

    return edit


def _no_gradient(
    anatomy: Anatomy,
    codes: Codes,
    reached: list[tuple[CodeTerm, bool, bool]],
    book: str,
    evidence: Evidence,
) -> Finding:
    picked = anatomy.lineage.name(codes.picked)
    cures = []
    why = "no term compares what is encoded with its code"
    for term, to_encoder, _ in reached:
        if not to_encoder:
            continue
        if anatomy.lineage.rule(term.side) == "detach":
            continue  # the commitment term, which is as it should be
        name, side = _name(anatomy, term), anatomy.lineage.name(term.side)
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
    return Finding(
        ID,
        "error",
        f"the codebook {book} gets no gradient and never moves: {why}.",
        evidence,
        "" if cures else f"Add the term that moves the codes, ‖z.detach() - {picked}‖².",
        cures=tuple(cures),
    )


RULE = AuditRule(
    ID, "a codebook without a gradient, or β on the wrong term", "gradients split by term", look
)
