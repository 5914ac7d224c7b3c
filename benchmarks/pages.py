"""How long the pages of a large model take, beside the run that they explain.

The model is a VAE of widths 784-400-20-400-784. A page is composed, which evaluates and
compares its arithmetic, laid out and written as text, all in one process in which PyTorch
is loaded and the model has run; `startup.py` says what loading takes. Runs and pages are
measured in turn, and medians are compared.

    python benchmarks/pages.py --repeats 7
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable
from statistics import median
from typing import NamedTuple

import numpy as np

from vae_explain.cli.names import target_of
from vae_explain.engine.provenance import Provenance
from vae_explain.engine.run import Arithmetic, Run
from vae_explain.models.builtin_config import Architecture
from vae_explain.models.request import Request
from vae_explain.pages.blocks import Walkthrough
from vae_explain.pages.checks import Checks
from vae_explain.pages.render.structured import json
from vae_explain.pages.render.terminal import terminal
from vae_explain.pages.walkthrough import backward, forward, why
from vae_explain.pipeline import run as run_model

WIDTHS = 784, 400, 20, 400, 784
COLUMNS = 80
Page = Callable[[Run], str]


class Case(NamedTuple):
    """A page, the rows of its batch, its arithmetic, and the seconds to stay under."""

    label: str
    page: Page
    rows: int
    arithmetic: Arithmetic
    target: float | None


def text(page: tuple[Walkthrough, Checks]) -> str:
    return terminal.plain(terminal.lay_out(page[0], COLUMNS))


def page_of(name: str) -> Page:
    """Return the page that `why` writes for a number."""

    def page(run: Run) -> str:
        place = target_of(name, None, run, lambda name: run.value(name).shape)
        element = Provenance(run).target(place.name, place.gradient, place.element or ())
        return text(why.why(run, element))

    return page


def document(run: Run) -> str:
    return "".join(json.dump(run, "forward", forward.forward(run)[1]))


CASES = (
    Case("forward", lambda run: text(forward.forward(run)), 1, "printed", 0.3),
    Case("forward", lambda run: text(forward.forward(run)), 128, "printed", 0.3),
    Case("backward", lambda run: text(backward.backward(run)), 128, "full", None),
    Case("why fc1.weight.grad[0,1]", page_of("fc1.weight.grad[0,1]"), 128, "full", 0.2),
    Case("why loss", page_of("loss"), 128, "printed", 0.2),
    Case("why kl", page_of("kl"), 128, "printed", 0.2),
    Case("why recon_x[0,0]", page_of("recon_x[0,0]"), 128, "printed", 0.2),
    Case("forward as JSON", document, 128, "printed", None),
)


def measure(case: Case, repeats: int) -> tuple[float, float, int]:
    """Return the median seconds of a case's run and of its page, and how long the page is."""
    rows = np.random.default_rng(0).random((case.rows, WIDTHS[0]))
    request = Request(
        x=tuple(map(tuple, rows.tolist())),
        arithmetic=case.arithmetic,
        source=Architecture(dims=WIDTHS),
    )
    runs, pages, written = [], [], ""
    for _ in range(repeats + 1):  # the first is not counted
        started = time.perf_counter()
        run = run_model(request)
        ran = time.perf_counter()
        written = case.page(run)
        runs.append(ran - started)
        pages.append(time.perf_counter() - ran)
    return median(runs[1:]), median(pages[1:]), len(written)


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def main() -> None:
    """Measure and print, a line as each is known."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=positive, default=7, help="rounds counted (default: 7)")
    repeats = parser.parse_args().repeats
    gc.disable()  # as the command line does
    width = max(len(case.label) for case in CASES)
    print(f"{'page':<{width}}  rows  run s  page s  ratio  written kB  target")
    for case in CASES:
        run, page, size = measure(case, repeats)
        gc.collect()
        met = ""
        if case.target is not None:
            met = f"{case.target:6.1f}  {'met' if page <= case.target else 'NOT MET'}"
        print(
            f"{case.label:<{width}}  {case.rows:4}  {run:5.2f}  {page:6.3f}  {page / run:5.2f}  "
            f"{size / 1e3:10,.0f}  {met}".rstrip(),
            flush=True,
        )


if __name__ == "__main__":
    main()
