"""Draw the moving picture of `vae-explain play`: `python docs/moving.py` writes `docs/play.gif`.

Chromium moves x[0] on the page, and each frame has the panel, the picture of the model and the
first layer's worked lines, with gates that close and open.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).parent
WIDTH, HEIGHT = 1320, 900
SHOWN = 560  # pixels across
STOPS = 1.0, 0.0, -1.0, -2.0, -1.0, 0.0
PARTS = ".panel", "svg.vae-diagram", "table.rows >> nth=0"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder) / "play.html"
        command = [sys.executable, "-m", "vae_explain", "play", "--no-open", "-o", str(path)]
        subprocess.run(command, check=True, capture_output=True)
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.goto(path.as_uri())
        page.locator("html[data-live=ready]").wait_for(state="attached")
        frames = [_frame(page, stop) for stop in STOPS]
        browser.close()
    first, *others = (frame.quantize(56, dither=Image.Dither.NONE) for frame in frames)
    first.save(HERE / "play.gif", save_all=True, append_images=others, duration=700, loop=0)


def _frame(page: Page, x: float) -> Image.Image:
    """Return the page's parts under each other, with another first number of x."""
    slider = page.get_by_label("x[0]", exact=True).first
    slider.evaluate(
        "(range, value) => { range.value = value; range.dispatchEvent(new Event('input')); }", x
    )
    page.locator("html:not([data-writing])").wait_for(state="attached")
    parts = [Image.open(io.BytesIO(page.locator(part).screenshot())) for part in PARTS]
    parts = [
        part.convert("RGB").resize((SHOWN, part.height * SHOWN // part.width)) for part in parts
    ]
    frame = Image.new("RGB", (SHOWN, sum(part.height for part in parts)), "white")
    top = 0
    for part in parts:
        frame.paste(part, (0, top))
        top += part.height
    return frame


if __name__ == "__main__":
    main()
