"""Printed arithmetic checked twice: what was put into the formula, and what came out.

A line that is written as the package's own expression of its element (the same sums,
products and functions, in any order) is held against it number by number. One that is
written in another way is judged by what it gives. Either way the result behind it must
follow from the numbers on the line, as far as their rounding tells.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ....engine.formulas import Steps
from ....engine.gradient_ways import TermWay, parts_at, ways
from ....engine.run import Run
from ....symbolic.expression import (
    Add,
    Div,
    Expression,
    Mul,
    Neg,
    Number,
    Pow,
    Ref,
    children,
    terms_of,
)
from ....symbolic.measure import evaluate as evaluate_expression
from ....symbolic.text import to_text
from ..arithmetic.evaluation import CannotEvaluate, as_rounded, evaluate
from ..grammar.cursor import literal
from ..grammar.syntax import (
    FunctionCall,
    Literal,
    Negative,
    Power,
    Product,
    Sum,
    Symbol,
    Tree,
    literals,
    negated,
    replaced,
)
from ..matching.figures import Line, PrintedFigure
from ..matching.names import Name as Quantity
from ..reading.values import value_of
from .agreement import agrees, as_written, is_single
from .figure_verdicts import FigureJudge
from .line_formulas import formula_of, leaves
from .recomputed import Arithmetic
from .rounding import off_as_drawn, off_in_line
from .verdicts import Judged, JudgedLine, LineOperand

LARGE_SINGLE = 2.0**20  # from here on a float32 has fewer than four decimals, and soon none
ROUNDING = 1e-12  # of the arithmetic itself, relative to the result


class Substitution:
    """Checks the lines of arithmetic of one document."""

    def __init__(self, judge: FigureJudge, judged: Sequence[Judged]) -> None:
        self.judge = judge
        self.runs: dict[Arithmetic, Run] = {
            "full": judge.begun.run,
            "printed": judge.printed,
            "chain": judge.chain.run,
        }
        self.steps = {arithmetic: Steps(run) for arithmetic, run in self.runs.items()}
        self.ways: dict[Arithmetic, tuple[TermWay, ...]] = {}
        self.printed: dict[str, list[Judged]] = {}
        for entry in judged:
            self.printed.setdefault(entry.figure.element, []).append(entry)

    def check(self, line: Line) -> JudgedLine:
        """Judge one line."""
        value = value_of(line.sum)
        computed = self._element(line, self._usual(line.name)) if line.name.value else value
        wrong = self._wrong_operands(line) if line.name.value else ()
        if wrong:
            return JudgedLine(line, value, computed, wrong, True, _shown(wrong))
        follows, why = self._result(line, value, computed)
        wrong = () if follows else self._negated_operand(line)
        return JudgedLine(line, value, computed, wrong, follows, _shown(wrong) or why)

    # --- the result ---

    def _result(self, line: Line, value: float, computed: float) -> tuple[bool, str]:
        parts = literals(line.sum)
        if line.result is None:
            # No result is printed: the line itself is what the element is said to be.
            slack = ROUNDING * max(1.0, abs(value))
            if line.name.value:
                slack += self.judge.off(line.name, line.place, self._usual(line.name))
            if _within(line.sum, computed, slack):
                return True, ""
            return False, f"the line gives {value:.8g}, but {line.element} is {computed:.8g}"
        figure = _figure(line.result, line)
        off = math.ulp(value) * len(parts)  # of float64, for a line is computed in it
        if agrees(figure, value, off) or is_single(figure, value):
            return True, ""
        given = as_written(figure, value)
        right = not line.name.value or self._is_right(line, figure)
        slack = 0.0
        if line.name.value and self.judge.has_full:
            slack = off_in_line(_magnitude(line.sum), len(parts))
        within = _within(line.sum, figure.printed.value, figure.unit / 2 + slack)
        if right and within and any(map(_may_be_rounded, parts)):
            return True, ""
        return False, f"the line gives {given}, but {line.result.text} is printed"

    def _is_right(self, line: Line, figure: PrintedFigure) -> bool:
        """Whether the printed result is what the element is, in any arithmetic."""
        return any(
            self.judge.agrees(figure, self._element(line, arithmetic), arithmetic)
            for arithmetic in self.judge.arithmetics()
        )

    def _usual(self, name: Quantity) -> Arithmetic:
        return self.judge.chosen[name.is_backward]

    def _element(self, line: Line, arithmetic: Arithmetic) -> float:
        return float(self.judge.array(line.name, arithmetic)[line.place])

    # --- the operands ---

    def _wrong_operands(self, line: Line) -> tuple[LineOperand, ...]:
        usual = self._usual(line.name)
        others = [a for a in self.judge.arithmetics() if a != usual]
        every = [self._wrong_in(line, arithmetic) for arithmetic in (usual, *others)]
        return min((wrong for wrong in every if wrong is not None), key=len, default=())

    def _wrong_in(self, line: Line, arithmetic: Arithmetic) -> tuple[LineOperand, ...] | None:
        """Return the operands that are not those of an arithmetic; None for another formula."""
        expected = formula_of(self.steps[arithmetic], line)
        if expected is None:
            return None
        if _skeleton(_as_tree(expected)) == _skeleton(line.sum):
            wrong_operands: tuple[LineOperand, ...] | None
            wrong_operands = self._mismatched(line, list(leaves(expected)), arithmetic)
        else:
            terms = [(to_text(term), evaluate_expression(term)) for term in _summands(expected)]
            wrong_operands = self._wrong_terms(line, terms, arithmetic)
        if wrong_operands == ():
            return wrong_operands
        by_way = self._wrong_terms(line, self._by_way(line, arithmetic), arithmetic)
        every = [wrong for wrong in (wrong_operands, by_way) if wrong is not None]
        return min(every, key=len, default=None)

    def _wrong_terms(
        self, line: Line, terms: Sequence[tuple[str, float]], arithmetic: Arithmetic
    ) -> tuple[LineOperand, ...] | None:
        """Return the numbers of a sum that are not the terms of its element, worked out."""
        numbers = literals(line.sum)
        if len(numbers) != len(terms) or len(numbers) != len(list(_terms(line.sum))):
            return None
        off = self.judge.off(line.name, line.place, arithmetic)
        wrong = []
        for number, (term, value) in zip(numbers, terms, strict=True):
            # The sign may stand in an operator, as it may before an operand.
            if not agrees(_figure(_size(number), line), abs(value), off):
                wrong.append(
                    LineOperand(number.text, term, as_written(_figure(number, line), value))
                )
        return tuple(wrong) if 2 * len(wrong) <= len(terms) else None

    def _by_way(self, line: Line, arithmetic: Arithmetic) -> list[tuple[str, float]]:
        """Return what a gradient is made of by the ways on which it comes back."""
        if not line.name.gradient:
            return []
        run = self.runs[arithmetic]
        if arithmetic not in self.ways:
            self.ways[arithmetic] = ways(run)
        value = run.value(line.name.value)
        index = self.steps[arithmetic].full_index(value.id, line.place)
        return [
            (f"{way.term} by {run.trace.values[way.through].name}", float(array[index]))
            for way, array in parts_at(run, self.ways[arithmetic], value.id)
        ]

    def _negated_operand(self, line: Line) -> tuple[LineOperand, ...]:
        """Return the one operand that needs its other sign for a result that is right."""
        printed = line.result
        if printed is None or not line.name.value:
            return ()
        arithmetic = self._usual(line.name)
        formula = formula_of(self.steps[arithmetic], line)
        if formula is None or not self._is_right(line, _figure(printed, line)):
            return ()
        for place, number in enumerate(literals(line.sum)):
            other = negated(number)
            if not _within(replaced(line.sum, place, other), printed.value, printed.unit / 2):
                continue
            for leaf in leaves(formula):
                element, value = self._value(leaf, arithmetic)
                if value * number.value < 0 and self._fits(number, leaf, arithmetic, line):
                    return (LineOperand(number.text, element, other.text),)
        return ()

    def _mismatched(
        self, line: Line, leaves: Sequence[Number | Ref], arithmetic: Arithmetic
    ) -> tuple[LineOperand, ...]:
        """Return the operands that match no leaf that is left, each with one that is."""
        left = list(leaves)
        unmatched: list[Literal] = []
        for operand in literals(line.sum):
            match = next(
                (leaf for leaf in left if self._fits(operand, leaf, arithmetic, line)), None
            )
            if match is None:
                unmatched.append(operand)
            else:
                left.remove(match)
        operands = []
        for operand, leaf in zip(unmatched, left, strict=False):
            element, value = self._value(leaf, arithmetic)
            signed = value if isinstance(leaf, Ref) else abs(value)
            expected = as_written(_figure(operand, line), signed)
            operands.append(LineOperand(operand.text, element, expected))
        return tuple(operands)

    def _fits(
        self, operand: Literal, leaf: Number | Ref, arithmetic: Arithmetic, line: Line
    ) -> bool:
        # The sign may stand in the operator before the number, so sizes are compared; a
        # wrong sign shows in the result.
        figure = _figure(_size(operand), line)
        element, value = self._value(leaf, arithmetic)
        exactly = not operand.whole or abs(value) == abs(operand.value)
        if exactly and agrees(figure, abs(value), self._off(leaf, arithmetic)):
            return True
        shown = [entry for entry in self.printed.get(element, ()) if not entry.blamed]
        return any(agrees(figure, abs(entry.figure.printed.value)) for entry in shown)

    def _value(self, leaf: Number | Ref, arithmetic: Arithmetic) -> tuple[str, float]:
        """Return a leaf's element and its number."""
        if isinstance(leaf, Number):
            return f"the formula's {leaf.value:g}", leaf.value
        name, index = self._name(leaf), leaf.index or ()
        if name is None:
            return leaf.name, float(leaf.value)
        if name.is_input:
            begun = self.judge.begun
            inputs = begun.whole if arithmetic == "full" else begun.inputs
            number = begun.run.trace.by_name[name.value].id
            exact = inputs[name.value][self.steps["printed"].full_index(number, index)]
            return name.at(index), float(exact)
        return name.at(index), float(self.judge.array(name, arithmetic)[index])

    def _off(self, leaf: Number | Ref, arithmetic: Arithmetic) -> float:
        """Return how far another processor may be off at a leaf's number."""
        if isinstance(leaf, Number) or (name := self._name(leaf)) is None:
            return 0.0
        if name.is_input and name.value in (open_by := self.judge.begun.open_by):
            number = self.judge.begun.run.trace.by_name[name.value].id
            index = self.steps["printed"].full_index(number, leaf.index or ())
            return float(open_by[name.value][index])
        if name.is_input:
            confirmed = name.value in self.judge.begun.confirmed
            return off_as_drawn(self.judge.begun.run, name.value) if confirmed else 0.0
        return self.judge.off(name, leaf.index or (), arithmetic)

    def _name(self, leaf: Ref) -> Quantity | None:
        """Return what a leaf is called as a quantity of the run; None where it is none."""
        top, _, bottom = leaf.name.partition("/∂")
        trace = self.judge.printed.trace
        loss = f"∂{trace.loss.name or 'loss'}"
        term = None if top == loss else top[1:]
        name = Quantity(bottom, True, term) if bottom else Quantity(leaf.name)
        return name if name.value in trace.by_name else None


def _shown(wrong: Sequence[LineOperand]) -> str:
    return ", ".join(f"{o.printed} should be {o.element} = {o.expected}" for o in wrong)


def _size(number: Literal) -> Literal:
    return replace(number, value=abs(number.value), text=number.text.lstrip("-+"))


def _summands(expression: Expression) -> Iterator[Expression]:
    """Yield the terms of a sum, those of a sum within it too."""
    for term in terms_of(expression):
        yield from _summands(term) if isinstance(term, Add) else (term,)


def _within(tree: Tree, number: float, slack: float) -> bool:
    """Whether a line may give a number, as its own numbers are rounded."""
    try:
        bounds = evaluate(tree, as_rounded)
    except CannotEvaluate:
        return False
    return bool(bounds.low - slack <= number <= bounds.high + slack)


def _may_be_rounded(number: Literal) -> bool:
    """Whether a number may have more digits than are printed, and is not meant as it stands."""
    return number.decimals > 1 or abs(number.value) >= LARGE_SINGLE


def _figure(printed: Literal, line: Line) -> PrintedFigure:
    return PrintedFigure(line.name, line.place, printed, printed.decimals, line.label, 0)


def _as_tree(expression: Expression) -> Tree:
    """Return how an expression of ours is written, whatever its numbers are."""
    match expression:
        case Number() | Ref():
            return Symbol(".")
        case Neg(body):
            return Negative(_as_tree(body))
        case Add(terms):
            return Sum(tuple(map(_as_tree, terms)))
        case Mul(factors):
            return Product(tuple(map(_as_tree, factors)), ("", *("*" for _ in factors[1:])))
        case Div(above, below):
            return Product((_as_tree(above), _as_tree(below)), ("", "/"))
        case Pow(base, Number(exponent)):
            return Power(_as_tree(base), literal(f"{exponent:g}"))
        case _:
            function = getattr(expression, "function", type(expression).__name__)
            return FunctionCall(function, tuple(map(_as_tree, children(expression))))


def _skeleton(tree: Tree) -> str:
    """Return how a formula is built, whatever its numbers, signs and the order of its parts."""
    match tree:
        case Negative(body):
            return _skeleton(body)
        case Sum():
            return f"Sum({','.join(sorted(map(_skeleton, _terms(tree))))})"
        case Product():
            above, below = _factors(tree)
            return f"({'*'.join(sorted(above))})/({'*'.join(sorted(below))})"
        case Power(base, Literal(value=exponent)):
            return f"Power({_skeleton(base)},{exponent:g})"
        case FunctionCall(function, arguments):
            return f"{function}({','.join(map(_skeleton, arguments))})"
        case _:
            return "."


def _terms(tree: Tree) -> Iterator[Tree]:
    inner = tree.body if isinstance(tree, Negative) else tree
    if isinstance(inner, Sum):
        for term in inner.terms:
            yield from _terms(term)
    else:
        yield inner


def _factors(tree: Tree) -> tuple[list[str], list[str]]:
    """Return the factors above and below the line, those of a product within it too."""
    inner = tree.body if isinstance(tree, Negative) else tree
    if not isinstance(inner, Product):
        return [_skeleton(inner)], []
    above: list[str] = []
    below: list[str] = []
    for factor, sign in zip(inner.factors, inner.signs, strict=True):
        upper, lower = _factors(factor)
        above += lower if sign == "/" else upper
        below += upper if sign == "/" else lower
    return above, below


def _magnitude(tree: Tree) -> float:
    """Return what a line gives if nothing in it cancels."""
    match tree:
        case Negative(body):
            return _magnitude(body)
        case Sum(terms):
            return sum(map(_magnitude, terms))
        case Product(factors, signs) if "/" not in signs:
            return math.prod(map(_magnitude, factors))
    return abs(value_of(tree))
