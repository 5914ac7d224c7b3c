"""The JSON contract: its keys, names and shapes, and numbers that are plain PyTorch's."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from vae_explain.engine.run import Run
from vae_explain.models.builtin_config import BUILT_IN
from vae_explain.pages.render.structured import json as renderer

from .pages import CommandLine, Outcome, command_line

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "docs" / "examples"
VALUES = "x encoder_pre encoder_hidden mu logvar variance std eps z decoder_pre decoder_hidden"
VALUE_NAMES = [*VALUES.split(), "recon_x", "mse", "kl", "loss"]
SHAPES: dict[str, list[int]] = {
    "x": [1, 4],
    "encoder_pre": [1, 8],
    "encoder_hidden": [1, 8],
    "mu": [1, 2],
    "logvar": [1, 2],
    "variance": [1, 2],
    "std": [1, 2],
    "eps": [1, 2],
    "z": [1, 2],
    "decoder_pre": [1, 8],
    "decoder_hidden": [1, 8],
    "recon_x": [1, 4],
    "mse": [],
    "kl": [],
    "loss": [],
    "fc1.weight": [8, 4],
    "fc1.bias": [8],
    "fc_mu.weight": [2, 8],
    "fc_mu.bias": [2],
    "fc_logvar.weight": [2, 8],
    "fc_logvar.bias": [2],
    "fc_dec1.weight": [8, 2],
    "fc_dec1.bias": [8],
    "fc_dec2.weight": [4, 8],
    "fc_dec2.bias": [4],
}
COMMANDS = ["forward", "backward", "params"]


@cache
def outcome_of(*arguments: str) -> Outcome:
    return command_line(*arguments, "--format", "json")


def document_of(*arguments: str) -> dict[str, Any]:
    """Run a command and read what it wrote as strictly as any other parser would."""
    outcome = outcome_of(*arguments)
    assert outcome.err == ""

    def refuse(token: str) -> None:
        raise ValueError(f"{token} is not JSON")

    document: dict[str, Any] = json.loads(outcome.out, parse_constant=refuse)
    return document


# --- the contract -----------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_the_object(command: str) -> None:
    outcome = outcome_of(command)
    assert outcome.code == 0
    assert outcome.out.isascii()
    assert outcome.out.endswith("}\n")
    document = document_of(command)
    contract = {"schema", "command", "arithmetic", "seed", "torch", "values", "gradients"}
    assert contract | {"steps", "checks"} <= document.keys()
    assert (document["schema"], document["command"], document["seed"]) == (1, command, 42)
    assert document["arithmetic"] == ("full" if command == "backward" else "printed")
    assert document["torch"] == torch.__version__.split("+")[0]


@pytest.mark.parametrize("command", COMMANDS)
def test_names_and_shapes(command: str) -> None:
    document = document_of(command)
    assert document["values"].keys() == SHAPES.keys()
    for name, value in document["values"].items():
        assert list(np.shape(value)) == SHAPES[name], name
    assert set(document["gradients"]) == set(SHAPES) - {"x", "eps", "variance"}
    for name, gradient in document["gradients"].items():
        assert list(np.shape(gradient)) == SHAPES[name], name


def test_numbers_are_floats_without_rounding(printed_run: Run, full_run: Run) -> None:
    for run, command in ((printed_run, "forward"), (full_run, "backward")):
        document = document_of(command)
        for name, value in document["values"].items():
            assert all(isinstance(number, float) for number in flat(value)), name
            assert np.array_equal(np.array(value), run.array(name).astype(np.float64)), name
        for name, gradient in document["gradients"].items():
            assert np.array_equal(np.array(gradient), run.gradient(name).astype(float)), name


def test_the_signs_of_zeros_are_kept() -> None:
    gradient = document_of("backward")["gradients"]["fc_dec2.weight"]
    assert math.copysign(1, gradient[0][0]) == -1
    assert math.copysign(1, document_of("backward")["gradients"]["fc1.weight"][7][0]) == 1


def flat(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for inner in value:
            yield from flat(inner)
    else:
        yield value


def test_every_step_says_how_it_is_made() -> None:
    steps = {step["name"]: step for step in document_of("forward")["steps"]}
    assert list(steps) == list(BUILT_IN.steps)
    for step in steps.values():
        assert {"name", "section", "formula", "latex", "inputs"} <= step.keys()
        assert step["section"] in ("encoder", "latent", "decoder", "loss")
        assert step["formula"]
        assert step["latex"]
        assert set(step["inputs"]) <= set(SHAPES), step["name"]
    assert [steps[name]["section"] for name in ("mu", "z", "recon_x", "kl")] == [
        "encoder",
        "latent",
        "decoder",
        "loss",
    ]
    assert steps["z"]["formula"] == "mu + std·eps"
    assert sorted(steps["z"]["inputs"]) == ["eps", "mu", "std"]
    assert steps["std"]["formula"] == "exp(½·logvar)"
    assert steps["eps"]["inputs"] == []
    assert r"\mu" in steps["z"]["latex"]
    assert sorted(steps["encoder_pre"]["inputs"]) == ["fc1.bias", "fc1.weight", "x"]


def test_one_step_alone() -> None:
    document = document_of("forward", "--step", "kl", "--step", "z")
    assert sorted(step["name"] for step in document["steps"]) == ["kl", "z"]


@pytest.mark.parametrize(("command", "least"), [("forward", 40), ("backward", 150)])
def test_checks(command: str, least: int) -> None:
    checks = document_of(command)["checks"]
    assert checks["lines"] >= least
    assert checks["failed"] == 0
    assert 0 < checks["largest_relative_difference"] < 1e-6


@pytest.mark.parametrize("arithmetic", ["printed", "full"])
def test_the_terms_add_up_to_the_gradients(arithmetic: str) -> None:
    document = document_of("backward", "--arithmetic", arithmetic)
    terms = document["gradients_by_term"]
    assert terms.keys() == {"mse", "kl"}
    assert not np.any(terms["kl"]["z"])
    assert not np.any(terms["kl"]["fc_dec1.weight"])
    assert all(term.keys() == document["gradients"].keys() for term in terms.values())
    for name, gradient in document["gradients"].items():
        if name == "loss":
            continue
        shares = [np.array(term[name]) for term in terms.values()]
        np.testing.assert_allclose(sum(shares), gradient, rtol=1e-5, atol=1e-6, err_msg=name)


def test_verify() -> None:
    document = document_of("verify")
    assert (document["passed"], document["agree"], document["total"]) == (True, 327, 327)
    assert len(document["figures"]) == 327
    assert sum(quantity["figures"] for quantity in document["quantities"]) == 327
    assert all(check["passed"] for check in document["machine"])


def test_what_is_not_finite_is_spelled() -> None:
    spelled = renderer.plain(np.array([[math.nan, math.inf], [-math.inf, -0.0]]))
    assert spelled == [["NaN", "Infinity"], ["-Infinity", -0.0]]
    assert renderer.plain(math.nan) == "NaN"
    assert json.dumps(spelled, allow_nan=False)


# --- plain PyTorch ----------------------------------------------------------------------


def plain_pytorch(
    x: Sequence[Sequence[float]], seed: int, eps: Sequence[Sequence[float]] | None
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Run the VAE as anybody would write it down, without anything of this package."""
    torch.manual_seed(seed)
    layers = nn.ModuleDict(
        {
            "fc1": nn.Linear(4, 8),
            "fc_mu": nn.Linear(8, 2),
            "fc_logvar": nn.Linear(8, 2),
            "fc_dec1": nn.Linear(2, 8),
            "fc_dec2": nn.Linear(8, 4),
        }
    )
    v: dict[str, Tensor] = {"x": torch.tensor(x)}
    v["encoder_pre"] = layers["fc1"](v["x"])
    v["encoder_hidden"] = torch.relu(v["encoder_pre"])
    v["mu"], v["logvar"] = (layers[f"fc_{n}"](v["encoder_hidden"]) for n in ("mu", "logvar"))
    v["variance"], v["std"] = torch.exp(v["logvar"]), torch.exp(0.5 * v["logvar"])
    drawn = torch.randn_like(v["std"])
    v["eps"] = drawn if eps is None else torch.tensor(eps)
    v["z"] = v["mu"] + v["std"] * v["eps"]
    v["decoder_pre"] = layers["fc_dec1"](v["z"])
    v["decoder_hidden"] = torch.relu(v["decoder_pre"])
    v["recon_x"] = layers["fc_dec2"](v["decoder_hidden"])
    v["mse"] = ((v["recon_x"] - v["x"]) ** 2).sum()
    v["kl"] = -0.5 * (1 + v["logvar"] - v["mu"] ** 2 - torch.exp(v["logvar"])).sum()
    v["loss"] = v["mse"] + v["kl"]
    v |= dict(layers.named_parameters())
    for value in v.values():
        if value.requires_grad:
            value.retain_grad()
    v["loss"].backward()  # type: ignore[no-untyped-call]  # PyTorch's own
    gradients = {name: value.grad for name, value in v.items() if value.grad is not None}
    return v, gradients


def same(found: Mapping[str, Any], expected: Mapping[str, Tensor], relative: float) -> None:
    """Compare by name, differences relative to the largest number of a tensor."""
    for name, value in expected.items():
        plain = value.detach().double().numpy()
        scale = float(np.max(np.abs(plain), initial=0.0)) or 1.0
        off = float(np.max(np.abs(np.array(found[name]) - plain), initial=0.0))
        assert off <= relative * scale, f"{name}: off by {off}, of {scale}"


def rows_of(width: int, bound: float) -> st.SearchStrategy[list[list[float]]]:
    numbers = st.floats(-bound, bound, width=32)
    return st.lists(st.lists(numbers, min_size=width, max_size=width), min_size=2, max_size=2)


@settings(max_examples=15)
@given(
    seed=st.integers(0, 2**64 - 1),
    x=rows_of(4, 10),
    eps=st.none() | rows_of(2, 3),
    rows=st.integers(1, 2),
)
def test_full_arithmetic_is_plain_pytorch(
    seed: int, x: list[list[float]], eps: list[list[float]] | None, rows: int
) -> None:
    arguments = ["--seed", str(seed)]
    for row in x[:rows]:
        arguments += ["--x", ",".join(map(repr, row))]
    for row in (eps or [])[:rows]:
        arguments += ["--eps", " ".join(map(repr, row))]
    document = document_of("backward", "--arithmetic", "full", *arguments)
    values, gradients = plain_pytorch(x[:rows], seed, eps[:rows] if eps else None)
    assert document["values"].keys() == values.keys()
    assert document["gradients"].keys() == gradients.keys()
    same(document["values"], values, 1e-5)
    same(document["gradients"], gradients, 1e-5)
    assert document["checks"]["failed"] == 0


@pytest.mark.parametrize("seed", [0, 1, 42, 2**63])
def test_printed_arithmetic_is_pytorch_up_to_the_rounding(seed: int) -> None:
    document = document_of("forward", "--seed", str(seed), "--x", "1,-2,0.5,3")
    values, gradients = plain_pytorch([[1, -2, 0.5, 3]], seed, None)
    parameters = {name: values[name] for name in (*BUILT_IN.parameters, "eps")}
    for name, exact in parameters.items():
        rounded = [[f"{number:.4f}" for number in flat(document["values"][name])]]
        assert rounded == [[f"{number:.4f}" for number in exact.detach().flatten().tolist()]], name
        assert all(number == round(number, 4) for number in flat(document["values"][name]))
    same(document["values"], values, 2e-3)
    same(document["gradients"], gradients, 2e-3)


def test_a_run_leaves_the_generator_alone(cli: CommandLine) -> None:
    torch.manual_seed(5)
    state = torch.get_rng_state()
    assert cli("forward", "--format", "json").code == 0
    assert torch.equal(torch.get_rng_state(), state)


WRITING_JSON = {
    "forward": ("forward",),
    "backward of a batch": ("backward", "z", "--x", "1,2,3,4", "--x", "4,3,2,1"),
    "params": ("params",),
    "not finite": ("forward", "--x", "1e30,2,3,4"),
    "why": ("why", "fc1.weight.grad", "0", "1"),
    "why, given": ("why", "x", "0"),
    "update": ("update",),
    "train": ("train", "--steps", "3", "--explain-step", "1", "--watch"),
    "sample": ("sample", "--draws", "3"),
    "check": ("check",),
    "audit": ("audit",),
    "audit, its rules": ("audit", "--list"),
    "verify": ("verify",),
    "verify a document": ("verify", str(ROOT / "tests" / "walkthroughs" / "blocks.md")),
    "compare": ("compare", "--beta2", "2"),
    "document": ("document",),
    "own": ("audit", "--model", f"{SAMPLES}/small_vae.py:SmallVAE", "--loss",
            f"{SAMPLES}/small_vae.py:loss", "--x", "0.2,0.9,0.5"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRITING_JSON)
def test_json_is_as_its_schema_says(what: str) -> None:
    schema = json.loads((ROOT / "docs" / "schemas" / "output.schema.json").read_text("utf-8"))
    command, *options = WRITING_JSON[what]
    found = json.loads(command_line(command, *options, "--format", "json").out)
    kinds = {name: kind["properties"] for name, kind in schema["$defs"].items()
             if "command" in kind.get("properties", {})}  # fmt: skip
    names = [name for name, of in kinds.items() if command in of["command"]["enum"]]
    assert names
    jsonschema.validate(found, {"$defs": schema["$defs"], "oneOf": [
        {"$ref": f"#/$defs/{name}"} for name in names
    ]})  # fmt: skip
    assert {"$ref": f"#/$defs/{names[0]}"} in schema["oneOf"]
    spoilt = {**found, "command": 7, "nothing": 1}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(spoilt, schema)
