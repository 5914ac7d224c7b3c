"""The docs as a site: built in strict mode, with every page in its contents."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def test_the_site_is_built(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="MkDocs is in the extra docs")
    completed = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", str(tmp_path / "site")],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert completed.returncode == 0, completed.stderr
    contents = (tmp_path / "site" / "index.html").read_text("utf-8")
    for name in ("student", "teacher", "engineer", "commands", "python", "json"):
        assert (tmp_path / "site" / name / "index.html").is_file()
        assert f'href="{name}/"' in contents


def test_every_page_that_is_linked_is_there() -> None:
    for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text("utf-8")):
            assert (path.parent / link).exists(), f"{path.name} links to {link}"
