"""The equations of a whole document, and what is wrong in them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from ..arithmetic.findings import DocumentFinding, Reading
from ..blame.claims import ColumnClaim
from ..blame.logarithms import wrong_logarithms
from ..blame.sums_in_words import SumsInWords
from ..grammar.cursor import literal
from ..grammar.syntax import Literal, Symbol
from ..grammar.tokens import has_decimal_commas, with_points
from ..passage import Fragment, Passage
from ..statements.adam import wrong_weights
from ..statements.alone import wrong_formulas_alone
from ..statements.chain_rule import wrong_factors
from ..statements.chains import Chain, joined
from ..statements.distributions import with_distributions
from ..statements.errors_called_e import with_errors
from ..statements.lists import wrong_lists
from ..statements.matrix_products import with_matrix_products
from ..statements.misfits import known_of, misfits, without_misfits
from ..statements.numbered import with_numbered
from ..statements.reader import chains_of, with_headings, with_printed
from ..statements.repeated import RepeatedLists
from ..statements.sides import Side
from ..statements.sigmoids import with_sigmoids
from ..statements.totals import wrong_totals
from ..statements.used_matrices import wrong_matrices
from .columns import column_claims, read_table
from .hypotheses import with_fewest_findings
from .named_columns import named_claims
from .run import EquationReader
from .summaries import summary_claims

MOST_EQUATIONS = 20_000  # of one document: a book of them, and some seconds
MOST_SIGNS = 1_500_000  # of their sides: some 200,000 numbers
MOST_CELLS = 20_000  # of its tables, likewise
MOST_NUMBERS = 50_000  # of its text, among which a damaged one is looked for
DECIMAL = re.compile(r"(?:(?<![\w.)\]}])[-−])?(?<![\w.])\d+\.\d+(?![\w.]*\d)")
SAYS_ROUNDED = re.compile(r"\bprinted\s+rounded\b|\bcomputed\s+from\s+these\s+rounded\s+numbers\b")
LONGEST = 200_000  # characters of one passage: a matrix of some ten thousand numbers


def read_equations(passages: Sequence[Passage]) -> Reading:
    """Judge every equation of a document."""
    texts = (piece.text for passage in passages for piece in passage.all_pieces)
    if not has_decimal_commas(texts):
        return _read(passages)
    reading = _read([_with_points(passage) for passage in passages])
    return reading._replace(findings=tuple(_with_commas(finding) for finding in reading.findings))


def _with_points(passage: Passage) -> Passage:
    def changed(pieces: Sequence[Fragment]) -> tuple[Fragment, ...]:
        return tuple(piece._replace(text=with_points(piece.text)) for piece in pieces)

    rows = tuple(tuple(changed(cell) for cell in row) for row in passage.rows)
    context = tuple(map(changed, passage.context))
    return passage._replace(pieces=changed(passage.pieces), rows=rows, context=context)


def _with_commas(finding: DocumentFinding) -> DocumentFinding:
    def changed(text: str) -> str:
        return re.sub(r"(?<=\d)\.(?=\d)", ",", text)

    printed, expected = changed(finding.printed), changed(finding.expected)
    return finding._replace(printed=printed, expected=expected, reason=changed(finding.reason))


def _read(passages: Sequence[Passage]) -> Reading:
    passages = list(with_headings(with_printed(passages)))
    all_chains, left_out = _chains(passages)
    texts = [piece.text for passage in passages for piece in passage.all_pieces]
    rounded = any(map(SAYS_ROUNDED.search, texts))
    named = with_distributions(list(with_matrix_products(list(joined(all_chains)))))
    chains = with_numbered(with_errors(with_sigmoids(list(named), texts)))
    small, too_large = _tables(passages)
    tables = [read_table(passage) for passage in small]
    claims = [claim for table in tables for claim in column_claims(table)]
    claims += named_claims(tables, chains, rounded)
    claims += summary_claims(tables, chains)
    numbers = list(_numbers(passages))
    run, findings = _judged(chains, claims, numbers, rounded)
    misfit = misfits(chains)
    if misfit:  # what follows from what has lost a number is not judged
        mended = known_of(misfit, run.findings)
        run, judged = _judged(without_misfits(chains, misfit), claims, numbers, rounded)
        findings = [*mended, *judged]
    for wrong in (
        wrong_lists(chains),
        wrong_matrices(chains),
        wrong_formulas_alone(passages),
        wrong_weights(chains, run.blame.seen),
        wrong_totals(passages, chains),
        wrong_factors(chains),
        wrong_logarithms(run.blame.logarithms, texts),
    ):
        lines = {finding.line for finding in findings}
        findings += [finding for finding in wrong if finding.line not in lines]
    findings.sort(key=lambda finding: finding.line)
    names = dict.fromkeys(key for c in chains for s in c.sides if (key := _name_of(s)))
    too_deep = sum(chain.too_deep for chain in chains)
    return Reading(
        tuple(findings),
        run.read_by_layer,
        len(chains),
        too_deep,
        tuple(names),
        run.unread,
        left_out + too_large + run.left_out,
    )


def _judged(
    chains: Sequence[Chain],
    claims: Sequence[ColumnClaim],
    numbers: Sequence[Literal],
    rounded: bool,
) -> tuple[EquationReader, list[DocumentFinding]]:
    """Read equations, and return what is wrong in them."""
    run = EquationReader(others=numbers, rounded=rounded)
    run.read(chains, claims)
    if (
        any(run.blame.put_in.known.values()) and run.blame.unjudged
    ):  # what is put in later, earlier too
        run = EquationReader(put_in=run.blame.put_in.known, others=numbers, rounded=rounded)
        run.read(chains, claims)
    return run, with_fewest_findings(run, chains, claims)


def _chains(passages: Sequence[Passage]) -> tuple[list[Chain], int]:
    """Return the equations that are read, and how many passages are left out."""
    read: list[Chain] = []
    signs = left_out = 0
    sums, repeated = SumsInWords(), RepeatedLists()
    for passage in passages:
        left = max(0, MOST_EQUATIONS - len(read)) if signs < MOST_SIGNS else 0
        is_read = _size(passage) <= LONGEST
        if left and is_read:
            found = sums.read(passage, list(islice(chains_of(passage), left)))
            signs += sum(len(side.text) for chain in found for side in chain.sides)
            read += [*found, *repeated.read(passage, found)]
        left_out += not (left and is_read) or len(read) >= MOST_EQUATIONS
    return read, left_out


def _tables(passages: Sequence[Passage]) -> tuple[list[Passage], int]:
    """Return the tables whose columns are read, and how many are left out as too large."""
    tables = [passage for passage in passages if passage.rows and _size(passage) <= LONGEST]
    left, read = MOST_CELLS, []
    for table in tables:
        cells = sum(map(len, table.rows))
        if cells <= left:
            read.append(table)
            left -= cells
    return read, len(tables) - len(read)


def _numbers(passages: Sequence[Passage]) -> Iterator[Literal]:
    """Yield the decimals of a document's text, as many as are looked at."""
    texts = (piece.text for passage in passages for piece in passage.all_pieces)
    found = (match[0] for text in texts for match in DECIMAL.finditer(text))
    yield from map(literal, islice((text.replace("−", "-") for text in found), MOST_NUMBERS))


def _size(passage: Passage) -> int:
    """Return the characters of a passage; a table is read cell by cell."""
    cells = (sum(len(piece.text) for piece in cell) for row in passage.rows for cell in row)
    return max(sum(len(piece.text) for piece in passage.pieces), max(cells, default=0))


def _name_of(side: Side) -> str | None:
    return side.text if isinstance(side.tree, Symbol) else None
