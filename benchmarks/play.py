"""How long the live page takes to answer: `python benchmarks/play.py`, with Chromium installed.

Prints the median of 50 responses, from the change of a number to the end of layout of what is
seen; and, as their ratio, how much longer until all of the page is written.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

MODELS = "4-8-2-8-4", "28-40-6-40-28", "196-80-8-80-196"  # 136 parameters, 3,000, 33,000
RESPONSES = 50
MEASURE = """async (count) => {
  const range = document.querySelector(".slider input");
  const seen = [], all = [];
  for (let k = 0; k < count; k += 1) {
    range.value = String((k % 40) / 10 - 2);
    const start = performance.now();
    range.dispatchEvent(new Event("input", { bubbles: true }));
    void document.body.offsetHeight;
    seen.push(performance.now() - start);
    while (document.documentElement.dataset.writing !== undefined) {
      await new Promise((done) => setTimeout(done));
    }
    all.push(performance.now() - start);
  }
  return [seen, all].map((times) => times.sort((a, b) => a - b)[Math.floor(count / 2)]);
}"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for dims in MODELS:
            path = Path(folder) / f"{dims}.html"
            command = [sys.executable, "-m", "vae_explain", "play", "--no-open", "--dims", dims]
            command += ["--x", ",".join(["0.5"] * int(dims.partition("-")[0]))]
            subprocess.run([*command, "-o", str(path)], check=True, capture_output=True)
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(path.as_uri())
            page.locator("html[data-live=ready]").wait_for(state="attached")
            seen, whole = page.evaluate(MEASURE, RESPONSES)
            size = path.stat().st_size / 1000
            print(
                f"{dims:>14}  {seen:6.1f} ms seen, all {whole / seen:.1f} times that; {size:.0f} kB"
            )
        browser.close()


if __name__ == "__main__":
    main()
