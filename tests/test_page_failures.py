"""A number that is not what its line says: marked where it stands, and exit code 1.

And names that try to be something else: markup, colours, line breaks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from vae_explain import ops, pipeline
from vae_explain.engine.run import Run, full_run
from vae_explain.engine.worked_lines import Worked
from vae_explain.ops import Call, Rule
from vae_explain.pages.blocks import (
    Block,
    Column,
    Formula,
    Heading,
    Lines,
    Matrix,
    Note,
    Prose,
    Table,
    Walkthrough,
)
from vae_explain.pages.checks import Checks
from vae_explain.pages.pictured import Diagram
from vae_explain.pages.render.terminal import terminal
from vae_explain.pages.walkthrough import backward, forward
from vae_explain.symbolic.expression import Add, Expression, Index, Number, Ref

from .pages import ANSI, CommandLine, claims, text_of

WIDTHS = [40, 60, 80, 120, 200]
MARK = "✗ PyTorch has"


# --- failing lines ----------------------------------------------------------------------


def with_wrong_value(run: Run, name: str, index: int) -> Run:
    """Return a run in which PyTorch's number for one element of a value is another."""
    number = run.value(name).id
    values = list(run.trace.values)
    array = values[number].array.copy()
    array.flat[index] += 0.5
    values[number] = values[number]._replace(array=array)
    return full_run(replace(run.trace, values=tuple(values)), run.seed, run.label)


def with_wrong_gradient(run: Run, name: str, index: int) -> Run:
    """Return a run in which autograd's number for one element of a gradient is another."""
    number = run.value(name).id
    gradients = {i: array.copy() for i, array in run.trace.gradients.items()}
    gradients[number].flat[index] += 0.5
    return full_run(replace(run.trace, gradients=gradients), run.seed, run.label)


def marked(text: str) -> list[str]:
    """Return the labels of the lines that are marked as failed."""
    return [claim.label for claim in claims(text) if MARK in claim.remark]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(("name", "index"), [("loss", 0), ("kl", 0), ("mse", 0), ("variance", 1)])
def test_a_wrong_value_is_marked_in_place(name: str, index: int, width: int, full_run: Run) -> None:
    page, checks = forward.forward(with_wrong_value(full_run, name, index))
    text = text_of(page, width)
    assert max(map(len, text.splitlines())) <= width
    labels = marked(text)
    assert len(labels) == checks.failed
    where = f"[{index}]" if name == "variance" else name
    assert labels[0] in (where, name + where)
    assert f"{checks.failed} failed" in " ".join(text.split())


@pytest.mark.parametrize("width", WIDTHS)
def test_a_wrong_row_is_marked_in_place(width: int, full_run: Run) -> None:
    page, checks = forward.forward(with_wrong_value(full_run, "decoder_pre", 3))
    text = text_of(page, width)
    assert max(map(len, text.splitlines())) <= width
    assert checks.failed == 2  # decoder_hidden goes on from what was changed
    labels = marked(text)
    assert labels[0] in ("[3]", "decoder_pre[3]")
    assert labels[1:] == ["decoder_hidden[3]"]
    assert "1 of 8 rows" in " ".join(text.split())


@pytest.mark.parametrize("width", WIDTHS)
def test_a_wrong_activation_is_marked_beside_the_rows(width: int, full_run: Run) -> None:
    page, checks = forward.forward(with_wrong_value(full_run, "encoder_hidden", 7))
    text = text_of(page, width)
    assert "encoder_hidden[7]" in marked(text)
    assert len(marked(text)) == checks.failed


@pytest.mark.parametrize("width", WIDTHS)
def test_a_wrong_gradient_is_marked_in_place(width: int, full_run: Run) -> None:
    page, checks = backward.backward(with_wrong_gradient(full_run, "recon_x", 2))
    text = text_of(page, width)
    assert checks.failed >= 1
    assert marked(text)[0] in ("[2]", "∂loss/∂recon_x[2]")
    assert "1 of 4 lines" in " ".join(text.split())


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    ("name", "index", "where"),
    [("fc1.weight", 5, "[1,1]"), ("encoder_pre", 2, "[2]"), ("fc_mu.bias", 1, "[1]")],
)
def test_a_wrong_gradient_whose_line_is_not_shown_is_named(
    name: str, index: int, where: str, width: int, full_run: Run
) -> None:
    page, checks = backward.backward(with_wrong_gradient(full_run, name, index))
    text = " ".join(text_of(page, width).split())
    assert checks.failed >= 1
    assert f"not equal to autograd's: {where}" in text


def without_bias(rule: Rule) -> Rule:
    """Return the rule of a layer whose arithmetic has a zero in place of the bias."""

    def element(call: Call, index: Index) -> Expression:
        whole = rule.element(call, index)
        assert isinstance(whole, Add)
        return Add((*whole.terms[:-1], Number(0.0)))

    return replace(rule, element=element)


BROKEN: list[tuple[str, Callable[[Rule], Rule]]] = [
    ("exp", lambda rule: replace(rule, forward=lambda a: 1.001 * np.exp(a))),
    ("relu", lambda rule: replace(rule, forward=lambda a: a)),
    ("linear", without_bias),
]


@pytest.mark.parametrize(("op", "broken"), BROKEN)
def test_a_rule_that_is_wrong_makes_the_exit_code_1(
    op: str, broken: Callable[[Rule], Rule], cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ops.RULES.loaded, op, broken(ops.RULES[op]))
    for width in (80, 120):
        outcome = cli("forward", columns=width)
        assert (outcome.code, outcome.err) == (1, "")
        assert MARK in outcome.out
    assert cli("forward", "--digits", "3").code == 1


def test_a_vjp_that_is_wrong_makes_the_exit_code_1(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = ops.RULES["exp"]
    monkeypatch.setitem(ops.RULES.loaded, "exp", replace(rule, vjp=lambda g, y, a: (g,)))
    outcome = cli("backward", "--arithmetic", "printed")
    assert (outcome.code, outcome.err) == (1, "")
    assert MARK in outcome.out
    assert cli("verify").code == 1


@pytest.mark.parametrize("command", ["forward", "backward"])
def test_json_counts_what_failed(
    command: str, cli: CommandLine, full_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = with_wrong_gradient(with_wrong_value(full_run, "loss", 0), "recon_x", 0)
    monkeypatch.setattr(pipeline, "run", lambda request, finite=True: broken)
    outcome = cli(command, "--format", "json")
    checks = json.loads(outcome.out)["checks"]
    assert outcome.code == 1
    assert checks["failed"] >= 1
    assert checks["largest_relative_difference"] > 1e-3


@pytest.mark.parametrize(
    ("name", "arguments"), [("loss", ["--step", "loss"]), ("kl", ["--step", "kl", "--latex"])]
)
def test_one_step_alone_fails_too(
    name: str,
    arguments: list[str],
    cli: CommandLine,
    full_run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = with_wrong_value(full_run, name, 0)
    monkeypatch.setattr(pipeline, "run", lambda request, finite=True: broken)
    outcome = cli("forward", *arguments)
    assert outcome.code == 1
    assert MARK in outcome.out


def test_a_step_that_is_not_shown_does_not_fail(
    cli: CommandLine, full_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = with_wrong_value(full_run, "loss", 0)
    monkeypatch.setattr(pipeline, "run", lambda request, finite=True: broken)
    assert cli("forward", "--step", "mu").code == 0


# --- names ------------------------------------------------------------------------------

HOSTILE = {
    "an index like markup": "W[i,0]",
    "markup": "[bold red]x[/]",
    "a link": "[link=http://example.org]x[/link]",
    "braces": "{name} %s {0}",
    "quotes": """'"`\\n""",
    "other letters": "größe_слой",
    "keys of a module": "blocks.0.attn-1 (copy)",
    "a minus sign": "-x",
    "an equals sign": "a = 1.0000",
    "nothing": "",
}
CONTROL = {
    "a colour": "\x1b[31mred",
    "line breaks": "two\nlines\r",
    "a bell": "\a",
    "half of a sign": "\ud800",
}


def page_of(name: str) -> Walkthrough:
    """Put a name wherever a block has room for one."""
    leaf = Ref(name, (0,), "value", 1.5)
    line = Worked("[0]", leaf, 1.5, 1.5, 2.5, 1.0, False)
    array = np.array([[1.0, -2.0], [0.0, 3.0]])
    blocks: tuple[Block, ...] = (
        Heading(1, name, name),
        Prose(name),
        Note(name, "failure"),
        Formula(name, leaf, name, accent=True),
        Lines(name, (line, line), "element", "value", (name,)),
        Lines(name, (line,), "element", "exact", total=line, latex=True),
        Matrix(name, array, "parameter", "parameter"),
        Table((Column(name, "text"), Column(name, "value")), ((name, 1.0),), reasons=(name,)),
        Diagram(((name, "[2]"), (name, "[4]"))),
    )
    return Walkthrough("forward", name, (name,), blocks)


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_name_stands_on_the_page_as_it_is(name: str, width: int) -> None:
    lines = terminal.lay_out(page_of(name), width)
    plain = terminal.plain(lines)
    assert plain.count(name) >= 8
    for colors in ("truecolor", "256", "standard"):
        coloured = ANSI.sub("", terminal.coloured(lines, colors))
        assert [line.rstrip() for line in coloured.splitlines()] == plain.splitlines()
    ascii_only = terminal.plain(terminal.lay_out(page_of(name), width, ascii_only=True))
    assert ascii_only.isascii()
    assert len(ascii_only.splitlines()) >= 15


@pytest.mark.parametrize("name", CONTROL.values(), ids=CONTROL)
def test_a_name_cannot_steer_the_terminal(name: str) -> None:
    for ascii_only in (False, True):
        lines = terminal.lay_out(page_of(name), 80, ascii_only=ascii_only)
        plain = terminal.plain(lines)
        assert all(character.isprintable() for character in plain.replace("\n", ""))
        plain.encode("utf-8")
        assert re.sub(ANSI, "", terminal.coloured(lines, "truecolor")).count("\x1b") == 0


def test_checks_count_what_they_are_given() -> None:
    good = Worked("", Ref("a", (), "value", 1.0), 1.0, 1.0, 1.0, 1e-9, True)
    lines = good, good._replace(difference=0.5, agrees=False), good._replace(reference=None)
    checks = Checks.of([Table((), (), worked=lines)])
    assert (checks.lines, checks.failed, checks.largest_relative_difference) == (2, 1, 0.5)


def test_a_finite_value_is_shown_where_what_it_came_of_is_not(cli: CommandLine) -> None:
    """ELU(-inf) is -1: behind a z that overflows, but not behind exp(logvar) in the KL."""
    options = "--dims 3-5-1-5-3 --activation elu --seed 476 --x 0,0,0 --x 1800,0,-1500"
    outcome = cli("forward", *options.split(), "--arithmetic", "full")
    assert outcome.code == 1, outcome.err
    titles = re.findall(r"(?m)^ \d+  (\w+)", outcome.out)
    assert "decoder_hidden" in titles
    assert "decoder_pre" not in titles
    assert "exp(logvar) is the first value that is not finite" in " ".join(outcome.out.split())
