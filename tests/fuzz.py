"""Requests by chance, and what no answer to any of them may be.

PyTorch computed each run, so nothing in it is wrong: no line may be marked, but for a run that
says itself that it overflows or ends. An error is one line, and none is ours.

    python -m tests.fuzz --requests 20000 --seed 1
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
from collections import Counter

from vae_explain.models.builtin_config import ACTIVATIONS

from .pages import Outcome, command_line

COMMANDS = (
    "forward",
    "backward",
    "check",
    "document",
    "update",
    "sample",
    "train",
    "why",
    "params",
)
TARGETS = ("z", "mu[0]", "logvar.grad", "loss", "fc1.weight.grad", "kl", "decoder_hidden", "z.grad")
DIMS = ("4-8-2-8-4", "3-5-1-5-3", "6-7-4-2-4-7-6", "2-3-3-2", "5-20-3-20-5")
# A run's own end, which it may be marked for.
ENDS = re.compile(r"step overflows|step goes too far|the run diverged|the run ended at", re.I)
# What a run says of itself that is refused as a whole.
LONGEST = 30.0  # seconds


def number_text(chance: random.Random, largest: float) -> str:
    """Return a number as one might type it: whole, decimal, with an exponent, 0 or tiny."""
    size = chance.uniform(-1, 1) * 10 ** chance.uniform(-2, 0) * largest
    kinds = (f"{size:.0f}", f"{size:.4f}", f"{size:.3g}", repr(size), "0", "-0.0", "1e-40", "1")
    return chance.choices(kinds, (4, 4, 4, 4, 1, 1, 1, 1))[0]


def numbers_text(chance: random.Random, count: int, largest: float) -> str:
    return ",".join(number_text(chance, largest) for _ in range(count))


def request(chance: random.Random) -> list[str]:
    """Return the words of a command: now and then of one that cannot be done."""
    command = chance.choice(COMMANDS)
    words = [command]
    dims = chance.choice(DIMS)
    sizes = [int(size) for size in dims.split("-")]
    latent = sizes[len(sizes) // 2] if len(sizes) % 2 else sizes[len(sizes) // 2 - 1]
    words += ["--dims", dims] if dims != DIMS[0] or chance.random() < 0.2 else []
    words += ["--activation", chance.choice(ACTIVATIONS)]
    words += ["--seed", str(chance.randrange(1000))]
    bce = chance.random() < 0.3
    words += ["--recon", "bce"] if bce else []
    words += ["--reduction", "mean"] if chance.random() < 0.3 else []
    words += ["--beta", number_text(chance, 10).lstrip("-")] if chance.random() < 0.3 else []
    largest = 10 ** chance.uniform(0, 4)
    rows = chance.choice((1, 1, 1, 2, 3))
    for _ in range(rows):
        x = [str(chance.choice((0, 1, 0.5, round(chance.random(), 3)))) for _ in range(sizes[0])]
        words += ["--x", ",".join(x) if bce else numbers_text(chance, sizes[0], largest)]
    if command not in ("sample", "train", "params") and chance.random() < 0.4:
        for _ in range(rows):
            words += ["--eps", numbers_text(chance, latent, largest if bce else 5)]
    if command not in ("update", "train", "params") and chance.random() < 0.6:
        words += ["--arithmetic", chance.choice(("full", "printed"))]
    words += ["--digits", str(chance.randrange(2, 9))] if chance.random() < 0.2 else []
    if command in ("update", "train", "document") and chance.random() < 0.5:
        words += ["--lr", chance.choice(("0.01", "1", "100", "1e-5", "1e6"))]
    if command == "train":
        words += ["--steps", str(chance.randrange(1, 12))]
        words += ["--explain-step", "0"] if chance.random() < 0.5 else []
    words += ["--draws", str(chance.randrange(2, 6))] if command == "sample" else []
    words += [chance.choice(TARGETS)] if command == "why" else []
    if chance.random() < 0.05:
        words.append(chance.choice(("--x", "--seed=-1", "--nothing", "--eps=1", "--beta=nan", "é")))
    return words


def fault(outcome: Outcome) -> str:
    """Say what is wrong with an answer; empty if nothing is."""
    if outcome.code not in (0, 1, 2):
        return f"exit code {outcome.code}"
    if "internal error" in outcome.err or "Traceback" in outcome.err:
        return "internal error"
    if "vae-explain: warning" in outcome.err:
        return "a warning of ours"
    if outcome.code == 2:
        errors = [
            line for line in outcome.err.splitlines() if line.startswith("vae-explain: error")
        ]
        return "" if len(errors) == 1 and not outcome.out else "an error that is not one line"
    ended = ENDS.search(" ".join(outcome.out.split()))
    marked = [line for line in outcome.out.splitlines() if re.search("✗|FAILED", line)]
    if ended:
        marked = [line for line in marked if not re.search(r"✗[* ]*(The|Step \d)", line)]
    if marked:
        return f"a false verdict: {marked[0].strip()}"
    return "exit code 1 for nothing" if outcome.code == 1 and not ended else ""


def main() -> None:
    parser = argparse.ArgumentParser(description="Make requests by chance and judge the answers.")
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    counts: Counter[str] = Counter()
    for number in range(asked.requests):
        words = request(random.Random(f"{asked.seed}-{number}"))
        start = time.monotonic()
        outcome = command_line(*words)
        took = time.monotonic() - start
        wrong = fault(outcome) or (f"took {took:.0f} s" if took > LONGEST else "")
        counts[f"exit code {outcome.code}"] += 1
        if wrong:
            counts["faults"] += 1
            print(
                f"{wrong}\n    vae-explain {' '.join(words)}\n    {outcome.err.strip()[-300:]}",
                flush=True,
            )
    print(", ".join(f"{name}: {count}" for name, count in sorted(counts.items())))
    sys.exit(bool(counts["faults"]))


if __name__ == "__main__":
    main()
