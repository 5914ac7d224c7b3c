"""Beside a formula stands what its functions do, once on a page and in the field's terms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from vae_explain import explain
from vae_explain.ops import RULES, Rule
from vae_explain.pages.walkthrough.functions import PLAIN, FunctionNotes, functions, words
from vae_explain.symbolic.expression import Apply, Div, Opaque, Ref, Reshape, SumOver

from .examples import examples_of
from .pages import matrix
from .support import call_of
from .test_ops import vjp_of

X = Ref("x")


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES.values() if not rule.source], ids=lambda r: r.name
)
def test_every_function_in_a_rules_formulas_has_words(rule: Rule) -> None:
    for example in examples_of(rule):
        call = call_of(rule, example)
        ones = np.ones(call.output.shape)
        upstream = Ref("g", role="gradient", value=ones)
        formulas = [rule.formula(call)]
        formulas += [
            rule.gradient(call, position, upstream)
            for position, made in enumerate(vjp_of(rule, example, ones))
            if made is not None
        ]
        for formula in formulas:
            for name in functions(formula):
                assert words(name) or name.rstrip("'") in PLAIN, name


def test_the_words_are_those_of_the_rule() -> None:
    assert words("conv2d") == RULES["conv2d"].words
    assert words("conv2d_weight").startswith("each weight gets what arrives")
    assert words("max_pool1d_backward") == words("adaptive_max_pool3d_backward")
    assert words("leaky_relu'") == "the slope of leaky_relu"
    assert words("no_such_function") == ""


def test_a_function_is_explained_once_and_in_order() -> None:
    notes = FunctionNotes()
    formula = Opaque("max_pool2d", (Opaque("conv2d", (X, Ref("w"))),))
    first = notes.remark(formula)
    assert first == (f"max_pool2d: {RULES['max_pool2d'].words} · conv2d: {RULES['conv2d'].words}")
    assert notes.remark(formula) == ""
    assert notes.remark(Opaque("fold", (formula,))) == f"fold: {RULES['fold'].words}"
    repeating = FunctionNotes(repeat=True)
    assert repeating.remark(formula) == repeating.remark(formula) == first


def test_what_a_formula_does_not_name_is_told_by_its_op() -> None:
    shares = Div(Apply("exp", (X,)), SumOver(Apply("exp", (X,)), (1,), (2, 1)))
    assert FunctionNotes().remark(shares, RULES["softmax"]) == f"softmax: {RULES['softmax'].words}"
    assert FunctionNotes().remark(shares, RULES["div"]) == ""


def test_another_shape_is_told_where_it_is_the_whole_step() -> None:
    words = "reshape: the same numbers in another shape"
    assert FunctionNotes().remark(Reshape(X, (2, 2))) == words
    assert FunctionNotes().remark(Apply("exp", (Reshape(X, (2, 2)),))) == ""


class Convolved(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv1d(1, 1, 2), nn.Conv1d(1, 1, 2)

    def forward(self, x: Tensor) -> Tensor:
        features = self.first(x.unsqueeze(1))
        y = self.second(features)
        loss: Tensor = (y**2).sum()
        return loss


def test_a_page_tells_a_function_where_it_is_first() -> None:
    explanation = explain(Convolved(), torch.tensor([[1.0, 2.0, 3.0, 4.0]]))
    for page, name in (
        (explanation.forward(), "conv1d"),
        (explanation.backward(), "conv1d_weight"),
    ):
        text = " ".join(str(page).split())
        assert text.count(f"{name}: ") == 1
        assert text.count(f"{name}(") >= 2
        assert text.index(f"{name}(") < text.index(f"{name}: ")


class Shifted(nn.Module):
    shift: Tensor
    level: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 2)
        self.register_buffer("shift", torch.tensor([0.5, -1.25]))
        self.register_buffer("level", torch.full((2,), 3.0))

    def forward(self, x: Tensor) -> Tensor:
        h = self.layer(x) + self.shift * self.level
        y = h * self.level
        loss: Tensor = (y**2).sum()
        return loss


def test_a_constant_is_shown_where_a_formula_names_it_first() -> None:
    text = str(explain(Shifted(), torch.tensor([[1.0, 2.0]])).forward())
    assert text.count("level is 3 everywhere, [2]") == 1
    assert text.index("h = ") < text.index("level is 3 everywhere") < text.index("y = ")
    (shown,) = matrix(text, "shift")
    assert shown == ["0.5000", "-1.2500"]


def test_words_that_an_op_and_its_formula_share_are_said_once() -> None:
    rule = RULES["leaky_relu"]
    assert FunctionNotes().remark(Opaque("leaky_relu", (X,)), rule).count(rule.words) == 1
