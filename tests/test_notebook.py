"""The notebook: valid, and run from top to bottom, where it comes to the page's numbers."""

from __future__ import annotations

import contextlib
import io
import json
import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import nbformat
import numpy as np
import pytest
import torch
from torch import nn

from vae_explain import explain
from vae_explain.engine.run import Arithmetic
from vae_explain.pages.blocks import Formula, Heading, Matrix, Summary, Walkthrough
from vae_explain.pages.render.notebooks import notebook
from vae_explain.pages.render.notebooks.torch_code import Identifiers, NoCode, code
from vae_explain.symbolic.expression import (
    FUNCTIONS,
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
from vae_explain.symbolic.whole import evaluate_whole

from .documents import RUNS, document
from .models import MODELS
from .support import WHOLE_FUNCTIONS
from .test_markdown import HOSTILE

RUNS_AND_MORE = {
    **RUNS,
    "large": ("--dims", "30-20-4-20-30", "--seed", "2"),
    "gelu": ("--activation", "gelu", "--x", "0.5,-1,2,0.25", "--x", "1,0,0,-2"),
    "leaky": ("--activation", "leaky_relu", "--arithmetic", "full"),
}


@pytest.fixture(autouse=True)
def default_type() -> Iterator[None]:
    """Leave PyTorch's default type as it was, which a notebook sets."""
    before = torch.get_default_dtype()
    yield
    torch.set_default_dtype(before)


def cells(text: str, kind: str = "code") -> list[str]:
    return ["".join(c["source"]) for c in json.loads(text)["cells"] if c["cell_type"] == kind]


def run(sources: list[str]) -> list[str]:
    """Run cells in order in one namespace, as a kernel does, and return the printed lines."""
    namespace: dict[str, Any] = {}
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        for source in sources:
            exec(compile(source, "<cell>", "exec"), namespace)
    return out.getvalue().splitlines()


def valid(text: str) -> Any:
    """Return a notebook as Jupyter reads it, held to the format's schema."""
    found = nbformat.reads(text, as_version=nbformat.NO_CONVERT)  # type: ignore[no-untyped-call] # nbformat has no types
    nbformat.validate(found)
    return found


@pytest.mark.parametrize("name", RUNS_AND_MORE)
def test_it_runs_from_top_to_bottom_and_agrees_with_the_page(name: str) -> None:
    text = document("notebook", *RUNS_AND_MORE[name])
    assert "No line of its own" not in text
    said = run(cells(text))
    assert len(said) > 30
    assert [line for line in said if not line.endswith(": agrees")] == []


@pytest.mark.parametrize("name", MODELS)
def test_one_of_a_model_of_ones_own_runs_and_agrees(name: str) -> None:
    own = MODELS[name]
    page = explain(own.build(), own.x(), seed=1, **own.keywords()).document()
    text = page.to_notebook()
    assert set(re.findall("No line of its own for (.*?) here", text)) == set()
    said = run(cells(text))
    assert len(said) > 15
    assert [line for line in said if not line.endswith(": agrees")] == []


class WithGaps(nn.Module):
    """A model some of whose values are no numbers, and of which the loss takes those that are."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        gaps = self.fc(x).masked_fill(x > 1, math.nan)
        least = self.fc(x).masked_fill(x > 1, -math.inf).amax(-1)
        found: torch.Tensor = gaps.nanmean() + gaps.nansum(1).square().sum() + least.sum()
        return found


def test_what_is_no_number_agrees_with_its_like() -> None:
    text = explain(WithGaps(), torch.tensor([[0.5, 2.0, -1.0, 0.25]]), seed=1).document()
    sources = cells(text.to_notebook())
    said = run(sources)
    assert "gaps: agrees" in said
    assert [line for line in said if not line.endswith(": agrees")] == []
    wrong = [source.replace("(x) > 1", "(x) > 3").replace("math.nan", "0.0") for source in sources]
    assert any(line.startswith("gaps: differs") for line in run(wrong))


LAYERS_OF_IMAGES: dict[str, Callable[[], nn.Module]] = {
    "max pool": lambda: nn.MaxPool2d(2),
    "overlapping max pool": lambda: nn.MaxPool2d(3, stride=2, padding=1),
    "average pool": lambda: nn.AvgPool2d(2),
    "average pool without padding": lambda: nn.AvgPool2d(3, 2, 1, count_include_pad=False),
    "global pool": lambda: nn.AdaptiveAvgPool2d(1),
    "adaptive pool": lambda: nn.AdaptiveAvgPool2d((3, 2)),
    "group norm": lambda: nn.GroupNorm(2, 4),
    "plain group norm": lambda: nn.GroupNorm(2, 4, affine=False),
    "batch norm": lambda: nn.BatchNorm2d(4),
    "batch norm that is done learning": lambda: nn.BatchNorm2d(4).eval(),
    "instance norm": lambda: nn.InstanceNorm2d(4, affine=True),
    "layer norm": lambda: nn.LayerNorm([4, 6, 6]),
    "plain layer norm": lambda: nn.LayerNorm([4, 6, 6], elementwise_affine=False),
    "upsampling": lambda: nn.Upsample(scale_factor=2),
    "blended upsampling": lambda: nn.Upsample(scale_factor=2, mode="bilinear"),
    "padding": lambda: nn.ReflectionPad2d(1),
    "adaptive max pool": lambda: nn.AdaptiveMaxPool2d((3, 2)),
    "cubic upsampling": lambda: nn.Upsample(scale_factor=1.5, mode="bicubic"),
    "patches": lambda: nn.Unfold(3, padding=1, stride=2),
    "bent lines": lambda: nn.Sequential(nn.Hardsigmoid(), nn.PReLU()),
    "transposed convolution": lambda: nn.ConvTranspose2d(4, 2, 3, stride=2),
}


@pytest.mark.parametrize("name", LAYERS_OF_IMAGES)
@pytest.mark.parametrize("arithmetic", ["printed", "full"])
def test_layers_of_images_are_computed_forward_and_backward(
    name: str, arithmetic: Arithmetic
) -> None:
    def objective(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
        h = model(x)
        loss: torch.Tensor = (h**2).mean()
        return loss

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), LAYERS_OF_IMAGES[name]())
        x = torch.rand(2, 1, 6, 6)
    explanation = explain(model, x, objective=objective, arithmetic=arithmetic)
    text = explanation.document().to_notebook()
    assert "No line of its own" not in text
    said = run(cells(text))
    assert [line for line in said if not line.endswith(": agrees")] == []
    checked = [line.partition(":")[0] for line in said]
    for parameter, _ in model.named_parameters():
        assert parameter in checked, "by autograd, from all that stands above"


def test_a_step_that_is_wrong_is_noticed_in_such_a_notebook() -> None:
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.MaxPool2d(2))
    text = explain(
        model, torch.rand(1, 1, 6, 6), objective=lambda m, x: m(x).pow(2).sum()
    ).document()
    sources = cells(text.to_notebook())
    changed = [source.replace("F.max_pool2d(", "F.avg_pool2d(") for source in sources]
    assert changed != sources
    assert [line for line in run(changed) if "differs" in line]


def test_the_default_notebook_computes_every_step_and_gradient() -> None:
    text = document("notebook")
    said = [line.partition(":")[0] for line in run(cells(text))]
    for name in ("encoder_pre", "encoder_hidden", "mu", "std", "z", "recon_x", "mse", "kl", "loss"):
        assert name in said
    parameters = [f"{layer}.{kind}" for layer in LAYERS for kind in ("weight", "bias")]
    for name in parameters:
        assert said.count(name) == 1  # by autograd
        assert said.count(f"∂loss/∂{name}") == said.count(f"{name}_new") == 1


LAYERS = ("fc1", "fc_mu", "fc_logvar", "fc_dec1", "fc_dec2")


def test_a_changed_number_is_noticed_and_autograd_still_agrees() -> None:
    sources = cells(document("notebook"))
    (at,) = [i for i, source in enumerate(sources) if source.startswith("x = ")]
    assert "[1.0, 2.0, 3.0, 4.0]" in sources[at]
    sources[at] = sources[at].replace("4.0", "4.5")
    said = dict(line.split(": ", 1) for line in run(sources))
    assert said["encoder_pre"].startswith("differs by up to 0.2")
    assert said["loss"].startswith("differs")
    assert {said[f"{layer}.weight"] for layer in LAYERS} == {"agrees"}


def test_it_is_valid_and_its_ids_are_in_order() -> None:
    text = document("notebook")
    found = valid(text)
    assert (found.nbformat, found.nbformat_minor) == (4, 5)
    ids = [cell.id for cell in found.cells]
    assert ids == [f"cell-{number:03d}" for number in range(1, len(ids) + 1)]
    assert all(not cell.get("outputs") for cell in found.cells)


def test_its_text_is_the_markdown_with_formulas_as_jupyter_has_them() -> None:
    text = "\n\n".join(cells(document("notebook"), "markdown"))
    page = document("markdown")
    page = re.sub(r"```math\n(.*?)\n```", r"$$\n\1\n$$", page, flags=re.DOTALL)
    left_out = [part for part in page.split("\n\n") if part.strip() and part.strip() not in text]
    assert left_out == []


def test_the_picture_is_inside() -> None:
    found = json.loads(document("notebook"))
    (cell,) = [cell for cell in found["cells"] if "attachments" in cell]
    assert "(attachment:diagram.svg)" in "".join(cell["source"])
    assert list(cell["attachments"]["diagram.svg"]) == ["image/svg+xml"]


# --- names and numbers ------------------------------------------------------------------


@pytest.mark.parametrize("name", [*HOSTILE, "lambda", "torch", "compare", "1st", "", "名"])
def test_any_name_becomes_a_variable(name: str) -> None:
    array = np.array([[1.0, 2.0]])
    doubled = Formula("y", Ref(name, None, "input", array) * Number(2.0))
    page = Walkthrough(
        "document", "t", (), (Heading(1, name), Matrix(name, array, "input", "input"), doubled)
    )
    text = notebook.write(page)
    valid(text)
    assert run(cells(text)) == []


def test_two_names_never_share_a_variable() -> None:
    names = Identifiers()
    found = [names(name) for name in ("a.b", "a_b", "a-b", "a_b_2", "∂loss/∂a.b", "d_a_b")]
    assert len(set(found)) == len(found)
    assert all(each.isidentifier() for each in found)
    assert names("a.b") == found[0]


@pytest.mark.parametrize("dtype", ["printed", "single", "double"])
def test_a_large_tensor_comes_back_with_every_digit(dtype: str) -> None:
    array = np.random.default_rng(0).normal(size=(20, 30)) * 1e3
    if dtype == "printed":
        array = np.round(array, 4)
    if dtype == "single":
        array = array.astype(np.float32).astype(np.float64)
    summary = Summary("w", array, "parameter", "parameter", 0, 0, 0, 0, 0, 0, ())
    text = notebook.write(Walkthrough("document", "t", (), (summary,)))
    namespace: dict[str, Any] = {}
    for source in cells(text):
        exec(source, namespace)
    assert namespace["w"].requires_grad
    assert namespace["w"].dtype == torch.float64
    assert np.array_equal(namespace["w"].detach().numpy(), array)


# --- code -------------------------------------------------------------------------------

A = Ref("a", None, "value", np.array([[0.5, -1.5], [2.0, 0.25]]))
B = Ref("b", None, "value", np.array([[1.5, 0.75], [-0.5, 3.0]]))
EXPRESSIONS: dict[str, Expression] = {
    "a difference of sums": (A + B) - (A - B),
    "a product of sums": (A + B) * (A - B),
    "minus a product": -(A * B),
    "a product with minus one": Mul((Number(-1.0), A + B)),
    "a quotient of quotients": Div(Div(A, B), Div(B, A)),
    "a power of a sum": Pow(A + B, Number(2.0)),
    "a power of minus": Pow(Neg(A), Number(2.0)),
    "minus a power": Neg(Pow(A, Number(2.0))),
    "a product in a matrix product": MatMul(A * B, A + B),
    "a matrix product in a product": Mul((A, MatMul(A, B), B)),
    "a transpose": MatMul(Transpose(A), Transpose(MatMul(A, B))),
    "a sum over rows": SumOver(A * B, (0,), (2,)),
    "a sum over all": SumOver(Add((A, Neg(B))), (0, 1), ()),
    "an index": Opaque("[:, :1]", (A + B,), (), lambda x: x[:, :1]),
    "a function of a constant": A / Apply("sqrt", (Number(2.0),)) + Apply("log", (Number(3.0),)),
    "negative constants": Number(-0.5) * A * Number(-3.0) - Number(-2.0),
}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_code_gives_what_the_expression_stands_for(name: str) -> None:
    names = Identifiers()
    written = code(EXPRESSIONS[name], names)
    here = {"torch": torch, "a": torch.tensor(A.value), "b": torch.tensor(B.value)}
    computed = eval(written, {}, here)
    expected = evaluate_whole(EXPRESSIONS[name], WHOLE_FUNCTIONS)
    np.testing.assert_allclose(computed.numpy(), expected, rtol=1e-14, err_msg=written)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_each_function_is_the_one_of_the_expressions(function: str) -> None:
    import math

    from torch.nn import functional

    torch.set_default_dtype(torch.float64)
    argument = Ref("a", None, "value", np.array([0.25, 1.5, 3.0]))
    written = code(Mul((Number(2.0), Apply(function, (argument,)))), Identifiers())
    here = {"torch": torch, "math": math, "F": functional, "a": torch.tensor(argument.value)}
    expected = [2.0 * FUNCTIONS[function].value(number) for number in argument.value.tolist()]
    np.testing.assert_allclose(eval(written, {}, here).numpy(), expected, rtol=1e-12)


def test_one_number_may_stand_for_a_whole_tensor() -> None:
    names = Identifiers()
    column = code(Reshape(Number(0.25), (2, 1)) * A, names)
    here = {"torch": torch, "a": torch.tensor(A.value)}
    np.testing.assert_array_equal(eval(column, {}, here).numpy(), 0.25 * A.value)
    logarithm = code(Apply("log", (Number(1.0),)) + A, names)
    np.testing.assert_array_equal(eval(logarithm, {}, here).numpy(), A.value)
    # How often it is to be added is not known here.
    with pytest.raises(NoCode, match="a sum of one number"):
        code(SumOver(Number(1.0), (0, 1), ()), names)


def test_what_has_no_code_is_named_and_taken_from_the_page() -> None:
    array = np.array([[1.0, 2.0]])
    x = Ref("x", None, "input", array)
    unknown = Opaque("some_op_backward", (x,), (), lambda a: a)
    with pytest.raises(NoCode, match="some_op_backward"):
        code(unknown, Identifiers())
    after = Ref("y", None, "value", array * 3)
    page = Walkthrough(
        "document", "t", (), (Formula("y", unknown), Formula("z", after + Number(1.0)))
    )
    sources = cells(notebook.write(page))
    assert "No line of its own for some_op_backward" in "\n".join(sources)
    run(sources)


# --- what leaves repeating to broadcasting, and what autograd does not follow -----------


class Table(nn.Module):
    """A few numbers that every row of a batch gets, in the shape that is asked for."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.rand(shape))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.shift


def mirrored(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    h = model(x)
    turned = h.flip(1)
    loss: torch.Tensor = (turned * h[:, :1].flip(0, 1)).sum()
    return loss


def rows_weighed(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    rows = model(x.exp()).mean(dim=1)
    loss: torch.Tensor = (rows**2).sum()
    return loss


def held_back(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    h = model(x)
    target = (h * 2).detach()
    with torch.no_grad():
        scale = h.abs().mean()
    loss: torch.Tensor = ((h - target) ** 2).sum() / scale
    return loss


def through_a_length(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Hold back through a value that has no name, as a spectral norm does."""
    h = model(x)
    with torch.no_grad():
        first = h.sum(0)
        second = h @ (first / first.norm())
    loss: torch.Tensor = ((second / second.norm()) @ h).sum()
    return loss


def written_to(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    h = model(x)
    h[:, 0] += x[:, 1]
    h[:, 1:] = torch.tanh(h[:, 1:])
    both = torch.empty(4, 2, 2)
    both[:, 0] = h
    both[:, 1] = x[0, 0] * h[2]
    return (both**2).sum()


def padded(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    loss: torch.Tensor = model(torch.tensor([[2, 1, 0], [0, 2, 2]])).square().sum()
    return loss


def nearest(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    codes = model(x)
    places = ((x[:, None, :2] - codes) ** 2).sum(-1).argmin(-1)
    taken = codes.index_select(0, places) + codes.gather(0, places[:, None].repeat(1, 2))
    loss: torch.Tensor = (taken**2).sum()
    return loss


Objective = Callable[[nn.Module, torch.Tensor], torch.Tensor]
SUMMED: dict[str, tuple[Callable[[], nn.Module], Objective]] = {
    "a lone layer, summed": (lambda: nn.Linear(3, 2), lambda m, x: m(x).sum()),
    "a lone layer, averaged": (lambda: nn.Linear(3, 2), lambda m, x: m(x).mean()),
    "layers, summed": (
        lambda: nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 4)), lambda m, x: m(x).sum()
    ),
    "a row, added to each": (lambda: Table(3), lambda m, x: m(x).sum()),
    "a column, added to each": (lambda: Table(4, 1), lambda m, x: m(x).mean()),
    "one number, added to each": (lambda: Table(), lambda m, x: m(x).sum() * 0.5),
    "a convolution, summed": (lambda: nn.Conv1d(4, 2, 2), lambda m, x: m(x).sum()),
    "a norm, summed": (lambda: nn.LayerNorm(3), lambda m, x: (m(x) * x).sum()),
    "rows, weighed": (lambda: nn.Linear(3, 2), rows_weighed),
    "turned around": (lambda: nn.Linear(3, 2), mirrored),
    "held back": (lambda: nn.Linear(3, 2), held_back),
    "held back without a name": (lambda: nn.Linear(3, 2), through_a_length),
    "written to": (lambda: nn.Linear(3, 2), written_to),
    "a row for padding": (lambda: nn.Embedding(3, 2, padding_idx=0), padded),
    "the nearest code": (lambda: nn.Linear(3, 2), nearest),
    "times zero": (
        lambda: nn.Linear(3, 2), lambda m, x: ((x * 0).topk(2, 1).values @ m(x)[:2]).sum()
    ),
    "times a sum of ones": (lambda: nn.Linear(3, 2), lambda m, x: (m(x) * (x**0).sum()).sum()),
}  # fmt: skip


@pytest.mark.parametrize("name", SUMMED)
def test_a_gradient_that_is_the_same_everywhere_is_counted_right(name: str) -> None:
    build, objective = SUMMED[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model, x = build(), torch.rand(4, 3)
    text = explain(model, x, objective=objective).document().to_notebook()
    assert "No line of its own" not in text
    said = run(cells(text))
    assert [line for line in said if not line.endswith(": agrees")] == []
    checked = [line.partition(":")[0] for line in said]
    for parameter, _ in model.named_parameters():
        assert parameter in checked, "by autograd, from all that stands above"
