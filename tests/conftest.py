"""What every test file may ask for: the default runs, their pages, the command line.

PyTorch runs once for all of them.
"""

from __future__ import annotations

import os
from typing import Any

# Before PyTorch is loaded, here and in the processes that tests start: its numbers are too small
# for a second thread to do more than wait, which can take two thirds of the time.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch
from hypothesis import settings

from vae_explain import pipeline
from vae_explain.analysis import reference_figures
from vae_explain.analysis.audit.rules.ids import IDS
from vae_explain.analysis.reference_figures import Verification
from vae_explain.engine.run import Run
from vae_explain.models.builtin_config import BUILT_IN
from vae_explain.models.request import Request
from vae_explain.pages.blocks import Walkthrough
from vae_explain.pages.walkthrough import backward, forward, parameters, verification

from .comparing import Golden
from .pages import CommandLine, command_line

# Hypothesis fails an example that takes more than 200 ms by the clock, which is how busy the
# machine is, not whether the code is right: PyTorch's first call in a process alone can take
# as long. Speed is measured in benchmarks/. What the profile in force says besides, such as
# Hypothesis's own for continuous builds, stays.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")
torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))  # a plugin may have loaded it before

# What is tested is the product, and not what an earlier test has left in somebody's folder.
os.environ["VAE_EXPLAIN_CACHE"] = "0"

DEFAULT_X = ((1.0, 2.0, 3.0, 4.0),)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write the pages of tests/golden/ anew instead of comparing with them",
    )


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Show, for each id of the audit, on which models it fired and on which it was silent."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    found = [value for r in reports for key, value in r.user_properties if key == "audit"]
    if not found:
        return
    terminalreporter.section("what the audit found")
    terminalreporter.write_line(
        f"{'id':<21}{'fired, of models that have it':>30}{'fired, of look-alikes':>23}"
        f"{'fired, of others':>18}"
    )
    for name in IDS:
        groups: dict[str, list[bool]] = {"has": [], "looks": [], "other": []}
        for about, fires, fired in found:
            group = "has" if name in fires else "looks" if about == name else "other"
            groups[group].append(name in fired)
        counts = [f"{sum(group)} of {len(group)}" for group in groups.values()]
        terminalreporter.write_line(f"{name:<21}{counts[0]:>30}{counts[1]:>23}{counts[2]:>18}")


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what compares pages with golden files; `tests/processors.py` runs what is marked."""
    for item in items:
        if "golden" in getattr(item, "fixturenames", ()):
            item.add_marker("text")


@pytest.fixture(scope="session")
def golden(pytestconfig: pytest.Config) -> Golden:
    """Compare a page with its golden file, or write that anew."""
    return Golden(bool(pytestconfig.getoption("--update-golden")))


@pytest.fixture(scope="session")
def cli() -> CommandLine:
    """Run a command in this process and get its exit code and what it wrote."""
    return command_line


@pytest.fixture(scope="session")
def printed_run() -> Run:
    """The default run in the arithmetic of the forward page."""
    return pipeline.run(Request(x=DEFAULT_X, arithmetic="printed"))


@pytest.fixture(scope="session")
def full_run() -> Run:
    """The default run in the arithmetic of the backward page."""
    return pipeline.run(Request(x=DEFAULT_X, arithmetic="full"))


@pytest.fixture(scope="session")
def report() -> Verification:
    """What `verify` finds on this machine."""
    return reference_figures.verify()


@pytest.fixture(scope="session")
def pages(printed_run: Run, full_run: Run, report: Verification) -> dict[str, Walkthrough]:
    """The page of each command with its default settings."""
    return {
        "forward": forward.forward(printed_run)[0],
        "backward": backward.backward(full_run)[0],
        "params": parameters.parameters(printed_run, BUILT_IN)[0],
        "verify": verification.verification(report),
    }
