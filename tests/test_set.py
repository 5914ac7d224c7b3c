"""Single entries set by hand: the run is that of a model, an input and noise that have them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vae_explain import pipeline
from vae_explain.models.changes import Change, located
from vae_explain.models.loading import weight_files
from vae_explain.models.recorded.run_cache import key_of
from vae_explain.models.request import Request

from .pages import CommandLine

OWN = """
import torch
from torch import nn
import torch.nn.functional as F

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(3, 4), nn.Linear(2, 3)])
        self.scales = nn.ParameterList([nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(()))])
        self.register_buffer("prior", torch.zeros(2))
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        mu, logvar = self.drop(self.layers[0](x)).chunk(2, dim=1)
        epsilon = torch.randn_like(mu)
        z = mu + torch.exp(0.5 * logvar) * epsilon * self.scales[0]
        second = torch.randn_like(z)
        recon = self.layers[1](z + 0.1 * second) * self.scales[1]
        return recon, mu, logvar, self.prior

def loss(recon, x, mu, logvar, prior):
    mse = F.mse_loss(recon, x, reduction="sum")
    kl = -0.5 * torch.sum(1 + logvar - (mu - prior).pow(2) - logvar.exp())
    return mse + kl
"""


@pytest.fixture
def own(tmp_path: Path) -> list[str]:
    path = tmp_path / "own.py"
    path.write_text(OWN)
    return ["--model", f"{path}:Model", "--loss", f"{path}:loss", "--x", "0.5,-1,2"]


def asked(cli: CommandLine, *words: str) -> Any:
    outcome = cli(*words, "--json")
    assert (outcome.code, outcome.err) == (0, ""), outcome
    return json.loads(outcome.out)


def refused(cli: CommandLine, *words: str) -> str:
    outcome = cli(*words)
    assert (outcome.code, outcome.out) == (2, ""), outcome
    (line,) = outcome.err.splitlines()
    return line.removeprefix("vae-explain: error: ")


# --- which entry is meant ---------------------------------------------------------------


@pytest.mark.parametrize(
    "target",
    ["w[0,1]", "w[0, 1]", "w.0.1", "w[0][1]", "w(0,1)", "w 0 1", "w.0,1", "w:0,1", " w[-2,1] "],
)
def test_an_entry_is_found_however_it_is_spelt(target: str) -> None:
    assert located(Change(target, 1.0), {"w": (2, 3)}).target == "w[0,1]"


def test_a_name_that_ends_with_a_number_is_not_taken_for_an_index() -> None:
    shapes = {"scales.0": (2,), "scales": (3, 2), "fc1.bias": (2,), "t": (1, 1)}
    found = [located(Change(t, 1.0), shapes).target for t in ("scales.0.1", "fc1.bias.1", "t")]
    assert found == ["scales.0[1]", "fc1.bias[1]", "t[0,0]"]
    with pytest.raises(ValueError, match=r"say which entry, such as scales\.0\[0\]"):
        located(Change("scales.0", 1.0), shapes)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (
            "fc1.weigth[0,1]=1",
            "no parameter, input or noise has this name; did you mean fc1.weight?",
        ),
        ("fc1.weight[0]=1", "its index needs 2 numbers; fc1.weight has shape [8, 4]"),
        ("fc1.weight=1", "fc1.weight has shape [8, 4]; say which entry, such as fc1.weight[0,0]"),
        ("fc1.weight[8,0]=1", "index 8 is outside; fc1.weight has shape [8, 4]"),
        ("z[0]=1", "z follows from the numbers that a run starts from; set one of those: x, eps"),
        ("z.grad[0]=1", "a gradient follows from the numbers that a run starts from"),
        ("x[0]", 'write NAME[i,j]=VALUE in quotes, such as --set "fc1.weight[0,1]=0.5"'),
        ("x[0]=", "write NAME[i,j]=VALUE in quotes"),
        ("x[0]=a", "'a' is not a number"),
        ("x[0]=nan", "nan is not a number to compute with"),
        ("x[0]=1e39", "1e39 is too large for float32"),
    ],
)
def test_what_cannot_be_set_is_said_in_one_line(cli: CommandLine, typed: str, said: str) -> None:
    line = refused(cli, "forward", "--set", typed)
    assert line.startswith("--set ")
    assert said in line


def test_an_entry_is_set_once(cli: CommandLine) -> None:
    line = refused(cli, "forward", "--set", "x.0=1", "--set", "x[0,0]=2")
    assert line == "--set x[0,0]: it is set twice; leave one out"


def test_cross_entropy_wants_probabilities(cli: CommandLine) -> None:
    words = "forward", "--recon", "bce", "--x", "0,1,0.5,0", "--set", "x[0]=2"
    assert "x has 2" in refused(cli, *words)


# --- the built-in VAE -------------------------------------------------------------------


@pytest.mark.parametrize("arithmetic", ["printed", "full"])
def test_x_and_noise_that_are_set_are_those_that_could_be_given(
    cli: CommandLine, arithmetic: str
) -> None:
    how = "backward", "--arithmetic", arithmetic
    x = "--x", "1,2,3,4", "--x", "0,1,0,1"
    eps = "--eps", "0.5,-1", "--eps", "0.1,0.2"
    given = asked(cli, *how, "--x", "1,2,-3.7,4", *x[2:], *eps[:2], "--eps", "0.1,0.9")
    changed = asked(cli, *how, *x, *eps, "--set", "x[0,2]=-3.7", "--set", "eps.1.1=0.9")
    assert changed.pop("set") == ["x[0,2]=-3.7", "eps[1,1]=0.9"]
    assert changed == given


@pytest.mark.parametrize("arithmetic", ["printed", "full"])
def test_a_parameter_that_is_set_is_one_that_could_be_loaded(
    cli: CommandLine, tmp_path: Path, arithmetic: str
) -> None:
    state = pipeline.weights_of(Request(((1.0, 2.0, 3.0, 4.0),)))
    state["fc1.weight"][0, 1] = 0.5
    file = tmp_path / "w.safetensors"
    file.write_bytes(weight_files.to_bytes(state, ".safetensors"))
    how = "backward", "--arithmetic", arithmetic
    loaded = asked(cli, *how, "--weights", str(file))
    changed = asked(cli, *how, "--set", "fc1.weight[0,1]=0.5")
    assert changed.pop("set") == ["fc1.weight[0,1]=0.5"]
    assert changed == loaded
    saved = tmp_path / "s.safetensors"
    cli("params", "--set", "fc1.weight[0,1]=0.5", "--save", str(saved))
    assert asked(cli, *how, "--weights", str(saved)) == loaded


def test_what_is_not_set_stays(cli: CommandLine) -> None:
    before, after = asked(cli, "forward"), asked(cli, "forward", "--set", "eps[0]=1")
    assert after["values"]["eps"] == [[1.0, before["values"]["eps"][0][1]]]
    assert after["values"]["mu"] == before["values"]["mu"]
    assert after["values"]["loss"] != before["values"]["loss"]


def test_the_header_names_all_that_is_set(cli: CommandLine) -> None:
    words = [part for i in range(6) for part in ("--set", f"fc1.bias[{i}]={i}.5")]
    head = cli("forward", *words, columns=400).out.splitlines()[0].partition("   ")[2]
    named = ", ".join(f"fc1.bias[{i}] set to {i}.5" for i in range(6))
    assert head.startswith(f"VAE 4→8→2→8→4, {named} · seed 42")
    assert len(asked(cli, "forward", *words)["set"]) == 6


@pytest.mark.parametrize(
    "words",
    [
        ["why", "loss"], ["update"], ["check"], ["audit"], ["document"], ["diagram"], ["params"],
        ["train", "--steps", "3", "--explain-step", "2"], ["sample", "--draws", "5"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_every_command_that_runs_the_model_says_what_is_set(
    cli: CommandLine, words: list[str]
) -> None:
    outcome = cli(*words, "--set", "fc1.weight[0,1]=0.5", columns=400)
    assert outcome.code == 0
    assert "fc1.weight[0,1] set to 0.5" in outcome.out
    if words[0] not in ("document", "diagram"):
        assert asked(cli, *words, "--set", "fc1.weight.0.1=0.5")["set"] == ["fc1.weight[0,1]=0.5"]


@pytest.mark.parametrize("command", ["train", "sample"])
def test_what_draws_anew_takes_no_noise(cli: CommandLine, own: list[str], command: str) -> None:
    mend = f"{command} draws its own noise; leave it out, or use forward"
    assert refused(cli, command, "--set", "eps[0]=1") == f"--set eps[0,0]=1: {mend}"
    line = refused(cli, command, *own, "--set", "epsilon[0]=1")
    assert line == f"--set epsilon[0,0]=1: {mend}"


def test_what_is_set_is_part_of_what_a_run_is_remembered_by() -> None:
    x = ((1.0, 2.0, 3.0, 4.0),)
    changes = [(), (Change("x[0,0]", 2.0),), (Change("x[0,0]", 3.0),), (Change("eps[0,0]", 2.0),)]
    assert len({key_of(Request(x, changes=each)) for each in changes}) == len(changes)


def test_a_recording_has_what_was_set_and_takes_no_more(cli: CommandLine, tmp_path: Path) -> None:
    file = str(tmp_path / "run.safetensors")
    words = "--set", "eps[1]=-0.25"
    page = cli("forward", *words, "--record", file).out
    assert cli("forward", "--run", file).out == page
    assert asked(cli, "forward", "--run", file)["set"] == ["eps[0,1]=-0.25"]
    line = refused(cli, "forward", "--run", file, *words)
    assert line.startswith("--set eps[1]=-0.25: --run ")
    assert "is a finished run" in line


def test_a_run_behind_training_has_only_the_input_that_was_set(
    cli: CommandLine, tmp_path: Path
) -> None:
    file = str(tmp_path / "run.safetensors")
    words = "--set", "fc1.weight[0,1]=0.5", "--set", "x[0]=2"
    trained = json.loads(cli("train", "--steps", "2", *words, "--record", file, "--json").out)
    kept = asked(cli, "forward", "--run", file, "--arithmetic", "full")
    assert (trained["set"], kept["set"]) == (["fc1.weight[0,1]=0.5", "x[0,0]=2"], ["x[0,0]=2"])
    assert kept["values"]["fc1.weight"] == trained["values"]["fc1.weight"]


# --- a model of one's own ---------------------------------------------------------------


@pytest.mark.parametrize("arithmetic", ["printed", "full"])
@pytest.mark.parametrize(
    ("typed", "name", "index"),
    [
        ("layers.0.weight.1.2=0.75", "layers.0.weight", (1, 2)),
        ("scales.0.1=0.75", "scales.0", (1,)),
        ("scales.1=0.75", "scales.1", ()),
        ("prior[1]=0.75", "prior", (1,)),
        ("x[2]=0.75", "x", (0, 2)),
        ("epsilon[1]=0.75", "epsilon", (0, 1)),
        ("second[0]=0.75", "second", (0, 0)),
    ],
)
def test_one_entry_of_ones_own_model_is_set(
    cli: CommandLine,
    own: list[str],
    arithmetic: str,
    typed: str,
    name: str,
    index: tuple[int, ...],
) -> None:
    how = "forward", *own, "--arithmetic", arithmetic
    before, after = asked(cli, *how), asked(cli, *how, "--set", typed)
    layers = [f"layers.{i}.{part}" for i in (0, 1) for part in ("weight", "bias")]
    mask = [each for each in before["values"] if "mask" in each]
    assert mask
    for each in (*layers, "scales.0", "scales.1", "prior", "x", "epsilon", "second", *mask):
        expected = np.array(before["values"][each])
        if each == name:
            expected[index] = 0.75
        assert np.array_equal(after["values"][each], expected), each
    assert after["values"]["mse"] + after["values"]["kl"] != before["values"]["mse"]
    assert after["checks"]["failed"] == 0


def test_noise_of_ones_own_model_is_also_called_eps(cli: CommandLine, own: list[str]) -> None:
    line = "forward", *own, "--set"
    by_role, by_name = asked(cli, *line, "eps[0]=1"), asked(cli, *line, "epsilon[0]=1")
    assert by_role["values"] == by_name["values"]


def test_ones_own_model_is_checked_and_audited_with_what_is_set(
    cli: CommandLine, own: list[str]
) -> None:
    words = *own, "--set", "epsilon[1]=2", "--set", "layers.1.bias[0]=-1"
    assert cli("check", *words).code == 0
    assert asked(cli, "audit", *words)["set"] == ["epsilon[0,1]=2", "layers.1.bias[0]=-1"]


def test_what_ones_own_model_has_not_is_said_in_one_line(cli: CommandLine, own: list[str]) -> None:
    line = refused(cli, "forward", *own, "--set", "layers.0.wieght[0,0]=1")
    assert "did you mean layers.0.weight? valid: x, layers.0.weight, layers.0.bias" in line
    assert "epsilon, second" in line
    assert "calls" not in line  # which holds whole numbers
    assert "z follows from" in refused(cli, "forward", *own, "--set", "z[0]=1")


def test_tokens_are_set_to_whole_numbers(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "words.py").write_text(
        "import torch\n"
        "class Model(torch.nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.table = torch.nn.Embedding(5, 2)\n"
        "    def forward(self, x):\n"
        "        return self.table(x).pow(2).sum()\n"
    )
    words = "forward", "--model", f"{tmp_path / 'words.py'}:Model", "--x", "1,2", "--set"
    given = asked(cli, *words[:4], "1,4")
    changed = asked(cli, *words, "x[1]=4")
    assert changed["values"] == given["values"]
    assert "the model takes whole numbers as x" in refused(cli, *words, "x[1]=0.5")


def test_a_shared_weight_is_set_by_either_name(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "tied.py").write_text(
        "import torch\n"
        "class Model(torch.nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.a = torch.nn.Linear(2, 2)\n"
        "        self.b = torch.nn.Linear(2, 2)\n"
        "        self.b.weight = self.a.weight\n"
        "    def forward(self, x):\n"
        "        return (self.b(self.a(x)) - x).pow(2).sum()\n"
    )
    words = "forward", "--model", f"{tmp_path / 'tied.py'}:Model", "--x", "1,2", "--set"
    one, other = (asked(cli, *words, f"{name}.weight[0,1]=2")["values"] for name in "ab")
    assert one == other


def test_the_generator_is_where_it_was() -> None:
    request = Request(((1.0, 2.0, 3.0, 4.0),), changes=(Change("eps[0,0]", 1.0),))
    before = torch.get_rng_state()
    pipeline.run(request)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("ending", ["md", "tex", "html", "ipynb"])
def test_a_document_with_set_entries_is_proof_read(
    ending: str, cli: CommandLine, tmp_path: Path
) -> None:
    made = tmp_path / f"made.{ending}"
    entries = ("fc1.weight[0,1]=0.5", "fc_dec1.bias[5]=2.00001", "eps[0,1]=1.5")
    words = [word for entry in entries for word in ("--set", entry)]
    assert cli("document", "-o", str(made), *words).code == 0
    assert cli("verify", str(made)).code == 0, cli("verify", str(made)).out


def test_an_entry_set_to_another_number_than_a_document_says(
    cli: CommandLine, tmp_path: Path
) -> None:
    made = tmp_path / "made.md"
    assert cli("document", "-o", str(made), "--set", "fc1.weight[0,1]=0.5").code == 0
    text = made.read_text(encoding="utf-8")
    made.write_text(text.replace("fc1.weight[0,1] set to 0.5", "fc1.weight[0,1] set to 0.7"))
    assert cli("verify", str(made)).code == 1
