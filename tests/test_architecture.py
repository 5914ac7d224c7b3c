"""The names that are known without PyTorch are those of a run, and imports run downward."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from importlinter.cli import lint_imports

import vae_explain
from vae_explain import pipeline
from vae_explain.analysis.reference_figures import load_figures
from vae_explain.cli import names
from vae_explain.engine.formulas import Steps
from vae_explain.engine.run import Run
from vae_explain.models.builtin_config import BUILT_IN, Architecture
from vae_explain.models.request import Request
from vae_explain.recording.frames import MARKER

from .lowest import lowest

PACKAGE = Path(vae_explain.__file__).parent
ROOT = Path(__file__).parent.parent


ARCHITECTURES = {
    "built in": BUILT_IN,
    "deep": Architecture(dims=(6, 5, 4, 3, 4, 5, 6), activation="tanh", beta=0.5),
    "cross-entropy": Architecture(dims=(3, 4, 1, 4, 3), recon="bce", reduction="mean"),
}


# --- names ------------------------------------------------------------------------------


@pytest.fixture(params=ARCHITECTURES)
def recorded(request: pytest.FixtureRequest) -> tuple[Architecture, Run]:
    """An architecture, and a run of it in PyTorch."""
    architecture = ARCHITECTURES[request.param]
    x = (tuple(0.5 + 0.1 * i for i in range(architecture.input_size)),)
    return architecture, pipeline.run(Request(x, arithmetic="full", source=architecture))


def test_the_names_are_those_of_a_run_in_order(recorded: tuple[Architecture, Run]) -> None:
    architecture, run = recorded
    parameters = [value.name for value in run.trace.values if value.kind == "parameter"]
    assert parameters == list(architecture.parameters)
    steps = [run.trace.values[number].name for number in Steps(run).named()]
    assert steps == list(architecture.steps)


def test_the_shapes_are_those_of_a_run(recorded: tuple[Architecture, Run]) -> None:
    architecture, run = recorded
    for name in ("x", *architecture.parameters, *architecture.steps):
        assert run.array(name).shape == architecture.shape(name, rows=1), name
    for layer in architecture.layers:
        parts = [run.array(f"{layer.name}.{part}").size for part in ("weight", "bias")]
        assert layer.count == sum(parts)


def test_what_has_a_gradient_is_what_has_one_in_a_run(recorded: tuple[Architecture, Run]) -> None:
    architecture, run = recorded
    names = {run.trace.values[number].name for number in run.gradients}
    assert names - {None} == set(architecture.with_gradient)
    assert len(architecture.with_gradient) == len(set(architecture.with_gradient))


def test_what_the_kl_does_not_reach_is_known(recorded: tuple[Architecture, Run]) -> None:
    architecture, run = recorded
    assert {term.name for term in run.trace.terms} == set(architecture.terms)
    reached = {run.trace.values[number].name for number in run.term_gradients["kl"]}
    not_reached = set(architecture.with_gradient) - reached
    assert not_reached - {"loss"} == set(architecture.without_kl)


def test_why_a_value_has_no_gradient_is_known(full_run: Run) -> None:
    values = {value.name for value in full_run.trace.values} - {None}
    assert set(names.WITHOUT_GRADIENT) == values - set(BUILT_IN.with_gradient)


def test_the_built_in_architecture_is_that_of_the_document() -> None:
    assert BUILT_IN.dims == (4, 8, 2, 8, 4)
    assert sum(layer.count for layer in BUILT_IN.layers) == 136


def test_the_figures_are_of_names_that_there_are() -> None:
    renamed = {"encoder_pre_relu": "encoder_pre", "decoder_pre_relu": "decoder_pre"}
    found = [name.removesuffix(".grad") for name in load_figures()]
    known = {"x", *BUILT_IN.parameters, *BUILT_IN.steps}
    assert {renamed.get(name, name) for name in found} == known
    assert all(np.size(figures) for figures in load_figures().values())


# --- imports ----------------------------------------------------------------------------


def test_imports_keep_the_contracts_of_pyproject(capsys: pytest.CaptureFixture[str]) -> None:
    kept = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True)
    assert kept == 0, capsys.readouterr().out


def test_a_package_says_which_question_it_answers() -> None:
    for folder in sorted({path.parent for path in PACKAGE.rglob("*.py")}):
        words = ast.get_docstring(ast.parse((folder / "__init__.py").read_text("utf-8")))
        assert words, folder.name
        for named in re.findall(r"`(\w+\.py)`", words):
            assert (folder / named).is_file(), f"{folder.name} names {named}"
        if folder.parent == PACKAGE:
            assert "?" in words.splitlines()[0], f"{folder.name} answers no question"


def test_each_class_has_a_name_of_its_own() -> None:
    """One word for one thing: a name that says what a class is needs no file beside it."""
    files: dict[str, list[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                files.setdefault(node.name, []).append(path.relative_to(PACKAGE).as_posix())
    assert files
    assert {name: paths for name, paths in files.items() if len(paths) > 1} == {}


def test_which_of_our_modules_name_values() -> None:
    setting = re.compile(f"^{MARKER} = True", re.MULTILINE)
    marked = {
        path.stem for path in PACKAGE.rglob("*.py") if setting.search(path.read_text("utf-8"))
    }
    assert marked == {"builtin_vae", "networks"}


@pytest.mark.parametrize(
    "module",
    [
        "__main__",
        "cli.entry",
        "cli.names",
        "cli.options",
        "models.builtin_config",
        "models.request",
        "symbolic.expression",
        "symbolic.latex",
    ],
)
def test_what_must_start_at_once_loads_nothing_heavy(module: str) -> None:
    code = (
        f"import sys, vae_explain.{module}\n"
        "print(*{'torch', 'numpy', 'rich'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_everything_else_comes_from_what_we_depend_on() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8").replace("-", "_")
    library = re.compile(r'"(\w+)[<>=]')
    # The two libraries whose names are not those of their packages.
    project = project.replace("markdown_it_py", "markdown_it").replace('"pyyaml', '"yaml')
    required = set(library.findall(project.partition("\ndependencies")[2].partition("]")[0]))
    optional = set(library.findall(project))
    assert {"torch", "numpy", "typer", "rich"} <= required < optional
    for path in sorted(PACKAGE.rglob("*.py")):
        for name, at_once in libraries_of(path):
            # What pytest alone loads has pytest, and a callback of Lightning's has Lightning.
            needed = at_once and path.stem not in ("pytest_plugin", "lightning")
            assert name in (required if needed else optional), f"{path} imports {name}"


def test_each_library_but_pytorch_is_tried_in_its_lowest_version() -> None:
    tried = dict(wanted.split("==") for wanted in lowest())
    assert (tried["numpy"], "torch" in tried) == ("2.0", False)
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    needed = project.partition("\ndependencies")[2].partition("]")[0]
    assert set(re.findall(r'"([\w-]+)[<>=]', needed)) - {"torch"} == tried.keys() - {
        "pyyaml",
        "xlsxwriter",
    }


def libraries_of(path: Path) -> Iterator[tuple[str, bool]]:
    """Yield the libraries that a file imports, and whether as soon as it is loaded."""

    def walk(node: ast.AST, at_once: bool) -> Iterator[tuple[str, bool]]:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        for name in names:
            top = name.partition(".")[0]
            if top not in sys.stdlib_module_names:
                yield top, at_once
        inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for child in ast.iter_child_nodes(node):
            yield from walk(child, at_once and not inside)

    yield from walk(ast.parse(path.read_text("utf-8")), True)


# --- the guide --------------------------------------------------------------------------


def test_each_function_that_the_guide_names_stands_in_the_file_that_it_links() -> None:
    guide = ROOT / "docs" / "architecture.md"
    text = " ".join(guide.read_text("utf-8").split())
    named = re.findall(r"`(\w+)` (?:in|of) \[[^\]]+\]\(([^)#]+\.py)\)", text)
    assert len(named) > 30
    for name, link in named:
        nodes = ast.walk(ast.parse((guide.parent / link).read_text("utf-8")))
        defined = {n.name for n in nodes if isinstance(n, ast.FunctionDef | ast.ClassDef)}
        assert name in defined, f"{link} has no {name}"
    for link in re.findall(r"\]\(([^)#]+)", text):
        assert (guide.parent / link).exists(), link


# Runs a command and prints which functions of ours were called, in which files.
CALLED = """
import sys
called = set()
def note(frame, event, _):
    if event == "call" and "vae_explain" in frame.f_code.co_filename:
        called.add((frame.f_code.co_filename, frame.f_code.co_name))
sys.setprofile(note)
from vae_explain.cli import entry
entry.run(sys.argv[1:])
sys.setprofile(None)
print(*["%s:%s" % each for each in called], sep="\\n")
"""


def functions_called(words: str, cache: Path) -> set[tuple[str, str]]:
    command = [sys.executable, "-c", CALLED, *words.split()]
    environment = os.environ | {"VAE_EXPLAIN_CACHE": str(cache)}
    run = subprocess.run(
        command, env=environment, capture_output=True, encoding="utf-8", check=True
    )
    lines = re.findall(r"(?m)^(.*vae_explain.*\.py):(\w+)$", run.stdout)
    return {(Path(file).relative_to(PACKAGE).as_posix(), name) for file, name in lines}


@pytest.mark.parametrize(
    ("heading", "options"),
    [
        ("From the command line to a printed line", ("", "--no-cache")),
        ("One gradient back", ("", "--arithmetic printed")),
    ],
)
def test_each_function_of_a_walk_is_called_on_it(
    heading: str, options: tuple[str, str], tmp_path: Path
) -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    walk = text.split(f"## {heading}\n")[1].split("\n## ")[0]
    (command,) = re.findall(r"(?m)^`vae-explain (.*)`$", walk)
    called = set[tuple[str, str]]().union(
        *[functions_called(f"{command} {option}", tmp_path) for option in options]
    )
    for name, file in re.findall(r"`([a-z_]+)`\s+in\s+\[([^\]]+)\]", walk):
        if name not in ("main", "with_options"):  # what sets up a process, and a decorator
            assert (file, name) in called, f"{name} of {file}"
