"""Models whose methods raise when we call them, or that compute out of sight: one line each."""

from __future__ import annotations

from pathlib import Path

import pytest

from .pages import CommandLine
from .test_unruly_models import COMMANDS, model, require_one_line


@pytest.mark.parametrize(
    ("command", "method"),
    [
        ("train", "state_dict"), ("forward", "named_parameters"), ("audit", "children"),
        ("document", "__hash__"), ("update", "parameters"),
    ],
)  # fmt: skip
def test_a_method_that_raises_when_we_call_it(
    cli: CommandLine, tmp_path: Path, command: str, method: str
) -> None:
    options = model(tmp_path)
    file = tmp_path / "own.py"
    raising = f"    def {method}(self, *_, **more):\n        raise Odd2('not now')\n\n"
    code = file.read_text().replace("    def changed", f"{raising}    def changed")
    file.write_text(f"{code}\n\nclass Odd2(Exception):\n    pass\n")
    outcome = cli(command, *COMMANDS[command], *options)
    require_one_line(outcome, "error: the model raised Odd2: not now (")
    assert "own.py:" in outcome.err


def test_a_train_of_their_own_is_not_called(cli: CommandLine, tmp_path: Path) -> None:
    options = model(tmp_path)
    file = tmp_path / "own.py"
    own = "    def train(self, data):\n        raise Odd('trained')\n\n    def changed"
    file.write_text(file.read_text().replace("    def changed", own))
    assert cli("audit", *options).code == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_what_another_thread_computes(cli: CommandLine, tmp_path: Path, command: str) -> None:
    run = """\
import threading
h = self.enc(x)
thread = threading.Thread(target=lambda: h.mul_(2))
thread.start()
thread.join()
x = x + h"""
    outcome = cli(command, *COMMANDS[command], *model(tmp_path, run))
    require_one_line(outcome, "computes in a thread of its own, where no operation can be recorded")


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ("out = [x]\nout.append(out)\nreturn out", "parts within parts more than 50 deep"),
        ("return self.enc(x).sum().long()", "the loss is a number of int64, which has no gradient"),
        ("h = self.enc(x).exp()\nx = x + h.sum()\nh += 1", "is at version 1; expected version 0"),
        ("raise ValueError('long ' * 10_000)", "long long lo..."),
        ("x = x + torch.func.grad(lambda r: r.exp_().sum())(x)", "a transform of torch.func"),
    ],
)
def test_a_message_is_true_and_ends(cli: CommandLine, tmp_path: Path, run: str, words: str) -> None:
    outcome = cli("forward", *model(tmp_path, run))
    require_one_line(outcome, words)
    assert "Hint" not in outcome.err
    assert len(outcome.err) < 1000


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("pass", "gives its module parts ahead of super().__init__(); call that first"),
        (
            "super().__init__()\n        self._modules['me'] = self",
            "a module contains itself (at",
        ),
    ],
)
def test_a_module_that_pytorch_cannot_list(
    cli: CommandLine, tmp_path: Path, code: str, words: str
) -> None:
    options = model(tmp_path)
    file = tmp_path / "own.py"
    start, end = file.read_text().split("class Model")
    file.write_text(f"{start}class Model{end.replace('super().__init__()', code, 1)}")
    require_one_line(cli("forward", *options), words)


@pytest.mark.parametrize("command", ["sample", "document", "check"])
def test_x_is_put_back(cli: CommandLine, tmp_path: Path, command: str) -> None:
    outcome = cli(command, *COMMANDS[command], *model(tmp_path, "x.mul_(0.5)"))
    assert (outcome.code, outcome.err) == (0, "")


def test_a_parameter_of_one_number_in_a_document(cli: CommandLine, tmp_path: Path) -> None:
    made = "self.one = nn.Parameter(torch.tensor(0.5))"
    outcome = cli("document", *model(tmp_path, "x = x * self.one", made))
    assert (outcome.code, outcome.err) == (0, "")


def test_layers_that_are_drawn_at_each_run(cli: CommandLine, tmp_path: Path) -> None:
    outcome = cli("check", *model(tmp_path, "x = x + nn.Linear(4, 4)(x)"))
    assert (outcome.code, outcome.err) == (0, "")


@pytest.mark.parametrize("command", ["sample", "forward", "record"])
@pytest.mark.parametrize(
    "run", ["sys.stdout.close()\nsys.stderr.close()", "sys.stdout = sys.stderr = None"]
)
def test_streams_that_a_model_closes(
    cli: CommandLine, tmp_path: Path, command: str, run: str
) -> None:
    more = ["-o", str(tmp_path / "run.safetensors")] if command == "record" else []
    outcome = cli(command, *more, *model(tmp_path, run))
    assert outcome.code == 0
    assert outcome.err.count("\n") == len(more) // 2
    assert outcome.out
