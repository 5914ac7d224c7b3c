"""What a formula over whole tensors comes to, with the functions of an array library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .expression import (
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
)


def evaluate_whole(
    expression: Expression,
    functions: Mapping[str, Callable[[Any], Any]],
    leaf: Callable[[Any], Any] = lambda value: value,
    adjust: Callable[[Any], Any] = lambda value: value,
) -> Any:
    """Evaluate a formula over whole tensors with the functions of an array library.

    `leaf` converts the array that a reference holds, and `adjust` each computed array, before
    anything is computed from it.
    """

    def walk(node: Expression) -> Any:
        result = value_of(node)
        return adjust(result) if isinstance(node, Add | Mul | Div | Pow | Apply) else result

    def value_of(node: Expression) -> Any:
        match node:
            case Number(value):
                return value
            case Ref(value=value):
                return leaf(value)
            case Add(terms):
                total = walk(terms[0])
                for term in terms[1:]:
                    total = total + walk(term)
                return total
            case Mul(factors):
                product = walk(factors[0])
                for factor in factors[1:]:
                    product = product * walk(factor)
                return product
            case Neg(body):
                return -walk(body)
            case Div(numerator, denominator):
                return walk(numerator) / walk(denominator)
            case Pow(base, exponent):
                return walk(base) ** walk(exponent)
            case Apply(function, (argument,)):
                return functions[function](walk(argument))
            case MatMul(left, right):
                return walk(left) @ walk(right)
            case Transpose(body):
                return walk(body).swapaxes(-1, -2)
            case Reshape(body, shape):
                return walk(body).reshape(shape)
            case SumOver(body, axes, shape):
                return walk(body).sum(axis=axes).reshape(shape)
            case Opaque(arguments=arguments, compute=compute):
                return compute(*(walk(argument) for argument in arguments))
            case _:
                raise TypeError(f"no value for {type(node).__name__}")

    return walk(expression)
