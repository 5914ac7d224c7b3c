"""Expressions as PyTorch code: the formula of a whole tensor as a line that computes it.

The tree that gives a formula its symbols also gives the code, so a notebook computes what
the page says; an op that is written as its call is PyTorch's call, from `torch_calls`. A
formula that has neither raises `NoCode`, and the notebook goes on from the page's numbers.

The boxes of `symbolic.boxes` do not serve here: code has Python's precedence, writes every
change of shape, and needs the shapes of the parts, which boxes leave out.
"""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Iterable

from ....symbolic.expression import (
    Add,
    Apply,
    Div,
    Expression,
    MatMul,
    Mul,
    Neg,
    Number,
    Opaque,
    Pow,
    Ref,
    Reshape,
    SumOver,
    Transpose,
    children,
)
from ....symbolic.shapes import shape_of
from ....symbolic.text import gradient_parts, number_text
from .torch_calls import (
    AT,
    BACK,
    CLASSES,
    PUT,
    SLOPE,
    call,
    filled,
    filling,
    taken,
    takes_numbers,
    torch_name,
)

# How a function is written that is not an op's own call with its name.
FUNCTIONS = {
    "gate": "({} > 0).to(torch.get_default_dtype())",
    "is_zero": "({} == 0).to(torch.get_default_dtype())",
    "trigamma": "torch.polygamma(1, {})",
    "Φ": "torch.special.ndtr({})",
    "φ": "torch.exp(-(({}) ** 2) / 2) / math.sqrt(2 * math.pi)",
}
RESERVED = {
    "torch",
    "F",
    "math",
    "base64",
    "compare",
    "unpack",
    SLOPE,
    BACK,
    CLASSES,
    PUT,
    "place",
    AT,
}
# What is written behind the tensor that it is done to.
ENDINGS = ("[", ".permute(", ".expand(", ".repeat(", ".detach(")
# How tightly an operator binds; a part that binds more loosely gets parentheses.
SUM, PRODUCT, SIGN, POWER, ATOM = range(1, 6)


class NoCode(ValueError):
    """A formula that has no line of PyTorch here; its message names what stands in the way."""


class Identifiers:
    """Gives each name of a page a name that Python takes, no two the same.

    Examples
    --------
    >>> names = Identifiers()
    >>> names("fc1.weight"), names("fc1_weight"), names("∂loss/∂mu"), names("lambda")
    ('fc1_weight', 'fc1_weight_2', 'd_mu', 'lambda_')
    """

    def __init__(self) -> None:
        self._found: dict[str, str] = {}

    def __call__(self, name: str) -> str:
        if name not in self._found:
            self._found[name] = self._free(name)
        return self._found[name]

    def _free(self, name: str) -> str:
        of, at = gradient_parts(name)
        plain = f"d_{at}" if of else name
        plain = re.sub(r"\W", "_", plain, flags=re.ASCII).strip("_") or "value"
        if plain[0].isdigit():
            plain = f"_{plain}"
        if keyword.iskeyword(plain) or plain in RESERVED:
            plain += "_"
        taken = set(self._found.values())
        return next(each for each in _numbered(plain) if each not in taken)


def _numbered(plain: str) -> Iterable[str]:
    yield plain
    number = 2
    while True:
        yield f"{plain}_{number}"
        number += 1


def code(expression: Expression, names: Identifiers) -> str:
    """Return a formula as an expression of PyTorch.

    Raises
    ------
    NoCode
        If some part of it cannot be written.
    """
    return _write(expression, names)[0]


def _write(expression: Expression, names: Identifiers) -> tuple[str, int]:
    """Return a part as code, and how tightly its outermost operator binds."""
    match expression:
        case Number(value) if not math.isfinite(value):
            return f'float("{value}")', ATOM
        case Number(value):
            return number_text(value), SIGN if value < 0 else ATOM
        case Ref(name):
            return names(name), ATOM
        case Add(terms):
            return _sum(terms, names), SUM
        case Mul(factors):
            if factors[0] == Number(-1.0) and len(factors) > 1:
                rest = Mul(factors[1:]) if len(factors) > 2 else factors[1]
                return f"-{_inside(rest, names, SIGN)}", SIGN
            return " * ".join(_inside(factor, names, SIGN) for factor in factors), PRODUCT
        case Neg(body):
            return f"-{_inside(body, names, SIGN)}", SIGN
        case Div(above, below):
            return f"{_inside(above, names, PRODUCT)} / {_inside(below, names, SIGN)}", PRODUCT
        case Pow(base, exponent):
            return f"{_inside(base, names, ATOM)} ** {_inside(exponent, names, ATOM)}", POWER
        case MatMul(left, right):
            if not (shape_of(left) and shape_of(right)):
                raise NoCode("a product with one number")
            return f"{_inside(left, names, POWER)} @ {_inside(right, names, POWER)}", PRODUCT
        case Transpose(body):
            if not shape_of(body):
                raise NoCode("a transpose of one number")
            return f"{_inside(body, names, ATOM)}.mT", ATOM
        case Reshape(body, shape) if _is_plain(body):
            # One number stands for a whole tensor that has it everywhere.
            return filled(shape, code(body, names)), ATOM
        case Reshape(body, shape):
            return f"{_inside(body, names, ATOM)}.reshape({_shape(shape)})", ATOM
        case SumOver(body, axes, shape):
            if max(axes, default=-1) >= len(shape_of(body)):
                raise NoCode("a sum of one number")
            total = f"{_inside(body, names, ATOM)}.sum({axes!r})" if axes else code(body, names)
            return f"{total}.reshape({_shape(shape)})", ATOM
        case Apply(function, (argument,)) if function in FUNCTIONS or torch_name(function):
            bound = ATOM if function != "φ" else PRODUCT
            # A function of PyTorch takes no plain number, such as the 2 of a sqrt(2).
            inner = code(argument, names)
            if _is_plain(argument):
                inner = f"torch.tensor({inner}, dtype=torch.float64)"
            return FUNCTIONS.get(function, f"{torch_name(function)}({{}})").format(inner), bound
        case Apply("max", arguments):
            return _maximum([code(argument, names) for argument in arguments]), ATOM
        case Opaque():
            return _opaque(expression, names), ATOM
        case Apply(function):
            raise NoCode(function)
        case _:
            raise NoCode(type(expression).__name__)


def _opaque(node: Opaque, names: Identifiers) -> str:
    arguments = [code(argument, names) for argument in node.arguments]
    if node.name.startswith(ENDINGS) and len(arguments) == 1:
        if _is_plain(node.arguments[0]):
            raise NoCode(f"{node.name} of one number")
        ending = taken(node.name) if node.name.startswith("[") else node.name
        return f"{_inside(node.arguments[0], names, ATOM)}{ending}"
    shapes = [shape_of(argument) for argument in node.arguments]
    if takes_numbers(node.name):
        arguments = list(map(_as_tensor, arguments, node.arguments))
    called = call(node.name, arguments, node.options, lambda: shape_of(node), shapes)
    if called is None:
        raise NoCode(node.name)
    # A number may stand for a whole tensor; what has a name is as large as it is.
    single = {
        position
        for position, argument in enumerate(node.arguments)
        if not shapes[position] and not isinstance(argument, Ref)
    }
    if single - {filling(node.name)} and not takes_numbers(node.name):
        raise NoCode(f"{node.name} of one number")
    return called


def _as_tensor(text: str, argument: Expression) -> str:
    """Write a number of Python's own as a tensor, which a function of PyTorch takes."""
    return f"torch.tensor({text}, dtype=torch.get_default_dtype())" if _is_plain(argument) else text


def _is_plain(expression: Expression) -> bool:
    """Whether the code of a part is a number of Python's own, not a tensor."""
    return not isinstance(expression, Ref | Apply | Reshape | SumOver | Opaque) and all(
        map(_is_plain, children(expression))
    )


def _maximum(arguments: list[str]) -> str:
    first, *rest = arguments
    for argument in rest:
        first = f"torch.maximum({first}, {argument})"
    return first


def _sum(terms: tuple[Expression, ...], names: Identifiers) -> str:
    text = ""
    for term in terms:
        written = _inside(term, names, PRODUCT)
        if not text:
            text = written
        else:
            text += f" - {written[1:]}" if written.startswith("-") else f" + {written}"
    return text


def _inside(expression: Expression, names: Identifiers, at_least: int) -> str:
    """Write a part, in parentheses when it binds more loosely than what stands around it."""
    text, bound = _write(expression, names)
    return text if bound >= at_least else f"({text})"


def _shape(shape: tuple[int, ...]) -> str:
    return ", ".join(map(str, shape)) if shape else "()"
