"""The HTML document in a real browser: Debian's Chromium, driven by Playwright.

Without Chromium these tests are skipped; where `VAE_EXPLAIN_NEEDS_BROWSER` is set, as it
is in `.ci/run`, they fail instead.
"""
