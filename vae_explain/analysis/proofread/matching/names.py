"""The names of quantities that stand in a text, in words, in signs and in code.

`fc1.weight`, `μ`, `KL Divergence` and `∂L/∂z` are each read as a name of the run, once
signs have become words. What stands around a name is for
`labels.py`.
"""

from __future__ import annotations

import re

from ....models.builtin_config import BUILT_IN
from ....models.vocabulary import VOCABULARY, plain
from ....quick_classes import NamedTuple
from ..grammar.counts import count_of


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
    def is_backward(self) -> bool:
        """Whether it belongs to the backward pass, or to the step that it is taken for."""
        return self.gradient or self.updated

    @property
    def is_input(self) -> bool:
        """Whether it is what a run starts from."""
        return not self.is_backward and (self.value in ("x", "eps") or is_parameter(self.value))

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


class NameInText(NamedTuple):
    """A name that stands in a text, and where."""

    start: int
    end: int
    name: Name


def is_parameter(value: str) -> bool:
    return value.endswith((".weight", ".bias"))


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
LONGEST_LABEL = 400  # signs of what may name a number: a sentence, and the nearest part of it
WHOLE = {"", "l", "loss", "j", "total", "elbo"}
INDEX = re.compile(r"\[ ?(\d+(?: ?, ?\d+)*) ?\] ?$")


# The names that an author may give to a label, those of the VAE with one hidden layer.
KNOWN = ("x", *BUILT_IN.parameters, *BUILT_IN.steps)


def named(text: str) -> Name | None:
    """Read a quantity's name as the package writes it: `encoder_hidden`, `fc1.weight.grad`."""
    words = INDEX.sub("", text.strip())
    match = OWN.fullmatch(words)
    if match is None:
        return None
    return Name(match["value"], match["grad"] is not None, None, index_of(text), bool(match["new"]))


def index_of(label: str) -> tuple[int, ...] | None:
    """Return the element that a label ends with, `z[0]`, or None."""
    index = INDEX.search(label)
    return tuple(count_of(part) for part in index[1].split(",")) if index else None


def names_in(words: str) -> list[NameInText]:
    """Return the names in a text, in order; a gradient hides the names that it is made of."""
    names: list[NameInText] = []
    words = words[-LONGEST_LABEL:]
    for pattern in GRADIENTS:
        for match in pattern.finditer(words):
            inner = NAMES.fullmatch(match["bottom"])
            covered = any(f.start < match.end() and match.start() < f.end for f in names)
            if inner is None or covered:
                continue
            name = of_gradient(match["top"] or "", _value(inner))
            if name is not None:
                names.append(NameInText(match.start(), match.end(), name))
    for match in NAMES.finditer(words):
        if not any(f.start < match.end() and match.start() < f.end for f in names):
            name = Name(_value(match), updated=bool(match["new"]))
            names.append(NameInText(match.start(), match.end(), name))
    return sorted(names)


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
    return f"fc{rest}" if rest.isdecimal() else f"fc_{rest.replace('_', '')}"


def _output_of(layer: str) -> str:
    """Return what a layer's call gives; which hidden layer it is stands at its end."""
    if layer in ("fc_mu", "fc_logvar"):
        return layer.removeprefix("fc_")
    side = "decoder" if layer.startswith("fc_dec") else "encoder"
    number = layer.removeprefix("fc_dec").removeprefix("fc")
    return f"{side}_pre_{number}"
