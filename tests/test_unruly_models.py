"""Models that end the program, raise what is no `Exception`, or are none yet: one line each."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent

import pytest

from .pages import CommandLine, Outcome

SOURCE = """\
import sys

import torch
from torch import nn
from torch.nn import functional as F


class Odd(BaseException):
    pass


class Silent(Exception):
    def __str__(self):
        raise RuntimeError("no words")


class Ends(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        sys.exit(0)


class Unmade(nn.Module):
    def __init__(self):
        pass


class Unhashable(nn.Linear):
    def __eq__(self, other):
        return self is other


class Headless(nn.Module):
    pass


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc, self.dec = nn.Linear(4, 4), nn.Linear(2, 4)
        self.register_buffer("before", self.dec.weight.detach().clone())
{made}

    def changed(self):
        return bool((self.before - self.dec.weight).abs().max() > 1e-3)

    def forward(self, x):
        draws = 1
{run}
        mu, logvar = self.enc(x).chunk(2, -1)
        eps = torch.randn(draws, 2)
        z = (mu + torch.exp(0.5 * logvar) * eps).mean(0, keepdim=True)
        loss = F.mse_loss(self.dec(z), x, reduction="sum")
        return loss - 0.5 * torch.sum(1 + logvar - mu**2 - logvar.exp())


def loss(out):
    sys.exit("done")


def objective(model, x):
    raise Odd("odd")
"""
COMMANDS = {
    "forward": [], "backward": [], "why": ["loss"], "update": [], "train": ["--steps", "2"],
    "sample": ["--draws", "3"], "check": [], "audit": [], "document": [], "diagram": [],
    "params": [],
}  # fmt: skip


def model(folder: Path, run: str = "", made: str = "") -> list[str]:
    """Write a model whose `forward` and `__init__` do something first; return its options."""
    file = folder / "own.py"
    code = SOURCE.replace("{run}", indent(run, " " * 8)).replace("{made}", indent(made, " " * 8))
    file.write_text(code)
    return ["--model", f"{file}:Model", "--x", "1,2,3,4"]


def require_one_line(outcome: Outcome, words: str) -> None:
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert words in outcome.err
    assert "internal error" not in outcome.err


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("run", "words"),
    [
        ("sys.exit(0)", "raised SystemExit: it ends the program ("),
        ("sys.exit('finished')", "raised SystemExit: it ends the program ("),
        ("raise Odd('odd')", "raised Odd: odd ("),
        ("raise GeneratorExit", "raised GeneratorExit ("),
        ("raise Silent", "raised Silent: (its message cannot be read: it raised RuntimeError)"),
        ("return self.forward(x)", "raised RecursionError"),
        ("x = Ends.apply(self.enc(x))", "raised SystemExit"),
    ],
)
def test_whatever_a_model_raises_is_one_line(
    cli: CommandLine, tmp_path: Path, command: str, run: str, words: str
) -> None:
    outcome = cli(command, *COMMANDS[command], *model(tmp_path, run))
    require_one_line(outcome, words)
    assert "own.py:" in outcome.err


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ("sys.exit(3)", "making the model failed: SystemExit: it ends the program"),
        ("raise Odd('odd')", "making the model failed: Odd: odd"),
        ("self.part = Unhashable(4, 4)", "Unhashable has __eq__ without __hash__ (at part)"),
        ("self.part = Unmade()", "Unmade.__init__ does not call super().__init__() (at part)"),
        (
            "self.enc.w = nn.Parameter(torch.ones(2, dtype=torch.cfloat))",
            "the parameter w (at enc) is complex",
        ),
    ],
)
def test_a_model_that_cannot_be_made_is_one_line(
    cli: CommandLine, tmp_path: Path, made: str, words: str
) -> None:
    require_one_line(cli("forward", *model(tmp_path, made=made)), words)


@pytest.mark.filterwarnings("ignore")  # PyTorch's, that such tensors may change
@pytest.mark.parametrize("command", ["forward", "train", "check", "document"])
@pytest.mark.parametrize(
    ("run", "words"),
    [
        ("x = x + self.enc(x).to(torch.float8_e4m3fn).float()", "numbers of float8_e4m3fn"),
        (
            "x = x + torch.quantize_per_tensor(self.enc(x), 0.1, 0, torch.quint8).dequantize()",
            "numbers of quint8",
        ),
        (
            "x = x + torch.nested.as_nested_tensor([x[0], x[0, :2]]).to_padded_tensor(0.0)[:1]",
            "rows of several lengths, a nested one",
        ),
        ("self.other = torch.ones(3, device='meta') * 2", "no numbers, on the device meta"),
        ("x = x + torch.sparse.mm(torch.eye(4).to_sparse(), self.enc(x).T).T", "sparse_coo"),
        ("x = x + (torch.eye(4).to_sparse_csr() @ self.enc(x).T).T", "sparse_csr"),
        ("x = x + (self.before_ @ self.enc(x).T).T", "sparse_coo"),
    ],
)
def test_numbers_that_no_page_could_show(
    cli: CommandLine, tmp_path: Path, command: str, run: str, words: str
) -> None:
    made = "self.register_buffer('before_', torch.eye(4).to_sparse())" if "before_" in run else ""
    outcome = cli(command, *COMMANDS[command], *model(tmp_path, run, made))
    require_one_line(outcome, words)
    assert "are not explained" in outcome.err
    assert "raised" not in outcome.err


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("run", "code"),
    [
        ("return torch.tensor(3.0)", 2),  # made of nothing
        ("return self.dec.bias[0]", 0),  # computed by next to nothing
        ("return self.one", 0),  # a parameter itself, so that no value has a precision of its own
    ],
)
def test_a_loss_that_is_hardly_computed(
    cli: CommandLine, tmp_path: Path, command: str, run: str, code: int
) -> None:
    options = model(tmp_path, run, "self.one = nn.Parameter(torch.tensor(1.0))")
    outcome = cli(command, *COMMANDS[command], *options)
    if code:
        return require_one_line(outcome, "the loss was not computed from anything")
    if command != "sample":  # which says that nothing is drawn
        assert outcome.code in (0, 1 if command == "audit" else 0)
    assert "internal error" not in outcome.err
    assert "raised" not in outcome.err
    return None


def test_a_class_that_is_no_module_yet(cli: CommandLine, tmp_path: Path) -> None:
    options = model(tmp_path)
    options[1] = options[1].replace(":Model", ":Unmade")
    require_one_line(cli("params", *options), "Unmade.__init__ does not call super().__init__()")


@pytest.mark.parametrize(
    ("options", "words"),
    [(["--loss", ":loss"], "raised SystemExit"), (["--objective", ":objective"], "Odd: odd")],
)
def test_a_loss_that_ends_the_program_is_one_line(
    cli: CommandLine, tmp_path: Path, options: list[str], words: str
) -> None:
    own = model(tmp_path)
    given = [options[0], f"{tmp_path}/own.py{options[1]}"]
    require_one_line(cli("forward", *own, *given), words)


@pytest.mark.parametrize("code", ["raise Odd('odd')", "sys.exit(1)", "raise GeneratorExit"])
def test_a_file_that_raises_is_one_line(cli: CommandLine, tmp_path: Path, code: str) -> None:
    options = model(tmp_path)
    file = tmp_path / "own.py"
    file.write_text(f"{file.read_text()}\n\n{code}\n")
    require_one_line(cli("forward", *options), "own.py")


# --- what happens in a second run -------------------------------------------------------


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ("if self.changed(): raise RuntimeError('moved')", "RuntimeError: moved"),
        ("self.__class__ = Headless", 'missing the required "forward" function'),
        ("if self.changed(): draws = 3", "it draws 6 numbers where it drew 2 before"),
        ("if self.changed(): return None", "the step the model returns something else"),
        ("if self.changed(): return self.enc(x)", "the step the model returns something else"),
    ],
)
def test_a_model_whose_step_cannot_be_taken(
    cli: CommandLine, tmp_path: Path, run: str, words: str
) -> None:
    own = model(tmp_path, run)
    require_one_line(cli("update", *own), words)
    # All the rest of the document is there, and it names no folder of this machine.
    outcome = cli("document", *own)
    assert outcome.code == 0
    (place,) = [line for line in outcome.out.splitlines() if "The step cannot be shown." in line]
    start = outcome.out.index(place)
    assert words in " ".join(outcome.out[start:].split("\n\n")[0].split())
    assert "How this was checked" in outcome.out
    assert str(tmp_path) not in outcome.out


# --- layers without numbers, and losses without terms -----------------------------------

EMPTY = """\
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc, self.dec = nn.Linear(4, 0), nn.Linear(0, 4)

    def forward(self, x):
        mu = self.enc(x)
        z = mu + torch.randn_like(mu)
        return ((self.dec(z) - x) ** 2).sum()
"""
WAYS = [
    *([command, *more] for command, more in COMMANDS.items()),
    *(["document", "--format", form] for form in ("html", "latex", "notebook", "json")),
    ["document", "--arithmetic", "full"], ["forward", "--json"], ["backward", "--json"],
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@pytest.mark.parametrize("command", WAYS, ids=" ".join)
def test_layers_without_numbers(cli: CommandLine, tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "own.py").write_text(EMPTY)
    outcome = cli(*command, "--model", f"{tmp_path}/own.py:Model", "--x", "1,2,3,4")
    assert "internal error" not in outcome.err
    assert outcome.out
    assert outcome.code in (0, 1)


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@pytest.mark.parametrize("target", ["enc.weight", "enc.weight.grad", "z[0]"])
def test_a_number_of_none(cli: CommandLine, tmp_path: Path, target: str) -> None:
    (tmp_path / "own.py").write_text(EMPTY)
    own = ["--model", f"{tmp_path}/own.py:Model", "--x", "1,2,3,4"]
    require_one_line(cli("why", target, *own), "it has no numbers: its shape is [")


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@pytest.mark.parametrize("command", [["backward"], ["why", "dec.bias.grad[0]"]], ids=" ".join)
def test_a_term_of_a_loss_that_has_none(
    cli: CommandLine, tmp_path: Path, command: list[str]
) -> None:
    (tmp_path / "own.py").write_text(EMPTY)
    own = ["--model", f"{tmp_path}/own.py:Model", "--x", "1,2,3,4"]
    require_one_line(cli(*command, *own, "--term", "kl"), "this loss has no terms; leave it out")


EMPTY_SITE = """\
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.mu, self.logvar, self.dec = nn.Linear(4, 0), nn.Linear(4, 0), nn.Linear(0, 4)

    def forward(self, x):
        mu, logvar = self.mu(x), self.logvar(x)
        recon = self.dec(mu + torch.exp(0.5 * logvar) * torch.randn_like(mu))
        return recon, mu, logvar


def loss(recon, x, mu, logvar):
    return ((recon - x) ** 2).sum() - 0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
"""


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@pytest.mark.parametrize("command", [*WAYS, ["backward", "mu.weight"]], ids=" ".join)
def test_a_latent_without_numbers(cli: CommandLine, tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "own.py").write_text(EMPTY_SITE)
    own = ["--model", f"{tmp_path}/own.py:Model", "--loss", f"{tmp_path}/own.py:loss"]
    outcome = cli(*command, *own, "--x", "1,2,3,4")
    assert "internal error" not in outcome.err
    assert outcome.out
    assert outcome.code in (0, 1)


CHAIN = """
import torch
from torch import nn

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = nn.Linear(2, 2)

    def forward(self, x):
        return (self.enc(x){ops}).sum()
"""


@pytest.mark.parametrize("command", [["forward"], ["why", "enc.weight.grad"], ["document"]])
def test_a_chain_of_unnamed_operations(
    cli: CommandLine, tmp_path: Path, command: list[str]
) -> None:
    file = tmp_path / "own.py"
    file.write_text(CHAIN.format(ops=".sin()" * 300))
    outcome = cli(*command, "--model", f"{file}:Model", "--x", "1,2")
    assert outcome.code == 0, outcome.err
    assert "sin_2" in outcome.out
