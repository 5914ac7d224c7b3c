"""What the field's own quantities are made of, whoever writes it: a VAE's σ, z and divergence.

A formula for one of them that gives other numbers than the usual one, and gives the same with
one sign or factor changed, is wrong by itself, whether its document computes with it or not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, partial
from itertools import permutations

from ..arithmetic.evaluation import CannotEvaluate, Leaf, Lookup, as_printed, evaluate
from ..arithmetic.intervals import Range, exactly
from ..grammar.parser import parse
from ..grammar.quantities import without_index
from ..grammar.syntax import (
    FunctionCall,
    Literal,
    Negative,
    Power,
    Product,
    Sum,
    Symbol,
    Tree,
    inside,
    key_of,
    with_part,
)
from ..grammar.tokens import lex
from ..grammar.variants import HALF, TWO, constants, further_variants, somewhere, variants
from .scope import EVERY

USUAL = {
    "KL": "0.5·Σ(σ² + μ² - 1 - log σ²)",
    "σ²": "exp(log σ²)",
    "σ": "exp(0.5·log σ²)",
    "z": "μ + σ·ε",
}
# What is put in for μ, log σ² and ε, to tell formulas from each other.
TARGETS = {"t", "target", "ideal", "desired", "label"}
OUTPUTS = {"o", "y", "a", "out", "output", "actual", "pred", "prediction"}
DIGITS = 9  # by which formulas are told from each other
PROBES = ((0.3, -0.7, 0.8), (-1.1, 0.4, -0.6))


@cache
def usual_formula(key: str) -> Tree | None:
    """Return what a quantity is made of by its usual definition."""
    text = USUAL.get("KL" if key.upper().endswith("KL") else key)
    return None if text is None else parse(list(lex(text, 0, "text")))[0]


def meant(key: str, formula: Tree) -> Tree | None:
    """Return the usual quantity's formula that one differs from by one sign or factor.

    A part of it does not differ: a divergence may be averaged over its latents.
    """
    usual = usual_formula(key)
    given, wanted = _at_probes(formula), None if usual is None else _at_probes(usual)
    if given is None or wanted is None or given == wanted or _is_part(given, wanted):
        return None
    for edits in (variants, further_variants, partial(somewhere, change=constants)):
        for other in edits(formula):
            if _at_probes(other) == wanted:
                return other
    lacking = (
        usual is not None
        and letters(usual) <= letters(formula)
        and any(_at_probes(other) == given for other in somewhere(usual, _without_a_term))
    )
    return usual if lacking else None


def _without_a_term(tree: Tree) -> Iterator[Tree]:
    if isinstance(tree, Sum):
        for i in range(len(tree.terms)):
            yield Sum((*tree.terms[:i], *tree.terms[i + 1 :]))


def letters(formula: Tree) -> set[str]:
    """Return the letters of a formula; σ stands for σ² and log σ², too."""
    return {leaf.base for leaf in inside(formula) if isinstance(leaf, Symbol)}


def with_difference(formula: Tree) -> Tree | None:
    """Return a squared error with the difference of which it has the sum: `(x + x̂)²`."""
    return next(iter(somewhere(formula, _difference)), None)


def _difference(tree: Tree) -> Iterator[Tree]:
    match tree:
        case Power(FunctionCall("norm", (Sum() as total,)) | (Sum() as total), Literal(value=2.0)):
            match total.terms:
                case (Symbol(one), Symbol(other)) if _are_compared(one, other):
                    yield with_part(tree, total, Sum((total.terms[0], Negative(total.terms[1]))))


def _are_compared(one: str, other: str) -> bool:
    """Whether two signs are those of a target and of what was made for it."""
    pairs = permutations((one.lower(), other.lower()))
    return any(out == f"{t}^" or (t in TARGETS and out in OUTPUTS) for t, out in pairs)


def with_bias(formula: Tree) -> Tree | None:
    """Return a layer's formula with its bias added that takes it off: `fc.weight @ x - fc.bias`."""
    if not _biases_off(formula):
        return None
    return next((other for other in variants(formula) if not _biases_off(other)), None)


def _biases_off(formula: Tree) -> int:
    """Return how many biases a formula takes off the products of their own weights."""
    sums = [part.terms for part in inside(formula) if isinstance(part, Sum)]
    return sum(
        isinstance(term, Negative) and any(_is_bias(term.body, other) for other in terms)
        for terms in sums
        for term in terms
    )


def _is_bias(tree: Tree, product: Tree) -> bool:
    """Whether a bias is that of the weights in a product, by its name."""
    if not isinstance(tree, Symbol):
        return False
    weights = [part.key for part in inside(product) if isinstance(part, Symbol)]
    if tree.key.endswith(".bias"):
        return f"{tree.key.removesuffix('bias')}weight" in weights
    return tree.base == "b" and f"W{tree.index}" in weights


def multiples(said: Iterable[tuple[str | None, Tree]]) -> set[str]:
    """Return the quantities of which a document states twice or half as much, or by another name.

    Parameters
    ----------
    said
        Sides of its equations, with what each is said to be.
    """
    scaled: set[str] = set()
    names: dict[Tree, set[str]] = {}
    for name, tree in said:
        if name is not None:
            names.setdefault(tree, set()).add(name)
        for part in inside(tree):
            if isinstance(part, Product) and any(f in (HALF, TWO) for f in part.factors):
                scaled |= {key for factor in part.factors if (key := key_of(factor)) is not None}
    return scaled.union(*(keys for keys in names.values() if len(keys) > 1))


def adds_twice(key: str, trees: Iterable[Tree]) -> bool:
    """Whether twice a quantity is a term, as `2·log σ` is of a divergence."""
    sums = (part for tree in trees for part in inside(tree) if isinstance(part, Sum))
    terms = (term.body if isinstance(term, Negative) else term for s in sums for term in s.terms)
    products = (term.factors for term in terms if isinstance(term, Product))
    return any(TWO in factors and key in map(key_of, factors) for factors in products)


def _is_part(given: list[float], wanted: list[float]) -> bool:
    times = [one / other for one, other in zip(given, wanted, strict=True) if other]
    return bool(times) and 0 < times[0] < 1 and math.isclose(min(times), max(times), rel_tol=1e-6)


def _at_probes(formula: Tree) -> list[float] | None:
    """Return what a formula gives for several μ, log σ² and ε; None if it is made of others."""
    try:
        values = [evaluate(formula, as_printed, lookup) for lookup in _probes()]
    except CannotEvaluate:
        return None
    return (
        None if any(f.shape for f in values) else [round(float(f.middle), DIGITS) for f in values]
    )


def _probes() -> Iterator[Lookup]:
    for mean, log, noise in PROBES:
        yield _lookup_in(
            {"μ": mean, "logσ²": log, "σ²": math.exp(log), "σ": math.exp(log / 2), "ε": noise}
        )


def _lookup_in(known: Mapping[str, float]) -> Lookup:
    def lookup(tree: Tree, leaf: Leaf) -> Range | None:
        whole, index = without_index(tree)
        if whole is None or not set(index) <= EVERY:
            return None
        value = known.get(key_of(whole) or "")
        return None if value is None else exactly(value)

    return lookup


def is_of_example(formula: Tree) -> bool:
    """Whether a formula has inputs put in, as `w_1·0 + w_2·1 + b`, so that it is of one example."""
    products = (part for part in inside(formula) if isinstance(part, Product))
    return any(
        isinstance(factor, Literal) and not factor.value
        for product in products
        for factor in product.factors
    )
