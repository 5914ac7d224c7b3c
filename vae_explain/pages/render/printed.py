"""A page or a picture as PDF or PNG, printed by Chromium: the optional extra `print`.

Chromium typesets the formulas and takes the style for paper as every browser does, so what is
printed is the HTML document itself. Playwright drives it, headless and without a network.
"""

from __future__ import annotations

import re
import shutil
from typing import Literal

from ...errors import UserError

Kind = Literal["pdf", "png"]
# An installed browser is taken first; else the one that `playwright install chromium` brings.
BROWSERS = "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"
TIMEOUT = 120_000  # milliseconds for each step: a page of hundreds of formulas takes some seconds
WIDTH, SHARPNESS = 1000, 2  # of a picture of a page, in pixels, and how many of them make one
MISSING = (
    "printing needs Playwright and a Chromium; install them with: pip install "
    "'vae-explain[print]', and if there is no Chromium: playwright install chromium"
)


class CannotPrint(UserError):
    """There is nothing here that prints."""

    option = "--output"


def printed(markup: str, kind: Kind) -> bytes:
    """Print an HTML file, or an SVG picture on paper of its own size.

    Raises
    ------
    CannotPrint
        If Playwright or its browser is missing, or if the browser cannot draw the page.
    """
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        raise CannotPrint(MISSING) from None
    size = re.match(r'<svg[^>]* width="([\d.]+)" height="([\d.]+)"', markup)
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=path)
        except Error:
            raise CannotPrint(MISSING) from None
        try:
            page = browser.new_page(
                java_script_enabled=False,
                color_scheme="light",
                viewport={"width": WIDTH, "height": 700},
                device_scale_factor=SHARPNESS,
            )
            page.set_default_timeout(TIMEOUT)
            page.set_content(f'<body style="margin: 0">{markup}</body>' if size else markup)
            if kind == "png":
                return page.locator("svg").screenshot() if size else page.screenshot(full_page=True)
            if size:
                return page.pdf(width=f"{size[1]}px", height=f"{float(size[2]) + 1}px")
            return page.pdf(prefer_css_page_size=True, format="A4", print_background=True)
        except Error as error:
            what = str(error).splitlines()[0].rstrip(".")
            raise CannotPrint(
                f"Chromium could not draw the page ({what}); write it as .html and print that"
            ) from None
