"""Writes to a part of a value: the part is worked out, then put in its place, and agrees."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_explain import explain
from vae_explain.engine.run import Run
from vae_explain.recording.views import View, view_of

from .pages import CommandLine

X = torch.tensor([[1.0, 2.0, 3.0, 4.0], [0.5, -1.0, 2.0, 0.3]])
# Writes to a part of h, of shape [2, 4], perhaps with v, of shape [2].
Write = Callable[[Tensor, Tensor], object]


def numbers_and_gradients_agree(run: Run) -> None:
    """Hold every value and every gradient made by hand against PyTorch's."""
    for number, array in run.hand_values.items():
        np.testing.assert_allclose(array, run.trace.values[number].array, rtol=1e-5, atol=1e-6)
    assert run.hand_gradients.keys() == run.trace.gradients.keys()
    for number, gradient in run.hand_gradients.items():
        np.testing.assert_allclose(gradient, run.trace.gradients[number], rtol=1e-5, atol=1e-6)


class Writing(nn.Module):
    """Writes to what it has computed, after it has looked at it and before it uses it."""

    def __init__(self, write: Write) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.scale = nn.Linear(4, 1)
        self.write = write

    def forward(self, x: Tensor) -> Tensor:
        h = self.fc(x) * 1.0
        v = torch.tanh(self.scale(x))[:, 0]
        early = h.sum() * 0.5
        self.write(h, v)
        total: Tensor = h.square().sum() + early
        return total


def added(h: Tensor, v: Tensor) -> None:
    h[:, 0] += v


def one_doubled(h: Tensor, v: Tensor) -> None:
    h[0, 1] *= 2


def flat(h: Tensor, v: Tensor) -> None:
    h.view(-1)[3] = 5


def turned(h: Tensor, v: Tensor) -> None:
    h.transpose(0, 1)[0] = v


def by_part(h: Tensor, v: Tensor) -> None:
    part = h[:, :2]
    tripled = part * 3
    part += v[:, None]
    h[:, 3] = tripled[:, 0] + part[:, 1]  # the part is what it has become


def view_of_what_was_written(h: Tensor, v: Tensor) -> None:
    across = h.T
    h.mul_(2)
    h[:, 0] = across[1] + v


def in_a_loop(h: Tensor, v: Tensor) -> None:
    for column in range(4):
        h[:, column] -= v * column + h[:, 3 - column]


WRITES: dict[str, Write] = {
    "h[:, 0].copy_(v)": lambda h, v: h[:, 0].copy_(v),
    "h[:, 0].fill_(0)": lambda h, v: h[:, 0].fill_(0),
    "h[0].fill_(v[1])": lambda h, v: h[0].fill_(v[1]),
    "h[0].zero_()": lambda h, v: h[0].zero_(),
    "h[:, 1:].mul_(2)": lambda h, v: h[:, 1:].mul_(2),
    "h[0].add_(v[0])": lambda h, v: h[0].add_(v[0]),
    "h.narrow(1, 0, 2).copy_(…)": lambda h, v: h.narrow(1, 0, 2).copy_(v[:, None]),
    "h[:, 0] += v": added,
    "h[0, 1] *= 2": one_doubled,
    "h.T.mul_(2)": lambda h, v: h.T.mul_(2),
    "h.view(-1)[3] = 5": flat,
    "h.transpose(0, 1)[0] = v": turned,
    "h.diagonal().copy_(v)": lambda h, v: h.diagonal().copy_(v),
    "h[0][1:][0].mul_(v[0])": lambda h, v: h[0][1:][0].mul_(v[0]),
    "h.view(2, 2, 2)[:, 0].mul_(…)": lambda h, v: h.view(2, 2, 2)[:, 0].mul_(v[:, None]),
    "relu(h[:, 2:], inplace=True)": lambda h, v: F.relu(h[:, 2:], inplace=True),
    "dropout(h[:, 1:], inplace=True)": lambda h, v: F.dropout(h[:, 1:], 0.5, True, True),
    "a dropout of h[:, 1:] that is off": lambda h, v: F.dropout(h[:, 1:], 0.5, False, True),
    "h[:, 2].normal_()": lambda h, v: h[:, 2].normal_(),
    "the part is used again": by_part,
    "a view of what was written": view_of_what_was_written,
    "in a loop": in_a_loop,
    "h.zero_()": lambda h, v: h.zero_(),
    "h.fill_(v[0])": lambda h, v: h.fill_(v[0]),
    "h.copy_(v[:, None])": lambda h, v: h.copy_(v[:, None]),
}


@pytest.mark.parametrize("name", WRITES)
def test_what_a_part_has_become_is_put_in_its_place(name: str) -> None:
    torch.manual_seed(0)
    model = Writing(WRITES[name])
    torch.manual_seed(1)
    plain = model(X)
    plain.backward()
    explanation = explain(model, X, seed=1)
    run = explanation.run
    assert not run.graph.not_explained
    assert float(run.trace.loss.array) == plain.item()
    for parameter in ("fc.weight", "scale.bias"):
        gradient = model.get_parameter(parameter).grad
        if gradient is not None:
            # What is not reached has a gradient of zeros, or none.
            own = run.trace.gradients.get(run.value(parameter).id, np.zeros(gradient.shape))
            np.testing.assert_allclose(own, gradient.numpy(), rtol=1e-5)
    numbers_and_gradients_agree(run)
    for page in (explanation.forward(), explanation.backward()):
        assert page.checks.lines
        assert not page.checks.failed
    assert explanation.check().passed


def test_a_number_that_was_put_in_its_place_is_derived() -> None:
    torch.manual_seed(0)
    explanation = explain(Writing(WRITES["h[:, 1:].mul_(2)"]), X)
    text = explanation.forward().text(100)
    assert "h_2 = put(h_1, 2·h_1[:, 1:], at=[:, 1:])" in text
    why = explanation.why("h_2[0,1]").text(100)
    (line, *_) = [line for line in why.splitlines() if "h_2[0,1] =" in line]
    assert "2·" in line
    assert "h_1[0,1]" in why


def test_a_loop_over_rows_and_columns_of_zeros_is_explained() -> None:
    class ByRow(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            h = self.fc(x)
            out = torch.zeros(2, 4)
            for i, row in enumerate(h):  # PyTorch makes these rows out of sight
                out[i].copy_(row * (i + 1))
            for column in range(3):
                out[:, column] += h[:, column + 1]
            total: Tensor = out.square().sum()
            return total

    torch.manual_seed(0)
    run = explain(ByRow(), X).run
    assert not run.graph.not_explained
    numbers_and_gradients_agree(run)


def test_a_view_written_to_with_gradients_off_is_no_traceback() -> None:
    class Halved(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(4, 2)

        def forward(self, x: Tensor) -> Tensor:
            with torch.no_grad():
                self.fc.weight[:, 0].mul_(0.5)
            total: Tensor = self.fc(x).square().sum()
            return total

    torch.manual_seed(0)
    model = Halved()
    before = model.fc.weight.detach().clone()
    run = explain(model, X).run
    before[:, 0] *= 0.5
    np.testing.assert_array_equal(run.array("fc.weight"), before.numpy())
    numbers_and_gradients_agree(run)


class Kept(nn.Module):
    """Keeps what it has computed above a bound, out of autograd's sight."""

    def __init__(self, least: float) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.least = least

    def forward(self, x: Tensor) -> Tensor:
        h = self.fc(x) * 2
        h.detach().clamp_(min=self.least)
        total: Tensor = (h * h).sum()
        return total


@pytest.mark.parametrize(("least", "unseen"), [(-100.0, ()), (1.0, ("clamp unseen by autograd",))])
def test_a_write_out_of_sight_is_told_only_where_it_has_changed_a_number(
    least: float, unseen: tuple[str, ...]
) -> None:
    torch.manual_seed(2)
    explanation = explain(Kept(least), X)
    assert explanation.not_explained == unseen
    numbers_and_gradients_agree(explanation.run)


def test_a_loss_that_is_a_view_of_what_was_written_is_what_it_has_become() -> None:
    class Parts(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(4, 2)

        def forward(self, x: Tensor) -> Tensor:
            parts = torch.zeros(2)
            first = parts[0]
            parts[0] += self.fc(x).square().mean()
            return first

    torch.manual_seed(0)
    model = Parts()
    run = explain(model, X).run
    assert float(run.trace.loss.array) == model(X).item() > 0
    numbers_and_gradients_agree(run)


# --- memory that nobody has written to ---------------------------------------------------


class Filling(nn.Module):
    """Fills some columns of empty memory, and makes its loss of all or of some of them."""

    def __init__(self, how: str, filled: int = 3, used: int = 3) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 3)
        self.how, self.filled, self.used = how, filled, used

    def forward(self, x: Tensor) -> Tensor:
        h = self.fc(x)
        if self.how == "empty":
            out = torch.empty([2, 3])
        elif self.how == "new_empty":
            out = x.new_empty(2, 3)
        else:
            out = torch.empty_like(h)
        for column in range(self.filled):
            out[:, column] = h[:, column] * (column + 1)
        total: Tensor = out[:, : self.used].square().sum()
        return total


def dirty() -> None:
    """Leave numbers behind in memory that is free."""
    for _ in range(100):
        torch.full((2, 3), 7.7)


@pytest.mark.parametrize(("filled", "used"), [(3, 3), (2, 2)])
@pytest.mark.parametrize("how", ["empty", "new_empty", "empty_like"])
def test_memory_that_is_filled_is_shown_without_what_was_in_it(
    how: str, filled: int, used: int
) -> None:
    torch.manual_seed(0)
    model = Filling(how, filled, used)
    dirty()
    explanation = explain(model, X)
    run = explanation.run
    assert float(run.trace.loss.array) == model(X).item()
    assert not run.array("uninitialised").any()
    numbers_and_gradients_agree(run)
    text = explanation.forward().text(100)
    assert "out_1 = put(uninitialised, 1·h[:, 0], at=[:, 0])" in text
    assert text.count("memory that nothing has been written to yet") == 1
    why = explanation.why("out_1[0,1]").text(100)
    assert "uninitialised[0,1] = 0.0000" in why
    assert "nothing has been written" in explanation.why("uninitialised[0,1]").text(100)


@pytest.mark.parametrize("command", ["forward", "check", "audit"])
def test_a_loss_of_memory_that_is_never_filled_is_refused(
    cli: CommandLine, tmp_path: Path, command: str
) -> None:
    file = tmp_path / "short.py"
    file.write_text(
        "import torch\nfrom torch import nn\n"
        "class Short(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.fc = nn.Linear(4, 3)\n"
        "    def forward(self, x):\n"
        "        out = torch.empty(1, 4)\n"
        "        out[:, :3] = self.fc(x)\n"
        "        return out.square().sum()\n"
    )
    result = cli(command, "--model", f"{file}:Short", "--x", "1,2,3,4")
    assert result.code == 2
    assert result.out == ""
    assert result.err.count("\n") == 1
    assert "out is made of numbers that were never written" in result.err


# --- which part a view is ---------------------------------------------------------------

WHOLE = torch.arange(24.0).reshape(2, 3, 4)


@pytest.mark.parametrize(
    ("part", "view"),
    [
        (WHOLE[1], View(key=(1,))),
        (WHOLE[:, 1:], View(key=(slice(None), slice(1, None)))),
        (WHOLE[..., :3:2], View(key=(slice(None), slice(None), slice(None, None, 2)))),
        (WHOLE[0][1][2:3], View(key=(0, 1, slice(2, 3)))),
        (WHOLE.unsqueeze(1)[:, :, 0], View(key=(slice(None), slice(None, 1)))),
        (WHOLE[:, :1], View(key=(slice(None), slice(None, 1)))),
        (WHOLE[None], View(key=(None,))),
        (WHOLE.permute(2, 0, 1), View(axes=(2, 0, 1))),
        (WHOLE.view(6, 4), View(shape=(6, 4))),
        (WHOLE.view(-1)[1:3], None),
        (WHOLE.mT[:, 1:], None),
    ],
)
def test_a_view_is_told_from_its_memory(part: Tensor, view: View | None) -> None:
    found = view_of(WHOLE, part)
    assert found is not None
    if view is not None:
        assert found == view
    if found.key is not None:
        again = WHOLE[found.key]
    else:
        again = WHOLE.reshape(found.shape) if found.shape else WHOLE.permute(found.axes or ())
    assert torch.equal(again, part)
    assert again.shape == part.shape


def test_what_reads_the_memory_as_another_kind_is_no_part() -> None:
    assert view_of(WHOLE, WHOLE.view(torch.int32)) is None
