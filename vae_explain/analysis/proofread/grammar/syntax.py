"""The tree of a printed formula: numbers as they are printed, names, and what joins them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import field, replace
from sys import float_info

from ....quick_classes import dataclass


@dataclass(frozen=True, slots=True)
class Literal:
    """A number as printed.

    Attributes
    ----------
    text
        Its digits, with the sign when it has one of its own: `-0.40`.
    value
        The number that the digits are.
    decimals
        How many digits stand behind the point, less the exponent.
    line
        Where it is printed.
    tolerance
        What follows a `±`, or what it may be off as its digits go on, or as it is said to be
        about that; 0 where nothing says so.
    """

    text: str
    value: float
    decimals: int
    line: int = field(default=0, compare=False)
    tolerance: float = field(default=0.0, compare=False)

    @property
    def unit(self) -> float:
        """One in its last place, or the smallest number that there is with all digits."""
        return max(float(f"1e{-self.decimals}"), float_info.min)

    @property
    def whole(self) -> bool:
        """Whether it is written without decimals, such as `4`, `0.` or `1e3`, not `1.07e9`."""
        mantissa = self.text.lower().partition("e")[0]
        return self.decimals <= 0 and not mantissa.partition(".")[2]

    @property
    def significant(self) -> int:
        """How many digits it claims, from the first that is not zero."""
        digits = self.text.lower().partition("e")[0].lstrip("+-")
        digits = digits.replace(".", "").replace(",", "")
        return max(1, len(digits.lstrip("0")))


@dataclass(frozen=True, slots=True)
class Symbol:
    """A quantity: its sign and its index, `σ` and `1` of `\\sigma_1`."""

    base: str
    index: str = ""
    bold: bool = field(default=False, compare=False)  # whether it is set as a vector

    @property
    def key(self) -> str:
        return f"{self.base}{self.index}"


@dataclass(frozen=True, slots=True)
class Negative:
    body: Tree


@dataclass(frozen=True, slots=True)
class Sum:
    terms: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Product:
    """Factors in order, each with the sign before it: `*`, `⊙`, `@`, `/`, or none."""

    factors: tuple[Tree, ...]
    signs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Power:
    base: Tree
    exponent: Tree


@dataclass(frozen=True, slots=True)
class FunctionCall:
    function: str
    arguments: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A list; a matrix is a list of lists."""

    entries: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Total:
    """A sum or product over an index, `\\sum_i …`, or along one axis: `\\sum_{dim=1} …`."""

    function: str
    body: Tree
    axis: int | None = None


@dataclass(frozen=True, slots=True)
class Transposed:
    body: Tree


Tree = Literal | Symbol | Negative | Sum | Product | Power | FunctionCall | Row | Total | Transposed


def parts(tree: Tree) -> tuple[Tree, ...]:
    """Return what a tree is directly made of."""
    match tree:
        case Literal() | Symbol():
            return ()
        case Negative(body) | Total(_, body) | Transposed(body):
            return (body,)
        case Sum(terms):
            return terms
        case Product(factors, _):
            return factors
        case Power(base, exponent):
            return (base, exponent)
        case FunctionCall(_, arguments):
            return arguments
        case Row(entries):
            return entries


def inside(tree: Tree) -> Iterator[Tree]:
    """Yield a tree and all that it is made of, from left to right."""
    waiting = [tree]
    while waiting:
        subtree = waiting.pop()
        yield subtree
        if type(subtree) is not Literal:
            waiting += reversed(parts(subtree))


def literals(tree: Tree) -> list[Literal]:
    """Return the numbers of a tree."""
    return [part for part in inside(tree) if type(part) is Literal]


def is_bare(tree: Tree) -> bool:
    """Whether a tree is a number, or a list of numbers, with no arithmetic."""
    while isinstance(tree, Row) and len(tree.entries) == 1:
        (tree,) = tree.entries
    if isinstance(tree, Row):
        return all(is_bare(entry) for entry in tree.entries)
    return isinstance(tree, Literal)


def is_arithmetic(tree: Tree) -> bool:
    """Whether a tree is arithmetic on numbers alone, and no number or list as it stands."""
    return is_numeric(tree) and not is_bare(tree)


def is_numeric(tree: Tree) -> bool:
    """Whether a tree is numbers and arithmetic alone."""
    return not any(type(part) is Symbol for part in inside(tree))


def key_of(tree: Tree) -> str | None:
    """Return what a tree is called, if it is the name of one quantity: `logσ²`, `∂L/∂μ`.

    The variance and its logarithm are quantities of their own, however they are written.
    """
    match tree:
        case Symbol():
            return tree.key
        case Power(Symbol("σ" as base, index), Literal(value=2.0)):
            return f"{base}²{index}"
        case FunctionCall("log", (Power() | Symbol() as body,)):
            inner = key_of(body)
            return f"log{inner}" if inner is not None and inner.startswith("σ²") else None
        case Product():
            names = derivative(tree)
            return f"∂{key_of(names[0])}/∂{key_of(names[1])}" if names is not None else None
    return None


def quantities(tree: Tree) -> Iterator[Tree]:
    """Yield the quantities that a formula is made of, from left to right."""
    if not isinstance(tree, Literal) and key_of(tree) is not None:
        yield tree
    else:
        for part in parts(tree):
            yield from quantities(part)


def derivative(tree: Tree) -> tuple[Tree, Tree] | None:
    """Return the quantities of `∂L/∂w` or `dL/dw`; None for what is no derivative."""
    match tree:
        case Product((Symbol("∂"), top, Symbol("∂"), bottom), ("", "", "/", "")):
            return (top, bottom) if key_of(top) and key_of(bottom) else None
        # A Greek letter is no part of the name that `∂` and a Latin one are.
        case Product((Symbol("∂") as sign, top, below), ("", "", "/")):
            return derivative(Product((Product((sign, top), ("", "")), below), ("", "/")))
        case Product((above, Symbol("∂") as sign, bottom), ("", "/", "")):
            return derivative(Product((above, Product((sign, bottom), ("", ""))), ("", "/")))
        case Product((above, below), ("", "/")):
            for letter in "∂d":
                names = _differential(above, letter), _differential(below, letter)
                if names[0] is not None and names[1] is not None:
                    return names[0], names[1]
    return None


def derivative_of(top: Tree, bottom: Tree) -> Tree:
    """Return the derivative of one quantity at another, as it is written."""
    above, below = (Product((Symbol("∂"), tree), ("", "")) for tree in (top, bottom))
    return Product((above, below), ("", "/"))


def _differential(tree: Tree, sign: str) -> Tree | None:
    """Return the quantity of `∂L`, written in one piece or as a product."""
    match tree:
        case Symbol(base, index) if len(base) > 1 and base[0] == sign:
            return Symbol(base[1:], index) if sign == "∂" or len(base) == 2 else None
        case Product((Symbol("∂"), body), ("", "")) if sign == "∂" and key_of(body) is not None:
            return body
    return None


def flattened(tree: Tree) -> Tree:
    """Return a matrix of one column as the list that it is, and `[[a]]` as `a`'s list."""
    if isinstance(tree, Row) and all(
        isinstance(entry, Row) and len(entry.entries) == 1 for entry in tree.entries
    ):
        return Row(tuple(entry.entries[0] for entry in tree.entries if isinstance(entry, Row)))
    if isinstance(tree, Negative) and isinstance(tree.body, Literal):
        return negated(tree.body)
    return tree


def negated(number: Literal) -> Literal:
    text = number.text[1:] if number.text.startswith("-") else f"-{number.text}"
    return replace(number, text=text, value=-number.value)


def with_parts(tree: Tree, new: Sequence[Tree]) -> Tree:
    """Return a tree that is made of other parts in the same way."""
    match tree:
        case Literal() | Symbol():
            return tree
        case Sum():
            return Sum(tuple(new))
        case Row():
            return Row(tuple(new))
        case Product():
            return replace(tree, factors=tuple(new))
        case FunctionCall():
            return replace(tree, arguments=tuple(new))
        case Power():
            return Power(*new)
        case _:
            return replace(tree, body=new[0])


def mapped(tree: Tree, change: Callable[[Tree], Tree]) -> Tree:
    """Return a tree with every part changed, from the leaves up."""
    return change(with_parts(tree, [mapped(part, change) for part in parts(tree)]))


def substituted(tree: Tree, new: Callable[[Tree], Tree | None]) -> Tree:
    """Return a tree with other parts in place of its own, from the top: None keeps a part."""
    other = new(tree)
    if other is not None:
        return other
    return with_parts(tree, [substituted(part, new) for part in parts(tree)])


def with_part(tree: Tree, part: Tree, new: Tree) -> Tree:
    """Return a tree with another part in place of one of its own, the same object."""
    return substituted(tree, lambda each: new if each is part else None)


def replaced(tree: Tree, place: int, number: Tree) -> Tree:
    """Return a tree with something else for one of its numbers, counted from the left."""
    seen = iter(range(len(literals(tree))))

    def change(part: Tree) -> Tree:
        return number if isinstance(part, Literal) and next(seen) == place else part

    return mapped(tree, change)


def shown(tree: Tree) -> str:
    """Write a tree on one line, for a message."""
    match tree:
        case Literal():
            return tree.text
        case Symbol():
            return tree.key
        case Negative(body):
            return f"-{_inner(body)}"
        case Sum(terms):
            written = [shown(terms[0])]
            for term in terms[1:]:
                minus = isinstance(term, Negative)
                body = term.body if isinstance(term, Negative) else term
                text = shown(body) if isinstance(body, Product) else _inner(body)
                written.append(f"{'-' if minus else '+'} {text}")
            return " ".join(written)
        case Product(factors, signs):
            written = [_inner(factors[0])]
            for factor, sign in zip(factors[1:], signs[1:], strict=True):
                written.append(f"{sign if sign in '/⊙@' and sign else '·'}{_inner(factor)}")
            return "".join(written)
        case Power(base, exponent):
            return f"{_inner(base)}^{_inner(exponent)}"
        case FunctionCall(function, arguments):
            return f"{function}({', '.join(map(shown, arguments))})"
        case Row(entries):
            return f"[{', '.join(map(shown, entries))}]"
        case Total(function, body):
            return f"{function} {_inner(body)}"
        case Transposed(body):
            return f"{_inner(body)}ᵀ"


def _inner(tree: Tree) -> str:
    return f"({shown(tree)})" if isinstance(tree, Sum | Negative | Product) else shown(tree)
