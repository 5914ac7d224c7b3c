"""`python -m museum`: what is said of each fault, and whether its right twin is left in peace.

python -m museum                       # all of it
python -m museum kl-sign one_head      # some, by the id of the finding or by name
"""

from __future__ import annotations

import sys
from collections import Counter

from .cases import cases

WIDTHS = 34, 22, 9


def main(names: tuple[str, ...]) -> int:
    """Print the table; return 0 if every fault is named and nothing right is alarmed of."""
    counts: Counter[str] = Counter()
    for case in cases(names):
        alarms = case.found("right")
        counts["false alarms"] += bool(alarms)
        said = f"FALSE ALARM: {', '.join(sorted(alarms))}" if alarms else "quiet"
        verdict = "right"
        if case.kind == "right":
            counts["right"] += 1
        else:
            found = case.found("faulty")
            verdict = case.verdict(found)
            counts[verdict] += 1
            others = sorted(found - {case.expected} - case.also)
            said += f"; also {', '.join(others)}" if others else ""
        columns = zip((case.name, case.expected or "-", verdict), WIDTHS, strict=True)
        print(" ".join(text.ljust(width) for text, width in columns), said)
    if not counts:
        print(f"no fault and no finding is called {', '.join(names)}", file=sys.stderr)
        return 2
    faults = sum(counts[verdict] for verdict in ("named", "related", "silent"))
    print(
        f"\n{faults} faults: {counts['named']} named, {counts['related']} related, "
        f"{counts['silent']} silent; {counts['false alarms']} false alarms among {faults} right "
        f"twins and {counts['right']} further right models"
    )
    return int(counts["named"] < faults or counts["false alarms"] > 0)


if __name__ == "__main__":
    raise SystemExit(main(tuple(sys.argv[1:])))
