"""A loss curve as a picture, by matplotlib: the optional extra `plot`."""

from __future__ import annotations

import io
import itertools
from collections.abc import Sequence
from pathlib import PurePath

from ..pictured import Series

COLORS = {"total": "#444444", "reconstruction": "#6f83c4", "kl": "#c4625f"}
OTHERS = ("#5f9c76", "#9a6fb5", "#7d7d7d")  # for further terms, in turn


def curve(series: Sequence[Series], title: str, name: str) -> bytes:
    """Return the picture in the format that a file's name ends with, svg or png.

    The same numbers give the same bytes: no date, and no random names in the SVG.
    """
    import matplotlib
    from matplotlib.figure import Figure

    kind = PurePath(name).suffix[1:].lower()
    left, further = dict(COLORS), itertools.cycle(OTHERS)
    with matplotlib.rc_context({"svg.hashsalt": "vae-explain", "svg.fonttype": "none"}):
        figure = Figure(figsize=(7, 4.2), layout="constrained")
        axes = figure.add_subplot()
        for each in series:
            color = left.pop(each.role, "") or next(further)
            marker = "o" if len(each.values) == 1 else ""
            steps = range(len(each.values))
            axes.plot(steps, each.values, label=each.name, color=color, marker=marker)
        axes.set_xlabel("step")
        axes.set_ylabel("loss")
        axes.set_title(title)
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
        picture = io.BytesIO()
        figure.savefig(picture, format=kind, metadata={"Date": None} if kind == "svg" else None)
    return picture.getvalue()
