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
import tempfile
import time
from collections import Counter
from pathlib import Path

from vae_explain.models.builtin_config import ACTIVATIONS

from .fuzz_files import damaged_request, model_request, number_text, numbers_text, pristine
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
    "audit",
)
TARGETS = ("z", "mu[0]", "logvar.grad", "loss", "fc1.weight.grad", "kl", "decoder_hidden", "z.grad")
DIMS = ("4-8-2-8-4", "3-5-1-5-3", "6-7-4-2-4-7-6", "2-3-3-2", "5-20-3-20-5")
# A run's own end, which it may be marked for.
ENDS = re.compile(
    r"step overflows|step goes too far|the run diverged|the run ended at|is finite, but"
    r"|is the first (?:value|operation) that is not finite",
    re.I,
)
OF_ENDS = re.compile(
    r"✗[* ]*(The|Step \d|the loss is finite|\S+ is the first (?:value|operation) that is not finite"
    r"|\d+ errors?,)"
)
# What a run says of itself that is refused as a whole.
LONGEST = 30.0  # seconds of the processor, which a busy machine does not stretch


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
    if command not in ("sample", "train", "params", "audit") and chance.random() < 0.4:
        for _ in range(rows):
            words += ["--eps", numbers_text(chance, latent, largest if bce else 5)]
    if command not in ("update", "train", "params", "audit") and chance.random() < 0.6:
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


def fault_of_reading(outcome: Outcome) -> str:
    """Say what is wrong with an answer about a file that may hold anything; empty if nothing is."""
    if outcome.code not in (0, 1, 2):
        return f"exit code {outcome.code}"
    if "internal error" in outcome.err or "Traceback" in outcome.err:
        return "internal error"
    warnings = [line for line in outcome.err.splitlines() if "vae-explain: warning" in line]
    if any("disagrees with itself" not in line for line in warnings):
        return "a warning of ours"
    if outcome.code == 2:
        errors = [
            line for line in outcome.err.splitlines() if line.startswith("vae-explain: error")
        ]
        return "" if len(errors) == 1 and not outcome.out else "an error that is not one line"
    return ""


def fault(outcome: Outcome) -> str:
    """Say what is wrong with an answer about numbers that are right; empty if nothing is."""
    wrong = fault_of_reading(outcome)
    if wrong or outcome.code == 2:
        return wrong
    ended = ENDS.search(" ".join(outcome.out.split()))
    marked = [line for line in outcome.out.splitlines() if re.search("✗|FAILED", line)]
    if ended:
        marked = [line for line in marked if not OF_ENDS.search(line)]
    if marked:
        return f"a false verdict: {marked[0].strip()}"
    return "exit code 1 for nothing" if outcome.code == 1 and not ended else ""


def main() -> None:
    parser = argparse.ArgumentParser(description="Make requests by chance and judge the answers.")
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="of the seed's requests")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        counts = answered(asked.requests, asked.seed, Path(name), asked.first)
    print(", ".join(f"{name}: {count}" for name, count in sorted(counts.items())))
    sys.exit(bool(counts["faults"]))


def answered(requests: int, seed: int, folder: Path, first: int = 0) -> Counter[str]:
    """Make requests, print what is wrong with an answer, and count."""
    counts: Counter[str] = Counter()
    pristine(folder)
    for number in range(first, first + requests):
        chance = random.Random(f"{seed}-{number}")
        kind = chance.choices(("options", "damaged file", "own model"), (3, 2, 1))[0]
        if kind == "options":
            words, judge = request(chance), fault
        elif kind == "damaged file":
            words, judge = damaged_request(chance, folder), fault_of_reading
        else:
            words, judge = model_request(chance, folder), fault
        start = time.process_time()
        outcome = command_line(*words)
        took = time.process_time() - start
        wrong = judge(outcome) or (f"took {took:.0f} s" if took > LONGEST else "")
        counts[f"{kind}, exit code {outcome.code}"] += 1
        if wrong:
            counts["faults"] += 1
            print(
                f"{number}: {wrong}\n    vae-explain {' '.join(words)}\n"
                f"    {outcome.err.strip()[-300:]}",
                flush=True,
            )
    return counts


if __name__ == "__main__":
    main()
