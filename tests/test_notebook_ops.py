"""The notebook's code for every rule: run, it comes to the output and to the gradients.

It goes over the registry, so a new op shows up here: as code that computes it, or by a name
that stands below among those that the notebook takes from the page.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from vae_explain.ops import Rule
from vae_explain.pages.render.notebooks.notebook import HELPERS
from vae_explain.pages.render.notebooks.torch_calls import helpers_of
from vae_explain.pages.render.notebooks.torch_code import Identifiers, NoCode, code
from vae_explain.symbolic.expression import Expression, Number, Opaque, Ref, nodes, references
from vae_explain.symbolic.whole import evaluate_whole
from vae_explain.trace import Array

from .examples import Example
from .support import (
    WHOLE_FUNCTIONS,
    as_far_as_pytorch_differentiates,
    call_of,
    upstream_for,
)
from .test_ops import on_every_example, skip_other_slopes

# What a formula has no line for: einsums that repeat numbers, softmaxes behind a mask, and
# the sum over copies.
NO_CODE = {
    "einsum[j->ij]", "einsum[k,kl->ij]", "einsum[k,ij->kl]", "causal_softmax", "masked_softmax",
    "sum_of_copies",
}  # fmt: skip


def computed(formula: Expression) -> Array:
    """Write a formula as code and run it, with the helpers that a notebook has for it."""
    line = code(formula, Identifiers())
    given = {ref.name: torch.tensor(np.asarray(ref.value)) for ref in references(formula)}
    here: dict[str, Any] = {"torch": torch, "F": torch.nn.functional, "math": math, **given}
    for node in nodes(formula):
        if isinstance(node, Opaque):
            for helper in helpers_of(node.name, len(node.arguments)):
                exec(HELPERS[helper], here)
    found: Array = torch.as_tensor(eval(line, here)).numpy()
    return found


@pytest.fixture(autouse=True)
def double() -> Any:
    """Take numbers as doubles, as the notebook's first cell has them taken."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def same(formula: Expression, expected: Array, what: str) -> None:
    """Hold a formula's code to numbers."""
    reason = ""
    try:
        with as_far_as_pytorch_differentiates():
            found = computed(formula)
    except NoCode as why:
        reason = str(why)
    if reason:
        assert reason in NO_CODE or reason == "cumsum_from_behind of one number", what
        return
    found = np.broadcast_to(found, expected.shape)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13, err_msg=what)


@on_every_example
def test_the_code_of_a_rule_computes_what_the_rule_says(rule: Rule, example: Example) -> None:
    skip_other_slopes(rule)  # the code has PyTorch itself take the slopes
    call = call_of(rule, example)
    output = np.asarray(call.output.array)
    same(rule.formula(call), output, "output")
    upstream = upstream_for(output.shape, seed=4)
    arriving = Ref("g", role="gradient", value=upstream)
    gradients = rule.vjp(upstream, output, *example.operands, **example.attributes)
    for position, expected in enumerate(gradients):
        if expected is not None:
            formula = rule.backward(call, position, arriving)
            same(formula, expected, f"the gradient of operand {position}")


def arrivals(shape: tuple[int, ...]) -> Iterator[tuple[str, Expression]]:
    """Yield what may arrive in a shape and leave the rest of it to broadcasting."""
    yield "a number", Number(0.5)
    yield "a named number", Ref("g", role="gradient", value=np.array(0.5))
    if shape:
        for axis in {0, len(shape) - 1}:
            small = tuple(1 if at == axis else size for at, size in enumerate(shape))
            yield f"axis {axis} left out", Ref("g", None, "gradient", upstream_for(small, seed=5))


@on_every_example
def test_what_leaves_repeating_to_broadcasting_is_counted_right(
    rule: Rule, example: Example
) -> None:
    skip_other_slopes(rule)  # the code has PyTorch itself take the slopes
    call = call_of(rule, example)
    output = np.asarray(call.output.array)
    for what, arriving in arrivals(output.shape):
        upstream = np.array(np.broadcast_to(arriving.value, output.shape))  # type: ignore[attr-defined] # a Number or a Ref
        gradients = rule.vjp(upstream, output, *example.operands, **example.attributes)
        for position, expected in enumerate(gradients):
            if expected is not None:
                formula = rule.backward(call, position, arriving)
                if output.ndim:  # else a plain number may arrive, which is no array
                    with np.errstate(invalid="ignore"):
                        told = evaluate_whole(formula, WHOLE_FUNCTIONS)
                    told = np.broadcast_to(told, expected.shape)
                    np.testing.assert_allclose(told, expected, rtol=1e-12, atol=1e-13)
                same(formula, expected, f"{what}, the gradient of operand {position}")
