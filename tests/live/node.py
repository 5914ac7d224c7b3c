"""Running the live page's modules in Node, which tests that need it say so of."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from vae_explain.pages.render.html import live

HERE = Path(__file__).parent
MODULES = Path(live.__file__).parent
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(
    NODE is None, reason="Node, which runs the page's modules, is missing"
)


def answer(script: str, question: object) -> Any:
    """Return what a script beside this file makes of a question, both in JSON."""
    assert NODE is not None, "only asked in tests that need it"
    done = subprocess.run(
        [NODE, str(HERE / script), MODULES.as_uri()],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
