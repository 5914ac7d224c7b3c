"""A user's own VAE, unchanged: by hand as autograd has it, in the user's words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from vae_explain import Explanation, explain
from vae_explain.analysis.judge import gradient_scale
from vae_explain.engine.provenance import Provenance
from vae_explain.models.loading.user_code import CannotLoad, refuse_opaque

from .models import FOLDER, MODELS, tuple_output, unfit
from .pages import CommandLine

every_style = pytest.mark.parametrize("style", MODELS)


@cache
def explained(style: str) -> Explanation:
    """Explain a run of a model, once for all tests that only read it."""
    model, x, how = built(style)
    return explain(model, x, seed=11, **how)


def built(style: str) -> tuple[nn.Module, torch.Tensor, dict[str, Any]]:
    own = MODELS[style]
    return own.build(), own.x(), own.keywords()


def test_the_table_names_every_file_that_holds_a_model() -> None:
    others = {FOLDER / f"{name}.py" for name in ("__init__", "unfit", "categorical")}
    files = set(FOLDER.glob("*.py")) - others
    assert {own.file for own in MODELS.values()} == files
    assert len(MODELS) >= 12


@every_style
def test_by_hand_as_autograd_has_it(style: str) -> None:
    explanation = explained(style)
    assert explanation.not_explained == ()
    run = explanation.run
    assert run.gradients.keys() == run.hand_gradients.keys()
    for number, gradient in run.gradients.items():
        # A bias in front of a norm has no gradient but rounding, in either way.
        scale = gradient_scale(run, number) or 1.0
        off = np.abs(run.hand_gradients[number] - gradient).max() / scale
        assert off < 1e-4, run.trace.values[number].name


@every_style
def test_every_line_of_every_page_agrees(style: str) -> None:
    explanation = explained(style)
    parameter = next(name for name, _ in MODELS[style].build().named_parameters())
    for page in (
        explanation.forward(),
        explanation.backward(),
        explanation.backward(parameter),
        explanation.why(f"{parameter}.grad"),
    ):
        assert page.checks.lines > 0
        assert page.checks.failed == 0
    assert page.text(60)


@every_style
def test_the_model_is_left_as_it_was(style: str) -> None:
    model, x, how = built(style)
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    torch.manual_seed(1)
    generator = torch.get_rng_state()
    explain(model, x, seed=11, **how)
    assert torch.equal(generator, torch.get_rng_state())
    assert model.training
    assert all(parameter.grad is None for parameter in model.parameters())
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, state[name]), name


def test_the_words_are_the_users() -> None:
    model, x, how = built("tuple")
    explanation = explain(model, x, seed=1, **how)
    assert {"fc1", "h1", "mu", "logvar", "eps", "z", "BCE", "KLD"} <= set(explanation.values)
    terms = [(term.name, term.weight) for term in explanation.run.trace.terms]
    assert terms == [("BCE", 1.0), ("KLD", 0.5)]


def test_the_numbers_are_plain_pytorchs() -> None:
    model, x, how = built("tuple")
    explanation = explain(model, x, seed=5, **how)
    torch.manual_seed(5)
    recon, mu, logvar = model(x)
    loss = tuple_output.loss_function(recon, x, mu, logvar)
    torch.autograd.backward(loss)
    assert float(explanation.values["loss"]) == float(loss.detach())
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None
        assert np.array_equal(explanation.gradients[name], parameter.grad.numpy()), name


@every_style
def test_printed_arithmetic_rounds_what_a_page_prints(style: str) -> None:
    model, x, how = built(style)
    full = explained(style)
    explanation = explain(model, x, seed=11, arithmetic="printed", **how)
    for value in explanation.run.trace.values:
        if value.kind in ("parameter", "noise"):
            assert value.name is not None
            array = explanation.values[value.name]
            assert array.dtype == np.float64
            assert np.array_equal(array, np.round(array, 4)), value.name
            # The same noise, with fewer digits: dropout masks too.
            np.testing.assert_allclose(array, full.values[value.name], atol=0.5001e-4)
    for page in (explanation.forward(), explanation.backward()):
        assert page.checks.failed == 0
    theirs = explanation.run.trace.gradients
    for number, gradient in explanation.run.hand_gradients.items():
        np.testing.assert_allclose(gradient, theirs[number], rtol=1e-8, atol=1e-10)
    assert torch.get_default_dtype() == torch.float32


FILE = str(MODELS["tuple"].file)
UNFIT = str(Path(unfit.__file__))
ROW = ".2,.9,.5,.1,.7,.3"
OWN = (*MODELS["tuple"].options(), "--x", ROW)


@pytest.mark.parametrize(
    "command",
    [
        ("forward",),
        ("forward", "--step", "z"),
        ("backward", "--param", "fc21.bias", "--term", "KLD"),
        ("why", "fc21.weight.grad[0,1]"),
        ("why", "z"),
        ("params",),
        ("forward", "--format", "json"),
    ],
)
def test_on_the_command_line(cli: CommandLine, command: tuple[str, ...]) -> None:
    outcome = cli(*command, *OWN, "--model-arg", "latent=3")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("forward", "--model", "missing.py:VAE", "--x", "1"), "missing.py: there is no such file"),
        (
            ("forward", "--model", FILE, "--x", "1"),
            f"say which class or function of it is meant; write {FILE}:VAE",
        ),
        (("forward", "--model", "gone.py", "--x", "1"), "write FILE.py:NAME"),
        (("forward", "--model", f"{FILE}:Nope", "--x", "1"), f"has no Nope; write {FILE}:VAE"),
        (("forward", "--model", "torch.nn:Nope", "--x", "1"), "torch.nn has no Nope; it has"),
        (("forward", "--model", "no_such_package_here:VAE", "--x", "1"), "importing"),
        (("forward", "--model", f"{UNFIT}:not_a_model", "--x", "1"), "made an int"),
        (("forward", "--model", f"{FILE}:loss_function", "--x", "1"), "--model-arg"),
        (("forward", "--model", f"{UNFIT}:SOME_TEXT", "--x", "1"), "it is a str, not a model"),
        (("forward", "--model", f"{UNFIT}:needs_an_argument", "--x", "1"), "'latent'"),
        (("forward", "--model", f"{UNFIT}:scripted", "--x", "1,2"), "scripted"),
        (("forward", "--model", f"{UNFIT}:quantised", "--x", "1,2"), "quantised"),
        (("forward", "--model", f"{UNFIT}:compiled", "--x", "1,2"), "compiled"),
        (("forward", "--model", f"{FILE}:VAE"), "--x or --x-file"),
        (("forward", *OWN, "--model-arg", "latent"), "write name=value"),
        (("forward", *OWN, "--eps", "1"), "1 given, but the model draws 2"),
        (("forward", *OWN, "--step", "zz"), "did you mean z?"),
        (("backward", *OWN, "--param", "eps"), "no gradient"),
        (("backward", *OWN, "--term", "elbo"), "choose BCE or KLD"),
        (("why", "zz", *OWN), "did you mean z?"),
        (("why", "z[9]", *OWN), "z has shape [1, 2]"),
        (("forward", *OWN, "--x", "1,2"), "the same length"),
        (("forward", *OWN, "--dims", "4-2-4"), "is for the built-in VAE"),
        (("train", *OWN, "--explain-step", "0", "--param", "fc9.bias"), "did you mean fc"),
        (("train", *OWN, "--eps", "1,2"), "draws its own noise"),
        (("update", *OWN, "--param", "z"), "no parameter has this name"),
        (("forward", "--loss", f"{FILE}:loss_function"), "give --model too"),
        (
            ("forward", *OWN[:2], "--loss", "gone.py:loss", "--x", "1"),
            "gone.py: there is no such file",
        ),
        (("update", "--model", f"{UNFIT}:Doubling", "--x", "1"), "has no parameters"),
        (("train", "--model", f"{UNFIT}:Doubling", "--x", "1"), "has no parameters"),
    ],
)
def test_a_bad_request_gets_one_line(
    cli: CommandLine, arguments: tuple[str, ...], words: str
) -> None:
    outcome = cli(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert words in outcome.err
    assert outcome.err.count("\n") == 1
    # The line begins with the option and its value, if it is about one.
    (option,) = re.findall(r"error: (\S+)", outcome.err)
    values = [value for name, value in pairwise(arguments) if name == option.rstrip(":")]
    assert not values or any(f"{option} {value}: " in outcome.err for value in values)


def test_a_path_is_named_whole_and_a_long_value_is_cut(cli: CommandLine, tmp_path: Path) -> None:
    target = f"{tmp_path / ('deep' * 15)}.py:loss"
    assert f"--loss {target}: " in cli("forward", "--loss", target).err
    numbers = ",".join(["0.5"] * 30)
    assert f"--eps {numbers[:57]}...: " in cli("forward", *OWN, "--eps", numbers).err


def test_a_value_behind_an_equals_sign_is_named_too(cli: CommandLine) -> None:
    outcome = cli("forward", "--model=gone.py:VAE", "--x", "1")
    assert "error: --model gone.py:VAE: gone.py: there is no such file" in outcome.err


@pytest.mark.parametrize(
    "more",
    [(), ("--loss", f"{UNFIT}:unfitting_loss")],
    ids=["no loss", "a loss that does not fit"],
)
def test_what_cannot_be_bound_shows_the_objective_to_write(
    cli: CommandLine, more: tuple[str, ...]
) -> None:
    outcome = cli("forward", "--model", f"{FILE}:VAE", "--x", ROW, *more)
    assert (outcome.code, outcome.out) == (2, "")
    assert "(Tensor[1, 6], Tensor[1, 2], Tensor[1, 2])" in outcome.err
    assert "def objective(model, x):" in outcome.err


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import sys\nsys.exit(3)", "ends the program when it is imported"),
        ("import argparse\nargparse.ArgumentParser().parse_args(['--x'])", "ends the program"),
        ("raise RuntimeError('no luck')", "RuntimeError: no luck"),
        ("raise ConnectionError('no host')", "--definitions-only leaves out what the file does"),
    ],
)
def test_a_file_that_misbehaves_when_it_is_loaded(
    cli: CommandLine, tmp_path: Path, source: str, words: str
) -> None:
    (tmp_path / "script.py").write_text(f"{source}\nclass VAE: ...\n")
    outcome = cli("forward", "--model", f"{tmp_path}/script.py:VAE", "--x", "1")
    assert outcome.code == 2
    assert words in outcome.err


def test_what_a_file_prints_stays_out_of_the_page(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "loud.py").write_text(
        f"print('hello')\nimport sys\nsys.path.append({str(FOLDER)!r})\n"
        "from tuple_output import VAE, loss_function\n"
    )
    model = ("--model", f"{tmp_path}/loud.py:VAE", "--loss", f"{tmp_path}/loud.py:loss_function")
    outcome = cli("forward", *model, "--x", ROW)
    assert outcome.code == 0
    assert "hello" not in outcome.out
    assert "hello" in outcome.err


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_a_compiled_module_is_refused() -> None:
    with pytest.raises(CannotLoad, match="compiled"):
        refuse_opaque(torch.compile(nn.Linear(2, 2)))  # type: ignore[arg-type]  # it is a module


HIDDEN = """
import torch

def plain(recon_x, x, mu, logvar):
    return (recon_x - x).square().sum() + mu.square().sum() + logvar.square().sum()

compiled = torch.compile(plain)
scripted = torch.jit.script(plain)

def of_a_scripted_one(recon_x, x, mu, logvar):
    return 2 * scripted(recon_x, x, mu, logvar)

def objective(model, x):
    return compiled(*model(x)[:1], x, *model(x)[1:])
"""


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.parametrize(
    ("option", "name", "words"),
    [
        ("--loss", "compiled", "a compiled function hides its operations; give the plain one"),
        ("--loss", "scripted", "a scripted function hides its operations"),
        ("--loss", "of_a_scripted_one", "the scripted function scripted hides its operations"),
        ("--objective", "objective", "the compiled function compiled hides its operations"),
    ],
)
def test_a_loss_that_hides_its_operations_is_refused(
    cli: CommandLine, tmp_path: Path, option: str, name: str, words: str
) -> None:
    file = tmp_path / "hidden.py"
    file.write_text(HIDDEN)
    outcome = cli("forward", *OWN[:2], option, f"{file}:{name}", "--x", ROW)
    assert (outcome.code, outcome.out) == (2, "")
    assert f"error: {option} {file}:{name}: {words}" in outcome.err
    assert outcome.err.count("\n") == 1


def test_a_module_that_was_compiled_in_place_is_refused() -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    model[0]._compiled_call_impl = lambda x: x  # what its `compile()` leaves behind
    with pytest.raises(CannotLoad, match="compiled module \\(at 0\\)"):
        refuse_opaque(model)


def test_what_the_model_raises_is_one_line_with_its_place(cli: CommandLine) -> None:
    outcome = cli("forward", *OWN[:4], "--x", "1,2")
    assert (outcome.code, outcome.out) == (2, "")
    assert "the model raised RuntimeError" in outcome.err
    assert "tuple_output.py:" in outcome.err
    assert outcome.err.count("\n") == 1


def test_a_batch_norm_wants_more_than_one_row(cli: CommandLine) -> None:
    outcome = cli("forward", *MODELS["batch norm"].options(), "--x", "1,2,3,4,5,6")
    assert outcome.code == 2
    assert "the model raised ValueError: Expected more than 1 value per channel" in outcome.err


class DropsInPlace(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 40), nn.Dropout(0.5, inplace=True))
        self.still = nn.Dropout(0.5).eval()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.still(self.layers(x)) + nn.functional.dropout2d(x.new_ones(1, 40, 1, 1))[..., 0, 0]
        spread = torch.rand_like(h)
        total: torch.Tensor = (h * spread).square().sum()
        return total


def test_every_kind_of_draw_is_redone_from_rounded_numbers() -> None:
    torch.manual_seed(4)
    model, x = DropsInPlace(), torch.rand(2, 3)
    full = explain(model, x, seed=2)
    printed = explain(model, x, seed=2, arithmetic="printed")
    kinds = {value.name: value.kind for value in printed.run.trace.values}
    drawn = [name for name, kind in kinds.items() if kind == "noise"]
    assert len(drawn) == 3
    for name in drawn:
        assert name is not None
        np.testing.assert_allclose(printed.values[name], full.values[name], atol=0.5001e-4)
    assert printed.backward().checks.failed == 0


def test_the_option_that_named_a_file_is_named(cli: CommandLine, tmp_path: Path) -> None:
    assert "--loss gone.py:f: " in cli("forward", *OWN[:2], "--loss", "gone.py:f", "--x", "1").err
    (tmp_path / "w.pt").write_bytes(b"nothing")
    assert "--weights: " in cli("forward", "--weights", str(tmp_path / "w.pt")).err


@pytest.mark.parametrize(
    ("style", "target", "through"),
    [
        ("batch norm", "encoder.1[0,1]", "mean(encoder.0[:,1])"),
        ("batch norm", "encoder.0.grad[2,0]", "var(encoder.0[:,0])"),
        ("layer norm and dropout", "normed_1[0,2]", "var(enc.0.linear[0,:])"),
        ("convolutional", "encoder.1[0,1,0,0]", "mean(encoder.0[0,0:2])"),
        ("signal", "norm[1,2,0]", "var(conv[1,2,:])"),
        ("signal", "features[2,0]", "rms(pool.2.reshape(3, 9)[2,:])"),
    ],
)
def test_why_goes_on_through_a_norm_to_its_inputs(style: str, target: str, through: str) -> None:
    explanation = explained(style)
    found, _ = explanation.target(target)
    nodes = [node for _, node in Provenance(explanation.run).derive(found, full=True).walk()]
    aside = next(node for node in nodes if node.name == through and node.status == "derived")
    assert aside.line is not None
    assert aside.line.agrees
    assert aside.children
    names = {node.name for node in nodes if node.status == "given"}
    assert any(name.startswith("x[") for name in names)
    assert through in explanation.why(target).text(80)


def test_why_of_a_weight_of_its_own_length_ends_at_direction_and_length() -> None:
    explanation = explained("signal")
    parts = "conv.parametrizations.weight"
    page = explanation.why(f"{parts}.0[1,0,0]").text(200)
    assert (
        f"{parts}.original0[1,0,0]·{parts}.original1[1,0,0]/norm({parts}.original1[1,:,:])" in page
    )
    assert f"norm({parts}.original1[1,:,:]) = sqrt({parts}.original1[1,0,0]² + " in page


def test_the_means_of_a_wide_norm_are_shown_by_their_largest_parts() -> None:
    torch.manual_seed(2)
    model = nn.Sequential(nn.Linear(300, 300), nn.LayerNorm(300))
    x = torch.rand(2, 300)
    explanation = explain(model, x, seed=1, objective=lambda model, x: (model(x) ** 2).sum())
    page = explanation.forward("1")
    assert page.checks.failed == 0
    text = page.text(100)
    assert "mean(0[0,:]) = (" in text
    assert "the last is all others" in text
    assert len(text) < 40_000


# --- the weights of one's own -----------------------------------------------------------

Change = Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]


def saved(tmp_path: Path, change: Change) -> str:
    state = dict(MODELS["batch norm"].build(seed=8).state_dict())
    torch.save(change(state), tmp_path / "own.pt")
    return str(tmp_path / "own.pt")


ROWS = [option for row in ("1,2,3,4,5,6", "6,5,4,3,2,1") for option in ("--x", row)]


@pytest.mark.parametrize(
    "change",
    [
        dict,
        lambda state: {
            name: tensor.half() if tensor.is_floating_point() else tensor
            for name, tensor in state.items()
        },
    ],
    ids=["plain", "half"],
)
def test_weights_for_ones_own_model(cli: CommandLine, tmp_path: Path, change: Change) -> None:
    own = MODELS["batch norm"]
    options = (*own.options(), *ROWS, "--weights", saved(tmp_path, change), "--format", "json")
    outcome = cli("forward", *options)
    assert (outcome.code, outcome.err) == (0, "")
    found = json.loads(outcome.out)["values"]["fc_mu.weight"]
    expected = own.build(seed=8).state_dict()["fc_mu.weight"]
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-3)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: {k: v for k, v in s.items() if "running_mean" not in k}, "lacks encoder.1."),
        (lambda s: s | {"fc_mu.bias": torch.ones(9)}, "fc_mu.bias of shape [9]"),
        (lambda s: s | {"fc_mu.bias": torch.full((2,), torch.inf)}, "not finite"),
        (lambda s: s | {"module.fc_mu.bias": torch.ones(2)}, "which the model does not have"),
        (lambda s: {f"module.{k}": v for k, v in s.items()}, "with --strip-prefix module."),
    ],
)
def test_weights_that_do_not_fit_ones_own_model(
    cli: CommandLine, tmp_path: Path, change: Change, words: str
) -> None:
    options = (*MODELS["batch norm"].options(), *ROWS, "--weights", saved(tmp_path, change))
    outcome = cli("forward", *options)
    assert (outcome.code, outcome.out) == (2, "")
    assert words in outcome.err
    assert outcome.err.count("\n") == 1


# --- an op without a rule ---------------------------------------------------------------


@pytest.mark.parametrize("command", ["forward", "backward", "why", "check"])
def test_the_header_counts_the_ops_without_a_rule(
    cli: CommandLine, tmp_path: Path, command: str
) -> None:
    (tmp_path / "bends.py").write_text(
        "import torch\n"
        "from torch import nn\n"
        "class Bends(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.layer = nn.Linear(3, 3)\n"
        "    def forward(self, x):\n"
        "        h = self.layer(x).i0()\n"
        "        error = (torch.special.i1(h) - x).square().sum()\n"
        "        return error\n"
    )
    target = ("error",) if command == "why" else ()
    options = ("--model", f"{tmp_path}/bends.py:Bends", "--x", "1,2,3")
    outcome = cli(command, *target, *options)
    assert outcome.code == 0
    header = " ".join(outcome.out.split("\n\n")[0].split())
    assert "not explained: 2 ops (i0, special_i1), whose numbers are PyTorch's" in header
    if command != "why":
        found = json.loads(cli(command, *options, "--format", "json").out)
        if command != "check":
            assert found["not_explained"] == ["i0", "special_i1"]


class Plain(nn.Module):
    """x [2, 6]; a layer whose value has no name but the layer's, and a draw for each latent."""

    def __init__(self) -> None:
        super().__init__()
        self.to_moments = nn.Linear(6, 4)
        self.out = nn.Linear(2, 6)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        mu, logvar = self.to_moments(x).chunk(2, dim=1)
        first = mu[:, :1] + torch.exp(0.5 * logvar[:, :1]) * torch.randn(len(x), 1)
        other = mu[:, 1:] + torch.exp(0.5 * logvar[:, 1:]) * torch.randn(len(x), 1)
        return self.out(torch.cat([first, other], dim=1)), mu, logvar


def squared(recon: torch.Tensor, x: torch.Tensor, mu: torch.Tensor, logvar: torch.Tensor) -> Any:
    mse = ((recon - x) ** 2).sum()
    kld = -0.5 * torch.sum(1 + logvar - mu**2 - logvar.exp())
    return mse + kld


def test_a_page_says_a_name_once_and_a_caption_once() -> None:
    text = str(explain(Plain(), torch.rand(2, 6), squared, seed=3).forward())
    assert "to_moments   Linear 6→4" in text
    assert text.count("z must be random, yet gradients") == 1


def test_a_summand_has_the_index_that_the_table_beside_it_gives() -> None:
    text = str(explain(Plain(), torch.rand(2, 6), squared, seed=3).forward())
    _, _, section = text.partition("mse = ")
    rows = re.findall(r"^ *(\d,\d) ", section, re.MULTILINE)[:12]
    summands = re.findall(r"^ *\[(\d,\d)\] = \(", section, re.MULTILINE)[:12]
    assert len(rows) == 12
    assert rows == summands


def test_the_equals_signs_of_two_digit_units_stand_under_each_other() -> None:
    model = nn.Sequential(nn.Linear(6, 12))
    page = explain(model, torch.rand(1, 6), objective=lambda model, x: model(x).square().sum())
    _, _, loss = str(page.forward()).partition("loss = Σ")
    lines = [line for line in loss.splitlines() if re.match(r" *\[\d+\] *= ", line)]
    assert len(lines) == 12
    assert len({line.index("=") for line in lines}) == 1


# --- a model in a package, as published ones are ---


def _a_package(folder: Path, name: str, marked: bool) -> Path:
    """Write a model that imports its base from the folder around it; return its file."""
    inner = folder / name / "nets"
    inner.mkdir(parents=True)
    if marked:
        (folder / name / "__init__.py").write_text("")
        (inner / "__init__.py").write_text("")
    (folder / name / "shapes.py").write_text("LATENT = 2\n")
    (inner / "base.py").write_text(
        "from torch import nn\n\n\nclass Base(nn.Module):\n    def halves(self, h):\n"
        "        return h.chunk(2, dim=1)\n"
    )
    (inner / "own.py").write_text(
        "import torch\nfrom torch import nn\n\nfrom ..shapes import LATENT\n"
        "from .base import Base\n\n\nclass Own(Base):\n    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.encoder = nn.Linear(3, 2 * LATENT)\n"
        "        self.decoder = nn.Linear(LATENT, 3)\n\n"
        "    def forward(self, x):\n        mu, logvar = self.halves(self.encoder(x))\n"
        "        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)\n"
        "        return self.decoder(z), mu, logvar\n\n\n"
        "def loss(recon, x, mu, logvar):\n"
        "    kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()\n"
        "    return ((recon - x) ** 2).sum() + kl\n"
    )
    return inner / "own.py"


@pytest.mark.parametrize("marked", [True, False], ids=["with __init__.py", "without"])
def test_a_file_may_import_from_the_package_that_it_is_part_of(
    cli: CommandLine, tmp_path: Path, marked: bool
) -> None:
    file = _a_package(tmp_path, f"published_{marked}", marked)
    outcome = cli(
        "forward", "--model", f"{file}:Own", "--loss", f"{file}:loss", "--x", "0.2,0.9,0.5"
    )
    assert outcome.code == 0, outcome.err
    assert "loss(recon=model(x)[0], x=x, mu=mu, logvar=logvar)" in outcome.out


def test_a_package_of_a_name_that_is_taken_is_refused(cli: CommandLine, tmp_path: Path) -> None:
    file = _a_package(tmp_path, "json", marked=True)  # Python's own is imported by then
    outcome = cli("forward", "--model", f"{file}:Own", "--x", "0.2,0.9,0.5")
    assert (outcome.code, outcome.out) == (2, "")
    assert "another json is loaded already" in outcome.err


def test_a_part_of_a_batch_of_one_is_named_as_its_elements_are() -> None:
    norm = nn.LayerNorm(3)
    torch.nn.init.uniform_(norm.weight)

    def objective(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
        normalized: torch.Tensor = model(x)
        return normalized.square().sum()

    for shape, part, element in (((1, 2, 3), "x[1,:]", "x[1,2]"), ((1, 3), "x", "x[2]")):
        x = torch.arange(6.0).square()[: np.prod(shape)].reshape(shape)
        derivation = str(explain(norm, x, objective=objective).why(f"normalized{element[1:]}"))
        assert f"mean({part})" in derivation
        assert element in derivation
