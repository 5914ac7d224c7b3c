"""Which quantity a label means: `fc1.weight`, `μ`, `KL Divergence`, `∂L/∂z`, `After ReLU`.

A label is read in three steps: its signs become words, the vocabulary finds what is spoken
of, and what stands around decides between an activation's input and its output.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from ..architecture import BUILT_IN
from .grammar import text_of
from .markdown import Piece
from .tex import lex_tex
from .wording import Context


class Name(NamedTuple):
    """A quantity of a run, as far as a label tells.

    Attributes
    ----------
    value
        The value's name in the run: `mu`, `fc1.weight`.
    gradient
        Whether the gradient of the loss at it is meant, and of which of its terms alone.
    updated
        Whether the parameter is meant after a step of gradient descent.
    place
        The element's index, when the label names one.
    """

    value: str
    gradient: bool = False
    term: str | None = None
    place: tuple[int, ...] | None = None
    updated: bool = False

    @property
    def tensor(self) -> str:
        """What the whole tensor is called, without an index."""
        if self.term:
            return f"∂{self.term}/∂{self.value}"
        if self.updated:
            return f"{self.value}_new"
        return f"{self.value}.grad" if self.gradient else self.value

    def at(self, index: tuple[int, ...]) -> str:
        """Return what one element is called: `mu[0]`."""
        return self.tensor + (f"[{','.join(map(str, index))}]" if index else "")


class Found(NamedTuple):
    """A name that stands in a text, and where."""

    start: int
    end: int
    name: Name


# What each quantity is called, in words and in code, a longer name before a shorter one.
VOCABULARY: tuple[tuple[str, str], ...] = (
    (r"w_mu", "fc_mu.weight"),
    (r"b_mu", "fc_mu.bias"),
    (r"w_logvar", "fc_logvar.weight"),
    (r"b_logvar", "fc_logvar.bias"),
    (r"recon_logits|logits", "recon_logits"),
    (r"(?:z_)?log[ _-]?(?:\( ?(?:variance|var) ?\)|variance|var)|z_log_var", "logvar"),
    (r"recon(?:struct(?:ion|ed))?[ _-]?(?:loss|error|term)", "error"),
    (r"binary cross[ -]?entropy|bce", "bce"),
    (r"(?:mean |summed |sum of )?squared (?:error|difference)s?|mse|sse", "mse"),
    (r"kl(?:[ _-]?div(?:ergence)?)?(?:[ _](?:loss|term))?|kld(?:_loss)?|[dl]_kld?", "kl"),
    (r"l_rec(?:on)?", "error"),
    (r"l_mse", "mse"),
    (r"total[ _]loss|loss|l", "loss"),
    (r"standard deviation|std(?:_?dev)?", "std"),
    (r"variance|var", "variance"),
    (r"mean|mu|z_mean|mu_z", "mu"),
    (r"epsilon|eps|noise", "eps"),
    (r"recon(?:struction|structed)?(?:[ _](?:x|output))?|x_(?:hat|recon)", "recon_x"),
    (r"latent (?:sample|vector|code)|z", "z"),
    (r"input(?: vector| x)?|x", "x"),
)
LAYER = r"fc_?(?:mu|logvar|dec_?\d+|\d+)"
PARAMETER = rf"(?P<layer>{LAYER}) ?\. ?(?P<part>weight|bias)(?P<new>_new)?"
OWN = re.compile(
    rf"(?P<value>{LAYER}\.(?:weight|bias)|(?:encoder|decoder)_(?:pre|hidden)(?:_\d+)?|x|mu|logvar|"
    r"variance|std|eps|z|recon_logits|recon_x|mse|bce|kl|loss)(?P<new>_new)?(?P<grad>\.grad)?"
)
CALL = rf"(?P<called>{LAYER})\(\w*\)"
VALUE = r"(?P<side>encoder|decoder)_(?P<stage>pre|hidden)(?:_relu)?(?P<depth>_\d+)?"
WORDS = "|".join(f"(?P<_{i}>{words})" for i, (words, _) in enumerate(VOCABULARY))
NAMES = re.compile(rf"(?<![\w.])(?:{PARAMETER}|{CALL}|{VALUE}|{WORDS})(?!\w|\.\w)")
GRADIENTS = (
    re.compile(
        r"\(? ?(?:∂ ?|d)(?P<top>[a-z]+) ?\)? ?/ ?\(? ?(?:∂ ?|d)(?P<bottom>[a-z][\w.]*)(?: ?\))?"
    ),
    re.compile(r"(?P<bottom>[a-z][\w.]*?)[._ ]grad(?:ient)?(?![a-z])(?P<top>)"),
    re.compile(
        r"grad(?:ient)?s?(?: of (?:the )?(?P<top>[a-z]+))?(?: at| of| for| wrt| w\.r\.t\.?|"
        r" with respect to)(?: the)? (?P<bottom>[a-z][\w.]*)"
    ),
    re.compile(r"∇ ?_?\(?(?P<bottom>[a-z][\w.]*)\)?(?P<top>)"),
)
WHOLE = {"", "l", "loss", "j", "total", "elbo"}
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
RATE = re.compile(r"\blr\b|\blearning rate\b|\bη\b")
GENERIC = re.compile(
    r"(?:the )?(?:result|value|output|answer|this|that|it|sum|total|which|gives|δ|delta|arrives|"
    r"upstream(?: gradient)?)s?"
)
# A header for the share of a gradient that one term of the loss sends.
PART = re.compile(r"\b(?:of it|from|from the) (?P<term>reconstruction|mse|bce|kl)(?: term| part)?$")
ARRIVES = re.compile(r"arrives|upstream(?: gradient)?")
SIGNS = (
    ("σ²", " variance "), ("σ^2", " variance "), ("σ^(2)", " variance "), ("x̂", " x_hat "),
    ("μ", "mu"), ("µ", "mu"), ("σ", "std"), ("ε", "eps"), ("ϵ", "eps"), ("sigma^2", "variance"),
    ("sigma²", "variance"), ("sigma", "std"), ("\\_", "_"), ("`", ""), ("fc_dec_", "fc_dec"),
)  # fmt: skip
INDEX = re.compile(r"\[ ?(\d+(?: ?, ?\d+)*) ?\] ?$")
FORMULA = re.compile(r"[@+*·²³]|\^|(?<=[\w)]) ?/ ?(?=[\w(])|(?<=[\w)\]]) - (?=[\w(])")


@lru_cache(maxsize=8192)
def plain(text: str) -> str:
    """Return a label in lower case, with words for its signs.

    Examples
    --------
    >>> plain("Log-variance (log σ²)"), plain("∂Loss/∂μ")
    ('log-variance (log variance )', '∂loss/∂mu')
    """
    text = unicodedata.normalize("NFC", text).casefold().replace("ς", "σ")
    text = re.sub(r" ?\^ ?", "^", text)
    for sign, word in SIGNS:
        text = text.replace(sign, word)
    return " ".join(text.split())


# The names that an author may give to a label, those of the VAE with one hidden layer.
KNOWN = ("x", *BUILT_IN.parameters, *BUILT_IN.steps)


def named(text: str) -> Name | None:
    """Read a quantity's name as the package writes it: `encoder_hidden`, `fc1.weight.grad`."""
    words = INDEX.sub("", text.strip())
    match = OWN.fullmatch(words)
    if match is None:
        return None
    return Name(match["value"], match["grad"] is not None, None, index_of(text), bool(match["new"]))


def is_setting(label: str) -> bool:
    """Whether a label names a setting of the run or the document: a size, a seed, a step."""
    return SETTING.search(plain(label)) is not None


def is_rate(label: str) -> bool:
    """Whether a label names the learning rate."""
    return RATE.search(plain(label)) is not None


def names_a_quantity(text: str) -> bool:
    """Whether some words name a quantity by themselves, as a table's header does."""
    words = INDEX.sub("", plain(text))
    return _of_label(words) is not None or _stage(words) is not None


def is_open(text: str) -> bool:
    """Whether some words leave what they name to what stands around: `result`, `δ = …`."""
    words = left_of(plain(text)).strip()
    return GENERIC.fullmatch(words) is not None or part_of(text)


def part_of(text: str) -> bool:
    """Whether some words name what one term of the loss sends: `of it KL`."""
    return PART.search(plain(text)) is not None


def index_of(label: str) -> tuple[int, ...] | None:
    """Return the element that a label ends with, `z[0]`, or None."""
    found = INDEX.search(label)
    return tuple(int(part) for part in found[1].split(",")) if found else None


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
    part = PART.search(words)
    if part is not None:
        whole = resolve(words[: part.start()], context, array)
        term = "error" if part["term"] == "reconstruction" else part["term"]
        return whole._replace(term=term) if whole is not None and whole.gradient else None
    words = left_of(words).strip() if GENERIC.fullmatch(left_of(words).strip()) else words
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
        name = next((found for text in around if (found := _of_context(text))), None)
    if name is None:
        return None
    if ARRIVES.fullmatch(words) and name.gradient:
        name = name._replace(value=name.value.replace("_pre", "_hidden"))
    if stage is not None and not name.gradient:
        name = name._replace(value=_with_stage(name.value, words, stage))
    if _is_parameter(name.value) and not (name.gradient or name.updated) and _of_gradients(around):
        name = name._replace(gradient=True)
    return name._replace(place=index)


def words_of(pieces: tuple[Piece, ...]) -> str:
    """Return a paragraph's words, its formulas in words too."""
    return "".join(
        f" {text_of(list(lex_tex(piece.text, piece.line)))} "
        if piece.kind == "math"
        else piece.text
        for piece in pieces
    )


def _open(words: str, array: bool) -> bool:
    """Whether an unknown label leaves it to its surroundings what is meant."""
    if not words or GENERIC.fullmatch(words) or FORMULA.search(words):
        return True
    return array and " " not in words


def _names(words: str) -> list[Found]:
    """Return the names in a text, in order; a gradient hides the names that it is made of."""
    found: list[Found] = []
    for pattern in GRADIENTS:
        for match in pattern.finditer(words):
            inner = NAMES.fullmatch(match["bottom"])
            covered = any(f.start < match.end() and match.start() < f.end for f in found)
            if inner is None or covered:
                continue
            name = of_gradient(match["top"] or "", _value(inner))
            if name is not None:
                found.append(Found(match.start(), match.end(), name))
    for match in NAMES.finditer(words):
        if not any(f.start < match.end() and match.start() < f.end for f in found):
            name = Name(_value(match), updated=bool(match["new"]))
            found.append(Found(match.start(), match.end(), name))
    return sorted(found)


def spellings(label: str) -> list[str]:
    """Return what an author may call a label by: `h = ReLU(a)` and `h`, `W_1` in a formula."""
    words = plain(label)
    left = left_of(words).strip()
    parts = gradient_parts(left)
    found = [words, left, INDEX.sub(r"_\1", left), INDEX.sub("", left)]
    return [*found, parts[1]] if parts is not None else found


def gradient_parts(text: str) -> tuple[str, str] | None:
    """Return the top and the bottom of `∂L/∂s`, whatever they are called; None for no such."""
    match = next((m for p in GRADIENTS if (m := p.fullmatch(plain(text)))), None)
    return (match["top"] or "", match["bottom"]) if match is not None else None


def of_gradient(top: str, value: str) -> Name | None:
    """Return the gradient of the loss, or of the term that `top` names, at a value."""
    term = None if top in WHOLE else _term(top)
    return Name(value, True, term) if top in WHOLE or term else None


def _term(top: str) -> str | None:
    match = NAMES.fullmatch(top)
    value = _value(match) if match else ""
    return value if value in ("mse", "kl", "bce", "error") else None


def _value(match: re.Match[str]) -> str:
    if match["layer"]:
        return f"{_layer(match['layer'])}.{match['part']}"
    if match["called"]:
        return _output_of(_layer(match["called"]))
    if match["side"]:
        return f"{match['side']}_{match['stage']}{match['depth'] or ''}"
    return next(value for i, (_, value) in enumerate(VOCABULARY) if match[f"_{i}"])


def _layer(text: str) -> str:
    rest = text.removeprefix("fc").strip("_")
    return f"fc{rest}" if rest.isdigit() else f"fc_{rest.replace('_', '')}"


def _output_of(layer: str) -> str:
    """Return what a layer's call gives; which hidden layer it is stands at its end."""
    if layer in ("fc_mu", "fc_logvar"):
        return layer.removeprefix("fc_")
    side = "decoder" if layer.startswith("fc_dec") else "encoder"
    number = layer.removeprefix("fc_dec").removeprefix("fc")
    return f"{side}_pre_{number}"


def _of_label(words: str) -> Name | None:
    """Return what a label ends with, as a name before an equals sign does, or begins with."""
    found = _names(words)
    if not found:
        return None
    last = found[-1]
    before = words[: last.start].rstrip()
    at_end = not words[last.end :].strip(" ).:'\"—-")
    if not last.name.gradient and FORMULA.search(
        words if not at_end else words[max(0, last.start - 3) :]
    ):
        return None  # one of a formula's parts
    if at_end and (len(found) == 1 or not before.endswith(("of", "of the", "in", "in the"))):
        return last.name
    outside = [f for f in found if words[: f.start].count("(") <= words[: f.start].count(")")]
    return (outside or found)[0].name


def _of_context(text: str) -> Name | None:
    """Return what a paragraph speaks of: what stands left of its formula, outside brackets."""
    left = left_of(text)
    found = _names(left)
    outside = [f for f in found if left[: f.start].count("(") <= left[: f.start].count(")")]
    exact = [f for f in found if _is_parameter(f.name.value) or f.name.gradient]
    chosen = exact or outside or found
    return chosen[0].name if chosen else None


def left_of(text: str) -> str:
    """Return what stands before a label's own equals sign, as in `δ = arrives × gate`."""
    return re.split(r" ?(?::=|=|≈)", text, maxsplit=1)[0]


def _stage(text: str) -> str | None:
    return next(
        (stage for pattern, stage in STAGES if re.search(rf"\b(?:{pattern})\b", text)), None
    )


def _side(text: str) -> str | None:
    found = [
        (match.start(), side)
        for pattern, side in SIDES
        if (match := re.search(rf"(?<![a-z])(?:{pattern})", text))
    ]
    return min(found)[1] if found else None


def _with_stage(value: str, words: str, stage: str) -> str:
    """Return a layer's value on the side of its activation that the words beside it say."""
    match = re.fullmatch(r"(encoder|decoder)_(pre|hidden)(_\d+)?", value)
    explicit = re.search(r"_pre(_|\b)", words)
    if match is None or explicit:
        return value
    return f"{match[1]}_{stage}{match[3] or ''}"


def _is_parameter(value: str) -> bool:
    return value.endswith((".weight", ".bias"))


def _of_gradients(around: list[str]) -> bool:
    """Whether the nearest words that speak of either speak of gradients, not of values."""
    for text in around:
        if re.search(r"\b(?:forward|weights|parameters|initial\w*|biases)\b", text):
            return False
        if re.search(r"\bgradients?\b|\bbackward\b|\.grad\b", text):
            return True
    return False
