"""Which value of a run is meant, however its name was spelt.

`z[0]`, `z 0`, `FC1.weight.grad[0][1]`, `∂KL/∂μ` and `x_hat` are each read as a value, its
gradient or one number of either. A name that the run has is always itself. Else another spelling
counts, or what a quantity is usually called besides, as long as one value alone can be meant.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache

from ..quick_classes import NamedTuple
from .vocabulary import VOCABULARY, plain

# What a quantity is called besides, where a person names one number of a VAE, but a document
# may mean another.
OTHER_WORDS = (
    (r"h|hidden(?: layer)?|enc(?:oder)?[ _]?h(?:idden)?", "encoder_hidden"),
    (r"dec(?:oder)?[ _]?h(?:idden)?|h[ _]?dec(?:oder)?", "decoder_hidden"),
    (r"latents?|codes?|sample", "z"),
    (r"total|objective|cost|j", "loss"),
    (r"x'|x_?prime|xhat|outputs?|predictions?|x_?rec|y", "recon_x"),
    (r"sigma_?sq(?:uared)?|std_?sq(?:uared)?", "variance"),
    (r"log[ _]?(?:variance|var|(?:std|sigma)\^?2|std_?sq(?:uared)?)s?", "logvar"),
    (r"means|mus", "mu"),
    (r"stds|sd|sigmas", "std"),
    (r"rec|recon(?:struction)?s?[ _]?(?:loss|error|term)s?", "error"),
)
ERRORS = "mse", "bce"  # which of the two a reconstruction's error is, the run says
LOSS = {"", "l", "loss", "j", "total", "total_loss", "cost", "objective"}
OWNERS = re.compile(r"(?:self|model|vae|net)\.(?=.)")
SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
D = r"(?:∂|δ|\\partial ?|d) ?"
FRACTION = re.compile(rf"\(?{D}\(?(?P<top>[^\W\d]*\w*)\)? ?\)?/ ?\(?{D}(?P<bottom>.+)", re.I)
CALLED = re.compile(
    r"(?:grad(?:ient)?s?|∇|nabla)[ _]?(?:of|at|for|wrt|with respect to)?(?: the)? ?"
    r"(?P<of>\W*\w.*)",
    re.I,
)
BEHIND = re.compile(r"(?P<of>.+?)(?:[._/]| )grad(?:ient)?s?(?![a-z])(?P<index>.*)", re.I)
# The last of what may follow a name as an index: [0,1], (0,1), .1, _1, :1, a space and 1, or 1.
NUMBERS = r"[+-]?\d+(?: ?[,;] ?[+-]?\d+)*"
LAST_INDEX = re.compile(
    rf"(?P<of>.*?)\s*(?:\[(?P<square>[^\[\]]*)\]|\((?P<round>{NUMBERS})\)"
    rf"|[.\s_:,]\s*(?P<plain>{NUMBERS})|(?<=[^\W\d_])(?P<bare>\d+))\s*"
)


class Spelled(NamedTuple):
    """A value that was named.

    Attributes
    ----------
    term
        What the gradient is of, where it is not of the whole loss: its name, or as it was typed.
    inside
        What was typed as an index, `0,1`; None where a whole tensor is named.
    """

    name: str
    gradient: bool = False
    term: str | None = None
    inside: str | None = None

    def written(self) -> str:
        """Return it in the spelling that the help shows, which no shell changes."""
        index = " " + self.inside.replace(",", " ") if self.inside else ""
        return f"{self.name}{'.grad' if self.gradient else ''}{index}"

    def bracketed(self) -> str:
        """Return it in the spelling that pages use: `fc1.weight.grad[0,1]`."""
        index = f"[{self.inside}]" if self.inside else ""
        return f"{self.name}{'.grad' if self.gradient else ''}{index}"


def read_name(text: str, names: Collection[str]) -> str | None:
    """Return which of some names a text spells; None if it is none of them or could be several."""
    text = text.strip().strip("`'\"").translate(SUBSCRIPTS)
    if text in names:
        return text
    bare = OWNERS.sub("", text)
    if bare in names:
        return bare
    for same in (_key, _parts, _concept):
        wanted = same(bare)
        matches = {name for name in names if wanted and same(name) == wanted}
        if len(matches) == 1:
            return matches.pop()
    return None


def read_target(text: str, names: Collection[str], terms: Collection[str] = ()) -> Spelled | None:
    """Read what may be a value, its gradient, or one number of either."""
    text = " ".join(text.strip("`'\"").translate(SUBSCRIPTS).split())
    if name := read_name(text, names):
        return Spelled(name)
    for bottom, top in _gradients(text):
        place = _placed(bottom, names)
        if place is not None:
            term = None if top.casefold() in LOSS else read_term(top, terms) or top
            return Spelled(place[0], True, term, place[1])
    place = _placed(text, names)
    if place is not None:
        return Spelled(place[0], inside=place[1])
    if (short := re.fullmatch(r"(?:d|∂)_?(.+)", text)) and (place := _placed(short[1], names)):
        return Spelled(place[0], True, inside=place[1])
    return None


def without_index(text: str) -> str:
    """Return what is left of a text without the numbers at its end, for an error."""
    text = text.strip()
    while (match := LAST_INDEX.fullmatch(text)) and match["of"]:
        text = match["of"]
    return text


def asks_gradient(text: str, names: Collection[str]) -> bool:
    """Whether a text asks for a gradient, as far as is known before the model has run."""
    target = read_target(text, names)
    return any(_gradients(text)) if target is None else target.gradient


def read_term(text: str, terms: Collection[str]) -> str | None:
    """Return which term of the loss a text names: `kl`, `KLD`, `reconstruction`."""
    if (name := read_name(text, terms)) or _concept(text) != "recon_x":
        return name
    errors = [term for term in terms if _concept(term) == "error"]
    return errors[0] if len(errors) == 1 else None


def members(text: str, names: Iterable[str]) -> list[str]:
    """Return the names that lie in a module: the weight and the bias of `fc1`."""
    module = _key(OWNERS.sub("", text.strip())) + "."
    return [name for name in names if ".".join(map(_key, name.split("."))).startswith(module)]


def _gradients(text: str) -> Iterator[tuple[str, str]]:
    """Yield the readings of a text as a gradient: what at, and of what."""
    if match := FRACTION.fullmatch(text):
        yield _unwrapped(match["bottom"].lstrip(" (")), match["top"]
    if match := BEHIND.fullmatch(text):
        yield match["of"] + match["index"], ""
    if match := CALLED.fullmatch(text):
        yield _unwrapped(match["of"].lstrip(" (")), ""


def _unwrapped(text: str) -> str:
    """Take off the brackets that were opened in front of a name."""
    while text.count(")") > text.count("("):
        text = text.rpartition(")")[0] + text.rpartition(")")[2]
    return text.strip()


def _placed(text: str, names: Collection[str]) -> tuple[str, str | None] | None:
    """Read a name and its index, the shortest index that leaves a name."""
    indices: list[str] = []
    while (name := read_name(text, names)) is None:
        match = LAST_INDEX.fullmatch(text)
        if match is None or not match["of"]:
            return None
        groups = match["square"], match["round"], match["plain"], match["bare"]
        indices.insert(0, next(group for group in groups if group is not None).strip())
        text = match["of"]
    return name, ",".join(indices).replace(";", ",") if indices else None


def _key(name: str) -> str:
    return re.sub(r"[\s_\-./]", "", name).casefold()


def _parts(name: str) -> str:
    """Return what says a parameter of a layer: `fc1.W`, `W_fc1`, `W1`, `weight of fc1`."""
    text = re.sub(r"[\s\-.]+|_+", " ", name).casefold()
    words = {"w": "weight", "weights": "weight", "kernel": "weight", "b": "bias", "biases": "bias"}
    parts = [words.get(part, part) for part in text.split() if part != "of"]
    if parts and (short := re.fullmatch(r"([wb])(\d+)", parts[0])):
        parts = [words[short[1]], f"fc{short[2]}", *parts[1:]]
    kinds = [part for part in parts if part in ("weight", "bias")]
    layer = "".join(part for part in parts if part not in ("weight", "bias"))
    return f"{layer}:{kinds[0]}" if len(kinds) == 1 and layer else ""


@lru_cache(maxsize=4096)
def _concept(name: str) -> str:
    words = plain(name)
    for pattern, meant in (*OTHER_WORDS, *VOCABULARY):
        if re.fullmatch(pattern, words):
            return "error" if meant in ERRORS else meant
    return words.replace(" ", "_")
