"""The lowest versions of what we depend on, as pyproject.toml has them.

    python -m tests.lowest [arguments of pytest]

installs them into a folder of their own, which Python looks into before it does into the
environment, and runs with them the tests of what each is for. PyTorch stays the one that is
installed: an old one would be gigabytes.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib.metadata import distribution
from pathlib import Path

ROOT = Path(__file__).parent.parent
# Which have numbers, pages, command lines, documents read, recordings, prompts and workbooks.
TESTS = (
    "tests/test_golden.py",
    "tests/test_help.py",
    "tests/test_cli_errors.py",
    "tests/test_terminal_colours.py",
    "tests/test_proofreading_command.py",
    "tests/test_recordings.py",
    "tests/test_saved_weights.py",
    "tests/test_ask.py",
    "tests/test_config.py",
)
LISTS = "dependencies", "yaml", "xlsx"
NEWEST_PYTHON = (3, 12)  # that the lowest NumPy was built for


def lowest() -> Iterator[str]:
    """Yield each library but PyTorch, with its lowest version: `numpy==2.0`."""
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    for name in LISTS:
        listed = re.search(rf"^{name} = \[(.*?)\]$", project, re.MULTILINE | re.DOTALL)
        assert listed, f"pyproject.toml has no list of {name}"
        for library, version in re.findall(r'"([\w-]+)>=([\d.]+)', listed[1]):
            if library != "torch":
                yield f"{library}=={version}"


def plugins(wanted: Sequence[str]) -> Iterator[str]:
    """Yield what keeps pytest from loading a plugin that the installed version has."""
    for each in wanted:
        for entry in distribution(each.partition("==")[0]).entry_points:
            if entry.group == "pytest11":
                yield f"-pno:{entry.name}"


def main(arguments: Sequence[str]) -> int:
    """Run the tests with the lowest versions; return pytest's exit code."""
    if sys.version_info[:2] > NEWEST_PYTHON:
        print("not run: the lowest versions are older than this Python")
        return 0
    wanted = list(lowest())
    print(*wanted, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        pip = ("pip", "install", "--quiet", "--only-binary", ":all:", "--target", folder)
        # It warns that the environment's own versions are others.
        installed = subprocess.run([sys.executable, "-m", *pip, *wanted], stderr=subprocess.PIPE)
        if installed.returncode != 0:
            sys.stderr.buffer.write(installed.stderr)
            return installed.returncode
        path = os.pathsep.join((folder, str(ROOT)))
        command = [sys.executable, "-m", "pytest", *plugins(wanted), *TESTS, *arguments]
        return subprocess.run(command, env={**os.environ, "PYTHONPATH": path}).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
