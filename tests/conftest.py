"""What every test file may ask for: the default runs, their pages, the command line.

PyTorch runs once for all of them.
"""

from __future__ import annotations

import pytest

from vae_explain import pipeline, verify
from vae_explain.architecture import BUILT_IN
from vae_explain.blocks import Walkthrough
from vae_explain.run import Run
from vae_explain.verify import Verification
from vae_explain.walkthrough import backward, forward, parameters, verification

from .pages import CommandLine, command_line

DEFAULT_X = ((1.0, 2.0, 3.0, 4.0),)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write the pages of tests/golden/ anew instead of comparing with them",
    )


@pytest.fixture(scope="session")
def cli() -> CommandLine:
    """Run a command in this process and get its exit code and what it wrote."""
    return command_line


@pytest.fixture(scope="session")
def printed_run() -> Run:
    """The default run in the arithmetic of the forward page."""
    return pipeline.run(pipeline.Request(x=DEFAULT_X, arithmetic="printed"))


@pytest.fixture(scope="session")
def full_run() -> Run:
    """The default run in the arithmetic of the backward page."""
    return pipeline.run(pipeline.Request(x=DEFAULT_X, arithmetic="full"))


@pytest.fixture(scope="session")
def report() -> Verification:
    """What `verify` finds on this machine."""
    return verify.verify()


@pytest.fixture(scope="session")
def pages(printed_run: Run, full_run: Run, report: Verification) -> dict[str, Walkthrough]:
    """The page of each command with its default settings."""
    return {
        "forward": forward.forward(printed_run)[0],
        "backward": backward.backward(full_run)[0],
        "params": parameters.parameters(printed_run, BUILT_IN)[0],
        "verify": verification.verification(report),
    }
