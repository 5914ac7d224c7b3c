"""The words of the field: introduced in a sentence where a page first uses them, and listed.

Which a page uses is read from its blocks, so that none is explained that is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ...quick_classes import NamedTuple
from ...symbolic.expression import Apply, Expression, Mul, Ref, nodes
from ..blocks import Block, Column, Formula, Heading, Lines, Note, Prose, Statement, Table

TITLE = "Glossary"


class Word(NamedTuple):
    """A word of the field: what it means, and how a page is seen to use it.

    `sentence` introduces it before the first block that uses it; without one it is in the
    list alone, as what a chapter explains already.
    """

    name: str
    meaning: str
    used: Callable[[Block], bool]
    sentence: str = ""


def _expressions(block: Block) -> Iterator[Expression]:
    if isinstance(block, Formula):
        yield block.expression
    elif isinstance(block, Lines) and block.after is not None:
        yield block.after.expression


def has_gate(expression: Expression, function: str = "gate") -> bool:
    """Whether arithmetic has a gate in it, or calls another function."""
    parts = nodes(expression)
    return any(isinstance(node, Apply) and node.function == function for node in parts)


def _calls(function: str) -> Callable[[Block], bool]:
    return lambda block: any(has_gate(each, function) for each in _expressions(block))


def _named(*names: str) -> Callable[[Block], bool]:
    return lambda block: isinstance(block, Formula) and block.left in names


def _remarked(words: str) -> Callable[[Block], bool]:
    return lambda block: isinstance(block, Formula) and words in block.remark


def _hadamard(block: Block) -> bool:
    """Whether two tensors are multiplied number by number in a formula."""
    for each in _expressions(block):
        for node in nodes(each):
            if isinstance(node, Mul):
                tensors = [f for f in node.factors if isinstance(f, Ref) and _size(f) > 1]
                if len(tensors) > 1:
                    return True
    return False


def _size(ref: Ref) -> int:
    return int(getattr(ref.value, "size", 1))


def _passes_back(block: Block) -> bool:
    """Whether a formula takes one step of the chain rule: what arrives, times a slope."""
    if not isinstance(block, Formula) or "/∂" not in block.left:
        return False
    return any(isinstance(n, Ref) and n.role == "gradient" for n in nodes(block.expression))


def _by_ways(block: Block) -> bool:
    """Whether a table splits gradients by term and by way."""
    return isinstance(block, Table) and any(" by " in column.header for column in block.columns)


WORDS = (
    Word(
        "ReLU", "keeps a number above 0 and replaces any other by 0; the unit is off then",
        _calls("relu"),
        "ReLU keeps a number above 0 and replaces any other by 0: max(0, a). A unit that gives 0 "
        "is off: its gate is closed.",
    ),
    Word(
        "log-variance", "log σ², from which σ = exp(½·log σ²)", _named("logvar"),
    ),
    Word(
        "Hadamard product", "of two tensors of the same shape: element by element",
        _hadamard,
        "The dot between two tensors of the same shape is the Hadamard product, element by "
        "element; between two numbers it is plain multiplication.",
    ),
    Word(
        "step of the chain rule", "the gradient of the output, times the local slope",
        _passes_back,
        "Here the chain rule multiplies for the first time: the gradient that arrives at the "
        "output, times the slope of the operation, which for a weight is the input that it "
        "multiplies.",
    ),
    Word(
        "gate", "[a > 0], the slope of ReLU: 1 lets through what arrives, 0 stops it",
        _calls("gate"),
        "[a > 0] is the gate, the slope of ReLU: 1 where a is above 0, so that what arrives gets "
        "through, and 0 elsewhere, which stops it.",
    ),
    Word(
        "part by a way", "what one term of the loss sends through one value, such as μ",
        _by_ways,
    ),
    Word(
        "outer product", "of two vectors: in row i, column j the i-th of one times the j-th of the "
        "other",
        _remarked("outer product"),
        "An outer product has in row i, column j the i-th number of the one times the j-th of the "
        "other.",
    ),
)  # fmt: skip
# Of a whole document, whose chapters explain them.
FURTHER: tuple[tuple[str, str], ...] = (
    ("unit", "one number of a layer, with its own row of weights and its bias"),
    ("latent z, code", "the few numbers in the middle, drawn from q(z|x) = N(μ, σ²)"),
    ("prior", "N(0, I), which the KL pulls every q(z|x) towards"),
    ("ε, noise", "a draw from N(0, I): the random part of z = μ + σ·ε"),
    ("KL", "how far q(z|x) is from the prior"),
    ("∂loss/∂a, gradient", "how fast the loss grows with a; what arrives at a on the way back"),
    ("δ", "the gradient at a layer's sums, before the activation: what arrives times the gate"),
    ("lr", "the learning rate: a parameter moves by lr times its gradient, against it"),
    ("ELBO", "the evidence lower bound on log p(x), which training makes large"),
    ("β", "the weight of the KL beside the reconstruction; 1 in the ELBO"),
)


# What a text has in it that uses one of these.
SIGNS = {
    "unit": "unit", "latent z, code": "q(z|x)", "prior": "prior", "ε, noise": "ε", "KL": "KL",
    "∂loss/∂a, gradient": "∂loss/∂", "δ": "δ", "lr": "lr", "ELBO": "ELBO", "β": "β",
}  # fmt: skip


def _words(block: Block) -> str:
    """Return the words of a block, and what stands above its columns."""
    match block:
        case Prose(text) | Note(text):
            return text
        case Heading():
            return f"{block.title} {block.detail}"
        case Table():
            return " ".join(column.header for column in block.columns)
        case Statement():
            return "".join(part for part in block.parts if isinstance(part, str))
        case _:
            return ""


def introduced(blocks: Iterable[Block]) -> list[Block]:
    """Put before the first block that uses a word of the field the sentence that introduces it."""
    waiting = [word for word in WORDS if word.sentence]
    done: list[Block] = []
    for block in blocks:
        new = [word for word in waiting if word.used(block)]
        if new:
            done.append(Prose(" ".join(word.sentence for word in new), level="standard"))
        waiting = [word for word in waiting if word not in new]
        done.append(block)
    return done


def listed(blocks: Iterable[Block], in_a_table: bool = True) -> list[Block]:
    """Return the words that some blocks use with what they mean: in a table, or line by line."""
    blocks = list(blocks)
    rows = [(word.name, word.meaning) for word in WORDS if any(map(word.used, blocks))]
    said = " ".join(_words(block) for block in blocks)
    rows += [(name, meaning) for name, meaning in FURTHER if SIGNS[name] in said]
    rows.sort(key=lambda row: row[0].lower())
    if not in_a_table:
        return [Prose(f"{name}: {meaning}.") for name, meaning in rows]
    columns = Column("word", "text"), Column("meaning", "text")
    return [Table(columns, tuple(rows))] if rows else []
