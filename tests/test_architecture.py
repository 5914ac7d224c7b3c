"""The names that are known without PyTorch are those of a run, and imports run downward."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import vae_explain
from vae_explain import pipeline
from vae_explain.architecture import BUILT_IN, Architecture
from vae_explain.cli import names
from vae_explain.pipeline import Request
from vae_explain.run import Run
from vae_explain.steps import Steps
from vae_explain.verify import load_figures

PACKAGE = Path(vae_explain.__file__).parent

# The house from the roof to the ground. A room may use what lies below it, and the other
# files of its own folder, as long as no circle comes of it.
FLOORS: list[list[str]] = [
    ["__main__"],
    ["cli"],
    ["__init__"],  # hands out the names of the next floor, and loads them when they are asked for
    ["api"],
    ["documenting", "shown"],
    ["render", "walkthrough"],
    ["paths"],
    ["proofread", "provenance"],
    ["audit", "draws", "nudging", "sampling", "training", "verify"],
    ["checking", "optimization", "pipeline"],
    ["lines", "roles", "subject"],
    ["sections", "steps"],
    ["run"],
    ["gradients"],
    ["replay"],
    ["graph"],
    ["ops", "recorder"],
    ["recording", "rewriting"],
    ["reading"],
    ["register"],
    ["calls", "folding", "latex", "tape"],
    [
        "blocks",
        "capture",
        "differentiation",
        "inputs",
        "naming",
        "shaping",
        "terms",
        "views",
        "weights",
        "writing",
    ],
    ["binding", "expression", "trace"],
    ["sources"],
    ["checkpoints", "fitting", "opened"],
    [
        "architecture",
        "composites",
        "counting",
        "frames",
        "functions",
        "loading",
        "loss_call",
        "model",
        "noise",
        "ondemand",
        "oracle",
        "returned",
    ],
    ["handing"],
]
MAY_USE_TORCH = {
    "binding",
    "checkpoints",
    "draws",
    "fitting",
    "loading",
    "model",
    "nudging",
    "pipeline",
    "recorder",
    "returned",
    "sources",
    "subject",
    "training",
}
# Of the recorder.
MAY_USE_TORCH |= {"calls", "capture", "differentiation", "handing", "noise", "opened"}
MAY_USE_TORCH |= {"composites", "composites.algebra", "composites.losses", "composites.parts"}
MAY_USE_TORCH |= {"composites.statistics", "composites.writes"}
MAY_USE_TORCH |= {"reading", "recording", "register", "rewriting", "tape", "views"}
MAY_USE_RICH = {"render.terminal"}
WITHOUT_NUMPY = {"__init__", "__main__", "architecture", "expression", "functions", "writing"}
WITHOUT_NUMPY |= {"latex"}


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
    return architecture, pipeline.run(Request(x, arithmetic="full", architecture=architecture))


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


def rooms() -> dict[str, Path]:
    """Return every file of the package by its dotted name inside it."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = path
    return found


ROOMS = rooms()


def imports(room: str) -> Iterator[tuple[str, bool]]:
    """Yield what a file imports and whether it does so as soon as it is loaded.

    Names inside the package have a leading dot. What is imported for type checkers alone
    is left out.
    """
    is_folder = ROOMS[room].name == "__init__.py"
    package = room.split(".") if is_folder and room != "__init__" else room.split(".")[:-1]

    def walk(node: ast.AST, at_once: bool) -> Iterator[tuple[str, bool]]:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, at_once
        if isinstance(node, ast.ImportFrom):
            if node.level == 0:
                yield node.module or "", at_once
            else:
                base = [*package[: len(package) - node.level + 1]]
                base += node.module.split(".") if node.module else []
                for alias in node.names:
                    inner = ".".join([*base, alias.name])
                    name = inner if inner in ROOMS else ".".join(base) or "__init__"
                    yield "." + name, at_once
        inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for child in ast.iter_child_nodes(node):
            yield from walk(child, at_once and not inside)

    yield from walk(ast.parse(ROOMS[room].read_text("utf-8")), True)


def floor(room: str) -> int:
    """Return how far down a file lies."""
    return next(i for i, rooms in enumerate(FLOORS) if room.split(".")[0] in rooms)


def test_every_file_has_its_floor() -> None:
    known = {name for floor in FLOORS for name in floor}
    assert {room.split(".")[0] for room in ROOMS} == known, "FLOORS says where each file lies"


@pytest.mark.parametrize("room", ROOMS)
def test_imports_run_downward(room: str) -> None:
    for imported, _ in imports(room):
        if imported.startswith("."):
            other = imported[1:]
            same_folder = other.split(".")[0] == room.split(".")[0] != other
            beside_or_below = same_folder or floor(other) > floor(room)
            assert beside_or_below, f"{room} imports {other}, which lies above it"


def test_no_file_imports_itself_by_a_detour() -> None:
    uses = {
        room: {name[1:] for name, _ in imports(room) if name[1:] in ROOMS and name[0] == "."}
        for room in ROOMS
    }
    while uses:
        free = [room for room, used in uses.items() if not (used - {room}) & uses.keys()]
        assert free, f"a circle among {sorted(uses)}"
        for room in free:
            del uses[room]


@pytest.mark.parametrize(("library", "allowed"), [("torch", MAY_USE_TORCH), ("rich", MAY_USE_RICH)])
def test_a_library_is_imported_where_it_may_be(library: str, allowed: set[str]) -> None:
    users = {room for room in ROOMS for name, _ in imports(room) if name.split(".")[0] == library}
    assert users == allowed


def test_the_command_line_loads_nothing_heavy_with_itself() -> None:
    light = [room for room in ROOMS if room.split(".")[0] == "cli"]
    for room in [*light, *WITHOUT_NUMPY]:
        at_once = {name for name, immediately in imports(room) if immediately}
        assert not {name for name in at_once if name.split(".")[0] in ("torch", "numpy", "rich")}
        inside = {name[1:] for name in at_once if name[0] == "."}
        own = {name for name in inside if name.split(".")[0] != "cli"}
        assert own <= WITHOUT_NUMPY, f"{room} loads {own - WITHOUT_NUMPY}"


def test_everything_else_comes_from_what_we_depend_on() -> None:
    project = (PACKAGE.parent / "pyproject.toml").read_text("utf-8").replace("-", "_")
    library = re.compile(r'"(\w+)[<>=]')
    # The one library whose name is not that of its package.
    project = project.replace("markdown_it_py", "markdown_it")
    required = set(library.findall(project.partition("\ndependencies")[2].partition("]")[0]))
    optional = set(library.findall(project))
    assert {"torch", "numpy", "typer", "rich"} <= required < optional
    for room in ROOMS:
        for name, immediately in imports(room):
            top = name.split(".")[0]
            if top and top not in sys.stdlib_module_names:
                assert top in (required if immediately else optional), f"{room} imports {name}"
