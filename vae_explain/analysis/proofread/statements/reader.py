"""Passages as tokens, and the equations of a whole document."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ....quick_classes import NamedTuple
from ..grammar.tokens import MathToken, Mode, lex
from ..grammar.updates import with_updates
from ..passage import Fragment, Passage, plain
from .chains import Chain, chains
from .drawn import with_drawn

# What code says that it gives: behind a prompt's line, or in a comment that is a number.
PROMPTED = re.compile(
    r"(?m)^>>> ?(?!print\b)([^=\n]*(?:\([^\n]*\))?[^=\n]*)\n(?=[-\d\[(.]|array|tensor)"
)
# A remark at the end of a line, beside which the code's own equation goes on below.
ASIDE = re.compile(r"(?m)(?<=\S)[ \t]+#[^\n]*(?=\n[ \t]*=(?!=))")
# What a program asks, which says nothing of what is: `if result[0] == 1:`.
CONDITION = re.compile(r"(?m)^[ \t]*(?:if|elif|while)\b[^\n]*?==[^\n]*?:")
PROMPT = re.compile(r"(?m)^(?:>>>|\.\.\.) ?")
COMMENTED = re.compile(
    r"#\s*(?:→|->|=>|==?|≈|~)?\s*(?=[-+]?[\d.\[][-+\d.,\s\[\]e]*$)", re.MULTILINE
)


def with_results(code: str) -> str:
    """Return code with a sign of equality before each result that stands beside it.

    Examples
    --------
    >>> with_results("x = 3 / 8  # 0.375"), with_results(">>> 3 / 8\\n0.375")
    ('x = 3 / 8  = 0.375', '3 / 8\\n=0.375')
    """
    code = CONDITION.sub("", code)
    code = PROMPT.sub("", PROMPTED.sub(r"\1\n=", with_drawn(code)))
    return with_names(ASIDE.sub("", COMMENTED.sub(_result, code)))


def _result(match: re.Match[str]) -> str:
    """Return the sign before a result; below another remark it is that of other code."""
    code, begins = match.string, match.string.rfind("\n", 0, match.start()) + 1
    above = code[code.rfind("\n", 0, max(0, begins - 1)) + 1 : begins]
    remark = above.lstrip().startswith("#")
    return "; " if remark and not code[begins : match.start()].strip() else "= "


# A name in quotation marks before its value, as in JSON; of derivatives it is that of another.
KEY = re.compile(
    r"(?P<other>\b\w*(?:expected|grad|deriv)\w*\s*=\s*\{[^{}]*\})"
    r"|(?P<before>[{,]\s*)[\"'](?P<name>[A-Za-z_]\w*)[\"']\s*:\s*(?=[-\[\d])"
)


RELATION = re.compile(
    r"[=≈≃≅≐≡≜＝←⟵]|>>>|<-(?=\s)|\\(?:gets|(?:long)?leftarrow|approx|simeq|cong|doteq|equiv|triangleq|coloneqq)"
)


def with_names(code: str) -> str:
    """Return code with the names of a mapping as those of quantities: `{"mu": 0.5}`."""
    return KEY.sub(lambda m: m["other"] or f"{m['before']}{m['name']}= ", code)


WORD = re.compile(r"[A-Za-z_]\w*")


class Cut(NamedTuple):
    """A passage's text in one piece, and its tokens."""

    source: str
    tokens: list[MathToken]


def cut(pieces: Sequence[Fragment], fenced: bool = False) -> Cut:
    """Cut what stands together into tokens, each piece in its own way."""
    tokens: list[MathToken] = []
    source = ""
    for piece in pieces:
        text = piece.text
        if fenced or piece.kind == "code":
            text = with_results(text) if fenced else with_names(text)
        # Code in a paragraph is written as formulas are: `σε` there is a product.
        mode: Mode = "code" if fenced else "math" if piece.kind == "math" else "text"
        edge = piece.kind in ("math", "code")
        if edge and tokens:
            tokens.append(_gap(len(source), piece.line, mode))
        tokens += lex(text, piece.line, mode, len(source))
        source += text
        if edge:
            tokens.append(_gap(len(source), piece.line, mode))
    return Cut(source, with_updates(tokens))


def _gap(at: int, line: int, mode: Mode) -> MathToken:
    return MathToken("gap", "", at, at, line, True, mode)


# The name of an array that stands under it, or behind it, with the array's shape.
LABEL = re.compile(
    r"(?P<name>[^\W\d][\w.]*|\\[A-Za-z]+) *:? *(?:[\[(]\d+(?: *[,×x] *\d+)*[\])])? *:?"
)
NAMING = ("strong", "code", "math")  # what sets a name apart from prose
ARRAY = re.compile(r"\s*:?\s*(?=[-\d\[(.]|\\begin|(?:tensor|array)\()")


def with_label(passage: Passage) -> Passage:
    """Return an array that stands under its own name, or behind it, as an equation."""
    said = any(RELATION.search(piece.text) for piece in passage.pieces)
    if said or not passage.pieces or LABEL.fullmatch(plain(passage.pieces).strip()):
        return passage
    first, *rest = passage.pieces
    named = LABEL.fullmatch(first.text.strip()) if first.kind in NAMING else None
    if named is not None and rest and (array := ARRAY.match(rest[0].text)):
        text = f" = {rest[0].text[array.end() :]}"
        pieces = (first._replace(text=named["name"]), rest[0]._replace(text=text), *rest[1:])
        return passage._replace(pieces=pieces)
    above = passage.context[0] if passage.context and ARRAY.match(first.text) else ()
    label = LABEL.fullmatch(plain(above).strip()) if above and above[0].kind in NAMING else None
    if label is None:
        return passage
    return passage._replace(pieces=(first._replace(text=f"{label['name']} = {first.text}"), *rest))


# `t = 1` (one-hot `(1, 0, 0)`): the list is what stands for the class.
CLASS = re.compile(r"\s*(?:\\math(?:bf|rm) *)?\{?(?P<name>[A-Za-z])\}? *= *\d+\s*")
ONE_HOT = re.compile(r"\W*one-?hot(?: (?:vector|target|label)s?)?:? *\(?", re.IGNORECASE)
ONE_OF = re.compile(r"\s*[\[(](?=[^1]*1[^1]*$)[01.,;\s\\]+[\])]\s*")


def with_one_hot(passage: Passage) -> Passage:
    """Return a list that is said to be the one-hot code of a class, as what its letter is."""
    pieces = list(passage.pieces)
    for i, (number, words, code) in enumerate(zip(pieces, pieces[1:], pieces[2:], strict=False)):
        named = CLASS.fullmatch(number.text) if number.kind in NAMING else None
        if named and ONE_HOT.fullmatch(words.text) and ONE_OF.fullmatch(code.text):
            bold = f"\\mathbf{{{named['name']}}} = {code.text}"
            pieces[i + 2] = code._replace(text=bold)
    return passage._replace(pieces=tuple(pieces))


# What code prints, what it assigns, and what changes a name's value where no line says how.
PRINT = re.compile(r"(?m)^(?:print\((?P<name>[A-Za-z_]\w*)\)|(?P<other>print\(.*))[ \t]*(?:#.*)?$")
ASSIGNED = re.compile(r"(?m)^[ \t]*([A-Za-z_]\w*(?:[ \t]*,[ \t]*\w+)*)[ \t]*=(?!=)")
CHANGES = re.compile(r"(?m)^[ \t]*(?:for|while|def|class|with|if)\b|[-+*/]=|\w_\(|\][ \t]*=(?!=)")
# An array as it is shown, with its type: no one that is given.
SHOWN = re.compile(r"(?s)^(?:tensor|array)\((?P<array>.*?)(?:,\s*\w+=[\w.<>]+)*\)$")
LEAD = 40  # characters of what may stand between code and its result: `Output:`


def with_printed(passages: Sequence[Passage]) -> Iterator[Passage]:
    """Yield passages, an array that code has printed as an equation of the name it printed.

    The code gives the name a formula of names that are assigned once, so that it is theirs.
    """
    code, assigned = "", Counter[str]()
    for passage in passages:
        text = plain(passage.pieces)
        if passage.kind != "code":
            code = "" if passage.rows or len(text) > LEAD else code
            yield passage
            continue
        printed = _printed(code, assigned)
        lines = [text] if len(printed) == 1 else text.strip().splitlines()
        if printed and len(lines) == len(printed) and all(map(ARRAY.match, lines)):
            arrays = (SHOWN.sub(r"\g<array>", line.strip()) for line in lines)
            pairs = zip(printed, arrays, strict=True)
            above = text[: len(text) - len(text.lstrip())]
            equations = above + "\n".join(f"{name} = {array}" for name, array in pairs)
            yield passage._replace(pieces=(passage.pieces[0]._replace(text=equations),))
            code = ""
            continue
        code = text
        assigned.update(_names_assigned(text))
        if CHANGES.search(text):
            assigned.update(2 * WORD.findall(text))
        yield passage


def _printed(code: str, assigned: Mapping[str, int]) -> list[str]:
    """Return the names that code makes and prints, if it prints nothing else."""
    names = [match["name"] for match in PRINT.finditer(code)]
    made = set(_names_assigned(code))
    once = all(assigned[word] < 2 for word in WORD.findall(code) if word in assigned)
    return names if once and all(name in made for name in names) else []


def _names_assigned(code: str) -> list[str]:
    return [name for match in ASSIGNED.finditer(code) for name in WORD.findall(match[1])]


def with_headings(passages: Iterable[Passage]) -> Iterator[Passage]:
    """Yield passages, before each the headings with an equation that it is the first under."""
    read: set[tuple[int, str]] = set()

    def mark(pieces: Sequence[Fragment]) -> tuple[int, str]:
        return (pieces[0].line, pieces[0].text[:LEAD]) if pieces else (0, "")

    for passage in passages:
        for above in reversed(passage.context):
            if mark(above) not in read:
                read.add(mark(above))
                if any(_may_hold(piece, False) for piece in above):
                    yield Passage("prose", above, (), (), above[0].line)
        read.add(mark(passage.pieces))
        yield passage


def chains_of(passage: Passage) -> Iterator[Chain]:
    """Yield the equations of a passage, those of a table cell by cell."""
    passage = with_one_hot(with_label(passage))
    cells = (cell for row in passage.rows for cell in row)
    for pieces in (passage.pieces, *cells):
        fenced = passage.kind == "code"
        if not any(_may_hold(piece, fenced) for piece in pieces):
            continue
        cut_pieces = cut(pieces, fenced)
        for chain in chains(cut_pieces.tokens, cut_pieces.source):
            # What begins with a sign of equality in a cell goes on from the cell before it.
            yield replace(chain, continues=chain.continues and not passage.rows)


def _may_hold(piece: Fragment, fenced: bool) -> bool:
    """Whether an equation may stand in a piece."""
    code = piece.kind == "code" and KEY.search(piece.text) is not None
    return code or RELATION.search(piece.text) is not None or (fenced and "#" in piece.text)
