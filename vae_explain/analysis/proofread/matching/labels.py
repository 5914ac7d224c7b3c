"""Which quantity each statement means: `fc1.weight`, `KL Divergence`, `After ReLU`, `result`.

`names.py` finds the names that are spoken of; here is decided which of them a label is
about, and by what stands around it whether an activation's input or its output is meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from ....models.vocabulary import plain
from ....quick_classes import NamedTuple
from ..grammar.tokens import lex
from ..passage import Fragment
from ..reading.statement import Context, DocumentStatement, Found, Remnant
from ..reading.values import text_of
from .names import INDEX, Name, gradient_parts, index_of, is_parameter, names_in, of_gradient

STAGES = (
    (r"pre[ -]?(?:relu|activations?)|before (?:the )?(?:relu|activation)", "pre"),
    (r"(?:after|post)[ -]?(?:the )?(?:relu|activations?)|activations?|hidden", "hidden"),
)
SIDES = ((r"decod\w*|fc_dec\d+", "decoder"), (r"encod\w*|fc\d+", "encoder"))
SETTING = re.compile(
    r"\b(dim(ension)?s?|size|shape|seed|batch|epochs?|steps?|version|layers?|units?|rate|lr|year|"
    r"fig(ure)?|section|table|page|chapter|rows?|columns?|width|count|number|tolerance|beta|"
    r"latents|digits|decimals|rank|axis|parameters|weights|linear)\b"
)
# What a quantity is weighted by belongs to it and is another number: `the KL's effective β`.
ITS_SETTING = re.compile(r"['’]s (?:\w+ )*(?:β|beta|coefficient|factor) *")
# What came of other runs is no figure of this one: `64 other draws of ε give a loss of`.
OTHERS = re.compile(r"\b(?:other|further|different) (?:draws|runs|seeds|samples)\b")
RATE = re.compile(r"\blr\b|\blearning rate\b|\bη\b")
GENERIC = re.compile(
    r"(?:the )?(?:result|value|output|answer|this|that|it|sum|total|which|gives|δ|delta|arrives|"
    r"upstream(?: gradient)?)s?"
)
# A header for the share of a gradient that one term of the loss sends.
PART = re.compile(r"\b(?:of it|from|from the) (?P<term>reconstruction|mse|bce|kl)(?: term| part)?$")
ARRIVES = re.compile(r"arrives|upstream(?: gradient)?")
FORMULA = re.compile(r"[@+*·²³]|\^|(?<=[\w)]) ?/ ?(?=[\w(])|(?<=[\w)\]]) - (?=[\w(])")


class Resolved(NamedTuple):
    """A statement and the quantity it speaks of, if that is known."""

    statement: DocumentStatement
    name: Name | None


class Labels:
    """What labels mean: first by the author's own word, then by the words themselves.

    Parameters
    ----------
    own
        The author's own labels and what they name.
    """

    def __init__(self, own: Mapping[str, Name]) -> None:
        self.own = {plain(label): name for label, name in own.items()}

    def is_named(self, text: str) -> bool:
        """Whether some words name a quantity, by themselves or by the author's word."""
        words = INDEX.sub("", plain(text))
        by_itself = _of_label(words) is not None or _stage(words) is not None
        return by_itself or any(map(self._own_label, _spellings(text)))

    def is_open(self, text: str) -> bool:
        """Whether some words leave what they name to what stands around: `result`, `δ = …`."""
        return GENERIC.fullmatch(left_of(plain(text))) is not None or self.is_share(text)

    def is_share(self, text: str) -> bool:
        """Whether some words name what one term of the loss sends: `from KL`."""
        return PART.search(plain(text)) is not None

    def resolve_all(self, statements: Iterable[Found]) -> tuple[list[Resolved], list[Remnant]]:
        """Bring each statement together with its quantity, and set the remnants apart."""
        resolved, remnants = [], []
        for entry in statements:
            if isinstance(entry, Remnant):
                remnants.append(entry)
            else:
                name = self._own_name(entry) or resolve(entry.label, entry.context, entry.has_array)
                resolved.append(Resolved(entry, name))
        return resolved, remnants

    def used(self, resolved: Sequence[Resolved]) -> set[str]:
        """Return which of the author's labels stand in the document."""
        names = (label for entry in resolved for label in _names_of(entry.statement))
        return {own for label in names if (own := self._own_label(label))}

    def _own_name(self, statement: DocumentStatement) -> Name | None:
        for label, place in _names_of(statement).items():
            if label in self.own:
                return self.own[label]._replace(place=place or self.own[label].place)
            if own := self._own_label(label):
                top, _ = gradient_parts(label) or ("", "")
                slope = of_gradient(top, self.own[own].value)
                return slope._replace(place=place) if slope is not None else None
        return None

    def _own_label(self, label: str) -> str:
        """Return the author's label that some words are, or the gradient at; empty for none."""
        parts = gradient_parts(label)
        choices = [label, parts[1]] if parts is not None else [label]
        return next((choice for choice in choices if choice in self.own), "")


def _spellings(label: str) -> dict[str, tuple[int, ...] | None]:
    """Return what an author may call a label, and the element that is left to name.

    That is `h` with what it equals, `h = ReLU(a)`, and without, an element of it, `h[0]`, or
    a name with a number in it, which in a formula is written the same, `W_1`.
    """
    words = plain(label)
    left = left_of(words)
    named = {words: None, left: None, INDEX.sub(r"_\1", left): None}
    return {**named, INDEX.sub("", left): index_of(left)}


def _names_of(statement: DocumentStatement) -> dict[str, tuple[int, ...] | None]:
    """Return what an author may call a statement: without a label, the paragraph before it."""
    names = _spellings(statement.label)
    if not plain(statement.label) and statement.context:
        near = statement.context[0]
        names |= {plain(words_of(part)).strip(" :."): None for part in (*zip(near), near)}
    return {label: place for label, place in names.items() if label}


def is_setting(label: str) -> bool:
    """Whether a label names a setting of the run or the document: a size, a seed, a step."""
    return SETTING.search(plain(label)) is not None


def is_rate(label: str) -> bool:
    """Whether a label names the learning rate."""
    return RATE.search(plain(label)) is not None


def resolve(label: str, context: Context, array: bool) -> Name | None:
    """Return the quantity that a label means, where it stands; None when nothing tells.

    The label comes first, then the paragraph before it, then what is around, outwards. A
    word such as "pre-ReLU" beside it says which side of an activation is meant.

    Parameters
    ----------
    array
        Whether several numbers are named. One number under an unknown name is never taken
        for what its surroundings speak of.
    """
    words = plain(label)
    if OTHERS.search(words):
        return None
    part = PART.search(words)
    if part is not None:
        whole = resolve(words[: part.start()], context, array)
        term = "error" if part["term"] == "reconstruction" else part["term"]
        return whole._replace(term=term) if whole is not None and whole.gradient else None
    words = left_of(words) if GENERIC.fullmatch(left_of(words)) else words
    index = index_of(words)
    around = [plain(words_of(pieces)) for pieces in context]
    near = around[0] if around else ""
    name = _of_label(INDEX.sub("", words))
    stage = _stage(words) or _stage(left_of(near))
    if name is None and words and not _open(INDEX.sub("", words).strip(), array):
        return None
    if name is None and stage is not None:
        named_near = None if _stage(words) else _of_context(near)
        if named_near is None or named_near.value.startswith(("encoder_", "decoder_")):
            side = next((side for text in (words, *around) if (side := _side(text))), None)
            name = Name(f"{side}_{stage}") if side else None
    if name is None:
        name = next((name_near for text in around if (name_near := _of_context(text))), None)
    if name is None:
        return None
    if ARRIVES.fullmatch(words) and name.gradient:
        name = name._replace(value=name.value.replace("_pre", "_hidden"))
    if stage is not None and not name.gradient:
        name = name._replace(value=_with_stage(name.value, words, stage))
    if is_parameter(name.value) and not name.is_backward and _of_gradients(around):
        name = name._replace(gradient=True)
    return name._replace(place=index)


def words_of(pieces: tuple[Fragment, ...]) -> str:
    """Return a paragraph's words, its formulas in words too."""
    return "".join(
        f" {_in_words(piece)} " if piece.kind == "math" else piece.text for piece in pieces
    )


def _in_words(formula: Fragment) -> str:
    return text_of(list(lex(formula.text, formula.line, "math")))


def _open(words: str, array: bool) -> bool:
    """Whether an unknown label leaves it to its surroundings what is meant."""
    if not words or GENERIC.fullmatch(words) or FORMULA.search(words):
        return True
    return array and " " not in words


def _of_label(words: str) -> Name | None:
    """Return what a label ends with, as a name before an equals sign does, or begins with."""
    names = names_in(words)
    if not names:
        return None
    last = names[-1]
    before = words[: last.start].rstrip()
    at_end = not words[last.end :].strip(" ).:'\"—-")
    if ITS_SETTING.fullmatch(words[last.end :]):
        return None  # a setting of it, `the KL's effective β`
    if at_end and before.endswith((" by", " through")):
        return None  # what arrives on one way, `KL by μ`
    if not last.name.gradient and FORMULA.search(
        words if not at_end else words[max(0, last.start - 3) :]
    ):
        return None  # one of a formula's parts
    if at_end and (len(names) == 1 or not before.endswith(("of", "of the", "in", "in the"))):
        return last.name
    outside = [f for f in names if words[: f.start].count("(") <= words[: f.start].count(")")]
    return (outside or names)[0].name


def _of_context(text: str) -> Name | None:
    """Return what a paragraph speaks of: what stands left of its formula, outside brackets."""
    left = left_of(text)
    names = names_in(left)
    outside = [f for f in names if left[: f.start].count("(") <= left[: f.start].count(")")]
    exact = [f for f in names if is_parameter(f.name.value) or f.name.gradient]
    chosen = exact or outside or names
    return chosen[0].name if chosen else None


def left_of(text: str) -> str:
    """Return what stands before a label's own equals sign, as in `δ = arrives × gate`."""
    return re.split(r":=|=|≈", text, maxsplit=1)[0].strip()


def _stage(text: str) -> str | None:
    return next(
        (stage for pattern, stage in STAGES if re.search(rf"\b(?:{pattern})\b", text)), None
    )


def _side(text: str) -> str | None:
    sides = [
        (match.start(), side)
        for pattern, side in SIDES
        if (match := re.search(rf"(?<![a-z])(?:{pattern})", text))
    ]
    return min(sides)[1] if sides else None


def _with_stage(value: str, words: str, stage: str) -> str:
    """Return a layer's value on the side of its activation that the words beside it say."""
    match = re.fullmatch(r"(encoder|decoder)_(pre|hidden)(_\d+)?", value)
    explicit = re.search(r"_pre(_|\b)", words)
    if match is None or explicit:
        return value
    return f"{match[1]}_{stage}{match[3] or ''}"


def _of_gradients(around: list[str]) -> bool:
    """Whether the nearest words that speak of either speak of gradients, not of values."""
    for text in around:
        if re.search(r"\b(?:forward|weights|parameters|initial\w*|biases)\b", text):
            return False
        if re.search(r"\bgradients?\b|\bbackward\b|\.grad\b", text):
            return True
    return False
