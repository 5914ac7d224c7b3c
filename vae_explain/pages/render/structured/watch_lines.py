"""A watched training run as JSON lines: one for each step, each look, and one for all of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ....analysis.watch import Look, Watched
from .json import fields, plain, text
from .reports import finding_of, whole_of


def write(watched: Watched) -> str:
    """Return the lines in the order of the steps, a look behind its step."""
    return "".join(text("watch", **entry) for entry in _entries(watched))


def _entries(watched: Watched) -> Iterator[dict[str, Any]]:
    looks: dict[int, list[Look]] = {}
    for look in watched.looks:
        looks.setdefault(look.step, []).append(look)
    for step, (loss, training) in enumerate(zip(watched.losses, watched.training, strict=True)):
        yield {"kind": "step", "step": step, "loss": plain(loss), "training": training}
        yield from map(_look, looks.pop(step, []))
    for late in looks.values():
        yield from map(_look, late)
    yield {"kind": "whole", **whole_of(watched)}


def _look(look: Look) -> dict[str, Any]:
    return {
        "kind": "look",
        **fields(look, "step why loss again refused"),
        "findings": [finding_of(finding) for finding in look.findings],
        "latents": [fields(each, "name kl collapsed") for each in look.latents],
        "terms": [
            {"name": term.name, "value": plain(term.value), "gradient_norm": plain(term.norm)}
            for term in look.terms
        ],
        "angles": [fields(angle, "first second degrees ratio") for angle in look.angles],
    }
