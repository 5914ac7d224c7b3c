"""A browser, documents in files, and pages that write down all that they do."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    sync_playwright,
)
from playwright.sync_api import Request as Asked

from vae_explain.models.builtin_config import Architecture
from vae_explain.models.request import Request
from vae_explain.pages.render.diagram import picture_of
from vae_explain.pages.render.html.document import write

from ..composed import composed, of_a_model, of_choices
from ..conftest import DEFAULT_X
from ..hostile import hostile_walkthrough

NAMES = "chromium", "chromium-browser", "google-chrome"
NEEDED = "VAE_EXPLAIN_NEEDS_BROWSER"
# Nothing that a browser does of its own accord, so that what it asks for is the page's.
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium without a window."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        reason = f"no {' or '.join(NAMES)} on this machine"
        if os.environ.get(NEEDED):
            pytest.fail(f"{reason}, and {NEEDED} is set")
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def documents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The default document, one of a user's model, and one of hostile names, as files."""
    folder = tmp_path_factory.mktemp("documents")
    x = (tuple(123.456 * (i - 1) for i in range(18)),)  # a row that is folded, of long numbers
    wide = Request(x, source=Architecture(dims=(18, 5, 2, 20, 18)))
    walkthroughs = {
        "default": composed(Request(DEFAULT_X)),
        "wide": composed(wide),
        "own": of_a_model("convolutional"),
        "recurrent": of_a_model("recurrent"),
        "hostile": hostile_walkthrough(),
    }
    paths = {}
    for name, walkthrough in walkthroughs.items():
        paths[name] = folder / f"{name}.html"
        paths[name].write_text(write(walkthrough, picture_of(walkthrough)), "utf-8")
    paths["choices"] = folder / "choices.html"
    paths["choices"].write_text(of_choices(), "utf-8")
    return paths


@dataclass
class Opened:
    """A page, with all that it asked for and said since it was opened."""

    page: Page
    path: Path
    requests: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def close(self) -> None:
        """Close the page; one that asked for more than its file or said a word fails."""
        self.page.context.close()
        assert set(self.requests) == {self.path.as_uri()}
        assert self.said == []


Open = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, documents: dict[str, Path]) -> Iterator[Open]:
    """Open a document: `open_page("default", width=390, scheme="dark")`."""
    opened: list[Opened] = []

    def open_it(
        name: str = "default",
        width: int = 1280,
        height: int = 900,
        scheme: str = "light",
        script: bool = True,
        touch: bool = False,
    ) -> Page:
        context: BrowserContext = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            java_script_enabled=script,
            has_touch=touch,
            reduced_motion="reduce",
        )
        found = Opened(context.new_page(), documents[name])

        def asked(request: Asked) -> None:
            found.requests.append(request.url.partition("#")[0])

        def said(message: ConsoleMessage) -> None:
            found.said.append(f"{message.type}: {message.text}")

        found.page.on("request", asked)
        found.page.on("console", said)
        found.page.on("pageerror", lambda error: found.said.append(str(error)))
        found.page.on("dialog", lambda dialog: found.said.append(f"dialog: {dialog.message}"))
        found.page.goto(documents[name].as_uri())
        opened.append(found)
        return found.page

    yield open_it
    for found in opened:
        found.close()
