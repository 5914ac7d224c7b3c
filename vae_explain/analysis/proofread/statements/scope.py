"""What a document has stated so far: its quantities, and the formulas it has for them.

A quantity that is given another value starts over: what was stated after it, and may have been
computed from it, is forgotten, save the weights. What stood before it cannot depend on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from ....quick_classes import NamedTuple
from ..arithmetic import intervals
from ..arithmetic.evaluation import CannotEvaluate, Leaf, as_printed, evaluate, half
from ..arithmetic.intervals import Range, hull
from ..grammar.quantities import with_index, without_index
from ..grammar.syntax import (
    FunctionCall,
    Literal,
    Power,
    Row,
    Symbol,
    Tree,
    derivative,
    flattened,
    inside,
    is_bare,
    key_of,
    literals,
    mapped,
    quantities,
)
from .adam import moment_formula

WEIGHTS = tuple("WVUbwβηλ")
LONG = 6  # digits that nobody chooses
EVERY = frozenset("ijknd")  # an index that runs over all
SINGLE = {"μ", "σ", "σ²", "logσ²", "ε", "z"}  # of a latent space that may have one dimension
TOLERATED = 0.05  # of a deviation, by which its own variance may be of another
FAMILY = ("σ", "σ²", "logσ²")


class StatedValue(NamedTuple):
    """A value as it is printed, and where.

    Attributes
    ----------
    right
        What it should be, where it is printed wrong: what follows may go on from either.
    """

    tree: Tree
    line: int
    order: int
    bold: bool
    right: Range | None


class StatedFormula(NamedTuple):
    """What a quantity is said to be, in terms of others."""

    tree: Tree
    line: int


class Scope:
    """The quantities and formulas that hold at a place of the document."""

    def __init__(self) -> None:
        self.values: dict[str, StatedValue] = {}
        self.formulas: dict[str, StatedFormula] = {}
        self._keys_of: dict[Tree, dict[str, None]] = {}  # of each formula, in their order
        self.hidden: dict[str, tuple[int, StatedValue]] = {}  # for a line, and on which
        self.cases: dict[str, Tree] = {}  # what quantities with a value were said to be in a case
        self.zero_based: set[str] = set()
        self.unprinted: set[Tree] = set()  # usual formulas, which are not to blame
        self.varied: set[str] = set()  # whose elements had several values, as of several draws
        self.order = 0

    # --- stating ---

    def state(self, name: Tree, value: Tree, line: int, right: Range | None = None) -> None:
        """Remember the value of a quantity, and forget what an older one led to."""
        key = key_of(name)
        if key is None:
            return
        if not _is_array(value):  # of rows of different lengths
            self.values.pop(key, None)
            return
        self.order += 1
        before = self.values.get(key)
        if before is not None and not _restates(before.tree, value):
            self._forget_after(before.order, line)
            if isinstance(name, Symbol):
                self.varied.add(name.base)
        bold = isinstance(name, Symbol) and name.bold
        self.values[key] = StatedValue(flattened(value), line, self.order, bold, right)

    def lose(self, name: Tree, line: int) -> None:
        """Know of a quantity only that it has another value from here on."""
        before = self.values.pop(key_of(name) or "", None)
        if before is not None:
            self._forget_after(before.order, line)

    @contextmanager
    def supposing(self, key: str, value: Tree) -> Iterator[None]:
        """Hold another value for the one that is stated, for a moment."""
        before = self.values[key]
        self.values[key] = before._replace(tree=flattened(value), right=None)
        try:
            yield
        finally:
            self.values[key] = before

    def _forget_after(self, order: int, line: int) -> None:
        """Forget what was computed from an older value, not what is stated on the line of a new."""
        for key, stated in list(self.values.items()):
            weight = key.startswith(WEIGHTS) or is_matrix(stated.tree)
            if stated.order > order and stated.line != line and not weight:
                del self.values[key]

    def set_aside(self, names: Iterable[Tree], value: Tree, line: int) -> None:
        """Know nothing of quantities as long as a line goes on that makes a case of them."""
        for key in map(key_of, names):
            if key in self.values:
                self.cases[key] = value
                self.hidden[key] = (line, self.values.pop(key))

    def resume(self, line: int) -> None:
        """Go on with what was set aside on another line."""
        for key, (hidden_on, stated) in list(self.hidden.items()):
            if hidden_on != line:
                self.values.setdefault(key, stated)
                del self.hidden[key]

    def cases_of(self, formula: Tree) -> list[tuple[str, Tree]]:
        """Return what the quantities of a formula were said to be in a case, by name."""
        keys = dict.fromkeys(map(key_of, quantities(formula)))
        return [(k, self.cases[k]) for k in keys if k in self.cases and k in self.values]

    def forget(self, formula: Tree) -> None:
        """Forget the values of what a formula is made of."""
        for name in quantities(formula):
            self.values.pop(key_of(name) or "", None)

    def say(self, name: Tree, formula: Tree, line: int) -> None:
        """Remember a formula of a quantity; an update ends the one before, and is none itself."""
        key = key_of(name)
        if key is None:
            return
        if key in self.formulas:
            del self._keys_of[self.formulas.pop(key).tree][key]
        if name not in quantities(formula):
            self.formulas[key] = StatedFormula(formula, line)
            self._keys_of.setdefault(formula, {})[key] = None

    def keys_of(self, formula: Tree) -> Iterable[str]:
        """Return the quantities that a formula is said of."""
        return self._keys_of.get(formula, ())

    def line_of(self, formula: Tree) -> int | None:
        """Return the line on which a formula stands."""
        lines = [self.formulas[key].line for key in self.keys_of(formula)]
        return lines[-1] if lines else None

    def formula(self, name: Tree) -> tuple[Tree, int | None] | None:
        """Return the formula of a quantity, and which element of it the quantity is."""
        key = key_of(name)
        if key in self.formulas:
            return self.formulas[key].tree, None
        base, index = without_index(name)
        whole = key_of(base) if base is not None else None
        if base is None or not index:
            return None
        if whole not in self.formulas:
            formula = self._of_elements(base, index)
            return (formula, None) if formula is not None else self._usual_moment(key or "")
        place, formula = self._place(base, index), self.formulas[whole].tree
        if place is None or (isinstance(formula, Row) and name in formula.entries):
            return None  # `w = [w_1, w_2]` says nothing of w_1
        counted = {_counted(part) for part in quantities(formula)} & self.zero_based
        if counted and _counted(base) not in self.zero_based and not index.startswith("["):
            place += 1  # `m̂ = m/(1 − β^t)` of m_0, m_1, …: m̂_1 is that of m_1
        return formula, place

    def _usual_moment(self, key: str) -> tuple[Tree, int | None] | None:
        def own(name: str) -> Tree | None:
            return self.formulas[name].tree if name in self.formulas else None

        formula = moment_formula(key, self.values, own)
        if formula is None:
            return None
        self.unprinted.add(formula)
        return formula, None

    def _of_elements(self, base: Tree, index: str) -> Tree | None:
        """Return the formula of an element where one is said of every: `z_i = μ_i + σ_i ε_i`."""
        for every in EVERY if index.isdecimal() else ():
            key = key_of(with_index(base, every))
            if key in self.formulas:
                return _at_index(self.formulas[key].tree, every, index)
        return None

    def where(self, tree: Tree) -> tuple[int, str, Tree, int | None] | None:
        """Return where a quantity is stated: line, name and value, and which element it is."""
        key = key_of(tree)
        if key in self.values:
            return self.values[key].line, key, self.values[key].tree, None
        base, index = without_index(tree)
        whole = key_of(base) if base is not None else None
        if base is None or whole not in self.values or not index:
            return None
        stated = self.values[whole]
        return stated.line, whole, stated.tree, self._place(base, index)

    def whole_of(self, tree: Tree) -> str | None:
        """Return the quantity that is stated as a list, if another is an element of it."""
        base, index = without_index(tree)
        whole = key_of(base) if base is not None else None
        return whole if index and whole in self.values else None

    # --- looking up ---

    def lookup(self, tree: Tree, leaf: Leaf) -> Range | None:
        """Return what a quantity is, as far as it is stated."""
        key = key_of(tree)
        if key is None:
            return None
        stated = self.values.get(key)
        if stated is not None:
            vector = isinstance(tree, Symbol) and tree.bold and not stated.bold
            if vector and isinstance(stated.tree, Literal) and not key.startswith(WEIGHTS):
                return None  # a plain number that has the same letter
            return _value(stated, leaf)
        for way in (self._element, self._assembled, self.relative):
            bounds = way(tree, leaf)
            if bounds is not None:
                return bounds
        return None

    def _assembled(self, tree: Tree, leaf: Leaf) -> Range | None:
        """Return an array of which the elements are stated one by one."""
        key, (base, index) = key_of(tree), without_index(tree)
        if (
            index.isdecimal()
            or base is None
            or (isinstance(base, Symbol) and base.base in self.varied)
        ):
            return None
        for form, first in (("{}[{}]", 0), ("{}{}", 0), ("{}{}", 1)):
            elements: list[Range] = []
            while (one := form.format(key, first + len(elements))) in self.values:
                elements.append(_value(self.values[one], leaf))
            if one in self.formulas:
                return None  # there is one more, of an unknown value
            if len(elements) > 1 and all(not f.shape for f in elements):
                return Range(
                    np.array([f.low for f in elements]), np.array([f.high for f in elements])
                )
        return None

    def _element(self, tree: Tree, leaf: Leaf) -> Range | None:
        """Return an element of an array, or all of it where its index runs over all."""
        base, index = without_index(tree)
        if not index or base is None:
            return None
        whole = key_of(base)
        if whole not in self.values:
            return None
        whole_value = _value(self.values[whole], leaf)
        if set(index) <= EVERY and not whole_value.shape and whole not in SINGLE:
            return None  # `x_i` is no element of a number x
        if set(index) <= EVERY or (index.startswith("[") and not whole_value.shape):
            return whole_value  # of a number, the same for every element
        place = self._place(base, index)
        if place is None or whole_value.low.ndim != 1 or not 0 <= place < whole_value.low.size:
            return None
        return Range(whole_value.low[place], whole_value.high[place])

    def _place(self, whole: Tree, index: str) -> int | None:
        digits = index.strip("[]")
        if not digits.isdecimal() or len(digits) > 3:
            return None
        zero_based = index.startswith("[") or _counted(whole) in self.zero_based
        return int(digits) - (not zero_based)

    def relative(self, tree: Tree, leaf: Leaf) -> Range | None:
        """Return a deviation from the variance, or one of them from the other's logarithm."""
        base, index = without_index(tree)
        key = key_of(base) if base is not None else None
        if key not in FAMILY:
            return None
        parts = []
        for other in FAMILY:
            known = None
            if other != key:
                known = self._direct(other, index, leaf)
            if known is not None:
                parts.append(_converted(known, other, key))
        if not parts or len({f.shape for f in parts}) > 1 or not parts[0].finite:
            return None
        near = all(np.allclose(f.middle, parts[0].middle, TOLERATED, TOLERATED) for f in parts)
        return hull(parts) if near else parts[0]

    def _direct(self, key: str, index: str, leaf: Leaf) -> Range | None:
        stated = self.values.get(f"{key}{index}")
        if stated is not None:
            return _value(stated, leaf)
        return self._element(_named(key, index), leaf) if index else None


def _at_index(tree: Tree, every: str, index: str) -> Tree:
    """Return a formula of any element for one of them."""

    def change(part: Tree) -> Tree:
        if isinstance(part, Symbol) and part.index == every:
            return replace(part, index=index)
        return part

    return mapped(tree, change)


def _value(stated: StatedValue, leaf: Leaf) -> Range:
    def as_stated(number: Literal) -> Range:
        # With so many digits it was computed, and may have had more.
        if leaf is as_printed or number.significant < LONG:
            return leaf(number)
        return hull([leaf(number), half(number)])

    bounds = evaluate(stated.tree, as_stated)
    if stated.right is None or stated.right.low.size != bounds.low.size:
        return bounds
    right = Range(*(np.reshape(end, bounds.shape) for end in stated.right))
    return hull([bounds, right])


def _named(key: str, index: str) -> Tree:
    deviation = Symbol("σ", index)
    variance = Power(deviation, Literal("2", 2.0, 0))
    if key == "σ":
        return deviation
    return variance if key == "σ²" else FunctionCall("log", (variance,))


@np.errstate(over="ignore")
def _converted(value: Range, source: str, target: str) -> Range:
    log, exp = intervals.FUNCTIONS["log"], intervals.FUNCTIONS["exp"]
    by_log = value
    if source != "logσ²":
        by_log = log(value)
        if source == "σ":
            by_log = intervals.multiply(intervals.exactly(2.0), by_log)
    if target == "logσ²":
        return by_log
    if target == "σ":
        by_log = intervals.multiply(intervals.exactly(0.5), by_log)
    return exp(by_log)


def _is_array(value: Tree) -> bool:
    try:
        return evaluate(value) is not None
    except CannotEvaluate:
        return False


def is_matrix(tree: Tree) -> bool:
    """Whether a value is a list of rows."""
    return isinstance(tree, Row) and all(isinstance(entry, Row) for entry in tree.entries)


def _restates(before: Tree, now: Tree) -> bool:
    """Whether a value is the one that stood before, with more digits or with fewer."""
    if not (is_bare(before) and is_bare(now)):
        return before == now
    try:
        one, other = evaluate(before, as_printed), evaluate(now, as_printed)
    except CannotEvaluate:
        return False
    if one.low.size != other.low.size:
        return False
    unit = max(number.unit for tree in (before, now) for number in literals(tree))
    return bool(np.all(np.abs(one.low.ravel() - other.low.ravel()) <= unit))


def counted_from_zero(trees: Iterable[Tree]) -> set[str]:
    """Return the signs whose elements a document counts from 0."""
    parts = (part for tree in trees for part in quantities(tree))
    # A bold sign with an index is one of several vectors, and no element.
    parts = (part for part in parts if not (isinstance(part, Symbol) and part.bold))
    names = map(without_index, parts)
    return {_counted(whole) for whole, index in names if whole is not None and index == "0"}


def _counted(whole: Tree) -> str:
    """Return the sign that carries a quantity's index: `σ` of `log σ²` and of `∂L/∂σ`."""
    names = derivative(whole)
    if names is not None:
        return _counted(names[1])
    return next(part.base for part in inside(whole) if isinstance(part, Symbol))
