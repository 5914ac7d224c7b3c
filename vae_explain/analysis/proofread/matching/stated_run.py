"""What a document states of its run: the seed, the shape of the model, its loss.

The shape is that of the printed parameters. Where a document says nothing, it is read as
the textbook's VAE: ReLU, squared errors and the KL summed, β = 1.

Few documents say which loss they have. So when figures disagree under what is stated, the
other reduction and the weight that the printed loss implies are tried, and the one under
which the fewest disagree is taken, if it more than halves them. One wrong digit cannot do
that.
"""

from __future__ import annotations

import dataclasses
import operator
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from ....models.builtin_config import ACTIVATIONS, BUILT_IN, ActivationName, Architecture
from ....models.changes import Change
from ....quick_classes import NamedTuple
from ..grammar.counts import count_of
from ..grammar.syntax import Literal as Number
from ..grammar.syntax import Row
from ..grammar.tokens import MathToken, lex
from ..passage import Fragment, Passage
from ..reading.values import numbers_of, shape_of
from .figures import PrintedFigure
from .labels import Resolved, is_rate

LARGEST_SEED = 2**64 - 1
SUSPICIOUS = 2  # figures that disagree, before the loss itself is doubted
ARROWS = re.compile(
    r"(?<![\w.])\d+(?:\s*(?:→|->|-|–|⟶|\\to|\\rightarrow|\\longrightarrow)\s*\d+){2,}(?![\w.])"
)
SPELLINGS: dict[str, ActivationName] = {name.replace("_", " "): name for name in ACTIVATIONS}
SPELLINGS |= {"leakyrelu": "leaky_relu", "swish": "silu"}
MEAN = re.compile(r"reduction\W{1,4}(?:is\W+)?mean|averaged over all")
CROSS_ENTROPY = re.compile(r"binary[ _-]cross[ _-]entropy|\bbce\b")
WEIGHT = re.compile(r"\bkl with weight (\d+(?:\.\d+)?)")
CHANGE = re.compile(r"([A-Za-z_][\w.]*\[\d+(?:, ?\d+)*\]) set to (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)")
ROUNDED = re.compile(r"\brounded to (\d{1,2}) decimals?\b")
PRINTED_ROUNDED = "they are printed rounded"
BETA = ("β", "beta", "Beta")
SEED_WORDS = {"(", "=", ":", "at", "is", "of", "to", "with", "the", "value", "as"}


class Seed(NamedTuple):
    """A seed as stated, and where."""

    value: int
    line: int


class StatedRun(NamedTuple):
    """What a document says of its run.

    Attributes
    ----------
    has_widths
        Whether it says how wide the layers are, in words or by its parameters.
    decimals
        To how many parameters and noise were rounded before the run; None where nothing says.
    is_rounded
        Whether it says that its numbers have more digits than are printed.
    changes
        Entries that were set to another number than the seed gives.
    """

    seeds: tuple[Seed, ...]
    architecture: Architecture
    learning_rate: float | None
    has_widths: bool
    decimals: int | None = None
    is_rounded: bool = False
    changes: tuple[Change, ...] = ()


def stated(passages: Sequence[Passage], resolved: Sequence[Resolved]) -> StatedRun:
    """Gather what a document says of its run."""
    pieces = [piece for passage in passages for piece in passage.all_pieces]
    words = "\n".join(piece.text for piece in pieces).casefold()
    beta = _setting(resolved, lambda label: label.strip() in BETA)
    weighted = WEIGHT.search(words)
    if beta is None and weighted is not None:
        beta = float(weighted[1])
    recon: Literal["mse", "bce"] = "bce" if _cross_entropy(words, resolved) else "mse"
    dims = _dims(resolved, words)
    architecture = Architecture(
        dims=dims or BUILT_IN.dims,
        activation=_activation(words),
        recon=recon,
        reduction="mean" if MEAN.search(words) else "sum",
        beta=BUILT_IN.beta if beta is None else beta,
    )
    rounded = ROUNDED.search(words)
    return StatedRun(
        tuple(_seeds(pieces)),
        architecture,
        _setting(resolved, is_rate),
        dims is not None,
        None if rounded is None else int(rounded[1]),
        PRINTED_ROUNDED in words,
    )


def rows_of(resolved: Sequence[Resolved], width: int) -> int:
    """Return how many rows x has, as it is stated first.

    `x [3, 2]` may be the two numbers of x, or say that it has three rows of two: then these
    stand elsewhere.
    """
    counts = [
        (statement, side)
        for statement, name in resolved
        if name is not None and name.value == "x" and not name.gradient
        for side in statement.sides
        if isinstance(side, Row) and (shape_of(side) or (0,))[-1] == width
    ]
    shapes = [shape_of(side) for _, side in counts]
    for statement, side in counts:
        if statement.stated or _as_shape(side) not in shapes:
            shape = shape_of(side) or ()
            return shape[0] if len(shape) > 1 else 1
    return 1


def set_by_hand(
    passages: Sequence[Passage], architecture: Architecture, rows: int
) -> tuple[Change, ...]:
    """Return the entries of parameters and noise that a document says it set, each once.

    One of x stands in x itself.
    """
    texts = (p.text.replace("\\_", "_") for passage in passages for p in passage.all_pieces)
    written = {match[1]: match[2] for text in texts for match in CHANGE.finditer(text)}
    settable = ("eps", *architecture.parameters)
    changes = []
    for target, number in written.items():
        name, _, index = target[:-1].partition("[")
        place = tuple(map(count_of, index.split(",")))
        shape = architecture.shape(name, rows) if name in settable else ()
        if len(place) == len(shape) and all(map(operator.lt, place, shape)):
            changes.append(Change(target, float(number)))
    return tuple(changes)


def _as_shape(row: Row) -> tuple[int, ...] | None:
    """Return the shape that an array of whole numbers may say."""
    numbers = [n.value for n in row.entries if isinstance(n, Number) and n.whole]
    return tuple(map(int, numbers)) if len(numbers) == len(row.entries) else None


def _seeds(pieces: Sequence[Fragment]) -> list[Seed]:
    """Return the seeds in order, those of a `manual_seed(…)` first, each once."""
    seeds: list[tuple[bool, Seed]] = []
    tokens: list[MathToken] = []
    for piece in pieces:
        tokens += lex(f"{piece.text}\n", piece.line, "text")
    for position, token in enumerate(tokens):
        if token.kind != "name" or "seed" not in token.text.casefold():
            continue
        behind = tokens[position + 1 : position + 5]
        for after in behind:
            if after.kind == "number" and after.text.isdecimal():
                if count_of(after.text) <= LARGEST_SEED:
                    in_code = "manual_seed" in token.text
                    seeds.append((not in_code, Seed(count_of(after.text), after.line)))
                break
            if after.text.casefold() not in SEED_WORDS:
                break
    ordered = [seed for _, seed in sorted(seeds, key=lambda entry: entry[0])]
    return list({seed.value: seed for seed in reversed(ordered)}.values())[::-1]


def _dims(resolved: Sequence[Resolved], words: str) -> tuple[int, ...] | None:
    """Return the widths that the printed parameters have, or else those that are written out."""
    sizes: dict[str, int] = {}
    for statement, name in resolved:
        changed = statement.label.endswith("] set")  # one entry, `fc1.weight[0,1] set to 0.5`
        if name is not None and not (name.gradient or changed) and name.place is None:
            numbers = sum(len(numbers_of(s)) for s in statement.sides if isinstance(s, Row))
            sizes.setdefault(name.value, numbers or 1)
    return _from_parameters(sizes) or _written_out(words)


def _from_parameters(sizes: dict[str, int]) -> tuple[int, ...] | None:
    encoder, decoder = (_widths(sizes, prefix) for prefix in ("fc", "fc_dec"))
    latent = sizes.get("fc_mu.bias") or sizes.get("fc_logvar.bias")
    first = sizes.get("fc1.weight")
    if not (encoder and decoder and latent and first):
        return None
    inputs, left_over = divmod(first, encoder[0])
    if left_over:  # a row is missing
        inputs = decoder[-1]
    dims = (inputs, *encoder, latent, *decoder)
    return dims if len(dims) % 2 and dims[0] == dims[-1] else None


def _widths(sizes: dict[str, int], prefix: str) -> list[int]:
    widths: list[int] = []
    while f"{prefix}{len(widths) + 1}.bias" in sizes:
        widths.append(sizes[f"{prefix}{len(widths) + 1}.bias"])
    return widths


def _written_out(words: str) -> tuple[int, ...] | None:
    for arrows in ARROWS.finditer(words):
        dims = tuple(count_of(number) for number in re.findall(r"\d+", arrows[0]))
        if len(dims) % 2 and len(dims) >= 3 and dims[0] == dims[-1] and all(dims):
            return dims
    return None


def _activation(words: str) -> ActivationName:
    """Return the activation that is spoken of most; a sigmoid may be the output's alone."""
    longest_first = sorted(SPELLINGS, key=len, reverse=True)
    pattern = "|".join(rf"{spelling.replace(' ', '[ _-]?')}" for spelling in longest_first)
    spoken = Counter(
        SPELLINGS.get(re.sub("[_-]", " ", match[0]), "relu")
        for match in re.finditer(rf"(?<![a-z])(?:{pattern})(?![a-z])", words)
    )
    hidden = [name for name in spoken if name != "sigmoid"]
    return max(hidden or spoken, key=lambda name: spoken[name], default="relu")


def _cross_entropy(words: str, resolved: Sequence[Resolved]) -> bool:
    named = {name.value for _, name in resolved if name is not None}
    return "bce" in named or ("mse" not in named and CROSS_ENTROPY.search(words) is not None)


def _setting(resolved: Sequence[Resolved], is_its: Callable[[str], bool]) -> float | None:
    """Return the first number under a label that is a setting's."""
    for statement, _ in resolved:
        first = statement.sides[0]
        if isinstance(first, Number) and is_its(statement.label):
            return first.value
    return None


def alternatives(stated: Architecture, figures: Sequence[PrintedFigure]) -> Iterator[Architecture]:
    """Yield the losses that a document may mean beside the one that it states."""
    weights = dict.fromkeys([stated.beta, *_weights(stated, figures)])
    for reduction in (stated.reduction, "mean" if stated.reduction == "sum" else "sum"):
        for beta in weights:
            architecture = dataclasses.replace(stated, reduction=reduction, beta=beta)
            if architecture != stated:
                yield architecture


def _weights(stated: Architecture, figures: Sequence[PrintedFigure]) -> Iterator[float]:
    """Yield the weights of the KL that the printed numbers imply."""
    values = {f.element: f.printed.value for f in reversed(figures)}
    if "kl.grad" in values:
        yield values["kl.grad"]
    error, kl, loss = (values.get(name) for name in (stated.recon, "kl", "loss"))
    if error is not None and kl and loss is not None:
        implied = float(f"{(loss - error) / kl:.3g}")
        if implied >= 0:
            yield implied
