"""What of a page depends on the weight of the KL, β: its formulas, and a few of its words.

A weight is folded into the constants of formulas, and where it is 0 or 1 a factor or a term goes
away. So the page is written with other weights, and what differs is kept: as it reads where a
weight is special, and for all others with gaps for its multiples.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

PROBES = 0.7313, 0.3179  # weights that are nothing special
MOST_SPECIAL = 5
_NUMBER = re.compile(r"<mn>\d+\.?\d*</mn>|\d+\.\d+")
_MARKS = re.compile(r"<[^>]*>")
NEAR = 1e-6

Texts = Sequence[str]


Part = str | float | list[float]


def gaps(one: str, other: str) -> list[Part] | None:
    """Cut a text that two weights gave at the multiples of the weight; None if more differs.

    Those in a formula stand in a list.

    Examples
    --------
    >>> gaps("kl with weight 0.7313.", "kl with weight 0.3179.")
    ['kl with weight ', 1.0, '.']
    """
    texts = [_NUMBER.split(text) for text in (one, other)]
    if texts[0] != texts[1]:
        return None
    pairs = zip(_NUMBER.findall(one), _NUMBER.findall(other), strict=True)
    parts: list[Part] = [texts[0][0]]
    for (first, second), text in zip(pairs, texts[0][1:], strict=True):
        if first == second:
            parts[-1] = f"{parts[-1]}{first}{text}"
            continue
        values = [float(_MARKS.sub("", number)) for number in (first, second)]
        times = values[0] / PROBES[0]
        if abs(times * PROBES[1] - values[1]) > NEAR:
            return None
        multiple = round(times, 9)
        parts += [[multiple] if "<" in first else multiple, text]
    return parts


def varying(base: Texts, written: Callable[[float], Texts]) -> dict[int, dict[str, Any]] | None:
    """Return the texts that depend on the weight, by position; None if more than texts does.

    Parameters
    ----------
    written
        Writes the page's fixed texts with a weight.
    """
    probes = [written(weight) for weight in PROBES]
    if any(len(texts) != len(base) for texts in probes):
        return None
    places = [at for at, pair in enumerate(zip(*probes, strict=True)) if pair[0] != pair[1]]
    general = {at: gaps(probes[0][at], probes[1][at]) for at in places}
    if any(parts is None for parts in general.values()):
        return None
    gaps_of_all = [part for parts in general.values() for part in parts or ()]
    multiples = {part[0] for part in gaps_of_all if isinstance(part, list) and part[0]}
    special = sorted({0.0, 1.0, *(1 / each for each in multiples)})[:MOST_SPECIAL]
    by_position: dict[int, dict[str, Any]] = {at: {"else": parts} for at, parts in general.items()}
    for weight in special:
        texts = aligned(written(weight), probes[0])
        if texts is None:
            return None
        for at, text in enumerate(texts):
            if at in by_position or text != probes[0][at]:
                usual = {"else": [probes[0][at]]}
                by_position.setdefault(at, usual)[f"{weight:g}"] = text
    return {at: _brief(texts) for at, texts in by_position.items()}


def _brief(texts: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what special texts share with the usual one: its start, and its end.

    Examples
    --------
    >>> _brief({"else": ["a + ", 1.0, "·b = c"], "0": "a = c"})
    {'else': ['a + ', 1.0, '·b = c'], '0': [2, '', 3]}
    """
    usual = texts["else"]
    brief = {"else": usual}
    for weight, text in texts.items():
        if weight == "else" or [text] == usual:
            continue
        start = _shared(text, usual[0])
        end = _shared(text[start:][::-1], usual[-1][::-1])
        brief[weight] = [start, text[start : len(text) - end], end]
    return brief


def _shared(one: str, other: str) -> int:
    """Return how many characters two texts have in common at their start."""
    pairs = zip(one, other, strict=False)
    apart = (at for at, (first, second) in enumerate(pairs) if first != second)
    return next(apart, min(len(one), len(other)))


def aligned(texts: Texts, usual: Texts) -> list[str] | None:
    """Return texts beside the usual ones, empty where one is left out; None if one is new."""
    rows: list[str] = []
    matcher = difflib.SequenceMatcher(None, usual, texts, autojunk=False)
    for _, start, end, first, last in matcher.get_opcodes():
        left_out = (end - start) - (last - first)
        if left_out < 0:
            return None
        rows += [*[""] * left_out, *texts[first:last]]
    return rows


def weighted(one: Any, other: Any) -> Any:
    """Return formulas that two weights gave as one, with `["b", times]` for a multiple of it."""
    if isinstance(one, list):
        return [weighted(*pair) for pair in zip(one, other, strict=True)]
    if isinstance(one, float) and one != other:
        return ["b", round(one / PROBES[0], 12)]
    return one


def formulas(contracts: Mapping[float, Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return the formulas for any weight, those that are others where it is 1, and the terms.

    None if they are not alike.
    """
    names = [[array["name"] for array in each["arrays"]] for each in contracts.values()]
    if any(each != names[0] for each in names):
        return None
    try:
        general, terms = (
            weighted(*(contracts[weight][part] for weight in PROBES))
            for part in ("formulas", "terms")
        )
    except ValueError:  # other lengths: other formulas
        return None
    alone = contracts[1.0]["formulas"]
    if [array for array, _ in alone] != [array for array, _ in general]:
        return None
    sets = {"1": [one for one in alone if one not in general], "else": general}
    return {"sets": sets, "terms": terms}
