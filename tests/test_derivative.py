"""Derivatives of expressions: against autograd on random trees, and function by function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from torch import Tensor

from vae_explain.symbolic.derivative import DERIVATIVES, derivative
from vae_explain.symbolic.expression import (
    FUNCTIONS,
    Add,
    Apply,
    Expression,
    MatMul,
    Number,
    Ref,
    children,
)
from vae_explain.symbolic.measure import evaluate
from vae_explain.symbolic.simplify import simplify
from vae_explain.symbolic.text import to_text
from vae_explain.symbolic.whole import evaluate_whole

from .support import same_number, trees

ON_TENSORS: dict[str, Callable[[Tensor], Tensor]] = {
    "exp": torch.exp,
    "log": torch.log,
    "sqrt": torch.sqrt,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "relu": torch.relu,
    "gate": lambda x: (x > 0).to(x.dtype),
}


def on_numbers_too(function: Callable[[Tensor], Tensor]) -> Callable[[Any], Tensor]:
    """Take a plain number as well, as which a constant comes."""
    return lambda x: function(torch.as_tensor(x, dtype=torch.float64))


IN_TORCH = {name: on_numbers_too(function) for name, function in ON_TENSORS.items()}
A, B = Ref("a", value=0.75), Ref("b", value=-0.5)
# Where a function is smooth and none of its values is special.
SMOOTH_AT = {"acosh": 1.75}


def leaves(tree: Expression) -> list[Ref]:
    """Return the references of a tree, those that are equal as well."""
    if isinstance(tree, Ref):
        return [tree]
    return [leaf for part in children(tree) for leaf in leaves(part)]


@given(trees())
def test_the_derivative_by_all_places_of_a_name_is_that_of_autograd(tree: Expression) -> None:
    names = {leaf.name: leaf.value for leaf in leaves(tree)}
    tensors = {
        value: torch.tensor(value, dtype=torch.float64, requires_grad=True)
        for value in names.values()
    }
    value = evaluate_whole(tree, IN_TORCH, lambda number: tensors[number])
    for name, number in names.items():
        slope = None
        if isinstance(value, Tensor) and value.requires_grad:
            (slope,) = torch.autograd.grad(
                value, tensors[number], retain_graph=True, allow_unused=True
            )
        places = {id(leaf): leaf for leaf in leaves(tree) if leaf.name == name}.values()
        found = Add(tuple(derivative(tree, leaf) for leaf in places))
        assert same_number(0.0 if slope is None else float(slope), found), f"{name} in {tree}"


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() - {"trigamma"}))
def test_every_function_has_its_derivative(name: str) -> None:
    at, step = SMOOTH_AT.get(name, 0.35), 1e-6
    value = FUNCTIONS[name].value
    slope = evaluate(DERIVATIVES[name](Number(at)))
    difference = (value(at + step) - value(at - step)) / (2 * step)
    assert slope == pytest.approx(difference, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        (A / B, "1/b"),
        (A * B / (A + B), "b/(a + b) + (-a·b)/(a + b)²"),
        (Apply("log", (Number(1.0) + A,)), "1/(1 + a)"),
        (B * Apply("log", (A,)), "b/a"),
        (A * Apply("log", (A,)), "log(a) + 1"),
        (Apply("exp", (A / Number(0.25),)), "exp(a/¼)/¼"),
        (Number(0.25) * Apply("exp", (A / Number(0.25),)), "exp(a/¼)"),
        (A * Apply("tanh", (Apply("softplus", (A,)),)),
         "tanh(softplus(a)) + a·sigmoid(a)·(1 - tanh(softplus(a))²)"),
    ],
)  # fmt: skip
def test_a_derivative_reads_as_a_textbook_writes_it(tree: Expression, text: str) -> None:
    assert to_text(simplify(derivative(tree, A))) == text


def test_a_node_that_is_only_equal_is_held_still() -> None:
    other = Ref("a", value=0.75)
    assert derivative(A * other, A) is other
    assert derivative(other * other, A) == Number(0.0)


@pytest.mark.parametrize(
    ("tree", "name"),
    [(MatMul(A, B), "MatMul"), (Apply("trigamma", (A,)), "trigamma"), (Apply("max", (A,)), "max")],
)
def test_what_has_no_derivative_here_is_named(tree: Expression, name: str) -> None:
    with pytest.raises(TypeError, match=f"no derivative of {name}"):
        derivative(tree, A)
