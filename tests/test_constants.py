"""Constants that are one number everywhere, which a formula writes as that number."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_explain import explain
from vae_explain.ops import RULES, Call, Rule
from vae_explain.symbolic.expression import Expression, Number, Ref
from vae_explain.symbolic.whole import evaluate_whole

from .examples import examples_of
from .support import LETTERS, WHOLE_FUNCTIONS, NamedOperand, is_float, upstream_for


class Uniform(NamedOperand):
    """A tensor that is written as the one number that it has."""

    def whole(self) -> Expression:
        return Number(float(self.array.flat[0]))


SPREADING = [rule for rule in RULES.values() if rule.formula_broadcasts and examples_of(rule)]


@pytest.mark.parametrize("rule", SPREADING, ids=lambda rule: rule.name)
def test_a_formula_that_spreads_takes_one_number_for_a_tensor(rule: Rule) -> None:
    for example in examples_of(rule):
        for position, array in enumerate(example.operands):
            if not is_float(array):
                continue
            operands = list(example.operands)
            operands[position] = np.full(array.shape, array.flat[0])
            output = np.asarray(rule.forward(*operands, **example.attributes))
            named = [
                (Uniform if at == position else NamedOperand)(name, operand)
                for at, (name, operand) in enumerate(zip(LETTERS, operands, strict=False))
            ]
            call = Call(tuple(named), NamedOperand("y", output), example.attributes)
            found = evaluate_whole(rule.formula(call), WHOLE_FUNCTIONS)
            np.testing.assert_allclose(np.broadcast_to(found, output.shape), output, 1e-12)
            upstream = upstream_for(output.shape, seed=2)
            gradients = rule.vjp(upstream, output, *operands, **example.attributes)
            for other, expected in enumerate(gradients):
                if expected is None or other == position:
                    continue
                arriving = Ref("g", role="gradient", value=upstream)
                whole = evaluate_whole(rule.gradient(call, other, arriving), WHOLE_FUNCTIONS)
                whole = np.broadcast_to(whole, operands[other].shape)
                np.testing.assert_allclose(whole, expected, 1e-12, 1e-13)


def of_low_rank(mean: Tensor, x: Tensor) -> Tensor:
    distribution = torch.distributions.LowRankMultivariateNormal(mean, ONES(6, 2), ONES(6))
    found: Tensor = distribution.log_prob(x)  # type: ignore[no-untyped-call] # torch's own
    return found


ONES, ZEROS = torch.ones, torch.zeros
USES: dict[str, Callable[[Tensor], Tensor]] = {
    "a product": lambda h: h @ ONES(6, 2),
    "a product with a transpose": lambda h: (ONES(6, 2) / ONES(6).unsqueeze(-1)).mT @ h.mT,
    "a batch of products": lambda h: torch.bmm(h[None], ONES(1, 6, 2)),
    "a layer": lambda h: F.linear(h, torch.full((2, 6), 0.5), ONES(2)),
    "a kernel": lambda h: F.conv1d(h.reshape(3, 1, 6), torch.full((1, 1, 3), 1 / 3)),
    "an attention": lambda h: F.scaled_dot_product_attention(h[None], ONES(1, 3, 6), h[None]),
    "put behind": lambda h: torch.cat([h, ZEROS(3, 2)], 1),
    "put beside": lambda h: torch.stack([h, ONES(3, 6)]),
    "letters": lambda h: torch.einsum("ij,jk->ik", h, ONES(6, 2)),
    "distances": lambda h: torch.cdist(h, ZEROS(2, 6)),
    "an angle": lambda h: F.cosine_similarity(h, ONES(3, 6)),
    "added at places": lambda h: ZEROS(3, 6).scatter_add(1, ZEROS(3, 6).long(), h),
    "a part": lambda h: h * ONES(5, 6)[1:4],
    "padded": lambda h: h + F.pad(ONES(3, 4), (1, 1)),
    "rows of a table": lambda h: h[:2] + F.embedding(torch.tensor([0, 1]), ONES(3, 6)),
    "sums so far": lambda h: h + ONES(3, 6).cumsum(1),
    "a triangle": lambda h: ONES(3, 3).tril() @ h,
    "a diagonal": lambda h: torch.diag(ONES(3)) @ h,
    "a covariance of low rank": lambda h: of_low_rank(h, h * 2),
}


@pytest.mark.parametrize("use", USES)
def test_where_all_of_a_tensor_is_needed_it_is_written_in_its_shape(use: str) -> None:
    torch.manual_seed(5)
    explanation = explain(
        nn.Linear(4, 6), torch.randn(3, 4), objective=lambda m, x: USES[use](m(x)).square().sum()
    )
    assert explanation.not_explained == ()
    for page in (explanation.forward(), explanation.backward()):
        assert page.checks.lines
        assert not page.checks.failed
    assert explanation.document().to_latex()
