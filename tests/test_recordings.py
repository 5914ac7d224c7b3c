"""A run in a file: what is kept comes back, pages need no PyTorch, and no file is believed."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from torch import Tensor

import vae_explain
from vae_explain import load, pipeline
from vae_explain.engine.agreement import disagreements
from vae_explain.engine.graph import Graph
from vae_explain.engine.run import full_run
from vae_explain.models.recorded import recorded_run
from vae_explain.models.recorded.recorded_run import CONTENTS_KEY, BadRecording
from vae_explain.models.request import Request, UserModel
from vae_explain.recording.recorder import record
from vae_explain.trace import Array, Trace

from .models import MODELS
from .pages import CommandLine
from .recording_schema import schema

PAGES = {
    "forward": ["forward"],
    "backward": ["backward"],
    "one parameter": ["backward", "--param", "fc1.weight", "--term", "kl"],
    "why a value": ["why", "z[0]"],
    "why a gradient": ["why", "fc1.weight.grad[0,1]", "--full"],
    "params": ["params"],
    "document": ["document"],
    "diagram": ["diagram"],
    "update": ["update", "--param", "fc_mu.bias"],
    "audit": ["audit"],
}
# What needs the model a second time says so, in words of its own.
SAME = [name for name in PAGES if name not in ("document", "update", "audit")]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default run in a file."""
    path = tmp_path_factory.mktemp("recording") / "run.safetensors"
    path.write_bytes(recorded_run.to_bytes(pipeline.record_both(Request(((1.0, 2.0, 3.0, 4.0),)))))
    return path


def opened(path: Path) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return the tensors and the contents of a recording."""
    with safe_open(path, framework="np") as file:
        return load_file(path), json.loads(file.metadata()[CONTENTS_KEY])


def written(path: Path, tensors: dict[str, Array], contents: Any) -> Path:
    """Write a recording that may say anything, beside another."""
    changed = path.with_name("changed.safetensors")
    save_file(tensors, changed, metadata={CONTENTS_KEY: json.dumps(contents)})
    return changed


def same(one: Array, other: Array) -> bool:
    floating = one.dtype.kind in "fc"
    return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=floating)


def require_same(one: Trace, other: Trace) -> None:
    """Hold every field of two traces against each other, arrays to the bit."""
    for field in fields(Trace):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        if field.name == "values":
            assert all(a[:3] == b[:3] for a, b in zip(mine, theirs, strict=True))
            assert all(same(a.array, b.array) for a, b in zip(mine, theirs, strict=True))
        elif field.name == "gradients":
            assert mine.keys() == theirs.keys()
            assert all(same(mine[key], theirs[key]) for key in mine)
        elif field.name == "term_gradients":
            assert mine.keys() == theirs.keys()
            for term in mine:
                assert mine[term].keys() == theirs[term].keys()
                assert all(same(mine[term][key], theirs[term][key]) for key in mine[term])
        elif field.name == "operations":
            assert repr(mine) == repr(theirs)  # of a dtype only the name is kept
        else:
            assert mine == theirs, field.name


# --- what is kept comes back ------------------------------------------------------------


@pytest.mark.parametrize("style", MODELS)
def test_a_model_of_ones_own_comes_back(style: str, tmp_path: Path) -> None:
    own = MODELS[style]
    source = UserModel(own.build(), **own.keywords())
    before = pipeline.record_both(Request(own.x(), 11, source=source, arithmetic="full"))
    file = tmp_path / "run.safetensors"
    recorded_run.save(before, file)
    after = recorded_run.load(file)
    assert list(before.runs) == list(after.runs)
    for arithmetic, run in before.runs.items():
        again = after.run(arithmetic)  # type: ignore[arg-type]  # one of the two
        require_same(run.trace, again.trace)
        assert (again.seed, again.label, again.loss_call) == (run.seed, run.label, run.loss_call)
        assert all(same(run.values[key], again.values[key]) for key in run.values)
        assert all(same(run.gradients[key], again.gradients[key]) for key in run.gradients)
        rules = [bound.rule_name for bound in run.graph.operations]
        assert rules == [bound.rule_name for bound in again.graph.operations]
        # What PyTorch has just recorded agrees with itself.
        assert after.doubts[arithmetic] == ()


def unusual(x: Tensor) -> Tensor:
    """Compute with arguments and numbers of every kind that a file has to have a form for."""
    h = x[..., 1:3].to(torch.float64)[:, None].masked_fill(x[:, None, :2] > 3, -torch.inf)
    top = torch.exp(h.topk(1, dim=-1).values)
    turned = torch.fft.fft(x.to(torch.complex64)).abs()
    flags = torch.tensor([True, False, True, False])
    total: Tensor = (
        top.sum() + (turned * flags).sum() + torch.zeros(0, 3).sum() + x.half().float().sum()
    )
    return total


def test_arguments_and_numbers_of_every_kind_come_back(tmp_path: Path) -> None:
    x = torch.tensor([[1.0, 2.0, 3.0, 4.0]], requires_grad=True)
    trace = record(lambda: unusual(x), modules={}, inputs={"x": x})
    run = full_run(trace, None, "unusual")
    recorded_run.save(recorded_run.Recording({"full": run}), tmp_path / "run.safetensors")
    again = recorded_run.load(tmp_path / "run.safetensors")
    require_same(trace, again.run("full").trace)
    assert again.doubts["full"] == ()
    assert any(value.array.dtype.kind == "c" for value in trace.values)


def test_a_file_that_is_written_twice_is_the_same(path: Path) -> None:
    request = Request(((1.0, 2.0, 3.0, 4.0),))
    assert recorded_run.to_bytes(pipeline.record_both(request)) == path.read_bytes()


def test_the_schema_is_that_of_the_records(path: Path) -> None:
    shipped = Path(recorded_run.__file__).with_name("recording.schema.json")
    assert json.loads(shipped.read_text("utf-8")) == schema(), "python -m tests.recording_schema"
    _, contents = opened(path)
    jsonschema.validate(contents, schema())
    contents["runs"]["full"]["values"][0]["kind"] = "guess"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(contents, schema())


def test_tensors_stand_under_their_names(path: Path) -> None:
    tensors, _ = opened(path)
    assert {"x", "fc1.weight", "z", "loss", "fc1.weight.grad", "printed/z"} <= tensors.keys()
    assert tensors["fc1.weight"].shape == (8, 4)


# --- pages ------------------------------------------------------------------------------


@pytest.mark.parametrize("page", SAME)
@pytest.mark.parametrize("style", ["text", "json"])
def test_a_page_is_that_of_the_run_itself(
    cli: CommandLine, path: Path, page: str, style: str
) -> None:
    words = PAGES[page] + (["--format", style] if page != "diagram" else [])
    assert cli(*words, "--run", str(path)) == cli(*words)


@pytest.mark.parametrize("page", ["document", "update", "audit"])
def test_what_needs_no_second_run_is_told(cli: CommandLine, path: Path, page: str) -> None:
    told, itself = cli(page, "--run", str(path)), cli(page)
    assert (told.code, told.err) == (0, "")
    before = {line.strip() for line in itself.out.splitlines()}
    kept = sum(line.strip() in before for line in told.out.splitlines())
    assert kept > 0.7 * len(itself.out.splitlines())
    if page != "audit":
        assert "no model that could run again" in " ".join(told.out.split())
        assert "torch.optim" not in told.out


def test_an_audit_says_what_takes_a_second_run(cli: CommandLine, tmp_path: Path) -> None:
    file = str(tmp_path / "run.safetensors")
    batch = "--x", "1,2,3,4", "--x", "4,3,2,1"
    assert cli("record", *batch, "-o", file).code == 0
    told = json.loads(cli("audit", "--run", file, "--format", "json").out)
    reasons = {each["id"]: each["reason"] for each in told["not_applied"]}
    assert "a second run" in reasons["loss-scale-mismatch"]


def test_no_page_of_a_recording_loads_pytorch(path: Path) -> None:
    code = f"""
import sys
from vae_explain.cli import entry
for words in {[*PAGES.values(), ["forward", "--format", "json"]]!r}:
    code = entry.run([*words, "--run", {str(path)!r}])
    assert code == 0, (words, code)
    loaded = {{"torch", "safetensors.torch"}} & set(sys.modules)
    assert not loaded, (words, loaded)
import vae_explain
explained = vae_explain.load({str(path)!r})
for page in (explained.forward(), explained.backward(), explained.why("z[0]"), explained.audit()):
    page.text()
explained.document()
assert "torch" not in sys.modules
"""
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr


@pytest.mark.parametrize("command", ["check", "train", "sample", "record"])
def test_what_runs_the_model_says_that_it_needs_it(
    cli: CommandLine, path: Path, command: str
) -> None:
    outcome = cli(command, "--run", str(path))
    assert outcome.code == 2
    assert outcome.err.count("\n") == 1
    assert f"{command} needs the model itself" in outcome.err


@pytest.mark.parametrize(
    "words",
    [
        ["--x", "1,2,3,4"], ["--seed", "42"], ["--eps", "0,0"], ["--dims", "4-8-2-8-4"],
        ["--activation", "relu"], ["--beta", "1"], ["--weights", "w.pt"], ["--model", "m.py:M"],
        ["--loss-arg", "beta=1"], ["--record", "other.safetensors"],
    ],
    ids=lambda words: words[0],
)  # fmt: skip
def test_no_option_of_a_model_goes_with_a_recording(
    cli: CommandLine, path: Path, words: list[str]
) -> None:
    outcome = cli("forward", "--run", str(path), *words)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"vae-explain: error: {words[0]} {words[1]}: --run ")


@pytest.mark.parametrize(
    "words",
    [
        ["forward"], ["backward"], ["why", "z[0]"], ["params"], ["diagram"], ["document"],
        ["update"], ["audit"], ["check"], ["sample", "--draws", "2"], ["train", "--steps", "1"],
    ],
    ids=lambda words: words[0],
)  # fmt: skip
def test_every_command_that_runs_a_model_keeps_the_run(
    cli: CommandLine, tmp_path: Path, words: list[str]
) -> None:
    file = tmp_path / "run.safetensors"
    page = cli(*words)
    kept = cli(*words, "--record", str(file))
    assert kept.code == page.code == 0
    if words[0] != "train":  # which says where the file is
        assert kept.out == page.out
    run = load(file)
    assert run.doubts == ()
    # Behind a training, with the parameters that came of it.
    assert (float(run.values["loss"]) < 31) == (words[0] == "train")


def test_a_model_that_is_float32_through_and_through_is_kept_in_full_alone(
    cli: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "own.py").write_text(
        "import torch\n"
        "class Model(torch.nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.fc = torch.nn.Linear(2, 2)\n"
        "    def forward(self, x):\n"
        "        if x.dtype == torch.float64:\n"
        "            raise TypeError('float32 alone')\n"
        "        return ((self.fc(x) - x) ** 2).sum()\n"
    )
    file = tmp_path / "run.safetensors"
    own = "--model", f"{tmp_path / 'own.py'}:Model", "--x", "1,2"
    kept = cli("record", *own, "-o", str(file))
    assert kept.code == 0
    assert "only PyTorch's own float32 numbers" in kept.err
    asked = cli("forward", "--run", str(file), "--arithmetic", "printed")
    assert asked.code == 2
    assert "recorded only in full arithmetic" in asked.err
    assert "float32 alone" in asked.err
    assert cli("document", "--run", str(file)).code == 0


# --- no file is believed ----------------------------------------------------------------


def test_every_number_that_was_changed_is_found(path: Path) -> None:
    tensors, contents = opened(path)
    given = {value["tensor"] for value in contents["runs"]["full"]["values"]}
    for name, array in tensors.items():
        if name.startswith("printed/") or name in ("x", "variance"):
            continue  # what is given may be anything, but then what is made of it is not
        bent = array.copy()
        bent.flat[abs(bent).argmax()] += 1e-4 * max(1e-3, abs(bent).max())
        doubts = recorded_run.load(written(path, {**tensors, name: bent}, contents)).doubts["full"]
        assert doubts, name
    assert "variance" in given


def test_a_recording_that_was_changed_is_said_to_disagree(cli: CommandLine, path: Path) -> None:
    tensors, contents = opened(path)
    for mark in ("", "printed/"):
        tensors[f"{mark}z"] = tensors[f"{mark}z"] + 0.01
    changed = written(path, tensors, contents)
    for words in PAGES.values():
        outcome = cli(*words, "--run", str(changed))
        assert outcome.code == 1, words
        assert "disagrees with itself" in outcome.err
        assert "z is not what its operation gives" in outcome.err
    page = cli("forward", "--step", "z", "--run", str(changed)).out
    assert "✗" in page
    assert "z" in load(changed).doubts


def test_a_change_that_no_bound_over_arrays_shows_is_found() -> None:
    """The gradient at a convolution's bias, of which no more is known than how large it is."""
    torch.manual_seed(0)
    conv, x = torch.nn.Conv2d(1, 3, 3), torch.rand(4, 1, 9, 9)
    trace = record(lambda: conv(x).square().sum(), modules={"": conv}, inputs={"x": x})
    at = next(value.id for value in trace.parameters if value.shape == (3,))
    assert list(disagreements(Graph(trace))) == []
    bent = trace.gradients[at] * np.float32(1.0001)
    gradients = {**trace.gradients, at: bent}
    changed = dataclasses.replace(trace, gradients=gradients)
    assert list(disagreements(Graph(changed))) == [f"{trace.values[at].label}.grad"]


def test_what_rounding_leaves_is_no_disagreement() -> None:
    """A loss near a pole, where a unit in the last place of an operand moves all the digits."""
    x = torch.linspace(1.0, 2.0, 64).reshape(8, 8).requires_grad_()

    def near_a_pole() -> Tensor:
        hilbert = 1 / (torch.arange(8.0)[:, None] + torch.arange(8.0) + x * 0.01 + 1)
        total: Tensor = torch.linalg.inv(hilbert).sum() + torch.tan(1.57 + x * 1e-5).sum()
        return total

    trace = record(near_a_pole, modules={}, inputs={"x": x})
    assert list(disagreements(Graph(trace))) == []


@pytest.mark.parametrize("style", MODELS)
def test_no_sound_run_disagrees(style: str) -> None:
    own = MODELS[style]
    source = UserModel(own.build(), **own.keywords())
    run = pipeline.run(Request(own.x(), 3, source=source, arithmetic="full"))
    assert list(disagreements(run.graph)) == []


Change = Callable[[dict[str, Any], dict[str, Array]], object]


def full(contents: dict[str, Any]) -> dict[str, Any]:
    trace: dict[str, Any] = contents["runs"]["full"]
    return trace


DAMAGES: dict[str, Change] = {
    "no runs": lambda c, t: c.update(runs={}),
    "another arithmetic": lambda c, t: c["runs"].update(half=full(c)),
    "a missing field": lambda c, t: c.pop("label"),
    "an unknown field": lambda c, t: c.update(hook="os.system"),
    "a list for an object": lambda c, t: c.update(runs=[]),
    "a seed of text": lambda c, t: c.update(seed="42"),
    "a seed that is true": lambda c, t: c.update(seed=True),
    "a seed below zero": lambda c, t: c.update(seed=-1),
    "half of a surrogate pair": lambda c, t: c.update(label="\ud800"),
    "dims of one width": lambda c, t: c["architecture"].update(dims=[4]),
    "an activation of its own": lambda c, t: c["architecture"].update(activation="system"),
    "another architecture": lambda c, t: c["architecture"].update(dims=[4, 9, 2, 9, 4]),
    "no such tensor": lambda c, t: full(c)["values"][0].update(tensor="y"),
    "one tensor twice": lambda c, t: full(c)["values"][1].update(tensor="x"),
    "a kind of its own": lambda c, t: full(c)["values"][0].update(kind="secret"),
    "one name twice": lambda c, t: full(c)["values"][1].update(name="x"),
    "an output that is not there": lambda c, t: full(c).update(output=10**6),
    "an output below zero": lambda c, t: full(c).update(output=-1),
    "an output that is given": lambda c, t: full(c).update(output=0),
    "an id that is too large": lambda c, t: full(c).update(frozen=[10**30]),
    "a half id": lambda c, t: full(c).update(frozen=[0.5]),
    "an input from nowhere": lambda c, t: full(c)["operations"][0].update(inputs=[10**9]),
    "an argument from nowhere": lambda c, t: full(c)["operations"][0].update(args=[{"value": 3}]),
    "an unknown argument": lambda c, t: full(c)["operations"][0].update(args=[{"code": "1"}]),
    "a deep argument": lambda c, t: full(c)["operations"][0].update(args=[nested(40)]),
    "a number of very many digits": lambda c, t: full(c)["operations"][0].update(
        name="pow", args=[{"value": 0}, 10**400], inputs=[0]
    ),
    "more than memory holds": lambda c, t: full(c)["operations"][0].update(
        name="repeat", args=[{"value": 0}, [10**7, 10**7]], inputs=[0]
    ),
    "nothing made": lambda c, t: full(c)["operations"][0].update(outputs=[]),
    "made twice": lambda c, t: full(c)["operations"].append(full(c)["operations"][0]),
    "a circle": lambda c, t: full(c)["operations"].reverse(),
    "an operation that does not fit": lambda c, t: full(c)["operations"][0].update(
        name="matmul", args=[{"value": 1}, {"value": 0}]
    ),
    "another term": lambda c, t: full(c)["values"][1].update(term_gradients={"more": "x"}),
    "a shape that does not fit": lambda c, t: t.update({"fc1.weight": np.zeros((4, 4), "f4")}),
    "a gradient of another shape": lambda c, t: t.update({"z.grad": np.zeros(3, "f4")}),
    "a loss of many numbers": lambda c, t: t.update(loss=np.zeros(3, "f4")),
    "a loss of whole numbers": lambda c, t: t.update(loss=np.zeros((), "i8")),
}


def nested(depth: int) -> list[Any]:
    return [nested(depth - 1)] if depth else []


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_recording_is_told_in_one_line(cli: CommandLine, path: Path, damage: str) -> None:
    tensors, contents = opened(path)
    DAMAGES[damage](contents, tensors)
    changed = written(path, tensors, contents)
    outcome = cli("forward", "--run", str(changed), "--arithmetic", "full")
    assert (outcome.code, outcome.out) == (2, ""), outcome.err
    assert re.fullmatch(rf"vae-explain: error: --run: {re.escape(str(changed))} .+\n", outcome.err)
    assert "internal error" not in outcome.err
    with pytest.raises(BadRecording):
        load(changed)


def test_a_file_that_is_no_recording_is_told_in_one_line(cli: CommandLine, path: Path) -> None:
    whole, other = path.read_bytes(), path.with_name("other.safetensors")
    tensors, _ = opened(path)
    deep = "[" * 100_000 + "]" * 100_000
    header = int.from_bytes(whole[:8], "little")
    files: dict[str, bytes | None] = {
        "there is no such file": None,
        "not a complete safetensors file": whole[:-1],
        "not a complete safetensors file: ": whole[: header // 2],
        'not a complete safetensors file: "': b"",
        "not a complete safetensors file: '": b"PK\x03\x04 something else",
        "not a complete safetensors file: h": (2**63).to_bytes(8, "little") + whole[8:],
        "but not a recording": _file({}, tensors),
        "has version '2' of the format": _file({CONTENTS_KEY: '{"version": 2}'}, tensors),
        "where JSON belongs": _file({CONTENTS_KEY: "{"}, tensors),
        "recursion": _file({CONTENTS_KEY: deep}, tensors),
        "has version 'None' of the format": _file({CONTENTS_KEY: "3"}, tensors),
    }
    for words, data in files.items():
        other.unlink(missing_ok=True)
        if data is not None:
            other.write_bytes(data)
        outcome = cli("forward", "--run", str(other))
        assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1), outcome.err
        assert words.rstrip(": '\"h") in outcome.err
    assert cli("forward", "--run", str(path.parent)).code == 2  # a folder


def _file(metadata: dict[str, str], tensors: dict[str, Array]) -> bytes:
    from safetensors.numpy import save

    return save(tensors, metadata=metadata or None)


def test_the_version_is_the_packages() -> None:
    assert vae_explain.__version__ == vae_explain.version.__version__
