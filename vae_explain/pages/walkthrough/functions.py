"""What the functions in a formula do, in words, where a page has the first formula with each.

A formula over whole tensors calls some ops by their names, since there is no shorter way to
write them: `conv2d(image, weight)`. What a rule says of itself is the word for these. For
what has no rule of its own, as much that a gradient is made with, the words stand here.
"""

from __future__ import annotations

import re

from ...ops import Rule, rule_shown_as
from ...symbolic.expression import Apply, Expression, Opaque, Reshape, nodes

# What a reader needs no words for.
PLAIN = {"mean", "var", "max", "min", "amax", "amin", "maximum", "minimum", "full"}
_WINDOW_MEAN = "what arrives at a window is shared equally by the numbers in it"
_WINDOW_LARGEST = "what arrives at a window goes to the largest number in it"
# What is written as a function of its own and does what an op does, by the op.
OPS = {r"einsum\[.*\]": "einsum", r"put": "index_put"}
# By the whole name of a function in a formula, of what is no op with a rule.
OTHERS = {
    r"causal_softmax": "the softmax over the keys up to the query's own place",
    r"masked_softmax": "the softmax over the keys that the mask lets through",
    r"conv\dd_weight": "each weight gets what arrives times the number that it met, summed over "
    "all places where the kernel was",
    r"(adaptive_)?max_pool\dd_backward": _WINDOW_LARGEST,
    r"(adaptive_)?avg_pool\dd_backward": _WINDOW_MEAN,
    r"interpolate_backward": "each input gets from every output that it went into what arrives "
    "there, times its share in it",
    r"pad_backward": "what arrives, without what arrives at the padding",
    r"group_norm_backward": "the chain rule through the mean and the variance of each group",
    r"cumsum_from_behind": "what arrives, summed from each place to the end",
    r"cumprod_backward": "each factor gets what arrives at every product that it is in, times "
    "the other factors",
    r"logcumsumexp_backward": "each number gets its share of what arrives at every sum it is in",
    r"trace_backward": "what arrives, on the diagonal",
    r"prod_of_others": "the product of all other factors",
    r"zeros_but": "zeros, but for what arrives in the place that was taken",
    r"put_zero": "what arrives, with zeros in the place that was written over",
    r"sum_of_copies": "what arrives at all copies, added up",
    r"sum_to": "what arrives, summed over the places that one number was written to",
    r"direction": "each number divided by the length, or 0 where the length is 0",
    r"quotient": "the one divided by the other, or 0 where that is 0",
    r"without_nan": "0 in place of each NaN",
    r"is_number": "0 at each NaN, 1 elsewhere",
    r"is_largest": "1 at the largest number, at each of several, and 0 elsewhere",
    r"(normalize|cosine_similarity)_backward": "the chain rule through the lengths as well",
    r"glu_backward": "the chain rule through both halves",
    r"diag(onal)?_backward": "what arrives, put where it was taken from, and zeros elsewhere",
    r"diag_embed_backward": "what arrives on the diagonals",
    r"scatter_reduce_backward": "what arrives at each place, times its slope by each number there",
    r"embedding_bag_backward": "each row gets its share of what arrives at every bag it is in",
    r"(cross_entropy|nll_loss)_backward": "the slope of the loss for each class",
    r"(m?sort|topk|kthvalue|median|mode|cum(max|min))_backward": "what arrives goes back to "
    "where each number stood",
    r"arg(topk|kthvalue|median|mode|cummax|cummin)": "where these stand, counted from 0",
    r"cholesky_backward": "½·(S + Sᵀ) for S = inv(L)ᵀ·Φ(Lᵀ·G)·inv(L), with the triangle L, what "
    "arrives G, and Φ for the lower triangle with half of its diagonal",
    r"cholesky_solve_backward": "-(S + Sᵀ)·L for S = inv(L·Lᵀ)·G·Xᵀ, with the triangle L, the "
    "solution X and what arrives G",
    r"logabsdet": "the logarithm of the size of the determinant",
    r"sign_of_det": "the sign of the determinant",
    r"median'": "1 at the number in the middle, 0 at the others",
    r"\w+'": "the slope of {}",
}


def functions(expression: Expression) -> list[str]:
    """Return the functions that a formula calls by name, each once, in order."""
    calls = (node.name for node in nodes(expression) if isinstance(node, Opaque))
    return list(dict.fromkeys(name for name in calls if not name.startswith((".", "["))))


def words(function: str) -> str:
    """Say what a function in a formula does; nothing where that is plain or not known.

    Examples
    --------
    >>> words("avg_pool2d"), words("elu'"), words("mean")
    ('the mean of each window', 'the slope of elu', '')
    """
    if function in PLAIN or function.rstrip("'") in PLAIN:
        return ""
    op = next((op for pattern, op in OPS.items() if re.fullmatch(pattern, function)), function)
    rule = rule_shown_as(op)
    if rule is not None:
        return rule.words
    for pattern, text in OTHERS.items():
        if re.fullmatch(pattern, function):
            return text.format(function.rstrip("'"))
    return ""


def _names(expression: Expression, op: Rule) -> bool:
    """Whether a formula calls an op by its name."""
    return any(
        (isinstance(node, Opaque) and node.name == op.shown)
        or (isinstance(node, Apply) and node.function == op.name)
        for node in nodes(expression)
    )


class FunctionNotes:
    """The notes that a page has beside its formulas: each function is explained once.

    Parameters
    ----------
    repeat
        Whether each formula has all of its notes, as on a page that is read in parts.
    """

    def __init__(self, repeat: bool = False) -> None:
        self.repeat = repeat
        self._said: set[str] = set()

    def remark(self, expression: Expression, op: Rule | None = None) -> str:
        """Return what to say beside a formula whose value an op made."""
        notes = {name: words(name) for name in functions(expression)}
        if isinstance(expression, Reshape):  # which typeset formulas leave out
            notes["reshape"] = words("reshape")
        if op and op.title and op.words not in notes.values() and not _names(expression, op):
            notes = {op.title: op.words} | notes
        said = set() if self.repeat else self._said
        fresh = {name: text for name, text in notes.items() if text and name not in said}
        self._said |= fresh.keys()
        return " · ".join(f"{name}: {text}" for name, text in fresh.items())
