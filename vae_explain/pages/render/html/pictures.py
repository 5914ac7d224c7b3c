"""Curves and the plain form of the diagram: what a document shows as a picture."""

from __future__ import annotations

import math

from ...pictured import Curve, Diagram, Series
from .escaping import escape
from .links import typeset

WIDTH, HEIGHT, MARGIN = 640, 180, 6


def curve(block: Curve) -> str:
    """Draw each series in a frame of its own, so that a small one is no flat line."""
    return "".join(_figure(block.axis, series) for series in block.series)


def _figure(axis: str, series: Series) -> str:
    finite = [value for value in series.values if math.isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    lines = "".join(
        f'<polyline class="{series.role}" points="{" ".join(run)}"/>'
        for run in _runs(series.values, low, high)
    )
    count = len(series.values)
    first, last = (typeset(f"{series.values[i]:.6g}") for i in (0, -1)) if count else ("", "")
    words = (
        f"{series.name} from {axis} 0 to {count - 1:,}: "
        f"{first} at the start, {last} at the end, between {low:.6g} and {high:.6g}"
    )
    frame = f'<rect class="frame" x="0.5" y="0.5" width="{WIDTH - 1}" height="{HEIGHT - 1}"/>'
    return (
        f'<figure class="curve"><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(words)}">{frame}{lines}</svg>'
        f"<figcaption>{escape(words)}</figcaption></figure>"
    )


def _runs(values: tuple[float, ...], low: float, high: float) -> list[list[str]]:
    """Return the points of each stretch of finite values."""
    across = (WIDTH - 2 * MARGIN) / max(len(values) - 1, 1)
    up = (HEIGHT - 2 * MARGIN) / (high - low) if high > low else 0.0
    runs: list[list[str]] = [[]]
    for position, value in enumerate(values):
        if not math.isfinite(value):
            runs.append([])
            continue
        x, y = MARGIN + position * across, HEIGHT - MARGIN - (value - low) * up
        runs[-1].append(f"{x:.1f},{y:.1f}")
    return [run for run in runs if run]


def stages(block: Diagram) -> str:
    """Write the layers in words, where no drawn picture is at hand."""
    items = "".join(
        f'<li><b>{escape(name)}</b> <span class="shape">{escape(size)}</span></li>'
        for name, size in block.stages
    )
    return f'<ol class="stages">{items}</ol>'
