"""Pages by chance, and every line of arithmetic on them: none may not hold.

    python -m tests.printed_lines --runs 300 --seed 1

asks for pages of all commands, formats and digits, reads them back and computes each line from its
text alone.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from . import documents, html_pages, test_latex_document
from .fuzz_files import written_model
from .pages import Claim, claims, command_line
from .pocket_calculator import broken
from .printed_tables import implied

ACTIVATIONS = ("relu", "tanh", "sigmoid", "leaky_relu", "elu", "gelu", "silu", "softplus")
WIDTHS = (40, 60, 80, 120, 200)
COMMANDS = (
    "forward", "backward", "why", "update", "train", "sample", "check", "params", "audit",
    "compare", "document",
)  # fmt: skip
# What computes in PyTorch's own numbers alone.
FULL_ALONE = ("update", "train", "audit")


class Page(NamedTuple):
    """A page that is asked for: its format, the words of the command, and its width."""

    form: str
    words: list[str]
    columns: int


def asked(chance: random.Random, folder: Path) -> Page:
    """Ask for a page by chance: of the built-in VAE, or of a model that is put together."""
    command, rows = chance.choice(COMMANDS), chance.choice((1, 1, 2, 3))
    form, words = "text", [command]
    if command in ("document", "compare"):
        form = chance.choice([each for each in READERS if command == "document" or each in SHARED])
        form = "markdown" if (command, form) == ("document", "text") else form
        words += ["--format", form]
    if is_own := chance.random() < 0.25:
        model, width = written_model(chance, folder)
        words += ["--model", model]
        low, high = -3.0, 3.0
    else:
        width, options, (low, high) = _built_in(chance)
        words += options

    def x() -> str:
        row = (chance.uniform(low, high) for _ in range(width))
        return ",".join(f"{each:.{chance.choice((0, 1, 4, 9))}f}" for each in row)

    words += [f"--x={x()}" for _ in range(rows)]
    words += ["--seed", str(chance.randrange(2**32))]
    words += ["--digits", str(chance.randrange(18))] if chance.random() < 0.8 else []
    if command == "why":
        first = "[0]" if rows == 1 or is_own else "[0,0]"
        targets = ("mu[0,0]", "first.weight.grad[0,0]") if is_own else ("fc1.weight.grad[0,0]",)
        words += [chance.choice((*targets, "loss", *([] if is_own else [f"z{first}"]))), "--full"]
    words += {"train": ["--steps", "2", "--explain-step", "1"], "sample": ["--draws", "3"]}.get(
        command, []
    )
    words += ["--x2=" + x()] * (rows == 1) + ["--seed2", "7"] if command == "compare" else []
    if command not in FULL_ALONE:
        words += ["--arithmetic", chance.choice(("printed", "full"))]
    return Page(form, words, chance.choice(WIDTHS))


def _built_in(chance: random.Random) -> tuple[int, list[str], tuple[float, float]]:
    """Return the width of a VAE, the options that ask for it, and where its x may be."""
    widths = [chance.randint(1, 5) for _ in range(3)]
    recon = chance.choice(("mse", "bce"))
    options = ["--dims", "-".join(map(str, [*widths, *widths[-2::-1]]))]
    options += ["--activation", chance.choice(ACTIVATIONS), "--recon", recon]
    options += ["--reduction", chance.choice(("sum", "mean"))]
    return widths[0], options, (0.0, 1.0) if recon == "bce" else (-3.0, 3.0)


# --- reading them back ------------------------------------------------------------------


def claims_of(form: str, page: str) -> list[Claim]:
    """Return the lines of arithmetic of a page, and what its tables imply."""
    return [*READERS[form](page), *implied(form, page)]


def _in_notebook(text: str) -> list[Claim]:
    cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown"]
    return documents.claims("\n\n".join("".join(cell["source"]) for cell in cells))


def _in_html(text: str) -> list[Claim]:
    """Return the lines of a document and those that its script writes."""
    document = html_pages.parsed(text)
    found = html_pages.claims(document)
    failed = {claim.label for claim in found if "PyTorch has" in claim.remark}
    has_data = any(each.attributes.get("id") == "page:data" for each in document.all("script"))
    if failed or not has_data:
        return found
    data = html_pages.data_of(document)
    for position in data["lines"]:
        result = data["results"].get(position, data["numbers"][int(position)][2])
        value = html_pages.parsed(result).written.split(" ")[0]
        found.append(Claim(position, (html_pages.filled(data, position),), value))
    return found


READERS: Mapping[str, Callable[[str], list[Claim]]] = {
    "text": claims,
    "markdown": documents.claims,
    "latex": test_latex_document.claims,
    "html": _in_html,
    "notebook": _in_notebook,
}
SHARED = ("text", "markdown", "latex", "html")  # of what is no document


def _broken(claim: Claim) -> list[str]:
    try:
        return broken([claim])
    except (AssertionError, ArithmeticError, ValueError) as error:
        return [f"{claim}: {error}"]


def main() -> None:
    parser = argparse.ArgumentParser(description="Compute the lines of pages by chance.")
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        for number in range(given.runs):
            page = asked(random.Random(f"{given.seed}-{number}"), Path(name))
            outcome = command_line(*page.words, columns=page.columns)
            counts[f"exit code {outcome.code}"] += 1
            found = claims_of(page.form, outcome.out) if outcome.code != 2 else []
            lines = [claim for claim in found if claim.summands]
            wrong = [line for each in lines for line in _broken(each)]
            counts["lines"] += len(lines)
            counts[f"lines of {page.words[0]}"] += len(lines)
            counts["that do not hold"] += len(wrong)
            if wrong or outcome.code == 2:
                print(f"vae-explain {' '.join(page.words)}", outcome.err.strip()[-300:], flush=True)
                print(*(f"    {each}" for each in wrong[:5]), sep="\n", flush=True)
    print(", ".join(f"{name}: {count}" for name, count in sorted(counts.items())))
    sys.exit(bool(counts["that do not hold"]))


if __name__ == "__main__":
    main()
