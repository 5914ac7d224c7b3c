"""How an expression is written as a formula of a spreadsheet, over cells.

Signs bind there in another order than in mathematics, `-2^2` is 4, so what stands before a power
has parentheses. No formula may be longer than `LONGEST`: the writer asks for further cells, for
parts of a long sum and for what a formula needs twice.
"""

from __future__ import annotations

from collections.abc import Callable

from .expression import Add, Apply, Div, Expression, Mul, Neg, Number, Opaque, Pow, Ref
from .text import number_text

LONGEST = 8000  # signs of a formula; Excel takes 8192
MOST_ARGUMENTS = 250  # of a function; Excel takes 255
MOST_TERMS = 200  # of a sum in one cell, whose parts Excel keeps in 16384 bytes
SHORT = 40  # signs of what is written twice rather than given a cell

# Functions that a spreadsheet has by the same name.
SAME_NAME = (
    *("exp", "abs", "sign", "trunc", "sin", "cos", "tan", "asin", "acos", "atan"),
    *("sinh", "cosh", "tanh", "asinh", "acosh", "atanh"),
)
# How functions are written; `{0}` is the argument, which is a cell where it stands twice.
FUNCTIONS = {
    **{name: f"{name.upper()}({{0}})" for name in SAME_NAME},
    "log": "LN({0})",
    "sqrt": "SQRT({0})",
    "relu": "MAX(0,{0})",
    # In two pieces, since EXP of a large number is an error.
    "sigmoid": "IF({0}>=0,1/(1+EXP(-({0}))),EXP({0})/(1+EXP({0})))",
    # Where EXP is tiny, 1 + EXP has lost its digits.
    "softplus": "(MAX(0,{0})+IF(ABS({0})>15,EXP(-ABS({0}))*(1-EXP(-ABS({0}))/2),"
    "LN(1+EXP(-ABS({0})))))",
    "gate": "IF({0}>0,1,0)",
    "is_zero": "IF({0}=0,1,0)",
    # A half goes to the even neighbour.
    "round": "IF(MOD(ABS({0}),1)=0.5,2*ROUND(({0})/2,0),ROUND({0},0))",
    "floor": "INT({0})",
    "ceil": "(-INT(-({0})))",
    "lgamma": "GAMMALN({0})",
    "Φ": "NORMSDIST({0})",
    "φ": "(EXP(-0.5*({0})^2)/SQRT(2*PI()))",
}
COMPARED = (">", "<", ">=", "<=")
# How tightly a part binds.
SUM, PRODUCT, SIGN, POWER, ATOM = range(1, 6)


class NoFormula(ValueError):
    """An expression that a spreadsheet has no formula for; the message says which part."""


class FormulaWriter:
    """Writes expressions as formulas.

    Parameters
    ----------
    cell
        Returns the cell of a reference, such as `Forward!B3`.
    further
        Puts an expression into a cell of its own, as the formula that is given with it, and
        returns that cell.
    """

    def __init__(
        self, cell: Callable[[Ref], str], further: Callable[[Expression, str], str]
    ) -> None:
        self._cell, self._further = cell, further

    def formula(self, expression: Expression) -> str:
        """Return a formula without the sign of equality before it.

        Raises
        ------
        NoFormula
            If some part of it cannot be written.
        """
        text, _ = self._write(expression)
        if len(text) > LONGEST:
            raise NoFormula("a formula of more signs than a cell takes")
        return text

    def _write(self, node: Expression) -> tuple[str, int]:
        match node:
            case Number(value):
                return _number(value)
            case Ref():
                return self._cell(node), ATOM
            case Add(terms):
                return self._sum(terms), SUM
            case Mul(factors):
                return self._product(factors), PRODUCT
            case Neg(body):
                return f"-{self._inside(body, ATOM)}", SIGN
            case Div(above, below):
                return f"{self._inside(above, PRODUCT)}/{self._inside(below, POWER)}", PRODUCT
            case Pow(base, exponent):
                return f"{self._inside(base, ATOM)}^{self._inside(exponent, ATOM)}", POWER
            case Apply("max", arguments) if len(arguments) <= MOST_ARGUMENTS:
                return f"MAX({','.join(self._write(each)[0] for each in arguments)})", ATOM
            case Apply(function, (argument,)) if function in FUNCTIONS:
                form = FUNCTIONS[function]
                inside = self._once(argument) if form.count("{0}") > 1 else self._write(argument)[0]
                return form.format(inside), ATOM
            case Opaque("where", (condition, then, otherwise)):
                yes, no = (self._write(each)[0] for each in (then, otherwise))
                return f"IF({self._condition(condition)},{yes},{no})", ATOM
            case Apply(function):
                raise NoFormula(f"{function} is no function of a spreadsheet")
            case _:
                raise NoFormula("it takes numbers by where they are, which a cell cannot")

    def _condition(self, condition: Expression) -> str:
        match condition:
            case Opaque(sign, (left, limit)) if sign in COMPARED:
                return f"{self._write(left)[0]}{sign}{self._write(limit)[0]}"
            case Opaque(("|" | "&") as sign, (one, other)):
                both = f"{self._condition(one)},{self._condition(other)}"
                return f"{'OR' if sign == '|' else 'AND'}({both})"
            case _:
                raise NoFormula("what it goes by is no comparison of two numbers")

    def _inside(self, node: Expression, at_least: int) -> str:
        text, bound = self._write(node)
        return text if bound >= at_least else f"({text})"

    def _once(self, node: Expression) -> str:
        """Return a short text for what is written several times: a cell where it is long."""
        text, bound = self._write(node)
        if len(text) > SHORT:
            return self._further(node, text)
        return text if bound == ATOM else f"({text})"

    def _sum(self, terms: tuple[Expression, ...]) -> str:
        text = ""
        for count, part in enumerate(terms):
            written = self._inside(part, PRODUCT)
            written = written if not text or written.startswith("-") else f"+{written}"
            if text and (len(text) + len(written) > LONGEST // 2 or count % MOST_TERMS == 0):
                text = f"{self._further(Add(terms[:count]), text)}"
                written = written if written.startswith(("-", "+")) else f"+{written}"
            text += written
        return text or "0"

    def _product(self, factors: tuple[Expression, ...]) -> str:
        if factors[0] == Number(-1.0) and len(factors) > 1:
            return f"-{self._inside(_product_of(factors[1:]), ATOM)}"
        first, *others = factors
        return "*".join([self._inside(first, SIGN), *(self._inside(f, POWER) for f in others)])


def _product_of(factors: tuple[Expression, ...]) -> Expression:
    return factors[0] if len(factors) == 1 else Mul(factors)


def _number(value: float) -> tuple[str, int]:
    if value != value or value in (float("inf"), float("-inf")):
        raise NoFormula(f"{value} is no number of a spreadsheet")
    text = number_text(value).replace("e", "E")
    return text, SIGN if text.startswith("-") else ATOM
