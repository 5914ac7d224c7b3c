"""Classes as conditional VAEs take them in: one-hot rows, rows of a table, and their names."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_explain import explain

X = torch.tensor([[1.0, 2.0, 3.0, 4.0], [0.5, -1.0, 2.0, 0.3]])
# From the classes and a table with a row for each, what stands for them.
Encode = Callable[[Tensor, nn.Embedding], Tensor]


class Conditional(nn.Module):
    """Computes with x and the classes of its rows, one of which is the padding of the table."""

    def __init__(self, encode: Encode) -> None:
        super().__init__()
        self.fc = nn.Linear(7, 2)
        self.table = nn.Embedding(3, 3, padding_idx=0)
        self.encode = encode

    def forward(self, x: Tensor) -> Tensor:
        y = torch.tensor([2, 0])
        c = self.encode(y, self.table)
        total: Tensor = self.fc(torch.cat([x, c], dim=1)).square().sum()
        return total


ENCODINGS: dict[str, tuple[Encode, str, str]] = {
    "one_hot": (
        lambda y, table: F.one_hot(y, 3).float(),
        "c = one_hot(y, classes=3)",
        "c[0,2] = is_zero(y[0] - 2) = is_zero(2 - 2) = 1.0000",
    ),
    "as many as there are": (
        lambda y, table: F.one_hot(y).to(torch.float32),
        "c = one_hot(y, classes=3)",
        "c[0,2] = is_zero(y[0] - 2) = is_zero(2 - 2) = 1.0000",
    ),
    "eye": (lambda y, table: torch.eye(3)[y], "c = eye[[2, 0]]", "c[0,2] = eye[2,2] = 1.0000"),
    "embedding": (
        lambda y, table: table(y),
        "c = embedding(y, table.weight, padding_idx=0)",
        "c[0,2] = table.weight[2,2] =",
    ),
}


@pytest.mark.parametrize("name", ENCODINGS)
def test_what_stands_for_a_class_says_for_which(name: str) -> None:
    encode, formula, derivation = ENCODINGS[name]
    torch.manual_seed(0)
    explanation = explain(Conditional(encode), X)
    run = explanation.run
    assert not run.graph.not_explained
    assert run.hand_gradients.keys() == run.trace.gradients.keys()
    for number, gradient in run.hand_gradients.items():
        np.testing.assert_allclose(gradient, run.trace.gradients[number], rtol=1e-5, atol=1e-6)
    assert formula in explanation.forward().text(100)
    assert derivation in explanation.why("c[0,2]").text(100)
    for page in (explanation.forward(), explanation.backward()):
        assert not page.checks.failed
    assert explanation.check().passed  # the row for padding is held still


def test_rows_of_zeros_and_ones_without_a_name_are_called_what_they_are() -> None:
    class Joined(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(7, 2)

        def forward(self, x: Tensor) -> Tensor:
            y = torch.tensor([2, 0])
            total: Tensor = self.fc(torch.cat([x, F.one_hot(y, 3).to(x)], dim=1)).square().sum()
            return total

    torch.manual_seed(0)
    explanation = explain(Joined(), X)
    np.testing.assert_array_equal(
        explanation.run.array("one_hot"), [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    )
    assert "fc = cat(x, one_hot, dim=1) @ fc.weightᵀ + fc.bias" in explanation.forward().text(100)
