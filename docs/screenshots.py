"""Make the pictures of the README from real runs: `python docs/screenshots.py`.

The terminal's are written as SVG by the same code as its pages. That of a document is
what Chromium shows of one, with the pointer on a number; it needs Playwright and Chromium.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import sync_playwright

from vae_explain.analysis import gradient_check
from vae_explain.models.builtin_config import BUILT_IN
from vae_explain.pages.blocks import Heading, Walkthrough
from vae_explain.pages.render.diagram import picture_of
from vae_explain.pages.render.html.document import write
from vae_explain.pages.render.terminal.terminal import lay_out, svg
from vae_explain.pages.walkthrough.backward import backward
from vae_explain.pages.walkthrough.document import document
from vae_explain.pages.walkthrough.forward import forward
from vae_explain.pipeline import Request, run

HERE = Path(__file__).parent
WIDTH = 112
X = ((1.0, 2.0, 3.0, 4.0),)


def sections(page: Walkthrough, titles: Sequence[str]) -> Walkthrough:
    """Keep the sections with these titles."""
    kept = []
    keep = False
    for block in page.blocks:
        if isinstance(block, Heading):
            keep = block.title in titles
        if keep:
            kept.append(block)
    return Walkthrough(page.command, page.title, page.remarks, tuple(kept))


def picture_of_a_document(path: Path) -> None:
    """Write what Chromium shows of the sampling step, with the pointer on z[0]."""
    shown = run(Request(x=X, arithmetic="printed"))
    page, _ = document(shown, gradient_check.check_in_reach(shown, BUILT_IN), None, BUILT_IN)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "document.html"
        file.write_text(write(page, picture_of(page)), "utf-8")
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        size = {"width": 1200, "height": 760}
        opened = chromium.new_page(viewport=size, reduced_motion="reduce")
        opened.goto(file.as_uri())
        made = opened.locator('[id="z-0"]')
        made.evaluate("place => scrollBy(0, place.getBoundingClientRect().top - 400)")
        made.hover()
        opened.screenshot(path=path)
        chromium.close()


def main() -> None:
    """Write the pictures beside this file."""
    page, _ = forward(run(Request(x=X, arithmetic="printed")))
    shown = sections(page, ("Encode to the hidden layer", "Sample z: the reparameterization trick"))
    (HERE / "forward.svg").write_text(svg(lay_out(shown, WIDTH), WIDTH, "vae-explain forward"))
    page, _ = backward(run(Request(x=X, arithmetic="full")))
    shown = sections(page, ("∂loss/∂logvar", "∂loss/∂encoder_pre"))
    (HERE / "backward.svg").write_text(svg(lay_out(shown, WIDTH), WIDTH, "vae-explain backward"))
    picture_of_a_document(HERE / "document.png")


if __name__ == "__main__":
    main()
